"""The rival planners, each by the property that makes it what it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.planning.belief_graph import BeliefGraph
from assent.planning.oracles.history_tree import solve_history_tree
from assent.planning.planners import BeliefTree, Bracket
from assent.planning.problem import Problem
from assent.planning.rivals import AttainableUtility, Indifferent, NeverDisable, Obedient, Thompson, forbidden
from tests.planning.oracles.support import Small, small_worlds
from tests.planning.small import TERMS, doors, problem_of

HORIZON = 3


def finite_value(problem: Problem, weights: np.ndarray) -> float:
    graph = BeliefGraph(problem, weights)
    for _ in range(HORIZON):
        graph.expand(*graph.unbuilt())
    return float(graph.finite(HORIZON)[0][0, problem.model.start])


@settings(max_examples=25, deadline=None)
@given(small=small_worlds(), terms=st.sampled_from(TERMS))
def test_what_must_not_leave_is_worth_what_the_tree_of_histories_says(small: Small, terms: dict) -> None:
    problem, weights = problem_of(small, terms)
    tree = solve_history_tree(problem.model, problem.process, small.reward, small.prior, horizon=HORIZON)
    kept = finite_value(forbidden(problem), weights)
    assert kept == pytest.approx(float(tree.keeping), abs=1e-9)
    assert kept <= finite_value(problem, weights) + 1e-9, "a rule can only cost"


@settings(max_examples=25, deadline=None)
@given(small=small_worlds(), terms=st.sampled_from(TERMS))
def test_never_disable_never_does(small: Small, terms: dict) -> None:
    problem, weights = problem_of(small, terms)
    for state in np.flatnonzero(problem.model.kept & ~problem.model.terminal):
        if not problem.leaves[state].all():
            verdict = NeverDisable(BeliefTree(max_beliefs=200))(problem, weights, int(state))
            assert not problem.leaves[state, verdict.action]


def test_the_same_world_disables_without_the_rule() -> None:
    """The wrong variant: the planner alone."""
    problem, weights = doors(2, rate=0.5, eps=0.2, cost=5.0, discount=0.9)
    assert Bracket()(problem, weights, 0).leaves
    assert not NeverDisable()(problem, weights, 0).leaves


@pytest.mark.parametrize("cost", [0.0, 0.1, 100.0])
@pytest.mark.parametrize("rate", [0.0, 0.9])
def test_indifference_moves_with_neither_price_nor_information(cost: float, rate: float) -> None:
    problem, weights = doors(2, rate=rate, eps=0.1, cost=cost, discount=0.9)
    verdict = Indifferent()(problem, weights, 0)
    assert verdict.phase == "indifferent"
    assert verdict.lower.tolist() == pytest.approx([5.0] * 4)


def test_a_great_penalty_leaves_nothing_but_doing_nothing() -> None:
    problem, _ = doors(2, rate=0.5, eps=0.1, cost=0.0, discount=0.9)
    sure = np.asarray([0.9, 0.1])
    assert AttainableUtility(noop=1, weight=0.0)(problem, sure, 0).action == 0
    assert AttainableUtility(noop=1, weight=100.0)(problem, sure, 0).action == 1
    with pytest.raises(ValueError, match="noop = 7"):
        AttainableUtility(noop=7)(problem, sure, 0)


def test_one_draw_from_the_belief_is_taken_for_the_truth() -> None:
    problem, _ = doors(2, rate=0.5, eps=0.1, cost=0.0, discount=0.9)
    weights = np.asarray([0.7, 0.3])
    best = [int(Thompson(uniform)(problem, weights, 0).lower[:2].argmax()) for uniform in (0.0, 0.69, 0.71, 0.999)]
    assert best == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="uniform = 1"):
        Thompson(1.0)(problem, weights, 0)


def test_the_obedient_do_what_would_be_shown() -> None:
    problem, _ = doors(3, rate=0.5, eps=0.1, cost=1e9, discount=0.9)
    verdict = Obedient()(problem, np.asarray([0.2, 0.5, 0.3]), 0)
    assert verdict.action == 1
    assert not verdict.leaves


def test_the_obedient_know_what_they_do_at_any_size_of_rewards() -> None:
    """The wrong variant: chances compared with a slack of 1e-9 of the rewards, here 1."""
    problem, weights = doors(2, rate=0.5, eps=0.2, cost=0.0, discount=0.9)
    everything = replace(problem.model, answerable=np.ones((1, 4), dtype=bool))
    leading = np.broadcast_to(np.asarray([0.0, 0.0, 0.0, 1e9])[None, :, None], (1, 4, 2))
    verdict = Obedient()(replace(problem, model=everything, reward=leading), weights, 0)
    assert (verdict.action, verdict.phase, verdict.leaves) == (3, "disables", True)


def test_a_rule_about_the_overseer_changes_nothing_once_she_is_gone() -> None:
    """The leaving action is worth more there, and no longer leaves anybody."""
    problem, weights = doors(1, rate=0.5, eps=0.0, cost=0.0, discount=0.9)
    problem = replace(problem, reward=np.asarray([[[9.0], [10.0]]]))
    assert NeverDisable()(problem, weights, 0).action == 0
    gone = NeverDisable()(problem, weights, 1)
    assert gone.action == 1
    assert gone.lower.tolist() == pytest.approx([99.0, 100.0])


def test_a_rule_still_says_what_it_asks_about() -> None:
    problem, weights = doors(2, rate=1.0, eps=0.0, cost=0.0, discount=0.9)
    asking = replace(problem, process=replace(problem.process, trigger="on_request", shown="chosen", request_cost=0.1))
    verdict = NeverDisable()(asking, weights, 0)
    assert (verdict.requests, verdict.about) == (True, 0)
