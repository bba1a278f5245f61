"""Charts along the run: asking, committee weights, committee size. Each is drawn for the width it is given.

The horizontal axis is always the decision number, so that marks in different charts line up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from .records import Collapse, RunSummary, WeightPoint
from .svg import (
    DASHES,
    Child,
    Frame,
    Number,
    bars,
    cross,
    diamond,
    document,
    fit,
    group,
    hatch,
    hatched,
    label,
    legend,
    line,
    path,
    rect,
    text_width,
    ticks,
    triangle,
)
from .text import clean, plural, real, share

NAMED = 6
SETTLED = 20
WIDE = 880
_FONT = 12
_X_TITLE = "decision number"


def asks_chart(summary: RunSummary, *, width: Number, name: str) -> Markup:
    """The trailing ask rate above, every decision's ask mass below, and lanes of marks for answers and alarms."""
    total = len(summary.decisions)
    left, right = (84, width - 14) if width >= WIDE else (78, width - 8)
    keys = [
        (line(0, 0, 20, 0, class_="rate"), f"ask rate, trailing {summary.rolling_window} decisions"),
        (bars([(4, -5), (8, 1), (12, -3), (16, 4)], 5, class_="spike"), "ask mass of each decision"),
    ]
    key, used = legend(keys, x=left, y=10, width=right - left, size=_FONT)
    marks = 20.0 if summary.alarms or summary.halts else 0.0  # a row for their names, so that they cover no title
    rate = _frame(left, right, top=34 + used + marks, height=130, total=total, high=_rate_top(summary.rolling))
    mass = _frame(left, right, top=rate.bottom + 44, height=90, total=total, high=1.0)
    parts: list[Child] = [
        key,
        rate.y_axis(ticks(0, rate.y_max, about=4), title="ask rate (share of decisions)", above=12 + marks),
        _rate(rate, summary.rolling),
        line(rate.left, rate.bottom, rate.right, rate.bottom, class_="axis"),
        mass.y_axis([0.0, 0.5, 1.0], title="ask mass (probability)"),
        bars(_tops(mass, [d.ask for d in summary.decisions]), mass.bottom, class_="spike"),
    ]
    lanes, bottom = _lanes(summary, mass)
    axis = _frame(left, right, top=rate.top, height=bottom - rate.top, total=total, high=1.0)
    parts += [
        lanes,
        _verticals(summary, rate, bottom),
        axis.x_axis(_x_ticks(total, width), title=_X_TITLE),
    ]
    gaps = sum(d.ask is None or not math.isfinite(d.ask) for d in summary.decisions)
    parts += _note(gaps, "ask mass", left, bottom + 56)
    first, last = share(summary.first_rate or 0, 1), share(summary.last_rate or 0, 1)
    return document(
        name,
        *parts,
        width=width,
        height=bottom + (64 if gaps else 44),
        title="Asks over time",
        desc=f"{plural(summary.asks, 'ask')} among {plural(total, 'decision')}; "
        f"ask rate {first} in the first {summary.stretch} decisions and {last} in the last {summary.stretch}.",
    )


