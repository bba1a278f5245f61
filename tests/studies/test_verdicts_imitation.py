"""Verdicts on conservative imitation can fail: for each clause of each, the published rows changed so that they refute it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from assent.studies import conservative_imitation as together
from assent.studies import s21_query_bound as s21
from assent.studies import s22_event_bound as s22
from assent.studies import s23_twins as s23
from assent.studies import s24_prior_against as s24
from assent.studies import s25_correlated as s25
from assent.studies import s26_growth as s26
from assent.studies import s27_cold_start as s27
from assent.studies import s28_residual as s28
from assent.studies import s29_digits as s29
from assent.studies import s30_cliff as s30
from assent.studies import s31_sure_asks as s31
from assent.studies import s32_triggers as s32
from assent.studies.imitating import near_duplicates, random_rows
from assent.studies.study import Finding, Row, Study
from tests.session_support import unchecked
from tests.studies.refuting import Change, Where, each, holds, one, times
from tests.studies.stored import RESULTS, rows_of

COLLECTION = together.COLLECTION


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    """What is called is checked call by call in its own tests; here tables of thousands of rows are scored a hundred times."""
    with unchecked():
        yield


def stored(study: Study) -> tuple[Row, ...]:
    return rows_of(COLLECTION.name, study.name)


def at(**values: object) -> Where:
    """Rows that have these values."""
    return lambda row: all(row[name] == value for name, value in values.items())


def more(name: str, by: float) -> dict[str, object]:
    """A column's value and so much more."""
    return {name: lambda row: row[name] + by}


def at_last(family: str) -> Where:
    """The last row of each life over a coin of bias 0.3."""
    return lambda row: (row["family"], row["bias"]) == (family, 0.3) and row["time"] == row["rounds"]


def rare_but_rarer_than_allowed(row: Row) -> int:
    """Events of probability 0.01 or less in 3 % of lives, all others never: many times as likely, but not above the bound."""
    return int(0.03 * row["lives"]) if row["overseer"] <= 0.01 else 0


CHOSEN = [(members, tau) for members, tau in s31.CHOSEN.items()]
OURS = s23.OURS

