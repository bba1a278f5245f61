"""The DAgger family against their published rules, written out in plain Python on the same labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assent.core import Answer
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.hypotheses.newton import NewtonSoftmax, fourier_features
from assent.hypotheses.wrap import wrap
from assent.peers.cloner import Cloner
from assent.peers.dagger import Dagger
from assent.peers.discrepancy import CountedDiscrepancy, LinearDiscrepancy
from assent.peers.lazy_dagger import LazyDagger
from assent.peers.peer import Peer, discrepancy
from assent.peers.safe_dagger import EnsembleDagger, SafeDagger
from assent.peers.thrifty_dagger import LEAST, RISK_HERE, RISK_THERE, ThriftyDagger
from tests.peers.loops import Line, drive, mixed

CONTEXTS, ACTIONS = 4, 3
COUNTED = CountedDiscrepancy(CONTEXTS, ACTIONS)


def table() -> BootstrapCounts:
    return BootstrapCounts.single(num_contexts=CONTEXTS, num_actions=ACTIONS)


def ensemble(seed: int = 0) -> BootstrapCounts:
    return BootstrapCounts.of(num_contexts=CONTEXTS, num_actions=ACTIONS, num_members=5, seed=seed)


def policy_of(agent: Peer, line: Line) -> np.ndarray:
    return np.exp(agent.hypotheses.log_policy(line.before.memory, line.obs)).mean(axis=0)


def distance(policy: np.ndarray, label: int) -> float:
    """The squared distance of two points of the simplex over 2, the greatest there is."""
    return float(((policy - np.eye(len(policy))[label]) ** 2).sum()) / 2


def test_cloning_asks_first_and_never_again() -> None:
    lines = drive(Cloner(table(), labels=30), mixed(0))
    assert [line.ask for line in lines] == [1.0] * 30 + [0.0] * 90


@pytest.mark.parametrize(("labels", "parts"), [(30, 15), (31, 15), (7, 3), (5, 20)])
def test_beta_is_imitations_linear_schedule(labels: int, parts: int) -> None:
    """`min(1, max(0, (parts - round) / parts))`, the round being the part of the phase; the wrong variant falls a part too early."""
    agent = Dagger(table(), labels=labels, parts=parts)
    belief = agent.init()
    for number in range(labels + 3):
        part = number * parts // labels
        beta = min(1.0, max(0.0, (parts - part) / parts)) if number < labels else 0.0
        assert float(agent.propose(belief, 0).ask) == pytest.approx(beta, abs=1e-12)
        assert bool(agent.wants_label(belief, 0)) == (number < labels)
        early = (parts - part - 1) / parts
        assert number >= labels or float(agent.propose(belief, 0).ask) != pytest.approx(early)
        belief = agent.learn(belief, 0, Answer(1))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tau", [0.02, 0.1, 0.4])
def test_safe_dagger_hands_over_where_a_classifier_fitted_anew_says_so(tau: float, seed: int) -> None:
    agent = SafeDagger(table(), COUNTED, tau=tau)
    lines, said = drive(agent, mixed(seed)), [list[int]() for _ in range(CONTEXTS)]
    for line in lines:
        policy = policy_of(agent, line)
        unsafe = sum(distance(policy, label) > tau for label in said[line.obs])
        predicted = (0.5 + unsafe) / (1 + len(said[line.obs]))
        assert line.ask == float(predicted >= 0.5)
        if line.ask:
            said[line.obs].append(line.label)
    asks = [line.ask for line in lines]
    assert asks[0] == 1, "a cold start asks"
    assert 0 < sum(asks) < len(asks)


def test_a_greater_tau_asks_less() -> None:
    counts = [
        sum(line.ask for line in drive(SafeDagger(table(), COUNTED, tau=tau), mixed(1))) for tau in (0.01, 0.1, 0.5)
    ]
    assert counts[0] > counts[1] > counts[2] >= CONTEXTS


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("chi", [0.002, 0.004])
def test_ensemble_dagger_wants_both_little_doubt_and_a_small_discrepancy(chi: float, seed: int) -> None:
    """And each of the two alone would have acted in rounds that are asked: doubt alone in the very first."""
    agent = EnsembleDagger(ensemble(seed), COUNTED, chi=chi, tau=0.1)
    said, by_doubt, by_distance = [list[int]() for _ in range(CONTEXTS)], 0, 0
    for line in drive(agent, mixed(seed)):
        rows = np.exp(agent.hypotheses.log_policy(line.before.memory, line.obs))
        novel = rows.var(axis=0).mean() > chi
        unsafe = sum(distance(rows.mean(axis=0), label) > 0.1 for label in said[line.obs])
        off = (0.5 + unsafe) / (1 + len(said[line.obs])) >= 0.5
        assert line.ask == float(novel or off)
        by_doubt, by_distance = by_doubt + (novel and not off), by_distance + (off and not novel)
        if line.ask:
            said[line.obs].append(line.label)
    assert by_distance > 0
    assert by_doubt > 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("tau", "back"), [(0.4, 0.25), (0.1, 0.5)])
def test_lazy_dagger_stays_with_the_overseer_until_the_novice_is_clearly_right(
    tau: float, back: float, seed: int
) -> None:
    """The loop of the published code: in charge is a state, left only when the actual discrepancy is below `back * tau`."""
    agent = LazyDagger(table(), COUNTED, tau=tau, back=back)
    said, overseer, kept = [list[int]() for _ in range(CONTEXTS)], False, 0
    for line in drive(agent, mixed(seed)):
        policy = policy_of(agent, line)
        unsafe = sum(distance(policy, label) > tau for label in said[line.obs])
        off = (0.5 + unsafe) / (1 + len(said[line.obs])) >= 0.5
        assert line.ask == float(overseer or off)
        kept += overseer and not off
        if line.ask:
            overseer = not distance(policy, line.label) < tau * back
            said[line.obs].append(line.label)
    assert kept > 0, "without hysteresis nothing would differ"


def test_laziness_means_fewer_switches() -> None:
    def switches(agent: Peer) -> tuple[int, int]:
        asks = [line.ask for line in drive(agent, mixed(2, count=250))]
        return sum(now > before for before, now in zip([0.0, *asks], asks, strict=False)), int(sum(asks))

    lazy, safe = switches(LazyDagger(table(), COUNTED, tau=0.1)), switches(SafeDagger(table(), COUNTED, tau=0.1))
    assert lazy[0] < safe[0]
    assert lazy[1] > safe[1], "paid for with labels"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("risk", [False, True])
def test_thrifty_dagger_is_the_published_loop(risk: bool, seed: int) -> None:
    """`estimates`, `switch2human_thresh` and the rest as in the authors' code, with lists that are sorted anew at every threshold."""
    labels, every, rate, discount = 30, 20, 0.3, 0.99
    agent = ThriftyDagger(ensemble(seed), rate=rate, labels=labels, every=every, discount=discount, risk=risk)
    rounds = mixed(seed, count=220)
    rng = np.random.default_rng([seed, 9])
    kind = rng.random(220)
    events = [(bool(k < 0.05), bool(k > 0.9)) for k in kind]
    lines = drive(agent, rounds, events=events)
    estimates, chances = list[float](), list[float]()
    held, off = list[float](), list[float]()
    novel, risky, fine = 0.0, RISK_HERE, RISK_THERE
    value, visits = np.full((CONTEXTS, ACTIONS), 0.5), np.zeros((CONTEXTS, ACTIONS))
    overseer, switches = False, {"novel": 0, "risk": 0, "back": 0}
    for number, line in enumerate(lines):
        rows = np.exp(agent.hypotheses.log_policy(line.before.memory, line.obs))
        policy = rows.mean(axis=0)
        acts = (policy == policy.max()) / (policy == policy.max()).sum()
        variance = float(np.square(rows.std(axis=0)).mean())
        safety = float(acts @ value[line.obs]) if risk else 1.0
        if number < labels:
            assert line.ask == 1
            off.append(distance(policy, line.label))
            if number * 10 >= 9 * labels:
                held.append(variance)
        else:
            if not overseer:
                estimates.append(variance)
                chances.append(safety)
            hands_over = overseer or variance > novel or (risk and safety < risky)
            assert line.ask == float(hands_over), number
            switches["novel"] += not overseer and variance > novel
            switches["risk"] += not overseer and not variance > novel and hands_over
            if hands_over:
                right = distance(policy, line.label) < np.mean(off)
                before, overseer = overseer, not (right and (not risk or safety > fine))
                switches["back"] += before and not overseer
        if risk:
            action = line.label if line.ask else int(np.argmax(acts))
            after = rounds[(number + 1) % len(rounds)][0]
            memory = lines[number + 1].before.memory if number + 1 < len(lines) else None
            if memory is not None:
                mean = np.exp(agent.hypotheses.log_policy(memory, after)).mean(axis=0)
                then = (mean == mean.max()) / (mean == mean.max()).sum()
                failed, reached = events[number]
                target = 1.0 if reached else 0.0 if failed else discount * float(then @ value[after])
                visits[line.obs, action] += 1
                step = 1 / visits[line.obs, action] if visits[line.obs, action] <= 20 else 0.05
                value[line.obs, action] += step * (target - value[line.obs, action])
        if number + 1 == labels:
            novel = sorted(held)[int((1 - rate) * len(held))]
        elif (number + 1) % every == 0 and len(estimates) > LEAST:
            place = int((1 - rate) * len(estimates))
            novel = sorted(estimates)[place]
            risky = sorted(chances, reverse=True)[place]
            fine = sorted(chances)[int(0.5 * len(estimates))]
    assert switches["novel"] > 0
    assert not risk or (switches["risk"] > 0 and switches["back"] > 0)


