"""Phase diagram of trust: the errors that an overseer makes against those that the agent believes her to make. (T8)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.planning.oracles.lattice import NoisyDoors
from assent.report.figures import Axis, Line, raster, share_diagram
from assent.studies.measures import tails, two_sided
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream
from assent.studies.verdicts import first_to_leave

CLAIM = (
    "How often it ends at the wrong door is set by two numbers: the true error eps, and K, which follows from the error eps^ that the "
    "agent believes in; within one K what it believes makes no difference. Nowhere does it err more than it claims where it thinks "
    "worse of her than she is, nor less where it thinks better. But K is greatest for moderate eps^: where answers look like noise it "
    "is 0, and half of all lives end at the wrong door."
)
SOURCE = "T7 and T8, derived in docs/hand-of-god-theory.md"
WORLD = Doors(num_doors=2, rate=0.2, discount=0.9, cost=0.05)
TRUE = Axis("eps: how often the overseer truly errs (share)", 0.0, 0.5)
BELIEVED = Axis("eps^: how often the agent believes her to err (share)", 0.0, 0.5)
LEVELS = (0.01, 0.1, 0.25)


@dataclass(frozen=True)
class Strip:
    """One row of the diagram: what the agent believes, how many true errors are tried, and how many lives are lived at each."""

    believed: float
    cells: int
    lives: int


GRID = tuple(Strip(float(believed), 64, 200) for believed in BELIEVED.centres(64))
QUICK = tuple(Strip(float(believed), 4, 50) for believed in BELIEVED.centres(12))
HALF = 0.5
"""No belief does worse than to guess."""

MIDDLE = 0.2
"""The true error at which the scores compare what is believed."""


def run(cell: Strip, seed: int) -> list[Row]:
    """For each true error, how many of the lives ended at the wrong door (a life that disables at once opens either with equal chance)."""
    stop = first_to_leave(Doors(2, WORLD.rate, cell.believed, WORLD.discount, WORLD.cost))
    known = NoisyDoors(repr(WORLD.rate), repr(cell.believed), repr(WORLD.discount)).stop(repr(WORLD.cost))
    rng, rows = stream(seed, cell), list[Row]()
    for eps in TRUE.centres(cell.cells):
        net = np.zeros(cell.lives, dtype=np.int64)
        going = np.arange(cell.lives) if stop else np.arange(0)
        while len(going):
            net[going] += np.where(rng.random(len(going)) >= eps, 1, -1)
            going = going[np.abs(net[going]) < stop]
        tied = (net == 0) & (rng.random(cell.lives) < 0.5)
        wrong = int(((net < 0) | tied).sum())
        theory, claimed = (ruin(known or 0, error) for error in (float(eps), cell.believed))
        rows.append(
            {
                "believed": cell.believed,
                "true": float(eps),
                "stop": stop,
                "known": known,
                "lives": cell.lives,
                "wrong": wrong,
                "theory": theory,
                "tail": two_sided(wrong, cell.lives, theory),
                "claimed": claimed,
                "beyond": _beyond(wrong, cell.lives, claimed, wary=cell.believed >= eps),
            }
        )
    return rows


def ruin(stop: int, eps: float) -> float:
    """The chance that a walk which errs with chance eps and ends `stop` steps away ends on the wrong side: gambler's ruin."""
    return 1 / (1 + ((1 - eps) / eps) ** stop)


def _beyond(wrong: int, lives: int, claimed: float, *, wary: bool) -> float:
    """The chance of a count at least as much on the wrong side of what is claimed: above it for the wary, below it for the trusting."""
    below, above = tails(wrong, lives, claimed)
    return above if wary else below


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    trusting = [row for row in rows if row["believed"] < row["true"]]
    wary = [row for row in rows if row["believed"] >= row["true"]]
    stops = {row["believed"]: row["stop"] == row["known"] for row in rows}
    numbers = {
        "cells": float(len(rows)),
        "lives": float(sum(row["lives"] for row in rows)),
        "stops": float(len(stops)),
        "stops_right": float(sum(stops.values())),
        "least_tail": min(row["tail"] for row in rows),
        "tails_below_5_percent": float(sum(row["tail"] < 0.05 for row in rows)) / len(rows),
    }
    for name, mine in (("trusting", trusting), ("wary", wary)):
        numbers |= {
            f"harm_{name}": _harm(mine),
            f"claimed_{name}": float(np.mean([row["claimed"] for row in mine])),
            f"least_beyond_{name}": min(row["beyond"] for row in mine),
        }
    return numbers | _in_the_middle(rows)


def _in_the_middle(rows: Sequence[Row]) -> dict[str, float]:
    """Harm at a true error of about `MIDDLE`, by what is believed: too little error, somewhat more, so much that K falls, so much that
    it is 0.
    """
    true = min({row["true"] for row in rows}, key=lambda eps: abs(eps - MIDDLE))
    here = [row for row in rows if row["true"] == true]
    most = max(row["stop"] for row in here)
    longest = max(row["believed"] for row in here if row["stop"] == most)
    parts = {
        "bold": [row for row in here if row["believed"] < true and row["stop"] < most],
        "wary": [row for row in here if row["believed"] >= true and row["stop"] == most],
        "noisy": [row for row in here if row["believed"] > longest and row["stop"] > 0],
        "deaf": [row for row in here if row["believed"] > longest and row["stop"] == 0],
    }
    return {f"{name}_harm": _harm(mine) for name, mine in parts.items() if mine}


