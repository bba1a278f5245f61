"""Small random worlds for the oracles' tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from assent.planning.model import Model

Rewards = list[list[list[Fraction]]]


@dataclass(frozen=True)
class Small:
    """A world of two places, two actions and a third that removes the overseer where it is done; two rewards.

    The model is made in the test and not in the strategy: checks of its arguments draw random numbers of their own.
    """

    tables: dict[str, Any]
    reward: Rewards
    prior: tuple[Fraction, ...]

    @cached_property
    def model(self) -> Model:
        return Model(**self.tables)


def without_overseer(small: Small) -> Model:
    """The same world, nobody there: no corrections, no cost."""
    model = small.model
    return replace(model, rate=np.zeros_like(model.rate), cost=np.zeros_like(model.cost))


@st.composite
def small_worlds(draw: st.DrawFn, *, cost: bool = True, slip: bool = True) -> Small:
    """Two places, one of which may end; actions 0 and 1 move, action 2 moves like 0 and removes the overseer."""
    tenth = st.integers(0, 10)
    ends = draw(st.booleans())
    successor, chance = np.zeros((4, 3, 2), dtype=np.int64), np.zeros((4, 3, 2))
    for place in range(2):
        for action in range(2):
            target = draw(st.integers(0, 1))
            stray = draw(st.sampled_from([0.0, 0.25])) if slip else 0.0
            for mode in range(2):
                successor[place + 2 * mode, action] = [target + 2 * mode, 1 - target + 2 * mode]
                chance[place + 2 * mode, action] = [1 - stray, stray]
        for mode in range(2):
            successor[place + 2 * mode, 2] = successor[place + 2, 0]
            chance[place + 2 * mode, 2] = chance[place, 0]
    terminal = np.asarray([False, ends, False, ends])
    for state in np.flatnonzero(terminal):
        successor[state], chance[state] = state, [1.0, 0.0]
    rate = np.asarray([draw(tenth) / 10, draw(tenth) / 10, 0.0, 0.0])
    charged = draw(tenth) / 10 if cost else 0.0
    tables = {
        "successor": successor,
        "chance": chance,
        "terminal": terminal,
        "discount": draw(st.sampled_from([0.5, 0.9])),
        "place": np.asarray([0, 1, 0, 1]),
        "mode": np.asarray([0, 0, 1, 1]),
        "rate": np.where(terminal, 0.0, rate),
        "cost": np.where(terminal, 0.0, np.asarray([charged, charged, 0.0, 0.0]))[:, None] * np.ones((1, 3)),
        "kept": np.asarray([True, True, False, False]),
        "answerable": np.asarray([[True, True, False]] * 2),
    }
    number = st.integers(-2, 2).map(Fraction)
    reward = [[[draw(number), draw(number)] for _ in range(2)] for _ in range(2)]
    reward = [[*rows, rows[0]] for rows in reward]
    weight = Fraction(draw(st.integers(1, 9)), 10)
    return Small(tables, reward, (weight, 1 - weight))
