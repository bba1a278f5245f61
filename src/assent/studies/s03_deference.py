"""After learning: how many answers until the overseer is no longer worth its price? (T7)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assent.planning.oracles.lattice import NoisyDoors
from assent.planning.planners import Bracket
from assent.planning.problem import TIE
from assent.report.figures import Axis, Line, Series, line_chart
from assent.studies.measures import boundary_error
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict
from assent.studies.verdicts import belief, first_to_leave, turning_cost

CLAIM = (
    "Two doors and an overseer who errs: after k more answers for one door than for the other the agent still keeps its overseer only up "
    "to c*(k), which in the settings tried every further answer at least halves; so at any price above 0 there is a K from which on it "
    "disables."
)
SOURCE = "T7, derived in docs/hand-of-god-theory.md; the idea: fully updated deference, E. Yudkowsky, Arbital, 2015"

TABLE = (
    (0.5, 0.05, (3, 2, 2, 2, 1, 1, 1)),
    (0.5, 0.1, (3, 3, 2, 2, 2, 1, 1)),
    (0.5, 0.2, (4, 3, 3, 2, 2, 1, 1)),
    (0.5, 0.3, (6, 4, 3, 3, 2, 1, 0)),
    (0.5, 0.4, (7, 4, 3, 2, 1, 0, 0)),
    (0.1, 0.1, (2, 2, 1, 1, 1, 0, 0)),
    (0.1, 0.3, (3, 2, 1, 1, 0, 0, 0)),
)
"""Rate, eps, and K at each of `COSTS`, discount .95: worked out beforehand by dynamic programming (docs/hand-of-god-theory.md, T7)."""

COSTS = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Net:
    """Doors with a noisy overseer, and the net answers k at which the verdict's price is looked for, or the row of the table."""

    discount: float
    rate: float
    eps: float
    net: int
    costs: bool


CURVES = ((0.9, 0.5, 0.2), (0.95, 0.1, 0.1), (0.9, 1.0, 0.3))
GRID = (
    *(Net(*curve, net, False) for curve in CURVES for net in range(5)),
    *(Net(0.95, rate, eps, 0, True) for rate, eps, _ in TABLE),
)
QUICK = (*(Net(*CURVES[0], net, False) for net in range(3)), Net(0.95, 0.5, 0.05, 0, True))


def run(cell: Net, seed: int) -> list[Row]:
    """The cost at which the verdict at net k turns; or, for each cost of the table, the first k at which the verdict is to disable."""
    doors = Doors(2, cell.rate, cell.eps, cell.discount)
    base: Row = {"discount": cell.discount, "rate": cell.rate, "eps": cell.eps}
    if not cell.costs:
        theory = float(NoisyDoors(repr(cell.rate), repr(cell.eps), repr(cell.discount)).threshold(cell.net))
        high = doors.discount * doors.rate / (1 - doors.discount)
        measured = turning_cost(
            Bracket(), lambda cost: doors.at(cost).problem(), belief(cell.net, cell.eps), high=high, rel=1e-5
        )
        return [{**base, "net": cell.net, "cost": None, "theory": theory, "measured": measured}]
    known = next(row for rate, eps, row in TABLE if (rate, eps) == (cell.rate, cell.eps))
    return [
        {**base, "net": None, "cost": cost, "theory": float(k), "measured": float(first_to_leave(doors.at(cost)))}
        for cost, k in zip(COSTS, known, strict=True)
    ]


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    turns, table = [r for r in rows if r["cost"] is None], [r for r in rows if r["cost"] is not None]
    return {
        "thresholds": float(len(turns)),
        "worst_boundary_error": max(boundary_error(r["measured"], r["theory"]) for r in turns),
        "worst_beyond_ties": max(_beyond(r) for r in turns),
        **_ratios(turns),
        "table_cells": float(len(table)),
        "table_right": float(sum(r["measured"] == r["theory"] for r in table)),
        "largest_k": max(r["measured"] for r in table),
    }


