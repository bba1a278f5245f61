"""The Neural Testbed: are heads over random features as far from a known truth as the best ensembles, and what do they take? (E4)"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from assent.report.figures import bar_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict
from assent.studies.testbed_measures import Fit, at_seed, cpu_s, key_of, mean_kl, measured, of_agent, ratio_error

MINE, PEER = "last-layer", "ensemble+"
MOMENTS = "moments"
"""The same heads by expectation propagation in Laplace's place: told beside, without a limit."""

PEERS = ("mlp", "ensemble", "epinet", PEER)
BOUND = "generator"
AGENTS = (*PEERS, MINE, BOUND, MOMENTS)
SHOWN = (*PEERS, MINE, MOMENTS)
NAMES = {
    "mlp": "one network",
    "ensemble": "100 networks",
    "epinet": "epinet, 1,000 indices",
    PEER: "100 networks and fixed ones (ensemble+)",
    MINE: "1,000 heads over random features (Laplace)",
    MOMENTS: "the same by expectation propagation",
}
TWELVE, SWEEP, SHARE = 1.05, 1.0, 0.1
MOST_ITEMS = 1_000
"""Problems of the sweep with more are left out: an exact head takes a factor of as many rows."""

CLAIM = (
    "On the generator of the Neural Testbed, 1,000 heads over 2,048 features of its untrained networks, drawn from Laplace's posterior by "
    "Matheron's rule with nothing chosen, have a mean joint KL (tau 10, kappa 2) of at most 1.05 times that of ensemble+ with 100 networks "
    "over twelve problems with three seeds, for at most a tenth of the CPU time of its fits (compiling left out); and at most as much as "
    "ensemble+ over a sweep of 24 settings (2, 10 and 100 dimensions, data ratios 1, 10 and 100, temperatures 0.01, 0.1 and 0.5, at most "
    "1,000 items), one problem each with each of three seeds."
)
SOURCE = (
    "Osband and others, The Neural Testbed: evaluating joint predictions (NeurIPS 2022) and Epistemic neural networks (NeurIPS 2023) for "
    "problems, measure and peers; the limits from a prototype, docs/committees.md"
)


SETTINGS = (
    *(("twelve", dim, ratio, 0.1) for dim, ratio in itertools.product((2, 10), (1, 10, 100))),
    *(
        ("sweep", dim, ratio, temperature)
        for dim, ratio, temperature in itertools.product((2, 10, 100), (1, 10, 100), (0.01, 0.1, 0.5))
        if dim * ratio <= MOST_ITEMS
    ),
)
BOUNDED = 20
"""Items at most for the generator's own posterior: with more, too few of its networks explain the labels."""

WORTH = 100
"""Draws that such a posterior must be worth to be told."""

LEFT_OUT = {("sweep", "ensemble"), ("sweep", BOUND)}
"""What takes long, or says nothing, where no limit rests on it."""

