"""Layers give what the textbook's loops give, forwards and backwards; a hook meets each that has parameters."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees.layers import (
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    Layer,
    Linear,
    MeanOverPlaces,
    Pool,
    Relu,
    Residual,
    Sign,
    apply_layers,
    init_layers,
    shape_after,
    signed,
)

KEY = jax.random.key(0)
SINGLE = 1e-5
"""Sums of at most 75 products of numbers below 10 in single precision: 75 * 2^-24 * 10 is below it."""


def drawn(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_dense_is_a_product_and_a_sum() -> None:
    x, layer = drawn(5, 7), Dense(3)
    params = layer.init(KEY, (7,)) | {"bias": jnp.asarray([1.0, -2.0, 0.5])}
    want = x.astype(np.float64) @ np.asarray(params["weight"], np.float64) + np.asarray(params["bias"])
    assert np.asarray(layer.apply(params, jnp.asarray(x))) == pytest.approx(want, abs=SINGLE)
    by_patches = layer.folded(layer.patches(jnp.asarray(x)) @ params["weight"], jnp.asarray(x)) + params["bias"][None]
    assert np.asarray(by_patches) == pytest.approx(want, abs=SINGLE)
    assert "bias" not in Dense(3, bias=False).init(KEY, (7,))


def same(x: NDArray[np.float32], weight: Any, layer: Conv, padding: str = "SAME") -> NDArray[np.float32]:
    kernel = jnp.asarray(weight).reshape(layer.size, layer.size, x.shape[-1], layer.outputs)
    steps = (layer.stride, layer.stride)
    numbers = ("NHWC", "HWIO", "NHWC")
    return np.asarray(jax.lax.conv_general_dilated(jnp.asarray(x), kernel, steps, padding, dimension_numbers=numbers))


@pytest.mark.parametrize(
    ("size", "stride", "height", "width"),
    [
        (3, 1, 6, 7),
        (3, 2, 6, 7),
        (2, 1, 6, 7),
        (5, 2, 7, 6),
        (3, 3, 7, 8),
        (1, 2, 6, 7),
        (5, 2, 1, 1),
    ],
)
def test_a_convolution_by_patches_is_xlas_with_the_same_padding(
    size: int, stride: int, height: int, width: int
) -> None:
    x, layer = drawn(2, height, width, 3), Conv(4, size=size, stride=stride)
    params = layer.init(KEY, x.shape[1:]) | {"bias": jnp.arange(4.0)}
    found = np.asarray(jax.jit(layer.apply)(params, jnp.asarray(x)))
    assert found.shape[1:] == layer.output_shape(x.shape[1:])
    assert found == pytest.approx(same(x, params["weight"], layer) + np.arange(4.0), abs=SINGLE)


def test_edges_filled_before_and_not_behind_are_told_apart() -> None:
    """Where one row of zeros is missing it goes behind: the variant that fills all before gives something else."""
    x, layer = drawn(1, 6, 6, 2), Conv(3, size=3, stride=2, bias=False)
    weight = layer.init(KEY, (6, 6, 2))["weight"]
    found = np.asarray(layer.apply({"weight": weight}, jnp.asarray(x)))
    before = np.pad(x, ((0, 0), (1, 0), (1, 0), (0, 0)))
    assert found == pytest.approx(same(x, weight, layer), abs=SINGLE)
    assert np.abs(found - same(before, weight, layer, "VALID")).max() > 0.1


@pytest.mark.parametrize("layer", [Dense(3), Conv(3, stride=2)])
def test_a_linear_layer_is_its_patches_times_its_weights(layer: Any) -> None:
    assert isinstance(layer, Layer)
    assert isinstance(layer, Linear)
    x = jnp.asarray(drawn(2, 5, 4, 2) if isinstance(layer, Conv) else drawn(2, 6))
    params = layer.init(KEY, x.shape[1:])
    by_hand = layer.folded(layer.patches(x) @ params["weight"] + params["bias"][None, None], x)
    assert np.asarray(layer.apply(params, x)).tolist() == np.asarray(by_hand).tolist()


def test_weights_start_as_wide_as_their_inputs_want() -> None:
    """The mean of m squares of normal numbers is off by sqrt(2 / m) of itself; four times that."""
    for layer, shape, inputs in ((Dense(400), (50,), 50), (Conv(100, size=5), (9, 9, 8), 200)):
        weight = np.asarray(layer.init(KEY, shape)["weight"])
        assert weight.shape == (inputs, layer.outputs)
        assert (weight**2).mean() == pytest.approx(2 / inputs, rel=4 * np.sqrt(2 / weight.size))


@pytest.mark.parametrize(("size", "height", "width"), [(2, 4, 6), (2, 5, 7), (3, 7, 3)])
def test_pooling_is_the_loop_over_windows(size: int, height: int, width: int) -> None:
    x = drawn(2, height, width, 3)
    for mean in (False, True):
        found = np.asarray(Pool(size, mean).apply({}, jnp.asarray(x)))
        for b, i, j, c in itertools.product(range(2), range(height // size), range(width // size), range(3)):
            window = x[b, i * size : (i + 1) * size, j * size : (j + 1) * size, c]
            assert found[b, i, j, c] == pytest.approx(window.mean() if mean else window.max(), abs=1e-6)
        assert found.shape == (2, height // size, width // size, 3)


def test_a_window_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="2 x 2 does not fit into 1 x 5 places"):
        Pool().output_shape((1, 5, 3))


def test_the_mean_over_places_and_flat_items() -> None:
    x = drawn(2, 3, 4, 5)
    assert np.asarray(MeanOverPlaces().apply({}, jnp.asarray(x))) == pytest.approx(x.mean(axis=(1, 2)), abs=1e-6)
    assert np.asarray(Flatten().apply({}, jnp.asarray(x))).tolist() == x.reshape(2, -1).tolist()
    assert MeanOverPlaces().output_shape((3, 4, 5)) == (5,)
    assert Flatten().output_shape((3, 4, 5)) == (60,)


def test_the_sign_and_what_is_taken_for_its_gradient() -> None:
    x = jnp.asarray([-3.0, -1.0, -0.25, 0.0, 0.5, 1.0, 2.0])
    assert np.asarray(signed(x)).tolist() == [-1, -1, -1, -1, 1, 1, 1]
    gradient = np.asarray(jax.grad(lambda z: (signed(z) * jnp.arange(7.0)).sum())(x)) / np.maximum(np.arange(7.0), 1)
    assert gradient.tolist() == [0, 0, 1.5, 2, 1, 0, 0]
    hard_tanh = (np.abs(np.asarray(x)) < 1).astype(float)  # the usual straight-through estimator, which this is not
    assert gradient.tolist() != hard_tanh.tolist()
    assert np.isnan(np.asarray(signed(jnp.asarray([jnp.nan]))))[0]


def test_normalisation_goes_by_the_batch_in_training_and_by_its_statistics_afterwards() -> None:
    x = 3.0 * drawn(50, 4, 4, 3) + 2.0
    layer = BatchNorm(affine=True)
    params = layer.init(KEY, (4, 4, 3)) | {"scale": jnp.asarray([1.0, 2.0, 3.0]), "shift": jnp.asarray([0.0, 1.0, 2.0])}
    wide = x.astype(np.float64)
    want = (wide - wide.mean(axis=(0, 1, 2))) / np.sqrt(wide.var(axis=(0, 1, 2)) + 1e-5)
    want = want * [1.0, 2.0, 3.0] + [0.0, 1.0, 2.0]
    trained = np.asarray(layer.apply(params, jnp.asarray(x), training=True))
    assert trained == pytest.approx(want, abs=1e-4)  # 2e-7 of the mean 2, by a scale of 3 and a rsqrt with 1e-6
    before = np.asarray(layer.apply(params, jnp.asarray(x)))
    assert before == pytest.approx(wide / np.sqrt(1 + 1e-5) * [1, 2, 3] + [0, 1, 2], abs=1e-4)
    statistics = {"mean": jnp.asarray(wide.mean(axis=(0, 1, 2)), "float32"), "variance": jnp.asarray(x.var((0, 1, 2)))}
    after = np.asarray(layer.apply(params | statistics, jnp.asarray(x[:1])))
    assert after == pytest.approx(want[:1], abs=1e-4)
    assert set(BatchNorm().init(KEY, (3,))) == {"mean", "variance"}


def test_a_batch_of_one_is_normalised_to_nothing_and_not_to_nan() -> None:
    assert np.asarray(
        BatchNorm().apply(BatchNorm().init(KEY, (3,)), jnp.asarray(drawn(1, 3)), training=True)
    ).tolist() == [[0.0, 0.0, 0.0]]


BODY = (Conv(4, stride=2, bias=False), BatchNorm(True), Relu(), Conv(4))
NESTED = (Conv(3), Relu(), Residual(BODY, (Conv(4, size=1, stride=2),)), Residual((BatchNorm(),)), Flatten(), Dense(2))


def test_the_hook_reaches_every_layer_with_parameters_and_may_take_its_place() -> None:
    params = jax.jit(lambda: init_layers(NESTED, KEY, (6, 5, 2)))()
    met = dict[Any, Any]()

    def noting(path: Any, layer: Any, own: Any, x: jax.Array, training: bool) -> jax.Array:
        met[path] = (layer, training)
        return layer.apply(own, x, training=training)

    x = jnp.asarray(drawn(3, 6, 5, 2))
    hooked = apply_layers(NESTED, params, x, training=True, hook=noting)
    assert hooked.tolist() == apply_layers(NESTED, params, x, training=True).tolist()
    assert list(met) == [
        (0,),
        (2, "body", 0),
        (2, "body", 1),
        (2, "body", 3),
        (2, "shortcut", 0),
        (3, "body", 0),
        (5,),
    ]
    assert all(training for _, training in met.values())
    assert met[2, "body", 0][0] == BODY[0]

    def silenced(path: Any, layer: Any, own: Any, x: jax.Array, training: bool) -> jax.Array:
        out = layer.apply(own, x, training=training)
        return jnp.zeros_like(out) if path == (5,) else out

    assert not apply_layers(NESTED, params, x, hook=silenced).any()


def test_a_residual_is_its_body_and_its_shortcut() -> None:
    residual = Residual((Dense(3, bias=False), Relu()))
    params = residual.init(KEY, (3,))
    x = drawn(4, 3)
    want = np.maximum(x @ np.asarray(params["body"][0]["weight"]), 0) + x
    assert np.asarray(residual.apply(params, jnp.asarray(x))) == pytest.approx(want, abs=SINGLE)
    with pytest.raises(ValueError, match=r"body gives the shape \(4,\) and its shortcut \(3,\)"):
        Residual((Dense(4),)).output_shape((3,))


def test_parameters_do_not_depend_on_what_comes_behind() -> None:
    short, long = init_layers(NESTED[:1], KEY, (6, 5, 2)), init_layers(NESTED, KEY, (6, 5, 2))
    assert short[0]["weight"].tolist() == long[0]["weight"].tolist()
    assert shape_after(NESTED, (6, 5, 2)) == (2,)


@pytest.mark.parametrize(
    "layers",
    [
        (Conv(3), Relu(), Pool(), Flatten(), Dense(2)),
        (Conv(3), BatchNorm(), Sign(), MeanOverPlaces(), Dense(2)),
        NESTED,
        (Pool(mean=True), Flatten(), Sign(), Dense(2)),
    ],
)
def test_nan_goes_in_and_comes_out_for_that_item_alone(layers: tuple[Any, ...]) -> None:
    x = drawn(3, 6, 5, 2)
    x[1, 2, 3, 0] = np.nan
    params = jax.jit(lambda: init_layers(layers, KEY, (6, 5, 2)))()
    out = np.asarray(jax.jit(lambda own, items: apply_layers(layers, own, items))(params, jnp.asarray(x)))
    assert np.isnan(out[1]).all()
    assert np.isfinite(out[[0, 2]]).all()
