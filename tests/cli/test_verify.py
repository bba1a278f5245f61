"""`assent log verify` finds what was altered, and files that are no sound ledger end with code 5."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

from assent.ledger import Ledger, decode, encode
from tests.cli.support import ask_json, environment, events, finished, invoke, made, program, records, rows_of, tamper
from tests.ledger.support import NO_PRIVILEGES

STORAGE = 5


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of twins with many checkpoints."""
    path = tmp_path_factory.mktemp("original") / "assent.db"
    text = 'preset = "twins"\nsteps = 60\ncheckpoint_every = 2'
    (path.parent / "run.toml").write_text(text)
    result = invoke("run", path.parent / "run.toml", "--ledger", path)
    assert result.exit_code == 0, result.output
    with Ledger.open(path) as book:
        compact = book.backup(path.with_name("compact.db"))  # without pages that nothing reads any more
    Ledger.open(compact).close()  # so that it is marked as one with a write-ahead log, as a ledger in use is
    return compact


@pytest.fixture
def ledger(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "assent.db"))


def test_a_sound_ledger_verifies_with_its_beliefs_refolded(ledger: Path) -> None:
    done = ask_json("log", "verify")
    assert (done["exit"], done["failures"], done["notes"]) == (0, [], [])
    assert done["events"] == len(events(ledger, "twins-0"))


def test_a_flipped_byte_in_any_events_row_is_found(ledger: Path) -> None:
    # bodies lie in the file as they were written; pieces that are there twice may be copies in free space, which nothing reads
    whole, rng = ledger.read_bytes(), np.random.default_rng(0)
    pieces: dict[int, tuple[str, bytes]] = {}
    for (_, seq, body), (_, _, kind, _, _) in zip(rows_of(ledger), events(ledger, "twins-0"), strict=True):
        start = int(rng.integers(max(1, len(body) - 40)))
        piece = body.encode()[start : start + 40]
        if whole.count(piece) == 1:
            pieces[seq] = (kind, piece)
    assert {"open", "act", "ask", "answer", "apply", "checkpoint"} <= {kind for kind, _ in pieces.values()}
    chosen = rng.choice(list(pieces), size=15, replace=False).tolist()
    for seq in [*chosen, *(next(n for n, (kind, _) in pieces.items() if kind == what) for what in ("open", "ask"))]:
        piece = pieces[seq][1]
        flipped = bytearray(whole)
        flipped[whole.find(piece) + int(rng.integers(len(piece)))] ^= 1 << int(rng.integers(8))
        ledger.write_bytes(flipped)
        result = invoke("log", "verify", "--json")
        assert result.exit_code in (1, STORAGE), f"event {seq}: {result.output}"
        assert records(result.stdout)[-1]["exit"] == result.exit_code
    ledger.write_bytes(whole)
    assert invoke("log", "verify").exit_code == 0


@pytest.mark.parametrize("arguments", [[], ["twins-0"], ["twins-0", "--seed", "0"]], ids=str)
@pytest.mark.parametrize("kind", ["open", "act", "ask", "answer", "apply", "checkpoint"])
def test_a_body_that_is_no_json_any_more_is_found(kind: str, arguments: list[str], ledger: Path) -> None:
    # one wrong variant: reading the event before checking it, and calling that wrong usage
    seq = next(seq for _, seq, what, _, _ in events(ledger, "twins-0") if what == kind)
    tamper(ledger, "UPDATE event SET body = substr(body, 2) WHERE seq = ?", seq)
    done = ask_json("log", "verify", *arguments)
    assert done["exit"] in (1, STORAGE)
    if not arguments:
        assert any(f"event {seq}" in failure for failure in done["failures"])


def test_a_column_changed_without_its_hash_is_found(ledger: Path) -> None:
    for column, value in (
        ("actor", "'eve'"),
        ("at_us", "at_us + 1"),
        ("hash", "randomblob(32)"),
        ("prev", "randomblob(32)"),
    ):
        copy = Path(shutil.copy(ledger, "copy.db"))
        tamper(copy, f"UPDATE event SET {column} = {value} WHERE seq = 7")
        assert ask_json("log", "verify", "--ledger", "copy.db")["exit"] == 1, column


