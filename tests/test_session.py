"""The shell: what is on the ledger before it takes effect, who may teach, and what is never done alone."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.agents.hand_of_god import HandOfGod
from assent.agents.imitator import Imitator, Proposal
from assent.alarms import ClassExhausted, CommitteeCollapsed, MemberUnreadable
from assent.core import Belief, Everyone, Minimum, RatioSet, Readable, uniforms
from assent.fold import AgentDiffers, belief_digest, fold
from assent.hypotheses.rewards.members import RewardMembers
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import wrap
from assent.ledger import (
    AnswerConflict,
    AnswerLate,
    ChoiceOutOfRange,
    Event,
    Halted,
    Ledger,
    LedgerError,
    QuestionChanged,
    QuestionSettled,
    RunClosed,
    RunExists,
    RunTakenOver,
    UnknownQuestion,
    UnknownRun,
    decode,
)
from assent.overseers.absent import Absent
from assent.overseers.inbox import Inbox
from assent.overseers.scripted import Scripted
from assent.session import Acted, Asked, NoOverseer, QuestionWaits, Session
from tests.session_support import (
    ACTIONS,
    demonstrator,
    habits_agent,
    open_session,
    policies,
    tables_agent,
    unchecked,
    until_asked,
)


class Clock:
    """Microseconds that go on when they are told to."""

    now_us = 1_700_000_000_000_000

    def __call__(self) -> int:
        return self.now_us

    def advance(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.db", clock=clock) as book:
        yield book


@pytest.fixture
def desk(tmp_path: Path, clock: Clock, ledger: Ledger) -> Iterator[Ledger]:
    """The same file, opened by somebody else."""
    with Ledger.open(tmp_path / "ledger.db", clock=clock) as book:
        yield book


def kinds(ledger: Ledger) -> list[str]:
    return [event.kind for event in ledger.events("run")]


def of(ledger: Ledger, kind: str) -> list[Event]:
    return list(ledger.events("run", kinds=(kind,)))


def waiting(session: Session) -> str:
    assert session.waiting is not None
    return session.waiting.id


# -- opening -----------------------------------------------------------------------------------------------------------


def test_a_session_without_overseer_is_refused_and_leaves_no_run(ledger: Ledger) -> None:
    with pytest.raises(NoOverseer, match="no overseer"):
        open_session(ledger, overseer=None)
    assert ledger.runs() == []
    open_session(ledger)
    with pytest.raises(NoOverseer):
        Session.resume(tables_agent(), ledger, run="run", overseer=None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": ["one", "two"]},
        {"null_action": ACTIONS},
        {"null_action": -2},
        {"checkpoint_every": 0},
    ],
    ids=str,
)
def test_settings_that_would_fail_at_the_first_question_are_refused_at_once(
    wrong: dict[str, Any], ledger: Ledger
) -> None:
    with pytest.raises(ValueError, match="one label for each action"):
        open_session(ledger, **wrong)
    assert ledger.runs() == []


def test_a_name_is_used_once_and_unknown_runs_are_not_resumed(ledger: Ledger) -> None:
    open_session(ledger)
    with pytest.raises(RunExists):
        open_session(ledger)
    with pytest.raises(UnknownRun):
        Session.resume(tables_agent(), ledger, run="other", overseer=demonstrator())


def test_the_open_event_says_what_the_run_is(ledger: Ledger) -> None:
    session = open_session(ledger, labels=["stay", "left", "right"], config={"purpose": "test"}, seed=5)
    body = of(ledger, "open")[0].body
    assert body["seed"] == session.seed == 5
    assert body["agent"] == tables_agent().describe()
    assert body["config"]["purpose"] == "test"
    assert body["config"]["session"]["null_action"] == 0
    assert body["view"]["labels"] == ["stay", "left", "right"]
    assert body["environment"]["numpy"] == np.__version__


# -- deciding ----------------------------------------------------------------------------------------------------------


def test_decisions_follow_from_the_runs_uniform_numbers_and_are_on_the_ledger_first(ledger: Ledger) -> None:
    session = open_session(ledger, seed=3)
    chance = uniforms(3, "run", start=0, count=50)
    for step in range(50):
        assert session.step == step
        decision = session.decide(step % 7)
        event = list(ledger.events("run", kinds=("act", "ask")))[-1]
        assert event.body["step"] == decision.step == step
        assert event.body["u"] == chance[step]
        assert isinstance(decision, Asked) == (event.kind == "ask") == (chance[step] < event.body["ask"])
        if isinstance(decision, Asked):
            assert decision.question == session.waiting
            session.consult(step % 7)
        else:
            assert decision == Acted(step, event.body["action"])
    assert session.verify().ok


def test_uniform_numbers_go_on_beyond_a_block_and_after_a_resume(ledger: Ledger) -> None:
    rows = np.full((2, 1, 2), 0.5)  # members that agree never ask
    agent = Imitator.of(Tables.of(rows))
    session = open_session(ledger, agent=agent)
    with unchecked():
        for _ in range(1030):
            session.decide(0)
    session = Session.resume(agent, ledger, run="run", overseer=demonstrator())
    session.decide(0)
    expected = (uniforms(0, "run", start=0, count=1031) >= 0.5).astype(int).tolist()
    assert [event.body["action"] for event in of(ledger, "act")] == expected


@pytest.mark.parametrize("obs", [7, -1, 1.5, None, "1", float("nan")])
def test_what_is_no_context_decides_nothing_whether_or_not_others_are_kept(obs: Any, ledger: Ledger) -> None:
    # one wrong variant: int(1.5) finds the assent that was kept for context 1
    session = open_session(ledger)
    for kept in (0, 1):
        session.decide(kept)
        if session.waiting is not None:
            session.consult(kept)
    count = len(kinds(ledger))
    with pytest.raises(IndexError, match=r"contexts (run|are whole numbers) from 0 to 6"):  # the members' own sentence
        session.decide(obs)
    assert len(kinds(ledger)) == count
    assert session.step == 2


@pytest.mark.parametrize("obs", [float("nan"), None, "A", 2.5])
def test_what_is_no_state_is_refused_in_the_words_of_members_over_rewards(obs: Any, ledger: Ledger) -> None:
    agent = HandOfGod(RewardMembers.example())
    session = open_session(ledger, agent=agent, overseer=Inbox())
    before = kinds(ledger)
    with pytest.raises(IndexError, match="is no state: states are whole numbers from 0 to"):
        session.decide(obs)
    assert kinds(ledger) == before
    assert session.step == 0


def test_members_that_read_anything_do_not_make_an_observation_a_number(ledger: Ledger) -> None:
    class Lenient(Imitator):
        """Reads every observation as its first."""

        def consider(self, belief: Belief, obs: Any, *, halted: Any = False) -> Proposal:
            return super().consider(belief, 0, halted=halted)

    session = open_session(ledger, agent=Lenient.of(Tables.of(policies(0))))
    before = kinds(ledger)
    with pytest.raises(TypeError, match=r"'A' is no whole number; .* from 0 to 6\. Nothing was decided"):
        session.decide("A")
    assert kinds(ledger) == before


def test_deciding_with_an_open_question_is_refused(ledger: Ledger) -> None:
    session = open_session(ledger)
    until_asked(session)
    before = kinds(ledger)
    with pytest.raises(QuestionWaits, match=waiting(session)):
        session.decide(0)
    assert kinds(ledger) == before


@pytest.mark.parametrize("call", ["consult", "collect", "expire"])
def test_ending_a_question_that_nobody_asked_is_refused(call: str, ledger: Ledger) -> None:
    session = open_session(ledger)
    with pytest.raises(QuestionWaits, match="no question waits"):
        getattr(session, call)(*([0] if call == "consult" else []))


def test_the_agents_own_acts_teach_nothing(ledger: Ledger) -> None:
    # one wrong variant: learning from what was done alone
    session = open_session(ledger)
    before = belief_digest(session.belief)
    acted = 0
    for step in range(200):
        if isinstance(session.decide(step % 7), Asked):
            session.expire()
        else:
            acted += 1
    assert acted > 20
    assert belief_digest(session.belief) == before
    assert of(ledger, "apply") == []


# -- asked and unanswered -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("null_action", [0, 2, -1])
@pytest.mark.parametrize("way", ["expire", "silence", "deadline", "withdrawn"])
def test_silence_is_the_null_action_and_teaches_nothing(
    way: str, null_action: int, ledger: Ledger, clock: Clock
) -> None:
    overseer = Absent() if way == "silence" else Inbox(wait_s=60)
    session = open_session(ledger, overseer=overseer, null_action=null_action)
    obs = until_asked(session)
    belief, digest, step = session.belief, belief_digest(session.belief), session.step
    if way == "silence":
        assert session.consult(obs) == null_action
    elif way == "expire":
        assert session.expire() == null_action
    elif way == "withdrawn":
        ledger.withdraw(waiting(session), "not needed", actor="ann")
        assert session.collect() == null_action
    else:
        assert session.collect() is None
        clock.advance(59.9)
        assert session.collect() is None
        clock.advance(0.1)
        assert session.collect() == null_action
    assert session.waiting is None
    assert session.step == step + 1
    assert session.belief.log_weight is belief.log_weight
    assert belief_digest(session.belief) == digest
    assert of(ledger, "apply") == of(ledger, "answer") == []
    if way != "withdrawn":
        assert [event.body["action"] for event in of(ledger, "expire")] == [null_action]
    assert session.verify().ok


def test_inbox_without_a_deadline_waits_for_ever(ledger: Ledger, clock: Clock) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    clock.advance(1e9)
    assert session.collect() is None
    assert session.waiting is not None


def test_people_are_not_consulted(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    with pytest.raises(NoOverseer, match="collect"):
        session.consult(0)


# -- answers -----------------------------------------------------------------------------------------------------------


def test_an_answer_moves_the_weights_by_bayes_and_is_on_the_ledger_first(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox(), checkpoint_every=1)
    obs = until_asked(session)
    before = np.exp(session.belief.log_weight)
    assert session.answer(waiting(session), 2, actor="ann") == 2
    likelihood = policies(0)[:, obs, 2]
    np.testing.assert_allclose(
        np.exp(session.belief.log_weight), before * likelihood / (before @ likelihood), rtol=1e-12
    )
    assert kinds(ledger)[-4:] == ["ask", "answer", "apply", "checkpoint"]
    applied = of(ledger, "apply")[0].body
    assert applied["surprise"] == pytest.approx(-math.log(before @ likelihood))
    assert applied["cause"] == of(ledger, "answer")[0].seq
    checkpoint = of(ledger, "checkpoint")[0].body
    np.testing.assert_array_equal(decode(checkpoint["log_weight"]), session.belief.log_weight)
    assert checkpoint["belief"] == belief_digest(session.belief)


def test_the_same_answer_again_gives_the_first_result_and_teaches_once(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    question = waiting(session)
    assert session.answer(question, 1, actor="ann", idem="key") == 1
    digest, count = belief_digest(session.belief), len(kinds(ledger))
    assert session.answer(question, 1, actor="ann") == 1
    assert session.answer(question, 2, actor="bea", idem="key") == 1  # the key says that it is the same answer
    session.decide(0)
    assert session.answer(question, 1, actor="ann") == 1  # later too
    assert belief_digest(session.belief) == digest
    assert len(kinds(ledger)) == count + 1  # what was decided meanwhile
    assert len(of(ledger, "apply")) == len(of(ledger, "answer")) == 1


def test_another_second_answer_is_refused_and_names_who_and_when(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    question = waiting(session)
    session.answer(question, 1, actor="ann")
    digest = belief_digest(session.belief)
    with pytest.raises(
        AnswerConflict, match=r"ann answered question run/\d+\.0 with 1 on 2023-11-14 22:13:20 UTC"
    ) as caught:
        session.answer(question, 2, actor="bea")
    assert (caught.value.actor, caught.value.choice) == ("ann", 1)
    assert belief_digest(session.belief) == digest
    assert [event.body["why"] for event in of(ledger, "refuse")] == ["conflict"]


def test_a_late_answer_is_refused_and_the_null_action_stands(ledger: Ledger, clock: Clock) -> None:
    session = open_session(ledger, overseer=Inbox(wait_s=5))
    until_asked(session)
    digest = belief_digest(session.belief)
    clock.advance(6)
    with pytest.raises(AnswerLate):
        session.answer(waiting(session), 2, actor="ann")
    assert session.waiting is not None, "the session has to be told what was done"
    assert session.collect() == 0
    assert belief_digest(session.belief) == digest
    assert kinds(ledger)[-2:] == ["expire", "refuse"]


def test_an_answer_to_another_text_is_refused(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    question = session.waiting
    assert question is not None
    with pytest.raises(QuestionChanged):
        session.answer(question.id, 1, actor="ann", digest="0" * 64)
    assert session.waiting == question
    assert session.answer(question.id, 1, actor="ann", digest=question.digest) == 1


@pytest.mark.parametrize("choice", [-1, ACTIONS, 99])
def test_a_choice_that_is_no_option_is_refused(choice: int, ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    before = kinds(ledger)
    with pytest.raises(ChoiceOutOfRange):
        session.answer(waiting(session), choice, actor="ann")
    assert kinds(ledger) == before
    assert session.waiting is not None


def test_a_simulated_overseer_who_says_what_is_no_option_leaves_the_question_open(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Scripted(lambda revealed: 7))
    obs = until_asked(session)
    with pytest.raises(ChoiceOutOfRange):
        session.consult(obs)
    assert session.waiting is not None
    assert session.expire() == 0


def test_an_unknown_question_is_refused(ledger: Ledger) -> None:
    session = open_session(ledger)
    with pytest.raises(UnknownQuestion):
        session.answer("run/99.0", 0, actor="ann")


def test_an_answer_by_another_process_is_collected(ledger: Ledger, desk: Ledger) -> None:
    session, twin = open_session(ledger, overseer=Inbox()), None
    obs = until_asked(session)
    assert session.collect() is None
    (question,) = desk.questions(state="open")
    assert question.body["dossier"]["members"] == list(session.agent.hypotheses.names)
    assert decode(question.body["obs"]) == obs
    desk.claim(question.id, actor="ann", lease_s=60)
    assert session.collect() is None
    desk.answer(question.id, 2, actor="ann", digest=question.digest)
    assert session.collect() == 2
    assert session.waiting is twin is None
    assert len(of(ledger, "apply")) == 1


def test_an_answer_that_was_quicker_than_the_expiry_counts(ledger: Ledger, desk: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    question = session.waiting
    assert question is not None
    desk.answer(question.id, 2, actor="ann", digest=question.digest)
    with pytest.raises(QuestionSettled):
        session.expire()
    assert session.collect() == 2


def test_a_conflicting_answer_here_leaves_the_one_there_to_collect(ledger: Ledger, desk: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    question = session.waiting
    assert question is not None
    desk.answer(question.id, 2, actor="ann", digest=question.digest)
    with pytest.raises(AnswerConflict):
        session.answer(question.id, 1, actor="bea")
    assert session.waiting is not None
    assert session.collect() == 2


@pytest.mark.parametrize("kind", ["answer", "volunteer", "apply"])
def test_every_answer_is_durable_before_it_is_learned_from(kind: str, ledger: Ledger, monkeypatch: Any) -> None:
    # a disk that refuses the write: what was not recorded must not teach
    session = open_session(ledger, overseer=Inbox(), learn_from_corrections=True)
    until_asked(session)
    digest = belief_digest(session.belief)

    def refuse(*arguments: Any, **settings: Any) -> None:
        raise LedgerError("the disk refused")

    say = (
        lambda: session.answer(waiting(session), 1, actor="ann"),
        lambda: session.volunteer(0, 1, actor="ann", obs=0),
    )
    monkeypatch.setattr(ledger, kind, refuse)
    with pytest.raises(LedgerError, match="the disk refused"):
        say[kind == "volunteer"]()
    assert belief_digest(session.belief) == digest
    assert session.waiting is not None
    monkeypatch.undo()
    assert session.answer(session.waiting.id, 1, actor="ann") == 1  # and it can be said again
    assert belief_digest(session.belief) != digest
    assert len(of(ledger, "apply")) == 1


@pytest.mark.parametrize("kind", ["append", "ask"])
def test_a_decision_that_was_not_recorded_was_not_made(kind: str, ledger: Ledger, monkeypatch: Any) -> None:
    session = open_session(ledger)

    def refuse(*arguments: Any, **settings: Any) -> None:
        raise LedgerError("the disk refused")

    monkeypatch.setattr(ledger, kind, refuse)
    for obs in range(200):
        try:
            session.decide(obs % 7)
        except LedgerError:
            break
        if session.waiting is not None:
            session.expire()
    else:
        raise AssertionError("nothing was refused")
    step = session.step
    assert session.waiting is None
    monkeypatch.undo()
    assert session.decide(obs % 7).step == step
    assert [event.body["step"] for event in ledger.events("run", kinds=("act", "ask"))] == list(range(step + 1))


# -- halting -----------------------------------------------------------------------------------------------------------


def test_a_halt_stops_decisions_until_it_is_lifted(ledger: Ledger) -> None:
    unbroken = open_session(ledger, run="run")
    for step in range(20):
        if isinstance(unbroken.decide(step % 7), Asked):
            unbroken.expire()
    session = open_session(ledger, run="halted")
    taken = []
    for step in range(20):
        if step == 7:
            session.halt("smoke", actor="bea")
            for _ in range(3):
                with pytest.raises(Halted, match="bea"):
                    session.decide(step % 7)  # the caller does the null action
            assert session.step == 7
            session.unhalt("a toaster", actor="bea")
        taken.append(session.decide(step % 7).step)
        if session.waiting is not None:
            session.expire()
    assert taken == list(range(20))
    assert session.verify().ok


def test_answers_count_during_a_halt(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    session.halt("smoke", actor="bea")
    assert session.answer(waiting(session), 2, actor="ann") == 2
    assert len(of(ledger, "apply")) == 1
    with pytest.raises(Halted):
        session.decide(0)


def find_out(session: Session, way: str) -> None:
    """Goes on until the halt shows."""
    if way == "volunteer":
        session.volunteer(0, 1, actor="ann", obs=0)
    if way == "halt":
        session.halt("more smoke", actor="ann")
    for number in range(100):
        if way == "outcome":
            session.outcome(0, 1)
        else:
            session.decide(number % 7)
        if way == "flush":
            session.flush()


@pytest.mark.parametrize("agent", [tables_agent(), habits_agent()], ids=["tables", "habits"])
@pytest.mark.parametrize("finds_out", ["decide", "flush", "outcome", "volunteer", "halt"])
def test_a_halt_that_drops_acts_takes_the_session_back_to_the_ledger(
    finds_out: str, agent: Imitator, tmp_path: Path
) -> None:
    path = tmp_path / "grouped.db"
    with Ledger.open(path, group=50) as ledger, Ledger.open(path) as desk:
        session = open_session(ledger, agent=agent, learn_from_corrections=True)
        for obs in range(200):
            if isinstance(session.decide(obs % 7), Asked):
                session.consult(obs % 7)
            if session.step - len(list(desk.events("run", kinds=("act", "ask")))) == 3:
                break  # three acts wait in the buffer
        desk.halt("run", "smoke", actor="bea")
        with pytest.raises(Halted):
            find_out(session, finds_out)
        session.flush()  # a correction's lesson may wait there; no decision does
        recorded = [event.body["step"] for event in ledger.events("run", kinds=("act", "ask"))]
        assert session.step == len(recorded)
        assert recorded == list(range(len(recorded)))
        assert belief_digest(fold(agent, desk.events("run")).belief) == belief_digest(session.belief)
        desk.resume("run", "a toaster", actor="bea")
        for obs in range(10):
            if isinstance(session.decide(obs % 7), Asked):
                session.consult(obs % 7)
        session.flush()
        recorded = [event.body["step"] for event in ledger.events("run", kinds=("act", "ask"))]
        assert recorded == list(range(session.step))
        assert session.verify().ok


def test_a_closed_run_decides_nothing_more(ledger: Ledger) -> None:
    session = open_session(ledger)
    session.decide(0)
    session.close()
    with pytest.raises(LedgerError):
        session.decide(0)
    resumed = Session.resume(tables_agent(), ledger, run="run", overseer=demonstrator())
    with pytest.raises(RunClosed):
        resumed.decide(0)


def test_a_session_that_was_taken_over_decides_nothing_more(ledger: Ledger, desk: Ledger) -> None:
    session = open_session(ledger)
    session.decide(0)
    if session.waiting is not None:
        session.consult(0)
    later = Session.resume(tables_agent(), desk, run="run", overseer=demonstrator())
    with pytest.raises(RunTakenOver):
        session.decide(0)
    assert later.decide(0).step == 1
    assert later.verify().ok


@pytest.mark.parametrize("wrong", ["agent", "overseer"])
def test_a_resume_that_fails_takes_nothing_over(wrong: str, ledger: Ledger, desk: Ledger) -> None:
    # one wrong variant: fencing the run first and looking at it afterwards
    session = open_session(ledger)
    agent = tables_agent(temper=0.5) if wrong == "agent" else tables_agent()
    with pytest.raises((AgentDiffers, NoOverseer)):
        Session.resume(agent, desk, run="run", overseer=None if wrong == "overseer" else demonstrator())
    session.decide(0)


# -- corrections and outcomes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("teaches", [False, True])
def test_a_correction_moves_weights_only_where_it_may(teaches: bool, ledger: Ledger) -> None:
    # one wrong variant: corrections that teach unless they are switched off
    session = open_session(ledger, **({"learn_from_corrections": True} if teaches else {}))
    session.decide(3)
    if session.waiting is not None:
        session.expire()
    digest = belief_digest(session.belief)
    session.volunteer(0, 2, actor="ann", obs=3, note="to the right")
    assert (belief_digest(session.belief) != digest) is teaches
    body = of(ledger, "volunteer")[0].body
    assert body == {"step": 0, "choice": 2, "obs": 3, "note": "to the right"}
    assert len(of(ledger, "apply")) == teaches
    assert session.verify().ok


NOTHING = type("Nothing", (), {"__repr__": lambda self: "Nothing()"})()
"""What no ledger can record."""


@pytest.mark.parametrize("teaches", [False, True])
@pytest.mark.parametrize(
    ("choice", "obs"), [(-1, 0), (ACTIONS, 0), (99, 0), (1, NOTHING), (1, None), (1, 99), (1, "text")], ids=repr
)
def test_a_bad_correction_leaves_no_half_record(choice: int, obs: Any, teaches: bool, ledger: Ledger) -> None:
    # where it does not have to teach, any observation that JSON can hold is good enough for the record
    if not teaches and choice == 1 and obs is not NOTHING:
        return
    session = open_session(ledger, learn_from_corrections=teaches)
    before = kinds(ledger)
    with pytest.raises((ValueError, LedgerError, IndexError, TypeError)):
        session.volunteer(0, choice, actor="ann", obs=obs)
    assert kinds(ledger) == before
    session.decide(0)
    again = Session.resume(tables_agent(), ledger, run="run", overseer=demonstrator())
    assert (again.step, again.waiting) == (session.step, session.waiting)


def test_outcomes_never_teach(ledger: Ledger) -> None:
    session = open_session(ledger)
    digest = belief_digest(session.belief)
    session.outcome(0, 2)
    assert belief_digest(session.belief) == digest
    assert of(ledger, "outcome")[0].body == {"step": 0, "truth": 2}


# -- alarms ------------------------------------------------------------------------------------------------------------


@dataclass
class Moody:
    """A member that gives what it is told to give."""

    row: Any

    def __call__(self, obs: Any) -> Any:
        return self.row


def moody_agent(*rows: Any, **settings: Any) -> tuple[Imitator, list[Moody]]:
    members = [Moody(row) for row in rows]
    names = [f"m{number}" for number in range(len(rows))]
    return Imitator.of(wrap(members, num_actions=2, names=names, **settings)), members


def decide_and_answer(session: Session, times: int, choice: int = 0) -> int:
    asks = 0
    for _ in range(times):
        if isinstance(session.decide(None), Asked):
            asks += 1
            session.answer(waiting(session), choice, actor="ann")
    return asks


def test_a_collapsed_committee_warns_once_records_once_and_asks(ledger: Ledger) -> None:
    # m1 is contradicted until its share of 1e-3 to 1 has fallen below 0.05 of its prior
    agent, _ = moody_agent([1.0, 0.0], [0.0, 1.0], floor=0.01)
    session = open_session(ledger, agent=agent, overseer=Inbox())
    with pytest.warns(CommitteeCollapsed, match="only m0 still leads") as caught:
        asks = decide_and_answer(session, 30)
    assert len(caught) == 1
    assert asks >= 28
    (alarm,) = of(ledger, "alarm")
    assert alarm.body["name"] == "CommitteeCollapsed"
    assert alarm.body["detail"]["member"] == "m0"
    after = [event for event in ledger.events("run", since=alarm.seq) if event.kind in ("act", "ask")]
    assert {event.kind for event in after} == {"ask"}, "one is no committee"
    assert {event.body["reason"] for event in after if event.body["u"] >= 0.02} == {"committee-collapsed"}
    resumed = Session.resume(agent, ledger, run="run", overseer=Inbox())
    assert resumed.alarms == session.alarms == {"CommitteeCollapsed"}
    decide_and_answer(resumed, 3)
    assert len(of(ledger, "alarm")) == 1


def test_an_exact_class_may_shrink_to_one(ledger: Ledger) -> None:
    agent = Imitator.of(Tables.of(np.asarray([[[0.9, 0.1]], [[0.1, 0.9]]])))
    session = open_session(ledger, agent=agent, overseer=Inbox())
    for _ in range(200):
        if isinstance(session.decide(0), Asked):
            session.answer(waiting(session), 0, actor="ann")
    assert of(ledger, "alarm") == []
    assert len(of(ledger, "act")) > 150


def test_an_exhausted_class_asks_for_ever_without_a_nan(ledger: Ledger) -> None:
    rows = np.zeros((3, 1, 3))
    rows[:, 0, :2] = [[0.5, 0.5], [0.9, 0.1], [0.1, 0.9]]
    agent = Imitator(Tables.of(rows), Everyone(), Minimum(), (Readable(),))
    session = open_session(ledger, agent=agent, overseer=Inbox(), checkpoint_every=1)
    while session.waiting is None:
        session.decide(0)
    with pytest.warns(ClassExhausted, match="every member has been contradicted"):
        session.answer(session.waiting.id, 2, actor="ann")  # which no member has ever held possible
    assert np.isneginf(session.belief.log_weight).all()
    session.decide(0)
    for _ in range(20):
        session.answer(waiting(session), 1, actor="ann")
        assert np.isneginf(session.belief.log_weight).all()
        assert isinstance(session.decide(0), Asked)
    assert {event.body["reason"] for event in of(ledger, "ask")[1:]} == {"class-exhausted"}
    assert {event.body["surprise"] for event in of(ledger, "apply")} == {None}
    for event in ledger.events("run"):
        json.dumps(event.body, allow_nan=False)
    assert len(of(ledger, "alarm")) == 1
    session.expire()
    resumed = Session.resume(agent, ledger, run="run", overseer=Inbox())
    assert isinstance(resumed.decide(0), Asked)
    assert len(of(ledger, "alarm")) == 1
    assert resumed.verify().ok


@pytest.mark.parametrize("row", [[np.nan, 0.5], [-0.1, 0.5], [0.9, 0.9], [np.inf, 0.0], [0.5, 0.25, 0.25]], ids=str)
def test_a_member_that_cannot_be_read_is_named_and_forces_asking(row: Any, ledger: Ledger) -> None:
    agent, (_, sick, _) = moody_agent([0.5, 0.5], [0.5, 0.5], [0.5, 0.5])
    session = open_session(ledger, agent=agent, overseer=Inbox())
    decide_and_answer(session, 5)
    assert of(ledger, "alarm") == []
    weight = session.belief.log_weight[1]
    sick.row = row
    with pytest.warns(MemberUnreadable, match="m1") as caught:
        assert decide_and_answer(session, 20) == 20
    assert len(caught) == 1
    assert session.belief.log_weight[1] == pytest.approx(weight), "who cannot be read abstains"
    assert of(ledger, "alarm")[0].body["detail"]["members"] == ["m1"]
    asks = of(ledger, "ask")[-20:]
    assert {event.body["reason"] for event in asks} == {"invalid-member"}
    assert all(event.body["dossier"]["rows"][1] == [0.0, 0.0] for event in asks)
    sick.row = [0.5, 0.5]
    assert decide_and_answer(session, 40) < 40, "it may come back"
    resumed_from = Session.resume(agent, ledger, run="run", overseer=Inbox())
    assert resumed_from.alarms == {"MemberUnreadable"}


def test_a_member_that_raises_stops_the_decision_and_nothing_else(ledger: Ledger) -> None:
    agent, (_, sick) = moody_agent([0.5, 0.5], [0.5, 0.5])

    def broken(obs: Any) -> Any:
        raise RuntimeError("out of memory")

    session = open_session(ledger, agent=agent, overseer=Inbox())
    decide_and_answer(session, 3)
    before, step = kinds(ledger), session.step
    sick.__class__ = type("Broken", (Moody,), {"__call__": lambda self, obs: broken(obs)})
    with pytest.raises(RuntimeError, match="out of memory"):
        session.decide(None)
    assert (kinds(ledger), session.step) == (before, step)


def test_an_alarm_that_could_not_be_recorded_is_raised_again(ledger: Ledger, monkeypatch: Any) -> None:
    agent, (_, sick) = moody_agent([0.5, 0.5], [0.5, 0.5])
    session = open_session(ledger, agent=agent, overseer=Inbox())
    sick.row = [np.nan, np.nan]

    def refuse(*arguments: Any, **settings: Any) -> None:
        raise LedgerError("the disk refused")

    monkeypatch.setattr(ledger, "alarm", refuse)
    with pytest.raises(LedgerError, match="the disk refused"):
        session.decide(None)
    monkeypatch.undo()
    with pytest.warns(MemberUnreadable):
        session.decide(None)
    assert len(of(ledger, "alarm")) == 1


def test_each_alarm_has_its_own_turn(ledger: Ledger) -> None:
    agent, (_, sick) = moody_agent([1.0, 0.0], [0.0, 1.0], floor=0.01)
    session = open_session(ledger, agent=agent, overseer=Inbox())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        decide_and_answer(session, 30)
        sick.row = [np.nan, np.nan]
        decide_and_answer(session, 3)
    assert [item.category for item in caught] == [CommitteeCollapsed, MemberUnreadable]
    assert session.alarms == {"CommitteeCollapsed", "MemberUnreadable"}


def test_verification_by_the_session_finds_an_agent_that_is_not_the_runs(ledger: Ledger) -> None:
    session = open_session(ledger, checkpoint_every=1)
    session.consult(until_asked(session))
    assert session.verify().ok
    session.agent = Imitator.of(Tables.of(policies(1)), leading=RatioSet(0.05))
    assert any(failure.startswith("I3") for failure in session.verify().failures)
