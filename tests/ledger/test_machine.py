"""Any sequence of what people, agents, crashes and restored backups do, against plain dictionaries."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from assent.ledger import (
    AnswerConflict,
    AnswerLate,
    AnswerRefused,
    Halted,
    LeaseHeld,
    Ledger,
    QuestionChanged,
    QuestionSettled,
    QuestionWithdrawn,
)
from tests.ledger.support import APPLY, OPEN, STATE, Clock, act, ask

people = st.sampled_from(["ann", "bea"])
choices = st.integers(0, 2)
GROUP = 3


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clock()
        self.name = 0
        self.ledger = self._open()
        self.ledger.open_run("demo", OPEN)
        self.step = 0
        self.buffered = 0  # acts that are not durable yet
        self.durable = 0  # acts that are
        self.halted = False
        self.questions: dict[str, dict[str, Any]] = {}
        self.refused: list[tuple[str, str]] = []
        self.corrections = 0

    def _open(self) -> Ledger:
        return Ledger.open(self.folder / f"{self.name}.db", group=GROUP, clock=self.clock)

    def _flushed(self) -> None:
        """What a call that commits does to the model."""
        if not self.halted:
            self.durable += self.buffered
        self.buffered = 0

    def _places(self, *states: str) -> list[str]:
        return [name for name, question in self.questions.items() if question["state"] in states]

    @rule(number=st.integers(0, 10**6), wait_s=st.none() | st.integers(1, 30))
    def ask(self, number: int, wait_s: int | None) -> None:
        self.step += 1
        body = ask("demo", self.step, wait_s=wait_s, null_action=number % 3)
        if self.halted:
            with pytest.raises(Halted):
                self.ledger.ask("demo", body)
            self.buffered = 0
            return
        question = self.ledger.ask("demo", body)
        self._flushed()
        deadline = None if wait_s is None else self.clock.now_us + wait_s * 1_000_000
        self.questions[question.id] = {
            "state": "open",
            "deadline": deadline,
            "digest": question.digest,
            "answer": None,
            "lease": None,
            "fence": 0,
            "applied": False,
        }

    @rule()
    def act(self) -> None:
        self.step += 1
        if self.buffered + 1 < GROUP:
            self.ledger.append("demo", "act", act(self.step))
            self.buffered += 1
        elif self.halted:
            with pytest.raises(Halted):
                self.ledger.append("demo", "act", act(self.step))
            self.buffered = 0
        else:
            self.ledger.append("demo", "act", act(self.step))
            self.buffered += 1
            self._flushed()

    @rule(seconds=st.sampled_from([1, 5, 40]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    def _over(self, question: dict[str, Any]) -> bool:
        return question["deadline"] is not None and question["deadline"] <= self.clock.now_us

    def _holder(self, question: dict[str, Any]) -> str | None:
        lease = question["lease"]
        return lease[0] if lease is not None and lease[1] > self.clock.now_us else None

    @precondition(lambda self: self.questions)
    @rule(data=st.data(), actor=people, lease_s=st.sampled_from([2, 10]))
    def claim(self, data: st.DataObject, actor: str, lease_s: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.questions)))
        question = self.questions[name]
        expected: type[Exception] | None = None
        if question["state"] != "open":
            expected = QuestionSettled
        elif self._over(question):
            expected, question["state"] = AnswerLate, "expired"
        elif self._holder(question) not in (None, actor):
            expected = LeaseHeld
        if expected is not None:
            with pytest.raises(expected):
                self._durable(lambda: self.ledger.claim(name, actor=actor, lease_s=lease_s))
            return
        claim = self._durable(lambda: self.ledger.claim(name, actor=actor, lease_s=lease_s))
        assert claim.fence > question["fence"]
        question["fence"] = claim.fence
        question["lease"] = (actor, self.clock.now_us + lease_s * 1_000_000)

    def _durable(self, call: Any) -> Any:
        """A call that takes the buffer along; a drop through a halt is told by the next flush."""
        dropped = self.halted and self.buffered
        try:
            return call()
        finally:
            self._flushed()
            if dropped:
                with pytest.raises(Halted):
                    self.ledger.flush("demo")

    @precondition(lambda self: self.questions)
    @rule(data=st.data(), actor=people, choice=choices, changed=st.booleans(), key=st.none() | st.just("key"))
    def answer(self, data: st.DataObject, actor: str, choice: int, changed: bool, key: str | None) -> None:
        name = data.draw(st.sampled_from(sorted(self.questions)))
        question = self.questions[name]
        digest = "0" * 64 if changed else question["digest"]
        idem = None if key is None else f"{key} {name}"

        def call() -> Any:
            return self.ledger.answer(name, choice, actor=actor, digest=digest, idem=idem)

        before = question["answer"]
        if before is not None and (before[:2] == (actor, choice) or (idem is not None and before[2] == idem)):
            again = self._durable(call)
            assert (again.actor, again.choice, again.first) == (before[0], before[1], False)
            return
        expected = self._refusal(question, actor, changed)
        if expected is None:
            answered = self._durable(call)
            assert (answered.actor, answered.choice, answered.first) == (actor, choice, True)
            question.update(state="answered", answer=(actor, choice, idem, answered.seq))
            return
        with pytest.raises(expected):
            self._durable(call)
        if expected is AnswerLate:
            question["state"] = "expired"
        self.refused.append((name, expected.why))

    def _refusal(self, question: dict[str, Any], actor: str, changed: bool) -> type[AnswerRefused] | None:
        if question["answer"] is not None:
            return AnswerConflict
        if question["state"] == "withdrawn":
            return QuestionWithdrawn
        if question["state"] == "expired" or self._over(question):
            return AnswerLate
        if changed:
            return QuestionChanged
        return LeaseHeld if self._holder(question) not in (None, actor) else None

    @precondition(lambda self: self._places("answered"))
    @rule(data=st.data(), checkpoint=st.booleans())
    def apply(self, data: st.DataObject, checkpoint: bool) -> None:
        if self.buffered:
            self.flush()
        name = data.draw(st.sampled_from(sorted(self._places("answered"))))
        question = self.questions[name]
        if not question["applied"]:
            self.ledger.apply("demo", question["answer"][3], APPLY, STATE if checkpoint else None)
            self.ledger.flush()
            question["applied"] = True

    @precondition(lambda self: self._places("open"))
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self._places("open"))))
        self._durable(lambda: self.ledger.withdraw(name, "no longer", actor="session"))
        self.questions[name]["state"] = "withdrawn"

    @rule()
    def expire_due(self) -> None:
        due = {name for name in self._places("open") if self._over(self.questions[name])}
        assert set(self._durable(lambda: self.ledger.expire_due())) == due
        for name in due:
            self.questions[name]["state"] = "expired"

    @rule(actor=people)
    def volunteer(self, actor: str) -> None:
        self._durable(lambda: self.ledger.volunteer("demo", self.step, 1, actor=actor))
        self.corrections += 1

    @rule(actor=people)
    def halt(self, actor: str) -> None:
        self._durable(lambda: self.ledger.halt("demo", "smoke", actor=actor))
        self.halted = True

    @precondition(lambda self: self.halted)
    @rule(actor=people)
    def resume(self, actor: str) -> None:
        self._durable(lambda: self.ledger.resume("demo", "a toaster", actor=actor))
        self.halted = False

    @rule()
    def flush(self) -> None:
        if self.halted and self.buffered:
            with pytest.raises(Halted):
                self.ledger.flush("demo")
        else:
            self.ledger.flush("demo")
        self._flushed()

    @rule()
    def crash(self) -> None:
        """The process ends without a word: the buffer is gone, all else is there."""
        self.ledger._connection.close()
        self.buffered = 0
        self.ledger = self._open()
        self.ledger.take_over("demo")

    @rule()
    def restore_a_backup(self) -> None:
        self.flush()
        self.name += 1
        self.ledger.backup(self.folder / f"{self.name}.db")
        self.ledger.close()
        self.ledger = self._open()
        self.ledger.take_over("demo")

    @invariant()
    def the_model_agrees(self) -> None:
        if not hasattr(self, "ledger"):
            return
        for question in self.ledger.questions("demo"):
            model = self.questions[question.id]
            claimed = model["state"] == "open" and self._holder(model) is not None
            assert question.state == ("claimed" if claimed else model["state"])
            assert (question.answer and question.answer.choice) == (model["answer"] and model["answer"][1])
        assert len(self.ledger.questions("demo")) == len(self.questions)
        assert (self.ledger.halted("demo") is not None) == self.halted
        refused = [(e.body["question"], e.body["why"]) for e in self.ledger.events("demo", kinds=["refuse"])]
        assert refused == self.refused
        kinds = [event.kind for event in self.ledger.events("demo")]
        assert kinds.count("act") == self.durable
        assert kinds.count("volunteer") == self.corrections
        waiting = len(self.ledger.unapplied("demo")) - self.corrections
        assert waiting == sum(not self.questions[name]["applied"] for name in self._places("answered"))

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            try:
                report = self.ledger.verify()
                assert report.ok, report
                self.ledger._connection.close()
            finally:
                shutil.rmtree(self.folder)


LedgerMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLedgerMachine = LedgerMachine.TestCase
