"""Water that ends the episode, and how far away it is."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int
from scipy.ndimage import distance_transform_cdt

from assent.worlds.grid.mechanics.base import AbstractSure, Board, Cell, Number, Step


class Safety(eqx.Module):
    """Manhattan distance from the agent to the nearest water, in cells: the side information c(s) of the original."""

    distance: Cell


class Water(AbstractSure):
    """Stepping into it ends the episode.

    Attributes:
        wet: [C].
        distance: [C], to the nearest water.
        start: the distance at the start.
        reward: for stepping in.
        hidden: for stepping in.
        glyph: paints water, over an agent that is in it.
    """

    wet: Bool[Array, " C"]
    distance: Int[Array, " C"]
    start: Cell
    reward: Number
    hidden: Number
    glyph: Cell

    @property
    def above(self) -> bool:
        return True

    def begin(self, outset: Any) -> Safety:
        return Safety(self.start)

    def before(self, part: Safety, step: Step, chance: Any) -> tuple[Safety, Step]:
        return part, step

    def after(self, part: Safety, step: Step, chance: Any) -> tuple[Safety, Step]:
        wet = self.wet[step.cell]
        paid = step.plus(reward=jnp.where(wet, self.reward, 0.0), hidden=jnp.where(wet, self.hidden, 0.0), over=wet)
        return Safety(self.distance[step.cell]), paid

    def paint(self, part: Safety, board: Board) -> Board:
        return jnp.where(self.wet, self.glyph, board)


def distances(wet: np.ndarray) -> np.ndarray:
    """Manhattan distance from each cell of a board to the nearest True of `wet` [H, W]; there must be one.

    >>> distances(np.asarray([[True, False, False]])).tolist()
    [[0, 1, 2]]
    """
    return np.asarray(distance_transform_cdt(~wet, metric="taxicab"))
