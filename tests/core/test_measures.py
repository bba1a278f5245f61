"""Measures against their definitions in plain Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.core import (
    Assent,
    ask_probability,
    dissent,
    effective_size,
    kl_divergence,
    log_sum_exp,
    surprise,
    total_variation,
)
from tests.core.support import EPS, committee, few, log, probabilities

# At most 8 x 8 terms, logarithms up to 50 in size
CLOSE = 64 * 50 * EPS


@few
@given(st.lists(st.one_of(st.just(-math.inf), st.floats(-700, 700)), min_size=1, max_size=8))
def test_log_sum_exp(values: list[float]) -> None:
    top = max(values)
    exact = -math.inf if top == -math.inf else top + math.log(math.fsum(math.exp(value - top) for value in values))
    assert float(log_sum_exp(np.asarray(values))) == pytest.approx(exact, rel=8 * EPS, abs=8 * EPS)


def test_log_sum_exp_of_garbage() -> None:
    """A variant that takes the logarithm only of what is above 0 reads NaN as no mass at all."""
    assert math.isnan(log_sum_exp(np.asarray([0.0, math.nan])))
    assert float(log_sum_exp(np.asarray([0.0, math.inf]))) == math.inf
    assert log_sum_exp(np.zeros((2, 3)), axis=0).tolist() == pytest.approx([math.log(2)] * 3)


@few
@given(st.integers(1, 5).flatmap(lambda actions: probabilities(members=2, actions=actions)))
def test_total_variation(pair: Any) -> None:
    first, second = ([*row, 1 - math.fsum(row)] for row in pair.tolist())
    exact = math.fsum(abs(a - b) for a, b in zip(first, second, strict=True)) / 2
    distance = float(total_variation(*pair))
    assert distance == pytest.approx(exact, abs=CLOSE)
    assert distance == float(total_variation(*pair[::-1]))
    assert float(total_variation(pair[0], pair[0])) == 0
    # the wrong variant forgets the mass that is missing
    if abs(first[-1] - second[-1]) > 1e-6:
        assert abs(np.abs(pair[0] - pair[1]).sum() / 2 - exact) > 1e-9


@few
@given(st.integers(1, 5).flatmap(lambda actions: probabilities(members=2, actions=actions, whole=True)))
def test_kl_divergence(pair: Any) -> None:
    terms = [(p, q) for p, q in zip(*pair.tolist(), strict=True) if p > 0]
    exact = math.inf if any(q == 0 for _, q in terms) else math.fsum(p * math.log(p / q) for p, q in terms)
    divergence = float(kl_divergence(*pair))
    assert divergence == pytest.approx(exact, abs=CLOSE)
    assert divergence >= -CLOSE
    assert float(kl_divergence(pair[0], pair[0])) == 0
    # Pinsker's inequality, which the reversed divergence satisfies too, and a halved one does not always
    assert divergence >= 2 * float(total_variation(*pair)) ** 2 - CLOSE


@few
@given(committee())
def test_effective_size(made: Any) -> None:
    weight = np.exp(made[1])
    exact = math.exp(-math.fsum(w * math.log(w) for w in weight.tolist() if w > 0))
    assert float(effective_size(made[1])) == pytest.approx(exact, rel=CLOSE)
    assert float(effective_size(made[1] + 7.0)) == pytest.approx(exact, rel=CLOSE)


def test_effective_size_at_the_ends() -> None:
    assert float(effective_size(np.full(3, -np.inf))) == 0
    assert float(effective_size(log([1.0, 0.0]))) == 1
    assert float(effective_size(log(np.full(7, 1 / 7)))) == pytest.approx(7)


@few
@given(committee(), st.data())
def test_surprise(made: Any, data: st.DataObject) -> None:
    rows, weight = made
    action = data.draw(st.integers(0, rows.shape[1] - 1))
    chance = math.fsum((np.exp(weight) * np.exp(rows[:, action])).tolist())
    nats = float(surprise(rows, weight, action))
    assert nats == (math.inf if chance == 0 else pytest.approx(-math.log(chance), abs=CLOSE))
    assert float(surprise(rows, np.full_like(weight, -np.inf), action)) == math.inf


@few
@given(committee(), st.data())
def test_dissent_is_how_far_the_minimum_rises_without_a_member(made: Any, data: st.DataObject) -> None:
    rows, weight = made
    leader = np.isfinite(weight)
    policy = np.exp(rows)
    taken = dissent(rows, leader)
    assert ((taken >= 0) & (taken <= 1 + CLOSE)).all()
    for member in range(len(leader)):
        others = leader & (np.arange(len(leader)) != member)
        exact = 0.0
        if leader[member] and others.any():
            exact = math.fsum((policy[others].min(axis=0) - policy[leader].min(axis=0)).tolist())
        assert taken[member] == pytest.approx(exact, abs=CLOSE)


def test_nobody_to_dissent_from() -> None:
    """A variant that lets the minimum rise to 1 without the only leader finds it to take away A - 1."""
    rows = log([[0.25, 0.25, 0.5], [0.1, 0.1, 0.8]])
    assert dissent(rows, np.asarray([True, False])).tolist() == [0, 0]
    assert dissent(rows[:1], np.asarray([True])).tolist() == [0]
    assert dissent(rows, np.asarray([False, False])).tolist() == [0, 0]
    assert dissent(np.full((2, 3), -np.inf), np.asarray([True, True])).tolist() == [0, 0]


def test_ask_probability() -> None:
    assert float(ask_probability(Assent(np.asarray([0.5, 0.25])))) == 0.25
