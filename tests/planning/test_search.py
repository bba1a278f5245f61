"""Tree search over beliefs: what it did not look at, and what it cannot tell apart, keeps the overseer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import assent.planning.search as search_module
from assent.planning.problem import Problem
from assent.planning.search import SearchBracket, StochasticSearch, judge_search
from assent.planning.verdict import Verdict, judge
from tests.planning.small import doors
from tests.session_support import unchecked

LEAVES = ("blind", "clairvoyant")


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with unchecked():
        yield


@pytest.mark.slow
@pytest.mark.parametrize(
    ("leaf", "simulations", "phase"), [("clairvoyant", 1, "undecided"), ("blind", 24, "indifferent")]
)
def test_an_exact_tie_is_no_reason_to_leave(leaf: Any, simulations: int, phase: str) -> None:
    """Nobody speaks and nobody is paid; and one simulation looks at one action alone."""
    problem, weights = doors(2, rate=0.0, eps=0.0, cost=0.0, discount=0.9)
    for seed in range(2):
        verdict = StochasticSearch(leaf, simulations, seed)(problem, weights, 0)
        assert (verdict.phase, verdict.leaves) == (phase, False)


def test_a_side_that_was_not_looked_at_is_unknown() -> None:
    """The wrong variant takes what was not visited for worthless."""
    problem, _ = doors(2, rate=0.5, eps=0.2, cost=1.0, discount=0.9)
    values = np.asarray([1.0, 2.0, 3.0, 4.0])
    for visits in ([0, 0, 1, 1], [0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]):
        verdict = judge_search(problem, 0, np.asarray(visits), values, planner="")
        assert (verdict.phase, verdict.leaves) == ("undecided", False), visits
    careless = np.where(np.asarray([0, 0, 1, 1]) > 0, values, -np.inf)
    assert judge(problem, 0, careless, careless, planner="").leaves
    assert judge_search(problem, 0, np.asarray([1, 0, 0, 1]), values, planner="").phase == "disables"
    assert judge_search(problem, 0, np.asarray([1, 0, 0, 1]), -values, planner="").phase == "keeps"


@pytest.mark.parametrize("leaving", LEAVES)
def test_two_leaves_that_disagree_keep(leaving: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, weights = doors(2, rate=0.5, eps=0.2, cost=1.0, discount=0.9)
    best = {True: np.asarray([0.0, 0.0, 1.0, 1.0]), False: np.zeros(4)}

    def found(self: StochasticSearch, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        value = best[self.leaf == leaving]
        return judge(problem, state, value, value, planner=self.name)

    monkeypatch.setattr(search_module.StochasticSearch, "__call__", found)
    verdict = SearchBracket(4)(problem, weights, 0)
    assert (verdict.phase, verdict.leaves) == ("undecided", False)
