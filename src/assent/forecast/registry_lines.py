"""The lines of a file of registered forecasts: what stands in one, the chain of their hashes, and an end that was cut."""

from __future__ import annotations

import hashlib
import json
import re
import reprlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
class Held:
    """What a file holds.

    Attributes:
        entries: its forecasts, with what came of them, in order.
        hashes: of its lines, in order.
        size: bytes that count; what comes after them is a line that was cut.
        missing: bytes that have to come between them and the next line.
    """

    entries: list[Entry]
    hashes: tuple[str, ...]
    size: int
    missing: bytes


def read_lines(path: Path, content: bytes) -> Held:
    """What the file of that path holds, by its bytes; the path is for sentences only.

    Raises:
        RegistryDamaged: a line is missing, changed or out of order.

    Warns:
        LineCut: the last line is only the beginning of one, which does not count.

    >>> line = next_line(read_lines(Path("f"), b""), {"kind": "resolve", "id": 1, "outcome": "no", "note": ""}, at="2026-01-02")
    >>> read_lines(Path("f"), line)
    Traceback (most recent call last):
    assent.forecast.registry_lines.RegistryDamaged: Line 1 of f is about forecast 1, which does not fit there. Restore a backup.
    """
    entries: dict[int, Entry] = {}
    hashes: list[str] = []
    *whole, rest = content.split(b"\n")
    cut = _begins_a_line(rest)
    if cut:
        warnings.warn(
            f"The last line of {path} was cut while it was written ({len(rest):,} bytes) and does not count: {_shown(rest)}",
            LineCut,
            stacklevel=4,  # whoever called a method of Registry
        )
    elif rest:  # only its end is missing; its hash says whether it is whole
        whole.append(rest)
    for place, text in enumerate(whole, 1):
        line = _checked(path, place, text, hashes[-1] if hashes else _FIRST)
        hashes.append(line["hash"])
        number = line["id"]
        if line["kind"] == "register" and number == len(entries) + 1:
            entries[number] = Entry(
                **{name: line[name] for name in ("id", "at", "question", "probability", "method", "inputs", "about")}
            )
        elif line["kind"] == "resolve" and number in entries and entries[number].outcome is None:
            entries[number] = replace(entries[number], outcome=line["outcome"], resolved=line["at"], note=line["note"])
        else:
            raise RegistryDamaged(
                f"Line {place} of {path} is about forecast {number}, which does not fit there. Restore a backup."
            )
    size = len(content) - len(rest) if cut else len(content)
    return Held(list(entries.values()), tuple(hashes), size, b"\n" if rest and not cut else b"")


def next_line(held: Held, content: Mapping[str, Any], *, at: str) -> bytes:
    """The line that says `content` after those that are held, with its time and its place in the chain; it is for byte `held.size` on.

    >>> json.loads(next_line(Held([], ("ab",), 0, b""), {"kind": "resolve"}, at="2026-01-02"))["prev"]
    'ab'
    """
    line = {**content, "at": at, "prev": held.hashes[-1] if held.hashes else _FIRST}
    line["hash"] = _hash(line)
    return held.missing + json.dumps(line, allow_nan=False).encode() + b"\n"


def line_of(path: Path, held: Held, head: str) -> int:
    """The line, counted from 1, whose hash is `head`.

    Raises:
        ValueError: that is no hash.
        RegistryDamaged: no line has it.

    >>> line_of(Path("f"), Held([], ("ab" * 32, "cd" * 32), 0, b""), "cd" * 32)
    2
    """
    wanted = head.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", wanted):
        raise ValueError(f"The head is {head!r}; give the whole hash, 64 hexadecimal digits, as it was printed.")
    if wanted not in held.hashes:
        raise RegistryDamaged(
            f"None of the {len(held.hashes):,} lines of {path} has the hash {wanted}: since that hash was kept, the file was "
            "written anew or its end was dropped, or the hash is another file's. Restore a backup."
        )
    return held.hashes.index(wanted) + 1


def _checked(path: Path, place: int, text: bytes, last: str) -> dict[str, Any]:
    try:
        line = json.loads(text.decode(), object_pairs_hook=_once)
        sound = line.keys() == _KEYS[line["kind"]] and line["prev"] == last and line["hash"] == _hash(line)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise RegistryDamaged(
            f"Line {place} of {path} is not what was written, or one before it is missing: nothing in the file can be trusted. "
            "Restore a backup."
        )
    return line


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


def as_text(what: str, value: object) -> str:
    """`value`, if it is a text that can be written and read again.

    Raises:
        ValueError: it is no text, or no Unicode; `what` names it in the sentence.

    >>> as_text("note", "nobody saw it")
    'nobody saw it'
    """
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


def as_plain(what: str, value: object) -> Any:
    """What will be read of `value`: its hash has to be that of what is read and not of what was given.

    Raises:
        ValueError: it cannot be written as JSON; `what` names it in the sentence.

    >>> as_plain("The inputs", {2036: (1, 2)})
    {'2036': [1, 2]}
    """
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
