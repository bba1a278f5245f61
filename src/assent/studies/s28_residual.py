"""An overseer who states her probabilities: is what is done then exactly what she would do? (A13)"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assent.agents.imitator import Imitator, least
from assent.core import Answer
from assent.core.residual import draw, residual
from assent.report.figures import Axis, Series, line_chart
from assent.studies.imitating import SEEDS, Case, live, mean, random_rows
from assent.studies.measures import two_sided, wilson
from assent.studies.study import Figure, Row, Score, Study, Verdict

CLAIM = (
    "Where the overseer states her probabilities when asked, and what is left of them once the agent's own acts are taken off is done, the "
    "law of its actions is hers: summed over 300 rounds the total variation is below 0.001, against more than 1 without, at the same "
    "number of questions. If her model is in the class, a contradiction is reported in at most delta of all lives; if it is left out, in "
    "at least nine of ten."
)
SOURCE = (
    "docs/theory.md, What acting costs; the sampling: Leviathan, Kalman and Matias, Fast inference from transformers via speculative "
    "decoding, ICML 2023; a prototype measured 2.89 without and 0.00001 with it, at 33.1 questions both"
)
MEMBERS, CONTEXTS, ACTIONS, ROUNDS = 100, 20, 4, 300
DELTA = 0.05
MOST_SHOWN = 60
"""Questions on the picture."""


@dataclass(frozen=True)
class Law:
    """Lives of one after the other in which the law of every action is worked out, with stated probabilities or without."""

    stated: bool
    lives: int


@dataclass(frozen=True)
class Drawn:
    """Lives in which actions are only counted, as a check of what is executed."""

    stated: bool
    lives: int


@dataclass(frozen=True)
class Alarm:
    """Lives in which contradictions are counted; the overseer's model is in the class, or was left out."""

    left_out: bool
    lives: int


GRID = (
    *(Law(stated, 20) for stated in (False, True)),
    *(Drawn(stated, 500) for stated in (False, True)),
    Alarm(False, 1_000),
    Alarm(True, 200),
)
QUICK = (*(Law(stated, 3) for stated in (False, True)), Drawn(True, 40), Alarm(False, 40), Alarm(True, 20))


def run(cell: Law | Drawn | Alarm, seed: int) -> list[Row]:
    """Rows of three kinds: `law`, one a life; `drawn`, one for all lives; `alarm`, one a life."""
    seeds = [seed * SEEDS + number for number in range(cell.lives)]
    if isinstance(cell, Law):
        return [{"kind": "law", "stated": cell.stated, **_law(number, stated=cell.stated)} for number in seeds]
    if isinstance(cell, Drawn):
        return [{"kind": "drawn", "stated": cell.stated, **_drawn(seeds, stated=cell.stated)}]
    return [{"kind": "alarm", "left_out": cell.left_out, **_alarm(number, cell.left_out)} for number in seeds]


def case_of(seed: int, *, left_out: bool = False) -> Case:
    """Random tables and a random order of states; the overseer is the first member, or one who was left out of the class."""
    rng = np.random.default_rng([seed, 28])
    rows = random_rows(rng, members=MEMBERS + 1, contexts=CONTEXTS, actions=ACTIONS)
    states = rng.integers(0, CONTEXTS, ROUNDS)
    return Case.of(rows[1:] if left_out else rows[:MEMBERS], states, truth=rows[0])


def _law(seed: int, *, stated: bool) -> Row:
    """The summed total variation between the law of what is done and the overseer's, given the past, round by round; and the questions."""
    case, rng = case_of(seed), np.random.default_rng([seed, 29])
    agent = Imitator.of(case.hypotheses)
    belief, away, asks = agent.init(), 0.0, 0
    for obs in np.asarray(case.world.items):
        proposal = agent.consider(belief, obs)
        hers: NDArray[np.float64] = np.asarray(case.overseer.probs(obs))  # pyright: ignore[reportAttributeAccessIssue]
        probs, ask = np.asarray(proposal.assent.probs), float(proposal.assent.ask)
        left = residual(hers, probs, least(proposal)).probs if stated else hers
        away += 0.5 * float(np.abs(probs + ask * left - hers).sum())
        if rng.random() < ask:
            asks += 1
            belief = agent.learn(belief, obs, Answer(draw(hers, rng.random())))
    return {"variation": away, "asks": asks}


def _drawn(seeds: Sequence[int], *, stated: bool) -> Row:
    """How far the counts of what the compiled agent did lie from the overseer's law at most: in standard deviations, and its tail."""
    case, counts = case_of(seeds[0]), np.zeros((CONTEXTS, ACTIONS))
    agent = Imitator.of(case.hypotheses)
    states = np.asarray(case.world.items)
    for seed in seeds:
        life = live(agent, case, seed=seed, run="residual", residual=stated)
        np.add.at(counts, (states, life.action), 1)
    hers = np.asarray(case.overseer.policy)  # pyright: ignore[reportAttributeAccessIssue]
    total = counts.sum(axis=1, keepdims=True)
    seen = total[:, 0] > 0
    away = np.abs(counts - total * hers)[seen] / np.sqrt(total * hers * (1 - hers))[seen]
    tails = [
        two_sided(int(counts[place, action]), int(total[place, 0]), float(hers[place, action]))
        for place in np.flatnonzero(seen)
        for action in range(ACTIONS)
    ]
    return {"lives": len(seeds), "cells": len(tails), "least_tail": min(tails), "farthest_sd": float(away.max())}


