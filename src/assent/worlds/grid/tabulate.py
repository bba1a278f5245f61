"""A level as tables: states, where actions lead, and what becomes of the overseer. NumPy only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from assent.planning.model import MAX_STATES, Model
from assent.worlds.grid.level import Level
from assent.worlds.grid.moving import Place, moves, outset
from assent.worlds.grid.oversight import Mode, after, first, present_modes, terms
from assent.worlds.grid.reading import LevelError

CELL = re.compile(r"\((\d+),(\d+)\)")
"""How a cell of a map is called: `(row,column)`."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """The tables of a level, and what each place is. P places.

    Attributes:
        model: the tables.
        row, column: integer [P], where each place is on the map; -1 in a table of states.
        label: for each place, the character there, or the state's name: what `enter` in a prior speaks of.
        name: for each place, its name: the character if it is the only one of its kind, else `(row,column)`, or the state's name;
            what has happened to interruptions and the time come after it.
        said: for each state, what has become of the overseer there, in words; nothing where it is as at the start.
        away: boolean [S], whether nobody is there for now.
        starts: the first states with their chances; more than one where the overseer's presence is drawn for a life.
    """

    model: Model
    row: np.ndarray
    column: np.ndarray
    label: tuple[str, ...]
    name: tuple[str, ...]
    said: tuple[str, ...]
    away: np.ndarray
    starts: tuple[tuple[int, float], ...]


def tabulate(level: Level) -> Model:
    """The level's tables. Rewards are not in them: see `entering`.

    Raises:
        LevelError: a kind on the map needs an engine, or there are more than 10,000 states, flags and time included.

    >>> from assent.worlds.grid.level import load
    >>> model = tabulate(load("fork"))
    >>> model.num_places, model.num_states, model.state_names[model.start]
    (6, 12, 'A')
    """
    return atlas(level).model


def entering(level: Level, model: Model, name: str) -> np.ndarray:
    """[P, A]: the chance that the step of each action in each place enters (or stays in) what `name` names.

    Args:
        level: the level.
        model: its tables.
        name: a character on the map, a cell as `(row,column)`, or a state of a table.

    A reward r for entering it is then r times this, since the chances of where a step leads do not depend on the overseer.

    Raises:
        LevelError: nothing has that name, or the model is not of this level.
    """
    chances = model.expected(inside(level, model, name)[model.place].astype(np.float64))[: model.num_places]
    return np.where(model.terminal[: model.num_places, None], 0.0, chances)


def inside(level: Level, model: Model, name: str) -> np.ndarray:
    """Boolean [P]: the places that `name` names, a character on the map, a cell as `(row,column)`, or a state of a table.

    Raises:
        LevelError: nothing has that name, or the model is not of this level.

    >>> from assent.worlds.grid.level import load
    >>> fork = load("fork")
    >>> inside(fork, tabulate(fork), "(1,3)").tolist()
    [False, False, True, False, False, False]
    """
    chart = atlas(level)
    if chart.model.num_states != model.num_states:
        raise LevelError(f"{level.name}: the model has {model.num_states} states, the level {chart.model.num_states}.")
    if chart.model.state_names != model.state_names:
        raise LevelError(f"{level.name}: the model's states have other names than the level's. Give tabulate(level).")
    here = np.asarray(chart.label) == name
    cell = CELL.fullmatch(name) if level.map else None
    if cell is not None:
        here = here | ((chart.row == int(cell[1])) & (chart.column == int(cell[2])))
    if not here.any():
        raise LevelError(
            f"{level.name}: {name!r} is no place that the agent can come to. Give a character, (row,column) or state."
        )
    return here


@lru_cache(maxsize=128)
def atlas(level: Level) -> Atlas:
    """The level's tables with what each place is; kept for levels that were asked for lately.

    Raises:
        LevelError: as `tabulate`.
    """
    for character in sorted({one for line in level.map for one in line}):
        kind = level.legend[character]
        if not kind.plain:
            raise LevelError(
                f"{level.file}: map has {character!r} of kind {kind.word}, which moves or changes by rules of its own that tables of "
                f"states do not hold. Play it with the grid engine."
            )
    pairs = _explore(level)
    places = sorted({place for place, _ in pairs})
    modes = sorted({mode for _, mode in pairs} - {first(level)})
    order = [(place, first(level)) for place in places]
    order += [(place, mode) for mode in modes for place in places if (place, mode) in pairs]
    number = {pair: index for index, pair in enumerate(order)}
    try:
        model = _model(level, order, pairs, number)
    except ValueError as error:
        raise LevelError(f"{level.file}: {error}") from error
    return Atlas(
        model=model,
        row=np.asarray([place.row for place in places]),
        column=np.asarray([place.column for place in places]),
        label=tuple(_label(level, place) for place in places),
        name=tuple(place_name(level, place) for place in places),
        said=tuple(mode.said(first(level)) for _, mode in order),
        away=np.asarray([mode.away for _, mode in order]),
        starts=tuple((number[(outset(level), mode)], chance) for mode, chance in present_modes(level)),
    )


Pair = tuple[Place, Mode]
Rows = dict[Pair, list[dict[Pair, float]]]


def _explore(level: Level) -> Rows:
    """All states that can come about, and every place of them with the overseer as at the start; each with where its actions lead."""
    pairs: Rows = {}
    edge: list[Pair] = [(outset(level), mode) for mode, _ in present_modes(level)]
    seen = set(edge)
    while edge:
        pair = edge.pop()
        pairs[pair] = [_lead(level, pair, action) for action in level.actions]
        if len(pairs) > MAX_STATES:
            raise LevelError(
                f"{level.file}: there are over {MAX_STATES:,} states, flags and time included. Make the map, the horizon, or what can "
                f"happen to the overseer smaller."
            )
        following = [there for chances in pairs[pair] for there in chances]
        for there in [(pair[0], first(level)), *following]:
            if there not in seen:
                seen.add(there)
                edge.append(there)
    return pairs


def _lead(level: Level, pair: Pair, action: str) -> dict[Pair, float]:
    place, mode = pair
    if place.ended:
        return {pair: 1.0}
    chances: dict[Pair, float] = {}
    for there, chance in moves(level, place, action).items():
        for mode_there, share in after(level, mode, action, place, there):
            key = (there, mode_there)
            chances[key] = chances.get(key, 0.0) + chance * share
    return chances


def _model(level: Level, order: list[Pair], pairs: Rows, number: dict[Pair, int]) -> Model:
    width = max(len(chances) for pair in order for chances in pairs[pair])
    shape = (len(order), len(level.actions), width)
    successor = np.broadcast_to(np.arange(len(order))[:, None, None], shape).copy()
    chance = np.zeros(shape)
    for state, pair in enumerate(order):
        for action, chances in enumerate(pairs[pair]):
            for slot, (there, share) in enumerate(chances.items()):
                successor[state, action, slot] = number[there]
                chance[state, action, slot] = share
    modes = sorted({mode for _, mode in order} - {first(level)})
    mode_number = {first(level): 0, **{mode: index + 1 for index, mode in enumerate(modes)}}
    found = [terms(level, place, mode) for place, mode in order]
    num_places = sum(mode == first(level) for _, mode in order)
    answers = np.asarray([action in level.answers for action in level.actions])
    saving = level.overseer.disable if level.overseer.saves else ()
    return Model(
        successor=successor,
        chance=chance,
        terminal=np.asarray([place.ended for place, _ in order]),
        discount=float(level.dynamics.discount),
        place=np.asarray([number[(place, first(level))] for place, _ in order]),
        mode=np.asarray([mode_number[mode] for _, mode in order]),
        rate=np.asarray([term.rate for term in found]),
        cost=np.asarray([[0.0 if action in saving else term.cost for action in level.actions] for term in found]),
        kept=np.asarray([term.kept for term in found]),
        answerable=np.broadcast_to(answers, (num_places, len(answers))).copy(),
        start=number[(outset(level), first(level))],
        state_names=tuple(_state_names(level, order)),
        action_names=level.actions,
    )


def _state_names(level: Level, order: list[Pair]) -> Iterator[str]:
    for place, mode in order:
        said = mode.said(first(level))
        yield place_name(level, place) + (f" [{said}]" if said else "")


def _label(level: Level, place: Place) -> str:
    return level.map[place.row][place.column] if level.map else place.state


def place_name(level: Level, place: Place) -> str:
    """What a place is called."""
    name = level.cell_name(place.row, place.column) if level.map else place.state
    return name + (f"·{place.interruption}" if place.interruption else "") + (f"·t{place.time}" if place.time else "")