GRID = tuple(
    Fit(problems, dim, ratio, temperature, agent)
    for problems, dim, ratio, temperature in SETTINGS
    for agent in AGENTS
    if (problems, agent) not in LEFT_OUT and not (agent == BOUND and dim * ratio > BOUNDED)
)
QUICK = tuple(
    Fit(problems, 10, 1, temperature, agent)
    for problems, temperature in (("twelve", 0.1), ("sweep", 0.5))
    for agent in ("mlp", PEER, MINE)
)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """Each agent's mean, and how far the committee is from the ensemble over all and in each seed."""
    numbers: dict[str, float] = {"seeds": float(len({row["seed"] for row in rows}))}
    for problems in ("twelve", "sweep"):
        for agent in SHOWN:
            mine = of_agent(rows, problems, agent)
            if mine:
                numbers |= {f"{problems}_{agent}": mean_kl(mine), f"{problems}_{agent}_cpu": cpu_s(mine)}
        mine, peer = of_agent(rows, problems, MINE), of_agent(rows, problems, PEER)
        apart = [
            (seed, mean_kl(at_seed(mine, seed)) / mean_kl(at_seed(peer, seed)))
            for seed in sorted({r["seed"] for r in mine})
        ]
        if others := of_agent(rows, problems, MOMENTS):
            numbers |= {
                f"{problems}_moments_ratio": mean_kl(others) / mean_kl(peer),
                f"{problems}_moments_error": ratio_error(others, peer),
                f"{problems}_moments_cpu_share": cpu_s(others) / cpu_s(peer),
            }
        numbers |= {
            f"{problems}_problems": float(len(mine)),
            f"{problems}_ratio": mean_kl(mine) / mean_kl(peer),
            f"{problems}_ratio_least": min(ratio for _, ratio in apart),
            f"{problems}_ratio_worst": max(ratio for _, ratio in apart),
            f"{problems}_worst_seed": float(max(apart, key=lambda pair: pair[1])[0]),
            f"{problems}_error": ratio_error(mine, peer),
            f"{problems}_cpu_share": cpu_s(mine) / cpu_s(peer),
        }
    numbers["infinite"] = float(sum(row["infinite"] for row in rows))
    return numbers | _bounded(rows)


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    bars = {
        "the twelve problems": numbers["twelve_ratio"] <= TWELVE,
        "CPU time": numbers["twelve_cpu_share"] <= SHARE,
        "the sweep": numbers["sweep_ratio"] <= SWEEP,
    }
    missed = [name for name, held in bars.items() if not held]
    return Verdict(
        not missed,
        f"Yes: heads over features that nobody trained are about as near to the truth as a hundred networks with fixed ones beside them, "
        f"for a {1.0 / numbers['twelve_cpu_share']:.0f}th of the CPU time."
        if not missed
        else f"Not in everything: {', '.join(missed)} missed.",
        f"{_said(numbers, 'twelve')}; CPU seconds of all fits {_each(numbers, 'twelve', '_cpu', '.1f')}, {MINE} a share of "
        f"{numbers['twelve_cpu_share']:.3f}. {_said(numbers, 'sweep')}, a share of {numbers['sweep_cpu_share']:.3f} of the CPU time. "
        f"{numbers['infinite']:.0f} estimates were infinite.{_said_of_moments(numbers)}"
        f"{_said_of_bound(numbers)}",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    return (
        Figure(
            "twelve",
            "Mean joint KL to the truth over the twelve problems and all seeds; less is better. Lines: the least and the greatest seed.",
            functools.partial(_chart, [row for row in rows if row["problems"] == "twelve"], "twelve problems"),
        ),
        Figure(
            "sweep",
            "The same over the sweep of settings.",
            functools.partial(_chart, [row for row in rows if row["problems"] == "sweep"], "the sweep"),
        ),
    )


def _chart(rows: Sequence[Row], words: str, width: float, name: str) -> Markup:
    seeds = sorted({row["seed"] for row in rows})
    bars = list[tuple[str, float, float, float, str]]()
    for agent in SHOWN:
        mine = [row for row in rows if row["agent"] == agent]
        if mine:
            each = [mean_kl(at_seed(mine, seed)) for seed in seeds]
            bars.append(
                (NAMES[agent], mean_kl(mine), min(each), max(each), "indifferent" if agent in PEERS else "keeps")
            )
    return bar_chart(
        width=width,
        name=name,
        title=f"Joint KL to the truth: {words}",
        desc="Ten labels at two points, in nats.",
        unit="nats",
        bars=bars,
        high=1.0,
        form=lambda value: f"{value:.3f}",
        key=(("keeps", "heads that are drawn"), ("indifferent", "networks that are trained")),
    )


def _said(numbers: Score, problems: str) -> str:
    """Of one list: the means, and the ratio with its spread."""
    of = {name: numbers[f"{problems}_{name}"] for name in ("problems", "ratio", "ratio_least", "ratio_worst", "error")}
    name = "the twelve" if problems == "twelve" else "the sweep"
    return (
        f"{of['problems']:.0f} problems ({name}, {numbers['seeds']:.0f} seeds): mean joint KL {_each(numbers, problems, '', '.3f')}; "
        f"{of['ratio']:.3f} times ensemble+'s (standard error over problems {of['error']:.3f}; by seed {of['ratio_least']:.3f} to "
        f"{of['ratio_worst']:.3f}, worst seed {numbers[f'{problems}_worst_seed']:.0f})"
    )


def _each(numbers: Score, problems: str, what: str, form: str) -> str:
    said = [f"{agent} {numbers[key]:{form}}" for agent in SHOWN if (key := f"{problems}_{agent}{what}") in numbers]
    return ", ".join(said)


def _said_of_moments(numbers: Score) -> str:
    of = [
        numbers.get(f"{problems}_moments_{name}")
        for problems in ("twelve", "sweep")
        for name in ("ratio", "error", "cpu_share")
    ]
    if any(value is None for value in of):
        return ""
    return (
        " Expectation propagation in Laplace's place, for which no limit was set: {:.3f} times ensemble+'s (standard error {:.3f}) on the "
        "twelve for a share of {:.3f} of the time, {:.3f} times (standard error {:.3f}) in the sweep for {:.3f}."
    ).format(*of)


def _bounded(rows: Sequence[Row]) -> dict[str, float]:
    """The generator's own posterior, and who is how far above it, where it is worth enough draws."""
    bound = {key_of(row): row["joint_kl"] for row in rows if row["agent"] == BOUND and row["worth"] >= WORTH}
    found = {"bounded_problems": float(len(bound))}
    if bound:
        found["bounded_generator"] = float(np.mean(list(bound.values())))
        for agent in (MINE, MOMENTS, PEER):
            mine = [row for row in rows if row["agent"] == agent and key_of(row) in bound]
            found |= {f"bounded_{agent}": mean_kl(mine)} if mine else {}
    return found


def _said_of_bound(numbers: Score) -> str:
    if not numbers["bounded_problems"]:
        return ""
    return (
        f" On {numbers['bounded_problems']:.0f} of the twelve's problems the generator's own posterior is known (at least {WORTH} draws' "
        f"worth): {numbers['bounded_generator']:.3f}, where "
        + ", ".join(
            f"{agent} has {numbers[key]:.3f}"
            for agent in (MINE, MOMENTS, PEER)
            if (key := f"bounded_{agent}") in numbers
        )
        + "."
    )


STUDY = Study(
    name="testbed",
    title="Are heads over features that nobody trained as near to a known truth as a hundred networks?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "the heads' mean joint KL over ensemble+'s, over all problems and seeds of each list, and CPU seconds of all fits of the twelve; a "
        "ratio above 1.05 on the twelve, above 1 on the sweep, or above a tenth of the time shows the claim wrong"
    ),
    advice=(
        "Where the prior is known, draw heads over features of random networks of it; train a hundred networks only where it is not."
    ),
    grid=GRID,
    quick=QUICK,
    seeds=3,
    run=measured,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax"),
)
