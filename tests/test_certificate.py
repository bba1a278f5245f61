"""The certificate and the explanation of a run, from real runs on a ledger; every assumption that breaks is named."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.alarms import AssentWarning, ClassExhausted, CoverageFailed
from assent.certificate import certificate
from assent.core import AskFirst, Audit, Minimum, Mixture, RatioSet, RiskCap, Tolerance, TopK, Unexplained, Vetoed
from assent.drive import actions_done, drive
from assent.explanation import explain
from assent.fold import AgentDiffers, belief_digest, fold
from assent.hypotheses.context_tree import ContextTrees
from assent.hypotheses.logistic_coins import LogisticCoins
from assent.hypotheses.masked import masked
from assent.hypotheses.supports import Supports
from assent.hypotheses.tables import Tables
from assent.ledger import ChoiceOutOfRange, EventRefused, Ledger, RunTakenOver
from assent.overseers.absent import Absent
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.inbox import Inbox
from assent.overseers.scripted import Scripted
from assent.session import Acted, Asked, Session
from assent.worlds.stream import Stream
from tests.ledger.support import STATE
from tests.session_support import ACTIONS, CONTEXTS, demonstrator, open_session, policies, tables_agent, until_asked

STEPS = 60
WORLD = Stream.of(np.random.default_rng(1).integers(0, CONTEXTS, STEPS), num_actions=ACTIONS)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "run.db") as book:
        yield book


def lived(ledger: Ledger, **settings: Any) -> Session:
    session = open_session(ledger, **settings)
    for _ in drive(session, WORLD, num_steps=STEPS):
        pass
    return session


def test_a_capped_run_of_an_exact_class_has_a_bound_on_every_event(ledger: Ledger) -> None:
    lived(ledger, agent=tables_agent(guards=(Audit(0.05), RiskCap(1.0))))
    found = certificate(ledger.events("run"))
    assert not found.broken
    assert found.delta == 0.05
    assert found.factor == pytest.approx(np.e)
    assert found.spent <= 1.0
    assert found.spent <= found.at_most + 1e-12
    assert found.sum_theta3 <= found.sum_theta
    assert found.sum_theta3 < (found.query_bound or 0)
    kinds = [event.kind for event in ledger.events("run")]
    assert (found.decisions, found.queries) == (STEPS, kinds.count("ask"))


def test_without_a_cap_nothing_is_promised_of_events(ledger: Ledger) -> None:
    lived(ledger, agent=tables_agent())
    found = certificate(ledger.events("run"))
    assert not found.broken
    assert found.factor is None
    # by hand: every round that was not surely asked, at the probability that was acted with
    acts = [event.body for event in ledger.events("run") if event.kind in ("act", "ask")]
    by_hand = sum(np.log1p(body["ask"]) for body in acts if body["ask"] < 1)
    assert found.at_most == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"agent": tables_agent(leading=TopK(2, accept_no_guarantee=True))}, "Nothing is proven of the leading set"),
        ({"agent": tables_agent(rule=Mixture())}, "The rule Mixture may do what a leading member excludes"),
        ({"agent": tables_agent(share=0.1)}, "Nothing is proven"),
        ({"overseer": Absent(demonstrator(), 0.5)}, "questions were not answered"),
    ],
)
def test_what_does_not_hold_is_named_and_no_factor_is_printed(ledger: Ledger, settings: Any, sentence: str) -> None:
    lived(ledger, **settings)
    found = certificate(ledger.events("run"))
    assert any(sentence in one for one in found.broken), found.broken
    assert found.factor is None


def test_learned_members_never_get_a_bound_whatever_their_cap(ledger: Ledger) -> None:
    rows = policies(0)

    class Learned(Tables):
        @property
        def grade(self) -> Any:
            return "heuristic"

    bank = Tables.of(rows)
    agent = Imitator.of(Learned(bank.log_rows, bank.log_prior_weights, bank.names), guards=(RiskCap(1.0),))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssentWarning)  # that the committee shrank is not what is looked at
        lived(ledger, agent=agent)
    found = certificate(ledger.events("run"))
    assert found.factor is None
    assert any("learned" in one for one in found.broken)


def test_corrections_that_teach_break_the_certificate(ledger: Ledger) -> None:
    session = open_session(ledger, learn_from_corrections=True)
    until_asked(session)
    session.consult(0)
    session.volunteer(0, 1, actor="Ada", obs=0)
    found = certificate(ledger.events("run"))
    assert any("corrections that nobody asked for moved the weights" in one for one in found.broken)


def test_events_that_open_no_run_are_refused(ledger: Ledger) -> None:
    lived(ledger)
    with pytest.raises(ValueError, match="begin with the opening"):
        certificate(ledger.events("run", since=1))


# Vetoes


def until_acted(session: Session) -> Acted:
    for number in range(500):
        decision = session.decide(number % CONTEXTS)
        if isinstance(decision, Acted):
            return decision
        session.consult(number % CONTEXTS)
    raise AssertionError("nothing was done alone in 500 decisions")


def test_a_veto_is_done_recorded_and_teaches_nothing(ledger: Ledger) -> None:
    session = open_session(ledger)
    decision = until_acted(session)
    before = np.asarray(session.belief.log_weight).copy()
    assert session.veto("not there", actor="Ada", instead=2) == 2
    assert np.array_equal(session.belief.log_weight, before)
    events = list(ledger.events("run"))
    assert events[-1].kind == "veto"
    assert events[-1].body == {"step": decision.step, "action": decision.action, "instead": 2, "reason": "not there"}
    assert actions_done(events)[decision.step] == 2
    assert any("vetoed" in one for one in certificate(events).broken)
    assert session.verify().ok
    with pytest.raises(ValueError, match="no act to veto"):
        session.veto("again", actor="Ada")


def test_without_an_action_instead_a_veto_does_nothing(ledger: Ledger) -> None:
    session = open_session(ledger, null_action=1)
    until_acted(session)
    assert session.veto("stop", actor="Ada") == 1


def test_nothing_to_veto_is_said(ledger: Ledger) -> None:
    session = open_session(ledger)
    with pytest.raises(ValueError, match="no act to veto"):
        session.veto("too early", actor="Ada")
    until_asked(session)
    with pytest.raises(ValueError, match="no act to veto"):
        session.veto("a question waits", actor="Ada")


def test_what_was_vetoed_is_asked_in_that_context_and_after_a_resume_too(ledger: Ledger) -> None:
    agent = Imitator.of(Tables.of(np.full((2, CONTEXTS, ACTIONS), 1 / ACTIONS)), guards=(Vetoed(ACTIONS),))
    session = open_session(ledger, agent=agent, overseer=Demonstrator(np.full((CONTEXTS, ACTIONS), 1 / ACTIONS)))
    assert isinstance(session.decide(3), Acted)
    action = next(event.body["action"] for event in ledger.events("run") if event.kind == "act")
    session.veto("no", actor="Ada")
    for now in (session, Session.resume(agent, ledger, run="run", overseer=demonstrator())):
        assert float(agent.propose(now.belief, 3).probs[action]) == 0.0
        assert float(agent.propose(now.belief, 2).ask) == 0.0
    assert belief_digest(now.belief) == belief_digest(session.belief)
    # flipped off, the same is done again
    careless = Imitator.of(Tables.of(np.full((2, CONTEXTS, ACTIONS), 1 / ACTIONS)))
    assert float(careless.propose(careless.init(), 3).probs[action]) > 0


# An overseer who states probabilities


def test_an_overseer_below_every_leader_raises_the_alarm(ledger: Ledger) -> None:
    rows = np.asarray([[[0.6, 0.2, 0.2]], [[0.2, 0.6, 0.2]]])
    liar = Demonstrator(np.asarray([[0.5, 0.5, 0.0]]))  # every leader gives the last action at least 0.2
    agent = Imitator.of(Tables.of(rows), leading=RatioSet(0.01))
    session = open_session(ledger, agent=agent, overseer=liar, residual=True)
    for _ in range(200):
        if isinstance(session.decide(0), Asked):
            with pytest.warns(CoverageFailed, match="less than every leading member"):
                session.consult(0)
            break
    assert "CoverageFailed" in session.alarms
    found = certificate(ledger.events("run"))
    assert any("leaders' minimum" in one for one in found.broken)


def test_what_an_overseer_states_must_be_a_distribution(ledger: Ledger) -> None:
    class Vague(Demonstrator):
        def probs(self, revealed: Any) -> Any:
            return np.asarray([0.5, 0.2, 0.2])

    session = open_session(ledger, overseer=Vague(policies(0)[0]), residual=True)
    until_asked(session)
    with pytest.raises(ValueError, match="summing to 1"):
        session.consult(0)
    assert session.waiting is not None


# Explanations


def test_an_explanation_names_who_holds_each_action_back(ledger: Ledger) -> None:
    session = lived(ledger, agent=tables_agent())
    asked = next(event.body for event in ledger.events("run") if event.kind == "ask")
    found = explain(ledger.events("run"), asked["question"])
    assert found.others == 0
    rows = dict(zip(asked["dossier"]["members"], asked["dossier"]["rows"], strict=True))
    for blocker in found.blockers:
        action = int(blocker.action)
        assert blocker.member is not None
        assert rows[blocker.member][action] == min(row[action] for row in rows.values())
        assert blocker.minimum == pytest.approx(asked["dossier"]["minimum"][action], abs=1e-12)
    gaps = [blocker.most - blocker.minimum for blocker in found.blockers]
    assert gaps == sorted(gaps, reverse=True)
    assert found == explain(ledger.events("run"), str(asked["step"]))
    assert found.by == "demonstrator"
    assert session.alarms == frozenset()
    with pytest.raises(ValueError, match=r"no question 'run/9999\.0'"):
        explain(ledger.events("run"), "run/9999.0")


def test_the_alarm_of_a_group_is_on_the_ledger_once(ledger: Ledger) -> None:
    rows = np.tile(np.asarray([0.98, 0.01, 0.01]), (3, CONTEXTS, 1))
    agent = Imitator.of(Tables.of(rows), guards=(Audit(0.5), Unexplained(ACTIONS, 0.05)))
    other = Demonstrator(np.tile(np.asarray([0.0, 1.0, 0.0]), (CONTEXTS, 1)))
    with pytest.warns(AssentWarning, match="no member explains the overseer's answers in context group"):
        lived(ledger, agent=agent, overseer=other)
    names = [event.body["name"] for event in ledger.events("run") if event.kind == "alarm"]
    assert len(names) == len(set(names)) > 1
    assert all(name.startswith("OverseerUnexplained ") for name in names)
    assert any("No member explains the overseer" in one for one in certificate(ledger.events("run")).broken)


def test_to_follow_the_law_that_she_states_costs_nothing(ledger: Ledger) -> None:
    """Members disagree all the same: what is left over is drawn from what she states, and nothing is spent."""
    lived(ledger, agent=tables_agent(guards=(RiskCap(5.0),)), residual=True)
    found = certificate(ledger.events("run"))
    assert (found.spent, found.at_most) == (0.0, 0.0)
    assert found.sum_theta > 1
    assert not found.broken


# ---- what a certificate must refuse ----


def stating(ledger: Ledger, rows: Any, *, overseer: Any, **settings: Any) -> Session:
    agent = Imitator.of(Tables.of(np.asarray(rows)), **settings)
    return open_session(ledger, agent=agent, overseer=overseer, residual=True)


def waiting_at_0(session: Session) -> None:
    while session.waiting is None:
        session.decide(0)


def test_only_the_minimum_can_be_made_up_for_by_asking(ledger: Ledger) -> None:
    """Tolerance acts with more than any leader gives: what was not charged was 326 acts of 400 where hers was one half."""
    rows = [[[0.9, 0.1]], [[0.5, 0.5]]]
    with pytest.raises(ValueError, match="residual wants the rule Minimum, not Tolerance"):
        stating(ledger, rows, overseer=Demonstrator(np.asarray(rows[1])), rule=Tolerance(0.5), guards=(RiskCap(1.0),))
    assert ledger.runs() == []


def test_a_plain_choice_where_probabilities_are_stated_is_refused_or_charged_for(ledger: Ledger) -> None:
    rows = [[[0.6, 0.4]], [[0.4, 0.6]]]
    settings: dict[str, Any] = {"leading": RatioSet(1e-9), "guards": (RiskCap(0.5),)}
    session = stating(ledger, rows, overseer=Demonstrator(np.asarray(rows[0])), **settings)
    waiting_at_0(session)
    assert session.waiting is not None
    with pytest.raises(ValueError, match="a plain choice is none: use consult"):
        session.answer(session.waiting.id, 0, actor="ann")
    # another process may write one all the same
    ledger.answer(session.waiting.id, 0, actor="ann", digest=session.waiting.digest)
    assert session.collect() == 0
    for _ in range(200):
        if isinstance(session.decide(0), Asked):
            session.consult(0)
    found = certificate(ledger.events("run"))
    assert found.spent > 0.1
    assert found.factor is None
    assert any("1 answers were plain choices" in sentence for sentence in found.broken)
    again = Session.resume(session.agent, ledger, run="run", overseer=session.overseer)
    assert belief_digest(again.belief) == belief_digest(session.belief)


def test_after_a_contradiction_rounds_are_charged(ledger: Ledger) -> None:
    rows = [[[0.6, 0.4]], [[0.5, 0.5]]]
    session = stating(ledger, rows, overseer=Demonstrator(np.asarray([[0.1, 0.9]])), leading=RatioSet(1e-9))
    waiting_at_0(session)
    with pytest.warns(CoverageFailed):
        session.consult(0)
    for _ in range(50):
        if isinstance(session.decide(0), Asked):
            session.consult(0)
    found = certificate(ledger.events("run"))
    assert found.spent != 0
    assert found.broken


def test_a_class_that_knows_supports_alone_has_no_event_bound(ledger: Ledger) -> None:
    agent = Imitator.of(Supports.of(1, 2), guards=(RiskCap(0.1),))
    session = open_session(ledger, agent=agent, overseer=Demonstrator(np.asarray([[0.9, 0.1]])))
    for _ in range(30):
        if isinstance(session.decide(0), Asked):
            session.consult(0)
    found = certificate(ledger.events("run"))
    assert (found.preserves, found.bounds_events, found.factor) == ("support", False, None)
    assert any("not how often" in sentence for sentence in found.broken)


def test_the_last_answer_may_refute_the_class(ledger: Ledger) -> None:
    rows = np.asarray([[[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]])
    agent = Imitator.of(Tables.of(rows), guards=(RiskCap(1.0),))
    session = open_session(ledger, agent=agent, overseer=Demonstrator(np.asarray([[0.0, 0.0, 1.0]])))
    assert isinstance(session.decide(0), Asked)
    with pytest.warns(ClassExhausted):
        session.consult(0)
    found = certificate(ledger.events("run"))
    assert found.alarms == ("ClassExhausted",)
    assert found.factor is None
    assert found.broken


def test_no_bound_on_questions_for_a_rule_that_need_not_ask(ledger: Ledger) -> None:
    rows = Tables.of(np.asarray([[[0.9, 0.1]], [[0.5, 0.5]]]))
    for rule, proven in ((Minimum(), True), (Tolerance(0.5), False), (Mixture(), False)):
        assert (Imitator.of(rows, rule=rule).promise()["query_bound"] is not None) == proven


def test_what_a_class_supposes_besides_stands_among_the_assumptions(ledger: Ledger) -> None:
    agent = Imitator.of(ContextTrees(2, 2))
    assert "Dirichlet" in agent.promise()["assumes"][0]
    assert Imitator.of(ContextTrees(2, 2, delta_tree=0.0)).promise()["assumes"] == []
    session = open_session(ledger, agent=agent, overseer=Absent(), labels=["a", "b"])
    until_asked(session)
    assert any("Dirichlet" in sentence for sentence in certificate(ledger.events("run")).assumptions)


def test_guards_count_the_agents_own_actions() -> None:
    rows = Tables.of(np.full((2, 3, 5), 0.2))
    for guard in (Unexplained(2, 0.01), Vetoed(2)):
        with pytest.raises(ValueError, match="counts 2 actions, and the hypotheses have 5"):
            Imitator.of(rows, guards=(guard,))
    for groups in ([0, -1, 0], [0, 2, 0], [[0, 1, 0]], [0.0, 1.0, 0.0]):
        with pytest.raises(ValueError, match="another would never fire"):
            Unexplained(5, 0.01, np.asarray(groups), 2)
    with pytest.raises(ValueError, match="names 2 contexts of 3"):
        Imitator.of(rows, guards=(Unexplained(5, 0.01, np.asarray([0, 1]), 2),)).init()


def test_a_cap_beyond_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="cap = 710: "):
        RiskCap(710)


def test_silence_is_no_answer_to_those_who_ask_first(ledger: Ledger) -> None:
    agent = tables_agent(guards=(AskFirst(3),))
    session = open_session(ledger, agent=agent, overseer=Absent())
    for _ in range(10):
        assert isinstance(session.decide(0), Asked)
        session.consult(0)


def test_a_setting_that_was_dropped_is_noticed(ledger: Ledger) -> None:
    rows = Tables.of(np.asarray([[[0.9, 0.1]], [[0.5, 0.5]]]))
    open_session(ledger, agent=Imitator.of(rows, share=0.2), overseer=Absent()).decide(0)
    with pytest.raises(AgentDiffers, match=r"whose share is 0\.2; this one's is None"):
        Session.resume(Imitator.of(rows), ledger, run="run", overseer=Absent())


def test_a_stated_answer_that_was_not_taken_in_is_collected_with_its_lesson(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrong variant, which learns from the choice, has another belief than the ledger leads to."""
    rows = np.asarray([[[0.6, 0.4]], [[0.1, 0.9]]])
    for seed in range(8):
        agent = Imitator.of(Tables.of(rows))
        run = f"run-{seed}"
        session = Session.open(
            agent, ledger, run=run, overseer=Demonstrator(rows[0]), seed=seed, null_action=0, residual=True
        )
        waiting_at_0(session)
        with monkeypatch.context() as broken:
            broken.setattr(session._standing, "take_in", lambda *given: None)
            session.consult(0)
        session.collect()
        session.close()
        assert belief_digest(session.belief) == belief_digest(fold(agent, ledger.events(run)).belief)


