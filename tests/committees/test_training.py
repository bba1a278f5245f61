"""A training takes torch's steps, sees each item once an epoch, and may be cut in two."""

from __future__ import annotations

import importlib
import math
import os
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.committees.models import mlp
from assent.committees.training import Training, advanced, begun, cross_entropy, plain_loss

KEY = jax.random.key(3)
RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.normal(size=(23, 5)), "float32")
Y = jnp.asarray(RNG.integers(0, 3, 23), "int32")


def torch() -> Any:
    """torch; where it is missing the test is skipped, under CI=true it fails."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        sentence = f"torch cannot be imported ({error}), so nothing can be compared with its optimisers."
        pytest.fail(sentence) if os.environ.get("CI", "").lower() == "true" else pytest.skip(sentence)


@pytest.mark.parametrize("cosine", [False, True])
def test_a_training_that_was_cut_in_two_is_the_training_in_one(cosine: bool) -> None:
    """Bitwise: 23 items in batches of 5 are 4 steps an epoch, so that the cut after 6 is inside one."""
    model, training = mlp((5,), (8,), 3), Training(steps=13, batch=5, cosine=cosine)
    loss = plain_loss(model, training)
    start = begun(model.init(KEY), training)

    def part(state: Any, key: jax.Array, steps: int) -> Any:
        return jax.jit(lambda now, key: advanced(loss, now, X, Y, key, training=training, steps=steps))(state, key)

    whole, losses = part(start, KEY, 13)
    middle, first = part(start, KEY, 6)
    end, second = part(middle, KEY, 7)
    assert jnp.concatenate([first, second]).tolist() == losses.tolist()
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(end), strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
    assert int(end.step) == 13
    other, _ = part(middle, jax.random.key(4), 7)  # another key, another order: rejected
    assert jax.tree.leaves(other.trained)[0].tolist() != jax.tree.leaves(whole.trained)[0].tolist()


RULES = {
    "adam": (Training(learning_rate=1e-2), "Adam", {"lr": 1e-2}),
    "adam, decay": (Training(learning_rate=1e-2, weight_decay=0.1), "AdamW", {"lr": 1e-2, "weight_decay": 0.1}),
    "sgd": (Training(optimiser="sgd", learning_rate=0.1, momentum=0.0), "SGD", {"lr": 0.1}),
    "sgd, momentum, decay": (
        Training(optimiser="sgd", learning_rate=0.1, momentum=0.9, weight_decay=0.02),
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.02},
    ),
}


def by_torch(name: str, settings: dict[str, float], start: Any, steps: int) -> list[np.ndarray]:
    library = torch()
    leaves = [library.tensor(np.array(leaf), requires_grad=True) for leaf in jax.tree.leaves(start)]
    optimiser = getattr(library.optim, name)(leaves, **settings)
    bias, weight, last_bias, last = leaves  # as the leaves of dictionaries come, in the order of their names
    x, y = library.tensor(np.array(X)), library.tensor(np.array(Y)).long()
    for _ in range(steps):
        optimiser.zero_grad()
        logits = library.relu(x @ weight + bias) @ last + last_bias
        library.nn.functional.cross_entropy(logits, y).backward()
        optimiser.step()
    return [leaf.detach().numpy() for leaf in leaves]


def by_us(training: Training, start: Any, steps: int) -> list[np.ndarray]:
    training = replace(training, steps=steps, batch=len(X))  # one batch, so that its order is no matter
    loss = plain_loss(mlp((5,), (8,), 3), training)
    state, _ = jax.jit(lambda now: advanced(loss, now, X, Y, KEY, training=training, steps=steps))(
        begun(start, training)
    )
    return [np.asarray(leaf) for leaf in jax.tree.leaves(state.trained)]


@pytest.mark.parametrize(("training", "name", "settings"), RULES.values(), ids=RULES)
def test_steps_are_those_of_torch(training: Training, name: str, settings: dict[str, float]) -> None:
    """Twenty steps of numbers near 1 in single precision: 20 times 2^-24 and what a step of 0.1 makes of it is below 1e-5."""
    start = mlp((5,), (8,), 3).init(KEY)
    for mine, theirs in zip(by_us(training, start, 20), by_torch(name, settings, start, 20), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5)


def test_a_decay_that_is_part_of_the_gradient_is_not_adams() -> None:
    """The wrong variant: torch's Adam adds the decay to the gradient, ours is decoupled."""
    start = mlp((5,), (8,), 3).init(KEY)
    training, _, settings = RULES["adam, decay"]
    pairs = zip(by_us(training, start, 20), by_torch("Adam", settings, start, 20), strict=True)
    assert max(np.abs(mine - theirs).max() for mine, theirs in pairs) > 1e-3


