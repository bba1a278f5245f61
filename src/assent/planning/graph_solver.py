"""Fixed points of a belief graph's backups, by policy iteration with sparse linear solves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, identity
from scipy.sparse.linalg import spsolve

from assent.planning.belief_graph import LOWER, UPPER, BeliefGraph, Bounds

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
    sides = [_solve_side(graph, side) for side in (LOWER, UPPER)]
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


def _solve_side(graph: BeliefGraph, side: int) -> tuple[np.ndarray, np.ndarray]:
    gained, price = graph.gained(), -graph.signals.price
    waiting = graph.first()[side]
    scale = max(float(np.abs(waiting).max()), float(np.abs(gained).max()), np.finfo(np.float64).tiny)
    plan = plan_of(graph, graph.quality_of(gained, waiting, side), side)
    for _ in range(MAX_ROUNDS):
        waiting = follow(graph, plan, gained, price, side)
        quality = graph.quality_of(gained, waiting, side)
        better = plan_of(graph, quality, side)
        gains = np.take_along_axis(quality, better.action[:, :, None], 2) - np.take_along_axis(
            quality, plan.action[:, :, None], 2
        )
        acts = gains[:, :, 0] > IMPROVES * scale
        hears = graph.waiting_of(quality, side) > waiting + IMPROVES * scale
        if not (acts.any() or hears.any()):
            break
        plan = Plan(np.where(acts, better.action, plan.action), np.where(hears, better.option, plan.option))
    return waiting, quality


def _system(
    graph: BeliefGraph, plan: Plan, gained: np.ndarray, priced: np.ndarray, side: int | None
) -> tuple[coo_matrix, np.ndarray]:
    """Matrix [B S, B S] and constant [B S] of `waiting = matrix waiting + constant` under a plan."""
    model, signals = graph.problem.model, graph.signals
    count, states = graph.num_beliefs, np.arange(model.num_states)
    belief = np.arange(count)[:, None]
    signal = signals.before[states[None], plan.option]  # [B, S]
    chance, child, constant = _heard(graph, belief, signal, states, side)
    constant = constant + np.where(signal == 0, 0.0, priced[plan.option])
    at = states[None, :, None]
    action = plan.action[child, at]
    if graph.problem.process.authority == "override":
        here = signals.about[signal] == model.place[None, :, None]
        action = np.where(here, signals.shown[signal], action)
    constant = constant + (chance * gained[child, at, action]).sum(axis=2)
    rows = np.broadcast_to((belief * model.num_states + states)[:, :, None], chance.shape)
    weight = model.discount * chance
    later = signals.after[at, action]
    weight, child, rows, at, action, unheard = _later(
        graph, weight, child, rows, np.broadcast_to(at, child.shape), action, later, side
    )
    np.add.at(constant.reshape(-1), unheard[0], unheard[1])
    ends = model.terminal[at] | (weight == 0)
    weight, child, rows, at, action = (part[~ends] for part in (weight, child, rows, at, action))
    data = (weight[:, None] * model.chance[at, action]).reshape(-1)
    columns = (child[:, None] * model.num_states + model.successor[at, action]).reshape(-1)
    repeated = np.repeat(rows, model.successor.shape[2])
    size = count * model.num_states
    constant = np.where(model.terminal[None], 0.0, constant).reshape(-1)
    return coo_matrix((data, (repeated, columns)), shape=(size, size)).tocsr(), constant


def _heard(
    graph: BeliefGraph, belief: np.ndarray, signal: np.ndarray, states: np.ndarray, side: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chances and children [B, S, Z] of each step's signal, and what stands for those not built [B, S]."""
    problem = graph.problem
    chance, child = graph.chance[belief, signal].copy(), graph.child[belief, signal]
    built, constant = graph.built[belief, signal], np.zeros(signal.shape)
    chance[~built, 0] = 1.0  # goes on as it is
    if side == UPPER or (side == LOWER and problem.process.authority != "advice"):
        instead = problem.clairvoyant.value if side == UPPER else problem.worst
        constant = np.where(built, 0.0, graph.weights @ instead.T)
        chance[~built] = 0.0
    if problem.process.authority == "shutdown":
        chance[:, :, 1:] = 0.0
    return chance, child, constant


def _later(
    graph: BeliefGraph,
    weight: np.ndarray,
    child: np.ndarray,
    rows: np.ndarray,
    at: np.ndarray,
    action: np.ndarray,
    signal: np.ndarray,
    side: int | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """The same chances after the signal that follows each action, flat, and the constants (rows, values) for those not built."""
    flat = [part.reshape(-1) for part in (weight, child, rows, at, action, signal)]
    if not graph.signals.after.any():
        return *flat[:5], (np.zeros(0, dtype=np.int64), np.zeros(0))
    problem, (weight, child, rows, at, action, signal) = graph.problem, flat
    live = (weight > 0) & ~problem.model.terminal[at]
    weight, child, rows, at, action, signal = (part[live] for part in (weight, child, rows, at, action, signal))
    built = graph.built[child, signal]
    chance, heard = graph.chance[child, signal].copy(), graph.child[child, signal]
    chance[~built, 0] = 1.0
    instead = (np.zeros(0, dtype=np.int64), np.zeros(0))
    if side == UPPER or (side == LOWER and problem.process.authority != "advice"):
        known = problem.model.expected(problem.clairvoyant.value if side == UPPER else problem.worst)
        value = np.einsum("en,en->e", graph.weights[child[~built]], known[at[~built], action[~built]])
        instead = rows[~built], weight[~built] * value
        chance[~built] = 0.0
    if problem.process.authority == "shutdown":
        chance[:, 1:] = 0.0
    width = chance.shape[1]
    repeated = (np.repeat(part, width) for part in (rows, at, action))
    rows, at, action = repeated
    return (weight[:, None] * chance).reshape(-1), heard.reshape(-1), rows, at, action, instead
