"""The posterior: Bayes' rule in fractions, sleepers, the dead, tempering, and drift over many updates."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from assent.core import bayes_update, normalise, readable_rows
from tests.core.support import EPS, any_float, borderline, committee, few, log, total

# One update takes H <= 8 exponentials and logarithms of numbers of size up to 50: 50 eps each, and their sum.
CLOSE = 1000 * EPS


@few
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=8))
def test_bayes_rule_in_fractions(pairs: list[tuple[int, int]]) -> None:
    prior, likelihood = ([Fraction(pair[i], 50) for pair in pairs] for i in (0, 1))
    joint = [p * q for p, q in zip(prior, likelihood, strict=True)]
    if not sum(prior):
        return
    log_prior = normalise(log([float(p) for p in prior]))
    after = bayes_update(log_prior, log([float(q) for q in likelihood]))
    assert not np.isnan(after).any()
    if not sum(joint):
        assert np.isneginf(after).all()
        return
    exact = [float(weight / sum(joint)) for weight in joint]
    assert np.allclose(np.exp(after), exact, rtol=CLOSE, atol=0)


def test_bayes_rule_is_about_what_was_answered() -> None:
    """The wrong variant adds the likelihood of what was not answered; another adds probabilities, not their logarithms."""
    half, likelihood = log([0.5, 0.5]), np.asarray([0.9, 0.3])
    assert np.exp(bayes_update(half, np.log(likelihood))) == pytest.approx([0.75, 0.25])
    for wrong in (np.log(1 - likelihood), likelihood):
        assert np.exp(bayes_update(half, wrong)) != pytest.approx([0.75, 0.25], abs=0.01)


@few
@given(committee(least=2), st.data())
def test_sleepers_keep_their_weight(made: Any, data: st.DataObject) -> None:
    rows, weight = made
    awake = data.draw(arrays.arrays(bool, weight.shape))
    likelihood = rows[:, 0]
    after = bayes_update(weight, likelihood, awake=awake)
    alive = np.isfinite(likelihood) & np.isfinite(weight)
    if (awake & alive).any():
        assert np.allclose(np.exp(after[~awake]), np.exp(weight[~awake]), rtol=0, atol=CLOSE)
        among = awake & alive
        exact = np.exp(weight[among] + likelihood[among])
        share = np.exp(weight[awake]).sum()
        assert np.allclose(np.exp(after[among]), share * exact / exact.sum(), rtol=CLOSE, atol=CLOSE)
    assert not np.isnan(after).any()
    mass = np.exp(after).sum()
    assert mass == 0 or abs(mass - 1) < CLOSE


def test_sleepers_alone_are_left_when_all_others_die() -> None:
    weight = log([0.2, 0.3, 0.5])
    after = bayes_update(weight, log([0.0, 0.0, 0.7]), awake=np.asarray([True, True, False]))
    assert np.exp(after).tolist() == [0, 0, 1]
    all_asleep = bayes_update(weight, log([0.1, 0.9, 0.7]), awake=np.zeros(3, bool))
    assert np.allclose(all_asleep, weight, rtol=0, atol=CLOSE)


@pytest.mark.parametrize("awake", [None, np.ones(2, bool)])
def test_the_dead_stay_dead_and_a_dead_committee_is_minus_infinity(awake: Any) -> None:
    weight = bayes_update(log([0.5, 0.5]), log([0.0, 0.5]), awake=awake)
    assert weight.tolist() == [-np.inf, 0]
    assert bayes_update(weight, log([1.0, 1e-300]), awake=awake).tolist() == [-np.inf, 0]
    weight = bayes_update(weight, log([1.0, 0.0]), awake=awake)
    for _ in range(3):
        assert np.isneginf(weight).all()
        weight = bayes_update(weight, log([0.5, 0.5]), awake=awake)


@pytest.mark.parametrize("temper", [1.0, 0.5, 0.1])
def test_temper_is_the_exponent(temper: float) -> None:
    likelihood = np.asarray([0.9, 0.3, 0.0])
    after = np.exp(bayes_update(log([0.25, 0.25, 0.5]), log(likelihood), temper=temper))
    exact = np.asarray([0.25, 0.25, 0.5]) * likelihood**temper
    assert np.allclose(after, exact / exact.sum(), rtol=CLOSE, atol=0)
    assert after[2] == 0, "an answer that a member excludes kills it, at any temper"


def test_temper_flips() -> None:
    sharp, soft = (bayes_update(log([0.5, 0.5]), log([0.9, 0.1]), temper=temper) for temper in (1.0, 0.1))
    assert np.exp(sharp[1]) == pytest.approx(0.1)
    assert np.exp(soft[1]) == pytest.approx(1 / (1 + 9**0.1))


def test_order_of_answers_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    likelihoods = np.log(rng.uniform(0.01, 1, size=(40, 6)))
    start = normalise(np.log(rng.dirichlet(np.ones(6))))
    ends = []
    for order in (range(40), reversed(range(40))):
        weight = start
        for number in order:
            weight = bayes_update(weight, likelihoods[number])
        ends.append(weight)
    # 40 updates, each off by at most a few ulps of numbers up to 200
    assert np.allclose(ends[0], ends[1], rtol=0, atol=40 * 8 * 200 * EPS)


def test_weights_sum_to_one_after_a_hundred_thousand_updates() -> None:
    def update(weight: Any, likelihood: Any) -> tuple[Any, Any]:
        awake = likelihood < -0.05
        after = bayes_update(weight, likelihood, awake=awake)
        return after, jnp.abs(jnp.sum(jnp.exp(after)) - 1)

    with jax.enable_x64(True):
        likelihoods = jnp.asarray(np.log(np.random.default_rng(0).uniform(0.01, 1, size=(100_000, 8))))
        end, off = jax.jit(lambda start: jax.lax.scan(update, start, likelihoods))(jnp.log(jnp.full(8, 0.125)))
    assert np.asarray(off).max() < 1e-9
    assert np.isfinite(np.asarray(end)).any()


@pytest.mark.slow
def test_weights_sum_to_one_after_a_hundred_thousand_updates_in_numpy() -> None:
    rng = np.random.default_rng(0)
    weight, worst = np.log(np.full(20, 0.05)), 0.0
    for block in np.log(rng.uniform(0.01, 1, size=(100, 1000, 20))):
        for likelihood in block:
            weight = bayes_update(weight, likelihood, awake=likelihood < -0.05)
            worst = max(worst, abs(math.fsum(np.exp(weight).tolist()) - 1))
    assert worst < 1e-9
    # the wrong variant, without normalising, drifts away at once
    assert abs(np.exp(np.log(np.full(20, 0.05)) + likelihood).sum() - 1) > 1e-9


@few
@given(st.integers(1, 6), st.integers(1, 5), st.data())
def test_readable_rows(members: int, actions: int, data: st.DataObject) -> None:
    rows = data.draw(arrays.arrays(np.float64, (members, actions), elements=any_float))
    if borderline(rows) or (abs(rows) < 1e-12).any():
        return
    kept, readable = readable_rows(rows)
    for row, after, valid in zip(rows, kept, readable, strict=True):
        assert bool(valid) == (bool((row <= 0).all()) and total(row.tolist()) <= 1)
        assert np.array_equal(after, row if valid else np.full(actions, -np.inf))


def test_normalise() -> None:
    assert normalise(np.asarray([-np.inf, -np.inf])).tolist() == [-np.inf, -np.inf]
    assert np.exp(normalise(np.asarray([1000.0, 1000.0]))).tolist() == pytest.approx([0.5, 0.5])
    assert np.exp(normalise(np.asarray([-1e6, -1e6 + math.log(3)]))).tolist() == pytest.approx([0.25, 0.75])
