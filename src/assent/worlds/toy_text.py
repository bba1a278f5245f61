"""toy text: Gymnasium's CliffWalking, FrozenLake and Taxi as tables, read from the environments themselves."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from assent.planning.transitions import NOTHING, Row, Transitions

IN_TAXI = 4
"""The place of a passenger on board, after those of the four ranks."""

PICK_UP, SET_DOWN = 4, 5
"""Taxi's last two actions."""

ILLEGAL = 16
"""The spot of a pick-up or setting down that cannot be; spots 0 to 15 are 4 d + l: set down at rank l, wanting to go to rank d."""

TURNS = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Up, right, down, left as (rows, columns); CliffWalking's actions 0 to 3."""


def cliff_walking(*, slippery: bool = True) -> Transitions:
    """CliffWalking-v1: 48 cells in 4 rows, a cliff between the first and the last cell of the lowest row.

    Whoever falls is sent back to the start for a reward of -100, and the episode goes on; each fall is an event. Where it is slippery,
    each of the three directions but the opposite one is taken with chance 1/3 (Sutton and Barto, "Reinforcement Learning", 2018,
    example 6.6; slippery as Gymnasium has it). Spots are cells, those of the cliff among them.

    >>> tables = cliff_walking()
    >>> tables.num_states, int((tables.event & (tables.successor == 36)).sum()) == int(tables.event.sum())
    (48, True)
    """
    env: Any = gymnasium.make("CliffWalking-v1", is_slippery=slippery).unwrapped
    rows, columns = env.shape

    def entered(state: int, action: int, k: int) -> int:
        row, column = divmod(state, columns)
        down, right = TURNS[(action + k - 1) % 4 if slippery else action]
        return min(max(row + down, 0), rows - 1) * columns + min(max(column + right, 0), columns - 1)

    return Transitions.of_rows(
        env.P,
        start=env.initial_state_distrib,
        event=lambda state, action, row: row[2] == -100,
        spot=entered,
        action_names=("up", "right", "down", "left"),
    )


def frozen_lake(size: int = 8, *, slippery: bool = True) -> Transitions:
    """FrozenLake-v1 on the map of 4 by 4 or 8 by 8 cells: a hole ends the episode and is an event, the goal ends it with reward 1.

    Raises:
        ValueError: there is no map of that size.

    >>> frozen_lake(4).num_states
    16
    """
    if size not in (4, 8):
        raise ValueError(f"size = {size}: Gymnasium has maps of 4 by 4 and of 8 by 8 cells.")
    env: Any = gymnasium.make("FrozenLake-v1", map_name=f"{size}x{size}", is_slippery=slippery).unwrapped
    cell = env.desc.ravel()
    over = np.isin(cell, [b"G", b"H"])
    return Transitions.of_rows(
        env.P,
        start=env.initial_state_distrib,
        event=lambda state, action, row: bool(cell[row[1]] == b"H" and not over[state]),
        goal=lambda state, action, row: bool(cell[row[1]] == b"G" and not over[state]),
        action_names=("left", "down", "right", "up"),
    )


def taxi(*, rainy: bool = False) -> Transitions:
    """Taxi-v4: 500 states (25 cells, the passenger at one of four ranks or on board, four destinations) and 6 actions.

    An event is a pick-up or setting down that cannot be (reward -10), or a passenger set down at a rank that is not the destination,
    for which Gymnasium takes no more than a step's price. When it rains a move goes astray to either side with chance 0.1 each
    (Dietterich, "Hierarchical reinforcement learning with the MAXQ value function decomposition", 2000). Spots say who was set down
    where (`ILLEGAL`); moves touch nothing.

    >>> taxi().chance.shape, taxi(rainy=True).chance.shape
    ((500, 6, 1), (500, 6, 3))
    """
    env: Any = gymnasium.make(_newest("Taxi"), is_rainy=rainy).unwrapped

    def touched(state: int, action: int, k: int) -> int:
        _, after, reward, _ = env.P[state][action][k]
        passenger, destination = env.decode(state)[2:]
        if reward == -10:
            return ILLEGAL
        set_down = action == SET_DOWN and passenger == IN_TAXI
        return 4 * destination + env.decode(after)[2] if set_down else NOTHING

    def mishap(state: int, action: int, row: Row) -> bool:
        astray = action == SET_DOWN and env.decode(state)[2] == IN_TAXI and not row[3]
        return row[2] == -10 or astray

    return Transitions.of_rows(
        env.P,
        start=env.initial_state_distrib,
        event=mishap,
        spot=touched,
        action_names=("south", "north", "east", "west", "pick up", "set down"),
    )


def _newest(name: str) -> str:
    """The id of the newest version of `name` that the installed Gymnasium has."""
    versions = [spec.version for spec in gymnasium.registry.values() if spec.name == name and spec.version is not None]
    return f"{name}-v{max(versions)}"
