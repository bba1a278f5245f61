"""The tables that are published beside a collection's page, as rows again."""

from __future__ import annotations

import csv
import gzip
import io
import math
from functools import cache
from pathlib import Path

from assent.studies.study import Row, Study, Value

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"


@cache
def rows_of(collection: str, study: str) -> tuple[Row, ...]:
    """Every row of a study's table."""
    text = gzip.decompress((RESULTS / collection / f"{study}.csv.gz").read_bytes()).decode("utf-8")
    return tuple({name: value(field) for name, field in row.items()} for row in csv.DictReader(io.StringIO(text)))


def value(field: str) -> Value:
    """What was written as `field`: a float is written with all of its digits, None as nothing.

    >>> [value(field) for field in ("", "True", "3", "3.0", "1e-07", "state time")]
    [None, True, 3, 3.0, 1e-07, 'state time']
    """
    known: dict[str, Value] = {"": None, "True": True, "False": False}
    if field in known:
        return known[field]
    for kind in (int, float):
        try:
            return kind(field)
        except ValueError:
            continue
    return field


def page_says_what_rows_say(collection: str, study: Study) -> None:
    """The published section of a study holds its claim, and the verdict, figures and pictures of the published rows."""
    rows = rows_of(collection, study.name)
    score = study.score(rows)
    assert all(isinstance(value, float) and not math.isnan(value) for value in score.values())
    page = (RESULTS / f"{collection}.md").read_text(encoding="utf-8")
    section = page.split(f"(study-{study.name})=")[1].split("(study-")[0]
    verdict = study.verdict(score)
    assert ("**Holds.**" if verdict.holds else "**Fails.**") in section
    assert verdict.figure in section
    assert study.claim in section
    for figure in study.figures(rows):
        assert (RESULTS / collection / f"{study.name}-{figure.name}.svg").is_file()
