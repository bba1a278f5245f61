"""Imitator: hypotheses about the overseer, the members that still lead, and a rule for what they may do alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from assent.agents.fingerprint import fingerprint
from assent.core import (
    PROVEN,
    AlphaSet,
    Answer,
    Array,
    Assent,
    Belief,
    Context,
    Families,
    Guard,
    HearsSilence,
    Hypotheses,
    LeadingSet,
    Minimum,
    MinLeaders,
    RatioSet,
    Readable,
    Rule,
    apply_guards,
    bayes_update,
    normalise,
    readable_rows,
)
from assent.core.arrays import namespace

HEURISTIC_TEMPER = 0.1
"""The default exponent for learned members. With plain weights (1) a committee of twelve digit classifiers collapses onto one
member within some tens of answers; at 0.1 it stayed whole over a run (docs/results/demo.md has the figures)."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """What a round's committee said, for whoever has to decide, record or explain it.

    Attributes:
        assent: after rule and guards.
        unguarded: after the rule alone.
        log_policy: `[H, A]`, the members' rows, of families their lower bounds; minus infinity throughout for a row that could not be
            read.
        readable: boolean `[H]`.
        leader: boolean `[H]`.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    assent: Assent
    unguarded: Assent
    log_policy: Array
    readable: Array
    leader: Array


