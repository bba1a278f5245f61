"""Compiled code over counts: what those of one context say, what a trie says, and the path of one history through it.

In one file, because compiled code is kept together with what it has inlined, and looks at the date of its own file alone.
"""

from __future__ import annotations

import math
from typing import no_type_check

import numpy as np
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
def least_probability(count, total, log_inverse_risk):
    """The least x with `n kl(c/n, x) <= log(1/risk) + R`, where R is how far the estimate of a coin lies below its best likelihood.

    0 when nothing was counted or the symbol never came. Newton's method on log x: there the divergence is convex and falls, so every
    step from below stays below.
    """
    if count == 0:
        return 0.0
    share, rest = count / total, (total - count) / total
    log_share, log_rest = math.log(share), math.log(rest) if rest > 0 else 0.0
    log_coin = (
        math.lgamma(count + 0.5) + math.lgamma(total - count + 0.5) - 2 * LOG_GAMMA_HALF - math.lgamma(total + 1.0)
    )
    # n kl = most - c log x - (n - c) log(1 - x), and R = most - log_coin
    most = count * log_share + (total - count) * log_rest
    budget = (log_inverse_risk + most - log_coin) / total
    log_x = log_share + (rest * log_rest - budget) / share
    for _ in range(64):
        x = math.exp(log_x)
        over = (
            share * (log_share - log_x) + rest * (log_rest - math.log1p(-x)) - budget
            if rest > 0
            else log_share - log_x - budget
        )
        step = over / (share - rest * x / (1.0 - x)) if rest > 0 else over
        if not step > 1e-15 * abs(log_x):
            break
        log_x += step
    return math.exp(log_x) * (1.0 - 1e-12)  # below the root, whatever the last digits are


@njit(cache=True)
@no_type_check
def weigh(child, counts, depth, log_stop, log_split):
    """The level, log-estimate and log-weighted probability of every row, `[N]` each, from the counts alone.

    `P_w(s) = beta P_e(s) + (1 - beta) prod_j P_w(sj)`, and `P_w = P_e` at the full depth; a context never seen has 1 for both.
    """
    num_nodes, num_symbols = child.shape
    level, estimated, weighted = np.zeros(num_nodes, np.int64), np.zeros(num_nodes), np.zeros(num_nodes)
    for node in range(num_nodes):
        for symbol in range(num_symbols):
            if child[node, symbol] > 0:
                level[child[node, symbol]] = level[node] + 1
    for node in range(num_nodes - 1, -1, -1):
        estimated[node] = weighted[node] = log_estimate(counts, node)
        if level[node] < depth:
            split = log_split
            for symbol in range(num_symbols):
                if child[node, symbol] > 0:
                    split += weighted[child[node, symbol]]
            weighted[node] = np.logaddexp(log_stop + estimated[node], split)
    return level, estimated, weighted


@njit(cache=True)
@no_type_check
def learn_path(root, history, symbol, depth, first, child, counts, logs, log_stop, log_split):
    """Write the path of `history`, with one `symbol` more, to the rows from `first` on; returns the new root, `first`."""
    num_symbols, old = child.shape[1], root
    for level in range(depth + 1):
        new = first + level
        if old >= 0:
            child[new], counts[new] = child[old], counts[old]
        else:
            child[new], counts[new] = 0, 0
        counts[new, symbol] += 1
        counts[new, num_symbols] += 1
        if level < depth:
            past = history[history.size - 1 - level]
            old = child[old, past] if old >= 0 else 0
            old = old if old > 0 else -1
            child[new, past] = new + 1
    for level in range(depth, -1, -1):
        new = first + level
        estimated = log_estimate(counts, new)
        logs[new] = estimated
        if level < depth:
            split, best = log_split, 0.0
            for other in range(num_symbols):
                if child[new, other] > 0:
                    split += logs[child[new, other], 1]
                    best += logs[child[new, other], 2]
            logs[new, 1] = np.logaddexp(log_stop + estimated, split)
            logs[new, 2] = max(estimated, best)
    return first


@njit(cache=True)
@no_type_check
def _path(root, history, depth, child):
    """The rows of the contexts of `history` that were seen, from the root down."""
    path, seen = np.empty(depth + 1, np.int64), 1
    path[0] = root
    for level in range(depth):
        below = child[path[level], history[history.size - 1 - level]]
        if below == 0:
            break
        path[seen] = below
        seen += 1
    return path[:seen]


@njit(cache=True)
@no_type_check
def predict_path(root, history, depth, child, counts, logs, log_stop):
    """Each context stops with its posterior probability `beta P_e / P_w` and predicts by its estimate, or asks the next longer one."""
    num_symbols = child.shape[1]
    path, row = _path(root, history, depth, child), np.full(num_symbols, 1.0 / num_symbols)
    for level in range(path.size - 1, -1, -1):
        node = path[level]
        stop = 1.0 if level == depth else min(1.0, np.exp(log_stop + logs[node, 0] - logs[node, 1]))
        for symbol in range(num_symbols):
            estimated = (counts[node, symbol] + 0.5) / (counts[node, num_symbols] + 0.5 * num_symbols)
            row[symbol] = stop * estimated + (1.0 - stop) * row[symbol]
    return row


@njit(cache=True)
@no_type_check
def plausible_lengths(root, history, depth, child, logs, log_delta):
    """Whether the best tree whose leaf after `history` has each length is at least `delta` times as likely as all together.

    That tree splits at every shorter context of the path, and off the path is the best subtree everywhere: one pass finds it, so that
    no list of trees can be too short. Below a context that was never seen all lengths are as likely as its own.
    """
    path, lengths = _path(root, history, depth, child), np.zeros(depth + 1, np.bool_)
    bar, beside = logs[root, 1] + log_delta, 0.0
    for level in range(depth + 1):
        if level >= path.size:
            lengths[level] = beside >= bar
            continue
        lengths[level] = beside + logs[path[level], 0] >= bar
        if level < depth:
            past = history[history.size - 1 - level]
            for other in range(child.shape[1]):
                if other != past and child[path[level], other] > 0:
                    beside += logs[child[path[level], other], 2]
    return lengths


@njit(cache=True)
@no_type_check
def least_over_lengths(root, history, lengths, log_inverse_risk, child, counts):
    """The least, over the chosen contexts of `history`, of each symbol's lower confidence bound; 0 in a context never seen."""
    num_symbols = child.shape[1]
    path, row = _path(root, history, lengths.size - 1, child), np.full(num_symbols, np.inf)
    for level in range(lengths.size):
        if not lengths[level]:
            continue
        if level >= path.size:
            return np.zeros(num_symbols)
        for symbol in range(num_symbols):
            if row[symbol] > 0:
                total = counts[path[level], num_symbols]
                bound = least_probability(
                    counts[path[level], symbol], total, log_inverse_risk + level * math.log(num_symbols)
                )
                row[symbol] = min(row[symbol], bound)
    return row


@njit(cache=True)
@no_type_check
def gather(root, child, used):
    """The rows under `root`, parents before children, and `[…, m]` where in that list each one's children are."""
    rows, places = np.empty(used, np.int64), np.zeros((used, child.shape[1]), np.int64)
    rows[0], count, at = root, 1, 0
    while at < count:
        for symbol in range(child.shape[1]):
            below = child[rows[at], symbol]
            if below > 0:
                rows[count], places[at, symbol] = below, count
                count += 1
        at += 1
    return rows[:count].copy(), places[:count].copy()
