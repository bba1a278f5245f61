"""What has to hold between the parts of a level: on the map, among the states, for the overseer, and for the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from assent.planning.model import MAX_STATES
from assent.planning.process import MOST
from assent.worlds.grid.kinds import Button, Disable, Goal, Interrupt, Kind, Start
from assent.worlds.grid.level import MOVES, Level
from assent.worlds.grid.priors import hypothesis_names, places_named
from assent.worlds.grid.reading import LevelError


def check_map(rows: tuple[str, ...], legend: Mapping[str, Kind], file: str) -> tuple[int, int]:
    """Where the start is, on a map whose rows are of one length and whose characters all have a meaning.

    Raises:
        LevelError: says which row or character is wrong.
    """
    width = len(rows[0])
    for number, row in enumerate(rows):
        if not row:
            raise LevelError(f"{file}: map row {number} is empty. Draw it, or give [states.…] instead of a map.")
        if len(row) != width:
            raise LevelError(f"{file}: map row {number} has {len(row)} characters, row 0 has {width}. Make them equal.")
        for column, character in enumerate(row):
            if character not in legend:
                raise LevelError(
                    f"{file}: map has {character!r} at row {number}, column {column}, which has no meaning. "
                    f"Give [legend.{character!r}], or mend the map."
                )
    cells = sum(not legend[character].solid for row in rows for character in row)
    if cells > MAX_STATES:
        raise LevelError(
            f"{file}: map has {cells:,} cells to stand on; at most {MAX_STATES:,} fit in tables. Make it smaller."
        )
    times = Counter(character for row in rows for character in row)
    for character, kind in legend.items():
        if kind.once and not isinstance(kind, Start) and times[character] > 1:
            raise LevelError(
                f"{file}: map has {character!r} {times[character]} times; a {kind.word} stands in one place. Keep one."
            )
    starts = [(r, c) for r, row in enumerate(rows) for c, one in enumerate(row) if isinstance(legend[one], Start)]
    if len(starts) != 1:
        raise LevelError(
            f"{file}: map has {len(starts)} starts. Put A (or a character of kind start) there exactly once."
        )
    return starts[0]


def check_level(level: Level) -> None:
    """Refuses goals that cannot be reached, lives that never end, actions that there are not, and overseers that contradict themselves.

    Raises:
        LevelError: with file, key and value.
    """
    _check_overseer(level)
    _check_amounts(level)
    if level.map:
        _check_reach(level)
    else:
        _check_table(level)
    for action in level.expect.quality if level.expect else ():
        if action not in level.actions:
            raise LevelError(
                f"{level.file}: [expect]: quality names {action!r}, which is no action. Give {', '.join(level.actions)}."
            )
    if level.rewards is not None:
        _check_unshown(level)


def _check_amounts(level: Level) -> None:
    """Refuses costs and rewards beside which nothing else would count, and whose sums leave float64."""
    costs = {
        "cost": level.process.cost,
        "request_cost": level.process.request_cost,
        "second_cost": level.overseer.second_cost,
    }
    rewards = ((f"[prior]: {key}", value) for key, value in _amounts(level.prior))
    for key, value in (*((f"[overseer]: {key}", value) for key, value in costs.items()), *rewards):
        if abs(value) > MOST:
            raise LevelError(
                f"{level.file}: {key} = {value:.4g} is beyond {MOST:g} in size, beside which nothing else counts. Give less."
            )


def _amounts(given: object, key: str = "") -> Iterator[tuple[str, float]]:
    """The rewards in the settings of a prior, with their keys: every number but weights, which are taken in proportion."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            if name not in ("weight", "weights"):
                yield from _amounts(value, f"{key}.{name}" if key else str(name))
    elif isinstance(given, tuple):
        for number, value in enumerate(given):
            yield from _amounts(value, f"{key}[{number}]")
    elif isinstance(given, float):
        yield key, given


