"""The worlds and the theory of single studies, each against something worked out in another way."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assent.planning.oracles.answers_ahead import threshold_of_steps
from assent.planning.oracles.doors import threshold
from assent.planning.oracles.lattice import NoisyDoors, expected_answers
from assent.planning.planners import BeliefTree
from assent.report.figures import DISABLES, KEEPS
from assent.studies import s02_off_switch, s05_misspecified, s07_planners, s08_absent, s10_provoking, s11_price, s13_age
from assent.studies.measures import two_sided
from assent.studies.settings import Doors
from assent.studies.verdicts import phase, turning_cost


def test_the_doors_turn_where_the_closed_form_says() -> None:
    doors = Doors(3, rate=0.2, eps=0.1, discount=0.9)
    line, prior = float(threshold(3, rate="0.2", eps="0.1", discount="0.9")), np.full(3, 1 / 3)
    found = turning_cost(BeliefTree(), lambda cost: doors.at(cost).problem(), prior, high=1.8, rel=1e-6)
    assert found == pytest.approx(line, rel=2e-6)
    # the wrong variant, the price falling due before the decision, is off by the discount
    assert abs(found - line / doors.discount) > 0.1 * line


def test_verdicts_are_numbered_as_figures_number_them() -> None:
    doors = Doors(2, rate=0.5, discount=0.9)
    assert phase(BeliefTree(), doors.at(0.1).problem(), np.full(2, 0.5)) == KEEPS
    assert phase(BeliefTree(), doors.at(9.0).problem(), np.full(2, 0.5)) == DISABLES


def test_a_cost_that_never_turns_the_verdict_is_told() -> None:
    doors = Doors(2, rate=0.5, discount=0.9)
    sure, unsure = np.asarray([1.0, 0.0]), np.full(2, 0.5)
    assert turning_cost(BeliefTree(), lambda c: doors.at(c).problem(), sure, high=1.0, least=1e-6) == 0.0
    assert turning_cost(BeliefTree(), lambda c: doors.at(c).problem(), unsure, high=0.1) == 0.1


def test_one_answer_ahead_is_one_step_ahead_where_it_counts() -> None:
    """At k = 0 the single answer is worth waiting for if it is worth one step: the bound T6. At k = 1 it is worth nothing."""
    doors = NoisyDoors("0.5", "0.2", "0.9")
    assert s07_planners.answers_ahead(0, 1) == pytest.approx(float(threshold_of_steps(doors, 0, 1)), rel=1e-6)
    assert s07_planners.answers_ahead(1, 1) == 0.0
    # the more answers, the nearer to c*(k), and never above
    ahead = [s07_planners.answers_ahead(2, answers) for answers in (2, 4, 6)]
    assert ahead == sorted(ahead)
    assert ahead[-1] <= float(doors.threshold(2)) * (1 + 1e-6)


@settings(max_examples=40)
@given(st.floats(0.01, 1.0), st.floats(0.0, 1.0))
def test_waiting_pays_until_it_does_not(rate: float, harm: float) -> None:
    """The closed form of waiting agrees with adding up, step by step, what a thousand steps of waiting bring."""
    informed = (1 - harm) * s08_absent.SHORT + harm * s08_absent.LONG
    value = 0.0
    for _ in range(1000):
        value = -1 + s08_absent.DISCOUNT * (rate * informed + (1 - rate) * value)
    best = max(s08_absent.SHORT - s08_absent.FINE * harm, s08_absent.LONG)
    # after a thousand steps less than 50 * .9801^1000 = 1e-7 is missing
    assume(abs(value - best) > 1e-6)
    assert (s08_absent.theory(harm, rate) == s08_absent.WAIT) == (value > best)


@settings(max_examples=40)
@given(st.floats(0.5, 0.999), st.floats(0.0, 1.0))
def test_guesses_are_worth_what_enumeration_says(p: float, rate: float) -> None:
    """Over truths, and whether a mistake was corrected, betting on what is then believed."""

    def worth(guess: int) -> float:
        now = p if guess == 0 else (1 - p if guess == 1 else 0.0)
        told, silent = [0.0, 0.0], [0.0, 0.0]
        for truth, weight in enumerate((p, 1 - p)):
            caught = rate if guess != truth else 0.0
            told[truth], silent[truth] = weight * caught, weight * (1 - caught)
        return now + told[0] * 2.0 + max(0.0, silent[0] * 2.0 - silent[1] * 30.0)

    worths = [worth(guess) for guess in range(3)]
    assert worths[s10_provoking.theory(p, rate)] == pytest.approx(max(worths), abs=1e-9)


@given(st.floats(0.05, 2.25))
def test_a_prior_has_the_entropy_that_is_asked_for(entropy: float) -> None:
    prior = s11_price.prior_of(entropy)
    assert prior.sum() == pytest.approx(1.0)
    assert -float((prior * np.log(prior)).sum()) == pytest.approx(entropy, abs=1e-9)
    assert prior.argmax() == 0


@settings(max_examples=30)
@given(
    st.integers(0, 200), st.fractions(min_value=Fraction(1, 1000), max_value=Fraction(999, 1000), max_denominator=1000)
)
def test_tails_agree_with_exact_fractions(hits: int, chance: Fraction) -> None:
    mass = [math.comb(200, count) * chance**count * (1 - chance) ** (200 - count) for count in range(201)]
    tails = min(1.0, 2 * min(float(sum(mass[: hits + 1])), float(sum(mass[hits:]))))
    # logarithms up to a thousand, each to 1e-16 of itself, and 200 terms; scipy's own tails are 3e-8 off where they are 1e-275
    assert two_sided(hits, 200, float(chance)) == pytest.approx(tails, rel=1e-10, abs=1e-300)


def test_the_walk_ends_as_gamblers_ruin_says() -> None:
    walk = s13_age._walk(3, 0.1)
    ended = [next(walk) for _ in range(400)]
    assert ended[:3] == [0.0, 0.0, 0.0]
    assert ended[3] == pytest.approx(0.9**3 + 0.1**3)
    mean = sum(1 - part for part in ended)
    assert mean == pytest.approx(float(expected_answers(3, eps="0.1")), rel=1e-6)


def test_what_is_imagined_is_normal() -> None:
    draws = s02_off_switch.imagined(np.random.default_rng(0), 1 << 14)
    # one draw in each slice: moments are far nearer than those of independent draws, 1/√N = .008
    assert abs(draws.mean()) < 1e-3
    assert draws.std() == pytest.approx(1.0, abs=2e-3)
    below = (np.sort(draws)[:, None] <= np.linspace(-2, 2, 9)[None]).mean(axis=0)
    exact = [0.5 * math.erfc(-x / math.sqrt(2)) for x in np.linspace(-2, 2, 9)]
    assert below == pytest.approx(exact, abs=2 / (1 << 14))


def test_an_agent_that_would_err_keeps_nobody_who_errs_half_of_the_time() -> None:
    utility = 0.5 + s02_off_switch.imagined(np.random.default_rng(0), 1 << 14)
    assert s02_off_switch.decide(utility, s02_off_switch.erring(utility, 0.0)) == s02_off_switch.WAITS
    assert s02_off_switch.decide(utility, s02_off_switch.erring(utility, 0.5)) == s02_off_switch.ACTS
    assert s02_off_switch.decide(-utility, s02_off_switch.erring(-utility, 0.5)) == s02_off_switch.SWITCHES_OFF


def test_priors_are_locked_in_as_their_first_answer_says() -> None:
    """What becomes of a life, spelled out: told before the first decision with chance .2, and what is then believed."""

    def share(truth: float, other: float, believed: float, split: bool = False) -> float | None:
        return s05_misspecified.locked_in(s05_misspecified.Prior(truth, other, believed, 1, split))

    assert share(0.01, 0.0, 0.0) == pytest.approx(0.8), "pays .018, the price is .05: gone unless told"
    assert share(0.1, 0.0, 0.0) == 0.0, "pays .18: it waits to be told"
    assert share(1.0, 0.0, 0.0) == 0.0
    assert share(0.0, 0.0, 0.0) == pytest.approx(0.8)
    assert share(0.0, 0.01, 0.0) == pytest.approx(1.0), "told, it finds nothing worth anything and leaves"
    assert share(0.0, 0.0, 0.0, split=True) == 0.0
    assert share(0.0, 0.01, 0.0, split=True) == pytest.approx(1 - 0.8**s05_misspecified.STEPS)
