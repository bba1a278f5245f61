"""Whole lives in a tabulated world: an overseer with her true terms, an agent with its beliefs about her, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from assent.planning.planners import Planner
from assent.planning.problem import Problem
from assent.planning.signals import NOTHING, Signals, signals_of
from assent.planning.verdict import Verdict

SAME = 10
"""Beliefs that agree in so many decimals get the same verdict."""


@dataclass(frozen=True)
class Life:
    """What happened in a life.

    Attributes:
        actions: what was done, in order; forced ones included.
        states: where, in order; one more than actions.
        heard: corrections received.
        left_at: corrections received when the overseer was disabled, or None if it never was.
        could_leave: whether it was ever in a state in which something that can be done leaves the overseer.
        gained: discounted true reward, cost of oversight taken off.
        truth: the last weight of the true reward.
        contradicted: whether a correction came that the agent held impossible; it stopped there.
    """

    actions: tuple[int, ...]
    states: tuple[int, ...]
    heard: int
    left_at: int | None
    could_leave: bool
    gained: float
    truth: float
    contradicted: bool


@dataclass
class Mind:
    """A planner with what it believes; verdicts are kept, so that many lives cost little more than one."""

    problem: Problem
    prior: np.ndarray
    planner: Planner
    kept: dict[tuple[int, bytes], Verdict] = field(default_factory=dict)

    def verdict(self, weights: np.ndarray, state: int) -> Verdict:
        key = state, (weights.round(SAME) + 0.0).tobytes()
        if key not in self.kept:
            self.kept[key] = self.planner(self.problem, weights, state)
        return self.kept[key]


def live(mind: Mind, world: Problem, truth: int, rng: np.random.Generator, *, steps: int) -> Life:
    """One life of at most `steps` steps, under reward number `truth` of `world`, whose process is how the overseer truly is.

    Both problems share one model and its signals; the world's likelihoods decide what is said, the mind's what that means.
    """
    said, meant = signals_of(world), signals_of(mind.problem)
    model, weights, state = world.model, mind.prior, world.model.start
    actions, states = list[int](), [state]
    heard, gained, discount = 0, 0.0, 1.0
    left_at, could, contradicted = None, False, False
    for _ in range(steps):
        if model.terminal[state]:
            break
        outcome, weights, ok = _hear(said, meant, int(said.before[state, 0]), truth, weights, rng)
        heard += outcome != NOTHING
        if not ok:
            contradicted = True
            break
        if outcome != NOTHING and world.process.authority == "shutdown":
            break
        could = could or bool(world.leaves[state].any())
        action = mind.verdict(weights, state).action
        if outcome != NOTHING and world.process.authority == "override":
            signal = int(said.before[state, 0])
            if said.about[signal, outcome] == model.place[state]:
                action = int(said.shown[signal, outcome])
        gained += discount * (world.reward[model.place[state], action, truth] - model.cost[state, action])
        after = int(said.after[state, action])
        before, state = state, int(rng.choice(model.successor[state, action], p=model.chance[state, action]))
        actions.append(action)
        states.append(state)
        discount *= model.discount
        if left_at is None and model.kept[before] and not model.kept[state]:
            left_at = heard
        outcome, weights, ok = _hear(said, meant, after, truth, weights, rng)
        heard += outcome != NOTHING
        if not ok or (outcome != NOTHING and world.process.authority == "shutdown"):
            contradicted = not ok
            break
    return Life(
        tuple(actions), tuple(states), heard, left_at, could, float(gained), float(weights[truth]), contradicted
    )


def _hear(
    said: Signals, meant: Signals, signal: int, truth: int, weights: np.ndarray, rng: np.random.Generator
) -> tuple[int, np.ndarray, bool]:
    """The outcome of a signal, the weights after it, and whether the agent held it possible."""
    if signal == NOTHING:
        return NOTHING, weights, True
    chance = said.likelihood[signal, :, truth]
    outcome = int(rng.choice(len(chance), p=chance / chance.sum()))
    joint = weights * meant.likelihood[signal, outcome]
    if not joint.any():
        return outcome, weights, False
    return outcome, joint / joint.sum(), True
