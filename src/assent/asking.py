"""What a session needs to ask: somebody who can be asked, and the body of the question."""

from __future__ import annotations

from typing import Any

import numpy as np

from assent.agents.considering import Considering
from assent.alarms import exhausted
from assent.core import Belief, Overseer
from assent.decisions import NoOverseer
from assent.dossier import Ready, ask_body, dossier
from assent.overseers.inbox import Inbox


def asked_of(overseer: Overseer | Inbox | None, *, states: bool = False) -> Overseer | Inbox:
    """`overseer`, if it can be asked.

    Args:
        states: whether it has to state probabilities.

    Raises:
        NoOverseer: it is None, a class, has no method `answer`, or no method `probs` where it has to state probabilities.
    """
    if overseer is None:
        raise NoOverseer(
            "the session has no overseer: give a simulated one, or Inbox() when people answer through the ledger. An agent that "
            "nobody can be asked about has nothing to be conservative with."
        )
    if isinstance(overseer, type) or not (isinstance(overseer, Inbox) or callable(getattr(overseer, "answer", None))):
        raise NoOverseer(f"{overseer!r} cannot be asked: give an object with a method answer, or Inbox().")
    if states and not callable(getattr(overseer, "probs", None)):
        raise NoOverseer(f"{overseer!r} states no probabilities: give one with a method probs, or leave out residual.")
    return overseer


def question_body(
    agent: Considering,
    belief: Belief,
    ready: Ready,
    *,
    run: str,
    step: int,
    obs: Any,
    uniform: float,
    labels: list[str],
    null_action: int,
    wait_s: float | None,
    every_action: bool,
) -> dict[str, Any]:
    """The body of the `ask` event: what is asked, why, with which numbers, and what is done if nobody answers.

    `every_action`: the overseer states probabilities, to be compared action by action, so the dossier leaves none out.
    """
    log_weight = agent.log_weight(belief)
    members: Any = agent.hypotheses
    legal = {"legal": np.asarray(members.legal(obs)).tolist()} if hasattr(members, "legal") else {}
    return {
        **ask_body(ready, run, step, obs, labels, dossier(ready, log_weight, members.names, every_action=every_action)),
        **legal,
        "u": uniform,
        "reason": ready.why(uniform, exhausted=exhausted(log_weight)),
        "wait_s": wait_s,
        "null_action": null_action,
    }
