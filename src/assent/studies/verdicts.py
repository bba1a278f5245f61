"""What planners say, as studies need it: a phase as a number, and the cost at which a verdict turns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assent.planning.planners import Planner
from assent.planning.problem import Problem
from assent.studies.figures import DISABLES, INDIFFERENT, KEEPS, UNDECIDED
from assent.studies.measures import crossing

_NUMBER = {"keeps": KEEPS, "disables": DISABLES, "indifferent": INDIFFERENT, "undecided": UNDECIDED, "no choice": KEEPS}


def phase(planner: Planner, problem: Problem, weights: np.ndarray, state: int = 0) -> int:
    """The phase of a planner's verdict, as the figures number them."""
    return _NUMBER[planner(problem, weights, state).phase]


def turning_cost(
    planner: Planner,
    problem_at: Callable[[float], Problem],
    weights: np.ndarray,
    *,
    high: float,
    state: int = 0,
    rel: float = 1e-7,
    least: float = 1e-9,
) -> float:
    """The cost from which on a planner disables, by bisection on its own verdicts between `least` and `high`.

    It is 0 where the planner disables at `least` already, and `high` where it does not disable there.
    """

    def keeps(cost: float) -> bool:
        return phase(planner, problem_at(cost), weights, state) != DISABLES

    if not keeps(least):
        return 0.0
    if keeps(high):
        return high
    return crossing(keeps, least, high, rel=rel)
