"""tickets, composed: members that are masks over one random network, and members that take each layer from one of m."""

from __future__ import annotations

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from assent.committees.committee import Committee
from assent.committees.forms.composed import Composed, every_way, slots_of
from assent.committees.forms.masked import Masked, masked
from assent.committees.forms.stacked import Stacked
from assent.committees.layers import Params, Path
from assent.committees.masks import Ticketing, first_scores, mask_of, masked_params, random_weights, through
from assent.committees.models import Model, at, replaced
from assent.committees.recipes.making import committee_of, counted
from assent.committees.roots import items_and_labels, named
from assent.committees.splits import Splits
from assent.committees.training import Training, advanced, begun, cross_entropy
from assent.committees.work import Work, described, keys_of

PUBLISHED = Training(optimiser="sgd", learning_rate=0.1, momentum=0.9, weight_decay=5e-4, cosine=True)
"""How scores are trained in the published code, but for the number of steps."""


def tickets(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    ticketing: Ticketing | None = None,
    shared_weights: bool = True,
) -> Committee:
    """n networks found by pruning random weights that are never trained: multi-prize tickets, or those of edge-popup.

    Diffenderfer and Kailkhura, "Multi-prize lottery ticket hypothesis", ICLR 2021, algorithm 1 (biprop); Ramanujan and others, "What's
    hidden in a randomly weighted neural network?", CVPR 2020.

    Args:
        ticketing: what stays and what is left of it.
        shared_weights: whether all are masks over the same weights, so that a member takes one bit a weight, or each has its own.
    """
    schedule, rules = training or PUBLISHED, ticketing or Ticketing()
    names = named("ticket", range(counted(n)))
    common = jax.random.fold_in(key, 2**31 - 1)

    def fit(key: jax.Array, common: jax.Array, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        start, order, own = jax.random.split(key, 3)
        weights_key = common if shared_weights else own
        weights = random_weights(model, weights_key, rules)

        def loss(scores: dict[Path, jax.Array], x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
            logits = model.apply(_left(model, weights, scores, rules), x, training=True)
            return cross_entropy(logits, y, label_smoothing=schedule.label_smoothing)

        state, losses = advanced(
            loss, begun(first_scores(model, start), schedule), x, y, order, training=schedule, steps=schedule.steps
        )
        masks = {path: mask_of(scores, rules.keep) for path, scores in state.trained.items()}
        params = masked_params(model, weights, masks, binary=rules.binary)
        rest = model.calibrated(params, x)
        return (masks, rest, jax.random.key_data(weights_key)), losses

    pieces = (work or Work()).fitted(
        "ticket",
        fit,
        keys_of(key, range(n)),
        common,
        *items_and_labels(model, data),
        settings=described(model, schedule, ticketing=repr(rules), shared_weights=shared_weights),
        of=model,
        names=names,
    )
    keys = np.stack([np.asarray(tree[2]) for tree in pieces.trees])
    members = [(tree[0], tree[1]) for tree in pieces.trees]
    return committee_of(masked(model, rules, keys[:1] if shared_weights else keys, members), pieces, names)


def composed(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    alternatives: int = 4,
    of: Literal["masks", "dense"] = "masks",
    trainings: float = 2.0,
    ticketing: Ticketing | None = None,
) -> Committee:
    """Members that take each layer from one of m networks: up to m^L of them, trained together, another way through at every step.

    Members share layers, and no two share all. A member depends on m and on how long was trained, not on n.

    Args:
        alternatives: m.
        of: masks over one random network, one bit a weight each, or weights.
        trainings: how many times the training's steps.
        ticketing: of masks.

    Raises:
        ValueError: no alternatives or more than 256, more members than ways, or a model with
            normalisations, whose statistics would be another's.
    """
    base = training or (PUBLISHED if of == "masks" else Training())
    schedule, rules = Training(**{**base.__dict__, "steps": round(trainings * base.steps)}), ticketing or Ticketing()
    slots = slots_of(model)
    if not 1 <= alternatives <= 256:
        raise ValueError(f"alternatives = {alternatives}: give from 1 to 256.")
    ways = alternatives ** len(slots)
    if counted(n) > ways:
        raise ValueError(
            f"n = {n}: {alternatives} alternatives for each of {len(slots)} layers make {ways} members; ask for more alternatives."
        )
    linear = [path for path, _ in model.linear_layers()]
    if {(place,) for place in slots} != set(linear):
        raise ValueError(
            "The model has layers with parameters that are no plain linear layers (normalisations, residuals); composed members need a row "
            "of dense layers or convolutions."
        )
    names = named("composed", range(n))

    def fit(key: jax.Array, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        start, order, weights_key = jax.random.split(key, 3)
        starts = [jax.random.fold_in(start, number) for number in range(alternatives)]
        weights = random_weights(model, weights_key, rules)
        every = [first_scores(model, one) if of == "masks" else _linear_only(model, model.init(one)) for one in starts]
        trained = jax.tree.map(lambda *leaves: jnp.stack(leaves), *every)

        def loss(trained: Any, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
            choice = jax.random.randint(key, (len(linear),), 0, alternatives)
            chosen = {
                path: jax.tree.map(lambda leaf, place=place: leaf[choice[place]], trained[path])
                for place, path in enumerate(linear)
            }
            if of == "masks":
                params = _left(model, weights, chosen, rules)
            else:
                params = weights
                for path, own in chosen.items():
                    params = replaced(params, path, own)
            return cross_entropy(model.apply(params, x, training=True), y, label_smoothing=schedule.label_smoothing)

        state, losses = advanced(loss, begun(trained, schedule), x, y, order, training=schedule, steps=schedule.steps)
        if of == "dense":
            return state.trained, losses
        masks = {
            path: jax.lax.map(lambda own: mask_of(own, rules.keep), scores) for path, scores in state.trained.items()
        }
        return (masks, jax.random.key_data(weights_key)), losses

    pieces = (work or Work()).fitted(
        f"composed-{of}",
        fit,
        keys_of(key, [0]),
        *items_and_labels(model, data),
        settings=described(model, schedule, ticketing=repr(rules), alternatives=alternatives),
        of=model,
        names=["all alternatives"],
    )
    form = Composed(_base(model, rules, pieces.trees[0], alternatives, of), every_way(alternatives, len(slots), n))
    return committee_of(form, pieces, names, one_root=True)


def _base(model: Model, rules: Ticketing, tree: Any, alternatives: int, of: str) -> Stacked | Masked:
    if of == "dense":
        params: Params = jax.tree.map(lambda leaf: jnp.stack([leaf] * alternatives), model.init(jax.random.key(0)))
        for path, own in tree.items():
            params = replaced(params, path, own)
        return Stacked(model, params)
    masks, weights_key = tree
    members: list[tuple[dict[Path, NDArray[np.bool_]], Params]] = [
        ({path: np.asarray(mask[number]) for path, mask in masks.items()}, model.init(jax.random.key(0)))
        for number in range(alternatives)
    ]
    return masked(model, rules, np.asarray(weights_key)[None], members)


def _left(model: Model, weights: Params, scores: dict[Path, jax.Array], rules: Ticketing) -> Params:
    for path, own in scores.items():
        layer = at(weights, path)
        weights = replaced(weights, path, {**layer, "weight": through(own, layer["weight"], rules)})
    return weights


def _linear_only(model: Model, params: Params) -> dict[Path, Any]:
    return {path: at(params, path) for path, _ in model.linear_layers()}
