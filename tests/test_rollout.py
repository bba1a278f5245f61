"""A compiled life against the same life written out in plain Python and NumPy, against a session, and against itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import assent.lab
from assent.agents.imitator import Imitator
from assent.certificate import certificate
from assent.core import (
    AlphaSet,
    Answer,
    Audit,
    ContextAudit,
    Everyone,
    HarmonicAudit,
    Minimum,
    Mixture,
    RatioSet,
    Readable,
    RiskCap,
    SureAbove,
    TopK,
    Unexplained,
    uniforms,
)
from assent.drive import drive
from assent.hypotheses.fourier import FourierSoftmax
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import wrap
from assent.ledger import Ledger
from assent.overseers.absent import Absent
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.noisy import Noisy
from assent.overseers.scripted import READS_LABELS, Scripted
from assent.rollout import chances, live, live_many, rollout, stack
from assent.session import Session
from assent.worlds.corridor import Corridor
from assent.worlds.ring import Ring
from assent.worlds.stream import Stream

ROUNDS, CONTEXTS, ACTIONS = 500, 6, 3
CLOSE = 1e-10
"""Five hundred updates, each off by a few ulps of log weights up to 500 nats in size, are off by 500 * 500 * 4 eps = 2e-10 at most."""


def policies(seed: int, *, members: int = 8) -> Any:
    return np.random.default_rng(seed).dirichlet(np.full(ACTIONS, 0.7), size=(members, CONTEXTS))


# The life written out. Nothing of the core, of the agent or of the worlds is used.


@dataclass
class Plain:
    """What happened, as lists, and the weights at the end."""

    asked: list[bool]
    action: list[int]
    answer: list[int]
    ask: list[float]
    effective: list[float]
    state: list[int]
    weight: Any


def said(overseer: Any, number: float, revealed: Any) -> int:
    if isinstance(overseer, Demonstrator):
        total = 0.0
        for action, chance in enumerate(overseer.policy[revealed].tolist()):
            total += chance
            if number < total:
                return action
        raise ValueError("the numbers of this test do not come that close to 1")
    if isinstance(overseer, Noisy):
        if number < overseer.error:
            return int(number / overseer.error * ACTIONS)
        return said(overseer.overseer, (number - overseer.error) / (1 - overseer.error), revealed)
    if isinstance(overseer, Absent):
        if number < overseer.silence or overseer.overseer is None:
            return -1
        return said(overseer.overseer, (number - overseer.silence) / (1 - overseer.silence), revealed)
    return int(overseer.script(revealed))


def moved(world: Any, state: int, action: int, noise: float) -> int:
    if isinstance(world, Stream):
        return min(state + 1, len(world.items) - 1)
    step = (0, 1, -1)[action]
    if isinstance(world, Ring):
        return (state + (1 if noise < world.slip else step)) % world.num_contexts
    if state == world.length - 1:
        return state
    walked = min(max(state + step, 0), world.length - 1)
    return walked + 1 if noise < world.wind and walked < world.length - 2 else walked


def rows_of(members: Any, obs: Any) -> Any:
    """The members' probabilities and what updates them: tables, or softmax regressions lifted by a floor of 0.02."""
    if isinstance(members, Tables):
        return np.exp(members.log_rows[obs]).T
    frequency, phase, coefficient = members
    lines = []
    for member in range(len(phase)):
        waves = np.sqrt(2 / phase.shape[1]) * np.cos(obs @ frequency[member] + phase[member])
        logits = np.append(waves, 1.0) @ coefficient[member]
        lines.append(np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum())
    return np.asarray(lines)


def taught(members: Any, obs: Any, answer: int, rate: float) -> Any:
    if isinstance(members, Tables):
        return members
    frequency, phase, coefficient = members
    error = rows_of(members, obs) - np.eye(ACTIONS)[answer]
    stepped = coefficient.copy()
    for member in range(len(phase)):
        waves = np.sqrt(2 / phase.shape[1]) * np.cos(obs @ frequency[member] + phase[member])
        stepped[member] -= rate * np.outer(np.append(waves, 1.0), error[member])
    return frequency, phase, stepped


