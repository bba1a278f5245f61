"""Levels as data: what a `*.level.toml` file says, read and checked. docs/levels.md has every key."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from assent.planning.process import Process
from assent.worlds.grid.kinds import Floor, Kind, Start, Wall
from assent.worlds.grid.priors import Prior, Vocabulary
from assent.worlds.grid.reading import LevelError, within

SUFFIX = ".level.toml"
MOVES: Mapping[str, tuple[int, int]] = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
"""Actions that move on a map, as (rows, columns). Every other action stays where it is."""

ALWAYS: Mapping[str, Kind] = {"#": Wall(), " ": Floor()}
"""Characters that need no legend, and cannot have another meaning."""


@dataclass(frozen=True)
class Dynamics:
    """How the world moves, and how rewards are counted.

    Attributes:
        convention: "entering": a reward is for the step that enters a place (or stays in it), and the first reward is not discounted:
            the return is the sum of discount^t r_t from t = 0. Terminal places give nothing afterwards.
        discount: in (0, 1].
        slip: in [0, 1], the chance that a move goes to one of the two directions beside it, half each.
        horizon: steps after which a life ends; None: it does not.
        step_reward: what an engine that shows rewards pays for each step. Hypotheses have a `step` of their own.
        step_hidden: what such an engine adds to the hidden reward in each step.
    """

    convention: Literal["entering"]
    discount: float
    slip: float = 0.0
    horizon: int | None = None
    step_reward: float = 0.0
    step_hidden: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.discount <= 1:
            raise ValueError(f"discount = {self.discount} is outside (0, 1].")
        within("slip", self.slip, 0, 1, meaning="a chance")
        if self.horizon is not None and self.horizon < 1:
            raise ValueError(f"horizon = {self.horizon}: a life has at least one step.")


@dataclass(frozen=True)
class Overseer:
    """What a level says of its overseers beside the terms of `Process`.

    Attributes:
        answers: actions that may be shown; all moves (or all actions that do nothing to the overseer) when left out.
        shown_in: characters of the places that corrections are about, where the current place is shown; empty: every place.
        disable, weaken, restore, request: actions that remove the overseer, weaken it by `factor`, bring it back, or ask it
            for a correction in the coming step.
        saves: whether the actions of `disable` save the cost of the very step in which they are done.
        factor: in (0, 1), what `weaken` multiplies the rate by.
        present: in (0, 1], the chance that the overseer is there at all.
        seen: whether the agent sees if it is there.
        drawn: whether that is drawn once a "life", or anew each "step".
        second_rate: the rate of a stand-in, which speaks once the first is removed; None: there is no stand-in.
        second_cost: its cost for each step.
    """

    answers: tuple[str, ...] | None = None
    shown_in: str = ""
    disable: tuple[str, ...] = ()
    weaken: tuple[str, ...] = ()
    restore: tuple[str, ...] = ()
    request: tuple[str, ...] = ()
    saves: bool = False
    factor: float = 0.5
    present: float = 1.0
    seen: bool = True
    drawn: Literal["life", "step"] = "step"
    second_rate: float | None = None
    second_cost: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.factor < 1:
            raise ValueError(f"factor = {self.factor} is outside (0, 1); what removes the overseer is `disable`.")
        if not 0 < self.present <= 1:
            raise ValueError(f"present = {self.present} is outside (0, 1]; for no overseer give rate = 0.")
        if self.present < 1 and not self.seen and self.drawn == "life":
            raise ValueError(
                'drawn = "life" is hidden from the agent, which tables of states cannot hold. Give seen = true or "step".'
            )
        if self.second_rate is not None:
            within("second_rate", self.second_rate, 0, 1, meaning="a chance")
        if self.second_cost < 0 or (self.second_cost and self.second_rate is None):
            raise ValueError(f"second_cost = {self.second_cost} has to be at least 0, and to come with second_rate.")

    @property
    def acts(self) -> tuple[str, ...]:
        """Actions that do something to the overseer, or ask it."""
        return (*self.disable, *self.weaken, *self.restore, *self.request)


@dataclass(frozen=True)
class State:
    """A row of a table of states: where each action leads, with which chance. Terminal ones lead nowhere; in silent ones no correction
    comes.
    """

    name: str
    terminal: bool
    silent: bool
    leads: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Truth:
    """The name of the true hypothesis. Only the runner reads it."""

    reward: str


@dataclass(frozen=True)
class Expect:
    """What theory says about the level, with its source.

    Attributes:
        source: where it comes from.
        keep: whether an agent that plans exactly keeps the overseer.
        threshold: the cost of a step from which on it does not (c*).
        value: the value at the start, before any correction.
        quality: action values at the start after a step without correction.
    """

    source: str
    keep: bool | None = None
    threshold: float | None = None
    value: float | None = None
    quality: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise ValueError("source is empty. Say where the expectation comes from, or leave it out.")
        if (self.keep, self.threshold, self.value) == (None, None, None) and not self.quality:
            raise ValueError("nothing is expected. Give keep, threshold, value or quality, or leave [expect] out.")
        if self.threshold is not None and self.threshold < 0:
            raise ValueError(
                f"threshold = {self.threshold}: no cost is below 0. Give the cost from which on it is not kept."
            )


@dataclass(frozen=True, eq=False)
class Level:
    """A level, checked. It is either a `map` with its `legend`, or a table of `states`.

    Attributes:
        name: lower-case letters, digits and _; also the file's name.
        title: one line for people.
        source: where the level comes from.
        licence: of the level.
        actions: in the order of their numbers.
        map: rows of characters, all of one length; () for a table of states.
        legend: the kind of every character on the map, `#`, blank and the start's among them.
        start: the start's (row, column) on a map.
        states: the rows of a table by name, the first one the start; empty for a map.
        dynamics, process, overseer: the world, and the terms of its overseer.
        prior: the rewards that are possible: `kind` and its settings, defaults filled in; empty where the level has none.
        rewards: the same as an object of `priors`, or None.
        truth, expect: or None.
        file: where it was read from.
    """

    name: str
    title: str
    source: str
    licence: str
    actions: tuple[str, ...]
    map: tuple[str, ...]
    legend: Mapping[str, Kind]
    start: tuple[int, int]
    states: Mapping[str, State]
    dynamics: Dynamics
    process: Process
    overseer: Overseer
    prior: Mapping[str, Any]
    rewards: Prior | None
    truth: Truth | None
    expect: Expect | None
    file: str

    @property
    def answers(self) -> tuple[str, ...]:
        """The actions that may be shown, in the order of `actions`."""
        if self.overseer.answers is not None:
            return tuple(action for action in self.actions if action in self.overseer.answers)
        moves = tuple(action for action in self.actions if action in MOVES) if self.map else self.actions
        return tuple(action for action in moves if action not in self.overseer.acts)

    @property
    def plain(self) -> bool:
        """Whether tables of states hold all of it."""
        return all(self.legend[one].plain for line in self.map for one in line)

    def kind(self, row: int, column: int) -> Kind:
        """What stands at a place of the map."""
        return self.legend[self.map[row][column]]

    def cells(self, character: str) -> tuple[tuple[int, int], ...]:
        """Where `character` stands on the map: (row, column), row by row."""
        return tuple((r, c) for r, row in enumerate(self.map) for c, one in enumerate(row) if one == character)

    def cell_name(self, row: int, column: int) -> str:
        """The character, if it stands nowhere else; else `(row,column)`."""
        character = self.map[row][column]
        single = character != " " and sum(line.count(character) for line in self.map) == 1
        return character if single else f"({row},{column})"

    def scene(self) -> Vocabulary:
        """What priors may speak of."""
        if not self.map:
            return Vocabulary(dict.fromkeys(self.states, 1), (), self.actions, self.answers)
        places: dict[str, int] = {}
        floor: list[str] = []
        for row, line in enumerate(self.map):
            for column, character in enumerate(line):
                kind = self.legend[character]
                if kind.solid:
                    continue
                if character != " ":
                    places[character] = places.get(character, 0) + 1
                places[f"({row},{column})"] = 1
                if isinstance(kind, Floor | Start):
                    floor.append(self.cell_name(row, column))
        return Vocabulary(places, tuple(floor), self.actions, self.answers)


def names() -> tuple[str, ...]:
    """The levels that come with the package, in alphabetical order."""
    found = files("assent.worlds.grid").joinpath("levels").iterdir()
    return tuple(sorted(item.name[: -len(SUFFIX)] for item in found if item.name.endswith(SUFFIX)))


def load(name_or_path: str | Path) -> Level:
    """A level of the package by its name, or one's own by the path of its file.

    Raises:
        LevelError: there is no such level or file, or it cannot be right.

    >>> load("fork").actions
    ('left', 'right', 'up', 'down', 'stay')
    """
    own = isinstance(name_or_path, Path) or name_or_path.endswith(".toml") or "/" in name_or_path
    if not own and name_or_path not in names():
        close = difflib.get_close_matches(str(name_or_path), names(), n=1)
        hint = f"Did you mean {close[0]}?" if close else "See `assent world list`."
        raise LevelError(f"{name_or_path}: there is no such level. {hint} A file of your own is given by its path.")
    file = Path(name_or_path) if own else files("assent.worlds.grid").joinpath("levels", f"{name_or_path}{SUFFIX}")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise LevelError(
            f"{name_or_path}: the file cannot be read ({error}). Give the path of a UTF-8 text."
        ) from error
    level = parse(text, file=file.name)
    if file.name.endswith(SUFFIX) and file.name != level.name + SUFFIX:
        raise LevelError(f"{file.name}: name = {level.name!r} is not the file's name. Call it {level.name}{SUFFIX}.")
    return level


def parse(text: str, *, file: str = "level") -> Level:
    """The level that a text in TOML says.

    Args:
        file: what sentences call it.

    Raises:
        LevelError: it is no TOML, or cannot be right; says what to do.
    """
    from assent.worlds.grid.parsing import level_of  # parsing makes what this file defines

    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of over 4,300 digits is a plain ValueError
        twice = (
            "two meanings are given to one key or character"
            if "twice" in str(error) or "overwrite" in str(error)
            else "it is no TOML"
        )
        raise LevelError(f"{file}: {twice} ({error}). Mend that line.") from error
    return level_of(table, file)


NAME = re.compile(r"[a-z][a-z0-9_]*")
"""What a level may be called, so that it is a file's and an environment's name too."""
