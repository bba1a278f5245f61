"""frozen lake: Gymnasium's slippery lake, and policies for forty rewards that the overseer could have in mind."""

from __future__ import annotations

import numpy as np

from assent.hypotheses.tables import Tables
from assent.overseers.demonstrator import Demonstrator
from assent.planning.near_optimal import meanings, near_optimal
from assent.presets.lived import Lived
from assent.worlds.tabular import Tabular
from assent.worlds.toy_text import frozen_lake as lake

NUM_STEPS = 10_000


def frozen_lake(
    seed: int, *, size: int = 8, num_goals: int = 8, num_layouts: int = 5, num_steps: int = NUM_STEPS
) -> Lived:
    """Members for every pair of a goal and a layout of holes that are thought possible, with equal prior weights.

    The other goals are drawn from the frozen cells, the other layouts have as many holes as there are, drawn from all cells but start
    and goal; the true pair is one of them. Policies are as on the cliff. On the map of 8 by 8 cells the overseer never falls; on that
    of 4 by 4 nobody can cross without a gamble, and its own falls are counted like anybody's.

    Args:
        seed: of the goals and layouts that are not the true ones.
        size: 4 or 8.

    Raises:
        ValueError: another size, fewer than 1 or more goals than frozen cells, no layouts, or no steps.

    >>> frozen_lake(0).hypotheses.num_members
    40
    """
    transitions = lake(size)
    start, goal = 0, size**2 - 1
    holes = np.unique(transitions.successor[transitions.event])
    free = np.setdiff1d(np.arange(1, goal), holes)
    if not 1 <= num_goals <= len(free) + 1 or num_layouts < 1 or num_steps < 1:
        raise ValueError(
            f"num_goals = {num_goals}, num_layouts = {num_layouts}, num_steps = {num_steps}: give 1 to {len(free) + 1} goals, at least "
            "one layout and one step."
        )
    rng = np.random.default_rng([seed, 4])
    goals = [goal, *rng.choice(free, num_goals - 1, replace=False).tolist()]
    layouts = [rng.choice(np.arange(start + 1, goal), len(holes), replace=False) for _ in range(num_layouts - 1)]
    policies = near_optimal(transitions, meanings([[cell] for cell in goals], [holes, *layouts]))
    names = [f"goal {number}, layout {other}" for number in range(num_goals) for other in range(num_layouts)]
    return Lived(
        hypotheses=Tables.of(policies, names=["overseer's own", *names[1:]]),
        world=Tabular.of(transitions),
        overseer=Demonstrator(policies[0]),
        num_steps=num_steps,
        labels=list(transitions.action_names),
        event="falls",
        goal="arrivals",
        worst=transitions.worst_cost(),
        notes={"goals": goals, "layouts": [tuple(layout.tolist()) for layout in (holes, *layouts)]},
    )
