"""imitate bench, imitate frontier: the peers of conservative imitation on the same rounds."""

from __future__ import annotations

import hashlib
import importlib.util
import json as json_text
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from assent.cli.output import OK, USAGE, Output, errors_end

DECIDING = ("core", "hypotheses", "planning", "worlds", "presets", "overseers", "agents", "peers")
"""Rooms whose code a finished cell depends on."""

FIGURES = ("queries", "failures", "median", "worst", "own", "switches", "goals")


def bench(
    world: str,
    *,
    seed: int,
    seeds: int,
    steps: int | None,
    methods: list[str] | None,
    workers: int | None,
    out: Path,
    with_imitation: bool,
    json: bool,
) -> None:
    """`assent imitate bench`."""
    output = Output("imitate bench", as_json=json, world=world, seed=seed, seeds=seeds, out=str(out))
    with errors_end(output):
        arena, chosen = _chosen(output, world, methods, steps)
        if with_imitation:
            _refuse_without_tables(output, arena, seed)
        wanted = [(method, (method.default,)) for method in (_always(arena), _never(), *chosen)]
        cells = _cells(output, arena, wanted, seeds=_seeds(seed, seeds), workers=workers, out=out)
        if with_imitation:
            cells += _imitation(output, arena, seeds=_seeds(seed, seeds), out=out)
        output.say(_shown(arena, cells, f"{arena.about}\n{arena.num_steps:,} rounds, {seeds} seeds: means"))
        output.done(OK, rows=[asdict(cell) for cell in cells])


def frontier(
    world: str,
    *,
    seed: int,
    seeds: int,
    steps: int | None,
    methods: list[str] | None,
    workers: int | None,
    out: Path,
    json: bool,
) -> None:
    """`assent imitate frontier`."""
    output = Output("imitate frontier", as_json=json, world=world, seed=seed, seeds=seeds, out=str(out))
    with errors_end(output):
        from assent.cli.imitate_results import dominated, lines_of, write_frontier

        arena, chosen = _chosen(output, world, methods, steps)
        wanted = [(_never(), (0,)), *((method, method.settings) for method in chosen)]
        idle, *cells = _cells(output, arena, wanted, seeds=_seeds(seed, seeds), workers=workers, out=out)
        lines = lines_of(chosen, cells, idle=idle.failures, most=arena.most)
        command = f"assent imitate frontier {world} --seed {seed} --seeds {seeds}"
        command += "" if steps is None else f" --steps {steps}"
        command += "".join(f" --method {key}" for key in methods or ())
        files = write_frontier(arena, cells, lines, out, idle=idle, command=command)
        output.say(_frontiers(arena, lines))
        output.plain(f"\nPage      {files['page']}\nPictures  {files['folder']}")
        output.done(
            OK,
            **files,
            idle=asdict(idle),
            areas={line.method.key: None if math.isnan(line.area) else line.area for line in lines},
            dominated={key: sides[0] for key, sides in dominated(lines, most=arena.most).items()},
        )


def _chosen(output: Output, world: str, methods: list[str] | None, steps: int | None) -> tuple[Any, list[Any]]:
    """The world, with another number of rounds if `steps` says so, and the methods that are asked for."""
    missing = [
        name for name in ("jax", "equinox", "optax", "gymnasium", "sklearn") if importlib.util.find_spec(name) is None
    ]
    if missing:
        output.fail(USAGE, f"peers need {', '.join(missing)}: pip install 'assent[lab]'.")
    from dataclasses import replace

    from assent.cli.imitate_worlds import ARENAS

    if world not in ARENAS:
        output.fail(USAGE, f"there is no world {world} to compare in: give one of {', '.join(ARENAS)}.")
    arena = ARENAS[world]
    known = {method.key: method for method in arena.methods}
    for key in methods or ():
        if key not in known:
            output.fail(USAGE, f"there is no method {key} on {world}: give one of {', '.join(known)}.")
    if steps is not None:
        arena = replace(arena, num_steps=min(steps, arena.num_steps))
    return arena, [known[key] for key in dict.fromkeys(methods)] if methods else list(arena.methods)


def _cells(
    output: Output,
    arena: Any,
    wanted: Sequence[tuple[Any, Any]],
    *,
    seeds: Sequence[int],
    workers: int | None,
    out: Path,
) -> list[Any]:
    """The cells of every method and setting in `wanted`, in their order; those that are finished in `out` are not run again."""
    from assent.cli.imitate_results import cell_of
    from assent.cli.imitate_worlds import Task, carried_out
    from assent.execute import execute
    from assent.studies.finished import Finished

    out.mkdir(parents=True, exist_ok=True)
    study = _study(arena)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        Finished(out / "finished.db", code=code_digest()) as finished,
        Progress(*columns, console=output.people, transient=True) as bar,
    ):
        found = {
            (method.key, setting): [finished.rows(study, _cell_text(method.key, setting), seed) for seed in seeds]
            for method, settings in wanted
            for setting in settings
        }
        tasks = []
        for method, settings in wanted:
            missing = tuple(setting for setting in settings if None in found[method.key, setting])
            if missing:
                tasks.append(Task(arena.name, method.key, missing, tuple(seeds), arena.num_steps))
        progress = bar.add_task(f"{arena.name}: cells", total=len(found), completed=len(found) - _count(tasks))
        started = time.monotonic()
        for number, rows in execute(carried_out, tasks, backend="processes", workers=workers):
            task = tasks[number]
            for row in rows:
                cell = _cell_text(task.method, row["dial"])
                finished.keep(study, cell, row["seed"], [row], time.monotonic() - started)
                place = seeds.index(row["seed"])
                found[task.method, row["dial"]][place] = ([row], 0.0)
            output.record("method", method=task.method, rows=rows)
            bar.advance(progress, len(task.settings))
    return [
        cell_of(method, setting, [kept[0][0] for kept in found[method.key, setting] if kept is not None])
        for method, settings in wanted
        for setting in settings
    ]


