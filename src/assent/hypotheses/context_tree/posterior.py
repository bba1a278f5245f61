"""The exact posterior over all context trees of a sequence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from assent.hypotheses.context_tree.best import STOP, best_lists
from assent.hypotheses.context_tree.compiled import log_estimate, log_most, weigh
from assent.hypotheses.context_tree.trees import Context, ContextTree, TreePrior


@dataclass(frozen=True, eq=False)
class ContextTreePosterior:
    """Which context tree made a sequence: the evidence of all trees together, the k best, and the posterior of any one.

    Kontoyiannis, Mertzanis, Panotopoulou, Papageorgiou and Skoularidou, "Bayesian context trees: modelling and exact inference for
    discrete time series", Journal of the Royal Statistical Society B (2022). Every tree's symbol probabilities are integrated out over
    Dirichlet(1/2, …, 1/2), context by context. As there, the first `depth` symbols are conditioned on: they are context, not data.

    Attributes:
        prior: over trees.
        child: integer `[N, m]`, rows of the contexts one symbol longer, 0 where none was seen; the root is row 0.
        counts: integer `[N, m + 1]`, how often each symbol came after each context, and their sum.
        level: integer `[N]`, lengths of the contexts.
        log_estimated: `[N]`, log-probability of what came after each context, as if of no further memory.
        log_weighted: `[N]`, the same, all subtrees of the context weighted.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    prior: TreePrior
    child: NDArray[np.int32]
    counts: NDArray[np.int64]
    level: NDArray[np.int64]
    log_estimated: NDArray[np.float64]
    log_weighted: NDArray[np.float64]

    @classmethod
    def of_counts(
        cls, prior: TreePrior, *, child: NDArray[np.int32], counts: NDArray[np.int64]
    ) -> ContextTreePosterior:
        """The posterior from a trie with its counts, parents before children."""
        level, log_estimated, log_weighted = weigh(child, counts, prior.depth, prior.log_stop, prior.log_split)
        return cls(prior, child, counts, level, log_estimated, log_weighted)

    @property
    def log_evidence(self) -> float:
        """The log-probability of the data, trees and probabilities weighted by their priors: the prior predictive likelihood."""
        return float(self.log_weighted[0])

    @property
    def log_maximum(self) -> float:
        """The log-likelihood of the data, maximised over all trees and probabilities: that of the full tree."""
        full = np.flatnonzero(self.level == self.prior.depth)
        return float(sum(log_most(self.counts, node) for node in full))

    def best(self, num_best: int = 1) -> tuple[ContextTree, ...]:
        """The `num_best` trees of greatest posterior probability, best first; fewer where there are fewer trees.

        Of trees with equal posteriors at the end of the list any may be left out. Time and memory are of the order
        N m k log k and N m k.

        Raises:
            ValueError: `num_best` is below 1.
        """
        if num_best < 1:
            raise ValueError(f"num_best = {num_best}: ask for at least one tree.")
        prior = self.prior
        lists = best_lists(
            self.child, self.level, self.log_estimated, prior.depth, prior.log_stop, prior.log_split, num_best
        )
        best = float(lists[1][0, 0])
        return tuple(
            self.tree(self._leaves(lists, node=0, context=(), rank=rank), log_best=best)
            for rank in range(int(lists[0][0]))
        )

    def tree(self, leaves: Iterable[Context], *, log_best: float = math.nan) -> ContextTree:
        """What the data say of the tree with these leaves.

        Args:
            log_best: log prior times likelihood of the tree that `odds` compares with.

        Raises:
            ValueError: they are not the leaves of a proper tree within the depth.
        """
        ordered = self.prior.proper(leaves)
        nodes = [node for node in map(self.node, ordered) if node is not None]
        log_prior = self.prior.log_prior(ordered)
        log_likelihood = math.fsum(log_estimate(self.counts, node) for node in nodes)
        joint = log_prior + log_likelihood
        return ContextTree(
            leaves=ordered,
            log_prior=log_prior,
            log_likelihood=log_likelihood,
            log_maximum=math.fsum(log_most(self.counts, node) for node in nodes),
            log_posterior=joint - self.log_evidence,
            odds=math.exp(min(max(log_best - joint, 0.0), 709.0)) if math.isfinite(log_best) else math.nan,
        )

    def node(self, context: Sequence[int]) -> int | None:
        """The row of `context`, the most recent symbol first, or None where it was never seen."""
        at = 0
        for symbol in context:
            at = int(self.child[at, symbol])
            if at == 0:
                return None
        return at

    def _leaves(
        self, lists: tuple[NDArray, ...], *, node: int | None, context: Context, rank: int
    ) -> tuple[Context, ...]:
        pick = lists[5][len(context), rank] if node is None else lists[2][node, rank]
        if pick[0] == STOP:
            return (context,)
        below = [
            None if node is None else int(self.child[node, symbol]) or None for symbol in range(self.prior.num_symbols)
        ]
        return tuple(
            leaf
            for symbol, (at, place) in enumerate(zip(below, pick, strict=True))
            for leaf in self._leaves(lists, node=at, context=(*context, symbol), rank=int(place))
        )
