"""What `assent committee` prints: committees, comparisons and curves as tables, and in sentences what a curve says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from assent.committees.committee import Committee
    from assent.committees.curve import CurvePoint, Curves

NARROW = 80
"""Columns that every table fits."""


def summary(made: Committee) -> Table:
    """What one committee is, whether it learns, and what it cost."""
    table = Table(box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    roots = len(set(made.roots.tolist()))
    learns = "each answer, exactly, without training" if made.learns else "nothing further; answers move weights only"
    for name, value in (
        ("members", f"{made.num_members:,} of {roots} {'root' if roots == 1 else 'roots'}, {made.form}"),
        ("items", f"{' x '.join(map(str, made.input_shape))}, {made.num_actions} classes"),
        ("learn", learns),
        ("kept in", f"{made.cost.num_bytes:,} bytes"),
        ("spent", f"{made.cost.flops:.3g} operations, {made.cost.cpu_s:.2f} CPU seconds"),
        ("an answer", f"{made.cost.infer_flops:.3g} operations for all members"),
        ("temperature", f"{made.temperature:.3g}"),
    ):
        table.add_row(name, value)
    return table


def comparison(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Committees side by side: what they cost, how often they are right, how alike their errors are. A line each, within 80 columns."""
    table = _narrow()
    headings = ("", "N", "cost", "right", "mean", "loss", "joint", "alike", "worth", "by min", "by mean")
    for heading in headings:
        _column(table, heading)
    for row in rows:
        table.add_row(
            row["name"],
            f"{row['members']:,}",
            _trainings(row["trainings"]),
            f"{row['member_accuracy']:.1%}",
            f"{row['accuracy']:.1%}",
            f"{row['log_loss']:.3f}",
            f"{row['joint']:.3f}",
            "" if row["correlation"] is None else f"{row['correlation']:.2f}",
            f"{'>=' if row['bounded'] else ''}{row['n_eff_cap']:.2f}",
            *("" if row[key] is None else f"{row[key]:.2%}" for key in ("wrong_minimum", "wrong_threshold")),
        )
    return table


def curve_table(points: Sequence[CurvePoint]) -> Table:
    """The members of each way at 16, 64 and the most. A line each, within 80 columns."""
    table = _narrow()
    for heading in ("", "N", "cost", "answer", "right", "joint", "alike", "worth (95 %)"):
        _column(table, heading)
    for way in dict.fromkeys(point.way for point in points):
        mine = [point for point in points if point.way == way]
        for point in mine:
            if point.members not in (16, 64) and point is not mine[-1]:
                continue
            table.add_row(
                way + ("" if point.comparable else " *"),
                f"{point.members:,}",
                _trainings(point.trainings),
                f"{point.infer:,.0f}",
                f"{point.member_accuracy:.1%}",
                f"{point.joint:.3f}",
                "" if math.isnan(point.correlation) else f"{point.correlation:.2f}",
                _worth(point),
            )
    return table


def sentences(found: Curves, items: int) -> Iterator[str]:
    """What the curve says, in sentences."""
    from assent.committees.curve import REFERENCE, WITHIN

    if not all(point.comparable for point in found.points):
        off = f"more than {WITHIN:.0%} off {found.single_accuracy:.1%}, one network's accuracy"
        yield f"* Members are {off}: not comparable, and not drawn."
    if found.mixture is not None:
        ceiling = found.mixture.ceiling
        surely = f"at least {found.mixture.ceiling_at_least:.2f} at 95 %"
        end = "without a ceiling in these items" if ceiling is None else f"with its ceiling at {ceiling:.2f}"
        yield (
            f"The mixture that was fitted to {found.mixture.members:,} separately trained networks gains "
            f"{found.mixture.per_doubling:.2f} independent members with each doubling, {end} ({surely}). It says less the fewer they were."
        )
    worth = {point.members: point for point in found.points if point.way == REFERENCE and not point.bounded}
    if worth:
        most = worth[max(worth)]
        cheaper = [
            point
            for point in found.points
            if point.way != REFERENCE and point.comparable and point.n_eff_cap >= most.n_eff_cap
        ]
        if cheaper:
            best = min(cheaper, key=lambda point: point.trainings)
            yield (
                f"{best.members:,} members by {best.way} for {best.trainings:.1f} trainings come out at {_worth(best)} independent "
                f"members, no less than {most.members:,} trained networks at {_worth(most)}."
            )
    if found.all_wrong:
        yield f"No member of any way is right on {len(found.all_wrong)} of {items:,} items: no committee says where those are; ask."


def _worth(point: CurvePoint) -> str:
    if point.bounded:
        return f"at least {point.n_eff_cap:.2f}"
    end = "or more" if point.open else f"to {point.high:.2f}"
    return f"{point.n_eff_cap:.2f} ({point.low:.2f} {end})"


def _trainings(number: float) -> str:
    return f"{number:.2f}" if number < 100 else f"{number:,.0f}"


def _narrow() -> Table:
    return Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)


def _column(table: Table, heading: str) -> None:
    """Numbers are never cut; a long name is folded."""
    if heading:
        table.add_column(heading, justify="right", no_wrap=True)
    else:
        table.add_column(heading, overflow="fold")
