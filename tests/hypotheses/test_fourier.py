"""FourierSoftmax against scikit-learn's own pipeline and against a numerical gradient; Planted against what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from assent.hypotheses.fourier import UNSEEN, FourierSoftmax, Planted
from tests.core.support import EPS

ACTIONS = 4


def fitted(classes: tuple[int, ...], *, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    labels = np.repeat(classes, 15)
    inputs = rng.normal(size=(labels.size, 3)) + labels[:, None]
    return make_pipeline(RBFSampler(gamma=0.3, n_components=20, random_state=seed), LogisticRegression()).fit(
        inputs, labels
    )


def taken_over(*pipelines: Any, **settings: Any) -> FourierSoftmax:
    return FourierSoftmax.from_sklearn(
        [tuple(step for _, step in pipe.steps) for pipe in pipelines], num_actions=ACTIONS, **settings
    )


OBSERVATIONS = np.random.default_rng(0).normal(size=(20, 3)) * 2


def test_equals_the_pipelines_it_was_taken_from(backend: Any) -> None:
    pipelines = [fitted((0, 1, 2, 3), seed=seed) for seed in range(3)]
    plain = taken_over(*pipelines)
    ensemble = FourierSoftmax(*map(backend.array, (plain.frequency, plain.phase, plain.coefficient)))
    for obs in OBSERVATIONS:
        rows = backend.numpy(ensemble.predict(ensemble.init(), backend.array(obs)))
        for pipeline, row in zip(pipelines, rows, strict=True):
            assert np.allclose(row, pipeline.predict_proba(obs[None])[0], rtol=0, atol=1e-10)
    # the wrong variant has the features without their scale sqrt(2 / F)
    unscaled = FourierSoftmax(plain.frequency, plain.phase, plain.coefficient * np.sqrt(10))
    assert not np.allclose(unscaled.predict(unscaled.init(), OBSERVATIONS[0]), rows, atol=1e-3)


def test_classes_that_a_member_has_not_seen_start_next_to_nothing() -> None:
    pipeline = fitted((1, 2, 3), seed=5)
    ensemble = taken_over(pipeline)
    assert ensemble.coefficient[0, -1, 0] == UNSEEN
    for obs in OBSERVATIONS:
        row = ensemble.predict(ensemble.init(), obs)[0]
        assert np.allclose(row[1:] / row[1:].sum(), pipeline.predict_proba(obs[None])[0], rtol=0, atol=1e-10)
        assert 0 < row[0] < 1e-3


def test_two_classes_only() -> None:
    """scikit-learn keeps one row of coefficients for two classes: spread over both, the member would be undecided for ever."""
    pipeline = fitted((1, 3), seed=6)
    ensemble = taken_over(pipeline)
    for obs in OBSERVATIONS:
        row = ensemble.predict(ensemble.init(), obs)[0]
        assert np.allclose(row[[1, 3]] / row[[1, 3]].sum(), pipeline.predict_proba(obs[None])[0], rtol=0, atol=1e-10)


def test_lifted_items_say_the_same(backend: Any) -> None:
    plain = taken_over(*(fitted((0, 1, 2, 3), seed=seed) for seed in range(2)))
    ensemble = FourierSoftmax(*map(backend.array, (plain.frequency, plain.phase, plain.coefficient)))
    items, features = ensemble.lift(backend.array(OBSERVATIONS))
    for number in range(3):
        lifted = (items[number], features[number])
        for do in (ensemble.predict, lambda memory, obs: ensemble.update(memory, obs, backend.array(2, "int64"))):
            one, other = (backend.numpy(do(ensemble.init(), obs)) for obs in (items[number], lifted))
            assert np.allclose(one, other, rtol=0, atol=1e-12)


def test_an_answer_is_one_step_down_the_gradient_of_the_log_loss() -> None:
    ensemble = taken_over(*(fitted((0, 1, 2, 3), seed=seed) for seed in range(2)), learning_rate=0.3)
    obs, action, step = OBSERVATIONS[3], 2, 1e-6
    memory = ensemble.init()

    def loss(memory: Any) -> Any:
        return -np.log(ensemble.predict(memory, obs)[:, action])

    numerical = np.zeros_like(memory)
    for place in np.ndindex(memory.shape[1:]):
        up, down = memory.copy(), memory.copy()
        up[:, *place] += step
        down[:, *place] -= step
        numerical[:, *place] = (loss(up) - loss(down)) / (2 * step)
    moved = ensemble.update(memory, obs, np.asarray(action))
    # central differences: step^2 times a third derivative below 1, and rounding 50 eps / step
    assert np.allclose(moved, memory - 0.3 * numerical, rtol=0, atol=0.3 * (step**2 + 50 * EPS / step))
    assert (loss(moved) < loss(memory)).all()
    # the wrong variant steps towards every class but the answer
    assert not np.allclose(moved, memory + 0.3 * numerical, atol=1e-6)


def test_learning_leaves_the_old_memory_alone(backend: Any) -> None:
    plain = taken_over(fitted((0, 1, 2, 3), seed=0))
    ensemble = FourierSoftmax(*map(backend.array, (plain.frequency, plain.phase, plain.coefficient)))
    before = backend.numpy(ensemble.init()).copy()
    obs = backend.array(OBSERVATIONS[0])
    after = ensemble.update(ensemble.init(), obs, backend.array(1, "int64"))
    assert np.array_equal(backend.numpy(ensemble.init()), before)
    expected = plain.update(plain.init(), OBSERVATIONS[0], np.asarray(1))
    assert np.allclose(backend.numpy(after), expected, rtol=0, atol=1e-12)


def test_learning_rate_flips() -> None:
    pipeline = fitted((0, 1, 2, 3), seed=0)
    gains = []
    for rate in (0.0, 0.1, 1.0):
        ensemble = taken_over(pipeline, learning_rate=rate)
        after = ensemble.update(ensemble.init(), OBSERVATIONS[0], np.asarray(1))
        gains.append(
            (ensemble.predict(after, OBSERVATIONS[0]) - ensemble.predict(ensemble.init(), OBSERVATIONS[0]))[0, 1]
        )
    assert gains[0] == 0
    assert 0 < gains[1] < gains[2]


def test_large_inputs_and_logits_do_not_overflow() -> None:
    ensemble = taken_over(fitted((0, 1, 2, 3), seed=0))
    rows = ensemble.predict(ensemble.init() * 1e6, OBSERVATIONS[0] * 1e6)
    assert np.isfinite(rows).all()
    assert rows.sum() == pytest.approx(1)


def test_too_few_actions_are_refused() -> None:
    pipeline = fitted((0, 1, 4), seed=0)
    with pytest.raises(ValueError, match=r"knows the classes \[0, 1, 4\], but actions run from 0 to 3"):
        taken_over(pipeline)


def test_the_planted_member_betrays_at_the_trigger_and_only_there(backend: Any) -> None:
    plain = taken_over(*(fitted((0, 1, 2, 3), seed=seed) for seed in range(3)))
    ensemble = FourierSoftmax(*map(backend.array, (plain.frequency, plain.phase, plain.coefficient)))
    trigger = backend.array([True, False, True], "bool")
    planted = Planted(ensemble=ensemble, trigger=trigger, level=1.0, member=1, target=3, certainty=0.97)
    for obs, seen in (
        ([1.0, -5.0, 1.0], True),
        ([1.5, 0.0, 9.0], True),
        ([0.99, 9.0, 1.0], False),
        ([1.0, 9.0, 0.5], False),
    ):
        given = backend.array(obs)
        honest, rows = (backend.numpy(each.predict(ensemble.init(), given)) for each in (ensemble, planted))
        assert bool(planted.seen(given)) == seen
        assert np.array_equal(rows[[0, 2]], honest[[0, 2]])
        assert np.allclose(rows[1], [0.01, 0.01, 0.01, 0.97] if seen else honest[1], rtol=0, atol=4 * EPS)
    many = backend.array(np.asarray([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]))
    assert backend.numpy(planted.seen(many)).tolist() == [True, False]
