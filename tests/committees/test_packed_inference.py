"""Counting bits gives the logits of the floating-point network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.committees.forms.masked import Masked, masked
from assent.committees.layers import BatchNorm, Conv, Dense, Flatten, Relu, Sign
from assent.committees.masks import Ticketing, first_scores, mask_of, masked_params, random_weights
from assent.committees.models import Model, replaced
from assent.committees.packed_inference import PackedLayer, packed_row, packed_words, unpacked_words

WIDTHS = (70, 129, 64)
"""Below, at and beyond multiples of a word."""


def row(inputs: tuple[int, ...] = (4, 9), widths: tuple[int, ...] = WIDTHS, *, affine: bool = False) -> Model:
    inside = [layer for width in widths for layer in (Dense(width, bias=False), BatchNorm(affine), Sign())]
    return Model((Flatten(), *inside, Dense(5, bias=False)), inputs)


def form_of(model: Model, seed: int, *, keep: float = 0.4, members: int = 2) -> Masked:
    """Tickets that were not trained, calibrated on 100 items of normal numbers."""
    rules, rng = Ticketing(keep=keep), np.random.default_rng(seed)
    key = jax.random.key(seed)
    weights = random_weights(model, key, rules)
    x = jnp.asarray(rng.normal(size=(100, *model.input_shape)), "float32")
    made = list[tuple[Any, Any]]()

    @jax.jit
    def one(key: jax.Array) -> tuple[Any, Any]:
        masks = {path: mask_of(own, keep) for path, own in first_scores(model, key).items()}
        return masks, model.calibrated(masked_params(model, weights, masks, binary=True), x)

    for number in range(members):
        masks, params = one(jax.random.fold_in(key, number))
        for place, layer in enumerate(model.layers):
            if isinstance(layer, BatchNorm) and layer.affine:
                own = {**params[place], "scale": rng.normal(size=WIDTHS[0]), "shift": rng.normal(size=WIDTHS[0])}
                params = replaced(params, (place,), {name: jnp.asarray(leaf, "float32") for name, leaf in own.items()})
            if isinstance(layer, BatchNorm):  # off what whole numbers can reach: there rounding alone would decide
                own = params[place]
                params = replaced(params, (place,), {**own, "mean": own["mean"] + 1e-3})
        made.append((masks, params))
    return masked(model, rules, np.asarray(jax.random.key_data(key))[None], made)


def bare(model: Model) -> Masked:
    """Of a model that is refused before anything is read."""
    return Masked(model, Ticketing(), np.zeros((1, 2), np.uint32), {}, {})


@pytest.fixture(scope="module")
def form() -> Masked:
    return form_of(row(), 0)


def test_logits_from_bits_are_those_of_floats(form: Masked) -> None:
    """1e-5 of logits below 20: both are a whole number times the gain, one rounded once and one summed up, as long as every unit falls on
    the same side; of 400 items none has one within rounding of its threshold here."""
    x = np.random.default_rng(1).normal(size=(400, 4, 9)).astype(np.float32)
    for place, want in enumerate(form.logits(x)):
        found = packed_row(form, place).logits(x)
        assert found == pytest.approx(want, abs=1e-5)
        best = np.sort(want, axis=1)
        clear = best[:, -1] - best[:, -2] > 2e-5  # whole numbers often tie, and rounding alone breaks such ties
        assert clear.mean() > 0.5
        assert (found.argmax(axis=1) == want.argmax(axis=1))[clear].all()
    assert packed_row(form, 0).logits(x[:0]).shape == (0, 5)


def test_counting_without_the_mask_is_rejected(form: Masked) -> None:
    """The wrong variant: a weight that was left out is taken for -gain or gain."""
    layer = packed_row(form, 0).layers[1]
    bits = packed_words(np.random.default_rng(2).random((50, layer.inputs)) < 0.5)
    whole = packed_words(np.ones((layer.outputs, layer.inputs), bool))
    unmasked = PackedLayer(layer.inputs, layer.outputs, layer.signs, whole, layer.gain, None)
    weight = np.asarray(form.member(0)[4]["weight"])
    want = (2.0 * unpacked_words(bits, layer.inputs) - 1.0) @ weight
    assert layer.of_bits(bits) == pytest.approx(want, abs=1e-5)
    assert np.abs(unmasked.of_bits(bits) - want).max() > 1.0


@given(inputs=st.integers(1, 140), outputs=st.integers(1, 5), seed=st.integers(0, 2**16))
@settings(max_examples=40)
def test_a_count_of_bits_is_a_product_of_signs(inputs: int, outputs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, sign, mask = (
        rng.random((3, inputs)) < 0.5,
        rng.random((outputs, inputs)) < 0.5,
        rng.random((outputs, inputs)) < 0.3,
    )
    layer = PackedLayer(inputs, outputs, packed_words(sign), packed_words(mask), np.float32(1), None)
    want = (2 * x - 1) @ ((2 * sign - 1) * mask).T
    assert layer.of_bits(packed_words(x)).tolist() == want.tolist()  # whole numbers: exact
    reals = rng.integers(-9, 9, (4, inputs)).astype(np.float32)
    assert layer.of_reals(reals).tolist() == (reals @ ((2 * sign - 1) * mask).T).tolist()
    assert unpacked_words(packed_words(x), inputs).tolist() == x.tolist()


def test_scales_and_shifts_turn_signs_as_in_floats() -> None:
    form = form_of(row((12,), WIDTHS[:1], affine=True), 3, keep=1.0, members=1)
    x = np.random.default_rng(4).normal(size=(200, 12)).astype(np.float32)
    assert packed_row(form, 0).logits(x) == pytest.approx(form.logits(x)[0], abs=1e-5)


def test_what_cannot_be_read_is_not_answered(form: Masked) -> None:
    x = np.random.default_rng(5).normal(size=(4, 4, 9)).astype(np.float32)
    x[1, 2, 3], x[2, 0, 0] = np.nan, np.inf
    found, want = packed_row(form, 0).logits(x), form.logits(x)[0]
    assert np.isnan(found).tolist() == np.isnan(want).tolist()
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 3]]).all()


def test_bits_that_are_touched_are_two_a_weight_and_one_a_unit(form: Masked) -> None:
    packed = packed_row(form, 0)
    words = [(36, 70), (70, 129), (129, 64), (64, 5)]
    assert packed.num_weight_bits == sum(2 * 64 * -(-inputs // 64) * outputs for inputs, outputs in words)
    assert packed.num_activation_bits == 128 + 192 + 64
    floats = 32 * sum(inputs * outputs for inputs, outputs in words)
    assert packed.num_weight_bits < floats / 8


@pytest.mark.parametrize(
    "layers",
    [
        (Dense(4), BatchNorm(), Sign(), Dense(3, bias=False)),
        (Dense(4, bias=False), Relu(), Dense(3, bias=False)),
        (Dense(4, bias=False), BatchNorm(), Sign()),
        (Dense(4, bias=False), BatchNorm(), Sign(), Flatten(), Dense(3, bias=False)),
        (Dense(4, bias=False), Dense(3, bias=False)),
    ],
)
def test_other_rows_are_refused(layers: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"give a row of Dense\(bias=False\)"):
        packed_row(bare(Model(layers, (6,))), 0)


def test_convolutions_and_real_weights_are_refused(form: Masked) -> None:
    model = Model((Conv(2, bias=False), BatchNorm(), Sign(), Flatten(), Dense(3, bias=False)), (4, 4, 1))
    with pytest.raises(ValueError, match="where Dense should stand"):
        packed_row(bare(model), 0)
    real = Masked(form.model, Ticketing(binary=False), form.weight_keys, form.bits, form.rest)
    with pytest.raises(ValueError, match="edge-popup"):
        packed_row(real, 0)


@pytest.mark.parametrize("name", ["mean", "variance", "scale", "shift"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_normalisations_that_are_not_finite_are_refused(name: str, value: float) -> None:
    """Where the floating-point network says NaN, bits would say a number."""
    form = form_of(row(widths=WIDTHS[:1], affine=True), 0)
    (place,) = form.rest
    broken = form.rest[place][name].at[1, 3].set(value)
    spoilt = replace(form, rest={place: {**form.rest[place], name: broken}})
    with pytest.raises(ValueError, match=f"Of layer 2, a normalisation, .*: {name}\\. "):
        packed_row(spoilt, 1)
    x = np.random.default_rng(1).normal(size=(3, 4, 9)).astype(np.float32)
    np.testing.assert_array_equal(packed_row(spoilt, 0).logits(x), packed_row(form, 0).logits(x))  # the other member
    if np.isnan(value):
        assert np.isnan(spoilt.logits(x)[1]).all()


def test_a_variance_below_0_is_refused(form: Masked) -> None:
    place = next(iter(form.rest))
    own = form.rest[place]
    spoilt = replace(form, rest={**form.rest, place: {**own, "variance": own["variance"].at[0, 0].set(-1.0)}})
    with pytest.raises(ValueError, match=r"below 0: variance\."):
        packed_row(spoilt, 0)
