"""The pole against Gymnasium's, step by step, and an expert who holds Gymnasium's own for all 500 steps."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.checks import check_world
from assent.worlds.cart_pole import BINS, MAX_STEPS, RANGES, START, CartPole, Held, box, centres, expert, pushed


def gymnasiums(seed: int) -> Any:
    env: Any = gymnasium.make("CartPole-v1", disable_env_checker=True)
    env.reset(seed=seed)
    return env


def held(motion: Any, *, age: int = 0) -> Held:
    no = jnp.asarray(False)
    return Held(jnp.asarray(motion), jnp.asarray(age, jnp.int32), event=no, goal=no)


STEP = jax.jit(pushed)


@pytest.mark.parametrize("seed", range(8))
def test_it_moves_as_gymnasiums_does(seed: int) -> None:
    """From one state, random pushes until it falls, in float64: 30 steps add up to rounding only. A pole of twice the length does not."""
    env, rng = gymnasiums(seed), np.random.default_rng(seed)
    with jax.enable_x64(True):
        motion = other = jnp.asarray(env.unwrapped.state)
        for _ in range(200):
            action = int(rng.integers(2))
            _, _, fell, _, _ = env.step(action)
            motion = STEP(motion, action)
            # each step's rounding is some 1e-16 of features below 5, and what it grows by is below 1.2 a step
            np.testing.assert_allclose(motion, env.unwrapped.state, rtol=0, atol=1e-11)
            other = STEP(other.at[2].mul(2.0), action).at[2].divide(2.0)
            if fell:
                break
    assert fell
    assert np.abs(np.asarray(other) - env.unwrapped.state).max() > 1e-3


def test_it_falls_when_gymnasiums_does() -> None:
    """Random lives from Gymnasium's first states: event in exactly the step in which the environment ends, and a new start then."""
    world, lengths = CartPole(), []
    for seed in range(6):
        env, rng = gymnasiums(seed), np.random.default_rng(seed)
        with jax.enable_x64(True):
            state = held(env.unwrapped.state)
            for number in range(200):
                action = int(rng.integers(2))
                _, _, fell, _, _ = env.step(action)
                state = world.step(jax.random.key(number), state, jnp.asarray(action))
                assert bool(state.event) == fell
                if fell:
                    break
        lengths.append(number)
        assert np.abs(np.asarray(state.motion)).max() <= START
        assert int(state.age) == 0
    assert len(set(lengths)) > 2


def test_the_expert_holds_gymnasiums_pole_from_a_hundred_starts() -> None:
    """All 500 steps, seen through float32 as Gymnasium shows it. Without regard for the cart it runs out of the track."""
    env: Any = gymnasium.make("CartPole-v1", disable_env_checker=True)
    lost = 0
    for seed in range(100):
        for gains in ((0.05, 0.1, 1.0, 0.25), (0.0, 0.0, 1.0, 1.0)):
            seen, steps, ended, truncated = env.reset(seed=seed)[0], 0, False, False
            while not ended and not truncated:
                action = int(np.dot(gains, seen) > 0)
                if gains[0]:
                    assert steps % 50 or int(expert(jnp.asarray(seen))) == action
                seen, _, ended, truncated, _ = env.step(action)
                steps += 1
            if gains[0]:
                assert (steps, truncated, ended) == (MAX_STEPS, True, False), seed
            else:
                lost += ended
    assert lost >= 3


def test_a_pole_held_for_500_steps_is_set_up_anew() -> None:
    world = CartPole()
    before = world.step(jax.random.key(0), held(jnp.zeros(4), age=MAX_STEPS - 2), jnp.asarray(0))
    assert (int(before.age), bool(before.goal)) == (MAX_STEPS - 1, False)
    after = world.step(jax.random.key(0), before, jnp.asarray(1))
    assert (int(after.age), bool(after.goal), bool(after.event)) == (0, True, False)


def test_nobody_acting_pushes_nothing() -> None:
    still = CartPole().step(jax.random.key(0), held(jnp.zeros(4)), jnp.asarray(-1))
    assert np.asarray(still.motion).tolist() == [0.0] * 4


def test_boxes_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    features = rng.uniform(-1.3, 1.3, (500, 4)) * RANGES
    edges = [np.linspace(-most, most, count + 1)[1:-1] for most, count in zip(RANGES, BINS, strict=True)]
    digits = [np.digitize(features[:, i], edges[i]) for i in range(4)]
    with jax.enable_x64(True):
        found = np.asarray(jax.vmap(box)(jnp.asarray(features)))
    np.testing.assert_array_equal(found, np.ravel_multi_index(digits, BINS))
    middle = centres()
    assert middle.shape == (CartPole().num_contexts, 4)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(jax.vmap(box)(jnp.asarray(middle)), np.arange(len(middle)))


def test_what_is_seen() -> None:
    state = held(jnp.asarray([0.1, -0.2, 0.03, 0.4]))
    for world in (CartPole(), CartPole(bins=None)):
        np.testing.assert_array_equal(world.reveal(state), state.motion)
        check_world(world)
    np.testing.assert_array_equal(CartPole(bins=None).observe(state), state.motion)
    assert int(CartPole(bins=(1, 1, 2, 1)).observe(state)) == 1
    assert (CartPole(bins=None).num_contexts, CartPole().num_contexts) == (None, 960)
    starts = jax.vmap(CartPole().init)(jax.random.split(jax.random.key(0), 500)).motion
    # the largest of 2,000 uniform numbers is within 1 % of the range but for chance 2e-9
    assert START * 0.99 < float(jnp.abs(starts).max()) <= START
    with pytest.raises(ValueError, match="each feature wants at least 1 box"):
        CartPole(bins=(3, 0, 1, 1))
