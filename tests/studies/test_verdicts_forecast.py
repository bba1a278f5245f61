"""Verdicts on forecasts can fail: for each clause of each, the published rows changed so that they refute it."""

from __future__ import annotations

import math

import pytest

from assent.studies import forecasts as together
from assent.studies import s33_first_failure as s33
from assent.studies import s34_calibrated as s34
from assent.studies import s35_watched_bounds as s35
from assent.studies import s36_tail as s36
from assent.studies.deployments import WORLDS
from assent.studies.saying import Answering
from assent.studies.study import Finding, Row, Study
from tests.studies.refuting import Change, Where, each, holds, one
from tests.studies.stored import page_says_what_rows_say, rows_of

COLLECTION = together.COLLECTION
EXACT, JEFFREYS, CLOPPER, SEQUENCE = s35.METHODS


def stored(study: Study) -> tuple[Row, ...]:
    return rows_of(COLLECTION.name, study.name)


def at(**values: object) -> Where:
    """Rows that have these values."""
    return lambda row: all(row[name] == value for name, value in values.items())


def nearly_right(row: Row) -> float:
    """What somebody says who almost knows what will happen."""
    return 0.999 if row["happened"] else 0.001


def plain(location: float) -> Where:
    return at(location=location, mode_share=0.0)


def with_a_mode(row: Row) -> bool:
    """Of queries with a mode that most evaluations meet."""
    return row["mode_share"] >= 1e-3


CHANCES = [cell.chance for cell in s35.GRID]
PLAIN = [cell.location for cell in s36.GRID if cell.mode_share == 0]

REFUTED: list[tuple[Study, str, Change]] = [
    *(
        (s33.STUDY, f"{world}: {other} says it better", each(at(world=world), **{f"said_{other}": nearly_right}))
        for world in WORLDS
        for other in ("Laplace", "no risk")
    ),
    *(
        (
            s33.STUDY,
            f"{world}: the exact bound breaks its word",
            each(lambda row, world=world: row["world"] == world and row["deployment"] <= 20, exact_wrong=True),
        )
        for world in WORLDS
    ),
    (s34.STUDY, "a bin of each prior is off, upwards", each(at(bin=9), happened=lambda row: row["deployments"])),
    (s34.STUDY, "a bin of each prior is off, downwards", each(at(bin=15), happened=0)),
    *(
        (s35.STUDY, f"{name} is wrong too often, chance {chance:g}", one(at(method=name, chance=chance), wrong=1_100))
        for name in (EXACT, SEQUENCE)
        for chance in CHANCES
    ),
    (s35.STUDY, "Jeffreys' is as good as its word", each(at(method=JEFFREYS), wrong=1_000)),
    (s35.STUDY, "Jeffreys' is wrong less often than it must", one(at(method=JEFFREYS, chance=1e-3), wrong=2_700)),
    (s35.STUDY, "Jeffreys' is wrong more often than it must", one(at(method=JEFFREYS, chance=1e-3), wrong=3_150)),
    (s35.STUDY, "Clopper and Pearson's is as good as its word", each(at(method=CLOPPER), wrong=1_000)),
    *(
        (s36.STUDY, f"{what}, scores at {location:g}", one(plain(location), **changes))
        for location in PLAIN
        for what, changes in (
            ("far from the truth", {"median_error": 0.26}),
            ("too low too often", {"too_low": 0.37}),
            ("a caution where nothing is hidden", {"caution": 0.11}),
        )
    ),
    (s36.STUDY, "a mode that was met is not noticed", one(with_a_mode, caution=0.49)),
]
"""For each clause of each verdict, rows that would refute it."""


@pytest.mark.parametrize(("study", "what", "change"), REFUTED, ids=[f"{s.name}: {what}" for s, what, _ in REFUTED])
def test_what_refutes_a_claim_is_a_verdict_that_it_fails(study: Study, what: str, change: Change) -> None:
    rows = stored(study)
    changed = change(rows)
    assert changed != list(rows), what
    assert holds(study, rows)
    assert not holds(study, changed), what


