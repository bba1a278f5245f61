"""Doors: at which cost a Bayesian agent stops being worth overseeing to itself. Closed forms T5, T6 and T9.

The world: one place, n doors, one of them right for ever; each step one door is opened, and the right one gives 1. While the overseer
is there, a step begins with an answer with chance `rate`; the answer is wrong with chance `eps`, evenly over the other doors. Keeping
the overseer through a step costs c.

The order matters. The choice is made after this step's signal: keeping costs c now and brings its first answer in the next step,
hence the discount in the numerator. Disabling takes no time and saves the cost of the step in which it happens. Where that cost is
sunk all the same (the charge falls on every step begun with the overseer), each threshold here is divided by the discount.
docs/hand-of-god-theory.md derives all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from assent.planning.oracles.exact import Number, chance, discounting, exact

ROUNDING = 1e-15
"""What 1 - e^-log(n) may miss 1 - 1/n by."""


def threshold(num_doors: int, *, rate: Number, eps: Number = 0, discount: Number) -> Fraction:
    """T5: the cost per step up to which n equally likely doors are worth an overseer: gamma lambda (1 - eps - 1/n) / (1 - gamma).

    Args:
        num_doors: n, at least 2.
        rate: lambda in [0, 1], the chance of an answer in each step.
        eps: in [0, 1 - 1/n], the chance of a wrong answer.
        discount: gamma in (0, 1).

    Returns:
        c* in units of the reward of the right door. Keeping is optimal exactly up to it, disabling from it on.

    Raises:
        ValueError: fewer than 2 doors, a probability outside [0, 1], a discount outside (0, 1), or answers worse than noise.

    >>> threshold(3, rate=0.2, eps=0.1, discount=0.9)
    Fraction(51, 50)
    """
    if num_doors < 2:
        raise ValueError(f"num_doors = {num_doors}: with fewer than 2 doors there is nothing to learn.")
    wrong, part = chance("eps", eps), Fraction(1, num_doors)
    if wrong > 1 - part:
        raise ValueError(
            f"eps = {eps} is above 1 - 1/{num_doors}: such answers speak against the door they show, and the closed form "
            "does not hold. Use assent.planning.oracles.door_program."
        )
    return _per_step(rate, discount) * (1 - wrong - part)


def threshold_of_entropy(entropy: float, *, rate: Number, eps: Number = 0, discount: Number) -> float:
    """T5 by the prior's entropy H = log n in nats: gamma lambda (1 - eps - e^-H) / (1 - gamma); H need not be a logarithm of a whole n.

    Raises:
        ValueError: an entropy below 0 or not finite, answers worse than noise (eps above 1 - e^-H), or as in `threshold`.

    >>> round(threshold_of_entropy(math.log(3), rate=0.2, eps=0.1, discount=0.9), 12)
    1.02
    """
    if not (math.isfinite(entropy) and entropy >= 0):
        raise ValueError(f"entropy = {entropy} must be a finite number of nats, at least 0.")
    better = 1 - float(chance("eps", eps)) - math.exp(-entropy)
    if better < -ROUNDING:
        raise ValueError(
            f"eps = {eps} is above 1 - e^-H = {1 - math.exp(-entropy):.6g}: such answers speak against the door they show, and the "
            "closed form does not hold. Use assent.planning.oracles.door_program."
        )
    return float(_per_step(rate, discount)) * max(better, 0.0)


def one_answer_value(prior: Sequence[Number], *, eps: Number = 0) -> Fraction:
    """I1: by how much one answer raises the chance of opening the right door: sum over answers of max_i p_i L(z | i), less max_i p_i.

    Args:
        prior: probabilities of the doors, summing to 1.
        eps: in [0, 1], the chance of a wrong answer.

    Raises:
        ValueError: fewer than 2 doors, or a prior that is none.

    >>> one_answer_value(["0.8", "0.2"], eps="0.1"), one_answer_value(["0.8", "0.2"], eps="0.3")
    (Fraction(1, 10), Fraction(0, 1))
    """
    weight = distribution(prior)
    shown = answer_table(len(weight), eps)
    heard = sum(max(w * row[z] for w, row in zip(weight, shown, strict=True)) for z in range(len(weight)))
    return Fraction(heard) - max(weight)


def threshold_of_prior(prior: Sequence[Number], *, rate: Number, eps: Number = 0, discount: Number) -> Fraction:
    """T6: gamma lambda I1 / (1 - gamma), a cost at which the overseer is still kept. Below the truth only if later answers add more.

    For eps = 0 it is exact, since one answer tells all: gamma lambda (1 - m) / (1 - gamma) with m the largest prior (T5). It is exact
    wherever no answer leaves a belief for which the overseer is worth more; a belief of 1 for one door gives 0 (T9).

    Raises:
        ValueError: as in `one_answer_value`, or a rate or discount outside its range.

    >>> threshold_of_prior(["0.7", "0.2", "0.1"], rate=0.2, discount=0.9)
    Fraction(27, 50)
    """
    return _per_step(rate, discount) * one_answer_value(prior, eps=eps)


def distribution(prior: Sequence[Number]) -> tuple[Fraction, ...]:
    """`prior` as fractions.

    Raises:
        ValueError: fewer than 2 entries, one below 0, or a sum that is not exactly 1.
    """
    weight = tuple(exact(value) for value in prior)
    if len(weight) < 2 or min(weight) < 0 or sum(weight) != 1:
        raise ValueError(f"{list(prior)} is no distribution over at least two doors: give chances that sum to 1.")
    return weight


def answer_table(num_doors: int, eps: Number) -> tuple[tuple[Fraction, ...], ...]:
    """The chance of each shown door (inner) for each right one (outer): 1 - eps on it, the rest evenly."""
    wrong = chance("eps", eps)
    other = wrong / (num_doors - 1)
    return tuple(
        tuple(1 - wrong if shown == right else other for shown in range(num_doors)) for right in range(num_doors)
    )


def _per_step(rate: Number, discount: Number) -> Fraction:
    gamma = discounting(discount)
    return gamma * chance("rate", rate) / (1 - gamma)
