"""The ledger counts what a hand counts, and a loop as often as it goes round."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.committees.costs import Cost, Counted, bytes_of, flops_of
from assent.committees.layers import Conv
from assent.committees.models import conv_n, mlp
from assent.committees.training import Training, advanced, begun, plain_loss

KEY = jax.random.key(0)


def shape(*axes: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(axes, jnp.float32)


def test_a_forward_pass_is_two_operations_for_each_weight_and_item() -> None:
    model, batch = mlp((50,), (80, 60), 10), 16
    params = jax.eval_shape(model.init, KEY)
    products = 2 * batch * (50 * 80 + 80 * 60 + 60 * 10)
    beside = batch * (2 * 80 + 2 * 60 + 10)  # biases and the greater of x and 0
    found = flops_of(model.apply, params, shape(batch, 50))
    assert found == pytest.approx(products + beside, rel=0.01)
    assert found != pytest.approx((products + beside) / 2, rel=0.01)  # multiplications alone


def test_a_training_step_is_three_passes_but_for_the_gradient_of_the_items() -> None:
    model, batch, steps = mlp((400,), (300, 200), 10), 256, 7
    weights = [400 * 300, 300 * 200, 200 * 10]
    # forwards; back to the weights; back to what a layer was given, but to the items
    products = 2 * batch * (3 * sum(weights) - weights[0])
    units = 300 + 200 + 10
    beside = batch * (4 * units) + 14 * (sum(weights) + units)  # units there and back; Adam's averages, roots and moves
    training = Training(steps=steps, batch=batch)
    params = jax.eval_shape(model.init, KEY)

    def fit(params: Any, x: jax.Array, y: jax.Array, key: jax.Array) -> Any:
        return advanced(plain_loss(model, training), begun(params, training), x, y, key, training=training, steps=steps)

    items, labels = shape(batch, 400), jax.ShapeDtypeStruct((batch,), jnp.int32)
    found = flops_of(fit, params, items, labels, KEY)
    assert found == pytest.approx(steps * (products + beside), rel=0.01)
    assert found != pytest.approx(steps * (products + beside + 2 * batch * weights[0]), rel=0.01)


def product(a: jax.Array) -> jax.Array:
    return jax.lax.scan(lambda carry, _: (carry @ carry, None), a, None, length=10)[0]


def test_a_loop_counts_as_often_as_it_goes_round_and_xlas_own_count_does_not() -> None:
    one = 2 * 32**3
    assert flops_of(product, shape(32, 32)) == 10 * one
    nested = jax.lax.scan
    assert flops_of(lambda a: nested(lambda c, _: (product(c), None), a, None, length=3)[0], shape(32, 32)) == 30 * one
    said = jax.jit(product).lower(shape(32, 32)).compile().cost_analysis()
    assert isinstance(said, dict)
    assert said["flops"] < 2 * one


@pytest.mark.parametrize(("stride", "size"), [(1, 3), (2, 5)])
def test_a_convolution_is_its_windows_times_its_weights(stride: int, size: int) -> None:
    layer = Conv(8, size=size, stride=stride, bias=False)
    params = jax.eval_shape(lambda: layer.init(KEY, (9, 12, 3)))
    places = -(-9 // stride) * -(-12 // stride)
    assert flops_of(layer.apply, params, shape(2, 9, 12, 3)) == 2 * 2 * places * size**2 * 3 * 8

    def xlas(kernel: jax.Array, x: jax.Array) -> jax.Array:
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=numbers)

    assert flops_of(xlas, shape(size, size, 3, 8), shape(2, 9, 12, 3)) == 2 * 2 * places * size**2 * 3 * 8


def test_conv4_on_cifar_takes_what_its_layers_take() -> None:
    model = conv_n(4)
    channels = ((3, 64, 32), (64, 64, 32), (64, 128, 16), (128, 128, 16))
    by_hand = sum(2 * 9 * a * b * side**2 for a, b, side in channels) + 2 * (8 * 8 * 128 * 256 + 256 * 256 + 2560)
    found = flops_of(model.apply, jax.eval_shape(model.init, KEY), shape(1, 32, 32, 3))
    assert found == pytest.approx(by_hand, rel=0.01)


def test_a_loop_that_may_never_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"how many operations it takes; write it as `jax\.lax\.scan`"):
        flops_of(lambda a: jax.lax.while_loop(lambda c: c.sum() < 1.0, lambda c: c + 1.0, a), shape(3))
    hidden = jax.jit(lambda a: jax.lax.while_loop(lambda c: c.sum() < 1.0, lambda c: c + 1.0, a))
    with pytest.raises(ValueError, match="`while` loop"):  # inside a compiled function and a scan as well
        flops_of(lambda a: jax.lax.scan(lambda c, _: (hidden(c), None), a, None, length=2)[0], shape(3))


def test_what_moves_numbers_is_free_and_what_adds_into_places_is_not() -> None:
    assert flops_of(lambda a: jnp.concatenate([a.T, a.T])[::-1].reshape(-1)[3:9], shape(4, 5)) == 0
    assert flops_of(lambda a: jnp.zeros(100).at[jnp.asarray([1, 1, 2])].add(a, mode="promise_in_bounds"), shape(3)) < 20
    assert flops_of(lambda a: jnp.sum(a), shape(4, 5)) == 20
    assert flops_of(lambda a: jnp.linalg.cholesky(a, symmetrize_input=False), shape(200, 200)) == pytest.approx(
        200**3 / 3, rel=0.05
    )
    both = flops_of(lambda a: jax.lax.cond(a[0] > 0, lambda z: z + z, lambda z: z + z * z, a), shape(50))
    assert 100 <= both <= 105  # the dearer branch


def test_a_counted_function_is_compiled_once_for_a_shape() -> None:
    traced = list[tuple[int, ...]]()

    def function(a: jax.Array, tree: dict[str, jax.Array]) -> jax.Array:
        traced.append(a.shape)
        return a @ tree["b"]

    counted = Counted(function)
    for value in (1.0, 2.0):
        found = counted(jnp.full((2, 3), value), {"b": jnp.ones((3, 4))})
        assert found.value.tolist() == [[3 * value] * 4] * 2
        assert found.flops == 2 * 2 * 3 * 4
        assert found.cpu_s >= 0
    assert traced == [(2, 3)]
    assert counted(jnp.ones((5, 3)), {"b": jnp.ones((3, 4))}).flops == 2 * 5 * 3 * 4
    assert traced == [(2, 3), (5, 3)]
    assert counted(jnp.ones((2, 3), jnp.int32), {"b": jnp.ones((3, 4), jnp.int32)}).value.dtype == jnp.int32


def test_costs_add_up_and_are_told_in_trainings() -> None:
    first, second = Cost(1.0, 2.0, 3.0, 4.0, 5, 6.0), Cost(10.0, 20.0, 30.0, 40.0, 50, 60.0)
    assert first + second == Cost(11.0, 22.0, 33.0, 44.0, 55, 66.0)
    assert first.flops == 6.0  # answering is no part of what was spent before there were members
    assert (first + second).trainings(first) == 11.0
    with pytest.raises(ValueError, match=r"took 0\.0 operations"):
        first.trainings(Cost(infer_flops=9.0))


def test_bytes_are_those_of_the_arrays() -> None:
    assert bytes_of({"a": np.zeros((3, 4), np.float32), "b": (np.zeros(5, np.uint8), None)}) == 53
    assert bytes_of(None) == 0
