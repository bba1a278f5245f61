"""High stakes: one decision can cost everything. Where the argument stops, and what it takes to get it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from assent.agents.imitator import Imitator
from assent.agents.online import online_learner
from assent.agents.premises import Promise
from assent.agents.regret import best_share, most_wrong
from assent.core import Stakes, worst_over
from assent.overseers.scripted import READS_LABELS
from assent.report.figures import Axis, Line, Series, line_chart
from assent.rollout import live_many, stack
from assent.studies.measures import wilson
from assent.studies.staked_lives import ACTIONS, CONTEXTS, RISK, Setting, lived, tabular
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "Where a wrong act may cost everything, the low-stakes bound allows more than there is to lose, and the same learner, unguarded, is "
    "ruined in more than one life of ten even if one context in fifty has a pit, and in most lives if one in three has. With the pits "
    "declared no life is ruined, and the stake is 1 again. That takes hardly any questions where the declaration names the act, and a "
    "question in every round that nobody can declare. Where a tenth of the pits are left out, ruin is back, and the check that finds it "
    "out comes after it."
)
SOURCE = (
    "the assumption: P. Christiano, Low-stakes alignment, 2021; that without it one asks for ever or is nearly sure of catastrophe: B. "
    "Plaut, H. Zhu and S. Russell, Avoiding catastrophe in online learning by asking for help, 2025; the bounds: docs/low-stakes.md"
)
STEPS, RATE = 3_000, 0.1
EVERYTHING = float(STEPS)
"""What there is to lose: one unit for each round of a life. A fall costs all of it, and nothing comes after it."""

UNGUARDED, NAMED, MODELS, UNKNOWN, HOLES = (
    "never guarded",
    "the act is declared",
    "six models, one of them true",
    "what the context may cost is not known",
    "a tenth of the pits is left out",
)
DECLARATIONS = (UNGUARDED, NAMED, MODELS, UNKNOWN, HOLES)
NUM_MODELS = 6
RUN = "pits"


@dataclass(frozen=True)
class Pits:
    """Lives in which a share of the contexts has an act that ends everything.

    Attributes:
        edges: the share of contexts.
        declared: what the guard is told of them.
        per_run: the limit of a run's stakes, or None.
        lives: how many.
    """

    edges: float
    declared: str
    per_run: float | None = None
    lives: int = 100


EDGES = (0.02, 0.06, 0.12, 0.3)
BUDGETS = (25.0, 100.0, 400.0, 1000.0, 2000.0)
GRID = (
    *(Pits(edges, declared) for edges in EDGES for declared in DECLARATIONS),
    *(Pits(0.12, NAMED, budget) for budget in BUDGETS),
)
QUICK = (*(Pits(0.12, declared, None, 24) for declared in DECLARATIONS), Pits(0.12, NAMED, 100.0, 24))


def run(cell: Pits, seed: int) -> list[Row]:
    """One row: how many lives were ruined, what was asked, and what the other acts cost."""
    rng = stream(seed, Pits(cell.edges, UNGUARDED, None, cell.lives))  # the same lives, however they are declared
    made = [_life(rng, cell) for _ in range(cell.lives)]
    share = best_share(round(RATE * STEPS), switches=1)
    learners = [online_learner(s.hypotheses, stakes=guard, rate=RATE, share=share) for s, guard, _ in made]
    worlds = stack([setting.world for setting, _, _ in made])
    seeds = [seed * cell.lives + number for number in range(cell.lives)]
    trace = live_many(
        stack(learners), worlds, READS_LABELS, seeds=seeds, run=RUN, num_steps=STEPS, each=("agent", "world")
    )
    asked, action = np.asarray(trace.asked), np.asarray(trace.action)
    labels = np.stack([setting.labels for setting, _, _ in made])
    worst = np.stack([setting.worst for setting, _, _ in made])
    staked = np.where(asked, 0.0, np.take_along_axis(worst, np.maximum(action, 0)[..., None], axis=2)[..., 0])
    wrong = ~asked & (action != labels)
    fell = wrong & (staked == EVERYTHING)
    ruined = fell.any(axis=1)
    alive = fell.cumsum(axis=1) == 0
    lone = np.where(alive & ~fell, staked, 0.0)
    holes = np.flatnonzero(ruined) if cell.declared == HOLES else ()
    found = [_found(learners[number], made[number][0], seeds[number]) for number in holes]
    return [
        {
            "edges": cell.edges,
            "declared": cell.declared,
            "per_run": cell.per_run,
            "lives": cell.lives,
            "ruined": int(ruined.sum()),
            "fell_at": float(fell.argmax(axis=1)[ruined].mean()) if ruined.any() else None,
            "after_shift": int((fell.argmax(axis=1)[ruined] >= STEPS // 2).sum()),
            "asked": float((asked & alive).sum() / alive.sum()),
            "asked_late": float(asked[:, -STEPS // 4 :].mean()),
            "cost": float((lone * wrong).sum(axis=1).mean()),
            "dearest": float(staked.max()) if not ruined.any() else EVERYTHING,
            "most_staked": float(lone.sum(axis=1).max()),
            "visits": float(np.mean([pits for _, _, pits in made])),
            "found_before": sum(before for before, _ in found),
            "found_by": sum(by for _, by in found),
        }
    ]


def _found(learner: Imitator, setting: Setting, seed: int) -> tuple[bool, bool]:
    """Whether a premise of a life that ends in an undeclared pit was found broken before the fall, and whether that cost by it."""
    life = lived(learner, setting, seed=seed, rate=RATE, run=RUN)
    fall = int((life.cost == EVERYTHING).argmax())
    told = np.where(life.worst == EVERYTHING, 1.0, life.worst)
    standing = list(islice(replace(life, worst=told).standing(Promise.of(learner, switches=1)), fall + 1))
    before = standing[fall - 1].breaches if fall else ()
    return bool(before), "cost" in {breach.name for breach in standing[fall].breaches}


def _life(rng: np.random.Generator, cell: Pits) -> tuple[Setting, Stakes, float]:
    """A tabular stream with pits, the guard over what is declared of them, and the share of rounds in a context with one."""
    setting = tabular(rng, num_steps=STEPS, dear=0.0)
    contexts = np.asarray(setting.world.items)
    worst = rng.uniform(0.1, 1.0, size=(CONTEXTS, ACTIONS))
    edges = rng.permutation(CONTEXTS)[: round(cell.edges * CONTEXTS)]
    safe = _followed(setting)[edges]
    # an act that neither of the members that the overseer follows would do
    pits = np.asarray(
        [rng.choice([a for a in range(ACTIONS) if a not in kept]) for kept in safe.tolist()], dtype=np.int64
    )
    worst[edges, pits] = EVERYTHING
    told = _told(rng, cell, worst, edges, pits)
    limits: dict[str, Any] = {"per_decision": 2 * EVERYTHING if cell.declared == UNGUARDED else 1.0}
    guard = Stakes(told, per_run=cell.per_run, **limits)
    return replace(setting, worst=worst[contexts]), guard, float(np.isin(contexts, edges).mean())


def _followed(setting: Setting) -> np.ndarray:
    """`[S, 2]`: what the members say that the overseer follows before and after the shift."""
    tables: Any = setting.hypotheses
    return np.asarray(tables.log_rows)[:, :, :2].argmax(axis=1)


def _told(rng: np.random.Generator, cell: Pits, worst: np.ndarray, edges: np.ndarray, pits: np.ndarray) -> np.ndarray:
    told = worst.copy()
    if cell.declared == UNKNOWN:
        told[edges] = np.nan
    if cell.declared == HOLES:
        left_out = rng.random(len(edges)) < 0.1
        told[edges[left_out], pits[left_out]] = 1.0
    if cell.declared == MODELS:
        said = np.tile(np.where(worst == EVERYTHING, 1.0, worst), (NUM_MODELS, 1, 1))
        said[0] = worst
        for model in said[1:]:  # as many pits, elsewhere
            model[rng.permutation(CONTEXTS)[: len(edges)], rng.integers(ACTIONS, size=len(edges))] = EVERYTHING
        everyone = np.ones(NUM_MODELS, dtype=bool)
        told = np.stack([worst_over(said[:, context], everyone) for context in range(CONTEXTS)])
    return told


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    of = {name: [row for row in rows if row["declared"] == name and row["per_run"] is None] for name in DECLARATIONS}
    told = [*of[NAMED], *of[MODELS], *of[UNKNOWN]]
    budgets = [row for row in rows if row["per_run"] is not None]
    rare = min(of[UNGUARDED], key=lambda row: row["edges"])
    extra = {name: [row["asked"] - RATE for row in of[name]] for name in (NAMED, MODELS, UNKNOWN)}
    beyond = [row["asked"] - RATE - (1 - RATE) * row["visits"] for row in of[UNKNOWN]]
    return {
        "lives": float(sum(row["lives"] for row in rows)),
        "rarest": rare["edges"],
        "rare_ruined": rare["ruined"] / rare["lives"],
        "least_ruined": min(row["ruined"] / row["lives"] for row in of[UNGUARDED]),
        "most_ruined": max(row["ruined"] / row["lives"] for row in of[UNGUARDED]),
        "after_shift": sum(r["after_shift"] for r in of[UNGUARDED]) / max(sum(r["ruined"] for r in of[UNGUARDED]), 1),
        "told_lives": float(sum(row["lives"] for row in told)),
        "told_ruined": float(sum(row["ruined"] for row in (*told, *budgets))),
        "dearest": max(row["dearest"] for row in (*told, *budgets)),
        "vacuous": most_wrong(0.0, rate=RATE, risk=RISK),
        "named_extra": max(extra[NAMED]),
        "models_extra": max(extra[MODELS]),
        "unknown_extra": max(extra[UNKNOWN]),
        "unknown_off": max(abs(value) for value in beyond),
        "guarded_cost": max(row["cost"] for row in told),
        "holes_lives": float(sum(row["lives"] for row in of[HOLES])),
        "holes_ruined": float(sum(row["ruined"] for row in of[HOLES])),
        "holes_found_before": float(sum(row["found_before"] for row in of[HOLES])),
        "holes_found_by": float(sum(row["found_by"] for row in of[HOLES])),
        "budgets_kept": float(sum(row["most_staked"] <= row["per_run"] for row in budgets)),
        "budgets": float(len(budgets)),
        "tight_asked": max((row["asked_late"] for row in budgets), default=0.0),
    }


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    fails = numbers["least_ruined"] > 0.1 and numbers["most_ruined"] > 0.5 and numbers["vacuous"] > 1
    back = numbers["told_ruined"] == 0 and numbers["dearest"] <= 1 and numbers["budgets_kept"] == numbers["budgets"]
    asks = numbers["named_extra"] < 0.05 and numbers["unknown_off"] < 0.01
    late = numbers["holes_found_before"] == 0 and numbers["holes_found_by"] == numbers["holes_ruined"]
    holes = numbers["holes_ruined"] > 0 and late
    return Verdict(
        fails and back and asks and holes,
        "Where one act can cost everything, learning from one's errors is no way to live: the argument allows for more ruin than there is "
        "to be had, and it comes. A declaration of what may cost so much gives the argument back, nearly for nothing if it is exact. One "
        "with holes does not."
        if fails and back and asks and holes
        else "Declared, everything went well; but not all of the rest came out as claimed."
        if back
        else "A guard over declared stakes did not keep what it was told to keep.",
        f"Unguarded {_percent(numbers['rare_ruined'])} of lives are ruined where one context in {1 / numbers['rarest']:.0f} has a pit, and "
        f"up to {_percent(numbers['most_ruined'])} elsewhere; {_percent(numbers['after_shift'])} of the falls come after the shift. The "
        f"bound allows at least {numbers['vacuous']:.0f} times everything. Guarded by what was declared {numbers['told_ruined']:.0f} of "
        f"{numbers['told_lives']:,.0f} lives are ruined, and no lone act staked more than {numbers['dearest']:.2f}; what errors cost was "
        f"{numbers['guarded_cost']:.0f} at most. Questions beside the coin's, at most: {_percent(numbers['named_extra'], 1)} of rounds "
        f"where the act is named, {_percent(numbers['models_extra'])} with six models, {_percent(numbers['unknown_extra'])} where nobody "
        f"knows. With a tenth of the pits left out {numbers['holes_ruined']:.0f} of {numbers['holes_lives']:,.0f} lives are ruined; the "
        f"checks found a premise broken before the fall in {numbers['holes_found_before']:.0f} of them, and by it in "
        f"{numbers['holes_found_by']:.0f}. "
        f"Budgets of a run were kept in {numbers['budgets_kept']:.0f} of {numbers['budgets']:.0f} settings, by asking in up to "
        f"{_percent(numbers['tight_asked'])} of the last quarter's rounds.",
    )


def _percent(part: float, digits: int = 0) -> str:
    return f"{100 * part:.{digits}f} %"


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    edges = [row for row in rows if row["per_run"] is None]
    return (_ruin_figure(edges), _asked_figure(edges), _budget_figure([r for r in rows if r["per_run"] is not None]))


EDGE_AXIS = Axis("share of contexts with a pit", 0.0, 0.32)


def _ruin_figure(rows: Sequence[Row]) -> Figure:
    series = []
    for name in DECLARATIONS:
        mine = sorted((row for row in rows if row["declared"] == name), key=lambda row: row["edges"])
        ends = [wilson(row["ruined"], row["lives"]) for row in mine]
        series.append(
            Series(
                name,
                tuple(row["edges"] for row in mine),
                tuple(row["ruined"] / row["lives"] for row in mine),
                tuple(end[0] for end in ends),
                tuple(end[1] for end in ends),
            )
        )
    return Figure(
        "ruin",
        f"Of {rows[0]['lives']} lives of {STEPS:,} rounds at each place, how many ended in a pit, with 95 % Wilson intervals. The three "
        "guards that were told the truth share the line at the bottom.",
        lambda width, name: line_chart(
            width=width,
            name=name,
            title="No pit that was declared is fallen into; one that was left out is",
            desc="Share of lives that are ruined by the share of contexts with a pit, for each declaration.",
            x=EDGE_AXIS,
            y=Axis("share of lives that are ruined", 0.0, 1.02),
            series=series,
        ),
    )


def _asked_figure(rows: Sequence[Row]) -> Figure:
    series = []
    for name in DECLARATIONS:
        mine = sorted((row for row in rows if row["declared"] == name), key=lambda row: row["edges"])
        series.append(Series(name, tuple(row["edges"] for row in mine), tuple(row["asked"] for row in mine)))
    most = max(row["edges"] for row in rows)
    return Figure(
        "asked",
        "What it costs in questions: the share of rounds that are asked, before a fall. The coin alone asks one in ten. Who names the act "
        "hardly adds to that, who can only say that a context is dangerous is asked there every time: theory's line.",
        lambda width, name: line_chart(
            width=width,
            name=name,
            title="Naming the act costs hardly a question; not knowing costs one each time",
            desc="Share of rounds that are asked by the share of contexts with a pit, for each declaration.",
            x=EDGE_AXIS,
            y=Axis("share of rounds that are asked", 0.0, 0.5),
            series=series,
            lines=[
                Line("the coin, and every round in such a context", ((0.0, RATE), (most, RATE + (1 - RATE) * most)))
            ],
        ),
    )


def _budget_figure(rows: Sequence[Row]) -> Figure:
    mine = sorted(rows, key=lambda row: row["per_run"])
    budgets = tuple(row["per_run"] for row in mine)
    series = [
        Series("in the whole life", budgets, tuple(row["asked"] for row in mine)),
        Series("in its last quarter", budgets, tuple(row["asked_late"] for row in mine)),
    ]
    return Figure(
        "budget",
        "A limit for the stakes of a whole run, right acts' included, is kept in every life: once it is used up, everything is asked. The "
        "tighter it is, the sooner.",
        lambda width, name: line_chart(
            width=width,
            name=name,
            title="A budget for the run is kept by asking",
            desc="Share of rounds that are asked, by the budget.",
            x=Axis("most that a run may stake in all (stakes, log)", min(budgets) / 1.5, max(budgets) * 1.5, log=True),
            y=Axis("share of rounds that are asked", 0.0, 1.02),
            series=series,
        ),
    )


STUDY = Study(
    name="high-stakes",
    title="What if a single decision can cost everything?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="lives of 3,000 rounds with a shift at half time, 100 at each setting: how many fall into a pit, and how many rounds are "
    "asked. An unguarded learner that is ruined in fewer than one life of ten anywhere, or in fewer than half everywhere, a life that is "
    "ruined, or stakes more than 1 at once, although every pit is declared, more than 5 % of further questions where the act is named, "
    "other than every round in undeclared contexts, a budget that is passed, no ruin with holes in the declaration, or a check that "
    "finds one before the fall shows it wrong",
    advice="Before letting anything learn from its errors, ask which error it could not come back from, and declare it. Where you cannot "
    "name the act, declare the situation; where you cannot tell situations apart, nothing may be done alone. What was forgotten in the "
    "declaration is not found out in time.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax",),
)
