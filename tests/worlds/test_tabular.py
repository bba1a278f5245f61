"""Tabular worlds against their tables: outcomes, ends that lead on to a start, and what is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.checks import check_world
from assent.hypotheses.tables import Tables
from assent.overseers.demonstrator import Demonstrator
from assent.planning.transitions import Transitions
from assent.rollout import live, live_many, stack
from assent.worlds.tabular import Happened, Tabular

KEYS = 4_000
SLIP, HOLE = 0.25, 0.125


def tables(*, start: tuple[float, ...] = (0.5, 0.0, 0.5)) -> Transitions:
    """Walk or wait in a ring of three; a walk slips with chance 1/4, and from state 1 into a hole with 1/8; from 2 it may arrive."""
    walk = [[(1 - SLIP, 1, -1.0, False), (SLIP, 2, -1.0, False)]]
    walk += [[(1 - SLIP - HOLE, 2, -1.0, False), (SLIP, 1, -1.0, False), (HOLE, 1, -9.0, True)]]
    walk += [[(0.5, 0, -1.0, False), (0.5, 2, 5.0, True)]]
    rows = [[step, [(1.0, state, 0.0, False)]] for state, step in enumerate(walk)]
    return Transitions.of_rows(
        rows, start=start, event=lambda state, action, row: row[2] == -9, goal=lambda state, action, row: row[2] == 5
    )


def now(state: int, *, over: bool = False) -> Happened:
    no = jnp.asarray(False)
    return Happened(jnp.asarray(state, jnp.int32), jnp.zeros(()), event=no, goal=no, over=jnp.asarray(over))


def after(world: Tabular, state: Happened, action: int) -> Happened:
    keys = jax.random.split(jax.random.key(3), KEYS)
    return eqx.filter_vmap(lambda key: world.step(key, state, jnp.asarray(action)))(keys)


def about(share: float) -> Any:
    """A share of `KEYS` draws, within five standard errors."""
    return pytest.approx(share, abs=5 * (share * (1 - share) / KEYS) ** 0.5)


@pytest.mark.parametrize("state", range(3))
def test_outcomes_come_as_often_as_the_tables_say(state: int) -> None:
    transitions = tables()
    seen = after(Tabular.of(transitions), now(state), 0)
    for k in np.flatnonzero(transitions.chance[state, 0]):
        at = (state, 0, k)
        drawn = np.asarray(seen.reward) == transitions.reward[at]
        if transitions.end[at]:
            assert drawn.mean() == about(transitions.chance[at])
            assert (np.asarray(seen.event)[drawn] == transitions.event[at]).all()
            assert (np.asarray(seen.goal)[drawn] == transitions.goal[at]).all()
        else:
            drawn &= np.asarray(seen.state) == transitions.successor[at]
            assert drawn.mean() == about(transitions.chance[at])
            assert not np.asarray(seen.event | seen.goal)[drawn].any()


def test_an_end_leads_on_to_a_first_state() -> None:
    """The wrong variant, staying where the episode ended, would only be in state 2."""
    seen = after(Tabular.of(tables()), now(2), 0)
    arrived = np.asarray(seen.goal)
    assert set(np.asarray(seen.state)[arrived]) == {0, 2}
    count = arrived.sum()
    assert (np.asarray(seen.state)[arrived] == 0).mean() == pytest.approx(0.5, abs=5 * 0.5 / count**0.5)
    assert not np.asarray(seen.over).any()


def test_without_resets_the_first_end_is_the_last() -> None:
    world = Tabular.of(tables(), resets=False)
    seen = after(world, now(2), 0)
    np.testing.assert_array_equal(seen.over, seen.goal)
    assert set(np.asarray(seen.state)[np.asarray(seen.over)]) == {2}
    dead = after(world, now(2, over=True), 0)
    assert np.asarray(dead.over).all()
    assert not np.asarray(dead.goal | dead.event).any()
    assert set(np.asarray(dead.state)) == {2}
    assert not np.asarray(dead.reward).any()


@pytest.mark.parametrize("action", [-1, 2, 99])
def test_what_is_no_action_is_done_by_nobody(action: int) -> None:
    seen = after(Tabular.of(tables()), now(2), action)
    assert set(np.asarray(seen.state)) == {2}
    assert not np.asarray(seen.goal | seen.event | seen.over).any()
    assert not np.asarray(seen.reward).any()


def test_first_states_come_as_often_as_they_should() -> None:
    world = Tabular.of(tables(start=(0.2, 0.8, 0.0)))
    first = np.asarray(jax.vmap(world.init)(jax.random.split(jax.random.key(0), KEYS)).state)
    assert set(first) == {0, 1}
    assert (first == 1).mean() == about(0.8)


def test_an_outcome_without_a_chance_never_comes() -> None:
    """Whatever rounding leaves of the cumulated chances: seven sevenths are less than 1 in float64, and outcomes follow them."""
    rows = [[[(1 / 7, 0, 0.0, False)] * 7 + [(0.0, 1, 0.0, False)] * 2]] * 2
    transitions = Transitions.of_rows(rows, start=[1, 0])
    assert np.cumsum(transitions.chance[0, 0])[-1] < 1
    below = Tabular.of(transitions).below[0, 0]
    assert below[6:].tolist() == [2**31] * 3
    assert set(np.asarray(after(Tabular.of(transitions), now(0), 0).state)) == {0}


def imitator(world: Tabular, seed: int) -> tuple[Imitator, Demonstrator]:
    policies = np.random.default_rng(seed).dirichlet(np.ones(2), size=(5, world.num_contexts))
    return Imitator.of(Tables.of(policies)), Demonstrator(policies[2])


def test_a_life_is_the_same_in_both_precisions() -> None:
    world, actions = Tabular.of(tables()), np.random.default_rng(0).integers(0, 2, 300)

    def lived() -> Any:
        def one(state: Happened, xs: Any) -> Any:
            number, action = xs
            after = world.step(jax.random.fold_in(jax.random.key(5), number), state, action)
            return after, (after.state, after.event, after.goal)

        start = world.init(jax.random.key(1))
        return jax.lax.scan(one, start, (jnp.arange(300), jnp.asarray(actions)))[1]

    single = lived()
    with jax.enable_x64(True):
        double = lived()
    for one, other in zip(single, double, strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(np.asarray(single[2]).sum()) > 20


@pytest.mark.slow
def test_a_trace_says_what_each_round_led_to() -> None:
    """Each recorded step is possible by the tables, and its event and goal are those of an outcome that leads there."""
    transitions = tables()
    world = Tabular.of(transitions)
    trace = live(*_with(world, imitator(world, 0)), seed=4, run="counting", num_steps=400)
    state, action = np.asarray(trace.state.state), np.asarray(trace.action)
    event, goal = np.asarray(trace.state.event), np.asarray(trace.state.goal)
    assert not event[0]
    assert not goal[0]
    for number in range(399):
        here = (state[number], action[number])
        fits = (transitions.event[here] == event[number + 1]) & (transitions.goal[here] == goal[number + 1])
        fits &= transitions.possible[here] & (
            transitions.end[here] | (transitions.successor[here] == state[number + 1])
        )
        assert fits.any(), number
    assert event.sum() > 2
    assert goal.sum() > 20


def _with(world: Any, parts: tuple[Any, Any]) -> tuple[Any, Any, Any]:
    return parts[0], world, parts[1]


@pytest.mark.slow
def test_many_lives_in_many_worlds_at_once() -> None:
    worlds = [Tabular.of(tables(start=start)) for start in ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))]
    agent, overseer = imitator(worlds[0], 1)
    together = live_many(agent, stack(worlds), overseer, seeds=[7, 8], run="many", num_steps=50, each=("world",))
    for number, world in enumerate(worlds):
        alone = live(agent, world, overseer, seed=7 + number, run="many", num_steps=50)
        np.testing.assert_array_equal(together.state.state[number], alone.state.state)
        np.testing.assert_array_equal(together.action[number], alone.action)


def test_it_does_what_every_world_does() -> None:
    check_world("assent.worlds.tabular:Tabular")
    check_world(Tabular.of(tables(), resets=False), num_steps=20)
    world = Tabular.of(tables())
    assert (world.num_contexts, world.num_actions, world.null_action) == (3, 2, -1)
    assert int(world.observe(now(2))) == int(world.reveal(now(2))) == 2
    assert world.successor.dtype == np.int32
    assert Tabular.of(replace(tables(), start=np.asarray([0, 0, 1.0]))).init(jax.random.key(0)).state == 2
