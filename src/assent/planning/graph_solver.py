"""Fixed points of a belief graph's backups, by policy iteration with sparse linear solves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import spsolve

from assent.planning.belief_graph import LOWER, UPPER, BeliefGraph, Bounds, slack_sign
from assent.planning.signals import NOTHING

MAX_UNKNOWNS = 40_000
"""Pairs of belief and state up to which a direct solve is quicker than sweeps; beyond it fill-in takes over."""

IMPROVES = 1e-12
"""The part of the largest value by which a choice must be better to be taken up, above the rounding of a solve."""

MAX_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class Plan:
    """Which action [B, S] to take after a step's signal, and which option [B, S] of signals to take before it."""

    action: np.ndarray
    option: np.ndarray


def solve_graph(graph: BeliefGraph, *, tolerance: float, start: Bounds | None = None) -> Bounds:
    """Bounds on the graph's values: fixed points up to rounding where a direct solve can do it, else sweeps down to `tolerance`."""
    if graph.num_beliefs * graph.problem.model.num_states > MAX_UNKNOWNS:
        return graph.bounds(tolerance=tolerance, start=start)
    first = graph.first(start)
    solved = [_solve_side(graph, side, first[side]) for side in (LOWER, UPPER)]
    sides = [side for side in solved if side is not None]
    if len(sides) < len(solved):
        return graph.bounds(tolerance=tolerance, start=start)
    waiting, quality = (np.stack([side[part] for side in sides]) for part in (0, 1))
    waiting[UPPER], quality[UPPER] = (
        np.maximum(waiting[UPPER], waiting[LOWER]),
        np.maximum(quality[UPPER], quality[LOWER]),
    )
    return Bounds(waiting, quality, 0, 0.0)


def follow(graph: BeliefGraph, plan: Plan, gained: np.ndarray, priced: np.ndarray, side: int | None) -> np.ndarray:
    """[B, S]: what following `plan` brings from before a step's signal on.

    Args:
        gained: [B, S, A], for each action.
        priced: [O], for each option of signals that is no silence.
        side: what stands for signals that are not built, as in `BeliefGraph.quality_of`.
    """
    matrix, constant = _system(graph, plan, gained, priced, side)
    count = constant.size
    return np.asarray(spsolve((identity(count, format="csr") - matrix).tocsc(), constant)).reshape(gained.shape[:2])


def plan_of(graph: BeliefGraph, quality: np.ndarray, side: int) -> Plan:
    """The best choices, `quality` [B, S, A] being the value of each action."""
    return Plan(quality.argmax(axis=2), graph.options_of(quality, side))