REFUTED: list[tuple[Study, str, Change]] = [
    (s21.STUDY, "a class above its bound", one(at(members=2), sum=times("bound", 1.01), error=0.0)),
    (s21.STUDY, "a bound that is not so loose", one(at(members=100), sum=times("bound", 1 / 40))),
    (s22.STUDY, "an event above its bound", one(lambda r: r["cap"] == 0.1 and r["overseer"] < 0.5, happened=2_000)),
    (s22.STUDY, "a life that spends more", one(at(cap=0.1), most_risk=0.11)),
    (s22.STUDY, "no event is likelier without a cap", each(at(cap=None), happened=0)),
    (s22.STUDY, "none is above the bound without", each(at(cap=None), happened=rare_but_rarer_than_allowed)),
    (s23.STUDY, "more questions", each(at(rule=OURS), asks=21)),
    (s23.STUDY, "one betrayal", one(at(rule=OURS), disasters=1)),
    *((s23.STUDY, f"{rule}: a life that is spared", one(at(rule=rule), disasters=0)) for rule in s23.BETRAYED),
    (s23.STUDY, "too many members ask little", each(at(rule=s23.MANY), asks=20_000)),
    (s24.STUDY, "more questions at 1,000:1", each(at(rule=OURS, odds=1e3), asks=26)),
    (s24.STUDY, "many more at a million to one", each(at(rule=OURS, odds=1e6), **more("asks", 11))),
    (s24.STUDY, "copies ask otherwise", one(at(rule=OURS, split=True), **more("asks", 1))),
    (s24.STUDY, "one betrayal", one(at(rule=OURS, odds=1e6), disasters=1)),
    (s24.STUDY, "one betrayal with copies", one(at(rule=OURS, split=True), disasters=1)),
    (s24.STUDY, "alpha is betrayed at ten to one", one(at(rule=s24.ALPHA, odds=10.0, split=False), disasters=1)),
    (s24.STUDY, "alpha is spared at 1,000:1", one(at(rule=s24.ALPHA, odds=1e3), disasters=0)),
    (s24.STUDY, "alpha is spared with copies", one(at(rule=s24.ALPHA, split=True), disasters=0)),
    (s24.STUDY, "variance is spared", one(at(rule=s24.VARIANCE, odds=1e3), disasters=0)),
    (s26.STUDY, "questions grow faster", each(at_last("grid"), asks=times("asks", 2))),
    (s26.STUDY, "questions grow more slowly", each(at_last("simplex"), asks=times("asks", 0.3))),
    (s26.STUDY, "theta falls faster", each(at_last("simplex"), theta=times("theta", 0.5))),
    (s26.STUDY, "theta falls more slowly", each(at_last("grid"), theta=times("theta", 2))),
    (s26.STUDY, "a finite class asks late", one(at(family="finite"), last_ask=s26.ROUNDS // 5)),
    (s28.STUDY, "another law", one(at(kind="law", stated=True), variation=2e-3)),
    (s28.STUDY, "the same law without", each(at(kind="law", stated=False), variation=0.9)),
    (s28.STUDY, "other questions", each(at(kind="law", stated=True), asks=times("asks", 1.5))),
    (s28.STUDY, "counts off the law", one(at(kind="drawn", stated=True), least_tail=1e-6)),
    (s28.STUDY, "false contradictions", each(at(kind="alarm", left_out=False), contradicted=True)),
    (s28.STUDY, "no contradictions", each(at(kind="alarm", left_out=True), contradicted=False)),
    *(
        (s31.STUDY, f"{kind}: too dear", each(at(members=kind, tau=tau), asks=times("asks", 1.5)))
        for kind, tau in CHOSEN
    ),
    *((s31.STUDY, f"{kind}: risk is left", each(at(members=kind, tau=tau), nats=1.1)) for kind, tau in CHOSEN),
    *((s31.STUDY, f"{kind}: no risk to save", each(at(members=kind, tau=s31.FREE), nats=9.0)) for kind, _ in CHOSEN),
    (s32.STUDY, "a question more", one(at(kinds="state", certainty=1.0), **more("asks", 1))),
    (s32.STUDY, "a question less", one(at(kinds="state", certainty=1.0), **more("asks", -1))),
    (s32.STUDY, "one betrayal", one(at(twins=100), disasters=1)),
    (s32.STUDY, "other triggers cost more", one(lambda row: row["kinds"] != "state", asks=lambda r: r["twins"] + 1)),
    (s32.STUDY, "nearly sure cost more", one(at(certainty=s32.NEARLY), asks=lambda row: 2 * row["twins"] + 1)),
    (s30.STUDY, "more queries", each(at(method=s30.OURS, dial=0.05), queries=121)),
    (s30.STUDY, "one fall", one(at(method=s30.OURS, dial=0.001), falls=1)),
    (s30.STUDY, "cloning does as well", each(at(method=s30.CLONING, dial=1_000.0), falls=0)),
    (s30.STUDY, "DAgger does as well", each(at(method=s30.DAGGER, dial=1_000.0), falls=0)),
    (s30.STUDY, "what was seen asks twice", each(at(method=s30.SUPPORT), queries=49)),
    (s30.STUDY, "what was seen falls", one(at(method=s30.SUPPORT), falls=1)),
    (s30.STUDY, "frequencies are cheap", each(at(method=s30.BOUNDS), queries=900)),
]
"""For each clause of each verdict, rows that refute it."""

AUDITED = at(sound=False, audit="constant", level=s25.AUDITED, alarm=s25.PER_STATE)
UNAUDITED = at(sound=False, audit="constant", level=0.0, alarm=s25.PER_STATE)
AT_FIRST = at(sound=False, audit="context", level=s25.FIRST, alarm=s25.PER_STATE)
REFUTED += [
    (s25.STUDY, "they leave it be", each(UNAUDITED, bad=times("visits", 0.3))),
    (s25.STUDY, "the alarm needs no audits", each(UNAUDITED, fired=True)),
    (s25.STUDY, "a life without alarm", one(AUDITED, fired=False)),
    (s25.STUDY, "more bad acts", each(AUDITED, bad=111)),
    (s25.STUDY, "an alarm elsewhere", one(AUDITED, elsewhere=1)),
    (s25.STUDY, "first visits: no alarm", one(AT_FIRST, fired=False)),
    (s25.STUDY, "first visits buy less", each(AT_FIRST, bad=30)),
    (s25.STUDY, "first visits are dear", each(AT_FIRST, asks=times("asks", 2))),
    (s25.STUDY, "false alarms in lives", each(at(sound=True, alarm=s25.PER_LIFE, members=1), fired=True)),
    (s25.STUDY, "false alarms in states", each(at(sound=True, alarm=s25.PER_STATE), elsewhere=2)),
    (s29.STUDY, "the bound errs more often", each(at(rule=s29.BOUND), errors=lambda row: 2 * row["errors"] + 3)),
    (s29.STUDY, "the bound errs less often", each(at(rule=s29.BOUND), errors=0)),
    (s29.STUDY, "a committee errs less often", each(at(rule=s29.LEADERS), errors=0)),
    (s29.STUDY, "and so does all of it", each(at(rule=s29.EVERYONE), errors=0)),
    (s29.STUDY, "confidence is spared once", one(at(rule=s29.PLANTED_CONFIDENCE), disasters=0)),
    (s29.STUDY, "the minimum betrays once", one(at(rule=s29.PLANTED_MINIMUM), disasters=1)),
    (s27.STUDY, "it sleeps over a digit", one(at(name=s27.OURS), first_three=2)),
    (s27.STUDY, "a life with more errors", one(at(name=s27.OURS), errors=100)),
    (s27.STUDY, "the bare minimum asks", each(at(name=s27.BARE), first_three=3)),
    (s27.STUDY, "the gate by variance asks", each(at(name=s27.VARIANCE), first_three=3)),
    (s27.STUDY, "the gate by variance is right", each(at(name=s27.VARIANCE), errors=100)),
    (s27.STUDY, "river asks", each(at(name=f"river {s27.RIVER[0]}"), first_three=3)),
    (s27.STUDY, "a class that sleeps", each(at(name=s27.ASKING[0]), first_three=0)),
    (s27.STUDY, "a class that asks late", one(at(name=s27.ASKING[1]), first_ask=11)),
    (s27.STUDY, "what begins alike asks", each(at(name=s27.BEGIN_ALIKE), first_three=3)),
]


AS_CLAIMED: dict[Study, Change] = {
    s30.STUDY: each(at(method=s30.CLONING, dial=1_000.0), falls=1),
}
"""Of the studies whose claim failed, the one change that makes it hold: with it, every clause can be put to the test."""


@pytest.mark.parametrize("study", COLLECTION.studies, ids=lambda study: study.name)
def test_claims_hold_but_those_that_are_known_to_fail(study: Study) -> None:
    assert holds(study, stored(study)) == (study not in AS_CLAIMED)


@cache
def as_claimed(study: Study) -> tuple[tuple[Row, ...], bool]:
    """Rows that make the claim hold, and whether they do."""
    rows = stored(study)
    rows = tuple(AS_CLAIMED[study](rows)) if study in AS_CLAIMED else rows
    return rows, holds(study, rows)


@pytest.mark.parametrize(("study", "what", "change"), REFUTED, ids=[f"{s.name}: {what}" for s, what, _ in REFUTED])
def test_what_refutes_a_claim_is_a_verdict_that_it_fails(study: Study, what: str, change: Change) -> None:
    rows, as_said = as_claimed(study)
    assert as_said
    assert not holds(study, change(rows)), what


def test_every_claim_is_put_to_the_test() -> None:
    assert {study.name for study, *_ in REFUTED} == {study.name for study in COLLECTION.studies}


@pytest.mark.parametrize("study", COLLECTION.studies, ids=lambda study: study.name)
def test_the_page_says_what_its_tables_come_to(study: Study) -> None:
    page = (RESULTS / f"{COLLECTION.name}.md").read_text(encoding="utf-8").replace("\\", "").replace("&lt;", "<")
    verdict = study.verdict(study.score(stored(study)))
    assert f"**{'Holds' if verdict.holds else 'Fails'}.** {verdict.sentence}" in page
    assert f"Measured: {verdict.figure}" in page
    for figure in study.figures(stored(study)):
        assert (RESULTS / COLLECTION.name / f"{study.name}-{figure.name}.svg").is_file()


@cache
def found() -> dict[str, Finding]:
    """What the studies would have come to if every claim held."""
    return {study.name: Finding(True, study.score(as_claimed(study)[0])) for study in COLLECTION.studies}


@pytest.mark.parametrize("study", COLLECTION.studies, ids=lambda study: study.name)
def test_a_claim_that_fails_is_named_first_and_carries_no_sentence(study: Study) -> None:
    findings = found()
    headline, whole = COLLECTION.answer(findings)
    failed, less = COLLECTION.answer({**findings, study.name: replace(findings[study.name], holds=False)})
    assert "claims failed" not in headline
    assert failed.startswith(f"1 of {len(findings)} claims failed: {study.name}. ")
    said, left = (" ".join(sentences) for sentences in (whole, less))
    parts = (*together.HOLDS, *together.COSTS, *together.FAILS, *together.DESIGN)
    scores = {name: finding.score for name, finding in found().items()}
    for part in parts:
        words = part.words(scores)
        assert words in said
        assert (words in left) == (study.name not in part.needs)


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ((), "Yes, if one of"),
        (("growth",), "In part: what"),
        (("twins",), "In part: it asks"),
        (("twins", "growth"), "not shown"),
    ],
)
def test_the_headline_says_what_is_left(failing: tuple[str, ...], words: str) -> None:
    findings = {name: replace(finding, holds=name not in failing) for name, finding in found().items()}
    assert words in COLLECTION.answer(findings)[0]


