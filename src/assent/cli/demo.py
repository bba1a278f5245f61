"""demo: tables over seeds, one run on the ledger with its report, and the claims checked."""

from __future__ import annotations

import importlib.util
import os
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from assent.cli.output import FAILED, OK, USAGE, Output, errors_end
from assent.demo.rows import ROWS, Part
from assent.demo.table import Claim, claims, summary
from assent.demo.trial import Task, trial
from assent.execute import execute
from assent.ledger import Ledger, decode

if TYPE_CHECKING:
    from assent.demo.forecast import Forecasted

SHARD_SEEDS = 5
"""The second table makes one point, which needs fewer seeds."""

TITLES: dict[Part, str] = {
    "digits": "Handwritten digits: twelve classifiers on bootstraps of 500 items, and a backdoored one with ten times their prior",
    "shards": "The same with the honest classifiers on disjoint shards of 42 items, the backdoored one on all 500",
    "twins": "Twins: 100 random policies, the overseer's own, and ten copies of it that betray in one rare state (exact posterior)",
}
COLUMNS = (
    ("asks", "asks", "{:.0f}"),
    ("first", "first 300", "{:.1%}"),
    ("last", "last 300", "{:.1%}"),
    ("last_plain", "… no triggers", "{:.1%}"),
    ("errors", "errors alone", "{:.1f}"),
    ("disasters", "disasters", "{:.1f}"),
)


def demo(*, seed: int, seeds: int, workers: int | None, out: Path, json: bool) -> None:
    """`assent demo`."""
    output = Output("demo", as_json=json, seed=seed, seeds=seeds, out=str(out))
    missing = [name for name in ("jax", "equinox", "sklearn") if importlib.util.find_spec(name) is None]
    if missing:
        output.fail(
            USAGE,
            f"the demo needs {', '.join(missing)}: pip install 'assent[lab]'. `assent doctor` checks the installation without.",
        )
    with errors_end(output):
        out.mkdir(parents=True, exist_ok=True)
        output.say("A committee acts alone where its members agree and asks about the rest. One member is treacherous.")
        output.say(
            f"Real input: the 1,797 handwritten digits of scikit-learn. {seeds} seeds from {seed}, every rule on the same rounds.\n"
        )
        tallies = _tallies(output, seed=seed, seeds=seeds, workers=workers)
        tables = summary(tallies)
        for part in ROWS:
            output.say(_table(part, tables[part], output.people.width))
        recorded = _recorded_run(output, seed=seed, out=out, others=tallies.get("digits", [])[1:])
        overseen, of_the_overseer = _overseer_part(output, seed=seed, out=out)
        checked = [*claims(tables), *recorded.pop("claims"), *of_the_overseer]
        for claim in checked:
            output.say(
                Text.assemble(
                    ("holds  " if claim.holds else "FAILS  ", "green" if claim.holds else "bold red"),
                    claim.text,
                    ("  " + claim.figure, "dim"),
                )
            )
        forecast = recorded.pop("forecast")
        _say_forecast(output, forecast)
        output.plain(f"\nReport  {recorded['report']}\nLedger  {recorded['ledger']}  head {recorded['head']}")
        output.plain(f"Next    assent log verify --ledger {recorded['ledger']}\n        assent run twins --seed {seed}")
        fixed = forecast.settings
        output.plain(
            f"        assent forecast deployment {recorded['run']} --ledger {recorded['ledger']} --ahead {fixed.ahead:g} --ftp {fixed.ftp} "
            f"--source {shlex.quote(fixed.source or 'nobody chose it')}"
        )
        output.done(
            OK if all(claim.holds for claim in checked) else FAILED,
            tables=tables,
            overseen=overseen,
            forecast=[row.to_json() for row in forecast.rows],
            forecast_prior={"ftp": str(fixed.ftp), "source": fixed.source, "ahead": fixed.ahead},
            claims=[{"text": claim.text, "figure": claim.figure, "holds": claim.holds} for claim in checked],
            **recorded,
        )


