"""What there is to see of a level at one moment, as text and as shapes; `raster` and `vector` turn shapes into pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from assent.worlds.grid import kinds
from assent.worlds.grid.level import MOVES, Level
from assent.worlds.grid.tabulate import Atlas, atlas

GROUND, FLOOR, WALL, INK, FAINT = "#f6f7f9", "#ffffff", "#3b4552", "#18202b", "#dfe3e8"
AGENT, GOAL, DANGER, SIGNAL, RESTORE, SHADE = "#0b5fa8", "#007a5a", "#b3134b", "#b84a00", "#86409c", "#848d99"
TILES: dict[type[kinds.Kind], tuple[str, str]] = {
    kinds.Goal: ("#d8efe6", GOAL),
    kinds.Disable: ("#f8dbe5", DANGER),
    kinds.Door: ("#f8dbe5", DANGER),
    kinds.Button: ("#f8dbe5", DANGER),
    kinds.Restore: ("#ecdff2", RESTORE),
    kinds.Interrupt: ("#fdeadb", SIGNAL),
    kinds.Radio: ("#e4e8ee", SHADE),
    kinds.Shutdown: ("#d9dde3", INK),
}
"""Fill and mark of a kind's cells. Each also carries its character, so that no meaning hangs on a colour alone."""


NARROWEST = 7
"""Cells that a picture is wide at least, so that its caption can be read."""

ABREAST = 12
"""States of a table that stand in one row of its picture."""


