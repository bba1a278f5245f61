"""A whole life in one scan: the loop of agent, world and overseer as a pure function, many lives by `vmap`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

import assent.lab  # noqa: F401  (registers the runtime's objects with JAX)
from assent.agents.imitator import least
from assent.asking import asked_of
from assent.core import (
    Answer,
    Assent,
    Belief,
    Context,
    Done,
    Masks,
    apply_guards,
    decide,
    effective_size,
    log_factors,
    uniforms,
    worst_charge,
)
from assent.core.arrays import missing_mass, rounding, widest
from assent.core.residual import draw as draw_from
from assent.core.residual import must_keep_below
from assent.core.residual import residual as residual_of
from assent.core.tallies import bound, tallied


class Trace(eqx.Module):
    """What happened, round by round; T rounds, H members.

    Attributes:
        asked: the overseer was asked.
        action: what was done: the agent's own action, the overseer's, or the world's null action.
        answer: the overseer's answer, or -1 when not asked or not answered.
        ask: the chance of asking, in [0, 1].
        effective: effective committee size before the round.
        theta: what the leaders' minimum left over, in [0, 1].
        charge: nats, what the round cost (`assent.core.log_factors` of what was done), 0 where nobody answered; its sum is the run's risk.
        contradicted: an overseer who states probabilities gave an action less than every leader does.
        state: the world's state before the round.
        log_weight: the log posterior after the last round.
    """

    asked: Bool[Array, "*lives T"]
    action: Int[Array, "*lives T"]
    answer: Int[Array, "*lives T"]
    ask: Float[Array, "*lives T"]
    effective: Float[Array, "*lives T"]
    theta: Float[Array, "*lives T"]
    charge: Float[Array, "*lives T"]
    contradicted: Bool[Array, "*lives T"]
    state: PyTree
    log_weight: Float[Array, "*lives H"]


_STREAMS = ("decide", "overseer", "lesson")


class _Weighed(NamedTuple):
    """An assent before the guards that keep count, what they look at, and what each action would cost."""

    assent: Assent
    least: Array
    leaders: Array
    readable: Array
    factors: Array
    theta: Array


class _Kept(eqx.Module):
    """What was weighed in contexts seen since the weights moved; where only who leads counts, since somebody began or ceased to.

    Every array of `rows` has the contexts as its first axis.
    """

    rows: _Weighed
    fresh: Bool[Array, "S"]


def chances(seed: int, run: str, *, num_steps: int, start: int = 0) -> np.ndarray:
    """The uniform numbers of a run, `[T, 3]`: what decides ask and action, what a simulated overseer draws from, and what draws the
    lesson where she states probabilities."""
    streams = [uniforms(seed, run, start=start, count=num_steps, stream=name) for name in _STREAMS]
    return np.stack(streams, axis=1)


def rollout(
    agent: Any,
    world: Any,
    overseer: Any,
    *,
    key: PRNGKeyArray,
    chance: Float[Array, "T 3"],
    residual: bool = False,
) -> Trace:
    """The life of `agent` in `world` under `overseer` for T rounds. Pure; `vmap` it over anything that is an array.

    Args:
        key: randomness of the world.
        chance: `chances(seed, run, num_steps=T)`. The session draws the same numbers, so both decide alike.
        residual: whether the overseer states her probabilities when asked (`probs(revealed)`), so that what is done has exactly her law
            (`assent.core.residual`): free until she contradicts the leaders.

    Raises:
        ValueError: `residual` with another rule than `Minimum`, or a class that bounds no probability: asking makes up for neither.
        NoOverseer: `residual` with an overseer who states no probabilities.

    The agent learns only from answers; asked and unanswered, the world's null action is taken.
    """
    if residual:
        must_keep_below(agent)
        asked_of(overseer, states=True)
    agent, world, overseer = as_arrays((agent, world, overseer))
    first_key, step_key = jax.random.split(key)
    belief = agent.init()
    keep, counts = _nothing_kept(agent, belief), getattr(agent, "counts", False)

    def live(carry: Any, xs: Any) -> Any:
        belief, size, state, keep, exact = carry
        number, draw = xs
        obs = world.observe(state)
        weighed, keep = _weighed(agent, belief, obs, keep)
        assent = _restricted(agent, belief, obs, weighed)
        decision = decide(assent, draw[0])
        legal = _legal(agent, obs, assent.probs)
        said, lesson, contradicted = _say(overseer, world.reveal(state), assent, weighed.least, draw, residual, legal)
        answer = jnp.where(decision.asked, said, -1)
        # the session refuses an answer that is no action; here, where nothing can be raised, it counts as silence
        answered = (answer >= 0) & (answer < world.num_actions) & legal[answer]
        taught = jnp.where(answered, lesson, 0)  # a refused one is not looked at, even where it is a constant
        belief, after_size, keep = _learn(agent, belief, size, obs, taught, answered, keep)
        action = jnp.where(decision.asked, jnp.where(answered, answer, world.null_action), decision.action)
        factors = log_factors(assent.probs, weighed.least, assent.ask) if counts else weighed.factors
        # whoever follows the law that the overseer states pays nothing
        contradicted = contradicted & decision.asked
        exact = exact & ~contradicted
        charge = jnp.where((decision.asked & ~answered) | exact, 0.0, factors[action])
        row = (decision.asked, answer, assent.ask, size, weighed.theta, charge, contradicted, state)
        belief = agent.remember(belief, obs, action)
        if counts:
            worst = worst_charge(assent.probs, weighed.least, assent.ask)
            worst = jnp.where(exact, 0.0, worst)
            belief = agent.count(belief, Done(obs, action, decision.asked, charge, worst))
        after = world.step(jax.random.fold_in(step_key, number), state, action)
        return (belief, after_size, after, keep, exact), (action, *row)

    start = (belief, effective_size(belief.log_weight), world.init(first_key), keep, jnp.asarray(residual))
    end, (action, asked, answer, ask, size, theta, charge, contradicted, state) = jax.lax.scan(
        live, start, (jnp.arange(chance.shape[0]), chance)
    )
    return Trace(
        asked=asked,
        action=action,
        answer=answer,
        ask=ask,
        effective=size,
        theta=theta,
        charge=charge,
        contradicted=contradicted,
        state=state,
        log_weight=end[0].log_weight,
    )


def live(
    agent: Any, world: Any, overseer: Any, *, seed: int, run: str, num_steps: int, residual: bool = False
) -> Trace:
    """One life in float64, compiled: decision for decision what a `Session` with the same seed and run does.

    Of more than 1,024 actions a question keeps a part (`assent.dossier`). An answer outside of it is charged there what the dearest such
    action would cost, here what it did cost, so with a `RiskCap` a session may begin to ask a little earlier.

    Deltas, alphas, tempers, tables and priors are arguments of the compiled function: a new value does not compile again.
    """
    with jax.enable_x64(True):
        chance = jnp.asarray(chances(seed, run, num_steps=num_steps))
        return _life(agent, world, overseer, jax.random.key(seed), chance, residual)


def live_many(
    agent: Any,
    world: Any,
    overseer: Any,
    *,
    seeds: Sequence[int],
    run: str,
    num_steps: int,
    each: Sequence[str] = (),
    residual: bool = False,
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
        return _lives(axes, residual)(agent, world, overseer, keys, chance)


def stack(objects: Sequence[Any]) -> Any:
    """Objects of one kind and shape as one object whose every array has them as its first axis."""
    with jax.enable_x64(True):
        return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *objects)


def compiled_lives() -> int:
    """How many times `live` has been compiled in this process: once for each kind of agent, world and overseer."""
    return int(_life._cache_size())  # pyright: ignore[reportAttributeAccessIssue]


def as_arrays(tree: Any) -> Any:
    """`tree` with JAX's arrays for NumPy's, which a tracer cannot index; numbers stay numbers."""
    return jax.tree.map(_in_jax, tree)


def _in_jax(leaf: Any) -> Any:
    """A NumPy array as one of JAX, since a tracer cannot index it; numbers stay numbers, whose type gives way to that of arrays."""
    return jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf


def _one(agent: Any, world: Any, overseer: Any, key: PRNGKeyArray, chance: Array, residual: bool = False) -> Trace:
    return rollout(agent, world, overseer, key=key, chance=chance, residual=residual)


_life = jax.jit(_one, static_argnums=5)


@lru_cache
def _lives(axes: tuple[int | None, ...], residual: bool) -> Callable[..., Trace]:
    return jax.jit(jax.vmap(partial(_one, residual=residual), in_axes=(*axes, 0, 0)))


def _say(
    overseer: Any, revealed: Any, assent: Assent, least: Array, numbers: Array, states: bool, legal: Array
) -> tuple[Array, Array, Array]:
    """What the overseer would have done, what teaches, and whether she contradicts the leaders.

    A law that the session would refuse (`assent.stating`), where nothing can be raised, is silence: -1.
    """
    if not states:
        said = overseer.answer(numbers[1], revealed)
        return said, said, jnp.asarray(False)
    # as the session has it: in float64 whatever the members are in
    wide = widest(jnp)
    stated, probs, lowest = (jnp.asarray(part, wide) for part in (overseer.probs(revealed), assent.probs, least))
    slack = max(1e-9, rounding(jnp, stated))
    possible = jnp.where(legal, stated, 0.0)
    total = jnp.sum(possible)
    read = jnp.all(stated >= 0) & (jnp.abs(jnp.sum(stated) - 1) <= slack) & (jnp.sum(stated - possible) <= slack)
    law = jnp.where(jnp.all(legal), stated, possible / jnp.where(total > 0, total, 1.0))
    left = residual_of(law, probs, lowest)
    said = jnp.where(read, draw_from(left.probs, numbers[1]), -1)
    return said, draw_from(law, numbers[2]), left.contradicted & read


def _nothing_kept(agent: Any, belief: Belief) -> _Kept | None:
    contexts = getattr(agent, "num_contexts", None)
    if contexts is None:
        return None
    like: Any = jax.eval_shape(partial(_weigh, agent), belief, jnp.asarray(0))
    rows = jax.tree.map(lambda row: jnp.zeros((contexts, *row.shape), row.dtype), like)
    return _Kept(rows, fresh=jnp.zeros((contexts,), bool))


def _weigh(agent: Any, belief: Belief, obs: Any) -> _Weighed:
    if not hasattr(agent, "weigh"):  # no leaders to bound what it does: whatever it does alone costs infinity
        assent = agent.propose(belief, obs)
        return _costed(assent, jnp.zeros_like(assent.probs), jnp.asarray(0), jnp.asarray(True))
    proposal = agent.weigh(belief, obs)
    readable = jnp.all(proposal.readable | ~proposal.leader)
    return _costed(proposal.assent, least(proposal), jnp.count_nonzero(proposal.leader), readable)


def _costed(assent: Assent, least: Array, leaders: Array, readable: Array) -> _Weighed:
    factors = log_factors(assent.probs, least, assent.ask)
    return _Weighed(assent, least, leaders, readable, factors, missing_mass(jnp.sum(least)))


def _weighed(agent: Any, belief: Belief, obs: Any, keep: _Kept | None) -> tuple[_Weighed, _Kept | None]:
    if keep is None:
        return _weigh(agent, belief, obs), None

    def anew(keep: _Kept) -> _Kept:
        now = _weigh(agent, belief, obs)
        rows = jax.tree.map(lambda table, row: table.at[obs].set(row), keep.rows, now)
        return _Kept(rows, keep.fresh.at[obs].set(True))

    kept: _Kept = jax.lax.cond(keep.fresh[obs], lambda keep: keep, anew, keep)
    return jax.tree.map(lambda table: table[obs], kept.rows), kept


def _restricted(agent: Any, belief: Belief, obs: Any, weighed: _Weighed) -> Assent:
    """The assent after the guards that keep count of the run."""
    if not getattr(agent, "counts", False):
        return weighed.assent
    members = jnp.asarray(belief.log_weight.shape[0])
    context = Context(weighed.leaders, members, weighed.readable, jnp.asarray(False), obs=obs, least=weighed.least)
    return apply_guards(weighed.assent, bound(tallied(agent.guards), belief.tallies), context)


def _learn(
    agent: Any, belief: Belief, size: Array, obs: Any, answer: Array, answered: Array, keep: _Kept | None
) -> tuple[Belief, Array, _Kept | None]:
    by_leaders = keep is not None and getattr(agent, "by_leaders", False)

    def taught() -> tuple[Belief, Array, Array]:
        after = agent.learn(belief, obs, Answer(answer))
        moved = jnp.any(_leading(agent, after) != _leading(agent, belief)) if by_leaders else jnp.asarray(True)
        return after, effective_size(after.log_weight), moved

    belief, size, moved = jax.lax.cond(answered, taught, lambda: (belief, size, jnp.asarray(False)))
    if keep is None:
        return belief, size, None
    return belief, size, _Kept(keep.rows, keep.fresh & ~moved)


def _legal(agent: Any, obs: Any, probs: Array) -> Array:
    """`[A]`, which actions may be done at `obs`."""
    members = getattr(agent, "hypotheses", None)
    return jnp.asarray(members.legal(obs)) if isinstance(members, Masks) else jnp.ones(probs.shape, bool)


def _leading(agent: Any, belief: Belief) -> Array:
    """Who leads, `[H]`; nobody is named where the agent has no leading set."""
    if not hasattr(agent, "leading"):
        return jnp.zeros(belief.log_weight.shape, bool)
    return agent.leading(belief.log_weight, belief.log_prior) & jnp.isfinite(belief.log_weight)
