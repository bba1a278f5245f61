"""Weights of several rules over time, while nothing happens: areas on top of each other that fill the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from assent.forecast.exact import Numeric, rational
from assent.forecast.hyperprior import HyperPrior
from assent.report.figures.axes import Axis, Box, layout
from assent.report.forecasts.parts import colour, hues, said_percent, sentence, time_axis, time_text, whole_percent
from assent.report.forecasts.places import End, end_names, end_room
from assent.report.svg import Child, document, group, label, line, number, path, tag

MOST = 8
"""So many areas at most: rules beyond that, those that weigh least at the end, share one."""

POINTS = 97


@dataclass(frozen=True)
class Layer:
    """One area: what it is called, and its share of the whole at each time."""

    name: str
    shares: NDArray[np.float64]
    class_: str


def weights_over_time(
    belief: HyperPrior,
    *,
    width: float,
    name: str,
    until: Numeric,
    since: Numeric | None = None,
    now: Numeric | None = None,
    time: str = "year",
    title: str = "Weight of each rule while it has not happened",
) -> Markup:
    """The share of belief that each rule has from `since` to `until`, if nothing happens; names and shares stand at the right.

    Args:
        since: the start of the belief when left out.
        now: a time that gets a mark.
        time: the unit of times, in words.

    Raises:
        ValueError: `until` is not after `since`.
    """
    first = _start(belief) if since is None else float(rational("first time", since))
    last = float(rational("last time", until))
    if last <= first:
        raise ValueError(f"The picture would run from {first:g} to {last:g}; give an end after the start.")
    times = np.linspace(first, last, POINTS)
    names = [part[0] for part in belief.parts]
    mark = None if now is None else float(rational("present", now))
    return stacked(
        times,
        layers(names, belief.weights_over(times), hues(belief)),
        width=width,
        name=name,
        now=mark,
        time=time,
        title=title,
    )


def layers(
    names: Sequence[str], shares: NDArray[np.float64], classes: Mapping[str, str] | None = None
) -> tuple[Layer, ...]:
    """An area for each rule, from the bottom up in the order given; the least of many share one, the last.

    Args:
        names: of the rules.
        shares: [rules, T].
        classes: of the hues, by name; in order when left out.
    """
    final = np.nan_to_num(shares[:, -1], nan=-1.0)
    order = sorted(range(len(names)), key=lambda place: (-final[place], place))
    kept = sorted(order[:MOST] if len(names) <= MOST else order[: MOST - 1])
    found = [
        Layer(names[rule], shares[rule], colour(place) if classes is None else classes[names[rule]])
        for place, rule in enumerate(kept)
    ]
    rest = [rule for rule in range(len(names)) if rule not in kept]
    if rest:
        found.append(Layer(f"{len(rest)} other rules", np.asarray(shares[rest].sum(axis=0)), "other"))
    return tuple(found)


def stacked(
    times: NDArray[np.float64],
    shown: Sequence[Layer],
    *,
    width: float,
    name: str,
    now: float | None = None,
    time: str = "year",
    title: str = "Weight of each rule while it has not happened",
) -> Markup:
    """The picture of such areas; times at which a share is not finite are left out, as a gap."""
    known = _known(shown)
    if not known.any():
        return sentence(
            "No weights could be computed, so there is nothing to draw.", width=width, name=name, title=title
        )
    last = int(np.flatnonzero(known)[-1])
    ends = [f"{said_percent(float(one.shares[last]))}: {one.name}" for one in shown]
    x = time_axis(time, float(times[0]), float(times[-1]))
    y = Axis("share of belief", 0.0, 100.0, form=whole_percent)
    tall = 300.0 if width >= 600 else 260.0
    box, head, bottom = layout(title, width, x, y, [], [], height=tall, beside=end_room(ends, width))
    edges = 100.0 * np.vstack([np.zeros(len(times)), np.cumsum([one.shares for one in shown], axis=0)])
    parts: list[Child] = [head, box.axes(grid=True)]
    parts += [_area(box, one, times, edges[place], edges[place + 1], known) for place, one in enumerate(shown)]
    parts.append(_present(box, now, time))
    middles = [box.y(float(edges[place, last] + edges[place + 1, last]) / 2) for place in range(len(shown))]
    names = [End(at, words, one.class_) for at, words, one in zip(middles, ends, shown, strict=True)]
    parts.append(end_names(names, x=box.right, width=width, low=box.top - 8, high=box.bottom + 2))
    return document(name, *parts, width=width, height=bottom, title=title, desc=_said(times, shown, time, known))


def _known(shown: Sequence[Layer]) -> NDArray[np.bool_]:
    """[T]: at which times every share is finite."""
    if not shown:
        return np.zeros(0, np.bool_)
    return np.asarray(np.all(np.isfinite(np.stack([one.shares for one in shown])), axis=0), np.bool_)


def _area(
    box: Box,
    layer: Layer,
    times: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    known: NDArray[np.bool_],
) -> Markup:
    """One closed outline for each stretch of times whose shares are known."""
    outlines: list[str] = []
    for stretch in np.split(np.arange(len(times)), np.flatnonzero(np.diff(known.astype(int))) + 1):
        if known[stretch[0]]:
            above = [(box.x(float(times[at])), box.y(float(high[at]))) for at in stretch]
            below = [(box.x(float(times[at])), box.y(float(low[at]))) for at in reversed(stretch)]
            outlines.append("M" + "L".join(f"{number(x)} {number(y)}" for x, y in [*above, *below]) + "Z")
    return tag("path", tag("title", layer.name), class_=f"band {layer.class_}", d="".join(outlines))


def _present(box: Box, now: float | None, time: str) -> Markup:
    """A line at the present, and which time that is."""
    if now is None or not box.x_axis.holds(now):
        return Markup("")
    at, text = box.x(now), time_text(time, now)
    late = at > (box.left + box.right) / 2
    words = label(text, at - 7 if late else at + 7, box.top + 18, class_="value haloed", anchor="end" if late else None)
    ground = path([(at, box.top), (at, box.bottom)], class_="halo")
    return group([ground, line(at, box.top - 5, at, box.bottom, class_="now", dash="6 3"), words])


def _start(belief: HyperPrior) -> float:
    return belief.start if np.isfinite(belief.start) else 0.0


def _said(times: NDArray[np.float64], shown: Sequence[Layer], time: str, known: NDArray[np.bool_]) -> str:
    first, last = (int(np.flatnonzero(known)[place]) for place in (0, -1))
    moves = "; ".join(
        f"{one.name} from {said_percent(float(one.shares[first]))} to {said_percent(float(one.shares[last]))}"
        for one in shown
    )
    start, end = (time_text(time, float(times[place])) for place in (first, last))
    return f"Shares of belief from {start} to {end}, from the bottom up: {moves}."
