"""Simplexes: bounds against every point of a fine grid, promises against runs, the pace at which questions fade."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assent.lab  # noqa: F401
from assent.agents.imitator import Imitator
from assent.checks import check_hypotheses
from assent.core import Answer
from assent.core.coins import log_least
from assent.hypotheses.simplexes import Simplexes, Test
from assent.overseers.demonstrator import Demonstrator
from assent.rollout import live, live_many
from assent.worlds.ring import Ring
from assent.worlds.stream import Stream
from tests.session_support import unchecked


def taught(family: Simplexes, answers: Any, memory: Any = None) -> Any:
    """The memory after `answers`, pairs of a context and an action."""
    memory = family.init() if memory is None else memory
    for context, action in answers:
        memory = family.learn(memory, context, Answer(np.asarray(action)))
    return memory


def estimate(counts: Any) -> float:
    """Log-probability of the answers under Krichevsky and Trofimov's estimate, one prediction after the other."""
    seen, value = [0] * len(counts), 0.0
    for action, count in enumerate(counts):
        for _ in range(count):
            value += math.log((seen[action] + 0.5) / (sum(seen) + len(counts) / 2))
            seen[action] += 1
    return value


def likelihood(counts: Any, point: Any) -> float:
    return sum(count * math.log(p) if p else -math.inf for count, p in zip(counts, point, strict=True) if count)


STEPS = 200
"""Points of the grid along each edge of the simplex."""


def least_of_simplex(counts: Any, log_inverse_risk: float) -> list[float]:
    """The least of each coordinate over all points of the grid that the test does not refuse."""
    log_estimate, least = estimate(counts), [1.0] * len(counts)
    for whole in itertools.product(range(STEPS + 1), repeat=len(counts) - 1):
        if sum(whole) <= STEPS:
            point = [*(number / STEPS for number in whole), (STEPS - sum(whole)) / STEPS]
            if log_estimate - likelihood(counts, point) <= log_inverse_risk:
                least = [min(pair) for pair in zip(least, point, strict=True)]
    return least


def least_of_coins(counts: Any, log_inverse_risk: float) -> list[float]:
    split = math.log(len(counts)) if len(counts) > 2 else 0.0
    return [
        least_of_simplex([count, sum(counts) - count], log_inverse_risk + split)[0] if count else 0.0
        for count in counts
    ]


@pytest.mark.parametrize("test", ["coins", "die"])
@pytest.mark.parametrize("counts", [(1, 0), (7, 2), (40, 0, 0), (12, 5, 1), (3, 30, 9), (0, 0, 2)])
def test_bounds_are_the_least_over_all_that_is_not_refused(test: Test, counts: tuple[int, ...]) -> None:
    """The grid's least is at most one step of the grid above; the wrong variants, no regret and no split, stand above it."""
    delta, shares = 0.2, np.asarray([1.0, 3.0])
    family = Simplexes.of(2, len(counts), delta=delta, shares=shares, test=test)
    answers = [(0, action) for action, count in enumerate(counts) for _ in range(count)]
    bounds = np.exp(family.log_lower(taught(family, answers), 0))[0]
    log_inverse_risk = math.log(1 / (delta / 4))
    least = (least_of_simplex if test == "die" else least_of_coins)(counts, log_inverse_risk)
    for bound, brute in zip(bounds, least, strict=True):
        assert bound <= brute + 1e-12
        assert brute - bound <= len(counts) / STEPS
    row, total = np.asarray(counts, dtype=float), np.full(len(counts), float(sum(counts)))
    careless = np.exp(log_least(row, total, np.full(len(counts), log_inverse_risk)))
    if max(counts) >= 7:
        assert (careless > np.asarray(least) + 1 / STEPS).any()


