"""How good forecasts were: scores of single ones, and how often things happened that were said to be likely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from statistics import NormalDist

LEAST = 5
"""Forecasts in a bin of the calibration, where there are that many."""


def as_probability(value: object) -> float:
    """`value` as a float in [0, 1]: what can be scored.

    Args:
        value: a real number of any kind; True and False are none.

    Raises:
        ValueError: it is no number, or not in [0, 1].

    >>> as_probability(1)
    1.0
    """
    number = math.nan
    if isinstance(value, Real) and not isinstance(value, bool):
        with suppress(OverflowError):  # a whole number beyond the largest float
            number = float(value)
    if not 0 <= number <= 1:
        raise ValueError(f"The probability of a forecast is {value!r}; it must be a number in [0, 1], such as 0.3.")
    return number


def brier(probability: float, outcome: bool) -> float:
    """Squared distance of the probability from what happened, in [0, 1]; less is better (Brier 1950).

    >>> round(brier(16 / 379, False), 8)
    0.00178222
    """
    return (as_probability(probability) - float(outcome)) ** 2


def log_score(probability: float, outcome: bool) -> float:
    """ln of the probability that was given to what happened: 0 at best, minus infinity for what was ruled out (Good 1952).

    >>> round(log_score(16 / 379, False), 7)
    -0.0431334
    """
    given = as_probability(probability)
    if outcome:
        return math.log(given) if given > 0 else -math.inf
    return math.log1p(-given) if given < 1 else -math.inf


def baseline_score(probability: float, outcome: bool) -> float:
    """Metaculus's baseline score of a yes-or-no question: 100 at best, 0 for one half, minus infinity for what was ruled out.

    `100 * (1 + log2 p)` of the probability of what happened (Metaculus, "Scores FAQ").

    >>> round(baseline_score(16 / 379, False), 4), round(baseline_score(16 / 379, True), 3)
    (93.7772, -356.605)
    """
    return 100.0 * (1.0 + log_score(probability, outcome) / math.log(2.0))


def peer_score(probability: float, outcome: bool, others: Sequence[float]) -> float:
    """How much better than others on the same question: 100 times the mean difference of log scores (Metaculus, "Scores FAQ").

    Args:
        others: their probabilities, at least one.

    Raises:
        ValueError: nobody to compare with.

    >>> round(peer_score(0.9, True, [0.5, 0.5]), 4)
    58.7787
    """
    if not others:
        raise ValueError("There are no other forecasts; a peer score needs at least one on the same question.")
    mine = log_score(probability, outcome)
    theirs = [log_score(other, outcome) for other in others]
    if math.isinf(mine):
        return 0.0 if all(map(math.isinf, theirs)) else -math.inf
    return 100.0 * sum(mine - other for other in theirs) / len(theirs)


@dataclass(frozen=True)
class Bin:
    """Forecasts of about the same probability.

    Attributes:
        mean: of their probabilities.
        frequency: share of them that happened.
        low, high: 95 % Wilson interval of the frequency.
        number: how many.
    """

    mean: float
    frequency: float
    low: float
    high: float
    number: int


def calibration(probabilities: Sequence[float], outcomes: Sequence[bool], *, bins: int = 10) -> tuple[Bin, ...]:
    """Forecasts in bins of about as many each, from the least probable up: how often those happened.

    Equal probabilities share a bin. A bin holds at least five forecasts, where there are five at all: of fewer, how often they happened
    says nothing. So there may be fewer bins than asked for.

    Args:
        probabilities: what was said, each in [0, 1].
        outcomes: whether it happened, one for each.
        bins: at most so many, 1 or more.

    Raises:
        ValueError: another number of outcomes than of probabilities, or no bin.

    >>> [(one.number, one.frequency) for one in calibration([0.1] * 5 + [0.9] * 6, [False] * 5 + [True] * 6)]
    [(5, 0.0), (6, 1.0)]
    """
    if len(probabilities) != len(outcomes):
        raise ValueError(
            f"There are {len(probabilities)} probabilities and {len(outcomes)} outcomes; give one of each a forecast."
        )
    if bins < 1:
        raise ValueError(f"The number of bins is {bins}; give 1 or more.")
    pairs = sorted(zip(map(as_probability, probabilities), map(bool, outcomes), strict=True))
    edges = _edges([p for p, _ in pairs], bins) if pairs else []
    return tuple(_bin(pairs[start:end]) for start, end in pairwise(edges))


def _edges(ordered: Sequence[float], bins: int) -> list[int]:
    """Where bins begin and end: where the probability changes, as near as that is to parts of one size, and no closer than `LEAST`."""
    total = len(ordered)
    bins = max(min(bins, total // LEAST), 1)
    changes = [place for place in range(LEAST, total - LEAST + 1) if ordered[place - 1] < ordered[place]]
    edges = [0]
    for number in range(1, bins):
        due = total * number // bins
        free = [place for place in changes if place >= edges[-1] + LEAST]
        if free and due > edges[-1]:
            edges.append(min(free, key=lambda place: abs(place - due)))
    return [*edges, total]


def _bin(inside: Sequence[tuple[float, bool]]) -> Bin:
    number, happened = len(inside), sum(outcome for _, outcome in inside)
    return Bin(math.fsum(p for p, _ in inside) / number, happened / number, *wilson(happened, number), number)


def wilson(successes: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval for a probability: lower and upper end, in [0, 1].

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927. Without trials it is [0, 1].

    Raises:
        ValueError: `successes` outside 0 … `total`, or `level` outside (0, 1).

    >>> [round(end, 4) for end in wilson(0, 200)]
    [0.0, 0.0188]
    """
    if not 0 <= successes <= total or not 0 < level < 1:
        raise ValueError(f"{successes} of {total} at level {level}: give 0 <= successes <= total and 0 < level < 1.")
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    part, room = successes / total, z * z / total
    middle = part + room / 2
    spread = z * math.sqrt(part * (1 - part) / total + room / (4 * total))
    # exact at the ends, where rounding would leave a remainder
    low = 0.0 if successes == 0 else (middle - spread) / (1 + room)
    high = 1.0 if successes == total else (middle + spread) / (1 + room)
    return low, high
