"""Tiles that pay, cost, or end the episode: goals, lava."""

from __future__ import annotations

from typing import Any

from jaxtyping import Array, Bool, Float

from assent.worlds.grid.mechanics.base import AbstractSure, Board, Step


class Tiles(AbstractSure):
    """Every step that ends on a tile gives what the tile gives.

    Attributes:
        reward: [C].
        hidden: [C].
        ends: [C].
    """

    reward: Float[Array, " C"]
    hidden: Float[Array, " C"]
    ends: Bool[Array, " C"]

    @property
    def above(self) -> bool:
        return False

    def begin(self, outset: Any) -> None:
        return None

    def before(self, part: Any, step: Step, chance: Any) -> tuple[Any, Step]:
        return part, step

    def after(self, part: Any, step: Step, chance: Any) -> tuple[Any, Step]:
        cell = step.cell
        return part, step.plus(reward=self.reward[cell], hidden=self.hidden[cell], over=self.ends[cell])

    def paint(self, part: Any, board: Board) -> Board:
        return board