def change(ledger: Path, seq: int, body: dict[str, Any]) -> None:
    tamper(ledger, "UPDATE event SET body = ? WHERE seq = ?", json.dumps(body), seq, run="twins-0")


def checkpoint(ledger: Path) -> tuple[int, dict[str, Any]]:
    return [(seq, body) for _, seq, kind, _, body in events(ledger, "twins-0") if kind == "checkpoint"][1]


def weight(body: dict[str, Any]) -> None:
    weights = decode(body["log_weight"])
    weights[-1] += 1e-12
    body["log_weight"] = encode(weights)


def digest(body: dict[str, Any]) -> None:
    body["belief"] = body["belief"][::-1]


@pytest.mark.parametrize("forge", [weight, digest])
def test_a_tampered_checkpoint_in_a_recomputed_chain_is_found_by_refolding(
    forge: Callable[[Any], None], ledger: Path
) -> None:
    seq, body = checkpoint(ledger)
    forge(body)
    change(ledger, seq, body)
    with Ledger.open(ledger, read_only=True) as book:
        assert book.verify().ok, "the chain itself must be sound, or the test shows nothing"
    for arguments in ([], ["twins-0"]):
        done = ask_json("log", "verify", *arguments)
        assert done["exit"] == 1
        assert any(f"checkpoint {seq} holds a belief" in failure for failure in done["failures"])
    resumed = ask_json("resume", "twins-0")
    assert resumed["exit"] == 1


@pytest.mark.parametrize("choice", [3, 99])
def test_a_tampered_answer_in_a_recomputed_chain_with_matching_tables_is_found(choice: int, ledger: Path) -> None:
    # 99 is no action at all: a refolding that gives up is a failure, not a note
    seq, body = next((seq, body) for _, seq, kind, _, body in events(ledger, "twins-0") if kind == "answer")
    assert body["choice"] != choice
    change(ledger, seq, {**body, "choice": choice})
    tamper(ledger, "UPDATE answer SET choice = ? WHERE seq = ?", choice, seq)
    done = ask_json("log", "verify")
    assert done["exit"] == 1
    assert any("I3" in failure for failure in done["failures"])


def test_a_run_whose_agent_is_not_at_hand_is_said_not_to_be_refolded(tmp_path: Path) -> None:
    from tests.session_support import open_session, until_asked

    with Ledger.open(tmp_path / "assent.db") as book:
        session = open_session(book, checkpoint_every=1)
        session.consult(until_asked(session))
    done = ask_json("log", "verify")
    assert done["exit"] == 0
    assert any("belief not refolded" in note for note in done["notes"])


# -- files that are no sound ledger ---------------------------------------------------------------------------------


def newer(path: Path) -> None:
    tamper(path, "INSERT INTO migration SELECT 999, 'later', checksum, at_us FROM migration LIMIT 1")


def garbage(path: Path) -> None:
    path.write_bytes(b"\x00garbage" * 4096)


def other_database(path: Path) -> None:
    path.unlink()
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE cats(name)")
    connection.close()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


def cut_in_its_last_page(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1900])


def empty(path: Path) -> None:
    path.write_bytes(b"")


READING = (
    ["log", "verify"],
    ["log", "head"],
    ["log", "show", "twins-0"],
    ["log", "export", "out.jsonl"],
    ["replay", "twins-0"],
    ["report", "twins-0"],
    ["resume", "twins-0"],
    ["imitate", "certificate", "twins-0"],
    ["imitate", "explain", "twins-0", "1"],
)


