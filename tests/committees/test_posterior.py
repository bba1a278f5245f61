"""What a normal prior knows after data is the textbook's posterior, and one datum more is all of them again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assent.committees.kernels.posterior import Conditioned, JitterWarning, conditioned, extended, factorised


def kernel_of(n: int, seed: int = 0, *, rank: int | None = None) -> NDArray[np.float64]:
    a = np.random.default_rng([seed, n]).normal(size=(n, rank or n + 2))
    return a @ a.T


def one_by_one(kernel: NDArray[Any], residual: NDArray[Any], *, noise: float, start: int) -> Conditioned:
    known = conditioned(kernel[:start, :start], residual[:start], noise=noise)
    for n in range(start, len(kernel)):
        row = kernel[n, :n]
        known = extended(known, row, float(kernel[n, n]), residual[n] - known.values(row[None])[0], noise=noise)
    return known


@given(st.integers(0, 10_000), st.integers(1, 25), st.floats(0.01, 10.0))
@settings(max_examples=30)
def test_the_mean_is_the_textbooks(seed: int, n: int, noise: float) -> None:
    """Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), equation 2.25. Kernel and noise have a condition number
    below 1e5 here, so 1e-9 is far above rounding. The wrong variant takes the noise's standard deviation for its variance."""
    kernel, rng = kernel_of(n + 3, seed), np.random.default_rng(seed)
    residual = rng.normal(size=(n, 4))
    inner, rows = kernel[:n, :n], kernel[n:, :n]
    found = conditioned(inner, residual, noise=noise)
    exact = rows @ np.linalg.inv(inner + noise * np.eye(n)) @ residual
    np.testing.assert_allclose(found.values(rows), exact, rtol=1e-9, atol=1e-9 * np.abs(exact).max())
    np.testing.assert_allclose(found.lower @ found.lower.T, inner + noise * np.eye(n), rtol=1e-10, atol=1e-10)
    if not 0.5 < noise < 2:
        wrong = rows @ np.linalg.inv(inner + noise**2 * np.eye(n)) @ residual
        assert np.abs(wrong - exact).max() > 1e-6 * np.abs(exact).max()


def test_a_hundred_data_one_by_one_are_all_of_them_at_once() -> None:
    """The wrong variant appends the new datum's coefficient, and leaves those of the others."""
    kernel, residual = kernel_of(100), np.random.default_rng(1).normal(size=(100, 7))
    whole = conditioned(kernel, residual, noise=1.0)
    found = one_by_one(kernel, residual, noise=1.0, start=1)
    assert len(found) == 100
    assert found.jitter == 0
    np.testing.assert_allclose(found.coefficients, whole.coefficients, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.lower, whole.lower, rtol=0, atol=1e-12 * np.abs(whole.lower).max())
    before = one_by_one(kernel[:99, :99], residual[:99], noise=1.0, start=1)
    wrong = np.concatenate([before.coefficients, found.coefficients[99:]])
    assert np.abs(wrong - whole.coefficients).max() > 1e-4


def test_extending_changes_nothing_of_what_was_known() -> None:
    known = conditioned(kernel_of(5), np.ones((5, 2)), noise=1.0)
    lower, coefficients = known.lower.copy(), known.coefficients.copy()
    extended(known, np.ones(5), 3.0, np.ones(2), noise=1.0)
    np.testing.assert_array_equal(known.lower, lower)
    np.testing.assert_array_equal(known.coefficients, coefficients)


def test_duplicates_that_contradict_each_other_are_their_mean() -> None:
    """m times the same item, with targets t_i: at it the mean is k sum(t) / (m k + noise)."""
    targets = np.asarray([[1.0], [-1.0], [1.0], [1.0]])
    found = one_by_one(np.full((4, 4), 2.0), targets, noise=0.1, start=1)
    assert found.jitter == 0
    assert found.values(np.full((1, 4), 2.0)).item() == pytest.approx(2.0 * 2.0 / (4 * 2.0 + 0.1), rel=1e-12)


def test_a_singular_kernel_is_lifted_and_says_so() -> None:
    kernel = np.full((30, 30), 3.0)
    with pytest.warns(JitterWarning, match="singular"):
        found = conditioned(kernel, np.ones((30, 1)), noise=1e-300)
    assert 0 < found.jitter <= 1e-2 * 3.0
    # 30 observations of 1: the mean is 1 up to the share that was added
    assert found.values(kernel[:1]).item() == pytest.approx(1.0, abs=1e-3)
    assert factorised(np.eye(3))[1] == 0.0


def test_a_datum_that_is_known_already_is_lifted_and_says_so() -> None:
    known = conditioned(np.asarray([[2.0]]), np.asarray([[1.0]]), noise=1e-300)
    with pytest.warns(JitterWarning, match="says what 1 others said"):
        more = extended(known, np.asarray([2.0]), 2.0, np.zeros(1), noise=1e-300)
    assert np.isfinite(more.lower).all()
    assert more.jitter > 0


def test_a_matrix_that_is_no_kernel_is_refused() -> None:
    for matrix in (np.diag([1.0, -1.0]), -np.eye(3), np.asarray([[1.0, 2.0], [2.0, 1.0]])):
        with pytest.raises(ValueError, match="not positive definite"):
            conditioned(matrix, np.ones((len(matrix), 1)), noise=1e-3)


@pytest.mark.parametrize("noise", [0.0, -1.0, float("nan"), float("inf")])
def test_noise_is_above_0(noise: float) -> None:
    with pytest.raises(ValueError, match="answers are never certain"):
        conditioned(np.eye(2), np.ones((2, 1)), noise=noise)


@pytest.mark.parametrize(
    ("kernel", "residual", "words"),
    [
        (np.eye(2), np.ones((3, 1)), "shape"),
        (np.eye(2), np.ones(2), "shape"),
        (np.ones((2, 3)), np.ones((2, 1)), "shape"),
        (np.zeros((0, 0)), np.zeros((0, 1)), "shape"),
        (np.full((2, 2), np.nan), np.ones((2, 1)), "not finite"),
        (np.eye(2), np.asarray([[1.0], [np.inf]]), "not finite"),
    ],
)
def test_shapes_and_numbers_that_do_not_fit_are_refused(kernel: Any, residual: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        conditioned(kernel, residual, noise=1.0)


@pytest.mark.parametrize("where", ["row", "corner", "missing"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_datum_that_is_not_finite_is_refused(where: str, value: float) -> None:
    known = conditioned(np.eye(2), np.ones((2, 3)), noise=1.0)
    given: dict[str, Any] = {"row": np.zeros(2), "corner": 1.0, "missing": np.zeros(3)}
    given[where] = float(value) if where == "corner" else np.full_like(given[where], value)
    with pytest.raises(ValueError, match="leave it out"):
        extended(known, **given, noise=1.0)
