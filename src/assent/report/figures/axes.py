"""What every picture has: a title, a legend, axes in units of the drawing, and theory's lines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from assent.report.svg import DASHES, Child, Number, group, label, legend, line, path, rect, text_width, ticks

FONT = 12
TITLE = 16

STYLE = """
.ph{stroke:none}
.keeps{fill:var(--act);fill-opacity:.34}
.disables{fill:var(--ask);fill-opacity:.62}
.indifferent{fill:var(--other);fill-opacity:.7}
.undecided-ground{fill:var(--rule)}
.undecided-hatch{stroke:var(--ink);stroke-width:1.2}
.title{font-size:16px;font-weight:650}
.phase-name{font-size:14px;font-weight:650;paint-order:stroke;stroke:var(--ground);stroke-width:4;stroke-linejoin:round}
.halo{fill:none;stroke:var(--ground);stroke-width:5.5;stroke-linejoin:round;opacity:.85}
.theory{fill:none;stroke:var(--ink);stroke-width:2.4;stroke-linejoin:round}
.theory.thin{stroke-width:1.3}
.line.broad{stroke-width:4}
.frame{fill:none;stroke:var(--other);stroke-width:1}
.spread{opacity:.16;stroke:none}
.whisker{fill:none;stroke-width:1.4}
.spread.s0,.dot.s0{fill:var(--s0)}.spread.s1,.dot.s1{fill:var(--s1)}.spread.s2,.dot.s2{fill:var(--s2)}
.spread.s3,.dot.s3{fill:var(--s3)}.spread.s4,.dot.s4{fill:var(--s4)}.spread.s5,.dot.s5{fill:var(--s5)}
.whisker.s0{stroke:var(--s0)}.whisker.s1{stroke:var(--s1)}.whisker.s2{stroke:var(--s2)}
.whisker.s3{stroke:var(--s3)}.whisker.s4{stroke:var(--s4)}.whisker.s5{stroke:var(--s5)}
"""


def short(value: float) -> str:
    """A tick's number with as many digits as it needs.

    >>> short(0.05), short(20.0), short(0.30000000000000004), short(1e-6), short(1.25e13)
    ('0.05', '20', '0.3', '1e-6', '1.25e13')
    """
    if value != 0 and abs(value) < 1e-3:
        power = math.floor(math.log10(abs(value)) + 1e-9)
        return f"{round(value / 10.0**power, 2):g}e{power}"
    return f"{round(value, 6):,g}" if abs(value) < 1e6 else f"{value:.4g}".replace("e+0", "e").replace("e+", "e")


@dataclass(frozen=True)
class Axis:
    """One axis: what is measured with its unit, from where to where, linear or logarithmic.

    Attributes:
        zero: of a logarithmic axis, whether its low end stands for 0, and says so; there is no other place for 0 on it.
        form: how the numbers at its ticks are written.

    Raises:
        ValueError: an empty or reversed range, or a logarithmic one that does not lie above 0.
    """

    title: str
    low: float
    high: float
    log: bool = False
    zero: bool = False
    form: Callable[[float], str] = field(default_factory=lambda: short)

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"{self.title}: no axis runs from {self.low} to {self.high}{' in logarithms' * self.log}.")
        if self.zero and not self.log:
            raise ValueError(f"{self.title}: zero=True is for logarithmic axes; let a linear one begin at 0.")

    def holds(self, value: float) -> bool:
        """Whether a value lies on the axis, but for rounding."""
        if self.log:
            least = 0.0 if self.zero else self.low * (1 - 1e-9)
            return least <= value <= self.high * (1 + 1e-9)
        slack = 1e-9 * (self.high - self.low)
        return self.low - slack <= value <= self.high + slack

    def part(self, value: float) -> float:
        """Where a value lies: 0 at the low end, 1 at the high one, held in between."""
        low, high, at = self.low, self.high, value
        if self.log:
            at = max(at, low)
            low, high, at = math.log(low), math.log(high), math.log(at)
        return min(max((at - low) / (high - low), 0.0), 1.0)

    def centres(self, count: int) -> np.ndarray:
        """[count]: the middles of so many equal cells along the axis."""
        parts = (np.arange(count) + 0.5) / count
        if self.log:
            return self.low * (self.high / self.low) ** parts
        return self.low + (self.high - self.low) * parts

    def ticks(self, about: int) -> list[tuple[float, str]]:
        """Round values on the axis, and how they are written."""
        if not self.zero:
            return [(value, self.form(value)) for value in self._round(about)]
        above = [(value, self.form(value)) for value in self._round(about) if value > 1.3 * self.low]
        return [(self.low, "0"), *above]

    def _round(self, about: int) -> list[float]:
        if not self.log:
            return [float(value) for value in ticks(self.low, self.high, about=about)]
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [m * 10.0**power for power in range(first, last + 1) for m in steps]
            found = [value for value in found if self.low * 0.999 <= value <= self.high * 1.001]
            if len(found) <= about + 2:
                break
        if len(found) < 2:  # less than a power of ten: even steps are as good
            return [float(value) for value in ticks(self.low, self.high, about=about)]
        return found


@dataclass(frozen=True)
class Line:
    """A line on a diagram: its name, and its points in data units; None lifts the pen."""

    name: str
    points: tuple[tuple[float, float] | None, ...]


@dataclass(frozen=True)
class Box:
    """The plot area, with its axes."""

    left: float
    top: float
    right: float
    bottom: float
    x_axis: Axis
    y_axis: Axis

    def x(self, value: float) -> float:
        return self.left + self.x_axis.part(value) * (self.right - self.left)

    def y(self, value: float) -> float:
        return self.bottom - self.y_axis.part(value) * (self.bottom - self.top)

    def inside(self, x: float, y: float) -> bool:
        """Whether a point in data units lies in the plot area."""
        return self.x_axis.holds(x) and self.y_axis.holds(y)

    def axes(self, *, grid: bool) -> Markup:
        about = 6 if self.right - self.left > 400 else 4
        at_x, above = (self.left, self.right - self.left) if self.right > 600 else (0.0, self.right)
        said = split_words(self.y_axis.title, above, FONT)
        parts: list[Child] = [
            label(text, at_x, self.top - 12 - 14 * (len(said) - 1 - number_), class_="unit")
            for number_, text in enumerate(said)
            if text
        ]
        rows = [(self.y(value), words) for value, words in self.y_axis.ticks(6)]
        said_rows = _legible([at for at, _ in rows], [FONT + 1.0 for _ in rows], gap=0.0)
        for place, (at, words) in enumerate(rows):
            parts.append(
                line(self.left if grid else self.left - 4, at, self.right if grid else self.left, at, class_="grid")
            )
            if place in said_rows:
                parts.append(label(words, self.left - 8, at + 4, anchor="end"))
        columns = [(self.x(value), words) for value, words in self.x_axis.ticks(about)]
        said_columns = _legible([at for at, _ in columns], [text_width(words, FONT) for _, words in columns], gap=4.0)
        for place, (at, words) in enumerate(columns):
            parts.append(line(at, self.bottom, at, self.bottom + 4, class_="axis"))
            if place in said_columns:
                parts.append(label(words, at, self.bottom + 18, anchor="middle"))
        parts.append(line(self.left, self.bottom, self.right, self.bottom, class_="axis"))
        for number_, text in enumerate(split_words(self.x_axis.title, self.right, FONT)):
            parts.append(label(text, self.right, self.bottom + 37 + 14 * number_, class_="unit", anchor="end"))
        return group(parts)

    def track(self, points: Sequence[tuple[float, float] | None]) -> list[tuple[Number, Number] | None]:
        """Places of points; the pen is lifted outside of the frame."""
        return [None if p is None or not self.inside(*p) else (self.x(p[0]), self.y(p[1])) for p in points]


def layout(
    title: str,
    width: float,
    x: Axis,
    y: Axis,
    swatches: Sequence[tuple[Markup, str]],
    lines: Sequence[Line],
    *,
    height: float | None = None,
    beside: float = 12.0,
    over: float = 0.0,
) -> tuple[Box, Markup, float]:
    """The title, the legend below it, the plot area below that, and the height of it all.

    Args:
        beside: room at the right of the plot area.
        over: more room above the plot area, for what the caller draws there.
    """
    head, top = headed(title, width)
    left, right = 58.0, width - beside
    keys = [*swatches, *((line_swatch(number_), item.name) for number_, item in enumerate(lines))]
    at = left if width >= 600 else 0.0
    key, used = legend(keys, x=at, y=top + 10, width=width - at, size=FONT) if keys else (Markup(""), 0.0)
    tall = height if height is not None else min(right - left, 440.0)
    above = over + 22 + 14 * len(split_words(y.title, right - left if right > 600 else right, FONT))
    below = 32 + 14 * len(split_words(x.title, right, FONT))
    box = Box(left, top + used + above, right, top + used + above + tall, x, y)
    return box, group([head, key]), box.bottom + below


def headed(title: str, width: float) -> tuple[Markup, float]:
    """The title over as many lines as it needs, and where they end."""
    lines = split_words(title, width, TITLE)
    parts = [label(text, 0, 16 + 21 * number_, class_="title", size=TITLE) for number_, text in enumerate(lines)]
    return group(parts), 21.0 * len(lines) + 10


def split_words(text: str, width: float, size: float) -> list[str]:
    """The text in as many lines as it needs; bold, so a little wider than the estimate."""
    width, lines = width / 1.15, [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _legible(places: Sequence[float], extents: Sequence[float], *, gap: float) -> range:
    """Which ticks get their label: every one, or every second, third … so that no two labels touch."""
    for stride in range(1, len(places)):
        kept = range(0, len(places), stride)
        pairs = list(itertools.pairwise(kept))
        if all(abs(places[b] - places[a]) >= (extents[a] + extents[b]) / 2 + gap for a, b in pairs):
            return kept
    return range(0, len(places), max(len(places), 1))


def theory_lines(box: Box, lines: Sequence[Line], *, class_: str = "theory", halo: bool = True) -> Markup:
    """Lines in ink, each with dashes of its own, with a halo that keeps them apart from areas that they cross; draw them last."""
    parts: list[Child] = []
    for number_, item in enumerate(lines):
        points = box.track(item.points)
        if halo:
            parts.append(path(points, class_="halo"))
        parts.append(path(points, class_=class_, dash=DASHES[number_ % len(DASHES)]))
    return group(parts)


def frame_of(box: Box) -> Markup:
    """The edge of the plot area."""
    return rect(box.left, box.top, box.right - box.left, box.bottom - box.top, class_="frame")


def line_swatch(number_: int) -> Markup:
    """What the legend shows for one of theory's lines."""
    return line(0, 0, 20, 0, class_="theory", dash=DASHES[number_ % len(DASHES)])
