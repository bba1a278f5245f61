"""Verdicts on committees can fail: for each clause of each, the published rows changed so that they refute it."""

from __future__ import annotations

import math

import pytest

from assent.studies import committees as together
from assent.studies import s37_price as s37
from assent.studies.study import Row, Study
from tests.studies.refuting import Change, Where, each, holds, one, times
from tests.studies.stored import RESULTS, rows_of

COLLECTION = together.COLLECTION


def stored(study: Study) -> tuple[Row, ...]:
    return rows_of(COLLECTION.name, study.name)


def of(way: str, members: int) -> Where:
    """Rows of a way with so many members."""
    return lambda row: row["way"] == way and row["members"] == members


MANY, FEW = of("tangent-trained", s37.MEMBERS), of("tangent", s37.CHEAP)

REFUTED: list[tuple[Study, str, Change]] = [
    (s37.STUDY, "dearer than eight trainings, in one seed", one(MANY, trainings=8.1)),
    (s37.STUDY, "members half a point worse", each(MANY, member_accuracy=lambda row: row["single"] - 0.0051)),
    (s37.STUDY, "joint log-loss too high, in one seed", one(MANY, joint=times("joint", 2.0))),
    (s37.STUDY, "err more alike, in one seed", one(MANY, correlation=0.95)),
    (s37.STUDY, "wrong acts too often, in one seed", one(MANY, wrong_minimum=times("wrong_minimum", 10.0))),
    (s37.STUDY, "the cheap ones are not cheap, in one seed", one(FEW, trainings=1.51)),
    (s37.STUDY, "the cheap ones are worse", each(FEW, member_accuracy=lambda row: row["single"] - 0.0101)),
    (s37.STUDY, "the cheap ones are worth less, in one seed", one(FEW, n_eff_cap=1.0)),
]
"""For each clause of each verdict, rows that would refute it."""


@pytest.mark.parametrize(("study", "what", "change"), REFUTED, ids=[f"{s.name}: {what}" for s, what, _ in REFUTED])
def test_what_refutes_a_claim_is_a_verdict_that_it_fails(study: Study, what: str, change: Change) -> None:
    rows = stored(study)
    changed = change(rows)
    assert changed != list(rows), what
    assert holds(study, rows)
    assert not holds(study, changed), what


def test_nothing_said_of_wrong_acts_is_no_proof() -> None:
    rows = each(lambda row: True, wrong_minimum=None)(stored(s37.STUDY))
    assert not holds(s37.STUDY, rows)


def test_members_worse_in_one_seed_are_what_an_average_allows_for() -> None:
    rows = stored(s37.STUDY)
    assert holds(s37.STUDY, one(MANY, member_accuracy=lambda row: row["member_accuracy"] - 0.004)(rows))


@pytest.mark.parametrize("study", COLLECTION.studies, ids=lambda study: study.name)
def test_the_published_page_says_what_its_rows_say(study: Study) -> None:
    score = study.score(stored(study))
    assert all(isinstance(value, float) and not math.isnan(value) for value in score.values())
    page = (RESULTS / f"{COLLECTION.name}.md").read_text(encoding="utf-8")
    section = page.split(f"(study-{study.name})=")[1].split("(study-")[0]
    verdict = study.verdict(score)
    assert ("**Holds.**" if verdict.holds else "**Fails.**") in section
    assert verdict.figure in section
    assert study.claim in section
    for figure in study.figures(stored(study)):
        assert (RESULTS / COLLECTION.name / f"{study.name}-{figure.name}.svg").is_file()


def test_the_headline_is_said_only_if_it_was_shown() -> None:
    from assent.studies.study import Finding

    score = s37.STUDY.score(stored(s37.STUDY))
    held, sentences = COLLECTION.answer({"member-price": Finding(True, score)})
    failed, _ = COLLECTION.answer({"member-price": Finding(False, score)})
    assert held.startswith("Are they? Yes")
    assert sentences
    assert "not shown" in failed
