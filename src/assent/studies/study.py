"""Study: one claim, where it comes from, what would show it wrong, and how it is put to the test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

Value = float | int | str | bool | None
"""What a row may hold: JSON's scalars. A number that is not finite is refused when the row is stored."""

Row = dict[str, Any]
"""One line of a study's table, by the names of its columns; every value is a `Value`."""

Score = Mapping[str, float]
"""The numbers that a verdict rests on."""

WIDE, NARROW = 880.0, 344.0
"""Widths in units of the drawing: for pages and print, and for narrow screens."""


@dataclass(frozen=True)
class Verdict:
    """What came out.

    Attributes:
        holds: whether the claim held on the whole grid.
        sentence: what was seen, in words that need no formula.
        figure: the exact figures behind it, in one line.
    """

    holds: bool
    sentence: str
    figure: str


@dataclass(frozen=True)
class Finding:
    """What a study came to, as far as a collection's answer needs it: whether its claim held, and its score."""

    holds: bool
    score: Score


@dataclass(frozen=True)
class Figure:
    """One picture: its file's name, what it shows in a sentence, and how it is drawn for a width.

    Attributes:
        name: of lower-case letters, digits and dashes.
        caption: one or two plain sentences.
        draw: from a width (drawing units) and an identifier, unique on the page, to an SVG.
    """

    name: str
    caption: str
    draw: Callable[[float, str], Markup]


@dataclass(frozen=True, kw_only=True)
class Study:
    """One claim and its test.

    Attributes:
        name: of lower-case letters, digits and dashes; what `assent study run` is given.
        title: the question, in plain words.
        claim: what should come out, precisely enough to fail.
        source: whose claim it is: author, title, year, or where it is derived.
        yardstick: which measured number is compared with what, and which outcome would show the claim wrong.
        advice: what follows for whoever designs such an agent, if the claim holds.
        grid: the cells, frozen dataclasses whose fields are JSON values.
        quick: a small part of the grid, or smaller cells, for tests.
        seeds: how many seeds each cell is run with unless told otherwise; 1 where nothing is random.
        run: the rows of a cell with a seed. They depend on nothing else.
        score: all rows to the numbers of the verdict.
        verdict: those numbers to the verdict.
        figures: all rows to the pictures.
        needs: packages outside of the light runtime.
    """

    name: str
    title: str
    claim: str
    source: str
    yardstick: str
    advice: str
    grid: tuple[Any, ...]
    quick: tuple[Any, ...]
    seeds: int
    run: Callable[[Any, int], list[Row]]
    score: Callable[[Sequence[Row]], dict[str, float]]
    verdict: Callable[[Score], Verdict]
    figures: Callable[[Sequence[Row]], tuple[Figure, ...]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A part of a collection's page: a heading, what it is about, and its studies in order."""

    heading: str
    about: str
    studies: tuple[Study, ...]


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Studies that answer one question together.

    Attributes:
        name: what `assent study run` is given.
        question: what they answer.
        about: the setting, for someone who has never heard of it.
        parts: the page's parts, in order.
        answer: from what the studies came to, by name, to the answer: a headline, and a few sentences. A claim that failed is named
            first and carries no sentence.
    """

    name: str
    question: str
    about: tuple[str, ...]
    parts: tuple[Part, ...]
    answer: Callable[[Mapping[str, Finding]], tuple[str, tuple[str, ...]]]

    @property
    def studies(self) -> tuple[Study, ...]:
        return tuple(study for part in self.parts for study in part.studies)


def cell_text(cell: Any) -> str:
    """A cell as canonical JSON: equal cells, equal text."""
    return json.dumps(asdict(cell), sort_keys=True, allow_nan=False)


def stream(seed: int, cell: Any, purpose: str = "") -> np.random.Generator:
    """Random numbers for a cell: the same for the same seed, cell and purpose, unrelated for any others.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Cell:
    ...     rate: float
    >>> a, b = stream(0, Cell(0.5)), stream(0, Cell(0.25))
    >>> bool(a.random() == b.random()), bool(stream(0, Cell(0.5)).random() == stream(0, Cell(0.5)).random())
    (False, True)
    """
    text = f"{type(cell).__qualname__} {cell_text(cell)} {purpose}"
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint32)
    return np.random.default_rng([seed, *map(int, words)])
