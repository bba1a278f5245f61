"""Numbers read as fractions, and linear equations solved in them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

Number = Fraction | int | float | str
"""A parameter: a fraction, an integer, a float, or a decimal or quotient as text (`"0.1"`, `"1/3"`)."""

LARGEST_DENOMINATOR = 10**6
SAME = 4e-15
"""Floats this near (times their size, if above 1) to a fraction of a small denominator are read as that fraction: some 16 roundings
of numbers up to 1. Fractions with denominators up to 10^6 are at least 10^-12 apart, so at most one is that near to a number below
125; above, where people write fewer digits after the point, it is the nearest."""


def exact(number: Number) -> Fraction:
    """`number` as a fraction. A float is read as people write it, not as the binary fraction that stands for it.

    A float within `SAME` of a fraction with a denominator up to 10^6 is that fraction (0.1 is 1/10, 1 - 0.9 is 1/10 as well, 1/3 is
    1/3); any other is the decimal that Python prints for it.

    Raises:
        ValueError: a number that is not finite, or a text that is no number.

    >>> exact(0.1), exact("0.25"), exact(1 / 3), exact(0.1234567890123)
    (Fraction(1, 10), Fraction(1, 4), Fraction(1, 3), Fraction(1234567890123, 10000000000000))
    """
    if isinstance(number, Fraction | int):
        return Fraction(number)
    if isinstance(number, str):
        return Fraction(number)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not finite, so it is no fraction. Give a finite number.")
    near = Fraction(number).limit_denominator(LARGEST_DENOMINATOR)
    if abs(near - Fraction(number)) <= SAME * max(1.0, abs(number)):
        return near
    return Fraction(str(float(number)))


def chance(name: str, number: Number) -> Fraction:
    """`number` as a fraction in [0, 1].

    Raises:
        ValueError: it lies outside; the sentence uses `name`.

    >>> chance("rate", 0.2)
    Fraction(1, 5)
    """
    value = exact(number)
    if not 0 <= value <= 1:
        raise ValueError(f"{name} = {number} is outside [0, 1]: it is a probability.")
    return value


def discounting(number: Number) -> Fraction:
    """A discount as a fraction in (0, 1): what never ends has no finite value at 1.

    Raises:
        ValueError: it lies outside.
    """
    value = exact(number)
    if not 0 < value < 1:
        raise ValueError(f"discount = {number} is outside (0, 1): without an end, values are finite only below 1.")
    return value


def solve(rows: Sequence[Mapping[int, Fraction]], right: Sequence[Fraction]) -> list[Fraction]:
    """The solution x of `rows @ x = right`, where a row holds its entries that are not 0, by elimination without exchanges.

    Meant for I - discount * P with a stochastic P: those are M-matrices, and their pivots stay above 0 in any order.

    Raises:
        ValueError: a pivot is 0.

    >>> half = Fraction(1, 2)
    >>> solve([{0: Fraction(1), 1: -half}, {1: half}], [Fraction(0), Fraction(1)])
    [Fraction(1, 1), Fraction(2, 1)]
    """
    left = [dict(row) for row in rows]
    values = list(right)
    below: list[list[int]] = [[] for _ in left]
    for number, row in enumerate(left):
        for column in row:
            if column < number:
                below[column].append(number)
    for pivot, row in enumerate(left):
        if not row.get(pivot):
            raise ValueError(f"the equations have no unique solution: pivot {pivot} is 0.")
        for number in set(below[pivot]):
            factor = left[number].pop(pivot, Fraction(0)) / row[pivot]
            if not factor:
                continue
            values[number] -= factor * values[pivot]
            for column, entry in row.items():
                if column <= pivot:
                    continue
                if column < number and column not in left[number]:
                    below[column].append(number)
                left[number][column] = left[number].get(column, Fraction(0)) - factor * entry
    solution = [Fraction(0)] * len(left)
    for pivot in reversed(range(len(left))):
        rest = sum((entry * solution[column] for column, entry in left[pivot].items() if column > pivot), Fraction(0))
        solution[pivot] = (values[pivot] - rest) / left[pivot][pivot]
    return solution
