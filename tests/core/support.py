"""Committees for the tests of the core: ordinary ones with a seed, and arbitrary garbage for Hypothesis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from assent.core import (
    Confidence,
    Context,
    Entropy,
    Margin,
    Minimum,
    Mixture,
    Rotation,
    Tolerance,
    Variance,
    Veto,
    Vote,
)

Floats = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)
few = settings(max_examples=30)
"""For laws that are tried on many things; those that safety hangs on get the profile's full number."""

RULES: tuple[Any, ...] = (Minimum(), Mixture(), Rotation(), Veto(0.05), Confidence(0.6))

GATES: tuple[Any, ...] = tuple(
    gate
    for greedy in (False, True)
    for gate in (
        Margin(0.3, greedy),
        Entropy(0.7, greedy),
        Variance(0.05, greedy),
        Vote(0.6, greedy),
        Tolerance(0.4, greedy),
    )
)


def name(thing: Any) -> str:
    return type(thing).__name__


def log(probabilities: Any) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(probabilities, dtype=np.float64))


def dirichlet(rng: np.random.Generator, *, members: int, actions: int, sharp: float = 0.5) -> Floats:
    return rng.dirichlet(np.full(actions, sharp), size=members)


def context(*, leaders: int = 2, members: int = 3, readable: Any = True, halted: Any = False) -> Context:
    return Context(*(np.asarray(value) for value in (leaders, members, readable, halted)))


SPECIAL = (math.nan, math.inf, -math.inf, 0.0, -0.0, -1e-16, 1e-16, -1.6e-43, 1.6e-43, 5e-324, -5e-324, 1e308, -1e308)
any_float = st.one_of(st.sampled_from(SPECIAL), st.floats(-5, 0.2), st.floats(width=64))


@st.composite
def garbage(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Rows `[H, A]` and weights `[H]` of anything at all, from no member and one action on."""
    members, actions = draw(st.integers(0, 4)), draw(st.integers(1, 4))
    rows = draw(arrays.arrays(np.float64, (members, actions), elements=any_float))
    weight = draw(arrays.arrays(np.float64, (members,), elements=any_float))
    return rows, weight


@st.composite
def probabilities(draw: st.DrawFn, *, members: int, actions: int, whole: bool = False) -> Floats:
    """Rows `[H, A]` of sub-distributions, or of distributions if `whole`; entries are 0 in places."""
    cuts = st.one_of(st.just(0.0), st.floats(2**-40, 1.0))
    raw = draw(arrays.arrays(np.float64, (members, actions), elements=cuts))
    raw[raw.sum(axis=1) == 0, 0] = 1.0
    rows = raw / raw.sum(axis=1, keepdims=True)
    if not whole:
        kept = st.one_of(st.just(1.0), st.just(0.0), st.floats(2**-40, 1))
        rows *= draw(arrays.arrays(np.float64, (members, 1), elements=kept))
    return rows


@st.composite
def committee(draw: st.DrawFn, *, whole: bool = False, least: int = 1) -> tuple[Floats, Floats]:
    """Log rows `[H, A]` that can be read, and normalised log weights `[H]`, some minus infinity but not all."""
    members, actions = draw(st.integers(least, 6)), draw(st.integers(1, 5))
    rows = draw(probabilities(members=members, actions=actions, whole=whole))
    weights = draw(arrays.arrays(np.float64, (members,), elements=st.one_of(st.just(0.0), st.floats(1e-9, 1))))
    if not weights.any():
        weights[draw(st.integers(0, members - 1))] = 1.0
    return log(rows), log(weights / weights.sum())


def unreadable(rows: Floats, weight: Floats) -> bool:
    """Whether the committee cannot be read, by the definition and without the core's arithmetic."""
    if any(math.isnan(w) or w == math.inf for w in weight.tolist()):
        return True
    leaders = [row for row, w in zip(rows.tolist(), weight.tolist(), strict=True) if w > -math.inf]
    return not leaders or any(not total(row) <= 1 for row in leaders)


def total(row: list[float]) -> float:
    """The sum of a row's probabilities; NaN, infinity or 2 where an entry is no log-probability."""
    if any(math.isnan(entry) for entry in row):
        return math.nan
    return math.fsum(math.exp(min(entry, 1.0)) for entry in row)


def borderline(rows: Floats) -> bool:
    """Whether a row sums to 1 so nearly that it is up to rounding whether it can be read."""
    return any(abs(total(row) - 1) < 1e-12 and total(row) > 1 for row in rows.tolist())
