"""Colours of the report for light and dark, as CSS; a test holds them to the WCAG AA contrast ratios.

Hues follow the colour-blind-safe set of Okabe and Ito ("Color Universal Design", 2008), darkened on light ground and
lightened on dark ground until text reaches 4.5 : 1 and marks reach 3 : 1. No meaning hangs on a hue alone: lines have
dashes and names, marks have shapes, heat cells have numbers.
"""

from __future__ import annotations

Theme = dict[str, str]

LIGHT: Theme = {
    "ground": "#ffffff",
    "panel": "#f6f7f9",
    "ink": "#18202b",
    "muted": "#566171",
    "rule": "#dfe3e8",
    "other": "#848d99",
    "act": "#0b5fa8",
    "ask": "#b84a00",
    "ask-soft": "#e9a36c",
    "answer": "#007a5a",
    "bad": "#b3134b",
    "s0": "#0b5fa8",
    "s1": "#b84a00",
    "s2": "#007a5a",
    "s3": "#86409c",
    "s4": "#7d5c00",
    "s5": "#3b4552",
}
DARK: Theme = {
    "ground": "#11151b",
    "panel": "#191f27",
    "ink": "#e9edf2",
    "muted": "#a4afbc",
    "rule": "#2c343f",
    "other": "#7c8796",
    "act": "#6fb4f5",
    "ask": "#ff9d5c",
    "ask-soft": "#a6673f",
    "answer": "#4fcfa6",
    "bad": "#ff7fa3",
    "s0": "#6fb4f5",
    "s1": "#ff9d5c",
    "s2": "#4fcfa6",
    "s3": "#d59be8",
    "s4": "#e0be5e",
    "s5": "#cfd7e0",
}
HEAT = {"light": ("#f2f6fa", "#7fb0d8", "#0a3a6b"), "dark": ("#1b232d", "#2d6ea6", "#b7dcff")}
LEVELS = 11


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` in [0, 1] (WCAG 2.2, definition of relative luminance)."""
    parts = [c / 255 for c in _channels(colour)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio in [1, 21] (WCAG 2.2, definition of contrast ratio).

    >>> round(contrast("#000000", "#ffffff"), 2)
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def heat(theme: str) -> tuple[tuple[str, str], ...]:
    """`LEVELS` pairs (cell colour, text colour) from probability 0 to 1."""
    low, middle, high = (_channels(c) for c in HEAT[theme])
    pairs: list[tuple[str, str]] = []
    for level in range(LEVELS):
        part = 2 * level / (LEVELS - 1)
        start, end, mix = (low, middle, part) if part <= 1 else (middle, high, part - 1)
        cell = "#" + "".join(f"{round(a + mix * (b - a)):02x}" for a, b in zip(start, end, strict=True))
        pairs.append((cell, max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, cell))))
    return tuple(pairs)


def css() -> str:
    """The custom properties of both themes; print always uses the light one."""
    light, dark = _block("light", LIGHT), _block("dark", DARK)
    return (
        f":root{{{light}color-scheme:light dark}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        + "".join(f".h{i}{{fill:var(--h{i})}}.t{i}{{fill:var(--t{i})}}\n" for i in range(LEVELS))
    )


def _block(name: str, theme: Theme) -> str:
    cells = "".join(f"--h{i}:{cell};--t{i}:{ink};" for i, (cell, ink) in enumerate(heat(name)))
    return "".join(f"--{key}:{value};" for key, value in theme.items()) + cells
