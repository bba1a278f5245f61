"""The ledger in one SQLite file: every decision, question, answer and correction, before it takes effect.

Longer than most files here because it is all that a session or a console may do to a ledger, in one place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, SupportsIndex, TypeVar

import apsw

from assent.ledger import questions
from assent.ledger.canonical import canonical_text
from assent.ledger.connection import connect, row, sentences, transaction
from assent.ledger.errors import EventRefused, LedgerDamaged, LedgerError, LedgerReadOnly, NotHalted, RunExists
from assent.ledger.events import DECISIVE, Event, check_body, check_name, whole
from assent.ledger.migrations import check, migrate, shipped, vacuum_into
from assent.ledger.reader import LedgerReader
from assent.ledger.reading import halt_in_force, waiting
from assent.ledger.records import Answered, Claim, Halt, Head, Question
from assent.ledger.writer import Pending, Transaction, already_applied, halt_of, unknown_run

_APPENDED: Final = frozenset({"act", "request", "outcome", "alarm", "checkpoint"})
T = TypeVar("T")


def system_clock() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


class Ledger(LedgerReader):
    """An append-only record of runs, safe to share between threads and between processes of one host.

    Every commit is synced to the disk. `group` events are committed together; what is still in the buffer when a
    process dies is lost, so keep `group=1` where a decision has an effect outside of a simulation. Questions,
    answers, corrections, claims, halts and closings never wait, and take the buffer with them.
    """

    def __init__(self, connection: apsw.Connection, path: str, clock: Callable[[], int], group: int, read_only: bool):
        super().__init__(connection, path, clock)
        self._group = group
        self._read_only = read_only
        self._pending: list[Pending] = []
        self._cut: dict[str, LedgerError] = {}
        self._known: set[tuple[str, str]] = set()
        self._fences: dict[str, int] = {}

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        group: int = 1,
        clock: Callable[[], int] = system_clock,
        read_only: bool = False,
        busy_s: float = 30.0,
    ) -> Ledger:
        """The ledger in this file, made if it is not there. Brings an older file to the current schema and first puts
        a copy beside it.

        `group`: how many events wait for one commit, from 1; `clock`: microseconds since 1970; `busy_s`: how long to
        wait for another writer. Raises LedgerDamaged, LedgerNewer, LedgerReadOnly, LedgerFull, LedgerRemote.
        """
        if not isinstance(group, int) or group < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise LedgerError(f"group is {group!r}; a whole number of events, at least 1, is committed at a time.")
        if not isinstance(path, (str, Path)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise LedgerError(f"The ledger's path is {path!r}; give the name of a file.")
        name = str(path)
        steps = shipped()
        connection = connect(
            name, read_only=read_only, busy_s=busy_s, inspect=lambda opened: check(opened, name, steps)
        )
        try:
            with sentences(name):
                if not read_only:
                    migrate(connection, name, now_us=clock, migrations=steps)
                elif not (done := check(connection, name, steps)):
                    raise LedgerDamaged(
                        f"{name} is empty, so it is no ledger yet. Name another, or open it for writing."
                    )
                elif done < len(steps):
                    raise LedgerReadOnly(f"{name} has an older schema. Open it once for writing; that migrates it.")
        except BaseException:
            connection.close()
            raise
        return cls(connection, name, clock, group, read_only)

    # -- runs ---------------------------------------------------------------------------------------------------------

    def open_run(self, run: str, body: Mapping[str, Any], *, actor: str = "session") -> Head:
        """Starts a run; raises RunExists, EventRefused."""
        check_name("run", run)

        def work(tx: Transaction) -> LedgerError | None:
            if row(tx.connection, "SELECT 1 FROM run WHERE id = ?", (run,)):
                return RunExists(
                    f"Run {run!r} was opened before. Go on with it (Session.resume), or choose another name."
                )
            tx.add(run, "open", actor, body)
            tx.change("INSERT INTO run(id, opened_us) VALUES(?,?)", (run, tx.now_us))
            return None

        self._durable("open", actor, work)
        self._fences[run] = 1
        return self.head(run)

    def take_over(self, run: str) -> None:
        """Makes this ledger object the only one that may decide in the run from now on; raises UnknownRun.

        What another one decides afterwards is refused with RunTakenOver: two sessions never interleave in a run.
        """

        def work(tx: Transaction) -> int | LedgerError:
            found = row(tx.connection, "SELECT fence FROM run WHERE id = ?", (run,))
            if found is None:
                return unknown_run(run)
            tx.change("UPDATE run SET fence = fence + 1 WHERE id = ?", (run,))
            return int(found[0]) + 1

        self._fences[run] = self._durable("open", "session", work)
        self._cut.pop(run, None)  # whoever goes on from here reads what the ledger holds: nothing of it was lost

    def fence(self, run: str) -> int:
        """How often the run had been taken over when this object last opened it or took it over; 0 if it never did."""
        return self._fences.get(run, 0)

    def holds(self, run: str) -> bool:
        """Whether this object holds the run: it opened it or took it over, and nobody has since."""
        with self._using() as connection:
            found = row(connection, "SELECT fence FROM run WHERE id = ?", (run,))
        return found is not None and self._fences.get(run) == found[0]

    def close_run(self, run: str, reason: str, *, actor: str = "session") -> None:
        """Ends a run for good and withdraws its open questions. Outcomes, alarms and refused answers may follow."""

        def work(tx: Transaction) -> LedgerError | None:
            refused = tx.refusal(run, "close")
            if refused is None:
                for question in waiting(tx.connection, run):
                    questions.withdraw(tx, question.id, f"the run was closed: {reason}", actor=actor)
                tx.add(run, "close", actor, {"reason": reason})
                tx.change("UPDATE run SET closed_us = ? WHERE id = ?", (tx.now_us, run))
            return refused

        self._durable("close", actor, work)

    def halt(self, run: str, reason: str, *, actor: str) -> Halt:
        """Forbids every further decision of the run until `resume`; the halt in force (the first, if there was one)."""

        def work(tx: Transaction) -> Halt | LedgerError:
            refused = tx.refusal(run, "halt")
            if refused is not None:
                return refused
            seq = tx.add(run, "halt", actor, {"reason": reason})
            before = halt_of(tx.connection, run)
            if before is not None:
                return before
            tx.change(
                "INSERT INTO halt(run, seq, actor, at_us, reason) VALUES(?,?,?,?,?)",
                (run, seq, actor, tx.now_us, reason),
            )
            return Halt(run, seq, actor, tx.now_us, reason)

        return self._durable("halt", actor, work)

    def resume(self, run: str, reason: str, *, actor: str) -> None:
        """Ends a halt; raises NotHalted."""

        def work(tx: Transaction) -> LedgerError | None:
            refused = tx.refusal(run, "resume")
            if refused is not None:
                return refused
            if halt_of(tx.connection, run) is None:
                return NotHalted(f"Run {run!r} is not halted, so there is nothing to resume.")
            tx.add(run, "resume", actor, {"reason": reason})
            tx.change("DELETE FROM halt WHERE run = ?", (run,))
            return None

        self._durable("resume", actor, work)

    # -- what the agent does -------------------------------------------------------------------------------------------

    def append(self, run: str, kind: str, body: Mapping[str, Any], *, actor: str = "agent") -> None:
        """Records an act, request, outcome, alarm or checkpoint, together with others if `group` is above 1.

        Raises Halted if a halt was in force when the buffer was written: the decisions that were in it are dropped,
        with all that came after them, and must not take effect. Raises EventRefused, UnknownRun, RunClosed.
        """
        if kind not in _APPENDED:
            raise EventRefused(f"An event of kind {kind!r} is not appended: the ledger has a method for it.")
        if kind == "checkpoint":
            body = {"applied_seq": 0, **body}  # the true one is known when the buffer is written
        check_body(kind, body)
        kept = body if kind == "checkpoint" else None
        if kind == "alarm" and not isinstance(body["name"], str):
            raise EventRefused(f"The alarm's name is {body['name']!r}; it must be a text.")
        fenced = kind == "alarm" and body["name"] in DECISIVE
        self._buffer((Pending(run, kind, actor, self._clock(), canonical_text(body), kept, fenced),), "flush")

    def checkpoint(self, run: str, body: Mapping[str, Any], *, actor: str = "agent") -> None:
        """Records the learner's state, `{"belief": digest, "log_weight": encoded}`; applied_seq is filled in."""
        self.append(run, "checkpoint", body, actor=actor)

    def outcome(self, run: str, step: SupportsIndex, truth: SupportsIndex, *, actor: str) -> None:
        """Records what the overseer would have done at a step, known later; it never teaches."""
        self.append(run, "outcome", {"step": whole("step", step), "truth": whole("truth", truth)}, actor=actor)

    def alarm(self, run: str, name: str, detail: Mapping[str, Any], *, actor: str = "agent") -> None:
        """Records that something watched went wrong; raises RunTakenOver for one that changes what is charged (`DECISIVE`), unless this
        object holds the run."""
        self.append(run, "alarm", {"name": name, "detail": dict(detail)}, actor=actor)

    def apply(
        self,
        run: str,
        cause: int,
        body: Mapping[str, Any],
        checkpoint: Mapping[str, Any] | None = None,
        *,
        actor: str = "agent",
    ) -> None:
        """Records that the learner took in event `cause` (an answer or a volunteer event), once, and in the same commit
        the state that it reached. Raises AlreadyApplied, EventRefused."""
        whole = {**body, "cause": cause}
        check_body("apply", whole)
        now_us = self._clock()
        pending = [Pending(run, "apply", actor, now_us, canonical_text(whole), whole)]
        if checkpoint is not None:
            state = {"applied_seq": 0, **checkpoint}
            check_body("checkpoint", state)
            pending.append(Pending(run, "checkpoint", actor, now_us, canonical_text(state), state))
        with self._using() as connection:
            found = row(connection, "SELECT kind FROM event WHERE run = ? AND seq = ?", (run, cause))
            if found is None or found[0] not in ("answer", "volunteer"):
                what = "not there" if found is None else f"of kind {found[0]}"
                raise EventRefused(
                    f"Event {cause} of run {run!r} is {what}; only an answer or a correction is applied."
                )
            done = row(connection, "SELECT 1 FROM applied WHERE run = ? AND cause = ?", (run, cause))
            waits = (item.body for item in self._pending if item.kind == "apply" and item.run == run)
            if done or any(body is not None and body["cause"] == cause for body in waits):
                raise already_applied(run, cause)
            self._buffer(pending, "apply")

    def ask(self, run: str, body: Mapping[str, Any], *, actor: str = "agent") -> Question:
        """Puts a question before the overseer; it is durable when this returns. Its choices are the entries of the
        dossier's assent. Raises Halted, RunClosed, UnknownRun, EventRefused, QuestionSettled (asked before)."""
        self._tell(run)
        self._durable("ask", actor, lambda tx: questions.ask(tx, run, body, actor=actor), run)
        return self.question(str(body["question"]))

    def flush(self, run: str | None = None) -> None:
        """Commits the buffer; raises Halted or RunClosed if a part of it had to be dropped, now or earlier.

        Whoever decides in `run` names it, and hears of its dropped decisions once, by this, `append`, `apply` or
        `ask`. Without a name this raises for any run whose decider has not heard yet, and leaves that to be told.
        """
        if self._pending:
            self._commit("flush", lambda tx: None)
        if run is not None:
            self._tell(run)
        elif self._cut:
            raise next(iter(self._cut.values()))

    # -- what people do ------------------------------------------------------------------------------------------------

    def claim(self, question: str, *, actor: str, lease_s: float) -> Claim:
        """Keeps others from answering for `lease_s` seconds. Raises LeaseHeld, QuestionSettled, AnswerLate."""
        if not 0 < lease_s < 1e10:
            raise EventRefused(f"lease_s is {lease_s!r}; a lease lasts more than 0 seconds.")
        return self._durable("claim", actor, lambda tx: questions.claim(tx, question, actor=actor, lease_s=lease_s))

    def release(self, question: str, *, actor: str, fence: int) -> None:
        """Gives a claim back; raises LeaseLost."""
        self._durable("release", actor, lambda tx: questions.release(tx, question, actor=actor, fence=fence))

    def answer(
        self,
        question: str,
        choice: int,
        *,
        actor: str,
        digest: str | None,
        idem: str | None = None,
        lesson: Mapping[str, Any] | None = None,
    ) -> Answered:
        """The answer in effect: this one, or (first=False) the first one if this call repeats it.

        A call repeats if its idempotency key is that of the first answer, or its actor and choice are. `digest` is the
        question's digest as the actor saw it. Raises AnswerConflict, AnswerLate, QuestionChanged, QuestionWithdrawn,
        LeaseHeld (each kept as a `refuse` event), ChoiceOutOfRange, UnknownQuestion. `lesson` holds, where the actor stated
        probabilities, those (`stated`) and the action drawn from them that teaches (`lesson`); what is done is the choice.
        """
        key = check_name("idempotency key", f"{question}:{actor}:{choice}"[:200] if idem is None else idem)
        return self._durable(
            "answer",
            actor,
            lambda tx: questions.answer(tx, question, choice, actor=actor, digest=digest, idem=key, lesson=lesson),
        )

    def volunteer(
        self, run: str, step: SupportsIndex, choice: SupportsIndex, *, actor: str, obs: Any = None, note: str = ""
    ) -> Event:
        """Records a correction that nobody asked for; its event. `obs` comes encoded. Raises UnknownRun, RunClosed."""
        body = {"step": whole("step", step), "choice": whole("choice", choice), "obs": obs, "note": note}

        def work(tx: Transaction) -> int | LedgerError:
            return tx.refusal(run, "volunteer") or tx.add(run, "volunteer", actor, body)

        seq = self._durable("volunteer", actor, work)
        return next(self.events(run, seq - 1))

    def veto(self, run: str, body: Mapping[str, Any], *, actor: str) -> int:
        """Records that somebody saw an act before it took effect and did not let it happen; its seq. Raises UnknownRun, RunClosed,
        EventRefused, RunTakenOver."""
        return self._durable("veto", actor, lambda tx: tx.refusal(run, "veto") or tx.add(run, "veto", actor, body))

    def expire(self, question: str, action: int, *, actor: str = "session") -> Question:
        """Closes an unanswered question with the null action that was taken instead. Does nothing to one that has
        expired already; raises QuestionSettled if an answer was quicker."""
        self._durable("expire", actor, lambda tx: questions.expire(tx, question, action, actor=actor))
        return self.question(question)

    def expire_due(self, now_us: int | None = None, *, actor: str = "clock") -> list[str]:
        """Expires every question whose deadline is not after `now_us` and whose null action is known; their ids."""
        due_us = self._clock() if now_us is None else now_us

        def work(tx: Transaction) -> list[str]:
            found = waiting(tx.connection)
            return [item.id for item in found if questions.expire_overdue(tx, item, actor=actor, now_us=due_us)]

        return self._durable("expire", actor, work)

    def withdraw(self, question: str, reason: str, *, actor: str) -> None:
        """Takes a question back; raises QuestionSettled."""
        self._durable("withdraw", actor, lambda tx: questions.withdraw(tx, question, reason, actor=actor))

    # -- the file ------------------------------------------------------------------------------------------------------

    def backup(self, path: str | Path) -> Path:
        """A compact copy of the whole ledger at one moment, synced, in a new file; raises LedgerError if it exists."""
        target = Path(path)
        if target.exists():
            raise LedgerError(f"{target} is there already, and a backup replaces nothing. Name a new file.")
        if self._pending:
            self._commit("flush", lambda tx: None)  # what that drops is told to whoever decides, not here
        with self._using() as connection:
            vacuum_into(connection, target)
        return target

    def close(self) -> None:
        """Commits the buffer and closes the file; raises what `flush` raises, after closing."""
        if self._closed:
            return
        try:
            if self._pending or self._cut:
                self.flush()
        finally:
            self._closed = True
            self._connection.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self.close()
        except LedgerError:
            if error is None:
                raise

    # -- how it is written ---------------------------------------------------------------------------------------------

    def _buffer(self, pending: Sequence[Pending], operation: str) -> None:
        """Adds to the buffer and writes it if it is full. If this raises, `pending` is not and will not be recorded."""
        run, actor = pending[0].run, pending[0].actor
        if (run, actor) not in self._known:
            self._check_new(run, actor)
        if self._cut:
            self._tell(run)
        with self._lock:
            kept = len(self._pending)
            self._pending.extend(pending)
            if len(self._pending) < self._group:
                return
            try:
                self._commit(operation, lambda tx: None)
            except BaseException:
                del self._pending[kept:]
                raise
        self._tell(run)

    def _check_new(self, run: str, actor: str) -> None:
        check_name("actor", actor)
        with self._using() as connection:
            if self._read_only:
                raise LedgerReadOnly(f"{self._path} was opened for reading only. Open it for writing.")
            halt_in_force(connection, run)  # raises UnknownRun
        self._known.add((run, actor))

    def _durable(
        self, operation: str, actor: str, work: Callable[[Transaction], T | LedgerError], run: str | None = None
    ) -> T:
        check_name("actor", actor)
        result = self._commit(operation, work)
        if isinstance(result, LedgerError):
            if run is not None:
                self._cut.pop(run, None)  # the caller hears of the halt from this call
            raise result
        return result

    def _commit(self, operation: str, work: Callable[[Transaction], T]) -> T:
        """The buffer, then what `work` adds, in one synced transaction; the buffer stays as it was if that fails."""
        with self._using() as connection:
            if self._read_only:
                raise LedgerReadOnly(f"{self._path} was opened for reading only. Open it for writing.")
            with transaction(connection, operation):
                tx = Transaction(connection, operation, self._clock(), self._fences)
                cut = tx.admit(self._pending)
                result = work(tx)
                tx.finish()
            self._pending.clear()
            self._cut.update(cut)
            return result

    def _tell(self, run: str) -> None:
        """Raises the refusal that dropped decisions of `run`, once."""
        error = self._cut.pop(run, None)
        if error is not None:
            raise error
