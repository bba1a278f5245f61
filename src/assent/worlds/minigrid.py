"""minigrid: rooms of MiniGrid with walls, lava and a goal as tables of position and direction, read from the environments themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from assent.planning.transitions import NOTHING, Transitions

STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""East, south, west, north as (columns, rows); MiniGrid's directions 0 to 3."""

LEFT, RIGHT, FORWARD = 0, 1, 2
ACTION_NAMES = ("left", "right", "forward", "pick up", "drop", "toggle", "done")
"""The last four do nothing where there is nothing to carry or open."""


class NotTabular(ValueError):
    """A room holds something that position and direction do not tell."""


def room(name: str = "MiniGrid-DistShift1-v0", *, seed: int = 0) -> Transitions:
    """The environment `name` as it is after `reset(seed=seed)`: width x height cells, each in 4 directions.

    State: 4 (width y + x) + direction; 7 actions. Stepping into lava ends the episode and is an event; stepping onto the goal ends it
    with reward 1, which MiniGrid lessens by the steps taken. That it breaks off long episodes is left out. Each episode begins where
    this one does. Spots: the cell y width + x that one steps into; turning and walls touch nothing. (Chevalier-Boisvert and others,
    "Minigrid & Miniworld: modular & customizable reinforcement learning environments for goal-oriented tasks", 2023.)

    Args:
        name: of an environment with walls, lava, goals and nothing else: DistShift, LavaGap, LavaCrossing, SimpleCrossing, Empty.
        seed: of the room, where it is drawn.

    Raises:
        ModuleNotFoundError: minigrid is not installed (a sentence says how to get it).
        NotTabular: the room holds doors, keys, balls or boxes.
    """
    env = _after_reset(name, seed)
    width, height = int(env.width), int(env.height)
    kinds = [[_kind(env.grid.get(x, y), name) for x in range(width)] for y in range(height)]

    def outcome(state: int, action: int) -> tuple[int, str, int]:
        """The state after, what was stepped into, and its cell."""
        cell, direction = divmod(state, 4)
        if action in (LEFT, RIGHT):
            return 4 * cell + (direction + (1 if action == RIGHT else -1)) % 4, "", NOTHING
        x, y = cell % width + STEPS[direction][0], cell // width + STEPS[direction][1]
        inside = 0 <= x < width and 0 <= y < height
        if action != FORWARD or not inside or kinds[y][x] == "wall":
            return state, "", NOTHING
        return 4 * (y * width + x) + direction, kinds[y][x], y * width + x

    shape = (4 * width * height, len(ACTION_NAMES), 1)
    made = [[outcome(state, action) for action in range(shape[1])] for state in range(shape[0])]
    entered = np.asarray([[kind for _, kind, _ in line] for line in made])[..., None]
    x, y = (int(part) for part in env.agent_pos)
    return Transitions(
        chance=np.ones(shape),
        successor=np.asarray([[after for after, _, _ in line] for line in made])[..., None],
        reward=np.where(entered == "goal", 1.0, 0.0),
        event=entered == "lava",
        goal=entered == "goal",
        end=(entered == "lava") | (entered == "goal"),
        start=(np.arange(shape[0]) == 4 * (y * width + x) + int(env.agent_dir)).astype(np.float64),
        spot=np.asarray([[cell for _, _, cell in line] for line in made])[..., None],
        action_names=ACTION_NAMES,
    )


def _after_reset(name: str, seed: int) -> Any:
    try:
        import gymnasium
        import minigrid  # noqa: F401  (registers its environments)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error.name} is not installed, which brings MiniGrid's rooms: pip install 'assent[lab,worlds]'."
        ) from error
    env: Any = gymnasium.make(name, disable_env_checker=True).unwrapped
    env.reset(seed=seed)
    return env


def _kind(thing: Any, name: str) -> str:
    """ "wall", "lava", "goal" or "" of what lies in a cell."""
    kind = "" if thing is None or thing.type == "floor" else str(thing.type)
    if kind not in ("", "wall", "lava", "goal"):
        raise NotTabular(
            f"{name} holds a {kind}: position and direction do not tell its state. Choose a room of walls, lava and goals."
        )
    return kind
