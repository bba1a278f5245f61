"""cart pole: Gymnasium's CartPole-v1 in JAX, seen as four numbers or as one of a few hundred boxes, and an expert who holds the pole."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray
from numpy.typing import NDArray

GRAVITY = 9.8
CART, POLE = 1.0, 0.1
"""Masses in kg."""

HALF_LENGTH = 0.5
"""Of the pole, in m."""

FORCE = 10.0
"""In N, to the left or to the right."""

STEP_S = 0.02
MOST_POSITION, MOST_ANGLE = 2.4, 12 * 2 * math.pi / 360
"""Beyond these, in m and rad, the pole counts as fallen."""

START = 0.05
"""Every feature starts within this, uniformly."""

MAX_STEPS = 500
"""Steps that a pole has to be held; then it is set up anew."""

BINS = (3, 5, 8, 8)
RANGES = (1.0, 1.0, 0.1, 1.0)
"""Boxes: so many of equal width for each feature between minus and plus this; what lies beyond is in the outermost."""

GAINS = (0.05, 0.1, 1.0, 0.25)
"""The expert's: of position, velocity, angle and angular velocity."""


class Held(eqx.Module):
    """A state of the world, and what the last step led to.

    Attributes:
        motion: position (m), velocity (m/s), angle (rad), angular velocity (rad/s).
        age: steps since the pole was set up.
        event: in the last step it fell.
        goal: with the last step it has been held for 500.
    """

    motion: Float[Array, "*lives 4"]
    age: Int[Array, "*lives"]
    event: Bool[Array, "*lives"]
    goal: Bool[Array, "*lives"]


class CartPole(eqx.Module):
    """A pole on a cart that is pushed to the left (0) or right (1); when it falls, or has been held for 500 steps, it is set up anew.

    The equations are those of Barto, Sutton and Anderson, "Neuronlike adaptive elements that can solve difficult learning control
    problems" (1983), by Euler's method as in Gymnasium's CartPole-v1, in JAX's precision. Nobody may act (-1): nobody pushes. The agent
    sees the number of a box, or with `bins` None the four features; the overseer sees the features.

    Attributes:
        bins: boxes for each feature, or None.

    Raises:
        ValueError: fewer than 1 box for a feature.
    """

    bins: tuple[int, int, int, int] | None = eqx.field(static=True, default=BINS)

    def __check_init__(self) -> None:
        if self.bins is not None and min(self.bins) < 1:
            raise ValueError(f"bins = {self.bins}: each feature wants at least 1 box.")

    @property
    def num_contexts(self) -> int | None:
        """How many boxes there are, or None."""
        return None if self.bins is None else math.prod(self.bins)

    @property
    def num_actions(self) -> int:
        return 2

    @property
    def null_action(self) -> int:
        return -1

    def init(self, key: PRNGKeyArray) -> Held:
        no = jnp.asarray(False)
        return Held(self._set_up(key), jnp.zeros((), jnp.int32), event=no, goal=no)

    def observe(self, state: Held) -> Array:
        return state.motion if self.bins is None else box(state.motion, self.bins)

    def reveal(self, state: Held) -> Float[Array, "4"]:
        return state.motion

    def step(self, key: PRNGKeyArray, state: Held, action: Int[Array, ""] | int) -> Held:
        return self._stepped(key, state, jnp.asarray(action))

    @eqx.filter_jit  # a session steps one at a time
    def _stepped(self, key: PRNGKeyArray, state: Held, action: Int[Array, ""]) -> Held:
        moved = pushed(state.motion, action)
        fell = (jnp.abs(moved[0]) > MOST_POSITION) | (jnp.abs(moved[2]) > MOST_ANGLE)
        held = ~fell & (state.age + 1 >= MAX_STEPS)
        anew = fell | held
        return Held(
            motion=jnp.where(anew, self._set_up(key), moved),
            age=jnp.where(anew, 0, state.age + 1),
            event=fell,
            goal=held,
        )

    def _set_up(self, key: PRNGKeyArray) -> Float[Array, "4"]:
        return jax.random.uniform(key, (4,), minval=-START, maxval=START)


def pushed(motion: Float[Array, "4"], action: Int[Array, ""] | int) -> Float[Array, "4"]:
    """The features one step of 0.02 s later, whatever becomes of the pole."""
    _, velocity, angle, turning = motion
    force = jnp.where(action == 1, FORCE, jnp.where(action == 0, -FORCE, 0.0))
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    total, lever = CART + POLE, POLE * HALF_LENGTH
    thrust = (force + lever * turning**2 * sine) / total
    angular = (GRAVITY * sine - cosine * thrust) / (HALF_LENGTH * (4.0 / 3.0 - POLE * cosine**2 / total))
    linear = thrust - lever * angular * cosine / total
    return motion + STEP_S * jnp.stack([velocity, linear, turning, angular])


def expert(features: Array, gains: tuple[float, ...] = GAINS) -> Any:
    """Push towards where the pole falls and the cart drifts: 1 if the weighted sum of the features is above 0, else 0.

    >>> int(expert(jnp.asarray([0.0, 0.0, 0.01, 0.0])))
    1
    """
    return jnp.where(sum(gain * features[number] for number, gain in enumerate(gains)) > 0, 1, 0)


def box(features: Float[Array, "4"], bins: tuple[int, int, int, int] = BINS) -> Int[Array, ""]:
    """The number of the box that `features` lie in; the last feature counts fastest."""
    number = jnp.zeros((), jnp.int32)
    for feature, (count, edges) in enumerate(zip(bins, _edges(bins), strict=True)):
        above = (features[feature] >= jnp.asarray(edges[1:-1], features.dtype)).sum().astype(jnp.int32)
        number = number * count + above
    return number


def centres(bins: tuple[int, int, int, int] = BINS) -> NDArray[np.float64]:
    """[S, 4], the features in the middle of each box.

    >>> centres((1, 1, 2, 1)).tolist()
    [[0.0, 0.0, -0.05, 0.0], [0.0, 0.0, 0.05, 0.0]]
    """
    middles = [[(low + high) / 2 for low, high in pairwise(edges.tolist())] for edges in _edges(bins)]
    return np.stack([axis.ravel() for axis in np.meshgrid(*middles, indexing="ij")], axis=1)


def _edges(bins: tuple[int, int, int, int]) -> list[NDArray[np.float64]]:
    return [np.linspace(-most, most, count + 1) for most, count in zip(RANGES, bins, strict=True)]
