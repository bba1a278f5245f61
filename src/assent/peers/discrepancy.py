"""Predicted discrepancy: how likely the overseer is to do something else here than the novice, learned from labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from assent.core import Array
from assent.core.arrays import namespace, one_hot
from assent.hypotheses.newton import Fitted, NewtonSoftmax
from assent.peers.peer import Seen, discrepancy

UNSAFE = 0.5
"""A round is unsafe where the predicted chance is at least this: where nothing is known, it is."""


@runtime_checkable
class Predictor(Protocol):
    """Predicts the chance, a scalar in [0, 1], that the novice's discrepancy is above `tau`; 1/2 where nothing is known."""

    def start(self) -> Any: ...
    def predict(self, tally: Any, seen: Seen, tau: Array | float) -> Array: ...
    def hear(self, tally: Any, seen: Seen, action: Array, tau: Array | float) -> Any: ...


@dataclass(frozen=True, eq=False)
class CountedDiscrepancy:
    """By counting in each context: the share of its labels that the novice, as it is now, would be further off than `tau`.

    This is the classifier fitted anew to all labels, exactly. One label more, half of it unsafe, stands for what is not known: a context
    without labels is unsafe, which a network would not know of.

    Attributes:
        num_contexts, num_actions: S and A.

    >>> import numpy as np
    >>> policy = np.asarray([0.75, 0.25])
    >>> predictor, seen = CountedDiscrepancy(2, 2), Seen(0, policy[None], policy, np.asarray([1.0, 0.0]))
    >>> tally = predictor.hear(predictor.start(), seen, np.asarray(0), 0.5)
    >>> float(predictor.predict(predictor.start(), seen, 0.5)), float(predictor.predict(tally, seen, 0.5))
    (0.5, 0.25)
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_contexts", "num_actions")
    num_contexts: int
    num_actions: int

    def start(self) -> Array:
        import numpy as np

        return np.zeros((self.num_contexts, self.num_actions))

    def predict(self, tally: Array, seen: Seen, tau: Array | float) -> Array:
        xp = namespace(seen.policy)
        labels = xp.asarray(tally, dtype=seen.policy.dtype)[seen.obs, :]
        # half the squared distance to every corner at once
        distance = (xp.sum(seen.policy**2) + 1.0) / 2 - seen.policy
        unsafe = xp.sum(xp.where(distance > tau, labels, 0.0))
        return (0.5 + unsafe) / (1.0 + xp.sum(labels))

    def hear(self, tally: Array, seen: Seen, action: Array, tau: Array | float) -> Array:
        xp = namespace(seen.policy)
        here = one_hot(seen.obs, self.num_contexts, tally.dtype, xp=xp)
        return tally + here[:, None] * one_hot(action, self.num_actions, tally.dtype, xp=xp)[None, :]


@dataclass(frozen=True, eq=False)
class LinearDiscrepancy:
    """By a logistic regression on the item's features, one online Newton step a label: 1/2 everywhere before the first.

    Each label is judged by the novice as it was before it learned from it; earlier judgements are not revised. Two right guesses at the
    start are enough for it to say "safe" nearly everywhere, after which nobody is asked: give the method some labels first.

    Attributes:
        regression: of two classes, safe and unsafe.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    regression: NewtonSoftmax

    @classmethod
    def of(cls, num_features: int) -> LinearDiscrepancy:
        """One on items `[num_features]`."""
        return cls(NewtonSoftmax.of(num_features=num_features, num_actions=2))

    def start(self) -> Fitted:
        return self.regression.init()

    def predict(self, tally: Fitted, seen: Seen, tau: Array | float) -> Array:
        return self.regression.predict(tally, seen.obs)[0, 1]

    def hear(self, tally: Fitted, seen: Seen, action: Array, tau: Array | float) -> Fitted:
        xp = namespace(seen.policy)
        unsafe = xp.asarray(discrepancy(seen.policy, action) > tau)
        return self.regression.update(tally, seen.obs, xp.astype(unsafe, xp.int64))
