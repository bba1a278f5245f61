"""The reward hypotheses that a level's prior asks for, as one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from assent.hypotheses.rewards.enumerated import Rewards
from assent.planning.model import Model
from assent.worlds.grid.level import Level
from assent.worlds.grid.priors import (
    NONE_OF_THESE,
    Doors,
    Gaussian,
    Goals,
    Linear,
    Listed,
    ListedReward,
    Mixture,
    Prior,
    SpikeSlab,
    hypothesis_names,
    num_hypotheses,
)
from assent.worlds.grid.tabulate import entering, inside

__all__ = ["MAX_NUMBERS", "NONE_OF_THESE", "NotEnumerable", "rewards_of"]

MAX_NUMBERS = 100_000_000
"""Entries of a table of rewards beyond which none is made: 0.8 GB, and as much again while it is."""

_Column = tuple[float, np.ndarray]
"""The weight of a hypothesis and its reward [P, A]."""


class NotEnumerable(ValueError):
    """The prior is over real numbers: it has no list of hypotheses. Draw some, or use `RewardBelief`."""


def rewards_of(level: Level, model: Model, *, draws: int = 0, seed: int = 0) -> Rewards:
    """The reward hypotheses of a level: all of them where its prior is finite, else as many draws as are asked for.

    Args:
        draws: equally likely rewards drawn from a prior over real numbers; 0 refuses such a prior. Draws stand for it while enough of them
            are left: of 10,000 some 30 survive five corrections (docs/reward-posterior.md).
        seed: of the draws.

    >>> from assent.worlds.grid.level import load
    >>> from assent.worlds.grid.tabulate import tabulate
    >>> fork = load("fork")
    >>> rewards_of(fork, tabulate(fork)).names
    ('left', 'right')

    Raises:
        NotEnumerable: the prior is over real numbers, and no draws are asked for.
        ValueError: the level has no prior, or its table would have more than `MAX_NUMBERS` entries.
    """
    if level.rewards is None:
        raise ValueError(f"{level.name} has no [prior]: it does not say which rewards are possible.")
    drawn = level.rewards if draws > 0 and isinstance(level.rewards, Gaussian | SpikeSlab) else None
    count = draws if drawn else num_hypotheses(level.rewards, level.scene())
    if count is not None and count * model.num_places * model.num_actions > MAX_NUMBERS:
        raise ValueError(
            f"{level.name}: {count:,} rewards of {model.num_places:,} places and {model.num_actions} actions are more than "
            f"{MAX_NUMBERS:,} numbers. Give a smaller map, or fewer {'draws' if drawn else 'candidates'}."
        )
    if drawn is not None:
        reward = _drawn(drawn, model, draws, np.random.default_rng(seed))
        return Rewards.of([f"draw {number + 1}" for number in range(draws)], np.ones(draws), reward)
    columns = list(_Columns(level, model).of(level.rewards))
    reward = np.stack([reward for _, reward in columns], axis=2)
    return Rewards.of(list(hypothesis_names(level.rewards, level.scene())), [weight for weight, _ in columns], reward)


def _drawn(prior: Gaussian | SpikeSlab, model: Model, draws: int, rng: np.random.Generator) -> np.ndarray:
    """[P, A, N]: independent rewards of each place and action; 0 in terminal places."""
    shape = (model.num_places, model.num_actions, draws)
    reward = rng.normal(prior.mean, prior.sd, shape)
    if isinstance(prior, SpikeSlab):
        reward = np.where(rng.random(shape) < prior.q, reward, 0.0)
    return np.where(model.terminal[: model.num_places, None, None], 0.0, reward)


@dataclass(frozen=True)
class _Columns:
    """The hypotheses one by one, each with its weight, in the order of `hypothesis_names`."""

    level: Level
    model: Model

    def of(self, prior: Prior) -> Iterator[_Column]:
        match prior:
            case Listed():
                yield from ((one.weight, self._listed(one)) for one in prior.reward)
            case Goals():
                yield from self._goals(prior)
            case Doors():
                yield from self._doors(prior)
            case Linear():
                yield from self._linear(prior)
            case Mixture():
                yield from self._mixture(prior)
            case _:
                raise NotEnumerable(
                    f"{self.level.name}: a prior of kind {prior.word} has no list of hypotheses. Use RewardBelief, which samples it."
                )

    def _listed(self, one: ListedReward) -> np.ndarray:
        reward = self._steps(one.step)
        for name, gain in one.enter.items():
            reward += gain * self._entering(name)
        for action, gain in one.act.items():
            reward[:, self._action(action)] += gain
        for at in one.at:
            reward[inside(self.level, self.model, at.place), self._action(at.action)] += at.reward
        return self._settled(reward)

    def _goals(self, prior: Goals) -> Iterator[_Column]:
        candidates = self.level.scene().floor if prior.candidates == "floor" else tuple(prior.candidates)
        chosen = list(combinations(candidates, prior.k))
        entered = {name: self._entering(name) for name in candidates}
        weights = prior.weights or (1.0,) * len(chosen)
        for goals, weight in zip(chosen, weights, strict=True):
            reward = self._steps(prior.step) + prior.reward * sum(entered[goal] for goal in goals)
            yield weight, self._settled(reward)

    def _doors(self, prior: Doors) -> Iterator[_Column]:
        doors = self.level.answers
        for door, weight in zip(doors, prior.weights or (1.0,) * len(doors), strict=True):
            reward = self._steps(0.0)
            reward[:, self._action(door)] = 1.0
            yield weight, self._settled(reward)

    def _linear(self, prior: Linear) -> Iterator[_Column]:
        entered = [self._entering(name) for name in prior.features]
        for values in product(prior.grid, repeat=len(prior.features)):
            reward = self._steps(0.0) + sum(value * feature for value, feature in zip(values, entered, strict=True))
            yield 1.0, self._settled(reward)

    def _mixture(self, prior: Mixture) -> Iterator[_Column]:
        shares = prior.weights or (1.0,) * len(prior.parts)
        for part, share in zip(prior.parts, shares, strict=True):
            columns = list(self.of(part))
            total = sum(weight for weight, _ in columns)
            for weight, reward in columns:
                yield (1 - prior.none_of_these) * share / sum(shares) * weight / total, reward
        if prior.none_of_these > 0:
            yield prior.none_of_these, self._steps(0.0)

    def _steps(self, gain: float) -> np.ndarray:
        return np.full((self.model.num_places, self.model.num_actions), float(gain))

    def _settled(self, reward: np.ndarray) -> np.ndarray:
        return np.where(self.model.terminal[: self.model.num_places, None], 0.0, reward)

    def _entering(self, name: str) -> np.ndarray:
        return entering(self.level, self.model, name)

    def _action(self, name: str) -> int:
        return self.model.action_names.index(name)
