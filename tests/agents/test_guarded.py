"""The guarded committee: it asks when cold, keeps its audits, raises its alarm in time and promises nothing; digits."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assent.lab  # noqa: F401
from assent.agents.guarded import LEAST_AUDIT, Completed, guarded
from assent.agents.imitator import Imitator
from assent.alarms import AssentWarning, MemberUnreadable
from assent.certificate import certificate
from assent.checks import check_agent
from assent.core import Answer, Assent, Confidence, Everyone, RiskCap, Unexplained
from assent.drive import drive
from assent.hypotheses.logistic import LogisticHead
from assent.hypotheses.networks import Networks
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import wrap
from assent.ledger import Ledger
from assent.overseers.scripted import READS_LABELS
from assent.presets.digits import _shuffled
from assent.rollout import as_arrays
from assent.session import Asked, Session
from assent.studies.imitating import Case, Life, live, peer
from assent.worlds.stream import Stream
from tests.session_support import bodies, policies, same_belief, unchecked

INPUTS, ACTIONS = 2, 3
CENTRES = np.asarray([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
"""The overseer's action is the number of the centre that an item lies around."""


def networks(**changed: Any) -> Networks:
    given_: dict[str, Any] = {"num_members": 4, "hidden": (16,), "batch": 8, "num_steps": 5, "capacity": 100}
    return Networks.of(INPUTS, ACTIONS, **{**given_, **changed})


def items(count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, ACTIONS, count)
    return CENTRES[labels] + rng.normal(scale=0.1, size=(count, INPUTS)), labels


def taught(agent: Imitator, seen: np.ndarray, labels: np.ndarray) -> Any:
    belief = agent.init()
    with unchecked():
        for item, label in zip(seen, labels, strict=True):
            belief = agent.learn(belief, item, Answer(np.asarray(label)))
    return belief


def opened(agent: Imitator, ledger: Ledger, **changed: Any) -> Session:
    return Session.open(agent, ledger, run="run", overseer=READS_LABELS, null_action=0, **changed)


# Cold


@pytest.mark.parametrize("seed", range(8))
def test_cold_it_asks_for_sure_and_says_why(seed: int, tmp_path: Path) -> None:
    agent = guarded(networks(seed=seed))
    obs = np.random.default_rng(seed).normal(size=INPUTS)
    assert float(agent.propose(agent.init(), obs).ask) == 1.0
    with Ledger.open(tmp_path / "run.db") as ledger:
        session = opened(agent, ledger, seed=seed)
        assert isinstance(session.decide(obs), Asked)
        (event,) = [event for event in ledger.events("run") if event.kind == "ask"]
        assert event.body["reason"] == "disagreement"  # of the whole, all but a billionth is missing


def test_members_that_start_alike_and_count_at_once_do_not_ask_unless_kappa_says_so() -> None:
    """The hole: all weights 0, all say uniform, nothing is missing. The bare minimum acts; `kappa = 1`, the guard's neutral, too."""
    alike = networks(doubt=0.0, prior_scale=0.0)
    alike = replace(alike, layers=tuple(np.zeros_like(layer) for layer in alike.layers))
    asks = {
        kappa: float(guarded(alike, kappa=kappa, audit=LEAST_AUDIT).propose(guarded(alike).init(), np.ones(2)).ask)
        for kappa in (0.3, 1.0)
    }
    bare = Imitator.of(alike)
    assert float(bare.propose(bare.init(), np.ones(2)).ask) == pytest.approx(0.0, abs=1e-12)
    # at 1 one action still is all that may be done: a third, less the audits
    assert asks == pytest.approx({0.3: 1.0, 1.0: 1 - (1 - LEAST_AUDIT) / 3}, abs=1e-12)
    doubting = replace(alike, doubt=10.0)
    agent = guarded(doubting, kappa=1.0)
    assert float(agent.propose(agent.init(), np.ones(2)).ask) > 1 - 1e-8


def test_taught_it_acts_where_it_was_taught() -> None:
    agent = guarded(networks())
    belief = taught(agent, *items(100))
    for number, centre in enumerate(CENTRES):
        assent = agent.propose(belief, centre)
        assert float(assent.probs[number]) > 0.7
        assert float(assent.ask) < 0.3


# What cannot be taken away


class Generous:
    """A guard that would give everything back."""

    def __call__(self, assent: Assent, context: Any) -> Assent:
        return Assent(np.full_like(assent.probs, 1 / assent.probs.shape[0]))


