"""What planners say, as studies need it: a phase as a number, and the cost at which a verdict turns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assent.planning.planners import Bracket, Planner
from assent.planning.problem import Problem
from assent.report.figures import DISABLES, INDIFFERENT, KEEPS, UNDECIDED
from assent.studies.measures import crossing
from assent.studies.settings import Doors

MOST = 40
"""Net answers beyond which nobody is looked at: an overseer who is kept so long is kept for good, as far as studies go."""

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


def belief(net: int, eps: float) -> np.ndarray:
    """[2]: the belief after `net` more answers for the first door than for the second, from one half.

    Args:
        eps: the chance of a wrong answer that is believed in, in (0, 1).
    """
    odds = ((1 - eps) / eps) ** net
    return np.asarray([odds / (1 + odds), 1 / (1 + odds)])


def first_to_leave(doors: Doors, *, planner: Planner | None = None, most: int = MOST) -> int:
    """K: the least net number of answers at which a planner's verdict is to disable (certified bounds when left out).

    It is `most` where the overseer is kept at every number below: a finding, which studies compare with theory's.
    """
    problem, judge = doors.problem(), Bracket() if planner is None else planner
    return next((net for net in range(most) if phase(judge, problem, belief(net, doors.eps)) == DISABLES), most)