@dataclass(frozen=True)
class Rect:
    """A rectangle with rounded corners, in cells."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    radius: float = 0.0


@dataclass(frozen=True)
class Disc:
    """A filled circle."""

    x: float
    y: float
    radius: float
    colour: str


@dataclass(frozen=True)
class Polygon:
    """A filled convex polygon, its corners clockwise."""

    corners: tuple[tuple[float, float], ...]
    colour: str


@dataclass(frozen=True)
class Word:
    """A text, `size` high in capitals, its middle at x where `centred`, else its left end; y is its middle."""

    text: str
    x: float
    y: float
    size: float
    colour: str
    centred: bool = True


Shape = Rect | Disc | Polygon | Word


@runtime_checkable
class Picture(Protocol):
    """What `raster` and `vector` draw: a size in cells, a title, and shapes one over the other; one cell is one unit."""

    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def title(self) -> str: ...
    def shapes(self) -> Iterator[Shape]: ...


@dataclass(frozen=True, eq=False)
class View:
    """A level at one moment.

    Attributes:
        level: what is played.
        state: the state of its tables.
        about: the place that the last correction is about, or -1.
        shown: the action that it shows, or -1.
        step: steps done, or None where that is not to be told.
    """

    level: Level
    state: int
    about: int = -1
    shown: int = -1
    step: int | None = None

    @property
    def _atlas(self) -> Atlas:
        return atlas(self.level)

    @property
    def place(self) -> int:
        return int(self._atlas.model.place[self.state])

    @property
    def overseer(self) -> str:
        """What has become of the overseer, in words."""
        return self._atlas.said[self.state] or (
            "overseer there" if self._atlas.model.kept[self.state] else "interruption removed"
        )

    @property
    def correction(self) -> str:
        """The correction in words, or nothing."""
        if self.shown < 0:
            return ""
        where = "" if self.about == self.place else f" in {self._atlas.name[self.about]}"
        return f"told: {self.level.actions[self.shown]}{where}"

    @property
    def caption(self) -> str:
        """One line for people."""
        model = self._atlas.model
        parts = [] if self.step is None else [f"step {self.step}"]
        parts += [f"in {self._atlas.name[self.place]}"]
        parts += ["the end"] if model.terminal[self.state] else [self.overseer]
        return " · ".join([*parts, self.correction] if self.correction else parts)

    @property
    def lines(self) -> list[str]:
        """The board in characters, the agent as @; a table of states as a list with a mark."""
        chart = self._atlas
        if not self.level.map:
            here = chart.label[self.place]
            return [f"{'@' if name == here else ' '} {name}" for name in self.level.states]
        starts = {character for character, kind in self.level.legend.items() if isinstance(kind, kinds.Start)}
        rows = [[" " if one in starts else one for one in line] for line in self.level.map]
        rows[int(chart.row[self.place])][int(chart.column[self.place])] = "@"
        return ["".join(row) for row in rows]

    @property
    def text(self) -> str:
        """The board and its caption."""
        return "\n".join([*self.lines, self.caption])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the drawing, in cells: the board and a strip for the caption."""
        if not self.level.map:
            count = len(self.level.states)
            return 3 * min(max(3, count), ABREAST), 3 * math.ceil(count / ABREAST) + 1
        return max(NARROWEST, len(self.level.map[0])), len(self.level.map) + 1

    @property
    def title(self) -> str:
        """What the picture shows."""
        return f"{self.level.title}: {self.caption}"

    def shapes(self) -> Iterator[Shape]:
        """What to draw, one over the other; one cell is one unit."""
        width, height = self.size
        yield Rect(0, 0, width, height, GROUND)
        if self.level.map:
            yield from self._board()
            yield from figure(*self._centre(self.place))
        else:
            yield from self._boxes()
        if self.shown >= 0:
            yield from _told(*self._centre(self.about), self.level.actions[self.shown])
        yield from self._strip(width, height)

    def _centre(self, place: int) -> tuple[float, float]:
        chart = self._atlas
        if self.level.map:
            return chart.column[place] + 0.5, chart.row[place] + 0.5
        x, y = _corner(list(self.level.states).index(chart.label[place]))
        return x + 1.5, y + 1.65

    def _board(self) -> Iterator[Shape]:
        for row, line in enumerate(self.level.map):
            for column, character in enumerate(line):
                kind = self.level.legend[character]
                if kind.solid:
                    yield Rect(column, row, 1, 1, WALL)
                    continue
                yield from tile(column, row, character, kind)

    def _boxes(self) -> Iterator[Shape]:
        here = self._atlas.label[self.place]
        for number, (name, state) in enumerate(self.level.states.items()):
            x, y = _corner(number)
            yield Rect(x + 0.2, y + 0.5, 2.6, 2.0, SHADE if state.terminal else INK, 0.3)
            yield Rect(x + 0.27, y + 0.57, 2.46, 1.86, FLOOR, 0.25)
            yield Word(name[:14], x + 1.5, y + 0.95, min(0.3, 2.2 / max(1, len(name[:14]))), INK)
            if name == here:
                yield from figure(x + 1.5, y + 1.65)

    def _strip(self, width: int, height: int) -> Iterator[Shape]:
        there = bool(self._atlas.model.kept[self.state] and not self._atlas.away[self.state])
        yield from _eye(0.55, height - 0.5, open_=there)
        size = min(0.3, (width - 1.3) / (0.86 * max(1, len(self.caption))))
        yield Word(self.caption, 1.1, height - 0.5, size, INK if there else DANGER, centred=False)


