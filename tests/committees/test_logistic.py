"""What stands in for the posterior of a logistic head: a mode is one, moments are the exact ones, draws have the covariance they should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assent.committees.kernels.logistic import Standing, _moments, laplace, logistic_heads, moments  # pyright: ignore[reportPrivateUsage]


def items(seed: int, n: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng([seed, n, width])
    return rng.normal(size=(n, width)), rng.integers(0, 2, n)


@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(0.01, 3_000.0))
@settings(max_examples=40, deadline=None)
def test_nothing_pulls_at_the_mode(seed: int, n: int, variance: float) -> None:
    """The gradient of the log-posterior in the logits is `y - p - coefficients`. The last step adds less than 1e-9 nats, and Newton's error
    is squared by each; 1e-3 is far above what is left, and far below the wrong variant's, which leaves the prior out."""
    phi, y = items(seed, n, n + 2)
    kernel = variance * (phi @ phi.T)
    mode = laplace(kernel, y)
    chance = scipy.special.expit(kernel @ mode.coefficients)
    assert np.abs(y - chance - mode.coefficients).max() < 1e-3


def test_the_mode_is_that_of_an_optimiser_among_weights() -> None:
    phi, y = items(1, 12, 4)

    def loss(w: NDArray[Any]) -> float:
        logits = phi @ w
        return float(np.sum(np.logaddexp(0, np.where(y == 1, -logits, logits))) + 0.5 * w @ w / 2.0)

    exact = scipy.optimize.minimize(loss, np.zeros(4), tol=1e-12).x
    best, _ = logistic_heads(np.random.default_rng(0), phi, y, 2, variance=2.0)
    np.testing.assert_allclose(best, exact, atol=1e-4)
    wrong, _ = logistic_heads(np.random.default_rng(0), phi, y, 2, variance=1.0)
    assert np.abs(wrong - exact).max() > 0.01


def test_draws_have_the_covariance_that_the_curvature_gives() -> None:
    """40,000 draws: an entry's standard error is at most sqrt(2 / 40,000) of the greatest variance, 0.7 %; 4 % is over five of them. The
    prior's covariance is the wrong variant."""
    phi, y = items(2, 9, 3)
    best, drawn = logistic_heads(np.random.default_rng(3), phi, y, 40_000, variance=1.5)
    chance = scipy.special.expit(phi @ best)
    exact = np.linalg.inv(phi.T @ ((chance * (1 - chance))[:, None] * phi) + np.eye(3) / 1.5)
    found = np.cov(drawn.T)
    assert np.abs(found - exact).max() < 0.04 * exact.max()
    assert np.abs(1.5 * np.eye(3) - exact).max() > 0.1
    np.testing.assert_allclose(drawn.mean(axis=0), best, atol=5 * np.sqrt(exact.max() / 40_000))


