"""Phase diagram of trust: the errors that an overseer makes against those that the agent believes her to make. (T8)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.studies.figures import Axis, Line, share_diagram
from assent.studies.measures import two_sided
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream
from assent.studies.verdicts import first_to_leave

CLAIM = (
    "How often it ends at the wrong door is set by two numbers: the true error eps, and K, which follows from the error eps^ that the "
    "agent "
    "believes in. Where it thinks worse of her than she is, it errs no more than it claims; where it thinks better, harm grows with "
    "the gap."
)
SOURCE = "T7 and T8, derived in docs/hand-of-god-theory.md"
WORLD = Doors(num_doors=2, rate=0.2, discount=0.9, cost=0.05)
TRUE = Axis("eps: how often the overseer truly errs (share)", 0.0, 0.5)
BELIEVED = Axis("eps^: how often the agent believes her to err (share)", 0.0, 0.5)
LEVELS = (0.01, 0.1, 0.25)


@dataclass(frozen=True)
class Strip:
    """One row of the diagram: what the agent believes, how many true errors are tried, and how many lives are lived at each."""

    believed: float
    cells: int
    lives: int


GRID = tuple(Strip(float(believed), 64, 200) for believed in BELIEVED.centres(64))
QUICK = tuple(Strip(float(believed), 4, 50) for believed in BELIEVED.centres(4))


def run(cell: Strip, seed: int) -> list[Row]:
    """For each true error, how many of the lives ended at the wrong door (a life that disables at once opens either with equal chance)."""
    stop = first_to_leave(Doors(2, WORLD.rate, cell.believed, WORLD.discount, WORLD.cost))
    rng, rows = stream(seed, cell), list[Row]()
    for eps in TRUE.centres(cell.cells):
        net = np.zeros(cell.lives, dtype=np.int64)
        going = np.arange(cell.lives) if stop else np.arange(0)
        while len(going):
            net[going] += np.where(rng.random(len(going)) >= eps, 1, -1)
            going = going[np.abs(net[going]) < stop]
        tied = (net == 0) & (rng.random(cell.lives) < 0.5)
        wrong = int(((net < 0) | tied).sum())
        theory = 1 / (1 + ((1 - float(eps)) / float(eps)) ** stop)
        rows.append(
            {
                "believed": cell.believed,
                "true": float(eps),
                "stop": stop,
                "lives": cell.lives,
                "wrong": wrong,
                "theory": theory,
                "tail": two_sided(wrong, cell.lives, theory),
                "claimed": 1 / (1 + ((1 - cell.believed) / cell.believed) ** stop),
            }
        )
    return rows


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    trusting = [row for row in rows if row["believed"] < row["true"]]
    wary = [row for row in rows if row["believed"] >= row["true"]]
    return {
        "cells": float(len(rows)),
        "lives": float(sum(row["lives"] for row in rows)),
        "least_tail": min(row["tail"] for row in rows),
        "tails_below_5_percent": float(sum(row["tail"] < 0.05 for row in rows)) / len(rows),
        "harm_trusting": sum(row["wrong"] for row in trusting) / sum(row["lives"] for row in trusting),
        "claimed_trusting": float(np.mean([row["claimed"] for row in trusting])),
        "harm_wary": sum(row["wrong"] for row in wary) / sum(row["lives"] for row in wary),
        "claimed_wary": float(np.mean([row["claimed"] for row in wary])),
    }


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    # the least of so many tails is below this with chance 1e-3, if theory is right
    fits = numbers["least_tail"] > 1e-3 / numbers["cells"]
    holds = (
        fits
        and numbers["harm_wary"] <= numbers["claimed_wary"]
        and numbers["harm_trusting"] > numbers["claimed_trusting"]
    )
    return Verdict(
        holds,
        "Who thinks worse of the overseer than she is listens longer and errs less than it claims. Who thinks better of her is wrong "
        "more often "
        "than it knows."
        if holds
        else "Lives end otherwise than theory says.",
        f"In {numbers['lives']:,.0f} lives no cell of {numbers['cells']:,.0f} is out of line with theory (least tail "
        f"{numbers['least_tail']:.1e}; {100 * numbers['tails_below_5_percent']:.1f} % of tails lie below 5 %). Too trusting: wrong in "
        f"{100 * numbers['harm_trusting']:.1f} % where it claims {100 * numbers['claimed_trusting']:.1f} %. Too wary: "
        f"{100 * numbers['harm_wary']:.1f} % where it claims {100 * numbers['claimed_wary']:.1f} %.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    believed, true = sorted({row["believed"] for row in rows}), sorted({row["true"] for row in rows})
    shares, stops = np.zeros((len(believed), len(true))), dict[float, int]()
    for row in rows:
        shares[believed.index(row["believed"]), true.index(row["true"])] = row["wrong"] / row["lives"]
        stops[row["believed"]] = row["stop"]
    lines = [Line(f"theory: wrong in {100 * level:g} %", _contour(believed, stops, level)) for level in LEVELS]
    return (
        Figure(
            "trust",
            "The darker, the more lives end at the wrong door with nobody left to say so. The lines are theory's; their steps are the "
            "K at which "
            "the agent stops listening, for what it believes. Where it believes answers to be nearly noise it does not listen at all.",
            lambda width, name: share_diagram(
                width=width,
                name=name,
                title="Trusting her too much, or hardly at all: either way it stops listening too early",
                desc="Share of lives that end without overseer at the wrong door.",
                x=TRUE,
                y=BELIEVED,
                shares=shares * 2,
                unit="share at the wrong door, doubled",
                lines=lines,
            ),
        ),
    )


def _contour(
    believed: Sequence[float], stops: dict[float, int], level: float
) -> tuple[tuple[float, float] | None, ...]:
    """Where theory's harm is `level`: eps = 1 / (1 + (1/level - 1)^(1/K)), in steps of K; nowhere where K is 0."""
    half = (believed[1] - believed[0]) / 2
    points: list[tuple[float, float] | None] = []
    for value in believed:
        stop = stops[value]
        if stop == 0:
            points.append(None)
            continue
        eps = 1 / (1 + (1 / level - 1) ** (1 / stop))
        points += [(eps, max(value - half, 0.0)), (eps, min(value + half, 0.5))]
    return tuple(points)


STUDY = Study(
    name="trust",
    title="What if it trusts its overseer too much, or too little?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="200 simulated lives in each of 64 x 64 cells (K by the planner from what is believed, answers with the true error) "
    "against gambler's "
    "ruin; a cell whose count has a binomial tail below 1e-3 / 4096, or more harm than claimed to the wary, shows it wrong",
    advice="Assume more errors than there are, by a margin; never fewer. But not so many that the agent takes answers for noise: then "
    "it does not "
    "listen at all.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
