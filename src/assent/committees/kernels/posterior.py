"""What a Gaussian prior knows after data, for many samples at once, and after one datum more. SciPy, float64; noise by JAX.

Matheron's rule: a draw from the prior, plus the kernel's answer to what that draw gets wrong, is a draw from the posterior. So after one
factorisation a member costs a triangular solve (Wilson and others, "Pathwise conditioning of Gaussian processes", JMLR 2021; Antorán and
others, "Sampling-based inference for large linear models", ICLR 2023). One more datum adds one row to the factor, and a multiple of one
vector to every member's coefficients: exactly what fitting all of it again would give, without doing so.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass

import jax
import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Floats = NDArray[np.float64]

JITTERS = tuple(10.0**power for power in range(-12, -1, 2))
"""Shares of the mean diagonal that are added to a kernel that is singular in float64, one after the other."""

LEAST = 1e-8
"""Share of a datum's variance before the data that is left of it after them, if not more: differences below are rounding."""


class JitterWarning(UserWarning):
    """A kernel was singular, and something was added to its diagonal, so that what was computed is not quite what was asked for."""


@dataclass(frozen=True, eq=False)
class Conditioned:
    """n data that K functions were conditioned on.

    Attributes:
        lower: `[n, n]`, the lower triangle of the Cholesky factor of kernel plus noise.
        coefficients: `[n, K]`: function k at x is its prior draw plus `kernel(x, X) @ coefficients[:, k]`.
        jitter: the most that was added to a datum's variance beyond the noise; 0 almost always.
    """

    lower: Floats
    coefficients: Floats
    jitter: float = 0.0

    def __len__(self) -> int:
        return len(self.lower)

    def values(self, rows: Floats) -> Floats:
        """What the data add to K functions at B items, `[B, K]`, from the kernel between them, `[B, n]`."""
        return rows @ self.coefficients


def conditioned(kernel: Floats, residual: Floats, *, noise: float) -> Conditioned:
    """K functions after n data.

    Args:
        kernel: `[n, n]`, between the data.
        residual: `[n, K]`, targets less each function's prior draw and its draw of the noise.
        noise: variance of the targets, above 0.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, or a kernel that no jitter makes definite.

    >>> found = conditioned(np.eye(2), np.ones((2, 1)), noise=1.0)
    >>> found.values(np.eye(2)).round(6).tolist()
    [[0.5], [0.5]]
    """
    n = len(kernel)
    if kernel.shape != (n, n) or residual.ndim != 2 or len(residual) != n or n == 0:
        raise ValueError(
            f"The kernel has the shape {kernel.shape} and the residuals {residual.shape}; give [n, n] and [n, K] with n of at least 1."
        )
    if not 0 < noise < np.inf:
        raise ValueError(f"The noise's variance is {noise}; give a number above 0: answers are never certain.")
    if not (np.isfinite(kernel).all() and np.isfinite(residual).all()):
        raise ValueError(
            "The kernel or the residuals hold numbers that are not finite: the model overflows at some item. Scale its inputs down."
        )
    lower, jitter = factorised(kernel + noise * np.eye(n))
    # in the order in which they are written and read again: LAPACK rounds by it
    lower = np.ascontiguousarray(lower)
    return Conditioned(lower, np.ascontiguousarray(scipy.linalg.cho_solve((lower, True), residual)), jitter)


def factorised(matrix: Floats) -> tuple[Floats, float]:
    """The lower Cholesky factor, and what had to be added to the diagonal for there to be one.

    Raises:
        ValueError: a matrix that is not definite with a hundredth of its mean diagonal added.

    >>> factorised(np.eye(2))[1]
    0.0
    """
    scale = float(np.mean(np.diag(matrix)))
    for share in (0.0, *JITTERS):
        try:
            lower = scipy.linalg.cholesky(matrix + share * scale * np.eye(len(matrix)), lower=True)
        except np.linalg.LinAlgError:
            continue
        if share:
            warnings.warn(
                f"The kernel of {len(matrix):,} data is singular in float64: {share * scale:.2g} was added to its diagonal. Duplicated "
                "items with hardly any noise do that; more noise avoids it.",
                JitterWarning,
                stacklevel=3,
            )
        return np.asarray(lower), share * scale
    raise ValueError(
        f"The kernel of {len(matrix):,} data is not positive definite, even with a hundredth of its mean diagonal ({scale:.3g}) added; "
        "look for numbers that are not finite, or for a kernel that is none."
    )


def extended(known: Conditioned, row: Floats, corner: float, missing: Floats, *, noise: float) -> Conditioned:
    """The same functions after one datum more, in O(n^2 + n K).

    Args:
        row: `[n]`, the kernel between the new datum and the others.
        corner: the kernel of the new datum with itself.
        missing: `[K]`, the new target less what each function says there now, and less its draw of the noise there.
        noise: variance of the target.

    Raises:
        ValueError: numbers that are not finite.

    >>> one = conditioned(np.asarray([[2.0]]), np.asarray([[1.0]]), noise=0.5)
    >>> more = extended(one, np.asarray([1.0]), 2.0, np.asarray([3.0]) - one.values(np.asarray([[1.0]]))[0], noise=0.5)
    >>> both = conditioned(np.asarray([[2.0, 1.0], [1.0, 2.0]]), np.asarray([[1.0], [3.0]]), noise=0.5)
    >>> bool(np.allclose(more.coefficients, both.coefficients, atol=1e-12))
    True
    """
    if not (np.isfinite(row).all() and np.isfinite(corner) and np.isfinite(missing).all()):
        raise ValueError("The new datum's kernel or target holds a number that is not finite; leave it out.")
    n = len(known)
    beside = scipy.linalg.solve_triangular(known.lower, row, lower=True)
    # never below the noise but by rounding
    left, jitter = max(corner + noise - float(beside @ beside), noise), known.jitter
    least = LEAST * (corner + noise)
    if left < least:
        jitter = max(jitter, least - left)
        warnings.warn(
            f"The new datum says what {n:,} others said: of its variance {left:.2g} is left, for which {least:.2g} is taken. "
            "More noise avoids it.",
            JitterWarning,
            stacklevel=2,
        )
        left = least
    weights = scipy.linalg.solve_triangular(known.lower, beside, lower=True, trans=1)
    change = missing / left
    lower = np.zeros((n + 1, n + 1))
    lower[:n, :n], lower[n, :n], lower[n, n] = known.lower, beside, np.sqrt(left)
    coefficients = np.asarray(
        np.concatenate([known.coefficients - np.outer(weights, change), change[None, :]]), dtype=np.float64
    )
    return Conditioned(lower, coefficients, jitter)


NOISE = 2**31 - 1
"""What sets a member's draws of the noise apart from its draw from the prior, whose keys go by the numbers of layers."""


@functools.partial(jax.jit, static_argnums=3)
def drawn_noise(key: jax.Array, numbers: jax.Array, places: jax.Array, classes: int) -> jax.Array:
    """Standard normal `[N, n, C]`: each depends on the member's number, the datum's place and the key alone."""

    def one(number: jax.Array) -> jax.Array:
        mine = jax.random.fold_in(jax.random.fold_in(key, number), NOISE)
        return jax.vmap(lambda place: jax.random.normal(jax.random.fold_in(mine, place), (classes,)))(places)

    return jax.lax.map(one, numbers)
