"""LazyDagger: hand over as SafeDAgger does, and take back only when the novice is clearly right, so that there are fewer switches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from assent.core import Array
from assent.core.arrays import namespace
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.peers.discrepancy import UNSAFE, CountedDiscrepancy, Predictor
from assent.peers.peer import Peer, Seen, discrepancy


class Lazy(NamedTuple):
    """How many labels there were, whether the overseer is in charge, and what the classifier has learned."""

    labels: Array
    overseer: Array
    predictor: Any


@dataclass(frozen=True, eq=False)
class LazyDagger(Peer):
    """The overseer takes over where the predicted discrepancy is above `tau`, and stays until the actual one is below `back * tau`.

    Hoque, Balakrishna, Putterman, Luo, Brown, Seita, Thananjeyan, Novoseller and Goldberg, "LazyDAgger: reducing context switching in
    interactive imitation learning", CASE 2021. In their code the threshold is `tau_sup` times the greatest squared distance of two actions;
    `discrepancy` is in units of that distance already, so `tau` is their `tau_sup` (0.008) and `back` their `tau_auto` (0.25). These are
    for robots whose overseer always does the same; an overseer who varies is never so well predicted, and keeps the wheel. The noise that
    they add to the overseer's actions, to see more states, is left out: it would be ours and not the overseer's to answer for.

    Attributes:
        predictor: of the discrepancy.
        tau: in [0, 1], the discrepancy above which the overseer takes over.
        back: in [0, 1], the part of `tau` below which the novice acts again.
        labels: rounds that are asked first.
    """

    reason: ClassVar[str] = "discrepancy"
    predictor: Predictor
    tau: Array | float = 0.008
    back: Array | float = 0.25
    labels: Array | int = 0

    @staticmethod
    def example() -> LazyDagger:
        """One with the example of `BootstrapCounts`."""
        members = BootstrapCounts.example()
        return LazyDagger(members, CountedDiscrepancy(members.num_contexts, members.num_actions))

    def start(self) -> Lazy:
        xp = namespace(self.hypotheses.log_prior())
        return Lazy(xp.asarray(0), xp.asarray(False), self.predictor.start())

    def asks(self, tally: Lazy, seen: Seen) -> Array:
        xp = namespace(seen.policy)
        unsafe = self.predictor.predict(tally.predictor, seen, self.tau) >= UNSAFE
        return xp.astype(xp.asarray(unsafe | tally.overseer | (tally.labels < self.labels)), seen.policy.dtype)

    def hear(self, tally: Lazy, seen: Seen, action: Array) -> Lazy:
        xp = namespace(seen.policy)
        stays = ~xp.asarray(discrepancy(seen.policy, action) < self.tau * self.back)
        return Lazy(tally.labels + 1, stays, self.predictor.hear(tally.predictor, seen, action, self.tau))
