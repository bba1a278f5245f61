"""The first failure that nobody has seen yet: what a deployment's own record says of it, by several methods side by side.

Each row says what it promises. A belief depends on a prior, a guarantee on how the decisions were drawn; none of them is the other, and the
headline is one method that was fixed before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assent.forecast import bounds, conservative, unseen
from assent.forecast.checking import count, probability
from assent.forecast.exact import Numeric, percent, short
from assent.forecast.exposure import Counted, Exposure
from assent.forecast.kernel import Floats
from assent.forecast.model import Model
from assent.forecast.prior import BetaPrior, Lomax
from assent.forecast.tail import GumbelTail

DEFAULT_FTP = "1/1000"
"""First-trial probability of a failure where nobody gives one: a stand-in without a source, and said to be one."""

EXCHANGEABLE = "decisions to come are drawn like those that were counted: the same world, the same share of asking, no change of model"
SAME = "the chance of failure is the same in each decision, and decisions are independent"
LEARNS = "the agent goes on learning from answers; what it did before counts as if it had been as it is now"


@dataclass(frozen=True)
class Row:
    """What one method says. Probabilities in [0, 1]; None where it says nothing.

    Attributes:
        key: its name in files and addresses.
        name: its name for readers.
        kind: `belief` (depends on a prior), `guarantee` (holds with the confidence given, whatever the truth), or `estimate` (neither).
        chance: of a failure in the next single decision: expected for a belief, an upper bound for a guarantee.
        upper: upper end for that chance, at the confidence given.
        within: of at least one failure in the next decisions.
        clean_needed: more clean decisions until `within` is at most the target.
        promises: what it does and does not promise, in a sentence.
        assumptions: what has to be true.
        note: why it says nothing, or what to beware of.
    """

    key: str
    name: str
    kind: str
    chance: float | None
    upper: float | None
    within: float | None
    clean_needed: float | None
    promises: str
    assumptions: tuple[str, ...]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Everything in JSON values."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "assumptions": list(self.assumptions),
        }


@dataclass(frozen=True)
class Deployed(Model):
    """A belief about the chance of failure in one decision, after what a deployment has been through; times are decisions to come.

    `((tau + s n) / (tau + s n + m)) ** (alpha + k)`: detection s makes n decisions worth s n, exactly in the limit of rare failures.

    Args:
        prior: in units of decisions.
        exposure: what has been.

    >>> from assent.forecast.exposure import Exposure
    >>> Deployed(BetaPrior("1/10,000"), Exposure(clean=1000)).predict(by=1000).fraction
    '1000/11999'
    """

    prior: BetaPrior | Lomax
    exposure: Exposure
    method = "deployment"

    @property
    def start(self) -> float:
        return 0.0

    @property
    def unit(self) -> str:
        return "decision"

    @property
    def belief(self) -> BetaPrior | Lomax:
        """The prior after the decisions so far, and after the share of earlier ones that was stated."""
        seen, failures = _seen(self.exposure), self.exposure.failures + self.exposure.carried_failures
        if isinstance(self.prior, BetaPrior) and self.exposure.detection == 1:
            return self.prior.after(repr(max(seen, failures)), repr(failures))
        divided = self.prior.continuous() if isinstance(self.prior, BetaPrior) else self.prior
        return divided.after(repr(seen), repr(failures))

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        first = np.asarray(0.0 if since is None else since, np.float64)
        more = np.asarray(np.maximum(np.asarray(until, np.float64) - first, 0.0))
        return self.belief.log_survival(first, more)

    def exact_survival(self, until: Any, *, since: Any) -> Any:
        return self.belief.exact_survival(since, until - since)

    def inputs(self) -> dict[str, Any]:
        seen = self.exposure
        return {
            **self.prior.inputs(),
            "clean": seen.clean,
            "failures": seen.failures,
            "detection": seen.detection,
            "design_effect": seen.design_effect,
            "carried": seen.carried,
        }

    def why(self, since: float, until: float) -> tuple[str, ...]:
        seen = self.exposure
        return (
            f"{short(seen.decisions)} unsupervised decisions with a known outcome, {short(seen.failures)} of them failures, count as "
            f"{short(_seen(seen))} (detection {percent(seen.detection)}, design effect {seen.design_effect:g}, "
            f"{short(seen.carried)} carried over).",
            f"Believed before the first: {self.prior.said()}.",
            f"Chance of the next decision: {percent(self.belief.mean(since))}.",
        )

    @property
    def assumptions(self) -> tuple[str, ...]:
        return (EXCHANGEABLE, LEARNS, f"before the first decision nothing else was believed than: {self.prior.said()}")


@dataclass(frozen=True)
class Conservative(Model):
    """The least chance of no failure, over every prior that gives `theta` to being perfect; times are decisions from the first.

    Of each pair of times it is the worst case, so it is a bound and no one law: from 0 to 10 to 20 may do worse than from 0 to 20.

    >>> round(float(np.exp(Conservative(0.5).log_survival(2000, since=1000))), 6)
    0.828427
    """

    theta: float
    method = "conservative Bayesian"

    @property
    def start(self) -> float:
        return 0.0

    @property
    def unit(self) -> str:
        return "decision"

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        pairs = np.broadcast(np.asarray(until, np.float64), np.asarray(0.0 if since is None else since, np.float64))
        found = [
            math.log(conservative.conservative_survival(float(n), max(float(y) - float(n), 0.0), theta=self.theta)[0])
            for y, n in pairs
        ]
        return np.asarray(found, np.float64).reshape(pairs.shape)

    def inputs(self) -> dict[str, Any]:
        return {"theta": self.theta}

    @property
    def assumptions(self) -> tuple[str, ...]:
        return (f"before the first decision, perfection was believed with probability at least {percent(self.theta)}",)


@dataclass(frozen=True)
class Tailed(Model):
    """No query to come elicits what is forbidden with a probability above `level`: the Gumbel tail as a model; times are queries."""

    tail: GumbelTail
    level: float = 0.5
    method = "Gumbel tail"

    @property
    def start(self) -> float:
        return 0.0

    @property
    def unit(self) -> str:
        return "query"

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        first = np.asarray(0.0 if since is None else since, np.float64)
        more = np.asarray(np.maximum(np.asarray(until, np.float64) - first, 0.0))
        one = self.tail.exceeds(self.level, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(more > 0, more * np.log1p(-one), 0.0))

    def inputs(self) -> dict[str, Any]:
        return {"slope": self.tail.slope, "intercept": self.tail.intercept, "level": self.level}

    @property
    def assumptions(self) -> tuple[str, ...]:
        said = () if self.tail.caution is None else (self.tail.caution,)
        return ("the greatest elicitation probabilities follow one exponential tail in their scores", *said)


@dataclass(frozen=True)
class Settings:
    """What was fixed before the deployment.

    Attributes:
        ahead: how many unsupervised decisions the forecast is for.
        ftp: first-trial probability of a failure, and where it is from.
        source: where it is from.
        virtual_successes: how firmly it is believed.
        delta: risk that a guarantee is wrong, in (0, 1).
        theta: probability that was given to the agent being perfect, in (0, 1).
        target: probability of a failure in the next `ahead` decisions that is wanted, in (0, 1).
        headline: key of the row that counts.
        forbidden: an action that must never be done, for the Gumbel tail.
    """

    ahead: float = 1000.0
    ftp: Numeric = DEFAULT_FTP
    source: str = ""
    virtual_successes: Numeric = 1
    delta: float = 0.05
    theta: float = 0.5
    target: float = 0.01
    headline: str = "semi-informative"
    forbidden: int | None = None

    def __post_init__(self) -> None:
        count("number of decisions ahead", self.ahead)
        for name in ("delta", "theta", "target"):
            probability(name, getattr(self, name))
        if self.headline not in KEYS:
            raise ValueError(f"The headline is {self.headline!r}; it must be one of {', '.join(KEYS)}.")
        BetaPrior(self.ftp, self.virtual_successes)


KEYS = (
    "semi-informative",
    "jeffreys",
    "exact",
    "confidence-sequence",
    "conservative",
    "pac-bayes",
    "missing-mass",
    "gumbel-tail",
)


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
        _semi_informative(exposure, settings),
        _jeffreys(exposure, settings),
        _exact(exposure, settings),
        _sequence(exposure, settings),
        _conservative(exposure, settings),
        _pac_bayes(settings, record),
        _missing_mass(settings, record),
        _gumbel(settings, record),
    )
    if record is None or not record.unknown:
        return rows
    sampled = f"the {percent(record.audited_share)} of unsupervised decisions whose outcome is known are a fair sample of all of them"
    return tuple(replace(row, assumptions=(*row.assumptions, sampled)) for row in rows)


def clean_needed(exposure: Exposure, prior: BetaPrior, *, risk: float, over: float) -> float:
    """More clean decisions until the chance of a failure in the next `over` is at most `risk`; 0 where it is already.

    >>> clean_needed(Exposure(clean=0), BetaPrior.of(1, 1), risk=0.01, over=1000)
    98999.0
    """

    def low_enough(more: float) -> bool:
        seen = exposure.after(more)
        return float(-np.expm1(Deployed(prior, seen).log_survival(over))) <= risk

    return least(low_enough)


def least(holds: Any) -> float:
    """The least whole number from 0 up at which `holds`, once true, stays so; infinity beyond 1e15."""
    if holds(0.0):
        return 0.0
    high = 1.0
    while not holds(high):
        if high > 1e15:
            return math.inf
        high *= 2.0
    low = high / 2.0 if high > 1.0 else 0.0
    while high - low > 1.0:
        middle = math.floor((low + high) / 2.0)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return float(high)


def _seen(exposure: Exposure) -> float:
    """Decisions' worth of evidence for a belief: detected ones, and the stated share of earlier ones."""
    worth = exposure.detection / exposure.design_effect
    carried = (exposure.carried + exposure.carried_failures) * worth
    return exposure.effective + carried


