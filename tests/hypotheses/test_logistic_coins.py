"""Logistic coins: the radius against lives of overseers who are what is assumed, step by step against the inequality of the proof."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

import assent.hypotheses.logistic_coins as module
import assent.lab  # noqa: F401
from assent.agents.imitator import Imitator
from assent.checks import check_hypotheses
from assent.core import Answer
from assent.hypotheses.logistic import LogisticHead
from assent.hypotheses.logistic_coins import LogisticCoins, _implicit
from tests.session_support import unchecked


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=4), st.floats(1e-9, 400), st.integers(0, 3))
@settings(max_examples=60)
def test_the_new_score_is_where_it_has_to_be(scores: list[float], variance: float, answer: int) -> None:
    score, target = np.asarray(scores), (np.arange(len(scores)) == answer).astype(float)
    found = _implicit(score, np.full(len(scores), variance), target)
    assert np.abs(found - score - variance * (target - expit(found))).max() < 1e-9


def margin(seed: int, *, size: int, norm: float, precision: float) -> float:
    """The least, over a life, of radius less distance, both squared and as shares of their size; for any w* of that norm, with answers
    that are mostly its own. What is added to the radius is what w* lost more than the predictions did: Ville's part of the proof."""
    rng, least = np.random.default_rng(seed), 1.0
    family = LogisticCoins.of(size, 2, norm=norm, precision=precision)
    truth = rng.normal(size=size)
    truth *= norm * rng.uniform() ** 0.2 / np.linalg.norm(truth)
    memory, ahead = family.init(), 0.0
    for _ in range(40):
        obs = rng.normal(size=size) * 10 ** rng.uniform(-1, 0.3)
        chance = expit(obs @ truth)
        answer = int(rng.random() < (chance if rng.random() < 0.9 else 0.5))
        score, variance, _ = family._seen(memory, obs)
        low, high, sound = family._interval(memory, obs, score, variance)
        if not (sound[1] and low[1] <= obs @ truth <= high[1]):
            break  # the event that the proof leaves out: from here on nothing is said
        predicted = expit(score[1] / math.sqrt(1 + math.pi * variance[1] / 8))
        lost = [math.log(share if answer else 1 - share) for share in (predicted, chance)]
        ahead += 2 * (lost[0] - lost[1])
        memory = family.learn(memory, obs, Answer(np.asarray(answer)))
        away = memory.coefficient[1] - truth
        distance = away @ np.linalg.solve(memory.covariance[1], away)
        bound = precision * norm**2 + memory.regret[1] + ahead
        least = min(least, float((bound - distance) / (1 + distance)))
    return least


@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([1.0, 4.0, 10.0]), st.sampled_from([0.1, 1.0]))
@settings(max_examples=30)
def test_each_answer_keeps_the_inequality_of_the_proof(seed: int, size: int, norm: float, precision: float) -> None:
    assert margin(seed, size=size, norm=norm, precision=precision) >= -1e-9


def test_the_curvature_at_one_score_alone_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wrong variant: sigma' at the new score, as if the loss were a parabola."""
    monkeypatch.setattr(module, "_curvature", lambda score, reach: expit(score) * expit(-score))
    assert min(margin(seed, size=1, norm=10.0, precision=0.1) for seed in range(20)) < -0.01


@partial(jax.jit, static_argnames=("runs", "answers", "proven"))
def failures(family: Any, coefficient: Any, key: Any, *, runs: int, answers: int, proven: bool = True) -> Any:
    """In which share of runs some bound is ever above the overseer's probability; every round is asked. Actions 0 and 1."""

    def step(now: Any, key: Any) -> tuple[Any, None]:
        memory, failed = now
        seen, said = jax.random.split(key)
        obs = jax.random.normal(seen, coefficient.shape)
        obs = obs / jnp.sqrt(jnp.sum(obs**2))
        first = jax.nn.sigmoid(obs @ coefficient)
        truth = jnp.stack([first, 1 - first])
        failed = failed | jnp.any(jnp.exp(family.log_lower(memory, obs))[0] > truth)
        answer = (jax.random.uniform(said) >= first).astype(int)
        return (family.learn(memory, obs, Answer(answer)), failed), None

    def run(key: Any) -> Any:
        return jax.lax.scan(step, (family.init(), jnp.asarray(False)), jax.random.split(key, answers))[0][1]

    return jnp.mean(jax.vmap(run)(jax.random.split(key, runs)))


@pytest.mark.slow
@pytest.mark.parametrize("norm", [1.0, 4.0])
def test_no_action_ever_gets_more_than_the_overseer_gives_it(norm: float) -> None:
    """400 runs of 200 answers for two risks; the wrong variant, the head's bound at one standard deviation, fails in most runs."""
    coefficient = np.asarray([1.0, -2.0, 0.5])
    coefficient *= norm / np.linalg.norm(coefficient)
    with jax.enable_x64(True):
        for seed, delta in enumerate((0.5, 0.05)):
            family = LogisticCoins.of(3, 2, norm=norm * 1.01, delta=delta)
            traced = jax.tree.map(jnp.asarray, family)
            found = float(failures(traced, jnp.asarray(coefficient), jax.random.key(seed), runs=400, answers=200))
            assert found <= delta + 3 * math.sqrt(delta * (1 - delta) / 400)
        head = jax.tree.map(jnp.asarray, LogisticHead.of(3, 2, beta=1.0, precision=0.5, intercept=0.0))
        wrong = float(failures(head, jnp.asarray(coefficient), jax.random.key(7), runs=100, answers=200))
    assert wrong > 0.6


