"""Optimal values of a `Model` for many rewards at a time: linear solves while it is small, sweeps beyond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assent.planning.model import Model
from assent.planning.policy_iteration import MAX_DENSE_STATES
from assent.planning.policy_iteration import solve_exact as by_policy_iteration

SWEPT = 1e-10
"""The part of the largest reward that sweeps may leave over."""

MAX_SWEEPS = 100_000


@dataclass(frozen=True, eq=False)
class Exact:
    """Optimal values of M rewards.

    Attributes:
        value: float64 [S, M].
        quality: float64 [S, A, M].
    """

    value: np.ndarray
    quality: np.ndarray


def solve_exact(model: Model, gained: np.ndarray, *, floor: float | None = None) -> Exact:
    """Optimal values of `gained` [S, A, M]; terminal states give 0 whatever is said of them.

    Exact up to rounding by policy iteration for worlds of up to 2,000 states; beyond, by sweeps down to 1e-10 of the largest reward.

    Args:
        floor: what a life may be ended for at any time, or None where it may not be.

    Raises:
        ValueError: `gained` has another shape or is not finite, or lives take too long to end.
    """
    gained = _checked(model, gained)
    if gained.shape[2] == 0:
        return Exact(np.zeros((model.num_states, 0)), gained)
    if model.num_states > MAX_DENSE_STATES:
        value = _sweep(model, gained, floor)
    elif floor is None:
        value = by_policy_iteration(model.successor, model.chance, gained, model.discount, model.terminal).value
    else:
        value = _or_stop(model, gained, floor)
    return Exact(value, action_values(model, gained, value))


def _or_stop(model: Model, gained: np.ndarray, floor: float) -> np.ndarray:
    """[S, M]: the values where one more action ends the life for `floor`, in a state of its own."""
    states, actions, _ = model.successor.shape
    stop = ((0, 1), (0, 1), (0, 0))
    successor = np.pad(model.successor, stop, constant_values=states)
    chance = np.pad(model.chance, stop)
    chance[states], chance[:, actions] = 0.0, 0.0
    chance[states, :, 0], chance[:, actions, 0] = 1.0, 1.0
    ending = np.pad(gained, stop, constant_values=floor)
    terminal = np.append(model.terminal, True)
    return by_policy_iteration(successor, chance, ending, model.discount, terminal).value[:states]


def action_values(model: Model, gained: np.ndarray, value: np.ndarray) -> np.ndarray:
    """[S, A, M]: `gained` [S, A, M] now and `value` [S, M] afterwards, discounted; 0 in terminal states."""
    quality = gained + model.discount * model.expected(value)
    return np.where(model.terminal[:, None, None], 0.0, quality)


def solve_soft_exact(model: Model, reward: np.ndarray, *, beta: float, tolerance: float = 1e-12) -> Exact:
    """Soft optimal values of `reward` [P, A, M] (maximum causal entropy): V = log sum exp(beta Q) / beta.

    Ziebart, "Modeling Purposeful Adaptive Behavior with the Principle of Maximum Causal Entropy" (2010), with a discount.

    Raises:
        ValueError: the discount is 1: the entropy of an endless choice has no finite value.
    """
    if model.discount == 1:
        raise ValueError("soft values need a discount below 1: with 1, the entropy of loops may be infinite.")
    gained = _checked(model, reward[model.place])
    value = np.zeros((gained.shape[0], gained.shape[2]))
    scale = np.abs(gained).max(initial=1.0) + np.log(model.num_actions) / beta
    while True:
        quality = action_values(model, gained, value)
        top = quality.max(axis=1)
        soft = top + np.log(np.exp(beta * (quality - top[:, None])).sum(axis=1)) / beta
        soft = np.where(model.terminal[:, None], 0.0, soft)
        moved, value = np.abs(soft - value).max(initial=0.0), soft
        if moved * model.discount <= tolerance * scale:
            return Exact(value, action_values(model, gained, value))


def _sweep(model: Model, gained: np.ndarray, floor: float | None) -> np.ndarray:
    """[S, M]: value iteration until what is left is below rounding (or, with discount 1, until nothing moves)."""
    value = np.zeros((gained.shape[0], gained.shape[2]))
    scale = max(float(np.abs(gained).max(initial=0.0)), np.finfo(np.float64).tiny)
    for _ in range(MAX_SWEEPS):
        best = action_values(model, gained, value).max(axis=1)
        if floor is not None:
            best = np.where(model.terminal[:, None], 0.0, np.maximum(best, floor))
        moved, value = float(np.abs(best - value).max(initial=0.0)), best
        left = moved * model.discount / (1 - model.discount) if model.discount < 1 else moved
        if left <= SWEPT * scale:
            return value
    raise ValueError(
        f"values still move by {moved} after {MAX_SWEEPS:,} sweeps: with discount = {model.discount} lives take too long to end. "
        "Give a smaller discount."
    )


def _checked(model: Model, gained: np.ndarray) -> np.ndarray:
    if gained.ndim != 3 or gained.shape[:2] != (model.num_states, model.num_actions):
        raise ValueError(
            f"what is gained has shape {gained.shape}; it must be {[model.num_states, model.num_actions, 'M']}."
        )
    if not np.isfinite(gained).all():
        raise ValueError("a reward is not a finite number: nothing can be optimal.")
    return np.where(model.terminal[:, None, None], 0.0, gained)
