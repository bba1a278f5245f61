"""The collapsed density against a sum over all policies, its score against differences, and draws of rewards against their values."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from assent.planning.hmc import sample
from assent.planning.importance import refine
from assent.planning.oracles.quadrature import posterior
from assent.planning.policy_iteration import solve_exact
from assent.planning.value_space import ValueSpace, density, draw_rewards, place_transitions, value_space
from tests.planning.worlds import random_model, stay_or_go

MEAN = np.array([[0.3, -0.5, 0.1], [1.0, 0.2, -0.3], [-0.2, 0.4, 0.0]])
SD = np.array([[1.0, 0.6, 1.4], [0.8, 1.2, 1.0], [1.5, 0.9, 0.7]])
HEARD = np.array([[0.8, 0.1, 0.1], [1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])


def log(weight: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(weight)


def over_policies(transition, discount, mean, sd, weight, value):
    """Density, P(best action) and E[R] at one value vector, by adding up all deterministic policies."""
    states, actions, _ = transition.shape
    threshold = value[:, None] - discount * transition @ value
    f, below = norm.pdf(threshold, mean, sd), norm.cdf(threshold, mean, sd)
    total, policy = 0.0, np.zeros((states, actions))
    for choice in itertools.product(range(actions), repeat=states):
        mass = np.linalg.det(np.eye(states) - discount * transition[range(states), list(choice)])
        for s, a in np.ndindex(states, actions):
            mass *= weight[s, a] * f[s, a] if choice[s] == a else below[s, a]
        total += mass
        policy[range(states), list(choice)] += mass
    policy /= total
    return total, policy, policy * threshold + (1 - policy) * (mean - sd**2 * f / below)


@pytest.mark.parametrize("end", [False, True])
def test_the_density_is_the_sum_over_policies(end: bool) -> None:
    with jax.enable_x64(True):
        model = random_model(0, states=4 if end else 3, end=end)
        pad = ((0, 1 if end else 0), (0, 0))
        mean, sd, heard = (
            np.pad(MEAN, pad),
            np.pad(SD, pad, constant_values=1.0),
            np.pad(HEARD, pad, constant_values=1.0),
        )
        space = value_space(model, mean, sd, log(heard))
        transition = place_transitions(model)[:3, :, :3]
        values = np.random.default_rng(1).normal(size=(3, 4)) * 2 + 2
        found = density(space, jnp.asarray(values))
        for n in range(4):
            total, policy, reward = over_policies(transition, 0.8, MEAN, SD, HEARD, values[:, n])
            # e^-60 stands for a weight of 0, and both sides round: 1e-10 is far above either
            assert float(found.log_density[n]) == pytest.approx(np.log(total), abs=1e-10)
            assert np.abs(np.asarray(found.policy[:, :, n]) - policy).max() < 1e-10
            assert np.abs(np.asarray(found.reward[:, :, n]) - reward).max() < 1e-9
        wrong = [over_policies(0 * transition, 0.8, MEAN, SD, HEARD, values[:, n])[0] for n in range(4)]
        assert np.abs(np.asarray(found.log_density) - np.log(wrong)).min() > 1e-3  # without the world: another density


@pytest.mark.slow
def test_the_score_is_the_gradient_and_gives_the_mean_reward() -> None:
    with jax.enable_x64(True):
        space = value_space(random_model(3), MEAN, SD, log(HEARD))
        value = jnp.asarray(np.random.default_rng(1).normal(size=(3, 2)) + 2)
        by_jax = jax.grad(lambda v: jnp.sum(density(space, v).log_density))(value)
        assert np.abs(np.asarray(by_jax - density(space, value).score)).max() < 1e-9


def test_float32_is_as_good_as_float32_can_be() -> None:
    values = np.random.default_rng(1).normal(size=(3, 50)) * 3
    with jax.enable_x64(True):
        exact = density(value_space(random_model(3), MEAN, SD, log(HEARD)), jnp.asarray(values))
    found = density(value_space(random_model(3), MEAN, SD, log(HEARD)), jnp.asarray(values, dtype=jnp.float32))
    assert np.isfinite(np.asarray(found.log_density)).all()
    # thresholds of up to 15 sd: squares of some hundred, each rounded to 2^-24
    assert np.abs(np.asarray(found.log_density) - np.asarray(exact.log_density)).max() < 1e-3
    assert np.abs(np.asarray(found.policy) - np.asarray(exact.policy)).max() < 1e-4


@pytest.mark.slow
def test_an_action_that_may_not_be_shown_can_still_be_the_best() -> None:
    allowed = np.ones((2, 3), dtype=bool)
    allowed[0, 2] = False
    model = random_model(7, states=2, answerable=allowed)
    log_weight = np.zeros((2, 3))
    log_weight[0] = [-np.inf, 0.0, -np.inf]
    mean, sd = np.zeros((2, 3)), np.array([[1.0, 0.5, 2.0], [1.0, 1.0, 1.0]])
    with jax.enable_x64(True):
        space = value_space(model, mean, sd, log_weight)
        value = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3)) + 1)
        by_jax = jax.grad(lambda v: jnp.sum(density(space, v).log_density))(value)
        assert np.abs(np.asarray(by_jax - density(space, value).score)).max() < 1e-8
        found = refined(space, np.random.default_rng(0).normal(size=(2_000, 2)) @ np.diag([3.0, 3.0]) + 4)
    draws = 200_000
    reward = mean[:, :, None] + sd[:, :, None] * np.random.default_rng(1).normal(size=(2, 3, draws))
    solved = solve_exact(model.successor, model.chance, reward, 0.8, model.terminal)
    heard = solved.quality[0, :2].argmax(axis=0) == 1
    best = solved.quality.argmax(axis=1)[:, heard]
    error = 5 * 0.5 / heard.sum() ** 0.5
    assert abs(np.exp(found.log_evidence) - heard.mean()) < 5 * 0.5 / draws**0.5
    assert abs(found.means[2] - (best[0] == 2).mean()) < error
    assert abs(found.means[1] - (best[0] == 1).mean()) < error
    assert found.means[0] < 1e-6  # the allowed action that was not shown was not better
    assert np.abs(found.means[6:12].reshape(2, 3) - reward[:, :, heard].mean(axis=2)).max() < 2 * error * sd.max()
    # wrong variant: that an action which may not be shown is never the best
    assert (best[0] == 2).mean() > 0.1


def refined(space: ValueSpace, draws: np.ndarray):
    evaluate = jax.jit(lambda value: density(space, value))

    def quantities(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = evaluate(jnp.asarray(positions.T))
        tables = [np.asarray(table).reshape(-1, len(positions)).T for table in (found.policy, found.reward)]
        return np.asarray(found.log_density), np.concatenate([*tables, positions], axis=1)

    return refine(quantities, draws)


@pytest.mark.slow
def test_drawn_rewards_have_the_values_they_were_drawn_for() -> None:
    model = random_model(3)
    with jax.enable_x64(True):
        space = value_space(model, MEAN, SD, log(HEARD))
        value = np.random.default_rng(1).normal(size=(3, 1)) * 0.5 + 3
        many = jnp.asarray(np.repeat(value, 4_000, axis=1))
        reward = np.asarray(draw_rewards(space, jax.random.key(0), many))
        found = density(space, jnp.asarray(value))
    solved = solve_exact(model.successor, model.chance, reward, 0.8, model.terminal)
    assert np.abs(solved.value - value).max() < 1e-8
    best = solved.quality.argmax(axis=1)
    assert (best[2] == 0).all()
    for action in range(3):
        share = (best == action).mean(axis=1)
        # five standard errors of a share of 4,000
        assert np.abs(share - np.asarray(found.policy)[:, action, 0]).max() < 5 * 0.5 / 4_000**0.5
    assert np.abs(reward.mean(axis=2) - np.asarray(found.reward)[:, :, 0]).max() < 5 * SD.max() / 4_000**0.5


@pytest.mark.slow
def test_mixtures_of_normals_are_the_sum_over_policies_too() -> None:
    model = stay_or_go()
    narrow, wide = np.full((2, 2), 0.1), np.ones((2, 2))
    share = np.stack([np.full((2, 2), 0.3), np.full((2, 2), 0.7)])
    with jax.enable_x64(True):
        space = value_space(model, np.zeros((2, 2, 2)), np.stack([narrow, wide]), np.zeros((2, 2)), share=share)
        value = np.array([1.0, 1.4])
        found = density(space, jnp.asarray(value[:, None]))
        by_jax = jax.grad(lambda v: jnp.sum(density(space, v).log_density))(jnp.asarray(value[:, None]))
        with pytest.raises(ValueError, match="not for mixtures"):
            draw_rewards(space, jax.random.key(0), jnp.asarray(value[:, None]))
    transition = place_transitions(model)
    threshold = value[:, None] - 0.8 * transition @ value
    f = 0.3 * norm.pdf(threshold, 0, 0.1) + 0.7 * norm.pdf(threshold)
    below = 0.3 * norm.cdf(threshold, 0, 0.1) + 0.7 * norm.cdf(threshold)
    total = 0.0
    for choice in itertools.product(range(2), repeat=2):
        mass = np.linalg.det(np.eye(2) - 0.8 * transition[range(2), list(choice)])
        for s, a in np.ndindex(2, 2):
            mass *= f[s, a] if choice[s] == a else below[s, a]
        total += mass
    assert float(found.log_density[0]) == pytest.approx(np.log(total), abs=1e-10)
    assert np.abs(np.asarray(by_jax - found.score)).max() < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("way", ["plain", "judged", "masked"])
def test_what_many_corrections_say_is_not_forgotten(way: str) -> None:
    """A constant added to all log-likelihoods of a place is a constant factor of the density, and nothing else."""
    allowed = np.array([[True, True, way != "masked"], [True, True, True]])
    model = random_model(7, states=2, answerable=allowed)
    said = np.array([[4.0, -4.2, -np.inf if way == "plain" else -1.0], [0.0, 0.0, 0.0]])
    value = np.random.default_rng(0).normal(size=(2, 3)) + 1

    def found(log_weight: np.ndarray) -> list[np.ndarray]:
        silent = np.zeros((2, 3))
        first, second = (silent, log_weight) if way == "judged" else (log_weight, silent)
        with jax.enable_x64(True):
            space = value_space(model, np.zeros((2, 3)), np.ones((2, 3)), first, judged=second)
            result = density(space, jnp.asarray(value))
            return [np.asarray(part) for part in (result.log_density, result.policy, result.reward)]

    near, far = found(said), found(said - np.array([[100.0], [0.0]]))
    # sums of a dozen numbers near 100, each rounded to 1e-14
    for part, (here, there) in enumerate(zip(near, far, strict=True)):
        assert np.abs(here - there - (100 if part == 0 else 0)).max() < 1e-11
    # wrong variant: with everything below e^-60 made equal, the policy would be that of nobody having spoken
    assert np.abs(far[1] - found(0 * np.where(np.isfinite(said), said, 0))[1]).max() > 1e-2


def test_corrections_that_no_best_action_explains_are_refused() -> None:
    only, never = np.array([[0.0, -np.inf], [0.0, 0.0]]), np.array([[-np.inf, 0.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="probability 0"):
        value_space(stay_or_go(), np.zeros((2, 2)), np.ones((2, 2)), only, judged=never)


def test_what_has_no_density_is_refused() -> None:
    with pytest.raises(ValueError, match="no density"):
        value_space(stay_or_go(), np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2)))


@pytest.mark.slow
@pytest.mark.parametrize("heard", [[[1, 1], [1, 1]], [[1, 0], [1, 1]], [[0, 1], [1, 0]], [[0.2, 0.8], [1, 1]]])
def test_chains_and_spread_points_give_the_two_state_table_to_four_digits(heard: list[list[float]]) -> None:
    model, weight = stay_or_go(), np.array(heard, dtype=np.float64)
    truth = posterior(place_transitions(model), 0.8, np.zeros((2, 2)), np.ones((2, 2)), weight)
    with jax.enable_x64(True):
        space = value_space(model, np.zeros((2, 2)), np.ones((2, 2)), log(weight))
        start = jnp.asarray(np.random.default_rng(0).normal(size=(2, 1000)) + 3.5)
        chains = sample(_both, space, jax.random.key(1), start, warmup=40, draws=20)
        draws = np.asarray(chains.position).transpose(0, 2, 1).reshape(-1, 2)
        found = refined(space, draws)
    wanted = np.concatenate([truth.policy.ravel(), truth.reward.ravel(), truth.value])
    # 20,000 draws of the chains and 65,536 points: fewer than 1e5 in all
    assert np.abs(found.means - wanted).max() < 1e-4
    assert abs(np.exp(found.log_evidence) - truth.evidence) < 1e-5
    # the chains' bare means are only as good as 20,000 draws: five standard errors, but not four digits
    apart = np.abs(draws.mean(axis=0) - truth.value).max()
    assert 1e-4 < apart < 0.1


def _both(space: ValueSpace, value: jax.Array) -> tuple[jax.Array, jax.Array]:
    found = density(space, value)
    return found.log_density, found.score
