"""Four ways of asking, each against its definition item by item; whoever says nothing means ask; and curves read at a rate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import crepes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assent.committees.asking import (
    RiskAsk,
    at_ask_rate,
    conformal,
    mean_threshold,
    min_probs,
    minimum,
    random_member,
    risk_coverage_area,
)

Probs = NDArray[np.float64]
ALPHAS = [0.01, 0.033, 0.07, 0.123, 0.31, 0.555, 0.7, 0.91]


def safe_log(probs: Any) -> Probs:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.asarray(probs, np.float64)))


def committee(members: int, items: int, options: int, seed: int = 0) -> tuple[Probs, NDArray[np.int64]]:
    """Probabilities [N, T, C] of members that are often right, and labels."""
    rng = np.random.default_rng(seed)
    labels = np.asarray(rng.integers(0, options, items))
    lean = 1.5 * np.eye(options)[labels] + rng.normal(0, 1, (items, options))
    raw = np.exp(lean + rng.normal(0, 1, (members, items, options)))
    return np.asarray(raw / raw.sum(axis=2, keepdims=True)), labels


def by_conformal(log_probs: Any, labels: Any) -> RiskAsk:
    probs, known = committee(len(log_probs), 57, 4, seed=99)
    return conformal(log_probs, labels, calibration_log_probs=np.log(probs), calibration_labels=known, alphas=ALPHAS)


WAYS: tuple[Callable[..., RiskAsk], ...] = (minimum, mean_threshold, random_member, by_conformal)


def by_item(probs: Any, labels: Any, merge: Callable[[list[Fraction]], Fraction]) -> tuple[Fraction, Fraction]:
    """The shares asked about and wrong, option by option in fractions, where `merge` makes one probability of the members'."""
    items, options = len(labels), len(probs[0][0])
    ask = wrong = Fraction(0)
    for t in range(items):
        row = [merge([member[t][c] for member in probs]) for c in range(options)]
        ask += 1 - sum(row)
        wrong += sum(chance for c, chance in enumerate(row) if c != labels[t])
    return ask / items, wrong / items


@given(st.data())
def test_the_minimum_is_exact(data: st.DataObject) -> None:
    members, items, options = (data.draw(st.integers(low, high)) for low, high in ((1, 4), (1, 4), (2, 4)))
    row = st.lists(st.integers(0, 9), min_size=options, max_size=options).filter(any)
    table = data.draw(st.lists(st.lists(row, min_size=items, max_size=items), min_size=members, max_size=members))
    labels = data.draw(st.lists(st.integers(0, options - 1), min_size=items, max_size=items))
    probs = [[[Fraction(x, sum(r)) for x in r] for r in member] for member in table]
    curve = minimum(safe_log([[[float(p) for p in r] for r in member] for member in probs]), labels)
    for n in range(1, members + 1):
        ask, wrong = by_item(probs[:n], labels, min)
        assert curve.ask[n - 1] == pytest.approx(float(ask), abs=1e-14)
        assert curve.wrong_share[n - 1] == pytest.approx(float(wrong), abs=1e-14)
        assert curve.wrong_per_act[n - 1] == pytest.approx(float(wrong / (1 - ask)) if ask < 1 else 0.0, abs=1e-13)
    assert (np.diff(curve.ask) >= -1e-15).all()
    assert (np.diff(curve.wrong_share) <= 1e-15).all()


def test_the_minimum_is_no_product_and_no_mean() -> None:
    probs, labels = committee(3, 20, 3)
    curve = minimum(np.log(probs), labels)
    exact = [[[Fraction(p) for p in r] for r in member] for member in probs.tolist()]
    ask, wrong = by_item(exact, labels.tolist(), min)
    assert (curve.ask[-1], curve.wrong_share[-1]) == pytest.approx((float(ask), float(wrong)), abs=1e-13)
    product = by_item(
        exact, labels.tolist(), lambda chances: math.prod(chances, start=Fraction(1))
    )  # members drawn each for itself, who all name the same
    mean = by_item(exact, labels.tolist(), lambda chances: sum(chances, Fraction(0)) / len(chances))
    for other in (product, mean):
        assert abs(float(other[0]) - curve.ask[-1]) > 0.05


