"""The refusals of the ledger. Each one is a sentence: what happened, the value seen, what to do."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at_us: int) -> str:
    """A time in microseconds since 1970 as UTC text for a sentence.

    >>> moment(0)
    '1970-01-01 00:00:00 UTC'
    """
    try:
        return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{at_us} us"


class LedgerError(Exception):
    """Any refusal of the ledger."""


class EventRefused(LedgerError, ValueError):
    """The event or its body has not the form that its kind asks for."""


class UnknownRun(LedgerError):
    """No run of this name was ever opened here."""


class RunExists(LedgerError):
    """A run of this name was opened before; a name is used once."""


class RunTakenOver(LedgerError):
    """Another session goes on with the run."""


class RunClosed(LedgerError):
    """The run was closed; nothing more is decided in it."""


class Halted(LedgerError):
    """The run is halted: no decision is committed until it is resumed."""

    def __init__(self, message: str, *, run: str = "", actor: str = "", at_us: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.run, self.actor, self.at_us, self.reason = run, actor, at_us, reason


class NotHalted(LedgerError):
    """There is no halt to resume from."""


class AlreadyApplied(LedgerError):
    """The answer was already taken in by the learner; an answer teaches once."""


class UnknownQuestion(LedgerError):
    """No question of this id was ever asked here."""


class ChoiceOutOfRange(LedgerError, ValueError):
    """The choice is not one of the options of the question."""


class AnswerRefused(LedgerError):
    """An answer that could not take effect. It is kept on the ledger as a `refuse` event."""

    why = ""


class AnswerConflict(AnswerRefused):
    """Another answer took effect before; says whose and when."""

    why = "conflict"

    def __init__(self, message: str, *, actor: str = "", at_us: int = 0, choice: int = -1) -> None:
        super().__init__(message)
        self.actor, self.at_us, self.choice = actor, at_us, choice


class AnswerLate(AnswerRefused):
    """The deadline of the question has passed."""

    why = "late"


class QuestionChanged(AnswerRefused):
    """The answer was given to another text than the one on the ledger."""

    why = "changed"


class QuestionWithdrawn(AnswerRefused):
    """The question was taken back before the answer came."""

    why = "withdrawn"


class LeaseHeld(AnswerRefused):
    """Somebody else is at work on the question until their lease ends."""

    why = "lease"


class LeaseLost(LedgerError):
    """The lease named by this fence is no longer the current one."""


class QuestionSettled(LedgerError):
    """The question is answered, expired or withdrawn, so it can be neither claimed nor closed again."""


class LedgerBusy(LedgerError):
    """Another writer held the ledger for longer than the busy timeout."""


class LedgerClosed(LedgerError):
    """The ledger object was closed."""


class LedgerDamaged(LedgerError):
    """The file is not a ledger, or its contents are not what was written."""


class LedgerNewer(LedgerError):
    """The file was written by a newer version of assent."""


class LedgerReadOnly(LedgerError):
    """The ledger cannot be written."""


class LedgerFull(LedgerError):
    """There was no room, or the disk refused the write. Nothing was half-written."""


class LedgerRemote(LedgerError):
    """The file is on a network file system, where write-ahead logging is not safe."""
