"""Contexts are whole numbers: what every class with a row for each of them asks of an observation."""

from __future__ import annotations

from typing import Any

import numpy as np


def context_of(obs: Any, num_contexts: int) -> Any:
    """`obs`, which numbers one of the `num_contexts` contexts; an array that is still being traced is let through.

    Raises:
        IndexError: it is no whole number, or outside 0 … `num_contexts` - 1 (a negative one would count from the end).

    >>> context_of(2, 3)
    2
    """
    if obs is None or isinstance(
        obs, str | float | complex | np.inexact
    ):  # None would be one more axis, without a word
        raise IndexError(f"{obs!r} is no context: contexts are whole numbers from 0 to {num_contexts - 1}.")
    if isinstance(obs, int | np.integer | np.ndarray) and not 0 <= obs < num_contexts:
        raise IndexError(f"context {obs} is not known: contexts run from 0 to {num_contexts - 1}.")
    return obs