def test_the_chance_of_an_event_on_the_ring_is_that_of_throwing_it() -> None:
    """Against 4,000 lives of the policy alone, thrown here step by step: each count within five standard errors."""
    rng = np.random.default_rng(5)
    policy, horizon, lives = rng.dirichlet(np.ones(3), size=s22.POSITIONS), 40, 4_000
    law = s22.occupation(policy, place=1, action=2, horizon=horizon)
    position, count = np.zeros(lives, dtype=int), np.zeros(lives, dtype=int)
    for _ in range(horizon):
        action = (rng.random(lives)[:, None] > policy[position].cumsum(axis=1)).sum(axis=1).clip(max=2)
        count += (position == 1) & (action == 2)
        move = np.where(rng.random(lives) < s22.SLIP, 1, np.asarray([0, 1, -1])[action])
        position = (position + move) % s22.POSITIONS
    assert law.sum() == pytest.approx(1.0, abs=1e-12)
    seen = np.bincount(count, minlength=horizon + 1)[: len(law)] / lives
    assert np.all(np.abs(seen - law) <= 5 * np.sqrt(law * (1 - law) / lives) + 1e-3)
    # the wrong variant, which forgets that the ring slips, is farther away than that somewhere
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s22, "SLIP", 0.0)
        wrong = s22.occupation(policy, place=1, action=2, horizon=horizon)
    assert np.any(np.abs(seen - wrong) > 5 * np.sqrt(wrong * (1 - wrong) / lives) + 1e-3)


