"""What counts as trying: time turned into effort. Between two times an effort says how much was tried, always at least nothing."""

from __future__ import annotations

import functools
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assent.forecast.exact import Numeric, rational, short, written
from assent.forecast.kernel import Floats

Points = tuple[tuple[Fraction, Fraction], ...]
"""Pairs of a year and a number."""


class Effort(ABC):
    """How much was tried between two times, from the start of the regime on."""

    @property
    @abstractmethod
    def start(self) -> float:
        """The time at which trying began; nothing was tried before."""

    @property
    @abstractmethod
    def unit(self) -> str:
        """One unit of effort, in words."""

    @abstractmethod
    def between(self, since: ArrayLike, until: ArrayLike) -> Floats:
        """Effort from `since` to `until`, both at or after the start and `since <= until`: float64, broadcast."""

    def exact(self, since: Fraction, until: Fraction) -> Fraction | None:
        """The same as a fraction, where it is one."""
        return None

    @abstractmethod
    def inputs(self) -> dict[str, Any]:
        """What was chosen, as JSON values."""


def _hold(effort: Effort, **fields: Any) -> None:
    for name, value in fields.items():
        object.__setattr__(effort, name, value)


@dataclass(frozen=True, init=False)
class Calendar(Effort):
    """Every year is a trial.

    Args:
        start: the year in which trying began; years before our era are negative (5000 BC is -5000).
        per_year: trials a year: 1, or 12 for months.
        name: what one trial is called.

    >>> Calendar(1956).exact(Fraction(1956), Fraction(2020))
    Fraction(64, 1)
    """

    begin: Fraction
    per_year: Fraction
    name: str

    def __init__(self, start: Numeric, per_year: Numeric = 1, name: str = "year") -> None:
        rate = rational("number of trials a year", per_year)
        if rate <= 0:
            raise ValueError(f"There are {per_year} trials a year; it must be more than none.")
        _hold(self, begin=rational("start", start), per_year=rate, name=name)

    @property
    def start(self) -> float:
        return float(self.begin)

    @property
    def unit(self) -> str:
        return self.name

    def between(self, since: ArrayLike, until: ArrayLike) -> Floats:
        return np.asarray((_floats(until) - _floats(since)) * float(self.per_year))

    def exact(self, since: Fraction, until: Fraction) -> Fraction | None:
        return (until - since) * self.per_year

    def inputs(self) -> dict[str, Any]:
        return {"trials": self.name, "start": _shown(self.begin), "per_year": _shown(self.per_year)}


