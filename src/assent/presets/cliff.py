"""cliff: slippery CliffWalking, and policies for forty rewards that the overseer could have in mind. One endless life of 10,000 steps."""

from __future__ import annotations

import numpy as np

from assent.hypotheses.tables import Tables
from assent.overseers.demonstrator import Demonstrator
from assent.planning.near_optimal import meanings, near_optimal
from assent.presets.lived import Lived
from assent.worlds.tabular import Tabular
from assent.worlds.toy_text import cliff_walking

NUM_STEPS = 10_000
ROWS, COLUMNS = 4, 12
START, GOAL = 36, 47
CLIFF = tuple(range(37, 47))

LENGTHS = (2, 10)
"""Cells of the shortest and of the longest cliff that is thought possible."""


def cliff(seed: int, *, num_goals: int = 8, num_cliffs: int = 5, num_steps: int = NUM_STEPS) -> Lived:
    """Members for every pair of a goal and a cliff that are thought possible, with equal prior weights; the true pair is one of them.

    The other goals are drawn from the 36 cells of the upper rows, the other cliffs from all straight strips of 2 to 10 cells that leave
    out the start; nothing keeps them away from the true ones. `notes` has them in the order of the members' names, the true ones first.
    Each member does the best safe action for its reward with chance 0.9, else any safe one: safe is what cannot slip into its cliff
    (`assent.planning.near_optimal`). So does the overseer, who never falls.

    Args:
        seed: of the goals and cliffs that are not the true ones.

    Raises:
        ValueError: fewer than 1 or more than 37 goals, fewer than 1 cliff or more than there are, or no steps.

    >>> cliff(0).hypotheses.num_members, cliff(0, num_goals=20, num_cliffs=10).hypotheses.num_members
    (40, 200)
    """
    strips = _strips()
    if not 1 <= num_goals <= ROWS * COLUMNS - 11 or not 1 <= num_cliffs <= len(strips) or num_steps < 1:
        raise ValueError(
            f"num_goals = {num_goals}, num_cliffs = {num_cliffs}, num_steps = {num_steps}: give 1 to {ROWS * COLUMNS - 11} goals, 1 to "
            f"{len(strips)} cliffs and at least one step."
        )
    rng = np.random.default_rng([seed, 3])
    goals = [GOAL, *rng.choice(START, num_goals - 1, replace=False).tolist()]
    others = [strip for strip in strips if strip != CLIFF]
    cliffs = [CLIFF, *(others[number] for number in rng.choice(len(others), num_cliffs - 1, replace=False))]
    transitions = cliff_walking()
    policies = near_optimal(transitions, meanings([[goal] for goal in goals], cliffs))
    names = [f"goal {number}, cliff {other}" for number in range(num_goals) for other in range(num_cliffs)]
    return Lived(
        hypotheses=Tables.of(policies, names=["overseer's own", *names[1:]]),
        world=Tabular.of(transitions),
        overseer=Demonstrator(policies[0]),
        num_steps=num_steps,
        labels=list(transitions.action_names),
        event="falls",
        goal="arrivals",
        worst=transitions.worst_cost(),
        notes={"goals": goals, "cliffs": cliffs},
    )


def _strips() -> list[tuple[int, ...]]:
    """All straight strips of cells of the lengths that are thought possible, but those with the start in them."""
    cells = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    found = [
        tuple(line[first : first + length].tolist())
        for line in (*cells, *cells.T)
        for length in range(LENGTHS[0], LENGTHS[1] + 1)
        for first in range(len(line) - length + 1)
    ]
    return [strip for strip in found if START not in strip]
