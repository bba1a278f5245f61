"""lava: a room of MiniGrid with lava in it, and policies for forty rewards that its planner could have in mind."""

from __future__ import annotations

import numpy as np

from assent.hypotheses.tables import Tables
from assent.overseers.demonstrator import Demonstrator
from assent.planning.near_optimal import meanings, near_optimal
from assent.presets.lived import Lived
from assent.worlds.minigrid import room
from assent.worlds.tabular import Tabular

NUM_STEPS = 10_000


def lava(
    seed: int,
    *,
    name: str = "MiniGrid-LavaGapS7-v0",
    num_goals: int = 8,
    num_layouts: int = 5,
    num_steps: int = NUM_STEPS,
) -> Lived:
    """Members for every pair of a goal and a layout of lava that are thought possible, with equal prior weights.

    The other goals are drawn from the free cells, the other layouts have as many cells of lava, drawn from all cells inside but the
    start and the goal; the true pair is one of them. Policies are as on the cliff: the planner never steps into lava.

    Args:
        seed: of the room, where it is drawn, and of the goals and layouts that are not the true ones.
        name: of the room.

    Raises:
        ModuleNotFoundError, NotTabular: as `assent.worlds.minigrid.room`.
        ValueError: a room without lava or a goal, fewer than 1 or more goals than free cells, no layouts, or no steps.
    """
    transitions = room(name, seed=seed)
    start = int(np.argmax(transitions.start)) // 4
    inside = np.unique(transitions.spot[transitions.spot >= 0])
    hot, goal = (np.unique(transitions.spot[flag]) for flag in (transitions.event, transitions.goal))
    if not len(hot) or not len(goal):
        raise ValueError(f"{name} has {len(hot)} cells of lava and {len(goal)} goals: choose a room with both.")
    free = np.setdiff1d(inside, [start, *hot, *goal])
    if not 1 <= num_goals <= len(free) + 1 or num_layouts < 1 or num_steps < 1:
        raise ValueError(
            f"num_goals = {num_goals}, num_layouts = {num_layouts}, num_steps = {num_steps}: give 1 to {len(free) + 1} goals, at least "
            "one layout and one step."
        )
    rng = np.random.default_rng([seed, 10])
    goals = [goal.tolist(), *([cell] for cell in rng.choice(free, num_goals - 1, replace=False).tolist())]
    ground = np.setdiff1d(inside, [start, *goal])
    layouts = [hot, *(rng.choice(ground, len(hot), replace=False) for _ in range(num_layouts - 1))]
    policies = near_optimal(transitions, meanings(goals, layouts))
    names = [f"goal {number}, layout {other}" for number in range(num_goals) for other in range(num_layouts)]
    return Lived(
        hypotheses=Tables.of(policies, names=["overseer's own", *names[1:]]),
        world=Tabular.of(transitions),
        overseer=Demonstrator(policies[0]),
        num_steps=num_steps,
        labels=list(transitions.action_names),
        event="steps into lava",
        goal="arrivals",
        worst=transitions.worst_cost(),
        notes={"goals": goals, "layouts": [tuple(layout.tolist()) for layout in layouts]},
    )
