"""What comes of a forecast about a run: which of its decisions the forecast is for, what they settle, and what is still missing."""

from __future__ import annotations

from typing import Any

from assent.forecast.counting import Counted
from assent.forecast.registry_lines import Entry


def about_run(record: Counted, ahead: int) -> dict[str, Any]:
    """What a forecast of the next `ahead` decisions done alone has to remember of a run, so that it can be resolved."""
    names = ("run", "model", "opening", "watched", "last_step")
    return {**{name: getattr(record, name) for name in names}, "ahead": ahead}


def window(entry: Entry, record: Counted) -> tuple[int, int] | None:
    """The last step before an open forecast and the number of decisions that it is for, if it is about this run."""
    about = entry.about or {}
    meant = {"run": record.run, "model": record.model, "opening": record.opening, "watched": record.watched}
    last, ahead = about.get("last_step"), about.get("ahead")
    if entry.outcome is not None or any(about.get(name) != value for name, value in meant.items()):
        return None
    return (last, ahead) if isinstance(last, int) and isinstance(ahead, int) else None


def outcome_of(record: Counted, last: int, ahead: int) -> tuple[str | None, str]:
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
