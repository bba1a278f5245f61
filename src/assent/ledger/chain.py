"""The hash chain: what ties every event of a run to all events before it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from struct import Struct

from assent.ledger.canonical import canonical_text
from assent.ledger.events import Event

_be64 = Struct(">Q").pack
_two_be64 = Struct(">QQ").pack


def length_prefixed(text: str) -> bytes:
    """UTF-8 of a text behind its length in bytes (8 bytes, big-endian), so that no two fields can run together.

    >>> length_prefixed("é").hex()
    '0000000000000002c3a9'
    """
    data = text.encode()
    return _be64(len(data)) + data


def genesis(run: str) -> bytes:
    """The 32 bytes before the first event of a run: SHA-256("assent/1" || lp(run)).

    >>> genesis("demo").hex()[:16]
    'f755a089348110c9'
    """
    return sha256(b"assent/1" + length_prefixed(run)).digest()


class Link:
    """Hashes of one run's events; keeps what does not change from event to event.

    hash = SHA-256(prev || be64(seq) || be64(at_us) || lp(run) || lp(kind) || lp(actor) || lp(JCS(body))); seq and at_us
    lie in [0, 2**63).
    """

    __slots__ = ("_labels", "_run")

    def __init__(self, run: str) -> None:
        self._run = length_prefixed(run)
        self._labels: dict[tuple[str, str], bytes] = {}

    def hash(self, prev: bytes, seq: int, at_us: int, kind: str, actor: str, body: bytes) -> bytes:
        """32 bytes for one event; `body` is the canonical JSON."""
        labels = self._labels.get((kind, actor)) or self._label(kind, actor)
        return sha256(b"".join((prev, _two_be64(seq, at_us), labels, _be64(len(body)), body))).digest()

    def _label(self, kind: str, actor: str) -> bytes:
        labels = self._run + length_prefixed(kind) + length_prefixed(actor)
        if len(self._labels) < 4096:
            self._labels[kind, actor] = labels
        return labels


def event_hash(event: Event) -> bytes:
    """The 32 bytes that this event must carry as its hash, from its other fields."""
    body = canonical_text(event.body).encode()
    return Link(event.run).hash(event.prev, event.seq, event.at_us, event.kind, event.actor, body)


def verify_chain(events: Iterable[Event]) -> list[str]:
    """What is wrong with the chain of one run's events, from the first on: sentences, none if all is well.

    Finds an event that was changed, removed, added or moved. Does not find a tail that was cut off, nor a run that
    was rewritten from some point on with new hashes: compare the head with one that was kept elsewhere.
    """
    failures: list[str] = []
    run, prev, seq = "", b"", 0
    for event in events:
        if not prev:
            run, prev = event.run, genesis(event.run)
        if event.run != run:
            failures.append(f"chain: event {event.seq} belongs to run {event.run!r} but stands in run {run!r}.")
        seq += 1
        if event.seq != seq:
            failures.append(f"chain: run {event.run!r} goes from event {seq - 1} to event {event.seq}.")
            seq = event.seq
        if event.prev != prev:
            failures.append(f"chain: event {seq} of run {event.run!r} does not name the event before it.")
        if event_hash(event) != event.hash:
            failures.append(f"chain: event {seq} of run {event.run!r} is not what was hashed when it was written.")
        prev = event.hash
    return failures
