"""Tries that are values: learning makes a new version and leaves every older one as it was.

Each answer copies the one path that it changes, from the root down, into fresh rows; all else is shared. A row that was written
is never written again, so a version is the number of its root, and any version may be learned from. When most rows belong to no
path of the version at hand, that version moves to rows of its own, which keeps memory within four times what it needs.
"""

from __future__ import annotations

import threading
from typing import Any, no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

from assent.hypotheses.context_tree.estimates import least_probability, log_estimate
from assent.hypotheses.context_tree.trees import TreePrior

SLACK = 1e-9
"""In nats: how far rounding may have moved a tree's likelihood. Trees this close to leaving the plausible ones stay."""

_APPENDING = threading.Lock()


class Versions:
    """The rows that the versions of one trie share; they are only ever added to.

    Attributes:
        prior: over trees.
        child: integer `[rows, m]`, 0 where there is none (a root is no child).
        counts: integer `[rows, m + 1]`, the last column is the sum.
        logs: `[rows, 3]`: log-estimate, log-weighted probability, and the log-likelihood of the best subtree.
        used: how many rows are written.
    """

    def __init__(self, prior: TreePrior, *, rows: int = 64) -> None:
        """Rows for one version, 0, that knows nothing."""
        self.prior, self.used, self.crowded = prior, 1, max(4096, rows)
        self.child = np.zeros((rows, prior.num_symbols), np.int64)
        self.counts = np.zeros((rows, prior.num_symbols + 1), np.int64)
        self.logs = np.zeros((rows, 3))

    def learn(self, root: int, *, history: NDArray[np.int64], symbol: int) -> tuple[Versions, int]:
        """The version after `symbol` came after `history` (at least `depth` symbols, the most recent last), and its rows."""
        prior, home = self.prior, self
        with _APPENDING:
            if self.used > self.crowded:
                home, root = self._moved(root)
            home._make_room()
            new = learn_path(
                root,
                history,
                symbol,
                prior.depth,
                home.used,
                home.child,
                home.counts,
                home.logs,
                prior.log_stop,
                prior.log_split,
            )
            home.used += prior.depth + 1
        return home, new

    def predict(self, root: int, *, history: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probabilities `[m]` of what comes after `history`, all trees weighted."""
        prior = self.prior
        return predict_path(root, history, prior.depth, self.child, self.counts, self.logs, prior.log_stop)

    def plausible(self, root: int, *, history: NDArray[np.int64], log_delta: float) -> NDArray[np.bool_]:
        """Which lengths of context `[depth + 1]` the leaf after `history` has in a tree with likelihood / evidence >= delta."""
        return plausible_lengths(root, history, self.prior.depth, self.child, self.logs, log_delta - SLACK)

    def least(
        self,
        root: int,
        *,
        history: NDArray[np.int64],
        lengths: NDArray[np.bool_],
        log_inverse_risk: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """The least lower confidence bound `[m]` over the contexts of these lengths after `history`.

        Args:
            log_inverse_risk: `[depth + 1]`, log(1 / risk) of one symbol's bound in a context of each length.
        """
        return least_over_lengths(root, history, lengths, log_inverse_risk, self.child, self.counts)

    def reachable(self, root: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows of a version, parents before children, and their children by place in that list, 0 where there is none."""
        return gather(root, self.child, self.used)

    def _moved(self, root: int) -> tuple[Versions, int]:
        rows, child = self.reachable(root)
        moved = Versions(self.prior, rows=2 * rows.size)
        moved.child[: rows.size], moved.used = child, rows.size
        moved.counts[: rows.size], moved.logs[: rows.size] = self.counts[rows], self.logs[rows]
        moved.crowded = max(4096, 4 * rows.size)
        return moved, 0

    def _make_room(self) -> None:
        needed = self.used + self.prior.depth + 1
        if needed <= self.logs.shape[0]:
            return
        rows = max(needed, 2 * self.logs.shape[0])

        def longer(array: NDArray[Any]) -> NDArray[Any]:
            grown = np.zeros((rows, array.shape[1]), array.dtype)
            grown[: array.shape[0]] = array
            return grown

        self.child, self.counts, self.logs = longer(self.child), longer(self.counts), longer(self.logs)


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
            total = counts[path[level], num_symbols]
            bound = least_probability(counts[path[level], symbol], total, log_inverse_risk[level])
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