def test_doubt_alone_does_not_see_a_cold_start() -> None:
    """Members that know nothing agree: after its warm-up ThriftyDagger acts in a context nobody has labelled. The prediction asks."""
    rounds = [(0, 0)] * 40 + [(3, 0)]
    thrifty = drive(ThriftyDagger(ensemble(), labels=30, every=1000, risk=False), rounds)
    assert thrifty[-1].ask == 0
    assert drive(EnsembleDagger(ensemble(), COUNTED, chi=0.01), rounds)[-1].ask == 1


def test_on_features_the_prediction_is_a_regression_that_learns_where_the_novice_is_off() -> None:
    """Two groups of items, one with labels that nobody can tell: that one goes on being asked, the other is not.

    With no labels to begin with the regression takes two right guesses for safety, and never hears otherwise.
    """
    rng = np.random.default_rng(0)
    centres = np.asarray([[0.0, 0.0], [6.0, 6.0]])
    group = rng.integers(0, 2, 300)
    raw = centres[group] + 0.1 * rng.normal(size=(300, 2))
    items = fourier_features(raw, num_features=30, width=0.5, seed=0)
    labels = np.where(group == 0, 2, rng.integers(0, 3, 300))
    members = wrap(NewtonSoftmax.of(num_features=31, num_actions=3), num_actions=3, floor=0.002)
    agent, asks = SafeDagger(members, LinearDiscrepancy.of(31), tau=0.1, labels=60), list[float]()
    belief = agent.init()
    for item, label in zip(items, labels, strict=True):
        asks.append(float(agent.propose(belief, item).ask))
        if asks[-1]:
            belief = agent.learn(belief, item, Answer(int(label)))
    late = np.arange(300) > 150
    assert asks[:60] == [1.0] * 60
    assert np.mean(np.asarray(asks)[late & (group == 1)]) > 0.9
    assert np.mean(np.asarray(asks)[late & (group == 0)]) < 0.1


def test_discrepancy_is_the_distance_in_units_of_the_greatest() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        policy, label = rng.dirichlet(np.ones(4)), int(rng.integers(4))
        assert float(discrepancy(policy, np.asarray(label))) == pytest.approx(distance(policy, label), abs=1e-15)
    corners = [float(discrepancy(corner, np.asarray(label))) for corner in np.eye(4) for label in range(4)]
    assert max(corners) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: Cloner(table(), labels=0),
        lambda: ThriftyDagger(ensemble(), labels=0, risk=False),
    ],
    ids=["clone", "thrifty"],
)
def test_a_novice_that_was_taught_nothing_takes_all_actions_in_turn(make: Any) -> None:
    """Not the first one of them, which an argmax would."""
    agent = make()
    assert agent.propose(agent.init(), 0).probs.tolist() == pytest.approx([1 / 3] * 3)
