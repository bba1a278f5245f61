"""The documentation says what the program does. `python tests/test_docs.py` writes the generated parts anew."""

from __future__ import annotations

import doctest
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from assent.cli import config, output
from assent.cli.app import app

DOCS = Path(__file__).resolve().parent.parent / "docs"
KINDS = {int: "whole number", float: "number", Path: "path", str: "text"}
FLEXIBLE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def commands(group: typer.Typer = app, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names and functions of all commands, those of sub-groups included."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield prefix + (command.name or command.callback.__name__), command.callback
    for member in group.registered_groups:
        assert member.typer_instance is not None
        own = member.typer_instance.registered_callback
        if own is not None and own.callback is not None:  # a group that is a command too
            yield f"{prefix}{member.name}", own.callback
        yield from commands(member.typer_instance, f"{prefix}{member.name} ")


def parameters(function: Any) -> Iterator[tuple[str, str, str]]:
    """For each argument and option of a command: what is written, what it means, its default."""
    hints = typing.get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if not hasattr(hints[name], "__metadata__"):  # Typer's own context
            continue
        about, kind = hints[name].__metadata__[0], hints[name].__origin__
        optional = type(None) in typing.get_args(kind)
        kind = next((part for part in typing.get_args(kind) if optional and part is not type(None)), kind)
        many = typing.get_origin(kind) is list
        base = typing.get_args(kind)[0] if many else kind
        argument = isinstance(about, typer.models.ArgumentInfo)
        declared = [word for word in (about.default, *(about.param_decls or ())) if str(word).startswith("--")]
        written = (about.metavar or name.upper()) if argument else [*declared, f"--{name}".replace("_", "-")][0]
        if base is not bool and not argument:
            written += f" {KINDS[base]}" + (f" ≥ {about.min}" if about.min is not None else "")
        given = not any(parameter.default is nothing for nothing in (inspect.Parameter.empty, None, False))
        yield (
            written,
            about.help or "",
            f"`{parameter.default}`" if given else ("" if not argument or optional else "needed"),
        )


def command_section(name: str, function: Any) -> str:
    """The reference of one command, as Markdown."""
    lines = [f"### assent {name}", "", inspect.getdoc(function) or "", ""]
    lines += ["| argument or option | meaning | default |", "|---|---|---|"]
    for written, meaning, default in parameters(function):
        word, _, kind = written.replace("|", r"\|").partition(" ")
        lines.append(f"| {f'`{word}` {kind}'.strip()} | {meaning} | {default} |")
    return "\n".join(lines)


def generated() -> str:
    return "\n\n".join(command_section(name, function) for name, function in commands())


def parts(page: str) -> tuple[str, str, str]:
    """The page before, between and after the marks of the generated part."""
    found = re.fullmatch(r"(.*<!-- commands: [^\n]*-->\n)(.*)(<!-- /commands -->.*)", page, re.DOTALL)
    assert found, "docs/cli.md has lost the marks around its generated part"
    return found[1], found[2], found[3]


def table(heading: str) -> dict[str, list[str]]:
    """The cells of the table under a heading of the command line's page, by the text of the first cell."""
    section = (DOCS / "cli.md").read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows}


def names(cell: str) -> set[str]:
    """What stands between backticks."""
    return set(re.findall(r"`([^`]+)`", cell))


