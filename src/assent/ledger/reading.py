"""Everything that can be asked of a ledger without changing it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import apsw

from assent.ledger.connection import row, rows
from assent.ledger.errors import EventRefused
from assent.ledger.events import KINDS, Event
from assent.ledger.records import Answered, Halt, Head, Question, Run, State
from assent.ledger.writer import halt_of, head, unknown_run

_PAGE = 1000
_SAFE_INTEGER = 2**53 - 1
_COLUMNS = (
    *("id", "run", "step", "attempt", "seq", "digest", "options", "null_action", "state"),
    *("deadline_us", "lease_actor", "lease_until_us", "lease_fence"),
)
_QUESTION = (
    f"SELECT {', '.join('q.' + name for name in _COLUMNS)}, a.choice, a.actor, a.at_us, a.seq, a.idem "
    "FROM question q LEFT JOIN answer a ON a.question = q.id "
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the question table with its answer: what the rules of answering look at. `digest` is hexadecimal."""

    id: str
    run: str
    step: int
    attempt: int
    seq: int
    digest: str
    options: int
    null_action: int | None
    state: State
    deadline_us: int | None
    lease_actor: str | None
    lease_until_us: int | None
    lease_fence: int
    answer: Answered | None
    idem: str | None


def _stored(found: tuple[Any, ...]) -> Stored:
    values: dict[str, Any] = dict(zip(_COLUMNS, found, strict=False))
    choice, actor, at_us, seq, idem = found[len(_COLUMNS) :]
    answer = None if seq is None else Answered(choice, actor, at_us, False, seq)
    values["digest"] = values["digest"].hex()
    return Stored(**values, answer=answer, idem=idem)


def stored_question(connection: apsw.Connection, key: str, *, by_idem: bool = False) -> Stored | None:
    """The question of this id, or the one whose answer came with this idempotency key; None if there is none."""
    found = row(connection, _QUESTION + ("WHERE a.idem = ?" if by_idem else "WHERE q.id = ?"), (key,))
    return None if found is None else _stored(found)


def waiting(connection: apsw.Connection, run: str | None = None) -> list[Stored]:
    """The questions that are open or claimed, in the order of steps."""
    where = "WHERE q.state IN ('open', 'claimed')" + ("" if run is None else " AND q.run = ?")
    found = rows(connection, _QUESTION + where + " ORDER BY q.run, q.step, q.attempt", () if run is None else (run,))
    return [_stored(item) for item in found]


def question(connection: apsw.Connection, key: str, now_us: int) -> Question | None:
    """The question of this id as it stands at `now_us`, or None."""
    found = stored_question(connection, key)
    return None if found is None else _complete(connection, found, now_us)


def questions(connection: apsw.Connection, run: str | None, state: State | None, now_us: int) -> list[Question]:
    """The questions of a run, or of all, in the order of steps; only those in `state`, if one is given."""
    where = "" if run is None else "WHERE q.run = ? "
    if state in ("open", "claimed"):
        found = waiting(connection, run)
    else:
        sql = _QUESTION + where + "ORDER BY q.run, q.step, q.attempt"
        found = [_stored(item) for item in rows(connection, sql, () if run is None else (run,))]
    return [_complete(connection, item, now_us) for item in found if state is None or _state_at(item, now_us) == state]


def _state_at(found: Stored, now_us: int) -> State:
    lapsed = found.state == "claimed" and (found.lease_until_us or 0) <= now_us
    return "open" if lapsed else found.state


def _complete(connection: apsw.Connection, found: Stored, now_us: int) -> Question:
    event = row(connection, "SELECT at_us, body FROM event WHERE run = ? AND seq = ?", (found.run, found.seq))
    at_us, body = (0, "{}") if event is None else event
    state = _state_at(found, now_us)
    leased = state == "claimed"
    return Question(
        id=found.id,
        run=found.run,
        step=found.step,
        attempt=found.attempt,
        seq=found.seq,
        asked_us=at_us,
        digest=found.digest,
        state=state,
        options=found.options,
        null_action=found.null_action,
        deadline_us=found.deadline_us,
        lease_actor=found.lease_actor if leased else None,
        lease_until_us=found.lease_until_us if leased else None,
        lease_fence=found.lease_fence,
        answer=found.answer,
        body=parse(body),
    )


def parse(text: str | bytes) -> Any:
    """JSON as it was before it was canonical: an integer too large for one was a float."""
    return json.loads(text, parse_int=_number)


def _number(text: str) -> int | float:
    value = int(text)
    return value if -_SAFE_INTEGER <= value <= _SAFE_INTEGER else float(text)


def events(connection: apsw.Connection, run: str, since: int, kinds: Collection[str] | None) -> Iterator[list[Event]]:
    """Pages of the run's events with seq > since, in order; each page is read whole."""
    unknown = sorted(set(kinds or ()) - set(KINDS))
    if unknown:
        raise EventRefused(f"There are no events of kind {', '.join(unknown)}. The kinds are: {', '.join(KINDS)}.")
    where, bindings = "", list[object]()
    if kinds is not None:
        bindings = sorted(set(kinds))
        where = f" AND kind IN ({','.join('?' * len(bindings))})"
        if "act" not in bindings:
            where += " AND kind <> 'act'"  # says that the partial index event_by_kind will do
    order = f" ORDER BY seq LIMIT {_PAGE}"
    sql = "SELECT run, seq, at_us, kind, actor, body, prev, hash FROM event WHERE run = ? AND seq > ?" + where + order
    while True:
        found = rows(connection, sql, (run, since, *bindings))
        if found:
            yield [_event(*item) for item in found]
            since = int(found[-1][1])
        if len(found) < _PAGE:
            return


def _event(run: str, seq: int, at_us: int, kind: str, actor: str, body: str, prev: bytes, digest: bytes) -> Event:
    return Event(run, seq, at_us, kind, actor, parse(body), prev, digest)


def unapplied(connection: apsw.Connection, run: str) -> list[Event]:
    """The answers and volunteered corrections that the learner has not taken in yet, in the order of seq."""
    causes = {int(item[0]) for item in rows(connection, "SELECT cause FROM applied WHERE run = ?", (run,))}
    pages = events(connection, run, 0, ("answer", "volunteer"))
    return [event for page in pages for event in page if event.seq not in causes]


def runs(connection: apsw.Connection) -> list[Run]:
    """All runs, first opened first."""
    found = rows(
        connection,
        "SELECT id, opened_us, closed_us, (SELECT count(*) FROM question q WHERE q.run = run.id AND "
        "q.state IN ('open', 'claimed')) FROM run ORDER BY opened_us, id",
    )
    result: list[Run] = []
    for name, opened_us, closed_us, count in found:
        at = head(connection, name) or Head(0, b"")
        result.append(Run(name, opened_us, closed_us, at, halt_of(connection, name), count))
    return result


def head_of(connection: apsw.Connection, run: str) -> Head:
    """Where the chain of the run ends; raises UnknownRun."""
    found = head(connection, run)
    if found is None:
        raise unknown_run(run)
    return found


def halt_in_force(connection: apsw.Connection, run: str) -> Halt | None:
    """The halt that is in force, or None; raises UnknownRun."""
    if row(connection, "SELECT 1 FROM run WHERE id = ?", (run,)) is None:
        raise unknown_run(run)
    return halt_of(connection, run)
