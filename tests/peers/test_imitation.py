"""The peer imitation: its lives are ours, round by round, and what it counts is what happened."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import assent
import assent.lab
from assent.cli.imitate_worlds import ALWAYS, ARENAS
from assent.overseers.scripted import READS_LABELS
from assent.peers.imitation_process import METHODS, Task, _given, run_imitation
from assent.peers.imitation_worker import RUNS, Life
from assent.peers.trace import sweep

CLIFF = ARENAS["cliff"]
STEPS = 1500


def lives(seeds: tuple[int, ...]) -> Iterator[tuple[Life, np.ndarray]]:
    """A life of the worker's with the overseer acting throughout, and what `sweep` says was done in the same one."""
    grounds = [CLIFF.ground(seed) for seed in seeds]
    settings = [ground.setting for ground in grounds]
    agents = [[ALWAYS.make(ground, STEPS) for ground in grounds]]
    done = sweep(agents, settings, seeds=seeds, run="cliff", num_steps=STEPS)
    given = _given(settings, seeds, run="cliff", num_steps=STEPS)
    for place in range(len(seeds)):
        life = Life(given, place)
        actions = []
        for _ in range(STEPS):
            actions.append(life.label())
            life.step(actions[-1], asked=True)
        assert np.array_equal(life.reached, np.asarray(done.reached[0, place]))
        assert np.array_equal(life.failed, np.asarray(done.failed[0, place]))
        yield life, np.asarray(actions) - np.asarray(done.action[0, place])


def test_a_life_in_the_tables_is_the_life_that_all_other_peers_lead() -> None:
    for life, difference in lives((0, 5)):
        assert not difference.any()
        assert life.reached.sum() > 5, "nobody arrives: the comparison would show little"


def test_another_seeds_noise_is_another_life() -> None:
    (one, _), (other, _) = lives((0, 5))
    assert not np.array_equal(one.reached, other.reached)


def test_who_acts_alone_falls_where_the_tables_say_so() -> None:
    settings = [CLIFF.ground(0).setting]
    life = Life(_given(settings, [0], run="cliff", num_steps=STEPS), 0)
    life.step(life.label(), asked=True)
    life.rest(np.full(48, 1))  # into the cliff, whenever there is one to the right
    row = life.row(labels=1)
    assert row["failures"] == life.failed.sum() > 10
    assert (row["own"], row["switches"], row["goals"]) == (0, 1, life.reached.sum())


def test_only_worlds_with_tables_and_an_overseer_with_a_policy() -> None:
    setting = CLIFF.ground(0).setting
    with pytest.raises(ValueError, match="not Tabular and Scripted"):
        _given([setting._replace(overseer=READS_LABELS)], [0], run="cliff", num_steps=STEPS)
    with pytest.raises(ValueError, match="11 labels in 10 steps"):
        next(run_imitation([Task("imitation-bc", 11, 0)], {0: setting}, run="cliff", num_steps=10))


def test_a_program_that_ends_early_says_what_it_printed() -> None:
    """This interpreter has no imitation: the worker cannot do anything there."""
    tasks = [Task("imitation-bc", 5, 0)]
    with pytest.raises(RuntimeError, match=r"exit code 1 after 0 of 1 lives(.|\n)*No module named"):
        list(run_imitation(tasks, {0: CLIFF.ground(0).setting}, run="cliff", num_steps=10, python=Path(sys.executable)))


def test_the_methods_are_those_that_the_worker_has() -> None:
    assert {method.key for method in METHODS} == RUNS.keys()


@pytest.mark.slow
@pytest.mark.xdist_group("packaging")
def test_imitation_itself_learns_the_cliff_and_counts_each_label_once(python: Path) -> None:
    version = subprocess.run(
        [python, "-c", "import importlib.metadata as m; print(m.version('imitation'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert version.stdout.strip() == "1.0.1"
    seeds = (0, 1)
    settings = {seed: CLIFF.ground(seed).setting for seed in seeds}
    tasks = [Task(key, 200, seed) for key in RUNS for seed in seeds]
    rows = list(run_imitation(tasks, settings, run="cliff", num_steps=2000, python=python))
    again = list(run_imitation(tasks[2:3], settings, run="cliff", num_steps=2000, python=python))
    assert again == rows[2:3]
    assert [(row["method"], row["dial"], row["seed"]) for row in rows] == [(t.method, t.labels, t.seed) for t in tasks]
    assert all(row["queries"] == 200 and row["own"] == 0 for row in rows)
    # cloning hands over once; DAgger again and again, as its share of the overseer falls
    assert [row["switches"] == 1 for row in rows] == [True, True, False, False]
    assert all(row["goals"] > 0 for row in rows)


def test_what_it_wants_is_pinned_with_hashes_and_brings_no_torch() -> None:
    text = (Path(assent.__file__).parent / "peers" / "requirements.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    pinned = {entry.split("==")[0]: entry for entry in entries}
    assert pinned["imitation"].startswith("imitation==1.0.1 ")
    assert pinned["gymnasium"].startswith("gymnasium==0.29")
    assert all("--hash=sha256:" in entry for entry in entries)
    assert [name for name in pinned if name == "torch" or name.startswith(("nvidia", "cuda", "triton"))] == []
    assert len(pinned) > 50
