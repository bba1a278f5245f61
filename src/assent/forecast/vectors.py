"""The report's kinds of rule for many draws of their inputs at once: log-survival for float64 [N], or a float, of each input.

Each says the same as the kind of that name in `kinds` does for one draw (a test compares them).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from assent.forecast.datasets import davidson2021
from assent.forecast.exact import LEAST, percent, rational
from assent.forecast.kernel import Floats, log_survival_counted, log_survival_effort
from assent.forecast.kinds import compute as compute_rule
from assent.forecast.kinds import evolution as evolution_rule

TEXTS = ("sums",)
"""Inputs that are words."""

Survivals = tuple[Floats, Floats]
"""ln P(none by the evidence date), and ln P(none by the target | none by then): float64, broadcast against [N]."""


def calendar(
    since: float, until: float, *, ftp: Any, virtual_successes: Any = 1.0, start: Any = 1956.0, per_year: Any = 1.0
) -> Survivals:
    """Every year is a trial."""
    return _counted(ftp, virtual_successes, (since - start) * per_year, (until - since) * per_year)


def trials(since: float, until: float, *, ftp: Any, virtual_successes: Any = 1.0) -> Survivals:
    """Trials counted from 0."""
    return _counted(ftp, virtual_successes, since, until - since)


def researcher_years(
    since: float,
    until: float,
    *,
    ftp: Any,
    growth: Any = 0.11,
    expected_growth: Any = 0.043,
    virtual_successes: Any = 1.0,
    start: Any = 1956.0,
    slows: Any = 2036.0,
    sums: str = "yearly",
) -> Survivals:
    """Relative growth of cumulative researcher-years as trials."""
    yearly = sums == "yearly"
    tau = virtual_successes * _matched_tau(ftp, expected_growth, yearly)
    research = _Research(start, growth, expected_growth, slows, yearly)
    before = research.grown(since)
    more = research.grown(until) - before
    return log_survival_effort(virtual_successes, tau, 0.0, before), log_survival_effort(
        virtual_successes, tau, before, more
    )


def compute(
    since: float,
    until: float,
    *,
    ftp: Any,
    importance: Any = 5.0,
    spend: Any = 1e9,
    expected_growth: Any = 0.043,
    virtual_successes: Any = 1.0,
    start: Any = 1956.0,
) -> Survivals:
    """Relative growth of the largest run's compute as trials, as important as `importance` says."""
    tau = virtual_successes * importance * _matched_tau(ftp, expected_growth, True)
    first, before, by = (_log_compute(at, spend) for at in (start, since, until))
    return (
        log_survival_effort(virtual_successes, tau, 0.0, before - first),
        log_survival_effort(virtual_successes, tau, before - first, by - before),
    )


def lifetime(
    since: float, until: float, *, spend: Any = 1e9, virtual_successes: Any = 1.0, start: Any = 1956.0
) -> Survivals:
    """Compute as trials, with an even chance by the compute of a brain's lifetime."""
    first, before, by = (_log_compute(at, spend) for at in (start, since, until))
    anchor = davidson2021().values["compute"]["lifetime"]
    tau = _anchored_tau(anchor["reach"] * math.log(10.0) - first, anchor, virtual_successes)
    return (
        log_survival_effort(virtual_successes, tau, 0.0, before - first),
        log_survival_effort(virtual_successes, tau, before - first, by - before),
    )


def evolution(since: float, until: float, *, spend: Any = 1e9, virtual_successes: Any = 1.0) -> Survivals:
    """Compute as trials since 1e21 operations, with an even chance by those of evolution."""
    start = evolution_rule(spend=1_000_000_000).start  # before 2020, so that no spend of 2036 moves it
    first, before, by = (_log_compute(max(at, start), spend) for at in (start, since, until))
    anchor = davidson2021().values["compute"]["evolution"]
    tau = _anchored_tau((anchor["reach"] - anchor["begin"]) * math.log(10.0), anchor, virtual_successes)
    return (
        log_survival_effort(virtual_successes, tau, 0.0, before - first),
        log_survival_effort(virtual_successes, tau, before - first, by - before),
    )


VECTORS: Mapping[str, Callable[..., Survivals]] = {
    "calendar": calendar,
    "trials": trials,
    "researcher-years": researcher_years,
    "compute": compute,
    "lifetime": lifetime,
    "evolution": evolution,
}
"""Kinds that can be drawn many at a time."""

