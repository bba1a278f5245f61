"""One transaction on the ledger: events get their seq and hash here, and nothing else writes events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import apsw

from assent.ledger.canonical import canonical_text
from assent.ledger.chain import Link, genesis
from assent.ledger.connection import row
from assent.ledger.errors import (
    AlreadyApplied,
    Halted,
    LedgerDamaged,
    LedgerError,
    RunClosed,
    RunTakenOver,
    UnknownRun,
    moment,
)
from assent.ledger.events import AFTER_CLOSE, DECISIONS, FENCED, check_body
from assent.ledger.failpoints import failpoint
from assent.ledger.records import Halt, Head

_INSERT = "INSERT INTO event(run, seq, at_us, kind, actor, body, prev, hash) VALUES(?,?,?,?,?,?,?,?)"


class Pending(NamedTuple):
    """An event that waits in the group buffer. `body` is kept only where the transaction must read or complete it; `fenced` where only
    the session that holds the run may write it."""

    run: str
    kind: str
    actor: str
    at_us: int
    text: str
    body: Mapping[str, Any] | None = None
    fenced: bool = False


class _Chain:
    """The growing end of one run's chain, and the rows that make it grow."""

    __slots__ = ("_hash", "_rows", "head", "run")

    def __init__(self, run: str, head: Head, rows: list[tuple[Any, ...]]) -> None:
        self.run, self.head = run, head
        self._hash = Link(run).hash
        self._rows = rows

    def add(self, kind: str, actor: str, at_us: int, text: str) -> int:
        last_seq, last = self.head
        seq = last_seq + 1
        digest = self._hash(last, seq, at_us, kind, actor, text.encode())
        self._rows.append((self.run, seq, at_us, kind, actor, text, last, digest))
        self.head = Head(seq, digest)
        return seq


class Transaction:
    """Collects events and projection changes, then writes them. Lives between BEGIN IMMEDIATE and COMMIT."""

    def __init__(
        self, connection: apsw.Connection, operation: str, now_us: int, fences: Mapping[str, int] | None = None
    ) -> None:
        self.connection = connection
        self._fences = fences or {}
        self.now_us = now_us
        self._operation = operation
        self._chains: dict[str, _Chain] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._changes: list[tuple[str, Sequence[object]]] = []

    def add(self, run: str, kind: str, actor: str, body: Mapping[str, Any]) -> int:
        """The seq of a new event, stamped with the time of this transaction."""
        check_body(kind, body)
        return self._chain(run).add(kind, actor, self.now_us, canonical_text(body))

    def change(self, sql: str, bindings: Sequence[object]) -> None:
        """Keeps one change of a projection for `finish`."""
        self._changes.append((sql, bindings))

    def _chain(self, run: str) -> _Chain:
        chain = self._chains.get(run)
        if chain is None:
            at = head(self.connection, run) or Head(0, genesis(run))
            chain = self._chains[run] = _Chain(run, at, self._rows)
        return chain

    def refusal(self, run: str, kind: str, *, fenced: bool = False) -> LedgerError | None:
        """Why an event of this kind may not join the run now, or None; `fenced` holds one to what is asked of the kinds in `FENCED`."""
        found = row(self.connection, "SELECT closed_us, fence FROM run WHERE id = ?", (run,))
        if found is None:
            return unknown_run(run)
        if (fenced or kind in FENCED) and self._fences.get(run) != found[1]:
            return taken_over(run, held=run in self._fences)
        if found[0] is not None and kind not in AFTER_CLOSE:
            return RunClosed(f"Run {run!r} was closed on {moment(found[0])}; no {kind} can follow. Open a new run.")
        halt = halt_of(self.connection, run) if kind in DECISIONS else None
        return None if halt is None else halted(halt)

    def admit(self, pending: Sequence[Pending]) -> dict[str, LedgerError]:
        """Adds the buffered events; for a run that may not go on, drops its first refused event and all after it.

        A prefix of what was buffered stays, exactly as if the process had ended there: one way of recovery for both.
        Returns the refusal of each run that was cut.
        """
        cut: dict[str, LedgerError] = {}
        allowed: dict[tuple[str, str, bool], _Chain] = {}
        for event in pending:
            run, kind, actor, at_us, text, body, fenced = event
            if run in cut:
                continue
            chain = allowed.get((run, kind, fenced))
            refused = None
            if chain is None:
                chain = allowed[run, kind, fenced] = self._chain(run)
                refused = self.refusal(run, kind, fenced=fenced)
            if refused is None and body is not None:
                refused = self._learned(event, dict(body))
            elif refused is None:
                chain.add(kind, actor, at_us, text)
            if refused is not None:
                cut[run] = refused
        return cut

    def _learned(self, event: Pending, body: dict[str, Any]) -> LedgerError | None:
        """Adds an apply or a checkpoint: the kinds whose bodies depend on what is on the ledger by now."""
        run, chain = event.run, self._chain(event.run)
        if event.kind == "apply":
            cause = body["cause"]
            if row(self.connection, "SELECT 1 FROM applied WHERE run = ? AND cause = ?", (run, cause)):
                return already_applied(run, cause)
            seq = chain.add("apply", event.actor, event.at_us, event.text)
            self.change("INSERT INTO applied(run, seq, cause) VALUES(?,?,?)", (run, seq, cause))
            return None
        body["applied_seq"] = self._applied_seq(run)
        chain.add("checkpoint", event.actor, event.at_us, canonical_text(body))
        return None

    def _applied_seq(self, run: str) -> int:
        added = [int(item[1]) for item in self._rows if item[0] == run and item[3] == "apply"]
        if added:
            return added[-1]
        found = row(self.connection, "SELECT max(seq) FROM applied WHERE run = ?", (run,))
        return int(found[0] or 0) if found else 0

    def finish(self) -> None:
        """Writes the events, then the projections that follow from them."""
        self._stage("insert", lambda: self.connection.executemany(_INSERT, self._rows), bool(self._rows))
        self._stage("project", self._project, bool(self._changes))

    def _project(self) -> None:
        for sql, bindings in self._changes:
            self.connection.execute(sql, tuple(bindings))  # pyright: ignore[reportArgumentType]

    def _stage(self, stage: str, work: Callable[[], object], needed: bool) -> None:
        failpoint(f"before:{self._operation}.{stage}")
        if needed:
            work()
        failpoint(f"after:{self._operation}.{stage}")


