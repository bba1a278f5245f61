"""ContextTreeMixture: the average of all context trees, as a predictor of one growing sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.hypotheses.context_tree.posterior import ContextTreePosterior
from assent.hypotheses.context_tree.sequences import learn_sequence, predict_next
from assent.hypotheses.context_tree.trees import TreePrior

Symbols = Sequence[Any] | NDArray[Any]
"""Whole numbers from 0 to `num_symbols - 1`, one after the other."""


class ContextTreeMixture:
    """Predicts the next symbol of a sequence by the Bayes mixture of all context trees up to a depth, and learns from it.

    Context-tree weighting: Willems, Shtarkov and Tjalkens, "The context-tree weighting method: basic properties", IEEE Transactions
    on Information Theory 41 (1995), with alphabets and priors as in Kontoyiannis and others, "Bayesian context trees" (2022). Each
    symbol takes of the order `depth * num_symbols` steps, at worst `depth` new rows of `12 m + 20` bytes; what is predicted is
    exact, and adds up to the evidence of all trees together.

    The first `depth` symbols are conditioned on, as in the literature: they are context, and until there are as many every
    symbol is predicted with `1 / num_symbols` and nothing is learned. A `past` spares that.

    It is a predictor that has never seen what it predicts, so its product is the numerator of an anytime-valid test: of
    "the overseer's model is in this class", say, by `exp(log_evidence)` over the class's best likelihood.

    Unlike everything that sessions hold this object changes when it learns, for speed: it is meant for sequences of millions of
    symbols. What an agent learns with is `ContextTrees`.

    >>> coin = ContextTreeMixture(2, 3, past=[0, 1, 0])
    >>> symbols = [0, 1, 1, 0, 1, 0, 0]
    >>> round(math.exp(coin.extend(symbols).sum()) * 32768)  # their worked example: 95 / 32768
    95
    """

    def __init__(self, num_symbols: int, depth: int, *, beta: float | None = None, past: Symbols = ()) -> None:
        """A predictor that knows nothing.

        Args:
            num_symbols: from 2 to 256.
            depth: longest context, at least 0.
            beta: prior probability that a context is not split further, in (0, 1); None is `1 - 2^(1 - num_symbols)`.
            past: symbols before the first, the most recent last.

        Raises:
            ValueError: a number outside its range, or a past that is not made of symbols.
        """
        self.prior = TreePrior(num_symbols, depth, beta)
        self._prior_odds = math.exp(self.prior.log_stop - self.prior.log_split)
        self._child = np.zeros((64, num_symbols), np.int32)
        self._counts = np.zeros((64, num_symbols + 1), np.int64)
        self._odds, self._scale = np.zeros(64), np.zeros(64, np.int32)
        self._odds[0], self._used, self._total = self._prior_odds, 1, np.zeros(2)
        self._remember(self._symbols(past))

    @property
    def log_evidence(self) -> float:
        """The log-probability of all that was learned; 0 at first."""
        return float(self._total[0] + self._total[1])

    @property
    def num_nodes(self) -> int:
        """How many contexts were seen, the empty one included."""
        return self._used

    def log_predict(self, history: Symbols | None = None) -> NDArray[np.float64]:
        """Log-probabilities `[m]` of the next symbol, after the sequence so far or after `history` (the most recent last).

        >>> mixture = ContextTreeMixture(2, 1, past=[0])
        >>> _ = mixture.extend([1, 0, 1, 0, 1])
        >>> np.exp(mixture.log_predict()).round(3), np.exp(mixture.log_predict([0])).round(3)
        (array([0.795, 0.205]), array([0.152, 0.848]))
        """
        past = self._history if history is None else self._symbols(history)
        if past.size < self.prior.depth:
            return np.full(self.prior.num_symbols, -math.log(self.prior.num_symbols))
        return np.log(predict_next(past, self.prior.depth, self._child, self._counts, self._odds, self._scale))

    def update(self, symbol: int) -> float:
        """Learn `symbol` and move on; returns the log-probability that it had."""
        return float(self.extend([symbol])[0])

    def learn(self, symbol: int) -> float:
        """Learn that `symbol` is what comes now, without moving on; returns the log-probability that it had."""
        kept = self._history
        log_prob = self.update(symbol)
        self._history = kept
        return log_prob

    def advance(self, symbol: int) -> None:
        """Move on by `symbol`, without learning that it came: somebody else chose it."""
        self._remember(np.concatenate([self._history, self._symbols([symbol])]))

    def extend(self, symbols: Symbols) -> NDArray[np.float64]:
        """Learn `symbols` one after the other; returns the log-probability that each had, given all before it.

        Raises:
            ValueError: something among them is no symbol; then nothing is learned.
        """
        fresh = self._symbols(symbols)
        sequence = np.concatenate([self._history, fresh])
        log_probs = np.full(sequence.size, -math.log(self.prior.num_symbols))
        at, depth = max(self._history.size, self.prior.depth), self.prior.depth
        while at < sequence.size:
            at, self._used = learn_sequence(
                sequence,
                at,
                depth,
                self._prior_odds,
                self._child,
                self._counts,
                self._odds,
                self._scale,
                self._used,
                self._total,
                log_probs,
            )
            if at < sequence.size:
                self._grow()
        log_probs = log_probs[self._history.size :]
        self._remember(sequence)
        return log_probs

    def posterior(self) -> ContextTreePosterior:
        """The exact posterior over trees, from a copy of what was counted."""
        return ContextTreePosterior.of_counts(
            self.prior, child=self._child[: self._used].copy(), counts=self._counts[: self._used].copy()
        )

    def _remember(self, sequence: NDArray[np.int64]) -> None:
        self._history = sequence[max(sequence.size - self.prior.depth, 0) :].copy()

    def _grow(self) -> None:
        rows = max(2 * self._odds.size, self._used + self.prior.depth)

        def longer(array: NDArray) -> NDArray:
            grown = np.zeros((rows, *array.shape[1:]), array.dtype)
            grown[: array.shape[0]] = array
            return grown

        self._child, self._counts = longer(self._child), longer(self._counts)
        self._odds, self._scale = longer(self._odds), longer(self._scale)

    def _symbols(self, values: Symbols) -> NDArray[np.int64]:
        return symbols_of(values, num_symbols=self.prior.num_symbols)


def symbols_of(values: Symbols, *, num_symbols: int) -> NDArray[np.int64]:
    """`values` as an array of symbols.

    Raises:
        ValueError: they are no whole numbers from 0 to `num_symbols - 1` in one dimension.
    """
    given = np.asarray(values)
    if given.size == 0:
        return np.zeros(0, np.int64)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise ValueError(
            f"symbols of shape {given.shape} and dtype {given.dtype}: give whole numbers from 0 to {num_symbols - 1} in one dimension."
        )
    if given.min() < 0 or given.max() >= num_symbols:
        raise ValueError(f"symbols run from {given.min()} to {given.max()}; they must lie from 0 to {num_symbols - 1}.")
    return given.astype(np.int64)