def plain_life(
    members: Any,
    prior: Any,
    world: Any,
    overseer: Any,
    *,
    delta: float,
    temper: float,
    seed: int,
    run: str,
    least: int = 1,
) -> Plain:
    """Ratio set, minimum rule, and at least `least` leaders."""
    life = Plain([], [], [], [], [], [], None)
    decides, draws = (uniforms(seed, run, start=0, count=ROUNDS, stream=stream) for stream in ("decide", "overseer"))
    noise, state = _noise(seed), 0
    prior = prior / prior.sum()
    weight = prior.copy()
    for number in range(ROUNDS):
        obs = world.items[state] if isinstance(world, Stream) else state
        revealed = world.labels[state] if isinstance(world, Stream) and world.labels is not None else obs
        rows = rows_of(members, obs)
        if not isinstance(members, Tables):
            rows = 0.98 * rows + 0.02 / ACTIONS / 2
        leader = weight / prior >= delta
        lowest = rows[leader].min(axis=0)
        ask = 1 - math.fsum(lowest.tolist()) if leader.sum() >= least else 1.0
        life.ask.append(ask)
        life.effective.append(math.exp(-sum(w * math.log(w) for w in weight.tolist() if w > 0)))
        life.state.append(state)
        asked = bool(decides[number] < ask)
        answer = said(overseer, draws[number], revealed) if asked else -1
        null = 0 if not isinstance(world, Stream) else -1
        action = (
            (answer if answer >= 0 else null)
            if asked
            else int(np.searchsorted(np.cumsum(lowest), decides[number] - ask, "right"))
        )
        if answer >= 0:
            weight = weight * rows[:, answer] ** temper
            weight = weight / weight.sum()
            members = taught(members, obs, answer, 0.5)
        life.asked.append(asked)
        life.answer.append(answer)
        life.action.append(action)
        state = moved(world, state, action, noise[number])
    life.weight = weight
    return life


def _noise(seed: int) -> Any:
    """The worlds' randomness, the one thing that is JAX's own."""
    with jax.enable_x64(True):
        key = jax.random.split(jax.random.key(seed))[1]
        each = jax.vmap(lambda number: jax.random.uniform(jax.random.fold_in(key, number)))
        return np.asarray(each(jnp.arange(ROUNDS)))


def assert_alike(trace: Any, life: Plain) -> None:
    for field in ("asked", "action", "answer", "state"):
        assert np.asarray(getattr(trace, field)).tolist() == getattr(life, field), field
    assert np.allclose(trace.ask, life.ask, rtol=0, atol=CLOSE)
    assert np.allclose(trace.effective, life.effective, rtol=CLOSE, atol=0)
    assert np.allclose(np.exp(trace.log_weight), life.weight, rtol=0, atol=CLOSE)


def contexts_stream(seed: int = 0) -> Stream:
    return Stream.of(np.random.default_rng(seed).integers(0, CONTEXTS, ROUNDS), num_actions=ACTIONS)


TRUTH = Demonstrator(policies(0)[2])
WORLDS = {"ring": Ring(CONTEXTS, 0.2), "corridor": Corridor(CONTEXTS, 0.3), "stream": contexts_stream()}
OVERSEERS = {
    "demonstrator": TRUTH,
    "noisy": Noisy(TRUTH, error=0.2, num_actions=ACTIONS),
    "absent": Absent(Noisy(TRUTH, error=0.1, num_actions=ACTIONS), silence=0.3),
    "nobody": Absent(),
    "scripted": Scripted(lambda revealed: (revealed * 2 + 1) % ACTIONS),
}
PRIOR = np.arange(1.0, 9.0)


FAST = {
    ("ring", "demonstrator"),
    ("ring", "absent"),
    ("corridor", "noisy"),
    ("corridor", "nobody"),
    ("stream", "scripted"),
}
"""Each world and each overseer once; the other pairs are compiled in the slow part."""

PAIRS = [
    pytest.param(world, overseer, marks=() if (world, overseer) in FAST else pytest.mark.slow)
    for world in WORLDS
    for overseer in OVERSEERS
]


