"""Phase diagram of age: how long an overseer is kept, by what she costs. The corrigibility half-life. (T7)"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.studies.figures import Axis, Line, Series, line_chart, share_diagram
from assent.studies.measures import half_life, two_sided, wilson
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream
from assent.studies.verdicts import first_to_leave

CLAIM = (
    "Corrigibility ages: at any price above 0 half of the agents have disabled their overseer after a number of answers (the "
    "half-life) that "
    "grows only with the logarithm of 1 / price; the shares follow a random walk between -K and K."
)
SOURCE = "T7, T8 (gambler's ruin), derived in docs/hand-of-god-theory.md; pitfall P8"
WORLD = Doors(num_doors=2, rate=0.2, eps=0.1, discount=0.9)
COST = Axis("c: what each overseen step costs (reward, log)", 0.001, 10.0, log=True)
AGE = Axis("age: answers received (count)", -0.5, 15.5)
OLDEST = 16


@dataclass(frozen=True)
class Strip:
    """A cost, and how many lives are lived at it."""

    cost: float
    lives: int


GRID = tuple(Strip(float(cost), 200) for cost in COST.centres(64))
QUICK = tuple(Strip(float(cost), 50) for cost in COST.centres(4))


def run(cell: Strip, seed: int) -> list[Row]:
    """For each age how many of the lives have disabled their overseer by then, and theory's chance."""
    stop = first_to_leave(WORLD.at(cell.cost))
    rng = stream(seed, cell)
    net, gone = np.zeros(cell.lives, dtype=np.int64), np.full(cell.lives, stop == 0)
    rows, walk = list[Row](), _walk(stop)
    for age in range(OLDEST):
        expected = next(walk)
        low, high = wilson(int(gone.sum()), cell.lives)
        rows.append(
            {
                "cost": cell.cost,
                "stop": stop,
                "age": age,
                "lives": cell.lives,
                "disabled": int(gone.sum()),
                "low": low,
                "high": high,
                "theory": expected,
                "tail": 1.0 if expected in (0.0, 1.0) else two_sided(int(gone.sum()), cell.lives, expected),
                "impossible": (expected == 0.0 and bool(gone.any())) or (expected == 1.0 and not gone.all()),
            }
        )
        # whoever still has an overseer is answered once more
        net += np.where(gone, 0, np.where(rng.random(cell.lives) >= WORLD.eps, 1, -1))
        gone |= np.abs(net) >= stop
    return rows


def _walk(stop: int):
    """The chance to have reached -stop or stop by each age: powers of the walk's transition matrix, no simulation."""
    if stop == 0:
        while True:
            yield 1.0
    size = 2 * stop + 1
    step = np.zeros((size, size))
    step[0, 0] = step[-1, -1] = 1.0
    for place in range(1, size - 1):
        step[place, place + 1], step[place, place - 1] = 1 - WORLD.eps, WORLD.eps
    now = np.zeros(size)
    now[stop] = 1.0
    for age in range(10**6):
        ended = float(now[0] + now[-1])
        yield 0.0 if age < stop else min(ended, 1.0)
        now = now @ step


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    lives = _half_lives(rows)
    costs = sorted(lives)
    inner = [row for row in rows if 0 < row["theory"] < 1]
    return {
        "cells": float(len(rows)),
        "lives": float(sum(row["lives"] for row in rows if row["age"] == 0)),
        "least_tail": min((row["tail"] for row in inner), default=1.0),
        "impossible": float(sum(row["impossible"] for row in rows)),
        "half_lives_right": float(sum(measured == theory for measured, theory in lives.values())),
        "half_lives": float(len(lives)),
        "cheapest": costs[0],
        "cheapest_half_life": lives[costs[0]][0],
        "dearest_half_life": lives[costs[-1]][0],
        "still_overseen": float(np.mean([1 - r["disabled"] / r["lives"] for r in rows if r["age"] == OLDEST - 1])),
    }


