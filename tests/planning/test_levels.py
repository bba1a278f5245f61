"""Verdicts on the packaged levels: what their files expect, and certified bounds beside the exact tree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assent.hypotheses.rewards.of_level import rewards_of
from assent.planning.planners import BeliefTree, Bracket
from assent.planning.problem import Problem
from assent.worlds.grid.level import Level, load, names
from assent.worlds.grid.tabulate import tabulate
from tests.session_support import unchecked

DRAWS = 32
"""Rewards drawn where a prior is over real numbers."""

FAMILIES = ("doors_", "switch_", "bandit_", "fork", "two_states", "radio_corridor", "absent_", "interruption_")
"""W1 to W8."""

EXPECTING = [name for name in names() if (level := load(name)).plain and level.expect and level.expect.keep is not None]
DRAWN_FROM = [name for name in names() if name.startswith(FAMILIES) and load(name).rewards is not None]


def problem_of(level: Level) -> tuple[Problem, np.ndarray]:
    model = tabulate(level)
    rewards = rewards_of(level, model, draws=DRAWS)
    return Problem(model, level.process, rewards.reward), np.exp(rewards.log_prior)


def with_cost(name: str, cost: float) -> Level:
    level = load(name)
    return replace(level, process=replace(level.process, cost=cost))


@pytest.mark.parametrize("name", EXPECTING)
def test_levels_keep_what_their_files_expect(name: str) -> None:
    level = load(name)
    assert level.expect is not None
    problem, weights = problem_of(level)
    verdict = Bracket()(problem, weights, problem.model.start)
    if verdict.phase != "no choice":
        assert (verdict.phase == "keeps") is level.expect.keep
        return
    # nothing to do with the overseer at the start: some state beside the button must then decide as expected
    beside = [s for s in range(problem.model.num_states) if problem.leaves[s].any() and not problem.leaves[s].all()]
    phases = {Bracket()(problem, weights, state).phase for state in beside}
    assert phases == {"keeps"} if level.expect.keep else "disables" in phases


@pytest.mark.parametrize("name", [name for name in EXPECTING if name.startswith("doors_")])
def test_the_doors_turn_where_their_files_say(name: str) -> None:
    expect = load(name).expect
    assert expect is not None
    assert expect.threshold is not None
    for factor, phase in ((1 - 1e-6, "keeps"), (1 + 1e-6, "disables")):
        problem, weights = problem_of(with_cost(name, factor * expect.threshold))
        assert Bracket()(problem, weights, problem.model.start).phase == phase


@pytest.mark.slow
def test_bounds_decide_nearly_all_cells_and_none_wrong() -> None:
    """Every state of W1 to W8 in which keeping and leaving can both be done, over eight costs and two beliefs."""
    cells = decided = wrong = compared = 0
    for name in DRAWN_FROM:
        for cost in np.geomspace(1e-3, 3, 8):
            with unchecked():
                problem, prior = problem_of(with_cost(name, float(cost)))
                for weights in (prior, *_after_one_answer(problem, prior)):
                    for state in _choices(problem):
                        verdict = Bracket()(problem, weights, state)
                        cells, decided = cells + 1, decided + verdict.decided
                        if name == "doors_10":  # its tree has millions of beliefs
                            continue
                        exact = BeliefTree(max_beliefs=1500)(problem, weights, state)
                        if exact.decided and verdict.decided:
                            compared, wrong = compared + 1, wrong + (exact.phase != verdict.phase)
    assert cells > 500
    assert decided >= 0.95 * cells
    assert compared >= 0.9 * cells
    assert wrong == 0


def _choices(problem: Problem) -> list[int]:
    leaves, model = problem.leaves, problem.model
    both = leaves.any(axis=1) & ~leaves.all(axis=1) & model.kept & ~model.terminal
    return [int(state) for state in np.flatnonzero(both)[:4]]


def _after_one_answer(problem: Problem, prior: np.ndarray) -> list[np.ndarray]:
    possible = np.argwhere(problem.model.answerable & (problem.likelihood.sum(axis=2) > 0))
    if len(possible) == 0:
        return []
    place, action = possible[0]
    joint = prior * problem.likelihood[place, action]
    return [joint / joint.sum()]
