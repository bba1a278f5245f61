"""Belief graphs against the tree of histories, which shares no code with them; bounds that hold at every size."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.planning.belief_graph import LOWER, UPPER, BeliefGraph
from assent.planning.graph_solver import solve_graph
from assent.planning.model import Model
from assent.planning.oracles.history_tree import solve_history_tree
from assent.planning.planners import whole
from assent.planning.problem import Problem
from assent.planning.process import Process
from assent.planning.reach import occupancy
from tests.planning.oracles.support import Small, small_worlds
from tests.planning.small import TERMS, doors, problem_of

HORIZON = 3
SLACK = 1e-9
"""Some hundred float64 operations on numbers below 100."""


def built(problem: Problem, weights: np.ndarray, *, depth: int) -> BeliefGraph:
    graph = BeliefGraph(problem, weights)
    for _ in range(depth):
        graph.expand(*graph.unbuilt())
    return graph


@pytest.mark.slow
@pytest.mark.parametrize("terms", TERMS, ids=str)
@settings(max_examples=12, deadline=None)
@given(small=small_worlds())
def test_values_are_those_of_the_tree_of_histories(terms: dict, small: Small) -> None:
    problem, weights = problem_of(small, terms)
    graph = built(problem, weights, depth=HORIZON)
    tree = solve_history_tree(problem.model, problem.process, small.reward, small.prior, horizon=HORIZON)
    waiting, quality = graph.finite(HORIZON)
    start = problem.model.start
    assert waiting[0, start] == pytest.approx(float(tree.value), abs=SLACK)
    np.testing.assert_allclose(quality[0, start], [float(value) for value in tree.q], atol=SLACK)


def test_an_agent_that_forgets_what_silence_says_is_told_from_this_one() -> None:
    """The wrong variant: corrections after errors, planned for as if they came at random."""
    problem, weights = doors(2, rate=0.5, eps=0.0, cost=0.0, discount=0.9)
    careful = replace(problem, process=replace(problem.process, trigger="on_error"))
    tree = solve_history_tree(careful.model, careful.process, careful.reward, ["1/2", "1/2"], horizon=HORIZON)
    value = {
        name: built(item, weights, depth=HORIZON).finite(HORIZON)[0][0, 0]
        for name, item in (("on_error", careful), ("random", problem))
    }
    assert value["on_error"] == pytest.approx(float(tree.value), abs=SLACK)
    assert abs(value["random"] - float(tree.value)) > 0.1


@pytest.mark.parametrize("terms", TERMS, ids=str)
@settings(max_examples=6, deadline=None)
@given(small=small_worlds(), rounds=st.integers(0, 2), digits=st.sampled_from([1, 2, 12]))
def test_bounds_hold_however_little_is_built(terms: dict, small: Small, rounds: int, digits: int) -> None:
    problem, weights = problem_of(small, terms)
    exact = solve_graph(whole(problem, weights, max_beliefs=400), tolerance=1e-9)
    graph = BeliefGraph(problem, weights, digits=digits)
    for _ in range(rounds):
        beliefs, signals = graph.unbuilt()
        graph.expand(beliefs[::2], signals[::2])
    rough = solve_graph(graph, tolerance=1e-9)
    swept = graph.bounds(tolerance=1e-7)
    for bounds in (rough, swept):
        assert (bounds.quality[LOWER, 0] <= exact.quality[UPPER, 0] + 1e-7).all()
        assert (bounds.quality[UPPER, 0] >= exact.quality[LOWER, 0] - 1e-7).all()


@pytest.mark.parametrize("answer", ["boltzmann", "soft"])
@settings(max_examples=8, deadline=None)
@given(small=small_worlds())
def test_values_under_boltzmann_answers_are_those_of_the_tree_given_their_chances(answer: str, small: Small) -> None:
    problem, weights = problem_of(small, {"answer": answer, "beta": 2.0})
    rows = [[[Fraction(chance) for chance in row] for row in rows] for rows in problem.likelihood.tolist()]
    tree = solve_history_tree(problem.model, problem.process, small.reward, small.prior, horizon=2, likelihood=rows)
    waiting, _ = built(problem, weights, depth=2).finite(2)
    assert waiting[0, problem.model.start] == pytest.approx(float(tree.value), abs=SLACK)


@settings(max_examples=20, deadline=None)
@given(small=small_worlds(), rounds=st.integers(0, 2))
def test_bounds_hold_where_the_overseer_picks_what_teaches_most(small: Small, rounds: int) -> None:
    """More built can only narrow them; nothing built is at least what never listening gives."""
    problem, weights = problem_of(small, {"shown": "pedagogic"})
    exact = solve_graph(whole(problem, weights, max_beliefs=200), tolerance=1e-9)
    rough = solve_graph(built(problem, weights, depth=rounds), tolerance=1e-9)
    blind = problem.solve(problem.mean(weights[None]), costly=True).quality[:, :, 0]
    assert (rough.quality[LOWER, 0] >= blind - 1e-7).all()
    assert (rough.quality[LOWER, 0] <= exact.quality[UPPER, 0] + 1e-7).all()
    assert (rough.quality[UPPER, 0] >= exact.quality[LOWER, 0] - 1e-7).all()


def test_a_world_that_ends_needs_no_discount() -> None:
    """A step or two, discount 1: the tree of histories says what it is worth."""
    problem, weights = doors(2, rate=0.5, eps=0.2, cost=0.1, discount=0.9)
    chain = Model(
        successor=np.asarray([[[1], [1]], [[2], [2]], [[2], [2]]]),
        chance=np.ones((3, 2, 1)),
        terminal=np.asarray([False, False, True]),
        discount=1.0,
        place=np.arange(3),
        mode=np.zeros(3, dtype=np.int64),
        rate=np.asarray([0.5, 0.5, 0.0]),
        cost=np.zeros((3, 2)),
        kept=np.ones(3, dtype=bool),
        answerable=np.asarray([[True, True], [True, True], [False, False]]),
    )
    reward = np.stack([np.eye(2), np.eye(2), np.zeros((2, 2))])
    endless = replace(problem, model=chain, reward=reward)
    bounds = solve_graph(whole(endless, weights), tolerance=1e-9)
    tree = solve_history_tree(chain, endless.process, reward.astype(int).tolist(), ["1/2", "1/2"], horizon=3)
    for side in (LOWER, UPPER):
        assert bounds.waiting[side, 0, 0] == pytest.approx(float(tree.value), abs=SLACK)


def forcing() -> Problem:
    """Places 0 -> 1; from 1 back to 0 for 10, or on to 2 for nothing. Two rewards differ in 2; the overseer errs in 2 of 5."""
    model = Model(
        successor=np.asarray([[[1], [1]], [[0], [2]], [[0], [0]]]),
        chance=np.ones((3, 2, 1)),
        terminal=np.zeros(3, dtype=bool),
        discount=0.9,
        place=np.arange(3),
        mode=np.zeros(3, dtype=np.int64),
        rate=np.asarray([0.0, 0.5, 0.5]),
        cost=np.zeros((3, 2)),
        kept=np.ones(3, dtype=bool),
        answerable=np.ones((3, 2), dtype=bool),
    )
    reward = np.zeros((3, 2, 2))
    reward[1, 0] = 10.0
    reward[2] = np.eye(2)
    return Problem(model, Process(rate=0.5, answer="eps", eps=0.4, authority="override"), reward)


@pytest.mark.parametrize("authority", ["override", "advice"])
def test_refinement_looks_where_orders_lead(authority: str) -> None:
    """Nobody would go to place 2; only an overseer's order leads there."""
    problem = forcing()
    problem = replace(problem, process=replace(problem.process, authority=authority))
    graph = BeliefGraph(problem, np.asarray([0.5, 0.5]))
    signals = graph.signals.before[:, 0]
    graph.expand(np.asarray([0]), signals[[1]])
    reached = occupancy(graph, solve_graph(graph, tolerance=1e-9), 0)
    assert (reached[:, signals[2]].max() > 0) == (authority == "override")