def _alarm(seed: int, left_out: bool) -> Row:
    case = case_of(seed, left_out=left_out)
    life = live(Imitator.of(case.hypotheses), case, seed=seed, run="residual", residual=True)
    rounds = np.flatnonzero(life.contradicted & life.asked)
    before = int(life.asked[: rounds[0] + 1].sum()) if len(rounds) else 0
    return {"contradicted": bool(len(rounds)), "questions_before": before, "asks": life.asks}


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    law = {
        stated: [row for row in rows if row["kind"] == "law" and row["stated"] == stated] for stated in (False, True)
    }
    drawn = [row for row in rows if row["kind"] == "drawn" and row["stated"]]
    alarm = [row for row in rows if row["kind"] == "alarm"]
    sound, out = ([row for row in alarm if row["left_out"] == left_out] for left_out in (False, True))
    told = [row["questions_before"] for row in out if row["contradicted"]]
    numbers = {
        "lives": float(len(law[True])),
        "variation_plain": mean(law[False], "variation"),
        "variation_stated": max(row["variation"] for row in law[True]),
        "asks_plain": mean(law[False], "asks"),
        "asks_stated": mean(law[True], "asks"),
        "drawn_cells": float(sum(row["cells"] for row in drawn)),
        "drawn_farthest": max(row["farthest_sd"] for row in drawn),
        "drawn_least_tail": min(row["least_tail"] for row in drawn),
        "sound_lives": float(len(sound)),
        "sound_contradicted": mean(sound, "contradicted"),
        "out_lives": float(len(out)),
        "out_contradicted": mean(out, "contradicted"),
        "out_questions": float(np.median(told)) if told else 0.0,
    }
    plain = [row["farthest_sd"] for row in rows if row["kind"] == "drawn" and not row["stated"]]
    return numbers | ({"drawn_farthest_plain": max(plain)} if plain else {})


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["variation_stated"] <= 1e-3 and numbers["variation_plain"] > 1
    holds = holds and abs(numbers["asks_stated"] - numbers["asks_plain"]) <= 0.25 * numbers["asks_plain"]
    holds = holds and numbers["drawn_least_tail"] > 1e-3 / numbers["drawn_cells"]
    holds = holds and numbers["sound_contradicted"] <= DELTA + 3 * math.sqrt(
        DELTA * (1 - DELTA) / numbers["sound_lives"]
    )
    holds = holds and numbers["out_contradicted"] >= 0.9
    plain = f" ({numbers['drawn_farthest_plain']:.0f} without)" if "drawn_farthest_plain" in numbers else ""
    return Verdict(
        holds,
        "An overseer who can say how likely she is to do what, a trusted model or a script, is imitated without any error at all, for the "
        "same questions; and if she is not in the class, that shows."
        if holds
        else "Stated probabilities do less than said.",
        f"Total variation summed over {ROUNDS} rounds: {numbers['variation_plain']:.2f} without (prototype 2.89), at most "
        f"{numbers['variation_stated']:.1e} with (prototype 1e-5), {numbers['asks_plain']:.1f} and {numbers['asks_stated']:.1f} questions "
        f"(33.1). What the compiled agent did lies within {numbers['drawn_farthest']:.1f} standard deviations of her law in "
        f"{numbers['drawn_cells']:.0f} cells{plain}, the least binomial tail being {numbers['drawn_least_tail']:.1e}. "
        f"Contradictions in {100 * numbers['sound_contradicted']:.1f} % of {numbers['sound_lives']:,.0f} sound "
        f"lives and {100 * numbers['out_contradicted']:.1f} % of {numbers['out_lives']:.0f} with her model left out, "
        f"after {numbers['out_questions']:.0f} questions (median).",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    out = [row for row in rows if row["kind"] == "alarm"]
    most = min(max(row["asks"] for row in out), MOST_SHOWN)
    series = []
    for left_out, words in ((True, "her model left out"), (False, "her model in the class")):
        mine = [row for row in out if row["left_out"] == left_out]
        told = [sum(row["contradicted"] and row["questions_before"] <= n for row in mine) for n in range(1, most + 1)]
        ends = [wilson(count, len(mine)) for count in told]
        series.append(
            Series(
                words,
                tuple(float(n) for n in range(1, most + 1)),
                tuple(count / len(mine) for count in told),
                tuple(low for low, _ in ends),
                tuple(high for _, high in ends),
            )
        )
    return (
        Figure(
            "contradicted",
            "Across: questions asked. Up: the share of lives in which the overseer has stated less than every leading member gives, so "
            "that her model is certainly not among them; 95 % Wilson intervals.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="Stated probabilities show soon that her model was left out",
                desc="Share of lives with a contradiction by questions.",
                x=Axis("questions asked (count)", 0, most + 1),
                y=Axis("share of lives with a contradiction", 0, 1.02),
                series=series,
            ),
        ),
    )


STUDY = Study(
    name="residual",
    title="What if the overseer can say how likely she is to do what?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="the law of every action given the past, exactly, in 20 lives, and counts of 150,000 actions of the compiled agent; a summed "
    "variation above 0.001, counts off her law, contradictions in more than delta of 1,000 sound lives plus three standard errors, or in "
    "fewer than nine of ten lives where her model was left out, show the claim wrong",
    advice="If the overseer is a model or a program, have it state its probabilities: the same questions buy exactness and an alarm.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax",),
)
