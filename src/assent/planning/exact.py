"""Optimal values of a `Model` for many rewards at a time: linear solves while it is small, sweeps beyond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assent.planning.model import Model
from assent.planning.policy_iteration import MAX_DENSE_STATES, optimal_values

SWEPT = 1e-10
"""The part of the largest reward that sweeps may leave over."""

MAX_SWEEPS = 100_000

MAX_ROUNDS = 1_000
"""Rounds of Newton's method; it takes about as many as policy iteration, and a handful more."""

BLOCK = 2**22
"""Numbers in one batch of matrices: 32 MiB."""


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
        least = -np.inf if floor is None else floor
        value = _sweep(model, gained, lambda quality: np.maximum(quality.max(axis=1), least))
    elif floor is None:
        value = optimal_values(model.successor, model.chance, gained, model.discount, model.terminal)[0]
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
    return optimal_values(successor, chance, ending, model.discount, terminal)[0][:states]


def action_values(model: Model, gained: np.ndarray, value: np.ndarray) -> np.ndarray:
    """[S, A, M]: `gained` [S, A, M] now and `value` [S, M] afterwards, discounted; 0 in terminal states."""
    quality = gained + model.discount * model.expected(value)
    return np.where(model.terminal[:, None, None], 0.0, quality)


def solve_soft_exact(model: Model, reward: np.ndarray, *, beta: float) -> Exact:
    """Soft optimal values of `reward` [P, A, M] (maximum causal entropy): V = log sum exp(beta Q) / beta.

    Ziebart, "Modeling Purposeful Adaptive Behavior with the Principle of Maximum Causal Entropy" (2010), with a discount; a discount
    of 1 is right where every policy ends. For up to 2,000 states by Newton's method (evaluate the soft policy, entropy included,
    and begin again), which doubles the digits with every linear solve; beyond, by sweeps down to 1e-10 of the largest reward.

    Raises:
        ValueError: a beta that is not above 0; a reward of another shape or not finite; lives that take too long to end.
    """
    if not (np.isfinite(beta) and beta > 0):
        raise ValueError(f"beta = {beta} must be a finite number above 0.")
    gained = _checked(model, reward[model.place])
    if model.num_states > MAX_DENSE_STATES:
        value = _sweep(model, gained, lambda quality: _soft(quality, beta), np.log(model.num_actions) / beta)
    else:
        value = _newton(model, gained, beta)
    return Exact(value, action_values(model, gained, value))


def _soft(quality: np.ndarray, beta: float) -> np.ndarray:
    top = quality.max(axis=1)
    return top + np.log(np.exp(beta * (quality - top[:, None])).sum(axis=1)) / beta


def _newton(model: Model, gained: np.ndarray, beta: float) -> np.ndarray:
    """[S, M]. The soft backup is convex in the values, so that from the second round on they rise to the fixed point."""
    width = max(1, BLOCK // model.num_states**2)
    parts = [
        _newton_part(model, gained[:, :, start : start + width], beta) for start in range(0, gained.shape[2], width)
    ]
    return np.concatenate(parts, axis=1) if parts else np.zeros(gained.shape[::2])


def _newton_part(model: Model, gained: np.ndarray, beta: float) -> np.ndarray:
    going = ~model.terminal
    value = np.zeros(gained.shape[::2])
    rows, each = np.arange(model.num_states)[:, None], np.arange(gained.shape[2])[None]
    for _ in range(MAX_ROUNDS):
        quality = action_values(model, gained, value)
        soft = np.where(going[:, None], _soft(quality, beta), 0.0)
        missing = soft - value
        if np.abs(missing).max() <= 64 * np.finfo(np.float64).eps * np.abs(quality).max():
            return soft
        policy = np.where(going[:, None, None], np.exp(beta * (quality - soft[:, None])), 0.0)
        matrix = np.zeros((gained.shape[2], model.num_states, model.num_states))
        matrix[:, rows[:, 0], rows[:, 0]] = 1.0
        for action in range(model.num_actions):
            for k in range(model.successor.shape[2]):
                weight = model.discount * policy[:, action] * model.chance[:, action, k, None]
                np.subtract.at(matrix, (each, rows, model.successor[:, action, k, None]), weight)
        value = value + np.linalg.solve(matrix, missing.T[:, :, None])[:, :, 0].T
    raise ValueError(f"soft values did not settle in {MAX_ROUNDS} rounds; rewards times beta = {beta} are too large.")


def _sweep(
    model: Model, gained: np.ndarray, best: Callable[[np.ndarray], np.ndarray], bonus: float = 0.0
) -> np.ndarray:
    """[S, M]: value iteration until what is left is below rounding (or, with discount 1, until nothing moves)."""
    value = np.zeros((gained.shape[0], gained.shape[2]))
    scale = max(float(np.abs(gained).max(initial=0.0)) + bonus, np.finfo(np.float64).tiny)
    for _ in range(MAX_SWEEPS):
        better = np.where(model.terminal[:, None], 0.0, best(action_values(model, gained, value)))
        moved, value = float(np.abs(better - value).max(initial=0.0)), better
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
