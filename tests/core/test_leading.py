"""Leading sets against their definitions, worked out in whole numbers, and what each setting changes."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.core import AlphaSet, Everyone, GuaranteeWarning, Minimum, RatioSet, TopK
from tests.core.support import committee, few, log

MOST = 200


@dataclass(frozen=True)
class Case:
    """Posterior and prior weights as whole numbers, to be divided by their sums; delta and alpha as numerators over `OVER`."""

    weights: list[int]
    prior: list[int]
    delta: int
    alpha: int
    k: int


OVER = 100_000
NEAR = 10**12
"""Logarithms and exponentials of numbers up to 25 in size are good to 1e-13: where a test is passed or failed by less than this
share, float64 may say either."""


def brute_ratio(case: Case) -> tuple[list[bool], bool]:
    """Spec 2.1: { i : w_i / w0_i >= delta }, and whether somebody is on the edge."""
    total, before = sum(case.weights), sum(case.prior)
    sides = [(w * before * OVER, case.delta * p * total) for w, p in zip(case.weights, case.prior, strict=True)]
    leader = [left >= right and p > 0 for (left, right), p in zip(sides, case.prior, strict=True)]
    return leader, any(abs(left - right) * NEAR < right for left, right in sides)


def ranking(weights: list[int]) -> list[int]:
    """From heaviest to lightest, ties by number."""
    return sorted(range(len(weights)), key=lambda i: (-weights[i], i))


def brute_alpha(case: Case) -> tuple[list[bool], bool]:
    """Spec 1.1: { the n-th best : w_n >= alpha * (w_1 + ... + w_n) }, the dead never; and whether somebody is on the edge."""
    leader, total, edge = [False] * len(case.weights), 0, False
    for i in ranking(case.weights):
        total += case.weights[i]
        left, right = case.weights[i] * OVER, case.alpha * total
        leader[i] = case.weights[i] > 0 and left >= right
        edge = edge or (case.weights[i] > 0 and abs(left - right) * NEAR < right)
    return leader, edge


def brute_top(case: Case) -> list[bool]:
    best = set(ranking(case.weights)[: case.k])
    return [w > 0 and i in best for i, w in enumerate(case.weights)]


def drawn(rng: np.random.Generator) -> Case:
    """Small whole numbers, so that most cases have ties; one in ten is large; some members are dead, some have no prior."""
    members = int(rng.integers(1, 13)) if rng.random() < 0.9 else int(rng.integers(13, MOST + 1))
    spread = int(rng.integers(2, 60))
    weights, prior = rng.integers(0, spread, members).tolist(), rng.integers(0, spread, members).tolist()
    weights = [w if p else 0 for w, p in zip(weights, prior, strict=True)]
    if not sum(weights):
        weights[0], prior[0] = 1, max(prior[0], 1)
    alpha = int(rng.integers(1, OVER + 1)) if rng.random() < 0.5 else int(rng.integers(1, OVER // 100))
    return Case(weights, prior, delta=int(rng.integers(1, OVER)), alpha=alpha, k=int(rng.integers(1, members + 2)))


@pytest.mark.parametrize("cases", [1_500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_sets_equal_brute_force(cases: int) -> None:
    rng = np.random.default_rng(cases)
    compared = ties = largest = wrong_ratio = wrong_alpha = 0
    for _ in range(cases):
        case = drawn(rng)
        log_weight, log_prior = (log(np.asarray(whole) / sum(whole)) for whole in (case.weights, case.prior))
        top = TopK(case.k, accept_no_guarantee=True)(log_weight, log_prior)
        assert top.tolist() == brute_top(case)
        assert Everyone()(log_weight, log_prior).tolist() == [w > 0 for w in case.weights]
        (by_ratio, near_ratio), (by_alpha, near_alpha) = brute_ratio(case), brute_alpha(case)
        if near_ratio or near_alpha:
            continue
        ratio = RatioSet(case.delta / OVER)(log_weight, log_prior).tolist()
        assert ratio == by_ratio
        prefix = AlphaSet(case.alpha / OVER)(log_weight, log_prior).tolist()
        assert prefix == by_alpha
        assert 1 <= sum(prefix) <= OVER // case.alpha
        compared += 1
        ties += len(set(case.weights)) < len(case.weights)
        largest = max(largest, len(case.weights))
        # wrong variants: against the best member instead of the prior; alpha without the running total
        wrong_ratio += ratio != [w * OVER >= case.delta * max(case.weights) for w in case.weights]
        wrong_alpha += prefix != [w * OVER >= case.alpha * max(case.weights) for w in case.weights]
    assert compared > 0.95 * cases
    assert ties > cases / 2
    assert largest > 0.9 * MOST
    assert wrong_ratio > cases / 10
    assert wrong_alpha > cases / 10


@pytest.mark.parametrize("members", [1, 2, 3, 5, 7, 49, 200])
def test_ties_right_at_the_edge(members: int) -> None:
    """n equal members at alpha = 1 / n: all pass exactly; at a hair more, the last fails."""
    equal = log(np.full(members, 1 / members))
    assert AlphaSet(1 / members)(equal, equal).all()
    leader = AlphaSet(min(1.0, 1 / members * (1 + 1e-9)))(equal, equal)
    assert leader.sum() == max(members - 1, 1)
    assert leader[: max(members - 1, 1)].all(), "among equals the later number has to go first"


@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_before_any_answer_everybody_leads(delta: float) -> None:
    prior = log(np.random.default_rng(1).dirichlet(np.full(50, 0.05)))
    assert RatioSet(delta)(prior, prior).all()


@few
@given(committee(), st.floats(1e-6, 1, exclude_max=True), st.floats(1e-6, 1, exclude_max=True))
def test_smaller_settings_give_supersets(made: Any, one: float, other: float) -> None:
    _, weight = made
    prior = log(np.full(len(weight), 1 / len(weight)))
    small, large = min(one, other), max(one, other)
    for kind in (RatioSet, AlphaSet):
        assert (kind(small)(weight, prior) >= kind(large)(weight, prior)).all(), kind.__name__


@few
@given(committee())
def test_the_best_member_always_leads(made: Any) -> None:
    _, weight = made
    prior = log(np.full(len(weight), 1 / len(weight)))
    for leading in (RatioSet(0.999), AlphaSet(1.0), TopK(1, accept_no_guarantee=True), Everyone()):
        assert leading(weight, prior)[np.argmax(weight)]


ALL: tuple[Any, ...] = (RatioSet(0.05), AlphaSet(0.05), TopK(9, accept_no_guarantee=True), Everyone())


@pytest.mark.parametrize("leading", ALL, ids=lambda leading: type(leading).__name__)
def test_who_never_leads(leading: Any) -> None:
    prior = np.asarray([np.log(0.5), np.log(0.5), -np.inf, np.log(0.5)])
    weight = np.asarray([0.0, -np.inf, -np.inf, np.nan])
    assert leading(weight, prior).tolist() == [True, False, False, False]
    assert not leading(np.full(4, -np.inf), prior).any()
    assert leading(np.zeros(0), np.zeros(0)).tolist() == []


def test_a_member_without_prior_weight_leads_neither_in_a_ratio_nor_anywhere() -> None:
    """-inf - (-inf) is NaN, and a large k used to count the dead: both let them lead."""
    prior, weight = np.asarray([0.0, -np.inf]), np.asarray([0.0, -np.inf])
    for leading in ALL:
        assert leading(weight, prior).tolist() == [True, False], repr(leading)


@pytest.mark.parametrize("make", [lambda cap: RatioSet(0.05, cap=cap), lambda cap: AlphaSet(0.05, cap=cap)])
def test_a_cap_never_cuts_it_asks(make: Any) -> None:
    weight = log([0.4, 0.3, 0.3])
    rows = log([[0.5, 0.5]] * 3)
    for cap, leaders in ((None, 3), (3, 3), (2, 0), (1, 0)):
        mask = make(cap)(weight, weight)
        assert mask.sum() == leaders
        ask = float(Minimum()(rows, np.where(mask, weight, -np.inf)).ask)
        assert ask == (0 if leaders else 1)


def test_each_setting_flips_who_leads() -> None:
    prior, weight = log([0.25, 0.25, 0.5]), log([0.7, 0.2, 0.1])
    assert RatioSet(0.1)(weight, prior).tolist() == [True, True, True]
    assert RatioSet(0.5)(weight, prior).tolist() == [True, True, False]
    assert RatioSet(0.9)(weight, prior).tolist() == [True, False, False]
    assert AlphaSet(0.05)(weight, prior).tolist() == [True, True, True]
    assert AlphaSet(0.2)(weight, prior).tolist() == [True, True, False]
    assert AlphaSet(1.0)(weight, prior).tolist() == [True, False, False]
    assert TopK(2, accept_no_guarantee=True)(weight, prior).tolist() == [True, True, False]
    assert TopK(1, accept_no_guarantee=True)(weight, prior).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: RatioSet(0.0), r"delta = 0\.0 is not a risk.*strictly between 0 and 1.*0\.05 is usual"),
        (lambda: RatioSet(1.0), r"delta = 1\.0"),
        (lambda: RatioSet(-0.1), r"delta = -0\.1"),
        (lambda: RatioSet(math.nan), r"delta = nan"),
        (lambda: RatioSet(0.05, cap=0), r"cap = 0.*at least 1, or None"),
        (lambda: AlphaSet(0.0), r"alpha = 0\.0 is outside \(0, 1\].*RatioSet\(delta=0\.05\)"),
        (lambda: AlphaSet(1.5), r"alpha = 1\.5"),
        (lambda: AlphaSet(math.nan), r"alpha = nan"),
        (lambda: AlphaSet(0.1, cap=-1), r"cap = -1"),
        (lambda: TopK(0, accept_no_guarantee=True), r"k = 0.*at least one member"),
        (
            lambda: TopK(3),
            r"TopK\(3\) carries no guarantee.*RatioSet\(delta\), or write TopK\(k, accept_no_guarantee=True\)",
        ),
    ],
)
def test_bad_settings_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_an_alpha_that_drops_prior_members_warns_and_names_one_that_does_not() -> None:
    prior = log([0.9, 0.09, 0.01])
    with pytest.warns(GuaranteeWarning, match=r"alpha = 0\.05 drops 1 of 3 members .* Use alpha <= 0\.01, or RatioSet"):
        AlphaSet(0.05).warn_about(prior)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AlphaSet(0.0099).warn_about(prior)
        AlphaSet(0.5).warn_about(log([0.5, 0.5, 0.0]))  # a member without prior weight is nobody to be dropped
