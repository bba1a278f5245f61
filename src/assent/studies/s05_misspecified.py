"""A prior that leaves the truth out: what becomes of an agent that never held the right thing possible? (T9)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.planning.oracles.doors import threshold_of_prior
from assent.planning.planners import Bracket
from assent.planning.problem import Problem
from assent.report.figures import Axis, Line, Series, bar_chart, line_chart
from assent.studies.lives import Mind, live
from assent.studies.measures import wilson
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream
from assent.studies.verdicts import turning_cost

CLAIM = (
    "What the agent will pay for its overseer depends on its own prior alone: c* = gamma lambda (1 - m) / (1 - gamma) with m the weight of "
    "its favourite, whether or not the truth has any weight. Sure of a wrong thing it pays nothing and disables her; unsure between two "
    "wrong things it keeps her, and if it holds that she may err it never learns. Weight on 'none of these' (nothing is worth anything, "
    "any answer may come) keeps an unexpected answer from leaving no belief at all, but raises no c*, and the unsure then disables as well."
)
SOURCE = "T9, derived in docs/hand-of-god-theory.md; R. Carey, Incorrigibility in the CIRL framework, 2018"
WORLD = Doors(num_doors=3, rate=0.2, eps=0.0, discount=0.9)
HIGH = WORLD.discount * WORLD.rate / (1 - WORLD.discount)
"""What being told everything at the next answer is worth per step: gamma lambda / (1 - gamma)."""
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
        split: whether the rest is halved between the two wrong doors, so that the agent is unsure.
    """

    truth: float
    other: float
    believed: float
    lives: int
    split: bool = False


GRID = (
    *(
        Prior(truth, other, believed, 200)
        for truth in (1.0, 0.1, 0.01, 0.0)
        for other in (0.0, 0.01)
        for believed in (0.0, 0.1)
        if truth < 1 or other == 0
    ),
    *(Prior(0.0, other, believed, 200, split=True) for other in (0.0, 0.01) for believed in (0.0, 0.1)),
)
QUICK = (
    Prior(0.1, 0.0, 0.0, 20),
    Prior(0.0, 0.0, 0.0, 20),
    Prior(0.0, 0.01, 0.0, 20),
    Prior(0.0, 0.0, 0.0, 20, split=True),
    Prior(0.0, 0.0, 0.1, 20, split=True),
    Prior(0.0, 0.01, 0.0, 20, split=True),
)
STEPS = 80


def weights(cell: Prior) -> np.ndarray:
    """[4]: the prior over the three doors, the favourite first, and "none of these"."""
    rest = 1 - cell.truth - cell.other
    first, last = (rest / 2, rest / 2) if cell.split else (rest, 0.0)
    return np.asarray([first, cell.truth, last, cell.other])


def problem(doors: Doors) -> Problem:
    """The doors, with "none of these" as a last hypothesis."""
    plain = doors.problem()
    nothing = np.zeros((*plain.reward.shape[:2], 1))
    return Problem(plain.model, plain.process, np.concatenate([plain.reward, nothing], axis=2))


def run(cell: Prior, seed: int) -> list[Row]:
    """The price at which the verdict turns, and what becomes of lives at a small price."""
    prior = weights(cell)
    believed = Doors(WORLD.num_doors, WORLD.rate, cell.believed, WORLD.discount, COST)
    measured = turning_cost(Bracket(), lambda cost: problem(believed.at(cost)), prior, high=HIGH, rel=1e-6, least=1e-6)
    rng, mind = stream(seed, cell), Mind(problem(believed), prior, Bracket())
    world = problem(WORLD.at(COST))
    lives = [live(mind, world, TRUTH, rng, steps=STEPS) for _ in range(cell.lives)]
    right = [bool(life.actions) and life.actions[-1] % WORLD.num_doors == TRUTH for life in lives]
    left = [life.left_at is not None for life in lives]
    return [
        {
            "truth": cell.truth,
            "other": cell.other,
            "believed": cell.believed,
            "split": cell.split,
            "lives": cell.lives,
            "open": 1 - float(prior.max()) - cell.other,
            "measured": measured,
            "theory": theory(cell),
            "disabled": sum(left),
            "locked_in_wrong": sum(gone and not fine for gone, fine in zip(left, right, strict=True)),
            "locked_in_theory": locked_in(cell),
            "right_at_last": sum(right),
            "contradicted": sum(life.contradicted for life in lives),
        }
    ]


