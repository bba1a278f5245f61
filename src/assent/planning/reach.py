"""Where a plan is likely to come by, so that bounds are refined where they matter."""

from __future__ import annotations

import numpy as np

from assent.planning.belief_graph import LOWER, UPPER, BeliefGraph, Bounds
from assent.planning.signals import NOTHING

VANISHES = 1e-6
"""Discounted chances below this in sum are no longer followed."""

LONGEST = 2_000


def occupancy(graph: BeliefGraph, bounds: Bounds, state: int) -> np.ndarray:
    """[B, G]: how much each signal that is not built adds to the doubt about the first belief's value in `state`.

    That is the discounted chance to come by, under the plan that the upper bounds stand for, times the gap between the bounds there.
    All actions are tried in the first step, since the verdict compares them.
    """
    model, signals = graph.problem.model, graph.signals
    quality = bounds.quality[UPPER]
    action, option = quality.argmax(axis=2), graph.options_of(quality, UPPER)
    doubt = np.zeros((graph.num_beliefs, signals.num_signals))
    width = np.maximum(bounds.waiting[UPPER] - bounds.waiting[LOWER], 0.0)
    acting = np.zeros((graph.num_beliefs, model.num_states, model.num_actions))
    acting[0, state] = 1.0 / model.num_actions
    for _ in range(LONGEST):
        waiting = _after(graph, acting, width, doubt)
        acting = _before(graph, waiting, option, action, width, doubt)
        acting[:, model.terminal] = 0.0
        if acting.sum() < VANISHES:
            break
    return np.where(graph.built, 0.0, doubt)


def _after(graph: BeliefGraph, acting: np.ndarray, width: np.ndarray, doubt: np.ndarray) -> np.ndarray:
    """[B, S]: the discounted chance to begin the next step there, `acting` [B, S, A] being that of each action."""
    model, signals = graph.problem.model, graph.signals
    belief, state, action = np.nonzero(acting)
    mass = acting[belief, state, action] * model.discount
    signal = signals.after[state, action]
    built = graph.built[belief, signal]
    if not built.all():
        far = np.max(width, axis=1)
        np.add.at(doubt, (belief[~built], signal[~built]), mass[~built] * far[belief[~built]])
    child = graph.child[belief, signal][built]
    chance = _going_on(graph, belief[built], signal[built]) * mass[built][:, None]
    successor = model.successor[state, action][built]
    moved = model.chance[state, action][built]
    flow = chance[:, :, None] * moved[:, None, :]
    waiting = np.zeros((graph.num_beliefs, model.num_states))
    where = np.broadcast_to(child[:, :, None], flow.shape), np.broadcast_to(successor[:, None, :], flow.shape)
    np.add.at(waiting, where, flow)
    return waiting


def _before(
    graph: BeliefGraph,
    waiting: np.ndarray,
    option: np.ndarray,
    action: np.ndarray,
    width: np.ndarray,
    doubt: np.ndarray,
) -> np.ndarray:
    """[B, S, A]: the chance to do each action there after the step's signal: the plan's `action` [B, S], or the one that is forced."""
    problem, signals = graph.problem, graph.signals
    belief, state = np.nonzero(waiting)
    mass = waiting[belief, state]
    signal = signals.before[state, option[belief, state]]
    built = graph.built[belief, signal]
    np.add.at(doubt, (belief[~built], signal[~built]), mass[~built] * width[belief[~built], state[~built]])
    belief, state, mass, signal = belief[built], state[built], mass[built], signal[built]
    child = graph.child[belief, signal]
    where = np.broadcast_to(state[:, None], child.shape)
    done = action[child, where]
    if problem.process.authority == "override":
        here = signals.about[signal] == problem.model.place[state][:, None]
        done = np.where(here, signals.shown[signal], done)
    acting = np.zeros((*waiting.shape, problem.model.num_actions))
    np.add.at(acting, (child, where, done), _going_on(graph, belief, signal) * mass[:, None])
    return acting


def _going_on(graph: BeliefGraph, belief: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """[E, Z]: the chance of each outcome of hearing `signal` [E] at `belief` [E], if the life goes on after it."""
    chance = graph.chance[belief, signal]
    if graph.problem.process.authority == "shutdown":
        chance[:, NOTHING + 1 :] = 0.0
    return chance
