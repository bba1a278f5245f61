"""Networks: their steps against JAX's derivatives and Optax's Adam, what they may count for, and numbers that are none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assent.lab  # noqa: F401
from assent.agents.imitator import Imitator
from assent.checks import check_hypotheses
from assent.core import Answer, readable_rows
from assent.hypotheses.networks import MODULUS, Networks, Trained
from tests.session_support import unchecked

INPUTS, ACTIONS, MEMBERS = 3, 4, 5


def networks(**changed: Any) -> Networks:
    given_: dict[str, Any] = {"num_members": MEMBERS, "hidden": (6, 7), "batch": 4, "num_steps": 3, "capacity": 9}
    return Networks.of(INPUTS, ACTIONS, **{**given_, **changed})


def lesson(number: int, *, seed: int = 0) -> tuple[np.ndarray, int]:
    rng = np.random.default_rng([seed, number])
    return rng.normal(size=INPUTS), int(rng.integers(ACTIONS))


def taught(members: Networks, count: int, *, seed: int = 0) -> Trained:
    memory = members.init()
    with unchecked():
        for number in range(count):
            obs, action = lesson(number, seed=seed)
            memory = members.learn(memory, obs, Answer(np.asarray(action)))
    return memory


def leaves(memory: Trained) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(memory)]


# Training, against somebody else's derivatives and optimiser


def plain_loss(layers: Any, fixed: Any, items: Any, labels: Any) -> Any:
    """Mean log-loss of one network, as one would write it in JAX."""

    def scores(parts: Any) -> Any:
        now = items
        for number, layer in enumerate(parts):
            now = (jax.nn.relu(now) if number else now) @ layer[:-1] + layer[-1][None]
        return now

    total = scores(layers) + scores(fixed)
    return -jnp.take_along_axis(jax.nn.log_softmax(total, axis=1), labels[:, None], axis=1).mean()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_steps_are_those_of_optax_on_derivatives_of_jax(seed: int) -> None:
    """20 answers of 3 steps. An Adam that forgets its squares, the wrong variant, comes out elsewhere."""
    members = networks(seed=seed, learning_rate=0.02)
    memory, gradients = members.init(), jax.jit(jax.vmap(jax.grad(plain_loss)))
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):  # Optax takes powers with integers
        adam, wrong = optax.adam(0.02), optax.scale_by_adam(b1=0.9, b2=0.0)
        theirs = others = tuple(map(jnp.asarray, memory.layers))
        state, other = adam.init(theirs), wrong.init(theirs)
        for number in range(20):
            obs, action = lesson(number, seed=seed)
            before, memory = memory, members.learn(memory, obs, Answer(np.asarray(action)))
            for step in range(3):
                rows = members._sample(before._replace(heard=memory.heard, steps=before.steps + step))
                data = members.fixed, memory.items[rows], memory.labels[rows]
                move, state = adam.update(gradients(theirs, *data), state)
                theirs: Any = optax.apply_updates(theirs, move)
                move, other = wrong.update(gradients(others, *data), other)
                others: Any = optax.apply_updates(others, jax.tree.map(lambda part: -0.02 * part, move))
    for mine, their, off in zip(memory.layers, theirs, others, strict=True):
        # Adam divides by roots of averages that may be near 0, which blows rounding up, from 1e-16 by 1e8
        assert np.allclose(mine, their, rtol=0, atol=1e-7)
        assert not np.allclose(mine, off, rtol=0, atol=1e-3)


def test_an_answer_is_predicted_before_it_is_trained_on() -> None:
    """Weights move by what was said before. By what is said afterwards, the wrong variant, every member would look the better for it."""
    members = networks(doubt=0.0, learning_rate=0.05)
    agent = Imitator.of(members, temper=1.0)
    belief = agent.init()
    for number in range(12):
        obs, action = lesson(number)
        early = members.log_policy(belief.memory, obs)[:, action]
        after = agent.learn(belief, obs, Answer(np.asarray(action)))
        late = members.log_policy(after.memory, obs)[:, action]
        moved = belief.log_weight + early
        assert after.log_weight == pytest.approx(moved - np.log(np.exp(moved).sum()), abs=1e-12)
        assert late.mean() > early.mean() + 0.01
        belief = after


def test_samples_begin_with_the_latest_and_are_even_over_the_rest() -> None:
    """Of 200 places each is drawn about 1 time in 200: chi-square within five standard deviations. Members draw their own."""
    members = networks(capacity=1_000, batch=32, num_members=8)
    memory = members.init()._replace(heard=np.asarray(200, dtype=np.int32))
    counts, alike = np.zeros(200), 0
    for step in range(400):
        rows = np.asarray(members._sample(memory._replace(steps=np.asarray(step, dtype=np.int32))))
        assert (rows[:, 0] == 199).all()
        assert rows.min() >= 0
        assert rows.max() < 200
        counts += np.bincount(rows[:, 1:].ravel(), minlength=200)
        alike += int((rows[0, 1:] == rows[1, 1:]).sum())
    expected = counts.sum() / 200
    assert ((counts - expected) ** 2 / expected).sum() < 199 + 5 * math.sqrt(2 * 199)
    assert alike / (400 * 31) == pytest.approx(1 / 200, abs=5 * math.sqrt(1 / 200 / (400 * 31)))


def test_integers_of_32_bits_hold_every_draw() -> None:
    members = networks(capacity=MODULUS, batch=64, num_members=16)
    for steps in (0, 32_748, 32_749, 2**31 - 1):
        memory = members.init()._replace(
            heard=np.asarray(2**31 - 2, dtype=np.int32), steps=np.asarray(steps, dtype=np.int32)
        )
        with np.errstate(over="raise"):
            rows = np.asarray(members._sample(memory))
        assert rows.min() >= 0
        assert rows.max() < MODULUS


def test_only_the_last_answers_are_kept() -> None:
    memory = taught(networks(capacity=5), 12)
    kept = sorted(tuple(item) for item in memory.items)
    assert kept == sorted(tuple(lesson(number)[0]) for number in range(7, 12))
    assert int(memory.heard) == 12


# What counts, and what does not


def test_little_counts_before_doubt_and_all_but_a_part_of_it_later() -> None:
    members, memory = networks(doubt=4.0), networks(doubt=4.0).init()
    for heard in range(1, 40):
        obs, action = lesson(heard)
        memory = members.learn(memory, obs, Answer(np.asarray(action)))
        total = np.exp(members.log_policy(memory, obs)).sum(axis=1)
        assert total == pytest.approx(max(1 - 4.0 / heard, 2.0**-30), rel=1e-9)
    bold = networks(doubt=0.0)
    assert np.exp(bold.log_policy(bold.init(), np.ones(INPUTS))).sum(axis=1) == pytest.approx(1.0)


def test_the_random_functions_stay_and_members_differ() -> None:
    """After training, where nothing was learned, networks with larger random functions lie further apart."""
    apart = []
    for scale in (0.0, 10.0):
        members = networks(prior_scale=scale, doubt=0.0, hidden=(20,), learning_rate=0.02, num_steps=10)
        memory = members.init()
        with unchecked():
            for number in range(40):
                obs = np.asarray([1.0, 0.0, 0.1 * (number % 3)])
                memory = members.learn(memory, obs, Answer(np.asarray(2)))
        here = np.exp(members.log_policy(memory, np.asarray([1.0, 0.0, 0.1])))
        assert (here[:, 2] > 0.8).all()
        rows = np.exp(members.log_policy(memory, np.asarray([-1.0, 2.0, -2.0])))
        apart.append(rows.std(axis=0).sum())
    assert apart[1] > apart[0]
    assert networks(prior_scale=0.0).fixed == ()


def test_every_setting_changes_what_comes_out() -> None:
    def row(**changed: Any) -> np.ndarray:
        members = networks(**changed)
        return np.asarray(members.log_policy(taught(members, 12), np.ones(INPUTS))[0])

    usual = row()
    for changed in (
        {"hidden": (6,)},
        {"prior_scale": 2.0},
        {"seed": 1},
        {"learning_rate": 0.01},
        {"doubt": 5.0},
        {"floor": 0.1},
        {"capacity": 5},
        {"batch": 8},
        {"num_steps": 4},
        {"num_members": 6},
    ):
        assert not np.allclose(row(**changed), usual, rtol=1e-6), changed


# Numbers that are none

BROKEN = (math.nan, math.inf, -math.inf)


@given(
    part=st.sampled_from(["layers", "fixed"]),
    layer=st.integers(0, 2),
    place=st.integers(0, 10_000),
    member=st.integers(0, MEMBERS - 1),
    value=st.sampled_from(BROKEN),
)
@settings(max_examples=80)
def test_a_broken_weight_anywhere_makes_its_member_abstain_and_no_other(
    part: str, layer: int, place: int, member: int, value: float
) -> None:
    """Also behind a unit at rest: `now > 0`, the usual rectifier and the wrong variant, reads NaN and minus infinity as 0."""
    members = networks(doubt=0.0)
    broken = [np.array(item) for item in getattr(members, part)]
    flat = broken[layer][member].reshape(-1)
    flat[place % flat.size] = value
    with np.errstate(invalid="ignore"):
        spoilt = replace(members, **{part: tuple(broken)})
        rows = spoilt.log_policy(spoilt.init(), np.asarray([1.0, -0.5, 0.25]))
    readable = readable_rows(rows)[1]
    assert readable.tolist() == [number != member for number in range(MEMBERS)]
    sound = members.log_policy(members.init(), np.asarray([1.0, -0.5, 0.25]))
    others = np.arange(MEMBERS) != member
    assert np.array_equal(rows[others], sound[others])


def test_the_usual_rectifier_hides_a_broken_weight() -> None:
    rng = np.random.default_rng(0)
    first, last = rng.normal(size=(4, 6)), rng.normal(size=(7, 3))
    first[0, 0] = math.nan
    hidden = np.append(np.ones(3), 1.0) @ first
    usual = np.where(hidden > 0, hidden, 0.0)
    assert np.isfinite(np.append(usual, 1.0) @ last).all()


@pytest.mark.parametrize("value", BROKEN)
@pytest.mark.parametrize("place", range(INPUTS))
def test_what_cannot_be_read_is_asked_and_teaches_nothing(value: float, place: int) -> None:
    members = networks()
    memory = taught(members, 20)
    obs = np.ones(INPUTS)
    obs[place] = value
    assert not readable_rows(members.log_policy(memory, obs))[1].any()
    agent = Imitator.of(members)
    belief = replace(agent.init(), memory=memory)
    assert float(agent.propose(belief, obs).ask) == 1.0
    after = agent.learn(belief, obs, Answer(np.asarray(1)))
    assert np.array_equal(after.log_weight, belief.log_weight)
    for one, other in zip(leaves(memory), leaves(after.memory), strict=True):
        assert np.array_equal(one, other)


# Reproducible, everywhere alike


def test_the_same_seed_gives_the_same_networks_bit_for_bit_and_another_does_not() -> None:
    one, other, third = (leaves(taught(networks(seed=seed), 25)) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert not np.array_equal(one[0], third[0])


def test_memories_are_values() -> None:
    members = networks()
    early = taught(members, 8)
    kept = [leaf.copy() for leaf in leaves(early)]
    members.learn(early, np.ones(INPUTS), Answer(np.asarray(0)))
    assert all(np.array_equal(a, b) for a, b in zip(kept, leaves(early), strict=True))


@pytest.mark.slow
def test_traced_it_says_the_same() -> None:
    members = networks(learning_rate=0.02)
    memory = taught(members, 20)
    with jax.enable_x64(True):
        lessons = [lesson(number) for number in range(20)]
        items, labels = jnp.asarray([obs for obs, _ in lessons]), jnp.asarray([action for _, action in lessons])

        @jax.jit
        def life(members: Networks, items: Any, labels: Any) -> Any:
            step = lambda memory, row: (members.learn(memory, row[0], Answer(row[1])), None)  # noqa: E731
            end = jax.lax.scan(step, members.init(), (items, labels))[0]
            return end, members.log_policy(end, jnp.ones(INPUTS))

        end, rows = life(jax.tree.map(jnp.asarray, members), items, labels)
    assert np.allclose(rows, members.log_policy(memory, np.ones(INPUTS)), rtol=0, atol=1e-6)
    assert np.array_equal(end.labels, memory.labels)


def test_conforms_and_promises_nothing() -> None:
    check_hypotheses(Networks)
    check_hypotheses(networks(doubt=0.0), observations=(np.ones(INPUTS), np.zeros(INPUTS)))
    assert networks().grade == "heuristic"
    promise = Imitator.of(networks()).promise()
    assert (promise["delta"], promise["query_bound"]) == (None, None)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"hidden": (0,)}, r"sizes \(3, 0, 4\)"),
        ({"num_members": 0}, "0 members"),
        ({"batch": 0}, "batch = 0"),
        ({"num_steps": 0}, "num_steps = 0"),
        ({"capacity": 0}, "capacity = 0"),
        ({"capacity": MODULUS + 1}, "at most 32,749 answers"),
        ({"learning_rate": 0.0}, "learning_rate = 0.0"),
        ({"learning_rate": math.nan}, "learning_rate = nan"),
        ({"doubt": -1.0}, "doubt = -1.0"),
        ({"floor": 0.0}, "floor = 0.0"),
        ({"floor": 1.0}, "floor = 1.0"),
        ({"prior_scale": math.inf}, "prior_scale = inf"),
    ],
)
def test_settings_outside_their_range_are_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        networks(**changed)
