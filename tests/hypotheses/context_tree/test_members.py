"""The family of all context trees: bounds against brute force, promises against runs, memories that are values."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from assent import Asked, Imitator, Ledger, Session
from assent.checks import check_hypotheses
from assent.core import Answer, Belief
from assent.fold import belief_digest
from assent.hypotheses.context_tree import ContextTreeMixture, ContextTrees
from assent.overseers.scripted import Scripted
from tests.core.support import EPS
from tests.hypotheses.context_tree.enumeration import all_trees, leaf_of
from tests.session_support import bodies, unchecked


def live(family: ContextTrees, done: Any, said: Any, memory: Any = None) -> Any:
    """The memory after each of `done` was done, and each of `said`, where not None, was what the overseer said just before."""
    memory = family.init() if memory is None else memory
    for act, answer in zip(done, said, strict=True):
        if answer is not None:
            memory = family.learn(memory, None, Answer(answer))
        memory = family.advance(memory, None, act)
    return memory


def lower(family: ContextTrees, memory: Any) -> Any:
    return np.exp(family.log_lower(memory, None))[0]


def coin_bound(count: int, total: int, log_inverse_risk: float) -> float:
    """The least x with n kl(c/n, x) <= log(1/risk) + R, R from predictions one after the other; by SciPy's root finder."""
    if count == 0:
        return 0.0
    estimate, tally = 0.0, [0, 0]
    for side in [0] * count + [1] * (total - count):
        estimate += math.log((tally[side] + 0.5) / (sum(tally) + 1))
        tally[side] += 1
    share = count / total
    most = sum(c * math.log(c / total) for c in (count, total - count) if c)

    def excess(x: float) -> float:
        rest = (total - count) * math.log((1 - share) / (1 - x)) if count < total else 0.0
        return count * math.log(share / x) + rest - (log_inverse_risk + most - estimate)

    return brentq(excess, 1e-300, share, xtol=1e-300, rtol=8 * EPS)  # pyright: ignore


@given(
    data=st.data(),
    size=st.sampled_from([(2, 0), (2, 2), (2, 3), (3, 2), (4, 1)]),
    delta_tree=st.sampled_from([0.0, 0.0537, 0.4871]),
)
@settings(max_examples=40)
def test_lower_rows_are_the_least_over_every_plausible_tree(
    data: st.DataObject, size: tuple[int, int], delta_tree: float
) -> None:
    """The oracle tries every tree in turn: is it plausible, which leaf are we in, what is the least that leaf may give?

    The deltas are no ratios of likelihoods, so that no tree is plausible by rounding alone.
    """
    actions, depth = size
    numbers = st.integers(0, actions - 1)
    done = data.draw(st.lists(numbers, min_size=depth, max_size=40))
    said = [data.draw(st.none() | numbers) for _ in done]
    family = ContextTrees(num_actions=actions, depth=depth, delta_tree=delta_tree, delta_leaf=0.1)
    memory = live(family, done, said)
    counts: dict[Any, Any] = {}
    for time, answer in enumerate(said):
        if answer is not None and time >= depth:
            for length in range(depth + 1):
                context = tuple(reversed(done[:time]))[:length]
                counts.setdefault(context, [0] * actions)[answer] += 1

    def estimate(leaf: Any) -> float:
        row = counts.get(leaf, [0] * actions)
        top = sum(math.lgamma(c + 0.5) - math.lgamma(0.5) for c in row)
        return top + math.lgamma(actions / 2) - math.lgamma(sum(row) + actions / 2)

    trees = list(all_trees(actions, depth))
    log_likelihood = {leaves: sum(map(estimate, leaves)) for leaves in trees}
    weights = [family.prior.log_prior(leaves) + log_likelihood[leaves] for leaves in trees]
    evidence = float(np.logaddexp.reduce(weights))
    assert float(memory.log_evidence) == pytest.approx(evidence, abs=1e-11)
    expected, lengths = np.full(actions, np.inf), np.zeros(depth + 1, bool)
    for leaves in trees:
        if delta_tree > 0 and log_likelihood[leaves] - evidence < math.log(delta_tree):
            continue
        leaf = leaf_of(leaves, done)
        lengths[len(leaf)] = True
        row = counts.get(leaf, [0] * actions)
        risk = 0.1 * actions ** -len(leaf) / (actions if actions > 2 else 1)
        bounds = [coin_bound(count, sum(row), -math.log(risk)) for count in row]
        expected = np.minimum(expected, bounds)
    assert np.array_equal(family.plausible_lengths(memory), lengths)
    assert lower(family, memory) == pytest.approx(expected, rel=1e-9, abs=1e-300)
    # the mixture's row is the one that the fast predictor gives
    mixture = ContextTreeMixture(actions, depth)
    for act, answer in zip(done, said, strict=True):
        if answer is not None:
            mixture.learn(answer)
        mixture.advance(act)
    assert family.log_policy(memory, None)[0] == pytest.approx(mixture.log_predict(), rel=1e-10)
    assert family.posterior(memory).log_evidence == pytest.approx(mixture.log_evidence, abs=1e-11)


