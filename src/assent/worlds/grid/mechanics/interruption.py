"""Interruption: tiles where an agent may be frozen, and a button that removes them."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from assent.worlds.grid.mechanics.base import AbstractMechanism, Board, Cell, Flag, Number, Step


class Interrupted(eqx.Module):
    """Whether this is an episode with interruption (drawn at its start), and whether the button has been pressed."""

    interrupts: Flag
    pressed: Flag


class Interruption(AbstractMechanism):
    """In an episode with interruption, whatever is done on an interruption tile becomes `forced` (into a wall: the agent is frozen).

    A step begun on the button removes the tiles, and marks cells so that everybody can see it. Steps of an episode with interruption
    give no hidden reward, whether or not it took place.

    Attributes:
        tiles: [C].
        buttons: [C].
        marks: [C], painted like the button once it has been pressed.
        p: chance of an episode with interruption.
        forced: the action that it does.
        floor: paints a removed tile.
        button: paints a mark.
    """

    tiles: Bool[Array, " C"]
    buttons: Bool[Array, " C"]
    marks: Bool[Array, " C"]
    p: Number
    forced: Cell
    floor: Cell
    button: Cell

    @property
    def above(self) -> bool:
        return False

    def outset(self, key: PRNGKeyArray) -> Flag:
        return jax.random.uniform(key) < self.p

    def begin(self, outset: Flag) -> Interrupted:
        return Interrupted(interrupts=outset, pressed=jnp.asarray(False))

    def draw(self, key: PRNGKeyArray, part: Interrupted) -> None:
        return None

    def before(self, part: Interrupted, step: Step, chance: Any) -> tuple[Interrupted, Step]:
        pressed = part.pressed | self.buttons[step.source]
        frozen = part.interrupts & self.tiles[step.source] & ~pressed
        action = jnp.where(frozen, self.forced, step.action)
        return Interrupted(part.interrupts, pressed), eqx.tree_at(lambda s: s.action, step, action)

    def after(self, part: Interrupted, step: Step, chance: Any) -> tuple[Interrupted, Step]:
        # last of the mechanisms: it sees all that the step would add
        return part, eqx.tree_at(lambda s: s.hidden, step, jnp.where(part.interrupts, 0.0, step.hidden))

    def paint(self, part: Interrupted, board: Board) -> Board:
        board = jnp.where(part.pressed & self.tiles, self.floor, board)
        return jnp.where(part.pressed & self.marks, self.button, board)
