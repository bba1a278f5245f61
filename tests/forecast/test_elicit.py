"""From judgements to a belief and back, and where no belief of the family has them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assent.forecast.elicit import NotExpressible, elicit
from assent.forecast.prior import BetaPrior


def said(prior: BetaPrior, n: float) -> float:
    return float(-np.expm1(prior.log_survival(0.0, n)))


def test_the_reports_examples() -> None:
    assert elicit({20: "25 %"}).ftp == Fraction(1, 61)
    assert elicit({50: "5 %"}).ftp == Fraction(1, 951)
    back = elicit({50: "50/349", 100: "100/399"})
    assert (float(back.alpha), float(back.beta)) == pytest.approx((1.0, 299.0), rel=1e-9)
    other = elicit({20: 0.10, 100: 0.30})
    assert float(other.alpha) == pytest.approx(0.356665, abs=6e-7)
    assert float(other.beta) == pytest.approx(58.5160, abs=6e-5)
    assert 1 / float(other.ftp) == pytest.approx(165.06, abs=6e-3)


@given(st.floats(0.05, 20), st.floats(-5, -0.5), st.floats(1, 200), st.floats(1.5, 20))
def test_two_judgements_give_back_the_belief_they_are_of(alpha: float, log_ftp: float, n: float, times: float) -> None:
    prior = BetaPrior(10.0**log_ftp, alpha)
    first, second = said(prior, n), said(prior, n * times)
    assume(first > 1e-6 and second < 1 - 1e-6)
    # where the pair is next to an end of the band, rounding of the judgements decides
    ratio = math.log1p(-second) / math.log1p(-first)
    assume(1.02 < ratio < times * 0.98)
    back = elicit({n: first, n * times: second})
    assert said(back, n) == pytest.approx(first, rel=1e-9)
    assert said(back, n * times) == pytest.approx(second, rel=1e-9)


@given(st.floats(0.001, 0.9), st.floats(1, 1000), st.floats(1.01, 50), st.floats(0, 1), st.booleans())
def test_outside_the_band_it_says_the_band(first: float, n: float, times: float, part: float, above: bool) -> None:
    end = -math.expm1(times * math.log1p(-first))
    assume(end < 1 - 1e-9)
    second = end + part * (1 - 1e-9 - end) if above else first * part
    assume(1e-90 < second < 1)
    with pytest.raises(NotExpressible) as caught:
        elicit({n: first, n * times: second})
    assert caught.value.band == pytest.approx((first, end), rel=1e-12)
    assert f"{100 * first:.6g} %" in str(caught.value)


def test_one_judgement_with_other_virtual_successes() -> None:
    for alpha in ("0.1", "1/2", 3, 1e6):
        assert said(elicit({100: "1/4"}, virtual_successes=alpha), 100) == pytest.approx(0.25, rel=1e-9)


@pytest.mark.parametrize(
    "judgements",
    [{}, {10: 0}, {10: 1}, {0: 0.5}, {-5: 0.5}, {10: 0.2, 20: 0.3, 30: 0.4}, {10: "nan"}],
)
def test_what_is_no_judgement(judgements: dict[float, float]) -> None:
    with pytest.raises(ValueError, match=r"must|give one or two|finite"):
        elicit(judgements)  # pyright: ignore[reportArgumentType]


def test_two_judgements_fix_the_virtual_successes() -> None:
    with pytest.raises(ValueError, match="leave them out"):
        elicit({50: "50/349", 100: "100/399"}, virtual_successes=1)
