"""Many worlds under one posterior: lanes that decide side by side, and answers that come late."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

import assent.lab  # noqa: F401  (registers the runtime's objects with JAX)
from assent.agents.imitator import least
from assent.core import Answer, Belief, decide, log_factors
from assent.rollout import as_arrays


class Lanes(eqx.Module):
    """What happened in each lane, round by round; T rounds, B lanes.

    Attributes:
        asked: the overseer was asked.
        waits: the lane waited for an answer: it did nothing, and its world stood still.
        action: what was done, -1 where the lane waits.
        answer: the overseer's answer in the round in which it was taken in, else -1.
        theta: what the minimum left over, 0 where the lane waits.
        charge: nats, what the round cost that lane; a lane's sum is its own risk.
        log_weight: `[H]`, after the last round.
    """

    asked: Bool[Array, "T B"]
    waits: Bool[Array, "T B"]
    action: Int[Array, "T B"]
    answer: Int[Array, "T B"]
    theta: Float[Array, "T B"]
    charge: Float[Array, "T B"]
    log_weight: Float[Array, " H"]


class _Open(eqx.Module):
    """The question of a lane: rounds until its answer is in (-1: none is open), the answer, and what was seen."""

    left: Int[Array, " B"]
    answer: Int[Array, " B"]
    charge: Float[Array, " B"]


def side_by_side(
    agent: Any, world: Any, overseer: Any, *, key: PRNGKeyArray, chance: Float[Array, "T B 2"], delay: int = 0
) -> Lanes:
    """B lives of `agent` in B copies of `world`, all with the same belief.

    In a round every lane decides with the belief as it stood when the round began; then the answers that have come are learned from, in
    the order of the lanes. A lane that asked waits `delay` rounds for its answer, doing nothing, and then does what was answered; the
    others go on meanwhile. Each answer is a fresh draw from the overseer's policy in the situation in which it was asked, whoever learned
    what in between, so the leading set keeps its promise; the bound on questions grows by at most `B / (1 - exp(-B))`
    without delay (docs/theory.md), and with one none is proven.
    Risk is counted lane by lane.

    Args:
        agent: an `Imitator` whose hypotheses do not remember what was done, and whose guards keep no count.
        chance: what decides, and what the overseer draws from, for each round and lane; uniform in [0, 1).
        delay: rounds that an answer takes, at least 0.

    Raises:
        ValueError: the agent remembers or counts, or `delay` is below 0.
    """
    if delay < 0:
        raise ValueError(f"delay = {delay}: an answer takes 0 rounds or more.")
    if agent.remembers or agent.counts:
        raise ValueError(
            "lanes share one belief, and this agent's depends on what was done in its own life: its hypotheses remember, or a guard "
            "keeps count. Give each lane an agent of its own, or guards without a tally."
        )
    agent, world, overseer = as_arrays(agent), as_arrays(world), as_arrays(overseer)
    lanes = chance.shape[1]
    first_key, step_key = jax.random.split(key)
    state = jax.vmap(world.init)(jax.random.split(first_key, lanes))
    belief = agent.init()
    waiting = _Open(jnp.full(lanes, -1), jnp.full(lanes, -1), jnp.zeros(lanes, belief.log_weight.dtype))

    def live(carry: Any, xs: Any) -> Any:
        belief, state, waiting = carry
        number, draw = xs
        obs = jax.vmap(world.observe)(state)
        free = waiting.left < 0
        proposal = jax.vmap(agent.weigh, in_axes=(None, 0))(belief, obs)
        lowest = jax.vmap(least)(proposal)
        decision = jax.vmap(decide)(proposal.assent, draw[:, 0])
        asked = decision.asked & free
        said = jax.vmap(lambda u, s: overseer.answer(u, world.reveal(s)))(draw[:, 1], state)
        factors = jax.vmap(log_factors)(proposal.assent.probs, lowest, proposal.assent.ask)
        answered = (said >= 0) & (said < world.num_actions)
        charge = jnp.where(answered, jnp.take_along_axis(factors, said[:, None], axis=1)[:, 0], 0.0)
        waiting = _Open(
            left=jnp.where(asked, delay, waiting.left),
            answer=jnp.where(asked, jnp.where(answered, said, -1), waiting.answer),
            charge=jnp.where(asked, charge, waiting.charge),
        )
        due = waiting.left == 0
        belief = _learn(agent, belief, obs, waiting.answer, due)
        alone = free & ~decision.asked
        done = jnp.where(alone, decision.action, jnp.where(waiting.answer >= 0, waiting.answer, world.null_action))
        moves = alone | due
        keys = jax.random.split(jax.random.fold_in(step_key, number), lanes)
        after = jax.vmap(world.step)(keys, state, done)
        state = jax.tree.map(
            lambda new, old: jnp.where(moves.reshape(-1, *[1] * (new.ndim - 1)), new, old), after, state
        )
        own = jnp.take_along_axis(factors, jnp.maximum(decision.action, 0)[:, None], axis=1)[:, 0]
        row = (
            asked,
            ~moves,
            jnp.where(moves, done, -1),
            jnp.where(due, waiting.answer, -1),
            jnp.where(free, 1 - jnp.sum(lowest, axis=1), 0.0),
            jnp.where(alone, own, jnp.where(due, waiting.charge, 0.0)),
        )
        left = jnp.where(waiting.left >= 0, waiting.left - 1, -1)
        return (belief, state, _Open(left, waiting.answer, waiting.charge)), row

    (belief, _, _), rows = jax.lax.scan(live, (belief, state, waiting), (jnp.arange(chance.shape[0]), chance))
    asked, waits, action, answer, theta, charge = rows
    return Lanes(asked, waits, action, answer, theta, charge, belief.log_weight)


def _learn(agent: Any, belief: Belief, obs: Any, answers: Array, due: Array) -> Belief:
    """The belief after the answers that are due, lane by lane; the worlds of waiting lanes stand still, so `obs` is what was asked."""

    def one(belief: Belief, lane: Any) -> tuple[Belief, None]:
        seen, answer, is_due = lane
        takes = is_due & (answer >= 0)
        after = jax.lax.cond(takes, lambda now: agent.learn(now, seen, Answer(answer)), lambda now: now, belief)
        return after, None

    return jax.lax.scan(one, belief, (obs, answers, due))[0]
