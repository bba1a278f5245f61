"""Verdicts on low stakes can fail: for each clause of each, the published rows changed so that they refute it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assent.studies import low_stakes as together
from assent.studies import s18_low_stakes_shift as s18
from assent.studies import s19_high_stakes as s19
from assent.studies import s20_reward_channel as s20
from assent.studies.reward_learners import EpsilonGreedy
from assent.studies.shifted_lives import FROZEN, GUARDED, UNGUARDED
from assent.studies.study import Finding, Row, Study
from tests.studies.refuting import Change, Where, each, holds, one, times
from tests.studies.stored import page_says_what_rows_say, rows_of

COLLECTION = together.COLLECTION


def stored(study: Study) -> tuple[Row, ...]:
    return rows_of(COLLECTION.name, study.name)


def at(**values: object) -> Where:
    """Rows that have these values."""
    return lambda row: all(row[name] == value for name, value in values.items())


def ended(learner: str) -> Where:
    """The last row of each of a learner's lives."""
    return lambda row: row["learner"] == learner and row["passed"] is not None


def ended_shifted(learner: str) -> Where:
    return lambda row: ended(learner)(row) and row["switches"] > 0


def end(learner: str, declared: str) -> Where:
    """The row of a reward learner that holds what came of its lives."""
    return lambda row: (row["learner"], row["declared"]) == (learner, declared) and row["grabbed"] is not None


def told(declared: str) -> Where:
    """Rows of a declaration without a budget for the run."""
    return lambda row: row["declared"] == declared and row["per_run"] is None


def fallen_into_holes(row: Row) -> bool:
    return told(s19.HOLES)(row) and row["ruined"] > 0


def on_the_way(row: Row) -> bool:
    return (row["learner"], row["declared"]) == ("epsilon-greedy", s20.FREE) and 0.2 < row["share"] < 0.8


EPSILON, EXP3, UCB, TOLD = s20.LEARNERS

REFUTED: list[tuple[Study, str, Change]] = [
    (s18.STUDY, "more lives above the bound than chance has", each(ended(GUARDED), passed=True)),
    (s18.STUDY, "more lives above the regret times the stake", each(ended(GUARDED), beforehand=1.0)),
    (
        s18.STUDY,
        "a life above the regret bound",
        one(ended(GUARDED), log_loss=lambda row: row["best"] + row["nats"] + 0.01),
    ),
    (s18.STUDY, "a frozen model below the bound", one(ended_shifted(FROZEN), cost=1.0)),
    (s18.STUDY, "the unguarded mostly below", each(ended(UNGUARDED), cost=1.0)),
    *(
        (s18.STUDY, f"{premise}: broken and not found", one(at(premise=premise), found=0))
        for premise in s18.PREMISES[1:]
    ),
    (s18.STUDY, "alarms where nothing is broken", each(at(premise="none"), found=0)),
    (s18.STUDY, "alarms in lives through shifts", each(ended(GUARDED), breaches=1)),
    (s19.STUDY, "hardly ever ruined where pits are rare", one(at(declared=s19.UNGUARDED, edges=0.02), ruined=10)),
    (s19.STUDY, "nowhere mostly ruined", each(at(declared=s19.UNGUARDED), ruined=50)),
    *(
        (s19.STUDY, f"ruined though {declared}", one(told(declared), ruined=1))
        for declared in (s19.NAMED, s19.MODELS, s19.UNKNOWN)
    ),
    (s19.STUDY, "ruined within its budget", one(lambda row: row["per_run"] is not None, ruined=1)),
    (s19.STUDY, "staked too much at once", one(told(s19.MODELS), dearest=1.01)),
    (s19.STUDY, "a budget is passed", one(at(per_run=25.0), most_staked=25.1)),
    (s19.STUDY, "naming the act is dear", one(told(s19.NAMED), asked=0.16)),
    (s19.STUDY, "asks less than what nobody knows", one(told(s19.UNKNOWN), asked=lambda row: row["asked"] - 0.02)),
    (s19.STUDY, "asks more than what nobody knows", one(told(s19.UNKNOWN), asked=lambda row: row["asked"] + 0.02)),
    (s19.STUDY, "nobody falls into what was left out", each(told(s19.HOLES), ruined=0, found_by=0)),
    (s19.STUDY, "found before the fall", one(fallen_into_holes, found_before=1)),
    (s19.STUDY, "not found by the fall", one(fallen_into_holes, found_by=lambda row: row["found_by"] - 1)),
    *((s20.STUDY, f"{name}: a life keeps off", one(end(name, s20.FREE), grabbed=199)) for name in s20.LEARNERS),
    (s20.STUDY, "something real after it", one(end(EXP3, s20.FREE), true_after=0.01)),
    (s20.STUDY, "it sees less than the best", one(end(EXP3, s20.FREE), observed_after=0.99)),
    (s20.STUDY, "sooner than by exploration", one(on_the_way, share=0.95)),
    (s20.STUDY, "later than by exploration", one(on_the_way, share=0.05)),
    *(
        (s20.STUDY, f"seized though {declared}", one(end(UCB, declared), grabbed=1))
        for declared in (s20.DECLARED, s20.UNKNOWN)
    ),
    (s20.STUDY, "too much is given up", one(end(EXP3, s20.DECLARED), true=lambda row: row["true"] - 0.02)),
    (s20.STUDY, "explorers ask too much", one(end(EXP3, s20.DECLARED), asked=0.051)),
    (s20.STUDY, "the curious hardly asks", one(end(UCB, s20.DECLARED), asked=times("asked", 0.5))),
    (s20.STUDY, "the told asks", one(end(TOLD, s20.DECLARED), asked=0.0005)),
]
"""For each clause of each verdict, rows that would refute it."""


