"""stacked: N sets of parameters of one model. What separate trainings give."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from assent.committees.costs import bytes_of, flops_of
from assent.committees.forms.form import (
    Arrays,
    OfModel,
    Places,
    checked_places,
    in_chunks,
    named,
    over_members,
    shapes_of,
    taken,
    unnamed,
    widest,
)
from assent.committees.layers import Params
from assent.committees.models import Model, model_of


@dataclass(frozen=True, eq=False)
class Stacked(OfModel):
    """Members that share the model and nothing else, but perhaps a function that is added and never trained.

    Attributes:
        model: of all.
        params: pytree, leaves `[N, ...]`.
        fixed: parameters of each member's fixed function, leaves `[N, ...]`, or None. Osband, Aslanides and Cassirer, "Randomized prior
            functions for deep reinforcement learning", NeurIPS 2018.
        fixed_scale: what the fixed function is multiplied by.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("model",)
    kind: ClassVar[str] = "stacked"
    model: Model
    params: Params
    fixed: Params | None = None
    fixed_scale: float = 1.0

    @property
    def num_members(self) -> int:
        return int(jax.tree.leaves(self.params)[0].shape[0])

    @property
    def num_bytes(self) -> int:
        return bytes_of(self.params) + bytes_of(self.fixed)

    def infer_flops(self) -> float:
        item = jax.ShapeDtypeStruct((1, *self.input_shape), jnp.float32)
        each = flops_of(self.model.apply, shapes_of(self.model), item)
        return self.num_members * each * (1 if self.fixed is None else 2)

    def logits(self, x: Any) -> NDArray[np.floating[Any]]:
        found = in_chunks(lambda part: _logits(self.model, self.params, part), x, per_item=widest(self.model))
        if self.fixed is None:
            return found
        beside = in_chunks(lambda part: _logits(self.model, self.fixed, part), x, per_item=widest(self.model))
        return np.asarray(found + np.asarray(self.fixed_scale, found.dtype) * beside)

    def subset(self, places: Places) -> Stacked:
        chosen = checked_places(places, self.num_members)
        fixed = None if self.fixed is None else taken(self.fixed, chosen)
        return replace(self, params=taken(self.params, chosen), fixed=fixed)

    def member(self, place: int) -> Params:
        """Parameters of one member."""
        return jax.tree.map(lambda leaf: leaf[place], self.params)

    def settings(self) -> dict[str, Any]:
        return {"model": self.model.describe(), "fixed": self.fixed is not None, "fixed_scale": self.fixed_scale}

    def arrays(self) -> Arrays:
        return named(self.params, "params") | ({} if self.fixed is None else named(self.fixed, "fixed"))

    @classmethod
    def restored(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Stacked:
        """What `settings` and `arrays` were taken of."""
        model = model_of(settings["model"])
        params = unnamed(arrays, shapes_of(model), "params")
        fixed = unnamed(arrays, shapes_of(model), "fixed") if settings["fixed"] else None
        return cls(model, params, fixed, settings["fixed_scale"])


@functools.partial(jax.jit, static_argnums=0)
def _logits(model: Model, params: Params, x: jax.Array) -> jax.Array:
    return over_members(lambda own, items: model.apply(own, items), params, x)


def stacked(members: list[Params]) -> Params:
    """Parameters of several members as one pytree with a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
