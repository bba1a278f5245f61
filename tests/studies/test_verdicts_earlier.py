"""Verdicts of the earlier studies can fail: for each clause of each, rows that refute it; and planners that do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from assent.studies import s01_threshold as s01
from assent.studies import s02_off_switch as s02
from assent.studies import s03_deference as s03
from assent.studies import s04_lock_in as s04
from assent.studies import s05_misspecified as s05
from assent.studies import s06_silence as s06
from assent.studies import s07_planners as s07
from assent.studies import s08_absent as s08
from assent.studies import verdicts
from assent.studies.study import Row, Study
from assent.studies.verdicts import DISABLES
from tests.session_support import unchecked
from tests.studies.refuting import Change, Keeps, Leaves, each, holds, one, times

SLOW = {"threshold", "deference", "misspecified", "planners"}
"""Those whose rows take seconds, for want of a planner that is both certain and quick."""


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    """Planners are checked call by call in their own tests."""
    with unchecked():
        yield


@cache
def rows_of(name: str) -> tuple[Row, ...]:
    study = next(study for study in STUDIES if study.name == name)
    return tuple(row for cell in study.quick for row in study.run(cell, 0))


def sure(row: Row, other: bool) -> bool:
    """A prior that is sure of a wrong door, with or without room for "none of these"."""
    return row["truth"] == 0 and not row["split"] and (row["other"] > 0) == other


def unsure(row: Row, *, believed: bool) -> bool:
    """A prior split between the wrong doors, without such room."""
    return row["split"] and row["other"] == 0 and (row["believed"] > 0) == believed


def planned(row: Row, name: str) -> bool:
    return row["planner"] == name and row["net"] == 1


def example(row: Row) -> bool:
    return (row["believed"], row["true"]) == (0.1, 0.3)


def human(name: str, phase: int | None = None) -> Change:
    """The first turning point of one human a hundredth off, or a cell of hers in which the agent does something else."""
    if phase is None:
        return one(lambda row: row["human"] == name and row["measured"] is not None, measured=times("measured", 1.01))
    return one(lambda row: row["human"] == name and row["phase"] == phase, phase=(phase + 1) % 3)


STUDIES = (s01.STUDY, s02.STUDY, s03.STUDY, s04.STUDY, s05.STUDY, s06.STUDY, s07.STUDY, s08.STUDY)
REFUTED: list[tuple[Study, str, Change]] = [
    (s01.STUDY, "a verdict on the wrong side", one(lambda row: not row["free"], right=False)),
    (s01.STUDY, "a turning point", one(lambda row: row["measured"] is not None, measured=times("measured", 1 + 2e-6))),
    (s01.STUDY, "disabled for nothing", one(lambda row: row["free"], phase=DISABLES)),
    (s01.STUDY, "worthless at no cost", one(lambda row: row["free"], right=False)),
    (s02.STUDY, "a turn, Boltzmann", human("boltzmann")),
    (s02.STUDY, "a turn, errors", human("eps")),
    (s02.STUDY, "acts where it should wait", human("boltzmann", s02.WAITS)),
    (s02.STUDY, "switches itself off where it should act", human("boltzmann", s02.ACTS)),
    (s02.STUDY, "waits where it should switch itself off", human("eps", s02.SWITCHES_OFF)),
    (s02.STUDY, "does not leave it to the perfect", human("perfect", s02.WAITS)),
    (s03.STUDY, "a turning point", one(lambda row: row["cost"] is None, measured=times("measured", 1.001))),
    (s03.STUDY, "a K of the table", one(lambda row: row["cost"] is not None, measured=lambda row: row["measured"] + 1)),
    (s03.STUDY, "no halving", each(lambda row: row["cost"] is None, measured=1.0, theory=1.0)),
    (s04.STUDY, "a share", one(example, measured=0.5)),
    (s04.STUDY, "how many answers", one(example, answers=lambda row: row["answers"] + 1)),
    (s04.STUDY, "another K", one(example, stop=lambda row: row["stop"] + 1)),
    (s04.STUDY, "not 53 times", one(example, claimed=times("claimed", 2))),
    (s05.STUDY, "a price", one(lambda row: row["truth"] == 0.1, measured=times("measured", 1.001))),
    (s05.STUDY, "the sure would pay", one(lambda row: sure(row, False), measured=0.1, theory=0.1)),
    (s05.STUDY, "so would those with room", one(lambda row: sure(row, True), measured=0.1, theory=0.1)),
    (s05.STUDY, "lives of the sure", one(lambda row: sure(row, False), locked_in_wrong=0)),
    (s05.STUDY, "room, and contradicted", one(lambda row: row["other"] > 0, contradicted=1)),
    (s05.STUDY, "the unsure pay nothing", each(lambda row: unsure(row, believed=False), measured=0.0, theory=0.0)),
    (s05.STUDY, "the unsure disable", one(lambda row: unsure(row, believed=True), disabled=1)),
    (s05.STUDY, "the unsure learn", one(lambda row: unsure(row, believed=True), right_at_last=1)),
    (s05.STUDY, "no unsure lives", each(lambda row: unsure(row, believed=True), lives=0, locked_in_theory=None)),
    (s05.STUDY, "room keeps an overseer", one(lambda row: row["split"] and row["other"] > 0, disabled=19)),
    (s06.STUDY, "a belief", one(lambda row: True, believed=lambda row: row["believed"] + 1e-9)),
    (s06.STUDY, "a frequency", one(lambda row: True, frequency=lambda row: row["frequency"] - 0.1)),
    (s06.STUDY, "one half may be", one(lambda row: True, low=0.5)),
    (s06.STUDY, "no better than the deaf", each(lambda row: True, brier=0.25)),
    (s07.STUDY, "a turning point", one(lambda row: row["measured"] > 0, measured=times("measured", 1.001))),
    (s07.STUDY, "a shortcut that keeps", one(lambda row: planned(row, "qmdp"), measured=times("truth", 1))),
    (s07.STUDY, "one ahead sees it", one(lambda row: planned(row, "voi1"), measured=0.1, theory=0.1)),
    (s07.STUDY, "three ahead do not", one(lambda row: planned(row, "voi3"), measured=0.0, theory=0.0)),
    (s08.STUDY, "a silent watcher", one(lambda row: True, silent=lambda row: 1 - row["unwatched"])),
    (
        s08.STUDY,
        "honest only while watched",
        one(lambda row: row["unwatched"] == row["speaking"] == s08.CROSS, speaking=s08.ROUND, theory=s08.ROUND),
    ),
    (
        s08.STUDY,
        "waits though nobody may speak",
        one(
            lambda row: row["speaking"] == s08.CROSS,
            **dict.fromkeys(("speaking", "unwatched", "silent", "theory", "theory_unwatched"), s08.WAIT),
        ),
    ),
    (s08.STUDY, "the closed form", one(lambda row: row["speaking"] == s08.WAIT, theory=s08.ROUND)),
    (s08.STUDY, "the closed form, unwatched", one(lambda row: True, theory_unwatched=s08.WAIT)),
]
"""For each clause of each verdict, rows that refute it."""


@pytest.mark.parametrize(
    ("study", "what", "change"),
    [
        pytest.param(*row, id=f"{row[0].name}: {row[1]}", marks=pytest.mark.slow if row[0].name in SLOW else ())
        for row in REFUTED
    ],
)
def test_what_refutes_a_claim_is_a_verdict_that_it_fails(study: Study, what: str, change: Change) -> None:
    rows = rows_of(study.name)
    assert holds(study, rows)
    assert not holds(study, change(rows)), what


@pytest.mark.parametrize("wrong", [Keeps(), Leaves()], ids=["always keeps", "always disables"])
@pytest.mark.parametrize(
    ("study", "module"), [(s01.STUDY, s01), (s03.STUDY, s03), (s04.STUDY, verdicts), (s05.STUDY, s05)], ids=lambda x: ""
)
def test_a_planner_that_never_turns_is_reported(
    study: Study, module: object, wrong: Keeps | Leaves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each study runs to its end with it, every number can be stored, and the verdict is that the claim fails."""
    for where in (module, verdicts):
        monkeypatch.setattr(where, "Bracket", lambda: wrong)
    reported(study)