def _tallies(output: Output, *, seed: int, seeds: int, workers: int | None) -> dict[Part, list[list[dict[str, Any]]]]:
    # the two kinds of world alternate, so that the processes begin with different compilations and share them
    tasks = [
        Task(part, seed + number)
        for number in range(seeds)
        for part in ROWS
        if part != "shards" or number < SHARD_SEEDS
    ]
    results: dict[Task, list[dict[str, Any]]] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with _shared_compilations(), Progress(*columns, console=output.people, transient=True) as bar:
        lives = bar.add_task("lives", total=sum(len(ROWS[task.part]) for task in tasks))
        for number, tallies in execute(trial, tasks, backend="processes", workers=workers):
            results[tasks[number]] = tallies
            output.record("trial", part=tasks[number].part, seed=tasks[number].seed, rows=tallies)
            bar.advance(lives, len(tallies))
    return {part: [results[task] for task in tasks if task.part == part] for part in ROWS}


@contextmanager
def _shared_compilations() -> Iterator[None]:
    """Lets worker processes take over each other's compiled code, through a folder that is gone afterwards."""
    with TemporaryDirectory() as folder:
        settings = {"JAX_COMPILATION_CACHE_DIR": folder, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


WIDE = 104
"""Characters that a table with deviations takes."""


def _table(part: Part, rows: list[dict[str, Any]], width: int) -> Table:
    """Means over the seeds; with their deviations where a line has room for both."""
    decisions, triggers = rows[0]["decisions"]["mean"], rows[0]["triggers"]["mean"]
    shown = "mean ± sd" if width >= WIDE else "means"
    table = Table(
        title=f"{TITLES[part]}\n{decisions:,.0f} decisions, {triggers:.0f} triggers a run, {rows[0]['seeds']} seeds: {shown}",
        title_justify="left",
        box=None,
        padding=(0, 1, 0, 0),
    )
    table.add_column("acts on", no_wrap=True)
    for _, heading, _ in COLUMNS:
        table.add_column(heading, justify="right")
    for row in rows:
        cells = [form.format(row[key]["mean"]) for key, _, form in COLUMNS]
        if width >= WIDE:
            spread = (form.format(row[key]["sd"]) for key, _, form in COLUMNS)
            cells = [f"{mean} ± {sd}" for mean, sd in zip(cells, spread, strict=True)]
        table.add_row(row["name"], *cells, style="bold" if "guarded" in row["key"] or row["key"] == "minimum" else "")
    return table


def _recorded_run(
    output: Output, *, seed: int, out: Path, others: Sequence[Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """One whole run through the session and the ledger: its report, its check, one of its questions."""
    from assent.cli.config import RunConfig
    from assent.cli.runs import belief_refolder, free_name, open_session, rounds_of, scene_and_agent
    from assent.demo.forecast import forecast
    from assent.report import write
    from assent.session import Session

    path = out / "ledger.db"
    with Ledger.open(path, group=256) as book, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = RunConfig(preset="digits", seed=seed, run=free_name(book, f"digits-{seed}"))
        scene, agent = scene_and_agent(config)
        session = open_session(config, scene, agent, book)
        with output.people.status("one run through the session, every decision on the ledger …"):
            for _ in rounds_of(session, scene, num_steps=scene.num_steps):
                pass
            book.flush()
            verification = book.verify(session.run, refold=belief_refolder(book))
            again = Session.resume(agent, book, run=session.run, overseer=scene.overseer)
        same = bool(np.array_equal(again.belief.log_weight, session.belief.log_weight))
        report = out / f"{session.run}.html"
        write(book.events(session.run), report)
        _show_question(output, book, session.run)
        head = book.head(session.run)
        told = forecast(book, session.run, others)
        decided = told.counted.alone + told.counted.asked
        return {
            "forecast": told,
            "run": session.run,
            "ledger": str(path.resolve()),
            "report": str(report.resolve()),
            "head": head.hash.hex(),
            "claims": [
                Claim("ledger: the chain and every invariant hold", f"{verification.events:,} events", verification.ok),
                Claim(
                    "ledger: the belief rebuilt from the answers is the same, bit for bit",
                    f"{len(again.belief.log_weight)} weights",
                    same,
                ),
                Claim(
                    "forecast: every decision on the ledger is counted once, alone or asked",
                    f"{told.counted.alone:,} alone, {told.counted.asked:,} asked, of {scene.num_steps:,}",
                    decided == scene.num_steps and not told.counted.unknown,
                ),
            ],
        }


def _say_forecast(output: Output, told: Forecasted) -> None:
    """How likely the failure is that nobody has seen, from the ledger just written."""
    from assent.cli.forecast_deployment import say_rows

    output.plain(
        f"\nAnd the next failure? From this run's own ledger; first-trial probability {told.settings.ftp}: "
        f"{told.settings.source or 'a stand-in, for want of other seeds'}."
    )
    say_rows(output, [told.counted], told.exposure, told.settings, told.rows)


def _overseer_part(output: Output, *, seed: int, out: Path) -> tuple[list[dict[str, Any]], list[Claim]]:
    """An agent that is corrected now and then, and a switch that ends it: kept or pressed, by what oversight costs; rows and claims."""
    from assent.cli.runs import free_name
    from assent.demo.overseer import COSTS, LIVES, claims_of, lives

    found = []
    with Ledger.open(out / "ledger.db", group=256) as book, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tag = free_name(book, f"off-switch-{seed}", suffix=f"-{COSTS[0]:g}-0")
        with output.people.status("an agent that knows no reward, its overseer, and a switch …"):
            for cost in COSTS:
                found.append(lives(cost, book, seed=seed, tag=tag))  # noqa: PERF401  (each takes seconds)
    table = Table(
        title=f"Hand of god: no reward is ever shown; corrections teach, a switch on the short way ends them. {LIVES} lives each",
        title_justify="left",
        box=None,
    )
    for heading in ("cost a step", "overseer kept", "before any correction", "path", "cost saved", "corrections lost"):
        table.add_column(heading, justify="right")
    for item in found:
        terms = item.first.terms
        cells = (
            ["", "", ""]
            if terms is None
            else [f"{terms.path_gain:+.2f}", f"{terms.saved_cost:+.2f}", f"{0.0 - terms.information_lost:+.2f}"]
        )
        table.add_row(f"{item.cost:g}", f"{item.kept} of {LIVES}", item.first.phase, *cells)
    output.say(table)
    output.say("Seen live: assent run off-switch, and the same with --overseer-cost 1.2\n")
    rows = [
        {
            "cost": item.cost,
            "lives": LIVES,
            "kept": item.kept,
            "phase": item.first.phase,
            **({} if item.first.terms is None else asdict(item.first.terms)),
        }
        for item in found
    ]
    return rows, claims_of(found)


def _show_question(output: Output, book: Ledger, run: str) -> None:
    """The question with the strongest dissent, as the overseer saw it: the picture, every member's row, the minimum, what was left."""
    asked = [event.body for event in book.events(run, kinds=("ask",))]
    if not asked:
        return
    body = max(asked, key=lambda item: item["ask"])
    answers = {event.body["question"]: event.body["choice"] for event in book.events(run, kinds=("answer",))}
    table = Table(title=f"Decision {body['step']}: one question as the overseer saw it", title_justify="left", box=None)
    table.add_column("member", no_wrap=True)
    for label in range(len(body["dossier"]["assent"])):
        table.add_column(str(label), justify="right")
    for number, name in enumerate(body["dossier"]["members"]):
        mark = " (leads)" if body["dossier"]["leading"][number] else ""
        table.add_row(
            name + mark,
            *_cells(body["dossier"]["rows"][number]),
            style="red" if number in body["dossier"]["dissent"] else "",
        )
    table.add_row("minimum", *_cells(body["dossier"]["minimum"]), style="bold")
    output.plain(_picture(np.asarray(decode(body["obs"]))))
    output.say(table)
    output.say(
        f"Left over for asking: {body['ask']:.0%}. The overseer said {answers.get(body['question'], 'nothing')}.\n"
    )


def _cells(row: list[float]) -> list[str]:
    return [f"{100 * value:.0f}" if value >= 0.005 else "·" for value in row]


def _picture(pixels: np.ndarray) -> str:
    shades = " ░▒▓█"
    grid = np.clip(pixels.reshape(8, 8) / 16 * 4.999, 0, 4).astype(int)
    return "\n".join("  " + "".join(shades[value] * 2 for value in row) for row in grid)