@pytest.mark.parametrize("command", READING, ids=" ".join)
@pytest.mark.parametrize("spoil", [newer, garbage, other_database, truncated, cut_in_its_last_page, empty])
def test_a_spoiled_file_is_refused(spoil: Callable[[Path], None], command: list[str], ledger: Path) -> None:
    spoil(ledger)
    before = ledger.read_bytes()
    done = ask_json(*command)
    assert done["exit"] == STORAGE or (command == ["log", "verify"] and done["exit"] == 1), done
    assert "Traceback" not in str(done)
    assert ledger.read_bytes() == before, "who reads changes nothing"


@pytest.mark.parametrize("spoil", [newer, garbage, truncated])
def test_nothing_is_written_to_a_spoiled_file(spoil: Callable[[Path], None], ledger: Path) -> None:
    spoil(ledger)
    before = ledger.read_bytes()
    for command in (["run", "twins", "--steps", "5", "--run", "x"], ["resume", "twins-0"]):
        assert ask_json(*command)["exit"] == STORAGE
    assert ledger.read_bytes() == before


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    for command in (["log", "verify"], ["run", "twins", "--steps", "5"]):
        assert ask_json(*command, "--ledger", "folder.db")["exit"] == STORAGE
    done = ask_json("run", "twins", "--steps", "5", "--ledger", "no/such/folder.db")
    assert (done["exit"], "no folder" in done["error"]) == (2, True)


@pytest.mark.slow
def test_a_read_only_ledger_can_be_read_and_not_written(ledger: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    copy = Path(shutil.copy(ledger, folder / "assent.db"))
    connection = apsw.Connection(str(copy))
    connection.pragma("journal_mode", "delete")
    connection.close()
    copy.chmod(0o400)
    folder.chmod(0o500)
    before = copy.read_bytes()
    for command, code in (
        (["log", "verify"], 0),
        (["log", "head"], 0),
        (["run", "twins", "--steps", "5", "--run", "x"], STORAGE),
        (["resume", "twins-0"], STORAGE),
    ):
        process = program(*command, "--ledger", copy, "--json", folder=tmp_path, prefix=NO_PRIVILEGES)
        done = records(finished(process, code=code)[0])[-1]
        assert code == 0 or "who may write" in done["error"]
    assert copy.read_bytes() == before
    folder.chmod(0o700)


def test_a_full_disk_ends_with_5_and_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    # the shell sets the limit (in blocks of 1,024 bytes): a preexec_fn would fork, which JAX, loaded by other tests, warns about
    limited = ["bash", "-c", 'ulimit -f 1464 && exec "$@"', "bash", sys.executable, "-m", "assent"]
    result = subprocess.run(
        [*limited, "run", "twins", "--steps", "20000", "--json"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == STORAGE, result.stderr
    assert "refused to write" in records(result.stdout)[-1]["error"]
    before = len(events(tmp_path / "assent.db", "twins-0"))
    assert 0 < before < 20_000
    assert ask_json("log", "verify")["exit"] == 0
    tamper(
        tmp_path / "assent.db",
        "UPDATE event SET body = json_set(body, '$.config.run.steps', ?) WHERE seq = 1",
        before,
        run="twins-0",
    )
    assert ask_json("resume", "twins-0")["exit"] == 0
    assert ask_json("log", "verify")["exit"] == 0


def test_verifying_some_runs_names_only_those(ledger: Path) -> None:
    made(ledger, "--seed", "5", run="second")
    assert set(ask_json("log", "verify", "second")["heads"]) == {"second"}
    assert set(ask_json("log", "verify", "--seed", "0")["heads"]) == {"twins-0"}
    assert set(ask_json("log", "verify")["heads"]) == {"twins-0", "second"}
    seq = next(seq for _, seq, kind, _, _ in events(ledger, "second") if kind == "act")
    tamper(ledger, "UPDATE event SET actor = 'eve' WHERE run = 'second' AND seq = ?", seq)
    assert ask_json("log", "verify", "twins-0")["exit"] == 0
    assert ask_json("log", "verify", "second")["exit"] == 1
    assert ask_json("log", "verify")["exit"] == 1
