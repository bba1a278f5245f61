"""The report's formulas against fifty digits: each value by an independent definition, and by the digits that were printed for it."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from assent.forecast import (
    BetaPrior,
    Calendar,
    Conjunctive,
    Disjunctive,
    HyperPrior,
    Impossible,
    Lomax,
    Model,
    ResearcherYears,
    Rule,
    Sequential,
    Trials,
)
from assent.forecast.kernel import log_survival_counted
from assent.forecast.kinds import (
    calendar,
    compute,
    even,
    evolution,
    lifetime,
    log_uniform,
    researcher_years,
    weighted_years,
)
from tests.forecast import exactly

mpmath.mp.dps = 50


def p(model: Model, by: float = 2036, none_by: float | None = 2020) -> float:
    return model.predict(by, none_by=none_by).probability


def product(alpha: float | Fraction, beta: float | Fraction, n: int, m: int) -> Any:
    """1 - the product over m single trials of one minus their chance: no Gamma function."""
    a, b = (mpf(Fraction(part).numerator) / Fraction(part).denominator for part in (alpha, beta))
    survival = mpf(1)
    for i in range(m):
        survival *= 1 - a / (a + b + n + i)
    return 1 - survival


def ratio(alpha: float, beta: float, n: float, m: float) -> Any:
    """1 - B(alpha, beta + n + m) / B(alpha, beta + n) at fifty digits."""
    a, b, n_, m_ = map(mpf, (alpha, beta, n, m))
    return 1 - mpmath.beta(a, b + n_ + m_) / mpmath.beta(a, b + n_)


def agree(found: float, exact: Any, printed: str) -> None:
    """To 1e-9 of the exact value, and to half a unit of the last printed digit."""
    assert abs(mpf(found) - exact) <= mpf("1e-9") * abs(exact)
    digits = Fraction(printed)
    unit = Fraction(10) ** (-len(printed.partition(".")[2]) if "." in printed else 0)
    assert abs(Fraction(found) - digits) <= unit * Fraction(501, 1000)


HALF = Fraction(1, 2)
COUNTED = {
    "T01": (1, 299, 64, 16, "0.0422164"),
    "T02": (1, 1, 64, 16, "0.197531"),
    "T03": (HALF, HALF, 64, 16, "0.105223"),
    "T04": (1, 1, 0, 10, "0.909091"),
    "T05": (HALF, HALF, 0, 10, "0.823803"),
    "T06": (HALF, Fraction(299, 2), 64, 16, "0.0355275"),
    "T07": (Fraction(1, 10), Fraction(99, 10), 64, 16, "0.0195143"),
    "T08": (10, 9990, 64, 16, "0.0157687"),
    "T09": (10**6, 299 * 10**6, 64, 16, "0.0520205"),
    "T11": (1, 299, 7020, 16, "0.00218132"),
    "T12": (1, 99, 20, 16, "0.118519"),
    "T13": (1, 299, 0, 100, "0.250627"),
    "T13 half": (HALF, Fraction(299, 2), 0, 100, "0.226180"),
    "T14": (1, 299, 64, 80, "0.180587"),
    "T14 half": (HALF, Fraction(299, 2), 64, 80, "0.147242"),
}


@pytest.mark.parametrize("name", COUNTED)
def test_counted_trials_are_the_product_over_single_ones(name: str) -> None:
    alpha, beta, n, m, printed = COUNTED[name]
    prior = BetaPrior.of(alpha, beta)
    found = Rule(prior, Trials()).predict(n + m, none_by=n)
    agree(found.probability, product(alpha, beta, n, m), printed)
    agree(float(-np.expm1(prior.log_survival(n, m))), product(alpha, beta, n, m), printed)
    assert (found.exact is not None) == (alpha == 1)
    # the wrong variant: updating by n instead of n / alpha per virtual success
    if alpha not in (1,) and n:
        assert abs(found.probability - float(product(1, Fraction(beta, 1) / Fraction(alpha), n, m))) > 1e-6


def test_t10_many_virtual_successes_come_to_a_known_chance() -> None:
    known = 1 - (1 - mpf(1) / 300) ** 16
    firm = p(calendar(ftp="1/300", virtual_successes=10**12))
    agree(firm, known, "0.0520205")
    # T09 and T10 differ in the eighth digit
    assert p(calendar(ftp="1/300", virtual_successes=10**6)) == pytest.approx(0.0520205057, abs=6e-11)
    assert float(known) == pytest.approx(0.0520205178, abs=6e-11)


def test_t15_the_tail_beyond_150000_trials() -> None:
    for alpha, printed in ((1, "0.00198937"), (HALF, "0.0315280")):
        prior = BetaPrior("1/300", alpha)
        agree(
            math.exp(float(prior.log_survival(0, 150_000))),
            1 - ratio(float(alpha), float(prior.beta), 0, 150_000),
            printed,
        )


def test_t16_t17_quantiles() -> None:
    assert calendar(ftp="1/300").quantile("1/2", none_by=2020) == 2383.0
    years = calendar(ftp="1/300", virtual_successes="1/2").quantile("1/10", none_by=2020) - 2020
    exact = mpmath.findroot(lambda m: ratio(0.5, 149.5, 64, m) - mpf(1) / 10, (mpf(50), mpf(51)))
    assert years == pytest.approx(float(exact), rel=1e-9)
    assert years == pytest.approx(50.0217, abs=6e-5)


def test_t18_an_earlier_regime_folds_into_the_first_trial() -> None:
    alpha, gamma = HALF, Fraction(100)
    folded = BetaPrior(1 / (gamma + 139 / alpha), alpha)
    two_ways = (
        float(-np.expm1(BetaPrior("1/100", alpha).log_survival(139 + 64, 16))),
        float(-np.expm1(folded.log_survival(64, 16))),
    )
    for found in two_ways:
        agree(found, product(alpha, alpha * gamma - alpha, 203, 16), "0.0302814")
    wrong = BetaPrior(1 / (gamma + 139 * alpha), alpha)  # the report's footnote 64 multiplies
    assert float(-np.expm1(wrong.log_survival(64, 16))) > 0.034


def test_t19_the_chance_after_failures() -> None:
    prior = BetaPrior("1/100", "1/10")
    agree(prior.mean(50), mpf(1) / 600, "0.00166667")
    assert prior.after(50).ftp == Fraction(1, 600)
    assert BetaPrior.of(1, 1).after(10, 3).ftp == Fraction(4, 12)  # Laplace: (M + 1) / (N + 2)


def test_t20_t21_t22_t34_researcher_years() -> None:
    rho = mpmath.log(mpf("1.11")) / mpmath.log(mpf("1.043"))
    # 0.0797514, 0.0793920 and 0.0697422, where 0.0797511, 0.0793921 and 0.0697418 are printed
    agree(p(researcher_years(ftp="1/300", sums="continuous")), 16 * rho / (299 + 80 * rho), "0.07975")
    agree(p(researcher_years(ftp="1/300")), exactly.researcher_years(), "0.07939")
    agree(p(compute(ftp="1/300", spend="1e8")), exactly.importance(5, "3.3"), "0.06974")
    agree(p(researcher_years(ftp="1/300", sums="continuous"), 2100), exactly.slowed(), "0.213520")


def test_growth_that_changes_lags_in_the_sum() -> None:
    effort = ResearcherYears(1956, [(1956, "11 %"), (2020, "16 %")], "continuous")
    log_growth = math.log(1.11)
    assert float(effort.between(1956, 2020)) == pytest.approx(6.679041, abs=6e-7)
    assert float(effort.between(2020, 2036)) == pytest.approx(2.061050, abs=6e-7)
    other = ResearcherYears(1956, "16 %", "continuous")
    assert float(other.between(1956, 2036)) == pytest.approx(9.498880 + 2.374720, abs=2e-6)
    assert float(effort.between(1956, 1957)) == pytest.approx(log_growth, rel=1e-12)


def test_t23_t24_t25_anchors() -> None:
    agree(p(lifetime()), mpf("4.3") / 38, "0.113158")
    agree(p(evolution()), mpf("4.3") / 27, "0.159259")
    agree(p(log_uniform(spend="1e11")), mpf("0.252") / mpf("0.892"), "0.282511")


def test_t26_t27_t28_mixtures() -> None:
    both = HyperPrior({"high": (calendar(ftp="1/100"), 0.5), "low": (calendar(ftp="1/1000"), 0.5)})
    s64, s80 = ([mpf(b) / (b + n) for b in (99, 999)] for n in (64, 80))
    agree(p(both), 1 - sum(s80) / sum(s64), "0.0440971")
    agree(both.weights(2020)["high"], s64[0] / sum(s64), "0.392567")
    agree(both.static(2036, none_by=2020), sum(1 - b / a for a, b in zip(s64, s80, strict=True)) / 2, "0.0521070")
    never = HyperPrior({"rule": (calendar(ftp="1/100"), "4/5"), "never": (Impossible(), "1/5")})
    left = mpf(4) / 5 * s64[0] + mpf(1) / 5
    agree(p(never), mpf(4) / 5 * (s64[0] - s80[0]) / left, "0.0633214")
    agree(never.weights(2020)["never"], mpf(1) / 5 / left, "0.291592")


def test_t29_conjunctive_and_t31_known_incomplete() -> None:
    share = mpmath.sqrt(mpf(100) / 399)
    beta = 100 * (1 - share) / share
    part = Rule(BetaPrior.of(1, Fraction(str(beta))), Calendar(1956))
    by, before = (80 / (beta + 80)) ** 2, (64 / (beta + 64)) ** 2
    found = p(Conjunctive([part, part]))
    assert found == pytest.approx(float((by - before) / (1 - before)), rel=1e-9)
    assert found == pytest.approx(0.0534973, abs=3e-7)  # the printed 3 is a 1: 0.05349709
    wrong = p(part) ** 2  # both within the next 16 years, as if neither could be done already
    assert abs(found - wrong) > 0.03
    laplace = Rule(BetaPrior.of(1, 1), Calendar(1956))
    agree(p(laplace) ** 3, (mpf(16) / 81) ** 3, "0.00770735")
    agree(p(laplace, 2120) ** 3, (mpf(100) / 165) ** 3, "0.222612")
    assert p(Disjunctive([part, part])) == pytest.approx(1 - (1 - p(part)) ** 2, rel=1e-12)


def test_t30_sequential() -> None:
    """Matched at 100 years; the printed last digits, 0.0689152, are a little off: both ways give 0.0689147."""
    chance, within = exactly.matched_steps()
    assert chance == pytest.approx(0.06067, abs=6e-6)
    found = p(Sequential(BetaPrior(chance), Calendar(1956), 5))
    assert found == pytest.approx(within, rel=1e-9)
    assert found == pytest.approx(0.0689152, abs=6e-7)


def test_sequential_of_divisible_effort_is_the_limit_of_ever_shorter_trials() -> None:
    divided = p(Sequential(Lomax(99), Calendar(1956), 3))
    months, weeks = (p(Sequential(BetaPrior.of(1, 99 * q), Calendar(1956, q), 3)) for q in (16, 32))
    assert divided == pytest.approx(
        2 * weeks - months, rel=1e-6
    )  # one trial at a time: an error of the first order in 1/q
    assert p(Sequential(Lomax(99), Calendar(1956), 1)) == pytest.approx(p(calendar(ftp="1/100")), rel=1e-12)


def test_t32_t33_even_and_time_invariant() -> None:
    agree(p(even(reach=300)), mpf(16) / 236, "0.0677966")
    events = Lomax(0, 1).after(100, 2)
    agree(float(-np.expm1(events.log_survival(0, 10))), 1 - mpf("1.1") ** -3, "0.248685")
    window = Lomax(100, 2)
    agree(float(-np.expm1(window.log_survival(0, 10))), 1 - mpf("1.1") ** -2, "0.173554")


def test_t35_counts_need_not_be_whole() -> None:
    prior = BetaPrior("1/20", "1/2")
    agree(float(-np.expm1(prior.log_survival(12.5, 3.75))), ratio(0.5, 9.5, 12.5, 3.75), "0.0764435")


def test_t37_drawing_chances_and_trials_gives_the_same() -> None:
    rng = np.random.default_rng(0)
    chance = rng.beta(1, 299, 4_000_000)
    first = rng.geometric(chance)
    alive, hit = np.count_nonzero(first > 64), np.count_nonzero((first > 64) & (first <= 80))
    error = math.sqrt(16 / 379 * 363 / 379 / alive)
    assert abs(hit / alive - 16 / 379) < 4 * error


TRAPS = [
    (0.5, 149.5, 64, 16, "0.0355274584029"),
    (0.5, 149.5, 1e6, 1e3, "4.99550810136e-4"),
    (0.5, 149.5, 1e9, 1e6, "4.99625237714e-4"),
    (0.5, 149.5, 1e12, 1e6, "4.99999624926e-7"),
    (0.5, 5e5, 1e8, 1, "4.97512435336e-9"),
]


@pytest.mark.parametrize(("alpha", "beta", "n", "m", "printed"), TRAPS)
def test_traps_where_differences_of_log_gammas_fail(
    alpha: float, beta: float, n: float, m: float, printed: str
) -> None:
    from scipy.special import gammaln

    found = float(-np.expm1(log_survival_counted(alpha, beta, n, m)))
    mpmath.mp.dps = 80
    assert found == pytest.approx(float(ratio(alpha, beta, n, m)), rel=1e-12)
    mpmath.mp.dps = 50
    assert found == pytest.approx(float(printed), rel=1e-11)
    wrong = gammaln(beta + n + m) + gammaln(alpha + beta + n) - gammaln(beta + n) - gammaln(alpha + beta + n + m)
    if n >= 1e6:
        assert abs(-math.expm1(wrong) - found) > 1e-9 * found


def test_the_kernel_at_random_places_over_twenty_orders() -> None:
    rng = np.random.default_rng(1)
    mpmath.mp.dps = 80
    for _ in range(400):
        alpha, beta = 10.0 ** rng.uniform(-6, 8), 10.0 ** rng.uniform(-6, 9)
        n, m = (0.0 if rng.random() < 0.2 else 10.0 ** rng.uniform(-3, 13)), 10.0 ** rng.uniform(-6, 13)
        z, a, b = mpf(beta) + mpf(n), mpf(alpha), mpf(m)
        exact = mpmath.loggamma(z + b) + mpmath.loggamma(z + a) - mpmath.loggamma(z) - mpmath.loggamma(z + a + b)
        assert float(log_survival_counted(alpha, beta, n, m)) == pytest.approx(float(exact), rel=1e-12)
    mpmath.mp.dps = 50


@pytest.mark.parametrize("exponent", [14, 15, 16, 18, 20, 40, 80, 99])
@pytest.mark.parametrize("share", [1e-6, 1e-3, 0.19, 1.0])
def test_the_kernel_where_both_counts_are_huge(exponent: int, share: float) -> None:
    """Powers of such numbers leave the floats; the answer does not."""
    beta, small = 3.0 * 10.0**exponent, share * 10.0**exponent
    for alpha, more in ((small, small), (small, 2.0 * beta), (0.5, small)):
        a, b, m = mpf(alpha), mpf(beta), mpf(more)
        with mpmath.workdps(160):
            exact = mpmath.loggamma(b + m) + mpmath.loggamma(a + b) - mpmath.loggamma(b) - mpmath.loggamma(a + b + m)
        assert float(log_survival_counted(alpha, beta, 0.0, more)) == pytest.approx(float(exact), rel=1e-12)


def test_lomax_matched_at_the_first_trial_and_at_a_hundred_years() -> None:
    counted = p(calendar(ftp="1/300", virtual_successes="1/2"))
    divided = Rule(BetaPrior("1/300", "1/2").continuous(), Calendar(1956))
    assert counted == pytest.approx(0.0355274584, abs=6e-11)
    assert p(divided) == pytest.approx(0.0355274372, abs=6e-11)


def test_weighted_years_and_starts() -> None:
    assert p(weighted_years(ftp="1/300", early=168)) == pytest.approx(0.0292505, abs=6e-8)
    assert p(calendar(ftp="1/300", start=-5000)) == pytest.approx(float(mpf(16) / 7335), rel=1e-12)