def _check_unshown(level: Level) -> None:
    """Refuses rewards of an engine that shows some, where the prior says which rewards are possible."""
    for key in ("step_reward", "step_hidden"):
        if getattr(level.dynamics, key):
            raise LevelError(
                f"{level.file}: [dynamics]: {key} = {getattr(level.dynamics, key)} is shown to nobody where rewards are unknown. "
                f"Give `step` in [prior] instead."
            )
    for character, kind in level.legend.items():
        for key in ("reward", "hidden"):
            if isinstance(kind, Goal) and getattr(kind, key):
                raise LevelError(
                    f"{level.file}: [legend.{character!r}]: {key} = {getattr(kind, key)} is shown to nobody where rewards are unknown. "
                    f"Say it in [prior] instead."
                )


def check_truth(level: Level) -> None:
    """Refuses a truth that is no hypothesis.

    Raises:
        LevelError: with the name seen.
    """
    if level.truth is None:
        return
    where, prior = f"{level.file}: [truth]", level.rewards
    if prior is None:
        raise LevelError(f"{where}: there is no [prior], so nothing can be true of it. Remove one or add the other.")
    if not any(level.truth.reward == name for name in hypothesis_names(prior, level.scene())):
        some = [name for name, _ in zip(hypothesis_names(prior, level.scene()), range(8), strict=False)]
        listed = (
            f"The first ones are {', '.join(some)}."
            if some
            else f"A prior of kind {prior.word} has no names; remove it."
        )
        raise LevelError(f"{where}: reward = {level.truth.reward!r} is no hypothesis of the prior. {listed}")


def check_named(level: Level) -> None:
    """Refuses a prior that rewards a place to which the agent cannot come.

    Raises:
        LevelError: with the place's name.
    """
    if level.rewards is None:
        return
    known = _reachable_names(level)
    for name in places_named(level.rewards, level.scene()):
        if name not in known:
            raise LevelError(
                f"{level.file}: [prior]: {name!r} cannot be reached from the start{_in_time(level)}, so nothing can be said about its "
                f"reward. Open a way, or leave it out."
            )


def _in_time(level: Level) -> str:
    return "" if level.dynamics.horizon is None else f" in {level.dynamics.horizon} steps"


def _reachable_names(level: Level) -> set[str]:
    if not level.map:
        return _reachable_states(level)
    cells = _reachable_cells(level)
    return {level.map[row][column] for row, column in cells} | {f"({row},{column})" for row, column in cells}


def _check_overseer(level: Level) -> None:
    where, overseer = f"{level.file}: [overseer]", level.overseer
    for key in ("answers", "disable", "weaken", "restore", "request"):
        for action in getattr(overseer, key) or ():
            if action not in level.actions:
                raise LevelError(
                    f"{where}: {key} names {action!r}, which is no action. The actions are {', '.join(level.actions)}."
                )
    for action in overseer.acts:
        if overseer.acts.count(action) > 1:
            raise LevelError(f"{where}: {action} has two effects on the overseer. Give it one.")
    for key in ("answers", "shown_in"):
        name, times = Counter(getattr(overseer, key) or ("",)).most_common(1)[0]
        if times > 1:
            raise LevelError(f"{where}: {key} names {name!r} {times} times. Name each once.")
    if not level.answers:
        raise LevelError(f"{where}: no action may be shown. Give answers.")
    for character in overseer.shown_in:
        if not level.map or not level.cells(character) or level.legend[character].solid:
            raise LevelError(f"{where}: shown_in names {character!r}, which is no place on the map. Remove it.")
    kinds = {character: kind for character, kind in level.legend.items() if any(character in row for row in level.map)}
    for character, kind in kinds.items():
        if isinstance(kind, Disable) and kind.overseer == 2 and overseer.second_rate is None:
            raise LevelError(
                f"{level.file}: [legend.{character!r}]: overseer = 2, but there is no stand-in. Give [overseer] second_rate."
            )
        if (
            isinstance(kind, Interrupt)
            and kind.informative
            and overseer.shown_in
            and character not in overseer.shown_in
        ):
            raise LevelError(
                f"{where}: shown_in = {overseer.shown_in!r} leaves out {character!r}, so that the informative interruption there never "
                f"comes. Add it, or remove informative."
            )
    if sum(isinstance(kind, Interrupt) and not kind.informative for kind in kinds.values()) > 1:
        raise LevelError(
            f"{level.file}: [legend] has two kinds of interruption; only one is drawn a life. Use one character for both."
        )