def _semi_informative(exposure: Exposure, settings: Settings) -> Row:
    prior = BetaPrior(settings.ftp, settings.virtual_successes)
    source = settings.source or f"a stand-in: no source was given for first-trial probability {settings.ftp}"
    return _belief_row(
        "semi-informative",
        "semi-informative",
        prior,
        exposure,
        settings,
        promises="The probability itself, for whoever shares the prior. No guarantee.",
        assumptions=(EXCHANGEABLE, LEARNS, f"first-trial probability {settings.ftp}: {source}"),
    )


def _jeffreys(exposure: Exposure, settings: Settings) -> Row:
    return _belief_row(
        "jeffreys",
        "Jeffreys",
        BetaPrior.of("1/2", "1/2"),
        exposure,
        settings,
        promises="A belief without a scale. Its upper end is no guarantee: where the true chance is 1/1000, a bound at 95 % from the first "
        "1,920 clean decisions is wrong in 14.7 % of deployments.",
        assumptions=(
            EXCHANGEABLE,
            LEARNS,
            "nothing at all was known before: running as long again carries 29 % risk, however long it ran",
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
    failures = exposure.failures + exposure.carried_failures
    seen = max(_seen(exposure), failures)
    return Row(
        key=key,
        name=name,
        kind="belief",
        chance=float(-np.expm1(model.log_survival(1.0))),
        upper=bounds.credible_upper(
            seen, failures, ftp=float(prior.ftp), virtual_successes=float(prior.alpha), delta=settings.delta
        ),
        within=float(-np.expm1(model.log_survival(settings.ahead))),
        clean_needed=clean_needed(exposure, prior, risk=settings.target, over=settings.ahead),
        promises=promises,
        assumptions=assumptions,
    )


def _exact(exposure: Exposure, settings: Settings) -> Row:
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
        within=_repeated(upper, settings.ahead),
        clean_needed=least(lambda more: _repeated(bound(exposure.after(more)), settings.ahead) <= settings.target),
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


def _sequence(exposure: Exposure, settings: Settings) -> Row:
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
        within=_repeated(upper, settings.ahead),
        clean_needed=least(lambda more: _repeated(bound(exposure.after(more)), settings.ahead) <= settings.target),
        promises=f"Wrong at any look, ever, in at most {percent(settings.delta)} of deployments, failures or not.",
        assumptions=(
            EXCHANGEABLE,
            "the chance of failure is the same in each decision, whatever happened before",
            _counts_only(exposure),
        ),
    )


def _conservative(exposure: Exposure, settings: Settings) -> Row:
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


def _pac_bayes(settings: Settings, record: Counted | None) -> Row:
    promises = (
        f"Bounds the loss of one member drawn by weight for each decision, not of the minimum rule. Wrong in at most "
        f"{percent(settings.delta)} of deployments."
    )
    assumptions = (
        "decisions are independent draws, and the committee's weights before the first answer knew nothing of them",
        "where the agent acted, a drawn member's loss is taken to be all that the recorded minimum leaves open",
    )
    if record is None or record.known_loss is None or record.prior is None or record.posterior is None:
        note = "The record does not hold the committee's weights before the first answer and after, and known outcomes: nothing to bound."
        return Row("pac-bayes", "PAC-Bayes", "guarantee", None, None, None, None, promises, assumptions, note)
    kl = divergence(record.posterior, record.prior)
    upper = bounds.pac_bayes_upper(record.known, record.known_loss, kl, delta=settings.delta)
    return Row(
        key="pac-bayes",
        name="PAC-Bayes",
        kind="guarantee",
        chance=None,
        upper=upper,
        within=_repeated(upper, settings.ahead),
        clean_needed=None,
        promises=promises,
        assumptions=assumptions,
        note=f"{kl:.3g} nats from prior to posterior; mean loss at most {record.known_loss:.3g} over {record.known:,} decisions.",
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


def _missing_mass(settings: Settings, record: Counted | None) -> Row:
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
        note=f"Its numbers are of a new kind, not of a failure. {len(record.kinds)} kinds in {len(record.failed):,} failures; "
        f"{unseen.good_toulmin(counts, settings.ahead / total):.3g} new ones to expect in the next {short(settings.ahead)} decisions.",
    )


def _gumbel(settings: Settings, record: Counted | None) -> Row:
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
    rows = [row for row in record.forbidden if len(row) > settings.forbidden]
    values = [row[settings.forbidden] for row in rows] + [value for value in record.doubt if value is not None]
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
        f"meet may be missing from the record altogether.{f' {tail.caution}' if tail.caution else ''}",
    )


def _repeated(chance: float, times: float) -> float:
    """P(at least one in `times` independent decisions)."""
    return 1.0 if chance >= 1.0 and times > 0 else -math.expm1(times * math.log1p(-chance))


def _over_detection(upper: float, exposure: Exposure) -> float:
    """A bound on the chance of a noticed failure, as one on the chance of a failure; 1 where it says nothing."""
    return min(upper / exposure.detection, 1.0)


def _counts_only(exposure: Exposure) -> str:
    said = f"a failure is noticed with probability {percent(exposure.detection)}"
    if exposure.design_effect > 1:
        said += f", and {exposure.design_effect:g} decisions tell as much as one"
    return said + ("; earlier models count nothing here" if exposure.carried else "")


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
