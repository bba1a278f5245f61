"""An overseer that follows any function of what it sees: a planner, a file of labels, a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from assent.core import Array


@dataclass(frozen=True, eq=False)
class Scripted:
    """Answers `script(revealed)`: an action in [0, A), or -1 for silence.

    Attributes:
        script: a pure function; under JAX it must be traceable.

    >>> Scripted(lambda revealed: revealed % 2).answer(0.5, 7)
    1
    """

    static_fields: ClassVar[tuple[str, ...]] = ("script",)
    script: Callable[[Any], Array]

    def answer(self, uniform: Array, revealed: Any) -> Array:
        return self.script(revealed)


def _as_revealed(revealed: Any) -> Array:
    return revealed


READS_LABELS = Scripted(_as_revealed)
"""The overseer of a labelled stream: the world reveals the item's label to it, and it says so."""
