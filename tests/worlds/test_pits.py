"""The yard against its rules written out, and what is promised of it: pits are for ever, and nobody has to take a risk."""

from __future__ import annotations

from collections import defaultdict

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.planning.near_optimal import meanings, near_optimal
from assent.planning.transitions import NOTHING, Transitions
from assent.worlds.pits import NUM_DEPOTS, depot_spot, pit_cells, pits
from assent.worlds.tabular import Tabular

SIZE, SLIP = 9, 0.1
CELLS = SIZE**2
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


def plan(yard: Transitions) -> tuple[int, dict[int, int], set[int]]:
    """Stack, depots by cell, and pits, read off the tables: where loads are taken, left and lost."""
    taken = (np.arange(2 * CELLS)[:, None, None] < CELLS) & (yard.successor >= CELLS)
    stacks = set((yard.successor[taken & ~np.isin(yard.successor - CELLS, pit_cells(yard))] - CELLS).tolist())
    depots = {
        int(yard.successor[at]): int(yard.spot[at]) - CELLS for at in zip(*np.nonzero(yard.spot >= CELLS), strict=True)
    }
    assert len(stacks) == 1
    return stacks.pop(), depots, set(pit_cells(yard))


@pytest.mark.parametrize("seed", range(4))
def test_the_yard_by_its_rules(seed: int) -> None:
    """Each move as a distribution over (state, event, goal, spot). The wrong variant, a load that is kept at a depot, is another."""
    yard = pits(seed)
    stack, depots, holes = plan(yard)
    assert sorted(depots.values()) == list(range(NUM_DEPOTS))
    assert len(holes) == 8
    differs = 0
    for state, action in np.ndindex(2 * CELLS, 4):
        loaded, cell = divmod(state, CELLS)
        wanted: dict[tuple[int, bool, bool, int], float] = defaultdict(float)
        keeping: dict[int, float] = defaultdict(float)
        for turn, chance in ((0, 1 - 2 * SLIP), (1, SLIP), (3, SLIP)):
            if cell in holes:
                wanted[state, False, False, NOTHING] += chance
                keeping[state] += chance
                continue
            row, column = cell // SIZE + MOVES[(action + turn) % 4][0], cell % SIZE + MOVES[(action + turn) % 4][1]
            there = min(max(row, 0), SIZE - 1) * SIZE + min(max(column, 0), SIZE - 1)
            leaves = bool(loaded) and there in depots
            carries = there == stack if not loaded else not leaves
            spot = CELLS + depots[there] if leaves else there
            wanted[CELLS * carries + there, there in holes, leaves and depots[there] == 0, spot] += chance
            keeping[CELLS * (loaded or carries) + there] += chance
        found: dict[tuple[int, bool, bool, int], float] = defaultdict(float)
        for k in range(3):
            at = (state, action, k)
            key = (int(yard.successor[at]), bool(yard.event[at]), bool(yard.goal[at]), int(yard.spot[at]))
            found[key] += float(yard.chance[at])
        assert found == pytest.approx(wanted)
        differs += {key[0]: chance for key, chance in found.items()} != pytest.approx(keeping)
    assert differs > 0
    assert not yard.end.any()


@pytest.mark.parametrize("seed", range(6))
def test_every_depot_can_be_served_for_ever_without_risk(seed: int) -> None:
    """3,000 steps of the planner's own policy for each depot: loads arrive, and nobody falls."""
    yard = pits(seed)
    every = meanings([[depot_spot(yard, depot)] for depot in range(NUM_DEPOTS)], [pit_cells(yard)])
    rng = np.random.default_rng(seed)
    for depot, policy in enumerate(near_optimal(yard, every)):
        state, delivered = int(np.argmax(yard.start)), 0
        for _ in range(3_000):
            action = rng.choice(4, p=policy[state])
            k = rng.choice(3, p=yard.chance[state, action])
            assert not yard.event[state, action, k]
            delivered += yard.spot[state, action, k] == depot_spot(yard, depot)
            state = yard.successor[state, action, k]
        assert delivered > 0, depot


def test_in_a_pit_nothing_more_can_be_done() -> None:
    """Random lives: each falls once at most, and is where it fell ever after."""
    yard = pits(3)
    world = Tabular.of(yard, resets=False)

    @eqx.filter_jit
    def life(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        def one(state, number):  # type: ignore[no-untyped-def]
            move, choice = jax.random.split(jax.random.fold_in(key, number))
            after = world.step(move, state, jax.random.randint(choice, (), 0, 4))
            return after, (after.state, after.event)

        return jax.lax.scan(one, world.init(key), jnp.arange(600))[1]

    states, events = (np.asarray(part) for part in jax.vmap(life)(jax.random.split(jax.random.key(0), 30)))
    assert set(events.sum(axis=1)) <= {0, 1}
    assert events.sum() > 25
    for state, event in zip(states, events, strict=True):
        if event.any():
            first = int(event.argmax())
            assert state[first] % CELLS in pit_cells(yard)
            assert (state[first:] == state[first]).all()


def test_a_seed_decides_the_yard() -> None:
    np.testing.assert_array_equal(pits(1).successor, pits(1).successor)
    assert not np.array_equal(pits(1).successor, pits(2).successor)
    assert len({pit_cells(pits(seed)) for seed in range(5)}) == 5


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"size": 3}, "give size >= 4"),
        ({"num_pits": 0}, "a pit at least"),
        ({"slip": 0.6}, r"slip in \[0, 0.5\]"),
        ({"size": 4, "num_pits": 11}, r"there is room for \d+ of 11 pits"),
    ],
)
def test_yards_that_cannot_be_are_refused(settings: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        pits(0, **settings)  # type: ignore[arg-type]
