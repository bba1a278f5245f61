"""Dagger: the overseer labels every round of a first phase, and hands over acting bit by bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from assent.core import Array, Belief
from assent.core.arrays import namespace
from assent.peers.cloner import Labelled
from assent.peers.peer import Peer, Seen


@dataclass(frozen=True, eq=False)
class Dagger(Peer):
    """DAgger: every one of the first `labels` rounds is labelled, and the overseer acts in a share `beta` of them, which falls to 0.

    Ross, Gordon and Bagnell, "A reduction of imitation learning and structured prediction to no-regret online learning", AISTATS 2011.
    `beta` falls in `parts` equal steps from 1, as in HumanCompatibleAI's imitation 1.0.1 (`LinearBetaSchedule(15)`); there the novice is
    fitted anew at the end of each part, here it learns from each label at once. A round that the novice acts in is labelled all the same,
    so every round of the phase costs one label.

    Attributes:
        labels: how many labels it is given.
        parts: in how many steps `beta` falls, at least 1.

    >>> from assent.hypotheses.bootstrap_counts import BootstrapCounts
    >>> from assent.core import Answer
    >>> agent = Dagger(BootstrapCounts.example(), labels=4, parts=2)
    >>> belief, asks = agent.init(), []
    >>> for _ in range(5):
    ...     asks.append(float(agent.propose(belief, 0).ask))
    ...     belief = agent.learn(belief, 0, Answer(0))
    >>> asks
    [1.0, 1.0, 0.5, 0.5, 0.0]
    """

    reason: ClassVar[str] = "beta"
    labels: Array | int = 200
    parts: Array | int = 15

    @staticmethod
    def example() -> Dagger:
        """One with the example of `BootstrapCounts`."""
        from assent.hypotheses.bootstrap_counts import BootstrapCounts

        return Dagger(BootstrapCounts.example(), labels=4)

    def start(self) -> Labelled:
        return Labelled(namespace(self.hypotheses.log_prior()).asarray(0))

    def asks(self, tally: Labelled, seen: Seen) -> Array:
        xp = namespace(seen.policy)
        part, parts = (
            xp.astype(xp.asarray(number), seen.policy.dtype)
            for number in (tally.labels * self.parts // self.labels, self.parts)
        )
        beta = 1.0 - part / parts
        return xp.where(xp.asarray(tally.labels < self.labels), beta, 0.0)

    def hear(self, tally: Labelled, seen: Seen, action: Array) -> Any:
        return Labelled(tally.labels + 1)

    def wants_label(self, belief: Belief, obs: Any) -> Array:
        tally: Labelled = belief.tallies[0]
        return namespace(belief.log_weight).asarray(tally.labels < self.labels)
