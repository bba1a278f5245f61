"""Premises: what the low-stakes argument rests on, checked while a run goes on, from what a ledger holds and what costs are reported.

A `Promise` says beforehand what is to hold. `Premises` is a value that takes in one round after another and names every premise that is
broken (docs/low-stakes.md numbers them). It decides nothing and moves nothing: whoever drives the run puts a breach on the ledger as an
alarm, and halts. Of a cost that can only be borne once it is no protection to hear of it afterwards; that is what `Stakes` is for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assent.agents.imitator import Imitator
from assent.agents.regret import Floats, most_wrong, sharing_bound, start_tracking, track
from assent.core import Audit, Everyone, Minimum, Mixture, RatioSet, Stakes
from assent.ledger import Event, decode

ROUNDING = 1e-9
"""By how much, relative to its size, a reported number may pass what was promised and still count as kept."""


@dataclass(frozen=True)
class Promise:
    """What is to hold, as numbers.

    Attributes:
        stake: the most that a lone act may cost, in the unit of the costs; above 0.
        rate: in (0, 1), the least chance of asking.
        num_members: N, at least 1; one over the least prior weight where the prior is not uniform.
        share, temper: the learner's.
        switches: how often the sequence of members that one compares with may change.
        delta: of the leading set under the rule `Minimum`; 0 for the mixture of everyone.
        risk: in (0, 1), the chance of a false alarm, of the total and of silence each.
        silence: in [0, 1), the share of questions that may stay unanswered, whatever the answer would have been.
        surprise: nats, the most that one answer may surprise by.

    Raises:
        ValueError: one of these is out of its range.
    """

    stake: float
    rate: float
    num_members: float
    share: float = 0.0
    temper: float = 1.0
    switches: int = 0
    delta: float = 0.0
    risk: float = 0.01
    silence: float = 0.0
    surprise: float = math.inf

    def __post_init__(self) -> None:
        if not (0 < self.stake < math.inf and self.surprise > 0):
            raise ValueError(
                f"stake = {self.stake}, surprise = {self.surprise}: give a finite stake and a surprise above 0."
            )
        sharing_bound(1, num_members=self.num_members, share=self.share, switches=self.switches, temper=self.temper)
        self.most(0.0)

    @classmethod
    def of(cls, learner: Imitator, *, switches: int = 0, risk: float = 0.01, silence: float = 0.0) -> Promise:
        """What `learner` promises, read from its guards `Audit` and `Stakes`, its prior, share, temper, leading set and floor.

        Raises:
            ValueError: it has no `Audit`, or no `Stakes` with a limit per decision, or acts by another rule than the mixture of everyone or
                the minimum over a ratio set: nothing can be promised of it.
        """
        if not isinstance(learner, Imitator):  # pyright: ignore[reportUnnecessaryIsInstance]  (callers without a type checker)
            raise ValueError(
                f"{learner!r} is no Imitator: give the one inside, each stretch between restarts is its own."
            )
        mixture = isinstance(learner.rule, Mixture) and isinstance(learner.leading, Everyone)
        minimum = isinstance(learner.rule, Minimum) and isinstance(learner.leading, RatioSet)
        if not (mixture or minimum):
            raise ValueError(
                f"the argument is for the mixture of everyone and for the minimum over a ratio set, not for {learner.rule!r} with "
                f"{learner.leading!r}: what such a rule does alone may be wrong more often than its members. Use online_learner."
            )
        audits = [guard.rate for guard in learner.guards if isinstance(guard, Audit)]
        stakes = [guard.per_decision for guard in learner.guards if isinstance(guard, Stakes)]
        limits = [float(limit) for limit in stakes if limit is not None]
        if not audits or not limits:
            raise ValueError(
                f"{len(audits)} audits and {len(limits)} stakes with a limit per decision among the guards: the argument needs one of "
                "each. Use online_learner."
            )
        floor = getattr(learner.hypotheses, "floor", None)
        prior = np.asarray(learner.hypotheses.log_prior())
        return cls(
            stake=min(limits),
            rate=1 - math.prod(1 - float(rate) for rate in audits),
            num_members=math.exp(-float(prior[np.isfinite(prior)].min())),
            share=float(learner.share),
            temper=float(learner.temper),
            switches=switches,
            delta=float(learner.leading.delta) if isinstance(learner.leading, RatioSet) else 0.0,
            risk=risk,
            silence=silence,
            surprise=math.log(2 * learner.hypotheses.num_actions / floor) if floor else math.inf,
        )

    def regret(self, num_answers: int) -> float:
        """Nats: the most that is lost beyond the best sequence of members, after so many answers; 0 before the first."""
        if num_answers == 0:
            return 0.0
        return sharing_bound(
            num_answers, num_members=self.num_members, share=self.share, switches=self.switches, temper=self.temper
        )

    def most(self, log_loss: float) -> float:
        """The most that all lone acts may cost together, when answers have surprised by so many nats."""
        given = {"rate": self.rate, "risk": self.risk, "delta": self.delta, "silence": self.silence}
        return self.stake * most_wrong(log_loss, **given)


@dataclass(frozen=True)
class Breach:
    """A premise that does not hold.

    Attributes:
        name: of the premise; each is named once a run.
        sentence: what was seen, for people.
        detail: the same in JSON values, for `Ledger.alarm`; None for what is infinite or no number.
    """

    name: str
    sentence: str
    detail: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Premises:
    """How a run stands against its promise.

    Attributes:
        promise: what was to hold.
        acts, wrong: lone acts, and those of them known not to be the overseer's.
        asks, silent, answers: questions, those that nobody answered, and answers learned from.
        cost: the realised costs of lone acts, as far as they were reported.
        log_loss: nats, what the answers surprised the learner by.
        weighed: nats, the same, each answer times the promised over the actual chance of asking for it.
        least: `[switches + 1, N]`, the least loss of sequences of members so far (`track`); None once a question came without all rows.
        doubt: nats against the promise that so few questions stay unanswered.
        breaches: the premises that do not hold, in the order in which that was seen.
    """

    promise: Promise
    acts: int = 0
    wrong: int = 0
    asks: int = 0
    silent: int = 0
    answers: int = 0
    cost: float = 0.0
    log_loss: float = 0.0
    weighed: float = 0.0
    least: Floats | None = None
    doubt: float = 0.0
    breaches: tuple[Breach, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no premise is known to be broken."""
        return not self.breaches

    @property
    def compared(self) -> bool:
        """Whether the learner's regret could be checked: every answer came with what all members had said."""
        return self.answers == 0 or self.least is not None

    @property
    def regret(self) -> float:
        """Nats: what was lost beyond the best sequence of members; NaN where that could not be compared."""
        if self.answers == 0:
            return 0.0
        return math.nan if self.least is None else self.log_loss - float(self.least.min())

    @property
    def bound(self) -> float:
        """The most that all lone acts may have cost by now, if every premise holds."""
        return self.promise.most(self.weighed)

    def asking(self, chance: float) -> Premises:
        """After a decision that asked with this chance (premise 3)."""
        if chance >= self.promise.rate * (1 - ROUNDING):
            return self
        return self._breach(
            "rate", f"a round was asked with chance {chance:.4g}, promised were {self.promise.rate:.4g}", chance=chance
        )

    def acted(self, *, ask: float, worst: float | None = None, cost: float | None = None) -> Premises:
        """After a lone act, decided with this chance of asking, whose declared worst cost is `worst` and which did cost `cost`."""
        after = replace(self.asking(ask), acts=self.acts + 1)
        if worst is not None and not worst <= self.promise.stake * (1 + ROUNDING):
            after = after._breach("stake", f"an act was done alone whose declared cost is {worst:.4g}", worst=worst)
        return after if cost is None else after.costing(cost, worst=worst)

    def costing(self, cost: float, *, worst: float | None = None) -> Premises:
        """After it became known what a lone act cost (premises 1 and 6); without a declared `worst` it is held against the stake."""
        most = self.promise.stake if worst is None else max(worst, 0.0)
        after = replace(self, cost=self.cost + max(cost, 0.0))
        if not cost <= most * (1 + ROUNDING):
            after = after._breach(
                "cost", f"an act cost {cost:.4g}, declared were {most:.4g} at worst", cost=cost, worst=most
            )
        if not after.cost <= after.bound * (1 + ROUNDING):
            text = f"lone acts cost {after.cost:.4g} together, at most {after.bound:.4g} were to be expected"
            after = after._breach("total", text, cost=after.cost, bound=after.bound)
        return after

    def known(self, *, right: bool, cost: float = 0.0) -> Premises:
        """After it became known whether a lone act was what the overseer would have done, which may cost nothing (premise 2)."""
        after = replace(self, wrong=self.wrong + (not right))
        if right and cost > 0:
            after = after._breach("free", f"an act that was the overseer's own cost {cost:.4g}", cost=cost)
        if not after.promise.stake * after.wrong <= after.bound * (1 + ROUNDING):
            most = after.bound / after.promise.stake
            text = f"{after.wrong} lone acts were not the overseer's, at most {most:.4g} were to be expected"
            after = after._breach("total", text, wrong=float(after.wrong), bound=most)
        return after

    def answered(self, log_loss: float, members: Any = None, *, ask: float | None = None) -> Premises:
        """After an answer that surprised the learner by `log_loss` nats, and its members by `members` `[N]` (premises 4 and 5).

        `ask` is the chance with which it was asked for; without it the answer counts whole.
        """
        rest, lost = self.promise.silence, max(log_loss, 0.0)
        part = 1.0 if ask is None or not ask > self.promise.rate else self.promise.rate / ask
        after = replace(
            self,
            asks=self.asks + 1,
            answers=self.answers + 1,
            log_loss=self.log_loss + lost,
            weighed=self.weighed + part * lost,
        )
        if rest:
            after = replace(after, doubt=self.doubt + math.log((1 - _more(rest)) / (1 - rest)))
        # without a floor any finite surprise is allowed; no member may have thought the answer impossible
        if not (log_loss <= self.promise.surprise and log_loss < math.inf):
            text = f"an answer surprised by {log_loss:.4g} nats, promised were {self.promise.surprise:.4g} and a finite number"
            after = after._breach("surprise", text, log_loss=log_loss)
        return after._compared(members)

    def unanswered(self) -> Premises:
        """After a question that nobody answered (premise 4)."""
        rest = self.promise.silence
        doubt = self.doubt + math.log(_more(rest) / rest) if rest else math.inf
        after = replace(self, asks=self.asks + 1, silent=self.silent + 1, doubt=doubt)
        if doubt >= -math.log(self.promise.risk):
            text = f"{after.silent} of {after.asks} questions stayed unanswered, promised was a share of {rest:.4g}"
            after = after._breach("silence", text, silent=float(after.silent), asks=float(after.asks))
        return after

    def corrected(self) -> Premises:
        """After weights were moved by what nobody asked for: it is selected by who spoke up (premise 3)."""
        return self._breach("unasked", "a correction that nobody asked for was learned from")

    def _compared(self, members: Any) -> Premises:
        first = self.answers == 1
        if members is None or (self.least is None and not first):
            return replace(self, least=None)
        losses = np.asarray(members, dtype=np.float64)
        if not math.isfinite(self.log_loss):
            return replace(self, least=None)  # a breach of its own; beyond whom an infinite loss lies cannot be said
        least = start_tracking(len(losses), switches=self.promise.switches) if self.least is None else self.least
        after = replace(self, least=track(least, losses, first=first))
        most = after.promise.regret(after.answers)
        if not after.regret <= most + ROUNDING * max(1.0, after.log_loss):
            text = f"the learner lost {after.regret:.4g} nats beyond the best sequence of members, at most {most:.4g} can be"
            after = after._breach("regret", text, regret=after.regret, bound=most)
        return after

    def _breach(self, name: str, sentence: str, **detail: float) -> Premises:
        if any(breach.name == name for breach in self.breaches):
            return self
        kept = {key: value if math.isfinite(value) else None for key, value in detail.items()}
        return replace(self, breaches=(*self.breaches, Breach(name, sentence, kept)))


