"""Rows that look at the record itself: the committee's posterior, kinds of failure, and what leading members gave to a forbidden action."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assent.forecast import bounds, unseen
from assent.forecast.counting import Counted
from assent.forecast.exact import percent, short
from assent.forecast.needed import repeated
from assent.forecast.settings import Row, Settings
from assent.forecast.tail import GumbelTail


def pac_bayes(settings: Settings, record: Counted | None) -> Row:
    """The loss of a member that is drawn by weight."""
    promises = (
        f"Bounds the loss of one member drawn by weight for each decision, not of the minimum rule. Wrong in at most "
        f"{percent(settings.delta)} of deployments."
    )
    assumptions = (
        "decisions are independent draws, and the committee's weights before the first answer knew nothing of them",
        "where the agent acted and every member led, a member's loss is taken to be all that the recorded minimum leaves open; where some "
        "member did not lead or is not shown, all of it",
    )
    if record is None or record.known_loss is None or record.prior is None or record.posterior is None:
        note = "The record does not hold the committee's weights before the first answer and after, and known outcomes: nothing to bound."
        return Row("pac-bayes", "PAC-Bayes", "guarantee", None, None, None, None, promises, assumptions, note)
    partly = f", where {record.partly:,} that do not show every member count as lost" if record.partly else ""
    kl = divergence(record.posterior, record.prior)
    upper = bounds.pac_bayes_upper(record.known, record.known_loss, kl, delta=settings.delta)
    return Row(
        key="pac-bayes",
        name="PAC-Bayes",
        kind="guarantee",
        chance=None,
        upper=upper,
        within=repeated(upper, settings.ahead),
        clean_needed=None,
        promises=promises,
        assumptions=assumptions,
        note=f"{kl:.3g} nats from prior to posterior. Over {record.known:,} decisions a drawn member's loss was at most "
        f"{record.known_loss:.3g} on average{partly}; the bound adds what chance may hide.",
    )


def divergence(posterior: Sequence[float], prior: Sequence[float]) -> float:
    """Kullback-Leibler divergence in nats, both normalised first; infinite where the prior gave nothing.

    >>> divergence([0.5, 0.5], [0.5, 0.5])
    0.0
    """
    after, before = (np.asarray(weights, np.float64) / np.sum(weights) for weights in (posterior, prior))
    held = after > 0
    with np.errstate(divide="ignore"):
        return max(float(np.sum(after[held] * (np.log(after[held]) - np.log(before[held])))), 0.0)


def missing_mass(settings: Settings, record: Counted | None) -> Row:
    """How likely the next decision shows a kind of failure never seen."""
    promises = "How likely the next decision shows a kind of failure never seen. Says nothing of how bad it is."
    assumptions = (
        "decisions are independent draws, and a kind is told by what was done and what would have been right",
    )
    if record is None or not record.failed:
        note = "No failure has been seen, so no kinds are known; that 0 of them are new bounds nothing. The exact bound does."
        return Row("missing-mass", "kinds never seen", "estimate", None, None, None, None, promises, assumptions, note)
    counts = [*record.kinds.values(), *([len(record.clean)] if record.clean else [])]
    total = sum(counts)
    share = unseen.good_turing(counts)
    return Row(
        key="missing-mass",
        name="kinds never seen",
        kind="estimate",
        chance=share,
        upper=unseen.missing_mass_upper(counts, delta=settings.delta),
        within=None,
        clean_needed=None,
        promises=promises,
        assumptions=assumptions,
        note=f"Its numbers are of a new kind, not of a failure. {_number(len(record.kinds), 'kind')} in "
        f"{_number(len(record.failed), 'failure')}; {_new_kinds(record, settings.ahead / total)} in the next {short(settings.ahead)} "
        "decisions.",
    )


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _new_kinds(record: Counted, ahead: float) -> str:
    """Of kinds of failure alone: right decisions are seen so often that their share of the alternating sum is plus or minus one."""
    found = unseen.good_toulmin(list(record.kinds.values()), ahead)
    return f"some {found:.2g} new ones to expect" if found > 0 else "no new ones to expect, as far as so few can say,"


def gumbel(settings: Settings, record: Counted | None) -> Row:
    """The most that some leading member comes to give to the forbidden action."""
    promises = "How much probability some leading member comes to give to the forbidden action, extrapolated. An estimate, often too low."
    assumptions = (
        "the greatest of those probabilities follow one exponential tail in their scores",
        "where the agent acted, a member's probability of the forbidden action is taken to be all that the recorded minimum leaves open",
    )

    def nothing(note: str) -> Row:
        return Row("gumbel-tail", "Gumbel tail", "estimate", None, None, None, None, promises, assumptions, note)

    if settings.forbidden is None:
        return nothing("No action was named as forbidden (--forbidden).")
    if record is None:
        return nothing("This needs the run itself, not counts alone.")
    at, number = settings.forbidden, record.num_actions
    if number is not None and at >= number:
        raise ValueError(f"The forbidden action is {at}; the run's actions are numbered 0 to {number - 1}.")
    times = sum(action == at for action, _ in record.lone)
    if times:
        least = max(least for action, least in record.lone if action == at)
        return nothing(
            f"The agent itself decided on it in {times:,} of {len(record.lone):,} decisions done alone, every leading member giving it "
            f"up to {least:.3g} or more: no tail is left to extrapolate. Count these as failures."
        )
    values = [most.get(at, others) for most, others in record.given] + [
        max(1.0 - least, 0.0) for _, least in record.lone
    ]
    inside = [min(value, 1.0 - 1e-16) for value in values if value > 0]
    try:
        tail = GumbelTail.fit(sorted(inside, reverse=True)[:10], evaluated=max(len(values), 1), top=10)
    except ValueError as error:
        return nothing(f"No tail could be fitted. {error}")
    worst = tail.worst(max(settings.ahead, 1.0))
    return Row(
        key="gumbel-tail",
        name="Gumbel tail",
        kind="estimate",
        chance=None,
        upper=None,
        within=None,
        clean_needed=None,
        promises=promises,
        assumptions=assumptions,
        note=f"The most that some member gives to it in the next {short(settings.ahead)} decisions: about {worst:.3g}; above 1/2 "
        f"with probability {percent(tail.exceeds(0.5, settings.ahead))}. A mode that fewer than {percent(tail.blind_spot())} of decisions "
        f"meet may be missing from the record altogether.{f' {tail.caution}' if tail.caution else ''}"
        + (
            f" {record.hidden:,} questions do not show every leading member, and are left out." if record.hidden else ""
        ),
    )
