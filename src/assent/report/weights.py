"""Committee weights as fractions of one; what cannot be read is NaN, so that it shows as a gap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def normalise(weights: tuple[float, ...]) -> tuple[float, ...]:
    """Weights `[H]` scaled to sum to one; all NaN when one is negative or not finite, or none is positive."""
    array = np.asarray(weights, dtype=np.float64)
    if not array.size:
        return ()
    if not np.isfinite(array).all() or (array < 0).any() or not array.any():
        return _gap(array)
    array = array / array.max()  # so that neither huge nor tiny weights leave the range of a float
    return tuple(float(w) for w in array / array.sum())


def from_log(log_weight: tuple[float, ...]) -> tuple[float, ...]:
    """Log-weights `[H]` (minus infinity allowed) as normalised weights; all NaN when they hold no weight at all."""
    array = np.asarray(log_weight, dtype=np.float64)
    if not array.size:
        return ()
    if np.isnan(array).any() or not np.isfinite(array.max()):
        return _gap(array)
    weights = np.exp(np.maximum(array - array.max(), -745.0)) * (array > -np.inf)
    return tuple(float(w) for w in weights / weights.sum())


def _gap(array: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple([float("nan")] * array.size)
