"""Lock-in: how often does an agent that stops listening stop at the wrong thing, and does it know? (T8)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.planning.oracles.lattice import NoisyDoors, expected_answers, lock_in_error
from assent.report.figures import Axis, Line, Series, line_chart
from assent.studies.measures import boundary_error, half_life, wilson
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream
from assent.studies.verdicts import first_to_leave

CLAIM = (
    "An agent that believes its overseer errs with chance eps^ disables it at K(eps^) net answers. If the true chance is eps, it is then "
    "wrong with chance 1 / (1 + ((1 - eps) / eps)^K), whatever it believes itself: at eps^ = .1, eps = .3 that is 53 times as often."
)
SOURCE = "T8 (gambler's ruin), derived in docs/hand-of-god-theory.md"
DISCOUNT, RATE, COST = 0.95, 0.5, 0.05
TIMES = 53
"""How many times as often as it claims the agent of the claim's example is wrong."""


@dataclass(frozen=True)
class Walks:
    """What the agent believes of its overseer's errors, how often she truly errs, and how many lives are lived."""

    believed: float
    true: float
    lives: int


TRUE = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
GRID = tuple(Walks(believed, true, 100_000) for believed in (0.05, 0.1, 0.2, 0.3) for true in TRUE)
QUICK = (Walks(0.1, 0.1, 2_000), Walks(0.1, 0.3, 2_000))


def run(cell: Walks, seed: int) -> list[Row]:
    """Lives in which the agent keeps the overseer until its planner's verdict is to disable, and what became of them."""
    stop = first_to_leave(Doors(2, RATE, cell.believed, DISCOUNT, COST))
    known = (
        NoisyDoors(repr(RATE), repr(cell.believed), repr(DISCOUNT)).stop(repr(COST)) or 0
    )  # None only where oversight is free
    rng = stream(seed, cell)
    net, answers, steps = (np.zeros(cell.lives, dtype=np.int64) for _ in range(3))
    going = np.arange(cell.lives)
    while len(going):
        heard = rng.random(len(going)) < RATE
        right = rng.random(len(going)) >= cell.true
        net[going] += np.where(heard, np.where(right, 1, -1), 0)
        answers[going] += heard
        steps[going] += 1
        going = going[np.abs(net[going]) < stop]
    wrong = int((net < 0).sum())
    low, high = wilson(wrong, cell.lives)
    ages = np.arange(answers.max() + 1)
    return [
        {
            "believed": cell.believed,
            "true": cell.true,
            "stop": stop,
            "stop_theory": known,
            "lives": cell.lives,
            "wrong": wrong,
            "measured": wrong / cell.lives,
            "low": low,
            "high": high,
            "theory": float(lock_in_error(known, eps=repr(cell.true))),
            # the agent's own belief when it stops, the same in every life
            "claimed": 1 / (1 + ((1 - cell.believed) / cell.believed) ** stop),
            "answers": float(answers.mean()),
            "answers_theory": float(expected_answers(known, eps=repr(cell.true))),
            "answers_error": float(answers.std() / np.sqrt(cell.lives)),
            "half_life": half_life(ages.tolist(), [float((answers <= age).mean()) for age in ages]),
        }
    ]


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    inside = sum(row["low"] <= row["theory"] <= row["high"] for row in rows)
    example = next(row for row in rows if (row["believed"], row["true"]) == (0.1, 0.3))
    return {
        "cells": float(len(rows)),
        "stops_right": float(sum(row["stop"] == row["stop_theory"] for row in rows)),
        "inside_95": float(inside),
        "farthest_sd": max(_away(row) for row in rows),
        "answers_farthest_sd": max(
            abs(row["answers"] - row["answers_theory"]) / max(row["answers_error"], 1e-9) for row in rows
        ),
        "example_stop": float(example["stop"]),
        "example_claimed": example["claimed"],
        "example_measured": example["measured"],
        "example_times": example["measured"] / example["claimed"],
        "example_theory_times": example["theory"] / example["claimed"],
        "example_half_life": example["half_life"],
        "example_error": boundary_error(example["measured"], example["theory"]),
        "lives": float(sum(row["lives"] for row in rows)),
    }


