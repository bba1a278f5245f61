"""What the counts of one context say: the Krichevsky–Trofimov estimate, the most that any probabilities give, the least probable.

Compiled code keeps what it has inlined from here: whoever edits this file removes `__pycache__` beside it.
"""

from __future__ import annotations

import math
from typing import no_type_check

from numba import njit

LOG_GAMMA_HALF = math.lgamma(0.5)


@njit(cache=True)
@no_type_check
def log_estimate(counts, node):
    """The log-probability of the symbols counted in row `node` of `counts` `[N, m + 1]` (the last column is the sum), any one order.

    `Gamma(m/2) / Gamma(n + m/2) * prod_a Gamma(c_a + 1/2) / Gamma(1/2)`: Krichevsky and Trofimov, "The performance of universal
    encoding", IEEE Transactions on Information Theory 27 (1981). From the counts themselves, so that nothing drifts.
    """
    num_symbols = counts.shape[1] - 1
    total = counts[node, num_symbols]
    if total == 0:
        return 0.0
    value = math.lgamma(0.5 * num_symbols) - math.lgamma(total + 0.5 * num_symbols)
    for symbol in range(num_symbols):
        if counts[node, symbol] > 0:
            value += math.lgamma(counts[node, symbol] + 0.5) - LOG_GAMMA_HALF
    return value


@njit(cache=True)
@no_type_check
def log_most(counts, node):
    """The log-probability that the frequencies of row `node` give to the symbols counted there: no probabilities give more."""
    num_symbols = counts.shape[1] - 1
    total, value = counts[node, num_symbols], 0.0
    for symbol in range(num_symbols):
        count = counts[node, symbol]
        if count > 0:
            value += count * math.log(count / total)
    return value


@njit(cache=True)
@no_type_check
def divergence(share, probability):
    """`kl(share, probability)` of two coins, in nats; `probability` in (0, 1)."""
    value = 0.0
    if share > 0:
        value += share * math.log(share / probability)
    if share < 1:
        value += (1 - share) * math.log((1 - share) / (1 - probability))
    return value


@njit(cache=True)
@no_type_check
def least_probability(count, total, log_inverse_risk):
    """The least x with `n kl(c/n, x) <= log(1/risk) + R`, where R is how far the estimate of a coin lies below its best likelihood.

    By bisection, rounded down; 0 when nothing was counted or the symbol never came.
    """
    if count == 0:
        return 0.0
    log_coin = (
        math.lgamma(count + 0.5) + math.lgamma(total - count + 0.5) - 2 * LOG_GAMMA_HALF - math.lgamma(total + 1.0)
    )
    regret = -log_coin + count * math.log(count / total)
    if count < total:
        regret += (total - count) * math.log((total - count) / total)
    share, budget = count / total, (log_inverse_risk + regret) / total
    low, high = 0.0, share
    while high - low > 1e-14 * high:
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        if divergence(share, middle) <= budget:
            high = middle
        else:
            low = middle
    return low
