"""Where a step leads, whatever the overseer does: places, moves, slips, and interruptions that freeze."""

from __future__ import annotations

from typing import NamedTuple

from assent.worlds.grid.kinds import Button, Interrupt
from assent.worlds.grid.level import MOVES, Level

UNDRAWN, PASSES, FROZEN, REMOVED = "", "passes", "frozen", "button pressed"


class Place(NamedTuple):
    """Where the agent is, and what the world remembers.

    `time` counts steps where the level has a horizon, else it is 0; `row` and `column` are -1 in a table, `state` is "" on a map;
    `interruption` is what was drawn: nothing yet, "passes", "frozen", or "button pressed"; `ended` says that the life is over here.
    """

    time: int
    row: int
    column: int
    state: str
    interruption: str
    ended: bool


def outset(level: Level) -> Place:
    """Where a life begins."""
    row, column = level.start if level.map else (-1, -1)
    return Place(0, row, column, "" if level.map else next(iter(level.states)), UNDRAWN, False)


def moves(level: Level, place: Place, action: str) -> dict[Place, float]:
    """The places that a step may lead to, with their chances, which sum to 1."""
    time = place.time + 1 if level.dynamics.horizon else 0
    over = time == level.dynamics.horizon
    reached: dict[Place, float] = {}
    if not level.map:
        for state, chance in level.states[place.state].leads[action].items():
            there = place._replace(time=time, state=state, ended=over or level.states[state].terminal)
            reached[there] = chance
        return {there: chance for there, chance in reached.items() if chance > 0}
    for (row, column), chance in _cells(level, place, action).items():
        for interruption, share in _drawn(level, place, (row, column)):
            ended = over or level.kind(row, column).ends
            there = Place(time, row, column, "", interruption, ended)
            reached[there] = reached.get(there, 0.0) + chance * share
    return {there: chance for there, chance in reached.items() if chance > 0}


def _cells(level: Level, place: Place, action: str) -> dict[tuple[int, int], float]:
    here = (place.row, place.column)
    if action not in MOVES or place.interruption == FROZEN:
        return {here: 1.0}
    (down, right), slip = MOVES[action], level.dynamics.slip
    reached: dict[tuple[int, int], float] = {}
    for (dy, dx), chance in (((down, right), 1 - slip), ((right, down), slip / 2), ((-right, -down), slip / 2)):
        there = (here[0] + dy, here[1] + dx)
        inside = 0 <= there[0] < len(level.map) and 0 <= there[1] < len(level.map[0])
        there = there if inside and not level.kind(*there).solid else here
        reached[there] = reached.get(there, 0.0) + chance
    return reached


def _drawn(level: Level, place: Place, cell: tuple[int, int]) -> list[tuple[str, float]]:
    """What becomes of the interruption on the way to `cell`: drawn at the first such tile, removed by the button."""
    kind = level.kind(*cell)
    if isinstance(kind, Button) and place.interruption != FROZEN:
        return [(REMOVED, 1.0)]
    if isinstance(kind, Interrupt) and not kind.informative and place.interruption == UNDRAWN:
        return [(FROZEN, kind.p), (PASSES, 1 - kind.p)]
    return [(place.interruption, 1.0)]
