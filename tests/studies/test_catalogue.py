"""Conformance: a small cell of every study runs, is judged, drawn, and comes out the same again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from assent.studies.catalogue import COLLECTIONS, STUDIES
from assent.studies.study import NARROW, WIDE, Row, Study, cell_text
from tests.session_support import unchecked

QUICK = {"calibration", "silence", "trust", "age"}
"""Those whose small cells take about a second; the others are marked as slow."""


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    """Planners are checked call by call in their own tests; here they are called many thousand times."""
    with unchecked():
        yield


def each() -> list[object]:
    return [pytest.param(s, id=s.name, marks=() if s.name in QUICK else pytest.mark.slow) for s in STUDIES]


def rows_of(study: Study) -> list[Row]:
    return [row for cell in study.quick for row in study.run(cell, 0)]


def test_names_are_unique_and_plain() -> None:
    names = [*(study.name for study in STUDIES), *(collection.name for collection in COLLECTIONS)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in names)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_every_study_says_what_would_show_it_wrong(study: Study) -> None:
    assert "wrong" in study.yardstick
    assert study.source
    assert study.advice.endswith(".")
    assert study.title.endswith("?")
    assert study.seeds >= 1


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_cells_are_distinct_and_json(study: Study) -> None:
    for cells in (study.grid, study.quick):
        texts = [cell_text(cell) for cell in cells]
        assert texts
        assert len(texts) == len(set(texts))


@pytest.mark.slow
@pytest.mark.parametrize("study", each())
def test_a_small_grid_is_run_judged_and_drawn(study: Study) -> None:
    rows = rows_of(study)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    for row in rows:
        assert all(value is None or isinstance(value, int | float | str) for value in row.values()), row
    score = study.score(rows)
    assert all(isinstance(value, float) and not math.isnan(value) for value in score.values()), score
    verdict = study.verdict(score)
    assert verdict.holds, f"{verdict.sentence} {verdict.figure}"
    for figure in study.figures(rows):
        for width in (WIDE, NARROW):
            ElementTree.fromstring(figure.draw(width, f"{study.name}-{figure.name}"))


@pytest.mark.parametrize("study", [study for study in STUDIES if study.name in QUICK], ids=lambda study: study.name)
def test_the_same_seed_gives_the_same_rows(study: Study) -> None:
    first, again = (study.run(study.quick[0], 3) for _ in range(2))
    assert first == again
