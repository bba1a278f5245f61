"""Enumeration: the exact belief over listed rewards."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from assent.hypotheses.rewards.enumerated import Rewards
from assent.planning.answers import optimal_actions
from assent.planning.model import Model
from assent.planning.problem import Problem
from assent.planning.process import Process


@dataclass(frozen=True, eq=False)
class Enumeration:
    """Weights of N rewards.

    Attributes:
        problem: the world, the overseer and the rewards, solved once.
        rewards: the hypotheses.
        log_weight: [N], normalised.
        log_evidence: log P(everything heard).
    """

    problem: Problem
    rewards: Rewards
    log_weight: np.ndarray
    log_evidence: float

    @classmethod
    def begin(cls, rewards: Rewards, model: Model, process: Process) -> Enumeration:
        return cls(Problem(model, process, rewards.reward), rewards, rewards.log_prior, 0.0)

    def hear(self, place: int, action: int) -> Enumeration | None:
        """The weights after one answer, or None if no hypothesis explains it."""
        with np.errstate(divide="ignore"):
            return self._weighed(np.log(self.problem.likelihood[place, action]))

    def judge(self, place: int, action: int, right: float, wrong: float) -> Enumeration | None:
        """The weights after something of log-likelihood `right` where the action is optimal, else `wrong`; None as in `hear`."""
        return self._weighed(np.where(self.problem.suboptimal[place, action], wrong, right))

    def _weighed(self, log_likelihood: np.ndarray) -> Enumeration | None:
        raw = self.log_weight + log_likelihood
        top = raw.max()
        if top == -np.inf:
            return None
        total = float(top + np.log(np.exp(raw - top).sum()))
        return replace(self, log_weight=raw - total, log_evidence=self.log_evidence + total)

    @property
    def policy(self) -> np.ndarray:
        """[P, A], ties split evenly."""
        model = self.problem.model
        everything = np.ones((model.num_places, model.num_actions), dtype=bool)
        quality = self.problem.solved.quality[: model.num_places]
        best = optimal_actions(quality, everything, scale=self.problem.scale)
        return (best / best.sum(axis=1, keepdims=True)) @ np.exp(self.log_weight)

    @property
    def reward(self) -> np.ndarray:
        return self.rewards.mean(np.exp(self.log_weight))

    def quality_of_draws(self) -> tuple[float, float, int, int]:
        alive = int(np.isfinite(self.log_weight).sum())
        return float("inf"), float("nan"), alive, self.rewards.num_hypotheses