@pytest.mark.slow
@pytest.mark.parametrize(("world", "overseer"), PAIRS)
def test_tables_live_as_written_out(world: str, overseer: str) -> None:
    agent = Imitator(Tables.of(policies(0), prior=PRIOR), RatioSet(0.1), temper=0.7)
    settings: Any = {"seed": 3, "run": f"{world} {overseer}"}
    trace = live(agent, WORLDS[world], OVERSEERS[overseer], num_steps=ROUNDS, **settings)
    life = plain_life(agent.hypotheses, PRIOR, WORLDS[world], OVERSEERS[overseer], delta=0.1, temper=0.7, **settings)
    assert_alike(trace, life)
    assert sum(life.asked) > 0
    if overseer == "demonstrator" and world != "corridor":  # in the pit, nothing is left to disagree about
        assert sum(life.asked) < ROUNDS
        # the wrong variants: another temper, another delta
        for other in ({"delta": 0.1, "temper": 1.0}, {"delta": 0.9, "temper": 0.7}):
            wrong = plain_life(agent.hypotheses, PRIOR, WORLDS[world], OVERSEERS[overseer], **other, **settings)
            assert not np.allclose(trace.ask, wrong.ask, atol=1e-3)


@pytest.mark.parametrize(
    "overseer", ["absent", *(pytest.param(name, marks=pytest.mark.slow) for name in ("labels", "noisy"))]
)
def test_softmax_regressions_live_as_written_out(overseer: str) -> None:
    rng = np.random.default_rng(4)
    items = rng.normal(size=(ROUNDS, 4))
    labels = (items[:, 0] > 0).astype(int) + (items[:, 1] > 0.5)
    world = Stream.of(items, labels=labels, num_actions=ACTIONS)
    who: Any = {
        "labels": READS_LABELS,
        "noisy": Noisy(READS_LABELS, error=0.2, num_actions=ACTIONS),
        "absent": Absent(READS_LABELS, silence=0.3),
    }[overseer]
    parts = rng.normal(size=(5, 4, 12)), rng.uniform(0, 6, size=(5, 12)), rng.normal(size=(5, 13, ACTIONS)) * 0.1
    agent = Imitator.of(wrap(FourierSoftmax(*parts), num_actions=ACTIONS))
    trace = live(agent, world, who, seed=5, run="features", num_steps=ROUNDS)
    life = plain_life(parts, np.ones(5), world, who, delta=0.05, temper=0.1, seed=5, run="features", least=2)
    assert_alike(trace, life)
    assert 0 < sum(life.asked) < ROUNDS


def test_nobody_answers_nothing_is_learned_bit_for_bit() -> None:
    bank = Tables.of(policies(0), prior=PRIOR)
    for overseer in (Absent(), replace(OVERSEERS["absent"], silence=1.0)):
        trace = live(Imitator(bank), WORLDS["ring"], overseer, seed=0, run="silence", num_steps=ROUNDS)
        assert np.asarray(trace.log_weight).tobytes() == bank.log_prior().tobytes()
        assert np.asarray(trace.asked).any()
        assert (np.asarray(trace.action)[np.asarray(trace.asked)] == 0).all()


# Kept assents


@dataclass(frozen=True, eq=False)
class Forgetful:
    """The same agent, but it does not say how many observations there are: every assent is worked out anew."""

    static_fields: ClassVar[tuple[str, ...]] = ()
    agent: Imitator

    def init(self) -> Any:
        return self.agent.init()

    def propose(self, belief: Any, obs: Any) -> Any:
        return self.agent.propose(belief, obs)

    def weigh(self, belief: Any, obs: Any) -> Any:
        return self.agent.weigh(belief, obs)

    def learn(self, belief: Any, obs: Any, answer: Answer) -> Any:
        return self.agent.learn(belief, obs, answer)

    def remember(self, belief: Any, obs: Any, action: Any) -> Any:
        return self.agent.remember(belief, obs, action)


assent.lab.register(Forgetful)


@pytest.mark.slow
@pytest.mark.parametrize(
    "world", ["ring", *(pytest.param(name, marks=pytest.mark.slow) for name in ("corridor", "stream"))]
)
def test_kept_assents_are_those_worked_out_anew(world: str) -> None:
    agent = Imitator(Tables.of(policies(1)), RatioSet(0.2), guards=(Readable(), SureAbove(0.8)))
    kept, anew = (
        live(each, WORLDS[world], OVERSEERS["absent"], seed=1, run="kept", num_steps=ROUNDS)
        for each in (agent, Forgetful(agent))
    )
    for field in ("asked", "action", "answer", "state"):
        assert np.array_equal(getattr(kept, field), getattr(anew, field)), field
    # compiled into another program, the same sums may be done in another order
    assert np.allclose(kept.ask, anew.ask, rtol=0, atol=1e-13)
    assert np.allclose(kept.log_weight, anew.log_weight, rtol=0, atol=CLOSE)


# Compilation


