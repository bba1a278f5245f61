"""The picture of a frontier: failures while learning against queries, one line a method, a dot for every setting of its dial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assent.report.figures.axes import Axis, Box, layout
from assent.report.figures.charts import COLOURS
from assent.report.svg import DASHES, Child, diamond, document, group, line, path, tag

MOST = len(DASHES)
"""Lines that can be told apart."""


@dataclass(frozen=True)
class Track:
    """A method's line: its name, whether it is ours, and its points (queries, failures), means over seeds."""

    name: str
    ours: bool
    points: tuple[tuple[float, float], ...]


def frontier_picture(
    tracks: Sequence[Track], *, width: float, name: str, title: str, failure: str, most_queries: float, idle: float
) -> Markup:
    """One picture with logarithmic axes whose low ends stand for 0.

    Args:
        most_queries: the rounds of a run, at which the axis ends.
        idle: failures of a novice whom nobody teaches, at which the other ends.

    Raises:
        ValueError: more tracks than can be told apart.
    """
    if len(tracks) > MOST:
        raise ValueError(f"{len(tracks)} lines do not fit: {MOST} can be told apart. Draw two pictures.")
    x = Axis("queries in a run, mean over seeds", 1.0, most_queries, log=True, zero=True)
    y = Axis(f"{failure} while learning, mean over seeds", 0.04, max(idle, 1.0) * 1.3, log=True, zero=True)
    swatches = [(_swatch(number, item), item.name) for number, item in enumerate(tracks)]
    box, key, bottom = layout(title, width, x, y, swatches, (), height=340.0)
    lines = [_drawn(box, number, item) for number, item in enumerate(tracks)]
    said = "; ".join(
        f"{item.name}: " + ", ".join(f"{failures:.3g} at {queries:.0f} queries" for queries, failures in item.points)
        for item in tracks
    )
    parts: list[Child] = [key, box.axes(grid=True), *lines]
    return document(name, *parts, width=width, height=bottom, title=title, desc=f"{failure} against queries. {said}.")


def _drawn(box: Box, number: int, item: Track) -> Markup:
    colour = f"s{number % COLOURS}"
    at = [(box.x(queries), box.y(failures)) for queries, failures in sorted(item.points)]
    return group(
        [
            path(at, class_=f"line broad {colour}" if item.ours else f"line {colour}", dash=DASHES[number]),
            *(_mark(x, y, colour, ours=item.ours) for x, y in at),
        ]
    )


def _mark(x: float, y: float, colour: str, *, ours: bool) -> Markup:
    return (
        diamond(x, y, 5.5, class_=f"dot {colour}") if ours else tag("circle", class_=f"dot {colour}", cx=x, cy=y, r=3)
    )


def _swatch(number: int, item: Track) -> Markup:
    colour = f"s{number % COLOURS}"
    stroke = f"line broad {colour}" if item.ours else f"line {colour}"
    return group([line(0, 0, 20, 0, class_=stroke, dash=DASHES[number]), _mark(10, 0, colour, ours=item.ours)])
