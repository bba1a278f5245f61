"""Curves over time stand where the model says, and every rule is named."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from assent.forecast import BetaPrior, Calendar, HyperPrior, Impossible, Model, Rule, Trials
from assent.forecast.kinds import calendar, researcher_years
from assent.forecast.uncertain import Uncertain
from assent.report.forecasts import fan_chart
from assent.report.forecasts.fan import BAND_POINTS, MOST_DRAWS
from assent.report.forecasts.parts import hues
from assent.report.forecasts.places import flag_rows
from tests.report.forecasts.drawing import WIDTHS, check, circles, places, tracks, values, words

LONG = "a rule whose name says everything that anybody could ever want to know about how it came to be"
MIXTURE = HyperPrior(
    {
        "calendar years": (calendar(ftp="1/300"), 0.4),
        "researcher-years": (researcher_years(ftp="1/100"), 0.3),
        LONG: (calendar(ftp="1/1000"), 0.2),
        "never": (Impossible(), 0.1),
    }
)
MANY = HyperPrior({f"rule number {n}": (calendar(ftp=f"1/{50 * n}"), 0.05) for n in range(1, 21)})
UNCERTAIN = Uncertain("calendar", {"ftp": "1/1000 to 1/100"}, draws=25_000)


class Broken(Model):
    """No number from `first` on."""

    def __init__(self, first: float) -> None:
        self.first = first

    @property
    def start(self) -> float:
        return 2000.0

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Any:
        times = np.asarray(until, np.float64)
        return np.where(times >= self.first, np.nan, -0.001 * (times - 2000.0))

    def inputs(self) -> dict[str, Any]:
        return {}


MODELS: dict[str, Model] = {
    "rule": calendar(ftp="1/300"),
    "mixture": MIXTURE,
    "many rules": MANY,
    "uncertain": UNCERTAIN,
    "tiny": calendar(ftp="1e-9"),
    "sure": Rule(BetaPrior("0.999"), Calendar(2019)),
    "never": Impossible(),
    "no number after 2050": Broken(2050.0),
}


DATES = {"none": (), "one": (2036,), "near": (2021, 2022, 2024, 2030, 2036, 2100), "many": tuple(range(2021, 2101, 2))}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("name", "dates"), [*((name, "near") for name in MODELS), *(("rule", dates) for dates in DATES), ("tiny", "none")]
)
def test_every_kind_of_model_has_a_picture(name: str, dates: str, width: float) -> None:
    check(fan_chart(MODELS[name], width=width, name="f", by=DATES[dates], none_by=2020), width)


@pytest.mark.parametrize("name", ["mixture", "uncertain"])
def test_the_same_model_gives_the_same_bytes(name: str) -> None:
    first, second = (fan_chart(MODELS[name], width=900.0, name="f", by=(2036,), none_by=2020) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["rule", "mixture", "uncertain"])
def test_dates_asked_about_are_marked_at_their_probability(name: str, width: float) -> None:
    asked = (2030, 2036, 2060, 2100)
    root = check(fan_chart(MODELS[name], width=width, name="f", by=asked, none_by=2020), width)
    year, probability = places(root), values(root)
    dots = circles(root, "ring")
    assert [round(year(x)) for x, _ in dots] == list(asked)
    said = words(root)
    for one, (_, y) in zip(asked, dots, strict=True):
        true = MODELS[name].predict(one, none_by=2020).probability
        # coordinates have two decimals, of 240 units or more for at most 50 %
        assert probability(y) == pytest.approx(true, abs=1e-4)
        assert f"{100 * true:.2g} %" in said
        assert str(one) in said


@pytest.mark.parametrize("width", WIDTHS)
def test_every_rule_has_its_line_and_its_name(width: float) -> None:
    root = check(fan_chart(MIXTURE, width=width, name="f", none_by=2020, until=2100), width)
    year, probability = places(root), values(root)
    assert len(set(hues(MIXTURE).values())) == len(MIXTURE.parts) == 4
    for rule, model, _ in MIXTURE.parts:
        (track,) = tracks(root, f"line thin {hues(MIXTURE)[rule]}")
        at, true = year(track[-1][0]), model.predict(2100, none_by=2020).probability
        assert at == pytest.approx(2100, abs=0.1)
        assert probability(track[-1][1]) == pytest.approx(true, abs=2e-4)
    (thick,) = tracks(root, "line all s0")
    for x, y in thick[::8]:
        true = MIXTURE.predict(min(year(x), 2100.0), none_by=2020).probability
        assert probability(y) == pytest.approx(true, abs=2e-4)  # a wrong variant, the static mixture, is off by more:
    assert abs(MIXTURE.static(2100, none_by=2020) - MIXTURE.predict(2100, none_by=2020).probability) > 1e-3
    joined = " ".join(words(root))
    assert all(name in joined for name in ("all together", "calendar years", "researcher-", "never", "a rule whose"))
    assert LONG in str(root.findtext("desc"))


def test_lines_are_told_apart_without_colours() -> None:
    root = check(fan_chart(MANY, width=900.0, name="f", none_by=2020), 900.0)
    named = [p for p in root.iter("path") if re.match("line (all|thin)", str(p.get("class")))]
    assert len({p.get("stroke-dasharray") for p in named}) == len(named) == 8
    assert len(tracks(root, "line other")) == 13
    assert "13 more rules" in words(root)


def test_the_band_holds_nine_tenths_of_the_rules_by_weight() -> None:
    root = check(fan_chart(UNCERTAIN, width=900.0, name="f", by=(2100,), none_by=2020), 900.0)
    probability = values(root)
    (outline,) = [track for track in tracks(root, "spread s0") if len(track) > 4]
    high, low = outline[BAND_POINTS], outline[BAND_POINTS + 1]  # the ends at the right: above, then below
    fewer = Uncertain("calendar", dict(UNCERTAIN.given), draws=MOST_DRAWS)
    spread = fewer.spread(2104.8, none_by=2020)
    assert probability(low[1]) == pytest.approx(spread.band[0], abs=2e-4)
    assert probability(high[1]) == pytest.approx(spread.band[2], abs=2e-4)
    # the wrong variant, the band without weights, would be seen
    assert abs(spread.plain_band[2] - spread.band[2]) > 2e-3


def test_what_is_no_number_is_a_gap_and_nothing_but_that_a_sentence() -> None:
    root = check(fan_chart(Broken(2050.0), width=900.0, name="f", none_by=2020, until=2100), 900.0)
    (track,) = tracks(root, "line all s0")
    assert places(root)(max(x for x, _ in track)) < 2050
    nothing = check(fan_chart(Broken(2000.0), width=360.0, name="f", none_by=2020, until=2100), 360.0)
    assert not list(nothing.iter("path"))
    assert "No probability could be computed" in " ".join(words(nothing))


def test_times_that_make_no_sense_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="give none_by at or after the start"):
        fan_chart(calendar(ftp="1/300"), width=900.0, name="f", by=(2036,), none_by=1900)
    with pytest.raises(ValueError, match="give a target at or after"):
        fan_chart(calendar(ftp="1/300"), width=900.0, name="f", by=(2036, 2010), none_by=2020)


def test_counts_have_thousands_separated_and_years_have_not() -> None:
    counts = fan_chart(Rule(BetaPrior("1/1000"), Trials()), width=900.0, name="f", by=(4000,), time="decision")
    assert {"4,000", "2,000"} <= set(words(check(counts, 900.0)))
    years = fan_chart(calendar(ftp="1/300"), width=900.0, name="f", by=(2036,), none_by=2020)
    assert "2036" in words(check(years, 900.0))


@settings(max_examples=60)
@given(st.lists(st.floats(0, 300), max_size=12).map(sorted), st.floats(5, 60), st.integers(1, 12))
def test_no_flag_meets_another_or_a_pole(at: list[float], wide: float, most: int) -> None:
    rows = flag_rows(at, [wide] * len(at), most=most)
    flying = [(x, row) for x, row in zip(at, rows, strict=True) if row is not None]
    for x, row in flying:
        for other, height in flying:
            if other < x and height >= row:
                assert other <= x - wide