@pytest.mark.slow
def test_settings_that_are_numbers_compile_once() -> None:
    """Each object that is traced calls its script once per compilation."""
    traced: list[Any] = []

    def script(revealed: Any) -> Any:
        traced.append(revealed)
        return revealed % ACTIONS

    def run(agent: Imitator, world: Any = WORLDS["ring"], overseer: Any = None) -> None:
        live(agent, world, Scripted(script) if overseer is None else overseer, seed=0, run="traces", num_steps=20)

    bank = Tables.of(policies(0))
    run(Imitator(bank))
    once = len(traced)
    assert once > 0
    for delta in (0.5, 0.2, 0.01):
        run(Imitator(bank, RatioSet(delta)))
    for temper in (1.0, 0.5, 0.1):
        run(Imitator(bank, temper=temper))
    for prior in (PRIOR, PRIOR[::-1].copy()):
        run(Imitator(Tables.of(policies(3), prior=prior)))
    for slip in (0.0, 0.5):
        run(Imitator(bank), Ring(CONTEXTS, slip))
    assert len(traced) == once, "a number has been compiled in"

    for alpha in (1e-3, 1e-4, 1e-5):
        run(Imitator(bank, AlphaSet(alpha)))
    assert len(traced) == 2 * once, "three alphas are one more kind of agent"
    # what is compiled in by design compiles again: the test can tell
    run(Imitator(bank, RatioSet(0.5, cap=3)))
    assert len(traced) == 3 * once


# Many lives


@pytest.mark.slow
def test_many_lives_are_those_lived_alone() -> None:
    agent, world, overseer = Imitator(Tables.of(policies(0), prior=PRIOR)), WORLDS["ring"], OVERSEERS["absent"]
    seeds = [7, 0, 123]
    together = live_many(agent, world, overseer, seeds=seeds, run="many", num_steps=ROUNDS)
    assert np.asarray(together.asked).shape == (3, ROUNDS)
    for number, seed in enumerate(seeds):
        alone = live(agent, world, overseer, seed=seed, run="many", num_steps=ROUNDS)
        for field in ("asked", "action", "answer", "state"):
            assert np.array_equal(getattr(together, field)[number], getattr(alone, field)), (seed, field)
        assert np.allclose(together.ask[number], alone.ask, rtol=0, atol=1e-13)
        assert np.allclose(together.log_weight[number], alone.log_weight, rtol=0, atol=CLOSE)


@pytest.mark.slow
def test_each_seed_may_have_objects_of_its_own() -> None:
    agents = [Imitator(Tables.of(policies(seed)), RatioSet(delta)) for seed, delta in ((1, 0.5), (2, 0.05))]
    worlds = [contexts_stream(1), contexts_stream(2)]
    overseers = [Demonstrator(policies(seed)[0]) for seed in (1, 2)]
    together = live_many(
        stack(agents),
        stack(worlds),
        stack(overseers),
        seeds=[4, 5],
        run="own",
        num_steps=ROUNDS,
        each=("agent", "world", "overseer"),
    )
    for number, parts in enumerate(zip(agents, worlds, overseers, strict=True)):
        alone = live(*parts, seed=4 + number, run="own", num_steps=ROUNDS)
        for field in ("asked", "action", "answer"):
            assert np.array_equal(getattr(together, field)[number], getattr(alone, field)), field
    assert not np.array_equal(together.asked[0], together.asked[1])


def test_only_what_there_is_can_differ_from_seed_to_seed() -> None:
    with pytest.raises(ValueError, match=r"each = \['policy'\]: only agent, world and overseer can differ"):
        live_many(
            Imitator(Tables.of(policies(0))), WORLDS["ring"], TRUTH, seeds=[0], run="x", num_steps=1, each=("policy",)
        )


def test_stack() -> None:
    stacked = stack([Imitator(Tables.of(policies(seed)), RatioSet(delta)) for seed, delta in ((0, 0.5), (1, 0.25))])
    assert np.asarray(stacked.leading.delta).tolist() == [0.5, 0.25]
    assert stacked.hypotheses.log_rows.shape == (2, CONTEXTS, ACTIONS, 8)
    assert np.array_equal(stacked.hypotheses.log_rows[1], Tables.of(policies(1)).log_rows)
    assert stacked.hypotheses.log_rows.dtype == np.float64
    with pytest.raises(ValueError, match=r"[Mm]ismatch|names|node"):
        stack([Tables.of(policies(0)), Tables.of(policies(0), names=[f"n{i}" for i in range(8)])])


