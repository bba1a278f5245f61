"""What a certificate must not sign, a session must not do, and a compiled life must not do differently, each once found done."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.alarms import AssentWarning, CoverageFailed
from assent.certificate import certificate
from assent.core import Answer, AskFirst, Audit, RiskCap, Tolerance, Unexplained, log_factors, worst_charge
from assent.decisions import NoOverseer
from assent.drive import drive
from assent.hypotheses.masked import masked
from assent.hypotheses.networks import Networks
from assent.hypotheses.supports import Supports
from assent.hypotheses.tables import Tables
from assent.ledger import ChoiceOutOfRange, EventRefused, Ledger, RunTakenOver
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.inbox import Inbox
from assent.overseers.scripted import READS_LABELS, Scripted
from assent.rollout import live
from assent.session import Acted, Session
from assent.worlds.stream import Stream

TWO = np.asarray([[[0.6, 0.3, 0.1]], [[0.3, 0.6, 0.1]]])
"""Whose minimum is .3, .3, .1."""

LAWS = {
    "nothing": [math.nan] * 3,
    "no mass": [0.0] * 3,
    "below zero": [1.2, -0.1, -0.1],
    "half": [0.25, 0.15, 0.1],
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "run.db") as book:
        yield book


class States:
    """An overseer who states the same probabilities whatever she sees."""

    static_fields = ()

    def __init__(self, law: list[float]) -> None:
        self.law = np.asarray(law)

    def answer(self, uniform: Any, revealed: Any) -> Any:
        raise AssertionError("she is asked for probabilities")

    def probs(self, revealed: Any) -> Any:
        return self.law


jax.tree_util.register_pytree_node(States, lambda one: ((one.law,), None), lambda _, parts: _rebuilt(parts[0]))


def _rebuilt(law: Any) -> States:
    made = object.__new__(States)
    made.law = law
    return made


def asked(session: Session) -> Any:
    while isinstance(decision := session.decide(0), Acted):
        pass
    return decision.question


def answered(ledger: Ledger, session: Session, choice: int, law: list[float], *, lesson: int) -> None:
    question = asked(session)
    ledger.answer(question.id, choice, actor="tool", digest=question.digest, lesson={"lesson": lesson, "stated": law})


# Laws that come by the ledger


def test_a_law_that_somebody_writes_to_the_ledger_is_compared_with_the_leaders(ledger: Ledger) -> None:
    agent = Imitator.of(Tables.of(TWO), guards=(RiskCap(1.0),))
    session = Session.open(agent, ledger, run="run", overseer=States([0.0, 0.0, 1.0]), residual=True, null_action=0)
    answered(ledger, session, 2, [0.0, 0.0, 1.0], lesson=2)
    with pytest.warns(CoverageFailed, match="less than every leading member"):
        session.collect()
    assert "CoverageFailed" in session.alarms
    found = certificate(ledger.events("run"))
    assert found.factor is None
    assert any("below the leaders' minimum" in one for one in found.broken)
    assert 0.01 < found.spent <= found.at_most + 1e-12
    assert found.spent == pytest.approx(float(session.belief.tallies[0]), abs=1e-12)
    assert session.verify().ok


def test_a_law_without_its_alarm_is_found_by_the_certificate_and_by_the_fold(ledger: Ledger) -> None:
    agent = Imitator.of(Tables.of(TWO), guards=(RiskCap(1.0),))
    session = Session.open(agent, ledger, run="run", overseer=States([0.0, 0.0, 1.0]), residual=True, null_action=0)
    answered(ledger, session, 2, [0.0, 0.0, 1.0], lesson=2)
    found = certificate(ledger.events("run"))
    assert not found.alarms
    assert any("stated laws fell below" in one for one in found.broken)
    assert found.spent > 0
    with pytest.warns(CoverageFailed):
        again = Session.resume(agent, ledger, run="run", overseer=States([0.0, 0.0, 1.0]))
    assert "CoverageFailed" in again.alarms


def test_what_is_done_has_mass_in_what_was_stated(ledger: Ledger) -> None:
    session = Session.open(
        Imitator.of(Tables.of(TWO)), ledger, run="run", overseer=States(TWO[0, 0].tolist()), residual=True
    )
    for choice, lesson in ((2, 0), (0, 2)):
        with pytest.raises(ChoiceOutOfRange, match="has probability 0 in what was stated"):
            answered(ledger, session, choice, [0.5, 0.5, 0.0], lesson=lesson)
        session.ledger.withdraw(session.waiting.id, "again", actor="test")  # pyright: ignore[reportOptionalMemberAccess]
        session.collect()


def test_a_choice_that_nothing_is_left_of_is_charged(ledger: Ledger) -> None:
    """The law is hers only if the choice is drawn from what the agent's own acts leave of it."""
    agent = Imitator.of(Tables.of(TWO), guards=(RiskCap(1.0),))
    session = Session.open(agent, ledger, run="run", overseer=States([0.6, 0.3, 0.1]), residual=True, null_action=0)
    answered(ledger, session, 1, [0.6, 0.3, 0.1], lesson=0)  # .3 of .3 is done alone
    session.collect()
    found = certificate(ledger.events("run"))
    assert found.spent > 0
    assert not session.alarms


