"""Studies come out the same wherever they run, and however often they were stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from assent.studies.finished import Finished, code_digest
from assent.studies.runner import carry_out
from assent.studies.study import Row, stream
from tests.studies.toys import TOY, Coin

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "finished.db"


def test_every_cell_is_run_with_every_seed(store: Path) -> None:
    with Finished(store) as finished:
        outcome = carry_out(TOY, finished, seed=5)
    assert [(row["chance"], row["seed"]) for row in outcome.rows] == [
        (cell.chance, seed) for cell in TOY.grid for seed in (5, 6, 7)
    ]
    assert (outcome.cells, outcome.reused, outcome.seeds) == (27, 0, 3)


def test_processes_come_to_the_same_rows(tmp_path: Path) -> None:
    with Finished(tmp_path / "one.db") as one, Finished(tmp_path / "two.db") as two:
        serial = carry_out(TOY, one)
        processes = carry_out(TOY, two, backend="processes", workers=2)
    assert serial.rows == processes.rows
    assert serial.score == processes.score


def test_other_seeds_give_other_rows(store: Path) -> None:
    with Finished(store) as finished:
        first, second = (carry_out(TOY, finished, seed=seed, seeds=1) for seed in (0, 1))
    assert [row["heads"] for row in first.rows] != [row["heads"] for row in second.rows]


def test_streams_differ_between_cells_and_purposes() -> None:
    draws = [
        stream(0, Coin(0.5, 1)).random(),
        stream(0, Coin(0.6, 1)).random(),
        stream(0, Coin(0.5, 1), "else").random(),
    ]
    assert len(set(draws)) == 3


def test_what_is_finished_is_not_run_again(store: Path) -> None:
    asked: list[Coin] = []

    def counted(cell: Coin, seed: int) -> list[Row]:
        asked.append(cell)
        return TOY.run(cell, seed)

    study = replace(TOY, run=counted)
    with Finished(store) as finished:
        whole = carry_out(study, finished)
        assert len(asked) == 27
        again = carry_out(study, finished)
    assert len(asked) == 27
    assert (again.reused, again.rows, again.score) == (27, whole.rows, whole.score)


def test_what_another_version_found_is_run_again(store: Path) -> None:
    with Finished(store, code="one") as finished:
        carry_out(TOY, finished)
    with Finished(store, code="another") as finished:
        assert carry_out(TOY, finished).reused == 0
    with Finished(store, code="one") as finished:
        assert carry_out(TOY, finished).reused == 27


def test_the_version_is_that_of_the_sources() -> None:
    assert len(code_digest()) == 64
    assert code_digest() == code_digest()


def test_a_row_that_json_cannot_hold_is_refused(store: Path) -> None:
    study = replace(TOY, run=lambda cell, seed: [{"value": float("nan")}])
    with Finished(store) as finished, pytest.raises(ValueError, match="JSON"):
        carry_out(study, finished)


def test_a_missing_package_is_named(store: Path) -> None:
    study = replace(TOY, needs=("no_such_package",))
    with Finished(store) as finished, pytest.raises(ModuleNotFoundError, match="no_such_package"):
        carry_out(study, finished)


def test_a_file_that_is_no_store_is_refused(store: Path) -> None:
    store.write_text("this is no database, and never was one" * 100)
    with pytest.raises(OSError, match="cannot hold finished cells"):
        Finished(store)


@pytest.mark.slow
def test_a_killed_study_goes_on_where_it_was(store: Path, tmp_path: Path) -> None:
    """Killed outright while cells were being run, twice; what was finished stays, and the outcome is that of a quiet run."""
    code = "\n".join(
        (
            "from assent.studies.finished import Finished",
            "from assent.studies.runner import carry_out",
            "from tests.studies.toys import TOY",
            f"carry_out(TOY, Finished({str(store)!r}, code='same'))",
        )
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TOY_SLEEP_S": "0.1"}
    counts = [0]
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=tmp_path)
        deadline = time.monotonic() + 60
        while _finished(store) < counts[-1] + 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        counts.append(_finished(store))
    assert 0 < counts[1] < counts[2] < 27, "killed too early or too late to show anything"
    with Finished(store, code="same") as finished, Finished(tmp_path / "quiet.db") as fresh:
        resumed, quiet = carry_out(TOY, finished), carry_out(TOY, fresh)
    assert resumed.reused == counts[2]
    assert (resumed.rows, resumed.score) == (quiet.rows, quiet.score)


def _finished(store: Path) -> int:
    try:
        connection = apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READONLY)
        ((count,),) = connection.execute("SELECT count(*) FROM finished")
        connection.close()
    except apsw.Error:
        return 0
    return int(count)
