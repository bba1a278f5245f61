"""Tangent space: is training a straight move from where it began, and are tickets such moves? (E2)"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

from assent.report.figures import Axis, Line, Series, line_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict

CLAIM = (
    "On 1,000 items of MNIST, training the linearised network from width 128 on costs at most 3 points of accuracy, and less the wider it "
    "is; the trained network, read off the tangent space at its start, correlates by at least 0.8 with itself, and more the wider it is, "
    "for its parameters move less. Tickets do not lie there: their reading correlates by less than 0.95 even at width 2,048, and by less "
    "than the trained network's at every width. Importance is as unequal before training as after it. And a fit in closed form in the "
    "tangent space of the random network is at least as often right as full training."
)
SOURCE = (
    "Wentworth on the parameter tangent space, of which source note 1 asks whether it is the set of lottery tickets; its reviewer, that "
    "importance is as unequal at the start; limits from a prototype's figures, docs/committees.md; Arora and others (NeurIPS 2019) and "
    "Fort and others (NeurIPS 2020) for kernels at the start and early in training"
)
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
KEEP, KEEPS = 0.5, (0.5, 0.3, 0.1)
FROM, LOST, NEAR, THERE, SKEW, PRODUCT = 128, 0.03, 0.8, 0.95, 0.05, 0.57
"""Width from which on the claim speaks; its limits; the Gini coefficient of a product of two independent normal numbers."""

COLUMNS = (
    *("accuracy", "linear", "agreement", "read", "read_correlation", "move"),
    *("ticket", "ticket_read", "ticket_correlation", "ticket_move", "skew_before", "skew_after"),
)


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


GRID = (
    *(Width("mnist", width, 10_000) for width in (32, 128, 512)),
    Width("mnist", 2_048, 2_000, (0.0, 0.05, 1.0)),
    Width("mnist-4k", 128, 2_000, (0.0, 0.05, 1.0)),
    Width("mnist", 512, 10_000, (0.0, 1.0), scaled=True),
    Width("mnist", 2_048, 2_000, (0.0, 1.0), scaled=True),
    *(Pruned("mnist", width, 10_000) for width in (32, 128, 512)),
    Pruned("mnist", 2_048, 2_000),
)
QUICK = (
    Width("digits", 256, 1_000, (0.0, 1.0)),
    Width("digits", 512, 1_000, (0.0, 1.0)),
    Pruned("digits", 256, 1_000),
)


def run(cell: Width | Pruned, seed: int) -> list[Row]:
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
        rate = problem.training.learning_rate * FROM / cell.width
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


def score(rows: Sequence[Row]) -> dict[str, float]:
    """Means over seeds by problem and width, and of the problem with most widths what each statement is decided by."""
    whole, numbers = [row for row in rows if row["part"] == "network"], dict[str, float]()
    numbers["seeds"] = float(len({row["seed"] for row in rows}))
    for problem, width in sorted({(row["problem"], row["width"]) for row in whole}):
        mine = [row for row in whole if (row["problem"], row["width"]) == (problem, width)]
        for column in COLUMNS:
            numbers[f"{problem} {width} {column}"] = _mean(mine, column)
        roots = [row for row in rows if row["part"] == "root" and (row["problem"], row["width"]) == (problem, width)]
        for share in sorted({row["share"] for row in roots}):
            here = [row for row in roots if row["share"] == share]
            numbers[f"{problem} {width} fitted {share:g}"] = _mean(here, "fitted")
            numbers[f"{problem} {width} behind {share:g}"] = _mean(mine, "accuracy") - _mean(here, "fitted")
    for row in rows:
        if row["part"] == "pruned":
            name = f"{row['problem']} {row['width']} pruned {row['keep']:g}"
            same = [
                one for one in rows if all(one.get(what) == row[what] for what in ("part", "problem", "width", "keep"))
            ]
            numbers[name] = _mean(same, "accuracy")
    problem = whole[0]["problem"]
    widths = sorted({row["width"] for row in whole if row["problem"] == problem and row["width"] >= FROM})

    def along(column: str) -> list[float]:
        return [numbers[f"{problem} {width} {column}"] for width in widths]

    lost = [a - b for a, b in zip(along("accuracy"), along("linear"), strict=True)]
    near, tickets, move = along("read_correlation"), along("ticket_correlation"), along("move")
    skews = list(zip(along("skew_before"), along("skew_after"), strict=True))
    return numbers | {
        "lost": lost[0],
        "lost_falls": lost[0] - lost[-1],
        "near": near[0],
        "near_rises": min(b - a for a, b in itertools.pairwise(near)),
        "move_falls": min(a - b for a, b in itertools.pairwise(move)),
        "there": tickets[-1],
        "tickets_farther": min(a - b for a, b in zip(near, tickets, strict=True)),
        "skew_before": min(before for before, _ in skews),
        "skew_moves": max(abs(after - before) for before, after in skews),
        "fit_behind": max(along("behind 0")),
    }


STATEMENTS = {
    "the linearised network learns as well": lambda n: n["lost"] <= LOST and n["lost_falls"] > 0,
    "training ends near the tangent space": lambda n: n["near"] >= NEAR and n["near_rises"] > 0,
    "wider networks move less": lambda n: n["move_falls"] > 0,
    "tickets do not lie in the tangent space": lambda n: n["there"] < THERE and n["tickets_farther"] > 0,
    "importance was unequal before": lambda n: n["skew_before"] >= PRODUCT and n["skew_moves"] <= SKEW,
    "a closed fit at the start is as good": lambda n: n["fit_behind"] <= 0,
}
"""Each statement, and what decides it."""


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, statement by statement."""
    found = {words: bool(decides(numbers)) for words, decides in STATEMENTS.items()}
    failed = [words for words, held in found.items() if not held]
    places = sorted({(name.split()[0], int(name.split()[1])) for name in numbers if name.endswith(" move")})
    lines = "; ".join(
        f"{problem} at width {width}: {_line_of(numbers, f'{problem} {width} ')}" for problem, width in places
    )
    return Verdict(
        not failed,
        "Training is nearly a straight move in the tangent space, the more so the wider the network; a ticket is a long move out of it."
        if not failed
        else f"Not all statements held. Failed: {'; '.join(failed)}.",
        f"{'; '.join(f'{words}: {_held(held)}' for words, held in found.items())}. Means over "
        f"{round(numbers['seeds'])} seeds. {lines}.",
    )


