"""Coins: the least probability that the sides of a coin or of a die may still have, looked at after every toss.

After n tosses, c of them this side, let `KT` be the probability that Krichevsky and Trofimov's estimate gave to the tosses so far ("The
performance of universal encoding", IEEE Transactions on Information Theory 27, 1981). If the sides come by probabilities p, chosen each
time as the past says, KT / p(tosses) is a non-negative martingale that starts at 1, and by Ville's inequality ever reaches 1 / risk
with chance at most `risk`. The p for which it has not yet done so are therefore right at all times at once, with chance 1 - risk. Among
them one side has at least

    min { x : n kl(c / n, x) <= log(1 / risk) + R }        kl of two coins; R = log(best likelihood / KT), the estimate's regret

for a coin (KT of two sides) as for one side of a die (KT of all sides: given x, the other sides' likelihood is greatest in proportion
to their counts, and then it is that of the coin). A die's regret grows as (A - 1)/2 log n, a coin's as 1/2 log n: after a few tosses one
coin for each side, each with an A-th of the risk, gives more (`assent.hypotheses.simplexes`).
"""

from __future__ import annotations

import math

import numpy as np

from assent.core.arrays import Array, namespace

SMALL = 16
"""Below, what Stirling's series leaves out is looked up; from here on five of its terms are right to 1e-14."""

STEPS = 12
"""Of Newton's method. It starts below the root and stays below, so that fewer would be safe too; ten reach it to rounding."""


def coin_regret(count: Array, total: Array) -> Array:
    """Nats by which the estimate of a coin lies below the best that any coin gives: `count` of `total` tosses were one side.

    Both whole numbers, in a floating-point dtype, of one shape. Right to 1e-13, whatever their size: what cancels is left out beforehand.

    >>> import numpy as np
    >>> coin_regret(np.asarray([0.0, 1.0, 1.0]), np.asarray([0.0, 1.0, 2.0])).round(6).tolist()  # 1, 1/2 and 1/8 against 1, 1 and 1/4
    [0.0, 0.693147, 0.693147]
    """
    return _half(count) + _half(total - count) + _whole(total)


def die_regret(counts: Array) -> Array:
    """Nats by which the estimate of a die lies below the best that any die gives; `counts` `[..., A]` -> `[...]`.

    Whole numbers in a floating-point dtype.

    >>> import numpy as np
    >>> float(die_regret(np.asarray([3.0, 1.0])) - coin_regret(np.asarray(3.0), np.asarray(4.0)))
    0.0
    >>> die_regret(np.asarray([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])).round(6).tolist()
    [0.0, 1.098612]
    """
    xp, sides = namespace(counts), int(counts.shape[-1])
    total = xp.sum(counts, axis=-1)
    # Gamma(n + A/2) / Gamma(A/2), a product above Gamma(n + 1) for even A, above Gamma(n + 1/2) / Gamma(1/2) for odd A
    first = 1.0 if sides % 2 == 0 else 0.5
    offsets = xp.reshape(first + xp.arange((sides - 1) // 2, dtype=counts.dtype), (*(1 for _ in total.shape), -1))
    product = xp.sum(xp.log1p(total[..., None] / offsets), axis=-1)
    start = _whole(total) if sides % 2 == 0 else -_half(total)
    return xp.sum(_half(counts), axis=-1) + start + product


def log_least(count: Array, total: Array, budget: Array) -> Array:
    """The logarithm of the least x with `total * kl(count / total, x) <= budget`, never above it; minus infinity where `count` is 0.

    Args:
        count, total: whole numbers in a floating-point dtype, `count <= total`.
        budget: nats, above 0 wherever `count` is; `log(1 / risk)` and the regret.

    The three have shapes that broadcast. Newton's method in log x, where the divergence is convex and falls: from below it never passes the
    root, and the budget is widened by what rounding may hide.

    >>> import numpy as np
    >>> np.exp(log_least(np.asarray([10.0, 90.0, 0.0]), np.asarray(100.0), np.asarray(3.0))).round(6).tolist()
    [0.042379, 0.811097, 0.0]
    """
    xp = namespace(count, total, budget)
    eps = float(xp.finfo(count.dtype).eps)
    known = (count > 0) & (total > 0)
    total = xp.where(known, total, 1.0)
    count, budget = xp.where(known, count, total), xp.where(known, budget, 1.0)
    share, rest = count / total, total - count
    log_share, log_rest = xp.log(share), _log_rest(share, rest / total)
    budget = budget + 16 * eps * (count * (2 - log_share) + budget)
    # two places below the root: where the term of the rest, which is not negative, is left out; and by Pinsker's inequality
    near = share - xp.sqrt(budget / (2 * total))
    log_x = log_share + (rest * log_rest - budget) / count
    log_near = xp.log(xp.where(near > 0, near, 1.0))
    log_x = xp.where((near > 0) & (log_near > log_x), log_near, log_x)
    for _ in range(STEPS):
        x, left = xp.exp(log_x), -xp.expm1(log_x)
        over = count * (log_share - log_x) + rest * (log_rest - _log_rest(x, left)) - budget
        slope = total * (share - x) / left
        step = over / xp.where(slope > 0, slope, 1.0)
        step = xp.where((step > 0) & (slope > 0), step, 0.0)
        log_x = log_x + step
        if xp is np and not step.any():  # the steps left would not move it either
            break
    return xp.where(known, log_x - 8 * eps * (1 + xp.abs(log_x)), -float("inf"))


def _log_rest(share: Array, rest: Array) -> Array:
    """`log(rest)`, `rest` being `1 - share`: to a relative rounding error wherever it is taken; 0 for no rest."""
    xp = namespace(share)
    small = share < 0.5
    near_one = xp.log1p(-xp.where(small, share, 0.0))
    return xp.where(small, near_one, xp.log(xp.where(rest > 0, rest, 1.0)))


def _looked_up(values: Array, table: list[float], series: Array) -> Array:
    xp = namespace(values)
    small = xp.where(values < SMALL, values, 0.0)
    known = xp.take(xp.asarray(table, dtype=values.dtype), xp.reshape(xp.astype(small, xp.int64), (-1,)), axis=0)
    return xp.where(values < SMALL, xp.reshape(known, values.shape), series)


def _half(count: Array) -> Array:
    """`c log c - c - log(Gamma(c + 1/2) / Gamma(1/2))`: Stirling's series at the half, without its greater terms."""
    xp = namespace(count)
    inverse = 1 / xp.where(count < SMALL, float(SMALL), count)
    square = inverse * inverse
    terms = 1 / 24 - square * (7 / 2880 - square * (31 / 40320 - square * (127 / 215040 - square * (511 / 608256))))
    return _looked_up(count, _HALF, inverse * terms - 0.5 * math.log(2))


def _whole(total: Array) -> Array:
    """`log Gamma(n + 1) - n log n + n`: Stirling's series without its greater terms."""
    xp = namespace(total)
    large = xp.where(total < SMALL, float(SMALL), total)
    inverse = 1 / large
    square = inverse * inverse
    terms = 1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square * (1 / 1188))))
    return _looked_up(total, _WHOLE, inverse * terms + 0.5 * xp.log(2 * math.pi * large))


def _without(log_gamma: float, number: int) -> float:
    return (number * math.log(number) if number else 0.0) - number - log_gamma


_HALF = [_without(math.lgamma(number + 0.5) - math.lgamma(0.5), number) for number in range(SMALL)]
_WHOLE = [-_without(math.lgamma(number + 1.0), number) for number in range(SMALL)]
