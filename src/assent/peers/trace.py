"""The one loop for all peers: the same worlds, the same overseer's draws and the same coins, round by round, for every agent and dial.

Whoever calls it has imported `assent.lab`, which lets JAX trace the runtime's objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from assent.agents.imitator import least
from assent.core import Answer, Assent, Belief, Done, decide, log_factors, uniforms, worst_charge

AnyArray: TypeAlias = Array | np.ndarray


class Rounds(eqx.Module):
    """What happened, round by round, in T rounds.

    Attributes:
        asked: the overseer decided what was done.
        labelled: the overseer was called: asked, or a label was wanted for a round that the agent acted in. Each is one query.
        action: what was done.
        failed: the round led to a mishap, whoever acted.
        reached: the round led to a goal.
    """

    asked: Bool[AnyArray, "*lives T"]
    labelled: Bool[AnyArray, "*lives T"]
    action: Int[AnyArray, "*lives T"]
    failed: Bool[AnyArray, "*lives T"]
    reached: Bool[AnyArray, "*lives T"]

    def switched(self) -> np.ndarray:
        """`[*lives, T]`: the overseer took over here, having not acted the round before."""
        asked = np.asarray(self.asked)
        return asked & ~np.concatenate([np.zeros_like(asked[..., :1]), asked[..., :-1]], axis=-1)


class Outcome(Protocol):
    """What a round came to: `(revealed, action, asked, after) -> (failed, reached)`, booleans; `after` is the world's state after it."""

    def __call__(self, revealed: Any, action: Array, asked: Array, after: Any) -> tuple[Array, Array]: ...


class ByState(eqx.Module):
    """The world's own states say `event` and `goal`, about the step that led to them."""

    def __call__(self, revealed: Any, action: Array, asked: Array, after: Any) -> tuple[Array, Array]:
        return after.event, after.goal


class ByLabel(eqx.Module):
    """What the overseer sees is the one right action; acting alone otherwise is the mishap."""

    def __call__(self, revealed: Any, action: Array, asked: Array, after: Any) -> tuple[Array, Array]:
        right = action == revealed
        return ~asked & ~right, ~asked & right


class ByTrap(eqx.Module):
    """In the context `trap` the action `betrayal`, done alone, is the mishap."""

    trap: Int[AnyArray, ""]
    betrayal: Int[AnyArray, ""]

    def __call__(self, revealed: Any, action: Array, asked: Array, after: Any) -> tuple[Array, Array]:
        trapped = revealed == self.trap
        return ~asked & trapped & (action == self.betrayal), trapped & (asked | (action != self.betrayal))


class Setting(NamedTuple):
    """Where agents are compared: a world, its overseer, and what counts as a mishap."""

    world: Any
    overseer: Any
    outcome: Any


def chances(seed: int, run: str, *, num_steps: int) -> np.ndarray:
    """The uniform numbers of a run, `[T, 2]`: what decides ask and action, and what a simulated overseer draws from."""
    return np.stack(
        [uniforms(seed, run, start=0, count=num_steps, stream=name) for name in ("decide", "overseer")], axis=1
    )


def rounds(agent: Any, setting: Setting, *, key: PRNGKeyArray, chance: Float[Array, "T 2"]) -> Rounds:
    """T rounds of `agent`. Pure; `vmap` it over anything that is an array.

    The overseer answers every question and every wanted label at once. For an agent that wants no labels this is the life that
    `assent.rollout.live` lives with the same seed and run.

    Args:
        key: randomness of the world; round t uses the same part of it whatever was done before.
        chance: `chances(seed, run, num_steps=T)`.
    """
    world, overseer, outcome = setting
    first_key, step_key = jax.random.split(key)

    def live(carry: tuple[Belief, Any], xs: Any) -> Any:
        (belief, state), (number, draw) = carry, xs
        obs, revealed = world.observe(state), world.reveal(state)
        assent, minimum = _proposed(agent, belief, obs)
        decision = decide(assent, draw[0])
        label = overseer.answer(draw[1], revealed)
        labelled = decision.asked | _wants(agent, belief, obs)
        action = jnp.where(decision.asked, label, decision.action)
        belief = jax.lax.cond(labelled, lambda now: agent.learn(now, obs, Answer(label)), lambda now: now, belief)
        belief = agent.remember(belief, obs, action)
        if getattr(agent, "counts", False):
            charge = log_factors(assent.probs, minimum, assent.ask)[action]
            worst = worst_charge(assent.probs, minimum, assent.ask)
            belief = agent.count(belief, Done(obs, action, decision.asked, charge, worst))
        after = world.step(jax.random.fold_in(step_key, number), state, action)
        failed, reached = outcome(revealed, action, decision.asked, after)
        if hasattr(agent, "reward"):
            belief = agent.reward(belief, obs, action, world.observe(after), failed=failed, reached=reached)
        return (belief, after), (decision.asked, labelled, action.astype(jnp.int16), failed, reached)

    start = (agent.init(), world.init(first_key))
    return Rounds(*jax.lax.scan(live, start, (jnp.arange(chance.shape[0]), chance))[1])


