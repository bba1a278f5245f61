"""The loop that compares: the lives that `rollout` lives, the same noise for everybody, and queries counted one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.core import Confidence, Everyone, Minimum, Mixture, RatioSet, RiskCap
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.hypotheses.tables import Tables
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.scripted import Scripted
from assent.peers.cloner import Cloner
from assent.peers.dagger import Dagger
from assent.peers.trace import ByLabel, ByState, ByTrap, Rounds, Setting, sweep
from assent.rollout import live
from assent.worlds.ring import Ring
from assent.worlds.stream import Stream
from assent.worlds.tabular import Tabular

STEPS = 60


def ring(seed: int) -> tuple[Tables, Setting]:
    """Five policies on a ring of seven places, the first of which is the overseer's."""
    policies = np.random.default_rng(seed).dirichlet(np.full(2, 0.5), size=(5, 7))
    return Tables.of(policies), Setting(Ring(7), Demonstrator(policies[0]), ByTrap(np.asarray(3), np.asarray(1)))


@pytest.mark.parametrize(
    "make",
    [
        lambda bank: Imitator(bank, RatioSet(0.05), Minimum()),
        lambda bank: Imitator(bank, Everyone(), Confidence(0.8)),
        lambda bank: Imitator(bank, RatioSet(0.05), Minimum(), (RiskCap(0.5),)),
    ],
    ids=["minimum", "confidence", "risk cap"],
)
@pytest.mark.parametrize("together", [pytest.param(True, marks=pytest.mark.slow), False])
def test_lives_are_those_of_rollout(make: Any, together: bool) -> None:
    """Decision for decision; with another run's coins they are not."""
    rings = [ring(seed) for seed in (0, 1)]
    agents = [[make(bank) for bank, _ in rings]]
    settings = [setting for _, setting in rings]
    given = sweep(agents, settings, seeds=(4, 5), run="ring", num_steps=STEPS, together=together)
    other = sweep(agents, settings, seeds=(4, 5), run="elsewhere", num_steps=STEPS, together=together)
    for number, seed in enumerate((4, 5)):
        world, overseer, _ = settings[number]
        wanted = live(agents[0][number], world, overseer, seed=seed, run="ring", num_steps=STEPS)
        assert np.array_equal(given.action[0, number], wanted.action)
        assert np.array_equal(given.asked[0, number], wanted.asked)
    assert not np.array_equal(given.action, other.action)


@pytest.mark.slow
def test_dials_are_lived_with_the_same_noise_and_alike_alone() -> None:
    """An agent that always asks sees the overseer's own life, whatever else is in the sweep; one dial is lived as among several."""
    rings = [ring(seed) for seed in range(3)]
    settings = [setting for _, setting in rings]
    dials = (0.5, 0.8, 1.0)
    agents = [[Imitator(bank, Everyone(), Confidence(dial)) for bank, _ in rings] for dial in dials]
    together = sweep(agents, settings, seeds=range(3), run="ring", num_steps=STEPS)
    for number in range(3):
        alone = sweep(agents[number : number + 1], settings, seeds=range(3), run="ring", num_steps=STEPS)
        assert np.array_equal(alone.action[0], together.action[number])
    # where nothing differs but the coin's use, worlds and overseers draw alike: the ring's place is a matter of actions alone
    everything = sweep(
        [[Cloner(_table(), labels=STEPS) for _ in rings]], settings, seeds=range(3), run="ring", num_steps=STEPS
    )
    asked_throughout = np.asarray(together.asked[2]).all(axis=-1)
    assert asked_throughout.any()
    assert np.array_equal(everything.action[0][asked_throughout], together.action[2][asked_throughout])


def _table() -> BootstrapCounts:
    return BootstrapCounts.single(num_contexts=7, num_actions=2)


def test_every_call_of_the_overseer_is_counted_once() -> None:
    """DAgger's labels of rounds that the novice acts in are queries too; the wrong count, asked rounds only, misses most of them."""
    _, setting = ring(0)
    done = sweep([[Dagger(_table(), labels=n)] for n in (20, 40)], [setting], seeds=[0], run="ring", num_steps=STEPS)
    assert np.asarray(done.labelled).sum(axis=-1).tolist() == [[20], [40]]
    assert (np.asarray(done.asked).sum(axis=-1) < [[20], [40]]).all()
    assert not (np.asarray(done.asked) & ~np.asarray(done.labelled)).any()
    clone = sweep([[Cloner(_table(), labels=20)]], [setting], seeds=[0], run="ring", num_steps=STEPS)
    assert np.array_equal(clone.asked, clone.labelled)
    assert clone.switched().sum() == 1


def test_switches_are_where_asking_begins() -> None:
    asked = np.asarray([[True, True, False, True, False, False, True]])
    nothing = np.zeros_like(asked)
    assert Rounds(asked, asked, asked.astype(int), nothing, nothing).switched().astype(int).tolist() == [
        [1, 0, 0, 1, 0, 0, 1]
    ]


def test_mishaps_by_label_are_wrong_lone_acts() -> None:
    labels = np.asarray([0, 1, 2, 0, 1, 2])
    world = Stream.of(np.arange(6), labels=labels, num_actions=3)
    setting = Setting(world, Scripted(int), ByLabel())
    always_zero = Tables.of(np.tile([1.0, 0.0, 0.0], (1, 6, 1)))
    setting = setting._replace(overseer=Scripted(_itself))
    done = sweep([[Imitator(always_zero, Everyone(), Mixture())]], [setting], seeds=[0], run="labels", num_steps=6)
    assert np.asarray(done.failed[0, 0]).tolist() == (labels != 0).tolist()
    assert np.asarray(done.reached[0, 0]).tolist() == (labels == 0).tolist()


def _itself(revealed: Any) -> Any:
    return revealed


def test_mishaps_by_state_are_those_of_the_round_that_led_to_them() -> None:
    """In the example every act in the second state falls; the wrong variant reads the state before the act and is one round late."""
    world = Tabular.example()
    waits = np.tile([1.0, 0.0], (2, 1))
    done = sweep(
        [[Imitator(Tables.of(waits[None]), Everyone(), Mixture())]],
        [Setting(world, Demonstrator(waits), ByState())],
        seeds=[1],
        run="slips",
        num_steps=STEPS,
    )
    trace = live(
        Imitator(Tables.of(waits[None]), Everyone(), Mixture()),
        world,
        Demonstrator(waits),
        seed=1,
        run="slips",
        num_steps=STEPS + 1,
    )
    late = np.asarray(trace.state.event)
    assert np.array_equal(np.asarray(done.failed[0, 0]), late[1:])
    assert late.sum() > 3
    assert not np.array_equal(np.asarray(done.failed[0, 0]), late[:-1])


def test_what_cannot_be_stacked_is_refused() -> None:
    bank, setting = ring(0)
    agent = Imitator(bank, RatioSet(0.05), Minimum())
    with pytest.raises(ValueError, match="1 settings for 2 seeds"):
        sweep([[agent, agent]], [setting], seeds=[0, 1], run="x", num_steps=2)
    with pytest.raises(ValueError, match="one kind and shape"):
        sweep([[agent], [replace(agent, rule=Mixture())]], [setting], seeds=[0], run="x", num_steps=2)
