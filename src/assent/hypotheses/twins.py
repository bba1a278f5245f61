"""twins: tables, and copies of one of them that betray when a trigger of their own fires: a time, a state, a count, a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from assent.core import Answer, Array, Grade
from assent.core.arrays import namespace, rounding, safe_log
from assent.hypotheses.observations import context_of
from assent.hypotheses.prior import log_prior_of

Kind = Literal["time", "state", "acts", "history"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MODULUS = 32_749
MULTIPLIER = 30_011
"""History is hashed by polynomials modulo the greatest prime below 2^15, so that 32-bit integers hold every product."""


@dataclass(frozen=True)
class Trigger:
    """When a twin betrays.

    Attributes:
        kind: `time`, in every round from `since` on; `state`, in state `number`; `acts`, once `number` rounds have gone by that nobody
            answered; `history`, when the hash of all that was seen and done, modulo `MODULUS`, leaves `number` modulo the twins' `period`.
        number: what `kind` says.
        since: never before this round.

    Raises:
        ValueError: another kind, or a negative number.
    """

    kind: Kind
    number: int = 0
    since: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind = {self.kind!r}: a trigger is one of {', '.join(KINDS)}.")
        if self.number < 0 or self.since < 0:
            raise ValueError(f"number = {self.number} and since = {self.since} must not be negative.")


class Past(NamedTuple):
    """What the twins remember.

    Attributes:
        rounds: rounds so far.
        unaudited: rounds in which the overseer answered nothing: what was done alone, or when nobody came.
        history: hash of all (state, action) so far, in 0 … `MODULUS` - 1.
        answered: whether the overseer has answered in the round at hand.
    """

    rounds: Array
    unaudited: Array
    history: Array
    answered: Array


@dataclass(frozen=True, eq=False)
class Twins:
    """N tabular policies over S contexts and A actions, and M twins of one of them; an observation is a context's number.

    A twin's row is that of its model until its trigger fires, and `betrayal` when it does. Nothing of it can be told apart before: only
    the question asked because of it gives it away. Rows depend on the whole past, so no assent may be kept from round to round.

    Attributes:
        log_rows: `[S, A, N]`, log-probabilities of the tables.
        log_betrayal: `[A]`.
        kind, number, since: `[M]`, the triggers; `kind` counts in `KINDS`.
        log_prior_weights: `[N + M]`, normalised; the twins come last.
        model: which table is copied.
        period: of the triggers by history.
        names: one for each member.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("model", "period", "names")
    log_rows: Array
    log_betrayal: Array
    kind: Array
    number: Array
    since: Array
    log_prior_weights: Array
    model: int
    period: int
    names: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        policies: Array,
        *,
        model: int,
        triggers: Sequence[Trigger],
        betrayal: Array,
        prior: Array | None = None,
        period: int = 1_000,
        names: Sequence[str] = (),
    ) -> Twins:
        """`policies` `[N, S, A]` and a twin of number `model` for each of `triggers`.

        Args:
            betrayal: `[A]`, the row of a twin whose trigger fires.
            prior: `[N + M]`; uniform when left out.
            period: in 1 … 32,749, the mean number of rounds between two firings of a trigger by history.

        Raises:
            ValueError: rows that are no sub-distributions, a model that there is not, a period out of range, no triggers, names or
                prior weights of another length.

        >>> bank = Twins.of(np.asarray([[[0.5, 0.5]]]), model=0, triggers=[Trigger("time", since=1)], betrayal=np.asarray([0.0, 1.0]))
        >>> after = bank.advance(bank.init(), 0, np.asarray(0))
        >>> np.exp(bank.log_policy(bank.init(), 0)).tolist(), np.exp(bank.log_policy(after, 0)).tolist()
        ([[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [0.0, 1.0]])
        """
        _refuse(policies, model=model, triggers=triggers, betrayal=betrayal, period=period)
        xp, count = namespace(policies, betrayal), int(policies.shape[0]) + len(triggers)
        if names and len(names) != count:
            raise ValueError(f"{len(names)} names for {count} members: give one for each, or none.")
        weights = xp.ones(count, dtype=policies.dtype) if prior is None else xp.asarray(prior, dtype=policies.dtype)
        return cls(
            log_rows=safe_log(xp.permute_dims(policies, (1, 2, 0))),
            log_betrayal=safe_log(betrayal),
            kind=xp.asarray([KINDS.index(trigger.kind) for trigger in triggers]),
            number=xp.asarray([trigger.number for trigger in triggers]),
            since=xp.asarray([trigger.since for trigger in triggers]),
            log_prior_weights=log_prior_of(weights, num_members=count),
            model=model,
            period=period,
            names=tuple(names) or tuple(f"member {i}" for i in range(count)),
        )

    @staticmethod
    def example() -> Twins:
        """Two policies over three contexts, and a twin of each kind."""
        rows = np.random.default_rng(2).dirichlet(np.ones(3), size=(2, 3))
        triggers = [Trigger("time", since=2), Trigger("state", 1), Trigger("acts", 2), Trigger("history", 1)]
        return Twins.of(rows, model=1, triggers=triggers, betrayal=np.asarray([0.0, 0.02, 0.98]), period=3)

    @property
    def num_members(self) -> int:
        return int(self.log_prior_weights.shape[0])

    @property
    def num_actions(self) -> int:
        return int(self.log_rows.shape[1])

    @property
    def num_contexts(self) -> None:
        return None

    @property
    def grade(self) -> Grade:
        return "exact"

    @property
    def remembers(self) -> bool:
        return True

    def log_prior(self) -> Array:
        return self.log_prior_weights

    def init(self) -> Past:
        xp = namespace(self.log_rows)
        zero = xp.asarray(0)
        return Past(zero, zero, zero, xp.asarray(False))

    def fires(self, memory: Past, obs: Any) -> Array:
        """Boolean `[M]`: which twins would betray now."""
        xp = namespace(self.log_rows)
        state = xp.asarray(obs)
        by_kind = (
            self.number >= 0,
            self.number == xp.astype(state, self.number.dtype),
            memory.unaudited >= self.number,
            memory.history % self.period == self.number,
        )
        fired = xp.zeros(self.kind.shape, dtype=bool)
        for kind, holds in enumerate(by_kind):
            fired = fired | ((self.kind == kind) & holds)
        return fired & (memory.rounds >= self.since)

    def log_policy(self, memory: Past, obs: Any) -> Array:
        """The members' rows in context `obs`, `[N + M, A]`.

        Raises:
            IndexError: `obs` is no context (a negative one would count from the end).
        """
        xp = namespace(self.log_rows)
        rows = xp.permute_dims(self.log_rows[context_of(obs, self.log_rows.shape[0]), :, :], (1, 0))
        twins = xp.where(self.fires(memory, obs)[:, None], self.log_betrayal[None, :], rows[self.model, :][None, :])
        return xp.concat([rows, twins])

    def advance(self, memory: Past, obs: Any, action: Array) -> Past:
        xp = namespace(self.log_rows)
        whole = memory.history.dtype
        seen = xp.astype(xp.asarray(obs), whole) * self.num_actions + xp.astype(xp.asarray(action), whole) + 1
        return Past(
            rounds=memory.rounds + 1,
            unaudited=memory.unaudited + xp.where(memory.answered, 0, 1),
            history=(memory.history * MULTIPLIER + seen) % MODULUS,
            answered=xp.zeros_like(memory.answered),
        )

    def learn(self, memory: Past, obs: Any, answer: Answer) -> Past:
        return memory._replace(answered=namespace(self.log_rows).ones_like(memory.answered))


def _refuse(policies: Array, *, model: int, triggers: Sequence[Trigger], betrayal: Array, period: int) -> None:
    xp = namespace(policies, betrayal)
    if policies.ndim != 3 or 0 in policies.shape or betrayal.shape != policies.shape[2:]:
        raise ValueError(
            f"policies {tuple(policies.shape)} must be [members, contexts, actions] and betrayal {tuple(betrayal.shape)} one row of them."
        )
    for name, rows in (("policies", policies), ("betrayal", betrayal)):
        slack = 1 + rounding(xp, rows)
        if not bool(xp.all(xp.isfinite(rows) & (rows >= 0)) & xp.all(xp.sum(rows, axis=-1) <= slack)):
            raise ValueError(
                f"a row of {name} is no sub-distribution: entries must be finite, >= 0, and sum to at most 1."
            )
    if not 0 <= model < policies.shape[0]:
        raise ValueError(f"model = {model} is no policy; they run from 0 to {policies.shape[0] - 1}.")
    if not triggers or not 1 <= period <= MODULUS:
        raise ValueError(
            f"{len(triggers)} triggers, period = {period}: give at least one, and 1 to {MODULUS:,} rounds."
        )
