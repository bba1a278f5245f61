"""Sequential Monte Carlo over rewards: weighted draws that are resampled when too few count, and moved so that they differ again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from assent.planning import q_space
from assent.planning.answers import answer_likelihood, optimal_actions
from assent.planning.hmc import sample
from assent.planning.model import Model
from assent.planning.process import Process
from assent.planning.value_iteration import solve
from assent.planning.value_space import floored

RESAMPLE_BELOW = 0.5
"""Share of particles that must count (Kish's effective number) for weights to be left alone."""

EPS_STEPS = (0.2, 0.05, 0.0125, 0.003)
"""Where an overseer errs less than this, an answer is taken in as if it erred so often, then less and less."""

SOLVED_TO = 1e-11
"""Part of a particle's largest reward to which its values are solved; ties are judged at 1e-9."""

Draws = np.ndarray
"""Rewards [P, A, N]: places, actions, particles last."""

Propose = Callable[[np.random.Generator, Draws], Draws]
"""New rewards near the old ones. It must be reversible under the prior, so that acceptance depends on the answers alone."""


@dataclass(frozen=True, eq=False)
class Heard:
    """All that an overseer has said, or has let pass.

    Attributes:
        shown: integer [P, A], how often each action was shown in each place.
        right: [P, A], log-likelihood of what was made known of each action, should it be optimal; 0 where nothing was.
        wrong: [P, A], the same, should it not be.
    """

    shown: np.ndarray
    right: np.ndarray
    wrong: np.ndarray

    @classmethod
    def nothing(cls, places: int, actions: int) -> Heard:
        """Nothing yet."""
        return cls(
            np.zeros((places, actions), dtype=np.int64), np.zeros((places, actions)), np.zeros((places, actions))
        )

    def showing(self, place: int, action: int) -> Heard:
        """And that `action` was shown in `place`."""
        shown = self.shown.copy()
        shown[place, action] += 1
        return replace(self, shown=shown)

    def judging(self, place: int, action: int, right: float, wrong: float) -> Heard:
        """And something with the log-likelihood `right` if `action` is optimal in `place`, and `wrong` if it is not."""
        rights, wrongs = self.right.copy(), self.wrong.copy()
        rights[place, action] += right
        wrongs[place, action] += wrong
        return replace(self, right=rights, wrong=wrongs)

    def joined(self, other: Heard) -> Heard:
        """Both."""
        return Heard(self.shown + other.shown, self.right + other.right, self.wrong + other.wrong)

    def softened(self, chance: float) -> Heard:
        """No judgement less likely than `chance`."""
        floor = np.log(chance)
        return replace(self, right=np.maximum(self.right, floor), wrong=np.maximum(self.wrong, floor))

    def log_likelihood(self, model: Model, process: Process, quality: np.ndarray) -> np.ndarray:
        """[N], given action values [P, A, N]."""
        shown, judged = self.shown > 0, (self.right != 0) | (self.wrong != 0)
        total = np.zeros(quality.shape[2])
        if shown.any():
            with np.errstate(divide="ignore"):
                log_each = np.log(answer_likelihood(process, quality, model.answerable)[shown])
            total = total + self.shown[shown] @ log_each
        if judged.any():
            best = optimal_actions(quality, np.ones_like(model.answerable))[judged]
            total = total + np.where(best, self.right[judged][:, None], self.wrong[judged][:, None]).sum(axis=0)
        return total


@dataclass(frozen=True, eq=False)
class Target:
    """What particles are to be distributed by: the prior times the likelihood of all that was heard, the newest word softened.

    Attributes:
        model: the world.
        process: the overseer as it is believed to be.
        heard: what was heard earlier.
        newest: the newest word.
        softened: in (0, 1), the chance with which the newest word is taken to be wrong; None to take it as it is.
    """

    model: Model
    process: Process
    heard: Heard
    newest: Heard
    softened: float | None = None

    def log_likelihood(self, quality: np.ndarray) -> np.ndarray:
        """[N], of everything, given optimal action values [P, A, N]."""
        return self.heard.log_likelihood(self.model, self.process, quality) + self.newest_log_likelihood(quality)

    def newest_log_likelihood(self, quality: np.ndarray) -> np.ndarray:
        """[N], of the newest word alone."""
        if self.softened is None:
            return self.newest.log_likelihood(self.model, self.process, quality)
        erring = replace(self.process, answer="eps", eps=self.softened)
        return self.newest.softened(self.softened).log_likelihood(self.model, erring, quality)


Move = Callable[[np.random.Generator, Target, Draws, np.ndarray], tuple[Draws, np.ndarray, float]]
"""`(rng, target, reward, quality)` -> moved rewards, their qualities, the mean acceptance. It must leave the target as it is."""


@dataclass(frozen=True, eq=False)
class Particles:
    """N weighted reward functions and what they stand for.

    Attributes:
        reward: float64 [P, A, N].
        log_weight: [N], normalised; all minus infinity when no particle explains what was heard.
        quality: [P, A, N], optimal action values (soft ones where answers are).
        log_evidence: the logarithm of P(all that was heard so far).
        heard: that.
        accepted: the mean acceptance of the last moves; 1 where there were none.
        resampled: how often weights were made equal again.
    """

    reward: Draws
    log_weight: np.ndarray
    quality: np.ndarray
    log_evidence: float
    heard: Heard
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
    heard = Heard.nothing(*reward.shape[:2])
    return Particles(reward, np.full(count, -np.log(count)), qualities(model, process, reward), 0.0, heard)


def absorb(
    model: Model,
    process: Process,
    particles: Particles,
    newest: Heard,
    rng: np.random.Generator,
    move: Move | None = None,
) -> Particles:
    """The particles after one more word, `newest`. Without a move this is plain importance weighting.

    Del Moral, Doucet and Jasra, "Sequential Monte Carlo samplers", JRSSB 68 (2006). With a move, a word of an overseer who seldom
    errs is taken in by steps of eps; after each, if fewer than half of the particles count, they are resampled systematically and moved.
    """
    before = np.zeros(len(particles.log_weight))
    for softened in [*_softer(process, newest, move), None]:
        target = Target(model, process, particles.heard, newest, softened)
        now = target.newest_log_likelihood(particles.quality)
        particles, alive = _weighted(particles, now - before)
        if not alive:
            break
        if move is not None and particles.effective < RESAMPLE_BELOW * len(particles.log_weight):
            particles = _resampled(particles, rng)
            reward, quality, accepted = move(rng, target, particles.reward, particles.quality)
            particles = replace(particles, reward=reward, quality=quality, accepted=accepted)
        before = target.newest_log_likelihood(particles.quality)
    return replace(particles, heard=particles.heard.joined(newest))


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
        live = ~model.terminal[: model.num_places]
        heard = target.heard.joined(target.newest)
        judged = floored(np.stack([heard.right, heard.wrong], axis=-1))
        soft = process.answer == "soft"
        space = q_space.q_space(
            model, mean, sd, heard.shown, beta=process.beta, judged=(judged[..., 0], judged[..., 1]), soft=soft
        )
        start = jnp.asarray(quality[live].reshape(-1, quality.shape[2]), dtype=space.mean.dtype)
        key = jax.random.key(int(rng.integers(2**31)))
        found = sample(q_space.density, space, key, start, warmup=warmup, draws=moves)
        moved = reward.copy()
        moved[live] = np.asarray(q_space.rewards_of(space, found.position[-1]), dtype=np.float64)
        return moved, qualities(model, process, moved), float(found.acceptance.mean())

    return move


def qualities(model: Model, process: Process, reward: Draws) -> np.ndarray:
    """[P, A, N]: optimal action values in the places, soft ones where answers are soft.

    Each particle is solved in units of its own largest reward, so that others cannot make its ties look like differences.
    """
    soft = process.answer == "soft"  # soft values are not proportional to rewards, and know no ties
    largest = np.abs(reward[~model.terminal[: model.num_places]]).max(axis=(0, 1), initial=0.0)
    unit = np.where(largest > 1e-300, largest, 1.0)
    found = solve(
        model.successor,
        model.chance,
        np.ascontiguousarray((reward if soft else reward / unit)[model.place]),
        model.discount,
        model.terminal,
        SOLVED_TO * float(unit.max()) if soft else SOLVED_TO,
        beta=process.beta if soft else None,
    )
    quality = np.asarray(found.quality)[: model.num_places]
    return quality if soft else quality * unit


def _softer(process: Process, newest: Heard, move: Move | None) -> list[float]:
    """The steps by which the newest word is taken in: from a chance of error that hurts nobody down to the one believed in."""
    if move is None or process.answer not in ("optimal", "eps"):
        return []
    least = float(np.exp(np.minimum(newest.right, newest.wrong)).min())
    if newest.shown.any():
        least = process.eps if process.answer == "eps" else 0.0
    return [eps for eps in EPS_STEPS if eps > 1.5 * least]


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
