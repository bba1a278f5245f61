"""What so many answers ahead are worth on the two noisy doors: why looking one answer ahead disables too early."""

from __future__ import annotations

from fractions import Fraction

from assent.planning.oracles.exact import chance, discounting
from assent.planning.oracles.lattice import NoisyDoors


def value_of_answers(doors: NoisyDoors, net: int, answers: int) -> Fraction:
    """By how much `answers` more answers raise the chance of opening the right door, at a net count of `net`.

    One answer is worth exactly 0 at any net count but 0: at |k| = 1 a contrary one only returns to a tie, farther out it does not even
    change the door.

    >>> doors = NoisyDoors(rate=0.5, eps=0.2, discount=0.9)
    >>> [value_of_answers(doors, 1, answers) for answers in (1, 2, 3)]
    [Fraction(0, 1), Fraction(12, 125), Fraction(12, 125)]
    """
    chances = {net: Fraction(1)}
    for _ in range(answers):
        chances = _walked(doors, chances, rate=Fraction(1))
    return _opened(doors, chances) - doors.confidence(abs(net))


def threshold_of_steps(doors: NoisyDoors, net: int, steps: int) -> Fraction:
    """The cost up to which it pays to keep the overseer for exactly `steps` more steps and disable it then.

    With one step it is the bound T6. The largest over `steps` is still below c*(k): the best plan listens before it decides to stop.

    Raises:
        ValueError: no step at all.

    >>> doors = NoisyDoors(rate=0.5, eps=0.2, discount=0.9)
    >>> threshold_of_steps(doors, 0, 1), threshold_of_steps(doors, 1, 1)
    (Fraction(27, 20), Fraction(0, 1))
    """
    if steps < 1:
        raise ValueError(f"steps = {steps}: keeping the overseer takes at least one step.")
    gamma, rate = discounting(doors.discount), chance("rate", doors.rate)
    chances, earned, paid, factor = {net: Fraction(1)}, Fraction(0), Fraction(0), Fraction(1)
    for _ in range(steps):
        earned += factor * _opened(doors, chances)
        paid += factor
        factor *= gamma
        chances = _walked(doors, chances, rate=rate)
    earned += factor * _opened(doors, chances) / (1 - gamma)
    return (earned - doors.confidence(abs(net)) / (1 - gamma)) / paid


def _opened(doors: NoisyDoors, chances: dict[int, Fraction]) -> Fraction:
    return sum((weight * doors.confidence(abs(net)) for net, weight in chances.items()), Fraction(0))


def _walked(doors: NoisyDoors, chances: dict[int, Fraction], *, rate: Fraction) -> dict[int, Fraction]:
    after: dict[int, Fraction] = {}
    for net, weight in chances.items():
        up = doors.up(net)
        for target, part in ((net, 1 - rate), (net + 1, rate * up), (net - 1, rate * (1 - up))):
            after[target] = after.get(target, Fraction(0)) + weight * part
    return after
