"""kill -9 at every fail-point and at random times: nothing acknowledged is lost, no chain breaks."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from assent.ledger import failpoints
from assent.ledger.failpoints import FAILPOINTS, failpoint
from tests.ledger.test_race import program_environment


@pytest.mark.slow
def test_three_hundred_kills_lose_nothing():
    # In memory where there is such a place: what the death of a process loses does not hang on the disk.
    memory = Path("/dev/shm")
    base = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    here = Path(__file__)
    environment = program_environment()
    environment["PYTHONPATH"] += os.pathsep + str(here.parents[2])
    with tempfile.TemporaryDirectory(dir=base) as folder:
        program = [sys.executable, str(here.with_name("crashing.py")), folder, "11"]
        ended = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["missed"] == [], "a fail-point that nothing passes protects nothing"
    assert found["kills"] >= 300
    assert found["acknowledged"] > found["kills"]
    assert found["lost"] == found["chain breaks"] == found["wrong on retry"] == 0
    assert found["committed, unheard"] > 0  # killed between the commit and the reply
    assert found["never committed"] > 0
    assert found["failures"] == []


def test_a_fail_point_waits_for_its_count(monkeypatch):
    killed = []
    monkeypatch.setattr(failpoints, "_passed", {})
    monkeypatch.setattr(failpoints.os, "kill", lambda pid, number: killed.append((pid, number)))
    monkeypatch.setenv("ASSENT_FAILPOINT", "after:answer.commit:3")
    for _ in range(2):
        failpoint("after:answer.commit")
        failpoint("before:answer.commit")
    assert killed == []
    failpoint("after:answer.commit")
    assert killed == [(os.getpid(), failpoints.signal.SIGKILL)]


@pytest.mark.parametrize("value", ["after:answer.commit:", "after:answer.commit:x", "after:answer.commits", ""])
def test_anything_else_is_no_fail_point(monkeypatch, value):
    monkeypatch.setenv("ASSENT_FAILPOINT", value)
    failpoint("after:answer.commit")


def test_no_name_is_the_beginning_of_another():
    assert not [(one, two) for one in FAILPOINTS for two in FAILPOINTS if one != two and two.startswith(one)]
    assert len(FAILPOINTS) == len(set(FAILPOINTS)) == 15 * 8