def test_a_law_with_mass_on_what_is_illegal_is_refused(ledger: Ledger) -> None:
    agent = Imitator.of(masked(Tables.of(TWO)))
    session = Session.open(agent, ledger, run="run", overseer=States([0.6, 0.3, 0.1]), residual=True)
    while isinstance(decision := session.decide((0, [True, True, False])), Acted):
        pass
    question = decision.question
    with pytest.raises(EventRefused, match="not legal"):
        ledger.answer(
            question.id, 0, actor="a", digest=question.digest, lesson={"lesson": 0, "stated": [0.6, 0.3, 0.1]}
        )


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())
def test_a_law_that_cannot_be_read_is_silence_in_a_compiled_life(law: list[float]) -> None:
    agent = Imitator.of(Tables.of(TWO), guards=(AskFirst(50),))
    world = Stream.of(np.zeros(20, dtype=int), num_actions=3)
    trace = live(agent, world, States(law), seed=0, run="run", num_steps=20, residual=True)
    assert np.asarray(trace.asked).all()
    assert (np.asarray(trace.answer) == -1).all()
    assert np.asarray(trace.action).tolist() == [world.null_action] * 20
    assert np.exp(np.asarray(trace.log_weight)) == pytest.approx([0.5, 0.5])


def test_a_stated_law_has_all_its_digits_whatever_the_members_have(ledger: Ledger) -> None:
    """In single precision .7, .2 and .1 do not sum to 1 within what is asked of a law."""
    law = [0.7, 0.2, 0.1]
    agent = Imitator.of(Tables.of(np.asarray([[[0.7, 0.2, 0.1]], [[0.3, 0.6, 0.1]]], dtype=np.float32)))
    world = Stream.of(np.zeros(40, dtype=int), num_actions=3)
    trace = live(agent, world, States(law), seed=2, run="run", num_steps=40, residual=True)
    session = Session.open(agent, ledger, run="run", overseer=States(law), seed=2, residual=True, null_action=0)
    rounds = list(drive(session, world, num_steps=40))
    assert np.asarray(trace.asked).tolist() == [one.asked for one in rounds]
    assert np.asarray(trace.action).tolist() == [one.action for one in rounds]
    assert (np.asarray(trace.answer)[np.asarray(trace.asked)] >= 0).all()
    assert sum(one.asked for one in rounds) > 3


def test_residual_wants_somebody_who_states_and_a_class_that_knows_how_often(ledger: Ledger) -> None:
    world = Stream.of(np.zeros(5, dtype=int), num_actions=3)
    with pytest.raises(NoOverseer, match="states no probabilities"):
        live(Imitator.of(Tables.of(TWO)), world, READS_LABELS, seed=0, run="r", num_steps=5, residual=True)
    support = Imitator.of(Supports.of(num_contexts=1, num_actions=3))
    with pytest.raises(ValueError, match="how often the overseer does"):
        live(support, world, Demonstrator(TWO[0]), seed=0, run="r", num_steps=5, residual=True)
    with pytest.raises(ValueError, match="Leave residual out"):
        Session.open(support, ledger, run="run", overseer=Demonstrator(TWO[0]), residual=True)


