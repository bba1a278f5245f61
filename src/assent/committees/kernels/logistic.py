"""Linear heads for two classes after labelled items: normal approximations of what they leave of a normal prior, and many draws of them.

The logistic loss of a head has no exact posterior. Two normal distributions stand in for it. Laplace's has the posterior's mode and the
curvature there (MacKay, "The evidence framework applied to classification networks", 1992). Expectation propagation's has, at every item,
the mean and the variance that the item's exact label gives beside all others (Minka, "Expectation propagation for approximate Bayesian
inference", UAI 2001); where labels are nearly certain the posterior is far from symmetric, and Laplace's is centred far too near to even
odds (Kuss and Rasmussen, "Assessing approximate inference for binary Gaussian process classification", JMLR 2005). Both are found among the
items, as by Rasmussen and Williams, "Gaussian processes for machine learning", 2006, algorithms 3.1 and 3.5, and draws follow by Matheron's
rule from draws of the prior: all of it takes n x n factors, whatever the number of features is. SciPy, float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.linalg
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_STEPS = 200
"""Newton's steps; the objective is strictly concave and each step is halved until it rises, so that fewer are needed."""

RISE = 1e-9
"""Of the objective, in nats: a step that adds less is the last one."""

MOST_SWEEPS, DAMPING, SETTLED = 50, 0.7, 1e-3
"""Of expectation propagation: all items at once, a share of each change, until means agree to a share of their deviations."""

REACH, POINTS = 8.0, 481
"""Deviations on each side over which an item's moments are summed. A trapezoid rule errs by about exp(-2 pi^2 / step) there, since the
logistic function's poles lie at +- i pi: 5e-5 for deviations of 60."""

LEAST = 1e-10
"""Precision that an item keeps, so that there are factors."""


@dataclass(frozen=True, eq=False)
class Stand:
    """A normal distribution that stands in for a posterior: as if each item's logit had been measured with a noise of its own.

    Attributes:
        coefficients: float64 [n]; logits of the items have the mean `kernel @ coefficients`, a head `variance * phi.T @ coefficients`.
        precision: float64 [n], of each measurement.
        lower: float64 [n, n], Cholesky factor of `I + sqrt(precision) kernel sqrt(precision)`.
    """

    coefficients: Floats
    precision: Floats
    lower: Floats


Standing: TypeAlias = Callable[[Floats, NDArray[np.integer]], Stand]
"""`(kernel [n, n], y [n]) -> Stand`: prior covariance of the items' logits, and their labels 0 and 1."""


def laplace(kernel: Floats, y: NDArray[np.integer]) -> Stand:
    """The mode of the items' logits, and the curvature there.

    Raises:
        ValueError: shapes that do not fit, labels beyond two classes, or numbers that are not finite.

    >>> found = laplace(np.eye(1), np.asarray([1]))
    >>> logit = found.coefficients[0]
    >>> bool(abs(logit - 1 / (1 + np.exp(logit))) < 1e-6)
    True
    """
    labels = _checked(kernel, y)
    coefficients = np.zeros(len(labels))
    value = _objective(kernel, coefficients, labels)
    for _ in range(MOST_STEPS):
        found = _newton(kernel, coefficients, labels)
        share, higher, moved = 1.0, -np.inf, coefficients
        while share > 1e-6:
            moved = coefficients + share * (found - coefficients)
            higher = _objective(kernel, moved, labels)
            if higher >= value:
                break
            share /= 2.0
        if not higher > value + RISE:
            break
        coefficients, value = moved, higher
    curvature = _curvature(kernel @ coefficients)
    return Stand(coefficients, curvature, _factor(kernel, np.sqrt(curvature)))


def moments(kernel: Floats, y: NDArray[np.integer]) -> Stand:
    """Expectation propagation, begun at Laplace's mode.

    Raises:
        ValueError: as `laplace` does.

    >>> kernel, y = np.full((1, 1), 36.0), np.asarray([1])
    >>> [round(36.0 * float(found.coefficients[0]), 1) for found in (laplace(kernel, y), moments(kernel, y))]
    [2.6, 4.6]
    """
    start = laplace(kernel, y)
    signs = np.asarray(2.0 * np.asarray(y) - 1.0, np.float64)
    precision = np.maximum(start.precision, LEAST)
    shift = precision * (kernel @ start.coefficients) + start.coefficients
    for _ in range(MOST_SWEEPS):
        root = np.sqrt(precision)
        beside = scipy.linalg.solve_triangular(_factor(kernel, root), root[:, None] * kernel, lower=True)
        variance = np.diag(kernel) - np.sum(beside**2, axis=0)
        mean = kernel @ shift - beside.T @ (beside @ shift)
        left, drawn = 1.0 / variance - precision, mean / variance - shift
        sound = left > LEAST  # elsewhere rounding has used up what the others say; that item waits a sweep
        safe = np.where(sound, left, 1.0)
        exact_mean, exact_variance = _moments(drawn / safe, 1.0 / safe, signs)
        to_precision = np.maximum(1.0 / exact_variance - safe, LEAST)
        to_shift = exact_mean / exact_variance - drawn
        precision = np.where(sound, precision + DAMPING * (to_precision - precision), precision)
        shift = np.where(sound, shift + DAMPING * (to_shift - shift), shift)
        if (np.abs(exact_mean - mean) / np.sqrt(variance))[sound].max(initial=0.0) < SETTLED:
            break
    root = np.sqrt(precision)
    lower = _factor(kernel, root)
    return Stand(shift - root * scipy.linalg.cho_solve((lower, True), root * (kernel @ shift)), precision, lower)


