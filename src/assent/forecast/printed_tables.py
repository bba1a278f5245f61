"""How each number that the report prints is computed: a function for each of its tables, from the labels of row and column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from assent.forecast import presets
from assent.forecast.combined import Conjunctive
from assent.forecast.effort import Calendar
from assent.forecast.exact import Numeric, rational
from assent.forecast.hyperprior import HyperPrior
from assent.forecast.kinds import (
    calendar,
    compute,
    evolution,
    impossible,
    lifetime,
    log_uniform,
    researcher_years,
    weighted_years,
)
from assent.forecast.model import Model
from assent.forecast.prior import BetaPrior
from assent.forecast.rules import Rule

Value = Fraction | float | None
"""A probability, exact where it is rational; None where the report does not say enough to compute it."""

CONSERVATIVE, AGGRESSIVE = 10**8, 10**11
"""Dollars that the largest run costs in 2036."""


def _p(model: Model, by: Numeric = 2036, none_by: Numeric = 2020) -> Fraction | float:
    found = model.predict(by, none_by=none_by)
    return found.probability if found.exact is None else found.exact


def _mean(values: Sequence[Fraction | float]) -> float:
    return sum(map(float, values)) / len(values)


_SPENDS: Mapping[str, tuple[Numeric, ...]] = {
    "$100 million": (CONSERVATIVE,),
    "$100 billion": (AGGRESSIVE,),
    "equal weight": (CONSERVATIVE, AGGRESSIVE),
}


def _by_spend(row: str, column: str, virtual_successes: Numeric = 1) -> float:
    """One model of compute, or the average of all four, by what is spent."""
    models: dict[str, Callable[[Numeric], Model]] = {
        "lifetime anchor": lambda spend: lifetime(spend=spend, virtual_successes=virtual_successes),
        "evolutionary anchor": lambda spend: evolution(spend=spend, virtual_successes=virtual_successes),
        "log-uniform": lambda spend: log_uniform(spend=spend),
        "relative importance": lambda spend: compute(ftp="1/300", spend=spend, virtual_successes=virtual_successes),
    }
    chosen = models.values() if column == "average of four" else [models[column]]
    return _mean([_p(model(spend)) for spend in _SPENDS[row] for model in chosen])


def _within(row: str, column: str) -> Value:
    virtual_successes, ftp = column.split(", ")
    rule = calendar(ftp=ftp, virtual_successes=virtual_successes)
    return _p(rule) if row == "by 2036" else _p(rule, 1956 + int(row.split()[1]), 1956)


_SINGLE: Mapping[str, Callable[[Numeric], Model]] = {
    "researcher-years, low": lambda alpha: researcher_years(ftp="1/1000", growth="7 %", virtual_successes=alpha),
    "researcher-years, central": lambda alpha: researcher_years(ftp="1/300", virtual_successes=alpha),
    "researcher-years, high": lambda alpha: researcher_years(ftp="1/100", growth="16 %", virtual_successes=alpha),
    "compute, low": lambda alpha: compute(ftp="1/1000", importance=10, spend=CONSERVATIVE, virtual_successes=alpha),
    "compute, high": lambda alpha: compute(ftp="1/300", importance=1, spend=AGGRESSIVE, virtual_successes=alpha),
}


def _virtual_successes(row: str, column: str) -> Value:
    return (
        _by_spend("equal weight", "lifetime anchor", column) if row == "compute, central" else _p(_SINGLE[row](column))
    )


def _begun_late(row: str, column: str) -> Value:
    ftp, growth = {"central": ("1/300", "11 %"), "high": ("1/100", "16 %")}[row]
    return _p(researcher_years(ftp=ftp, growth=growth, start=column))


def _matched(chance: float, conjuncts: int) -> BetaPrior:
    """A conjunct's prior, so that all are done within 100 years with this chance."""
    each = chance ** (1 / conjuncts)
    return BetaPrior.of(1, 100 * (1 - each) / each)


def _conjuncts(row: str, column: str) -> Value:
    alone = _p(calendar(ftp=row), 2056, 1956)
    model = Conjunctive([Rule(_matched(float(alone), int(column)), Calendar(1956))] * int(column))
    return float(-np.expm1(model.log_survival(2036, since=2020)))


def _first_trials(row: str, column: str) -> Value:
    if column not in ("static", "updated"):
        place = ("first weight", "second weight", "third weight").index(column)
        return _over_first_trials(row).weights(2020)[row.split(", ")[place]]
    model = _over_first_trials(row)
    return model.static(2036, none_by=2020) if column == "static" else _p(model)


def _over_first_trials(row: str) -> HyperPrior:
    chances = row.split(", ")
    return HyperPrior({ftp: (calendar(ftp=ftp), Fraction(1, len(chances))) for ftp in chances})


def _or_never(model: Model, column: str) -> Value:
    mixture = HyperPrior({"rule": (model, "80 %"), "never": (impossible(), "20 %")})
    return mixture.weights(2020)["never"] if column == "weight in 2020" else _p(mixture)


_RULES: Mapping[str, Callable[[], Model]] = {
    "calendar years": lambda: calendar(ftp="1/300"),
    "researcher-years, 11 %": lambda: researcher_years(ftp="1/300"),
    "researcher-years, 21 %": lambda: researcher_years(ftp="1/300", growth="21 %"),
    "researcher-years, 21 %, since 2000": lambda: researcher_years(ftp="1/300", growth="21 %", start=2000),
    "compute, X = 5": lambda: compute(ftp="1/300", importance=5, spend=AGGRESSIVE),
    "compute, X = 1": lambda: compute(ftp="1/300", importance=1, spend=AGGRESSIVE),
    "lifetime anchor": lambda: lifetime(spend=AGGRESSIVE),
    "evolutionary anchor": lambda: evolution(spend=AGGRESSIVE),
    "log-uniform": lambda: log_uniform(spend=AGGRESSIVE),
}