@dataclass(frozen=True, eq=False)
class Imitator:
    """Acts where the members that lead allow it, asks with the rest, and moves its weights only at answers.

    Cohen, Hutter and Nanda, "Fully General Online Imitation Learning", JMLR 23 (2022), with the leading set as a part. Prefer
    `Imitator.of`, which fills in what a class of learned members needs.

    Attributes:
        hypotheses: the members.
        leading: who leads, from posterior and prior weights.
        rule: from the leaders' rows to an assent.
        guards: in turn; each may only take mass away.
        temper: in (0, 1], the exponent of every likelihood.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    hypotheses: Hypotheses
    leading: LeadingSet = RatioSet()
    rule: Rule = Minimum()
    guards: tuple[Guard, ...] = (Readable(),)
    temper: Array | float = 1.0

    def __post_init__(self) -> None:
        for name, part in (("leading", self.leading), ("rule", self.rule)):
            if isinstance(part, type) or not callable(part):
                raise TypeError(
                    f"{name} = {part!r}: give an object such as RatioSet(0.05) or Minimum(), not its class or its number."
                )
        if not isinstance(self.guards, tuple) or not all(callable(guard) for guard in self.guards):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"guards = {self.guards!r}: give a tuple of guards, (OneAnswer(0.5),) say; its comma makes the tuple."
            )
        if not 0 < float(self.temper) <= 1:
            raise ValueError(
                f"temper = {self.temper} is outside (0, 1]: it is the exponent of each answer's likelihood; 1 is Bayes' rule."
            )
        if isinstance(self.leading, AlphaSet):
            self.leading.warn_about(self.hypotheses.log_prior())

    @classmethod
    def of(
        cls,
        hypotheses: Hypotheses,
        *,
        leading: LeadingSet | None = None,
        rule: Rule | None = None,
        guards: tuple[Guard, ...] = (),
        temper: float | None = None,
    ) -> Imitator:
        """The imitator with the defaults that the class of members needs.

        For learned members (any `grade` but "exact" and "bounded") weights are tempered by 0.1 and at least two must lead; for an exact
        class weights are Bayes' and one leader is enough, since there the one is the truth. A round in which a leader's row cannot be
        read is always asked. `guards` come on top of these; the constructor takes exactly the guards that it is given.

        >>> import numpy as np
        >>> from assent.hypotheses.tables import Tables
        >>> agent = Imitator.of(Tables.of(np.asarray([[[0.75, 0.25]], [[0.25, 0.75]]])))
        >>> agent.propose(agent.init(), 0).probs
        array([0.25, 0.25])
        """
        learned = hypotheses.grade not in PROVEN
        return cls(
            hypotheses=hypotheses,
            leading=RatioSet() if leading is None else leading,
            rule=Minimum() if rule is None else rule,
            guards=(Readable(), *((MinLeaders(2),) if learned else ()), *guards)
            if isinstance(guards, tuple)
            else guards,  # pyright: ignore[reportUnnecessaryIsInstance]
            temper=(HEURISTIC_TEMPER if learned else 1.0) if temper is None else temper,
        )

    @property
    def num_contexts(self) -> int | None:
        """How many observations there are when assents may be kept between answers, else None."""
        return self.hypotheses.num_contexts

    @property
    def remembers(self) -> bool:
        """Whether rows depend on what was done before, so that every observation has to be on the ledger."""
        return self.hypotheses.remembers

    def describe(self) -> dict[str, Any]:
        """What this agent is, in JSON values, for the ledger."""
        return {
            "rule": type(self.rule).__name__,
            "settings": repr(self.rule),
            "leading": repr(self.leading),
            "guards": [repr(guard) for guard in self.guards],
            "temper": float(self.temper),
            "members": list(self.hypotheses.names),
            "num_actions": self.hypotheses.num_actions,
            "grade": self.hypotheses.grade,
            "dtype": str(self.hypotheses.log_prior().dtype).rpartition(".")[2],
            "committee": fingerprint(self.hypotheses),
        }

    def init(self) -> Belief:
        log_prior = self.hypotheses.log_prior()
        return Belief(log_weight=log_prior, log_prior=log_prior, memory=self.hypotheses.init())

    def log_weight(self, belief: Belief) -> Array:
        """`[H]`, the log weights that are acted on: the belief's, and what silence has said beside them."""
        if not (self.hypotheses.remembers and isinstance(self.hypotheses, HearsSilence)):
            return belief.log_weight
        return normalise(belief.log_weight + self.temper * self.hypotheses.log_silence(belief.memory))

    def consider(self, belief: Belief, obs: Any, *, halted: Array | bool = False) -> Proposal:
        """Everything that leads to the assent for `obs`, and the assent."""
        rows, readable = readable_rows(self._acted_on(belief, obs))
        xp, log_weight = namespace(rows), self.log_weight(belief)
        leader = self.leading(log_weight, belief.log_prior) & xp.isfinite(log_weight)
        silenced = ~leader & (log_weight < float("inf"))  # an unreadable weight goes on to the rule, which asks
        weight = xp.where(silenced, -float("inf"), log_weight)
        # nobody can say whether a live member with an unreadable prior leads: so that, too, is asked
        unknown = xp.isfinite(log_weight) & ~xp.isfinite(belief.log_prior)
        unguarded = self.rule(rows, xp.where(unknown, float("nan"), weight))
        context = Context(
            num_leaders=xp.count_nonzero(leader),
            num_members=xp.asarray(rows.shape[0]),
            readable=xp.all(readable | ~leader),
            halted=xp.asarray(halted),
        )
        return Proposal(apply_guards(unguarded, self.guards, context), unguarded, rows, readable, leader)

    def propose(self, belief: Belief, obs: Any) -> Assent:
        """The assent for `obs`: what may be done alone, and with which probability to ask."""
        return self.consider(belief, obs).assent

    def learn(self, belief: Belief, obs: Any, answer: Answer) -> Belief:
        """The belief after the overseer's `answer` to `obs`: weights first, by what members said before, then the members.

        Raises:
            TypeError: `answer` is not an `Answer`; an agent's own action teaches nothing.
            ValueError: the answer is a number outside 0 … A - 1, `SILENT` among them: silence teaches nothing. (While JAX traces,
                the value is not known; who traces, as `rollout` does, has to leave silence out.)
        """
        if not isinstance(answer, Answer):  # pyright: ignore[reportUnnecessaryIsInstance]  (callers without a type checker)
            raise TypeError(
                f"learn takes an Answer, what an overseer said, but was given {answer!r}; what was done goes to remember."
            )
        if not _may_be_action(answer.action, num_actions=self.hypotheses.num_actions):
            raise ValueError(
                f"the answer {answer.action} is not an action: actions run from 0 to {self.hypotheses.num_actions - 1}."
            )
        rows, readable = readable_rows(self._rows(belief, obs))
        moved = bayes_update(belief.log_weight, rows[:, answer.action], temper=self.temper, awake=readable)
        return replace(belief, log_weight=moved, memory=self.hypotheses.learn(belief.memory, obs, answer))

    def _acted_on(self, belief: Belief, obs: Any) -> Array:
        """What the rule sees: of members that are policies their rows, of families the least that a plausible policy gives."""
        if isinstance(self.hypotheses, Families):
            return self._checked(belief, self.hypotheses.log_lower(belief.memory, obs))
        return self._rows(belief, obs)

    def _rows(self, belief: Belief, obs: Any) -> Array:
        return self._checked(belief, self.hypotheses.log_policy(belief.memory, obs))

    def _checked(self, belief: Belief, rows: Array) -> Array:
        weight = belief.log_weight
        wanted = (*weight.shape, self.hypotheses.num_actions)
        if tuple(rows.shape) != wanted or rows.dtype != weight.dtype:
            raise ValueError(
                f"the members gave rows of shape {tuple(rows.shape)} and dtype {rows.dtype}; their weights and num_actions want "
                f"{wanted} and {weight.dtype}. log_policy must give one row [A] for each weight of log_prior, in one dtype."
            )
        return rows

    def remember(self, belief: Belief, obs: Any, action: Array) -> Belief:
        """The belief after `action` was done in `obs`, by whomever: weights stay, bit for bit."""
        memory = self.hypotheses.advance(belief.memory, obs, action)
        return belief if memory is belief.memory else replace(belief, memory=memory)


def _may_be_action(action: Array, *, num_actions: int) -> bool:
    """False for what is no action; True for a tracer, whose value nobody knows yet."""
    if isinstance(action, int | float | np.generic | np.ndarray):
        number = np.asarray(action)
        return number.shape == () and number.dtype.kind in "iu" and bool(0 <= number < num_actions)
    if action.shape != () or not namespace(action).isdtype(action.dtype, "integral"):
        return False
    try:
        number = int(action)
    except TypeError:  # a tracer of JAX; whatever else cannot be read raises, and teaches nothing
        return True
    return 0 <= number < num_actions