def test_the_oracle_rejects_a_short_list_of_trees_and_a_maximum() -> None:
    """With the most probable tree alone, and with the greatest in place of the least, more is acted on than may be."""
    rng = np.random.default_rng(1)
    family = ContextTrees(num_actions=2, depth=3, delta_tree=0.01)
    said = (rng.random(60) < 0.8).astype(int)
    memory = live(family, said, said)
    rows = [
        memory.versions.least(
            memory.root,
            history=memory.history,
            lengths=np.arange(4) == length,
            log_inverse_risk=family._log_inverse_risk,
        )
        for length in range(4)
    ]
    best = family.posterior(memory).best()[0]
    alone = rows[len(leaf_of(best.leaves, memory.history.tolist()))]
    assert family.plausible_lengths(memory).sum() > 1
    assert lower(family, memory)[1] < alone[1] <= max(row[1] for row in rows)


def test_conforms() -> None:
    check_hypotheses(ContextTrees)
    check_hypotheses(ContextTrees(num_actions=4, depth=0))
    check_hypotheses(ContextTrees(num_actions=2, depth=5, delta_tree=0.0))


def test_before_anything_is_known_everything_is_asked() -> None:
    for depth in (0, 1, 3):
        family = ContextTrees(num_actions=3, depth=depth)
        memory = family.init()
        agent = Imitator.of(family)
        for round_ in range(depth + 1):
            assert not lower(family, memory).any()
            assert np.exp(family.log_policy(memory, None)) == pytest.approx(np.full((1, 3), 1 / 3))
            assert float(agent.propose(replace(agent.init(), memory=memory), None).ask) == 1
            if round_ < depth:  # too early to count anywhere
                assert family.learn(memory, None, Answer(1)) is memory
                memory = family.advance(memory, None, 1)
    ready = ContextTrees(num_actions=3, depth=2, past=(1, 0))
    assert ready.learn(ready.init(), None, Answer(1)) is not ready.init()
    assert float(ready.learn(ready.init(), None, Answer(1)).log_evidence) == pytest.approx(-math.log(3))


def test_a_context_never_seen_is_asked_until_it_can_hardly_matter() -> None:
    """An honest limit: `delta_tree` acts in a new context once the splits that lead to it are implausible; 0 never does.

    Where one more past action sets the new context apart from all that was seen, the split costs nothing, and it is asked as well.
    """
    rng = np.random.default_rng(5)
    done: list[int] = [0, 0, 0]
    while len(done) < 1500:  # three ones in a row never happen
        done.append(0 if done[-2:] == [1, 1] else int(rng.integers(2)))
    said = (rng.random(len(done)) < 0.9).astype(int)
    here = {}
    for delta in (0.0, 0.05):
        family = ContextTrees(num_actions=2, depth=3, delta_tree=delta)
        memory = live(family, done, said)
        memory = family.advance(family.advance(family.advance(memory, None, 1), None, 1), None, 1)
        here[delta] = lower(family, memory)
    assert not here[0.0].any()
    assert 0.7 < here[0.05][1] < 0.9
    sure = ContextTrees(num_actions=2, depth=3, delta_tree=0.9)
    memory = live(sure, [0] * 500, [1] * 500)
    assert lower(sure, memory)[1] > 0.9
    assert not lower(sure, sure.advance(memory, None, 1)).any()


