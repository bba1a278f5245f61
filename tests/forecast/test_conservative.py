"""Conservative Bayesian bounds against the worst prior found by search at 50 digits."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.forecast.conservative import (
    conservative_confidence,
    conservative_mean,
    conservative_needed,
    conservative_survival,
)

mp: Any = mpmath.mp.clone()
mp.dps = 80

SHARES = st.floats(1e-6, 1 - 1e-6)
NUMBERS = st.floats(0, 1e12)


def posterior(prior: list[tuple[Any, Any]], n: float) -> list[Any]:
    """The weights of a discrete prior of (failure probability, weight) after n clean decisions."""
    weights = [weight * (1 - x) ** mp.mpf(n) for x, weight in prior]
    return [weight / mp.fsum(weights) for weight in weights]


def least(function: Callable[[Any], Any], low: float, high: float, *, steps: int = 200) -> tuple[Any, Any]:
    """The place and value of the minimum of a function with one valley, by golden sections."""
    first, last, ratio = mp.mpf(low), mp.mpf(high), (mp.sqrt(5) - 1) / 2
    for _ in range(steps):
        left, right = last - ratio * (last - first), first + ratio * (last - first)
        first, last = (left, last) if function(left) > function(right) else (first, right)
    return first, function(first)


def test_confidence_is_the_limit_of_the_worst_two_point_priors() -> None:
    theta, epsilon, p, n = 0.9, 1e-4, 1e-3, 1000
    value = conservative_confidence(n, theta=theta, epsilon=epsilon, p=p)

    def confidence(x1: Any, x3: Any) -> Any:
        return posterior([(x1, mp.mpf(theta)), (x3, 1 - mp.mpf(theta))], n)[0]

    grid = [confidence(epsilon * i / mp.mpf(20), p * (1 + j / mp.mpf(20))) for i in range(21) for j in range(1, 40)]
    assert min(grid) > value
    limit = confidence(mp.mpf(epsilon), p * (1 + mp.mpf(10) ** -40))
    assert value == pytest.approx(float(limit), rel=1e-12)
    assert abs(value - 0.956799) <= 5e-7  # T51
    assert abs(min(grid) - 0.956799) > 5e-6, "a grid minimum"


@pytest.mark.parametrize(("confidence", "needed"), [(0.95, 829.78), (0.99, 2662.86)])
def test_needed_inverts_confidence(confidence: float, needed: float) -> None:
    n = conservative_needed(confidence, theta=0.9, epsilon=1e-4, p=1e-3)
    assert abs(n - needed) <= 0.005  # T51
    assert conservative_confidence(n, theta=0.9, epsilon=1e-4, p=1e-3) == pytest.approx(confidence, rel=1e-12)
    without_epsilon = math.log(0.9 * (1 - confidence) / (0.1 * confidence)) / math.log1p(-1e-3)
    assert abs(without_epsilon - needed) > 10, "epsilon taken for 0"


@given(SHARES, SHARES, st.floats(1e-9, 0.5), st.floats(0, 1), NUMBERS)
def test_confidence_and_needed_agree(theta: float, wanted: float, p: float, part: float, n: float) -> None:
    epsilon = p * part * 0.999
    confidence = conservative_confidence(n, theta=theta, epsilon=epsilon, p=p)
    assert confidence >= theta * (1 - 1e-12)
    assert conservative_confidence(2 * n, theta=theta, epsilon=epsilon, p=p) >= confidence * (1 - 1e-12)
    needed = conservative_needed(wanted, theta=theta, epsilon=epsilon, p=p)
    assert needed == 0 if wanted <= theta else needed > 0 or wanted <= theta * (1 + 1e-12)
    if needed > 0:  # the log-odds carry a rounding error of their size
        assert conservative_confidence(needed, theta=theta, epsilon=epsilon, p=p) == pytest.approx(wanted, rel=1e-12)


def test_confidence_at_its_borders() -> None:
    assert conservative_confidence(0, theta=0.9, epsilon=0, p=1e-3) == pytest.approx(0.9, rel=1e-14)
    assert conservative_confidence(10**6, theta=0.3, epsilon=1e-3, p=1e-3) == pytest.approx(0.3, rel=1e-14)
    assert conservative_confidence(1e12, theta=0.3, epsilon=1e-4, p=1e-3) == 1.0
    assert conservative_needed(0.3, theta=0.3, epsilon=1e-3, p=1e-3) == 0


def worst_mean_at(y: float, n: int) -> float:
    rest = 0.1 / 0.9 * ((1 - y) / (1 - 1e-4)) ** n
    return (1e-4 + y * rest) / (1 + rest)


@pytest.mark.parametrize(
    ("n", "printed", "unit"), [(0, 0.10009, 1e-5), (1000, 1.392760e-4, 2.1e-10), (10_000, 1.039294e-4, 1e-10)]
)
def test_the_worst_posterior_mean_as_printed(n: int, printed: float, unit: float) -> None:
    # T54. At n = 1000 the maximum is 1.39275896e-4: the table's last digit is one too high, so one unit and its rounding there
    value = conservative_mean(n, theta=0.9, epsilon=1e-4)
    assert abs(value - printed) <= unit / 2 * (1 + 1e-9)
    if n == 1000:
        coarse = max(worst_mean_at(i / 1000, n) for i in range(1, 1000))
        assert abs(coarse - printed) > unit, "a grid maximum"


@pytest.mark.parametrize("n", [1e-3, 1.0, 1000.0, 1e12])
@pytest.mark.parametrize("theta", [0.9, 0.01, 1 - 1e-6])
@pytest.mark.parametrize("epsilon", [1e-4, 0.0, 0.3])
def test_the_worst_posterior_mean_is_the_maximum(n: float, theta: float, epsilon: float) -> None:
    def mean(y: Any) -> Any:
        prior = [(mp.mpf(epsilon), mp.mpf(theta)), (y, 1 - mp.mpf(theta))]
        return mp.fsum(x * weight for (x, _), weight in zip(prior, posterior(prior, n), strict=True))

    end = mp.log(1 - mp.mpf(epsilon))
    _, lowest = least(lambda x: -mean(epsilon + mp.exp(x)), -45.0, end - mp.mpf(10) ** -40)
    value = conservative_mean(n, theta=theta, epsilon=epsilon)
    assert value == pytest.approx(float(-lowest), rel=1e-12)


@pytest.mark.parametrize(
    ("theta", "n", "t", "printed"),
    [(0.5, 1000, 1000, 0.828427), (0.9, 1000, 1000, 0.973666), (0.9, 1000, 10_000, 0.926893)],
)
def test_survival_as_printed(theta: float, n: int, t: int, printed: float) -> None:
    chance, worst = conservative_survival(n, t, theta=theta)
    assert abs(chance - printed) <= 5e-7  # T52, T53
    if theta == 0.5:
        assert chance == pytest.approx(2 * (math.sqrt(2) - 1), rel=1e-14)
        assert abs(worst - 8.81e-4) <= 5e-7
    prior = [(mp.mpf(0), mp.mpf(theta)), (mp.mpf(worst), 1 - mp.mpf(theta))]
    perfect, rest = posterior(prior, n)
    assert chance == pytest.approx(float(perfect + rest * (1 - mp.mpf(worst)) ** t), rel=1e-12)


@pytest.mark.parametrize("n", [1.0, 1000.0, 1e12])
@pytest.mark.parametrize("t", [1e-3, 1.0, 1e6, 1e12])
@pytest.mark.parametrize("theta", [0.9, 1e-6, 1 - 1e-6])
def test_survival_is_the_minimum(n: float, t: float, theta: float) -> None:
    def kept(log_hazard: Any) -> Any:
        hazard = mp.exp(log_hazard)  # -ln q
        perfect = mp.mpf(theta)
        past, all_of_it = mp.exp(-n * hazard), mp.exp(-(mp.mpf(n) + mp.mpf(t)) * hazard)
        return (perfect + (1 - perfect) * all_of_it) / (perfect + (1 - perfect) * past)

    at, lowest = least(kept, -60.0, 15.0)
    chance, worst = conservative_survival(n, t, theta=theta)
    assert chance == pytest.approx(float(lowest), rel=1e-12)
    assert worst == pytest.approx(float(-mp.expm1(-mp.exp(at))), rel=1e-9)


def test_a_grid_minimum_is_too_high_to_pass() -> None:
    grid = min((0.9 + 0.1 * (1 - i / 1000) ** 2000) / (0.9 + 0.1 * (1 - i / 1000) ** 1000) for i in range(1, 1000))
    assert abs(grid - 0.973666) > 1e-3


@given(SHARES, st.floats(1e-3, 1e12), st.floats(1e-3, 1e12))
def test_survival_is_monotone(theta: float, n: float, t: float) -> None:
    chance, worst = conservative_survival(n, t, theta=theta)
    assert theta * (1 - 1e-12) <= chance <= 1
    assert 0 < worst <= 1
    assert conservative_survival(2 * n, t, theta=theta)[0] >= chance * (1 - 1e-12)
    assert conservative_survival(n, 2 * t, theta=theta)[0] <= chance * (1 + 1e-12)
    assert conservative_survival(n, t, theta=(1 + theta) / 2)[0] >= chance * (1 - 1e-12)


@given(SHARES, st.floats(1e-3, 1e12), st.floats(0, 0.9))
def test_the_worst_mean_is_monotone_and_above_the_trusted_part(theta: float, n: float, epsilon: float) -> None:
    value = conservative_mean(n, theta=theta, epsilon=epsilon)
    assert epsilon <= value <= (epsilon + (1 - theta) * (1 - epsilon)) * (1 + 1e-12)
    assert conservative_mean(2 * n, theta=theta, epsilon=epsilon) <= value * (1 + 1e-12)
    assert conservative_mean(n, theta=(1 + theta) / 2, epsilon=epsilon) <= value * (1 + 1e-12)


def test_survival_at_its_borders() -> None:
    assert conservative_survival(0, 5, theta=0.7) == (0.7, 1.0)
    assert conservative_survival(5, 0, theta=0.7) == (1.0, 0.0)
    assert conservative_survival(0, 0, theta=0.7) == (1.0, 0.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: conservative_confidence(-1, theta=0.9, epsilon=1e-4, p=1e-3),
        lambda: conservative_confidence(math.nan, theta=0.9, epsilon=1e-4, p=1e-3),
        lambda: conservative_confidence(1, theta=1.0, epsilon=1e-4, p=1e-3),
        lambda: conservative_confidence(1, theta=True, epsilon=1e-4, p=1e-3),
        lambda: conservative_confidence(1, theta=0.9, epsilon=2e-3, p=1e-3),
        lambda: conservative_confidence(1, theta=0.9, epsilon=-1e-3, p=1e-3),
        lambda: conservative_confidence(1, theta=0.9, epsilon=1e-4, p=1.0),
        lambda: conservative_needed(1.0, theta=0.9, epsilon=1e-4, p=1e-3),
        lambda: conservative_needed(0.95, theta=0.9, epsilon=1e-3, p=1e-3),
        lambda: conservative_mean(1, theta=0.0, epsilon=1e-4),
        lambda: conservative_mean(1, theta=0.9, epsilon=1.0),
        lambda: conservative_mean(math.inf, theta=0.9, epsilon=0.1),
        lambda: conservative_survival(-1, 1, theta=0.9),
        lambda: conservative_survival(1, -1, theta=0.9),
        lambda: conservative_survival(1, 1, theta=1.5),
    ],
)
def test_numbers_out_of_range_are_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"^The .* is .*; it must .*\.$"):
        call()
