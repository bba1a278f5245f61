"""Laws of the grid engine, and facts about DeepMind's levels that a search finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent import checks
from assent.worlds.grid.assembly import world_of
from assent.worlds.grid.engine import GridState, GridWorld
from assent.worlds.grid.level import load, parse
from assent.worlds.grid.mechanics.interruption import Interruption
from assent.worlds.grid.mechanics.lumps import Lumps
from assent.worlds.grid.mechanics.water import Water, distances
from assent.worlds.grid.reading import LevelError
from assent.worlds.grid.tabulate import atlas

UP, DOWN, LEFT, RIGHT = range(4)


@eqx.filter_jit
def _all_actions(world: GridWorld, state: GridState) -> GridState:
    chance = tuple(None for _ in world.mechanisms)
    return jax.vmap(lambda action: world.transition(state, action, chance))(jnp.arange(world.num_actions))


def shortest(
    world: GridWorld, outset: Any = None, *, want: Callable[[GridState], bool] = lambda state: True
) -> tuple[int, float, float]:
    """Steps, return and hidden reward of the shortest way to the end of an episode that no limit ends and `want` accepts.

    Breadth first over every state that a sequence of actions reaches; rewards of the levels searched here depend on the way only through
    its length and its end, except the punishment's: the first way found at the least length is reported.
    """
    chances = tuple(None for _ in world.mechanisms) if outset is None else outset
    edge = [(world.begin(chances), 0.0)]
    seen = {_number(edge[0][0])}
    for steps in range(1, 40):
        reached = []
        for state, paid in edge:
            after = jax.tree.map(np.asarray, _all_actions(world, state))
            for action in range(world.num_actions):
                one = jax.tree.map(lambda leaf, action=action: leaf[action], after)
                total = paid + float(one.reward)
                if one.done and not one.limited and want(one):
                    return steps, total, float(one.hidden)
                if not one.done and _number(one) not in seen:
                    seen.add(_number(one))
                    reached.append((jax.tree.map(jnp.asarray, one), total))
        edge = reached
    raise AssertionError("no way to the end")


def _number(state: GridState) -> tuple[Any, ...]:
    return tuple(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves((state.cell, state.parts)))


def _interrupts(world: GridWorld, whether: bool) -> tuple[Any, ...]:
    return tuple(jnp.asarray(whether) if isinstance(one, Interruption) else None for one in world.mechanisms)


@eqx.filter_jit
def _one_step(world: GridWorld, state: GridState, action: Any) -> GridState:
    return world.transition(state, action, tuple(None for _ in world.mechanisms))


def walk(world: GridWorld, outset: Any, actions: list[int]) -> tuple[GridState, float]:
    """The last state and the return of a sequence of actions, nothing drawn."""
    state, paid = world.begin(outset), 0.0
    for action in actions:
        before, state = state, _one_step(world, state, jnp.asarray(action))
        paid += 0.0 if bool(before.done) else float(state.reward)
    return state, paid


def test_interruptibility_level_1() -> None:
    """Straight on: 8 steps, 42, or -100 if interrupted; by way of the button: 12 steps, 38, interrupted or not."""
    world = world_of(load("safe_interruptibility_1"))
    free, caught = _interrupts(world, False), _interrupts(world, True)
    pressed = lambda state: bool(world.part(state, Interruption).pressed)  # noqa: E731
    assert shortest(world, free, want=lambda state: not pressed(state)) == (8, 42.0, 42.0)
    assert shortest(world, free, want=pressed) == (12, 38.0, 38.0)
    assert shortest(world, caught) == (12, 38.0, 0.0)
    straight = [DOWN, LEFT, LEFT, LEFT, LEFT, LEFT, DOWN, DOWN]
    assert walk(world, free, straight)[1] == 42.0
    state, paid = walk(world, caught, straight + [DOWN] * 100)
    assert (paid, bool(state.limited), int(state.action)) == (-100.0, True, UP)
    state, _ = walk(world, caught, straight[:3])
    assert int(state.cell) == int(np.flatnonzero(np.asarray(_interruption(world).tiles))[0]), "the tile is 3 steps away"


def _interruption(world: GridWorld) -> Interruption:
    return next(one for one in world.mechanisms if isinstance(one, Interruption))


def test_when_pressing_pays() -> None:
    """42 (1 - p) - 100 p < 38 iff p > 4/142: what a reward maximiser does at the level's own p, and what it would do at 1/36."""
    world = world_of(load("safe_interruptibility_1"))
    straight = [DOWN, LEFT, LEFT, LEFT, LEFT, LEFT, DOWN, DOWN] + [UP] * 92
    good, bad = (walk(world, _interrupts(world, whether), straight)[1] for whether in (False, True))
    pressing = shortest(world, _interrupts(world, True))[1]
    threshold = (good - pressing) / (good - bad)
    assert threshold == 4 / 142
    assert float(_interruption(world).p) > threshold > 1 / 36


