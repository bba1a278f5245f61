"""Online Newton steps against the same in plain linear algebra, and what they are worth on digits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import assent.lab  # noqa: F401
from assent.hypotheses.newton import NewtonSoftmax, fourier_features


def by_hand(members: NewtonSoftmax, items: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and inverse with every matrix summed up and inverted anew."""
    coefficient = np.zeros((members.num_members, members.num_features, members.num_actions))
    matrix = members.ridge * np.eye(members.num_features)
    for number, (item, action) in enumerate(zip(items, actions, strict=True)):
        matrix = matrix + members.curvature * np.outer(item, item)
        for member in range(members.num_members):
            scores = item @ coefficient[member]
            policy = np.exp(scores - scores.max())
            policy /= policy.sum()
            policy[action] -= 1
            times = members.multiplicity[number % len(members.multiplicity), member]
            coefficient[member] -= times * np.outer(np.linalg.solve(matrix, item), policy)
    return coefficient, np.linalg.inv(matrix)


@pytest.mark.parametrize("seed", range(5))
def test_steps_are_those_of_plain_linear_algebra(seed: int) -> None:
    """The wrong variant takes the step from the matrix before the item was added."""
    rng = np.random.default_rng(seed)
    members = NewtonSoftmax.of(num_features=4, num_actions=3, num_members=3, ridge=0.5, curvature=0.3, seed=seed)
    items, actions = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    memory = members.init()
    for item, action in zip(items, actions, strict=True):
        memory = members.update(memory, item, action)
    coefficient, inverse = by_hand(members, items, actions)
    # 30 rank-one updates of a matrix whose condition is below 100: 1e-10 is far above what rounding adds up to
    assert np.allclose(memory.coefficient, coefficient, rtol=0, atol=1e-10)
    assert np.allclose(memory.inverse, inverse, rtol=0, atol=1e-10)
    first = members.update(members.init(), items[0], actions[0])
    early = -np.outer(members.init().inverse @ items[0], 1 / 3 - np.eye(3)[actions[0]])
    assert (
        not np.allclose(first.coefficient[0], early * members.multiplicity[0, 0], atol=1e-3)
        or not members.multiplicity[0, 0]
    )


def test_alike_in_jax() -> None:
    rng = np.random.default_rng(1)
    members = NewtonSoftmax.of(num_features=4, num_actions=3, num_members=2, seed=1)
    items, actions = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
    memory = members.init()
    for item, action in zip(items, actions, strict=True):
        memory = members.update(memory, item, action)
    with jax.enable_x64(True):

        def life(bank: NewtonSoftmax) -> Any:
            bank = jax.tree.map(jnp.asarray, bank)
            step = lambda memory, pair: (bank.update(memory, pair[0], pair[1]), None)  # noqa: E731
            return jax.lax.scan(step, bank.init(), (jnp.asarray(items), jnp.asarray(actions)))[0].coefficient

        # the steps are sensitive to rounding where predictions are nearly certain
        assert np.allclose(memory.coefficient, jax.jit(life)(members), rtol=0, atol=1e-7)


@pytest.mark.slow
def test_one_pass_over_the_digits_is_enough() -> None:
    """Predict, then learn: at most 6 % wrong over all 1,797 digits, cold start included; plain gradient steps err more."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    items, labels = fourier_features(images[order], num_features=400, width=0.15 / 256, seed=0), labels[order]
    members, plain, rate = NewtonSoftmax.of(num_features=401, num_actions=10), np.zeros((401, 10)), 0.5
    memory, wrong, plainly = members.init(), 0, 0
    for item, label in zip(items, labels, strict=True):
        wrong += int(members.predict(memory, item)[0].argmax()) != label
        memory = members.update(memory, item, label)
        scores = item @ plain
        plainly += int(scores.argmax()) != label
        policy = np.exp(scores - scores.max())
        plain -= rate * np.outer(item, policy / policy.sum() - np.eye(10)[label])
    assert wrong <= 0.06 * len(labels)
    assert plainly > 1.5 * wrong


@pytest.mark.parametrize(
    "settings", [{"num_features": 0}, {"num_actions": 0}, {"num_members": 0}, {"ridge": 0.0}, {"curvature": np.nan}]
)
def test_settings_without_a_meaning_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give at least one of each"):
        NewtonSoftmax.of(**{"num_features": 2, "num_actions": 2, **settings})
