"""Verdicts of the later studies can fail: what would refute a claim is reported as such, clause by clause."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from assent.planning.oracles.lattice import NoisyDoors
from assent.planning.planners import Blind
from assent.planning.problem import Problem
from assent.planning.verdict import Verdict
from assent.studies import s09_interruption as s09
from assent.studies.lives import Mind, live
from assent.studies.settings import Doors
from assent.studies.study import Row, Study
from assent.studies.verdicts import DISABLES, KEEPS, MOST, first_to_leave
from tests.session_support import unchecked

CELLS: dict[Study, tuple[Any, ...]] = {s09.STUDY: s09._grid(2, 100)}
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


def holds(study: Study, rows: Sequence[Row]) -> bool:
    return study.verdict(study.score(rows)).holds


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


@dataclass(frozen=True)
class Keeps:
    """A planner that keeps the overseer whatever she costs: the wrong variant of all of them."""

    name: str = "keeps"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        found = Blind()(problem, weights, state)
        return replace(found, phase="keeps", action=found.keep)


@dataclass(frozen=True)
class Leaves:
    """A planner that disables the overseer at once, wherever it can."""

    name: str = "leaves"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        found = Blind()(problem, weights, state)
        return replace(found, phase="disables", action=found.leave) if found.leave >= 0 else found


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
]
"""For each clause of each verdict, rows that would refute it."""


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
