"""What the pictures of forecasts share: their style, their axes, and a sentence where there is nothing to draw."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from markupsafe import Markup

from assent.forecast.hyperprior import HyperPrior
from assent.forecast.rules import Impossible
from assent.report import figures
from assent.report.figures.axes import FONT, Axis, headed, short, split_words
from assent.report.svg import DASHES, document, group, label, text_width

COLOURS = 6
"""How many hues the palette has for series."""

LEAST_WIDE = 600.0
"""Drawings at least so wide have names beside lines; narrower ones have a legend above."""

STYLE = """
.line.all{stroke-width:3.6}
.line.thin{stroke-width:1.5}
.guide{stroke:var(--other);stroke-width:1}
.now{stroke:var(--ink);stroke-width:1.4}
.dot.ring{stroke:var(--ground);stroke-width:1.6}
.haloed{paint-order:stroke;stroke:var(--ground);stroke-width:4;stroke-linejoin:round}
.band{stroke:var(--ground);stroke-width:1.4;stroke-linejoin:round;fill-opacity:.72}
.band.s0{fill:var(--s0)}.band.s1{fill:var(--s1)}.band.s2{fill:var(--s2)}
.band.s3{fill:var(--s3)}.band.s4{fill:var(--s4)}.band.s5{fill:var(--s5)}.band.other{fill:var(--other)}
.swing{stroke:var(--s0);stroke-width:1.2}
.swing.low{fill:var(--ground)}
.swing.high{fill:var(--s0)}
.sentence{fill:var(--muted);font-size:13px}
"""


def standalone(drawing: str) -> str:
    """A picture of a forecast as a file of its own: with its colours for light and dark, and a ground."""
    return figures.standalone(drawing, style=figures.STYLE + STYLE)


def sentence(words: str, *, width: float, name: str, title: str) -> Markup:
    """A picture without data: its title, and a sentence that says what is missing."""
    head, top = headed(title, width)
    lines = split_words(words, width, 13)
    said = group([label(text, 0, top + 18 + 18 * place, class_="sentence") for place, text in enumerate(lines)])
    return document(name, head, said, width=width, height=top + 18 * len(lines) + 12, title=title, desc=words)


def time_axis(time: str, low: float, high: float) -> Axis:
    """A linear axis of time; years are written without thousands separators."""
    return Axis(time, low, high if high > low else low + 1.0, form=year if time == "year" else short)


def percent_axis(title: str, values: Sequence[float]) -> Axis:
    """An axis from 0 % to a round number above the greatest finite probability; data are in percent, tiny ticks in shares."""
    greatest = 100.0 * max((value for value in values if math.isfinite(value)), default=1.0)
    high = round_above(greatest, most=100.0)
    return Axis(title, 0.0, high, form=whole_percent if high >= 0.01 else share)


def share(value: float) -> str:
    """A number of percent as a share of 1, which is shorter where it is tiny.

    >>> share(2e-5)
    '2e-7'
    """
    return short(value / 100.0)


def round_above(value: float, *, most: float = math.inf) -> float:
    """The least of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten that leaves a little room above the value.

    >>> round_above(42.2), round_above(0.8), round_above(97.0, most=100.0)
    (50.0, 1.0, 100.0)
    """
    if value <= 0:
        return min(1.0, most)
    aim = 1.04 * value
    power = 10.0 ** math.floor(math.log10(aim))
    found = next(step * power for step in (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0) if step * power >= aim)
    return min(round(found, 12), most)


def year(value: float) -> str:
    """A year, `2036`, or a number near one, `2036.5`.

    >>> year(2036.0), year(-5000.0), year(2036.5)
    ('2036', '-5000', '2036.5')
    """
    return f"{round(value, 2):.10g}"


def time_text(time: str, value: float) -> str:
    """A point in time for reading: a year as it is, a count with thousands separated."""
    return year(value) if time == "year" else short(value)


def whole_percent(value: float) -> str:
    """A number of percent with its sign.

    >>> whole_percent(20.0), whole_percent(0.05)
    ('20 %', '0.05 %')
    """
    return f"{short(value)} %"


def said_percent(value: float) -> str:
    """A probability in percent at two significant digits, short enough for a label; what is not finite says so.

    >>> said_percent(0.0422), said_percent(0.99999), said_percent(float("nan"))
    ('4.2 %', '>99.9 %', 'no number')
    """
    return f"{two_digits(value)} %" if math.isfinite(value) else "no number"


def two_digits(value: float) -> str:
    """A probability in percent at two significant digits, without the sign; near 1 at one decimal, and never rounded to it.

    >>> two_digits(0.0422), two_digits(0.24), two_digits(0.00053), two_digits(0.996), two_digits(0.99999), two_digits(3e-7)
    ('4.2', '24', '0.053', '99.6', '>99.9', '3e-5')
    """
    if 0.995 <= value < 1:
        return f"{100 * value:.1f}" if value < 0.9995 else ">99.9"
    digits = f"{100 * value:.3g}" if value >= 1 else f"{100 * value:.2g}"
    head, mark, power = digits.partition("e")
    return f"{head}e{int(power)}" if mark else digits


def tick_room(axis: Axis) -> float:
    """Room beside a plot area for half of the widest label at the horizontal axis's ticks."""
    return max([12.0, *(text_width(words, FONT) / 2 + 2 for _, words in axis.ticks(6))])


def colour(place: int) -> str:
    """Class of the hue of a series."""
    return f"s{place % COLOURS}"


def hues(belief: HyperPrior) -> dict[str, str]:
    """Class of the hue of each rule, the same in every picture: grey for what never happens; `s0` is left for all together.

    >>> from assent.forecast import Impossible, BetaPrior, Calendar, Rule
    >>> hues(HyperPrior({"never": (Impossible(), "1/2"), "years": (Rule(BetaPrior("1/300"), Calendar(1956)), "1/2")}))
    {'never': 'other', 'years': 's1'}
    """
    count = itertools.count()
    return {
        name: "other" if isinstance(rule, Impossible) else colour(1 + next(count) % (COLOURS - 1))
        for name, rule, _ in belief.parts
    }


def dash(place: int) -> str:
    """Dashes of a series; the first has none."""
    return DASHES[place % len(DASHES)]


def place_of_names(width: float) -> bool:
    """Whether names stand beside the ends of lines, and not in a legend above."""
    return width >= LEAST_WIDE
