"""Gradient training as one pure function of a key: what it starts from, in which order it sees the items, and how far it goes. JAX."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from assent.committees.models import Model

Loss: TypeAlias = Callable[[Any, jax.Array, jax.Array, jax.Array], jax.Array]
"""`(trained, x [B, ...], y [B], key) -> mean loss`."""


@dataclass(frozen=True)
class Training:
    """How long and how fast.

    Attributes:
        steps: of the optimiser.
        batch: items in a step; each epoch sees every item once, in an order of its own, but for a rest smaller than a batch.
        optimiser: `adam` (Kingma and Ba, ICLR 2015; its weight decay is decoupled, Loshchilov and Hutter, ICLR 2019), or `sgd` with
            momentum (its weight decay is part of the gradient).
        learning_rate: at the start.
        cosine: whether it falls to 0 along half a cosine (Loshchilov and Hutter, ICLR 2017).
        momentum: of `sgd`.
        weight_decay: of all that is trained.
        label_smoothing: share of each target that is spread over all labels.
    """

    steps: int = 600
    batch: int = 100
    optimiser: Literal["adam", "sgd"] = "adam"
    learning_rate: float = 1e-3
    cosine: bool = False
    momentum: float = 0.9
    weight_decay: float = 0.0
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if (
            self.steps < 0
            or self.batch < 1
            or not (0 < self.learning_rate < math.inf and 0 <= self.weight_decay < math.inf)
        ):
            raise ValueError(
                f"steps = {self.steps}, batch = {self.batch}, learning_rate = {self.learning_rate}, weight_decay = {self.weight_decay}: "
                "there are at least 0 steps of 1 item, at a rate above 0 and a decay of at least 0."
            )
        if not (0 <= self.momentum < 1 and 0 <= self.label_smoothing <= 1):
            raise ValueError(
                f"momentum = {self.momentum}, label_smoothing = {self.label_smoothing}: momentum lies in [0, 1), a share in [0, 1]."
            )
        if self.optimiser not in ("adam", "sgd"):
            raise ValueError(f"The optimiser {self.optimiser!r} is unknown; give adam or sgd.")

    @property
    def transformation(self) -> optax.GradientTransformation:
        """What makes steps of gradients."""
        rate = (
            optax.cosine_decay_schedule(self.learning_rate, max(self.steps, 1)) if self.cosine else self.learning_rate
        )
        if self.optimiser == "adam":
            return optax.adamw(rate, weight_decay=self.weight_decay) if self.weight_decay else optax.adam(rate)
        decay = optax.add_decayed_weights(self.weight_decay) if self.weight_decay else optax.identity()
        return optax.chain(decay, optax.sgd(rate, momentum=self.momentum or None))


class State(NamedTuple):
    """Where a training stands.

    Attributes:
        trained: what the gradient changes, a pytree.
        optimiser: its averages.
        step: integer, how many steps there were.
    """

    trained: Any
    optimiser: Any
    step: jax.Array


def begun(trained: Any, training: Training) -> State:
    """A training before its first step."""
    return State(trained, training.transformation.init(trained), jnp.zeros((), jnp.int32))


def advanced(
    loss: Loss, state: State, x: jax.Array, y: jax.Array, key: jax.Array, *, training: Training, steps: int
) -> tuple[State, jax.Array]:
    """The training `steps` further, and the loss of each step, `[steps]`.

    The order of the items depends on the key and the number of the step alone, so that a training that was cut in two goes on as if it had
    never stopped.
    """
    per_epoch = max(len(x) // training.batch, 1)
    batch = min(training.batch, len(x))
    transformation = training.transformation
    orders, draws = jax.random.split(key)

    first = state.step // per_epoch
    epochs = jnp.arange(steps // per_epoch + 2) + first
    # once an epoch, before the loop: a permutation is a sort, and a sort at every step would cost more than a small model's gradient
    shuffled = jax.lax.map(lambda epoch: jax.random.permutation(jax.random.fold_in(orders, epoch), len(x)), epochs)

    def step(now: State, _: None) -> tuple[State, jax.Array]:
        corner = (now.step // per_epoch - first, now.step % per_epoch * batch)
        places = jax.lax.dynamic_slice(shuffled, corner, (1, batch))[0]
        value, gradient = jax.value_and_grad(loss)(
            now.trained, x[places], y[places], jax.random.fold_in(draws, now.step)
        )
        with jax.numpy_dtype_promotion("standard"):  # optax takes powers of floats by integers
            moves, optimiser = transformation.update(gradient, now.optimiser, now.trained)
            trained = optax.apply_updates(now.trained, moves)
        return State(trained, optimiser, now.step + 1), value

    return jax.lax.scan(step, state, None, length=steps)


def cross_entropy(logits: jax.Array, y: jax.Array, *, label_smoothing: float = 0.0) -> jax.Array:
    """The mean log-loss of logits `[B, C]` at labels `[B]`."""
    log_probs = jax.nn.log_softmax(logits)
    right = jnp.take_along_axis(log_probs, y[:, None], axis=1)[:, 0]
    if label_smoothing:
        right = (1.0 - label_smoothing) * right + label_smoothing * log_probs.mean(axis=1)
    return -right.mean()


def plain_loss(model: Model, training: Training) -> Loss:
    """The log-loss of the model's logits."""

    def loss(params: Any, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        return cross_entropy(model.apply(params, x, training=True), y, label_smoothing=training.label_smoothing)

    return loss
