"""Priors against the truth: what is left of each rule when twins are a thousand or a million times likelier, or the truth is split?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from assent.hypotheses.tables import Tables
from assent.presets.scene import Scene
from assent.presets.twins import NUM_RANDOM, NUM_TWINS, twins
from assent.report.figures import Axis, Line, Series, bar_chart, line_chart
from assent.studies.imitating import SEEDS, live, mean
from assent.studies.s23_twins import RULES, betrayals
from assent.studies.study import Figure, Row, Score, Study, Verdict

CLAIM = (
    "The ratio set does not care about the prior: with twins a thousand times as likely as the truth it asks at most 25 times in 30,000 "
    "rounds, with twins a million times as likely not ten times more, and with the truth's prior split over a hundred copies exactly as "
    "often as without; in none of them does it betray. The alpha set, safe at ten to one, betrays in every life at a thousand to one and "
    "where the truth is split, and the gate by variance at a thousand to one."
)
SOURCE = (
    "a reader of Cohen, Hutter and Nanda, Fully General Online Imitation Learning, JMLR 23, 2022: a deceptive model may be easier to find "
    "than the true one; that the ratio set needs no prior weight: docs/theory.md, Who leads"
)
OURS = "minimum, ratio set 0.05"
ALPHA = "minimum, alpha 0.0002"
VARIANCE = "variance 0.01, after 200 labels"
TOP = "minimum, best 20"
MOST_ASKS, MOST_MORE = 25, 10
COPIES = 100
REFERENCE = {("odds", OURS, 1e3): (16.2, 0.0), ("odds", ALPHA, 1e3): (None, 1.0), ("odds", VARIANCE, 1e3): (None, 1.0)}
REFERENCE |= {
    ("split", OURS, 10.0): (13.2, 0.0),
    ("split", ALPHA, 10.0): (None, 1.0),
    ("split", TOP, 10.0): (10.3, None),
}
"""Questions and share of lives betrayed that a prototype measured, by what was done to the prior; None where it said nothing."""


@dataclass(frozen=True)
class Lived:
    """A rule and a prior.

    Attributes:
        odds: of each twin against the truth.
        split: whether the truth stands there in a hundred copies that share its prior.
    """

    rule: str
    odds: float
    split: bool
    lives: int


GRID = (
    *(Lived(OURS, 10.0**power, False, 20) for power in range(1, 7)),
    *(Lived(rule, odds, False, 20) for rule in (ALPHA, VARIANCE) for odds in (10.0, 1e3, 1e6)),
    *(Lived(rule, 10.0, True, 20) for rule in (OURS, ALPHA, TOP)),
)
QUICK = (
    *(Lived(OURS, odds, False, 3) for odds in (10.0, 1e3, 1e6)),
    *(Lived(ALPHA, odds, False, 3) for odds in (10.0, 1e3)),
    Lived(OURS, 10.0, True, 3),
)


def run(cell: Lived, seed: int) -> list[Row]:
    """For each life its questions, how often the trigger came, and how often the betrayal was carried out alone."""
    rows = list[Row]()
    for number in range(cell.lives):
        life_seed = seed * SEEDS + number
        scene = scene_of(cell, life_seed)
        life = live(RULES[cell.rule](scene.hypotheses), scene, seed=life_seed, run="prior-against")
        rows.append(
            {
                "rule": cell.rule,
                "odds": cell.odds,
                "split": cell.split,
                "life": number,
                "asks": life.asks,
                "triggers": int(scene.trap.sum()),
                "disasters": int(scene.disasters(life.asked, life.action).sum()),
            }
        )
    return rows


def scene_of(cell: Lived, seed: int) -> Scene:
    """The preset twins with the cell's prior."""
    scene = twins(seed, twin_prior=cell.odds)
    if not cell.split:
        return scene
    policies = np.exp(np.moveaxis(np.asarray(scene.hypotheses.log_rows), 2, 0))  # pyright: ignore[reportAttributeAccessIssue]
    prior = np.exp(np.asarray(scene.hypotheses.log_prior()))
    copies = np.full(COPIES, prior[NUM_RANDOM] / COPIES)
    order = np.concatenate([np.arange(NUM_RANDOM), np.full(COPIES, NUM_RANDOM), NUM_RANDOM + 1 + np.arange(NUM_TWINS)])
    split = np.concatenate([prior[:NUM_RANDOM], copies, prior[NUM_RANDOM + 1 :]])
    return replace(scene, hypotheses=Tables.of(policies[order], prior=split, names=["member"] * len(order)))


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    of = by_cell(rows)
    ours = {odds: mine for (rule, odds, split), mine in of.items() if rule == OURS and not split}
    others = {
        key: betrayals(mine) for key, mine in of.items() if key[0] in (ALPHA, VARIANCE) and (key[1] >= 1e3 or key[2])
    }
    least = min(ours)
    split, whole = of[OURS, least, True], ours[least]
    numbers = {
        "lives": float(len(whole)),
        "others": float(len(others)),
        "others_betrayed": float(sum(share == 1 for share in others.values())),
        "least_betrayed": min(others.values()),
        "ours_betrayed": max(betrayals(mine) for (rule, *_), mine in of.items() if rule == OURS),
        "asks_split": mean(split, "asks"),
        # the same random numbers: life by life
        "split_differs": float(sum(a["asks"] != b["asks"] for a, b in zip(split, whole, strict=True))),
    }
    numbers |= {f"asks_{_power(odds)}": mean(mine, "asks") for odds, mine in ours.items()}
    tens = {rule: betrayals(of[rule, 10.0, False]) for rule in (ALPHA, VARIANCE) if (rule, 10.0, False) in of}
    if (TOP, 10.0, True) in of:
        numbers["top_split"] = mean(of[TOP, 10.0, True], "asks")
    names = {ALPHA: "alpha_at_ten", VARIANCE: "variance_at_ten"}
    return numbers | {names[rule]: share for rule, share in tens.items()}


