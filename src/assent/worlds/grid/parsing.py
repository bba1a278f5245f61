"""From the tables of a file to a `Level`: each part built, then checked against the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from assent.planning.process import Process
from assent.worlds.grid import checking
from assent.worlds.grid.kinds import Kind, Start, read_kind
from assent.worlds.grid.level import ALWAYS, NAME, Dynamics, Expect, Level, Overseer, State, Truth
from assent.worlds.grid.priors import as_mapping, check_prior, read_prior
from assent.worlds.grid.reading import LevelError, as_table, build, convert, refuse_unknown, shown

TABLES = ("legend", "states", "dynamics", "overseer", "prior", "truth", "expect")
WORDS = ("terminal", "silent", "otherwise")
"""What a row of a table of states may hold beside actions."""


@dataclass(frozen=True)
class _Head:
    name: str
    title: str
    source: str
    actions: tuple[str, ...]
    licence: str = "Apache-2.0"
    map: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"name = {shown(self.name)}: use lower-case letters, digits and _, a letter first.")
        for key in ("title", "source", "licence"):
            text = getattr(self, key)
            if not text.strip() or not text.isprintable():
                raise ValueError(f"{key} = {shown(text)}: write one line of text.")
        if not self.actions or not all(action and action.isprintable() for action in self.actions):
            raise ValueError(f"actions = {list(self.actions)}: give at least one, each a printable word.")
        if len(set(self.actions)) < len(self.actions):
            raise ValueError(f"actions = {list(self.actions)} holds one twice. Give each once.")


def level_of(table: Mapping[str, Any], file: str) -> Level:
    """The level that the tables of `file` say.

    Raises:
        LevelError: it cannot be right.
    """
    head = build(_Head, {key: value for key, value in table.items() if key not in TABLES}, file, besides=TABLES)
    if bool(head.map) == ("states" in table):
        raise LevelError(f"{file}: a level has a map or [states.…], one of the two. Give one and remove the other.")
    legend, start, states = _place(head, table, file)
    if "dynamics" not in table:
        raise LevelError(f'{file}: [dynamics] is missing. Give convention = "entering" and a discount.')
    process, overseer = _oversight(table.get("overseer", {}), f"{file}: [overseer]", given="overseer" in table)
    prior = read_prior(table["prior"], f"{file}: [prior]") if "prior" in table else None
    level = Level(
        name=head.name,
        title=head.title,
        source=head.source,
        licence=head.licence,
        actions=head.actions,
        map=head.map,
        legend=legend,
        start=start,
        states=states,
        dynamics=build(Dynamics, table["dynamics"], f"{file}: [dynamics]"),
        process=process,
        overseer=overseer,
        prior={} if prior is None else as_mapping(prior),
        rewards=prior,
        truth=build(Truth, table["truth"], f"{file}: [truth]") if "truth" in table else None,
        expect=build(Expect, table["expect"], f"{file}: [expect]") if "expect" in table else None,
        file=file,
    )
    checking.check_level(level)
    if prior is not None:
        check_prior(prior, level.scene(), f"{file}: [prior]")
    checking.check_named(level)
    checking.check_truth(level)
    return level


def _place(
    head: _Head, table: Mapping[str, Any], file: str
) -> tuple[dict[str, Kind], tuple[int, int], dict[str, State]]:
    if not head.map:
        if "legend" in table:
            raise LevelError(f"{file}: [legend] belongs to a map, and there is none. Remove it.")
        return {}, (0, 0), _states(table["states"], head.actions, f"{file}: [states]")
    given = as_table(table.get("legend", {}), f"{file}: [legend]")
    legend = {key: read_kind(value, f"{file}: [legend.{key!r}]") for key, value in given.items()}
    for character, kind in legend.items():
        if len(character) != 1 or not character.isprintable():
            raise LevelError(f"{file}: [legend.{character!r}] is not one printable character. Give each its own table.")
        if character in ALWAYS and kind != ALWAYS[character]:
            meant = ALWAYS[character].word
            raise LevelError(
                f"{file}: [legend.{character!r}] gives a second meaning to what is always {meant}. Take another."
            )
        if not any(character in row for row in head.map):
            raise LevelError(f"{file}: [legend.{character!r}] is nowhere on the map. Put it there, or remove it.")
    legend = {**ALWAYS, **({} if any(isinstance(k, Start) for k in legend.values()) else {"A": Start()}), **legend}
    return legend, checking.check_map(head.map, legend, file), {}


def _states(table: object, actions: tuple[str, ...], where: str) -> dict[str, State]:
    rows = as_table(table, where)
    if not rows:
        raise LevelError(f"{where} is empty. Write [states.NAME] for each state, the start first.")
    clash = set(WORDS) & set(actions)
    if clash:
        raise LevelError(
            f"{where}: no action can be called {sorted(clash)[0]}; that word has a meaning there. Rename it."
        )
    return {name: _state(name, row, actions, tuple(rows), f"{where[:-1]}.{name}]") for name, row in rows.items()}


def _state(name: str, table: object, actions: tuple[str, ...], others: tuple[str, ...], where: str) -> State:
    row = as_table(table, where)
    if not name or not name.isprintable():
        raise LevelError(f"{where}: a state's name is a printable word. Rename it.")
    refuse_unknown(row, [*WORDS, *actions], where)
    silent = convert(bool, row.get("silent", False), f"{where}: silent")
    terminal = convert(bool, row.get("terminal", False), f"{where}: terminal")
    if terminal:
        if len(row) > 1:
            raise LevelError(f"{where} is terminal, so no action leads on. Remove terminal or {', '.join(row)}.")
        return State(name, True, True, {})
    leads = {}
    for action in actions:
        if action not in row and "otherwise" not in row:
            raise LevelError(f"{where}: {action} is missing. Say where it leads, or give otherwise for all the rest.")
        leads[action] = _chances(row.get(action, row.get("otherwise")), others, f"{where}: {action}")
    return State(name, False, silent, leads)


def _chances(value: object, states: tuple[str, ...], where: str) -> dict[str, float]:
    table = {value: 1.0} if isinstance(value, str) else as_table(value, where)
    chances = {name: convert(float, chance, f"{where}: {name}") for name, chance in table.items()}
    for name, chance in chances.items():
        if name not in states:
            raise LevelError(f"{where}: {name!r} is no state. The states are {', '.join(states)}.")
        if not 0 <= chance <= 1:
            raise LevelError(f"{where}: {name} = {chance} is outside [0, 1]. Give a chance.")
    total = sum(chances.values())
    if abs(total - 1) > 1e-9:  # rounding of decimal fractions
        raise LevelError(f"{where}: the chances sum to {total}, not to 1. Mend them.")
    return chances


def _oversight(table: object, where: str, *, given: bool) -> tuple[Process, Overseer]:
    """The terms and the rest. Settings that the other settings make meaningless are refused: nothing is given in vain."""
    row = as_table(table, where)
    terms = tuple(field.name for field in fields(Process))
    extras = tuple(field.name for field in fields(Overseer))
    refuse_unknown(row, [*terms, *extras], where)
    process = build(Process, {key: row[key] for key in row if key in terms}, where) if given else Process(rate=0.0)
    overseer = build(Overseer, {key: row[key] for key in row if key in extras}, where)
    needs = {
        "eps": (process.answer == "eps", 'answer = "eps"'),
        "beta": (process.answer in ("boltzmann", "soft"), 'answer = "boltzmann" or "soft"'),
        "every": (process.trigger == "schedule", 'trigger = "schedule"'),
        "request": (process.trigger == "on_request", 'trigger = "on_request"'),
        "request_cost": (process.trigger == "on_request", 'trigger = "on_request"'),
        "shown_in": (process.shown == "current", 'shown = "current"'),
        "saves": (bool(overseer.disable), "disable"),
        "factor": (bool(overseer.weaken), "weaken"),
        "seen": (overseer.present < 1, "present below 1"),
        "drawn": (overseer.present < 1, "present below 1"),
    }
    for key, (counts, wanted) in needs.items():
        if key in row and not counts:
            raise LevelError(f"{where}: {key} = {shown(row[key])} counts only with {wanted}. Remove it, or give that.")
    return process, overseer
