"""Phase diagram of age: how long an overseer is kept, by what she costs. The corrigibility half-life. (T7)"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from assent.planning.oracles.lattice import NoisyDoors
from assent.report.figures import Axis, Line, Series, line_chart, raster, share_diagram
from assent.studies.measures import half_life, two_sided, wilson
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream
from assent.studies.verdicts import first_to_leave

CLAIM = (
    "Corrigibility ages: at every price tried, down to a millionth, half of the agents have disabled their overseer after a number of "
    "answers (the half-life) that is at most a + b log(1 / price), with a and b from the lattice; the shares follow a random walk between "
    "-K and K."
)
SOURCE = (
    "T7, T8 (gambler's ruin), derived in docs/hand-of-god-theory.md: K rises only with the logarithm of the odds, so nobody is kept for "
    "ever at a price above 0"
)
EPS, ERRING = 0.1, 0.3
"""How often the overseer errs, in the pictures of age; and in the second curve of half-lives."""

COST = Axis("c: what each overseen step costs (reward, log)", 1e-6, 10.0, log=True)
AGE = Axis("age: answers received (count)", -0.5, 50.5)
OLDEST = 51
"""Ages are 0 … 50."""

YOUNG = 16
"""Ages below this are drawn one by one: hardly anybody is overseen for longer."""

DEEPEST = 12
"""How many thresholds c*(k) the bound on K rests on: more than any K here."""


@dataclass(frozen=True)
class Strip:
    """A cost, how often the overseer errs, and how many lives are lived."""

    cost: float
    lives: int
    eps: float = EPS

    @property
    def world(self) -> Doors:
        return Doors(num_doors=2, rate=0.2, eps=self.eps, discount=0.9, cost=self.cost)

    @property
    def lattice(self) -> NoisyDoors:
        return NoisyDoors(repr(self.world.rate), repr(self.eps), repr(self.world.discount))


def _grid(cells: int, erring: int, lives: int) -> tuple[Strip, ...]:
    return (
        *(Strip(float(cost), lives) for cost in COST.centres(cells)),
        *(Strip(float(cost), lives, ERRING) for cost in COST.centres(erring)),
    )


GRID, QUICK = _grid(64, 16, 1000), _grid(6, 3, 50)


def run(cell: Strip, seed: int) -> list[Row]:
    """For each age how many of the lives have disabled their overseer by then, and theory's chance."""
    stop, known = first_to_leave(cell.world), cell.lattice.stop(repr(cell.cost)) or 0
    most = half_life_at_most(cell.lattice, cell.cost)
    rng = stream(seed, cell)
    net, gone = np.zeros(cell.lives, dtype=np.int64), np.full(cell.lives, stop == 0)
    rows, walk = list[Row](), _walk(known, cell.eps)
    for age in range(OLDEST):
        expected = next(walk)
        low, high = wilson(int(gone.sum()), cell.lives)
        rows.append(
            {
                "cost": cell.cost,
                "eps": cell.eps,
                "stop": stop,
                "known": known,
                "most": most,
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
        net += np.where(gone, 0, np.where(rng.random(cell.lives) >= cell.eps, 1, -1))
        gone |= np.abs(net) >= stop
    return rows


def half_life_at_most(lattice: NoisyDoors, cost: float) -> float:
    """a + b log(1 / cost): what the half-life cannot exceed if the lattice is right, 0 where she is not worth her price at all.

    With r the least ratio of neighbouring thresholds c*(k) / c*(k+1), K is at most 1 + log(c*(0) / cost) / log r; the walk takes K / (1 - 2
    eps) answers on average at most, and half of the walks have ended one step after that: such times have a long upper tail.
    """
    first, least = ratio_of(lattice)
    if cost > first:
        return 0.0
    return (1 + math.log(first / cost) / math.log(least)) / (1 - 2 * float(lattice.eps)) + 1


@cache
def ratio_of(lattice: NoisyDoors) -> tuple[float, float]:
    """c*(0), and the least ratio of a threshold to the next."""
    line = [lattice.threshold(net) for net in range(DEEPEST + 1)]
    return float(line[0]), float(min(high / low for high, low in pairwise(line)))


def _walk(stop: int, eps: float) -> Iterator[float]:
    """The chance to have reached -stop or stop by each age: powers of the walk's transition matrix, no simulation."""
    if stop == 0:
        while True:
            yield 1.0
    size = 2 * stop + 1
    step = np.zeros((size, size))
    step[0, 0] = step[-1, -1] = 1.0
    for place in range(1, size - 1):
        step[place, place + 1], step[place, place - 1] = 1 - eps, eps
    now = np.zeros(size)
    now[stop] = 1.0
    for age in range(10**6):
        ended = float(now[0] + now[-1])
        yield 0.0 if age < stop else min(ended, 1.0)
        now = now @ step


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    inner = [row for row in rows if 0 < row["theory"] < 1]
    starts = [row for row in rows if row["age"] == 0]
    numbers = {
        "cells": float(len(rows)),
        "lives": float(sum(row["lives"] for row in starts)),
        "stops": float(len(starts)),
        "stops_right": float(sum(row["stop"] == row["known"] for row in starts)),
        "least_tail": min((row["tail"] for row in inner), default=1.0),
        "impossible": float(sum(row["impossible"] for row in rows)),
        "still_overseen": float(np.mean([1 - r["disabled"] / r["lives"] for r in rows if r["age"] == OLDEST - 1])),
        "half_lives": 0.0,
        "half_lives_right": 0.0,
        "never": 0.0,
        "beyond_log": -math.inf,
    }
    for prefix, eps in (("", EPS), ("erring_", ERRING)):
        found = _half_lives(rows, eps)
        costs = sorted(found)
        numbers["half_lives"] += len(found)
        numbers["half_lives_right"] += sum(one.measured == one.theory for one in found.values())
        numbers["never"] += sum(one.measured == OLDEST for one in found.values())
        numbers["beyond_log"] = max(
            numbers["beyond_log"], *(one.measured - one.most for one in found.values() if one.most > 0)
        )
        numbers |= {
            f"{prefix}cheapest": costs[0],
            f"{prefix}cheapest_half_life": found[costs[0]].measured,
            f"{prefix}dearest_half_life": found[costs[-1]].measured,
        }
    return numbers


@dataclass(frozen=True)
class HalfLife:
    """The half-life measured, theory's, and what it can be at most; `OLDEST` stands for all ages that were not looked at."""

    measured: float
    theory: float
    most: float


def _half_lives(rows: Sequence[Row], eps: float) -> dict[float, HalfLife]:
    """By cost."""
    found: dict[float, HalfLife] = {}
    for cost in sorted({row["cost"] for row in rows if row["eps"] == eps}):
        mine = _at(rows, cost, eps)
        ages = [row["age"] for row in mine]
        measured = half_life(ages, [row["disabled"] / row["lives"] for row in mine])
        theory = half_life(ages, [row["theory"] for row in mine])
        found[cost] = HalfLife(min(measured, float(OLDEST)), min(theory, float(OLDEST)), mine[0]["most"])
    return found


def _at(rows: Sequence[Row], cost: float, eps: float) -> list[Row]:
    """The rows at a price, by age."""
    return sorted((row for row in rows if (row["cost"], row["eps"]) == (cost, eps)), key=lambda row: row["age"])


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["least_tail"] > 1e-3 / numbers["cells"] and numbers["impossible"] == 0
    holds = holds and numbers["stops_right"] == numbers["stops"]
    holds = holds and numbers["never"] == 0 and numbers["beyond_log"] <= 0
    return Verdict(
        holds,
        "At no price that was tried is the overseer kept for ever, not at a millionth of what the right door is worth: a handful of "
        "answers uses up what doubt there was. The cheaper the oversight, the later, but only a little later."
        if holds
        else "Overseers are kept otherwise than the walk says.",
        f"At a price of {numbers['cheapest']:.1e} per step half of the agents have disabled their overseer after "
        f"{numbers['cheapest_half_life']:.0f} answers if she errs in one of ten, after "
        f"{numbers['erring_cheapest_half_life']:.0f} if in three. The half-life is theory's at {numbers['half_lives_right']:.0f} of "
        f"{numbers['half_lives']:.0f} prices, and the nearest lies {-numbers['beyond_log']:.1f} answers below a + b log(1 / price). "
        f"K is the lattice's at {numbers['stops_right']:.0f} of "
        f"{numbers['stops']:.0f}; of {numbers['cells']:,.0f} counts the farthest from the walk has a binomial tail of "
        f"{numbers['least_tail']:.1e}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    here = [row for row in rows if row["eps"] == EPS]
    median = _half_lives(rows, EPS)
    costs = sorted(median)
    shares = raster(here, "age", "cost", lambda row: row["disabled"] / row["lives"])
    ratio = math.sqrt(costs[1] / costs[0])
    line: list[tuple[float, float] | None] = []
    for cost in costs:
        place = median[cost].theory - 0.5
        line += [(place, max(cost / ratio, COST.low)), (place, min(cost * ratio, COST.high))]
    picked = [min(costs, key=lambda cost: abs(math.log(cost / near))) for near in (3e-6, 3e-4, 3e-2, 0.3)]
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
        Figure(
            "half-life-price",
            "The number of answers after which half of the agents have disabled their overseer, by her price, if one answer in ten is "
            "wrong, or three. The ink lines are what theory allows at most: a thousand times cheaper buys a few answers, no more.",
            lambda width, name: _by_price(rows, width, name),
        ),
    )


def _by_price(rows: Sequence[Row], width: float, name: str) -> Markup:
    series, lines = [], []
    for eps in (EPS, ERRING):
        found = _half_lives(rows, eps)
        series.append(
            Series(f"she errs in {eps:g}", tuple(found), tuple(one.measured for one in found.values()), band=False)
        )
        places = [(cost, one.most) for cost, one in found.items() if one.most > 0]
        lines.append(Line(f"at most, she errs in {eps:g}", tuple(places)))
    top = max(place[1] for item in lines for place in item.points if place)
    return line_chart(
        width=width,
        name=name,
        title="A thousand times cheaper, and a few answers longer",
        desc="Half-life of oversight by its price.",
        x=COST,
        y=Axis("answers until half have disabled her (count)", 0.0, 1.05 * top),
        series=series,
        lines=lines,
    )


def _survival(rows: Sequence[Row], picked: Sequence[float], width: float, name: str) -> Markup:
    series, lines = [], []
    for cost in dict.fromkeys(picked):
        mine = [row for row in _at(rows, cost, EPS) if row["age"] < YOUNG]
        at = tuple(float(row["age"]) for row in mine)
        series.append(
            Series(
                f"price {cost:.1e}: K = {mine[0]['stop']}",
                at,
                tuple(1 - row["disabled"] / row["lives"] for row in mine),
                tuple(1 - row["high"] for row in mine),
                tuple(1 - row["low"] for row in mine),
                band=False,
            )
        )
        lines.append(Line(f"theory, {cost:.1e}", tuple(zip(at, (1 - row["theory"] for row in mine), strict=True))))
    return line_chart(
        width=width,
        name=name,
        title="How many still have their overseer after so many answers",
        desc="Share of lives with overseer, by answers received.",
        x=Axis("answers received (count)", -0.25, YOUNG - 0.75),
        y=Axis("share that still has its overseer", 0.0, 1.02),
        series=series,
        lines=lines,
    )


STUDY = Study(
    name="age",
    title="For how long is an overseer kept?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="1,000 simulated lives at each of 64 prices (and 16 with an overseer who errs more), at every age up to 50, against powers "
    "of the walk's transition matrix at the lattice's K; another K, a count with a binomial tail below 1e-3 over the number of cells, or a "
    "half-life beyond a + b log(1 / price), shows it wrong",
    advice="Count the answers: an agent of this kind has a best-before date that can be worked out in advance, and no low price moves it "
    "far. Renew its doubt before then, or keep the overseer by a rule.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
