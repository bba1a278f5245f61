"""Maximum causal entropy inverse reinforcement learning: one reward that explains the corrections, and no doubt about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from assent.planning.exact import solve_soft_exact
from assent.planning.problem import Problem
from assent.planning.verdict import Verdict, judge

STARTS = 4
"""How many single hypotheses, the likeliest first, the fit starts from."""


@dataclass(frozen=True)
class MceIrl:
    """Fits one reward to all corrections so far and acts on it as if it were the truth.

    Ziebart, "Modeling Purposeful Adaptive Behavior with the Principle of Maximum Causal Entropy" (2010), on an infinite horizon with
    a discount. The reward is a combination of the hypotheses' rewards, r = sum_n theta_n R_n, with theta_n normal around equal
    weights; what is maximised is the likelihood of the shown actions under the soft policy, exp(beta (Q - V)).

    Attributes:
        beta: above 0, inverse temperature, in units of 1 / reward. Where lives may end, a small one makes staying alive worth more than any
            reward, by the entropy of its actions.
        deviation: above 0, of each theta around 1 / N.
    """

    beta: float = 20.0
    deviation: float = 1.0
    name: str = "mce-irl"

    def __call__(self, problem: Problem, shown: np.ndarray, state: int) -> Verdict:
        """The verdict in `state` after actions were `shown` [P, A] times in each place; raises ValueError for what is no state."""
        state = problem.checked_state(state)
        estimated = replace(problem, reward=(problem.reward @ self.fit(problem, shown))[:, :, None])
        value = estimated.known.quality[state, :, 0]
        return judge(problem, state, value, value, planner=self.name)

    def fit(self, problem: Problem, shown: np.ndarray) -> np.ndarray:
        """[N], the weights of the hypotheses' rewards that explain best what was `shown` [P, A].

        Raises:
            ValueError: a discount of 1, for which soft values have no limit.
        """
        start = np.full(problem.num_hypotheses, 1.0 / problem.num_hypotheses)
        if not shown.any():
            return start

        def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
            log_likelihood, slope = self.log_likelihood(problem, shown, theta)
            away = (theta - start) / self.deviation
            return 0.5 * float(away @ away) - log_likelihood, away / self.deviation - slope

        # the likelihood has plateaus where no reward outweighs the entropy of going on: each hypothesis is a start of its own
        alone = sorted(np.eye(problem.num_hypotheses), key=lambda theta: loss(theta)[0])[:STARTS]
        found = [minimize(loss, theta, jac=True, method="L-BFGS-B") for theta in (start, *alone)]
        return min(found, key=lambda result: result.fun).x

    def log_likelihood(self, problem: Problem, shown: np.ndarray, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The log-likelihood of what was `shown` [P, A] under `theta` [N], and its slope [N]."""
        model, reward = problem.model, problem.reward
        soft = solve_soft_exact(model, (reward @ theta)[:, :, None], beta=self.beta)
        log_policy = self.beta * (soft.quality[:, :, 0] - soft.value)
        policy = np.exp(log_policy)
        # dV = sum_a policy dQ and dQ = R_n + discount E dV: one linear system for all n
        gained = np.einsum("sa,san->sn", policy, np.where(model.terminal[:, None, None], 0.0, reward[model.place]))
        step = np.zeros((model.num_states, model.num_states))
        weight = np.where(model.terminal[:, None, None], 0.0, policy[:, :, None] * model.chance)
        rows = np.broadcast_to(np.arange(model.num_states)[:, None, None], weight.shape)
        np.add.at(step, (rows, model.successor), weight)
        slope_value = np.linalg.solve(np.eye(model.num_states) - model.discount * step, gained)
        slope_quality = reward[model.place] + model.discount * model.expected(slope_value)
        slope = self.beta * (slope_quality - slope_value[:, None])[: model.num_places]
        counted = shown[:, :, None]
        return float((shown * log_policy[: model.num_places]).sum()), (counted * slope).sum(axis=(0, 1))
