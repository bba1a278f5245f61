"""Online learners: what they act on, when they start afresh, what that costs at most, and the same decisions in scan and session."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.agents import regret
from assent.agents.imitator import Imitator
from assent.agents.online import Doubling, Every, OnAlarm, Restarting, Schedule, online_learner
from assent.alarms import ClassExhausted
from assent.core import (
    Answer,
    Done,
    Everyone,
    Minimum,
    Mixture,
    RatioSet,
    Readable,
    RiskCap,
    Stakes,
    Unexplained,
    surprise,
)
from assent.drive import drive
from assent.fold import belief_digest
from assent.hypotheses.gradient import GradientMembers
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import wrap
from assent.ledger import Ledger
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.scripted import READS_LABELS
from assent.rollout import live
from assent.session import Session
from assent.worlds.stream import Stream
from tests.session_support import habits_agent, unchecked

CONTEXTS, ACTIONS, MEMBERS = 5, 3, 6


def bank(seed: int = 0, *, members: int = MEMBERS, contexts: int = CONTEXTS) -> Tables:
    rows = np.random.default_rng(seed).dirichlet(np.full(ACTIONS, 0.3), size=(members, contexts))
    return Tables.of(0.97 * rows + 0.03 / ACTIONS)


def worst(dear: int = 0) -> np.ndarray:
    """Every act costs at most 1, but one action in one context."""
    costs = np.full((CONTEXTS, ACTIONS), 1.0)
    costs[dear, 2] = 50.0
    return costs


# What an online learner acts on


def test_it_acts_by_the_mixture_asks_blindly_and_never_what_is_dear() -> None:
    learner = online_learner(bank(), stakes=Stakes(worst(), per_decision=1.0), rate=0.2)
    belief = learner.init()
    for obs in range(CONTEXTS):
        mixture = np.exp(learner.hypotheses.log_policy((), obs)).mean(axis=0)
        expected = 0.8 * mixture * (worst()[obs] <= 1)
        assert np.allclose(learner.propose(belief, obs).probs, expected, atol=1e-12)
    answered = learner.learn(belief, 0, Answer(1))
    likelihood = np.exp(learner.hypotheses.log_policy((), 0))[:, 1]
    assert np.allclose(np.exp(answered.log_weight), likelihood / likelihood.sum(), atol=1e-12)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, math.nan])
def test_a_learner_that_is_never_asked_about_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="all that it ever learns from"):
        online_learner(bank(), stakes=Stakes(worst()), rate=rate)


def test_each_of_its_settings_changes_what_it_does() -> None:
    def made(**changes: Any) -> Any:
        given: dict[str, Any] = {"stakes": Stakes(worst(), per_decision=1.0), "rate": 0.2, "share": 0.0}
        learner = online_learner(bank(), **{**given, **changes})
        return learner.propose(learner.learn(learner.init(), 0, Answer(1)), 0).probs.tolist()

    plain = made()
    assert made(rate=0.3) != plain
    assert made(share=0.2) != plain
    assert made(stakes=Stakes(worst())) != plain


# Starting afresh


def taught(agent: Any, rounds: int, *, seed: int = 0) -> list[Any]:
    """The beliefs after each of so many answers."""
    rng, belief, beliefs = np.random.default_rng(seed), agent.init(), []
    for _ in range(rounds):
        belief = agent.learn(belief, int(rng.integers(CONTEXTS)), Answer(int(rng.integers(ACTIONS))))
        beliefs.append(belief)
    return beliefs


def fresh_at(agent: Any, rounds: int) -> list[int]:
    """After which answers the weights are the prior's, bit for bit."""
    prior = agent.init().log_weight.tobytes()
    return [number for number, belief in enumerate(taught(agent, rounds), 1) if belief.log_weight.tobytes() == prior]


def test_schedules_start_afresh_when_they_say() -> None:
    plain = Imitator.of(bank())
    assert fresh_at(plain, 60) == []
    assert fresh_at(Restarting.of(plain, Every(20)), 60) == [20, 40, 60]
    assert fresh_at(Restarting.of(plain, Every(7)), 20) == [7, 14]
    assert fresh_at(Restarting.of(plain, Doubling(5)), 80) == [5, 15, 35, 75]


