"""Rewards: finitely many reward functions, each with a name and a weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MAX_HYPOTHESES = 1_000_000
"""More than these are not enumerated: one table of 100 places and 5 actions would take 4 GB."""


@dataclass(frozen=True, eq=False)
class Rewards:
    """N reward functions over P places and A actions: what the agent thinks may be wanted.

    `reward[p, a, n]` is what hypothesis n expects to gain by doing a in place p, before any cost of oversight; whatever is gained on
    entering the next place is averaged over the places that may come next. The first step's reward is not discounted.

    Attributes:
        names: N different names, for people.
        log_prior: float64 [N], normalised; minus infinity where the prior is zero.
        reward: float64 [P, A, N].

    Raises:
        ValueError: no hypothesis, more than a million, shapes that do not fit, a reward that is not finite, or two equal names.

    >>> rewards = Rewards.of(["left", "right"], [0.8, 0.2], np.asarray([[[1.0, 0.0], [0.0, 1.0]]]))
    >>> rewards.num_hypotheses, np.exp(rewards.log_prior).round(1)
    (2, array([0.8, 0.2]))
    """

    names: tuple[str, ...]
    log_prior: np.ndarray
    reward: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.names)
        if not 1 <= count <= MAX_HYPOTHESES:
            raise ValueError(f"{count:,} reward hypotheses: 1 to {MAX_HYPOTHESES:,} can be enumerated; sample beyond.")
        if len(set(self.names)) != count:
            twice = next(name for name, uses in Counter(self.names).items() if uses > 1)
            raise ValueError(f"two reward hypotheses are called {twice!r}; the overseer could not tell them apart.")
        if self.reward.ndim != 3 or self.reward.shape[2] != count or self.log_prior.shape != (count,):
            raise ValueError(
                f"{count} names go with reward [P, A, {count}] and log_prior [{count}], not with {self.reward.shape} and "
                f"{self.log_prior.shape}."
            )
        if not np.isfinite(self.reward).all():
            raise ValueError("a reward is not a finite number.")
        total = np.exp(self.log_prior).sum()
        if not abs(total - 1) < 1e-9:
            raise ValueError(f"the prior sums to {total}, not to 1.")

    @classmethod
    def of(cls, names: Sequence[str], weights: Sequence[float] | np.ndarray, reward: np.ndarray) -> Rewards:
        """Rewards with prior weights in proportion to `weights`, [N], at least 0 and not all 0.

        Raises:
            ValueError: a weight is negative or not finite, all are 0, or what the class refuses.
        """
        given = np.asarray(weights, dtype=np.float64)
        if not np.isfinite(given).all() or given.size == 0 or given.min() < 0 or given.sum() <= 0:
            raise ValueError(f"weights = {given.tolist()}: give finite numbers of at least 0, not all of them 0.")
        with np.errstate(divide="ignore"):
            log_prior = np.log(given / given.sum())
        return cls(tuple(names), log_prior, np.asarray(reward, dtype=np.float64))

    @property
    def num_hypotheses(self) -> int:
        return len(self.names)

    def mean(self, weights: np.ndarray) -> np.ndarray:
        """The mean reward [P, A, ...] under `weights` [N, ...], which sum to 1 over N."""
        return np.tensordot(self.reward, weights, axes=(2, 0))
