"""What a committee says of a labelled set, item by item, in as much memory as its measures need. NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assent.committees.asking import at_ask_rate, mean_threshold, minimum
from assent.committees.committee import Committee
from assent.committees.joint import JointLoss, joint_log_loss
from assent.committees.splits import Labelled

MOST_ACTING = 64
"""Members over which a minimum is taken where wrong acts are counted."""

AT_ONCE = 1 << 24
"""Numbers of all members' probabilities that are held at once."""


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A committee on T labelled items. Members stand in the order in which they would be added: from every root in turn.

    Attributes:
        errors: bool [N, T].
        right: float64 [N, T], each member's log-probability of the right label.
        mean: float64 [T, C], log of the mean probability.
        labels: integers [T].
        roots: integers [N].
        log_weights: float64 [N], of the members.
    """

    errors: NDArray[np.bool_]
    right: NDArray[np.float64]
    mean: NDArray[np.float64]
    labels: NDArray[np.int64]
    roots: NDArray[np.int64]
    log_weights: NDArray[np.float64]

    @property
    def member_accuracy(self) -> float:
        """The members' mean."""
        return 1.0 - float(self.errors.mean())

    @property
    def accuracy(self) -> float:
        """Of the mean."""
        return float((self.mean.argmax(axis=1) == self.labels).mean())

    @property
    def log_loss(self) -> float:
        """Of the mean."""
        return -float(self.mean[np.arange(len(self.labels)), self.labels].mean())

    def joint(self, members: int | None = None, *, draws: int = 4_000, seed: int = 0) -> JointLoss:
        """The joint log-loss of the first members by their weights, or of all.

        Raises:
            ValueError: the first members all have weight 0.
        """
        said = self.right[:members]
        # only the right label's probability counts, so all others may be one
        others = np.log1p(-np.minimum(np.exp(said), 1.0 - 1e-16))
        return joint_log_loss(
            np.stack([said, others], axis=2),
            np.zeros(said.shape[1], dtype=np.int64),
            log_weight=self.log_weights[:members],
            draws=draws,
            seed=seed,
        )


def evaluated(committee: Committee, data: Labelled) -> Evaluated:
    """The committee on the data.

    Raises:
        ValueError: a member's probabilities cannot be read at some item.
    """
    order = in_turn(committee.roots)
    at_once = max(1, AT_ONCE // (committee.num_members * committee.num_actions))
    errors, right, mean = list[NDArray[np.bool_]](), list[NDArray[np.float64]](), list[NDArray[np.float64]]()
    labels = np.asarray(data.y, dtype=np.int64)
    for first in range(0, len(data), at_once):
        log_probs = committee.log_probs(data.x[first : first + at_once])[order]
        if not np.isfinite(log_probs.max(axis=-1)).all():
            broken = int(np.flatnonzero(~np.isfinite(log_probs.max(axis=-1)).all(axis=1))[0])
            raise ValueError(
                f"The probabilities of {committee.names[order[broken]]} cannot be read; leave that member out."
            )
        here = labels[first : first + at_once]
        errors.append(log_probs.argmax(axis=-1) != here[None])
        right.append(np.take_along_axis(log_probs, here[None, :, None], axis=2)[..., 0])
        weights = committee.log_weights[order][:, None, None]
        mean.append(np.asarray(np.logaddexp.reduce(log_probs + weights, axis=0)))
    return Evaluated(
        np.concatenate(errors, axis=1),
        np.concatenate(right, axis=1),
        np.concatenate(mean),
        labels,
        committee.roots[order],
        committee.log_weights[order],
    )


@dataclass(frozen=True)
class WrongActs:
    """Wrong acts per act alone, at a given share of items asked; None where nothing can be said.

    Attributes:
        minimum: acting by the least probability that any of up to 64 members gives, fewer members where those ask too much.
        threshold: acting on the mean's best label from a probability on, by the members' weights.
    """

    minimum: float | None
    threshold: float | None


def wrong_acts(committee: Committee, data: Labelled, *, asked: float = 0.25) -> WrongActs:
    """What acting alone on the data would get wrong, in the two ways.

    Args:
        asked: share of items.
    """
    some = committee.subset(in_turn(committee.roots)[:MOST_ACTING])
    order = in_turn(some.roots)
    log_probs = some.log_probs(data.x)[order]
    labels = np.asarray(data.y, dtype=np.int64)
    found = list[float | None]()
    by_mean = mean_threshold(log_probs, labels, log_weight=some.log_weights[order])
    for curve in (minimum(log_probs, labels), by_mean):
        try:
            found.append(at_ask_rate(curve, asked))
        except ValueError:  # even one member asks more, or the curve does not come so far
            found.append(None)
    return WrongActs(*found)


def in_turn(roots: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of members, one of each root in turn.

    >>> in_turn([0, 0, 0, 1, 1]).tolist()
    [0, 3, 1, 4, 2]
    """
    stems = np.asarray(roots)
    turn = np.zeros(len(stems), dtype=np.int64)
    for root in np.unique(stems):
        mine = stems == root
        turn[mine] = np.arange(int(mine.sum()))
    return np.lexsort((stems, turn))
