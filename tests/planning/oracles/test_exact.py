"""Floats read as people write them, and linear equations in fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.planning.oracles.exact import chance, discounting, exact, solve


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6))
def test_a_float_next_to_a_simple_fraction_is_that_fraction(numerator: int, denominator: int) -> None:
    """The wrong variant takes the binary fraction that stands for the float."""
    wanted = Fraction(numerator, denominator)
    if abs(wanted) <= 1:
        assert exact(numerator / denominator) == wanted
        assert exact(float(np.float64(numerator / denominator))) == wanted


def test_the_binary_fraction_is_not_what_was_written() -> None:
    assert exact(0.1) == Fraction(1, 10) != Fraction(0.1)
    assert exact(1 - 0.9) == Fraction(1, 10)
    assert exact("0.30000000001") == Fraction(30000000001, 10**11)
    assert exact(0.123456789) == Fraction(123456789, 10**9)
    assert exact(3) == 3


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        exact(number)


def test_probabilities_and_discounts_are_checked() -> None:
    assert chance("rate", 1) == 1
    with pytest.raises(ValueError, match=r"rate = 1\.5"):
        chance("rate", 1.5)
    for wrong in (0, 1, 1.5):
        with pytest.raises(ValueError, match="discount"):
            discounting(wrong)


@given(st.integers(1, 6), st.randoms(use_true_random=False))
def test_equations_of_a_markov_chain_are_solved(size: int, random: object) -> None:
    draw = random.randint  # type: ignore[attr-defined]
    rows = []
    for number in range(size):
        weights = [draw(0, 3) for _ in range(size)]
        total = sum(weights) or 1
        row = {column: Fraction(-9 * weight, 10 * total) for column, weight in enumerate(weights) if weight}
        row[number] = row.get(number, Fraction(0)) + 1
        rows.append(row)
    wanted = [Fraction(draw(-5, 5), 7) for _ in range(size)]
    right = [sum((entry * wanted[column] for column, entry in row.items()), Fraction(0)) for row in rows]
    assert solve(rows, right) == wanted


def test_equations_without_a_unique_solution_are_refused() -> None:
    with pytest.raises(ValueError, match="pivot 0"):
        solve([{1: Fraction(1)}, {0: Fraction(1)}], [Fraction(0), Fraction(0)])
