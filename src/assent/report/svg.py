"""Draws SVG on the server: escaped elements, a plot frame with axes, and marks. No scripts, no fonts, no addresses.

Colours are CSS classes (see `palette`), so one drawing serves light, dark and print. Same input, same bytes.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from .text import clean

Child = str | Markup | None
Number = int | float  # spelled out: the tests check types at run time, where an int is no float
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "12 4", "1 2", "6 2 1 2 1 2")


def number(value: Number) -> str:
    """A coordinate at two decimals without trailing zeros.

    >>> number(3.0), number(-0.001), number(2.345)
    ('3', '0', '2.35')
    """
    if not math.isfinite(value):
        raise ValueError(f"An SVG coordinate must be finite, but it is {value}. Leave a gap for missing values.")
    fixed = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if fixed in ("-0", "") else fixed


def tag(name: str, *children: Child, **attributes: str | Number | None) -> Markup:
    """One element. Strings are cleaned and escaped, `Markup` goes in as it is; `class_` and `stroke_width` lose their
    underscores, None attributes are left out.

    >>> tag("text", "<b>", class_="note", x=1.5)
    Markup('<text class="note" x="1.5">&lt;b&gt;</text>')
    """
    pairs: list[str] = []
    for key, value in attributes.items():
        if value is None:
            continue
        shown = number(value) if isinstance(value, (int, float)) else str(escape(clean(value, limit=1 << 20)))
        pairs.append(f' {key.rstrip("_").replace("_", "-")}="{shown}"')
    inside = "".join(c if isinstance(c, Markup) else str(escape(clean(c))) for c in children if c is not None)
    return Markup(f"<{name}{''.join(pairs)}>{inside}</{name}>" if inside else f"<{name}{''.join(pairs)}/>")


def group(children: Iterable[Child], **attributes: str | Number | None) -> Markup:
    """A `<g>` around the children."""
    return tag("g", *children, **attributes)


def document(name: str, *children: Child, width: Number, height: Number, title: str, desc: str) -> Markup:
    """A whole drawing that scales with its box; `title` names it and `desc` says in words what it shows."""
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", tag_text(desc, limit=2000), id=f"{name}-desc"),
        *children,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
    )


def tag_text(value: str, *, limit: int) -> Markup:
    """Cleaned and escaped text with a limit of its own."""
    return escape(clean(value, limit=limit))


def label(
    value: str, x: Number, y: Number, *, class_: str = "tick", anchor: str | None = None, size: Number | None = None
) -> Markup:
    """Text at a point; `anchor` is `middle` or `end`."""
    return tag("text", value, class_=class_, x=x, y=y, text_anchor=anchor, font_size=size)


def text_width(value: str, size: Number) -> Number:
    """Estimated width in units of the drawing, a little generous because the reader's font is not known."""
    ems = sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.36 if c in " .,:;'|ijlt" else 0.6 for c in value)
    return ems * size


def fit(value: str, width: Number, size: Number) -> str:
    """The text, or its start with an ellipsis, so that it fits `width`."""
    value = clean(value)
    if text_width(value, size) <= width:
        return value
    while value and text_width(value + "…", size) > width:
        value = value[:-1]
    return value.rstrip() + "…"


def ticks(low: Number, high: Number, *, about: int = 5, whole: bool = False) -> list[Number]:
    """Round values between `low` and `high`, both finite; whole numbers only if asked.

    >>> ticks(0, 1), ticks(0, 3, whole=True)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0, 1.0, 2.0, 3.0])
    """
    span = high - low
    if span <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next((m * power for m in (1, 2, 5) if span / (m * power) <= about), 10 * power)
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A plot area in drawing units, and the data ranges that fill it."""

    left: Number
    top: Number
    right: Number
    bottom: Number
    x_min: Number
    x_max: Number
    y_min: Number
    y_max: Number

    def x(self, value: Number) -> Number:
        """Horizontal place of a value, held inside the frame."""
        part = (value - self.x_min) / ((self.x_max - self.x_min) or 1.0)
        return self.left + min(max(part, 0.0), 1.0) * (self.right - self.left)

    def y(self, value: Number) -> Number:
        """Vertical place of a value, held inside the frame."""
        part = (value - self.y_min) / ((self.y_max - self.y_min) or 1.0)
        return self.bottom - min(max(part, 0.0), 1.0) * (self.bottom - self.top)

    def x_axis(self, values: Sequence[Number], *, title: str, whole: bool = True) -> Markup:
        """Base line, ticks and their labels, and what is measured, with its unit."""
        parts: list[Child] = [line(self.left, self.bottom, self.right, self.bottom, class_="axis")]
        for value in values:
            at = self.x(value)
            parts.append(line(at, self.bottom, at, self.bottom + 4, class_="axis"))
            parts.append(label(tick_text(value, whole=whole), at, self.bottom + 18, anchor="middle"))
        parts.append(label(title, self.right, self.bottom + 36, class_="unit", anchor="end"))
        return group(parts)

    def y_axis(self, values: Sequence[Number], *, title: str, whole: bool = False, above: Number = 12) -> Markup:
        """Grid lines with labels at the left, and `above` them what is measured, with its unit."""
        parts: list[Child] = [label(title, self.left, self.top - above, class_="unit")]
        for value in values:
            at = self.y(value)
            parts.append(line(self.left, at, self.right, at, class_="grid"))
            parts.append(label(tick_text(value, whole=whole), self.left - 8, at + 4, anchor="end"))
        return group(parts)


def tick_text(value: Number, *, whole: bool) -> str:
    """A tick's label: thousands separated, or two decimals."""
    return f"{value:,.0f}" if whole else f"{value:.2f}"


