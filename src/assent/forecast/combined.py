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
from assent.forecast.kernel import Floats, log_complement
from assent.forecast.model import Model, Trying
from assent.forecast.prior import BetaPrior, Prior

MOST_TRIALS = 1_000_000
"""Trials of a sequence at most: its convolution holds that many numbers."""

MOST_PARTS = 1_000
"""Things of a conjunction, or steps of a sequence, at most."""

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
        parts: the things; `[rule] * k` for k alike. At most 1,000.

    Raises:
        ValueError: no parts, or too many.

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
        # the logarithm of the product of the parts done keeps what is missing to 1
        left = log_complement(_log_product(before))
        still = log_complement(
            _log_product([np.asarray(one + more) for one, more in zip(before, further, strict=True)])
        )
        with np.errstate(divide="ignore", invalid="ignore"):  # nothing can be gained where nothing is left
            return _from_gain(np.where(gain > 0, gain / np.exp(left), 0.0), still, left)

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
        return log_complement(_log_product([part.log_survival(until, since=first) for part in self.parts]))

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
        steps: how many, 1 to 1,000.

    Raises:
        ValueError: fewer than one step, too many; later: counted trials that are not whole, or more than a million.

    >>> from assent.forecast.effort import Calendar
    >>> round(Sequential(BetaPrior("1/100"), Calendar(1956), steps=2).predict(by=2036, none_by=2020).probability, 6)
    0.039658
    """

    prior: Prior
    trials: Effort
    steps: int
    method = "sequential"

    def __post_init__(self) -> None:
        if isinstance(self.steps, bool) or not 1 <= self.steps <= MOST_PARTS:
            raise ValueError(f"There are {self.steps} steps; give 1 to {MOST_PARTS}.")

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        before, more = self.tried(until, since)
        by_then = self._counted if isinstance(self.prior, BetaPrior) else self._divided
        ends = np.stack(np.broadcast_arrays(before, before + more))
        done, open_yet = by_then(ends)
        # both are sums of products above 0: the small one of the two has all its digits
        gain = np.where(done[1] < 0.5, done[1] - done[0], open_yet[0] - open_yet[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            still, left = np.log(open_yet[1]), np.log(open_yet[0])
            return _from_gain(gain / open_yet[0], still, left)

    def _counted(self, trials: Floats) -> tuple[Floats, Floats]:
        """P(all done) and P(not all done) after so many trials."""
        counts = np.rint(trials)
        if not np.allclose(trials, counts, rtol=0.0, atol=1e-9):
            raise ValueError(
                f"A sequence of counted trials needs whole numbers of them, and there are {short(float(np.ravel(trials)[0]))}: give whole "
                "years, or a Lomax prior, whose effort may be divided (prior.continuous())."
            )
        horizon = int(counts.max(initial=0))
        _check_length(horizon)
        times = np.arange(horizon + 1.0)
        logs = self.prior.log_survival(0.0, times)
        survival = np.exp(logs)
        step = survival[:-1] * -np.expm1(self.prior.log_survival(times[:-1], 1.0))
        none_left, done = survival, -np.expm1(logs)
        for _ in range(self.steps - 1):
            # after k steps: none yet by n, or the first done at trial j and not the other k - 1 in the n - j after it
            none_left = survival + np.concatenate([[0.0], _convolve(step, none_left[:-1])])
            done = np.concatenate([[0.0], _convolve(step, done[:-1])])
        places = counts.astype(np.int64)
        return done[places], none_left[places]

    def _divided(self, effort: Floats) -> tuple[Floats, Floats]:
        """`F_k(x) = ∫ f(u) F_(k-1)(x - u) du` and `S_k(x) = S_1(x) + ∫ f(u) S_(k-1)(x - u) du` along a grid from 0 to the greatest effort.

        By Simpson's composite rule, and between its nodes by the cubic through four.
        """
        horizon = float(effort.max(initial=0.0))
        if horizon == 0.0:
            return np.zeros_like(effort), np.ones_like(effort)
        grid = np.linspace(0.0, horizon, NODES + 1)
        found = []
        for fine, coarse in zip(self._on_grid(grid), self._on_grid(grid[::2]), strict=True):
            better = fine[::2] + (fine[::2] - coarse) / 3.0  # Richardson: the trapezoid's error is of second order
            found.append(_cubic(better, effort / horizon * (len(better) - 1)))
        return found[0], found[1]

    def _on_grid(self, grid: Floats) -> tuple[Floats, Floats]:
        logs = self.prior.log_survival(0.0, grid)
        survival = np.exp(logs)
        hazard = np.asarray([self.prior.mean(float(x)) for x in grid])
        density, width = survival * hazard, grid[1] - grid[0]

        def next_one(values: Floats) -> Floats:
            ends = 0.5 * (density[0] * values + density * values[0])
            return np.asarray(width * (_convolve(density, values)[: len(grid)] - ends))

        none_left, done = survival, -np.expm1(logs)
        for _ in range(self.steps - 1):
            none_left, done = survival + next_one(none_left), next_one(done)
        return done, none_left

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
    if not 1 <= len(parts) <= MOST_PARTS:
        raise ValueError(f"There are {len(parts)} parts; give 1 to {MOST_PARTS} models.")
    return tuple(parts)


def _log_product(log_survivals: Sequence[Floats]) -> Floats:
    """ln of the product of (1 - S_i)."""
    return np.asarray(sum(log_complement(one) for one in log_survivals))


def _from_gain(chance: ArrayLike, still: ArrayLike, left: ArrayLike) -> Floats:
    """Log-survival from the chance where that is small, and from both log-survivals where little is left."""
    small = np.asarray(chance) < 0.5
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(small, np.log1p(-np.where(small, chance, 0.0)), np.subtract(still, left)))


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


def _cubic(values: Floats, places: Floats) -> Floats:
    """`values` between their places 0, 1, …, by the cubic through the four nearest (Lagrange)."""
    first = np.clip(np.floor(places).astype(np.int64) - 1, 0, len(values) - 4)
    x = places - first
    weights = (
        -(x - 1) * (x - 2) * (x - 3) / 6,
        x * (x - 2) * (x - 3) / 2,
        -x * (x - 1) * (x - 3) / 2,
        x * (x - 1) * (x - 2) / 6,
    )
    return np.asarray(sum(weight * values[first + place] for place, weight in enumerate(weights)))