TIMES = frozenset({"start", "slows"})
CHECKED: Mapping[str, tuple[float, float]] = {
    "ftp": (0.0, 1.0),
    "virtual_successes": (0.0, math.inf),
    "growth": (0.0, math.inf),
    "expected_growth": (0.0, math.inf),
    "importance": (0.0, math.inf),
    "spend": (0.0, math.inf),
    "per_year": (0.0, math.inf),
}
"""Open intervals in which every draw of an input has to lie."""


def _counted(ftp: Any, alpha: Any, before: Any, more: Any) -> Survivals:
    beta = alpha / ftp - alpha
    if np.all(np.asarray(alpha) == 1.0):
        return log_survival_effort(1.0, beta, 0.0, before), log_survival_effort(1.0, beta, before, more)
    return log_survival_counted(alpha, beta, 0.0, before), log_survival_counted(alpha, beta, before, more)


def _matched_tau(ftp: Any, growth: Any, yearly: bool) -> Floats:
    """`kinds._research_tau` for one virtual success: the calendar's answer for 2036 given none by 2020, since 1956."""
    said = davidson2021().values["researchers"]["matched"]
    start, since, until = (float(said[name]) for name in ("start", "none_by", "by"))
    research = _Research(start, growth, growth, math.inf, yearly)
    before = research.grown(since)
    failures = 1.0 / ftp - 1.0 + since - start
    tau = np.asarray((research.grown(until) - before) * failures / (until - since) - before)
    least = float(LEAST)  # a fraction would be compared number by number
    if not float(np.min(tau)) >= least:  # NaN too
        raise ValueError(
            f"{percent(float(np.mean(~(tau >= least))))} of the draws have a first-trial probability so great that no virtual effort "
            "matches it: give a distribution that stays lower."
        )
    return tau


def _anchored_tau(effort: Any, anchor: Mapping[str, Any], alpha: Any) -> Floats:
    """Virtual effort under which so much effort suffices with the anchor's chance."""
    with np.errstate(over="ignore"):  # is refused below
        odds = np.expm1(-math.log1p(-float(rational("chance", anchor["chance"]))) / np.asarray(alpha))
    tau = np.asarray(effort / odds)
    if float(np.min(tau)) < LEAST:
        raise ValueError(
            f"With {float(np.min(alpha)):g} virtual successes the anchor's virtual effort is below 1e-100; give more of them."
        )
    return tau


class _Research:
    """Cumulative researcher-years as growth goes on, and after it slows; logarithms of rates are taken once."""

    def __init__(self, start: Any, growth: Any, later: Any, slows: Any, yearly: bool) -> None:
        late = float(np.mean(np.asarray(start) >= np.asarray(slows)))
        if late:
            raise ValueError(
                f"In {percent(late)} of the draws growth slows no later than trying begins; give a later year, or an earlier start."
            )
        self.start, self.slows, self.yearly = start, slows, yearly
        self.rate, self.scale = np.log1p(growth), growth if yearly else None
        self.later = later

    def grown(self, at: float) -> Floats:
        """ln of the researcher-years up to `at` over those up to the start."""
        if np.all(at <= np.asarray(self.slows)):
            return self._steady(at - self.start)
        years = np.minimum(at, self.slows) - self.start
        rate = np.log1p(self.later)
        late = np.asarray(rate * np.maximum(at - self.slows, 0.0))
        unit = np.log(rate) if not self.yearly else np.log(self.later) - rate
        first = np.log(self.rate if self.scale is None else self.scale) + self.rate * years
        with np.errstate(divide="ignore"):
            added = (
                late + np.log(-np.expm1(-late)) - unit
            )  # ln of the growth after the turn, in the first year's research
            return np.asarray(np.logaddexp(self._steady(years), first + added))

    def _steady(self, years: Any) -> Floats:
        """Before it slows: (1 + g)^(years + 1) - g for yearly sums, (1 + g)^years for the integral."""
        if self.scale is None:
            return np.asarray(self.rate * years)
        grown = self.rate * (years + 1.0)
        return np.asarray(grown + np.log1p(-self.scale * np.exp(-grown)))


def _log_compute(at: float, spend: Any) -> Floats:
    """Natural logarithm of the largest run's operations: linear in the logarithm of what is spent in 2036."""
    low, high = (float(_path(dollars).log10(at)) for dollars in (1_000_000_000, 10_000_000_000))
    return np.asarray((low + (high - low) * (np.log10(spend) - 9.0)) * math.log(10.0))


def _path(dollars: int) -> Any:
    return compute_rule(ftp="1/300", spend=dollars).trials


def read_plain(name: str, value: Any) -> Any:
    """A fixed input as a float, or as the text it is (`sums`)."""
    return value if name in TEXTS else float(rational(name, value))
