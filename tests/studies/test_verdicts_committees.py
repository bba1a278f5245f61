"""Verdicts on committees can fail: for each clause of each, the published rows changed so that they refute it."""

from __future__ import annotations

import pytest

from assent.studies import committees as together
from assent.studies import s37_price as s37
from assent.studies import s41_shifted_rules as s41
from assent.studies import s42_corrections as s42
from assent.studies import s43_poison as s43
from assent.studies.shifted_committees import CALM, PLANT, RATE, SHARES, SINGLE, TURNED, UNSEEN
from assent.studies.study import Row, Study
from tests.studies.refuting import Change, Where, each, holds, one, times
from tests.studies.stored import page_says_what_rows_say, rows_of

COLLECTION = together.COLLECTION


def stored(study: Study) -> tuple[Row, ...]:
    return rows_of(COLLECTION.name, study.name)


def of(way: str, members: int) -> Where:
    """Rows of a way with so many members."""
    return lambda row: row["way"] == way and row["members"] == members


def kept(rule: str, condition: str, *, single: bool = False) -> Where:
    """Rows of a way of asking in a condition, its setting kept: of committees, or of one network."""
    return lambda row: (
        (row["measure"], row["rule"], row["condition"]) == ("kept", rule, condition)
        and (row["committee"] == SINGLE) == single
    )


def anew(rule: str, condition: str) -> Where:
    """Rows of committees with a quarter asked among these very items."""
    return lambda row: (
        (row["measure"], row["rule"], row["condition"], row["ask"]) == ("curve", rule, condition, RATE)
        and row["committee"] != SINGLE
    )


def liars(rule: str, number: int) -> Where:
    """Rows of networks trained apart, so many of 64 planted."""
    return lambda row: (
        (row["condition"], row["rule"], row["committee"], row["liars"]) == (PLANT, rule, "deep 64", number)
    )


def learning(name: str, *, turned: bool | None = None) -> Where:
    return lambda row: row["learns"] == name and turned in (None, row["turned"])


def poisoned(way: str, share: float, placed: str = s43.SPREAD) -> Where:
    return lambda row: (row["way"], row["share"], row["placed"]) == (way, share, placed)


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
    (s41.STUDY, "the mean errs as often as learned", one(anew("mean", CALM), wrong_per_act=0.5)),
    (s41.STUDY, "the mean errs more when turned", each(kept("mean", TURNED[0]), wrong_share=1.0)),
    (s41.STUDY, "the mean errs more on an unseen class", each(kept("mean", UNSEEN), wrong_share=1.0)),
    (s41.STUDY, "the mean is behind, set anew", each(anew("mean", SHARES), wrong_per_act=0.5)),
    (s41.STUDY, "asking moves with the shares, in one seed", one(kept("minimum", SHARES), ask=0.36)),
    (s41.STUDY, "wrong acts move with the shares", each(kept("minimum", SHARES), wrong_per_act=0.5)),
    (s41.STUDY, "a setting is a promise", each(kept("minimum", TURNED[2]), wrong_per_act=0.001)),
    (s41.STUDY, "one network is as good", each(kept("mean", UNSEEN, single=True), wrong_share=0.01)),
    (s41.STUDY, "more than true members allow", one(liars("minimum", 1), wrong_share=lambda row: row["limit"] + 0.001)),
    (s41.STUDY, "the minimum is fooled", one(liars("minimum", 63), wrong_share=0.06, limit=0.06)),
    (s41.STUDY, "the mean is not fooled", one(liars("mean", 63), wrong_share=0.89)),
    (s41.STUDY, "a random member is not fooled", one(liars("random", 63), wrong_share=0.89)),
    (s41.STUDY, "half of the members fool the mean", one(liars("mean", 32), wrong_share=0.06)),
    (s41.STUDY, "half of the members do not fool a random one", one(liars("random", 32), wrong_share=0.39)),
    (s42.STUDY, "as dear as a training, in one seed", one(learning("cost"), observe_s=times("training_s", 0.11))),
    (s42.STUDY, "asks more than anew", each(learning(s42.ANEW), asks=0)),
    (s42.STUDY, "errs more than anew", each(learning(s42.AT_ONCE), wrong=lambda row: row["wrong"] + 1)),
    (s42.STUDY, "asks as often as who never learns", each(learning(s42.NEVER, turned=True), asks=1)),
    (s42.STUDY, "more regret than who never learns", each(learning(s42.NEVER, turned=False), asks=0, wrong=0)),
    (s42.STUDY, "not exact, in one seed", one(learning("cost"), apart=1.1e-8)),
    *(
        (s43.STUDY, f"{way} do not carry it together, in one seed", one(poisoned(way, 0.05), carry=1))
        for way in s43.TOGETHER
    ),
    (s43.STUDY, "networks do not act on it, in one seed", one(poisoned("deep", 0.05), acts=0.49)),
    (s43.STUDY, "two of sixteen are reached, in one seed", one(poisoned(s43.SHARDED, 0.01, s43.ONE_SOURCE), carry=2)),
    (s43.STUDY, "one source is acted on, in one seed", one(poisoned(s43.SHARDED, 0.01, s43.ONE_SOURCE), acts=0.1)),
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
    page_says_what_rows_say(COLLECTION.name, study)


def test_the_headline_is_said_only_if_it_was_shown() -> None:
    from assent.studies.study import Finding

    score = s37.STUDY.score(stored(s37.STUDY))
    held, sentences = COLLECTION.answer({"member-price": Finding(True, score)})
    failed, _ = COLLECTION.answer({"member-price": Finding(False, score)})
    assert held.startswith("Are they? Yes")
    assert sentences
    assert "not shown" in failed
