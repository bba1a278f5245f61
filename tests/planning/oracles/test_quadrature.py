"""The two-state world of stay and go against the specification's table, and against draws from the prior."""

from __future__ import annotations

import numpy as np
import pytest

from assent.planning.oracles.quadrature import RESOLVED, Posterior, posterior, prior_mass
from assent.planning.policy_iteration import solve_exact

STAY_OR_GO = np.array([[[1.0, 0], [0, 1]], [[0, 1], [1, 0]]])
SUCCESSOR = np.array([[[0], [1]], [[1], [0]]])
LIVE = np.zeros(2, dtype=bool)
GAMMA = 0.8
NONE, STAY, GO = [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]

TABLE = {
    "none": ([NONE, NONE], "1", "3.49595 3.49595", ".62693 .62693", "0 0 0 0"),
    "stay": ([STAY, NONE], ".373074", "4.24083 3.36404", "0 .86782", ".84817 -.32453 -.33000 -.19363"),
    "go": ([GO, NONE], ".626926", "3.05269 3.57445", "1 .48357", "-.50473 .19313 .19638 .11522"),
    "go, stay": ([GO, STAY], ".323761", "3.40109 4.41143", "1 0", "-.47534 -.12805 .88229 -.27890"),
    "go, go": ([GO, GO], ".303165", "2.68061 2.68061", "1 1", "-.53612 .53612 -.53612 .53612"),
    "stay, stay": ([STAY, STAY], ".049313", "3.12077 3.12077", "0 0", ".62415 -.62415 .62415 -.62415"),
    "noisy go": ([[0.2, 0.8], NONE], ".57616", "3.2066 3.5472", ".8705 .5333", "-.3295 .1261 .1282 .0752"),
}
"""The specification's test values C6: evidence, E[V*], P(go is optimal) and E[R], as printed."""


def found(weight: list[list[float]]) -> Posterior:
    return posterior(STAY_OR_GO, GAMMA, np.zeros((2, 2)), np.ones((2, 2)), np.array(weight))


