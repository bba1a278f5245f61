"""Premises: each is checked, each check fires when its premise is broken and stays silent when it holds."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.agents.online import online_learner
from assent.agents.premises import Premises, Promise, premises_of
from assent.agents.regret import best_tracking, most_wrong, sharing_bound
from assent.core import SILENT, AlphaSet, Audit, Confidence, Everyone, Minimum, Mixture, RatioSet, Readable, Stakes
from assent.drive import drive
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import wrap
from assent.ledger import Ledger
from assent.overseers.absent import Absent
from assent.overseers.scripted import READS_LABELS, Scripted
from assent.session import Asked, Session
from assent.worlds.stream import Stream
from tests.session_support import open_session, unchecked

PROMISE = Promise(stake=2.0, rate=0.25, num_members=4, share=0.1, switches=1, risk=0.05, surprise=5.0)


def names(at: Premises) -> list[str]:
    return [breach.name for breach in at.breaches]


# One premise at a time: what keeps it and what breaks it


@pytest.mark.parametrize(
    ("ask", "kept"), [(0.25, True), (1.0, True), (0.25 * (1 - 1e-12), True), (0.2, False), (math.nan, False)]
)
def test_asking_less_than_promised_is_a_breach(ask: float, kept: bool) -> None:
    assert names(Premises(PROMISE).acted(ask=ask)) == ([] if kept else ["rate"])
    assert names(Premises(PROMISE).asking(ask)) == ([] if kept else ["rate"])


@pytest.mark.parametrize(
    ("worst", "cost", "broken"),
    [
        (1.0, 1.0, []),
        (1.0, 0.0, []),
        (1.0, -3.0, []),
        (1.0, 1.1, ["cost"]),
        (-1.0, 0.5, ["cost"]),
        (None, 2.0, []),
        (None, 2.1, ["cost"]),
        (3.0, 2.5, ["stake"]),
        (math.nan, None, ["stake"]),
        (math.inf, None, ["stake"]),
        (1.0, math.nan, ["cost", "total"]),
    ],
)
def test_a_cost_above_what_was_declared_is_a_breach(worst: Any, cost: Any, broken: list[str]) -> None:
    assert names(Premises(PROMISE).acted(ask=0.5, worst=worst, cost=cost)) == broken


def test_an_act_of_the_overseers_own_may_cost_nothing() -> None:
    at = Premises(PROMISE)
    assert names(at.known(right=True)) == []
    assert names(at.known(right=False, cost=1.0)) == []
    assert names(at.known(right=True, cost=0.1)) == ["free"]
    assert (at.known(right=False).wrong, at.known(right=True).wrong) == (1, 0)


@pytest.mark.parametrize(
    ("surprise", "kept"), [(0.0, True), (5.0, True), (5.1, False), (math.inf, False), (math.nan, False)]
)
def test_an_answer_that_surprises_more_than_promised_is_a_breach(surprise: float, kept: bool) -> None:
    after = Premises(PROMISE).answered(surprise, [surprise] * 4)
    assert ("surprise" in names(after)) == (not kept)


def test_a_correction_that_nobody_asked_for_is_a_breach() -> None:
    assert names(Premises(PROMISE).corrected()) == ["unasked"]


def test_where_every_question_is_to_be_answered_one_silence_is_a_breach() -> None:
    at = Premises(PROMISE).answered(0.1)
    assert names(at) == []
    assert names(at.unanswered()) == ["silence"]


@pytest.mark.slow
@pytest.mark.parametrize(("true", "fires"), [(0.1, False), (0.05, False), (0.2, True)])
def test_more_silence_than_promised_is_a_breach_and_less_hardly_ever(true: float, fires: bool) -> None:
    """Looked at after every one of 1000 questions, in 100 runs each; the promise is one in ten."""
    promise = Promise(stake=1.0, rate=0.1, num_members=2, silence=0.1, risk=0.05)
    fired = 0
    with unchecked():
        for seed in range(100):
            at = Premises(promise)
            for silent in np.random.default_rng(seed).random(1_000) < true:
                at = at.unanswered() if silent else at.answered(0.0)
                if at.breaches:
                    break
            fired += names(at) == ["silence"]
    assert fired > 95 if fires else fired / 100 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 100)


def test_the_regret_is_that_of_the_best_sequence_and_more_than_its_bound_is_a_breach() -> None:
    rng = np.random.default_rng(0)
    losses = rng.exponential(size=(30, 4))
    at = Premises(PROMISE)
    for number, row in enumerate(losses, 1):
        at = at.answered(float(row.min()), row)
        assert at.regret == pytest.approx(
            losses[:number].min(axis=1).sum() - best_tracking(losses[:number], switches=1)
        )
    assert names(at) == []
    worse = at
    for _ in range(10):
        worse = worse.answered(4.0, np.zeros(4))
    assert names(worse) == ["regret"]
    assert worse.breaches[0].detail["regret"] > worse.breaches[0].detail["bound"]
    assert worse.breaches[0].detail["bound"] < sharing_bound(41, num_members=4, share=0.1, switches=1)


def test_a_regret_that_cannot_be_compared_is_not_called_kept() -> None:
    at = Premises(PROMISE).answered(0.1, np.zeros(4)).answered(0.1)
    assert not at.compared
    assert math.isnan(at.regret)
    assert not at.answered(0.1, np.zeros(4)).compared, "what came in between is missing for good"
    assert Premises(PROMISE).compared


@pytest.mark.parametrize("by_cost", [True, False])
def test_more_harm_than_was_to_be_expected_is_a_breach(by_cost: bool) -> None:
    at, most = Premises(PROMISE), most_wrong(0.0, rate=0.25, risk=0.05)
    assert at.bound == pytest.approx(2.0 * most)
    count = math.floor(most)
    for _ in range(count):
        at = at.costing(2.0) if by_cost else at.known(right=False)
    assert names(at) == []
    assert names(at.costing(2.0) if by_cost else at.known(right=False)) == ["total"]
    # what surprised the learner allows for more
    surprised = at.answered(4.0)
    assert names(surprised.costing(2.0) if by_cost else surprised.known(right=False)) == []


def test_an_answer_that_was_surely_asked_for_counts_for_the_bound_as_the_coin_would_have_asked_it() -> None:
    at = Premises(PROMISE)
    assert at.answered(2.0, ask=1.0).weighed == 2.0 * 0.25
    assert [at.answered(2.0, ask=ask).weighed for ask in (0.25, 0.1, None)] == [2.0] * 3
    assert at.answered(2.0, ask=math.nan).weighed == 2.0
    assert at.answered(2.0, ask=1.0).log_loss == 2.0
    assert at.bound < at.answered(2.0, ask=1.0).bound < at.answered(2.0).bound


def test_a_breach_is_named_once_and_never_forgotten() -> None:
    at = Premises(PROMISE).acted(ask=0.1).acted(ask=0.01).acted(ask=0.9)
    assert names(at) == ["rate"]
    assert not at.holds
    assert "asked with chance 0.1" in at.breaches[0].sentence
    assert at.breaches[0].detail == {"chance": 0.1}


def test_a_record_is_a_value() -> None:
    start = Premises(PROMISE)
    after = start.answered(0.5, np.arange(4.0)).acted(ask=0.1)
    assert (start.answers, start.acts, start.breaches, start.least) == (0, 0, (), None)
    kept = after.least
    assert kept is not None
    before = kept.copy()
    after.answered(0.5, np.ones(4))
    assert np.array_equal(kept, before)


@pytest.mark.parametrize(
    "wrong",
    [
        {"stake": 0.0},
        {"stake": math.inf},
        {"stake": math.nan},
        {"rate": 0.0},
        {"rate": 1.0},
        {"share": 1.0},
        {"temper": 0.0},
        {"switches": -1},
        {"risk": 0.0},
        {"silence": 1.0},
        {"delta": 1.0},
        {"surprise": 0.0},
        {"num_members": 0.5},
    ],
)
def test_a_promise_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"give a|lie in|at least one"):
        Promise(**{"stake": 1.0, "rate": 0.1, "num_members": 2, **wrong})


def test_a_learners_promise_is_read_from_its_guards() -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(3), size=(3, 2))
    bank = Tables.of(rows, prior=np.asarray([1.0, 1.0, 2.0]))
    stakes = Stakes(np.ones((2, 3)), per_decision=1.5)
    promise = Promise.of(online_learner(bank, stakes=stakes, rate=0.1, share=0.02), switches=2)
    assert (promise.stake, promise.rate, promise.share, promise.switches) == (1.5, pytest.approx(0.1), 0.02, 2)
    assert promise.num_members == pytest.approx(4.0), "one over the least prior weight"
    twice = Imitator(bank, RatioSet(0.05), Minimum(), (Readable(), Audit(0.1), Audit(0.2), stakes))
    assert Promise.of(twice).rate == pytest.approx(1 - 0.9 * 0.8)
    assert Promise.of(twice).delta == 0.05
    floored = wrap([lambda obs: [0.5, 0.5]], num_actions=2, floor=0.1)
    assert Promise.of(online_learner(floored, stakes=stakes, rate=0.1)).surprise == pytest.approx(math.log(40))
    for guards in ((Audit(0.1),), (stakes,), (Audit(0.1), Stakes(np.ones((2, 3)), per_run=1.0))):
        with pytest.raises(ValueError, match="Use online_learner"):
            Promise.of(Imitator(bank, Everyone(), Mixture(), guards))
    for rule, leading in ((Confidence(0.5), Everyone()), (Minimum(), AlphaSet(0.01)), (Mixture(), RatioSet(0.05))):
        with pytest.raises(ValueError, match="the argument is for the mixture of everyone"):
            Promise.of(Imitator(bank, leading, rule, (Readable(), Audit(0.1), stakes)))
    unlikely = Tables.of(rows, prior=np.asarray([0.0, 1.0, 1.0]))
    assert Promise.of(online_learner(unlikely, stakes=stakes, rate=0.1)).num_members == pytest.approx(2.0)


# From a ledger

CONTEXTS, ACTIONS, ROUNDS = 6, 3, 250


def bank() -> Tables:
    named = np.random.default_rng(5).integers(ACTIONS, size=(5, CONTEXTS))
    return Tables.of(np.where(np.arange(ACTIONS) == named[..., None], 0.97, 0.015))


def world(*, shift: bool = True, hidden: bool = False) -> tuple[Stream, np.ndarray]:
    """Items, and the right actions, by one member and from half time on by another; `hidden` where she would contradict the first."""
    contexts = np.random.default_rng(6).integers(CONTEXTS, size=ROUNDS)
    member = np.where((np.arange(ROUNDS) >= ROUNDS // 2) & shift, 3, 1)
    labels = np.exp(bank().log_rows)[contexts, :, member].argmax(axis=1)
    first = np.exp(bank().log_rows)[contexts, :, 1].argmax(axis=1)
    said = np.where(labels == first, labels, SILENT) if hidden else labels
    return Stream(contexts, said, ACTIONS), labels


WORST = np.where(np.arange(ACTIONS) == 2, 40.0, 1.0) * np.ones((CONTEXTS, 1))


def run(
    folder: Path, agent: Imitator, *, overseer: Any = READS_LABELS, shift: bool = True, hidden: bool = False
) -> tuple[list[Any], dict[int, float]]:
    """The events of a run, and what its lone acts cost: what was declared, where they were wrong."""
    stream, labels = world(shift=shift, hidden=hidden)
    with Ledger.open(folder / "run.db", group=64) as ledger, unchecked():
        session = Session.open(agent, ledger, run="life", overseer=overseer, seed=3)
        done = list(drive(session, stream, num_steps=ROUNDS, truth=labels))
        session.flush()
        events = list(ledger.events("life"))
    costs = {
        one.step: float(WORST[stream.items[one.step], one.action]) * (one.action != labels[one.step])
        for one in done
        if not one.asked
    }
    return events, costs


def learner(*, rate: float = 0.2, share: float = 0.01, guarded: bool = True) -> Imitator:
    stakes = Stakes(WORST, per_decision=1.0 if guarded else 100.0)
    return online_learner(bank(), stakes=stakes, rate=rate, share=share)


def test_a_run_that_keeps_its_promise_has_no_breach(tmp_path: Path) -> None:
    agent = learner()
    events, costs = run(tmp_path, agent)
    stakes: Any = agent.guards[-1]
    at = premises_of(Promise.of(agent, switches=1), events, stakes=stakes, costs=costs)
    assert at.breaches == ()
    assert (at.acts, at.asks) == (sum(e.kind == "act" for e in events), sum(e.kind == "ask" for e in events))
    assert at.acts + at.asks == ROUNDS
    assert at.answers == at.asks > 0
    assert at.wrong == sum(cost > 0 for cost in costs.values()) > 0
    assert at.cost == sum(costs.values())
    assert at.compared
    assert 0 < at.cost <= at.bound
    surprises = [event.body["surprise"] for event in events if event.kind == "apply"]
    assert at.log_loss == pytest.approx(sum(surprises))


BROKEN: dict[str, Any] = {
    "rate": lambda folder: (run(folder, learner(rate=0.05)), Promise.of(learner(rate=0.2), switches=1)),
    "silence": lambda folder: (
        run(folder, learner(), overseer=Absent(READS_LABELS, silence=0.2)),
        Promise.of(learner(), switches=1),
    ),
    "regret": lambda folder: (run(folder, learner(share=0.0, rate=0.5)), Promise.of(learner(rate=0.5), switches=1)),
    "stake": lambda folder: (run(folder, learner(guarded=False)), Promise.of(learner(), switches=1)),
    "surprise": lambda folder: (run(folder, learner()), replace(Promise.of(learner(), switches=1), surprise=2.0)),
    "total": lambda folder: (
        run(folder, learner(rate=0.5), hidden=True),
        replace(Promise.of(learner(rate=0.5), switches=1), silence=0.5),
    ),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_run_that_breaks_a_premise_is_found_out(tmp_path: Path, name: str) -> None:
    """A coin that falls more seldom, an overseer who is silent at times, a learner that forgets nothing, acts that are dear, a member
    class that rules out more than it was said to, and silence that depends on what would have been said, which only the total shows."""
    (events, costs), promise = BROKEN[name](tmp_path)
    at = premises_of(promise, events, stakes=Stakes(WORST), costs=costs)
    assert at.compared
    assert name in names(at)
    # nothing else is blamed, but for the total, which every broken premise may carry off
    assert set(names(at)) <= {name, "total"}


def test_costs_that_were_understated_are_found_out(tmp_path: Path) -> None:
    agent = learner()
    events, costs = run(tmp_path, agent)
    stakes: Any = agent.guards[-1]
    dearer = {step: 1.5 * cost for step, cost in costs.items()}
    at = premises_of(Promise.of(agent, switches=1), events, stakes=stakes, costs=dearer)
    assert names(at)[0] == "cost"
    free = premises_of(Promise.of(agent, switches=1), events, stakes=stakes, costs=dict.fromkeys(costs, 0.5))
    assert "free" in names(free), "acts that were right cost something"


def test_a_correction_that_taught_is_found_out(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "run.db") as ledger:
        session = Session.open(learner(), ledger, run="life", overseer=READS_LABELS, learn_from_corrections=True)
        session.volunteer(0, 1, actor="somebody", obs=2)
        at = premises_of(Promise.of(learner()), ledger.events("life"))
    assert names(at) == ["unasked"]


def test_a_breach_goes_on_the_ledger_as_an_alarm(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "run.db") as ledger:
        session = Session.open(learner(rate=0.05), ledger, run="life", overseer=READS_LABELS)
        for step in range(60):
            session.decide(step % CONTEXTS)
            if session.waiting is not None:
                session.consult(1)
        for breach in premises_of(Promise.of(learner(rate=0.2)), ledger.events("life")).breaches:
            ledger.alarm("life", breach.name, breach.detail)
        (alarm,) = ledger.events("life", kinds=("alarm",))
    assert alarm.body["name"] == "rate"
    assert alarm.body["detail"]["chance"] < 0.2


def test_a_dossier_that_was_cut_leaves_the_regret_open(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(40), size=(30, 1))  # 1200 numbers
    agent = online_learner(Tables.of(rows), stakes=Stakes(np.ones((1, 40)), per_decision=1.0), rate=0.9)
    with Ledger.open(tmp_path / "run.db") as ledger:
        session = Session.open(agent, ledger, run="life", overseer=READS_LABELS)
        while session.waiting is None:
            session.decide(0)
        session.consult(3)
        at = premises_of(Promise.of(agent), ledger.events("life"))
    assert (at.answers, at.compared, at.breaches) == (1, False, ())


def test_an_answer_that_nobody_thought_possible_is_a_breach_without_a_floor_too() -> None:
    """One wrong variant: infinity is no more than infinity, and from then on no bound can be passed."""
    promise = Promise(stake=1.0, rate=0.1, num_members=3)
    at = Premises(promise).answered(math.inf, [math.inf, math.inf, math.inf])
    assert [breach.name for breach in at.breaches] == ["surprise"]
    assert not at.holds
    assert not at.compared
    again = at.answered(0.1, [0.1, 0.2, 0.3])
    assert [breach.name for breach in again.breaches] == ["surprise"]


def test_every_breach_has_a_place_on_the_ledger(tmp_path: Path) -> None:
    promise = Promise(stake=1.0, rate=0.1, num_members=3, surprise=2.0)
    at = Premises(promise).acted(ask=math.nan, worst=math.inf, cost=math.inf).answered(math.inf)
    assert {breach.name for breach in at.breaches} >= {"rate", "stake", "total", "surprise"}
    with Ledger.open(tmp_path / "run.db") as ledger:
        open_session(ledger)
        for breach in at.breaches:
            ledger.alarm("run", breach.name, breach.detail)
        assert [event.body["name"] for event in ledger.events("run", kinds=("alarm",))] == [
            one.name for one in at.breaches
        ]
    assert at.breaches[1].detail == {"worst": None}


def test_an_order_is_held_against_its_own_cost_and_an_outcome_counts_once(tmp_path: Path) -> None:
    rows = np.asarray([[[0.99, 0.01]], [[0.99, 0.01]]])
    stakes = Stakes(np.asarray([[0.1, 1.0]]), per_decision=1.0)
    agent = online_learner(Tables.of(rows), stakes=stakes, rate=0.1)
    with Ledger.open(tmp_path / "run.db") as ledger:
        session = Session.open(agent, ledger, run="life", overseer=Scripted(lambda _: 0), null_action=0)
        ordered: dict[int, float] = {}
        for _ in range(60):
            decision = session.decide(0, order=1)
            if isinstance(decision, Asked):
                session.consult(0)
            else:
                ordered[decision.step] = 1.0
                for _ in range(3):
                    session.outcome(decision.step, 1)
        at = premises_of(Promise.of(agent), ledger.events("life"), stakes=stakes, costs=ordered)
    assert at.acts == len(ordered)
    assert at.wrong == 0
    assert "cost" not in {breach.name for breach in at.breaches}


def test_nobody_is_compared_with_a_member_that_the_prior_rules_out(tmp_path: Path) -> None:
    rows = np.asarray([[[0.5, 0.5]], [[0.6, 0.4]], [[0.01, 0.99]]])
    agent = online_learner(
        Tables.of(rows, prior=np.asarray([0.5, 0.5, 0.0])), stakes=Stakes(np.ones((1, 2)), per_decision=1.0), rate=0.5
    )
    with Ledger.open(tmp_path / "run.db") as ledger:
        session = Session.open(agent, ledger, run="life", overseer=Scripted(lambda _: 1), null_action=0)
        for _ in range(60):
            if isinstance(session.decide(0), Asked):
                session.consult(0)
        at = premises_of(Promise.of(agent), ledger.events("life"))
    assert at.answers > 10
    assert at.compared
    assert "regret" not in {breach.name for breach in at.breaches}
