"""The posterior of rewards seen from their optimal values: the policy is summed out exactly, so nothing has to be solved. JAX.

`docs/reward-posterior.md` derives every formula used here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import log_ndtr, logsumexp

from assent.planning.model import Model

IMPOSSIBLE = -60.0
"""Log-weight, beside the likeliest action's, that stands for zero: far below what float32 adds up, and a number with a gradient."""

ELIMINATE_UP_TO = 48
"""States up to which matrices are inverted side by side, chains last; beyond, LAPACK does it one by one."""

NODES = 32
"""Points of the Gauss-Legendre rule for places where not every action may be shown; about 1e-7 in the weights."""


class ValueSpace(NamedTuple):
    """A world, an independent prior of each reward, and what corrections have said. A pytree; S live (not terminal) states.

    Attributes:
        transition: [S, A, S], chances between live states; what is missing from 1 ends.
        discount: scalar.
        log_share: [C, S, A], log-weights of the C normal components of each reward's prior.
        mean, sd: [C, S, A], their means and standard deviations, above 0.
        log_weight: [S, A], log-likelihood of all corrections in a state, given that the action is the best one there; 0 where none.
            Where an action may not be shown, what corrections say is worked out from `masked` and `shown` and added.
        masked: integer [M], the states that were corrected although some action may not be shown there; often none.
        shown: [M, A], log-likelihood of their corrections, given the best action among those that may be shown; minus infinity for others.
    """

    transition: jax.Array
    discount: jax.Array
    log_share: jax.Array
    mean: jax.Array
    sd: jax.Array
    log_weight: jax.Array
    masked: jax.Array
    shown: jax.Array


class Density(NamedTuple):
    """What is known at N value vectors.

    Attributes:
        log_density: [N], up to the evidence: its exponential integrates to P(data).
        score: [S, N], its gradient.
        policy: [S, A, N], P(action is optimal | values, data); sums to 1 over actions.
        reward: [S, A, N], E[R | values, data].
    """

    log_density: jax.Array
    score: jax.Array
    policy: jax.Array
    reward: jax.Array


def value_space(
    model: Model,
    mean: np.ndarray,
    sd: np.ndarray,
    log_weight: np.ndarray,
    *,
    judged: np.ndarray | None = None,
    share: np.ndarray | None = None,
) -> ValueSpace:
    """The value space of a model's places (modes of the overseer change nothing physical, or this is the wrong density).

    Args:
        mean, sd: [P, A], or [C, P, A] for mixtures of normal distributions.
        log_weight: [P, A], the sum over corrections in each place of log L(shown action | the best action that may be shown).
        judged: [P, A], the log-likelihood of what was made known otherwise, as by silence, given the best action of all; left out
            where nothing was.
        share: [C, P, A], the mixtures' weights; left out for one component.

    Raises:
        ValueError: an sd that is not above 0 (an atom has no density); shapes that do not fit; a mixture in a place that was
            corrected although some action may not be shown there; a disable action that changes where actions lead; a place where no
            best action explains what was said.
    """
    live = np.flatnonzero(~model.terminal[: model.num_places])
    mean, sd = (np.asarray(x, dtype=np.float64).reshape((-1, *x.shape[-2:]))[:, live] for x in (mean, sd))
    share = np.ones(mean.shape) if share is None else np.asarray(share, dtype=np.float64)[:, live]
    if not (np.isfinite(sd).all() and sd.min() > 0):
        raise ValueError(
            f"an sd of the prior is {sd.min()}; a reward that is known, or has an atom, has no density. Use SMC."
        )
    transition = place_transitions(model)[live][:, :, live]
    allowed = model.answerable[live]
    log_weight = np.where(allowed, np.asarray(log_weight, dtype=np.float64)[live], 0.0)
    masked = np.flatnonzero((log_weight != 0).any(axis=1) & ~allowed.all(axis=1))
    if len(masked) and len(mean) > 1:
        raise ValueError("mixtures of normals do not go with corrections where some action may not be shown. Use SMC.")
    judged = np.zeros(log_weight.shape) if judged is None else np.asarray(judged, dtype=np.float64)[live]
    plain = log_weight + judged
    plain[masked] = judged[masked]
    shown = np.where(allowed, log_weight, -np.inf)[masked]
    if not (np.isfinite(plain).any(axis=1).all() and np.isfinite(shown).any(axis=1).all()):
        raise ValueError("the corrections of some place have probability 0 whichever action is the best one there.")
    shown = np.where(allowed[masked], floored(shown), -np.inf)
    dtype = jnp.result_type(float)

    def number(value: np.ndarray | float) -> jax.Array:
        return jnp.asarray(value, dtype=dtype)

    with np.errstate(divide="ignore"):
        log_share = np.log(share)
    return ValueSpace(
        number(transition),
        number(model.discount),
        number(log_share),
        number(mean),
        number(sd),
        number(floored(plain)),
        jnp.asarray(masked, dtype=jnp.int32),
        number(shown),
    )


