"""sharded: networks trained apart on parts of the items that have no item in common."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from assent.committees.committee import Committee
from assent.committees.forms.stacked import Stacked, stacked
from assent.committees.models import Model
from assent.committees.recipes.making import committee_of, counted
from assent.committees.roots import items_and_labels, named
from assent.committees.splits import Splits
from assent.committees.training import Training, advanced, begun, plain_loss
from assent.committees.work import Work, described, keys_of


def shards_of(number: int, n: int) -> NDArray[np.int64]:
    """Places `[n, number // n]` of n shards: each goes by its number and n's multiples beyond it; what is left over is in none.

    Raises:
        ValueError: more shards than items, or none.

    >>> shards_of(7, 3).tolist()
    [[0, 3], [1, 4], [2, 5]]
    """
    if not 1 <= n <= number:
        raise ValueError(f"{number} items are to make {n} shards; give from 1 to as many as there are items.")
    return np.arange(number // n * n).reshape(-1, n).T


def sharded(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    shards: ArrayLike | None = None,
) -> Committee:
    """n networks trained apart, each on a shard of its own: an item that somebody tampered with reaches one member, and no other.

    Levine and Feizi, "Deep partition aggregation: provable defenses against general poisoning attacks", ICLR 2021, who let the members
    vote. Their shards go by a hash of each item, so that a further item moves no other; here they go by the items' order.

    Args:
        shards: places `[n, m]` of each member's items; those of `shards_of` when left out.

    Raises:
        ValueError: another number of shards than of members, places that there are not, or one that is in two shards.
    """
    names = named("shard", range(counted(n)))
    places = shards_of(len(data.train), n) if shards is None else np.asarray(shards, dtype=np.int64)
    if places.ndim != 2 or len(places) != n or places.size == 0:
        raise ValueError(f"The shards have the shape {places.shape} for {n} members; give [n, m].")
    if places.min() < 0 or places.max() >= len(data.train) or len(np.unique(places)) < places.size:
        raise ValueError(f"Some of the shards' places are none of the {len(data.train)} items', or in two shards.")
    schedule = training or Training()
    loss = plain_loss(model, schedule)
    keys = keys_of(key, range(n))

    def fit(key: jax.Array, every: jax.Array, parts: jax.Array, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        # a piece of work is told its key alone, and finds its shard by it
        mine = parts[jnp.argmax((every == jax.random.key_data(key)[None]).all(axis=1))]
        start, order = jax.random.split(key)
        x, y = x[mine], y[mine]
        state, losses = advanced(
            loss, begun(model.init(start), schedule), x, y, order, training=schedule, steps=schedule.steps
        )
        return model.calibrated(state.trained, x), losses

    pieces = (work or Work()).fitted(
        "shard",
        fit,
        keys,
        jnp.stack([jax.random.key_data(one) for one in keys]),
        jnp.asarray(places),
        *items_and_labels(model, data),
        settings=described(model, schedule),
        of=model,
        names=names,
    )
    return committee_of(Stacked(model, stacked(pieces.trees)), pieces, names)
