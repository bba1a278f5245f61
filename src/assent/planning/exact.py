"""Optimal values in NumPy: policy iteration with linear solves, many rewards at a time, for worlds of up to some thousand states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assent.planning.model import Model

BATCH_NUMBERS = 1 << 24
"""Numbers in one batch of linear systems [M, S, S]: 128 MiB."""

DENSE_STATES = 1_500
"""Worlds of more states are solved by sweeps: a dense system [S, S] of 10,000 states alone would take 800 MB."""

SWEPT = 1e-10
"""The part of the largest reward that sweeps may leave over."""

MAX_SWEEPS = 100_000

IMPROVES = 1e-12
"""The part of the largest value by which an action must be better to be taken up: above the rounding of a linear solve, so that
policy iteration ends."""


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
    """Optimal values of `gained` [S, A, M], exact up to rounding; terminal states give 0 whatever is said of them.

    Howard, "Dynamic Programming and Markov Processes" (1960): policy iteration, all M rewards at once.

    Args:
        floor: what a life may be ended for at any time, or None where it may not be.

    Raises:
        ValueError: `gained` has another shape, or is not finite.
    """
    gained = _checked(model, gained)
    num_states, _, count = gained.shape
    if num_states > DENSE_STATES:
        value = _sweep(model, gained, floor)
        return Exact(value, action_values(model, gained, value))
    chunk = max(1, BATCH_NUMBERS // num_states**2)
    parts = [_iterate(model, gained[:, :, first : first + chunk], floor) for first in range(0, count, chunk)]
    value = np.concatenate(parts, axis=1) if parts else np.zeros((num_states, 0))
    return Exact(value, action_values(model, gained, value))


def action_values(model: Model, gained: np.ndarray, value: np.ndarray) -> np.ndarray:
    """[S, A, M]: `gained` [S, A, M] now and `value` [S, M] afterwards, discounted; 0 in terminal states."""
    quality = gained + model.discount * model.expected(value)
    return np.where(model.terminal[:, None, None], 0.0, quality)


def evaluate(model: Model, policy: np.ndarray, gained: np.ndarray) -> np.ndarray:
    """[S, M]: what following `policy` [S, M] (actions) gains from each state, `gained` being [S, A, M]."""
    gained = _checked(model, gained)
    states = np.arange(model.num_states)[:, None]
    return _evaluate(model, policy, gained[states, policy, np.arange(policy.shape[1])], np.zeros(policy.shape, bool))


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


def _iterate(model: Model, gained: np.ndarray, floor: float | None) -> np.ndarray:
    states, items = np.arange(model.num_states)[:, None], np.arange(gained.shape[2])
    policy = gained.argmax(axis=1)
    stopped = np.zeros(policy.shape, dtype=bool)
    while True:
        value = _evaluate(model, policy, gained[states, policy, items], stopped, floor or 0.0)
        quality = action_values(model, gained, value)
        margin = IMPROVES * np.maximum(np.abs(value).max(axis=0), np.abs(gained).max(axis=(0, 1)))
        best = quality.argmax(axis=1)
        better = quality[states, best, items] > value + margin
        changed = better & ~model.terminal[:, None]
        policy = np.where(changed, best, policy)
        stopped &= ~changed
        if floor is not None:
            gives_up = (quality.max(axis=1) < floor - margin) & ~stopped & ~model.terminal[:, None]
            stopped |= gives_up
            changed |= gives_up
        if not changed.any():
            return value


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


def _evaluate(
    model: Model, policy: np.ndarray, gained: np.ndarray, stopped: np.ndarray, floor: float = 0.0
) -> np.ndarray:
    num_states, count = policy.shape
    states = np.arange(num_states)[:, None]
    ends = stopped | model.terminal[:, None]
    system = np.zeros((count, num_states, num_states))
    for branch in range(model.successor.shape[2]):
        weight = np.where(ends, 0.0, model.discount * model.chance[states, policy, branch])
        np.add.at(system, (np.arange(count)[None, :], states, model.successor[states, policy, branch]), -weight)
    system[:, np.arange(num_states), np.arange(num_states)] += 1.0
    wanted = np.where(stopped, floor, np.where(model.terminal[:, None], 0.0, gained))
    return np.linalg.solve(system, wanted.T[:, :, None])[:, :, 0].T


def _checked(model: Model, gained: np.ndarray) -> np.ndarray:
    if gained.ndim != 3 or gained.shape[:2] != (model.num_states, model.num_actions):
        raise ValueError(
            f"what is gained has shape {gained.shape}; it must be {[model.num_states, model.num_actions, 'M']}."
        )
    if not np.isfinite(gained).all():
        raise ValueError("a reward is not a finite number: nothing can be optimal.")
    return np.where(model.terminal[:, None, None], 0.0, gained)
