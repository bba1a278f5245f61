"""Verdicts on tickets, on the tangent space and on the logarithm can fail: for each clause, rows changed so that they refute it.

Where the published claim fails, the rows are changed first so that it would hold: what refutes it must be what was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from assent.studies import committees as together
from assent.studies import s38_tickets as s38
from assent.studies import s39_tangent_space as s39
from assent.studies import s44_log_members as s44
from assent.studies.study import Row, Study
from tests.studies.refuting import Change, Where, each, holds, one, times
from tests.studies.stored import rows_of


def of(part: str, **values: Any) -> Where:
    """Rows of a part with these values."""
    return lambda row: row["part"] == part and all(row[name] == value for name, value in values.items())


def sound(study: Study) -> list[Row]:
    """The published rows, made to hold."""
    rows: Sequence[Row] = rows_of(together.COLLECTION.name, study.name)
    for change in SOUND.get(study.name, ()):
        rows = change(rows)
    return list(rows)


def less(name: str, by: float) -> Any:
    """A column's value less so much."""
    return lambda row: row[name] - by


COMPOSED, TICKETS, MANY = (of("committee", way=way) for way in ("composed", "tickets", "many-tickets"))
APART, CHEAP = (of("members", way=way, members=1_024) for way in ("deep", "tangent"))
DEEP, TRAINED = (of("committee", way=way) for way in ("deep", "tangent-trained"))


def network(**values: Any) -> Where:
    """Networks of the problem with most widths."""
    return of("network", problem="mnist", **values)


def wide(row: Row) -> bool:
    """Rows of widths of which the claim speaks."""
    return row["part"] == "network" and row["problem"] == "mnist" and row["width"] >= s39.FROM


SOUND: dict[str, tuple[Change, ...]] = {
    "log-members": (each(DEEP, wrong=0.01),),
    "tangent-space": (
        each(wide, accuracy=0.9, linear=lambda row: 0.88 + row["width"] / 1e6),
        each(wide, read_correlation=lambda row: 0.85 + row["width"] / 1e5, ticket_correlation=0.5),
        each(wide, move=lambda row: 100.0 / row["width"], skew_before=0.7, skew_after=0.7),
        each(of("root", share=0.0, problem="mnist"), fitted=0.95),
    ),
    "tickets": (
        each(TICKETS, mask_correlation=s38.MASKS["edge-popup"]),
        each(of("committee", way="biprop"), mask_correlation=s38.MASKS["biprop"]),
    ),
}
"""What has to be changed in the published rows for the claim to hold."""

REFUTED: list[tuple[Study, str, Change]] = [
    (s38.STUDY, "composed tickets a point worse", each(COMPOSED, member_accuracy=less("member_accuracy", 0.011))),
    (s38.STUDY, "composed tickets are worth too little", each(COMPOSED, n_eff_cap=times("n_eff_cap", 0.85))),
    (
        s38.STUDY,
        "dearer than two and a half trainings, in one seed",
        one(COMPOSED, train_flops=times("train_flops", 1.3)),
    ),
    (s38.STUDY, "more than four bits a weight, in one seed", one(COMPOSED, mask_bits=times("mask_bits", 1.001))),
    (s38.STUDY, "err more alike over one network", each(MANY, correlation=less("correlation", 0.05))),
    (s38.STUDY, "tickets a point worse", each(TICKETS, member_accuracy=less("member_accuracy", 0.02))),
    (s38.STUDY, "masks are alike", each(TICKETS, mask_correlation=0.2)),
    (s38.STUDY, "a shuffled mask is as good, in one seed", one(MANY, shuffled=0.16)),
    (s38.STUDY, "a mask before training is as good, in one seed", one(MANY, untrained=0.16)),
    (s38.STUDY, "best where most is kept", each(of("sweep", keep=0.9, way="biprop", paper_compat=False), accuracy=1.0)),
    (s38.STUDY, "masks carry more than H(keep), once", one(of("sweep", keep=0.3), bits_counted=0.9)),
    (s38.STUDY, "linear readings hold none", each(of("readout", features=4_096), accuracy=0.8)),
    (s39.STUDY, "the linearised network learns less", each(network(width=s39.FROM), linear=0.8)),
    (s39.STUDY, "the wider ones lose no less", each(network(width=2_048), linear=0.86)),
    (s39.STUDY, "training ends elsewhere", each(network(width=s39.FROM), read_correlation=0.79)),
    (s39.STUDY, "the wider ones end no nearer", each(network(width=2_048), read_correlation=0.8)),
    (s39.STUDY, "wider networks move no less", each(network(width=2_048), move=1.0)),
    (s39.STUDY, "tickets lie in the tangent space", each(network(width=2_048), ticket_correlation=0.96)),
    (s39.STUDY, "tickets lie as near as networks", each(network(width=512), ticket_correlation=0.94)),
    (s39.STUDY, "importance was equal before", each(network(width=512), skew_before=0.5, skew_after=0.5)),
    (s39.STUDY, "importance becomes unequal", each(network(width=512), skew_after=0.8)),
    (s39.STUDY, "a closed fit is worse", each(of("root", share=0.0, width=512, problem="mnist"), fitted=0.8)),
    (s44.STUDY, "a later half adds more, in one seed", one(APART, n_eff_cap=1.95)),
    (s44.STUDY, "more than two, in one seed", one(APART, n_eff_cap=2.01)),
    (
        s44.STUDY,
        "the mixture is off, in one seed",
        one(of("mixture", members=1_024), n_eff_cap=times("n_eff_cap", 1.2)),
    ),
    (s44.STUDY, "the price is no logarithm, in one seed", one(CHEAP, trainings=10.1)),
    (s44.STUDY, "worth less at that price, in one seed", one(CHEAP, n_eff_cap=1.2)),
    (s44.STUDY, "members at that price are worse", each(CHEAP, member_accuracy=less("member_accuracy", 0.02))),
    (s44.STUDY, "one network knows as well, against networks", one(DEEP, joint=times("joint", 1.5))),
    (s44.STUDY, "one network knows as well, against samples", one(TRAINED, joint=times("joint", 2.0))),
    (s44.STUDY, "one network errs less, against networks", each(DEEP, wrong=0.1)),
    (s44.STUDY, "one network errs less, against samples", each(TRAINED, wrong=0.1)),
    (s44.STUDY, "nothing can be said of a committee's acts", each(TRAINED, wrong=None)),
    (s44.STUDY, "one network is as often right", each(TRAINED, accuracy=0.9)),
]
"""For each clause of each verdict, rows that would refute it."""


@pytest.mark.parametrize(("study", "what", "change"), REFUTED, ids=[f"{s.name}: {what}" for s, what, _ in REFUTED])
def test_what_refutes_a_claim_is_a_verdict_that_it_fails(study: Study, what: str, change: Change) -> None:
    rows = sound(study)
    changed = change(rows)
    assert changed != rows, what
    assert holds(study, rows)
    assert not holds(study, changed), what
