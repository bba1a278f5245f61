"""Transitions: a finite world outcome by outcome, with what is to be counted in it. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from assent.planning.model import check_chances

Row: TypeAlias = tuple[Any, Any, Any, Any]
"""One outcome as Gymnasium's toy worlds list it: its chance, the next state, the reward, and whether the episode ends."""

NOTHING = -1
"""The spot of an outcome that touches nothing a reward could be about."""


@dataclass(frozen=True, eq=False)
class Transitions:
    """What each action may lead to: S states, A actions, at most K outcomes; an outcome of chance 0 is none.

    Attributes:
        chance: float64 [S, A, K], each row sums to 1.
        successor: integer [S, A, K], states. Where an episode ends, the state that it ends in.
        reward: float64 [S, A, K].
        event: boolean [S, A, K], a mishap that is counted: a fall, a hole, a passenger in the wrong place.
        goal: boolean [S, A, K], what was to be done is done.
        end: boolean [S, A, K], the episode ends.
        start: float64 [S], the chances of the first state; they sum to 1.
        spot: integer [S, A, K], what the outcome touches: in a grid the cell that is walked into, though one be sent back from it at
            once. What rewards may depend on, besides nothing (-1).
        action_names: for people.

    Raises:
        ValueError: shapes that do not fit, chances that are none, a successor that is no state, a reward that is not finite.

    >>> coin = Transitions.of_rows([[[(0.5, 0, 0.0, False), (0.5, 1, 1.0, True)]], [[(1.0, 1, 0.0, True)]]], start=[1, 0])
    >>> coin.num_states, coin.num_actions, coin.chance[1, 0].tolist()
    (2, 1, [1.0, 0.0])
    """

    chance: np.ndarray
    successor: np.ndarray
    reward: np.ndarray
    event: np.ndarray
    goal: np.ndarray
    end: np.ndarray
    start: np.ndarray
    spot: np.ndarray
    action_names: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.successor.ndim != 3 or 0 in self.successor.shape:
            raise ValueError(
                f"successor has shape {self.successor.shape}; it must be [S, A, K] with at least one of each."
            )
        for name in ("chance", "reward", "event", "goal", "end", "spot"):
            if getattr(self, name).shape != self.successor.shape:
                raise ValueError(
                    f"{name} has shape {getattr(self, name).shape}, but successor {self.successor.shape}: give one for each outcome."
                )
        check_chances(self.successor, self.chance, np.zeros(self.num_states, dtype=bool))
        if not np.isfinite(self.reward).all():
            raise ValueError("a reward is not a finite number.")
        bad = self.start.shape != (self.num_states,) or self.start.min() < 0 or abs(self.start.sum() - 1) > 1e-9
        if bad:
            raise ValueError(
                f"start has shape {self.start.shape} and sums to {self.start.sum()}: give [S] = [{self.num_states}] chances that sum to 1."
            )
        if self.action_names and len(self.action_names) != self.num_actions:
            raise ValueError(f"{len(self.action_names)} names for {self.num_actions} actions: give one for each.")

    @classmethod
    def of_rows(
        cls,
        rows: Any,
        *,
        start: Sequence[float] | np.ndarray,
        event: Callable[[int, int, Row], bool] = lambda state, action, row: False,
        goal: Callable[[int, int, Row], bool] = lambda state, action, row: row[3],
        spot: Callable[[int, int, int], int] | None = None,
        action_names: tuple[str, ...] = (),
    ) -> Transitions:
        """The tables of `rows[state][action]`, lists of outcomes (`Row`) by number, as Gymnasium's `env.unwrapped.P` has them.

        Args:
            event: whether an outcome of (state, action) is a mishap.
            goal: whether it is what was to be done; the end of the episode when left out.
            spot: what outcome k of (state, action) touches; the next state when left out.

        Raises:
            ValueError: as the constructor.
        """
        states, actions = len(rows), len(rows[0])
        outcomes = max(len(rows[state][action]) for state in range(states) for action in range(actions))
        shape = (states, actions, outcomes)
        chance, reward = np.zeros(shape), np.zeros(shape)
        happens, done, end = (np.zeros(shape, dtype=bool) for _ in range(3))
        successor = np.broadcast_to(np.arange(states)[:, None, None], shape).copy()
        touched = np.full(shape, NOTHING)
        for state, action, k in np.ndindex(shape):
            if k >= len(rows[state][action]):
                continue
            row = rows[state][action][k]
            at = (state, action, k)
            chance[at], successor[at], reward[at], end[at] = row
            happens[at], done[at] = event(state, action, row), goal(state, action, row)
            touched[at] = row[1] if spot is None else spot(state, action, k)
        first = np.asarray(start, dtype=np.float64)
        return cls(chance, successor, reward, happens, done, end, first, touched, action_names)

    @property
    def num_states(self) -> int:
        return self.successor.shape[0]

    @property
    def num_actions(self) -> int:
        return self.successor.shape[1]

    @property
    def possible(self) -> np.ndarray:
        """Boolean [S, A, K]: outcomes with a chance above 0."""
        return np.asarray(self.chance > 0)

    @property
    def risky(self) -> np.ndarray:
        """Boolean [S, A]: actions of which some possible outcome is a mishap."""
        return np.asarray((self.event & self.possible).any(axis=2))

    def worst_cost(self, *, mishap: float = 1.0) -> np.ndarray:
        """Float64 [S, A], what each action may cost at once at worst: `mishap` where some possible outcome is one, else 0.

        The declaration that `assent.core.Stakes` wants, in the world's own words. What a later step costs is declared of that step.

        Raises:
            ValueError: a mishap that costs nothing, or no number.

        >>> rows = [[[(0.5, 0, 0.0, False), (0.5, 0, -9.0, True)], [(1.0, 0, 0.0, False)]]]
        >>> Transitions.of_rows(rows, start=[1], event=lambda state, action, row: row[2] < 0).worst_cost(mishap=3.0)
        array([[3., 0.]])
        """
        if not 0 < mishap < np.inf:
            raise ValueError(f"mishap = {mishap}: say what one costs, above 0 and finite, in the unit of your budgets.")
        return np.where(self.risky, float(mishap), 0.0)

    def episode(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Successor [S + 1, A, K], chance [S + 1, A, K] and terminal [S + 1], as the solvers want them.

        State S is "over": every outcome that ends the episode leads there, and nothing more is gained.
        """
        over = self.num_states
        rest = np.full((1, *self.successor.shape[1:]), over)
        sure = np.zeros((1, *self.chance.shape[1:]))
        sure[:, :, 0] = 1.0
        successor = np.concatenate([np.where(self.end, over, self.successor), rest])
        terminal = np.arange(over + 1) == over
        return successor, np.concatenate([self.chance, sure]), terminal

    def expected(self, value: np.ndarray) -> np.ndarray:
        """The expectation of `value` [S, A, K, ...] over the outcomes, [S, A, ...]."""
        return (self.chance.reshape(self.chance.shape + (1,) * (value.ndim - 3)) * value).sum(axis=2)
