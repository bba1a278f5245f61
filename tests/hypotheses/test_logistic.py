"""The logistic head: its mode and precision against SciPy and plain inverses, its bound against every corner, digits against confidence."""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import assent.lab  # noqa: F401
from assent.agents.imitator import Imitator
from assent.checks import check_hypotheses
from assent.core import Answer, OneAnswer, Readable
from assent.hypotheses.logistic import LogisticHead, _mode
from assent.presets.digits import _shuffled
from tests.session_support import unchecked


def softmax(score: Any) -> Any:
    grown = np.exp(score - score.max())
    return grown / grown.sum()


def taught(head: LogisticHead, answers: Any) -> Any:
    memory = head.init()
    for obs, action in answers:
        memory = head.learn(memory, np.asarray(obs), Answer(np.asarray(action)))
    return memory


@given(
    scores=st.lists(st.floats(-30, 30), min_size=1, max_size=8),
    log_variance=st.floats(-30, 6),
    number=st.integers(0, 7),
)
@settings(max_examples=100)
def test_the_mode_is_where_the_gradient_vanishes(scores: list[float], log_variance: float, number: int) -> None:
    """`g + softmax(z + v g) - y = 0`, to rounding of scores up to 30 + e^6. One gradient step, the wrong variant, is not there."""
    score, target = np.asarray(scores), np.eye(len(scores))[number % len(scores)]
    variance = np.asarray(math.exp(log_variance))
    step, policy = _mode(score, variance, target)
    assert np.abs(step + softmax(score + variance * step) - target).max() < 1e-10
    assert policy == pytest.approx(target - step, abs=1e-15)


def test_one_step_of_the_gradient_is_not_the_mode() -> None:
    score, target = np.zeros(3), np.eye(3)[0]
    once, (step, _) = target - softmax(score), _mode(score, np.asarray(4.0), target)
    assert np.abs(once + softmax(score + 4 * once) - target).max() > 0.3
    assert np.abs(step + softmax(score + 4 * step) - target).max() < 1e-14


def test_one_answer_moves_the_mode_to_that_of_the_posterior() -> None:
    """SciPy's minimum of the Gaussian prior's and the answer's negative logarithms, over all coefficients, after answers before."""
    rng = np.random.default_rng(0)
    head = LogisticHead.of(2, 3, precision=0.5)
    before = taught(head, [(rng.normal(size=2), rng.integers(3)) for _ in range(6)])
    obs = np.asarray([0.7, -1.2])
    after = head.learn(before, obs, Answer(np.asarray(1)))
    precision, features = np.linalg.inv(before.covariance), head.features(obs)

    def cost(flat: Any) -> float:
        coefficient = flat.reshape(before.coefficient.shape)
        away = coefficient - before.coefficient
        return float(np.sum(away * (precision @ away)) / 2 - np.log(softmax(features @ coefficient)[1]))

    found = minimize(cost, before.coefficient.ravel(), method="BFGS", options={"gtol": 1e-9})
    assert after.coefficient.ravel() == pytest.approx(found.x, abs=1e-5)


def test_the_precision_is_the_sum_of_what_each_answer_brought() -> None:
    """Inverted as a whole, in place of Sherman and Morrison's step at each answer."""
    rng, head = np.random.default_rng(1), LogisticHead.of(3, 4, num_features=10, width=2.0, precision=0.2)
    memory, precision = head.init(), 0.2 * np.eye(11)
    for _ in range(50):
        obs, action = rng.normal(size=3), rng.integers(4)
        memory = head.learn(memory, obs, Answer(np.asarray(action)))
        features = head.features(obs)
        policy = softmax(features @ memory.coefficient)
        precision += (policy * (1 - policy)).sum() / 3 * np.outer(features, features)
    assert memory.covariance == pytest.approx(np.linalg.inv(precision), rel=1e-9, abs=1e-12)


def test_the_bound_is_that_of_the_worst_corner() -> None:
    """Every rival's score up or down by its width: the least probability over all corners. Averaged signs would be less careful."""
    rng, head = np.random.default_rng(2), LogisticHead.of(2, 3, beta=1.7)
    memory = taught(head, [(rng.normal(size=2), rng.integers(3)) for _ in range(20)])
    obs = np.asarray([1.0, -0.5])
    features = head.features(obs)
    score = features @ memory.coefficient
    width = 1.7 * math.sqrt(2 * features @ memory.covariance @ features)
    lower = np.exp(head.log_lower(memory, obs))[0]
    for action in range(3):
        corners = [
            softmax(score + np.insert(np.asarray(signs) * width, action, 0.0))[action]
            for signs in itertools.product([-1, 1], repeat=2)
        ]
        assert lower[action] == pytest.approx(min(corners), rel=1e-12)
        assert np.mean(corners) > lower[action] * 1.05
    certain = LogisticHead.of(2, 3, beta=0.0)
    assert np.allclose(certain.log_lower(memory, obs), certain.log_policy(memory, obs), rtol=1e-12)


def test_every_setting_changes_what_is_acted_on() -> None:
    answers = [((1.0, 0.5), 1)] * 8 + [((-1.0, 0.3), 0)] * 8

    def bound(**settings: Any) -> float:
        head = LogisticHead.of(2, 2, **settings)
        return float(np.exp(head.log_lower(taught(head, answers), np.asarray([1.0, 0.5])))[0, 1])

    assert bound(beta=2.0) < bound(beta=1.0) < bound(beta=0.0)
    assert bound(precision=3.0) < bound(precision=0.03)
    assert bound(intercept=2.0) != pytest.approx(bound(intercept=0.0), rel=1e-6)
    several = {bound(num_features=20, width=width, seed=seed) for width in (0.5, 5.0) for seed in (0, 1)}
    assert len(several) == 4