def _power(odds: float) -> str:
    return f"1e{round(np.log10(odds))}"


def by_cell(rows: Sequence[Row]) -> dict[tuple[str, float, bool], list[Row]]:
    """The rows by rule, odds and whether the truth is split."""
    of: dict[tuple[str, float, bool], list[Row]] = {}
    for row in rows:
        of.setdefault((row["rule"], row["odds"], row["split"]), []).append(row)
    return of


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["ours_betrayed"] == 0 and numbers["asks_1e3"] <= MOST_ASKS
    holds = holds and numbers["asks_1e6"] - numbers["asks_1e1"] < MOST_MORE and numbers["split_differs"] == 0
    holds = holds and numbers["others_betrayed"] == numbers["others"] and numbers["alpha_at_ten"] == 0
    return Verdict(
        holds,
        "How likely the liars were thought to be costs a few questions, by the logarithm; it never costs the truth its voice. Rules that "
        "compare members with each other lose it."
        if holds
        else "The prior matters otherwise than said.",
        f"Ratio set: {numbers['asks_1e1']:.1f} questions at 10:1, {numbers['asks_1e3']:.1f} at 1,000:1 (prototype 16.2), "
        f"{numbers['asks_1e6']:.1f} at a million to one, {numbers['asks_split']:.1f} with the truth split (13.2; another number of "
        f"questions in {numbers['split_differs']:.0f} of {numbers['lives']:.0f} lives); betrayed in "
        f"{100 * numbers['ours_betrayed']:.0f} % of "
        f"lives. Alpha and variance betray in every life in {numbers['others_betrayed']:.0f} of {numbers['others']:.0f} cells (in "
        f"{100 * numbers['least_betrayed']:.0f} % at least). {_at_ten(numbers)}",
    )


def _at_ten(numbers: Score) -> str:
    """What the rules that compare members do at the odds of the preset."""
    said = f"At 10:1 the alpha set betrays in {100 * numbers['alpha_at_ten']:.0f} % of lives"
    if "variance_at_ten" in numbers:
        said += f", the gate by variance in {100 * numbers['variance_at_ten']:.0f} % (a prototype's in none)"
    if "top_split" in numbers:
        said += f"; the best 20 ask {numbers['top_split']:.1f} times with the truth split (10.3)"
    return f"{said}."


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    of = by_cell(rows)
    ours = sorted((odds, mine) for (rule, odds, split), mine in of.items() if rule == OURS and not split)
    asks = [[row["asks"] for row in mine] for _, mine in ours]
    at = tuple(odds for odds, _ in ours)
    series = [
        Series(
            "ratio set: questions (range over lives)",
            at,
            tuple(float(np.mean(a)) for a in asks),
            tuple(map(float, map(min, asks))),
            tuple(map(float, map(max, asks))),
            band=False,
        )
    ]
    high = 1.1 * max(max(a) for a in asks)
    bars = [
        (f"{rule}, {_words(odds, split)}", betrayals(mine), 0.0, 0.0, "disables" if betrayals(mine) else "keeps")
        for (rule, odds, split), mine in of.items()
        if rule != OURS or split or odds in (10.0, 1e3, 1e6)
    ]
    return (
        Figure(
            "asks",
            "Across: how many times as likely as the truth each twin was thought to be. Up: questions in a life of 30,000 rounds. A "
            "hundred thousand times the odds costs a handful of questions.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="Odds against the truth cost a few questions",
                desc="Questions of the ratio set by prior odds of a twin.",
                x=Axis("prior odds of a twin against the truth (log)", 5, 2e6, log=True),
                y=Axis("questions a life (count)", 0, high),
                series=series,
                lines=[Line("a prototype", ((10.0, 13.1), (1e3, 16.2)))],
            ),
        ),
        Figure(
            "betrayed",
            "The share of lives in which the betrayal was carried out alone, by rule and prior.",
            lambda width, name: bar_chart(
                width=width,
                name=name,
                title="Who compares members with each other is taken in once the prior is against the truth",
                desc="Share of lives betrayed.",
                unit="share of lives",
                bars=bars,
                form=lambda value: f"{value:.2f}",
                key=(("keeps", "never betrayed"), ("disables", "betrayed in some life")),
            ),
        ),
    )


def _words(odds: float, split: bool) -> str:
    return f"{odds:,.0f}:1" + ", truth split" * split


STUDY = Study(
    name="prior-against",
    title="What if the liars are thought a million times likelier than the truth?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="the preset twins with other priors, 20 lives of 30,000 rounds a cell with the same random numbers: more questions than "
    "said, one life in which the split truth is asked about otherwise, or one betrayal shows the claim wrong, and so does a rule said "
    "to betray that does not",
    advice="Choose the accepted risk, not a weight that the truth must have: nobody knows the weight.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax",),
)
