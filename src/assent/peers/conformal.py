"""ConformalSingleton: act where a conformal prediction set holds exactly one action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from assent.core import Array
from assent.core.arrays import namespace, one_hot
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.peers.peer import Peer, Seen

MOST = 500
"""Scores that are kept; the oldest give way."""


class Scores(NamedTuple):
    """What was held against the novice.

    Attributes:
        score: `[MOST]`, one less the probability that it gave each label, of which `kept` count.
        kept: integer scalar, how many there were, the overwritten ones included.
        labels: integer scalar.
    """

    score: Array
    kept: Array
    labels: Array


@dataclass(frozen=True, eq=False)
class ConformalSingleton(Peer):
    """The novice acts where exactly one action is not to be ruled out at `level`; several, or none, are put before the overseer.

    Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005; the score 1 - p(label) is that of Sadinle, Lei and
    Wasserman, "Least ambiguous set-valued classifiers with bounded error levels", JASA 114 (2019), MAPIE's `lac` and crepes's `hinge`.
    An action stays in the set while its p-value (`p_values`) is above `level`. With few scores nothing can be ruled out, so a cold start
    asks: at least `1 / level - 1` labels go by.

    The set holds the label with chance 1 - level *if rounds are exchangeable*: as if drawn in any order. That is void once the agent's own
    actions choose what it sees, and once only the rounds that it finds hard are labelled.

    Attributes:
        level: in (0, 1), the chance of leaving the overseer's action out.
        labels: rounds that are asked first.
        split: of the first `labels` rounds every other one is held back from the members and gives a score; after them neither members nor
            scores move: split conformal prediction. Otherwise every label gives a score before it teaches, for ever.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("split",)
    reason: ClassVar[str] = "prediction-set"
    level: Array | float = 0.1
    labels: Array | int = 0
    split: bool = False

    @staticmethod
    def example() -> ConformalSingleton:
        """One with the example of `BootstrapCounts`."""
        return ConformalSingleton(BootstrapCounts.example(), level=0.4)

    def start(self) -> Scores:
        prior = self.hypotheses.log_prior()
        xp = namespace(prior)
        return Scores(xp.zeros(MOST, dtype=prior.dtype), xp.asarray(0), xp.asarray(0))

    def asks(self, tally: Scores, seen: Seen) -> Array:
        xp = namespace(seen.policy)
        kept = xp.where(xp.asarray(tally.kept < MOST), tally.kept, MOST)
        inside = p_values(tally.score, kept, 1.0 - seen.policy) > self.level
        alone = xp.sum(xp.astype(inside, seen.policy.dtype)) == 1.0
        # the one action in the set is the likeliest: a smaller score is never the first to be ruled out
        return xp.astype(xp.asarray(~alone | (tally.labels < self.labels)), seen.policy.dtype)

    def hear(self, tally: Scores, seen: Seen, action: Array) -> Scores:
        xp = namespace(tally.score)
        if self.split:
            scores = (tally.labels % 2 == 1) & (tally.labels < self.labels)
        else:
            scores = xp.asarray(True)
        here = (xp.arange(MOST) == tally.kept % MOST) & xp.asarray(scores)
        said = one_hot(action, seen.policy.shape[0], xp.bool, xp=xp)
        score = xp.sum(xp.where(said, 1.0 - seen.policy, 0.0))
        kept = tally.kept + xp.astype(xp.asarray(scores), tally.kept.dtype)
        return Scores(xp.where(here, score, tally.score), kept, tally.labels + 1)

    def teaches(self, tally: Scores) -> Any:
        if not self.split:
            return True
        return (tally.labels % 2 == 0) & (tally.labels < self.labels)


def p_values(scores: Array, kept: Array | int, candidates: Array) -> Array:
    """`[A]`: how usual each of the `candidates` `[A]` would be among the first `kept` of `scores` `[N]`, in (0, 1].

    `(1 + how many scores are at least as great) / (1 + kept)`: at most u with chance at most u, if the candidate and the scores are
    exchangeable. `p > level` is the set of split conformal prediction, `score <= quantile number ceil((1 - level) (kept + 1))`.

    >>> import numpy as np
    >>> p_values(np.asarray([0.1, 0.2, 0.3, 9.0]), 3, np.asarray([0.05, 0.2, 0.5]))
    array([1.  , 0.75, 0.25])
    """
    xp = namespace(scores)
    counts = xp.arange(scores.shape[0]) < kept
    beyond = xp.astype(counts[None, :] & (scores[None, :] >= candidates[:, None]), scores.dtype)
    return (1.0 + xp.sum(beyond, axis=1)) / (1.0 + xp.sum(xp.astype(counts, scores.dtype)))
