"""What every model of a first event is: ln P(not by this time), given that not by an earlier one; forecasts follow from that alone."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assent.forecast.effort import Effort
from assent.forecast.exact import Numeric, percent, rational, written
from assent.forecast.kernel import Floats


@dataclass(frozen=True)
class Forecast:
    """A probability with everything that it came from.

    Attributes:
        probability: of the event by `by`, given none by `none_by`; in [0, 1].
        log_survival: ln of its complement, which keeps small probabilities and near-certainties apart.
        exact: the probability as a fraction, where it is one.
        by, none_by: times, in the unit of the model's start (years, or counts).
        method: the kind of model.
        inputs: what was chosen, as JSON values.
        effort: how much was tried by `none_by`, and from there to `by`, where the model knows.
        unit: one unit of effort, in words.
        why: sentences, the most important first.
        assumptions: what has to be true for the number to mean what it says.
    """

    probability: float
    log_survival: float
    exact: Fraction | None
    by: float
    none_by: float
    method: str
    inputs: dict[str, Any]
    effort: tuple[float, float] | None = None
    unit: str = ""
    why: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = field(default=())

    @property
    def fraction(self) -> str | None:
        """`16/379`, where the probability is a fraction that a reader can use."""
        return None if self.exact is None else written(self.exact)

    def to_json(self) -> dict[str, Any]:
        """Everything in JSON values; a log-survival of minus infinity is None."""
        return {
            "probability": self.probability,
            "log_survival": self.log_survival if math.isfinite(self.log_survival) else None,
            "fraction": self.fraction,
            "by": self.by,
            "none_by": self.none_by,
            "method": self.method,
            "inputs": self.inputs,
            "effort": None
            if self.effort is None
            else {"before": self.effort[0], "to_come": self.effort[1], "unit": self.unit},
            "why": list(self.why),
            "assumptions": list(self.assumptions),
        }

    def explain(self) -> str:
        """The number, why it is that number, and what it rests on, over several lines."""
        fraction = f" (= {self.fraction})" if self.fraction else ""
        lines = [f"{percent(self.probability)}{fraction}", *self.why]
        return "\n".join(
            [*lines, "Rests on:", *(f"  - {item}" for item in self.assumptions)] if self.assumptions else lines
        )


class Model(ABC):
    """A model of when something first happens. Subclasses give `log_survival`; composition, conditioning and scoring need no more."""

    method = "model"
    resolution = 0.0
    """How close a quantile is to the place where it is reached, by the time elapsed; 0 for the very float."""

    @property
    @abstractmethod
    def start(self) -> float:
        """The time before which nothing is tried."""

    @abstractmethod
    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        """ln P(not by `until` | not by `since`): float64 <= 0, broadcast; times before the start count as the start.

        Args:
            until: no earlier than `since`.
            since: the start when left out.
        """

    def exact_survival(self, until: Fraction, *, since: Fraction) -> Fraction | None:
        """The same without the logarithm as a fraction, where it is one; `since` at or after the start."""
        return None

    @abstractmethod
    def inputs(self) -> dict[str, Any]:
        """What was chosen, as JSON values."""

    def effort(self, since: float, until: float) -> tuple[float, float] | None:
        """How much was tried up to `since`, and from there to `until`; None where the model has no one effort."""
        return None

    @property
    def unit(self) -> str:
        """One unit of effort, in words."""
        return ""

    def why(self, since: float, until: float) -> tuple[str, ...]:
        """Sentences that say where the probability comes from."""
        return ()

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What has to be true for the number to mean what it says."""
        return ()

    def predict(self, by: Numeric, *, none_by: Numeric | None = None) -> Forecast:
        """The probability by `by`, given none by `none_by` (the start when left out).

        Raises:
            ValueError: `none_by` before the start, or `by` before `none_by`. Nothing is clipped.
        """
        start = Fraction(self.start) if math.isfinite(self.start) else Fraction(0)
        target = rational("target date", by)
        evidence = start if none_by is None else rational("evidence date", none_by)
        if math.isfinite(self.start) and evidence < start:
            raise ValueError(
                f"The evidence reaches to {_time(evidence)}, and nobody tried before {_time(start)}: give none_by at or after the start."
            )
        if target < evidence:
            raise ValueError(
                f"The target is {_time(target)}, and it is known that nothing had happened by {_time(evidence)}: give a target at or after "
                "that."
            )
        since, until = float(evidence), float(target)
        if math.isfinite(self.start) and float(self.log_survival(since)) == -math.inf:
            raise ValueError(
                f"Nothing had happened by {_time(evidence)}, and the model says that it must have: it is refuted. Give one that allows it."
            )
        log_survival = float(self.log_survival(until, since=since))
        survival = self.exact_survival(target, since=evidence)
        exact = None if survival is None else 1 - survival
        return Forecast(
            probability=float(0.0 - np.expm1(log_survival)) if exact is None else float(exact),
            log_survival=log_survival,
            exact=exact,
            by=until,
            none_by=since,
            method=self.method,
            inputs=self.inputs(),
            effort=self.effort(since, until),
            unit=self.unit,
            why=self.why(since, until),
            assumptions=self.assumptions,
        )

    def cdf(self, times: ArrayLike, *, none_by: Numeric | None = None) -> Floats:
        """P(by each of `times` | none by `none_by`): float64 in the shape of `times`, each at or after `none_by`.

        Raises:
            ValueError: as `predict`.
        """
        times = np.asarray(times, np.float64)
        since = self.start if none_by is None else float(rational("evidence date", none_by))
        if since < self.start or (times.size and float(times.min()) < since):
            self.predict(float(times.min()), none_by=since)  # its sentences
        return np.asarray(0.0 - np.expm1(self.log_survival(times, since=since)))

    def hazard(self, at: Numeric, *, over: Numeric = 1) -> float:
        """P(within `over` after `at` | none by `at`): the chance of the next year, trial or decision."""
        first = rational("time", at)
        return self.predict(first + rational("stretch", over), none_by=first).probability

    def quantile(self, probability: Numeric, *, none_by: Numeric | None = None, most: float = 1e12) -> float:
        """The time by which it has happened with this probability; infinity where that is never reached within `most` after `none_by`.

        Raises:
            ValueError: a probability outside (0, 1), or `none_by` before the start.
        """
        wanted = float(rational("probability", probability))
        if not 0 < wanted < 1:
            raise ValueError(f"The probability is {probability}; it must lie strictly between 0 and 1.")
        since = self.predict(self.start if none_by is None else none_by, none_by=none_by).none_by
        aim = math.log1p(-wanted)

        def excess(at: float) -> float:
            return float(self.log_survival(at, since=since)) - aim

        step, above = 1.0, -aim
        while (below := excess(since + step)) > 0:
            if step >= most:
                return math.inf
            step, above = min(2.0 * step, most), below
        low, high = since + step / 2.0 if step > 1.0 else since, since + step
        return _crossing(excess, low, high, above, below, least=self.resolution * max(high - since, 1.0))


