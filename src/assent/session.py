"""The shell: one agent, one overseer, one ledger."""

from __future__ import annotations

from typing import Any, SupportsIndex

import numpy as np

from assent.agents.considering import Considering
from assent.asking import asked_of, question_body
from assent.core import Answer, Belief, Overseer
from assent.core.chances import Chances
from assent.core.residual import must_keep_below
from assent.decisions import Acted as Acted
from assent.decisions import Asked as Asked
from assent.decisions import NoOverseer as NoOverseer
from assent.decisions import QuestionWaits as QuestionWaits
from assent.fold import Folded, check_agent, fold
from assent.ledger import Event, Ledger, LedgerDamaged, Question, decode, encode
from assent.ledger.events import whole
from assent.ledger.verification import Verification
from assent.opening import opening
from assent.overseers.inbox import Inbox
from assent.standing import Standing
from assent.stating import stated


class Session:
    """Drives an agent one decision at a time, with everything on the ledger before it takes effect.

    Made by `open` or `resume`. `decide` either acts or asks. A question ends by `answer` (from whoever knows), by `consult` (a simulated
    overseer), by `collect` (another process wrote the answer to the ledger) or by `expire` (do the null action); then comes the next.
    """

    def __init__(
        self, agent: Considering, ledger: Ledger, overseer: Overseer | Inbox | None, opened: Event, at: Folded
    ) -> None:
        settings: dict[str, Any] = opened.body["config"]["session"]
        self._residual = bool(settings.get("residual", False))
        self.agent, self.ledger, self.overseer = agent, ledger, asked_of(overseer, states=self._residual)
        self.run, self.seed = opened.run, int(opened.body["seed"])
        self._null_action = int(settings["null_action"])
        self._asking: dict[str, Any] = {
            "labels": opened.body["view"]["labels"],
            "null_action": self._null_action,
            "wait_s": self.overseer.wait_s if isinstance(self.overseer, Inbox) else None,
            "every_action": self._residual,
        }
        self._standing = Standing(agent, ledger, opened.run, settings, at)
        self._chances, self._draws, self._lessons = (
            Chances(self.seed, self.run, stream=name) for name in ("decide", "overseer", "lesson")
        )

    @classmethod
    def open(
        cls,
        agent: Considering,
        ledger: Ledger,
        *,
        run: str,
        overseer: Overseer | Inbox | None,
        seed: SupportsIndex = 0,
        null_action: SupportsIndex = -1,
        labels: list[str] | None = None,
        picture: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        learn_from_corrections: bool = False,
        residual: bool = False,
        checkpoint_every: SupportsIndex = 10,
    ) -> Session:
        """A new run.

        Args:
            overseer: who is asked; `Inbox()` when people answer through the ledger.
            null_action: what is done when nobody answers; -1 for nothing at all.
            labels: what the actions are called, for people.
            picture: how the report draws an observation, `{"kind": "grey", "shape": [8, 8], "max": 16.0}` say.
            config: the caller's settings.
            learn_from_corrections: whether volunteered corrections move the weights. They are chosen by who saw the action, so
                with them the leading set's guarantee does not hold; off unless switched on.
            residual: whether an overseer who states probabilities is asked for them, so that what is done follows exactly her law
                (`assent.core.residual`); what teaches is then a draw of its own from what she states.
            checkpoint_every: answers between checkpoints of the belief.

        Raises:
            NoOverseer: `overseer` is None, or is to state probabilities and cannot.
            EventRefused, TypeError, ValueError: as many labels as actions not given, a null action that is none,
                `checkpoint_every` below 1, a seed outside of [0, 2^53), a setting of another type, or `residual` with another rule than
                `Minimum`.
            LedgerError: the run exists, or the ledger refuses.
        """
        settings = {
            "null_action": null_action,
            "learn_from_corrections": learn_from_corrections,
            "checkpoint_every": checkpoint_every,
            **({"residual": True} if residual else {}),
        }
        view = {"labels": labels, "picture": picture}
        body = opening(agent, seed=seed, settings=settings, view=view, config=config or {})
        asked_of(overseer, states=residual)
        if residual:
            must_keep_below(agent)
        ledger.open_run(run, body)
        opened = Event(run=run, seq=1, at_us=0, kind="open", actor="session", body=body, prev=b"", hash=b"")
        return cls(agent, ledger, overseer, opened, Folded(belief=agent.init(), exact=residual))

    @classmethod
    def resume(cls, agent: Considering, ledger: Ledger, *, run: str, overseer: Overseer | Inbox | None) -> Session:
        """The run as it stands on the ledger, its belief rebuilt from the answers bit for bit; an answer not learned from yet is.

        Raises:
            AgentDiffers: the run was opened by an agent with another rule, leading set, guards, temper or members.
            BeliefDiffers: the rebuilt belief is not the recorded one.
            LedgerError: no such run, or a damaged ledger.
        """
        found = ledger.verify(run)
        if not found.ok:
            raise LedgerDamaged(
                f"run {run!r} is not what was written, so nothing goes on from it: {found.failures[0]} `assent log verify` names "
                "everything; restore a backup."
            )
        events = list(ledger.events(run))
        check_agent(agent, events[0])
        session = cls(agent, ledger, overseer, events[0], fold(agent, events))
        session._standing.take_over()  # not before: who cannot go on must not stop who does
        if ledger.head(run).seq != events[-1].seq:
            session._standing.at = fold(agent, ledger.events(run))
        session._standing.catch_up()
        return session

    @property
    def belief(self) -> Belief:
        """What the agent believes now."""
        return self._standing.belief

    @property
    def step(self) -> int:
        """The number of the next decision, or of the one whose question waits."""
        return self._standing.at.step

    @property
    def alarms(self) -> frozenset[str]:
        """Names of the alarms raised so far."""
        return frozenset(self._standing.at.alarms)

    @property
    def learns_from_corrections(self) -> bool:
        """Whether corrections teach in this run."""
        return self._standing.learns_from_corrections

    @property
    def waiting(self) -> Question | None:
        """The question that waits for an answer, or None."""
        asked = self._standing.at.asked
        return None if asked is None else self.ledger.question(asked["question"])

    def decide(self, obs: Any, *, order: SupportsIndex | None = None) -> Acted | Asked:
        """The next decision, on the ledger before it is returned.

        Args:
            order: the action that will be done whatever is decided, as an overseer with that authority has said; the ledger has both.

        Raises:
            ValueError: the order is no action.
            QuestionWaits: the last question has neither been answered nor expired.
            Halted: the overseer has halted the run; do the null action.
        """
        self._standing.must_not_wait()
        ordered = {} if order is None else {"order": self._action("order", order)}
        if isinstance(obs, tuple | list | dict):
            obs = decode(encode(obs))  # as it will be read from the ledger
        ready, step = self._standing.ready(obs), self.step
        uniform = self._chances[step]
        action = ready.decide(uniform)
        if action < 0:
            body = question_body(
                self.agent, self.belief, ready, run=self.run, step=step, obs=obs, uniform=uniform, **self._asking
            )
            return Asked(step, self._standing.ask({**body, **ordered}))
        body = {**ready.act_body(step, uniform, action), **ordered}
        if self.agent.remembers or self.agent.counts or isinstance(obs, int):
            body["obs"] = encode(obs)
        self._standing.act(body, obs)
        return Acted(step, action)

    def answer(
        self, question: str, choice: SupportsIndex, *, actor: str, digest: str | None = None, idem: str | None = None
    ) -> int:
        """Takes the overseer's answer to `question`, durable before it teaches; returns the action to do.

        A repeat of the effective answer returns the first result. `digest` is that of the question as it was read; without it
        the question as it stands on the ledger is meant.

        Raises:
            AnswerConflict, AnswerLate, QuestionChanged, ChoiceOutOfRange, UnknownQuestion: refused, and kept on the ledger.
            EventRefused: `choice` is no whole number.
            ValueError: the question belongs to another run, or to one whose overseer states probabilities.
        """
        found = self.ledger.question(question)
        if found.run != self.run:
            raise ValueError(f"question {question} belongs to run {found.run!r}, not to {self.run!r}: answer it there.")
        if self._residual:
            raise ValueError(
                "this run follows the probabilities that its overseer states, and a plain choice is none: use consult, or open a run "
                "without residual."
            )
        seen = found.digest if digest is None else digest
        answered = self.ledger.answer(question, whole("choice", choice), actor=actor, digest=seen, idem=idem)
        asked = self._standing.at.asked
        if asked is not None and asked["question"] == question:
            self._standing.take_in(answered.seq, {"choice": answered.choice})
        return answered.choice

    def consult(self, revealed: Any) -> int:
        """Puts the waiting question to the simulated overseer, who sees `revealed`; returns the action to do.

        Silence, a number below 0, expires the question and returns the null action.

        Raises:
            NoOverseer: people answer through the ledger; use `collect`.
            EventRefused: the overseer gave no whole number. The question still waits.
            ChoiceOutOfRange: the overseer gave a number that is no action. The question still waits.
        """
        if isinstance(self.overseer, Inbox):
            raise NoOverseer("this session's overseer answers through the ledger: use answer or collect.")
        question = self._standing.must_wait()
        if self._residual:
            return self._consult_about_probabilities(question, revealed)
        uniform = np.float64(self._draws[question["step"]])
        given = np.asarray(self.overseer.answer(uniform, revealed))
        choice = whole("the overseer's answer", given[()] if given.dtype.kind in "iu" else given.tolist())
        if choice < 0:
            return self.expire()
        return self.answer(
            question["question"], choice, actor=type(self.overseer).__name__.lower(), digest=question["digest"]
        )

    def _consult_about_probabilities(self, question: dict[str, Any], revealed: Any) -> int:
        told = stated(self.overseer, revealed, question, self._draws[question["step"]], self._lessons[question["step"]])
        actor = type(self.overseer).__name__.lower()
        lesson = {"lesson": told.lesson, "stated": told.stated}
        given = self.ledger.answer(
            question["question"], told.choice, actor=actor, digest=question["digest"], lesson=lesson
        )
        self._standing.take_in(given.seq, {"choice": given.choice, **lesson})
        return given.choice

    def collect(self) -> int | None:
        """The action to do for the waiting question if the ledger holds its answer or its expiry by now, else None."""
        question = self._standing.must_wait()
        self.ledger.expire_due()
        found = self.ledger.question(question["question"])
        if found.answer is not None:
            seq = found.answer.seq
            said = next(event for event in self.ledger.events(self.run, seq - 1, kinds=("answer",)) if event.seq == seq)
            self._standing.take_in(seq, said.body)
            return found.answer.choice
        return self.expire() if found.state in ("expired", "withdrawn") else None

    def expire(self) -> int:
        """Ends the waiting question unanswered; returns the null action. Silence teaches nothing.

        Raises:
            QuestionSettled: an answer was quicker; `collect` it.
        """
        question = self._standing.must_wait()
        if self.ledger.question(question["question"]).state != "withdrawn":
            self.ledger.expire(question["question"], self._null_action)
        self._standing.give_up(self._null_action)
        return self._null_action

    def volunteer(
        self, step: SupportsIndex, choice: SupportsIndex, *, actor: str, obs: Any = None, note: str = ""
    ) -> None:
        """Records a correction that nobody asked for; it teaches only if the run was opened with `learn_from_corrections`.

        Raises:
            ValueError: the choice is no action, or not legal at `obs`; the step is still to come; it is to teach and has no `obs`.
        """
        step, choice = whole("step", step), self._action("correction", choice)
        if step > self.step:
            raise ValueError(
                f"a correction of step {step} comes too early: the next decision is that of step {self.step}."
            )
        teaches = self._standing.learns_from_corrections
        if teaches and obs is None:
            raise ValueError("a correction teaches about an observation: give obs, as the agent saw it.")
        if teaches:
            # what members cannot read, or what is not legal there, is refused before it is on the ledger
            self.agent.learn(self.belief, obs, Answer(choice, True))
        event = self.ledger.volunteer(self.run, step, choice, actor=actor, obs=encode(obs), note=note)
        if teaches:
            self._standing.learn(event.seq, obs, choice)

    def veto(self, reason: str, *, actor: str, instead: SupportsIndex | None = None) -> int:
        """Stops the act just decided, before it takes effect; returns the action to do: `instead`, or the null action.

        A veto is given by somebody who saw the proposed action. What is said on seeing an action is no fair sample of what would be done,
        so a veto moves no weight (a correction with `volunteer` does, if the run learns from corrections). The guard `Vetoed` asks wherever
        the same would be done again.

        Raises:
            ValueError: the last decision was no lone act, or something was learned or decided since; `instead` is no action.
            LedgerError: the run is closed, or another session holds it.
        """
        action = self._standing.last_act()
        done = self._null_action if instead is None else self._action("action instead", instead)
        self._standing.veto(action, done, reason, actor=actor)
        return done

    def request(self, step: SupportsIndex, about: Any) -> None:
        """Records that a correction about `about` (None: about what is seen now) was asked and paid for, before it is known whether one
        comes; one that comes is volunteered."""
        self._standing.write(
            lambda: self.ledger.append(self.run, "request", {"step": whole("step", step), "about": encode(about)})
        )

    def outcome(self, step: SupportsIndex, truth: SupportsIndex, *, actor: str = "world") -> None:
        """Records what the overseer would have done at `step`, known afterwards. It never teaches."""
        what = {"step": whole("step", step), "truth": whole("truth", truth)}
        self._standing.write(lambda: self.ledger.outcome(self.run, **what, actor=actor))

    def flush(self) -> None:
        """Writes the decisions that wait in the ledger's buffer. Where the ledger groups them, do this here and not on the ledger: if a
        halt has dropped them, the session goes back to what the ledger holds.

        Raises:
            Halted: decisions were dropped; none of them may take effect.
        """
        self._standing.write(lambda: self.ledger.flush(self.run))

    def halt(self, reason: str, *, actor: str) -> None:
        """Stops the run: no decision commits until `unhalt`."""
        self.ledger.halt(self.run, reason, actor=actor)

    def unhalt(self, reason: str, *, actor: str) -> None:
        """Lets a halted run go on."""
        self.ledger.resume(self.run, reason, actor=actor)

    def verify(self) -> Verification:
        """Checks chain and invariants of this run, and that its answers lead to the recorded beliefs."""
        if self._standing.drives:
            self.flush()
        return self.ledger.verify(
            self.run, refold=lambda run: fold(self.agent, self.ledger.events(run), strict=False).digests
        )

    def close(self, reason: str = "done") -> None:
        """Ends the run for good."""
        self.ledger.close_run(self.run, reason)

    def _action(self, what: str, choice: SupportsIndex) -> int:
        action, most = whole(what, choice), self.agent.hypotheses.num_actions - 1
        if not 0 <= action <= most:
            raise ValueError(f"the {what} {action} is not an action: actions run from 0 to {most}.")
        return action
