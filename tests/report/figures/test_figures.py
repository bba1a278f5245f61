"""Pictures show what they are given: every cell in its phase, theory's line, and words for those who cannot see them."""

from __future__ import annotations

import random
import re
from functools import partial
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from assent.report.figures import (
    UNDECIDED,
    Axis,
    Line,
    Series,
    bar_chart,
    line_chart,
    phase_diagram,
    raster,
    reliability_diagram,
    share_diagram,
    short,
    standalone,
)
from assent.report.svg import text_width
from assent.studies.study import NARROW, WIDE

X, Y = Axis("x (unit)", 0.0, 1.0), Axis("y (unit)", 0.01, 100.0, log=True)
DIAGONAL = Line("theory", ((0.0, 0.01), (1.0, 100.0)))
CLASSES = ("ph keeps", "ph disables", "ph indifferent", "ph undecided-ground")


def phases(values: np.ndarray, width: float = WIDE) -> ElementTree.Element:
    drawn = phase_diagram(
        width=width, name="p", title="A title.", desc="Said.", x=X, y=Y, phases=values, lines=[DIAGONAL]
    )
    return ElementTree.fromstring(drawn)


def areas(root: ElementTree.Element) -> dict[str, float]:
    """For each class of path made of rectangles, the area that they cover, in units of the drawing."""
    found: dict[str, float] = {}
    for path in root.iter("path"):
        boxes = re.findall(r"M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)H([\d.]+)Z", path.get("d", ""))
        if boxes and path.get("class"):
            found[str(path.get("class"))] = sum(
                (float(b[2]) - float(b[0])) * (float(b[3]) - float(b[1])) for b in boxes
            )
    return found


@settings(max_examples=40)
@given(arrays.arrays(np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)))
def test_each_phase_covers_its_share_of_the_picture(values: np.ndarray) -> None:
    covered = areas(phases(values))
    whole = sum(covered.values())
    for phase, class_ in enumerate(CLASSES):
        share = float((values == phase).mean())
        # coordinates are rounded to two decimals, of some hundred units
        assert covered.get(class_, 0.0) / whole == pytest.approx(share, abs=1e-3)


def test_a_picture_upside_down_would_show() -> None:
    """The first row is the low end of y: at the bottom."""
    root = phases(np.asarray([[0], [1]]))
    tops = {
        p.get("class"): float(re.findall(r"M[\d.]+ ([\d.]+)H", p.get("d", ""))[0])
        for p in root.iter("path")
        if "ph " in (p.get("class") or "")
    }
    assert tops["ph keeps"] > tops["ph disables"]


@given(st.integers(1, 5), st.integers(1, 5), st.randoms())
def test_rows_in_any_order_become_the_same_image(tall: int, wide: int, order: random.Random) -> None:
    image = np.arange(tall * wide).reshape(tall, wide)
    rows = [{"x": 0.1 * x, "y": -y, "v": int(image[y, x])} for y in range(tall) for x in range(wide)]
    order.shuffle(rows)
    # y falls from row to row of `image`, so the first row of the raster, the lowest y, is its last
    assert (raster(rows, "x", "y", "v") == image[::-1]).all()
    assert (raster(rows, "y", "x", lambda row: 2 * row["v"]) == 2 * image.T[:, ::-1]).all()


def test_an_image_with_a_hole_or_a_cell_twice_is_refused() -> None:
    rows = [{"x": x, "y": y, "v": 1} for x in range(3) for y in range(2)]
    with pytest.raises(ValueError, match=r"1 cells have no row, the first at y = 1, x = 2"):
        raster(rows[:-1], "x", "y", "v")
    with pytest.raises(ValueError, match="Two rows have y = 0 and x = 0"):
        raster([*rows, rows[0]], "x", "y", "v")


def test_undecided_cells_are_hatched_and_named() -> None:
    text = ElementTree.tostring(phases(np.full((4, 4), UNDECIDED)), encoding="unicode")
    assert "url(#p-hatch)" in text
    assert "undecided in 16 of 16 cells" in text


