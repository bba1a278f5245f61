"""Model: a finite world with an overseer in it, and no reward."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SUM_SLACK = 1e-9
"""How far the chances of one row may be from 1 in sum: rounding of up to some thousand float64 additions."""

MAX_STATES = 10_000
"""Tables beyond this are refused: solvers hold [S, A, K] and [S, N] arrays."""


@dataclass(frozen=True, eq=False)
class Model:
    """A finite world with an overseer in it, and no reward: S states, A actions, at most K successors, P places.

    A state is a place (what rewards depend on, and what corrections are about) together with a mode (what has become of the
    overseer: 0 as at the start; others after it was disabled, weakened, restored …). Each pair of both occurs at most once. Terminal
    states are absorbing and give nothing. The first `num_places` states are those of mode 0, in the order of their places.

    Attributes:
        successor: integer [S, A, K], states.
        chance: float64 [S, A, K], each row sums to 1.
        terminal: boolean [S].
        discount: in (0, 1]; 1 only where every policy ends.
        place: integer [S], the place of each state; also the number of its twin, the state of mode 0 in the same place.
        mode: integer [S], 0 while nothing has been done to the overseer.
        rate: float64 [S] in [0, 1], the chance of a correction in a step begun there (lambda, where the overseer can be heard).
        cost: float64 [S, A] at least 0, what oversight costs in a step in which the action is done there: c for every action while the
            overseer is present ("per step begun"), 0 for one that sends it away at once where that saves this step's cost already.
        kept: boolean [S], whether the overseer is still there as at the start. A verdict is about leaving these states.
        answerable: boolean [P, A], the actions that an overseer may show; at least one in each place that is not terminal.
        start: the first state.
        state_names, action_names: for people.

    Raises:
        ValueError: shapes that do not fit, chances that do not sum to 1, or anything else that cannot be a world.
    """

    successor: np.ndarray
    chance: np.ndarray
    terminal: np.ndarray
    discount: float
    place: np.ndarray
    mode: np.ndarray
    rate: np.ndarray
    cost: np.ndarray
    kept: np.ndarray
    answerable: np.ndarray
    start: int = 0
    state_names: tuple[str, ...] = field(default=())
    action_names: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        _check_shapes(self)
        _check_numbers(self)

    @property
    def num_states(self) -> int:
        return self.successor.shape[0]

    @property
    def num_actions(self) -> int:
        return self.successor.shape[1]

    @property
    def num_places(self) -> int:
        return self.answerable.shape[0]

    def expected(self, value: np.ndarray) -> np.ndarray:
        """The expectation of `value` [S, ...] at the next state: [S, A, ...]."""
        weights = self.chance.reshape(self.chance.shape + (1,) * (value.ndim - 1))
        return (weights * value[self.successor]).sum(axis=2)


def _check_shapes(model: Model) -> None:
    if model.successor.ndim != 3:
        raise ValueError(f"successor has shape {model.successor.shape}; it must be [S, A, K].")
    num_states, num_actions, _ = model.successor.shape
    if not 1 <= num_states <= MAX_STATES:
        raise ValueError(f"the world has {num_states:,} states, flags included; 1 to {MAX_STATES:,} can be tabulated.")
    num_places = model.answerable.shape[0]
    wanted = {
        "chance": model.successor.shape,
        **dict.fromkeys(("terminal", "place", "mode", "rate", "kept"), (num_states,)),
        "cost": (num_states, num_actions),
        "answerable": (num_places, num_actions),
    }
    for name, shape in wanted.items():
        found = getattr(model, name).shape
        if found != shape:
            raise ValueError(f"{name} has shape {found}, but successor {model.successor.shape} wants {shape}.")
    if not np.array_equal(model.place[:num_places], np.arange(num_places)) or model.mode[:num_places].any():
        raise ValueError(
            "the first states must be the places in order, in mode 0: so a place is the number of its first state."
        )
    if model.place.min() < 0 or model.place.max() >= num_places:
        raise ValueError(f"places run from 0 to {num_places - 1}, but one is {model.place.max()} or below 0.")
    pairs = np.stack([model.place, model.mode], axis=1)
    if len(np.unique(pairs, axis=0)) != num_states:
        raise ValueError("two states have the same place and mode.")


def _check_numbers(model: Model) -> None:
    check_chances(model.successor, model.chance, np.zeros(model.num_states, dtype=bool))
    if not 0 < model.discount <= 1:
        raise ValueError(f"discount = {model.discount} is outside (0, 1].")
    if not (np.isfinite(model.rate).all() and model.rate.min() >= 0 and model.rate.max() <= 1):
        raise ValueError("a rate of corrections is outside [0, 1].")
    if not np.isfinite(model.cost).all() or model.cost.min() < 0:
        raise ValueError("a cost of oversight is negative or not finite.")
    if not 0 <= model.start < model.num_states:
        raise ValueError(f"start = {model.start} is no state; states run from 0 to {model.num_states - 1}.")
    mute = ~model.answerable.any(axis=1) & ~model.terminal[: model.num_places]
    if mute.any():
        raise ValueError(f"place {int(mute.argmax())} is not terminal, yet no action may be shown there.")
    if model.discount == 1 and not every_policy_ends(model.successor, model.chance, model.terminal):
        raise ValueError(
            "discount = 1, and some policy never ends: its values are not finite. Give a discount below 1, or a horizon."
        )


def check_chances(successor: np.ndarray, chance: np.ndarray, ended: np.ndarray) -> None:
    """Refuse successors that are no states and chances that are none; rows of `ended` states [S] need not sum to 1.

    Raises:
        ValueError: the first of these that was found.
    """
    num_states = len(successor)
    if successor.min() < 0 or successor.max() >= num_states:
        wrong = successor.min() if successor.min() < 0 else successor.max()
        raise ValueError(f"a successor is {wrong}; states run from 0 to {num_states - 1}.")
    if not np.isfinite(chance).all() or chance.min() < 0:
        raise ValueError("a chance is negative or not finite.")
    off = np.where(ended[:, None], 0.0, np.abs(chance.sum(axis=2) - 1))
    rounding = 8 * chance.shape[2] * float(np.finfo(chance.dtype).eps) if chance.dtype.kind == "f" else 0.0
    if off.max() > max(SUM_SLACK, rounding):
        state, action = np.unravel_index(off.argmax(), off.shape)
        total = chance[state, action].sum()
        raise ValueError(f"the chances of state {state}, action {action} sum to {total}, not to 1.")


def every_policy_ends(successor: np.ndarray, chance: np.ndarray, terminal: np.ndarray) -> bool:
    """Whether a terminal state is reached under every policy: no set of states can be stayed in for ever.

    Args:
        successor: integer [S, A, K].
        chance: [S, A, K].
        terminal: boolean [S].
    """
    staying = ~terminal
    possible = chance > 0
    while True:
        # an action keeps inside if all of its possible successors do
        inside = np.where(possible, staying[successor], True).min(axis=2).max(axis=1)
        remaining = staying & inside
        if np.array_equal(remaining, staying):
            return not staying.any()
        staying = remaining