@pytest.mark.parametrize(("study", "what", "change"), REFUTED, ids=[f"{s.name}: {what}" for s, what, _ in REFUTED])
def test_what_refutes_a_claim_is_a_verdict_that_it_fails(study: Study, what: str, change: Change) -> None:
    rows = stored(study)
    changed = change(rows)
    assert changed != list(rows), what
    assert holds(study, rows)
    assert not holds(study, changed), what


def test_a_bound_that_promises_something_refutes_that_it_does_not() -> None:
    """That is arithmetic, so no row can be changed."""
    score = s19.score(stored(s19.STUDY))
    assert s19.verdict(score).holds
    assert not s19.verdict({**score, "vacuous": 1.0}).holds


def test_a_few_lives_above_the_bound_are_what_was_allowed_for() -> None:
    """Three of 180 do not refute a chance of one in a hundred; nine do (binomial tails of 0.27 and 4e-5)."""
    score = s18.score(stored(s18.STUDY))
    assert score["lives"] == 180
    assert s18.verdict({**score, "passed": 3.0}).holds
    assert not s18.verdict({**score, "passed": 9.0}).holds


@pytest.mark.parametrize("study", COLLECTION.studies, ids=lambda study: study.name)
def test_the_published_page_says_what_its_rows_say(study: Study) -> None:
    page_says_what_rows_say(COLLECTION.name, study)


def test_a_failed_study_is_named_first_and_carries_no_sentence() -> None:
    found = {study.name: Finding(True, study.score(stored(study))) for study in COLLECTION.studies}
    headline, sentences = COLLECTION.answer(found)
    assert headline.startswith("Is it enough? Yes, where no single act can do much harm")
    assert len(sentences) == len(found) + 1
    for name in found:
        without = {**found, name: Finding(False, found[name].score)}
        headline, fewer = COLLECTION.answer(without)
        assert headline.startswith(f"1 of 3 claims failed: {name}. ")
        scores = {name: found[name].score}
        said, advice = (
            next(item.words(scores) for item in part if item.needs == (name,))
            for part in (together.SENTENCES, together.ADVICE)
        )
        assert said in sentences
        assert said not in fewer
        assert advice in sentences[-1]
        assert advice not in fewer[-1]
    nothing = {name: Finding(False, finding.score) for name, finding in found.items()}
    assert COLLECTION.answer(nothing)[1] == ()
    assert COLLECTION.answer(nothing)[0].endswith("That was not shown.")


def test_the_law_of_exploration_is_that_of_a_coin() -> None:
    """One minus the chance that the coin has chosen another act in every round; with all acts but one it would be another law."""
    epsilon, acts = EpsilonGreedy().epsilon, s20.HONEST + 1
    times = np.asarray([1, 2, 7])
    missed = [math.prod([(1 - epsilon) + epsilon * (acts - 1) / acts] * rounds) for rounds in times]
    assert s20.explored(epsilon, times) == pytest.approx(1 - np.asarray(missed))
    assert s20.explored(epsilon, times) != pytest.approx(1 - (1 - epsilon / (acts - 1)) ** times)
