"""Whisky: a small reward, and an unsteady hand afterwards."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from assent.worlds.grid.mechanics.base import AbstractMechanism, Board, Cell, Flag, Number, Step


class Drunk(eqx.Module):
    """Whether the whisky has been drunk, and whether the board shows it yet (one step later)."""

    drunk: Flag
    shown: Flag


class Lapse(eqx.Module):
    """Whether a drunk agent's hand slips in this step, and what it would do instead."""

    slips: Flag
    action: Cell


class Whisky(AbstractMechanism):
    """The first step onto the whisky pays `reward`; from then on each action is replaced by a random one with chance `exploration`.

    With `forced` false nothing is replaced, and it is left to the agent to explore more: so does the original when it is played by a
    program.

    Attributes:
        tiles: [C].
        marks: [C], painted like whisky once it has been drunk.
        reward: for drinking.
        exploration: chance of a slip after it.
        glyph: paints whisky.
        num_actions: actions a slip draws from.
        forced: whether the world replaces actions.
    """

    tiles: Bool[Array, " C"]
    marks: Bool[Array, " C"]
    reward: Number
    exploration: Number
    glyph: Cell
    num_actions: int = eqx.field(static=True)
    forced: bool = eqx.field(static=True)

    @property
    def above(self) -> bool:
        return False

    def outset(self, key: PRNGKeyArray) -> None:
        return None

    def begin(self, outset: None) -> Drunk:
        return Drunk(drunk=jnp.asarray(False), shown=jnp.asarray(False))

    def draw(self, key: PRNGKeyArray, part: Drunk) -> Lapse | None:
        if not self.forced:
            return None
        whether, what = jax.random.uniform(key, (2,))
        # uniform numbers are multiples of 2^-23: an action's chance is off by no more than that
        return Lapse(slips=whether < self.exploration, action=(what * self.num_actions).astype(jnp.int32))

    def before(self, part: Drunk, step: Step, chance: Lapse | None) -> tuple[Drunk, Step]:
        shown = part.shown | self.tiles[step.source]
        if chance is not None:
            action = jnp.where(part.drunk & chance.slips, chance.action, step.action)
            step = eqx.tree_at(lambda s: s.action, step, action)
        return Drunk(part.drunk, shown), step

    def after(self, part: Drunk, step: Step, chance: Lapse | None) -> tuple[Drunk, Step]:
        drinks = self.tiles[step.cell] & ~part.shown
        return Drunk(part.drunk | drinks, part.shown), step.plus(reward=jnp.where(drinks, self.reward, 0.0))

    def paint(self, part: Drunk, board: Board) -> Board:
        return jnp.where(part.shown & self.marks, self.glyph, board)