def seen(n: int, batch: int, steps: int) -> np.ndarray:
    """Which items each step was given, [steps, batch]: a gradient that marks them."""
    training = Training(steps=steps, batch=batch, optimiser="sgd", learning_rate=1.0, momentum=0.0)

    def loss(marks: jax.Array, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        return jnp.sum(marks * 0.0) + jnp.sum(2.0 ** x[:, 0])

    _, losses = advanced(
        loss,
        begun(jnp.zeros(2), training),
        jnp.arange(float(n))[:, None],
        jnp.zeros(n, jnp.int32),
        KEY,
        training=training,
        steps=steps,
    )
    bits = np.asarray(losses).astype(np.int64)
    return (bits[:, None] >> np.arange(n)) & 1


@pytest.mark.parametrize(("n", "batch"), [(12, 4), (13, 4), (1, 4), (3, 100), (8, 8), (5, 1)])
def test_each_epoch_sees_each_item_once_but_for_a_rest(n: int, batch: int) -> None:
    """The loss is a sum of powers of 2, exact in single precision below 2^24, so that it tells the items of its batch."""
    per_epoch = max(n // batch, 1)
    table = seen(n, batch, 4 * per_epoch + 1)
    assert (table.sum(axis=1) == min(n, batch)).all()  # no item twice in a batch: a repeated power would carry
    epochs = table[:-1].reshape(4, per_epoch, n).sum(axis=1)
    assert epochs.max() == 1
    assert (epochs.sum(axis=1) == per_epoch * min(n, batch)).all()
    if n > 4 and batch < n:
        assert len({tuple(map(tuple, epoch)) for epoch in table[:-1].reshape(4, per_epoch, n).tolist()}) > 1


def test_the_rate_falls_to_nothing_along_half_a_cosine() -> None:
    """A loss with gradient 1 moves by the rate of each step."""
    training = Training(steps=8, batch=2, optimiser="sgd", learning_rate=0.5, momentum=0.0, cosine=True)
    state, at = begun(jnp.zeros(()), training), [0.0]
    further = jax.jit(lambda now: advanced(lambda w, x, y, k: w * 1.0, now, X, Y, KEY, training=training, steps=1))
    for _ in range(10):
        state, _ = further(state)
        at.append(-float(state.trained))
    want = [0.25 * (1 + math.cos(math.pi * step / 8)) for step in range(8)] + [0.0, 0.0]
    assert np.diff(at) == pytest.approx(want, abs=1e-6)


def test_no_steps_are_nothing_and_one_item_is_learned() -> None:
    model = mlp((5,), (8,), 3)
    none = Training(steps=0)
    state, losses = advanced(plain_loss(model, none), begun(model.init(KEY), none), X, Y, KEY, training=none, steps=0)
    assert losses.shape == (0,)
    assert int(state.step) == 0
    one = Training(steps=60, batch=100, learning_rate=0.03)
    _, losses = advanced(plain_loss(model, one), begun(model.init(KEY), one), X[:1], Y[:1], KEY, training=one, steps=60)
    assert float(losses[-1]) < 0.01 < float(losses[0])


def test_the_loss_is_the_mean_log_loss_of_smoothed_targets() -> None:
    logits = RNG.normal(size=(6, 3)).astype(np.float32) * 3
    y = np.asarray([0, 1, 2, 2, 0, 1], np.int32)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    for smoothing in (0.0, 0.1, 1.0):
        target = (1 - smoothing) * np.eye(3)[y] + smoothing / 3
        found = cross_entropy(jnp.asarray(logits), jnp.asarray(y), label_smoothing=smoothing)
        assert float(found) == pytest.approx(-(target * log_probs).sum(axis=1).mean(), abs=1e-5)
    assert math.isnan(float(cross_entropy(jnp.asarray([[math.nan, 0.0]]), jnp.asarray([0]))))
    assert float(cross_entropy(jnp.asarray([[1e30, 0.0]]), jnp.asarray([1]))) == pytest.approx(1e30)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": -1},
        {"batch": 0},
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"learning_rate": math.inf},
        {"weight_decay": -1.0},
        {"weight_decay": math.nan},
        {"momentum": 1.0},
        {"momentum": math.nan},
        {"label_smoothing": 1.5},
        {"label_smoothing": -0.1},
    ],
)
def test_settings_that_train_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Training(**wrong)


def test_an_unknown_optimiser_is_refused() -> None:
    wrong: Any = "lion"
    with pytest.raises(Exception, match="lion"):
        Training(optimiser=wrong)