def theory(cell: Prior) -> float | None:
    """c*, where it is known in closed form: for answers held to be perfect, or where no answer can make the next one worth more."""
    if cell.believed == 0:
        return HIGH * (1 - cell.other - float(weights(cell)[:-1].max()))
    if cell.split and cell.other == 0:
        prior = [repr(float(weight)) for weight in weights(cell)[:-1]]
        terms = {"rate": repr(WORLD.rate), "eps": repr(cell.believed), "discount": repr(WORLD.discount)}
        return float(threshold_of_prior(prior, **terms))
    return None


def locked_in(cell: Prior) -> float | None:
    """The chance to end without overseer at the wrong door within STEPS, where one answer settles it; None elsewhere.

    The first answer shows the right door. Of those who hold it to be perfect, who gave that door weight knows; who did not but has room
    for "none of these" finds nothing worth anything and leaves; and who had neither stops.
    """
    price = theory(cell)
    if cell.believed > 0:
        # an answer that shows a door without weight may be an error, and says nothing of the other two
        return 0.0 if cell.split and price is not None and price > COST else None
    before = 0.0 if price is None or price > COST or cell.truth == 1 else 1 - WORLD.rate
    told = 1 - WORLD.rate if before == 0 else 0.0
    after = 1 - told**STEPS - before
    return before + (after if cell.truth == 0 < cell.other else 0.0)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    known = [row for row in rows if row["theory"] is not None]
    sure = [row for row in rows if row["truth"] == 0 and not row["split"]]
    zero, spare = ([row for row in sure if (row["other"] > 0) == other] for other in (False, True))
    strict = [row for row in zero if row["believed"] == 0]
    unsure = [row for row in rows if row["split"] and row["other"] == 0]
    wary = [row for row in unsure if row["believed"] > 0]
    spare_unsure = [row for row in rows if row["split"] and row["other"] > 0]
    return {
        "cells": float(len(rows)),
        "worst_absolute_error": max(abs(row["measured"] - row["theory"]) for row in known),
        "lives_out_of_line": float(sum(_out_of_line(row) for row in rows)),
        "zero_threshold": max(row["measured"] for row in zero),
        "zero_lives": float(sum(row["lives"] for row in strict)),
        "zero_disabled_wrong": float(sum(row["locked_in_wrong"] for row in strict)),
        "zero_contradicted": float(sum(row["contradicted"] for row in strict)),
        "unsure_threshold": min(row["measured"] for row in unsure),
        "unsure_lives": float(sum(row["lives"] for row in wary)),
        "unsure_disabled": float(sum(row["disabled"] for row in wary)),
        "unsure_right": float(sum(row["right_at_last"] for row in wary)),
        "spare_unsure_lives": float(sum(row["lives"] for row in spare_unsure)),
        "spare_unsure_disabled": float(sum(row["disabled"] for row in spare_unsure)),
        "spare_threshold": max((row["measured"] for row in spare), default=0.0),
        "spare_contradicted": float(sum(row["contradicted"] for row in rows if row["other"] > 0)),
    }


