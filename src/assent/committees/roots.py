"""Roots: separately trained networks, which are members themselves or what members stem from. JAX."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from assent.committees.models import Model
from assent.committees.splits import Splits
from assent.committees.training import Training, advanced, begun, plain_loss
from assent.committees.work import Pieces, Work, described, keys_of, training_arrays


def trained_roots(
    key: jax.Array,
    model: Model,
    data: Splits,
    numbers: Sequence[int],
    *,
    training: Training,
    work: Work,
    share: float = 1.0,
    same_start: bool = False,
    same_order: bool = False,
    resampled: bool = False,
    names: Sequence[str] = (),
) -> Pieces:
    """Networks trained from starts of their own, in orders of their own.

    Args:
        numbers: of the roots; a root depends on its number and on nothing else of them.
        share: of the training's steps that are taken, in [0, 1]; its schedule stays that of the whole.
        same_start, same_order: whether all start from the same parameters, or see the items in the same order.
        resampled: whether each learns from a bootstrap of the items.

    Raises:
        ValueError: a share outside [0, 1], data that are none for the model, or every root left the finite numbers.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share = {share}: give a part of a training, from 0 to 1.")
    steps = round(share * training.steps)
    loss = plain_loss(model, training)

    def fit(key: jax.Array, common: jax.Array, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        start, order, sample = jax.random.split(key, 3)
        shared_start, shared_order, _ = jax.random.split(common, 3)
        if resampled:
            chosen = jax.random.randint(sample, (len(x),), 0, len(x))
            x, y = x[chosen], y[chosen]
        params = model.init(shared_start if same_start else start)
        if not steps:
            return model.calibrated(params, x), jnp.zeros(1)
        state, losses = advanced(
            loss, begun(params, training), x, y, shared_order if same_order else order, training=training, steps=steps
        )
        return model.calibrated(state.trained, x), losses

    settings = described(
        model, training, steps=steps, same_start=same_start, same_order=same_order, resampled=resampled
    )
    common = jax.random.fold_in(key, 2**31 - 1)
    return work.fitted(
        "root",
        fit,
        keys_of(key, numbers),
        common,
        *items_and_labels(model, data),
        settings=settings,
        of=model,
        names=names,
    )


def items_and_labels(model: Model, data: Splits) -> tuple[jax.Array, jax.Array]:
    """Items `[n, ...]` and labels `[n]` that the model is to learn from: every recipe has them from here.

    Raises:
        ValueError: items that the model does not take, more classes than it tells apart, and as `training_arrays`.
    """
    if data.input_shape != model.input_shape or data.num_classes > model.num_classes:
        raise ValueError(
            f"The data have items of the shape {data.input_shape} and {data.num_classes} classes; the model takes items of the shape "
            f"{model.input_shape} and tells {model.num_classes} classes apart. Give a model made for these data."
        )
    return training_arrays(data)


def narrowed(model: Model, factor: float) -> Model:
    """The model with `factor` times as many outputs of every layer with weights but the last, at least one."""

    def scaled(layers: tuple[Any, ...], last: bool) -> tuple[Any, ...]:
        found = list[Any]()
        final = (
            max((place for place, layer in enumerate(layers) if hasattr(layer, "outputs")), default=-1) if last else -1
        )
        for place, layer in enumerate(layers):
            if hasattr(layer, "body"):
                layer = replace(layer, body=scaled(layer.body, False), shortcut=scaled(layer.shortcut, False))
            elif hasattr(layer, "outputs") and place != final:
                layer = replace(layer, outputs=max(1, math.ceil(layer.outputs * factor)))
            found.append(layer)
        return tuple(found)

    return Model(scaled(model.layers, True), model.input_shape)


def named(word: str, numbers: Sequence[int]) -> list[str]:
    """`word 1`, `word 2`, ... of the members with these numbers from 0."""
    return [f"{word} {number + 1}" for number in numbers]


Recipe = Callable[..., Any]
"""`(key, model, data, n, ...) -> Committee`."""
