"""What the study of tickets measures: committees of masks, what a share kept comes to, and masks in linear readings of random features."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assent.studies.study import Row

if TYPE_CHECKING:
    from assent.committees.forms.masked import Masked
    from assent.committees.masks import Init

DRAWS = 16
"""Masks that are shuffled, and masks that were never trained, of each committee."""


@dataclass(frozen=True)
class Committees:
    """One problem: members apart and composed, and tickets over one network and over a network each."""

    problem: str
    members: int
    tickets: int


@dataclass(frozen=True)
class Sweep:
    """One way to prune, over what is kept.

    Attributes:
        paper_compat: weights scaled by `fan_in (1 - keep)`, as the published code does, in place of `fan_in keep`.
    """

    problem: str
    keeps: tuple[float, ...]
    binary: bool
    init: Init
    paper_compat: bool


@dataclass(frozen=True)
class Readout:
    """A ticket in a linear reading of random features `max(x W, 0)`."""

    problem: str
    features: int
    keep: float


def measured(cell: Committees | Sweep | Readout, seed: int) -> list[Row]:
    """Rows of a cell."""
    if isinstance(cell, Committees):
        rows = _committees(cell, seed)
    elif isinstance(cell, Sweep):
        rows = _sweep(cell, seed)
    else:
        rows = _readout(cell, seed)
    return [{"problem": cell.problem, "seed": seed, **row} for row in rows]


def _committees(cell: Committees, seed: int) -> list[Row]:
    """A row for each way to make members."""
    from assent.committees.correlation import error_correlation, n_eff_cap
    from assent.committees.evaluation import evaluated
    from assent.committees.forms.masked import Masked
    from assent.committees.models import num_params
    from assent.committees.problems import problem_of
    from assent.committees.ways import way_of

    problem = problem_of(cell.problem, seed=seed)
    numbers = {"deep": cell.members, "composed": cell.members, "tickets": cell.tickets, "many-tickets": cell.tickets}
    rows: list[Row] = []
    for name, number in (numbers | {"biprop": cell.tickets}).items():
        made = way_of(name).make(problem, number, seed=seed)
        found, (form,) = evaluated(made, problem.data.test), made.parts
        cap = n_eff_cap(found.errors, resamples=1).value if number > 1 else np.ones(1)
        row: Row = {
            "part": "committee",
            "way": name,
            "members": made.num_members,
            "member_accuracy": found.member_accuracy,
            "accuracy": found.accuracy,
            "correlation": error_correlation(found.errors).mean,
            "n_eff_cap": float(cap[-1]),
            "train_flops": made.cost.train_flops,
            "num_bytes": made.cost.num_bytes,
            "weights": num_params((problem.model if name == "deep" else problem.ticket_model).init(_key(seed))),
        }
        base = getattr(form, "base", form)
        if isinstance(base, Masked):
            row["mask_bits"] = 8 * sum(bits.nbytes for bits in base.bits.values())
        if isinstance(form, Masked):
            every = [np.concatenate([m.ravel() for m in form.mask(n).values()]) for n in range(form.num_members)]
            row["mask_correlation"] = float(_pairs(np.asarray(np.corrcoef(every))).mean())
            row["shuffled"], row["untrained"] = _without_training(form, problem.data.test, seed)
        rows.append(row)
    return rows


def _without_training(form: Masked, test: Any, seed: int) -> tuple[float, float]:
    """How often masks are right that are shuffled within their layers, and those that training starts from."""
    import jax

    from assent.committees.forms.masked import masked
    from assent.committees.masks import first_scores, mask_of, name_of

    rng, rest = np.random.default_rng([seed, 38]), form.model.init(_key(seed))
    shuffled, first = list[Any](), list[Any]()
    for number in range(DRAWS):
        own = form.mask(number % form.num_members)
        scores = first_scores(form.model, jax.random.fold_in(_key(seed), number))
        first.append(({path: mask_of(one, form.ticketing.keep) for path, one in scores.items()}, rest))
        moved = {path: rng.permutation(own[name_of(path)].ravel()).reshape(one.shape) for path, one in scores.items()}
        shuffled.append((moved, rest))
    keys = form.weight_keys if form.shared else form.weight_keys[np.arange(DRAWS) % form.num_members]
    made = [masked(form.model, form.ticketing, keys, members) for members in (shuffled, first)]
    shares = [float((one.logits(test.x).argmax(axis=-1) == test.y[None]).mean()) for one in made]
    return shares[0], shares[1]


def _sweep(cell: Sweep, seed: int) -> list[Row]:
    """A row for each share that is kept."""
    from assent.committees.masks import Ticketing, num_kept
    from assent.committees.models import at
    from assent.committees.problems import problem_of

    problem, rows = problem_of(cell.problem, seed=seed), list[Row]()
    model, shapes = problem.ticket_model, problem.ticket_model.init(_key(seed))
    sizes = [at(shapes, path)["weight"].size for path, _ in model.linear_layers()]
    for keep in cell.keeps:
        ticketing = Ticketing(keep, cell.binary, cell.init, cell.paper_compat)
        # where all is kept there is nothing to find
        training = replace(problem.ticket_training, steps=0) if keep == 1 else problem.ticket_training
        rows.append(
            {
                "part": "sweep",
                "way": _of(cell.binary),
                "init": cell.init,
                "paper_compat": cell.paper_compat,
                "keep": keep,
                "accuracy": _accuracy(model, problem.data, training, ticketing, seed),
                "bits": entropy(keep),
                "bits_counted": sum(log2_choices(size, num_kept(size, keep)) for size in sizes) / sum(sizes),
            }
        )
    return rows


def _readout(cell: Readout, seed: int) -> list[Row]:
    """One row."""
    from assent.committees.layers import Dense
    from assent.committees.masks import Ticketing
    from assent.committees.models import Model
    from assent.committees.problems import problem_of

    problem = problem_of(cell.problem, seed=seed)
    width = math.prod(problem.data.input_shape)
    drawn = np.random.default_rng([seed, cell.features]).normal(0.0, math.sqrt(2.0 / width), (width, cell.features))

    def seen(part: Any) -> Any:
        return replace(part, x=np.asarray(np.maximum(part.x.reshape(len(part), -1) @ drawn, 0.0), dtype=np.float32))

    data = problem.data
    data = replace(data, train=seen(data.train), validation=seen(data.validation), test=seen(data.test))
    model = Model((Dense(data.num_classes, bias=False, gain=1.0),), data.input_shape)
    ticketing = Ticketing(cell.keep, binary=False)
    accuracy = _accuracy(model, data, problem.ticket_training, ticketing, seed)
    return [
        {"part": "readout", "features": cell.features, "keep": cell.keep, "accuracy": accuracy, "ridge": ridge(data)}
    ]


def ridge(data: Any) -> float:
    """How often ridge regression on the labels is right, its penalty chosen on validation."""
    x = data.train.x.astype(np.float64)
    kernel, targets = x @ x.T, np.eye(data.num_classes)[data.train.y]
    scale, found = float(np.trace(kernel)) / len(x), list[tuple[float, NDArray[np.float64]]]()
    for power in range(-6, 3):
        weights = x.T @ np.linalg.solve(kernel + 10.0**power * scale * np.eye(len(x)), targets)
        right = float(((data.validation.x @ weights).argmax(axis=1) == data.validation.y).mean())
        found.append((right, weights))
    best = max(found, key=lambda pair: pair[0])[1]
    return float(((data.test.x @ best).argmax(axis=1) == data.test.y).mean())


def entropy(keep: float) -> float:
    """H(keep), the bits that a mask carries for each weight.

    >>> entropy(0.5), entropy(1.0)
    (1.0, 0.0)
    """
    return -sum(p * math.log2(p) for p in (keep, 1.0 - keep) if p > 0) + 0.0


def log2_choices(size: int, kept: int) -> float:
    """Bits to say which `kept` of `size` weights stay.

    >>> round(log2_choices(4, 2), 9)                # six ways
    2.584962501
    """
    return (math.lgamma(size + 1) - math.lgamma(kept + 1) - math.lgamma(size - kept + 1)) / math.log(2.0)


def _accuracy(model: Any, data: Any, training: Any, ticketing: Any, seed: int) -> float:
    """How often one ticket is right on the test items."""
    from assent.committees.recipes.tickets import tickets

    made = tickets(_key(seed), model, data, 1, training=training, ticketing=ticketing)
    return float((made.logits(data.test.x)[0].argmax(axis=-1) == data.test.y).mean())


def _pairs(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a table says of all pairs of two."""
    return np.asarray(table[np.triu_indices(len(table), 1)])


def _of(binary: bool) -> str:
    return "biprop" if binary else "edge-popup"


def _key(seed: int) -> Any:
    import jax

    return jax.random.key(seed)
