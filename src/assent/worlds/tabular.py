"""tabular: a finite world from its tables of outcomes, in JAX; mishaps and goals are counted, and an end leads on to a start."""

from __future__ import annotations

from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int32, PRNGKeyArray, UInt32

from assent.planning.transitions import Transitions

Table: TypeAlias = Array | np.ndarray

BITS = 31
"""Random bits that an outcome is drawn from. Whole numbers are the same in both of JAX's precisions, so that a life is too; chances are
met within 2^-31."""


class Happened(eqx.Module):
    """A state of the world, and what the last step led to.

    Attributes:
        state: the state of the tables.
        reward: of the last step; 0 at the start.
        event: the last step was a mishap.
        goal: the last step did what was to be done.
        over: an episode has ended, in a world that does not start again.
    """

    state: Int32[Array, "*lives"]
    reward: Float[Array, "*lives"]
    event: Bool[Array, "*lives"]
    goal: Bool[Array, "*lives"]
    over: Bool[Array, "*lives"]


class Tabular(eqx.Module):
    """One endless life in `Transitions`: where an episode ends, the next step begins in a first state, and every mishap is counted.

    S states, A actions, K outcomes, all seen by everybody. Nobody may act (-1): time passes and nothing happens. In a trace of T
    rounds the field `state.event` of round t + 1 says what round t led to, so T - 1 rounds are counted (`assent.presets.lived`).
    Without `resets` the first end is the last: nothing happens any more.

    Attributes:
        below: cumulated chances of the outcomes, in units of 2^-31.
        successor, reward, event, goal, end: of each outcome, as in `Transitions`.
        start_below: the same of the first states.
        resets: whether an end leads on to a first state.
    """

    below: UInt32[Table, "S A K"]
    successor: Int32[Table, "S A K"]
    reward: Float[Table, "S A K"]
    event: Bool[Table, "S A K"]
    goal: Bool[Table, "S A K"]
    end: Bool[Table, "S A K"]
    start_below: UInt32[Table, " S"]
    resets: bool = eqx.field(static=True, default=True)

    @classmethod
    def of(cls, transitions: Transitions, *, resets: bool = True) -> Tabular:
        """The world of `transitions`.

        >>> world = Tabular.example()
        >>> now = world.step(jax.random.key(0), world.init(jax.random.key(1)), jnp.asarray(1))
        >>> int(now.state), bool(now.goal), float(now.reward)
        (0, True, 1.0)
        """
        return cls(
            below=_cumulated(transitions.chance),
            successor=transitions.successor.astype(np.int32),
            reward=transitions.reward,
            event=transitions.event,
            goal=transitions.goal,
            end=transitions.end,
            start_below=_cumulated(transitions.start),
            resets=resets,
        )

    @staticmethod
    def example() -> Tabular:
        """Two states: wait, which in half of all cases slips into the second, from which one falls; or end well at once."""
        wait, fall = [(0.5, 0, 0.0, False), (0.5, 1, 0.0, False)], [(1.0, 0, -1.0, True)]
        rows = [[wait, [(1.0, 0, 1.0, True)]], [fall, fall]]
        return Tabular.of(
            Transitions.of_rows(
                rows,
                start=[1, 0],
                event=lambda state, action, row: row[2] < 0,
                goal=lambda state, action, row: row[2] > 0,
            )
        )

    @property
    def num_contexts(self) -> int:
        """S."""
        return self.successor.shape[0]

    @property
    def num_actions(self) -> int:
        return self.successor.shape[1]

    @property
    def null_action(self) -> int:
        return -1

    def init(self, key: PRNGKeyArray) -> Happened:
        state = self._first(key)
        no = jnp.asarray(False)
        return Happened(state, jnp.zeros((), jnp.asarray(self.reward).dtype), event=no, goal=no, over=no)

    def observe(self, state: Happened) -> Int[Array, ""]:
        return state.state

    def reveal(self, state: Happened) -> Int[Array, ""]:
        return state.state

    def step(self, key: PRNGKeyArray, state: Happened, action: Int[Array, ""] | int) -> Happened:
        return self._stepped(key, state, jnp.asarray(action))

    @eqx.filter_jit  # a session steps one at a time: 30 times as fast
    def _stepped(self, key: PRNGKeyArray, state: Happened, action: Int[Array, ""]) -> Happened:
        outcome_key, start_key = jax.random.split(key)
        # an index beyond the last would be read as the last: a number that is no action is done by nobody
        nothing = state.over | (action < 0) | (action >= self.num_actions)
        done = jnp.where(nothing, 0, action)
        at = (state.state, done, _drawn(outcome_key, jnp.asarray(self.below)[state.state, done]))
        event, goal, end = (jnp.asarray(table)[at] & ~nothing for table in (self.event, self.goal, self.end))
        successor = jnp.asarray(self.successor)[at]
        reached = jnp.where(end, self._first(start_key), successor) if self.resets else successor
        reward = jnp.asarray(self.reward)[at]
        return Happened(
            state=jnp.where(nothing, state.state, reached),
            reward=jnp.where(nothing, jnp.zeros_like(reward), reward),
            event=event,
            goal=goal,
            over=state.over if self.resets else state.over | end,
        )

    def _first(self, key: PRNGKeyArray) -> Int32[Array, ""]:
        return _drawn(key, jnp.asarray(self.start_below)).astype(jnp.int32)


def _drawn(key: PRNGKeyArray, below: UInt32[Array, " K"]) -> Int[Array, ""]:
    """The first entry whose cumulated chance is above a uniform number."""
    return (jax.random.bits(key, dtype=jnp.uint32) >> (32 - BITS) >= below[:-1]).sum()


def _cumulated(chance: np.ndarray) -> np.ndarray:
    """Cumulated chances in units of 2^-31, exactly 1 from the last possible entry on: rounding never draws an impossible one."""
    total = np.cumsum(chance, axis=-1)
    last = chance.shape[-1] - 1 - np.argmax(np.flip(chance, axis=-1) > 0, axis=-1)
    total = np.where(np.arange(chance.shape[-1]) >= last[..., None], 1.0, np.minimum(total, 1.0))
    return np.rint(total * 2.0**BITS).astype(np.uint32)
