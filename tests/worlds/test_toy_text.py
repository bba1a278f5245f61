"""Gymnasium's toy worlds: in lockstep with the environments themselves, and against rules and optima that are published."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.planning.transitions import NOTHING, Transitions
from assent.worlds.tabular import BITS, Tabular
from assent.worlds.toy_text import ILLEGAL, IN_TAXI, PICK_UP, SET_DOWN, cliff_walking, frozen_lake, taxi

WORLDS: dict[str, tuple[Callable[[], Transitions], str, dict[str, Any]]] = {
    "cliff": (cliff_walking, "CliffWalking-v1", {"is_slippery": True}),
    "dry cliff": (lambda: cliff_walking(slippery=False), "CliffWalking-v1", {"is_slippery": False}),
    "small lake": (lambda: frozen_lake(4), "FrozenLake-v1", {"map_name": "4x4"}),
    "lake": (lambda: frozen_lake(8), "FrozenLake-v1", {"map_name": "8x8"}),
    "floor": (lambda: frozen_lake(8, slippery=False), "FrozenLake-v1", {"map_name": "8x8", "is_slippery": False}),
    "taxi": (taxi, "Taxi-v4", {}),
    "rainy taxi": (lambda: taxi(rainy=True), "Taxi-v4", {"is_rainy": True}),
}
STEPS = 3_000


class Same:
    """The random numbers of a Gymnasium environment, the same as the world's."""

    number = 0.0

    def random(self) -> float:
        return self.number


def number_of(key: Any) -> float:
    return int(jax.random.bits(key, dtype=jnp.uint32) >> (32 - BITS)) / 2**BITS


def drawn(keys: Any) -> np.ndarray:
    bits = jax.vmap(lambda key: jax.random.bits(key, dtype=jnp.uint32) >> (32 - BITS))(keys)
    return np.asarray(bits) / 2**BITS


def walked(env: Any, actions: np.ndarray, chance: np.ndarray, first: np.ndarray) -> list[tuple[Any, ...]]:
    """Gymnasium's life: state, reward and whether it ended, each step; after an end the first state of another episode."""
    env.unwrapped.np_random = same = Same()
    same.number, seen = first[0], []
    state = env.reset()[0]
    for action, outcome, again in zip(actions, chance, first[1:], strict=True):
        same.number = outcome
        after, reward, ended, truncated, _ = env.step(int(action))
        assert not truncated
        if ended:
            same.number = again
            after, _ = env.reset()
        seen.append((state, int(action), after, float(reward), ended))
        state = after
    return seen


def lived(world: Tabular, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray]:
    """The world's life on the same actions, and the numbers that its outcomes and first states were drawn from."""
    keys = jax.random.split(jax.random.key(11), STEPS + 1)
    split = jax.vmap(jax.random.split)(keys[1:])

    @eqx.filter_jit
    def whole(world: Tabular) -> Any:
        def one(state: Any, xs: Any) -> Any:
            after = world.step(xs[0], state, xs[1])
            return after, after

        return jax.lax.scan(one, world.init(keys[0]), (keys[1:], jnp.asarray(actions)))[1]

    with jax.enable_x64(False):
        return whole(world), drawn(split[:, 0]), np.append(number_of(keys[0]), drawn(split[:, 1]))


def actions_for(name: str, num_actions: int) -> np.ndarray:
    """Random; towards the goal more often than not, where a random walk would hardly arrive."""
    weights = {"cliff": [2, 3, 1, 1], "dry cliff": [3, 4, 2, 1], "floor": [1, 2, 2, 1], "lake": [1, 2, 3, 2]}
    chance = np.asarray(weights.get(name, np.ones(num_actions)), dtype=np.float64)
    return np.random.default_rng(5).choice(num_actions, STEPS, p=chance / chance.sum())


@cache
def both(name: str, *, turned: bool = False) -> tuple[Any, list[tuple[Any, ...]], Any]:
    """3,000 steps of the world, and of Gymnasium's; `turned` exchanges the world's first two actions."""
    make, gymnasiums, settings = WORLDS[name]
    world = Tabular.of(make())
    env: Any = gymnasium.make(gymnasiums, max_episode_steps=-1, disable_env_checker=True, **settings).unwrapped
    if turned:
        order = [1, 0, *range(2, world.num_actions)]
        world = eqx.tree_at(lambda world: world.successor, world, np.asarray(world.successor)[:, order])
    actions = actions_for(name, world.num_actions)
    happened, chance, first = lived(world, actions)
    return happened, walked(env, actions, chance, first), env


@pytest.mark.parametrize("name", WORLDS)
def test_it_goes_in_step_with_gymnasium(name: str) -> None:
    happened, seen, _ = both(name)
    assert np.asarray(happened.state).tolist() == [row[2] for row in seen]
    np.testing.assert_array_equal(happened.reward, [row[3] for row in seen])


