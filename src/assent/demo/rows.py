"""The rows of the demonstration's tables: one agent each, on the same rounds with the same random numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from assent.agents.imitator import Imitator
from assent.core import (
    AlphaSet,
    Confidence,
    Everyone,
    Guard,
    Hypotheses,
    Minimum,
    MinLeaders,
    Mixture,
    OneAnswer,
    RatioSet,
    Readable,
    TopK,
)

Part = Literal["digits", "shards", "twins"]


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: as people read it.
        key: as programs do.
        agent: the agent for a committee.
    """

    name: str
    key: str
    agent: Callable[[Hypotheses], Imitator]


def _one_label(min_leaders: int) -> tuple[Guard, ...]:
    """A digit has one right label, so only the label with at least half of the mass is given alone."""
    return (Readable(), MinLeaders(min_leaders), OneAnswer(0.5))


def _minimum(name: str, key: str, *, temper: float, min_leaders: int) -> Row:
    def agent(members: Hypotheses) -> Imitator:
        return Imitator(members, RatioSet(0.05), Minimum(), _one_label(min_leaders), temper)

    return Row(name, key, agent)


_ALONE = (Readable(),)

DIGITS = (
    Row("best single member", "best", lambda members: Imitator(members, AlphaSet(1.0), Confidence(0.0), _ALONE, 1.0)),
    Row("posterior mixture", "mixture", lambda members: Imitator(members, Everyone(), Confidence(0.0), _ALONE, 1.0)),
    Row("confidence 0.7", "confidence_70", lambda members: Imitator(members, Everyone(), Confidence(0.7), _ALONE, 1.0)),
    Row("confidence 0.9", "confidence_90", lambda members: Imitator(members, Everyone(), Confidence(0.9), _ALONE, 1.0)),
    Row(
        "minimum, top 3",
        "top_3",
        lambda members: Imitator(members, TopK(3, accept_no_guarantee=True), Minimum(), _one_label(1), 1.0),
    ),
    _minimum("minimum, ratio set, plain", "plain", temper=1.0, min_leaders=1),
    _minimum("  … plain, guarded", "plain_guarded", temper=1.0, min_leaders=2),
    _minimum("  … tempered", "tempered", temper=0.1, min_leaders=1),
    _minimum("  … tempered, guarded", "tempered_guarded", temper=0.1, min_leaders=2),
)

SHARDS = DIGITS[1:2] + DIGITS[3:4] + DIGITS[5:]

TWINS = (
    Row("best single member", "best", lambda members: Imitator(members, AlphaSet(1.0), Minimum(), _ALONE, 1.0)),
    Row("posterior mixture", "mixture", lambda members: Imitator(members, Everyone(), Mixture(), _ALONE, 1.0)),
    Row("confidence 0.5", "confidence_50", lambda members: Imitator(members, Everyone(), Confidence(0.5), _ALONE, 1.0)),
    Row(
        "minimum, top 5",
        "top_5",
        lambda members: Imitator(members, TopK(5, accept_no_guarantee=True), Minimum(), _ALONE, 1.0),
    ),
    Row(
        "minimum, top 20",
        "top_20",
        lambda members: Imitator(members, TopK(20, accept_no_guarantee=True), Minimum(), _ALONE, 1.0),
    ),
    Row("minimum, ratio set", "minimum", lambda members: Imitator(members, RatioSet(0.05), Minimum(), _ALONE, 1.0)),
    Row("  … tempered", "tempered", lambda members: Imitator(members, RatioSet(0.05), Minimum(), _ALONE, 0.1)),
)

ROWS: dict[Part, tuple[Row, ...]] = {"digits": DIGITS, "shards": SHARDS, "twins": TWINS}
