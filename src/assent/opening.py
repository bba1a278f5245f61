"""The first event of a run: all that somebody needs who reads it later, or goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import assent
from assent.agents.imitator import Imitator
from assent.environment import environment


def opening(
    agent: Imitator, *, seed: int, settings: Mapping[str, Any], view: Mapping[str, Any], config: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of the `open` event.

    Args:
        settings: null_action, learn_from_corrections, checkpoint_every.
        view: labels (None for the actions' numbers) and picture.
        config: the caller's own.

    Raises:
        ValueError: as many labels as actions not given, a null action that is none, or `checkpoint_every` below 1.
    """
    num_actions, null_action, every = (
        agent.hypotheses.num_actions,
        settings["null_action"],
        settings["checkpoint_every"],
    )
    labels = [str(action) for action in range(num_actions)] if view["labels"] is None else view["labels"]
    if len(labels) != num_actions or not -1 <= null_action < num_actions or every < 1:
        raise ValueError(
            f"{len(labels)} labels, null_action = {null_action}, checkpoint_every = {every} for {num_actions} actions: give one label "
            f"for each action, a null action from -1 (nothing) to {num_actions - 1}, and 1 or more answers a checkpoint."
        )
    return {
        "format": 1,
        "version": assent.__version__,
        "seed": seed,
        "agent": agent.describe(),
        "config": {**config, "session": dict(settings)},
        "environment": environment(),
        "view": {"labels": list(labels), "picture": view["picture"]},
    }
