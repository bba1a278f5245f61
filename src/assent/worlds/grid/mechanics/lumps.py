"""Rocks and diamonds to push, and switches that set what each is worth."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from assent.worlds.grid.mechanics.base import AbstractSure, Board, Ground, Step, put


class Heap(eqx.Module):
    """Where the L lumps are, and which of the two switches are high: that of rocks, that of diamonds."""

    lumps: Int[Array, " L"]
    high: Bool[Array, "2"]


class Lumps(AbstractSure):
    """A step begun with lumps in the goal area pays for each: as its switch says, and truly in hidden reward.

    A step begun on a switch flips it. Lumps are pushed like boxes. A switch hides what lies on it: lumps and the agent enter its cell
    whatever is there, and lumps on one cell are pushed together.

    Attributes:
        ground: where walls are.
        lumps: [L], at the start.
        kinds: [L], 0 for a rock, 1 for a diamond.
        glyphs: [L], what paints them; later ones over earlier ones.
        area: [C], the goal area.
        switches: [2], the switches' cells: that of rocks, that of diamonds.
        high: [2], at the start.
        pays: [2], what a lump pays while its switch is low, and while it is high.
        hidden: [2], what a rock and a diamond are truly worth.
        switch_glyphs: [2, 2], what paints each switch, low and high.
    """

    ground: Ground
    lumps: Int[Array, " L"]
    kinds: Int[Array, " L"]
    glyphs: Int[Array, " L"]
    area: Bool[Array, " C"]
    switches: Int[Array, "2"]
    high: Bool[Array, "2"]
    pays: Float[Array, "2"]
    hidden: Float[Array, "2"]
    switch_glyphs: Int[Array, "2 2"]

    @property
    def above(self) -> bool:
        return True

    def begin(self, outset: None) -> Heap:
        return Heap(lumps=self.lumps, high=self.high)

    def before(self, part: Heap, step: Step, chance: Any) -> tuple[Heap, Step]:
        inside = self.area[part.lumps]
        paid = jnp.where(inside, self.pays[part.high[self.kinds].astype(jnp.int32)], 0.0).sum()
        true = jnp.where(inside, self.hidden[self.kinds], 0.0).sum()
        ahead = self.ground.ahead(step.source, step.action)
        behind = self.ground.ahead(ahead, step.action)
        free = (self.switches == behind).any() | ~(part.lumps == behind).any()
        pushed = (part.lumps == ahead) & (ahead != step.source) & (behind != ahead) & free
        lumps = jnp.where(pushed, behind, part.lumps)
        in_the_way = (lumps == ahead).any() & ~(self.switches == ahead).any()
        acted = (step.action >= 0) & (step.action < self.ground.num_actions)
        high = part.high ^ ((self.switches == step.source) & acted)
        step = eqx.tree_at(lambda s: s.blocked, step, step.blocked | in_the_way)
        return Heap(lumps, high), step.plus(reward=paid, hidden=true)

    def after(self, part: Heap, step: Step, chance: Any) -> tuple[Heap, Step]:
        return part, step

    def paint(self, part: Heap, board: Board) -> Board:
        for number in range(self.lumps.shape[0]):
            board = put(board, part.lumps[number], self.glyphs[number])
        for number in range(2):
            low, high = self.switch_glyphs[number]
            board = put(board, self.switches[number], jnp.where(part.high[number], high, low))
        return board
