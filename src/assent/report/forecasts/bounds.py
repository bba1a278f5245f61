"""What a deployment's clean decisions can show: upper ends for the chance of failure, by method, against how many there were."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from assent.forecast.settings import Row
from assent.report.figures.axes import Axis, Box, layout, short
from assent.report.forecasts.parts import colour, dash, place_of_names, said_percent, sentence, tick_room
from assent.report.forecasts.places import Area, End, Words, end_names, end_room, first_free
from assent.report.svg import Child, cross, document, group, line, path, tag

NAMES = {
    "semi-informative": "semi-informative",
    "jeffreys": "Jeffreys",
    "exact": "exact bound",
    "confidence-sequence": "confidence sequence",
}
"""What readers call the methods of `deployment.curves`; others go by their keys."""

MOST_FAILURES = 200


def bounds_chart(
    curves: Mapping[str, Sequence[float]],
    *,
    width: float,
    name: str,
    present: float | None = None,
    rows: Sequence[Row] = (),
    failures: Sequence[float] = (),
    title: str = "Upper ends for the chance of failure, by decisions",
) -> Markup:
    """Each method's upper end on logarithmic axes, a mark at the present number of decisions, and crosses where failures were.

    Args:
        curves: as `deployment.curves` gives them: numbers of decisions under `decisions`, and each method's upper ends by its key.
        present: unsupervised decisions so far.
        rows: what the methods say now; a dot for each that has a curve, on the curve where that was given what the row was.
        failures: numbers of the decisions that failed, counted from 1.
    """
    decisions = [float(value) for value in curves.get("decisions", ())]
    methods = [key for key in curves if key != "decisions"]
    known = [value for key in methods for value in curves[key] if _shown(value)]
    if not known or not any(_shown(value) for value in decisions):
        return sentence("There are no upper ends to draw.", width=width, name=name, title=title)
    said = [NAMES.get(key, key) for key in methods]
    aside = place_of_names(width)
    dots = {row.key: row.upper for row in rows if row.upper is not None and _shown(row.upper)}
    swatches = _swatches([] if aside else said, dots=bool(dots) and present is not None, failures=bool(failures))
    x, y = _axes(decisions, [*known, *(dots[key] for key in methods if key in dots)], present)
    tall = 320.0 if width >= 600 else 280.0
    box, head, bottom = layout(
        title, width, x, y, swatches, [], height=tall, beside=end_room(said, width) if aside else tick_room(x)
    )
    tracks = [_track(box, decisions, curves[key]) for key in methods]
    parts: list[Child] = [head, box.axes(grid=True), _failed(box, failures)]
    parts += [path(track, class_=_look(place), dash=dash(place)) for place, track in enumerate(tracks)]
    parts.append(_present(box, present, [(n, dots[key]) for n, key in enumerate(methods) if key in dots]))
    if aside:
        last = [(track, End(0.0, words, colour(n))) for n, (track, words) in enumerate(zip(tracks, said, strict=True))]
        ends = [End(at, end.name, end.class_) for track, end in last for at in _last(track)]
        parts.append(end_names(ends, x=box.right, width=width, low=box.top - 8, high=box.bottom + 2))
    words = _said(decisions, dict(zip(said, (curves[key] for key in methods), strict=True)), present, dots, failures)
    return document(name, *parts, width=width, height=bottom, title=title, desc=words)


def _swatches(named: Sequence[str], *, dots: bool, failures: bool) -> list[tuple[Markup, str]]:
    """What the legend says: of lines where they have no names beside them, of dots and of crosses where there are any."""
    found = [(line(0, 0, 20, 0, class_=_look(n), dash=dash(n)), words) for n, words in enumerate(named)]
    if dots:
        found.append((tag("circle", class_="dot ring s5", cx=10, cy=0, r=4.6), "now, by method"))
    if failures:
        found.append((cross(10, 0, 4, class_="missed"), "a decision that failed"))
    return found


def _shown(value: float) -> bool:
    """Whether a value has a place on a logarithmic axis."""
    return math.isfinite(value) and value > 0


def _look(place: int) -> str:
    return f"line {colour(place)}"


def _axes(decisions: Sequence[float], values: Sequence[float], present: float | None) -> tuple[Axis, Axis]:
    numbers = [value for value in [*decisions, *([] if present is None else [present])] if _shown(value)]
    low, high = max(min(numbers), 1.0), max([*numbers, 10.0])
    floor = 10.0 ** math.floor(math.log10(min(values)) + 1e-9)
    return Axis("decisions with a known outcome", low, max(high, 10.0 * low), log=True, form=_count), Axis(
        "upper end for the chance of failure in one decision", min(floor, 0.1), 1.0, log=True, form=_chance
    )


def _count(value: float) -> str:
    """A number of decisions as a tick has it: `10,000`, and `1e6` from a million up."""
    return short(value) if value < 1e6 else f"{value:.0e}".replace("e+0", "e").replace("e+", "e")


def _chance(value: float) -> str:
    """A chance as a tick has it: `1`, `0.1`, `0.001`, `1e-4`."""
    return short(value)


def _track(box: Box, decisions: Sequence[float], values: Sequence[float]) -> list[tuple[float, float] | None]:
    pairs = zip(decisions, values, strict=False)
    return [(box.x(at), box.y(value)) if _shown(at) and _shown(value) else None for at, value in pairs]


def _last(track: Sequence[tuple[float, float] | None]) -> list[float]:
    """Where a line ends; nothing where there is none."""
    return [point[1] for point in track if point is not None][-1:]


def _present(box: Box, present: float | None, dots: Sequence[tuple[int, float]]) -> Markup:
    """A line at the present number of decisions, what that is, and a dot for each method."""
    if present is None or not math.isfinite(present):
        return Markup("")
    at = box.x(present)
    places = [(at, box.y(value)) for _, value in dots]
    parts: list[Child] = [line(at, box.top, at, box.bottom, class_="now", dash="6 3")]
    pairs = zip(places, dots, strict=True)
    parts += [tag("circle", class_=f"dot ring {colour(n)}", cx=x, cy=y, r=4.6) for (x, y), (n, _) in pairs]
    text = f"now: {short(round(present))}"
    room = Area(box.left + 2, box.top, box.right + 12, box.bottom)
    low = [Words(text, at + side * 6, box.bottom - 12, "start" if side > 0 else "end") for side in (-1, 1)]
    words = (
        first_free(low, room=room, taken=[Area(x - 5, y - 5, x + 5, y + 5) for x, y in places])
        or low[0 if at > (box.left + box.right) / 2 else 1]
    )
    return group([*parts, words.drawn("value haloed")])


def _failed(box: Box, failures: Sequence[float]) -> Markup:
    """Crosses on the axis, one for each column of the drawing that has a failure."""
    known = sorted({round(box.x(value)) for value in failures if _shown(value)})[:MOST_FAILURES]
    return group([cross(float(at), box.bottom - 1, 4, class_="missed") for at in known])


def _said(
    decisions: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    present: float | None,
    dots: Mapping[str, float],
    failures: Sequence[float],
) -> str:
    last = ", ".join(f"{words} {said_percent(values[-1])}" for words, values in curves.items() if len(values))
    end = f"After {short(decisions[-1])} decisions: {last}."
    now = "" if present is None or not math.isfinite(present) else f" There were {short(round(present))} so far."
    said = ", ".join(f"{NAMES.get(key, key)} {said_percent(value)}" for key, value in dots.items())
    seen = f" {len(failures)} failed." if failures else ""
    return f"Upper ends for the chance of failure in one decision fall with clean ones. {end}{now}{seen}{f' Now: {said}.' if said else ''}"