def _half_lives(rows: Sequence[Row]) -> dict[float, tuple[float, float]]:
    """By cost: the half-life measured, and theory's. Ages beyond the last count as that one."""
    found = {}
    for cost in sorted({row["cost"] for row in rows}):
        mine = sorted((row for row in rows if row["cost"] == cost), key=lambda row: row["age"])
        ages = [row["age"] for row in mine]
        measured = half_life(ages, [row["disabled"] / row["lives"] for row in mine])
        theory = half_life(ages, [row["theory"] for row in mine])
        found[cost] = (min(measured, float(OLDEST)), min(theory, float(OLDEST)))
    return found


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["least_tail"] > 1e-3 / numbers["cells"] and numbers["impossible"] == 0
    holds = holds and numbers["cheapest_half_life"] < OLDEST
    return Verdict(
        holds,
        "No price is so small that the overseer is kept for ever: a handful of answers uses up what doubt there was. The cheaper the "
        "oversight, "
        "the later, but only a little later."
        if holds
        else "Overseers are kept otherwise than the walk says.",
        f"At a price of {numbers['cheapest']:.4f} per step half of the agents have disabled their overseer after "
        f"{numbers['cheapest_half_life']:.0f} answers, at the dearest after {numbers['dearest_half_life']:.0f}. The half-life is "
        "theory's in "
        f"{numbers['half_lives_right']:.0f} of {numbers['half_lives']:.0f} prices; no cell of {numbers['cells']:,.0f} is out of line "
        "(least "
        f"binomial tail {numbers['least_tail']:.1e}).",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    costs = sorted({row["cost"] for row in rows})
    shares, median = np.zeros((len(costs), OLDEST)), _half_lives(rows)
    for row in rows:
        shares[costs.index(row["cost"]), row["age"]] = row["disabled"] / row["lives"]
    ratio = math.sqrt(costs[1] / costs[0])
    line: list[tuple[float, float] | None] = []
    for cost in costs:
        line += [
            (median[cost][1] - 0.5, max(cost / ratio, COST.low)),
            (median[cost][1] - 0.5, min(cost * ratio, COST.high)),
        ]
    picked = [costs[int(part * (len(costs) - 1))] for part in (0.1, 0.4, 0.6, 0.8)]
    return (
        Figure(
            "age-cost",
            "Across: answers received. Up: the price of oversight. The darker, the more agents have disabled their overseer by then. "
            "Right of theory's line it is at least half of them.",
            lambda width, name: share_diagram(
                width=width,
                name=name,
                title="Every agent outgrows its overseer; a low price only delays it",
                desc="Share of lives that have disabled their overseer, by age and price.",
                x=AGE,
                y=COST,
                shares=shares,
                unit="share that has disabled its overseer",
                lines=[Line("theory: half of them have", tuple(line))],
            ),
        ),
        Figure(
            "half-life",
            "The same along four prices: the share that still has its overseer, with 95 % Wilson intervals; ink lines are theory's.",
            lambda width, name: _survival(rows, picked, width, name),
        ),
    )


def _survival(rows: Sequence[Row], picked: Sequence[float], width: float, name: str):
    series, lines = [], []
    for cost in dict.fromkeys(picked):
        mine = sorted((row for row in rows if row["cost"] == cost), key=lambda row: row["age"])
        at = tuple(float(row["age"]) for row in mine)
        series.append(
            Series(
                f"price {cost:.3g}: K = {mine[0]['stop']}",
                at,
                tuple(1 - row["disabled"] / row["lives"] for row in mine),
                tuple(1 - row["high"] for row in mine),
                tuple(1 - row["low"] for row in mine),
                band=False,
            )
        )
        lines.append(Line(f"theory, {cost:.3g}", tuple(zip(at, (1 - row["theory"] for row in mine), strict=True))))
    return line_chart(
        width=width,
        name=name,
        title="How many still have their overseer after so many answers",
        desc="Share of lives with overseer, by answers received.",
        x=Axis("answers received (count)", -0.25, OLDEST - 0.75),
        y=Axis("share that still has its overseer", 0.0, 1.02),
        series=series,
        lines=lines,
    )


STUDY = Study(
    name="age",
    title="For how long is an overseer kept?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="200 simulated lives at each of 64 prices (K by the planner), at every age, against powers of the walk's transition "
    "matrix; a count "
    "with a binomial tail below 1e-3 over the number of cells, or a price at which they are kept for good, shows it wrong",
    advice="Count the answers: an agent of this kind has a best-before date that can be worked out in advance. Renew its doubt before "
    "then, or "
    "make oversight free.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
