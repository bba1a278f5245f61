"""Gridded: the belief over normal rewards in worlds of up to three live places, by quadrature."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assent.hypotheses.rewards.priors import HasNormal
from assent.hypotheses.rewards.saying import log_judging, log_saying
from assent.planning.model import Model
from assent.planning.oracles.quadrature import POINTS, RESOLVED, Posterior, posterior, prior_mass
from assent.planning.process import Process
from assent.planning.value_space import place_transitions


@dataclass(frozen=True, eq=False)
class Gridded:
    """What has been said, and what follows from it.

    Attributes:
        prior, model, process: as in the belief.
        log_weight: [P, A], log-likelihood of all that was heard of a place, given its best action.
    """

    prior: HasNormal
    model: Model
    process: Process
    log_weight: np.ndarray

    @classmethod
    def begin(cls, prior: HasNormal, model: Model, process: Process) -> Gridded:
        return cls(prior, model, process, np.zeros((model.num_places, model.num_actions)))

    def hear(self, place: int, action: int) -> Gridded | None:
        """After one answer, or None if no best action explains all that was heard of this place."""
        return self._weighed(place, log_saying(self.process, self.model, place, action))

    def judge(self, place: int, action: int, right: float, wrong: float) -> Gridded | None:
        """After something of log-likelihood `right` where the action is optimal, else `wrong`; None as in `hear`."""
        return self._weighed(place, log_judging(self.model, action, right, wrong))

    def _weighed(self, place: int, log_likelihood: np.ndarray) -> Gridded | None:
        log_weight = self.log_weight.copy()
        log_weight[place] += log_likelihood
        if not np.isfinite(log_weight[place]).any():
            return None
        return Gridded(self.prior, self.model, self.process, log_weight)

    @cached_property
    def found(self) -> Posterior:
        """The posterior of the live places; the evidence is that of likelihoods beside each place's greatest."""
        weight = np.exp(self.log_weight[self._live] - self._greatest[:, None])
        return posterior(*_on_grid(self.prior, self.model), weight)

    @property
    def log_evidence(self) -> float:
        return float(np.log(self.found.evidence) + self._greatest.sum())

    @property
    def policy(self) -> np.ndarray:
        return self._all(self.found.policy)

    @property
    def reward(self) -> np.ndarray:
        return self._all(self.found.reward)

    def quality_of_draws(self) -> tuple[float, float, int, int]:
        points = POINTS[len(self._live)] ** len(self._live)
        return float("inf"), float("nan"), points, points

    @property
    def _greatest(self) -> np.ndarray:
        """[S]: after thousands of answers all likelihoods are below what a float can hold, and their ratios are not."""
        return self.log_weight[self._live].max(axis=1)

    @property
    def _live(self) -> np.ndarray:
        return _live(self.model)

    def _all(self, table: np.ndarray) -> np.ndarray:
        whole = np.zeros((self.model.num_places, self.model.num_actions))
        whole[self._live] = table
        return whole


def unresolved(prior: HasNormal, model: Model) -> str | None:
    """Why the grid would be wrong for this prior in this world, or None."""
    mass = prior_mass(*_on_grid(prior, model))
    if abs(mass - 1) <= RESOLVED:
        return None
    return f"the grid does not resolve this prior (its mass there is {mass:.6g}, not 1). Use 'collapsed'."


def _on_grid(prior: HasNormal, model: Model) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    """Transition, discount, mean and sd of the live places."""
    live = _live(model)
    mean, sd = prior.normal(model.num_places, model.num_actions)
    return place_transitions(model)[live][:, :, live], model.discount, mean[live], sd[live]


def _live(model: Model) -> np.ndarray:
    return np.flatnonzero(~model.terminal[: model.num_places])