@pytest.mark.parametrize("authority", ["shutdown", "advice"])
def test_refinement_follows_no_life_that_has_ended(authority: str) -> None:
    """What is not built here comes only after a correction."""
    problem, weights = doors(2, rate=0.5, eps=0.2, cost=0.0, discount=0.9)
    problem = replace(problem, process=replace(problem.process, authority=authority))
    graph = built(problem, weights, depth=1)
    reached = occupancy(graph, solve_graph(graph, tolerance=1e-9), 0)
    assert len(graph.unbuilt()[0]) > 0
    assert reached.any() == (authority == "advice")


@settings(max_examples=15, deadline=None)
@given(small=small_worlds(), terms=st.sampled_from(TERMS))
def test_solving_and_sweeping_come_to_the_same(small: Small, terms: dict) -> None:
    problem, weights = problem_of(small, terms)
    graph = built(problem, weights, depth=2)
    # sweeps that move by less than t end within t / (1 - discount)
    within = 1e-9 / (1 - problem.model.discount) + SLACK
    swept, solved = graph.bounds(tolerance=1e-9), solve_graph(graph, tolerance=1e-9)
    np.testing.assert_allclose(swept.quality, solved.quality, atol=within)


@settings(max_examples=15, deadline=None)
@given(small=small_worlds(cost=False), terms=st.sampled_from([terms for terms in TERMS if "authority" not in terms]))
def test_free_advice_never_harms(small: Small, terms: dict) -> None:
    """Good (1967): V with the overseer is at least V without, whatever the belief."""
    problem, weights = problem_of(small, terms)
    bounds = solve_graph(built(problem, weights, depth=2), tolerance=1e-9)
    assert (bounds.waiting[LOWER][:, :2] >= bounds.waiting[LOWER][:, 2:] - 1e-9).all()


def test_a_perfect_overseer_leaves_finitely_many_beliefs() -> None:
    problem, weights = doors(4, rate=0.3, eps=0.0, cost=0.1, discount=0.9)
    graph = whole(problem, weights)
    assert graph.num_beliefs == 5  # the prior, and each door for sure
    assert len(graph.unbuilt()[0]) == 0
