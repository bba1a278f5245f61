"""Layers of neural networks as plain functions: what tickets, compositions and tangent kernels need a hand in, and no more. JAX.

Every layer that has weights is a matrix product of patches of its input with them: a dense layer's one patch is the input itself, a
convolution's patches are the windows that it sees. So one kernel, one mask and one perturbation serve both, and no convolution runs inside
a loop, where XLA on a CPU is a hundred times slower (jax issue 12868).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import jax
import jax.numpy as jnp

Params: TypeAlias = Any
"""A pytree of arrays: of each layer a dictionary, or tuples of them for layers inside of layers."""

Shape: TypeAlias = tuple[int, ...]
Path: TypeAlias = tuple[int | str, ...]
Hook: TypeAlias = Callable[[Path, Any, Params, jax.Array, bool], jax.Array]
"""`(path, layer, params, x, training) -> y`: takes the place of a layer with parameters."""


@runtime_checkable
class Layer(Protocol):
    """What a model is made of. It is a frozen dataclass; its parameters are apart from it."""

    def output_shape(self, shape: Shape) -> Shape: ...
    def init(self, key: jax.Array, shape: Shape) -> Params: ...
    def apply(self, params: Params, x: jax.Array, *, training: bool = False) -> jax.Array: ...


@runtime_checkable
class Linear(Protocol):
    """A layer that multiplies patches of its input by a matrix `weight` and adds `bias`, if it has one."""

    bias: bool

    def patches(self, x: jax.Array) -> jax.Array: ...
    def folded(self, y: jax.Array, x: jax.Array) -> jax.Array: ...


@dataclass(frozen=True)
class Dense:
    """`x W + b`.

    Attributes:
        outputs: of the layer.
        bias: whether there is a b, which starts at 0.
        gain: weights start normal with standard deviation `gain / sqrt(inputs)`; sqrt(2) before rectified units (He and others, ICCV 2015).
    """

    outputs: int
    bias: bool = True
    gain: float = math.sqrt(2.0)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ValueError(
                f"A dense layer is given items of the shape {shape} and takes rows of numbers; put Flatten() or MeanOverPlaces() before it."
            )
        return (self.outputs,)

    def init(self, key: jax.Array, shape: Shape) -> Params:
        return _drawn(key, shape[-1], self.outputs, gain=self.gain, bias=self.bias)

    def patches(self, x: jax.Array) -> jax.Array:
        return x[:, None, :]

    def folded(self, y: jax.Array, x: jax.Array) -> jax.Array:
        return y[:, 0, :]

    def apply(self, params: Params, x: jax.Array, *, training: bool = False) -> jax.Array:
        return linear(params, x)


@dataclass(frozen=True)
class Conv:
    """A square convolution over `[B, height, width, channels]`, by its patches.

    Attributes:
        outputs: channels that come out.
        size: of the window.
        stride: of its steps; the edges are filled with zeros so that `ceil(height / stride)` comes out.
        bias, gain: as of `Dense`; inputs are those of one window.
    """

    outputs: int
    size: int = 3
    stride: int = 1
    bias: bool = True
    gain: float = math.sqrt(2.0)

    def output_shape(self, shape: Shape) -> Shape:
        return (-(-shape[0] // self.stride), -(-shape[1] // self.stride), self.outputs)

    def init(self, key: jax.Array, shape: Shape) -> Params:
        return _drawn(key, self.size**2 * shape[-1], self.outputs, gain=self.gain, bias=self.bias)

    def patches(self, x: jax.Array) -> jax.Array:
        """`[B, positions, size * size * channels]`."""
        height, width, _ = self.output_shape(x.shape[1:])
        reach = [
            max(0, (out - 1) * self.stride + self.size - given)
            for out, given in ((height, x.shape[1]), (width, x.shape[2]))
        ]
        edges = [(side // 2, side - side // 2) for side in reach]
        padded = jnp.pad(x, ((0, 0), *edges, (0, 0)))
        last = [(out - 1) * self.stride + 1 for out in (height, width)]
        seen = [
            padded[:, row : row + last[0] : self.stride, column : column + last[1] : self.stride]
            for row in range(self.size)
            for column in range(self.size)
        ]
        return jnp.concatenate(seen, axis=-1).reshape(x.shape[0], height * width, -1)

    def folded(self, y: jax.Array, x: jax.Array) -> jax.Array:
        height, width, _ = self.output_shape(x.shape[1:])
        return y.reshape(y.shape[0], height, width, y.shape[-1])

    def apply(self, params: Params, x: jax.Array, *, training: bool = False) -> jax.Array:
        return self.folded(linear(params, self.patches(x)), x)


@dataclass(frozen=True)
class Relu:
    """The greater of x and 0; NaN stays NaN."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def init(self, key: jax.Array, shape: Shape) -> Params:
        return {}

    def apply(self, params: Params, x: jax.Array, *, training: bool = False) -> jax.Array:
        return jax.nn.relu(x)


