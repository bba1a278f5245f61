"""Rules whose inputs are not known exactly: many draws, each weighted by how well it said that nothing would have happened by now.

The mean of the forecasts is not the forecast: a draw under which it should have happened long ago has been found less likely by its not
having happened. `1 - mean S_j(Y) / mean S_j(y0)` is the survival-weighted answer; the plain mean stands beside it, to be seen to differ.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assent.forecast.distributions import Distribution, distribution, quantiles, shown
from assent.forecast.exact import Numeric, percent
from assent.forecast.kernel import Floats
from assent.forecast.kinds import build
from assent.forecast.model import Model
from assent.forecast.vectors import CHECKED, TEXTS, VECTORS, Survivals, read_plain

BAND = (0.05, 0.5, 0.95)
MOST_DRAWS = 10_000_000
FEW = 400
"""Draws' worth below which an answer's error is above a twentieth of its spread."""
ROUNDING = 1e-12
"""Log-survival above 0 that is rounding."""

_CACHED = 1 << 14
"""Draws that are worked on at once."""


@dataclass(frozen=True)
class Spread:
    """What uncertain inputs make of a forecast. Probabilities in [0, 1].

    Attributes:
        probability: the survival-weighted answer.
        plain: the mean of the answers with no weights: not the forecast.
        band: 5 %, 50 % and 95 % of the rule's answers, by weight.
        plain_band: the same without weights.
        effective: draws that the weights amount to, Kish's `(sum w)^2 / sum w^2`.
        draws: how many there were.
    """

    probability: float
    plain: float
    band: tuple[float, float, float]
    plain_band: tuple[float, float, float]
    effective: float
    draws: int


@dataclass(frozen=True)
class Swing:
    """One input moved from its 5 % to its 95 % quantile, all others at their medians: a bar of a tornado."""

    name: str
    low: str
    high: str
    at_low: float
    at_high: float

    @property
    def width(self) -> float:
        """How far the answer moves."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True)
class Influence:
    """The share of the answers' variance that an input explains alone (`first`), and with all that it interacts with (`total`).

    `error`: standard error of `first` and of `total`.
    """

    name: str
    first: float
    total: float
    error: tuple[float, float]