def _half(row: str, column: str, exempt: bool) -> Value:
    exempts = exempt and row == "evolutionary anchor"
    mixture = HyperPrior(
        {"calendar years": (calendar(ftp="1/300"), "1/2"), row: (_RULES[row](), "1/2")},
        exempt=(row,) if exempts else (),
        exempt_until=2020.0 if exempts else None,
    )
    if column == "static":
        return mixture.static(2036, none_by=2020)
    return mixture.weights(2020)[row] if column == "weight in 2020" else _p(mixture)


def _definitions(row: str, column: str) -> Value:
    ftp, growth = {"low": ("1/1000", "7 %"), "central": ("1/300", "11 %")}.get(column, ("1/100", "16 %"))
    start = 2000 if column == "high, late start" else 1956
    if row == "calendar years":
        return _p(calendar(ftp=ftp, start=start))
    if row == "researcher-years":
        return _p(researcher_years(ftp=ftp, growth=growth, start=start))
    models: dict[str, Callable[[], Value]] = {
        "low": lambda: _virtual_successes("compute, low", "1"),
        "central": lambda: _by_spend("equal weight", "average of four"),
        "high, late start": lambda: _by_spend("$100 billion", "log-uniform"),
    }
    return models[column]() if column in models else None


def _considered(row: str, column: str) -> Value:
    return _p(presets.PRESETS[column]("davidson2021"), row.removeprefix("by "))


def _footnote(row: str, column: str) -> Value:
    alpha: Numeric = "1/2" if row == "0.5 virtual successes" else 1
    start = 2000 if row.endswith("since 2000") else 1956
    parts: dict[str, tuple[Model, Numeric]] = {
        "calendar": (calendar(ftp="1/300", virtual_successes=alpha, start=start), "30 %"),
        "researchers": (researcher_years(ftp="1/300", virtual_successes=alpha, start=start), "30 %"),
        "importance": (compute(ftp="1/300", virtual_successes=alpha), "5 %"),
        "lifetime": (lifetime(virtual_successes=alpha), "10 %"),
        "evolution": (evolution(virtual_successes=alpha), "15 %"),
        "impossible": (impossible(), "10 %"),
    }
    return _p(HyperPrior(parts))


def _start(label: str) -> Numeric:
    return -rational("year", label.removesuffix(" BC")) if label.endswith(" BC") else label


TABLES: Mapping[str, Callable[[str, str], Value]] = {
    "1.1 summary": _considered,
    "1.1 definitions": _definitions,
    "4.2": lambda row, _: _p(calendar(ftp=row)),
    "5.2.2": lambda row, column: BetaPrior("1/100", column).after(row.split()[1]).ftp,
    "5.2.3": lambda row, column: _p(calendar(ftp=column, virtual_successes=row)),
    "5.2.3 cumulative": _within,
    "5.2.3 by 2036": _within,
    "5.3 start": lambda row, column: _p(calendar(ftp=row, start=_start(column))),
    "5.3 early": lambda row, column: _p(weighted_years(ftp=row, early=column)),
    "6.1.2": lambda row, column: _p(researcher_years(ftp=row, growth=column)),
    "6.2.2.1 conservative": lambda row, column: _p(compute(ftp=row, importance=column[4:], spend=CONSERVATIVE)),
    "6.2.2.1 aggressive": lambda row, column: _p(compute(ftp=row, importance=column[4:], spend=AGGRESSIVE)),
    "6.2.2.2": _by_spend,
    "6.2.2.2 importance": _by_spend,
    "6.2.2.2.1 footnote": _by_spend,
    "6.2.3 log-uniform": _by_spend,
    "6.2.3 rest": _by_spend,
    "6.3.1": _virtual_successes,
    "6.3.1 central in brackets": lambda _, column: _by_spend("equal weight", "average of four", column),
    "6.3.1 high in brackets": lambda row, column: _mean(
        [_p(_SINGLE[row](column)), _by_spend("$100 billion", "log-uniform")]
    ),
    "6.3.2": _begun_late,
    "7.1.3.2": _conjuncts,
    "7.2.1": _first_trials,
    "7.3": lambda row, column: _or_never(calendar(ftp=row), column),
    "7.3 without": lambda row, _: _p(calendar(ftp=row)),
    "8.1": _definitions,
    "8.2": _considered,
    "8.2 footnote": _footnote,
    "8.3": lambda row, column: _p(presets.central("davidson2021"), none_by=column.removeprefix("none by ")),
    "8.3 before": lambda row, column: _p(presets.central("davidson2021"), none_by=column.removeprefix("none by ")),
    "10.3": lambda row, column: float(np.exp(BetaPrior("1/300", column).log_survival(0, float(row)))),
    "10.4.4": lambda row, column: _p(researcher_years(ftp=row, growth=column, expected_growth="8.6 %")),
    "10.6.1": lambda row, _: _matched(0.25, int(row.split()[0])).ftp,
    "10.6.2": lambda row, column: _p(calendar(ftp="1/2"), column) ** int(row),
    "10.8": lambda row, column: _half(row, column, exempt=True),
    "10.8 bayes": lambda row, column: _half(row, column, exempt=False),
    "10.9": lambda row, column: _or_never(_RULES[row](), column),
    "10.9 without": lambda row, _: _p(_RULES[row]()),
}
"""By the tables' names in the data file: from the labels of row and column to the value."""
