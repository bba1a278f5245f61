"""What a model's parameters do to its logits at a root, `J(x) = d f(x; theta) / d theta`, and the kernels of that. JAX.

Only weights and biases of linear layers count as parameters here. A layer's part of J is an outer product of what the layer was given and
of what comes back to it, so kernels are put together layer by layer (Novak, Sohl-Dickstein and Schoenholz, "Fast finite width neural
tangent kernel", ICML 2022: structured derivatives), and no Jacobian of all parameters is ever held.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from assent.committees.layers import Conv, Dense, Params, Path, linear
from assent.committees.models import Model, at, num_params, replaced

Kernel: TypeAlias = Literal["entk", "averaged", "pntk"]
"""`entk`: `J(x) J(x')^T`, C x C for each pair. `averaged`: the mean of its diagonal. `pntk`: the kernel of the sum of all logits, over C
(Mohamadi, Bae and Sutherland, "A fast, well-founded approximation to the empirical neural tangent kernel", ICML 2023)."""

MOST_KEPT = 1 << 23
"""Numbers of directions that are kept from one call to the next."""

BLOCK = 1 << 24
"""Numbers of a convolution's gradients that are held at once."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Tap:
    """One linear layer's part of J at B items: `J = given (x) back`, summed over places.

    Attributes:
        given: `[B, places, inputs]`, what the layer multiplies; a one more for the bias.
        back: `[B, R, places, outputs]`, gradients of R readings of the logits by what comes out of the layer.
    """

    given: jax.Array
    back: jax.Array


Taps: TypeAlias = tuple[Tap, ...]


@functools.partial(jax.jit, static_argnames=("model", "kernel"))
def taps(model: Model, params: Params, x: jax.Array, *, kernel: Kernel) -> Taps:
    """Each linear layer's part of J at items `[B, ...]`, by C readings (each logit), or one for `pntk` (their sum over sqrt(C))."""
    given: dict[Path, jax.Array] = {}

    def moved(bumps: dict[Path, jax.Array]) -> jax.Array:
        def hook(path: Path, layer: Any, own: Params, z: jax.Array, training: bool) -> jax.Array:
            if not isinstance(layer, Dense | Conv):
                return layer.apply(own, z, training=training)
            patches = layer.patches(z)
            ones = jnp.ones((*patches.shape[:-1], 1), patches.dtype)
            given[path] = jnp.concatenate([patches, ones], axis=-1) if layer.bias else patches
            out = linear(own, patches)
            return layer.folded(out + bumps[path] if bumps else out, z)

        return model.apply(params, x, hook=hook)

    shapes = jax.eval_shape(lambda: (moved({}), dict(given)))[1]
    bumps = {
        path: jnp.zeros((*shapes[path].shape[:2], at(params, path)["weight"].shape[-1]), x.dtype) for path in shapes
    }
    logits, back = jax.vjp(moved, bumps)
    classes = logits.shape[1]
    readings = (
        jnp.full((1, classes), 1.0 / math.sqrt(classes), logits.dtype)
        if kernel == "pntk"
        else jnp.eye(classes, dtype=logits.dtype)
    )
    gradients = jax.lax.map(lambda reading: back(jnp.broadcast_to(reading[None, :], logits.shape))[0], readings)
    # tracers of the inner trace have gone by now: the same forward pass again, whose values are shared
    given.clear()
    moved({})
    return tuple(Tap(given[path], jnp.moveaxis(gradients[path], 0, 1)) for path in given)


@functools.partial(jax.jit, static_argnames=("kernel",))
def gram(left: Taps, right: Taps, *, kernel: Kernel) -> jax.Array:
    """The kernel between items `[n]` and `[m]`: `[n, m]`, or `[n, m, C, C]` for `entk`.

    `averaged` and `pntk` stand for a kernel that is the same for every logit and nothing between two of them.
    """
    parts = [_of_layer(one, other, kernel=kernel) for one, other in zip(left, right, strict=True)]
    total = functools.reduce(jnp.add, parts)
    return total / left[0].back.shape[1] if kernel == "averaged" else total


def _of_layer(left: Tap, right: Tap, *, kernel: Kernel) -> jax.Array:
    if left.given.shape[1] == 1:
        a, b = left.given[:, 0], right.given[:, 0]
        inputs = a @ b.T
        if kernel == "entk":
            outputs = jnp.einsum("nro,mso->nmrs", left.back[:, :, 0], right.back[:, :, 0])
            return inputs[:, :, None, None] * outputs
        return inputs * jnp.einsum("nro,mro->nm", left.back[:, :, 0], right.back[:, :, 0])
    return _of_places(left, right, kernel=kernel)


