"""Which uncertain input moves the forecast most: a bar for each, from its 5 % to its 95 % quantile, all others at their medians."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assent.forecast.uncertain import Swing
from assent.report.figures.axes import FONT, Axis, Box, headed
from assent.report.forecasts.parts import place_of_names, said_percent, sentence, whole_percent
from assent.report.svg import Child, document, fit, group, label, legend, line, rect, text_width

NAMES = {"ftp": "first-trial probability"}
"""What readers call inputs whose name is an abbreviation; others go by theirs, with spaces."""

_THICK = 18.0


@dataclass(frozen=True)
class Row:
    """Where one input's bar stands: its middle, and half of what it is thick."""

    swing: Swing
    y: float


def tornado_chart(
    base: float,
    swings: Sequence[Swing],
    *,
    width: float,
    name: str,
    title: str = "What moves the probability most",
) -> Markup:
    """Bars around the answer with all inputs at their medians; at the ends of each the value of the input that leads there.

    Args:
        base: that answer, in [0, 1].
        swings: as `Uncertain.tornado` gives them, the widest first.
    """
    if not swings or not math.isfinite(base):
        missing = "No input is uncertain" if math.isfinite(base) else "No answer could be computed"
        return sentence(f"{missing}, so there are no bars to draw.", width=width, name=name, title=title)
    aside = place_of_names(width)
    head, first = headed(title, width)
    keys = [
        (rect(0, -5, 20, 10, class_="swing low"), "input at its 5 % quantile"),
        (rect(0, -5, 20, 10, class_="swing high"), "input at its 95 % quantile"),
    ]
    key, used = legend(keys, x=0, y=first + 10, width=width, size=FONT)
    names = min(max(text_width(_name(one), 13) for one in swings) + 12, width / 3) if aside else 0.0
    pitch = 34.0 if aside else 50.0
    top = first + used + 26
    rows = [Row(one, top + pitch * place + (pitch / 2 if aside else 32.0)) for place, one in enumerate(swings)]
    box = _box(base, swings, left=names, right=width, top=top, bottom=top + pitch * len(swings) + 6)
    parts: list[Child] = [head, key, _scale(box, width), *_base(base, box, width)]
    parts += [_bar(one, base, box, names, width) for one in rows]
    parts += [_named(one, names if aside else width, aside) for one in rows]
    return document(name, *parts, width=width, height=box.bottom + 44, title=title, desc=_said(base, swings))


def _box(base: float, swings: Sequence[Swing], *, left: float, right: float, top: float, bottom: float) -> Box:
    """A plot area with room beside it for the words at the ends of the longest bars."""
    values = [100.0 * at for one in swings for at in (one.at_low, one.at_high, base) if math.isfinite(at)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = max((text_width(words, FONT) for one in swings for words in (one.low, one.high)), default=0.0)
    room = min(room + 10, (right - left) / 4)
    if high <= low:
        low, high = 100.0 * base - 0.5, 100.0 * base + 0.5
    return Box(
        left + room, top, right - room, bottom, Axis("probability", low, high, form=whole_percent), Axis("", 0.0, 1.0)
    )


def _scale(box: Box, width: float) -> Markup:
    """Grid lines with percentages below the bars."""
    parts: list[Child] = []
    edge = -math.inf
    for value, words in box.x_axis.ticks(6 if width >= 600 else 5):
        at, half = box.x(value), text_width(words, FONT) / 2
        parts.append(line(at, box.top, at, box.bottom, class_="grid"))
        if at - half > edge + 4:
            parts.append(label(words, at, box.bottom + 16, anchor="middle"))
            edge = at + half
    parts.append(label("probability of the event", width, box.bottom + 34, class_="unit", anchor="end"))
    return group(parts)


def _named(row: Row, room: float, aside: bool) -> Markup:
    if aside:
        return label(fit(_name(row.swing), room - 12, 13), 0, row.y + 4, class_="name")
    return label(fit(_name(row.swing), room, 13), 0, row.y - 16, class_="name haloed")


def _name(swing: Swing) -> str:
    return NAMES.get(swing.name, swing.name.replace("_", " "))


def _bar(row: Row, base: float, box: Box, left: float, width: float) -> Markup:
    """The two halves of a bar; one above the other where both lie on the same side of the middle."""
    swing, middle = row.swing, box.x(100.0 * base)
    if not (math.isfinite(swing.at_low) and math.isfinite(swing.at_high)):
        words = "no answer at one of its ends"
        return label(words, min(middle + 6, width - text_width(words, FONT)), row.y + 4, class_="tick haloed")
    low, high = box.x(100.0 * swing.at_low), box.x(100.0 * swing.at_high)
    same = (low - middle) * (high - middle) > 0
    thick, lift = (_THICK / 2, _THICK / 4) if same else (_THICK, 0.0)
    parts: list[Child] = []
    for at, y, class_ in ((low, row.y - lift, "low"), (high, row.y + lift, "high")):
        parts.append(rect(min(at, middle), y - thick / 2, abs(at - middle), thick, class_=f"swing {class_}"))
    ends = _on_one_side(swing, middle) if same else sorted([(low, swing.low), (high, swing.high)])
    for (at, words), to_left in zip(ends, (True, False) if len(ends) == 2 else (low > middle,), strict=True):
        room = (at - left if to_left else width - at) - 6
        place, anchor = (at - 6, "end") if to_left else (at + 6, None)
        parts.append(label(fit(words, room, FONT), place, row.y + 4, class_="value haloed", anchor=anchor))
    return group(parts)


def _on_one_side(swing: Swing, middle: float) -> list[tuple[float, str]]:
    """Both values in one piece of text, in the free room at the other side of the middle."""
    return [(middle, f"5 %: {swing.low}, 95 %: {swing.high}")]


def _base(base: float, box: Box, width: float) -> list[Child]:
    """A line at the answer in the middle, and above it what it is."""
    at, words = box.x(100.0 * base), f"all at their medians: {said_percent(base)}"
    half = text_width(words, FONT) / 2
    place = min(max(at, half), width - half)
    return [
        line(at, box.top - 4, at, box.bottom, class_="now"),
        label(words, place, box.top - 10, class_="value haloed", anchor="middle"),
    ]


def _said(base: float, swings: Sequence[Swing]) -> str:
    moved = "; ".join(
        f"{_name(one)} from {one.low} to {one.high}: {said_percent(one.at_low)} to {said_percent(one.at_high)}"
        for one in swings
    )
    return f"With all inputs at their medians the probability is {said_percent(base)}. {moved}."
