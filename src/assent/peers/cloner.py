"""Cloner: behavioural cloning. Label the first rounds, then act alone for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from assent.core import Array
from assent.core.arrays import namespace
from assent.peers.peer import Peer, Seen


class Labelled(NamedTuple):
    """How many labels there were."""

    labels: Array


@dataclass(frozen=True, eq=False)
class Cloner(Peer):
    """Behavioural cloning: the overseer acts for the first `labels` rounds, from then on the novice does.

    Pomerleau, "ALVINN: an autonomous land vehicle in a neural network", NIPS 1988. It never asks again, so what it has not seen by then it
    does not know: Ross, Gordon and Bagnell, "A reduction of imitation learning and structured prediction to no-regret online learning",
    AISTATS 2011, on how its errors add up.

    Attributes:
        labels: how many labels it is given.

    >>> from assent.hypotheses.bootstrap_counts import BootstrapCounts
    >>> from assent.core import Answer
    >>> clone = Cloner(BootstrapCounts.example(), labels=1)
    >>> belief = clone.init()
    >>> float(clone.propose(belief, 0).ask), float(clone.propose(clone.learn(belief, 0, Answer(2)), 0).ask)
    (1.0, 0.0)
    """

    reason: ClassVar[str] = "labels"
    labels: Array | int = 200

    @staticmethod
    def example() -> Cloner:
        """One with the example of `BootstrapCounts`."""
        from assent.hypotheses.bootstrap_counts import BootstrapCounts

        return Cloner(BootstrapCounts.example(), labels=2)

    def start(self) -> Labelled:
        return Labelled(namespace(self.hypotheses.log_prior()).asarray(0))

    def asks(self, tally: Labelled, seen: Seen) -> Array:
        xp = namespace(seen.policy)
        return xp.astype(xp.asarray(tally.labels < self.labels), seen.policy.dtype)

    def hear(self, tally: Labelled, seen: Seen, action: Array) -> Any:
        return Labelled(tally.labels + 1)
