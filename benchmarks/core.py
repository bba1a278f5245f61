"""How fast are the rule, the rollout and the session? Beside NumPy's bare reductions and a plain Python loop, in the same run."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import _threads  # noqa: F401  (before NumPy and JAX)
import numpy as np
from _report import Row, best_s, main

from assent.agents.imitator import Imitator
from assent.core import Answer, Audit, Guard, Minimum, RatioSet, Readable, RiskCap, Tallied, decide, uniforms
from assent.hypotheses.tables import Tables
from assent.ledger import Ledger
from assent.overseers.demonstrator import Demonstrator
from assent.rollout import compiled_lives, live
from assent.session import Asked, Session
from assent.worlds.stream import Stream

MEMBERS, STATES, ACTIONS, ROUNDS = 1000, 20, 4, 1_000_000
PYTHON_ROUNDS = 20_000
SESSION_ROUNDS = 100_000


def _rule() -> Row:
    rows = np.random.default_rng(0).normal(size=(8, 50_000)).astype(np.float32) * 3
    rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
    weight = np.log(np.full(8, 1 / 8, dtype=np.float32))
    rule = Minimum()
    ours = best_s(lambda: rule(rows, weight), 200)
    peer = best_s(lambda: np.exp(rows.min(axis=0)).sum(), 200)
    return _row(
        "minimum rule, 8 x 50,000, float32",
        1 / ours,
        "min, exp and sum alone",
        1 / peer,
        f"{1e3 * ours:.3f} ms (bar 0.3)",
    )


def _setting(members: int = MEMBERS, states: int = STATES, actions: int = ACTIONS) -> tuple[np.ndarray, Stream]:
    rng = np.random.default_rng(0)
    policies = rng.dirichlet(np.ones(actions), size=(members, states))
    return policies, Stream.of(rng.integers(0, states, ROUNDS), num_actions=actions)


def _lives() -> list[Row]:
    small, wide = _setting(), _setting(4000, 100, 16)
    guards = (Readable(), Audit(0.01), RiskCap(5.0))
    before = compiled_lives()
    bare = _rounds_per_s(*small)
    compiled = f"{compiled_lives() - before} compilation for three deltas"
    guarded, wider = _rounds_per_s(*small, guards=guards), _rounds_per_s(*wide)
    python, note = "plain Python loop", f"{compiled}; bar 300,000"
    return [
        _row("rollout, 1,000 members, one thread", bare, python, _python(*small), note),
        _row("the same, audited, its risk capped", guarded, "without guards", bare, ""),
        _row("rollout, 4,000 members, 100 states, 16 actions", wider, python, _python(*wide), "bar 50,000"),
    ]


def _rounds_per_s(policies: np.ndarray, world: Stream, *, guards: tuple[Guard | Tallied, ...] = (Readable(),)) -> float:
    """Rounds a second of the compiled life: the better of two, the first being left out, which compiles."""
    overseer = Demonstrator(policies[3])
    seconds = []
    for delta in (0.05, 0.2, 0.01):
        agent = Imitator(Tables.of(policies), RatioSet(delta), guards=guards)
        start = time.perf_counter()
        live(agent, world, overseer, seed=0, run="benchmark", num_steps=ROUNDS).asked.block_until_ready()
        seconds.append(time.perf_counter() - start)
    return ROUNDS / min(seconds[1:])


def _python(policies: np.ndarray, world: Stream) -> float:
    """Rounds a second of the same loop in plain Python over the same core, assents kept between answers."""
    agent, overseer = Imitator(Tables.of(policies), RatioSet(0.05)), Demonstrator(policies[3])
    chance = uniforms(0, "benchmark", start=0, count=PYTHON_ROUNDS)
    items, belief, kept, asks = world.items[:PYTHON_ROUNDS].tolist(), agent.init(), {}, 0
    start = time.perf_counter()
    for step, obs in enumerate(items):
        assent = kept.get(obs)
        if assent is None:
            assent = kept[obs] = agent.propose(belief, obs)
        if bool(decide(assent, chance[step]).asked):
            belief = agent.learn(belief, obs, Answer(int(overseer.answer(chance[step], obs))))
            kept.clear()
            asks += 1
    return PYTHON_ROUNDS / (time.perf_counter() - start)


def _session() -> Row:
    policies, world = _setting()
    overseer = Demonstrator(policies[3])
    agent = Imitator(Tables.of(policies), RatioSet(0.05))
    items = world.items[:SESSION_ROUNDS].tolist()
    with TemporaryDirectory() as folder, Ledger.open(Path(folder) / "benchmark.db", group=1000) as ledger:
        session = Session.open(agent, ledger, run="benchmark", overseer=overseer, null_action=0)
        start = time.perf_counter()
        for obs in items:
            if isinstance(session.decide(obs), Asked):
                session.consult(obs)
        ledger.flush()
        ours = SESSION_ROUNDS / (time.perf_counter() - start)
        body = {
            "step": 0,
            "attempt": 0,
            "action": 1,
            "u": 0.5,
            "ask": 0.25,
            "below": 0.25,
            "mass": 0.5,
            "minimum": 0.5,
            "leaders": 9,
        }
        start = time.perf_counter()
        for step in range(SESSION_ROUNDS):
            ledger.append("benchmark", "act", {**body, "step": SESSION_ROUNDS + step})
        ledger.flush()
        peer = SESSION_ROUNDS / (time.perf_counter() - start)
    return _row("session on a ledger, grouped commits", ours, "the ledger alone", peer, "bar 15,000 decisions/s")


def _row(what: str, ours: float, peer_name: str, peer: float, note: str) -> Row:
    return {"what": what, "per_s": ours, "peer": peer_name, "peer_per_s": peer, "ratio": ours / peer, "note": note}


def measure() -> list[Row]:
    """One row for each question."""
    return [_rule(), *_lives(), _session()]


if __name__ == "__main__":
    main(__doc__ or "", measure, packages=("numpy", "jax", "jaxlib", "apsw"))
