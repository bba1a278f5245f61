"""Exact values of models: soft ones against sweeps, with and without a discount, and what they take."""

from __future__ import annotations

import numpy as np
import pytest

from assent.planning.exact import solve_exact, solve_soft_exact
from assent.planning.problem import Problem
from assent.planning.process import Process
from assent.planning.value_iteration import solve
from tests.planning.worlds import model_of, random_model


@pytest.mark.parametrize("beta", [0.3, 5.0, 400.0])
def test_soft_values_are_those_of_sweeps(beta: float) -> None:
    model = random_model(5, states=6, end=True)
    reward = np.random.default_rng(0).normal(size=(6, 3, 4))
    found = solve_soft_exact(model, reward, beta=beta)
    swept = solve(model.successor, model.chance, reward, model.discount, model.terminal, 1e-12, beta=beta)
    slack = swept.error + 1e-12 * (1 + np.abs(found.value).max())
    assert np.abs(found.value - np.asarray(swept.value)).max() <= slack
    assert np.abs(found.quality - np.asarray(swept.quality)).max() <= slack
    # wrong variant: the maximum for the soft maximum
    assert np.abs(found.value - solve_exact(model, reward).value).max() > 1e3 * slack


def test_soft_values_without_a_discount_are_those_of_a_choice_that_ends() -> None:
    successor, terminal = np.array([[[1], [1], [1], [1]], [[1], [1], [1], [1]]]), np.array([False, True])
    model = model_of(successor, np.ones((2, 4, 1)), discount=1.0, terminal=terminal)
    found = solve_soft_exact(model, np.zeros((2, 4, 1)), beta=1.0)
    assert found.value[:, 0] == pytest.approx([np.log(4), 0.0], abs=1e-14)  # 1.386294


def test_soft_values_of_a_discount_near_one_are_found_at_once() -> None:
    model = model_of(np.zeros((1, 2, 1), dtype=int), np.ones((1, 2, 1)), discount=1 - 1e-6)
    found = solve_soft_exact(model, np.zeros((1, 2, 1)), beta=1.0)
    assert found.value[0, 0] == pytest.approx(1e6 * np.log(2), rel=1e-8)  # sweeps: some 2e7 of them


@pytest.mark.parametrize("beta", [0.0, -1.0, np.nan, np.inf])
def test_soft_values_want_a_temperature(beta: float) -> None:
    with pytest.raises(ValueError, match="beta"):
        solve_soft_exact(random_model(5), np.zeros((3, 3, 1)), beta=beta)


def test_what_ends_a_life_gives_no_scale() -> None:
    """Rewards of terminal places are never had: whatever is said of them, answers are as likely as before."""
    successor, terminal = np.array([[[0], [1]], [[1], [1]]]), np.array([False, True])
    model = model_of(successor, np.ones((2, 2, 1)), discount=0.9, terminal=terminal)
    reward = np.array([[[0.0], [1.0]], [[0.0], [0.0]]])
    plain = Problem(model, Process(), reward)
    reward = reward.copy()
    reward[1] = 1e12
    absurd = Problem(model, Process(), reward)
    assert absurd.scale == pytest.approx(plain.scale)
    assert np.array_equal(absurd.likelihood, plain.likelihood)
