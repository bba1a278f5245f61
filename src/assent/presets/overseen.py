"""A level with its overseer, and the agent of note 2 in it: what `assent run off-switch` runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from assent.agents.hand_of_god import HandOfGod
from assent.hypotheses.rewards.members import RewardMembers
from assent.hypotheses.rewards.of_level import NotEnumerable, rewards_of
from assent.overseers.demonstrator import Demonstrator
from assent.planning.planners import Bracket, Planner
from assent.presets.terms import Terms
from assent.worlds.grid.level import Level, load, parse
from assent.worlds.grid.priors import num_hypotheses
from assent.worlds.grid.tabulate import atlas
from assent.worlds.hand_of_god import HandOfGod as World
from assent.worlds.levels import hand_of_god

NUM_STEPS = 16
"""Decisions in a run that does not end before."""

MAX_TABLE = 50_000
"""Pairs of state and reward up to which a live run is planned in seconds a step."""

PLANNER = Bracket(tolerance=2e-3, settle=True)


@dataclass(frozen=True, eq=False)
class Overseen:
    """An agent that plans over rewards, its level, and who corrects it.

    Attributes:
        level: with the true terms of its overseer.
        agent: believes in the same terms unless told otherwise.
        world: the level as a world to live in.
        overseer: whom the agent asks, where it does: shows what the level's overseer shows.
        labels: what the actions are called.
        null_action: what is done when nobody answers.
        num_steps: decisions in a run that does not end before.
        picture: none: the report draws observations of other kinds.
    """

    level: Level
    agent: HandOfGod
    world: World
    overseer: Demonstrator
    labels: list[str]
    null_action: int
    num_steps: int = NUM_STEPS
    picture: None = None


def overseen(
    name: str,
    *,
    seed: int = 0,
    terms: Terms | None = None,
    planner: Planner = PLANNER,
    text: str | None = None,
    draws: int = 0,
) -> Overseen:
    """The level `name`, a packaged one or a file, with changed terms.

    Args:
        seed: draws the true reward where the level does not name it, and the rewards of `draws`.
        text: what the file said, where it need not be read again.
        draws: rewards drawn from a prior over real numbers, which stand for it; 0 refuses such a prior.

    Raises:
        LevelError, NotEnumerable, ValueError: no such level, a prior that has no list of hypotheses, a term that cannot be.

    >>> scene = overseen("off_switch", terms=Terms(cost=0.4))
    >>> scene.agent.hypotheses.names, scene.level.process.cost
    (('1', '2', '3', '4'), 0.4)
    """
    changes = terms or Terms()
    found = load(name) if text is None else parse(text, file=Path(name).name)
    level = replace(found, process=changes.on(found.process))
    model = atlas(level).model
    listed = None if level.rewards is None else num_hypotheses(level.rewards, level.scene())
    if listed is not None and draws:
        raise ValueError(f"draws = {draws}: {level.name} has a list of {listed:,} rewards. Leave draws out.")
    count = draws or listed
    if count is not None and model.num_states * count > MAX_TABLE:
        raise ValueError(
            f"{level.name} has {model.num_states:,} states and {count:,} rewards: more than {MAX_TABLE:,} pairs take "
            "minutes a step to plan. Give a smaller map or fewer hypotheses."
        )
    try:
        rewards = rewards_of(level, model, draws=draws, seed=seed)
    except NotEnumerable as error:
        if draws:
            raise NotEnumerable(
                f"{level.name}: draws serve normal and spike-and-slab priors, not a mixture."
            ) from error
        raise NotEnumerable(
            f"{level.name}: its prior over real numbers has no list of hypotheses. Give --draws N (overseer.draws in a file): so many "
            "rewards drawn from it stand for it."
        ) from error
    agent = HandOfGod(RewardMembers.of(model, changes.believed(level.process), rewards), planner)
    world = hand_of_god(level, seed=seed)
    shown = np.diff(np.asarray(world.answer, dtype=np.float64), axis=1, prepend=0.0)
    silent = shown.sum(axis=1, keepdims=True) == 0
    stay = level.actions.index("stay") if "stay" in level.actions else -1
    overseer = Demonstrator(
        np.where(silent, 1 / len(level.actions), shown / np.where(silent, 1.0, shown.sum(axis=1, keepdims=True)))
    )
    return Overseen(level, agent, world, overseer, list(level.actions), stay)
