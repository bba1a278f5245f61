"""The demonstration's last part: the first-trial probability from the other runs, and the forecast from the recorded run's own ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assent.forecast.counting import Counted, count_run
from assent.forecast.deployment import side_by_side
from assent.forecast.exposure import Exposure, exposure_of
from assent.forecast.settings import DEFAULT_FTP, Row, Settings
from assent.ledger import Ledger

AHEAD = 100
"""Decisions that the demonstration forecasts."""

ROW = "tempered_guarded"
"""The row of the table on digits whose agent the recorded run has."""


@dataclass(frozen=True)
class Forecasted:
    """What was counted on the ledger, what was fixed before, and what every method says."""

    counted: Counted
    exposure: Exposure
    settings: Settings
    rows: tuple[Row, ...]


def prior(others: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[str, str]:
    """A first-trial probability, and where it is from: errors and lone decisions of the same agent with the other seeds.

    Half an error is added, so that no errors are not taken for no risk.

    >>> prior([[{"key": "tempered_guarded", "decisions": 1297, "asks": 297, "errors": 2}]])
    ('5/2002', 'the same agent on the rounds of 1 other seed: 2 errors in 1,000 decisions alone, and half an error more')
    """
    mine = [row for seed in others for row in seed if row["key"] == ROW]
    alone = sum(int(row["decisions"]) - int(row["asks"]) for row in mine)
    errors = sum(int(row["errors"]) for row in mine)
    if alone == 0:
        return DEFAULT_FTP, ""
    seeds = f"{len(mine)} other seed{'' if len(mine) == 1 else 's'}"
    said = f"the same agent on the rounds of {seeds}: {errors:,} errors in {alone:,} decisions alone, and half an error more"
    return f"{2 * errors + 1}/{2 * alone + 2}", said


def forecast(book: Ledger, run: str, others: Sequence[Sequence[Mapping[str, Any]]]) -> Forecasted:
    """What the ledger of `run` says of the next decisions, with a prior from the tallies of the other seeds."""
    ftp, source = prior(others)
    settings = Settings(ahead=AHEAD, ftp=ftp, source=source)
    counted = count_run(book.events(run))
    exposure = exposure_of([counted])
    return Forecasted(counted, exposure, settings, side_by_side(exposure, settings, counted))