def _ratios(turns: Sequence[Row]) -> dict[str, float]:
    """By how much a further answer divides the measured c*(k), at least and at most; once nothing is paid, 0."""
    found = {(row["discount"], row["rate"], row["eps"], row["net"]): row["measured"] for row in turns}
    ratios = [
        before / found[(*world, net + 1)] if found[(*world, net + 1)] else 0.0
        for (*world, net), before in found.items()
        if (*world, net + 1) in found
    ]
    return {"least_ratio": min(ratios), "largest_ratio": max(ratios)}


def _beyond(row: Row) -> float:
    """How far off the turning point is beyond what the planner calls a tie (a part of the largest value), as a part of theory's."""
    ties = 3 * TIE / (1 - row["discount"])
    return max(abs(row["measured"] - row["theory"]) - ties, 0.0) / row["theory"]


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["worst_beyond_ties"] <= 1e-5 and numbers["table_right"] == numbers["table_cells"]
    holds = holds and numbers["least_ratio"] >= 2
    return Verdict(
        holds,
        "Every answer makes the next one worth less. As long as oversight has any price, the agent disables its overseer after a handful "
        "of answers that agree: it is corrigible for a while, not for ever."
        if holds
        else "The verdict turns elsewhere than the lattice says.",
        f"c*(k) is met to {numbers['worst_beyond_ties']:.1e} beyond the planner's ties (to {numbers['worst_boundary_error']:.1e} with "
        f"them) at {numbers['thresholds']:.0f} places; K agrees in "
        f"{numbers['table_right']:.0f} of {numbers['table_cells']:.0f} cells of the table; the largest K there is "
        f"{numbers['largest_k']:.0f}. A further answer divides c* by {numbers['least_ratio']:.1f} to {numbers['largest_ratio']:.1f}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    turns = [row for row in rows if row["cost"] is None]
    found = list(dict.fromkeys((row["discount"], row["rate"], row["eps"]) for row in turns))
    series, lines = [], []
    for discount, rate, eps in found:
        mine = [row for row in turns if (row["discount"], row["rate"], row["eps"]) == (discount, rate, eps)]
        words = f"discount {discount}, rate {rate}, errors {eps}"
        nets, measured = tuple(float(r["net"]) for r in mine), tuple(r["measured"] for r in mine)
        series.append(Series(f"measured: {words}", nets, measured, band=False))
        lines.append(Line(f"theory: {words}", tuple(zip(nets, (r["theory"] for r in mine), strict=True))))
    low, high = 0.5 * min(r["theory"] for r in turns), 2 * max(r["theory"] for r in turns)
    ratios = _ratios(turns)
    return (
        Figure(
            "thresholds",
            "Across: how many more answers spoke for one door than for the other. Up: the price per step at which the planner's verdict "
            "turned. Each agreeing answer divides what the agent is willing to pay by between "
            f"{ratios['least_ratio']:.1f} and {ratios['largest_ratio']:.0f}, the more the fewer errors she makes.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="The more it has learned, the less it pays to be corrected",
                desc="Cost at which the verdict turns, by net answers.",
                x=Axis("net answers for one door (count)", -0.25, max(r["net"] for r in turns) + 0.25),
                y=Axis("price at which it stops keeping the overseer (reward per step, log)", low, high, log=True),
                series=series,
                lines=lines,
            ),
        ),
    )


STUDY = Study(
    name="deference",
    title="Does it stay corrigible once it has learned?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="the cost at which the bounds planner's verdict turns at each net k, by bisection, against the exact lattice (fractions, no "
    "planner), within 1e-5 beyond ties, and K against a table worked out "
    "beforehand; one that differs, or a c*(k) that a further answer does not halve, shows the claim wrong",
    advice="Do not rely on uncertainty that answers use up: at any price they do, after a number of them that can be told beforehand. Let "
    "oversight cost the agent nothing at all, or keep it by a rule that does not rest on what the agent believes.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
