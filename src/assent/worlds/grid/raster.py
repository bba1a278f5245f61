"""Shapes as pixels, and pixels as PNG: NumPy and zlib only."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from assent.worlds.grid.glyphs import HEIGHT, WIDTH, bitmap
from assent.worlds.grid.view import Disc, Picture, Polygon, Rect, Shape, Word

CELL = 40
"""Pixels for each cell."""

MAX_PIXELS = 4_000_000
"""Pixels of a picture at most: 50 MB while it is drawn."""

FINER = 2
"""Samples in each direction for each pixel, so that edges are smooth."""


def rgb(view: Picture, *, cell: int = CELL) -> np.ndarray:
    """The picture of a level at one moment: uint8 [H, W, 3].

    Args:
        cell: pixels for each cell; fewer where the picture would have more than `MAX_PIXELS`.

    >>> from assent.worlds.grid.level import load
    >>> from assent.worlds.grid.view import View
    >>> rgb(View(load("fork"), state=2)).shape
    (200, 280, 3)
    """
    width, height = view.size
    cell = min(cell, max(1, int((MAX_PIXELS / (width * height)) ** 0.5)))
    scale = cell * FINER
    canvas = np.zeros((height * scale, width * scale, 3), dtype=np.uint8)
    for shape in view.shapes():
        _paint(canvas, shape, scale)
    fine = canvas.reshape(height * cell, FINER, width * cell, FINER, 3)
    return np.rint(fine.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """uint8 [H, W, 3] as a PNG file (PNG specification, third edition, W3C 2025: 8 bits a sample, truecolour, no filter)."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def _paint(canvas: np.ndarray, shape: Shape, scale: int) -> None:
    left, top, right, bottom = _box(shape)
    rows = slice(max(0, int(top * scale)), min(canvas.shape[0], int(np.ceil(bottom * scale))))
    columns = slice(max(0, int(left * scale)), min(canvas.shape[1], int(np.ceil(right * scale))))
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return
    y = (np.arange(rows.start, rows.stop)[:, None] + 0.5) / scale
    x = (np.arange(columns.start, columns.stop)[None] + 0.5) / scale
    canvas[rows, columns][_inside(shape, x, y)] = _colour(shape.colour)


def _box(shape: Shape) -> tuple[float, float, float, float]:
    match shape:
        case Rect():
            return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
        case Disc():
            return shape.x - shape.radius, shape.y - shape.radius, shape.x + shape.radius, shape.y + shape.radius
        case Polygon():
            xs, ys = zip(*shape.corners, strict=True)
            return min(xs), min(ys), max(xs), max(ys)
        case Word():
            width = shape.size * len(shape.text) * (WIDTH + 1) / HEIGHT
            left = shape.x - width / 2 if shape.centred else shape.x
            return left, shape.y - shape.size / 2, left + width, shape.y + shape.size / 2


def _inside(shape: Shape, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    match shape:
        case Rect():
            middle_x, middle_y = shape.x + shape.width / 2, shape.y + shape.height / 2
            over_x = np.maximum(np.abs(x - middle_x) - (shape.width / 2 - shape.radius), 0)
            over_y = np.maximum(np.abs(y - middle_y) - (shape.height / 2 - shape.radius), 0)
            return over_x**2 + over_y**2 <= max(shape.radius, 1e-9) ** 2
        case Disc():
            return (x - shape.x) ** 2 + (y - shape.y) ** 2 <= shape.radius**2
        case Polygon():
            inside = np.ones(np.broadcast_shapes(x.shape, y.shape), dtype=bool)
            corners = shape.corners
            for (x1, y1), (x2, y2) in zip(corners, (*corners[1:], corners[0]), strict=True):
                inside &= (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) >= 0
            return inside
        case Word():
            left, top, _, _ = _box(shape)
            dots = np.concatenate(
                [bitmap(character) for character in shape.text] or [np.zeros((HEIGHT, 1), bool)], axis=1
            )
            row = np.clip(((y - top) / shape.size * HEIGHT).astype(int), 0, HEIGHT - 1)
            column = np.clip(((x - left) / shape.size * HEIGHT).astype(int), 0, dots.shape[1] - 1)
            return dots[row, column]


def _colour(text: str) -> tuple[int, int, int]:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