def head(connection: apsw.Connection, run: str) -> Head | None:
    """Where the chain of the run ends, or None for a run without events."""
    found = row(connection, "SELECT seq, hash FROM event WHERE run = ? ORDER BY seq DESC LIMIT 1", (run,))
    if found is not None and None in found:
        raise LedgerDamaged(
            f"The last event of run {run!r} has no number or no hash: the file is damaged. Restore a backup."
        )
    return None if found is None else Head(int(found[0]), bytes(found[1]))


def halt_of(connection: apsw.Connection, run: str) -> Halt | None:
    """The halt that is in force, or None."""
    found = row(connection, "SELECT run, seq, actor, at_us, reason FROM halt WHERE run = ?", (run,))
    return None if found is None else Halt(*found)


def halted(halt: Halt) -> Halted:
    """The refusal of a decision in a halted run."""
    return Halted(
        f"Run {halt.run!r} was halted by {halt.actor} on {moment(halt.at_us)}: {halt.reason}. No decision is recorded "
        "or may take effect until somebody resumes the run.",
        run=halt.run,
        actor=halt.actor,
        at_us=halt.at_us,
        reason=halt.reason,
    )


def taken_over(run: str, *, held: bool) -> RunTakenOver:
    """The refusal of what somebody decides in a run that another session holds; `held`: this one held it before."""
    if held:
        return RunTakenOver(
            f"Another session has taken run {run!r} over since this one was opened, so nothing of this one is recorded or may take "
            "effect. Go on there, or resume the run here."
        )
    return RunTakenOver(
        f"This ledger object does not hold run {run!r}: what a session decides, and what was done instead, is written by the session "
        "that holds the run. Call it there, or resume the run here (Session.resume)."
    )


def unknown_run(run: str) -> UnknownRun:
    """The refusal of a run that was never opened."""
    return UnknownRun(f"There is no run {run!r} on this ledger. Open it first, or check the name.")


def already_applied(run: str, cause: int) -> AlreadyApplied:
    """The refusal of a second apply."""
    return AlreadyApplied(
        f"Event {cause} of run {run!r} was applied before, and an answer teaches once. Read the run again."
    )
