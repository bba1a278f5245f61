"""What the two judgements behind a forecast do to it: first-trial probability across, virtual successes down, a number in each cell."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from assent.forecast.exact import Numeric, rational, short
from assent.forecast.kinds import calendar
from assent.report.figures.axes import FONT, headed
from assent.report.forecasts.parts import said_percent, sentence, two_digits, year
from assent.report.palette import LEVELS
from assent.report.svg import Child, document, group, label, legend, rect, tag, text_width

FIRST_TRIAL = ("1/50", "1/100", "1/200", "1/300", "1/500", "1/1000", "1/2000", "1/3000")
VIRTUAL_SUCCESSES = ("0.1", "0.25", "0.5", "1", "2", "4", "10")

_SIDE = 42.0


def heat_map(
    *,
    none_by: Numeric,
    by: Numeric,
    width: float,
    name: str,
    start: Numeric = 1956,
    columns: Sequence[str] = FIRST_TRIAL,
    rows: Sequence[str] = VIRTUAL_SUCCESSES,
    title: str | None = None,
) -> Markup:
    """The probability by `by`, given none by `none_by`, where every year since `start` is a trial, for each pair of the two inputs.

    Args:
        columns: first-trial probabilities.
        rows: virtual successes.

    Raises:
        ValueError: as `Model.predict`, or a pair that is no belief.
    """
    values = np.asarray(
        [[_answer(ftp, successes, start, none_by, by) for ftp in columns] for successes in rows], np.float64
    )
    until, since = (year(float(rational("date", one))) for one in (by, none_by))
    said = title or f"Probability by {until}, given none by {since}, for each pair of inputs"
    return cells(values, columns=columns, rows=rows, width=width, name=name, title=said)


def cells(
    values: NDArray[np.float64], *, columns: Sequence[str], rows: Sequence[str], width: float, name: str, title: str
) -> Markup:
    """The picture of such probabilities, [rows, columns] in [0, 1]; what is not finite is an empty cell with a question mark."""
    known = values[np.isfinite(values)]
    if not known.size:
        return sentence(
            "No probability could be computed, so there are no cells to draw.", width=width, name=name, title=title
        )
    head, first = headed(title, width)
    key, used = legend([(_ramp(), _shades(known))], x=0, y=first + 10, width=width, size=FONT)
    left = _SIDE if width < 600 else 58.0
    wide, tall = (width - left) / len(columns), 30.0 if width >= 600 else 28.0
    top = first + used + 46
    parts: list[Child] = [head, key, label("first-trial probability", left, top - 24, class_="unit")]
    small = any(text_width(words, FONT) > wide - 5 for words in columns)
    parts += [
        label(words, left + wide * (place + 0.5), top - 7, anchor="middle", class_="small" if small else "tick")
        for place, words in enumerate(columns)
    ]
    for place, words in enumerate(rows):
        parts.append(label(words, left - 8, top + tall * (place + 0.5) + 4, anchor="end"))
    for row, column in np.ndindex(*values.shape):
        value = float(values[row, column])
        parts.append(_cell(value, left + wide * column, top + tall * row, wide, tall, level=_level(value, known)))
    bottom = top + tall * len(rows)
    parts.append(label("rows: virtual successes (how firmly it is believed)", 0, bottom + 20, class_="unit"))
    return document(
        name, *parts, width=width, height=bottom + 30, title=title, desc=_said(values, known, columns, rows)
    )


def _answer(ftp: Numeric, successes: Numeric, start: Numeric, none_by: Numeric, by: Numeric) -> float:
    return calendar(ftp=ftp, virtual_successes=successes, start=start).predict(by, none_by=none_by).probability


def _cell(value: float, x: float, y: float, wide: float, tall: float, *, level: int) -> Markup:
    if not math.isfinite(value):
        words, ground, ink = "?", "outline", "tick"
    else:
        words, ground, ink = two_digits(value), f"h{level}", f"cell t{level}"
    inside = tag("title", said_percent(value))
    return group(
        [
            rect(x + 1, y + 1, wide - 2, tall - 2, inside, class_=ground),
            label(words, x + wide / 2, y + tall / 2 + 4, class_=ink, anchor="middle"),
        ]
    )


def _level(value: float, known: NDArray[np.float64]) -> int:
    """The shade of a value, from the least to the greatest by their logarithms: from 0 up to `LEVELS - 1`."""
    above = known[known > 0]
    if not above.size or not math.isfinite(value) or value <= 0:
        return 0
    low, high = math.log(float(above.min())), math.log(float(above.max()))
    return round((LEVELS - 1) * (math.log(value) - low) / (high - low)) if high > low else 0


def _ramp() -> Markup:
    return group([rect(2 * level, -5, 2.2, 10, class_=f"h{level}") for level in range(LEVELS)])


def _shades(known: NDArray[np.float64]) -> str:
    return f"percent, from {two_digits(float(known.min()))} to {two_digits(float(known.max()))} (shades by logarithm)"


def _said(values: NDArray[np.float64], known: NDArray[np.float64], columns: Sequence[str], rows: Sequence[str]) -> str:
    lines = [
        f"with {successes} virtual successes {', '.join(said_percent(float(value)) for value in line)}"
        for successes, line in zip(rows, values, strict=True)
    ]
    span = f"{said_percent(float(known.min()))} to {said_percent(float(known.max()))}"
    return (
        f"{span} in {short(known.size)} cells. For first-trial probabilities {', '.join(columns)}: {'; '.join(lines)}."
    )
