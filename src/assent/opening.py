"""The first event of a run: all that somebody needs who reads it later, or goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, SupportsIndex

import assent
from assent.agents.considering import Considering
from assent.environment import environment
from assent.ledger.events import whole


def opening(
    agent: Considering,
    *,
    seed: SupportsIndex,
    settings: Mapping[str, Any],
    view: Mapping[str, Any],
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """The body of the `open` event.

    Args:
        settings: null_action, learn_from_corrections, checkpoint_every.
        view: labels (None for the actions' numbers) and picture.
        config: the caller's own.

    Raises:
        EventRefused, TypeError: a setting of another type.
        ValueError: as many labels as actions not given, a null action that is none, `checkpoint_every` below 1, a seed outside of
            [0, 2^53), or a key "session" in `config`.
    """
    num_actions = agent.hypotheses.num_actions
    seed = whole("seed", seed)
    null_action, every = (whole(name, settings[name]) for name in ("null_action", "checkpoint_every"))
    if not isinstance(settings["learn_from_corrections"], bool):
        raise TypeError(f"learn_from_corrections = {settings['learn_from_corrections']!r}: give True or False.")
    if not 0 <= seed < 2**53:
        raise ValueError(f"seed = {seed}: seeds run from 0 to 2^53 - 1, the whole numbers that JSON holds exactly.")
    if "session" in config:
        raise ValueError('config has the key "session", which is where the session keeps its own settings; rename it.')
    labels = [str(action) for action in range(num_actions)] if view["labels"] is None else view["labels"]
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise TypeError(f"labels = {labels!r}: give a list of texts, one for each action.")
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
        "config": {**config, "session": {**settings, "null_action": null_action, "checkpoint_every": every}},
        "environment": environment(),
        "view": {"labels": list(labels), "picture": view["picture"]},
    }
