"""What every mechanism is: a small pure part of a step."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from assent.worlds.grid.level import MOVES

Board = Int[Array, " C"]
Cell = Int[Array, ""]
Flag = Bool[Array, ""]
Number = Float[Array, ""]


class Ground(eqx.Module):
    """What never changes: the size of the board and where each action leads. C cells, row by row.

    Attributes:
        shape: rows, columns.
        neighbour: [C, A + 1], the cell an action leads to if nothing stands there; walls and edges lead back. The last column is doing
            nothing.
    """

    shape: tuple[int, int] = eqx.field(static=True)
    neighbour: Int[Array, "C A1"]

    @classmethod
    def of(cls, walls: np.ndarray, actions: tuple[str, ...]) -> Ground:
        """The ground of a board with `walls` [H, W]. Actions that are no moves stay.

        >>> ground = Ground.of(np.asarray([[True, False, False]]), ("left", "right"))
        >>> ground.neighbour.tolist()
        [[0, 1, 0], [1, 2, 1], [1, 2, 2]]
        """
        height, width = walls.shape
        row, column = np.divmod(np.arange(walls.size), width)
        columns = []
        for down, right in [*(MOVES.get(action, (0, 0)) for action in actions), (0, 0)]:
            to_row, to_column = row + down, column + right
            inside = (to_row >= 0) & (to_row < height) & (to_column >= 0) & (to_column < width)
            target = np.where(inside, to_row * width + to_column, np.arange(walls.size))
            columns.append(np.where(walls.ravel()[target], np.arange(walls.size), target))
        return cls(shape=(height, width), neighbour=jnp.asarray(np.stack(columns, axis=1), jnp.int32))

    @property
    def num_actions(self) -> int:
        return self.neighbour.shape[1] - 1

    def ahead(self, cell: Cell, action: Cell) -> Cell:
        """The cell that `action` leads to; any number that is no action leads nowhere."""
        known = (action >= 0) & (action < self.num_actions)
        return self.neighbour[cell, jnp.where(known, action, self.num_actions)]


def put(board: Board, cell: Cell, glyph: Cell) -> Board:
    """The board with `glyph` in one cell. A comparison with every cell: on a processor a scatter takes longer."""
    return jnp.where(jnp.arange(board.shape[0]) == cell, glyph, board)


class Step(eqx.Module):
    """One step as far as it has been worked out; mechanisms take one and return one.

    Attributes:
        source: the agent's cell before the step.
        cell: the agent's cell now; `source` until it has moved.
        action: what is really done.
        blocked: something other than a wall stands in the way.
        reward: of this step, so far.
        hidden: what this step adds to the hidden reward, so far.
        over: the episode ends with this step.
    """

    source: Cell
    cell: Cell
    action: Cell
    blocked: Flag
    reward: Number
    hidden: Number
    over: Flag

    def plus(self, *, reward: Any = 0.0, hidden: Any = 0.0, over: Any = False) -> Step:
        """This step with more reward, more hidden reward, and over if `over`."""
        parts = lambda step: (step.reward, step.hidden, step.over)  # noqa: E731
        return eqx.tree_at(parts, self, (self.reward + reward, self.hidden + hidden, self.over | over))


class AbstractMechanism(eqx.Module):
    """A part of what happens in a step, with a state of its own (its part of the world's state).

    A step is worked out in this order: every mechanism's `before`, the last one first; the agent's move; every mechanism's `after`. All
    random outcomes are drawn by `outset` and `draw` and come in as arguments: the same outcomes give the same step.
    """

    @property
    @abstractmethod
    def above(self) -> bool:
        """Whether it is painted over the agent."""

    @abstractmethod
    def outset(self, key: PRNGKeyArray) -> Any:
        """The random outcomes at the start of an episode."""

    @abstractmethod
    def begin(self, outset: Any) -> Any:
        """Its state at the start."""

    @abstractmethod
    def draw(self, key: PRNGKeyArray, part: Any) -> Any:
        """The random outcomes of one step."""

    @abstractmethod
    def before(self, part: Any, step: Step, chance: Any) -> tuple[Any, Step]:
        """What happens before the agent moves: may change the action, may block the way."""

    @abstractmethod
    def after(self, part: Any, step: Step, chance: Any) -> tuple[Any, Step]:
        """What happens after it has moved: rewards, ends, things that go on by themselves."""

    @abstractmethod
    def paint(self, part: Any, board: Board) -> Board:
        """The board with this mechanism's things on it."""


class AbstractSure(AbstractMechanism):
    """A mechanism without chance."""

    def outset(self, key: PRNGKeyArray) -> None:
        return None

    def draw(self, key: PRNGKeyArray, part: Any) -> None:
        return None
