"""Pictures of committees hold what was measured, and no more."""

from __future__ import annotations

import re

from assent.report.committees import cap_chart

ROW = {"way": "deep", "comparable": True, "bounded": False, "low": 1.0, "open": False}
ROWS = [
    {**ROW, "members": 1, "trainings": 1.0, "n_eff_cap": 1.0, "high": 1.0},
    {**ROW, "members": 2, "trainings": 2.0, "n_eff_cap": 1.2, "low": 1.1, "high": 1.3},
    {**ROW, "members": 4, "trainings": 4.0, "n_eff_cap": 1.4, "low": 1.2, "high": 1.6},
]


def ticks(drawing: str) -> list[float]:
    return [float(found) for found in re.findall(r">([0-9.]+)</text>", drawing)]


def drawn(*, unlimited: bool, high: float) -> str:
    rows = [*ROWS[:2], {**ROWS[2], "high": high, "open": unlimited}]
    return str(cap_chart(rows, width=600.0, name="caps"))


def test_a_band_without_an_upper_end_runs_off_the_top() -> None:
    """How far a bound lies changes nothing; a true end of 40 makes room for itself."""
    assert drawn(unlimited=True, high=40.0) == drawn(unlimited=True, high=7.0)
    assert max(ticks(drawn(unlimited=True, high=40.0))) <= 10
    assert max(ticks(drawn(unlimited=False, high=40.0))) >= 20
    assert "inf" not in drawn(unlimited=True, high=40.0)
    assert "nan" not in drawn(unlimited=True, high=40.0)
