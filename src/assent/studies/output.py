"""Writes what a study came to: JSON, CSV, SVG and one self-contained page."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from assent.environment import environment
from assent.report.figures import standalone
from assent.studies.page import collection_page, study_page
from assent.studies.runner import Outcome
from assent.studies.study import WIDE, Collection


def write_study(outcome: Outcome, folder: Path) -> dict[str, Any]:
    """Writes `results.json`, `rows.csv`, a `NAME.svg` for each figure and `index.html`; returns the results.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results = described(outcome)
    (folder / "results.json").write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    _write_rows(outcome, folder / "rows.csv")
    for figure in outcome.study.figures(outcome.rows):
        drawing = figure.draw(WIDE, figure.name)
        (folder / f"{figure.name}.svg").write_text(standalone(drawing), encoding="utf-8")
    (folder / "index.html").write_text(study_page(outcome), encoding="utf-8")
    return results


def write_collection(collection: Collection, outcomes: dict[str, Outcome], folder: Path) -> None:
    """Writes the collection's page, beside which each study has a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(collection_page(collection, outcomes), encoding="utf-8")


def described(outcome: Outcome) -> dict[str, Any]:
    """An outcome in JSON values, without its rows."""
    study = outcome.study
    return {
        "study": study.name,
        "claim": study.claim,
        "source": study.source,
        "yardstick": study.yardstick,
        "holds": outcome.verdict.holds,
        "sentence": outcome.verdict.sentence,
        "figure": outcome.verdict.figure,
        "score": outcome.score,
        "seed": outcome.seed,
        "seeds": outcome.seeds,
        "quick": outcome.quick,
        "cells": outcome.cells,
        "rows": len(outcome.rows),
        "seconds": round(outcome.seconds, 3),
        "versions": environment(),
        "figures": [{"name": figure.name, "caption": figure.caption} for figure in study.figures(outcome.rows)],
    }


def _write_rows(outcome: Outcome, path: Path) -> None:
    columns = list(dict.fromkeys(name for row in outcome.rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(outcome.rows)
