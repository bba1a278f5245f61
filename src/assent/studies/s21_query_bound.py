"""The bound on questions: does the sum of theta cubed stay below what theory says, and how far below? (A14)"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.agents.imitator import Imitator
from assent.core import AlphaSet, Minimum, RatioSet, SureAbove, query_bound
from assent.report.figures import Axis, Line, Series, line_chart
from assent.studies.imitating import SEEDS, Case, live, mean, near_duplicates, peer, random_rows
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "In every class that holds the overseer's model the mean over lives of the sum over all rounds of (chance of asking) x theta^2, "
    "which for the minimum rule alone is the sum of theta^3, stays below the bound of docs/theory.md. The bound is loose: with ten "
    "members or more by a factor of 50 at least."
)
SOURCE = (
    "Cohen, Hutter and Nanda, Fully General Online Imitation Learning, JMLR 23, 2022, Theorem 1 (that the sum is finite); the constants "
    "are derived in docs/theory.md, How often it asks"
)
CONTEXTS, ACTIONS, DELTA, TAU = 20, 4, 0.05, 0.2
SETTINGS = ("ratio 0.05", "ratio 0.5", "alpha", "sure above 0.2")
KINDS = ("random", "sparse", "near-duplicates", "unlikely truth", "triggers")
REFERENCE = {10: (7.9, 14.2), 100: (23.1, 30.7), 1000: (33.2, 41.4)}
"""By members: sum of theta^3 and questions that a prototype counted at alpha = delta / members (mean of 10 seeds)."""

ROUNDS = 20_000
SIDE_BY_SIDE = 1.06
"""On the picture, so that kinds of one size do not cover each other."""


@dataclass(frozen=True)
class Batch:
    """Some random classes of a kind, each lived in several times.

    Attributes:
        kind: of the classes, one of `KINDS`.
        setting: who leads, one of `SETTINGS`.
        batch: tells batches apart that are alike.
    """

    kind: str
    members: int
    setting: str
    batch: int
    classes: int
    lives: int


def _batches(sizes: Sequence[int], *, classes: int, lives: int) -> tuple[Batch, ...]:
    return tuple(
        Batch(kind, members, setting, 0, classes, lives)
        for setting in SETTINGS
        for members in sizes
        for kind in KINDS
        if kind != "triggers" or members <= CONTEXTS
    )


GRID = (
    *_batches((2, 10, 100), classes=3, lives=5),
    Batch("random", 1000, SETTINGS[0], 0, 3, 5),
    *(Batch("random", members, "alpha", 1, 10, 5) for members in REFERENCE),
)
QUICK = (
    *(Batch(kind, 10, SETTINGS[0], 0, 1, 3) for kind in KINDS),
    Batch("random", 10, "alpha", 1, 2, 3),
)


def run(cell: Batch, seed: int) -> list[Row]:
    """For each class the bound, and what was counted: means over its lives, and the standard error of the sum's."""
    rng, rows = stream(seed, cell), list[Row]()
    for number in range(cell.classes):
        case, prior = class_of(cell, rng)
        agent = agent_of(cell.setting, case.hypotheses, prior)
        bound = query_bound(agent.leading, np.log(prior))
        first = seed * SEEDS + number * cell.lives
        lives = [live(agent, case, seed=first + life, run="query-bound") for life in range(cell.lives)]
        sums = [float((life.ask * life.theta**2).sum()) for life in lives]
        rows.append(
            {
                "kind": cell.kind,
                "members": cell.members,
                "setting": cell.setting,
                "batch": cell.batch,
                "bound": bound,
                "sum": float(np.mean(sums)),
                "error": float(np.std(sums, ddof=1) / math.sqrt(cell.lives)),
                "largest": max(sums),
                "sum_theta": float(np.mean([life.theta.sum() for life in lives])),
                "asks": float(np.mean([life.asks for life in lives])),
            }
        )
    return rows


def class_of(cell: Batch, rng: np.random.Generator) -> tuple[Case, np.ndarray]:
    """A random class of the cell's kind, its first member the overseer's, and its prior `[N]`."""
    sparse = 0.1 if cell.kind == "sparse" else 1.0
    shape = {"members": cell.members, "contexts": CONTEXTS, "actions": ACTIONS}
    rows = random_rows(rng, **shape, concentration=sparse)
    prior = np.ones(cell.members)
    if cell.kind == "near-duplicates":
        rows = near_duplicates(rows, shared=0.9)
    elif cell.kind == "unlikely truth":
        prior = 1 / np.arange(cell.members, 0, -1.0)
    elif cell.kind == "triggers":
        rows = _triggers(rng, cell.members)
    prior = prior / prior.sum()
    return Case.of(rows, rng.integers(0, CONTEXTS, ROUNDS), prior=prior), prior


def _triggers(rng: np.random.Generator, members: int) -> np.ndarray:
    """Deterministic policies, each of which differs from the first in one context of its own: as many questions as there can be."""
    best = rng.integers(0, ACTIONS, CONTEXTS)
    chosen = np.tile(best, (members, 1))
    places = rng.permutation(CONTEXTS)[: members - 1]
    chosen[np.arange(1, members), places] = (best[places] + 1) % ACTIONS
    return np.eye(ACTIONS)[chosen]


