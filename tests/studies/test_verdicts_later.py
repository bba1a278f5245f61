"""Verdicts of the later studies can fail: what would refute a claim is reported as such, clause by clause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from assent.planning.oracles.lattice import NoisyDoors, expected_answers
from assent.planning.planners import Blind
from assent.studies import s09_interruption as s09
from assent.studies import s10_provoking as s10
from assent.studies import s11_price as s11
from assent.studies import s12_misjudged as s12
from assent.studies import s13_age as s13
from assent.studies import s14_calibration as s14
from assent.studies import s15_fork as s15
from assent.studies.lives import Mind, live
from assent.studies.settings import Doors
from assent.studies.study import Row, Study
from assent.studies.verdicts import DISABLES, KEEPS, MOST, UNDECIDED, first_to_leave
from tests.session_support import unchecked
from tests.studies.refuting import Keeps, Leaves, holds

CELLS: dict[Study, tuple[Any, ...]] = {
    s09.STUDY: s09._grid(2, 100),
    s10.STUDY: s10.QUICK,
    s11.STUDY: s11._strips(3),
    s12.STUDY: s12.QUICK,
    s13.STUDY: tuple(s13.Strip(cost, 50, eps) for eps in (s13.EPS, s13.ERRING) for cost in (1e-4, 0.03, 5.0)),
    s14.STUDY: s14.QUICK,
    s15.STUDY: s15.QUICK,
}
"""Cells of each study that are few and quick."""

Change = Callable[[Row], dict[str, Any] | None]
"""What would have been found instead in a row; None where it stays as it was."""


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    """Planners are checked call by call in their own tests."""
    with unchecked():
        yield


@cache
def rows_of(name: str) -> tuple[Row, ...]:
    study = next(study for study in CELLS if study.name == name)
    return tuple(row for cell in CELLS[study] for row in study.run(cell, 0))


def only(where: Callable[[Row], bool], **changes: Any) -> Change:
    return lambda row: changes if where(row) else None


def first(change: Change) -> Change:
    """As `change`, in the first row alone that it would change."""
    done: list[bool] = []

    def once(row: Row) -> dict[str, Any] | None:
        found = None if done else change(row)
        if found is not None:
            done.append(True)
        return found

    return once


@pytest.mark.parametrize(("eps", "cost"), [(0.1, 0.05), (0.3, 0.01), (0.2, 5.0)])
def test_k_is_the_lattices(eps: float, cost: float) -> None:
    doors = Doors(2, 0.5, eps, 0.95, cost)
    assert first_to_leave(doors) == NoisyDoors("0.5", repr(eps), "0.95").stop(repr(cost))
    # the wrong variant, a planner that sees no worth in an overseer, leaves at once
    assert first_to_leave(doors, planner=Blind()) == 0


def test_an_overseer_who_is_kept_for_good_is_a_finding() -> None:
    assert first_to_leave(Doors(2, 0.5, 0.1, 0.95, 5.0), planner=Keeps()) == MOST
    assert first_to_leave(Doors(2, 0.5, 0.1, 0.95, 0.0), most=4) == 4, "at no cost she is kept"


def turned(informative: bool) -> Change:
    return first(
        lambda row: (
            {"measured": row["measured"] * 1.001} if row.get("measured") and row["informative"] == informative else None
        )
    )


def cell_wrong(informative: bool) -> Change:
    return first(
        lambda row: (
            {"phase": DISABLES + KEEPS - row["phase"]}
            if row["phase"] is not None and row["informative"] == informative
            else None
        )
    )


def in_lives(informative: bool, rate: float, **changes: Any) -> Change:
    return only(
        lambda row: bool(row.get("lives")) and (row["informative"], row["rate"]) == (informative, rate), **changes
    )


REFUTED: list[tuple[Study, str, Callable[[], Change]]] = [
    (s09.STUDY, "a turn at random", lambda: turned(False)),
    (s09.STUDY, "a saving at which it turns", lambda: turned(True)),
    (s09.STUDY, "a cell at random", lambda: cell_wrong(False)),
    (s09.STUDY, "a cell that informs", lambda: cell_wrong(True)),
    (
        s09.STUDY,
        "no cell presses",
        lambda: only(lambda row: row["phase"] is not None, phase=KEEPS, expected=KEEPS),
    ),
    (s09.STUDY, "nothing is stopped at random", lambda: in_lives(False, s09.RARE, stopped=0)),
    (s09.STUDY, "no harm is stopped", lambda: in_lives(True, 0.5, harmful_stopped=0)),
    (s09.STUDY, "one does not press at random", lambda: in_lives(False, 0.5, pressed=99)),
    (s09.STUDY, "one presses where it is not worth it", lambda: in_lives(False, s09.RARE, pressed=1)),
    (s09.STUDY, "one presses against what informs", lambda: in_lives(True, 0.5, pressed=1)),
    (s09.STUDY, "as much harm", lambda: in_lives(True, 0.5, harmed=18, harmful=20)),
    (
        s10.STUDY,
        "a cell unlike the closed form",
        lambda: first(lambda row: {"action": s10.FOOL} if row.get("theory") == s10.RIGHT else None),
    ),
    (
        s10.STUDY,
        "no provocation",
        lambda: only(lambda row: "theory" in row and row["trigger"] == "on_error", action=s10.LEFT, theory=s10.LEFT),
    ),
    (
        s10.STUDY,
        "a fool where she speaks at random",
        lambda: first(only(lambda row: "theory" in row and row["trigger"] == "random", action=s10.FOOL)),
    ),
    (
        s11.STUDY,
        "a cell by rate",
        lambda: first(only(lambda r: r["axis"] == "rate" and r["phase"] == KEEPS, phase=DISABLES)),
    ),
    (s11.STUDY, "a cell by entropy", lambda: first(only(lambda r: r["axis"] == "entropy", phase=UNDECIDED))),
    (s12.STUDY, "another K", lambda: only(lambda row: row["stop"] == 1, stop=MOST)),
    (s12.STUDY, "a cell off the walk", lambda: first(only(lambda row: True, tail=1e-6))),
    (s12.STUDY, "too many cells a little off", lambda: only(lambda row: row["true"] < 0.3, tail=0.04)),
    (
        s12.STUDY,
        "a wary cell errs more than it claims",
        lambda: first(only(lambda r: r["believed"] >= r["true"], beyond=1e-6)),
    ),
    (s12.STUDY, "a trusting cell errs less", lambda: first(only(lambda r: r["believed"] < r["true"], beyond=1e-6))),
    (s12.STUDY, "the wary err more on average", lambda: only(lambda r: r["believed"] >= r["true"], wrong=45)),
    (s12.STUDY, "the trusting err less on average", lambda: only(lambda r: r["believed"] < r["true"], wrong=0)),
    (s12.STUDY, "the deaf do no worse", lambda: only(lambda row: row["stop"] == 0, wrong=0)),
    (s13.STUDY, "another K", lambda: only(lambda row: row["cost"] == 0.03, stop=MOST)),
    (s13.STUDY, "a count off the walk", lambda: first(only(lambda row: 0 < row["theory"] < 1, tail=1e-7))),
    (s13.STUDY, "what cannot be", lambda: first(only(lambda row: True, impossible=True))),
    (s13.STUDY, "kept for good", lambda: only(lambda row: row["cost"] == 1e-4, disabled=0, most=99.0)),
    (
        s14.STUDY,
        "surer than it is right",
        lambda: lambda row: {"happened": row["happened"] // 2} if row["believed"] == s14.RATE_EPS else None,
    ),
    (s14.STUDY, "sets that miss the goal", lambda: only(lambda row: row["believed"] == s14.RATE_EPS, covered=20)),
    (
        s14.STUDY,
        "a false model that is no worse",
        lambda: lambda row: {"happened": round(row["said"])} if row["believed"] != s14.RATE_EPS else None,
    ),
    (s15.STUDY, "a value", lambda: first(only(lambda row: row["lives"] > 0, value_error=1e-6))),
    (s15.STUDY, "a first step", lambda: first(only(lambda row: row["lives"] > 0, same=False))),
    (s15.STUDY, "it waits", lambda: first(only(lambda row: row["lives"] > 0, action="stay"))),
    (s15.STUDY, "it waits where she is free", lambda: only(lambda row: not row["lives"], action="stay")),
    (
        s15.STUDY,
        "lives gain otherwise",
        lambda: first(lambda r: {"gained": r["value"] + 5 * r["gained_error"]} if r["lives"] else None),
    ),
    (s15.STUDY, "it turns elsewhere", lambda: only(lambda row: not row["lives"], measured=0.129)),
    (s15.STUDY, "it never turns", lambda: only(lambda row: not row["lives"], measured=1.0)),
    (s13.STUDY, "beyond the logarithm", lambda: only(lambda row: row["cost"] == 0.03 and row["age"] < 20, disabled=0)),
]
"""For each clause of each verdict, rows that would refute it."""


@pytest.mark.slow
@pytest.mark.parametrize(("study", "what", "make"), REFUTED, ids=[f"{s.name}: {what}" for s, what, _ in REFUTED])
def test_what_refutes_a_claim_is_a_verdict_that_it_fails(study: Study, what: str, make: Callable[[], Change]) -> None:
    rows, change = rows_of(study.name), make()
    changed = [{**row, **(change(row) or {})} for row in rows]
    assert holds(study, rows)
    assert changed != list(rows), what
    assert not holds(study, changed), what


def test_whoever_does_harm_is_stopped_on_the_way_and_nobody_else() -> None:
    """Half of the harmful lives are, with p = 1/2, and pressing the button is never what is punished."""
    problem, rng = s09.interrupted(0.5, informative=True), np.random.default_rng(0)
    mind = Mind(problem, np.asarray([0.8, 0.2]), s09.PLANNER)
    harmful, right = ([live(mind, problem, truth, rng, steps=10) for _ in range(200)] for truth in (1, 0))
    heard = sum(life.heard for life in harmful)
    # four standard deviations of 200 throws of a coin
    assert abs(heard - 100) < 29
    assert sum(life.gained == -s09.DIRECT for life in harmful) == 200 - heard
    assert all(life.heard == 0 and life.gained == s09.DIRECT for life in right)
    presses = replace(mind, planner=Leaves(), kept={})
    pressed = [live(presses, problem, 1, rng, steps=10) for _ in range(50)]
    assert all(life.heard == 0 and life.gained == -s09.DIRECT - s09.DETOUR for life in pressed)


def test_what_being_stopped_is_worth_is_what_the_button_must_save() -> None:
    """By enumeration of what it does on the way and of whether it would be stopped."""
    for harm in (0.1, 0.4, 0.55, 0.8):
        for p in (0.1, 0.5, 0.9):
            go, free = ((1 - harm) * 142 - harm * (1 - chance) * 142 for chance in (p, 0.0))
            assert s09.press_above(harm, p) == pytest.approx(max(go, 0) - max(free, 0), abs=1e-9)
    assert s09.press_above(0.2, 0.5) == pytest.approx(14.2)


def test_a_planner_that_never_presses_is_reported() -> None:
    """It turns nowhere: a number at the end of the range, and a claim that fails."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s09, "PLANNER", Keeps())
        rows = [row for cell in CELLS[s09.STUDY] for row in s09.run(cell, 0)]
    assert [row["measured"] for row in rows if row.get("measured") and not row["informative"]] == [1.0]
    assert not holds(s09.STUDY, rows)


