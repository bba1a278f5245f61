"""Laws of the gates: validity on anything, asking on what cannot be read, thresholds against their definitions, and cold starts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assent.agents.imitator import Imitator
from assent.core import Answer, Confidence, Entropy, Everyone, Margin, Minimum, Mixture, Tolerance, Variance, Vote
from assent.hypotheses.tables import Tables
from tests.core.support import EPS, GATES, Floats, borderline, committee, few, garbage, log, unreadable
from tests.core.test_assent import assert_valid

# as in test_rules: sums of n products of numbers up to 1, three in a row, and what `Assent` snaps to zero
CLOSE = 320 * EPS

each_gate = pytest.mark.parametrize("gate", GATES, ids=repr)


@each_gate
@given(garbage())
def test_anything_gives_a_valid_assent_and_the_unreadable_asks(gate: Any, made: tuple[Floats, Floats]) -> None:
    rows, weight = made
    with np.errstate(over="ignore", invalid="ignore"):  # differences of weights like 1e308
        assent = gate(rows, weight)
    assert_valid(assent)
    assert assent.probs.shape == rows.shape[1:]
    if not borderline(rows) and unreadable(rows, weight):
        assert (float(assent.ask), assent.probs.any()) == (1, False)


@each_gate
@few
@given(committee(), st.data())
def test_one_unreadable_leader_is_enough_to_ask(gate: Any, made: tuple[Floats, Floats], data: st.DataObject) -> None:
    rows, weight = made
    leader = data.draw(st.sampled_from(np.flatnonzero(np.isfinite(weight)).tolist()))
    rows[leader, data.draw(st.integers(0, rows.shape[1] - 1))] = data.draw(
        st.sampled_from([math.nan, math.inf, 0.5, 1e9])
    )
    assent = gate(rows, weight)
    assert (float(assent.ask), assent.probs.any()) == (1, False)


@each_gate
@few
@given(committee())
def test_it_asks_for_sure_or_acts_with_all_that_members_give(gate: Any, made: tuple[Floats, Floats]) -> None:
    """The gates proper act with the mixture's whole mass; `Tolerance` scales up to all there is."""
    rows, weight = made
    assent, mass = gate(rows, weight), float(Mixture()(rows, weight).probs.sum())
    whole = 1.0 if isinstance(gate, Tolerance) else mass
    assert float(assent.ask) == 1 or float(assent.probs.sum()) == pytest.approx(whole, abs=CLOSE)
    acted = assent.probs[assent.probs > 0]
    if gate.greedy and acted.size:
        assert np.ptp(acted) <= CLOSE, "equal ones in turn"


@each_gate
@few
@given(committee(), st.data())
def test_the_order_of_members_and_of_actions_is_kept(
    gate: Any, made: tuple[Floats, Floats], data: st.DataObject
) -> None:
    rows, weight = made
    assume(_decided(gate, rows, weight))
    members, actions = (data.draw(st.permutations(range(size))) for size in rows.shape)
    straight, turned = gate(rows, weight), gate(rows[np.ix_(members, actions)], weight[members])
    assert np.allclose(straight.probs[actions], turned.probs, rtol=0, atol=CLOSE)
    assert abs(float(straight.ask) - float(turned.ask)) <= CLOSE


@each_gate
@few
@given(committee())
def test_members_that_do_not_lead_are_never_looked_at(gate: Any, made: tuple[Floats, Floats]) -> None:
    rows, weight = made
    assume(_decided(gate, rows, weight))
    stranger = np.full((1, rows.shape[1]), np.nan)
    alone, joined = gate(rows, weight), gate(np.concatenate([rows, stranger]), np.concatenate([weight, [-np.inf]]))
    assert np.allclose(alone.probs, joined.probs, rtol=0, atol=CLOSE)
    assert abs(float(alone.ask) - float(joined.ask)) <= CLOSE


