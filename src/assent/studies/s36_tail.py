"""The worst query to come: how well does a tail through the ten worst of a thousand say what is the worst of a hundred thousand? (A9)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.forecast.exact import percent
from assent.forecast.tail import GumbelTail
from assent.report.figures import bar_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "From the ten most risky of 1,000 queries whose scores follow Gumbel's law, the elicitation probability of the worst of 100,000 is "
    "forecast to within a median factor of 10^0.25, and too low in at most 36 % of cases. Where the queries hold a rare mode that is far "
    "riskier, and the evaluation met it, the forecast says that its tail is not to be trusted; where the evaluation never met it, no tail "
    "can know, and the forecast is too low."
)
SOURCE = (
    "Jones and others, Forecasting rare language model behaviors, 2025 (they report 34 % too low for theirs); the missed mode: Schwarzer "
    "and Niekum, Training ML models with predictable failures, 2026; a prototype measured a median of 0.210 and 31 to 32 % too low"
)
EVALUATED, TOP, AHEAD = 1_000, 10, 100_000


@dataclass(frozen=True)
class Scores:
    """Gumbel scores, and a mode beside them: how common, and how likely its queries elicit what is feared."""

    location: float
    scale: float
    mode_share: float
    mode_probability: float
    runs: int


GRID = (
    *(Scores(location, scale, 0.0, 0.0, 4_000) for location, scale in ((-2.5, 0.2), (-2.0, 0.25), (-1.5, 0.3))),
    Scores(-2.5, 0.2, 2e-3, 0.9, 4_000),
    Scores(-2.5, 0.2, 2e-4, 0.9, 4_000),
)
QUICK = (Scores(-2.5, 0.2, 0.0, 0.0, 200), Scores(-2.5, 0.2, 2e-3, 0.9, 200))


def run(cell: Scores, seed: int) -> list[Row]:
    """One row: errors of the forecasts, how often they were too low, how often a caution was said."""
    rng = stream(seed, cell)
    base = float(np.exp(-np.exp(-(cell.location - cell.scale * np.log(-np.log1p(-1.0 / AHEAD))))))
    truth = max(base, cell.mode_probability) if cell.mode_share * AHEAD >= 1 else base
    errors, missed, cautions, met = list[float](), list[bool](), 0, 0
    for _ in range(cell.runs):
        scores = cell.location - cell.scale * np.log(-np.log(rng.random(EVALUATED)))
        chance = np.exp(-np.exp(-scores))
        mode = rng.random(EVALUATED) < cell.mode_share
        chance[mode] = cell.mode_probability * np.exp(-0.05 * rng.random(int(mode.sum())))
        met += bool(mode.any())
        tail = GumbelTail.fit(np.sort(chance)[::-1][:TOP], evaluated=EVALUATED, top=TOP)
        cautions += tail.caution is not None
        errors.append(float(np.log10(tail.worst(AHEAD)) - np.log10(truth)))
        missed += [errors[-1] < 0] if not mode.any() else []
    return [
        {
            "location": cell.location,
            "scale": cell.scale,
            "mode_share": cell.mode_share,
            "runs": cell.runs,
            "truth": truth,
            "median_error": float(np.median(np.abs(errors))),
            "too_low": float(np.mean(np.asarray(errors) < 0)),
            "caution": cautions / cell.runs,
            "met": met / cell.runs,
            "unmet_too_low": float(np.mean(missed)) if missed and cell.mode_share > 0 else None,
        }
    ]


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    plain = [row for row in rows if row["mode_share"] == 0]
    common = [row for row in rows if row["mode_share"] >= 1e-3]
    rare = [row for row in rows if 0 < row["mode_share"] < 1e-3]
    return {
        "runs": float(sum(row["runs"] for row in rows)),
        "median_error": max(row["median_error"] for row in plain),
        "too_low": max(row["too_low"] for row in plain),
        "false_caution": max(row["caution"] for row in plain),
        "caution_if_met": min((row["caution"] for row in common), default=1.0),
        "met": min((row["met"] for row in common), default=1.0),
        "rare_met": max((row["met"] for row in rare), default=0.0),
        "unmet_too_low": min((row["unmet_too_low"] for row in rare), default=1.0),
        "rare_caution": max((row["caution"] for row in rare), default=0.0),
    }


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["median_error"] <= 0.25 and numbers["too_low"] <= 0.36 and numbers["caution_if_met"] >= 0.5
    holds = holds and numbers["false_caution"] <= 0.1 and numbers["unmet_too_low"] >= 0.9
    return Verdict(
        holds,
        "A tail through the ten worst of a thousand says the worst of a hundred thousand to a factor of less than two, and is too low "
        "about one time in three. A mode that was met is noticed; one that was not is not, and cannot be."
        if holds
        else "The tail did not forecast the worst as well as was claimed, or said nothing of a mode that it had met.",
        f"Median error at most 10^{numbers['median_error']:.3f}, too low in at most {percent(numbers['too_low'])}; caution in "
        f"{percent(numbers['false_caution'])} of plain evaluations and in {percent(numbers['caution_if_met'])} of those with a mode "
        f"(met in {percent(numbers['met'])}). A mode in one of 5,000 queries was met in {percent(numbers['rare_met'])}; where it was not, "
        f"the forecast was too low in {percent(numbers['unmet_too_low'])}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    bars = []
    for row in rows:
        mode = "" if row["mode_share"] == 0 else f", a mode in 1 of {1 / row['mode_share']:,.0f}"
        words = f"scores at {row['location']:g} ± {row['scale']:g}{mode}"
        bars.append((f"{words}: too low", row["too_low"], row["too_low"], row["too_low"], "disables"))
        bars.append((f"{words}: caution", row["caution"], row["caution"], row["caution"], "keeps"))
    return (
        Figure(
            "tail",
            "How often the forecast of the worst query was too low, and how often it warned that its tail is not to be trusted.",
            lambda width, name: bar_chart(
                width=width,
                name=name,
                title="A mode that was met is noticed; one that was not cannot be",
                desc="Shares of evaluations.",
                unit="share of evaluations",
                bars=bars,
                form=lambda value: f"{100 * value:.0f} %",
                key=(("disables", "forecast too low"), ("keeps", "caution said")),
            ),
        ),
    )


STUDY = Study(
    name="worst-query",
    title="What is the worst that a hundred times as many queries will bring?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "Median absolute error of log10 of the worst elicitation probability, share of forecasts that are too low, share of evaluations "
        "with a caution; wrong if the first is above 0.25, the second above 36 %, a met mode is noticed in less than half of "
        "evaluations, a caution is said in more than a tenth of plain ones, or fewer than nine in ten forecasts are too low where a mode "
        "was not met"
    ),
    advice="Treat an extrapolated tail as an estimate that is too low one time in three, and as silent on what was never met.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
