"""Exact tables of a model, exact optimal values, and what is shown."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings

from assent.planning.answers import answer_likelihood
from assent.planning.oracles.worlds import World, answer_tables, optimal_quality, optimal_sets, rewards_in_fractions
from assent.planning.process import Process
from tests.planning.oracles.support import Small, small_worlds

few = settings(max_examples=8)


@few
@given(small_worlds())
def test_chances_sum_to_one_and_floats_are_read_as_written(small: Small) -> None:
    world = World.of(small.model)
    for state, rows in enumerate(world.leads):
        for action, row in enumerate(rows):
            assert sum(weight for _, weight in row) == 1
            dense = np.zeros(small.model.num_states)
            np.add.at(dense, small.model.successor[state, action], small.model.chance[state, action])
            assert {after: float(weight) for after, weight in row} == {
                int(after): dense[after] for after in np.flatnonzero(dense)
            }
    assert world.discount in (Fraction(1, 2), Fraction(9, 10))


@few
@given(small_worlds())
def test_optimal_values_solve_the_optimality_equation_exactly(small: Small) -> None:
    """A wrong variant stops at the first policy: it fails wherever the best action now is not the best for ever."""
    world, reward = World.of(small.model), rewards_in_fractions(small.reward)
    for n in range(2):
        quality = optimal_quality(world, [[cell[n] for cell in row] for row in reward])
        value = [max(row) for row in quality]
        for state, row in enumerate(quality):
            for action, found in enumerate(row):
                later = sum(weight * value[after] for after, weight in world.leads[state][action])
                wanted = reward[world.place[state]][action][n] + world.discount * later
                assert found == (0 if world.terminal[state] else wanted)


@few
@given(small_worlds())
def test_answers_agree_with_the_tables_that_planners_use(small: Small) -> None:
    world, reward = World.of(small.model), rewards_in_fractions(small.reward)
    quality = np.stack(
        [
            np.asarray(optimal_quality(world, [[cell[n] for cell in row] for row in reward]), dtype=np.float64)
            for n in range(2)
        ],
        axis=2,
    )[: world.num_places]
    for process in (Process(answer="optimal"), Process(answer="eps", eps=0.3), Process(answer="adversary")):
        exact = np.asarray(answer_tables(world, process, reward), dtype=np.float64)
        planner = answer_likelihood(process, quality, small.model.answerable)
        # thirds and their kind are rounded once or twice
        assert np.allclose(exact, planner, rtol=0, atol=1e-15)
        assert (np.asarray(answer_tables(world, process, reward)).sum(axis=1) == 1).all()


@few
@given(small_worlds())
def test_some_action_is_optimal_everywhere(small: Small) -> None:
    world, reward = World.of(small.model), rewards_in_fractions(small.reward)
    assert all(any(row) for one in optimal_sets(world, reward) for row in one)


@few
@given(small_worlds())
def test_keepers_stay_where_the_overseer_is(small: Small) -> None:
    world = World.of(small.model)
    for state in range(2):
        assert world.keepers(state) == ((0, 1, 2) if world.terminal[state] else (0, 1))
    assert world.keepers(2) == (0, 1, 2)
