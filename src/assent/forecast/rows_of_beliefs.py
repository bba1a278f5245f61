"""Rows of beliefs: after a prior that was fixed before, after none, and under the worst prior of all."""

from __future__ import annotations

import numpy as np

from assent.forecast import bounds, conservative
from assent.forecast.deployed import EXCHANGEABLE, LEARNS, Deployed, evidence, failures_seen
from assent.forecast.exact import percent
from assent.forecast.exposure import Exposure
from assent.forecast.needed import clean_needed, least
from assent.forecast.prior import BetaPrior
from assent.forecast.settings import Row, Settings, is_stand_in

JEFFREYS = BetaPrior.of("1/2", "1/2")


def semi_informative(exposure: Exposure, settings: Settings) -> Row:
    """The prior that was fixed before, after the record."""
    prior = BetaPrior(settings.ftp, settings.virtual_successes)
    source = settings.source or "no source was given for it" + (
        ", and nobody chose it" if is_stand_in(settings) else ""
    )
    return _belief_row(
        "semi-informative",
        "semi-informative",
        prior,
        exposure,
        settings,
        promises="The probability itself, for whoever shares the prior. No guarantee.",
        assumptions=(
            EXCHANGEABLE,
            LEARNS,
            f"first-trial probability {settings.ftp}: {source}",
        ),
    )


def jeffreys(exposure: Exposure, settings: Settings) -> Row:
    """The prior without a scale, after the record."""
    return _belief_row(
        "jeffreys",
        "Jeffreys",
        JEFFREYS,
        exposure,
        settings,
        promises="A belief without a scale. Its upper end is no guarantee: where the true chance is 1/1000, a bound at 95 % from the first "
        "1,920 clean decisions is wrong in 14.6 % of deployments.",
        assumptions=(
            EXCHANGEABLE,
            LEARNS,
            "nothing at all was known before, not even in which range: clean for any time, it says 29 % for as long again",
        ),
    )


def _belief_row(
    key: str,
    name: str,
    prior: BetaPrior,
    exposure: Exposure,
    settings: Settings,
    *,
    promises: str,
    assumptions: tuple[str, ...],
) -> Row:
    model = Deployed(prior, exposure)
    return Row(
        key=key,
        name=name,
        kind="belief",
        chance=float(-np.expm1(model.log_survival(1.0))),
        upper=credible_end(prior, exposure, settings),
        within=float(-np.expm1(model.log_survival(settings.ahead))),
        clean_needed=clean_needed(exposure, prior, risk=settings.target, over=settings.ahead),
        promises=promises,
        assumptions=assumptions,
    )


def credible_end(prior: BetaPrior, exposure: Exposure, settings: Settings) -> float:
    """The upper end of the belief."""
    failures = failures_seen(exposure)
    return bounds.credible_upper(
        max(evidence(exposure), failures),
        failures,
        ftp=float(prior.ftp),
        virtual_successes=float(prior.alpha),
        delta=settings.delta,
    )


def worst_prior(exposure: Exposure, settings: Settings) -> Row:
    """The worst prior that gives `theta` to perfection."""
    promises = f"The worst that any prior says which gives {percent(settings.theta)} to never failing. Depends on that number alone."
    assumptions = (
        EXCHANGEABLE,
        f"perfection was believed with probability {percent(settings.theta)}, before the first decision",
    )
    if exposure.failures:
        return Row("conservative", "conservative", "belief", None, None, None, None, promises, assumptions,
                   "A failure has been seen: perfection is refuted, and this method says nothing any more.")  # fmt: skip

    def risk(seen: Exposure) -> tuple[float, float]:
        survival, worst = conservative.conservative_survival(seen.effective, settings.ahead, theta=settings.theta)
        return 1.0 - survival, worst

    within, worst = risk(exposure)
    return Row(
        key="conservative",
        name="conservative",
        kind="belief",
        chance=None,
        upper=None,
        within=within,
        clean_needed=least(lambda more: risk(exposure.after(more))[0] <= settings.target),
        promises=promises,
        assumptions=assumptions,
        note=f"The worst prior puts the rest on a chance of {worst:.3g}.",
    )
