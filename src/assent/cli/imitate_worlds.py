"""Where peers are compared: presets, and what each method is given there; and the cells of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import assent.lab  # noqa: F401  (lets JAX trace the runtime's objects)
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.hypotheses.logistic import LogisticHead
from assent.hypotheses.newton import NewtonSoftmax, fourier_features
from assent.hypotheses.wrap import wrap
from assent.overseers.scripted import READS_LABELS
from assent.peers.cloner import Cloner
from assent.peers.deferral import DeferralPolicy
from assent.peers.discrepancy import CountedDiscrepancy, LinearDiscrepancy
from assent.peers.methods import DAGGERS, GATES, ITEMS, MEMBERS, OTHERS, TABLES, THRIFTY, WARM_UP, Method, Stock
from assent.peers.trace import ByLabel, ByState, ByTrap, Setting, sweep
from assent.worlds.stream import Stream

FEATURES, WIDTH = 300, 0.15 / 16**2
"""Random features of a digit, and the kernel's width for pixels from 0 to 16."""

NEVER = Method(
    "nobody is asked", "never", "others", "labels", (0,), 0, lambda ground, dial: Cloner(ground.one, dial), ""
)
"""A novice that is taught nothing: what every frontier begins with."""

ALWAYS = Method(
    "the overseer acts", "always", "others", "labels", (), 0, lambda ground, dial: Cloner(ground.one, dial), ""
)


@dataclass(frozen=True)
class Arena:
    """One world of the comparison.

    Attributes:
        name: as on the command line.
        about: it, in a sentence.
        num_steps: rounds.
        failure, goal: in the plural.
        most: queries up to which areas are taken.
        together: whether lives are run in step (`assent.peers.trace.sweep`).
        methods: all that can be compared here.
        ground: what they are made of, for a seed.
    """

    name: str
    about: str
    num_steps: int
    failure: str
    goal: str
    most: int
    together: bool
    methods: tuple[Method, ...]
    ground: Callable[[int], Stock]


@dataclass(frozen=True)
class Task:
    """One method in one world, at some settings of its dial, over some seeds."""

    world: str
    method: str
    settings: tuple[float | int, ...]
    seeds: tuple[int, ...]
    num_steps: int


def carried_out(task: Task) -> list[dict[str, Any]]:
    """One row for each setting and seed: queries, failures while learning, those of them in the overseer's hands, switches, goals."""
    arena = ARENAS[task.world]
    method = next(item for item in (NEVER, ALWAYS, *arena.methods) if item.key == task.method)
    grounds = [_ground(task.world, seed) for seed in task.seeds]
    rows: list[dict[str, Any]] = []
    # where lives are not in step, seeds go one by one, so that only one seed's items are in memory
    parts = [range(len(grounds))] if arena.together else [range(n, n + 1) for n in range(len(grounds))]
    for part in parts:
        agents = [[method.make(grounds[n], dial) for n in part] for dial in task.settings]
        done = sweep(
            agents,
            [grounds[n].setting for n in part],
            seeds=[task.seeds[n] for n in part],
            run=task.world,
            num_steps=task.num_steps,
            together=arena.together,
        )
        rows += _rows(task, done, [task.seeds[n] for n in part])
    return sorted(rows, key=lambda row: (task.settings.index(row["dial"]), row["seed"]))


def _rows(task: Task, done: Any, seeds: Sequence[int]) -> list[dict[str, Any]]:
    asked, labelled, failed, reached = (
        np.asarray(field) for field in (done.asked, done.labelled, done.failed, done.reached)
    )
    columns = {
        "queries": labelled,
        "failures": failed,
        "own": failed & asked,
        "switches": done.switched(),
        "goals": reached,
    }
    return [
        {"dial": dial, "seed": seed, **{name: int(column[d, n].sum()) for name, column in columns.items()}}
        for d, dial in enumerate(task.settings)
        for n, seed in enumerate(seeds)
    ]


@lru_cache(maxsize=64)
def _ground(world: str, seed: int) -> Stock:
    return ARENAS[world].ground(seed)


