"""What overseers and committees do wrong: no NaN, no silent act, an ask with its reason or an alarm."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.agents.guarded import guarded
from assent.agents.imitator import Imitator
from assent.alarms import AssentWarning
from assent.core import Answer, Audit, Minimum, RatioSet, RiskCap, Unexplained
from assent.drive import drive
from assent.explanation import explain
from assent.fold import belief_digest
from assent.hypotheses.networks import Networks
from assent.hypotheses.simplexes import Simplexes
from assent.hypotheses.supports import Supports
from assent.hypotheses.tables import Tables
from assent.ledger import Ledger, LedgerError
from assent.overseers.absent import Absent
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.inbox import Inbox
from assent.overseers.noisy import Noisy
from assent.overseers.scripted import Scripted
from assent.session import Asked, Session
from assent.worlds.stream import Stream
from tests.session_support import unchecked

CONTEXTS, ACTIONS, STEPS = 5, 3, 400
GUARDS = (Audit(0.05), Unexplained(ACTIONS, 0.05), RiskCap(2.0))


def policies(seed: int = 0, members: int = 6) -> np.ndarray:
    rows = np.random.default_rng(seed).dirichlet(np.full(ACTIONS, 0.4), size=(members, CONTEXTS))
    return 0.98 * rows + 0.02 / ACTIONS


OUTSIDE = Demonstrator(policies(99, 1)[0])
OVERSEERS: dict[str, Any] = {
    "outside of the class": OUTSIDE,
    "noisy": Noisy(Demonstrator(policies()[0]), error=0.3, num_actions=ACTIONS),
    "silent three times in ten": Absent(Demonstrator(policies()[0]), 0.3),
    "never there": Absent(),
    "always the same": Scripted(lambda _: 1),
}


def lived(path: Path, agent: Imitator, overseer: Any, *, steps: int = STEPS) -> tuple[Session, list[Any]]:
    world = Stream.of(np.random.default_rng(1).integers(0, CONTEXTS, steps), num_actions=ACTIONS)
    with unchecked(), Ledger.open(path / "run.db", group=64) as ledger, warnings.catch_warnings():
        warnings.simplefilter("ignore", AssentWarning)
        session = Session.open(agent, ledger, run="run", overseer=overseer, null_action=0)
        list(drive(session, world, num_steps=steps))
        assert session.verify().ok
        return session, list(ledger.events("run"))


@pytest.mark.slow
@pytest.mark.parametrize("overseer", OVERSEERS)
def test_whoever_the_overseer_is_every_number_is_finite_and_every_question_has_a_reason(
    overseer: str, tmp_path: Path
) -> None:
    session, events = lived(tmp_path, Imitator.of(Tables.of(policies()), guards=GUARDS), OVERSEERS[overseer])
    for event in events:
        if event.kind in ("act", "ask"):
            assert np.isfinite([event.body["ask"], event.body["theta"], event.body["risk"]]).all()
        if event.kind == "ask":
            assert event.body["reason"]
    weights = np.exp(session.belief.log_weight)
    assert weights.sum() == pytest.approx(1.0, abs=1e-9)
    minimum = [event.body["mass"] <= event.body["minimum"] + 1e-12 for event in events if event.kind == "act"]
    assert all(minimum), "an act had more mass than a leader gave it"


PLACES = np.random.default_rng(7).normal(size=(CONTEXTS, 2))


def counted(number: int) -> Any:
    return number % ACTIONS


LABELLED: dict[str, Any] = {
    "noisy": Noisy(Scripted(counted), error=0.3, num_actions=ACTIONS),
    "silent three times in ten": Absent(Scripted(counted), 0.3),
    "never there": Absent(),
    "changing in the middle": Scripted(lambda label: (label + (label >= CONTEXTS)) % ACTIONS),
}


@pytest.mark.slow
@pytest.mark.parametrize("overseer", LABELLED)
@pytest.mark.parametrize("members", ["simplexes", "supports", "networks"])
def test_other_classes_stand_the_same_overseers(members: str, overseer: str, tmp_path: Path) -> None:
    """Silence teaches nothing, bit for bit; whatever is said, numbers are finite and questions have reasons."""
    steps = 120
    makes: dict[str, Any] = {
        "simplexes": lambda: Imitator.of(Simplexes.of(CONTEXTS, ACTIONS), guards=(Audit(0.05), RiskCap(2.0))),
        "supports": lambda: Imitator.of(Supports.of(CONTEXTS, ACTIONS)),
        "networks": lambda: guarded(
            Networks.of(2, ACTIONS, num_members=3, hidden=(8,), batch=4, num_steps=2, capacity=50)
        ),
    }
    agent, numbers = makes[members](), np.random.default_rng(1).integers(0, CONTEXTS, steps)
    items = PLACES[numbers] if members == "networks" else numbers
    labels = numbers + CONTEXTS * (np.arange(steps) >= steps // 2)
    world = Stream.of(items, labels=labels, num_actions=2 * CONTEXTS)
    world = replace(world, num_actions=ACTIONS)
    with unchecked(), Ledger.open(tmp_path / "run.db", group=64) as ledger, warnings.catch_warnings():
        warnings.simplefilter("ignore", AssentWarning)
        session = Session.open(agent, ledger, run="run", overseer=LABELLED[overseer], null_action=0)
        rounds = list(drive(session, world, num_steps=steps))
        assert session.verify().ok
        events = list(ledger.events("run"))
    for event in events:
        if event.kind in ("act", "ask"):
            assert np.isfinite([event.body["ask"], event.body["theta"]]).all()
        if event.kind == "ask":
            assert event.body["reason"]
    assert np.isfinite(session.belief.log_weight).all()
    if overseer == "never there":
        assert all(done.asked for done in rounds)
        assert belief_digest(session.belief) == belief_digest(agent.init())


def test_answers_given_twice_or_to_questions_of_the_past_teach_once(tmp_path: Path) -> None:
    """The same again is the first result; another choice, or an answer to an earlier question, is refused, and beliefs stay bit for bit."""
    agent = Imitator.of(Tables.of(policies()), guards=(Audit(1.0),))
    with Ledger.open(tmp_path / "run.db") as ledger:
        session = Session.open(agent, ledger, run="run", overseer=Inbox(), null_action=0)
        first = session.decide(0)
        assert isinstance(first, Asked)
        session.answer(first.question.id, 1, actor="bea", idem="a")
        once = belief_digest(session.belief)
        assert session.answer(first.question.id, 1, actor="bea", idem="a") == 1
        with pytest.raises(LedgerError):
            session.answer(first.question.id, 2, actor="bea", idem="b")
        second = session.decide(1)
        assert isinstance(second, Asked)
        with pytest.raises(LedgerError):
            session.answer(first.question.id, 0, actor="eve", idem="c")
        assert belief_digest(session.belief) == once
        assert session.waiting is not None
        session.answer(second.question.id, 0, actor="bea", idem="d")
        expected = agent.init()
        for obs, action in ((0, 1), (1, 0)):
            expected = agent.learn(expected, obs, Answer(np.asarray(action)))
        assert np.array_equal(session.belief.log_weight, expected.log_weight)
        assert session.verify().ok


@pytest.mark.slow
def test_a_vocabulary_of_152_thousand_goes_through_a_session(tmp_path: Path) -> None:
    """Its question has a reason, and one answer tells the members apart."""
    size, members = 152_064, 2
    logits = np.random.default_rng(0).normal(size=(members, 1, size)) * 3
    rows = np.exp(logits - logits.max(axis=2, keepdims=True))
    agent = Imitator.of(Tables.of(rows / rows.sum(axis=2, keepdims=True)))
    with unchecked(), Ledger.open(tmp_path / "run.db") as ledger:
        session = Session.open(agent, ledger, run="run", overseer=Inbox(), null_action=-1)
        asked = session.decide(0)
        assert isinstance(asked, Asked)
        assert asked.question.body["reason"] == "disagreement"
        assert len(json.dumps(asked.question.body)) < 50_000  # and not the megabytes of a number for each word
        shown = explain(ledger.events("run"), asked.question.id)
        assert len(shown.blockers) + shown.others == size
        assert shown.blockers[0].action == str(int(np.argmax(np.ptp(rows[:, 0], axis=0))))
        session.answer(asked.question.id, int(np.argmax(rows[1, 0])), actor="bea")
        assert int(np.argmax(session.belief.log_weight)) == 1
        assert np.isfinite(session.belief.log_weight).all()


@pytest.mark.slow
def test_an_overseer_outside_of_the_class_raises_the_alarm_and_one_inside_does_not(tmp_path: Path) -> None:
    agent = Imitator.of(Tables.of(policies()), guards=(Audit(0.5), *GUARDS[1:]))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    outside, _ = lived(tmp_path / "a", agent, OVERSEERS["outside of the class"], steps=600)
    inside, _ = lived(tmp_path / "b", agent, Demonstrator(policies()[0]), steps=600)
    assert any(name.startswith("OverseerUnexplained") or name == "ClassExhausted" for name in outside.alarms)
    assert not inside.alarms


@pytest.mark.slow
def test_an_overseer_who_changes_is_noticed_or_followed(tmp_path: Path) -> None:
    """From the middle on she follows another member: fixed share moves to it; without it the alarm sounds where she changed."""
    first, second = policies()[0], policies()[1]

    def script(step_and_context: Any) -> Any:
        step, context = step_and_context
        rng = np.random.default_rng([int(step), int(context)])
        return int(rng.choice(ACTIONS, p=(first if step < 600 else second)[context]))

    class Clock:
        """The stream, whose overseer sees the time as well."""

        def __init__(self) -> None:
            self.items = np.random.default_rng(1).integers(0, CONTEXTS, 1200)
            self.num_actions, self.null_action = ACTIONS, 0

        def init(self, key: Any) -> int:
            return 0

        def observe(self, state: int) -> int:
            return int(self.items[state])

        def reveal(self, state: int) -> tuple[int, int]:
            return state, int(self.items[state])

        def step(self, key: Any, state: int, action: Any) -> int:
            return min(state + 1, 1199)

    ends: dict[str, Session] = {}
    for name, share in (("shares", 0.02), ("keeps", 0.0)):
        agent = Imitator.of(Tables.of(policies()), share=share, guards=(Audit(0.2), Unexplained(ACTIONS, 0.05)))
        with unchecked(), Ledger.open(tmp_path / f"{name}.db", group=64) as ledger, warnings.catch_warnings():
            warnings.simplefilter("ignore", AssentWarning)
            ends[name] = Session.open(agent, ledger, run=name, overseer=Scripted(script), null_action=0)
            list(drive(ends[name], Clock(), num_steps=1200))
    assert np.exp(ends["shares"].belief.log_weight)[1] > 0.5
    assert any(alarm.startswith("OverseerUnexplained") for alarm in ends["keeps"].alarms)


@pytest.mark.parametrize(("members", "actions"), [(1, 3), (4, 1), (1, 1)])
def test_one_member_and_one_action_are_committees_too(members: int, actions: int) -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(actions), size=(members, 2))
    agent = Imitator.of(Tables.of(rows), guards=(RiskCap(0.5),))
    assent = agent.propose(agent.init(), 1)
    assert float(assent.ask) == pytest.approx(1 - rows[:, 1].min(axis=0).sum(), abs=1e-12)
    if actions == 1:
        assert float(assent.ask) == 0.0


def test_a_vocabulary_of_152_thousand_is_decided_without_loss() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(8, 152_064)) * 3
    log_rows = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    log_weight = np.full(8, -np.log(8))
    assent = Minimum()(log_rows, log_weight)
    least = np.exp(log_rows).min(axis=0)
    assert np.array_equal(assent.probs, least) or np.allclose(assent.probs, least, rtol=1e-12, atol=0)
    assert float(assent.ask) == pytest.approx(1 - least.sum(), abs=1e-10)
    same = Minimum()(np.repeat(log_rows[:1], 8, axis=0), log_weight)
    assert float(same.ask) == 0.0


def test_members_that_differ_by_a_trillionth_are_asked_about_that_often_and_equal_ones_never() -> None:
    """theta is the difference itself, not rounding: 1e-12 comes out as 1e-12, and equality as exactly 0."""
    row = np.asarray([0.5, 0.3, 0.2])
    other = row + np.asarray([1e-12, -1e-12, 0.0])
    agent = Imitator.of(Tables.of(np.stack([row[None], other[None]])), leading=RatioSet(0.01))
    assert float(agent.propose(agent.init(), 0).ask) == pytest.approx(1e-12, rel=1e-3)
    equal = Imitator.of(Tables.of(np.stack([row[None], row[None]])))
    assert float(equal.propose(equal.init(), 0).ask) == 0.0
