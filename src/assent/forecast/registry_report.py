"""How good registered forecasts were: which of them ask the same, which contradict each other, and the scores of the others."""

from __future__ import annotations

import json
import math
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from assent.forecast.registry_lines import Entry, Held
from assent.forecast.score import Bin, baseline_score, brier, calibration, log_score, peer_score

SCORES = ("brier", "log", "baseline", "peer")


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


def report_of(held: Held, *, bins: int, confirmed: int | None) -> Report:
    """The scores of what a file holds.

    Args:
        held: what was read.
        bins: of the calibration, at most.
        confirmed: the line whose hash was asked about and found.

    >>> asked = {"question": "Rain", "method": "gut", "inputs": None, "about": None, "at": "2026-01-02"}
    >>> held = Held([Entry(id=1, probability=0.3, outcome="no", **asked)], ("ab",), 0, b"")
    >>> round(report_of(held, bins=10, confirmed=None).scored[0].brier, 2)
    0.09
    """
    groups: defaultdict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for entry in held.entries:
        if entry.outcome in ("yes", "no"):
            groups[_asked(entry)].append(entry)
    torn = [entry for group in groups.values() if _disagree(group) for entry in group]
    scored = [_scored(entry, group) for group in groups.values() if not _disagree(group) for entry in group]
    scored.sort(key=lambda one: one.entry.id)
    said = [one.entry.probability for one in scored]
    happened = [one.entry.outcome == "yes" for one in scored]
    return Report(
        scored=tuple(scored),
        open=tuple(entry for entry in held.entries if entry.outcome is None),
        ambiguous=tuple(entry for entry in held.entries if entry.outcome == "ambiguous"),
        contradictory=tuple(sorted(torn, key=lambda entry: entry.id)),
        bins=calibration(said, happened, bins=bins),
        lines=len(held.hashes),
        head=held.hashes[-1] if held.hashes else None,
        confirmed=confirmed,
    )


def contradicted(entry: Entry, outcome: str, entries: Iterable[Entry]) -> Entry | None:
    """One of the forecasts that ask the same and were resolved with yes where `outcome` is no, or the other way round.

    >>> asked = {"question": "Rain", "probability": 0.5, "method": "gut", "inputs": None, "about": None, "at": "2026-01-02"}
    >>> found = contradicted(Entry(id=2, **asked), "yes", [Entry(id=1, **asked, outcome="no")])
    >>> found.id if found else None
    1
    """
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
