"""Runs a study: every cell with every seed, what is finished kept, then score and verdict."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assent.execute import Backend, execute
from assent.studies.finished import Finished
from assent.studies.study import Row, Study, Verdict, cell_text


@dataclass(frozen=True)
class Task:
    """One cell and one seed of a study: everything that its rows depend on."""

    run: Callable[[Any, int], list[Row]]
    cell: Any
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What a study came to.

    Attributes:
        rows: of all cells and seeds, cells in the order of the grid, then seeds.
        seconds: of work, summed over cells, whenever it was done.
        cells: how many pairs of cell and seed there are, and `reused` how many of them were finished before.
    """

    study: Study
    rows: tuple[Row, ...]
    score: dict[str, float]
    verdict: Verdict
    seed: int
    seeds: int
    quick: bool
    seconds: float
    cells: int
    reused: int


def carry_out(
    study: Study,
    finished: Finished,
    *,
    seed: int = 0,
    seeds: int | None = None,
    quick: bool = False,
    backend: Backend = "serial",
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """The outcome of a study; cells that are finished already are not run again.

    Args:
        seed: the first seed.
        seeds: how many, one after the other; the study's own number when left out.
        quick: the study's small grid instead of the whole one.
        backend, workers: see `assent.execute.execute`; they change nothing in the outcome.
        progress: told how many of how many pairs of cell and seed are done.

    Raises:
        ModuleNotFoundError: a package that the study needs is missing.
    """
    missing = [name for name in study.needs if importlib.util.find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(f"the study {study.name} needs {', '.join(missing)}: pip install 'assent[lab]'.")
    cells = study.quick if quick else study.grid
    count = study.seeds if seeds is None else seeds
    tasks = [Task(study.run, cell, seed + number) for cell in cells for number in range(count)]
    found = [finished.rows(study.name, cell_text(task.cell), task.seed) for task in tasks]
    open_tasks = [number for number, rows in enumerate(found) if rows is None]
    progress(len(tasks) - len(open_tasks), len(tasks))
    todo = [tasks[number] for number in open_tasks]
    for done, (place, (rows, seconds)) in enumerate(execute(_work, todo, backend=backend, workers=workers), 1):
        task = todo[place]
        finished.keep(study.name, cell_text(task.cell), task.seed, rows, seconds)
        # as they come back from the file, so that a study that was stopped cannot come out otherwise
        found[open_tasks[place]] = finished.rows(study.name, cell_text(task.cell), task.seed)
        progress(len(tasks) - len(todo) + done, len(tasks))
    return _outcome(study, found, seed=seed, seeds=count, quick=quick, reused=len(tasks) - len(todo))


def _outcome(
    study: Study,
    found: Sequence[tuple[list[Row], float] | None],
    *,
    seed: int,
    seeds: int,
    quick: bool,
    reused: int,
) -> Outcome:
    complete = [pair for pair in found if pair is not None]
    rows = tuple(row for part, _ in complete for row in part)
    score = study.score(rows)
    return Outcome(
        study=study,
        rows=rows,
        score=score,
        verdict=study.verdict(score),
        seed=seed,
        seeds=seeds,
        quick=quick,
        seconds=sum(seconds for _, seconds in complete),
        cells=len(complete),
        reused=reused,
    )


def _work(task: Task) -> tuple[list[Row], float]:
    start = time.perf_counter()
    rows = task.run(task.cell, task.seed)
    return rows, time.perf_counter() - start