@dataclass(frozen=True, init=False)
class ResearcherYears(Effort):
    """Each equal relative growth of all research done so far is a trial: effort is the logarithm of cumulative researcher-years.

    Davidson 2021, 6.1 and 10.4. Researchers grow by a constant rate from each year of `growth` on. At the start, research had been
    growing for ever at the first rate.

    Args:
        start: year in which the field began.
        growth: pairs of a year and the yearly growth from it on, the first of them at the start; or one rate.
        sums: `yearly`, whole years added up as the report does, or `continuous`, the integral.

    Raises:
        ValueError: a first rate that is not positive, a rate of -100 % or less, years out of order.

    >>> effort = ResearcherYears(1956, "11 %", sums="continuous")
    >>> round(float(effort.between(1956, 2020)) / math.log(1.11), 9)
    64.0
    """

    begin: Fraction
    growth: tuple[tuple[Fraction, Fraction], ...]
    sums: str

    def __init__(
        self, start: Numeric, growth: Numeric | Sequence[tuple[Numeric, Numeric]], sums: str = "yearly"
    ) -> None:
        begin = rational("start", start)
        pairs = ((begin, growth),) if isinstance(growth, (int, float, str, Fraction)) else growth
        steps = [(rational("year of a growth rate", year), rational("growth", rate)) for year, rate in pairs]
        years = [year for year, _ in steps]
        if not steps or years[0] > begin or any(a >= b for a, b in itertools.pairwise(years)):
            raise ValueError(
                f"The growth rates begin in {', '.join(map(_year, years)) or 'no year'}, and the field in {_year(begin)}; give them in the "
                "order of years, the first no later than the field's start."
            )
        last = max(number for number, year in enumerate(years) if year <= begin)
        steps = [(begin, steps[last][1]), *steps[last + 1 :]]
        if steps[0][1] <= 0 or any(rate <= -1 for _, rate in steps):
            raise ValueError(
                f"The growth rates are {', '.join(short(float(rate)) for _, rate in steps)} a year; the first must be above 0, because "
                "research before the start is what its growth implies, and none may be -100 % or less."
            )
        if sums not in ("yearly", "continuous"):
            raise ValueError(f"sums is {sums!r}; it must be 'yearly' or 'continuous'.")
        _hold(self, begin=begin, growth=tuple(steps), sums=sums)

    @property
    def start(self) -> float:
        return float(self.begin)

    @property
    def unit(self) -> str:
        return "e-fold of cumulative researcher-years"

    def between(self, since: ArrayLike, until: ArrayLike) -> Floats:
        return np.asarray(self._log_total(_floats(until)) - self._log_total(_floats(since)))

    def _log_total(self, at: Floats) -> Floats:
        """ln of the researcher-years up to `at`, in units of those of the first year."""
        steps = [(float(year), float(rate)) for year, rate in self.growth]
        result = np.full(np.shape(at), np.nan)
        log_rate, log_total = 0.0, -math.log(steps[0][1] if self.sums == "yearly" else math.log1p(steps[0][1]))
        ends = [*(year for year, _ in steps[1:]), math.inf]
        for (year, rate), end in zip(steps, ends, strict=True):
            here = (at >= year) & (at <= end)
            result = np.where(
                here, self._grown(log_total, log_rate, rate, np.asarray(np.maximum(at - year, 0.0))), result
            )
            if math.isfinite(end):
                log_total = float(self._grown(log_total, log_rate, rate, np.asarray(end - year)))
                log_rate += (end - year) * math.log1p(rate)
        return result

    def _grown(self, log_total: float, log_rate: float, rate: float, years: Floats) -> Floats:
        """ln(R + what is added in `years`): a geometric sum of whole years, or the integral."""
        growth = math.log1p(rate)
        if rate == 0:
            with np.errstate(divide="ignore"):
                added = np.log(years)
        else:
            first = growth if self.sums == "yearly" else 0.0  # the first whole year already carries one year's growth
            scale = abs(rate) if self.sums == "yearly" else abs(growth)
            with np.errstate(divide="ignore"):
                added = first - math.log(scale) + _log_abs_expm1(np.asarray(growth * years))
        return np.asarray(np.logaddexp(log_total, log_rate + added))

    def inputs(self) -> dict[str, Any]:
        return {
            "trials": "researcher-years",
            "start": _shown(self.begin),
            "growth": [[_shown(year), _shown(rate)] for year, rate in self.growth],
            "sums": self.sums,
        }


class _Pointed(Effort):
    """Given by points."""

    points: Points

    @functools.cached_property
    def _arrays(self) -> tuple[Floats, Floats]:
        """Their years and numbers, converted once."""
        years, numbers = (np.asarray([float(pair[part]) for pair in self.points]) for part in (0, 1))
        return years, numbers


