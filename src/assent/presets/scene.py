"""What a preset hands over: everything a run needs besides the agent's settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.core import Array, Hypotheses, Overseer


@dataclass(frozen=True, eq=False)
class Scene:
    """A world, members that could be its overseer's model, and an overseer.

    Attributes:
        hypotheses: the committee, a treacherous member planted in it.
        world: what is acted in.
        overseer: who knows.
        num_steps: decisions in the whole run.
        trap: boolean `[T]`, rounds in which the betrayal counts: those in which the planted member betrays, or all, where the overseer
            never does it.
        betrayal: the action it then takes.
        truth: integers `[T]`, the right action, or None where several are.
        labels: what the actions are called.
        picture: how the report draws an observation.
        null_action: what is done when nobody answers.
    """

    hypotheses: Hypotheses
    world: Any
    overseer: Overseer
    num_steps: int
    trap: NDArray[np.bool_]
    betrayal: int
    truth: NDArray[np.int64] | None
    labels: list[str]
    picture: dict[str, Any] | None = None
    null_action: int = -1
    notes: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())

    def disasters(self, asked: Array, action: Array) -> NDArray[np.bool_]:
        """Rounds `[..., T]` in which the betrayal was carried out alone."""
        return ~np.asarray(asked) & (np.asarray(action) == self.betrayal) & self.trap

    def errors(self, asked: Array, action: Array) -> NDArray[np.bool_]:
        """Rounds `[..., T]` acted alone in a way that the overseer never would: a wrong label, or the betrayal."""
        if self.truth is None:
            return self.disasters(asked, action)
        return ~np.asarray(asked) & (np.asarray(action) != self.truth)
