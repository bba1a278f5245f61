"""What classes ask of an observation: to be the number of a context, or so many numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from assent.core import Array
from assent.core.arrays import namespace


def context_of(obs: Any, num_contexts: int) -> Any:
    """`obs`, which numbers one of the `num_contexts` contexts; an array that is still being traced is let through.

    Raises:
        IndexError: it is no whole number, or outside 0 … `num_contexts` - 1 (a negative one would count from the end).

    >>> context_of(2, 3)
    2
    """
    number = isinstance(obs, int | np.integer)
    array = isinstance(obs, np.ndarray)
    unfit = isinstance(obs, np.generic) or getattr(obs, "shape", None) != () or (array and obs.dtype.kind not in "iu")
    if (unfit and not number) or isinstance(obs, bool):
        raise IndexError(f"{obs!r} is no context: contexts are whole numbers from 0 to {num_contexts - 1}.")
    if (number or array) and not 0 <= obs < num_contexts:
        raise IndexError(f"context {obs} is not known: contexts run from 0 to {num_contexts - 1}.")
    return obs


def vector_of(obs: Any, size: int, *, like: Array) -> Array:
    """`obs` as an array `[size]` of `like`'s library and dtype; NaN and infinities are let through.

    Raises:
        ValueError: it is not so many numbers; a shorter one would otherwise be stretched, without a word.

    >>> vector_of([1, 2], 2, like=np.zeros(1))
    array([1., 2.])
    """
    item = namespace(like).asarray(obs, dtype=like.dtype)
    if tuple(item.shape) != (size,):
        raise ValueError(
            f"an observation of shape {tuple(item.shape)} cannot be read: give {size} numbers, shape ({size},)."
        )
    return item
