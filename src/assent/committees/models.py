"""Models: layers in a row that give logits, and the networks that lottery tickets are usually looked for in. JAX."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from assent.committees.layers import (
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    Hook,
    MeanOverPlaces,
    Params,
    Path,
    Pool,
    Relu,
    Residual,
    Shape,
    Sign,
    apply_layers,
    given_at,
    init_layers,
    shape_after,
    widest_of,
)

KINDS = {kind.__name__: kind for kind in (Dense, Conv, Relu, Sign, Pool, MeanOverPlaces, Flatten, BatchNorm, Residual)}
"""Layers that a description may name."""

CALIBRATED_AT_ONCE = 1 << 26
"""Numbers that a chunk of items may bring about at once while the statistics of normalisations are taken."""


@dataclass(frozen=True)
class Model:
    """Layers from an item to its logits. Immutable and hashable, so that a compiled function may depend on it.

    Attributes:
        layers: in order.
        input_shape: of one item.
    """

    layers: tuple[Any, ...]
    input_shape: Shape

    def __post_init__(self) -> None:
        if len(self.output_shape) != 1:
            raise ValueError(
                f"The model gives the shape {self.output_shape} for one item; end with layers that give one number for each class."
            )

    @property
    def output_shape(self) -> Shape:
        return shape_after(self.layers, self.input_shape)

    @property
    def num_classes(self) -> int:
        return self.output_shape[0]

    def init(self, key: jax.Array) -> Params:
        """Parameters as they are before any training."""
        return init_layers(self.layers, key, self.input_shape)

    def apply(self, params: Params, x: jax.Array, *, training: bool = False, hook: Hook | None = None) -> jax.Array:
        """Logits `[B, C]` of items `[B, *input_shape]`.

        Args:
            training: whether normalisations go by the batch.
            hook: takes the place of each layer that has parameters.

        >>> model = mlp((4,), (8,), 3)
        >>> model.apply(model.init(jax.random.key(0)), jax.numpy.ones((2, 4))).shape
        (2, 3)
        """
        return apply_layers(self.layers, params, x, training=training, hook=hook)

    def linear_layers(self) -> Iterator[tuple[Path, Any]]:
        """Paths and layers of all that have a weight matrix, in the order in which a datum meets them."""
        yield from _linear(self.layers, ())

    def calibrated(self, params: Params, x: jax.Array) -> Params:
        """Parameters whose normalisations go by the statistics of items `[n, *input_shape]`; without normalisations what was given.

        Items that bring about more than `CALIBRATED_AT_ONCE` numbers are taken in chunks, for one normalisation after the other and each
        time from the items on: of L normalisations that is up to L passes, where one would have to hold what all items bring about.
        """
        if not normalises(self.layers):
            return params  # a forward pass for nothing would stand in the ledger
        at_once = max(1, CALIBRATED_AT_ONCE // widest_of(self.layers, self.input_shape))
        if len(x) > at_once:
            for path in _normalisations(self.layers, ()):
                moments = _moments(self.layers, params, x, path, at_once)
                params = replaced(params, path, {**at(params, path), **moments})
            return params
        found: dict[Path, dict[str, jax.Array]] = {}

        def note(path: Path, layer: Any, own: Params, given: jax.Array, training: bool) -> jax.Array:
            if isinstance(layer, BatchNorm):
                axes = tuple(range(given.ndim - 1))
                found[path] = {"mean": given.mean(axis=axes), "variance": given.var(axis=axes)}
            return layer.apply(own, given, training=training)

        self.apply(params, x, training=True, hook=note)
        for path, statistics in found.items():
            params = replaced(params, path, {**at(params, path), **statistics})
        return params

    def describe(self) -> dict[str, Any]:
        """The model in JSON's values; `model_of` reads it."""
        return {"input_shape": list(self.input_shape), "layers": [_described(layer) for layer in self.layers]}