def weights_chart(summary: RunSummary, *, width: Number, name: str, names: Sequence[str]) -> Markup:
    """Weights of the members that ever weighed most, each with its name at the line's end; the others in grey."""
    total = len(summary.decisions)
    left, right = (46, width - 150) if width >= WIDE else (46, width - 112)
    frame = _frame(left, right, top=34, height=240 if width >= WIDE else 230, total=total, high=1.0)
    points = summary.weights
    size = max((len(p.weights) for p in points), default=0)
    peaks = [max((w for p in points if not math.isnan(w := _at(p, m))), default=-1.0) for m in range(size)]
    leaders = sorted(range(size), key=lambda m: (-peaks[m], m))[:NAMED]
    others = [m for m in range(size) if m not in leaders]
    ends: list[tuple[Number, str, str]] = []
    lines = [path(_steps(frame, points, m, total), class_="line other", step=True) for m in others[:200]]
    for rank, member in enumerate(leaders):
        track = _steps(frame, points, member, total)
        lines.append(path(track, class_=f"line s{rank}", dash=DASHES[rank], step=True))
        final = next((p[1] for p in reversed(track) if p is not None), frame.bottom)
        ends.append((final, _name(names, member), f"end s{rank}"))
    if others:
        high = max(peaks[m] for m in others)
        ends.append((frame.bottom, f"{len(others)} more, ≤ {real(max(high, 0.0))}", "end other"))
    gaps = sum(any(math.isnan(w) for w in p.weights) for p in points)
    return document(
        name,
        hatch(f"{name}-hatch", class_="hatching"),
        _bands(frame, summary.collapses, f"{name}-hatch"),
        frame.y_axis(ticks(0, 1), title="weight (share of the committee, sums to 1)"),
        frame.x_axis(_x_ticks(total, width), title=_X_TITLE),
        *lines,
        _end_labels(frame, ends, width),
        *_note(gaps, "set of weights", left, frame.bottom + 56),
        width=width,
        height=frame.bottom + (64 if gaps else 46),
        title="Committee weights over time",
        desc=_final_words(points, names),
    )


def size_chart(summary: RunSummary, *, width: Number, name: str) -> Markup:
    """Leaders and effective size; stretches where either is one are hatched and marked as a collapse."""
    total, sizes = len(summary.decisions), summary.sizes
    left, right = (46, width - 150) if width >= WIDE else (46, width - 12)
    keys = [
        (line(0, 0, 20, 0, class_="line s0"), "effective size"),
        (line(0, 0, 20, 0, class_="line s1", dash=DASHES[1]), "leaders"),
        (line(0, 0, 20, 0, class_="floor", dash="2 3"), "one: no committee"),
    ]
    key, used = legend(keys, x=left, y=10, width=right - left, size=_FONT)
    values = [float(v) for p in sizes for v in (p.leaders, p.effective) if v is not None and math.isfinite(v)]
    frame = _frame(left, right, top=34 + used, height=150, total=total, high=1.08 * max([2.0, *values]))
    leaders = [(p.number, p.leaders) for p in sizes if p.leaders is not None]
    effective = [(p.number, p.effective) for p in sizes if p.effective is not None]
    gaps = sum(not math.isfinite(v) for _, v in effective)
    parts: list[Child] = [
        hatch(f"{name}-hatch", class_="hatching"),
        _bands(frame, summary.collapses, f"{name}-hatch"),
        key,
        frame.y_axis(ticks(0, frame.y_max, about=4, whole=True), title="members", whole=True),
        frame.x_axis(_x_ticks(total, width), title=_X_TITLE),
        line(frame.left, frame.y(1), frame.right, frame.y(1), class_="floor", dash="2 3"),
        path(_track(frame, leaders, total), class_="line s1", dash=DASHES[1], step=True),
        path(_track(frame, effective, total), class_="line s0", step=True),
        _last_sizes(frame, leaders, effective, width) if width >= WIDE else None,
        *_note(gaps, "effective size", left, frame.bottom + 56),
    ]
    return document(
        name,
        *parts,
        width=width,
        height=frame.bottom + (64 if gaps else 46),
        title="Leaders and effective size over time",
        desc=f"Recorded {plural(len(sizes), 'time')}; {plural(len(summary.collapses), 'collapse')} to one.",
    )


def _last_sizes(
    frame: Frame, leaders: Sequence[tuple[int, int]], effective: Sequence[tuple[int, Number]], width: Number
) -> Markup:
    ends: list[tuple[Number, str, str]] = []
    if leaders:
        ends.append((frame.y(leaders[-1][1]), f"leaders {leaders[-1][1]:,}", "end s1"))
    if effective and math.isfinite(effective[-1][1]):
        ends.append((frame.y(effective[-1][1]), f"effective {real(effective[-1][1])}", "end s0"))
    return _end_labels(frame, ends, width)


