"""Corrections: members that learn from each at once, members trained anew, and members that never learn. (E6)"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from markupsafe import Markup

from assent.report.figures import Axis, Series, line_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "Sixteen members from the tangent spaces of four trained roots act on MNIST where every one of them gives a label enough, so that they "
    "ask about a quarter of validation, and learn from each answer at once. From the middle of the stream on pictures are turned by 30 "
    "degrees. A correction takes at most a tenth of the CPU seconds of training the committee anew. Over the stream they ask about at most "
    "five in a hundred items more, and act wrongly on at most one in a hundred more, than if they were trained anew, and set anew, after "
    "every 20 corrections. Once pictures are turned they ask at most 0.9 times as often as members that never learn, and wrong acts with a "
    "tenth of the questions come to less. And what they learned one by one is what all data at once would have taught them, to 1e-8 in "
    "double precision."
)
SOURCE = (
    "what bordering a Cholesky factor gives (Golub and Van Loan, Matrix computations, 4th edition, 6.5) on samples by Matheron's rule "
    "(Wilson and others, JMLR 2021); that no network need be trained again for it is this project's claim"
)
NEVER, ANEW, AT_ONCE = "never", "trained anew", "at once"
RATE, DEGREES, PRICE = 0.25, 30.0, 0.1
ASKS, WRONG, FEWER, EXACT = 0.05, 0.01, 0.9, 1e-8
LIMITS = {"mnist": 0.1, "digits": 0.2}
"""Of a training's CPU seconds that a correction may take. Digits train for half of the steps: a third of the time, and a correction hardly
less."""
BINS = 20


@dataclass(frozen=True)
class Stream:
    """One problem, a committee on it, and the items that come: half as they were learned, and then half that are turned.

    Attributes:
        way: to make members whose forms learn.
        half: items in each half.
        batch: corrections after which members are trained anew.
    """

    problem: str
    way: str
    members: int
    half: int
    batch: int


GRID = (Stream("mnist", "tangent-trained", 16, 200, 20),)
QUICK = (Stream("digits", "tangent-trained", 4, 40, 30),)


@dataclass
class Life:
    """A committee in use: when it acts, and what becomes of it after an answer.

    Attributes:
        limit: it acts where every member gives one label at least this.
        corrections: answers so far, in order.
    """

    committee: Any
    limit: float
    corrections: list[int]

    def label(self, item: Any) -> int | None:
        """The label that it acts with, or None: it asks."""
        least = np.exp(self.committee.log_probs(item[None])[:, 0]).min(axis=0)
        best = int(least.argmax())
        return best if least[best] >= self.limit else None


def run(cell: Stream, seed: int) -> list[Row]:
    """A row for each stretch of each of the three lives, and one with what a correction took and how exact it was."""
    import jax

    from assent.committees.problems import problem_of
    from assent.committees.shifts import drawn, rotated
    from assent.committees.splits import Labelled
    from assent.committees.ways import way_of

    problem = problem_of(cell.problem, seed=seed)
    way, validation = way_of(cell.way), problem.data.validation
    items = drawn(problem.data.test, 2 * cell.half, stream(seed, cell, "items"))
    turned = rotated(items, DEGREES)
    late = np.arange(len(items)) >= cell.half
    items = Labelled(np.where(late[:, None], turned.x, items.x), items.y)
    first: Any = way.make(problem, cell.members, seed=seed)
    spread, limit = first.parts[0].prior.spread, _limit(first, validation)
    seconds = {AT_ONCE: list[float](), ANEW: [first.cost.cpu_s]}

    def at_once(life: Life, place: int) -> None:
        started = time.process_time()
        life.committee = life.committee.observe(items.x[place], int(items.y[place]))
        seconds[AT_ONCE].append(time.process_time() - started)

    def anew(life: Life, place: int) -> None:
        if len(life.corrections) % cell.batch:
            return
        more = items[np.asarray(life.corrections)]
        train = problem.data.train
        joined = Labelled(np.concatenate([train.x, more.x]), np.concatenate([train.y, more.y]))
        data = replace(problem.data, train=joined)
        made = way.recipe(
            jax.random.key(seed), problem.model, data, cell.members, training=problem.training, spread=spread
        ).tempered(validation)
        seconds[ANEW].append(made.cost.cpu_s)
        life.committee, life.limit = made, _limit(made, validation)

    common = {"problem": cell.problem, "seed": seed}
    learners: dict[str, Callable[[Life, int], None]] = {NEVER: lambda life, place: None, ANEW: anew, AT_ONCE: at_once}
    rows, corrected = list[Row](), list[int]()
    for name, learn in learners.items():
        life = Life(first, limit, [])
        rows += [{**common, "learns": name, **row} for row in _lived(life, learn, items)]
        corrected = life.corrections
    beside = {
        "learns": "cost",
        # compiling is left out of both: of the one by its clock, of the other as what few calls take
        "observe_s": float(np.median(seconds[AT_ONCE])),
        "training_s": float(np.median(seconds[ANEW])),
        "apart": _apart(first.parts[0], items, corrected),
        "corrections": len(corrected),
    }
    return [*rows, {**common, **beside}]


def _limit(committee: Any, validation: Any) -> float:
    """The least probability of all members from which on it acts, so that it asks about a quarter of validation."""
    from assent.committees.asking import min_probs

    least, _ = min_probs(committee.log_probs(validation.x))
    return float(np.quantile(least.max(axis=1), RATE))


def _lived(life: Life, learn: Callable[[Life, int], None], items: Any) -> list[Row]:
    """What became of the items, stretch by stretch. Only what is asked about is learned from."""
    asks, wrongs = np.zeros(len(items)), np.zeros(len(items))
    for place in range(len(items)):
        label = life.label(items.x[place])
        if label is None:
            asks[place] = 1.0
            life.corrections.append(place)
            learn(life, place)
        else:
            wrongs[place] = label != items.y[place]
    size = len(items) // BINS
    return [
        {
            "stretch": number,
            "turned": number >= BINS // 2,
            "items": size,
            "asks": int(asks[number * size : (number + 1) * size].sum()),
            "wrong": int(wrongs[number * size : (number + 1) * size].sum()),
        }
        for number in range(BINS)
    ]


def _apart(part: Any, items: Any, corrected: Sequence[int]) -> float:
    """By how much, in double precision, members that learned one by one differ from those fitted to all data at once, in logits."""
    import jax
    import jax.numpy as jnp

    from assent.committees.forms.tangent import tangent_members

    with jax.enable_x64(True):
        root = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf, np.float64)), part.root)
        wide = tangent_members(
            part.model,
            root,
            np.asarray(part.items, np.float64),
            part.labels,
            prior=part.prior,
            scale=part.scale,
            key=part.key,
            numbers=part.numbers,
        )
        for place in corrected:
            wide = wide.observed(np.asarray(items.x[place], np.float64), int(items.y[place]))
        x = np.asarray(items.x, np.float64)
        return float(np.abs(wide.logits(x) - wide.refitted().logits(x)).max())


def score(rows: Sequence[Row]) -> dict[str, float]:
    """Shares of all items, means over seeds; costs and exactness of the worst seed."""
    costs = [row for row in rows if row["learns"] == "cost"]
    numbers = {
        "seeds": float(len(costs)),
        "corrections": _mean([row["corrections"] for row in costs]),
        "observe_s": _mean([row["observe_s"] for row in costs]),
        "training_s": _mean([row["training_s"] for row in costs]),
        "ratio": max(row["observe_s"] / max(row["training_s"], 1e-9) for row in costs),
        "limit": min(LIMITS[row["problem"]] for row in costs),
        "apart": max(row["apart"] for row in costs),
    }
    for short, name in (("never", NEVER), ("anew", ANEW), ("once", AT_ONCE)):
        mine = [row for row in rows if row["learns"] == name]
        for what in ("asks", "wrong"):
            numbers[f"{short}_{what}"] = _part(mine, what)
            for half, turned in (("before", False), ("after", True)):
                numbers[f"{short}_{what}_{half}"] = _part([row for row in mine if row["turned"] == turned], what)
        numbers[f"{short}_regret"] = numbers[f"{short}_wrong"] + PRICE * numbers[f"{short}_asks"]
    numbers["fewer"] = numbers["once_asks_after"] / max(numbers["never_asks_after"], 1e-9)
    return numbers


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    bars = {
        "seconds": numbers["ratio"] <= numbers["limit"],
        "asks": numbers["once_asks"] <= numbers["anew_asks"] + ASKS,
        "wrong acts": numbers["once_wrong"] <= numbers["anew_wrong"] + WRONG,
        "asks after the turn": numbers["fewer"] <= FEWER,
        "regret": numbers["once_regret"] < numbers["never_regret"],
        "exactness": numbers["apart"] <= EXACT,
    }
    missed = [name for name, held in bars.items() if not held]
    lives = "; ".join(
        f"{name} {_share(numbers[f'{short}_asks_before'])} and then {_share(numbers[f'{short}_asks_after'])} asked, "
        f"{_share(numbers[f'{short}_wrong_before'])} and {_share(numbers[f'{short}_wrong_after'])} wrong, regret "
        f"{numbers[f'{short}_regret']:.4f} an item"
        for short, name in (("never", "never learning"), ("anew", "trained anew"), ("once", "learning at once"))
    )
    return Verdict(
        not missed,
        f"A correction is learned at once for {1 / max(numbers['ratio'], 1e-9):.0f} times less than a training, exactly, and the committee "
        "then asks less than one that never learns and about as much as one trained anew."
        if not missed
        else f"Not in everything: {', '.join(missed)} missed.",
        f"{lives}. CPU seconds a correction {numbers['observe_s']:.3f} against {numbers['training_s']:.2f} of a training (worst seed "
        f"{numbers['ratio']:.3f} times, compiling left out); {numbers['corrections']:.0f} corrections one by one and all at once differ by "
        f"at most {numbers['apart']:.1e} in a logit.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The picture: asks along the stream, means over seeds."""
    return (
        Figure(
            "asks",
            f"Share of items asked about along the stream; from the middle on pictures are turned by {DEGREES:.0f} degrees.",
            functools.partial(_along, rows, "asks"),
        ),
        Figure(
            "wrong",
            "Wrong acts so far, a seed, along the same stream.",
            functools.partial(_along, rows, "wrong"),
        ),
    )


