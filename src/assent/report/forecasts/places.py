"""Where words go, so that none covers another: names beside the ends of lines, and values beside points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assent.report.figures.axes import FONT
from assent.report.svg import Child, fit, group, label, path, text_width
from assent.report.text import clean

BOLD = 1.14
"""How much wider bold words are, in the widest of the common fonts."""

PITCH = 14.0
"""From one line of words to the next."""


@dataclass(frozen=True)
class Area:
    """A rectangle in units of the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Area) -> bool:
        """Whether the two have a point in common inside of them."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: Area) -> bool:
        """Whether the other lies in this one."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom


@dataclass(frozen=True)
class Words:
    """One line of text at a point of its base line; `anchor` is `start`, `middle` or `end`."""

    text: str
    x: float
    y: float
    anchor: str = "start"

    @property
    def area(self) -> Area:
        """What the words cover, by the estimate of `svg.text_width`."""
        wide = text_width(self.text, FONT)
        left = self.x - {"start": 0.0, "middle": wide / 2, "end": wide}[self.anchor]
        return Area(left, self.y - 0.85 * FONT, left + wide, self.y + 0.25 * FONT)

    def drawn(self, class_: str = "value") -> Markup:
        """The text itself."""
        return label(self.text, self.x, self.y, class_=class_, anchor=None if self.anchor == "start" else self.anchor)


def first_free(candidates: Iterable[Words], *, room: Area, taken: Sequence[Area]) -> Words | None:
    """The first of the places that lies in the room and meets nothing that is taken; None where all do.

    >>> room, one = Area(0, 0, 200, 100), Words("1 %", 10, 50)
    >>> first_free([one, Words("1 %", 10, 30)], room=room, taken=[one.area])
    Words(text='1 %', x=10, y=30, anchor='start')
    """
    for words in candidates:
        if room.holds(words.area) and not any(words.area.meets(other) for other in taken):
            return words
    return None


def apart(wanted: Sequence[float], sizes: Sequence[float], *, low: float, high: float) -> list[float]:
    """Middles of things of these sizes, in order of what was wanted and as near to it as can be, so that none meets another.

    They stay between `low` and `high` while there is room; more of them than there is room for go on beyond `low`.

    >>> apart([5.0, 6.0, 50.0], [10.0, 10.0, 10.0], low=0.0, high=100.0)
    [5.0, 15.0, 50.0]
    """
    order = sorted(range(len(wanted)), key=lambda place: (wanted[place], place))
    found = list(wanted)
    edge = low
    for place in order:
        found[place] = max(wanted[place], edge + sizes[place] / 2)
        edge = found[place] + sizes[place] / 2
    edge = high
    for place in reversed(order):
        found[place] = min(found[place], edge - sizes[place] / 2)
        edge = found[place] - sizes[place] / 2
    return found


@dataclass(frozen=True)
class End:
    """Where a line or an area ends at the right, and its name in a class of its own."""

    y: float
    name: str
    class_: str


def end_names(ends: Sequence[End], *, x: float, width: float, low: float, high: float) -> Markup:
    """Names at the right of a plot area that ends at `x`, pushed apart, each with a thin leader to its end.

    A long name takes up to three lines while there is room for all between `low` and `high`, and ends in an ellipsis beyond that.
    """
    said = _shortest([end.name for end in ends], (width - x - 16) / BOLD, tall=high - low)
    middles = apart([end.y for end in ends], [_tall(lines) for lines in said], low=low, high=high)
    parts: list[Child] = []
    for end, lines, middle in zip(ends, said, middles, strict=True):
        parts.append(path([(x + 2, end.y), (x + 10, middle)], class_="leader"))
        first = middle + 4 - PITCH * (len(lines) - 1) / 2
        parts += [
            label(text, x + 13, first + PITCH * place, class_=f"end {end.class_}") for place, text in enumerate(lines)
        ]
    return group(parts)


def end_room(names: Sequence[str], width: float) -> float:
    """Room at the right of the plot area for such names: as much as the longest needs, and at most about a third of the drawing."""
    longest = max((text_width(name, BOLD * FONT) for name in names), default=0.0)
    return min(longest + 20.0, (0.36 if width < 600 else 0.33) * width)


def flag_rows(places: Sequence[float], widths: Sequence[float], *, most: int) -> list[int | None]:
    """In which row above a plot area each flag flies, 0 the lowest; None for one that finds no room in `most` rows.

    A flag hangs at the left of its pole, which goes down from it, so that it must meet no pole and no flag at its left.

    Args:
        places: of the poles, ascending.
        widths: of the flags.

    >>> flag_rows([100.0, 110.0, 200.0], [40.0, 40.0, 40.0], most=5)
    [0, 1, 0]
    """
    rows: list[int | None] = []
    for place, wide in zip(places, widths, strict=True):
        met = [row for other, row in zip(places, rows, strict=False) if row is not None and other > place - wide]
        row = 1 + max(met, default=-1)
        rows.append(row if row < most else None)
    return rows


def wrapped(text: str, room: float, *, most: int) -> list[str]:
    """The text in at most so many lines, broken at spaces and after hyphens; the last ends in an ellipsis where that is not enough.

    >>> wrapped("25 % researcher-years", 100.0, most=3), wrapped("25 % researcher-years", 100.0, most=2)
    (['25 %', 'researcher-', 'years'], ['25 %', 'researcher-y…'])
    """
    pieces = [piece for piece in re.split(r"(?<=-)| ", clean(text)) if piece]
    lines: list[str] = []
    for place, piece in enumerate(pieces):
        if lines and text_width(_joined([lines[-1], piece]), FONT) <= room:
            lines[-1] = _joined([lines[-1], piece])
        elif len(lines) == most:
            lines[-1] = fit(_joined([lines[-1], *pieces[place:]]), room, FONT)
            break
        else:
            lines.append(fit(piece, room, FONT))
    return lines or [""]


def _joined(pieces: Sequence[str]) -> str:
    """Pieces of a text with spaces between them, but for those that end in a hyphen."""
    return "".join(piece if piece.endswith("-") else f"{piece} " for piece in pieces).strip()


def _shortest(names: Sequence[str], room: float, *, tall: float) -> list[list[str]]:
    """Each name in up to three lines, or fewer where all together would be taller than `tall`."""
    for most in (3, 2):
        said = [wrapped(name, room, most=most) for name in names]
        if sum(map(_tall, said)) <= tall:
            return said
    return [wrapped(name, room, most=1) for name in names]


def _tall(lines: Sequence[str]) -> float:
    return PITCH * len(lines) + 2