def terminal(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `command` of assent does when it is typed in `folder`, in a wide terminal and without settings of its own."""
    words = shlex.split(command)
    assert words[0] == "assent", f"only commands of assent can be checked: {command}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSENT_")}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_are_documented_as_they_are() -> None:
    _, between, _ = parts((DOCS / "cli.md").read_text(encoding="utf-8"))
    assert between.strip() == generated(), "docs/cli.md is stale: run `python tests/test_docs.py`"


@pytest.mark.slow
def test_the_generated_part_holds_what_help_prints(tmp_path: Path) -> None:
    """The generator is compared with the help texts, so that it cannot leave out an option."""
    for name, function in commands():
        shown = terminal(f"assent {name} --help", tmp_path).stdout
        options = set(re.findall(r"^ +(--[a-z-]+)", shown, re.MULTILINE)) - {"--help"}
        documented = {written.split()[0] for written, _, _ in parameters(function) if written.startswith("--")}
        assert options == documented, name


def test_every_exit_code_is_documented() -> None:
    codes = {value for name, value in vars(output).items() if name.isupper() and isinstance(value, int)}
    assert {int(code) for code in table("Exit codes")} == codes


def test_every_key_of_the_configuration_is_documented_with_its_default() -> None:
    parts = {"agent": config.AgentConfig, "overseer": config.OverseerConfig}
    fields = dict(config.RunConfig.model_fields)
    for name, part in parts.items():
        del fields[name]
        fields |= {f"{name}.{key}": field for key, field in part.model_fields.items()}
    documented = table("Configuration file")
    assert set(documented) == set(fields)
    for key, field in fields.items():
        default = "" if field.is_required() or field.default is None else str(field.default)
        assert documented[key][0].strip("`") == default, key


def test_every_environment_variable_does_what_is_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the file, under the flags."""
    values: dict[str, Any] = {
        "seed": 5,
        "run": "other",
        "ledger": Path("other.db"),
        "steps": 7,
        "group": 11,
        "checkpoint_every": 13,
        "agent.rule": "veto",
    }
    flags = {"seed": 8, "run": "flag", "ledger": Path("flag.db"), "steps": 9}
    file = tmp_path / "run.toml"
    lines = ['run = "one"', 'ledger = "one.db"', "seed = 1", "steps = 2", "group = 3", "checkpoint_every = 4"]
    file.write_text("\n".join(['preset = "twins"', *lines, "[agent]", 'rule = "rotation"', "delta = 0.25"]))
    documented = {variable: sorted(names(cells[0]))[0] for variable, cells in table("Environment variables").items()}
    assert set(documented.values()) == set(values)
    for variable, key in documented.items():
        assert variable == "ASSENT_" + key.upper().replace(".", "__")
        monkeypatch.setenv(variable, str(values[key]))
    loaded = config.load(str(file), {})
    assert {key: getattr(loaded, key) for key in values if key != "agent.rule"} | {"agent.rule": "veto"} == values
    assert (loaded.agent.rule, loaded.agent.delta) == ("veto", 0.25), "the rest of the file's agent stays"
    flagged = config.load(str(file), flags)
    assert {key: getattr(flagged, key) for key in flags} == flags


@pytest.mark.slow
def test_the_json_records_are_documented(tmp_path: Path) -> None:
    documented = table("JSON")
    assert set(documented) == {name for name, _ in commands()}
    calls = {
        "run": "twins --steps 20",
        "resume": "twins-0",
        "replay": "twins-0",
        "report": "twins-0",
        "play": "fork",
        "doctor": "",
        "oracle": "fork --horizon 2",
        "log verify": "",
        "log head": "",
        "log show": "twins-0",
        "log export": "events.jsonl",
        "study list": "",
        "study run": "silence --quick",
        "imitate bench": "cliff --seeds 1 --steps 50 --method minimum --workers 1",
        "imitate frontier": "cliff --seeds 1 --steps 50 --method minimum --workers 1",
        "imitate certificate": "twins-0",
        "imitate explain": "twins-0 1",
        "committee ways": "",
        "committee curve": "digits --most 2 --way tangent-one",
        "committee fit": "dropout digits --members 2 --out made.safetensors --work assent-committees/work",
        "committee compare": "digits made.safetensors deep --members 2 --work assent-committees/work",
        "committee inspect": "made.safetensors",
        "forecast": "--ftp 1/300 --none-by 2020 --by 2036 --register rain",
        "forecast deployment": "twins-0",
        "forecast resolve": "1 no",
        "forecast score": "",
        "forecast reproduce": "davidson2021",
        "forecast calculate": "exact-bound n=1000",
        "forecast elicit": "100:25%",
        "forecast explain": "ftp",
        "forecast ask": "'forecast?ftp=1/300&by=2036'",
        "world list": "",
        "world show": "fork",
        "world check": "fork",
    }
    assert set(calls) == set(documented) - {"demo"}  # which takes minutes, and has its own tests
    for name, arguments in calls.items():
        result = terminal(f"assent {name} {arguments} --json", tmp_path)
        assert result.returncode == 0, (name, result.stderr)
        records = [json.loads(line) for line in result.stdout.splitlines()]
        assert (records[0]["record"], records[0]["command"], records[-1]["record"]) == ("launch", name, "done")
        assert set(records[-1]) - {"record", "exit"} == names(documented[name][1]), name
        between = {record["record"]: set(record) - {"record"} for record in records[1:-1]}
        said = names(documented[name][0])
        assert said == {word for kind, keys in between.items() for word in (kind, *keys)}, name


def console_examples() -> list[Any]:
    """The commands of the pages' console blocks with what they are said to print, one list a page."""
    found: list[Any] = []
    for page in sorted(DOCS.glob("*.md")):
        blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        steps = [step.partition("\n") for block in blocks for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
        if steps:
            found.append(pytest.param([(command, printed) for command, _, printed in steps], id=page.name))
    return found


@pytest.mark.parametrize("steps", console_examples())
@pytest.mark.slow
def test_the_terminal_shows_what_the_pages_show(steps: list[tuple[str, str]], tmp_path: Path) -> None:
    for command, printed in steps:
        result = terminal(command, tmp_path)
        assert result.returncode == 0, (command, result.stderr)
        same = doctest.OutputChecker().check_output(printed, result.stdout, FLEXIBLE)
        assert same, f"$ {command}\n{result.stdout}\nbut the page shows\n{printed}"


@pytest.mark.slow
def test_the_readme_s_run_has_the_question_that_the_readme_explains(tmp_path: Path) -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^(assent (?:run|imitate \w+) cliff.*?) *#", readme, re.MULTILINE)
    quick = [command for command in shown if "frontier" not in command]
    assert [command.split()[1:3] for command in quick] == [
        ["run", "cliff"],
        ["imitate", "certificate"],
        ["imitate", "explain"],
    ]
    for command in quick:
        result = terminal(f"{command} --steps 50" if "run" in command.split() else command, tmp_path)
        assert result.returncode == 0, (command, result.stderr)


def test_every_page_has_its_place_in_the_contents() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```", index, re.DOTALL | re.MULTILINE)
    listed = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    pages = {page.stem for page in DOCS.glob("*.md")} - {"index"}
    assert sorted(pages) == sorted(name for name in listed if "/" not in name)


if __name__ == "__main__":
    path = DOCS / "cli.md"
    before, _, after = parts(path.read_text(encoding="utf-8"))
    path.write_text(f"{before}\n{generated()}\n\n{after}", encoding="utf-8")
