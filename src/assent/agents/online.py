"""Online learners for low stakes: a committee under fixed share, audited by a blind coin, and committees that start afresh.

Members that learn themselves are in `assent.hypotheses.gradient`; what each of these loses at most is in `assent.agents.regret`; why that
is enough where no single act can cost much, and under which premises, in docs/low-stakes.md.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import array_api_compat

from assent.agents.imitator import Imitator, Proposal
from assent.core import (
    Answer,
    Array,
    Assent,
    Audit,
    Belief,
    Context,
    Done,
    Everyone,
    Evidence,
    Guard,
    Hypotheses,
    LeadingSet,
    Mixture,
    Readable,
    RiskCap,
    Stakes,
    Tallied,
    Unexplained,
)
from assent.core.arrays import namespace
from assent.core.tallies import tallied


def online_learner(hypotheses: Hypotheses, *, stakes: Stakes, rate: float, share: float = 0.0) -> Imitator:
    """The imitator that the low-stakes argument is about.

    It acts by the posterior mixture of all members, weighs them by Bayes' rule with fixed share, is asked about by a coin that looks at
    nothing, in at least the share `rate` of all rounds, and does nothing alone that may cost more than `stakes` allows. It is no
    conservative agent: it errs while it learns, and has to, since what it does is only ever corrected on average.

    Args:
        hypotheses: the members; learned ones need no temper here, since the bounds assume no member to be right.
        stakes: what an act may cost alone, at worst.
        rate: in (0, 1), the least chance of asking.
        share: in [0, 1), see `best_share`.

    Raises:
        ValueError: `rate` is not in (0, 1): without questions nothing is ever learned, and no bound holds.

    >>> import numpy as np
    >>> from assent.hypotheses.tables import Tables
    >>> bank = Tables.of(np.asarray([[[0.75, 0.25]], [[0.25, 0.75]]]))
    >>> learner = online_learner(bank, stakes=Stakes(np.asarray([[1.0, 50.0]]), per_decision=1.0), rate=0.125)
    >>> learner.propose(learner.init(), 0)
    Assent(probs=array([0.4375, 0.    ]), ask=np.float64(0.5625))
    """
    if not 0 < rate < 1:
        raise ValueError(
            f"rate = {rate} is not in (0, 1): it is the share of rounds that is asked whatever the learner believes, and all that it "
            "ever learns from. 0.1 is usual."
        )
    return Imitator(hypotheses, Everyone(), Mixture(), (Readable(), Audit(rate), stakes), temper=1.0, share=share)


@runtime_checkable
class Schedule(Protocol):
    """A tallied guard that takes no mass, hears every answer, and says when to start afresh."""

    def start(self, like: Array, num_contexts: int | None) -> Any: ...
    def __call__(self, assent: Assent, context: Context, tally: Any) -> Assent: ...
    def count(self, tally: Any, done: Done) -> Any: ...
    def hear(self, tally: Any, obs: Any, action: Array, log_policy: Array) -> Any: ...
    def due(self, tally: Any) -> Array: ...
    def renew(self, tally: Any) -> Any: ...


class _Silent:
    """What all schedules have in common: no mass is taken, and what is done counts nothing."""

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "restart"

    def __call__(self, assent: Assent, context: Context, tally: Any) -> Assent:
        return assent

    def count(self, tally: Any, done: Done) -> Any:
        return tally


@dataclass(frozen=True)
class Every(_Silent):
    """Start afresh after every `length` answers; see `restart_bound`.

    Attributes:
        length: at least 1.

    Raises:
        ValueError: it is below 1.
    """

    length: int = 100

    def __post_init__(self) -> None:
        _check_length(self.length)

    def start(self, like: Array, num_contexts: int | None) -> Array:
        return namespace(like).zeros_like(like[0, ...])

    def hear(self, tally: Array, obs: Any, action: Array, log_policy: Array) -> Array:
        return tally + 1

    def due(self, tally: Array) -> Array:
        return tally >= self.length

    def renew(self, tally: Array) -> Array:
        return namespace(tally).zeros_like(tally)


@dataclass(frozen=True)
class Doubling(_Silent):
    """Start afresh after `length` answers, then after twice as many, and so on; see `doubling_bound`.

    For learners whose rate is set for a number of rounds that nobody knows beforehand (the doubling trick: Cesa-Bianchi and others, "How to
    use expert advice", 1997). It fits shifts badly: the longer a run, the later the next start.

    Attributes:
        length: of the first stretch, at least 1.

    Raises:
        ValueError: it is below 1.
    """

    length: int = 100

    def __post_init__(self) -> None:
        _check_length(self.length)

    def start(self, like: Array, num_contexts: int | None) -> Array:
        """Answers in this stretch, and its length over the first one's."""
        xp = namespace(like)
        return xp.stack([xp.zeros_like(like[0, ...]), xp.ones_like(like[0, ...])])

    def hear(self, tally: Array, obs: Any, action: Array, log_policy: Array) -> Array:
        return namespace(tally).stack([tally[0] + 1, tally[1]])

    def due(self, tally: Array) -> Array:
        return tally[0] >= self.length * tally[1]

    def renew(self, tally: Array) -> Array:
        return namespace(tally).stack([tally[0] * 0, tally[1] * 2])


@dataclass(frozen=True, eq=False)
class OnAlarm(_Silent):
    """Start afresh once no member explains the overseer since the last start: the anytime alarm, put to use.

    Without a shift it starts afresh for nothing with a chance of at most `alarm.delta` in each stretch, if the overseer's model is a
    member; after one, as soon as no member explains the answers since the start, all of them together.

    Attributes:
        alarm: what sounds; it takes no mass here, and hears anew after each start.
    """

    alarm: Unexplained

    @staticmethod
    def example() -> OnAlarm:
        """One for four actions."""
        return OnAlarm(Unexplained(4))

    def start(self, like: Array, num_contexts: int | None) -> Evidence:
        return self.alarm.start(like, num_contexts)

    def hear(self, tally: Evidence, obs: Any, action: Array, log_policy: Array) -> Evidence:
        return self.alarm.hear(tally, obs, action, log_policy)

    def due(self, tally: Evidence) -> Array:
        return namespace(tally.fired).any(tally.fired)

    def renew(self, tally: Evidence) -> Evidence:
        xp = namespace(tally.fired)
        parts = (tally.log_members, tally.log_table, tally.counts, tally.fired)
        return Evidence(*(xp.zeros_like(part) for part in parts))


@dataclass(frozen=True, eq=False)
class Restarting:
    """An imitator that starts afresh when a schedule says so: the weights go back to the prior, the members to where they began.

    What guards have counted stays, since a budget is not given back by forgetting. Make one with `Restarting.of`.

    Attributes:
        imitator: exactly one of its guards is a `Schedule`.
        members: whether the members, too, begin again; otherwise they keep what they learned.

    Raises:
        ValueError: no schedule among the guards, or several; hypotheses that need to know what was done before.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("members",)
    imitator: Imitator
    members: bool = True

    def __post_init__(self) -> None:
        found = [guard for guard in self.imitator.guards if isinstance(guard, Schedule)]
        if len(found) != 1:
            raise ValueError(f"{len(found)} schedules among the guards: give exactly one, or use Restarting.of.")
        if self.imitator.hypotheses.remembers and self.members:
            raise ValueError(
                "these hypotheses remember what was done, which starting afresh would make them forget: use members=False."
            )

    @classmethod
    def of(cls, imitator: Imitator, when: Schedule, *, members: bool = True) -> Restarting:
        """`imitator`, started afresh when `when` says so.

        >>> import numpy as np
        >>> from assent.hypotheses.tables import Tables
        >>> bank = Tables.of(np.asarray([[[0.75, 0.25]], [[0.25, 0.75]]]))
        >>> agent = Restarting.of(Imitator.of(bank), Every(2))
        >>> once = agent.learn(agent.init(), 0, Answer(0))
        >>> [float(np.exp(belief.log_weight[0]).round(2)) for belief in (once, agent.learn(once, 0, Answer(0)))]
        [0.75, 0.5]
        """
        guards = imitator.guards
        last = len(guards) - 1 if guards and isinstance(guards[-1], RiskCap) else len(guards)
        return cls(replace(imitator, guards=(*guards[:last], when, *guards[last:])), members)

    @staticmethod
    def example() -> Restarting:
        """One over two tables."""
        import numpy as np

        from assent.hypotheses.tables import Tables

        policies = np.random.default_rng(4).dirichlet(np.ones(3), size=(2, 3))
        return Restarting.of(Imitator.of(Tables.of(policies)), Every(5))

    @property
    def hypotheses(self) -> Hypotheses:
        return self.imitator.hypotheses

    @property
    def leading(self) -> LeadingSet:
        return self.imitator.leading

    @property
    def guards(self) -> tuple[Guard | Tallied, ...]:
        return self.imitator.guards

    @property
    def num_contexts(self) -> int | None:
        return self.imitator.num_contexts

    @property
    def remembers(self) -> bool:
        return self.imitator.remembers

    @property
    def counts(self) -> bool:
        return self.imitator.counts

    @property
    def by_leaders(self) -> bool:
        return self.imitator.by_leaders

    def describe(self) -> dict[str, Any]:
        """As the imitator's; nothing is promised of a leading set that is filled anew."""
        return {
            **self.imitator.describe(),
            "restarts": "members" if self.members else "weights",
            "promise": self.promise(),
        }

    def promise(self) -> dict[str, Any]:
        """The imitator's promise, without what holds only while nothing is forgotten."""
        return {**self.imitator.promise(), "delta": None, "query_bound": None}

    def init(self) -> Belief:
        return self.imitator.init()

    def log_weight(self, belief: Belief) -> Array:
        return self.imitator.log_weight(belief)

    def consider(self, belief: Belief, obs: Any, *, halted: Array | bool = False) -> Proposal:
        return self.imitator.consider(belief, obs, halted=halted)

    def weigh(self, belief: Belief, obs: Any, *, halted: Array | bool = False) -> Proposal:
        return self.imitator.weigh(belief, obs, halted=halted)

    def restrict(self, belief: Belief, obs: Any, proposal: Proposal) -> Proposal:
        return self.imitator.restrict(belief, obs, proposal)

    def count(self, belief: Belief, done: Done) -> Belief:
        return self.imitator.count(belief, done)

    def veto(self, belief: Belief, obs: Any, action: Array, instead: Array) -> Belief:
        return self.imitator.veto(belief, obs, action, instead)

    def propose(self, belief: Belief, obs: Any) -> Assent:
        return self.imitator.propose(belief, obs)

    def learn(self, belief: Belief, obs: Any, answer: Answer) -> Belief:
        """The belief after the answer: learned from, and then, if it is time, forgotten.

        Raises:
            TypeError, ValueError: as `Imitator.learn`.
        """
        after = self.imitator.learn(belief, obs, answer)
        schedules = [isinstance(guard, Schedule) for guard in tallied(self.guards)]
        place = schedules.index(True)
        when: Any = tallied(self.guards)[place]
        due = when.due(after.tallies[place])
        fresh = replace(
            after,
            log_weight=after.log_prior,
            memory=self.hypotheses.init() if self.members else after.memory,
            tallies=(*after.tallies[:place], when.renew(after.tallies[place]), *after.tallies[place + 1 :]),
        )
        return _either(due, fresh, after)

    def remember(self, belief: Belief, obs: Any, action: Array) -> Belief:
        return self.imitator.remember(belief, obs, action)


def _either(condition: Array, chosen: Belief, other: Belief) -> Belief:
    """`chosen` where the condition holds, else `other`; under JAX, where its value is not known, both parts by part."""
    xp = namespace(condition)
    if not array_api_compat.is_jax_namespace(xp):
        return chosen if bool(condition) else other
    jax = importlib.import_module("jax")  # it is loaded already: the arrays are its own
    return jax.tree.map(lambda one, two: xp.where(condition, one, two), chosen, other)


def _check_length(length: int) -> None:
    if length < 1:
        raise ValueError(f"length = {length}: a stretch has at least 1 answer.")
