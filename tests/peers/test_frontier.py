"""Frontiers against a linear programme, areas against sums over single queries."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from assent.peers.frontier import Point, area, dominates, failures_at, hull

some_points = st.lists(st.builds(Point, st.integers(0, 200).map(float), st.integers(0, 50).map(float)), max_size=8)


@given(some_points, st.integers(1, 60).map(float), st.integers(0, 250).map(float))
def test_it_is_the_best_that_coins_between_settings_reach(points: list[Point], idle: float, queries: float) -> None:
    """The least mean of failures over all mixtures of settings with at most so many queries in the mean."""
    every = [Point(0.0, idle), *points]
    solved = linprog(
        [point.failures for point in every],
        A_ub=[[point.queries for point in every]],
        b_ub=[queries],
        A_eq=[[1.0] * len(every)],
        b_eq=[1.0],
    )
    # HiGHS is exact to about 1e-9 of numbers up to 200
    assert failures_at(hull(points, idle=idle), queries) == pytest.approx(solved.fun, abs=1e-6)


@given(some_points, st.integers(1, 60).map(float))
def test_corners_fall_and_are_convex(points: list[Point], idle: float) -> None:
    corners = hull(points, idle=idle)
    slopes = [(b.failures - a.failures) / (b.queries - a.queries) for a, b in pairwise(corners)]
    assert all(slope < 0 for slope in slopes)
    assert slopes == sorted(slopes)


@given(some_points, st.integers(1, 60).map(float), st.integers(1, 250).map(float))
def test_the_area_is_the_mean_over_all_numbers_of_queries(points: list[Point], idle: float, most: float) -> None:
    """By the trapezoid rule on half queries, which hit all corners, whole numbers. The wrong variant stops at the last corner."""
    corners = hull(points, idle=idle)
    places = np.linspace(0, most, int(2 * most) + 1)
    values = [failures_at(corners, place) for place in places]
    wanted = np.trapezoid(values, places) / (most * idle)
    assert area(corners, most, idle=idle) == pytest.approx(wanted, abs=1e-9)
    assert 0 <= area(corners, most, idle=idle) <= 1 + 1e-12
    if 0 < corners[-1].queries < most and corners[-1].failures > 0:
        cut = area(corners, corners[-1].queries, idle=idle) * corners[-1].queries / most
        assert cut < area(corners, most, idle=idle)


def test_who_never_fails_even_idle_has_no_area() -> None:
    assert math.isnan(area(hull([Point(5.0, 0.0)], idle=0.0), 100, idle=0.0))


@given(some_points, some_points, st.integers(1, 60).map(float))
def test_to_dominate_is_to_be_no_worse_anywhere(one: list[Point], other: list[Point], idle: float) -> None:
    """At a thousand places between; and nobody dominates himself."""
    mine, theirs = hull(one, idle=idle), hull(other, idle=idle)
    places = np.linspace(0, 250, 1001)
    gaps = np.asarray([failures_at(theirs, place) - failures_at(mine, place) for place in places])
    if dominates(mine, theirs, most=250):
        assert gaps.min() >= -1e-9
    elif gaps.min() >= 0:
        assert gaps.max() < 1
    assert not dominates(mine, mine, most=250)
