"""stream: items that come one at a time, each to be labelled or left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from assent.core import Array
from assent.core.arrays import namespace


@dataclass(frozen=True, eq=False)
class Stream:
    """T items in a fixed order; the state is the number of the item at hand. What is done with one item does not change the next.

    The agent sees the item; the overseer sees its label, or the item itself when the stream has no labels. Nobody may act: the
    item is left alone (`null_action` -1). After the last item the stream stays there.

    Attributes:
        items: `[T, ...]`, feature vectors or context numbers; or a tuple of such arrays, seen together.
        labels: integers `[T]` in 0 … A - 1, or None.
        num_actions: A.

    >>> import numpy as np
    >>> world = Stream.of(np.asarray([[0.5], [0.25]]), labels=np.asarray([1, 0]), num_actions=2)
    >>> int(world.reveal(world.step(None, world.init(None), -1)))
    0
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions",)
    items: Array
    labels: Array | None
    num_actions: int

    @classmethod
    def of(cls, items: Array, *, labels: Array | None = None, num_actions: int) -> Stream:
        """A stream, checked.

        Raises:
            ValueError: no items, as many labels as items not given, or a label outside 0 … A - 1 (names the item).
        """
        if items.shape[0] == 0:
            raise ValueError("the stream is empty: give at least one item.")
        if labels is not None:
            xp = namespace(labels)
            if labels.shape != items.shape[:1]:
                raise ValueError(f"{labels.shape[0]} labels for {items.shape[0]} items: give one label for each item.")
            outside = (labels < 0) | (labels >= num_actions)
            if bool(xp.any(outside)):
                first = int(xp.argmax(xp.astype(outside, xp.int32)))
                raise ValueError(f"item {first} has label {int(labels[first])}, outside 0 … {num_actions - 1}.")
        return cls(items=items, labels=labels, num_actions=num_actions)

    @property
    def num_items(self) -> int:
        """T."""
        return int(_first(self.items).shape[0])

    @property
    def null_action(self) -> int:
        return -1

    def init(self, key: Any) -> Any:
        return namespace(_first(self.items)).asarray(0)

    def observe(self, state: Any) -> Any:
        return tuple(part[state] for part in self.items) if isinstance(self.items, tuple) else self.items[state]

    def reveal(self, state: Any) -> Any:
        return self.observe(state) if self.labels is None else self.labels[state]

    def step(self, key: Any, state: Any, action: Array) -> Any:
        xp = namespace(_first(self.items))
        return xp.where(xp.asarray(state) < self.num_items - 1, state + 1, state)


def _first(items: Array | tuple[Array, ...]) -> Array:
    return items[0] if isinstance(items, tuple) else items
