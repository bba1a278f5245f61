"""Doors again, by dynamic programming over the answers heard: what the closed forms are checked with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from assent.planning.oracles.doors import answer_table, distribution
from assent.planning.oracles.exact import Number, chance, discounting, exact

Weights = tuple[Fraction, ...]


@dataclass(frozen=True)
class DoorProgram:
    """The doors as an optimal stopping problem, solved over beliefs that `answers` answers can lead to.

    Attributes:
        prior: probabilities of the doors.
        rate, eps, discount: as in assent.planning.oracles.doors.
        cost: at least 0.
        answers: at least 1; after so many answers the tree ends, once with "disable now" and once with "all is revealed, for nothing".

    Raises:
        ValueError: a value outside its range.
    """

    prior: Sequence[Number]
    rate: Number
    discount: Number
    cost: Number
    eps: Number = 0
    answers: int = 4
    _found: dict[tuple[Weights, int, bool], Fraction] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        distribution(self.prior)
        chance("rate", self.rate)
        chance("eps", self.eps)
        discounting(self.discount)
        if exact(self.cost) < 0:
            raise ValueError(f"cost = {self.cost} is below 0: an overseer does not pay to be heard.")
        if self.answers < 1:
            raise ValueError(f"answers = {self.answers}: keeping is judged by what at least 1 answer brings.")

    def advantage(self) -> tuple[Fraction, Fraction]:
        """Bounds on what keeping is worth more than disabling, after this step's signal; both are above 0 if keeping is right.

        >>> low, high = DoorProgram(prior=["0.5", "0.5"], rate=0.5, eps=0.2, discount=0.9, cost=1).advantage()
        >>> 0 < low <= high
        True
        """
        weight = distribution(self.prior)
        disabled = max(weight) / (1 - discounting(self.discount))
        low, high = (self._keeping(weight, self.answers, optimist=optimist) - disabled for optimist in (False, True))
        return low, high

    def _keeping(self, weight: Weights, answers: int, *, optimist: bool) -> Fraction:
        """The value of paying once more and then doing what is best."""
        gamma, rate = discounting(self.discount), chance("rate", self.rate)
        now = max(weight) - exact(self.cost)
        later = sum(
            (p * self._best(after, answers - 1, optimist=optimist) for p, after in self._heard(weight)), Fraction(0)
        )
        return now + gamma * ((1 - rate) * self._best(weight, answers, optimist=optimist) + rate * later)

    def _best(self, weight: Weights, answers: int, *, optimist: bool) -> Fraction:
        """The value of the better choice in a belief; without a sound the belief stays, so that keeping once is keeping on."""
        gamma, rate = discounting(self.discount), chance("rate", self.rate)
        disabled = max(weight) / (1 - gamma)
        if answers == 0:
            return 1 / (1 - gamma) if optimist else disabled
        key = (tuple(sorted(weight)), answers, optimist)
        if key not in self._found:
            later = sum(
                (p * self._best(after, answers - 1, optimist=optimist) for p, after in self._heard(weight)), Fraction(0)
            )
            kept = (max(weight) - exact(self.cost) + gamma * rate * later) / (1 - gamma * (1 - rate))
            self._found[key] = max(disabled, kept)
        return self._found[key]

    def _heard(self, weight: Weights) -> list[tuple[Fraction, Weights]]:
        """Each answer's chance and the belief after it."""
        table = answer_table(len(weight), self.eps)
        heard = []
        for shown in range(len(weight)):
            joint = [w * row[shown] for w, row in zip(weight, table, strict=True)]
            if total := sum(joint):
                heard.append((Fraction(total), tuple(value / total for value in joint)))
        return heard
