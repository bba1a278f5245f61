"""Small changes of one network are what their papers say: written out in NumPy."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.committees.forms.adapters import Adapters, Adapting, dropped_out, together, with_features
from assent.committees.layers import Conv, Dense, Flatten, Relu
from assent.committees.models import Model, mlp
from tests.committees.test_stacked import an_adapter

MODEL = mlp((6,), (5, 4), 3)
X = np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)


def numbers(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)


def test_a_batch_ensembles_member_is_a_network_with_matrices_of_its_own() -> None:
    form = an_adapter("batch_ensemble")
    shared = numbers(form.shared)
    found = form.logits(X)
    for place in range(3):
        z, plain = X, X
        for layer in (0, 2, 4):
            mine = {name: np.asarray(leaf)[place] for name, leaf in form.members[str(layer)].items()}
            weight = shared[layer]["weight"] * np.outer(mine["before"], mine["after"])
            z, plain = z @ weight + mine["bias"], plain @ shared[layer]["weight"] + mine["bias"]
            z, plain = (np.maximum(side, 0) if layer < 4 else side for side in (z, plain))
        assert found[place] == pytest.approx(z, abs=1e-5)
        assert np.abs(found[place] - plain).max() > 0.1  # without the vectors
    assert set(np.unique(numbers(form.members)["0"]["before"]).tolist()) == {-1.0, 1.0}


def test_a_batch_ensembles_convolution_scales_channels_and_not_places() -> None:
    model = Model((Conv(3, stride=2, bias=False), Flatten(), Dense(2, bias=False)), (4, 5, 2))
    form = an_adapter("batch_ensemble", model, 2)
    x = np.random.default_rng(1).normal(size=(3, 4, 5, 2)).astype(np.float32)
    for place, found in enumerate(form.logits(x)):
        conv, dense = (
            {name: np.asarray(leaf)[place] for name, leaf in form.members[word].items()} for word in ("0", "2")
        )
        kernel = np.asarray(form.shared[0]["weight"]).reshape(9, 2, 3)
        kernel = kernel * conv["before"][None, :, None] * conv["after"]
        last = np.asarray(form.shared[2]["weight"]) * np.outer(dense["before"], dense["after"])
        params = ({"weight": jnp.asarray(kernel.reshape(18, 3))}, {}, {"weight": jnp.asarray(last)})
        assert found == pytest.approx(np.asarray(model.apply(params, jnp.asarray(x))), abs=1e-5)


def linear_dropout(members: int, rate: float) -> Adapters:
    model = Model((Dense(5, bias=False), Dense(3, bias=False)), (6,))
    adapting = Adapting("dropout", rate=rate)
    keys = jax.random.key_data(jax.random.split(jax.random.key(1), members))
    return Adapters(model, adapting, model.init(jax.random.key(0)), {"key": keys})


def test_a_member_leaves_out_the_same_units_for_every_item() -> None:
    """Linear: what a member does is one matrix for all items, in which units are whole rows, left out or divided by what stays."""
    form = linear_dropout(4, 0.4)
    first, last = (np.asarray(own["weight"]) for own in form.shared)
    x = np.eye(6, dtype=np.float32)
    singles = np.concatenate([form.logits(x[place : place + 1]) for place in range(6)], axis=1)
    assert singles == pytest.approx(form.logits(x), abs=1e-6)
    for found in form.logits(x):
        stays = np.linalg.lstsq(
            np.stack([np.outer(a, b).ravel() for a, b in zip(first.T, last, strict=True)], 1), found.ravel()
        )[0]
        assert np.minimum(np.abs(stays), np.abs(stays - 1 / 0.6)) == pytest.approx(np.zeros(5), abs=1e-4)


def test_the_mean_over_members_is_the_network() -> None:
    """Linear: each unit's factor has mean 1 and variance rate / (1 - rate). Four standard errors."""
    members, rate = 4000, 0.4
    form = linear_dropout(members, rate)
    first, last = (np.asarray(own["weight"]) for own in form.shared)
    x = X[:2]
    spread = np.sqrt((rate / (1 - rate)) * ((x @ first) ** 2) @ (last**2) / members)
    off = np.abs(form.logits(x).mean(axis=0) - x @ first @ last)
    assert (off <= 4 * spread).all()
    assert (np.abs((1 - rate) * form.logits(x).mean(axis=0) - x @ first @ last) > 4 * spread).any()  # without dividing