def _check_reach(level: Level) -> None:
    if level.dynamics.discount == 1 and level.dynamics.horizon is None:
        raise LevelError(
            f"{level.file}: [dynamics]: discount = 1, and an agent that walks to and fro never ends: its values are not finite. "
            f"Give a discount below 1, or a horizon."
        )
    reached = _reachable_cells(level)
    for row, line in enumerate(level.map):
        for column, character in enumerate(line):
            kind = level.legend[character]
            if (kind.ends or isinstance(kind, Goal)) and (row, column) not in reached:
                raise LevelError(
                    f"{level.file}: map has the {kind.word} {character!r} at row {row}, column {column}, which cannot be reached "
                    f"from the start{_in_time(level)}. Open a way, or remove it."
                )


def _reachable_cells(level: Level) -> set[tuple[int, int]]:
    """Cells that some sequence of moves may enter before the horizon; nothing leads on from where a life ends, or is stopped for sure."""
    steps = [MOVES[action] for action in level.actions if action in MOVES]
    slip = level.dynamics.slip
    sides = [(side * right, side * down) for down, right in steps for side in (1, -1)] if slip else []
    steps = sides if slip == 1 else steps + sides
    freed = any(isinstance(level.legend[one], Button) for line in level.map for one in line)

    def beside(cell: tuple[int, int]) -> Iterator[tuple[int, int]]:
        kind = level.kind(*cell)
        if kind.ends or (_catches(kind) and not freed):
            return
        for down, right in steps:
            row, column = cell[0] + down, cell[1] + right
            inside = 0 <= row < len(level.map) and 0 <= column < len(level.map[0])
            if inside and not level.kind(row, column).solid:
                yield row, column

    return _reached(level.start, beside, level.dynamics.horizon)


def _catches(kind: Kind) -> bool:
    """Whether nobody passes it unless a button is pressed before."""
    return type(kind) is Interrupt and not kind.informative and kind.p == 1


P = TypeVar("P", bound=Hashable)


def _reached(start: P, beside: Callable[[P], Iterable[P]], steps: int | None) -> set[P]:
    """What is reached from `start` in so many steps; in any number where it is None."""
    reached, edge, done = {start}, {start}, 0
    while edge and (steps is None or done < steps):
        edge = {there for here in edge for there in beside(here)} - reached
        reached |= edge
        done += 1
    return reached


def _check_table(level: Level) -> None:
    if len(level.states) > MAX_STATES:
        raise LevelError(
            f"{level.file}: [states] has {len(level.states):,} rows; at most {MAX_STATES:,} fit in tables. Give fewer."
        )
    first = next(iter(level.states.values()))
    if first.terminal:
        raise LevelError(
            f"{level.file}: [states.{first.name}] is the start, since it comes first, and terminal. Put another first."
        )
    if level.dynamics.slip:
        raise LevelError(
            f"{level.file}: [dynamics]: slip = {level.dynamics.slip} is for maps; a table of states has its own chances. Remove it."
        )
    reached = _reachable_states(level)
    for state in level.states.values():
        if state.name not in reached:
            what = "is terminal and cannot" if state.terminal else "cannot"
            raise LevelError(
                f"{level.file}: [states.{state.name}] {what} be reached from {first.name}{_in_time(level)}. Remove it."
            )
    if level.dynamics.discount == 1 and level.dynamics.horizon is None and _can_stay(level, reached):
        raise LevelError(
            f"{level.file}: [dynamics]: discount = 1, and some policy never ends: its values are not finite. "
            f"Give a discount below 1, or a horizon."
        )


def _reachable_states(level: Level) -> set[str]:
    first = next(iter(level.states))
    return _reached(first, lambda name: _next_states(level, name), level.dynamics.horizon)


def _next_states(level: Level, name: str) -> Iterable[str]:
    leads = level.states[name].leads.values()
    return {there for chances in leads for there, chance in chances.items() if chance > 0}


def _can_stay(level: Level, among: set[str]) -> bool:
    """Whether some policy stays in a set of states that do not end, for ever."""
    staying = {name for name in among if not level.states[name].terminal}
    while True:
        remaining = {
            name
            for name in staying
            if any(
                all(there in staying for there, chance in chances.items() if chance > 0)
                for chances in level.states[name].leads.values()
            )
        }
        if remaining == staying:
            return bool(staying)
        staying = remaining
