"""C9, C10, C12: exact Bayes, zero evidence, ties, and silence as evidence."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.planning.oracles.silence import after_silences, silence_likelihood, two_doors
from assent.planning.oracles.updates import ZeroEvidence, answer_likelihood, posterior, set_likelihood

HALF = Fraction(1, 2)


def test_zero_evidence_raises_and_is_not_renormalised() -> None:
    """C10: three doors, the truth has prior 0, and the agent believes that its overseer never errs."""
    prior = ["0.5", "0.5", "0"]
    only = [[number == right for number in range(3)] for right in range(3)]
    with pytest.raises(ZeroEvidence, match="probability 0 under every reward"):
        posterior(prior, [answer_likelihood(optimal, 2) for optimal in only])
    kept = posterior(prior, [answer_likelihood(optimal, 2, eps="0.1") for optimal in only])
    assert kept == (HALF, HALF, 0)


def test_ties_that_are_split_cost_a_reward_that_is_always_right() -> None:
    """C12: R = 0 against one strict hypothesis, five actions, n right answers. The set rule never moves."""
    everything, one = [True] * 5, [True, False, False, False, False]
    split = whole = (HALF, HALF)
    for answers in range(1, 6):
        split = posterior(split, [answer_likelihood(everything, 0), answer_likelihood(one, 0)])
        whole = posterior(whole, [set_likelihood(everything, 0), set_likelihood(one, 0)])
        assert split[0] == Fraction(1, 1 + 5**answers)
        assert whole[0] == HALF


@given(st.lists(st.booleans(), min_size=1, max_size=6).filter(any), st.integers(0, 10))
def test_answers_are_a_distribution(optimal: list[bool], eps: int) -> None:
    """The set rule is none where there are ties."""
    total = sum(answer_likelihood(optimal, shown, eps=Fraction(eps, 10)) for shown in range(len(optimal)))
    assert total == 1
    assert sum(set_likelihood(optimal, shown) for shown in range(len(optimal))) == sum(optimal)


def test_nothing_optimal_and_no_distribution_are_refused() -> None:
    with pytest.raises(ValueError, match="no action is optimal"):
        answer_likelihood([False, False], 0)
    with pytest.raises(ValueError, match="no distribution"):
        posterior(["0.5", "0.4"], [1, 1])


def test_silence_of_one_who_corrects_errors_speaks_for_the_action() -> None:
    """C9; who takes silence for nothing stays at 1/2."""
    for steps, wanted in ((0, HALF), (1, Fraction(2, 3)), (2, Fraction(4, 5)), (10, Fraction(1024, 1025))):
        assert after_silences([HALF, HALF], [True, False], rate=HALF, steps=steps)[0] == wanted
        assert two_doors(steps, rate=HALF) == wanted
    ignoring = posterior([HALF, HALF], [1, 1])
    assert ignoring[0] == HALF != two_doors(1, rate=HALF)


@given(st.integers(1, 9), st.lists(st.booleans(), min_size=2, max_size=5), st.integers(0, 6))
def test_silences_add_up_one_by_one(rate: int, right: list[bool], steps: int) -> None:
    belief = prior = tuple(Fraction(1, len(right)) for _ in right)
    for _ in range(steps):
        belief = posterior(belief, silence_likelihood(right, rate=Fraction(rate, 10)))
    assert after_silences(prior, right, rate=Fraction(rate, 10), steps=steps) == belief


def test_silence_that_cannot_be_raises() -> None:
    with pytest.raises(ZeroEvidence):
        after_silences([HALF, HALF], [False, False], rate=1, steps=1)
