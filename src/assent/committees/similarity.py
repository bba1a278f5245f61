"""How alike two models are in what they get right and in how they get it wrong, beyond what their accuracies alone bring about. NumPy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Probs = NDArray[np.float64]


def capa(one: ArrayLike, other: ArrayLike, labels: ArrayLike) -> float:
    """Chance-adjusted probabilistic agreement: 1 where both say the same with certainty, 0 where their accuracies alone make them agree.

    `(c_obs - c_exp) / (1 - c_exp)`, with `c_obs` the mean over points of `sum_o p(o) q(o)`, and `c_exp` what two models of the same mean
    probability on the right option would come to, were their errors even over the other options and independent (Goel and others, "Great
    models think alike and this undermines AI oversight", 2025).

    Args:
        one, other: probabilities [T, C].
        labels: integers [T], the right options.

    Raises:
        ValueError: shapes that do not fit, rows that are no distributions, or labels that are no options.

    >>> rows = [[1.0, 0.0], [0.0, 1.0]]
    >>> capa(rows, rows, [0, 0]), capa(rows, [[0.5, 0.5], [0.5, 0.5]], [0, 0])
    (1.0, 0.0)
    """
    p, q, right = _checked(one, other, labels)
    points = np.arange(len(right))
    observed = float(np.mean(np.sum(p * q, axis=1)))
    first, second = float(np.mean(p[points, right])), float(np.mean(q[points, right]))
    expected = first * second + (1.0 - first) * (1.0 - second) / (p.shape[1] - 1)
    return _beyond(observed, expected)


def error_consistency(one: ArrayLike, other: ArrayLike) -> float:
    """Cohen's kappa of being right: 1 where both err at the same points, 0 where as often as their accuracies make them.

    Geirhos, Meding and Wichmann, "Beyond accuracy: quantifying trial-by-trial behaviour of CNNs and humans by measuring error
    consistency", 2020. NaN where both are always right, or both always wrong: then their accuracies say everything.

    Args:
        one, other: bool [T], where each errs.

    Raises:
        ValueError: other shapes, or no points.

    >>> error_consistency([0, 0, 1, 1], [0, 0, 1, 1]), error_consistency([0, 0, 1, 1], [0, 1, 0, 1])
    (1.0, 0.0)
    """
    first, second = np.asarray(one), np.asarray(other)
    if first.ndim != 1 or first.shape != second.shape or first.size == 0:
        raise ValueError(
            f"The errors have the shapes {first.shape} and {second.shape}; give two rows over the same points."
        )
    if not (np.isin(first, (0, 1)).all() and np.isin(second, (0, 1)).all()):
        raise ValueError("The errors hold something else than 0 and 1; give whether each point was got wrong.")
    wrong, also = float(np.mean(first)), float(np.mean(second))
    observed = float(np.mean(first == second))
    return _beyond(observed, wrong * also + (1.0 - wrong) * (1.0 - also))


def _beyond(observed: float, expected: float) -> float:
    return (observed - expected) / (1.0 - expected) if expected < 1.0 else math.nan


def _checked(one: ArrayLike, other: ArrayLike, labels: ArrayLike) -> tuple[Probs, Probs, NDArray[np.int64]]:
    p, q, right = np.asarray(one, np.float64), np.asarray(other, np.float64), np.asarray(labels)
    if p.ndim != 2 or p.shape != q.shape or right.shape != p.shape[:1] or p.shape[0] < 1 or p.shape[1] < 2:
        raise ValueError(
            f"The probabilities have the shapes {p.shape} and {q.shape}, the labels {right.shape}; give [T, C] twice and [T], with at "
            "least two options."
        )
    for rows in (p, q):
        if not (np.all(rows >= 0) and np.allclose(rows.sum(axis=1), 1.0, rtol=0.0, atol=1e-6)):
            raise ValueError(
                "Some rows are no distributions; give probabilities of at least 0 that sum to 1, and not logits."
            )
    if not np.issubdtype(right.dtype, np.integer) or right.min() < 0 or right.max() >= p.shape[1]:
        raise ValueError(f"Some labels are no options; give whole numbers from 0 to {p.shape[1] - 1}.")
    return p, q, right.astype(np.int64)