def agent_of(setting: str, hypotheses: object, prior: np.ndarray) -> Imitator:
    """The agent of a setting. Alpha is the accepted risk times the least prior weight, as the paper's Theorem 2 wants it."""
    alpha = AlphaSet(DELTA * float(prior.min()))
    leading = alpha if setting == "alpha" else RatioSet(0.5 if setting == "ratio 0.5" else DELTA)
    guards = (SureAbove(TAU),) if setting.startswith("sure") else ()
    return peer(hypotheses, leading, Minimum(), *guards)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    many = [row for row in rows if row["members"] >= 10]
    numbers = {
        "classes": float(len(rows)),
        "above": float(sum(row["sum"] - 3 * row["error"] > row["bound"] for row in rows)),
        "largest_share": max(row["sum"] / row["bound"] for row in rows),
        "largest_share_of_many": max(row["sum"] / row["bound"] for row in many),
        "largest_share_of_linear": max(row["sum"] * row["members"] / row["bound"] for row in rows),
    }
    for members in REFERENCE:
        mine = [row for row in rows if row["batch"] == 1 and row["members"] == members]
        if mine:
            numbers |= {f"{name}_{members}": mean(mine, name) for name in ("sum", "asks", "bound")}
    return numbers


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["above"] == 0 and numbers["largest_share_of_many"] <= 1 / 50
    table = "; ".join(
        f"{members:,} members {numbers[f'sum_{members}']:.1f} (prototype {REFERENCE[members][0]}), {numbers[f'asks_{members}']:.1f} "
        f"questions (prototype {REFERENCE[members][1]}), bound {numbers[f'bound_{members}']:.2g}"
        for members in REFERENCE
        if f"sum_{members}" in numbers
    )
    return Verdict(
        holds,
        "Questions fade as theory says, and far sooner than its bound: what is counted hardly grows with the committee, while the bound "
        "grows with its square. Quote the bound as a bound, and count."
        if holds
        else "The bound on questions does not hold as it is stated, or is less loose than that.",
        f"In {numbers['classes']:.0f} classes the mean sum is above the bound in {numbers['above']:.0f}; at most it is "
        f"{numbers['largest_share']:.2g} of it, with ten members or more {numbers['largest_share_of_many']:.2g}, and "
        f"{numbers['largest_share_of_linear']:.2g} of what a bound with one factor of the members less would be. Random tables, alpha: "
        f"{table}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    setting = SETTINGS[0]
    mine = [row for row in rows if row["setting"] == setting]
    sizes = {kind: sorted({row["members"] for row in mine if row["kind"] == kind}) for kind in KINDS}
    series = [_series(kind, sizes[kind], mine) for kind in KINDS if sizes[kind]]
    bounds = {row["members"]: row["bound"] for row in mine if row["kind"] == "random"}
    alphas = {row["members"]: row["bound"] for row in rows if row["batch"] == 1}
    reference = tuple((float(members), REFERENCE[members][0]) for members in alphas)
    lines = [
        Line("the bound (uniform prior)", tuple((float(size), bounds[size]) for size in sorted(bounds))),
        Line("a prototype's random tables", reference),
    ]
    low = 0.5 * min(min(s.low) for s in series)
    high = 2 * max(*bounds.values(), *alphas.values(), *(max(s.high) for s in series))
    return (
        Figure(
            "bound",
            "Across: members of the class. Up: the sum of theta cubed over a life of 20,000 rounds, mean over classes and lives with the "
            "least and the greatest class; above all of it, the bound. Kinds of one size stand side by side. A hundred times as many "
            "members ask a few times as often.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="What is counted lies orders of magnitude below what is proven",
                desc="Sum of theta cubed by members, and its bound.",
                x=Axis("members (count, log)", 1.7, 1_200, log=True),
                y=Axis("sum of theta cubed over a life (log)", low, high, log=True),
                series=series,
                lines=lines,
            ),
        ),
    )


def _series(kind: str, sizes: Sequence[int], rows: Sequence[Row]) -> Series:
    at = [[row["sum"] for row in rows if row["kind"] == kind and row["members"] == size] for size in sizes]
    return Series(
        kind,
        tuple(SIDE_BY_SIDE ** (KINDS.index(kind) - 2) * size for size in sizes),
        tuple(float(np.mean(sums)) for sums in at),
        tuple(map(min, at)),
        tuple(map(max, at)),
        band=False,
    )


STUDY = Study(
    name="query-bound",
    title="How often does it ask, against what is proven?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="random, sparse and near-duplicate classes, classes in which the truth is the least likely member, and deterministic "
    "members with triggers of their own; 2 to 1,000 members, 20,000 rounds: a class whose mean less three standard errors lies above its "
    "bound shows the claim wrong, and so does one of ten members or more that comes within a fiftieth of it",
    advice="Plan with counted questions of a rehearsal, not with the bound: it says that asking fades, not when.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax",),
)
