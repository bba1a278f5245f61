"""Probability by time: one rule, several and their mixture, or a band where inputs are uncertain; the dates asked about are marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from assent.forecast.exact import Numeric, rational
from assent.forecast.hyperprior import HyperPrior
from assent.forecast.model import Model
from assent.forecast.uncertain import Uncertain
from assent.report.figures.axes import FONT, Axis, Box, layout
from assent.report.forecasts.parts import (
    dash,
    hues,
    percent_axis,
    place_of_names,
    said_percent,
    sentence,
    tick_room,
    time_axis,
    time_text,
)
from assent.report.forecasts.places import End, end_names, end_room, flag_rows
from assent.report.svg import Child, document, fit, group, label, line, path, rect, tag, text_width

NAMED = 7
"""So many rules of a mixture have names and dashes of their own: those that weigh most. The others are thin and grey."""

FLAG = 30.0
"""How tall a row of flags with dates and values is."""

MOST_ROWS = 6
"""So many rows of flags at most; dates that find no room in them have a dot alone, and stand in the description."""

LEFT = 58.0
"""Where `layout` begins the plot area."""

POINTS = 97
BAND_POINTS = 25
MOST_DRAWS = 20_000

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A line of the picture: probabilities in [0, 1] at times; what is not finite is a gap."""

    name: str
    values: Values
    class_: str
    dash: str = ""


@dataclass(frozen=True)
class Mark:
    """A date that was asked about, and its probability."""

    at: float
    value: float


@dataclass(frozen=True)
class Fan:
    """All that the picture shows: its times, its lines (the first is the answer), a band if there is one, and the dates asked about."""

    times: Values
    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...]
    band: tuple[Values, Values] | None = None


def fan_chart(
    model: Model,
    *,
    width: float,
    name: str,
    by: Sequence[Numeric] = (),
    none_by: Numeric | None = None,
    until: Numeric | None = None,
    time: str = "year",
    title: str | None = None,
) -> Markup:
    """The probability by each time up to `until`, given none by `none_by`; each of `by` is marked with its value.

    Rules of a `HyperPrior` are thin and named, and their mixture is thick. Of an `Uncertain` model it shows the answer, and between
    which ends nine tenths of the rules' answers lie by weight, from at most 20,000 draws.

    Args:
        by: times asked about.
        none_by: until when it is known not to have happened; the model's start when left out.
        until: where the picture ends; a little beyond the last of `by` when left out, or 100 after `none_by`.
        time: the unit of times, in words.

    Raises:
        ValueError: times before `none_by`, or that before the model's start.
    """
    times = sorted({float(rational("target date", one)) for one in by})
    since = model.predict(times[0] if by else _first(model, none_by), none_by=none_by).none_by
    last = max(times, default=since + 100.0)
    end = float(rational("end of the picture", until)) if until is not None else last + 0.06 * (last - since)
    said = title or f"Probability that it has happened, given none by {time_text(time, since)}"
    return draw(
        traced(model, since, max([end, *times]), times), width=width, name=name, since=since, time=time, title=said
    )


def traced(model: Model, since: float, end: float, by: Sequence[float]) -> Fan:
    """What the picture of a model shows, between two times."""
    end = end if end > since else since + 1.0
    uncertain = isinstance(model, Uncertain)
    grid = np.linspace(since, end, BAND_POINTS if uncertain else POINTS)
    times = np.unique(np.concatenate([grid, np.asarray(by, np.float64)]))
    marks = tuple(map(Mark, by, _values(model, np.asarray(by, np.float64), since).tolist())) if by else ()
    if isinstance(model, Uncertain):
        middle, half, low, high = quantile_band(model, times, since)
        curves = (
            Curve("answer", middle, "line all s0"),
            Curve("half of the rules lie below", half, "line thin s1", dash(1)),
        )
        return Fan(times, curves, marks, (low, high))
    if isinstance(model, HyperPrior):
        return Fan(
            times,
            (Curve("all together", _values(model, times, since), "line all s0"), *_rules(model, times, since)),
            marks,
        )
    return Fan(times, (Curve("answer", _values(model, times, since), "line all s0"),), marks)


def quantile_band(model: Uncertain, times: Values, since: float) -> tuple[Values, Values, Values, Values]:
    """At each time: the answer, and the 50 %, 5 % and 95 % quantiles of the rules' answers by weight, from at most 20,000 draws."""
    fewer = Uncertain(model.kind, dict(model.given), draws=min(model.draws, MOST_DRAWS), seed=model.seed)
    spreads = [fewer.spread(float(one), none_by=since) for one in times]
    columns = [(one.probability, one.band[1], one.band[0], one.band[2]) for one in spreads]
    answer, half, low, high = np.asarray(columns, np.float64).T
    return answer, half, low, high


