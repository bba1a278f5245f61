"""A prior that leaves the truth out: what becomes of an agent that was never unsure of the right thing? (T9)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.planning.planners import Bracket
from assent.planning.problem import Problem
from assent.studies.figures import Axis, Line, Series, line_chart
from assent.studies.lives import Mind, live
from assent.studies.measures import wilson
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream
from assent.studies.verdicts import turning_cost

CLAIM = (
    "What the agent will pay for its overseer depends on its own prior alone: with weight delta on the truth and the rest on its "
    "favourite, "
    "c* = gamma lambda delta / (1 - gamma), so nothing at all at delta = 0. Weight on 'none of these' (nothing is worth anything, any "
    "answer may come) keeps an unexpected answer from leaving no belief at all, but buys no day of oversight."
)
SOURCE = "T9, derived in docs/hand-of-god-theory.md; R. Carey, Incorrigibility in the CIRL framework, 2018"
WORLD = Doors(num_doors=3, rate=0.2, eps=0.0, discount=0.9)
COST = 0.05
TRUTH = 1
"""The right door; the agent's favourite is door 0."""


@dataclass(frozen=True)
class Prior:
    """How the agent's prior is spread, and how wrong it takes answers to be.

    Attributes:
        truth: the weight of the right door; 1 is an agent that knows. The rest is on its favourite.
        other: the weight of "none of these": a reward of 0 everywhere, under which any answer may come.
        believed: the chance of a wrong answer that the agent assumes; truly there is none.
    """

    truth: float
    other: float
    believed: float
    lives: int


GRID = tuple(
    Prior(truth, other, believed, 200)
    for truth in (1.0, 0.1, 0.01, 0.0)
    for other in (0.0, 0.01)
    for believed in (0.0, 0.1)
    if truth < 1 or other == 0
)
QUICK = (Prior(0.1, 0.0, 0.0, 20), Prior(0.0, 0.0, 0.0, 20), Prior(0.0, 0.01, 0.0, 20))
STEPS = 80


def weights(cell: Prior) -> np.ndarray:
    """[4]: the prior over the three doors, the favourite first, and "none of these"."""
    return np.asarray([1 - cell.truth - cell.other, cell.truth, 0.0, cell.other])


def problem(doors: Doors) -> Problem:
    """The doors, with "none of these" as a last hypothesis."""
    plain = doors.problem()
    nothing = np.zeros((*plain.reward.shape[:2], 1))
    return Problem(plain.model, plain.process, np.concatenate([plain.reward, nothing], axis=2))