def test_least_chances_are_not_raised_to_a_floor() -> None:
    """A floor of 1e-12, or single precision, would lose what the members still agree on."""
    rows = np.asarray([[[0.0, -500.0]], [[-500.0, 0.0]]])
    curve = minimum(rows, [0])
    assert curve.ask[1] == 1.0
    assert curve.wrong_share[1] == pytest.approx(math.exp(-500.0), rel=1e-12)
    assert curve.wrong_per_act[1] == pytest.approx(0.5)
    assent, ask = min_probs(rows)
    assert assent.tolist() == [[pytest.approx(math.exp(-500.0), rel=1e-12)] * 2]
    assert ask.tolist() == [1.0]


def test_a_member_that_knows_bounds_every_wrong_act() -> None:
    """Whatever the others say, the minimum with one member is nowhere above it: what is acted on wrongly is at most what that one does."""
    probs, _ = committee(5, 30, 4)
    assent, ask = min_probs(np.log(probs))
    assert (assent[None] <= probs * (1 + 1e-12)).all()
    assert assent.sum(axis=1) + ask == pytest.approx(np.ones(30), abs=1e-14)


def test_thresholds_on_the_mean_are_those_of_a_loop() -> None:
    probs, labels = committee(4, 60, 3)
    weight = np.asarray([0.1, 0.2, 0.3, 0.4])
    curve = mean_threshold(np.log(probs), labels, log_weight=np.log(weight) - 2.0)
    mean = np.tensordot(weight, probs, 1)
    sure = sorted(mean.max(axis=1))
    assert curve.setting == pytest.approx(sure, rel=1e-13)
    strictly = 0  # acting above t only would ask once more at every setting
    for t, ask, wrong, per_act in zip(
        curve.setting - 1e-9, curve.ask, curve.wrong_share, curve.wrong_per_act, strict=True
    ):
        acted = [row for row in range(60) if mean[row].max() >= t]
        errs = sum(mean[row].argmax() != labels[row] for row in acted)
        assert (ask, wrong, per_act) == pytest.approx((1 - len(acted) / 60, errs / 60, errs / len(acted)), abs=1e-13)
        strictly += ask == pytest.approx(1 - (len(acted) - 1) / 60, abs=1e-9)
    assert strictly == 0
    assert curve.ask[0] == 0.0
    assert (np.diff(curve.ask) > 0).all()


def test_equal_confidences_are_one_setting() -> None:
    rows = safe_log([[[0.5, 0.5], [0.5, 0.5], [0.25, 0.75]]])
    curve = mean_threshold(rows, [0, 1, 1])
    assert curve.setting.round(12).tolist() == [0.5, 0.75]
    assert curve.ask == pytest.approx([0.0, 2 / 3])
    assert curve.wrong_share == pytest.approx([1 / 3, 0.0])  # of labels equally likely the first


def test_a_random_member_is_the_weighted_mean_of_the_members_own_curves() -> None:
    probs, labels = committee(3, 40, 3, seed=2)
    weight = np.asarray([0.5, 0.3, 0.2])
    curve = random_member(np.log(probs), labels, log_weight=np.log(weight))
    assert len(curve.setting) == 120
    mean = mean_threshold(np.log(probs), labels, log_weight=np.log(weight))
    apart = 0.0
    for place in range(0, 120, 7):
        t = curve.setting[place]
        acts = [(member.max(axis=1) >= t * (1 - 1e-12)) for member in probs]
        errs = [act & (member.argmax(axis=1) != labels) for act, member in zip(acts, probs, strict=True)]
        assert curve.ask[place] == pytest.approx(1 - sum(weight * [a.mean() for a in acts]), abs=1e-13)
        assert curve.wrong_share[place] == pytest.approx(sum(weight * [e.mean() for e in errs]), abs=1e-13)
        apart = max(apart, abs(at_ask_rate(mean, float(curve.ask[place])) - curve.wrong_per_act[place]))
    assert apart > 0.05  # to act on the mean is something else


