"""What a leading set promises: the chance of ever losing the overseer's model, and a bound on how often it is asked.

All of it is for the member that could least afford it: where the formula has the prior weight of the overseer's own model, which nobody
knows, the least prior weight of any member stands. Proofs are in docs/theory.md.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from assent.core.arrays import Array
from assent.core.leading import AlphaSet, Everyone, RatioSet


def coverage_risk(leading: Any, log_prior: Array, *, temper: float = 1.0) -> float | None:
    """The chance, at most, that the overseer's model, if it is a member, ever leaves the leading set; None where nothing is proven.

    `RatioSet`: `delta ** (1 / temper)`. `AlphaSet`: alpha over the least prior weight (Cohen, Hutter and Nanda, JMLR 23, 2022, Theorem 2),
    None from 1 on and with tempered weights. `Everyone`: 0.

    >>> coverage_risk(RatioSet(0.05), np.log(np.asarray([0.5, 0.5])))
    0.05
    >>> coverage_risk(AlphaSet(0.01), np.log(np.asarray([0.5, 0.5]))).__round__(9)
    0.02
    """
    if isinstance(leading, RatioSet):
        return float(leading.delta) ** (1 / temper)
    if isinstance(leading, Everyone):
        return 0.0
    if isinstance(leading, AlphaSet) and temper == 1:
        risk = float(leading.alpha) / _least(log_prior)
        return risk if risk < 1 else None
    return None


def query_bound(leading: Any, log_prior: Array, *, temper: float = 1.0) -> float | None:
    """A bound on the expected sum over all time of `theta ** 3`, theta being what the minimum leaves over; None where there is none.

    `RatioSet` with H members and `L = ln(1 / (delta w))`, w the least prior weight: the smaller of `2 H^2 / sqrt(delta w)` and, if L >= 2,
    `4.31 H^2 L`; tempered by eta, `4.31 H^2 L / eta`. `AlphaSet` with `M = min(H, 1 / alpha)`: `2 M / sqrt(alpha) sum_i sqrt(w_i / w)`, and
    under a uniform prior, if `ln(1 / alpha) >= 2`, no more than `4.31 M H ln(1 / alpha)`. They are loose by orders of magnitude: compare
    what was counted. Derived in docs/theory.md, "How often it asks". With a `cap` on the leading set there is none: as long as more members
    than that are plausible every round is asked, and members that say the same stay plausible for ever.

    >>> uniform = np.full(10, -np.log(10))
    >>> round(query_bound(RatioSet(0.05), uniform)), round(query_bound(AlphaSet(0.005), uniform))
    (2284, 2284)
    """
    if getattr(leading, "cap", None) is not None:
        return None
    prior = np.exp(np.asarray(log_prior, dtype=np.float64))
    prior = prior[prior > 0]
    members, least = len(prior), _least(log_prior)
    if isinstance(leading, RatioSet):
        log_odds = math.log(1 / (float(leading.delta) * least))
        slow = 4.31 * members**2 * log_odds / temper if log_odds >= 2 else math.inf
        fast = 2 * members**2 / math.sqrt(float(leading.delta) * least) if temper == 1 else math.inf
        return min(slow, fast) if math.isfinite(min(slow, fast)) else None
    if isinstance(leading, AlphaSet) and temper == 1:
        alpha = float(leading.alpha)
        most, log_inverse = min(members, math.floor(1 / alpha)), math.log(1 / alpha)
        fast = 2 * most / math.sqrt(alpha) * float(np.sqrt(prior / least).sum())
        even = log_inverse >= 2 and np.allclose(prior, least, rtol=1e-9, atol=0)
        return min(fast, 4.31 * most * members * log_inverse) if even else fast
    return None


def _least(log_prior: Array) -> float:
    prior = np.exp(np.asarray(log_prior, dtype=np.float64))
    return float(prior[prior > 0].min())
