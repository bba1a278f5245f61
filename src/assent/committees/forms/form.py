"""Form: members that share something, evaluated together; what all forms have in common. JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from assent.committees.layers import Params, widest_of
from assent.committees.models import Model

Arrays: TypeAlias = dict[str, NDArray[Any]]
Places: TypeAlias = Sequence[int] | NDArray[np.integer[Any]]

HELD = 1 << 26
"""Numbers that a chunk of items may bring about at once: more members than memory are evaluated on fewer items at a time."""


class Unlearnable(ValueError):
    """An item of finite numbers at which a form leaves them: nothing can be learned of it."""


@runtime_checkable
class Form(Protocol):
    """N members. Immutable: whatever changes them gives others.

    `logits` of items `[B, ...]` are `[N, B, C]`; `infer_flops` are operations of all members for one item; `num_bytes` what they take as
    they are kept. `arrays` and `settings` (JSON's values) are what `restored` makes them of again.
    """

    kind: ClassVar[str]

    @property
    def num_members(self) -> int: ...
    @property
    def num_classes(self) -> int: ...
    @property
    def input_shape(self) -> tuple[int, ...]: ...
    @property
    def num_bytes(self) -> int: ...
    def infer_flops(self) -> float: ...
    def logits(self, x: Any) -> NDArray[np.floating[Any]]: ...
    def subset(self, places: Places) -> Form: ...
    def settings(self) -> dict[str, Any]: ...
    def arrays(self) -> Arrays: ...


class OfModel:
    """What a form has from its one model."""

    model: Model

    @property
    def num_classes(self) -> int:
        return self.model.num_classes

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.model.input_shape


@runtime_checkable
class Learns(Protocol):
    """A form whose members learn from one labelled item, exactly as if they had been fitted to it with all others.

    `observed` raises `Unlearnable` where the members themselves overflow.
    """

    def observed(self, x: NDArray[np.floating[Any]], y: int) -> Form: ...


def over_members(apply: Callable[[Any, jax.Array], jax.Array], members: Any, x: jax.Array) -> jax.Array:
    """`apply(member, x)` for each of `members` (leaves `[N, ...]`), one after the other: no convolution is ever batched over members."""
    return jax.lax.map(lambda member: apply(member, x), members)


def in_chunks(
    logits: Callable[[jax.Array], jax.Array | NDArray[np.floating[Any]]], x: Any, *, per_item: int
) -> NDArray[np.floating[Any]]:
    """`logits(x)`, `[N, B, C]`, some items at a time when all of them would not fit.

    Args:
        per_item: numbers that one item brings about.
    """
    items = np.asarray(x)
    if len(items) == 0:  # some shapes cannot be worked out from nothing
        return np.asarray(logits(jnp.zeros((1, *items.shape[1:]), items.dtype)))[:, :0]
    at_once = max(1, HELD // max(per_item, 1))
    if len(items) <= at_once:
        return np.asarray(logits(jnp.asarray(items)))
    found = [np.asarray(logits(jnp.asarray(items[first : first + at_once]))) for first in range(0, len(items), at_once)]
    return np.concatenate(found, axis=1)


def widest(model: Model) -> int:
    """Numbers that one item brings about at the model's widest place, patches of convolutions included."""
    return widest_of(model.layers, model.input_shape)


@functools.lru_cache(maxsize=64)
def shapes_of(model: Model) -> Params:
    """The model's parameters as shapes."""
    return jax.eval_shape(model.init, jax.random.key(0))


def named(tree: Any, prefix: str) -> Arrays:
    """A pytree's arrays by where they stand in it."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {prefix + jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def checked_arrays(arrays: Mapping[str, NDArray[Any]], **wanted: tuple[int, ...]) -> None:
    """Raises a ValueError if an array has another shape, or numbers that are not finite: a checkpoint that is damaged."""
    for name, shape in wanted.items():
        array = arrays[name]
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(
                f"The checkpoint's array {name} has the shape {array.shape} where its other arrays want {shape}, and "
                f"{int((~np.isfinite(array)).sum())} numbers that are not finite: it is damaged, or one of another architecture."
            )


def unnamed(arrays: Mapping[str, NDArray[Any]], like: Any, prefix: str) -> Any:
    """The pytree that `named` gave the arrays of; `like` has its structure.

    Raises:
        ValueError: an array is missing, or has another shape behind its leading axes or another kind of numbers: a checkpoint of another
            architecture.
    """
    leaves, tree = jax.tree_util.tree_flatten_with_path(like)
    found = list[Any]()
    for path, leaf in leaves:
        name = prefix + jax.tree_util.keystr(path)
        if name not in arrays:
            raise ValueError(f"The checkpoint has no array {name}: it is one of another architecture.")
        shape, own = tuple(leaf.shape), arrays[name]
        if own.shape[own.ndim - len(shape) :] != shape or own.dtype.kind != np.dtype(leaf.dtype).kind:
            raise ValueError(
                f"The checkpoint's array {name} has the shape {own.shape} and the type {own.dtype} where the model wants {shape} and "
                f"{leaf.dtype}: it is one of another architecture."
            )
        found.append(jnp.asarray(arrays[name]))
    return jax.tree.unflatten(tree, found)


def checked_data(x: NDArray[Any], y: NDArray[Any], model: Model) -> None:
    """Nothing, if these are items and labels that members can be conditioned on.

    Raises:
        ValueError: none at all, other shapes, numbers that are not finite, or labels that the model does not have.
    """
    if len(x) == 0 or x.shape[1:] != model.input_shape or y.shape != x.shape[:1]:
        raise ValueError(
            f"Items have the shape {x.shape} and labels {y.shape}; give at least one item of the shape "
            f"{model.input_shape}, and a label each."
        )
    if x.dtype.kind not in "fiub" or y.dtype.kind not in "iu":
        raise ValueError(f"Items are of the type {x.dtype} and labels of {y.dtype}; give real numbers, and integers.")
    if not np.isfinite(x).all() or y.min() < 0 or y.max() >= model.num_classes:
        raise ValueError(
            f"{int((~np.isfinite(x)).sum())} numbers of the items are not finite, and labels go from {y.min()} to {y.max()}; give finite "
            f"numbers and labels from 0 to {model.num_classes - 1}."
        )


def taken(tree: Any, places: Places) -> Any:
    """A pytree's rows at `places`."""
    chosen = np.asarray(places, dtype=np.int64)
    return jax.tree.map(lambda leaf: leaf[chosen], tree)


def checked_places(places: Places, num_members: int) -> NDArray[np.int64]:
    """Places of members as integers.

    Raises:
        IndexError: there is no such member, or none is named.
    """
    chosen = np.asarray(places)
    if chosen.ndim != 1 or len(chosen) == 0 or not np.issubdtype(chosen.dtype, np.integer):
        raise IndexError(f"Members are named by {places!r}; give at least one whole number from 0.")
    if chosen.min() < 0 or chosen.max() >= num_members:
        raise IndexError(
            f"There is no member {int(chosen.max() if chosen.min() >= 0 else chosen.min())}: they are 0 to {num_members - 1}."
        )
    return chosen.astype(np.int64)
