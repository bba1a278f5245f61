"""What planners are given and refuse: states that are none, and limits that are no limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assent.planning.mce_irl import MceIrl
from assent.planning.planners import QMDP, BeliefTree, Blind, Bracket, Lookahead, MostLikely
from assent.planning.rivals import AttainableUtility, Indifferent, NeverDisable, Obedient, Thompson
from assent.planning.search import SearchBracket, StochasticSearch
from tests.planning.small import doors
from tests.session_support import unchecked

PLANNERS = (
    BeliefTree(),
    Bracket(),
    Lookahead(1),
    Blind(),
    MostLikely(),
    QMDP(),
    NeverDisable(),
    Indifferent(),
    AttainableUtility(noop=0),
    Thompson(0.5),
    Obedient(),
    StochasticSearch("blind", 4),
    SearchBracket(4),
    MceIrl(),
)


@pytest.mark.parametrize("state", [-1, 2, 7, 0.5, True, None, float("nan")])
@pytest.mark.parametrize("planner", PLANNERS, ids=lambda planner: planner.name)
def test_what_is_no_state_is_refused(planner: Any, state: Any) -> None:
    problem, weights = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=1.0)
    given = np.zeros((1, 4)) if isinstance(planner, MceIrl) else weights
    # one wrong variant: -1 is planned for as the last state
    with unchecked(), pytest.raises(ValueError, match=r"is no state: states are whole numbers from 0 to 1\."):
        planner(problem, given, state)
