"""The shell: one agent, one overseer, one ledger. The only object of assent that changes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from operator import index
from typing import Any, TypeVar

import numpy as np

import assent
from assent.agents.imitator import Imitator
from assent.core import Answer, Belief, Overseer, effective_size, surprise, uniforms
from assent.dossier import Ready, dossier
from assent.environment import environment
from assent.fold import Folded, check_agent, checkpoint_body, fold, settle
from assent.ledger import Event, Halted, Ledger, LedgerError, Question, decode, digest_of_question, encode, question_id
from assent.ledger.verification import Verification
from assent.overseers.inbox import Inbox

_BLOCK = 1024
T = TypeVar("T")


class AssentWarning(UserWarning):
    """Something about a committee that its user should hear of at once; it is on the ledger as an alarm as well."""


class CommitteeCollapsed(AssentWarning):
    """One learned member leads alone: no committee any more. The session asks until more members lead."""


class ClassExhausted(AssentWarning):
    """Every member has been contradicted by the overseer: none is left that could be right. The session asks for ever."""


class MemberUnreadable(AssentWarning):
    """A member gave something that is no sub-distribution: NaN, infinity, a negative entry, a sum above 1."""


class NoOverseer(ValueError):
    """A session needs somebody who can be asked."""


class QuestionWaits(LedgerError):
    """The last question has not been answered, and has not expired, so nothing further may be decided."""


@dataclass(frozen=True)
class Acted:
    """The agent decides alone. The act is on the ledger; do it now.

    Attributes:
        step: number of the decision, from 0.
        action: what to do.
    """

    step: int
    action: int


@dataclass(frozen=True)
class Asked:
    """The overseer is asked. Do nothing until the question is answered or has expired.

    Attributes:
        step: number of the decision, from 0.
        question: as it is on the ledger.
    """

    step: int
    question: Question


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
        self._chance: list[float] = []
        self._chance_start = 0
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
        num_actions = agent.hypotheses.num_actions
        names = labels if labels is not None else [str(action) for action in range(num_actions)]
        if len(names) != num_actions or not -1 <= null_action < num_actions or checkpoint_every < 1:
            raise ValueError(
                f"{len(names)} labels, null_action = {null_action}, checkpoint_every = {checkpoint_every} for {num_actions} actions: "
                f"give one label for each action, a null action from -1 (nothing) to {num_actions - 1}, and 1 or more answers a checkpoint."
            )
        settings = {
            "null_action": null_action,
            "learn_from_corrections": learn_from_corrections,
            "checkpoint_every": checkpoint_every,
        }
        body = {
            "format": 1,
            "version": assent.__version__,
            "seed": seed,
            "agent": agent.describe(),
            "config": {**(config or {}), "session": settings},
            "environment": environment(),
            "view": {"labels": names, "picture": picture},
        }
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
        ledger.take_over(run)
        events = list(ledger.events(run))
        check_agent(agent, events[0])
        session = cls(agent, ledger, overseer, events[0], fold(agent, events))
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
        ready, uniform, step = self._ready(obs), self._uniform(self._at.step), self._at.step
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
        uniform = uniforms(self.seed, self.run, start=question["step"], count=1, stream="overseer")[0]
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
        self._write(self.ledger.flush)

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

    def _uniform(self, step: int) -> float:
        place = step - self._chance_start
        if not 0 <= place < len(self._chance):
            self._chance_start, place = step, 0
            self._chance = uniforms(self.seed, self.run, start=step, count=_BLOCK).tolist()
        return self._chance[place]

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
        step, shown, seen = (
            self._at.step,
            dossier(ready, self._at.belief.log_weight, self.agent.hypotheses.names),
            encode(obs),
        )
        body = {
            "question": question_id(self.run, step, 0),
            "step": step,
            "attempt": 0,
            "digest": digest_of_question(
                run=self.run, step=step, attempt=0, obs=seen, options=self._labels, dossier=shown
            ),
            "obs": seen,
            "u": uniform,
            "ask": ready.ask,
            "leaders": ready.leaders,
            "reason": ready.why(uniform, exhausted=self._exhausted()),
            "wait_s": self.overseer.wait_s if isinstance(self.overseer, Inbox) else None,
            "dossier": shown,
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
        rows = self.agent.consider(before, obs).log_policy
        nats = float(surprise(rows, before.log_weight, choice))
        after = self.agent.learn(before, obs, Answer(choice))
        self._kept.clear()
        leaders = int(np.asarray(self.agent.leading(after.log_weight, after.log_prior)).sum())
        body = {
            "surprise": nats if np.isfinite(nats) else None,
            "leaders": leaders,
            "effective": float(effective_size(after.log_weight)),
        }
        due = (self._at.applied + 1) % int(self._settings["checkpoint_every"]) == 0
        self._write(lambda: self.ledger.apply(self.run, seq, body, checkpoint_body(after) if due else None))
        self._at.belief, self._at.applied = after, self._at.applied + 1

    def _exhausted(self) -> bool:
        return not bool(np.isfinite(np.asarray(self._at.belief.log_weight)).any())

    def _watch(self, ready: Ready) -> None:
        readable = np.asarray(ready.proposal.readable)
        if self._exhausted():
            self._alarm(
                ClassExhausted,
                {},
                "every member has been contradicted by the overseer; from here on every decision is asked",
            )
        elif ready.leaders == 1 and self.agent.hypotheses.grade == "heuristic":
            member = int(np.flatnonzero(np.asarray(ready.proposal.leader))[0])
            name = self.agent.hypotheses.names[member]
            self._alarm(
                CommitteeCollapsed,
                {"member": name},
                f"only {name} still leads; lower the temper, or give the members more data",
            )
        if not readable.all():
            names = [self.agent.hypotheses.names[int(member)] for member in np.flatnonzero(~readable)]
            self._alarm(
                MemberUnreadable,
                {"members": names},
                f"no sub-distribution from {', '.join(names)}; they abstain, and rounds in which they lead are asked",
            )

    def _alarm(self, kind: type[AssentWarning], detail: dict[str, Any], sentence: str) -> None:
        if kind.__name__ in self._at.alarms:
            return
        self._write(lambda: self.ledger.alarm(self.run, kind.__name__, {"step": self._at.step, **detail}))
        self._at.alarms.add(kind.__name__)
        warnings.warn(f"run {self.run!r}, decision {self._at.step}: {sentence}.", kind, stacklevel=5)