# Risk


def test_a_run_above_its_cap_is_not_signed(ledger: Ledger) -> None:
    """Nobody's run does that; a record of one that says so is no ground to sign."""
    agent = Imitator.of(Tables.of(TWO))
    session = Session.open(agent, ledger, run="run", overseer=Demonstrator(TWO[0]), null_action=0)
    for _ in drive(session, Stream.of(np.zeros(30, dtype=int), num_actions=3), num_steps=30):
        pass
    events = list(ledger.events("run"))
    promise = {**events[0].body["agent"]["promise"], "cap": 0.01}
    events[0].body["agent"]["promise"] = promise
    found = certificate(events)
    assert found.spent > 0.01
    assert found.factor is None
    assert any("is above the cap of 0.01" in one for one in found.broken)


def test_an_act_that_was_vetoed_is_not_charged(ledger: Ledger) -> None:
    agent = Imitator.of(Tables.of(TWO), guards=(RiskCap(5.0),))
    session = Session.open(agent, ledger, run="run", overseer=Demonstrator(TWO[0]), seed=3, null_action=0)
    asked(session)
    session.consult(0)
    while not isinstance(session.decide(0), Acted):
        session.consult(0)
    before = certificate(ledger.events("run")).spent
    session.veto("not that", actor="ann")
    after = certificate(ledger.events("run"))
    assert 0.01 < after.spent < before - 0.01
    assert after.spent == pytest.approx(float(session.belief.tallies[0]), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_charges_have_the_digits_that_sums_need(dtype: Any, ledger: Ledger) -> None:
    rows = np.asarray([[[0.5 - 2.5e-5, 0.5 + 2.5e-5]], [[0.5, 0.5]]]).astype(dtype)
    agent = Imitator.of(Tables.of(rows), rule=Tolerance(0.1), guards=(RiskCap(5e-4),))
    world, overseer = Stream.of(np.zeros(60, dtype=int), num_actions=2), Demonstrator(np.asarray([[0.5, 0.5]]))
    session = Session.open(agent, ledger, run="run", overseer=overseer, seed=1, null_action=0)
    rounds = list(drive(session, world, num_steps=60))
    trace = live(agent, world, overseer, seed=1, run="run", num_steps=60)
    assert np.asarray(trace.asked).tolist() == [one.asked for one in rounds]
    found = certificate(ledger.events("run"))
    assert 1e-4 < found.spent <= 5e-4
    assert found.spent <= found.at_most + 1e-15
    assert found.spent == pytest.approx(float(np.asarray(trace.charge).sum()), abs=1e-12)
    assert 10 < sum(one.asked for one in rounds) < 60


@pytest.mark.parametrize("rate", [0.01, 0.02, 0.1, 1 / 3])
def test_a_constant_audit_of_members_that_agree_costs_nothing(rate: float, ledger: Ledger) -> None:
    rows = np.repeat(np.random.default_rng(0).dirichlet(np.ones(7), size=(1, 3)), 3, axis=0)
    agent = Imitator.of(Tables.of(rows), guards=(Audit(rate), RiskCap(0.0)))
    trace = live(
        agent,
        Stream.of(np.arange(300) % 3, num_actions=7),
        Demonstrator(rows[0]),
        seed=0,
        run="run",
        num_steps=300,
    )
    assert float(np.asarray(trace.charge).sum()) <= 0
    assert np.asarray(trace.ask).max() == pytest.approx(rate)
    least = rows[0, 0]
    for context in range(3):
        least = rows[0, context]
        assert float(worst_charge(least * (1 - rate), least, np.asarray(rate))) == 0
    assert log_factors(np.asarray([0.5, 0.25]), np.asarray([0.5, 0.25]), np.asarray(0.25)) == pytest.approx(
        math.log(1.25)
    )


# Sessions


def test_an_alarm_that_a_kill_swallowed_is_raised_on_resuming(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    sure = np.asarray([[[0.98, 0.01, 0.01]], [[0.97, 0.02, 0.01]]])
    agent = Imitator.of(Tables.of(sure), guards=(AskFirst(1000), Unexplained(3, 0.5)))
    session = Session.open(agent, ledger, run="run", overseer=Scripted(_always_the_last), null_action=0)

    def killed(*given: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "alarm", killed)
        with pytest.raises(KeyboardInterrupt):
            _answered_throughout(session, 50)
    with pytest.warns(AssentWarning, match="no member explains"):
        Session.resume(agent, ledger, run="run", overseer=Scripted(_always_the_last))
    assert any(event.kind == "alarm" for event in ledger.events("run"))
    assert any("No member explains" in one for one in certificate(ledger.events("run")).broken)


def test_who_was_taken_over_gives_nothing_up(tmp_path: Path) -> None:
    agent = Imitator.of(Tables.of(TWO))
    with Ledger.open(tmp_path / "a.db") as one, Ledger.open(tmp_path / "a.db") as two:
        session = Session.open(agent, one, run="run", overseer=Inbox(), null_action=0)
        question = asked(session)
        other = Session.resume(agent, two, run="run", overseer=Inbox())
        one.withdraw(question.id, "never mind", actor="ann")
        assert one.holds("run") is False
        assert two.holds("run") is True
        with pytest.raises(RunTakenOver):
            session.collect()
        assert other.collect() == 0


def test_an_illegal_correction_is_refused_before_it_is_on_the_ledger(ledger: Ledger) -> None:
    agent = Imitator.of(masked(Tables.of(TWO)))
    session = Session.open(agent, ledger, run="run", overseer=Inbox(), learn_from_corrections=True, null_action=1)
    obs = (0, [False, True, True])
    while isinstance(session.decide(obs), Acted):
        pass
    with pytest.raises(ValueError, match="not legal"):
        session.volunteer(0, 0, actor="ann", obs=obs)
    assert "volunteer" not in [event.kind for event in ledger.events("run")]
    session.volunteer(0, 1, actor="ann", obs=obs)


def test_a_driven_world_may_show_a_context_and_a_mask(ledger: Ledger) -> None:
    class Masking(Stream):
        def observe(self, state: Any) -> Any:
            return 0, [True, True, False]

        def reveal(self, state: Any) -> Any:
            return 0

    world = Masking.of(np.zeros(10, dtype=int), num_actions=3)
    rows = np.asarray([[0.6, 0.4, 0.0]])
    session = Session.open(
        Imitator.of(masked(Tables.of(TWO))), ledger, run="run", overseer=Demonstrator(rows), null_action=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rounds = list(drive(session, world, num_steps=10))
    assert {one.action for one in rounds} <= {0, 1}


def test_a_truth_value_is_no_context() -> None:
    with pytest.raises(IndexError, match="True is no context"):
        Tables.of(np.repeat(TWO, 2, axis=1)).log_policy((), True)


@pytest.mark.parametrize("size", [1e200, 1e308])
def test_a_network_is_not_ruined_by_an_item_whose_gradient_overflows(size: float) -> None:
    members = Networks.of(num_inputs=2, num_actions=2, num_members=3, seed=0)
    agent = Imitator.of(members)
    belief = agent.init()
    with np.errstate(all="ignore"):
        after = agent.learn(belief, np.asarray([size, -size]), Answer(1))
    rows = members.log_policy(after.memory, np.asarray([0.1, 0.2]))
    assert np.isfinite(np.asarray(rows)).all()
    for layer in (*after.memory.layers, *after.memory.mean, *after.memory.square):
        assert np.isfinite(np.asarray(layer)).all()


def _answered_throughout(session: Session, num_steps: int) -> None:
    for _ in range(num_steps):
        session.decide(0)
        session.consult(0)


def _always_the_last(revealed: Any) -> Any:
    return 2
