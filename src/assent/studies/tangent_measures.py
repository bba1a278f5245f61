"""What the study of the tangent space measures: networks and their linearisation, tickets, closed fits, and what pruning leaves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assent.studies.study import Row

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
KEEP, KEEPS = 0.5, (0.5, 0.3, 0.1)
UNSCALED = 128
"""Width at which a rate that falls as 1 / width is the problem's own."""


@dataclass(frozen=True)
class Width:
    """Networks with two hidden layers of this width, measured on so many test items, drawn by the seed.

    Attributes:
        shares: of the training, from 0 to 1, that roots of closed fits have had.
        scaled: whether the rate of training falls as 1 / width, so that what is learned moves as fast at every width. Adam moves each
            weight as far at any width, and logits the farther the more weights there are.
    """

    problem: str
    width: int
    tested: int
    shares: tuple[float, ...] = SHARES
    scaled: bool = False


@dataclass(frozen=True)
class Pruned:
    """Trained networks of which this share of each layer's weights is kept, those of the greatest magnitude, without training again."""

    problem: str
    width: int
    tested: int
    keeps: tuple[float, ...] = KEEPS


def measured(cell: Width | Pruned, seed: int) -> list[Row]:
    """Rows of a cell."""
    return _width(cell, seed) if isinstance(cell, Width) else _pruned(cell, seed)


def _begun(cell: Width | Pruned, seed: int) -> tuple[Any, Any, Any, Any, Any]:
    """Problem, network, where it begins, the key of its order, and the items it is tested on."""
    import jax

    from assent.committees.models import mlp
    from assent.committees.problems import problem_of

    problem = problem_of(cell.problem, seed=seed)
    data = problem.data
    model = mlp(data.input_shape, (cell.width, cell.width), data.num_classes)
    tested = data.test[np.random.default_rng([seed, 39]).permutation(len(data.test))[: cell.tested]]
    start, order = jax.random.split(jax.random.key(seed))
    return problem, model, model.init(start), order, tested


def _pruned(cell: Pruned, seed: int) -> list[Row]:
    """A row for each share that is kept."""
    import jax.numpy as jnp

    from assent.committees.masks import left_of, mask_of
    from assent.committees.models import at, replaced

    problem, model, root, order, tested = _begun(cell, seed)
    (trained,) = _trained(model, root, problem, order, [problem.training.steps], linear=False)
    rows = list[Row]()
    for keep in cell.keeps:
        left = trained
        for path, _ in model.linear_layers():
            own = at(trained, path)
            left = replaced(
                left, path, {**own, "weight": left_of(mask_of(own["weight"], keep), own["weight"], binary=False)}
            )
        said = np.asarray(model.apply(left, jnp.asarray(tested.x))).argmax(axis=-1)
        rows.append({"part": "pruned", "keep": keep, "accuracy": float((said == tested.y).mean())})
    return [{"problem": cell.problem, "width": cell.width, "seed": seed, **row} for row in rows]


def _width(cell: Width, seed: int) -> list[Row]:
    """A row of all that is one number, and a row for each root at which is fitted in closed form."""
    import jax
    import jax.numpy as jnp

    problem, model, root, order, tested = _begun(cell, seed)
    if cell.scaled:
        rate = problem.training.learning_rate * UNSCALED / cell.width
        problem = replace(problem, training=replace(problem.training, learning_rate=rate))
    data, training = problem.data, problem.training
    x, labels = jnp.asarray(tested.x), tested.y
    stops = [round(share * training.steps) for share in cell.shares]
    every = [root, *_trained(model, root, problem, order, stops[1:], linear=False)]
    (moved,) = _trained(model, root, problem, order, [training.steps], linear=True)
    last = every[-1]
    true = np.asarray(model.apply(last, x))
    straight = _line(model, root, moved, x)
    read = _line(model, root, jax.tree.map(jnp.subtract, last, root), x)

    def right(logits: ArrayLike) -> float:
        return float((np.asarray(logits).argmax(axis=-1) == labels).mean())

    common: Row = {
        "problem": f"{cell.problem}-scaled" if cell.scaled else cell.problem,
        "width": cell.width,
        "seed": seed,
    }
    whole: Row = {
        "part": "network",
        "accuracy": right(true),
        "linear": right(straight),
        "agreement": float((true.argmax(axis=-1) == straight.argmax(axis=-1)).mean()),
        "read": right(read),
        "read_correlation": _correlation(read, true),
        "move": _norm(jax.tree.map(jnp.subtract, last, root)) / _norm(root),
        "skew_before": _skew(model, root, data.train),
        "skew_after": _skew(model, last, data.train),
        **_ticket(cell, problem, seed, x, right),
    }
    rows = [
        {
            "part": "root",
            "share": share,
            "accuracy": right(model.apply(at, x)),
            "fitted": right(_fitted(model, at, data.train, x)),
        }
        for share, at in zip(cell.shares, every, strict=True)
    ]
    return [{**common, **row} for row in (whole, *rows)]


