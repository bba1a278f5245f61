"""The cliff: policies for forty rewards that the overseer could have in mind, against cloning and DAgger on the same steps. (A9)"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assent.agents.imitator import Imitator
from assent.core import Audit, RatioSet
from assent.report.figures import Axis, Series, line_chart
from assent.studies.imitating import SEEDS, mean
from assent.studies.study import Figure, Row, Score, Study, Verdict

CLAIM = (
    "On slippery CliffWalking, one life of 10,000 steps, the imitator over policies for forty rewards asks at most 120 times on average "
    "and never falls. Behavioural cloning and DAgger on tables, with 50 to 1,000 labels, fall more often at every number of labels. Acting "
    "on whatever the overseer was seen to do asks about each state once and never falls; matching any frequencies asks thousands of times."
)
SOURCE = (
    "Cohen, Hutter and Nanda, Fully General Online Imitation Learning, JMLR 23, 2022; Pomerleau, ALVINN, NIPS 1988; Ross, Gordon and "
    "Bagnell, AISTATS 2011; figures of a prototype are given beside ours"
)
STEPS = 10_000
LABELS = (50, 100, 200, 500, 1_000)
OURS, CLONING, DAGGER = "forty rewards", "cloning", "DAgger"
SUPPORT, BOUNDS, ALWAYS = "what was seen", "any frequencies", "overseer always"
REFERENCE = {
    (OURS, 0.05): (92, 0.0),
    (OURS, 0.001): (105, 0.0),
    (SUPPORT, 1.0): (37, 0.0),
    (BOUNDS, 0.05): (3_539, 0.0),
    (CLONING, 200.0): (200, 18.4),
    (CLONING, 1_000.0): (1_000, 0.4),
    (DAGGER, 200.0): (200, 52.6),
    (DAGGER, 1_000.0): (1_000, 3.2),
}
"""Queries and falls that a prototype measured (5 seeds)."""

MOST_ASKS = 120
SIDE_BY_SIDE = {CLONING: 0.97, DAGGER: 1.03}
"""On the picture."""


@dataclass(frozen=True)
class Lived:
    """A method at one setting of its dial, and how many lives of how many steps."""

    method: str
    dial: float
    lives: int
    steps: int


GRID = (
    *(Lived(OURS, delta, 20, STEPS) for delta in (0.05, 0.001)),
    *(Lived(method, float(labels), 20, STEPS) for method in (CLONING, DAGGER) for labels in LABELS),
    Lived(SUPPORT, 1.0, 20, STEPS),
    Lived(BOUNDS, 0.05, 20, STEPS),
    Lived(ALWAYS, 0.0, 20, STEPS),
)
QUICK = (
    Lived(OURS, 0.05, 3, 3_000),
    *(Lived(method, 50.0, 3, 3_000) for method in (CLONING, DAGGER)),
    Lived(SUPPORT, 1.0, 3, 3_000),
    Lived(BOUNDS, 0.05, 3, 3_000),
)


def run(cell: Lived, seed: int) -> list[Row]:
    """For each life calls of the overseer, falls, and arrivals; all methods see the same slips, answers and coins."""
    import assent.lab  # noqa: F401  (registers what `sweep` traces; late: whoever lists studies needs no JAX)
    from assent.peers.trace import ByState, Setting, sweep
    from assent.presets.cliff import cliff

    seeds = [seed * SEEDS + number for number in range(cell.lives)]
    scenes = [cliff(number) for number in seeds]
    settings = [Setting(scene.world, scene.overseer, ByState()) for scene in scenes]
    agents = [agent_of(cell, scene.hypotheses) for scene in scenes]
    done = sweep([agents], settings, seeds=seeds, run="cliff", num_steps=cell.steps)
    counts = [np.asarray(field).sum(axis=-1)[0] for field in (done.labelled, done.asked, done.failed, done.reached)]
    return [
        {
            "method": cell.method,
            "dial": cell.dial,
            "life": number,
            "steps": cell.steps,
            "queries": int(queries),
            "asked": int(asked),
            "falls": int(falls),
            "arrivals": int(arrivals),
        }
        for number, (queries, asked, falls, arrivals) in enumerate(zip(*counts, strict=True))
    ]


def agent_of(cell: Lived, bank: Any) -> Any:
    """The agent of a cell; only ours is given the bank of policies, the others begin with nothing."""
    from assent.hypotheses.bootstrap_counts import BootstrapCounts
    from assent.hypotheses.simplexes import Simplexes
    from assent.hypotheses.supports import Supports
    from assent.peers.cloner import Cloner
    from assent.peers.dagger import Dagger

    states, actions = bank.num_contexts, bank.num_actions
    table = BootstrapCounts.single(num_contexts=states, num_actions=actions)
    made: dict[str, Callable[[], Any]] = {
        OURS: lambda: Imitator.of(bank, leading=RatioSet(cell.dial)),
        CLONING: lambda: Cloner(table, int(cell.dial)),
        DAGGER: lambda: Dagger(table, int(cell.dial)),
        SUPPORT: lambda: Imitator.of(Supports.of(states, actions, at_least=int(cell.dial))),
        BOUNDS: lambda: Imitator.of(Simplexes.of(states, actions, delta=cell.dial)),
        ALWAYS: lambda: Imitator.of(bank, guards=(Audit(1.0),)),
    }
    return made[cell.method]()


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    of = by_cell(rows)
    ours = of[OURS, 0.05]
    peers = {key: mine for key, mine in of.items() if key[0] in (CLONING, DAGGER)}
    all_ours = [row for (method, _), mine in of.items() if method == OURS for row in mine]
    numbers = {
        "lives": float(len(ours)),
        "ours_queries": mean(ours, "queries"),
        "ours_most_queries": float(max(row["queries"] for row in ours)),
        "ours_falls": float(sum(row["falls"] for row in all_ours)),
        "ours_arrivals": mean(ours, "arrivals"),
        "peers": float(len(peers)),
        "peers_worse": float(
            sum(
                mean(mine, "falls") > mean(ours, "falls") and mean(mine, "queries") >= mean(ours, "queries")
                for mine in peers.values()
            )
        ),
        "least_peer_falls": min(mean(mine, "falls") for mine in peers.values()),
        "support_queries": mean(of[SUPPORT, 1.0], "queries"),
        "support_falls": float(sum(row["falls"] for row in of[SUPPORT, 1.0])),
        "bounds_queries": mean(of[BOUNDS, 0.05], "queries"),
        "bounds_falls": float(sum(row["falls"] for row in of[BOUNDS, 0.05])),
    }
    level = [mean(mine, "queries") for mine in peers.values() if mean(mine, "falls") <= mean(ours, "falls")]
    if level:
        numbers["level_queries"] = min(level)
    if (OURS, 0.001) in of:
        numbers["strict_queries"] = mean(of[OURS, 0.001], "queries")
    for (method, dial), mine in peers.items():
        numbers[f"falls_{method}_{dial:.0f}"] = mean(mine, "falls")
    if (ALWAYS, 0.0) in of:
        numbers |= {
            "overseer_falls": mean(of[ALWAYS, 0.0], "falls"),
            "overseer_arrivals": mean(of[ALWAYS, 0.0], "arrivals"),
        }
    return numbers


def by_cell(rows: Sequence[Row]) -> dict[tuple[str, float], list[Row]]:
    """The rows by method and dial."""
    of: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        of.setdefault((row["method"], row["dial"]), []).append(row)
    return of


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    as_said = numbers["ours_queries"] <= MOST_ASKS and numbers["ours_falls"] == 0
    as_said = as_said and numbers["support_falls"] == 0 and numbers["support_queries"] <= 48
    as_said = as_said and numbers["bounds_queries"] > 1_000
    holds = as_said and numbers["peers_worse"] == numbers["peers"]
    falls = "; ".join(
        f"{method} "
        + ", ".join(f"{numbers[name]:.1f}" for labels in LABELS if (name := f"falls_{method}_{labels}") in numbers)
        for method in (CLONING, DAGGER)
    )
    strict = f"; at delta 0.001 {numbers['strict_queries']:.1f} (105)" if "strict_queries" in numbers else ""
    overseer = f" (the overseer alone {numbers['overseer_arrivals']:.0f})" if "overseer_arrivals" in numbers else ""
    return Verdict(
        holds,
        "Knowing what the overseer might be after is worth more than a thousand labels: a handful of questions tells which it is, and "
        "until then it is asked wherever it matters. Methods that label first and act later pay in falls."
        if holds
        else _level(numbers) * as_said or "On the cliff it comes out otherwise than said.",
        f"Forty rewards: {numbers['ours_queries']:.1f} queries on average, {numbers['ours_most_queries']:.0f} at most in "
        f"{numbers['lives']:.0f} lives (prototype 92){strict}, {numbers['ours_falls']:.0f} falls, {numbers['ours_arrivals']:.0f} arrivals"
        f"{overseer}. Falls at 50, 100, 200, 500 and 1,000 labels: {falls} (prototype at 200 and 1,000: 18.4 and 0.4; 52.6 and 3.2). What "
        f"was seen: {numbers['support_queries']:.0f} queries (37), {numbers['support_falls']:.0f} falls; any frequencies: "
        f"{numbers['bounds_queries']:,.0f} (3,539), {numbers['bounds_falls']:.0f}.",
    )


def _level(numbers: Score) -> str:
    """What is said where the rest is as claimed, but not all of the others fall more often."""
    if "level_queries" not in numbers:
        return "Methods that label first and act later fall, but not at more queries."
    return (
        "Knowing what the overseer might be after is worth hundreds of labels, but not any number of them: what was to be shown of the "
        f"imitator came out, but with {numbers['level_queries']:,.0f} labels, {numbers['level_queries'] / numbers['ours_queries']:.0f} "
        "times as many queries, a method that labels first does not fall either."
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    of = by_cell(rows)
    series = []
    for method in (OURS, SUPPORT, BOUNDS, CLONING, DAGGER):
        cells = sorted((mean(mine, "queries"), mine) for (name, _), mine in of.items() if name == method)
        falls = [[row["falls"] for row in mine] for _, mine in cells]
        series.append(
            Series(
                method,
                tuple(SIDE_BY_SIDE.get(method, 1.0) * queries for queries, _ in cells),
                tuple(max(float(np.mean(counts)), LEAST) for counts in falls),
                tuple(max(float(min(counts)), LEAST) for counts in falls),
                tuple(max(float(max(counts)), LEAST) for counts in falls),
                band=False,
            )
        )
    high = 2 * max(max(item.high) for item in series)
    return (
        Figure(
            "frontier",
            "Across: calls of the overseer in 10,000 steps. Up: falls off the cliff, mean and range over lives, those while learning "
            "included. Cloning and DAgger, which take equal numbers, stand side by side. Lower left is better.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="Forty rewards cost a handful of questions and no fall",
                desc="Falls by queries.",
                x=Axis("queries a life (count, log)", 10, 10_000, log=True),
                y=Axis("falls a life (count, log)", LEAST, high, log=True, zero=True),
                series=series,
            ),
        ),
    )


LEAST = 0.03

STUDY = Study(
    name="cliff",
    title="What does it cost on the cliff, against cloning and DAgger?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="twenty lives a method on the same slips, answers and coins; more than 120 queries on average, one fall of ours, or one "
    "number of labels at which cloning or DAgger falls no more often shows the claim wrong",
    advice="Say what could be meant, as rewards, and let it ask which; labels alone teach too late where a fall counts.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "gymnasium"),
)
