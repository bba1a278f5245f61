"""Charts of counts: histograms, who dissented, why it asked, how the lone acts turned out."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from .records import Alone, MemberDissent
from .svg import (
    Child,
    Frame,
    Number,
    cross,
    document,
    fit,
    group,
    hatch,
    hatched,
    label,
    legend,
    line,
    number,
    rect,
    tag,
    text_width,
    ticks,
)
from .text import count, plural, share

WIDE = 880
STRETCHES = 24
MAX_ROWS = 24
_FONT = 12


def histogram(
    counts: Sequence[int], *, name: str, class_: str, title: str, x_title: str, width: Number = 424
) -> Markup:
    """Counts of values in equal bins of [0, 1], with the number above every bin that holds any."""
    high = max([1, *counts])
    frame = Frame(left=48, top=44, right=width - 8, bottom=204, x_min=0, x_max=1, y_min=0, y_max=high * 1.08)
    step = (frame.right - frame.left) / max(len(counts), 1)
    parts: list[Child] = []
    free = -1.0
    for index, held in enumerate(counts):
        if not held:
            continue
        x = frame.left + index * step
        y = min(frame.y(held), frame.bottom - 1.5)  # a bin that holds anything is never drawn as empty
        words = f"{index / len(counts):.2f} to {(index + 1) / len(counts):.2f}: {count(held)}"
        parts.append(rect(x + 1, y, step - 2, frame.bottom - y, tag("title", words), class_=class_))
        half = text_width(count(held), 10) / 2
        if x + step / 2 - half > free:
            parts.append(label(count(held), x + step / 2, y - 5, class_="small", anchor="middle"))
            free = x + step / 2 + half + 1
    return document(
        name,
        frame.y_axis(ticks(0, high, about=5, whole=True), title="decisions (count)", whole=True),
        frame.x_axis([0, 0.25, 0.5, 0.75, 1], title=x_title, whole=False),
        *parts,
        width=width,
        height=frame.bottom + 44,
        title=title,
        desc=f"{plural(sum(counts), 'decision')} in {len(counts)} equal bins from 0 to 1; the fullest holds {high}.",
    )


def dissent_chart(members: Sequence[MemberDissent], *, asks: int, width: Number, name: str) -> Markup:
    """For each member: how many questions it dissented in, and in which stretches of the run's questions."""
    rows = sorted(members, key=lambda m: (-len(m.at), m.member))
    hidden, rows = rows[MAX_ROWS:], rows[:MAX_ROWS]
    wide = width >= WIDE
    names = min(max([60.0, *(text_width(m.name, 13) for m in rows)]), 170.0)
    bar_x, bar_width = (names + 14, 396 - names) if wide else (0.0, 150.0)
    tallest = max((part for m in rows for part in _stretches(m.at, asks)), default=0.0)
    spark_x, spark_width = (560.0, width - 572.0) if wide else (width - 132.0, 132.0)
    pitch, top = (27.0, 50.0) if wide else (48.0, 52.0)
    high = max([1, *(len(m.at) for m in rows)])
    parts: list[Child] = [
        label("questions with its dissent", bar_x, 14, class_="unit"),
        label("when, first to last question" if wide else "when, first to last", spark_x, 14, class_="unit"),
        label(f"highest: {share(tallest, 1)}" if tallest else "", spark_x, 29),
    ]
    for place, member in enumerate(rows):
        y = top + place * pitch
        held = len(member.at)
        base = y + 8 if wide else y + 20
        if wide:
            parts.append(label(fit(member.name, names, 13), 0, base + 4, class_="name"))
        else:
            parts.append(label(fit(member.name, width, 13), 0, y + 4, class_="name"))
        length = bar_width * held / high
        parts.append(rect(bar_x, base - 8, max(length, 1.5 if held else 0.75), 16, class_="dissent"))
        words = f"{count(held)} ({share(held, asks)})" if wide else count(held)
        parts.append(label(words, bar_x + length + 7, base + 4, class_="value"))
        parts.append(_sparks(_stretches(member.at, asks), tallest, spark_x, base + 8, spark_width))
    if hidden:
        more = sum(len(m.at) for m in hidden)
        words = f"{plural(len(hidden), 'more member')} not drawn, {plural(more, 'dissent')} together"
        parts.append(label(words, bar_x, top + len(rows) * pitch + 8))
    said = [f"{m.name} {len(m.at)}" for m in rows if m.at]
    return document(
        name,
        *parts,
        width=width,
        height=top + (len(rows) + bool(hidden)) * pitch + 4,
        title="Who dissented",
        desc=f"Dissents in {plural(asks, 'question')}: {', '.join(said) or 'none'}.",
    )


