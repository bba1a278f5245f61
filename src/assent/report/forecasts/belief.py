"""What is believed of the chance in one trial, before and after: densities over the logarithm of the chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from assent.forecast.prior import BetaPrior, Lomax
from assent.report.figures.axes import Axis, Box, layout, short
from assent.report.forecasts.parts import colour, dash, round_above, said_percent, sentence, tick_room
from assent.report.svg import Child, document, group, line, path, tag

POINTS = 241
_LEAST, _MOST = 1e-15, 0.999


@dataclass(frozen=True)
class Density:
    """One belief: what it is called, its density by unit of ln(chance) at chances, and its mean."""

    name: str
    values: NDArray[np.float64]
    mean: float


def belief_chart(
    before: BetaPrior | Lomax,
    after: BetaPrior | Lomax,
    *,
    width: float,
    name: str,
    trial: str = "trial",
    title: str = "What is believed of the chance, before and after",
) -> Markup:
    """The density of a belief about the chance per trial before the evidence and after it; the means are marked.

    The axis is logarithmic, and the density is by unit of the chance's natural logarithm: equal areas are equal probabilities.

    Args:
        before, after: a Beta belief, or the Gamma one of a `Lomax`, whose chance is a rate per unit of effort.
        trial: what one trial is called.
    """
    chances = _chances([before, after])
    if chances is None:
        words = "Before anything was tried there is no proper belief, and no density to draw."
        return sentence(words, width=width, name=name, title=title)
    shown = [
        Density(words, np.exp(log_density(one, chances)), one.mean(0.0))
        for words, one in (("before", before), ("after", after))
    ]
    return draw(chances, shown, width=width, name=name, trial=trial, title=title)


def log_density(prior: BetaPrior | Lomax, chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln of the density by unit of ln(chance): `p f(p)` of the Beta belief, or of the Gamma belief of a `Lomax`.

    >>> float(np.exp(log_density(BetaPrior("1/2"), np.asarray([0.25]))).round(6)[0])       # uniform: p itself
    0.25
    """
    alpha, logs = float(prior.alpha), np.log(chances)
    if isinstance(prior, BetaPrior):
        beta = float(prior.beta)
        whole = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
        return np.asarray(whole + alpha * logs + (beta - 1.0) * np.log1p(-chances))
    tau = float(prior.tau)
    return np.asarray(alpha * (math.log(tau) + logs) - tau * chances - math.lgamma(alpha))


def draw(
    chances: NDArray[np.float64], shown: Sequence[Density], *, width: float, name: str, trial: str, title: str
) -> Markup:
    """The picture of such densities; what is not finite is a gap."""
    inner = chances <= 0.9  # a belief in near-certainty rises without end towards 1
    finite = [float(value) for one in shown for value in one.values[inner] if math.isfinite(value)]
    if not finite:
        return sentence(
            "No density could be computed, so there is nothing to draw.", width=width, name=name, title=title
        )
    x = Axis(f"chance per {trial}", float(chances[0]), float(chances[-1]), log=True)
    y = Axis("density (by unit of the chance's logarithm)", 0.0, round_above(1.12 * max(finite)))
    named = [f"{one.name}, mean {said_percent(one.mean)}" for one in shown]
    swatches = [
        (line(0, 0, 20, 0, class_=f"line all {colour(n)}", dash=dash(n)), words) for n, words in enumerate(named)
    ]
    tall = 260.0 if width >= 600 else 220.0
    box, head, bottom = layout(title, width, x, y, swatches, [], height=tall, beside=tick_room(x))
    parts: list[Child] = [head, box.axes(grid=True)]
    for place, one in enumerate(shown):
        pairs = [(float(at), float(value)) for at, value in zip(chances, one.values, strict=True)]
        track = box.track([pair if math.isfinite(pair[1]) else None for pair in pairs])
        parts.append(path(track, class_=f"line all {colour(place)}", dash=dash(place)))
    parts.append(_means(box, chances, shown))
    return document(name, *parts, width=width, height=bottom, title=title, desc=_said(shown, trial))


def _chances(priors: Sequence[BetaPrior | Lomax]) -> NDArray[np.float64] | None:
    """Where the densities are more than a thousandth of their greatest value, in even steps of the logarithm."""
    if any(isinstance(one, Lomax) and float(one.tau) <= 0 for one in priors):
        return None
    grid = np.geomspace(_LEAST, _MOST, 4001)
    seen = np.zeros(grid.shape, bool)
    for one in priors:
        logs = log_density(one, grid)
        seen |= logs > logs[grid <= 0.9].max() - math.log(1000.0)
    within = grid[seen]
    low, high = float(within[0]), float(within[-1])
    return np.asarray(np.geomspace(low / 1.5, min(1.5 * high, _MOST), POINTS), np.float64)


def _means(box: Box, chances: NDArray[np.float64], shown: Sequence[Density]) -> Markup:
    """A dot on each density at the belief's mean, and a line down to the axis."""
    parts: list[Child] = []
    for place, one in enumerate(shown):
        value = float(np.interp(math.log(one.mean), np.log(chances), one.values)) if one.mean > 0 else math.nan
        if math.isfinite(value) and box.inside(one.mean, value):
            x, y = box.x(one.mean), box.y(value)
            parts.append(line(x, y, x, box.bottom, class_="guide", dash="2 3"))
            parts.append(tag("circle", class_=f"dot ring {colour(place)}", cx=x, cy=y, r=4.6))
    return group(parts)


def _said(shown: Sequence[Density], trial: str) -> str:
    means = ", ".join(
        f"{one.name} {said_percent(one.mean)} (one in {short(round(1 / one.mean))})" for one in shown if one.mean > 0
    )
    return f"Density of the belief about the chance per {trial}, over its logarithm. Means: {means}."
