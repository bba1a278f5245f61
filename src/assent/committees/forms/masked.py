"""masked: random weights that were never trained, and for each member one bit a weight that says whether it stays. Lottery tickets."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
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
    over_members,
    shapes_of,
    taken,
    widest,
)
from assent.committees.identity import checked_drawing, drawing
from assent.committees.layers import Params
from assent.committees.masks import Ticketing, masked_params, name_of, packed, random_weights, unpacked
from assent.committees.models import Model, at, model_of, replaced


@dataclass(frozen=True, eq=False)
class Masked(OfModel):
    """Members that are masks over random weights.

    Attributes:
        model: of all.
        ticketing: what the weights are drawn as, and what the mask leaves of them.
        weight_keys: uint32 `[N, 2]`, key data that a member's random weights are drawn from; one row for all if they are shared.
        bits: for each layer with weights, by its name, uint8 `[N, bytes]`, eight weights to a byte.
        rest: whatever else a member has of its own (statistics of normalisations), by its layer's name, leaves `[N, ...]`.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("model", "ticketing")
    kind: ClassVar[str] = "masked"
    model: Model
    ticketing: Ticketing
    weight_keys: NDArray[np.uint32]
    bits: dict[str, NDArray[np.uint8]]
    rest: dict[str, Any]

    @property
    def num_members(self) -> int:
        return len(next(iter(self.bits.values())))

    @property
    def num_bytes(self) -> int:
        return sum(bits.nbytes for bits in self.bits.values()) + self.weight_keys.nbytes + bytes_of(self.rest)

    @property
    def shared(self) -> bool:
        """Whether all members are masks over the same weights."""
        return len(self.weight_keys) == 1

    def infer_flops(self) -> float:
        item = jax.ShapeDtypeStruct((1, *self.input_shape), jnp.float32)
        return self.num_members * flops_of(self.model.apply, shapes_of(self.model), item)

    def logits(self, x: Any) -> NDArray[np.floating[Any]]:
        inputs = (
            jnp.asarray(self.weight_keys),
            {name: jnp.asarray(bits) for name, bits in self.bits.items()},
            self.rest,
        )
        return in_chunks(
            lambda part: _logits(self.model, self.ticketing, *inputs, part), x, per_item=widest(self.model)
        )

    def member(self, place: int) -> Params:
        """Parameters of one member: what its mask leaves of the weights."""
        key = jnp.asarray(self.weight_keys[0 if self.shared else place])
        bits = {name: jnp.asarray(every[place]) for name, every in self.bits.items()}
        return _params(
            self.model, self.ticketing, _weights(self.model, self.ticketing, key), bits, taken_one(self.rest, place)
        )

    def mask(self, place: int) -> dict[str, NDArray[np.bool_]]:
        """One member's masks, by the names of the layers."""
        shapes = shapes_of(self.model)
        return {
            name_of(path): np.asarray(
                unpacked(jnp.asarray(self.bits[name_of(path)][place]), at(shapes, path)["weight"].shape)
            )
            for path, _ in self.model.linear_layers()
        }

    def subset(self, places: Places) -> Masked:
        chosen = checked_places(places, self.num_members)
        keys = self.weight_keys if self.shared else self.weight_keys[chosen]
        bits = {name: every[chosen] for name, every in self.bits.items()}
        return replace(self, weight_keys=keys, bits=bits, rest=taken(self.rest, chosen))

    def settings(self) -> dict[str, Any]:
        return {"model": self.model.describe(), "ticketing": asdict(self.ticketing), "drawing": drawing()}

    def arrays(self) -> Arrays:
        found: Arrays = {"weight_keys": self.weight_keys}
        found |= {f"bits {name}": every for name, every in self.bits.items()}
        return found | {
            f"rest {name} {part}": np.asarray(leaf) for name, own in self.rest.items() for part, leaf in own.items()
        }

    @classmethod
    def restored(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Masked:
        """What `settings` and `arrays` were taken of.

        Raises:
            ValueError: masks of another architecture, or over weights that would be drawn otherwise here.
        """
        checked_drawing(settings)
        model, ticketing = model_of(settings["model"]), Ticketing(**settings["ticketing"])
        bits = {name.removeprefix("bits "): every for name, every in arrays.items() if name.startswith("bits ")}
        rest: dict[str, Any] = {}
        for name, every in arrays.items():
            if name.startswith("rest "):
                _, layer, part = name.split(" ")
                rest.setdefault(layer, {})[part] = jnp.asarray(every)
        shapes = shapes_of(model)
        for path, _ in model.linear_layers():
            wanted = -(-int(np.prod(at(shapes, path)["weight"].shape)) // 8)
            given = bits.get(name_of(path))
            if given is None or given.ndim != 2 or given.shape[1] != wanted:
                raise ValueError(
                    f"The checkpoint's mask of layer {name_of(path)} has the shape {None if given is None else given.shape} where the "
                    f"model wants [N, {wanted}]: it is one of another architecture."
                )
        for path in _others(shapes, {path for path, _ in model.linear_layers()}):
            wanted, given = at(shapes, path), rest.get(name_of(path), {})
            if {part: leaf.shape for part, leaf in wanted.items()} != {
                part: leaf.shape[1:] for part, leaf in given.items()
            }:
                raise ValueError(
                    f"The checkpoint has {', '.join(given) or 'nothing'} of layer {name_of(path)} where the model wants "
                    f"{', '.join(wanted)}: it is one of another architecture."
                )
        return cls(model, ticketing, np.asarray(arrays["weight_keys"], dtype=np.uint32), bits, rest)


def masked(
    model: Model, ticketing: Ticketing, weight_keys: NDArray[np.uint32], members: list[tuple[dict[Any, Any], Params]]
) -> Masked:
    """Members from their masks, by path, and their parameters, of which statistics of normalisations are kept."""
    bits = {name_of(path): np.stack([packed(masks[path]) for masks, _ in members]) for path, _ in model.linear_layers()}
    rest: dict[str, Any] = {}
    for path in _others(members[0][1], {path for path, _ in model.linear_layers()}):
        own = [at(params, path) for _, params in members]
        rest[name_of(path)] = jax.tree.map(lambda *leaves: jnp.stack(leaves), *own)
    return Masked(model, ticketing, weight_keys, bits, rest)


def taken_one(tree: Any, place: int) -> Any:
    """A pytree's row."""
    return jax.tree.map(lambda leaf: leaf[place], tree)


def _others(params: Params, linear: set[Any], path: Any = ()) -> list[Any]:
    """Paths of layers with parameters and no weight matrix."""
    if isinstance(params, dict) and not {"body", "shortcut"} <= params.keys():
        return [path] if params and path not in linear else []
    steps = params.items() if isinstance(params, dict) else enumerate(params)
    return [found for step, inner in steps for found in _others(inner, linear, (*path, step))]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _weights(model: Model, ticketing: Ticketing, key: jax.Array) -> Params:
    return random_weights(model, jax.random.wrap_key_data(key), ticketing)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _params(model: Model, ticketing: Ticketing, weights: Params, bits: Any, rest: Any) -> Params:
    masks = {
        path: unpacked(bits[name_of(path)], at(weights, path)["weight"].shape) for path, _ in model.linear_layers()
    }
    params = masked_params(model, weights, masks, binary=ticketing.binary)
    for path in _others(weights, set(masks)):
        params = replaced(params, path, rest[name_of(path)])
    return params


@functools.partial(jax.jit, static_argnums=(0, 1))
def _logits(model: Model, ticketing: Ticketing, keys: jax.Array, bits: Any, rest: Any, x: jax.Array) -> jax.Array:
    if len(keys) == 1:
        weights = _weights(model, ticketing, keys[0])
        return over_members(
            lambda own, items: model.apply(_params(model, ticketing, weights, *own), items), (bits, rest), x
        )
    return over_members(
        lambda own, items: model.apply(_params(model, ticketing, _weights(model, ticketing, own[0]), *own[1:]), items),
        (keys, bits, rest),
        x,
    )