@dataclass(frozen=True, init=False)
class Levels(_Pointed):
    """Relative growth of a quantity given by points: effort is the growth of its logarithm to base e; compute, prices, a series of yours.

    Args:
        points: pairs of a year and the base-10 logarithm of the quantity, in the order of years; straight lines in between. The quantity
            never shrinks.
        after: growth of the base-10 logarithm a year after the last point; None refuses times after it.
        start: when trying began; the first point's year when left out.
        name: what the quantity is called.

    Raises:
        ValueError: fewer than two points, years out of order, a quantity that shrinks, or a time outside of the points.

    >>> compute = Levels([(2020, 23.7), (2036, 28)], name="compute of the largest run")
    >>> round(float(compute.between(2020, 2036)) / math.log(10), 9)
    4.3
    """

    begin: Fraction
    points: Points
    after: Fraction | None
    name: str

    def __init__(
        self,
        points: Sequence[tuple[Numeric, Numeric]],
        after: Numeric | None = None,
        start: Numeric | None = None,
        name: str = "quantity",
    ) -> None:
        read = tuple(
            (rational("year of a point", year), rational(f"logarithm of the {name}", level)) for year, level in points
        )
        if len(read) < 2:
            raise ValueError(
                f"The {name} has {len(read)} points; give at least two, a year and a base-10 logarithm each."
            )
        for (year, level), (later, higher) in itertools.pairwise(read):
            if later <= year:
                raise ValueError(
                    f"The {name} has a point for {_year(later)} after the one for {_year(year)}; order them by year."
                )
            if higher < level:
                raise ValueError(
                    f"The {name} shrinks from 1e{short(float(level))} in {_year(year)} to 1e{short(float(higher))} in {_year(later)}. "
                    "Effort cannot be taken back: give the largest so far in each year."
                )
        begin = read[0][0] if start is None else rational("start", start)
        if begin < read[0][0]:
            raise ValueError(
                f"The start is {_year(begin)}, before the first point of the {name} ({_year(read[0][0])})."
            )
        _hold(self, begin=begin, points=read, after=_not_negative("growth after the last point", after), name=name)

    @property
    def start(self) -> float:
        return float(self.begin)

    @property
    def unit(self) -> str:
        return f"e-fold of {self.name}"

    def between(self, since: ArrayLike, until: ArrayLike) -> Floats:
        return np.asarray((self.log10(until) - self.log10(since)) * math.log(10.0))

    def log10(self, at: ArrayLike) -> Floats:
        """Base-10 logarithm of the quantity at a time."""
        years, levels = self._arrays
        at = _floats(at)
        late = float(np.max(at, initial=-np.inf))
        if late > years[-1] and self.after is None:
            raise ValueError(
                f"The {self.name} is known until {_year(years[-1])}, and {_year(late)} was asked about. Give points up to there, or its "
                "growth after the last one (after=…)."
            )
        beyond = np.maximum(at - years[-1], 0.0) * float(self.after or 0)
        return np.asarray(np.interp(at, years, levels) + beyond)

    def since_level(self, level: Numeric) -> Levels:
        """The same, with trying begun when the quantity reached this base-10 logarithm.

        Raises:
            ValueError: the points do not reach it.
        """
        wanted = rational(f"level of the {self.name}", level)
        for (year, low), (later, high) in itertools.pairwise(self.points):
            if low <= wanted <= high and high > low:
                begin = year + (later - year) * (wanted - low) / (high - low)
                return Levels(self.points, self.after, begin, self.name)
        raise ValueError(
            f"The {self.name} goes from 1e{short(float(self.points[0][1]))} to 1e{short(float(self.points[-1][1]))} and does not pass "
            f"1e{short(float(wanted))}: give points up to there."
        )

    def inputs(self) -> dict[str, Any]:
        return {
            "trials": self.name,
            "start": _shown(self.begin),
            "points": [[_shown(year), _shown(level)] for year, level in self.points],
            "after": None if self.after is None else _shown(self.after),
        }