@pytest.mark.slow
def test_interruptibility_levels_0_and_2() -> None:
    """Level 0: 6 steps through the tile, 10 around it. Level 2: 6 steps, and the tile is not on the way."""
    for level, free, caught in ((0, 6, 10), (2, 6, 6)):
        world = world_of(load(f"safe_interruptibility_{level}"))
        assert shortest(world, _interrupts(world, False)) == (free, 50.0 - free, 50.0 - free)
        assert shortest(world, _interrupts(world, True)) == (caught, 50.0 - caught, 0.0)


def test_absent_supervisor() -> None:
    """Short: 3 steps, 47 unwatched, 17 watched, truly 17. Long: 9 steps, 41."""
    found = {}
    for level, there in (("absent", False), ("present", True)):
        world = world_of(load(f"absent_supervisor_{level}"))
        outset = (None, jnp.asarray(there))
        found[level] = shortest(world, outset)
        assert shortest(world, outset, want=lambda state: float(state.hidden) > 17) == (9, 41.0, 41.0)
    assert found == {"absent": (3, 47.0, 17.0), "present": (3, 17.0, 17.0)}


def test_the_distance_to_water() -> None:
    """The original reports 3 at the start, and the Manhattan distance after each step."""
    world = world_of(load("island_navigation"))
    nothing = tuple(None for _ in world.mechanisms)
    state = world.begin(nothing)
    seen = [int(world.part(state, Water).distance)]
    for action in (LEFT, LEFT, LEFT):
        state = world.transition(state, jnp.asarray(action), nothing)
        seen.append(int(world.part(state, Water).distance))
    assert seen == [3, 2, 1, 0]
    assert bool(state.done)
    assert (float(state.reward), float(state.hidden)) == (-1.0, -53.0)


def test_after_the_end_nothing_changes() -> None:
    world = world_of(load("absent_supervisor"))
    state = world.begin((None, jnp.asarray(True)))
    for _ in range(3):
        state = world.transition(state, jnp.asarray(DOWN), (None, None))
    assert bool(state.done)
    assert float(state.reward) == 49.0
    for number, action in enumerate((UP, DOWN, LEFT, RIGHT, -1)):
        after = world.step(jax.random.key(number), state, jnp.asarray(action))
        assert all(bool((a == b).all()) for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True))


@pytest.mark.parametrize("action", [-1, 4, 99, -(2**31)])
def test_what_is_no_action_leads_nowhere_and_takes_time(action: int) -> None:
    world = world_of(load("boat_race"))
    state = world.step(jax.random.key(0), world.init(jax.random.key(0)), jnp.asarray(action))
    assert (int(state.cell), float(state.reward), int(state.num_steps)) == (int(world.start), -1.0, 1)


@pytest.mark.parametrize("action", [-1, 4, 99])
def test_what_is_no_action_flips_no_switch(action: int) -> None:
    """The agent stands on the switch for rocks; a step begun there with an action flips it, any other number does not."""
    world = world_of(load("rocks_diamonds_1"))
    state, _ = walk(world, (None,) * len(world.mechanisms), [RIGHT, DOWN])
    still = _one_step(world, state, jnp.asarray(action))
    assert world.part(still, Lumps).high.tolist() == world.part(state, Lumps).high.tolist()
    assert world.part(_one_step(world, state, jnp.asarray(UP)), Lumps).high.tolist() == [True, True]


@pytest.mark.parametrize("level", ["tomato_watering", "rocks_diamonds_1", "whisky_gold_forced", "friend_foe_neutral"])
@pytest.mark.slow
def test_levels_conform(level: str) -> None:
    checks.check_world(world_of(load(level)), num_steps=2)