@given(
    rows=st.lists(st.lists(st.floats(0.001, 1), min_size=3, max_size=3), min_size=1, max_size=4),
    delta=st.floats(1e-6, 0.999),
    temper=st.floats(1e-3, 1),
    share=st.floats(0, 0.5),
    kappa=st.floats(0, 1),
    audit=st.floats(LEAST_AUDIT, 1),
    alarm=st.sampled_from([0, 0.01, 0.5]),
    least_leaders=st.integers(1, 3),
)
@settings(max_examples=60)
def test_no_setting_takes_the_audits_away(rows: list[list[float]], **chosen: Any) -> None:
    """Members that all are sure, and a guard that gives back: still a share of at least `audit` is asked."""
    policy = [np.asarray(row) / sum(row) for row in rows]
    agent = guarded(wrap([lambda obs, row=row: row for row in policy], num_actions=3), guards=(Generous(),), **chosen)
    belief = agent.learn(agent.init(), None, Answer(np.asarray(0)))
    for now in (agent.init(), belief):
        assert float(agent.propose(now, None).ask) >= chosen["audit"] - 1e-12


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"audit": 0.0}, r"audit = 0.0 is outside \[0.001, 1\]"),
        ({"audit": 1e-9}, "only audits hear of it"),
        ({"audit": math.nan}, "audit = nan"),
        ({"audit": 1.5}, "audit = 1.5"),
        ({"kappa": -0.1}, "kappa = -0.1"),
        ({"kappa": math.nan}, "kappa = nan"),
        ({"temper": 0.0}, "temper = 0.0"),
        ({"share": 1.0}, "share = 1.0"),
        ({"delta": 0.0}, "delta = 0.0"),
        ({"alarm": 1.0}, "delta = 1.0"),
        ({"least_leaders": 0}, "count = 0"),
    ],
)
def test_settings_outside_their_range_are_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        guarded(networks(), **changed)


def test_an_alarm_over_families_is_refused() -> None:
    with pytest.raises(ValueError, match="members are families"):
        guarded(LogisticHead.of(2, 3))
    assert guarded(LogisticHead.of(2, 3), alarm=0).guards


def test_every_setting_changes_what_is_asked_or_believed() -> None:
    seen, labels = items(90)

    def outcome(**changed: Any) -> np.ndarray:
        agent = guarded(networks(seed=2), **changed)
        belief = taught(agent, seen, labels)
        assents = [agent.propose(belief, where) for where in (*CENTRES, *(CENTRES / 2))]
        leading = agent.leading(belief.log_weight, belief.log_prior).sum()
        return np.asarray([*(float(assent.ask) for assent in assents), *belief.log_weight, leading])

    usual = outcome()
    for changed in (
        {"delta": 0.999},
        {"temper": 0.5},
        {"share": 0.3},
        {"kappa": 0.01},
        {"audit": 0.2},
        {"least_leaders": 5},
    ):
        assert not np.allclose(outcome(**changed), usual, rtol=1e-6), changed


def test_conforms() -> None:
    check_agent(guarded(wrap([lambda obs: [0.5, 0.25, 0.25], lambda obs: [0.25, 0.5, 0.25]], num_actions=3)))


# Broken members, on the ledger


def test_a_network_that_breaks_is_asked_about_with_its_reason_and_an_alarm(tmp_path: Path) -> None:
    whole = networks()
    broken = tuple(np.array(layer) for layer in whole.layers)
    broken[0][1, 0, 0] = math.nan
    agent = guarded(replace(whole, layers=broken, doubt=0.0), kappa=1.0)
    with Ledger.open(tmp_path / "run.db") as ledger, warnings.catch_warnings():
        warnings.simplefilter("ignore", AssentWarning)
        session = opened(agent, ledger)
        for number in range(5):
            asked = session.decide(CENTRES[number % 3])
            assert isinstance(asked, Asked)
            session.answer(asked.question.id, number % 3, actor="bea")
        events = list(ledger.events("run"))
        assert {event.body["reason"] for event in events if event.kind == "ask"} == {"invalid-member"}
        assert MemberUnreadable.__name__ in session.alarms
        assert np.isfinite(session.belief.log_weight).all()
        assert session.verify().ok


# The alarm


def evidence(agent: Imitator, seen: np.ndarray, labels: np.ndarray) -> tuple[float, bool]:
    """The most that ever spoke against all members, nats, and whether the alarm went off."""
    belief, most = agent.init(), 0.0
    with unchecked():
        for item, label in zip(seen, labels, strict=True):
            belief = agent.learn(belief, item, Answer(np.asarray(label)))
            (tally,) = belief.tallies
            most = max(most, float(tally.log_table[0] - tally.log_members[0].max()))
    return most, bool(tally.fired[0])


