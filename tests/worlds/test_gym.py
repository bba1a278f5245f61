"""Levels as Gymnasium environments, checked by Gymnasium's own checker."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from assent.worlds import gym
from assent.worlds.grid.environment import GridEnv
from assent.worlds.grid.level import load, names, parse
from assent.worlds.grid.tabulate import tabulate
from assent.worlds.hand_of_god import HandOfGod
from assent.worlds.levels import true_reward

MODES: tuple[Any, ...] = ("ansi", "rgb_array")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["fork", "switch_two_point_eps", "boat_race", "absent_supervisor"])
def test_gymnasiums_checker_finds_nothing(name: str, mode: str) -> None:
    """Warnings are errors here."""
    env = gymnasium.make(f"assent/{name}-v0", render_mode=mode)
    check_env(env.unwrapped)


@pytest.mark.slow
@pytest.mark.parametrize("name", gym.environment_names())
def test_gymnasiums_checker_finds_nothing_in_any_level(name: str) -> None:
    check_env(gymnasium.make(name, render_mode="ansi").unwrapped)


def test_every_level_is_registered() -> None:
    """Those that only the engine plays too."""
    expected = {f"assent/{name}-v0" for name in names()}
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
        assert set(info) - {"correction"} == {"overseer"}
        if "correction" in info:
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


def test_vectors_of_environments_stack_what_is_told() -> None:
    """None beside a dictionary is what they cannot stack."""
    envs = gymnasium.make_vec("assent/fork-v0", num_envs=3, vectorization_mode="sync")
    _, info = envs.reset(seed=1)
    assert info["overseer"].tolist() == ["overseer there"] * 3
    heard = 0
    for _ in range(30):
        info = envs.step(np.full(3, 4))[4]
        if "correction" in info:
            heard += int(info["_correction"].sum())
            assert info["correction"]["shown"][info["_correction"]].tolist() != [None]
    envs.close()
    # 90 steps with chance .1 each: none at all has chance 8e-5
    assert heard > 0


MIXED = """
name = "mixed"
title = "A mixture of a list and of real numbers"
source = "this test"
actions = ["left", "right"]
map = ["#A G#"]
[legend.G]
kind = "goal"
[dynamics]
convention = "entering"
discount = 0.5
[overseer]
rate = 0.5
"""
PARTS = """
[prior]
kind = "mixture"
none_of_these = 0.2
[[prior.parts]]
kind = "goals"
candidates = "G"
[[prior.parts]]
kind = "gaussian"
mean = 5.0
"""


def test_a_level_without_a_prior_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"mixed has no \[prior\]"):
        gym.LevelEnv(parse(MIXED))


def test_a_mixture_with_real_numbers_draws_a_part_and_then_from_it() -> None:
    level = parse(MIXED + PARTS)
    model = tabulate(level)
    kinds = {"goal": 0, "none": 0, "normal": 0}
    for seed in range(300):
        reward = true_reward(level, model, seed=seed)
        assert not reward[model.terminal[: model.num_places]].any()
        kinds["none" if not reward.any() else "goal" if set(reward.ravel()) == {0.0, 1.0} else "normal"] += 1
    # shares .4, .2, .4 of 300 draws, five standard errors
    assert kinds["none"] == pytest.approx(60, abs=5 * (300 * 0.2 * 0.8) ** 0.5)
    assert kinds["goal"] == pytest.approx(120, abs=5 * (300 * 0.4 * 0.6) ** 0.5)
    named = true_reward(parse(MIXED + PARTS + '[truth]\nreward = "1: G"\n'), model)
    assert named[model.state_names.index("(0,2)")].tolist() == [0.0, 1.0]
    gym.LevelEnv(level).reset(seed=0)


def test_the_engines_worlds_show_boards_and_no_reward() -> None:
    """The wrong variant, the level's own reward as the environment's, would give -1 in the first step and 49 in the last."""
    env: Any = gymnasium.make("assent/absent_supervisor_present-v0", render_mode="ansi")
    board, info = env.reset(seed=0)
    assert (board.shape, board.dtype, info) == ((6, 8), np.int8, {"overseer": "there"})
    rows = [env.step(1) for _ in range(3)]
    assert [row[1:4] for row in rows] == [(0.0, False, False), (0.0, False, False), (0.0, True, False)]
    assert env.render().splitlines()[-1] == "step 3 · the end"
    state = env.unwrapped.state
    assert (float(state.reward), float(state.hidden)) == (49.0, 17.0)
    characters = "\n".join("".join(env.unwrapped.world.glyphs[number] for number in line) for line in rows[-1][0])
    assert env.render().startswith(characters)


def test_the_engines_worlds_are_truncated_when_their_steps_are_used_up() -> None:
    env: Any = gymnasium.make("assent/boat_race-v0")
    _, info = env.reset(seed=0)
    assert info == {"overseer": "nobody"}
    ends = [env.step(0)[2:4] for _ in range(100)]
    assert ends == [(False, False)] * 99 + [(False, True)]


def test_the_engines_worlds_have_pictures_and_sentences() -> None:
    env = GridEnv("rocks_diamonds_0", render_mode="rgb_array")
    with pytest.raises(ValueError, match=r"call reset\(\) first"):
        env.step(0)
    env.reset(seed=0)
    assert env.render().dtype == np.uint8
    assert env.svg().startswith("<svg ")
    with pytest.raises(ValueError, match=r"the action 9 is none"):
        env.step(9)
    with pytest.raises(ValueError, match=r"made without render_mode"):
        GridEnv("boat_race").render()
    with pytest.raises(ValueError, match=r"a table of states is no grid"):
        GridEnv("doors_2")


def test_the_gymnasium_face_and_the_pure_one_are_one_world() -> None:
    """The same keys through both: state, correction and end agree in every step of twenty lives."""
    for name in ("fork", "shutdown", "provoke", "radio_corridor"):
        env = gym.LevelEnv(name)
        step, init = eqx.filter_jit(HandOfGod.step), eqx.filter_jit(HandOfGod.init)
        for seed in range(5):
            twin = np.random.default_rng(np.random.SeedSequence(seed))
            seen, info = env.reset(seed=seed)
            life = init(env.world, jax.random.key(int(twin.integers(2**31))))
            for number in range(12):
                about, shown = (info["correction"][key] if "correction" in info else -1 for key in ("state", "action"))
                assert (int(seen), about, shown) == (int(life.state), int(life.about), int(life.shown))
                action = (3 * number + seed) % env.world.num_actions
                seen, reward, ended, _, info = env.step(action)
                life = step(env.world, jax.random.key(int(twin.integers(2**31))), life, jnp.asarray(action))
                assert (reward, ended) == (0.0, bool(life.done))
