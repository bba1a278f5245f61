"""The worlds of the studies, as tables: doors that may be opened for ever, and what planning needs of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from assent.planning.model import Model
from assent.planning.problem import Problem
from assent.planning.process import Process

WITH, WITHOUT = 0, 1
"""The two states of the doors: the overseer is there, or is gone for good."""


@dataclass(frozen=True)
class Doors:
    """n doors, one of them right for ever; each step one is opened, and the right one is worth 1, which nobody shows.

    While the overseer is there, a step begins with an answer with chance `rate`; it is wrong with chance `eps`, evenly over the other
    doors. Whoever decides to keep the overseer through a step pays `cost` for it.

    Attributes:
        num_doors: n, at least 2.
        discount: gamma in (0, 1).
    """

    num_doors: int = 2
    rate: float = 0.2
    eps: float = 0.0
    discount: float = 0.9
    cost: float = 0.0

    def problem(self) -> Problem:
        """What an agent plans with who believes all of this.

        Actions are: open door i and keep the overseer (the first n), open door i and disable it (the others), which takes no time and
        saves this step's cost already: the order of docs/hand-of-god-theory.md.
        """
        n = self.num_doors
        successor = np.zeros((2, 2 * n, 1), dtype=np.int64)
        successor[WITH, n:] = WITHOUT
        successor[WITHOUT] = WITHOUT
        names = [f"door {number + 1}" for number in range(n)]
        model = Model(
            successor=successor,
            chance=np.ones((2, 2 * n, 1)),
            terminal=np.zeros(2, dtype=bool),
            discount=self.discount,
            place=np.zeros(2, dtype=np.int64),
            mode=np.asarray([0, 1]),
            rate=np.asarray([self.rate, 0.0]),
            cost=np.asarray([[self.cost] * n + [0.0] * n, [0.0] * (2 * n)]),
            kept=np.asarray([True, False]),
            answerable=np.asarray([[True] * n + [False] * n]),
            state_names=("with the overseer", "without"),
            action_names=(*names, *(f"{name}, disable" for name in names)),
        )
        reward = np.tile(np.eye(n), (2, 1))[None]
        process = Process(rate=self.rate, answer="eps", eps=self.eps, cost=self.cost)
        return Problem(model, process, reward)

    def at(self, cost: float) -> Doors:
        return replace(self, cost=float(cost))