def _crossing(
    excess: Callable[[float], float], low: float, high: float, above: float, below: float, *, least: float
) -> float:
    """The least float, or up to `least` beyond it, from which on `excess` is at most 0; it is `above` at `low`, `below` at `high`.

    Dowell and Jarratt, "A modified regula falsi method for computing the root of an equation", 1971 (the Illinois method); every third
    step halves, so that no shape stalls it.
    """
    last, steps = 0, 0
    while True:
        middle = low + (high - low) / 2.0
        if high - low <= least or middle in (low, high):
            return high
        steps += 1
        line = high + below * ((high - low) / (above - below)) if math.isfinite(below) and below < 0 else middle
        at = line if steps % 3 and low < line < high else middle
        value = excess(at)
        if value > 0:
            low, above, below = at, value, below / 2.0 if last > 0 else below
            last = 1
        else:
            high, below, above = at, value, above / 2.0 if last < 0 else above
            last = -1


class Trying(Model):
    """A model with one effort, `trials`: what counts as trying, and since when."""

    trials: Effort

    @property
    def start(self) -> float:
        return self.trials.start

    @property
    def unit(self) -> str:
        return self.trials.unit

    def effort(self, since: float, until: float) -> tuple[float, float]:
        before, more = self.tried(until, since)
        return float(before), float(more)

    def tried(self, until: ArrayLike, since: ArrayLike | None) -> tuple[Floats, Floats]:
        """Effort up to `since` (the start when left out), and from there to `until`; nothing was tried before the start."""
        first = np.asarray(np.maximum(np.asarray(self.start if since is None else since, np.float64), self.start))
        last = np.asarray(np.maximum(np.asarray(until, np.float64), first))
        return self.trials.between(self.start, first), self.trials.between(first, last)

    def exactly_tried(self, until: Fraction, since: Fraction) -> tuple[Fraction, Fraction] | None:
        """The same as fractions, where they are."""
        before, more = self.trials.exact(Fraction(self.start), since), self.trials.exact(since, until)
        return None if before is None or more is None else (before, more)


def _time(value: Fraction) -> str:
    return f"{float(value):g}" if abs(value) < 1_000_000 else f"{float(value):,.0f}"
