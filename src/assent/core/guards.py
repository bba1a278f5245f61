"""Guards: they see an assent and what is known about the round, and may only take mass away.

A guard is called with `(assent, context)`. `apply_guards` enforces the direction: whatever a guard returns, no action ends
with more mass than before, and a guard whose answer cannot be read (NaN, infinite, negative, another shape) takes everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assent.core.arrays import Array, namespace
from assent.core.assent import Assent


@dataclass(frozen=True, eq=False)
class Context:
    """What a guard may know about the round.

    Attributes:
        num_leaders: integer scalar, members in the leading set.
        num_members: integer scalar, members in the committee, dead ones included.
        readable: boolean scalar, every leading member's row could be read.
        halted: boolean scalar, the overseer has halted the run.
        obs: what the agent sees; None where nobody says, and then a guard that needs it takes everything.
        least: `[A]`, the least probability that a leading member gives each action; None where nobody says.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    num_leaders: Array
    num_members: Array
    readable: Array
    halted: Array
    obs: Any = None
    least: Array | None = None


Guard = Callable[[Assent, Context], Assent]


def withhold(assent: Assent, kept: Array) -> Assent:
    """`assent` with only the share `kept` (boolean or in [0, 1], `[A]` or scalar) of its mass; the rest is asked.

    >>> import numpy as np
    >>> withhold(Assent(np.asarray([0.5, 0.5])), np.asarray([True, False]))
    Assent(probs=array([0.5, 0. ]), ask=np.float64(0.5))
    """
    xp = namespace(assent.probs)
    share = xp.astype(kept, assent.probs.dtype)
    share = xp.where((share >= 0) & (share <= 1), share, 0.0)
    probs = assent.probs * share
    return Assent(probs, gap=assent.ask + xp.sum(assent.probs - probs))


def apply_guards(assent: Assent, guards: Sequence[Guard], context: Context) -> Assent:
    """The assent after all of the guards: the last of `apply_each`, or `assent` itself where there are none.

    >>> import numpy as np
    >>> context = Context(*map(np.asarray, (1, 13, True, False)))
    >>> apply_guards(Assent(np.asarray([0.5, 0.5])), [MinLeaders(2)], context).ask
    np.float64(1.0)
    """
    return (assent, *apply_each(assent, guards, context))[-1]


def apply_each(assent: Assent, guards: Sequence[Guard], context: Context) -> tuple[Assent, ...]:
    """The assent after each guard in turn; a guard that tries to add mass to an action is cut back to what was there."""
    context, after_each = _frozen(context), list[Assent]()
    for guard in guards:
        xp = namespace(assent.probs)
        before, ask = xp.asarray(assent.probs, copy=True), assent.ask  # a guard may write into the array it is shown
        after: Array = getattr(guard(assent, context), "probs", None)
        if getattr(after, "shape", None) != before.shape:  # one number would be spread over all actions
            after = xp.full_like(before, float("nan"))
        readable = xp.all((after >= 0) & (after < float("inf")))
        lower = xp.where(readable, xp.where(after < before, after, before), 0.0)
        assent = Assent(lower, gap=ask + xp.sum(before - lower))
        after_each.append(assent)
    return tuple(after_each)


def _frozen(context: Context) -> Context:
    """The same with NumPy's numbers instead of its arrays, so that no guard can write what the next one reads."""
    fields = (context.num_leaders, context.num_members, context.readable, context.halted)
    numbers: list[Any] = [field[()] if isinstance(field, np.ndarray) else field for field in fields]
    return Context(*numbers, obs=_unwritable(context.obs), least=_unwritable(context.least))


def _unwritable(array: Any) -> Any:
    """A NumPy array as a view that refuses to be written; anything else as it is."""
    given: Any = array
    if isinstance(array, np.ndarray):
        given = given.view()
        given.flags.writeable = False
    return given


@dataclass(frozen=True)
class MinLeaders:
    """Ask unless at least `count` members lead: a committee of learned members that has shrunk to one is no committee.

    Attributes:
        count: at least 1.

    Raises:
        ValueError: `count` is below 1.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "committee-collapsed"
    count: int = 2

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count = {self.count}: at least one member has to lead before anything is done alone.")

    def __call__(self, assent: Assent, context: Context) -> Assent:
        xp = namespace(assent.probs)
        return withhold(assent, xp.asarray(context.num_leaders >= self.count))


@dataclass(frozen=True)
class Readable:
    """Ask in every round in which a leading member's row could not be read."""

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "invalid-member"

    def __call__(self, assent: Assent, context: Context) -> Assent:
        return withhold(assent, namespace(assent.probs).asarray(context.readable))


@dataclass(frozen=True)
class NotHalted:
    """Ask, which a halted run answers with its null action, from the overseer's halt to the overseer's resume."""

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "halted"

    def __call__(self, assent: Assent, context: Context) -> Assent:
        xp = namespace(assent.probs)
        return withhold(assent, xp.asarray(context.halted == False))  # noqa: E712  (an array, and None must not count as False)


@dataclass(frozen=True)
class SureAbove:
    """Ask for sure where the chance of asking is above `tau`: a little more asking, a far smaller risk (see docs/theory.md).

    Attributes:
        tau: in [0, 1); 0 acts only where all leaders agree exactly.

    Raises:
        ValueError: `tau` is outside [0, 1).
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "sure-above"
    tau: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.tau < 1:
            raise ValueError(f"tau = {self.tau} is outside [0, 1): it is compared with the chance of asking.")

    def __call__(self, assent: Assent, context: Context) -> Assent:
        return withhold(assent, assent.ask <= self.tau)


@dataclass(frozen=True)
class OneAnswer:
    """For tasks with one right answer: keep only the action with the most mass, and only if it reaches `mass`.

    Attributes:
        mass: in [0, 1], the least mass that the best action must have.

    Raises:
        ValueError: `mass` is outside [0, 1].

    >>> import numpy as np
    >>> context = Context(*map(np.asarray, (3, 13, True, False)))
    >>> OneAnswer(0.5)(Assent(np.asarray([0.625, 0.125])), context)
    Assent(probs=array([0.625, 0.   ]), ask=np.float64(0.375))
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "one-answer"
    mass: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.mass <= 1:
            raise ValueError(f"mass = {self.mass} is outside [0, 1]: it is compared with a probability.")

    def __call__(self, assent: Assent, context: Context) -> Assent:
        xp = namespace(assent.probs)
        best = xp.arange(assent.probs.shape[0]) == xp.argmax(assent.probs)
        return withhold(assent, best & (assent.probs >= self.mass))


@dataclass(frozen=True)
class Audit:
    """Ask in a share `rate` of the rounds that would be acted alone, whatever the committee says.

    Members that err alike ask nothing, and so never hear of it. Rounds that are asked by a coin of the agent's own are the only ones
    that can show it, and since the coin looks at nothing they teach like any other. See also `HarmonicAudit` and `ContextAudit`.

    Attributes:
        rate: in [0, 1].

    Raises:
        ValueError: `rate` is outside [0, 1].

    >>> import numpy as np
    >>> context = Context(*map(np.asarray, (3, 13, True, False)))
    >>> Audit(0.25)(Assent(np.asarray([0.5, 0.5])), context)
    Assent(probs=array([0.375, 0.375]), ask=np.float64(0.25))
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "audit"
    rate: Array | float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(
                f"rate = {self.rate} is outside [0, 1]: it is the share of lone acts that is asked instead."
            )

    def __call__(self, assent: Assent, context: Context) -> Assent:
        return withhold(assent, namespace(assent.probs).asarray(1 - self.rate, dtype=assent.probs.dtype))
