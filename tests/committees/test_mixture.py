"""A mixture finds the numbers that errors were drawn from, says what larger committees are worth, and never says infinity."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import betabinom

from assent.committees.correlation import n_eff_cap
from assent.committees.mixture import (
    ErrorMixture,
    fit_mixture,
    mixture_band,
    point_mass_test,
    points_all_wrong,
)

POINTS = 8_000


def drawn(members: int, a: float, b: float, pi_1: float, seed: int = 0, points: int = POINTS) -> NDArray[np.bool_]:
    rng = np.random.default_rng(seed)
    chance = np.where(rng.random(points) < pi_1, 1.0, rng.beta(a, b, points))
    return rng.random((members, points)) < chance


def mixture(a: float, b: float, pi_1: float, members: int = 32, seen: int = 100) -> ErrorMixture:
    return ErrorMixture(a, b, pi_1, 0.0, members, POINTS, seen, ())


def chances_by_scipy(values: Any, members: int) -> NDArray[np.float64]:
    a, b, pi_1 = values
    rows = (1 - pi_1) * betabinom.pmf(np.arange(members + 1), members, a, b)
    rows[-1] += pi_1
    return np.asarray(rows, np.float64)


def sampling_errors(values: tuple[float, float, float], members: int) -> NDArray[np.float64]:
    """Of (a, b, pi_1) at POINTS test points: the inverse of the Fisher information, by central differences of scipy's chances."""
    rows, slopes = chances_by_scipy(values, members), []
    for place, value in enumerate(values):
        step = 1e-4 * value
        up, down = (
            chances_by_scipy([*values[:place], value + sign * step, *values[place + 1 :]], members) for sign in (1, -1)
        )
        slopes.append((up - down) / (2 * step))
    information = POINTS * (np.stack(slopes) / rows) @ np.stack(slopes).T
    return np.sqrt(np.diag(np.linalg.inv(information)))


@pytest.mark.parametrize(
    ("members", "a", "b", "pi_1"), [(32, 0.05, 0.4, 0.015), (64, 0.05, 0.4, 0.015), (48, 0.5, 2.0, 0.03)]
)
def test_what_errors_were_drawn_from_is_found(members: int, a: float, b: float, pi_1: float) -> None:
    """The mean of twelve fits, to four of its sampling errors, and their spread to 4 / sqrt(2 * 11) = 85 % of that of one."""
    true = np.asarray([a, b, pi_1])
    error = sampling_errors((a, b, pi_1), members)
    assert (error < 0.35 * true).all()  # the points do settle them
    fits = [fit_mixture(drawn(members, a, b, pi_1, seed)) for seed in range(12)]
    found = np.asarray([[one.a, one.b, one.pi_1] for one in fits])
    assert (np.abs(found.mean(axis=0) - true) < 4 * error / math.sqrt(12)).all()
    ratio = found.std(axis=0, ddof=1) / error
    assert ((ratio > 0.15) & (ratio < 1.85)).all()
    # Beta(a, b) alone takes the mass for a longer tail, so that b comes out too small and more members seem to help for ever
    alone = [fit_mixture(drawn(members, a, b, pi_1, seed), point_mass=False) for seed in range(4)]
    assert np.mean([one.b for one in alone]) < b - 2 * error[1]
    assert all(one.ceiling is None for one in alone)


def test_chances_are_those_of_scipy_and_no_other_numbers_are_likelier() -> None:
    one = mixture(0.3, 1.7, 0.02, members=20)
    assert one.chances() == pytest.approx(chances_by_scipy((0.3, 1.7, 0.02), 20), rel=1e-10)
    assert one.chances().sum() == pytest.approx(1.0, abs=1e-13)
    swapped = chances_by_scipy((1.7, 0.3, 0.02), 20)  # right answers counted for wrong ones
    assert np.abs(one.chances() - swapped).max() > 0.3
    errors = drawn(20, 0.3, 1.7, 0.02)
    counts = np.bincount(errors.sum(axis=0), minlength=21)
    found = fit_mixture(errors)
    best = float(counts @ np.log(chances_by_scipy((found.a, found.b, found.pi_1), 20)))
    assert found.log_likelihood == pytest.approx(best, rel=1e-11)
    for da, db, dp in np.random.default_rng(1).normal(0, 0.02, (200, 3)):
        other = found.a * math.exp(da), found.b * math.exp(db), found.pi_1 * math.exp(dp)
        assert counts @ np.log(chances_by_scipy(other, 20)) < best
    assert found.all_wrong(20) == pytest.approx(counts[-1] / POINTS, rel=1e-9)  # the likeliest mass makes it so


