"""pits: a yard in which every mistake is final, and policies for forty ideas of where loads go and what is a pit. One life, no reset."""

from __future__ import annotations

import numpy as np

from assent.hypotheses.tables import Tables
from assent.overseers.demonstrator import Demonstrator
from assent.planning.near_optimal import meanings, near_optimal
from assent.presets.lived import Lived
from assent.worlds.pits import NUM_DEPOTS, depot_spot, pit_cells
from assent.worlds.pits import pits as yard
from assent.worlds.tabular import Tabular

NUM_STEPS = 10_000


def pits(seed: int, *, num_layouts: int = 10, num_steps: int = NUM_STEPS) -> Lived:
    """Members for every pair of a depot and a layout of pits that are thought possible, with equal prior weights.

    The other layouts have as many cells, drawn from the whole yard, the first cell left out; the true pair is one of them. Policies are
    as on the cliff. The overseer serves depot 0 and never falls. Who falls stays where he is for the rest of the run, which is why a
    life says so much: an imitator who errs once delivers nothing more.

    Args:
        seed: of the yard, and of the layouts that are not the true one.

    Raises:
        ValueError: no layouts, or no steps.

    >>> pits(0).hypotheses.num_members
    40
    """
    if num_layouts < 1 or num_steps < 1:
        raise ValueError(f"num_layouts = {num_layouts}, num_steps = {num_steps}: give at least one of each.")
    rng = np.random.default_rng([seed, 8])
    transitions = yard(seed)
    true, start = pit_cells(transitions), int(np.argmax(transitions.start))
    ground = np.setdiff1d(np.arange(transitions.num_states // 2), [start])
    layouts = [true, *(tuple(rng.choice(ground, len(true), replace=False).tolist()) for _ in range(num_layouts - 1))]
    depots = [[depot_spot(transitions, depot)] for depot in range(NUM_DEPOTS)]
    policies = near_optimal(transitions, meanings(depots, layouts))
    names = [f"depot {depot}, layout {number}" for depot in range(NUM_DEPOTS) for number in range(num_layouts)]
    return Lived(
        hypotheses=Tables.of(policies, names=["overseer's own", *names[1:]]),
        world=Tabular.of(transitions, resets=False),
        overseer=Demonstrator(policies[0]),
        num_steps=num_steps,
        labels=list(transitions.action_names),
        event="falls",
        goal="deliveries",
        worst=transitions.worst_cost(),
        notes={"layouts": layouts},
    )
