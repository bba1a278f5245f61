"""Compiled trainings, kept for the next call with the same settings, and let go of before there are too many. JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from assent.committees.costs import Counted
from assent.committees.identity import computing

MOST = 16
"""Programs that a process keeps. Each takes some hundreds of the memory mappings that a system gives a process."""

_PROGRAMS: dict[Any, Counted] = {}
"""By what `program` tells them apart, those used last at the end."""


def program(fit: Callable[..., tuple[Any, jax.Array]], model: Any, settings: str, args: tuple[Any, ...]) -> Counted:
    """`fit`, or what was compiled in its place before, told apart by everything that it depends on.

    That is its code, the model with its layers' classes, all settings, the shapes of its arguments, and how JAX computes. A function that
    has more than its code (a method, one with defaults), or a model that is no key of a dictionary, is compiled anew.
    """
    code = getattr(fit, "__code__", None)
    bound = any(getattr(fit, name, None) for name in ("__self__", "__defaults__", "__kwdefaults__"))
    if code is None or bound or not _hashable(model):
        return Counted(fit)
    shapes = tuple((jnp.shape(leaf), str(jnp.result_type(leaf))) for leaf in jax.tree.leaves(args))
    name = (code, model, settings, jax.tree.structure(args), shapes, computing())
    counted = _PROGRAMS.pop(name, None) or Counted(fit)
    _PROGRAMS[name] = counted
    while len(_PROGRAMS) > MOST:
        del _PROGRAMS[next(iter(_PROGRAMS))]
    return counted


def forget() -> None:
    """Let go of all programs, and of the memory that they take."""
    _PROGRAMS.clear()


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return value is not None
