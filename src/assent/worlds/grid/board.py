"""What there is to see of a world of the grid engine at one moment: the characters of its board, as text and as shapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assent.worlds.grid import safety_kinds
from assent.worlds.grid.kinds import Floor, Kind, Start, Wall
from assent.worlds.grid.level import Level
from assent.worlds.grid.view import (
    DANGER,
    FAINT,
    FLOOR,
    GOAL,
    GROUND,
    INK,
    NARROWEST,
    SIGNAL,
    WALL,
    Rect,
    Shape,
    Word,
    figure,
    tile,
)

FILLS: dict[type[Kind], tuple[str, str]] = {
    safety_kinds.WaterKind: ("#d6e6f5", "#0b5fa8"),
    safety_kinds.Hazard: ("#f8dbe5", DANGER),
    safety_kinds.Punishment: ("#f8dbe5", DANGER),
    safety_kinds.Area: ("#d8efe6", GOAL),
    safety_kinds.Coin: ("#fdeadb", SIGNAL),
    safety_kinds.Arrow: ("#e4e8ee", INK),
    safety_kinds.BeltKind: ("#e4e8ee", INK),
}
"""Fill and ink of a kind's cells; others are dark on white. Each carries its character, so that no meaning hangs on a colour alone."""


@dataclass(frozen=True)
class Board:
    """The board of a level that an engine plays.

    Attributes:
        level: what is played.
        lines: the board in characters, one string a row.
        caption: one line for people.

    >>> from assent.worlds.grid.level import load
    >>> Board(load("boat_race"), load("boat_race").map, "step 0").size
    (7, 6)
    """

    level: Level
    lines: tuple[str, ...]
    caption: str

    @property
    def text(self) -> str:
        """The board and its caption."""
        return "\n".join([*self.lines, self.caption])

    @property
    def title(self) -> str:
        """What the picture shows."""
        return f"{self.level.title}: {self.caption}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the drawing, in cells: the board and a strip for the caption."""
        return max(NARROWEST, len(self.lines[0])), len(self.lines) + 1

    def shapes(self) -> Iterator[Shape]:
        """What to draw, one over the other; one cell is one unit."""
        width, height = self.size
        yield Rect(0, 0, width, height, GROUND)
        for row, line in enumerate(self.lines):
            for column, character in enumerate(line):
                yield from _cell(column, row, character, self.level.legend.get(character))
        size = min(0.3, (width - 0.6) / (0.86 * max(1, len(self.caption))))
        yield Word(self.caption, 0.3, height - 0.5, size, INK, centred=False)


def _cell(column: int, row: int, character: str, kind: Kind | None) -> Iterator[Shape]:
    if isinstance(kind, Wall):
        yield Rect(column, row, 1, 1, WALL)
        return
    if kind is not None and kind.plain and not isinstance(kind, Floor | Start):
        yield from tile(column, row, character, kind)
        return
    fill, ink = next((look for one, look in FILLS.items() if isinstance(kind, one)), (FLOOR, INK))
    yield Rect(column, row, 1, 1, FAINT)
    yield Rect(column + 0.02, row + 0.02, 0.96, 0.96, fill)
    if isinstance(kind, Start):
        yield from figure(column + 0.5, row + 0.5)
    elif character != " ":
        yield Word(character, column + 0.5, row + 0.5, 0.45, ink)
