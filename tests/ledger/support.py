"""Bodies of every kind, and a clock that a test turns by hand."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import Any

import apsw

from assent.ledger import Ledger, digest_of_question, question_id

OPEN: dict[str, Any] = {
    "format": 1,
    "version": "0.0.0",
    "seed": 7,
    "agent": {
        "rule": "Minimum",
        "leading": "posterior",
        "guards": [],
        "temper": 1.0,
        "members": ["north", "south"],
        "num_actions": 3,
        "grade": "exact",
    },
    "config": {},
    "environment": {"python": "3.11"},
    "view": {"labels": ["stay", "left", "right"], "picture": None},
}

# root passes over file modes; a program started behind this, from util-linux, does not
NO_PRIVILEGES = () if os.geteuid() else ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


class Clock:
    """Microseconds that stand still until they are told to go on."""

    def __init__(self, now_us: int = 1_700_000_000_000_000) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us

    def advance(self, seconds: float) -> None:
        self.now_us += round(seconds * 1_000_000)


def act(step: int, **changes: Any) -> dict[str, Any]:
    body = {"step": step, "attempt": 0, "action": 1, "u": 0.5, "ask": 0.25, "below": 0.125, "mass": 0.5}
    return {**body, "minimum": 0.5, "leaders": 2, **changes}


DOSSIER: dict[str, Any] = {
    "members": ["north", "south"],
    "rows": [[0.5, 0.25, 0.25], [0.125, 0.5, 0.375]],
    "weights": [0.5, 0.5],
    "leading": [True, True],
    "minimum": [0.125, 0.25, 0.25],
    "assent": [0.125, 0.25, 0.25],
    "dissent": [1],
    "truncated": False,
}


def ask(run: str, step: int, attempt: int = 0, **changes: Any) -> dict[str, Any]:
    digest = digest_of_question(
        run=run, step=step, attempt=attempt, obs=[step], options=OPEN["view"]["labels"], dossier=DOSSIER
    )
    body = {
        "question": question_id(run, step, attempt),
        "step": step,
        "attempt": attempt,
        "digest": digest,
        "obs": [step],
        "u": 0.125,
        "ask": 0.375,
        "leaders": 2,
        "reason": "disagreement",
        "wait_s": None,
        "dossier": DOSSIER,
    }
    return {**body, **changes}


APPLY: dict[str, Any] = {"surprise": 0.7, "leaders": 2, "effective": 1.5}
STATE: dict[str, Any] = {"belief": "0" * 64, "log_weight": [0.0, -1.0]}


def rewrite(path: Path, run: str, seq: int, **columns: Any) -> None:
    """Forges one event and makes every hash after it right again, as somebody with the file could."""
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER event_is_never_changed")
    for name, value in columns.items():
        connection.execute(f"UPDATE event SET {name} = ? WHERE run = ? AND seq = ?", (value, run, seq))
    rechain(connection, run)
    trigger = "CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event\n"
    trigger += "BEGIN SELECT RAISE(ABORT, 'events are append-only: an event is never changed'); END"
    connection.execute(trigger)
    connection.close()


def rechain(connection: apsw.Connection, run: str) -> None:
    rows = list(
        connection.execute("SELECT seq, at_us, kind, actor, body FROM event WHERE run = ? ORDER BY seq", (run,))
    )
    prev = hashlib.sha256(b"assent/1" + _prefixed(run)).digest()
    for seq, at_us, kind, actor, body in rows:
        digest = own_hash(prev, seq, at_us, run, kind, actor, body)
        connection.execute("UPDATE event SET prev = ?, hash = ? WHERE run = ? AND seq = ?", (prev, digest, run, seq))
        prev = digest


def own_hash(prev: bytes, seq: int, at_us: int, run: str, kind: str, actor: str, body: str) -> bytes:
    """The hash of an event in the test's own words, from the contract and hashlib alone."""
    message = prev + struct.pack(">Q", seq) + struct.pack(">Q", at_us)
    for text in (run, kind, actor, body):
        message += _prefixed(text)
    return hashlib.sha256(message).digest()


def _prefixed(text: str) -> bytes:
    return struct.pack(">Q", len(text.encode())) + text.encode()


def small_ledger(path: Path, clock: Clock | None = None) -> Ledger:
    """A ledger with one run in which everything has happened once: 22 events."""
    ledger = Ledger.open(path, clock=clock or Clock())
    ledger.open_run("demo", OPEN)
    for step in range(4):
        ledger.append("demo", "act", act(step))
    question = ledger.ask("demo", ask("demo", 4))
    claim = ledger.claim(question.id, actor="ann", lease_s=60)
    ledger.release(question.id, actor="ann", fence=claim.fence)
    ledger.claim(question.id, actor="ann", lease_s=60)
    answered = ledger.answer(question.id, 2, actor="ann", digest=question.digest)
    ledger.apply("demo", answered.seq, APPLY, STATE)
    ledger.ask("demo", ask("demo", 5, null_action=0))
    ledger.expire("demo/5.0", 0)
    ledger.ask("demo", ask("demo", 6))
    ledger.withdraw("demo/6.0", "the world moved on", actor="session")
    volunteered = ledger.volunteer("demo", 6, 1, actor="ann")
    ledger.apply("demo", volunteered.seq, APPLY)
    ledger.halt("demo", "smoke", actor="bea")
    ledger.resume("demo", "it was a toaster", actor="bea")
    ledger.outcome("demo", 2, 1, actor="ann")
    ledger.alarm("demo", "drift", {"level": 0.5})
    return ledger
