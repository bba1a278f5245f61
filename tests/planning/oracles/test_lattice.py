"""T7, T8: noisy doors. The spec's tables, and an independent solution by value iteration in floats."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.planning.oracles.answers_ahead import threshold_of_steps, value_of_answers
from assent.planning.oracles.door_program import DoorProgram
from assent.planning.oracles.doors import threshold, threshold_of_prior
from assent.planning.oracles.lattice import NoisyDoors, expected_answers, lock_in_error, misjudged

THRESHOLDS = {
    ("0.9", "0.5", "0.2"): (1.35, 0.280115, 0.066146, 0.013627, 0.002620),
    ("0.95", "0.1", "0.1"): (0.76, 0.080173, 0.006425, 0.000449, 0.000031),
    ("0.9", "1", "0.3"): (1.8, 0.493759, 0.199954, 0.080282, 0.030440),
}
COSTS = ("0.01", "0.05", "0.1", "0.2", "0.5", "1", "2")
TABLE = {
    ("0.5", "0.05"): "3 .0001, 2 .0028, 2 .0028, 2 .0028, 1 .05, 1 .05, 1 .05",
    ("0.5", "0.1"): "3 .0014, 3 .0014, 2 .0122, 2 .0122, 2 .0122, 1 .1, 1 .1",
    ("0.5", "0.2"): "4 .0039, 3 .0154, 3 .0154, 2 .0588, 2 .0588, 1 .2, 1 .2",
    ("0.5", "0.3"): "6 .0062, 4 .0326, 3 .073, 3 .073, 2 .1552, 1 .3, 0 .5",
    ("0.5", "0.4"): "7 .0553, 4 .1649, 3 .2286, 2 .3077, 1 .4, 0 .5, 0 .5",
    ("0.1", "0.1"): "2 .0122, 2 .0122, 1 .1, 1 .1, 1 .1, 0 .5, 0 .5",
    ("0.1", "0.3"): "3 .073, 2 .1552, 1 .3, 1 .3, 0 .5, 0 .5, 0 .5",
}


@pytest.mark.parametrize("terms", THRESHOLDS)
def test_public_thresholds_to_the_printed_digits(terms: tuple[str, str, str]) -> None:
    discount, rate, eps = terms
    doors = NoisyDoors(rate=rate, eps=eps, discount=discount)
    assert tuple(round(float(doors.threshold(net)), 6) for net in range(5)) == THRESHOLDS[terms]
    assert doors.threshold(-2) == doors.threshold(2)
    assert doors.threshold(0) == threshold(2, rate=rate, eps=eps, discount=discount)


@pytest.mark.parametrize("terms", TABLE)
def test_all_49_cells_of_the_table(terms: tuple[str, str]) -> None:
    rate, eps = terms
    doors = NoisyDoors(rate=rate, eps=eps, discount="0.95")
    for cost, cell in zip(COSTS, TABLE[terms].split(", "), strict=True):
        stop, error = cell.split()
        assert doors.stop(cost) == int(stop)
        assert round(float(lock_in_error(int(stop), eps=eps)), 4) == float(error)


def swept(rate: float, eps: float, discount: float, cost: float, size: int = 40) -> np.ndarray:
    """[2 * size + 1] what keeping is worth more than disabling at each net count, by value iteration until nothing moves."""
    net = np.arange(-size - 1, size + 2)
    belief = 1 / (1 + (eps / (1 - eps)) ** net)
    opened, up = np.maximum(belief, 1 - belief), belief * (1 - eps) + (1 - belief) * eps
    disabled = opened / (1 - discount)
    value = disabled.copy()
    for _ in range(2000):
        after = up[1:-1] * value[2:] + (1 - up[1:-1]) * value[:-2]
        kept = opened[1:-1] - cost + discount * ((1 - rate) * value[1:-1] + rate * after)
        value[1:-1] = np.maximum(disabled[1:-1], kept)
    return kept - disabled[1:-1]


@settings(max_examples=5)
@given(st.integers(1, 10), st.integers(1, 45), st.sampled_from([0.5, 0.8, 0.9, 0.95]), st.integers(0, 3))
def test_value_iteration_turns_at_the_threshold(rate: int, eps: int, discount: float, net: int) -> None:
    """A wrong variant lets the belief drift up by 1 - eps whatever it is; its threshold at k = 1 is another."""
    doors = NoisyDoors(rate=Fraction(rate, 10), eps=Fraction(eps, 100), discount=discount)
    cost = float(doors.threshold(net))
    if (
        cost < 1e-6
    ):  # nothing that floats could tell apart: values are up to 20, rounded at 4e-15, and 1% of c* is to be seen
        return
    below, above = (swept(rate / 10, eps / 100, discount, cost * factor)[40 + net] for factor in (0.99, 1.01))
    assert below > 0 > above


def test_a_belief_that_drifts_up_regardless_is_rejected() -> None:
    class Drifting(NoisyDoors):
        def up(self, net: int) -> Fraction:
            return Fraction(4, 5)

    terms = {"rate": "0.5", "eps": "0.2", "discount": "0.9"}
    assert round(float(Drifting(**terms).threshold(1)), 6) != 0.280115


@settings(max_examples=8)
@given(st.integers(0, 10), st.integers(0, 50), st.integers(1, 9))
def test_thresholds_fall_with_the_net_count(rate: int, eps: int, discount: int) -> None:
    """What the boundary's equations assume: nearer counts keep at the cost at which |k| is indifferent."""
    doors = NoisyDoors(rate=Fraction(rate, 10), eps=Fraction(eps, 100), discount=Fraction(discount, 10))
    costs = [doors.threshold(net) for net in range(5)]
    assert all(near >= far >= 0 for near, far in pairwise(costs))


