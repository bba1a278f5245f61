"""Models made of models: all of several things, any of them, one after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assent.forecast.effort import Effort
from assent.forecast.exact import short
from assent.forecast.kernel import Floats
from assent.forecast.model import Model, Trying
from assent.forecast.prior import BetaPrior, Prior

MOST_TRIALS = 1_000_000
"""Trials of a sequence at most: its convolution holds that many numbers."""

NODES = 4096
"""Steps of a continuous sequence's integral between nothing and the target; the rule is of fourth order."""


class _Several(Model):
    parts: tuple[Model, ...]

    @property
    def start(self) -> float:
        return min((part.start for part in self.parts if math.isfinite(part.start)), default=-math.inf)

    def inputs(self) -> dict[str, Any]:
        return {"parts": [{"method": part.method, **part.inputs()} for part in self.parts]}


@dataclass(frozen=True, init=False)
class Conjunctive(_Several):
    """It happens once every one of several independent things has happened; all that is known is whether all have.

    Davidson 2021, 7.1 and 10.6: probability by a time is the product of the parts'.

    Args:
        parts: the things; `[rule] * k` for k alike.

    Raises:
        ValueError: no parts.

    >>> from assent.forecast.effort import Calendar
    >>> from assent.forecast.rules import Rule
    >>> both = Conjunctive([Rule(BetaPrior("1/100"), Calendar(1956))] * 2)
    >>> round(both.predict(by=2036, none_by=2020).probability, 6)
    0.053887
    """

    parts: tuple[Model, ...]
    method = "conjunctive"

    def __init__(self, parts: Sequence[Model]) -> None:
        object.__setattr__(self, "parts", _some(parts))

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        first = np.asarray(self.start if since is None else since, np.float64)
        before = [part.log_survival(first) for part in self.parts]
        further = [part.log_survival(until, since=first) for part in self.parts]
        done = [-np.expm1(one) for one in before]
        by_then = [-np.expm1(one + more) for one, more in zip(before, further, strict=True)]
        # the product's increase, part by part: no difference of two products that are nearly equal
        gain = np.asarray(0.0)
        for place, (one, more) in enumerate(zip(before, further, strict=True)):
            step = np.exp(one) * -np.expm1(more)
            gain = gain + math.prod(by_then[:place], start=step) * math.prod(done[place + 1 :])
        # what is left of ln(1 - product): the product of the parts done is kept from reaching 1 by its complement
        left = -np.expm1(_log_product(before))
        with np.errstate(divide="ignore", invalid="ignore"):
            result = np.log1p(-np.minimum(gain / left, 1.0))
        return np.asarray(np.where(gain > 0, result, 0.0))

    def exact_survival(self, until: Fraction, *, since: Fraction) -> Fraction | None:
        done, by_then = Fraction(1), Fraction(1)
        for part in self.parts:
            start = _start(part, since)
            before = part.exact_survival(since, since=start) if since >= start else Fraction(1)
            further = part.exact_survival(until, since=max(since, start)) if until >= start else Fraction(1)
            if before is None or further is None:
                return None
            done, by_then = done * (1 - before), by_then * (1 - before * further)
        return (1 - by_then) / (1 - done)

    @property
    def assumptions(self) -> tuple[str, ...]:
        return (
            f"all of {len(self.parts)} independent things are needed, and none of them tells anything about another",
            "it is known that not all have happened, and nothing about each",
            *self.parts[0].assumptions,
        )


@dataclass(frozen=True, init=False)
class AllOpen(_Several):
    """It happens once every one of several independent things has happened, and of each it is known that it has not happened yet.

    Davidson 2021, 10.6.2. What is known at one time is not what is known at another: each part's evidence is that it alone is open.

    >>> from assent.forecast.effort import Calendar
    >>> from assent.forecast.rules import Rule
    >>> AllOpen([Rule(BetaPrior.of(1, 1), Calendar(1956))] * 3).predict(by=2036, none_by=2020).fraction      # (16/81) ** 3
    '4096/531441'
    """

    parts: tuple[Model, ...]
    method = "conjunctive, each known to be open"

    def __init__(self, parts: Sequence[Model]) -> None:
        object.__setattr__(self, "parts", _some(parts))

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        first = self.start if since is None else since
        done = math.prod(
            (-np.expm1(part.log_survival(until, since=first)) for part in self.parts), start=np.asarray(1.0)
        )
        with np.errstate(divide="ignore"):
            return np.asarray(np.log1p(-done))

    def exact_survival(self, until: Fraction, *, since: Fraction) -> Fraction | None:
        done = Fraction(1)
        for part in self.parts:
            survival = part.exact_survival(until, since=since) if since >= _start(part, since) else None
            if survival is None:
                return None
            done *= 1 - survival
        return 1 - done

    @property
    def assumptions(self) -> tuple[str, ...]:
        return (
            f"all of {len(self.parts)} independent things are needed, and each is known not to have happened yet",
            *self.parts[0].assumptions,
        )


@dataclass(frozen=True, init=False)
class Disjunctive(_Several):
    """It happens as soon as any of several independent things happens.

    >>> from assent.forecast.effort import Calendar
    >>> from assent.forecast.rules import Rule
    >>> Disjunctive([Rule(BetaPrior("1/300"), Calendar(1956))] * 2).predict(by=2036, none_by=2020).exact
    Fraction(11872, 143641)
    """

    parts: tuple[Model, ...]
    method = "disjunctive"

    def __init__(self, parts: Sequence[Model]) -> None:
        object.__setattr__(self, "parts", _some(parts))

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        first = self.start if since is None else since
        return np.asarray(sum(part.log_survival(until, since=first) for part in self.parts))

    def exact_survival(self, until: Fraction, *, since: Fraction) -> Fraction | None:
        result = Fraction(1)
        for part in self.parts:
            start = _start(part, since)
            survival = part.exact_survival(until, since=max(since, start)) if until >= start else Fraction(1)
            if survival is None:
                return None
            result *= survival
        return result

    @property
    def assumptions(self) -> tuple[str, ...]:
        return (f"any of {len(self.parts)} independent things is enough", *self.parts[0].assumptions)


