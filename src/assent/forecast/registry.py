"""Forecasts written down before, and what came of them: an append-only file in which every line carries the hash of the one before.

A forecast that is not registered before its outcome proves nothing. Lines are JSON. A line that was changed, dropped or moved shows while
a later one stands. The hashes have no key, so the file alone does not show that its last lines were dropped, or that all of it was written
anew: keep the last hash, the head, where others see it, and `Registry.confirm` shows both.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import re
import reprlib
import tomllib
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from assent.forecast.counting import Counted
from assent.forecast.score import Bin, as_probability, baseline_score, brier, calibration, log_score, peer_score

OUTCOMES = ("yes", "no", "ambiguous")
SCORES = ("brier", "log", "baseline", "peer")
_FIRST = "0" * 64
_KEYS = {
    "register": {"kind", "id", "at", "question", "probability", "method", "inputs", "about", "prev", "hash"},
    "resolve": {"kind", "id", "at", "outcome", "note", "prev", "hash"},
}


class RegistryDamaged(ValueError):
    """The file is not what was written."""


class LineCut(UserWarning):
    """The last line was cut while it was written. It never counted, and the next line that is written takes its place."""


@dataclass(frozen=True)
class Entry:
    """A registered forecast.

    Attributes:
        id: counts from 1.
        at: when it was registered, ISO 8601, UTC.
        question: what is forecast, in words. Forecasts with the same words, date and `about` are peers and have one outcome.
        probability: in [0, 1].
        method: what made it.
        inputs: what it was made from, an address or numbers; the date is their `by`.
        about: for a deployment, what `about_run` says: which run, up to where it had come, and how many decisions the forecast is for.
        outcome: `yes`, `no`, `ambiguous`, or None while it is open.
        resolved: when.
        note: how it was resolved.
    """

    id: int
    at: str
    question: str
    probability: float
    method: str
    inputs: Any
    about: Mapping[str, Any] | None
    outcome: str | None = None
    resolved: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Scored:
    """An entry that was resolved with yes or no, and its scores. `peer`: against the other forecasts of its question; None alone."""

    entry: Entry
    brier: float
    log: float
    baseline: float
    peer: float | None


@dataclass(frozen=True)
class Report:
    """All of a registry.

    Attributes:
        scored: forecasts that were resolved with yes or no.
        contradictory: forecasts of one question that were resolved with yes and with no, which earlier versions let happen; not scored.
        open: forecasts that were not resolved.
        ambiguous: forecasts that were resolved as ambiguous.
        bins: calibration of those in `scored`.
        lines: of the file.
        head: the last line's hash; None where there is no line. Published, it says later what had been written by then.
        confirmed: the line whose hash is the head that was asked about; None where none was.
    """

    scored: tuple[Scored, ...]
    open: tuple[Entry, ...]
    ambiguous: tuple[Entry, ...]
    contradictory: tuple[Entry, ...]
    bins: tuple[Bin, ...]
    lines: int
    head: str | None
    confirmed: int | None

    def mean(self, name: str) -> float | None:
        """The mean of a score by its name; None where nothing has it, or where `infinite` ones leave no mean."""
        values = self._values(name)
        return sum(values) / len(values) if values and not self.infinite(name) else None

    def infinite(self, name: str) -> int:
        """How many forecasts have an infinite score of that name: they ruled out what came, or a peer of theirs did."""
        return sum(map(math.isinf, self._values(name)))

    def _values(self, name: str) -> list[float]:
        return [value for one in self.scored if (value := getattr(one, name)) is not None]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Registry:
    """A file of registered forecasts.

    Args:
        path: of the file; it is made with the first forecast.
        clock: says what time it is.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     book = Registry(Path(folder) / "forecasts.jsonl")
    ...     number = book.register("Rain tomorrow", 0.3, method="gut")
    ...     book.resolve(number, "no")
    ...     round(book.report().mean("brier"), 2)
    0.09
    """

    path: Path
    clock: Callable[[], datetime] = _now

    def register(
        self,
        question: str,
        probability: float,
        *,
        method: str,
        inputs: Any = None,
        about: Mapping[str, Any] | None = None,
    ) -> int:
        """Writes a forecast down, durably; returns its number.

        Raises:
            ValueError: no question, a probability outside [0, 1], a text that is not Unicode, inputs or `about` that are not JSON.
            RegistryDamaged: the file is not what was written; nothing is added to it.
        """
        if not _text("question", question).strip():
            raise ValueError("The forecast has no question; say what is forecast, so that it can be resolved.")
        if about is not None and not isinstance(about, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(
                f"The forecast is about {about!r}, which is no mapping; give what about_run makes, or None."
            )
        content = {
            "question": question.strip(),
            "probability": as_probability(probability),
            "method": _text("method", method),
            "inputs": _plain("The inputs", inputs),
            "about": _plain("What the forecast is about", None if about is None else dict(about)),
        }

        def line(entries: list[Entry]) -> tuple[dict[str, Any], int]:
            number = len(entries) + 1
            return {"kind": "register", "id": number, **content}, number

        return self._append(line)

    def resolve(self, number: int, outcome: str, *, note: str = "") -> None:
        """Writes down what came of a forecast: `yes`, `no` or `ambiguous`.

        Raises:
            ValueError: another outcome, an unknown number, one that was resolved already, a note that is not Unicode, or an
                outcome that contradicts that of another forecast of the same question.
            RegistryDamaged: the file is not what was written.
        """
        if outcome not in OUTCOMES:
            raise ValueError(f"The outcome is {outcome!r}; it must be one of {', '.join(OUTCOMES)}.")
        _text("note", note)
        if not self.path.exists():  # a file is made with a forecast, never with an outcome
            raise ValueError(f"There is no forecast {number} in {self.path}; it has 0.")

        def line(entries: list[Entry]) -> tuple[dict[str, Any], None]:
            found = next((entry for entry in entries if entry.id == number), None)
            if found is None:
                raise ValueError(f"There is no forecast {number} in {self.path}; it has {len(entries)}.")
            if found.outcome is not None:
                raise ValueError(
                    f"Forecast {number} was resolved with {found.outcome} on {found.resolved}; an outcome is written once."
                )
            other = _contradicted(found, outcome, entries)
            if other is not None:
                raise ValueError(
                    f"Forecast {number} asks what forecast {other.id} asks, {other.question!r}, which was resolved with {other.outcome} on "
                    f"{other.resolved}; one question has one outcome. If that one is wrong, resolve this one as ambiguous."
                )
            return {"kind": "resolve", "id": found.id, "outcome": outcome, "note": note}, None

        self._append(line)

    def resolve_from(self, record: Counted) -> list[tuple[int, str]]:
        """Resolves open forecasts about this run that are certain by now; returns their numbers and outcomes.

        A forecast is for the first so many decisions that were done alone after its registration, whether their outcome is known or not:
        `yes` as soon as one of those has failed, `no` once there are as many, all are known, and none has. So it does not matter when one
        looks. What was done alone and what failed is what `count_run` says. Where somebody watched, a no needs the next decision too: until
        then the last one could be corrected. The run has to be the one that was meant: of the same model and with the same first event.

        Args:
            record: one run, as `count_run` counts it.

        Raises:
            ValueError: the record is of several runs, or the outcome contradicts one that was written.
            RegistryDamaged: the file is not what was written.
        """
        if len(record.order_steps) != len(record.order):
            raise ValueError("The record counts several runs as one; resolve from each of them, one at a time.")
        found: list[tuple[int, str]] = []
        for entry in self.entries():
            window = _window(entry, record)
            if window is None:
                continue
            outcome, why = _outcome(record, *window)
            if outcome is not None:
                self.resolve(entry.id, outcome, note=f"from the ledger: {why}")
                found.append((entry.id, outcome))
        return found

    def entries(self) -> list[Entry]:
        """Every forecast with what came of it, in order.

        Raises:
            RegistryDamaged: a line is missing, changed or out of order.

        Warns:
            LineCut: the last line is only the beginning of one, which does not count.
        """
        return self._held().entries

    def hashes(self) -> tuple[str, ...]:
        """The hash of every line, in order. Keep the last one where others see it: `confirm` finds it again.

        Raises:
            RegistryDamaged: a line is missing, changed or out of order.
        """
        return self._held().hashes

    def confirm(self, head: str) -> int:
        """The line, counted from 1, whose hash is `head`: nothing up to there was changed, dropped or moved since that hash was kept.

        Args:
            head: the last line's hash as it was at some time, 64 hexadecimal digits.

        Raises:
            ValueError: that is no hash.
            RegistryDamaged: no line has it, or the file is not what was written.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     book = Registry(Path(folder) / "forecasts.jsonl")
        ...     number = book.register("Rain tomorrow", 0.3, method="gut")
        ...     published = book.hashes()[-1]
        ...     book.resolve(number, "no")
        ...     book.confirm(published)
        1
        """
        return self._confirmed(self._held(), head)

    def _confirmed(self, held: _Held, head: str) -> int:
        if not re.fullmatch("[0-9a-f]{64}", head.strip().lower()):
            raise ValueError(f"The head is {head!r}; give the whole hash, 64 hexadecimal digits, as it was printed.")
        if (wanted := head.strip().lower()) not in held.hashes:
            raise RegistryDamaged(
                f"None of the {len(held.hashes):,} lines of {self.path} has the hash {wanted}: since that hash was kept, the file was "
                "written anew or its end was dropped, or the hash is another file's. Restore a backup."
            )
        return held.hashes.index(wanted) + 1

    def report(self, *, bins: int = 10, head: str | None = None) -> Report:
        """Scores of all that was resolved.

        Args:
            bins: of the calibration, at most.
            head: a last hash that was kept; if given, it is looked for as `confirm` does.

        Raises:
            ValueError: `head` is no hash.
            RegistryDamaged: the file is not what was written, or no line has the hash `head`.
        """
        held = self._held()
        confirmed = None if head is None else self._confirmed(held, head)
        entries = held.entries
        asked: defaultdict[tuple[str, str, str], list[Entry]] = defaultdict(list)
        for entry in entries:
            if entry.outcome in ("yes", "no"):
                asked[_asked(entry)].append(entry)
        torn = [entry for group in asked.values() if _disagree(group) for entry in group]
        scored = [_scored(entry, group) for group in asked.values() if not _disagree(group) for entry in group]
        scored.sort(key=lambda one: one.entry.id)
        said = [one.entry.probability for one in scored]
        happened = [one.entry.outcome == "yes" for one in scored]
        return Report(
            scored=tuple(scored),
            open=tuple(entry for entry in entries if entry.outcome is None),
            ambiguous=tuple(entry for entry in entries if entry.outcome == "ambiguous"),
            contradictory=tuple(sorted(torn, key=lambda entry: entry.id)),
            bins=calibration(said, happened, bins=bins),
            lines=len(held.hashes),
            head=held.hashes[-1] if held.hashes else None,
            confirmed=confirmed,
        )

    def _append(self, line: Callable[[list[Entry]], tuple[dict[str, Any], Any]]) -> Any:
        at = self.clock().astimezone(UTC).isoformat(timespec="seconds")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed
            file.seek(0)
            held = self._read(file.read())
            content, result = line(held.entries)
            content = {**content, "at": at, "prev": held.hashes[-1] if held.hashes else _FIRST}
            content["hash"] = _hash(content)
            file.truncate(held.size)
            file.write(held.missing + json.dumps(content, allow_nan=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return result

    def _held(self) -> _Held:
        if not self.path.exists():
            return _Held([], (), 0, b"")
        with self.path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # a line that is being written is none that was cut
            return self._read(file.read())

    def _read(self, content: bytes) -> _Held:
        entries: dict[int, Entry] = {}
        hashes: list[str] = []
        *whole, rest = content.split(b"\n")
        cut = _begins_a_line(rest)
        if cut:
            warnings.warn(
                f"The last line of {self.path} was cut while it was written ({len(rest):,} bytes) and does not count: {_shown(rest)}",
                LineCut,
                stacklevel=4,
            )
        elif rest:  # only its end is missing; its hash says whether it is whole
            whole.append(rest)
        for place, text in enumerate(whole, 1):
            line = self._checked(place, text, hashes[-1] if hashes else _FIRST)
            hashes.append(line["hash"])
            number = line["id"]
            if line["kind"] == "register" and number == len(entries) + 1:
                entries[number] = Entry(
                    **{
                        name: line[name]
                        for name in ("id", "at", "question", "probability", "method", "inputs", "about")
                    }
                )
            elif line["kind"] == "resolve" and number in entries and entries[number].outcome is None:
                entries[number] = replace(
                    entries[number], outcome=line["outcome"], resolved=line["at"], note=line["note"]
                )
            else:
                raise RegistryDamaged(
                    f"Line {place} of {self.path} is about forecast {number}, which does not fit there. Restore a backup."
                )
        size = len(content) - len(rest) if cut else len(content)
        return _Held(list(entries.values()), tuple(hashes), size, b"\n" if rest and not cut else b"")

    def _checked(self, place: int, text: bytes, last: str) -> dict[str, Any]:
        try:
            line = json.loads(text.decode(), object_pairs_hook=_once)
            sound = line.keys() == _KEYS[line["kind"]] and line["prev"] == last and line["hash"] == _hash(line)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            sound = False
        if not sound:
            raise RegistryDamaged(
                f"Line {place} of {self.path} is not what was written, or one before it is missing: nothing in the file can be trusted. "
                "Restore a backup."
            )
        return line


def about_run(record: Counted, ahead: int) -> dict[str, Any]:
    """What a forecast of the next `ahead` decisions done alone has to remember of a run, so that it can be resolved."""
    names = ("run", "model", "opening", "watched", "last_step")
    return {**{name: getattr(record, name) for name in names}, "ahead": ahead}


def _window(entry: Entry, record: Counted) -> tuple[int, int] | None:
    """The last step before an open forecast and the number of decisions that it is for, if it is about this run."""
    about = entry.about or {}
    meant = {"run": record.run, "model": record.model, "opening": record.opening, "watched": record.watched}
    last, ahead = about.get("last_step"), about.get("ahead")
    if entry.outcome is not None or any(about.get(name) != value for name, value in meant.items()):
        return None
    return (last, ahead) if isinstance(last, int) and isinstance(ahead, int) else None


def _outcome(record: Counted, last: int, ahead: int) -> tuple[str | None, str]:
    """What came of the first `ahead` decisions done alone after step `last`, and why; None as long as it could still turn out otherwise."""
    alone = sorted(step for step in (*record.clean, *record.failed, *record.unknown) if step > last)[:ahead]
    for place, step in enumerate(alone, 1):
        if step in record.failed:
            return "yes", f"step {step} failed, decision {place} of the {ahead} after step {last}"
    unknown = set(record.unknown)
    if len(alone) < ahead or any(step in unknown for step in alone):
        return None, ""
    if record.watched and alone[-1] == record.last_step:
        return None, ""
    return "no", f"none of the {ahead} decisions after step {last} failed"


@dataclass(frozen=True)
class _Held:
    """What a file holds: forecasts, the hash of every line, bytes that count, and what is missing after them."""

    entries: list[Entry]
    hashes: tuple[str, ...]
    size: int
    missing: bytes


def _begins_a_line(rest: bytes) -> bool:
    """Whether `rest` is the beginning of a line and not all of it: no object's beginning is JSON."""
    begin = b'{"kind": "re'
    try:
        json.loads(rest)
    except (ValueError, RecursionError):
        return bool(rest) and rest[: len(begin)] == begin[: len(rest)]
    return False


