"""The life of a question inside a transaction: asked, claimed, answered, expired or withdrawn.

Each function returns what the caller gets, or the refusal that the caller raises once the transaction, with the
`refuse` event in it, is on the disk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from json import loads
from typing import Any

import apsw

from assent.ledger.connection import row
from assent.ledger.errors import (
    AnswerConflict,
    AnswerLate,
    AnswerRefused,
    ChoiceOutOfRange,
    EventRefused,
    LeaseHeld,
    LeaseLost,
    LedgerError,
    QuestionChanged,
    QuestionSettled,
    QuestionWithdrawn,
    UnknownQuestion,
    moment,
)
from assent.ledger.events import check_ask, is_action, is_count, microseconds
from assent.ledger.reading import Stored, stored_question
from assent.ledger.records import Answered, Claim
from assent.ledger.writer import Transaction

_SETTLE = "UPDATE question SET state = ?, lease_actor = NULL, lease_until_us = NULL WHERE id = ?"


def ask(tx: Transaction, run: str, body: Mapping[str, Any], *, actor: str) -> LedgerError | None:
    """Puts the question on the ledger."""
    options = check_ask(run, body)
    refused = tx.refusal(run, "ask")
    if refused is not None:
        return refused
    question = str(body["question"])
    if stored_question(tx.connection, question) is not None:
        return QuestionSettled(
            f"Question {question} was asked before. Ask it as a further attempt, or read the one that is there."
        )
    seq = tx.add(run, "ask", actor, body)
    wait_s = body["wait_s"]
    deadline_us = None if wait_s is None else tx.now_us + microseconds(wait_s)
    tx.change(
        "INSERT INTO question(id, run, step, attempt, seq, digest, options, null_action, state, deadline_us) "
        "VALUES(?,?,?,?,?,?,?,?,'open',?)",
        (
            *(question, run, body["step"], body["attempt"], seq, bytes.fromhex(body["digest"])),
            *(options, body.get("null_action"), deadline_us),
        ),
    )
    return None


def claim(tx: Transaction, question: str, *, actor: str, lease_s: float) -> Claim | LedgerError:
    """Leases the question to one actor."""
    found = stored_question(tx.connection, question)
    if found is None:
        return unknown_question(question)
    if _is_over(tx, found):
        _expire(tx, found, actor=actor)
        return _late(found)
    if found.state not in ("open", "claimed"):
        return _settled(tx, found, "claimed")
    if _held_by_another(tx, found, actor):
        return _lease_held(found)
    fence = found.lease_fence + 1
    tx.add(found.run, "claim", actor, {"question": question, "fence": fence, "lease_s": lease_s})
    until_us = tx.now_us + microseconds(lease_s)
    tx.change(
        "UPDATE question SET state = 'claimed', lease_actor = ?, lease_until_us = ?, lease_fence = ? WHERE id = ?",
        (actor, until_us, fence, question),
    )
    return Claim(question, actor, fence, until_us)


def release(tx: Transaction, question: str, *, actor: str, fence: int) -> LedgerError | None:
    """Gives a lease back before it ends."""
    found = stored_question(tx.connection, question)
    if found is None:
        return unknown_question(question)
    if found.state != "claimed" or found.lease_fence != fence or found.lease_actor != actor:
        return LeaseLost(
            f"{actor} holds no lease {fence} on question {question}: it is {found.state} and its last lease was "
            f"{found.lease_fence}. Claim it again if you still want it."
        )
    tx.add(found.run, "release", actor, {"question": question, "fence": fence})
    tx.change(_SETTLE, ("open", question))
    return None


def answer(
    tx: Transaction,
    question: str,
    choice: int,
    *,
    actor: str,
    digest: str | None,
    idem: str,
    lesson: Mapping[str, Any] | None = None,
) -> Answered | LedgerError:
    """Lets the first answer take effect; every other one is kept as a `refuse` event."""
    found = stored_question(tx.connection, question)
    if found is None:
        return unknown_question(question)
    before = found.answer
    if before is not None and (found.idem == idem or (before.choice == choice and before.actor == actor)):
        return before
    if not (is_count(choice) and choice < found.options):
        return ChoiceOutOfRange(
            f"The choice is {choice!r}; question {question} has the options 0 to {found.options - 1}."
        )
    legal = legal_options(tx.connection, found)
    if legal is not None and not legal[choice]:
        allowed = ", ".join(str(option) for option, fine in enumerate(legal) if fine) or "none"
        return ChoiceOutOfRange(f"The choice {choice} is not legal in question {question}; legal are: {allowed}.")
    if lesson:
        _check_lesson(tx.connection, found, choice, lesson, legal)
    refused = _refusal(tx, found, choice, actor=actor, digest=digest, idem=idem)
    if refused is not None:
        if _is_over(tx, found):
            _expire(tx, found, actor=actor)
        body = {"question": question, "choice": choice, "digest": digest, "idem": idem, "why": refused.why}
        tx.add(found.run, "refuse", actor, body)
        return refused
    body = {"question": question, "choice": choice, "digest": digest, "idem": idem, **(lesson or {})}
    seq = tx.add(found.run, "answer", actor, body)
    tx.change(
        "INSERT INTO answer(question, idem, actor, choice, digest, at_us, seq) VALUES(?,?,?,?,?,?,?)",
        (question, idem, actor, choice, bytes.fromhex(found.digest), tx.now_us, seq),
    )
    tx.change(_SETTLE, ("answered", question))
    return Answered(choice, actor, tx.now_us, True, seq)


def _check_lesson(
    connection: apsw.Connection, found: Stored, choice: int, lesson: Mapping[str, Any], legal: list[bool] | None
) -> None:
    """Raises EventRefused, or ChoiceOutOfRange, for a stated law that is none, or where the run takes none."""
    opened = row(
        connection,
        "SELECT json_extract(body, '$.config.session.residual') FROM event WHERE run = ? AND seq = 1",
        (found.run,),
    )
    if opened is None or not opened[0] or set(lesson) ^ {"lesson", "stated"}:
        raise EventRefused(
            "An answer has a lesson and what was stated together in a run that was opened with residual, and neither in another; for "
            f"question {found.id} there came {', '.join(sorted(lesson)) or 'neither'}."
        )
    taught, law = lesson["lesson"], lesson["stated"]
    stated: list[Any] = list(law) if isinstance(law, list) else []  # pyright: ignore[reportUnknownArgumentType]
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) and one >= 0 for one in stated)
    if not numbers or len(stated) != found.options or not abs(math.fsum(stated) - 1) <= 1e-9:
        raise EventRefused(
            f"What was stated is no distribution over the {found.options} options of question {found.id}."
        )
    if not (is_count(taught) and taught < found.options) or (legal is not None and not legal[taught]):
        raise ChoiceOutOfRange(
            f"The lesson is {taught!r}; what teaches in question {found.id} is one of its legal options, as what is done is."
        )
    if legal is not None and math.fsum(one for one, fine in zip(stated, legal, strict=True) if not fine) > 1e-9:
        raise EventRefused(
            f"What was stated gives options that are not legal in question {found.id} a probability: {stated}."
        )
    for what, action in (("choice", choice), ("lesson", taught)):
        if stated[action] == 0:
            raise ChoiceOutOfRange(
                f"The {what} {action} has probability 0 in what was stated for question {found.id}: both are drawn from it."
            )


def legal_options(connection: apsw.Connection, found: Stored) -> list[bool] | None:
    """Which options a question may be answered with, or None where all of them."""
    asked = row(
        connection, "SELECT json_extract(body, '$.legal') FROM event WHERE run = ? AND seq = ?", (found.run, found.seq)
    )
    return None if asked is None or asked[0] is None else [bool(one) for one in loads(asked[0])]


def _refusal(
    tx: Transaction, found: Stored, choice: int, *, actor: str, digest: str | None, idem: str
) -> AnswerRefused | None:
    if found.answer is not None:
        return _conflict(found, choice)
    if found.state == "withdrawn":
        return QuestionWithdrawn(f"Question {found.id} was withdrawn; the answer {choice} is kept, without effect.")
    if found.state == "expired" or _is_over(tx, found):
        return _late(found)
    if digest != found.digest:
        return QuestionChanged(
            f"The answer {choice} was given to another text of {found.id} (digest {str(digest)[:9]}... instead of "
            f"{found.digest[:9]}...). It is kept and has no effect: read the question again and answer what it says."
        )
    if _held_by_another(tx, found, actor):
        return _lease_held(found)
    other = stored_question(tx.connection, idem, by_idem=True)
    if other is not None:
        return AnswerConflict(
            f"The idempotency key {idem!r} was used for the answer to question {other.id}. Use a new key each time."
        )
    return None


def expire(tx: Transaction, question: str, action: int, *, actor: str) -> LedgerError | None:
    """Closes an unanswered question with the action that was taken instead: the null action, where the question names one."""
    found = stored_question(tx.connection, question)
    if found is None:
        return unknown_question(question)
    if found.null_action is not None and action != found.null_action and found.state != "expired":
        return ChoiceOutOfRange(
            f"The action is {action!r}, but where nobody answers question {question} its null action {found.null_action} is done, and "
            "nothing else. To have something else done, answer it."
        )
    if not is_action(action, found.options):
        return ChoiceOutOfRange(
            f"The action is {action!r}; question {question} has the actions 0 to {found.options - 1}, and -1 for nothing."
        )
    if found.state == "expired":
        return None  # an answer that came late, or another process, has expired it already
    if found.state not in ("open", "claimed"):
        return _settled(tx, found, "expired")
    _expire(tx, found, actor=actor, action=action)
    return None


def _expire(tx: Transaction, found: Stored, *, actor: str, action: int | None = None) -> None:
    chosen = found.null_action if action is None else action
    if found.state not in ("open", "claimed") or chosen is None:
        return  # without a null action only the session knows what was done instead
    tx.add(found.run, "expire", actor, {"question": found.id, "action": chosen})
    tx.change(_SETTLE, ("expired", found.id))


def expire_overdue(tx: Transaction, found: Stored, *, actor: str, now_us: int) -> bool:
    """True if the question was over at `now_us` and is expired now."""
    over = found.deadline_us is not None and found.deadline_us <= now_us and found.null_action is not None
    if over:
        _expire(tx, found, actor=actor)
    return over


def withdraw(tx: Transaction, question: str, reason: str, *, actor: str) -> LedgerError | None:
    """Takes a question back."""
    found = stored_question(tx.connection, question)
    if found is None:
        return unknown_question(question)
    if found.state not in ("open", "claimed"):
        return _settled(tx, found, "withdrawn")
    tx.add(found.run, "withdraw", actor, {"question": question, "reason": reason})
    tx.change(_SETTLE, ("withdrawn", question))
    return None


def unknown_question(question: str) -> UnknownQuestion:
    """The refusal of a question that was never asked."""
    return UnknownQuestion(f"There is no question {question!r} on this ledger. Check the id: run/step.attempt.")


def _is_over(tx: Transaction, found: Stored) -> bool:
    waits = found.state in ("open", "claimed")
    return waits and found.deadline_us is not None and found.deadline_us <= tx.now_us


def _held_by_another(tx: Transaction, found: Stored, actor: str) -> bool:
    if found.state != "claimed" or found.lease_actor == actor:
        return False
    return found.lease_until_us is not None and found.lease_until_us > tx.now_us


def _lease_held(found: Stored) -> LeaseHeld:
    until = moment(found.lease_until_us or 0)
    return LeaseHeld(
        f"{found.lease_actor} is at work on question {found.id} until {until}. Wait, or ask them to release it."
    )


def _late(found: Stored) -> AnswerLate:
    when = "" if found.deadline_us is None else f" Its deadline was {moment(found.deadline_us)}."
    return AnswerLate(
        f"Question {found.id} has expired and its null action stands.{when} Volunteer a correction if it still matters."
    )


def _conflict(found: Stored, choice: int) -> AnswerConflict:
    assert found.answer is not None
    before = found.answer
    return AnswerConflict(
        f"{before.actor} answered question {found.id} with {before.choice} on {moment(before.at_us)}; {choice} "
        "is kept and has no effect. Volunteer a correction if the first answer was wrong.",
        actor=before.actor,
        at_us=before.at_us,
        choice=before.choice,
    )


def _settled(tx: Transaction, found: Stored, wish: str) -> QuestionSettled:
    by = f" by {found.answer.actor} on {moment(found.answer.at_us)}" if found.answer else ""
    return QuestionSettled(f"Question {found.id} is {found.state}{by}, so it cannot be {wish}. Read it again.")