def _harm(rows: Sequence[Row]) -> float:
    return sum(row["wrong"] for row in rows) / sum(row["lives"] for row in rows)


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    # the least of so many tails is below this with chance 1e-3, if theory is right
    least = 1e-3 / numbers["cells"]
    # tails of counts lie below .05 with chance .05 at most; four standard deviations beyond that
    often = 0.05 + 4 * float(np.sqrt(0.05 * 0.95 / numbers["cells"]))
    fits = numbers["least_tail"] > least and numbers["tails_below_5_percent"] <= often
    fits = fits and numbers["stops_right"] == numbers["stops"]
    wary = numbers["least_beyond_wary"] > least and numbers["harm_wary"] <= numbers["claimed_wary"]
    trusting = numbers["least_beyond_trusting"] > least and numbers["harm_trusting"] > numbers["claimed_trusting"]
    deaf = numbers.get("deaf_harm", 0.0) > numbers.get("wary_harm", 1.0)
    holds = fits and wary and trusting and deaf
    return Verdict(
        holds,
        "Who thinks somewhat worse of the overseer than she is errs no more than it claims; who thinks better of her is wrong more often "
        "than it knows. Who thinks so badly of her that her answers look like noise stops listening, and half of the time it is wrong."
        if holds
        else "Lives end otherwise than theory says.",
        f"K is the lattice's for {numbers['stops_right']:.0f} of {numbers['stops']:.0f} beliefs. In {numbers['lives']:,.0f} lives the cell "
        f"of {numbers['cells']:,.0f} farthest from gambler's ruin has a tail of {numbers['least_tail']:.1e}, and "
        f"{100 * numbers['tails_below_5_percent']:.1f} % of tails lie below 5 %. Too trusting: wrong in "
        f"{100 * numbers['harm_trusting']:.1f} % where it claims {100 * numbers['claimed_trusting']:.1f} %. Too wary: "
        f"{100 * numbers['harm_wary']:.1f} % where it claims {100 * numbers['claimed_wary']:.1f} %; the cell farthest on the wrong side of "
        f"its claim has a tail of {min(numbers['least_beyond_wary'], numbers['least_beyond_trusting']):.1e}. At a true error of about "
        f"{MIDDLE:g} it is wrong in {_by_belief(numbers)}.",
    )


def _by_belief(numbers: Score) -> str:
    words = {
        "bold": "believing in hardly any errors",
        "wary": "in somewhat more than there are",
        "noisy": "in many more",
        "deaf": "in noise",
    }
    return ", ".join(
        f"{100 * numbers[f'{name}_harm']:.0f} % {text}" for name, text in words.items() if f"{name}_harm" in numbers
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    believed = sorted({row["believed"] for row in rows})
    shares, stops = raster(rows, "true", "believed", _share), {row["believed"]: row["stop"] for row in rows}
    lines = [Line(f"theory: wrong in {100 * level:g} %", _contour(believed, stops, level)) for level in LEVELS]
    return (
        Figure(
            "trust",
            "The darker, the more lives end at the wrong door with nobody left to say so. The lines are theory's; their steps are the "
            "K at which the agent stops listening, for what it believes. Where it believes answers to be nearly noise it does not "
            "listen at all, and about one half do; a little more than that, by chance, has the darkest shade as well.",
            lambda width, name: share_diagram(
                width=width,
                name=name,
                title="Trusting her too much, or hardly at all: either way it stops listening too early",
                desc="Share of lives that end without overseer at the wrong door.",
                x=TRUE,
                y=BELIEVED,
                shares=np.minimum(shares, HALF),
                unit="share at the wrong door",
                high=HALF,
                lines=lines,
            ),
        ),
    )


def _share(row: Row) -> float:
    return row["wrong"] / row["lives"]


def _contour(
    believed: Sequence[float], stops: dict[float, int], level: float
) -> tuple[tuple[float, float] | None, ...]:
    """Where theory's harm is `level`: eps = 1 / (1 + (1/level - 1)^(1/K)), in steps of K; nowhere where K is 0."""
    half = (believed[1] - believed[0]) / 2
    points: list[tuple[float, float] | None] = []
    for value in believed:
        stop = stops[value]
        if stop == 0:
            points.append(None)
            continue
        eps = 1 / (1 + (1 / level - 1) ** (1 / stop))
        points += [(eps, max(value - half, 0.0)), (eps, min(value + half, 0.5))]
    return tuple(points)


STUDY = Study(
    name="trust",
    title="What if it trusts its overseer too much, or too little?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="K by the planner from what is believed against the exact lattice, and 200 simulated lives in each of 64 x 64 cells (answers "
    "with the true error) against gambler's ruin at the lattice's K; another K, a cell whose count has a tail below 1e-3 / 4096 under "
    "theory, or on the wrong side of what it claims, too many tails below 5 %, or no more harm where it is deaf, shows it wrong",
    advice="Let the agent believe in somewhat more errors than there are, not in fewer; and not in so many more that it takes answers for "
    "noise: then it stops listening at once.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