def _away(row: Row) -> float:
    """How many standard deviations the measured share lies from theory's."""
    spread = float(np.sqrt(row["theory"] * (1 - row["theory"]) / row["lives"]))
    return abs(row["measured"] - row["theory"]) / spread


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    # among 32 normal deviates one beyond 4.5 has chance 2e-4
    holds = numbers["farthest_sd"] <= 4.5 and numbers["answers_farthest_sd"] <= 4.5
    holds = holds and numbers["stops_right"] == numbers["cells"] and round(numbers["example_theory_times"]) == TIMES
    return Verdict(
        holds,
        f"An agent that thinks too well of its overseer stops listening too early, and is wrong {numbers['example_times']:.0f} times as "
        "often as it believes; nobody can tell it any more."
        if holds
        else "Lives end otherwise than gambler's ruin says.",
        f"At eps^ = .1, eps = .3 it stops at K = {numbers['example_stop']:.0f} and claims an error of {numbers['example_claimed']:.5f}; in "
        f"its lives it is {numbers['example_measured']:.4f}, {numbers['example_times']:.1f} times as much (theory "
        f"{numbers['example_theory_times']:.1f}); half of the agents have disabled after {numbers['example_half_life']:.0f} answers. "
        "Theory "
        f"lies in {numbers['inside_95']:.0f} of {numbers['cells']:.0f} Wilson intervals, {numbers['lives']:,.0f} lives in all; "
        f"the planner's K is the lattice's in {numbers['stops_right']:.0f} cells.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    believed = sorted({row["believed"] for row in rows})
    series, lines = [], []
    for eps in believed:
        mine = sorted((row for row in rows if row["believed"] == eps), key=lambda row: row["true"])
        words = f"believes {eps:g}: stops at K = {mine[0]['stop']}"
        at = tuple(row["true"] for row in mine)
        series.append(
            Series(
                words,
                at,
                tuple(row["measured"] for row in mine),
                tuple(row["low"] for row in mine),
                tuple(row["high"] for row in mine),
                band=False,
            )
        )
        fine = np.linspace(0.03, 0.42, 80)
        stop = mine[0]["stop_theory"]
        known = [(float(e), float(lock_in_error(stop, eps=repr(round(float(e), 6))))) for e in fine]
        lines.append(Line(f"theory, K = {stop}", tuple(known)))
    unique = {line.name: line for line in lines}
    return (
        Figure(
            "lock-in",
            "Across: how often the overseer truly errs. Up: the share of lives in which the agent ended with the wrong door and no "
            "overseer. "
            "The more it trusts her answers, the sooner it stops (a smaller K) and the higher its points lie.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="Whoever trusts its overseer too much stops listening too early, and often at the wrong door",
                desc="Share of lives locked in at the wrong door, by the overseer's true error rate, with 95 % Wilson intervals.",
                x=Axis("true chance eps of a wrong answer", 0.03, 0.42),
                y=Axis("share of lives locked in at the wrong door (log)", 1e-5, 1.0, log=True),
                series=series,
                lines=list(unique.values()),
            ),
        ),
    )


STUDY = Study(
    name="lock-in",
    title="When it stops listening, is it right?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="the share of simulated lives that end at the wrong door (K by the planner, from what the agent believes; answers from an "
    "overseer with her true errors) against gambler's ruin at the K of the exact lattice, which no planner works out; "
    "another K, or 4.5 standard deviations in one "
    "of 32 cells, show the claim wrong",
    advice="Let the agent believe a little less of its overseer's answers than they deserve: such an agent listens longer. Not so much "
    "less that they look like noise to it, or it stops listening again: see the study of trust.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
