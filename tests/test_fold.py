"""A run broken at any place goes on as if it had not been: the belief is what the events lead to, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.alarms import ClassExhausted, CorrectionUnreadable
from assent.core import ContextAudit, Everyone, Mixture, RatioSet, RiskCap, SureAbove, TopK, Unexplained, Vetoed
from assent.drive import drive
from assent.fold import AgentDiffers, BeliefDiffers, belief_digest, fold
from assent.hypotheses.fourier import FourierSoftmax
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import wrap
from assent.ledger import Event, Ledger
from assent.overseers.absent import Absent
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.inbox import Inbox
from assent.overseers.scripted import Scripted
from assent.session import Session
from assent.worlds.stream import Stream
from tests.session_support import (
    ACTIONS,
    CONTEXTS,
    add,
    bodies,
    demonstrator,
    habits_agent,
    open_session,
    policies,
    same_belief,
    tables_agent,
    unchecked,
    until_asked,
    write_again,
)

STEPS = 18


def fourier_agent() -> Imitator:
    rng = np.random.default_rng(5)
    members = FourierSoftmax(
        rng.normal(size=(4, 3, 6)), rng.uniform(0, 6, size=(4, 6)), rng.normal(size=(4, 7, ACTIONS))
    )
    return Imitator.of(wrap(members, num_actions=ACTIONS))


def contexts(num: int = STEPS) -> np.ndarray:
    return np.random.default_rng(1).integers(0, CONTEXTS, num)


# Each names an agent, a world and an overseer; between them they make every kind of event that a driven run can hold.
RUNS: dict[str, Callable[[], tuple[Imitator, Stream, Any]]] = {
    "tables": lambda: (tables_agent(), Stream.of(contexts(), num_actions=ACTIONS), demonstrator()),
    "tables, nobody there at times": lambda: (
        tables_agent(),
        Stream.of(contexts(), num_actions=ACTIONS),
        Absent(demonstrator(), 0.3),
    ),
    "learning members": lambda: (
        fourier_agent(),
        Stream.of(np.random.default_rng(2).normal(size=(STEPS, 3)), labels=contexts() % ACTIONS, num_actions=ACTIONS),
        Absent(Scripted(lambda label: label), 0.2),
    ),
    "guards that keep count": lambda: (
        tables_agent(guards=(ContextAudit(2.0), Unexplained(ACTIONS, 0.2), Vetoed(ACTIONS), RiskCap(2.0))),
        Stream.of(contexts(), num_actions=ACTIONS),
        Absent(demonstrator(), 0.3),
    ),
    "an overseer who states probabilities": lambda: (
        tables_agent(guards=(RiskCap(2.0),)),
        Stream.of(contexts(), num_actions=ACTIONS),
        demonstrator(),
    ),
    "members that remember": lambda: (
        habits_agent(),
        Stream.of(contexts(), num_actions=ACTIONS),
        Absent(demonstrator(3), 0.3),
    ),
}


def life(case: str, ledger: Ledger, *, resume: bool) -> Session:
    """The run of a case from where the ledger stands to its end."""
    agent, world, overseer = RUNS[case]()
    if resume:
        session = Session.resume(agent, ledger, run="run", overseer=overseer)
    else:
        settings = {"null_action": 0, "checkpoint_every": 3, "residual": case == "an overseer who states probabilities"}
        session = Session.open(agent, ledger, run="run", overseer=overseer, seed=11, **settings)
    truth = None if world.labels is None else world.labels
    for _ in drive(session, world, num_steps=STEPS, truth=truth):
        pass
    ledger.flush()
    return session


@pytest.mark.parametrize("case", RUNS)
@pytest.mark.slow
def test_a_run_cut_after_any_event_goes_on_to_the_same_events_and_belief(case: str, tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "whole.db", group=64) as ledger:
        unbroken = life(case, ledger, resume=False)
        events = list(ledger.events("run"))
    kinds = {event.kind for event in events}
    assert {"act", "ask", "answer", "apply", "checkpoint"} <= kinds
    with unchecked(), Ledger.open(tmp_path / "growing.db", group=4) as growing:
        for event, after in zip(events, [*events[1:], None], strict=True):
            add(growing, event)
            growing.flush()
            if after is not None and after.kind == "checkpoint":
                continue  # an apply and its checkpoint are one transaction: nothing can fall between
            cut = growing.backup(tmp_path / f"{event.seq}.db")
            with Ledger.open(cut, group=64) as ledger:
                resumed = life(case, ledger, resume=True)
                assert bodies(ledger.events("run")) == bodies(events), f"cut after event {event.seq}, {event.kind}"
                assert same_belief(resumed, unbroken)
                assert resumed.alarms == unbroken.alarms
            cut.unlink()


@pytest.mark.parametrize("group", [1, 7, 1000])
def test_dropping_the_session_with_a_full_buffer_loses_nothing_that_was_asked(group: int, tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "whole.db") as ledger:
        life("tables", ledger, resume=False)
        whole = bodies(ledger.events("run"))
    path = tmp_path / "dropped.db"
    agent, world, overseer = RUNS["tables"]()
    ledger = Ledger.open(path, group=group)
    session = Session.open(agent, ledger, run="run", overseer=overseer, seed=11, null_action=0, checkpoint_every=3)
    for number, _ in enumerate(drive(session, world, num_steps=STEPS)):
        if number == 12:
            break  # neither flush nor close: what is in the buffer is gone, as when the process is killed
    with Ledger.open(path, group=group) as again:
        life("tables", again, resume=True)
        assert bodies(again.events("run")) == whole
    ledger._pending.clear()  # so that closing it writes nothing more
    ledger.close()


def asked_run(path: Path, **settings: Any) -> tuple[Ledger, Session, int]:
    ledger = Ledger.open(path)
    session = open_session(ledger, **settings)
    return ledger, session, until_asked(session)


def test_an_answer_that_was_not_learned_from_is_learned_at_resume(tmp_path: Path) -> None:
    ledger, session, _ = asked_run(tmp_path / "a.db")
    with ledger:
        question = session.waiting
        assert question is not None
        ledger.answer(question.id, 1, actor="ann", digest=question.digest)  # by another process, which does not learn
        resumed = Session.resume(tables_agent(), ledger, run="run", overseer=demonstrator())
        assert resumed.waiting is None
        assert resumed.step == question.step + 1
        assert [event.body["cause"] for event in ledger.events("run", kinds=("apply",))] == [
            next(ledger.events("run", kinds=("answer",))).seq
        ]
        assert not same_belief(resumed, session)  # the old object has not read it


@pytest.mark.parametrize("teaches", [True, False])
def test_a_correction_whose_lesson_was_lost_is_learned_at_resume_if_it_may_teach(teaches: bool, tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "whole.db") as ledger:
        session = open_session(ledger, learn_from_corrections=teaches)
        session.decide(2)
        session.volunteer(0, 1, actor="ann", obs=2)
        events = list(ledger.events("run"))
    assert (events[-1].kind == "apply") is teaches
    cut = [event for event in events if event.kind != "apply"]
    with write_again(cut, tmp_path / "cut.db") as ledger:
        resumed = Session.resume(tables_agent(), ledger, run="run", overseer=demonstrator())
        ledger.flush()
        assert bodies(ledger.events("run")) == bodies(events)
        assert same_belief(resumed, session)


@pytest.mark.parametrize(("obs", "choice"), [(99, 1), ("text", 1), (2, 99), (2, -1)])
def test_a_correction_that_nobody_can_read_locks_no_run(obs: Any, choice: int, tmp_path: Path) -> None:
    # written by another program, which does not ask the agent; the sound correction after it teaches all the same
    with Ledger.open(tmp_path / "a.db") as ledger:
        session = open_session(ledger, learn_from_corrections=True)
        session.decide(2)
        before = belief_digest(session.belief)
        ledger.volunteer("run", 0, choice, actor="desk", obs=obs)
        with pytest.warns(CorrectionUnreadable, match="teaches nothing"):
            resumed = Session.resume(tables_agent(), ledger, run="run", overseer=demonstrator())
        assert belief_digest(resumed.belief) == before
        assert resumed.alarms == {"CorrectionUnreadable"}
        ledger.volunteer("run", 0, 1, actor="desk", obs=2)
        again = Session.resume(tables_agent(), ledger, run="run", overseer=demonstrator())
        assert belief_digest(again.belief) != before
        assert (
            len(list(ledger.events("run", kinds=("alarm",)))) == len(list(ledger.events("run", kinds=("apply",)))) == 1
        )
        assert again.verify().ok


def test_a_correction_between_question_and_answer_keeps_its_place(tmp_path: Path) -> None:
    ledger, session, _ = asked_run(tmp_path / "a.db", learn_from_corrections=True)
    with ledger:
        question = session.waiting
        assert question is not None
        session.volunteer(0, 2, actor="ann", obs=3)
        session.answer(question.id, 1, actor="ann")
        resumed = Session.resume(tables_agent(), ledger, run="run", overseer=demonstrator())
        assert same_belief(resumed, session)
        assert session.verify().ok


@pytest.mark.parametrize("ends", ["expire", "withdraw"])
def test_a_question_that_ended_while_nobody_watched_counts_as_the_null_action(ends: str, tmp_path: Path) -> None:
    # one wrong variant: a withdrawn question that members never hear of, so that a resumed run remembers less
    agent = habits_agent()
    sessions = []
    for watched in (True, False):
        with Ledger.open(tmp_path / f"{watched}.db") as ledger:
            session = open_session(ledger, agent=agent, overseer=Inbox())
            until_asked(session)
            assert session.waiting is not None
            if ends == "withdraw":
                ledger.withdraw(session.waiting.id, "no longer needed", actor="ann")
            else:
                ledger.expire(session.waiting.id, 0, actor="clock")
            if watched:
                assert session.collect() == 0
            else:
                session = Session.resume(agent, ledger, run="run", overseer=Inbox())
            assert session.waiting is None
            sessions.append(session)
    assert sessions[0].step == sessions[1].step
    assert same_belief(*sessions)
    assert [int(last) for last in sessions[1].belief.memory][1] == 0


# -- another agent, another record ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"rule": Mixture()}, "rule"),
        ({"leading": RatioSet(0.1)}, "leading"),
        ({"leading": TopK(2, accept_no_guarantee=True)}, "leading"),
        ({"guards": (SureAbove(0.3),)}, "guards"),
        ({"temper": 0.5}, "temper"),
    ],
)
def test_another_agent_cannot_resume(settings: dict[str, Any], named: str, tmp_path: Path) -> None:
    # before the first checkpoint no digest can show it
    with Ledger.open(tmp_path / "a.db") as ledger:
        open_session(ledger)
        with pytest.raises(AgentDiffers, match=named):
            Session.resume(tables_agent(**settings), ledger, run="run", overseer=demonstrator())


def test_long_settings_are_compared_to_the_last_number(tmp_path: Path) -> None:
    """One wrong variant: an abridged representation, in which two thousand groups look like two thousand others."""
    rows, groups = np.full((2, 2000, 2), 0.5), np.arange(2000) % 7
    other = groups.copy()
    other[1000] = (other[1000] + 1) % 7

    def agent(of: Any) -> Imitator:
        return Imitator.of(Tables.of(rows), guards=(Unexplained(2, 0.01, of, 7),))

    with Ledger.open(tmp_path / "a.db") as ledger:
        open_session(ledger, agent=agent(groups))
        with pytest.raises(AgentDiffers, match="guards"):
            Session.resume(agent(other), ledger, run="run", overseer=demonstrator())
        assert Session.resume(agent(groups.copy()), ledger, run="run", overseer=demonstrator()).step == 0


def test_a_guard_without_a_name_can_resume(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "a.db") as ledger:
        open_session(ledger, agent=tables_agent(guards=(lambda assent, context: assent,)))
        again = tables_agent(guards=(lambda assent, context: assent,))
        described = (tables_agent(guards=(lambda assent, context: assent,)).describe(), again.describe())
        assert described[0] != described[1], "the test needs representations that differ by their addresses"
        # from another place in the source, so the names differ only if more than the address does
        Session.resume(again, ledger, run="run", overseer=demonstrator())


def test_members_of_the_same_names_with_other_rows_are_another_committee(tmp_path: Path) -> None:
    # wrong variant: to compare names and numbers of members only, which a retrained committee keeps
    with Ledger.open(tmp_path / "a.db") as ledger:
        open_session(ledger)
        with pytest.raises(AgentDiffers, match="committee is"):
            Session.resume(Imitator.of(Tables.of(policies(99))), ledger, run="run", overseer=demonstrator())


def test_functions_that_give_other_rows_are_found_at_the_first_checkpoint(tmp_path: Path) -> None:
    def committee(sure: float) -> Imitator:
        rows = [[sure, (1 - sure) / 2, (1 - sure) / 2], [0.2, 0.2, 0.6]]
        return Imitator.of(wrap([lambda obs, row=row: row for row in rows], num_actions=3))

    with Ledger.open(tmp_path / "a.db") as ledger:
        session = Session.open(committee(0.6), ledger, run="run", overseer=Scripted(lambda obs: 0), checkpoint_every=1)
        session.consult(until_asked(session))
        with pytest.raises(BeliefDiffers, match="up to event"):
            Session.resume(committee(0.5), ledger, run="run", overseer=Inbox())


def forged(path: Path, change: Callable[[dict[str, Any]], None]) -> Ledger:
    """A ledger whose first checkpoint was changed before it was written, so that chain and tables are sound."""
    with Ledger.open(path.with_suffix(".whole")) as ledger:
        session = open_session(ledger, checkpoint_every=1)
        while len(list(ledger.events("run", kinds=("checkpoint",)))) < 2:
            session.consult(until_asked(session))
        events = list(ledger.events("run"))
    for event in events:
        if event.kind == "checkpoint":
            change(event.body)
            break
    return write_again(events, path)


def heavier(body: dict[str, Any]) -> None:
    from assent.ledger import decode, encode

    weights = decode(body["log_weight"])
    weights[0] += 1e-9
    body["log_weight"] = encode(weights)


def other_digest(body: dict[str, Any]) -> None:
    body["belief"] = "0" * 64


@pytest.mark.parametrize("change", [heavier, other_digest])
def test_a_forged_checkpoint_in_a_sound_chain_is_found(change: Callable[[Any], None], tmp_path: Path) -> None:
    with forged(tmp_path / "a.db", change) as ledger:
        assert ledger.verify().ok, "the test needs a chain that shows nothing"
        digests = fold(tables_agent(), ledger.events("run"), strict=False).digests
        found = ledger.verify("run", refold=lambda run: digests).failures
        assert len(found) == 1
        assert "I3" in found[0]
        with pytest.raises(BeliefDiffers):
            Session.resume(tables_agent(), ledger, run="run", overseer=demonstrator())


def test_a_sound_record_refolds(tmp_path: Path) -> None:
    with forged(tmp_path / "a.db", lambda body: None) as ledger:
        session = Session.resume(tables_agent(), ledger, run="run", overseer=demonstrator())
        assert session.verify().ok
        assert session.verify().notes == ("The file itself was not checked: that is done when all runs are.",)


# -- digests -----------------------------------------------------------------------------------------------------------


def test_the_digest_of_a_belief_covers_every_bit_of_weights_and_memory() -> None:
    agent = fourier_agent()
    belief = agent.init()
    digests = {belief_digest(belief)}
    for change in ("weight", "memory", "shape", "dtype"):
        weight, memory = belief.log_weight.copy(), belief.memory.copy()
        if change == "weight":
            weight[-1] = np.nextafter(weight[-1], 0)
        if change == "memory":
            memory[0, 0, 0] = np.nextafter(memory[0, 0, 0], 9)
        if change == "shape":
            memory = memory.reshape(-1)
        if change == "dtype":
            weight = weight.view(np.int64)
        digests.add(belief_digest(type(belief)(weight, belief.log_prior, memory)))
    assert len(digests) == 5


def test_bodies_hold_neither_times_nor_addresses(tmp_path: Path) -> None:
    made = []
    for number in range(2):
        with Ledger.open(tmp_path / f"{number}.db") as ledger:
            life("members that remember", ledger, resume=False)
            made.append(json.dumps(bodies(ledger.events("run"))))
    assert made[0] == made[1]
    assert "0x" not in made[0]


def exhausting() -> tuple[Imitator, Demonstrator]:
    """Members that never do action 2, and an overseer who always does."""
    rows = np.zeros((2, 1, 3))
    rows[0, 0, :2], rows[1, 0, :2] = [0.75, 0.25], [0.25, 0.75]
    return Imitator.of(Tables.of(rows), leading=Everyone()), Demonstrator(np.asarray([[0.0, 0.0, 1.0]]))


def events_of(ledger: Ledger, kind: str) -> Iterator[Event]:
    return ledger.events("run", kinds=(kind,))


def test_an_alarm_is_not_raised_again_by_a_resumed_session(tmp_path: Path) -> None:
    agent, overseer = exhausting()
    with Ledger.open(tmp_path / "a.db") as ledger:
        session = open_session(ledger, agent=agent, overseer=overseer)
        while session.waiting is None:
            session.decide(0)
        with pytest.warns(ClassExhausted):
            session.consult(0)
        session.decide(0)
        session.consult(0)
        resumed = Session.resume(agent, ledger, run="run", overseer=overseer)
        assert resumed.alarms == {"ClassExhausted"}
        resumed.decide(0)  # a second warning would be an error
        assert len(list(events_of(ledger, "alarm"))) == 1