def test_the_values_satisfy_the_optimality_equation_exactly() -> None:
    doors, cost, gamma, rate = NoisyDoors("0.5", "0.3", "0.95"), Fraction(1, 20), Fraction(19, 20), Fraction(1, 2)
    assert doors.stop(cost) == 4
    for net in range(6):
        up = doors.up(net)
        after = up * doors.value(net + 1, cost=cost) + (1 - up) * doors.value(net - 1, cost=cost)
        kept = doors.confidence(net) - cost + gamma * ((1 - rate) * doors.value(net, cost=cost) + rate * after)
        assert doors.value(net, cost=cost) == max(kept, doors.confidence(net) / (1 - gamma))


def test_the_program_over_answers_brackets_the_lattice() -> None:
    """Another recursion, over the weights of two doors instead of net counts."""
    doors = NoisyDoors("0.5", "0.2", "0.9")
    for cost in ("0.05", "0.3", "1.3"):
        program = DoorProgram(prior=["1/2", "1/2"], rate="0.5", eps="0.2", discount="0.9", cost=cost, answers=9)
        low, high = program.advantage()
        exact = doors.value(0, cost=cost) - 5
        assert low <= exact <= high
        assert high - low < Fraction(1, 50)


def test_a_free_overseer_is_never_disabled_and_noise_at_once() -> None:
    assert NoisyDoors("0.5", "0.2", "0.9").stop(0) is None
    assert NoisyDoors("0.5", "0.5", "0.9").stop("0.001") == 0
    assert NoisyDoors("0.5", "0", "0.9").stop("0.001") == 1  # a perfect one says all at once
    with pytest.raises(ValueError, match="cost = -1"):
        NoisyDoors("0.5", "0.2", "0.9").stop(-1)
    with pytest.raises(ValueError, match="above 1/2"):
        NoisyDoors("0.5", "0.6", "0.9")


def test_one_answer_is_worth_exactly_nothing_off_the_tie() -> None:
    """So an agent that looks one answer ahead disables for any cost where the exact one keeps."""
    doors = NoisyDoors("0.5", "0.2", "0.9")
    for net in (1, -1, 2, 3):
        assert value_of_answers(doors, net, 1) == 0
        assert threshold_of_steps(doors, net, 1) == 0 < doors.threshold(net)
    assert value_of_answers(doors, 1, 2) > 0
    assert value_of_answers(doors, 0, 1) == Fraction(3, 10)
    assert threshold_of_steps(doors, 0, 1) == threshold_of_prior(["1/2", "1/2"], rate="0.5", eps="0.2", discount="0.9")


@pytest.mark.parametrize("net", [0, 1, 2])
def test_plans_that_do_not_listen_keep_for_less(net: int) -> None:
    doors = NoisyDoors("0.5", "0.2", "0.9")
    fixed = [threshold_of_steps(doors, net, steps) for steps in range(1, 12)]
    assert 0 <= max(fixed) <= doors.threshold(net)
    with pytest.raises(ValueError, match="steps = 0"):
        threshold_of_steps(doors, net, 0)


@pytest.mark.parametrize("eps", ["0.1", "0.3", "0.4"])
@pytest.mark.parametrize("stop", [1, 2, 4])
def test_walks_end_as_the_closed_forms_say(eps: str, stop: int) -> None:
    """Absorption of the walk by linear equations, against gambler's ruin; a wrong variant forgets that walks come back."""
    wrong = Fraction(eps)
    size = 2 * stop - 1
    equations = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    for i in range(size):
        for j, weight in ((i + 1, 1 - wrong), (i - 1, wrong)):
            if 0 <= j < size:
                equations[i][j] -= weight
    as_floats = np.asarray(equations, dtype=np.float64)
    lost = np.linalg.solve(as_floats, np.asarray([float(wrong)] + [0.0] * (size - 1)))[stop - 1]
    steps = np.linalg.solve(as_floats, np.ones(size))[stop - 1]
    # systems of at most 7 equations with condition numbers below 10^3
    assert abs(lost - float(lock_in_error(stop, eps=eps))) < 1e-12
    assert abs(steps - float(expected_answers(stop, eps=eps))) < 1e-10
    if stop > 1:
        assert abs(float(wrong**stop) - lost) > 1e-5
    assert expected_answers(stop, eps="0.5") == stop**2


def test_an_overrated_overseer_is_53_times_worse_than_the_agent_believes() -> None:
    """T8: what is locked in follows the true error, when to stop the believed one; swapping them gives another K."""
    outcome = misjudged(NoisyDoors("0.5", "0.1", "0.95"), true_eps="0.3", cost="0.05")
    assert (outcome.stop, round(float(outcome.claimed), 5), round(float(outcome.true), 4)) == (3, 0.00137, 0.0730)
    assert outcome.times is not None
    assert round(float(outcome.times)) == 53
    assert misjudged(NoisyDoors("0.5", "0.3", "0.95"), true_eps="0.1", cost="0.05").stop == 4
    assert misjudged(NoisyDoors("0.5", "0", "0.95"), true_eps="0.3", cost="0.05").times is None
    with pytest.raises(ValueError, match="never disabled"):
        misjudged(NoisyDoors("0.5", "0.1", "0.95"), true_eps="0.3", cost=0)


def test_believing_too_well_of_the_overseer_never_helps() -> None:
    for believed in ("0.05", "0.1", "0.2"):
        outcome = misjudged(NoisyDoors("0.5", believed, "0.95"), true_eps="0.3", cost="0.05")
        assert outcome.true > outcome.claimed
