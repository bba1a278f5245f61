"""A whole life in one scan: the loop of agent, world and overseer as a pure function, many lives by `vmap`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

import assent.lab  # noqa: F401  (registers the runtime's objects with JAX)
from assent.core import Answer, Assent, Belief, decide, effective_size, uniforms


class Trace(eqx.Module):
    """What happened, round by round; T rounds, H members.

    Attributes:
        asked: the overseer was asked.
        action: what was done: the agent's own action, the overseer's, or the world's null action.
        answer: the overseer's answer, or -1 when not asked or not answered.
        ask: the chance of asking, in [0, 1].
        effective: effective committee size before the round.
        state: the world's state before the round.
        log_weight: the log posterior after the last round.
    """

    asked: Bool[Array, "*lives T"]
    action: Int[Array, "*lives T"]
    answer: Int[Array, "*lives T"]
    ask: Float[Array, "*lives T"]
    effective: Float[Array, "*lives T"]
    state: PyTree
    log_weight: Float[Array, "*lives H"]


class _Kept(eqx.Module):
    """Assents of contexts seen since the last answer; they hold until the weights move."""

    probs: Float[Array, "S A"]
    ask: Float[Array, "S"]
    fresh: Bool[Array, "S"]


def chances(seed: int, run: str, *, num_steps: int, start: int = 0) -> np.ndarray:
    """The uniform numbers of a run, `[T, 2]`: what decides ask and action, and what a simulated overseer draws from."""
    streams = [uniforms(seed, run, start=start, count=num_steps, stream=name) for name in ("decide", "overseer")]
    return np.stack(streams, axis=1)


def rollout(agent: Any, world: Any, overseer: Any, *, key: PRNGKeyArray, chance: Float[Array, "T 2"]) -> Trace:
    """The life of `agent` in `world` under `overseer` for T rounds. Pure; `vmap` it over anything that is an array.

    Args:
        key: randomness of the world.
        chance: `chances(seed, run, num_steps=T)`. The session draws the same numbers, so both decide alike.

    The agent learns only from answers; asked and unanswered, the world's null action is taken.
    """
    agent, world, overseer = jax.tree.map(_in_jax, (agent, world, overseer))
    first_key, step_key = jax.random.split(key)
    belief = agent.init()
    keep = _nothing_kept(agent, belief)

    def live(carry: Any, xs: Any) -> Any:
        belief, size, state, keep = carry
        number, draw = xs
        obs = world.observe(state)
        assent, keep = _assent(agent, belief, obs, keep)
        decision = decide(assent, draw[0])
        answer = jnp.where(decision.asked, overseer.answer(draw[1], world.reveal(state)), -1)
        # the session refuses an answer that is no action; here, where nothing can be raised, it counts as silence
        answered = (answer >= 0) & (answer < world.num_actions)
        row = (decision.asked, answer, assent.ask, size, state)
        belief, size, keep = _learn(agent, belief, size, obs, answer, answered, keep)
        action = jnp.where(decision.asked, jnp.where(answered, answer, world.null_action), decision.action)
        belief = agent.remember(belief, obs, action)
        after = world.step(jax.random.fold_in(step_key, number), state, action)
        return (belief, size, after, keep), (action, *row)

    start = (belief, effective_size(belief.log_weight), world.init(first_key), keep)
    end, (action, asked, answer, ask, size, state) = jax.lax.scan(live, start, (jnp.arange(chance.shape[0]), chance))
    return Trace(
        asked=asked, action=action, answer=answer, ask=ask, effective=size, state=state, log_weight=end[0].log_weight
    )


def live(agent: Any, world: Any, overseer: Any, *, seed: int, run: str, num_steps: int) -> Trace:
    """One life in float64, compiled: decision for decision what a `Session` with the same seed and run does.

    Deltas, alphas, tempers, tables and priors are arguments of the compiled function: a new value does not compile again.
    """
    with jax.enable_x64(True):
        return _life(agent, world, overseer, jax.random.key(seed), jnp.asarray(chances(seed, run, num_steps=num_steps)))


def live_many(
    agent: Any, world: Any, overseer: Any, *, seeds: Sequence[int], run: str, num_steps: int, each: Sequence[str] = ()
) -> Trace:
    """One life for each seed, at once; every field of the trace has the seeds as its first axis.

    Args:
        each: which of "agent", "world", "overseer" hold one object a seed, as made by `stack`; the others are shared.

    Raises:
        ValueError: `each` names something else.
    """
    if not set(each) <= {"agent", "world", "overseer"}:
        raise ValueError(f"each = {list(each)}: only agent, world and overseer can differ from seed to seed.")
    with jax.enable_x64(True):
        keys = jax.vmap(jax.random.key)(jnp.asarray(list(seeds)))
        chance = jnp.asarray(np.stack([chances(seed, run, num_steps=num_steps) for seed in seeds]))
        axes = tuple(0 if name in each else None for name in ("agent", "world", "overseer"))
        return _lives(axes)(agent, world, overseer, keys, chance)


def stack(objects: Sequence[Any]) -> Any:
    """Objects of one kind and shape as one object whose every array has them as its first axis."""
    with jax.enable_x64(True):
        return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *objects)


def compiled_lives() -> int:
    """How many times `live` has been compiled in this process: once for each kind of agent, world and overseer."""
    return int(_life._cache_size())  # pyright: ignore[reportAttributeAccessIssue]


def _in_jax(leaf: Any) -> Any:
    """A NumPy array as one of JAX, since a tracer cannot index it; numbers stay numbers, whose type gives way to that of arrays."""
    return jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf


def _one(agent: Any, world: Any, overseer: Any, key: PRNGKeyArray, chance: Array) -> Trace:
    return rollout(agent, world, overseer, key=key, chance=chance)


_life = jax.jit(_one)


@lru_cache
def _lives(axes: tuple[int | None, ...]) -> Callable[..., Trace]:
    return jax.jit(jax.vmap(_one, in_axes=(*axes, 0, 0)))


def _nothing_kept(agent: Any, belief: Belief) -> _Kept | None:
    contexts = getattr(agent, "num_contexts", None)
    if contexts is None:
        return None
    like: Any = jax.eval_shape(agent.propose, belief, jnp.asarray(0))
    return _Kept(
        probs=jnp.zeros((contexts, *like.probs.shape), like.probs.dtype),
        ask=jnp.ones((contexts,), like.ask.dtype),
        fresh=jnp.zeros((contexts,), bool),
    )


def _assent(agent: Any, belief: Belief, obs: Any, keep: _Kept | None) -> tuple[Assent, _Kept | None]:
    if keep is None:
        return agent.propose(belief, obs), None

    def anew(keep: _Kept) -> _Kept:
        assent = agent.propose(belief, obs)
        return _Kept(
            keep.probs.at[obs].set(assent.probs), keep.ask.at[obs].set(assent.ask), keep.fresh.at[obs].set(True)
        )

    kept: _Kept = jax.lax.cond(keep.fresh[obs], lambda keep: keep, anew, keep)
    return _as_assent(kept.probs[obs], kept.ask[obs]), kept


def _as_assent(probs: Array, ask: Array) -> Assent:
    """An assent that has been through the constructor already."""
    assent = object.__new__(Assent)
    object.__setattr__(assent, "probs", probs)
    object.__setattr__(assent, "ask", ask)
    return assent


def _learn(
    agent: Any, belief: Belief, size: Array, obs: Any, answer: Array, answered: Array, keep: _Kept | None
) -> tuple[Belief, Array, _Kept | None]:
    def taught(now: tuple[Belief, Array]) -> tuple[Belief, Array]:
        after = agent.learn(now[0], obs, Answer(answer))
        return after, effective_size(after.log_weight)

    belief, size = jax.lax.cond(answered, taught, lambda now: now, (belief, size))
    if keep is None:
        return belief, size, None
    return belief, size, eqx.tree_at(lambda keep: keep.fresh, keep, keep.fresh & ~answered)
