"""The k trees of greatest posterior probability, exactly: compiled search over all context trees.

Kontoyiannis and others, "Bayesian context trees" (2022), algorithm k-BCT, for any prior parameter: below a context that was never
seen the best trees are those of greatest prior, which the published algorithm knows only for beta >= 1/2.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit

STOP = -1
"""The pick that says: not split further."""


@njit(cache=True)
@no_type_check
def best_lists(child, level, log_estimated, depth, log_stop, log_split, num_best):
    """For every row of a trie, and for a never seen context of every level, its best subtrees.

    Returns for each of the two how many subtrees are listed, their log prior times likelihood in descending order `[…, k]`, and the
    place `[…, k, m]` of each child's subtree in the child's own list, or `STOP`.
    """
    num_nodes, num_symbols = child.shape
    lists, sizes = np.empty((num_symbols, num_best)), np.empty(num_symbols, np.int64)
    unseen_size, unseen = np.zeros(depth + 1, np.int64), np.full((depth + 1, num_best), -np.inf)
    unseen_pick = np.full((depth + 1, num_best, num_symbols), STOP, np.int32)
    size, value = np.zeros(num_nodes, np.int64), np.full((num_nodes, num_best), -np.inf)
    pick = np.full((num_nodes, num_best, num_symbols), STOP, np.int32)
    unseen_size[depth], unseen[depth, 0] = 1, 0.0
    for at in range(depth - 1, -1, -1):
        for symbol in range(num_symbols):
            lists[symbol], sizes[symbol] = unseen[at + 1], unseen_size[at + 1]
        unseen_size[at] = _stop_or_split(lists, sizes, log_stop, log_split, unseen[at], unseen_pick[at])
    for node in range(num_nodes - 1, -1, -1):
        if level[node] == depth:
            size[node], value[node, 0] = 1, log_estimated[node]
            continue
        for symbol in range(num_symbols):
            below = child[node, symbol]
            if below > 0:
                lists[symbol], sizes[symbol] = value[below], size[below]
            else:
                lists[symbol], sizes[symbol] = unseen[level[node] + 1], unseen_size[level[node] + 1]
        size[node] = _stop_or_split(lists, sizes, log_stop + log_estimated[node], log_split, value[node], pick[node])
    return size, value, pick, unseen_size, unseen, unseen_pick


@njit(cache=True)
@no_type_check
def _stop_or_split(lists, sizes, stop, log_split, value, pick):
    """Put stopping where it belongs among the best ways to split; returns how many are listed then."""
    length = _best_sums(lists, sizes, value, pick)
    length = min(length, value.size)
    place = length
    for at in range(length):
        value[at] += log_split
        if value[at] <= stop and place == length:
            place = at
    if place == value.size:
        return length
    last = min(length, value.size - 1)
    for at in range(last, place, -1):
        value[at], pick[at] = value[at - 1], pick[at - 1]
    value[place], pick[place] = stop, STOP
    return last + 1


@njit(cache=True)
@no_type_check
def _best_sums(lists, sizes, value, pick):
    """The greatest sums of one entry from each of the rows of `lists`, which descend; returns how many there are.

    Row after row: of two descending lists only pairs (i, j) with (i + 1)(j + 1) <= k can be among the k best sums.
    """
    num_best, length = value.size, sizes[0]
    value[:length] = lists[0, :length]
    pick[:length, 0] = np.arange(length)
    for row in range(1, lists.shape[0]):
        pairs = 0
        for one in range(length):
            pairs += min(sizes[row], num_best // (one + 1))
        sums, left, right, count = np.empty(pairs), np.empty(pairs, np.int64), np.empty(pairs, np.int64), 0
        for one in range(length):
            for other in range(min(sizes[row], num_best // (one + 1))):
                sums[count], left[count], right[count] = value[one] + lists[row, other], one, other
                count += 1
        order = np.argsort(-sums, kind="mergesort")[:num_best]
        before, length = pick[:length].copy(), order.size
        for place in range(length):
            value[place], pick[place] = sums[order[place]], before[left[order[place]]]
            pick[place, row] = right[order[place]]
    return length
