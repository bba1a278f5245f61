"""Levels as worlds to live in: the tables of a level, its overseer, and the reward that is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assent.hypotheses.rewards.of_level import rewards_of
from assent.planning.model import Model
from assent.planning.problem import Problem
from assent.worlds.grid.level import Level, Truth
from assent.worlds.grid.priors import Gaussian, Mixture, Prior, SpikeSlab, hypothesis_names
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
    return HandOfGod.of(
        chart.model,
        level.process,
        true,
        asks=level.overseer.request,
        starts=chart.starts,
        ranking=teaching(level, chart.model) if level.process.shown == "pedagogic" else None,
    )


def teaching(level: Level, model: Model) -> np.ndarray | None:
    """[P]: what one correction about each place is expected to tell about the level's hypotheses before any other has come, in nats.

    That is the mutual information of answer and hypothesis under the prior (Cover and Thomas, Elements of Information Theory, 2006,
    equation 2.28). None where the level has no list of hypotheses: then nothing ranks its places.

    >>> from assent.worlds.grid.level import load
    >>> from assent.worlds.grid.tabulate import tabulate
    >>> fork = load("fork")  # left or right with .8 and .2, answers wrong with .1: the same in x, A and y, which lie between
    >>> model = tabulate(fork)
    >>> dict(zip(model.state_names, teaching(fork, model).round(3).tolist()))["A"]
    0.248
    """
    if level.rewards is None or _continuous(level.rewards):
        return None
    rewards = rewards_of(level, model)
    prior, likelihood = np.exp(rewards.log_prior), Problem(model, level.process, rewards.reward).likelihood
    told = _entropy(likelihood @ prior) - _entropy(np.moveaxis(likelihood, 2, 1)) @ prior
    return np.round(told, 12)  # rounding would tell places apart that teach the same


def _entropy(chance: np.ndarray) -> np.ndarray:
    """In nats, over the last axis."""
    return -np.where(chance > 0, chance * np.log(np.where(chance > 0, chance, 1.0)), 0.0).sum(axis=-1)


def true_reward(level: Level, model: Model, *, seed: int = 0) -> np.ndarray:
    """[P, A]: the reward of the hypothesis that the level calls true, or of one drawn from its prior.

    Raises:
        ValueError: the level has no prior.
    """
    if level.rewards is None:
        raise ValueError(f"{level.name} has no [prior]: it does not say which rewards are possible. Give a reward.")
    rng = np.random.default_rng(seed)
    prior = level.rewards
    if isinstance(prior, Gaussian | SpikeSlab):
        return _drawn(prior, model, rng)
    if isinstance(prior, Mixture) and _continuous(prior):
        part, truth = _part(level, prior, rng)
        nothing = np.zeros((model.num_places, model.num_actions))
        return nothing if part is None else true_reward(replace(level, rewards=part, truth=truth), model, seed=seed + 1)
    return _enumerated(level, model, rng)


def _enumerated(level: Level, model: Model, rng: np.random.Generator) -> np.ndarray:
    rewards = rewards_of(level, model)
    if level.truth is None:
        number = int(rng.choice(rewards.num_hypotheses, p=np.exp(rewards.log_prior)))
    else:
        number = rewards.names.index(level.truth.reward)
    return rewards.reward[:, :, number]


def _part(level: Level, prior: Mixture, rng: np.random.Generator) -> tuple[Prior | None, Truth | None]:
    """The part that the truth is of, and its name there; a part drawn by its weight, without a name; or None: nothing is rewarded."""
    if level.truth is not None:
        for number, part in enumerate(prior.parts):
            front = f"{number + 1}: " if len(prior.parts) > 1 else ""
            name = level.truth.reward.removeprefix(front)
            if level.truth.reward.startswith(front) and name in hypothesis_names(part, level.scene()):
                return part, Truth(name)
        return None, None
    weights = np.asarray(prior.weights or (1.0,) * len(prior.parts))
    chances = [*((1 - prior.none_of_these) * weights / weights.sum()), prior.none_of_these]
    return (*prior.parts, None)[rng.choice(len(chances), p=chances)], None


def _continuous(prior: Prior) -> bool:
    return any(map(_continuous, prior.parts)) if isinstance(prior, Mixture) else isinstance(prior, Gaussian | SpikeSlab)


def _drawn(prior: Gaussian | SpikeSlab, model: Model, rng: np.random.Generator) -> np.ndarray:
    shape = (model.num_places, model.num_actions)
    there = rng.random(shape) < prior.q if isinstance(prior, SpikeSlab) else True
    reward = np.where(there, rng.normal(prior.mean, prior.sd, shape), 0.0)
    return np.where(model.terminal[: model.num_places, None], 0.0, reward)