@pytest.mark.parametrize("seed", range(4))
def test_the_alarm_waits_until_the_members_have_begun(seed: int) -> None:
    """The wrong variant is told rows as they are: what they leave out looks like error, and it goes off before anything was learned."""
    members, (seen, labels) = networks(seed=seed), items(60, seed=seed)
    most, fired = evidence(guarded(members), seen, labels)
    assert not fired
    assert most < math.log(1 / 0.01)
    plain = Imitator.of(members, guards=(Unexplained(ACTIONS, 0.01),))
    assert evidence(plain, seen, labels)[1]


@pytest.mark.parametrize("seed", range(4))
def test_the_alarm_goes_off_where_a_table_predicts_better(seed: int) -> None:
    """An overseer who mostly says 2 and looks at nothing: networks chase what she says else."""
    rng = np.random.default_rng(seed)
    seen = rng.normal(size=(150, INPUTS))
    labels = np.where(rng.random(150) < 0.7, 2, rng.integers(0, ACTIONS, 150))
    agent = guarded(networks(seed=seed, learning_rate=0.1))
    most, fired = evidence(agent, seen, labels)
    assert fired, most
    if seed == 0:
        assert float(agent.propose(taught(agent, seen, labels), CENTRES[0]).ask) == 1.0


def test_a_completed_row_is_whole_and_counts_from_nine_tenths_of_its_mass_on() -> None:
    told: list[np.ndarray] = []

    class Heard(Unexplained):
        def hear(self, tally: Any, obs: Any, action: Any, log_policy: Any) -> Any:
            told.append(np.exp(log_policy))
            return super().hear(tally, obs, action, log_policy)

    alarm = Completed(Heard(ACTIONS))
    before = alarm.start(np.zeros(2), None)
    for mass, counts in ((0.89, False), (0.91, True), (1.0, True)):
        rows = np.log(np.asarray([[0.2, 0.3, 0.5], [0.1, 0.1, 0.2]]) * mass)
        after = alarm.hear(before, None, np.asarray(1), rows)
        assert told[-1].sum(axis=1) == pytest.approx(1.0)
        assert told[-1] == pytest.approx(np.exp(rows) + (1 - np.exp(rows).sum(axis=1))[:, None] / ACTIONS)
        assert bool(after.counts.sum() == 1) is counts
    unreadable = alarm.hear(before, None, np.asarray(1), np.full((2, ACTIONS), math.nan))
    assert unreadable.counts.sum() == 0


# Certificates


@pytest.mark.parametrize("cap", [None, 1.0])
def test_a_certificate_says_heuristic_and_bounds_no_event(cap: float | None, tmp_path: Path) -> None:
    """Even with a cap on the risk. Of a table, which is exact, the same cap does bound events."""
    guards = () if cap is None else (RiskCap(cap),)
    exact = Imitator.of(Tables.of(policies(0)), guards=guards)
    for number, agent in enumerate((guarded(networks(), guards=guards), exact)):
        with Ledger.open(tmp_path / f"{number}.db") as ledger:
            session = opened(agent, ledger)
            for step in range(12):
                obs = CENTRES[step % 3] if number == 0 else step % 3
                decided = session.decide(obs)
                if isinstance(decided, Asked):
                    session.answer(decided.question.id, step % 3, actor="bea")
            found = certificate(ledger.events("run"))
        if number == 0:
            assert (found.grade, found.delta, found.query_bound, found.factor) == ("heuristic", None, None, None)
            assert not found.bounds_events
            assert any("members are learned" in sentence for sentence in found.broken)
        else:
            assert found.grade == "exact"
            assert found.bounds_events is (cap is not None)


# A run that stops and goes on


def test_a_run_that_was_broken_off_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    """Networks, averages, alarm and audits come back from ledger and checkpoints, bit for bit; another seed makes another run."""
    agent, (seen, labels) = guarded(networks()), items(60)
    world = Stream.of(seen, labels=labels, num_actions=ACTIONS)
    with unchecked(), Ledger.open(tmp_path / "whole.db") as ledger:
        whole = opened(agent, ledger, checkpoint_every=7)
        list(drive(whole, world, num_steps=60))
        expected = bodies(ledger.events("run"))
    with unchecked(), Ledger.open(tmp_path / "broken.db") as ledger:
        list(drive(opened(agent, ledger, checkpoint_every=7), world, num_steps=33))
        resumed = Session.resume(guarded(networks()), ledger, run="run", overseer=READS_LABELS)
        list(drive(resumed, world, num_steps=60))
        again = bodies(ledger.events("run"))
    assert same_belief(whole, resumed)
    kept = [body for body in again if body[2] in ("act", "ask", "answer")]
    assert [body[3:] for body in kept] == [body[3:] for body in expected if body[2] in ("act", "ask", "answer")]
    with unchecked(), Ledger.open(tmp_path / "other.db") as ledger:
        other = opened(guarded(networks(seed=1)), ledger)
        list(drive(other, world, num_steps=60))
    assert not same_belief(whole, other)


