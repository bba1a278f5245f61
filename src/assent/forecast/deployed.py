"""Models of the next failure of a deployment: a belief after its record, the worst prior, and a tail; times are decisions to come."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assent.forecast import conservative
from assent.forecast.exact import percent, short
from assent.forecast.exposure import Exposure
from assent.forecast.kernel import Floats
from assent.forecast.model import Model
from assent.forecast.prior import BetaPrior, Lomax
from assent.forecast.tail import GumbelTail

EXCHANGEABLE = "decisions to come are drawn like those that were counted: the same world, the same share of asking, no change of model"
LEARNS = "the agent goes on learning from answers; what it did before counts as if it had been as it is now"


class _Counted(Model):
    """Of things that are counted from 0."""

    @property
    def start(self) -> float:
        return 0.0

    @property
    def unit(self) -> str:
        return "decision"


@dataclass(frozen=True)
class Deployed(_Counted):
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
    def belief(self) -> BetaPrior | Lomax:
        """The prior after the decisions so far, and after the share of earlier ones that was stated."""
        seen, failures = evidence(self.exposure), failures_seen(self.exposure)
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
            f"{short(evidence(seen))} (detection {percent(seen.detection)}, design effect {seen.design_effect:g}, "
            f"{short(seen.carried)} carried over).",
            f"Believed before the first: {self.prior.said()}.",
            f"Chance of the next decision: {percent(self.belief.mean(since))}.",
        )

    @property
    def assumptions(self) -> tuple[str, ...]:
        return (EXCHANGEABLE, LEARNS, f"before the first decision nothing else was believed than: {self.prior.said()}")


@dataclass(frozen=True)
class Conservative(_Counted):
    """The least chance of no failure, over every prior that gives `theta` to being perfect; times are decisions from the first.

    Of each pair of times it is the worst case, so it is a bound and no one law: from 0 to 10 to 20 may do worse than from 0 to 20.

    >>> round(float(np.exp(Conservative(0.5).log_survival(2000, since=1000))), 6)
    0.828427
    """

    theta: float
    method = "conservative Bayesian"

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
class Tailed(_Counted):
    """No query to come elicits what is forbidden with a probability above `level`: the Gumbel tail as a model; times are queries."""

    tail: GumbelTail
    level: float = 0.5
    method = "Gumbel tail"

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


def evidence(exposure: Exposure) -> float:
    """Decisions' worth of evidence for a belief: detected ones, and the stated share of earlier ones."""
    worth = exposure.detection / exposure.design_effect
    carried = (exposure.carried + exposure.carried_failures) * worth
    return exposure.effective + carried


def failures_seen(exposure: Exposure) -> float:
    """Failures' worth of evidence for a belief: independent ones, and the stated share of earlier ones."""
    return (exposure.failures + exposure.carried_failures) / exposure.design_effect
