"""streams: scikit-learn's wines, tumours and digits as plain labelled streams, with two overseers who err where it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.overseers.scripted import Scripted
from assent.worlds.stream import Stream

ERRING = 0.2
"""The share of items that each overseer gets wrong."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """A stream of T items of D features and A classes, a part before it to fit on, and two overseers who share it.

    Each overseer errs on a fifth of the items and on no other: it then names the next class. Where depends on what the item looks like:
    `errs` says it, so that whoever asks them can be judged by whom it believes where.

    Attributes:
        world: it shows items, and reveals both overseers' answers (as first + A x second: each reads its own).
        overseers: the first and the second.
        fit_items, fit_labels: `[F, D]` and `[F]`, with true labels, for members that are fitted beforehand.
        truth: `[T]`, the true labels of the stream.
        errs: boolean `[2, T]`, where each overseer errs.
        labels: what the classes are called.
        num_steps: T.
    """

    world: Stream
    overseers: tuple[Scripted, Scripted]
    fit_items: NDArray[np.float64]
    fit_labels: NDArray[np.int64]
    truth: NDArray[np.int64]
    errs: NDArray[np.bool_]
    labels: list[str]

    @property
    def num_steps(self) -> int:
        return len(self.truth)


def wine(seed: int) -> Labelled:
    """178 wines of three growers by 13 measurements, the first 50 to fit on.

    The first overseer errs on the fifth with most alcohol, the second on that with the least colour. Features have mean 0 and standard
    deviation 1 on the part to fit on.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed (a sentence says how to get it).
    """
    return _labelled("load_wine", seed, num_fit=50, first=lambda items: items[:, 0], second=lambda items: -items[:, 9])


def breast_cancer(seed: int) -> Labelled:
    """569 tumours, malignant or benign, by 30 measurements, the first 150 to fit on; scaled as the wines.

    The first overseer errs on the fifth with the largest mean radius, the second on that with the lowest mean texture.

    Raises:
        ModuleNotFoundError: as `wine`.
    """
    return _labelled(
        "load_breast_cancer", seed, num_fit=150, first=lambda items: items[:, 0], second=lambda items: -items[:, 1]
    )


def digits(seed: int) -> Labelled:
    """1,797 handwritten digits of 8 by 8 pixels, in the order of `assent.presets.digits`, the first 500 to fit on; pixels from 0 to 16.

    The first overseer errs on the fifth with most ink in the upper half, the second on that with the least ink in the lower half.

    Raises:
        ModuleNotFoundError: as `wine`.
    """
    return _labelled(
        "load_digits",
        seed,
        num_fit=500,
        first=lambda items: items[:, :32].sum(axis=1),
        second=lambda items: -items[:, 32:].sum(axis=1),
        scaled=False,
    )


def _labelled(
    loader: str,
    seed: int,
    *,
    num_fit: int,
    first: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    second: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    scaled: bool = True,
) -> Labelled:
    try:
        from sklearn import datasets
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "these data ship inside scikit-learn, which is not installed: pip install 'assent[lab]'."
        ) from error
    data: Any = getattr(datasets, loader)()
    order = np.random.default_rng([seed, 0]).permutation(len(data.target))
    items, labels = np.asarray(data.data, dtype=np.float64)[order], np.asarray(data.target, dtype=np.int64)[order]
    errs = np.stack([_most(number(items)[num_fit:]) for number in (first, second)])
    if scaled:
        items = (items - items[:num_fit].mean(axis=0)) / items[:num_fit].std(axis=0)
    names, truth = [str(name) for name in data.target_names], labels[num_fit:]
    said = np.where(errs, (truth + 1) % len(names), truth)
    return Labelled(
        world=Stream(items=items[num_fit:], labels=said[0] + len(names) * said[1], num_actions=len(names)),
        overseers=_readers(len(names)),
        fit_items=items[:num_fit],
        fit_labels=labels[:num_fit],
        truth=truth,
        errs=errs,
        labels=names,
    )


def _most(number: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The fifth with the greatest numbers; of equal ones those that come first."""
    greatest = np.argsort(-number, kind="stable")[: round(ERRING * len(number))]
    return np.isin(np.arange(len(number)), greatest)


@lru_cache
def _readers(num_actions: int) -> tuple[Scripted, Scripted]:
    """The same two for every stream of so many classes, so that their lives compile once."""
    return Scripted(lambda revealed: revealed % num_actions), Scripted(lambda revealed: revealed // num_actions)
