"""Strings and numbers as a reader may safely see them.

The agent controls much of what an overseer reads. So every string on a page, whatever its origin, loses its terminal
escapes, control characters and invisible or direction-changing characters, and has a length limit that shows.
"""

from __future__ import annotations

import math
import re
import unicodedata

LIMIT = 240
_MARKS_IN_A_ROW = 3
_ANSI = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)?"  # OSC, with its terminator
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[PX^_][^\x1b\x9c]{0,4096}(?:\x1b\\|\x9c)?"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]?"
)


def clean(value: str, *, limit: int = LIMIT) -> str:
    """One printable line: no escapes, controls, bidi or zero-width characters; a cut says how much it hides.

    Not escaped for HTML: that is the template's and `svg.tag`'s part.

    >>> clean("safe\\x1b[31m red\\u202e")
    'safe red'
    >>> clean("abcdef", limit=4)
    'abcd… [2 more characters cut]'
    """
    head = value[: 16 * limit + 8192]
    kept = _printable(_ANSI.sub("", head))
    hidden = max(len(kept) - limit, 0) + (len(value) - len(head))
    if not hidden:
        return kept
    return f"{kept[:limit]}… [{hidden:,} more character{'s' if hidden > 1 else ''} cut]"


def _printable(value: str) -> str:
    if value.isascii() and value.isprintable():
        return value
    out: list[str] = []
    marks = 0
    for char in value:
        category = unicodedata.category(char)
        if char == "\u00a0":
            out.append(char)
        elif char in "\t\n\r" or category in ("Zl", "Zp", "Zs"):
            out.append(" ")
        elif category[0] == "C":
            continue
        elif category in ("Mn", "Me"):
            marks += 1
            if marks <= _MARKS_IN_A_ROW:  # stacked marks would paint over the lines above
                out.append(char)
            continue
        else:
            out.append(char)
        marks = 0
    return "".join(out)


def count(value: int) -> str:
    """A whole number with thousands separated: `1,234`.

    >>> count(1234)
    '1,234'
    """
    return f"{value:,}"


def plural(value: int, noun: str, many: str | None = None) -> str:
    """A counted noun.

    >>> plural(1, "question"), plural(2, "question")
    ('1 question', '2 questions')
    """
    return f"{value:,} {noun if value == 1 else many or noun + 's'}"


def share(part: int | float, whole: int | float) -> str:
    """A percentage with one decimal that never rounds something to nothing, or nearly all to all.

    >>> share(1, 3), share(1, 10_000), share(9_999, 10_000), share(0, 0)
    ('33.3 %', '< 0.1 %', '> 99.9 %', 'not recorded')
    """
    if not whole or not math.isfinite(part / whole):
        return "not recorded"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def real(value: int | float | None) -> str:
    """A number at two decimals; what is missing says so.

    >>> real(0.125), real(None), real(float("inf")), real(float("nan"))
    ('0.12', 'not recorded', 'infinite', 'not a number')
    """
    if value is None:
        return "not recorded"
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if abs(value) >= 1e9:
        return f"{value:.2e}"
    return "0.00" if round(value, 2) == 0 else f"{value:,.2f}"


def duration(seconds: int | float | None) -> str:
    """A time span in the unit that reads best.

    >>> duration(0.0042), duration(75), duration(7200), duration(None)
    ('4 ms', '1.25 min', '2.00 h', 'not recorded')
    """
    if seconds is None or not math.isfinite(seconds):
        return "not recorded"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    return f"{seconds / 60:.2f} min" if seconds < 3600 else f"{seconds / 3600:,.2f} h"