def _trained(model: Any, root: Any, problem: Any, key: Any, stops: Sequence[int], *, linear: bool) -> list[Any]:
    """Parameters after so many steps from the root; or directions, of the linearised network trained in the same order."""
    import jax
    import jax.numpy as jnp

    from assent.committees.training import advanced, begun, cross_entropy

    training, found = problem.training, list[Any]()
    state = begun(jax.tree.map(jnp.zeros_like, root) if linear else root, training)
    x, y = jnp.asarray(problem.data.train.x), jnp.asarray(problem.data.train.y)
    for before, stop in itertools.pairwise((0, *stops)):

        def further(state: Any, root: Any, x: Any, y: Any, steps: int = stop - before) -> Any:
            def loss(trained: Any, x: Any, y: Any, key: Any) -> Any:
                if linear:
                    first, along = jax.jvp(lambda params: model.apply(params, x), (root,), (trained,))
                    return cross_entropy(first + along, y)
                return cross_entropy(model.apply(trained, x, training=True), y)

            return advanced(loss, state, x, y, key, training=training, steps=steps)[0]

        state = jax.jit(further)(state, root, x, y)
        found.append(state.trained)
    return found


def _line(model: Any, root: Any, moved: Any, x: Any) -> np.ndarray:
    """`f(x; root) + J(x) d`, [B, C]."""
    import jax

    first, along = jax.jit(lambda p, d, x: jax.jvp(lambda params: model.apply(params, x), (p,), (d,)))(root, moved, x)
    return np.asarray(first + along)


def _ticket(cell: Width, problem: Any, seed: int, x: Any, right: Any) -> dict[str, float]:
    """A mask over random weights, by itself and read off the tangent space at those."""
    import jax
    import jax.numpy as jnp

    from assent.committees.masks import Ticketing, random_weights
    from assent.committees.models import mlp
    from assent.committees.recipes.tickets import tickets

    data, rules = problem.data, Ticketing(KEEP, binary=False)
    model = mlp(data.input_shape, (cell.width, cell.width), data.num_classes, bias=False)
    made = tickets(jax.random.key(seed), model, data, 1, training=problem.ticket_training, ticketing=rules)
    form: Any = made.parts[0]
    weights = random_weights(model, jax.random.wrap_key_data(jnp.asarray(form.weight_keys[0])), rules)
    moved = jax.tree.map(jnp.subtract, form.member(0), weights)
    true, read = made.logits(x)[0], _line(model, weights, moved, x)
    return {
        "ticket": right(true),
        "ticket_read": right(read),
        "ticket_correlation": _correlation(read, true),
        "ticket_move": _norm(moved) / _norm(weights),
    }


def _fitted(model: Any, root: Any, train: Any, x: Any) -> np.ndarray:
    """What a fit in closed form says, least squares on the labels in the tangent space, of the classes' mean kernel."""
    from assent.committees.forms.prior import Prior
    from assent.committees.forms.tangent import tangent_members

    key, one = np.zeros(2, dtype=np.uint32), np.zeros(1, dtype=np.int64)
    fit = tangent_members(model, root, train.x, train.y, prior=Prior("averaged", spread=0.0), key=key, numbers=one)
    return np.asarray(fit.logits(x)[0])


def _skew(model: Any, params: Any, train: Any) -> float:
    """The Gini coefficient of `|w dL/dw|` over all weights, L the mean loss over what is learned from."""
    import jax
    import jax.numpy as jnp

    from assent.committees.models import at
    from assent.committees.training import cross_entropy

    x, y = jnp.asarray(train.x), jnp.asarray(train.y)
    slope = jax.jit(jax.grad(lambda own, x, y: cross_entropy(model.apply(own, x), y)))(params, x, y)
    paths = [path for path, _ in model.linear_layers()]
    return gini(np.concatenate([np.ravel(at(params, p)["weight"] * at(slope, p)["weight"]) for p in paths]))


def gini(values: ArrayLike) -> float:
    """The Gini coefficient of magnitudes: 0 where all are equal, towards 1 where one has everything.

    >>> gini([1.0, -1.0, 1.0]), gini([0.0, 0.0, 0.0, 3.0])
    (0.0, 0.75)
    """
    size = np.sort(np.abs(np.asarray(values, dtype=np.float64)))
    number = len(size)
    return float(np.sum((2.0 * np.arange(1, number + 1) - number - 1) * size) / (number * size.sum()))


def _correlation(one: ArrayLike, other: ArrayLike) -> float:
    """Pearson's, over all items and logits."""
    return float(np.corrcoef(np.ravel(one), np.ravel(other))[0, 1])


def _norm(tree: Any) -> float:
    import jax

    return math.sqrt(sum(float((np.asarray(leaf, dtype=np.float64) ** 2).sum()) for leaf in jax.tree.leaves(tree)))
