"""One run read once from end to end: its chain checked, its acts as columns, everything else as events.

Made for speed: bodies are hashed as they are stored, and the acts, nearly all of a run, are parsed many at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import error as StructError
from typing import TYPE_CHECKING, Any

from assent.ledger.acts import ACT_COLUMNS, parse_acts
from assent.ledger.chain import Link, genesis
from assent.ledger.errors import EventRefused
from assent.ledger.events import Event, digest_of_question
from assent.ledger.reading import parse
from assent.ledger.records import Head

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 4096
_UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, StructError)

# seq, at_us, kind, actor, body (canonical JSON), prev, hash; what is there may be of any type
RawEvent = tuple[Any, Any, Any, Any, Any, Any, Any]


@dataclass(slots=True)
class History:
    """What the invariants look at. `acts`: [N, 7] float64, columns ACT_COLUMNS; `act_seq`: [N] int64, increasing.

    `rest`: every other event in order, without observations, dossier rows and log-weights. `failures`: what the chain
    says. `reworded`: seq of the asks whose digest is not that of their text. About 70 bytes an act are held.
    """

    run: str
    events: int
    head: Head
    act_seq: NDArray[np.int64]
    acts: NDArray[np.float64]
    rest: list[Event]
    failures: list[str] = field(default_factory=list[str])
    reworded: list[int] = field(default_factory=list[int])

    def of(self, *kinds: str) -> list[Event]:
        """The events of these kinds, none of them acts, in order."""
        return [event for event in self.rest if event.kind in kinds]


def read_history(run: str, raw: Iterable[RawEvent]) -> History:
    """The history of a run from its raw events in the order of seq."""
    return _Reader(run).read(raw)


class _Reader:
    def __init__(self, run: str) -> None:
        self.run = run
        self.failures: list[str] = []
        self.rest: list[Event] = []
        self.seqs: list[int] = []
        self.acts: list[NDArray[np.float64]] = []
        self.bodies: list[str] = []
        self.options: Any = None
        self.waiting: list[int] = []
        self.reworded: list[int] = []

    def read(self, raw: Iterable[RawEvent]) -> History:
        import numpy as np

        link_hash = Link(self.run).hash
        last, count, expected, seq = genesis(self.run), 0, 1, 0
        bodies, waiting = self.bodies, self.waiting
        for seq, at_us, kind, actor, body, prev, digest in raw:
            count += 1
            try:
                sound = digest == link_hash(prev, seq, at_us, kind, actor, body.encode())
            except _UNREADABLE:
                sound = False
            if not sound or prev != last or seq != expected:
                self._broken(seq, expected, sound, prev == last)
            last, expected = digest, (seq if isinstance(seq, int) else expected) + 1
            if kind == "act":
                bodies.append(body)
                waiting.append(seq)
                if len(bodies) == _BATCH:
                    self._parse_acts()
            else:
                self._other(seq, at_us, kind, actor, body, prev, digest)
        self._parse_acts()
        acts = np.concatenate([np.empty((0, len(ACT_COLUMNS))), *self.acts])
        seqs = np.array(self.seqs, dtype=np.int64)
        head = Head(expected - 1, bytes(last) if isinstance(last, bytes) else b"")
        return History(self.run, count, head, seqs, acts, self.rest, self.failures, self.reworded)

    def _broken(self, seq: Any, expected: int, sound: bool, linked: bool) -> None:
        if seq != expected:
            self.failures.append(f"chain: run {self.run!r} goes from event {expected - 1} to event {seq}.")
        if not linked:
            self.failures.append(f"chain: event {seq} of run {self.run!r} does not name the event before it.")
        if not sound:
            self.failures.append(f"chain: event {seq} of run {self.run!r} is not what was hashed when it was written.")

    def _other(self, seq: int, at_us: int, kind: str, actor: str, body: str, prev: bytes, digest: bytes) -> None:
        try:
            content = parse(body)
            if kind == "open":
                self.options = content["view"]["labels"]
            elif kind == "ask":
                self._asked(seq, content)
                del content["obs"]
                shown = content["dossier"]
                content["dossier"] = {key: shown[key] for key in ("assent", "others") if key in shown}
            elif kind == "checkpoint":
                del content["log_weight"]
            self.rest.append(Event(self.run, int(seq), int(at_us), kind, actor, content, bytes(prev), bytes(digest)))
        except _UNREADABLE:
            self._unreadable(seq, kind)

    def _asked(self, seq: int, body: dict[str, Any]) -> None:
        parts = {name: body[name] for name in ("step", "attempt", "obs", "dossier")}
        try:
            digest = digest_of_question(run=self.run, options=self.options, **parts)
        except EventRefused:  # no question can have been put in these words
            digest = None
        if body["digest"] != digest:
            self.reworded.append(seq)

    def _unreadable(self, seq: Any, kind: Any) -> None:
        self.failures.append(f"form: event {seq} of run {self.run!r} has a body that no {kind!r} event can have.")

    def _parse_acts(self) -> None:
        bodies, seqs = self.bodies, self.waiting
        try:
            self.acts.append(parse_acts(bodies))
            self.seqs.extend(seqs)
        except _UNREADABLE:
            self._parse_singly()
        bodies.clear()
        seqs.clear()

    def _parse_singly(self) -> None:
        for body, seq in zip(self.bodies, self.waiting, strict=True):
            try:
                self.acts.append(parse_acts([body]))
                self.seqs.append(int(seq))
            except _UNREADABLE:
                self._unreadable(seq, "act")
