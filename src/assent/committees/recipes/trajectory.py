"""snapshot, swag, tree: members along the way of one training, or of a training that branches."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from assent.committees.committee import Committee
from assent.committees.costs import Cost, Counted
from assent.committees.forms.stacked import Stacked, stacked
from assent.committees.models import Model
from assent.committees.recipes.making import committee_of, counted
from assent.committees.roots import items_and_labels, named
from assent.committees.splits import Splits
from assent.committees.training import State, Training, advanced, begun, plain_loss
from assent.committees.work import Work, described, finite_rows, keys_of


def snapshot(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    cycle: int | None = None,
) -> Committee:
    """One training whose learning rate starts again n times; a member from the end of each fall.

    Huang and others, "Snapshot ensembles: train 1, get M for free", ICLR 2017. Member i does not depend on n: the cycles have a length of
    their own, and n of them take `n cycle` steps.

    Args:
        cycle: steps from one snapshot to the next; a fifth of the training's when left out.
    """
    base = training or Training()
    steps = cycle or max(base.steps // 5, 1)
    falling = replace(base, steps=steps, cosine=True)
    loss = plain_loss(model, falling)
    names = named("snapshot", range(counted(n)))

    def fit(key: jax.Array, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        start, order = jax.random.split(key)

        def one(params: Any, number: jax.Array) -> tuple[Any, tuple[Any, jax.Array]]:
            state, losses = advanced(
                loss, begun(params, falling), x, y, jax.random.fold_in(order, number), training=falling, steps=steps
            )
            return state.trained, (model.calibrated(state.trained, x), losses)

        _, (members, losses) = jax.lax.scan(one, model.init(start), jnp.arange(n))
        return members, losses.ravel()

    pieces = (work or Work()).fitted(
        "snapshots",
        fit,
        keys_of(key, [0]),
        *items_and_labels(model, data),
        settings=described(model, falling, n=n),
        of=model,
        names=["all snapshots"],
        rows=True,
    )
    members, kept, dropped = finite_rows(pieces.trees[0], names)
    return committee_of(Stacked(model, members), pieces, kept, one_root=True, dropped=dropped)


def swag(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    moments: int = 20,
    every: int = 10,
    learning_rate: float = 0.05,
    momentum: float = 0.9,
) -> Committee:
    """n draws from a normal fitted to where stochastic gradient descent goes about at a high rate after one training.

    Maddox and others, "A simple baseline for Bayesian uncertainty in deep learning", NeurIPS 2019: half of the variance from squares of
    each weight, half from the last deviations.

    Args:
        moments: how often the weights are looked at, and deviations kept.
        every: steps between two looks.
        learning_rate, momentum: of the walk.
    """
    base = training or Training()
    walk = replace(base, optimiser="sgd", learning_rate=learning_rate, momentum=momentum, cosine=False)
    trained_by, walked_by = plain_loss(model, base), plain_loss(model, walk)
    names = named("swag", range(counted(n)))

    def fit(key: jax.Array, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        start, order, path = jax.random.split(key, 3)
        state, losses = advanced(
            trained_by, begun(model.init(start), base), x, y, order, training=base, steps=base.steps
        )

        def look(now: State, _: None) -> tuple[State, Any]:
            now, losses = advanced(walked_by, now, x, y, path, training=walk, steps=every)
            return now, (now.trained, losses)

        _, (seen, walked) = jax.lax.scan(look, begun(state.trained, walk), None, length=moments)
        mean = jax.tree.map(lambda leaf: leaf.mean(axis=0), seen)
        spread = jax.tree.map(lambda leaf: jnp.sqrt(leaf.var(axis=0)), seen)
        deviations = jax.tree.map(lambda leaf, centre: leaf - centre[None], seen, mean)
        return (mean, spread, deviations), jnp.concatenate([losses, walked.ravel()])

    arrays = items_and_labels(model, data)
    pieces = (work or Work()).fitted(
        "swag",
        fit,
        keys_of(key, [0]),
        *arrays,
        settings=described(model, base, walk=repr(walk), moments=moments, every=every),
        of=model,
        names=["the walk"],
    )
    mean, spread, deviations = pieces.trees[0]

    def drawn(key: jax.Array, mean: Any, spread: Any, deviations: Any, x: jax.Array) -> Any:
        each, together = jax.random.split(key)
        weights = jax.random.normal(together, (moments,)) / math.sqrt(2.0 * (moments - 1) if moments > 1 else 1.0)
        leaves, tree = jax.tree.flatten(mean)
        noise = [jax.random.normal(jax.random.fold_in(each, place), leaf.shape) for place, leaf in enumerate(leaves)]
        params = jax.tree.map(
            lambda centre, own, beside, apart: (
                centre + own * beside / math.sqrt(2.0) + jnp.tensordot(weights, apart, axes=1)
            ),
            mean,
            spread,
            jax.tree.unflatten(tree, noise),
            deviations,
        )
        return model.calibrated(params, x)

    draw, members, spent = Counted(drawn), list[Any](), Cost()
    for number in range(n):
        measured = draw(jax.random.fold_in(key, number + 1), mean, spread, deviations, arrays[0])
        members.append(measured.value)
        spent += Cost(member_flops=measured.flops, cpu_s=measured.cpu_s)
    return committee_of(Stacked(model, stacked(members)), pieces, names, one_root=True, more=spent)


def tree(
    key: jax.Array, model: Model, data: Splits, n: int, *, training: Training | None = None, work: Work | None = None
) -> Committee:
    """n = 2^d networks for `(d + 1) / (2 - 2^-d)` trainings: one training that branches d times, each level half as long as the one before.

    Every leaf has had a whole training. Branches differ by the order of the items from where they part. How long the levels are depends on
    n. Measured, this keeps next to no diversity: it is here to show that.

    Raises:
        ValueError: n is no power of two.
    """
    depth = counted(n).bit_length() - 1
    if 2**depth != n:
        raise ValueError(f"n = {n} is no power of two, and a tree that branches in two has 2, 4, 8, ... leaves.")
    base = training or Training()
    loss, arrays, worker = plain_loss(model, base), items_and_labels(model, data), work or Work()
    shares = [2.0**-level / (2.0 - 2.0**-depth) for level in range(depth + 1)]
    ends = [round(base.steps * sum(shares[: level + 1])) for level in range(depth + 1)]

    def fit(key: jax.Array, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        start, order = jax.random.split(key)
        first = jax.tree.map(lambda leaf: leaf[None], begun(model.init(start), base))
        states, every, before = first, list[jax.Array](), 0
        for level, end in enumerate(ends):
            if level:
                states = jax.tree.map(lambda leaf: jnp.repeat(leaf, 2, axis=0), states)
            keys = jax.random.split(jax.random.fold_in(order, level), 2**level)

            def branch(way: tuple[State, jax.Array], steps: int = end - before) -> tuple[State, jax.Array]:
                return advanced(loss, way[0], x, y, way[1], training=base, steps=steps)

            states, losses = jax.lax.map(branch, (states, keys))
            every.append(losses.ravel())
            before = end
        leaves = jax.lax.map(lambda params: model.calibrated(params, x), states.trained)
        return leaves, jnp.concatenate(every)

    pieces = worker.fitted(
        "tree",
        fit,
        keys_of(key, [0]),
        *arrays,
        settings=described(model, base, depth=depth),
        of=model,
        names=["the tree"],
        rows=True,
    )
    members, kept, dropped = finite_rows(pieces.trees[0], named("leaf", range(n)))
    return committee_of(Stacked(model, members), pieces, kept, one_root=True, dropped=dropped)
