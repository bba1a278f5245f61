"""A hand-of-god world driven through a session: corrections come unasked, each on the ledger before it teaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from assent.core import Belief
from assent.drive import actions_done
from assent.session import Acted, Session
from assent.worlds.hand_of_god import HandOfGod, Life


@dataclass(frozen=True)
class Moment:
    """One step as it went.

    Attributes:
        step: from 0.
        state: of the model, before the action.
        about, shown: the place and the action of this step's correction, -1 where none came.
        asked: the agent asked, and `action` is the overseer's.
        action: what was done.
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
            return
        moment = _moment(session, world, life, step, heard=step in said)
        life = step_world(world, key_of(key, step + 1), life, np.int32(moment.action))
        yield moment


def _moment(session: Session, world: HandOfGod, life: Life, step: int, *, heard: bool) -> Moment:
    seen: Any = world.observe(life)
    state, about, shown = (int(part) for part in (seen.state, seen.about, seen.shown))
    asked = session.waiting is not None
    if about >= 0 and not heard and not asked:
        session.volunteer(step, shown, actor="overseer", obs=about)
    action, belief = -1, session.belief
    if not asked:
        decision = session.decide(state)
        asked = not isinstance(decision, Acted)
        action = -1 if asked else decision.action  # pyright: ignore[reportAttributeAccessIssue]
    if asked:
        action = session.consult(int(world.reveal(life)))
    return Moment(step, state, about, shown, asked, action, belief, life)
