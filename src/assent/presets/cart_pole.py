"""cart pole: a pole to be held, and forty controllers that its expert could be."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from assent.hypotheses.tables import Tables
from assent.overseers.scripted import Scripted
from assent.presets.lived import Lived
from assent.worlds.cart_pole import BINS, GAINS, CartPole, box, centres, expert

NUM_STEPS = 10_000
SPREAD = 4.0
"""The other controllers' gains lie between a fourth of the expert's and four times as much, uniformly in their logarithm."""


def cart_pole(seed: int, *, num_hypotheses: int = 40, num_steps: int = NUM_STEPS) -> Lived:
    """Members that push by the sign of a weighted sum of the features, taken in the middle of a box, with equal prior weights.

    The expert's own gains are those of one member; the others' are drawn, angle's left as it is, since only ratios count. All are
    deterministic. Not all of them hold a pole.

    Args:
        seed: of the gains that are not the expert's.

    Raises:
        ValueError: no members, or no steps.

    >>> cart_pole(0).hypotheses.num_contexts
    960
    """
    if num_hypotheses < 1 or num_steps < 1:
        raise ValueError(
            f"num_hypotheses = {num_hypotheses}, num_steps = {num_steps}: give at least one member and one step."
        )
    rng = np.random.default_rng([seed, 9])
    factor = SPREAD ** rng.uniform(-1, 1, size=(num_hypotheses, 4))
    factor[0], factor[:, 2] = 1.0, 1.0
    right = centres() @ (factor * GAINS).T > 0
    policies = np.stack([~right, right], axis=2).astype(np.float64)
    return Lived(
        hypotheses=Tables.of(
            np.moveaxis(policies, 1, 0),
            names=["overseer's own", *(f"controller {number}" for number in range(1, num_hypotheses))],
        ),
        world=CartPole(),
        overseer=Scripted(coarse_expert),
        num_steps=num_steps,
        labels=["left", "right"],
        event="falls",
        goal="poles held",
        notes={"gains": (factor * GAINS).tolist()},
    )


def coarse_expert(features: Any) -> Any:
    """What the expert does in the middle of the box that `features` lie in."""
    return expert(jnp.asarray(centres(BINS))[box(jnp.asarray(features), BINS)])