def floored(log_weight: np.ndarray) -> np.ndarray:
    """[..., A], no log-weight further than `IMPOSSIBLE` below the greatest of its row, however unlikely all of them have become."""
    return np.maximum(log_weight, log_weight.max(axis=-1, keepdims=True) + IMPOSSIBLE)


def place_transitions(model: Model) -> np.ndarray:
    """[P, A, P]: the chances of places after each action, whatever has become of the overseer.

    Raises:
        ValueError: the chances differ between modes, so that a place's optimal values do too.
    """
    weights = np.zeros((model.num_states, model.num_actions, model.num_places))
    rows, actions = np.indices(weights.shape[:2])
    for k in range(model.successor.shape[2]):
        np.add.at(weights, (rows, actions, model.place[model.successor[:, :, k]]), model.chance[:, :, k])
    going = ~model.terminal
    apart = np.abs(weights - weights[model.place])[going].max(initial=0.0)
    if apart > 1e-12:
        raise ValueError(
            f"where actions lead depends on what became of the overseer (chances differ by {apart:.3g}): "
            "there is no value of a place. Use SMC."
        )
    return weights[: model.num_places]


@jax.jit
def density(space: ValueSpace, value: jax.Array) -> Density:
    """Log-density, score, policy and mean reward at `value` [S, N]."""
    threshold = value[:, None] - space.discount * _product("sap,pn->san", space.transition, value)
    log_below, log_hazard, slope, _ = _prior(space, threshold)
    weight, pull = jax.vjp(lambda u: _log_weight(space, u), threshold)
    log_row = logsumexp(weight + log_hazard, axis=1)
    mixed = jnp.exp(weight + log_hazard - log_row[:, None])
    num_states = value.shape[0]
    matrix = jnp.eye(num_states, dtype=value.dtype)[:, :, None] - space.discount * _product(
        "sap,san->spn", space.transition, mixed
    )
    inverse, log_determinant = _inverted(matrix)
    own = jnp.diagonal(inverse, axis1=0, axis2=1).T
    policy = mixed * (own[:, None] - space.discount * _product("sap,psn->san", space.transition, inverse))
    score = (1 - policy) * jnp.exp(log_hazard) + policy * slope + pull(policy)[0]
    along = jnp.sum(score, axis=1) - space.discount * _product("sap,san->pn", space.transition, score)
    log_density = jnp.sum(log_row, axis=0) + log_determinant + jnp.sum(log_below, axis=(0, 1))
    return Density(log_density, along, policy, _mean_reward(space, threshold, policy, score))


def draw_rewards(space: ValueSpace, key: jax.Array, value: jax.Array) -> jax.Array:
    """Rewards [S, A, N] drawn from their distribution given the values and the data, for priors of one normal each.

    The optimal actions of different states depend on each other through the determinant; they are drawn state by state, each
    given those before, by the same formula as `Density.policy` with the rows already drawn made certain. So draws of values become
    draws of rewards, for whatever is no mean over them.

    Raises:
        ValueError: a mixture of normals.
    """
    if space.mean.shape[0] > 1:
        raise ValueError("rewards are drawn for priors of one normal each, not for mixtures. Use SMC.")
    return _drawn(space, key, value)


