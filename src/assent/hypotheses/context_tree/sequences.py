"""Compiled loops over one growing trie of contexts: learning a sequence, predicting its next symbol.

A trie is four arrays with a row for each context that was seen, parents before their children, the root in row 0: `child` `[N, m]`
(0 where there is none), `counts` `[N, m + 1]` (the last column is the sum), and the odds of not splitting against splitting as
`odds * 2^(256 * scale)`. With the odds in place of logarithms, a symbol costs a few divisions a level and no transcendental function.
"""

from __future__ import annotations

import math
from typing import no_type_check

import numpy as np
from numba import njit

HUGE, TINY = 2.0**256, 2.0**-256


@njit(cache=True)
@no_type_check
def learn_sequence(sequence, start, depth, prior_odds, child, counts, odds, scale, used, total, out):
    """Learn `sequence[start:]`, each symbol in the context of those before it; `start >= depth`.

    Writes the log-probability of each symbol, given all before it, to `out`, and adds it to `total` (a sum and what rounding took
    from it). Returns the first position that was not learned and the rows in use: less than all when the rows may not suffice.
    """
    num_symbols = child.shape[1]
    path = np.empty(depth + 1, np.int64)
    for time in range(start, sequence.size):
        if used + depth > child.shape[0]:
            return time, used
        node = path[0] = 0
        for level in range(depth):
            past = sequence[time - 1 - level]
            below = child[node, past]
            if below == 0:
                below = child[node, past] = used
                odds[used] = prior_odds
                used += 1
            node = path[level + 1] = below
        out[time] = math.log(_learn_path(path, sequence[time], counts, odds, scale, num_symbols))
        grown = total[0] + out[time]  # Neumaier's sum; every term is at most 0
        if abs(total[0]) >= abs(out[time]):
            total[1] += (total[0] - grown) + out[time]
        else:
            total[1] += (out[time] - grown) + total[0]
        total[0] = grown
    return sequence.size, used


@njit(cache=True)
@no_type_check
def _learn_path(path, symbol, counts, odds, scale, num_symbols):
    """Count `symbol` along `path`; returns its probability at the root just before."""
    half, weighted = 0.5 * num_symbols, 0.0
    for level in range(path.size - 1, -1, -1):
        node = path[level]
        estimated = (counts[node, symbol] + 0.5) / (counts[node, num_symbols] + half)
        counts[node, symbol] += 1
        counts[node, num_symbols] += 1
        if level == path.size - 1:
            weighted = estimated
            continue
        mixed, ratio = _mix(odds[node], scale[node], estimated, weighted), odds[node] * (estimated / weighted)
        # with a scale, |log odds| > 177: one of the two has all the weight that float64 can tell
        if ratio > HUGE or (scale[node] < 0 and ratio > 1.0):
            ratio *= TINY
            scale[node] += 1
        elif ratio < TINY or (scale[node] > 0 and ratio < 1.0):
            ratio *= HUGE
            scale[node] -= 1
        odds[node], weighted = ratio, mixed
    return weighted


@njit(cache=True)
@no_type_check
def _mix(odds, scale, estimated, weighted):
    if scale == 0:
        return (odds * estimated + weighted) / (1.0 + odds)
    return estimated if scale > 0 else weighted


@njit(cache=True)
@no_type_check
def predict_next(history, depth, child, counts, odds, scale):
    """Probabilities `[m]` of the next symbol after `history` (the most recent last, at least `depth` of them)."""
    num_symbols = child.shape[1]
    path, seen, node = np.zeros(depth + 1, np.int64), 0, 0
    for level in range(depth):
        node = child[node, history[history.size - 1 - level]]
        if node == 0:
            break
        seen += 1
        path[seen] = node
    half, row = 0.5 * num_symbols, np.full(num_symbols, 1.0 / num_symbols)
    for level in range(seen, -1, -1):
        node = path[level]
        for symbol in range(num_symbols):
            estimated = (counts[node, symbol] + 0.5) / (counts[node, num_symbols] + half)
            row[symbol] = estimated if level == depth else _mix(odds[node], scale[node], estimated, row[symbol])
    return row
