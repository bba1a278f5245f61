"""Laws of the rules: validity on anything, asking on what cannot be read, dominance, symmetry, duplicates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assent.core import Confidence, Minimum, Mixture, RatioSet, Rotation, Veto
from assent.core.rules import CHECKED
from tests.core.support import EPS, RULES, Floats, borderline, committee, few, garbage, log, name, unreadable
from tests.core.test_assent import assert_valid

# A sum of n products of numbers in [0, 1] is off by at most 2 n eps; H and A stay below 8, three sums in a row below 64 eps. What
# `Assent` snaps to zero adds 256 eps.
CLOSE = 320 * EPS

each_rule = pytest.mark.parametrize("rule", RULES, ids=name)


@each_rule
@given(garbage())
def test_anything_gives_a_valid_assent_and_the_unreadable_asks(rule: Any, made: tuple[Floats, Floats]) -> None:
    rows, weight = made
    with np.errstate(over="ignore", invalid="ignore"):  # differences of weights like 1e308
        assent = rule(rows, weight)
    assert_valid(assent)
    assert assent.probs.shape == rows.shape[1:]
    if not borderline(rows) and unreadable(rows, weight):
        assert float(assent.ask) == 1
        assert not assent.probs.any()


@each_rule
@few
@given(committee(), st.data())
def test_one_unreadable_leader_is_enough_to_ask(rule: Any, made: tuple[Floats, Floats], data: st.DataObject) -> None:
    rows, weight = made
    leader = data.draw(st.sampled_from(np.flatnonzero(np.isfinite(weight)).tolist()))
    rows[leader, data.draw(st.integers(0, rows.shape[1] - 1))] = data.draw(
        st.sampled_from([math.nan, math.inf, 0.5, 1e9])
    )
    assent = rule(rows, weight)
    assert (float(assent.ask), assent.probs.any()) == (1, False)


def test_a_leader_with_next_to_no_weight_still_has_to_be_readable() -> None:
    """exp(-800) is 0: a rule that multiplies by weights does not see the row at all."""
    rows = np.asarray([[0.0, -np.inf], [np.nan, np.nan]])
    for rule in RULES:
        assert float(rule(rows, np.asarray([0.0, -800.0])).ask) == 1, name(rule)


def test_an_overfull_row_asks_even_if_others_keep_the_minimum_in_bounds() -> None:
    rows = log([[0.5, 0.5], [0.9, 0.9]])
    for rule in RULES:
        assert float(rule(rows, log([0.9, 0.1])).ask) == 1, name(rule)
    # the wrong variant trusts the minimum because it is a sub-distribution
    assert np.exp(rows).min(axis=0).sum() == 1


@given(committee())
def test_every_leader_dominates_the_minimum(made: tuple[Floats, Floats]) -> None:
    rows, weight = made
    assent = Minimum()(rows, weight)
    leaders = np.exp(rows[np.isfinite(weight)])
    one_ulp = np.nextafter(leaders, np.inf)
    assert (assent.probs[None, :] <= one_ulp).all()
    # and it is the largest that does: some leader gives no more, action by action
    assert np.allclose(assent.probs, leaders.min(axis=0), rtol=2 * EPS, atol=0) or float(assent.ask) == 1
    exact = 1 - math.fsum(leaders.min(axis=0).tolist())
    assert abs(float(assent.ask) - exact) <= CLOSE
    # the wrong variant, the maximum, is above some leader as soon as two leaders differ
    if (leaders.max(axis=0) > np.nextafter(leaders.min(axis=0), np.inf)).any():
        assert (leaders.max(axis=0)[None, :] > one_ulp).any()


@few
@given(committee(whole=True), st.integers(2, 5))
def test_members_that_agree_ask_with_probability_exactly_zero(made: tuple[Floats, Floats], copies: int) -> None:
    rows, _ = made
    same = np.repeat(rows[:1], copies, axis=0)
    for rule in (Minimum(), Mixture(), Rotation()):
        assert float(rule(same, log(np.full(copies, 1 / copies))).ask) == 0, name(rule)


@each_rule
@few
@given(committee(), st.randoms(use_true_random=False))
def test_the_order_of_members_changes_nothing(rule: Any, made: tuple[Floats, Floats], random: Any) -> None:
    rows, weight = made
    if isinstance(rule, Confidence):
        assume(_decided(Mixture()(rows, weight).probs, rule.threshold))
    order = list(range(len(weight)))
    random.shuffle(order)
    straight, shuffled = rule(rows, weight), rule(rows[order], weight[order])
    assert np.allclose(straight.probs, shuffled.probs, rtol=0, atol=CLOSE)
    assert abs(float(straight.ask) - float(shuffled.ask)) <= CLOSE
    if isinstance(rule, Minimum):
        assert np.array_equal(straight.probs, shuffled.probs)


@each_rule
@few
@given(committee(), st.data())
def test_the_order_of_actions_is_kept(rule: Any, made: tuple[Floats, Floats], data: st.DataObject) -> None:
    rows, weight = made
    if isinstance(rule, Confidence):
        assume(_decided(Mixture()(rows, weight).probs, rule.threshold))
    order = data.draw(st.permutations(range(rows.shape[1])))
    straight, shuffled = rule(rows, weight), rule(rows[:, order], weight)
    assert np.allclose(straight.probs[order], shuffled.probs, rtol=0, atol=CLOSE)


def _decided(mixture: Floats, threshold: float) -> bool:
    """Whether rounding cannot change the best action or whether it reaches the threshold."""
    ranked = np.sort(mixture)[::-1]
    return abs(ranked[0] - threshold) > 1e-9 and (len(ranked) == 1 or ranked[0] - ranked[1] > 1e-9)


@few
@given(committee(), st.data())
def test_splitting_a_members_prior_over_copies_changes_nothing(
    made: tuple[Floats, Floats], data: st.DataObject
) -> None:
    """Under the ratio set, for the rules that go by weight; weights stay posterior weights, so posterior / prior is shared by copies."""
    rows, weight = made
    prior = log(np.full(len(weight), 1 / len(weight)))
    split, copies = data.draw(st.integers(0, len(weight) - 1)), data.draw(st.integers(2, 5))
    leading = RatioSet(data.draw(st.floats(0.01, 0.9)))
    ratio = np.exp(weight - prior)
    assume((abs(ratio - leading.delta) > 1e-9).all())
    whole, parts = (rows, weight, prior), _split(rows, weight, prior, split=split, copies=copies)
    for rule in (Minimum(), Mixture(), Veto(0.05)):
        one, other = (rule(r, np.where(leading(w, p), w, -np.inf)) for r, w, p in (whole, parts))
        assert np.allclose(one.probs, other.probs, rtol=0, atol=CLOSE), name(rule)
        assert abs(float(one.ask) - float(other.ask)) <= CLOSE
    minima = [Minimum()(r, np.where(leading(w, p), w, -np.inf)).probs for r, w, p in (whole, parts)]
    assert np.array_equal(*minima)


def _split(rows: Floats, weight: Floats, prior: Floats, *, split: int, copies: int) -> tuple[Floats, Floats, Floats]:
    each = np.ones(len(weight), dtype=int)
    each[split] = copies
    shares = np.log(np.repeat(each, each))
    return np.repeat(rows, each, axis=0), np.repeat(weight, each) - shares, np.repeat(prior, each) - shares


@pytest.mark.parametrize("actions", [5, CHECKED // 2 + 1])
def test_the_minimum_over_a_vocabulary(actions: int) -> None:
    """Beyond `CHECKED` numbers another way is taken, which has to come to the same."""
    rng = np.random.default_rng(0)
    policy = rng.dirichlet(np.full(actions, 0.1), size=2)
    rows, weight = log(policy), log([0.4, 0.6])
    assent = Minimum()(rows, weight)
    assert np.allclose(assent.probs, policy.min(axis=0), rtol=0, atol=CLOSE)
    assert (assent.probs <= np.nextafter(np.exp(rows), np.inf)).all()
    # sums of 2^15 numbers, pairwise: 16 eps more
    assert float(assent.ask) == pytest.approx(1 - math.fsum(policy.min(axis=0).tolist()), abs=CLOSE + 16 * EPS)
    assert float(Minimum()(rows[[0, 0]], weight).ask) == 0
    for spoiled, member in ((math.nan, 0), (math.nan, 1), (1.0, 1), (math.inf, 1), (800.0, 1)):
        bad = rows.copy()
        bad[member, 2] = spoiled
        assert float(Minimum()(bad, weight).ask) == 1, (spoiled, member)
        only = Minimum()(bad, np.where(np.arange(2) == member, -np.inf, weight))
        assert float(only.ask) < 1e-12, "a member that does not lead was looked at"
    assert float(Minimum()(rows, np.asarray([0.0, math.nan])).ask) == 1
    assert float(Minimum()(rows, np.full(2, -np.inf)).ask) == 1
    assert float(Minimum()(np.zeros_like(rows), weight).ask) == 1


def test_rotation_counts_heads_exactly() -> None:
    """By design: two copies get two turns, whatever their weights. The mixture is the variant that does not."""
    rows, weight = log([[0.75, 0.25], [0.75, 0.25], [0.0, 1.0]]), log([0.25, 0.25, 0.5])
    assert Rotation()(rows, weight).probs.tolist() == pytest.approx([0.5, 0.5], abs=4 * EPS)
    assert Rotation()(rows[1:], log([0.5, 0.5])).probs.tolist() == [0.375, 0.625]
    assert Mixture()(rows, weight).probs.tolist() == pytest.approx([0.375, 0.625], abs=4 * EPS)
    assert Rotation()(rows, log([0.01, 0.01, 0.98])).probs.tolist() == pytest.approx([0.5, 0.5], abs=4 * EPS)


@few
@given(committee(), st.integers(1, 4))
def test_rotation_gives_every_copy_a_turn(made: tuple[Floats, Floats], copies: int) -> None:
    rows, weight = made
    doubled = _split(rows, weight, weight, split=0, copies=copies)
    heads = np.isfinite(doubled[1])
    expected = np.exp(doubled[0][heads]).sum(axis=0) / heads.sum()
    assent = Rotation()(doubled[0], doubled[1])
    assert np.allclose(assent.probs, expected, rtol=0, atol=CLOSE)


@few
@given(committee())
def test_mixture_against_its_definition(made: tuple[Floats, Floats]) -> None:
    rows, weight = made
    share = np.exp(weight)
    expected = [math.fsum(share[i] * math.exp(rows[i, a]) for i in range(len(share))) for a in range(rows.shape[1])]
    assent = Mixture()(rows, weight)
    assert np.allclose(assent.probs, expected, rtol=0, atol=CLOSE)
    assert abs(float(assent.ask) - (1 - math.fsum(expected))) <= CLOSE


@few
@given(committee(), st.floats(0.001, 1))
def test_veto_against_its_definition(made: tuple[Floats, Floats], floor: float) -> None:
    rows, weight = made
    policy = np.exp(rows[np.isfinite(weight)])
    assume((abs(policy - floor) > 1e-12).all())
    mixture = Mixture()(rows, weight).probs
    expected = np.where((policy >= floor).all(axis=0), mixture, 0.0)
    assent = Veto(floor)(rows, weight)
    assert np.allclose(assent.probs, expected, rtol=0, atol=CLOSE)
    assert abs(float(assent.ask) - (1 - math.fsum(expected.tolist()))) <= CLOSE


@each_rule
@few
@given(committee())
def test_members_that_do_not_lead_are_never_looked_at(rule: Any, made: tuple[Floats, Floats]) -> None:
    rows, weight = made
    stranger = np.full((1, rows.shape[1]), np.nan)
    alone = rule(rows, weight)
    joined = rule(np.concatenate([rows, stranger]), np.concatenate([weight, [-np.inf]]))
    assert np.allclose(alone.probs, joined.probs, rtol=0, atol=CLOSE)
    assert abs(float(alone.ask) - float(joined.ask)) <= CLOSE


def test_a_committee_of_semimeasures_asks_for_what_it_leaves_out() -> None:
    rows = log([[0.5, 0.25], [0.5, 0.25]])
    for rule in (Minimum(), Mixture(), Rotation(), Veto(0.05)):
        assert float(rule(rows, log([0.5, 0.5])).ask) == pytest.approx(0.25, abs=4 * EPS), name(rule)
    # they leave out different amounts: the minimum asks for the most of it, the mixture for the average
    rows = log([[0.5, 0.5], [0.25, 0.25]])
    assert float(Minimum()(rows, log([0.5, 0.5])).ask) == pytest.approx(0.5, abs=4 * EPS)
    assert float(Minimum()(rows, log([0.01, 0.99])).ask) == pytest.approx(0.5, abs=4 * EPS)
    assert float(Mixture()(rows, log([0.5, 0.5])).ask) == pytest.approx(0.25, abs=4 * EPS)


@each_rule
def test_one_member_one_action(rule: Any) -> None:
    assert float(rule(np.zeros((1, 1)), np.zeros(1)).ask) == 0
    assert float(rule(log([[0.5]]), np.zeros(1)).ask) == (0.5 if not isinstance(rule, Confidence) else 1)
    assert float(rule(log([[0.0]]), np.zeros(1)).ask) == 1


@each_rule
def test_nobody_at_all_asks(rule: Any) -> None:
    """An empty committee's minimum is 1 everywhere, and its sum is 0 for one variant and A for another: both wrong."""
    assent = rule(np.zeros((0, 3)), np.zeros(0))
    assert (float(assent.ask), assent.probs.tolist()) == (1, [0, 0, 0])


def test_veto_floor_flips() -> None:
    rows, weight = log([[0.9, 0.1], [0.98, 0.02]]), log([0.5, 0.5])
    assert Veto(0.01)(rows, weight).probs[1] > 0
    assert Veto(0.05)(rows, weight).probs[1] == 0
    assert float(Veto(1.0)(rows, weight).ask) == 1


def test_confidence_threshold_flips() -> None:
    rows, weight = log([[0.9, 0.1], [0.7, 0.3]]), log([0.5, 0.5])
    assert Confidence(0.75)(rows, weight).probs.tolist() == [1, 0]
    assert float(Confidence(0.85)(rows, weight).ask) == 1
    assert float(Confidence(0.0)(rows, weight).ask) == 0


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Veto(0.0), r"floor = 0\.0 is outside \(0, 1\].*leader objects"),
        (lambda: Veto(1.5), r"floor = 1\.5"),
        (lambda: Veto(math.nan), r"floor = nan"),
        (lambda: Confidence(-0.1), r"threshold = -0\.1 is outside \[0, 1\].*a probability"),
        (lambda: Confidence(1.1), r"threshold = 1\.1"),
        (lambda: Confidence(math.nan), r"threshold = nan"),
    ],
)
def test_bad_settings_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()
