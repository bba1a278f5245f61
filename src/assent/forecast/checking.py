"""What every forecast asks of the numbers it is given; each refusal is a sentence that names the number and its value."""

from __future__ import annotations

import math
from numbers import Real


def probability(what: str, value: object) -> float:
    """`value` as a float strictly between 0 and 1.

    Args:
        what: names the number in the error, without an article.
        value: a real number of any kind; True and False are none.

    Raises:
        ValueError: it is no number, not finite, or not strictly between 0 and 1.

    >>> probability("risk", 0.05)
    0.05
    """
    number = _number(value)
    if number is None or not 0 < number < 1:
        raise ValueError(f"The {what} is {value!r}; it must be a number strictly between 0 and 1, such as 0.05.")
    return number


def count(what: str, value: object) -> float:
    """`value` as a finite float of at least 0; it does not have to be whole.

    Raises:
        ValueError: it is no number, not finite, or below 0.

    >>> count("number of clean decisions", 1000)
    1000.0
    """
    number = _number(value)
    if number is None or not number >= 0:
        raise ValueError(f"The {what} is {value!r}; it must be a finite number, 0 or more.")
    return number


def positive(what: str, value: object) -> float:
    """`value` as a finite float above 0.

    Raises:
        ValueError: it is no number, not finite, 0 or below.

    >>> positive("virtual successes", 0.5)
    0.5
    """
    number = _number(value)
    if number is None or not number > 0:
        raise ValueError(f"The {what} is {value!r}; it must be a finite number above 0.")
    return number


def _number(value: object) -> float | None:
    """A finite float, or None for whatever else; a bool is a mistake here, never a 0 or a 1."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):  # a whole number beyond the largest float, a signalling NaN
        return None
    return number if math.isfinite(number) else None
