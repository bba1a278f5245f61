"""When the prior is true: of forecasts of about the same probability, does as large a share come true? (A6)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.forecast.exact import percent
from assent.forecast.kernel import log_survival_counted
from assent.forecast.prior import BetaPrior
from assent.report.figures import reliability_diagram
from assent.studies.measures import wilson
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "Where a deployment's chance of failure really is drawn from the prior, forecasts are calibrated: of 100,000 simulated deployments for "
    "each of four priors, in every bin of forecasts the share in which a failure came lies within three standard errors of what was said, "
    "but for the few bins that chance allows."
)
SOURCE = "the definition of a Bayesian forecast; docs/forecast.md"
BINS, DRAWS = 20, 100_000
AHEAD = (1, 10, 100, 1000)


@dataclass(frozen=True)
class Believed:
    """A prior, and how many deployments are drawn from it."""

    ftp: str
    virtual_successes: str
    deployments: int


GRID = (
    Believed("1/300", "1", DRAWS),
    Believed("1/100", "1/2", DRAWS),
    Believed("1/2", "1/2", DRAWS),
    Believed("1/1000", "2", DRAWS),
)
QUICK = (Believed("1/100", "1/2", 5_000),)


def run(cell: Believed, seed: int) -> list[Row]:
    """A row for each bin of forecasts: how many, what was said on average, and in how many a failure came."""
    rng = stream(seed, cell)
    prior = BetaPrior(cell.ftp, cell.virtual_successes)
    chance = rng.beta(float(prior.alpha), float(prior.beta), cell.deployments)
    seen = np.floor(10.0 ** rng.uniform(0, 4, cell.deployments))
    ahead = rng.choice(np.asarray(AHEAD, np.float64), cell.deployments)
    failures = rng.binomial(seen.astype(np.int64), chance)
    alpha, beta = float(prior.alpha) + failures, float(prior.beta) + seen - failures
    said = -np.expm1(log_survival_counted(alpha, beta, 0.0, ahead))
    happened = rng.random(cell.deployments) < -np.expm1(ahead * np.log1p(-chance))
    order = np.argsort(said, kind="stable")
    return [
        {
            "ftp": cell.ftp,
            "virtual_successes": cell.virtual_successes,
            "bin": number,
            "deployments": len(inside),
            "said": float(said[inside].mean()),
            "spread": float(np.sqrt(np.mean(said[inside] * (1 - said[inside])) / len(inside))),
            "happened": int(happened[inside].sum()),
        }
        for number, inside in enumerate(np.array_split(order, BINS))
    ]


def _off(row: Row) -> float:
    """How many standard errors the share is from what was said."""
    return abs(row["happened"] / row["deployments"] - row["said"]) / max(row["spread"], 1e-12)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    off = [_off(row) for row in rows]
    return {
        "bins": float(len(rows)),
        "beyond": float(sum(value > 3 for value in off)),
        "farthest": max(off),
        "deployments": float(sum(row["deployments"] for row in rows)),
        "largest": max(abs(row["happened"] / row["deployments"] - row["said"]) for row in rows),
    }


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    # a bin lies beyond 3 standard errors with chance 0.0027: of 80 bins more than 2 do with chance 0.15 %
    allowed = 2 if numbers["bins"] > 20 else 1
    holds = numbers["beyond"] <= allowed
    return Verdict(
        holds,
        "What was said to be likely came about as often as was said."
        if holds
        else "The forecasts were not calibrated.",
        f"{numbers['beyond']:.0f} of {numbers['bins']:.0f} bins farther than three standard errors (the farthest "
        f"{numbers['farthest']:.2f}; at most {percent(numbers['largest'])} off), {numbers['deployments']:,.0f} deployments.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    bins = [
        (
            row["said"],
            row["happened"] / row["deployments"],
            *wilson(row["happened"], row["deployments"]),
            row["deployments"],
        )
        for row in rows
    ]
    return (
        Figure(
            "calibration",
            "Across: what was said. Up: how often it came. Each point is a bin of forecasts, with its 95 % interval.",
            lambda width, name: reliability_diagram(
                width=width,
                name=name,
                title="As often as was said",
                desc="Share of deployments with a failure, by forecast.",
                bins=bins,
            ),
        ),
    )


STUDY = Study(
    name="forecast-calibrated",
    title="Are forecasts calibrated where the prior is true?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="Share with a failure against the mean forecast, by bin; wrong if more bins are off by three standard errors than may be",
    advice="Spend your care on the first-trial probability; the rest is arithmetic.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
