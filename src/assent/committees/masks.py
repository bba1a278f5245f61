"""Masks over random weights: which of them stay, found without sorting, and the weights that are left. JAX.

edge-popup (Ramanujan and others, "What's hidden in a randomly weighted neural network?", CVPR 2020) keeps the weights with the largest
scores as they are; biprop (Diffenderfer and Kailkhura, "Multi-prize lottery ticket hypothesis", ICLR 2021, algorithm 1) keeps only their
signs, with one gain for each layer. Weights are never trained; scores are, straight through the mask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from assent.committees.layers import Params, Path
from assent.committees.models import Model, at, replaced

Init: TypeAlias = Literal["kaiming_normal", "signed_constant"]


@dataclass(frozen=True)
class Ticketing:
    """How tickets are found and what they are made of.

    Attributes:
        keep: share of each layer's weights that stay, in (0, 1].
        binary: whether only signs stay, with one gain a layer (biprop, MPT-1/32), or the weights themselves (edge-popup).
        init: of the weights: normal with standard deviation `sqrt(2 / (fan_in keep))`, or that number with random signs.
        paper_compat: scale by `fan_in (1 - keep)`, as the published code does, where `prune_rate` is the share kept in the mask and the
            share removed in the scale (hidden-networks issue 9). The two agree at one half.
    """

    keep: float = 0.5
    binary: bool = True
    init: Init = "kaiming_normal"
    paper_compat: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise ValueError(f"keep = {self.keep}: give the share of the weights that stay, above 0 and at most 1.")
        if self.paper_compat and self.keep == 1:
            raise ValueError("keep = 1 with paper_compat scales weights by a division by 0; leave one of them.")
        if self.init not in ("kaiming_normal", "signed_constant"):
            raise ValueError(f"init = {self.init!r} is unknown; give kaiming_normal or signed_constant.")


def random_weights(model: Model, key: jax.Array, ticketing: Ticketing) -> Params:
    """The model's parameters with weights drawn as `ticketing` says; biases, if the model has them, are 0."""
    params = model.init(key)
    share = 1.0 - ticketing.keep if ticketing.paper_compat else ticketing.keep
    for number, (path, _) in enumerate(model.linear_layers()):
        own = at(params, path)
        drawn = jax.random.normal(jax.random.fold_in(key, number), own["weight"].shape)
        if ticketing.init == "signed_constant":
            drawn = jnp.where(drawn < 0, -1.0, 1.0)
        params = replaced(params, path, {**own, "weight": drawn * math.sqrt(2.0 / (drawn.shape[0] * share))})
    return params


def first_scores(model: Model, key: jax.Array) -> dict[Path, jax.Array]:
    """Scores before any training: uniform on `(-1, 1) / sqrt(fan_in)`, for each layer with weights."""
    shapes = jax.eval_shape(model.init, key)
    scores: dict[Path, jax.Array] = {}
    for number, (path, _) in enumerate(model.linear_layers()):
        shape = at(shapes, path)["weight"].shape
        reach = 1.0 / math.sqrt(shape[0])
        scores[path] = jax.random.uniform(jax.random.fold_in(key, number), shape, minval=-reach, maxval=reach)
    return scores


def num_kept(numel: int, keep: float) -> int:
    """Weights that stay of `numel`: all but the `int((1 - keep) numel)` with the smallest scores; at least one."""
    return max(numel - int((1.0 - keep) * numel), 1)


def mask_of(scores: jax.Array, keep: float) -> jax.Array:
    """Boolean, of the scores' shape: the `num_kept` of the largest magnitude.

    The threshold is found by bisection on how many are above it, which costs a few passes where a sort costs many. It goes over the bit
    patterns of magnitudes, which are ordered as the magnitudes are, so that it ends at exactly one of them, however small. Of equal
    magnitudes at the threshold those that come first stay, so that the number is exact. NaN counts for more than any number.

    >>> mask_of(jnp.asarray([0.1, -0.9, 0.4, 0.2]), 0.5).tolist()
    [False, True, True, False]
    """
    num_bits = 8 * scores.dtype.itemsize
    size = jax.lax.bitcast_convert_type(jnp.abs(scores).ravel(), jnp.dtype(f"int{num_bits}"))
    kept = num_kept(size.size, keep)

    def halved(bounds: tuple[jax.Array, jax.Array], _: None) -> tuple[tuple[jax.Array, jax.Array], None]:
        low, high = bounds
        middle = low + ((high - low) >> 1)
        enough = jnp.sum(size > middle) >= kept
        return (jnp.where(enough, middle, low), jnp.where(enough, high, middle)), None

    # at least `kept` lie above `low`, fewer above `high`; in the end `high` is the threshold and `low` the pattern before it
    start = (jnp.asarray(-1, size.dtype), jnp.max(size))
    (_, threshold), _ = jax.lax.scan(halved, start, None, length=num_bits - 1)
    above, level = size > threshold, size == threshold
    room = kept - jnp.sum(above)
    return (above | (level & (jnp.cumsum(level) <= room))).reshape(scores.shape)


def gain_of(mask: jax.Array, weight: jax.Array) -> jax.Array:
    """The mean magnitude of the weights that stay: of all gains the one with which `gain * mask * sign(weight)` is nearest to them."""
    inside = mask.astype(weight.dtype)
    return jnp.sum(jnp.abs(weight) * inside) / jnp.sum(inside)


def left_of(mask: jax.Array, weight: jax.Array, *, binary: bool) -> jax.Array:
    """What is left of a layer's weights: `gain * mask * sign(weight)`, or `mask * weight`."""
    inside = mask.astype(weight.dtype)
    return gain_of(mask, weight) * inside * jnp.sign(weight) if binary else inside * weight


def through(scores: jax.Array, weight: jax.Array, ticketing: Ticketing) -> jax.Array:
    """`left_of` the mask of the scores, with the straight-through gradient `dL/dS = dL/dW_left * weight * sign(S)`.

    Mask, gain and sign are passed over by the gradient, as in the published code.
    """
    left = left_of(mask_of(scores, ticketing.keep), weight, binary=ticketing.binary)
    passed = jnp.abs(scores) * weight
    # the difference is exactly 0, so that what is left takes exactly its three values
    return jax.lax.stop_gradient(left) + (passed - jax.lax.stop_gradient(passed))


def masked_params(model: Model, params: Params, masks: dict[Path, jax.Array], *, binary: bool) -> Params:
    """The model's parameters with only the weights in `masks` left."""
    for path, mask in masks.items():
        own = at(params, path)
        params = replaced(params, path, {**own, "weight": left_of(mask, own["weight"], binary=binary)})
    return params


def packed(mask: Any) -> NDArray[np.uint8]:
    """A mask as bits, eight to a byte."""
    return np.packbits(np.asarray(mask, dtype=np.bool_).ravel())


def unpacked(bits: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """The boolean mask of `shape` that was `packed`."""
    return jnp.unpackbits(bits, count=math.prod(shape)).reshape(shape).astype(jnp.bool_)


def name_of(path: Path) -> str:
    """A layer's path as a word.

    >>> name_of((3, "body", 0))
    '3.body.0'
    """
    return ".".join(str(step) for step in path)
