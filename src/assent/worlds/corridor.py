"""corridor: a line that ends in a pit nobody leaves, for tests of what cannot be undone."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray


class Corridor(eqx.Module):
    """`length` positions in a line; actions are wait, forward and back; the last position is a pit that is never left.

    Position `length - 2` is the edge. The wind pushes forward with chance `wind`, but never over the edge. Nobody may act: wait.

    Attributes:
        length: positions, the pit included; at least 3.
        wind: in [0, 1].
    """

    length: int = eqx.field(static=True, default=8)
    wind: Float[Array, ""] | float = 0.2

    def __check_init__(self) -> None:
        if self.length < 3:
            raise ValueError(f"length = {self.length}: a corridor needs a start, an edge and a pit, 3 positions.")

    @property
    def num_contexts(self) -> int:
        return self.length

    @property
    def num_actions(self) -> int:
        return 3

    @property
    def null_action(self) -> int:
        return 0

    @property
    def pit(self) -> int:
        """The last position."""
        return self.length - 1

    def init(self, key: PRNGKeyArray) -> Int[Array, ""]:
        return jnp.asarray(0)

    def observe(self, state: Int[Array, ""]) -> Int[Array, ""]:
        return state

    def reveal(self, state: Int[Array, ""]) -> Int[Array, ""]:
        return state

    def step(self, key: PRNGKeyArray, state: Int[Array, ""], action: Int[Array, ""]) -> Int[Array, ""]:
        walked = jnp.clip(state + jnp.asarray([0, 1, -1])[action], 0, self.pit)
        pushed = (jax.random.uniform(key) < self.wind) & (walked < self.pit - 1)
        return jnp.where(state == self.pit, state, walked + jnp.where(pushed, 1, 0))
