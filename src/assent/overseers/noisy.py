"""An overseer that errs: with a fixed chance its answer is replaced by a uniformly random action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assent.core import Array
from assent.core.arrays import namespace
from assent.core.types import Overseer


@dataclass(frozen=True, eq=False)
class Noisy:
    """`overseer`, but with probability `error` an action drawn uniformly from all A (which may be the right one).

    Attributes:
        overseer: who would answer.
        error: in [0, 1].
        num_actions: A.

    Raises:
        ValueError: `error` is outside [0, 1].

    >>> import numpy as np
    >>> from assent.overseers.demonstrator import Demonstrator
    >>> careless = Noisy(Demonstrator(np.asarray([[1.0, 0.0]])), error=0.5, num_actions=2)
    >>> int(careless.answer(np.asarray(0.3), 0)), int(careless.answer(np.asarray(0.6), 0))
    (1, 0)
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions",)
    overseer: Overseer
    error: float
    num_actions: int

    def __post_init__(self) -> None:
        if not 0 <= self.error <= 1:
            raise ValueError(f"error = {self.error} is outside [0, 1]: it is the chance of a random answer.")

    def answer(self, uniform: Array, revealed: Any) -> Array:
        # one number serves three draws: what it says beyond "errs or not" is uniform again on either side
        uniform = np.asarray(uniform) if isinstance(uniform, float) else uniform
        xp = namespace(uniform)
        errs = uniform < self.error
        within = uniform / xp.where(errs, self.error, 1.0)
        random_action = xp.astype(xp.floor(within * self.num_actions), xp.int64)
        rest = (uniform - self.error) / xp.where(errs, 1.0, 1.0 - self.error)
        honest = self.overseer.answer(xp.where(errs, 0.0, rest), revealed)
        return xp.where(errs, random_action, honest)
