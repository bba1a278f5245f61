"""SafeDagger, EnsembleDagger: hand over where a classifier expects the novice to be off, or where its members are apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from assent.core import Array
from assent.core.arrays import namespace
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.peers.discrepancy import UNSAFE, CountedDiscrepancy, Predictor
from assent.peers.peer import Peer, Seen, doubt


class Watched(NamedTuple):
    """How many labels there were, and what the classifier has learned from them."""

    labels: Array
    predictor: Any


@dataclass(frozen=True, eq=False)
class SafeDagger(Peer):
    """The overseer acts where the predicted chance that the novice is off by more than `tau` is at least 1/2, and labels what it does.

    Zhang and Cho, "Query-efficient imitation learning for end-to-end simulated driving", AAAI 2017: a safety classifier beside the
    policy, which decides who acts and so which rounds are labelled. Actions are categories here, so the distance is `discrepancy`. Where
    nothing is known the classifier says 1/2, and the overseer acts.

    Attributes:
        predictor: the classifier.
        tau: in [0, 1], the discrepancy from which on the novice counts as off; the greater, the fewer questions.
        labels: rounds that are asked first, whatever the classifier says.
    """

    reason: ClassVar[str] = "discrepancy"
    predictor: Predictor
    tau: Array | float = 0.1
    labels: Array | int = 0

    @staticmethod
    def example() -> SafeDagger:
        """One with the example of `BootstrapCounts`."""
        members = BootstrapCounts.example()
        return SafeDagger(members, CountedDiscrepancy(members.num_contexts, members.num_actions))

    def start(self) -> Watched:
        return Watched(namespace(self.hypotheses.log_prior()).asarray(0), self.predictor.start())

    def asks(self, tally: Watched, seen: Seen) -> Array:
        xp = namespace(seen.policy)
        unsafe = self.predictor.predict(tally.predictor, seen, self.tau) >= UNSAFE
        return xp.astype(xp.asarray(unsafe | (tally.labels < self.labels)), seen.policy.dtype)

    def hear(self, tally: Watched, seen: Seen, action: Array) -> Watched:
        return Watched(tally.labels + 1, self.predictor.hear(tally.predictor, seen, action, self.tau))


@dataclass(frozen=True, eq=False)
class EnsembleDagger(Peer):
    """The novice acts where its members' variance is at most `chi` and its predicted discrepancy is not above `tau`.

    Menda, Driggs-Campbell and Kochenderfer, "EnsembleDAgger: a Bayesian approach to safe imitation learning", IROS 2019. There the
    discrepancy is the actual one, for which the overseer is called in every round: each would be a query. Here it is predicted as
    `SafeDagger` does, so that acting alone costs none. The variance alone acts before anything was learned; the prediction does not.

    Attributes:
        predictor: of the discrepancy.
        chi: in [0, 1/4], the most doubt (`assent.peers.peer.doubt`) with which the novice acts.
        tau: in [0, 1], the discrepancy from which on the novice counts as off.
        labels: rounds that are asked first.
    """

    reason: ClassVar[str] = "doubt"
    predictor: Predictor
    chi: Array | float = 0.01
    tau: Array | float = 0.5
    labels: Array | int = 0

    @staticmethod
    def example() -> EnsembleDagger:
        """One with the example of `BootstrapCounts`."""
        members = BootstrapCounts.example()
        return EnsembleDagger(members, CountedDiscrepancy(members.num_contexts, members.num_actions))

    def start(self) -> Watched:
        return Watched(namespace(self.hypotheses.log_prior()).asarray(0), self.predictor.start())

    def asks(self, tally: Watched, seen: Seen) -> Array:
        xp = namespace(seen.policy)
        unsafe = self.predictor.predict(tally.predictor, seen, self.tau) >= UNSAFE
        novel = doubt(seen.rows) > self.chi
        return xp.astype(xp.asarray(unsafe | novel | (tally.labels < self.labels)), seen.policy.dtype)

    def hear(self, tally: Watched, seen: Seen, action: Array) -> Watched:
        return Watched(tally.labels + 1, self.predictor.hear(tally.predictor, seen, action, self.tau))
