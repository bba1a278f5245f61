"""Kinds never seen: closed forms against sums of fractions, estimators against worlds whose truth is known."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.forecast.unseen import (
    any_new,
    discovery_curve,
    expected_new,
    good_toulmin,
    good_turing,
    missing_mass_upper,
    pitman_yor_new,
)

mp: Any = mpmath.mp.clone()
mp.dps = 60

COUNTS = st.lists(st.integers(1, 50), min_size=1, max_size=40)


def test_good_turing_is_the_share_of_singletons() -> None:
    counts = {"a": 5, "b": 1, "c": 1, "d": 3}
    assert good_turing(counts) == 2 / 10
    assert good_turing(list(counts.values())) == good_turing(counts) == good_turing(np.asarray([5, 1, 1, 3]))
    assert good_turing(counts) != 2 / 4, "share of the kinds, not of the observations"
    assert good_turing({}) == 1.0


def test_good_turing_is_unbiased_up_to_one_observation() -> None:
    # E[n_1/N] is the expected missing mass after N - 1 observations: sum p (1-p)^(N-1), exactly
    p = np.arange(1, 21) / 210
    rng = np.random.default_rng(0)
    seen = rng.multinomial(30, p, size=20_000)
    estimates = [good_turing([int(c) for c in row if c]) for row in seen[:4000]]
    truth = float((p * (1 - p) ** 29).sum())
    assert np.mean(estimates) == pytest.approx(truth, abs=4 * float(np.std(estimates)) / math.sqrt(len(estimates)))


def test_the_missing_mass_bound_holds_and_says_when_it_says_nothing() -> None:
    assert missing_mass_upper([]) == 1.0
    assert missing_mass_upper([85]) == 1.0  # (2 sqrt 2 + sqrt 3)^2 ln 60 = 85.2
    assert missing_mass_upper([86]) < 1.0
    upper = (2 * math.sqrt(2) + math.sqrt(3)) * math.sqrt(math.log(3 / 0.05) / 10_000)
    assert missing_mass_upper([9999, 1]) == pytest.approx(1e-4 + upper, rel=1e-12)
    assert missing_mass_upper([9999, 1]) != pytest.approx(1e-4 + math.sqrt(math.log(1 / 0.05) / 20_000), rel=0.1), (
        "Hoeffding's"
    )
    # kinds of equal, rare probability are the hardest: 2,000 of them, 1,000 observations, missing mass about 0.6
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        seen = rng.multinomial(1000, np.full(2000, 1 / 2000))
        wrong += float((seen == 0).mean()) > missing_mass_upper([int(c) for c in seen if c], delta=0.05)
    assert wrong <= 0.05 * 200


def test_good_toulmin_as_printed() -> None:
    assert good_toulmin([1, 1, 1, 2, 3], 1.0) == 3.0  # T56
    assert good_toulmin([1, 1, 1, 2, 3], 1.0) != 5.0, "without the signs"
    assert good_toulmin([1, 1, 1, 2, 3], 0.5) == 3 * 0.5 - 0.25 + 0.125
    assert good_toulmin([], 0.5) == good_toulmin([], 5.0) == good_toulmin([3, 1], 0.0) == 0.0


@pytest.mark.parametrize("t", [0.5, 1.0])
def test_good_toulmin_is_exact_in_expectation_up_to_a_doubling(t: float) -> None:
    # with Poisson counts of mean lambda: E[new] = sum e^-lambda (1 - e^(-t lambda)) = sum_j -(-t)^j E[n_j]
    rate = np.geomspace(0.01, 10, 200)
    rng = np.random.default_rng(2)
    estimates = np.asarray([good_toulmin([int(c) for c in rng.poisson(rate) if c], t) for _ in range(2000)])
    truth = float((np.exp(-rate) * -np.expm1(-t * rate)).sum())
    assert estimates.mean() == pytest.approx(truth, abs=4 * float(estimates.std()) / math.sqrt(len(estimates)))


def test_smoothing_keeps_the_estimate_finite_where_the_plain_series_explodes() -> None:
    rng = np.random.default_rng(3)
    p = 1 / np.arange(1, 10_001)
    p /= p.sum()
    n, t = 5000, 5.0
    errors, plain_errors = [], []
    for _ in range(40):
        seen = rng.multinomial(n, p)
        later = rng.multinomial(round(t * n), p)
        truth = int(((seen == 0) & (later > 0)).sum())
        counts = [int(c) for c in seen if c]
        errors.append(abs(good_toulmin(counts, t) / truth - 1))
        terms = (-((-t) ** j) * counts.count(j) for j in set(counts) if j < 300)
        plain_errors.append(abs(math.fsum(terms) / truth - 1))
    assert float(np.median(errors)) < 0.25
    assert float(np.median(plain_errors)) > 1e3, "the series without smoothing"


@given(COUNTS)
def test_good_toulmin_goes_through_one_without_a_jump(counts: list[int]) -> None:
    # just beyond t = 1 the number of draws goes to infinity, and with it every weight to 1
    assert good_toulmin(counts, 1.0) == pytest.approx(good_toulmin(counts, 1 - 1e-12), abs=1e-7)
    few = [min(c, 4) for c in counts]
    assert good_toulmin(few, 1 + 1e-12) == pytest.approx(good_toulmin(few, 1.0), abs=0.35 * len(few))


def test_pitman_yor_as_printed() -> None:
    dirichlet = pitman_yor_new(1000, 5, theta=1)
    assert dirichlet == float(Fraction(1, 1001))
    assert abs(dirichlet - 9.99001e-4) <= 0.5e-9  # T57
    discounted = pitman_yor_new(1000, 5, theta=1, sigma=0.5)
    assert abs(discounted - 0.00349650) <= 0.5e-8
    assert abs((1 + 0.5) / 1001 - 0.00349650) > 1e-3, "the number of kinds forgotten"
    assert pitman_yor_new(0, 0, theta=3) == 1.0


def test_expected_new_kinds_as_printed() -> None:
    value = expected_new(1000, 1000, theta=1)
    assert value == pytest.approx(float(sum(Fraction(1, 1001 + i) for i in range(1000))), rel=1e-13)
    assert abs(value - 0.692897) <= 5e-7  # T58
    assert abs(math.log(2000 / 1000) - 0.692897) > 1e-4, "the logarithm it tends to"


@pytest.mark.parametrize("theta", [0.01, 1.0, 7.5, 1e6])
@pytest.mark.parametrize("total", [0.0, 1.0, 17.0, 1e6, 1e12])
@pytest.mark.parametrize("over", [1.0, 30.0, 1e6, 1e12])
def test_the_dirichlet_process_keeps_its_digits(theta: float, total: float, over: float) -> None:
    start = mp.mpf(theta) + mp.mpf(total)
    exact = theta * (mp.digamma(start + over) - mp.digamma(start))
    assert expected_new(total, over, theta=theta) == pytest.approx(float(exact), rel=1e-12)
    if total == 0:
        assert any_new(total, over, theta=theta) == 1.0
        return
    n = mp.mpf(total)
    log_kept = mp.loggamma(n + over) - mp.loggamma(n) + mp.loggamma(start) - mp.loggamma(start + over)
    assert any_new(total, over, theta=theta) == pytest.approx(float(-mp.expm1(log_kept)), rel=1e-12)


def test_log_gamma_differences_are_wrong_at_large_numbers() -> None:
    n, m = 1e12, 1e6
    naive = -math.expm1(math.lgamma(n + m) - math.lgamma(n) + math.lgamma(n + 1) - math.lgamma(n + 1 + m))
    assert any_new(n, m, theta=1) == pytest.approx(m / (n + m), rel=1e-14)
    assert abs(naive / (m / (n + m)) - 1) > 1e-3


@given(st.integers(1, 200), st.integers(0, 200), st.integers(1, 40))
def test_the_chance_of_any_new_kind_is_a_product_of_fractions(total: int, over: int, halves: int) -> None:
    theta = Fraction(halves, 2)
    kept = math.prod((Fraction(total + i) / (theta + total + i) for i in range(over)), start=Fraction(1))
    assert any_new(total, over, theta=float(theta)) == pytest.approx(float(1 - kept), rel=1e-12, abs=0)
    expected = sum((theta / (theta + total + i) for i in range(over)), Fraction(0))
    assert expected_new(total, over, theta=float(theta)) == pytest.approx(float(expected), rel=1e-12, abs=0)
    assert any_new(total, over, theta=float(theta)) <= expected_new(total, over, theta=float(theta)) * (
        1 + 1e-12
    )  # Markov


@given(st.lists(st.sampled_from("abcdef")))
def test_the_discovery_curve_counts_kinds(labels: list[str]) -> None:
    curve = discovery_curve(labels)
    assert curve.shape == (len(labels),)
    assert curve.tolist() == [len(set(labels[: i + 1])) for i in range(len(labels))]


@pytest.mark.parametrize("function", [good_turing, missing_mass_upper, lambda counts: good_toulmin(counts, 0.5)])
@pytest.mark.parametrize("counts", [[0, 1], [-1], [True], {"a": 0}])
def test_counts_that_are_none_are_refused(function: Callable[[Any], float], counts: Any) -> None:
    with pytest.raises(ValueError, match=r"^The count of a kind is .*; it must .*\.$"):
        function(counts)


@pytest.mark.parametrize(
    "call",
    [
        lambda: missing_mass_upper([5], delta=0.0),
        lambda: good_toulmin([5], -1.0),
        lambda: good_toulmin([5], math.inf),
        lambda: pitman_yor_new(10, 11, theta=1),
        lambda: pitman_yor_new(10, 0, theta=1),
        lambda: pitman_yor_new(10, 5, theta=0),
        lambda: pitman_yor_new(10, 5, theta=1, sigma=1.0),
        lambda: pitman_yor_new(10, 5, theta=1, sigma=-0.1),
        lambda: expected_new(-1, 5, theta=1),
        lambda: expected_new(1, -5, theta=1),
        lambda: any_new(1, 5, theta=-1),
        lambda: any_new(1, math.nan, theta=1),
        lambda: discovery_curve([1.0, math.nan]),
    ],
)
def test_numbers_out_of_range_are_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"^The .* is .*\.$"):
        call()
