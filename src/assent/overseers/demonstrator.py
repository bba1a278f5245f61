"""An overseer that acts by a policy of its own: a table over contexts, or the labels of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assent.core import Array
from assent.core.arrays import namespace
from assent.hypotheses.tables import Tables


@dataclass(frozen=True, eq=False)
class Demonstrator:
    """Answers context s with action a with probability `policy[s, a]`, afresh at each question.

    Attributes:
        policy: `[S, A]`, rows sum to 1.

    >>> bool(Demonstrator(np.asarray([[0.25, 0.75]])).answer(np.asarray(0.3), 0) == 1)
    True
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    policy: Array

    def __post_init__(self) -> None:
        Tables.of(self.policy[None, ...])  # refuses rows that are no sub-distributions
        totals = np.asarray(self.policy).sum(axis=-1)
        if not np.allclose(totals, 1.0, atol=1e-6):
            raise ValueError(f"a demonstrator always answers: its rows must sum to 1, but one sums to {totals.min()}.")

    def probs(self, revealed: Any) -> Array:
        """What it does in context `revealed`, with which probabilities, `[A]`."""
        return self.policy[revealed, :]

    def answer(self, uniform: Array, revealed: Any) -> Array:
        xp = namespace(self.policy)
        row = xp.cumulative_sum(self.policy[revealed, :])
        # the last action with mass takes what rounding leaves at the far edge
        last = xp.sum(xp.astype(row < row[-1], xp.int64))
        chosen = xp.sum(xp.astype(row <= uniform, xp.int64))
        return xp.where(chosen < last, chosen, last)
