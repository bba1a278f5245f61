"""Pictures of studies: phase diagrams with theory's line, lines with their spread, reliability. Server-drawn SVG, no scripts.

Every picture is drawn for the width that it is given. Colours are classes of `assent.report.palette` and of `STYLE`; no meaning hangs
on a hue alone: areas have names on them, lines have dashes and names, undecided cells are hatched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from assent.report.palette import LEVELS
from assent.report.svg import (
    DASHES,
    Child,
    Number,
    document,
    fit,
    group,
    hatch,
    label,
    legend,
    line,
    number,
    path,
    rect,
    tag,
    text_width,
    ticks,
)

KEEPS, DISABLES, INDIFFERENT, UNDECIDED = 0, 1, 2, 3
"""Phases of a cell: the overseer is kept; it is disabled; both are worth the same; the planner could not tell."""

PHASES = ("keeps the overseer", "disables it", "indifferent", "undecided")
_PHASE_CLASS = ("ph keeps", "ph disables", "ph indifferent", "ph undecided")
_FONT = 12
_TITLE = 16
_LINE = ("theory", "theory two", "theory three")

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
.frame{fill:none;stroke:var(--other);stroke-width:1}
.spread{opacity:.16;stroke:none}
.whisker{fill:none;stroke-width:1.4}
.spread.s0,.dot.s0{fill:var(--s0)}.spread.s1,.dot.s1{fill:var(--s1)}.spread.s2,.dot.s2{fill:var(--s2)}
.spread.s3,.dot.s3{fill:var(--s3)}.spread.s4,.dot.s4{fill:var(--s4)}.spread.s5,.dot.s5{fill:var(--s5)}
.whisker.s0{stroke:var(--s0)}.whisker.s1{stroke:var(--s1)}.whisker.s2{stroke:var(--s2)}
.whisker.s3{stroke:var(--s3)}.whisker.s4{stroke:var(--s4)}.whisker.s5{stroke:var(--s5)}
"""


@dataclass(frozen=True)
class Axis:
    """One axis: what is measured with its unit, from where to where, linear or logarithmic.

    Raises:
        ValueError: an empty or reversed range, or a logarithmic one that does not lie above 0.
    """

    title: str
    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"{self.title}: no axis runs from {self.low} to {self.high}{' in logarithms' * self.log}.")

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

    def ticks(self, about: int) -> list[float]:
        """Round values on the axis."""
        if not self.log:
            return [float(value) for value in ticks(self.low, self.high, about=about)]
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [m * 10.0**power for power in range(first, last + 1) for m in steps]
            found = [value for value in found if self.low * 0.999 <= value <= self.high * 1.001]
            if len(found) <= about + 2:
                return found
        return found


@dataclass(frozen=True)
class Line:
    """A line on a diagram: its name, and its points in data units; None lifts the pen."""

    name: str
    points: tuple[tuple[float, float] | None, ...]


