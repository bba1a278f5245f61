"""tangent: few roots, and many samples in the tangent space of each."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from assent.committees.committee import Committee
from assent.committees.costs import Cost, flops_of
from assent.committees.forms.features import Features, HeadPrior, feature_members
from assent.committees.forms.form import shapes_of
from assent.committees.forms.prior import Prior
from assent.committees.forms.tangent import Tangent, tangent_members
from assent.committees.joint import joint_log_loss
from assent.committees.kernels.features import features
from assent.committees.kernels.room import room_for
from assent.committees.kernels.tangents import along_all, gram, kept_directions, taps
from assent.committees.layers import Params
from assent.committees.models import Model
from assent.committees.recipes.making import costed, counted
from assent.committees.roots import items_and_labels, named, trained_roots
from assent.committees.splits import Labelled, Splits
from assent.committees.training import Training
from assent.committees.work import DroppedWarning, Pieces, Work, keys_of

SPREADS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.85, 1.0)
"""What deviations from the posterior's mean are multiplied by, to be chosen from on validation."""

WITHIN = 0.005
"""Members may be so much less often right on validation than one trained root is."""

MORE = 1.2
"""Where no root had a whole training, members may err so many times as often on validation as the posterior's mean does."""

AT_ONCE = 64
"""Members that are drawn together while the spread is chosen."""

Spread: TypeAlias = float | Literal["validation"]


def tangent(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    roots: int = 4,
    trained: float = 1.0,
    prior: Prior | HeadPrior | None = None,
    spread: Spread = "validation",
    at: Sequence[Params] = (),
) -> Committee:
    """n samples from the tangent spaces of a few roots: each root is one training, a further member hardly anything.

    The prior over directions is normal, the data are those of `data.train`, and members are drawn by Matheron's rule after one
    factorisation a root. He, Lakshminarayanan and Teh, "Bayesian deep ensembles via the neural tangent kernel", NeurIPS 2020; Antorán and
    others, "Sampling-based inference for large linear models", ICLR 2023. Member i stems from root i modulo `roots`, and depends on its
    number alone (and on the spread, if that is chosen on validation).

    Args:
        roots: how many.
        trained: share of the training that a root gets: 0 for random networks, 1 for whole trainings.
        prior: of the directions (`Prior`), or of heads over features of the roots (`HeadPrior`); its own spread is not used.
        spread: what deviations from the mean are multiplied by; "validation" takes, of those with which members are about as good on
            validation as one trained network, the one with the least joint log-loss there.
        at: parameters to take for roots, in place of trainings (tickets, say); they cost nothing here. One that is not finite is left out
            with its members, as a training is.

    Raises:
        ValueError: no roots, none of them finite, or a kernel that is not finite or vanishes at one.
    """
    chosen, schedule = prior or Prior(), training or Training()
    names = named("tangent", range(counted(n)))
    at = at[:n]  # a root without a member is none
    number = len(at) or min(roots, n)
    if number < 1:
        raise ValueError(f"roots = {roots}: members stem from at least one root.")
    pieces = _roots(key, model, data, number, trained=trained, training=schedule, work=work or Work(), at=at)
    sample_keys = keys_of(jax.random.fold_in(key, 2**31 - 2), pieces.numbers)
    # a root that was dropped takes its members with it; the others keep theirs
    shares = {root: np.arange(len(range(root, n, number))) for root in pieces.numbers}
    parts, seconds = _timed(
        [
            lambda params=params, root=root, one=one: _members(
                model, params, data.train, prior=chosen, key=one, numbers=shares[root]
            )
            for params, root, one in zip(pieces.trees, pieces.numbers, sample_keys, strict=True)
            if len(shares[root])
        ]
    )
    if spread == "validation":
        best = chosen_spread(parts, pieces.trees, data.validation, band=WITHIN, random=trained < 1 and not at)
    else:
        best = spread
    parts = [part.spread_to(best) for part in parts]
    kept = [root for root in pieces.numbers for _ in shares[root]]
    order = [root + number * place for root in pieces.numbers for place in shares[root]]
    spent = pieces.cost + _factor_cost(model, data, chosen, len(parts)) + _member_cost(model, data, chosen, len(order))
    return Committee.of(
        parts,
        roots=np.asarray(kept),
        cost=costed(parts, spent + Cost(cpu_s=seconds)),
        names=[names[place] for place in order],
        dropped=[names[place] for root in pieces.dropped for place in range(root, n, number)],
    )


