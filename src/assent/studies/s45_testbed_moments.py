"""The Neural Testbed again, on problems that nobody had looked at: heads by expectation propagation beside the best ensemble. (E4)"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from markupsafe import Markup

from assent.report.figures import bar_chart
from assent.studies.s40_testbed import MOMENTS, NAMES, PEER, SETTINGS
from assent.studies.study import Figure, Row, Score, Study, Verdict
from assent.studies.testbed_measures import Fit, at_seed, cpu_s, mean_kl, measured, of_agent, ratio_error

FRESH = 3
"""Seeds below this are those of `testbed`, on whose problems expectation propagation was seen to be better than Laplace's approximation."""

TWELVE, SWEEP, SHARE = 1.0, 0.9, 0.1

CLAIM = (
    "On problems of the Neural Testbed with three further seeds, 1,000 heads over 2,048 features of the generator's untrained networks, "
    "drawn by Matheron's rule from the normal posterior that expectation propagation finds, with nothing chosen, have a mean joint KL "
    "(tau 10, kappa 2) no higher than that of ensemble+ with 100 networks over twelve problems, and at most 0.9 times as high over a sweep "
    "of 24 settings, for at most a tenth of the CPU time of its fits in all."
)
SOURCE = (
    "the study testbed, whose heads by expectation propagation had 0.91 and 0.81 times ensemble+'s joint KL without a limit set; Minka, "
    "Expectation propagation for approximate Bayesian inference (UAI 2001)"
)
GRID = tuple(Fit(*setting, agent) for setting in SETTINGS for agent in (PEER, MOMENTS))
QUICK = tuple(
    Fit(problems, 10, 10, temperature, agent)
    for problems, temperature in (("twelve", 0.1), ("sweep", 0.5))
    for agent in (PEER, MOMENTS)
)


def run(cell: Fit, seed: int) -> list[Row]:
    """A row for each problem."""
    return [{**row, "seed": seed} for row in measured(cell, seed + FRESH)]


def score(rows: Sequence[Row]) -> dict[str, float]:
    """Both agents' means, how far they are apart over all and in each seed, and what they took."""
    numbers: dict[str, float] = {"seeds": float(len({row["seed"] for row in rows}))}
    for problems in ("twelve", "sweep"):
        mine, peer = of_agent(rows, problems, MOMENTS), of_agent(rows, problems, PEER)
        by_seed = [mean_kl(at_seed(mine, seed)) / mean_kl(at_seed(peer, seed)) for seed in {r["seed"] for r in mine}]
        numbers |= {
            f"{problems}_problems": float(len(mine)),
            f"{problems}_mine": mean_kl(mine),
            f"{problems}_peer": mean_kl(peer),
            f"{problems}_ratio": mean_kl(mine) / mean_kl(peer),
            f"{problems}_error": ratio_error(mine, peer),
            f"{problems}_least": min(by_seed),
            f"{problems}_most": max(by_seed),
            f"{problems}_share": cpu_s(mine) / cpu_s(peer),
        }
    numbers["share"] = _share(rows)
    return numbers | {"infinite": float(sum(row["infinite"] for row in rows))}


def _share(rows: Sequence[Row]) -> float:
    """Of the CPU time of the ensemble's fits, on all problems."""
    mine, peer = (cpu_s([row for row in rows if row["agent"] == agent]) for agent in (MOMENTS, PEER))
    return mine / peer


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    bars = {
        "the twelve problems": numbers["twelve_ratio"] <= TWELVE,
        "the sweep": numbers["sweep_ratio"] <= SWEEP,
        "CPU time": numbers["share"] <= SHARE,
    }
    missed = [name for name, held in bars.items() if not held]
    return Verdict(
        not missed,
        f"Yes: {numbers['sweep_ratio']:.2f} times as far from the truth over the sweep, for a "
        f"{1.0 / numbers['share']:.0f}th of the CPU time."
        if not missed
        else f"Not in everything: {', '.join(missed)} missed.",
        f"{numbers['seeds']:.0f} fresh seeds. {_said(numbers, 'twelve', 'the twelve')}; {_said(numbers, 'sweep', 'the sweep')}. "
        f"A share of {numbers['share']:.3f} of the CPU time in all; {numbers['infinite']:.0f} estimates were infinite.",
    )


def _said(numbers: Score, problems: str, name: str) -> str:
    of = {
        what: numbers[f"{problems}_{what}"]
        for what in ("problems", "mine", "peer", "ratio", "error", "least", "most", "share")
    }
    return (
        f"{of['problems']:.0f} problems ({name}): mean joint KL {of['mine']:.3f} against ensemble+'s {of['peer']:.3f}, {of['ratio']:.3f} "
        f"times (standard error over problems {of['error']:.3f}; by seed {of['least']:.3f} to {of['most']:.3f}), a share of "
        f"{of['share']:.3f} of the CPU time"
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The picture."""
    return (
        Figure(
            "fresh",
            "Mean joint KL to the truth on fresh problems; less is better. Lines: the least and the greatest seed.",
            functools.partial(_chart, rows),
        ),
    )


def _chart(rows: Sequence[Row], width: float, name: str) -> Markup:
    bars = list[tuple[str, float, float, float, str]]()
    for problems, words in (("twelve", "twelve problems"), ("sweep", "sweep")):
        for agent in (PEER, MOMENTS):
            mine = of_agent(rows, problems, agent)
            each = [mean_kl(at_seed(mine, seed)) for seed in sorted({row["seed"] for row in mine})]
            called = NAMES[agent] if agent == PEER else "1,000 heads (expectation propagation)"
            bars.append(
                (f"{words}: {called}", mean_kl(mine), min(each), max(each), "indifferent" if agent == PEER else "keeps")
            )
    return bar_chart(
        width=width,
        name=name,
        title="Joint KL to the truth on fresh problems",
        desc="Ten labels at two points, in nats.",
        unit="nats",
        bars=bars,
        high=1.0,
        form=lambda value: f"{value:.3f}",
        key=(("keeps", "heads that are drawn"), ("indifferent", "networks that are trained")),
    )


STUDY = Study(
    name="testbed-moments",
    title="Are heads by expectation propagation nearer to a known truth than a hundred networks?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "the heads' mean joint KL over ensemble+'s, over all problems and seeds of each list, and CPU seconds of all fits; a ratio above 1 "
        "on the twelve, above 0.9 on the sweep, or above a tenth of the time shows the claim wrong"
    ),
    advice="Fit heads over random features by expectation propagation where labels are nearly certain, and not by Laplace's approximation.",
    grid=GRID,
    quick=QUICK,
    seeds=3,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax"),
)
