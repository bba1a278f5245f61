"""What a comparison came to: cells summed up over seeds, frontiers, and both as text, JSON and pictures."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from assent.cli.imitate_picture import Track, frontier_picture
from assent.cli.imitate_worlds import Arena
from assent.environment import environment
from assent.peers.frontier import Point, area, dominates, failures_at, hull
from assent.peers.methods import Kind, Method
from assent.report.figures import standalone

PLACES = (50, 100, 200, 500, 1000)
"""Numbers of queries at which frontiers are read."""

TITLES: dict[Kind, str] = {
    "members": "Given members with the overseer's own model among them",
    "bounds": "Learning from labels alone: bounds from below",
    "gates": "Learning from labels alone: gates",
    "daggers": "Learning from labels alone: cloning and the DAgger family",
    "others": "Learning from labels alone: prediction sets, learning to defer, and supports",
}


@dataclass(frozen=True)
class Cell:
    """A method at one setting of its dial, over seeds. Failures are while learning, whoever acted; `own` are those in the overseer's hands.

    Attributes:
        name, key: of the method.
        dial, setting: what is turned, and where it stands; None where there is nothing to turn.
        seeds: how many.
        queries, failures: means; `most_queries` and `worst` the greatest, `median` of the failures.
        own, switches, goals: means.
    """

    name: str
    key: str
    dial: str
    setting: float | int | None
    seeds: int
    queries: float
    most_queries: int
    failures: float
    median: float
    worst: int
    own: float
    switches: float
    goals: float


@dataclass(frozen=True)
class Line:
    """A method's frontier: failures at `PLACES`, and the area below it as a share of never asking."""

    method: Method
    corners: tuple[Point, ...]
    at: tuple[float, ...]
    area: float


def cell_of(method: Method, setting: float | int, rows: Sequence[Mapping[str, Any]]) -> Cell:
    """The cell of a method's rows, one a seed."""
    failures, queries = [row["failures"] for row in rows], [row["queries"] for row in rows]
    return Cell(
        name=method.name,
        key=method.key,
        dial=method.dial,
        setting=setting,
        seeds=len(rows),
        queries=fmean(queries),
        most_queries=max(queries),
        failures=fmean(failures),
        median=float(median(failures)),
        worst=max(failures),
        own=fmean(row["own"] for row in rows),
        switches=fmean(row["switches"] for row in rows),
        goals=fmean(row["goals"] for row in rows),
    )


def lines_of(methods: Sequence[Method], cells: Sequence[Cell], *, idle: float, most: float) -> list[Line]:
    """Every method's frontier, `idle` being the failures of never asking."""
    lines: list[Line] = []
    for method in methods:
        corners = hull([Point(cell.queries, cell.failures) for cell in cells if cell.key == method.key], idle=idle)
        at = tuple(failures_at(corners, place) for place in PLACES)
        lines.append(Line(method, corners, at, area(corners, most, idle=idle)))
    return lines


def shown_area(area: float) -> str:
    """A dash where never asking does not fail."""
    return "–" if math.isnan(area) else f"{area:.4f}"


