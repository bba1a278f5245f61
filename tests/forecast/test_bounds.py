"""Bounds on a failure probability against mpmath at 50 digits, their laws, and how often they are wrong when watched."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.forecast import bounds

mp: Any = mpmath.mp.clone()
mp.dps = 50

RISKS = st.floats(1e-9, 0.999)
NUMBERS = st.integers(1, 10**12)
CONFIDENCE = [bounds.exact_upper, bounds.confidence_sequence_upper]
CREDIBLE = [bounds.jeffreys_upper, bounds.laplace_upper]


def printed(value: float, digits: str) -> bool:
    """Whether `value` rounds to the digits that the specification prints: half a unit of the last, and nothing for luck."""
    mantissa, _, power = digits.partition("e")
    unit = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
    return abs(value - float(digits)) <= 0.5 * unit * (1 + 1e-9)


def root_error(function: Callable[[Any], Any], value: float) -> float:
    """How far `value` is from a root of `function`, relative to itself: one Newton step at 50 digits."""
    at = mp.mpf(value)
    return float(abs(function(at) / mp.diff(function, at) / at))


def binomial_tail(n: int, k: int, p: Any) -> Any:
    """P(at most k failures in n decisions), summed."""
    return mp.fsum(mp.binomial(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize("failures", [0, 1, 2, 20, 500])
@pytest.mark.parametrize("delta", [0.05, 1e-6, 0.5])
def test_the_exact_bound_is_where_the_binomial_sum_is_delta(failures: int, delta: float) -> None:
    def missed(p: Any) -> Any:
        return binomial_tail(1000, failures, p) - mp.mpf(delta)

    value = bounds.exact_upper(1000, failures, delta=delta)
    assert root_error(missed, value) < 1e-12
    assert root_error(missed, bounds.exact_upper(1000, failures, delta=delta / 2)) > 1e-3, (
        "two-sided instead of one-sided"
    )
    assert root_error(missed, bounds.exact_upper(1000, failures + 1, delta=delta)) > 1e-4, "k + 1 failures"


def test_the_exact_bound_as_printed_and_not_the_rule_of_three() -> None:
    value = bounds.exact_upper(1000)
    assert printed(value, "0.00299125")  # T40
    for shortcut in (3 / 1000, -math.log(0.05) / 1000):
        assert not printed(shortcut, "0.00299125")


@pytest.mark.parametrize(("n", "failures"), [(10**7, 2), (10**9, 5), (10**12, 1), (10**12, 50)])
def test_the_exact_bound_keeps_its_digits_at_large_numbers(n: int, failures: int) -> None:
    # P(at most k) = sum of C(n, i) p^i (1-p)^(n-i); scipy 1.17's betainccinv is off by 4e-9 at (1e9, 5)
    value = bounds.exact_upper(n, failures)
    assert root_error(lambda p: binomial_tail(n, failures, p) - mp.mpf(0.05), value) < 1e-12


@pytest.mark.parametrize(
    ("ftp", "alpha", "digits"), [(0.5, 0.5, "0.00191841"), (0.5, 1.0, "0.00298827"), (1 / 300, 1.0, "0.00230353")]
)
@pytest.mark.parametrize("failures", [0, 3])
def test_credible_limits_cut_off_delta_of_the_posterior(ftp: float, alpha: float, digits: str, failures: int) -> None:
    beta = alpha / mp.mpf(ftp) - alpha

    def density(p: Any) -> Any:
        return p ** (mp.mpf(alpha) - 1 + failures) * (1 - p) ** (beta - 1 + 1000 - failures)

    # p = s^2 takes the square-root singularity at 0 away
    parts = [mp.sqrt(x) for x in (0, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.02, 0.1)] + [mp.mpf(1)]

    def mass(points: list[Any]) -> Any:
        return mp.quad(lambda s: 2 * s * density(s * s), points)

    total = mass(parts)
    value = bounds.credible_upper(1000, failures, ftp=ftp, virtual_successes=alpha)

    def error(at: float) -> float:
        root = mp.sqrt(mp.mpf(at))
        beyond = mass([root, *(x for x in parts if x > root)])
        return float(abs((beyond / total - mp.mpf(0.05)) * total / density(mp.mpf(at)) / at))

    assert error(value) < 1e-9
    wrong_prior = (
        bounds.credible_upper(1000, failures, ftp=ftp / (1 - ftp), virtual_successes=alpha) if ftp < 0.5 else 3 / 1000
    )
    assert error(wrong_prior) > 1e-4, "ftp read as odds, or the rule of three"
    if failures == 0:
        assert printed(value, digits)  # T41, T42, T43


def test_named_priors_are_their_general_form() -> None:
    for n, k in ((0, 0), (10, 3), (1000, 0)):
        assert bounds.jeffreys_upper(n, k) == bounds.credible_upper(n, k, ftp=0.5, virtual_successes=0.5)
        assert bounds.laplace_upper(n, k) == bounds.credible_upper(n, k, ftp=0.5, virtual_successes=1)
    assert bounds.laplace_upper(0) == pytest.approx(0.95, rel=1e-12)  # the prior's own limit, not 1


@pytest.mark.parametrize(
    ("n", "failures", "a", "digits"),
    [
        (1000, 0, 0.5, "0.00699750"),
        (30, 0, 0.5, "0.161182"),
        (1000, 0, 1.0, "0.00985560"),
        (1000, 7, 0.5, None),
        (50, 49, 2.0, None),
    ],
)
def test_the_confidence_sequence_is_where_the_mixture_beats_the_likelihood(
    n: int, failures: int, a: float, digits: str | None
) -> None:
    # the mixture's likelihood by integration over p = sin^2(x), where both ends are smooth
    def integrand(x: Any) -> Any:
        return 2 * mp.sin(x) ** (2 * a - 1 + 2 * failures) * mp.cos(x) ** (2 * a - 1 + 2 * (n - failures))

    peak = mp.asin(mp.sqrt(mp.mpf(failures + 0.5) / (n + 1)))
    weight = mp.quad(lambda x: 2 * mp.sin(x) ** (2 * a - 1) * mp.cos(x) ** (2 * a - 1), [0, mp.pi / 4, mp.pi / 2])
    mixture = mp.quad(integrand, sorted([0, peak / 2, peak, min(2 * peak, 1.5), mp.pi / 2])) / weight

    def excess(p: Any) -> Any:
        return failures * mp.log(p) + (n - failures) * mp.log(1 - p) - mp.log(mp.mpf(0.05) * mixture)

    value = bounds.confidence_sequence_upper(n, failures, a=a, b=a)
    assert root_error(excess, value) < 1e-9
    assert value > failures / n
    assert root_error(excess, bounds.exact_upper(n, failures)) > 1e-3, "a bound for one look only"
    if digits is not None:
        assert printed(value, digits)  # T44, T45


def test_clean_decisions_needed() -> None:
    assert bounds.clean_needed(1e-3) == 2995  # T49: 2994.23
    assert printed(math.log(0.05) / math.log1p(-1e-3), "2994.23")
    assert math.ceil(3 / 1e-3) != 2995, "rule of three"
    # exactly: the first n with (999/1000)^n <= 1/20, as integers
    assert 999**2995 * 20 <= 1000**2995
    assert 999**2994 * 20 > 1000**2994
    assert printed(bounds.clean_needed(1.09e-8) / 1e6, "274.84")  # Kalra and Paddock's million miles


@given(st.floats(1e-290, 1 - 1e-9), RISKS)
def test_clean_needed_is_the_first_number_at_which_the_bound_holds(p0: float, delta: float) -> None:
    n = bounds.clean_needed(p0, delta=delta)
    assert bounds.exact_upper(n, delta=delta) <= p0
    assert n == 1 or bounds.exact_upper(n - 1, delta=delta) > p0


@given(NUMBERS, st.integers(0, 1000), RISKS)
def test_bounds_fall_with_clean_decisions_and_rise_with_failures_and_caution(
    n: int, failures: int, delta: float
) -> None:
    n += failures
    for upper in CONFIDENCE + CREDIBLE:
        here = upper(n, failures, delta=delta)
        assert 0 < here <= 1
        slack = here * (1 + 1e-11)
        assert upper(2 * n, failures, delta=delta) <= slack
        assert upper(n + 1, failures + 1, delta=delta) * (1 + 1e-11) >= here
        assert upper(n, failures, delta=min(2 * delta, 0.9995)) <= slack
    assert bounds.confidence_sequence_upper(n, failures, delta=delta) * (1 + 1e-11) >= failures / n


@given(st.integers(1, 60), st.data(), RISKS)
def test_the_beta_quantile_goes_round_through_the_binomial_sum(n: int, data: st.DataObject, delta: float) -> None:
    failures = data.draw(st.integers(0, n - 1))
    p = bounds.exact_upper(n, failures, delta=delta)
    total = math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(failures + 1))
    # d ln(sum) / d ln p is at most n p / (1-p) by the sum's last term's growth; p and 1-p carry a rounding error each
    assert total == pytest.approx(delta, rel=1e-12 * (1 + n / (1 - p)))


@given(st.floats(0, 1, allow_subnormal=False), st.floats(0, 20, allow_subnormal=False))
def test_the_inverse_relative_entropy_inverts_it(loss: float, bound: float) -> None:
    p = bounds.kl_inverse_upper(loss, bound)
    assert loss <= p <= 1
    assert p <= loss + math.sqrt(bound / 2) + 1e-15  # Pinsker
    if 1e-20 < loss < p < 1 - 1e-9:  # below, 50 digits are too few for 1 - loss
        q = mp.mpf(loss)
        assert root_error(lambda x: q * mp.log(q / x) + (1 - q) * mp.log((1 - q) / (1 - x)) - mp.mpf(bound), p) < 1e-14


@pytest.mark.parametrize(
    ("n", "kl", "digits"), [(1000, 0.0, "0.00711731"), (1000, 5.0, "0.0120693"), (10**5, 5.0, "1.44443e-4")]
)
def test_pac_bayes_without_loss(n: int, kl: float, digits: str) -> None:
    value = bounds.pac_bayes_upper(n, 0.0, kl)
    # kl(0 || L) = -ln(1 - L)
    assert root_error(lambda x: -mp.log(1 - x) * n - kl - mp.log(2 * mp.sqrt(n) / mp.mpf(0.05)), value) < 1e-12
    assert printed(value, digits)  # T55
    assert not printed(-math.expm1(-(kl + math.log(math.sqrt(n) / 0.05)) / n), digits), "ln(sqrt(n)/delta)"
    assert not printed(math.sqrt((kl + math.log(2 * math.sqrt(n) / 0.05)) / (2 * n)), digits), "Pinsker"


def test_maurers_constant_holds_from_the_first_observation() -> None:
    # his proof is for n >= 8: E exp(n kl) = sum_k C(n,k) (k/n)^k (1-k/n)^(n-k) <= 2 sqrt(n)
    for n in range(1, 40):
        moment = sum(math.comb(n, k) * Fraction(k, n) ** k * Fraction(n - k, n) ** (n - k) for k in range(n + 1))
        assert moment**2 <= 4 * n


@pytest.mark.parametrize(("alpha", "ftp"), [(1.0, 0.5), (0.5, 1 / 300), (2.5, 0.01)])
def test_clean_needed_bayes_brings_the_predictive_risk_down_to_the_mark(alpha: float, ftp: float) -> None:
    n = bounds.clean_needed_bayes(0.01, 1000, ftp=ftp, virtual_successes=alpha)
    a, b = mp.mpf(alpha), alpha / mp.mpf(ftp) - alpha

    def risk(at: Any) -> Any:  # one factor a decision
        return 1 - mp.fprod((b + at + i) / (a + b + at + i) for i in range(1000)) - mp.mpf(0.01)

    assert root_error(risk, n) < 1e-9
    assert root_error(risk, n + float(b)) > 1e-6, "virtual failures forgotten"


def test_clean_needed_as_printed() -> None:
    laplace = bounds.clean_needed_bayes(0.01, 1000, ftp=0.5, virtual_successes=1)
    assert laplace == pytest.approx(98_999, rel=1e-12)  # T50
    lomax = bounds.clean_needed_lomax(0.01, 1000, alpha=0.5, tau=0)
    assert printed(lomax, "49251.3")  # T50
    assert root_error(lambda x: 1 - mp.sqrt(x / (x + 1000)) - mp.mpf(0.01), lomax) < 1e-12
    assert bounds.clean_needed_lomax(0.01, 1000, alpha=1, tau=7) == pytest.approx(99_000 - 7, rel=1e-12)
    # already below the mark: nothing is needed, and nothing negative is said
    assert bounds.clean_needed_bayes(0.5, 10, ftp=1e-4, virtual_successes=1) == 0
    assert bounds.clean_needed_bayes(0.5, 10, ftp=1e-4, virtual_successes=0.5) == 0
    assert bounds.clean_needed_lomax(0.5, 10, alpha=1, tau=1e4) == 0
    assert bounds.clean_needed_lomax(0.5, 0, alpha=1e-9) == 0


@given(st.floats(1e-6, 0.999), st.floats(1e-2, 1e6), st.floats(1e-4, 0.9), st.floats(0.05, 20))
def test_clean_needed_is_less_for_more_risk_and_more_for_a_longer_stretch(
    risk: float, over: float, ftp: float, alpha: float
) -> None:
    def needed(accepted: float, ahead: float) -> float:
        return bounds.clean_needed_bayes(accepted, ahead, ftp=ftp, virtual_successes=alpha)

    slack = 1e-9 * (1 + alpha / ftp)  # what is found is beta + n; beta is taken off
    assert needed(min(2 * risk, 0.9995), over) <= needed(risk, over) * (1 + 1e-9) + slack
    assert needed(risk, 2 * over) * (1 + 1e-9) + slack >= needed(risk, over)


# ---- watched bounds


def first_wrong(upper: Callable[..., float], p: float, horizon: int, most: int) -> list[int]:
    """For each number of failures, the first number of decisions at which `upper` lies below `p`; bounds fall with n."""
    found: list[int] = []
    for failures in range(most + 1):
        low, high = max(found[-1] if found else 0, failures), horizon + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if upper(middle, failures) < p else (middle, high)
        found.append(high)
        if high > horizon:
            return found
    return found


def chance_of_ever_being_wrong(first: list[int], p: float, horizon: int) -> float:
    """P(the bound lies below p at one of the looks 1 … horizon), exactly: the walk of (n, failures), stopped where it is wrong."""
    never = horizon + 1
    threshold = np.asarray([*first, never])  # one more state: more failures than can be wrong within the horizon
    alive = np.zeros(len(threshold))
    alive[0] = 1.0
    wrong = 0.0
    for n in range(1, horizon + 1):
        failed = alive * p
        alive -= failed
        alive[1:] += failed[:-1]
        alive[-1] += failed[-1]
        over = threshold <= n
        wrong += alive[over].sum()
        alive[over] = 0.0
    assert abs(wrong + alive.sum() - 1) < 1e-9
    return wrong


@pytest.mark.slow
def test_watched_bounds_are_wrong_as_often_as_printed() -> None:
    p, horizon = 0.01, 20_000
    watched = {}
    for upper in CONFIDENCE:
        first = first_wrong(upper, p, horizon, 300)
        assert first[-1] > horizon
        watched[upper] = chance_of_ever_being_wrong(first, p, horizon)
    # T61: 0.308 and 0.005 of 600 runs; three standard errors of those
    assert watched[bounds.exact_upper] == pytest.approx(0.308, abs=3 * math.sqrt(0.308 * 0.692 / 600))
    assert watched[bounds.confidence_sequence_upper] == pytest.approx(0.005, abs=3 * math.sqrt(0.005 * 0.995 / 600))
    assert watched[bounds.confidence_sequence_upper] <= 0.05 < watched[bounds.exact_upper], "peeking is free"


@pytest.mark.parametrize("p", [0.3, 0.01, 1e-3, 1e-6])
@pytest.mark.parametrize("delta", [0.05, 0.2])
def test_while_clean_the_exact_bound_may_be_watched(p: float, delta: float) -> None:
    # it lies below p first at n = clean_needed(p), or never; that n is reached clean with probability (1-p)^n
    assert math.exp(bounds.clean_needed(p, delta=delta) * math.log1p(-p)) <= delta * (1 + 1e-12)


def test_jeffreys_limit_is_no_guarantee_even_while_clean() -> None:
    n = first_wrong(bounds.jeffreys_upper, 1e-3, 10_000, 0)[0]
    assert n == 1920
    assert printed(0.999**n, "0.1465")
    assert 0.999**n > 2 * 0.05, "taken for a 95 % guarantee"


# ---- bad input

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("upper", CONFIDENCE + CREDIBLE)
@pytest.mark.parametrize(
    ("n", "failures", "delta"),
    [
        (-1, 0, 0.05),
        (NAN, 0, 0.05),
        (INF, 0, 0.05),
        (True, 0, 0.05),
        (10, -1, 0.05),
        (10, 11, 0.05),
        (10, NAN, 0.05),
        (10, False, 0.05),
    ]
    + [(10, 0, delta) for delta in (0.0, 1.0, -0.1, NAN, 2, True)],
)
def test_numbers_out_of_range_are_refused(upper: Callable[..., float], n: float, failures: float, delta: float) -> None:
    with pytest.raises(ValueError, match=r"^The .* is .*; it must .*\.$"):
        upper(n, failures, delta=delta)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bounds.clean_needed(0.0),
        lambda: bounds.clean_needed(1.0),
        lambda: bounds.clean_needed(0.1, delta=1.5),
        lambda: bounds.clean_needed(5e-324),
        lambda: bounds.credible_upper(10, ftp=0.0, virtual_successes=1),
        lambda: bounds.credible_upper(10, ftp=0.1, virtual_successes=0),
        lambda: bounds.confidence_sequence_upper(10, a=0),
        lambda: bounds.confidence_sequence_upper(10, b=NAN),
        lambda: bounds.kl_inverse_upper(1.1, 0.1),
        lambda: bounds.kl_inverse_upper(-0.1, 0.1),
        lambda: bounds.kl_inverse_upper(0.1, -0.1),
        lambda: bounds.pac_bayes_upper(10, 0.1, -1.0),
        lambda: bounds.pac_bayes_upper(10, NAN, 1.0),
        lambda: bounds.pac_bayes_upper(-10, 0.1, 1.0),
        lambda: bounds.pac_bayes_upper(10, 0.1, 1.0, delta=0),
        lambda: bounds.clean_needed_bayes(0, 10, ftp=0.1, virtual_successes=1),
        lambda: bounds.clean_needed_bayes(0.1, -10, ftp=0.1, virtual_successes=1),
        lambda: bounds.clean_needed_lomax(0.1, 10, alpha=0),
        lambda: bounds.clean_needed_lomax(0.1, 10, alpha=1, tau=-1),
    ],
)
def test_everything_else_out_of_range_is_refused(call: Callable[[], float]) -> None:
    with pytest.raises(ValueError, match=r"^The .* is .*\.$"):
        call()


def test_nothing_observed_says_nothing() -> None:
    assert [upper(0) for upper in CONFIDENCE] == [1.0, 1.0]
    assert [upper(7, 7) for upper in CONFIDENCE] == [1.0, 1.0]
    assert bounds.pac_bayes_upper(0, 0.0, 0.0) == 1.0
    assert bounds.pac_bayes_upper(10, 1.0, 0.0) == 1.0