def _along(rows: Sequence[Row], what: str, width: float, name: str) -> Markup:
    lines, last = list[Series](), 0
    for learns in (NEVER, ANEW, AT_ONCE):
        mine = [[row for row in rows if row["learns"] == learns and row["stretch"] == number] for number in range(BINS)]
        size = mine[0][0]["items"]
        last = size * BINS
        if what == "asks":
            y = [_part(part, what) for part in mine]
        else:
            y = np.cumsum([_mean([row[what] for row in part]) for part in mine]).tolist()
        lines.append(Series(learns, tuple((number + 1.0) * size for number in range(BINS)), tuple(map(float, y))))
    top = max(1.0, *(max(line.y) for line in lines))
    return line_chart(
        width=width,
        name=name,
        title="Asking" if what == "asks" else "Wrong acts",
        desc="By the number of items seen, for three ways to learn.",
        x=Axis("items", 0.0, float(last)),
        y=Axis("share asked about" if what == "asks" else "wrong acts so far", 0.0, top),
        series=lines,
    )


def _part(rows: Sequence[Row], what: str) -> float:
    """A share of items."""
    return sum(row[what] for row in rows) / sum(row["items"] for row in rows)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


STUDY = Study(
    name="corrections",
    title="Is a correction learned at once worth as much as training anew?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "CPU seconds of a correction against those of a training in the same run, and the difference to one fit of all data, on the worst "
        "seed; shares of items asked about and acted on wrongly, over all seeds, beside those of members trained anew and of members that "
        "never learn; a limit of the claim that is missed shows it wrong"
    ),
    advice="Let members learn from every answer at once where their form allows it, and train anew at leisure.",
    grid=GRID,
    quick=QUICK,
    seeds=3,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax", "sklearn", "scipy", "safetensors"),
)
