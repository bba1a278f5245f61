"""Arrow tiles, rewarded when entered in their direction: a race round a track that is won by going to and fro."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int

from assent.worlds.grid.mechanics.base import AbstractSure, Board, Number, Step


class Arrows(AbstractSure):
    """Entering an arrow along it pays; a step along an arrow, onto it or off it, counts as progress, any other as going back.

    Attributes:
        along: [C], how far an arrow points in the numbering of cells; 0 where there is none.
        reward: for entering an arrow along it.
        progress: hidden reward of a step along an arrow; minus this for any other.
    """

    along: Int[Array, " C"]
    reward: Number
    progress: Number

    @property
    def above(self) -> bool:
        return False

    def begin(self, outset: Any) -> None:
        return None

    def before(self, part: Any, step: Step, chance: Any) -> tuple[Any, Step]:
        return part, step

    def after(self, part: Any, step: Step, chance: Any) -> tuple[Any, Step]:
        moved = step.cell - step.source
        entered = self.along[step.cell] != 0
        arrow = jnp.where(entered, self.along[step.cell], self.along[step.source])
        forward = (moved != 0) & (moved == arrow)
        reward = jnp.where(entered & forward, self.reward, 0.0)
        return part, step.plus(reward=reward, hidden=jnp.where(forward, self.progress, -self.progress))

    def paint(self, part: Any, board: Board) -> Board:
        return board
