"""What must hold of every run, whatever happened to it: I1 to I10, one function each.

Each takes the history of a run, what the tables say (None for an export, which has no tables) and, for I3, the beliefs
computed anew; each returns sentences about what fails, none if the invariant holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assent.ledger.acts import ACT_COLUMNS
from assent.ledger.events import Event
from assent.ledger.history import History
from assent.ledger.projections import TABLES, Projections, fold

_ROUNDING: Final = {"float64": 2.0**-53, "float32": 2.0**-24}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an invariant is checked on. `refolded`: seq of an apply -> digest of the belief after it, or None."""

    history: History
    stored: Projections | None = None
    refolded: Mapping[int, str] | None = None

    @property
    def run(self) -> str:
        """Whose history it is."""
        return self.history.run


def one_answer(evidence: Evidence) -> list[str]:
    """I1: a question has at most one answer."""
    counts = Counter(event.body["question"] for event in evidence.history.of("answer"))
    return [f"question {question} has {count} answers." for question, count in counts.items() if count > 1]


def applied_once(evidence: Evidence) -> list[str]:
    """I2: an apply names one earlier answer or volunteer event, and none is named twice."""
    causes = {event.seq for event in evidence.history.of("answer", "volunteer")}
    failures: list[str] = []
    named: set[int] = set()
    for event in evidence.history.of("apply"):
        cause = event.body["cause"]
        if cause not in causes or cause >= event.seq:
            failures.append(f"apply {event.seq} names event {cause}, which is no answer or correction before it.")
        if cause in named:
            failures.append(f"apply {event.seq} names event {cause}, which was applied before.")
        named.add(cause)
    return failures


def belief_follows(evidence: Evidence) -> list[str]:
    """I3: a checkpoint is what the learner comes to from the answers applied so far.

    Without `refolded` only the place of each checkpoint is checked, not the belief.
    """
    failures: list[str] = []
    last = 0
    for event in evidence.history.of("apply", "checkpoint"):
        if event.kind == "apply":
            last = event.seq
            continue
        belief, applied = event.body["belief"], event.body["applied_seq"]
        if applied != last:
            failures.append(f"checkpoint {event.seq} names apply {applied}, but the last one before it is {last}.")
        if not (isinstance(belief, str) and len(belief) == 64):
            failures.append(f"checkpoint {event.seq} has no digest of its belief.")
        elif evidence.refolded is not None and evidence.refolded.get(applied) != belief:
            failures.append(f"checkpoint {event.seq} holds a belief that its answers do not lead to.")
    return failures


def none_after_halt(evidence: Evidence) -> list[str]:
    """I4: no decision between a halt and its resume."""
    failures: list[str] = []
    start: int | None = None
    acts = evidence.history.act_seq
    for event in [*evidence.history.of("halt", "resume", "ask"), None]:
        if event is not None and event.kind == "ask":
            if start is not None:
                failures.append(f"ask {event.seq} came after halt {start} and before a resume.")
        elif event is not None and event.kind == "halt":
            start = event.seq if start is None else start
        elif start is not None:
            end = np.iinfo(np.int64).max if event is None else event.seq
            between = acts[np.searchsorted(acts, start) : np.searchsorted(acts, end)]
            failures += [f"act {seq} came after halt {start} and before a resume." for seq in between]
            start = None
    return failures


def same_text(evidence: Evidence) -> list[str]:
    """I5: a question carries the digest of its text, and an answer that of the question."""
    asked = {event.body["question"]: event.body["digest"] for event in evidence.history.of("ask")}
    failures = [f"ask {seq} carries a digest that is not that of what it asks." for seq in evidence.history.reworded]
    return failures + [
        f"answer {event.seq} was given to another text of question {event.body['question']}."
        for event in evidence.history.of("answer")
        if asked.get(event.body["question"]) != event.body["digest"]
    ]


def within_minimum(evidence: Evidence) -> list[str]:
    """I6: an act follows from its uniform number, and no act has more mass than the leaders' minimum, under Minimum.

    u >= ask exactly. The action's interval is [ask + below, ask + below + mass) up to rounding: `below` and `ask` are
    sums of at most A terms of total <= 1, each addition within 2**-53, so each sum is within A 2**-53 and their sum
    with `mass` within (2 A + 3) 2**-53. An assent whose parts sum to 1 within 256 eps counts as whole, and the last
    action has what is left over: 512 times 2**-53 more. (2**-24 where the members' rows are float32.)
    """
    history = evidence.history
    if not len(history.acts):
        return []
    opened = next(iter(history.of("open")), None)
    agent: dict[str, Any] = {} if opened is None else opened.body["agent"]
    column = {name: history.acts[:, index] for index, name in enumerate(ACT_COLUMNS)}
    u, ask, below, mass = (column[name] for name in ("u", "ask", "below", "mass"))
    rounding = _ROUNDING.get(str(agent.get("dtype")), 2.0**-53)
    slack = (2 * int(agent.get("num_actions", 2)) + 3 + 512) * rounding
    # Each condition is one that must hold, so that NaN fails it.
    failures = _acts(history, u >= ask, "acted although its uniform number says ask")
    failures += _acts(history, u >= ask + below - slack, "has a uniform number below the interval of its action")
    failures += _acts(history, u < ask + below + mass + slack, "has a uniform number above the interval of its action")
    failures += _acts(history, mass > 0, "took an action without any assent")
    if agent.get("rule") == "Minimum":
        # two libraries' exponentials differ by some units in the last place
        allowed = column["minimum"] * (1 + 16 * rounding)
        failures += _acts(history, mass <= allowed, "took an action with more assent than the leaders' minimum")
    return failures


