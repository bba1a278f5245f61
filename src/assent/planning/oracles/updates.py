"""Bayes' rule over finitely many rewards in fractions; evidence of 0 is an error, never a renormalisation (C10, C12)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from assent.planning.oracles.exact import Number, chance, exact


class ZeroEvidence(ValueError):
    """What was observed is impossible under every reward that the belief holds possible."""


def posterior(prior: Sequence[Number], likelihood: Sequence[Number]) -> tuple[Fraction, ...]:
    """The belief after one observation.

    Args:
        prior: probabilities, summing to 1.
        likelihood: the chance of the observation under each hypothesis, in [0, 1].

    Raises:
        ZeroEvidence: prior times likelihood is 0 everywhere.
        ValueError: a prior that is none, or a likelihood outside [0, 1].

    >>> posterior(["1/2", "1/2"], ["1", "1/2"])
    (Fraction(2, 3), Fraction(1, 3))
    """
    weight = [exact(value) for value in prior]
    if not weight or min(weight) < 0 or sum(weight) != 1:
        raise ValueError(f"{list(prior)} is no distribution: give chances that sum to 1.")
    joint = [w * chance("likelihood", value) for w, value in zip(weight, likelihood, strict=True)]
    evidence = sum(joint, Fraction(0))
    if evidence == 0:
        raise ZeroEvidence(
            "the observation has probability 0 under every reward with a prior above 0, so there is no posterior. The model "
            "of the overseer or the prior is wrong: allow for errors (eps above 0), or for a reward that is not in the list."
        )
    return tuple(value / evidence for value in joint)


def answer_likelihood(optimal: Sequence[bool], shown: int, *, eps: Number = 0) -> Fraction:
    """The chance that action `shown` is shown where the actions `optimal` are meant with equal chance (uniform ties).

    With chance `eps` the answer is wrong: any other action than the one meant, evenly.

    Raises:
        ValueError: nothing optimal, or eps outside [0, 1].

    >>> answer_likelihood([True, True, False], 0), answer_likelihood([True, True, False], 2, eps="0.2")
    (Fraction(1, 2), Fraction(1, 10))
    """
    ties = sum(optimal)
    if not ties:
        raise ValueError("no action is optimal; in a finite world at least one is.")
    right = Fraction(1, ties) if optimal[shown] else Fraction(0)
    if len(optimal) == 1:
        return right
    wrong = chance("eps", eps)
    return (1 - wrong) * right + wrong * (1 - right) / (len(optimal) - 1)


def set_likelihood(optimal: Sequence[bool], shown: int) -> int:
    """1 for each optimal action: the set rule. No distribution where there are ties: a reward under which all is optimal never pays.

    >>> set_likelihood([True, True, False], 1)
    1
    """
    return int(optimal[shown])