def draw(shown: Fan, *, width: float, name: str, since: float, time: str, title: str) -> Markup:
    """The picture of what was traced."""
    everything = np.concatenate([*(one.values for one in shown.curves), *([shown.band[1]] if shown.band else [])])
    if not np.isfinite(everything).any():
        return sentence(
            "No probability could be computed, so there is no curve to draw.", width=width, name=name, title=title
        )
    named = [one for one in shown.curves if one.name]
    aside = place_of_names(width) and len(named) > 1
    swatches = [
        (line(0, 0, 20, 0, class_=one.class_, dash=one.dash), one.name) for one in named if not aside and len(named) > 1
    ]
    if shown.band:
        swatches.append((rect(0, -5, 20, 10, class_="spread s0"), "nine tenths of the rules, by weight"))
    y = percent_axis("", [*everything.tolist(), *(one.value for one in shown.marks)])
    x = time_axis(time, float(shown.times[0]), float(shown.times[-1]))
    room = end_room([one.name for one in named], width) if aside else tick_room(x)
    flags = _flags(shown.marks, x, width - room, time)
    over = FLAG * max((row + 1.2 for _, row in flags if row is not None), default=0.0)
    tall = 280.0 if width >= 600 else 240.0
    box, head, bottom = layout(title, width, x, y, swatches, [], height=tall, beside=room, over=over)
    unit = label("probability", box.left if width >= 600 else 0, box.top - over - 12, class_="unit")
    parts: list[Child] = [head, unit, box.axes(grid=True), _band(box, shown)]
    parts += [
        path(_track(box, shown.times, one.values), class_=one.class_, dash=one.dash) for one in reversed(shown.curves)
    ]
    parts.append(_marks(box, flags, time))
    if aside:
        parts.append(_names(box, named, width))
    return document(name, *parts, width=width, height=bottom, title=title, desc=_said(shown, since, time))


def _first(model: Model, none_by: Numeric | None) -> Numeric:
    if none_by is not None:
        return none_by
    return model.start if math.isfinite(model.start) else 0


def _values(model: Model, times: Values, since: float) -> Values:
    return np.asarray(0.0 - np.expm1(model.log_survival(times, since=since)), np.float64)


def _rules(model: HyperPrior, times: Values, since: float) -> list[Curve]:
    """The rules, those that weigh most at `since` first, by name; of the least only the last is named, for all of them."""
    weights, classes = model.weights(since), hues(model)
    order = sorted(model.parts, key=lambda part: (-weights[part[0]], part[0]))
    curves = [
        Curve(rule, _values(one, times, since), f"line thin {classes[rule]}", dash(place + 1))
        for place, (rule, one, _) in enumerate(order[:NAMED])
    ]
    rest = order[NAMED:]
    for place, (_, one, _) in enumerate(rest):
        said = f"{len(rest)} more rule{'s' * (len(rest) > 1)}" if place == len(rest) - 1 else ""
        curves.append(Curve(said, _values(one, times, since), "line other"))
    return curves


def _track(box: Box, times: Values, values: Values) -> list[tuple[float, float] | None]:
    pairs = zip(times.tolist(), values.tolist(), strict=True)
    return [(box.x(at), box.y(100.0 * value)) if math.isfinite(value) else None for at, value in pairs]


def _band(box: Box, shown: Fan) -> Markup:
    if shown.band is None:
        return Markup("")
    low, high = (_track(box, shown.times, one) for one in shown.band)
    known = [(below, above) for below, above in zip(low, high, strict=True) if below and above]
    return path([above for _, above in known] + [below for below, _ in reversed(known)], class_="spread s0")


def _flags(marks: Sequence[Mark], x: Axis, right: float, time: str) -> list[tuple[Mark, int | None]]:
    """The dates whose probability is known, in order, and the row in which each one's flag flies."""
    known = [one for one in marks if math.isfinite(one.value)]
    places = [LEFT + x.part(one.at) * (right - LEFT) for one in known]
    rows = flag_rows(
        places, [max(text_width(words, FONT) for words in _on_flag(one, time)) + 8 for one in known], most=MOST_ROWS
    )
    return list(zip(known, rows, strict=True))


def _on_flag(mark: Mark, time: str) -> tuple[str, str]:
    return time_text(time, mark.at), said_percent(mark.value)


def _marks(box: Box, flags: Sequence[tuple[Mark, int | None]], time: str) -> Markup:
    """A dot on the answer for each date, a pole from the axis through it up to its flag, and on that the date and the value."""
    poles, dots, words = list[Child](), list[Child](), list[Child]()
    for mark, row in flags:
        x, y = box.x(mark.at), box.y(100.0 * mark.value)
        dots.append(tag("circle", class_="dot ring s0", cx=x, cy=y, r=4.6))
        top = y
        if row is not None:
            top = box.top - 14 - FLAG * row - 24
            for text, down, class_ in zip(_on_flag(mark, time), (10, 24), ("tick", "value"), strict=True):
                words.append(label(fit(text, x - 5, FONT), x - 5, top + down, class_=class_, anchor="end"))
        poles.append(line(x, top, x, box.bottom, class_="guide", dash="2 3"))
    return group([*poles, *dots, *words])


def _names(box: Box, curves: Sequence[Curve], width: float) -> Markup:
    ends: list[End] = []
    for one in curves:
        known = one.values[np.isfinite(one.values)]
        if known.size:
            ends.append(End(box.y(100.0 * float(known[-1])), one.name, one.class_.split()[-1]))
    return end_names(ends, x=box.right, width=width, low=box.top - 8, high=box.bottom + 2)


def _said(shown: Fan, since: float, time: str) -> str:
    asked = ", ".join(f"by {time_text(time, one.at)} {said_percent(one.value)}" for one in shown.marks)
    last = ", ".join(f"{one.name} {said_percent(float(one.values[-1]))}" for one in shown.curves if one.name)
    band = ""
    if shown.band:
        low, high = (said_percent(float(one[-1])) for one in shown.band)
        band = f" Nine tenths of the rules lie between {low} and {high} there."
    start, end = time_text(time, since), time_text(time, float(shown.times[-1]))
    marked = f" Asked about: {asked}." if asked else ""
    return f"Probability by each {time} from {start} to {end}, given none by {start}.{marked} At the end: {last}.{band}"