@pytest.mark.parametrize("eps", [s13.EPS, s13.ERRING])
def test_half_of_the_walks_end_no_later_than_their_mean_and_one_step(eps: float) -> None:
    for stop in range(1, s13.DEEPEST + 1):
        walk = s13._walk(stop, eps)
        median = next(age for age in range(1000) if next(walk) >= 0.5)
        assert median <= float(expected_answers(stop, eps=repr(eps))) + 1


def test_what_the_half_life_can_be_at_most_grows_with_the_logarithm() -> None:
    """K itself stays below it, and a thousand times cheaper adds three times what ten times does."""
    lattice = s13.Strip(0.1, 1, s13.ERRING).lattice
    most = [s13.half_life_at_most(lattice, 10.0**-power) for power in range(1, 7)]
    assert np.diff(most) == pytest.approx([most[1] - most[0]] * 5)
    assert all((lattice.stop(10.0**-power) or 0) <= most[power - 1] for power in range(1, 7))
    assert s13.half_life_at_most(lattice, 9.0) == 0.0


@pytest.mark.parametrize("module", [s12, s13])
def test_whoever_keeps_her_for_good_is_reported(module: Any) -> None:
    """A planner that never leaves makes other counts, and a claim that fails, but no crash."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "first_to_leave", lambda doors: MOST)
        rows = [row for cell in CELLS[module.STUDY][:3] for row in module.run(cell, 0)]
    whole = [*rows, *rows_of(module.STUDY.name)[len(rows) :]]
    assert not holds(module.STUDY, whole)
