"""What studies of the Neural Testbed measure: how far an agent is from a known truth over problems of one setting, and what it took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from assent.studies.study import Row

if TYPE_CHECKING:
    from assent.committees.testbed import SyntheticProblem

APART = 1_000
"""Between the seeds of one list's problems and the next one's."""

ENDLESS = 1e6
"""In the place of an estimate of which not one draw is finite."""


@dataclass(frozen=True)
class Fit:
    """One agent on the problems of one setting.

    Attributes:
        problems: `twelve`, or `sweep`: one of its five problems of the setting for each seed.
        agent: a name that `assent.studies.testbed_agents.fitted` knows.
    """

    problems: str
    input_dim: int
    data_ratio: int
    temperature: float
    agent: str


def measured(cell: Fit, seed: int) -> list[Row]:
    """A row for each problem."""
    from assent.committees.testbed import joint_kl
    from assent.studies.testbed_agents import fitted

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


def of_agent(rows: Sequence[Row], problems: str, agent: str) -> list[Row]:
    """In an order that agents share."""
    return sorted((row for row in rows if row["problems"] == problems and row["agent"] == agent), key=key_of)


def key_of(row: Row) -> tuple[str, int, int]:
    """What a row's problem is known by."""
    return row["problems"], row["seed"], row["problem_seed"]


def at_seed(rows: Sequence[Row], seed: int) -> list[Row]:
    """Rows of one seed."""
    return [row for row in rows if row["seed"] == seed]


def mean_kl(rows: Sequence[Row]) -> float:
    """The rows' mean joint KL, in nats."""
    return float(np.mean([row["joint_kl"] for row in rows]))


def cpu_s(rows: Sequence[Row]) -> float:
    """CPU seconds of all the rows' fits."""
    return float(sum(row["fit_cpu_s"] for row in rows))


def ratio_error(mine: Sequence[Row], peer: Sequence[Row]) -> float:
    """Of the ratio of means, over problems, by the delta method."""
    a, b = (np.asarray([row["joint_kl"] for row in rows]) for rows in (mine, peer))
    if len(a) < 2:
        return 0.0
    left = a - b * (a.mean() / b.mean())
    return float(np.std(left, ddof=1) / math.sqrt(len(a)) / b.mean())
