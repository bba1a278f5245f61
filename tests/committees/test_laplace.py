"""Laplace's posterior of a logistic head: its mode is one, its draws have the covariance that the curvature gives, its evidence is near."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assent.committees.kernels.laplace import logistic_heads, logistic_mode


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
    mode = logistic_mode(kernel, y)
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


def test_the_evidence_is_near_the_integral_where_the_posterior_is_nearly_normal() -> None:
    """A prior of variance 0.1 bends the likelihood hardly at all: the next term of Laplace's series is far below 1e-3 of a nat."""
    mode = logistic_mode(np.asarray([[0.1]]), np.asarray([1]))
    density = lambda f: scipy.special.expit(f) * np.exp(-0.5 * f * f / 0.1) / np.sqrt(0.2 * np.pi)  # noqa: E731
    exact = np.log(scipy.integrate.quad(density, -5, 5)[0])
    assert mode.log_evidence == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize(
    ("kernel", "y"),
    [(np.eye(2), [0]), (np.eye(2), [0, 2]), (np.zeros((0, 0)), []), (np.full((1, 1), np.nan), [1])],
)
def test_what_no_posterior_can_be_had_of_is_refused(kernel: NDArray[Any], y: list[int]) -> None:
    with pytest.raises(ValueError, match=r"kernel"):
        logistic_mode(kernel, np.asarray(y, np.int64))


@pytest.mark.parametrize("variance", [0.0, -1.0, np.nan, np.inf])
def test_a_prior_without_a_variance_is_refused(variance: float) -> None:
    with pytest.raises(ValueError, match="variance"):
        logistic_heads(np.random.default_rng(0), np.eye(2), np.asarray([0, 1]), 1, variance=variance)
