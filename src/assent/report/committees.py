"""Pictures of committees: what members are worth against what they cost. Server-drawn SVG, no scripts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from assent.report.figures import Axis, Line, Series, line_chart

MOST_SERIES = 8
"""Lines that can be told apart."""

LINEAR = 4.0
"""Independent members up to which the axis is linear: beyond, one tall line would press all others flat."""

Row = Mapping[str, Any]
"""A point of a curve, as `assent.committees.curve.CurvePoint.row` gives it."""


def cap_chart(
    rows: Sequence[Row],
    *,
    width: float,
    name: str,
    predicted: Sequence[tuple[float, float]] = (),
    ceiling: float | None = None,
    against: str = "trainings",
) -> Markup:
    """How many independent members would all be wrong as often, against what was spent: comparable ways only, where some were all wrong.

    Args:
        predicted: (trainings, members) by the mixture that was fitted to separately trained networks.
        ceiling: beyond which it never gets, however many there are.
        against: `trainings`, or `infer` for what one answer costs.
    """
    shown = _series(rows, against, "n_eff_cap", band=True)
    lines = list[Line]()
    axis_x = _across(rows, against)
    top = max([1.5, *(value for one in shown for value in (*one.y, *one.high) if math.isfinite(value))])
    if ceiling is not None:
        lines.append(Line("ceiling of the mixture", ((axis_x.low, ceiling), (axis_x.high, ceiling))))
        top = max(top, ceiling)
    if predicted:
        lines.append(Line("by the fitted mixture", tuple(point for point in predicted if axis_x.holds(point[0]))))
    return line_chart(
        width=width,
        name=name,
        title="Independent members that would all be wrong as often",
        desc="Committees of 1, 2, 4 and more members, by what they cost; not drawn where there was no item that all got wrong. "
        "A band that has no upper end runs off the top.",
        x=axis_x,
        y=Axis("independent members", 1.0, 1.05 * top, log=top > LINEAR),
        series=shown,
        lines=lines,
    )


def joint_chart(rows: Sequence[Row], *, width: float, name: str) -> Markup:
    """The joint log-loss of ten answers about two items, against what was spent."""
    shown = _series(rows, "trainings", "joint", band=False)
    values = [value for one in shown for value in one.y]
    low, high = min(values, default=0.1), max(values, default=1.0)
    return line_chart(
        width=width,
        name=name,
        title="Joint log-loss: how well it knows what it does not know",
        desc="Ten answers about two items, in nats.",
        x=_across(rows, "trainings"),
        y=Axis("nats", 0.9 * low, 1.1 * high, log=True),
        series=shown,
    )


def _series(rows: Sequence[Row], x: str, y: str, *, band: bool) -> list[Series]:
    found = list[Series]()
    for way in dict.fromkeys(row["way"] for row in rows):
        mine = [row for row in rows if row["way"] == way and row["comparable"] and row[y] is not None]
        mine = [row for row in mine if not (y == "n_eff_cap" and row["bounded"])]
        if not mine:
            continue
        found.append(
            Series(
                way,
                tuple(row[x] for row in mine),
                tuple(row[y] for row in mine),
                tuple(row["low"] for row in mine) if band else (),
                tuple(math.inf if row.get("open") else row["high"] for row in mine) if band else (),
            )
        )
    return found[:MOST_SERIES]


def _across(rows: Sequence[Row], what: str) -> Axis:
    titles: dict[str, str] = {
        "trainings": "operations spent, in trainings of one network",
        "infer": "operations for one answer, in those of one network",
    }
    values = [row[what] for row in rows if row["comparable"]] or [1.0]
    low, high = 10.0 ** math.floor(math.log10(min(values))), 10.0 ** math.ceil(math.log10(max(values)))
    return Axis(titles[what], low, max(high, 10.0 * low), log=True)
