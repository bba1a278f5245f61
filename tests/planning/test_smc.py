"""Particles against quadrature; plain ones die as the specification says; moved ones live."""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.planning import q_space, smc
from assent.planning.answers import answer_likelihood
from assent.planning.hmc import sample
from assent.planning.oracles.quadrature import posterior
from assent.planning.process import Process
from assent.planning.value_iteration import solve
from assent.planning.value_space import place_transitions
from tests.planning.worlds import grid, model_of, stay_or_go

EXACT = Process(answer="optimal")
SAID = smc.Heard.nothing(2, 2)


def redraw(rng: np.random.Generator, reward: np.ndarray) -> np.ndarray:
    share = np.exp(rng.uniform(np.log(0.02), np.log(0.5), reward.shape[2]))
    return np.where(rng.random(reward.shape) < share, rng.normal(size=reward.shape), reward)


def nudge(rng: np.random.Generator, reward: np.ndarray) -> np.ndarray:
    angle = np.exp(rng.uniform(np.log(0.02), np.log(0.5), reward.shape[2])) * np.pi / 2
    return np.cos(angle) * reward + np.sin(angle) * rng.normal(size=reward.shape)


def test_particles_agree_with_quadrature() -> None:
    model, rng = stay_or_go(), np.random.default_rng(0)
    count = 4_000
    move = smc.metropolis(model, EXACT, (redraw, nudge), moves=4)
    particles = smc.begin(model, EXACT, rng.normal(size=(2, 2, count)))
    for place, action in ((0, 1), (1, 0)):
        particles = smc.absorb(model, EXACT, particles, SAID.showing(place, action), rng, move)
    truth = posterior(
        place_transitions(model), 0.8, np.zeros((2, 2)), np.ones((2, 2)), np.array([[0.0, 1.0], [1.0, 0.0]])
    )
    # five standard errors; a half of the particles count at the least
    assert abs(np.exp(particles.log_evidence) - truth.evidence) < 5 * 0.5 / (count / 2) ** 0.5
    assert np.abs(particles.reward @ np.exp(particles.log_weight) - truth.reward).max() < 5 / (count / 2) ** 0.5
    assert particles.alive > count / 2
    # the prior's mean of 0, to which moves alone go back, is not within the tolerance above
    assert np.abs(truth.reward).max() > 0.4


def test_a_tie_is_a_tie_whatever_other_particles_are() -> None:
    """A twentieth for ever is worth 1 at a discount of .95, and so is 1 once; sweeps find the one slowly and the other at once."""
    successor = np.array([[[1], [2]], [[1], [1]], [[3], [3]], [[3], [3]]])
    model = model_of(successor, np.ones((4, 2, 1)), discount=0.95, terminal=np.array([False, False, False, True]))
    tied, other = np.zeros((4, 2)), np.zeros((4, 2))
    tied[1], tied[2], other[2] = 0.05, 1.0, 1e3
    reward = np.stack([tied, other, 0 * tied], axis=2)
    for part in (reward[:, :, :1], reward, 1e-9 * reward):
        answers = answer_likelihood(EXACT, smc.qualities(model, EXACT, part), model.answerable)
        assert answers[0, :, 0].tolist() == [0.5, 0.5]
    assert smc.qualities(model, EXACT, reward)[0, :, 1] == pytest.approx([0, 950], abs=1e-8)
    # wrong variant: solved to a part of the largest reward of all, the tie is a difference
    rough = solve(model.successor, model.chance, reward, 0.95, model.terminal, 1e-8)
    answers = answer_likelihood(EXACT, np.asarray(rough.quality), model.answerable)
    assert answers[0, :, 0].tolist() == [0.0, 1.0]


def test_dead_particles_say_so() -> None:
    model, rng = stay_or_go(), np.random.default_rng(0)
    particles = smc.begin(model, EXACT, rng.normal(size=(2, 2, 50)))
    for action in (0, 1):
        particles = smc.absorb(model, EXACT, particles, SAID.showing(0, action), rng)
    assert particles.log_evidence == -np.inf
    assert particles.alive == 0
    assert particles.effective == 0


