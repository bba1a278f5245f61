"""Small worlds for the tests of samplers."""

from __future__ import annotations

import numpy as np

from assent.planning.model import Model


def model_of(
    successor: np.ndarray,
    chance: np.ndarray,
    *,
    discount: float,
    terminal: np.ndarray | None = None,
    answerable: np.ndarray | None = None,
) -> Model:
    """A world without modes: S states are S places; every action may be shown unless `answerable` [S, A] says otherwise."""
    states, actions, _ = successor.shape
    return Model(
        successor=successor,
        chance=chance,
        terminal=np.zeros(states, dtype=bool) if terminal is None else terminal,
        discount=discount,
        place=np.arange(states),
        mode=np.zeros(states, dtype=np.int64),
        rate=np.full(states, 0.5),
        cost=np.zeros((states, actions)),
        kept=np.ones(states, dtype=bool),
        answerable=np.ones((states, actions), dtype=bool) if answerable is None else answerable,
    )


def stay_or_go(discount: float = 0.8) -> Model:
    """Two states; action 0 stays, action 1 goes to the other."""
    successor = np.array([[[0], [1]], [[1], [0]]])
    return model_of(successor, np.ones((2, 2, 1)), discount=discount)


def grid(height: int = 5, width: int = 5, *, discount: float = 0.95) -> Model:
    """An empty grid; left, right, up, down, stay; walls keep one in place."""
    index = np.arange(height * width).reshape(height, width)
    rows, columns = np.indices((height, width))
    moves = [(0, -1), (0, 1), (-1, 0), (1, 0), (0, 0)]
    after = [
        index[np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)].ravel()
        for down, right in moves
    ]
    successor = np.stack(after, axis=1)[:, :, None]
    return model_of(successor, np.ones(successor.shape), discount=discount)


def random_model(
    seed: int, *, states: int = 3, actions: int = 3, successors: int = 2, end: bool = False, **more
) -> Model:
    """Random chances; with `end` the last state is terminal."""
    rng = np.random.default_rng(seed)
    successor = rng.integers(0, states, (states, actions, successors))
    terminal = np.zeros(states, dtype=bool)
    terminal[-1] = end
    successor[terminal] = states - 1
    chance = rng.dirichlet(np.ones(successors), size=(states, actions))
    return model_of(successor, chance, discount=0.8, terminal=terminal, **more)