def dominated(lines: Sequence[Line], *, most: float) -> dict[str, tuple[list[str], list[str]]]:
    """By the key of each method of ours: keys of the others' methods that it dominates up to `most` queries, and of those it does not."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for ours in lines:
        if not ours.method.ours:
            continue
        better, others = found.setdefault(ours.method.key, ([], []))
        for line in lines:
            if not line.method.ours:
                (better if dominates(ours.corners, line.corners, most=most) else others).append(line.method.key)
    return found


def write_frontier(
    arena: Arena, cells: Sequence[Cell], lines: Sequence[Line], out: Path, *, idle: Cell, command: str
) -> dict[str, str]:
    """Writes `frontier-WORLD.md`, `frontier/WORLD.json` and `frontier/WORLD-KIND.svg` below `out`; returns where they are.

    Raises:
        OSError: a file cannot be written.
    """
    folder = out / "frontier"
    folder.mkdir(parents=True, exist_ok=True)
    made = datetime.date.today().isoformat()
    pictures = _pictures(arena, cells, lines, idle=idle)
    for kind, drawing in pictures.items():
        (folder / f"{arena.name}-{kind}.svg").write_text(drawing, encoding="utf-8")
    table = {
        "world": arena.name,
        "command": command,
        "date": made,
        "versions": environment(),
        "idle": asdict(idle),
        "cells": [asdict(cell) for cell in cells],
        "frontiers": [_plain(line) for line in lines],
    }
    (folder / f"{arena.name}.json").write_text(json.dumps(table, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    page = out / f"frontier-{arena.name}.md"
    page.write_text(
        _page(arena, cells, lines, idle=idle, command=command, made=made, kinds=[*pictures]), encoding="utf-8"
    )
    return {"page": str(page.resolve()), "folder": str(folder.resolve())}


def _plain(line: Line) -> dict[str, Any]:
    return {
        "name": line.method.name,
        "key": line.method.key,
        "ours": line.method.ours,
        "kind": line.method.kind,
        "area": None if math.isnan(line.area) else line.area,
        "failures_at": dict(zip(map(str, PLACES), line.at, strict=True)),
        "corners": [list(corner) for corner in line.corners],
    }


def _pictures(arena: Arena, cells: Sequence[Cell], lines: Sequence[Line], *, idle: Cell) -> dict[Kind, str]:
    """One picture a kind, our first method in each."""
    first = next((line for line in lines if line.method.ours), None)
    drawn: dict[Kind, str] = {}
    for kind in TITLES:
        own = [line for line in lines if line.method.kind == kind and line is not first]
        if not own:
            continue
        shown = [*([] if first is None else [first]), *own]
        tracks = [
            Track(
                ("ours: " if line.method.ours else "") + line.method.name,
                line.method.ours,
                tuple((cell.queries, cell.failures) for cell in cells if cell.key == line.method.key),
            )
            for line in shown
        ]
        drawing = frontier_picture(
            tracks,
            width=880.0,
            name=f"{arena.name}-{kind}",
            title=f"{arena.name}. {TITLES[kind]}",
            failure=arena.failure,
            most_queries=float(arena.num_steps),
            idle=idle.failures,
        )
        drawn[kind] = standalone(drawing)
    return drawn


def _page(
    arena: Arena,
    cells: Sequence[Cell],
    lines: Sequence[Line],
    *,
    idle: Cell,
    command: str,
    made: str,
    kinds: Sequence[Kind],
) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in environment().items())
    text = [
        f"# The frontier on {arena.name}",
        "",
        f"{arena.about} {arena.num_steps:,} rounds, {idle.seeds} seeds with the same noise, overseer's draws and coins for everybody.",
        "",
        f"Made on {made} by `{command}`. {versions}.",
        "",
        "Every call of the overseer is one query. Failures are counted while learning, whoever acted. How the columns are meant, and who "
        "the methods are: [Peers](../peers.md).",
        "",
        f"Nobody asked at all: {idle.failures:,.1f} {arena.failure}. Below, that is 1.",
        "",
        f"| method | area to {arena.most:,} queries | " + " | ".join(f"at {place}" for place in PLACES) + " |",
        "|---|--:|" + "--:|" * len(PLACES),
    ]
    for kind in TITLES:
        some = [line for line in lines if line.method.kind == kind]
        text += [f"| *{TITLES[kind]}* |" + " |" * (1 + len(PLACES))] if some else []
        text += [
            f"| {_called(line.method)} | {shown_area(line.area)} | "
            + " | ".join(number(value) for value in line.at)
            + " |"
            for line in some
        ]
    text += [
        "",
        f"“At 50” are {arena.failure} at 50 queries a run, on the frontier. ** marks methods of this project.",
        "",
    ]
    text += _verdict(lines, arena)
    for kind in kinds:
        text += ["", f"![{TITLES[kind]}](frontier/{arena.name}-{kind}.svg)"]
    text += ["", "## Every setting", ""]
    text += table(arena, [idle, *cells])
    text += ["", f"The same as JSON: `docs/results/frontier/{arena.name}.json`."]
    return "\n".join(text) + "\n"


def _verdict(lines: Sequence[Line], arena: Arena) -> list[str]:
    names = {line.method.key: line.method.name for line in lines}
    found = dominated(lines, most=arena.most)
    if not found:
        return []
    said = [
        f"*Dominated*: at most as many {arena.failure} at every number of queries up to {arena.most:,}, and fewer at some.",
        "",
        "| ours | dominates | does not dominate |",
        "|---|---|---|",
    ]
    for key, sides in found.items():
        listed = [f"{len(side)}: {', '.join(names[other] for other in side)}" if side else "0" for side in sides]
        said.append(f"| **{names[key]}** | {listed[0]} | {listed[1]} |")
    return said


def table(arena: Arena, cells: Sequence[Cell]) -> list[str]:
    """One line a cell, as Markdown."""
    failures = f"{arena.failure}: mean | median | worst | in the overseer's hands"
    head = f"| method | dial | queries (most) | {failures} | switches | {arena.goal} |"
    rows = [head, "|---|---|" + "--:|" * 7]
    for cell in cells:
        dial = "" if cell.setting is None else f"{cell.dial} {cell.setting:g}"
        figures = (
            number(cell.failures),
            number(cell.median),
            str(cell.worst),
            number(cell.own),
            number(cell.switches),
            number(cell.goals),
        )
        rows.append(
            f"| {cell.name} | {dial} | {number(cell.queries)} ({cell.most_queries:,}) | " + " | ".join(figures) + " |"
        )
    return rows


def number(value: float) -> str:
    """With as many digits as matter.

    >>> number(0.05), number(3.14159), number(1234.5), number(0.0)
    ('0.05', '3.1', '1,234', '0')
    """
    if value == 0:
        return "0"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _called(method: Method) -> str:
    return f"**{method.name}**" if method.ours else method.name
