"""Taps of data with places left over, so that one datum more seldom changes a shape, and with it what is compiled. JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from assent.committees.kernels.tangents import Kernel, Taps, gram, taps
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
    """Those of the items `[n, ...]`, and of zeros in the places left over, in double precision."""
    padded = np.concatenate([x, np.zeros((room_for(len(x)) - len(x), *x.shape[1:]), x.dtype)])
    return exact_taps(model, root, padded, kernel=kernel)


def exact_taps(model: Model, root: Params, x: NDArray[np.floating[Any]], *, kernel: Kernel) -> Taps:
    """`taps` in double precision, whatever the model computes in: what is left of a datum's variance is a difference of great numbers."""
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), root)
        return taps(model, wide, jnp.asarray(x, jnp.float64), kernel=kernel)


def exact_gram(left: Taps, right: Taps, *, kernel: Kernel) -> NDArray[np.float64]:
    """`gram` of taps in double precision."""
    with jax.enable_x64(True):
        return np.asarray(gram(left, right, kernel=kernel))


def as_computed(exact: Taps, like: Params) -> Taps:
    """The taps in what a model of such parameters computes in."""
    kind = jax.tree.leaves(like)[0].dtype
    with jax.enable_x64(True):
        return jax.tree.map(lambda leaf: leaf.astype(kind), exact)


def with_row(seen: Taps, tap: Taps, place: int) -> Taps:
    """`seen` with one datum's `tap` at a place; with more places, where there was none left."""
    with jax.enable_x64(seen[0].given.dtype == jnp.float64):  # else double precision would become single
        if place >= len(seen[0].given):
            seen = jax.tree.map(
                lambda leaf: jnp.concatenate([leaf, jnp.zeros((ROOM, *leaf.shape[1:]), leaf.dtype)]), seen
            )
        return _put(seen, tap, jnp.asarray(place, jnp.int32))


@jax.jit
def _put(seen: Taps, tap: Taps, place: jax.Array) -> Taps:
    return jax.tree.map(lambda every, one: jax.lax.dynamic_update_slice_in_dim(every, one, place, axis=0), seen, tap)