def test_between_two_starts_it_is_the_imitator() -> None:
    agent, plain = Restarting.of(Imitator.of(bank()), Every(10)), Imitator.of(bank())
    beliefs, rng, belief = taught(agent, 25), np.random.default_rng(0), plain.init()
    draws = [(int(rng.integers(CONTEXTS)), int(rng.integers(ACTIONS))) for _ in range(25)]
    for number, (obs, answer) in enumerate(draws, 1):
        belief = plain.init() if number % 10 == 1 else belief
        belief = plain.learn(belief, obs, Answer(answer))
        if number % 10:
            assert np.array_equal(beliefs[number - 1].log_weight, belief.log_weight)
            assert np.array_equal(agent.propose(beliefs[number - 1], 2).probs, plain.propose(belief, 2).probs)


def test_members_begin_again_or_keep_what_they_learned() -> None:
    committee = wrap(GradientMembers.still(2, num_actions=ACTIONS, radius=[1.0, 4.0]), num_actions=ACTIONS)
    learner = Imitator(committee, Everyone(), Mixture())
    item = np.asarray([1.0, 0.0])
    memories = {}
    for members in (True, False):
        agent = Restarting.of(learner, Every(3), members=members)
        belief = agent.init()
        for _ in range(3):
            belief = agent.learn(belief, item, Answer(1))
        assert np.array_equal(belief.log_weight, agent.init().log_weight)
        memories[members] = float(np.abs(belief.memory.coefficient).sum())
    assert memories[True] == 0 < memories[False]


def test_what_guards_have_counted_is_not_given_back() -> None:
    learner = online_learner(bank(), stakes=Stakes(worst(), per_run=9.0), rate=0.2)
    agent = Restarting.of(learner, Every(1))
    belief = agent.count(agent.init(), Done(0, 1, False, 0.0, 0.0))
    after = agent.learn(belief, 0, Answer(1))
    assert np.array_equal(after.log_weight, belief.log_prior)
    assert float(after.tallies[0]) == float(belief.tallies[0]) == 1.0


def test_the_cap_stays_the_last_guard() -> None:
    agent = Restarting.of(Imitator.of(bank(), guards=(RiskCap(1.0),)), Every(4))
    assert [type(guard).__name__ for guard in agent.guards] == ["Readable", "Every", "RiskCap"]


def test_nothing_is_promised_of_a_leading_set_that_is_filled_anew() -> None:
    plain = Imitator.of(bank())
    agent = Restarting.of(plain, Every(4))
    assert plain.promise()["delta"] == 0.05
    assert agent.promise()["delta"] is None is agent.describe()["promise"]["query_bound"]
    assert agent.describe() != Restarting.of(plain, Every(5)).describe()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Restarting(Imitator.of(bank())), "0 schedules among the guards"),
        (lambda: Restarting.of(Restarting.of(Imitator.of(bank()), Every(2)).imitator, Every(2)), "2 schedules"),
        (lambda: Restarting.of(habits_agent(), Every(2)), "remember what was done"),
        (lambda: Every(0), "at least 1 answer"),
        (lambda: Doubling(-1), "at least 1 answer"),
    ],
)
def test_what_cannot_start_afresh_is_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_schedules_are_told_from_other_guards() -> None:
    assert all(isinstance(when, Schedule) for when in (Every(2), Doubling(2), OnAlarm.example()))
    assert not any(isinstance(guard, Schedule) for guard in (Readable(), RiskCap(), Unexplained(3), Stakes(worst())))


# What starting afresh costs, and what it spares


ROUNDS = 400