@dataclass(frozen=True, init=False)
class Uncertain(Model):
    """A kind of rule with distributions for some of its inputs.

    Args:
        kind: one of `vectors.VECTORS`.
        inputs: numbers, or distributions (or texts that name them, such as `1/1000 to 1/100`), by the kind's names.
        draws: how many.
        seed: of the draws.

    Raises:
        ValueError: a kind that cannot be drawn many at a time, inputs without any distribution, draws outside of an input's range (the
            sentence says how many; nothing is clipped), too many draws.

    >>> rule = Uncertain("calendar", {"ftp": "1/1000 to 1/100"}, draws=20_000)
    >>> rule.spread(2036, none_by=2020).probability < rule.spread(2036, none_by=2020).plain
    True
    """

    kind: str
    given: tuple[tuple[str, Any], ...]
    draws: int
    seed: int
    middle: Model
    method = "uncertain inputs"
    resolution = 1e-9  # far below what the draws leave open

    def __init__(self, kind: str, inputs: Mapping[str, Any], *, draws: int = 100_000, seed: int = 0) -> None:
        if kind not in VECTORS:
            raise ValueError(
                f"Trials of the kind {kind!r} cannot be drawn many at a time; give one of {', '.join(VECTORS)}."
            )
        if isinstance(draws, bool) or not 100 <= draws <= MOST_DRAWS:
            raise ValueError(f"There are {draws!r} draws; give 100 to {MOST_DRAWS:,}.")
        given = tuple((name, distribution(name, value) or value) for name, value in inputs.items())
        words = [name for name, value in given if name in TEXTS and isinstance(value, Distribution)]
        if words:
            raise ValueError(
                f"{words[0]} is a word and no number, so that it has no distribution; give 'yearly' or 'continuous'."
            )
        if not any(isinstance(value, Distribution) for _, value in given):
            raise ValueError(
                "None of the inputs is a distribution; give one, such as ftp = '1/1000 to 1/100', or take the plain rule."
            )
        middle = build(kind, {name: self._median(value) for name, value in given})  # checks names and fixed numbers too
        for name, value in (("kind", kind), ("given", given), ("draws", draws), ("seed", seed), ("middle", middle)):
            object.__setattr__(self, name, value)

    @staticmethod
    def _median(value: Any) -> Any:
        return value.quantile(0.5) if isinstance(value, Distribution) else value

    @property
    def start(self) -> float:
        starts = dict(self.given).get("start")
        return float(self._drawn(self.draws)["start"].max()) if isinstance(starts, Distribution) else self.middle.start

    @functools.lru_cache(maxsize=4)  # noqa: B019  (frozen, and few)
    def _drawn(self, number: int) -> dict[str, Any]:
        rng = np.random.Generator(np.random.SFC64([self.seed, 0]))
        return self._draw_from(rng, number)

    def _draw_from(self, rng: np.random.Generator, number: int) -> dict[str, Any]:
        """Every input: [number] where it is drawn. In parts that fit a core's cache, which halves the time."""
        found: dict[str, Any] = {}
        for name, value in self.given:
            found[name] = np.empty(number) if isinstance(value, Distribution) else read_plain(name, value)
        for part in _parts(number):
            for name, value in self.given:
                if isinstance(value, Distribution):
                    found[name][part] = value.draw(rng, part.stop - part.start)
        for name, values in found.items():
            _check(name, values)
        return found

    def _survivals(self, since: float, until: float, inputs: Mapping[str, Any]) -> Survivals:
        start = inputs.get("start")
        if start is not None and np.any(np.asarray(start) > since):
            raise ValueError(
                f"Some draws of the start lie after {since:g}, until when nothing had happened; give a later none_by."
            )
        number = next((len(value) for value in inputs.values() if isinstance(value, np.ndarray)), 0)
        if number == 0:
            return VECTORS[self.kind](since, until, **inputs)
        before, more = np.empty(number), np.empty(number)
        for part in _parts(number):
            inside = {name: value[part] if isinstance(value, np.ndarray) else value for name, value in inputs.items()}
            before[part], more[part] = VECTORS[self.kind](since, until, **inside)
        if not (float(np.max(before)) <= ROUNDING and float(np.max(more)) <= ROUNDING):  # NaN too
            bad = float(np.mean(~((before <= ROUNDING) & (more <= ROUNDING))))
            raise ValueError(
                f"In {percent(bad)} of the draws effort shrinks between the start, {since:g} and {until:g}. Effort cannot be taken back: "
                "give distributions under which it grows. Nothing is clipped."
            )
        return before, more

    def log_survival(self, until: ArrayLike, *, since: ArrayLike | None = None) -> Floats:
        first = self.start if since is None else since
        pairs = np.broadcast(np.asarray(until, np.float64), np.asarray(first, np.float64))
        result = np.asarray([self._one(max(float(s), self.start), float(u)) for u, s in pairs])
        return result.reshape(pairs.shape)

    def _one(self, since: float, until: float) -> float:
        before, more = self._survivals(since, max(until, since), self._drawn(self.draws))
        weights = np.exp(before - np.max(before))
        fallen = float(np.mean(weights * np.expm1(more)) / np.mean(weights))
        return math.log1p(fallen) if fallen > -0.5 else _log_mean(before + more) - _log_mean(before)

    def spread(self, by: Numeric, *, none_by: Numeric) -> Spread:
        """The answer with its band, and what it would be without weights.

        Raises:
            ValueError: as `predict`.
        """
        since, until = self._ends(by, none_by)
        before, more = self._survivals(since, until, self._drawn(self.draws))
        answers = np.broadcast_to(-np.expm1(more), (self.draws,))
        weights = np.broadcast_to(np.exp(before - np.max(before)), (self.draws,))
        equal = np.ones(self.draws)
        low, middle, high = quantiles(answers, weights, BAND)
        return Spread(
            probability=float(weights @ answers / weights.sum()),
            plain=float(answers.mean()),
            band=(low, middle, high),
            plain_band=_three(quantiles(answers, equal, BAND)),
            effective=float(weights.sum() ** 2 / (weights @ weights)),
            draws=self.draws,
        )

    def tornado(self, by: Numeric, *, none_by: Numeric) -> tuple[float, tuple[Swing, ...]]:
        """The answer with every input at its median, and each input's swing around it, the widest first."""
        since, until = self._ends(by, none_by)

        def answer(**moved: float) -> float:
            inputs = {name: read_plain(name, moved.get(name, self._median(value))) for name, value in self.given}
            return float(-np.expm1(self._survivals(since, until, inputs)[1]))

        swings: list[Swing] = []
        for name, value in self.given:
            if isinstance(value, Distribution):
                low, high = value.quantile(BAND[0]), value.quantile(BAND[2])
                swings.append(Swing(name, shown(low), shown(high), answer(**{name: low}), answer(**{name: high})))
        return answer(), tuple(sorted(swings, key=lambda swing: -swing.width))

    def sobol(self, by: Numeric, *, none_by: Numeric, draws: int = 1 << 16) -> tuple[Influence, ...]:
        """Shares of the variance of the (unweighted) answers that each input explains, the greatest first.

        First-order indices after Saltelli and others, "Variance based sensitivity analysis of model output", 2010, table 2 (b); total ones
        after Jansen, "Analysis of variance designs for model output", 1999; standard errors from 16 batches.

        Args:
            draws: rows of each of the two sample matrices, a multiple of 16.
        """
        since, until = self._ends(by, none_by)
        names = [name for name, value in self.given if isinstance(value, Distribution)]
        rng = np.random.Generator(np.random.SFC64([self.seed, 1]))
        one, other = self._draw_from(rng, draws), self._draw_from(rng, draws)

        def answers(inputs: Mapping[str, Any]) -> Floats:
            return np.broadcast_to(-np.expm1(self._survivals(since, until, inputs)[1]), (draws,))

        at_one, at_other = answers(one), answers(other)
        both = np.concatenate([at_one, at_other])
        middle, variance = float(both.mean()), float(both.var())
        if variance == 0:
            return tuple(Influence(name, 0.0, 0.0, (0.0, 0.0)) for name in names)
        found: list[Influence] = []
        for name in names:
            mixed = answers({**one, name: other[name]})
            first = (at_other - middle) * (mixed - at_one) / variance  # centred: far less noise
            total = (at_one - mixed) ** 2 / (2.0 * variance)
            errors = (_batch_error(first), _batch_error(total))
            found.append(Influence(name, float(first.mean()), float(total.mean()), errors))
        return tuple(sorted(found, key=lambda item: -item.total))

    def _ends(self, by: Numeric, none_by: Numeric) -> tuple[float, float]:
        forecast = self.middle.predict(by, none_by=none_by)  # its checks
        return forecast.none_by, forecast.by

    def inputs(self) -> dict[str, Any]:
        shown_inputs = {
            name: value.said() if isinstance(value, Distribution) else _plain(value) for name, value in self.given
        }
        return {"trials": self.kind, **shown_inputs, "draws": self.draws, "seed": self.seed}

    def why(self, since: float, until: float) -> tuple[str, ...]:
        found = self.spread(until, none_by=since)
        low, middle, high = found.band
        few = f"Fewer than {FEW} draws carry the answer: it is rough; take more draws, or inputs that allow for what was seen."
        return (
            *((few,) if found.effective < FEW else ()),
            f"{self.draws:,} draws of the inputs, each weighted by the chance it gave to nothing having happened by {since:g} "
            f"({found.effective:,.0f} draws' worth). Seed {self.seed}.",
            f"Half of the draws' answers lie below {percent(middle)}, nine tenths between {percent(low)} and {percent(high)}.",
            f"Without the weights the mean would be {percent(found.plain)}, which forgets what has been seen.",
        )

    @property
    def assumptions(self) -> tuple[str, ...]:
        named = ", ".join(f"{name} {value.said()}" for name, value in self.given if isinstance(value, Distribution))
        return (f"inputs are independent of each other: {named}", *self.middle.assumptions[:1])


def _log_mean(logs: ArrayLike) -> float:
    """ln of the mean of exp(logs), however small; -inf where all are."""
    values = np.asarray(logs, np.float64)
    most = float(np.max(values))
    return most + math.log(float(np.mean(np.exp(values - most)))) if math.isfinite(most) else most


def _parts(number: int) -> list[slice]:
    return [slice(first, min(first + _CACHED, number)) for first in range(0, number, _CACHED)]


def _check(name: str, values: Any) -> None:
    """Refuses draws outside of the input's range."""
    low, high = CHECKED.get(name, (-math.inf, math.inf))
    if isinstance(values, str) or (np.min(values) > low and np.max(values) < high):
        return
    outside = float(np.mean(~((values > low) & (values < high))))
    raise ValueError(
        f"{percent(outside)} of the draws of {name} lie outside of ({low:g}, {high:g}): give a distribution that stays inside, such as "
        "uniform(A, B) or a log-normal A to B. Nothing is clipped."
    )


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    return values[0], values[1], values[2]


def _batch_error(terms: Floats) -> float:
    means = terms[: len(terms) // 16 * 16].reshape(16, -1).mean(axis=1)
    return float(means.std(ddof=1) / 4.0)


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float)) else float(value)
