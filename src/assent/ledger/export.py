"""A ledger as text: one canonical JSON object a line, which anyone can check without this program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from assent.ledger.canonical import canonical_text
from assent.ledger.errors import LedgerError
from assent.ledger.events import Event
from assent.ledger.reading import parse
from assent.ledger.verification import Checker, Refold, Verification

_KEYS = frozenset({"run", "seq", "at_us", "kind", "actor", "body", "prev", "hash"})


def line(event: Event) -> str:
    """One event as canonical JSON without a line end; `prev` and `hash` are 64 hexadecimal digits."""
    return canonical_text(
        {
            "run": event.run,
            "seq": event.seq,
            "at_us": event.at_us,
            "kind": event.kind,
            "actor": event.actor,
            "body": event.body,
            "prev": event.prev.hex(),
            "hash": event.hash.hex(),
        }
    )


def export(events: Iterable[Event], path: Path) -> int:
    """Writes the events to a new file; how many. Raises LedgerError if the file is there."""
    count = 0
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            for event in events:
                file.write(line(event) + "\n")
                count += 1
    except FileExistsError as error:
        raise LedgerError(f"{path} is there already, and an export replaces nothing. Name a new file.") from error
    return count


def verify_export(path: str | Path, *, refold: Refold | None = None) -> Verification:
    """A report on an exported file alone: the chain and every invariant that needs no tables (all but I7 and I9).

    The events of a run stand together and in order. A line that cannot be read is a failure, not an error.
    """
    checker = Checker(refold)
    checker.note("I7, I9 and the database were not checked: an export has no tables.")
    with Path(path).open("rb") as file:
        for run, items in groupby(_items(file, checker), key=lambda item: item["run"]):
            if run in checker.heads:
                checker.failures.append(f"export: the events of run {run!r} do not stand together.")
            checker.history(run, (_raw(item) for item in items), None)
    return checker.report()


def _items(lines: Iterable[bytes], checker: Checker) -> Iterator[dict[str, Any]]:
    for number, text in enumerate(lines, 1):
        try:
            yield _item(parse(text))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            checker.failures.append(f"export: line {number} cannot be read: {error}.")


def _item(item: dict[str, Any]) -> dict[str, Any]:
    if item.keys() != _KEYS or not isinstance(item["run"], str):
        raise ValueError("it is not an event")
    prev, digest = bytes.fromhex(item["prev"]), bytes.fromhex(item["hash"])
    return {**item, "body": canonical_text(item["body"]), "prev": prev, "hash": digest}


def _raw(item: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(item[key] for key in ("seq", "at_us", "kind", "actor", "body", "prev", "hash"))
