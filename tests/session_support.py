"""Small committees, agents and sessions that the tests of the session layer share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assent.agents.imitator import Imitator
from assent.core import Answer, Grade, Minimum, RatioSet, Readable
from assent.hypotheses.tables import Tables
from assent.ledger import Event, Ledger
from assent.overseers.demonstrator import Demonstrator
from assent.session import Session

CONTEXTS, ACTIONS = 7, 3


@contextmanager
def unchecked() -> Iterator[None]:
    """Without the run-time check of every argument, for loops of a hundred thousand calls; other tests make the same calls checked."""
    import jaxtyping

    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)


def policies(seed: int, *, members: int = 6, contexts: int = CONTEXTS, actions: int = ACTIONS) -> np.ndarray:
    """`[H, S, A]`, every entry above 0, every row summing to 1."""
    rows = np.random.default_rng(seed).dirichlet(np.ones(actions), size=(members, contexts))
    return 0.95 * rows + 0.05 / actions


def tables_agent(seed: int = 0, **settings: Any) -> Imitator:
    return Imitator.of(Tables.of(policies(seed)), **settings)


def demonstrator(seed: int = 0) -> Demonstrator:
    """Follows the first member of `policies(seed)`."""
    return Demonstrator(policies(seed)[0])


def open_session(ledger: Ledger, **settings: Any) -> Session:
    given = {"agent": tables_agent(), "run": "run", "overseer": demonstrator(), "null_action": 0, **settings}
    return Session.open(given.pop("agent"), ledger, **given)


def until_asked(session: Session, *, most: int = 500) -> int:
    """Decides until the overseer is asked; the observation of that round."""
    for number in range(most):
        obs = number % CONTEXTS
        session.decide(obs)
        if session.waiting is not None:
            return obs
    raise AssertionError(f"nothing was asked in {most} decisions")


def bodies(events: Iterable[Event]) -> list[tuple[Any, ...]]:
    """What two runs with the same seed must share: everything but times and hashes."""
    return [(event.run, event.seq, event.kind, event.actor, event.body) for event in events]


def same_belief(one: Session, other: Session) -> bool:
    """Bit for bit, memory included."""
    from assent.fold import belief_digest

    return belief_digest(one.belief) == belief_digest(other.belief)


def write_again(events: Iterable[Event], path: Path) -> Ledger:
    """A ledger that holds just these events, written through its public methods as whoever wrote them did."""
    ledger = Ledger.open(path, group=10_000)
    for event in events:
        add(ledger, event)
    ledger.flush()
    return ledger


def add(ledger: Ledger, event: Event) -> None:
    run, body, actor = event.run, event.body, event.actor
    match event.kind:
        case "open":
            ledger.open_run(run, body, actor=actor)
        case "ask":
            ledger.ask(run, body, actor=actor)
        case "answer":
            lesson = {key: body[key] for key in ("lesson", "stated") if key in body}
            told = {"digest": body["digest"], "idem": body["idem"], "lesson": lesson}
            ledger.answer(body["question"], body["choice"], actor=actor, **told)
        case "apply":
            rest = {key: value for key, value in body.items() if key != "cause"}
            ledger.apply(run, body["cause"], rest, actor=actor)
        case "expire":
            ledger.expire(body["question"], body["action"], actor=actor)
        case "withdraw":
            ledger.withdraw(body["question"], body["reason"], actor=actor)
        case "veto":
            ledger.veto(run, body, actor=actor)
        case "volunteer":
            ledger.volunteer(run, body["step"], body["choice"], actor=actor, obs=body["obs"], note=body["note"])
        case "halt":
            ledger.halt(run, body["reason"], actor=actor)
        case "resume":
            ledger.resume(run, body["reason"], actor=actor)
        case _:
            ledger.append(run, event.kind, body, actor=actor)


@dataclass(frozen=True, eq=False)
class Habits:
    """Members whose rows depend on the last two actions: hypotheses that remember, which none in the library does yet.

    `rows` is `[H, A + 1, A + 1, A]`: by member, the action before the last, the last (A stands for none, or the null action).
    """

    rows: np.ndarray

    @classmethod
    def of(cls, seed: int, *, members: int = 4, actions: int = ACTIONS) -> Habits:
        rows = np.random.default_rng(seed).dirichlet(np.ones(actions), size=(members, actions + 1, actions + 1))
        return cls(0.95 * rows + 0.05 / actions)

    @property
    def num_contexts(self) -> None:
        return None

    @property
    def remembers(self) -> bool:
        return True

    @property
    def grade(self) -> Grade:
        return "exact"

    @property
    def num_members(self) -> int:
        return len(self.rows)

    @property
    def num_actions(self) -> int:
        return self.rows.shape[-1]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"habit {number}" for number in range(self.num_members))

    def log_prior(self) -> np.ndarray:
        return np.full(self.num_members, -np.log(self.num_members))

    def init(self) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(self.num_actions), np.asarray(self.num_actions)

    def log_policy(self, memory: Any, obs: Any) -> np.ndarray:
        return np.log(self.rows[:, int(memory[0]), int(memory[1])])

    def advance(self, memory: Any, obs: Any, action: Any) -> Any:
        return memory[1], np.asarray(self.num_actions if int(action) < 0 else int(action))

    def learn(self, memory: Any, obs: Any, answer: Answer) -> Any:
        return memory


def habits_agent(seed: int = 0) -> Imitator:
    return Imitator(Habits.of(seed), RatioSet(0.05), Minimum(), (Readable(),))
