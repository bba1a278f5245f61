"""Imitator: hypotheses about the overseer, the members that still lead, and a rule for what they may do alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from assent.agents.fingerprint import fingerprint, settings_of
from assent.core import (
    PROVEN,
    AlphaSet,
    Answer,
    Array,
    Assent,
    Belief,
    Context,
    Done,
    Guard,
    Hypotheses,
    LeadingSet,
    Minimum,
    MinLeaders,
    RatioSet,
    Readable,
    RiskCap,
    Rule,
    Tallied,
    Tolerance,
    Unexplained,
    apply_each,
    bayes_update,
    coverage_risk,
    normalise,
    query_bound,
    readable_rows,
)
from assent.core.arrays import log_sum_exp, namespace, over_leaders, safe_log
from assent.core.tallies import bound, counted, forbidden, heard, plain, tallied

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
        asks: the chance of asking after each guard in turn, and `reasons` what each calls its asking.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("reasons",)
    assent: Assent
    unguarded: Assent
    log_policy: Array
    readable: Array
    leader: Array
    asks: tuple[Array, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Imitator:
    """Acts where the members that lead allow it, asks with the rest, and moves its weights only at answers.

    Cohen, Hutter and Nanda, "Fully General Online Imitation Learning", JMLR 23 (2022), with the leading set as a part. Prefer
    `Imitator.of`, which fills in what a class of learned members needs.

    Attributes:
        hypotheses: the members.
        leading: who leads, from posterior and prior weights.
        rule: from the leaders' rows to an assent.
        guards: each may only take mass away: first those without a tally in turn, then those that keep count of the run.
        temper: in (0, 1], the exponent of every likelihood.
        share: in [0, 1), the part of the weights that goes back to the prior after each answer (fixed share: Herbster and Warmuth,
            "Tracking the best expert", Machine Learning 32, 1998), for an overseer whose policy may change. 0 forgets nothing.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    hypotheses: Hypotheses
    leading: LeadingSet = RatioSet()
    rule: Rule = Minimum()
    guards: tuple[Guard | Tallied, ...] = (Readable(),)
    temper: Array | float = 1.0
    share: Array | float = 0.0

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
        if not 0 <= float(self.share) < 1:
            raise ValueError(
                f"share = {self.share} is outside [0, 1): the part of the weights that goes back to the prior at an answer; 0 keeps "
                "all that was learned."
            )
        if any(isinstance(guard, RiskCap) for guard in self.guards[:-1]):
            raise ValueError(
                "RiskCap must be the last guard: what a guard after it takes from single actions would go uncounted. Move it to the end."
            )
        if hasattr(self.hypotheses, "log_lower") and any(isinstance(guard, Unexplained) for guard in self.guards):
            raise ValueError(
                "Unexplained compares answers with the best member, and these members are families, whose best policy nobody knows: its "
                "false alarms would not be as rare as delta says. Leave it out, or take members that are policies."
            )
        for guard in self.guards:
            count = getattr(guard, "num_actions", self.hypotheses.num_actions)
            if count != self.hypotheses.num_actions:
                raise ValueError(
                    f"{type(guard).__name__} counts {count} actions, and the hypotheses have {self.hypotheses.num_actions}: give as many."
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
        guards: tuple[Guard | Tallied, ...] = (),
        temper: float | None = None,
        share: float = 0.0,
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
            share=share,
        )

    @property
    def num_contexts(self) -> int | None:
        """How many observations there are when assents may be kept between answers, else None."""
        return self.hypotheses.num_contexts

    @property
    def remembers(self) -> bool:
        """Whether rows depend on what was done before, so that every observation has to be on the ledger."""
        return self.hypotheses.remembers

    @property
    def counts(self) -> bool:
        """Whether a guard keeps count of the run, so that assents change without an answer."""
        return bool(tallied(self.guards))

    @property
    def by_leaders(self) -> bool:
        """Whether an assent depends on who leads and not on their weights, so that it holds until somebody begins or ceases to lead."""
        return isinstance(self.rule, Minimum) and bool(getattr(self.hypotheses, "fixed", False))

    def describe(self) -> dict[str, Any]:
        """What this agent is, in JSON values, for the ledger."""
        return {
            **({"share": float(self.share)} if float(self.share) else {}),
            "rule": type(self.rule).__name__,
            "settings": settings_of(self.rule),
            "leading": settings_of(self.leading),
            "guards": [settings_of(guard) for guard in self.guards],
            "temper": float(self.temper),
            "members": list(self.hypotheses.names),
            "num_actions": self.hypotheses.num_actions,
            "grade": self.hypotheses.grade,
            "dtype": str(self.hypotheses.log_prior().dtype).rpartition(".")[2],
            "committee": fingerprint(self.hypotheses),
            "promise": self.promise(),
        }

    def promise(self) -> dict[str, Any]:
        """What is proven of this agent if its assumptions hold, in JSON values; None for what is not.

        `delta`: the chance of ever losing the overseer's model, of members and families together; `query_bound`: of the expected sum of
        theta cubed; `cap`: nats of risk that the run may spend; `bounds`: whether the rule gives no action more than a fixed multiple
        of the leaders' minimum; `assumes`: what the class supposes besides; `preserves`: "distribution" or "support"; `members`: H.
        """
        log_prior, temper = self.hypotheses.log_prior(), float(self.temper)
        families = hasattr(self.hypotheses, "log_lower")
        proven = self.hypotheses.grade in PROVEN and float(self.share) == 0
        risk = coverage_risk(self.leading, log_prior, temper=temper) if proven else None
        if families and risk is not None:
            alone = self.hypotheses.num_members == 1  # a lone family always leads
            risk = min(1.0, (0.0 if alone else risk) + float(self.hypotheses.risk))  # pyright: ignore[reportAttributeAccessIssue]
        caps = [float(guard.cap) for guard in self.guards if isinstance(guard, RiskCap)]
        return {
            "delta": risk,
            # the proof wants a round to be asked with at least what the minimum leaves over
            "query_bound": query_bound(self.leading, log_prior, temper=temper)
            if proven and not families and isinstance(self.rule, Minimum)
            else None,
            "cap": caps[0] if caps else None,
            "bounds": isinstance(self.rule, Minimum | Tolerance),
            "assumes": list(getattr(self.hypotheses, "assumes", ())),
            "preserves": str(getattr(self.hypotheses, "preserves", "distribution")),
            "members": self.hypotheses.num_members,
        }

    def init(self) -> Belief:
        log_prior = self.hypotheses.log_prior()
        tallies = tuple(guard.start(log_prior, self.num_contexts) for guard in tallied(self.guards))
        return Belief(log_weight=log_prior, log_prior=log_prior, memory=self.hypotheses.init(), tallies=tallies)

    def log_weight(self, belief: Belief) -> Array:
        """`[H]`, the log weights that are acted on: the belief's, and what silence has said beside them."""
        members: Any = self.hypotheses
        if not (members.remembers and hasattr(members, "log_silence")):
            return belief.log_weight
        return normalise(belief.log_weight + self.temper * members.log_silence(belief.memory))

    def consider(self, belief: Belief, obs: Any, *, halted: Array | bool = False) -> Proposal:
        """Everything that leads to the assent for `obs`, and the assent."""
        return self.restrict(belief, obs, self.weigh(belief, obs, halted=halted))

    def weigh(self, belief: Belief, obs: Any, *, halted: Array | bool = False) -> Proposal:
        """What rule and guards without a tally say of `obs`: it holds until the next answer, where contexts are numbered."""
        rows, readable = readable_rows(self._acted_on(belief, obs))
        xp, log_weight = namespace(rows), self.log_weight(belief)
        leader = self.leading(log_weight, belief.log_prior) & xp.isfinite(log_weight)
        silenced = ~leader & (log_weight < float("inf"))  # an unreadable weight goes on to the rule, which asks
        weight = xp.where(silenced, -float("inf"), log_weight)
        # nobody can say whether a live member with an unreadable prior leads: so that, too, is asked
        unknown = xp.isfinite(log_weight) & ~xp.isfinite(belief.log_prior)
        unguarded = self.rule(rows, xp.where(unknown, float("nan"), weight))
        proposal = Proposal(unguarded, unguarded, rows, readable, leader)
        return _guarded(proposal, plain(self.guards), _context(proposal, obs, halted=halted))

    def restrict(self, belief: Belief, obs: Any, proposal: Proposal) -> Proposal:
        """`proposal`, made by `weigh`, after the guards that keep count of the run."""
        counting = tallied(self.guards)
        if not counting:
            return proposal
        return _guarded(proposal, bound(counting, belief.tallies), _context(proposal, obs, least=least(proposal)))

    def count(self, belief: Belief, done: Done) -> Belief:
        """The belief after a round of which `done` came; weights stay, bit for bit."""
        if not self.counts:
            return belief
        return replace(belief, tallies=counted(tallied(self.guards), belief.tallies, done))

    def veto(self, belief: Belief, obs: Any, action: Array, instead: Array) -> Belief:
        """The belief after `action`, decided in `obs`, was not let happen and `instead` was done: weights stay, bit for bit."""
        belief = self.remember(belief, obs, instead)
        if not self.counts:
            return belief
        guards = tallied(self.guards)
        after = counted(guards, belief.tallies, Done(obs, instead, True, 0.0, 0.0))
        return replace(belief, tallies=forbidden(guards, after, obs=obs, action=action))

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
        members: Any = self.hypotheses  # to ask a protocol takes a hundred microseconds; an attribute, none
        if hasattr(members, "legal") and not _may_be_legal(members.legal(obs), answer.action):
            raise ValueError(f"the answer {answer.action} is not legal here: it teaches nothing. Ask again.")
        rows, readable = readable_rows(self._rows(belief, obs))
        moved = bayes_update(belief.log_weight, rows[:, answer.action], temper=self.temper, awake=readable)
        if not (isinstance(self.share, float | int) and self.share == 0):
            moved = _shared(moved, belief.log_prior, self.share)
        tallies = belief.tallies
        if not answer.unasked:  # a correction is chosen by who saw the action: no evidence against the members
            said = namespace(rows).where(readable[:, None], rows, float("nan"))
            tallies = heard(tallied(self.guards), tallies, obs=obs, action=answer.action, log_policy=said)
        memory = self.hypotheses.learn(belief.memory, obs, answer)
        return replace(belief, log_weight=moved, memory=memory, tallies=tallies)

    def _acted_on(self, belief: Belief, obs: Any) -> Array:
        """What the rule sees: of members that are policies their rows, of families the least that a plausible policy gives."""
        members: Any = self.hypotheses
        if hasattr(members, "log_lower"):
            return self._checked(belief, members.log_lower(belief.memory, obs))
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


