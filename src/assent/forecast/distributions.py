"""Inputs that are not known exactly: distributions to draw from, and texts that name them, like `1/1000 to 1/100`."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from assent.forecast.exact import Numeric, rational, short
from assent.forecast.kernel import Floats

_BINS = 1 << 12

Z90 = NormalDist().inv_cdf(0.95)
"""Standard deviations from the middle to either end of a 90 % interval."""


class Distribution(ABC):
    """A number that is not known exactly."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, number: int) -> Floats:
        """[number] independent draws."""

    @abstractmethod
    def quantile(self, probability: float) -> float:
        """The value that a draw lies below with this probability, in (0, 1)."""

    @abstractmethod
    def said(self) -> str:
        """The distribution as `distribution` reads it."""


@dataclass(frozen=True, init=False)
class LogNormal90(Distribution):
    """Log-normal, with 90 % of its mass between two numbers above 0; `low to high` as a text.

    >>> round(LogNormal90("1/1000", "1/100").quantile(0.5), 6)
    0.003162
    """

    low: float
    high: float

    def __init__(self, low: Numeric, high: Numeric) -> None:
        self._hold(low, high)
        if self.low <= 0:
            raise ValueError(
                f"A log-normal interval from {low} to {high} is none: both ends must be above 0. For others: normal(A, B)."
            )

    def _hold(self, low: Numeric, high: Numeric) -> None:
        bottom, top = float(rational("low end", low)), float(rational("high end", high))
        if bottom >= top:
            raise ValueError(f"The interval goes from {low} to {high}; the high end must be above the low one.")
        object.__setattr__(self, "low", bottom)
        object.__setattr__(self, "high", top)

    @property
    def _scale(self) -> tuple[float, float]:
        low, high = math.log(self.low), math.log(self.high)
        return (low + high) / 2, (high - low) / (2 * Z90)

    def draw(self, rng: np.random.Generator, number: int) -> Floats:
        middle, spread = self._scale
        return np.exp(middle + spread * rng.standard_normal(number))

    def quantile(self, probability: float) -> float:
        middle, spread = self._scale
        return math.exp(NormalDist(middle, spread).inv_cdf(probability))

    def said(self) -> str:
        return f"{self.low:g} to {self.high:g}"


class Normal90(LogNormal90):
    """Normal, with 90 % of its mass between two numbers; `normal(low, high)` as a text."""

    def __init__(self, low: Numeric, high: Numeric) -> None:
        self._hold(low, high)

    @property
    def _scale(self) -> tuple[float, float]:
        return (self.low + self.high) / 2, (self.high - self.low) / (2 * Z90)

    def draw(self, rng: np.random.Generator, number: int) -> Floats:
        middle, spread = self._scale
        return middle + spread * rng.standard_normal(number)

    def quantile(self, probability: float) -> float:
        return NormalDist(*self._scale).inv_cdf(probability)

    def said(self) -> str:
        return f"normal({self.low:g}, {self.high:g})"


class Uniform(LogNormal90):
    """Every number between two as likely; `uniform(low, high)` as a text.

    >>> Uniform("1/2", 1).quantile(0.05)
    0.525
    """

    def __init__(self, low: Numeric, high: Numeric) -> None:
        self._hold(low, high)

    def draw(self, rng: np.random.Generator, number: int) -> Floats:
        return self.low + (self.high - self.low) * rng.random(number)

    def quantile(self, probability: float) -> float:
        return self.low + (self.high - self.low) * probability

    def said(self) -> str:
        return f"uniform({self.low:g}, {self.high:g})"


class LogUniform(LogNormal90):
    """Every order of magnitude between two numbers above 0 as likely; `loguniform(low, high)` as a text."""

    def draw(self, rng: np.random.Generator, number: int) -> Floats:
        return np.exp(math.log(self.low) + math.log(self.high / self.low) * rng.random(number))

    def quantile(self, probability: float) -> float:
        return math.exp(math.log(self.low) + math.log(self.high / self.low) * probability)

    def said(self) -> str:
        return f"loguniform({self.low:g}, {self.high:g})"


