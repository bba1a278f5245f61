"""What is known of a level with normal rewards without listing hypotheses: by quadrature, to some ten digits."""

from __future__ import annotations

import numpy as np

from assent.planning.model import Model
from assent.planning.oracles.quadrature import MOST_STATES, Posterior, posterior
from assent.planning.oracles.worlds import World, optimal_quality, rewards_in_fractions
from assent.worlds.grid.level import Level
from assent.worlds.grid.priors import Gaussian


def normal_rows(level: Level, model: Model) -> list[tuple[str, float]] | None:
    """Values at the start (costs and the end of oversight left out), and chances of being optimal; None where quadrature does not apply.

    It applies to independent normal rewards in at most three states that do not end, of which every action may be shown, if answers are
    right or wrong with a fixed chance.
    """
    live = np.flatnonzero(~model.terminal[: model.num_places])
    simple = level.process.answer in ("optimal", "eps") and model.num_states == model.num_places
    if (
        not isinstance(level.rewards, Gaussian)
        or not simple
        or len(live) > MOST_STATES
        or not model.answerable[live].all()
    ):
        return None
    eps = level.process.eps if level.process.answer == "eps" else 0.0
    start = int(np.flatnonzero(live == model.start)[0])
    before = _found(level, model, live, np.ones((len(live), model.num_actions)))
    told = 0.0
    for action in range(model.num_actions):
        weight = np.ones((len(live), model.num_actions))
        weight[start] = eps / max(model.num_actions - 1, 1)
        weight[start, action] = 1 - eps
        after = _found(level, model, live, weight)
        told += after.evidence * _blind(model, live, after.reward)
    rows = [
        ("blind value at the start", _blind(model, live, before.reward)),
        ("expected blind value after one answer about the start", told),
    ]
    for number, state in enumerate(live):
        name = model.state_names[state]
        rows.append((f"clairvoyant value at {name}", float(before.value[number])))
        rows += [
            (f"P({action} is optimal at {name})", float(chance))
            for action, chance in zip(model.action_names, before.policy[number], strict=True)
        ]
    return rows


def _found(level: Level, model: Model, live: np.ndarray, weight: np.ndarray) -> Posterior:
    prior = level.rewards
    assert isinstance(prior, Gaussian)
    transition = model.expected(np.eye(model.num_states))[live][:, :, live]
    shape = (len(live), model.num_actions)
    return posterior(transition, model.discount, np.full(shape, prior.mean), np.full(shape, prior.sd), weight)


def _blind(model: Model, live: np.ndarray, reward: np.ndarray) -> float:
    """The optimal value of a mean reward [live, A] at the start."""
    everywhere = np.zeros((model.num_places, model.num_actions, 1))
    everywhere[live, :, 0] = reward
    table = rewards_in_fractions(everywhere)
    quality = optimal_quality(World.of(model), [[cell[0] for cell in row] for row in table])
    return float(max(quality[model.start]))
