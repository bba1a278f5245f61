"""What every guard does."""

from __future__ import annotations

from typing import Any

import numpy as np

from assent.checks.examples import example
from assent.checks.requiring import SLACK, name_of, require, require_traceable, require_valid, unchanged
from assent.core import Assent, Context, apply_guards

SITUATIONS: tuple[tuple[int, int, bool, bool], ...] = (
    (0, 3, True, False),
    (1, 3, True, False),
    (3, 3, True, False),
    (3, 3, False, False),
    (3, 3, True, True),
)
"""Leaders, members, whether all rows can be read, whether the run is halted."""


def check_guard(guard: Any) -> None:
    """Never more mass on any action than before, and what is taken away is asked, alone and among `apply_guards`.

    Args:
        guard: a guard, or a class of guards.

    Raises:
        AssertionError: with the sentence that says which of these fails.
    """
    guard = example(guard)
    require_traceable(guard)
    rng = np.random.default_rng(2)
    for situation in SITUATIONS:
        context = Context(*map(np.asarray, situation))
        for _ in range(10):
            before = Assent(rng.dirichlet(np.full(4, 0.5)) * rng.uniform(0.2, 1))
            with unchanged(before.probs, what=name_of(guard)):
                alone, applied = guard(before, context), apply_guards(before, (guard,), context)
            for after in (alone, applied):
                require_valid(after, name_of(guard))
                require(
                    (after.probs <= before.probs).all(),
                    f"{name_of(guard)} adds mass: {before.probs} became {after.probs}. A guard may only take mass away.",
                )
                require(float(after.ask) >= float(before.ask) - SLACK, f"{name_of(guard)} makes asking less likely.")
            require(
                np.allclose(alone.probs, applied.probs, rtol=0, atol=SLACK),
                f"{name_of(guard)} alone gives {alone.probs}, through apply_guards {applied.probs}.",
            )
        nothing = Assent(np.zeros(4))
        require(not guard(nothing, context).probs.any(), f"{name_of(guard)} lets an assent act that only asks.")
