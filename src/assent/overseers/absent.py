"""An overseer that is not there, always or some of the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assent.core import SILENT, Array
from assent.core.arrays import namespace
from assent.core.types import Overseer


@dataclass(frozen=True, eq=False)
class Absent:
    """Silent with probability `silence`, otherwise `overseer`. Silence is never consent: the world's null action is taken.

    Attributes:
        overseer: who answers when somebody is there; needed unless `silence` is 1.
        silence: in [0, 1].

    Raises:
        ValueError: `silence` is outside [0, 1], or below 1 with nobody who could answer.

    >>> import numpy as np
    >>> int(Absent().answer(np.asarray(0.5), 0))
    -1
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    overseer: Overseer | None = None
    silence: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.silence <= 1:
            raise ValueError(f"silence = {self.silence} is outside [0, 1]: it is the chance of no answer.")
        if self.overseer is None and self.silence < 1:
            raise ValueError(
                f"silence = {self.silence} says that somebody sometimes answers: give the overseer who does."
            )

    def answer(self, uniform: Array, revealed: Any) -> Array:
        uniform = np.asarray(uniform) if isinstance(uniform, float) else uniform
        xp = namespace(uniform)
        silent = xp.full_like(xp.astype(uniform, xp.int64), SILENT)
        if self.overseer is None:
            return silent
        speaks = uniform >= self.silence
        rest = (uniform - self.silence) / xp.where(speaks, 1.0 - self.silence, 1.0)
        return xp.where(speaks, self.overseer.answer(xp.where(speaks, rest, 0.0), revealed), silent)
