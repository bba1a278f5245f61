"""The one type that every decision goes through: a sub-distribution whose missing mass is the chance of asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assent.core.arrays import Array, choose, missing_mass, namespace, rounding


@dataclass(frozen=True, init=False, eq=False)
class Assent:
    """A sub-distribution over actions; what is missing is the probability that the overseer is asked instead.

    Attributes:
        probs: `[A]`, each >= 0, the probability of acting alone with that action.
        ask: scalar in [0, 1], the probability of asking; `sum(probs) + ask = 1` up to rounding.

    The constructor is guarded. Input that is not a sub-distribution (a NaN, an infinity, a negative entry, a sum above 1
    by more than rounding) becomes the zero vector with `ask = 1`: an unreadable assent never acts.

    Args:
        probs: `[A]`.
        gap: mass that is known to be missing, a scalar >= 0 that the caller summed from non-negative terms. Without it
            the missing mass is `1 - sum(probs)`, whose rounding would be read as a small chance of asking; with it only what
            `sum(probs) + gap` leaves out by more than rounding is added to the chance of asking.

    Raises:
        ValueError: `probs` is not one row of at least one action.
        TypeError: `probs` holds no real floating-point numbers, or ones of half precision.

    >>> import numpy as np
    >>> float(Assent(np.asarray([0.25, 0.5])).ask)
    0.25
    >>> Assent(np.asarray([0.9, 0.9])).probs
    array([0., 0.])
    >>> float(Assent(np.asarray([0.9, float("nan")])).ask)
    1.0
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    probs: Array
    ask: Array

    def __init__(self, probs: Array, *, gap: Array | float = 0.0) -> None:
        xp = namespace(probs)
        if len(probs.shape) != 1 or probs.shape[0] == 0:
            raise ValueError(
                f"probs has the shape {tuple(probs.shape)}: an assent is one row [A] of at least one action."
            )
        slack = rounding(xp, probs)
        total = xp.sum(probs)
        gap = probs.dtype.type(gap) if xp is np else xp.asarray(gap, dtype=probs.dtype)
        ask = gap + missing_mass(total + gap)
        sound = (xp.min(probs) >= 0) & (gap >= 0) & (ask <= 1 + slack)
        # under flush-to-zero, which NumPy does not use, a negative denormal passes `>= 0`; abs makes it positive
        kept = choose(sound, probs, 0.0)
        object.__setattr__(self, "probs", kept if xp is np else xp.abs(kept))
        # summed from many terms, a certain ask may come out as 1 + eps or 1 - eps
        object.__setattr__(self, "ask", choose(sound & (total > 0) & (ask < 1), ask, 1.0))

    @property
    def num_actions(self) -> int:
        """The number of actions, A."""
        return int(self.probs.shape[-1])


def always_ask(like: Array) -> Assent:
    """The assent that only asks, with as many actions as `like` (`[A]`).

    >>> import numpy as np
    >>> float(always_ask(np.ones(3)).ask)
    1.0
    """
    return Assent(namespace(like).zeros_like(like))
