"""MiniGrid's rooms: in lockstep with the environments themselves, and planners who keep out of the lava."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assent.planning.near_optimal import meanings, near_optimal
from assent.planning.transitions import Transitions
from assent.worlds.minigrid import ACTION_NAMES, FORWARD, LEFT, NotTabular, room
from tests.worlds.minigrid_installed import require_minigrid

ROOMS = [
    "MiniGrid-DistShift1-v0",
    "MiniGrid-DistShift2-v0",
    "MiniGrid-LavaGapS5-v0",
    "MiniGrid-LavaGapS6-v0",
    "MiniGrid-LavaGapS7-v0",
    "MiniGrid-LavaCrossingS9N1-v0",
]
SEEDS = (0, 1, 7)


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest) -> None:
    if "absent" not in request.node.name:
        require_minigrid()


def environment(name: str) -> Any:
    import gymnasium
    import minigrid  # noqa: F401

    return gymnasium.make(name, disable_env_checker=True).unwrapped


def place(env: Any) -> int:
    return 4 * int(env.agent_pos[1] * env.width + env.agent_pos[0]) + int(env.agent_dir)


def in_step(made: Transitions, name: str, seed: int) -> bool:
    """Whether 1,500 random actions, forward more often than not, lead through the same states, rewards and ends."""
    env, rng = environment(name), np.random.default_rng([seed, 1])
    env.reset(seed=seed)
    state, ends = int(np.argmax(made.start)), 0
    if place(env) != state:
        return False
    for _ in range(1_500):
        action = int(rng.choice(7, p=[0.2, 0.2, 0.5, 0.025, 0.025, 0.025, 0.025]))
        _, reward, ended, _, _ = env.step(action)
        at = (state, action, 0)
        ahead = env.grid.get(*env.agent_pos)
        same = (
            place(env) == made.successor[at]
            and ended == made.end[at]
            and (reward > 0) == (made.reward[at] == 1) == made.goal[at]
            and (ended and ahead is not None and ahead.type == "lava") == made.event[at]
        )
        if not same:
            return False
        state = int(made.successor[at])
        if ended:
            ends += 1
            env.reset(seed=seed)
            state = int(np.argmax(made.start))
        env.step_count = 0  # it would break off
    assert ends > 3
    return True


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ROOMS)
def test_it_goes_in_step_with_minigrid(name: str, seed: int) -> None:
    """The wrong variant, left and right exchanged, goes elsewhere."""
    made = room(name, seed=seed)
    assert in_step(made, name, seed)
    turned = made.successor.copy()
    turned[:, [0, 1]] = turned[:, [1, 0]]
    assert not in_step(replace(made, successor=turned), name, seed)


@pytest.mark.parametrize("name", ROOMS)
def test_each_cell_is_what_it_is_in_the_room(name: str) -> None:
    """All states and forward moves, reached or not."""
    made, env = room(name, seed=2), environment(name)
    env.reset(seed=2)
    assert made.num_states == 4 * env.width * env.height
    for y in range(env.height):
        for x in range(env.width):
            for direction, (dx, dy) in enumerate(((1, 0), (0, 1), (-1, 0), (0, -1))):
                state = 4 * (y * env.width + x) + direction
                inside = 0 <= x + dx < env.width and 0 <= y + dy < env.height
                ahead = env.grid.get(x + dx, y + dy) if inside else None
                wall = not inside or (ahead is not None and ahead.type == "wall")
                at = (state, FORWARD, 0)
                moved = state if wall else state + 4 * (dy * env.width + dx)
                assert made.successor[at] == moved
                assert made.spot[at] == (-1 if wall else moved // 4)
                assert made.event[at] == (not wall and ahead is not None and ahead.type == "lava")
                assert made.successor[state, LEFT, 0] == state - direction + (direction - 1) % 4
                assert (made.successor[state, 3:, 0] == state).all()


@pytest.mark.parametrize("name", ROOMS)
def test_the_planner_keeps_out_of_the_lava_and_arrives(name: str) -> None:
    for seed in SEEDS:
        made = room(name, seed=seed)
        hot, goal = (np.unique(made.spot[flag]) for flag in (made.event, made.goal))
        policy = near_optimal(made, meanings([goal], [hot]))[0]
        rng, state, arrived = np.random.default_rng(seed), int(np.argmax(made.start)), 0
        for _ in range(1_000):
            action = rng.choice(7, p=policy[state])
            at = (state, action, 0)
            assert not made.event[at]
            arrived += bool(made.goal[at])
            state = int(np.argmax(made.start)) if made.end[at] else int(made.successor[at])
        assert arrived > 20


def test_rooms_drawn_with_other_seeds_are_others() -> None:
    gaps = {room("MiniGrid-LavaGapS7-v0", seed=seed).event.tobytes() for seed in range(6)}
    assert len(gaps) > 2
    shifts = [
        np.unique(room(f"MiniGrid-DistShift{number}-v0").spot[room(f"MiniGrid-DistShift{number}-v0").event])
        for number in (1, 2)
    ]
    assert len(shifts[0]) == len(shifts[1]) == 6
    assert set(shifts[0]) != set(shifts[1])
    assert room().action_names == ACTION_NAMES


def test_rooms_with_doors_are_refused() -> None:
    with pytest.raises(NotTabular, match=r"MiniGrid-DoorKey-5x5-v0 holds a (door|key)"):
        room("MiniGrid-DoorKey-5x5-v0")


def test_where_minigrid_is_absent_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "minigrid", None)
    with pytest.raises(ModuleNotFoundError, match=r"minigrid is not installed.*pip install 'assent\[lab,worlds\]'"):
        room()
