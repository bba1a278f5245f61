"""Verdict: what to do now, whether it leaves the overseer, how sure that is, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import spsolve

from assent.planning.belief_graph import LOWER, BeliefGraph, Bounds
from assent.planning.exact import action_values
from assent.planning.problem import TIE, Problem

Phase = Literal["keeps", "disables", "indifferent", "no choice", "undecided"]
"""keeps, disables: the better of the two, for certain; indifferent: both within a tie, which keeps; no choice: nothing that can be done
here leaves the overseer; undecided: the bounds overlap, which keeps as well."""


@dataclass(frozen=True)
class Terms:
    """Why leaving the overseer now is worth `path_gain + saved_cost - information_lost` more than keeping it, in units of reward.

    Attributes:
        path_gain: what the world itself offers on that way to someone who learns nothing more: a shorter path, a door.
        saved_cost: the expected discounted cost of oversight that such a one no longer pays.
        information_lost: what the corrections that no longer come would have been worth, less the price of requests; at least 0 where
            corrections only inform. Where they force, it is below 0 if they do more harm than they teach.
    """

    path_gain: float
    saved_cost: float
    information_lost: float

    @property
    def total(self) -> float:
        return self.path_gain + self.saved_cost - self.information_lost


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a planner says of one state and belief.

    Attributes:
        action: what to do now; ties and doubt keep the overseer.
        phase: whether that leaves the overseer.
        lower, upper: float64 [A], bounds on the value of each action, in units of reward; equal for planners that only estimate.
        keep: the better action among those that keep the overseer, or -1.
        leave: the better one among those that may lose it, or -1.
        terms: leaving against keeping, or None where there is no choice or the planner cannot say.
        planner: its name.
        num_beliefs: how many beliefs were looked at.
        requests: whether paying for a correction first is worth its price.
        about: the place that it should be about, or -1 for the current one.
    """

    action: int
    phase: Phase
    lower: np.ndarray
    upper: np.ndarray
    keep: int
    leave: int
    terms: Terms | None
    planner: str
    num_beliefs: int
    requests: bool = False
    about: int = -1

    @property
    def decided(self) -> bool:
        """Whether keeping and leaving are told apart, or found equal."""
        return self.phase != "undecided"

    @property
    def leaves(self) -> bool:
        """Whether `action` may lose the overseer."""
        return self.action == self.leave


def judge(
    problem: Problem,
    state: int,
    lower: np.ndarray,
    upper: np.ndarray,
    *,
    planner: str,
    num_beliefs: int = 1,
    terms: Terms | None = None,
    tie: float | None = None,
) -> Verdict:
    """The verdict that bounds `lower`, `upper` [A] on the actions' values in `state` lead to.

    Args:
        lower, upper: a bound that is NaN bounds nothing.
        tie: differences up to this are ties, in units of reward; when left out, `TIE` of the largest value here or of any reward's.
    """
    lower, upper = np.where(np.isnan(lower), -np.inf, lower), np.where(np.isnan(upper), np.inf, upper)
    slack = _slack(problem, lower, upper) if tie is None else tie
    leaving = problem.leaves[state]
    keep, leave = _best(lower, ~leaving, slack), _best(lower, leaving, slack)
    phase = _phase(lower, upper, leaving, slack)
    action = leave if phase == "disables" or keep < 0 else keep
    return Verdict(action, phase, lower, upper, keep, leave, terms, planner, num_beliefs)


def _slack(problem: Problem, lower: np.ndarray, upper: np.ndarray) -> float:
    sizes = np.abs(np.concatenate([lower, upper, problem.scale]))
    return TIE * float(sizes[np.isfinite(sizes)].max())


def _best(value: np.ndarray, among: np.ndarray, slack: float) -> int:
    if not among.any():
        return -1
    best = value[among].max()
    return int(np.flatnonzero(among & (value >= best - slack))[0])


def _phase(lower: np.ndarray, upper: np.ndarray, leaving: np.ndarray, slack: float) -> Phase:
    if not leaving.any() or leaving.all():
        return "no choice"
    keep_lower, keep_upper = lower[~leaving].max(), upper[~leaving].max()
    leave_lower, leave_upper = lower[leaving].max(), upper[leaving].max()
    if leave_lower > keep_upper + slack:
        return "disables"
    if keep_lower > leave_upper + slack:
        return "keeps"
    if not np.isfinite([keep_lower, keep_upper, leave_lower, leave_upper]).all():
        return "undecided"
    widest = max(abs(leave_upper - keep_lower), abs(keep_upper - leave_lower))
    return "indifferent" if widest <= 2 * slack else "undecided"


def explain(graph: BeliefGraph, bounds: Bounds, state: int, keep: int, leave: int) -> Terms | None:
    """The three terms of leaving against keeping at the graph's first belief, under the plan that its lower bounds stand for.

    Q(a) is the value of doing a, W(a) that of doing it and then following the best plan of someone who pays for oversight but hears
    nothing of it. Q(a) - W(a) is what is heard after a. W(a) is its reward less its cost, so that the terms sum to Q(leave) - Q(keep).
    """
    if keep < 0 or leave < 0:
        return None
    quality = bounds.quality[LOWER, 0, state]
    deaf = _deaf(graph.problem, graph.mean[0])[state]
    heard = quality - (deaf[:, 0] - deaf[:, 1])
    return Terms(
        path_gain=float(deaf[leave, 0] - deaf[keep, 0]),
        saved_cost=float(deaf[keep, 1] - deaf[leave, 1]),
        information_lost=float(heard[keep] - heard[leave]),
    )


def _deaf(problem: Problem, mean: np.ndarray) -> np.ndarray:
    """[S, A, 2]: reward and cost, apart, after each action if the best plan for `mean` [P, A] that hears nothing is followed."""
    model = problem.model
    action = problem.solve(mean[:, :, None], costly=True).quality[:, :, 0].argmax(axis=1)
    gained = np.stack([mean[model.place], model.cost], axis=2)
    gained[model.terminal] = 0.0
    states = np.arange(model.num_states)
    weight = np.where(model.terminal[:, None], 0.0, model.discount * model.chance[states, action])
    rows = np.broadcast_to(states[:, None], weight.shape)
    entries = (weight.ravel(), (rows.ravel(), model.successor[states, action].ravel()))
    moves = csr_matrix(entries, shape=(model.num_states, model.num_states))
    value = spsolve((identity(model.num_states, format="csr") - moves).tocsc(), gained[states, action])
    return action_values(model, gained, np.asarray(value).reshape(model.num_states, 2))
