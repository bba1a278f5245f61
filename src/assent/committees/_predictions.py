"""What measures of predictions take: log-probabilities of members, labels, and log-weights, checked once at the border. NumPy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]
Rows = NDArray[Any]
"""[N, T, C], of any kind of number: members are brought to double precision one by one, so that no copy of all of them is made."""

SUM_TOLERANCE = 1e-4
"""By how much probabilities may miss the sum 1: a softmax over many options in single precision."""


def shaped(log_probs: ArrayLike) -> Rows:
    """[N, T, C], of at least one member, one item and two options."""
    rows = np.asarray(log_probs)
    if rows.ndim != 3 or rows.size == 0 or rows.shape[2] < 2:
        raise ValueError(f"Log-probabilities have the shape {rows.shape}; give [N, T, C], with at least two options.")
    return rows


def with_labels(log_probs: ArrayLike, labels: ArrayLike) -> tuple[Rows, Integers]:
    """[N, T, C] and options [T]."""
    rows, right = shaped(log_probs), np.asarray(labels)
    if right.shape != rows.shape[1:2]:
        raise ValueError(f"There are labels of the shape {right.shape} for {rows.shape[1]} items; give one for each.")
    if not np.issubdtype(right.dtype, np.integer) or right.min() < 0 or right.max() >= rows.shape[2]:
        raise ValueError(f"Some labels are no options; give whole numbers from 0 to {rows.shape[2] - 1}.")
    return rows, right.astype(np.int64)


def weighted(rows: Rows, log_weight: ArrayLike | None) -> tuple[Rows, Floats]:
    """The members whose weight is not 0, and their log-weights, of the sum 1; even when left out."""
    if log_weight is None:
        return rows, np.full(len(rows), -math.log(len(rows)))
    logs = np.asarray(log_weight, np.float64)
    if logs.shape != (len(rows),) or np.isnan(logs).any() or not np.isfinite(logs.max()):
        raise ValueError(
            f"The log-weights are {logs.tolist()} for {len(rows)} members; give one for each, below infinity, and not all minus infinity."
        )
    kept = logs > -np.inf
    logs = logs[kept] - logs.max()
    return rows[kept], np.asarray(logs - math.log(np.exp(logs).sum()))


def members(rows: Rows) -> Iterator[tuple[Floats, Bools]]:
    """Member by member: probabilities [T, C], and whether it says something [T].

    A row with NaN or plus infinity, or without any finite entry, says nothing, and its probabilities are 0. Any other must sum to 1.
    """
    for member, row in enumerate(rows):
        logs = row.astype(np.float64)
        sound = ~(np.isnan(logs) | np.isposinf(logs)).any(axis=1) & np.isfinite(logs).any(axis=1)
        probs = np.exp(np.where(sound[:, None], np.minimum(logs, 1.0), -np.inf))
        sums = probs.sum(axis=1)
        off = sound & (np.abs(sums - 1.0) > SUM_TOLERANCE)
        if off.any():
            raise ValueError(
                f"Member {member} gives no distribution at item {off.argmax()}: it sums to {sums[off][0]:g}; give the logarithms of "
                "probabilities that sum to 1, and not logits."
            )
        yield np.minimum(probs, 1.0), sound
