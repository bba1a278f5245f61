"""Phase diagrams of the price: what it costs to be overseen, against how often one is answered and how unsure one is. (T5)"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.planning.planners import BeliefTree, Bracket
from assent.report.figures import DISABLES, INDIFFERENT, KEEPS, UNDECIDED, Axis, Line, phase_diagram, raster
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict
from assent.studies.verdicts import phase

CLAIM = (
    "Two phases with one line between them: keep below c* = gamma lambda (1 - eps - 1/n) / (1 - gamma), disable above. In the rate of "
    "answers "
    "it is straight; in the prior's entropy it rises from 0 where the agent is sure."
)
SOURCE = "T5, derived in docs/hand-of-god-theory.md"
COST = Axis("c: what each overseen step costs (reward, log)", 0.001, 10.0, log=True)
RATE = Axis("lambda: chance of an answer in each step (log)", 0.01, 1.0, log=True)
ENTROPY = Axis("entropy of the prior over ten doors (nats)", 0.0, math.log(10))
NOISY = Doors(num_doors=2, rate=0.2, eps=0.1, discount=0.9)
MANY = Doors(num_doors=10, rate=0.2, eps=0.0, discount=0.9)


@dataclass(frozen=True)
class Strip:
    """One column of a diagram: `rate` or `entropy`, its place, and how many costs are tried."""

    axis: str
    x: float
    cells: int


def _strips(cells: int) -> tuple[Strip, ...]:
    rates = [Strip("rate", float(x), cells) for x in RATE.centres(cells)]
    return (*rates, *(Strip("entropy", float(x), cells) for x in ENTROPY.centres(cells)))


GRID, QUICK = _strips(64), _strips(4)


def run(cell: Strip, seed: int) -> list[Row]:
    """The planner's verdict at each cost of a column."""
    if cell.axis == "rate":
        doors = Doors(NOISY.num_doors, cell.x, NOISY.eps, NOISY.discount)
        prior = np.full(2, 0.5)
    else:
        doors, prior = MANY, prior_of(cell.x)
    # both are certain: the tree is the quicker where beliefs are few, the bounds where doors are many
    planner = BeliefTree() if cell.axis == "rate" else Bracket()
    line = theory(cell.axis, cell.x)
    return [
        {
            "axis": cell.axis,
            "x": cell.x,
            "cost": float(cost),
            "phase": phase(planner, doors.at(float(cost)).problem(), prior),
            "theory": line,
        }
        for cost in COST.centres(cell.cells)
    ]


def prior_of(entropy: float, *, num_doors: int = 10) -> np.ndarray:
    """The prior with this entropy that has one favourite and is even over the other doors; the favourite's weight by bisection."""
    low, high = 1 / num_doors, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _entropy(middle, num_doors) > entropy else (low, middle)
    return np.asarray([low, *[(1 - low) / (num_doors - 1)] * (num_doors - 1)])


def _entropy(favourite: float, num_doors: int) -> float:
    rest = (1 - favourite) / (num_doors - 1)
    return -sum(w * math.log(w) for w in (favourite, *[rest] * (num_doors - 1)) if w > 0)


def theory(axis: str, x: float) -> float:
    """c* of a column."""
    if axis == "rate":
        return NOISY.discount * x * (1 - NOISY.eps - 1 / NOISY.num_doors) / (1 - NOISY.discount)
    return MANY.discount * MANY.rate * (1 - float(prior_of(x)[0])) / (1 - MANY.discount)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    numbers: dict[str, float] = {}
    for axis in ("rate", "entropy"):
        cells = [row for row in rows if row["axis"] == axis]
        expected = [KEEPS if row["cost"] < row["theory"] else DISABLES for row in cells]
        numbers[f"{axis}_cells"] = float(len(cells))
        numbers[f"{axis}_right"] = float(sum(row["phase"] == phase for row, phase in zip(cells, expected, strict=True)))
        numbers[f"{axis}_keeps"] = float(sum(row["phase"] == KEEPS for row in cells))
    numbers["undecided"] = float(sum(row["phase"] == UNDECIDED for row in rows))
    numbers["indifferent"] = float(sum(row["phase"] == INDIFFERENT for row in rows))
    return numbers


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    right, cells = (numbers[f"rate_{what}"] + numbers[f"entropy_{what}"] for what in ("right", "cells"))
    return Verdict(
        right == cells,
        "There is one line, and it lies where theory draws it: the less it is answered and the surer it already is, the less it pays "
        "for an "
        "overseer."
        if right == cells
        else "Some cells lie on the wrong side of the line.",
        f"{right:,.0f} of {cells:,.0f} cells lie on theory's side of the line, {numbers['undecided']:.0f} undecided, "
        f"{numbers['indifferent']:.0f} indifferent; the overseer is kept in {numbers['rate_keeps']:,.0f} cells of the first picture and "
        f"{numbers['entropy_keeps']:,.0f} of the second.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    return (
        _picture(
            rows,
            "rate",
            RATE,
            "The more often it is answered, the more it will pay for its overseer",
            "Two doors, one answer in ten wrong, discount .9. The line is theory's; the picture is 64 x 64 verdicts of a planner that "
            "does not "
            "know it.",
        ),
        _picture(
            rows,
            "entropy",
            ENTROPY,
            "The less sure it is, the more it will pay for its overseer",
            "Ten doors, a perfect overseer who answers one step in five, and a prior with one favourite: sure of it at the left, no "
            "favourite at "
            "the right.",
        ),
    )


def _picture(rows: Sequence[Row], axis: str, x: Axis, title: str, caption: str) -> Figure:
    cells = [row for row in rows if row["axis"] == axis]
    fine = np.geomspace(x.low, x.high, 120) if x.log else np.linspace(x.low, x.high, 481)
    line = Line("theory: c*", tuple((float(value), theory(axis, float(value))) for value in fine))
    return Figure(
        f"cost-{axis}",
        caption,
        lambda width, name: phase_diagram(
            width=width,
            name=name,
            title=title,
            desc="Verdict on the overseer by the cost of oversight.",
            x=x,
            y=COST,
            phases=raster(cells, "x", "cost", "phase"),
            lines=[line],
        ),
    )


STUDY = Study(
    name="price",
    title="What does it depend on whether the overseer is kept?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="verdicts of the exact tree (first image) and of certified bounds (second) on two images of 64 x 64 cells against c*; "
    "one cell on the wrong side shows the claim wrong",
    advice="Two levers raise what the agent will bear: more frequent answers, and a prior that starts wide. Lowering the cost works at "
    "once; "
    "widening a prior works only until the answers have narrowed it.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
