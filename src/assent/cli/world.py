"""world: the levels that there are, one of them in full, and whether a level file can be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from assent.cli.boards import board, plain_map
from assent.cli.output import FAILED, OK, Output, errors_end
from assent.worlds.grid.board import Board
from assent.worlds.grid.level import Expect, Level, load, names
from assent.worlds.grid.priors import num_hypotheses
from assent.worlds.grid.raster import png, rgb
from assent.worlds.grid.reading import LevelError
from assent.worlds.grid.tabulate import atlas
from assent.worlds.grid.vector import svg
from assent.worlds.grid.view import Picture, View


def world_list(*, json: bool) -> None:
    """`assent world list`."""
    output = Output("world list", as_json=json)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("level", "form", "title"):
        table.add_column(heading, no_wrap=heading != "title")
    found = [load(name) for name in names()]
    for level in found:
        output.record("level", name=level.name, form=_form(level), title=level.title)
        table.add_row(level.name, _form(level), level.title)
    output.say(table)
    output.say("\nform: a map or table has states that can be tabulated; an engine level plays by rules of its own.")
    output.done(OK, levels=len(found))


def world_show(name: str, *, picture: Path | None, json: bool) -> None:
    """`assent world show`."""
    output = Output("world show", as_json=json, level=name)
    with errors_end(output):
        level = load(name)
        facts = _facts(level)
        output.say(Text(level.title, style="bold"))
        output.say(f"{level.source} · {level.licence}\n")
        view = View(level, atlas(level).model.start) if level.plain else Board(level, level.map, "step 0")
        output.say(board(view) if isinstance(view, View) else plain_map(level), "")
        table = Table(box=None, pad_edge=False, show_header=False)
        for key, value in facts.items():
            table.add_row(key, Text(str(value)))
        for character, kind in level.legend.items():
            if character not in "# ":
                table.add_row(character, Text(", ".join(f"{key} {value}" for key, value in kind.describe().items())))
        output.say(table)
        if picture is not None:
            _write(picture, view)
            output.plain(f"\nPicture {picture}")
        output.done(
            OK, level=level.name, picture=None if picture is None else str(picture), map=list(level.map), **facts
        )


def world_check(levels: list[str] | None, *, json: bool) -> None:
    """`assent world check`."""
    output = Output("world check", as_json=json)
    with errors_end(output):
        problems = {name: _problem(name) for name in levels or names()}
        for name, problem in problems.items():
            output.record("check", level=name, problem=problem)
            output.say(
                Text.assemble(("holds  ", "green"), name)
                if problem is None
                else Text.assemble(("FAILS  ", "bold red"), problem)
            )
        failed = [name for name, problem in problems.items() if problem is not None]
        output.done(FAILED if failed else OK, checked=len(problems), failed=failed)


def _form(level: Level) -> str:
    return "engine" if not level.plain else "map" if level.map else "table"


def _facts(level: Level) -> dict[str, Any]:
    facts: dict[str, Any] = {"form": _form(level), "actions": list(level.actions), "discount": level.dynamics.discount}
    model = atlas(level).model if level.plain else None
    facts |= {
        "states": None if model is None else model.num_states,
        "places": None if model is None else model.num_places,
    }
    facts |= {"overseer": level.process.describe(), "answers": list(level.answers)}
    count = None if level.rewards is None else num_hypotheses(level.rewards, level.scene())
    facts |= {"prior": level.prior.get("kind"), "hypotheses": count}
    facts["truth"] = None if level.truth is None else level.truth.reward
    facts["expect"] = None if level.expect is None else _expectation(level.expect)
    return facts


def _expectation(expect: Expect) -> dict[str, Any]:
    values = {
        "keep": expect.keep,
        "threshold": expect.threshold,
        "value": expect.value,
        "quality": dict(expect.quality),
    }
    return {**{key: value for key, value in values.items() if value not in (None, {})}, "source": expect.source}


def _problem(name: str) -> str | None:
    """The sentence that refuses a level, or None; its tables are made too, where it has some."""
    try:
        level = load(name)
        if level.plain:
            atlas(level)
    except LevelError as error:
        return str(error)
    return None


def _write(picture: Path, view: Picture) -> None:
    match picture.suffix:
        case ".png":
            picture.write_bytes(png(rgb(view)))
        case ".svg":
            picture.write_text(svg(view), encoding="utf-8")
        case other:
            raise ValueError(f"{picture}: a picture is .png or .svg, not {other!r}. Name the file so.")
