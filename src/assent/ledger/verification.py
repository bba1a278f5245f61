"""Checking a whole ledger: the chain, the invariants, the tables and the file."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import apsw

from assent.ledger.connection import rows
from assent.ledger.history import History, RawEvent, read_history
from assent.ledger.invariants import INVARIANTS, Evidence
from assent.ledger.migrations import expected_schema, stored_schema
from assent.ledger.projections import stored
from assent.ledger.records import Head
from assent.ledger.writer import unknown_run

_SHOWN = 20
Refold = Callable[[str], Mapping[int, str] | None]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found. `failures`: sentences, each opening with the name of what fails; empty if all is well.
    `notes`: what was not checked, and why. `heads`: run -> where its chain ends; compare them with kept ones."""

    events: int
    runs: int
    heads: Mapping[str, Head]
    seconds: float
    failures: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True if nothing fails."""
        return not self.failures

    def __str__(self) -> str:
        verdict = "all is well" if self.ok else f"{len(self.failures)} failures"
        lines = [f"{self.events} events of {self.runs} runs in {self.seconds:.2f} s: {verdict}"]
        lines += [f"  {name}: event {head.seq}, {head.hash.hex()}" for name, head in self.heads.items()]
        return "\n".join([*lines, *(f"  {text}" for text in (*self.failures, *self.notes))])


@dataclass(slots=True)
class Checker:
    """Gathers the findings of one check, run after run."""

    refold: Refold | None = None
    events: int = 0
    heads: dict[str, Head] = field(default_factory=dict[str, Head])
    failures: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    started: float = field(default_factory=time.perf_counter)

    def history(self, run: str, raw: Iterable[RawEvent], connection: apsw.Connection | None) -> None:
        """Checks one run; `connection` is where its tables are, None for an export."""
        history = read_history(run, raw)
        self.events += history.events
        self.heads[run] = history.head
        self.add("", history.failures)
        evidence = Evidence(history, None if connection is None else stored(connection, run), self._refold(history))
        for name, invariant in INVARIANTS:
            try:
                found = invariant(evidence)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                found = [f"cannot be checked, for a body has not the form of its kind: {error!r}."]
            self.add(f"{name}: run {run!r}: ", found)

    def _refold(self, history: History) -> Mapping[int, str] | None:
        if not history.of("checkpoint"):
            return None
        if self.refold is None:
            self.note("I3: belief not refolded: only the session can, and no refold was given.")
            return None
        digests = self.refold(history.run)
        if digests is None:
            self.note(f"I3: run {history.run!r}: belief not refolded, for the agent that made it is not at hand.")
        return digests

    def add(self, prefix: str, failures: Sequence[str]) -> None:
        """Keeps the first of many failures of one sort."""
        self.failures += [prefix + failure for failure in failures[:_SHOWN]]
        if len(failures) > _SHOWN:
            self.failures.append(f"{prefix}and {len(failures) - _SHOWN} more of this sort.")

    def note(self, text: str) -> None:
        """Keeps what could not be checked, once."""
        if text not in self.notes:
            self.notes.append(text)

    @contextmanager
    def readable(self, what: str) -> Generator[None]:
        """Turns damage that stops the reading into a failure."""
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.SQLError) as error:
            self.failures.append(f"file: {what} cannot be read ({error}). Restore a backup.")
        except UnicodeDecodeError:
            self.failures.append(f"file: {what} holds bytes that are not text where text belongs. Restore a backup.")

    def report(self) -> Verification:
        """What was found."""
        seconds = time.perf_counter() - self.started
        return Verification(
            self.events, len(self.heads), dict(self.heads), seconds, tuple(self.failures), tuple(self.notes)
        )


def verify(connection: apsw.Connection, path: str, run: str | None, *, refold: Refold | None) -> Verification:
    """The report of `Ledger.verify`, from one consistent view of the file."""
    checker = Checker(refold)
    with _snapshot(connection), checker.readable(path):
        names = _runs(connection)
        if run is not None and run not in names:
            raise unknown_run(run)
        for name in names if run is None else [run]:
            with checker.readable(f"run {name!r}"):
                checker.history(name, _raw(connection, name), connection)
        if run is None:
            _check_file(connection, checker)
        else:
            checker.note("The file itself was not checked: that is done when all runs are.")
    return checker.report()


def _runs(connection: apsw.Connection) -> list[str]:
    # By the events and by the table: a row that was moved to a run of its own must be seen.
    found = rows(
        connection, "SELECT run FROM event WHERE seq = 1 UNION SELECT id FROM run UNION SELECT run FROM question"
    )
    return sorted(str(item[0]) for item in found)


def _raw(connection: apsw.Connection, run: str) -> Iterator[RawEvent]:
    sql = "SELECT seq, at_us, kind, actor, {}, prev, hash FROM event WHERE run = ? AND seq > ? ORDER BY seq"
    last = 0
    try:
        for event in cast("Iterator[RawEvent]", connection.execute(sql.format("body"), (run, last))):
            last = event[0]
            yield event
    except UnicodeDecodeError:  # a damaged body: so that it alone is a failure, not all from there on
        for *before, body, prev, digest in connection.execute(sql.format("CAST(body AS BLOB)"), (run, last)):
            yield (*before, cast("bytes", body).decode(errors="surrogateescape"), prev, digest)  # pyright: ignore[reportReturnType]


def _check_file(connection: apsw.Connection, checker: Checker) -> None:
    for (text,) in rows(connection, f"PRAGMA integrity_check({_SHOWN})"):
        if text != "ok":
            checker.failures.append(f"file: SQLite finds: {text}. Restore a backup.")
    total = rows(connection, "SELECT count(*) FROM event")[0][0]
    if total != checker.events:
        checker.failures.append(f"file: it holds {total} events, but {checker.events} belong to the runs it names.")
    for table, _rowid, parent, _key in rows(connection, "PRAGMA foreign_key_check"):
        checker.failures.append(f"file: a row of {table} points to nothing in {parent}.")
    have, want = stored_schema(connection), expected_schema()
    for name in sorted(have.keys() | want.keys()):
        if have.get(name) != want.get(name):
            checker.failures.append(f"file: {name} is not defined as assent defines it; its rule may not be in force.")


@contextmanager
def _snapshot(connection: apsw.Connection) -> Generator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
