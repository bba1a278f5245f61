"""Tangent space: is training a straight move from where it began, and are tickets such moves? (E2)"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from assent.report.figures import Axis, Line, Series, line_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict
from assent.studies.tangent_measures import Pruned, Width, measured

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
FROM, LOST, NEAR, THERE, SKEW, PRODUCT = 128, 0.03, 0.8, 0.95, 0.05, 0.57
"""Width from which on the claim speaks; its limits; the Gini coefficient of a product of two independent normal numbers."""

COLUMNS = (
    *("accuracy", "linear", "agreement", "read", "read_correlation", "move"),
    *("ticket", "ticket_read", "ticket_correlation", "ticket_move", "skew_before", "skew_after"),
)


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
    run=measured,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax", "sklearn", "safetensors"),
)
