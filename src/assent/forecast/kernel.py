"""How likely it is that a failure-free stretch goes on: the two laws that everything here is made of, safe in float64.

Both return log-survival, never survival: near 1 a survival keeps nothing of a small probability of failure, and far from 1 it underflows.
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
"""float64 of any shape, () too: what is computed goes through `np.asarray`, because NumPy gives scalars for ()."""

_TERMS = 8
_LEAST = 16.0
"""From here on the series below is exact to rounding where the smaller count is at most a fifth of the argument."""
_SHARE = 0.2
_HUGE = 1e15
"""From here on the series' powers could overflow, and Stirling's is as good."""


def log_survival_counted(alpha: ArrayLike, beta: ArrayLike, trials: ArrayLike, more: ArrayLike) -> Floats:
    """ln P(no success in `more` further trials | none in `trials`), success probability ~ Beta(alpha, beta): float64, broadcast.

    `B(alpha, beta + n + m) / B(alpha, beta + n)` (Davidson, "Semi-informative priors over AI timelines", 2021, appendix 10.2.4; the
    beta-geometric law). Neither count has to be whole. Relative error below 1e-12 wherever the answer is a normal float: no difference of
    two large logarithms is ever taken (of log-gammas it would be -0.0039 for a probability of 5e-7 after 1e12 trials).

    Args:
        alpha, beta: virtual successes and failures, > 0.
        trials: failed trials so far, >= 0.
        more: further trials, >= 0.

    >>> round(float(-np.expm1(log_survival_counted(1, 299, 64, 16))), 9)      # 16/379
    0.042216359
    """
    parts = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (alpha, beta, trials, more)))
    a, b, n, m = (np.ravel(part) for part in parts)
    z = b + n
    less, greater = np.minimum(a, m), np.maximum(a, m)  # the law is symmetric in alpha and m
    result = np.zeros(z.shape)
    for _ in range(math.ceil(min(max(_LEAST - float(np.min(z, initial=np.inf)), 0.0), _LEAST))):
        low = z < _LEAST
        result[low] += _one_step(z[low], less[low], greater[low])
        z = np.where(low, z + 1.0, z)
    middle = z + (less - 1.0) / 2.0
    near = (less <= _SHARE * middle) & (less < _HUGE)
    result[near] += _by_series(less[near], middle[near], greater[near])
    if not near.all():
        far = ~near
        result[far] += _by_stirling(less[far], z[far], greater[far])
    return result.reshape(parts[0].shape)


def log_survival_effort(alpha: ArrayLike, tau: ArrayLike, effort: ArrayLike, more: ArrayLike) -> Floats:
    """ln P(nothing in `more` further effort | nothing in `effort`), hazard ~ Gamma(alpha, rate tau): float64, broadcast.

    `((tau + x0) / (tau + x1)) ** alpha`: the Lomax law (Lomax, "Business failures", 1954), the continuous limit of the counted one and
    equal to it at whole trials where alpha is 1 and tau the virtual failures.

    Args:
        alpha: virtual successes, > 0.
        tau: virtual effort, in the unit of effort, >= 0 (0: no scale but what has been seen).
        effort: effort so far, >= 0, and above 0 where tau is 0.
        more: further effort, >= 0.

    >>> round(float(-np.expm1(log_survival_effort(1, 299, 64, 16))), 9)
    0.042216359
    """
    a, t, x, m = (np.asarray(part, np.float64) for part in (alpha, tau, effort, more))
    return np.asarray(-a * np.log1p(m / (t + x)))


def log_complement(logs: ArrayLike) -> Floats:
    """ln(1 - exp(logs)) for logs <= 0: from a log-survival the logarithm of the probability, and the other way round.

    >>> float(log_complement(-1e-20)) == math.log(1e-20), float(log_complement(-100.0)) == -math.exp(-100.0)
    (True, True)
    """
    values = np.asarray(logs, np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(values < -0.7, np.log1p(-np.exp(values)), np.log(-np.expm1(values))))


def exact_survival(beta: Fraction, trials: Fraction, more: Fraction) -> Fraction:
    """The same for one virtual success, where both laws agree and the answer is rational: `(beta + n) / (beta + n + m)`.

    >>> 1 - exact_survival(Fraction(299), Fraction(64), Fraction(16))
    Fraction(16, 379)
    """
    return (beta + trials) / (beta + trials + more)


def _one_step(z: Floats, less: Floats, greater: Floats) -> Floats:
    """ln of z (z + a + M) / ((z + a) (z + M)): what Gamma's recurrence leaves when z goes up by one."""
    below = (z + less) * (z + greater)
    gone = less * greater / below
    return np.where(gone < 0.5, np.log1p(-np.minimum(gone, 0.5)), np.log(z * (z + less + greater) / below))


def _by_series(less: Floats, middle: Floats, greater: Floats) -> Floats:
    """-(g(z + M) - g(z)) for g(z) = ln Gamma(z + a) - ln Gamma(z), w = z + (a - 1)/2: only even powers of 1/w appear.

    Tricomi and Erdelyi, "The asymptotic expansion of a ratio of gamma functions", 1951; the form symmetric about w after Fields, 1966.
    """
    growth = np.log1p(greater / middle)
    result = -less * growth
    power = np.ones_like(middle)
    for k, numbers in enumerate(_coefficients(), 1):
        power = power / (middle * middle)
        result += np.polyval(numbers, less / 2.0) * power * -np.expm1(-2.0 * k * growth)
    return result


@functools.cache
def _coefficients() -> tuple[tuple[float, ...], ...]:
    """For k = 1, 2, …: the polynomial in h = a/2 of C_k = -B_(2k+1)(1/2 + h) / (k (2k + 1)), highest power first.

    B_n(1/2 + h) = sum_i binom(n, i) B_i(1/2) h^(n-i), and B_i(1/2) = (2^(1-i) - 1) B_i (DLMF 24.2.5 and 24.4.27).
    """
    halves = [(Fraction(2) / 2**i - 1) * number for i, number in enumerate(_bernoulli())]
    found: list[tuple[float, ...]] = []
    for k in range(1, _TERMS + 1):
        n = 2 * k + 1
        found.append(tuple(float(-math.comb(n, i) * halves[i] / (k * n)) for i in range(n + 1)))
    return tuple(found)


@functools.cache
def _bernoulli() -> tuple[Fraction, ...]:
    """B_0 to B_(2 TERMS + 1)."""
    numbers = [Fraction(1)]
    for n in range(1, 2 * _TERMS + 2):
        numbers.append(-sum((math.comb(n + 1, i) * numbers[i] for i in range(n)), Fraction(0)) / (n + 1))
    return tuple(numbers)


def _by_stirling(less: Floats, z: Floats, greater: Floats) -> Floats:
    """The same where both counts are large, from Stirling's series (DLMF 5.11.1), arranged so that no large terms cancel."""
    main = greater * np.log1p(less / (z + greater)) + less * np.log1p(greater / (z + less))
    main += (z - 0.5) * _one_step(z, less, greater)
    rest = _stirling(z + less + greater) - _stirling(z + less) - _stirling(z + greater) + _stirling(z)
    return -(main + rest)


def _stirling(x: Floats) -> Floats:
    """ln Gamma(x) less (x - 1/2) ln x - x + ln(2 pi)/2, for x >= 16: the next term is below 1e-18."""
    inverse = 1.0 / x
    numbers = [float(_bernoulli()[2 * k] / (2 * k * (2 * k - 1))) for k in range(1, _TERMS + 1)]
    return inverse * np.polyval(numbers[::-1], inverse * inverse)
