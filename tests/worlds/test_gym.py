"""Levels as Gymnasium environments, checked by Gymnasium's own checker."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from assent.worlds import gym
from assent.worlds.grid.level import load, names
from assent.worlds.grid.tabulate import tabulate

MODES: tuple[Any, ...] = ("ansi", "rgb_array")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["fork", "switch_two_point_eps"])
def test_gymnasiums_checker_finds_nothing(name: str, mode: str) -> None:
    """Warnings are errors here."""
    env = gymnasium.make(f"assent/{name}-v0", render_mode=mode)
    check_env(env.unwrapped)


@pytest.mark.slow
@pytest.mark.parametrize("name", gym.environment_names())
def test_gymnasiums_checker_finds_nothing_in_any_level(name: str) -> None:
    check_env(gymnasium.make(name, render_mode="ansi").unwrapped)


def test_every_level_that_tables_hold_is_registered() -> None:
    levels = map(load, names())
    expected = {f"assent/{level.name}-v0" for level in levels if level.plain and level.rewards is not None}
    assert (
        set(gym.environment_names()) == expected == {name for name in gymnasium.registry if name.startswith("assent/")}
    )
    gym.register()  # a second time changes nothing


def test_rewards_are_always_zero_and_corrections_come_in_info() -> None:
    """The wrong variant, the true reward as the environment's, is what the runner's `hidden` is for."""
    env: Any = gymnasium.make("assent/doors_2-v0")
    env.reset(seed=3)
    heard = []
    for _ in range(60):
        _, reward, terminated, truncated, info = env.step(1)
        assert reward == 0.0
        assert type(reward) is float
        assert not terminated
        assert not truncated
        assert set(info) == {"correction", "overseer"}
        if info["correction"] is not None:
            heard.append(info["correction"]["shown"])
    # each step brings one with chance .2, right with chance .9: 60 steps without one have chance 2e-6
    assert set(heard) <= {"door 1", "door 2"}
    assert heard.count("door 2") > heard.count("door 1")
    assert float(env.unwrapped._now().hidden) > 1, "and yet door 2 was right, and something was gained"


def test_a_seed_repeats_a_life() -> None:
    def lived(seed: int) -> list[Any]:
        env = gym.LevelEnv("off_switch")
        rows: list[Any] = [env.reset(seed=seed)]
        rows += [env.step(action)[0] for action in (4, 4, 4, 1, 3, 3, 0, 4)]
        return [str(row) for row in (*rows, env._info())]

    assert lived(5) == lived(5)


def test_lives_are_truncated_by_the_wrapper_alone() -> None:
    env = gymnasium.make("assent/doors_2-v0", max_episode_steps=4)
    env.reset(seed=0)
    ends = [env.step(0)[2:4] for _ in range(4)]
    assert ends == [(False, False)] * 3 + [(False, True)]


def test_pictures() -> None:
    env = gym.LevelEnv("fork", render_mode="rgb_array")
    env.reset(seed=0)
    pixels = env.render()
    assert (pixels.shape, pixels.dtype) == ((200, 280, 3), np.uint8)
    assert env.svg().startswith("<svg ")
    text = gym.LevelEnv("fork", render_mode="ansi")
    text.reset(seed=0)
    assert text.render().splitlines()[:4] == ["#######", "#Lx@yR#", "###B###", "#######"]
    text.step(3)
    assert text.render().endswith("in B · overseer removed")


def test_misuse_is_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"render_mode = 'human' is unknown"):
        gym.LevelEnv("fork", render_mode="human")
    env: Any = gym.LevelEnv("fork")
    with pytest.raises(ValueError, match=r"nothing has begun: call reset\(\) first"):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"the action 9 is none"):
        env.step(9)
    with pytest.raises(ValueError, match=r"made without render_mode"):
        env.render()
    assert env.observation_space.n == tabulate(load("fork")).num_states