def _frame(left: Number, right: Number, *, top: Number, height: Number, total: int, high: Number) -> Frame:
    return Frame(
        left=left, right=right, top=top, bottom=top + height, x_min=0.0, x_max=float(max(total, 1)), y_min=0, y_max=high
    )


def _x_ticks(total: int, width: Number) -> list[Number]:
    return ticks(0, max(total, 1), about=7 if width >= WIDE else 4, whole=True)


def rate_start(total: int) -> int:
    """Decisions left out at the start of the rate: means of very few decisions would flatten all the rest."""
    return min(SETTLED, total // 4)


def _rate_top(rolling: Sequence[Number]) -> Number:
    high = max(rolling[rate_start(len(rolling)) :], default=1.0)
    return next((top for top in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8) if high <= top), 1.0)


def _columns(frame: Frame, total: int) -> Iterable[tuple[int, int]]:
    """Stretches of decisions that share a column, so that a long run draws no more marks than there is room for."""
    room = max(int(frame.right - frame.left), 1)
    for column in range(min(total, room)):
        yield column * total // min(total, room), (column + 1) * total // min(total, room)


def _tops(frame: Frame, values: Sequence[Number | None]) -> list[tuple[Number, Number]]:
    tops: list[tuple[Number, Number]] = []
    for start, end in _columns(frame, len(values)):
        known = [v for v in values[start:end] if v is not None and math.isfinite(v) and v > 0]
        if known:
            tops.append((frame.x((start + end + 1) / 2), frame.y(max(known))))
    return tops


def _rate(frame: Frame, rolling: Sequence[Number]) -> Markup:
    first = rate_start(len(rolling))
    points = [(frame.x(e), frame.y(rolling[e - 1])) for _, e in _columns(frame, len(rolling)) if e > first]
    if not points:
        return Markup("")
    closed = [(points[0][0], frame.bottom), *points, (points[-1][0], frame.bottom)]
    return group([path(closed, class_="rate-area"), path(points, class_="rate")])


def _lanes(summary: RunSummary, frame: Frame) -> tuple[Markup, Number]:
    """One lane for each thing that happened at all (answers always), and where the last lane ends."""
    lanes = [
        ("answered", summary.answered_at, "tick"),
        ("expired", summary.expired_at, "cross"),
        ("volunteered", tuple(c.number for c in summary.corrections), "triangle"),
        ("refused", tuple(r.number for r in summary.refusals), "diamond"),
    ]
    parts, y = list[Child](), frame.bottom + 16
    for words, numbers, shape in lanes:
        if not numbers and words != "answered":
            continue
        parts.append(label(words, frame.left - 8, y + 4, anchor="end"))
        parts.append(line(frame.left, y, frame.right, y, class_="grid"))
        places = sorted({round(frame.x(n)) for n in numbers})
        if shape == "tick":
            parts.append(bars([(x, y - 5) for x in places], y + 5, class_="answer"))
        elif shape == "cross":
            parts += [cross(x, y, 4, class_="missed") for x in places]
        elif shape == "triangle":
            parts += [triangle(x, y - 5, 5, class_="volunteer") for x in places]
        else:
            parts += [diamond(x, y, 4.5, class_="refusal") for x in places]
        y += 20
    return group(parts), y - 6


def _verticals(summary: RunSummary, frame: Frame, bottom: Number) -> Markup:
    """A line down all panels for each alarm (A1, A2, …) and each halt or resume (H1, …), numbered as in the table."""
    marks = [(f"A{i}", m.number, "alarm") for i, m in enumerate(summary.alarms, 1)]
    marks += [(f"H{i}", m.number, "halt") for i, m in enumerate(summary.halts, 1)]
    parts, names = list[Child](), list[tuple[Number, str, str]]()
    for words, number, kind in sorted(marks, key=lambda m: (m[1], m[0]))[:200]:
        x = frame.x(number)
        dash = "3 3" if kind == "alarm" else "8 3"
        parts.append(line(x, frame.top - 4, x, bottom, class_=f"{kind}-line", dash=dash))
        if kind == "alarm":
            parts.append(diamond(x, frame.top - 4, 5.5, class_=f"{kind}-mark"))
        else:
            parts.append(rect(x - 4.5, frame.top - 8.5, 9, 9, class_=f"{kind}-mark"))
        if names and x - names[-1][0] < text_width(names[-1][1], _FONT) + 4:
            names[-1] = (names[-1][0], f"{names[-1][1]} {words}", names[-1][2])
        else:
            names.append((x, words, kind))
    for x, words, kind in names:
        parts.append(label(fit(words, 90, _FONT), x - 6, frame.top - 14, class_=f"{kind}-name"))
    return group(parts)


