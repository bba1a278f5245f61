"""adapters: one network for all, and for each member a small change of it: vectors beside each matrix, units left out, a head, an index."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal, TypeAlias

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
from assent.committees.identity import checked_drawing, drawing
from assent.committees.layers import Conv, Dense, Flatten, Hook, Params, Path, apply_layers, linear
from assent.committees.masks import name_of
from assent.committees.models import Model, at, mlp, model_of

Method: TypeAlias = Literal["batch_ensemble", "dropout", "mimo", "epinet"]


@dataclass(frozen=True)
class Adapting:
    """How members differ from what they share.

    Attributes:
        method: `batch_ensemble`: a layer's matrix W becomes `W * r s^T`, with biases of the member's own (Wen, Tran and Ba, ICLR 2020).
            `dropout`: units are left out, the same for every item (Gal and Ghahramani, ICML 2016; fixed masks as by Durasov and others,
            "Masksembles", CVPR 2021). `mimo`: one network with M inputs and M heads, all of them shown the item, member i reading head i
            (Havasi and others, ICLR 2021). `epinet`: an index z added through a small network and a fixed one (Osband and others,
            "Epistemic neural networks", NeurIPS 2023).
        rate: of units left out.
        heads: M.
        index: numbers in z.
        hidden: units of the small network's layers, and of each fixed one's.
        fixed_scale: what the fixed functions are multiplied by.
    """

    method: Method
    rate: float = 0.2
    heads: int = 3
    index: int = 8
    hidden: tuple[int, ...] = (15, 15)
    fixed_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.method not in ("batch_ensemble", "dropout", "mimo", "epinet"):
            raise ValueError(f"The method {self.method!r} is unknown; give batch_ensemble, dropout, mimo or epinet.")
        if not 0 < self.rate < 1 or self.heads < 1 or self.index < 1:
            raise ValueError(
                f"rate = {self.rate}, heads = {self.heads}, index = {self.index}: the rate lies between 0 and 1, and there is at least one "
                "head and one number in an index."
            )


@dataclass(frozen=True, eq=False)
class Adapters(OfModel):
    """Members that share a network.

    Attributes:
        model: what one item goes through; of `mimo` the network has M of its inputs and outputs.
        adapting: how members differ.
        shared: parameters of what all share.
        members: pytree, leaves `[N, ...]`: vectors by layer, key data, the number of a head, or an index.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("model", "adapting")
    kind: ClassVar[str] = "adapters"
    model: Model
    adapting: Adapting
    shared: Params
    members: Any

    @property
    def num_members(self) -> int:
        return int(jax.tree.leaves(self.members)[0].shape[0])

    @property
    def num_bytes(self) -> int:
        return bytes_of(self.shared) + bytes_of(self.members)

    def infer_flops(self) -> float:
        item = jax.ShapeDtypeStruct((1, *self.input_shape), jnp.float32)
        shapes = jax.eval_shape(lambda: (self.shared, self.members))
        return flops_of(
            lambda shared, members, x: _logits(self.model, self.adapting, shared, members, x), *shapes, item
        )

    def logits(self, x: Any) -> NDArray[np.floating[Any]]:
        return in_chunks(
            lambda part: _logits(self.model, self.adapting, self.shared, self.members, part),
            x,
            per_item=widest(self.model) + self.num_members * self.num_classes,
        )

    def subset(self, places: Places) -> Adapters:
        return replace(self, members=taken(self.members, checked_places(places, self.num_members)))

    def settings(self) -> dict[str, Any]:
        return {
            "model": self.model.describe(),
            "adapting": {**asdict(self.adapting), "hidden": list(self.adapting.hidden)},
            "drawing": drawing(),
        }

    def arrays(self) -> Arrays:
        return named(self.shared, "shared") | named(self.members, "members")

    @classmethod
    def restored(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Adapters:
        """What `settings` and `arrays` were taken of.

        Raises:
            ValueError: an array is missing or of another architecture, or draws would be others here.
        """
        checked_drawing(settings)
        given = settings["adapting"]
        adapting, model = Adapting(**{**given, "hidden": tuple(given["hidden"])}), model_of(settings["model"])
        like = jax.eval_shape(
            lambda key: (first_shared(model, adapting, key), first_member(model, adapting, key, 0)), jax.random.key(0)
        )
        return cls(model, adapting, unnamed(arrays, like[0], "shared"), unnamed(arrays, like[1], "members"))


def first_shared(model: Model, adapting: Adapting, key: jax.Array) -> Params:
    """What all members share, before any training."""
    if adapting.method == "mimo":
        return together(model, adapting.heads).init(key)
    if adapting.method != "epinet":
        return model.init(key)
    base, learned, fixed = jax.random.split(key, 3)
    small, prior = _small(model, adapting), _prior(model, adapting)
    return {
        "base": model.init(base),
        "learned": small.init(learned),
        "fixed": jax.vmap(prior.init)(jax.random.split(fixed, adapting.index)),
    }


def first_member(model: Model, adapting: Adapting, key: jax.Array, number: int | jax.Array) -> Any:
    """What one member has of its own, before any training; it depends on its number and the key alone."""
    key = jax.random.fold_in(key, number)
    if adapting.method == "dropout":
        return {"key": jax.random.key_data(key)}
    if adapting.method == "mimo":
        return {"head": jnp.asarray(number, jnp.int32)}
    if adapting.method == "epinet":
        return {"index": jax.random.normal(key, (adapting.index,))}
    own: dict[str, Any] = {}
    shapes = jax.eval_shape(model.init, key)
    for place, (path, layer) in enumerate(model.linear_layers()):
        weight = at(shapes, path)["weight"]
        channels = weight.shape[0] // (layer.size**2 if isinstance(layer, Conv) else 1)
        before, after = jax.random.split(jax.random.fold_in(key, place))
        own[name_of(path)] = {
            "before": _random_signs(before, channels),
            "after": _random_signs(after, weight.shape[1]),
        } | ({"bias": jnp.zeros(weight.shape[1])} if layer.bias else {})
    return own


def adapted(
    model: Model, adapting: Adapting, shared: Params, member: Any, x: jax.Array, *, training: bool = False
) -> jax.Array:
    """One member's logits `[B, C]`."""
    if adapting.method == "batch_ensemble":
        return model.apply(shared, x, training=training, hook=_beside(member))
    if adapting.method == "dropout":
        hook = _left_out(model, jax.random.wrap_key_data(member["key"]), adapting.rate, None)
        return model.apply(shared, x, training=training, hook=hook)
    if adapting.method == "mimo":
        every = together(model, adapting.heads).apply(
            shared, jnp.concatenate([x] * adapting.heads, axis=-1), training=training
        )
        return jnp.take(every.reshape(len(x), adapting.heads, model.num_classes), member["head"], axis=1)
    logits, phi = with_features(model, shared["base"], x, training=training)
    return logits + epinet(model, adapting, shared, jax.lax.stop_gradient(phi), x, member["index"])


def with_features(model: Model, base: Params, x: jax.Array, *, training: bool = False) -> tuple[jax.Array, jax.Array]:
    """The base's logits `[B, C]`, and what the epinet is given beside its index: what the last layer is given and the item, `[B, F]`."""
    *before, last = model.layers
    *own, of_last = base
    given = apply_layers(tuple(before), tuple(own), x, training=training)
    return last.apply(of_last, given, training=training), jnp.concatenate([given, Flatten().apply({}, x)], axis=1)


def epinet(
    model: Model, adapting: Adapting, shared: Params, phi: jax.Array, x: jax.Array, index: jax.Array
) -> jax.Array:
    """What an index adds to the base's logits, `[B, C]`: a learned part and a fixed one."""
    given = jnp.concatenate([phi, jnp.broadcast_to(index[None, :], (len(phi), adapting.index))], axis=1)
    learned = _small(model, adapting).apply(shared["learned"], given)
    learned = jnp.einsum("bcd,d->bc", learned.reshape(len(phi), model.num_classes, adapting.index), index)
    prior = _prior(model, adapting)
    each = jax.lax.map(lambda own: prior.apply(own, x), jax.lax.stop_gradient(shared["fixed"]))
    return learned + adapting.fixed_scale * jnp.einsum("dbc,d->bc", each, index)


def dropped_out(
    model: Model, params: Params, x: jax.Array, key: jax.Array, rate: float, *, training: bool
) -> jax.Array:
    """Logits with other units left out for each item: how the network of `dropout` is trained."""
    return model.apply(params, x, training=training, hook=_left_out(model, key, rate, len(x)))


@functools.lru_cache(maxsize=64)
def together(model: Model, heads: int) -> Model:
    """The model for `heads` items side by side in the last axis of its input, with as many times the logits.

    Raises:
        ValueError: a model that does not end in a dense layer.
    """
    last = model.layers[-1]
    if not isinstance(last, Dense):
        raise ValueError(f"The model ends in a {type(last).__name__}; several heads need a dense layer.")
    shape = (*model.input_shape[:-1], model.input_shape[-1] * heads)
    return Model((*model.layers[:-1], replace(last, outputs=last.outputs * heads)), shape)


def _small(model: Model, adapting: Adapting) -> Model:
    given = jax.eval_shape(
        lambda p, x: with_features(model, p, x)[1],
        shapes_of(model),
        jax.ShapeDtypeStruct((1, *model.input_shape), jnp.float32),
    )
    return mlp((given.shape[1] + adapting.index,), adapting.hidden, model.num_classes * adapting.index)


def _prior(model: Model, adapting: Adapting) -> Model:
    return mlp(model.input_shape, adapting.hidden, model.num_classes)


def _beside(member: Any) -> Hook:
    def hook(path: Path, layer: Any, own: Params, z: jax.Array, training: bool) -> jax.Array:
        if not isinstance(layer, Dense | Conv):
            return layer.apply(own, z, training=training)
        mine = member[name_of(path)]
        scaled = z * mine["before"].reshape((1,) * (z.ndim - 1) + (-1,))
        out = layer.patches(scaled) @ own["weight"] * mine["after"][None, None, :]
        return layer.folded(out + mine["bias"][None, None, :] if "bias" in mine else out, z)

    return hook


def _left_out(model: Model, key: jax.Array, rate: float, batch: int | None) -> Hook:
    """Units before every linear layer but the first; `batch` draws them anew for each item."""
    order = {path: number for number, (path, _) in enumerate(model.linear_layers())}

    def hook(path: Path, layer: Any, own: Params, z: jax.Array, training: bool) -> jax.Array:
        if order.get(path, 0) == 0:
            return layer.apply(own, z, training=training)
        stays = jax.random.bernoulli(
            jax.random.fold_in(key, order[path]), 1.0 - rate, (batch or 1, *(1,) * (z.ndim - 2), z.shape[-1])
        )
        kept = jnp.where(stays, z / (1.0 - rate), jnp.zeros((), z.dtype))
        return layer.folded(linear(own, layer.patches(kept)), kept)

    return hook


def _random_signs(key: jax.Array, number: int) -> jax.Array:
    return jnp.where(jax.random.bernoulli(key, 0.5, (number,)), 1.0, -1.0)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _logits(model: Model, adapting: Adapting, shared: Params, members: Any, x: jax.Array) -> jax.Array:
    if adapting.method == "mimo":
        every = together(model, adapting.heads).apply(shared, jnp.concatenate([x] * adapting.heads, axis=-1))
        return jnp.moveaxis(every.reshape(len(x), adapting.heads, model.num_classes), 1, 0)[members["head"]]
    if adapting.method == "epinet":
        base, phi = with_features(model, shared["base"], x)
        added = over_members(lambda own, items: epinet(model, adapting, shared, phi, items, own["index"]), members, x)
        return base[None] + added
    return over_members(lambda own, items: adapted(model, adapting, shared, own, items), members, x)
