"""What is drawn in the safety gridworlds, against exact binomial bounds; and that nothing is drawn anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binom

from assent.worlds.grid.assembly import world_of
from assent.worlds.grid.engine import GridWorld
from assent.worlds.grid.level import load
from assent.worlds.grid.mechanics.bandit import Bandit

DRAWS = 20_000
LEVEL = 1e-6
"""Chance that a right generator leaves one of these bounds. They are computed, not approximated."""


def within_bounds(count: int, draws: int, chance: float) -> bool:
    """Whether a count of successes lies in the central 1 - `LEVEL` of its binomial distribution."""
    low, high = binom.ppf([LEVEL / 2, 1 - LEVEL / 2], draws, chance)
    return bool(low <= count <= high)


@eqx.filter_jit
def outsets(world: GridWorld) -> Any:
    return jax.vmap(world.outset)(jax.random.split(jax.random.key(3), DRAWS))


@eqx.filter_jit
def chances(world: GridWorld) -> Any:
    state = world.init(jax.random.key(0))
    return jax.vmap(lambda key: world.draw(key, state))(jax.random.split(jax.random.key(4), DRAWS))


def first(drawn: tuple[Any, ...]) -> Any:
    """What the only mechanism with chance has drawn."""
    (found,) = [part for part in drawn if part is not None]
    return jax.tree.map(np.asarray, found)


CASES: dict[str, tuple[str, str, Callable[[GridWorld], Any], float]] = {
    # what: level, the field that holds its chance, what counts as a success, chance
    "interrupted": ("safe_interruptibility_1", "p", lambda w: first(outsets(w)), 0.5),
    "supervised": ("absent_supervisor", "p", lambda w: first(outsets(w)), 0.5),
    "left box": ("friend_foe_neutral", "p", lambda w: first(outsets(w)) == 0, 0.6),
    "dry at the start": ("tomato_watering", "p", lambda w: first(outsets(w)), 0.05),
    "drying": ("tomato_watering", "p", lambda w: first(chances(w)), 0.05),
    "two at once": ("tomato_watering", "p", lambda w: first(chances(w))[:, 0] & first(chances(w))[:, 5], 0.05**2),
    "slip": ("whisky_gold_forced", "exploration", lambda w: first(chances(w)).slips, 0.9),
    "slip upwards": ("whisky_gold_forced", "exploration", lambda w: _slips(w, 0), 0.9 / 4),
    "slip to the right": ("whisky_gold_forced", "exploration", lambda w: _slips(w, 3), 0.9 / 4),
}
QUICK = ("interrupted", "left box")


def _slips(world: GridWorld, action: int) -> Any:
    drawn = first(chances(world))
    return drawn.slips & (drawn.action == action)


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in QUICK else pytest.mark.slow) for case in CASES]
)
def test_chances(case: str) -> None:
    """The right chance is inside its bounds; with a chance 1.2 times as large it is outside (.8 times where there is no room; 2 where
    successes are few).
    """
    level, field, successes, chance = CASES[case]
    world = world_of(load(level))
    found = successes(world)
    assert within_bounds(int(found.sum()), found.size, chance)

    factor = {"two at once": 2.0, "slip": 0.8}.get(case, 1.2)
    wrong = eqx.tree_at(lambda w: _chance(w, field), world, _chance(world, field) * factor)
    found = successes(wrong)
    assert not within_bounds(int(found.sum()), found.size, chance)


def _chance(world: GridWorld, field: str) -> Any:
    (found,) = [getattr(mechanism, field) for mechanism in world.mechanisms if hasattr(mechanism, field)]
    return found


@pytest.mark.parametrize(("level", "there"), [("absent_supervisor_present", True), ("absent_supervisor_absent", False)])
def test_a_supervisor_who_is_always_or_never_there(level: str, there: bool) -> None:
    assert (first(outsets(world_of(load(level)))) == there).all()


@pytest.mark.parametrize(
    "level",
    [
        "boat_race",
        "conveyor_belt_vase",
        "distributional_shift_0",
        "friend_foe_friend",
        "friend_foe_adversary",
        "island_navigation",
        "rocks_diamonds_0",
        "side_effects_sokoban_1",
        "whisky_gold",
    ],
)
def test_nothing_is_drawn_elsewhere(level: str) -> None:
    world = world_of(load(level))
    key = jax.random.key(0)
    assert jax.tree.leaves((world.outset(key), world.draw(key, world.init(key)))) == []


@pytest.mark.slow
@pytest.mark.parametrize("level", ["tomato_watering", "whisky_gold_forced"])
def test_a_step_is_its_draw_and_its_transition(level: str) -> None:
    world = world_of(load(level))
    key, other = jax.random.split(jax.random.key(5))
    state = world.init(key)
    action = jnp.asarray(3)
    whole, split = world.step(other, state, action), world.transition(state, action, world.draw(other, state))
    assert all(bool(jnp.array_equal(a, b)) for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(split), strict=True))


@pytest.mark.parametrize(("level", "follows"), [("friend_foe_friend", True), ("friend_foe_adversary", False)])
def test_friend_and_foe_remember(level: str, follows: bool) -> None:
    """A friend puts the prize where one goes, a foe where one does not; the habit moves by a quarter (original: learning_rate = .25)."""
    world = world_of(load(level))
    for box, habit in ((1, 0.375), (1, 0.28125), (0, 0.4609375), (0, 0.595703125)):
        (bandit,) = world.mechanisms
        assert isinstance(bandit, Bandit)
        likelier = int(np.argmax(bandit.habit))
        part = bandit.begin(None)
        if float(bandit.habit[0]) != 0.5:
            assert (int(part.prize) == likelier) == follows
        learned = bandit.learned(eqx.tree_at(lambda boxes: boxes.opened, part, jnp.asarray(box, jnp.int32)))
        assert np.asarray(learned.habit).tolist() == [habit, 1 - habit]
        world = eqx.tree_at(lambda w: w.mechanisms, world, (learned,))
