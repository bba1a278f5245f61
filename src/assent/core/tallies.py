"""Guards that keep count of the run: a cap on its risk, audits that thin out, a stretch at the start in which everything is asked.

Such a guard is called with `(assent, context, tally)`. Its tally is a value: `start` makes it, `count` moves it once a round by what
came of the round, `hear` by what the overseer said. An agent keeps the tallies in its belief. Like every guard it may only take mass away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from assent.core.arrays import Array, namespace, widest
from assent.core.assent import Assent
from assent.core.guards import Context, Guard, withhold
from assent.core.risk import worst_charge


@dataclass(frozen=True, eq=False)
class Done:
    """What came of a round, as far as guards keep count of it.

    Attributes:
        obs: what was seen.
        action: integer scalar, what was done; -1 for nothing.
        asked: boolean scalar, the overseer was asked.
        charge: scalar, nats: what the round cost given the action (`log_factors`); at most `worst`, and below 0 where an action was done
            that only the overseer does.
        worst: scalar, nats: what it might have cost (`worst_charge`).
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    obs: Any
    action: Array
    asked: Array
    charge: Array
    worst: Array


@runtime_checkable
class Tallied(Protocol):
    """A guard with a tally. `like` is any array `[H]` of the library and dtype in use, `num_contexts` the agent's."""

    def start(self, like: Array, num_contexts: int | None) -> Any: ...
    def __call__(self, assent: Assent, context: Context, tally: Any) -> Assent: ...
    def count(self, tally: Any, done: Done) -> Any: ...


@runtime_checkable
class Hearing(Protocol):
    """A tallied guard that listens: `log_policy [H, A]` is what the members had said of `obs` before the overseer chose `action`."""

    def hear(self, tally: Any, obs: Any, action: Array, log_policy: Array) -> Any: ...


@runtime_checkable
class Forbidding(Protocol):
    """A tallied guard that is told of vetoes: somebody saw that `action` was to be done at `obs`, and stopped it."""

    def forbid(self, tally: Any, obs: Any, action: Array) -> Any: ...


def keeps_count(guard: Any) -> bool:
    """Whether `guard` is `Tallied`; to ask a protocol takes a hundred microseconds, and this is asked several times a round."""
    return hasattr(guard, "count") and hasattr(guard, "start")


def plain(guards: Sequence[Guard | Tallied]) -> tuple[Guard, ...]:
    """The guards without a tally: what they leave of an assent holds until the next answer."""
    return cast("tuple[Guard, ...]", tuple(guard for guard in guards if not keeps_count(guard)))


def tallied(guards: Sequence[Guard | Tallied]) -> tuple[Tallied, ...]:
    """The guards with one."""
    return cast("tuple[Tallied, ...]", tuple(guard for guard in guards if keeps_count(guard)))


def counted(guards: Sequence[Tallied], tallies: Sequence[Any], done: Done) -> tuple[Any, ...]:
    """The tallies after a round."""
    return tuple(guard.count(tally, done) for guard, tally in zip(guards, tallies, strict=True))


def heard(
    guards: Sequence[Any], tallies: Sequence[Any], *, obs: Any, action: Array, log_policy: Array
) -> tuple[Any, ...]:
    """The tallies after the overseer chose `action` at `obs`; see `Hearing`."""
    pairs = zip(guards, tallies, strict=True)
    return tuple(
        guard.hear(tally, obs, action, log_policy) if hasattr(guard, "hear") else tally for guard, tally in pairs
    )


def forbidden(guards: Sequence[Any], tallies: Sequence[Any], *, obs: Any, action: Array) -> tuple[Any, ...]:
    """The tallies after somebody stopped `action` at `obs`; see `Forbidding`."""
    pairs = zip(guards, tallies, strict=True)
    return tuple(guard.forbid(tally, obs, action) if hasattr(guard, "forbid") else tally for guard, tally in pairs)