def lost(agent: Any, *, lives: int = 40, shift: bool = True, against: bool = False) -> tuple[Any, Any, Any]:
    """The mixture's losses `[L, T]`, the members' `[L, T, N]`, and how many times each life started afresh, of a shift at half time."""
    rng = np.random.default_rng(2)
    contexts = rng.integers(CONTEXTS, size=(lives, ROUNDS))
    turn = (np.arange(ROUNDS) >= ROUNDS // 2) & shift
    truth = np.stack([rng.permutation(MEMBERS)[turn.astype(int)] for _ in range(lives)])
    rows = np.exp(np.asarray(agent.hypotheses.log_rows))[contexts, :, truth]
    answers = np.minimum((rng.random((lives, ROUNDS, 1)) > rows.cumsum(axis=2)).sum(axis=2), ACTIONS - 1)

    def step(belief: Any, row: Any) -> Any:
        context, answer = row
        log_policy = traced.hypotheses.log_policy((), context)
        if against:
            answer = jnp.argmin(jnp.sum(jnp.exp(belief.log_weight)[:, None] * jnp.exp(log_policy), axis=0))
        after = traced.learn(belief, context, Answer(answer))
        afresh = jnp.all(after.log_weight == after.log_prior)
        return after, (surprise(log_policy, belief.log_weight, answer), -log_policy[:, answer], afresh)

    with jax.enable_x64(True), unchecked():
        traced = jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf, agent)
        scan = jax.jit(jax.vmap(lambda *drawn: jax.lax.scan(step, traced.init(), drawn)[1]))
        mine, theirs, afresh = scan(jnp.asarray(contexts), jnp.asarray(answers))
    return np.asarray(mine), np.asarray(theirs), np.asarray(afresh).sum(axis=1)


MOST = math.log(1 / 0.01)
"""Nats: the most by which two of the members can differ at an answer, for none of their chances is below .01."""


@pytest.mark.slow
@pytest.mark.parametrize("against", [False, True])
@pytest.mark.parametrize("switches", [0, 1])
def test_starting_afresh_never_loses_more_than_its_bound(against: bool, switches: int) -> None:
    for length in (10, 25, 130):
        agent = Restarting.of(Imitator(bank(), Everyone(), Mixture()), Every(length))
        mine, theirs, _ = lost(agent, shift=switches > 0, against=against)
        most = regret.restart_bound(ROUNDS, num_members=MEMBERS, length=length, switches=switches, most=MOST)
        best = np.asarray([regret.best_tracking(life, switches=switches) for life in theirs])
        assert (mine.sum(axis=1) - best <= most + 1e-9).all()


@pytest.mark.parametrize("against", [False, True])
def test_doubling_never_loses_more_than_its_bound_against_one_member_a_stretch(against: bool) -> None:
    agent = Restarting.of(Imitator(bank(), Everyone(), Mixture()), Doubling(20))
    mine, theirs, _ = lost(agent, against=against)
    best, start, length = np.zeros(len(mine)), 0, 20
    while start < ROUNDS:
        best += theirs[:, start : start + length].sum(axis=1).min(axis=1)
        start, length = start + length, 2 * length
    assert (mine.sum(axis=1) - best <= regret.doubling_bound(ROUNDS, num_members=MEMBERS, first=20) + 1e-9).all()


def test_the_variant_that_never_starts_afresh_breaks_the_bound_at_a_shift() -> None:
    most = regret.restart_bound(ROUNDS, num_members=MEMBERS, length=10, switches=1, most=MOST)
    mine, theirs, starts = lost(Imitator(bank(), Everyone(), Mixture()))
    best = np.asarray([regret.best_tracking(life, switches=1) for life in theirs])
    assert not starts.any()
    assert (mine.sum(axis=1) - best > most).mean() > 0.9


