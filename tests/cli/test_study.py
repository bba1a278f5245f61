"""The studies' commands: what they print, what they write, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assent.studies.catalogue import COLLECTIONS, STUDIES
from tests.cli.support import ask_json, invoke, records


def test_every_study_is_listed() -> None:
    lines = records(invoke("study", "list", "--json").stdout)
    assert [line["name"] for line in lines if line["record"] == "study"] == [study.name for study in STUDIES]
    assert [line["name"] for line in lines if line["record"] == "collection"] == [item.name for item in COLLECTIONS]
    people = invoke("study", "list").stdout
    assert all(study.name in people for study in STUDIES)


def test_a_study_leaves_its_table_its_pictures_and_its_page(tmp_path: Path) -> None:
    result = invoke("study", "run", "silence", "--quick", "--json", "--workers", "1", "--out", tmp_path / "out")
    lines = records(result.stdout)
    assert result.exit_code == 0
    (outcome,) = [line for line in lines if line["record"] == "outcome"]
    folder = Path(outcome["folder"])
    assert {file.name for file in folder.iterdir()} == {"results.json", "rows.csv", "silence.svg", "index.html"}
    assert json.loads((folder / "results.json").read_text())["score"] == outcome["score"]
    done = lines[-1]
    assert (done["studies"], done["hold"], done["fail"]) == (1, 1, 0)
    assert Path(done["page"]) == folder / "index.html"


def test_the_verdict_is_printed_for_people(tmp_path: Path) -> None:
    shown = invoke("study", "run", "silence", "--quick", "--backend", "serial", "--out", tmp_path).stdout
    assert "holds  silence" in shown
    assert "index.html" in shown


def test_a_claim_that_fails_is_reported_and_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from assent.cli import study as command
    from assent.studies.study import Verdict

    silence = next(study for study in STUDIES if study.name == "silence")
    failing = replace(silence, verdict=lambda numbers: Verdict(False, "It does not.", "0 of 1."))
    monkeypatch.setattr(command, "STUDIES", (failing,))
    done = ask_json("study", "run", "silence", "--quick", "--workers", "1", "--out", tmp_path)
    assert (done["exit"], done["hold"], done["fail"]) == (0, 0, 1)
    assert "FAILS" in invoke("study", "run", "silence", "--quick", "--workers", "1", "--out", tmp_path).stdout


def test_what_is_finished_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from assent.cli import study as command

    def again(*_: object, **__: object) -> object:
        raise AssertionError("a cell that is finished was run again")

    arguments = ("study", "run", "silence", "--quick", "--backend", "serial", "--out", tmp_path)
    assert invoke(*arguments).exit_code == 0
    before = (tmp_path / "silence" / "rows.csv").read_text()
    (tmp_path / "silence" / "rows.csv").unlink()
    silence = next(study for study in STUDIES if study.name == "silence")
    monkeypatch.setattr(command, "STUDIES", (replace(silence, run=again),))
    assert invoke(*arguments).exit_code == 0
    assert (tmp_path / "silence" / "rows.csv").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("study", "run", "no-such"), "there is no study no-such"),
        (("study", "run", "silence", "--backend", "threads"), "--backend threads is unknown"),
    ],
)
def test_what_cannot_be_run_is_refused(arguments: tuple[str, ...], sentence: str) -> None:
    done = ask_json(*arguments)
    assert done["exit"] == 2
    assert sentence in done["error"]


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    done = ask_json("study", "run", "silence", "--quick", "--out", tmp_path / "out")
    assert done["exit"] == 2
    assert "out" in done["error"]