@pytest.mark.parametrize("name", ["cliff", "taxi"])
def test_with_two_actions_exchanged_it_goes_elsewhere(name: str) -> None:
    happened, seen, _ = both(name, turned=True)
    assert np.asarray(happened.state).tolist() != [row[2] for row in seen]


@pytest.mark.parametrize("name", WORLDS)
def test_events_and_goals_are_what_gymnasium_shows_of_them(name: str) -> None:
    """Counted from Gymnasium's side: by reward on the cliff, by what ended without reward on the lake, by the passenger in a taxi."""
    happened, seen, env = both(name)
    events, goals = [], []
    for before, action, _, reward, ended in seen:
        if "taxi" in name:
            on_board = env.decode(before)[2] == IN_TAXI
            events.append(reward == -10 or (action == SET_DOWN and on_board and not ended))
            goals.append(reward == 20)
        else:
            events.append(reward == -100 if "cliff" in name else ended and reward == 0)
            goals.append(ended if "cliff" in name else reward == 1)
    assert np.asarray(happened.event).tolist() == events
    assert np.asarray(happened.goal).tolist() == goals
    assert sum(events) > 10
    if "taxi" not in name and name != "lake":  # where random walks arrive
        assert sum(goals) > 0


@pytest.mark.parametrize("slippery", [True, False])
def test_the_cliff_by_its_rules(slippery: bool) -> None:
    """Written out as distributions over cells; the wrong variant, slips to the opposite side too, is another distribution."""
    world = cliff_walking(slippery=slippery)
    moves = {0: (-1, 0), 1: (0, 1), 2: (1, 0), 3: (0, -1)}
    for state in (*range(37), 47):
        for action in range(4):
            wanted: dict[tuple[int, bool], float] = {}
            sides = [(action - 1) % 4, action, (action + 1) % 4] if slippery else [action]
            for side in sides:
                row = min(max(state // 12 + moves[side][0], 0), 3)
                column = min(max(state % 12 + moves[side][1], 0), 11)
                falls = row == 3 and 0 < column < 11
                cell = (36 if falls else 12 * row + column, falls)
                wanted[cell] = wanted.get(cell, 0.0) + 1 / len(sides)
            found: dict[tuple[int, bool], float] = {}
            for k in range(world.chance.shape[2]):
                at = (state, action, k)
                cell = (int(world.successor[at]), bool(world.event[at]))
                found[cell] = found.get(cell, 0.0) + float(world.chance[at])
                assert world.event[at] == (world.spot[at] in range(37, 47)), "a spot is the cell walked into"
                assert world.event[at] or world.spot[at] == world.successor[at]
            assert found == pytest.approx(wanted)
            opposite = moves[(action + 2) % 4]
            far = 12 * min(max(state // 12 + opposite[0], 0), 3) + min(max(state % 12 + opposite[1], 0), 11)
            if far not in (state, *(cell for cell, _ in wanted)) and not 36 < far < 47:
                assert far not in {cell for cell, _ in found}


def optimum(world: Transitions, steps: int) -> float:
    """The most that an episode of at most so many steps is worth, by recursion over the steps left."""
    successor, chance, _ = world.episode()
    gained, value = world.expected(world.reward), np.zeros(world.num_states + 1)
    for _ in range(steps):
        value[:-1] = (gained + (chance * value[successor]).sum(axis=2)[:-1]).max(axis=1)
    return float(world.start @ value[:-1])


@pytest.mark.parametrize(
    ("make", "steps", "published"),
    [(lambda: frozen_lake(4), 100, 0.74), (lambda: frozen_lake(8), 200, 0.91)],
)
def test_optima_are_those_that_gymnasium_publishes(make: Any, steps: int, published: float) -> None:
    """To the digits in its registry. The wrong variant, a floor that does not slip, is worth 1."""
    assert optimum(make(), steps) == pytest.approx(published, abs=0.006)
    assert optimum(frozen_lake(4, slippery=False), 100) == 1.0


def test_the_spots_of_a_taxi() -> None:
    world = taxi()
    env: Any = gymnasium.make("Taxi-v4").unwrapped
    assert set(np.unique(world.spot)) == {NOTHING, *range(ILLEGAL + 1)}
    assert (world.spot[:, :PICK_UP] == NOTHING).all(), "moves touch nothing"
    for state in range(500):
        row, column, passenger, destination = env.decode(state)
        spot = world.spot[state, SET_DOWN, 0]
        if passenger == IN_TAXI and (row, column) in env.locs:
            assert spot == 4 * destination + env.locs.index((row, column))
            assert world.goal[state, SET_DOWN, 0] == (spot in (0, 5, 10, 15))
            assert world.event[state, SET_DOWN, 0] == (spot not in (0, 5, 10, 15))
        else:
            assert spot == ILLEGAL
            assert world.event[state, SET_DOWN, 0]


def test_there_are_two_lakes() -> None:
    with pytest.raises(ValueError, match="size = 5: Gymnasium has maps"):
        frozen_lake(5)
