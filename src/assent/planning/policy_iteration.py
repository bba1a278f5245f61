"""Optimal values of small worlds, exact up to float64's rounding, for many rewards at once. NumPy only."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from assent.planning.model import check_chances, every_policy_ends

MAX_DENSE_STATES = 2_000
"""Beyond this a dense linear solve per reward is no small matter; value iteration is meant for those worlds."""

SETTLES = 200
"""Rounds of policy iteration after which rounding must be what still changes policies, that of values elsewhere among it."""

LONGEST_SWEEPS = 100_000
"""Sweeps after which a bound on the length of lives is given up."""

_BLOCK = 2**23
"""Numbers in one batch of matrices: 64 MiB in float64."""


class Solution(NamedTuple):
    """What a solver found for N rewards. Arrays are NumPy's or JAX's, whichever the solver works in.

    Attributes:
        value: [S, N], the values; 0 in terminal states.
        quality: [S, A, N], the action values Q that belong to them.
        sweeps: how often all states were backed up (policy iteration: how many policies were evaluated).
        residual: the largest change of the last sweep.
        error: certified bound on |value - true value|, rounding included, over all states and rewards.
    """

    value: Any
    quality: Any
    sweeps: int
    residual: float
    error: float


def solve_exact(
    successor: np.ndarray, chance: np.ndarray, reward: np.ndarray, discount: float, terminal: np.ndarray
) -> Solution:
    """The optimal values by policy iteration, one linear solve for each reward and policy; ties keep the lower action.

    Howard, "Dynamic Programming and Markov Processes" (1960). Policies change only where that gains more than rounding could
    feign, so the last policy is optimal up to that slack, and the slack is part of `error`.

    Args:
        successor: integer [S, A, K], states.
        chance: [S, A, K], each row sums to 1.
        reward: [S, A, N], expected reward of doing the action there; what is said of terminal states is ignored.
        discount: in (0, 1]; 1 only if every policy ends.
        terminal: boolean [S].

    Raises:
        ValueError: no rewards, a reward that is not finite, discount = 1 without certain termination, or too many states.

    One state, two actions that stay there and give 1 and 2:

    >>> stay = np.zeros((1, 2, 1), dtype=int)
    >>> found = solve_exact(stay, np.ones((1, 2, 1)), np.array([[[1.0], [2.0]]]), 0.5, np.array([False]))
    >>> found.value, found.quality[:, :, 0]
    (array([[4.]]), array([[3., 4.]]))
    """
    value, quality, rounds = optimal_values(successor, chance, reward, discount, terminal)
    residual = float(np.abs(np.where(terminal[:, None], 0.0, quality.max(axis=1) - value)).max())
    steps = longest(successor, chance, discount, terminal)
    rounding = 4 * np.finfo(np.float64).eps * float(np.abs(value).max()) * steps
    return Solution(value, quality, rounds, residual, residual * steps + rounding)


def optimal_values(
    successor: np.ndarray, chance: np.ndarray, reward: np.ndarray, discount: float, terminal: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Value [S, N], quality [S, A, N] and the policies evaluated: `solve_exact` without the bound on its error.

    Raises:
        ValueError: as `solve_exact`.
    """
    check_problem(successor, chance, reward, discount, terminal)
    num_states = len(successor)
    if num_states > MAX_DENSE_STATES:
        raise ValueError(f"{num_states:,} states are too many for linear solves; use value_iteration.solve.")
    reward = np.where(terminal[:, None, None], 0.0, np.asarray(reward, dtype=np.float64))
    width = max(1, _BLOCK // num_states**2)
    slices = [reward[:, :, start : start + width] for start in range(0, reward.shape[2], width)]
    parts = [_policy_iteration(successor, chance, part, discount, terminal) for part in slices]
    value, quality = (np.concatenate([part[i] for part in parts], axis=-1) for i in (0, 1))
    return value, quality, max(part[2] for part in parts)


def _policy_iteration(
    successor: np.ndarray, chance: np.ndarray, reward: np.ndarray, discount: float, terminal: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    policy = reward.argmax(axis=1)
    # more rounds than Howard's algorithm has ever been seen to need; each strictly improves some policy
    for rounds in range(1, 1_000 + len(successor)):
        value = _evaluate(successor, chance, reward, discount, terminal, policy)
        quality = backup(successor, chance, reward, discount, terminal, value)
        here = np.take_along_axis(quality, policy[:, None], axis=1)[:, 0]
        # a state's own rounding: what is huge elsewhere must not hide what is better here
        size = np.abs(quality).max(axis=1) + np.abs(value)
        if rounds > SETTLES:
            size = size.max(axis=0)
        slack = 64 * np.finfo(np.float64).eps * size
        better = quality.max(axis=1) > here + slack
        if not better.any():
            return value, quality, rounds
        policy = np.where(better, quality.argmax(axis=1), policy)
    raise ArithmeticError("policy iteration did not settle; the rewards may differ by more than float64 can hold.")


def _evaluate(
    successor: np.ndarray,
    chance: np.ndarray,
    reward: np.ndarray,
    discount: float,
    terminal: np.ndarray,
    policy: np.ndarray,
) -> np.ndarray:
    """The value [S, N] of one deterministic policy [S, N] for each reward, refined once against rounding."""
    num_states, num_rewards = policy.shape
    rows = np.arange(num_states)[:, None]
    matrix = np.zeros((num_rewards, num_states, num_states))
    matrix[:, rows[:, 0], rows[:, 0]] = 1.0
    each = np.arange(num_rewards)[None, :]
    for k in range(successor.shape[2]):
        weight = np.where(terminal[:, None], 0.0, discount * chance[rows, policy, k])
        np.add.at(matrix, (each, rows, successor[rows, policy, k]), -weight)
    gain = np.take_along_axis(reward, policy[:, None], axis=1)[:, 0].T[:, :, None]
    value = np.linalg.solve(matrix, gain)
    value += np.linalg.solve(matrix, gain - matrix @ value)
    return value[:, :, 0].T


def evaluate_exact(
    successor: np.ndarray,
    chance: np.ndarray,
    reward: np.ndarray,
    discount: float,
    terminal: np.ndarray,
    policy: np.ndarray,
) -> np.ndarray:
    """The value [S, N] of one policy, probabilities [S, A], under each of N rewards, by one linear solve.

    Raises:
        ValueError: as `solve_exact`, or a policy that is no distribution in some state.
    """
    check_problem(successor, chance, reward, discount, terminal)
    num_states = len(successor)
    if policy.shape != successor.shape[:2] or not np.allclose(policy.sum(axis=1), 1) or policy.min() < 0:
        raise ValueError(
            f"policy {policy.shape} must be probabilities [S, A] that sum to 1 in each of {num_states} states."
        )
    going = np.where(terminal, 0.0, 1.0)
    matrix = np.eye(num_states)
    weight = -discount * going[:, None, None] * policy[:, :, None] * chance
    rows = np.broadcast_to(np.arange(num_states)[:, None, None], successor.shape)
    np.add.at(matrix, (rows, successor), weight)
    gain = going[:, None] * (policy[:, :, None] * np.asarray(reward, dtype=np.float64)).sum(axis=1)
    return np.linalg.solve(matrix, gain)


def backup(
    successor: np.ndarray,
    chance: np.ndarray,
    reward: np.ndarray,
    discount: float,
    terminal: np.ndarray,
    value: np.ndarray,
) -> np.ndarray:
    """Action values [S, A, N] one step ahead of `value` [S, N]; 0 in terminal states."""
    ahead = np.zeros(reward.shape)
    for k in range(successor.shape[2]):
        ahead += chance[:, :, k, None] * value[successor[:, :, k]]
    return np.where(terminal[:, None, None], 0.0, reward + discount * ahead)


def longest(successor: np.ndarray, chance: np.ndarray, discount: float, terminal: np.ndarray) -> float:
    """At least the greatest expected number of (discounted) steps before the end, over all policies.

    For a discount below 1 it is 1 / (1 - discount). For 1 it comes from any w with w >= 1 + P_a w for all actions a, which policy
    iteration on a reward of 1 a step finds (sweeps beyond 2,000 states). With it, a sweep that changes values by at most r leaves
    them within r (longest - 1) of the optimum: the usual gamma / (1 - gamma), and its like for worlds that end.

    Raises:
        ValueError: lives are too long for a bound to be found.
    """
    if discount < 1:
        return 1 / (1 - discount)
    if terminal.all():
        return 1.0
    each = np.where(terminal, 0.0, 1.0)
    steps = each
    if len(terminal) <= MAX_DENSE_STATES:
        one = np.broadcast_to(each[:, None, None], (*successor.shape[:2], 1))
        steps = np.maximum(_policy_iteration(successor, chance, one, 1.0, terminal)[0][:, 0], each)
    for _ in range(LONGEST_SWEEPS):
        after = (chance * steps[successor]).sum(axis=2).max(axis=1)
        surplus = (steps - after)[~terminal].min()
        if surplus > 0.5:
            return float(steps.max() / surplus)
        steps = np.where(terminal, 0.0, 1.0 + after)
    raise ValueError(
        f"lives last more than {steps.max():.3g} steps: with discount = 1 no bound on the error is found. Give a discount below 1."
    )


def check_problem(
    successor: np.ndarray, chance: np.ndarray, reward: Any, discount: float, terminal: np.ndarray
) -> None:
    """Refuse what has no finite optimal values.

    Raises:
        ValueError: shapes that do not fit; successors that are no states; chances that are none; no rewards; rewards that are not
            finite; a discount outside (0, 1]; a discount of 1 where some policy never ends.
    """
    if successor.ndim != 3 or chance.shape != successor.shape or terminal.shape != successor.shape[:1]:
        raise ValueError(
            f"successor {successor.shape} and chance {chance.shape} must be [S, A, K], terminal {terminal.shape} [S]."
        )
    if len(reward.shape) != 3 or tuple(reward.shape[:2]) != successor.shape[:2]:
        raise ValueError(
            f"reward has shape {tuple(reward.shape)}; it must be [S, A, N] with {successor.shape[:2]} states and actions, hypotheses last."
        )
    if reward.shape[2] == 0:
        raise ValueError("there are 0 hypotheses: give at least one reward [S, A, N] with N >= 1.")
    check_chances(successor, chance, terminal)
    # a sum is not finite if an entry is not; infinities of both signs give NaN
    if not np.isfinite(np.asarray(reward.sum())) and not np.isfinite(np.asarray(reward)).all():
        raise ValueError("a reward is NaN or infinite; values would be too. Give finite rewards.")
    if not 0 < discount <= 1:
        raise ValueError(f"discount = {discount} is outside (0, 1].")
    if discount == 1 and not every_policy_ends(successor, chance, terminal):
        raise ValueError(
            "discount = 1, and some policy never ends: its values are not finite. Give a discount below 1, or a horizon."
        )