@pytest.mark.parametrize(("a", "b"), [(0.04, 0.38), (1e-3, 2.0), (3.0, 50.0), (2e5, 8e5)])
def test_digits_are_kept_however_many_members(a: float, b: float) -> None:
    one = mixture(a, b, 0.0)
    sizes = [1, 2, 64, 1_024, 65_536, 65_537, 10**6, 10**9]
    with mpmath.workdps(60):
        first, second = mpmath.mpf(a), mpmath.mpf(b)
        whole = mpmath.loggamma(first + second) - mpmath.loggamma(first)
        exact = [float(whole + mpmath.loggamma(first + n) - mpmath.loggamma(first + second + n)) for n in sizes]
    assert one.log_all_wrong(sizes) == pytest.approx(exact, rel=1e-11)
    assert one.n_eff_cap(sizes) == pytest.approx(np.asarray(exact) / exact[0], rel=1e-11)
    # the same by log-gammas in double precision
    naive = [math.lgamma(a + b) - math.lgamma(a) + math.lgamma(a + n) - math.lgamma(a + b + n) for n in sizes]
    assert np.abs(np.asarray(naive) / exact - 1).max() > 1e-10


def test_a_committee_is_worth_what_it_was_measured_to_be_and_more_of_them_by_the_law() -> None:
    a, b, pi_1 = 0.05, 0.4, 0.015
    found = fit_mixture(drawn(64, a, b, pi_1))
    n = np.asarray([1, 4, 16, 64])
    assert found.n_eff_cap(n) == pytest.approx(n_eff_cap(drawn(64, a, b, pi_1), resamples=2).value[n - 1], rel=0.02)
    band = mixture_band(drawn(64, a, b, pi_1), [64, 1_024], resamples=100)
    exact = mixture(a, b, pi_1)
    assert ((band.low < exact.n_eff_cap([64, 1_024])) & (exact.n_eff_cap([64, 1_024]) < band.high)).all()
    assert band.pi_1[0] < pi_1 < band.pi_1[1]
    assert exact.ceiling is not None
    assert band.ceiling[0] is not None
    assert band.ceiling[1] is not None
    assert band.ceiling[0] < exact.ceiling < band.ceiling[1]
    assert band.unfitted == 0


def test_without_a_mass_each_doubling_adds_the_same_and_with_one_there_is_a_ceiling() -> None:
    """The prototype's deep ensemble: a + b = 0.42, b = 0.38, +0.11 members a doubling."""
    line = mixture(0.04, 0.38, 0.0)
    n = 2 ** np.arange(10, 20)
    assert line.per_doubling == pytest.approx(0.112, abs=0.001)
    assert np.diff(line.n_eff_cap(n)) == pytest.approx(np.full(9, line.per_doubling), rel=1e-3)
    assert line.n_eff_law(n) == pytest.approx(line.n_eff_cap(n), rel=1e-4)
    without_constant = -0.38 * np.log(n) / line.log_all_wrong(1)  # b ln N / ln p alone, wrong by a constant
    assert np.abs(np.abs(without_constant) - line.n_eff_cap(n)).min() > 0.5
    assert line.ceiling is None
    massed = mixture(0.04, 0.38, 0.01)
    values = massed.n_eff_cap(np.append(n, 2**62))
    assert massed.ceiling == pytest.approx(math.log(0.01) / math.log(massed.error))
    assert massed.ceiling is not None
    assert (np.diff(values) > 0).all()
    assert (values <= massed.ceiling * (1 + 1e-12)).all()
    assert values[-1] == pytest.approx(massed.ceiling, rel=1e-3)
    assert massed.n_eff_cap(1) == 1.0


def test_a_ceiling_that_was_not_seen_is_a_bound() -> None:
    unseen = mixture(0.5, 2.0, 0.0, seen=0)
    assert unseen.ceiling is None
    assert unseen.ceiling_at_least == pytest.approx(math.log(1 - 0.05 ** (1 / POINTS)) / math.log(0.2))
    assert unseen.ceiling_at_least == pytest.approx(math.log(3 / POINTS) / math.log(0.2), rel=1e-3)  # rule of three
    # no more is promised than what a mass that hides among the points seen would allow
    for seed in range(8):
        found = fit_mixture(drawn(32, 0.05, 0.4, 0.015, seed))
        assert found.ceiling_at_least < math.log(0.015) / math.log(found.error)
    assert mixture(1.0, 1.0, 0.0, seen=POINTS - 1).ceiling_at_least == 1.0


