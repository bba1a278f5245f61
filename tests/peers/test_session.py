"""Peers on the ledger: through a session they decide as in the loop that compares them, and a run can be checked and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import assent.lab  # noqa: F401
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.ledger import Ledger
from assent.overseers.demonstrator import Demonstrator
from assent.peers.cloner import Cloner
from assent.peers.conformal import ConformalSingleton
from assent.peers.dagger import Dagger
from assent.peers.deferral import Deferral, DeferralPolicy
from assent.peers.discrepancy import CountedDiscrepancy
from assent.peers.lazy_dagger import LazyDagger
from assent.peers.safe_dagger import EnsembleDagger, SafeDagger
from assent.peers.thrifty_dagger import ThriftyDagger
from assent.peers.trace import ByTrap, Setting, chances, sweep
from assent.session import Acted, Session
from assent.worlds.stream import Stream

pytestmark = pytest.mark.filterwarnings("ignore:.*still leads:assent.alarms.CommitteeCollapsed")
"""A novice of one model is no committee, and the session says so."""

CONTEXTS, ACTIONS, STEPS = 4, 3, 80
POLICY = np.asarray([[1.0, 0.0, 0.0], [0.0, 0.9, 0.1], [0.25, 0.25, 0.5], [0.0, 1.0, 0.0]])
STATES = np.random.default_rng(5).integers(0, CONTEXTS, STEPS)
COUNTED = CountedDiscrepancy(CONTEXTS, ACTIONS)


def table() -> BootstrapCounts:
    return BootstrapCounts.single(num_contexts=CONTEXTS, num_actions=ACTIONS)


def ensemble() -> BootstrapCounts:
    return BootstrapCounts.of(num_contexts=CONTEXTS, num_actions=ACTIONS, num_members=5)


PEERS: dict[str, Callable[[], Any]] = {
    "cloner": lambda: Cloner(table(), labels=20),
    "dagger": lambda: Dagger(table(), labels=40, parts=4),
    "safe": lambda: SafeDagger(table(), COUNTED, tau=0.05),
    "ensemble": lambda: EnsembleDagger(ensemble(), COUNTED, chi=0.002),
    "lazy": lambda: LazyDagger(table(), COUNTED, tau=0.1),
    "thrifty": lambda: ThriftyDagger(ensemble(), rate=0.2, labels=15, every=20, risk=False),
    "conformal": lambda: ConformalSingleton(table(), level=0.2),
    "split": lambda: ConformalSingleton(table(), level=0.3, labels=30, split=True),
    "deferral": lambda: Deferral(
        DeferralPolicy(num_actions=ACTIONS, contexts=CONTEXTS, labels=20, loss="cross-entropy"), threshold=0.4
    ),
}


def rounds_of(session: Session, draws: np.ndarray, *, until: int) -> list[tuple[bool, bool, int]]:
    """What `drive` does, and after a lone act that is to be labelled a request and the correction that comes of it."""
    lines = []
    overseer = Demonstrator(POLICY)
    for step in range(session.step, until):
        obs = int(STATES[step])
        wanted = bool(session.agent.wants_label(session.belief, obs))  # pyright: ignore[reportAttributeAccessIssue]
        decision = session.decide(obs)
        acted = isinstance(decision, Acted)
        action = decision.action if acted else session.consult(obs)
        if acted and wanted:
            session.request(step, None)
            label = int(overseer.answer(np.asarray(draws[step, 1]), obs))
            session.volunteer(step, label, actor="overseer", obs=obs)
        lines.append((not acted, not acted or wanted, action))
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS)
def test_decision_for_decision_as_in_the_comparison(name: str, tmp_path: Path) -> None:
    """And half-way the run is broken off, verified and resumed. With another run's coins some decision differs."""
    agent = PEERS[name]()
    world = Stream.of(STATES, num_actions=ACTIONS)
    setting = Setting(world, Demonstrator(POLICY), ByTrap(np.asarray(3), np.asarray(0)))
    wanted = sweep([[agent]], [setting], seeds=[3], run="one", num_steps=STEPS, together=False)
    draws = chances(3, "one", num_steps=STEPS)
    with jax.enable_x64(True), Ledger.open(tmp_path / "runs.db") as book:
        options = {"overseer": Demonstrator(POLICY), "seed": 3, "null_action": 0, "learn_from_corrections": True}
        session = Session.open(agent, book, run="one", **options)
        lines = rounds_of(session, draws, until=STEPS // 2)
        session.flush()
        again = Session.resume(PEERS[name](), book, run="one", overseer=Demonstrator(POLICY))
        lines += rounds_of(again, draws, until=STEPS)
        again.flush()
        assert again.verify().ok
        kinds = [event.kind for event in book.events("one")]
    asked, labelled, action = (np.asarray(column) for column in zip(*lines, strict=True))
    assert np.array_equal(asked, np.asarray(wanted.asked[0, 0]))
    assert np.array_equal(labelled, np.asarray(wanted.labelled[0, 0]))
    assert np.array_equal(action, np.asarray(wanted.action[0, 0]))
    assert kinds.count("request") == kinds.count("volunteer") == int((labelled & ~asked).sum())
    assert (kinds.count("request") > 0) == (name == "dagger")
    assert 0 < asked.sum() < STEPS


def test_the_ledger_says_why_and_with_which_settings(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "runs.db") as book:
        agent = SafeDagger(table(), COUNTED, tau=0.05)
        session = Session.open(agent, book, run="one", overseer=Demonstrator(POLICY), null_action=0)
        session.decide(0)
        (opened,), (asked,) = (list(book.events("one", kinds=(kind,))) for kind in ("open", "ask"))
    assert opened.body["agent"]["rule"] == "SafeDagger"
    assert "tau=0.05" in opened.body["agent"]["settings"]
    assert asked.body["reason"] == "discrepancy"
