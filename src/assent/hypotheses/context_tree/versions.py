"""Tries that are values: learning makes a new version and leaves every older one as it was.

Each answer copies the one path that it changes, from the root down, into fresh rows; all else is shared. A row that was written
is never written again, so a version is the number of its root, and any version may be learned from. When most rows belong to no
path of the version at hand, that version moves to rows of its own, which keeps memory within four times what it needs.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.hypotheses.context_tree.compiled import (
    gather,
    learn_path,
    least_over_lengths,
    plausible_lengths,
    predict_path,
)
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
        log_inverse_risk: float,
    ) -> NDArray[np.float64]:
        """The least lower confidence bound `[m]` over the contexts of these lengths `[depth + 1]` after `history`.

        Args:
            log_inverse_risk: log(1 / risk) of one symbol's bound at the root; each symbol more of context has the m-th part of the risk.
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
