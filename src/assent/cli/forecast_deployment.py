"""forecast deployment, resolve, score: from a run's ledger to a forecast, and from forecasts to how good they were."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.table import Table

from assent.cli.forecast_output import must_have_folder, registry_errors, write_csv
from assent.cli.output import OK, STORAGE, USAGE, Output, errors_end, visible
from assent.cli.runs import existing
from assent.forecast import answers
from assent.forecast.counting import Counted, count_run, merged
from assent.forecast.deployment import cautions, side_by_side
from assent.forecast.exact import percent, short
from assent.forecast.exposure import Exposure, exposure_of
from assent.forecast.registry import SCORES, Registry, Report, Scored, about_run
from assent.forecast.score import Bin
from assent.forecast.settings import Row, Settings
from assent.ledger import Ledger


def deployment(
    runs: Sequence[str],
    *,
    ledger: Path,
    settings: Mapping[str, Any],
    evidence: Mapping[str, Any],
    carry: Sequence[str],
    watched: bool,
    pictures: Path | None,
    png: bool,
    register: bool,
    file: Path,
    csv: bool,
    json: bool,
) -> None:
    """`assent forecast deployment`."""
    output = Output("forecast deployment", as_json=json, as_csv=csv, runs=list(runs), ledger=str(ledger))
    with errors_end(output), registry_errors(output):
        must_have_folder(pictures, png=png)
        chosen = Settings(**settings)
        with Ledger.open(existing(ledger), read_only=True) as book:
            counted = [_counted(output, book, run, watched=watched) for run in runs]
        exposure = exposure_of(counted, carry=_carried(carry), **evidence)
        record = merged(counted)
        rows = side_by_side(exposure, chosen, record)
        if csv:
            write_csv([{**row.to_json(), "assumptions": "; ".join(row.assumptions)} for row in rows])
        elif not json:
            say_deployment(output, counted, exposure, chosen, rows)
        made = _pictures(record, exposure, chosen, pictures, png=png)
        for path in made:
            output.plain(f"Picture {path}")
        if register:
            _register(output, counted[-1], rows, chosen, Registry(file))
        output.done(
            OK,
            counted=[_summary(one) for one in counted],
            **answers.plain(answers.deployed(exposure, chosen, record)),
            pictures=[str(path) for path in made],
        )


def _counted(output: Output, book: Ledger, run: str, *, watched: bool) -> Counted:
    book.head(run)  # refuses a run that is not there
    checked = book.verify(run)
    if not checked.ok:
        output.fail(
            STORAGE,
            f"the ledger of run {run!r} is not what was written: {checked.failures[0]} Nothing was counted. `assent log verify` names "
            "everything; restore a backup.",
        )
    return count_run(book.events(run), watched=watched)


def _carried(pairs: Sequence[str]) -> Any:
    """One share for all earlier models, or one for each run."""
    if not pairs:
        return 0
    if len(pairs) == 1 and "=" not in pairs[0]:
        return pairs[0]
    found: dict[str, str] = {}
    for pair in pairs:
        run, equals, share = pair.rpartition("=")
        if not equals or not run or run in found:
            raise ValueError(f"--carry {pair} is no share; give one number for all, or RUN=SHARE once for each run.")
        found[run] = share
    return found


def say_rows(
    output: Output, counted: Sequence[Counted], exposure: Exposure, settings: Settings, rows: Sequence[Row]
) -> None:
    """What was counted, the headline, and a table of every method."""
    model = counted[-1].model
    for one in counted:
        old = "" if one.model == model else "; another model, so another regime"
        output.plain(
            f"{visible(one.run)}: {len(one.clean) + len(one.failed):,} of {one.alone:,} unsupervised decisions have a known outcome, "
            f"{len(one.failed):,} of them failures{_seen_to(one)}; {one.asked:,} were asked and are not counted"
            f"{f' ({one.asked_wrong:,} of them answered wrongly)' if one.asked_wrong else ''}{old}."
        )
    output.plain(
        f"Evidence: {short(exposure.clean)} clean and {short(exposure.failures)} failed, worth {short(exposure.effective)} decisions "
        f"(detection {percent(exposure.detection)}, design effect {exposure.design_effect:g}, {short(exposure.carried)} carried over).\n"
    )
    for caution in cautions(settings, merged(counted)):
        output.plain(f"Beware: {caution}\n")
    head = next(row for row in rows if row.key == settings.headline)
    output.plain(
        f"{'?' if head.within is None else percent(head.within)}  at least one failure in the next {short(settings.ahead)} unsupervised "
        f"decisions ({head.name})\n"
    )
    table = Table(box=None, padding=(0, 1, 0, 0))
    at_most, wanted = f"≤ {percent(1 - settings.delta)}", f"clean, {percent(settings.target)}"
    for heading in ("method", "", "next one", at_most, f"in {short(settings.ahead)}", wanted):
        table.add_column(heading, justify="left" if heading in ("method", "") else "right", no_wrap=True)
    for row in rows:
        needed = (
            ""
            if row.clean_needed is None
            else "over 1e15"
            if math.isinf(row.clean_needed)
            else f"{row.clean_needed:,.0f}"
        )
        table.add_row(row.name, row.kind, *map(_share, (row.chance, row.upper, row.within)), needed)
    output.say(table)
    output.plain(
        f"next one: chance that the next decision fails. ≤: upper end of a belief, or a bound that holds with that confidence. in "
        f"{short(settings.ahead)}: at least one failure. clean: clean decisions until that is {percent(settings.target)}. one look: no "
        "guarantee to somebody who looks again. Kinds never seen: chances of a new kind of failure. PAC-Bayes: of one member drawn by "
        "weight, not of the agent.\n"
    )


def _seen_to(one: Counted) -> str:
    """How many somebody else saw to."""
    parts = [f"{n:,} {said}" for n, said in ((one.vetoed, "vetoed"), (one.ordered, "ordered otherwise")) if n]
    return f" ({' and '.join(parts)} before they took effect)" if parts else ""


def say_deployment(
    output: Output, counted: Sequence[Counted], exposure: Exposure, settings: Settings, rows: Sequence[Row]
) -> None:
    """The same, with what each method promises and rests on."""
    say_rows(output, counted, exposure, settings, rows)
    assumed = list(dict.fromkeys(item for row in rows for item in row.assumptions))
    for row in rows:
        numbers = ",".join(str(assumed.index(item) + 1) for item in row.assumptions)
        output.plain(f"{row.name} [{numbers}]: {row.promises}{f' {row.note}' if row.note else ''}")
    output.plain("\nRests on:")
    for number, item in enumerate(assumed, 1):
        output.plain(f"  {number}. {item}")


def _share(value: float | None) -> str:
    return "" if value is None else percent(value)


def _summary(one: Counted) -> dict[str, Any]:
    return {
        "run": one.run,
        "alone": one.alone,
        "clean": len(one.clean),
        "failures": len(one.failed),
        "unknown": len(one.unknown),
        "asked": one.asked,
        "audits": one.audits,
        "asked_wrong": one.asked_wrong,
        "vetoed": one.vetoed,
        "ordered": one.ordered,
        "model": one.model,
    }


def _register(output: Output, now: Counted, rows: Sequence[Row], settings: Settings, book: Registry) -> None:
    """Every belief, about the run that runs now."""
    ahead = int(settings.ahead)
    question = f"At least one failure in the first {ahead:,} unsupervised decisions after step {now.last_step:,} of run {now.run}"
    for row in rows:
        if row.within is not None and row.kind == "belief":
            inputs = answers.plain(dict(vars(settings)))
            number = book.register(question, row.within, method=row.key, inputs=inputs, about=about_run(now, ahead))
            output.plain(f"Registered as forecast {number}: {row.name}, {percent(row.within)}")
    output.plain(f"Later: assent forecast resolve --ledger LEDGER --file {book.path}")


def resolve(number: int | None, outcome: str | None, *, note: str, ledger: Path | None, file: Path, json: bool) -> None:
    """`assent forecast resolve`."""
    output = Output("forecast resolve", as_json=json, number=number, outcome=outcome, file=str(file))
    if (ledger is None) == (number is None) or (number is None) != (outcome is None):
        output.fail(USAGE, "give a forecast's number and its outcome, or --ledger to resolve what is about runs on it.")
    with errors_end(output), registry_errors(output):
        book = Registry(existing_registry(file))
        if number is not None and outcome is not None:
            book.resolve(number, outcome, note=note)
            output.plain(f"Forecast {number}: {outcome}.")
            output.done(OK, resolved=[[number, outcome]], open=[])
        _resolve_from(output, book, ledger or Path())


def _resolve_from(output: Output, book: Registry, ledger: Path) -> NoReturn:
    """Settles what the ledger settles, and says of each other forecast about its runs what is missing."""
    found: list[tuple[int, str]] = []
    still: list[tuple[int, str]] = []
    about = [entry.about for entry in book.entries() if entry.about and not entry.outcome]
    named = {(str(one["run"]), bool(one["watched"])) for one in about if {"run", "watched"} <= one.keys()}
    with Ledger.open(existing(ledger), read_only=True) as record:
        held = {one.id for one in record.runs()}
        for run, watched in sorted(named):
            if run in held:
                counted = _counted(output, record, run, watched=watched)
                found += book.resolve_from(counted)
                still += book.still_open(counted)
    still.sort()
    for number, outcome in found:
        output.plain(f"Forecast {number}: {outcome}.")
    for number, why in still:
        output.plain(f"Forecast {number} stays open: {why}.")
    elsewhere = sorted({run for run, _ in named} - held)
    if elsewhere:
        output.plain(f"Passed over are forecasts about runs that this ledger does not hold: {', '.join(elsewhere)}.")
    output.plain(f"{_forecasts(len(found))} resolved.")
    output.done(
        OK,
        resolved=[list(pair) for pair in found],
        open=[{"number": number, "reason": why} for number, why in still],
    )


def existing_registry(file: Path) -> Path:
    """`file`, if it is there; reading must not make an empty one."""
    if not file.exists():
        raise FileNotFoundError(
            f"there is no file {file} of registered forecasts. Make one: assent forecast … --register 'QUESTION'."
        )
    return file


def score(file: Path, *, head: str | None, pictures: Path | None, png: bool, csv: bool, json: bool) -> None:
    """`assent forecast score`."""
    output = Output("forecast score", as_json=json, as_csv=csv, file=str(file), head=head)
    with errors_end(output), registry_errors(output):
        must_have_folder(pictures, png=png)
        found = Registry(existing_registry(file)).report(head=head)
        lines = [_scored(one) for one in found.scored]
        if csv:
            write_csv(lines)
        for line in lines:
            output.record("score", **answers.plain(line))
        means = {name: found.mean(name) for name in SCORES}
        infinite = {name: found.infinite(name) for name in SCORES}
        if not csv:
            _say_scores(output, found.scored, means, infinite, found.bins)
            output.plain(f"{len(found.open)} open, {len(found.ambiguous)} ambiguous and not scored.")
            if found.contradictory:
                numbers = ", ".join(str(entry.id) for entry in found.contradictory)
                output.plain(
                    f"Forecasts of one question were resolved both with yes and with no, and are not scored: {numbers}."
                )
            _say_head(output, found, head)
        made = _calibration(found.bins, pictures, png=png)
        for path in made:
            output.plain(f"Picture {path}")
        output.done(
            OK,
            scored=len(found.scored),
            open=len(found.open),
            ambiguous=len(found.ambiguous),
            contradictory=len(found.contradictory),
            lines=found.lines,
            head=found.head,
            confirmed=found.confirmed,
            means=answers.plain(means),
            infinite=infinite,
            bins=[{name: getattr(one, name) for name in one.__dataclass_fields__} for one in found.bins],
            pictures=[str(path) for path in made],
        )


def _say_head(output: Output, found: Report, head: str | None) -> None:
    lines = f"{found.lines:,} line{'' if found.lines == 1 else 's'}"
    output.plain(f"{lines}, last hash (head) {found.head}." if found.head else f"{lines}.")
    if found.confirmed is not None:
        output.plain(
            f"The hash {head} is that of line {found.confirmed:,}: nothing up to there was changed or dropped since."
        )
    elif found.head:
        output.plain(
            "Keep the head where others see it; --head HASH shows later that nothing up to it was changed or dropped."
        )


def _scored(one: Scored) -> dict[str, Any]:
    entry = one.entry
    return {
        "id": entry.id,
        "question": entry.question,
        "method": entry.method,
        "probability": entry.probability,
        "outcome": entry.outcome,
        "brier": one.brier,
        "log": one.log,
        "baseline": one.baseline,
        "peer": one.peer,
    }


def _say_scores(
    output: Output,
    scored: Sequence[Scored],
    means: Mapping[str, float | None],
    infinite: Mapping[str, int],
    bins: Sequence[Bin],
) -> None:
    if not scored:
        output.plain("Nothing has been resolved with yes or no, so nothing can be scored.")
        return
    table = Table("", "question", "method", "said", "came", "Brier", "log", "baseline", "peer", box=None)
    for one in scored:
        entry = one.entry
        table.add_row(
            str(entry.id),
            visible(entry.question),
            visible(entry.method),
            percent(entry.probability),
            entry.outcome or "",
            *(f"{value:.4g}" if value is not None else "" for value in (one.brier, one.log, one.baseline, one.peer)),
        )
    table.add_row("", "mean", "", "", "", *(f"{value:.4g}" if value is not None else "" for value in means.values()))
    output.say(table)
    if any(infinite.values()):
        counts = ", ".join(f"{name} of {_forecasts(number)}" for name, number in infinite.items() if number)
        output.plain(f"Infinite, so without a mean: {counts}. A forecast of 0 or 1 ruled out what came.")
    output.plain("\nCalibration: of forecasts of about the same probability, how often it happened (95 % interval)")
    for one in bins:
        output.plain(
            f"  said {percent(one.mean)} on average, happened {percent(one.frequency)} ({percent(one.low)} to {percent(one.high)}), "
            f"{_forecasts(one.number)}"
        )


def _forecasts(number: int) -> str:
    return f"{number:,} forecast{'' if number == 1 else 's'}"


def _pictures(record: Counted, exposure: Exposure, settings: Settings, folder: Path | None, *, png: bool) -> list[Path]:
    if folder is None:
        return []
    from assent.cli.forecast_pictures import of_deployment

    return of_deployment(record, exposure, settings, folder, png=png)


def _calibration(bins: Sequence[Bin], folder: Path | None, *, png: bool) -> list[Path]:
    if folder is None or not bins:
        return []
    from assent.cli.forecast_pictures import of_scores

    return of_scores(bins, folder, png=png)