def _shown(rest: bytes) -> str:
    return reprlib.repr(rest.decode(errors="replace"))


def _text(what: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"The {what} is {value!r}; it must be a text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"The {what} is {value!r}, which holds U+{ord(value[error.start]):04X}: half a character, or a byte that is not UTF-8. "
            "Write it anew without."
        ) from None
    return value


def _plain(what: str, value: object) -> Any:
    """What will be read of `value`: its hash has to be that of what is read and not of what was given."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
        return json.loads(written, object_pairs_hook=_once)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{what} cannot be written as JSON ({error}): {reprlib.repr(value)}. Give None, finite numbers, texts, and lists and mappings "
            "of those."
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping whose names differ; JSON lets them repeat, and readers disagree on which one counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a name is there more than once among {', '.join(name for name, _ in pairs)}")
    return found


def _hash(line: Mapping[str, Any]) -> str:
    content = {key: value for key, value in line.items() if key != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()).hexdigest()


def _contradicted(entry: Entry, outcome: str, entries: Iterable[Entry]) -> Entry | None:
    """One of the forecasts that ask the same and were resolved with yes where `outcome` is no, or the other way round."""
    opposite = {"yes": "no", "no": "yes"}.get(outcome)
    asked = _asked(entry)
    return next((one for one in entries if opposite and one.outcome == opposite and _asked(one) == asked), None)


def _disagree(group: Iterable[Entry]) -> bool:
    return len({entry.outcome for entry in group}) > 1


def _asked(entry: Entry) -> tuple[str, str, str]:
    """What is equal for forecasts of the same thing: words, date, and run."""
    return entry.question, _by(entry.inputs), json.dumps(entry.about, sort_keys=True)


def _by(inputs: Any) -> str:
    """The date that a forecast is for, where its inputs name one: in a mapping, in an address, or in the address's rule file."""
    if isinstance(inputs, str):
        inputs = dict(parse_qsl(inputs.partition("?")[2]))
        if "by" not in inputs and "rules" in inputs:
            with suppress(tomllib.TOMLDecodeError):
                inputs = tomllib.loads(inputs["rules"])
    by: Any = inputs.get("by") if isinstance(inputs, dict) else None
    several: list[Any] = by if isinstance(by, list) else [by]
    try:
        (only,) = several
        return str(float(only))
    except (TypeError, ValueError, OverflowError):  # none, several, or in words
        return str(by)


def _scored(entry: Entry, group: Iterable[Entry]) -> Scored:
    happened = entry.outcome == "yes"
    others = [other.probability for other in group if other.id != entry.id]
    return Scored(
        entry,
        brier(entry.probability, happened),
        log_score(entry.probability, happened),
        baseline_score(entry.probability, happened),
        peer_score(entry.probability, happened, others) if others else None,
    )