def exact_moments(kernel: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean and variance of two logits, by a sum over a grid of 1,201 x 1,201 points up to eight prior deviations away."""
    axes = [np.linspace(-8, 8, 1_201) * np.sqrt(kernel[place, place]) for place in range(2)]
    f, g = np.meshgrid(*axes, indexing="ij")
    inverse = np.linalg.inv(kernel)
    log_density = -0.5 * (inverse[0, 0] * f * f + 2 * inverse[0, 1] * f * g + inverse[1, 1] * g * g)
    log_density -= sum(np.logaddexp(0, -(2 * label - 1) * logit) for label, logit in zip(y, (f, g), strict=True))
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = np.asarray([(density * logit).sum() for logit in (f, g)])
    return mean, np.asarray([(density * (logit - at) ** 2).sum() for logit, at in zip((f, g), mean, strict=True)])


@pytest.mark.parametrize("correlation", [-0.5, 0.3, 0.9])
@pytest.mark.parametrize("labels", [(1, 1), (1, 0)])
def test_moments_are_the_posteriors_where_labels_are_nearly_certain(
    correlation: float, labels: tuple[int, int]
) -> None:
    """Prior deviations of 6. Two items are not solved exactly by expectation propagation, but to a few hundredths of a deviation (Kuss and
    Rasmussen, 2005, figure 5); Laplace's mean is the wrong variant, a tenth to half a
    deviation off."""
    kernel, y = 36.0 * np.asarray([[1.0, correlation], [correlation, 1.0]]), np.asarray(labels)
    mean, variance = exact_moments(kernel, y)
    found, wrong = moments(kernel, y), laplace(kernel, y)
    spread = np.sqrt(variance)
    assert (np.abs(kernel @ found.coefficients - mean) / spread).max() < 0.05
    assert (np.abs(kernel @ wrong.coefficients - mean) / spread).max() > 0.1
    covariance = np.linalg.inv(np.linalg.inv(kernel) + np.diag(found.precision))
    np.testing.assert_allclose(np.diag(covariance), variance, rtol=0.15)


@given(st.floats(-30, 30), st.floats(0.01, 3_600.0), st.sampled_from([-1.0, 1.0]))
@settings(max_examples=40, deadline=None)
def test_the_moments_of_one_item_are_those_of_quadrature(mean: float, variance: float, sign: float) -> None:
    """Means as far out as three deviations; beyond them no item of a kernel lies."""
    at = float(np.clip(mean, -3 * np.sqrt(variance), 3 * np.sqrt(variance)))
    first, second = _moments(np.asarray([at]), np.asarray([variance]), np.asarray([sign]))
    f = np.linspace(-12, 12, 200_001) * np.sqrt(variance) + at
    weight = np.exp(-0.5 * (f - at) ** 2 / variance - np.logaddexp(0, -sign * f))
    weight /= weight.sum()
    exact = float((weight * f).sum())
    assert first[0] == pytest.approx(exact, abs=1e-3 * np.sqrt(variance))
    assert second[0] == pytest.approx(float((weight * (f - exact) ** 2).sum()), rel=5e-3)


def test_labels_that_hardly_tell_leave_both_stands_alike() -> None:
    """A prior of variance 0.01: the likelihood is a straight line and a hair's bend, and every approximation is exact."""
    phi, y = items(4, 10, 5)
    kernel = 0.01 * (phi @ phi.T)
    one, other = laplace(kernel, y), moments(kernel, y)
    np.testing.assert_allclose(kernel @ other.coefficients, kernel @ one.coefficients, atol=2e-3)
    np.testing.assert_allclose(other.precision, one.precision, rtol=0.05)


@pytest.mark.parametrize("standing", [laplace, moments])
def test_many_items_twice_over_and_wide_priors_are_survived(standing: Standing) -> None:
    phi, y = items(5, 40, 6)
    kernel = 3_600.0 * np.tile(phi @ phi.T, (2, 2))
    found = standing(kernel, np.tile(y, 2))
    assert np.isfinite(found.coefficients).all()
    assert (found.precision >= 0).all()
    assert np.isfinite(found.precision).all()


@pytest.mark.parametrize(
    ("kernel", "y"),
    [(np.eye(2), [0]), (np.eye(2), [0, 2]), (np.zeros((0, 0)), []), (np.full((1, 1), np.nan), [1])],
)
@pytest.mark.parametrize("standing", [laplace, moments])
def test_what_no_posterior_can_be_had_of_is_refused(kernel: NDArray[Any], y: list[int], standing: Standing) -> None:
    with pytest.raises(ValueError, match=r"kernel"):
        standing(kernel, np.asarray(y, np.int64))


@pytest.mark.parametrize("variance", [0.0, -1.0, np.nan, np.inf])
def test_a_prior_without_a_variance_is_refused(variance: float) -> None:
    with pytest.raises(ValueError, match="variance"):
        logistic_heads(np.random.default_rng(0), np.eye(2), np.asarray([0, 1]), 1, variance=variance)