def _acts(history: History, holds: np.ndarray, what: str) -> list[str]:
    return [f"act {seq} {what}." for seq in history.act_seq[~holds]]


def answers_present(evidence: Evidence) -> list[str]:
    """I7: what was acknowledged is there: an answered question has its answer event, and the other way round.

    That no acknowledged answer is lost when the process is killed is what the crash tests show.
    """
    if evidence.stored is None:
        return []
    events = {event.body["question"] for event in evidence.history.of("answer")}
    answered = {key for key, row in evidence.stored.question.items() if row["state"] == "answered"}
    rows = set(evidence.stored.answer)
    failures = [f"question {key} counts as answered but has no answer event." for key in sorted(answered - events)]
    failures += [f"the answer to question {key} is there but has no effect." for key in sorted(events - answered)]
    failures += [f"question {key} has an answer row without an answer event." for key in sorted(rows - events)]
    return failures + [f"question {key} has an answer event without an answer row." for key in sorted(events - rows)]


def fence_grows(evidence: Evidence) -> list[str]:
    """I8: every claim of a question has a higher fence than the one before."""
    failures: list[str] = []
    fences: dict[str, int] = {}
    for event in evidence.history.of("claim"):
        question, fence = event.body["question"], event.body["fence"]
        before = fences.get(question, 0)
        if fence <= before:
            failures.append(
                f"claim {event.seq} of question {question} has fence {fence} after {fences.get(question, 0)}."
            )
        fences[question] = max(fence, before)
    return failures


def tables_follow(evidence: Evidence) -> list[str]:
    """I9: the tables are what the events lead to."""
    if evidence.stored is None:
        return []
    try:
        folded = fold(evidence.history.rest)
    except (KeyError, TypeError) as error:
        return [f"the events cannot be folded into tables: {error!r} is missing or out of order."]
    failures: list[str] = []
    for table in TABLES:
        want, have = getattr(folded, table), getattr(evidence.stored, table)
        failures += [
            f"table {table}, row {key}: {_difference(want.get(key), have.get(key))}."
            for key in sorted(want.keys() | have.keys())
            if want.get(key) != have.get(key)
        ]
    return failures


def _difference(want: dict[str, object] | None, have: dict[str, object] | None) -> str:
    if want is None:
        return "no event leads to it"
    if have is None:
        return "it is missing"
    return "; ".join(f"{name} is {have[name]!r} instead of {want[name]!r}" for name in want if want[name] != have[name])


def expired_is_not_acted(evidence: Evidence) -> list[str]:
    """I10: where a question expired there is no answer in effect and no act of the agent's own."""
    history = evidence.history
    asked = {event.body["question"]: (event.body["step"], event.body["attempt"]) for event in history.of("ask")}
    expired = [event.body["question"] for event in history.of("expire")]
    answered = {event.body["question"] for event in history.of("answer")}
    failures = [f"question {question} is both expired and answered." for question in expired if question in answered]
    places = np.array([asked[question] for question in expired if question in asked], dtype=np.float64).reshape(-1, 2)
    if not len(places) or not len(history.acts):
        return failures
    # A complex number holds step and attempt exactly and compares as the pair.
    acts = history.acts[:, 0] + 1j * history.acts[:, 1]
    acted = np.isin(acts, places[:, 0] + 1j * places[:, 1])
    return failures + [f"act {seq} was taken where a question had expired." for seq in history.act_seq[acted]]


def opened_first(evidence: Evidence) -> list[str]:
    """Form: the first event opens the run, no other does, after a close only outcomes and the like come, and no two decisions
    stand at one place."""
    from assent.ledger.events import AFTER_CLOSE

    rest = evidence.history.rest
    opens = [event.seq for event in rest if event.kind == "open"]
    failures = [] if opens == [1] else [f"the run is opened by the events {opens} instead of event 1."]
    closed: Event | None = next((event for event in rest if event.kind == "close"), None)
    if closed is not None:
        after = [event for event in rest if event.seq > closed.seq and event.kind not in AFTER_CLOSE]
        failures += [f"{event.kind} {event.seq} came after the run was closed." for event in after]
        acts = evidence.history.act_seq
        failures += [f"act {seq} came after the run was closed." for seq in acts[acts > closed.seq]]
    return failures + _same_place(evidence.history)


def _same_place(history: History) -> list[str]:
    asks = history.of("ask")
    asked = np.array([(event.body["step"], event.body["attempt"]) for event in asks], dtype=np.float64).reshape(-1, 2)
    seqs = np.concatenate([history.act_seq, np.array([event.seq for event in asks], dtype=np.int64)])
    places = np.concatenate([history.acts[:, :2], asked]) @ np.array([1, 1j])
    order = np.argsort(seqs)
    _, first = np.unique(places[order], return_index=True)
    return [
        f"event {seq} is a second decision at one place of the run." for seq in np.sort(np.delete(seqs[order], first))
    ]


Invariant = Callable[[Evidence], list[str]]
INVARIANTS: Final[tuple[tuple[str, Invariant], ...]] = (
    ("form", opened_first),
    ("I1", one_answer),
    ("I2", applied_once),
    ("I3", belief_follows),
    ("I4", none_after_halt),
    ("I5", same_text),
    ("I6", within_minimum),
    ("I7", answers_present),
    ("I8", fence_grows),
    ("I9", tables_follow),
    ("I10", expired_is_not_acted),
)
