"""The half of a ledger that changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import apsw

from assent.ledger import reading
from assent.ledger.connection import sentences
from assent.ledger.errors import LedgerClosed, LedgerError
from assent.ledger.events import Event
from assent.ledger.questions import unknown_question
from assent.ledger.records import Halt, Head, Question, Run, State

if TYPE_CHECKING:
    from assent.ledger.verification import Verification


class LedgerReader:
    """Reads what is durable. Events that still wait in a group buffer are not there yet: `flush` first."""

    def __init__(self, connection: apsw.Connection, path: str, clock: Callable[[], int]) -> None:
        self._connection = connection
        self._path = path
        self._clock = clock
        self._lock = RLock()
        self._process = os.getpid()
        self._closed = False

    @property
    def path(self) -> str:
        """The file."""
        return self._path

    @contextmanager
    def _using(self) -> Generator[apsw.Connection]:
        if self._closed:
            raise LedgerClosed(f"The ledger {self._path} was closed. Open it again.")
        if os.getpid() != self._process:
            raise LedgerError(
                f"The ledger {self._path} was opened before this process was forked. Open it anew in each process."
            )
        with self._lock, sentences(self._path):
            yield self._connection

    def events(self, run: str, since: int = 0, kinds: Collection[str] | None = None) -> Iterator[Event]:
        """The events of a run with seq > since, in order; only those of `kinds`, if given. A whole float comes back as
        an int, as JSON has it. Raises EventRefused for an unknown kind."""
        pages = reading.events(self._connection, run, since, kinds)
        while True:
            with self._using():
                page = next(pages, None)
            if page is None:
                return
            yield from page

    def unapplied(self, run: str) -> list[Event]:
        """The answers and volunteered corrections that no `apply` names yet, in order: what to learn on restart."""
        with self._using() as connection:
            return reading.unapplied(connection, run)

    def head(self, run: str) -> Head:
        """The last seq and hash of a run's chain; keep it elsewhere to see later whether the tail was cut.
        Raises UnknownRun."""
        with self._using() as connection:
            return reading.head_of(connection, run)

    def runs(self) -> list[Run]:
        """All runs, first opened first."""
        with self._using() as connection:
            return reading.runs(connection)

    def halted(self, run: str) -> Halt | None:
        """The halt that is in force, or None; raises UnknownRun."""
        with self._using() as connection:
            return reading.halt_in_force(connection, run)

    def question(self, question: str) -> Question:
        """A question as it stands now, with what was asked; raises UnknownQuestion."""
        with self._using() as connection:
            found = reading.question(connection, question, self._clock())
        if found is None:
            raise unknown_question(question)
        return found

    def questions(self, run: str | None = None, state: State | None = None) -> list[Question]:
        """The questions of one run, or of all, in the order of steps; only those now in `state`, if given."""
        with self._using() as connection:
            return reading.questions(connection, run, state, self._clock())

    def verify(
        self, run: str | None = None, *, refold: Callable[[str], Mapping[int, str] | None] | None = None
    ) -> Verification:
        """A report on the chain, the invariants I1 to I10 and the file itself, of one run or of all.

        `refold(run)` computes the learner anew: the seq of each apply that a checkpoint names -> digest of the belief.
        Raises UnknownRun.
        """
        from assent.ledger.verification import verify

        with self._using() as connection:
            return verify(connection, self._path, run, refold=refold)

    def export(self, path: str | Path, run: str | None = None) -> int:
        """Writes one canonical JSON line an event, hashes as hexadecimal digits; the number of lines.
        `assent.ledger.export.verify_export` checks such a file without the ledger."""
        from assent.ledger.export import export

        names = [run] if run is not None else [item.id for item in self.runs()]
        for name in names:
            self.head(name)
        return export((event for name in names for event in self.events(name)), Path(path))