def printed(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, and half a unit of the last digit of each."""
    words = text.split()
    units = [10.0 ** -len(word.partition(".")[2]) for word in words]
    return np.array([float(word) for word in words]), 0.5 * np.array(units) * (1 + 1e-9)


def optimal_value_of(mean_reward: np.ndarray) -> np.ndarray:
    chance = np.ones(SUCCESSOR.shape)
    return solve_exact(SUCCESSOR, chance, mean_reward[:, :, None], GAMMA, LIVE).value[:, 0]


@pytest.mark.parametrize("data", TABLE)
def test_the_table_s_digits(data: str) -> None:
    weight, *texts = TABLE[data]
    got = found(weight)
    for text, value in zip(texts, (got.evidence, got.value, got.policy[:, 1], got.reward), strict=True):
        expected, half = printed(text)
        # the table has 0 for numbers below 1e-9, and its digits are rounded or cut off: one unit
        assert np.abs(np.ravel(value) - expected).max() <= max(2 * half.max(), 1e-9), (data, text, value)


def test_a_wrong_variant_misses_the_table() -> None:
    # a world in which a tenth of the steps ends: what a wrong transition in the determinant would give
    wrong = posterior(STAY_OR_GO * 0.9, GAMMA, np.zeros((2, 2)), np.ones((2, 2)), np.array([STAY, NONE]))
    assert abs(wrong.evidence - 0.373074) > 1e-3


def test_evidences_add_and_values_chain() -> None:
    go, stay, both, other = (found(w) for w in ([GO, NONE], [STAY, NONE], [GO, STAY], [GO, GO]))
    assert both.evidence + other.evidence == pytest.approx(go.evidence, abs=1e-9)
    assert go.evidence + stay.evidence == pytest.approx(1, abs=1e-9)
    # blind 0 -> blind after one correction at s0 -> clairvoyant
    blind = [one.evidence * optimal_value_of(one.reward)[0] for one in (go, stay)]
    assert sum(blind) == pytest.approx(2.195684, abs=1e-6)
    assert np.abs(optimal_value_of(found([NONE, NONE]).reward)).max() < 1e-8
    assert found([NONE, NONE]).value[0] == pytest.approx(3.49595, abs=5e-6)
    assert optimal_value_of(stay.reward) == pytest.approx([4.24083, 3.19904], abs=5e-6)
    assert optimal_value_of(go.reward) == pytest.approx([0.97865, 0.98190], abs=5e-6)


@pytest.mark.parametrize("weight", [[GO, STAY], [GO, GO], [STAY, STAY]])
def test_once_every_state_is_known_the_mean_reward_s_value_is_the_mean_value(weight: list[list[float]]) -> None:
    got = found(weight)
    assert optimal_value_of(got.reward) == pytest.approx(got.value, abs=1e-8)


@pytest.mark.slow
def test_unequal_priors_a_third_state_and_an_end_agree_with_draws_from_the_prior() -> None:
    rng = np.random.default_rng(2)
    successor = rng.integers(0, 4, (4, 2, 2))
    successor[3] = 3
    chance = rng.dirichlet(np.ones(2), size=(4, 2))
    transition = np.zeros((4, 2, 4))
    for k in range(2):
        np.add.at(transition, (*np.indices((4, 2)), successor[:, :, k]), chance[:, :, k])
    mean, sd = rng.normal(size=(3, 2)), rng.uniform(0.5, 2, (3, 2))
    weight = np.array([[0.9, 0.1], NONE, GO])
    got = posterior(transition[:3, :, :3], 0.9, mean, sd, weight)
    assert got.policy.sum(axis=1) == pytest.approx(1, abs=1e-8)
    draws = 100_000
    reward = np.zeros((4, 2, draws))
    reward[:3] = mean[:, :, None] + sd[:, :, None] * rng.normal(size=(3, 2, draws))
    solved = solve_exact(successor, chance, reward, 0.9, np.array([False] * 3 + [True]))
    best = solved.quality[:3].argmax(axis=1)
    mass = np.prod([weight[s][best[s]] for s in range(3)], axis=0)
    effective = mass.sum() ** 2 / (mass**2).sum()
    # five standard errors of a weighted mean; evidence is a mean of numbers in [0, 1]
    assert abs(mass.mean() - got.evidence) <= 5 * 0.5 / draws**0.5
    for s in range(3):
        assert (
            abs(np.average(solved.value[s], weights=mass) - got.value[s]) <= 5 * solved.value[s].std() / effective**0.5
        )
        for a in range(2):
            assert abs(np.average(best[s] == a, weights=mass) - got.policy[s, a]) <= 5 * 0.5 / effective**0.5
            assert abs(np.average(reward[s, a], weights=mass) - got.reward[s, a]) <= 5 * sd[s, a] / effective**0.5


def test_what_a_grid_cannot_do_is_refused() -> None:
    with pytest.raises(ValueError, match="4 states"):
        posterior(np.zeros((4, 1, 4)), 0.5, np.zeros((4, 1)), np.ones((4, 1)), np.ones((4, 1)))
    with pytest.raises(ValueError, match="known"):
        posterior(STAY_OR_GO, 0.5, np.zeros((2, 2)), np.zeros((2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="evidence 0"):
        found([[0.0, 0.0], NONE])


FAR = {
    "sds apart": (np.zeros((2, 2)), np.array([[0.05, 2.0], [2.0, 0.05]])),
    "means 100 apart": (np.array([[0.0, 100.0], [0.0, 0.0]]), np.ones((2, 2))),
}


@pytest.mark.parametrize("case", FAR)
def test_a_prior_that_the_grid_does_not_resolve_is_refused(case: str) -> None:
    mean, sd = FAR[case]
    mass = prior_mass(STAY_OR_GO, GAMMA, mean, sd)
    assert not abs(mass - 1) <= RESOLVED
    with pytest.raises(ValueError, match=r"does not resolve this prior.*'collapsed'"):
        posterior(STAY_OR_GO, GAMMA, mean, sd, np.array([STAY, NONE]))


@pytest.mark.filterwarnings("error")
def test_means_twenty_apart_give_numbers() -> None:
    got = posterior(STAY_OR_GO, GAMMA, np.array([[0.0, 20.0], [0.0, 0.0]]), np.ones((2, 2)), np.array([NONE, NONE]))
    # going gives 20 now; so does coming back to it, and staying there would have to make up for 16
    assert got.policy == pytest.approx(np.array([[0.0, 1.0], [0.0, 1.0]]), abs=1e-9)
    assert got.reward == pytest.approx(np.array([[0.0, 20.0], [0.0, 0.0]]), abs=1e-9)


@pytest.mark.slow
def test_what_the_grid_takes_is_a_number_and_right() -> None:
    """Means and standard deviations a few apart: policies of 1 in sum, evidences that add to 1."""
    taken = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        mean, sd = rng.normal(size=(2, 2)) * rng.uniform(0, 12), np.exp(rng.uniform(-1.5, 1.5, (2, 2)))
        if abs(prior_mass(STAY_OR_GO, GAMMA, mean, sd) - 1) > RESOLVED:
            continue
        taken += 1
        go, stay, none = (posterior(STAY_OR_GO, GAMMA, mean, sd, np.array([heard, NONE])) for heard in (GO, STAY, NONE))
        assert go.evidence + stay.evidence == pytest.approx(1, abs=2 * RESOLVED)
        # policies are found another way than masses: they differ from evidences by as much as the grid is wrong
        assert none.policy[0] == pytest.approx([stay.evidence, go.evidence], abs=1e-4)
        assert none.policy.sum(axis=1) == pytest.approx(1, abs=1e-4)
        assert none.reward == pytest.approx(mean, abs=1e-3 * (np.abs(mean).max() + sd.max()))
    assert 8 <= taken < 30
