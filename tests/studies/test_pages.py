"""Pages of studies stand alone, say what failed, and escape what they are given."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from assent.studies.finished import Finished
from assent.studies.output import write_collection, write_study
from assent.studies.page import collection_page, glossary, study_page
from assent.studies.runner import Outcome, carry_out
from assent.studies.study import Collection, Part, Verdict
from tests.studies.toys import TOY


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    with Finished(tmp_path / "finished.db") as finished:
        return carry_out(TOY, finished)


def together() -> Collection:
    return Collection(
        name="coins",
        question="Do coins fall?",
        about=("About coins.",),
        parts=(Part("Where they fall", "On the floor.", (TOY,)),),
        answer=lambda found: (f"{found['toy'].score['heads']:.0f} heads.", ("They do.",) * found["toy"].holds),
    )


def test_a_page_loads_runs_and_links_nothing(outcome: Outcome) -> None:
    for page in (study_page(outcome), collection_page(together(), {"toy": outcome})):
        assert not re.search(r"<script|javascript:|https?://|<img|<iframe|@import|url\(['\"]?http", page)
        assert "default-src 'none'" in page
        assert "prefers-color-scheme:dark" in page
        for href in re.findall(r'href="([^"]*)"', page):
            assert href.startswith(("#", "data:,"))


def test_a_page_is_well_formed_and_its_names_are_unique(outcome: Outcome) -> None:
    page = collection_page(together(), {"toy": outcome})
    root = ElementTree.fromstring(page.removeprefix("<!doctype html>\n"))
    names = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(names) == len(set(names))
    void = {"meta", "link"}
    self_closed = set(re.findall(r"<([a-z0-9]+)[^<>]*/>", page)) - void
    # HTML knows no self-closing elements but those of SVG
    assert self_closed <= {"path", "line", "rect", "circle", "pattern", "g"}


def test_what_is_said_is_escaped(outcome: Outcome) -> None:
    page = study_page(outcome)
    assert "&lt;= 1 &amp; &gt; 0" in page
    assert "heads &amp; &lt;tails&gt;" in page
    assert "<tails>" not in page


def test_a_claim_that_fails_is_shown_as_failing(outcome: Outcome) -> None:
    failed = replace(outcome, verdict=Verdict(False, "No coin fell.", "0 heads."))
    assert "Holds. " in study_page(outcome)
    page = study_page(failed)
    assert "Fails. " in page
    assert "Holds. " not in page
    assert "0 of 1" not in study_page(failed)
    assert "They do." in collection_page(together(), {"toy": outcome})
    page = collection_page(together(), {"toy": failed})
    assert "fails</td>" in page
    assert "They do." not in page


def test_plain_words_come_first_and_letters_are_explained(outcome: Outcome) -> None:
    said = Verdict(True, "Coins fall.", "9 heads, within eps of K.")
    for page in (
        study_page(replace(outcome, verdict=said)),
        collection_page(together(), {"toy": replace(outcome, verdict=said)}),
    ):
        assert page.index("Coins fall.") < page.index("Exactly, the claim: ") < page.index("9 heads, within")
        assert "eps is how often she is wrong; K is the k at which" in page
        assert "gamma is" not in page
    assert "Letters." not in study_page(outcome)


def test_letters_are_words_of_their_own() -> None:
    assert glossary(["c* = gamma lambda", "KEEP, kept"]).count(";") == 2
    assert glossary(["|k| = 1 and eps^ = .1"]).startswith("eps^ is")
    assert glossary(["No letters: Kind, accept, epsilon."]) == ""


def test_the_command_on_the_page_is_the_one_that_was_run(outcome: Outcome) -> None:
    assert "assent study run toy --seed 0</code>" in study_page(outcome)
    assert "assent study run toy --seed 4 --quick --seeds 2</code>" in study_page(
        replace(outcome, seed=4, quick=True, seeds=2)
    )


def test_files_hold_what_came_out(outcome: Outcome, tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    results = write_study(outcome, folder)
    assert json.loads((folder / "results.json").read_text()) == results
    assert (results["holds"], results["rows"], results["score"]) == (True, 27, outcome.score)
    with (folder / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["heads"]) for row in rows] == [row["heads"] for row in outcome.rows]
    ElementTree.parse(folder / "coins.svg")
    assert (folder / "index.html").read_text() == study_page(outcome)
    write_collection(together(), {"toy": outcome}, tmp_path / "coins")
    assert "Where they fall" in (tmp_path / "coins" / "index.html").read_text()
