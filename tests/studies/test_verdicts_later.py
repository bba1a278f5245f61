"""Verdicts of the later studies can fail: what would refute a claim is reported as such, clause by clause."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from assent.planning.oracles.lattice import NoisyDoors
from assent.planning.planners import Blind
from assent.planning.problem import Problem
from assent.planning.verdict import Verdict
from assent.studies.settings import Doors
from assent.studies.verdicts import MOST, first_to_leave


@dataclass(frozen=True)
class Keeps:
    """A planner that keeps the overseer whatever she costs: the wrong variant of all of them."""

    name: str = "keeps"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        found = Blind()(problem, weights, state)
        return replace(found, phase="keeps", action=found.keep)


@pytest.mark.parametrize(("eps", "cost"), [(0.1, 0.05), (0.3, 0.01), (0.2, 5.0)])
def test_k_is_the_lattices(eps: float, cost: float) -> None:
    doors = Doors(2, 0.5, eps, 0.95, cost)
    assert first_to_leave(doors) == NoisyDoors("0.5", repr(eps), "0.95").stop(repr(cost))
    # the wrong variant, a planner that sees no worth in an overseer, leaves at once
    assert first_to_leave(doors, planner=Blind()) == 0


def test_an_overseer_who_is_kept_for_good_is_a_finding() -> None:
    assert first_to_leave(Doors(2, 0.5, 0.1, 0.95, 5.0), planner=Keeps()) == MOST
    assert first_to_leave(Doors(2, 0.5, 0.1, 0.95, 0.0), most=4) == 4, "at no cost she is kept"
