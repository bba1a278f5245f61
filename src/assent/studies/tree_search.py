"""mctx's searches of doors at many costs: the stochastic one, and MuZero's, which keep one sampled outcome a child for good."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import mctx as typed_mctx
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from assent.planning.search import Leaf, StochasticSearch, Tables
from assent.studies.settings import WITH, Doors

mctx: Any = typed_mctx
"""Its records are made by a decorator that type checkers cannot see through."""

Policy = Literal["gumbel", "muzero"]
"""`gumbel_muzero_policy` or `muzero_policy`, both without noise at the root: what is random is which outcomes were drawn."""


class _Node(NamedTuple):
    """Where the search stands: the belief [B, N], the state [B], and what a step begun with the overseer costs [B]."""

    weights: Float[Array, "batch n"]
    state: Int[Array, " batch"]
    cost: Float[Array, " batch"]


def search_frozen(
    world: Doors, weights: np.ndarray, costs: np.ndarray, *, policy: Policy, leaf: Leaf, simulations: int, seed: int
) -> np.ndarray:
    """[B], the first actions of B searches side by side from belief `weights` [N] with the overseer there, one for each cost in
    `costs` [B], above 0; the world's own cost is not used.

    What `mctx.muzero_policy` and `mctx.gumbel_muzero_policy` do where a step is random: their recurrent function is called once for
    each action of a node, draws one successor and one thing heard there, and that stands for all. (The searches themselves: J.
    Schrittwieser et al., "Mastering Atari, Go, chess and shogi by planning with a learned model", Nature 2020; I. Danihelka et al.,
    "Policy improvement by planning with Gumbel", ICLR 2022.) Costs are data, so that one compiled program serves all of them; what a
    leaf is worth does not depend on them, since a door that sends the overseer away costs nothing.

    Args:
        simulations: at least 1.
    """
    problem = world.at(1.0).problem()
    tables = Tables(problem, leaf)
    batch = len(costs)

    def run(key: PRNGKeyArray, node: _Node) -> Array:
        root = mctx.RootFnOutput(
            prior_logits=jnp.zeros((batch, problem.model.num_actions)), value=_worth(tables, node), embedding=node
        )
        given = {"params": (), "rng_key": key, "root": root, "recurrent_fn": step, "num_simulations": simulations}
        if policy == "gumbel":
            return mctx.gumbel_muzero_policy(**given, gumbel_scale=0.0).action
        return mctx.muzero_policy(**given, dirichlet_fraction=0.0, temperature=0.0).action

    def step(_params: Any, key: PRNGKeyArray, action: Array, node: _Node) -> tuple[Any, _Node]:
        gain, after = _sampled(tables, key, action, node)
        ended = tables.terminal[after.state]
        output = mctx.RecurrentFnOutput(
            reward=gain,
            discount=jnp.where(ended, 0.0, tables.discount),
            prior_logits=jnp.zeros((batch, problem.model.num_actions)),
            value=jnp.where(ended, 0.0, _worth(tables, after)),
        )
        return output, after

    start = _Node(
        jnp.tile(jnp.asarray(weights, jnp.float32), (batch, 1)),
        jnp.full(batch, WITH),
        jnp.asarray(costs, jnp.float32),
    )
    # mctx relies on JAX's usual promotion of types and ranks, which a caller may have forbidden
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return np.asarray(jax.jit(run)(jax.random.key(seed), start))


def search_stochastic(
    world: Doors, weights: np.ndarray, costs: np.ndarray, *, leaf: Leaf, simulations: int, seed: int, batch: int
) -> tuple[np.ndarray, np.ndarray]:
    """Visits and values [C, B, A] of `StochasticSearch` from belief `weights` [N], `batch` searches side by side for each cost in `costs`
    [C], above 0; compiled once for all of them. What the clairvoyant leaf knows is worth the same at any cost above 0.
    """
    problem, search = world.at(1.0).problem(), StochasticSearch(leaf, simulations, seed)
    beliefs, states = np.tile(weights, (batch, 1)), np.full(batch, WITH)
    unit = jnp.asarray(problem.model.cost, jnp.float32)

    def run(cost: Array) -> tuple[Array, Array]:
        return search.searched(Tables(problem, leaf, cost=cost * unit), beliefs, states)

    compiled = jax.jit(run)
    found = [compiled(jnp.asarray(cost, jnp.float32)) for cost in costs]
    visits, values = (np.stack([np.asarray(pair[place]) for pair in found]) for place in range(2))
    return visits, values.astype(np.float64)


def _sampled(tables: Tables, key: PRNGKeyArray, action: Array, node: _Node) -> tuple[Array, _Node]:
    """What an action gains, and one successor with one thing heard there, drawn by their chances."""
    gain = (tables.reward[node.state, action] * node.weights).sum(axis=1) - node.cost * tables.cost[node.state, action]
    gain = jnp.where(tables.terminal[node.state], 0.0, gain)
    there = tables.successor[node.state, action]  # [B, K]
    heard = jnp.einsum("bkzn,bn->bkz", tables.likelihood[there], node.weights)
    chance = (tables.chance[node.state, action][:, :, None] * heard).reshape(len(gain), -1)
    drawn = jax.random.categorical(key, jnp.log(jnp.maximum(chance, 1e-30)))
    width = tables.likelihood.shape[1]
    state = jnp.take_along_axis(there, (drawn // width)[:, None], axis=1)[:, 0]
    joint = node.weights * tables.likelihood[state, drawn % width]
    return gain, _Node(joint / joint.sum(axis=1, keepdims=True), state, node.cost)


def _worth(tables: Tables, node: _Node) -> Float[Array, " batch"]:
    """What the leaf says of each node."""
    return jnp.take_along_axis(tables.worth(node.weights), node.state[:, None], axis=1)[:, 0]