@dataclass(frozen=True)
class Series:
    """A measured line: its name, places, values, and the ends of an interval around each."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    band: bool = True


@dataclass(frozen=True)
class _Box:
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
        slack = 1e-9
        in_x = self.x_axis.low * (1 - slack) - slack <= x <= self.x_axis.high * (1 + slack) + slack
        return in_x and self.y_axis.low * (1 - slack) - slack <= y <= self.y_axis.high * (1 + slack) + slack

    def axes(self, *, grid: bool) -> Markup:
        about = 6 if self.right - self.left > 400 else 4
        at_x, above = (self.left, self.right - self.left) if self.right > 600 else (0.0, self.right)
        said = _split(self.y_axis.title, above, _FONT)
        parts: list[Child] = [
            label(text, at_x, self.top - 12 - 14 * (len(said) - 1 - number_), class_="unit")
            for number_, text in enumerate(said)
        ]
        for value in self.y_axis.ticks(6):
            at = self.y(value)
            parts.append(
                line(self.left if grid else self.left - 4, at, self.right if grid else self.left, at, class_="grid")
            )
            parts.append(label(short(value), self.left - 8, at + 4, anchor="end"))
        for value in self.x_axis.ticks(about):
            at = self.x(value)
            parts.append(line(at, self.bottom, at, self.bottom + 4, class_="axis"))
            parts.append(label(short(value), at, self.bottom + 18, anchor="middle"))
        parts.append(line(self.left, self.bottom, self.right, self.bottom, class_="axis"))
        for number_, text in enumerate(_split(self.x_axis.title, self.right, _FONT)):
            parts.append(label(text, self.right, self.bottom + 37 + 14 * number_, class_="unit", anchor="end"))
        return group(parts)

    def track(self, points: Sequence[tuple[float, float] | None]) -> list[tuple[Number, Number] | None]:
        """Places of points; the pen is lifted outside of the frame."""
        return [None if p is None or not self.inside(*p) else (self.x(p[0]), self.y(p[1])) for p in points]


def short(value: float) -> str:
    """A tick's number with as many digits as it needs.

    >>> short(0.05), short(20.0), short(0.30000000000000004), short(1e-6)
    ('0.05', '20', '0.3', '1e-6')
    """
    if value != 0 and abs(value) < 1e-3:
        power = math.floor(math.log10(abs(value)) + 1e-9)
        return f"{round(value / 10.0**power, 2):g}e{power}"
    return f"{round(value, 6):,g}" if abs(value) < 1e6 else f"{value:.0e}"


def phase_diagram(
    *,
    width: float,
    name: str,
    title: str,
    desc: str,
    x: Axis,
    y: Axis,
    phases: np.ndarray,
    lines: Sequence[Line] = (),
    names: Sequence[str] = PHASES,
) -> Markup:
    """An image of phases [Y, X] (integers, the first row at the low end of y) with theory's lines over it.

    Args:
        names: what the four phases are called; those of the overseer where left out.
    """
    rows, columns = phases.shape
    present = [phase for phase in range(4) if (phases == phase).any()]
    swatches = [(_swatch(phase, f"{name}-hatch"), names[phase]) for phase in present]
    box, key, bottom = _layout(title, width, x, y, swatches, lines)
    parts: list[Child] = [hatch(f"{name}-hatch", class_="undecided-hatch"), key]
    for phase in present:
        areas = _areas(box, phases == phase)
        if phase == UNDECIDED:
            parts.append(tag("path", class_="ph undecided-ground", d=areas))
            parts.append(tag("path", d=areas, fill=f"url(#{name}-hatch)"))
        else:
            parts.append(tag("path", class_=_PHASE_CLASS[phase], d=areas, shape_rendering="crispEdges"))
    parts += [box.axes(grid=False), _lines(box, lines), _frame_of(box)]
    parts += [_area_name(box, phases == phase, names[phase]) for phase in present]
    counts = ", ".join(f"{names[phase]} in {(phases == phase).sum()} of {rows * columns} cells" for phase in present)
    return document(name, *parts, width=width, height=bottom, title=title, desc=f"{desc} {counts}.")


def share_diagram(
    *,
    width: float,
    name: str,
    title: str,
    desc: str,
    x: Axis,
    y: Axis,
    shares: np.ndarray,
    unit: str,
    lines: Sequence[Line] = (),
) -> Markup:
    """An image of shares in [0, 1], [Y, X], in eleven shades, with theory's lines over it."""
    ramp = group([rect(2 * level, -5, 2.2, 10, class_=f"h{level}") for level in range(LEVELS)])
    box, key, bottom = _layout(title, width, x, y, [(ramp, f"{unit}: 0 to 1")], lines)
    level = np.clip(np.rint(shares * (LEVELS - 1)), 0, LEVELS - 1).astype(int)
    shades = [number_ for number_ in range(LEVELS) if (level == number_).any()]
    parts: list[Child] = [key]
    parts += [tag("path", class_=f"h{n}", d=_areas(box, level == n), shape_rendering="crispEdges") for n in shades]
    parts += [box.axes(grid=False), _lines(box, lines), _frame_of(box)]
    said = f"{desc} Shares from {shares.min():.3f} to {shares.max():.3f}, on average {shares.mean():.3f}."
    return document(name, *parts, width=width, height=bottom, title=title, desc=said)


def line_chart(
    *,
    width: float,
    name: str,
    title: str,
    desc: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    lines: Sequence[Line] = (),
) -> Markup:
    """Measured series with their intervals (bands, or whiskers around points), and theory's lines in ink."""
    swatches = [(_series_swatch(number_, item), item.name) for number_, item in enumerate(series)]
    box, key, bottom = _layout(title, width, x, y, swatches, lines, height=280.0)
    parts: list[Child] = [key, box.axes(grid=True)]
    for number_, item in enumerate(series):
        parts.append(_interval(box, item, f"s{number_ % 6}"))
    parts.append(_lines(box, lines))
    for number_, item in enumerate(series):
        points = box.track(list(zip(item.x, item.y, strict=True)))
        if item.band:
            parts.append(path(points, class_=f"line s{number_ % 6}", dash=DASHES[number_ % 6]))
        else:
            parts += [tag("circle", class_=f"dot s{number_ % 6}", cx=p[0], cy=p[1], r=3.6) for p in points if p]
    last = "; ".join(f"{item.name} ends at {item.y[-1]:.4g}" for item in series if item.y)
    return document(name, *parts, width=width, height=bottom, title=title, desc=f"{desc} {last}.")


