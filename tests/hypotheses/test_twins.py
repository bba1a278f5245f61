"""Twins against members written out in plain Python, who keep the whole history as a list."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import assent.lab
from assent.agents.imitator import Imitator
from assent.checks import check_hypotheses
from assent.core import Answer
from assent.hypotheses.twins import MODULUS, MULTIPLIER, Trigger, Twins
from assent.overseers.demonstrator import Demonstrator
from assent.rollout import live
from assent.worlds.ring import Ring

STATES, ACTIONS, PERIOD = 4, 3, 5
TRIGGERS = (
    Trigger("time", since=6),
    Trigger("state", 2, since=3),
    Trigger("acts", 12),
    Trigger("history", 1),
    Trigger("history", 3, since=10),
)
BETRAYAL = np.asarray([0.01, 0.01, 0.98])


def bank(backend: Any = None, *, model: int = 1) -> Twins:
    rows = np.random.default_rng(0).dirichlet(np.ones(ACTIONS), size=(3, STATES))
    array = np.asarray if backend is None else backend.array
    return Twins.of(array(rows), model=model, triggers=TRIGGERS, betrayal=array(BETRAYAL), period=PERIOD)


def betrays(trigger: Trigger, past: list[tuple[int, int, bool]], state: int) -> bool:
    """`past`: what was seen and done in each round, and whether the overseer answered it."""
    if len(past) < trigger.since:
        return False
    if trigger.kind == "time":
        return True
    if trigger.kind == "state":
        return state == trigger.number
    if trigger.kind == "acts":
        return sum(not answered for _, _, answered in past) >= trigger.number
    whole = 0
    for seen, done, _ in past:  # with numbers of any size; the remainder only at the end
        whole = whole * MULTIPLIER + seen * ACTIONS + done + 1
    return whole % MODULUS % PERIOD == trigger.number


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_those_of_members_who_remember_everything(backend: Any, seed: int) -> None:
    """Sixty rounds, a third of them answered. The wrong variant, counting audited acts too, fires elsewhere."""
    members, rng = bank(backend), np.random.default_rng([seed, 1])
    plain = np.exp(backend.numpy(members.log_rows))
    memory, past, fired, otherwise = members.init(), [], 0, 0
    for _ in range(60):
        state, action, answered = int(rng.integers(STATES)), int(rng.integers(ACTIONS)), bool(rng.random() < 1 / 3)
        wanted = [betrays(trigger, past, state) for trigger in TRIGGERS]
        rows = [*plain[state].T, *(BETRAYAL if fires else plain[state, :, 1] for fires in wanted)]
        np.testing.assert_allclose(np.exp(backend.numpy(members.log_policy(memory, state))), rows, atol=1e-12)
        fired += sum(wanted)
        otherwise += wanted != [betrays(trigger, [(*item[:2], False) for item in past], state) for trigger in TRIGGERS]
        done = backend.array(action, "int64")
        if answered:
            memory = members.learn(memory, state, Answer(done))
        memory = members.advance(memory, state, done)
        past.append((state, action, answered))
    assert fired > 60
    assert otherwise > 0


def test_histories_that_differ_anywhere_fire_at_different_times() -> None:
    """One act changed in the first of 300 rounds: the triggers by history go apart, and each fires about as often as its period says."""
    members, rng = bank(), np.random.default_rng(3)
    seen, done = rng.integers(0, STATES, 300), rng.integers(0, ACTIONS, 300)
    courses = []
    for first in (0, 1):
        memory, course = members.init(), []
        for number in range(300):
            course.append(bool(members.fires(memory, int(seen[number]))[3]))
            memory = members.advance(memory, int(seen[number]), np.asarray(first if number == 0 else done[number]))
        courses.append(np.asarray(course))
    assert (courses[0] != courses[1]).sum() > 40
    for course in courses:
        # a fifth of 300 rounds, five standard errors
        assert course.mean() == pytest.approx(1 / PERIOD, abs=5 * (0.16 / 300) ** 0.5)


def test_the_largest_numbers_fit_32_bits() -> None:
    assert (MODULUS - 1) * MULTIPLIER + 10**6 < 2**31
    members = bank()
    memory = members.init()
    with jax.enable_x64(False):
        traced = jax.jit(lambda members, memory, obs, action: members.advance(memory, obs, action))
        quick = jax.tree.map(jax.numpy.asarray, memory)
        for number in range(200):
            obs, action = number % STATES, number * 7 % ACTIONS
            memory = members.advance(memory, obs, np.asarray(action))
            quick = traced(members, quick, jax.numpy.asarray(obs), jax.numpy.asarray(action))
            assert int(quick.history) == int(memory.history)


def test_it_does_what_every_class_of_members_does() -> None:
    check_hypotheses(Twins.example(), observations=range(3))
    check_hypotheses(bank(), observations=range(STATES))
    assert Twins in assent.lab._registered


@pytest.mark.slow
def test_a_life_with_twins_is_the_same_step_by_step() -> None:
    """One scan against a loop over the agent's own methods."""
    members = bank()
    agent, world = Imitator.of(members), Ring(STATES, 0.3)
    overseer = Demonstrator(np.exp(members.log_rows[:, :, 1]))
    trace = live(agent, world, overseer, seed=2, run="twins", num_steps=120)
    belief = agent.init()
    for number in range(120):
        obs, action = int(trace.state[number]), np.asarray(trace.action[number])
        assent_ = agent.propose(belief, obs)
        assert float(assent_.ask) == pytest.approx(float(trace.ask[number]), abs=1e-9)
        if trace.asked[number]:
            belief = agent.learn(belief, obs, Answer(np.asarray(trace.answer[number])))
        belief = agent.remember(belief, obs, action)
    np.testing.assert_allclose(np.exp(belief.log_weight), np.exp(trace.log_weight), atol=1e-9)
    assert 0 < trace.asked.sum() < 120


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": 3}, "model = 3 is no policy; they run from 0 to 2"),
        ({"triggers": ()}, "0 triggers"),
        ({"period": 0}, "period = 0"),
        ({"period": MODULUS + 1}, "1 to 32,749 rounds"),
        ({"betrayal": np.ones(3)}, "a row of betrayal is no sub-distribution"),
        ({"betrayal": np.ones(2) / 2}, r"betrayal \(2,\) one row"),
        ({"policies": np.full((3, 4, 3), 0.5)}, "a row of policies is no sub-distribution"),
        ({"policies": np.zeros((3, 3))}, r"policies \(3, 3\) must be"),
        ({"names": ["one"]}, "1 names for 8 members"),
        ({"prior": np.ones(3)}, r"prior has shape \(3,\) for 8 members"),
    ],
)
def test_what_is_no_committee_is_refused(change: dict[str, Any], sentence: str) -> None:
    given = {
        "policies": np.full((3, STATES, ACTIONS), 1 / ACTIONS),
        "model": 0,
        "triggers": TRIGGERS,
        "betrayal": BETRAYAL,
    }
    with pytest.raises(ValueError, match=sentence):
        Twins.of(**{**given, **change})


def test_triggers_without_a_meaning_are_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        Trigger("acts", -1)
    with pytest.raises(ValueError, match="must not be negative"):
        Trigger("time", since=-1)
    with pytest.raises(IndexError, match="contexts run from 0 to 3"):
        bank().log_policy(bank().init(), -1)
