"""Rows of guarantees: the exact bound, and the confidence sequence."""

from __future__ import annotations

from assent.forecast import bounds
from assent.forecast.deployed import EXCHANGEABLE
from assent.forecast.exact import percent
from assent.forecast.exposure import Exposure
from assent.forecast.needed import least, repeated
from assent.forecast.settings import Row, Settings

SAME = "the chance of failure is the same in each decision, and decisions are independent"


def exact(exposure: Exposure, settings: Settings) -> Row:
    """The exact one-sided bound: at every look while nothing has failed, for one look after."""
    clean = exposure.failures == 0

    def bound(seen: Exposure) -> float:
        return _over_detection(bounds.exact_upper(seen.independent, seen.failures, delta=settings.delta), seen)

    upper = bound(exposure)
    return Row(
        key="exact",
        name="exact bound",
        kind="guarantee",
        chance=None,
        upper=upper,
        within=repeated(upper, settings.ahead),
        clean_needed=least(lambda more: repeated(bound(exposure.after(more)), settings.ahead) <= settings.target),
        promises=f"Wrong in at most {percent(settings.delta)} of deployments"
        + (
            ", and at every look: as long as nothing has failed, looking costs nothing."
            if clean
            else ", if this is the only look."
        ),
        assumptions=(
            EXCHANGEABLE,
            "the chance of failure is the same in each decision, and decisions are independent",
            _counts_only(exposure),
        ),
        note=""
        if clean
        else "A failure has been seen: looked at again and again, this bound is wrong far more often than it says. Use the confidence "
        "sequence.",
    )


def sequence(exposure: Exposure, settings: Settings) -> Row:
    """The bound that holds at every look."""

    def bound(seen: Exposure) -> float:
        return _over_detection(
            bounds.confidence_sequence_upper(seen.independent, seen.failures, delta=settings.delta), seen
        )

    upper = bound(exposure)
    return Row(
        key="confidence-sequence",
        name="confidence sequence",
        kind="guarantee",
        chance=None,
        upper=upper,
        within=repeated(upper, settings.ahead),
        clean_needed=least(lambda more: repeated(bound(exposure.after(more)), settings.ahead) <= settings.target),
        promises=f"Wrong at any look, ever, in at most {percent(settings.delta)} of deployments, failures or not.",
        assumptions=(
            EXCHANGEABLE,
            "the chance of failure is the same in each decision, whatever happened before",
            _counts_only(exposure),
        ),
    )


def _over_detection(upper: float, exposure: Exposure) -> float:
    """A bound on the chance of a noticed failure, as one on the chance of a failure; 1 where it says nothing."""
    return min(upper / exposure.detection, 1.0)


def _counts_only(exposure: Exposure) -> str:
    said = f"a failure is noticed with probability {percent(exposure.detection)}"
    if exposure.design_effect > 1:
        said += f", and {exposure.design_effect:g} decisions tell as much as one"
    return said + ("; earlier models count nothing here" if exposure.carried else "")