def model_of(description: dict[str, Any]) -> Model:
    """The model that `Model.describe` described.

    Raises:
        ValueError: a layer that nobody knows, or a setting that it does not have.

    >>> model = mlp((4,), (8,), 3)
    >>> model_of(model.describe()) == model
    True
    """
    return Model(tuple(_layer_of(layer) for layer in description["layers"]), tuple(description["input_shape"]))


def normalises(layers: tuple[Any, ...]) -> bool:
    """Whether there is a normalisation among the layers, or inside of them."""
    return any(
        isinstance(layer, BatchNorm)
        or (isinstance(layer, Residual) and (normalises(layer.body) or normalises(layer.shortcut)))
        for layer in layers
    )


def at(params: Params, path: Path) -> Any:
    """The parameters of one layer."""
    for step in path:
        params = params[step]
    return params


def replaced(params: Params, path: Path, value: Any) -> Params:
    """`params` with those of one layer replaced."""
    if not path:
        return value
    first, *rest = path
    inner = replaced(params[first], tuple(rest), value)
    if isinstance(params, dict):
        return {**params, first: inner}
    return tuple(inner if number == first else own for number, own in enumerate(params))


def mlp(input_shape: Sequence[int], hidden: Sequence[int], num_classes: int, *, bias: bool = True) -> Model:
    """Dense layers with rectified units between them."""
    inside = [layer for width in hidden for layer in (Dense(width, bias=bias), Relu())]
    flat = (Flatten(),) if len(input_shape) > 1 else ()
    return Model((*flat, *inside, Dense(num_classes, bias=bias, gain=1.0)), tuple(input_shape))


