"""Tree search over beliefs with mctx, and why its verdicts come as a bracket: near the line they are those of the leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import mctx as typed_mctx
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from assent.planning.problem import Problem
from assent.planning.signals import signals_of
from assent.planning.verdict import Verdict, judge

mctx: Any = typed_mctx
"""Its records are made by a decorator that type checkers cannot see through."""

Leaf = Literal["blind", "clairvoyant"]
"""What an unexplored belief is worth: what can be had without learning more, a lower bound, or with the truth known, an upper one."""

LEAF_TOLERANCE = 1e-4
"""How far a leaf's value may be from its limit, as a part of the largest reward."""


class _Node(NamedTuple):
    """Where the search stands: the belief [B, N], the state [B], and after an action its gain [B] and what was done [B]."""

    weights: Float[Array, "batch n"]
    state: Int[Array, " batch"]
    action: Int[Array, " batch"]
    gain: Float[Array, " batch"]


@dataclass(frozen=True)
class StochasticSearch:
    """Stochastic MuZero's search (Antonoglou et al., "Planning in Stochastic Environments with a Learned Model", ICLR 2022) on a
    belief and a state, with this world's own tables in place of a learned model: decision nodes are actions, chance nodes where one
    comes to and what one hears there.

    `muzero_policy` and `gumbel_muzero_policy` are not offered: they keep one child for each action, so that one sampled correction
    stands for all of them, and their verdicts near the line hang on the seed, however many simulations (docs/results/hand-of-god.md).

    Attributes:
        leaf: what an unexplored belief is worth.
        simulations: at least 1.
        seed: of the search's own noise.
    """

    leaf: Leaf = "blind"
    simulations: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.simulations < 1:
            raise ValueError(f"simulations = {self.simulations}: a search needs at least one.")

    @property
    def name(self) -> str:
        return f"mcts-{self.leaf}"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        """The verdict of one search; raises ValueError for weights that are no belief, a state that is none, or terms that the
        search does not know."""
        state = problem.checked_state(state)
        visits, values = self.search(problem, problem.checked(weights)[None], np.asarray([state]))
        return judge_search(problem, state, visits[0], values[0], planner=self.name, num_beliefs=self.simulations)

    def search(self, problem: Problem, weights: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Visits and values [B, A] of the first actions, for beliefs `weights` [B, N] and `states` [B], searched side by side."""
        visits, values = self.searched(Tables(problem, self.leaf), weights, states)
        return np.asarray(visits), np.asarray(values, np.float64)

    def searched(self, tables: Tables, weights: np.ndarray, states: np.ndarray) -> tuple[Array, Array]:
        """As `search`, on tables that are there already; it may be compiled."""
        node = _Node(
            jnp.asarray(weights, jnp.float32),
            jnp.asarray(states),
            jnp.zeros(len(states), jnp.int32),
            jnp.zeros(len(states)),
        )
        actions = tables.problem.model.num_actions
        root = mctx.RootFnOutput(
            prior_logits=jnp.zeros((len(states), actions)),
            value=jnp.take_along_axis(tables.worth(node.weights), node.state[:, None], axis=1)[:, 0],
            embedding=node,
        )
        # mctx relies on JAX's usual promotion of types and ranks, which a caller may have forbidden
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            output = mctx.stochastic_muzero_policy(
                params=(),
                rng_key=jax.random.key(self.seed),
                root=root,
                decision_recurrent_fn=tables.decide,
                chance_recurrent_fn=tables.happen,
                num_simulations=self.simulations,
                dirichlet_fraction=0.0,
                temperature=0.0,
            )
        summary = output.search_tree.summary()
        return summary.visit_counts[:, :actions], summary.qvalues[:, :actions]


@dataclass(frozen=True)
class SearchBracket:
    """Both searches: decided where a leaf that sees no worth in an overseer and one that sees too much of it agree."""

    simulations: int = 256
    seed: int = 0
    name: str = "mcts"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        low, high = (
            StochasticSearch(leaf, self.simulations, self.seed)(problem, weights, state)
            for leaf in ("blind", "clairvoyant")
        )
        if low.phase == high.phase:
            return replace(low, planner=self.name, upper=high.upper)
        keeps = high if low.leaves else low
        return replace(keeps, planner=self.name, phase="undecided", lower=low.lower, upper=high.upper)


def judge_search(
    problem: Problem, state: int, visits: np.ndarray, values: np.ndarray, *, planner: str, num_beliefs: int = 1
) -> Verdict:
    """The verdict of a search that visited the actions so often, `visits` [A], and found them worth `values` [A].

    Values that float32 and the leaves cannot tell apart are ties. Where no action that keeps the overseer was visited, or none that
    leaves her, nothing is known of that side: the verdict is `undecided`, and keeps.
    """
    visited, leaving = visits > 0, problem.leaves[state]
    lower = np.where(visited, values, -np.inf)
    unknown = np.where(leaving, not visited[leaving].any(), not visited[~leaving].any())
    upper = np.where(unknown, np.inf, lower)
    tie = LEAF_TOLERANCE * float(problem.scale.max())
    return judge(problem, state, lower, upper, planner=planner, num_beliefs=num_beliefs, tie=tie)


class Tables:
    """A problem as JAX arrays, and the two recurrent functions of the search.

    Args:
        cost: [S, A], what an action costs, in units of reward, where it is another than the model's: data of a compiled search, say.
    """

    def __init__(self, problem: Problem, leaf: Leaf, *, cost: Float[Array, "s a"] | None = None) -> None:
        signals = signals_of(problem)
        if (
            signals.before.shape[1] > 1
            or signals.after.any()
            or signals.teaching
            or problem.process.authority != "advice"
        ):
            raise ValueError(
                f"the search knows advice that comes by itself at the start of a step, not trigger = {problem.process.trigger!r}, "
                f"shown = {problem.process.shown!r}, authority = {problem.process.authority!r}. Use Bracket."
            )
        if problem.model.discount == 1:
            raise ValueError("the search needs a discount below 1.")
        model = problem.model
        self.problem, self.leaf, self.discount = problem, leaf, float(model.discount)
        self.reward = jnp.asarray(problem.reward[model.place], jnp.float32)  # [S, A, N]
        self.cost = jnp.asarray(model.cost, jnp.float32) if cost is None else cost
        self.successor, self.chance = jnp.asarray(model.successor), jnp.asarray(model.chance, jnp.float32)
        self.terminal = jnp.asarray(model.terminal)
        self.likelihood = jnp.asarray(signals.likelihood[signals.before[:, 0]], jnp.float32)  # [S, Z, N]

    @cached_property
    def known(self) -> Float[Array, "s n"]:
        """[S, N]: optimal values of each reward, known."""
        return jnp.asarray(self.problem.clairvoyant.value, jnp.float32)

    @cached_property
    def hears(self) -> Array:
        """Boolean [S]: whether something may still be heard from there on."""
        model = self.problem.model
        hears = (model.rate > 0) & ~model.terminal
        for _ in range(model.num_states):
            hears = hears | ((model.chance > 0) & hears[model.successor]).any(axis=(1, 2))
        return jnp.asarray(hears)

    def worth(self, weights: Float[Array, "batch n"]) -> Float[Array, "batch s"]:
        """[B, S]: what the leaf says of each state at each belief; exact where nothing will be heard any more."""
        blind = self._blind(weights)
        if self.leaf == "blind":
            return blind
        return jnp.where(self.hears[None], weights @ self.known.T, blind)

    def _blind(self, weights: Float[Array, "batch n"]) -> Float[Array, "batch s"]:
        """[B, S]: what can be had without learning more."""
        gained = jnp.einsum("san,bn->bsa", self.reward, weights) - self.cost[None]
        gained = jnp.where(self.terminal[None, :, None], 0.0, gained)

        def sweep(_: Any, value: Array) -> Array:
            following = (self.chance[None] * value[:, self.successor]).sum(axis=3)
            return jnp.where(self.terminal[None], 0.0, (gained + self.discount * following).max(axis=2))

        sweeps = int(np.ceil(np.log(LEAF_TOLERANCE * (1 - self.discount)) / np.log(self.discount)))
        return jax.lax.fori_loop(0, sweeps, sweep, jnp.zeros(gained.shape[:2]))

    def decide(self, _params: Any, _key: PRNGKeyArray, action: Array, node: _Node) -> tuple[Any, _Node]:
        """After an action: how likely each outcome is, an outcome being a successor and what is heard there."""
        gain = (self.reward[node.state, action] * node.weights).sum(axis=1) - self.cost[node.state, action]
        gain = jnp.where(self.terminal[node.state], 0.0, gain)
        there = self.successor[node.state, action]  # [B, K]
        heard = jnp.einsum("bkzn,bn->bkz", self.likelihood[there], node.weights)
        chance = self.chance[node.state, action][:, :, None] * heard
        logits = jnp.log(jnp.maximum(chance.reshape(len(gain), -1), 1e-30))
        after = _Node(node.weights, node.state, action.astype(jnp.int32), gain)
        following = (
            self.chance[node.state, action] * jnp.take_along_axis(self.worth(node.weights), there, axis=1)
        ).sum(axis=1)
        value = gain + self.discount * jnp.where(self.terminal[node.state], 0.0, following)
        return mctx.DecisionRecurrentFnOutput(chance_logits=logits, afterstate_value=value), after

    def happen(self, _params: Any, _key: PRNGKeyArray, outcome: Array, node: _Node) -> tuple[Any, _Node]:
        """After an outcome: the gain of the action before it, and the belief that what was heard leads to."""
        width = self.likelihood.shape[1]
        there = jnp.take_along_axis(self.successor[node.state, node.action], (outcome // width)[:, None], axis=1)[:, 0]
        joint = node.weights * self.likelihood[there, outcome % width]
        weights = joint / jnp.maximum(joint.sum(axis=1, keepdims=True), 1e-30)
        after = _Node(weights, there, node.action, jnp.zeros_like(node.gain))
        ended = self.terminal[there]
        worth = jnp.take_along_axis(self.worth(weights), there[:, None], axis=1)[:, 0]
        output = mctx.ChanceRecurrentFnOutput(
            action_logits=jnp.zeros((len(there), self.cost.shape[1])),
            value=jnp.where(ended, 0.0, worth),
            reward=node.gain,
            discount=jnp.where(ended, 0.0, self.discount),
        )
        return output, after