def bar_chart(
    *,
    width: float,
    name: str,
    title: str,
    desc: str,
    unit: str,
    bars: Sequence[tuple[str, float, float, float, str]],
    high: float = 1.0,
    form: Callable[[float], str] = lambda value: f"{value:.3f}",
) -> Markup:
    """Named bars from 0 to `high`: name, value, ends of its interval, and a class (`keeps`, `disables`, `indifferent`)."""
    wide = width >= 600
    names = min(max([60.0, *(text_width(bar[0], 13) for bar in bars)]), 330.0) if wide else width
    left = names + 14 if wide else 0.0
    room = width - left - 84
    head, first = _headed(title, width)
    pitch, top = (30.0 if wide else 48.0), first + 34
    parts: list[Child] = [head, label(unit, left, first + 14, class_="unit")]
    for place, (words, value, low, top_end, class_) in enumerate(bars):
        y = top + place * pitch
        base = y + 6 if wide else y + 22
        parts.append(label(fit(words, names, 13), 0, base + 4 if wide else y + 6, class_="name"))
        length = room * min(value / high, 1.0)
        parts.append(rect(left, base - 9, max(length, 1.5), 18, class_=f"ph {class_}"))
        if top_end > low:
            start, end = left + room * min(low / high, 1.0), left + room * min(top_end / high, 1.0)
            parts.append(line(start, base, end, base, class_="axis"))
            parts += [line(at, base - 4, at, base + 4, class_="axis") for at in (start, end)]
        parts.append(
            label(form(value), left + max(length, room * min(top_end / high, 1.0)) + 8, base + 4, class_="value")
        )
    said = ", ".join(f"{bar[0]}: {form(bar[1])}" for bar in bars)
    return document(name, *parts, width=width, height=top + len(bars) * pitch + 4, title=title, desc=f"{desc} {said}.")


def reliability_diagram(
    *, width: float, name: str, title: str, desc: str, bins: Sequence[tuple[float, float, float, float, int]]
) -> Markup:
    """How often things happened against the probability given to them: mean, frequency, interval and count of each bin."""
    axis_x = Axis("probability that the belief gave", 0.0, 1.0)
    axis_y = Axis("how often it was so (share of cases)", 0.0, 1.0)
    swatches = [
        (tag("circle", class_="dot s0", cx=10, cy=0, r=3.6), "a bin of forecasts, with its 95 % Wilson interval")
    ]
    perfect = Line("perfect: happens as often as said", ((0.0, 0.0), (1.0, 1.0)))
    box, key, bottom = _layout(title, width, axis_x, axis_y, swatches, [perfect], height=min(width - 60, 400.0))
    parts: list[Child] = [key, box.axes(grid=True), _lines(box, [perfect])]
    for mean, frequency, low, high, count in bins:
        at = box.x(mean)
        parts.append(line(at, box.y(low), at, box.y(high), class_="whisker s0"))
        parts.append(tag("circle", tag("title", f"{count} cases"), class_="dot s0", cx=at, cy=box.y(frequency), r=3.6))
    worst = max((abs(item[0] - item[1]) for item in bins), default=0.0)
    return document(
        name,
        *parts,
        width=width,
        height=bottom,
        title=title,
        desc=f"{desc} Farthest bin from the diagonal: {worst:.4f}.",
    )


def _layout(
    title: str,
    width: float,
    x: Axis,
    y: Axis,
    swatches: Sequence[tuple[Markup, str]],
    lines: Sequence[Line],
    *,
    height: float | None = None,
) -> tuple[_Box, Markup, float]:
    """The title, the legend below it, the plot area below that, and the height of it all."""
    head, top = _headed(title, width)
    left, right = 58.0, width - 12
    keys = [*swatches, *((_line_swatch(number_), item.name) for number_, item in enumerate(lines))]
    at = left if width >= 600 else 0.0
    key, used = legend(keys, x=at, y=top + 10, width=width - at, size=_FONT)
    tall = height if height is not None else min(right - left, 440.0)
    above = 22 + 14 * len(_split(y.title, right - left if right > 600 else right, _FONT))
    below = 32 + 14 * len(_split(x.title, right, _FONT))
    box = _Box(left, top + used + above, right, top + used + above + tall, x, y)
    return box, group([head, key]), box.bottom + below


