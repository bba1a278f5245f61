"""What has to hold between the parts of a level: on the map, among the states, for the overseer, and for the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assent.planning.model import MAX_STATES
from assent.worlds.grid.kinds import Disable, Goal, Interrupt, Kind, Start
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
        if len(row) != width or not row:
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
    if level.map:
        _check_reach(level)
    else:
        _check_table(level)
    for action in level.expect.quality if level.expect else ():
        if action not in level.actions:
            raise LevelError(
                f"{level.file}: [expect]: quality names {action!r}, which is no action. Give {', '.join(level.actions)}."
            )
    if level.rewards is not None and level.dynamics.step_reward:
        raise LevelError(
            f"{level.file}: [dynamics]: step_reward = {level.dynamics.step_reward} is shown to nobody where rewards are unknown. "
            f"Give `step` in [prior] instead."
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
                f"{level.file}: [prior]: {name!r} cannot be reached from the start, so nothing can be said about its reward. "
                f"Open a way, or leave it out."
            )


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
                    f"from the start. Open a way, or remove it."
                )


def _reachable_cells(level: Level) -> set[tuple[int, int]]:
    """Cells that some sequence of moves may enter; nothing leads on from where a life ends."""
    steps = [MOVES[action] for action in level.actions if action in MOVES]
    if level.dynamics.slip:
        steps += [(side * dy, side * dx) for dx, dy in steps for side in (1, -1)]
    reached, edge = {level.start}, [level.start]
    while edge:
        row, column = edge.pop()
        if level.kind(row, column).ends:
            continue
        for down, right in steps:
            there = (row + down, column + right)
            inside = 0 <= there[0] < len(level.map) and 0 <= there[1] < len(level.map[0])
            if inside and there not in reached and not level.kind(*there).solid:
                reached.add(there)
                edge.append(there)
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
        if state.terminal and state.name not in reached:
            raise LevelError(
                f"{level.file}: [states.{state.name}] is terminal and cannot be reached from {first.name}. Remove it."
            )
    if level.dynamics.discount == 1 and level.dynamics.horizon is None and _can_stay(level, reached):
        raise LevelError(
            f"{level.file}: [dynamics]: discount = 1, and some policy never ends: its values are not finite. "
            f"Give a discount below 1, or a horizon."
        )


def _reachable_states(level: Level) -> set[str]:
    first = next(iter(level.states))
    reached, edge = {first}, [first]
    while edge:
        for name in _next_states(level, edge.pop()):
            if name not in reached:
                reached.add(name)
                edge.append(name)
    return reached


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
