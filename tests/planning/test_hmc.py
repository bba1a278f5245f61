"""Hamiltonian Monte Carlo on a distribution whose moments are known."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.planning.hmc import sample

COVARIANCE = np.array([[4.0, 1.5], [1.5, 1.0]])


def normal(precision: jax.Array, position: jax.Array) -> tuple[jax.Array, jax.Array]:
    pull = precision @ (position - 1)
    return -0.5 * jnp.sum((position - 1) * pull, axis=0), -pull


def upper_half(parameters: Any, position: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A normal number that is not below 0: outside, the density is no number."""
    return jnp.where(position[0] > 0, -0.5 * position[0] ** 2, jnp.nan), -position


@pytest.mark.slow
def test_moments_of_a_normal_distribution() -> None:
    precision = jnp.asarray(np.linalg.inv(COVARIANCE), dtype=jnp.float32)
    start = jnp.asarray(np.random.default_rng(0).normal(size=(2, 200)), dtype=jnp.float32)
    found = sample(normal, precision, jax.random.key(0), start, warmup=60, draws=100)
    draws = np.asarray(found.position).transpose(1, 0, 2).reshape(2, -1)
    # 20,000 draws, a quarter of them independent at the least: five standard errors
    assert np.abs(draws.mean(axis=1) - 1).max() < 5 * 2 / 5_000**0.5
    assert np.abs(np.cov(draws) - COVARIANCE).max() < 5 * 4 * 2**0.5 / 5_000**0.5
    assert 0.6 < float(found.acceptance.mean()) < 0.95
    # the chains have left the start's covariance, the identity, and it is not within the tolerance above
    assert np.abs(np.cov(draws) - np.eye(2)).max() > 1


@pytest.mark.slow
def test_proposals_without_density_are_refused() -> None:
    start = jnp.ones((1, 50), dtype=jnp.float32)
    found = sample(upper_half, 0.0, jax.random.key(0), start, warmup=0, draws=200, step=0.3, spread=np.eye(1))
    draws = np.asarray(found.position)[20:]
    assert draws.min() > 0
    # the half-normal's mean is sqrt(2 / pi); 9,000 correlated draws
    assert abs(draws.mean() - (2 / np.pi) ** 0.5) < 0.05
    with pytest.raises(ValueError, match="no number"):
        sample(upper_half, 0.0, jax.random.key(0), -start, warmup=0, draws=4, step=0.01, spread=np.eye(1))
    with pytest.raises(ValueError, match="at least one chain"):
        sample(upper_half, 0.0, jax.random.key(0), start[:, :0])