@pytest.mark.slow
def test_an_alarm_starts_afresh_after_a_shift_and_hardly_ever_without() -> None:
    delta = 0.05
    when = OnAlarm(Unexplained(ACTIONS, delta, groups=np.arange(CONTEXTS), num_groups=CONTEXTS))
    agent = Restarting.of(Imitator(bank(), Everyone(), Mixture()), when)
    lives = 200
    mine, theirs, starts = lost(agent, lives=lives)
    _, _, idle = lost(agent, lives=lives, shift=False)
    # each start begins another test: at most delta / (1 - delta) false ones are expected
    assert idle.mean() <= delta / (1 - delta) + 3 * math.sqrt(delta / lives)
    assert (starts >= 1).mean() > 0.95
    assert starts.mean() < 1.5
    plain, _, _ = lost(Imitator(bank(), Everyone(), Mixture()), lives=lives)
    best = np.asarray([regret.best_tracking(life, switches=1) for life in theirs])
    assert np.mean(mine.sum(axis=1) - best) < 0.5 * np.mean(plain.sum(axis=1) - best)


# In both speeds


def shifting_world(rounds: int) -> Stream:
    rng = np.random.default_rng(8)
    contexts = rng.integers(CONTEXTS, size=rounds)
    rows = np.exp(np.asarray(bank().log_rows))
    member = np.where(np.arange(rounds) < rounds // 2, 1, 4)
    return Stream.of(contexts, labels=rows[contexts, :, member].argmax(axis=1), num_actions=ACTIONS)


AGENTS: dict[str, Any] = {
    "shared": lambda: online_learner(
        bank(), stakes=Stakes(worst(), per_decision=1.0, per_run=40.0), rate=0.25, share=0.02
    ),
    "by a model": lambda: online_learner(
        bank(), stakes=Stakes(model=lambda obs: jnp.asarray(worst())[obs], per_decision=1.0), rate=0.25
    ),
    "every": lambda: Restarting.of(
        online_learner(bank(), stakes=Stakes(worst(), per_decision=1.0), rate=0.25), Every(9)
    ),
    "alarm": lambda: Restarting.of(
        Imitator(bank(), RatioSet(0.05), Minimum(), (Readable(), Stakes(worst(), per_decision=1.0))),
        OnAlarm(Unexplained(ACTIONS, 0.2)),
    ),
}


@pytest.mark.parametrize("name", ["shared", *(pytest.param(n, marks=pytest.mark.slow) for n in list(AGENTS)[1:])])
def test_a_session_decides_as_the_scan_does(tmp_path: Path, name: str) -> None:
    agent, world, rounds = AGENTS[name](), shifting_world(100), 100
    trace = live(agent, world, READS_LABELS, seed=5, run="both", num_steps=rounds)
    with Ledger.open(tmp_path / "run.db", group=64) as ledger, unchecked():
        session = Session.open(agent, ledger, run="both", overseer=READS_LABELS, seed=5)
        done = list(drive(session, world, num_steps=rounds))
        digest = belief_digest(session.belief)
        session.flush()
        resumed = Session.resume(AGENTS[name](), ledger, run="both", overseer=READS_LABELS)
        assert belief_digest(resumed.belief) == digest
        reasons = [event.body["reason"] for event in ledger.events("both", kinds=("ask",))]
    assert [one.asked for one in done] == np.asarray(trace.asked).tolist()
    assert [one.action for one in done] == np.asarray(trace.action).tolist()
    assert 0 < sum(one.asked for one in done) < rounds
    assert "stakes" in reasons or name == "alarm"


def test_a_dear_act_is_asked_because_of_its_stakes(tmp_path: Path) -> None:
    """What stands on the ledger, and what the wrong variant, without the guard, would have done."""
    rows = np.zeros((2, 1, 2))
    rows[:, 0, 0] = 1.0
    stakes = Stakes(np.asarray([[7.0, 0.0]]), per_decision=1.0)
    agent = Imitator(Tables.of(rows), Everyone(), Mixture(), (Readable(), stakes))
    with Ledger.open(tmp_path / "run.db") as ledger:
        session = Session.open(agent, ledger, run="dear", overseer=Demonstrator(np.asarray([[0.0, 1.0]])))
        decision: Any = session.decide(0)
        assert decision.question.body["reason"] == "stakes"
        with pytest.warns(ClassExhausted):  # nobody held the other act possible
            assert session.consult(0) == 1
    free = Imitator(Tables.of(rows), Everyone(), Mixture())
    assert float(free.propose(free.init(), 0).ask) == 0