@dataclass(frozen=True, init=False)
class Choice(Distribution):
    """One of some numbers, each with its weight; `choice(a: w, b: w)` as a text.

    >>> Choice({1: 0.25, 2: 0.75}).quantile(0.5)
    2.0
    """

    values: tuple[float, ...]
    weights: tuple[float, ...]

    def __init__(self, weights: Mapping[Numeric, Numeric]) -> None:
        pairs = sorted(
            (float(rational("value", value)), float(rational("weight", weight))) for value, weight in weights.items()
        )
        total = sum(weight for _, weight in pairs)
        if not pairs or any(weight <= 0 for _, weight in pairs) or abs(total - 1) > 1e-9:
            raise ValueError(f"The weights are {[weight for _, weight in pairs]}; they must be above 0 and sum to 1.")
        object.__setattr__(self, "values", tuple(value for value, _ in pairs))
        object.__setattr__(self, "weights", tuple(weight for _, weight in pairs))

    def draw(self, rng: np.random.Generator, number: int) -> Floats:
        return rng.choice(np.asarray(self.values), size=number, p=np.asarray(self.weights))

    def quantile(self, probability: float) -> float:
        place = int(np.searchsorted(np.cumsum(self.weights), probability))
        return self.values[min(place, len(self.values) - 1)]

    def said(self) -> str:
        return f"choice({', '.join(f'{v:g}: {w:g}' for v, w in zip(self.values, self.weights, strict=True))})"


_NAMED = {"uniform": Uniform, "normal": Normal90, "lognormal": LogNormal90, "loguniform": LogUniform}
_CALL = re.compile(r"\s*([a-z]+)\s*\((.*)\)\s*")


def distribution(what: str, text: Any) -> Distribution | None:
    """The distribution that a text names, or None where it is a plain number.

    `A to B` is log-normal with 90 % between the two where both are above 0, else normal; `uniform(A, B)`, `loguniform(A, B)`,
    `normal(A, B)` and `lognormal(A, B)` (90 % intervals), `choice(a: w, b: w)`.

    Raises:
        ValueError: a name that is unknown, or numbers that fit no such distribution.

    >>> distribution("growth", "3 % to 21 %").quantile(0.95)
    0.21
    >>> distribution("growth", "11 %") is None
    True
    """
    if isinstance(text, Distribution):
        return text
    if not isinstance(text, str):
        return None
    found = _CALL.fullmatch(text)
    if found is not None:
        return _called(what, text, *found.groups())
    ends = re.split(r"\s+to\s+", text.strip())
    if len(ends) != 2:
        return None
    low, high = (rational(f"{name} end of the {what}", end) for name, end in zip(("low", "high"), ends, strict=True))
    return (LogNormal90 if low > 0 else Normal90)(low, high)


def _called(what: str, text: str, name: str, inside: str) -> Distribution:
    if name == "choice":
        pairs = [part.split(":") for part in inside.split(",")]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError(
                f"The {what} is {text!r}; a choice names each value with its weight, as in choice(1: 0.25, 2: 0.75)."
            )
        return Choice({rational("value", value): rational("weight", weight) for value, weight in pairs})
    parts = inside.split(",")
    if name not in _NAMED or len(parts) != 2:
        raise ValueError(
            f"The {what} is {text!r}; give A to B, choice(a: w, b: w), or one of {', '.join(f'{n}(A, B)' for n in _NAMED)}."
        )
    return _NAMED[name](*(rational(f"end of the {what}", part) for part in parts))


def quantiles(values: Floats, weights: Floats, probabilities: tuple[float, ...]) -> tuple[float, ...]:
    """Weighted quantiles: the least of `values` [N] that at least this share of the `weights` [N] does not exceed.

    >>> quantiles(np.asarray([3.0, 1.0, 2.0]), np.asarray([1.0, 1.0, 2.0]), (0.5,))
    (2.0,)
    """
    low, high = float(values.min()), float(values.max())
    if not low < high:
        return (low,) * len(probabilities)
    # sorted into bins first, so that only the few values of one bin are ordered
    place = ((values - low) * ((_BINS - 1) / (high - low))).astype(np.int64)
    up_to = np.cumsum(np.bincount(place, weights, _BINS))
    found: list[float] = []
    for probability in probabilities:
        wanted = probability * up_to[-1]
        bin_ = min(int(np.searchsorted(up_to, wanted)), _BINS - 1)
        inside = np.flatnonzero(place == bin_)
        order = inside[np.argsort(values[inside])]
        total = np.cumsum(weights[order]) + (up_to[bin_ - 1] if bin_ else 0.0)
        found.append(float(values[order[min(int(np.searchsorted(total, wanted)), len(order) - 1)]]))
    return tuple(found)


def shown(value: float) -> str:
    """A drawn number for a label."""
    return short(value) if value >= 1e-3 or value <= 0 else f"1/{1 / value:,.4g}"
