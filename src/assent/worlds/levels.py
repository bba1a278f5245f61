"""Levels as worlds to live in: the tables of a level, its overseer, and the reward that is true."""

from __future__ import annotations

import numpy as np

from assent.hypotheses.rewards.of_level import rewards_of
from assent.planning.model import Model
from assent.worlds.grid.level import Level
from assent.worlds.grid.priors import Gaussian, Mixture, Prior, SpikeSlab
from assent.worlds.grid.tabulate import atlas
from assent.worlds.hand_of_god import HandOfGod


def hand_of_god(level: Level, *, seed: int = 0, reward: np.ndarray | None = None) -> HandOfGod:
    """The world of a level.

    Args:
        seed: draws the true reward where the level does not name it.
        reward: [P, A], the true reward; the level's own when left out.

    Raises:
        ValueError: the level has no prior, and no reward is given; or its tables cannot be made.

    >>> from assent.worlds.grid.level import load
    >>> hand_of_god(load("fork")).num_actions
    5
    """
    chart = atlas(level)
    true = true_reward(level, chart.model, seed=seed) if reward is None else reward
    return HandOfGod.of(chart.model, level.process, true, asks=level.overseer.request, starts=chart.starts)


def true_reward(level: Level, model: Model, *, seed: int = 0) -> np.ndarray:
    """[P, A]: the reward of the hypothesis that the level calls true, or of one drawn from its prior.

    Raises:
        ValueError: the level has no prior.
    """
    if level.rewards is None:
        raise ValueError(f"{level.name} has no [prior]: it does not say which rewards are possible. Give a reward.")
    rng = np.random.default_rng(seed)
    if _continuous(level.rewards):
        return _drawn(level.rewards, model, rng)
    rewards = rewards_of(level, model)
    if level.truth is None:
        number = int(rng.choice(rewards.num_hypotheses, p=np.exp(rewards.log_prior)))
    else:
        number = rewards.names.index(level.truth.reward)
    return rewards.reward[:, :, number]


def _continuous(prior: Prior) -> bool:
    return any(map(_continuous, prior.parts)) if isinstance(prior, Mixture) else isinstance(prior, Gaussian | SpikeSlab)


def _drawn(prior: Prior, model: Model, rng: np.random.Generator) -> np.ndarray:
    shape = (model.num_places, model.num_actions)
    match prior:
        case Gaussian():
            reward = rng.normal(prior.mean, prior.sd, shape)
        case SpikeSlab():
            reward = np.where(rng.random(shape) < prior.q, rng.normal(prior.mean, prior.sd, shape), 0.0)
        case _:
            raise ValueError("a mixture of listed and normal rewards has no one table to draw from. Give a reward.")
    return np.where(model.terminal[: model.num_places, None], 0.0, reward)
