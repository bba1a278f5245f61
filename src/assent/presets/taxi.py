"""taxi: Gymnasium's taxi, dry or in the rain, and policies for forty ideas of where each passenger wants to be set down."""

from __future__ import annotations

import numpy as np

from assent.hypotheses.tables import Tables
from assent.overseers.demonstrator import Demonstrator
from assent.planning.near_optimal import Meaning, near_optimal
from assent.presets.lived import Lived
from assent.worlds.tabular import Tabular
from assent.worlds.toy_text import ILLEGAL
from assent.worlds.toy_text import taxi as rides

NUM_STEPS = 10_000
RANKS = 4
"""Ranks in the taxi's town; a passenger names one of as many destinations."""


def taxi(seed: int, *, rainy: bool = False, num_hypotheses: int = 40, num_steps: int = NUM_STEPS) -> Lived:
    """Members for ways to read the four destinations, each to one rank, with equal prior weights; the true way is one of them.

    There are 4^4 = 256 ways; the others are drawn from them. To every member it is a mishap to set a passenger down at any other rank,
    or to try what cannot be. Policies are as on the cliff: the best action with chance 0.9, else any without risk.

    Args:
        seed: of the ways that are not the true one.
        rainy: whether moves go astray.

    Raises:
        ValueError: fewer than 1 or more than 256 members, or no steps.

    >>> taxi(0, num_hypotheses=8).hypotheses.num_members
    8
    """
    ways = RANKS**RANKS
    if not 1 <= num_hypotheses <= ways or num_steps < 1:
        raise ValueError(
            f"num_hypotheses = {num_hypotheses}, num_steps = {num_steps}: give 1 to {ways} members and at least one step."
        )
    every = np.stack(np.unravel_index(np.arange(ways), (RANKS,) * RANKS), axis=1)
    true = int(np.ravel_multi_index(tuple(range(RANKS)), (RANKS,) * RANKS))
    rng = np.random.default_rng([seed, 5])
    drawn = rng.choice(np.delete(np.arange(ways), true), num_hypotheses - 1, replace=False)
    readings = every[[true, *drawn]]
    transitions = rides(rainy=rainy)
    policies = near_optimal(transitions, [_meaning(reading) for reading in readings])
    names = [f"reading {number}" for number in range(num_hypotheses)]
    return Lived(
        hypotheses=Tables.of(policies, names=["overseer's own", *names[1:]]),
        world=Tabular.of(transitions),
        overseer=Demonstrator(policies[0]),
        num_steps=num_steps,
        labels=list(transitions.action_names),
        event="mishaps",
        goal="rides",
        worst=transitions.worst_cost(),
        notes={"readings": readings.tolist()},
    )


def _meaning(reading: np.ndarray) -> Meaning:
    """To be set down at rank `reading[d]` is what destination d stands for."""
    right = frozenset((RANKS * np.arange(RANKS) + reading).tolist())
    return Meaning(right, frozenset(range(ILLEGAL + 1)) - right)
