"""Kinds of failure that nobody has seen yet: how likely the next observation is of a new kind, and how many new ones are to come.

`counts` says how often each kind was seen, as a mapping from kind to count or as the counts alone; their sum is the number of
observations, N. What is not a failure is a kind too: leave it out, and N counts failures, not decisions. With no failure at all
none of this bounds anything; `bounds.exact_upper` does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.forecast.checking import count, positive, probability
from assent.forecast.kernel import log_survival_counted
from assent.forecast.numerics import digamma_rise

Counts = Mapping[Any, int] | Sequence[int] | NDArray[np.integer]


def good_turing(counts: Counts) -> float:
    """The estimated probability, in [0, 1], that the next observation is of a kind never seen: the share of kinds seen just once.

    n_1 / N (Good, "The population frequencies of species and the estimation of population parameters", 1953). An estimate, not a
    bound: it is 0 as soon as every kind was seen twice. Without any observation it is 1.0.

    Raises:
        ValueError: a count is no whole number of at least 1.

    >>> good_turing({"fine": 95, "timeout": 3, "wrong unit": 1, "wrong file": 1})
    0.02
    """
    seen = _counts(counts)
    return sum(number == 1 for number in seen) / sum(seen) if seen else 1.0


def missing_mass_upper(counts: Counts, *, delta: float = 0.05) -> float:
    """An upper bound, in (0, 1], on the total probability of all kinds never seen: a guarantee at the risk `delta`.

    `n_1/N + (2 sqrt 2 + sqrt 3) sqrt(ln(3/delta) / N)` (McAllester and Schapire, "On the convergence rate of Good-Turing estimators",
    2000). 1.0 where that is 1 or more, and there it says nothing: below 86 observations at delta = 0.05, whatever they are.

    Raises:
        ValueError: a count is no whole number of at least 1, or `delta` is outside (0, 1).

    >>> round(missing_mass_upper([9_900, 99, 1]), 6), missing_mass_upper([80])
    (0.092379, 1.0)
    """
    risk, seen = probability("risk delta", delta), _counts(counts)
    if not seen:
        return 1.0
    deviation = (2 * math.sqrt(2) + math.sqrt(3)) * math.sqrt(math.log(3 / risk) / sum(seen))
    return min(good_turing(counts) + deviation, 1.0)


def good_toulmin(counts: Counts, t: float) -> float:
    """How many new kinds to expect in the next `t` N observations, after N; an estimate that may come out negative.

    `-sum_j (-t)^j n_j` (Good and Toulmin, "The number of new species, and the increase in population coverage, when a sample is
    increased", 1956), exact in expectation. Its variance explodes beyond t = 1: from there on term j is weighted with
    P(Binomial(k, 2/(t+2)) >= j), k = log_3(N t^2/(t-1)) / 2 rounded up (Orlitsky, Suresh and Wu, "Optimal prediction of the number of
    unseen species", 2016), which can be trusted up to about t = ln N. Without any observation it is 0.0.

    Args:
        counts: how often each kind was seen.
        t: further observations as a multiple of N, >= 0.

    Raises:
        ValueError: a count is no whole number of at least 1, or `t` is negative or not finite.

    >>> good_toulmin([3, 2, 1, 1, 1], 1.0), round(good_toulmin([3, 2, 1, 1, 1], 3.0), 6)
    (3.0, 4.32)
    """
    ahead, seen = count("multiple t of the observations", t), _counts(counts)
    kinds_seen = Counter(seen)
    if ahead <= 1:
        return math.fsum(-((-ahead) ** times) * kinds for times, kinds in kinds_seen.items())
    if not seen:
        return 0.0
    draws = math.ceil(0.5 * math.log(sum(seen) * ahead * ahead / (ahead - 1), 3))
    share = 2 / (ahead + 2)
    at_least = {j: _binomial_tail(j, draws, share) for j in kinds_seen if j <= draws}
    return math.fsum(-((-ahead) ** j) * weight * kinds_seen[j] for j, weight in at_least.items())


def pitman_yor_new(total: float, kinds: float, *, theta: float, sigma: float = 0.0) -> float:
    """The probability, in [0, 1], that the next observation is of a new kind, after `total` observations of `kinds` kinds.

    `(theta + sigma kinds) / (theta + total)` (Pitman and Yor, "The two-parameter Poisson-Dirichlet distribution derived from a stable
    subordinator", 1997); sigma = 0 is the Dirichlet process.

    Args:
        total: observations so far.
        kinds: different kinds among them, at most `total`.
        theta: > 0; the larger, the more kinds.
        sigma: in [0, 1); above 0 the number of kinds grows as a power.

    Raises:
        ValueError: a number is outside its range, or there are more kinds than observations, or observations without a kind.

    >>> round(pitman_yor_new(1000, 5, theta=1, sigma=0.5), 8)
    0.0034965
    """
    number, different = count("number of observations", total), count("number of kinds", kinds)
    concentration, discount = positive("concentration theta", theta), count("discount sigma", sigma)
    if discount >= 1:
        raise ValueError(f"The discount sigma is {sigma!r}; it must be 0 or more and below 1.")
    if different > number or (number > 0 and different == 0):
        raise ValueError(
            f"The number of kinds is {kinds!r}; it must be at least 1 and at most the number of observations, {total!r}."
        )
    return (concentration + discount * different) / (concentration + number)


def expected_new(total: float, over: float, *, theta: float) -> float:
    """How many new kinds to expect in `over` further observations, after `total`, under a Dirichlet process.

    The sum of `theta / (theta + total + i)` over i < over, by a digamma difference without cancellation (Antoniak, "Mixtures of
    Dirichlet processes", 1974). It does not depend on how many kinds were seen.

    Raises:
        ValueError: `total` or `over` is negative, `theta` is not above 0, or a number is not finite.

    >>> round(expected_new(1000, 1000, theta=1), 6)
    0.692897
    """
    number, ahead = count("number of observations", total), count("number of observations ahead", over)
    concentration = positive("concentration theta", theta)
    return concentration * digamma_rise(concentration + number, ahead)


def any_new(total: float, over: float, *, theta: float) -> float:
    """The probability, in [0, 1], of at least one new kind in `over` further observations, under a Dirichlet process.

    `1 - Gamma(N+m) Gamma(theta+N) / (Gamma(N) Gamma(theta+N+m))`; for theta = 1 it is m/(N+m). The first observation of all is new.

    Raises:
        ValueError: `total` or `over` is negative, `theta` is not above 0, or a number is not finite.

    >>> round(any_new(1000, 1000, theta=1), 12)
    0.5
    """
    number, ahead = count("number of observations", total), count("number of observations ahead", over)
    concentration = positive("concentration theta", theta)
    if number == 0 or ahead == 0:
        return float(ahead > 0)
    return -math.expm1(float(log_survival_counted(concentration, number, 0.0, ahead)))


def discovery_curve(labels: Iterable[Hashable]) -> NDArray[np.int64]:
    """How many different kinds had been seen after each observation, `[N]`: a curve that flattens out when little is left to find.

    Args:
        labels: the kind of each observation, in order.

    Raises:
        ValueError: a label does not equal itself (NaN): every such observation would count as a new kind.

    >>> discovery_curve(["timeout", "unit", "timeout", "file"])
    array([1, 2, 2, 3])
    """
    seen: set[Hashable] = set()
    curve: list[int] = []
    for place, label in enumerate(labels):
        if label != label:
            raise ValueError(
                f"The label of observation {place} is {label!r}, which does not equal itself; give it a name."
            )
        seen.add(label)
        curve.append(len(seen))
    return np.asarray(curve, dtype=np.int64)


def _counts(counts: Counts) -> list[int]:
    seen = list(counts.values()) if isinstance(counts, Mapping) else list(counts)
    for number in seen:
        if isinstance(number, bool) or not isinstance(number, Integral) or number < 1:
            raise ValueError(
                f"The count of a kind is {number!r}; it must be a whole number of at least 1. Leave out what was never seen."
            )
    return [int(number) for number in seen]


def _binomial_tail(least: int, draws: int, share: float) -> float:
    """P(Binomial(draws, share) >= least)."""
    return math.fsum(math.comb(draws, i) * share**i * (1 - share) ** (draws - i) for i in range(least, draws + 1))