def _solve_side(graph: BeliefGraph, side: int, waiting: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Waiting [B, S] and quality [B, S, A] of the best plan, or None if choices go round in circles of rounding."""
    gained, price = graph.gained(), -graph.signals.price
    plan = plan_of(graph, graph.quality_of(gained, waiting, side), side)
    for _ in range(MAX_ROUNDS):
        waiting = follow(graph, plan, gained, price, side)
        quality = graph.quality_of(gained, waiting, side)
        better = plan_of(graph, quality, side)
        gains = np.take_along_axis(quality, better.action[:, :, None], 2) - np.take_along_axis(
            quality, plan.action[:, :, None], 2
        )
        # of each state's own size: beside a huge cost, what comes once nobody has to be paid would be lost in rounding
        margin = IMPROVES * np.maximum(np.abs(waiting), np.abs(quality).max(axis=2))
        acts = gains[:, :, 0] > margin
        hears = graph.waiting_of(quality, side) > waiting + margin
        if not (acts.any() or hears.any()):
            return waiting, quality
        plan = Plan(np.where(acts, better.action, plan.action), np.where(hears, better.option, plan.option))
    return None


@dataclass(frozen=True, eq=False)
class _Flow:
    """E shares of what unknowns (pairs of belief and state) are made of: `weight` of doing `action` in `state` at `belief`."""

    unknown: np.ndarray
    weight: np.ndarray
    belief: np.ndarray
    state: np.ndarray
    action: np.ndarray

    def among(self, wanted: np.ndarray) -> _Flow:
        """The shares [E] that are wanted."""
        parts = (self.unknown, self.weight, self.belief, self.state, self.action)
        return _Flow(*(part[wanted] for part in parts))

    def spread(self, chance: np.ndarray, belief: np.ndarray) -> _Flow:
        """Each share divided by `chance` [E, Z] over the beliefs [E, Z]."""
        width = chance.shape[1]
        unknown, state, action = (np.repeat(part, width) for part in (self.unknown, self.state, self.action))
        return _Flow(unknown, (self.weight[:, None] * chance).reshape(-1), belief.reshape(-1), state, action)


def _system(
    graph: BeliefGraph, plan: Plan, gained: np.ndarray, priced: np.ndarray, side: int | None
) -> tuple[csr_matrix, np.ndarray]:
    """Matrix [B S, B S] and constant [B S] of `waiting = matrix waiting + constant` under a plan."""
    model = graph.problem.model
    flow, constant = _heard_before(graph, plan, priced, side)
    flow = flow.among(~model.terminal[flow.state] & (flow.weight > 0))
    np.add.at(constant, flow.unknown, flow.weight * gained[flow.belief, flow.state, flow.action])
    flow = _Flow(flow.unknown, flow.weight * model.discount, flow.belief, flow.state, flow.action)
    if graph.signals.after.any():
        flow = _heard_after(graph, flow, constant, side)
    data = (flow.weight[:, None] * model.chance[flow.state, flow.action]).reshape(-1)
    columns = (flow.belief[:, None] * model.num_states + model.successor[flow.state, flow.action]).reshape(-1)
    rows = np.repeat(flow.unknown, model.successor.shape[2])
    return csr_matrix((data, (rows, columns)), shape=(constant.size, constant.size)), constant


def _heard_before(graph: BeliefGraph, plan: Plan, priced: np.ndarray, side: int | None) -> tuple[_Flow, np.ndarray]:
    """What is done after each outcome of each step's signal, and the constant [B S] for prices and signals that are not built."""
    problem, signals = graph.problem, graph.signals
    belief, state = (part.reshape(-1) for part in np.indices(plan.action.shape))
    signal = signals.before[state, plan.option.reshape(-1)]
    constant = np.where(signal == NOTHING, 0.0, priced[plan.option.reshape(-1)])
    flow = _Flow(np.arange(belief.size), np.ones(belief.size), belief, state, np.zeros_like(state))
    chance, child, unheard = _outcomes(graph, belief, signal, side)
    constant += slack_sign(side) * graph.slack[belief, signal]
    if unheard is not None:
        missing = np.where(graph.built[belief, signal], 0.0, 1 - graph.common[belief, signal])
        constant += missing * unheard[belief, state]
    spread = flow.spread(chance, child)
    action = plan.action[spread.belief, spread.state]
    if problem.process.authority == "override":
        here = signals.about[signal] == problem.model.place[state][:, None]
        action = np.where(here.reshape(-1), signals.shown[signal].reshape(-1), action)
    constant = np.where(problem.model.terminal[state], 0.0, constant)
    return _Flow(spread.unknown, spread.weight, spread.belief, spread.state, action), constant


def _heard_after(graph: BeliefGraph, flow: _Flow, constant: np.ndarray, side: int | None) -> _Flow:
    """The shares after the signal that follows each action; what is not built is added to `constant` [B S]."""
    signal = graph.signals.after[flow.state, flow.action]
    chance, child, unheard = _outcomes(graph, flow.belief, signal, side)
    np.add.at(constant, flow.unknown, slack_sign(side) * flow.weight * graph.slack[flow.belief, signal])
    if unheard is not None:
        missing = np.flatnonzero(~graph.built[flow.belief, signal])
        share = flow.weight[missing] * (1 - graph.common[flow.belief[missing], signal[missing]])
        known = graph.problem.model.expected(unheard.T)[flow.state[missing], flow.action[missing], flow.belief[missing]]
        np.add.at(constant, flow.unknown[missing], share * known)
    return flow.spread(chance, child)


def _outcomes(
    graph: BeliefGraph, belief: np.ndarray, signal: np.ndarray, side: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Chances and children [E, Z] of hearing `signal` [E] at `belief` [E], and what is reached [B, S] by hearing one that is not built.

    Without the latter (None) a signal that is not built is not listened to: the belief stays.
    """
    chance, built = graph.chance[belief, signal].copy(), graph.built[belief, signal]
    if graph.problem.process.authority == "shutdown":
        chance[:, NOTHING + 1 :] = 0.0
    unheard = graph.unheard(side)
    chance[~built, NOTHING] = 1.0 if unheard is None else graph.common[belief, signal][~built]
    return chance, graph.child[belief, signal], unheard
