"""Models are described and found again, and have as many weights as their papers say."""

from __future__ import annotations

import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.committees.costs import flops_of
from assent.committees.layers import BatchNorm, Conv, Dense, Flatten, Relu, Residual
from assent.committees.models import (
    Model,
    at,
    conv_n,
    mlp,
    model_of,
    normalises,
    num_params,
    replaced,
    resnet18,
    vgg_small,
)

KEY = jax.random.key(0)

MODELS = {
    "mlp": mlp((4,), (8, 5), 3),
    "mlp of pictures": mlp((4, 4, 1), (), 3, bias=False),
    **{f"conv{depth}": conv_n(depth) for depth in (2, 4, 6, 8)},
    "binary conv4": conv_n(4, binary=True, width=0.3),
    "vgg": vgg_small(affine=True, binary=True, width=1.25),
    "resnet18": resnet18(affine=True),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_description_is_json_and_gives_the_model_again(model: Model) -> None:
    again = model_of(json.loads(json.dumps(model.describe())))
    assert again == model
    assert hash(again) == hash(model)
    assert again.num_classes == model.num_classes


def weights_of(model: Model) -> int:
    """Of its matrices alone, through shapes: nothing is drawn."""
    shapes = jax.eval_shape(model.init, KEY)
    return sum(math.prod(at(shapes, path)["weight"].shape) for path, _ in model.linear_layers())


def by_hand_conv_n(depth: int) -> int:
    channels = [64, 64, 128, 128, 256, 256, 512, 512][:depth]
    convolutions = sum(9 * a * b for a, b in zip([3, *channels], channels, strict=False))
    side = 32 // 2 ** (depth // 2)
    return convolutions + side**2 * channels[-1] * 256 + 256 * 256 + 256 * 10


@pytest.mark.parametrize(("depth", "millions"), [(2, 4.3), (4, 2.4), (6, 2.3), (8, 5.3)])
def test_conv_n_has_the_weights_of_its_paper(depth: int, millions: float) -> None:
    """Frankle and Carbin (ICLR 2019): Conv2 has 4.3 and Conv4 2.4 million weights."""
    found = weights_of(conv_n(depth))
    assert found == by_hand_conv_n(depth) == num_params(jax.eval_shape(conv_n(depth).init, KEY))
    assert round(found / 1e6, 1) == millions


def test_vgg_small_and_resnet18_have_the_weights_of_their_papers() -> None:
    vgg = 9 * (3 * 128 + 128 * 128 + 128 * 256 + 256 * 256 + 256 * 512 + 512 * 512) + 4 * 4 * 512 * 10
    assert weights_of(vgg_small()) == vgg
    stages = 0
    for before, after in ((64, 64), (64, 128), (128, 256), (256, 512)):
        stages += 9 * before * after + 9 * 3 * after * after + (before * after if before != after else 0)
    resnet = 9 * 3 * 64 + stages + 512 * 10
    assert weights_of(resnet18()) == resnet
    assert round(resnet / 1e6, 1) == 11.2
    assert len(list(resnet18().linear_layers())) == 1 + 16 + 3 + 1
    # each normalisation keeps a mean and a variance, and two more numbers where it is affine
    channels = 64 + 4 * (64 + 128 + 256 + 512) + 128 + 256 + 512
    assert num_params(jax.eval_shape(resnet18().init, KEY)) == resnet + 2 * channels
    assert num_params(jax.eval_shape(resnet18(affine=True).init, KEY)) == resnet + 4 * channels


def test_widths_and_biases() -> None:
    half = conv_n(4, width=0.5)
    assert [layer.outputs for _, layer in half.linear_layers()] == [32, 32, 64, 64, 128, 128, 10]
    assert num_params(jax.eval_shape(mlp((4,), (8,), 3).init, KEY)) == 4 * 8 + 8 + 8 * 3 + 3
    assert num_params(jax.eval_shape(mlp((4,), (8,), 3, bias=False).init, KEY)) == 4 * 8 + 8 * 3


@pytest.mark.parametrize("depth", [0, 1, 3, 10])
def test_other_depths_are_refused(depth: int) -> None:
    with pytest.raises(ValueError, match=f"no Conv{depth}"):
        conv_n(depth)


def test_what_is_no_classifier_is_refused() -> None:
    with pytest.raises(ValueError, match="one number for each class"):
        Model((Conv(3),), (4, 4, 1))
    with pytest.raises(ValueError, match=r"shape \(4, 4, 8\) and takes rows of numbers; put Flatten"):
        Model((Conv(8), Relu(), Dense(3)), (4, 4, 1))
    with pytest.raises(ValueError, match="rows of numbers"):
        Model((Residual((Dense(1),), (Conv(1), Flatten(), Dense(1))),), (4, 4, 1))
    assert Model((Conv(8), Relu(), Flatten(), Dense(3)), (4, 4, 1)).output_shape == (3,)
    with pytest.raises(ValueError, match="does not fit into 1 x 1"):
        conv_n(8, input_shape=(8, 8, 1))


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"kind": "Attention"}, "'Attention'"),
        ({}, "None"),
        ({"kind": "Dense", "units": 3}, "Dense has the settings units"),
    ],
)
def test_descriptions_of_nothing_known_are_refused(layer: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        model_of({"input_shape": [4], "layers": [layer]})


def test_calibration_is_what_the_batch_said() -> None:
    """In training on the very items that it was calibrated on, a model says the same; nested normalisations are reached."""
    inner = Residual((Conv(4, bias=False), BatchNorm(), Relu()), (Conv(4, size=1), BatchNorm(True)))
    model = Model((inner, Relu(), Flatten(), Dense(3), BatchNorm(), Relu(), Dense(2)), (4, 4, 2))
    x = jnp.asarray(np.random.default_rng(0).normal(size=(20, 4, 4, 2)), "float32") + 1.0
    params = model.init(KEY)
    calibrated = model.calibrated(params, x)
    want = np.asarray(model.apply(params, x, training=True))
    assert np.asarray(model.apply(calibrated, x)) == pytest.approx(want, abs=1e-5)
    assert np.abs(np.asarray(model.apply(params, x)) - want).max() > 0.1  # without calibration it does not
    assert at(calibrated, (0, "body", 0))["weight"].tolist() == at(params, (0, "body", 0))["weight"].tolist()
    assert np.asarray(model.apply(calibrated, x[:1])) == pytest.approx(want[:1], abs=1e-5)


INNER = Residual((Conv(4, bias=False), BatchNorm(), Relu()), (Conv(4, size=1), BatchNorm(True)))
NORMED = Model((INNER, Relu(), Flatten(), Dense(3), BatchNorm(), Relu(), Dense(2)), (4, 4, 2))
"""Its patches are 4 x 4 x 18 numbers of an item."""


@pytest.mark.parametrize("number", [18, 20, 7])
def test_calibration_in_chunks_is_that_of_all_items(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 6, with a rest or without, of items that go up from chunk to chunk: who took the mean of chunks' variances, or left the
    rest out, would be far off. Single precision of numbers of size 10."""
    rng = np.random.default_rng(1)
    x = jnp.asarray(rng.normal(size=(number, 4, 4, 2)) + np.linspace(-2, 4, number)[:, None, None, None], "float32")
    params = NORMED.init(KEY)
    whole = NORMED.calibrated(params, x)
    monkeypatch.setattr("assent.committees.models.CALIBRATED_AT_ONCE", 6 * 288)
    found = jax.jit(NORMED.calibrated)(params, x)
    for path in ((0, "body", 1), (0, "shortcut", 1), (4,)):
        for name in ("mean", "variance"):
            want = np.asarray(at(whole, path)[name])
            assert np.asarray(at(found, path)[name]) == pytest.approx(want, rel=1e-4, abs=1e-5), (path, name)
            without = np.asarray(at(NORMED.calibrated(params, x[: number // 6 * 6]), path)[name])
            assert number == 18 or np.abs(without - want).max() > 1e-3
    broken = NORMED.calibrated(params, x.at[-1, 0, 0, 0].set(jnp.nan))
    assert np.isnan(at(broken, (4,))["variance"]).all()


def test_calibration_holds_a_chunk_however_many_items_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the compiled program takes beside its inputs; all at once, it is 64 times as much for 64 times the items."""
    shapes = jax.eval_shape(NORMED.init, KEY)

    def held(number: int) -> int:
        items = jax.ShapeDtypeStruct((number, 4, 4, 2), jnp.float32)
        compiled = jax.jit(lambda params, x: NORMED.calibrated(params, x)).lower(shapes, items).compile()
        analysis = compiled.memory_analysis()
        assert analysis is not None
        return analysis.temp_size_in_bytes

    few, many = held(100), held(6_400)
    assert many > 40 * few
    monkeypatch.setattr("assent.committees.models.CALIBRATED_AT_ONCE", 50 * 288)
    chunked = [held(number) for number in (100, 6_400)]
    assert max(chunked) < 2 * few + 6_400 / 50 * 200  # and a few numbers of each chunk
    costs = [
        flops_of(NORMED.calibrated, shapes, jax.ShapeDtypeStruct((number, 4, 4, 2), jnp.float32))
        for number in (50, 6_400)
    ]
    assert 128 * costs[0] < costs[1] < 3 * 128 * costs[0]  # of three normalisations


def test_a_model_without_normalisations_is_not_run_for_its_calibration() -> None:
    model = mlp((4,), (8,), 3)
    params = model.init(KEY)
    assert model.calibrated(params, jnp.ones((2, 99))) is params  # items of another shape would not go through
    assert not normalises(model.layers)
    assert normalises(resnet18().layers)
    assert normalises((Residual((Dense(4),), (Dense(4), BatchNorm())),))


def test_one_layers_parameters_are_found_and_replaced() -> None:
    model = resnet18()
    params = jax.eval_shape(model.init, KEY)
    for path, _ in model.linear_layers():
        changed = replaced(params, path, {"weight": np.zeros(1)})
        assert at(changed, path)["weight"].shape == (1,)
        assert num_params(changed) == num_params(params) - math.prod(at(params, path)["weight"].shape) + 1
