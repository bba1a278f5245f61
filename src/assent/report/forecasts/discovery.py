"""How many kinds of failure have been seen by each decision: a curve that flattens out when little is left to find."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from markupsafe import Markup

from assent.forecast.unseen import discovery_curve
from assent.report.figures.axes import Axis, Box, layout, short
from assent.report.forecasts.parts import sentence, tick_room
from assent.report.forecasts.places import Area, Words, first_free
from assent.report.svg import Child, bars, document, fit, group, path, tag
from assent.report.text import clean, plural

MOST_NAME = 170.0
"""Units that the name of a kind may take in the picture."""

MOST_NAMED = 40


def discovery_chart(
    failures: Sequence[tuple[float, str]],
    *,
    width: float,
    name: str,
    decisions: float,
    title: str = "Kinds of failure seen so far",
) -> Markup:
    """A step up at each decision that showed a kind of failure for the first time, with its name where there is room.

    Args:
        failures: number of the decision, counted from 1, and the kind of its failure; those without a finite number are left out.
        decisions: how many decisions there were.
    """
    known = sorted((float(at), kind) for at, kind in failures if math.isfinite(at) and at >= 0)
    missing = len(failures) - len(known)
    total = max([decisions if math.isfinite(decisions) else 0.0, *(at for at, _ in known)])
    if not known:
        seen = f"No failure was seen in {plural(round(total), 'decision')}" if total else "No decision was counted"
        lost = f" ({plural(missing, 'failure')} without a decision left out)" if missing else ""
        words = f"{seen}{lost}, so no kind of failure is known. That bounds nothing: kinds not yet seen may be there."
        return sentence(words, width=width, name=name, title=title)
    kinds = discovery_curve([kind for _, kind in known]).tolist()
    first = [place for place, seen in enumerate(kinds) if seen > (kinds[place - 1] if place else 0)]
    left_out = f" ({plural(missing, 'failure')} without one left out)" if missing else ""
    x = Axis(f"decisions with a known outcome{left_out}", 0.0, total if total > 0 else 1.0)
    y = Axis("kinds of failure seen", 0.0, max(kinds) + 1.0, form=_whole)
    swatches = [(bars([(10, -6)], 6, class_="spike"), "a failure, of any kind")]
    box, head, bottom = layout(
        title, width, x, y, swatches, [], height=260.0 if width >= 600 else 240.0, beside=tick_room(x)
    )
    points = [(0.0, 0), *((known[place][0], kinds[place]) for place in first), (total, kinds[-1])]
    steps = [(box.x(at), box.y(float(seen))) for at, seen in points]
    ticks = sorted({round(box.x(at)) for at, _ in known})
    parts: list[Child] = [
        head,
        box.axes(grid=True),
        bars([(float(at), box.bottom - 9) for at in ticks], box.bottom, class_="spike"),
        path(steps, class_="line s0", step=True),
        _named(box, [(known[place][0], float(kinds[place]), known[place][1]) for place in first], steps),
    ]
    desc = _said(known, kinds, first, total)
    return document(name, *parts, width=width, height=bottom, title=title, desc=desc)


def _whole(value: float) -> str:
    """A whole number of kinds; nothing at ticks in between."""
    return short(value) if value == round(value) else ""


def _named(box: Box, found: Sequence[tuple[float, float, str]], steps: Sequence[tuple[float, float]]) -> Markup:
    """A dot at each first sight, and the name of the kind at its left above the curve, or at its right below it."""
    room = Area(box.left + 2, box.top - 8, box.right + 10, box.bottom - 10)
    places = [(box.x(at), box.y(seen), kind) for at, seen, kind in found]
    taken = [Area(x - 4, y - 4, x + 4, y + 4) for x, y, _ in places] + _strokes(steps)
    parts: list[Child] = [tag("circle", class_="dot ring s0", cx=x, cy=y, r=4.6) for x, y, _ in places]
    for x, y, kind in places[:MOST_NAMED]:
        text = fit(clean(kind) or "(no name)", MOST_NAME, 12)
        words = first_free([Words(text, x - 7, y - 4, "end"), Words(text, x + 7, y + 15)], room=room, taken=taken)
        if words is not None:
            taken.append(words.area)
            parts.append(words.drawn("value haloed"))
    return group(parts)


def _strokes(steps: Sequence[tuple[float, float]]) -> list[Area]:
    """What the curve itself covers: its level and its upright pieces."""
    found: list[Area] = []
    for (x, y), (to_x, to_y) in itertools.pairwise(steps):
        found.append(Area(x, y - 2, to_x, y + 2))
        found.append(Area(to_x - 2, to_y, to_x + 2, y))
    return found


def _said(known: Sequence[tuple[float, str]], kinds: Sequence[int], first: Sequence[int], total: float) -> str:
    names = ", ".join(f"{clean(known[place][1], limit=60)} at {short(known[place][0])}" for place in first[:20])
    more = f" and {len(first) - 20} more" if len(first) > 20 else ""
    return (
        f"{plural(kinds[-1], 'kind')} of failure in {plural(len(known), 'failure')}, in {short(total)} decisions. "
        f"First seen: {names}{more}."
    )