def sets_by_hand(mean: Probs, scores: list[float], alpha: str) -> list[list[int]]:
    n = len(scores)
    rank = math.ceil((n + 1) * (1 - Fraction(alpha)))
    limit = sorted(scores)[rank - 1] if rank <= n else math.inf
    return [[c for c, chance in enumerate(row) if 1 - chance <= limit] for row in mean]


@pytest.mark.parametrize("held", [5, 9, 57, 99])
def test_conformal_acts_where_the_set_has_one_label(held: int) -> None:
    probs, labels = committee(3, 80, 4, seed=5)
    known_probs, known = committee(3, held, 4, seed=6)
    alphas = [0.05, 0.1, 0.29, 0.3, 0.7, 0.9]
    curve = conformal(
        np.log(probs), labels, calibration_log_probs=np.log(known_probs), calibration_labels=known, alphas=alphas
    )
    scores = [1 - known_probs.mean(axis=0)[t, known[t]] for t in range(held)]
    for place, alpha in enumerate(alphas):
        sets = sets_by_hand(probs.mean(axis=0) * (1 + 1e-14), scores, str(alpha))
        acts = [t for t in range(80) if len(sets[t]) == 1]
        assert curve.ask[place] == pytest.approx(1 - len(acts) / 80, abs=1e-12)
        assert curve.wrong_share[place] == pytest.approx(sum(sets[t][0] != labels[t] for t in acts) / 80, abs=1e-12)


def test_conformal_sets_are_those_of_crepes() -> None:
    probs, labels = committee(3, 300, 4, seed=7)
    known_probs, known = committee(3, 200, 4, seed=8)
    peer = crepes.ConformalClassifier()
    peer.fit(1 - known_probs.mean(axis=0)[np.arange(200), known])
    curve = conformal(
        np.log(probs), labels, calibration_log_probs=np.log(known_probs), calibration_labels=known, alphas=ALPHAS
    )
    for place, alpha in enumerate(ALPHAS):
        sets: Any = peer.predict_set(1 - probs.mean(axis=0), confidence=1 - alpha, smoothing=False)
        one = sets.sum(axis=1) == 1
        assert curve.ask[place] == pytest.approx(1 - one.mean(), abs=1e-12)
        assert curve.wrong_share[place] == pytest.approx(np.mean(one & (sets.argmax(axis=1) != labels)), abs=1e-12)


def test_a_calibration_that_is_too_small_for_its_level_asks_always() -> None:
    """Nine items cannot promise 5 %: k = 10 > 9. The quantile at 1 - alpha of nine scores, without n + 1, would act."""
    probs, labels = committee(2, 50, 3)
    known_probs, known = committee(2, 9, 3, seed=1)
    held = {"calibration_log_probs": np.log(known_probs), "calibration_labels": known}
    curve = conformal(np.log(probs), labels, alphas=[0.05, 0.1, 0.2], **held)
    assert curve.ask[0] == 1.0
    assert curve.wrong_per_act[0] == 0.0
    scores = [1 - known_probs.mean(axis=0)[t, known[t]] for t in range(9)]
    naive = np.quantile(scores, 0.95)
    assert np.mean((1 - probs.mean(axis=0) <= naive).sum(axis=1) == 1) > 0.1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf])
