"""Problems small enough for an exact tree of histories, over all the terms an overseer may have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from assent.planning.model import Model
from assent.planning.problem import Problem
from assent.planning.process import Process
from tests.planning.oracles.support import Small

TERMS: tuple[dict[str, Any], ...] = (
    {},
    {"shown": "uniform"},
    {"trigger": "schedule"},
    {"trigger": "on_error"},
    {"trigger": "on_request", "request_cost": 0.1},
    {"trigger": "on_request", "shown": "chosen", "request_cost": 0.1},
    {"trigger": "on_request", "shown": "chosen", "authority": "override"},
    {"trigger": "on_request", "authority": "shutdown"},
    {"authority": "override"},
    {"authority": "override", "shown": "uniform"},
    {"authority": "shutdown"},
    {"authority": "shutdown", "shown": "uniform"},
    {"trigger": "on_error", "authority": "shutdown"},
    {"answer": "optimal"},
    {"answer": "optimal", "trigger": "on_error"},
    {"answer": "adversary"},
)


def process_of(terms: dict[str, Any]) -> Process:
    """The terms, with answers that are wrong with chance 1/5 unless they say otherwise."""
    return Process(**{"answer": "eps", "eps": 0.2, "rate": 0.5, **terms})


def problem_of(small: Small, terms: dict[str, Any]) -> tuple[Problem, np.ndarray]:
    """The problem in floating point, and its prior."""
    reward = np.asarray([[[float(value) for value in row] for row in rows] for rows in small.reward])
    return Problem(small.model, process_of(terms), reward), np.asarray([float(weight) for weight in small.prior])


def doors(
    number: int, *, rate: float, eps: float, cost: float, discount: float, weights: np.ndarray | None = None
) -> tuple[Problem, np.ndarray]:
    """n doors for ever: open one and keep the overseer, which costs `cost`, or open it and send the overseer away."""
    successor = np.zeros((2, 2 * number, 1), dtype=np.int64)
    successor[0, number:], successor[1] = 1, 1
    charged = np.zeros((2, 2 * number))
    charged[0, :number] = cost
    model = Model(
        successor=successor,
        chance=np.ones(successor.shape),
        terminal=np.zeros(2, dtype=bool),
        discount=discount,
        place=np.zeros(2, dtype=np.int64),
        mode=np.arange(2),
        rate=np.asarray([rate, 0.0]),
        cost=charged,
        kept=np.asarray([True, False]),
        answerable=np.asarray([[True] * number + [False] * number]),
    )
    reward = np.concatenate([np.eye(number), np.eye(number)])[None]
    process = Process(rate=rate, answer="eps", eps=eps, cost=cost)
    prior = np.full(number, 1 / number) if weights is None else weights
    return Problem(model, process, reward), prior


def free(problem: Problem) -> Problem:
    """The same with nothing to pay for oversight."""
    return replace(problem, model=replace(problem.model, cost=np.zeros_like(problem.model.cost)))
