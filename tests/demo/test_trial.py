"""A trial is decided by its part and seed; its tallies are what the trace says."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assent.demo import trial as module
from assent.demo.overseer import COSTS
from assent.demo.rows import ROWS
from assent.demo.trial import WINDOW, Task, scene_of, tally, trial
from assent.presets.twins import twins
from tests.cli.support import finished, program, records


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twins of 400 rounds, the trigger among them, and two rows: so that a trial takes seconds."""
    scene = twins(0, num_steps=400)
    items = np.asarray(scene.world.items).copy()
    items[350::10] = 50
    world = replace(scene.world, items=items)
    monkeypatch.setattr(module, "scene_of", lambda task: replace(scene, world=world, trap=items == 50))
    monkeypatch.setitem(ROWS, "twins", (ROWS["twins"][0], ROWS["twins"][5]))


@pytest.mark.slow
def test_a_trial_is_decided_by_its_seed(short: None) -> None:
    first = trial(Task("twins", 3))
    assert [item["key"] for item in first] == ["best", "minimum"]
    assert trial(Task("twins", 3)) == first
    assert trial(Task("twins", 4)) != first
    assert all(item["decisions"] == 400 for item in first)
    assert first[1]["disasters"] == 0
    json.dumps(first, allow_nan=False)


def test_tallies_count_what_happened() -> None:
    scene = replace(twins(0, num_steps=1000), num_steps=1000)
    trap = np.zeros(1000, dtype=bool)
    trap[[100, 800, 900, 950]] = True
    scene = replace(scene, trap=trap)
    asked, action = np.zeros(1000, dtype=bool), np.zeros(1000, dtype=int)
    asked[[0, 1, 2, 800, 999]] = True
    action[[100, 800, 900]] = scene.betrayal
    trace = SimpleNamespace(asked=asked, action=action, effective=np.linspace(9, 2, 1000))
    counted = asdict(tally("x", scene, trace))
    assert counted == {
        "key": "x",
        "decisions": 1000,
        "asks": 5,
        "first": 3 / WINDOW,
        "last": 2 / WINDOW,
        "last_plain": pytest.approx(1 / (WINDOW - 3)),
        "errors": 2,
        "triggers": 4,
        "disasters": 2,
        "effective": pytest.approx(2.0),
    }


def test_each_part_is_its_scene() -> None:
    assert scene_of(Task("twins", 1)).labels[-1] == "cut the rope"


def test_every_row_makes_an_agent() -> None:
    import warnings

    scene = twins(0, num_steps=1)
    for rows in ROWS.values():
        assert len({item.key for item in rows}) == len({item.name for item in rows}) == len(rows)
        for item in rows:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert item.agent(scene.hypotheses).hypotheses is scene.hypotheses


@pytest.mark.slow
def test_the_demonstration_of_one_seed_says_what_it_found(tmp_path: Path) -> None:
    process = program("demo", "--seeds", "1", "--json", "--out", "out", folder=tmp_path)
    out, err = process.communicate(timeout=560)
    assert process.returncode in (0, 1), err[-2000:]
    lines = records(out)
    done: dict[str, Any] = lines[-1]
    assert done["exit"] == process.returncode
    assert (process.returncode == 0) == all(claim["holds"] for claim in done["claims"])
    assert set(done["tables"]) == set(ROWS)
    for part, rows in ROWS.items():
        assert [item["key"] for item in done["tables"][part]] == [item.key for item in rows]
    assert {line["part"] for line in lines if line["record"] == "trial"} == set(ROWS)
    assert [row["cost"] for row in done["overseen"]] == list(COSTS)
    page = Path(done["report"]).read_text()
    assert "https://" not in page
    code, _ = finished(program("log", "verify", "--ledger", done["ledger"], "--json", folder=tmp_path))
    heads = records(code)[-1]["heads"]
    assert heads[done["run"]]["hash"] == done["head"]
    assert "Next" in err


def test_the_demonstration_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import importlib.util

    from tests.cli.support import ask_json

    monkeypatch.chdir(tmp_path)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "jax" else find(name, *rest))
    done = ask_json("demo", "--seeds", "1")
    assert done["exit"] == 2
    assert "the demo needs jax" in done["error"]


def test_a_folder_that_cannot_be_made_is_found_before_the_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tests.cli.support import ask_json

    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    done = ask_json("demo", "--seeds", "1", "--out", "taken")
    assert done["exit"] == 2
    assert "taken" in done["error"]


@pytest.mark.parametrize(("holds", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_is_that_of_the_claims(
    holds: bool, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from assent.cli import demo
    from assent.demo.table import Claim
    from assent.forecast.settings import Settings
    from tests.cli.support import ask_json, invoke

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "_tallies", lambda output, **settings: {})
    monkeypatch.setattr(demo, "_table", lambda part, rows, width: part)
    monkeypatch.setattr(demo, "_overseer_part", lambda output, **settings: ([], []))
    monkeypatch.setattr(demo, "summary", lambda tallies: {part: [] for part in ROWS})
    monkeypatch.setattr(
        demo, "claims", lambda tables: [Claim("[/] it works", "3 of 3", holds), Claim("so does this", "1", True)]
    )
    told = SimpleNamespace(counted=None, exposure=None, settings=Settings(), rows=())
    monkeypatch.setattr(demo, "_say_forecast", lambda output, told: None)
    ending = {"run": "r", "ledger": "l", "report": "p", "head": "h", "forecast": told}
    monkeypatch.setattr(demo, "_recorded_run", lambda output, **settings: {**ending, "claims": [Claim("c", "1", True)]})
    done = ask_json("demo", "--seeds", "1")
    assert done["exit"] == code
    assert [claim["holds"] for claim in done["claims"]] == [holds, True, True]
    shown = invoke("demo", "--seeds", "1")
    assert shown.exit_code == code
    assert ("FAILS  [/] it works" in shown.output) is not holds
