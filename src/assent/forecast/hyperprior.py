"""Several models, each with a weight: those that said it would have happened by now lose weight while it has not."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assent.forecast.exact import Numeric, percent, rational, written
from assent.forecast.kernel import Floats
from assent.forecast.model import Model

CONVENTIONS = ("bayes", "davidson2021")


@dataclass(frozen=True, init=False)
class HyperPrior(Model):
    """A weighted mixture of models, updated on the fact that nothing has happened.

    `P(by Y | none by y0) = 1 - sum w_i S_i(Y) / sum w_i S_i(y0)` (Davidson 2021, 7.2, whose yearly updates come to this).

    Args:
        parts: a name, a model and its weight at the start. Weights sum to 1.
        exempt: names of models that failures up to `exempt_until` do not count against. The report's published figures exempt its
            evolutionary rule in this way (its convention `davidson2021`); Bayes' rule exempts nothing.
        exempt_until: a year; needed with `exempt`.

    Raises:
        ValueError: no parts, a weight that is not positive, weights that do not sum to 1, an unknown exempt name.

    >>> from assent.forecast import BetaPrior, Calendar, Impossible, Rule
    >>> belief = HyperPrior({"fast": (Rule(BetaPrior("1/100"), Calendar(1956)), 0.8), "never": (Impossible(), 0.2)})
    >>> round(belief.predict(by=2036, none_by=2020).probability, 7)
    0.0633214
    >>> {name: round(weight, 6) for name, weight in belief.weights(2020).items()}
    {'fast': 0.708408, 'never': 0.291592}
    """

    parts: tuple[tuple[str, Model, Fraction], ...]
    exempt: frozenset[str]
    exempt_until: float
    method = "mixture"

    def __init__(
        self,
        parts: Mapping[str, tuple[Model, Numeric]],
        *,
        exempt: frozenset[str] | tuple[str, ...] = (),
        exempt_until: float | None = None,
    ) -> None:
        read = tuple((name, model, rational(f"weight of {name}", weight)) for name, (model, weight) in parts.items())
        if not read or any(weight <= 0 for _, _, weight in read):
            raise ValueError(
                f"The weights are {[str(weight) for _, _, weight in read]}; give at least one model, each with a weight above 0."
            )
        total = sum(weight for _, _, weight in read)
        if abs(total - 1) > Fraction(1, 10**9):
            raise ValueError(
                f"The weights sum to {float(total):.12g}; they must sum to 1. A share for 'never' goes to Impossible()."
            )
        unknown = set(exempt) - {name for name, _, _ in read}
        if unknown or (exempt and exempt_until is None):
            raise ValueError(
                f"Exempt are {sorted(exempt)} until {exempt_until}; name models of the mixture, and until when."
            )
        object.__setattr__(self, "parts", read)
        object.__setattr__(self, "exempt", frozenset(exempt))
        object.__setattr__(self, "exempt_until", -np.inf if exempt_until is None else float(exempt_until))

    @property
    def start(self) -> float:
        return min((model.start for _, model, _ in self.parts if np.isfinite(model.start)), default=-np.inf)

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        first = np.asarray(self.start if since is None else since, np.float64)
        weights = self._weights(first)
        more = [model.log_survival(until, since=first) for _, model, _ in self.parts]
        # of each part's share, what falls away between the two times; where little is left, what is left
        fallen = sum(weight * np.expm1(one) for weight, one in zip(weights, more, strict=True))
        with np.errstate(divide="ignore"):
            left = functools.reduce(np.logaddexp, (np.log(w) + one for w, one in zip(weights, more, strict=True)))
        small = fallen > -0.5
        return np.asarray(np.where(small, np.log1p(np.where(small, fallen, 0.0)), left))

    def exact_survival(self, until: Fraction, *, since: Fraction) -> Fraction | None:
        if self.exempt:
            return None
        before = after = Fraction(0)
        for _, model, weight in self.parts:
            start = Fraction(model.start) if np.isfinite(model.start) else min(since, until)
            so_far = model.exact_survival(since, since=start) if since >= start else Fraction(1)
            further = model.exact_survival(until, since=max(since, start)) if until >= start else Fraction(1)
            if so_far is None or further is None:
                return None
            before, after = before + weight * so_far, after + weight * so_far * further
        return after / before

    def weights(self, at: Numeric) -> dict[str, float]:
        """Each model's weight once nothing has happened by `at`; they sum to 1."""
        weights = self._weights(np.asarray(float(rational("time", at))))
        return {name: float(weight) for weight, (name, _, _) in zip(weights, self.parts, strict=True)}

    def weights_over(self, times: ArrayLike) -> Floats:
        """float64 [parts, T]: the weights at each of the times."""
        return self._weights(np.asarray(times, np.float64))

    def static(self, by: Numeric, *, none_by: Numeric) -> float:
        """The probability with the weights of the start: incoherent (it can be made to lose for sure), and in the report's tables."""
        since, until = float(rational("evidence date", none_by)), float(rational("target date", by))
        return float(sum(float(w) * -np.expm1(model.log_survival(until, since=since)) for _, model, w in self.parts))

    def _weights(self, at: Floats) -> Floats:
        logs = np.stack(
            [np.log(float(weight)) + self._counted_against(name, model, at) for name, model, weight in self.parts]
        )
        greatest = logs.max(axis=0)
        if np.any(np.isneginf(greatest)):
            early = float(np.min(np.asarray(at)[np.isneginf(greatest)]))
            raise ValueError(
                f"Nothing had happened by {early:g}, and every model of the mixture says that it must have: give a part that allows it, "
                "such as Impossible()."
            )
        logs = logs - greatest
        weights = np.exp(logs)
        return np.asarray(weights / weights.sum(axis=0))

    def _counted_against(self, name: str, model: Model, at: Floats) -> Floats:
        """What the time up to `at` says against a model: nothing until `exempt_until` where it is exempt."""
        since = np.asarray(self.start if np.isfinite(self.start) else at)
        if name in self.exempt:
            since = np.asarray(np.maximum(since, self.exempt_until))
            at = np.asarray(np.maximum(at, since))
        return model.log_survival(at, since=since)

    def inputs(self) -> dict[str, Any]:
        rules = [
            {"name": name, "weight": written(weight) or float(weight), "method": model.method, **model.inputs()}
            for name, model, weight in self.parts
        ]
        return {"rules": rules, "exempt": sorted(self.exempt)}

    def why(self, since: float, until: float) -> tuple[str, ...]:
        weights, sentences = self.weights(since), list[str]()
        for name, model, weight in self.parts:
            alone = percent(float(-np.expm1(model.log_survival(until, since=since))))
            exempt = " (exempt from the failures so far)" if name in self.exempt else ""
            sentences.append(
                f"{name}: {alone} by itself; weight {percent(float(weight))} at the start, {percent(weights[name])} after nothing by "
                f"{since:g}{exempt}."
            )
        return tuple(sentences)

    @property
    def assumptions(self) -> tuple[str, ...]:
        updated = f"one of {len(self.parts)} models is right, with the weights given, and each loses weight as Bayes' rule says"
        if not self.exempt:
            return (updated,)
        names = ", ".join(sorted(self.exempt))
        return (updated, f"against Bayes' rule, failures until {self.exempt_until:g} do not count against {names}")
