"""Worlds against their rules written out in plain Python."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.worlds.corridor import Corridor
from assent.worlds.ring import Ring
from assent.worlds.stream import Stream

SHIFT = (0, 1, -1)
KEYS = 4_000


_step = jax.jit(
    jax.vmap(lambda world, key, state, action: world.step(key, state, action), in_axes=(None, 0, None, None))
)


def after(world: Any, state: int, action: int) -> Any:
    """Where `KEYS` keys lead from one state, one action done."""
    keys = jax.random.split(jax.random.key(0), KEYS)
    return np.asarray(_step(world, keys, jnp.asarray(state), jnp.asarray(action)))


def about(share: float) -> Any:
    """A share of `KEYS` draws, within five standard errors."""
    return pytest.approx(share, abs=5 * (share * (1 - share) / KEYS) ** 0.5)


@pytest.mark.parametrize("state", [0, 3, 4])
@pytest.mark.parametrize("action", [0, 1, 2])
@pytest.mark.parametrize("slip", [0.0, 0.3, 1.0])
def test_ring(state: int, action: int, slip: float) -> None:
    reached = after(Ring(num_contexts=5, slip=slip), state, action)
    meant, slipped = (state + SHIFT[action]) % 5, (state + 1) % 5
    assert set(reached) <= {meant, slipped}
    if meant != slipped:
        assert (reached == slipped).mean() == about(slip)


@pytest.mark.parametrize("state", range(6))
@pytest.mark.parametrize("action", [0, 1, 2])
@pytest.mark.parametrize("wind", [0.0, 0.4, 1.0])
def test_corridor(state: int, action: int, wind: float) -> None:
    """Six positions: 5 is the pit, 4 the edge, over which only the agent itself can go."""
    world = Corridor(length=6, wind=wind)
    reached = after(world, state, action)
    if state == world.pit:
        assert set(reached) == {5}
        return
    walked = min(max(state + SHIFT[action], 0), 5)
    pushed = walked + 1 if walked < 4 else walked
    assert set(reached) <= {walked, pushed}
    if pushed != walked:
        assert (reached == pushed).mean() == about(wind)
    assert (5 in reached) == (state == 4 and action == 1), "only stepping forward from the edge ends in the pit"


def test_worlds_begin_at_zero_and_show_everything() -> None:
    key = jax.random.key(0)
    for world in (Ring(), Corridor()):
        state = world.init(key)
        assert (int(state), int(world.observe(state)), int(world.reveal(state))) == (0, 0, 0)
        assert (world.num_actions, world.null_action) == (3, 0)
    assert (Ring(7).num_contexts, Corridor(9).num_contexts, Corridor(9).pit) == (7, 9, 8)


def test_stream(backend: Any) -> None:
    items = np.asarray([[0.5, 1.0], [0.25, 2.0], [0.125, 3.0]])
    world = Stream.of(backend.array(items), labels=backend.array([2, 0, 1], "int64"), num_actions=3)
    state = world.init(None)
    for expected in (0, 1, 2, 2, 2):
        assert int(state) == expected
        assert backend.numpy(world.observe(state)).tolist() == items[expected].tolist()
        assert int(world.reveal(state)) == [2, 0, 1][expected]
        state = world.step(None, state, -1)
    assert (world.num_items, world.null_action) == (3, -1)


def test_a_stream_without_labels_reveals_the_item() -> None:
    world = Stream.of(np.asarray([4, 2]), num_actions=5)
    assert [int(world.reveal(number)) for number in (0, 1)] == [4, 2]


def test_a_stream_of_several_arrays_shows_them_together() -> None:
    world = Stream((np.asarray([[1.0], [2.0]]), np.asarray([7, 8])), np.asarray([0, 1]), 2)
    seen = world.observe(world.step(None, world.init(None), -1))
    assert (seen[0].tolist(), int(seen[1]), world.num_items) == ([2.0], 8, 2)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Ring(num_contexts=0), r"num_contexts = 0: a ring needs at least one position"),
        (lambda: Corridor(length=2), r"length = 2: a corridor needs a start, an edge and a pit, 3 positions"),
        (lambda: Stream.of(np.zeros((0, 2)), num_actions=2), r"the stream is empty: give at least one item"),
        (lambda: Stream.of(np.zeros(3), labels=np.zeros(2, int), num_actions=2), r"2 labels for 3 items"),
        (
            lambda: Stream.of(np.zeros(3), labels=np.asarray([0, 1, 2]), num_actions=2),
            r"item 2 has label 2, outside 0 … 1",
        ),
        (lambda: Stream.of(np.zeros(2), labels=np.asarray([0, -1]), num_actions=2), r"item 1 has label -1"),
    ],
)
def test_bad_input_is_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()
