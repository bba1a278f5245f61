"""Write docs/results/NAME.md from a folder that `assent study run NAME --out FOLDER` wrote, with its pictures and full tables.

    python tools/study_results.py FOLDER [NAME]

The page holds every claim with its verdict, figures and pictures; the tables lie beside it as NAME/STUDY.csv.gz.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
from pathlib import Path
from typing import Any

from assent.studies.catalogue import COLLECTIONS
from assent.studies.page import glossary
from assent.studies.study import Collection, Finding, Study

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"


def page(collection: Collection, folder: Path) -> str:
    """The results as Markdown."""
    found = {study.name: json.loads((folder / study.name / "results.json").read_text()) for study in collection.studies}
    first = next(iter(found.values()))
    held = sum(result["holds"] for result in found.values())
    versions = ", ".join(f"{name} {version}" for name, version in first["versions"].items())
    headline, sentences = collection.answer(
        {name: Finding(result["holds"], result["score"]) for name, result in found.items()}
    )
    lines = [f"# {collection.question}", "", *(text + "\n" for text in collection.about)]
    lines += [f"**{headline}**", "", *(text + "\n" for text in sentences)]
    letters = glossary([result[what] for result in found.values() for what in ("claim", "figure")])
    lines += [f"Letters. {_text(letters)}", ""] if letters else []
    rows, seconds = (sum(result[what] for result in found.values()) for what in ("rows", "seconds"))
    lines += [
        f"Made by `assent study run {collection.name} --seed {first['seed']}` and `tools/study_results.py`: {held} of {len(found)} "
        f"claims held; {rows:,} rows, {seconds / 60:.0f} minutes of work in processes that shared two cores. {versions}.",
        "",
        "| study | claim | figures |",
        "|---|---|---|",
    ]
    lines += [
        f"| [{name}](#study-{name}) | {_word(result)} | {_cell(result['figure'])} |" for name, result in found.items()
    ]
    for part in collection.parts:
        lines += ["", f"## {part.heading}", "", part.about]
        for study in part.studies:
            lines += _section(collection, study, found[study.name])
    return "\n".join(lines) + "\n"


def _section(collection: Collection, study: Study, result: dict[str, Any]) -> list[str]:
    lines = ["", f"(study-{study.name})=", f"### {study.title}", ""]
    lines += [f"**{_word(result).capitalize()}.** {_text(result['sentence'])}", ""]
    lines += [f"Exactly, the claim: {_text(study.claim)}", "", f"Measured: {_text(result['figure'])}", ""]
    for figure in result["figures"]:
        caption = _text(figure["caption"])
        lines += [f"![{caption}]({collection.name}/{study.name}-{figure['name']}.svg)", "", f"*{caption}*", ""]
    lines += [f"For a designer. {_text(study.advice)}", ""]
    lines += [f"Yardstick: {_text(study.yardstick)}. Source: {_text(study.source)}."]
    lines += [f"Every row: `docs/results/{collection.name}/{study.name}.csv.gz`."]
    return lines


def _word(result: dict[str, Any]) -> str:
    return "holds" if result["holds"] else "fails"


def _text(words: str) -> str:
    """Without what Markdown would take for emphasis or a link."""
    return words.replace("*", r"\*").replace("[", r"\[").replace("<", "&lt;").replace("_", r"\_")


def _cell(words: str) -> str:
    return _text(words).replace("|", r"\|")


def main() -> None:
    """Write the page and what lies beside it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("name", nargs="?", default="hand-of-god")
    arguments = parser.parse_args()
    collection = next(item for item in COLLECTIONS if item.name == arguments.name)
    beside = RESULTS / collection.name
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for study in collection.studies:
        table = (arguments.folder / study.name / "rows.csv").read_bytes()
        (beside / f"{study.name}.csv.gz").write_bytes(gzip.compress(table, mtime=0))
        for picture in (arguments.folder / study.name).glob("*.svg"):
            shutil.copyfile(picture, beside / f"{study.name}-{picture.name}")
    (RESULTS / f"{collection.name}.md").write_text(page(collection, arguments.folder), encoding="utf-8")


if __name__ == "__main__":
    main()