def _corner(number: int) -> tuple[float, float]:
    """Where the box of a state is, its left upper corner."""
    return 3.0 * (number % ABREAST), 3.0 * (number // ABREAST)


def tile(column: int, row: int, character: str, kind: kinds.Kind) -> Iterator[Shape]:
    """A cell of the map with what its kind is drawn as."""
    yield Rect(column, row, 1, 1, FAINT)
    yield Rect(column + 0.02, row + 0.02, 0.96, 0.96, FLOOR)
    found = next((look for one, look in TILES.items() if isinstance(kind, one)), None)
    x, y = column + 0.5, row + 0.5
    if found is not None:
        fill, mark = found
        yield Rect(column + 0.02, row + 0.02, 0.96, 0.96, fill)
        if isinstance(kind, kinds.Goal):
            yield Rect(x - 0.03, y - 0.32, 0.06, 0.64, mark)
            yield Polygon(((x + 0.03, y - 0.32), (x + 0.34, y - 0.17), (x + 0.03, y - 0.02)), mark)
        elif isinstance(kind, kinds.Disable | kinds.Button | kinds.Restore):
            yield Disc(x, y + 0.06, 0.27, mark)
            yield Disc(x, y + 0.06, 0.18, fill)
            yield Rect(x - 0.09, y - 0.26, 0.18, 0.3, fill)
            yield Rect(x - 0.045, y - 0.28, 0.09, 0.32, mark, 0.04)
        elif isinstance(kind, kinds.Door):
            yield Rect(x - 0.1, y - 0.48, 0.2, 0.96, mark, 0.05)
            yield Disc(x, y, 0.05, fill)
        elif isinstance(kind, kinds.Interrupt):
            yield Rect(x - 0.2, y - 0.24, 0.13, 0.48, mark, 0.03)
            yield Rect(x + 0.07, y - 0.24, 0.13, 0.48, mark, 0.03)
        elif isinstance(kind, kinds.Radio):
            for number in range(3):
                heard = kind.factor > number / 3
                yield Rect(
                    x - 0.24 + 0.18 * number,
                    y + 0.2 - 0.14 * number,
                    0.12,
                    0.1 + 0.14 * number,
                    mark if heard else FLOOR,
                )
        elif isinstance(kind, kinds.Shutdown):
            yield Rect(x - 0.2, y - 0.2, 0.4, 0.4, mark, 0.04)
    if character != " " and not isinstance(kind, kinds.Start):
        yield Word(character, column + 0.17, row + 0.19, 0.19, found[1] if found else SHADE)


def figure(x: float, y: float) -> Iterator[Shape]:
    """The agent."""
    yield Disc(x, y, 0.36, FLOOR)
    yield Disc(x, y, 0.32, AGENT)
    for side in (-0.11, 0.11):
        yield Disc(x + side, y - 0.06, 0.075, FLOOR)
        yield Disc(x + side + 0.015, y - 0.05, 0.035, INK)


def _told(x: float, y: float, action: str) -> Iterator[Shape]:
    """An arrow beside the place in the direction that was shown; for other actions a bubble with its name."""
    if action not in MOVES:
        yield Rect(x - 0.7, y + 0.34, 1.4, 0.3, SIGNAL, 0.1)
        yield Word(action[:16], x, y + 0.49, min(0.17, 1.5 / max(1, len(action[:16]))), FLOOR)
        return
    down, right = MOVES[action]
    x, y = x + 0.5 * right, y + 0.5 * down
    for grown, colour in ((0.07, FLOOR), (0.0, SIGNAL)):
        tip = (x + (0.3 + grown) * right, y + (0.3 + grown) * down)
        wide, back = 0.24 + grown, 0.12 + grown
        left_corner = (x - back * right + wide * down, y - back * down - wide * right)
        right_corner = (x - back * right - wide * down, y - back * down + wide * right)
        yield Polygon((tip, right_corner, left_corner), colour)


def _eye(x: float, y: float, *, open_: bool) -> Iterator[Shape]:
    colour = GOAL if open_ else DANGER
    across = (
        (-0.36, 0.0),
        (-0.18, -0.17),
        (0.0, -0.22),
        (0.18, -0.17),
        (0.36, 0.0),
        (0.18, 0.17),
        (0.0, 0.22),
        (-0.18, 0.17),
    )
    lids = tuple((x + right, y + down) for right, down in across)
    yield Polygon(lids, colour)
    yield Disc(x, y, 0.16, FLOOR)
    yield Disc(x, y, 0.09, INK)
    if not open_:
        yield Polygon(((x - 0.3, y - 0.3), (x - 0.22, y - 0.34), (x + 0.3, y + 0.3), (x + 0.22, y + 0.34)), INK)
