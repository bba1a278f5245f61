"""Taps of data with places left over, so that one datum more seldom changes a shape, and with it what is compiled. JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from assent.committees.kernels.tangents import Kernel, Taps, taps
from assent.committees.layers import Params
from assent.committees.models import Model

ROOM = 256
"""Arrays of data have places in multiples of this."""


def room_for(number: int) -> int:
    """Places for so many data: kernels are computed over all of them.

    >>> room_for(1), room_for(256), room_for(1_000)
    (256, 256, 1024)
    """
    return -(-number // ROOM) * ROOM


def taps_with_room(model: Model, root: Params, x: NDArray[np.floating[Any]], *, kernel: Kernel) -> Taps:
    """Those of the items `[n, ...]`, and of zeros in the places left over."""
    padded = np.concatenate([x, np.zeros((room_for(len(x)) - len(x), *x.shape[1:]), x.dtype)])
    return taps(model, root, jnp.asarray(padded), kernel=kernel)


def with_row(seen: Taps, tap: Taps, place: int) -> Taps:
    """`seen` with one datum's `tap` at a place; with more places, where there was none left."""
    if place >= len(seen[0].given):
        seen = jax.tree.map(lambda leaf: jnp.concatenate([leaf, jnp.zeros((ROOM, *leaf.shape[1:]), leaf.dtype)]), seen)
    return _put(seen, tap, place)


@jax.jit
def _put(seen: Taps, tap: Taps, place: int | jax.Array) -> Taps:
    return jax.tree.map(lambda every, one: jax.lax.dynamic_update_slice_in_dim(every, one, place, axis=0), seen, tap)