def test_theory_is_drawn_and_named() -> None:
    root = phases(np.zeros((4, 4), dtype=int))
    lines = [path for path in root.iter("path") if path.get("class") == "theory"]
    assert len(lines) == 1
    assert "theory" in {text.text for text in root.iter("text")}


def test_a_line_is_lifted_outside_of_the_frame() -> None:
    line = Line("theory", ((0.1, 1.0), (0.2, 1e6), (0.3, 1.0)))
    drawn = phase_diagram(
        width=WIDE, name="p", title="T.", desc="D.", x=X, y=Y, phases=np.zeros((4, 4), dtype=int), lines=[line]
    )
    (track,) = [p.get("d", "") for p in ElementTree.fromstring(drawn).iter("path") if p.get("class") == "theory"]
    assert track.count("M") == 2
    assert "L" not in track


SERIES = [Series("a", (0.1, 0.5), (1.0, 2.0), (0.5, 1.0), (2.0, 4.0)), Series("b", (0.2,), (3.0,), band=False)]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_kind_of_picture_has_words_and_fits(width: float) -> None:
    pictures = [
        phase_diagram(
            width=width, name="a", title="T.", desc="D.", x=X, y=Y, phases=np.eye(4, dtype=int), lines=[DIAGONAL]
        ),
        share_diagram(
            width=width, name="b", title="T.", desc="D.", x=X, y=Y, shares=np.eye(4), unit="share", lines=[DIAGONAL]
        ),
        line_chart(width=width, name="c", title="T.", desc="D.", x=X, y=Y, series=SERIES, lines=[DIAGONAL]),
        bar_chart(width=width, name="d", title="T.", desc="D.", unit="share", bars=[("a", 0.5, 0.4, 0.6, "keeps")]),
        reliability_diagram(width=width, name="e", title="T.", desc="D.", bins=[(0.1, 0.2, 0.1, 0.3, 40)]),
    ]
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        title, desc = root.find("title"), root.find("desc")
        assert title is not None
        assert title.text == "T."
        assert desc is not None
        assert (desc.text or "").startswith("D.")
        assert root.get("aria-labelledby") == title.get("id")
        _, _, right, bottom = map(float, str(root.get("viewBox")).split())
        assert right == width
        for text in root.iter("text"):
            assert 0 <= float(text.get("y", 0)) <= bottom
        assert not list(root.iter("script"))


def test_a_file_of_its_own_has_its_colours() -> None:
    text = standalone(
        bar_chart(width=WIDE, name="d", title="T.", desc="D.", unit="u", bars=[("a", 0.5, 0.4, 0.6, "keeps")])
    )
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme:dark" in text
    assert ".keeps{" in text


@pytest.mark.parametrize(
    ("low", "high", "log"), [(1.0, 1.0, False), (2.0, 1.0, False), (0.0, 1.0, True), (-1.0, 1.0, True)]
)
def test_an_axis_that_is_none_is_refused(low: float, high: float, log: bool) -> None:
    with pytest.raises(ValueError, match="no axis runs"):
        Axis("x", low, high, log=log)


@given(st.floats(1e-3, 1e3), st.floats(1.01, 1e4), st.booleans(), st.integers(1, 70))
def test_centres_are_inside_and_even(low: float, ratio: float, log: bool, count: int) -> None:
    axis = Axis("x", low, low * ratio, log=log)
    parts = [axis.part(float(value)) for value in axis.centres(count)]
    assert parts == pytest.approx([(number + 0.5) / count for number in range(count)], abs=1e-6)
    assert all(low * 0.99 <= tick <= low * ratio * 1.01 for tick, _ in axis.ticks(6))


def test_numbers_are_short() -> None:
    assert [short(value) for value in (0.001, 1e-5, 1234.0, -2.0, 0.0)] == ["0.001", "1e-5", "1,234", "-2", "0"]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1))