@jax.jit
def _drawn(space: ValueSpace, key: jax.Array, value: jax.Array) -> jax.Array:
    threshold = value[:, None] - space.discount * _product("sap,pn->san", space.transition, value)
    _, log_hazard, _, _ = _prior(space, threshold)
    weight = _log_weight(space, threshold) + log_hazard
    mixed = jax.nn.softmax(weight, axis=1)
    num_states, num_actions, _ = mixed.shape
    pick_key, fill_key = jax.random.split(key)
    gumbel = jax.random.gumbel(pick_key, mixed.shape, dtype=mixed.dtype)
    eye = jnp.eye(num_states, dtype=value.dtype)

    def settle(state: Any, mixed: jax.Array) -> jax.Array:
        matrix = eye[:, :, None] - space.discount * _product("sap,san->spn", space.transition, mixed)
        column = _inverted(matrix)[0][:, state]
        gain = column[state][None] - space.discount * _product("ap,pn->an", space.transition[state], column)
        chance = jnp.maximum(mixed[state] * gain, jnp.finfo(mixed.dtype).tiny)
        best = jnp.argmax(jnp.log(chance) + gumbel[state], axis=0)
        return mixed.at[state].set(jax.nn.one_hot(best, num_actions, axis=0, dtype=mixed.dtype))

    chosen = lax.fori_loop(0, num_states, settle, mixed)
    top = (threshold - space.mean[0][:, :, None]) / space.sd[0][:, :, None]
    low = _truncated_below(fill_key, top)
    return jnp.where(chosen > 0.5, threshold, space.mean[0][:, :, None] + space.sd[0][:, :, None] * low)