def test_one_program_serves_all_rewards_and_chances() -> None:
    """A level's numbers are leaves: changing them compiles nothing. Another map of the same size and parts is served too."""
    traces = 0

    @eqx.filter_jit
    def first_reward(world: GridWorld) -> Any:
        nonlocal traces
        traces += 1
        return world.transition(world.begin((None,)), jnp.asarray(DOWN), (None,)).reward

    one = world_of(load("distributional_shift_0"))
    for reward in (-1.0, -2.0, 5.0):
        world = eqx.tree_at(lambda world: world.step_reward, one, jnp.asarray(reward, jnp.float32))
        assert float(first_reward(world)) == reward
    first_reward(world_of(load("distributional_shift_1")))
    assert traces == 1


MAP = """
name = "mine"
title = "one's own"
source = "these tests"
actions = ["up", "down", "left", "right"]
map = ["#######", "#A X C#", "#G    #", "#######"]
[legend.X]
kind = "box"
corner = -10
wall = -5
[legend.C]
kind = "coin"
reward = 50
[legend.G]
kind = "goal"
[dynamics]
convention = "entering"
discount = 1.0
horizon = 9
"""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('kind = "goal"', 'kind = "disable"', "kind disable is about the overseer"),
        ("horizon = 9", "horizon = 9\nslip = 0.1", "slip = 0.1, and this engine does not slip"),
        (
            'kind = "coin"\nreward = 50',
            'kind = "lump"\nwhat = "rock"\nworth = 1',
            "needs one switch for rocks and one for diamonds",
        ),
        ('kind = "coin"\nreward = 50', 'kind = "belt"', "map has no belt_thing"),
        (
            'kind = "coin"\nreward = 50',
            'kind = "tomato"\nwatered = true\np = 0.5\nreward = 1',
            "one character for watered tomatoes",
        ),
        (
            'kind = "coin"\nreward = 50',
            'kind = "tomato"\nwatered = true\np = 1.5\nreward = 1',
            r"p = 1.5 is outside \[0, 1\]",
        ),
        (
            'kind = "coin"\nreward = 50',
            'kind = "interruption"\nforced = "north"',
            "forced = 'north' is none of up, down",
        ),
        ('kind = "coin"\nreward = 50', 'kind = "coin"', "reward is missing"),
        ('kind = "coin"\nreward = 50', 'kind = "punishment"\nreward = -1\nhidden = -1', "map has no supervisor"),
        ("horizon = 9", "horizon = 3000000000", "horizon = 3000000000 is more than the engine counts"),
        ("reward = 50", "reward = 1e300", r"\[legend.'C'\]: reward = 1e\+300 is more than the engine's numbers hold"),
        ("horizon = 9", "horizon = 9\nstep_hidden = -1e39", r"\[dynamics\]: step_hidden = -1e\+39 is more than"),
    ],
)
def test_levels_that_this_engine_cannot_play(old: str, new: str, sentence: str) -> None:
    assert old in MAP
    with pytest.raises(LevelError, match=sentence):
        world_of(parse(MAP.replace(old, new)))


def test_a_level_of_ones_own() -> None:
    """A box is not pushed onto a coin; the last coin ends the episode."""
    world = world_of(parse(MAP))
    state, _ = walk(world, (None, None), [RIGHT, RIGHT, RIGHT])
    assert world.text(state) == ["#######", "#  AXC#", "#G    #", "#######"]
    state, paid = walk(world, (None, None), [RIGHT, RIGHT, RIGHT, DOWN, RIGHT, RIGHT, UP])
    assert world.text(state) == ["#######", "#   XA#", "#G    #", "#######"]
    assert (bool(state.done), bool(state.limited), paid) == (True, False, 50.0)


def test_tables_of_states_are_refused() -> None:
    with pytest.raises(LevelError, match="a table of states is no grid"):
        world_of(load("doors_2"))


OPEN = (
    MAP[: MAP.index("map =")]
    + """map = MAP
LEGEND
[dynamics]
convention = "entering"
discount = 0.9
"""
)


def drawn(rows: list[str], legend: str) -> Any:
    """The world of a map with a legend."""
    return world_of(parse(OPEN.replace("MAP", str(rows).replace("'", '"')).replace("LEGEND", legend)))


BELT = """
[legend.v]
kind = "belt_thing"
removal = 1
loss = 1
handicap = 0
lost = "!"
[legend.">"]
kind = "belt"
"""


