"""Measures of studies: intervals, boundaries, half-lives, calibration. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from assent.forecast.score import wilson as wilson


def boundary_error(measured: float, theory: float) -> float:
    """`|measured - theory| / |theory|`; `|measured|` where theory is 0, so that what refutes it is a number that can be stored.

    >>> boundary_error(0.99, 1.0), boundary_error(0.25, 0.0)
    (0.010000000000000009, 0.25)
    """
    return abs(measured - theory) / (abs(theory) or 1.0)


def crossing(keeps: Callable[[float], bool], low: float, high: float, *, rel: float) -> float:
    """Where a decision that holds at `low` and not at `high` changes, by bisection to `rel` times the place.

    Raises:
        ValueError: it does not hold at `low`, or it holds at `high`: no change is bracketed.

    >>> round(crossing(lambda cost: cost < 0.25, 0.0, 1.0, rel=1e-9), 6)
    0.25
    """
    if not keeps(low) or keeps(high):
        raise ValueError(f"the decision is {keeps(low)} at {low} and {keeps(high)} at {high}: no change lies between.")
    while True:
        middle = (low + high) / 2
        if high - low <= rel * abs(middle) or middle in (low, high):
            return middle
        low, high = (middle, high) if keeps(middle) else (low, middle)


def turning(keeps: Callable[[float], bool], low: float, high: float, *, rel: float) -> float:
    """As `crossing`, and where nothing changes between the ends, the end: `low` if it never holds, `high` if it always does.

    >>> turning(lambda cost: True, 0.1, 1.0, rel=1e-9), turning(lambda cost: False, 0.1, 1.0, rel=1e-9)
    (1.0, 0.1)
    """
    if not keeps(low):
        return low
    return high if keeps(high) else crossing(keeps, low, high, rel=rel)


def half_life(age: Sequence[int], share: Sequence[float]) -> float:
    """The first age (corrections received) at which at least half have disabled their overseer; infinite if none is.

    `share` are the shares that have disabled by each age, ages ascending.
    """
    return next((float(a) for a, part in zip(age, share, strict=True) if part >= 0.5), math.inf)


def brier(probability: np.ndarray, happened: np.ndarray) -> float:
    """Mean squared distance of probabilities [N] from what happened, 0 or 1 [N] (G. W. Brier, 1950, for one event)."""
    return float(np.mean((np.asarray(probability, dtype=float) - np.asarray(happened, dtype=float)) ** 2))


@dataclass(frozen=True)
class Bin:
    """Forecasts of about the same probability: their mean, how often it happened, out of how many, and Wilson's interval."""

    mean: float
    frequency: float
    count: int
    low: float
    high: float


def tally(probability: np.ndarray, happened: np.ndarray, *, bins: int = 10) -> tuple[tuple[int, float, int], ...]:
    """For each bin of equal width over [0, 1] (1 belongs to the last): how many forecasts, their sum, and how many came true."""
    probability, happened = np.asarray(probability, dtype=float), np.asarray(happened, dtype=bool)
    place = np.minimum((probability * bins).astype(int), bins - 1)
    inside = [place == number for number in range(bins)]
    return tuple((int(part.sum()), float(probability[part].sum()), int(happened[part].sum())) for part in inside)


def reliability(tallies: Iterable[tuple[int, float, int]]) -> tuple[Bin, ...]:
    """The bins that hold any forecast, in order, from what `tally` found in each; tallies of a bin may be added up before."""
    return tuple(Bin(said / count, hits / count, count, *wilson(hits, count)) for count, said, hits in tallies if count)


def tails(hits: int, total: int, chance: float) -> tuple[float, float]:
    """The binomial chances of at most `hits` of `total`, and of at least as many, with `chance` in (0, 1) each."""
    count = np.arange(total + 1)
    mass = np.exp(_log_choices(total) + count * math.log(chance) + (total - count) * math.log1p(-chance))
    return min(1.0, float(mass[: hits + 1].sum())), min(1.0, float(mass[hits:].sum()))


def two_sided(hits: int, total: int, chance: float) -> float:
    """The binomial chance of a count at least as far out as `hits` on its side, doubled, at most 1."""
    return min(1.0, 2 * min(tails(hits, total, chance)))


@cache
def _log_choices(total: int) -> np.ndarray:
    """[total + 1]: the logarithms of the binomial coefficients."""
    log = np.asarray([math.lgamma(count + 1) for count in range(total + 1)])
    return log[-1] - log - log[::-1]


def credible_set(probability: np.ndarray, mass: float = 0.9) -> np.ndarray:
    """Boolean [..., A]: the fewest most probable options that together have at least `mass`; ties in order of number."""
    order = np.argsort(-probability, axis=-1, kind="stable")
    ordered = np.take_along_axis(probability, order, axis=-1)
    before = np.cumsum(ordered, axis=-1) - ordered
    inside = before < mass - 1e-12
    out = np.zeros(probability.shape, dtype=bool)
    np.put_along_axis(out, order, inside, axis=-1)
    return out
