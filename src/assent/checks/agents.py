"""What every agent does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from assent.checks.examples import example
from assent.checks.requiring import SLACK, name_of, require, require_asks, require_traceable, require_valid
from assent.core import SILENT, Answer


def check_agent(agent: Any, *, observations: Sequence[Any] = (0, 1, 2)) -> None:
    """Valid assents, weights that move at answers and at nothing else, and asking for ever once all members are dead.

    Args:
        agent: an agent, or a class of them.
        observations: what it may see.

    Raises:
        AssertionError: with the sentence that says which of these fails.
    """
    agent = example(agent)
    require_traceable(agent)
    name, belief = name_of(agent), agent.init()
    for obs in observations:
        before = np.asarray(belief.log_weight).copy()
        assent = agent.propose(belief, obs)
        require_valid(assent, name)
        _check_only_answers_teach(agent, belief, obs)
        for action in range(assent.num_actions):
            done = agent.remember(belief, obs, action)
            same = np.array_equal(np.asarray(done.log_weight), before)
            require(same, f"{name} moves its weights when it remembers what was done: only an answer may.")
            taught = np.asarray(agent.learn(belief, obs, Answer(action)).log_weight)
            total = np.exp(taught).sum()
            require(
                not np.isnan(taught).any() and (total == 0 or abs(total - 1) <= SLACK),
                f"{name} has weights that sum to {total} after an answer.",
            )
        require(np.array_equal(np.asarray(belief.log_weight), before), f"{name} changes a belief that it was given.")
        belief = agent.learn(belief, obs, Answer(0))
        dead = replace(belief, log_weight=np.full_like(before, -np.inf))
        require_asks(agent.propose(dead, obs), f"{name} with every member dead")


def _check_only_answers_teach(agent: Any, belief: Any, obs: Any) -> None:
    for refused, wanted in ((0, TypeError), (np.asarray(0), TypeError), (Answer(SILENT), ValueError)):
        try:
            agent.learn(belief, obs, refused)
        except wanted:
            continue
        raise AssertionError(
            f"{name_of(agent)} learns from {refused!r}: only an overseer's answer teaches, and silence is none."
        )