def test_systematic_resampling_keeps_each_as_often_as_its_weight_says() -> None:
    weight = np.array([0.5, 0.1, 0.0, 0.4])
    with np.errstate(divide="ignore"):
        kept = smc.systematic(np.log(np.repeat(weight, 25) / 25), np.random.default_rng(0))
    count = np.bincount(kept // 25, minlength=4)
    assert count.sum() == 100
    assert np.abs(count - 100 * weight).max() <= 1
    assert count[2] == 0


def survivors(seed: int, corrections: int, *, particles: int = 10_000) -> list[int]:
    """How many of the prior's draws agree with the first 0, 1, … corrections of random states of a 10 x 10 grid."""
    rng = np.random.default_rng(seed)
    model = grid(10, 10)
    reward = rng.normal(size=(100, 5, particles + 1)).astype(np.float32)
    solved = solve(model.successor, model.chance, reward, model.discount, model.terminal, 1e-2)
    best = np.asarray(solved.quality).argmax(axis=1)
    alive, found = np.ones(particles, dtype=bool), [particles]
    for state in rng.permutation(100)[:corrections]:
        alive &= best[state, :-1] == best[state, -1]
        found.append(int(alive.sum()))
    return found


@pytest.mark.slow
def test_plain_particles_die_as_the_specification_measured() -> None:
    runs = np.array([survivors(seed, 8) for seed in range(20)])
    median = np.median(runs, axis=0)
    published = np.array([10_000, 3_045, 858, 261, 82, 29, 9, 3, 1])
    # medians of 20 runs whose logarithms spread by about .35 a correction, added up as a walk: three standard errors of
    # a median (1.25 sd / sqrt 20) of either side; and one particle more or less
    slack = 3 * 2**0.5 * 1.25 * 0.35 * np.sqrt(np.arange(9)) / 20**0.5
    assert (median <= published * np.exp(slack) + 1).all(), median
    assert (median >= published * np.exp(-slack) - 1).all(), median


@pytest.mark.slow
def test_moved_particles_live_through_twenty_corrections() -> None:
    model, rng = grid(5, 5, discount=0.9), np.random.default_rng(3)
    truth = rng.normal(size=(25, 5, 1))
    best = smc.qualities(model, EXACT, truth).argmax(axis=1)[:, 0]
    move = smc.metropolis(model, EXACT, (redraw, nudge), moves=12)
    particles = smc.begin(model, EXACT, rng.normal(size=(25, 5, 1_000)))
    said = smc.Heard.nothing(25, 5)
    for state in rng.permutation(25)[:20]:
        particles = smc.absorb(model, EXACT, particles, said.showing(int(state), int(best[state])), rng, move)
    assert particles.alive > 100
    assert particles.effective > 100
    assert len(np.unique(particles.reward[0, 0])) > 100
    shown = particles.quality.argmax(axis=1)[:, np.isfinite(particles.log_weight)]
    heard = particles.heard.shown.sum(axis=1) > 0
    assert (shown[heard] == best[heard, None]).all()


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["boltzmann", "soft"])
def test_action_value_space_agrees_with_importance_sampling(answer: Literal["boltzmann", "soft"]) -> None:
    model, rng = stay_or_go(), np.random.default_rng(0)
    process = Process(answer=answer, beta=2.0)
    shown = np.array([[0, 3], [1, 0]])
    with jax.enable_x64(True):
        space = q_space.q_space(model, np.zeros((2, 2)), np.ones((2, 2)), shown, beta=2.0, soft=answer == "soft")
        reward = rng.normal(size=(2, 2, 200))
        start = smc.qualities(model, process, reward).reshape(4, -1)
        assert np.abs(np.asarray(q_space.rewards_of(space, jnp.asarray(start))) - reward).max() < 1e-8
        found = sample(q_space.density, space, jax.random.key(0), jnp.asarray(start), warmup=60, draws=200)
        flat = jnp.asarray(np.asarray(found.position).transpose(1, 0, 2).reshape(4, -1))
        mean = np.asarray(q_space.rewards_of(space, flat)).mean(axis=2)
    particles = smc.begin(model, process, rng.normal(size=(2, 2, 200_000)))
    for place, action in ((0, 1), (0, 1), (0, 1), (1, 0)):
        particles = smc.absorb(model, process, particles, SAID.showing(place, action), rng)
    truth = particles.reward @ np.exp(particles.log_weight)
    # 40,000 draws, of which a tenth is independent at the least; and importance sampling's own error
    assert np.abs(mean - truth).max() < 5 / 4_000**0.5 + 5 / particles.effective**0.5
    assert np.abs(truth).max() > 0.2  # what was said counts: the prior's mean is 0