def test_whoever_says_nothing_means_ask(way: Callable[..., RiskAsk], nothing: float) -> None:
    """Three items of which one member says nothing: they are asked about, and no other item is treated otherwise."""
    probs, labels = committee(1, 40, 4)
    rows = np.log(probs)
    lost = rows.copy()
    lost[0, :3, slice(None) if nothing == -math.inf else 1] = (
        nothing  # one bad number is enough; minus infinity is one for chance 0
    )
    kept, without = way(rows[:, 3:], labels[3:]), way(lost, labels)
    for place, setting in enumerate(without.setting):
        same = int(np.flatnonzero(kept.setting == setting)[0])
        assert (1 - without.ask[place]) * 40 == pytest.approx((1 - kept.ask[same]) * 37, abs=1e-11)
        assert without.wrong_share[place] * 40 == pytest.approx(kept.wrong_share[same] * 37, abs=1e-11)
    always = way(np.full_like(rows, math.nan), labels)
    assert (always.ask == 1.0).all()
    assert (always.wrong_share == 0.0).all()
    assert (always.wrong_per_act == 0.0).all()
    with pytest.raises(ValueError, match="asks about everything"):
        at_ask_rate(always, 0.5)


def test_one_member_that_says_nothing_is_enough_unless_it_has_no_weight() -> None:
    probs, labels = committee(3, 20, 3)
    rows = np.log(probs)
    rows[2] = math.nan
    assert minimum(rows, labels).ask[2] == 1.0
    assert minimum(rows, labels).ask[1] < 1.0
    assert mean_threshold(rows, labels).ask.tolist() == [1.0]
    assert random_member(rows, labels).ask.min() == pytest.approx(1 / 3)
    weight = [0.0, 0.0, -math.inf]
    assert mean_threshold(rows, labels, log_weight=weight).ask[0] == 0.0
    assert random_member(rows, labels, log_weight=weight).ask[0] == pytest.approx(0.0, abs=1e-15)
    assent, ask = min_probs(rows)
    assert not assent.any()
    assert (ask == 1.0).all()
    # calibration items that say nothing count as the worst that can be, so that more is asked
    held = {"calibration_labels": labels, "alphas": [0.2, 0.4]}
    sound = conformal(rows[:2], labels, calibration_log_probs=rows[:2], **held)
    poor = rows[:2].copy()
    poor[0, :8] = math.nan
    found = conformal(rows[:2], labels, calibration_log_probs=poor, **held)
    assert found.ask[0] == 1.0
    assert sound.ask[0] < 1.0


def curve_of(ask: list[float], wrong_share: list[float]) -> RiskAsk:
    asks, shares = np.asarray(ask), np.asarray(wrong_share)
    per_act = np.where(asks < 1, shares / np.where(asks < 1, 1 - asks, 1), 0.0)
    return RiskAsk(asks, np.asarray(per_act), shares, np.arange(1.0, len(ask) + 1), "minimum", 100)


def test_between_two_settings_a_coin_is_tossed() -> None:
    """At three asks in ten, half of the items follow each of two settings: 0.5 * (0.08 + 0.02) of all are wrong, of 0.7 acts."""
    curve = curve_of([0.2, 0.4], [0.08, 0.02])
    assert at_ask_rate(curve, 0.3) == pytest.approx(0.05 / 0.7, rel=1e-12)
    straight = (0.08 / 0.8 + 0.02 / 0.6) / 2  # of the two rates, which no such coin comes to
    assert abs(straight - 0.05 / 0.7) > 0.004
    assert at_ask_rate(curve, 0.2) == pytest.approx(0.1)
    assert at_ask_rate(curve, 0.4) == pytest.approx(0.02 / 0.6)
    # further asks at random leave as many of the acts wrong
    assert at_ask_rate(curve, 0.9) == pytest.approx(0.02 / 0.6, rel=1e-9)


def test_where_a_rate_comes_twice_the_better_setting_counts() -> None:
    curve = curve_of([0.5, 0.3, 0.5], [0.04, 0.03, 0.01])
    assert at_ask_rate(curve, 0.5) == pytest.approx(0.02)
    assert at_ask_rate(curve, 0.4) == pytest.approx(0.02 / 0.6)