def sweep(
    agents: Sequence[Sequence[Any]],
    settings: Sequence[Setting],
    *,
    seeds: Sequence[int],
    run: str,
    num_steps: int,
    together: bool = True,
) -> Rounds:
    """Every agent of `agents` `[D][N]` in the setting of its seed, `settings` `[N]`; every field of what comes is `[D, N, T]`.

    What differs between two agents must be an array or a number, and what is equal for all is kept once. All dials of a seed see the same
    world noise, overseer's draws and coins.

    Args:
        together: all lives round by round, in step; otherwise one after the other, which is faster where learning costs far more than
            acting, since in step every life pays for it in every round. It changes nothing else.

    Raises:
        ValueError: agents or settings of more than one kind or shape, or not one setting a seed.

    >>> import assent.lab
    >>> from assent.hypotheses.bootstrap_counts import BootstrapCounts
    >>> from assent.overseers.scripted import Scripted
    >>> from assent.peers.cloner import Cloner
    >>> from assent.worlds.stream import Stream
    >>> world = Stream.of(np.asarray([0, 1, 0, 1]), labels=np.asarray([2, 0, 2, 0]), num_actions=3)
    >>> setting = Setting(world, Scripted(lambda label: label), ByLabel())
    >>> clones = [[Cloner(BootstrapCounts.of(num_contexts=2, num_actions=3), labels=n)] for n in (1, 2)]
    >>> done = sweep(clones, [setting], seeds=[0], run="clones", num_steps=4)
    >>> done.labelled.sum(axis=-1).tolist(), done.failed.sum(axis=-1).tolist()
    ([[1], [2]], [[1], [0]])
    """
    if len(settings) != len(seeds) or any(len(row) != len(seeds) for row in agents):
        raise ValueError(
            f"{len(settings)} settings for {len(seeds)} seeds: give one setting, and one agent of each dial, a seed."
        )
    with jax.enable_x64(True):
        lanes = [[(agent, setting) for agent, setting in zip(row, settings, strict=True)] for row in agents]
        leaves, form, axes = _shared(lanes)
        keys = jax.vmap(jax.random.key)(jnp.asarray(list(seeds)))
        chance = jnp.asarray(np.stack([chances(seed, run, num_steps=num_steps) for seed in seeds]))
        return _lives(form, axes, together)(leaves, keys, chance)


def _proposed(agent: Any, belief: Belief, obs: Any) -> tuple[Assent, Array]:
    """The assent at `obs`, and the least that a leader gives each action."""
    if not hasattr(agent, "consider"):
        assent = agent.propose(belief, obs)
        return assent, jnp.zeros_like(assent.probs)
    proposal = agent.consider(belief, obs)
    return proposal.assent, least(proposal)


def _wants(agent: Any, belief: Belief, obs: Any) -> Array:
    return jnp.asarray(agent.wants_label(belief, obs) if hasattr(agent, "wants_label") else False)


def _shared(lanes: Sequence[Sequence[Any]]) -> tuple[list[Any], Any, tuple[tuple[int | None, int | None], ...]]:
    """Leaves of all lanes `[D][N]`, each stacked over dials and seeds only where it differs; their form; and which axes each has."""
    flat = [[jax.tree.flatten(lane) for lane in row] for row in lanes]
    form = flat[0][0][1]
    if any(other != form for row in flat for _, other in row):
        raise ValueError(
            "agents and settings of one sweep must be of one kind and shape: what is compiled in differs between two."
        )
    leaves: list[Any] = []
    axes: list[tuple[int | None, int | None]] = []
    for place in range(len(flat[0][0][0])):
        table = [[np.asarray(lane[0][place]) for lane in row] for row in flat]
        by_seed = any(not _same(row[0], item) for row in table for item in row)
        by_dial = any(not _same(table[0][n], row[n]) for row in table for n in range(len(row)))
        rows = table if by_dial else table[:1]
        stacked = [np.stack(row) if by_seed else row[0] for row in rows]
        leaves.append(jnp.asarray(np.stack(stacked) if by_dial else stacked[0]))
        axes.append((0 if by_dial else None, 0 if by_seed else None))
    return leaves, form, tuple(axes)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one is other or (one.shape == other.shape and np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


@lru_cache
def _lives(form: Any, axes: tuple[tuple[int | None, int | None], ...], together: bool) -> Callable[..., Rounds]:
    def one(leaves: list[Any], key: PRNGKeyArray, chance: Array) -> Rounds:
        agent, setting = jax.tree.unflatten(form, leaves)
        return rounds(agent, setting, key=key, chance=chance)

    seeds = _over(one, ([axis for _, axis in axes], 0, 0), together=together)
    return jax.jit(_over(seeds, ([axis for axis, _ in axes], None, None), together=together))


def _over(function: Callable[..., Any], axes: tuple[Any, ...], *, together: bool) -> Callable[..., Any]:
    """`function` of leaves, a key and chances, with one more axis in front: by `vmap`, or one life after the other."""
    flat = [*axes[0], *axes[1:]]
    if all(axis is None for axis in flat):
        return lambda *given: jax.tree.map(lambda leaf: leaf[None], function(*given))
    if together:
        return jax.vmap(function, in_axes=axes)

    def mapped(leaves: list[Any], key: Any, chance: Any) -> Any:
        given = [*leaves, key, chance]

        def once(moving: list[Any]) -> Any:
            rest = iter(moving)
            filled = [item if axis is None else next(rest) for item, axis in zip(given, flat, strict=True)]
            return function(filled[:-2], *filled[-2:])

        return jax.lax.map(once, [item for item, axis in zip(given, flat, strict=True) if axis is not None])

    return mapped
