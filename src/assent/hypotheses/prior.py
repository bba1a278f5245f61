"""Prior weights, checked and normalised."""

from __future__ import annotations

from assent.core import Array, normalise
from assent.core.arrays import namespace, safe_log


def log_prior_of(weights: Array, *, num_members: int) -> Array:
    """The normalised log of prior `weights` `[N]`.

    Raises:
        ValueError: wrong length, negative, not finite, or nothing above 0.

    >>> import numpy as np
    >>> log_prior_of(np.asarray([1.0, 3.0]), num_members=2).round(4)
    array([-1.3863, -0.2877])
    """
    xp = namespace(weights)
    if weights.ndim != 1 or int(weights.shape[0]) != num_members:
        raise ValueError(f"prior has shape {tuple(weights.shape)} for {num_members} members: give one weight for each.")
    if not bool(xp.all(xp.isfinite(weights)) & xp.all(weights >= 0) & xp.any(weights > 0)):
        raise ValueError(f"prior weights {weights} must be finite, not negative, and not all zero.")
    return normalise(safe_log(weights))
