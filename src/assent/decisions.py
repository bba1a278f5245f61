"""What a decision of a session comes to, and the ways in which a session refuses one."""

from __future__ import annotations

from dataclasses import dataclass

from assent.ledger import LedgerError, Question


class NoOverseer(ValueError):
    """A session needs somebody who can be asked."""


class QuestionWaits(LedgerError):
    """The last question has not been answered, and has not expired, so nothing further may be decided."""


@dataclass(frozen=True)
class Acted:
    """The agent decides alone. The act is on the ledger; do it now.

    Attributes:
        step: number of the decision, from 0.
        action: what to do.
    """

    step: int
    action: int


@dataclass(frozen=True)
class Asked:
    """The overseer is asked. Do nothing until the question is answered or has expired.

    Attributes:
        step: number of the decision, from 0.
        question: as it is on the ledger.
    """

    step: int
    question: Question