def life(family: LogisticCoins, coefficient: Any, *, rounds: int, seed: int) -> tuple[list[bool], int]:
    """Which rounds asked, and how often a bound was above the overseer's probability."""
    rng, agent = np.random.default_rng(seed), Imitator.of(family)
    belief, asks, above = agent.init(), list[bool](), 0
    for _ in range(rounds):
        obs = rng.normal(size=len(coefficient))
        obs /= np.linalg.norm(obs)
        truth = expit(np.asarray([1, -1]) * (obs @ coefficient))
        assent_ = agent.propose(belief, obs)
        above += bool((assent_.probs > truth + 1e-12).any())
        asks.append(bool(rng.random() < float(assent_.ask)))
        if asks[-1]:
            belief = agent.learn(belief, obs, Answer(np.asarray(int(rng.random() >= truth[0]))))
    return asks, above


@pytest.mark.slow
def test_questions_fade() -> None:
    with unchecked():
        asks, above = life(LogisticCoins.of(3, 2), np.asarray([1.0, -1.5, 0.5]), rounds=3_000, seed=0)
    assert above == 0
    assert all(asks[:10])
    assert sum(asks[-500:]) < 0.6 * sum(asks[:500])


def test_two_actions_are_one_coin() -> None:
    """Mirror images of each other; so the risk is not split."""
    rng, family = np.random.default_rng(0), LogisticCoins.of(2, 2)
    memory = family.init()
    for _ in range(30):
        memory = family.learn(memory, rng.normal(size=2), Answer(np.asarray(rng.integers(2))))
    assert memory.coefficient[0] == pytest.approx(-memory.coefficient[1], rel=1e-9)
    assert memory.regret[0] == pytest.approx(memory.regret[1], rel=1e-9)
    more = LogisticCoins.of(2, 3)
    assert more.radius(more.init()) - family.radius(family.init())[0] == pytest.approx(np.full(3, 2 * math.log(3)))


def test_every_setting_changes_what_is_acted_on() -> None:
    obs = np.asarray([0.8, 0.6])

    def bound(**settings: Any) -> float:
        family = LogisticCoins.of(2, 2, **settings)
        memory = family.init()
        for _ in range(60):
            memory = family.learn(memory, obs, Answer(np.asarray(1)))
        return float(np.exp(family.log_lower(memory, obs))[0, 1])

    assert bound(delta=0.001) < bound(delta=0.05) < bound(delta=0.9)
    assert bound(norm=20.0) < bound(norm=5.0)
    assert bound(precision=5.0) < bound(precision=0.5)
    assert LogisticCoins.of(2, 2, delta=0.25).risk == 0.25


def test_a_contradicted_assumption_asks_for_ever() -> None:
    """The answer is always 1 at x and always 0 at 1.01 x: nobody of norm 0.05 does that."""
    family = LogisticCoins.of(1, 2, norm=0.05)
    memory, rounds = family.init(), 0
    while np.isfinite(family.log_lower(memory, np.ones(1))).any():
        memory = family.learn(memory, np.ones(1), Answer(np.asarray(1)))
        rounds += 1
        assert rounds < 2_000
    for answer in (0, 1, 0):
        memory = family.learn(memory, np.ones(1), Answer(np.asarray(answer)))
        assert not np.isfinite(family.log_lower(memory, np.ones(1))).any()
    assert (family.log_policy(memory, np.ones(1)) == -np.inf).all()  # so that the next answer ends it, with an alarm


def test_conforms() -> None:
    check_hypotheses(LogisticCoins)
    check_hypotheses(LogisticCoins.of(2, 2, norm=1.0, delta=0.5))


def test_traced_it_says_the_same() -> None:
    rng, family = np.random.default_rng(3), LogisticCoins.of(2, 3)
    answers = [(rng.normal(size=2), rng.integers(3)) for _ in range(10)]
    memory = family.init()
    with jax.enable_x64(True):
        traced = jax.jit(lambda family, memory, obs, action: family.learn(memory, obs, Answer(action)))
        quick = jax.tree.map(jnp.asarray, replace(family))
        now = jax.tree.map(jnp.asarray, family.init())
        for obs, action in answers:
            memory = family.learn(memory, obs, Answer(np.asarray(action)))
            now = traced(quick, now, jnp.asarray(obs), jnp.asarray(action))
        for one, other in zip(now, memory, strict=True):
            assert np.allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"num_features": 0}, "0 features and 2 actions"),
        ({"num_actions": 0}, "2 features and 0 actions"),
        ({"norm": 0.0}, "norm = 0.0"),
        ({"norm": math.inf}, "norm = inf"),
        ({"precision": -1.0}, "precision = -1.0"),
        ({"delta": 1.0}, "delta = 1.0"),
        ({"delta": math.nan}, "delta = nan"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict[str, Any], sentence: str) -> None:
    given_: dict[str, Any] = {"num_features": 2, "num_actions": 2, **settings}
    with pytest.raises(ValueError, match=sentence):
        LogisticCoins.of(given_.pop("num_features"), given_.pop("num_actions"), **given_)
