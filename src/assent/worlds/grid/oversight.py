"""What becomes of the overseer: removed, weakened, brought back, away, in which phase; and what it does and costs then."""

from __future__ import annotations

from typing import NamedTuple

from assent.worlds.grid.kinds import Disable, Door, Interrupt, Radio, Restore
from assent.worlds.grid.level import Level
from assent.worlds.grid.moving import REMOVED, Place


class Mode(NamedTuple):
    """What has become of the overseers.

    `phase` counts steps since a scheduled correction was due; `away` says that nobody is there, where presence is drawn; `first` and
    `second`, in [0, 1], are what is left of each overseer's rate: 0 is removed, until something restores it.
    """

    phase: int
    away: bool
    first: float
    second: float

    def said(self, outset: Mode) -> str:
        """The mode for people; nothing where the overseer is as at the start."""
        parts = [f"step {self.phase} after"] if self.phase else []
        parts += ["overseer away"] if self.away else []
        for name, now, then in (("overseer", self.first, outset.first), ("stand-in", self.second, outset.second)):
            if now != then:
                parts.append(f"{name} removed" if now == 0 else f"{name} at {now:g}")
        return ", ".join(parts)


class Terms(NamedTuple):
    """The chance of a correction and the cost of a step begun in a state, and whether the overseer is there as at the start."""

    rate: float
    cost: float
    kept: bool


def first(level: Level) -> Mode:
    """The mode at the start: everybody there."""
    return Mode(0, False, 1.0, 0.0 if level.overseer.second_rate is None else 1.0)


def present_modes(level: Level) -> list[tuple[Mode, float]]:
    """The modes a life may begin in, with their chances."""
    overseer, mode = level.overseer, first(level)
    if overseer.present == 1 or not overseer.seen:
        return [(mode, 1.0)]
    return [(mode, overseer.present), (mode._replace(away=True), 1 - overseer.present)]


def after(level: Level, mode: Mode, action: str, place: Place, there: Place) -> list[tuple[Mode, float]]:
    """The modes after a step from `place` to `there`, with their chances: first what the action does, then what the place entered does."""
    overseer = level.overseer
    if action in overseer.disable:
        mode = mode._replace(first=0.0)
    if action in overseer.weaken:
        mode = mode._replace(first=min(mode.first, overseer.factor))
    if action in overseer.restore:
        mode = _restored(level, mode)
    if level.map and (there.row, there.column) != (place.row, place.column):
        mode = _entered(level, mode, there)
    if level.process.trigger == "schedule":
        mode = mode._replace(phase=(mode.phase + 1) % level.process.every)
    if overseer.present == 1 or not overseer.seen or overseer.drawn == "life":
        return [(mode, 1.0)]
    return [(mode._replace(away=False), overseer.present), (mode._replace(away=True), 1 - overseer.present)]


def _entered(level: Level, mode: Mode, there: Place) -> Mode:
    match level.kind(there.row, there.column):
        case Disable(factor=factor, overseer=2):
            return mode._replace(second=min(mode.second, factor))
        case Disable(factor=factor):
            return mode._replace(first=min(mode.first, factor))
        case Door():
            return mode._replace(first=0.0, second=0.0)
        case Restore():
            return _restored(level, mode)
        case _:
            return mode


def _restored(level: Level, mode: Mode) -> Mode:
    outset = first(level)
    return mode._replace(first=outset.first, second=outset.second)


def terms(level: Level, place: Place, mode: Mode) -> Terms:
    """What the overseers do and cost in a step begun in `place`. A stand-in speaks, and is paid, once the first is removed.

    Where a life is over nobody speaks and nobody is paid.
    """
    process, overseer, outset = level.process, level.overseer, first(level)
    kept = (mode.first, mode.second) == (outset.first, outset.second) and place.interruption != REMOVED
    kind = level.kind(place.row, place.column) if level.map else None
    standing_in = mode.first == 0 and mode.second > 0
    rate = mode.second * (overseer.second_rate or 0.0) if standing_in else mode.first * process.rate
    cost = overseer.second_cost if standing_in else process.cost * (mode.first > 0)
    if isinstance(kind, Interrupt) and kind.informative and rate_left(mode) and place.interruption != REMOVED:
        rate = kind.p * rate_left(mode)
    if isinstance(kind, Radio):
        rate, cost = rate * kind.factor, cost * kind.cost_factor
    if overseer.shown_in and level.map[place.row][place.column] not in overseer.shown_in:
        rate = 0.0
    if overseer.present < 1 and not overseer.seen:
        rate, cost = rate * overseer.present, cost * overseer.present
    silent = mode.away or mode.phase != 0 or place.ended or (not level.map and level.states[place.state].silent)
    return Terms(0.0 if silent else float(rate), 0.0 if mode.away or place.ended else float(cost), kept)


def rate_left(mode: Mode) -> float:
    """What is left of the rate of whoever speaks."""
    return mode.first if mode.first > 0 else mode.second
