"""Single models of a first event: the semi-informative rule, the event that never happens, and the even chance over a range."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assent.forecast.effort import Effort, Levels
from assent.forecast.exact import Numeric, percent, rational, short, written
from assent.forecast.kernel import Floats
from assent.forecast.model import Model, Trying
from assent.forecast.prior import BetaPrior, Prior


@dataclass(frozen=True)
class Rule(Trying):
    """A belief about the chance of a trial, and what counts as one: failed trials so far make the next ones less likely to succeed.

    Davidson, "Semi-informative priors over AI timelines", Open Philanthropy 2021, section 3 and appendix 10.2.

    Args:
        prior: a `BetaPrior` for trials that are counted, a `Lomax` for effort that may be divided.
        trials: what counts as trying, and since when.
        origin: sentences on where the belief and the effort are from, for its assumptions.

    >>> from assent.forecast.effort import Calendar
    >>> rule = Rule(BetaPrior("1/300"), Calendar(1956))
    >>> rule.predict(by=2036, none_by=2020).exact
    Fraction(16, 379)
    >>> rule.quantile("1/2", none_by=2020)
    2383.0
    """

    prior: Prior
    trials: Effort
    origin: tuple[str, ...] = ()
    method = "rule"

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        return self.prior.log_survival(*self.tried(until, since))

    def exact_survival(self, until: Fraction, *, since: Fraction) -> Fraction | None:
        tried = self.exactly_tried(until, since)
        return None if tried is None else self.prior.exact_survival(*tried)

    def inputs(self) -> dict[str, Any]:
        return {**self.prior.inputs(), **self.trials.inputs()}

    def why(self, since: float, until: float) -> tuple[str, ...]:
        before, more = self.effort(since, until)
        now = self.prior.mean(before)
        sentences = [
            f"{_count(before, self.unit)} without success from {_year(self.start)} to {_year(since)}, {short(more)} by {_year(until)}.",
            f"Believed at the start: {self.prior.said()}.",
            f"Chance of the next {self.unit} after the failures so far: {percent(now)} (1 in {short(1 / now)}).",
        ]
        if isinstance(self.prior, BetaPrior) and self.prior.alpha == 1:
            beta, n, m = (short(part) for part in (float(self.prior.beta), before, more))
            sentences.append(f"With one virtual success that is m / (beta + n + m) = {m} / ({beta} + {n} + {m}).")
        return tuple(sentences)

    @property
    def assumptions(self) -> tuple[str, ...]:
        return (
            f"each {'one' if self.unit == 'trial' else self.unit} is a trial with the same unknown chance of success, whatever happened "
            "before",
            f"the belief at the start held nothing else than this: {self.prior.said()}",
            f"trying began in {_year(self.start)}, and goes on as assumed up to the target",
            *self.origin,
        )


@dataclass(frozen=True)
class Impossible(Model):
    """The event never happens. As a part of a mixture it gains weight while nothing happens.

    >>> Impossible().predict(by=2100, none_by=2020).probability
    0.0
    """

    method = "impossible"

    @property
    def start(self) -> float:
        return -np.inf

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        return np.zeros(np.broadcast(np.asarray(until), np.asarray(0.0 if since is None else since)).shape)

    def exact_survival(self, until: Fraction, *, since: Fraction) -> Fraction | None:
        return Fraction(1)

    def inputs(self) -> dict[str, Any]:
        return {"trials": "impossible"}

    @property
    def assumptions(self) -> tuple[str, ...]:
        return ("the event cannot happen",)


@dataclass(frozen=True, init=False)
class Even(Trying):
    """The event needs an effort between nothing and `reach`, each as likely as the other; with the rest of the mass it needs more.

    Over the logarithm of compute this is the log-uniform model (Davidson 2021, 6.2.3).

    Args:
        trials: what counts as trying.
        reach: effort up to which the chance is spread, > 0.
        mass: probability that so much suffices, in (0, 1].

    Raises:
        ValueError: a number outside its range.

    >>> from assent.forecast.effort import Calendar
    >>> Even(Calendar(1956), reach=300).predict(by=2036, none_by=2020).exact       # 16 of the 236 years left
    Fraction(4, 59)
    """

    trials: Effort
    reach: Fraction
    mass: Fraction
    method = "even"

    def __init__(self, trials: Effort, reach: Numeric, mass: Numeric = 1) -> None:
        effort, share = rational("reach", reach), rational("mass", mass)
        if effort <= 0:
            raise ValueError(f"The reach is {reach}; it must be above 0, in the unit of effort.")
        if not 0 < share <= 1:
            raise ValueError(f"The mass is {mass}; it must lie in (0, 1].")
        for name, value in (("trials", trials), ("reach", effort), ("mass", share)):
            object.__setattr__(self, name, value)

    @staticmethod
    def log_uniform(compute: Levels, low: Numeric, high: Numeric, mass: Numeric = 1) -> Even:
        """Even over the base-10 logarithm of `compute` from `low` to `high`; the regime starts where compute reaches `low`.

        Raises:
            ValueError: high not above low, or the start of `compute` not at `low`.
        """
        bottom, top = rational("low end", low), rational("high end", high)
        if top <= bottom:
            raise ValueError(
                f"The range goes from 1e{short(float(bottom))} to 1e{short(float(top))}; the high end must be above the low one."
            )
        at_start = float(compute.log10(compute.start))
        if abs(at_start - float(bottom)) > 1e-9:
            raise ValueError(
                f"The {compute.name} starts at 1e{at_start:g}, and the range at 1e{short(float(bottom))}: let the regime start where it is "
                "reached (Levels.since_level does)."
            )
        return Even(compute, (top - bottom) * Fraction(np.log(10.0)), mass)

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        tried, further = self.tried(until, since)
        reach, mass = float(self.reach), float(self.mass)
        before = np.minimum(tried, reach)
        more = np.minimum(further, reach - before)
        with np.errstate(divide="ignore", invalid="ignore"):
            fallen = np.log1p(-mass * more / (reach - mass * before))
        # where nothing more is tried nothing falls, not even past the end of a reach that has all the mass
        return np.asarray(np.where(more > 0, fallen, 0.0))

    def exact_survival(self, until: Fraction, *, since: Fraction) -> Fraction | None:
        tried = self.exactly_tried(until, since)
        if tried is None or tried[0] >= self.reach:
            return None
        before, more = tried
        return 1 - self.mass * min(more, self.reach - before) / (self.reach - self.mass * before)

    def inputs(self) -> dict[str, Any]:
        return {"reach": _plain(self.reach), "mass": _plain(self.mass), **self.trials.inputs()}

    @property
    def assumptions(self) -> tuple[str, ...]:
        rest = "" if self.mass == 1 else f", or more with probability {percent(float(1 - self.mass))}"
        return (f"between none and {short(float(self.reach))} {self.unit}s suffice, each as likely as the other{rest}",)


def _count(effort: float, unit: str) -> str:
    return (
        f"{short(effort)} {unit}{'' if effort == 1 else 's'}"
        if " of " not in unit
        else f"{short(effort)} {unit.replace(' of ', 's of ', 1)}"
    )


def _year(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _plain(value: Fraction) -> str | float:
    return written(value) or float(value)