def _truncated_below(key: jax.Array, top: jax.Array) -> jax.Array:
    """Standard normal numbers conditioned to be at most `top`: the inverse of log Phi by bisection, stable in the far tail."""
    smallest = jnp.finfo(top.dtype).tiny
    wanted = log_ndtr(top) + jnp.log(jax.random.uniform(key, top.shape, dtype=top.dtype, minval=smallest))
    far = jnp.minimum(top, -1.0) - 16.0

    def halve(_: Any, ends: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = ends
        middle = 0.5 * (low + high)
        above = log_ndtr(middle) > wanted
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    return lax.fori_loop(0, 40, halve, (far, top))[1]


def _prior(space: ValueSpace, threshold: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """log F, log (f / F), d log f / du and the components' standardised thresholds, at `threshold` [S, A, N]."""
    sd = space.sd[:, :, :, None]
    standard = (threshold[None] - space.mean[:, :, :, None]) / sd
    log_normal = -0.5 * standard**2 - 0.5 * jnp.log(jnp.asarray(2 * np.pi, dtype=sd.dtype)) - jnp.log(sd)
    if space.mean.shape[0] == 1:
        log_below = log_ndtr(standard[0])
        return log_below, log_normal[0] - log_below, -standard[0] / sd[0], standard
    share = space.log_share[:, :, :, None]
    log_below = logsumexp(share + log_ndtr(standard), axis=0)
    log_here = logsumexp(share + log_normal, axis=0)
    slope = jnp.sum(jnp.exp(share + log_normal - log_here[None]) * -standard / sd, axis=0)
    return log_below, log_here - log_below, slope, standard


def _mean_reward(space: ValueSpace, threshold: jax.Array, policy: jax.Array, score: jax.Array) -> jax.Array:
    """E[R | values, data]; for one normal it is mean - variance * score (Fisher's identity), whatever the answers were."""
    if space.mean.shape[0] == 1:
        return space.mean[0][:, :, None] - space.sd[0][:, :, None] ** 2 * score
    log_below, _, _, standard = _prior(space, threshold)
    share, sd, mean = (x[:, :, :, None] for x in (space.log_share, space.sd, space.mean))
    part = jnp.exp(share + log_ndtr(standard) - log_below[None])
    hazard = jnp.exp(-0.5 * standard**2 - 0.5 * jnp.log(jnp.asarray(2 * np.pi, dtype=sd.dtype)) - log_ndtr(standard))
    under = jnp.sum(part * (mean - sd * hazard), axis=0)
    return policy * threshold + (1 - policy) * under


def _log_weight(space: ValueSpace, threshold: jax.Array) -> jax.Array:
    """[S, A, N]: log-likelihood of each state's corrections, given its best action and the thresholds."""
    plain = jnp.broadcast_to(space.log_weight[:, :, None], threshold.shape)
    if space.masked.shape[0] == 0:
        return plain
    rows = threshold[space.masked]
    allowed = jnp.isfinite(space.shown)
    unheard = logsumexp(jnp.log(_second_best(space, rows)) + space.shown[:, :, None], axis=1)
    ours = jnp.where(allowed[:, :, None], jnp.where(allowed, space.shown, 0.0)[:, :, None], unheard[:, None])
    least = jnp.max(space.shown, axis=1)[:, None, None] + IMPOSSIBLE
    return plain.at[space.masked].add(jnp.maximum(ours, least))


def _second_best(space: ValueSpace, rows: jax.Array) -> jax.Array:
    """[M, A, N]: the chance that each action that may be shown comes nearest, when the best one may not be shown.

    An action falls short by t with density f(u - t) / F(u); the nearest is found by integrating over its t.
    """
    allowed = jnp.isfinite(space.shown)[:, :, None]
    mean, sd = space.mean[0][space.masked][:, :, None], space.sd[0][space.masked][:, :, None]
    standard = (rows - mean) / sd
    reach = sd * (standard + jnp.sqrt(jnp.minimum(standard, 0.0) ** 2 + 40.0))  # log F falls by about 20 within it
    span = lax.stop_gradient(jnp.min(jnp.where(allowed, reach, jnp.inf), axis=1))
    nodes, weights = (jnp.asarray(x, dtype=rows.dtype) for x in np.polynomial.legendre.leggauss(NODES))

    def at(node: jax.Array) -> jax.Array:
        short = standard - 0.5 * (node + 1) * span[:, None] / sd
        log_below = log_ndtr(short)
        left = jnp.sum(jnp.where(allowed, log_below - log_ndtr(standard), 0.0), axis=1)
        log_normal = -0.5 * short**2 - 0.5 * jnp.log(jnp.asarray(2 * np.pi, dtype=rows.dtype)) - jnp.log(sd)
        return jnp.where(allowed, jnp.exp(log_normal - log_below + left[:, None]), 0.0)

    total = jnp.einsum("q,qman->man", weights, jax.vmap(at)(nodes)) * 0.5 * span[:, None]
    return jnp.maximum(total / jnp.sum(total, axis=1, keepdims=True), jnp.finfo(rows.dtype).tiny)


def _inverted(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The inverses [S, S, N] and log-determinants [N] of I - discount * (a transition matrix) for N chains.

    Rows are strictly diagonally dominant, so elimination needs no pivots (Golub and Van Loan, "Matrix Computations", 4.1).
    """
    num_states = matrix.shape[0]
    if num_states > ELIMINATE_UP_TO:
        stacked = jnp.moveaxis(matrix, 2, 0)
        return jnp.moveaxis(jnp.linalg.inv(stacked), 0, 2), jnp.linalg.slogdet(stacked)[1]
    index = jnp.arange(num_states, dtype=jnp.int32)

    def eliminate(k: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        work, log_determinant = state
        column = lax.dynamic_index_in_dim(work, k, axis=1, keepdims=False)
        pivot = lax.dynamic_index_in_dim(column, k, axis=0, keepdims=True)
        here = (index == k)[:, None]
        row = lax.dynamic_index_in_dim(work, k, axis=0, keepdims=False)
        row = jnp.where(here, jnp.ones_like(row), row) / pivot
        kept = jnp.where(here[None], jnp.zeros_like(work), work)
        reduced = kept - column[:, None] * row[None]
        return jnp.where(here[:, None], row[None], reduced), log_determinant + jnp.log(pivot[0])

    return lax.fori_loop(0, num_states, eliminate, (matrix, jnp.zeros_like(matrix[0, 0])))


def _product(spelling: str, *factors: jax.Array) -> jax.Array:
    return jnp.einsum(spelling, *factors, precision=lax.Precision.HIGHEST)
