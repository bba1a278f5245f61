"""What planners are given and refuse: states that are none, and limits that are no limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assent.hypotheses.rewards.effort import Effort
from assent.planning.mce_irl import MceIrl
from assent.planning.planners import BeliefTree, Bracket
from tests.planning.small import doors
from tests.planning.test_planners import BELIEVING
from tests.session_support import unchecked

PLANNERS = (*BELIEVING, MceIrl())


@pytest.mark.parametrize("state", [-1, 2, 7, 0.5, True, None, float("nan")])
@pytest.mark.parametrize("planner", PLANNERS, ids=lambda planner: planner.name)
def test_what_is_no_state_is_refused(planner: Any, state: Any) -> None:
    problem, weights = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=1.0)
    given = np.zeros((1, 4)) if isinstance(planner, MceIrl) else weights
    # one wrong variant: -1 is planned for as the last state
    with unchecked(), pytest.raises(ValueError, match=r"is no state: states are whole numbers from 0 to 1\."):
        planner(problem, given, state)


@pytest.mark.parametrize(
    ("make", "settings", "sentence"),
    [
        (Bracket, {"digits": ()}, r"digits = \(\): give at least one"),
        (Bracket, {"digits": (3, 6.5)}, r"digits = \(3, 6\.5\)"),
        (Bracket, {"digits": (-1,)}, r"digits = \(-1,\)"),
        (Bracket, {"tolerance": float("nan")}, "tolerance = nan: give a finite number"),
        (Bracket, {"tolerance": float("inf")}, "tolerance = inf"),
        (Bracket, {"max_beliefs": 0}, "max_beliefs = 0"),
        (BeliefTree, {"tolerance": -1.0}, "tolerance = -1.0: give a finite number of at least 0"),
        (BeliefTree, {"max_beliefs": -5}, "max_beliefs = -5: give a whole number of at least 1"),
        (BeliefTree, {"max_beliefs": 2.5}, "max_beliefs = 2.5"),
        (Effort, {"chains": 8.5}, "chains = 8.5: give a whole number of at least 8"),
        (Effort, {"particles": float("nan")}, "particles = nan: give a whole number of at least 16"),
        (Effort, {"moves": True}, "moves = True"),
    ],
)
def test_limits_that_are_none_are_refused_when_they_are_set(make: Any, settings: dict[str, Any], sentence: str) -> None:
    with unchecked(), pytest.raises(ValueError, match=sentence):
        make(**settings)