@given(committee(), st.floats(0, 1))
def test_every_threshold_against_its_definition(made: tuple[Floats, Floats], dial: float) -> None:
    """With fractions of plain Python; the wrong variants compare the other way round, and are told apart wherever a gate acts."""
    rows, weight = made
    for number, gate in (
        (0, Margin(dial)),
        (1, Entropy(dial)),
        (2, Variance(dial / 4)),
        (3, Vote(dial)),
        (4, Tolerance(dial * 0.99)),
    ):
        value = _number(rows, weight)[number]
        threshold = gate.tau if isinstance(gate, Tolerance) else gate.threshold
        if value is None or abs(value - threshold) < 1e-9:
            continue
        acts = value > threshold if number in (0, 3) else value < threshold
        assent = gate(rows, weight)
        assert (float(assent.probs.sum()) > 0) == (acts and Mixture()(rows, weight).probs.any()), (gate, value)


def _number(rows: Floats, weight: Floats) -> list[float | None]:
    """Margin, entropy, variance, vote and what the minimum leaves out, each from its definition; None for a vote that ties decide."""
    policy, share = np.exp(rows), np.exp(weight)
    leaders = [i for i in range(len(share)) if share[i] > 0]
    actions = range(rows.shape[1])
    mixture = [math.fsum(share[i] * policy[i, a] for i in leaders) for a in actions]
    ranked = sorted(mixture, reverse=True)
    outcomes = [p for p in (*mixture, 1 - math.fsum(mixture)) if p > 1e-15]
    entropy = -math.fsum(p * math.log(p) for p in outcomes) / math.log(max(len(mixture), 2))
    variance = max(math.fsum(share[i] * (policy[i, a] - mixture[a]) ** 2 for i in leaders) for a in actions)
    close = len(ranked) > 1 and ranked[0] - ranked[1] < 1e-9
    best = mixture.index(ranked[0])
    votes = math.fsum(
        share[i] / sum(policy[i, a] == policy[i].max() for a in actions)
        for i in leaders
        if policy[i, best] == policy[i].max()
    )
    theta = 1 - math.fsum(min(policy[i, a] for i in leaders) for a in actions)
    return [ranked[0] - (ranked[1] if len(ranked) > 1 else 0), entropy, variance, None if close else votes, theta]


def _decided(gate: Any, rows: Floats, weight: Floats) -> bool:
    """Whether rounding cannot change what the gate compares, nor which action is likeliest."""
    numbers = _number(rows, weight)
    kinds: tuple[type[Any], ...] = (Margin, Entropy, Variance, Vote, Tolerance)
    value = numbers[kinds.index(type(gate))]
    probs = (Minimum() if isinstance(gate, Tolerance) else Mixture())(rows, weight).probs
    ranked = np.sort(probs)[::-1]
    apart = len(ranked) == 1 or ranked[0] - ranked[1] > 1e-9
    threshold = gate.tau if isinstance(gate, Tolerance) else gate.threshold
    return value is not None and abs(value - threshold) > 1e-9 and apart


UNTAUGHT = log(np.full((5, 4), 0.25))
EQUAL = log(np.full(5, 0.2))


def test_before_anything_was_learned_all_gates_ask_but_those_that_look_for_disagreement() -> None:
    """A committee that knows nothing is sure of nothing, but it agrees: gates on disagreement alone act on that."""
    asks = {type(gate).__name__: float(gate(UNTAUGHT, EQUAL).ask) for gate in GATES}
    assert asks == {"Margin": 1, "Entropy": 1, "Vote": 1, "Variance": 0, "Tolerance": 0}
    assert float(Confidence(0.3)(UNTAUGHT, EQUAL).ask) == 1
    # the wrong variant of a vote, with the first of equal actions for each member, is unanimous
    assert (UNTAUGHT.argmax(axis=1) == 0).all()
    # and entropies that come out as 1 - eps, over 2 to 40 actions, are asked by every threshold that is not 1 itself
    for actions in range(2, 40):
        rows = log(np.full((3, actions), 1 / actions))
        assert float(Entropy(0.999)(rows, EQUAL[:3]).ask) == 1


