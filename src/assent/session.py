"""The shell: one agent, one overseer, one ledger. The only object of assent that changes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from operator import index
from typing import Any, TypeVar

import numpy as np

from assent.agents.imitator import Imitator
from assent.alarms import alarms_of, exhausted
from assent.core import Answer, Belief, Overseer
from assent.core.chances import Chances
from assent.decisions import Acted, Asked, NoOverseer, QuestionWaits
from assent.dossier import Ready, ask_body, dossier
from assent.fold import Folded, apply_body, check_agent, checkpoint_body, fold, settle
from assent.ledger import Event, Halted, Ledger, Question, decode, encode
from assent.ledger.verification import Verification
from assent.opening import opening
from assent.overseers.inbox import Inbox

T = TypeVar("T")


class Session:
    """Drives an agent one decision at a time, with everything on the ledger before it takes effect.

    `decide` either acts or asks. A question ends by `answer` (from whoever knows), by `consult` (a simulated overseer), by `collect` (an
    answer that another process wrote to the ledger) or by `expire` (nobody answered: do the null action). Only then is the next
    decision made. Made by `Session.open` or `Session.resume`.
    """

    def __init__(
        self, agent: Imitator, ledger: Ledger, overseer: Overseer | Inbox | None, opened: Event, at: Folded
    ) -> None:
        if overseer is None:
            raise NoOverseer(
                "the session has no overseer: give a simulated one, or Inbox() when people answer through the ledger. An agent that "
                "nobody can be asked about has nothing to be conservative with."
            )
        self.agent, self.ledger, self.overseer = agent, ledger, overseer
        self.run, self.seed = opened.run, int(opened.body["seed"])
        self._settings: dict[str, Any] = opened.body["config"]["session"]
        self._labels = opened.body["view"]["labels"]
        self._at = at
        self._kept: dict[int, Ready] = {}
        self._chances, self._draws = (Chances(self.seed, self.run, stream=name) for name in ("decide", "overseer"))
        self._ahead = False

    @classmethod
    def open(
        cls,
        agent: Imitator,
        ledger: Ledger,
        *,
        run: str,
        overseer: Overseer | Inbox | None,
        seed: int = 0,
        null_action: int = -1,
        labels: list[str] | None = None,
        picture: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        learn_from_corrections: bool = False,
        checkpoint_every: int = 10,
    ) -> Session:
        """A new run.

        Args:
            overseer: who is asked; `Inbox()` when people answer through the ledger.
            null_action: what is done when nobody answers; -1 for nothing at all.
            labels: what the actions are called, for people.
            picture: how the report draws an observation, `{"kind": "grey", "shape": [8, 8], "max": 16.0}` say.
            config: the caller's settings, kept on the ledger.
            learn_from_corrections: whether volunteered corrections move the weights. They are chosen by who saw the action, so
                with them the leading set's guarantee does not hold; off unless switched on.
            checkpoint_every: answers between checkpoints of the belief.

        Raises:
            NoOverseer: `overseer` is None.
            ValueError: as many labels as actions not given, a null action that is none, or `checkpoint_every` below 1.
            LedgerError: the run exists, or the ledger refuses.
        """
        settings = {
            "null_action": null_action,
            "learn_from_corrections": learn_from_corrections,
            "checkpoint_every": checkpoint_every,
        }
        view = {"labels": labels, "picture": picture}
        body = opening(agent, seed=seed, settings=settings, view=view, config=config or {})
        if overseer is not None:
            ledger.open_run(run, body)
        opened = Event(run=run, seq=1, at_us=0, kind="open", actor="session", body=body, prev=b"", hash=b"")
        return cls(agent, ledger, overseer, opened, Folded(belief=agent.init()))

    @classmethod
    def resume(cls, agent: Imitator, ledger: Ledger, *, run: str, overseer: Overseer | Inbox | None) -> Session:
        """The run as it stands on the ledger, its belief rebuilt from the answers bit for bit; an answer not learned from yet is.

        Raises:
            AgentDiffers: the run was opened by an agent with another rule, leading set, guards, temper or members.
            BeliefDiffers: the rebuilt belief is not the recorded one.
            LedgerError: no such run, or a damaged ledger.
        """
        events = list(ledger.events(run))
        if not events:
            ledger.head(run)  # raises UnknownRun
        check_agent(agent, events[0])
        session = cls(agent, ledger, overseer, events[0], fold(agent, events))
        ledger.take_over(run)  # not before: who cannot go on must not stop who does
        if ledger.head(run).seq != events[-1].seq:
            session._at = fold(agent, ledger.events(run))
        session._catch_up()
        return session

    @property
    def belief(self) -> Belief:
        """What the agent believes now."""
        return self._at.belief

    @property
    def step(self) -> int:
        """The number of the next decision, or of the one whose question waits."""
        return self._at.step

    @property
    def alarms(self) -> frozenset[str]:
        """Names of the alarms raised so far."""
        return frozenset(self._at.alarms)

    @property
    def waiting(self) -> Question | None:
        """The question that waits for an answer, or None."""
        return None if self._at.asked is None else self.ledger.question(self._at.asked["question"])

    def decide(self, obs: Any) -> Acted | Asked:
        """The next decision, on the ledger before it is returned.

        Raises:
            QuestionWaits: the last question has neither been answered nor expired.
            Halted: the overseer has halted the run; do the null action.
        """
        if self._at.asked is not None:
            raise QuestionWaits(
                f"question {self._at.asked['question']} still waits: answer it, collect its answer, or let it expire first."
            )
        ready, uniform, step = self._ready(obs), self._chances[self._at.step], self._at.step
        action = ready.decide(uniform)
        if action < 0:
            return Asked(step, self._ask(ready, obs, uniform))
        body = ready.act_body(step, uniform, action)
        if self.agent.remembers or isinstance(obs, int):
            body["obs"] = encode(obs)
        self._write(lambda: self.ledger.append(self.run, "act", body))
        self._ahead = True
        self._at.step = step + 1
        self._at.belief = self.agent.remember(self._at.belief, obs, action)
        return Acted(step, action)

    def answer(
        self, question: str, choice: int, *, actor: str, digest: str | None = None, idem: str | None = None
    ) -> int:
        """Takes the overseer's answer to `question`, durable before it teaches; returns the action to do.

        A repeat of the effective answer returns the first result. `digest` is that of the question as it was read; without it
        the question as it stands on the ledger is meant.

        Raises:
            AnswerConflict, AnswerLate, QuestionChanged, ChoiceOutOfRange, UnknownQuestion: refused, and kept on the ledger.
        """
        seen = digest if digest is not None else self.ledger.question(question).digest
        answered = self.ledger.answer(question, choice, actor=actor, digest=seen, idem=idem)
        if self._at.asked is not None and self._at.asked["question"] == question:
            self._take_in(answered.seq, answered.choice)
        return answered.choice

    def consult(self, revealed: Any) -> int:
        """Puts the waiting question to the simulated overseer, who sees `revealed`; returns the action to do.

        Silence expires the question and returns the null action.

        Raises:
            NoOverseer: people answer through the ledger; use `collect`.
        """
        if isinstance(self.overseer, Inbox):
            raise NoOverseer("this session's overseer answers through the ledger: use answer or collect.")
        question = self._must_wait()
        uniform = np.float64(self._draws[question["step"]])
        choice = int(self.overseer.answer(uniform, revealed))
        if choice < 0:
            return self.expire()
        return self.answer(
            question["question"], choice, actor=type(self.overseer).__name__.lower(), digest=question["digest"]
        )

    def collect(self) -> int | None:
        """The action to do for the waiting question if the ledger holds its answer or its expiry by now, else None."""
        question = self._must_wait()
        self.ledger.expire_due()
        found = self.ledger.question(question["question"])
        if found.answer is not None:
            self._take_in(found.answer.seq, found.answer.choice)
            return found.answer.choice
        return self.expire() if found.state in ("expired", "withdrawn") else None

    def expire(self) -> int:
        """Ends the waiting question unanswered; returns the null action. Silence teaches nothing.

        Raises:
            QuestionSettled: an answer was quicker; `collect` it.
        """
        question, null_action = self._must_wait(), int(self._settings["null_action"])
        if self.ledger.question(question["question"]).state != "withdrawn":
            self.ledger.expire(question["question"], null_action)
        self._at.belief = self.agent.remember(self._at.belief, decode(question["obs"]), null_action)
        settle(self._at)
        return null_action

    def volunteer(self, step: int, choice: int, *, actor: str, obs: Any = None, note: str = "") -> None:
        """Records a correction that nobody asked for; it teaches only if the run was opened with `learn_from_corrections`."""
        if not 0 <= choice < self.agent.hypotheses.num_actions:
            raise ValueError(
                f"the correction {choice} is not an action: actions run from 0 to {self.agent.hypotheses.num_actions - 1}."
            )
        if self._settings["learn_from_corrections"] and obs is None:
            raise ValueError("a correction teaches about an observation: give obs, as the agent saw it.")
        if self._settings["learn_from_corrections"]:
            self.agent.consider(self._at.belief, obs)  # what members cannot read is refused before it is on the ledger
        event = self.ledger.volunteer(self.run, step, choice, actor=actor, obs=encode(obs), note=note)
        if self._settings["learn_from_corrections"]:
            self._learn(event.seq, obs, choice)

    def outcome(self, step: int, truth: int, *, actor: str = "world") -> None:
        """Records what the overseer would have done at `step`, known afterwards. It never teaches."""
        self._write(lambda: self.ledger.outcome(self.run, step, truth, actor=actor))

    def flush(self) -> None:
        """Writes the decisions that wait in the ledger's buffer. Where the ledger groups them, do this here and not on the ledger: if a
        halt has dropped them, the session goes back to what the ledger holds.

        Raises:
            Halted: decisions were dropped; none of them may take effect.
        """
        self._write(lambda: self.ledger.flush(self.run))

    def halt(self, reason: str, *, actor: str) -> None:
        """Stops the run: no decision commits until `unhalt`."""
        self.ledger.halt(self.run, reason, actor=actor)

    def unhalt(self, reason: str, *, actor: str) -> None:
        """Lets a halted run go on."""
        self.ledger.resume(self.run, reason, actor=actor)

    def verify(self) -> Verification:
        """Checks chain and invariants of this run, and that its answers lead to the recorded beliefs."""
        self.flush()
        return self.ledger.verify(
            self.run, refold=lambda run: fold(self.agent, self.ledger.events(run), strict=False).digests
        )

    def close(self, reason: str = "done") -> None:
        """Ends the run for good."""
        self.ledger.close_run(self.run, reason)

    def _must_wait(self) -> dict[str, Any]:
        if self._at.asked is None:
            raise QuestionWaits("no question waits: decide first.")
        return self._at.asked

    def _ready(self, obs: Any) -> Ready:
        context = None if self.agent.num_contexts is None else index(obs)
        if context in self._kept:
            return self._kept[context]
        ready = Ready.of(self.agent.consider(self._at.belief, obs))
        self._watch(ready)
        if context is not None:
            self._kept[context] = ready
        return ready

    def _write(self, write: Callable[[], T]) -> T:
        """What `write` returns. A halt drops the decisions that waited in the ledger's buffer; then the session goes back to what the
        ledger holds."""
        try:
            return write()
        except Halted:
            if self._ahead:
                self._at, self._ahead = fold(self.agent, self.ledger.events(self.run)), False
                self._kept.clear()
                self._catch_up()
            raise

    def _catch_up(self) -> None:
        """Learns from what was said and not learned from before the process ended."""
        if self._settings["learn_from_corrections"]:
            for seq, (obs, choice) in sorted(self._at.corrections.items()):
                if obs is not None:
                    self._learn(seq, obs, choice)
            self._at.corrections.clear()
        if self._at.unapplied is not None:
            self._take_in(*self._at.unapplied)

    def _ask(self, ready: Ready, obs: Any, uniform: float) -> Question:
        at = self._at
        body = {
            **ask_body(
                ready,
                self.run,
                at.step,
                obs,
                self._labels,
                dossier(ready, at.belief.log_weight, self.agent.hypotheses.names),
            ),
            "u": uniform,
            "reason": ready.why(uniform, exhausted=exhausted(at.belief)),
            "wait_s": self.overseer.wait_s if isinstance(self.overseer, Inbox) else None,
            "null_action": int(self._settings["null_action"]),
        }
        question = self._write(lambda: self.ledger.ask(self.run, body))
        self._at.asked = body
        return question

    def _take_in(self, seq: int, choice: int) -> None:
        question = self._must_wait()
        obs = decode(question["obs"])
        self._learn(seq, obs, choice)
        self._at.belief = self.agent.remember(self._at.belief, obs, choice)
        settle(self._at)

    def _learn(self, seq: int, obs: Any, choice: int) -> None:
        before = self._at.belief
        after = self.agent.learn(before, obs, Answer(choice))
        body = apply_body(self.agent, before, after, obs, choice)
        self._kept.clear()
        due = (self._at.applied + 1) % int(self._settings["checkpoint_every"]) == 0
        self._write(lambda: self.ledger.apply(self.run, seq, body, checkpoint_body(after) if due else None))
        self._at.belief, self._at.applied = after, self._at.applied + 1

    def _watch(self, ready: Ready) -> None:
        for alarm in alarms_of(self.agent, self._at.belief, ready):
            name = alarm.kind.__name__
            if name not in self._at.alarms:
                detail = {"step": self._at.step, **alarm.detail}
                self._write(lambda name=name, detail=detail: self.ledger.alarm(self.run, name, detail))
                self._at.alarms.add(name)
                warnings.warn(
                    f"run {self.run!r}, decision {self._at.step}: {alarm.sentence}.", alarm.kind, stacklevel=4
                )