def _stretches(at: Sequence[int], asks: int) -> list[Number]:
    """Share of the questions in each equal stretch of them in which the member dissented."""
    stretches = min(STRETCHES, max(asks, 1))
    sizes, held = [0] * stretches, [0] * stretches
    for question in range(asks):
        sizes[question * stretches // asks] += 1
    for question in at:
        held[question * stretches // asks] += 1
    return [some / max(size, 1) for some, size in zip(held, sizes, strict=True)]


def _sparks(parts_of: Sequence[Number], tallest: Number, x: Number, base: Number, width: Number) -> Markup:
    step, parts = width / len(parts_of), list[Child]([line(x, base, x + width, base, class_="grid")])
    for index, part in enumerate(parts_of):
        if part:
            height = max(18 * part / tallest, 1.5)
            parts.append(rect(x + index * step + 0.5, base - height, step - 1, height, class_="spark"))
    return group(parts)


def reasons_chart(reasons: Sequence[tuple[str, int]], *, asks: int, width: Number, name: str) -> Markup:
    """Why it asked: one bar a reason, the commonest first."""
    rows, wide = list(reasons[:12]), width >= WIDE
    more = sum(held for _, held in reasons[12:])
    if more:
        rows.append((f"{len(reasons) - 12} more reasons", more))
    names = min(max([60.0, *(text_width(reason, 13) for reason, _ in rows)]), 260.0)
    left, room = (names + 14, 640 - names) if wide else (0.0, width - 120)
    pitch = 27.0 if wide else 44.0
    high, parts = max([1, *(held for _, held in rows)]), list[Child]()
    for place, (reason, held) in enumerate(rows):
        y = 12 + place * pitch
        if wide:
            parts.append(label(fit(reason, names, 13), 0, y + 4, class_="name"))
        else:
            parts.append(label(fit(reason, width, 13), 0, y + 2, class_="name"))
        base = y if wide else y + 18
        length = room * held / high
        parts.append(rect(left, base - 8, max(length, 1.5), 16, class_="asking"))
        parts.append(label(f"{count(held)} ({share(held, asks)})", left + length + 7, base + 4, class_="value"))
    return document(
        name,
        *parts,
        width=width,
        height=len(rows) * pitch + 6,
        title="Why it asked",
        desc=", ".join(f"{reason}: {held}" for reason, held in rows) or "No questions.",
    )


def outcomes_chart(alone: Alone, *, total: int, width: Number, name: str) -> Markup:
    """Lone acts as one bar (right, wrong, not known), and below it where in the run the wrong ones were."""
    acts = alone.right + alone.wrong + alone.not_known
    left, right = (84.0, width - 14) if width >= WIDE else (8.0, width - 8)
    room = right - left
    pattern = f"{name}-unknown"
    widths = [room * part / max(acts, 1) for part in (alone.right, alone.wrong, alone.not_known)]
    if alone.wrong:
        widths[1] = max(widths[1], 3.0)  # an error is never too small to be seen
        widths[0] = max(min(widths[0], room - widths[1] - widths[2]), 0.0)
    x1, x2 = left + widths[0], left + widths[0] + widths[1]
    swatches = [
        (rect(0, -5, 20, 10, class_="right"), f"right: {count(alone.right)}"),
        (group([rect(0, -5, 20, 10, class_="wrong"), cross(10, 0, 3.5, class_="on-wrong")]), f"wrong: {alone.wrong:,}"),
        (_unknown(pattern, 0, -5, 20, 10), f"not known: {count(alone.not_known)}"),
    ]
    key, used = legend(swatches, x=left, y=10, width=room, size=_FONT)
    y = used + 8
    parts: list[Child] = [
        hatch(pattern, class_="unknown-hatch"),
        key,
        rect(left, y, widths[0], 26, class_="right"),
        rect(x1, y, widths[1], 26, class_="wrong"),
        _unknown(pattern, x2, y, widths[2], 26),
    ]
    bottom = y + 26
    if alone.errors:
        lane = Frame(
            left=left, right=right, top=bottom + 20, bottom=bottom + 40, x_min=0, x_max=max(total, 1), y_min=0, y_max=1
        )
        places = sorted({round(lane.x(e.number)) for e in alone.errors})
        parts.append(label("where it was wrong", left, bottom + 18, class_="unit"))
        parts += [cross(x, bottom + 31, 5, class_="error") for x in places]
        about = 7 if width >= WIDE else 4
        parts.append(lane.x_axis(ticks(0, max(total, 1), about=about, whole=True), title="decision number"))
        bottom = lane.bottom + 40
    return document(
        name,
        *parts,
        width=width,
        height=bottom + 4,
        title="How the lone acts turned out",
        desc=f"{plural(acts, 'lone act')}: {alone.right} right, {alone.wrong} wrong, {alone.not_known} not known.",
    )


def _unknown(pattern: str, x: Number, y: Number, width: Number, height: Number) -> Markup:
    if width < float(number(0.01)):
        return Markup("")
    return group([hatched(pattern, x, y, width, height), rect(x, y, width, height, class_="outline")])
