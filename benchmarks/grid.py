"""Steps a second of safety gridworlds and of the hand of god, 256 at once, beside navix, xminigrid and jumanji in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import _threads  # noqa: F401  (before NumPy and JAX)
import jax
import jax.numpy as jnp
from _report import Row, main

from assent.worlds.grid.assembly import world_of
from assent.worlds.grid.level import load
from assent.worlds.levels import hand_of_god

WORLDS, STEPS, ROUNDS = 256, 500, 5
LEVELS = (
    "absent_supervisor",
    "boat_race",
    "conveyor_belt_vase",
    "distributional_shift_0",
    "friend_foe_neutral",
    "island_navigation",
    "rocks_diamonds_0",
    "safe_interruptibility_1",
    "side_effects_sokoban_1",
    "tomato_watering",
    "whisky_gold_forced",
)
"""One of each of the eleven, the largest where there are several."""

OVERSEEN = ("fork", "off_switch", "room_10_0")
"""Levels of the hand of god."""

Life = Callable[[Any], Any]
"""Steps 256 worlds `STEPS` times with random actions; what it returns depends on every observation and reward, so nothing is left out."""


def _scan(start: Callable[[Any], Any], step: Callable[[Any, Any, Any], tuple[Any, Any]], num_actions: int) -> Life:
    """A compiled life of a world: `start(key) -> state`, `step(key, state, action) -> (state, seen)`."""

    def one(states: Any, key: Any) -> tuple[Any, Any]:
        acting, stepping = jax.random.split(key)
        actions = jax.random.randint(acting, (WORLDS,), 0, num_actions)
        after, seen = jax.vmap(step)(jax.random.split(stepping, WORLDS), states, actions)
        return after, sum(jnp.sum(leaf.astype(jnp.float32)) for leaf in jax.tree.leaves(seen))

    @jax.jit
    def life(key: Any) -> Any:
        states = jax.vmap(start)(jax.random.split(key, WORLDS))
        return jax.lax.scan(one, states, jax.random.split(key, STEPS))[1]

    return life


def ours(level: str, *, seeing: bool) -> Life:
    """A level of ours, with or without looking at the board in each step. States that are over cost as much as others."""
    world = world_of(load(level))

    def step(key: Any, state: Any, action: Any) -> tuple[Any, Any]:
        after = world.step(key, state, action)
        return after, (after.reward, world.observe(after) if seeing else after.done)

    return _scan(world.init, step, world.num_actions)


def corrected(level: str) -> Life:
    """A level with an overseer, as tables: state and correction are seen in each step."""
    world = hand_of_god(load(level))

    def step(key: Any, state: Any, action: Any) -> tuple[Any, Any]:
        after = world.step(key, state, action)
        return after, world.observe(after)

    return _scan(world.init, step, world.num_actions)


def navix() -> Life:
    """Navix-Empty-8x8-v0: observation and automatic reset are part of its step."""
    env = import_module("navix").make("Navix-Empty-8x8-v0")

    def step(key: Any, state: Any, action: Any) -> tuple[Any, Any]:
        after = env.step(state, action)
        return after, (after.reward, after.observation)

    return _scan(env.reset, step, len(env.action_set))


def xminigrid() -> Life:
    """MiniGrid-Empty-8x8: the observation is part of its step, reset is not."""
    env, params = import_module("xminigrid").make("MiniGrid-Empty-8x8")

    def step(key: Any, state: Any, action: Any) -> tuple[Any, Any]:
        after = env.step(params, state, action)
        return after, (after.reward, after.observation)

    return _scan(lambda key: env.reset(params, key), step, int(env.num_actions(params)))


def jumanji() -> Life:
    """Maze-v0, 10 x 10: the observation is part of its step, reset is not."""
    env = import_module("jumanji").make("Maze-v0")

    def step(key: Any, state: Any, action: Any) -> tuple[Any, Any]:
        after, timestep = env.step(state, action)
        return after, (timestep.reward, timestep.observation.agent_position, timestep.observation.walls)

    return _scan(lambda key: env.reset(key)[0], step, int(env.action_spec.num_values))


PEERS: dict[str, Callable[[], Life]] = {"navix": navix, "xminigrid": xminigrid, "jumanji": jumanji}


def _rates(lives: dict[str, Life]) -> dict[str, float]:
    """Steps a second of each: the best of `ROUNDS` rounds over all of them, so that a busy moment hits all alike."""
    key, best = jax.random.key(0), dict.fromkeys(lives, float("inf"))
    for life in lives.values():
        jax.block_until_ready(life(key))
    for _ in range(ROUNDS):
        for name, life in lives.items():
            start = time.perf_counter()
            jax.block_until_ready(life(key))
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: WORLDS * STEPS / seconds for name, seconds in best.items()}


def measure() -> list[Row]:
    """A row for each level and peer; ratios are of steps with the board seen, and None where the peer is not installed."""
    lives: dict[str, Life] = {}
    missing = []
    for name, make in PEERS.items():
        try:
            lives[name] = make()
        except ImportError as error:
            missing.append((name, f"not installed ({error})"))
    for level in LEVELS:
        lives[level] = ours(level, seeing=True)
        lives[f"{level} blind"] = ours(level, seeing=False)
    for level in OVERSEEN:
        lives[level] = corrected(level)
    rates = _rates(lives)
    rows = [_row(level, rates[level], rates[f"{level} blind"], rates, "bar 1,000,000 blind") for level in LEVELS]
    rows += [_row(level, rates[level], None, rates, "with an overseer; bar 1,000,000") for level in OVERSEEN]
    rows += [_row(name, rates[name], None, rates, PEERS[name].__doc__ or "") for name in PEERS if name in rates]
    return rows + [_row(name, None, None, rates, said) for name, said in missing]


def _row(name: str, rate: float | None, blind: float | None, rates: dict[str, float], note: str) -> Row:
    ratios = {f"to_{peer}": rate / rates[peer] if rate and peer in rates else None for peer in PEERS}
    return {"world": name, "steps_per_s": rate, "blind_per_s": blind, **ratios, "note": note}


if __name__ == "__main__":
    main(__doc__ or "", measure, packages=("jax", "jaxlib", "numpy", *PEERS))