# Digits


@cache
def digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = _shuffled(seed)
    return images / 16, labels


def lived(agent: Imitator, seed: int) -> Life:
    images, labels = digits(seed)
    world = Stream.of(images, labels=labels, num_actions=10)
    return live(agent, Case(agent.hypotheses, world, READS_LABELS, len(labels)), seed=seed, run="digits")


def errors(life: Life, seed: int) -> int:
    return int((~life.asked & (life.action != digits(seed)[1])).sum())


@pytest.mark.slow
def test_on_digits_it_pays_for_its_guards_and_no_more() -> None:
    """No claim to win: errors at equal questions, by the frontier of one network's confidence, which acts among its first ten items."""
    frontier = list[tuple[float, float]]()
    seeds = range(2)
    for dial in (0.9, 0.97, 0.995):
        ones = [Networks.of(64, 10, num_members=1, seed=seed, doubt=0.0, prior_scale=0.0, floor=5e-4) for seed in seeds]
        lives = [lived(peer(one, Everyone(), Confidence(dial)), seed) for seed, one in enumerate(ones)]
        wrong = [errors(life, seed) for seed, life in enumerate(lives)]
        frontier.append((float(np.mean([life.asks for life in lives])), math.log(np.mean(wrong) + 0.5)))
        assert not all(life.asked[:10].all() for life in lives)
    for kappa in (0.1, 0.3):
        lives = [lived(guarded(Networks.of(64, 10, seed=seed), kappa=kappa), seed) for seed in seeds]
        wrong = [errors(life, seed) for seed, life in enumerate(lives)]
        asked = float(np.mean([life.asks for life in lives]))
        questions, logarithms = zip(*frontier, strict=True)
        there = math.exp(float(np.interp(asked, questions, logarithms))) - 0.5
        assert all(life.asked[:10].all() for life in lives)
        assert max(wrong) <= 0.05 * 1_797
        # what is paid for the audits, the doubt and the dissent of eight: up to three times the errors, and two for the noise of two lives
        assert np.mean(wrong) <= 3 * there + 2, (kappa, asked, wrong, frontier)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_it_asks_about_what_is_no_digit_where_one_network_is_sure(seed: int) -> None:
    """Negatives, shuffled pixels and noise after 400 digits: mostly asked; one of the same networks alone would mostly not."""
    images, labels = digits(seed)
    rng = np.random.default_rng(seed)
    others = images[400:700]
    strange = {
        "negatives": 1 - others,
        "shuffled": rng.permuted(others, axis=1),
        "noise": rng.random((300, 64)),
    }

    @jax.jit
    def trained(members: Networks, seen: Any, said: Any) -> Any:
        step = lambda memory, row: (members.learn(memory, row[0], Answer(row[1])), None)  # noqa: E731
        return jax.lax.scan(step, members.init(), (seen, said))[0]

    members = jax.tree.map(jnp.asarray, Networks.of(64, 10, seed=seed))
    memory = trained(members, jnp.asarray(images[:400]), jnp.asarray(labels[:400]))
    rows = jax.jit(jax.vmap(lambda obs: jnp.exp(members.log_policy(memory, obs))))
    for name, seen in {**strange, "digits": others}.items():
        policy = np.asarray(rows(jnp.asarray(seen)))
        asked = float((policy.min(axis=1).max(axis=1) < 0.9).mean())
        alone = float((policy.max(axis=2) < 0.9).mean())
        if name == "digits":
            assert asked < 0.3
        else:
            assert asked > 0.5, (name, asked)
            assert alone < asked / 2, (name, alone)


@pytest.mark.slow
def test_with_plain_weights_the_committee_collapses_and_tempered_it_does_not() -> None:
    """The wrong temper is 1: fewer leaders than two at some time in the first hundred answers; at a tenth never."""
    images, labels = digits(0)
    least = {}

    @jax.jit
    def leaders(agent: Imitator, seen: Any, said: Any) -> Any:
        def step(belief: Any, row: Any) -> Any:
            belief = agent.learn(belief, row[0], Answer(row[1]))
            return belief, jnp.count_nonzero(agent.leading(belief.log_weight, belief.log_prior))

        return jax.lax.scan(step, agent.init(), (seen, said))[1]

    with jax.enable_x64(True), unchecked():
        for temper in (1.0, 0.1):
            agent = as_arrays(guarded(Networks.of(64, 10, seed=0), temper=temper, share=0.0))
            least[temper] = int(leaders(agent, jnp.asarray(images[:150]), jnp.asarray(labels[:150])).min())
    assert least[1.0] < 3 <= least[0.1], least