def test_in_training_every_item_loses_units_of_its_own() -> None:
    form = linear_dropout(1, 0.5)
    x = jnp.ones((50, 6))
    found = np.asarray(dropped_out(form.model, form.shared, x, jax.random.key(2), 0.5, training=True))
    assert len(np.unique(found.round(4), axis=0)) > 10
    assert len(np.unique(form.logits(x)[0].round(4), axis=0)) == 1


def test_member_i_of_several_heads_reads_head_i() -> None:
    form = an_adapter("mimo")
    wide = together(MODEL, 3)
    assert wide.input_shape == (18,)
    assert wide.num_classes == 9
    every = np.asarray(wide.apply(form.shared, jnp.asarray(np.concatenate([X] * 3, axis=1)))).reshape(7, 3, 3)
    found = form.logits(X)
    assert found == pytest.approx(every.transpose(1, 0, 2), abs=1e-6)
    assert np.abs(found - every.transpose(2, 0, 1)).max() > 0.01  # classes taken for heads
    assert form.subset([2]).logits(X)[0] == pytest.approx(every[:, 2], abs=1e-6)
    with pytest.raises(ValueError, match="several heads need a dense layer"):
        together(Model((Dense(3), Relu()), (6,)), 2)


def test_an_epinets_fixed_part_is_linear_in_the_index() -> None:
    """What the learned part gives is taken away by letting its last layer be 0."""
    form = an_adapter("epinet")
    learned = [*form.shared["learned"]]
    learned[-1] = jax.tree.map(jnp.zeros_like, learned[-1])
    shared = {**form.shared, "learned": tuple(learned)}

    def added(index: np.ndarray) -> np.ndarray:
        one = Adapters(form.model, form.adapting, shared, {"index": jnp.asarray(index, "float32")[None]})
        return one.logits(X)[0] - base

    base = np.asarray(with_features(MODEL, form.shared["base"], jnp.asarray(X))[0])
    assert base == pytest.approx(np.asarray(MODEL.apply(form.shared["base"], jnp.asarray(X))), abs=1e-6)
    z, w = np.random.default_rng(3).normal(size=(2, 4))
    assert added(2 * z - 3 * w) == pytest.approx(2 * added(z) - 3 * added(w), abs=1e-4)
    assert added(np.zeros(4)) == pytest.approx(np.zeros((7, 3)), abs=1e-6)
    assert np.abs(added(z)).max() > 0.1
    prior = mlp((6,), (5,), 3)
    own = jax.tree.map(lambda leaf: leaf[1], form.shared["fixed"])
    assert added(np.eye(4)[1]) == pytest.approx(np.asarray(prior.apply(own, jnp.asarray(X))), abs=1e-5)


def test_an_epinets_features_are_what_its_last_layer_is_given_and_the_item() -> None:
    params = MODEL.init(jax.random.key(0))
    logits, phi = with_features(MODEL, params, jnp.asarray(X))
    assert phi.shape == (7, 4 + 6)
    assert np.asarray(phi)[:, 4:].tolist() == X.tolist()
    own = numbers(params)[-1]
    assert np.asarray(phi)[:, :4] @ own["weight"] + own["bias"] == pytest.approx(np.asarray(logits), abs=1e-5)


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"rate": 1.0}, {"rate": math.nan}, {"heads": 0}, {"index": 0}])
def test_changes_that_change_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="rate lies between 0 and 1"):
        Adapting("dropout", **wrong)