def test_a_mass_is_found_where_there_is_one_and_seldom_where_there_is_none() -> None:
    """Of 100 tables without a mass, those with p < 0.05 are binomial(100, 0.05): at most 13 but for a chance of 5e-4."""
    with_mass = point_mass_test(drawn(32, 0.5, 2.0, 0.02))
    assert with_mass.p_value < 1e-10
    assert with_mass.with_mass.pi_1 == pytest.approx(0.02, abs=0.01)
    assert with_mass.without.pi_1 == 0.0
    without = [point_mass_test(drawn(12, 0.5, 2.0, 0.0, seed, points=1_000)) for seed in range(100)]
    assert sum(one.p_value < 0.05 for one in without) <= 13
    none = sum(one.statistic == 0 for one in without)
    assert abs(none - 50) < 4 * math.sqrt(25)
    assert all(one.p_value == 1.0 for one in without if one.statistic == 0)


def test_independent_members_are_worth_as_many_as_they_are() -> None:
    errors = np.random.default_rng(0).random((16, 5_000)) < 0.2
    found = fit_mixture(errors)
    assert found.n_eff_cap([2, 16, 64]) == pytest.approx([2, 16, 64], rel=0.02)
    assert found.edges
    one_each = np.eye(4, dtype=bool)[
        np.arange(100) % 4
    ].T  # exactly one errs at each point: less alike than independent
    apart = fit_mixture(one_each)
    assert apart.edges
    assert max(apart.a, apart.b) == pytest.approx(1e6)
    assert apart.n_eff_cap(4) == pytest.approx(4.0, rel=1e-4)
    fixed = fit_mixture(np.tile([[True], [False], [False], [True]], (1, 50)))  # members that never vary
    assert fixed.error == pytest.approx(0.5)
    assert fixed.edges == ("a", "b")


def test_what_cannot_be_fitted_is_said() -> None:
    varied = drawn(4, 0.5, 2.0, 0.0)
    for errors, words in (
        (np.zeros((4, 50), bool), "No member errs at any of 50"),
        (np.ones((4, 50), bool), "All 4 members err at all of 50"),
        (np.repeat(varied[:1], 4, axis=0), "never differ"),
        (varied[:1], "never differ"),
        (varied[:2], "three numbers; give three"),
        ([[0.5, 1.0]], "0 and 1"),
        ([0, 1], "0 and 1"),
        (np.zeros((0, 3)), "0 and 1"),
    ):
        for measure in (fit_mixture, point_mass_test):
            with pytest.raises(ValueError, match=words):
                measure(errors)
        with pytest.raises(ValueError, match=words):
            mixture_band(errors, [1])
    assert fit_mixture(varied[:2], point_mass=False).pi_1 == 0.0
    for wrong in ([], 0, 1.5, [1, 0]):
        with pytest.raises(ValueError, match="whole numbers from 1"):
            fit_mixture(varied).all_wrong(wrong)
    with pytest.raises(ValueError, match="at least 2"):
        mixture_band(varied, [1], resamples=1)


def test_resamples_that_hold_too_little_are_counted_and_bands_are_finite_or_none() -> None:
    errors = np.zeros((3, 40), bool)
    errors[0, :2] = errors[1, 1:3] = True  # at most three points where anybody errs
    band = mixture_band(errors, [1, 3, 1_000], resamples=100)
    assert band.unfitted > 0
    assert np.isfinite(band.low).all()
    assert np.isfinite(band.high).all()
    assert band.ceiling == (None, None)
    assert (
        mixture_band(errors, [1, 3], resamples=50).low.tolist()
        == mixture_band(errors, [1, 3], resamples=50).low.tolist()
    )
    with_mass = drawn(8, 0.5, 2.0, 0.002, points=1_000)
    low, high = mixture_band(with_mass, [8], resamples=50).ceiling
    assert low is not None
    assert high is None  # among the resamples are some without a mass


def test_points_that_nobody_gets_right_are_listed() -> None:
    errors = drawn(8, 0.5, 2.0, 0.05, points=500)
    asked = points_all_wrong(errors)
    assert asked.tolist() == [t for t in range(500) if errors[:, t].sum() == 8]
    assert len(asked) > 10
    assert points_all_wrong(np.zeros((2, 3), bool)).tolist() == []
    with pytest.raises(ValueError, match="0 and 1"):
        points_all_wrong([[2, 0]])
