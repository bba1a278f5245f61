"""torch-uncertainty and laplace-torch as peers: their committees on our splits, in an environment of their own."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assent.committees.layers import Dense
from assent.committees.problems import Problem
from assent.peers.environment import environment_for, rows_of
from assent.peers.uncertainty_worker import METHODS

__all__ = ["METHODS", "Ran", "Task", "run_uncertainty"]


@dataclass(frozen=True)
class Task:
    """A peer's method (a key of `METHODS`), how many members, and the seed."""

    method: str
    members: int
    seed: int


@dataclass(frozen=True, eq=False)
class Ran:
    """What came of a task.

    Attributes:
        validation, test: logits float32 `[N, V, C]` and `[N, T, C]`.
        train_s, infer_s: CPU seconds of one thread: until there were members, and of all their logits.
    """

    task: Task
    validation: NDArray[np.float32]
    test: NDArray[np.float32]
    train_s: float
    infer_s: float


def run_uncertainty(
    tasks: Sequence[Task],
    problem: Problem,
    *,
    python: Path | None = None,
    say: Callable[[str], None] = lambda said: None,
) -> Iterator[Ran]:
    """Each task in order: the peer's network has the problem's widths, and is trained on its items by its steps, batch, rate and decay.

    Args:
        python: the interpreter of an environment that has the peers; made by `environment_for` when left out.
        say: is told what is being done.

    Raises:
        ValueError: a method that there is not, no member, or a problem whose network is not dense or whose optimiser is not Adam.
        RuntimeError: the environment cannot be made, or its program ended early; the message holds what it printed.
    """
    for task in tasks:
        if task.method not in METHODS or task.members < 1:
            raise ValueError(
                f"{task.members} members by {task.method!r}: give at least one, by one of {', '.join(METHODS)}."
            )
    given = _given(problem)
    python = environment_for(say) if python is None else python
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "given.npz"
        np.savez(arrays, **given)  # pyright: ignore[reportArgumentType]
        lines = [asdict(task) for task in tasks]
        rows = rows_of("uncertainty_worker.py", lines, arrays, python=python, named="The peers", unit="tasks")
        for count, (task, row) in enumerate(zip(tasks, rows, strict=True), start=1):
            logits = np.load(row["logits"])
            Path(row["logits"]).unlink()
            validation, test = np.split(logits, [len(problem.data.validation)], axis=1)
            yield Ran(task, validation, test, row["train_s"], row["infer_s"])
            say(f"{count} of {len(tasks)}: {task.method}")


def _given(problem: Problem) -> dict[str, NDArray[np.generic]]:
    """Everything that the peers are told."""
    data, training = problem.data, problem.training
    linear = [layer for _, layer in problem.model.linear_layers()]
    if training.optimiser != "adam" or training.cosine or not all(isinstance(layer, Dense) for layer in linear):
        raise ValueError(
            f"The peers are told of dense networks trained by Adam at one rate, not of {problem.model.layers} by {training}."
        )
    size = math.prod(data.input_shape)
    hidden = [layer.outputs for layer in linear if isinstance(layer, Dense)][:-1]
    return {
        "x": np.asarray(data.train.x, dtype=np.float32).reshape(-1, size),
        "y": np.asarray(data.train.y, dtype=np.int64),
        "held_x": np.asarray(data.validation.x, dtype=np.float32).reshape(-1, size),
        "held_y": np.asarray(data.validation.y, dtype=np.int64),
        "test_x": np.asarray(data.test.x, dtype=np.float32).reshape(-1, size),
        "classes": np.asarray(data.num_classes),
        "hidden": np.asarray(hidden),
        "steps": np.asarray(training.steps),
        "batch": np.asarray(training.batch),
        "rate": np.asarray(training.learning_rate),
        "decay": np.asarray(training.weight_decay),
    }
