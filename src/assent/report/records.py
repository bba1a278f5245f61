"""What a report knows about a run: frozen records, filled once by `summarise`, read by the page.

Everywhere `None` means "not recorded" (or, for a lone act, "not known"); it is never read as zero or as right.
`number` is the decision number: decisions (acts and asks) are numbered from 1 in ledger order, and anything that
happens between two decisions carries the number of the decision before it (0 before the first).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class EventLike(Protocol):
    """One row of a ledger, as far as a report reads it; the ledger's own event satisfies it."""

    @property
    def run(self) -> str:
        """Name of the run."""
        ...

    @property
    def seq(self) -> int:
        """Place in the run's chain, from 1."""
        ...

    @property
    def at_us(self) -> int:
        """Wall-clock time, microseconds since 1970 UTC."""
        ...

    @property
    def kind(self) -> str:
        """Name of the event's kind."""
        ...

    @property
    def actor(self) -> str:
        """Who caused it."""
        ...

    @property
    def body(self) -> Mapping[str, Any]:
        """Content, by kind."""
        ...

    @property
    def hash(self) -> bytes:
        """Hash of this event and all before it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Picture:
    """How an observation is drawn: `shape` rows by columns of grey, 0 black and `maximum` white."""

    shape: tuple[int, int]
    maximum: float


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The `open` event: who decides, how the options are called, and with what settings and versions."""

    at_us: int
    version: str | None
    seed: int | None
    rule: str | None
    grade: str | None
    members: tuple[str, ...]
    labels: tuple[str, ...]
    picture: Picture | None
    settings: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One act or ask; `ask` is the probability of asking, `mass` the assent of the action that was taken alone."""

    number: int
    step: int | None
    asked: bool
    ask: float | None
    mass: float | None = None


@dataclass(frozen=True, kw_only=True)
class LoneError:
    """An act whose recorded outcome says the overseer would have done something else."""

    number: int
    step: int
    action: int
    truth: int
    ask: float | None
    minimum: float | None


@dataclass(frozen=True, kw_only=True)
class Alone:
    """Acts without the overseer, split by what became known: `right + wrong + not_known` is the number of acts.

    `contradictory` of the unknown ones had outcomes that disagree with each other; `corrected` lone acts were
    contradicted by a volunteered correction about what was observed in the same step (in the step before, where the overseer
    corrects after errors), whatever their outcome says.
    """

    right: int
    wrong: int
    not_known: int
    contradictory: int
    corrected: int
    errors: tuple[LoneError, ...]


@dataclass(frozen=True, kw_only=True)
class MemberDissent:
    """How often a member was named as dissenting: `at` holds the positions (0-based) among the questions."""

    member: int
    name: str
    at: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class WeightPoint:
    """Normalised committee weights `[H]` as they stood at a decision; NaN where they could not be read."""

    number: int
    weights: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SizePoint:
    """Number of leaders and effective size as recorded at one event."""

    number: int
    leaders: int | None
    effective: float | None


@dataclass(frozen=True, kw_only=True)
class Collapse:
    """A stretch of decisions with one leader or an effective size of one; `end` is None if it lasted to the end."""

    number: int
    end: int | None
    leaders: int | None
    effective: float | None


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something that happened during the run: an alarm, a halt, a resume."""

    number: int
    kind: str
    name: str
    detail: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class Volunteered:
    """A correction that nobody asked for; `did` is what the agent had done alone where it is about, if it had."""

    number: int
    step: int | None
    choice: int | None
    did: int | None
    note: str
    actor: str
    taken_in: bool
    surprise: float | None


@dataclass(frozen=True, kw_only=True)
class Refused:
    """An answer that came but could not take effect."""

    number: int
    question: str
    choice: int | None
    why: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question as the overseer saw it, and what became of it.

    `rows` is `[H][A]`, `minimum` and `assent` are `[A]`; missing numbers are NaN. `surprise` is in nats, `inf` when the
    answer had probability zero. `chosen` says why the report shows this one.
    """

    question: str
    number: int
    step: int | None
    attempt: int | None
    reason: str
    u: float | None
    ask: float | None
    leaders: int | None
    picture: tuple[tuple[float, ...], ...] | None
    observation: str
    members: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]
    leading: tuple[bool, ...]
    minimum: tuple[float, ...]
    assent: tuple[float, ...]
    dissent: tuple[int, ...]
    truncated: bool
    fate: str
    choice: int | None
    actor: str | None
    answer_s: float | None
    surprise: float | None
    chosen: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Fates:
    """What became of the questions; the four add up to the number of asks."""

    answered: int
    expired: int
    withdrawn: int
    open: int


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Where the events end: `seq` and `hash` of the last one, and how many sequence numbers are missing before it."""

    events: int
    first_seq: int | None
    last_seq: int | None
    head: str | None
    missing: int
    foreign: int
    unknown_kinds: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """Everything a report says, counted in one pass over the events of one run."""

    run: str | None
    opening: Opening | None
    closed: str | None
    last_at_us: int | None
    decisions: tuple[Decision, ...]
    acts: int
    asks: int
    answers: int
    expiries: int
    refusals: tuple[Refused, ...]
    corrections: tuple[Volunteered, ...]
    fates: Fates
    reasons: tuple[tuple[str, int], ...]
    answer_s: float | None
    answered_at: tuple[int, ...]
    expired_at: tuple[int, ...]
    rolling: tuple[float, ...]
    rolling_window: int
    stretch: int
    first_rate: float | None
    last_rate: float | None
    alone: Alone
    dissent: tuple[MemberDissent, ...]
    dossiers: int
    ask_histogram: tuple[int, ...]
    ask_unreadable: int
    mass_histogram: tuple[int, ...]
    mass_unreadable: int
    weights: tuple[WeightPoint, ...]
    checkpoints: int
    sizes: tuple[SizePoint, ...]
    collapses: tuple[Collapse, ...]
    alarms: tuple[Mark, ...]
    halts: tuple[Mark, ...]
    questions: tuple[Question, ...]
    chain: Chain
