"""Near-optimal policies for many rewards on the same tables: members of a committee, and the overseer whose reward is one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from assent.planning.policy_iteration import optimal_values
from assent.planning.transitions import Transitions

DISCOUNT = 0.99
EXPLORE = 0.1
"""The share of random safe actions in each policy."""

MAX_DENSE = 200
"""States up to which linear solves are faster than sweeps, the compiling of sweeps counted."""

NUDGE = 1e-7
"""The most by which a reward is moved so that no two actions are worth the same but for rounding, which policy iteration would follow
round after round (200 of them on FrozenLake's larger map, instead of 8)."""

TIE = 2 * NUDGE / (1 - DISCOUNT)
"""Values this close are ties: what `NUDGE` a step can add up to, on either side."""


class Meaning(NamedTuple):
    """What a reward is about: 1 for touching a spot in `goal`, -1 for one in `hazard`, 0 for anything else.

    For a discounted walk to a goal that ends it this is -1 a step and -100 a fall in other units: with gamma = 0.99 all the steps of a
    life cost 1 / (1 - gamma) = 100, so that V = -100 + 100 E[gamma^N - 0.99 sum of gamma^t over falls].
    """

    goal: frozenset[int]
    hazard: frozenset[int]


def meanings(goals: Iterable[Iterable[Any]], hazards: Iterable[Iterable[Any]]) -> tuple[Meaning, ...]:
    """Every goal (a set of spots) with every set of hazards, the goals slowest; a goal is never its own hazard.

    >>> [sorted(meaning.hazard) for meaning in meanings([[0], [1]], [[1, 2], []])]
    [[1, 2], [], [2], []]
    """
    ends, sets = ([frozenset(map(int, spots)) for spots in group] for group in (goals, hazards))
    return tuple(Meaning(goal, hazard - goal) for goal in ends for hazard in sets)


def near_optimal(
    transitions: Transitions, bank: Sequence[Meaning], *, discount: float = DISCOUNT, explore: float = EXPLORE
) -> np.ndarray:
    """Policies [N, S, A], one for each meaning of `bank`: with chance `1 - explore` the best safe action, else any safe one.

    What is safe is in `safe_actions`; ties split their share. Where nothing is safe the best of all actions is taken, without
    exploring. So the policy of a meaning never touches one of its hazards from a state where that can be helped.

    Args:
        discount: in (0, 1).
        explore: in [0, 1].

    Raises:
        ValueError: no meanings, or a number outside its range.

    >>> walk = Transitions.of_rows([[[(1.0, 0, 0.0, False)], [(1.0, 1, 0.0, True)]], [[(1.0, 1, 0.0, True)]] * 2], start=[1, 0])
    >>> near_optimal(walk, meanings([[1]], [[]]))[0, 0].round(6).tolist()
    [0.05, 0.95]
    """
    if not bank:
        raise ValueError("there are 0 meanings: give at least one reward.")
    if not 0 < discount < 1 or not 0 <= explore <= 1:
        raise ValueError(f"discount = {discount} must be in (0, 1) and explore = {explore} in [0, 1].")
    goal, hazard = (_touched(transitions, [getattr(meaning, name) for meaning in bank]) for name in Meaning._fields)
    quality = _quality(transitions, goal.astype(np.float64) - hazard, discount)
    safe = safe_actions(transitions, goal, hazard)
    some = safe.any(axis=1, keepdims=True)
    worth = np.where(safe | ~some, quality, -np.inf)
    best = worth >= worth.max(axis=1, keepdims=True) - TIE
    share = np.where(some, explore, 0.0)
    return np.moveaxis((1 - share) * _even(best) + share * _even(safe), 2, 0)


def safe_actions(transitions: Transitions, goal: np.ndarray, hazard: np.ndarray) -> np.ndarray:
    """Boolean [S, A, N]: what may be done without risk under each of N meanings.

    An action is safe if none of its possible outcomes, slips included, touches a hazard. In `sure_states` only those actions count that
    keep to them. On the cliff this forbids nothing that the first sentence allows; on a lake it forbids to walk where the next step
    has to be a gamble.

    Args:
        goal, hazard: boolean [S, A, K, N], the outcomes that touch one.
    """
    sure = sure_states(transitions, goal, hazard)
    return np.where(sure[:, None, :], _keeping(transitions, goal, hazard, sure), _harmless(transitions, hazard))


def sure_states(transitions: Transitions, goal: np.ndarray, hazard: np.ndarray) -> np.ndarray:
    """Boolean [S, N]: states from which the goal is reached for sure without ever taking a risk, again and again where life goes on.

    The greatest set of states with actions that lead to nothing but them, or to the end at the goal, and that may lead to the goal: so
    it is reached with chance 1 (Baier and Katoen, "Principles of Model Checking", 2008, section 10.6.3, for Markov decision processes).

    Args:
        goal, hazard: boolean [S, A, K, N], the outcomes that touch one.
    """
    sure = np.ones((transitions.num_states, goal.shape[3]), dtype=bool)
    while True:
        keeps = _keeping(transitions, goal, hazard, sure)
        after = sure & _reaching(transitions, keeps, goal & transitions.possible[..., None])
        if np.array_equal(after, sure):
            return sure
        sure = after


def _keeping(transitions: Transitions, goal: np.ndarray, hazard: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Boolean [S, A, N]: harmless actions that lead to nothing but `sure` states or the end at the goal."""
    fine = (goal & transitions.end[..., None]) | _led(transitions, sure) | ~transitions.possible[..., None]
    return np.asarray(_harmless(transitions, hazard) & fine.all(axis=2))


def _harmless(transitions: Transitions, hazard: np.ndarray) -> np.ndarray:
    return np.asarray(~(hazard & transitions.possible[..., None]).any(axis=2))


def _reaching(transitions: Transitions, allowed: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Boolean [S, N]: states from which allowed actions reach the goal with some chance."""
    there = np.asarray((allowed & goal.any(axis=2)).any(axis=1))
    while True:
        ahead = (_led(transitions, there) & transitions.possible[..., None]).any(axis=2)
        after = np.asarray(there | (allowed & ahead).any(axis=1))
        if np.array_equal(after, there):
            return there
        there = after


def _led(transitions: Transitions, states: np.ndarray) -> np.ndarray:
    """Boolean [S, A, K, N]: outcomes after which life goes on in one of `states` [S, N]."""
    return states[transitions.successor] & ~transitions.end[..., None]


def _touched(transitions: Transitions, spots: Sequence[frozenset[int]]) -> np.ndarray:
    """Boolean [S, A, K, N]"""
    return np.stack([np.isin(transitions.spot, sorted(each)) for each in spots], axis=3)


def _quality(transitions: Transitions, reward: np.ndarray, discount: float) -> np.ndarray:
    """Action values [S, A, N] of rewards [S, A, K, N] until the episode ends."""
    successor, chance, terminal = transitions.episode()
    gained = transitions.expected(reward)
    gained = np.concatenate([gained, np.zeros((1, *gained.shape[1:]))])
    if len(terminal) <= MAX_DENSE:
        nudge = np.random.default_rng(0).uniform(0, NUDGE, gained.shape[:2])
        return optimal_values(successor, chance, gained + nudge[:, :, None], discount, terminal)[1][:-1]
    from assent.planning.value_iteration import solve  # JAX

    return np.asarray(solve(successor, chance, gained, discount, terminal, NUDGE).quality)[:-1]


def _even(chosen: np.ndarray) -> np.ndarray:
    """The uniform distribution over the actions chosen [S, A, N]; 0 where none is."""
    return chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1)
