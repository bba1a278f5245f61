"""A drawing as a file of its own: with its style sheet, colours for light and dark, a ground and a margin."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from assent.report.figures.axes import STYLE
from assent.report.palette import css

MARGIN = 12
"""Units around a drawing that is a file of its own."""

_ALONE = "svg{font-family:system-ui,sans-serif;background:var(--ground)}"


def standalone(drawing: str, *, style: str = STYLE) -> str:
    """A drawing as a file of its own: with its colours for light and dark, and a ground.

    Args:
        drawing: an `<svg>` with a viewBox, as `svg.document` makes it.
        style: rules for the classes that the style sheet of the report does not have.
    """
    sheet = css() + report_style() + style + _ALONE
    opened = str(drawing).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)  # a Markup would escape it
    head, _, rest = opened.partition(">")
    left, top, right, bottom = (float(end) for end in re.findall(r'viewBox="([^"]*)"', head)[0].split())
    room = f'viewBox="{left - MARGIN:g} {top - MARGIN:g} {right + 2 * MARGIN:g} {bottom + 2 * MARGIN:g}"'
    head = re.sub(r'viewBox="[^"]*"', room, head)
    return f"{head}><style>{sheet}</style>{rest}\n"


@cache
def report_style() -> str:
    """The style sheet of the report, which drawings and pages of studies share."""
    return resources.files("assent.report").joinpath("templates/report.css").read_text(encoding="utf-8")
