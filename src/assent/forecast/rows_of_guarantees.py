"""Rows of guarantees: the exact bound, and the confidence sequence."""

from __future__ import annotations

from collections.abc import Callable

from assent.forecast import bounds
from assent.forecast.deployed import EXCHANGEABLE
from assent.forecast.exact import percent
from assent.forecast.exposure import Exposure
from assent.forecast.needed import least, repeated
from assent.forecast.settings import Row, Settings

SEEN = "A failure has been seen: looked at again and again, this bound is wrong far more often than it says. Use the confidence sequence."
ROUGHLY = (
    "Of correlated decisions it is the survey statistician's approximation (Korn and Graubard 1998), not a guarantee: too low while "
    "there are only a few clusters."
)


def exact(exposure: Exposure, settings: Settings) -> Row:
    """The exact one-sided bound: at every look while nothing has failed, for one look after."""
    clean, upper = exposure.failures == 0, exact_end(exposure, settings)
    return Row(
        key="exact",
        name="exact bound",
        kind=_kind(exposure, "guarantee" if clean else "one look"),
        chance=None,
        upper=upper,
        within=repeated(upper, settings.ahead),
        clean_needed=_needed(exact_end, exposure, settings),
        promises=f"Wrong in at most {percent(settings.delta)} of deployments"
        + (
            ", and at every look: as long as nothing has failed, looking costs nothing."
            if clean
            else ", if this is the only look."
        ),
        assumptions=(
            EXCHANGEABLE,
            f"the chance of failure is the same in each decision, and {_units(exposure)} are independent",
            _counts_only(exposure),
        ),
        note=" ".join(note for note in ("" if clean else SEEN, ROUGHLY if _clustered(exposure) else "") if note),
    )


def sequence(exposure: Exposure, settings: Settings) -> Row:
    """The bound that holds at every look."""
    upper = sequence_end(exposure, settings)
    return Row(
        key="confidence-sequence",
        name="confidence sequence",
        kind=_kind(exposure, "guarantee"),
        chance=None,
        upper=upper,
        within=repeated(upper, settings.ahead),
        clean_needed=_needed(sequence_end, exposure, settings),
        promises=f"Wrong at any look, ever, in at most {percent(settings.delta)} of deployments, failures or not.",
        assumptions=(
            EXCHANGEABLE,
            "the chance of failure is the same in each decision, whatever happened before",
            _counts_only(exposure),
        ),
        note=ROUGHLY if _clustered(exposure) else "",
    )


def exact_end(exposure: Exposure, settings: Settings) -> float:
    """The exact bound, on the chance of a failure whether it is noticed or not."""
    upper = bounds.exact_upper(exposure.independent, exposure.independent_failures, delta=settings.delta)
    return _over_detection(upper, exposure)


def sequence_end(exposure: Exposure, settings: Settings) -> float:
    """The confidence sequence, likewise."""
    upper = bounds.confidence_sequence_upper(exposure.independent, exposure.independent_failures, delta=settings.delta)
    return _over_detection(upper, exposure)


def _needed(end: Callable[[Exposure, Settings], float], exposure: Exposure, settings: Settings) -> float:
    return least(lambda more: repeated(end(exposure.after(more), settings), settings.ahead) <= settings.target)


def _clustered(exposure: Exposure) -> bool:
    return exposure.design_effect > 1


def _units(exposure: Exposure) -> str:
    return "clusters" if _clustered(exposure) else "decisions"


def _kind(exposure: Exposure, otherwise: str) -> str:
    return "estimate" if _clustered(exposure) else otherwise


def _over_detection(upper: float, exposure: Exposure) -> float:
    """A bound on the chance of a noticed failure, as one on the chance of a failure; 1 where it says nothing."""
    return min(upper / exposure.detection, 1.0)


def _counts_only(exposure: Exposure) -> str:
    said = f"a failure is noticed with probability {percent(exposure.detection)}"
    if exposure.design_effect > 1:
        said += f", and {exposure.design_effect:g} decisions tell as much as one"
    return said + ("; earlier models count nothing here" if exposure.carried else "")