def coverage(*, delta_tree: float, delta_leaf: float, runs: int, steps: int, seed: int, of: Any = lower) -> float:
    """In which share of runs an action is ever given more than the overseer gives it: trees and probabilities drawn anew each run."""
    rng, trees, failed = np.random.default_rng(seed), list(all_trees(2, 2)), 0
    for run in range(runs):
        family = ContextTrees(num_actions=2, depth=2, delta_tree=delta_tree, delta_leaf=delta_leaf, past=(0, 0))
        leaves = trees[run % len(trees)]
        truth = {leaf: rng.dirichlet([0.5, 0.5]) for leaf in leaves}
        memory, past = family.init(), [0, 0]
        for _ in range(steps):
            row = truth[leaf_of(leaves, past)]
            if (of(family, memory) > row + 1e-12).any():
                failed += 1
                break
            answer = int(rng.random() < row[1])
            # half of what is done is not what the overseer said: all contexts come
            past.append(answer if rng.random() < 0.5 else int(rng.integers(2)))
            memory = family.advance(family.learn(memory, None, Answer(answer)), None, past[-1])
    return failed / runs


def frequencies(family: ContextTrees, memory: Any) -> Any:
    """The wrong variant: what the mixture predicts, with nothing taken off."""
    return np.exp(family.log_policy(memory, None))[0]


@pytest.mark.slow
@pytest.mark.parametrize(("delta_tree", "delta_leaf"), [(0.0, 0.2), (0.2, 0.1)])
def test_no_action_gets_more_than_the_overseer_gives_it(delta_tree: float, delta_leaf: float) -> None:
    runs, risk = 300, delta_tree + delta_leaf
    with unchecked():
        failed = coverage(delta_tree=delta_tree, delta_leaf=delta_leaf, runs=runs, steps=100, seed=int(100 * risk))
    assert failed <= risk + 3 * math.sqrt(risk * (1 - risk) / runs)
    with unchecked():
        wrong = coverage(delta_tree=delta_tree, delta_leaf=delta_leaf, runs=40, steps=100, seed=0, of=frequencies)
    assert wrong > 0.9


def test_both_risks_change_what_is_acted_on() -> None:
    rng = np.random.default_rng(0)
    said = (rng.random(300) < 0.9).astype(int)
    bounds = {
        (tree, leaf): lower(family, live(family, said, said))[1]
        for tree in (0.0, 0.5)
        for leaf in (0.001, 0.4)
        for family in [ContextTrees(num_actions=2, depth=4, delta_tree=tree, delta_leaf=leaf)]
    }
    assert bounds[0.0, 0.001] < bounds[0.5, 0.001] < bounds[0.5, 0.4]
    assert bounds[0.0, 0.001] < bounds[0.0, 0.4]
    assert ContextTrees(num_actions=2, depth=4, delta_tree=0.25, delta_leaf=0.125).risk == 0.375


@given(data=st.data())
@settings(max_examples=25)
def test_memories_are_values_however_they_branch(data: st.DataObject) -> None:
    """Learning from any of the memories so far changes none of them, and what one gives depends on its own past alone."""
    family = ContextTrees(num_actions=3, depth=2, past=(0, 1))
    kept: list[tuple[Any, list[tuple[int, int]]]] = [(family.init(), [])]
    for _ in range(data.draw(st.integers(1, 20))):
        memory, story = kept[data.draw(st.integers(0, len(kept) - 1))]
        said, done = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
        kept.append((family.advance(family.learn(memory, None, Answer(said)), None, done), [*story, (said, done)]))
    for memory, story in kept:
        alone = live(family, [done for _, done in story], [said for said, _ in story])
        assert np.array_equal(family.log_policy(memory, None), family.log_policy(alone, None))
        assert np.array_equal(family.log_lower(memory, None), family.log_lower(alone, None))
        assert belief_digest(Belief(np.zeros(1), np.zeros(1), memory)) == belief_digest(
            Belief(np.zeros(1), np.zeros(1), alone)
        )


def test_what_was_learned_is_in_the_digest() -> None:
    """Two memories with the same evidence and history, that counted the same answers in mirrored contexts."""
    family = ContextTrees(num_actions=2, depth=1, past=(0,))
    one = live(family, [1, 0], [0, 1])
    other = live(family, [1, 0], [1, 0])
    assert float(one.log_evidence) == pytest.approx(float(other.log_evidence), abs=1e-12)
    assert np.array_equal(one.history, other.history)
    assert belief_digest(Belief(np.zeros(1), np.zeros(1), one)) != belief_digest(
        Belief(np.zeros(1), np.zeros(1), other)
    )


