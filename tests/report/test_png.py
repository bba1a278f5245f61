"""PNGs of our drawings: their size, their colours, their words, and the same bytes wherever they are made."""

from __future__ import annotations

import re
import struct
import sys
import zlib
from importlib import resources

import numpy as np
import pytest

from assent.forecast.kinds import calendar
from assent.report import palette
from assent.report.figures import Axis, Series, line_chart
from assent.report.figures import standalone as figure_file
from assent.report.forecasts import fan_chart, heat_map, standalone
from assent.report.png import FAMILY, png, resolved
from assent.report.svg import document, label

FONT = resources.files("assent.report").joinpath("fonts/AssentSans.ttf")


def pixels(data: bytes) -> np.ndarray:
    """[H, W, 4] of an 8-bit RGBA file, unfiltered as the PNG specification says (third edition, W3C 2025, section 9)."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert (depth, kind) == (8, 6)
    while at < len(data):
        (length,), name = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        packed += data[at + 8 : at + 8 + length] if name == b"IDAT" else b""
        at += length + 12
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 4 * width).astype(np.int64)
    found = np.zeros((height + 1, width + 1, 4), np.int64)
    for row, line in enumerate(lines):
        for column, value in enumerate(line[1:].reshape(width, 4)):
            left, above, corner = found[row + 1, column], found[row, column + 1], found[row, column]
            found[row + 1, column + 1] = (value + _guess(int(line[0]), left, above, corner)) % 256
    return found[1:, 1:].astype(np.uint8)


def _guess(kind: int, left: np.ndarray, above: np.ndarray, corner: np.ndarray) -> np.ndarray:
    if kind == 4:
        near = [np.abs(left + above - corner - one) for one in (left, above, corner)]
        return np.where((near[0] <= near[1]) & (near[0] <= near[2]), left, np.where(near[1] <= near[2], above, corner))
    return (np.zeros(4, np.int64), left, above, (left + above) // 2)[kind]


def colours(data: bytes) -> set[str]:
    return {"#" + bytes(one[:3]).hex() for one in np.unique(pixels(data).reshape(-1, 4), axis=0)}


def words_only(text: str) -> str:
    return figure_file(document("w", label(text, 4, 20), width=60, height=30, title="T", desc="D"))


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_picture_has_its_size_and_is_not_blank(scale: float) -> None:
    drawing = standalone(fan_chart(calendar(ftp="1/300"), width=360.0, name="f", by=(2036,), none_by=2020))
    _, _, wide, tall = map(float, re.findall(r'viewBox="([^"]*)"', drawing)[0].split())
    data = png(drawing, scale=scale)
    assert struct.unpack(">II", data[16:24]) == pytest.approx((wide * scale, tall * scale), abs=1)
    assert data == png(drawing, scale=scale)


def test_colours_are_those_of_the_light_theme() -> None:
    x, y = Axis("x", 0.0, 1.0), Axis("y", 0.0, 1.0)
    series = [Series("a", (0.0, 1.0), (0.5, 0.5)), Series("b", (0.0, 1.0), (0.2, 0.2))]
    drawing = line_chart(width=200.0, name="c", title="T", desc="D", x=x, y=y, series=series)
    found = colours(png(figure_file(drawing), scale=1.0))
    assert {palette.LIGHT[name] for name in ("ground", "s0", "s1")} <= found
    assert not {palette.DARK[name] for name in ("ground", "s0", "s1")} & found


def test_cells_of_a_heat_map_have_the_light_shades() -> None:
    found = colours(png(standalone(heat_map(none_by=2020, by=2036, width=360.0, name="h")), scale=1.0))
    assert {ground for ground, _ in palette.heat("light")} <= found


@pytest.mark.parametrize("text", ["Aa", "09", "–—…", "×≤≥±", "·°%", "αβγ", "Ł é", "½ →"])
def test_words_are_there_without_a_font_of_the_machine(text: str) -> None:
    with_words, without = pixels(png(words_only(text), scale=1.0)), pixels(png(words_only(""), scale=1.0))
    assert (without == 255).all()
    ink = (with_words != 255).any(axis=2)
    assert ink.sum() > 10
    assert ink[12 + 5 : 12 + 24].sum() == ink.sum()  # about the base line at 20, in a margin of 12
    assert not np.array_equal(with_words, pixels(png(words_only("\u4e2d" * len(text)), scale=1.0)))


def test_every_custom_property_is_resolved_and_only_light_remains() -> None:
    plain = resolved(standalone(fan_chart(calendar(ftp="1/300"), width=360.0, name="f", none_by=2020)))
    assert "var(" not in plain
    assert "@media" not in plain
    assert ":root" not in plain
    assert f".s0{{stroke:{palette.LIGHT['s0']}}}" in plain
    assert palette.DARK["s0"] not in plain
    assert re.findall(r"font-family:([^;}]*)", plain) == [f'"{FAMILY}"']


def test_a_drawing_that_is_no_file_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="has 0 style sheets; give one that `standalone`"):
        png(str(document("w", width=9, height=9, title="T", desc="D")))
    with pytest.raises(ValueError, match="uses the colour --ochre and does not define it"):
        png(figure_file(document("w", width=9, height=9, title="T", desc="D"), style=".x{fill:var(--ochre)}"))


@pytest.mark.parametrize("scale", [0.0, -1.0, 17.0, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="it must lie above 0"):
        png(words_only("a"), scale=scale)


def test_without_the_extra_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(
        ModuleNotFoundError, match=re.escape("PNG needs resvg_py: pip install 'assent[png]'; SVG needs nothing.")
    ):
        png(words_only("a"))


def test_the_font_is_small_renamed_and_has_its_licence_beside_it() -> None:
    data = FONT.read_bytes()
    assert len(data) <= 150_000
    names = _names(data)
    assert names[1] == names[4] == FAMILY
    for key in (1, 3, 4, 6, 16, 17):  # what the licence forbids in names of modified versions
        assert not re.search("bitstream|vera|arev|tavmjong", names.get(key, ""), re.IGNORECASE)
    licence = resources.files("assent.report").joinpath("fonts/LICENSE-AssentSans.txt").read_text(encoding="utf-8")
    assert names[13].split() == licence.split()[-len(names[13].split()) :]
    assert all(line.strip() in licence for line in names[0].splitlines() if "Copyright" in line)


def _names(font: bytes) -> dict[int, str]:
    """The name table of a TrueType font, as its platform 3 has it (OpenType 1.9, "name")."""
    count = struct.unpack(">H", font[4:6])[0]
    tables = {
        font[12 + 16 * n : 16 + 16 * n]: struct.unpack(">II", font[20 + 16 * n : 28 + 16 * n]) for n in range(count)
    }
    start, _ = tables[b"name"]
    records, texts = struct.unpack(">HH", font[start + 2 : start + 6])
    found: dict[int, str] = {}
    for n in range(records):
        platform, _, _, key, length, offset = struct.unpack(">6H", font[start + 6 + 12 * n : start + 18 + 12 * n])
        if platform == 3:
            at = start + texts + offset
            found[key] = font[at : at + length].decode("utf-16-be")
    return found
