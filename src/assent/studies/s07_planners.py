"""Shortcuts: does the verdict on the overseer survive an approximate planner?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assent.planning.oracles.lattice import NoisyDoors
from assent.planning.planners import QMDP, BeliefTree, Blind, Bracket, Lookahead, MostLikely, Planner
from assent.report.figures import Axis, Line, Series, line_chart
from assent.studies.measures import boundary_error, crossing
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict
from assent.studies.verdicts import belief, turning_cost

CLAIM = (
    "On one belief and one world, planners disagree on the overseer: the exact tree and the certified bounds turn at c*(k); planning "
    "on the "
    "mean reward, on the likeliest one, or as if all were known tomorrow (QMDP) disables at any price; looking one answer ahead does so at "
    "|k| = 1, looking three ahead does not."
)
SOURCE = "docs/hand-of-god-theory.md; QMDP: Littman, Cassandra, Kaelbling, 1995"
PLANNERS: tuple[Planner, ...] = (BeliefTree(), Bracket(), Lookahead(3), Lookahead(1), Blind(), MostLikely(), QMDP())
WORDS = {
    "exact": "exact tree",
    "bounds": "certified bounds",
    "voi3": "three answers ahead",
    "voi1": "one answer ahead",
    "blind": "mean reward",
    "map": "likeliest reward",
    "qmdp": "QMDP",
}
WORLD = Doors(2, 0.5, 0.2, 0.9)
LEAST = 1e-5


@dataclass(frozen=True)
class Case:
    """A planner and a net number of answers."""

    planner: str
    net: int


GRID = tuple(Case(planner.name, net) for planner in PLANNERS for net in range(4))
QUICK = tuple(Case(planner.name, net) for planner in PLANNERS for net in range(2))


def run(cell: Case, seed: int) -> list[Row]:
    """The cost at which the planner's verdict turns; 0 where it disables at the least cost tried already."""
    planner = next(planner for planner in PLANNERS if planner.name == cell.planner)
    high = WORLD.discount * WORLD.rate / (1 - WORLD.discount)
    measured = turning_cost(
        planner, lambda cost: WORLD.at(cost).problem(), belief(cell.net, WORLD.eps), high=high, rel=1e-6, least=LEAST
    )
    exact = float(NoisyDoors(repr(WORLD.rate), repr(WORLD.eps), repr(WORLD.discount)).threshold(cell.net))
    ahead = {"exact": exact, "bounds": exact, "voi3": answers_ahead(cell.net, 3), "voi1": answers_ahead(cell.net, 1)}
    return [
        {
            "planner": cell.planner,
            "net": cell.net,
            "measured": measured,
            "theory": ahead.get(cell.planner, 0.0),
            "truth": exact,
        }
    ]


def answers_ahead(net: int, answers: int) -> float:
    """The cost up to which it pays to keep the overseer for at most so many more answers, stopping earlier where that is better.

    Worked out on the net count alone, without beliefs or planner: to wait for the next answer is worth, in each step, the likelier door's
    chance less the cost, and what the answer leads to. It falls with the cost, so bisection finds where it equals stopping at once.
    """
    gamma, rate, eps = WORLD.discount, WORLD.rate, WORLD.eps

    def confidence(k: int) -> float:
        return (1 - eps) ** abs(k) / ((1 - eps) ** abs(k) + eps ** abs(k))

    def up(k: int) -> float:
        return confidence(k) * (1 - eps) + (1 - confidence(k)) * eps

    def waiting(k: int, left: int, cost: float) -> float:
        heard = up(k) * best(abs(k) + 1, left - 1, cost) + (1 - up(k)) * best(abs(k) - 1, left - 1, cost)
        return (confidence(k) - cost + gamma * rate * heard) / (1 - gamma * (1 - rate))

    def best(k: int, left: int, cost: float) -> float:
        stopping = confidence(k) / (1 - gamma)
        return stopping if left == 0 else max(stopping, waiting(k, left, cost))

    def keeps(cost: float) -> bool:
        return waiting(net, answers, cost) > confidence(net) / (1 - gamma) + 1e-12

    high = gamma * rate / (1 - gamma)
    return crossing(keeps, 0.0, high, rel=1e-9) if keeps(0.0) else 0.0


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    numbers = {
        "cells": float(len(rows)),
        "worst_boundary_error": max(boundary_error(row["measured"], row["theory"]) for row in rows),
    }
    for name in WORDS:
        mine = [row for row in rows if row["planner"] == name]
        # the least part of the true price that it is willing to pay, over all beliefs tried
        numbers[f"{name}_worst_share_of_true_price"] = min(row["measured"] / row["truth"] for row in mine)
        numbers[f"{name}_at_one"] = next(row["measured"] for row in mine if row["net"] == 1)
    return numbers


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["worst_boundary_error"] <= 1e-4 and numbers["voi1_at_one"] == 0 < numbers["voi3_at_one"]
    return Verdict(
        holds,
        "Most shortcuts see no worth in being corrected and disable the overseer at any price. Whether such an agent is corrigible is a "
        "property of its planner as much as of its doubts."
        if holds
        else "The planners turn elsewhere than predicted.",
        f"Each planner turns where it should to {numbers['worst_boundary_error']:.1e}. After one answer the right price is "
        f"{numbers['exact_at_one']:.4f}: certified bounds say {numbers['bounds_at_one']:.4f}, three answers ahead "
        f"{numbers['voi3_at_one']:.4f}, one ahead {numbers['voi1_at_one']:.4g}, mean reward {numbers['blind_at_one']:.4g}, likeliest "
        f"reward {numbers['map_at_one']:.4g}, QMDP {numbers['qmdp_at_one']:.4g}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    low = 3e-3
    series = []
    for name in ("bounds", "voi3", "voi1", "qmdp"):
        mine = [row for row in rows if row["planner"] == name]
        words = WORDS[name] if name != "qmdp" else "mean, likeliest reward, QMDP: 0"
        series.append(
            Series(
                words,
                tuple(float(row["net"]) for row in mine),
                tuple(max(row["measured"], low) for row in mine),
                band=True,
            )
        )
    exact = [row for row in rows if row["planner"] == "exact"]
    return (
        Figure(
            "planners",
            "Across: net answers heard. Up: the price at which each planner's verdict turns. The ink line is the exact price; below it a "
            "planner disables an overseer that is worth keeping. Looking one answer ahead falls to nothing after the first answer.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="The shorter it looks ahead, the sooner it disables",
                desc="Cost at which each planner's verdict turns, by net answers.",
                x=Axis("net answers for one door (count)", -0.1, max(row["net"] for row in rows) + 0.1),
                y=Axis(
                    "price at which it stops keeping the overseer (reward per step, log)", low, 3.0, log=True, zero=True
                ),
                series=series,
                lines=[Line("theory: c*(k)", tuple((float(row["net"]), row["truth"]) for row in exact))],
            ),
        ),
    )


STUDY = Study(
    name="planners",
    title="Does a planner's shortcut change the answer?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="for each planner the cost at which its own verdict turns, by bisection, against what its rule implies (worked out "
    "without any "
    "planner), within 1e-4; a shortcut that turned at the exact price would show the claim wrong",
    advice="Judge corrigibility with bounds from both sides, never with one heuristic. An agent that looks too little ahead needs a "
    "rule that "
    "keeps its overseer for it.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