def test_rows_that_no_version_needs_are_left_behind() -> None:
    """6,000 answers of 5 rows each fit in four times the 31 contexts there are, or the least that is kept; old memories stay."""
    rng = np.random.default_rng(9)
    family = ContextTrees(num_actions=2, depth=4, past=(0, 0, 0, 0))
    answers = rng.integers(0, 2, 6_000)
    early = live(family, answers[:100], answers[:100].tolist())
    before = family.log_lower(early, None)
    with unchecked():
        late = live(family, answers[100:], answers[100:].tolist(), early)
    assert late.versions is not early.versions
    assert late.versions.used <= 4096 + 5
    assert np.array_equal(family.log_lower(early, None), before)
    mixture = ContextTreeMixture(2, 4, past=(0, 0, 0, 0))
    mixture.extend(answers)
    # from the counts on both sides: a few dozen gamma functions of n log n = 6e4, each good to an ulp
    assert float(late.log_evidence) == pytest.approx(mixture.posterior().log_evidence, abs=256 * 6e4 * EPS)
    again = pickle.loads(pickle.dumps(late))
    assert np.array_equal(family.log_lower(again, None), family.log_lower(late, None))


def test_nothing_done_moves_nothing() -> None:
    family = ContextTrees(num_actions=2, depth=1, past=(0,))
    memory = family.init()
    assert family.advance(memory, None, -1) is memory
    assert family.advance(memory, None, np.asarray(1)).history.tolist() == [1]


def test_a_session_of_this_family_goes_on_as_if_it_had_not_been_broken_off(tmp_path: Path) -> None:
    """Forty decisions, broken off at each fifth and resumed, give the events and the belief of forty in one go; and verify."""
    family = ContextTrees(num_actions=3, depth=2, past=(0, 0))
    overseer = Scripted(lambda obs: obs)

    def life(name: str, *, broken: bool) -> tuple[Any, str]:
        with Ledger.open(tmp_path / f"{name}.db") as ledger:
            session = Session.open(Imitator.of(family), ledger, run="run", overseer=overseer, null_action=0)
            for step in range(40):
                if broken and step % 5 == 4:
                    session = Session.resume(Imitator.of(family), ledger, run="run", overseer=overseer)
                if isinstance(session.decide(step % 3), Asked):
                    session.consult(step % 3)
            assert session.verify().ok
            return bodies(ledger.events("run")), belief_digest(session.belief)

    assert life("whole", broken=False) == life("broken", broken=True)


def asked(*, depth: int, seed: int, rounds: int) -> tuple[list[bool], int]:
    """A life with an overseer who goes round 0, 1, 2, 0 … whatever was done before the last; which rounds asked, and what went wrong."""
    rng = np.random.default_rng(seed)
    agent = Imitator.of(ContextTrees(num_actions=3, depth=depth))
    belief, last, wrong, asks = agent.init(), 0, 0, []
    for _ in range(rounds):
        assent = agent.propose(belief, None)
        right = (last + 1) % 3
        place = int(np.searchsorted(np.cumsum(assent.probs), rng.random(), side="right"))
        asks.append(place == 3)
        if asks[-1]:
            belief, act = agent.learn(belief, None, Answer(right)), right
        else:
            act = place
        wrong += act != right
        belief, last = agent.remember(belief, None, act), act
    return asks, wrong


def test_an_imitator_of_this_family_learns_a_habit_and_asks_less() -> None:
    for seed in range(2):
        with unchecked():
            asks, wrong = asked(depth=3, seed=seed, rounds=900)
        assert all(asks[:4])
        assert wrong == 0
        assert sum(asks[-300:]) < sum(asks[:300]) / 2


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"delta_tree": -0.1}, r"delta_tree = -0.1 and delta_leaf = 0.025 are no risks"),
        ({"delta_tree": 1.0}, "are no risks"),
        ({"delta_leaf": 0.0}, r"delta_leaf = 0.0 are no risks"),
        ({"delta_tree": 0.5, "delta_leaf": 0.5}, "together they are below 1"),
        ({"delta_tree": math.nan}, "are no risks"),
        ({"beta": 1.5}, r"beta = 1.5 is outside"),
        ({"num_actions": 1}, "1 symbols: a context tree takes 2 to 256"),
        ({"past": (0, 2)}, "symbols run from 0 to 2; they must lie from 0 to 1"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ContextTrees(**{"num_actions": 2, "depth": 1, **settings})


@pytest.mark.parametrize("wrong", [2, -2])
def test_what_is_no_action_is_refused(wrong: int) -> None:
    family = ContextTrees(num_actions=2, depth=1, past=(0,))
    for do in (
        lambda: family.advance(family.init(), None, wrong),
        lambda: family.learn(family.init(), None, Answer(wrong)),
    ):
        with pytest.raises(ValueError, match=f"symbols run from {wrong}"):
            do()
