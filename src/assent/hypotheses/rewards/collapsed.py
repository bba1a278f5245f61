"""Collapsed: the belief over normal rewards by chains over optimal values, the policy summed out exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from assent.hypotheses.rewards.effort import Effort
from assent.hypotheses.rewards.priors import HasNormal
from assent.hypotheses.rewards.saying import log_judging, log_saying
from assent.planning.diagnostics import bulk_ess, split_rhat
from assent.planning.hmc import sample
from assent.planning.model import Model
from assent.planning.process import Process
from assent.planning.smc import qualities, systematic
from assent.planning.value_space import IMPOSSIBLE, ValueSpace, density, value_space

COUNTING = 0.05
"""How likely a step must be to the draws, and which share of them must count for it. What was heard is taken in at once where that holds,
else by degrees, each with moves of its own: the evidence is then that of many draws and not of the luckiest one. (Of what has a chance
of e^-13 beforehand it is right to some tenths of a nat, at e^-22 to some nats; policies and mean rewards stay right.)"""

HALVINGS = 16
"""Degrees are 1, 1/2, 1/4 … of what is left, down to this many halvings."""

MISPLACED = 1e-6
"""Probability of actions that are ruled out from which on the chains have not followed."""


@dataclass(frozen=True, eq=False)
class Collapsed:
    """Chains over optimal values, which follow the corrections by weighting, resampling and Hamiltonian moves.

    Attributes:
        prior, model, process, effort: as in the belief.
        key: of the random numbers to come.
        log_weight: [P, A], log-likelihood of all answers in a place, given the best action that may be shown there.
        judged: [P, A], log-likelihood of what was made known otherwise, given the best action of all.
        draws: [T, S, N], optimal values of live places, all equally likely under the posterior.
        table: policy and reward [S, A], means over the draws.
        log_evidence: log P(everything heard).
    """

    prior: HasNormal
    model: Model
    process: Process
    effort: Effort
    key: jax.Array
    log_weight: np.ndarray
    judged: np.ndarray
    draws: np.ndarray
    table: tuple[np.ndarray, np.ndarray]
    log_evidence: float

    @classmethod
    def begin(cls, prior: HasNormal, model: Model, process: Process, effort: Effort, seed: int) -> Collapsed:
        """Draws of the prior itself: rewards are drawn and solved, so no chain has to find its way there."""
        rng = np.random.default_rng(seed)
        count = effort.chains * effort.draws
        reward = prior.draw(rng, model.num_places, model.num_actions, count)
        value = qualities(model, replace(process, answer="optimal"), reward).max(axis=1)[_live(model)]
        draws = value.reshape(-1, effort.draws, effort.chains).transpose(1, 0, 2).astype(np.float32)
        nothing = np.zeros((model.num_places, model.num_actions))
        table = _table(_space(prior, model, nothing, nothing), draws)
        return cls(prior, model, process, effort, jax.random.key(seed), nothing, nothing, draws, table, 0.0)

    def hear(self, place: int, action: int) -> Collapsed | None:
        """After one answer, or None if no best action explains all that was heard of this place."""
        log_weight = self.log_weight.copy()
        log_weight[place] += log_saying(self.process, self.model, place, action)
        return self._moved(log_weight, self.judged) if self._explained(place, log_weight, self.judged) else None

    def judge(self, place: int, action: int, right: float, wrong: float) -> Collapsed | None:
        """After something of log-likelihood `right` where the action is optimal, else `wrong`; None as in `hear`."""
        judged = self.judged.copy()
        judged[place] += log_judging(self.model, action, right, wrong)
        return self._moved(self.log_weight, judged) if self._explained(place, self.log_weight, judged) else None

    def _explained(self, place: int, log_weight: np.ndarray, judged: np.ndarray) -> bool:
        """Whether some best action of the place goes with all that was heard there."""
        allowed = self.model.answerable[place]
        whole = judged[place] + np.where(allowed, log_weight[place], 0.0)
        return bool(np.isfinite(log_weight[place, allowed]).any() and np.isfinite(whole).any())

    def _moved(self, log_weight: np.ndarray, judged: np.ndarray) -> Collapsed | None:
        """Chains that have followed what was heard: in one step where enough draws go with it, else by degrees.

        None where the chains end at actions that it rules out: all others are less likely beforehand than numbers can tell.
        """
        degree, moved = 0.0, self
        while degree < 1:
            gain, degree, tables = self._step(moved, degree, log_weight, judged)
            if len(gain) == 0:
                return None
            moved = moved._followed(gain, *tables)
        allowed = self.model.answerable.all(axis=1, keepdims=True)
        impossible = (judged == -np.inf) | (allowed & (log_weight == -np.inf))
        live = _live(self.model)
        return None if (moved.table[0][impossible[live]] > MISPLACED).any() else moved

    def _step(
        self, moved: Collapsed, degree: float, log_weight: np.ndarray, judged: np.ndarray
    ) -> tuple[np.ndarray, float, tuple[np.ndarray, np.ndarray]]:
        """The next degree at which enough of the draws count, the gain in log-density of each, and the tables there."""
        before = _log_densities(_space(self.prior, self.model, moved.log_weight, moved.judged), moved.draws)
        for halvings in range(HALVINGS):
            to = degree + (1 - degree) / 2**halvings
            tables = (log_weight, judged)
            if to < 1:
                tables = _between(self.log_weight, log_weight, to), _between(self.judged, judged, to)
            gain = (_log_densities(_space(self.prior, self.model, *tables), moved.draws) - before).astype(np.float64)
            gain = np.where(np.isfinite(gain), gain, -np.inf)
            if _likely_enough(gain):
                return gain, to, tables
        return np.empty(0), degree, (log_weight, judged)

    def _followed(self, gain: np.ndarray, log_weight: np.ndarray, judged: np.ndarray) -> Collapsed:
        """Draws chosen by their gain and moved by Hamiltonian steps."""
        now, later, pick = jax.random.split(self.key, 3)
        rng = np.random.default_rng(np.asarray(jax.random.key_data(pick)).astype(np.uint32).tolist())
        after, effort = _space(self.prior, self.model, log_weight, judged), self.effort
        found = sample(_both, after, now, self._chosen(gain, rng), warmup=effort.warmup, draws=effort.draws)
        draws = np.asarray(found.position)
        increment = gain.max() + np.log(np.exp(gain - gain.max()).mean())
        return replace(
            self,
            key=later,
            log_weight=log_weight,
            judged=judged,
            draws=draws,
            table=_table(after, draws),
            log_evidence=self.log_evidence + float(increment),
        )

    def _chosen(self, gain: np.ndarray, rng: np.random.Generator) -> jax.Array:
        """Where the chains start: draws of the last posterior, each with the chance that the answer gives it."""
        flat = self.draws.transpose(1, 0, 2).reshape(self.draws.shape[1], -1)
        raw = gain.ravel() - gain.max()
        kept = systematic(raw - np.log(np.exp(raw).sum()), rng)
        return jnp.asarray(flat[:, rng.permutation(kept)[: self.effort.chains]])

    @property
    def policy(self) -> np.ndarray:
        return self._all(self.table[0])

    @property
    def reward(self) -> np.ndarray:
        return self._all(self.table[1])

    def quality_of_draws(self) -> tuple[float, float, int, int]:
        """The least effective sample size and the largest split R-hat over all places' values; every chain is alive."""
        by_chain = self.draws.transpose(0, 2, 1)
        return (
            float(bulk_ess(by_chain).min()),
            float(split_rhat(by_chain).max()),
            by_chain.shape[1],
            by_chain[..., 0].size,
        )

    def _all(self, table: np.ndarray) -> np.ndarray:
        whole = np.zeros((self.model.num_places, self.model.num_actions))
        whole[_live(self.model)] = table
        return whole


