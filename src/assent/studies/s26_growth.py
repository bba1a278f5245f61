"""How asking grows: for ever, as t^(2/3), for a class with a real-valued parameter; not at all after a while for a finite one. (A6)"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from assent.agents.imitator import Imitator
from assent.hypotheses.simplexes import Simplexes
from assent.hypotheses.tables import Tables
from assent.overseers.demonstrator import Demonstrator
from assent.report.figures import Axis, Line, Series, line_chart
from assent.studies.imitating import SEEDS, Case, live, mean, random_rows
from assent.studies.study import Figure, Row, Score, Study, Verdict
from assent.worlds.stream import Stream

CLAIM = (
    "Against an overseer who tosses a coin of unknown bias, over 999 biases or over all of them, questions grow as a power of time with "
    "an exponent in [0.60, 0.75] and theta falls with one in [-0.36, -0.28]; theory says 2/3 and -1/3 up to logarithms. A finite class of "
    "random tables asks nothing in the last nine tenths of 100,000 rounds."
)
SOURCE = (
    "docs/theory.md, How often it asks; the exponent 2/3 as a bound: Cohen, Hutter and Nanda, Fully General Online Imitation Learning, "
    "JMLR 23, 2022; a prototype asked 51, 260, 1,355 and 6,339 times in 100 to 100,000 rounds"
)
DELTA = 0.05
FIRST, ROUNDS = 100, 100_000
BIASES = (0.5, 0.3, 0.1)
GRID_POINTS = 999
MEMBERS, CONTEXTS, ACTIONS = 100, 20, 4
REFERENCE = {100: 51, 1_000: 260, 10_000: 1_355, 100_000: 6_339}
"""Questions of a prototype by rounds; its bias is not known."""

SLOPES, FADES = (0.60, 0.75), (-0.36, -0.28)
QUIET = 0.1
"""The part of a life after which the finite class must not ask."""

FAMILIES = {"grid": "999 biases", "simplex": "all biases", "finite": "100 random tables"}


@dataclass(frozen=True)
class Lived:
    """A class, the overseer's bias (0 where it is no coin), how many lives, and how many rounds each."""

    family: str
    bias: float
    lives: int
    rounds: int


GRID = (
    *(Lived(family, bias, 10, ROUNDS) for family in ("grid", "simplex") for bias in BIASES),
    Lived("finite", 0.0, 20, ROUNDS),
)
QUICK = (Lived("simplex", 0.3, 3, 20_000), Lived("finite", 0.0, 2, 20_000))


def run(cell: Lived, seed: int) -> list[Row]:
    """For each life and each of some times: questions so far, theta there, and when the last question was."""
    rows, times = list[Row](), _times(cell.rounds)
    for number in range(cell.lives):
        life_seed = seed * SEEDS + number
        case = case_of(cell, np.random.default_rng([life_seed, 26]))
        life = live(Imitator.of(case.hypotheses), case, seed=life_seed, run="growth")
        asks, asked = life.asked.cumsum(), np.flatnonzero(life.asked)
        rows += [
            {
                "family": cell.family,
                "bias": cell.bias,
                "life": number,
                "rounds": cell.rounds,
                "time": time,
                "asks": int(asks[time - 1]),
                "theta": float(life.theta[time - 1]),
                "last_ask": int(asked[-1]) + 1 if len(asked) else 0,
            }
            for time in times
        ]
    return rows


def _times(rounds: int) -> list[int]:
    return [time for power in range(2, 6) for step in (1, 2, 5) if (time := step * 10**power) <= rounds]


def case_of(cell: Lived, rng: np.random.Generator) -> Case:
    """The class, and an overseer who is in it."""
    if cell.family == "finite":
        rows = random_rows(rng, members=MEMBERS, contexts=CONTEXTS, actions=ACTIONS)
        return Case.of(rows, rng.integers(0, CONTEXTS, cell.rounds))
    one_state = Stream.of(np.zeros(cell.rounds, dtype=np.int64), num_actions=2)
    coin = Demonstrator(np.asarray([[1 - cell.bias, cell.bias]]))
    return Case(_coins() if cell.family == "grid" else Simplexes.of(1, 2, delta=DELTA), one_state, coin, cell.rounds)


def _coins() -> Tables:
    bias = np.arange(1, GRID_POINTS + 1) / (GRID_POINTS + 1)
    return Tables.of(np.stack([1 - bias, bias], axis=1)[:, None, :], names=["coin"] * GRID_POINTS)


@cache
def expected_asks(bias: float, rounds: int) -> list[tuple[float, float]]:
    """What theory expects, as points (time, questions): questions grow at the rate of theta, which is the width of the interval.

    After n answers the biases within `sqrt(2 p (1 - p) b / n)` of the truth are plausible, with `b = log(1/delta) + log(n / (2 pi p (1 -
    p)))/2`: Laplace's approximation of the evidence under a uniform prior. The width is what the minimum leaves over.
    """
    spread, asks, points = 2 * bias * (1 - bias), 1.0, list[tuple[float, float]]()
    marks = set(np.geomspace(FIRST, rounds, 60).round().tolist())
    for time in range(1, rounds + 1):
        budget = math.log(1 / DELTA) + 0.5 * math.log(max(asks / (math.pi * spread), 1.0))
        asks += min(1.0, 2 * math.sqrt(spread * budget / asks))
        if time in marks:
            points.append((float(time), asks))
    return points


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    coins = by_coin(rows)
    slopes = [_slope(mine, "asks") for mine in coins.values()]
    fades = [_slope(mine, "theta") for mine in coins.values()]
    finite = [row for row in rows if row["family"] == "finite"]
    numbers = {
        "coins": float(len(coins)),
        "least_slope": min(slopes),
        "most_slope": max(slopes),
        "least_fade": min(fades),
        "most_fade": max(fades),
        "finite_lives": float(len({row["life"] for row in finite})),
        "finite_asks": mean([row for row in finite if row["time"] == row["rounds"]], "asks"),
        "finite_last_ask": float(max(row["last_ask"] for row in finite)),
        "finite_late": float(sum(row["last_ask"] > QUIET * row["rounds"] for row in finite)),
    }
    numbers["theory_off"] = max(abs(_counted_over_expected(mine) - 1) for mine in coins.values())
    middle = [row for row in rows if row["bias"] == 0.3]
    for time in REFERENCE:
        mine = [row for row in middle if row["time"] == time and row["family"] == middle[0]["family"]]
        if mine:
            numbers[f"asks_{time}"] = mean(mine, "asks")
    return numbers


