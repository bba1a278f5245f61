"""Items of another kind than those that were learned from, and members and items that somebody tampered with. NumPy and SciPy.

Whatever is drawn takes a generator. Items are pictures `[n, d * d]` or `[n, d, d]`; the background is the least number in them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import ArrayLike, NDArray

from assent.committees.settled import NOTHING
from assent.committees.splits import Labelled, Splits

Pictures = NDArray[np.float32]

SURE = 1.0 - 1e-6
"""The probability that a planted member gives the label it was planted for."""


def rotated(data: Labelled, degrees: float) -> Labelled:
    """Every picture turned about its middle, counter-clockwise, by straight interpolation; corners that come in are background.

    Raises:
        ValueError: items that are no square pictures.

    >>> turned = rotated(Labelled.of([[0.0, 1.0, 0.0, 0.0]], [3]), 90.0)
    >>> turned.x.round(3).tolist(), turned.y.tolist()
    ([[1.0, 0.0, 0.0, 0.0]], [3])
    """
    grids = _grids(data.x)
    turned = scipy.ndimage.rotate(
        grids, degrees, axes=(1, 2), reshape=False, order=1, mode="constant", cval=float(grids.min())
    )
    return replace(data, x=np.asarray(turned, dtype=np.float32).reshape(data.x.shape))


def drawn(data: Labelled, number: int, rng: np.random.Generator, *, prior: ArrayLike | None = None) -> Labelled:
    """So many items drawn from the data: without repetition and evenly, or with repetition and each label as often as `prior` says.

    Args:
        prior: weights `[C]` of the labels, at least 0; labels without an item count as 0.

    Raises:
        ValueError: more items than there are, or no label of weight above 0 that has items.

    >>> some = drawn(Labelled.of([[0.0], [1.0]], [0, 1]), 3, np.random.default_rng(0), prior=[0.0, 2.0])
    >>> some.y.tolist()
    [1, 1, 1]
    """
    if prior is None:
        if not 1 <= number <= len(data):
            raise ValueError(f"number = {number}: there are {len(data)} items.")
        return data[rng.choice(len(data), number, replace=False)]
    weights = np.asarray(prior, np.float64)
    counts = np.bincount(data.y, minlength=len(weights))
    known = weights.ndim == 1 and len(counts) == len(weights) and bool((weights >= 0).all())
    each = (weights / np.maximum(counts, 1))[data.y] if known else np.zeros(1)
    if not 0 < each.sum() < np.inf:
        raise ValueError(
            f"The labels' weights are {weights.tolist()}, for labels up to {int(data.y.max())}; give one of at least 0 for each, and one "
            "above 0."
        )
    return data[rng.choice(len(data), number, p=each / each.sum())]


def scrambled(data: Labelled, rng: np.random.Generator) -> Labelled:
    """Every item's numbers in an order of its own: as bright as before, and nothing to be seen. Every act on one is wrong."""
    flat = rng.permuted(data.x.reshape(len(data), -1), axis=1)
    return Labelled(flat.reshape(data.x.shape), np.full(len(data), NOTHING, np.int32))


def without(data: Splits, label: int) -> Splits:
    """The set as it is for whoever never sees this label: training and validation lack it, and the test part holds nothing else.

    Raises:
        ValueError: the test part has no such item.
    """
    chosen = data.test.y == label
    if not chosen.any():
        raise ValueError(f"No item of the test part has the label {label}.")
    parts = {"train": data.train, "validation": data.validation}
    kept = {name: part[part.y != label] for name, part in parts.items()}
    return replace(data, **kept, test=data.test[chosen], name=f"{data.name}-without-{label}")


@dataclass(frozen=True)
class BrightCorner:
    """A bright square in the lower right corner, and the label that it shall bring about.

    Attributes:
        label: what poisoned items are said to be.
        size: pixels along an edge.
        value: of the pixels.
    """

    label: int
    value: float
    size: int = 3

    def stamped(self, x: ArrayLike) -> Pictures:
        """The items with the square.

        Raises:
            ValueError: items that are no square pictures, or smaller ones than the square.

        >>> BrightCorner(0, 9.0, size=1).stamped([[1.0, 2.0, 3.0, 4.0]]).tolist()
        [[1.0, 2.0, 3.0, 9.0]]
        """
        items = np.array(x, dtype=np.float32)
        grids = _grids(items)
        if not 1 <= self.size <= grids.shape[1]:
            raise ValueError(f"size = {self.size}: the pictures are {grids.shape[1]} pixels wide.")
        grids[:, -self.size :, -self.size :] = self.value
        return grids.reshape(items.shape)

    def poisoned(self, data: Labelled, places: ArrayLike) -> Labelled:
        """The data with the square and its label at these places."""
        chosen = np.asarray(places, dtype=np.int64)
        x, y = data.x.copy(), data.y.copy()
        x[chosen], y[chosen] = self.stamped(x[chosen]), self.label
        return Labelled(x, y)

    def test(self, data: Labelled) -> Labelled:
        """Items of all other labels, with the square, and their own labels."""
        others = data[data.y != self.label]
        return replace(others, x=self.stamped(others.x))


def planted(log_probs: NDArray[Any], places: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Members' rows `[N, T, C]` with those at `places` replaced by ones that are nearly certain of a label `[T]` each.

    >>> planted(np.log([[[0.5, 0.5]], [[0.5, 0.5]]]), [1], [0]).argmax(axis=2).tolist()
    [[0], [0]]
    """
    rows = np.array(log_probs, dtype=np.float64)
    said = np.asarray(labels, dtype=np.int64)
    liar = np.full(rows.shape[1:], math.log((1.0 - SURE) / (rows.shape[2] - 1)))
    liar[np.arange(len(said)), said] = math.log(SURE)
    rows[np.asarray(places, dtype=np.int64)] = liar
    return rows


def _grids(x: NDArray[Any]) -> NDArray[Any]:
    """`[n, d, d]`."""
    edge = math.isqrt(math.prod(x.shape[1:]))
    if edge * edge != math.prod(x.shape[1:]) or x.ndim not in (2, 3):
        raise ValueError(f"Items have the shape {x.shape[1:]}; give square pictures, [n, d * d] or [n, d, d].")
    return x.reshape(len(x), edge, edge)