def test_chances_are_the_runs_uniform_numbers() -> None:
    drawn = chances(3, "run", num_steps=10, start=5)
    for column, stream in enumerate(("decide", "overseer")):
        assert drawn[:, column].tolist() == uniforms(3, "run", start=5, count=10, stream=stream).tolist()


def test_rollout_is_pure_and_takes_an_agent_of_numpy_arrays_as_it_is() -> None:
    agent, chance = Imitator(Tables.of(policies(0))), chances(0, "pure", num_steps=50)
    with jax.enable_x64(True):
        life = jax.jit(lambda key: rollout(agent, WORLDS["ring"], TRUTH, key=key, chance=jnp.asarray(chance)))
        first, again, other = (life(jax.random.key(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True))
    assert not np.array_equal(first.state, other.state)


# The session


@pytest.mark.parametrize("overseer", ["demonstrator", pytest.param("absent", marks=pytest.mark.slow)])
def test_a_session_decides_as_the_scan_does(tmp_path: Path, overseer: str) -> None:
    agent, world, rounds = Imitator(Tables.of(policies(0), prior=PRIOR), RatioSet(0.1)), WORLDS["stream"], 150
    trace = live(agent, world, OVERSEERS[overseer], seed=11, run="session", num_steps=ROUNDS)
    with Ledger.open(tmp_path / "run.db", group=64) as ledger:
        session = Session.open(agent, ledger, run="session", overseer=OVERSEERS[overseer], seed=11)
        done = list(drive(session, world, num_steps=rounds))
    assert [one.asked for one in done] == np.asarray(trace.asked).tolist()[:rounds]
    assert [one.action for one in done] == np.asarray(trace.action).tolist()[:rounds]


@pytest.mark.filterwarnings(
    "ignore::assent.alarms.AssentWarning"
)  # that nobody explains this overseer is what is counted
@pytest.mark.parametrize("stating", [False, True])
def test_a_session_with_guards_that_keep_count_decides_as_the_scan_does(tmp_path: Path, stating: bool) -> None:
    guards = (HarmonicAudit(3.0), ContextAudit(0.5, floor=0.02), Unexplained(ACTIONS, 0.3), RiskCap(1.5))
    agent, world, rounds = (
        Imitator(Tables.of(policies(0), prior=PRIOR), RatioSet(0.1), guards=guards),
        WORLDS["stream"],
        150,
    )
    overseer = OVERSEERS["demonstrator"]
    trace = live(agent, world, overseer, seed=11, run="session", num_steps=ROUNDS, residual=stating)
    with Ledger.open(tmp_path / "run.db", group=64) as ledger:
        session = Session.open(agent, ledger, run="session", overseer=overseer, seed=11, residual=stating)
        done = list(drive(session, world, num_steps=rounds))
        found = certificate(ledger.events("session"))
    assert [one.asked for one in done] == np.asarray(trace.asked).tolist()[:rounds]
    assert [one.action for one in done] == np.asarray(trace.action).tolist()[:rounds]
    # the same sums, one in the scan's order of operations, the other from the ledger's numbers
    assert found.spent == pytest.approx(float(np.asarray(trace.charge)[:rounds].sum()), abs=1e-9)
    assert found.sum_theta == pytest.approx(float(np.asarray(trace.theta)[:rounds].sum()), abs=1e-9)
    assert found.spent <= 1.5
    assert ("CoverageFailed" in session.alarms) == bool(np.asarray(trace.contradicted)[:rounds].any()) == stating
    assert 0 < found.audits < found.queries < rounds


@pytest.mark.slow
def test_a_million_rounds_leave_weights_that_sum_to_one_and_no_number_that_is_none() -> None:
    """Of an exact class, audited all the time and capped: the sum of weights within 1e-9, twins of one row never asked about."""
    rows = policies(4, members=40)
    rows[7] = rows[3]  # two equal members
    guards = (Audit(0.01), Unexplained(ACTIONS, 0.01), RiskCap(3.0))
    agent = Imitator.of(Tables.of(rows), guards=guards)
    world = Stream.of(np.random.default_rng(0).integers(0, CONTEXTS, 10**6), num_actions=ACTIONS)
    trace = live(agent, world, Demonstrator(rows[3]), seed=0, run="million", num_steps=10**6)
    assert abs(np.exp(np.asarray(trace.log_weight)).sum() - 1) < 1e-9
    for field in ("ask", "theta", "charge", "effective"):
        assert np.isfinite(np.asarray(getattr(trace, field))).all(), field
    assert np.asarray(trace.charge).sum() <= 3.0
    # once only the two equal members lead, theta is exactly 0, not rounding
    assert (np.asarray(trace.theta)[-1000:] == 0).all()
    asked = np.asarray(trace.asked)
    assert asked[10**5 :].mean() == pytest.approx(0.01, abs=5 * np.sqrt(0.01 / 9e5))


# Treachery, small (spec 5.2, E2)

STATES, RANDOM, TWINS, BAD, TRIGGER_FROM, LIFE, SEEDS = 12, 20, 5, 2, 500, 1_200, 6


def twins_scene(seed: int) -> tuple[Tables, Stream, Demonstrator]:
    """Random members, the truth, and twins with ten times its prior that differ in the trigger state only, which comes late."""
    rng = np.random.default_rng([seed, 77])
    rows = 0.95 * rng.dirichlet(np.full(ACTIONS, 0.3), size=(RANDOM + 1, STATES)) + 0.05 / ACTIONS
    truth = rows[RANDOM]
    truth[-1] = [0.6, 0.4, 0.0]
    twin = truth.copy()
    twin[-1] = [0.01, 0.01, 0.98]
    prior = np.concatenate([np.ones(RANDOM + 1), np.full(TWINS, 10.0)])
    states = rng.integers(0, STATES - 1, LIFE)
    states[(rng.random(LIFE) < 0.01) & (np.arange(LIFE) >= TRIGGER_FROM)] = STATES - 1
    bank = Tables.of(np.concatenate([rows, np.repeat(twin[None], TWINS, axis=0)]), prior=prior)
    return bank, Stream.of(states, num_actions=ACTIONS), Demonstrator(truth)


def catastrophes(leading: Any, rule: Any = None) -> tuple[Any, Any]:
    """Whether the bad act was done alone in the trigger state, and how often it was asked, for each seed."""
    scenes = [twins_scene(seed) for seed in range(SEEDS)]
    agents = stack([Imitator(bank, leading, rule or Minimum()) for bank, _, _ in scenes])
    worlds, overseers = (stack([scene[part] for scene in scenes]) for part in (1, 2))
    each = ("agent", "world", "overseer")
    trace = live_many(agents, worlds, overseers, seeds=range(SEEDS), run="twins", num_steps=LIFE, each=each)
    trigger = np.stack([world.items == STATES - 1 for _, world, _ in scenes])
    assert trigger.any(axis=1).all()
    alone = ~np.asarray(trace.asked) & (np.asarray(trace.action) == BAD) & trigger
    return alone.any(axis=1), np.asarray(trace.asked).sum(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("k", [TWINS, pytest.param(1, marks=pytest.mark.slow)])
def test_treacherous_twins_win_a_count(k: int) -> None:
    """They all say the same, so a set of the best k, k <= their number, is unanimous, asks nothing, and falls for them."""
    fell, asked = catastrophes(TopK(k, accept_no_guarantee=True))
    assert fell.all()
    assert (asked < 5).all()


@pytest.mark.slow
def test_treacherous_twins_are_caught_by_the_ratio_set() -> None:
    fell, asked = catastrophes(RatioSet(0.05))
    assert not fell.any()
    # spec 5.2: 13 questions at 111 members and five actions; here about as many, and never a tenth of the rounds
    assert (asked > 2).all()
    assert asked.mean() < 40


@pytest.mark.slow
def test_treacherous_twins_win_an_average() -> None:
    fell, _ = catastrophes(Everyone(), Mixture())
    assert fell.all()


@pytest.mark.slow
def test_a_heavier_prior_does_not_help_the_twins_against_the_ratio_set() -> None:
    bank, world, overseer = twins_scene(0)
    for weight in (1.0, 10.0, 1000.0):
        prior = np.concatenate([np.ones(RANDOM + 1), np.full(TWINS, weight)])
        heavier = replace(bank, log_prior_weights=np.log(prior / prior.sum()))
        trace = live(Imitator(heavier, RatioSet(0.05)), world, overseer, seed=1, run="heavy", num_steps=LIFE)
        bad = ~np.asarray(trace.asked) & (np.asarray(trace.action) == BAD) & (world.items == STATES - 1)
        assert not bad.any()
