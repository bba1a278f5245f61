"""Why a question was asked: which member keeps which action from being done alone, and what the answer then taught."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from assent.dossier import shown_actions
from assent.ledger import Event


@dataclass(frozen=True)
class Blocker:
    """The leading member that gives an action least.

    Attributes:
        action: its name.
        minimum: in [0, 1], what that member gives it, and so the most that may be done alone.
        most: in [0, 1], what the leading member that gives it most does.
        member: who gives it least, and `weight` that member's posterior weight; None where the dossier was cut and the member is not in it.
    """

    action: str
    minimum: float
    most: float
    member: str | None
    weight: float | None


@dataclass(frozen=True)
class Explanation:
    """One question of a run.

    Attributes:
        question: its id; `step` the decision, `reason` the recorded word for why it asked.
        ask: in [0, 1], the chance that this round was asked; `theta` the part of it that the members' disagreement makes.
        leaders: how many members led.
        blockers: one for each action that the record shows, the one with the greatest disagreement first.
        others: how many more actions there are, of a large vocabulary; the leaders like each of them less than any that is shown.
        dissent: members that take mass away alone, strongest first; where several do it together, those whose best action is not the
            mixture's.
        state: "answered", "expired" (nobody answered in time, the null action was done), "withdrawn" or "waiting".
        answer: the name of the action that was answered and done, None where nobody did; `by` who answered.
        lesson: the name of the action that taught instead, where the overseer stated probabilities and it was drawn from them.
        surprise: nats, of what taught under the mixture of all members; None where it is unknown or was impossible.
        leaders_after: how many members led once the answer was learned from; None where it was not.
    """

    question: str
    step: int
    reason: str
    ask: float
    theta: float
    leaders: int
    blockers: tuple[Blocker, ...]
    others: int
    dissent: tuple[str, ...]
    state: str
    answer: str | None
    lesson: str | None
    by: str | None
    surprise: float | None
    leaders_after: int | None


ENDS = {"expire": "expired", "withdraw": "withdrawn"}


def explain(events: Iterable[Event], question: str) -> Explanation:
    """The explanation of one question of the run whose events these are. `question` is its id, or the number of its decision.

    Raises:
        ValueError: there is no such question (names some that there are).
    """
    labels: list[str] = []
    asked: dict[str, Any] | None = None
    answered: Event | None = None
    applied: Event | None = None
    state = "waiting"
    known: list[str] = []
    for event in events:
        if event.kind == "open":
            labels = list(event.body["view"]["labels"])
        elif event.kind == "ask":
            known.append(event.body["question"])
            if question in (event.body["question"], str(event.body["step"])):
                asked = event.body
        elif asked is not None and event.kind == "answer" and event.body["question"] == asked["question"]:
            answered, state = event, "answered"
        elif event.kind in ENDS and asked is not None and event.body["question"] == asked["question"]:
            state = ENDS[event.kind]
        elif answered is not None and event.kind == "apply" and event.body["cause"] == answered.seq:
            applied = event
    if asked is None:
        some = ", ".join(known[:3]) or "none"
        raise ValueError(f"there is no question {question!r} in this run of {len(known)} questions; the first: {some}.")
    dossier = asked["dossier"]
    return Explanation(
        question=asked["question"],
        step=asked["step"],
        reason=asked["reason"],
        ask=float(asked["ask"]),
        theta=float(asked.get("theta", max(0.0, 1 - sum(dossier["minimum"])))),
        leaders=asked["leaders"],
        blockers=_blockers(dossier, labels),
        others=dossier["others"]["count"] if "others" in dossier else 0,
        dissent=tuple(dossier["members"][member] for member in dossier["dissent"]),
        state=state,
        lesson=None if answered is None or "lesson" not in answered.body else labels[answered.body["lesson"]],
        answer=None if answered is None else labels[answered.body["choice"]],
        by=None if answered is None else answered.actor,
        surprise=None if applied is None else applied.body["surprise"],
        leaders_after=None if applied is None else applied.body["leaders"],
    )


def _blockers(dossier: dict[str, Any], labels: list[str]) -> tuple[Blocker, ...]:
    leading = [member for member, leads in enumerate(dossier["leading"]) if leads]
    found: list[Blocker] = []
    for place, action in enumerate(shown_actions(dossier)):
        rows = {member: float(dossier["rows"][member][place]) for member in leading}
        minimum = float(dossier["minimum"][place])
        # ties go to the member with the most weight: of those who say it, the likeliest to be right
        least = min(rows, key=lambda member: (rows[member], -dossier["weights"][member])) if rows else None
        shown = least is not None and rows[least] <= minimum * (1 + 1e-9) + 1e-15
        found.append(
            Blocker(
                labels[action],
                minimum,
                max(rows.values(), default=0.0),
                dossier["members"][least] if shown and least is not None else None,
                float(dossier["weights"][least]) if shown and least is not None else None,
            )
        )
    return tuple(sorted(found, key=lambda blocker: blocker.minimum - blocker.most))
