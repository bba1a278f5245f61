"""Means and evidence to many digits in few dimensions: evenly spread points, weighted by the density. NumPy, SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln
from scipy.stats import qmc
from scipy.stats import t as student

FREEDOM = 8.0
"""Degrees of freedom of the proposal: its tails are heavier than those of any density with normal tails."""

WIDER = 1.5
"""The proposal's scale beside that of the draws it is fitted to."""


class Refined(NamedTuple):
    """What n points say.

    Attributes:
        log_evidence: the logarithm of the integral of the density.
        means: [Q].
        effective: Kish's effective number of points.
    """

    log_evidence: float
    means: np.ndarray
    effective: float


def refine(
    evaluate: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    draws: np.ndarray,
    *,
    log_points: int = 16,
    seed: int = 0,
) -> Refined:
    """Integral and means of a density from which `draws` [n, D] are, by importance sampling with scrambled Sobol points.

    The proposal is a product of Student's t distributions along whitened axes, fitted to the draws, so errors of the draws cost
    efficiency and not correctness. In two or three dimensions the error falls nearly as fast as one over the number of points (Owen,
    "Scrambled net variance for integrals of smooth functions", Annals of Statistics 25 (1997)); beyond ten it is no better than chance.

    Args:
        evaluate: positions [n, D] -> log-density [n] (normalised to the evidence) and quantities [n, Q].
        draws: [n, D], from chains; they fit the proposal and nothing else.
        log_points: 2 to this power is the number of points.

    The mean square of a normal number, and the integral of its density:

    >>> def normal(z):
    ...     return -0.5 * (z**2).sum(axis=1) - 0.5 * np.log(2 * np.pi), z**2
    >>> found = refine(normal, np.random.default_rng(0).normal(size=(100, 1)))
    >>> float(found.means[0]).__round__(5), abs(found.log_evidence) < 1e-5
    (1.0, True)
    """
    dimensions = draws.shape[1]
    factor = WIDER * np.linalg.cholesky(np.cov(draws, rowvar=False).reshape(dimensions, dimensions))
    uniform = qmc.Sobol(dimensions, rng=np.random.default_rng(seed)).random_base2(log_points)
    white = student.ppf(np.clip(uniform, 1e-12, 1 - 1e-12), FREEDOM)
    log_density, quantities = evaluate(draws.mean(axis=0) + white @ factor.T)
    log_proposal = (_log_student(white)).sum(axis=1) - np.log(np.diag(factor)).sum()
    log_weight = np.where(np.isnan(log_density), -np.inf, log_density) - log_proposal
    top = log_weight.max()
    weight = np.exp(log_weight - top)
    means = weight @ quantities / weight.sum()
    return Refined(float(top + np.log(weight.mean())), means, float(weight.sum() ** 2 / (weight**2).sum()))


def _log_student(z: np.ndarray) -> np.ndarray:
    constant = gammaln((FREEDOM + 1) / 2) - gammaln(FREEDOM / 2) - 0.5 * np.log(FREEDOM * np.pi)
    return constant - (FREEDOM + 1) / 2 * np.log1p(z**2 / FREEDOM)