def _between(before: np.ndarray, after: np.ndarray, degree: float) -> np.ndarray:
    """Log-likelihoods on the way from one table to the other; what becomes impossible does so by degrees."""
    possible = np.isfinite(before)
    gain = np.where(possible, np.maximum(after - np.where(possible, before, 0.0), IMPOSSIBLE), 0.0)
    return before + degree * gain


def _likely_enough(gain: np.ndarray) -> bool:
    """Whether what was heard is likely enough to the draws as they are, by their mean and by how many of them count (Kish)."""
    if not np.isfinite(gain).any():
        return False
    weight = np.exp(np.minimum(gain - gain.max(), 0.0))
    enough = weight.sum() ** 2 / (weight**2).sum() >= COUNTING * gain.size
    return bool(enough and gain.max() + np.log(weight.mean()) >= np.log(COUNTING))


def _live(model: Model) -> np.ndarray:
    return np.flatnonzero(~model.terminal[: model.num_places])


def _space(prior: HasNormal, model: Model, log_weight: np.ndarray, judged: np.ndarray) -> ValueSpace:
    return value_space(model, *prior.normal(model.num_places, model.num_actions), log_weight, judged=judged)


def _both(space: ValueSpace, value: jax.Array) -> tuple[jax.Array, jax.Array]:
    found = density(space, value)
    return found.log_density, found.score


@jax.jit
def _means(space: ValueSpace, draws: jax.Array) -> Any:
    def one(value: jax.Array) -> Any:
        found = density(space, value)
        return jnp.mean(found.policy, axis=-1), jnp.mean(found.reward, axis=-1)

    return lax.map(one, draws)


@jax.jit
def _densities(space: ValueSpace, draws: jax.Array) -> jax.Array:
    return lax.map(lambda value: density(space, value).log_density, draws)


def _table(space: ValueSpace, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    policy, reward = _means(space, jnp.asarray(draws))
    return np.asarray(policy, dtype=np.float64).mean(axis=0), np.asarray(reward, dtype=np.float64).mean(axis=0)


def _log_densities(space: ValueSpace, draws: np.ndarray) -> np.ndarray:
    return np.asarray(_densities(space, jnp.asarray(draws)), dtype=np.float64)