def test_two_bins_beyond_three_errors_are_what_chance_allows_and_three_are_not() -> None:
    """Of 80 bins, each beyond three standard errors with chance 0.0027, more than two are with chance 0.0014 (binomial tail)."""
    rows = stored(s34.STUDY)
    assert s34.score(rows)["bins"] == 80
    for ftps, expected in ((["1/300", "1/100"], True), (["1/300", "1/100", "1/2"], False)):
        change = each(lambda row, ftps=ftps: row["bin"] == 9 and row["ftp"] in ftps, happened=0)
        changed = change(rows)
        assert s34.score(changed)["beyond"] == len(ftps)
        assert holds(s34.STUDY, changed) is expected
    p = math.erfc(3 / math.sqrt(2))
    more_than_two = 1 - sum(math.comb(80, k) * p**k * (1 - p) ** (80 - k) for k in range(3))
    assert more_than_two == pytest.approx(0.0014, abs=0.0002)


def test_a_bound_is_wrong_a_little_too_often_only_if_chance_cannot_explain_it() -> None:
    """1,060 of 20,000 is 5.3 %, two standard errors above 5 %: Wilson's lower end lies at 5.0 %. 1,070 lie beyond."""
    rows = stored(s35.STUDY)
    for wrong, expected in ((1_060, True), (1_070, False)):
        assert holds(s35.STUDY, one(at(method=EXACT, chance=1e-2), wrong=wrong)(rows)) is expected


def test_what_jeffreys_must_be_wrong_in_is_computed_from_where_it_passes_the_truth() -> None:
    """The bound passes 1/1000 with the 1,920th clean decision; with one decision fewer it does not."""
    from assent.forecast.bounds import jeffreys_upper

    assert jeffreys_upper(1920.0, 0, delta=s35.DELTA) < 1e-3 <= jeffreys_upper(1919.0, 0, delta=s35.DELTA)


@pytest.mark.parametrize("study", COLLECTION.studies, ids=lambda study: study.name)
def test_the_published_page_says_what_its_rows_say(study: Study) -> None:
    page_says_what_rows_say(COLLECTION.name, study)


def test_the_published_rows_are_those_of_the_whole_grid() -> None:
    assert len(stored(s33.STUDY)) == sum(cell.deployments for cell in s33.GRID)
    assert {row["world"] for row in stored(s33.STUDY)} == set(WORLDS)
    assert len(stored(s34.STUDY)) == s34.BINS * len(s34.GRID)
    assert {(row["chance"], row["method"]) for row in stored(s35.STUDY)} == {
        (cell.chance, name) for cell in s35.GRID for name in s35.METHODS
    }
    assert [(row["location"], row["mode_share"]) for row in stored(s36.STUDY)] == [
        (cell.location, cell.mode_share) for cell in s36.GRID
    ]


def test_a_failed_study_is_named_first_and_carries_no_sentence() -> None:
    answering = COLLECTION.answer
    assert isinstance(answering, Answering)
    found = {study.name: Finding(True, study.score(stored(study))) for study in COLLECTION.studies}
    headline, sentences = answering(found)
    assert headline.startswith("Can one? Yes, better than the usual answers")
    assert len(sentences) == len(found) + 1
    said = {item.needs: item.words for _, part in answering.paragraphs for item in part}
    advice = {item.needs: item.words for item in answering.advice}
    assert set(said) == {(name,) for name in found}
    for name in found:
        headline, fewer = answering({**found, name: Finding(False, found[name].score)})
        assert headline.startswith(f"1 of 4 claims failed: {name}. ")
        assert ("Yes" in headline) is (name != "first-failure")
        scores = {name: found[name].score}
        assert said[name,](scores) in sentences
        assert said[name,](scores) not in fewer
        if (name,) in advice:
            assert advice[name,](scores) in sentences[-1]
            assert advice[name,](scores) not in fewer[-1]
    nothing = {name: Finding(False, finding.score) for name, finding in found.items()}
    assert answering(nothing) == (
        f"4 of 4 claims failed: {', '.join(found)}. Can one? That was not shown.",
        (),
    )
