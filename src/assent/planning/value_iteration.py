"""Value iteration for many rewards at once: hypotheses lie last, so that a backup is a row copy and a sum. JAX."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from assent.planning.policy_iteration import Solution, check_problem, longest, solve_exact

__all__ = ["Solution", "evaluate", "solve", "solve_exact"]

BLOCK = 128
"""Rewards that a processor's core works on together: their values and rewards stay in its cache from sweep to sweep."""

CHECK_EVERY = 8
"""Sweeps between two looks at the residual; looking costs about as much as a sweep."""


class _Problem(NamedTuple):
    """What is traced: changing any number in it compiles nothing anew."""

    successor: jax.Array
    chance: jax.Array | None
    terminal: jax.Array
    discount: jax.Array
    enough: jax.Array
    beta: jax.Array | None
    policy: jax.Array | None


def solve(
    successor: np.ndarray,
    chance: np.ndarray,
    reward: Any,
    discount: float,
    terminal: np.ndarray,
    tolerance: float = 1e-4,
    *,
    beta: float | None = None,
    block: int | None = None,
) -> Solution:
    """The optimal values of N rewards: sweeps over all states until every value is certainly within `tolerance`.

    A sweep that changes no value by more than r leaves all within r gamma / (1 - gamma) of the optimum (Puterman, "Markov Decision
    Processes", 1994, section 6.3); where discount = 1, `policy_iteration.longest` says what stands in for the factor. Where the
    tolerance is finer than the numbers can tell, sweeps end when rounding is all that moves; `error` says what was reached.

    Args:
        successor: integer [S, A, K], states.
        chance: [S, A, K], each row sums to 1. With K = 1 nothing is multiplied.
        reward: [S, A, N], NumPy's or JAX's; float32 is computed in float32 (fast), float64 in float64.
        discount: in (0, 1]; 1 only if every policy ends.
        terminal: boolean [S]; absorbing, worth 0 whatever the rewards say there.
        tolerance: absolute, in units of reward; above 0.
        beta: inverse temperature of soft values (maximum entropy): the maximum over actions becomes
            log(sum(exp(beta Q))) / beta (Ziebart, Bagnell and Dey, "Modeling interaction via the principle of maximum causal
            entropy", 2010). None for the maximum.
        block: rewards worked on together; None for what suits the machine.

    Raises:
        ValueError: as `solve_exact`; a tolerance or beta that is not above 0.

    >>> stay = np.zeros((1, 2, 1), dtype=int)
    >>> found = solve(stay, np.ones((1, 2, 1)), np.array([[[1.0], [2.0]]]), 0.5, np.array([False]), 1e-9)
    >>> float(found.value[0, 0]).__round__(6), found.error <= 1e-9
    (4.0, True)
    """
    if beta is not None and not (math.isfinite(beta) and beta > 0):
        raise ValueError(f"beta = {beta} must be a finite number above 0, or None for the maximum.")
    return _solve(successor, chance, reward, discount, terminal, tolerance, beta=beta, policy=None, block=block)


def evaluate(
    successor: np.ndarray,
    chance: np.ndarray,
    reward: Any,
    discount: float,
    terminal: np.ndarray,
    policy: np.ndarray,
    tolerance: float = 1e-4,
    *,
    block: int | None = None,
) -> Solution:
    """The values of one policy, probabilities [S, A], under each of N rewards; otherwise as `solve`.

    >>> stay = np.zeros((1, 2, 1), dtype=int)
    >>> either = np.full((1, 2), 0.5)
    >>> found = evaluate(stay, np.ones((1, 2, 1)), np.array([[[1.0], [2.0]]]), 0.5, np.array([False]), either, 1e-9)
    >>> float(found.value[0, 0]).__round__(6)
    3.0
    """
    if policy.shape != successor.shape[:2] or policy.min() < 0 or not np.allclose(policy.sum(axis=1), 1):
        raise ValueError(f"policy {policy.shape} must be probabilities [S, A] that sum to 1 in every state.")
    return _solve(successor, chance, reward, discount, terminal, tolerance, beta=None, policy=policy, block=block)


def _solve(
    successor: np.ndarray,
    chance: np.ndarray,
    reward: Any,
    discount: float,
    terminal: np.ndarray,
    tolerance: float,
    *,
    beta: float | None,
    policy: np.ndarray | None,
    block: int | None,
) -> Solution:
    check_problem(successor, chance, reward, discount, terminal)
    if not tolerance > 0:
        raise ValueError(f"tolerance = {tolerance} must be above 0, in units of reward.")
    steps = longest(successor, chance, discount, terminal)
    dtype = np.dtype(np.float64 if reward.dtype == np.float64 else np.float32)
    here = np.where(terminal, np.arange(len(terminal)), 0)[:, None, None]
    sure = successor.shape[2] == 1

    def number(value: float | np.ndarray) -> jax.Array:
        return jnp.asarray(value, dtype=dtype)

    with _precision(dtype):
        problem = _Problem(
            jnp.asarray(np.where(terminal[:, None, None], here, successor), dtype=jnp.int32),
            None if sure else number(chance),
            jnp.asarray(terminal),
            number(discount),
            number(tolerance / max(steps - 1, 1e-3)),
            None if beta is None else number(beta),
            None if policy is None else number(policy),
        )
        parts = _run(problem, reward, dtype, _block(reward.shape[2], block))
        value, quality, sweeps, residual = (_joined([part[i] for part in parts]) for i in range(4))
        moved, top = float(residual.max()), float(jnp.max(jnp.abs(quality)))
    rounding = 2 * float(np.finfo(dtype).eps) * top * steps
    return Solution(value, quality, int(sweeps.max()), moved, moved * max(steps - 1, 0.0) + rounding)


