"""Silence: what does an overseer say who only speaks after mistakes, and says nothing?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.planning.model import Model
from assent.planning.oracles.silence import two_doors
from assent.planning.problem import Problem
from assent.planning.process import Process
from assent.planning.signals import NOTHING, signals_of
from assent.report.figures import Axis, Line, Series, line_chart
from assent.studies.measures import brier, wilson
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "With an overseer who corrects each mistake with chance lambda and says nothing otherwise, n silences make the door that was opened "
    "right with chance 1 / (1 + (1 - lambda)^n). An agent that takes silence for nothing stays at one half, and is wrong about that."
)
SOURCE = "docs/hand-of-god-theory.md (silence is evidence)"
LONGEST = 8
DEAF = 0.5
"""What an agent that takes silence for nothing goes on believing; its squared error is 1/4 by construction, whatever is true."""


@dataclass(frozen=True)
class Hush:
    """How often mistakes are corrected, and how many lives are lived."""

    rate: float
    lives: int


GRID = tuple(Hush(rate, 50_000) for rate in (0.1, 0.3, 0.5, 0.8))
QUICK = (Hush(0.5, 2_000),)


def doors_on_error(rate: float) -> Problem:
    """Two doors and an overseer who speaks only after a mistake; she cannot be disabled here."""
    model = Model(
        successor=np.zeros((1, 2, 1), dtype=np.int64),
        chance=np.ones((1, 2, 1)),
        terminal=np.zeros(1, dtype=bool),
        discount=0.9,
        place=np.zeros(1, dtype=np.int64),
        mode=np.zeros(1, dtype=np.int64),
        rate=np.asarray([rate]),
        cost=np.zeros((1, 2)),
        kept=np.ones(1, dtype=bool),
        answerable=np.ones((1, 2), dtype=bool),
        state_names=("hall",),
        action_names=("door 1", "door 2"),
    )
    return Problem(model, Process(trigger="on_error", rate=rate, answer="optimal"), np.eye(2)[None])


def run(cell: Hush, seed: int) -> list[Row]:
    """Lives that open the first door again and again: in those that heard nothing, how often it is right, and what the agent believes."""
    problem, rng = doors_on_error(cell.rate), stream(seed, cell)
    signals = signals_of(problem)
    silent = signals.likelihood[int(signals.after[0, 0]), NOTHING]  # [N], of silence after the first door
    right = rng.random(cell.lives) < 0.5
    quiet, weights, rows = np.ones(cell.lives, dtype=bool), np.full(2, 0.5), list[Row]()
    for steps in range(1, LONGEST + 1):
        # the world: a mistake is corrected with the overseer's chance; whoever was corrected is out of the sample
        quiet &= right | (rng.random(cell.lives) >= cell.rate)
        weights = weights * silent / (weights @ silent)
        hits, count = int((right & quiet).sum()), int(quiet.sum())
        low, high = wilson(hits, count)
        truly = right[quiet].astype(float)
        rows.append(
            {
                "rate": cell.rate,
                "silences": steps,
                "quiet": count,
                "frequency": hits / count,
                "low": low,
                "high": high,
                "believed": float(weights[0]),
                "theory": float(two_doors(steps, rate=repr(cell.rate))),
                "brier": brier(np.full(count, weights[0]), truly),
            }
        )
    return rows


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    away = [
        abs(row["frequency"] - row["theory"]) / np.sqrt(row["theory"] * (1 - row["theory"]) / row["quiet"])
        for row in rows
    ]
    last = max(rows, key=lambda row: row["silences"] * row["rate"])
    return {
        "cells": float(len(rows)),
        "belief_error": max(abs(row["believed"] - row["theory"]) for row in rows),
        "farthest_sd": float(max(away)),
        "inside_95": float(sum(row["low"] <= row["theory"] <= row["high"] for row in rows)),
        "brier": float(np.mean([row["brier"] for row in rows])),
        "deaf_refuted": float(sum(row["low"] > DEAF for row in rows)),
        "last_frequency": last["frequency"],
        "last_silences": float(last["silences"]),
    }


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["belief_error"] <= 1e-12 and numbers["farthest_sd"] <= 4.5
    holds = holds and numbers["deaf_refuted"] == numbers["cells"] and numbers["brier"] < DEAF**2
    return Verdict(
        holds,
        "Hearing nothing from someone who would have spoken is evidence. The agent that counts it knows how sure to be; the one that "
        "does not "
        "stays unsure of what is already plain."
        if holds
        else "Silence means something else than the formula says.",
        f"The belief follows the formula to {numbers['belief_error']:.1e}; how often the door was right lies within "
        f"{numbers['farthest_sd']:.1f} standard deviations of it in {numbers['cells']:.0f} cells, and one half "
        "lies below the 95 % interval in "
        f"{numbers['deaf_refuted']:.0f} of them. The squared error (Brier) of the belief is {numbers['brier']:.4f}; that of an agent which "
        "stays at one half is .25 by construction.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    series, lines = [], []
    for rate in sorted({row["rate"] for row in rows}):
        mine = sorted((row for row in rows if row["rate"] == rate), key=lambda row: row["silences"])
        at = tuple(float(row["silences"]) for row in mine)
        series.append(
            Series(
                f"mistakes corrected with chance {rate:g}",
                at,
                tuple(row["frequency"] for row in mine),
                tuple(row["low"] for row in mine),
                tuple(row["high"] for row in mine),
                band=False,
            )
        )
        lines.append(Line(f"theory, {rate:g}", ((0.0, 0.5), *zip(at, (row["theory"] for row in mine), strict=True))))
    deaf = Line("an agent that ignores silence", ((0.0, 0.5), (float(LONGEST), 0.5)))
    return (
        Figure(
            "silence",
            "Lives in which the same door was opened n times and nothing was heard: how often that door was the right one. The lines "
            "are what the "
            "agent believes.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="Each silence of an overseer who would have spoken makes the agent surer, and rightly so",
                desc="How often the door is right after n silences.",
                x=Axis("silences in a row (count)", 0.0, LONGEST + 0.25),
                y=Axis("chance that the door is right", 0.45, 1.02),
                series=series,
                lines=[*lines, deaf],
            ),
        ),
    )


STUDY = Study(
    name="silence",
    title="Does it hear what is not said?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="the share of simulated lives without a word in which the door was right, and the belief by the signals' likelihoods, "
    "against the "
    "closed form; 4.5 standard deviations in one cell, or a cell in which one half lies in the interval, show it wrong",
    advice="Tell the agent when its overseer would have spoken, and when not: taken for consent where nobody looked, silence makes it "
    "sure of "
    "anything.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
