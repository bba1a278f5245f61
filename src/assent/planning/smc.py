"""Sequential Monte Carlo over rewards: weighted draws that are resampled when too few count, and moved so that they differ again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from assent.planning import q_space
from assent.planning.answers import answer_likelihood
from assent.planning.hmc import sample
from assent.planning.model import Model
from assent.planning.process import Process
from assent.planning.value_iteration import solve

RESAMPLE_BELOW = 0.5
"""Share of particles that must count (Kish's effective number) for weights to be left alone."""

EPS_STEPS = (0.2, 0.05, 0.0125, 0.003)
"""Where an overseer errs less than this, an answer is taken in as if it erred so often, then less and less."""

SOLVED_TO = 1e-11
"""Part of the largest reward to which values are solved; ties are judged at 1e-9."""

Draws = np.ndarray
"""Rewards [P, A, N]: places, actions, particles last."""

Propose = Callable[[np.random.Generator, Draws], Draws]
"""New rewards near the old ones. It must be reversible under the prior, so that acceptance depends on the answers alone."""


@dataclass(frozen=True, eq=False)
class Target:
    """What particles are to be distributed by: the prior times the likelihood of the answers `shown`, the newest one softened.

    Attributes:
        model: the world.
        process: the overseer as it is believed to be.
        shown: integer [P, A], earlier answers.
        newest: place and action of the newest answer.
        softened: the overseer as it is taken to be for the newest answer.
    """

    model: Model
    process: Process
    shown: np.ndarray
    newest: tuple[int, int]
    softened: Process

    def log_likelihood(self, quality: np.ndarray) -> np.ndarray:
        """[N], of all answers, given optimal action values [P, A, N]."""
        earlier = self.shown > 0
        with np.errstate(divide="ignore"):
            log_each = np.log(answer_likelihood(self.process, quality, self.model.answerable)[earlier])
        return self.shown[earlier] @ log_each + self.newest_log_likelihood(quality)

    def newest_log_likelihood(self, quality: np.ndarray) -> np.ndarray:
        """[N], of the newest answer alone."""
        with np.errstate(divide="ignore"):
            return np.log(answer_likelihood(self.softened, quality, self.model.answerable)[self.newest])


Move = Callable[[np.random.Generator, Target, Draws, np.ndarray], tuple[Draws, np.ndarray, float]]
"""`(rng, target, reward, quality)` -> moved rewards, their qualities, the mean acceptance. It must leave the target as it is."""


@dataclass(frozen=True, eq=False)
class Particles:
    """N weighted reward functions and what they stand for.

    Attributes:
        reward: float64 [P, A, N].
        log_weight: [N], normalised; all minus infinity when no particle explains the answers.
        quality: [P, A, N], optimal action values (soft ones where answers are).
        log_evidence: the logarithm of P(all answers so far).
        shown: integer [P, A], the answers so far.
        accepted: the mean acceptance of the last moves; 1 where there were none.
        resampled: how often weights were made equal again.
    """

    reward: Draws
    log_weight: np.ndarray
    quality: np.ndarray
    log_evidence: float
    shown: np.ndarray
    accepted: float = 1.0
    resampled: int = 0

    @property
    def effective(self) -> float:
        """Kish's effective number of particles, 1 / sum of squared weights; 0 when none is alive."""
        total = np.exp(2 * self.log_weight).sum()
        return float(1 / total) if total > 0 else 0.0

    @property
    def alive(self) -> int:
        """Particles with weight."""
        return int(np.isfinite(self.log_weight).sum())


def begin(model: Model, process: Process, reward: Draws) -> Particles:
    """Equal weights for `reward` [P, A, N], drawn from the prior."""
    count = reward.shape[2]
    shown = np.zeros(reward.shape[:2], dtype=np.int64)
    return Particles(reward, np.full(count, -np.log(count)), qualities(model, process, reward), 0.0, shown)


def absorb(
    model: Model,
    process: Process,
    particles: Particles,
    place: int,
    action: int,
    rng: np.random.Generator,
    move: Move | None = None,
) -> Particles:
    """The particles after one more answer. Without a move this is plain importance weighting.

    Del Moral, Doucet and Jasra, "Sequential Monte Carlo samplers", JRSSB 68 (2006). With a move, the answer of an overseer who seldom
    errs is taken in by steps of eps; after each, if fewer than half of the particles count, they are resampled systematically and moved.
    """
    before = np.zeros(len(particles.log_weight))
    for softened in [*_softer(process, move), process]:
        target = Target(model, process, particles.shown, (place, action), softened)
        now = target.newest_log_likelihood(particles.quality)
        particles, alive = _weighted(particles, now - before)
        if not alive:
            break
        if move is not None and particles.effective < RESAMPLE_BELOW * len(particles.log_weight):
            particles = _resampled(particles, rng)
            reward, quality, accepted = move(rng, target, particles.reward, particles.quality)
            particles = replace(particles, reward=reward, quality=quality, accepted=accepted)
        before = target.newest_log_likelihood(particles.quality)
    shown = particles.shown.copy()
    shown[place, action] += 1
    return replace(particles, shown=shown)


def metropolis(model: Model, process: Process, proposals: tuple[Propose, ...], *, moves: int = 10) -> Move:
    """A move that tries `proposals` in turn, `moves` times in all; works with every prior and answer, one value iteration a try."""

    def move(
        rng: np.random.Generator, target: Target, reward: Draws, quality: np.ndarray
    ) -> tuple[Draws, np.ndarray, float]:
        here, shares = target.log_likelihood(quality), []
        for number in range(moves):
            tried = proposals[number % len(proposals)](rng, reward)
            tried_quality = qualities(model, process, tried)
            there = target.log_likelihood(tried_quality)
            taken = np.log(rng.random(len(here))) < there - here
            reward, quality = np.where(taken, tried, reward), np.where(taken, tried_quality, quality)
            here = np.where(taken, there, here)
            shares.append(taken.mean())
        return reward, quality, float(np.mean(shares))

    return move


def boltzmann_move(
    model: Model, process: Process, mean: np.ndarray, sd: np.ndarray, *, warmup: int = 20, moves: int = 10
) -> Move:
    """A move by Hamiltonian Monte Carlo in the space of action values, for normal priors [P, A] and Boltzmann or soft answers."""

    def move(
        rng: np.random.Generator, target: Target, reward: Draws, quality: np.ndarray
    ) -> tuple[Draws, np.ndarray, float]:
        shown = target.shown.copy()
        shown[target.newest] += 1
        live = ~model.terminal[: model.num_places]
        space = q_space.q_space(model, mean, sd, shown, beta=process.beta, soft=process.answer == "soft")
        start = jnp.asarray(quality[live].reshape(-1, quality.shape[2]), dtype=space.mean.dtype)
        key = jax.random.key(int(rng.integers(2**31)))
        found = sample(q_space.density, space, key, start, warmup=warmup, draws=moves)
        moved = reward.copy()
        moved[live] = np.asarray(q_space.rewards_of(space, found.position[-1]), dtype=np.float64)
        return moved, qualities(model, process, moved), float(found.acceptance.mean())

    return move


def qualities(model: Model, process: Process, reward: Draws) -> np.ndarray:
    """[P, A, N]: optimal action values in the places, soft ones where answers are soft."""
    found = solve(
        model.successor,
        model.chance,
        np.ascontiguousarray(reward[model.place]),
        model.discount,
        model.terminal,
        SOLVED_TO * max(float(np.abs(reward).max()), 1e-300),
        beta=process.beta if process.answer == "soft" else None,
    )
    return np.asarray(found.quality)[: model.num_places]


def _softer(process: Process, move: Move | None) -> list[Process]:
    if move is None or process.answer not in ("optimal", "eps"):
        return []
    floor = process.eps if process.answer == "eps" else 0.0
    return [replace(process, answer="eps", eps=eps) for eps in EPS_STEPS if eps > 1.5 * floor]


def _weighted(particles: Particles, log_factor: np.ndarray) -> tuple[Particles, bool]:
    """Weights times `log_factor` [N], normalised; whether anything is left."""
    raw = particles.log_weight + np.where(np.isnan(log_factor), -np.inf, log_factor)
    top = raw.max()
    if top == -np.inf:
        return replace(particles, log_weight=raw, log_evidence=-np.inf), False
    total = top + np.log(np.exp(raw - top).sum())
    return replace(particles, log_weight=raw - total, log_evidence=particles.log_evidence + float(total)), True


def _resampled(particles: Particles, rng: np.random.Generator) -> Particles:
    chosen = systematic(particles.log_weight, rng)
    count = len(chosen)
    return replace(
        particles,
        reward=particles.reward[:, :, chosen],
        quality=particles.quality[:, :, chosen],
        log_weight=np.full(count, -np.log(count)),
        resampled=particles.resampled + 1,
    )


def systematic(log_weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Integer [N]: who is kept, each as often as its weight says up to one (Kitagawa, JCGS 1996)."""
    count = len(log_weight)
    edges = np.cumsum(np.exp(log_weight))
    return np.minimum(
        np.searchsorted(edges / edges[-1], (rng.random() + np.arange(count)) / count, side="right"), count - 1
    )