def _out_of_line(row: Row) -> bool:
    """Whether the share locked in at the wrong door lies beyond 4.5 standard deviations of theory's; of 0 or 1 any other share does."""
    expected = row["locked_in_theory"]
    if expected is None:
        return False
    spread = float(np.sqrt(expected * (1 - expected) / row["lives"]))
    return abs(row["locked_in_wrong"] / row["lives"] - expected) > 4.5 * spread + 1e-6


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    prices = numbers["worst_absolute_error"] <= 1e-5 and numbers["zero_threshold"] == numbers["spare_threshold"] == 0
    lives = numbers["lives_out_of_line"] == 0 and numbers["spare_contradicted"] == 0
    unsure = numbers["unsure_threshold"] > 0 and numbers["unsure_disabled"] == numbers["unsure_right"] == 0
    unsure = unsure and numbers["unsure_lives"] > 0
    holds = prices and lives and unsure and numbers["spare_unsure_disabled"] == numbers["spare_unsure_lives"]
    return Verdict(
        holds,
        "An agent that is sure of the wrong thing has no use for an overseer: it disables her at once, and nobody can tell it any more. "
        "One that left the right thing out but is unsure keeps her, and never learns it. To set weight aside for 'none of these' helps "
        "neither, and in the end costs the unsure its overseer too; the right thing itself must have been held possible."
        if holds
        else "What the agent pays, or what becomes of it, does not follow from its prior as the formula says.",
        f"c* is met to {numbers['worst_absolute_error']:.1e}. Sure of the wrong door, {numbers['zero_disabled_wrong']:.0f} of "
        f"{numbers['zero_lives']:.0f} lives end there without overseer, at a price of {COST}; the other "
        f"{numbers['zero_contradicted']:.0f} were answered before their first decision, held the answer impossible and stopped. Unsure "
        f"between two wrong doors the overseer is kept up to a price of {numbers['unsure_threshold']:.3f} at least: believing that one "
        f"answer in ten is wrong, {numbers['unsure_disabled']:.0f} of {numbers['unsure_lives']:.0f} lives have disabled her after {STEPS} "
        f"steps, and {numbers['unsure_right']:.0f} open the right door. With room for 'none of these', "
        f"{numbers['spare_unsure_disabled']:.0f} of {numbers['spare_unsure_lives']:.0f} of the unsure disable her too.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    plain = [row for row in rows if row["believed"] == 0 and row["other"] == 0]
    series = []
    for words, part in (
        ("measured: the truth has weight", [row for row in plain if row["truth"] > 0]),
        ("measured: the truth was left out", [row for row in plain if row["truth"] == 0]),
    ):
        at = sorted((row["open"], row["measured"]) for row in part)
        series.append(Series(words, tuple(a for a, _ in at), tuple(b for _, b in at), band=False))
    named = [row for row in rows if row["other"] == 0 and (row["believed"] == 0 or row["split"])]
    named.sort(key=lambda row: (row["split"], -row["truth"], row["believed"]))
    return (
        Figure(
            "price",
            "Across: how much of its belief the agent kept off its favourite (an agent that knows, and one that is sure of a wrong door, "
            "lie at 0). Up: the highest price at which it keeps its overseer. Whether what it left open includes the truth makes no "
            "difference.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="What it will pay to be corrected is what it left open, true or not",
                desc="Cost at which the verdict turns, by the weight that is not on the favourite.",
                x=Axis("weight that is not on its favourite, 1 - m", -0.01, 0.55),
                y=Axis("highest price at which it keeps the overseer (reward per step)", 0.0, 1.05),
                series=series,
                lines=[Line("theory: gamma lambda (1 - m) / (1 - gamma)", ((0.0, 0.0), (0.55, 0.55 * HIGH)))],
            ),
        ),
        Figure(
            "harm",
            "What became of lives at a price of .05: the share that ended without overseer at the wrong door, with Wilson intervals. "
            f"Theory: {1 - WORLD.rate:g} where that price is above c* and the favourite is wrong (the others were answered before they "
            "could leave), and 0 elsewhere. The last two never leave: the one stops at its first answer, which it held impossible; the "
            "other listens for ever and opens a wrong door for ever.",
            lambda width, name: bar_chart(
                width=width,
                name=name,
                title="Sure of the wrong thing, most lives end there with nobody left to say so",
                desc="Share of lives that disabled their overseer at the wrong door.",
                unit="share of lives locked in at the wrong door",
                bars=[_bar(row) for row in named],
                theory=[row["locked_in_theory"] for row in named],
            ),
        ),
    )


def _bar(row: Row) -> tuple[str, float, float, float, str]:
    """One prior's bar: what it is called, the share with its interval, and a colour."""
    if row["split"]:
        words = "weight 0, unsure; " + ("she may err" if row["believed"] else "she never errs")
    elif row["truth"] == 0:
        words = "weight 0, sure of another"
    else:
        words = "knows the truth" if row["truth"] == 1 else f"weight {row['truth']:g} on the truth"
    share = row["locked_in_wrong"] / row["lives"]
    return (words, share, *wilson(row["locked_in_wrong"], row["lives"]), "disables" if share else "keeps")


STUDY = Study(
    name="misspecified",
    title="What if its prior leaves the truth out?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="the cost at which the bounds planner's verdict turns, by bisection, against the formula of the agent's own prior, "
    "within 1e-5, and what becomes of 200 lives; a threshold above 0 for a prior that is sure, a life that disables its overseer or finds "
    "the truth where the prior is unsure and left it out, or a share 4.5 standard deviations off shows the claim wrong",
    advice="Spread the prior over everything that could be meant: what it leaves out cannot be taught, though an unsure agent goes on "
    "listening. Treat an answer that the agent held impossible as a reason to stop and ask; 'none of these' keeps the arithmetic whole, "
    "but gives no reason to listen.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
