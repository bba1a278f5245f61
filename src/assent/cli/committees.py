"""committee ways, fit, curve, compare, inspect."""

from __future__ import annotations

import csv
import importlib.util
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from assent.cli.committee_tables import NARROW, comparison, curve_table, sentences, summary
from assent.cli.output import OK, Output, errors_end

if TYPE_CHECKING:
    from assent.committees.committee import Committee
    from assent.committees.curve import Curves
    from assent.committees.problems import Problem
    from assent.committees.work import Work

CURVE_WAYS = (
    "deep",
    "bagged",
    "dropout",
    "composed-dense",
    "last-layer",
    "tangent",
    "tangent-trained",
    "tangent-one",
)
"""What `assent committee curve` draws unless it is told: as many lines as can be told apart."""

ASKED = 0.25
"""The share of items that is asked where wrong acts are compared."""


def ways(*, json: bool) -> None:
    """`assent committee ways`."""
    output = Output("committee ways", as_json=json)
    with errors_end(output):
        _need_lab()
        from assent.committees.ways import WAYS

        table = Table(box=None)
        for heading in ("way", "most", "members"):
            table.add_column(heading, justify="right" if heading == "most" else "left", no_wrap=heading != "members")
        for way in WAYS:
            table.add_row(way.name, "" if way.most is None else str(way.most), way.about)
            output.record("way", name=way.name, about=way.about, most=way.most, grows=way.grows)
        output.say(table)
        output.done(OK, ways=len(WAYS))


def fit(
    name: str,
    problem: str,
    *,
    members: int,
    out: Path | None,
    seed: int,
    data: Path | None,
    folder: Path | None,
    json: bool,
) -> None:
    """`assent committee fit`."""
    output = Output("committee fit", as_json=json, way=name, problem=problem, members=members, seed=seed)
    with errors_end(output), _said(output):
        _need_lab()
        from assent.committees.ways import way_of

        path = out or Path(f"{name}-{problem}.safetensors")
        _replaceable(path)
        way, tried = way_of(name), _problem(problem, seed, data)
        with _working(output, folder) as work:
            made = way.make(tried, members, seed=seed, work=work)
        made.save(path, made_on={"problem": problem, "seed": seed})
        output.say(summary(made))
        output.plain(f"Committee {path.resolve()}")
        same = "".join(
            f" --{what} {value}" for what, value in (("seed", seed or None), ("data", data)) if value is not None
        )
        output.plain(f"Next: assent committee compare {problem} {path} deep --members {members}{same}")
        output.done(OK, file=str(path.resolve()), **_facts(made))


def inspect(file: Path, *, json: bool) -> None:
    """`assent committee inspect`."""
    output = Output("committee inspect", as_json=json, file=str(file))
    with errors_end(output):
        _need_lab()
        from assent.committees.committee import Committee

        made = Committee.load(file)
        output.say(summary(made))
        for name in made.dropped:
            output.plain(f"Left out, for a loss that was not finite: {name}")
        output.done(OK, **_facts(made))


def compare(
    problem: str,
    what: Sequence[str],
    *,
    members: int,
    seed: int,
    data: Path | None,
    folder: Path | None,
    json: bool,
) -> None:
    """`assent committee compare`."""
    output = Output("committee compare", as_json=json, problem=problem, of=list(what), members=members, seed=seed)
    with errors_end(output), _said(output):
        _need_lab()
        from assent.committees.ways import way_of

        read = {each: _read_for(Path(each), problem, seed, output) for each in what if _is_file(each)}
        ways = {each: way_of(each) for each in what if not _is_file(each)}
        tried, rows = _problem(problem, seed, data), list[dict[str, Any]]()
        with _working(output, folder) as work:
            one = way_of("deep").make(tried, 1, seed=seed, work=work)
            for each in what:
                made = read[each] if each in read else ways[each].make(tried, members, seed=seed, work=work)
                try:
                    rows.append(_compared(each, made, tried, one))
                except ValueError as error:
                    if rows:
                        output.table(comparison(rows), least=NARROW)
                    raise ValueError(f"{each} cannot be measured. {error}") from error
                output.record("committee", **rows[-1])
        output.table(comparison(rows), least=NARROW)
        output.plain(
            "Cost in trainings of one network; right: a member, and their mean; loss and joint log-loss in nats; alike: correlation of "
            f"errors; worth in independent members. Wrong acts per act alone at {ASKED:.0%} asked: by the minimum over all members, and by "
            "a threshold on their mean, which is better on average and promises nothing about the worst. Compare members of about the same "
            "accuracy only."
        )
        output.done(OK, committees=len(rows))


def curve(
    problem: str,
    *,
    names: Sequence[str] | None,
    most: int,
    out: Path,
    seed: int,
    data: Path | None,
    json: bool,
) -> None:
    """`assent committee curve`."""
    output = Output("committee curve", as_json=json, problem=problem, most=most, seed=seed, out=str(out))
    with errors_end(output), _said(output):
        _need_lab()
        from assent.committees.curve import curves
        from assent.committees.ways import way_of

        chosen, tried = [way_of(name) for name in names or CURVE_WAYS], _problem(problem, seed, data)
        out.mkdir(parents=True, exist_ok=True)
        with _working(output, out / "work") as work:
            found = curves(
                tried, chosen, most=most, seed=seed, work=work, told=lambda name: output.plain(f"making {name}")
            )
        rows = [point.row() for point in found.points]
        for row in rows:
            output.record("point", **row)
        _written(rows, found, out)
        output.table(curve_table(found.points), least=NARROW)
        output.plain("Cost in trainings of one network; answer in its operations; worth in independent members.")
        for sentence in sentences(found, len(tried.data.test)):
            output.plain(sentence)
        for name in ("independent", "answering", "joint"):
            output.plain(f"Picture {(out / f'{name}.svg').resolve()}")
        output.plain(f"Table   {(out / 'points.csv').resolve()}")
        mixture = None if found.mixture is None else asdict(found.mixture)
        output.done(
            OK, points=len(rows), mixture=mixture, single_accuracy=found.single_accuracy, out=str(out.resolve())
        )


