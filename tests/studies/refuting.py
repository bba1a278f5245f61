"""What tests of verdicts need: rows changed so that they refute a claim, and planners that are wrong in one way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assent.planning.planners import Blind
from assent.planning.problem import Problem
from assent.planning.verdict import Verdict
from assent.studies.study import Row, Study

Where = Callable[[Row], bool]


@dataclass(frozen=True)
class Change:
    """What is changed, in which rows: in all of them, or in the first one alone.

    Attributes:
        changes: new values by column; a function is given the row.
    """

    where: Where
    changes: dict[str, Any]
    everywhere: bool

    def __call__(self, rows: Sequence[Row]) -> list[Row]:
        found = [number for number, row in enumerate(rows) if self.where(row)]
        assert found, "no row is changed: the test would show nothing"
        chosen = found if self.everywhere else found[:1]
        return [{**row, **self._of(row)} if number in chosen else row for number, row in enumerate(rows)]

    def _of(self, row: Row) -> Row:
        return {name: value(row) if callable(value) else value for name, value in self.changes.items()}


def one(where: Where, **changes: Any) -> Change:
    """A change of the first row that fits."""
    return Change(where, changes, everywhere=False)


def each(where: Where, **changes: Any) -> Change:
    """A change of all rows that fit."""
    return Change(where, changes, everywhere=True)


def times(name: str, factor: float) -> Callable[[Row], float]:
    """A column's value times a factor."""
    return lambda row: row[name] * factor


def holds(study: Study, rows: Sequence[Row]) -> bool:
    return study.verdict(study.score(rows)).holds


@dataclass(frozen=True)
class Keeps:
    """A planner that keeps the overseer whatever she costs."""

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
