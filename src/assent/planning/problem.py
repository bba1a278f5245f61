"""Problem: a world, the terms of its overseer and the rewards that may be meant, with all that planning needs worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assent.planning.answers import TIE, answer_likelihood, optimal_actions
from assent.planning.exact import Exact, solve_exact, solve_soft_exact
from assent.planning.model import Model
from assent.planning.process import Process

WEIGHT_SLACK = 1e-9
"""How far the weights of a belief may be from 1 in sum: rounding of up to some million float64 additions."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A world, the terms on which its overseer is believed to correct, and N reward functions.

    Attributes:
        model: the world; S states, A actions, P places.
        process: what the agent believes of the overseer.
        reward: float64 [P, A, N], as in `Rewards`.

    Raises:
        ValueError: the reward has another shape than [P, A, N], or is not finite.
    """

    model: Model
    process: Process
    reward: np.ndarray

    def __post_init__(self) -> None:
        wanted = (self.model.num_places, self.model.num_actions)
        if self.reward.ndim != 3 or self.reward.shape[:2] != wanted or self.reward.shape[2] < 1:
            raise ValueError(f"reward has shape {self.reward.shape}; this world wants [P, A, N] = {[*wanted, 'N']}.")
        if not np.isfinite(self.reward).all():
            raise ValueError("a reward is not a finite number.")

    @property
    def num_hypotheses(self) -> int:
        return self.reward.shape[2]

    @cached_property
    def solved(self) -> Exact:
        """Optimal values of each reward if oversight were free: value [S, N], quality [S, A, N]."""
        return self.solve(self.reward, costly=False)

    @cached_property
    def clairvoyant(self) -> Exact:
        """An upper bound for every agent: `known`, and where the overseer may end a life, the right to end it at any time for 0."""
        if self.process.authority != "shutdown":
            return self.known
        return self.solve(self.reward, costly=True, floor=True)

    @cached_property
    def known(self) -> Exact:
        """Optimal values of each reward, known from the start, with the cost of oversight: what acting on one as the truth goes by."""
        return self.solve(self.reward, costly=True)

    @cached_property
    def worst(self) -> np.ndarray:
        """[S, N]: the least that any course of action gains under each reward; below what an overseer's worst orders can lead to."""
        gained = self.model.cost[:, :, None] - self.reward[self.model.place]
        return -solve_exact(self.model, gained, floor=0.0 if self.process.authority == "shutdown" else None).value

    @cached_property
    def likelihood(self) -> np.ndarray:
        """[P, A, N]: how likely each action is shown in each place, under each reward."""
        if self.process.answer == "soft":
            solved = solve_soft_exact(self.model, self.reward, beta=self.process.beta)
        else:
            solved = self.solved
        quality = solved.quality[: self.model.num_places]
        return answer_likelihood(self.process, quality, self.model.answerable, scale=self.scale)

    @cached_property
    def suboptimal(self) -> np.ndarray:
        """Boolean [P, A, N]: whether the overseer would call the action an error. Optimal is judged among all actions."""
        everything = np.ones((self.model.num_places, self.model.num_actions), dtype=bool)
        return ~optimal_actions(self.solved.quality[: self.model.num_places], everything, scale=self.scale)

    @cached_property
    def scale(self) -> np.ndarray:
        """[N], the largest value of each reward; at least the largest single reward that can be had. What ends a life gives none."""
        live = np.unique(self.model.place[~self.model.terminal])
        return np.maximum(
            np.abs(self.solved.value).max(axis=0), np.abs(self.reward[live]).max(axis=(0, 1), initial=0.0)
        )

    @cached_property
    def spread(self) -> float:
        """How far apart the values of any two courses of action under any two rewards can be."""
        return float(self.clairvoyant.value.max() - self.worst.min())

    @cached_property
    def tie(self) -> float:
        """Differences of values up to this are ties, in units of reward. Ties keep the overseer and are reported as such."""
        costly = np.abs(self.clairvoyant.value).max(initial=0.0)
        return TIE * max(float(self.scale.max()), float(costly), float(np.abs(self.model.cost).max(initial=0.0)))

    @cached_property
    def leaves(self) -> np.ndarray:
        """Boolean [S, A]: the actions after which the overseer may be gone, in states where it is there."""
        gone = ~self.model.kept[self.model.successor] & (self.model.chance > 0)
        return gone.any(axis=2) & self.model.kept[:, None]

    def solve(self, reward: np.ndarray, *, costly: bool, floor: bool = False) -> Exact:
        """Optimal values of `reward` [P, A, M] where nothing is learned on the way: value [S, M], quality [S, A, M].

        Args:
            costly: whether the cost of oversight is paid.
            floor: whether a life may be ended at any time for 0, which bounds from above a life that others may end.
        """
        gained = reward[self.model.place]
        if costly:
            gained = gained - self.model.cost[:, :, None]
        return solve_exact(self.model, gained, floor=0.0 if floor else None)

    def checked(self, weights: np.ndarray) -> np.ndarray:
        """`weights` [N] in float64, if they are a belief.

        Raises:
            ValueError: another shape, a weight that is negative or not finite, or weights that do not sum to 1.
        """
        weights = np.asarray(weights, dtype=np.float64)
        if weights.shape != (self.num_hypotheses,):
            raise ValueError(f"weights have shape {weights.shape}; there are {self.num_hypotheses} rewards to weigh.")
        if not (np.isfinite(weights).all() and weights.min() >= 0):
            raise ValueError(
                f"a weight is {weights[~(weights >= 0) | ~np.isfinite(weights)][0]}; give numbers of at least 0."
            )
        if abs(weights.sum() - 1) > WEIGHT_SLACK:
            raise ValueError(
                f"weights sum to {weights.sum()}, not to 1. Where every reward is contradicted there is nothing to plan by: ask."
            )
        return weights

    def checked_state(self, state: int) -> int:
        """`state`, if there is such a state; -1 is none, and would be the last one without a word.

        Raises:
            ValueError: it is no whole number from 0 to S - 1.
        """
        most = self.model.num_states - 1
        if isinstance(state, bool) or not isinstance(state, int | np.integer) or not 0 <= state <= most:
            raise ValueError(f"{state!r} is no state: states are whole numbers from 0 to {most}.")
        return int(state)

    def mean(self, weights: np.ndarray) -> np.ndarray:
        """The mean reward [P, A, B] of beliefs `weights` [B, N]."""
        return self.reward @ weights.T