def _at(point: WeightPoint, member: int) -> Number:
    return point.weights[member] if member < len(point.weights) else math.nan


def _name(names: Sequence[str], member: int) -> str:
    return names[member] if member < len(names) else f"member {member}"


def _steps(frame: Frame, points: Sequence[WeightPoint], member: int, total: int) -> list[tuple[Number, Number] | None]:
    return _track(frame, [(p.number, _at(p, member)) for p in points], total)


def _track(frame: Frame, values: Sequence[tuple[int, Number]], total: int) -> list[tuple[Number, Number] | None]:
    """Places of (decision, value), the last one of each column of the drawing, held to the end of the run."""
    points: list[tuple[Number, Number] | None] = []
    column = None
    for number, value in values:
        here = round(frame.x(number))
        point = (frame.x(number), frame.y(value)) if math.isfinite(value) else None
        if here == column and points:
            points[-1] = point
        else:
            points.append(point)
        column = here
    if points and points[-1] is not None:
        points.append((frame.x(total), points[-1][1]))
    return points


def _end_labels(frame: Frame, ends: Sequence[tuple[Number, str, str]], width: Number) -> Markup:
    """Names beside the lines' ends, pushed apart so that none covers another, with a thin leader to its line."""
    gap, order = 16.0, sorted(range(len(ends)), key=lambda i: (ends[i][0], i))
    places: list[Number] = []
    for i in order:
        places.append(max(ends[i][0], places[-1] + gap if places else frame.top))
    limit = frame.bottom + 4
    for k in range(len(places) - 1, -1, -1):
        places[k] = min(places[k], limit)
        limit = places[k] - gap
    parts: list[Child] = []
    for place, i in zip(places, order, strict=True):
        y, words, class_ = ends[i]
        parts.append(path([(frame.right + 2, y), (frame.right + 12, place)], class_="leader"))
        parts.append(label(fit(words, width - frame.right - 18, _FONT), frame.right + 15, place + 4, class_=class_))
    return group(parts)


def _bands(frame: Frame, collapses: Sequence[Collapse], pattern: str) -> Markup:
    parts: list[Child] = []
    free = -math.inf
    for collapse in collapses[:200]:
        start, end = frame.x(collapse.number), frame.x(frame.x_max if collapse.end is None else collapse.end)
        parts.append(hatched(pattern, start, frame.top, max(end - start, 3), frame.bottom - frame.top))
        parts.append(line(start, frame.top, start, frame.bottom, class_="collapse-line"))
        if start > free:
            late = start > frame.right - 70
            anchor, at = ("end", start - 5) if late else ("start", start + 5)
            parts.append(label("collapse", at, (frame.top + frame.bottom) / 2, class_="collapse-name", anchor=anchor))
            free = start + 70
    return group(parts)


def _note(gaps: int, what: str, x: Number, y: Number) -> list[Child]:
    if not gaps:
        return []
    return [label(f"{plural(gaps, what, what + ' values')} not recorded or not finite: left as gaps", x, y)]


def _final_words(points: Sequence[WeightPoint], names: Sequence[str]) -> str:
    if not points:
        return "No weights were recorded."
    last = points[-1].weights
    order = sorted(range(len(last)), key=lambda m: (-last[m] if last[m] == last[m] else 1.0, m))[:NAMED]
    return "Last recorded weights: " + ", ".join(f"{clean(_name(names, m), limit=60)} {real(last[m])}" for m in order)
