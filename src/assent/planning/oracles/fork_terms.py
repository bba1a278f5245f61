"""The fork with a button (W3): its rules in numbers, shared by the two oracles that solve it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from assent.planning.oracles.exact import Number, chance, discounting, exact

ACTIONS = ("left", "right", "up", "down", "stay")
MOVES: dict[str, tuple[str, str, str, str, str]] = {
    "x": ("L", "A", "x", "x", "x"),
    "A": ("x", "y", "A", "B", "A"),
    "y": ("A", "R", "y", "y", "y"),
    "B": ("B", "B", "A", "B", "B"),
}
"""Where each action leads from each cell: the row `L x A y R` with B below A."""


@dataclass(frozen=True)
class Fork:
    """Row `L x A y R`, B below A, start A. One door is right: entering it gives +1, the other -1, and either ends the life.

    In each step begun with the overseer, c is paid, and with chance `rate` the door-ward action of the cell (x, A or y) is shown first,
    the other way with chance `eps`. Entering B removes the overseer for ever.

    Attributes:
        prior: p in [0, 1], the chance that the right door is L.
        rate, eps, discount, cost: lambda, eps, gamma in (0, 1), c at least 0.

    Raises:
        ValueError: a value outside its range.
    """

    prior: Number
    rate: Number
    discount: Number
    cost: Number
    eps: Number = 0

    def __post_init__(self) -> None:
        for name in ("prior", "rate", "eps"):
            chance(name, getattr(self, name))
        discounting(self.discount)
        if exact(self.cost) < 0:
            raise ValueError(f"cost = {self.cost} is negative: it is what the overseer costs in a step.")

    def terms(self) -> tuple[Fraction, Fraction, Fraction, Fraction, Fraction]:
        """prior, rate, eps, discount, cost as fractions."""
        return exact(self.prior), exact(self.rate), exact(self.eps), exact(self.discount), exact(self.cost)

    def blind(self, cell: str, belief: Fraction) -> Fraction:
        """The value without an overseer: straight to the likelier door, or stay where both are equal (worth 0 either way)."""
        gamma = exact(self.discount)
        to_left = {"x": 0, "A": 1, "y": 2, "B": 2}[cell]
        to_right = {"x": 2, "A": 1, "y": 0, "B": 2}[cell]
        return max(gamma**to_left * (2 * belief - 1), gamma**to_right * (1 - 2 * belief))


@dataclass(frozen=True)
class ForkSolution:
    """What the fork is worth.

    Attributes:
        value: at the start, before the first signal.
        q: what each of ACTIONS is worth at the start after no signal, and the best plan after it.
    """

    value: Fraction
    q: tuple[Fraction, ...]

    def best(self) -> tuple[str, ...]:
        """The actions of greatest value at the start after no signal."""
        return tuple(action for action, value in zip(ACTIONS, self.q, strict=True) if value == max(self.q))
