"""Every way through the layers says what that row of layers says; what is shared is computed once."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees.forms.composed import Composed, every_way, slots_of
from assent.committees.forms.stacked import Stacked
from assent.committees.models import Model, conv_n, mlp
from tests.committees.test_stacked import a_masked, a_stacked, params_of

X = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)


def naive(params: Any, choices: NDArray[np.uint8], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """One way after the other, by NumPy, of a perceptron whose dense layers stand at 0, 2, 4, ..."""
    found = list[NDArray[np.float32]]()
    for way in choices:
        z = x
        for slot, choice in enumerate(way):
            own = params[2 * slot]
            z = z @ np.asarray(own["weight"][choice])
            z = z + np.asarray(own["bias"][choice]) if "bias" in own else z
            z = np.maximum(z, 0) if slot + 1 < len(way) else z
        found.append(z)
    return np.stack(found)


def test_all_ways_some_of_them_and_any_order_say_what_their_layers_say() -> None:
    base = a_stacked(members=3)
    ways = every_way(3, 3)
    assert len(ways) == 27
    whole = Composed(base, ways).logits(X)
    assert whole == pytest.approx(naive(base.params, ways, X), abs=1e-5)
    some = np.random.default_rng(1).permutation(27)[:11]
    assert Composed(base, ways[some]).logits(X) == pytest.approx(whole[some], abs=1e-6)
    again = np.asarray([[2, 0, 1], [2, 0, 1], [0, 0, 0]], np.uint8)
    found = Composed(base, again).logits(X)
    assert found == pytest.approx(naive(base.params, again, X), abs=1e-5)
    turned = naive(base.params, again[:, ::-1], X)  # the wrong variant: layers chosen from behind
    assert np.abs(found - turned).max() > 0.1


def test_masks_are_composed_as_the_weights_that_they_leave() -> None:
    base = a_masked(members=2)
    members = [base.member(place) for place in range(2)]
    params = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *members)
    ways = every_way(2, 3)
    assert Composed(base, ways).logits(X) == pytest.approx(naive(params, ways, X), abs=1e-5)


def test_convolutions_are_composed_too() -> None:
    model = conv_n(2, width=0.05, input_shape=(4, 4, 1), num_classes=3)
    base = Stacked(model, params_of(model, 2))
    assert slots_of(model) == tuple(path[0] for path, _ in model.linear_layers())
    ways = every_way(2, 5, 6)
    x = np.random.default_rng(2).normal(size=(2, 4, 4, 1)).astype(np.float32)
    apply = jax.jit(model.apply)
    for way, found in zip(ways, Composed(base, ways).logits(x), strict=True):
        own = list(base.params)
        for slot, choice in zip(slots_of(model), way, strict=True):
            own[slot] = jax.tree.map(lambda leaf, choice=choice: leaf[choice], base.params[slot])
        assert found == pytest.approx(np.asarray(apply(tuple(own), jnp.asarray(x))), abs=1e-5)


def test_shared_layers_are_paid_once() -> None:
    """m + m^2 + m^3 layers by hand, where one member after the other takes 3 m^3."""
    m, (a, b, c, d) = 3, (6, 5, 4, 3)
    form = Composed(a_stacked(members=m), every_way(m, 3))
    layers = [2 * a * b + b, 2 * b * c + c, 2 * c * d + d]
    units = [b, c, 0]
    by_hand = sum(m ** (place + 1) * (layers[place] + units[place]) for place in range(3))
    assert form.infer_flops() == by_hand
    assert form.infer_flops() < m**3 * sum(layers)
    row = Composed(a_stacked(members=m), np.asarray([[0, 0, 0], [0, 0, 1]], np.uint8))
    assert row.infer_flops() == layers[0] + b + layers[1] + c + 2 * layers[2]


def test_bytes_are_those_of_the_networks_and_of_the_choices() -> None:
    base = a_masked(mlp((6,), (50, 40), 3, bias=False), members=4)
    form = Composed(base, every_way(4, 3))
    assert form.num_bytes == base.num_bytes + 64 * 3
    # 64 members: 4 bits a weight, the choices and the key aside
    assert 8 * (form.num_bytes - 64 * 3 - 8) <= 4 * (6 * 50 + 50 * 40 + 40 * 3 + 3 * 8)


@pytest.mark.parametrize(("m", "slots"), [(1, 3), (2, 1), (2, 4), (3, 3), (4, 2)])
def test_every_way_is_there_once_and_the_first_differ_in_every_layer(m: int, slots: int) -> None:
    ways = every_way(m, slots)
    assert sorted(map(tuple, ways.tolist())) == sorted(itertools.product(range(m), repeat=slots))
    assert all(len(set(ways[:m, slot].tolist())) == m for slot in range(slots))
    assert every_way(m, slots, 2).tolist() == ways[:2].tolist()


def test_a_few_of_very_many_ways_are_not_waited_for() -> None:
    """256^11 ways are more than a 64-bit number counts."""
    assert every_way(256, 11, 300)[[0, 1, 256]].tolist() == [[0] * 11, [1] * 11, [0, 1, *[0] * 9]]


@pytest.mark.parametrize(
    ("choices", "said"),
    [([[0, 0]], r"give \[N, 3\]"), ([[0, 0, 3]], "alternatives are 0 to 2"), (np.zeros((0, 3)), r"give \[N, 3\]")],
)
def test_choices_that_do_not_fit_are_refused(choices: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Composed(a_stacked(members=3), np.asarray(choices, np.uint8))


def test_networks_with_fixed_functions_are_refused() -> None:
    model = Model(a_stacked().model.layers, (6,))
    with pytest.raises(ValueError, match="fixed functions"):
        Composed(Stacked(model, params_of(model, 2), params_of(model, 2)), every_way(2, 3))
