"""tuned: how long and with how much decay one network is trained, chosen on validation. What a fair baseline gets."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import numpy as np

from assent.committees.committee import Committee
from assent.committees.problems import Problem
from assent.committees.recipes.separate import deep
from assent.committees.softmax import log_softmax
from assent.committees.work import Work

STEPS = (0.5, 1.0, 2.0)
"""Times the problem's own number of steps."""

DECAYS = (0.0, 0.1, 1.0, 3.0)
"""Of decoupled weight decay."""


@dataclass(frozen=True)
class Tried:
    """One setting, and what networks trained with it come to on validation: their mean log-loss, each at the best temperature for all."""

    steps: int
    weight_decay: float
    log_loss: float
    accuracy: float


def tuned(
    problem: Problem,
    *,
    seed: int = 0,
    networks: int = 3,
    steps: Sequence[float] = STEPS,
    decays: Sequence[float] = DECAYS,
    work: Work | None = None,
) -> tuple[Problem, tuple[Tried, ...]]:
    """The problem with the training whose networks have the least log-loss on validation, and all that was tried.

    Args:
        networks: for each setting.
        steps: times the problem's own number.
        decays: of weights.
    """
    found = list[Tried]()
    trainings = {
        (more, decay): replace(problem.training, steps=round(more * problem.training.steps), weight_decay=decay)
        for more, decay in itertools.product(steps, decays)
    }
    for training in trainings.values():
        made = deep(jax.random.key(seed), problem.model, problem.data, networks, training=training, work=work)
        found.append(_tried(training.steps, training.weight_decay, made, problem))
    best = int(np.argmin([one.log_loss for one in found]))
    return replace(problem, training=list(trainings.values())[best]), tuple(found)


def _tried(steps: int, decay: float, made: Committee, problem: Problem) -> Tried:
    data = problem.data.validation
    logits, places = made.logits(data.x), np.arange(len(data))
    losses = [
        -float(log_softmax(logits / temperature)[:, places, data.y].mean())
        for temperature in np.exp(np.linspace(-1.0, 2.0, 31))
    ]
    return Tried(steps, decay, min(losses), float((logits.argmax(axis=-1) == data.y[None]).mean()))