def _held(held: bool) -> str:
    return "held" if held else "failed"


def _line_of(numbers: Score, at: str) -> str:
    value = {column: numbers[at + column] for column in COLUMNS}
    fits = ", ".join(f"{100 * right:.1f}" for name, right in numbers.items() if name.startswith(f"{at}fitted "))
    left = [
        f"{name.split()[-1]} kept {100 * right:.1f} %"
        for name, right in numbers.items()
        if name.startswith(f"{at}pruned ")
    ]
    pruned = f"; its weights of greatest magnitude alone, {', '.join(left)}" if left else ""
    return (
        f"trained {100 * value['accuracy']:.1f} %, linearised {100 * value['linear']:.1f} % (agree {100 * value['agreement']:.1f} %), "
        f"read off {100 * value['read']:.1f} % (correlation {value['read_correlation']:.2f}, move {value['move']:.2f}); ticket "
        f"{100 * value['ticket']:.1f} %, read off {100 * value['ticket_read']:.1f} % ({value['ticket_correlation']:.2f}, "
        f"{value['ticket_move']:.2f}); Gini {value['skew_before']:.3f} to {value['skew_after']:.3f}; closed fits from start to end {fits} %"
        f"{pruned}"
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures, means over seeds, of the problem with most widths."""
    mine = [row for row in rows if row["problem"] == rows[0]["problem"]]
    return (
        Figure(
            "tangent-near",
            "How much the logits that are read off the tangent space correlate with the network's own: of trained networks and of "
            "tickets. Bands: the least and the greatest seed.",
            functools.partial(_near_chart, [row for row in mine if row["part"] == "network"]),
        ),
        Figure(
            "tangent-roots",
            "How far a fit in closed form in the tangent space is behind full training, by how much of it the root has had; below 0 the "
            "fit is better.",
            functools.partial(_roots_chart, mine),
        ),
    )


def _near_chart(rows: Sequence[Row], width: float, name: str) -> Markup:
    widths, series = sorted({row["width"] for row in rows}), list[Series]()
    for words, column in (("trained network", "read_correlation"), ("ticket", "ticket_correlation")):
        values = [[row[column] for row in rows if row["width"] == one] for one in widths]
        ends = tuple(min(of) for of in values), tuple(max(of) for of in values)
        series.append(Series(words, tuple(map(float, widths)), tuple(float(np.mean(of)) for of in values), *ends))
    across = Axis("width of the hidden layers", float(widths[0]), float(widths[-1]), log=True)
    return line_chart(
        width=width,
        name=name,
        title="How near the tangent space training ends, and tickets lie",
        desc="Correlation of read-off logits with true ones, by width.",
        x=across,
        y=Axis("correlation", 0.0, 1.0),
        series=series,
        lines=[Line("as near as to be there", ((across.low, THERE), (across.high, THERE)))],
    )


def _roots_chart(rows: Sequence[Row], width: float, name: str) -> Markup:
    roots, series = [row for row in rows if row["part"] == "root"], list[Series]()
    for one in sorted({row["width"] for row in roots}):
        full = _mean([row for row in rows if row["part"] == "network" and row["width"] == one], "accuracy")
        shares = sorted({row["share"] for row in roots if row["width"] == one})
        fits = [
            _mean([row for row in roots if row["width"] == one and row["share"] == share], "fitted") for share in shares
        ]
        series.append(Series(f"width {one:,}", tuple(shares), tuple(100 * (full - fit) for fit in fits)))
    values = [value for one in series for value in one.y]
    return line_chart(
        width=width,
        name=name,
        title="A fit in the tangent space against full training",
        desc="Points of accuracy behind full training.",
        x=Axis("share of the training that the root has had", 0.0, 1.0),
        y=Axis("points behind", min(-1.0, *values) - 0.5, max(1.0, *values) + 0.5),
        series=series,
        lines=[Line("as good as full training", ((0.0, 0.0), (1.0, 0.0)))],
    )


def _mean(rows: Sequence[Row], column: str) -> float:
    return float(np.mean([row[column] for row in rows]))


STUDY = Study(
    name="tangent-space",
    title="Is training a straight move in the tangent space, and are lottery tickets in it?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "means over seeds from width 128 on: accuracy of the linearised network against the network's, correlation of logits read off the "
        "tangent space with true ones, the length of the move, Gini coefficients to 0.05 and against 0.57, accuracy of a closed fit; one "
        "statement that fails shows the claim wrong"
    ),
    advice="Take members from tangent spaces of trained or random roots, and do not look for tickets in them.",
    grid=GRID,
    quick=QUICK,
    seeds=3,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax", "sklearn", "safetensors"),
)
