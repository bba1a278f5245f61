"""A hand-of-god world driven through a session: corrections come unasked, each on the ledger before it teaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from assent.agents.hand_of_god import HandOfGod as Agent
from assent.core import Belief
from assent.drive import WORLDS_OVERSEER, actions_done
from assent.ledger import decode
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
    was broken off goes on as if it never had been. A correction that forces an action is carried out by the world, whatever was decided,
    and the ledger has both. Where corrections can be paid for, one is bought in each step in which the agent's verdict says that it is
    worth its price; the request is on the ledger before anybody knows whether an answer comes.

    Raises:
        ValueError: the session was opened without `learn_from_corrections`; the world is not the one that the run was lived in.
    """
    if not session.learns_from_corrections:
        raise ValueError(
            "this session does not learn from corrections, which is all that such a world teaches by: open it so."
        )
    key = jax.random.key(session.seed)
    key_of, step_world = jax.jit(jax.random.fold_in), jax.jit(HandOfGod.step)
    life = jax.jit(HandOfGod.init)(world, key_of(key, 0))
    session.flush()
    told = _Told.of(session)
    for step, action in enumerate(told.actions[: session.step]):
        if step in told.requests:
            life = world.request(key_of(key, REQUESTS + step), life, told.requests[step])
        told.check(step, int(life.state))
        life = step_world(world, key_of(key, step + 1), life, np.int32(action))
    for step in range(session.step, num_steps):
        if bool(life.done):
            _hear(session, world, life, step, told)  # what ended the life is learned from too
            return
        moment = _moment(session, world, life, step, key_of(key, REQUESTS + step), told)
        if moment is None:
            return
        life = step_world(world, key_of(key, step + 1), moment.life, np.int32(moment.action))
        yield moment


@dataclass
class _Told:
    """What the ledger already says of a life.

    Attributes:
        actions: what was done in each step.
        observed: by step, the state in which it was decided.
        requests: by step, the place about which a correction was paid for.
        heard: by step, how many of the world's own corrections are on the ledger and have not been met again.
    """

    actions: list[int]
    observed: dict[int, Any]
    requests: dict[int, int]
    heard: Counter[int]

    @classmethod
    def of(cls, session: Session) -> _Told:
        events = list(session.ledger.events(session.run))
        decisions = [event.body for event in events if event.kind in ("act", "ask")]
        return cls(
            actions_done(events),
            {body["step"]: decode(body["obs"]) for body in decisions if "obs" in body},
            {event.body["step"]: decode(event.body["about"]) for event in events if event.kind == "request"},
            Counter(
                event.body["step"] for event in events if event.kind == "volunteer" and event.actor == WORLDS_OVERSEER
            ),
        )

    def check(self, step: int, state: int) -> None:
        """Nothing, if the decision of `step` was made in `state`; else a ValueError."""
        if self.observed.get(step, state) != state:
            raise ValueError(
                f"step {step} was decided in state {self.observed[step]}, but the world that is replayed from the ledger is in state "
                f"{state}: it is not the world that this run was lived in. Give the same level, settings and seed."
            )


def _hear(session: Session, world: HandOfGod, life: Life, step: int, told: _Told) -> tuple[int, int]:
    """The place and action of this step's correction, learned from and on the ledger, where it may be already."""
    seen: Any = world.observe(life)
    about, shown = int(seen.about), int(seen.shown)
    if about >= 0:
        if told.heard[step]:
            told.heard[step] -= 1
        elif session.waiting is None:
            session.volunteer(step, shown, actor=WORLDS_OVERSEER, obs=about)
    return about, shown


def _moment(session: Session, world: HandOfGod, life: Life, step: int, key: Any, told: _Told) -> Moment | None:
    """The step, or None if a correction that was paid for has ended the life before it."""
    about, shown = _hear(session, world, life, step, told)
    state = int(life.state)
    wanted = told.requests.get(step)
    if wanted is None and session.waiting is None and world.trigger == "on_request":
        wanted = _request(session, state)
        if wanted is not None:
            session.request(step, wanted)
    if wanted is not None:
        answered = world.request(key, life, wanted)
        if int(answered.corrections) > int(life.corrections):
            about, shown = _hear(session, world, answered, step, told)
        life = answered
        if bool(life.done):
            return None
    asked, belief = session.waiting is not None, session.belief
    order = int(world.forced(life, NOBODY))
    action = NOBODY
    if not asked:
        decision = session.decide(state, order=order if order >= 0 else None)
        asked = not isinstance(decision, Acted)
        action = NOBODY if asked else decision.action  # pyright: ignore[reportAttributeAccessIssue]
    if asked:
        # who has been sent away, or cannot be heard from here, answers nothing
        reachable = float(world.rate[state]) > 0
        action = session.consult(int(world.reveal(life))) if reachable else session.expire()
    return Moment(step, state, about, shown, asked, order if order >= 0 else action, belief, life)


def _request(session: Session, state: int) -> int | None:
    """The place about which a correction is worth paying for, -1 for the current one; None if none is."""
    verdict = session.agent.verdict(session.belief, state) if isinstance(session.agent, Agent) else None
    return verdict.about if verdict is not None and verdict.requests else None
