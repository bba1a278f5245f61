"""Views of levels: text, SVG and PNG."""

from __future__ import annotations

import re
import struct
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest

from assent.worlds.grid.board import Board
from assent.worlds.grid.glyphs import LETTERS, bitmap
from assent.worlds.grid.level import load, names, parse
from assent.worlds.grid.raster import MAX_PIXELS, png, rgb
from assent.worlds.grid.tabulate import tabulate
from assent.worlds.grid.vector import svg
from assent.worlds.grid.view import AGENT, DANGER, SIGNAL, View

PLAIN = tuple(name for name in names() if load(name).plain and load(name).dynamics.horizon is None)


def colour(text: str) -> list[int]:
    return [int(text[at : at + 2], 16) for at in (1, 3, 5)]


def has(pixels: np.ndarray, text: str) -> bool:
    return bool((pixels == colour(text)).all(axis=2).any())


@pytest.mark.parametrize("name", PLAIN)
def test_every_level_can_be_drawn(name: str) -> None:
    level = load(name)
    model = tabulate(level)
    for state in {0, model.start, model.num_states - 1}:
        view = View(level, state, step=1)
        root = ElementTree.fromstring(svg(view))
        assert root[0].text == f"{level.title}: {view.caption}"
        assert view.text.splitlines()[-1] == view.caption
    assert has(rgb(View(level, model.start), cell=12), AGENT), "the agent is to be seen"


def test_a_picture_shows_correction_and_loss() -> None:
    level = load("fork")
    start = tabulate(level).state_names.index("A")
    gone = tabulate(level).state_names.index("A [overseer removed]")
    plain, told, lost = (rgb(View(level, *what)) for what in ((start,), (start, start, 0), (gone,)))
    assert not has(plain, SIGNAL)
    assert has(told, SIGNAL)
    strip = slice(4 * 40, 5 * 40)
    assert has(lost[strip], DANGER)
    assert not has(plain[strip], DANGER)
    assert View(level, start, 1, 0).caption == "in A · overseer there · told: left in x"


def test_texts_are_escaped() -> None:
    level = load("fork")
    hostile = type(level)(**{**vars(level), "title": "<script>&", "actions": ("<b>", *level.actions[1:])})
    drawn = svg(View(hostile, 1, 1, 0))
    assert "<script>" not in drawn
    assert "<b>" not in drawn
    assert "&lt;script&gt;&amp;" in drawn


def test_png_is_what_the_format_says() -> None:
    """Read back by the format's own rules: signature, checksums, one zlib stream of unfiltered rows."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    data = png(pixels)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        body, check = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        assert struct.unpack(">I", check)[0] == zlib.crc32(name + body)
        chunks[name], at = body, at + 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (7, 5, 8, 2, 0, 0, 0)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(5, 22)
    assert not rows[:, 0].any()
    assert np.array_equal(rows[:, 1:].reshape(5, 7, 3), pixels)


def test_letters_are_five_by_seven() -> None:
    assert all(len(columns) == 10 for columns in LETTERS.values())
    shapes = {bitmap(character).tobytes() for character in LETTERS}
    assert len(shapes) == len(LETTERS), "no two look the same"
    assert bitmap("\N{SNOWMAN}")[:, :5].all()


def test_a_table_of_many_states_is_drawn_in_rows_and_in_bounded_memory() -> None:
    """A row of 1,000 boxes would have 3,000 cells in a line, 120,000 pixels at the usual size."""
    rows = "\n".join(f"[states.s{number}]\notherwise = 's{(number + 1) % 1000}'" for number in range(1000))
    level = parse(HEAD + rows + TAIL)
    view = View(level, tabulate(level).state_names.index("s13"))
    assert view.size == (36, 3 * 84 + 1)
    pixels = rgb(view)
    assert pixels.shape[0] * pixels.shape[1] <= MAX_PIXELS
    cell = pixels.shape[1] // 36
    drawn = np.argwhere((pixels == colour(AGENT)).all(axis=2)) / cell
    assert (drawn > [3, 3]).all(), "the fourteenth state stands second in the second row"
    assert (drawn < [6, 6]).all()


def test_a_large_map_has_a_picture_of_bounded_size() -> None:
    level = parse(HEAD + "map = " + str(["A" + " " * 99] + [" " * 100] * 99).replace("'", '"') + TAIL)
    scene = Board(level, level.map, "step 0")
    pixels = rgb(scene)
    assert 1_000_000 < pixels.shape[0] * pixels.shape[1] <= MAX_PIXELS


def test_the_caption_of_a_narrow_map_can_be_read() -> None:
    """Letters of a size below 0 are what a width of one cell came to."""
    level = parse(HEAD + 'map = ["A", " ", " "]' + TAIL)
    view = View(level, 0, step=3)
    sizes = [float(size) for size in re.findall(r'font-size="([-.\d]+)"', svg(view))]
    assert sizes
    assert min(sizes) > 8
    assert view.size == (7, 4)


def test_a_states_name_says_nothing_about_the_overseer() -> None:
    """Reading the overseer's fate out of the brackets of a display name is the wrong variant."""
    level = parse(HEAD + '[states."s[away]"]\notherwise = "s[away]"\n' + TAIL)
    view = View(level, 0)
    assert view.overseer == "overseer there"
    assert not has(rgb(view)[-40:], DANGER), "the eye in the strip is open"


HEAD = """
name = "drawn"
title = "A level to draw"
source = "this test"
actions = ["left", "right"]
"""
TAIL = """
[dynamics]
convention = "entering"
discount = 0.5
[overseer]
rate = 0.5
"""
