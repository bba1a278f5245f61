"""The loop closed: does a forecast from a running agent's own record say better how likely its next failure is than the usual "
"answers? (A8)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assent.forecast.bounds import confidence_sequence_upper, exact_upper
from assent.forecast.deployed import Deployed
from assent.forecast.exact import percent
from assent.forecast.exposure import exposure_of
from assent.forecast.prior import BetaPrior
from assent.forecast.score import log_score
from assent.report.figures import bar_chart
from assent.studies.deployments import WORLDS, Deployment, counted
from assent.studies.study import Figure, Row, Score, Study, Verdict

CLAIM = (
    "An asking agent is deployed in three worlds with failure rates that were planted and that nobody is told. After 400 decisions done "
    "alone, the probability that one of the next 200 fails, forecast from a first-trial probability that 40 other deployments gave "
    "beforehand and from the run's own record, has a better mean log score than Laplace's rule and than saying there is no risk, in every "
    "world; and the exact 95 % bound, looked at after every clean decision, falls below the planted rate in at most 5 % of deployments."
)
SOURCE = (
    "Davidson, Semi-informative priors over AI timelines, 2021, turned on a deployment; the bound: Hanley and Lippman-Hand 1983, at every "
    "look: docs/forecast-bounds.md"
)
REFERENCE, SEEN, AHEAD = 40, 400, 200
"""Deployments that give the prior; decisions alone before the forecast; decisions that it is for."""

NO_RISK = 1e-6
"""What "no risk" says: a zero would lose without end at the first failure."""

SHARES = {"blind spot": (1.0, 1.0), "gusts": (0.5, 1.0), "mislabelled": (1.0, 0.8)}
"""By world: the share of decisions whose outcome is recorded, and the chance that a failure is noticed in it."""

METHODS = ("semi-informative", "Laplace", "Jeffreys", "no risk", "knows the rate")


@dataclass(frozen=True)
class Loop:
    """A world, and how many deployments in it are forecast."""

    world: str
    deployments: int


GRID = tuple(Loop(world, 400) for world in WORLDS)
QUICK = (Loop("blind spot", 200), Loop("gusts", 200))


def run(cell: Loop, seed: int) -> list[Row]:
    """A row for each deployment: what each method said, and what happened."""
    lives = WORLDS[cell.world](seed, REFERENCE + cell.deployments)
    recorded, detection = SHARES[cell.world]
    rng = np.random.default_rng([seed, 36])
    prior = _prior(lives[:REFERENCE], recorded, detection, rng)
    return [
        {
            "world": cell.world,
            "deployment": number,
            "ftp": float(prior.ftp),
            **_forecast(life, prior, recorded, detection, rng),
        }
        for number, life in enumerate(lives[REFERENCE:])
    ]


def _record(
    life: Deployment, recorded: float, detection: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which outcomes are recorded and in which a failure shows, [T] each."""
    rounds = len(life.alone)
    return rng.random(rounds) < recorded, rng.random(rounds) < detection


def _prior(lives: Sequence[Deployment], recorded: float, detection: float, rng: np.random.Generator) -> BetaPrior:
    """One virtual success, and the rate of failures in earlier deployments as the first-trial probability."""
    failures = decisions = 0.0
    for life in lives:
        known, noticed = _record(life, recorded, detection, rng)
        seen = counted(life, known=known, noticed=noticed)
        failures += len(seen.failed)
        decisions += (len(seen.clean) + len(seen.failed)) * detection
    return BetaPrior((failures + 0.5) / (decisions + 1.0))


def _forecast(life: Deployment, prior: BetaPrior, recorded: float, detection: float, rng: np.random.Generator) -> Row:
    known, noticed = _record(life, recorded, detection, rng)
    steps = np.flatnonzero(life.alone)
    before = np.zeros(len(life.alone), dtype=bool)
    before[steps[:SEEN]] = True
    record = counted(life, known=known & before, noticed=noticed)
    exposure = exposure_of([record], detection=detection)
    happened = bool(life.failed[SEEN : SEEN + AHEAD].any())
    said = {
        "semi-informative": _within(prior, exposure),
        "Laplace": _within(BetaPrior.of(1, 1), exposure),
        "Jeffreys": _within(BetaPrior.of("1/2", "1/2"), exposure),
        "no risk": NO_RISK,
        "knows the rate": -np.expm1(AHEAD * np.log1p(-life.rate)),
    }
    order = counted(life, known=known, noticed=noticed).order
    return {
        "rate": life.rate,
        "alone": int(life.alone.sum()),
        "asked": life.asked,
        "known": len(record.order),
        "failures": sum(record.order),
        "happened": happened,
        **{f"said_{name}": float(value) for name, value in said.items()},
        "exact_wrong": _exact_wrong(order, life.rate, detection),
        "sequence_wrong": _sequence_wrong(order, life.rate, detection),
    }