def conv_n(
    depth: int,
    *,
    input_shape: Sequence[int] = (32, 32, 3),
    num_classes: int = 10,
    width: float = 1.0,
    bias: bool = False,
    binary: bool = False,
) -> Model:
    """Conv2, Conv4, Conv6 or Conv8: pairs of 3 x 3 convolutions with 64, 128, 256, 512 channels, each pair pooled, then 256, 256, classes.

    Frankle and Carbin (ICLR 2019); as Ramanujan and others (CVPR 2020) and Diffenderfer and Kailkhura (ICLR 2021) use them, without biases.

    Args:
        width: factor on all widths.
        binary: activations by their sign, behind normalisations without scale (MPT-1/1).

    Raises:
        ValueError: another depth.
    """
    if depth not in (2, 4, 6, 8):
        raise ValueError(f"There is a Conv2, Conv4, Conv6 and Conv8, but no Conv{depth}.")
    unit = (BatchNorm(), Sign()) if binary else (Relu(),)
    inside = list[Any]()
    for number in range(depth // 2):
        channels = round(64 * 2**number * width)
        inside += [Conv(channels, bias=bias), *unit, Conv(channels, bias=bias), *unit, Pool()]
    dense = [layer for _ in range(2) for layer in (Dense(round(256 * width), bias=bias), *unit)]
    return Model((*inside, Flatten(), *dense, Dense(num_classes, bias=bias, gain=1.0)), tuple(input_shape))


def vgg_small(
    *,
    input_shape: Sequence[int] = (32, 32, 3),
    num_classes: int = 10,
    width: float = 1.0,
    affine: bool = False,
    binary: bool = False,
) -> Model:
    """Three pairs of convolutions with 128, 256 and 512 channels, normalised, each pair pooled, and one dense layer.

    Zhang and others, "LQ-Nets", ECCV 2018, as Diffenderfer and Kailkhura (ICLR 2021) use it.
    """
    unit = (BatchNorm(affine), Sign() if binary else Relu())
    inside = list[Any]()
    for channels in (128, 256, 512):
        out = round(channels * width)
        inside += [Conv(out, bias=False), *unit, Conv(out, bias=False), Pool(), *unit]
    return Model((*inside, Flatten(), Dense(num_classes, bias=False, gain=1.0)), tuple(input_shape))


def resnet18(
    *, input_shape: Sequence[int] = (32, 32, 3), num_classes: int = 10, width: float = 1.0, affine: bool = False
) -> Model:
    """ResNet-18 for small pictures: a 3 x 3 stem and four stages of two blocks with 64 to 512 channels.

    He and others, "Deep residual learning", CVPR 2016, with the stem that is usual for CIFAR.
    """
    inside: list[Any] = [Conv(round(64 * width), bias=False), BatchNorm(affine), Relu()]
    for stage in range(4):
        out = round(64 * 2**stage * width)
        for block in range(2):
            stride = 2 if stage and not block else 1
            body = (
                Conv(out, stride=stride, bias=False),
                BatchNorm(affine),
                Relu(),
                Conv(out, bias=False),
                BatchNorm(affine),
            )
            shortcut = (Conv(out, size=1, stride=stride, bias=False), BatchNorm(affine)) if stride == 2 else ()
            inside += [Residual(body, shortcut), Relu()]
    return Model((*inside, MeanOverPlaces(), Dense(num_classes, bias=False, gain=1.0)), tuple(input_shape))


def num_params(params: Params) -> int:
    """How many numbers there are."""
    return sum(math.prod(np.shape(leaf)) for leaf in jax.tree.leaves(params))


def _linear(layers: tuple[Any, ...], path: Path) -> Iterator[tuple[Path, Any]]:
    for number, layer in enumerate(layers):
        here = (*path, number)
        if isinstance(layer, Residual):
            yield from _linear(layer.body, (*here, "body"))
            yield from _linear(layer.shortcut, (*here, "shortcut"))
        elif isinstance(layer, Dense | Conv):
            yield here, layer


def _normalisations(layers: tuple[Any, ...], path: Path) -> Iterator[Path]:
    """In the order in which a datum meets them."""
    for number, layer in enumerate(layers):
        here = (*path, number)
        if isinstance(layer, Residual):
            yield from _normalisations(layer.body, (*here, "body"))
            yield from _normalisations(layer.shortcut, (*here, "shortcut"))
        elif isinstance(layer, BatchNorm):
            yield here


def _moments(layers: tuple[Any, ...], params: Params, x: jax.Array, path: Path, at_once: int) -> dict[str, jax.Array]:
    """Mean and variance of what the layer at `path` is given over all items, put together from those of chunks."""

    def of_chunk(items: jax.Array) -> tuple[jax.Array, jax.Array]:
        given = given_at(layers, params, items, path)
        axes = tuple(range(given.ndim - 1))
        return given.mean(axis=axes), given.var(axis=axes)

    full = len(x) // at_once
    means, variances = jax.lax.map(
        lambda place: of_chunk(jax.lax.dynamic_slice_in_dim(x, place * at_once, at_once)), jnp.arange(full)
    )
    sizes = [at_once] * full
    if rest := len(x) - full * at_once:
        mean, variance = of_chunk(x[-rest:])
        means, variances = jnp.concatenate([means, mean[None]]), jnp.concatenate([variances, variance[None]])
        sizes.append(rest)
    shares = jnp.asarray(np.asarray(sizes) / len(x), means.dtype)[:, None]
    mean = (shares * means).sum(axis=0)
    return {"mean": mean, "variance": (shares * (variances + (means - mean[None]) ** 2)).sum(axis=0)}


def _described(layer: Any) -> dict[str, Any]:
    values = {field.name: getattr(layer, field.name) for field in dataclasses.fields(layer)}
    return {"kind": type(layer).__name__} | {
        name: [_described(inner) for inner in value] if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def _layer_of(description: dict[str, Any]) -> Any:
    kind = description.get("kind")
    if kind not in KINDS:
        raise ValueError(f"The description names a layer {kind!r}; known are {', '.join(KINDS)}.")
    values: dict[str, Any] = {
        name: tuple(_layer_of(inner) for inner in value) if isinstance(value, list) else value
        for name, value in description.items()
        if name != "kind"
    }
    try:
        return KINDS[kind](**values)
    except TypeError as error:
        raise ValueError(
            f"The description's layer {kind} has the settings {', '.join(values)}, which do not fit it ({error}); give what "
            "Model.describe said."
        ) from error