def _run(problem: _Problem, reward: Any, dtype: np.dtype, block: int) -> list[Any]:
    """The parts of the solution, one for each core: the compiled loop lets go of Python's lock while it runs."""
    num_rewards = reward.shape[2]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    workers = min(cores, num_rewards // (2 * block)) if jax.default_backend() == "cpu" else 1
    if workers < 2:
        return [_blocks(problem, jnp.asarray(reward, dtype=dtype), block)]
    edges = np.linspace(0, num_rewards, workers + 1).astype(int)

    def part(low: int, high: int) -> Any:
        with _precision(dtype):
            return jax.block_until_ready(_blocks(problem, jnp.asarray(reward[:, :, low:high], dtype=dtype), block))

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(part, edges[:-1].tolist(), edges[1:].tolist()))


def _joined(parts: list[jax.Array]) -> jax.Array:
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis=-1)


def _block(num_rewards: int, wanted: int | None) -> int:
    if wanted is not None and wanted < 1:
        raise ValueError(f"block = {wanted}: at least one reward must be worked on at a time.")
    usual = BLOCK if jax.default_backend() == "cpu" else num_rewards
    return min(num_rewards, wanted or usual)


@contextmanager
def _precision(dtype: np.dtype) -> Iterator[None]:
    with jax.enable_x64(dtype == np.float64):
        yield


@partial(jax.jit, static_argnames="block")
def _blocks(problem: _Problem, reward: jax.Array, block: int) -> tuple[jax.Array, ...]:
    """Block after block: value [S, N], quality [S, A, N], sweeps [blocks], residual [blocks]. The last block may overlap."""
    num_rewards = reward.shape[2]
    starts = jnp.minimum(jnp.arange(0, num_rewards, block, dtype=jnp.int32), num_rewards - block)

    def one(found: tuple[jax.Array, jax.Array], start: jax.Array) -> tuple[tuple[jax.Array, jax.Array], Any]:
        part = lax.dynamic_slice_in_dim(reward, start, block, axis=2)
        part = jnp.where(problem.terminal[:, None, None], jnp.zeros_like(part), part)
        value, sweeps, residual = _iterate(problem, part)
        quality = jnp.stack(_qualities(problem, part, value), axis=1)
        value = _best(problem, [quality[:, a] for a in range(quality.shape[1])])
        put = lax.dynamic_update_slice_in_dim
        return (put(found[0], value, start, axis=1), put(found[1], quality, start, axis=2)), (sweeps, residual)

    empty = (jnp.zeros_like(reward[:, 0]), jnp.zeros_like(reward))
    (value, quality), (sweeps, residual) = lax.scan(one, empty, starts)
    return value, quality, sweeps, residual


def _iterate(problem: _Problem, reward: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Sweeps until the change is small enough, or no more than rounding: value [S, B], sweeps, the last change."""
    finest = 2 * float(jnp.finfo(reward.dtype).eps)

    def sweep(value: jax.Array) -> jax.Array:
        return _best(problem, _qualities(problem, reward, value))

    def some(state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        value, sweeps, _, _ = state
        before = lax.fori_loop(0, CHECK_EVERY - 1, lambda _, value: sweep(value), value)
        after = sweep(before)
        change = jnp.max(jnp.abs(after - before))
        floor = finest * jnp.max(jnp.abs(after))
        return after, sweeps + CHECK_EVERY, change, floor

    def going(state: tuple[jax.Array, ...]) -> jax.Array:
        _, _, change, floor = state
        return change > jnp.maximum(problem.enough, floor)

    far = jnp.asarray(jnp.inf, dtype=reward.dtype)
    start = (jnp.zeros_like(reward[:, 0]), jnp.asarray(0, dtype=jnp.int32), far, jnp.zeros_like(far))
    value, sweeps, change, _ = lax.while_loop(going, some, start)
    return value, sweeps, change


def _qualities(problem: _Problem, reward: jax.Array, value: jax.Array) -> list[jax.Array]:
    """For each action its values [S, B]. A list, not an axis: so the maximum is fused with the sums instead of a reduction."""
    return [reward[:, action] + problem.discount * _ahead(problem, value, action) for action in range(reward.shape[1])]


def _ahead(problem: _Problem, value: jax.Array, action: int) -> jax.Array:
    places = problem.successor[:, action]
    rows = [value.at[places[:, k]].get(mode="promise_in_bounds") for k in range(places.shape[1])]
    if problem.chance is None:
        return rows[0]
    return sum((problem.chance[:, action, k, None] * row for k, row in enumerate(rows)), start=jnp.zeros_like(rows[0]))


def _best(problem: _Problem, qualities: list[jax.Array]) -> jax.Array:
    if problem.policy is not None:
        weighted = [problem.policy[:, action, None] * quality for action, quality in enumerate(qualities)]
        return sum(weighted[1:], start=weighted[0])
    top = qualities[0]
    for quality in qualities[1:]:
        top = jnp.maximum(top, quality)
    if problem.beta is None:
        return top
    total = sum((jnp.exp(problem.beta * (quality - top)) for quality in qualities), start=jnp.zeros_like(top))
    soft = top + jnp.log(total) / problem.beta
    return jnp.where(problem.terminal[:, None], jnp.zeros_like(soft), soft)