@pytest.mark.parametrize("wrong", [Keeps("qmdp"), Leaves("exact")], ids=["always keeps", "always disables"])
def test_a_shortcut_that_never_turns_is_reported(wrong: Keeps | Leaves, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [Leaves(name) for name in s07.WORDS if name != wrong.name]
    monkeypatch.setattr(s07, "PLANNERS", (wrong, *others))
    reported(s07.STUDY)


@pytest.mark.parametrize("does", [s02.WAITS, s02.ACTS], ids=["always waits", "never waits"])
def test_a_choice_at_the_switch_that_never_turns_is_reported(does: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s02, "decide", lambda utility, lets_act: does)
    reported(s02.STUDY)


def reported(study: Study) -> None:
    rows = [row for cell in study.quick for row in study.run(cell, 0)]
    score = study.score(rows)
    assert json.loads(json.dumps([rows, score], allow_nan=False)) == [rows, score]
    assert not study.verdict(score).holds
    for figure in study.figures(rows):
        assert figure.draw(600, f"{study.name}-{figure.name}")


def test_free_settings_reach_both_sides() -> None:
    """Among settings in which oversight is free there are agents that know and agents that do not: else nothing would be shown."""
    rng = np.random.default_rng(0)
    found = [s01._free(rng) for _ in range(12)]
    assert all(row["right"] for row in found)
    assert {row["phase"] for row in found} == {s01.KEEPS, s01.INDIFFERENT}


def test_a_prior_that_is_sure_is_worth_nothing_and_one_that_is_unsure_is() -> None:
    """T9 against T6: what matters is the favourite's weight, not whether the truth has any."""
    prices = [s05.theory(s05.Prior(0.0, 0.0, 0.0, 1, split=split)) for split in (False, True)]
    assert prices == pytest.approx([0.0, 0.9])
    assert s05.theory(s05.Prior(0.0, 0.0, 0.1, 1, split=True)) == pytest.approx(0.765)
    assert s05.weights(s05.Prior(0.0, 0.01, 0.0, 1, split=True)) == pytest.approx([0.495, 0.0, 0.495, 0.01])