def chosen_spread(
    parts: Sequence[Tangent | Features],
    roots: Sequence[Params],
    validation: Labelled,
    *,
    band: float,
    random: bool,
) -> float:
    """The spread with the least joint log-loss on validation, of those that keep members about as good as one model.

    Args:
        band: how much less often right than a root.
        random: whether the roots had no whole training; then members are held against the posterior's mean.

    Raises:
        ValueError: members are not finite at some validation item.
    """
    x, y = validation.x, np.asarray(validation.y)
    some = [part.subset(np.arange(min(part.num_members, -(-AT_ONCE // len(parts))))) for part in parts]
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is said below
        means = [part.subset([0]).spread_to(0.0).logits(x)[0] for part in some]
        apart = [part.spread_to(1.0).logits(x) - mean[None] for part, mean in zip(some, means, strict=True)]
    broken = np.flatnonzero(~np.all([np.isfinite(own).all(axis=(0, 2)) for own in apart], axis=0))
    if len(broken):
        raise ValueError(
            f"Members are not finite at {len(broken)} of {len(y)} validation items, the first at place {broken[0]}: their numbers are too "
            "great for the model. Scale them down or leave them out."
        )
    if random:
        least = 1.0 - MORE * float(np.mean([(mean.argmax(axis=-1) != y).mean() for mean in means]))
    else:
        model = parts[0].model
        least = (
            float(np.mean([(np.asarray(_apply(model, root, x)).argmax(axis=-1) == y).mean() for root in roots])) - band
        )
    found = list[tuple[float, float]]()
    for spread in SPREADS:
        logits = np.concatenate([mean[None] + spread * own for mean, own in zip(means, apart, strict=True)])
        if float((logits.argmax(axis=-1) == y[None]).mean()) < least and found:
            break
        found.append((_joint(logits, y), spread))
    return min(found)[1]


def _timed(makers: Sequence[Callable[[], Tangent | Features]]) -> tuple[list[Tangent | Features], float]:
    """What is made, and the CPU seconds it takes; the first is made twice, for its first making compiles."""
    makers[0]()
    kept_directions.cache_clear()
    started = time.process_time()
    return [make() for make in makers], time.process_time() - started


def _joint(logits: NDArray[np.floating[Any]], y: NDArray[np.integer[Any]]) -> float:
    """The joint log-loss at the temperature at which the members' mean has the least log-loss."""
    places, best, kept = np.arange(len(y)), np.inf, np.zeros(0)
    for temperature in np.exp(np.linspace(-5.0, 1.0, 19)):
        log_probs = np.asarray(_log_softmax(jnp.asarray(logits / temperature, dtype=jnp.float32)))
        right = log_probs[:, places, y]
        loss = -float(np.mean(np.logaddexp.reduce(right, axis=0)))
        if loss < best:
            best, kept = loss, log_probs
    return joint_log_loss(kept.astype(np.float64), y, draws=1_000).mean


def _roots(
    key: jax.Array,
    model: Model,
    data: Splits,
    number: int,
    *,
    trained: float,
    training: Training,
    work: Work,
    at: Sequence[Params],
) -> Pieces:
    if at:
        items_and_labels(model, data)
        return _given(at)
    return trained_roots(
        key, model, data, range(number), training=training, work=work, share=trained, names=named("root", range(number))
    )


def _given(roots: Sequence[Params]) -> Pieces:
    """Those of the roots that are finite."""
    finite = [all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(root)) for root in roots]
    numbers = tuple(number for number, sound in enumerate(finite) if sound)
    dropped = tuple(number for number, sound in enumerate(finite) if not sound)
    said = ", ".join(named("root", dropped))
    if not numbers:
        raise ValueError(f"Every root holds parameters that are not finite ({said}); give others.")
    if dropped:
        warnings.warn(
            f"Left out, for parameters that are not finite: {said}. The other {len(numbers)} roots stay.",
            DroppedWarning,
            stacklevel=4,
        )
    return Pieces([roots[number] for number in numbers], numbers, dropped, (0.0,) * len(numbers), 0.0, 0.0)


def _members(
    model: Model, root: Params, data: Labelled, *, prior: Prior | HeadPrior, key: jax.Array, numbers: NDArray[np.int64]
) -> Tangent | Features:
    words = np.asarray(jax.random.key_data(key))
    if isinstance(prior, HeadPrior):
        return feature_members(
            model, root, data.x, data.y, prior=replace(prior, spread=1.0), key=words, numbers=numbers
        )
    return tangent_members(model, root, data.x, data.y, prior=replace(prior, spread=1.0), key=words, numbers=numbers)


def _factor_cost(model: Model, data: Splits, prior: Prior | HeadPrior, number: int) -> Cost:
    """Of `number` roots: kernels or features of the training items, and their factorisation."""
    items = jax.ShapeDtypeStruct(data.train.x.shape, jnp.float32)
    shapes, n = shapes_of(model), len(data.train)
    if isinstance(prior, HeadPrior):
        width = prior.number if prior.features == "sketch" else model_width(model)
        made = flops_of(
            lambda p, x: features(model, p, jax.random.key(0), x, kind=prior.features, number=prior.number),
            shapes,
            items,
        )
        solved = _heads_flops(n, width, data.num_classes, sketch=prior.features == "sketch")[0]
        return Cost(factor_flops=number * (made + solved))

    def kernel(p: Params, x: jax.Array) -> jax.Array:
        seen = taps(model, p, x, kernel=prior.kernel)
        return gram(seen, seen, kernel=prior.kernel)

    size = n * (data.num_classes if prior.kernel == "entk" else 1)
    room = jax.ShapeDtypeStruct((room_for(n), *data.input_shape), jnp.float32)
    return Cost(factor_flops=number * (flops_of(kernel, shapes, room) + size**3 / 3))


def _member_cost(model: Model, data: Splits, prior: Prior | HeadPrior, number: int) -> Cost:
    """Of `number` members: each draw from the prior at the training items, and its solution."""
    n, classes = len(data.train), data.num_classes
    if isinstance(prior, HeadPrior):
        width = prior.number if prior.features == "sketch" else model_width(model)
        return Cost(member_flops=number * _heads_flops(n, width, classes, sketch=prior.features == "sketch")[1])
    items = jax.ShapeDtypeStruct(data.train.x.shape, jnp.float32)
    words = jax.ShapeDtypeStruct((1,), jnp.int32)
    draw = flops_of(lambda p, k, x: along_all(model, p, jax.random.key(0), k, x), shapes_of(model), words, items)
    size, columns = (n * classes, 1) if prior.kernel == "entk" else (n, classes)
    return Cost(member_flops=number * (draw + 2.0 * size**2 * columns))


def _heads_flops(n: int, width: int, classes: int, *, sketch: bool) -> tuple[float, float]:
    """What `feature_members` does with features of n items: once, and for each member. Sums by element are left out."""
    rows, columns = (n * classes, 1) if sketch else (n, classes)
    covariance = 2.0 * rows * width**2 + width**3 / 3 + 2.0 * width**3  # a product, its factor, two solutions
    once, each = covariance + 2.0 * (rows + width) * width * columns, 4.0 * n * width * classes
    if sketch:
        return once, each + 2.0 * width**2
    return once + 2.0 * n * width**2, each  # the covariance meets the features once for all members


def model_width(model: Model) -> int:
    """How many features the model's last layer is given, its one included."""
    shapes = jax.eval_shape(
        lambda p, x: features(model, p, jax.random.key(0), x, kind="last", number=1),
        shapes_of(model),
        jax.ShapeDtypeStruct((1, *model.input_shape), jnp.float32),
    )
    return int(shapes.shape[-1])


def _apply(model: Model, params: Params, x: NDArray[np.floating[Any]]) -> jax.Array:
    return _applied(model, params, jnp.asarray(x))


_log_softmax = jax.jit(lambda logits: jax.nn.log_softmax(logits))
_applied = jax.jit(lambda model, params, x: model.apply(params, x), static_argnums=0)
