"""The hand of god's world, against its rules written out in NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.hypotheses.rewards.of_level import rewards_of
from assent.planning.model import Model
from assent.planning.problem import Problem
from assent.planning.process import Process
from assent.worlds.grid.level import load
from assent.worlds.grid.tabulate import tabulate
from assent.worlds.hand_of_god import HandOfGod, Life, Seen
from assent.worlds.levels import hand_of_god, teaching, true_reward

KEYS = 4_000
PROCESS = Process(rate=0.3, answer="eps", eps=0.2, cost=0.1)


def rooms() -> Model:
    """Three places in a row, the last of them terminal; actions: back, forth, stay. Forth slips in a quarter of all cases."""
    successor = np.asarray([[[0, 0], [1, 0], [0, 0]], [[0, 0], [2, 1], [1, 1]], [[2, 2], [2, 2], [2, 2]]])
    chance = np.tile(np.asarray([1.0, 0.0]), (3, 3, 1))
    chance[:2, 1] = [0.75, 0.25]
    return Model(
        successor=successor,
        chance=chance,
        terminal=np.asarray([False, False, True]),
        discount=0.5,
        place=np.arange(3),
        mode=np.zeros(3, dtype=np.int64),
        rate=np.asarray([0.3, 0.6, 0.0]),
        cost=np.asarray([[0.1, 0.1, 0.1], [0.1, 0.1, 0.1], [0.0, 0.0, 0.0]]),
        kept=np.ones(3, dtype=bool),
        answerable=np.ones((3, 3), dtype=bool),
        state_names=("a", "b", "end"),
        action_names=("back", "forth", "stay"),
    )


REWARD = np.asarray([[-0.5, 0.0, 0.0], [0.0, 1.0, 0.25], [0.0, 0.0, 0.0]])


def world(reward: np.ndarray = REWARD, **settings: Any) -> HandOfGod:
    asks = settings.pop("asks", ())
    ranking = settings.pop("ranking", None)
    return HandOfGod.of(rooms(), replace(PROCESS, **settings), reward, asks=asks, ranking=ranking)


def life(state: int, *, about: int = -1, shown: int = -1, step: int = 0) -> Life:
    number = [jnp.asarray(value) for value in (state, about, shown, 0, step)]
    return Life(*number, done=jnp.asarray(False), hidden=jnp.asarray(0.0))


@eqx.filter_jit
def _many(world: HandOfGod, keys: Any, life: Life, action: Any) -> Life:
    return jax.vmap(lambda key: world.step(key, life, action))(keys)


@eqx.filter_jit
def one(world: HandOfGod, key: Any, life: Life, action: Any) -> Life:
    return world.step(key, life, action)


@eqx.filter_jit
def begun(world: HandOfGod, keys: Any) -> Life:
    return jax.vmap(world.init)(keys)


@eqx.filter_jit
def asked(world: HandOfGod, keys: Any, life: Life, place: Any) -> Life:
    return jax.vmap(lambda key: world.request(key, life, place))(keys)


def after(world: HandOfGod, life: Life, action: int) -> Any:
    """What `KEYS` keys lead to, as arrays of NumPy."""
    return jax.tree.map(np.asarray, _many(world, jax.random.split(jax.random.key(1), KEYS), life, jnp.asarray(action)))


def about(share: float) -> Any:
    """A share of `KEYS` draws within five standard errors."""
    return pytest.approx(share, abs=5 * (share * (1 - share) / KEYS) ** 0.5 + 1e-12)


@pytest.mark.slow
def test_moves_and_corrections_have_the_chances_of_the_tables() -> None:
    """The chance of an answer is that of the place reached, not of the one left: the other is rejected below."""
    reached = after(world(), life(0), 1)
    assert (reached.state == 1).mean() == about(0.75)
    there = reached.state == 1
    came = reached.shown >= 0
    count = int(there.sum())
    assert came[there].mean() == pytest.approx(0.6, abs=5 * (0.24 / count) ** 0.5)
    assert abs(came[there].mean() - 0.3) > 0.2
    assert (reached.about[came] == reached.state[came]).all()
    assert (reached.about[~came] == -1).all()
    likelihood = Problem(rooms(), PROCESS, REWARD[:, :, None]).likelihood[1, :, 0]
    for action in range(3):
        share = (reached.shown[there & came] == action).mean()
        assert share == pytest.approx(likelihood[action], abs=5 * (0.25 / (there & came).sum()) ** 0.5)


def test_hidden_is_the_discounted_return_less_costs() -> None:
    here = world()
    now = here.init(jax.random.key(3))
    actions, gained, state = [1, 1, 0, 1, 1, 2, 1, 1, 1, 1, 1, 1], 0.0, 0
    model = rooms()
    for number, action in enumerate(actions):
        if not model.terminal[state]:
            gained += model.discount**number * (REWARD[state, action] - model.cost[state, action])
        now = one(here, jax.random.fold_in(jax.random.key(4), number), now, jnp.asarray(action))
        state = int(now.state)
    # at most twelve float32 additions of numbers below 2
    assert float(now.hidden) == pytest.approx(gained, abs=12 * 2 * float(np.finfo(np.float32).eps))
    late = model.discount * gained
    assert abs(float(now.hidden) - late) > 1e-3, "a first reward that is discounted is another convention"


def test_the_agent_sees_no_reward() -> None:
    """Two worlds that differ in rewards alone, with an overseer who says nothing, look the same for ever."""
    both = [HandOfGod.of(replace(rooms(), rate=np.zeros(3)), PROCESS, reward) for reward in (REWARD, -7 * REWARD)]
    assert set(vars(both[0].observe(both[0].init(jax.random.key(0))))) == {"state", "about", "shown"}
    lives = [here.init(jax.random.key(0)) for here in both]
    for number in range(5):
        lives = [one(here, jax.random.key(number), now, jnp.asarray(1)) for here, now in zip(both, lives, strict=True)]
        seen = [here.observe(now) for here, now in zip(both, lives, strict=True)]
        assert jax.tree.map(int, vars(seen[0])) == jax.tree.map(int, vars(seen[1]))
    assert float(lives[0].hidden) != float(lives[1].hidden)


def test_advice_informs_and_override_forces() -> None:
    told = life(1, about=1, shown=0)
    for authority, expected in (("advice", 2), ("override", 0)):
        here = world(authority=authority)
        assert int(here.forced(told, 1)) == (0 if authority == "override" else 1)
        assert (after(here, told, 1).state == expected).mean() > 0.5
    elsewhere = life(1, about=0, shown=0)
    assert int(world(authority="override").forced(elsewhere, 1)) == 1, "a correction about another place forces nothing"


def test_shutdown_ends_the_life() -> None:
    reached = after(world(authority="shutdown"), life(0), 2)
    assert reached.done.mean() == about(0.3)
    assert (reached.done == (reached.shown >= 0)).all()
    assert not after(world(), life(0), 2).done.any(), "advice ends nothing"


def test_after_an_error_the_error_is_corrected() -> None:
    """Forth is right in both places; stay is an error."""
    here = world(trigger="on_error", answer="optimal")
    assert not (after(here, life(0), 1).shown >= 0).any()
    reached = after(here, life(1), 0)
    assert (reached.shown >= 0).mean() == about(0.6), "at the rate of the place where it was made"
    came = reached.shown >= 0
    assert (reached.about[came] == 1).all()
    assert (reached.shown[came] == 1).all()
    assert int(here.init(jax.random.key(0)).shown) == -1


def test_on_request_the_asking_is_paid_for() -> None:
    here = world(trigger="on_request", request_cost=0.5, asks=("stay",))
    assert not (after(here, life(0), 1).shown >= 0).any()
    reached = after(here, life(0), 2)
    assert (reached.shown >= 0).mean() == about(0.3)
    np.testing.assert_allclose(reached.hidden, -0.1 - 0.5 * 0.5)  # the cost, and the price a step later
    heard = asked(here, jax.random.split(jax.random.key(2), KEYS), life(0), jnp.asarray(1))
    assert (np.asarray(heard.shown) >= 0).mean() == about(0.3)
    assert set(np.asarray(heard.about)) == {-1, 1}
    assert set(np.asarray(heard.state)) == {0}
    np.testing.assert_allclose(np.asarray(heard.hidden), -0.5)


def test_a_uniform_overseer_speaks_of_every_place_that_does_not_end() -> None:
    reached = after(world(shown="uniform", rate=1.0), life(0), 2)
    came = reached.shown >= 0
    assert (reached.about[came] == 0).mean() == pytest.approx(0.5, abs=5 * (0.25 / came.sum()) ** 0.5)
    assert set(reached.about[came]) == {0, 1}


def test_a_pedagogic_overseer_follows_the_ranking() -> None:
    here = world(shown="pedagogic", ranking=np.asarray([0.0, 5.0, 9.0]))
    first = after(here, life(0), 2)
    assert set(first.about) == {-1, 1}, "the terminal place has the highest rank, and nothing can be said about it"
    second = eqx.tree_at(lambda life: life.corrections, life(0), jnp.asarray(1))
    assert set(after(here, second, 2).about) == {-1, 0}


def test_a_pedagogic_overseer_speaks_first_of_what_tells_most() -> None:
    """By enumeration: no place tells more about the four goals than the first ones of the order. Row order is the wrong variant."""
    level = load("pedagogic")
    model = tabulate(level)
    rewards = rewards_of(level, model)
    shows = Problem(model, level.process, rewards.reward).likelihood
    told = np.zeros(model.num_places)
    for place in range(model.num_places):
        for number, weight in enumerate(np.exp(rewards.log_prior)):
            for action in range(model.num_actions):
                if (chance := shows[place, action, number]) > 0:
                    told[place] += weight * chance * np.log(chance / (shows[place, action] @ np.exp(rewards.log_prior)))
    order = np.asarray(hand_of_god(level).order)
    assert (np.diff(told[order]) < 1e-9).all()
    assert told[order[0]] > told[order[-1]] + 0.01
    assert order.tolist() != sorted(order.tolist())
    found = teaching(level, model)
    assert found is not None
    np.testing.assert_allclose(found, told, atol=1e-9)
    assert teaching(load("bandit_2"), tabulate(load("bandit_2"))) is None


def test_a_life_that_is_over_changes_no_more() -> None:
    over = eqx.tree_at(lambda life: life.done, life(1), jnp.asarray(True))
    reached = after(world(), over, 1)
    assert (reached.state == 1).all()
    assert (reached.step == 0).all()
    ended = after(world(), life(1), 1)
    assert (ended.done == (ended.state == 2)).all()


def test_where_nobody_acts_time_passes() -> None:
    model = replace(rooms(), action_names=("back", "forth", "sit"))
    here = HandOfGod.of(model, PROCESS, REWARD)
    assert here.null_action == -1
    reached = after(here, life(1, step=1), -1)
    assert (reached.state == 1).all()
    assert (reached.step == 2).all()
    np.testing.assert_allclose(reached.hidden, -0.05)
    assert world().null_action == 2, "or staying, where there is such an action"


@pytest.mark.parametrize("action", [4, 99, 2**31 - 1, -2, -(2**31)])
def test_what_is_no_action_is_done_by_nobody(action: int) -> None:
    """It must not become the nearest action that there is: the last one of these doors sends the overseer away."""
    doors = hand_of_god(load("doors_2"))
    reached = after(doors, life(0), action)
    assert doors.num_actions == 4
    assert (reached.state == 0).all()
    assert (reached.step == 1).all()
    np.testing.assert_allclose(reached.hidden, -0.05, rtol=1e-6)


def test_batches_are_what_single_lives_are() -> None:
    here = world()
    keys = jax.random.split(jax.random.key(8), 16)
    lives = begun(here, keys)
    moved = eqx.filter_jit(lambda here, lives: jax.vmap(here.step)(keys, lives, jnp.arange(16) % 3))(here, lives)
    for number in range(16):
        first = jax.tree.map(lambda leaf, number=number: leaf[number], lives)
        alone = one(here, keys[number], first, jnp.asarray(number % 3))
        among = jax.tree.map(lambda leaf, number=number: leaf[number], moved)
        assert jax.tree.map(float, vars(alone)) == jax.tree.map(float, vars(among))


def test_impossible_successors_are_never_drawn() -> None:
    """In float32 the chances of a row may sum to less than 1: what is above the sum belongs to the last possible entry."""
    thirds = replace(rooms(), chance=np.tile(np.asarray([1 / 3, 2 / 3]), (3, 3, 1)))
    here = HandOfGod.of(thirds, PROCESS, REWARD)
    assert (np.asarray(here.below)[..., -1] == 1).all()
    assert (np.asarray(world().below)[0, 0] == 1).all()


def test_levels_become_worlds() -> None:
    fork = load("fork")
    here = hand_of_god(fork)
    seen = here.observe(here.init(jax.random.key(0)))
    assert isinstance(seen, Seen)
    assert (int(seen.state), here.null_action) == (2, 4)
    assert float(here.reward[1, 0]) == 1.0, "left is true there"
    visible = hand_of_god(load("absent_visible"))
    starts = begun(visible, jax.random.split(jax.random.key(0), KEYS)).state
    away = np.asarray([name.endswith("[overseer away]") for name in tabulate(load("absent_visible")).state_names])
    assert away[np.asarray(starts)].mean() == about(0.5)


def test_a_true_reward_that_the_level_does_not_name_is_drawn() -> None:
    bandit = load("bandit_3")
    model = tabulate(bandit)
    first, again, other = (true_reward(bandit, model, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    with pytest.raises(ValueError, match=r"safe_interruptibility_0 has no \[prior\]"):
        true_reward(load("safe_interruptibility_0"), model)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: world(np.zeros((2, 3))), r"the true reward has shape \(2, 3\); this model wants \[P, A\] = \[3, 3\]"),
        (lambda: world(asks=("shout",)), r"asks names 'shout', which is no action"),
        (lambda: world(ranking=np.zeros(2)), r"ranking has 2 entries for 3 places"),
        (lambda: world(1e300 * REWARD), r"1e\+300 is no number that float32 holds|-5e\+299 is no number"),
        (lambda: world(np.nan * REWARD), r"not a finite number"),
        (
            lambda: HandOfGod.of(replace(rooms(), cost=np.full((3, 3), 1e300)), PROCESS, REWARD),
            r"1e\+300 is no number that float32 holds",
        ),
    ],
)
def test_bad_input_is_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()
