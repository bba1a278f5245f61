"""The first failure that nobody has seen yet: what a deployment's own record says of it, by several methods side by side.

Each row says what it promises. A belief depends on a prior, a guarantee on how the decisions were drawn; none of them is the other, and the
headline is one method that was fixed before.
"""

from __future__ import annotations

from dataclasses import replace

from assent.forecast import rows_of_beliefs, rows_of_guarantees, rows_of_records
from assent.forecast.counting import Counted
from assent.forecast.exact import percent
from assent.forecast.exposure import Exposure, replace_exposure
from assent.forecast.prior import BetaPrior
from assent.forecast.settings import Row, Settings, is_stand_in


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


def cautions(settings: Settings, record: Counted | None = None) -> tuple[str, ...]:
    """What a reader of the headline has to know first.

    >>> cautions(Settings())[0][:48]
    'The first-trial probability 1/1000 is a stand-in'
    """
    found = list[str]()
    if settings.headline == "semi-informative" and is_stand_in(settings):
        found.append(
            f"The first-trial probability {settings.ftp} is a stand-in that nobody chose for this deployment: give one, and where it "
            "is from (--ftp, --source)."
        )
    if record is not None and record.failed and record.unknown and record.told == 0:
        found.append(
            "No outcome was recorded; only what somebody corrected, vetoed or ordered otherwise is known, so that failures are seen "
            "and clean decisions are not: no share of failures follows. Record outcomes, or say that every decision was watched "
            "(--watched)."
        )
    return tuple(found)


def curves(
    settings: Settings, most: float, *, exposure: Exposure | None = None, points: int = 60
) -> dict[str, list[float]]:
    """Upper ends by number of decisions up to `most`, the present number among them, for a picture: the methods by key, and `decisions`.

    Args:
        exposure: what weakens the evidence (detection, clusters, what is carried over), and the failures so far, which every point has;
            none of it when left out, and only clean decisions.
    """
    seen = Exposure(clean=0) if exposure is None else exposure
    low = max(seen.failures, 1.0)
    high = max(most, 10.0 * low)
    even = {round(low * (high / low) ** (part / (points - 1))) for part in range(points)}
    numbers = sorted(even | ({round(seen.decisions)} if low <= seen.decisions <= high else set()))
    each = [replace_exposure(seen, clean=max(number - seen.failures, 0.0)) for number in numbers]
    prior = BetaPrior(settings.ftp, settings.virtual_successes)
    return {
        "decisions": [float(number) for number in numbers],
        "semi-informative": [rows_of_beliefs.credible_end(prior, at, settings) for at in each],
        "jeffreys": [rows_of_beliefs.credible_end(rows_of_beliefs.JEFFREYS, at, settings) for at in each],
        "exact": [rows_of_guarantees.exact_end(at, settings) for at in each],
        "confidence-sequence": [rows_of_guarantees.sequence_end(at, settings) for at in each],
    }