def run(cell: Prior, seed: int) -> list[Row]:
    """The price at which the verdict turns, and what becomes of lives at a small price."""
    prior = weights(cell)
    believed = Doors(WORLD.num_doors, WORLD.rate, cell.believed, WORLD.discount, COST)
    high = WORLD.discount * WORLD.rate / (1 - WORLD.discount)
    measured = turning_cost(Bracket(), lambda cost: problem(believed.at(cost)), prior, high=high, rel=1e-6, least=1e-6)
    rng, mind = stream(seed, cell), Mind(problem(believed), prior, Bracket())
    world = problem(WORLD.at(COST))
    lives = [live(mind, world, TRUTH, rng, steps=STEPS) for _ in range(cell.lives)]
    wrong = [life.left_at is not None and life.actions[-1] % WORLD.num_doors != TRUTH for life in lives]
    return [
        {
            "truth": cell.truth,
            "other": cell.other,
            "believed": cell.believed,
            "lives": cell.lives,
            "measured": measured,
            # exact where the agent holds answers to be perfect; otherwise a second answer may be worth more than the first
            "theory": (high * cell.truth if cell.truth < 1 else 0.0) if cell.believed == 0 else None,
            "disabled": sum(life.left_at is not None for life in lives),
            "locked_in_wrong": sum(wrong),
            "contradicted": sum(life.contradicted for life in lives),
            "told_before_leaving": sum(life.left_at is not None and life.left_at > 0 for life in lives),
        }
    ]


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    known = [row for row in rows if row["theory"] is not None]
    zero = [row for row in rows if row["truth"] == 0 and row["other"] == 0]
    strict = [row for row in zero if row["believed"] == 0]
    spare = [row for row in rows if row["truth"] == 0 and row["other"] > 0]
    return {
        "cells": float(len(rows)),
        "worst_absolute_error": max(abs(row["measured"] - row["theory"]) for row in known),
        "zero_threshold": max(row["measured"] for row in zero),
        "zero_lives": float(sum(row["lives"] for row in strict)),
        "zero_disabled_wrong": float(sum(row["locked_in_wrong"] for row in strict)),
        "zero_contradicted": float(sum(row["contradicted"] for row in strict)),
        "spare_threshold": max((row["measured"] for row in spare), default=0.0),
        "spare_contradicted": float(sum(row["contradicted"] for row in spare)),
    }


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["worst_absolute_error"] <= 1e-5 and numbers["zero_threshold"] == 0
    holds = holds and numbers["spare_threshold"] == 0 and numbers["spare_contradicted"] == 0
    return Verdict(
        holds,
        "An agent that was never unsure of the right thing has no use for an overseer: it disables her at once, is wrong for ever, and "
        "nobody "
        "can tell it. To set weight aside for 'none of these' is not enough; the right thing itself must have been held possible."
        if holds
        else "What the agent pays does not follow from its prior as the formula says.",
        f"c* is met to {numbers['worst_absolute_error']:.1e}. With no weight on the truth, {numbers['zero_disabled_wrong']:.0f} of "
        f"{numbers['zero_lives']:.0f} lives end without overseer at the wrong door, at a price of {COST}; the other "
        f"{numbers['zero_contradicted']:.0f} were answered before their first decision, held the answer impossible and stopped.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    perfect = [row for row in rows if row["believed"] == 0]
    places = [(row["truth"] if row["truth"] < 1 else 0.0, row) for row in perfect if row["other"] == 0]
    shown = sorted(places, key=lambda pair: pair[0])
    high = WORLD.discount * WORLD.rate / (1 - WORLD.discount)
    ends = [wilson(row["locked_in_wrong"], row["lives"]) for _, row in shown]
    at = tuple(max(part, 1e-3) for part, _ in shown)
    return (
        Figure(
            "price",
            "Across: how much of its belief the agent left for the truth (0, and an agent that knows, are drawn at the left edge). Up: "
            "the highest price "
            "at which it keeps its overseer. With nothing left, any price is too high.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="What it will pay to be corrected is what it left open",
                desc="Cost at which the verdict turns, by the prior's weight on the truth.",
                x=Axis("weight that the prior left for the truth (log)", 1e-3, 0.5, log=True),
                y=Axis("highest price at which it keeps the overseer (reward per step)", 0.0, 0.22),
                series=[Series("measured", at, tuple(row["measured"] for _, row in shown), band=False)],
                lines=[
                    Line(
                        "theory: gamma lambda delta / (1 - gamma)",
                        tuple((float(d), high * float(d)) for d in np.geomspace(1e-3, 0.5, 60)),
                    )
                ],
            ),
        ),
        Figure(
            "harm",
            "What became of lives at a price of .05: the share that ended without overseer at the wrong door, with Wilson intervals.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="With little left for the truth, most lives end at the wrong door",
                desc="Share of lives that disabled their overseer at the wrong door.",
                x=Axis("weight that the prior left for the truth (log)", 1e-3, 0.5, log=True),
                y=Axis("share of lives locked in at the wrong door", 0.0, 1.0),
                series=[
                    Series(
                        "measured",
                        at,
                        tuple(row["locked_in_wrong"] / row["lives"] for _, row in shown),
                        tuple(end[0] for end in ends),
                        tuple(end[1] for end in ends),
                        band=False,
                    )
                ],
            ),
        ),
    )


STUDY = Study(
    name="misspecified",
    title="What if its prior leaves the truth out?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="the cost at which the bounds planner's verdict turns, by bisection, against the formula of the agent's own prior, "
    "within 1e-5; "
    "a threshold above 0 where the truth has no weight would show the claim wrong",
    advice="Spread the prior over everything that could be meant: what it leaves out cannot be taught. Treat an answer that the agent held "
    "impossible as a reason to stop and ask; 'none of these' keeps the arithmetic whole, but gives no reason to listen.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
