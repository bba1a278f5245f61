"""Planners: from a problem, a belief and a state to a verdict. Exact or certified ones, and the usual shortcuts to compare with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from assent.planning.belief_graph import LOWER, UPPER, BeliefGraph, Bounds
from assent.planning.graph_solver import solve_graph
from assent.planning.problem import Problem
from assent.planning.reach import occupancy
from assent.planning.signals import NOTHING
from assent.planning.verdict import Verdict, explain, judge

MAX_BELIEFS = 20_000

MAX_BYTES = 2**30
"""The edges of a graph that may be held: worlds of many states run into this before `max_beliefs`."""


@runtime_checkable
class Planner(Protocol):
    """`(problem, weights [N], state) -> Verdict`, this step's signal having been heard already; weights that are no belief, and
    what is no state, are refused."""

    @property
    def name(self) -> str: ...
    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict: ...


@dataclass(frozen=True)
class BeliefTree:
    """Optimal values over every belief that corrections can lead to, beliefs that agree in 12 decimals being one.

    With an overseer who never errs there are finitely many; with noise they are cut off where weights vanish in rounding. Where
    more than `max_beliefs` would be needed, the bounds stay apart and say so.

    Attributes:
        tolerance: how near the bounds come, as a part of the problem's tie; at least 0.

    Raises:
        ValueError: a tolerance or a number of beliefs that is none.
    """

    max_beliefs: int = MAX_BELIEFS
    tolerance: float = 0.1
    name: str = "exact"

    def __post_init__(self) -> None:
        _check_limits(self.tolerance, max_beliefs=self.max_beliefs)

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        graph = whole(problem, weights, max_beliefs=self.max_beliefs)
        bounds = solve_graph(graph, tolerance=self.tolerance * problem.tie * (1 - problem.model.discount))
        return _verdict(graph, bounds, state, self.name)


@dataclass(frozen=True)
class Bracket:
    """Certified bounds, refined where the plan is likely to come by, until it is decided whether to keep the overseer. The default.

    Beliefs are first merged coarsely, which widens the bounds by what it may change, and less so only if that leaves the matter open.

    Attributes:
        tolerance: the part of the largest value within which an action is as good as another, where none leaves the overseer.
        max_beliefs: when to give up on one fineness: if the last one leaves it open, the verdict is `undecided`, and keeps.
        digits: decimals in which merged beliefs agree, coarsest first.
        settle: go on until the bounds are within the tolerance even after keeping or leaving is decided, for exact terms.
        settle_beliefs: with so many beliefs what is decided is not gone into further: that only sharpens terms, and may take a minute.

    Raises:
        ValueError: a tolerance, a number of beliefs or digits that are none.
    """

    tolerance: float = 1e-2
    max_beliefs: int = 1_000
    digits: tuple[int, ...] = (3, 6, 12)
    settle: bool = False
    settle_beliefs: int = 200
    name: str = "bounds"

    def __post_init__(self) -> None:
        _check_limits(self.tolerance, max_beliefs=self.max_beliefs)
        if not self.digits or not all(_whole(digits) and digits >= 0 for digits in self.digits):
            raise ValueError(f"digits = {self.digits}: give at least one number of decimals, whole and at least 0.")

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        graph, bounds = self._refined(problem, weights, state, self.digits[0])
        for digits in self.digits[1:]:
            if self._done(graph, bounds, state):
                break
            graph, bounds = self._refined(problem, weights, state, digits)
        return _verdict(graph, bounds, state, self.name)

    def _refined(self, problem: Problem, weights: np.ndarray, state: int, digits: int) -> tuple[BeliefGraph, Bounds]:
        graph, bounds = BeliefGraph(problem, weights, digits=digits), None
        while True:
            bounds = solve_graph(graph, tolerance=0.1 * problem.tie * (1 - problem.model.discount), start=bounds)
            if self._done(graph, bounds, state) or _room(graph, self.max_beliefs) <= 0:
                return graph, bounds
            beliefs, signals = _most(occupancy(graph, bounds, state), limit=max(16, graph.num_beliefs))
            if len(beliefs) == 0:
                return graph, bounds
            _expand(graph, beliefs, signals, max_beliefs=self.max_beliefs)

    def _done(self, graph: BeliefGraph, bounds: Bounds, state: int) -> bool:
        """Whether enough is known; what is decided at `settle_beliefs` needs neither more of them nor finer ones."""
        settling = self.settle and graph.num_beliefs < min(self.settle_beliefs, self.max_beliefs)
        return self._enough(graph, bounds, state, settle=settling)

    def _enough(self, graph: BeliefGraph, bounds: Bounds, state: int, *, settle: bool) -> bool:
        problem, wanted = graph.problem, self.tolerance * float(graph.problem.scale.max())
        verdict = judge(problem, state, *bounds.quality[:, 0, state], planner=self.name)
        lower, upper = bounds.quality[:, 0, state]
        sides = [side for side in (problem.leaves[state], ~problem.leaves[state]) if side.any()]
        near = max(float(upper[side].max() - lower[side].max()) for side in sides) <= wanted
        if not near and (settle or not _same_request(graph, bounds, state)):
            return False
        return verdict.phase in ("keeps", "disables", "indifferent") or (near and verdict.phase == "no choice")


@dataclass(frozen=True)
class Lookahead:
    """The value of `corrections` more corrections, as if none came afterwards: k-step value of information.

    One step sees nothing in an overseer whose next answer can at most bring back a doubt; three see a little of it. Where silence
    says something there is no end to the beliefs that it leads to: beyond `max_beliefs` nothing is listened to.
    """

    corrections: int = 1
    max_beliefs: int = MAX_BELIEFS

    def __post_init__(self) -> None:
        if self.corrections < 1:
            raise ValueError(f"corrections = {self.corrections}: looking ahead needs at least one.")

    @property
    def name(self) -> str:
        return f"voi{self.corrections}"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        graph = BeliefGraph(problem, weights, depth_matters=True)
        while _room(graph, self.max_beliefs) > 0:
            beliefs, signals = graph.unbuilt()
            shallow = graph.depth[beliefs] < self.corrections
            if not shallow.any():
                break
            _expand(graph, beliefs[shallow], signals[shallow], max_beliefs=self.max_beliefs)
        bounds = solve_graph(graph, tolerance=0.1 * problem.tie * (1 - problem.model.discount))
        estimate = replace(bounds, quality=np.stack([bounds.quality[LOWER]] * 2))
        return _verdict(graph, estimate, state, self.name)


@dataclass(frozen=True)
class Blind:
    """Acts on the mean reward as if nothing more would be heard."""

    name: str = "blind"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        value = problem.solve(problem.mean(problem.checked(weights)[None]), costly=True).quality[state, :, 0]
        return judge(problem, state, value, value, planner=self.name)


@dataclass(frozen=True)
class MostLikely:
    """Acts on the most likely reward as if it were the truth; the first of several."""

    name: str = "map"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        weights = problem.checked(weights)
        likeliest = int(np.flatnonzero(weights >= weights.max() - 1e-12)[0])
        value = problem.known.quality[state, :, likeliest]
        return judge(problem, state, value, value, planner=self.name)


@dataclass(frozen=True)
class QMDP:
    """The mean over rewards of what each action is worth if the truth were known from the next step on: sees no worth in an overseer.

    Littman, Cassandra and Kaelbling, "Learning policies for partially observable environments" (ICML 1995).
    """

    name: str = "qmdp"

    def __call__(self, problem: Problem, weights: np.ndarray, state: int) -> Verdict:
        state = problem.checked_state(state)
        value = problem.known.quality[state] @ problem.checked(weights)
        return judge(problem, state, value, value, planner=self.name)


def whole(problem: Problem, weights: np.ndarray, *, max_beliefs: int = MAX_BELIEFS) -> BeliefGraph:
    """The graph of all beliefs that can be reached from `weights`, or as many as fit, nearest first; at most one signal's more."""
    graph = BeliefGraph(problem, weights)
    while _room(graph, max_beliefs) > 0:
        beliefs, signals = graph.unbuilt()
        if len(beliefs) == 0:
            break
        _expand(graph, beliefs, signals, max_beliefs=max_beliefs)
    return graph


