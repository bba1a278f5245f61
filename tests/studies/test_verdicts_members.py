"""Verdicts on tickets, on the tangent space and on the logarithm can fail: for each clause, rows changed so that they refute it.

Where the published claim fails, the rows are changed first so that it would hold: what refutes it must be what was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from assent.studies import committees as together
from assent.studies import s38_tickets as s38
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
SOUND: dict[str, tuple[Change, ...]] = {
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
]
"""For each clause of each verdict, rows that would refute it."""


@pytest.mark.parametrize(("study", "what", "change"), REFUTED, ids=[f"{s.name}: {what}" for s, what, _ in REFUTED])
def test_what_refutes_a_claim_is_a_verdict_that_it_fails(study: Study, what: str, change: Change) -> None:
    rows = sound(study)
    changed = change(rows)
    assert changed != rows, what
    assert holds(study, rows)
    assert not holds(study, changed), what