@given(st.data())
@settings(max_examples=30)
def test_counts_are_all_that_matters(data: st.DataObject) -> None:
    """Whatever the order of the answers; other contexts keep theirs, old memories stay; rows sum to at most 1."""
    contexts, actions = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    family = Simplexes.of(contexts, actions, test=data.draw(st.sampled_from(["coins", "die"])))
    answers = data.draw(st.lists(st.tuples(st.integers(0, contexts - 1), st.integers(0, actions - 1)), max_size=30))
    memory, other = taught(family, answers), taught(family, data.draw(st.permutations(answers)))
    assert np.array_equal(memory.counts, other.counts)
    assert np.array_equal(memory.log_lower, other.log_lower)
    for context in range(contexts):
        counts = [sum(pair == (context, action) for pair in answers) for action in range(actions)]
        assert memory.counts[context].tolist() == counts
        expected = (np.asarray(counts) + 0.5) / (sum(counts) + actions / 2)
        assert np.exp(family.log_policy(memory, context))[0] == pytest.approx(expected, rel=1e-12)
        bounds = np.exp(family.log_lower(memory, context))[0]
        assert ((bounds == 0) == (np.asarray(counts) == 0)).all()
        assert (bounds <= np.asarray(counts) / max(sum(counts), 1)).all()
        assert bounds.sum() < 1
    later = taught(family, [(0, 0)], memory)
    assert np.array_equal(later.log_lower[1:], memory.log_lower[1:])
    assert np.array_equal(taught(family, answers).log_lower, memory.log_lower)


def test_every_setting_changes_what_is_acted_on() -> None:
    answers = [(0, 0)] * 20 + [(0, 1)] * 10

    def bound(**settings: Any) -> float:
        family = Simplexes.of(2, 3, **settings)
        return float(np.exp(family.log_lower(taught(family, answers), 0))[0, 0])

    assert bound(delta=0.001) < bound(delta=0.05) < bound(delta=0.5)
    assert bound(shares=np.asarray([1.0, 9.0])) < bound() < bound(shares=np.asarray([9.0, 1.0]))
    assert bound(test="die") < bound(test="coins")
    assert bound(shares=np.asarray([1.0, 1.0])) == pytest.approx(bound(), rel=1e-12)
    assert Simplexes.of(2, 3, delta=0.25).risk == 0.25


def test_conforms() -> None:
    check_hypotheses(Simplexes)
    check_hypotheses(Simplexes.of(2, 1, delta=0.5))
    check_hypotheses(Simplexes.of(1, 5, test="die"))


@partial(jax.jit, static_argnames=("runs", "answers", "regret"))
def failures(family: Simplexes, truth: Any, key: Any, *, runs: int, answers: int, regret: bool = True) -> Any:
    """In which share of runs a bound is ever above the overseer's probability; `answers` in each context, looked at after each."""
    below, actions = jnp.cumsum(truth, axis=1)[:, :-1], truth.shape[1]

    def step(now: Any, uniform: Any) -> tuple[Any, None]:
        counts, failed = now
        chosen = jnp.sum(uniform[:, None] >= below, axis=1)
        counts = counts + jax.nn.one_hot(chosen, actions, dtype=counts.dtype)
        bounds = family.bounds(counts, family.log_share)
        if not regret:
            total = jnp.broadcast_to(jnp.sum(counts, axis=1)[:, None], counts.shape)
            bounds = log_least(counts, total, jnp.full(counts.shape, jnp.log(counts.size / family.delta)))
        return (counts, failed | jnp.any(jnp.exp(bounds) > truth)), None

    def run(key: Any) -> Any:
        draws = jax.random.uniform(key, (answers, truth.shape[0]))
        return jax.lax.scan(step, (jnp.zeros(truth.shape), jnp.asarray(False)), draws)[0][1]

    return jnp.mean(jax.vmap(run)(jax.random.split(key, runs)))


TRUTHS = {
    "fair coin": np.asarray([[0.5, 0.5]]),
    "two contexts": np.asarray([[0.9, 0.08, 0.02], [0.2, 0.5, 0.3]]),
    "nearly sure": np.asarray([[0.985, 0.005, 0.005, 0.005]]),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "test"), [("fair coin", "coins"), ("nearly sure", "coins"), ("two contexts", "die")])
def test_no_action_ever_gets_more_than_the_overseer_gives_it(name: str, test: Test) -> None:
    """2,000 runs of 120 answers in each context, for four risks."""
    truth = TRUTHS[name]
    family = Simplexes.of(*truth.shape, test=test)
    with jax.enable_x64(True):
        for seed, delta in enumerate((0.5, 0.2, 0.05, 0.01)):
            now = jax.tree.map(jnp.asarray, replace(family, delta=delta))
            found = float(failures(now, jnp.asarray(truth), jax.random.key(seed), runs=2_000, answers=120))
            assert found <= delta + 3 * math.sqrt(delta * (1 - delta) / 2_000), (delta, found)


