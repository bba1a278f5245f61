"""diagnostics: two tasks of the suite seals, re-created from their definitions: RiskyPath and Branching, the clock in the state."""

from __future__ import annotations

import numpy as np

from assent.planning.transitions import NOTHING, Transitions


def risky_path(*, horizon: int = 5) -> Transitions:
    """RiskyPath: from s0 to the goal s2 by way of s1, or at once by a gamble that ends as often in s3, for ever.

    4 states, 2 actions: s0 goes to s1 (action 0) or with equal chances to s2 or s3 (1); s1 goes to s2 (0) or stays (1); s2 and s3 are
    never left. A step in s2 gives 1, one in s3 gives -100, others nothing (seals, "Suite of Environments for Algorithms that Learn
    Specifications", 2020, task seals/RiskyPath-v0, which lasts 5 steps). Event: s3 is entered; goal: s2 is.

    States are 4 t + s in step t, so that an episode ends after its last; spots are the states s that are entered.

    Args:
        horizon: steps of an episode, at least 1.

    Raises:
        ValueError: a horizon below 1.

    >>> risky_path().num_states
    20
    """
    matrix = np.zeros((4, 2, 4))
    matrix[0, 0, 1] = 1.0
    matrix[0, 1, [2, 3]] = 0.5
    matrix[1, 0, 2] = matrix[1, 1, 1] = 1.0
    matrix[[2, 3], :, [2, 3]] = 1.0
    return _timed(matrix, np.asarray([0.0, 0.0, 1.0, -100.0]), goals=[2], hazards=[3], horizon=horizon)


def branching(factor: int = 2, length: int = 10, *, horizon: int | None = None) -> Transitions:
    """Branching: `length` right choices in a row out of `factor` lead to the goal; every wrong one leads to a dead end.

    1 + factor x length states: from k factor, where the way forks, action a goes to k factor + a + 1; only the last action leads to the
    next fork; all other states are never left. A step in the last state gives 1, others nothing (seals, as above, task
    seals/Branching-v0: factor 2, length 10, 11 steps). Event: a dead end is entered; goal: the last state is.

    Args:
        factor: at least 1.
        length: at least 1.
        horizon: steps of an episode; just enough for one step in the last state when left out.

    Raises:
        ValueError: a number below 1.

    >>> branching().num_states
    231
    """
    if factor < 1 or length < 1:
        raise ValueError(f"factor = {factor}, length = {length}: both must be at least 1.")
    states = 1 + factor * length
    matrix = np.zeros((states, factor, states))
    here = np.arange(states)
    forks = (here % factor == 0) & (here != states - 1)
    for action in range(factor):
        matrix[here, action, here + (action + 1) * forks] = 1.0
    dead = here[(here % factor != 0)].tolist()
    return _timed(
        matrix,
        (here == states - 1).astype(np.float64),
        goals=[states - 1],
        hazards=dead,
        horizon=length + 1 if horizon is None else horizon,
    )


def _timed(
    matrix: np.ndarray, reward: np.ndarray, *, goals: list[int], hazards: list[int], horizon: int
) -> Transitions:
    """The tables of `matrix` [S, A, S] with the step in the state; `reward` [S] is of the state in which a step begins."""
    if horizon < 1:
        raise ValueError(f"horizon = {horizon}: an episode has at least 1 step.")
    states = len(matrix)
    rows = []
    for step in range(horizon):
        for state in range(states):
            last = step == horizon - 1
            # what follows the last step is never seen; the state that it would be in is the one that the episode ends in
            base = states * (step if last else step + 1)
            rows.append(
                [
                    [(float(line[after]), base + int(after), reward[state], last) for after in np.flatnonzero(line)]
                    for line in matrix[state]
                ]
            )

    def enters(state: int, after: int, among: list[int]) -> bool:
        return after % states in among and state % states != after % states

    return Transitions.of_rows(
        rows,
        start=np.arange(states * horizon) == 0,
        event=lambda state, action, row: enters(state, row[1], hazards),
        goal=lambda state, action, row: enters(state, row[1], goals),
        spot=lambda state, action, k: _entered(rows[state][action][k][1], state, states),
    )


def _entered(after: int, before: int, states: int) -> int:
    """The state that is entered, or nothing where one stays."""
    return after % states if after % states != before % states else NOTHING