@dataclass(frozen=True, init=False)
class Weighted(_Pointed):
    """Years that count unequally: effort given by how much of it there had been by some years, with straight lines in between.

    Davidson 2021, 5.3, weights the years since 5000 BC by world population or growth; only the totals up to 1956 are public.

    Args:
        points: pairs of a year and all the effort up to it, in the order of years; the first has effort 0.
        after: effort a year after the last point; None refuses times after it.
        name: what one unit is called.

    >>> early = Weighted([(-5000, 0), (1956, 168)], after=1)
    >>> early.exact(Fraction(-5000), Fraction(2020))
    Fraction(232, 1)
    """

    points: Points
    after: Fraction | None
    name: str

    def __init__(
        self, points: Sequence[tuple[Numeric, Numeric]], after: Numeric | None = None, name: str = "weighted year"
    ) -> None:
        read = tuple((rational("year of a point", year), rational("effort", total)) for year, total in points)
        if len(read) < 2 or read[0][1] != 0:
            raise ValueError(f"The effort has {len(read)} points; give at least two, the first with effort 0.")
        for (year, total), (later, more) in itertools.pairwise(read):
            if later <= year or more < total:
                raise ValueError(
                    f"The effort is {short(float(total))} by {_year(year)} and {short(float(more))} by {_year(later)}; years must follow "
                    "each other, and effort cannot be taken back."
                )
        _hold(self, points=read, after=_not_negative("effort a year after the last point", after), name=name)

    @property
    def start(self) -> float:
        return float(self.points[0][0])

    @property
    def unit(self) -> str:
        return self.name

    def between(self, since: ArrayLike, until: ArrayLike) -> Floats:
        return np.asarray(self._total(_floats(until)) - self._total(_floats(since)))

    def _total(self, at: Floats) -> Floats:
        years, totals = self._arrays
        self._known(float(np.max(at, initial=-np.inf)))
        return np.asarray(np.interp(at, years, totals) + np.maximum(at - years[-1], 0.0) * float(self.after or 0))

    def _known(self, at: float) -> None:
        last = float(self.points[-1][0])
        if at > last and self.after is None:
            raise ValueError(
                f"The effort is known until {_year(last)}, and {_year(at)} was asked about; give points to there, or after=…."
            )

    def exact(self, since: Fraction, until: Fraction) -> Fraction | None:
        return self._exact_total(until) - self._exact_total(since)

    def _exact_total(self, at: Fraction) -> Fraction:
        self._known(float(at))
        for (year, total), (later, more) in itertools.pairwise(self.points):
            if at <= later:
                return total + (more - total) * (at - year) / (later - year)
        return self.points[-1][1] + (at - self.points[-1][0]) * (self.after or 0)

    def inputs(self) -> dict[str, Any]:
        return {
            "trials": self.name,
            "start": _shown(self.points[0][0]),
            "points": [[_shown(year), _shown(total)] for year, total in self.points],
            "after": None if self.after is None else _shown(self.after),
        }


@dataclass(frozen=True)
class Trials(Effort):
    """Trials counted directly, from 0: decisions of a deployment, draws from a model, attempts.

    >>> Trials("decision").unit
    'decision'
    """

    name: str = "trial"

    @property
    def start(self) -> float:
        return 0.0

    @property
    def unit(self) -> str:
        return self.name

    def between(self, since: ArrayLike, until: ArrayLike) -> Floats:
        return np.asarray(_floats(until) - _floats(since))

    def exact(self, since: Fraction, until: Fraction) -> Fraction | None:
        return until - since

    def inputs(self) -> dict[str, Any]:
        return {"trials": self.name, "start": "0"}


def _log_abs_expm1(value: Floats) -> Floats:
    return np.asarray(np.where(value > 30.0, value, np.log(np.abs(np.expm1(np.minimum(value, 30.0))))))


def _floats(value: ArrayLike) -> Floats:
    return np.asarray(value, np.float64)


def _not_negative(what: str, value: Numeric | None) -> Fraction | None:
    number = None if value is None else rational(what, value)
    if number is not None and number < 0:
        raise ValueError(f"The {what} is {value}; effort cannot be taken back, so it must not be below 0.")
    return number


def _year(value: Fraction | float) -> str:
    return f"{float(value):g}"


def _shown(value: Fraction) -> str | float:
    return written(value) or float(value)
