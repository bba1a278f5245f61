"""Coins and dice: regrets against exact fractions, bounds against bisection with fifty digits, on all three libraries."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext
from fractions import Fraction
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln

from assent.core.coins import coin_regret, die_regret, log_least

getcontext().prec = 50


def exact_regret(counts: list[int]) -> float:
    """Log of the best likelihood over the estimate's, one toss after the other, in fractions."""
    seen, total = [0] * len(counts), sum(counts)
    estimate, best = Fraction(1), Fraction(1)
    for side, count in enumerate(counts):
        for _ in range(count):
            estimate *= Fraction(2 * seen[side] + 1, 2 * sum(seen) + len(counts))
            best *= Fraction(count, total)
            seen[side] += 1
    return float((Decimal(best.numerator) / best.denominator * estimate.denominator / estimate.numerator).ln())


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6))
@settings(max_examples=60)
def test_regrets_are_those_of_predictions_one_after_the_other(counts: list[int]) -> None:
    row = np.asarray(counts, dtype=float)
    assert float(die_regret(row)) == pytest.approx(exact_regret(counts), abs=1e-13)
    coin = [counts[0], sum(counts[1:])]
    assert float(coin_regret(row[0], row.sum())) == pytest.approx(exact_regret(coin), abs=1e-13)
    # the wrong variant adds one to each count (Laplace's estimate), and is told apart where one side never came up; elsewhere they cross
    coin = [0, sum(counts)]
    row = np.asarray(coin, dtype=float)
    if sum(counts) > 1:
        laplace = math.log(math.comb(sum(coin), coin[0])) + math.log(sum(coin) + 1)
        best = sum(c * math.log(c / sum(coin)) for c in coin if c)
        assert abs(laplace + best - float(coin_regret(row[0], row.sum()))) > 1e-3


PI = Decimal("3.14159265358979323846264338327950288419716939937511")
BERNOULLI = (Fraction(1, 6), Fraction(-1, 30), Fraction(1, 42), Fraction(-1, 30), Fraction(5, 66), Fraction(-691, 2730))


def log_gamma(number: Decimal) -> Decimal:
    """Stirling's series from 10^4 on, where six terms leave out less than 10^-50; below, by Gamma(z + 1) = z Gamma(z)."""
    below_it = Decimal(0)
    while number < 10_000:
        below_it, number = below_it + number.ln(), number + 1
    value = (number - Decimal("0.5")) * number.ln() - number + (2 * PI).ln() / 2 - below_it
    for place, coefficient in enumerate(BERNOULLI, start=1):
        below = coefficient.denominator * 2 * place * (2 * place - 1) * number ** (2 * place - 1)
        value += Decimal(coefficient.numerator) / below
    return value


@pytest.mark.parametrize("total", [20_000, 10**6, 10**9, 10**12])
def test_large_counts_lose_no_digits(total: int) -> None:
    """The regret is a few nats, the difference of numbers up to 3 10^13; computed as such a difference it is wrong."""
    rng, half, worst = np.random.default_rng(total), Decimal("0.5"), 0.0
    for fraction in (*rng.uniform(size=5), 17 / total, 1 - 30 / total):
        count = round(fraction * total)
        parts = [Decimal(count), Decimal(total - count)]
        best = sum(part * (part / total).ln() for part in parts)
        estimate = sum(log_gamma(part + half) for part in parts) - PI.ln() - log_gamma(Decimal(total + 1))
        found = float(coin_regret(np.asarray(float(count)), np.asarray(float(total))))
        assert found == pytest.approx(float(best - estimate), abs=1e-13)
        naive = sum(count * math.log(count / total) for count in map(float, parts)) + math.log(math.pi)
        naive -= float(gammaln(count + 0.5) + gammaln(total - count + 0.5) - gammaln(total + 1.0))
        worst = max(worst, abs(naive - found))
    assert worst > (1e-13 if total < 10**9 else 1e-8)


def root(count: int, total: int, budget: float) -> Decimal:
    """The log of the least x, by 160 halvings with fifty digits."""
    share, rest = Decimal(count) / total, Decimal(total - count)
    low, high = share.ln() - (Decimal(budget) + total) / count - 1, share.ln()
    for _ in range(160):
        middle = (low + high) / 2
        over = count * (share.ln() - middle) - Decimal(budget)
        if rest:
            over += rest * ((1 - share).ln() - (1 - middle.exp()).ln())
        low, high = (middle, high) if over > 0 else (low, middle)
    return low


@given(
    total=st.integers(0, 27).map(lambda power: 2**power),
    part=st.sampled_from(["few", "most", "some"]),
    fraction=st.floats(0, 1),
    budget=st.floats(0.1, 100),
)
@settings(max_examples=60)
def test_bounds_are_never_above_the_root_and_hardly_below(
    total: int, part: str, fraction: float, budget: float
) -> None:
    """Within 1e-6 in its logarithm for up to 10^8 tosses; rounding of the budget by 16 eps n moves it by no more."""
    few = round(fraction * min(total, 100))
    count = max(1, {"few": few, "most": total - few, "some": round(fraction * total)}[part])
    found, exact = (
        float(log_least(*(np.asarray(float(value)) for value in (count, total, budget)))),
        root(count, total, budget),
    )
    assert Decimal(found) <= exact
    assert float(exact) - found < 1e-6
    # the wrong variant starts where the rest is left out and takes no step of Newton's method
    rest = total - count
    start = math.log(count / total) + ((rest * math.log(rest / total) if rest else 0.0) - budget) / count
    if total > 1000 and part == "some" and 0.1 < fraction < 0.9:
        assert float(exact) - start > 1e-6


def test_single_precision_stays_below_too() -> None:
    rng = np.random.default_rng(3)
    for _ in range(30):
        total = int(10 ** rng.uniform(0, 6))
        count, budget = int(rng.integers(1, total + 1)), np.float32(10 ** rng.uniform(-1, 2))
        found = log_least(np.float32(count), np.float32(total), budget)
        assert found.dtype == np.float32
        exact = root(count, total, float(budget))
        assert Decimal(float(found)) <= exact
        assert float(exact) - float(found) < 0.02


def test_what_never_came_has_no_least_probability() -> None:
    assert np.isneginf(log_least(np.zeros(2), np.asarray([0.0, 5.0]), np.asarray([0.0, 2.0]))).all()
    assert float(coin_regret(np.asarray(0.0), np.asarray(0.0))) == 0
    assert float(die_regret(np.zeros(4))) == 0


def test_backends(backend: Any) -> None:
    rng = np.random.default_rng(4)
    counts = np.floor(10 ** rng.uniform(0, 5, size=(6, 3)) - 1)
    total, budget = counts.sum(axis=1)[:, None] * np.ones((1, 3)), rng.uniform(1, 9, size=(6, 3))
    # JAX has to trace them, and is quicker that way
    call = jax.jit if backend.name == "jax" else lambda function: function
    arrays = [backend.array(values) for values in (counts, total, budget)]
    cases = [
        (call(die_regret)(arrays[0]), die_regret(counts)),
        (call(coin_regret)(arrays[0], arrays[1]), coin_regret(counts, total)),
        (call(log_least)(*arrays), log_least(counts, total, budget)),
    ]
    for found, expected in cases:
        assert np.allclose(backend.numpy(found), expected, rtol=1e-12, atol=1e-12)
