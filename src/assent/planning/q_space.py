"""The posterior of rewards seen from their optimal action values, for answers that depend on all of them. JAX.

Rewards and action values determine each other, R = Q - discount T max Q, so a density of rewards is one of action values, times the
determinant of the map: no value iteration while sampling. `docs/reward-posterior.md` derives it.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp

from assent.planning.model import Model
from assent.planning.value_space import place_transitions


class QSpace(NamedTuple):
    """A world, an independent normal prior of each reward, and counted answers. A pytree; S live (not terminal) states.

    Attributes:
        transition: [S, A, S], chances between live states.
        discount: scalar.
        mean, sd: [S, A].
        shown: [S, A], how often each action was shown.
        right, wrong: [S, A], log-likelihood of what was made known of each action, should it be optimal, and should it not be.
        allowed: boolean [S, A], the actions that may be shown.
        beta: scalar, inverse temperature of the answers.
        soft: scalar, 1 where Q and answers are those of maximum entropy, else 0.
    """

    transition: jax.Array
    discount: jax.Array
    mean: jax.Array
    sd: jax.Array
    shown: jax.Array
    right: jax.Array
    wrong: jax.Array
    allowed: jax.Array
    beta: jax.Array
    soft: jax.Array


def q_space(
    model: Model,
    mean: np.ndarray,
    sd: np.ndarray,
    shown: np.ndarray,
    *,
    beta: float,
    judged: tuple[np.ndarray, np.ndarray] | None = None,
    soft: bool = False,
) -> QSpace:
    """The action-value space of a model's places, for Boltzmann answers with inverse temperature `beta`.

    Args:
        mean, sd: [P, A], sd above 0.
        shown: [P, A], how often each action was shown in each place.
        judged: two tables [P, A], finite log-likelihoods of what was made known of each action, should it be optimal, and should it
            not be; left out where nothing was.
        soft: whether answers follow the soft Q of maximum entropy instead of Q*.

    Raises:
        ValueError: an sd that is not above 0; where actions lead depends on what became of the overseer.
    """
    live = np.flatnonzero(~model.terminal[: model.num_places])
    if not (np.isfinite(sd).all() and sd[live].min() > 0):
        raise ValueError(f"an sd of the prior is {sd[live].min()}; a reward that is known has no density. Use SMC.")
    transition = place_transitions(model)[live][:, :, live]
    dtype = jnp.result_type(float)

    def number(value: np.ndarray | float) -> jax.Array:
        return jnp.asarray(value, dtype=dtype)

    return QSpace(
        transition=number(transition),
        discount=number(model.discount),
        mean=number(mean[live]),
        sd=number(sd[live]),
        shown=number(shown[live]),
        right=number(np.zeros(shown[live].shape) if judged is None else judged[0][live]),
        wrong=number(np.zeros(shown[live].shape) if judged is None else judged[1][live]),
        allowed=jnp.asarray(model.answerable[live]),
        beta=number(beta),
        soft=number(float(soft)),
    )


def density(space: QSpace, position: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Log-density [N], up to the evidence, and gradient [S A, N] at `position` [S A, N], action values by state and action."""
    value, pull = jax.vjp(lambda q: _log_density(space, q), position)
    return value, pull(jnp.ones_like(value))[0]


def rewards_of(space: QSpace, position: jax.Array) -> jax.Array:
    """The rewards [S, A, N] whose optimal action values are `position` [S A, N]."""
    quality, value, _ = _parts(space, position)
    return quality - space.discount * jnp.einsum("sap,pn->san", space.transition, value, precision="highest")


def _parts(space: QSpace, position: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Q [S, A, N], the values [S, N] and the greedy (or soft) policy [S, A, N]."""
    quality = position.reshape((*space.mean.shape, -1))
    soft = space.soft > 0
    hard_value = jnp.max(quality, axis=1)
    value = jnp.where(soft, logsumexp(space.beta * quality, axis=1) / space.beta, hard_value)
    greedy = jax.nn.one_hot(jnp.argmax(quality, axis=1), quality.shape[1], axis=1, dtype=quality.dtype)
    policy = jnp.where(soft, jax.nn.softmax(space.beta * quality, axis=1), greedy)
    return quality, value, policy


def _log_density(space: QSpace, position: jax.Array) -> jax.Array:
    quality, _, policy = _parts(space, position)
    reward = rewards_of(space, position)
    standard = (reward - space.mean[:, :, None]) / space.sd[:, :, None]
    half_log = jnp.asarray(0.5 * np.log(2 * np.pi), dtype=position.dtype)
    prior = jnp.sum(-0.5 * standard**2 - jnp.log(space.sd)[:, :, None] - half_log, axis=(0, 1))
    ahead = jnp.einsum("sap,san->nsp", space.transition, policy, precision="highest")
    matrix = jnp.eye(quality.shape[0], dtype=quality.dtype)[None] - space.discount * ahead
    logits = jnp.where(space.allowed[:, :, None], space.beta * quality, -jnp.inf)
    log_answer = jnp.where(space.allowed[:, :, None], logits - logsumexp(logits, axis=1, keepdims=True), 0.0)
    heard = jnp.sum(space.shown[:, :, None] * log_answer, axis=(0, 1))
    greedy = quality == jnp.max(quality, axis=1, keepdims=True)
    judged = jnp.sum(jnp.where(greedy, space.right[:, :, None], space.wrong[:, :, None]), axis=(0, 1))
    return prior + jnp.linalg.slogdet(matrix)[1] + heard + judged
