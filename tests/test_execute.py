"""Work in processes comes to what work one after the other comes to."""

from __future__ import annotations

import os
from typing import Any, cast

import numpy as np
import pytest

from assent.execute import ONE_THREAD, execute
from tests.session_support import unchecked


def draw(seed: int) -> float:
    return float(np.random.default_rng(seed).normal())


def refuses_three(number: int) -> int:
    if number == 3:
        raise RuntimeError("three is refused")
    return number


def threads(number: int) -> tuple[int, dict[str, str | None]]:
    return os.getpid(), {name: os.environ.get(name) for name in ONE_THREAD}


def test_processes_give_the_same_results_as_serial() -> None:
    tasks = list(range(12))
    serial = list(execute(draw, tasks))
    assert serial == [(number, draw(number)) for number in tasks]
    assert sorted(execute(draw, tasks, backend="processes", workers=2)) == serial


def test_each_worker_is_another_process_with_one_thread() -> None:
    found = [result for _, result in execute(threads, range(4), backend="processes", workers=2)]
    assert os.getpid() not in {process for process, _ in found}
    assert all(variables == dict.fromkeys(ONE_THREAD, "1") for _, variables in found)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_reaches_the_caller(workers: int) -> None:
    with pytest.raises(RuntimeError, match="three is refused"):
        list(execute(refuses_three, range(6), backend="processes", workers=workers))


def test_serial_stops_at_the_exception() -> None:
    done = []
    with pytest.raises(RuntimeError, match="three is refused"):
        done.extend(execute(refuses_three, range(6)))
    assert done == [] or done == [(number, number) for number in range(3)]


def test_no_work_is_no_result() -> None:
    assert list(execute(draw, [])) == list(execute(draw, [], backend="processes")) == []


def test_one_task_needs_no_process() -> None:
    ((_, (process, _)),) = execute(threads, [0], backend="processes")
    assert process == os.getpid()


def test_results_can_be_left() -> None:
    for number, _ in execute(draw, range(50), backend="processes", workers=2):
        assert 0 <= number < 50
        break


def test_an_unknown_backend_is_refused() -> None:
    with unchecked(), pytest.raises(ValueError, match="backend = 'threads' is unknown"):
        list(execute(draw, [1], backend=cast(Any, "threads")))


def test_without_ray_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'assent\[ray\]'"):
        list(execute(draw, [1, 2], backend="ray"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Ray's own
def test_ray_gives_the_same_results_as_serial() -> None:
    tasks = list(range(6))
    assert sorted(execute(draw, tasks, backend="ray", workers=2)) == list(execute(draw, tasks))
    with pytest.raises(RuntimeError, match="three is refused"):
        list(execute(refuses_three, tasks, backend="ray", workers=2))
