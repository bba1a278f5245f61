"""Where a run stands, and every way in which it moves: first on the ledger, then here."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from operator import index
from typing import Any, TypeVar

from assent.agents.considering import Considering
from assent.alarms import Alarm, alarms_of, alarms_of_belief, unreadable_correction
from assent.core import Answer, Belief
from assent.decisions import QuestionWaits
from assent.dossier import Ready
from assent.fold import (
    Folded,
    after_act,
    after_asking,
    apply_body,
    checkpoint_body,
    contradicts,
    done,
    fold,
    keeps_law,
    lesson_of,
    settle,
    vetoed,
)
from assent.ledger import Halted, Ledger, Question, decode, taken_over
from assent.stating import contradiction

T = TypeVar("T")


class Standing:
    """Belief, step and waiting question of one run, moved only by what its ledger has taken.

    A move that the ledger refuses is not made. If a halt drops acts that waited in the ledger's buffer, everything goes back to what
    the ledger holds.

    Args:
        settings: null_action, learn_from_corrections and checkpoint_every, as in the run's open event.
        at: where the run stands now.
    """

    def __init__(self, agent: Considering, ledger: Ledger, run: str, settings: dict[str, Any], at: Folded) -> None:
        self.agent, self.ledger, self.run, self.settings = agent, ledger, run, settings
        self.at = at
        self._fence = ledger.fence(run)
        self._kept: dict[int, Ready] = {}
        self._ahead = False

    @property
    def belief(self) -> Belief:
        """What the agent believes now."""
        return self.at.belief

    @property
    def learns_from_corrections(self) -> bool:
        """Whether volunteered corrections move the weights in this run."""
        return bool(self.settings["learn_from_corrections"])

    def must_wait(self) -> dict[str, Any]:
        """The body of the question that waits; raises QuestionWaits if none does."""
        if self.at.asked is None:
            raise QuestionWaits("no question waits: decide first.")
        return self.at.asked

    def must_not_wait(self) -> None:
        """Raises QuestionWaits if a question does."""
        if self.at.asked is not None:
            raise QuestionWaits(
                f"question {self.at.asked['question']} still waits: answer it, collect its answer, or let it expire first."
            )

    def ready(self, obs: Any) -> Ready:
        """The agent's proposal at `obs`, kept until the next answer where observations are numbers; its alarms are on the ledger."""
        context = None if self.agent.num_contexts is None else self._context(obs)
        if context in self._kept:
            return self._restricted(self._kept[context], obs)
        ready = Ready.of(self.agent.weigh(self.at.belief, obs))
        self._watch(ready)
        if context is not None:
            self._kept[context] = ready
        return self._restricted(ready, obs)

    def _restricted(self, ready: Ready, obs: Any) -> Ready:
        """`ready` after the guards that keep count of the run, which move without an answer."""
        if not self.agent.counts:
            return ready
        return Ready.of(self.agent.restrict(self.at.belief, obs, ready.proposal))

    def act(self, body: dict[str, Any], obs: Any) -> None:
        """The agent acted alone at `obs`; `body` is that of the act event."""
        self.write(lambda: self.ledger.append(self.run, "act", body))
        self._ahead = True
        self.at.step = body["step"] + 1
        self.at.before, self.at.last_obs, self.at.last_action = self.at.belief, obs, done(body, body["action"])
        self.at.belief = after_act(self.agent, self.at.belief, body, obs, exact=self.at.exact)

    def ask(self, body: dict[str, Any]) -> Question:
        """A question waits from now on; `body` is that of the ask event."""
        question = self.write(lambda: self.ledger.ask(self.run, body))
        self.at.asked = body
        return question

    def take_in(self, seq: int, answered: Mapping[str, Any]) -> None:
        """The waiting question was answered by event `seq`, whose body is `answered`: its choice is done, and teaches unless another lesson
        was drawn from probabilities that the overseer stated. Whoever gave it, a law that contradicts the leaders is an alarm."""
        asked = self.must_wait()
        if "stated" in answered:
            alarm = contradiction(asked, answered["stated"])
            if alarm is not None:
                self._sound(alarm)
        self.at.exact = self.at.exact and keeps_law(asked, answered)
        obs = decode(asked["obs"])
        self._learn(seq, obs, lesson_of(answered), unasked=False)
        self.at.belief = after_asking(
            self.agent, self.at.belief, asked, obs, answered["choice"], answered=True, exact=self.at.exact
        )
        settle(self.at)
        self._watch_belief()

    def give_up(self, action: int) -> None:
        """Nobody answered the waiting question, and `action` was done. Silence teaches nothing."""
        asked = self.must_wait()
        if not self.ledger.holds(self.run):
            raise taken_over(self.run, held=True)  # whoever holds the run does that step
        self.at.belief = after_asking(
            self.agent, self.at.belief, asked, decode(asked["obs"]), action, answered=False, exact=self.at.exact
        )
        settle(self.at)

    def last_act(self) -> int:
        """The action of the act just decided; raises ValueError where the last thing was none."""
        if self.at.before is None or self.at.asked is not None:
            raise ValueError(
                "there is no act to veto: the last decision was no lone act, or something was learned or decided since. Record what "
                "should have been done with volunteer."
            )
        return self.at.last_action

    def veto(self, action: int, instead: int, reason: str, *, actor: str) -> None:
        """The act just decided is not done, but `instead`; it teaches nothing."""
        body = {"step": self.at.step - 1, "action": action, "instead": instead, "reason": reason}
        self.write(lambda: self.ledger.veto(self.run, body, actor=actor))
        vetoed(self.agent, self.at, body)

    def learn(self, seq: int, obs: Any, choice: int) -> None:
        """Event `seq` says, without having been asked, that `choice` is what the overseer would do at `obs`."""
        self._learn(seq, obs, choice, unasked=True)
        self._watch_belief()

    def _learn(self, seq: int, obs: Any, choice: int, *, unasked: bool) -> None:
        before, self.at.before = self.at.belief, None
        after = self.agent.learn(before, obs, Answer(choice, unasked))
        body = apply_body(self.agent, before, after, obs, choice)
        self._kept.clear()
        due = (self.at.applied + 1) % int(self.settings["checkpoint_every"]) == 0
        self.write(lambda: self.ledger.apply(self.run, seq, body, checkpoint_body(after) if due else None))
        self.at.belief, self.at.applied = after, self.at.applied + 1

    def _watch_belief(self) -> None:
        """Puts on the ledger what the answers alone are alarming about: there may be no next decision to find it in."""
        for alarm in alarms_of_belief(self.agent, self.at.belief):
            self._sound(alarm)

    def catch_up(self) -> None:
        """Learns from what was said and not learned from before the process ended.

        A correction that this agent cannot read, which only another program can have written, teaches nothing and is an alarm.
        """
        if self.learns_from_corrections:
            for seq, (obs, choice) in sorted(self.at.corrections.items()):
                if obs is not None and self._reads(seq, obs, choice):
                    self.learn(seq, obs, choice)
            self.at.corrections.clear()
        if self.at.unapplied is not None:
            self.take_in(*self.at.unapplied)
        self._watch_belief()

    @property
    def drives(self) -> bool:
        """False once another session on the same ledger object has taken the run over."""
        return self.ledger.fence(self.run) == self._fence

    def take_over(self) -> None:
        """From now on only this moves the run."""
        self.ledger.take_over(self.run)
        self._fence = self.ledger.fence(self.run)

    def write(self, write: Callable[[], T]) -> T:
        """What `write` returns; on `Halted`, goes back to what the ledger holds if decisions were dropped."""
        if not self.drives:
            raise taken_over(
                self.run, held=True
            )  # by a session on the same ledger object; one on another the ledger itself refuses
        try:
            return write()
        except Halted:
            if self._ahead:
                self.at, self._ahead = fold(self.agent, self.ledger.events(self.run)), False
                self._kept.clear()
                self.catch_up()
            raise

    def _context(self, obs: Any) -> int:
        try:
            return index(obs)
        except TypeError:
            self.agent.consider(self.at.belief, obs)  # the members say best what they can read
            raise TypeError(
                f"observation {obs!r} is no whole number; this agent's run from 0 to {(self.agent.num_contexts or 0) - 1}. Nothing "
                "was decided."
            ) from None

    def _reads(self, seq: int, obs: Any, choice: int) -> bool:
        try:
            self.agent.learn(self.at.belief, obs, Answer(choice))
        except Exception as error:  # whatever the members raise: it must not lock the run for good
            self._sound(unreadable_correction(seq, error))
            return False
        return True

    def _watch(self, ready: Ready) -> None:
        for alarm in alarms_of(self.agent, self.at.belief, ready):
            self._sound(alarm)

    def _sound(self, alarm: Alarm) -> None:
        name = alarm.name
        if name in self.at.alarms:
            return
        detail = {"step": self.at.step, **alarm.detail}
        self.write(lambda: self.ledger.alarm(self.run, name, detail))
        self.at.alarms.add(name)
        self.at.exact = self.at.exact and not contradicts(name)
        warnings.warn(f"run {self.run!r}, decision {self.at.step}: {alarm.sentence}.", alarm.kind, stacklevel=5)
