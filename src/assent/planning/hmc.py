"""Hamiltonian Monte Carlo for many chains at once, chains last; whitened by their spread, step size found while warming up. JAX."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

LogDensity = Callable[[Any, jax.Array], tuple[jax.Array, jax.Array]]
"""`(parameters, positions [D, N]) -> (log-density [N], gradient [D, N])`."""

WANTED = 0.8
"""Mean acceptance to adapt to (Betancourt, Byrne and Girolami, "Optimizing the integrator step size", 2014: .6 to .9)."""

FIRST_STEP = 0.25


class Samples(NamedTuple):
    """What T kept draws of N chains in D dimensions are.

    Attributes:
        position: [T, D, N].
        acceptance: [T, N], the chances with which proposals were accepted.
        step: the step size that was settled on, in units of the whitened coordinates.
    """

    position: jax.Array
    acceptance: jax.Array
    step: float


class _State(NamedTuple):
    position: jax.Array
    log_density: jax.Array
    gradient: jax.Array
    log_step: jax.Array
    log_step_mean: jax.Array
    error_mean: jax.Array
    count: jax.Array


def sample(
    log_density: LogDensity,
    parameters: Any,
    key: jax.Array,
    start: jax.Array,
    *,
    warmup: int = 30,
    draws: int = 20,
    leapfrogs: int = 8,
    step: float | None = None,
    spread: np.ndarray | None = None,
) -> Samples:
    """Draws from `log_density`, N chains from `start` [D, N], after `warmup` moves that are thrown away.

    Coordinates are whitened by the covariance of the chains (or `spread` [D, D], a factor B with position = B z): first as they
    start, again halfway through the warm-up; afterwards nothing adapts any more, so kept draws are from a valid chain. The step size
    is adapted to a mean acceptance of .8 by dual averaging over all chains (Hoffman and Gelman, "The No-U-Turn sampler", JMLR 2014,
    section 3.2), and varied by a fifth from move to move against periodic orbits. A proposal whose density is no number is refused.

    Args:
        step: a fixed step size; None adapts it.

    Raises:
        ValueError: fewer chains than one; a start without density.
    """
    if start.ndim != 2 or start.shape[1] < 1:
        raise ValueError(f"start has shape {start.shape}; it must be [dimensions, chains] with at least one chain.")
    log_step = jnp.log(jnp.asarray(FIRST_STEP if step is None else step, dtype=start.dtype))
    adapt = step is None and warmup > 0
    phases = [warmup - warmup // 2, warmup // 2] if spread is None else [warmup, 0]
    position = start
    factor = _factor(np.asarray(start)) if spread is None else spread
    for moves in phases:
        if moves:
            key, now = jax.random.split(key)
            if spread is None:
                factor = _factor(np.asarray(position))
            found = _moves(
                log_density, parameters, now, position, _as(factor, start), log_step, moves, leapfrogs, adapt, False
            )
            position, log_step = found[0].position, found[0].log_step_mean if adapt else log_step
    found = _moves(log_density, parameters, key, position, _as(factor, start), log_step, draws, leapfrogs, False, True)
    if not np.isfinite(np.asarray(found[0].log_density)).all():
        raise ValueError("a chain stands where the density is 0 or no number; start chains where the data is possible.")
    return Samples(found[1][0], found[1][1], float(np.exp(log_step)))


def _as(factor: np.ndarray, like: jax.Array) -> jax.Array:
    return jnp.asarray(factor, dtype=like.dtype)


def _factor(position: np.ndarray) -> np.ndarray:
    """B with B B^T = covariance of the chains, shrunk towards its diagonal where chains are few."""
    dimensions, chains = position.shape
    if chains < 2:
        return np.eye(dimensions)
    position = position.astype(np.float64)
    covariance = np.cov(position).reshape(dimensions, dimensions)
    diagonal = np.maximum(np.diag(covariance), 1e-12 * max(covariance.max(), 1e-12))
    trust = chains / (chains + 2.0 * dimensions)
    return np.linalg.cholesky(trust * covariance + (1 - trust) * np.diag(diagonal) + 1e-9 * np.diag(diagonal))


@partial(jax.jit, static_argnames=("log_density", "moves", "leapfrogs", "adapt", "keep"))
def _moves(
    log_density: LogDensity,
    parameters: Any,
    key: jax.Array,
    position: jax.Array,
    factor: jax.Array,
    log_step: jax.Array,
    moves: int,
    leapfrogs: int,
    adapt: bool,
    keep: bool,
) -> tuple[_State, Any]:
    """`moves` moves; with `keep` also positions [T, D, N] and acceptances [T, N]."""
    zero = jnp.zeros_like(log_step)
    first = _State(position, *log_density(parameters, position), log_step, log_step, zero, zero)

    def move(state: _State, key: jax.Array) -> tuple[_State, Any]:
        state, accepted = _move(log_density, parameters, factor, state, key, leapfrogs)
        if adapt:
            state = _adapted(state, jnp.mean(accepted), log_step)
        return state, (state.position, accepted) if keep else None

    return lax.scan(move, first, jax.random.split(key, moves))


def _move(
    log_density: LogDensity, parameters: Any, factor: jax.Array, state: _State, key: jax.Array, leapfrogs: int
) -> tuple[_State, jax.Array]:
    kick_key, step_key, accept_key = jax.random.split(key, 3)
    dtype = state.position.dtype
    momentum = jax.random.normal(kick_key, state.position.shape, dtype=dtype)
    jitter = jax.random.uniform(step_key, state.log_density.shape, dtype=dtype, minval=0.8, maxval=1.2)
    step = jnp.exp(state.log_step) * jitter[None]

    def leap(_: Any, walk: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        position, momentum, _, gradient = walk
        momentum = momentum + 0.5 * step * (factor.T @ gradient)
        position = position + factor @ (step * momentum)
        value, gradient = log_density(parameters, position)
        return position, momentum + 0.5 * step * (factor.T @ gradient), value, gradient

    begin = (state.position, momentum, state.log_density, state.gradient)
    end, left, value, gradient = lax.fori_loop(0, leapfrogs, leap, begin)
    gain = value - state.log_density - 0.5 * (jnp.sum(left**2, axis=0) - jnp.sum(momentum**2, axis=0))
    chance = jnp.where(jnp.isfinite(gain), jnp.exp(jnp.minimum(gain, jnp.zeros_like(gain))), jnp.zeros_like(gain))
    taken = jax.random.uniform(accept_key, chance.shape, dtype=dtype) < chance

    def chosen(new: jax.Array, old: jax.Array) -> jax.Array:
        return jnp.where(taken, new, old)

    moved = state._replace(
        position=jnp.where(taken[None], end, state.position),
        log_density=chosen(value, state.log_density),
        gradient=jnp.where(taken[None], gradient, state.gradient),
    )
    return moved, chance


def _adapted(state: _State, accepted: jax.Array, log_start: jax.Array) -> _State:
    """Dual averaging with the constants of its source: gamma .05, t0 10, kappa .75."""
    count = state.count + 1
    error = state.error_mean + (WANTED - accepted - state.error_mean) / (count + 10)
    log_step = log_start + jnp.log(jnp.asarray(2.0, count.dtype)) - error * jnp.sqrt(count) / 0.05
    weight = count**-0.75
    log_step_mean = weight * log_step + (1 - weight) * state.log_step_mean
    return state._replace(log_step=log_step, log_step_mean=log_step_mean, error_mean=error, count=count)
