"""Frontiers: what a method reaches over all settings of its dial, failures while learning against queries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Point(NamedTuple):
    """What a method does at one setting of its dial, the mean over seeds: queries, and failures while it learned."""

    queries: float
    failures: float


def hull(points: Sequence[Point], *, idle: float) -> tuple[Point, ...]:
    """The corners of the least failures that can be reached at each number of queries, queries ascending, failures falling.

    A coin, tossed before the run, between two settings reaches every mixture of their means, so a frontier is convex. Never to ask, which
    costs `idle` failures, is a setting that every method has.

    >>> [tuple(corner) for corner in hull([Point(10, 4), Point(20, 5), Point(30, 0)], idle=8)]
    [(0.0, 8), (10, 4), (30, 0)]
    """
    corners: list[Point] = []
    for point in sorted([Point(0.0, idle), *points]):
        if corners and point.failures >= corners[-1].failures:
            continue
        while len(corners) > 1 and _above(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    return tuple(corners)


def failures_at(frontier: Sequence[Point], queries: float) -> float:
    """The failures of a frontier, as `hull` gives it, at `queries`: on the line between its corners; beyond the last, those of the last.

    >>> failures_at((Point(0, 8), Point(10, 4)), 5), failures_at((Point(0, 8), Point(10, 4)), 50)
    (6.0, 4.0)
    """
    return float(np.interp(queries, [point.queries for point in frontier], [point.failures for point in frontier]))


def area(frontier: Sequence[Point], most: float, *, idle: float) -> float:
    """The mean of a frontier's failures over 0 to `most` queries, as a share of those of never asking: 0 is best, 1 is useless; NaN where
    never asking does not fail either, so that there is nothing to compare.

    >>> area((Point(0, 8), Point(10, 4)), 20, idle=8)
    0.625
    """
    if idle <= 0:
        return math.nan
    inside = [point for point in frontier if point.queries < most]
    ends = [*inside, Point(most, failures_at(frontier, most))]
    total = sum((b.queries - a.queries) * (a.failures + b.failures) / 2 for a, b in pairwise(ends))
    return total / (most * idle)


def dominates(one: Sequence[Point], other: Sequence[Point], *, most: float) -> bool:
    """Whether `one` has at most the failures of `other` at every number of queries up to `most`, and fewer at some.

    >>> dominates((Point(0, 8), Point(4, 0)), (Point(0, 8), Point(10, 4)), most=100)
    True
    """
    places = sorted({0.0, most, *(point.queries for point in (*one, *other) if point.queries <= most)})
    gaps = [failures_at(other, place) - failures_at(one, place) for place in places]  # both are straight in between
    return min(gaps) >= 0 and max(gaps) > 0


def _above(first: Point, middle: Point, last: Point) -> bool:
    """Whether `middle` lies on or above the line from `first` to `last`."""
    run = (last.queries - first.queries) * (middle.failures - first.failures)
    return run >= (last.failures - first.failures) * (middle.queries - first.queries)