def test_a_law_over_what_is_not_legal_is_refused_before_it_is_on_the_ledger(ledger: Ledger) -> None:
    """One wrong variant: its lesson, drawn from all of it, is on the ledger, teaches nothing, and nobody can go on."""

    class Unlawful(Demonstrator):
        def probs(self, revealed: Any) -> Any:
            return np.asarray([0.05, 0.475, 0.475])

    agent = Imitator.of(masked(Tables.of(np.asarray([[[0.4, 0.3, 0.3]], [[0.2, 0.2, 0.6]]]))), guards=(Audit(0.5),))
    obs = (0, np.asarray([False, True, True]))
    session = open_session(ledger, agent=agent, overseer=Unlawful(policies(0)[0]), residual=True)
    while isinstance(session.decide(obs), Acted):
        pass
    with pytest.raises(ValueError, match=r"action 0, which is not legal here, a probability of 0\.05"):
        session.consult(0)
    waiting = session.waiting
    assert waiting is not None
    with pytest.raises(ChoiceOutOfRange, match="The lesson is 0"):
        ledger.answer(
            waiting.id, 1, actor="ann", lesson={"lesson": 0, "stated": [0.0, 0.5, 0.5]}, digest=waiting.digest
        )
    assert session.expire() == 0


def test_coins_that_no_overseer_fits_are_not_signed(ledger: Ledger) -> None:
    family = LogisticCoins.of(1, 2, norm=0.5)
    agent = Imitator.of(family, guards=(Audit(0.3), RiskCap(50.0)))
    session = open_session(ledger, agent=agent, overseer=Scripted(lambda revealed: 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClassExhausted)  # as many as there are; below they are counted on the ledger
        for _ in range(300):
            if isinstance(session.decide(np.ones(1)), Asked):
                session.consult(0)
    found = certificate(ledger.events("run"))
    assert any("norm = 0.5" in one for one in found.assumptions)
    assert any("ClassExhausted" in one for one in found.alarms)
    assert found.broken


def test_more_leaders_than_the_cap_are_no_sign_that_the_class_is_wrong(ledger: Ledger) -> None:
    rows = np.asarray([[[0.9, 0.1]], [[0.1, 0.9]], [[0.5, 0.5]]])
    agent = Imitator.of(Tables.of(rows), leading=RatioSet(0.05, cap=1))
    session = open_session(ledger, agent=agent, overseer=Demonstrator(rows[0]))
    for _ in range(150):
        if isinstance(session.decide(0), Asked):
            session.consult(0)
    found = certificate(ledger.events("run"))
    assert found.broken == ()
    assert found.query_bound is None, "members that say the same stay plausible for ever"
    assert Imitator.of(Tables.of(rows)).promise()["query_bound"] is not None


def test_a_question_that_waits_or_was_taken_back_is_explained_as_such(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    assert session.waiting is not None
    first = session.waiting.id
    assert explain(ledger.events("run"), first).state == "waiting"
    session.expire()
    until_asked(session)
    second = session.waiting.id
    ledger.withdraw(second, "no longer", actor="ann")
    session.collect()
    until_asked(session)
    third = session.waiting
    session.answer(third.id, 1, actor="ann")
    states = [explain(ledger.events("run"), one).state for one in (first, second, third.id)]
    assert states == ["expired", "withdrawn", "answered"]


def test_what_was_done_and_what_taught_are_told_apart(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=demonstrator(), residual=True)
    for _ in range(400):
        if isinstance(session.decide(0), Asked):
            session.consult(0)
    differing = [
        event.body for event in ledger.events("run", kinds=("answer",)) if event.body["lesson"] != event.body["choice"]
    ]
    assert differing
    found = explain(ledger.events("run"), differing[0]["question"])
    assert (found.answer, found.lesson) == (str(differing[0]["choice"]), str(differing[0]["lesson"]))


def test_nobody_vetoes_behind_the_sessions_back(ledger: Ledger, tmp_path: Path) -> None:
    """One wrong variant: it is on the ledger, the session does not know, and the run can never be gone on with."""
    session = open_session(ledger, agent=tables_agent(guards=(Vetoed(ACTIONS),)))
    while isinstance(session.decide(0), Asked):
        session.consult(0)
    body = {"step": session.step - 1, "action": 0, "instead": 1, "reason": "no"}
    with Ledger.open(tmp_path / "run.db") as other:
        with pytest.raises(RunTakenOver, match="does not hold run 'run'"):
            other.veto("run", body, actor="human")
        with pytest.raises(RunTakenOver, match="does not hold run 'run'"):
            other.checkpoint("run", STATE)
    assert session.verify().ok
    ledger.flush("run")
    Session.resume(tables_agent(guards=(Vetoed(ACTIONS),)), ledger, run="run", overseer=demonstrator())


def test_where_nobody_answers_the_null_action_is_done_and_no_other(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    assert session.waiting is not None
    with pytest.raises(ChoiceOutOfRange, match="its null action 0 is done"):
        ledger.expire(session.waiting.id, 1, actor="ops")
    ledger.expire(session.waiting.id, 0, actor="ops")
    assert session.collect() == 0


LAW = {"lesson": 2, "stated": [0.0, 0.0, 1.0]}


def test_nobody_states_a_law_in_a_run_that_takes_none_nor_half_of_one(ledger: Ledger, tmp_path: Path) -> None:
    """One wrong variant: it is kept, the fold learns from it, the live session does not, and the run cannot be gone on with."""
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    waiting = session.waiting
    assert waiting is not None
    with Ledger.open(tmp_path / "run.db") as other:
        with pytest.raises(EventRefused, match="opened with residual"):
            other.answer(waiting.id, 0, actor="bob", digest=waiting.digest, lesson=LAW)
        other.answer(waiting.id, 0, actor="bob", digest=waiting.digest)
    assert session.collect() == 0
    assert session.verify().ok


@pytest.mark.parametrize(
    "lesson",
    [
        {"lesson": 1},
        {"stated": [0, 0, 1]},
        {**LAW, "stated": "x"},
        {**LAW, "stated": [9, 9, 9]},
        {**LAW, "stated": [1.0]},
    ],
    ids=str,
)
def test_what_is_no_law_is_refused(ledger: Ledger, lesson: dict[str, Any]) -> None:
    session = open_session(ledger, overseer=demonstrator(), residual=True)
    until_asked(session)
    waiting = session.waiting
    assert waiting is not None
    with pytest.raises(EventRefused, match=r"together|no distribution"):
        ledger.answer(waiting.id, 0, actor="bob", digest=waiting.digest, lesson=lesson)
    session.consult(0)
    assert session.verify().ok


def test_an_alarm_that_changes_charges_is_the_holders_alone(ledger: Ledger, tmp_path: Path) -> None:
    session = open_session(ledger, overseer=demonstrator(), residual=True)
    with Ledger.open(tmp_path / "run.db") as other:
        with pytest.raises(RunTakenOver, match="does not hold run"):
            other.alarm("run", "CoverageFailed", {})
        other.alarm("run", "SmokeInTheHall", {})
    until_asked(session)
    session.consult(0)
    assert session.verify().ok


@pytest.mark.parametrize("ends", ["taken over", "halted"])
def test_who_takes_over_hears_of_no_drop_that_it_never_saw(ends: str, tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with Ledger.open(path, group=50) as one, Ledger.open(path) as two:
        session = open_session(one)
        while not isinstance(session.decide(0), Acted):
            session.consult(0)
        if ends == "halted":
            two.halt("run", "smoke", actor="bea")
            one.outcome("run", 0, 1, actor="bea")
            again = Session.resume(tables_agent(), one, run="run", overseer=demonstrator())
            two.resume("run", "clear", actor="bea")
        else:
            Session.resume(tables_agent(), two, run="run", overseer=demonstrator())
            again = Session.resume(tables_agent(), one, run="run", overseer=demonstrator())
        again.decide(0)
        one.flush("run")


def test_a_session_that_was_taken_over_writes_no_alarm_that_changes_charges(ledger: Ledger, tmp_path: Path) -> None:
    open_session(ledger, overseer=demonstrator(), residual=True)
    with Ledger.open(tmp_path / "run.db") as other:
        Session.resume(tables_agent(), other, run="run", overseer=demonstrator())
        with pytest.raises(RunTakenOver, match="has taken run 'run' over"):
            ledger.alarm("run", "CoverageFailed", {})
        with pytest.raises(RunTakenOver, match="has taken run 'run' over"):
            ledger.append("run", "alarm", {"name": "CoverageFailed", "detail": {}})
        with pytest.raises(EventRefused, match="alarm's name is \\[\\]"):
            ledger.append("run", "alarm", {"name": [], "detail": {}})
