"""Silence as evidence: an overseer who corrects errors, and is not heard, has not seen one (C9)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from assent.planning.oracles.exact import Number, chance
from assent.planning.oracles.updates import posterior


def silence_likelihood(right: Sequence[bool], *, rate: Number) -> tuple[Fraction, ...]:
    """P(no correction | reward, action) = 1 - rate [the action is suboptimal under it], one for each reward (trigger `on_error`).

    Args:
        right: for each reward, whether the action just done was optimal under it.
        rate: the chance of a correction after an error.

    >>> silence_likelihood([True, False], rate="0.5")
    (Fraction(1, 1), Fraction(1, 2))
    """
    caught = chance("rate", rate)
    return tuple(Fraction(1) if fine else 1 - caught for fine in right)


def after_silences(prior: Sequence[Number], right: Sequence[bool], *, rate: Number, steps: int) -> tuple[Fraction, ...]:
    """The belief after the same action was done `steps` times and nothing was heard.

    Raises:
        ZeroEvidence: every reward that was held possible would have been heard.

    >>> after_silences(["1/2", "1/2"], [True, False], rate="0.5", steps=2)
    (Fraction(4, 5), Fraction(1, 5))
    """
    total = tuple(value**steps for value in silence_likelihood(right, rate=rate))
    return posterior(prior, total)


def two_doors(steps: int, *, rate: Number) -> Fraction:
    """C9 in closed form: 1 / (1 + (1 - rate)^n), the belief in the door opened n times in silence, from 1/2.

    >>> two_doors(1, rate="0.5")
    Fraction(2, 3)
    """
    return 1 / (1 + (1 - chance("rate", rate)) ** steps)