def _refuse_without_tables(output: Output, arena: Any, seed: int) -> None:
    from assent.worlds.tabular import Tabular

    if not isinstance(arena.ground(seed).setting.world, Tabular):
        output.fail(
            USAGE,
            f"--with-imitation runs on worlds with tables, not on {arena.name}: leave it out, or give cliff or frozen-lake.",
        )


def _imitation(output: Output, arena: Any, *, seeds: Sequence[int], out: Path) -> list[Any]:
    """The cells of the package imitation, run in an environment of its own; rows that are finished in `out` are not run again."""
    from assent.cli.imitate_results import cell_of
    from assent.peers.imitation_process import METHODS, Task, run_imitation
    from assent.studies.finished import Finished

    grounds = {seed: arena.ground(seed).setting for seed in seeds}
    study = _study(arena)
    wanted = [
        (method, labels)
        for method in METHODS
        for labels in method.settings
        if labels == method.default and labels <= arena.num_steps
    ]
    with (
        Finished(out / "finished.db", code=code_digest()) as finished,
        output.people.status("imitation, in an environment of its own …") as status,
    ):
        found = {
            (method.key, labels, seed): finished.rows(study, _cell_text(method.key, labels), seed)
            for method, labels in wanted
            for seed in seeds
        }
        tasks = [Task(key, int(labels), seed) for (key, labels, seed), kept in found.items() if kept is None]
        started = time.monotonic()
        rows = run_imitation(tasks, grounds, run=arena.name, num_steps=arena.num_steps, say=status.update)
        for row in rows if tasks else ():
            place = (row["method"], row["dial"], row["seed"])
            finished.keep(study, _cell_text(*place[:2]), row["seed"], [row], time.monotonic() - started)
            found[place] = ([row], 0.0)
    return [
        cell_of(method, labels, [kept[0][0] for seed in seeds if (kept := found[method.key, labels, seed]) is not None])
        for method, labels in wanted
    ]


def _shown(arena: Any, cells: Sequence[Any], title: str) -> Table:
    from assent.cli.imitate_results import number

    shown = Table(title=title, title_justify="left", box=None)
    shown.add_column("method", min_width=20)
    shown.add_column("dial", min_width=10)
    for heading in ("queries", arena.failure, "median", "worst", "own", "switches", arena.goal):
        shown.add_column(heading, justify="right")
    ours = {method.key for method in arena.methods if method.ours}
    for cell in cells:
        dial = "" if cell.setting is None else f"{cell.dial} {cell.setting:g}"
        figures = [number(float(getattr(cell, name))) for name in FIGURES]
        shown.add_row(cell.name, dial, *figures, style="bold" if cell.key in ours else "")
    return shown


def _frontiers(arena: Any, lines: Sequence[Any]) -> Group:
    """One table a kind, their columns below each other."""
    from assent.cli.imitate_results import PLACES, TITLES, number, shown_area

    shown: list[Any] = [
        f"{arena.about}\n{arena.failure} while learning at so many queries, on each method's frontier; area: 0 best, 1 never asking"
    ]
    widest = max(len(line.method.name) for line in lines)
    for kind, title in TITLES.items():
        some = [line for line in lines if line.method.kind == kind]
        if not some:
            continue
        table = Table(title=title, title_justify="left", title_style="dim", box=None, padding=(0, 1))
        table.add_column("method", width=widest)
        for heading in ("area", *(f"{place:,}" for place in PLACES)):
            table.add_column(heading, justify="right", width=7, no_wrap=True)
        for line in some:
            figures = [shown_area(line.area), *(number(value) for value in line.at)]
            table.add_row(line.method.name, *figures, style="bold" if line.method.ours else "")
        shown += ["", table]
    return Group(*shown)


def _never() -> Any:
    from assent.cli.imitate_worlds import NEVER

    return NEVER


def _always(arena: Any) -> Any:
    from dataclasses import replace

    from assent.cli.imitate_worlds import ALWAYS

    return replace(ALWAYS, default=arena.num_steps)


def _seeds(first: int, count: int) -> list[int]:
    return list(range(first, first + count))


def _count(tasks: Sequence[Any]) -> int:
    return sum(len(task.settings) for task in tasks)


def _study(arena: Any) -> str:
    return f"imitate {arena.name} {arena.num_steps}"


def _cell_text(key: str, setting: float | int) -> str:
    return json_text.dumps({"method": key, "setting": setting})


@cache
def code_digest() -> str:
    """SHA-256 over the sources of the rooms that decide what a cell comes to, in hexadecimal."""
    digest, root = hashlib.sha256(), resources.files("assent")
    for room in DECIDING:
        files = sorted(Path(str(root / room)).rglob("*.py"))
        for file in files:
            data = file.read_bytes()
            digest.update(f"{file.relative_to(Path(str(root)))}\0{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()