def line(x1: Number, y1: Number, x2: Number, y2: Number, *, class_: str, dash: str | None = None) -> Markup:
    """A straight line."""
    return tag("line", class_=class_, x1=x1, y1=y1, x2=x2, y2=y2, stroke_dasharray=dash or None)


def rect(x: Number, y: Number, width: Number, height: Number, *children: Child, class_: str) -> Markup:
    """A rectangle."""
    return tag("rect", *children, class_=class_, x=x, y=y, width=max(width, 0.0), height=max(height, 0.0))


def path(points: Sequence[tuple[Number, Number] | None], *, class_: str, dash: str = "", step: bool = False) -> Markup:
    """A line through points of the drawing; None lifts the pen; `step` keeps each value until the next point."""
    parts: list[str] = []
    last_y: str | None = None
    for point in points:
        if point is None:
            last_y = None
            continue
        x, y = number(point[0]), number(point[1])
        if last_y is None:
            parts.append(f"M{x} {y}")
        elif step:
            parts.append(f"H{x}" if y == last_y else f"H{x}V{y}")
        else:
            parts.append(f"L{x} {y}")
        last_y = y
    if not parts:
        return Markup("")
    return tag("path", class_=class_, d="".join(parts), stroke_dasharray=dash or None)


def bars(tops: Sequence[tuple[Number, Number]], base: Number, *, class_: str) -> Markup:
    """Thin upright strokes from `base` up to each (x, y), as one path."""
    strokes = "".join(f"M{number(x)} {number(base)}V{number(y)}" for x, y in tops)
    return tag("path", class_=class_, d=strokes) if strokes else Markup("")


def cross(x: Number, y: Number, size: Number, *, class_: str) -> Markup:
    """A diagonal cross around a point."""
    near, far = number(-size), number(size)
    return tag("path", class_=class_, d=f"M{near} {near}L{far} {far}M{near} {far}L{far} {near}", transform=_at(x, y))


def diamond(x: Number, y: Number, size: Number, *, class_: str) -> Markup:
    """A filled diamond around a point."""
    s = number(size)
    return tag("path", class_=class_, d=f"M0 -{s}L{s} 0L0 {s}L-{s} 0Z", transform=_at(x, y))


def triangle(x: Number, y: Number, size: Number, *, class_: str) -> Markup:
    """A filled triangle whose tip touches the point from below."""
    s = number(size)
    return tag("path", class_=class_, d=f"M0 0L{s} {number(1.7 * size)}H-{s}Z", transform=_at(x, y))


def _at(x: Number, y: Number) -> str:
    return f"translate({number(x)} {number(y)})"


def hatch(name: str, *, class_: str) -> Markup:
    """A pattern of slanted strokes; fill a shape with `url(#name)` through `hatched`."""
    stroke = tag("path", class_=class_, d="M-1 1L1 -1M0 6L6 0M5 7L7 5")
    return tag("defs", tag("pattern", stroke, id=name, width=6, height=6, patternUnits="userSpaceOnUse"))


def hatched(name: str, x: Number, y: Number, width: Number, height: Number) -> Markup:
    """A rectangle filled with the pattern of that name in the same drawing."""
    return tag("rect", x=x, y=y, width=max(width, 0.0), height=max(height, 0.0), fill=f"url(#{name})")


def legend(
    entries: Sequence[tuple[Markup, str]], *, x: Number, y: Number, width: Number, size: Number
) -> tuple[Markup, Number]:
    """Swatches (20 by 10 units, origin at their middle left) with words, wrapped into rows; and the height used."""
    parts: list[Child] = []
    at_x, at_y = x, y
    for swatch, words in entries:
        need = 28 + text_width(words, size) + 18
        if at_x > x and at_x + need > x + width:
            at_x, at_y = x, at_y + size + 9
        parts.append(group([swatch], transform=f"translate({number(at_x)} {number(at_y)})"))
        parts.append(label(fit(words, width - 28, size), at_x + 28, at_y + size * 0.36, class_="key"))
        at_x += need
    return group(parts), at_y - y + size + 9
