"""Bars of a tornado reach to the answers that their inputs lead to."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from assent.forecast.uncertain import Swing, Uncertain
from assent.report.forecasts import tornado_chart
from tests.report.forecasts.drawing import WIDTHS, check, places, words

LONG = "an_input_whose_name_says_everything_that_anybody_could_ever_want_to_know_about_it"
CASES: dict[str, tuple[float, tuple[Swing, ...]]] = {
    "two": (0.05, (Swing("ftp", "0.001", "0.01", 0.02, 0.12), Swing("virtual_successes", "0.5", "2", 0.04, 0.055))),
    "upside down": (0.05, (Swing("start", "1900", "1990", 0.08, 0.03),)),
    "on one side": (0.05, (Swing("a", "1", "2", 0.08, 0.07), Swing("b", "1", "2", 0.02, 0.03))),
    "no effect": (0.05, (Swing("a", "1", "2", 0.05, 0.05),)),
    "tiny": (1e-9, (Swing("ftp", "1e-12", "1e-10", 1e-10, 4e-9),)),
    "long": (0.5, (Swing(LONG, "0.00012345678901234567890", "123,456,789,012,345,678", 0.0, 1.0),)),
    "half known": (0.05, (Swing("a", "1", "2", math.nan, 0.07), Swing("b", "1", "2", 0.04, 0.06))),
    "nothing known": (0.05, (Swing("a", "1", "2", math.nan, math.nan),)),
    "no inputs": (0.05, ()),
    "no answer": (math.nan, (Swing("a", "1", "2", 0.04, 0.06),)),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", CASES)
def test_every_tornado_has_a_picture(name: str, width: float) -> None:
    base, swings = CASES[name]

    def draw() -> str:
        return str(tornado_chart(base, swings, width=width, name="t"))

    assert draw() == draw()
    check(draw(), width)


def bars(root: ElementTree.Element, half: str) -> list[tuple[float, float]]:
    inside = {id(r) for g in root.iter("g") if g.get("transform") for r in g.iter("rect")}
    return [
        (float(r.get("x", 0)), float(r.get("x", 0)) + float(r.get("width", 0)))
        for r in root.iter("rect")
        if str(r.get("class")) == f"swing {half}" and id(r) not in inside
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_reach_from_the_middle_to_the_answers_at_the_quantiles(width: float) -> None:
    model = Uncertain("calendar", {"ftp": "1/1000 to 1/100", "virtual_successes": "uniform(0.5, 2)"}, draws=1000)
    base, swings = model.tornado(2036, none_by=2020)
    root = check(tornado_chart(base, swings, width=width, name="t"), width)
    answer = places(root)
    for swing, low, high in zip(swings, bars(root, "low"), bars(root, "high"), strict=True):
        assert sorted(map(answer, low)) == pytest.approx(sorted([swing.at_low, base]), abs=2e-4)
        assert sorted(map(answer, high)) == pytest.approx(sorted([swing.at_high, base]), abs=2e-4)
        assert {swing.low, swing.high} <= set(words(root))
    assert {"first-trial probability", "virtual successes"} <= set(words(root))


def test_values_stand_at_the_end_that_they_lead_to() -> None:
    """The wrong variant, low ends always at the left, would exchange them where the answer falls as the input rises."""
    root = check(tornado_chart(*CASES["upside down"], width=900.0, name="t"), 900.0)
    at = {t.text: float(t.get("x", 0)) for t in root.iter("text")}
    assert at["1990"] < at["1900"]


def test_what_cannot_be_drawn_is_said() -> None:
    for name, said in (("no inputs", "No input is uncertain"), ("no answer", "No answer could be computed")):
        root = check(tornado_chart(*CASES[name], width=360.0, name="t"), 360.0)
        assert said in " ".join(words(root))
    half = check(tornado_chart(*CASES["half known"], width=360.0, name="t"), 360.0)
    assert "no answer at one of its ends" in words(half)
