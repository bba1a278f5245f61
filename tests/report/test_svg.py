"""Laws of the drawing parts, the palette and the text cleaner."""

import math
import unicodedata
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.report import palette, svg
from assent.report.heat import picture
from assent.report.text import clean, share
from tests.report.reading import NASTY, texts

finite = st.floats(-1e6, 1e6)


@given(texts, texts)
def test_an_element_is_well_formed_whatever_it_holds(inside: str, value: str) -> None:
    element = ElementTree.fromstring(svg.tag("text", inside, class_=value))
    assert len(element) == 0
    assert element.text == (clean(inside) or None)


@given(st.text())
def test_clean_text_is_one_printable_line_and_stays_clean(value: str) -> None:
    once = clean(value)
    assert clean(once, limit=10_000) == once
    assert all(unicodedata.category(c)[0] != "C" for c in once)
    assert not set("\n\r\t\u2028\u2029") & set(once)


@pytest.mark.parametrize("nasty", NASTY)
def test_clean_text_is_short_and_says_what_it_cut(nasty: str) -> None:
    shown = clean(nasty, limit=100)
    assert len(shown) <= 100 + len("… [4,900 more characters cut]")
    assert ("more character" in shown) == (len(nasty) > 200)


def test_terminal_escapes_go_with_what_they_carry() -> None:
    assert clean("a\x1b[31mb\x1b[0m\x1b]0;title\x07c\x9b2Jd\x1bPq\x1b\\e") == "abcde"


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_share_never_hides_a_remainder(part: int, whole: int) -> None:
    part = min(part, whole)
    shown = share(part, whole)
    assert (shown == "0.0 %") == (part == 0)
    assert (shown == "100.0 %") == (part == whole)


@given(finite)
def test_coordinates_are_short_and_close(value: float) -> None:
    shown = svg.number(value)
    # Two decimals: off by at most half of 0.01, and the rounding of a float near 1e6.
    assert abs(float(shown) - value) <= 0.005 + 1e-9
    assert len(shown.partition(".")[2]) <= 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_coordinate_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        svg.number(value)


@given(finite, st.floats(1e-3, 1e6), st.integers(2, 10), st.booleans())
def test_ticks_are_inside_and_even(low: float, span: float, about: int, whole: bool) -> None:
    values = svg.ticks(low, low + span, about=about, whole=whole)
    slack = 1e-6 * max(abs(low), span, 1)
    assert all(low - slack <= v <= low + span + slack for v in values)
    assert len(values) <= about + 1
    gaps = [b - a for a, b in pairwise(values)]
    assert all(abs(gap - gaps[0]) <= slack for gap in gaps)
    assert not whole or all(v == round(v) for v in values)


@given(st.lists(st.one_of(st.none(), st.tuples(finite, finite)), max_size=12), st.booleans())
def test_a_line_lifts_its_pen_at_every_gap(points: list[tuple[float, float] | None], step: bool) -> None:
    drawn = str(svg.path(points, class_="line", step=step))
    strokes = sum(p is not None and (i == 0 or points[i - 1] is None) for i, p in enumerate(points))
    assert drawn.count("M") == strokes


@given(finite, st.floats(), st.floats())
def test_a_frame_keeps_everything_inside(value: float, low: float, high: float) -> None:
    low, high = (v if math.isfinite(v) and abs(v) < 1e9 else 0.0 for v in (low, high))
    frame = svg.Frame(left=10, top=20, right=110, bottom=220, x_min=low, x_max=high, y_min=low, y_max=high)
    assert 10 <= frame.x(value) <= 110
    assert 20 <= frame.y(value) <= 220


@given(texts, st.floats(0, 400), st.floats(6, 30))
def test_fitted_text_fits(value: str, width: float, size: float) -> None:
    shown = svg.fit(value, width, size)
    assert shown == "…" or svg.text_width(shown, size) <= width


def test_a_picture_has_one_cell_for_each_value() -> None:
    drawn = ElementTree.fromstring(picture([[0.0, 1.0], [0.5, math.nan]], name="p", words="four"))
    fills = [cell.get("fill") for cell in drawn.iter("rect")]
    assert fills == ["#000000", "#ffffff", "#808080", None]


@pytest.mark.parametrize("theme", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_colours_reach_the_contrast_of_wcag_aa(theme: palette.Theme) -> None:
    """Text 4.5 : 1 (criterion 1.4.3), marks 3 : 1 (criterion 1.4.11), on each ground they stand on."""
    words = ["ink", "muted", "act", "ask", "answer", "bad", *(f"s{i}" for i in range(6))]
    for name in words:
        for ground in ("ground", "panel"):
            assert palette.contrast(theme[name], theme[ground]) >= 4.5, (name, ground)
    assert palette.contrast(theme["other"], theme["ground"]) >= 3
    for filled in ("act", "bad"):
        assert palette.contrast(theme["ground"], theme[filled]) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
def test_numbers_in_heat_cells_can_be_read(name: str) -> None:
    cells = palette.heat(name)
    assert all(palette.contrast(cell, ink) >= 4.5 for cell, ink in cells)
    muted = (palette.LIGHT if name == "light" else palette.DARK)["muted"]
    assert palette.contrast(cells[0][0], muted) >= 4.5
    order = [palette.luminance(cell) for cell, _ in cells]
    assert order == sorted(order, reverse=name == "light")


def test_the_contrast_test_can_fail() -> None:
    """The wrong variant: the original orange of Okabe and Ito as text on white."""
    assert palette.contrast("#e69f00", palette.LIGHT["ground"]) < 4.5
