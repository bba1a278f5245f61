"""Context trees and the prior over all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

LARGEST_ALPHABET = 256
"""Bytes. Every context keeps one count and one child for each symbol."""

Context = tuple[int, ...]
"""Past symbols, the most recent first. The empty tuple is the root: whatever came before."""


@dataclass(frozen=True)
class ContextTree:
    """A proper tree of contexts, and what the data say of it. Logarithms are natural.

    Attributes:
        leaves: every long enough past begins with exactly one of them; sorted.
        log_prior: of the tree among all trees up to the depth.
        log_likelihood: of the data, the leaves' probabilities integrated out.
        log_maximum: of the data, maximised over the leaves' probabilities.
        log_posterior: of the tree, given the data.
        odds: how many times as probable the best tree is, at least 1; NaN where no best tree was looked for.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    leaves: tuple[Context, ...]
    log_prior: float
    log_likelihood: float
    log_maximum: float
    log_posterior: float
    odds: float = math.nan


@dataclass(frozen=True)
class TreePrior:
    """The prior over all context trees up to a depth: a branching process that stops at each context with probability `beta`.

    Kontoyiannis, Mertzanis, Panotopoulou, Papageorgiou and Skoularidou, "Bayesian context trees: modelling and exact inference for
    discrete time series", Journal of the Royal Statistical Society B (2022): a tree T has the prior
    `alpha^(|T| - 1) beta^(|T| - L)`, where |T| counts leaves, L those of them at the full depth, and
    `alpha = (1 - beta)^(1 / (m - 1))`. It is the prior of Willems, Shtarkov and Tjalkens, "The context-tree weighting method: basic
    properties", IEEE Transactions on Information Theory 41 (1995), when m = 2 and beta = 1/2.

    Attributes:
        num_symbols: m, from 2 to `LARGEST_ALPHABET`.
        depth: longest context, at least 0.
        beta: in (0, 1); None is the authors' default, `1 - 2^(1 - m)`.

    Raises:
        ValueError: one of them is outside its range.

    >>> prior = TreePrior(2, 1)
    >>> prior.num_trees, math.exp(prior.log_prior([()])), math.exp(prior.log_prior([(0,), (1,)]))
    (2, 0.5, 0.5)
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_symbols", "depth")
    num_symbols: int
    depth: int
    beta: float | None = None

    def __post_init__(self) -> None:
        if not 2 <= self.num_symbols <= LARGEST_ALPHABET:
            raise ValueError(
                f"{self.num_symbols} symbols: a context tree takes 2 to {LARGEST_ALPHABET}, since every context keeps a count and a "
                "child for each. Map a larger alphabet to bytes."
            )
        if self.depth < 0:
            raise ValueError(
                f"depth = {self.depth} is negative: it is the length of the longest context; 0 has no memory."
            )
        if self.beta is not None and not 0 < self.beta < 1:
            raise ValueError(
                f"beta = {self.beta} is outside (0, 1): it is the prior probability that a context is not split further. "
                "Leave it out for 1 - 2^(1 - m)."
            )

    @property
    def log_stop(self) -> float:
        """`log(beta)`."""
        return math.log1p(-(2.0 ** (1 - self.num_symbols))) if self.beta is None else math.log(self.beta)

    @property
    def log_split(self) -> float:
        """`log(1 - beta)`, finite for every alphabet: the default beta rounds to 1 from 55 symbols on."""
        return (1 - self.num_symbols) * math.log(2.0) if self.beta is None else math.log1p(-self.beta)

    @property
    def num_trees(self) -> int:
        """How many trees there are: 1, 2, 5, 26, 677 … for two symbols and depths 0, 1, 2, 3, 4 … Their digits grow like `m^depth`."""
        count = 1
        for _ in range(self.depth):
            count = 1 + count**self.num_symbols
        return count

    def log_prior(self, leaves: Iterable[Context]) -> float:
        """The log prior of the tree with these leaves.

        Raises:
            ValueError: they are not the leaves of a proper tree within the depth.
        """
        ordered = self.proper(leaves)
        splits = (len(ordered) - 1) // (self.num_symbols - 1)
        return splits * self.log_split + sum(len(leaf) < self.depth for leaf in ordered) * self.log_stop

    def proper(self, leaves: Iterable[Context]) -> tuple[Context, ...]:
        """The leaves, sorted, when each past of full length begins with exactly one of them.

        Raises:
            ValueError: a leaf is longer than the depth or holds what is no symbol, one begins another, or a past is left over.
        """
        ordered = tuple(sorted(tuple(leaf) for leaf in leaves))
        for leaf in ordered:
            if len(leaf) > self.depth or not all(0 <= symbol < self.num_symbols for symbol in leaf):
                raise ValueError(
                    f"{leaf} is no context here: at most {self.depth} symbols from 0 to {self.num_symbols - 1}, most recent first."
                )
        for one, other in pairwise(ordered):
            if other[: len(one)] == one:
                raise ValueError(
                    f"{one} begins {other}: a past would have two leaves. Keep the longer ones or the shorter one."
                )
        covered = sum(self.num_symbols ** (self.depth - len(leaf)) for leaf in ordered)
        if covered != self.num_symbols**self.depth:
            raise ValueError(
                f"the leaves {ordered} cover {covered} of the {self.num_symbols**self.depth} pasts of length {self.depth}: a proper "
                "tree gives each past one leaf, so the siblings of every leaf belong to it too."
            )
        return ordered
