"""pits: a yard with a stack and depots between pits that nobody leaves, in one life without an end or a second start."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assent.planning.near_optimal import sure_states
from assent.planning.transitions import NOTHING, Transitions

TURNS = np.asarray([(-1, 0), (0, 1), (1, 0), (0, -1)])
"""Up, right, down, left as (rows, columns)."""

NUM_DEPOTS = 4


def pits(seed: int, *, size: int = 9, num_pits: int = 8, slip: float = 0.1) -> Transitions:
    """A yard of `size` by `size` cells: who walks into the stack without a load takes one, who walks into a depot loaded leaves it there.

    State: the cell, and whether there is a load (the second half of the states). Actions: up, right, down, left; each slips to either
    side with chance `slip`, and a wall keeps everybody in. No step ends anything. A pit is for ever: in it no action does anything, and
    stepping into it is the one event. What is to be done is to carry loads to depot 0.

    First cell, stack and depots are drawn; then pits are dug in cells drawn one after the other, wherever each depot can still be
    served for ever without a risk (`assent.planning.near_optimal.sure_states`). Spots: the cell that is walked into; `size * size + d`
    where a load is left at depot d.

    Args:
        seed: of the yard.
        size: at least 4.
        num_pits: at least 1.
        slip: in [0, 0.5].

    Raises:
        ValueError: a number out of its range, or no room for so many pits.

    >>> yard = pits(0)
    >>> yard.num_states, len(pit_cells(yard)), bool(yard.end.any())
    (162, 8, False)
    """
    if size < 4 or num_pits < 1 or not 0 <= slip <= 0.5:
        raise ValueError(
            f"size = {size}, num_pits = {num_pits}, slip = {slip}: give size >= 4, a pit at least, and slip in [0, 0.5]."
        )
    start, stack, *others = np.random.default_rng([seed, 7]).permutation(size**2).tolist()
    depots, ground, dug = others[:NUM_DEPOTS], others[NUM_DEPOTS:], list[int]()
    for cell in ground:
        yard = _yard(size, stack, depots, [*dug, cell], start=start, slip=slip)
        if _served(yard, [*dug, cell]):
            dug.append(cell)
        if len(dug) == num_pits:
            return _yard(size, stack, depots, dug, start=start, slip=slip)
    raise ValueError(
        f"in a yard of {size} by {size} cells there is room for {len(dug)} of {num_pits} pits before a depot is cut off: give fewer."
    )


def pit_cells(yard: Transitions) -> tuple[int, ...]:
    """The cells that are pits, in order."""
    return tuple(np.unique(yard.spot[yard.event]).tolist())


def depot_spot(yard: Transitions, depot: int) -> int:
    """The spot of a load left at `depot`."""
    return yard.num_states // 2 + depot


def _yard(size: int, stack: int, depots: list[int], dug: list[int], *, start: int, slip: float) -> Transitions:
    cells = size**2
    cell = np.tile(np.arange(cells), 2)
    loaded = (np.arange(2 * cells) >= cells)[:, None, None]
    turn = TURNS[(np.arange(4)[:, None] + [0, -1, 1]) % 4]
    walked = np.clip(np.stack(np.divmod(cell, size), axis=1)[:, None, None] + turn, 0, size - 1)
    entered = walked[..., 0] * size + walked[..., 1]
    left = loaded & np.isin(entered, depots)
    carried = (loaded & ~left) | (~loaded & (entered == stack))
    stuck = np.isin(cell, dug)[:, None, None]
    number = np.zeros(cells, dtype=np.int64)
    number[depots] = np.arange(NUM_DEPOTS)
    shape = entered.shape
    return Transitions(
        chance=np.broadcast_to([1 - 2 * slip, slip, slip], shape).copy(),
        successor=np.where(stuck, np.arange(2 * cells)[:, None, None], entered + cells * carried),
        reward=np.where(stuck, 0.0, 1.0 * (left & (entered == depots[0]))),
        event=~stuck & np.isin(entered, dug),
        goal=~stuck & left & (entered == depots[0]),
        end=np.zeros(shape, dtype=bool),
        start=(np.arange(2 * cells) == start).astype(np.float64),
        spot=np.where(stuck, NOTHING, np.where(left, cells + number[entered], entered)),
        action_names=("up", "right", "down", "left"),
    )


def _served(yard: Transitions, dug: list[int]) -> bool:
    """Whether each depot can be served from the start on, for ever and without a risk."""
    goal = np.stack([yard.spot == depot_spot(yard, depot) for depot in range(NUM_DEPOTS)], axis=3)
    hazard: NDArray[np.bool_] = np.broadcast_to(np.isin(yard.spot, dug)[..., None], goal.shape)
    return bool(sure_states(yard, goal, hazard)[yard.start > 0].all())
