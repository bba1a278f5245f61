"""A simulated world driven through a session: every round on the ledger, and a broken run goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from assent.fold import done
from assent.ledger import Event
from assent.session import Acted, Session

WORLDS_OVERSEER = "overseer"
"""Who corrects, on the ledger, when the world does so by itself. People who correct beside it have other names."""


@dataclass(frozen=True)
class Round:
    """One round as it went.

    Attributes:
        step: from 0.
        asked: the overseer was asked.
        action: what was done.
        truth: the right action where it is known, else None.
        state: the world's, after the round.
    """

    step: int
    asked: bool
    action: int
    truth: int | None
    state: Any = None


def drive(
    session: Session,
    world: Any,
    *,
    num_steps: int,
    truth: Any = None,
    keys: Callable[[int], Any] = lambda step: None,
) -> Iterator[Round]:
    """The rounds that are still to come, each done before it is yielded.

    Whatever the ledger already holds is replayed into the world first, so that a run broken at any point, by a kill too, ends with the
    same events as an unbroken one. What waits in the ledger's buffer is written before.

    Args:
        truth: integers `[T]`, the right actions; recorded as outcomes of lone acts, never learned from.
        keys: the key of the world's step, by step number; `keys(-1)` is that of `init`.
    """
    state = world.init(keys(-1))
    session.flush()
    events = list(
        session.ledger.events(session.run, kinds=("act", "veto", "ask", "answer", "expire", "withdraw", "outcome"))
    )
    for step, action in enumerate(actions_done(events)[: session.step]):
        state = world.step(keys(step), state, action)
    _complete(session, events, truth)
    for step in range(session.step, num_steps):
        asked = session.waiting is not None
        if not asked:
            decision = session.decide(_plain(world.observe(state)))
            asked = not isinstance(decision, Acted)
        action = session.consult(_plain(world.reveal(state))) if asked else decision.action  # pyright: ignore
        known = None if truth is None else int(truth[step])
        if not asked and known is not None:
            session.outcome(step, known)
        state = world.step(keys(step), state, action)
        yield Round(step, asked, action, known, state)


def _plain(value: Any) -> Any:
    """A context number as a Python int, so that it can be recorded and looked up; anything else as it is."""
    if isinstance(value, tuple | list | dict):
        return value
    if np.ndim(value) == 0 and np.issubdtype(np.asarray(value).dtype, np.integer):
        return int(value)
    return value


def actions_done(events: list[Event]) -> list[int]:
    """The actions done so far, by step; the step of a question that still waits is not among them."""
    actions: dict[int, int] = {}
    asked: dict[str, dict[str, Any]] = {}
    for event in events:
        body = event.body
        if event.kind == "act":
            actions[body["step"]] = done(body, body["action"])
        elif event.kind == "veto":
            actions[body["step"]] = body["instead"]
        elif event.kind == "ask":
            asked[body["question"]] = body
        elif event.kind == "answer":
            actions[asked[body["question"]]["step"]] = done(asked[body["question"]], body["choice"])
        elif event.kind == "expire":
            actions[asked[body["question"]]["step"]] = done(asked[body["question"]], body["action"])
        elif event.kind == "withdraw":
            actions[asked[body["question"]]["step"]] = done(
                asked[body["question"]], asked[body["question"]]["null_action"]
            )
    return [actions[step] for step in sorted(actions)]


def _complete(session: Session, events: list[Event], truth: Any) -> None:
    """Records the outcome of the last lone act if the run broke between the two."""
    acts = [event.body["step"] for event in events if event.kind == "act"]
    known = {event.body["step"] for event in events if event.kind == "outcome"}
    if truth is not None and acts and acts[-1] not in known:
        session.outcome(acts[-1], int(truth[acts[-1]]))
