"""log verify, head, show, export."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from assent.cli.output import FAILED, OK, Output, errors_end, visible
from assent.cli.runs import check_seed, existing
from assent.ledger import Ledger, canonical
from assent.ledger.verification import Verification


def verify(name: str | None, *, ledger: Path, seed: int | None, json: bool) -> None:
    """`assent log verify`."""
    output = Output("log verify", as_json=json, run=name, ledger=str(ledger))
    with errors_end(output), Ledger.open(existing(ledger), read_only=True) as book:
        chosen = _chosen(book, name, seed)
        refold = _refold(book)
        found = (
            [book.verify(run, refold=refold) for run in chosen]
            if name or seed is not None
            else [book.verify(refold=refold)]
        )
        for verification in found:
            output.plain(_said(verification))
        failures = [failure for verification in found for failure in verification.failures]
        output.done(
            FAILED if failures else OK,
            events=sum(verification.events for verification in found),
            failures=failures,
            notes=sorted({note for verification in found for note in verification.notes}),
            heads={
                run: {"seq": head.seq, "hash": head.hash.hex()}
                for verification in found
                for run, head in verification.heads.items()
            },
        )


def head(name: str | None, *, ledger: Path, seed: int | None, json: bool) -> None:
    """`assent log head`."""
    output = Output("log head", as_json=json, run=name, ledger=str(ledger))
    with errors_end(output), Ledger.open(existing(ledger), read_only=True) as book:
        heads = {run: book.head(run) for run in _chosen(book, name, seed)}
        for run, at in heads.items():
            output.plain(f"{run}  {at.seq}  {at.hash.hex()}")
        output.done(OK, heads={run: {"seq": at.seq, "hash": at.hash.hex()} for run, at in heads.items()})


def show(
    name: str, *, ledger: Path, since: int, kinds: list[str] | None, most: int, seed: int | None, json: bool
) -> None:
    """`assent log show`."""
    output = Output("log show", as_json=json, run=name, ledger=str(ledger))
    with errors_end(output), Ledger.open(existing(ledger), read_only=True) as book:
        check_seed(book, name, seed)
        table = Table("event", "time (UTC)", "kind", "actor", "body", box=None, pad_edge=False)
        shown, more = 0, False
        for event in book.events(name, since=since, kinds=kinds):
            if shown == most:
                more = True
                break
            shown += 1
            body = canonical(event.body).decode()
            moment = datetime.fromtimestamp(event.at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
            table.add_row(
                str(event.seq),
                moment,
                visible(event.kind),
                visible(event.actor),
                visible(body if len(body) <= 160 else body[:157] + "…"),
            )
            output.record(
                "event",
                seq=event.seq,
                at_us=event.at_us,
                event=event.kind,
                actor=event.actor,
                body=event.body,
                hash=event.hash.hex(),
            )
            last = event.seq
        output.say(table)
        if more:
            output.say(f"More follow: --since {last}, or --most.")
        output.done(OK, run=name, shown=shown, more=more)


def export(out: Path, *, name: str | None, ledger: Path, seed: int | None, json: bool) -> None:
    """`assent log export`."""
    output = Output("log export", as_json=json, run=name, ledger=str(ledger))
    with errors_end(output), Ledger.open(existing(ledger), read_only=True) as book:
        chosen = _chosen(book, name, seed)
        if len(chosen) != 1 and seed is not None:
            raise ValueError(f"{len(chosen)} runs were made with seed {seed}; name one with --run.")
        lines = book.export(out, chosen[0] if name or seed is not None else None)
        output.plain(f"{lines:,} events: {out.resolve()}")
        output.done(OK, events=lines, path=str(out.resolve()))


def _chosen(book: Ledger, name: str | None, seed: int | None) -> list[str]:
    """The runs that a command is about."""
    if name is not None:
        book.head(name)  # raises UnknownRun
        if seed is not None:
            check_seed(book, name, seed)
        return [name]
    runs = [run.id for run in book.runs()]
    if seed is None:
        return runs
    chosen = [run for run in runs if next(iter(book.events(run))).body["seed"] == seed]
    if not chosen:
        raise ValueError(f"no run on this ledger was made with seed {seed}. `assent log head` lists the runs.")
    return chosen


def _refold(book: Ledger):
    """Refolds beliefs with the lab when it is there; without it the chain and the other invariants are still checked."""
    try:
        from assent.cli.runs import belief_refolder
    except ModuleNotFoundError:
        return None
    refold = belief_refolder(book)

    def guarded(run: str):
        try:
            return refold(run)
        except ModuleNotFoundError:
            return None
        except Exception:  # whatever is wrong with them, events that cannot be folded lead to no belief at all
            return {}

    return guarded


def _said(verification: Verification) -> str:
    """The report with one line a finding: the ledger's texts cannot add lines of their own."""
    heads = {visible(run): head for run, head in verification.heads.items()}
    return str(replace(verification, heads=heads, failures=tuple(map(visible, verification.failures))))
