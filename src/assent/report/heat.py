"""One question drawn as the overseer saw it: every member's row, the minimum, what was left over; and the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .palette import LEVELS
from .records import Question
from .svg import (
    Child,
    Number,
    cross,
    document,
    fit,
    group,
    hatch,
    hatched,
    label,
    line,
    path,
    rect,
    tag,
    text_width,
    triangle,
)
from .text import plural, real

WIDE = 880
MAX_COLUMNS = 12
MAX_ROWS = 24
MAX_SEGMENTS = 200
_CELL = 24.0


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """Where things stand: names end at `name_right`, cells start at `left`, notes at `notes`."""

    width: Number
    left: Number
    cell: Number
    pitch: Number
    weight_x: Number
    notes: Number
    wide: bool

    def row(self, y: Number, values: Sequence[Number]) -> Markup:
        cells: list[Child] = []
        for column, value in enumerate(values):
            x = self.left + column * self.cell
            if math.isfinite(value):
                level = min(max(round(value * (LEVELS - 1)), 0), LEVELS - 1)
                cells.append(rect(x + 1, y, self.cell - 2, _CELL, class_=f"h{level}"))
                shown = real(value) if self.wide else real(value).removeprefix("0")
                ink = f"cell t{level}" if value >= 0.005 else "cell"  # what rounds to nothing steps back
                cells.append(label(shown, x + self.cell / 2, y + 16, class_=ink, anchor="middle"))
            else:
                cells.append(rect(x + 1, y, self.cell - 2, _CELL, class_="outline"))
                cells.append(label("?", x + self.cell / 2, y + 16, class_="cell", anchor="middle"))
        return group(cells)


def shown_columns(question: Question, labels: Sequence[str]) -> list[int]:
    """The options that get a column: all, or those that some member likes best, always with the answer among them."""
    size = max([len(labels), *(len(r) for r in question.rows), len(question.minimum), len(question.assent)])
    if size <= MAX_COLUMNS:
        return list(range(size))
    rows = [*question.rows, question.minimum, question.assent]
    best = [max((r[a] for r in rows if a < len(r) and math.isfinite(r[a])), default=-1.0) for a in range(size)]
    first = [question.choice] if question.choice is not None and 0 <= question.choice < size else []
    order = first + [a for a in sorted(range(size), key=lambda a: (-best[a], a)) if a not in first]
    return sorted(order[:MAX_COLUMNS])


def shown_members(question: Question) -> list[int]:
    """Members in the order of their rows: leading first, then by weight; the table stops at `MAX_ROWS`."""

    def key(member: int) -> tuple[bool, Number, int]:
        weight = question.weights[member] if member < len(question.weights) else -1.0
        return not _leads(question, member), -weight if math.isfinite(weight) else 1.0, member

    return sorted(range(len(question.rows)), key=key)[:MAX_ROWS]


def rows_chart(question: Question, labels: Sequence[str], *, width: Number, name: str) -> Markup:
    """Heat rows of all members with weight, leading flag and dissent, then the minimum and the assent.

    The answered option is framed. Every cell holds its number; `?` stands for one that is missing or not finite.
    """
    columns, members = shown_columns(question, labels), shown_members(question)
    grid = _grid(width, len(columns))
    parts, y = list[Child](_header(grid, question, columns, labels)), 44.0
    top = y
    cells: list[Number] = []
    for member in members:
        parts.append(_member(grid, question, member, columns, y))
        cells.append(y + 18)
        y += grid.pitch
    if len(members) < len(question.rows):
        parts.append(label(f"{plural(len(question.rows) - len(members), 'more member')} not shown", grid.left, y + 12))
        y += 22
    y += 8
    parts.append(line(0, y, width, y, class_="axis"))
    y += 8
    for words, values in (("minimum of the leaders", question.minimum), ("assent after guards", question.assent)):
        parts.append(_sum_row(grid, words, [_pick(values, c) for c in columns], y))
        cells.append(y + 18)
        y += grid.pitch
    if question.choice in columns:
        x = grid.left + columns.index(question.choice) * grid.cell
        if grid.wide:
            parts.append(rect(x - 0.5, top - 20, grid.cell + 1, y - top + 18, class_="chosen"))
        else:  # names stand between the rows there, so each cell has a frame of its own
            parts += [rect(x + 0.5, at, grid.cell - 1, _CELL, class_="chosen") for at in cells]
    leads = sum(question.leading)
    return document(
        name,
        *parts,
        width=width,
        height=y + 4,
        title="What each member believed",
        desc=f"Probabilities of {plural(len(columns), 'option')} by {plural(len(question.rows), 'member')}, "
        f"{leads} leading; the same numbers are in the table below.",
    )


def _grid(width: Number, columns: int) -> _Grid:
    if width >= WIDE:
        cell = min((width - 300 - 92) / max(columns, 1), 84.0)
        left = 300.0
        return _Grid(
            width=width, left=left, cell=cell, pitch=28, weight_x=192, notes=left + columns * cell + 12, wide=True
        )
    cell = min(width / max(columns, 1), 60.0)
    return _Grid(width=width, left=0, cell=cell, pitch=46, weight_x=width - 150, notes=width, wide=False)


def _header(grid: _Grid, question: Question, columns: Sequence[int], labels: Sequence[str]) -> list[Child]:
    parts: list[Child] = []
    if grid.wide:
        parts = [
            label("member", 18, 38, class_="unit"),
            label("weight", grid.weight_x, 38, class_="unit"),
        ]
    for place, action in enumerate(columns):
        x = grid.left + (place + 0.5) * grid.cell
        answered = action == question.choice
        words = labels[action] if action < len(labels) else f"#{action}"
        class_ = "option answered" if answered else "option"
        parts.append(label(fit(words, grid.cell - 2, 13), x, 38, class_=class_, anchor="middle"))
        if answered:
            said = "answer" if question.fate == "answered" else "done instead"
            half = text_width(said, 12) / 2
            at = min(max(x, half), grid.width - half)
            parts.append(label(said, at, 12, class_="answer-name", anchor="middle"))
    return parts


def _member(grid: _Grid, question: Question, member: int, columns: Sequence[int], y: Number) -> Markup:
    leads, dissents = _leads(question, member), member in question.dissent
    weight = question.weights[member] if member < len(question.weights) else math.nan
    values = [_pick(question.rows[member], c) for c in columns]
    text_y = y + 16 if grid.wide else y + 12
    row_y = y if grid.wide else y + 18
    names = "name" if leads else "name quiet"
    parts: list[Child] = [
        tag("circle", class_="leads" if leads else "follows", cx=6, cy=text_y - 4.5, r=4.5),
        label(fit(question.members[member], grid.weight_x - 26, 13), 18, text_y, class_=names),
        _weight(grid, weight, text_y),
        grid.row(row_y, values),
    ]
    if dissents:
        at = grid.notes if grid.wide else grid.width - 70
        parts.append(cross(at + 4, text_y - 4, 4, class_="error"))
        parts.append(label("dissents", at + 12, text_y, class_="dissents"))
    return group(parts)


def _weight(grid: _Grid, weight: Number, text_y: Number) -> Markup:
    if not math.isfinite(weight):
        return label("?", grid.weight_x, text_y, class_="value")
    room = 48.0 if grid.wide else 30.0
    parts: list[Child] = [
        rect(grid.weight_x, text_y - 10, room, 11, class_="track"),
        rect(grid.weight_x, text_y - 10, room * min(max(weight, 0.0), 1.0), 11, class_="weight"),
        label(real(weight), grid.weight_x + room + 6, text_y, class_="value"),
    ]
    return group(parts)


def _sum_row(grid: _Grid, words: str, values: Sequence[Number], y: Number) -> Markup:
    if grid.wide:
        return group([label(words, 18, y + 16, class_="name"), grid.row(y, values)])
    return group([label(words, 0, y + 12, class_="name"), grid.row(y + 18, values)])


def draw_chart(question: Question, labels: Sequence[str], *, width: Number, name: str) -> Markup:
    """The unit interval as it was divided (left over first, then each option), and the uniform number that fell in it.

    A number below the left-over mass is an ask; otherwise the option it falls in would have been done.
    """
    room, y, height = width - 2, 34.0, 30.0
    ask = question.ask if question.ask is not None and math.isfinite(question.ask) else None
    left = 0.0 if ask is None else min(max(ask, 0.0), 1.0)
    parts: list[Child] = [
        hatch(f"{name}-left", class_="ask-hatch"),
        rect(1, y, room, height, class_="track"),
        hatched(f"{name}-left", 1, y, room * left, height),
        rect(1, y, room * left, height, class_="ask-outline"),
        label(f"left over for asking: {real(ask)}", 1, 22, class_="ask-name"),
    ]
    start = left
    drawn = [(action, mass) for action, mass in enumerate(question.assent) if math.isfinite(mass) and mass > 0]
    for action, mass in drawn[:MAX_SEGMENTS]:
        if start >= 1:
            break
        share = min(mass, 1 - start)
        x, wide = 1 + room * start, room * share
        parts.append(rect(x, y, wide, height, class_="segment"))
        words = labels[action] if action < len(labels) else f"#{action}"
        if wide > 30:
            parts.append(label(fit(words, wide - 6, 12), x + wide / 2, y + 19, class_="on-segment", anchor="middle"))
        start += share
    bottom = y + height
    if question.u is not None and 0 <= question.u <= 1:
        x, words = 1 + room * question.u, f"the draw, u = {real(question.u)}"
        half = text_width(words, 12) / 2
        parts.append(path([(x, y - 3), (x, bottom + 3)], class_="draw"))
        parts.append(triangle(x, bottom + 3, 5, class_="draw-mark"))
        parts.append(label(words, min(max(x, half), width - half), bottom + 27, anchor="middle"))
    return document(
        name,
        *parts,
        width=width,
        height=bottom + 34,
        title="How the unit interval was divided",
        desc=f"Left over for asking: {real(ask)}; the draw was {real(question.u)}.",
    )


def picture(pixels: Sequence[Sequence[Number]], *, name: str, words: str) -> Markup:
    """A grey picture from rows of values in [0, 1], 0 black and 1 white; a cross marks a value that is not finite."""
    side = 10.0
    parts: list[Child] = []
    for r, row in enumerate(pixels):
        for c, value in enumerate(row):
            x, y = c * side, r * side
            if math.isfinite(value):
                grey = round(255 * min(max(value, 0.0), 1.0))
                parts.append(tag("rect", x=x, y=y, width=side, height=side, fill=f"#{grey:02x}{grey:02x}{grey:02x}"))
            else:
                parts.append(rect(x, y, side, side, class_="outline"))
                parts.append(cross(x + side / 2, y + side / 2, 3, class_="error"))
    return document(
        name,
        group(parts, shape_rendering="crispEdges"),  # else browsers leave seams between neighbouring cells
        width=side * max((len(r) for r in pixels), default=1),
        height=side * max(len(pixels), 1),
        title="The observation",
        desc=words,
    )


def _leads(question: Question, member: int) -> bool:
    return member < len(question.leading) and question.leading[member]


def _pick(values: Sequence[Number], index: int) -> Number:
    return values[index] if index < len(values) else math.nan
