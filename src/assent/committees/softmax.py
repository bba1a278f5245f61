"""From members' logits to probabilities: softmax, temperature, and the mean by weight. NumPy; what cannot be read is NaN, and is asked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray

TEMPERATURES = (1e-3, 1e3)
"""Between which a softmax temperature is looked for."""


def log_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Log-probabilities over the last axis, float64; NaN throughout where a logit is not finite."""
    wide = np.asarray(logits, dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        shifted = wide - wide.max(axis=-1, keepdims=True)
        log_probs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    readable = np.isfinite(wide).all(axis=-1, keepdims=True)
    return np.where(readable, log_probs, np.nan)


def divided(logits: NDArray[np.floating[Any]], divisor: float) -> NDArray[np.floating[Any]]:
    """Divided; what that makes infinite or no number is asked."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.asarray(logits / divisor)


def mean_by_weight(log_probs: NDArray[np.float64], log_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of the mean of `[N, B, C]` by weight."""
    with np.errstate(invalid="ignore"):  # NaN stays NaN
        return np.asarray(np.logaddexp.reduce(log_probs + log_weights[:, None, None], axis=0))


def normalised(log_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-weights `[N]` whose weights sum to one.

    Raises:
        ValueError: every weight is 0.
    """
    whole = np.logaddexp.reduce(log_weights)
    if whole == -math.inf:
        raise ValueError(f"All {len(log_weights)} members have weight 0; name at least one that is still believed.")
    return np.asarray(log_weights - whole)


def best_temperature(
    logits: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]], log_weights: NDArray[np.float64]
) -> float:
    """The one temperature at which the members' mean has the least log-loss.

    Args:
        logits: [N, B, C], finite.
        labels: [B].
        log_weights: [N], normalised.

    >>> logits = np.log([[[0.999, 0.001]] * 10])  # so sure, and wrong in one of ten
    >>> round(best_temperature(logits, np.asarray([1] + [0] * 9), np.zeros(1)), 2)
    3.14
    """

    def loss(log_temperature: float) -> float:
        mean = mean_by_weight(log_softmax(logits / math.exp(log_temperature)), log_weights)
        return -float(np.mean(mean[np.arange(len(labels)), labels]))

    low, high = (math.log(bound) for bound in TEMPERATURES)
    grid = np.linspace(low, high, 29)
    # the loss has more than one valley where members disagree wildly
    best = int(np.argmin([loss(at) for at in grid]))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    found = scipy.optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-3})
    return math.exp(float(found.x))