def test_far_from_everything_seen_it_asks() -> None:
    head = LogisticHead.of(2, 3, num_features=100, width=1.0, beta=1.0)
    near, far = np.asarray([0.1, 0.1]), np.asarray([6.0, -6.0])
    memory = taught(head, [((x, y), 2) for x in (0.0, 0.2) for y in (0.0, 0.2)] * 10)
    assert np.exp(head.log_lower(memory, near)).sum() > 0.9
    assert np.exp(head.log_lower(memory, far)).sum() < 0.1


def test_conforms_and_is_no_committee() -> None:
    check_hypotheses(LogisticHead)
    check_hypotheses(LogisticHead.of(2, 2, beta=0.1))
    head = LogisticHead.of(2, 3)
    sure = taught(head, [((1.0, 0.0), 2)] * 200)
    for agent, ask in ((Imitator.of(head), 1.0), (Imitator(head, guards=(Readable(), OneAnswer(0.5))), 0.02)):
        belief = agent.init()
        now = type(belief)(belief.log_weight, belief.log_prior, sure)
        assert float(agent.propose(now, np.asarray([1.0, 0.0])).ask) == pytest.approx(ask, abs=0.02)


def test_traced_it_says_the_same() -> None:
    rng, head = np.random.default_rng(3), LogisticHead.of(2, 3, num_features=5, width=1.0)
    answers = [(rng.normal(size=2), rng.integers(3)) for _ in range(10)]
    memory = taught(head, answers)
    with jax.enable_x64(True):
        traced = jax.jit(lambda head, memory, obs, action: head.learn(memory, obs, Answer(action)))
        lower = jax.jit(lambda head, memory, obs: head.log_lower(memory, obs))
        quick, now = jax.tree.map(jax.numpy.asarray, head), jax.tree.map(jax.numpy.asarray, head.init())
        for obs, action in answers:
            now = traced(quick, now, jax.numpy.asarray(obs), jax.numpy.asarray(action))
        assert np.allclose(now.coefficient, memory.coefficient, rtol=1e-9, atol=1e-12)
        assert np.allclose(lower(quick, now, jax.numpy.ones(2)), head.log_lower(memory, np.ones(2)), rtol=1e-9)


@cache
def features(seed: int) -> tuple[Any, Any, Any]:
    """A head, and the features and labels of all digits in an order of their own."""
    images, labels = _shuffled(seed)
    head = LogisticHead.of(64, 10, num_features=400, width=35.8, seed=seed)
    return head, np.stack([head.features(image) for image in images])[:, :-1], labels


def digits(seed: int, *, beta: float | None = None, confidence: float | None = None) -> tuple[int, int, list[int]]:
    """Questions, errors in what was not asked, and the first rounds that were not."""
    drawn, items, labels = features(seed)
    head = LogisticHead(drawn.precision, 10, beta=0.5 if beta is None else beta)
    memory, asked, wrong, alone = head.init(), 0, 0, list[int]()
    for number, (item, label) in enumerate(zip(items, labels, strict=True)):
        rows = head.log_lower(memory, item) if confidence is None else head.log_policy(memory, item)
        best = int(np.argmax(rows[0]))
        if math.exp(rows[0, best]) < (0.5 if confidence is None else confidence):
            asked += 1
            memory = head.learn(memory, item, Answer(label))
        else:
            wrong += best != label
            alone.append(number)
    return asked, int(wrong), alone[:1]


@pytest.mark.slow
def test_on_digits_it_does_as_well_as_a_confidence_threshold() -> None:
    """A10: at as many questions, at most 1.1 times the errors of the confidence frontier, and one more error for three seeds' noise."""
    seeds = range(3)
    with unchecked():
        frontier = np.mean([[digits(seed, confidence=c)[:2] for c in (0.4, 0.6, 0.8)] for seed in seeds], axis=0)
        runs = [[digits(seed, beta=beta) for beta in (0.3, 0.5)] for seed in seeds]
    for number, beta in enumerate((0.3, 0.5)):
        asked, wrong = np.mean([run[number][:2] for run in runs], axis=0)
        there = np.interp(asked, frontier[:, 0], frontier[:, 1])
        assert wrong <= 1.1 * there + 1, (beta, asked, wrong, frontier)
        assert wrong / 1_797 < 0.05
        assert min(run[number][2][0] for run in runs) >= (1 if beta < 0.5 else 20), beta  # cold, it asks


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"num_inputs": 0}, "0 inputs, 2 actions"),
        ({"num_actions": 1}, "2 inputs, 1 actions"),
        ({"num_features": 0}, "num_features = 0"),
        ({"precision": 0.0}, "precision = 0.0"),
        ({"beta": -1.0}, "beta = -1.0"),
        ({"width": 0.0}, "width = 0.0"),
        ({"intercept": math.inf}, "all are finite"),
        ({"precision": math.nan}, "precision = nan"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict[str, Any], sentence: str) -> None:
    given_: dict[str, Any] = {"num_inputs": 2, "num_actions": 2, **settings}
    with pytest.raises(ValueError, match=sentence):
        LogisticHead.of(given_.pop("num_inputs"), given_.pop("num_actions"), **given_)
