"""Residual sampling: where the overseer states probabilities, what is done when asked makes the agent's law exactly hers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assent.core.arrays import Array, namespace, rounding
from assent.core.rules import Minimum


@dataclass(frozen=True, eq=False)
class Residual:
    """What is left of the overseer's law once the agent's own acts are taken off.

    Attributes:
        probs: `[A]`, sums to 1: what to do now that she was asked.
        contradicted: boolean scalar: she gives an action less than every leading member does, so that her model is certainly not among
            them.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    probs: Array
    contradicted: Array


def residual(stated: Array, probs: Array, least: Array) -> Residual:
    """`(stated - probs) / chance of asking`, for a round in which the overseer was asked.

    Acting alone with `probs` and, when asked, with this, every action is done with exactly the probability that the overseer states: the
    speculative sampling of Leviathan, Kalman and Matias (ICML 2023) and Chen et al. (2023), without their verification step, since the
    leaders' minimum never exceeds the overseer's own probability while her model leads.

    Args:
        stated: `[A]`, the overseer's probabilities, sum 1.
        probs: `[A]`, the assent of the round, after guards.
        least: `[A]`, the leaders' minimum.

    If she states less than the leaders' minimum somewhere, by more than rounding, coverage has failed: `contradicted`, and what is
    done is her own law. So it is if her numbers cannot be read.

    >>> import numpy as np
    >>> found = residual(np.asarray([0.75, 0.25]), np.asarray([0.5, 0.25]), np.asarray([0.5, 0.25]))
    >>> found.probs, bool(found.contradicted)
    (array([1., 0.]), False)
    """
    xp = namespace(stated, probs, least)
    slack = rounding(xp, stated)
    short = ~xp.all(stated >= least - slack)  # true for NaN as well
    left = xp.where(stated > probs, stated - probs, 0.0)
    total = xp.sum(left)
    usable = ~short & (total > 0)
    return Residual(xp.where(usable, left / xp.where(total > 0, total, 1.0), stated), short)


def draw(probs: Array, uniform: Array) -> Array:
    """The action that a uniform number in [0, 1) selects from `probs` `[A]`; the last with mass takes what rounding leaves.

    >>> import numpy as np
    >>> int(draw(np.asarray([0.25, 0.75]), np.asarray(0.3)))
    1
    """
    xp = namespace(probs)
    below = xp.cumulative_sum(probs)
    last = xp.sum(xp.astype(below < below[-1], xp.int64))
    chosen = xp.sum(xp.astype(below <= uniform * below[-1], xp.int64))
    return xp.where(chosen < last, chosen, last)


def must_keep_below(agent: object) -> None:
    """Nothing, if `agent` does no action with more than the leaders' minimum, which is below the overseer's own probability, so that asking
    can make up her law.

    Raises:
        ValueError: its rule is another than `Minimum`, or its class bounds which actions she takes, and not how often.
    """
    rule = getattr(agent, "rule", None)
    if not isinstance(rule, Minimum):
        raise ValueError(
            f"residual wants the rule Minimum, not {type(rule).__name__}: an action that is done alone more often than the overseer "
            "would do it cannot be made up for by asking."
        )
    members = getattr(agent, "hypotheses", None)
    if getattr(members, "preserves", "distribution") != "distribution":
        raise ValueError(
            f"residual wants hypotheses that say how often the overseer does what she does, and {type(members).__name__} says what she "
            "ever does: what is done alone would not have her law. Leave residual out, or take Simplexes."
        )
