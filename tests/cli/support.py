"""The command line as its users meet it: in this process, and as a program of its own."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import apsw
from typer.testing import CliRunner, Result

from assent.cli.app import app
from assent.ledger import Ledger
from tests.ledger.support import rechain

SMALL = ("--steps", "40")


def invoke(*arguments: str | Path) -> Result:
    """Runs a command in this process; what it raised, other than its exit, is raised here."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def records(text: str) -> list[dict[str, Any]]:
    """The JSON lines, checked: every line is one, the first is `launch`, the last is `done`."""
    lines = [json.loads(line, parse_constant=_no_constant) for line in text.splitlines()]
    assert lines[0]["record"] == "launch", text
    assert lines[-1]["record"] == "done", text
    assert [line["record"] for line in lines[1:-1]].count("launch") == 0
    assert [line["record"] for line in lines[1:-1]].count("done") == 0
    return lines


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def ask_json(*arguments: str | Path) -> dict[str, Any]:
    """The `done` record of a command, whose exit code is the one that it names."""
    result = invoke(*arguments, "--json")
    done = records(result.stdout)[-1]
    assert done["exit"] == result.exit_code
    return done


def made(path: Path, *arguments: str, run: str = "twins-0") -> Path:
    """A ledger with a short run of twins."""
    result = invoke("run", "twins", *SMALL, "--ledger", path, "--run", run, *arguments)
    assert result.exit_code == 0, result.output
    return path


def own(tmp_path: Path, name: str, *changes: tuple[str, str], called: str = "") -> str:
    """A file with a packaged level that was changed."""
    text = (files("assent.worlds.grid") / "levels" / f"{name}.level.toml").read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    text = text.replace(f'name = "{name}"', f'name = "{called or name}"')
    path = tmp_path / f"{called or name}.level.toml"
    path.write_text(text)
    return str(path)


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ASSENT_", "COV", "PYTHONPATH"))}
    root = str(Path(__file__).resolve().parents[2])
    return {**clean, "PYTHONPATH": root, "COLUMNS": "200", **more}


def program(
    *arguments: str | Path, folder: Path, scene: Path | None = None, prefix: Sequence[str] = (), **variables: str
) -> subprocess.Popen[str]:
    """`assent` as a process, behind the command `prefix`;
    with `scene`, the preset `digits` is unpickled from there, which saves fitting it again."""
    start = ["-m", "assent"] if scene is None else ["-m", "tests.cli.fitted", str(scene)]
    return subprocess.Popen(
        [*prefix, sys.executable, *start, *map(str, arguments)],
        cwd=folder,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str], *, code: int = 0) -> tuple[str, str]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, (process.returncode, out, err)
    return out, err


def keep(scene: Any, path: Path) -> Path:
    path.write_bytes(pickle.dumps(scene))
    return path


def events(path: Path, run: str) -> list[tuple[Any, ...]]:
    with Ledger.open(path, read_only=True) as ledger:
        return [(event.run, event.seq, event.kind, event.actor, event.body) for event in ledger.events(run)]


def rows_of(path: Path) -> Iterator[tuple[str, int, str]]:
    """Run, seq and body of every event, as SQLite has them."""
    connection = apsw.Connection(str(path))
    yield from list(connection.execute("SELECT run, seq, body FROM event ORDER BY run, seq"))
    connection.close()


def tamper(path: Path, sql: str, *bindings: Any, run: str | None = None) -> None:
    """Changes the file behind the ledger's back; with `run`, every hash of that run is made right again afterwards."""
    connection = apsw.Connection(str(path))
    triggers = list(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"))
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute(sql, bindings)
    if run is not None:
        rechain(connection, run)
    for _, text in triggers:
        connection.execute(text)
    connection.close()
