"""ParticleFilter: the belief over any prior and any answers, by weighted rewards that are resampled and moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assent.hypotheses.rewards.effort import Effort
from assent.hypotheses.rewards.priors import ContinuousPrior
from assent.planning import smc
from assent.planning.answers import optimal_actions
from assent.planning.model import Model
from assent.planning.process import Process


@dataclass(frozen=True, eq=False)
class ParticleFilter:
    """Weighted rewards, and how they are moved.

    Attributes:
        model, process: as in the belief.
        particles: the rewards.
        move: by Hamiltonian moves of action values where the prior is normal and answers are Boltzmann's, else by Metropolis-Hastings.
        rng_state: of the random numbers to come; a copy is used, so that a belief stays as it is.
    """

    model: Model
    process: Process
    particles: smc.Particles
    move: smc.Move
    rng_state: Mapping[str, Any]

    @classmethod
    def begin(cls, prior: ContinuousPrior, model: Model, process: Process, effort: Effort, seed: int) -> ParticleFilter:
        """Draws of the prior; what is said of places where the life has ended is 0."""
        rng = np.random.default_rng(seed)
        reward = prior.draw(rng, model.num_places, model.num_actions, effort.particles)
        reward[model.terminal[: model.num_places]] = 0.0
        particles = smc.begin(model, process, reward)
        return cls(model, process, particles, _move(prior, model, process, effort), rng.bit_generator.state)

    def hear(self, place: int, action: int) -> ParticleFilter:
        """After one answer; log_evidence is minus infinity if no particle explains it."""
        return self._absorbed(self._nothing.showing(place, action))

    def judge(self, place: int, action: int, right: float, wrong: float) -> ParticleFilter:
        """After something of log-likelihood `right` where the action is optimal, else `wrong`."""
        return self._absorbed(self._nothing.judging(place, action, right, wrong))

    @property
    def _nothing(self) -> smc.Heard:
        return smc.Heard.nothing(self.model.num_places, self.model.num_actions)

    def _absorbed(self, newest: smc.Heard) -> ParticleFilter:
        rng = np.random.default_rng()
        rng.bit_generator.state = self.rng_state
        particles = smc.absorb(self.model, self.process, self.particles, newest, rng, self.move)
        return replace(self, particles=particles, rng_state=rng.bit_generator.state)

    @property
    def log_evidence(self) -> float:
        return self.particles.log_evidence

    @property
    def policy(self) -> np.ndarray:
        """[P, A], ties split evenly."""
        quality = self.particles.quality
        if self.process.answer == "soft":
            quality = smc.qualities(self.model, replace(self.process, answer="optimal"), self.particles.reward)
        best = optimal_actions(quality, np.ones(quality.shape[:2], dtype=bool))
        return (best / best.sum(axis=1, keepdims=True)) @ np.exp(self.particles.log_weight)

    @property
    def reward(self) -> np.ndarray:
        return self.particles.reward @ np.exp(self.particles.log_weight)

    def quality_of_draws(self) -> tuple[float, float, int, int]:
        found = self.particles
        return found.effective, float("nan"), found.alive, len(found.log_weight)


def _move(prior: ContinuousPrior, model: Model, process: Process, effort: Effort) -> smc.Move:
    normal = prior.normal(model.num_places, model.num_actions)
    soft_answers = process.answer in ("boltzmann", "soft")
    if normal is not None and soft_answers and (normal[1] > 0).all() and not (model.mode > 0).any():
        return smc.boltzmann_move(model, process, *normal, moves=effort.moves)
    return smc.metropolis(model, process, (prior.redraw, prior.nudge), moves=effort.moves)
