"""The off-switch game: when waiting for a human's word is worth more than acting or switching off at once (T2, T3, T4).

A robot may do something of unknown utility U, switch itself off for 0, or wait: then the human lets it act or switches it off. It keeps
the switch where waiting is worth at least as much as the better of the other two. Source of the game: Hadfield-Menell, Dragan, Abbeel
and Russell, "The Off-Switch Game", IJCAI 2017; the lines are derived in docs/hand-of-god-theory.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from assent.planning.oracles.exact import Number, chance, exact

PANEL_POINTS = 20
CHECK_POINTS = 30
REACH = 12.0
"""Standard deviations beyond which a normal density is left out: less than 4e-33 of it lies there."""
DECAY = 45.0
"""Where exp(-beta u) is below 3e-20, the rest of the integral is left out."""


@dataclass(frozen=True)
class Points:
    """A utility with finitely many values: two points, or what was observed (each with the same weight).

    Attributes:
        values: utilities.
        weights: their probabilities, exactly summing to 1; the same for all if left out.

    Raises:
        ValueError: no values, or weights that are none.

    >>> Points(["-1", "2"]).kept_up_to()
    Fraction(1, 3)
    """

    values: Sequence[Number]
    weights: Sequence[Number] = ()

    def __post_init__(self) -> None:
        fits = len(self.weights) in (0, len(self.values))
        weight = [part for part, _ in self._pairs()] if fits else []
        if not weight or min(weight) < 0 or sum(weight) != 1:
            raise ValueError(
                f"weights = {list(self.weights)} must be chances that sum to 1, one for each of the values."
            )

    def _pairs(self) -> list[tuple[Fraction, Fraction]]:
        if not self.weights:
            return [(Fraction(1, len(self.values)), exact(value)) for value in self.values]
        return [(exact(weight), exact(value)) for weight, value in zip(self.weights, self.values, strict=True)]

    def positive_part(self) -> Fraction:
        """E[U+], U+ = max(U, 0)."""
        return sum((weight * max(value, Fraction(0)) for weight, value in self._pairs()), Fraction(0))

    def negative_part(self) -> Fraction:
        """E[U-], U- = max(-U, 0)."""
        return sum((weight * max(-value, Fraction(0)) for weight, value in self._pairs()), Fraction(0))

    def gain(self, *, eps: Number = 0) -> Fraction:
        """T2, T3: what waiting gains when the human answers wrongly with chance `eps`: min(E[U+], E[U-]) - eps E|U|.

        >>> Points(["-1", "2"]).gain(), Points(["1", "2"]).gain(eps="0.1")
        (Fraction(1, 2), Fraction(-3, 20))
        """
        up, down = self.positive_part(), self.negative_part()
        return min(up, down) - chance("eps", eps) * (up + down)

    def kept_up_to(self) -> Fraction | None:
        """eps* = min(E[U+], E[U-]) / E|U|: the human error up to which the switch is kept; None if U is 0 for sure."""
        up, down = self.positive_part(), self.negative_part()
        return min(up, down) / (up + down) if up + down else None

    def boltzmann_gain(self, beta: float) -> float:
        """T4's human, who lets the robot act with chance 1 / (1 + exp(-beta U))."""
        lost = math.fsum(float(weight) * _lost(abs(float(value)), _inverse(beta)) for weight, value in self._pairs())
        return float(min(self.positive_part(), self.negative_part())) - lost


