"""The report's kinds of rule by name, from the few numbers that people choose. A rule file, the command line and the JSON layer use these.

Davidson, "Semi-informative priors over AI timelines", Open Philanthropy 2021. Defaults are its central ones.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from assent.forecast.combined import MOST_PARTS, AllOpen, Conjunctive, Sequential
from assent.forecast.datasets import davidson2021
from assent.forecast.effort import Calendar, Levels, ResearcherYears, Trials, Weighted
from assent.forecast.elicit import elicit, root
from assent.forecast.exact import Numeric, percent, rational, short, written
from assent.forecast.model import Model
from assent.forecast.prior import BetaPrior, Lomax
from assent.forecast.rules import Even, Impossible, Rule


def calendar(*, ftp: Numeric, virtual_successes: Numeric = 1, start: Numeric = 1956, per_year: Numeric = 1) -> Rule:
    """Every year since `start` is a trial (the report's section 4).

    >>> calendar(ftp="1/300").predict(by=2036, none_by=2020).fraction
    '16/379'
    """
    return Rule(BetaPrior(ftp, virtual_successes), Calendar(start, per_year))


def trials(*, ftp: Numeric, virtual_successes: Numeric = 1) -> Rule:
    """Trials counted from 0: `none_by` and `by` are numbers of trials.

    >>> trials(ftp="1/2").predict(by=10).fraction
    '10/11'
    """
    return Rule(BetaPrior(ftp, virtual_successes), Trials())


def researcher_years(
    *,
    ftp: Numeric,
    growth: Numeric = "11 %",
    expected_growth: Numeric = "4.3 %",
    virtual_successes: Numeric = 1,
    start: Numeric = 1956,
    slows: Numeric = 2036,
    sums: str = "yearly",
) -> Rule:
    """Each equal relative growth of cumulative researcher-years is a trial (6.1 and 10.4).

    `ftp` is that of a calendar year: the chance of a trial is such that with `expected_growth` since 1956 the answer for 2036, given none
    by 2020, is the calendar's. Researchers then grow by `growth` a year until the year `slows`, and by `expected_growth` after it.

    >>> round(researcher_years(ftp="1/300").predict(by=2036, none_by=2020).probability, 6)
    0.079392
    """
    effort = ResearcherYears(start, _slowing(growth, expected_growth, start, slows), sums)
    prior = Lomax(_research_tau(ftp, virtual_successes, expected_growth, sums), virtual_successes)
    grown = f"researchers grow by {percent(float(rational('growth', growth)))} a year until {float(rational('slows', slows)):g}"
    return Rule(
        prior, effort, (_of_years(ftp, expected_growth), f"{grown}: a projection, also where it lies in the past")
    )


def compute(
    *,
    ftp: Numeric,
    importance: Numeric = 5,
    spend: Numeric = 1_000_000_000,
    expected_growth: Numeric = "4.3 %",
    virtual_successes: Numeric = 1,
    start: Numeric = 1956,
) -> Rule:
    """Each equal relative growth of the largest run's compute is a trial (6.2.1).

    One doubling of cumulative research is worth `importance` doublings of compute; `spend` is what the largest run costs in 2036, in
    dollars.

    >>> round(compute(ftp="1/300", spend="1e8").predict(by=2036, none_by=2020).probability, 6)
    0.069742
    """
    scale = rational("relative importance of research", importance)
    if scale <= 0:
        raise ValueError(f"The relative importance of research is {importance}; it must be above 0.")
    tau = float(scale) * _research_tau(ftp, virtual_successes, expected_growth, "yearly")
    doubling = f"one doubling of research is worth {short(float(scale))} of compute"
    origin = (f"{_of_years(ftp, expected_growth)}; {doubling}", _of_spend(spend))
    return Rule(Lomax(tau, virtual_successes), _compute(spend, start), origin)


def lifetime(*, spend: Numeric = 1_000_000_000, virtual_successes: Numeric = 1, start: Numeric = 1956) -> Rule:
    """Compute as trials, with an even chance by the compute of a human brain over a lifetime, 1e24 operations (6.2.2).

    >>> round(lifetime().predict(by=2036, none_by=2020).probability, 6)       # 4.3/38
    0.113158
    """
    anchor = davidson2021().values["compute"]["lifetime"]
    return _anchored(_compute(spend, start), anchor, virtual_successes, spend)


def evolution(*, spend: Numeric = 1_000_000_000, virtual_successes: Numeric = 1) -> Rule:
    """Compute as trials since 1e21 operations were affordable, with an even chance by those of evolution, 1e41 (6.2.2).

    >>> round(evolution().predict(by=2036, none_by=2020).probability, 6)      # 4.3/27
    0.159259
    """
    anchor = davidson2021().values["compute"]["evolution"]
    return _anchored(_compute(spend, 1956).since_level(anchor["begin"]), anchor, virtual_successes, spend)


def log_uniform(*, spend: Numeric = 1_000_000_000) -> Even:
    """Four fifths of the mass even over the logarithm of compute from 1e21 to 1e41 operations, the rest beyond (6.2.3).

    >>> round(log_uniform(spend="1e11").predict(by=2036, none_by=2020).probability, 6)
    0.282511
    """
    said = davidson2021().values["compute"]["log_uniform"]
    return Even.log_uniform(_compute(spend, 1956).since_level(said["low"]), said["low"], said["high"], said["mass"])


def even(*, reach: Numeric, mass: Numeric = 1, start: Numeric = 1956) -> Even:
    """Every one of `reach` years since `start` is as likely as the other.

    >>> even(reach=300).predict(by=2036, none_by=2020).fraction
    '4/59'
    """
    return Even(Calendar(start), reach, mass)


def weighted_years(*, ftp: Numeric, early: Numeric, virtual_successes: Numeric = 1) -> Rule:
    """Years since 5000 BC, those before 1956 counting for `early` trials in all (5.3: 168 by population, 220 and 139 by growth).

    >>> round(weighted_years(ftp="1/300", early=168).predict(by=2036, none_by=2020).probability, 6)
    0.02925
    """
    return Rule(BetaPrior(ftp, virtual_successes), Weighted([(-5000, 0), (1956, early)], after=1))


def series(
    *,
    points: Any,
    ftp: Numeric | None = None,
    tau: Numeric | None = None,
    virtual_successes: Numeric = 1,
    after: Numeric | None = None,
    start: Numeric | None = None,
    levels: bool | str = True,
) -> Rule:
    """A series of your own as trials: pairs of a year and the base-10 logarithm of a quantity; with levels=false, all effort so far.

    Args:
        points: pairs of a year and a number, or `1956:7, 2020:23.7` as a text. With `levels`, base-10 logarithms of a quantity whose
            relative growth counts (7 for ten million); without, all the effort up to each year.
        levels: True or False, or `true` or `false` as a text.
        ftp, tau: one of them: the chance of the first unit of effort, or the virtual effort without success.
        after: growth of the number a year after the last point; refused after it when left out.

    >>> rule = series(points=[[1956, 7], [2020, 23.7], [2036, 28]], tau=math.log(10) * 17)
    >>> round(rule.predict(by=2036, none_by=2020).probability, 6)
    0.113158
    """
    pairs = _pairs(points)
    effort = Levels(pairs, after, start) if _truth("levels", levels) else Weighted(pairs, after, name="unit of effort")
    if (ftp is None) == (tau is None):
        raise ValueError(
            "A series needs ftp, the chance of its first unit of effort, or tau, the virtual effort: exactly one of them."
        )
    prior = (
        BetaPrior(ftp, virtual_successes)
        if ftp is not None
        else Lomax(tau if tau is not None else 0, virtual_successes)
    )
    return Rule(prior, effort)


MOST_MATCHED = 20_000
"""Years over which a sequence is matched, at most: each step of the search is a convolution of so many numbers."""


def conjunctive(
    *,
    ftp: Numeric,
    parts: int | str = 2,
    virtual_successes: Numeric = 1,
    start: Numeric = 1956,
    matched: Numeric | None = None,
    known: str = "not all",
) -> Conjunctive | AllOpen:
    """Several alike things are all needed, each with calendar years as trials (7.1).

    Args:
        parts: how many.
        matched: a number of years: `ftp` is then that of one thing, and each part's is such that all of them are as likely by then.
        known: `not all` (the report's), or `each open`: of every part it is known that it has not happened (10.6.2).

    >>> round(conjunctive(ftp="1/300", parts=2, matched=100).predict(by=2036, none_by=2020).probability, 7)
    0.0534971
    """
    count = _count("number of parts", parts)
    if known not in ("not all", "each open"):
        raise ValueError(f"known is {known!r}; it must be 'not all' or 'each open'.")
    prior = BetaPrior(ftp, virtual_successes)
    if matched is not None:
        years = _positive("years of the match", matched)
        share = float(-np.expm1(prior.log_survival(0.0, float(years)))) ** (1.0 / count)
        prior = elicit({years: share}, virtual_successes=virtual_successes)
    rules = [Rule(prior, Calendar(start))] * count
    return AllOpen(rules) if known == "each open" else Conjunctive(rules)


def sequential(
    *,
    ftp: Numeric,
    steps: int | str = 2,
    virtual_successes: Numeric = 1,
    start: Numeric = 1956,
    matched: Numeric | None = None,
) -> Sequential:
    """Several alike things one after the other, at most one a year (7.1.2).

    Args:
        steps: how many.
        matched: a number of whole years: `ftp` is then that of one thing, and each step's is such that all are as likely by then.

    >>> round(sequential(ftp="1/300", steps=5, matched=100).predict(by=2036, none_by=2020).probability, 6)
    0.068915
    """
    count = _count("number of steps", steps)
    prior, years = BetaPrior(ftp, virtual_successes), Calendar(start)
    if matched is not None:
        horizon = float(_positive("years of the match", matched))
        if horizon > MOST_MATCHED:
            raise ValueError(f"The years of the match are {short(horizon)}; give at most {MOST_MATCHED:,}.")
        aim = float(prior.log_survival(0.0, horizon))

        def excess(log_odds: float) -> float:
            chance = 1.0 / (1.0 + math.exp(-log_odds))
            return aim - float(
                Sequential(BetaPrior(chance, virtual_successes), Calendar(0), count).log_survival(horizon)
            )

        prior = BetaPrior(1.0 / (1.0 + math.exp(-root(excess, -30.0, 10.0))), virtual_successes)
    return Sequential(prior, years, count)


def impossible() -> Impossible:
    """It never happens."""
    return Impossible()


KINDS: Mapping[str, Callable[..., Model]] = {
    "calendar": calendar,
    "trials": trials,
    "researcher-years": researcher_years,
    "compute": compute,
    "lifetime": lifetime,
    "evolution": evolution,
    "log-uniform": log_uniform,
    "even": even,
    "weighted-years": weighted_years,
    "series": series,
    "conjunctive": conjunctive,
    "sequential": sequential,
    "impossible": impossible,
}
"""Kinds of rule by the name that files, options and addresses use."""


def build(kind: str, inputs: Mapping[str, Any]) -> Model:
    """The model of that kind.

    Raises:
        ValueError: an unknown kind, an input it does not have, or one that is missing.

    >>> build("calendar", {"ftp": "1/300"}).predict(by=2036, none_by=2020).fraction
    '16/379'
    """
    if kind not in KINDS:
        raise ValueError(f"There are no trials called {kind!r}; give one of {', '.join(KINDS)}.")
    known = inspect.signature(KINDS[kind]).parameters
    unknown = [name for name in inputs if name not in known]
    if unknown:
        raise ValueError(
            f"Trials of the kind {kind} have no {', '.join(unknown)}; they have {', '.join(known) or 'no inputs'}."
        )
    missing = [name for name, one in known.items() if one.default is inspect.Parameter.empty and name not in inputs]
    if missing:
        raise ValueError(f"Trials of the kind {kind} need {', '.join(missing)}, which was not given.")
    return KINDS[kind](**inputs)


def _pairs(points: Any) -> list[tuple[Numeric, Numeric]]:
    listed = [part.split(":") for part in points.split(",")] if isinstance(points, str) else points
    if not isinstance(listed, (list, tuple)) or any(
        not isinstance(pair, (list, tuple)) or len(pair) != 2 for pair in listed
    ):
        raise ValueError(f"The points are {points!r}; give pairs of a year and a number, such as 1956:7, 2020:23.7.")
    return [(year, number) for year, number in listed]


def _truth(what: str, value: bool | str) -> bool:
    told = {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(told, bool):
        raise ValueError(f"{what} is {value!r}; it must be true or false.")
    return told


def _count(what: str, value: int | str) -> int:
    number = rational(what, value)
    if number.denominator != 1 or not 1 <= number <= MOST_PARTS:
        raise ValueError(f"The {what} is {value}; it must be a whole number from 1 to {MOST_PARTS:,}.")
    return int(number)


def _positive(what: str, value: Numeric) -> Fraction:
    number = rational(what, value)
    if number <= 0:
        raise ValueError(f"The {what} are {value}; they must be above 0.")
    return number


def _slowing(growth: Numeric, later: Numeric, start: Numeric, slows: Numeric) -> list[tuple[Numeric, Numeric]]:
    begin, turn = rational("start", start), rational("year in which growth slows", slows)
    if turn <= begin:
        raise ValueError(
            f"Growth slows in {short(float(turn))}, no later than the start in {short(float(begin))}; give a later year."
        )
    return [(begin, growth), (turn, later)]


def _research_tau(ftp: Numeric, virtual_successes: Numeric, expected_growth: Numeric, sums: str) -> float:
    """Virtual effort, so that with the expected growth since 1956 the answer for 2036, given none by 2020, is that of calendar years.

    Solved for one virtual success, and multiplied by their number (10.4: the same difficulty).
    """
    said = davidson2021().values["researchers"]["matched"]
    years = calendar(ftp=ftp, start=said["start"])
    alpha = BetaPrior("1/2", virtual_successes).alpha
    return float(alpha) * _matched(
        float(years.predict(said["by"], none_by=said["none_by"]).probability), expected_growth, sums
    )


@functools.lru_cache(maxsize=1024)
def _matched(answer: float, growth: Numeric, sums: str) -> float:
    said = davidson2021().values["researchers"]["matched"]
    effort = ResearcherYears(said["start"], growth, sums)
    before, more = (
        float(effort.between(*ends)) for ends in ((said["start"], said["none_by"]), (said["none_by"], said["by"]))
    )
    return more * (1.0 - answer) / answer - before


def _of_years(ftp: Numeric, expected_growth: Numeric) -> str:
    """What the virtual effort of research is matched to."""
    said = davidson2021().values["researchers"]["matched"]
    chance, growth = rational("first-trial probability", ftp), rational("growth", expected_growth)
    return (
        f"were researchers to grow by {percent(float(growth))} a year since {said['start']}, the answer for {said['by']} given none by "
        f"{said['none_by']} would be that of calendar years with first-trial probability {written(chance) or short(float(chance))}"
    )


def _of_spend(spend: Numeric) -> str:
    dollars = float(rational("spend on the largest run in 2036", spend))
    return (
        f"the largest run costs {short(dollars)} dollars in 2036, and compute follows the report's path of 2020 up to there: a projection, "
        "also where it lies in the past"
    )


def _anchored(effort: Levels, anchor: Mapping[str, Any], virtual_successes: Numeric, spend: Numeric) -> Rule:
    alpha, chance = rational("virtual successes", virtual_successes), rational("chance", anchor["chance"])
    decades = rational("reach", anchor["reach"]) - Fraction(float(effort.log10(effort.start)))
    if alpha <= 0:
        raise ValueError(f"The virtual successes are {virtual_successes}; they must be above 0, such as 1 or 1/2.")
    tau = float(decades) * math.log(10.0) / math.expm1(-math.log1p(-float(chance)) / float(alpha))
    reach, begin = (f"1e{short(float(level))}" for level in (anchor["reach"], effort.log10(effort.start)))
    origin = f"{percent(float(chance))} is the chance that {reach} operations suffice, from {begin} on, had nothing been tried"
    return Rule(Lomax(tau, alpha), effort, (origin, _of_spend(spend)))


@functools.lru_cache(maxsize=256)
def _compute(spend: Numeric, start: Numeric) -> Levels:
    """Base-10 logarithm of the largest run's operations, by year: what is spent on it over what an operation costs."""
    said = davidson2021().values["compute"]
    dollars = rational("spend on the largest run in 2036", spend)
    if dollars <= 0:
        raise ValueError(f"The spend on the largest run in 2036 is {spend}; give dollars above 0, such as 1e9.")
    price = [(Fraction(year), Fraction(str(level))) for year, level in said["price"]["value"]]
    first, now = (rational("spend", str(said[name]["value"])) for name in ("spend_1956", "spend_2020"))
    last = Fraction(repr(math.log10(dollars)))
    points: list[tuple[Numeric, Numeric]] = []
    for year in sorted({*(year for year, _ in price), *map(Fraction, range(2020, 2037))}):
        spent = (
            first + (now - first) * (year - 1956) / 64
            if year <= 2020
            else last - (last - now) * (2036 - year) ** 2 / 256
        )
        points.append((year, spent - _interpolated(price, year)))
    after = Fraction(repr(math.log10(2.0) / said["price_halves_years"]["value"]))
    return Levels(points, after=after, start=start, name="compute of the largest run")


def _interpolated(points: list[tuple[Fraction, Fraction]], year: Fraction) -> Fraction:
    for (low, below), (high, above) in itertools.pairwise(points):
        if low <= year <= high:
            return below + (above - below) * (year - low) / (high - low)
    raise ValueError(f"No price is known for {float(year):g}.")
