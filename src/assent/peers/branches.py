"""Branches on arrays that work while JAX traces and without JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def when(predicate: Any, function: Callable[[T], T], value: T) -> T:
    """`function(value)` where the scalar `predicate` holds, else `value`, which has the same shapes.

    While JAX traces, both are traced and one is run; under `vmap` only if the predicate is the same for all lives.

    >>> when(np.asarray(True), lambda number: number + 1, np.asarray(1)), when(False, lambda number: number + 1, 1)
    (np.int64(2), 1)
    """
    if isinstance(predicate, bool | np.bool_ | np.ndarray):
        return function(value) if predicate else value
    import jax

    return jax.lax.cond(predicate, function, lambda same: same, value)


def either(condition: Any, one: Any, other: Any) -> Any:
    """`one` where the scalar `condition` holds, else `other`: trees of arrays of the same shapes.

    >>> either(np.asarray(False), (np.asarray(1),), (np.asarray(2),))
    (array(2),)
    """
    if isinstance(condition, bool | np.bool_ | np.ndarray):
        return one if condition else other
    import jax

    return jax.tree.map(lambda first, second: jax.numpy.where(condition, first, second), one, other)