def _is_file(name: str) -> bool:
    return Path(name).suffix == ".safetensors"


def _replaceable(path: Path) -> None:
    """Refuses to write over what is no committee, before anything is made.

    Raises:
        ValueError: with what is there.
    """
    from assent.committees.files import read

    if path.is_file():
        try:
            read(path)
        except ValueError as error:
            raise ValueError(f"{path} is there and is no committee; name another file by --out. ({error})") from error
    elif path.exists():
        raise ValueError(f"{path} is a folder or a device; name a file by --out.")


def _read_for(path: Path, problem: str, seed: int, output: Output) -> Committee:
    """The committee, if it did not learn from items that it will be measured on.

    Raises:
        ValueError: it was made on another problem, or with another seed, which decides what is learned from.
    """
    from assent.committees.committee import Committee
    from assent.committees.files import made_on

    found = made_on(path)
    if not found:
        output.plain(
            f"note: {path} does not say what it was made on; if that was items of {problem}, it may be measured on them."
        )
    elif found != {"problem": problem, "seed": seed}:
        raise ValueError(
            f"{path} was made on {found.get('problem')} with --seed {found.get('seed')}, and would be measured on items of {problem} with "
            f"--seed {seed}, some of which it may have learned from: give the same problem and seed."
        )
    return Committee.load(path)


def _need_lab() -> None:
    """Refuses where JAX is missing.

    Raises:
        ModuleNotFoundError: with what to do.
    """
    missing = [name for name in ("jax", "optax", "scipy", "safetensors") if importlib.util.find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"committees are made with {missing[0]}, which is not installed: pip install 'assent[lab]'."
        )


def _problem(name: str, seed: int, data: Path | None) -> Problem:
    from assent.committees.problems import problem_of

    return problem_of(name, seed=seed, folder=data)


@contextmanager
def _working(output: Output, folder: Path | None) -> Iterator[Work]:
    """Work that shows each piece as it is done."""
    from assent.committees.work import Work

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=output.people, transient=True) as bar:
        task = bar.add_task("trainings", total=None)
        yield Work(folder=folder, progress=lambda done, total: bar.update(task, completed=done, total=total))


@contextmanager
def _said(output: Output) -> Iterator[None]:
    """Warnings as sentences, where they come."""

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        output.plain(f"note: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def _facts(made: Committee) -> dict[str, Any]:
    return {
        "members": made.num_members,
        "classes": made.num_actions,
        "form": made.form,
        "roots": len(set(made.roots.tolist())),
        "learns": made.learns,
        "temperature": made.temperature,
        "cost": asdict(made.cost),
        "names": list(made.names),
        "dropped": list(made.dropped),
        "item": list(made.input_shape),
    }


def _compared(name: str, made: Committee, tried: Problem, one: Committee) -> dict[str, Any]:
    from assent.committees.balanced import n_eff_cap_evenly
    from assent.committees.correlation import error_correlation
    from assent.committees.evaluation import evaluated, wrong_acts

    seen = evaluated(made, tried.data.test)
    cap = n_eff_cap_evenly(seen.errors, seen.roots, [made.num_members])
    acts = wrong_acts(made, tried.data.test, asked=ASKED)
    alike = error_correlation(seen.errors, seen.roots)
    return {
        "name": name,
        "members": made.num_members,
        "member_accuracy": seen.member_accuracy,
        "accuracy": seen.accuracy,
        "log_loss": seen.log_loss,
        "joint": seen.joint().mean,
        "correlation": None if math.isnan(alike.mean) else alike.mean,
        "n_eff_cap": float(cap.value[0]),
        "low": float(cap.low[0]),
        "high": float(cap.high[0]),
        "bounded": bool(cap.bounded[0]),
        "open": bool(cap.open[0]),
        "trainings": made.cost.trainings(one.cost),
        "infer": made.cost.infer_flops / one.cost.infer_flops,
        "num_bytes": made.cost.num_bytes,
        "wrong_minimum": acts.minimum,
        "wrong_threshold": acts.threshold,
    }


def _written(rows: Sequence[dict[str, Any]], found: Curves, out: Path) -> None:
    """The points as CSV, and the three pictures."""
    from assent.report.committees import cap_chart, joint_chart
    from assent.report.figures import standalone

    with (out / "points.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    predicted: list[tuple[float, float]] = []
    ceiling = None
    if found.mixture is not None:
        sizes = [2**power for power in range(1, 11)]
        predicted = [(float(n), float(found.mixture.n_eff_cap(n))) for n in sizes]
        ceiling = found.mixture.ceiling
    width = 880.0
    drawn = {
        "independent": cap_chart(rows, width=width, name="independent", predicted=predicted, ceiling=ceiling),
        "answering": cap_chart(rows, width=width, name="answering", against="infer"),
        "joint": joint_chart(rows, width=width, name="joint"),
    }
    for name, drawing in drawn.items():
        (out / f"{name}.svg").write_text(standalone(drawing), encoding="utf-8")
