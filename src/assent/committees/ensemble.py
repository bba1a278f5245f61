"""Members of a committee as the runtime's `Ensemble`, for items in their own units: what `wrap` takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from assent.committees.committee import Committee
from assent.committees.forms.form import Form
from assent.core import Answer, Array


@dataclass(frozen=True, eq=False)
class CommitteeEnsemble:
    """A committee that sees `(observation - shift) / scale`.

    Members that learn do so from every answer. An observation that is not finite gives rows of NaN and teaches nothing.

    Attributes:
        committee: the members. Their weights are not used: whoever wraps them says what is believed at first.
        shift, scale: what was taken off the items that the members learned from, and what those were divided by.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("committee", "shift", "scale")
    committee: Committee
    shift: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.shift) and np.isfinite(self.scale) and self.scale != 0):
            raise ValueError(
                f"shift = {self.shift}, scale = {self.scale}: give finite numbers, and a scale that is not 0."
            )

    @property
    def num_members(self) -> int:
        return self.committee.num_members

    def init(self) -> tuple[Form, ...]:
        return self.committee.parts

    def predict(self, memory: tuple[Form, ...], obs: Any) -> NDArray[np.float64]:
        """Probabilities `[H, A]`."""
        item = self._item(obs)
        if not np.isfinite(item).all():
            return np.full((self.num_members, self.committee.num_actions), np.nan)
        return np.exp(self.committee.log_probs_as(memory, item[None])[:, 0])

    def update(self, memory: tuple[Form, ...], obs: Any, action: Array) -> tuple[Form, ...]:
        """The memory after an answer."""
        return self.committee.learn(memory, self._item(obs), Answer(action))

    def _item(self, obs: Any) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):  # what single precision cannot hold is infinite, and no observation
            return np.asarray((np.asarray(obs, dtype=np.float64) - self.shift) / self.scale, dtype=np.float32)
