"""The lab: importing it lets JAX trace the runtime's plain objects (agents, rules, sets, guards, beliefs, tables, overseers).

Fields named in a class's `static_fields` are compiled in; all others are leaves, so that changing a delta does not compile again.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax

from assent.catalogue import TRACED

_registered: set[type] = set()


def register(cls: type[Any]) -> None:
    """Make the frozen dataclass `cls` a JAX pytree. Twice is once.

    Raises:
        TypeError: `cls` is no dataclass, or does not say which fields are static.
    """
    if cls in _registered:
        return
    static = getattr(cls, "static_fields", None)
    if not dataclasses.is_dataclass(cls) or static is None:
        raise TypeError(
            f"{cls.__name__} must be a dataclass with a class attribute `static_fields` to be traced by JAX."
        )
    names = [field.name for field in dataclasses.fields(cls)]
    leaves = tuple(name for name in names if name not in static)

    def flatten(item: Any) -> tuple[tuple[tuple[Any, Any], ...], tuple[Any, ...]]:
        children = tuple((jax.tree_util.GetAttrKey(name), getattr(item, name)) for name in leaves)
        return children, tuple(getattr(item, name) for name in static)

    def unflatten(fixed: tuple[Any, ...], children: Any) -> Any:
        # not through the constructor: its checks compare numbers, which tracers cannot do
        item = object.__new__(cls)
        for name, value in zip((*leaves, *static), (*children, *fixed), strict=True):
            object.__setattr__(item, name, value)
        return item

    jax.tree_util.register_pytree_with_keys(cls, flatten, unflatten)
    _registered.add(cls)


for _cls in TRACED:
    register(_cls)
