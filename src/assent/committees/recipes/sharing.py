"""dropout, batch_ensemble, mimo, epinet: one network that is trained once, and small changes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from assent.committees.committee import Committee
from assent.committees.forms.adapters import (
    Adapters,
    Adapting,
    adapted,
    dropped_out,
    first_member,
    first_shared,
    together,
    with_features,
)
from assent.committees.forms.adapters import epinet as index_added
from assent.committees.forms.stacked import stacked
from assent.committees.layers import Params
from assent.committees.models import Model, normalises
from assent.committees.recipes.making import committee_of, counted
from assent.committees.roots import items_and_labels, named
from assent.committees.splits import Splits
from assent.committees.training import Loss, Training, advanced, begun, cross_entropy
from assent.committees.work import Work, described, keys_of


def dropout(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    rate: float = 0.2,
) -> Committee:
    """One network trained with units left out at random; a member leaves out the same units for every item.

    Gal and Ghahramani, "Dropout as a Bayesian approximation", ICML 2016.

    Args:
        rate: share of the units before each layer but the first that is left out.
    """
    schedule, adapting = training or Training(), Adapting("dropout", rate=rate)

    def loss(params: Any, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        logits = dropped_out(model, params, x, key, rate, training=True)
        return cross_entropy(logits, y, label_smoothing=schedule.label_smoothing)

    return _shared(key, model, data, n, adapting=adapting, training=schedule, work=work, loss=loss, word="dropout")


def mimo(
    key: jax.Array, model: Model, data: Splits, n: int, *, training: Training | None = None, work: Work | None = None
) -> Committee:
    """One network with n inputs and n heads, trained on n items at a time that have nothing to do with each other.

    Havasi and others, "Training independent subnetworks for robust prediction", ICLR 2021. Its heads are trained together, so that each
    depends on n.
    """
    schedule, adapting = training or Training(), Adapting("mimo", heads=counted(n))
    wide = together(model, n)

    def loss(params: Any, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        shown, orders = _side_by_side(x, key, n)
        logits = wide.apply(params, shown, training=True).reshape(len(x), n, -1)
        return sum(
            (
                cross_entropy(logits[:, head], y[order], label_smoothing=schedule.label_smoothing)
                for head, order in enumerate(orders)
            ),
            start=jnp.zeros(()),
        )

    return _shared(key, model, data, n, adapting=adapting, training=schedule, work=work, loss=loss, word="head")


def epinet(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    index: int = 8,
    hidden: tuple[int, ...] = (15, 15),
    fixed_scale: float = 1.0,
    draws: int = 8,
) -> Committee:
    """One network, a small one that is given its features and a random index, and fixed random ones; a member is an index.

    Osband and others, "Epistemic neural networks", NeurIPS 2023. The index does not train the network's features.

    Args:
        index: numbers in an index.
        hidden: of the small networks.
        fixed_scale: what the fixed ones are multiplied by.
        draws: indices in a step.
    """
    schedule = training or Training()
    adapting = Adapting("epinet", index=index, hidden=hidden, fixed_scale=fixed_scale)

    def loss(params: Any, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        base, given = with_features(model, params["base"], x, training=True)
        phi = jax.lax.stop_gradient(given)

        def one(index: jax.Array) -> jax.Array:
            logits = base + index_added(model, adapting, params, phi, x, index)
            return cross_entropy(logits, y, label_smoothing=schedule.label_smoothing)

        return jnp.mean(jax.lax.map(one, jax.random.normal(key, (draws, index))))

    return _shared(
        key,
        model,
        data,
        n,
        adapting=adapting,
        training=schedule,
        work=work,
        loss=loss,
        word="index",
        others={"draws": draws},
    )


def batch_ensemble(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    trainings: float = 1.0,
) -> Committee:
    """One matrix a layer for all, and for each member two vectors beside it; every batch is shared out among the members.

    Wen, Tran and Ba, "BatchEnsemble", ICLR 2020. Members are trained together, so that each depends on n.

    Args:
        trainings: how many times the training's steps; the published networks were trained for about as many as there are members.

    Raises:
        ValueError: a model with normalisations, which would need statistics of each member's own.
    """
    if normalises(model.layers):
        raise ValueError(
            "The model has normalisations, whose statistics would be those of no member; a batch ensemble needs a model without."
        )
    base = training or Training()
    schedule = Training(**{**base.__dict__, "steps": round(trainings * base.steps)})
    adapting = Adapting("batch_ensemble")
    names = named("batch ensemble", range(counted(n)))

    def loss(trained: Any, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        # whose turn it is goes round, so that all members see as many items
        who = jnp.arange(len(x)) % n
        turned = jnp.roll(who, jax.random.randint(key, (), 0, n))
        own = jax.tree.map(lambda leaf: leaf[turned], trained["members"])
        logits = jax.vmap(
            lambda member, item: adapted(model, adapting, trained["shared"], member, item[None], training=False)[0]
        )(own, x)
        return cross_entropy(logits, y, label_smoothing=schedule.label_smoothing)

    def fit(key: jax.Array, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        start, order, own = jax.random.split(key, 3)
        members = stacked([first_member(model, adapting, own, number) for number in range(n)])
        trained = {"shared": first_shared(model, adapting, start), "members": members}
        state, losses = advanced(loss, begun(trained, schedule), x, y, order, training=schedule, steps=schedule.steps)
        return state.trained, losses

    pieces = (work or Work()).fitted(
        "batch-ensemble",
        fit,
        keys_of(key, [0]),
        *items_and_labels(model, data),
        settings=described(model, schedule, n=n),
        of=model,
        names=["all members"],
    )
    trained = pieces.trees[0]
    return committee_of(Adapters(model, adapting, trained["shared"], trained["members"]), pieces, names, one_root=True)


def _shared(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    adapting: Adapting,
    training: Training,
    work: Work | None,
    loss: Loss,
    word: str,
    others: Mapping[str, Any] | None = None,
) -> Committee:
    """`others` is what else the loss depends on."""
    names = named(word, range(counted(n)))

    def fit(key: jax.Array, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        start, order = jax.random.split(key)
        first = first_shared(model, adapting, start)
        # what is fixed is no part of what is trained: a decay of all that is trained would reach it
        fixed = {"fixed": first.pop("fixed")} if adapting.method == "epinet" else {}

        def of_trained(trained: Any, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
            return loss({**trained, **fixed} if fixed else trained, x, y, key)

        state, losses = advanced(
            of_trained, begun(first, training), x, y, order, training=training, steps=training.steps
        )
        return _calibrated(model, adapting, {**state.trained, **fixed} if fixed else state.trained, x, order), losses

    pieces = (work or Work()).fitted(
        adapting.method,
        fit,
        keys_of(key, [0]),
        *items_and_labels(model, data),
        settings=described(model, training, adapting=repr(adapting), **(others or {})),
        of=model,
        names=["the network"],
    )
    members = stacked([first_member(model, adapting, jax.random.fold_in(key, 1), number) for number in range(n)])
    return committee_of(Adapters(model, adapting, pieces.trees[0], members), pieces, names, one_root=True)


def _calibrated(model: Model, adapting: Adapting, shared: Params, x: jax.Array, key: jax.Array) -> Params:
    """What all share, with its normalisations' statistics of the items as they were shown in training."""
    if adapting.method == "epinet":
        return {**shared, "base": model.calibrated(shared["base"], x)}
    if adapting.method == "mimo":
        return together(model, adapting.heads).calibrated(shared, _side_by_side(x, key, adapting.heads)[0])
    return model.calibrated(shared, x)


def _side_by_side(x: jax.Array, key: jax.Array, heads: int) -> tuple[jax.Array, list[jax.Array]]:
    """Items beside others in the last axis, and which each head is shown."""
    orders = [jax.random.permutation(jax.random.fold_in(key, head), len(x)) for head in range(heads)]
    return jnp.concatenate([x[order] for order in orders], axis=-1), orders