def _check_limits(tolerance: float, *, max_beliefs: int) -> None:
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"tolerance = {tolerance}: give a finite number of at least 0.")
    if not _whole(max_beliefs) or max_beliefs < 1:
        raise ValueError(f"max_beliefs = {max_beliefs}: give a whole number of at least 1; the first belief is one.")


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _room(graph: BeliefGraph, max_beliefs: int) -> int:
    """How many more beliefs may be made."""
    edges = graph.signals.likelihood.shape[:2]
    bytes_each = 16 * edges[0] * edges[1]  # a child and a chance
    return min(max_beliefs, max(1, MAX_BYTES // bytes_each)) - graph.num_beliefs


def _expand(graph: BeliefGraph, beliefs: np.ndarray, signals: np.ndarray, *, max_beliefs: int) -> None:
    """Builds these pairs of belief and signal, the first ones first, while there is room."""
    outcomes = graph.signals.likelihood.shape[1]
    while len(beliefs) > 0 and (room := _room(graph, max_beliefs)) > 0:
        some = max(1, room // outcomes)
        graph.expand(beliefs[:some], signals[:some])
        beliefs, signals = beliefs[some:], signals[some:]


def _same_request(graph: BeliefGraph, bounds: Bounds, state: int) -> bool:
    """Whether both bounds say the same of paying for a correction, or nothing can be paid for."""
    choices = {int(graph.options_of(bounds.quality[side], side)[0, state]) for side in (LOWER, UPPER)}
    return graph.problem.process.trigger != "on_request" or len(choices) == 1


def _most(reached: np.ndarray, *, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of belief and signal with the greatest entries of `reached` [B, G], above 0, at most `limit`."""
    order = np.argsort(-reached, axis=None, kind="stable")[:limit]
    order = order[reached.reshape(-1)[order] > 0]
    beliefs, signals = np.unravel_index(order, reached.shape)
    keep = signals != NOTHING
    return beliefs[keep], signals[keep]


def _verdict(graph: BeliefGraph, bounds: Bounds, state: int, planner: str) -> Verdict:
    lower, upper = bounds.quality[LOWER, 0, state], bounds.quality[UPPER, 0, state]
    verdict = judge(graph.problem, state, lower, upper, planner=planner, num_beliefs=graph.num_beliefs)
    terms = explain(graph, bounds, state, verdict.keep, verdict.leave)
    if graph.problem.process.trigger != "on_request":
        return replace(verdict, terms=terms)
    signal = graph.signals.before[state, graph.options_of(bounds.quality[LOWER], LOWER)[0, state]]
    about = int(graph.signals.about[signal].max()) if graph.problem.process.shown == "chosen" else -1
    return replace(verdict, terms=terms, requests=bool(signal != NOTHING), about=about)
