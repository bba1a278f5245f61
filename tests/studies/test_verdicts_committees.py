"""Verdicts on committees can fail: for each clause of each, the published rows changed so that they refute it."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest

from assent.studies import committees as together
from assent.studies import s37_price as s37
from assent.studies import s40_testbed as s40
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


KL = {"mlp": 1.7, "ensemble": 1.6, "epinet": 0.9, s40.PEER: 0.8, s40.MINE: 0.8, s40.MOMENTS: 0.7, s40.BOUND: 0.7}
SECONDS = {"mlp": 0.05, "ensemble": 4.0, "epinet": 0.4, s40.PEER: 4.0, s40.MINE: 0.3, s40.MOMENTS: 0.4, s40.BOUND: 5.0}


def made() -> list[Row]:
    """Rows of every cell of the testbed's study for which its claim holds, whatever was published."""
    return [
        {
            **asdict(cell),
            "seed": seed,
            "problem_seed": seed,
            "num_train": cell.input_dim * cell.data_ratio,
            "joint_kl": KL[cell.agent],
            "infinite": 0,
            "fit_cpu_s": SECONDS[cell.agent],
            "worth": 500.0 if cell.agent == s40.BOUND else None,
        }
        for cell in s40.GRID
        for seed in range(3)
    ]


def fits(problems: str, agent: str) -> Where:
    """Rows of an agent on one list of problems."""
    return lambda row: row["problems"] == problems and row["agent"] == agent


TESTBED_REFUTED: list[tuple[str, Change]] = [
    ("farther than 1.05 times ensemble+ on the twelve", each(fits("twelve", s40.MINE), joint_kl=0.841)),
    ("nearer peers on the twelve", each(fits("twelve", s40.PEER), joint_kl=0.76)),
    ("one problem of the twelve far off", one(fits("twelve", s40.MINE), joint_kl=3.0)),
    ("more than a tenth of the time", each(fits("twelve", s40.MINE), fit_cpu_s=0.401)),
    ("peers that are quicker", each(fits("twelve", s40.PEER), fit_cpu_s=2.9)),
    ("farther than ensemble+ in the sweep", each(fits("sweep", s40.MINE), joint_kl=0.8001)),
    ("one problem of the sweep far off", one(fits("sweep", s40.MINE), joint_kl=0.9)),
    ("an estimate of which nothing is finite", one(fits("sweep", s40.MINE), joint_kl=s40.ENDLESS)),
]
"""For each clause of the testbed's verdict, rows that would refute it."""


@pytest.mark.parametrize(("what", "change"), TESTBED_REFUTED, ids=[what for what, _ in TESTBED_REFUTED])
def test_what_refutes_the_testbeds_claim_is_a_verdict_that_it_fails(what: str, change: Change) -> None:
    assert holds(s40.STUDY, made())
    assert not holds(s40.STUDY, change(made())), what


@pytest.mark.parametrize(
    "change",
    [
        each(fits("twelve", s40.MINE), joint_kl=0.839),
        each(fits("twelve", s40.MINE), fit_cpu_s=0.399),
        each(fits("sweep", s40.MINE), fit_cpu_s=100.0),
        each(lambda row: row["agent"] in ("mlp", "ensemble", "epinet"), joint_kl=0.1, fit_cpu_s=0.0),
        each(lambda row: row["agent"] == s40.MOMENTS, joint_kl=9.0, fit_cpu_s=99.0),
    ],
    ids=["just within", "just in time", "time in the sweep", "other peers", "what has no limit"],
)
def test_what_the_testbeds_claim_allows_for_does_not_refute_it(change: Change) -> None:
    assert holds(s40.STUDY, change(made()))


def test_the_worst_seed_is_named_and_the_spread_is_told() -> None:
    rows = each(
        lambda row: row["seed"] == 2 and row["agent"] == s40.MINE and row["problems"] == "twelve", joint_kl=0.84
    )
    score = s40.STUDY.score(rows(made()))
    assert score["twelve_worst_seed"] == 2.0
    assert score["twelve_ratio_worst"] == pytest.approx(1.05)
    assert score["twelve_ratio_least"] == pytest.approx(1.0)
    assert "worst seed 2" in s40.STUDY.verdict(score).figure


def test_a_posterior_worth_few_draws_is_not_told() -> None:
    score = s40.STUDY.score(each(lambda row: row["agent"] == s40.BOUND, worth=99.0)(made()))
    assert score["bounded_problems"] == 0.0
    assert "own posterior" not in s40.STUDY.verdict(score).figure
    assert s40.STUDY.score(made())["bounded_generator"] == pytest.approx(0.7)


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