def _headed(title: str, width: float) -> tuple[Markup, float]:
    """The title over as many lines as it needs, and where they end."""
    lines = _split(title, width, _TITLE)
    parts = [label(text, 0, 16 + 21 * number_, class_="title", size=_TITLE) for number_, text in enumerate(lines)]
    return group(parts), 21.0 * len(lines) + 10


def _split(text: str, width: float, size: float) -> list[str]:
    """The text in as many lines as it needs; bold, so a little wider than the estimate."""
    width, lines = width / 1.15, [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _areas(box: _Box, mask: np.ndarray) -> str:
    """The cells of a mask [Y, X] as one path; neighbours in a row are one rectangle."""
    rows, columns = mask.shape
    wide, tall = (box.right - box.left) / columns, (box.bottom - box.top) / rows
    parts: list[str] = []
    for row in range(rows):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mask[row].astype(int), [0]])))
        top, bottom = number(box.bottom - (row + 1) * tall), number(box.bottom - row * tall)
        for start, end in edges.reshape(-1, 2):
            first, last = number(box.left + float(start) * wide), number(box.left + float(end) * wide)
            parts.append(f"M{first} {top}H{last}V{bottom}H{first}Z")
    return "".join(parts)


def _area_name(box: _Box, mask: np.ndarray, words: str) -> Markup:
    """The phase's name where it has most room: in the middle of its longest run of cells, if that holds the words."""
    rows, columns = mask.shape
    wide, tall = (box.right - box.left) / columns, (box.bottom - box.top) / rows
    best = (0.0, 0.0, 0.0)
    reach = rows // 16  # rows above and below that the words need
    for row in range(reach, rows - reach):
        run = mask[row - reach : row + reach + 1].all(axis=0)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], run.astype(int), [0]]))).reshape(-1, 2)
        for start, end in edges:
            # among runs that are long enough the one nearest to the middle of the area
            room = min(float(end - start) * wide, text_width(words, 14) + 40)
            near = 1 - abs(row + 0.5 - float(np.flatnonzero(mask.any(axis=1)).mean()) - 0.5) / rows
            if room + near > best[0]:
                best = (room + near, box.left + float(start + end) / 2 * wide, box.bottom - (row + 0.5) * tall)
    if best[0] < text_width(words, 14) + 8:
        return Markup("")
    half = text_width(words, 14) / 2 + 4
    at = min(max(best[1], box.left + half), box.right - half)
    return label(words, at, best[2] + 5, class_="phase-name", anchor="middle")


def _lines(box: _Box, lines: Sequence[Line]) -> Markup:
    parts: list[Child] = []
    for number_, item in enumerate(lines):
        points = box.track(item.points)
        parts.append(path(points, class_="halo"))
        parts.append(path(points, class_="theory", dash=DASHES[number_ % len(DASHES)]))
    return group(parts)


def _frame_of(box: _Box) -> Markup:
    return rect(box.left, box.top, box.right - box.left, box.bottom - box.top, class_="frame")


def _line_swatch(number_: int) -> Markup:
    return line(0, 0, 20, 0, class_="theory", dash=DASHES[number_ % len(DASHES)])


def _swatch(phase: int, pattern: str) -> Markup:
    if phase == UNDECIDED:
        return group(
            [
                rect(0, -5, 20, 10, class_="undecided-ground"),
                tag("rect", x=0, y=-5, width=20, height=10, fill=f"url(#{pattern})"),
            ]
        )
    return rect(0, -5, 20, 10, class_=_PHASE_CLASS[phase])


def _series_swatch(number_: int, item: Series) -> Markup:
    if item.band:
        return line(0, 0, 20, 0, class_=f"line s{number_ % 6}", dash=DASHES[number_ % 6])
    return tag("circle", class_=f"dot s{number_ % 6}", cx=10, cy=0, r=3.6)


def _interval(box: _Box, item: Series, class_: str) -> Markup:
    if not item.low:
        return Markup("")
    ends = list(zip(item.x, item.low, item.high, strict=True))
    if item.band:
        outline = [(box.x(at), box.y(high)) for at, _, high in ends] + [
            (box.x(at), box.y(low)) for at, low, _ in reversed(ends)
        ]
        return path(outline, class_=f"spread {class_}")
    return group(
        [line(box.x(at), box.y(low), box.x(at), box.y(high), class_=f"whisker {class_}") for at, low, high in ends]
    )
