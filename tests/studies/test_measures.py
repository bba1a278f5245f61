"""Measures agree with independent implementations, and with their definitions."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from assent.studies.measures import (
    boundary_error,
    brier,
    credible_set,
    crossing,
    half_life,
    reliability,
    tally,
    turning,
    wilson,
)


@given(st.integers(0, 400), st.integers(1, 400), st.floats(0.5, 0.999))
def test_wilson_agrees_with_scipy(successes: int, total: int, level: float) -> None:
    successes = min(successes, total)
    ends = binomtest(successes, total).proportion_ci(confidence_level=level, method="wilson")
    # both evaluate one formula in float64; the quantiles may differ in the last digits
    assert wilson(successes, total, level=level) == pytest.approx((ends.low, ends.high), abs=1e-12)


def test_nothing_in_200_is_not_never() -> None:
    """The usual p ± z s/√n would be the point 0 there; Wilson's interval reaches z²/(n + z²)."""
    assert wilson(0, 200)[1] == pytest.approx(1.959964**2 / (200 + 1.959964**2), rel=1e-6)


def test_nothing_tried_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("successes", "total", "level"), [(3, 2, 0.9), (-1, 2, 0.9), (1, 2, 1.0)])
def test_impossible_counts_are_refused(successes: int, total: int, level: float) -> None:
    with pytest.raises(ValueError, match="0 <= successes <= total"):
        wilson(successes, total, level=level)


@given(st.floats(0.01, 0.99))
def test_a_crossing_is_found_where_it_is(place: float) -> None:
    assert abs(crossing(lambda x: x < place, 0.0, 1.0, rel=1e-9) - place) <= 1e-9 * place


def test_a_crossing_must_be_bracketed() -> None:
    with pytest.raises(ValueError, match="no change lies between"):
        crossing(lambda x: True, 0.0, 1.0, rel=1e-6)


def test_boundary_errors_are_relative_to_theory() -> None:
    assert boundary_error(1.5, 1.0) == 0.5 != boundary_error(1.0, 1.5)
    assert boundary_error(0.0, 0.0) == 0.0
    assert boundary_error(1e-9, 0.0) == 1e-9, "where theory is 0 there is nothing to be relative to"


def test_a_decision_that_never_turns_is_put_at_an_end() -> None:
    """What refutes a claim is a number like any other: no crash, and nothing that a table cannot hold."""
    assert turning(lambda x: True, 0.1, 0.7, rel=1e-6) == 0.7
    assert turning(lambda x: False, 0.1, 0.7, rel=1e-6) == 0.1
    assert turning(lambda x: x < 0.5, 0.1, 0.7, rel=1e-6) == pytest.approx(0.5, rel=1e-6)


def test_the_half_life_is_the_first_age_at_which_half_are_gone() -> None:
    assert half_life([0, 1, 2, 3], [0.0, 0.49, 0.5, 0.9]) == 2
    assert half_life([0, 1], [0.0, 0.4]) == math.inf


forecasts = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@given(forecasts)
def test_brier_agrees_with_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    said, happened = np.asarray([p for p, _ in pairs]), np.asarray([float(h) for _, h in pairs])
    assert brier(said, happened) == pytest.approx(brier_score_loss(happened, said, labels=[0, 1]), abs=1e-12)


@given(forecasts)
def test_reliability_agrees_with_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    said, happened = np.asarray([p for p, _ in pairs]), np.asarray([float(h) for _, h in pairs])
    # a forecast on the edge of two bins is put into either, by the rounding of the edge: leave those out
    inside = np.abs(said * 10 - np.rint(said * 10)) > 1e-9
    if not inside.any():
        return
    found = reliability(tally(said[inside], happened[inside]))
    frequency, mean = calibration_curve(happened[inside], said[inside], n_bins=10)
    assert [b.frequency for b in found] == pytest.approx(frequency.tolist())
    assert [b.mean for b in found] == pytest.approx(mean.tolist())
    assert sum(b.count for b in found) == inside.sum()


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.floats(0.05, 0.95))
def test_a_credible_set_is_the_smallest_with_its_mass(raw: list[float], mass: float) -> None:
    weights = np.asarray(raw) / sum(raw)
    chosen = credible_set(weights, mass)
    assert weights[chosen].sum() >= mass - 1e-9
    smaller = int(chosen.sum()) - 1
    best = max((sum(weights[list(few)]) for few in combinations(range(len(weights)), smaller)), default=0.0)
    assert best < mass + 1e-9
