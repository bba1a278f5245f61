"""Bounds stand where `deployment.curves` puts them, and the present where it is."""

from __future__ import annotations

import functools
import math

import pytest

from assent.forecast.deployment import curves, side_by_side
from assent.forecast.exposure import Exposure
from assent.forecast.settings import Settings
from assent.report.forecasts import bounds_chart
from assent.report.forecasts.bounds import NAMES
from tests.report.forecasts.drawing import WIDTHS, check, circles, places, tracks, values, words


@functools.cache
def computed(most: float) -> dict[str, list[float]]:
    return curves(Settings(), most, points=12)


ROWS = side_by_side(Exposure(clean=1240, failures=2), Settings())
CASES: dict[str, dict[str, list[float]]] = {
    "normal": computed(100_000.0),
    "few": computed(3.0),
    "many": computed(1e9),
    "long": {"decisions": [1.0, 100.0], "a method whose name says all that anybody could want to know": [0.9, 0.01]},
    "gaps": {"decisions": [1.0, 10.0, 100.0], "exact": [0.9, math.nan, 0.01], "none": [math.nan] * 3},
    "tiny": {"decisions": [1.0, 1e12], "exact": [1e-3, 1e-12]},
    "empty": {},
    "nothing known": {"decisions": [1.0], "exact": [math.nan]},
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("present", "failures"), [(None, ()), (1240.0, (310.0, 1100.0)), (0.0, ()), (math.nan, (math.nan,))]
)
def test_every_set_of_curves_has_a_picture(
    name: str, width: float, present: float | None, failures: tuple[float, ...]
) -> None:
    def draw() -> str:
        return str(bounds_chart(CASES[name], width=width, name="b", present=present, rows=ROWS, failures=failures))

    assert draw() == draw()
    check(draw(), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_curves_and_dots_stand_where_the_methods_say(width: float) -> None:
    found = CASES["normal"]
    root = check(bounds_chart(found, width=width, name="b", present=1242.0, rows=ROWS), width)
    number, chance = places(root, log=True), values(root, log=True)
    for place, key in enumerate(list(found)[1:]):
        (track,) = tracks(root, f"line s{place}")
        assert len(track) == len(found["decisions"])
        for (x, y), at, value in zip(track, found["decisions"], found[key], strict=True):
            # two decimals of a unit, some 60 of which are a power of ten
            assert number(x) == pytest.approx(at, rel=2e-3)
            assert chance(y) == pytest.approx(value, rel=2e-3)
        row = next(row for row in ROWS if row.key == key)
        ((_, height),) = circles(root, f"s{place}")
        assert chance(height) == pytest.approx(row.upper, rel=2e-3)
        assert NAMES[key] in words(root)
    (mark,) = [line for line in root.iter("line") if line.get("class") == "now"]
    assert number(float(mark.get("x1", 0))) == pytest.approx(1242.0, rel=2e-3)
    assert "now: 1,242" in words(root)


def test_failures_are_crosses_on_the_axis() -> None:
    drawn = bounds_chart(CASES["normal"], width=900.0, name="b", failures=(310.0, 1100.0, math.nan))
    root = check(drawn, 900.0)
    number = places(root, log=True)
    crosses = [str(p.get("transform")) for p in root.iter("path") if p.get("class") == "missed"]
    at = [float(one.removeprefix("translate(").split()[0]) for one in crosses if not one.startswith("translate(0 ")]
    on_axis = sorted(number(x) for x in at if x > 58)
    assert on_axis[-2:] == pytest.approx([310.0, 1100.0], rel=0.01)  # whole units of the drawing
    assert "3 failed" in str(root.findtext("desc"))


def test_lines_are_told_apart_without_colours() -> None:
    root = check(bounds_chart(CASES["normal"], width=900.0, name="b"), 900.0)
    lines = [p for p in root.iter("path") if str(p.get("class")).startswith("line s")]
    assert len({p.get("stroke-dasharray") for p in lines}) == len(lines) == 4


def test_nothing_to_draw_is_said() -> None:
    for name in ("empty", "nothing known"):
        root = check(bounds_chart(CASES[name], width=360.0, name="b"), 360.0)
        assert "There are no upper ends to draw." in " ".join(words(root))
    gaps = check(bounds_chart(CASES["gaps"], width=900.0, name="b"), 900.0)
    assert [str(p.get("d")).count("M") for p in gaps.iter("path") if p.get("class") == "line s0"] == [2]