def test_both_ends_of_an_axis_lie_on_it_and_what_is_beyond_does_not(low: float, span: float, part: float) -> None:
    axis = Axis("x", low, low + span)
    assert axis.holds(low)
    assert axis.holds(low + span)
    assert axis.holds(low + part * span)
    assert not axis.holds(low - span / 100)
    assert not axis.holds(low + span + span / 100)


def test_the_edge_of_an_axis_below_0_is_drawn() -> None:
    """A margin relative to the value, instead of the span, would move the lower end inwards."""
    axis = Axis("z", -2.5, 2.5)
    edge = Line("theory", ((-2.5, -2.5), (2.5, 2.5)))
    drawn = line_chart(width=WIDE, name="c", title="T.", desc="D.", x=axis, y=axis, series=[], lines=[edge])
    (track,) = tracks(drawn, "theory thin")
    assert track.count("L") == 1


def test_0_has_a_place_on_a_logarithmic_axis_that_says_so() -> None:
    axis = Axis("c", 0.003, 30.0, log=True, zero=True)
    assert axis.holds(0.0)
    assert axis.part(0.0) == 0.0
    assert axis.ticks(6)[0] == (0.003, "0")
    assert "0.003" not in [words for _, words in axis.ticks(6)]
    assert not Axis("c", 0.003, 30.0, log=True).holds(0.0)
    with pytest.raises(ValueError, match="zero=True is for logarithmic"):
        Axis("c", 0.0, 1.0, zero=True)


def tracks(drawn: str, class_: str) -> list[str]:
    return [p.get("d", "") for p in ElementTree.fromstring(drawn).iter("path") if p.get("class") == class_]


def test_theory_is_drawn_over_what_was_measured() -> None:
    drawn = str(line_chart(width=WIDE, name="c", title="T.", desc="D.", x=X, y=Y, series=SERIES, lines=[DIAGONAL]))
    last = drawn.rindex('class="theory thin"')
    assert last > drawn.rindex('class="line broad')
    assert last > drawn.rindex('class="dot')


def series(count: int, *, band: bool) -> list[Series]:
    return [Series(f"series {number}", (0.1, 0.9), (1.0, 1.0 + number), band=band) for number in range(count)]


@pytest.mark.parametrize(("most", "band"), [(8, True), (6, False)])
def test_more_series_than_can_be_told_apart_are_refused(most: int, band: bool) -> None:
    chart = partial(line_chart, width=WIDE, name="c", title="T.", desc="D.", x=X, y=Y)
    root = ElementTree.fromstring(chart(series=series(most, band=band)))
    marks = root.iter("line" if band else "circle")
    looks = {(mark.get("class"), mark.get("stroke-dasharray")) for mark in marks}
    assert len({look for look in looks if str(look[0]).startswith(("line broad", "dot"))}) == most
    with pytest.raises(ValueError, match="do not fit"):
        chart(series=series(most + 1, band=band))


BARS = [("a", 0.5, 0.4, 0.6, "keeps"), ("b", 0.2, 0.0, 0.0, "disables")]
KEY = [("keeps", "certified"), ("disables", "not certified")]


def test_colours_of_bars_have_a_legend() -> None:
    chart = partial(bar_chart, width=WIDE, name="d", title="T.", desc="D.", unit="share", bars=BARS)
    words = {text.text for text in ElementTree.fromstring(chart(key=KEY)).iter("text")}
    assert {"certified", "not certified"} <= words
    assert "theory" not in words
    with pytest.raises(ValueError, match="without a meaning: \\['disables'\\]"):
        chart(key=KEY[:1])


