"""What every simulated overseer does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from assent.checks.examples import example
from assent.checks.requiring import name_of, require, require_traceable
from assent.core import SILENT


def check_overseer(overseer: Any, *, revealed: Sequence[Any] = (0, 1, 2), num_actions: int = 3) -> None:
    """Answers that are actions or silence, and that depend on the uniform number and on what is revealed, on nothing else.

    Args:
        overseer: an overseer, or a class of them.
        revealed: what the world may reveal to it.
        num_actions: A.

    Raises:
        AssertionError: with the sentence that says which of these fails.
    """
    overseer = example(overseer)
    require_traceable(overseer)
    for seen in revealed:
        for uniform in np.linspace(0, 1, 101)[:-1]:
            first, again = (np.asarray(overseer.answer(np.asarray(uniform), seen)) for _ in range(2))
            require(
                first.shape == () and first.dtype.kind in "iu",
                f"{name_of(overseer)} answers {first!r}; expected one integer.",
            )
            require(
                SILENT <= int(first) < num_actions,
                f"{name_of(overseer)} answers {int(first)} to {seen!r}: neither an action of {num_actions} nor silence.",
            )
            require(
                int(first) == int(again),
                f"{name_of(overseer)} gives two answers to one number: its randomness must come from the number it is given.",
            )
