"""Feature maps: what a linear head, or a few random directions of the tangent space, make of an item. JAX."""

from __future__ import annotations

import functools
import math
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp

from assent.committees.kernels.tangents import directions
from assent.committees.layers import Dense, Params
from assent.committees.models import Model, at

FeatureMap: TypeAlias = Literal["last", "sketch"]
"""`last`: what the model's last layer is given, and a one: D features for every logit alike. Of a random network these are random features.
`sketch`: `J(x) d_r` of D random directions: D features for each logit."""


@functools.partial(jax.jit, static_argnames=("model", "kind", "number"))
def features(model: Model, params: Params, key: jax.Array, x: jax.Array, *, kind: FeatureMap, number: int) -> jax.Array:
    """Features of items: `[B, 1, D]` that all logits share, or `[B, C, D]`.

    Args:
        key: of the sketch's directions.
        number: of those; unused for `last`.

    Raises:
        ValueError: `last` of a model that does not end in a dense layer.
    """
    if kind == "last":
        return _last(model, params, x)[:, None, :]
    forward = jax.linearize(lambda moved: model.apply(moved, x), params)[1]
    found = jax.lax.map(lambda place: forward(directions(model, params, key, place)), jnp.arange(number))
    return jnp.moveaxis(found, 0, 2) / math.sqrt(number)


def _last(model: Model, params: Params, x: jax.Array) -> jax.Array:
    """What the last layer is given, with a one beside it if that has a bias."""
    layer = model.layers[-1]
    if not isinstance(layer, Dense):
        raise ValueError(f"The model ends in a {type(layer).__name__}; features of its last layer need a dense one.")
    given: list[jax.Array] = []

    def hook(path: Any, one: Any, own: Params, z: jax.Array, training: bool) -> jax.Array:
        if path == (len(model.layers) - 1,):
            given.append(z)
        return one.apply(own, z, training=training)

    model.apply(params, x, hook=hook)
    (last,) = given
    return jnp.concatenate([last, jnp.ones((len(last), 1), last.dtype)], axis=1) if layer.bias else last


def head_of(model: Model, params: Params) -> jax.Array:
    """The last layer's weights over its features, `[D, C]`."""
    own = at(params, (len(model.layers) - 1,))
    return jnp.concatenate([own["weight"], own["bias"][None, :]]) if "bias" in own else own["weight"]
