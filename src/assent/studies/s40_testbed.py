"""The Neural Testbed: are heads over random features as far from a known truth as the best ensembles, and what do they take? (E4)"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from assent.report.figures import bar_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict

if TYPE_CHECKING:
    from assent.committees.testbed import SyntheticProblem

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


@dataclass(frozen=True)
class Fit:
    """One agent on the problems of one setting.

    Attributes:
        problems: `twelve`, or `sweep`: one of its five problems of the setting for each seed.
        agent: one of `AGENTS`.
    """

    problems: str
    input_dim: int
    data_ratio: int
    temperature: float
    agent: str


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

APART = 1_000
"""Between the seeds of one list's problems and the next one's."""

ENDLESS = 1e6
"""In the place of an estimate of which not one draw is finite."""

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


def run(cell: Fit, seed: int) -> list[Row]:
    """A row for each problem."""
    from assent.committees.testbed import joint_kl
    from assent.studies._testbed_agents import fitted

    rows = list[Row]()
    for problem in problems_of(cell, seed):
        agent = fitted(cell.agent, problem)
        found = joint_kl(agent.log_probs, problem, num_test_seeds=1_000)
        rows.append(
            {
                **asdict(cell),
                "seed": seed,
                "problem_seed": problem.seed,
                "num_train": problem.num_train,
                "members": agent.members,
                "joint_kl": found.clamped if math.isfinite(found.clamped) else ENDLESS,
                "standard_error": found.standard_error if found.infinite == 0 else None,
                "infinite": found.infinite,
                "fit_cpu_s": agent.cpu_s,
                "worth": agent.worth,
            }
        )
    return rows


def problems_of(cell: Fit, seed: int) -> list[SyntheticProblem]:
    """The problems of a cell: for each seed others, of the same setting."""
    from assent.committees.testbed import sweep, twelve

    listed = twelve() if cell.problems == "twelve" else [one for one in sweep() if one.tau == 10]
    setting = (cell.input_dim, cell.data_ratio, cell.temperature)
    same = [one for one in listed if (one.input_dim, one.data_ratio, one.temperature) == setting]
    if cell.problems == "twelve":
        return [replace(one, seed=one.seed + APART * seed) for one in same]
    again, place = divmod(seed, len(same))
    return [replace(same[place], seed=same[place].seed + APART * again)]


def score(rows: Sequence[Row]) -> dict[str, float]:
    """Each agent's mean, and how far the committee is from the ensemble over all and in each seed."""
    numbers: dict[str, float] = {"seeds": float(len({row["seed"] for row in rows}))}
    for problems in ("twelve", "sweep"):
        for agent in SHOWN:
            mine = _of(rows, problems, agent)
            if mine:
                numbers |= {f"{problems}_{agent}": _mean(mine), f"{problems}_{agent}_cpu": _cpu(mine)}
        mine, peer = _of(rows, problems, MINE), _of(rows, problems, PEER)
        apart = [(seed, _mean(_at(mine, seed)) / _mean(_at(peer, seed))) for seed in sorted({r["seed"] for r in mine})]
        if others := _of(rows, problems, MOMENTS):
            numbers |= {
                f"{problems}_moments_ratio": _mean(others) / _mean(peer),
                f"{problems}_moments_error": _error(others, peer),
                f"{problems}_moments_cpu_share": _cpu(others) / _cpu(peer),
            }
        numbers |= {
            f"{problems}_problems": float(len(mine)),
            f"{problems}_ratio": _mean(mine) / _mean(peer),
            f"{problems}_ratio_least": min(ratio for _, ratio in apart),
            f"{problems}_ratio_worst": max(ratio for _, ratio in apart),
            f"{problems}_worst_seed": float(max(apart, key=lambda pair: pair[1])[0]),
            f"{problems}_error": _error(mine, peer),
            f"{problems}_cpu_share": _cpu(mine) / _cpu(peer),
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
            each = [_mean(_at(mine, seed)) for seed in seeds]
            bars.append((NAMES[agent], _mean(mine), min(each), max(each), "indifferent" if agent in PEERS else "keeps"))
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
    bound = {_key(row): row["joint_kl"] for row in rows if row["agent"] == BOUND and row["worth"] >= WORTH}
    found = {"bounded_problems": float(len(bound))}
    if bound:
        found["bounded_generator"] = float(np.mean(list(bound.values())))
        for agent in (MINE, MOMENTS, PEER):
            mine = [row for row in rows if row["agent"] == agent and _key(row) in bound]
            found |= {f"bounded_{agent}": _mean(mine)} if mine else {}
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


def _of(rows: Sequence[Row], problems: str, agent: str) -> list[Row]:
    """In an order that agents share."""
    return sorted((row for row in rows if row["problems"] == problems and row["agent"] == agent), key=_key)


def _key(row: Row) -> tuple[str, int, int]:
    return row["problems"], row["seed"], row["problem_seed"]


def _at(rows: Sequence[Row], seed: int) -> list[Row]:
    return [row for row in rows if row["seed"] == seed]


def _mean(rows: Sequence[Row]) -> float:
    return float(np.mean([row["joint_kl"] for row in rows]))


def _cpu(rows: Sequence[Row]) -> float:
    return float(sum(row["fit_cpu_s"] for row in rows))


def _error(mine: Sequence[Row], peer: Sequence[Row]) -> float:
    """Of the ratio of means, over problems, by the delta method."""
    a, b = (np.asarray([row["joint_kl"] for row in rows]) for rows in (mine, peer))
    if len(a) < 2:
        return 0.0
    left = a - b * (a.mean() / b.mean())
    return float(np.std(left, ddof=1) / math.sqrt(len(a)) / b.mean())


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
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax"),
)