def logistic_heads(
    rng: np.random.Generator,
    phi: Floats,
    y: NDArray[np.integer],
    num: int,
    *,
    variance: float,
    standing: Standing = laplace,
) -> tuple[Floats, Floats]:
    """Heads w of logits `phi @ w`: the mean, float64 [D], and `num` draws, [N, D].

    A draw of the prior, less what it says at the items beyond a draw of what the labels leave open there.

    Args:
        rng: where the draws are from.
        phi: float64 [n, D], features of the items.
        y: [n], labels 0 and 1.
        num: N.
        variance: of each entry of a head before the data, above 0.
        standing: what stands in for the posterior.

    Raises:
        ValueError: as `laplace` does, or a variance that is not above 0.
    """
    if not 0 < variance < np.inf:
        raise ValueError(f"variance = {variance}: give a finite number above 0.")
    found = standing(variance * (phi @ phi.T), y)
    root = np.sqrt(found.precision)
    best = variance * (phi.T @ found.coefficients)
    drawn = np.sqrt(variance) * rng.standard_normal((num, phi.shape[1]))
    missing = (drawn @ phi.T) * root + rng.standard_normal((num, len(phi)))
    answer = scipy.linalg.cho_solve((found.lower, True), missing.T).T * root
    return best, best + drawn - variance * (answer @ phi)


def _checked(kernel: Floats, y: NDArray[np.integer]) -> NDArray[np.integer]:
    labels = np.asarray(y)
    if kernel.shape != (len(labels), len(labels)) or len(labels) == 0 or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"The kernel has the shape {kernel.shape} and there are {len(labels)} labels; give [n, n] and n of at least 1, each 0 or 1."
        )
    if not np.isfinite(kernel).all():
        raise ValueError("The kernel holds numbers that are not finite; scale the items down.")
    return labels


def _objective(kernel: Floats, coefficients: Floats, y: NDArray[np.integer]) -> float:
    """The log-posterior of logits `kernel @ coefficients`, but for a constant."""
    logits = kernel @ coefficients
    log_likelihood = -np.sum(np.logaddexp(0.0, np.where(y == 1, -logits, logits)))
    return float(log_likelihood - 0.5 * coefficients @ logits)


def _newton(kernel: Floats, coefficients: Floats, y: NDArray[np.integer]) -> Floats:
    """Where Newton's method goes from the coefficients."""
    logits = kernel @ coefficients
    curvature = _curvature(logits)
    root = np.sqrt(curvature)
    target = curvature * logits + (y - scipy.special.expit(logits))
    lower = _factor(kernel, root)
    return target - root * scipy.linalg.cho_solve((lower, True), root * (kernel @ target))


def _curvature(logits: Floats) -> Floats:
    """Of the negative log-likelihood of an item in its logit."""
    chance = scipy.special.expit(logits)
    return chance * (1.0 - chance)


def _factor(kernel: Floats, root: Floats) -> Floats:
    # every eigenvalue is at least 1: there is always a factor
    return np.asarray(scipy.linalg.cholesky(np.eye(len(root)) + root[:, None] * kernel * root[None, :], lower=True))


def _moments(mean: Floats, variance: Floats, signs: Floats) -> tuple[Floats, Floats]:
    """Mean and variance [n] of logits with a normal density times the logistic function of them, of their negative where a sign is -1."""
    steps = np.linspace(-REACH, REACH, POINTS)
    logits = mean[:, None] + np.sqrt(variance)[:, None] * steps[None, :]
    log_density = -0.5 * steps[None, :] ** 2 - np.logaddexp(0.0, -signs[:, None] * logits)
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    density /= density.sum(axis=1, keepdims=True)
    first = np.sum(density * logits, axis=1)
    return first, np.sum(density * (logits - first[:, None]) ** 2, axis=1)
