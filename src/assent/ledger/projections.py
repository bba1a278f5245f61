"""The tables that follow from the events, computed a second time: by folding instead of by SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import apsw

from assent.ledger.connection import rows
from assent.ledger.events import Event, count_options, microseconds

Row = dict[str, Any]


@dataclass(slots=True)
class Projections:
    """Table name -> key -> row, for the tables that I9 compares. Blobs are hexadecimal."""

    run: dict[str, Row] = field(default_factory=dict[str, Row])
    question: dict[str, Row] = field(default_factory=dict[str, Row])
    answer: dict[str, Row] = field(default_factory=dict[str, Row])
    applied: dict[str, Row] = field(default_factory=dict[str, Row])
    halt: dict[str, Row] = field(default_factory=dict[str, Row])


_Change = Callable[[Projections, Event], None]
TABLES = tuple(item.name for item in fields(Projections))
_SELECT = {
    "run": "SELECT id AS key, opened_us, closed_us FROM run WHERE id = ?1",
    "question": "SELECT id AS key, run, step, attempt, seq, lower(hex(digest)) AS digest, options, null_action, state, "
    "deadline_us, lease_actor, lease_until_us, lease_fence FROM question WHERE run = ?1",
    "answer": "SELECT question AS key, idem, actor, choice, lower(hex(a.digest)) AS digest, at_us, a.seq AS seq "
    "FROM answer a JOIN question q ON q.id = a.question WHERE q.run = ?1",
    "applied": "SELECT run || ' ' || seq AS key, cause FROM applied WHERE run = ?1",
    "halt": "SELECT run AS key, seq, actor, at_us, reason FROM halt WHERE run = ?1",
}
_COLUMNS = {
    "run": ("opened_us", "closed_us"),
    "question": (
        *("run", "step", "attempt", "seq", "digest", "options", "null_action", "state"),
        *("deadline_us", "lease_actor", "lease_until_us", "lease_fence"),
    ),
    "answer": ("idem", "actor", "choice", "digest", "at_us", "seq"),
    "applied": ("cause",),
    "halt": ("seq", "actor", "at_us", "reason"),
}


def stored(connection: apsw.Connection, run: str) -> Projections:
    """What the tables say about a run."""
    result = Projections()
    for table in TABLES:
        for key, *values in rows(connection, _SELECT[table], (run,)):
            getattr(result, table)[key] = dict(zip(_COLUMNS[table], values, strict=True))
    return result


def fold(events: Iterable[Event]) -> Projections:
    """What the tables must say, from a run's events; raises KeyError or TypeError where an event makes no sense."""
    state = Projections()
    for event in events:
        change = _CHANGES.get(event.kind)
        if change is not None:
            change(state, event)
    return state


def _open(state: Projections, event: Event) -> None:
    state.run[event.run] = {"opened_us": event.at_us, "closed_us": None}


def _close(state: Projections, event: Event) -> None:
    state.run[event.run]["closed_us"] = event.at_us


def _ask(state: Projections, event: Event) -> None:
    body = event.body
    wait_s = body["wait_s"]
    state.question[body["question"]] = {
        "run": event.run,
        "step": body["step"],
        "attempt": body["attempt"],
        "seq": event.seq,
        "digest": body["digest"],
        "options": count_options(body["dossier"]),
        "null_action": body.get("null_action"),
        "state": "open",
        "deadline_us": None if wait_s is None else event.at_us + microseconds(wait_s),
        "lease_actor": None,
        "lease_until_us": None,
        "lease_fence": 0,
    }


def _claim(state: Projections, event: Event) -> None:
    state.question[event.body["question"]].update(
        state="claimed",
        lease_actor=event.actor,
        lease_until_us=event.at_us + microseconds(event.body["lease_s"]),
        lease_fence=event.body["fence"],
    )


def _settle(settled: str) -> _Change:
    def change(state: Projections, event: Event) -> None:
        state.question[event.body["question"]].update(state=settled, lease_actor=None, lease_until_us=None)

    return change


def _answer(state: Projections, event: Event) -> None:
    body = event.body
    state.answer[body["question"]] = {
        "idem": body["idem"],
        "actor": event.actor,
        "choice": body["choice"],
        "digest": body["digest"],
        "at_us": event.at_us,
        "seq": event.seq,
    }
    _settle("answered")(state, event)


def _apply(state: Projections, event: Event) -> None:
    state.applied[f"{event.run} {event.seq}"] = {"cause": event.body["cause"]}


def _halt(state: Projections, event: Event) -> None:
    row = {"seq": event.seq, "actor": event.actor, "at_us": event.at_us, "reason": event.body["reason"]}
    state.halt.setdefault(event.run, row)


def _resume(state: Projections, event: Event) -> None:
    del state.halt[event.run]


_CHANGES: dict[str, _Change] = {
    "open": _open,
    "close": _close,
    "ask": _ask,
    "claim": _claim,
    "release": _settle("open"),
    "answer": _answer,
    "expire": _settle("expired"),
    "withdraw": _settle("withdrawn"),
    "apply": _apply,
    "halt": _halt,
    "resume": _resume,
}
