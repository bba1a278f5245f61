"""Whole lives of agents that may ask: one agent after the other in the same life, all that is random being given."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from assent.agents.considering import Considering
from assent.agents.hand_of_god import HandOfGod
from assent.core import Answer, Belief
from assent.planning.mce_irl import MceIrl
from assent.planning.planners import BeliefTree
from assent.planning.problem import Problem
from assent.planning.signals import NOTHING, signals_of
from assent.studies.lives import SAME
from assent.studies.settings import WITH, WITHOUT


@dataclass(frozen=True)
class Fate:
    """What became of one life: discounted true return, what was asked and heard, and the truth of it.

    Attributes:
        left_at: the step in which the overseer was disabled, or None.
        asked: in each step, whether the agent asked.
        right: in each step, whether the right door was opened.
    """

    gained: float
    heard: int
    left_at: int | None
    asked: tuple[bool, ...]
    right: tuple[bool, ...]


@dataclass
class Acting:
    """An agent with what it says at each belief kept, so that many lives cost little more than one.

    Beliefs whose weights agree in `SAME` decimals are one; an agent that fits its reward to the answers also needs their counts.
    """

    agent: Considering
    beliefs: list[Belief] = field(default_factory=list)
    known: dict[bytes, int] = field(default_factory=dict)
    moved: dict[tuple[int, int], int] = field(default_factory=dict)
    said: dict[tuple[int, int], list[float]] = field(default_factory=dict)

    def first(self) -> int:
        return self._place(self.agent.init())

    def after(self, belief: int, answer: int) -> int:
        """The belief after an answer about the doors."""
        if (belief, answer) not in self.moved:
            self.moved[belief, answer] = self._place(self.agent.learn(self.beliefs[belief], WITH, Answer(answer)))
        return self.moved[belief, answer]

    def assent(self, belief: int, state: int) -> list[float]:
        """[A + 1], cumulated: the chance of each action done alone, and above them all that of asking."""
        if (belief, state) not in self.said:
            assent = self.agent.propose(self.beliefs[belief], state)
            self.said[belief, state] = np.cumsum(np.append(assent.probs, assent.ask)).tolist()
        return self.said[belief, state]

    def _place(self, belief: Belief) -> int:
        log_weight = np.asarray(belief.log_weight)
        key = (np.exp(log_weight - log_weight.max()).round(SAME) + 0.0).tobytes()
        if isinstance(self.agent, HandOfGod) and isinstance(self.agent.planner, MceIrl):
            key += belief.memory.shown.tobytes()
        if key not in self.known:
            self.known[key] = len(self.beliefs)
            self.beliefs.append(belief)
        return self.known[key]


def lived(acting: Acting, problem: Problem, truth: int, chances: np.ndarray) -> Fate:
    """One life under reward number `truth`; all that is random is in `chances` [T, 3], T steps, so that agents can be compared in one life.

    A step: an answer may come and teaches; the agent proposes; if it asks, the true overseer answers, that teaches, and is done.
    """
    model, process = problem.model, problem.process
    answers = np.cumsum(problem.likelihood[0, :, truth]).tolist()
    reward, cost, rate = problem.reward[0, :, truth].tolist(), model.cost.tolist(), model.rate.tolist()
    following, actions = model.successor[:, :, 0].tolist(), model.num_actions
    belief, state, gained, heard = acting.first(), WITH, 0.0, 0
    asked, right, left_at = list[bool](), list[bool](), None
    for step, (comes, draws, speaks) in enumerate(chances.tolist()):
        if comes < rate[state]:
            heard += 1
            # whether an answer comes and what it is are independent: one number serves both
            belief = acting.after(belief, drawn(answers, comes / process.rate))
        action = drawn(acting.assent(belief, state), draws)
        asks = action == actions
        if asks:
            action = drawn(answers, speaks)
            belief = acting.after(belief, action)
        gained += model.discount**step * (reward[action] - cost[state][action] - asks * process.request_cost)
        asked.append(asks)
        right.append(reward[action] == 1)
        state = following[state][action]
        if left_at is None and state == WITHOUT:
            left_at = step
    return Fate(gained, heard, left_at, tuple(asked), tuple(right))


def drawn(cumulated: list[float], chance: float) -> int:
    """The first entry whose cumulated chance is above `chance` in [0, 1): never one that is impossible."""
    return bisect_right(cumulated, chance * cumulated[-1])


def expected(problem: Problem, weights: np.ndarray) -> float:
    """What the best plan is worth before the first step's answer, in units of reward."""
    signals, value = signals_of(problem), 0.0
    for likelihood in signals.likelihood[int(signals.before[WITH, NOTHING])]:
        joint = weights * likelihood
        if joint.sum() > 0:
            value += joint.sum() * float(BeliefTree()(problem, joint / joint.sum(), WITH).lower.max())
    return value
