"""`assent committee` and `assent run digits --committee`: what they make, measure, write and refuse."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assent.cli.output import OK, USAGE
from assent.committees.committee import Committee
from assent.committees.ways import WAYS
from tests.cli.support import ask_json, invoke, records


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committee of three that left units out."""
    path = tmp_path_factory.mktemp("made") / "three.safetensors"
    done = ask_json("committee", "fit", "dropout", "digits", "--members", "3", "--out", path)
    assert done["exit"] == OK
    assert (done["members"], done["form"], done["learns"], done["roots"]) == (3, "adapters", False, 1)
    return path


def refused(*arguments: str | Path) -> str:
    """The sentence with which it refuses, in one line."""
    result = invoke("committee", *arguments)
    assert result.exit_code == USAGE, result.output
    return " ".join(result.output.split())


def test_the_ways_are_those_there_are() -> None:
    lines = records(invoke("committee", "ways", "--json").stdout)
    assert [line["name"] for line in lines[1:-1]] == [way.name for way in WAYS]


def test_what_was_made_is_what_the_file_holds(made: Path) -> None:
    about, loaded = ask_json("committee", "inspect", made), Committee.load(made)
    assert about["members"] == loaded.num_members == 3
    assert about["names"] == list(loaded.names)
    assert about["cost"]["train_flops"] == loaded.cost.train_flops > 0
    assert "3 of 1 root" in invoke("committee", "inspect", made).output


def test_committees_stand_side_by_side(made: Path) -> None:
    lines = records(invoke("committee", "compare", "digits", made, "deep", "--members", "2", "--json").stdout)
    rows = [line for line in lines if line["record"] == "committee"]
    assert [(row["name"], row["members"]) for row in rows] == [(str(made), 3), ("deep", 2)]
    assert rows[1]["trainings"] == pytest.approx(2.0)
    assert all(0.8 < row["member_accuracy"] < 1 for row in rows)
    assert all(row["low"] <= row["n_eff_cap"] <= row["high"] or row["bounded"] for row in rows)


@pytest.mark.slow
def test_a_curve_is_a_table_and_three_pictures(tmp_path: Path) -> None:
    call = ("committee", "curve", "digits", "--most", "4", "--way", "deep", "--way", "tangent", "--out", tmp_path)
    lines = records(invoke(*call, "--json").stdout)
    points = [line for line in lines if line["record"] == "point"]
    assert [(point["way"], point["members"]) for point in points] == [
        (way, size) for way in ("deep", "tangent") for size in (1, 2, 4)
    ]
    with (tmp_path / "points.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["trainings"]) for row in rows] == [point["trainings"] for point in points]
    for name in ("independent", "answering", "joint"):
        assert ET.parse(tmp_path / f"{name}.svg").getroot().tag.endswith("svg")
    work = sorted((tmp_path / "work").iterdir())
    assert len(work) == 8, "four trainings, and four roots to a twentieth"
    stamps = [file.stat().st_mtime_ns for file in work]
    again = invoke(*call)
    assert [file.stat().st_mtime_ns for file in sorted((tmp_path / "work").iterdir())] == stamps, (
        "nothing is made twice"
    )
    said = " ".join(again.output.split())
    assert "Cost in trainings of one network" in said
    assert "4 4.00" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fit", "deeep", "digits"), "There is no way 'deeep'"),
        (("fit", "deep", "fashion"), "There is no problem 'fashion'"),
        (("fit", "mimo", "digits", "--members", "9"), "mimo makes at most 4"),
        (("fit", "tree", "digits", "--members", "3"), "no power of two"),
        (("inspect", "nowhere.safetensors"), "There is no file nowhere.safetensors"),
        (("compare", "digits", "nowhere.safetensors"), "There is no file"),
        (("fit", "deep", "mnist", "--data", "nowhere"), "mnist.npz is not in nowhere"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(*arguments)


def test_a_file_of_something_else_is_a_sentence(tmp_path: Path, made: Path) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(made.read_bytes()[:-100])
    assert "cannot be read as safetensors" in refused("inspect", cut)


def test_a_committee_for_other_items_is_refused(tmp_path: Path) -> None:
    from assent.committees.ways import way_of
    from tests.committees.test_curve import small

    other = tmp_path / "other.safetensors"
    way_of("dropout").make(small(), 2).save(other)
    assert "Items have the shape" in refused("compare", "digits", other)


def test_members_are_not_measured_on_what_they_learned_from(tmp_path: Path, made: Path) -> None:
    """Another seed learns from items on which this one measures."""
    said = refused("compare", "digits", made, "--seed", "3")
    assert "was made on digits with --seed 0" in said
    unknown = tmp_path / "unknown.safetensors"
    Committee.load(made).save(unknown)
    result = invoke("committee", "compare", "digits", unknown)
    assert result.exit_code == OK
    assert "does not say what it was made on" in " ".join(result.output.split())


def test_the_next_command_names_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = " ".join(invoke("committee", "fit", "dropout", "digits", "--members", "2", "--seed", "3").output.split())
    assert "compare digits dropout-digits.safetensors deep --members 2 --seed 3" in said


@pytest.mark.parametrize("there", ["a folder", "a text"])
def test_nothing_else_is_written_over(tmp_path: Path, there: str) -> None:
    place = tmp_path / "notes.safetensors"
    place.mkdir() if there == "a folder" else place.write_text("dear diary")
    said = refused("fit", "deep", "digits", "--members", "1", "--out", place)
    assert "name a" in said
    assert "by --out" in said
    assert there == "a folder" or place.read_text() == "dear diary"


def test_a_member_that_cannot_be_read_is_named_with_its_file_and_the_others_are_shown(
    tmp_path: Path, made: Path
) -> None:
    broken = Committee.load(made)
    path = tmp_path / "broken.safetensors"
    replace(broken, scales=(1e-300,) * len(broken.scales)).save(path, made_on={"problem": "digits", "seed": 0})
    result = invoke("committee", "compare", "digits", made, path)
    assert result.exit_code == USAGE
    said = " ".join(result.output.split())
    assert "broken.safetensors cannot be measured. The probabilities of" in said
    assert "by min by mean" in said


def test_only_presets_that_can_take_a_committee() -> None:
    result = invoke("run", "twins", "--committee", "tangent")
    assert result.exit_code == USAGE
    assert "--committee is for digits" in " ".join(result.output.split())


@pytest.mark.slow
def test_a_run_with_a_committee_is_made_again_decision_by_decision(tmp_path: Path) -> None:
    """Another process would make the same members, and what they learned from each answer is the same."""
    ledger = tmp_path / "a.db"
    first = ask_json("run", "digits", "--committee", "tangent-one", "--ledger", ledger, "--steps", "60")
    assert first["decisions"] == 60
    assert first["asks"] > 0
    assert ask_json("replay", "digits-0", "--ledger", ledger)["differs"] is None


@pytest.mark.slow
def test_a_whole_run_stands_beside_networks_trained_apart(tmp_path: Path) -> None:
    """Cheaper by an order of magnitude, asks less than members that do not learn, errs no more than a few times."""
    result = invoke("run", "digits", "--committee", "tangent", "--ledger", tmp_path / "a.db", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    rows = {row["name"]: row for row in lines if row["record"] == "beside"}
    mine, apart = rows["tangent, this run"], rows["networks trained apart"]
    assert mine["trainings"] < 1.5 < 10 < apart["trainings"]
    assert mine["learns"]
    assert not apart["learns"]
    assert mine["asks"] < apart["asks"]
    assert max(row["errors"] for row in rows.values()) <= 8
    assert np.isfinite([row["asks"] for row in rows.values()]).all()
