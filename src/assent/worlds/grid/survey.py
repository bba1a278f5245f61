"""A level's map as arrays: where each kind stands, and which number paints which character."""

from __future__ import annotations

from functools import cached_property
from typing import TypeVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from assent.worlds.grid.kinds import Kind, Start
from assent.worlds.grid.level import Level
from assent.worlds.grid.mechanics.base import Ground
from assent.worlds.grid.reading import LevelError

K = TypeVar("K", bound=Kind)

MAX_GLYPHS = 127
"""Characters on one board: they are numbered in int8."""


class Survey:
    """A level as mechanisms are made from it. C cells, counted row by row."""

    def __init__(self, level: Level) -> None:
        self.level = level
        self.width = len(level.map[0])
        self.characters = np.asarray([list(row) for row in level.map]).ravel()
        walls = np.asarray([level.legend[character].solid for character in self.characters])
        self.walls = walls.reshape(len(level.map), self.width)
        self.ground = Ground.of(self.walls, level.actions)
        self._glyphs = list(dict.fromkeys([" ", "#", *map(str, self.characters)]))

    @cached_property
    def agent(self) -> str:
        """The character that paints the agent."""
        return next(character for character in self.characters if isinstance(self.level.legend[character], Start))

    @property
    def glyphs(self) -> str:
        """One character for each number on the board; grows while mechanisms are made."""
        return "".join(self._glyphs)

    def glyph(self, character: str) -> Int[Array, ""]:
        """The number that paints `character`.

        Raises:
            LevelError: there are more characters than eight bits number.
        """
        if character not in self._glyphs:
            self._glyphs.append(character)
        number = self._glyphs.index(character)
        if number >= MAX_GLYPHS:
            raise LevelError(
                f"{self.level.file}: map has over {MAX_GLYPHS} different characters, more than the engine paints. Use fewer."
            )
        return jnp.asarray(number, jnp.int8)

    def kinds(self, kind: type[K]) -> dict[str, K]:
        """The characters on the map that are of this kind, row by row."""
        found = {character: self.level.legend[character] for character in dict.fromkeys(map(str, self.characters))}
        return {character: one for character, one in found.items() if isinstance(one, kind)}

    def one(self, kind: type[K], *but: str) -> K:
        """The settings that all characters of this kind share.

        Args:
            but: settings that may differ.

        Raises:
            LevelError: there is none, or two disagree.
        """
        found = self.kinds(kind)
        if not found:
            raise LevelError(
                f"{self.level.file}: map has no {kind.word}, which another kind on it needs. Put one there."
            )
        settings = [{key: value for key, value in one.describe().items() if key not in but} for one in found.values()]
        if any(one != settings[0] for one in settings):
            raise LevelError(
                f"{self.level.file}: [legend]: {', '.join(map(repr, found))} are all {kind.word} and differ in more than "
                f"{', '.join(but) or 'nothing'}. Give them the same settings."
            )
        return next(iter(found.values()))

    def single(self, kind: type[K]) -> tuple[str, K]:
        """The one character of this kind, and its settings.

        Raises:
            LevelError: there is none, or another one, which would be painted like the first.
        """
        found = self.kinds(kind)
        settings = self.one(kind)
        if len(found) > 1:
            raise LevelError(
                f"{self.level.file}: [legend]: {', '.join(map(repr, found))} are all {kind.word}, and one character paints it. "
                f"Use one for all."
            )
        return next(iter(found)), settings

    def character(self, cell: int | np.integer) -> str:
        """What stands on the map at a cell."""
        return str(self.characters[cell])

    def where(self, kind: type[Kind]) -> np.ndarray:
        """bool [C]: the cells of a kind."""
        return np.isin(self.characters, list(self.kinds(kind)))

    def cells(self, kind: type[Kind]) -> np.ndarray:
        """Integer [n]: the same, as cell numbers."""
        return np.flatnonzero(self.where(kind))

    def row(self, number: int) -> Bool[Array, " C"]:
        """The cells of a row.

        Raises:
            LevelError: there is no such row.
        """
        if not 0 <= number < len(self.level.map):
            raise LevelError(
                f"{self.level.file}: [legend]: marks_row = {number}; rows run from 0 to {len(self.level.map) - 1}."
            )
        return mask(np.arange(self.characters.size) // self.width == number)

    def action(self, name: str) -> Int[Array, ""]:
        """The number of an action.

        Raises:
            LevelError: there is no such action.
        """
        if name not in self.level.actions:
            raise LevelError(
                f"{self.level.file}: [legend]: forced = {name!r} is none of {', '.join(self.level.actions)}."
            )
        return number(self.level.actions.index(name))


def mask(cells: np.ndarray) -> Bool[Array, "..."]:
    """Truth values as a JAX array."""
    return jnp.asarray(cells, bool)


def numbers(cells: np.ndarray) -> Int[Array, "..."]:
    """Cell numbers as a JAX array."""
    return jnp.asarray(cells, jnp.int32)


def number(value: int) -> Int[Array, ""]:
    """A whole number as a JAX scalar."""
    return jnp.asarray(value, jnp.int32)


def amount(value: float) -> Float[Array, ""]:
    """A reward or chance as a JAX scalar, in JAX's default precision."""
    return jnp.asarray(float(value), jnp.zeros(()).dtype)  # a type of its own, or it would be a weak one


def amounts(values: np.ndarray) -> Float[Array, "..."]:
    """Rewards as a JAX array, in JAX's default precision."""
    return jnp.asarray(np.asarray(values, float), jnp.zeros(()).dtype)
