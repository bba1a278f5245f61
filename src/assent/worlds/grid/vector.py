"""Shapes as SVG: one self-contained drawing, every text escaped."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from assent.worlds.grid.view import Disc, Picture, Polygon, Rect, Shape, Word

UNIT = 48
"""Units of the drawing for each cell."""


def svg(view: Picture) -> str:
    """The picture of a level at one moment, as an SVG document.

    >>> from assent.worlds.grid.level import load
    >>> from assent.worlds.grid.view import View
    >>> svg(View(load("fork"), state=2))[:31]
    '<svg xmlns="http://www.w3.org/2'
    """
    width, height = (UNIT * side for side in view.size)
    inside = "\n".join(map(_element, view.shapes()))
    title = escape(view.title)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    return f"{head}\n<title>{title}</title>\n{inside}\n</svg>\n"


def _element(shape: Shape) -> str:
    match shape:
        case Rect():
            place = f'x="{_n(shape.x)}" y="{_n(shape.y)}" width="{_n(shape.width)}" height="{_n(shape.height)}"'
            return f'<rect {place} rx="{_n(shape.radius)}" fill={quoteattr(shape.colour)}/>'
        case Disc():
            return (
                f'<circle cx="{_n(shape.x)}" cy="{_n(shape.y)}" r="{_n(shape.radius)}" fill={quoteattr(shape.colour)}/>'
            )
        case Polygon():
            corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in shape.corners)
            return f'<polygon points="{corners}" fill={quoteattr(shape.colour)}/>'
        case Word():
            anchor = "middle" if shape.centred else "start"
            font = f'font-family="ui-monospace, monospace" font-weight="600" font-size="{_n(1.25 * shape.size)}"'
            place = f'x="{_n(shape.x)}" y="{_n(shape.y + 0.45 * shape.size)}" text-anchor="{anchor}"'
            return f"<text {place} {font} fill={quoteattr(shape.colour)}>{escape(shape.text)}</text>"


def _n(value: float) -> str:
    return f"{UNIT * float(value):.2f}".rstrip("0").rstrip(".")
