"""How many clean decisions it takes, and what one decision's chance comes to over many."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from assent.forecast.deployed import Deployed
from assent.forecast.exposure import Exposure
from assent.forecast.prior import BetaPrior


def clean_needed(exposure: Exposure, prior: BetaPrior, *, risk: float, over: float) -> float:
    """More clean decisions until the chance of a failure in the next `over` is at most `risk`; 0 where it is already.

    >>> clean_needed(Exposure(clean=0), BetaPrior.of(1, 1), risk=0.01, over=1000)
    98999.0
    """

    def low_enough(more: float) -> bool:
        seen = exposure.after(more)
        return float(-np.expm1(Deployed(prior, seen).log_survival(over))) <= risk

    return least(low_enough)


def least(holds: Callable[[float], bool]) -> float:
    """The least whole number from 0 up at which `holds`, once true, stays so; infinity beyond 1e15."""
    if holds(0.0):
        return 0.0
    high = 1.0
    while not holds(high):
        if high > 1e15:
            return math.inf
        high *= 2.0
    low = high / 2.0 if high > 1.0 else 0.0
    while high - low > 1.0:
        middle = math.floor((low + high) / 2.0)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return float(high)


def repeated(chance: float, times: float) -> float:
    """P(at least one in `times` independent decisions)."""
    return 1.0 if chance >= 1.0 and times > 0 else -math.expm1(times * math.log1p(-chance))
