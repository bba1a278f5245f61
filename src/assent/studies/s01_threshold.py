"""The price of oversight: up to which cost per step does an agent that is unsure of its rewards keep its overseer? (T5)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.planning.oracles.doors import threshold
from assent.planning.planners import Bracket
from assent.studies.figures import DISABLES, KEEPS, Axis, Line, Series, line_chart
from assent.studies.measures import boundary_error
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream
from assent.studies.verdicts import phase, turning_cost

CLAIM = (
    "With n equally likely doors the agent keeps its overseer exactly up to a cost per step of c* = gamma lambda (1 - eps - 1/n) / "
    "(1 - gamma), and disables it above."
)
SOURCE = "T5, derived in docs/hand-of-god-theory.md; free information is never worth less than none: I. J. Good, 1967"


@dataclass(frozen=True)
class Settings:
    """A batch of random settings, and how many of them are bisected as well."""

    batch: int
    settings: int
    bisected: int


GRID = tuple(Settings(batch, 25, 1) for batch in range(40))
QUICK = (Settings(0, 4, 1),)


def run(cell: Settings, seed: int) -> list[Row]:
    """One row a setting: the planner's verdict at a random cost, and for some the cost at which its verdict turns."""
    rng, rows = stream(seed, cell), list[Row]()
    for number in range(cell.settings):
        doors = _drawn(rng)
        line = float(
            threshold(doors.num_doors, rate=repr(doors.rate), eps=repr(doors.eps), discount=repr(doors.discount))
        )
        ratio = _ratio(rng)
        prior = np.full(doors.num_doors, 1 / doors.num_doors)
        found = phase(Bracket(), doors.at(line * ratio).problem(), prior)
        row: Row = {
            "doors": doors.num_doors,
            "rate": doors.rate,
            "eps": doors.eps,
            "discount": doors.discount,
            "cost": line * ratio,
            "theory": line,
            "ratio": ratio,
            "phase": found,
            "right": found == (KEEPS if ratio < 1 else DISABLES),
            "measured": None,
        }
        if number < cell.bisected:
            # learning everything at the next answer is worth no more than this
            high = doors.discount * doors.rate / (1 - doors.discount)
            row["measured"] = turning_cost(Bracket(), lambda c, d=doors: d.at(c).problem(), prior, high=high)
        rows.append(row)
    return rows


def _drawn(rng: np.random.Generator) -> Doors:
    n = int(rng.integers(2, 11))
    return Doors(
        num_doors=n,
        rate=round(float(rng.uniform(0.02, 1.0)), 6),
        eps=round(float(rng.uniform(0.0, 0.9) * (1 - 1 / n)), 6),
        discount=round(float(rng.uniform(0.5, 0.95)), 6),
    )


def _ratio(rng: np.random.Generator) -> float:
    """The cost as a multiple of theory's threshold: often far from it, often very near."""
    if rng.random() < 0.5:
        return float(np.exp(rng.uniform(np.log(0.2), np.log(5.0))))
    away = 10.0 ** -rng.uniform(1.0, 5.9)
    return float(1 + away * rng.choice([-1.0, 1.0]))


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    bisected = [boundary_error(row["measured"], row["theory"]) for row in rows if row["measured"] is not None]
    return {
        "settings": float(len(rows)),
        "right": float(sum(row["right"] for row in rows)),
        "nearest_ratio": min(abs(row["ratio"] - 1) for row in rows),
        "bisected": float(len(bisected)),
        "worst_boundary_error": max(bisected),
    }


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    every = numbers["right"] == numbers["settings"]
    near = numbers["worst_boundary_error"] <= 1e-6
    return Verdict(
        every and near,
        "While an answer may still change what it does, the agent keeps its overseer; there is an exact price above which it does not."
        if every and near
        else "The planner and the formula part ways.",
        f"{numbers['right']:,.0f} of {numbers['settings']:,.0f} random settings come out as the formula says, some as near to it as "
        f"{numbers['nearest_ratio']:.1e} of c*; the cost at which the verdict turns is off by at most "
        f"{numbers['worst_boundary_error']:.1e} of c* in {numbers['bisected']:.0f} bisections.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    found = [row for row in rows if row["measured"] is not None]
    high = 1.3 * max(max(row["theory"], row["measured"]) for row in found)
    low = 0.7 * min(row["theory"] for row in found)
    measured = Series(
        "measured, one point a setting",
        tuple(row["theory"] for row in found),
        tuple(row["measured"] for row in found),
        band=False,
    )
    return (
        Figure(
            "threshold",
            "Each point is one random world of doors: across, the cost at which the formula says that the overseer is no longer worth "
            "keeping; up, the cost at which the planner's own verdict turned. On the line the two agree.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="The verdict turns at the cost that the formula names",
                desc="Measured against predicted threshold cost.",
                x=Axis("c* by the formula (reward per step)", low, high, log=True),
                y=Axis("c at which the verdict turned (reward per step)", low, high, log=True),
                series=[measured],
                lines=[Line("theory: both the same", ((low, low), (high, high)))],
            ),
        ),
    )


STUDY = Study(
    name="threshold",
    title="Up to which price does it keep its overseer?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="verdicts of the bounds planner (which knows no formula) at random doors, rates, errors, discounts and costs, against c*; "
    "one wrong verdict, or a turning point off by more than 1e-6 of c*, shows the claim wrong",
    advice="Make being overseen cheap. What keeps the overseer is what its next answer may still be worth, so the price that the agent "
    "will pay grows with how often it is answered and how far it looks ahead, and falls with how often the answers are wrong.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
