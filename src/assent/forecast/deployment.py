"""The first failure that nobody has seen yet: what a deployment's own record says of it, by several methods side by side.

Each row says what it promises. A belief depends on a prior, a guarantee on how the decisions were drawn; none of them is the other, and the
headline is one method that was fixed before.
"""

from __future__ import annotations

import math
from dataclasses import replace

from assent.forecast import bounds, rows_of_beliefs, rows_of_guarantees, rows_of_records
from assent.forecast.counting import Counted
from assent.forecast.exact import percent
from assent.forecast.exposure import Exposure
from assent.forecast.prior import BetaPrior
from assent.forecast.settings import Row, Settings


def side_by_side(exposure: Exposure, settings: Settings, record: Counted | None = None) -> tuple[Row, ...]:
    """A row for each method, in the order of `KEYS`.

    Args:
        exposure: what has been.
        settings: what was fixed before.
        record: the run itself, for the rows that need more than counts.

    >>> rows = {row.key: row for row in side_by_side(Exposure(clean=1000), Settings(ahead=1000))}
    >>> round(rows["exact"].upper, 8), round(rows["jeffreys"].within, 6)
    (0.00299125, 0.292849)
    """
    rows = (
        rows_of_beliefs.semi_informative(exposure, settings),
        rows_of_beliefs.jeffreys(exposure, settings),
        rows_of_guarantees.exact(exposure, settings),
        rows_of_guarantees.sequence(exposure, settings),
        rows_of_beliefs.worst_prior(exposure, settings),
        rows_of_records.pac_bayes(settings, record),
        rows_of_records.missing_mass(settings, record),
        rows_of_records.gumbel(settings, record),
    )
    if record is None or not record.unknown:
        return rows
    sampled = f"the {percent(record.audited_share)} of unsupervised decisions whose outcome is known are a fair sample of all of them"
    return tuple(replace(row, assumptions=(*row.assumptions, sampled)) for row in rows)


def curves(settings: Settings, most: float, *, points: int = 60) -> dict[str, list[float]]:
    """Upper ends by number of clean decisions from 1 to `most`, for a picture: the methods by key, and `decisions`."""
    numbers = sorted({round(10.0 ** (math.log10(max(most, 10.0)) * part / (points - 1))) for part in range(points)})
    prior, delta = BetaPrior(settings.ftp, settings.virtual_successes), settings.delta
    ftp, alpha = float(prior.ftp), float(prior.alpha)
    uppers = {
        "semi-informative": lambda n: bounds.credible_upper(n, ftp=ftp, virtual_successes=alpha, delta=delta),
        "jeffreys": lambda n: bounds.jeffreys_upper(n, delta=delta),
        "exact": lambda n: bounds.exact_upper(n, delta=delta),
        "confidence-sequence": lambda n: bounds.confidence_sequence_upper(n, delta=delta),
    }
    return {
        "decisions": [float(number) for number in numbers],
        **{key: [upper(number) for number in numbers] for key, upper in uppers.items()},
    }
