"""Independent members count for as many as they are, copies for one, and what was never seen is a bound."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees.balanced import n_eff_cap_evenly
from assent.committees.correlation import error_correlation, errors_of, n_eff_cap, n_eff_var, participation


def independent(members: int, points: int, chance: float, seed: int = 0) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((members, points)) < chance


def beta_errors(members: int, points: int, a: float, b: float, seed: int = 0) -> NDArray[np.bool_]:
    rng = np.random.default_rng(seed)
    return rng.random((members, points)) < rng.beta(a, b, points)


def test_independent_members_count_for_as_many_as_they_are() -> None:
    errors = independent(6, 400_000, 0.3)
    assert n_eff_var(errors) == pytest.approx(6.0, rel=0.02)
    assert participation(errors) == pytest.approx(6.0, rel=0.02)
    found = n_eff_cap(errors)
    assert found.value == pytest.approx(np.arange(1, 7), rel=0.03)
    assert not found.bounded.any()
    assert (found.low <= np.arange(1, 7) + 1e-9).all()
    assert (found.high >= np.arange(1, 7) - 1e-9).all()


def test_copies_count_for_one() -> None:
    errors = np.repeat(independent(1, 10_000, 0.2), 5, axis=0)
    assert n_eff_var(errors) == pytest.approx(1.0, rel=1e-12)
    assert participation(errors) == pytest.approx(1.0, rel=1e-12)
    assert n_eff_cap(errors).value == pytest.approx(np.ones(5), rel=1e-12)


def test_all_wrong_is_the_mean_over_every_draw_of_members() -> None:
    errors = beta_errors(6, 500, 0.8, 1.4)
    chance = errors.mean()
    for n, value in enumerate(n_eff_cap(errors).value, 1):
        draws = [errors[list(who)].all(axis=0).mean() for who in itertools.combinations(range(6), n)]
        assert value == pytest.approx(math.log(np.mean(draws)) / math.log(chance), rel=1e-12)


def test_exchangeable_members_grow_as_the_logarithm_of_their_number() -> None:
    """Errors whose chance is Beta(a, b): P(all n wrong) = B(a + n, b) / B(a, b), and their correlation is 1 / (a + b + 1)."""
    a, b = 0.5, 0.7
    errors = beta_errors(32, 200_000, a, b)
    n = np.arange(1, 33)
    log_all = np.asarray([math.lgamma(a + k) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(a + b + k) for k in n])
    assert n_eff_cap(errors).value == pytest.approx(log_all / log_all[0], rel=0.02)
    assert error_correlation(errors).mean == pytest.approx(1 / (a + b + 1), rel=0.02)
    assert n_eff_var(errors) == pytest.approx(32 / (1 + 31 / (a + b + 1)), rel=0.02)


def test_correlations_are_those_of_the_matrix() -> None:
    errors = beta_errors(7, 300, 1.0, 2.0, seed=3)
    roots = np.asarray([0, 0, 1, 1, 1, 2, 2])
    matrix = np.asarray(np.corrcoef(errors), np.float64).reshape(7, 7)
    pairs = [(i, j) for i in range(7) for j in range(i)]
    found = error_correlation(errors, roots)
    assert found.mean == pytest.approx(np.mean([matrix[pair] for pair in pairs]), rel=1e-12)
    assert found.within == pytest.approx(np.mean([matrix[i, j] for i, j in pairs if roots[i] == roots[j]]), rel=1e-12)
    assert found.between == pytest.approx(np.mean([matrix[i, j] for i, j in pairs if roots[i] != roots[j]]), rel=1e-12)
    assert n_eff_var(errors) == pytest.approx(49 / matrix.sum(), rel=1e-12)
    values = np.linalg.eigvalsh(np.cov(errors, bias=True))
    assert participation(errors) == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-9)


def test_what_was_never_seen_is_a_bound_and_never_infinite() -> None:
    errors = np.zeros((4, 1000), bool)
    perfect = n_eff_cap(errors)
    assert perfect.bounded.all()
    assert perfect.value.tolist() == [1.0] * 4
    errors[0, :10] = errors[1, 10:20] = errors[2, 20:30] = errors[3, 30:40] = True
    apart = n_eff_cap(errors)
    assert apart.bounded.tolist() == [False, True, True, True]
    assert apart.value[1] == pytest.approx(math.log(3 / 1000) / math.log(0.01))
    assert np.isfinite(apart.high).all()
    always = n_eff_cap(np.ones((3, 10), bool))
    assert always.value.tolist() == [1.0] * 3


@pytest.mark.parametrize(
    "errors",
    [
        [[1, 0], [0, 1]],
        [[1, *[0] * 99], [0, 1, *[0] * 98]],
        np.random.default_rng(3).random((6, 12)) < 0.4,
    ],
    ids=["two points", "a hundred points", "six members"],
)
def test_more_members_are_worth_no_less_where_they_were_never_all_wrong(errors: Any) -> None:
    """The rule of three alone says less of them than was seen of fewer, and less than one."""
    curve = n_eff_cap(errors)
    assert curve.bounded.any()
    assert curve.value[0] == pytest.approx(1.0)
    assert (np.diff(curve.value) >= 0).all()
    assert (curve.low >= 1.0 - 1e-12).all()


@pytest.mark.parametrize(("all_wrong", "unlimited"), [(1, True), (3, True), (5, False), (30, False)])
@pytest.mark.parametrize("roots", [None, [0, 0, 1, 1]])
def test_a_band_is_open_where_few_points_have_all_wrong(
    all_wrong: int, unlimited: bool, roots: list[int] | None
) -> None:
    """Of k points among 1,000 a resample draws none with probability e^-k: 0.37, 0.05, 0.007, 0; open from 0.025 on."""
    errors = np.zeros((4, 1000), bool)
    errors[:, :all_wrong] = True
    for member in range(4):
        errors[member, 100 + 20 * member : 120 + 20 * member] = True
    found = n_eff_cap(errors) if roots is None else n_eff_cap_evenly(errors, roots, [1, 2, 3, 4])
    assert found.open.tolist() == [False] + 3 * [unlimited]
    assert np.isfinite(found.high).all()
    assert not found.bounded.any()


def test_members_that_do_not_vary_are_named() -> None:
    errors = np.asarray([[0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]])
    found = error_correlation(errors)
    assert found.constant == (1, 2)
    assert found.mean == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(error_correlation(errors[1:3]).mean)
    assert math.isnan(n_eff_var(errors[1:2]))
    assert math.isnan(participation(errors[1:3]))


@pytest.mark.parametrize("wrong", [[0, 1], [[0.5, 1]], [[]], [[float("nan"), 0]], [[2, 0]]])
def test_no_table_of_errors_is_refused(wrong: Any) -> None:
    for measure in (error_correlation, n_eff_var, n_eff_cap, participation):
        with pytest.raises(ValueError, match="0 and 1"):
            measure(wrong)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one for each"):
        error_correlation([[0, 1], [1, 0]], roots=[0])
    with pytest.raises(ValueError, match=r"give \[N, T\]"):
        errors_of([[0, 1]], [0, 1, 2])