def by_coin(rows: Sequence[Row]) -> dict[tuple[str, float], list[Row]]:
    """The rows of each family and bias."""
    of: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        if row["family"] != "finite":
            of.setdefault((row["family"], row["bias"]), []).append(row)
    return of


def _counted_over_expected(rows: Sequence[Row]) -> float:
    """Questions at the last time, mean over lives, as a multiple of what theory expects."""
    last = rows[0]["rounds"]
    return mean([row for row in rows if row["time"] == last], "asks") / expected_asks(rows[0]["bias"], last)[-1][1]


def _slope(rows: Sequence[Row], name: str) -> float:
    """The exponent of time between the first and the last time of a column's mean over lives."""
    last = rows[0]["rounds"]
    ends = [mean([row for row in rows if row["time"] == time], name) for time in (FIRST, last)]
    return math.log(ends[1] / ends[0]) / math.log(last / FIRST)


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = SLOPES[0] <= numbers["least_slope"] and numbers["most_slope"] <= SLOPES[1]
    holds = holds and FADES[0] <= numbers["least_fade"] and numbers["most_fade"] <= FADES[1]
    holds = holds and numbers["finite_late"] == 0
    counted = ", ".join(
        f"{numbers[f'asks_{time}']:,.0f} ({known:,})" for time, known in REFERENCE.items() if f"asks_{time}" in numbers
    )
    return Verdict(
        holds,
        "Who imitates frequencies that could be any real numbers is never done asking, though ever more rarely. Who chooses among finitely "
        "many models is."
        if holds
        else "Asking grows otherwise than theory says.",
        f"Over {numbers['coins']:.0f} coins and classes the exponent of questions lies in [{numbers['least_slope']:.3f}, "
        f"{numbers['most_slope']:.3f}], that of theta in [{numbers['least_fade']:.3f}, {numbers['most_fade']:.3f}]. Questions at bias 0.3 "
        f"(a prototype's): {counted}; theory's curve, without a free parameter, is "
        f"{100 * numbers['theory_off']:.1f} % off at most at the end. The finite class asks {numbers['finite_asks']:.1f} times, last in "
        f"round {numbers['finite_last_ask']:,.0f} of {numbers['finite_lives']:.0f} lives.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    coins = by_coin(rows)
    last = max(row["rounds"] for row in rows)
    finite = [row for row in rows if row["family"] == "finite"]
    named = [
        (f"{FAMILIES[family]}, bias {bias:g}", mine) for (family, bias), mine in coins.items() if family == "simplex"
    ]
    series = [_series(words, mine, "asks") for words, mine in [*named, (FAMILIES["finite"], finite)]]
    biases = [bias for family, bias in coins if family == "simplex"]
    lines = [Line(f"theory, bias {bias:g}", tuple(expected_asks(bias, last))) for bias in biases]
    fading = [_series(words, mine, "theta") for words, mine in named]
    third = tuple((float(time), 0.5 * (FIRST / time) ** (1 / 3)) for time in (FIRST, last))
    return (
        Figure(
            "questions",
            "Questions so far by rounds so far, mean and range over lives, both in logarithms. The lines are theory's, without a free "
            "parameter; the flat series is a finite class.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="A real-valued class asks for ever, a finite one stops",
                desc="Questions by time.",
                x=Axis("rounds (count, log)", 90, 1.1 * last, log=True),
                y=Axis("questions so far (count, log)", 8, 10_000, log=True),
                series=series,
                lines=lines,
            ),
        ),
        Figure(
            "theta",
            "What the minimum leaves over, mean over lives, by rounds so far. The line falls as the cube root of time.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="Disagreement falls about as the cube root of time",
                desc="Theta by time.",
                x=Axis("rounds (count, log)", 90, 1.1 * last, log=True),
                y=Axis("theta (probability, log)", 0.02, 0.7, log=True),
                series=fading,
                lines=[Line("exponent -1/3", third)],
            ),
        ),
    )


def _series(words: str, rows: Sequence[Row], name: str) -> Series:
    times = sorted({row["time"] for row in rows})
    at = [[row[name] for row in rows if row["time"] == time] for time in times]
    return Series(
        words,
        tuple(map(float, times)),
        tuple(float(np.mean(values)) for values in at),
        tuple(float(min(values)) for values in at),
        tuple(float(max(values)) for values in at),
    )


STUDY = Study(
    name="growth",
    title="Does it ever stop asking?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="questions and theta at 100 and at 100,000 rounds, means over ten lives a coin, as exponents of time; an exponent outside of "
    "its interval, or one question of the finite class after round 10,000, shows the claim wrong",
    advice="Give it finitely many models where asking must end; where frequencies are to be matched, say how well, and let it act within "
    "that tolerance.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax",),
)
