"""What the ledger gives back besides events: questions, answers, claims, halts, runs, heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

State = Literal["open", "claimed", "answered", "expired", "withdrawn"]


class Head(NamedTuple):
    """Where a run's chain ends: the last seq and its 32-byte hash. Keep it elsewhere and a cut tail shows."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer that took effect. `seq`: its event, the cause of an apply; `first`: False for a repeat."""

    choice: int
    actor: str
    at_us: int
    first: bool
    seq: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on a question, until `until_us`; `fence` grows with every claim, so an old lease can be told."""

    question: str
    actor: str
    fence: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Halt:
    """Who halted a run, when and why; `seq` is the halt event."""

    run: str
    seq: int
    actor: str
    at_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it stands now. A claim that has lapsed counts as open. `body` is the body of its ask event;
    `null_action` and `deadline_us` are None where the ask event named none."""

    id: str
    run: str
    step: int
    attempt: int
    seq: int
    asked_us: int
    digest: str
    state: State
    options: int
    null_action: int | None
    deadline_us: int | None
    lease_actor: str | None
    lease_until_us: int | None
    lease_fence: int
    answer: Answered | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stands now. `closed_us` is None while it is open; `questions`: how many wait for an answer."""

    id: str
    opened_us: int
    closed_us: int | None
    head: Head
    halt: Halt | None
    questions: int
