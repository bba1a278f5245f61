"""Binary networks from their bits alone: a product of signs is a count of bits that agree. NumPy.

Of a multi-prize ticket with binary activations (MPT-1/1) each weight is one of -gain, 0 and gain, and each activation one of -1 and 1. With
words of 64 bits `x` of an item, `sign` and `mask` of a unit, their product is `2 popcount(~(x ^ sign) & mask) - popcount(mask)`: bits that
agree, less those that do not. Rastegari and others, "XNOR-Net", ECCV 2016, with the bits that a ticket leaves out masked away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assent.committees.forms.masked import Masked
from assent.committees.layers import BatchNorm, Dense, Flatten, Sign
from assent.committees.masks import name_of
from assent.committees.models import Model, at

WORD = 64
HELD = 1 << 22
"""Words that a few items may bring about at once."""


@dataclass(frozen=True, eq=False)
class PackedLayer:
    """A dense layer of a ticket, and the normalisation behind it.

    Attributes:
        inputs, outputs: of the layer.
        signs: uint64 [outputs, words], 1 where a weight is above 0; bits behind the last input are 0.
        mask: uint64 [outputs, words], 1 where a weight stays.
        gain: magnitude of those.
        norm: mean, factor and shift of the normalisation behind it, float32 [outputs] each, or None behind the last layer.
    """

    inputs: int
    outputs: int
    signs: NDArray[np.uint64]
    mask: NDArray[np.uint64]
    gain: np.float32
    norm: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]] | None

    def of_reals(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """`[B, outputs]` of real inputs `[B, inputs]`."""
        signs, mask = (unpacked_words(words, self.inputs) for words in (self.signs, self.mask))
        weight = np.where(mask, np.where(signs, self.gain, -self.gain), np.float32(0))
        return np.asarray(x @ weight.T)

    def of_bits(self, x: NDArray[np.uint64]) -> NDArray[np.float32]:
        """`[B, outputs]` of activations' bits `[B, words]`."""
        kept = np.bitwise_count(self.mask).sum(axis=1, dtype=np.int64)
        at_once = max(1, HELD // max(self.signs.size, 1))
        found = np.empty((len(x), self.outputs), dtype=np.int64)
        for first in range(0, len(x), at_once):
            agree = ~(x[first : first + at_once, None] ^ self.signs[None]) & self.mask[None]
            found[first : first + at_once] = 2 * np.bitwise_count(agree).sum(axis=2, dtype=np.int64) - kept
        return found.astype(np.float32) * self.gain

    def signed(self, y: NDArray[np.float32]) -> NDArray[np.uint64]:
        """Bits of the normalised units that are above 0, `[B, words]`."""
        if self.norm is None:
            raise ValueError("The last layer has no units behind it; its output are the logits.")
        mean, factor, shift = self.norm
        return packed_words(np.asarray((y - mean) * factor + shift > 0))


@dataclass(frozen=True, eq=False)
class PackedRow:
    """One ticket with binary activations, a row of dense layers.

    Attributes:
        layers: in order; the first is given real inputs.
    """

    layers: tuple[PackedLayer, ...]

    @property
    def num_weight_bits(self) -> int:
        """Bits of signs and masks that one answer reads, whole words: two for each weight. On disk a ticket takes one, as its signs come
        from a key."""
        return sum(8 * (layer.signs.nbytes + layer.mask.nbytes) for layer in self.layers)

    @property
    def num_activation_bits(self) -> int:
        """Bits of activations that one item brings about, whole words."""
        return sum(WORD * layer.signs.shape[1] for layer in self.layers[1:])

    def logits(self, x: ArrayLike) -> NDArray[np.float32]:
        """`[B, C]` of items `[B, ...]`; NaN throughout for an item with which a unit of the first layer is NaN.

        Equal to those of `Masked.logits` up to rounding, where no unit lies so near to its threshold that rounding decides. Logits are
        whole numbers times one gain, so that classes often tie exactly; floating-point sums break such ties by their rounding.
        """
        items = np.asarray(x, dtype=np.float32)
        first, *others = self.layers
        with np.errstate(invalid="ignore", over="ignore"):
            y = first.of_reals(items.reshape(len(items), first.inputs))
        unreadable: NDArray[np.bool_] = np.asarray(np.isnan(y).any(axis=1))
        for before, layer in zip(self.layers, others, strict=False):
            with np.errstate(invalid="ignore", over="ignore"):
                bits = before.signed(y)
            y = layer.of_bits(bits)
        return np.asarray(np.where(unreadable.reshape(-1, 1), np.float32(np.nan), y))


def packed_row(form: Masked, place: int) -> PackedRow:
    """One member in bits.

    Raises:
        ValueError: a form that keeps more than signs, layers other than dense ones without biases, with `BatchNorm()` and `Sign()` units
            between them, or a normalisation whose numbers are not finite: a bit cannot be NaN.
    """
    if not form.ticketing.binary:
        raise ValueError(
            "The tickets keep their weights as they are (edge-popup); only signs can be packed (binary=True)."
        )
    places, params = _places(form.model), form.member(place)
    layers = list[PackedLayer]()
    for dense, norm in places:
        weight = np.asarray(at(params, (dense,))["weight"])
        mask = form.mask(place)[name_of((dense,))] & (weight != 0)
        inputs, outputs = weight.shape
        gain = np.abs(weight).max(initial=np.float32(0))
        found = None if norm is None else _norm(form.model.layers[norm], at(params, (norm,)), norm)
        layers.append(
            PackedLayer(inputs, outputs, packed_words(weight.T > 0), packed_words(mask.T), np.float32(gain), found)
        )
    return PackedRow(tuple(layers))


def packed_words(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """`[rows, ceil(n / 64)]` words of `[rows, n]` bits, 0 behind the last."""
    rows, number = bits.shape
    padded = np.zeros((rows, -(-number // WORD) * WORD), dtype=np.bool_)
    padded[:, :number] = bits
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64, copy=False)


def unpacked_words(words: NDArray[np.uint64], number: int) -> NDArray[np.bool_]:
    """The `[rows, number]` bits of words."""
    octets = np.ascontiguousarray(words.astype("<u8", copy=False)).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=number, bitorder="little").astype(np.bool_)


_WANTED = "give a row of Dense(bias=False) layers with BatchNorm() and Sign() between them."


def _places(model: Model) -> list[tuple[int, int | None]]:
    """Where each dense layer stands, and the normalisation behind it."""
    kinds = [layer for layer in model.layers if not isinstance(layer, Flatten)]
    offset = len(model.layers) - len(kinds)
    for number, layer in enumerate(kinds):
        wanted = (Dense, BatchNorm, Sign)[number % 3]
        if not isinstance(layer, wanted) or (isinstance(layer, Dense) and layer.bias):
            raise ValueError(f"Layer {number + offset} is {layer}, where {wanted.__name__} should stand; {_WANTED}")
    if len(kinds) % 3 != 1 or not all(isinstance(layer, Flatten) for layer in model.layers[:offset]):
        raise ValueError(f"The model does not end in a dense layer, or flattens in between; {_WANTED}")
    ends = range(0, len(kinds), 3)
    return [(place + offset, place + offset + 1 if place + 1 < len(kinds) else None) for place in ends]


def _norm(layer: Any, own: Any, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    broken = [name for name, leaf in own.items() if not np.isfinite(leaf).all()]
    if not broken and np.min(own["variance"]) < 0:
        broken = ["variance"]
    if broken:
        raise ValueError(
            f"Of layer {number}, a normalisation, these are not finite or below 0: {', '.join(broken)}. Its units are NaN, and no bit says "
            "so; leave that member out."
        )
    mean, variance = (np.asarray(own[name], dtype=np.float32) for name in ("mean", "variance"))
    factor = np.asarray(np.float32(1) / np.sqrt(variance + np.float32(layer.epsilon)), dtype=np.float32)
    if not layer.affine:
        return mean, factor, np.zeros_like(mean)
    scale, shift = (np.asarray(own[name], dtype=np.float32) for name in ("scale", "shift"))
    return mean, np.asarray(factor * scale, dtype=np.float32), shift