def test_the_chance_of_a_count_is_binomial() -> None:
    law = s22._binomial(30, 0.5)
    assert law == pytest.approx([math.comb(30, count) / 2**30 for count in range(31)], rel=1e-12)


def test_near_duplicates_keep_the_overseers_model_and_stay_policies() -> None:
    rows = random_rows(np.random.default_rng(3), members=5, contexts=4, actions=3)
    near = near_duplicates(rows, shared=0.9)
    assert np.array_equal(near[0], rows[0])
    assert near.sum(axis=2) == pytest.approx(np.ones((5, 4)))
    # a tenth of the distance is left
    assert np.abs(near - rows[0]).sum() == pytest.approx(0.1 * np.abs(rows - rows[0]).sum())


def test_each_trigger_has_a_context_of_its_own() -> None:
    rows = s21._triggers(np.random.default_rng(2), 10)
    differs = (rows != rows[:1]).any(axis=2)
    assert differs.sum(axis=1).tolist() == [0, *[1] * 9]
    assert differs.sum(axis=0).max() == 1


def test_the_law_of_what_is_done_is_hers_exactly_where_she_states_it() -> None:
    stated, plain = (s28._law(7, stated=value) for value in (True, False))
    # a few hundred additions of numbers below 1
    assert stated["variation"] <= 1e-12
    assert plain["variation"] > 1
    assert stated["asks"] == plain["asks"]


def test_errors_are_compared_at_equal_questions() -> None:
    """Half as many errors everywhere is a ratio of one half, whatever the questions; a dial beyond the other's ends does not count."""

    def line(rule: str, factor: float, asks: tuple[int, ...]) -> list[Row]:
        return [
            {
                "rule": rule,
                "dial": count,
                "bound": 0.0,
                "life": life,
                "asks": count,
                "errors": factor * 2000 * math.exp(-count / 100),
            }
            for count in asks
            for life in range(4)
        ]

    known = line(s29.HEAD, 1.0, (100, 200, 300, 400))
    ratio, error = s29.compared([*known, *line(s29.BOUND, 0.5, (150, 250, 900))], s29.BOUND, s29.HEAD)
    assert ratio == pytest.approx(0.5, rel=2e-2)
    assert error < 1e-9
