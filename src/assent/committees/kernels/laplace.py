"""Linear heads for two classes after labelled items: Laplace's approximation of what they leave of a normal prior, and many draws of it.

The logistic loss of a head has no exact posterior. Laplace's approximation is the normal distribution at the mode with the curvature there
(MacKay, "The evidence framework applied to classification networks", 1992). The mode is found by Newton's method among the items, as by
Rasmussen and Williams, "Gaussian processes for machine learning", 2006, algorithm 3.1, and draws follow by Matheron's rule from draws of the
prior. All of it takes one n x n factor, whatever the number of features is. SciPy, float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_STEPS = 200
"""Newton's steps; the objective is strictly concave and each step is halved until it rises, so that fewer are needed."""

RISE = 1e-9
"""Of the objective, in nats: a step that adds less is the last one."""


@dataclass(frozen=True, eq=False)
class Mode:
    """Where the posterior of a head is highest, and how sharply it falls.

    Attributes:
        coefficients: float64 [n]; the head is `variance * phi.T @ coefficients`.
        curvature: float64 [n], of the negative log-likelihood of each item in its logit, `p (1 - p)`.
        lower: float64 [n, n], Cholesky factor of `I + sqrt(curvature) K sqrt(curvature)`, K the prior covariance of the items' logits.
        log_evidence: Laplace's approximation of the log-probability of all labels, in nats.
    """

    coefficients: Floats
    curvature: Floats
    lower: Floats
    log_evidence: float


def logistic_mode(kernel: Floats, y: NDArray[np.integer]) -> Mode:
    """The mode of logits with prior covariance `kernel` [n, n] after labels y [n] of 0 and 1, each by the logistic function of its logit.

    Raises:
        ValueError: shapes that do not fit, labels beyond two classes, or numbers that are not finite.

    >>> mode = logistic_mode(np.eye(1), np.asarray([1]))
    >>> logit = mode.coefficients[0]
    >>> bool(abs(logit - 1 / (1 + np.exp(logit))) < 1e-6)
    True
    """
    labels = np.asarray(y)
    if kernel.shape != (len(labels), len(labels)) or len(labels) == 0 or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"The kernel has the shape {kernel.shape} and there are {len(labels)} labels; give [n, n] and n of at least 1, each 0 or 1."
        )
    if not np.isfinite(kernel).all():
        raise ValueError("The kernel holds numbers that are not finite; scale the items down.")
    coefficients = np.zeros(len(labels))
    value = _objective(kernel, coefficients, labels)
    for _ in range(MOST_STEPS):
        found = _step(kernel, coefficients, labels)
        share, higher = 1.0, -np.inf
        while share > 1e-6:
            moved = coefficients + share * (found - coefficients)
            higher = _objective(kernel, moved, labels)
            if higher >= value:
                break
            share /= 2.0
        if not higher > value + RISE:
            break
        coefficients, value = moved, higher
    chance = scipy.special.expit(kernel @ coefficients)
    curvature = chance * (1.0 - chance)
    lower = _factor(kernel, np.sqrt(curvature))
    return Mode(coefficients, curvature, lower, value - float(np.sum(np.log(np.diag(lower)))))


def logistic_heads(
    rng: np.random.Generator, phi: Floats, y: NDArray[np.integer], num: int, *, variance: float
) -> tuple[Floats, Floats]:
    """Heads w of logits `phi @ w`: the mode, float64 [D], and `num` draws of Laplace's posterior, [N, D].

    A draw of the prior, less what it says at the items beyond a draw of what the labels leave open there.

    Args:
        rng: where the draws are from.
        phi: float64 [n, D], features of the items.
        y: [n], labels 0 and 1.
        num: N.
        variance: of each entry of a head before the data, above 0.

    Raises:
        ValueError: as `logistic_mode` does, or a variance that is not above 0.
    """
    if not 0 < variance < np.inf:
        raise ValueError(f"variance = {variance}: give a finite number above 0.")
    mode = logistic_mode(variance * (phi @ phi.T), y)
    root = np.sqrt(mode.curvature)
    best = variance * (phi.T @ mode.coefficients)
    drawn = np.sqrt(variance) * rng.standard_normal((num, phi.shape[1]))
    missing = (drawn @ phi.T) * root + rng.standard_normal((num, len(phi)))
    answer = scipy.linalg.cho_solve((mode.lower, True), missing.T).T * root
    return best, best + drawn - variance * (answer @ phi)


def _objective(kernel: Floats, coefficients: Floats, y: NDArray[np.integer]) -> float:
    """The log-posterior of logits `kernel @ coefficients`, but for a constant."""
    logits = kernel @ coefficients
    log_likelihood = -np.sum(np.logaddexp(0.0, np.where(y == 1, -logits, logits)))
    return float(log_likelihood - 0.5 * coefficients @ logits)


def _step(kernel: Floats, coefficients: Floats, y: NDArray[np.integer]) -> Floats:
    """Where Newton's method goes from the coefficients."""
    logits = kernel @ coefficients
    chance = scipy.special.expit(logits)
    curvature = chance * (1.0 - chance)
    root = np.sqrt(curvature)
    target = curvature * logits + (y - chance)
    lower = _factor(kernel, root)
    return target - root * scipy.linalg.cho_solve((lower, True), root * (kernel @ target))


def _factor(kernel: Floats, root: Floats) -> Floats:
    # every eigenvalue is at least 1: there is always a factor
    return np.asarray(scipy.linalg.cholesky(np.eye(len(root)) + root[:, None] * kernel * root[None, :], lower=True))
