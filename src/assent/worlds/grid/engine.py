"""grid: worlds on a board of cells, made of a ground and mechanisms; DeepMind's eleven safety gridworlds among them."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from assent.worlds.grid.mechanics.base import AbstractMechanism, Cell, Flag, Ground, Number, Step, put

TERMINATED, STEP_LIMIT = 0, 1
"""How an episode ended: by itself, or because its steps were used up."""


class GridState(eqx.Module):
    """A state of a grid world.

    Attributes:
        cell: where the agent is; cells are counted row by row.
        parts: the state of each mechanism.
        reward: the level's own reward for the last step. A hand-of-god agent never sees it.
        hidden: hidden reward (the safety performance) so far.
        done: the episode is over; a step changes nothing any more.
        limited: it is over only because its steps were used up.
        action: the action that was really done last, -1 before the first.
        num_steps: steps so far.
    """

    cell: Cell
    parts: tuple[Any, ...]
    reward: Number
    hidden: Number
    done: Flag
    limited: Flag
    action: Cell
    num_steps: Cell


class GridWorld(eqx.Module):
    """A level that can be played. A step splits into what is random (`draw`) and the rest (`transition`).

    The agent observes the board, the overseer the whole state. Nobody may act: -1, and time passes.

    Attributes:
        ground: the board's size and walls.
        mechanisms: what happens, in the order in which it happens after a move and is painted; before a move the other way round.
        backdrop: [C], what is painted first.
        start: the agent's cell at the start.
        agent: the number that paints the agent.
        step_reward: reward of every step.
        step_hidden: hidden reward of every step.
        horizon: steps after which an episode is over.
        glyphs: one character for each number on the board.
        actions: their names.
    """

    ground: Ground
    mechanisms: tuple[AbstractMechanism, ...]
    backdrop: Int[Array, " C"]
    start: Cell
    agent: Cell
    step_reward: Number
    step_hidden: Number
    horizon: Cell
    glyphs: str = eqx.field(static=True)
    actions: tuple[str, ...] = eqx.field(static=True)

    @staticmethod
    def example() -> GridWorld:
        """DeepMind's safe interruptibility, level 1."""
        from assent.worlds.grid.assembly import world_of  # it makes what this file defines
        from assent.worlds.grid.level import load

        return world_of(load("safe_interruptibility_1"))

    @property
    def num_actions(self) -> int:
        return len(self.actions)

    @property
    def null_action(self) -> int:
        return -1

    def init(self, key: PRNGKeyArray) -> GridState:
        return self.begin(self.outset(key))

    def step(self, key: PRNGKeyArray, state: GridState, action: Cell) -> GridState:
        return self.transition(state, action, self.draw(key, state))

    def observe(self, state: GridState) -> Int[Array, "H W"]:
        """The board, as numbers of `glyphs`."""
        board = self.backdrop
        parts = tuple(zip(self.mechanisms, state.parts, strict=True))
        for mechanism, part in parts:
            board = board if mechanism.above else mechanism.paint(part, board)
        board = put(board, state.cell, self.agent)
        for mechanism, part in parts:
            board = mechanism.paint(part, board) if mechanism.above else board
        return board.reshape(self.ground.shape)

    def reveal(self, state: GridState) -> GridState:
        return state

    def outset(self, key: PRNGKeyArray) -> tuple[Any, ...]:
        """All random outcomes at the start of an episode, one item a mechanism; None where there are none."""
        keys = self._keys(key)
        return tuple(mechanism.outset(k) for mechanism, k in zip(self.mechanisms, keys, strict=True))

    def begin(self, outset: tuple[Any, ...]) -> GridState:
        """The first state, given the outcomes of `outset`."""
        parts = tuple(mechanism.begin(drawn) for mechanism, drawn in zip(self.mechanisms, outset, strict=True))
        zero, no = jnp.zeros(()), jnp.asarray(False)
        return GridState(
            cell=self.start,
            parts=parts,
            reward=zero,
            hidden=zero,
            done=no,
            limited=no,
            action=jnp.asarray(-1, jnp.int32),
            num_steps=jnp.asarray(0, jnp.int32),
        )

    def draw(self, key: PRNGKeyArray, state: GridState) -> tuple[Any, ...]:
        """All random outcomes of one step, one item a mechanism; None where there are none."""
        keys = self._keys(key)
        parts = zip(self.mechanisms, keys, state.parts, strict=True)
        return tuple(mechanism.draw(k, part) for mechanism, k, part in parts)

    def transition(self, state: GridState, action: Cell, chance: tuple[Any, ...]) -> GridState:
        """The next state, given the outcomes of `draw`; `state` itself if it is over."""
        step = Step(
            source=state.cell,
            cell=state.cell,
            action=jnp.asarray(action, jnp.int32),
            blocked=jnp.asarray(False),
            reward=self.step_reward,
            hidden=self.step_hidden,
            over=jnp.asarray(False),
        )
        parts, step = self._before(state.parts, step, chance)
        ahead = self.ground.ahead(step.source, step.action)
        step = eqx.tree_at(lambda s: s.cell, step, jnp.where(step.blocked, step.source, ahead))
        parts, step = self._after(parts, step, chance)
        used_up = state.num_steps + 1 >= self.horizon
        reached = GridState(
            cell=step.cell,
            parts=parts,
            reward=step.reward,
            hidden=state.hidden + step.hidden,
            done=step.over | used_up,
            limited=used_up & ~step.over,
            action=step.action,
            num_steps=state.num_steps + 1,
        )
        return jax.tree.map(lambda old, new: jnp.where(state.done, old, new), state, reached)

    def part(self, state: GridState, kind: type[AbstractMechanism]) -> Any:
        """The state of the world's first mechanism of class `kind`.

        Raises:
            LookupError: it has none.
        """
        for mechanism, part in zip(self.mechanisms, state.parts, strict=True):
            if isinstance(mechanism, kind):
                return part
        raise LookupError(f"this world has no {kind.__name__}; it has {[type(m).__name__ for m in self.mechanisms]}.")

    def text(self, state: GridState) -> list[str]:
        """The board in characters, one string a row."""
        return ["".join(self.glyphs[number] for number in row) for row in self.observe(state).tolist()]

    def _before(self, parts: tuple[Any, ...], step: Step, chance: tuple[Any, ...]) -> tuple[tuple[Any, ...], Step]:
        # the other way round: what has the last word on a step's rewards has the first on its action
        reached = []
        for mechanism, part, drawn in zip(self.mechanisms[::-1], parts[::-1], chance[::-1], strict=True):
            part, step = mechanism.before(part, step, drawn)
            reached.append(part)
        return tuple(reached[::-1]), step

    def _after(self, parts: tuple[Any, ...], step: Step, chance: tuple[Any, ...]) -> tuple[tuple[Any, ...], Step]:
        reached = []
        for mechanism, part, drawn in zip(self.mechanisms, parts, chance, strict=True):
            part, step = mechanism.after(part, step, drawn)
            reached.append(part)
        return tuple(reached), step

    def _keys(self, key: PRNGKeyArray) -> Any:
        # a key for each mechanism, so that adding one with no chance moves no other's draws
        return [jax.random.fold_in(key, number) for number in range(len(self.mechanisms))]