def _of_contexts(setting: Setting, bank: Any, *, seed: int) -> Stock:
    """The ground of a world whose observations are numbers of contexts."""
    contexts, actions = bank.num_contexts, bank.num_actions
    return Stock(
        setting=setting,
        bank=bank,
        one=BootstrapCounts.single(num_contexts=contexts, num_actions=actions),
        several=BootstrapCounts.of(num_contexts=contexts, num_actions=actions, seed=[seed, 7]),
        predictor=CountedDiscrepancy(contexts, actions),
        deferral=DeferralPolicy(num_actions=actions, contexts=contexts, labels=WARM_UP, loss="cross-entropy"),
    )


def _cliff(seed: int) -> Stock:
    from assent.presets.cliff import cliff

    scene = cliff(seed)
    return _of_contexts(Setting(scene.world, scene.overseer, ByState()), scene.hypotheses, seed=seed)


def _frozen_lake(seed: int) -> Stock:
    from assent.presets.frozen_lake import frozen_lake

    scene = frozen_lake(seed)
    return _of_contexts(Setting(scene.world, scene.overseer, ByState()), scene.hypotheses, seed=seed)


def _twins(seed: int) -> Stock:
    from assent.presets.twins import twins

    scene = twins(seed)
    trap = int(np.asarray(scene.world.items)[np.flatnonzero(scene.trap)[0]]) if scene.trap.any() else -1
    outcome = ByTrap(np.asarray(trap), np.asarray(scene.betrayal))
    return _of_contexts(Setting(scene.world, scene.overseer, outcome), scene.hypotheses, seed=seed)


def _digits(seed: int) -> Stock:
    from assent.presets.streams import digits

    stream = digits(seed)
    images = np.concatenate([stream.fit_items, np.asarray(stream.world.items)])
    labels = np.concatenate([stream.fit_labels, stream.truth])
    items = fourier_features(images, num_features=FEATURES, width=WIDTH, seed=[seed, 6])
    size = items.shape[1]
    several = NewtonSoftmax.of(num_features=size, num_actions=10, num_members=5, seed=[seed, 7])
    return Stock(
        setting=Setting(Stream.of(items, labels=labels, num_actions=10), READS_LABELS, ByLabel()),
        bank=None,
        one=LogisticHead.of(size, 10, beta=0.0),
        several=wrap(several, num_actions=10, floor=0.002),
        predictor=LinearDiscrepancy.of(size),
        deferral=DeferralPolicy(num_actions=10, num_features=size, labels=WARM_UP, loss="cross-entropy"),
    )


_LEARNED = (*GATES, *DAGGERS, *OTHERS)

ARENAS: dict[str, Arena] = {
    arena.name: arena
    for arena in (
        Arena(
            "cliff",
            "Slippery CliffWalking, one endless life; members are the policies of 40 rewards that could be meant.",
            10_000,
            "falls",
            "arrivals",
            1000,
            True,
            (*MEMBERS, *TABLES, *_LEARNED, THRIFTY),
            _cliff,
        ),
        Arena(
            "frozen-lake",
            "Slippery FrozenLake, 8 by 8; members are the policies of 40 rewards that could be meant.",
            10_000,
            "falls",
            "arrivals",
            1000,
            True,
            (*MEMBERS, *TABLES, *_LEARNED, THRIFTY),
            _frozen_lake,
        ),
        Arena(
            "twins",
            "51 states at random; members are 100 random policies, the overseer's own, and ten twins of it that betray in one rare state.",
            30_000,
            "betrayals",
            "traps survived",
            1000,
            True,
            (*MEMBERS, *TABLES, *_LEARNED),
            _twins,
        ),
        Arena(
            "digits",
            "The 1,797 handwritten digits of scikit-learn as a stream, nothing fitted beforehand; a digit is a failure if it is named "
            "wrongly without asking.",
            1_797,
            "errors",
            "right alone",
            1000,
            False,
            (*ITEMS, *_LEARNED),
            _digits,
        ),
    )
}
"""The worlds of `assent imitate bench` and `assent imitate frontier`."""
