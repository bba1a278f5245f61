"""composed: m alternatives for each of L layers, and a member for each way to choose: N = m^L members for the price of m."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from assent.committees.costs import flops_of
from assent.committees.forms.form import Arrays, Places, checked_places, in_chunks, shapes_of, widest
from assent.committees.forms.masked import Masked
from assent.committees.forms.stacked import Stacked, stacked
from assent.committees.models import Model

ALTERNATIVES = {kind.kind: kind for kind in (Stacked, Masked)}


@dataclass(frozen=True, eq=False)
class Composed:
    """Members that take each layer from one of m networks.

    What is shared is computed once: members that agree in their first layers share what comes out of them, so that m^L members take
    `m + m^2 + ... + m^L` layers in place of `L m^L`.

    Attributes:
        base: the m networks, as stacked or masked members.
        choices: uint8 `[N, L]`, from which network a member takes its l-th layer with parameters.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str] = "composed"
    base: Stacked | Masked
    choices: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if isinstance(self.base, Stacked) and self.base.fixed is not None:
            raise ValueError(
                "The networks have fixed functions beside them, which no way through their layers would show; give networks without."
            )
        slots = len(slots_of(self.base.model))
        if self.choices.ndim != 2 or self.choices.shape[1] != slots or len(self.choices) == 0:
            raise ValueError(f"The choices have the shape {self.choices.shape}; give [N, {slots}], one for each layer.")
        if self.choices.min() < 0 or self.choices.max() >= self.base.num_members:
            raise ValueError(
                f"The choices go from {self.choices.min()} to {self.choices.max()}; alternatives are 0 to {self.base.num_members - 1}."
            )

    @property
    def num_members(self) -> int:
        return len(self.choices)

    @property
    def num_classes(self) -> int:
        return self.base.num_classes

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.base.input_shape

    @property
    def num_bytes(self) -> int:
        return self.base.num_bytes + self.choices.nbytes

    def infer_flops(self) -> float:
        model, shapes, slot, total = self.base.model, shapes_of(self.base.model), 0, 0.0
        shape = model.input_shape
        for layer, own in zip(model.layers, shapes, strict=True):
            slot += bool(jax.tree.leaves(own))
            ways = len(np.unique(self.choices[:, :slot], axis=0)) if slot else 1
            total += ways * flops_of(layer.apply, own, jax.ShapeDtypeStruct((1, *shape), jnp.float32))
            shape = layer.output_shape(shape)
        return total

    def logits(self, x: Any) -> NDArray[np.floating[Any]]:
        return in_chunks(self._logits, x, per_item=widest(self.base.model) * self.num_members)

    def _logits(self, x: jax.Array) -> NDArray[np.floating[Any]]:
        model, params = self.base.model, self._alternatives()
        now, slot = x[None], 0
        places = np.zeros(len(self.choices), dtype=np.int64)  # which of `now` each member has reached
        for layer, own in zip(model.layers, params, strict=True):
            if not jax.tree.leaves(own):
                now = _bare(layer, now)
                continue
            ways, after = np.unique(np.stack([places, self.choices[:, slot]], axis=1), axis=0, return_inverse=True)
            now = _chosen(layer, own, now, jnp.asarray(ways[:, 0]), jnp.asarray(ways[:, 1]))
            places, slot = after.ravel(), slot + 1
        return np.asarray(now)[places]

    def _alternatives(self) -> Any:
        if isinstance(self.base, Stacked):
            return self.base.params
        return stacked([self.base.member(place) for place in range(self.base.num_members)])

    def subset(self, places: Places) -> Composed:
        return replace(self, choices=self.choices[checked_places(places, self.num_members)])

    def settings(self) -> dict[str, Any]:
        return {"base": self.base.kind, "of": self.base.settings()}

    def arrays(self) -> Arrays:
        return self.base.arrays() | {"choices": self.choices}

    @classmethod
    def restored(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Composed:
        """What `settings` and `arrays` were taken of."""
        own = {name: array for name, array in arrays.items() if name != "choices"}
        return cls(
            ALTERNATIVES[settings["base"]].restored(settings["of"], own), np.asarray(arrays["choices"], dtype=np.uint8)
        )


def slots_of(model: Model) -> tuple[int, ...]:
    """The places of the model's layers with parameters: where there is something to choose."""
    return tuple(number for number, own in enumerate(shapes_of(model)) if jax.tree.leaves(own))


def every_way(alternatives: int, slots: int, number: int | None = None) -> NDArray[np.uint8]:
    """All `alternatives ** slots` ways to choose, or the first `number` of them, `[N, slots]`, in an order in which the first few differ
    in every layer.

    The n-th digit of the number of a way, turned by those before it, so that ways 0 to m - 1 take every layer from another network.

    >>> every_way(2, 2).tolist()
    [[0, 0], [1, 1], [0, 1], [1, 0]]
    """
    total = alternatives**slots
    rest, each = np.arange(total if number is None else min(number, total)), list[NDArray[np.int64]]()
    for _ in range(slots):
        rest, digit = np.divmod(rest, alternatives)
        each.append(digit)
    digits = np.stack(each, axis=1)
    digits[:, 1:] = (digits[:, 1:] + digits[:, :1]) % alternatives
    return digits.astype(np.uint8)


@functools.partial(jax.jit, static_argnums=0)
def _bare(layer: Any, now: jax.Array) -> jax.Array:
    return jax.lax.map(lambda given: layer.apply({}, given), now)


@functools.partial(jax.jit, static_argnums=0)
def _chosen(layer: Any, own: Any, now: jax.Array, origin: jax.Array, choice: jax.Array) -> jax.Array:
    def one(way: tuple[jax.Array, jax.Array]) -> jax.Array:
        return layer.apply(jax.tree.map(lambda leaf: leaf[way[1]], own), now[way[0]])

    return jax.lax.map(one, (origin, choice))
