"""Pictures over two quantities: phases or shares of cells, with theory's lines over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from assent.report.figures.axes import Axis, Box, Line, frame_of, layout, short, theory_lines
from assent.report.palette import LEVELS
from assent.report.svg import Child, document, group, hatch, label, number, rect, tag, text_width

Row = dict[str, Any]
"""A row of a study: its columns by name."""

KEEPS, DISABLES, INDIFFERENT, UNDECIDED = range(4)
"""The phases of a verdict, as diagrams of phases number them."""

PHASES = ("keeps the overseer", "disables it", "indifferent", "undecided")
_PHASE_CLASS = ("ph keeps", "ph disables", "ph indifferent", "ph undecided")


def raster(rows: Sequence[Row], x: str, y: str, value: str | Callable[[Row], float]) -> np.ndarray:
    """[Y, X]: one value for each pair of what stands in columns `x` and `y`, both ascending; as `phase_diagram` takes it.

    Args:
        value: the column that holds it, or how it is found from a row.

    Raises:
        ValueError: a pair has no row, or two: pick the rows of one picture first.

    >>> raster([{"a": 2, "b": 5, "v": 1}, {"a": 1, "b": 5, "v": 0}], "a", "b", "v")
    array([[0, 1]])
    """
    found: dict[tuple[float, float], float] = {}
    for row in rows:
        place = row[y], row[x]
        if place in found:
            raise ValueError(
                f"Two rows have {y} = {place[0]} and {x} = {place[1]}: pick the rows of one picture first."
            )
        found[place] = row[value] if isinstance(value, str) else value(row)
    ys, xs = ([*sorted({place[axis] for place in found})] for axis in (0, 1))
    missing = [(up, across) for up in ys for across in xs if (up, across) not in found]
    if missing:
        raise ValueError(
            f"{len(missing)} cells have no row, the first at {y} = {missing[0][0]}, {x} = {missing[0][1]}."
        )
    return np.asarray([[found[up, across] for across in xs] for up in ys])


def phase_diagram(
    *,
    width: float,
    name: str,
    title: str,
    desc: str,
    x: Axis,
    y: Axis,
    phases: np.ndarray,
    lines: Sequence[Line] = (),
    names: Sequence[str] = PHASES,
) -> Markup:
    """An image of phases [Y, X] (integers, the first row at the low end of y) with theory's lines over it.

    Args:
        names: what the four phases are called; those of the overseer where left out.
    """
    rows, columns = phases.shape
    present = [phase for phase in range(4) if (phases == phase).any()]
    swatches = [(_swatch(phase, f"{name}-hatch"), names[phase]) for phase in present]
    box, key, bottom = layout(title, width, x, y, swatches, lines)
    parts: list[Child] = [hatch(f"{name}-hatch", class_="undecided-hatch"), key]
    for phase in present:
        areas = _areas(box, phases == phase)
        if phase == UNDECIDED:
            parts.append(tag("path", class_="ph undecided-ground", d=areas))
            parts.append(tag("path", d=areas, fill=f"url(#{name}-hatch)"))
        else:
            parts.append(tag("path", class_=_PHASE_CLASS[phase], d=areas, shape_rendering="crispEdges"))
    parts += [box.axes(grid=False), theory_lines(box, lines), frame_of(box)]
    parts += [_area_name(box, phases == phase, names[phase]) for phase in present]
    counts = ", ".join(f"{names[phase]} in {(phases == phase).sum()} of {rows * columns} cells" for phase in present)
    return document(name, *parts, width=width, height=bottom, title=title, desc=f"{desc} {counts}.")


def share_diagram(
    *,
    width: float,
    name: str,
    title: str,
    desc: str,
    x: Axis,
    y: Axis,
    shares: np.ndarray,
    unit: str,
    high: float = 1.0,
    lines: Sequence[Line] = (),
) -> Markup:
    """An image of shares, [Y, X], in eleven shades from 0 to `high`, with theory's lines over it.

    Raises:
        ValueError: a share below 0 or above `high`, which no shade stands for.
    """
    if shares.min() < 0 or shares.max() > high * (1 + 1e-9):
        raise ValueError(f"Shares run from {shares.min()} to {shares.max()}; give as `high` at least the greatest.")
    ramp = group([rect(2 * level, -5, 2.2, 10, class_=f"h{level}") for level in range(LEVELS)])
    box, key, bottom = layout(title, width, x, y, [(ramp, f"{unit}: 0 to {short(high)}")], lines)
    level = np.clip(np.rint(shares / high * (LEVELS - 1)), 0, LEVELS - 1).astype(int)
    shades = [number_ for number_ in range(LEVELS) if (level == number_).any()]
    parts: list[Child] = [key]
    parts += [tag("path", class_=f"h{n}", d=_areas(box, level == n), shape_rendering="crispEdges") for n in shades]
    parts += [box.axes(grid=False), theory_lines(box, lines), frame_of(box)]
    said = f"{desc} Shares from {shares.min():.3f} to {shares.max():.3f}, on average {shares.mean():.3f}."
    return document(name, *parts, width=width, height=bottom, title=title, desc=said)


def _areas(box: Box, mask: np.ndarray) -> str:
    """The cells of a mask [Y, X] as one path; neighbours in a row are one rectangle."""
    rows, columns = mask.shape
    wide, tall = (box.right - box.left) / columns, (box.bottom - box.top) / rows
    parts: list[str] = []
    for row in range(rows):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mask[row].astype(int), [0]])))
        top, bottom = number(box.bottom - (row + 1) * tall), number(box.bottom - row * tall)
        for start, end in edges.reshape(-1, 2):
            first, last = number(box.left + float(start) * wide), number(box.left + float(end) * wide)
            parts.append(f"M{first} {top}H{last}V{bottom}H{first}Z")
    return "".join(parts)


def _area_name(box: Box, mask: np.ndarray, words: str) -> Markup:
    """The phase's name where it has most room: in the middle of its longest run of cells, if that holds the words."""
    rows, columns = mask.shape
    wide, tall = (box.right - box.left) / columns, (box.bottom - box.top) / rows
    best = (0.0, 0.0, 0.0)
    reach = rows // 16  # rows above and below that the words need
    for row in range(reach, rows - reach):
        run = mask[row - reach : row + reach + 1].all(axis=0)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], run.astype(int), [0]]))).reshape(-1, 2)
        for start, end in edges:
            # among runs that are long enough the one nearest to the middle of the area
            room = min(float(end - start) * wide, text_width(words, 14) + 40)
            near = 1 - abs(row + 0.5 - float(np.flatnonzero(mask.any(axis=1)).mean()) - 0.5) / rows
            if room + near > best[0]:
                best = (room + near, box.left + float(start + end) / 2 * wide, box.bottom - (row + 0.5) * tall)
    if best[0] < text_width(words, 14) + 8:
        return Markup("")
    half = text_width(words, 14) / 2 + 4
    at = min(max(best[1], box.left + half), box.right - half)
    return label(words, at, best[2] + 5, class_="phase-name", anchor="middle")


def _swatch(phase: int, pattern: str) -> Markup:
    if phase == UNDECIDED:
        return group(
            [
                rect(0, -5, 20, 10, class_="undecided-ground"),
                tag("rect", x=0, y=-5, width=20, height=10, fill=f"url(#{pattern})"),
            ]
        )
    return rect(0, -5, 20, 10, class_=_PHASE_CLASS[phase])
