"""Tickets take one bit a weight, and their answers are those of the weights that their masks leave."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.committees.forms.masked import Masked
from assent.committees.layers import BatchNorm, Conv, Dense, Flatten, Residual, Sign
from assent.committees.masks import Ticketing, random_weights
from assent.committees.models import Model, mlp, model_of
from tests.committees.test_stacked import a_masked

MODEL = mlp((6,), (50, 40), 3, bias=False)
X = np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)


@functools.cache
def drawn_by(ticketing: Ticketing) -> Any:
    return jax.jit(lambda key: random_weights(MODEL, key, ticketing))


@pytest.mark.parametrize(("shared", "binary"), [(True, True), (False, False)])
def test_members_are_what_their_masks_leave(shared: bool, binary: bool) -> None:
    """By NumPy: a gain that is the mean magnitude of the weights that stay."""
    form = a_masked(MODEL, shared=shared, binary=binary)
    assert form.shared == shared
    found = form.logits(X)
    for place in range(3):
        key = jax.random.wrap_key_data(jnp.asarray(form.weight_keys[0 if shared else place]))
        z = X
        weights = drawn_by(form.ticketing)(key)
        for number, mask in form.mask(place).items():
            weight = np.asarray(weights[int(number)]["weight"])
            kept = weight * mask
            left = np.abs(weight)[mask].mean() * np.sign(kept) if binary else kept
            z = z @ left
            z = np.maximum(z, 0) if number != "4" else z
        assert found[place] == pytest.approx(z, abs=1e-5)
    assert np.abs(found[0] - found[1]).max() > 0.1


def test_a_ticket_takes_one_bit_a_weight_and_all_share_a_key() -> None:
    one, many = a_masked(MODEL, members=1), a_masked(MODEL, members=8)
    each = sum(-(-inputs * outputs // 8) for inputs, outputs in ((6, 50), (50, 40), (40, 3)))
    assert one.num_bytes == each + 8
    assert many.num_bytes == 8 * each + 8
    assert a_masked(MODEL, members=8, shared=False).num_bytes == 8 * (each + 8)
    assert many.num_bytes < 8 * 4 * (6 * 50 + 50 * 40 + 40 * 3) / 31


@functools.cache
def with_normalisations() -> Masked:
    inner = Residual((Conv(3, bias=False), BatchNorm(True), Sign()), (Conv(3, size=1, bias=False),))
    model = Model((inner, Flatten(), BatchNorm(), Dense(2, bias=False)), (3, 3, 2))
    form = a_masked(model)
    rest = {name: {part: leaf + 0.5 for part, leaf in own.items()} for name, own in form.rest.items()}
    return Masked(form.model, form.ticketing, form.weight_keys, form.bits, rest)


def test_statistics_of_normalisations_are_the_members_own_and_come_back() -> None:
    form = with_normalisations()
    assert sorted(form.rest) == ["0.body.1", "2"]
    x = np.random.default_rng(1).normal(size=(4, 3, 3, 2)).astype(np.float32)
    apply = jax.jit(form.model.apply)
    want = np.stack([np.asarray(apply(form.member(place), jnp.asarray(x))) for place in range(3)])
    assert form.logits(x) == pytest.approx(want, abs=1e-5)
    again = Masked.restored(form.settings(), form.arrays())
    assert again.logits(x).tobytes() == form.logits(x).tobytes()
    assert form.subset([2]).logits(x)[0] == pytest.approx(want[2], abs=1e-5)


def test_a_checkpoint_without_its_statistics_is_refused() -> None:
    form = with_normalisations()
    arrays = {name: own for name, own in form.arrays().items() if name != "rest 0.body.1 scale"}
    with pytest.raises(ValueError, match=r"of layer 0\.body\.1 where the model wants"):
        Masked.restored(form.settings(), arrays)
    none = {name: own for name, own in form.arrays().items() if not name.startswith("rest")}
    with pytest.raises(ValueError, match=r"has nothing of layer .* another architecture"):
        Masked.restored(form.settings(), none)


def test_another_ticketing_is_another_network() -> None:
    """What the weights are is in the settings: read with others the same bits say something else."""
    form = a_masked(MODEL)
    settings: dict[str, Any] = form.settings() | {"ticketing": {"keep": 0.5, "binary": False}}
    other = Masked.restored(settings, form.arrays())
    assert other.ticketing == Ticketing(binary=False)
    assert model_of(settings["model"]) == MODEL
    assert np.abs(other.logits(X) - form.logits(X)).max() > 0.01
