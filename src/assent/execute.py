"""Many independent pieces of work: one after the other, in processes, or through Ray, with the same results."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any, Literal, TypeVar, get_args

Task = TypeVar("Task")
Result = TypeVar("Result")
Backend = Literal["serial", "processes", "ray"]

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
        backend: `serial`; `processes` (started afresh, one task at a time each); or `ray` (Ray Core tasks, on the cluster that Ray is
            connected to, or else on this machine).
        workers: processes, or Ray tasks at a time; as many as there are cores when left out.

    Raises:
        ModuleNotFoundError: Ray is asked for and not installed.
        ValueError: no such backend.
        whatever `function` raises; work that has not begun is dropped.

    >>> sorted(execute(abs, [-1, -2]))
    [(0, 1), (1, 2)]
    """
    if backend not in get_args(Backend):
        raise ValueError(f"backend = {backend!r} is unknown: give one of {', '.join(get_args(Backend))}.")
    if backend == "ray":
        yield from _through_ray(function, tasks, workers)
        return
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


def _through_ray(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int | None
) -> Iterator[tuple[int, Result]]:
    if importlib.util.find_spec("ray") is None:
        raise ModuleNotFoundError(
            "the backend ray needs Ray, which is not installed: pip install 'assent[ray]', or take processes."
        )
    ray: Any = importlib.import_module("ray")
    started = not ray.is_initialized()
    if started:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    running: dict[Any, int] = {}
    one_thread = {"env_vars": dict.fromkeys(ONE_THREAD, "1")}
    try:
        remote = ray.remote(num_cpus=1, max_retries=0, runtime_env=one_thread)(function)
        waiting = iter(enumerate(tasks))
        room = workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        while True:
            for number, task in itertools.islice(waiting, room - len(running)):
                running[remote.remote(task)] = number
            if not running:
                return
            (done,), _ = ray.wait(list(running), num_returns=1)
            number = running.pop(done)
            try:
                result = ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None  # what the function raised, as with the other backends
            yield number, result
    finally:
        for left in running:
            ray.cancel(left, force=True)
        if started:
            ray.shutdown()


def _one_thread() -> None:
    for name in ONE_THREAD:
        os.environ[name] = "1"
