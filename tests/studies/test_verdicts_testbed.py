"""Verdicts on the Neural Testbed can fail: for each clause, rows that refute it, beside rows for which the claim holds."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from assent.studies import s40_testbed as s40
from assent.studies import s45_testbed_moments as s45
from assent.studies.study import Row, Study
from assent.studies.testbed_measures import ENDLESS
from tests.studies.refuting import Change, Where, each, holds, one

KL = {"mlp": 1.7, "ensemble": 1.6, "epinet": 0.9, s40.PEER: 0.8, s40.MINE: 0.8, s40.MOMENTS: 0.7, s40.BOUND: 0.7}
SECONDS = {"mlp": 0.05, "ensemble": 4.0, "epinet": 0.4, s40.PEER: 4.0, s40.MINE: 0.3, s40.MOMENTS: 0.4, s40.BOUND: 5.0}


def made(study: Study = s40.STUDY) -> list[Row]:
    """Rows of every cell of a study for which its claim holds, whatever was published."""
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
        for cell in study.grid
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
    ("an estimate of which nothing is finite", one(fits("sweep", s40.MINE), joint_kl=ENDLESS)),
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


MOMENTS_REFUTED: list[tuple[str, Change]] = [
    ("farther than ensemble+ on the twelve", each(fits("twelve", s40.MOMENTS), joint_kl=0.801)),
    ("one problem of the twelve far off", one(fits("twelve", s40.MOMENTS), joint_kl=9.0)),
    ("farther than 0.9 times ensemble+ in the sweep", each(fits("sweep", s40.MOMENTS), joint_kl=0.721)),
    ("nearer peers in the sweep", each(fits("sweep", s40.PEER), joint_kl=0.77)),
    ("more than a tenth of the time", each(lambda row: row["agent"] == s40.MOMENTS, fit_cpu_s=0.401)),
    ("an estimate of which nothing is finite", one(fits("sweep", s40.MOMENTS), joint_kl=ENDLESS)),
]
"""For each clause of the verdict on expectation propagation, rows that would refute it."""


@pytest.mark.parametrize(("what", "change"), MOMENTS_REFUTED, ids=[what for what, _ in MOMENTS_REFUTED])
def test_what_refutes_the_claim_on_expectation_propagation_is_a_verdict_that_it_fails(
    what: str, change: Change
) -> None:
    assert holds(s45.STUDY, made(s45.STUDY))
    assert not holds(s45.STUDY, change(made(s45.STUDY))), what


def test_its_problems_are_none_of_those_on_which_it_was_seen_to_be_better(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def told(cell: object, seed: int) -> list[Row]:
        asked.append(seed)
        return [{"seed": seed}]

    monkeypatch.setattr(s45, "measured", told)
    assert [s45.run(s45.GRID[0], seed) for seed in range(3)] == [[{"seed": seed}] for seed in range(3)]
    assert asked == [3, 4, 5]
    assert s40.STUDY.seeds == 3
