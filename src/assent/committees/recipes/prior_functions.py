"""prior_fn: networks trained apart, each with a random function added that is never trained."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from assent.committees.committee import Committee
from assent.committees.forms.stacked import Stacked, stacked
from assent.committees.models import Model
from assent.committees.recipes.making import committee_of, counted
from assent.committees.roots import items_and_labels, named
from assent.committees.splits import Splits
from assent.committees.training import Training, advanced, begun, cross_entropy
from assent.committees.work import Work, described, keys_of


def prior_fn(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    scale: float = 1.0,
    resampled: bool = False,
) -> Committee:
    """n networks trained apart on what a random network of the same kind leaves over. Where nothing was learned they differ by those.

    Osband, Aslanides and Cassirer, "Randomized prior functions for deep reinforcement learning", NeurIPS 2018; the Neural Testbed
    (Osband and others, NeurIPS 2022) calls it ensemble+.

    Args:
        scale: what the random function is multiplied by.
        resampled: whether each learns from a bootstrap of the items.
    """
    schedule = training or Training()
    names = named("prior function", range(counted(n)))

    def fit(key: jax.Array, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        start, fixed_key, order, sample = jax.random.split(key, 4)
        if resampled:
            chosen = jax.random.randint(sample, (len(x),), 0, len(x))
            x, y = x[chosen], y[chosen]
        fixed = model.init(fixed_key)

        def loss(params: Any, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
            beside = jax.lax.stop_gradient(model.apply(fixed, x, training=True))
            logits = model.apply(params, x, training=True) + jnp.asarray(scale, beside.dtype) * beside
            return cross_entropy(logits, y, label_smoothing=schedule.label_smoothing)

        state, losses = advanced(
            loss, begun(model.init(start), schedule), x, y, order, training=schedule, steps=schedule.steps
        )
        return (model.calibrated(state.trained, x), model.calibrated(fixed, x)), losses

    pieces = (work or Work()).fitted(
        "prior-function",
        fit,
        keys_of(key, range(n)),
        *items_and_labels(model, data),
        settings=described(model, schedule, scale=scale, resampled=resampled),
        of=model,
        names=names,
    )
    trained, fixed = zip(*pieces.trees, strict=True)
    form = Stacked(model, stacked(list(trained)), stacked(list(fixed)), scale)
    return committee_of(form, pieces, names)
