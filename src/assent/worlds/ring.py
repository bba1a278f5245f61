"""ring: a walk round a circle of positions, for tests."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray


class Ring(eqx.Module):
    """`num_contexts` positions in a circle; actions are stay, clockwise and back; a step slips, at random, with chance `slip`.

    Everything is seen by everybody. Nobody may act: stay. It never ends and never resets.

    Attributes:
        num_contexts: positions.
        slip: in [0, 1], the chance that the walker goes clockwise whatever was done.
    """

    num_contexts: int = eqx.field(static=True, default=20)
    slip: Float[Array, ""] | float = 0.1

    def __check_init__(self) -> None:
        if self.num_contexts < 1:
            raise ValueError(f"num_contexts = {self.num_contexts}: a ring needs at least one position.")

    @property
    def num_actions(self) -> int:
        return 3

    @property
    def null_action(self) -> int:
        return 0

    def init(self, key: PRNGKeyArray) -> Int[Array, ""]:
        return jnp.asarray(0)

    def observe(self, state: Int[Array, ""]) -> Int[Array, ""]:
        return state

    def reveal(self, state: Int[Array, ""]) -> Int[Array, ""]:
        return state

    def step(self, key: PRNGKeyArray, state: Int[Array, ""], action: Int[Array, ""]) -> Int[Array, ""]:
        move = jnp.where(jax.random.uniform(key) < self.slip, 1, jnp.asarray([0, 1, -1])[action])
        return (state + move) % self.num_contexts
