"""Numbers as people write them: 1/300, 4.3 %, 0.5; kept as fractions, so that an answer that is rational can be shown as one."""

from __future__ import annotations

import math
import re
from fractions import Fraction

Numeric = int | float | Fraction | str
"""What a person may give for a number. A text may be a fraction ("1/300") or a percentage ("4.3 %")."""

_WHOLE = r"(?:[1-9]\d{0,2}(?:,\d{3})+|\d+(?:_\d+)*)"  # a comma parts thousands, so that 0,5 is not taken for 5
_NUMBER = rf"[+-]?(?:{_WHOLE}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{{1,3}})?"
_TEXT = re.compile(rf"\s*({_NUMBER})\s*(?:/\s*({_NUMBER}))?\s*(%?)\s*")
MOST_DIGITS = 15
"""A fraction with a longer numerator or denominator tells a reader nothing, and is not shown."""

LEAST, MOST = Fraction(1, 10**100), Fraction(10**100)
"""Sizes of what is computed with, other than 0."""

_BITS = 330
"""A quotient of numbers whose lengths differ by less lies between those."""

MOST_CHARACTERS = 400
"""A longer text is taken for a mistake: no float needs as many."""


def rational(what: str, value: Numeric) -> Fraction:
    """`value` as the fraction that was meant; a float as the shortest decimal that is this float.

    Args:
        what: names the number in the error.
        value: a finite number, or a text like `1/300`, `0.5`, `1e-3`, `4.3 %`, `12,400`.

    Raises:
        ValueError: it is no number, not finite, or neither 0 nor between 1e-100 and 1e100 in size.

    >>> rational("rate", "1/300"), rational("rate", 0.1), rational("growth", "4.3 %")
    (Fraction(1, 300), Fraction(1, 10), Fraction(43, 1000))
    """
    if isinstance(value, bool):
        raise ValueError(f"The {what} is {value!r}; it must be a number such as 0.5 or 1/300.")
    if isinstance(value, (int, Fraction)):
        return _held(what, Fraction(value))
    if isinstance(value, str):
        return _held(what, _read(what, value))
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The {what} is {value!r}; it must be a number such as 0.5 or 1/300.") from error
    if not math.isfinite(number):
        raise ValueError(f"The {what} is {number}; it must be finite.")
    return _held(what, Fraction(repr(number)))


def _held(what: str, number: Fraction) -> Fraction:
    """The number, if products and squares of such numbers cannot silently become 0 or infinite."""
    power = number.numerator.bit_length() - number.denominator.bit_length()
    if abs(power) > _BITS and number != 0 and not LEAST <= abs(number) <= MOST:
        raise ValueError(f"The {what} is {_sized(number)}; give 0, or a number between 1e-100 and 1e100 in size.")
    return number


def _sized(number: Fraction) -> str:
    power = len(str(abs(number.numerator))) - len(str(number.denominator))
    return f"{'minus ' if number < 0 else ''}some 1e{power:+d}"


def _read(what: str, text: str) -> Fraction:
    if len(text) > MOST_CHARACTERS:
        raise ValueError(
            f"The {what} has {len(text):,} characters, {text[:20]}…; give a number of at most {MOST_CHARACTERS}."
        )
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"The {what} is {text!r}; it must be a number such as 0.5, 1/300 or 4.3 %.")
    above, below, percent = found.groups()
    number = Fraction(_plain(above))
    if below is not None:
        divisor = Fraction(_plain(below))
        if divisor == 0:
            raise ValueError(f"The {what} is {text!r}, which divides by zero; give a number such as 1/300.")
        number /= divisor
    return number / 100 if percent else number


def _plain(digits: str) -> str:
    return digits.replace(",", "").replace("_", "").rstrip(".") or "0"


def written(value: Fraction) -> str | None:
    """A fraction as a reader wants it, `16/379`; None where it is too long to say anything.

    >>> written(Fraction(16, 379)), written(Fraction(3, 1))
    ('16/379', '3')
    """
    if max(abs(value.numerator), value.denominator) >= 10**MOST_DIGITS:
        return None
    above, below = str(value.numerator), str(value.denominator)
    return above if below == "1" else f"{above}/{below}"


def short(value: float) -> str:
    """A number for reading, at most six digits: `1,264.28`, `0.0425`, `1e-12`.

    >>> short(1264.2782), short(16.0), short(1e-12)
    ('1,264.28', '16', '1e-12')
    """
    return f"{value:,.6g}" if abs(value) < 1e6 and "e" not in f"{value:.6g}" else f"{value:.6g}"


def percent(value: float) -> str:
    """A probability in percent at two significant digits, more where it is close to 1.

    >>> percent(0.0422164), percent(0.75), percent(0.99987), percent(0.0), percent(1.3e-9)
    ('4.2 %', '75 %', '99.987 %', '0 %', '1.3e-07 %')
    """
    if value == 0:
        return "0 %"
    if value < 0.995:
        return f"{100 * value:.2g} %"
    if value > 0.9999:
        return "100 %" if value == 1 else "over 99.99 %"
    digits = math.ceil(-math.log10(1 - value)) - 1
    return f"{100 * value:.{digits}f} %"