def test_bars_bear_the_mark_of_theory() -> None:
    chart = partial(bar_chart, width=WIDE, name="d", title="T.", desc="D.", unit="share", bars=BARS)
    root = ElementTree.fromstring(chart(theory=[0.8, None]))
    marks = [float(str(mark.get("x1"))) for mark in root.iter("line") if mark.get("class") == "theory"]
    ends = [float(str(bar.get("x"))) + float(str(bar.get("width"))) for bar in root.iter("rect")]
    starts = [float(str(bar.get("x"))) for bar in root.iter("rect")]
    assert len(marks) == 2  # one in the legend
    # at eight fifths of the length of a bar of .5; coordinates have two decimals
    assert marks[1] - starts[0] == pytest.approx(1.6 * (ends[0] - starts[0]), abs=0.05)
    assert "theory for a: 0.800" in str(root.findtext("desc"))
    with pytest.raises(ValueError, match="1 marks of theory for 2 bars"):
        chart(theory=[0.8])


def test_a_bar_longer_than_the_axis_stretches_it() -> None:
    chart = partial(bar_chart, width=WIDE, name="d", title="T.", desc="D.", unit="share")
    root = ElementTree.fromstring(chart(bars=[("a", 4.0, 0.0, 0.0, "keeps"), ("b", 2.0, 0.0, 0.0, "keeps")]))
    first, second = (float(str(bar.get("width"))) for bar in root.iter("rect"))
    assert first == pytest.approx(2 * second, abs=0.05)


def test_bars_that_are_all_0_are_drawn_as_none() -> None:
    chart = partial(bar_chart, width=WIDE, name="d", title="T.", desc="D.", unit="share", high=0.0)
    bars = ElementTree.fromstring(chart(bars=[("a", 0.0, 0.0, 0.0, "keeps"), ("b", 0.0, 0.0, 0.0, "keeps")])).iter(
        "rect"
    )
    assert [float(str(bar.get("width"))) for bar in bars] == [1.5, 1.5]  # the sliver that says that there is a bar


def test_the_darkest_shade_stands_for_the_highest_share() -> None:
    half = np.asarray([[0.0, 0.5]])

    def shades(high: float) -> set[str | None]:
        drawn = share_diagram(
            width=WIDE, name="b", title="T.", desc="D.", x=X, y=Y, shares=half, unit="share", high=high
        )
        return {path.get("class") for path in ElementTree.fromstring(drawn).iter("path") if path.get("shape-rendering")}

    assert shades(0.5) == {"h0", "h10"}
    assert shades(1.0) == {"h0", "h5"}
    with pytest.raises(ValueError, match=r"Shares run from 0\.0 to 0\.5"):
        shades(0.4)


@given(st.floats(-6, 3), st.floats(0.3, 14), st.booleans(), st.sampled_from([NARROW, WIDE]))
def test_labels_of_ticks_do_not_touch(low: float, decades: float, log: bool, width: float) -> None:
    """Every second or third is labelled where all would be too many."""
    axis = Axis("n", 10.0**low, 10.0 ** (low + decades), log=log)
    root = ElementTree.fromstring(line_chart(width=width, name="c", title="T", desc="D", x=axis, y=axis, series=SERIES))
    labels = [t for t in root.iter("text") if t.get("class") == "tick" and t.get("text-anchor") == "middle"]
    spans = sorted(
        (
            float(t.get("x", 0)) - text_width(t.text or "", 12) / 2,
            float(t.get("x", 0)) + text_width(t.text or "", 12) / 2,
        )
        for t in labels
    )
    assert labels
    assert all(one[1] < other[0] for one, other in pairwise(spans))
    rows = sorted(float(t.get("y", 0)) for t in root.iter("text") if t.get("class") == "tick" and t.get("x") == "50")
    assert all(other - one >= 12 for one, other in pairwise(rows))


def test_an_axis_writes_its_numbers_as_it_is_told() -> None:
    years = Axis("year", 2000.0, 2100.0, form=lambda value: f"{value:g}")
    assert years.ticks(2)[0] == (2000.0, "2000")
    assert Axis("n", 2000.0, 2100.0).ticks(2)[0] == (2000.0, "2,000")