@pytest.mark.slow
def test_a_bound_for_one_look_fails_when_one_looks_often() -> None:
    """The wrong variant, Chernoff's bound for a number of answers fixed beforehand: more than twice the risk after 2,000 looks."""
    with jax.enable_x64(True):
        family, truth = jax.tree.map(jnp.asarray, Simplexes.of(1, 2)), jnp.asarray(TRUTHS["fair coin"])
        found = float(failures(family, truth, jax.random.key(9), runs=1_000, answers=2_000, regret=False))
    assert found > 0.1


@pytest.mark.slow
def test_questions_fade_as_the_two_thirds_power_of_time() -> None:
    """E6: an overseer who throws a coin; 51, 260, 1,355 and 6,339 questions in 10^2 to 10^5 rounds were measured with a grid of coins."""
    world = Stream.of(np.zeros(1, int), num_actions=2)
    overseer, agent = Demonstrator(np.asarray([[0.7, 0.3]])), Imitator.of(Simplexes.of(1, 2))
    trace = live_many(agent, world, overseer, seeds=range(4), run="fade", num_steps=100_000)
    asked = np.cumsum(trace.asked, axis=1).mean(axis=0)
    rounds = np.asarray([10**2, 10**3, 10**4, 10**5])
    slopes = np.diff(np.log(asked[rounds - 1])) / np.log(10)
    assert 0.60 < np.polyfit(np.log(rounds), np.log(asked[rounds - 1]), 1)[0] < 0.75
    assert 0.60 < slopes[-1] < 0.75
    assert asked[rounds - 1] == pytest.approx([51, 260, 1_355, 6_339], rel=0.15)


@pytest.mark.slow
def test_a_life_is_the_same_step_by_step() -> None:
    """One scan of JAX against a loop over the agent's own methods in NumPy."""
    family = Simplexes.of(4, 3, delta=0.3)
    agent, truth = Imitator.of(family), np.random.default_rng(5).dirichlet(np.full(3, 0.2), size=4)
    trace = live(agent, Ring(4, 0.3), Demonstrator(truth), seed=1, run="simplexes", num_steps=150)
    belief = agent.init()
    for number in range(150):
        obs, action = int(trace.state[number]), np.asarray(trace.action[number])
        assert float(agent.propose(belief, obs).ask) == pytest.approx(float(trace.ask[number]), abs=1e-9)
        if trace.asked[number]:
            belief = agent.learn(belief, obs, Answer(np.asarray(trace.answer[number])))
        belief = agent.remember(belief, obs, action)
    assert 4 < trace.asked.sum() < 150


def test_risks_are_leaves() -> None:
    """A new delta compiles nothing anew, and a stack of families may have one each."""
    family, calls = Simplexes.of(2, 2), []

    @jax.jit
    def bounds(family: Any, counts: Any) -> Any:
        calls.append(1)
        return family.bounds(counts, family.log_share)

    with jax.enable_x64(True):
        counts = jnp.asarray([[5.0, 1.0], [0.0, 9.0]])
        for delta in (0.05, 0.5):
            found = bounds(jax.tree.map(jnp.asarray, replace(family, delta=delta)), counts)
            expected = replace(family, delta=delta).bounds(np.asarray(counts), family.log_share)
            assert np.allclose(found, expected, rtol=1e-12)
    assert len(calls) == 1


@pytest.mark.parametrize("obs", [-1, 3, np.asarray(-1), None, 1.0, "A", math.nan])
def test_what_is_no_context_is_refused(obs: Any) -> None:
    family = Simplexes.of(3, 2)
    for do in (
        lambda: family.log_policy(family.init(), obs),
        lambda: family.log_lower(family.init(), obs),
        lambda: family.learn(family.init(), obs, Answer(np.asarray(0))),
    ):
        with pytest.raises(IndexError, match="from 0 to 2"):
            do()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"num_contexts": 0}, "0 contexts and 2 actions"),
        ({"num_actions": 0}, "3 contexts and 0 actions"),
        ({"delta": 0.0}, r"delta = 0.0 is outside \(0, 1\)"),
        ({"delta": math.nan}, "delta = nan"),
        ({"test": "dice"}, "test = 'dice': it is one of coins, die"),
        ({"shares": np.ones(2)}, r"shape \(2,\) for 3 members"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict[str, Any], sentence: str) -> None:
    given = {"num_contexts": 3, "num_actions": 2, **settings}
    with unchecked(), pytest.raises(ValueError, match=sentence):
        Simplexes.of(given.pop("num_contexts"), given.pop("num_actions"), **given)
