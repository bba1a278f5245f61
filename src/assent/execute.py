"""Many independent pieces of work on one machine: one after the other, or in processes, with the same results."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any, Literal, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Backend = Literal["serial", "processes"]

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Each process works on one core; libraries that start threads of their own would fight over it."""


def execute(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    backend: Backend = "serial",
    workers: int | None = None,
) -> Iterator[tuple[int, Result]]:
    """Pairs of task number and `function(task)`, in the order in which they are done.

    A task must hold everything that its result depends on, its seed above all; then the backend changes nothing but the order.

    Args:
        function: for processes, importable by name.
        backend: `serial`, or `processes` (started afresh, one task at a time each).
        workers: processes; as many as there are cores when left out.

    Raises:
        whatever `function` raises; work that has not begun is dropped.

    >>> sorted(execute(abs, [-1, -2]))
    [(0, 1), (1, 2)]
    """
    count = min(workers or os.cpu_count() or 1, len(tasks))
    if backend == "serial" or count <= 1:
        for number, task in enumerate(tasks):
            yield number, function(task)
        return
    # spawn, not fork: a forked JAX or BLAS may hang
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_one_thread)
    try:
        futures: dict[Future[Any], int] = {pool.submit(function, task): number for number, task in enumerate(tasks)}
        pending = set(futures)
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield futures[future], future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _one_thread() -> None:
    for name in ONE_THREAD:
        os.environ[name] = "1"
