"""Our drawings as PNG, in the light theme, through resvg (the extra `png`); the same drawing gives the same bytes everywhere.

resvg knows neither CSS custom properties nor `@media`: a small resolver over our own style sheet puts in the light theme's colours first.
Text is set in the font that ships with the package and never in one of the machine's. Letters that it lacks (it has Latin and Greek) are
left out of the picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

from assent.report.palette import LIGHT

FAMILY = "Assent Sans"
MOST_SCALE = 16.0

_SHEET = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_VARIABLE = re.compile(r"var\(--([\w-]+)\)")
_PROPERTY = re.compile(r"--([\w-]+):([^;}]*)")
_FAMILY = re.compile(r"font-family:[^;}]*;?")


def png(svg: str, *, scale: float = 2.0) -> bytes:
    """One of our standalone SVGs as a PNG file, `scale` pixels for each unit of the drawing.

    Raises:
        ModuleNotFoundError: resvg_py is not installed.
        ValueError: no drawing with one style sheet, or a scale outside of (0, 16].

    >>> from assent.report.figures import standalone
    >>> from assent.report.svg import document, rect
    >>> drawing = document("d", rect(0, 0, 9, 9, class_="ph keeps"), width=30, height=20, title="A square", desc="It is blue.")
    >>> png(standalone(drawing))[:4]
    b'\\x89PNG'
    """
    if not 0 < scale <= MOST_SCALE:
        raise ValueError(f"The scale is {scale}; it must lie above 0 and at most at {MOST_SCALE:g} pixels a unit.")
    plain = resolved(svg)
    try:
        import resvg_py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "PNG needs resvg_py: pip install 'assent[png]'; SVG needs nothing.", name="resvg_py"
        ) from error
    with resources.as_file(resources.files("assent.report").joinpath("fonts/AssentSans.ttf")) as font:
        return resvg_py.svg_to_bytes(
            svg_string=plain,
            background=LIGHT["ground"],
            zoom=scale,
            skip_system_fonts=True,
            font_files=[str(font)],
            font_family=FAMILY,
            sans_serif_family=FAMILY,
        )


def resolved(svg: str) -> str:
    """The drawing with plain colours: the light theme's values in place of `var(--name)`, no `@media`, and one font.

    Raises:
        ValueError: the drawing has no style sheet of its own, or several, or uses a colour that it does not define.
    """
    sheets = _SHEET.findall(svg)
    if len(sheets) != 1:
        raise ValueError(
            f"The drawing has {len(sheets)} style sheets; give one that `standalone` has made into a file."
        )
    rules = [
        (selectors.strip(), body) for selectors, body in _rules(sheets[0]) if not selectors.lstrip().startswith("@")
    ]
    values = {name: value for where, body in rules if where == ":root" for name, value in _PROPERTY.findall(body)}
    kept: list[str] = []
    for selectors, body in rules:
        plain = ",".join(one for one in selectors.split(",") if ":" not in one)  # states and :not(…) are the browser's
        if plain:
            kept.append(f"{plain}{{{_FAMILY.sub('', _VARIABLE.sub(lambda found: _value(found[1], values), body))}}}")
    sheet = "\n".join([*kept, f'text{{font-family:"{FAMILY}"}}'])
    return _SHEET.sub(lambda _: f"<style>{sheet}</style>", svg)


def _value(name: str, values: dict[str, str]) -> str:
    if name not in values:
        raise ValueError(f"The style sheet uses the colour --{name} and does not define it; define it in `palette`.")
    return values[name]


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Pairs of selectors and what stands in their braces, in order; braces inside of it belong to it."""
    at = 0
    while (opened := sheet.find("{", at)) >= 0:
        depth, end = 1, opened + 1
        while depth and end < len(sheet):
            depth += {"{": 1, "}": -1}.get(sheet[end], 0)
            end += 1
        yield sheet[at:opened], sheet[opened + 1 : end - 1]
        at = end