def test_a_rate_that_is_not_reached_is_refused() -> None:
    curve = curve_of([0.2, 0.4], [0.08, 0.02])
    for rate in (0.1, 1.0, 1.5, math.nan):
        with pytest.raises(ValueError, match=r"asks about 0\.2 of the items or more"):
            at_ask_rate(curve, rate)
    for most in (0.0, 0.81, math.nan):
        with pytest.raises(ValueError, match=r"at most 0\.8"):
            risk_coverage_area(curve, most=most)


def test_the_area_is_the_published_sum_but_for_its_steps() -> None:
    """Between k and k + 1 acts the curve lies between its ends, so the sums differ by at most its total variation over T."""
    probs, labels = committee(2, 500, 4)
    curve = mean_threshold(np.log(probs), labels)
    published = curve.wrong_per_act.mean()  # 1/T times the sum over k of the errors among the k surest, over k
    steps = np.abs(np.diff(curve.wrong_per_act)).sum() / 500
    assert risk_coverage_area(curve) == pytest.approx(published, abs=steps)
    least_sure = np.mean(np.cumsum((probs.mean(axis=0).argmax(axis=1) != labels)[::-1]) / np.arange(1, 501))
    assert abs(least_sure - published) > 10 * steps  # items in no order


@pytest.mark.parametrize("way", WAYS)
def test_the_area_is_the_integral_of_the_curve(way: Callable[..., RiskAsk]) -> None:
    """By the middle of 2,000 steps; where settings are many that leaves a share of a step at each, hence 2 %."""
    probs, labels = committee(6, 60, 4, seed=3)
    curve = way(np.log(probs), labels)
    most = 0.9 * (1 - float(curve.ask.min()))
    steps = (np.arange(2_000) + 0.5) * most / 2_000
    by_hand = np.mean([at_ask_rate(curve, 1 - acts) for acts in steps.tolist()]) * most
    assert risk_coverage_area(curve, most=most) == pytest.approx(by_hand, rel=0.02)
    assert risk_coverage_area(curve, most=most) < risk_coverage_area(curve)


@pytest.mark.parametrize("way", [*WAYS, lambda rows, labels: min_probs(rows)])
def test_what_is_no_committee_is_refused(way: Callable[..., Any]) -> None:
    sure = [[[0.0, -math.inf, -math.inf, -math.inf]]]
    for rows, words in (
        ([[0.0]], "give"),
        ([[[0.0]]], "two options"),
        (np.zeros((0, 1, 2)), "give"),
        ([[[0.0, 0.0, -math.inf, -math.inf]]], "sums to 2"),
        ([[[-1.0, -1.0, -1.0, -1.0]]], "sums to 1.47"),
    ):
        with pytest.raises(ValueError, match=words):
            way(rows, [0])
    if way in WAYS:
        for labels, words in (([0, 0], "one for each"), ([4], "0 to 3"), ([-1], "0 to 3"), ([0.5], "whole numbers")):
            with pytest.raises(ValueError, match=words):
                way(sure, labels)


def test_weights_levels_and_calibrations_that_are_none_are_refused() -> None:
    rows = safe_log([[[0.5, 0.5]], [[1.0, 0.0]]])
    for way, weight in itertools.product(
        (mean_threshold, random_member), ([0.0], [math.nan, 0.0], [-math.inf] * 2, [math.inf, 0.0])
    ):
        with pytest.raises(ValueError, match="one for each"):
            way(rows, [0], log_weight=weight)
    held = {"calibration_log_probs": rows, "calibration_labels": [0]}
    for alphas in ([], [0.0], [1.0], [0.2, 0.1], [math.nan], 0.1):
        with pytest.raises(ValueError, match="levels"):
            conformal(rows, [0], alphas=alphas, **held)
    with pytest.raises(ValueError, match="same members"):
        conformal(rows, [0], calibration_log_probs=rows[:1], calibration_labels=[0], alphas=[0.1])
