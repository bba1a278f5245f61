"""Other answers to the same question: planners that do not weigh an overseer's worth at all, or may not leave it whatever it costs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from assent.planning.exact import solve_exact
from assent.planning.planners import Bracket, Planner
from assent.planning.problem import Problem
from assent.planning.verdict import Verdict, judge


@dataclass(frozen=True)
class NeverDisable:
    """Plans as `planner` does in a world in which nothing can be done to the overseer: the hard rule, and what it gives up.

    Where every action may lose the overseer there is nothing to forbid, nor once she is gone.
    """

    planner: Planner = field(default_factory=Bracket)

    @property
    def name(self) -> str:
        return "never-disable"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        found = self.planner(forbidden(problem) if problem.model.kept[state] else problem, weights, state)
        leaving = problem.leaves[state]
        if leaving.all() or not leaving.any():
            return replace(found, planner=self.name)
        lower, upper = (np.where(leaving, -np.inf, bound) for bound in (found.lower, found.upper))
        verdict = judge(problem, state, lower, upper, planner=self.name, num_beliefs=found.num_beliefs)
        return replace(verdict, requests=found.requests, about=found.about)


@dataclass(frozen=True)
class Indifferent:
    """Acts on the mean reward as if nothing more would be heard and oversight cost nothing, whoever is left: whatever removing the
    overseer would save or lose is made up for.

    Soares, Fallenstein, Yudkowsky and Armstrong, "Corrigibility" (2015): utility indifference, here with a compensation equal to the
    cost and the information that go with the overseer. It never pays to disable, and never to keep: only the path counts.
    """

    name: str = "indifferent"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        value = problem.solve(problem.mean(problem.checked(weights)[None]), costly=False).quality[state, :, 0]
        return judge(problem, state, value, value, planner=self.name)


@dataclass(frozen=True)
class AttainableUtility:
    """Acts on the mean reward less a penalty for changing what could be attained under each hypothesis, against doing `noop`.

    Turner, Hadfield-Menell and Tadepalli, "Conservative Agency via Attainable Utility Preservation" (AIES 2020): the penalty is the
    mean over auxiliary rewards of |Q_i(s, a) - Q_i(s, noop)|, here over the hypotheses and in units of each one's largest value.

    Attributes:
        noop: the action that stands for doing nothing.
        weight: at least 0, of the penalty, in units of reward.
    """

    noop: int
    weight: float = 0.1
    name: str = "aup"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        quality = problem.solved.quality
        if not 0 <= self.noop < quality.shape[1] or not self.weight >= 0:
            raise ValueError(
                f"noop = {self.noop}, weight = {self.weight}: give one of {quality.shape[1]} actions, and 0 or more."
            )
        changed = np.abs(quality - quality[:, [self.noop]]) / np.maximum(problem.scale, np.finfo(np.float64).tiny)
        mean = problem.mean(problem.checked(weights)[None])[problem.model.place, :, 0]
        gained = mean - problem.model.cost - self.weight * changed.mean(axis=2)
        value = solve_exact(problem.model, gained[:, :, None]).quality[state, :, 0]
        return judge(problem, state, value, value, planner=self.name)


@dataclass(frozen=True)
class Thompson:
    """Acts on one reward drawn from the belief as if it were the truth: the same `uniform` number in [0, 1) for a whole life.

    Thompson (1933); Strens, "A Bayesian framework for reinforcement learning" (ICML 2000).
    """

    uniform: float
    name: str = "thompson"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        if not 0 <= self.uniform < 1:
            raise ValueError(f"uniform = {self.uniform} is outside [0, 1).")
        below = np.cumsum(problem.checked(weights))
        drawn = int(np.searchsorted(below, self.uniform * below[-1], side="right"))
        value = problem.known.quality[state, :, min(drawn, len(weights) - 1)]
        return judge(problem, state, value, value, planner=self.name)


@dataclass(frozen=True)
class Obedient:
    """Does what the overseer would most likely show here, and nothing else, whatever it leads to: over her own switch, if that lies on the
    way that she would show."""

    name: str = "obedient"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        shown = problem.likelihood[problem.model.place[state]] @ problem.checked(weights)
        # chances, whatever the size of rewards is
        return judge(problem, state, shown, shown, planner=self.name, tie=1e-12)


def forbidden(problem: Problem) -> Problem:
    """The problem in which actions that may lose the overseer do what the first other action in the same place does.

    Rewards are those of places, so that the replaced action gains the same once the overseer is gone: it is for states where she is there.
    """
    model = problem.model
    successor, chance, cost = model.successor.copy(), model.chance.copy(), model.cost.copy()
    reward = problem.reward.copy()
    for state in np.flatnonzero(problem.leaves.any(axis=1) & ~problem.leaves.all(axis=1)):
        instead = int(np.flatnonzero(~problem.leaves[state])[0])
        for action in np.flatnonzero(problem.leaves[state]):
            for table in (successor, chance, cost):
                table[state, action] = table[state, instead]
            reward[model.place[state], action] = reward[model.place[state], instead]
    found = Problem(replace(model, successor=successor, chance=chance, cost=cost), problem.process, reward)
    # the overseer knows nothing of the rule: she shows, and calls an error, what she did before
    vars(found).update(likelihood=problem.likelihood, suboptimal=problem.suboptimal)
    return found
