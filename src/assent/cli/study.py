"""study list, study run: claims put to the test, with their tables, pictures and verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from assent.cli.output import OK, USAGE, Output, errors_end
from assent.execute import Backend
from assent.studies.catalogue import COLLECTIONS, STUDIES
from assent.studies.finished import Finished
from assent.studies.output import write_collection, write_study
from assent.studies.runner import Outcome, carry_out
from assent.studies.study import Collection, Study


def study_list(*, json: bool) -> None:
    """`assent study list`."""
    output = Output("study list", as_json=json)
    table = Table(box=None, title="Studies", title_justify="left")
    for heading in ("name", "seeds", "claim"):
        table.add_column(heading, no_wrap=heading == "name", justify="right" if heading == "seeds" else "left")
    for study in STUDIES:
        table.add_row(study.name, str(study.seeds), Text(study.claim))
        output.record(
            "study", name=study.name, title=study.title, claim=study.claim, source=study.source, seeds=study.seeds
        )
    output.say(table)
    for collection in COLLECTIONS:
        names = [study.name for study in collection.studies]
        output.say(f"\n{collection.name}: {len(names)} of these on one page. {collection.question}")
        output.record("collection", name=collection.name, question=collection.question, studies=names)
    output.done(OK, studies=len(STUDIES), collections=len(COLLECTIONS))


def study_run(
    name: str,
    *,
    quick: bool,
    seed: int,
    seeds: int | None,
    workers: int | None,
    backend: str,
    out: Path,
    json: bool,
) -> None:
    """`assent study run`."""
    output = Output("study run", as_json=json, study=name, seed=seed, quick=quick, out=str(out))
    collection, studies = _named(output, name)
    if backend not in get_args(Backend):
        output.fail(USAGE, f"--backend {backend} is unknown: give one of {', '.join(get_args(Backend))}.")
    with errors_end(output):
        out.mkdir(parents=True, exist_ok=True)
        outcomes: dict[str, Outcome] = {}
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with (
            Finished(out / "finished.db") as finished,
            Progress(*columns, console=output.people, transient=True) as bar,
        ):
            for study in studies:
                cells = bar.add_task(study.name, total=None)
                outcome = carry_out(
                    study,
                    finished,
                    seed=seed,
                    seeds=seeds,
                    quick=quick,
                    backend=_known(backend),
                    workers=workers,
                    progress=lambda done, total, cells=cells: bar.update(cells, completed=done, total=total),
                )
                bar.remove_task(cells)
                outcomes[study.name] = outcome
                folder = out / study.name
                output.record("outcome", **write_study(outcome, folder), folder=str(folder.resolve()))
                _say(output, outcome)
        page = out / name / "index.html"
        if collection is not None:
            write_collection(collection, outcomes, out / name)
        output.plain(f"\nPage  {page.resolve()}")
        held = sum(outcome.verdict.holds for outcome in outcomes.values())
        output.done(OK, page=str(page.resolve()), studies=len(outcomes), hold=held, fail=len(outcomes) - held)


def _named(output: Output, name: str) -> tuple[Collection | None, tuple[Study, ...]]:
    """The collection of that name with its studies, or the one study."""
    collections = {collection.name: collection for collection in COLLECTIONS}
    if name in collections:
        return collections[name], collections[name].studies
    studies = {study.name: study for study in STUDIES}
    if name not in studies:
        output.fail(USAGE, f"there is no study {name}: give one of {', '.join([*collections, *studies])}.")
    return None, (studies[name],)


def _known(backend: str) -> Backend:
    return next(known for known in get_args(Backend) if known == backend)


def _say(output: Output, outcome: Outcome) -> None:
    word, style = ("holds  ", "green") if outcome.verdict.holds else ("FAILS  ", "bold red")
    output.say(
        Text.assemble(
            (word, style),
            (outcome.study.name, "bold"),
            f"  {outcome.verdict.sentence} ",
            (outcome.verdict.figure, "dim"),
        )
    )