def test_one_known_action_is_no_certainty() -> None:
    """An entropy over the classes seen so far is 0 after the first answer, and never asks again; ours is over all actions."""
    members = Tables.of(np.full((3, 2, 4), 0.25))
    agent = Imitator.of(members, leading=Everyone(), rule=Entropy(0.9))
    belief = agent.learn(agent.init(), 0, Answer(np.asarray(1)))
    assert float(agent.propose(belief, 0).ask) == float(agent.propose(belief, 1).ask) == 1


@given(committee(whole=True), st.floats(0, 0.99))
def test_what_tolerance_does_alone_every_leader_does_too_times_the_stated_factor(
    made: tuple[Floats, Floats], tau: float
) -> None:
    rows, weight = made
    assent, least = Tolerance(tau)(rows, weight), Minimum()(rows, weight)
    if float(assent.ask) == 1:
        return
    leaders = np.exp(rows[np.isfinite(weight)])
    assert (assent.probs[None, :] <= leaders / (1 - float(least.ask)) + CLOSE).all()
    assert float(least.ask) <= tau
    # the wrong variant, the mixture, is above that bound as soon as leaders differ by more than the factor
    mixture = Mixture()(rows, weight).probs
    if (leaders.min(axis=0) / (1 - float(least.ask)) < mixture - CLOSE).any():
        assert not (mixture[None, :] <= leaders / (1 - float(least.ask)) + CLOSE).all()


@pytest.mark.parametrize(
    ("low", "high", "rows"),
    [
        (Margin(0.4), Margin(0.6), [[0.75, 0.25]]),
        (Entropy(0.9), Entropy(0.7), [[0.75, 0.25]]),
        (Variance(0.07), Variance(0.06), [[0.75, 0.25], [0.25, 0.75]]),
        (Vote(0.5), Vote(0.6), [[0.75, 0.25], [0.25, 0.75]]),
        (Tolerance(0.6), Tolerance(0.4), [[0.75, 0.25], [0.25, 0.75]]),
    ],
    ids=repr,
)
def test_every_dial_turns(low: Any, high: Any, rows: list[list[float]]) -> None:
    weight = log(np.full(len(rows), 1 / len(rows)))
    assert (float(low(log(rows), weight).ask), float(high(log(rows), weight).ask)) == (0, 1)


def test_greedy_acts_on_the_likeliest_and_shares_among_equals() -> None:
    rows, weight = log([[0.4, 0.4, 0.2]]), np.zeros(1)
    assert Margin(0.0, greedy=True)(rows, weight).probs.tolist() == [0.5, 0.5, 0]
    assert Margin(0.0)(rows, weight).probs.tolist() == pytest.approx([0.4, 0.4, 0.2])
    assert Tolerance(0.5, greedy=True)(log([[0.6, 0.4], [0.9, 0.1]]), EQUAL[:2]).probs.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Margin(-0.1), r"threshold = -0\.1 is outside \[0, 1\].*two probabilities"),
        (lambda: Entropy(1.1), r"threshold = 1\.1"),
        (lambda: Variance(0.3), r"threshold = 0\.3 is outside \[0, 0\.25\].*variance"),
        (lambda: Vote(math.nan), r"threshold = nan"),
        (lambda: Tolerance(1.0), r"tau = 1\.0 is outside \[0, 1\)"),
    ],
)
def test_bad_settings_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_a_threshold_of_one_never_asks_not_even_where_mass_is_left_out() -> None:
    """Two actions and what is left out are three outcomes: their entropy is above that of two equal chances."""
    rows = np.log(np.asarray([[1 / 3, 1 / 3]]))
    assert float(Entropy(1.0)(rows, np.zeros(1)).ask) < 1
    assert float(Entropy(0.999)(rows, np.zeros(1)).ask) == 1
    with np.errstate(all="ignore"):
        assert float(Entropy(1.0)(np.full((1, 2), np.nan), np.zeros(1)).ask) == 1