@dataclass(frozen=True)
class Sign:
    """1 where x is above 0, else -1; its gradient is taken for `2 (1 - |x|)` where |x| < 1 and 0 elsewhere, as Diffenderfer and Kailkhura
    (ICLR 2021) do after Liu and others, "Bi-Real Net", ECCV 2018."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def init(self, key: jax.Array, shape: Shape) -> Params:
        return {}

    def apply(self, params: Params, x: jax.Array, *, training: bool = False) -> jax.Array:
        return signed(x)


@jax.custom_jvp
def signed(x: jax.Array) -> jax.Array:
    """1 where x is above 0, else -1, NaN for NaN, with the gradient of `Sign`."""
    return jnp.where(jnp.isnan(x), x, jnp.where(x > 0, 1.0, -1.0).astype(x.dtype))


@signed.defjvp
def _signed_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (x,), (moved,) = primals, tangents
    return signed(x), 2.0 * (1.0 - jnp.abs(jnp.clip(x, -1.0, 1.0))) * moved


@dataclass(frozen=True)
class Pool:
    """The greatest, or the mean, of each square window of `[B, height, width, channels]`; windows do not overlap, a rest is left out."""

    size: int = 2
    mean: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        if min(shape[:2]) < self.size:
            raise ValueError(
                f"A window of {self.size} x {self.size} does not fit into {shape[0]} x {shape[1]} places; give larger items or pool less."
            )
        return (shape[0] // self.size, shape[1] // self.size, shape[2])

    def init(self, key: jax.Array, shape: Shape) -> Params:
        return {}

    def apply(self, params: Params, x: jax.Array, *, training: bool = False) -> jax.Array:
        height, width, channels = self.output_shape(x.shape[1:])
        cut = x[:, : height * self.size, : width * self.size]
        windows = cut.reshape(x.shape[0], height, self.size, width, self.size, channels)
        return windows.mean(axis=(2, 4)) if self.mean else windows.max(axis=(2, 4))


@dataclass(frozen=True)
class MeanOverPlaces:
    """The mean over height and width, `[B, channels]`."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape[-1:]

    def init(self, key: jax.Array, shape: Shape) -> Params:
        return {}

    def apply(self, params: Params, x: jax.Array, *, training: bool = False) -> jax.Array:
        return x.mean(axis=(1, 2))


@dataclass(frozen=True)
class Flatten:
    """`[B, numbers]`."""

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def init(self, key: jax.Array, shape: Shape) -> Params:
        return {}

    def apply(self, params: Params, x: jax.Array, *, training: bool = False) -> jax.Array:
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))


@dataclass(frozen=True)
class BatchNorm:
    """Each channel with mean 0 and variance 1 over its batch while training, afterwards by the statistics of `Model.calibrated`.

    Ioffe and Szegedy, "Batch normalization", ICML 2015; statistics of the whole training set in place of running averages.

    Attributes:
        affine: whether a scale and a shift are trained behind it.
    """

    affine: bool = False
    epsilon: float = 1e-5

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def init(self, key: jax.Array, shape: Shape) -> Params:
        zero, one = jnp.zeros(shape[-1]), jnp.ones(shape[-1])
        return {"mean": zero, "variance": one} | ({"scale": one, "shift": zero} if self.affine else {})

    def apply(self, params: Params, x: jax.Array, *, training: bool = False) -> jax.Array:
        axes = tuple(range(x.ndim - 1))
        mean, variance = (x.mean(axis=axes), x.var(axis=axes)) if training else (params["mean"], params["variance"])
        normal = (x - _along(mean, x)) * _along(jax.lax.rsqrt(variance + self.epsilon), x)
        return normal * _along(params["scale"], x) + _along(params["shift"], x) if self.affine else normal