def bound(guards: Sequence[Tallied], tallies: Sequence[Any]) -> tuple[Guard, ...]:
    """Guards with their tallies filled in, as `apply_guards` takes them.

    >>> import numpy as np
    >>> (cap,) = bound([AskFirst(1)], [np.asarray(0)])
    >>> float(cap(Assent(np.asarray([0.5, 0.5])), Context(*map(np.asarray, (3, 13, True, False)))).ask)
    1.0
    """
    return tuple(partial(guard, tally=tally) for guard, tally in zip(guards, tallies, strict=True))


@dataclass(frozen=True)
class RiskCap:
    """Ask for sure in every round that might take the run's risk above `cap` nats.

    Then, with the overseer's model in the leading set but for a chance of delta, every event about actions and observations, at any
    horizon, has at most `exp(cap)` times the probability that it has under the overseer alone, plus delta (docs/theory.md). It must be the
    last of an agent's guards, since what a later one takes from single actions it would not see.

    Attributes:
        cap: nats, at least 0; at 0 the agent acts only where the leaders agree exactly.
        realised: charge each round by the action that was done, which may also lower the risk spent; otherwise by the worst that could
            have been done, `log(1 + ask)` for the minimum rule.

    Raises:
        ValueError: `cap` is below 0 or above 700, from where on `exp(cap)` is no number.

    >>> import numpy as np
    >>> half = np.asarray([0.5, 0.25])
    >>> context = Context(*map(np.asarray, (3, 13, True, False)), least=half)
    >>> RiskCap(0.1)(Assent(half), context, np.asarray(0.0)).ask
    np.float64(1.0)
    """

    static_fields: ClassVar[tuple[str, ...]] = ("realised",)
    reason: ClassVar[str] = "risk-cap"
    cap: Array | float = 1.0
    realised: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.cap <= 700:
            raise ValueError(
                f"cap = {self.cap}: the risk that a run may spend is a number of nats from 0 to 700; 1 allows e = 2.7 times the overseer's "
                "own chance of anything. Leave the guard out for a run without a cap."
            )

    def start(self, like: Array, num_contexts: int | None) -> Array:
        xp = namespace(like)
        return xp.zeros((), dtype=widest(xp))

    def __call__(self, assent: Assent, context: Context, tally: Array) -> Assent:
        xp = namespace(assent.probs)
        if context.least is None:
            return withhold(assent, xp.asarray(False))
        after = tally + worst_charge(assent.probs, context.least, assent.ask)
        return withhold(assent, xp.asarray(after <= self.cap))

    def count(self, tally: Array, done: Done) -> Array:
        return tally + (done.charge if self.realised else done.worst)


@dataclass(frozen=True)
class HarmonicAudit:
    """Ask in a share `first / (first + 1 + n)` of the rounds that would be acted alone, n being how many were; never less than `floor`.

    So the next lone act comes after `first / (n + 1)` audits on average, and without a floor n lone acts come with about `first log n`
    audits: rare, and never over. See `Audit` for why.

    Attributes:
        first: above 0, the audits before the first lone act.
        floor: in [0, 1].

    Raises:
        ValueError: one of them is out of its range.

    >>> import numpy as np
    >>> context = Context(*map(np.asarray, (3, 13, True, False)))
    >>> [round(float(HarmonicAudit(1.0)(Assent(np.ones(1)), context, np.asarray(n)).ask), 6) for n in (0, 1, 3)]
    [0.5, 0.333333, 0.2]
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "audit"
    first: Array | float = 10.0
    floor: Array | float = 0.0

    def __post_init__(self) -> None:
        _check_audit(self.first, self.floor)

    def start(self, like: Array, num_contexts: int | None) -> Array:
        return namespace(like).zeros_like(like[0, ...])

    def __call__(self, assent: Assent, context: Context, tally: Array) -> Assent:
        return withhold(assent, _unaudited(tally, self.first, self.floor))

    def count(self, tally: Array, done: Done) -> Array:
        return tally + namespace(tally).astype(_alone(done, tally), tally.dtype)


@dataclass(frozen=True)
class ContextAudit:
    """`HarmonicAudit` in each context by itself, so that a context that is seldom seen is audited as often as a common one.

    Attributes:
        first: above 0.
        floor: in [0, 1].

    Raises:
        ValueError: one of them is out of its range.
        TypeError: (at `start`) observations are no context numbers.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "audit"
    first: Array | float = 1.0
    floor: Array | float = 0.0

    def __post_init__(self) -> None:
        _check_audit(self.first, self.floor)

    def start(self, like: Array, num_contexts: int | None) -> Array:
        if num_contexts is None:
            raise TypeError(
                "ContextAudit counts by context, and these hypotheses do not number theirs: take HarmonicAudit, or hypotheses with "
                "num_contexts."
            )
        return namespace(like).zeros(num_contexts, dtype=like.dtype)

    def __call__(self, assent: Assent, context: Context, tally: Array) -> Assent:
        xp = namespace(assent.probs)
        if context.obs is None:
            return withhold(assent, xp.asarray(False))
        return withhold(assent, _unaudited(tally[context.obs], self.first, self.floor))

    def count(self, tally: Array, done: Done) -> Array:
        xp = namespace(tally)
        here = xp.arange(tally.shape[0]) == xp.asarray(done.obs)
        return tally + xp.astype(here & _alone(done, tally), tally.dtype)