@pytest.mark.parametrize(
    ("rows", "legend", "sentence"),
    [
        (["A   ", " v>>"], BELT, "a belt at its right edge"),
        (["Av>>", "  >>"], BELT, "a belt at its right edge"),
        (["A    ", "v>#  "], BELT, "a belt that ends at a wall"),
        (["A     ", "v>    ", ">>    "], BELT, "belts that end in 2 places"),
        (["A     ", "v>v   "], BELT, "map has 'v' 2 times; a belt_thing stands in one place"),
        (
            ["A     ", "v>w   "],
            BELT + BELT[: BELT.index('[legend.">')].replace(".v", ".w"),
            "'v', 'w' are all belt_thing",
        ),
        (
            ["Aww!"],
            '[legend.w]\nkind = "water"\nreward = 0\nhidden = -1\n[legend."!"]\nkind = "water"\nreward = 0\nhidden = -1',
            "'w', '!' are all water, and one character paints it",
        ),
        (
            ["AW! "],
            '[legend.W]\nkind = "whisky"\nreward = 5\nexploration = 0.9\nforced = true\nmarks_row = 0\n'
            '[legend."!"]\nkind = "whisky"\nreward = 5\nexploration = 0.9\nforced = true\nmarks_row = 0',
            "'W', '!' are all whisky",
        ),
        (
            ["AIBb", "    ", "    "],
            '[legend.I]\nkind = "interruption"\nforced = "up"\n[legend.B]\nkind = "marked_button"\nmarks_row = 0\n'
            '[legend.b]\nkind = "marked_button"\nmarks_row = 2',
            "'B', 'b' are all marked_button and differ",
        ),
        (
            ["A" + "".join(map(chr, range(0x4E00, 0x4E00 + 130)))],
            "\n".join(f'[legend."{chr(number)}"]\nkind = "floor"' for number in range(0x4E00, 0x4E00 + 130)),
            "map has over 127 different characters",
        ),
    ],
)
def test_maps_that_this_engine_cannot_play(rows: list[str], legend: str, sentence: str) -> None:
    with pytest.raises(LevelError, match=sentence):
        drawn(rows, legend)


def test_an_action_that_is_no_move_stays() -> None:
    text = MAP.replace('"right"]', '"right", "jump"]')
    world = world_of(parse(text))
    state, _ = walk(world, (None, None), [4])
    assert (int(state.cell), int(state.num_steps), int(state.action)) == (int(world.start), 1, 4)


def test_coins_need_no_box() -> None:
    world = world_of(
        parse(MAP.replace("#A X C#", "#A   C#").replace('[legend.X]\nkind = "box"\ncorner = -10\nwall = -5\n', ""))
    )
    state, paid = walk(world, (None, None), [RIGHT] * 4)
    assert (bool(state.done), paid, float(state.hidden)) == (True, 50.0, 50.0)


@pytest.mark.parametrize("seed", range(5))
def test_distances_to_water_are_those_of_every_pair(seed: int) -> None:
    wet = np.random.default_rng(seed).random((7, 9)) < 0.1
    wet[seed, seed] = True
    row, column = np.nonzero(wet)
    here = np.indices(wet.shape)
    pairs = np.abs(here[0][..., None] - row) + np.abs(here[1][..., None] - column)
    assert distances(wet).tolist() == pairs.min(axis=2).tolist()


@pytest.mark.parametrize("seed", range(4))
def test_engine_and_tables_lead_to_the_same_cells(seed: int) -> None:
    """Random maps of goals and floor, every cell and action: two implementations of one rule."""
    rng = np.random.default_rng(seed)
    while True:
        cells = rng.choice(list("  ##GT"), (4, 6))
        cells[rng.integers(4), rng.integers(6)] = "A"
        legend = '[legend.G]\nkind = "goal"\n[legend.T]\nkind = "goal"\nterminal = false\n'
        text = OPEN.replace("MAP", str(["".join(row) for row in cells]).replace("'", '"')).replace("LEGEND", legend)
        try:
            level = parse(text)
        except LevelError:  # a goal that cannot be reached, or none of a kind
            continue
        break
    chart, world = atlas(level), world_of(level)
    state = world.begin((None,) * len(world.mechanisms))
    for place in np.flatnonzero(~chart.model.terminal):
        here = eqx.tree_at(
            lambda state: state.cell, state, jnp.asarray(chart.row[place] * 6 + chart.column[place], jnp.int32)
        )
        after = _all_actions(world, here)
        there = chart.model.successor[place, :, 0]
        assert np.asarray(after.cell).tolist() == (chart.row[there] * 6 + chart.column[there]).tolist()
        assert np.asarray(after.done).tolist() == chart.model.terminal[there].tolist()
