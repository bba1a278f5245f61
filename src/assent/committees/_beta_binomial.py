"""The arithmetic of beta-binomial counts with an extra mass at the largest count, and its likeliest numbers. NumPy and SciPy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from assent.forecast.numerics import log_gamma_rise

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Pair = tuple[float, float]

SMALLEST, LARGEST = 1e-4, 1e6
"""The values of a and b that are tried: from members that all but copy each other to members that all but ignore each other."""

SUMMED = 65_536
"""Up to so many members the logarithm of a product is summed factor by factor; beyond, by gamma functions."""

SEARCHED = 3
"""From so many starts, the likeliest ones of all that are looked at, a search sets out."""


def log_chances(a: float, b: float, members: int) -> Floats:
    """[N + 1]: log-chances that k of N err; sums of logarithms, where differences of large log-gammas would lose digits."""
    steps = np.arange(members)
    rise_a, rise_b, rise = (_sums(np.log(value + steps)) for value in (a, b, a + b))
    whole = _sums(np.log(steps + 1.0))
    return np.asarray(rise_a + rise_b[::-1] - rise[-1] + (whole[-1] - whole - whole[::-1]))


def log_all(a: float, b: float, sizes: Integers) -> Floats:
    """`ln B(a + n, b) / B(a, b)`, of the shape of `sizes`: a product of (a + j) / (a + b + j) over j < n."""
    near = np.minimum(sizes, SUMMED)
    total = _sums(-np.log1p(b / (a + np.arange(int(near.max())))))[near]
    far = [log_gamma_rise(a + SUMMED, b) - log_gamma_rise(a + int(n), b) if n > SUMMED else 0.0 for n in sizes.flat]
    return np.asarray(total + np.reshape(far, sizes.shape))


def likeliest(counts: Integers, point_mass: bool, start: Pair | None = None) -> tuple[float, float, float, float]:
    """a, b, the mass, and the log-likelihood in nats, of how many points [N + 1] have 0, 1, ... N members that err.

    The likeliest mass makes the share of points that all get wrong come out as it was seen; so only (a, b) are searched for, from `start`,
    or from several.
    """
    starts = [np.log(pair) for pair in ([start] if start else _starts(counts))]
    starts.sort(key=lambda logs: _loss(logs, counts, point_mass)[0])
    ends = (math.log(SMALLEST), math.log(LARGEST))
    found = [
        minimize(
            _loss,
            logs,
            (counts, point_mass),
            "L-BFGS-B",
            True,
            bounds=[ends] * 2,
            options={"ftol": 1e-15, "gtol": 1e-9},
        )
        for logs in starts[:SEARCHED]
    ]
    best = min(found, key=lambda one: float(one.fun))
    a, b = (min(max(math.exp(value), SMALLEST), LARGEST) for value in best.x.tolist())
    mass = _mass(counts[-1] / counts.sum(), log_chances(a, b, len(counts) - 1)[-1]) if point_mass else 0.0
    return a, b, float(mass), -float(best.fun) * int(counts.sum())


def _loss(logs: Floats, counts: Integers, point_mass: bool) -> tuple[float, Floats]:
    """Minus the mean log-likelihood at (ln a, ln b), with the likeliest mass, and its slope."""
    a, b = np.exp(logs)
    members = len(counts) - 1
    share = counts / counts.sum()
    rows = log_chances(a, b, members)
    steps = np.arange(members)
    rise_a, rise_b, rise = (_sums(1.0 / (value + steps)) for value in (a, b, a + b))
    slopes = np.stack([a * (rise_a - rise[-1]), b * (rise_b[::-1] - rise[-1])])
    if not (point_mass and _mass(share[-1], rows[-1]) > 0):
        return -float(share @ rows), -(slopes @ share)
    # all wrong comes out as seen; the others are spread as the beta-binomial spreads those that are not all wrong
    last, some = math.exp(rows[-1]), share[:-1]
    value = some @ rows[:-1] + some.sum() * math.log((1.0 - share[-1]) / (1.0 - last))
    slope = slopes[:, :-1] @ some + some.sum() * last / (1.0 - last) * slopes[:, -1]
    return -float(value + share[-1] * math.log(share[-1])), -slope


def _mass(seen: float, log_chance: float) -> float:
    """The likeliest mass, where a share `seen` of points is got wrong by all and Beta(a, b) would have it with `log_chance`."""
    chance = math.exp(log_chance)
    return (seen - chance) / (1.0 - chance) if chance < seen else 0.0


def _starts(counts: Integers) -> list[Pair]:
    """Three means of the Beta distribution, with none, half and all of the points that all get wrong left to the mass; three sizes each."""
    members = len(counts) - 1
    pairs: list[Pair] = []
    for kept in (1.0, 0.5, 0.0):
        left = np.append(counts[:-1], kept * counts[-1])
        mean = min(max(float(left @ np.arange(members + 1) / (members * left.sum())), 0.01), 0.99)
        pairs += [(mean * size, (1.0 - mean) * size) for size in (0.3, 3.0, 100.0)]
    return pairs


def _sums(values: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(values)])
