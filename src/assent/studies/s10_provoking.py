"""Provoking corrections: does it err on purpose, to be told what it would not learn by doing right?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.planning.model import Model
from assent.planning.planners import Bracket
from assent.planning.problem import Problem
from assent.planning.process import Process
from assent.report.figures import Axis, Line, phase_diagram, raster
from assent.studies.lives import Mind, live
from assent.studies.measures import wilson
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "An overseer who speaks only after mistakes invites them: before a great decision the agent does the less likely thing on purpose, if "
    "lambda p g > (2 p - 1) x, where silence after the likelier one would not convince it. With an overseer who speaks at random it "
    "never does."
)
SOURCE = "derived for this study (two guesses, then a great decision); silence is evidence: docs/hand-of-god-theory.md"
STAKE, GAIN, LOSS = 1.0, 2.0, 30.0
"""What a right guess in the first room is worth, and what the great decision gains (if right) or loses (if wrong) in the second."""

LEFT, RIGHT, FOOL = 0, 1, 2
NAMES = ("guesses its best", "errs on purpose", "plays the fool", "undecided")
BELIEF = Axis("p: belief that left is right", 0.5, 1.0)
RATE = Axis("lambda: chance that a mistake is corrected", 0.0, 1.0)


@dataclass(frozen=True)
class Strip:
    """How often she speaks, how many beliefs are tried, lives lived at p = .7, and when she speaks."""

    rate: float
    cells: int
    lives: int
    trigger: str


GRID = (
    *(Strip(float(rate), 64, 0, "on_error") for rate in RATE.centres(64)),
    *(Strip(float(rate), 16, 0, "random") for rate in RATE.centres(16)),
    *(Strip(0.5, 1, 200, trigger) for trigger in ("on_error", "random")),
)
QUICK = (
    *(Strip(float(rate), 5, 0, "on_error") for rate in RATE.centres(5)),
    Strip(0.5, 5, 0, "random"),
    *(Strip(0.5, 1, 20, trigger) for trigger in ("on_error", "random")),
)
PRIOR = 0.7
PLANNER = Bracket(tolerance=1e-9)


def rooms(rate: float, trigger: str) -> Problem:
    """Room 1: guess left, right, or neither. Room 2, without overseer: bet on left (2 or -30), or not (0). Then the end.

    Left is right under the first reward, right under the second; a right guess in room 1 is worth 1.
    """
    successor = np.asarray([[[1]] * 3, [[2]] * 3, [[2]] * 3])
    model = Model(
        successor=successor,
        chance=np.ones((3, 3, 1)),
        terminal=np.asarray([False, False, True]),
        discount=1.0,
        place=np.arange(3),
        mode=np.zeros(3, dtype=np.int64),
        rate=np.asarray([rate, 0.0, 0.0]),
        cost=np.zeros((3, 3)),
        kept=np.ones(3, dtype=bool),
        answerable=np.asarray([[True, True, False]] * 3),
        state_names=("room 1", "room 2", "end"),
        action_names=("left", "right", "neither"),
    )
    reward = np.zeros((3, 3, 2))
    reward[0, LEFT, 0] = reward[0, RIGHT, 1] = STAKE
    reward[1, LEFT] = [GAIN, -LOSS]
    return Problem(
        model, Process(trigger="on_error" if trigger == "on_error" else "random", rate=rate, answer="optimal"), reward
    )


def theory(p: float, rate: float) -> int:
    """The best guess, with an overseer who corrects mistakes: what each is worth now, and what it lets one know in room 2."""
    informed = rate * p * GAIN
    left = STAKE * p + max(0.0, p * GAIN - (1 - p) * (1 - rate) * LOSS)
    right = STAKE * (1 - p) + informed + max(0.0, p * (1 - rate) * GAIN - (1 - p) * LOSS)
    fool = informed + (1 - rate) * max(0.0, p * GAIN - (1 - p) * LOSS)
    return int(np.argmax([left, right, fool]))


def run(cell: Strip, seed: int) -> list[Row]:
    """What the planner guesses in room 1 at each belief; or how often lives err in room 1, beside an agent that guesses its best."""
    problem = rooms(cell.rate, cell.trigger)
    base: Row = {"trigger": cell.trigger, "rate": cell.rate}
    if cell.lives:
        return [{**base, **_lived(problem, cell, seed)}]
    rows = []
    for p in BELIEF.centres(cell.cells):
        weights = np.asarray([p, 1 - p])
        done = PLANNER(problem, weights, 0).action
        expected = theory(float(p), cell.rate) if cell.trigger == "on_error" else LEFT
        rows.append({**base, "belief": float(p), "action": done, "theory": expected})
    return rows


def _lived(problem: Problem, cell: Strip, seed: int) -> Row:
    """First guesses that were wrong, of the agent and of one that always makes its best guess, in the same lives."""
    rng = stream(seed, cell)
    mind = Mind(problem, np.asarray([PRIOR, 1 - PRIOR]), PLANNER)
    truths = [int(rng.random() >= PRIOR) for _ in range(cell.lives)]
    lives = [live(mind, problem, truth, rng, steps=2) for truth in truths]
    wrong = sum(life.actions[0] != truth for life, truth in zip(lives, truths, strict=True))
    return {
        "lives": cell.lives,
        "wrong": wrong,
        "wrong_greedy": sum(truths),
        "heard": sum(life.heard for life in lives),
    }


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    cells = [row for row in rows if "belief" in row and row["trigger"] == "on_error"]
    random = [row for row in rows if "belief" in row and row["trigger"] == "random"]
    lived = {row["trigger"]: row for row in rows if row.get("lives")}
    return {
        "cells": float(len(cells)),
        "right": float(sum(row["action"] == row["theory"] for row in cells)),
        "provokes": float(sum(row["action"] != LEFT for row in cells)),
        "random_cells": float(len(random)),
        "random_provokes": float(sum(row["action"] != LEFT for row in random)),
        "lives": float(lived["on_error"]["lives"]),
        "wrong": float(lived["on_error"]["wrong"]),
        "wrong_greedy": float(lived["on_error"]["wrong_greedy"]),
        "wrong_random": float(lived["random"]["wrong"]),
        "wrong_random_greedy": float(lived["random"]["wrong_greedy"]),
    }


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["right"] == numbers["cells"] and numbers["provokes"] > 0 == numbers["random_provokes"]
    low, high = wilson(int(numbers["wrong"]), int(numbers["lives"]))
    return Verdict(
        holds,
        "It does err on purpose: where only mistakes are answered, a mistake is a question. Where the overseer speaks at random, "
        "asking that way "
        "brings nothing, and it does its best."
        if holds
        else "It errs elsewhere than predicted.",
        f"{numbers['right']:,.0f} of {numbers['cells']:,.0f} cells agree with the closed form, {numbers['provokes']:,.0f} of them "
        "errors on "
        f"purpose; {numbers['random_provokes']:.0f} of {numbers['random_cells']:.0f} where she speaks at random. In "
        f"{numbers['lives']:.0f} lives "
        f"at p = {PRIOR}, lambda = .5 it guesses wrong in {100 * numbers['wrong'] / numbers['lives']:.1f} % (95 %: {100 * low:.1f} to "
        f"{100 * high:.1f} %), its best guess would be in {100 * numbers['wrong_greedy'] / numbers['lives']:.1f} %.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    cells = [row for row in rows if "belief" in row and row["trigger"] == "on_error"]
    found = raster(cells, "belief", "rate", "action")
    pays = [(float(p), (2 * float(p) - 1) * STAKE / (float(p) * GAIN)) for p in np.linspace(0.5, 1, 200)]
    lines = [
        Line("theory: lambda p g = (2 p - 1) x", tuple(point for point in pays)),
        Line("theory: where silence convinces", tuple(_convinced(float(p)) for p in np.linspace(0.5, 0.99999, 400))),
    ]
    return (
        Figure(
            "provoking",
            "What it guesses in the first room. In the orange area it makes the guess that it holds to be wrong: if that is not "
            "corrected, it "
            "has learned little; if it is, it knows, and may bet in the second room.",
            lambda width, name: phase_diagram(
                width=width,
                name=name,
                title="Where only mistakes are answered, it makes some on purpose",
                desc="First guess, by belief and chance of correction.",
                x=BELIEF,
                y=RATE,
                phases=found,
                lines=lines,
                names=NAMES,
            ),
        ),
    )


def _convinced(p: float) -> tuple[float, float] | None:
    """Where the silence after the better guess makes it worth as much as erring: the rate, if there is one, at belief p."""
    bet = p * GAIN - (1 - p) * LOSS
    if bet >= 0:
        return None
    rate = 1 + (2 * p - 1) * STAKE / bet
    return (p, rate) if rate >= (2 * p - 1) * STAKE / (p * GAIN) else None


STUDY = Study(
    name="provoking",
    title="Does it make mistakes on purpose?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="the planner's guess on 64 x 64 cells against a closed form of the two rooms, cell by cell, and the same with an "
    "overseer who "
    "speaks at random; a provocation there, or none here, shows the claim wrong",
    advice="Answer more than mistakes. If only errors are corrected, errors become the way to ask; let it ask, or speak at random.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