@dataclass(frozen=True)
class Residual:
    """`body(x) + shortcut(x)`; without layers the shortcut is x itself."""

    body: tuple[Any, ...]
    shortcut: tuple[Any, ...] = ()

    def output_shape(self, shape: Shape) -> Shape:
        through, beside = shape_after(self.body, shape), shape_after(self.shortcut, shape)
        if through != beside:
            raise ValueError(
                f"A residual's body gives the shape {through} and its shortcut {beside}; give them the same."
            )
        return through

    def init(self, key: jax.Array, shape: Shape) -> Params:
        body, shortcut = jax.random.split(key)
        return {"body": init_layers(self.body, body, shape), "shortcut": init_layers(self.shortcut, shortcut, shape)}

    def apply(self, params: Params, x: jax.Array, *, training: bool = False) -> jax.Array:
        return self.hooked(params, x, training=training, hook=None, path=())

    def hooked(self, params: Params, x: jax.Array, *, training: bool, hook: Hook | None, path: Path) -> jax.Array:
        """`apply`, with the hook handed on to the layers inside."""
        through = apply_layers(self.body, params["body"], x, training=training, hook=hook, path=(*path, "body"))
        beside = apply_layers(
            self.shortcut, params["shortcut"], x, training=training, hook=hook, path=(*path, "shortcut")
        )
        return through + beside


def linear(params: Params, given: jax.Array) -> jax.Array:
    """`given @ weight + bias`, over the last axis."""
    product = given @ params["weight"]
    return product + _along(params["bias"], product) if "bias" in params else product


def shape_after(layers: tuple[Any, ...], shape: Shape) -> Shape:
    """The shape of one item behind the layers."""
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def widest_of(layers: tuple[Any, ...], shape: Shape) -> int:
    """Numbers that one item of this shape brings about at the widest place, patches of convolutions included."""
    most = math.prod(shape)
    for layer in layers:
        inputs, shape = shape, layer.output_shape(shape)
        if isinstance(layer, Residual):
            most = max(most, widest_of(layer.body, inputs), widest_of(layer.shortcut, inputs))
        size = layer.size if isinstance(layer, Conv) else 1
        most = max(most, math.prod(shape), math.prod(shape[:-1]) * inputs[-1] * size**2)
    return most


def init_layers(layers: tuple[Any, ...], key: jax.Array, shape: Shape) -> Params:
    """Parameters of each layer; those of one do not depend on how many come after it."""
    params = list[Params]()
    for number, layer in enumerate(layers):
        params.append(layer.init(jax.random.fold_in(key, number), shape))
        shape = layer.output_shape(shape)
    return tuple(params)


def apply_layers(
    layers: tuple[Any, ...],
    params: Params,
    x: jax.Array,
    *,
    training: bool = False,
    hook: Hook | None = None,
    path: Path = (),
) -> jax.Array:
    """What comes out of the last layer. `hook` takes the place of each layer that has parameters of its own."""
    for number, (layer, own) in enumerate(zip(layers, params, strict=True)):
        here = (*path, number)
        if isinstance(layer, Residual):
            x = layer.hooked(own, x, training=training, hook=hook, path=here)
        elif hook is not None and own:
            x = hook(here, layer, own, x, training)
        else:
            x = layer.apply(own, x, training=training)
    return x


def given_at(layers: tuple[Any, ...], params: Params, x: jax.Array, path: Path) -> jax.Array:
    """What the layer at `path` is given, and nothing beyond it."""
    number, *inside = path
    assert isinstance(number, int)
    x = apply_layers(layers[:number], params[:number], x)
    if not inside:
        return x
    branch, *further = inside
    assert isinstance(branch, str)
    return given_at(getattr(layers[number], branch), params[number][branch], x, tuple(further))


def _along(vector: jax.Array, like: jax.Array) -> jax.Array:
    """`vector` for the last axis of `like`, by as many axes."""
    return vector.reshape((1,) * (like.ndim - 1) + vector.shape)


def _drawn(key: jax.Array, inputs: int, outputs: int, *, gain: float, bias: bool) -> Params:
    weight = jax.random.normal(key, (inputs, outputs)) * (gain / math.sqrt(inputs))
    return {"weight": weight} | ({"bias": jnp.zeros(outputs)} if bias else {})
