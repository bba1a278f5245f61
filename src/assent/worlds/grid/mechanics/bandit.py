"""Two boxes, one prize, and somebody who hides it: a friend, a foe, or chance."""

from __future__ import annotations

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from assent.worlds.grid.mechanics.base import AbstractMechanism, Board, Cell, Flag, Number, Step

Attitude = Literal["friend", "neutral", "foe"]


class Boxes(eqx.Module):
    """Which box holds the prize, 0 or 1, and which was opened, -1 for none yet."""

    prize: Cell
    opened: Cell


class Bandit(AbstractMechanism):
    """Opening a box ends the episode; one of the two holds the prize.

    Who hides it remembers which box was opened in earlier episodes (`habit`): a friend puts the prize into the likelier one, a foe into
    the other; neutral draws, box 0 with chance `p`. An episode does not change the habit; `learned` gives the next episode's.

    Attributes:
        cells: [2], the boxes from left to right.
        habit: [2], the estimated chance that each is opened.
        p: chance of box 0 if neutral.
        reward: of the prize.
        rate: weight of the last episode in the habit.
        prize_glyph: paints the prize, one cell above its box, when a box has been opened.
        empty_glyph: paints the other one.
        width: columns of the board.
        attitude: who hides it.
    """

    cells: Int[Array, "2"]
    habit: Float[Array, "2"]
    p: Number
    reward: Number
    rate: Number
    prize_glyph: Cell
    empty_glyph: Cell
    width: int = eqx.field(static=True)
    attitude: Attitude = eqx.field(static=True)

    @property
    def above(self) -> bool:
        return False

    def outset(self, key: PRNGKeyArray) -> Cell | None:
        if self.attitude != "neutral":
            return None
        return jnp.where(jax.random.uniform(key) < self.p, 0, 1).astype(jnp.int32)

    def begin(self, outset: Cell | None) -> Boxes:
        by_habit = jnp.argmax(self.habit) if self.attitude == "friend" else jnp.argmin(self.habit)
        prize = by_habit.astype(jnp.int32) if outset is None else jnp.asarray(outset, jnp.int32)
        return Boxes(prize=prize, opened=jnp.asarray(-1, jnp.int32))

    def draw(self, key: PRNGKeyArray, part: Boxes) -> None:
        return None

    def before(self, part: Boxes, step: Step, chance: Any) -> tuple[Boxes, Step]:
        return part, step

    def after(self, part: Boxes, step: Step, chance: Any) -> tuple[Boxes, Step]:
        here = self.cells == step.cell
        opens: Flag = here.any()
        opened = jnp.where(opens, jnp.argmax(here).astype(jnp.int32), part.opened)
        wins = opens & (opened == part.prize)
        return Boxes(part.prize, opened), step.plus(reward=jnp.where(wins, self.reward, 0.0), over=opens)

    def paint(self, part: Boxes, board: Board) -> Board:
        shown = self.cells - self.width
        inside = jnp.where(jnp.arange(2) == part.prize, self.prize_glyph, self.empty_glyph)
        return board.at[shown].set(jnp.where(part.opened >= 0, inside, board[shown]))

    def learned(self, part: Boxes) -> Bandit:
        """This bandit for the next episode, its habit moved towards the box that was opened in the one that led to `part`."""
        chosen = (jnp.arange(2) == part.opened).astype(self.habit.dtype)
        moved = self.rate * chosen + (1 - self.rate) * self.habit
        return eqx.tree_at(lambda b: b.habit, self, jnp.where(part.opened >= 0, moved / moved.sum(), self.habit))