def least(proposal: Proposal) -> Array:
    """`[A]`, the least probability that a leading member gives each action; 0 throughout where nobody leads."""
    xp = namespace(proposal.log_policy)
    lowest = over_leaders(proposal.log_policy, proposal.leader)
    return xp.exp(xp.where(lowest < float("inf"), lowest, -float("inf")))


def _guarded(proposal: Proposal, guards: tuple[Guard, ...], context: Context) -> Proposal:
    each = apply_each(proposal.assent, guards, context)
    return replace(
        proposal,
        assent=(proposal.assent, *each)[-1],
        asks=(*proposal.asks, *(assent.ask for assent in each)),
        reasons=(*proposal.reasons, *(_reason(guard) for guard in guards)),
    )


def _reason(guard: Any) -> str:
    return getattr(getattr(guard, "func", guard), "reason", "guard")


def _context(proposal: Proposal, obs: Any, *, halted: Array | bool = False, least: Array | None = None) -> Context:
    xp = namespace(proposal.log_policy)
    return Context(
        num_leaders=xp.count_nonzero(proposal.leader),
        num_members=xp.asarray(proposal.log_policy.shape[0]),
        readable=xp.all(proposal.readable | ~proposal.leader),
        halted=xp.asarray(halted),
        obs=obs,
        least=least,
    )


def _shared(log_weight: Array, log_prior: Array, share: Array | float) -> Array:
    """`(1 - share) weights + share prior`, in logarithms; a class of which nobody is left stays dead."""
    xp = namespace(log_weight)
    part = xp.asarray(share, dtype=log_weight.dtype)
    both = xp.stack([log_weight + xp.log1p(-part), log_prior + safe_log(part)])
    return xp.where(xp.any(xp.isfinite(log_weight)), log_sum_exp(both, axis=0), log_weight)


def _may_be_legal(legal: Array, action: Array) -> bool:
    """False for an illegal action; True where JAX traces and nobody knows yet."""
    try:
        return bool(legal[action])
    except TypeError:
        return True


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