@dataclass(frozen=True)
class Gaussian:
    """A normally distributed utility.

    Attributes:
        mean: mu.
        deviation: sigma, above 0.

    Raises:
        ValueError: a parameter that is not finite, or a deviation that is not above 0.

    >>> round(Gaussian(0.5, 1).gain(), 6)
    0.197797
    """

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.deviation) and self.deviation > 0):
            raise ValueError(
                f"N({self.mean}, {self.deviation}^2): mean and deviation must be finite, the deviation above 0."
            )

    def positive_part(self) -> float:
        """E[U+] = mu + min(E[U+], E[U-]) for mu above 0, and the minimum below."""
        return self._smaller() + max(self.mean, 0.0)

    def negative_part(self) -> float:
        """E[U-] = E[U+] - mu."""
        return self._smaller() + max(-self.mean, 0.0)

    def _smaller(self) -> float:
        """min(E[U+], E[U-]) = sigma [phi(z) - |z| Phi(-|z|)], z = mu / sigma."""
        z = abs(self.mean / self.deviation)
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return self.deviation * max(density - z * math.erfc(z / math.sqrt(2)) / 2, 0.0)

    def gain(self, *, eps: float = 0.0) -> float:
        """T2, T3: min(E[U+], E[U-]) - eps E|U|.

        Raises:
            ValueError: eps outside [0, 1].
        """
        return self._smaller() - float(chance("eps", eps)) * (self.positive_part() + self.negative_part())

    def kept_up_to(self) -> float:
        """eps* = min(E[U+], E[U-]) / E|U|; it depends on mu / sigma alone.

        >>> round(Gaussian(0.5, 1).kept_up_to(), 6)
        0.220855
        """
        return self._smaller() / (self.positive_part() + self.negative_part())

    def boltzmann_line(self, beta: float) -> float:
        """T4: the |mu| below which the switch is kept, beta sigma^2 / 2."""
        return _inverse(beta) * self.deviation**2 / 2

    def boltzmann_gain(self, beta: float) -> tuple[float, float]:
        """T4: what waiting for a human gains who lets the robot act with chance 1 / (1 + exp(-beta U)), and a bound on its error.

        E[U pi(U)] - max(mu, 0) = min(E[U+], E[U-]) - E[|U| / (1 + exp(beta |U|))]: what a perfect human would gain, less what this
        one loses. The loss is smooth on either side of 0; it is summed by Gauss-Legendre over panels no wider than sigma and 1 / beta,
        on which the integrand is analytic far beyond the panel. The error is the difference of two orders, with rounding and cut tails.

        Raises:
            ValueError: beta is not above 0.

        >>> gain, error = Gaussian(0, 1).boltzmann_gain(1)
        >>> round(gain, 6), error < 1e-13
        (0.206621, True)
        """
        rough, fine = (self._expected_loss(_inverse(beta), points) for points in (PANEL_POINTS, CHECK_POINTS))
        size = self._smaller() + fine + self.deviation + abs(self.mean)
        rounding = 16 * float(np.finfo(np.float64).eps) * size
        return self._smaller() - fine, abs(rough - fine) + rounding + 1e-18 * min(1 / beta, size)

    def _expected_loss(self, beta: float, points: int) -> float:
        nodes, weights = np.polynomial.legendre.leggauss(points)
        total = 0.0
        for centre in (self.mean, -self.mean):
            low = max(0.0, centre - REACH * self.deviation)
            high = min(centre + REACH * self.deviation, low + DECAY / beta)
            if high <= low:
                continue
            edges = np.linspace(low, high, 1 + math.ceil((high - low) / min(self.deviation, 1 / beta)))
            half = np.diff(edges)[:, None] / 2
            u = edges[:-1, None] + half * (1 + nodes[None, :])
            density = np.exp(-(((u - centre) / self.deviation) ** 2) / 2) / (self.deviation * math.sqrt(2 * math.pi))
            # exp(-beta u) in both: no overflow
            decay = np.exp(-beta * u)
            total += float(np.sum(half * weights[None, :] * u * decay / (1 + decay) * density))
        return total


def _lost(size: float, beta: float) -> float:
    """What a Boltzmann human loses at |U| = `size`: the stake times the chance of the wrong word."""
    decay = math.exp(-beta * size)
    return size * decay / (1 + decay)


def _inverse(beta: float) -> float:
    if not (math.isfinite(beta) and beta > 0):
        raise ValueError(f"beta = {beta} must be a finite number above 0, in units of 1 / utility.")
    return beta
