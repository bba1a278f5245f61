"""Pictures of measured numbers: lines with their spread, bars, and reliability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assent.report.figures.axes import FONT, Axis, Box, Line, headed, layout, theory_lines
from assent.report.svg import DASHES, Child, document, fit, group, label, legend, line, path, rect, tag, text_width

COLOURS = 6
"""How many hues the palette has for series."""


@dataclass(frozen=True)
class Series:
    """A measured line: its name, places, values, and the ends of an interval around each."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    band: bool = True


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
    """Measured series with their intervals (bands, or whiskers around points), and theory's lines in thin ink over them.

    Raises:
        ValueError: more series than can be told apart: 8 lines by their dashes, 6 kinds of points by their colours.
    """
    _tell_apart(series)
    swatches = [(_series_swatch(number_, item), item.name) for number_, item in enumerate(series)]
    box, key, bottom = layout(title, width, x, y, swatches, lines, height=280.0)
    parts: list[Child] = [key, box.axes(grid=True)]
    parts += [_interval(box, item, _colour(number_)) for number_, item in enumerate(series)]
    for number_, item in enumerate(series):
        points = box.track(list(zip(item.x, item.y, strict=True)))
        if item.band:
            parts.append(path(points, class_=f"line broad {_colour(number_)}", dash=DASHES[number_]))
        else:
            parts += [tag("circle", class_=f"dot {_colour(number_)}", cx=p[0], cy=p[1], r=3.6) for p in points if p]
    parts.append(theory_lines(box, lines, class_="theory thin", halo=False))
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
    key: Sequence[tuple[str, str]] = (),
    theory: Sequence[float | None] = (),
) -> Markup:
    """Named bars from 0 to `high`, or to the greatest value if that is more.

    Args:
        bars: name, value, ends of its interval, and a class (`keeps`, `disables`, `indifferent`).
        key: what the colour of each class means, in the order of the legend.
        theory: what theory says of each bar, a mark in ink across it; None for no mark.

    Raises:
        ValueError: a key that leaves out a class, or another number of marks than of bars.
    """
    unnamed = {bar[4] for bar in bars} - {class_ for class_, _ in key}
    if (key and unnamed) or (theory and len(theory) != len(bars)):
        raise ValueError(
            f"{len(theory)} marks of theory for {len(bars)} bars; colours without a meaning: {sorted(unnamed)}."
        )
    high = max([high, *(max(bar[1], bar[3]) for bar in bars), *(mark for mark in theory if mark is not None)]) or 1.0
    wide = width >= 600
    names = min(max([60.0, *(text_width(bar[0], 13) for bar in bars)]), 400.0) if wide else width
    left = names + 14 if wide else 0.0
    room = width - left - 84
    head, first = headed(title, width)
    entries = [(rect(0, -5, 20, 10, class_=f"ph {class_}"), words) for class_, words in key]
    entries += [(_mark(10, 0, 7), "theory")] if theory else []
    swatches, used = legend(entries, x=0, y=first + 10, width=width, size=FONT) if entries else (Markup(""), 0.0)
    pitch, top = (30.0 if wide else 48.0), first + used + 34
    parts: list[Child] = [head, swatches, label(unit, left, first + used + 14, class_="unit")]
    for place, (words, value, low, top_end, class_) in enumerate(bars):
        y = top + place * pitch
        base = y + 6 if wide else y + 22
        parts.append(label(fit(words, names, 13), 0, base + 4 if wide else y + 6, class_="name"))
        parts.append(rect(left, base - 9, max(room * value / high, 1.5), 18, class_=f"ph {class_}"))
        ends = [left + room * end / high for end in (low, top_end)] if top_end > low else []
        if ends:
            parts.append(line(ends[0], base, ends[1], base, class_="axis"))
            parts += [line(at, base - 4, at, base + 4, class_="axis") for at in ends]
        mark = theory[place] if theory else None
        at = [] if mark is None else [left + room * mark / high]
        parts += [_mark(where, base) for where in at]
        after = max([left + max(room * value / high, 1.5), *ends, *at]) + 8
        parts.append(label(form(value), after, base + 4, class_="value"))
    said = ", ".join(f"{bar[0]}: {form(bar[1])}" for bar in bars)
    said += "".join(f"; theory for {bars[n][0]}: {form(mark)}" for n, mark in enumerate(theory) if mark is not None)
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
    box, key, bottom = layout(title, width, axis_x, axis_y, swatches, [perfect], height=min(width - 60, 400.0))
    parts: list[Child] = [key, box.axes(grid=True)]
    for mean, frequency, low, high, count in bins:
        at = box.x(mean)
        parts.append(line(at, box.y(low), at, box.y(high), class_="whisker s0"))
        parts.append(tag("circle", tag("title", f"{count} cases"), class_="dot s0", cx=at, cy=box.y(frequency), r=3.6))
    parts.append(theory_lines(box, [perfect], class_="theory thin", halo=False))
    worst = max((abs(item[0] - item[1]) for item in bins), default=0.0)
    return document(
        name,
        *parts,
        width=width,
        height=bottom,
        title=title,
        desc=f"{desc} Farthest bin from the diagonal: {worst:.4f}.",
    )


def _colour(number_: int) -> str:
    return f"s{number_ % COLOURS}"


def _tell_apart(series: Sequence[Series]) -> None:
    dots = [number_ for number_, item in enumerate(series) if not item.band]
    if len(series) > len(DASHES) or (dots and dots[-1] >= COLOURS):
        raise ValueError(
            f"{len(series)} series do not fit: {len(DASHES)} lines have dashes of their own, and points are told apart by the first "
            f"{COLOURS} colours. Draw two pictures, or put points first."
        )


def _mark(x: float, y: float, reach: float = 12.0) -> Markup:
    """Theory's mark across a bar."""
    return line(x, y - reach, x, y + reach, class_="theory")


def _series_swatch(number_: int, item: Series) -> Markup:
    if item.band:
        return line(0, 0, 20, 0, class_=f"line broad {_colour(number_)}", dash=DASHES[number_])
    return tag("circle", class_=f"dot {_colour(number_)}", cx=10, cy=0, r=3.6)


def _interval(box: Box, item: Series, class_: str) -> Markup:
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