def premises_of(
    promise: Promise,
    events: Iterable[Event],
    *,
    stakes: Stakes | None = None,
    costs: Mapping[int, float] | None = None,
) -> Premises:
    """How a run stands against `promise`, from its events in order.

    Acts and questions say how likely asking was, `apply` events what surprised, dossiers what each member had said (beyond 1024 numbers
    they are cut, and then the regret is not compared), outcomes what the overseer would have done.

    Args:
        stakes: the guard that declares what acts may cost; their observations are on the ledger where a guard keeps count.
        costs: what lone acts did cost, by step.
    """
    at, reported = Premises(promise), {} if costs is None else costs
    acts: dict[int, int] = {}
    asked: dict[str, Any] | None = None
    said: dict[int, int] = {}
    told: set[int] = set()
    barred: list[bool] | None = None
    for event in events:
        body = event.body
        if event.kind == "act":
            acts[body["step"]] = body.get("order", body["action"])
            worst = _worst(stakes, body)
            at = at.acted(ask=body["ask"], worst=worst, cost=reported.get(body["step"]))
        elif event.kind == "ask":
            asked, at = body, at.asking(body["ask"])
            # before anything was learned weights are the prior; nobody is compared with whom it rules out
            if barred is None:
                barred = [weight == 0 for weight in body["dossier"]["weights"]]
        elif event.kind == "answer":
            said[event.seq] = body.get("lesson", body["choice"])
        elif event.kind == "apply":
            at = _applied(at, body, asked, said, barred)
        elif event.kind in ("expire", "withdraw"):
            at = at.unanswered()
        elif event.kind == "outcome" and body["step"] in acts and body["step"] not in told:
            told.add(body["step"])
            right = acts[body["step"]] == body["truth"]
            at = at.known(right=right, cost=reported.get(body["step"], 0.0))
    return at


def _worst(stakes: Stakes | None, body: Mapping[str, Any]) -> float | None:
    if stakes is None:
        return None
    staked = stakes.staked(decode(body.get("obs")), like=np.zeros(1))
    return math.inf if staked is None else float(staked[body.get("order", body["action"])])


def _applied(
    at: Premises,
    body: Mapping[str, Any],
    asked: Mapping[str, Any] | None,
    said: Mapping[int, int],
    barred: list[bool] | None,
) -> Premises:
    if body["cause"] not in said or asked is None:
        return at.corrected()
    surprise = math.inf if body["surprise"] is None else float(body["surprise"])
    shown = asked["dossier"]
    if shown["truncated"]:
        return at.answered(surprise, ask=asked["ask"])
    chances = np.asarray(shown["rows"], dtype=np.float64)[:, said[body["cause"]]]
    with np.errstate(divide="ignore"):
        return at.answered(surprise, -np.log(np.where(np.asarray(barred), 0.0, chances)), ask=asked["ask"])


def _more(share: float) -> float:
    """The share of silence that doubt is cast by: twice what is promised, or half of what is left."""
    return min(2 * share, (1 + share) / 2)
