"""What comes of a forecast about a run: which of its decisions the forecast is for, what they settle, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assent.forecast.counting import Counted
from assent.forecast.registry_lines import Entry


def about_run(record: Counted, ahead: int) -> dict[str, Any]:
    """What a forecast of the next `ahead` decisions done alone has to remember of a run, so that it can be resolved."""
    names = ("run", "model", "opening", "watched", "last_step")
    return {**{name: getattr(record, name) for name in names}, "ahead": ahead}


def window(entry: Entry, record: Counted) -> tuple[int, int] | None:
    """The last step before a forecast and the number of decisions that it is for, if it is open and about this run."""
    about = entry.about or {}
    if not _asks_about(entry, record) or _differs(about, record):
        return None
    last, ahead = about.get("last_step"), about.get("ahead")
    return (last, ahead) if isinstance(last, int) and isinstance(ahead, int) else None


def outcome_of(record: Counted, last: int, ahead: int) -> tuple[str | None, str]:
    """What came of the first `ahead` decisions done alone after step `last`, and why.

    Returns:
        `yes` or `no` and what settles it; or None, as long as it could still turn out otherwise, and what is missing.

    >>> nothing = {"failed": {}, "unknown": (), "asked": 0, "audits": 0, "asked_wrong": 0, "vetoed": 0, "ordered": 0}
    >>> record = Counted(run="r", model="m", clean=(0, 1), order=(False, False), **nothing)
    >>> outcome_of(record, 0, 1)
    ('no', 'none of the 1 decisions after step 0 failed')
    >>> outcome_of(record, 0, 2)
    (None, '1 of the 2 decisions done alone after step 0 have come; more come only while the run goes on')
    """
    alone = sorted(step for step in (*record.clean, *record.failed, *record.unknown) if step > last)[:ahead]
    for place, step in enumerate(alone, 1):
        if step in record.failed:
            return "yes", f"step {step} failed, decision {place} of the {ahead} after step {last}"
    unknown = len(set(record.unknown).intersection(alone))
    since = f"after step {last:,}" if last >= 0 else "from the first step on"
    come = f"{len(alone):,} of the {ahead:,} decisions done alone {since} have come"
    if unknown:
        come += f", {unknown:,} of them without a known outcome"
    if len(alone) < ahead:
        more = "the run is closed, so that no more will" if record.closed else "more come only while the run goes on"
        return None, f"{come}; {more}"
    if unknown:
        return None, come
    if record.watched and alone[-1] == record.last_step and not record.closed:
        return None, f"{come}; the last of them can be corrected until the next decision"
    return "no", f"none of the {ahead} decisions after step {last} failed"


def why_open(entry: Entry, record: Counted) -> str | None:
    """What is missing until an open forecast about a run of this name can be settled; None where nothing is, or it is about another run."""
    if not _asks_about(entry, record):
        return None
    differs = _differs(entry.about or {}, record)
    if differs:
        verb = "differs" if len(differs) == 1 else "differ"
        return f"the run of that name is not the one that it is about: {' and '.join(differs)} {verb}"
    meant = window(entry, record)
    if meant is None:
        return "it does not say after which step it was made and for how many decisions; resolve it by its number"
    outcome, why = outcome_of(record, *meant)
    return why if outcome is None else None


def _asks_about(entry: Entry, record: Counted) -> bool:
    """Whether it is open and about a run of this name, counted in this way."""
    about = entry.about or {}
    return entry.outcome is None and (about.get("run"), about.get("watched")) == (record.run, record.watched)


def _differs(about: Mapping[str, Any], record: Counted) -> list[str]:
    """What tells a run of the same name from the one that was meant."""
    told = {"model": "its agent", "opening": "its first event"}
    return [words for name, words in told.items() if about.get(name) != getattr(record, name)]