def _within(prior: BetaPrior, exposure: object) -> float:
    return float(-np.expm1(Deployed(prior, exposure).log_survival(float(AHEAD))))  # pyright: ignore[reportArgumentType]


def _exact_wrong(order: Sequence[bool], rate: float, detection: float) -> bool:
    """Whether the bound fell below the planted rate at any look while nothing had failed: it falls with every clean decision."""
    clean = order.index(True) if True in order else len(order)
    return clean > 0 and exact_upper(clean) / detection < rate


def _sequence_wrong(order: Sequence[bool], rate: float, detection: float) -> bool:
    """The same at every look, after failures too; between failures the bound falls, so the looks just before each are enough."""
    ends = [number for number, failed in enumerate(order) if failed] + [len(order)]
    return any(
        end > 0 and confidence_sequence_upper(end, failures) / detection < rate for failures, end in enumerate(ends)
    )


def _lived_in(rows: Sequence[Row]) -> list[str]:
    return [world for world in WORLDS if any(row["world"] == world for row in rows)]


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    found: dict[str, float] = {"deployments": float(len(rows))}
    worlds = _lived_in(rows)
    for world in worlds:
        mine = [row for row in rows if row["world"] == world]
        logs = {name: np.asarray([log_score(row[f"said_{name}"], row["happened"]) for row in mine]) for name in METHODS}
        for name in METHODS:
            found[f"{world}: {name}"] = float(logs[name].mean())
        for other in ("Laplace", "no risk"):
            gain = logs["semi-informative"] - logs[other]
            found[f"{world}: better than {other}"] = float(gain.mean())
            found[f"{world}: error against {other}"] = float(gain.std(ddof=1) / np.sqrt(len(gain)))
        found[f"{world}: happened"] = float(np.mean([row["happened"] for row in mine]))
        for bound in ("exact_wrong", "sequence_wrong"):
            found[f"{world}: {bound}"] = float(np.mean([row[bound] for row in mine]))
    found["least_gain"] = min(
        found[f"{world}: better than {other}"] for world in worlds for other in ("Laplace", "no risk")
    )
    found["most_exact_wrong"] = max(found[f"{world}: exact_wrong"] for world in worlds)
    found["most_sequence_wrong"] = max(found[f"{world}: sequence_wrong"] for world in worlds)
    return found


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["least_gain"] > 0 and numbers["most_exact_wrong"] <= 0.05
    said = "; ".join(
        f"{world}: {numbers[f'{world}: semi-informative']:.3f} against {numbers[f'{world}: Laplace']:.3f} (Laplace, "
        f"± {numbers[f'{world}: error against Laplace']:.3f}), {numbers[f'{world}: no risk']:.3f} (no risk) and "
        f"{numbers[f'{world}: knows the rate']:.3f} (knows the rate)"
        for world in WORLDS
        if f"{world}: Laplace" in numbers
    )
    return Verdict(
        holds,
        "What earlier deployments showed, corrected by the run's own record, says better how likely the next failure is than a rule that "
        "knows nothing, and than the belief that nothing can happen; and the bound kept its word."
        if holds
        else "The forecast from earlier deployments was not better everywhere, or the bound broke its word.",
        f"Mean log scores, more is better. {said}. The exact bound fell below the planted rate in at most "
        f"{percent(numbers['most_exact_wrong'])} of deployments, the confidence sequence in {percent(numbers['most_sequence_wrong'])}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    numbers = score(rows)
    bars = []
    for world in _lived_in(rows):
        for name, class_ in zip(
            METHODS, ("keeps", "indifferent", "indifferent", "disables", "indifferent"), strict=True
        ):
            value = -numbers[f"{world}: {name}"]
            bars.append((f"{world}: {name}", value, value, value, class_))
    return (
        Figure(
            "scores",
            "How many nats each way of answering lost on average, by world: less is better. The last of each world knows the planted rate, "
            "which nobody does.",
            lambda width, name: bar_chart(
                width=width,
                name=name,
                title="A forecast from the agent's own record loses less than either usual answer",
                desc="Mean loss by method and world.",
                unit="nats lost a forecast",
                bars=bars,
                form=lambda value: f"{value:.3f}",
                key=(
                    ("keeps", "from earlier deployments and the run's own record"),
                    ("disables", "there is no risk"),
                    ("indifferent", "other rules, and who knows the rate"),
                ),
            ),
        ),
    )


STUDY = Study(
    name="first-failure",
    title="How likely is the failure that nobody has seen yet?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "Mean log score over 400 deployments in each of three worlds, paired with the other answers; wrong if it is not above both, in any "
        "world, or if the exact bound falls below the planted rate in more than 5 % of deployments"
    ),
    advice="Fix a first-trial probability from what earlier deployments showed, before the next, and let its record speak from then on.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "sklearn"),
)
