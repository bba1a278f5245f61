"""Bounds that are watched: how often is each wrong at some look, if one looks after every decision? (A7)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assent.forecast.bounds import confidence_sequence_upper, exact_upper, jeffreys_upper
from assent.report.figures import bar_chart
from assent.studies.measures import wilson
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "Looked at after every decision, the exact 95 % bound is wrong in at most 5 % of deployments as long as it is used only while nothing "
    "has failed, and the confidence sequence in at most 5 % whatever happens. Jeffreys' 95 % upper end is wrong in 14.6 % of deployments "
    "with a chance of 1/1000 even before the first failure, and Clopper and Pearson's bound in one of six to more than one of three where "
    "one goes on looking after failures: neither is a guarantee to be watched."
)
SOURCE = (
    "Hanley and Lippman-Hand 1983 and Clopper and Pearson 1934 for the bounds, Ville 1939 for the sequence; that a clean run cannot break "
    "the exact bound: docs/forecast-bounds.md; a prototype measured 30.8 % of 600 runs for Clopper-Pearson and 0.5 % for the sequence"
)
DELTA = 0.05
METHODS = (
    "exact while clean",
    "Jeffreys while clean",
    "Clopper-Pearson at every look",
    "confidence sequence at every look",
)


@dataclass(frozen=True)
class Watched:
    """A true chance of failure, how long deployments run, and how many of them."""

    chance: float
    decisions: int
    deployments: int


GRID = (Watched(1e-3, 20_000, 20_000), Watched(1e-2, 20_000, 20_000), Watched(0.1, 5_000, 20_000))
QUICK = (Watched(1e-2, 2_000, 300),)


def run(cell: Watched, seed: int) -> list[Row]:
    """A row for each method: in how many deployments its bound fell below the truth at some look."""
    rng = stream(seed, cell)
    limits = {name: _most_clean(name, cell) for name in METHODS}
    wrong, most = dict.fromkeys(METHODS, 0), _most_failures(cell)
    for _ in range(cell.deployments):
        times = np.cumsum(rng.geometric(cell.chance, most))
        failed = times[times <= cell.decisions]
        ends = np.concatenate([failed - 1, [cell.decisions]])  # the last look before each failure, and the last of all
        for name in METHODS:
            looks = ends[:1] if "while clean" in name else ends
            limit = limits[name][: len(looks)]
            wrong[name] += bool(np.any(looks >= limit))
    return [
        {"chance": cell.chance, "method": name, "deployments": cell.deployments, "wrong": wrong[name]}
        for name in METHODS
    ]


def _most_failures(cell: Watched) -> int:
    """More than so many failures come with a chance that nobody will see."""
    mean = cell.decisions * cell.chance
    return int(mean + 12 * np.sqrt(mean)) + 12


def _most_clean(name: str, cell: Watched) -> NDArray[np.float64]:
    """By number of failures so far: from how many decisions on the bound lies below the truth. It falls while nothing fails."""
    found: list[float] = []
    for failures in range(1 if "while clean" in name else _most_failures(cell)):
        low, high = float(failures), 2.0 * cell.decisions
        if _upper(name, high, failures) >= cell.chance:
            found.append(np.inf)
            continue
        while high - low > 1:
            middle = float((low + high) // 2)
            low, high = (
                (low, middle) if middle > failures and _upper(name, middle, failures) < cell.chance else (middle, high)
            )
        found.append(high)
    return np.asarray(found)


def _upper(name: str, decisions: float, failures: int) -> float:
    if name.startswith("Jeffreys"):
        return jeffreys_upper(decisions, failures, delta=DELTA)
    if name.startswith("confidence"):
        return confidence_sequence_upper(decisions, failures, delta=DELTA)
    return exact_upper(decisions, failures, delta=DELTA)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    found: dict[str, float] = {
        "deployments": float(sum(row["deployments"] for row in rows) / len(METHODS)),
        "chances": float(len({row["chance"] for row in rows})),
    }
    for name in METHODS:
        mine = [row for row in rows if row["method"] == name]
        shares = {row["chance"]: row["wrong"] / row["deployments"] for row in mine}
        found[f"{name}: most"] = max(shares.values())
        for chance, share in shares.items():
            found[f"{name}: {chance:g}"] = share
        low, _ = wilson(*max(((row["wrong"], row["deployments"]) for row in mine), key=lambda pair: pair[0] / pair[1]))
        found[f"{name}: low end"] = low
    return found


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    kept = all(numbers[f"{name}: low end"] <= DELTA for name in (METHODS[0], METHODS[3]))
    broken = all(numbers[f"{name}: low end"] > DELTA for name in (METHODS[1], METHODS[2]))
    jeffreys = numbers.get("Jeffreys while clean: 0.001")
    exact_share = (1 - 1e-3) ** 1920
    near = jeffreys is None or abs(jeffreys - exact_share) <= 4 * np.sqrt(
        exact_share * (1 - exact_share) / (numbers["deployments"] / numbers["chances"])
    )
    said = "; ".join(f"{name} {100 * numbers[f'{name}: most']:.1f} %" for name in METHODS)
    return Verdict(
        bool(kept and broken and near),
        "Two of the four may be watched: the exact bound until the first failure, the confidence sequence for ever. The other two were "
        "wrong far more often than they say."
        if kept and broken
        else "The bounds did not behave as was claimed.",
        f"Wrong at some look, the worst chance of each: {said}."
        + (
            ""
            if jeffreys is None
            else f" Jeffreys' at 1/1000: {100 * jeffreys:.1f} %, where 0.999^1920 = {100 * exact_share:.1f} %."
        ),
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    bars = []
    for name in METHODS:
        for row in (row for row in rows if row["method"] == name):
            share = row["wrong"] / row["deployments"]
            low, high = wilson(row["wrong"], row["deployments"])
            class_ = "keeps" if low <= DELTA else "disables"
            bars.append((f"{name}, chance {row['chance']:g}", share, low, high, class_))
    return (
        Figure(
            "wrong",
            "How often each 95 % bound lay below the truth at some look, if one looks after every decision. Up to 5 % is what it promises.",
            lambda width, name: bar_chart(
                width=width,
                name=name,
                title="Two of four bounds may be watched",
                desc="Share of deployments in which the bound was wrong at some look.",
                unit="share of deployments",
                bars=bars,
                high=0.4,
                form=lambda value: f"{100 * value:.1f} %",
                key=(("keeps", "at most 5 %, within chance"), ("disables", "more often than promised")),
                theory=[DELTA] * len(bars),
            ),
        ),
    )


STUDY = Study(
    name="watched-bounds",
    title="Which bounds may be watched while the agent runs?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "Share of deployments in which a 95 % bound lies below the true chance at some look; wrong if the exact bound before the first "
        "failure, or the confidence sequence, is above 5 % beyond chance, or if the other two are not"
    ),
    advice="After the first failure use the confidence sequence, and never a Bayesian upper end as a guarantee.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
