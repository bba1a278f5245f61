"""Ways of asking with their setting chosen once, on validation, and then kept: what they come to where items are of another kind. NumPy.

`assent.committees.asking` draws whole curves over the items that are measured on. Whoever deploys a committee has one setting, and cannot
choose it again when the items change. Each way here is a function from members' log-probabilities `[N, T, C]` to the probability of acting
with each label, `[T, C]`; what is missing to 1 is asked. A member that says nothing at an item means ask, as there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assent.committees._predictions import Rows, members, shaped, with_labels
from assent.committees.asking import minimum

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

Acting: TypeAlias = Callable[[ArrayLike], Floats]
"""From log-probabilities `[N, T, C]` to probabilities of acting `[T, C]`."""

NOTHING = -1
"""The label of an item that is of no class: every act on it is wrong."""


@dataclass(frozen=True)
class Minimum:
    """Act with a label with the least probability that any of the first members gives it.

    Attributes:
        size: how many members, at least 1. Between two numbers a coin decides for each item; a fraction beyond all members there are is the
            chance that nobody is listened to and the item is asked about.

    >>> rows = np.log([[[0.5, 0.5]], [[0.75, 0.25]]])
    >>> Minimum(1.5)(rows).round(6).tolist()
    [[0.5, 0.375]]
    """

    size: float

    def __post_init__(self) -> None:
        if not 1.0 <= self.size < np.inf:
            raise ValueError(
                f"size = {self.size}: a minimum is over at least one member, else everything would be acted on."
            )

    @classmethod
    def asking(cls, rate: float, log_probs: ArrayLike) -> Minimum:
        """As many members as ask about a share `rate` of these items; one, where one asks more.

        Raises:
            ValueError: as of `asking.minimum`, or a rate that is no share below 1.
        """
        rows = shaped(log_probs)
        _checked(rate)
        ask = np.append(minimum(rows, np.zeros(rows.shape[1], np.int64)).ask, 1.0)
        place = int(np.searchsorted(ask, rate, side="right")) - 1
        if place < 0:
            return cls(1.0)
        return cls(place + 1 + float((rate - ask[place]) / (ask[place + 1] - ask[place])))

    def __call__(self, log_probs: ArrayLike) -> Floats:
        rows = shaped(log_probs)
        whole, part = min(int(self.size), len(rows)), min(self.size, len(rows) + 1.0)
        least = np.ones(rows.shape[1:])
        for probs, _ in members(rows[:whole]):
            np.minimum(least, probs, out=least)
        if part == whole:
            return least
        more = np.zeros(least.shape)
        if whole < len(rows):
            ((probs, _),) = members(rows[whole : whole + 1])
            more = np.minimum(least, probs)
        return least + (part - whole) * (more - least)


@dataclass(frozen=True)
class MeanThreshold:
    """Act on the likeliest label of the members' mean where its probability is at least `threshold`.

    >>> MeanThreshold(0.6)(np.log([[[0.5, 0.5], [0.25, 0.75]]])).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """

    threshold: float

    @classmethod
    def asking(cls, rate: float, log_probs: ArrayLike) -> MeanThreshold:
        """The lowest threshold of those that ask about at most a share `rate` of these items, and no fewer for equal confidences."""
        mean, sound = _mean(shaped(log_probs))
        return cls(_quantile(np.where(sound, mean.max(axis=1), -1.0), rate))

    def __call__(self, log_probs: ArrayLike) -> Floats:
        mean, sound = _mean(shaped(log_probs))
        return _best(mean, sound & (mean.max(axis=1) >= self.threshold))


@dataclass(frozen=True)
class RandomMember:
    """Act on the likeliest label of one member, drawn evenly at each item, where it gives that at least `threshold`.

    >>> RandomMember(0.6)(np.log([[[0.5, 0.5]], [[0.25, 0.75]]])).tolist()
    [[0.0, 0.5]]
    """

    threshold: float

    @classmethod
    def asking(cls, rate: float, log_probs: ArrayLike) -> RandomMember:
        """The threshold that asks about at most a share `rate` of these items, on average over members."""
        rows = shaped(log_probs)
        sure = [np.where(sound, probs.max(axis=1), -1.0) for probs, sound in members(rows)]
        return cls(_quantile(np.concatenate(sure), rate))

    def __call__(self, log_probs: ArrayLike) -> Floats:
        rows = shaped(log_probs)
        acts = np.zeros(rows.shape[1:])
        for probs, sound in members(rows):
            acts += _best(probs, sound & (probs.max(axis=1) >= self.threshold))
        return acts / len(rows)


@dataclass(frozen=True)
class Conformal:
    """Act where the split conformal set holds exactly one label: those whose mean probability is at least `1 - limit`.

    >>> Conformal(0.7)(np.log([[[0.5, 0.5], [0.25, 0.75]]])).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """

    limit: float

    @classmethod
    def asking(cls, rate: float, log_probs: ArrayLike, labels: ArrayLike) -> Conformal:
        """The set of the least level alpha of those that ask about at most a share `rate` of these items: the strongest promise.

        Raises:
            ValueError: no level asks so little.
        """
        _checked(rate)
        rows, right = with_labels(log_probs, labels)
        mean, sound = _mean(rows)
        scores = np.sort(np.where(sound, 1.0 - mean[np.arange(len(right)), right], np.inf))
        ordered = np.sort(np.where(sound[:, None], mean, 0.0), axis=1)
        for limit in scores[np.isfinite(scores)][::-1]:
            alone = sound & (ordered[:, -1] >= 1.0 - limit) & (ordered[:, -2] < 1.0 - limit)
            if 1.0 - alone.mean() <= rate:
                return cls(float(limit))
        raise ValueError(f"At every level more than a share {rate} of these items is asked about; give a higher rate.")

    def __call__(self, log_probs: ArrayLike) -> Floats:
        mean, sound = _mean(shaped(log_probs))
        inside = mean >= 1.0 - self.limit
        return _best(mean, sound & (inside.sum(axis=1) == 1))


@dataclass(frozen=True)
class Used:
    """What a settled way comes to on some items.

    Attributes:
        ask: the share of items asked about.
        wrong_share: the share of items acted on wrongly.
    """

    ask: float
    wrong_share: float

    @property
    def wrong_per_act(self) -> float:
        """The share of acts that are wrong; 0 where there are none."""
        acts = 1.0 - self.ask
        return min(1.0, self.wrong_share / acts) if acts > 1e-12 else 0.0


def used(acting: Acting, log_probs: ArrayLike, labels: ArrayLike) -> Used:
    """The way on these items, in expectation.

    Args:
        labels: integers [T], what is right; `NOTHING` where no label is.

    Raises:
        ValueError: another number of labels than of items.

    >>> used(Minimum(1), np.log([[[0.5, 0.25, 0.25]]]), [0])
    Used(ask=0.0, wrong_share=0.5)
    """
    acts, right = acting(log_probs), np.asarray(labels)
    if right.shape != acts.shape[:1]:
        raise ValueError(f"There are labels of the shape {right.shape} for {len(acts)} items; give one for each.")
    known = np.flatnonzero(right != NOTHING)
    correct = float(acts[known, right[known]].sum())
    whole = float(acts.sum())
    return Used(min(1.0, max(0.0, 1.0 - whole / len(acts))), max(0.0, whole - correct) / len(acts))


def _mean(rows: Rows) -> tuple[Floats, Bools]:
    """The members' mean probabilities `[T, C]`, and where all of them say something."""
    mean, said = np.zeros(rows.shape[1:]), np.ones(rows.shape[1], np.bool_)
    for probs, sound in members(rows):
        mean += probs / len(rows)
        said &= sound
    return mean, said


def _best(probs: Floats, acts: Bools) -> Floats:
    """1 at the likeliest label of each item that is acted on."""
    found = np.zeros(probs.shape)
    places = np.flatnonzero(acts)
    found[places, probs[places].argmax(axis=1)] = 1.0
    return found


def _quantile(sure: Floats, rate: float) -> float:
    """The confidence below which at most a share `rate` lies."""
    _checked(rate)
    return float(np.sort(sure)[math.floor(rate * len(sure))])


def _checked(rate: float) -> None:
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"A rate of {rate} is asked for; give a share of the items, below 1.")
