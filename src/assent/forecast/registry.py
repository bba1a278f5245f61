"""Forecasts written down before, and what came of them: an append-only file in which every line carries the hash of the one before.

A forecast that is not registered before its outcome proves nothing. Lines are JSON. A line that was changed, dropped or moved shows while
a later one stands. The hashes have no key, so the file alone does not show that its last lines were dropped, or that all of it was written
anew: keep the last hash, the head, where others see it, and `Registry.confirm` shows both.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assent.forecast.counting import Counted
from assent.forecast.registry_lines import Entry as Entry
from assent.forecast.registry_lines import Held, as_plain, as_text, line_of, next_line, read_lines
from assent.forecast.registry_lines import LineCut as LineCut
from assent.forecast.registry_lines import RegistryDamaged as RegistryDamaged
from assent.forecast.registry_report import SCORES as SCORES
from assent.forecast.registry_report import Report as Report
from assent.forecast.registry_report import Scored as Scored
from assent.forecast.registry_report import contradicted, report_of
from assent.forecast.run_outcomes import about_run as about_run
from assent.forecast.run_outcomes import outcome_of, why_open, window
from assent.forecast.score import as_probability

OUTCOMES = ("yes", "no", "ambiguous")


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
        if not as_text("question", question).strip():
            raise ValueError("The forecast has no question; say what is forecast, so that it can be resolved.")
        if about is not None and not isinstance(about, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(
                f"The forecast is about {about!r}, which is no mapping; give what about_run makes, or None."
            )
        content = {
            "question": question.strip(),
            "probability": as_probability(probability),
            "method": as_text("method", method),
            "inputs": as_plain("The inputs", inputs),
            "about": as_plain("What the forecast is about", None if about is None else dict(about)),
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
        as_text("note", note)
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
            other = contradicted(found, outcome, entries)
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
        _must_be_one_run(record)
        found: list[tuple[int, str]] = []
        for entry in self.entries():
            meant = window(entry, record)
            if meant is None:
                continue
            outcome, why = outcome_of(record, *meant)
            if outcome is not None:
                self.resolve(entry.id, outcome, note=f"from the ledger: {why}")
                found.append((entry.id, outcome))
        return found

    def still_open(self, record: Counted) -> list[tuple[int, str]]:
        """The open forecasts about a run of this name, and what is missing until `resolve_from` can settle each.

        Args:
            record: one run, as `count_run` counts it.

        Raises:
            ValueError: the record is of several runs.
            RegistryDamaged: the file is not what was written.
        """
        _must_be_one_run(record)
        return [(entry.id, why) for entry in self.entries() if (why := why_open(entry, record)) is not None]

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
        return line_of(self.path, self._held(), head)

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
        confirmed = None if head is None else line_of(self.path, held, head)
        return report_of(held, bins=bins, confirmed=confirmed)

    def _append(self, line: Callable[[list[Entry]], tuple[dict[str, Any], Any]]) -> Any:
        at = self.clock().astimezone(UTC).isoformat(timespec="seconds")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed
            file.seek(0)
            held = read_lines(self.path, file.read())
            content, result = line(held.entries)
            written = next_line(held, content, at=at)
            file.truncate(held.size)
            file.write(written)
            file.flush()
            os.fsync(file.fileno())
        return result

    def _held(self) -> Held:
        if not self.path.exists():
            return Held([], (), 0, b"")
        with self.path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # a line that is being written is none that was cut
            return read_lines(self.path, file.read())


def _must_be_one_run(record: Counted) -> None:
    if len(record.order_steps) != len(record.order):
        raise ValueError("The record counts several runs as one; resolve from each of them, one at a time.")
