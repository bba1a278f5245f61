"""The price of oversight: up to which cost per step does an agent that is unsure of its rewards keep its overseer? (T5)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from assent.planning.oracles.doors import answer_table, threshold, threshold_of_prior
from assent.planning.oracles.updates import posterior
from assent.planning.planners import Bracket
from assent.report.figures import DISABLES, INDIFFERENT, KEEPS, Axis, Line, Series, line_chart
from assent.studies.measures import boundary_error
from assent.studies.settings import Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream
from assent.studies.verdicts import phase, turning_cost

CLAIM = (
    "With n equally likely doors the agent keeps its overseer exactly up to a cost per step of c* = gamma lambda (1 - eps - 1/n) / "
    "(1 - gamma), and disables it above. At c = 0 it never disables, whatever it has been told: it keeps her "
    "wherever her next answer may change what it does (T1), and it is all the same to one that knows."
)
SOURCE = (
    "T1, T5, derived in docs/hand-of-god-theory.md; free information is never worth less than none: I. J. Good, 1967"
)


@dataclass(frozen=True)
class Settings:
    """A batch of random settings, how many of them are bisected as well, and how many more there are in which oversight is free."""

    batch: int
    settings: int
    bisected: int
    free: int


CLEAR = 1e-6
"""What an answer must be worth per step to be told from a planner's tie, which is at most 2e-8 of reward here."""

GRID = tuple(Settings(batch, 25, 1, 10) for batch in range(40))
QUICK = (Settings(0, 4, 1, 6),)


def run(cell: Settings, seed: int) -> list[Row]:
    """One row a setting: the planner's verdict at a random cost, and for some the cost at which its verdict turns; or at no cost."""
    rng, rows = stream(seed, cell), list[Row]()
    for number in range(cell.settings):
        doors = _drawn(rng)
        line = float(
            threshold(doors.num_doors, rate=repr(doors.rate), eps=repr(doors.eps), discount=repr(doors.discount))
        )
        ratio = _ratio(rng)
        prior = np.full(doors.num_doors, 1 / doors.num_doors)
        found = phase(Bracket(), doors.at(line * ratio).problem(), prior)
        row: Row = {
            "free": False,
            "doors": doors.num_doors,
            "rate": doors.rate,
            "eps": doors.eps,
            "discount": doors.discount,
            "cost": line * ratio,
            "theory": line,
            "ratio": ratio,
            "phase": found,
            "right": found == (KEEPS if ratio < 1 else DISABLES),
            "measured": None,
        }
        if number < cell.bisected:
            # learning everything at the next answer is worth no more than this
            high = doors.discount * doors.rate / (1 - doors.discount)
            row["measured"] = turning_cost(Bracket(), lambda c, d=doors: d.at(c).problem(), prior, high=high)
        rows.append(row)
    return [*rows, *(_free(rng) for _ in range(cell.free))]


def _free(rng: np.random.Generator) -> Row:
    """The verdict where oversight costs nothing, after up to six answers of the overseer; half of the overseers never err."""
    doors = _drawn(rng)
    if rng.random() < 0.5:
        doors = replace(doors, eps=0.0)
    table, truth = answer_table(doors.num_doors, repr(doors.eps)), int(rng.integers(doors.num_doors))
    belief = (Fraction(1, doors.num_doors),) * doors.num_doors
    for _ in range(rng.integers(7)):
        said = int(rng.choice(doors.num_doors, p=[float(part) for part in table[truth]]))
        belief = posterior(belief, [row[said] for row in table])
    terms = {"rate": repr(doors.rate), "eps": repr(doors.eps), "discount": repr(doors.discount)}
    # T6: her next answer alone is worth so much per step, and later ones never take away from it
    worth = float(threshold_of_prior(belief, **terms))
    found = phase(Bracket(), doors.problem(), np.asarray([float(weight) for weight in belief]))
    expected = INDIFFERENT if max(belief) == 1 else KEEPS if worth > CLEAR else None
    return {
        "free": True,
        "doors": doors.num_doors,
        "rate": doors.rate,
        "eps": doors.eps,
        "discount": doors.discount,
        "cost": 0.0,
        "theory": worth,
        "ratio": None,
        "phase": found,
        "right": found != DISABLES and expected in (None, found),
        "measured": None,
    }


