"""Whether chains have mixed: rank-normalised split R-hat and bulk effective sample size. NumPy."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata


def split_rhat(draws: np.ndarray) -> np.ndarray:
    """The larger of bulk and folded split R-hat, one for each quantity; 1 when chains agree with themselves and each other.

    Vehtari, Gelman, Simpson, Carpenter and Bürkner, "Rank-normalization, folding, and localization: an improved R-hat", Bayesian
    Analysis 16 (2021), sections 3 and 4.1. Chains are split in halves, values replaced by normal scores of their ranks.

    Args:
        draws: [T, C, ...], T >= 4 draws of C chains of any number of quantities.

    Returns:
        [...], at least about 1; NaN for a quantity that is constant.

    Raises:
        ValueError: fewer than 4 draws.

    >>> float(split_rhat(np.random.default_rng(0).normal(size=(100, 4)))).__round__(2)
    1.0
    """
    halves, shape = _halves(draws)
    folded = np.abs(halves - np.median(halves, axis=(0, 1)))
    return np.maximum(_rhat(_normal_scores(halves)), _rhat(_normal_scores(folded))).reshape(shape)


def bulk_ess(draws: np.ndarray) -> np.ndarray:
    """The bulk effective sample size, one for each quantity: how many independent draws the means are worth.

    The same source, section 3: autocovariances averaged over split, rank-normalised chains, summed in pairs while they are positive
    and made monotone (Geyer, "Practical Markov chain Monte Carlo", 1992).

    Args:
        draws: [T, C, ...], T >= 4.

    Returns:
        [...], at most C T log10(C T); NaN for a quantity that is constant.

    >>> bool(300 < bulk_ess(np.random.default_rng(0).normal(size=(100, 4))) < 500)
    True
    """
    halves, shape = _halves(draws)
    return _ess(_normal_scores(halves)).reshape(shape)


def _halves(draws: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """[T // 2, 2 C, Q] and the shape of the quantities."""
    draws = np.asarray(draws, dtype=np.float64)
    if draws.ndim < 2 or draws.shape[0] < 4:
        raise ValueError(
            f"draws have shape {draws.shape}; diagnostics need [T, C, ...] with at least 4 draws in a chain."
        )
    length, chains = draws.shape[0] // 2, draws.shape[1]
    flat = draws.reshape(draws.shape[0], chains, -1)
    return np.concatenate([flat[:length], flat[-length:]], axis=1), draws.shape[2:]


def _normal_scores(draws: np.ndarray) -> np.ndarray:
    rank = rankdata(draws.reshape(-1, draws.shape[2]), method="average", axis=0).reshape(draws.shape)
    return ndtri((rank - 0.375) / (draws.shape[0] * draws.shape[1] + 0.25))


def _rhat(draws: np.ndarray) -> np.ndarray:
    length = draws.shape[0]
    within = draws.var(axis=0, ddof=1).mean(axis=0)
    between = length * draws.mean(axis=0).var(axis=0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt((between / within + length - 1) / length)


def _ess(draws: np.ndarray) -> np.ndarray:
    length, chains, _ = draws.shape
    covariance = _autocovariance(draws).mean(axis=1)
    within = covariance[0] * length / (length - 1)
    total = within * (length - 1) / length
    if chains > 1:
        total = total + draws.mean(axis=0).var(axis=0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = 1 - (within - covariance) / total
    rho[0] = 1.0
    pairs = rho[: length - length % 2].reshape(length // 2, 2, -1).sum(axis=1)
    positive = np.cumprod(pairs > 0, axis=0).astype(bool)
    monotone = np.where(positive, np.minimum.accumulate(pairs, axis=0), 0.0)
    # the first pair that is not positive still gives its first half, if that is positive
    ends = positive.sum(axis=0)
    quantity = np.arange(rho.shape[1])
    last = np.where(2 * ends < length, rho[np.minimum(2 * ends, length - 1), quantity], 0.0)
    tau = -1 + 2 * monotone.sum(axis=0) + np.maximum(last, 0.0)
    count = length * chains
    tau = np.where(np.isnan(total) | (total <= 0), np.nan, np.maximum(tau, 1 / np.log10(count)))
    return count / tau


def _autocovariance(draws: np.ndarray) -> np.ndarray:
    """[T, C, Q], biased (divided by T), by Fourier transform."""
    length = draws.shape[0]
    centred = draws - draws.mean(axis=0)
    spectrum = np.fft.rfft(centred, n=2 * length, axis=0)
    return np.fft.irfft(np.abs(spectrum) ** 2, n=2 * length, axis=0)[:length] / length
