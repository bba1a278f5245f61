"""The peers torch-uncertainty and laplace-torch: what they are told, and that their committees are theirs and learn."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assent.committees.models import conv_n
from assent.committees.problems import Problem, digits
from assent.peers.uncertainty_process import METHODS, Task, _given, run_uncertainty

DIGITS = digits(0)
SHORT: Problem = replace(DIGITS, training=replace(DIGITS.training, steps=100))


def test_the_peers_are_told_of_all_that_our_own_members_are_told_of() -> None:
    told, data = _given(SHORT), SHORT.data
    assert np.array_equal(told["x"], data.train.x.reshape(len(data.train), -1))
    assert np.array_equal(told["y"], data.train.y)
    assert np.array_equal(told["held_x"], data.validation.x.reshape(len(data.validation), -1))
    assert np.array_equal(told["test_x"], data.test.x.reshape(len(data.test), -1))
    assert "test_y" not in told
    numbers = {name: told[name].tolist() for name in ("classes", "hidden", "steps", "batch", "rate", "decay")}
    assert numbers == {"classes": 10, "hidden": [128, 128], "steps": 100, "batch": 100, "rate": 1e-3, "decay": 0.0}


def test_what_they_cannot_be_told_of_is_refused() -> None:
    task = [Task("torch-uncertainty deep", 2, 0)]
    with pytest.raises(ValueError, match="0 members by"):
        next(run_uncertainty([Task("torch-uncertainty deep", 0, 0)], SHORT))
    with pytest.raises(ValueError, match="by 'deep': give"):
        next(run_uncertainty([Task("deep", 2, 0)], SHORT))
    for other in (
        replace(SHORT, training=replace(SHORT.training, cosine=True)),
        replace(SHORT, training=replace(SHORT.training, optimiser="sgd")),
        replace(SHORT, model=conv_n(2, input_shape=(8, 8, 1))),
    ):
        with pytest.raises(ValueError, match="dense networks trained by Adam"):
            next(run_uncertainty(task, other))


def test_a_program_that_ends_early_says_what_it_printed() -> None:
    """This interpreter has no laplace-torch: the worker cannot do anything there."""
    with pytest.raises(RuntimeError, match=r"exit code 1 after 0 of 1 tasks(.|\n)*No module named"):
        list(run_uncertainty([Task("torch-uncertainty deep", 2, 0)], SHORT, python=Path(sys.executable)))


@pytest.mark.slow
@pytest.mark.xdist_group("packaging")
def test_every_method_makes_as_many_members_as_it_is_asked_for(python: Path) -> None:
    asked = "import importlib.metadata as m; print(m.version('torch-uncertainty'), m.version('laplace-torch'))"
    versions = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True)
    assert versions.stdout.split() == ["0.8.0", "0.2.3"]
    tasks = [Task(name, 3, 0) for name in METHODS]
    ran = list(run_uncertainty([*tasks, tasks[0], replace(tasks[0], seed=1)], SHORT, python=python))
    data = SHORT.data
    for one in ran:
        assert one.validation.shape == (3, len(data.validation), 10)
        assert one.test.shape == (3, len(data.test), 10)
        assert np.isfinite(one.test).all()
        assert one.train_s > 0
        assert not np.array_equal(one.test[0], one.test[1]), f"{one.task.method}: all members are one"
        right = (one.test.mean(axis=0).argmax(axis=-1) == data.test.y).mean()
        assert right > 0.5, f"{one.task.method} is right in {right:.0%}"
    again, other = ran[-2:]
    assert np.array_equal(again.test, ran[0].test)
    assert not np.array_equal(other.test, ran[0].test)