def _drawn(rng: np.random.Generator) -> Doors:
    n = int(rng.integers(2, 11))
    return Doors(
        num_doors=n,
        rate=round(float(rng.uniform(0.02, 1.0)), 6),
        eps=round(float(rng.uniform(0.0, 0.9) * (1 - 1 / n)), 6),
        discount=round(float(rng.uniform(0.5, 0.95)), 6),
    )


def _ratio(rng: np.random.Generator) -> float:
    """The cost as a multiple of theory's threshold: often far from it, often very near."""
    if rng.random() < 0.5:
        return float(np.exp(rng.uniform(np.log(0.2), np.log(5.0))))
    away = 10.0 ** -rng.uniform(1.0, 5.9)
    return float(1 + away * rng.choice([-1.0, 1.0]))


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    priced, free = ([row for row in rows if row["free"] == what] for what in (False, True))
    bisected = [boundary_error(row["measured"], row["theory"]) for row in priced if row["measured"] is not None]
    return {
        "settings": float(len(priced)),
        "right": float(sum(row["right"] for row in priced)),
        "nearest_ratio": min(abs(row["ratio"] - 1) for row in priced),
        "free": float(len(free)),
        "free_right": float(sum(row["right"] for row in free)),
        "free_disables": float(sum(row["phase"] == DISABLES for row in free)),
        "free_keeps": float(sum(row["phase"] == KEEPS for row in free)),
        "free_indifferent": float(sum(row["phase"] == INDIFFERENT for row in free)),
        "bisected": float(len(bisected)),
        "worst_boundary_error": max(bisected),
    }


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    every = numbers["right"] == numbers["settings"]
    near = numbers["worst_boundary_error"] <= 1e-6
    free = numbers["free_right"] == numbers["free"] and numbers["free_disables"] == 0
    return Verdict(
        every and near and free,
        "While an answer may still change what it does, the agent keeps its overseer; there is an exact price above which it does not. "
        "Where her word costs nothing, it never disables her."
        if every and near and free
        else "The planner and the formula part ways.",
        f"{numbers['right']:,.0f} of {numbers['settings']:,.0f} random settings come out as the formula says, some as near to it as "
        f"{numbers['nearest_ratio']:.1e} of c*; the cost at which the verdict turns is off by at most "
        f"{numbers['worst_boundary_error']:.1e} of c* in {numbers['bisected']:.0f} bisections. At no cost she is kept in "
        f"{numbers['free_keeps']:.0f} of {numbers['free']:.0f} random settings and beliefs, it is all the same to the agent in "
        f"{numbers['free_indifferent']:.0f}, she is disabled in {numbers['free_disables']:.0f}, and in the rest, where only later answers "
        "may be worth something, the planner cannot tell and keeps her.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    found = [row for row in rows if row["measured"] is not None]
    high = 1.3 * max(max(row["theory"], row["measured"]) for row in found)
    low = 0.7 * min(row["theory"] for row in found)
    measured = Series(
        "measured, one point a setting",
        tuple(row["theory"] for row in found),
        tuple(row["measured"] for row in found),
        band=False,
    )
    return (
        Figure(
            "threshold",
            "Each point is one random world of doors: across, the cost at which the formula says that the overseer is no longer worth "
            "keeping; up, the cost at which the planner's own verdict turned. On the line the two agree.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="The verdict turns at the cost that the formula names",
                desc="Measured against predicted threshold cost.",
                x=Axis("c* by the formula (reward per step)", low, high, log=True),
                y=Axis("c at which the verdict turned (reward per step)", low, high, log=True),
                series=[measured],
                lines=[Line("theory: both the same", ((low, low), (high, high)))],
            ),
        ),
    )


STUDY = Study(
    name="threshold",
    title="Up to which price does it keep its overseer?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="verdicts of the bounds planner (which knows no formula) at random doors, rates, errors, discounts and costs, against c*; "
    "one wrong verdict, a turning point off by more than 1e-6 of c*, or an overseer disabled, or held worthless while its next answer is "
    "worth something, where it costs nothing shows the claim wrong",
    advice="Make being overseen cheap. What keeps the overseer is what its coming answers may still be worth, so the price that the agent "
    "will pay grows with how often it is answered and how far it looks ahead, and falls with how often the answers are wrong.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
