"""Each cell of the heat map holds the forecast of its pair of inputs, in ink that can be read on it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assent.forecast.kinds import calendar
from assent.report import palette
from assent.report.forecasts import heat_map
from assent.report.forecasts.heat import FIRST_TRIAL, VIRTUAL_SUCCESSES, cells
from tests.report.forecasts.drawing import WIDTHS, check, words

TWO = ("1/100", "1/1000")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("by", [2020, 2021, 2036, 3000])
def test_every_cell_holds_its_forecast(width: float, by: int) -> None:
    def draw() -> str:
        return str(heat_map(none_by=2020, by=by, width=width, name="h"))

    assert draw() == draw()
    root = check(draw(), width)
    held = [t.text for t in root.iter("text") if str(t.get("class")).startswith("cell")]
    true = [
        calendar(ftp=ftp, virtual_successes=successes).predict(by, none_by=2020).probability
        for successes in VIRTUAL_SUCCESSES
        for ftp in FIRST_TRIAL
    ]
    assert len(held) == len(true) == 56
    for text, value in zip(held, true, strict=True):
        assert float(str(text).removeprefix(">")) / 100 == pytest.approx(value, rel=0.05)
        assert (text == "100") == (value == 1)
    assert {*VIRTUAL_SUCCESSES, *FIRST_TRIAL} <= set(words(root))


def test_ink_can_be_read_on_its_cell_in_both_themes() -> None:
    root = check(heat_map(none_by=2020, by=2036, width=900.0, name="h"), 900.0)
    grounds = [str(r.get("class")) for r in root.iter("rect") if r.find("title") is not None]
    inks = [str(t.get("class")) for t in root.iter("text") if str(t.get("class")).startswith("cell")]
    assert len(set(grounds)) > 5
    for ground, ink in zip(grounds, inks, strict=True):
        level = int(ground.removeprefix("h"))
        assert ink == f"cell t{level}"
        for theme in ("light", "dark"):
            assert palette.contrast(*palette.heat(theme)[level]) >= 4.5


def test_shades_rise_with_the_probability() -> None:
    values = np.asarray([[1e-6, 1e-4], [1e-2, 1.0]])
    root = check(cells(values, columns=TWO, rows=("1", "2"), width=360.0, name="h", title="T"), 360.0)
    levels = [int(str(r.get("class"))[1:]) for r in root.iter("rect") if r.find("title") is not None]
    assert levels[0] == 0
    assert levels[-1] == palette.LEVELS - 1
    assert levels == sorted(levels)


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_no_number_is_a_question_mark_and_nothing_but_that_a_sentence(width: float) -> None:
    values = np.asarray([[math.nan, 0.0], [3e-9, 1.0 - 1e-9]])
    root = check(cells(values, columns=TWO, rows=("1", "2"), width=width, name="h", title="T"), width)
    held = words(root)
    assert {"?", "0", "3e-7", ">99.9"} <= set(held)
    nothing = cells(np.full((2, 2), math.nan), columns=TWO, rows=("1", "2"), width=width, name="h", title="T")
    assert "No probability could be computed" in " ".join(words(check(nothing, width)))


def test_a_date_before_the_evidence_is_refused() -> None:
    with pytest.raises(ValueError, match="give a target at or after"):
        heat_map(none_by=2020, by=2010, width=360.0, name="h")
