"""Reads pictures back: where words stand, what they cover, and which value stands at which place."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from assent.report.svg import text_width

WIDTHS = (360.0, 900.0)
SIZES = {"title": 16.0, "name": 13.0, "sentence": 13.0, "small": 10.0}
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A text and the rectangle that it covers, by the estimate that the pictures are laid out with."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def read(drawn: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawn)


def words(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.iter("text")]


def boxes(root: ElementTree.Element) -> list[Box]:
    found: list[Box] = []
    for text in root.iter("text"):
        size = next((SIZES[one] for one in str(text.get("class")).split() if one in SIZES), 12.0)
        wide, x, y = text_width(text.text or "", size), float(text.get("x", 0)), float(text.get("y", 0))
        left = x - {"end": wide, "middle": wide / 2}.get(text.get("text-anchor", ""), 0.0)
        # what small letters cover: accents and descenders may touch the next line, as in any book
        found.append(Box(text.text or "", left, y - 0.72 * size, left + wide, y + 0.1 * size))
    return found


def check(drawn: str, width: float) -> ElementTree.Element:
    """The picture as a tree, once it has words for those who cannot see it, and texts that fit and do not overlap."""
    root = read(drawn)
    title, desc = root.findtext("title"), root.findtext("desc")
    assert title
    assert desc
    assert "nan" not in re.sub(r"<(title|desc|text)[^>]*>[^<]*", "", drawn)
    _, _, right, bottom = map(float, str(root.get("viewBox")).split())
    assert right == width
    found = boxes(root)
    for box in found:
        assert box.left >= -0.5, box
        assert box.right <= width + 0.5, box
        assert box.top >= -1, box
        assert box.bottom <= bottom, box
    for one, other in itertools.combinations(found, 2):
        assert not one.meets(other), (one, other)
    return root


def values(root: ElementTree.Element, *, log: bool = False) -> Callable[[float], float]:
    """From a height in the picture to the value there, by the labels of the vertical axis (percent as shares)."""
    marks = [t for t in root.iter("text") if t.get("class") == "tick" and t.get("x") == "50"]
    return _inverse([(float(t.get("y", 0)) - 4, _number(t.text or "")) for t in marks if t.text], log=log)


def places(root: ElementTree.Element, *, log: bool = False) -> Callable[[float], float]:
    """From a place across the picture to the value there, by the labels of the horizontal axis."""
    marks = [t for t in root.iter("text") if t.get("class") == "tick" and t.get("text-anchor") == "middle"]
    return _inverse([(float(t.get("x", 0)), _number(t.text or "")) for t in marks], log=log)


def tracks(root: ElementTree.Element, class_: str) -> list[list[Point]]:
    """Corners of each path of that class, in order."""
    return [_points(p.get("d", "")) for p in root.iter("path") if p.get("class") == class_]


def circles(root: ElementTree.Element, class_: str) -> list[Point]:
    """Middles of circles of that class outside of the legend."""
    inside = {id(c) for g in root.iter("g") if g.get("transform") for c in g.iter("circle")}
    return [
        (float(c.get("cx", 0)), float(c.get("cy", 0)))
        for c in root.iter("circle")
        if class_ in str(c.get("class")).split() and id(c) not in inside
    ]


def _points(d: str) -> list[Point]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", d)]


def _number(text: str) -> float:
    return float(text.replace(",", "").removesuffix(" %")) / (100.0 if text.endswith("%") else 1.0)


def _inverse(pairs: list[tuple[float, float]], *, log: bool) -> Callable[[float], float]:
    assert len(pairs) >= 2
    (at, low), (until, high) = min(pairs), max(pairs)
    if log:
        low, high = math.log(low), math.log(high)

    def value(place: float) -> float:
        found = low + (place - at) / (until - at) * (high - low)
        return math.exp(found) if log else found

    assert np.isfinite([low, high]).all()
    return value
