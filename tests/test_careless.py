"""What careless or hostile callers give a session: each is refused with a sentence, and nothing is lost or half recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.core import Confidence, Veto
from assent.fold import AgentDiffers
from assent.hypotheses.tables import Tables
from assent.ledger import ChoiceOutOfRange, EventRefused, Ledger, LedgerDamaged, RunTakenOver
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.inbox import Inbox
from assent.overseers.scripted import Scripted
from assent.presets.twins import twins
from assent.rollout import live
from assent.session import Asked, Session
from tests.cli.support import tamper
from tests.session_support import ACTIONS, demonstrator, open_session, policies, tables_agent, unchecked, until_asked


@pytest.fixture(autouse=True)
def no_type_checks() -> Iterator[None]:
    """Callers have no checker that turns a wrong type away before the library sees it."""
    with unchecked():
        yield


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "a.db") as book:
        yield book


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"learn_from_corrections": "no"}, "give True or False"),
        ({"null_action": 0.9}, "null_action is 0.9; it must be a whole number"),
        ({"null_action": True}, "null_action is True"),
        ({"checkpoint_every": 1.5}, "checkpoint_every is 1.5"),
        ({"seed": 1.9}, "seed is 1.9"),
        ({"seed": None}, "seed is None"),
        ({"seed": "abc"}, "seed is 'abc'"),
        ({"seed": -1}, "seeds run from 0"),
        ({"seed": 10**26}, "seeds run from 0"),
        ({"config": {"session": 1}}, "rename it"),
        ({"labels": "abc"}, "give a list of texts"),
        ({"labels": [1, 2, 3]}, "give a list of texts"),
        ({"overseer": 5}, "cannot be asked"),
        ({"overseer": Inbox}, "cannot be asked"),
    ],
    ids=repr,
)
def test_settings_of_another_type_open_no_run(settings: dict[str, Any], sentence: str, ledger: Ledger) -> None:
    with pytest.raises((EventRefused, TypeError, ValueError), match=sentence):
        open_session(ledger, **settings)
    assert not ledger.runs()
    open_session(ledger, seed=np.int64(3), null_action=np.int64(1))  # numbers of NumPy are numbers


@pytest.mark.parametrize("wait_s", [0, -1, math.inf, math.nan, 1e11])
def test_a_wait_that_no_clock_can_hold(wait_s: float) -> None:
    with pytest.raises(ValueError, match="None waits for ever"):
        Inbox(wait_s=wait_s)


@pytest.mark.parametrize("said", [-0.5, 0.9, "1", True, math.nan, None, [1]], ids=repr)
def test_an_overseers_answer_that_is_no_whole_number_teaches_nothing(said: Any, ledger: Ledger) -> None:
    # wrong variant: int(answer), by which -0.5 becomes action 0
    session = open_session(ledger, overseer=Scripted(lambda obs: said))
    obs = until_asked(session)
    weights = session.belief.log_weight
    with pytest.raises(EventRefused, match="it must be a whole number"):
        session.consult(obs)
    assert session.waiting is not None
    assert session.belief.log_weight is weights
    assert not list(ledger.events("run", kinds=["answer"]))


def test_an_answer_beyond_the_actions_teaches_neither_session_nor_rollout(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Scripted(lambda obs: 99))
    with pytest.raises(ChoiceOutOfRange):
        session.consult(until_asked(session))
    scene = twins(0)
    agent = Imitator.of(scene.hypotheses)
    trace = live(agent, scene.world, Scripted(lambda obs: 99), seed=0, run="twins", num_steps=40)
    assert bool(np.asarray(trace.asked).any())
    assert np.asarray(trace.action).max() < scene.world.num_actions
    assert np.array_equal(trace.log_weight, agent.init().log_weight)


def test_numbers_of_numpy_are_choices(ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox())
    until_asked(session)
    assert session.waiting is not None
    assert session.answer(session.waiting.id, np.int64(1), actor="ann") == 1
    session.volunteer(np.int64(0), np.int64(1), actor="ann")  # type: ignore[arg-type]


@pytest.mark.parametrize("choice", [0.5, True, "1", None])
def test_choices_that_are_no_numbers(choice: Any, ledger: Ledger) -> None:
    session = open_session(ledger, overseer=Inbox(), learn_from_corrections=True)
    until_asked(session)
    before = [event.kind for event in ledger.events("run")]
    for call in (
        lambda: session.answer(session.waiting.id, choice, actor="ann"),  # type: ignore[union-attr]
        lambda: session.volunteer(0, choice, actor="ann", obs=0),
        lambda: ledger.volunteer("run", 0, choice, actor="ann"),
        lambda: session.outcome(0, choice),
        lambda: session.outcome(choice, 0),
    ):
        with pytest.raises(EventRefused, match="it must be a whole number"):
            call()
    assert [event.kind for event in ledger.events("run")] == before


def test_a_question_of_another_run_is_answered_there(ledger: Ledger) -> None:
    here, there = (open_session(ledger, run=name, overseer=Inbox()) for name in ("here", "there"))
    until_asked(here)
    until_asked(there)
    assert there.waiting is not None
    with pytest.raises(ValueError, match="belongs to run 'there'"):
        here.answer(there.waiting.id, 1, actor="ann")
    assert there.waiting.state == "open"


@pytest.mark.parametrize("rules", [(Confidence(0.99), Confidence(0.0)), (Veto(0.5), Veto(1e-9))], ids=repr)
def test_a_rule_with_another_setting_is_another_agent(rules: Any, ledger: Ledger) -> None:
    open_session(ledger, agent=tables_agent(rule=rules[0]))
    with pytest.raises(AgentDiffers, match="settings"):
        Session.resume(tables_agent(rule=rules[1]), ledger, run="run", overseer=demonstrator())


def test_a_forged_answer_is_found_before_anything_goes_on_from_it(tmp_path: Path) -> None:
    # wrong variant: to trust the file until somebody calls verify
    path = tmp_path / "a.db"
    with Ledger.open(path) as ledger:
        session = open_session(ledger, checkpoint_every=100)
        session.consult(until_asked(session))
        (answer,) = ledger.events("run", kinds=["answer"])
    other = (answer.body["choice"] + 1) % ACTIONS
    tamper(path, "UPDATE event SET body = json_set(body, '$.choice', ?) WHERE kind = 'answer'", other)
    with Ledger.open(path) as ledger:
        with pytest.raises(LedgerDamaged, match="is not what was written"):
            Session.resume(tables_agent(), ledger, run="run", overseer=demonstrator())
        assert ledger.fence("run") == 0


@pytest.mark.parametrize("shared", [True, False])
def test_two_sessions_never_decide_in_one_run(shared: bool, tmp_path: Path) -> None:
    # wrong variant: a fence that the ledger's object holds, which two sessions on one object share
    with Ledger.open(tmp_path / "a.db") as one, Ledger.open(tmp_path / "a.db") as two:
        first = open_session(one)
        if isinstance(first.decide(0), Asked):
            first.consult(0)
        second = Session.resume(tables_agent(), one if shared else two, run="run", overseer=demonstrator())
        for obs in range(20):
            with pytest.raises(RunTakenOver):
                first.decide(obs % 5)
            if isinstance(second.decide(obs % 5), Asked):
                second.consult(obs % 5)
        assert one.verify().ok
        steps = [event.body["step"] for event in one.events("run", kinds=["act", "ask"])]
        assert steps == list(range(21))
        assert first.verify().events == second.verify().events


def test_a_tuple_reaches_the_members_as_the_ledger_will_give_it_back(ledger: Ledger) -> None:
    seen: list[type] = []

    def watch(obs: Any) -> list[float]:
        seen.append(type(obs))
        return [0.2, 0.2, 0.6]

    from assent.hypotheses.wrap import wrap

    agent = Imitator.of(wrap([watch, lambda obs: [0.6, 0.2, 0.2]], num_actions=3))
    session = Session.open(agent, ledger, run="run", overseer=Scripted(lambda obs: 0))
    while not isinstance(session.decide((1, 2)), Asked):
        pass
    session.consult((1, 2))
    assert set(seen) == {list}


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["numpy", "torch", "jax"])
def test_an_honest_run_in_single_precision_verifies(dtype: str, ledger: Ledger) -> None:
    # wrong variant: to allow for float64's rounding whatever the rows are made of
    rows: Any = policies(0).astype(np.float32)
    if dtype == "torch":
        rows = __import__("torch").asarray(rows)
    elif dtype == "jax":
        rows = __import__("jax.numpy").numpy.asarray(rows)
    session = open_session(ledger, agent=Imitator.of(Tables.of(rows)), overseer=Demonstrator(policies(0)[0]))
    acted = 0
    for step in range(300):
        if isinstance(session.decide(step % 7), Asked):
            session.consult(step % 7)
        else:
            acted += 1
    assert acted > 100
    assert session.verify().failures == ()
