"""T5, T6, T9: closed forms against the spec's figures and against dynamic programming over the answers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.planning.oracles.door_program import DoorProgram
from assent.planning.oracles.doors import one_answer_value, threshold, threshold_of_entropy, threshold_of_prior

PUBLIC = [
    *((2, rate, 0, cost) for rate, cost in (("0.05", "0.225"), ("0.2", "0.9"), ("0.5", "2.25"), (1, "4.5"))),
    *((3, rate, 0, cost) for rate, cost in (("0.05", "0.3"), ("0.2", "1.2"), ("0.5", "3"), (1, "6"))),
    *((10, rate, 0, cost) for rate, cost in (("0.05", "0.405"), ("0.2", "1.62"), ("0.5", "4.05"), (1, "8.1"))),
    (3, "0.2", "0.1", "1.02"),
    (3, "0.2", "0.3", "0.66"),
    (4, "0.2", "0.2", "0.99"),
    (2, "0.2", "0.45", "0.09"),
]
tenths = st.integers(0, 10).map(lambda value: Fraction(value, 10))
small = settings(max_examples=8)


@pytest.mark.parametrize(("num_doors", "rate", "eps", "cost"), PUBLIC)
def test_public_thresholds_are_exact(num_doors: int, rate: str | int, eps: str | int, cost: str) -> None:
    assert threshold(num_doors, rate=rate, eps=eps, discount="0.9") == Fraction(cost)


def advantage(
    num_doors: int, rate: Fraction, eps: Fraction, discount: Fraction, cost: Fraction
) -> tuple[Fraction, Fraction]:
    prior = [Fraction(1, num_doors)] * num_doors
    return DoorProgram(prior=prior, rate=rate, eps=eps, discount=discount, cost=cost, answers=4).advantage()


@small
@given(st.integers(2, 5), st.integers(1, 10), st.integers(0, 5), st.integers(1, 9))
def test_keeping_turns_into_disabling_exactly_at_the_threshold(doors: int, rate: int, eps: int, discount: int) -> None:
    """Dynamic programming agrees on both sides; without the discount in the numerator, or without 1/n, it would not."""
    terms = Fraction(rate, 10), Fraction(eps, 10) * (1 - Fraction(1, doors)), Fraction(discount, 10)
    cost = threshold(doors, rate=terms[0], eps=terms[1], discount=terms[2])
    assert advantage(doors, *terms, cost) == (0, 0)
    low, _ = advantage(doors, *terms, cost * Fraction(999, 1000))
    _, high = advantage(doors, *terms, cost * Fraction(1001, 1000) + Fraction(1, 1000))
    assert low > 0 > high
    wrong = cost / terms[2]  # the cost of this step counted as sunk
    assert advantage(doors, *terms, wrong)[1] < 0


@pytest.mark.slow
@pytest.mark.parametrize("num_doors", [2, 3, 4, 5, 10])
@pytest.mark.parametrize("eps", ["0", "0.1", "0.2", "0.3", "0.45"])
def test_thresholds_hold_with_many_answers_ahead(num_doors: int, eps: str) -> None:
    cost = threshold(num_doors, rate="0.2", eps=eps, discount="0.9")
    prior = [Fraction(1, num_doors)] * num_doors
    for off in (-1, 0, 1):
        program = DoorProgram(
            prior=prior, rate="0.2", eps=eps, discount="0.9", cost=cost + Fraction(off, 10**6), answers=8
        )
        low, high = program.advantage()
        assert (low > 0, low == high == 0, high < 0) == (off < 0, off == 0, off > 0)


def test_the_entropy_form_is_the_same_line() -> None:
    for doors in (2, 3, 7):
        exact = float(threshold(doors, rate="0.3", eps="0.1", discount="0.8"))
        # a few roundings of numbers up to 2
        assert abs(threshold_of_entropy(math.log(doors), rate=0.3, eps=0.1, discount=0.8) - exact) < 1e-14
    with pytest.raises(ValueError, match="entropy = -1"):
        threshold_of_entropy(-1, rate=0.3, discount=0.8)
    # answers as good as noise are worth nothing, to the last digit; worse ones have another line
    for doors in range(2, 50):
        noise = threshold_of_entropy(math.log(doors), rate=0.3, eps=Fraction(doors - 1, doors), discount=0.8)
        assert 0 <= noise < 1e-14
    with pytest.raises(ValueError, match=r"eps = 0.7 is above 1 - e\^-H = 0.666667"):
        threshold_of_entropy(math.log(3), rate=0.3, eps=0.7, discount=0.8)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"cost": -1}, "cost = -1 is below 0"),
        ({"answers": 0}, "answers = 0"),
        ({"rate": 2}, "rate = 2 is outside"),
        ({"eps": -1}, "eps = -1 is outside"),
        ({"discount": 1}, "discount = 1 is outside"),
        ({"prior": ["1/2", "1/3"]}, "no distribution"),
    ],
)
def test_a_program_of_doors_that_are_none_is_refused(change: dict[str, Any], sentence: str) -> None:
    given: dict[str, Any] = {"prior": ["1/2", "1/2"], "rate": "0.5", "discount": "0.9", "cost": "0.1"}
    with pytest.raises(ValueError, match=sentence):
        DoorProgram(**{**given, **change})


@small
@given(st.lists(st.integers(0, 9), min_size=2, max_size=4).filter(any), st.integers(1, 10))
def test_a_perfect_overseer_is_worth_what_the_likeliest_door_leaves_open(weights: list[int], rate: int) -> None:
    prior = [Fraction(weight, sum(weights)) for weight in weights]
    cost = threshold_of_prior(prior, rate=Fraction(rate, 10), discount="0.9")
    assert cost == 9 * Fraction(rate, 10) * (1 - max(prior))
    assert DoorProgram(prior=prior, rate=Fraction(rate, 10), discount="0.9", cost=cost).advantage() == (0, 0)


@small
@given(st.lists(st.integers(0, 9), min_size=2, max_size=4).filter(any), tenths, tenths)
def test_one_answer_is_a_lower_bound(weights: list[int], rate: Fraction, eps: Fraction) -> None:
    """T6: at that cost keeping is never worse, whatever the prior and the errors."""
    prior = [Fraction(weight, sum(weights)) for weight in weights]
    cost = threshold_of_prior(prior, rate=rate, eps=eps, discount="0.9")
    low, high = DoorProgram(prior=prior, rate=rate, eps=eps, discount="0.9", cost=cost, answers=3).advantage()
    assert 0 <= low <= high


def test_the_bound_can_be_strict() -> None:
    """After one answer the better door is twice as likely: one more is worth nothing, two are worth something."""
    prior = ["0.8", "0.2"]
    assert one_answer_value(prior, eps="0.2") == 0
    low, _ = DoorProgram(prior=prior, rate="0.5", eps="0.2", discount="0.9", cost="0.28", answers=6).advantage()
    assert low > 0


@small
@given(st.integers(2, 9), tenths, tenths, st.integers(1, 9))
def test_thresholds_grow_with_the_rate_and_fall_with_errors(
    doors: int, rate: Fraction, more: Fraction, eps: int
) -> None:
    wrong = Fraction(eps, 10) * (1 - Fraction(1, doors))
    low, high = sorted((rate, more))
    assert threshold(doors, rate=low, eps=wrong, discount="0.9") <= threshold(
        doors, rate=high, eps=wrong, discount="0.9"
    )
    assert threshold(doors, rate=rate, eps=wrong, discount="0.9") <= threshold(doors, rate=rate, discount="0.9")


def test_an_agent_that_is_sure_or_takes_answers_for_noise_pays_nothing() -> None:
    """T9."""
    assert threshold_of_prior([1, 0, 0], rate="0.5", eps="0.1", discount="0.9") == 0
    for doors in (2, 3, 10):
        assert threshold(doors, rate="0.5", eps=1 - Fraction(1, doors), discount="0.9") == 0


def test_what_the_closed_form_does_not_hold_for_is_refused() -> None:
    with pytest.raises(ValueError, match=r"eps = 0.7 is above 1 - 1/3"):
        threshold(3, rate="0.5", eps="0.7", discount="0.9")
    # and rightly: there the program keeps at a cost that the formula would call negative
    prior = [Fraction(1, 3)] * 3
    low, _ = DoorProgram(prior=prior, rate="0.5", eps=1, discount="0.9", cost="0.1").advantage()
    assert low > 0 > 1 - 1 - Fraction(1, 3)
    with pytest.raises(ValueError, match="fewer than 2 doors"):
        threshold(1, rate="0.5", discount="0.9")
    with pytest.raises(ValueError, match="no distribution"):
        threshold_of_prior(["0.5", "0.6"], rate="0.5", discount="0.9")