@dataclass(frozen=True)
class Sequential(Trying):
    """It happens once `steps` things have happened one after the other, each begun when the last was done, at most one a trial.

    Davidson 2021, 7.1.2, by simulation there; here by convolution, exact for counted trials (only whole numbers of them), and for divisible
    effort by a rule of fourth order whose error is far below what is printed.

    Args:
        prior: of each step.
        trials: what counts as trying.
        steps: how many, at least 1.

    Raises:
        ValueError: fewer than one step; later: counted trials that are not whole, or more than a million.

    >>> from assent.forecast.effort import Calendar
    >>> round(Sequential(BetaPrior("1/100"), Calendar(1956), steps=2).predict(by=2036, none_by=2020).probability, 6)
    0.039658
    """

    prior: Prior
    trials: Effort
    steps: int
    method = "sequential"

    def __post_init__(self) -> None:
        if isinstance(self.steps, bool) or self.steps < 1:
            raise ValueError(f"There are {self.steps} steps; give at least 1.")

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        before, more = self.tried(until, since)
        total = before + more
        survival = self._counted if isinstance(self.prior, BetaPrior) else self._divided
        low, high = survival(np.asarray(before)), survival(np.asarray(total))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(high) - np.log(low))

    def _counted(self, trials: Floats) -> Floats:
        counts = np.rint(trials)
        if not np.allclose(trials, counts, rtol=0.0, atol=1e-9):
            raise ValueError(
                f"A sequence of counted trials needs whole numbers of them, and there are {short(float(np.ravel(trials)[0]))}: give whole "
                "years, or a Lomax prior, whose effort may be divided (prior.continuous())."
            )
        horizon = int(counts.max(initial=0))
        _check_length(horizon)
        survival = np.exp(self.prior.log_survival(0.0, np.arange(horizon + 1.0)))
        step = -np.diff(survival)
        none_left = survival
        for _ in range(self.steps - 1):
            # after k steps: none yet by n, or the first done at trial j and not the other k - 1 in the n - j after it
            none_left = survival + np.concatenate([[0.0], _convolve(step, none_left[:-1])])
        return np.asarray(none_left[counts.astype(np.int64)])

    def _divided(self, effort: Floats) -> Floats:
        """Simpson's composite rule on `S_k(x) = S_1(x) + ∫ f(u) S_(k-1)(x - u) du` along a grid from 0 to the greatest effort."""
        horizon = float(effort.max(initial=0.0))
        if horizon == 0.0:
            return np.ones_like(effort)
        grid = np.linspace(0.0, horizon, NODES + 1)
        fine, coarse = self._on_grid(grid), self._on_grid(grid[::2])
        better = fine.copy()
        better[::2] += (fine[::2] - coarse) / 3.0  # Richardson: the trapezoid's error is of second order
        return np.asarray(np.interp(effort, grid[::2], better[::2]))

    def _on_grid(self, grid: Floats) -> Floats:
        survival = np.exp(self.prior.log_survival(0.0, grid))
        hazard = np.asarray([self.prior.mean(float(x)) for x in grid])
        density, width = survival * hazard, grid[1] - grid[0]
        none_left = survival
        for _ in range(self.steps - 1):
            full = _convolve(density, none_left)[: len(grid)]
            ends = 0.5 * (density[0] * none_left + density * none_left[0])
            none_left = survival + width * (full - ends)
        return none_left

    def inputs(self) -> dict[str, Any]:
        return {**self.prior.inputs(), **self.trials.inputs(), "steps": self.steps}

    @property
    def assumptions(self) -> tuple[str, ...]:
        return (
            f"{self.steps} things happen one after the other, at most one in each {self.unit}",
            f"each is believed as the first was: {self.prior.said()}",
            "it is known that not all have happened, and not how many have",
        )


def _start(part: Model, since: Fraction) -> Fraction:
    """When trying began; what has no beginning is asked from `since` on."""
    return Fraction(part.start) if math.isfinite(part.start) else since


def _some(parts: Sequence[Model]) -> tuple[Model, ...]:
    if not parts:
        raise ValueError("There are no parts; give at least one model.")
    return tuple(parts)


def _log_product(log_survivals: Sequence[Floats]) -> Floats:
    """ln of the product of (1 - S_i)."""
    with np.errstate(divide="ignore"):
        return np.asarray(
            sum(np.where(one < -0.7, np.log1p(-np.exp(one)), np.log(-np.expm1(one))) for one in log_survivals)
        )


def _check_length(horizon: int) -> None:
    if horizon > MOST_TRIALS:
        raise ValueError(
            f"A sequence over {horizon:,} trials is longer than the most, {MOST_TRIALS:,}: use coarser trials, or a Lomax prior."
        )


def _convolve(one: Floats, other: Floats) -> Floats:
    """The first len(other) terms of a convolution; sums of products where that is quick, Fourier's way where it is not."""
    size = len(other)
    if size == 0:
        return np.zeros(0)
    if size <= 4096:
        return np.convolve(one, other)[:size]
    length = 1 << (2 * size - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(one[:size], length) * np.fft.rfft(other, length), length)[:size]