@dataclass(frozen=True)
class AskFirst:
    """Ask for sure until `count_first` answers have come; silence is none.

    Attributes:
        count_first: at least 0.

    Raises:
        ValueError: it is below 0.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "first"
    count_first: Array | int = 100

    def __post_init__(self) -> None:
        if self.count_first < 0:
            raise ValueError(f"count_first = {self.count_first}: give the number of rounds to ask first, 0 or more.")

    def start(self, like: Array, num_contexts: int | None) -> Array:
        xp = namespace(like)
        return xp.astype(xp.zeros_like(like[0, ...]), xp.int64)

    def __call__(self, assent: Assent, context: Context, tally: Array) -> Assent:
        return withhold(assent, namespace(assent.probs).asarray(tally >= self.count_first))

    def count(self, tally: Array, done: Done) -> Array:
        return tally

    def hear(self, tally: Array, obs: Any, action: Array, log_policy: Array) -> Array:
        return tally + 1


@dataclass(frozen=True)
class Vetoed:
    """Never again do alone, in the same context, what somebody once stopped: it is asked.

    Attributes:
        num_actions: A.

    Raises:
        TypeError: (at `start`) observations are no context numbers.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions",)
    reason: ClassVar[str] = "vetoed"
    num_actions: int

    @staticmethod
    def example() -> Vetoed:
        """One for four actions."""
        return Vetoed(4)

    def start(self, like: Array, num_contexts: int | None) -> Array:
        if num_contexts is None:
            raise TypeError(
                "Vetoed remembers by context, and these hypotheses do not number theirs: take hypotheses with num_contexts."
            )
        xp = namespace(like)
        return xp.zeros((num_contexts, self.num_actions), dtype=xp.bool)

    def __call__(self, assent: Assent, context: Context, tally: Array) -> Assent:
        if context.obs is None:
            return withhold(assent, namespace(assent.probs).asarray(False))
        return withhold(assent, ~tally[context.obs, :])

    def count(self, tally: Array, done: Done) -> Array:
        return tally

    def forbid(self, tally: Array, obs: Any, action: Array) -> Array:
        xp = namespace(tally)
        here = xp.arange(tally.shape[0]) == xp.asarray(obs)
        return tally | (here[:, None] & (xp.arange(tally.shape[1]) == xp.asarray(action))[None, :])


def _check_audit(first: Array | float, floor: Array | float) -> None:
    if not (0 < first < math.inf and 0 <= floor <= 1):
        raise ValueError(f"first = {first}, floor = {floor}: give a number above 0 and a share in [0, 1].")


def _unaudited(alone: Array, first: Array | float, floor: Array | float) -> Array:
    """The share of would-be lone acts that is not audited, after `alone` of them."""
    xp = namespace(alone)
    rate = first / (
        first + 1 + alone
    )  # below 1 from the start: at 1 nothing would ever be done alone, and so nothing counted
    return 1 - xp.where(rate > floor, rate, floor)


def _alone(done: Done, like: Array) -> Array:
    xp = namespace(like)
    return ~xp.asarray(done.asked, dtype=xp.bool)
