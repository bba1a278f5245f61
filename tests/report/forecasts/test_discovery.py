"""Steps go up where a kind of failure is first seen, and nowhere else."""

from __future__ import annotations

import math
import re

import pytest

from assent.forecast.unseen import discovery_curve
from assent.report.forecasts import discovery_chart
from tests.report.forecasts.drawing import WIDTHS, check, circles, places, values, words
from tests.report.reading import NASTY

Failures = list[tuple[float, str]]
SEEN: Failures = [
    (120.0, "timeout"),
    (900.0, "wrong unit"),
    (950.0, "timeout"),
    (5000.0, "wrong file"),
    (9000.0, "timeout"),
]
CASES: dict[str, tuple[Failures, float]] = {
    "normal": (SEEN, 12_400.0),
    "one": ([(1.0, "timeout")], 1.0),
    "none": ([], 12_400.0),
    "nothing at all": ([], 0.0),
    "no number": ([(math.nan, "timeout"), (7.0, "unit")], 10.0),
    "only no number": ([(math.nan, "timeout")], 10.0),
    "no count": ([(7.0, "unit")], math.nan),
    "crowded": ([(float(n), f"kind {n}") for n in range(1, 200)], 200.0),
    "bursts": ([(1000.0 + n // 10, f"kind {n}") for n in range(40)], 1e6),
    "long": ([(float(n), f"{n} a name that says all that anybody could want to know of it") for n in range(1, 9)], 9.0),
    "nasty": ([(float(n), nasty) for n, nasty in enumerate(NASTY)], 20.0),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", CASES)
def test_every_record_has_a_picture(name: str, width: float) -> None:
    failures, decisions = CASES[name]

    def draw() -> str:
        return str(discovery_chart(failures, width=width, name="k", decisions=decisions))

    assert draw() == draw()
    check(draw(), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_steps_and_dots_stand_at_first_sights(width: float) -> None:
    root = check(discovery_chart(SEEN, width=width, name="k", decisions=12_400.0), width)
    number, kinds = places(root), values(root)
    dots = [(number(x), kinds(y)) for x, y in circles(root, "ring")]
    assert [at for at, _ in dots] == pytest.approx([120.0, 900.0, 5000.0], abs=1.0)
    assert [seen for _, seen in dots] == pytest.approx([1.0, 2.0, 3.0], abs=1e-3)
    (line,) = [p for p in root.iter("path") if p.get("class") == "line s0"]
    heights = [kinds(float(y)) for y in re.findall(r"V([\d.]+)", str(line.get("d")))]
    assert heights == pytest.approx([1.0, 2.0, 3.0], abs=1e-3)
    assert discovery_curve([kind for _, kind in SEEN]).tolist() == [1, 2, 2, 3, 3]
    assert {"timeout", "wrong unit", "wrong file"} <= set(words(root))


def test_no_failure_is_no_proof() -> None:
    root = check(discovery_chart([], width=360.0, name="k", decisions=12_400.0), 360.0)
    said = " ".join(words(root))
    assert "No failure was seen in 12,400 decisions" in said
    assert "That bounds nothing" in said
    lost = check(discovery_chart([(math.nan, "a")], width=360.0, name="k", decisions=5.0), 360.0)
    assert "1 failure without a decision left out" in " ".join(words(lost))