def _of_places(left: Tap, right: Tap, *, kernel: Kernel) -> jax.Array:
    """Of a layer with many places: by its gradients `sum over places of given x back`, some outputs at a time."""
    inputs, outputs = left.given.shape[2], left.back.shape[3]
    held = (len(left.given) + len(right.given)) * left.back.shape[1] * inputs
    width = max(1, min(outputs, BLOCK // max(held, 1)))

    def part(first: int) -> jax.Array:
        one, other = (
            jnp.einsum("npk,nrpo->nrko", tap.given, tap.back[..., first : first + width]) for tap in (left, right)
        )
        return jnp.einsum("nrko,msko->nmrs" if kernel == "entk" else "nrko,mrko->nm", one, other)

    return functools.reduce(jnp.add, map(part, range(0, outputs, width)))


@functools.partial(jax.jit, static_argnames=("kernel",))
def diagonal(seen: Taps, *, kernel: Kernel) -> jax.Array:
    """The kernel of each item with itself, `[B]`; for `entk` that of the logit whose is greatest."""
    found = functools.reduce(jnp.add, [_of_itself(tap) for tap in seen])
    return found.max(axis=1) if kernel == "entk" else found.mean(axis=1)


def _of_itself(tap: Tap) -> jax.Array:
    """By reading, `[B, R]`."""
    if tap.given.shape[1] == 1:
        return jnp.sum(tap.given[:, 0] ** 2, axis=1)[:, None] * jnp.sum(tap.back[:, :, 0] ** 2, axis=2)

    def one(own: Tap) -> jax.Array:
        single = jax.tree.map(lambda leaf: leaf[None], own)
        return jnp.diagonal(_of_places(single, single, kernel="entk")[0, 0])

    return jax.lax.map(one, tap)


def directions(model: Model, params: Params, key: jax.Array, number: int | jax.Array) -> Params:
    """A direction in the tangent space, standard normal in every weight and bias of linear layers and zero elsewhere.

    Args:
        number: which; another number, an independent direction.
    """
    moved = jax.tree.map(jnp.zeros_like, params)
    key = jax.random.fold_in(key, number)
    for place, (path, _) in enumerate(model.linear_layers()):
        own = at(params, path)
        drawn = {
            name: jax.random.normal(jax.random.fold_in(jax.random.fold_in(key, place), order), leaf.shape, leaf.dtype)
            for order, (name, leaf) in enumerate(sorted(own.items()))
        }
        moved = replaced(moved, path, drawn)
    return moved


@functools.partial(jax.jit, static_argnames=("model",))
def along(model: Model, params: Params, direction: Params, x: jax.Array) -> jax.Array:
    """`J(x) d`, `[B, C]`."""
    return jax.jvp(lambda moved: model.apply(moved, x), (params,), (direction,))[1]


def along_all(model: Model, params: Params, key: jax.Array, numbers: jax.Array, x: jax.Array) -> jax.Array:
    """`J(x) d_i` of the directions with these numbers, `[N, B, C]`, one after the other.

    Directions are kept for the next call while they are few enough; else they are drawn anew, one at a time.
    """
    if isinstance(numbers, Tracer) or len(numbers) * num_params(params) > MOST_KEPT:
        return _along_drawn(model, params, key, numbers, x)
    words = np.asarray(jax.random.key_data(key), dtype=np.uint32).tobytes()
    places, kind = np.asarray(numbers, dtype=np.int64), str(jax.tree.leaves(params)[0].dtype)
    return _along_kept(model, params, kept_directions(model, words, tuple(places.tolist()), kind), x)


@functools.lru_cache(maxsize=8)
def kept_directions(model: Model, words: bytes, numbers: tuple[int, ...], kind: str) -> Params:
    """Directions with these numbers, leaves `[N, ...]`, by the key's words: they depend on nothing else."""
    key = jax.random.wrap_key_data(jnp.asarray(np.frombuffer(words, dtype=np.uint32)))
    return _drawn_directions(model, key, jnp.asarray(numbers), kind)


@functools.partial(jax.jit, static_argnames=("model", "kind"))
def _drawn_directions(model: Model, key: jax.Array, numbers: jax.Array, kind: str) -> Params:
    shapes = jax.eval_shape(model.init, key)
    like = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, kind), shapes)
    return jax.lax.map(lambda number: directions(model, like, key, number), numbers)


@functools.partial(jax.jit, static_argnames=("model",))
def _along_kept(model: Model, params: Params, kept: Params, x: jax.Array) -> jax.Array:
    return jax.lax.map(jax.linearize(lambda moved: model.apply(moved, x), params)[1], kept)


@functools.partial(jax.jit, static_argnames=("model",))
def _along_drawn(model: Model, params: Params, key: jax.Array, numbers: jax.Array, x: jax.Array) -> jax.Array:
    forward = jax.linearize(lambda moved: model.apply(moved, x), params)[1]
    return jax.lax.map(lambda number: forward(directions(model, params, key, number)), numbers)
