"""T2, T3, T4: the spec's figures to the printed digits, and the lines by independent sums."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.planning.oracles.off_switch import Gaussian, Points

BETAS = (0.5, 1, 2, 5, 20)
BOLTZMANN = {
    0: (0.118022, 0.206621, 0.302853, 0.375724, 0.397316),
    0.5: (-0.104154, 0, 0.104860, 0.176736, 0.196358),
    1: (-0.272061, -0.125322, 0, 0.067602, 0.082320),
}


@pytest.mark.parametrize(
    ("mean", "positive", "gain", "kept"), [(0.5, 0.697797, 0.197797, 0.220855), (1, 1.083315, 0.083315, 0.071415)]
)
def test_public_gaussians(mean: float, positive: float, gain: float, kept: float) -> None:
    utility = Gaussian(mean, 1)
    assert (round(utility.positive_part(), 6), round(utility.gain(), 6)) == (positive, gain)
    assert round(utility.kept_up_to(), 6) == kept


def test_public_lines_of_error() -> None:
    assert round(Gaussian(2, 1).kept_up_to(), 5) == 0.00421
    # the same up to the rounding of a handful of operations on numbers of size 1
    assert math.isclose(Gaussian(1, 2).kept_up_to(), Gaussian(0.5, 1).kept_up_to(), rel_tol=1e-14)


@pytest.mark.parametrize("mean", BOLTZMANN)
def test_public_boltzmann_gains(mean: float) -> None:
    found = [Gaussian(mean, 1).boltzmann_gain(beta) for beta in BETAS]
    for (gain, error), wanted in zip(found, BOLTZMANN[mean], strict=True):
        assert error < 1e-13
        assert abs(gain - wanted) < 0.5000001e-6 + error


normals = st.tuples(st.floats(-3, 3), st.floats(0.2, 3), st.floats(0.05, 20))


@given(normals)
def test_the_stated_error_is_kept(terms: tuple[float, float, float]) -> None:
    """The trapezoidal rule, which converges geometrically on the whole line, is another quadrature of another integrand.

    On |Im u| < pi / beta the integrand is analytic; a step h leaves an error of about exp(-2 pi d / h), d half that width: h = d / 8
    makes it exp(-16 pi), below 1e-21 times the integrand's size there (at most e^(d^2 / 2 sigma^2), d <= 2 sigma here).
    """
    mean, deviation, beta = terms
    width = min(math.pi / (2 * beta), 2 * deviation)
    u = np.arange(mean - 10 * deviation, mean + 10 * deviation, width / 8)
    density = np.exp(-(((u - mean) / deviation) ** 2) / 2) / (deviation * math.sqrt(2 * math.pi))
    allowed = 1 / (1 + np.exp(-np.clip(beta * u, -700, 700)))
    summed = float(np.sum(u * allowed * density) * width / 8) - max(mean, 0)
    gain, error = Gaussian(mean, deviation).boltzmann_gain(beta)
    # thousands of terms of size up to 30 in the sum
    assert abs(gain - summed) < error + 1e-12


@given(st.floats(0.2, 3), st.floats(0.05, 20), st.floats(0.01, 2))
def test_the_switch_is_kept_exactly_inside_the_line(deviation: float, beta: float, part: float) -> None:
    """T4; a wrong variant of the line, beta sigma / 2, fails for any sigma but 1."""
    utility = Gaussian(1.0, deviation)
    line = utility.boltzmann_line(beta)
    for sign in (-1, 1):
        gain, error = Gaussian(sign * part * line, deviation).boltzmann_gain(beta)
        if abs(gain) > error:
            assert (gain > 0) == (part < 1)
        else:  # on the line, or so far out that nothing is at stake
            assert abs(part - 1) < 1e-6 or utility.deviation * math.exp(-((part * line / deviation) ** 2) / 2) < 1e-6


def test_a_line_that_forgets_the_square_is_rejected() -> None:
    wrong = 1 * 2 / 2  # beta sigma / 2
    gain, error = Gaussian(wrong, 2).boltzmann_gain(1)
    assert gain > error
    right, doubt = Gaussian(Gaussian(0, 2).boltzmann_line(1), 2).boltzmann_gain(1)
    assert abs(right) <= doubt


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=6), st.integers(0, 20))
def test_points_keep_as_enumeration_says(values: list[int], eps: int) -> None:
    """Waiting by enumeration of values and words; a wrong variant lets an erring human only fail to stop the robot."""
    error, size = Fraction(eps, 20), len(values)
    utility = Points([Fraction(value) for value in values])
    waiting = sum(Fraction(max(v, 0)) * (1 - error) + Fraction(min(v, 0)) * error for v in values) / size
    acting = max(Fraction(sum(values), size), Fraction(0))
    assert utility.gain(eps=error) == waiting - acting
    kept = utility.kept_up_to()
    if kept is not None:
        assert (utility.gain(eps=error) >= 0) == (error <= kept)
    wrong = sum(Fraction(max(v, 0)) + Fraction(min(v, 0)) * error for v in values) / size - acting
    assert wrong >= utility.gain(eps=error)


def test_two_points() -> None:
    coin = Points(["-1", "2"], ["0.75", "0.25"])
    assert (coin.positive_part(), coin.negative_part(), coin.gain()) == (Fraction(1, 2), Fraction(3, 4), Fraction(1, 2))
    assert coin.kept_up_to() == Fraction(2, 5)
    assert Points(["1", "2"]).gain() == 0, "what is good for sure needs no switch"
    assert Points([0]).kept_up_to() is None
    by_hand = 0.25 * 2 / (1 + math.exp(-2)) - 0.75 * 1 / (1 + math.exp(1))
    assert math.isclose(coin.boltzmann_gain(1), by_hand, rel_tol=1e-14)


def test_many_points_approach_the_gaussian() -> None:
    """Quantiles of N(.5, 1), 2000 of them: the mean of the positive part is off by less than the largest gap times 1/2000 each."""
    from statistics import NormalDist

    values = [NormalDist(0.5, 1).inv_cdf((number + 0.5) / 2000) for number in range(2000)]
    assert abs(float(Points(values).gain()) - Gaussian(0.5, 1).gain()) < 5e-3


def test_extremes_are_finite() -> None:
    gain, error = Gaussian(0, 1).boltzmann_gain(1e8)
    assert abs(gain - Gaussian(0, 1).gain()) < 1e-12 + error
    gain, error = Gaussian(0.5, 1).boltzmann_gain(1e-9)
    assert abs(gain + 0.25) < 1e-8, "who cannot tell good from bad halves what is there"
    assert Gaussian(1e6, 1).boltzmann_gain(1)[0] == 0


def test_what_is_no_utility_is_refused() -> None:
    with pytest.raises(ValueError, match="deviation above 0"):
        Gaussian(0, 0)
    with pytest.raises(ValueError, match="beta = 0"):
        Gaussian(0, 1).boltzmann_gain(0)
    for values, weights in (([], []), (["1"], ["0.5"]), (["1", "2"], ["1"])):
        with pytest.raises(ValueError, match="must be chances that sum to 1"):
            Points(values, weights)
