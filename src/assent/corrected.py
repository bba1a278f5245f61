"""A hand-of-god world driven through a session: corrections come unasked, each on the ledger before it teaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from assent.agents.hand_of_god import HandOfGod as Agent
from assent.core import Belief
from assent.drive import actions_done
from assent.session import Acted, Session
from assent.worlds.hand_of_god import HandOfGod, Life

NOBODY = -1

REQUESTS = 1 << 20
"""Where the random numbers of requests begin; those of steps are below."""


@dataclass(frozen=True)
class Moment:
    """One step as it went.

    Attributes:
        step: from 0.
        state: of the model, before the action.
        about, shown: the place and the action of this step's correction, -1 where none came.
        asked: the agent asked, and `action` is the overseer's.
        action: what was done: what the agent chose, what an order forced, or -1 for nothing.
        belief: what the agent believed when it decided.
        life: the world before the action.
    """

    step: int
    state: int
    about: int
    shown: int
    asked: bool
    action: int
    belief: Belief
    life: Life


def live_corrected(session: Session, world: HandOfGod, *, num_steps: int) -> Iterator[Moment]:
    """The steps that are still to come, each done before it is yielded, until the life is over or `num_steps` are done.

    What the ledger already holds is replayed into the world first. Everything random comes from the session's seed, so a run that
    was broken off goes on as if it never had been. A correction that forces an action is carried out by the world, whatever was decided.
    Where corrections can be paid for, one is bought in each step in which the agent's verdict says that it is worth its price.

    Raises:
        ValueError: the session was opened without `learn_from_corrections`.
    """
    if not session.learns_from_corrections:
        raise ValueError(
            "this session does not learn from corrections, which is all that such a world teaches by: open it so."
        )
    key = jax.random.key(session.seed)
    key_of, step_world = jax.jit(jax.random.fold_in), jax.jit(HandOfGod.step)
    life = jax.jit(HandOfGod.init)(world, key_of(key, 0))
    session.flush()
    events = list(session.ledger.events(session.run))
    for step, action in enumerate(actions_done(events)[: session.step]):
        life = step_world(world, key_of(key, step + 1), life, np.int32(action))
    said = {event.body["step"] for event in events if event.kind == "volunteer"}
    for step in range(session.step, num_steps):
        if bool(life.done):
            _hear(session, world, life, step, heard=step in said)  # what ended the life is learned from too
            return
        moment = _moment(session, world, life, step, key_of(key, REQUESTS + step), heard=step in said)
        life = step_world(world, key_of(key, step + 1), moment.life, np.int32(moment.action))
        yield moment


def _hear(session: Session, world: HandOfGod, life: Life, step: int, *, heard: bool) -> tuple[int, int]:
    """The place and action of this step's correction, on the ledger and learned from, unless it was `heard` before the run broke off."""
    seen: Any = world.observe(life)
    about, shown = int(seen.about), int(seen.shown)
    if about >= 0 and not heard and session.waiting is None:
        session.volunteer(step, shown, actor="overseer", obs=about)
    return about, shown


def _moment(session: Session, world: HandOfGod, life: Life, step: int, key: Any, *, heard: bool) -> Moment:
    about, shown = _hear(session, world, life, step, heard=heard)
    state = int(life.state)
    if not heard and session.waiting is None and world.trigger == "on_request":
        wanted = _request(session, state)
        if wanted is not None:
            life = world.request(key, life, wanted)
            about, shown = _hear(session, world, life, step, heard=False)
    asked, belief = session.waiting is not None, session.belief
    action = NOBODY
    if not asked:
        decision = session.decide(state)
        asked = not isinstance(decision, Acted)
        action = NOBODY if asked else decision.action  # pyright: ignore[reportAttributeAccessIssue]
    if asked:
        # who has been sent away, or cannot be heard from here, answers nothing
        reachable = float(world.rate[state]) > 0
        action = session.consult(int(world.reveal(life))) if reachable else session.expire()
    done = int(world.forced(life, action)) if action >= 0 else action
    return Moment(step, state, about, shown, asked, done, belief, life)


def _request(session: Session, state: int) -> int | None:
    """The place about which a correction is worth paying for, -1 for the current one; None if none is."""
    verdict = session.agent.verdict(session.belief, state) if isinstance(session.agent, Agent) else None
    return verdict.about if verdict is not None and verdict.requests else None
