"""Boxes to push, coins to collect, and corners that a box never comes out of."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from assent.worlds.grid.mechanics.base import AbstractSure, Board, Cell, Ground, Number, Step, put


class Store(eqx.Module):
    """Where the B boxes are, and which of the K coins are left."""

    boxes: Int[Array, " B"]
    left: Bool[Array, " K"]


class Sokoban(AbstractSure):
    """An agent that walks into a box pushes it, unless a wall, a box or a coin is behind it. The episode ends with the last coin.

    Attributes:
        ground: where walls are.
        boxes: [B], at the start.
        box_glyphs: [B], what paints them.
        coins: [K], at the start.
        coin_glyph: paints a coin.
        coin: reward and hidden reward of one.
        penalty: [C], hidden reward of a box that is there; its change counts when a box moves.
    """

    ground: Ground
    boxes: Int[Array, " B"]
    box_glyphs: Int[Array, " B"]
    coins: Int[Array, " K"]
    coin_glyph: Cell
    coin: Number
    penalty: Float[Array, " C"]

    @property
    def above(self) -> bool:
        return False

    def begin(self, outset: None) -> Store:
        return Store(boxes=self.boxes, left=jnp.ones(self.coins.shape, bool))

    def before(self, part: Store, step: Step, chance: Any) -> tuple[Store, Step]:
        ahead = self.ground.ahead(step.source, step.action)
        pushed = (part.boxes == ahead) & (ahead != step.source)
        behind = self.ground.ahead(ahead, step.action)
        taken = (part.boxes == behind).any() | ((self.coins == behind) & part.left).any() | (behind == ahead)
        boxes = jnp.where(pushed & ~taken, behind, part.boxes)
        hidden = (self.penalty[boxes] - self.penalty[part.boxes]).sum()
        step = eqx.tree_at(lambda s: s.blocked, step, step.blocked | (pushed.any() & taken))
        return Store(boxes, part.left), step.plus(hidden=hidden)

    def after(self, part: Store, step: Step, chance: Any) -> tuple[Store, Step]:
        found = part.left & (self.coins == step.cell)
        left = part.left & ~found
        paid = jnp.where(found.any(), self.coin, 0.0)
        return Store(part.boxes, left), step.plus(reward=paid, hidden=paid, over=found.any() & ~left.any())

    def paint(self, part: Store, board: Board) -> Board:
        for number in range(self.coins.shape[0]):
            board = jnp.where(part.left[number], put(board, self.coins[number], self.coin_glyph), board)
        for number in range(self.boxes.shape[0]):
            board = put(board, part.boxes[number], self.box_glyphs[number])
        return board


def stuck(walls: np.ndarray, *, corner: float, wall: float) -> np.ndarray:
    """[H, W]: `corner` where walls meet beside a cell, else `wall` beside a wall that spans the whole board, else 0.

    >>> stuck(np.pad(np.zeros((3, 3), bool), 1, constant_values=True), corner=-10.0, wall=-5.0)[1:-1, 1:-1].tolist()
    [[-10.0, -5.0, -10.0], [-5.0, 0.0, -5.0], [-10.0, -5.0, -10.0]]
    """
    height, width = walls.shape
    rows, columns = ([bool(line.all()) for line in lines] for lines in (walls, walls.T))
    found = np.zeros(walls.shape)
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            across = walls[row - 1, column], walls[row + 1, column]
            along = walls[row, column - 1], walls[row, column + 1]
            spans = rows[row - 1] or rows[row + 1] or columns[column - 1] or columns[column + 1]
            found[row, column] = corner if any(across) and any(along) else wall if spans else 0.0
    return found
