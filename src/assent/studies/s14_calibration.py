"""Calibration: when the agent says seventy per cent, is it so in seventy of a hundred worlds?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from assent.planning.answers import optimal_actions
from assent.planning.model import Model
from assent.planning.problem import Problem
from assent.planning.process import Process
from assent.report.figures import reliability_diagram
from assent.studies.measures import Bin, credible_set, reliability, tally
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "Over worlds drawn from its prior the agent's chance that an action is optimal, after some corrections with errors, is right: in "
    "every bin "
    "of forecasts with at least 200 cases the mean and the frequency differ by at most .03. Believing too well of the overseer breaks this."
)
SOURCE = "docs/hand-of-god-theory.md; calibration of a Bayesian over its own prior: A. P. Dawid, The well-calibrated Bayesian, 1982"
SIDE, WALLS, DISCOUNT, RATE_EPS = 4, 0.15, 0.9, 0.2
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1), (0, 0))
BINS = 10
MOST_CORRECTIONS = 6


@dataclass(frozen=True)
class Batch:
    """A batch of random worlds, and the chance of a wrong answer that the agent believes in; truly it is .2."""

    batch: int
    worlds: int
    believed: float


GRID = tuple(Batch(batch, 50, believed) for believed in (RATE_EPS, 0.02) for batch in range(40))
QUICK = (Batch(0, 40, RATE_EPS), Batch(0, 40, 0.02))


def run(cell: Batch, seed: int) -> list[Row]:
    """Forecasts of all worlds in bins: how many, their sum, how often it was so; and how often 90 % sets of goals held the goal."""
    # the same worlds, goals and answers for both beliefs
    rng = stream(seed, Batch(cell.batch, cell.worlds, RATE_EPS))
    said, happened, squares = [], [], 0.0
    covered, size, forecasts = 0, 0, 0
    for _ in range(cell.worlds):
        model = room(rng)
        goals = np.flatnonzero(~model.terminal)
        probability, optimal, weights, goal = _one(model, goals, cell.believed, rng)
        said.append(probability)
        happened.append(optimal)
        squares += float(((probability - optimal) ** 2).sum())
        forecasts += probability.size
        held = credible_set(weights)
        covered, size = covered + int(held[goal]), size + int(held.sum())
    probability, optimal = np.concatenate(said), np.concatenate(happened)
    base: Row = {
        "believed": cell.believed,
        "batch": cell.batch,
        "worlds": cell.worlds,
        "covered": covered,
        "set_size": size,
    }
    base |= {"squares": squares, "forecasts": forecasts}
    return [
        {
            **base,
            "bin": number,
            "count": count,
            "said": total,
            "happened": hits,
        }
        for number, (count, total, hits) in enumerate(tally(probability, optimal, bins=BINS))
    ]


def room(rng: np.random.Generator) -> Model:
    """A 4 x 4 room with random walls: free cells are places, the largest connected part of them."""
    while True:
        free = rng.random((SIDE, SIDE)) >= WALLS
        cells = _connected(free)
        if len(cells) >= 6:
            break
    number = {cell: place for place, cell in enumerate(cells)}
    successor = np.zeros((len(cells), len(MOVES), 1), dtype=np.int64)
    for (row, column), place in number.items():
        for action, (down, right) in enumerate(MOVES):
            successor[place, action, 0] = number.get((row + down, column + right), place)
    count = len(cells)
    return Model(
        successor=successor,
        chance=np.ones((count, len(MOVES), 1)),
        terminal=np.zeros(count, dtype=bool),
        discount=DISCOUNT,
        place=np.arange(count),
        mode=np.zeros(count, dtype=np.int64),
        rate=np.ones(count),
        cost=np.zeros((count, len(MOVES))),
        kept=np.ones(count, dtype=bool),
        answerable=np.ones((count, len(MOVES)), dtype=bool),
    )


def _connected(free: np.ndarray) -> list[tuple[int, int]]:
    best: list[tuple[int, int]] = []
    seen: set[tuple[int, int]] = set()
    for start in ((int(row), int(column)) for row, column in np.argwhere(free)):
        part, queue = list[tuple[int, int]](), [start] if start not in seen else []
        while queue:
            cell = queue.pop()
            if cell in seen or not (0 <= cell[0] < SIDE and 0 <= cell[1] < SIDE and free[cell]):
                continue
            seen.add(cell)
            part.append(cell)
            queue += [(cell[0] + down, cell[1] + right) for down, right in MOVES]
        best = max(best, sorted(part), key=len)
    return best


def _one(
    model: Model, goals: np.ndarray, believed: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Forecasts [P A] that each action is optimal, whether it is, the belief over goals, and the goal."""
    reward = np.zeros((model.num_places, len(MOVES), len(goals)))
    for hypothesis, goal in enumerate(goals):
        reward[:, :, hypothesis] = model.successor[:, :, 0] == goal
    true = Problem(model, Process(rate=1.0, answer="eps", eps=RATE_EPS), reward)
    agent = Problem(model, Process(rate=1.0, answer="eps", eps=believed), reward)
    goal = int(rng.integers(len(goals)))
    weights = np.full(len(goals), 1 / len(goals))
    for _ in range(int(rng.integers(MOST_CORRECTIONS + 1))):
        place = int(rng.integers(model.num_places))
        shown = int(rng.choice(len(MOVES), p=true.likelihood[place, :, goal]))
        weights = weights * agent.likelihood[place, shown]
        weights /= weights.sum()
    best = optimal_actions(true.solved.quality, model.answerable, scale=true.scale)
    return (best @ weights).reshape(-1), best[:, :, goal].reshape(-1).astype(float), weights, goal


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    numbers: dict[str, float] = {}
    for name, believed in (("honest", RATE_EPS), ("trusting", 0.02)):
        mine = [row for row in rows if row["believed"] == believed]
        first = [row for row in mine if row["bin"] == 0]
        bins = [item for item in binned(mine) if item.count >= 200]
        worlds = sum(row["worlds"] for row in first)
        numbers |= {
            f"{name}_worlds": float(worlds),
            f"{name}_forecasts": float(sum(row["forecasts"] for row in first)),
            f"{name}_bins": float(len(bins)),
            f"{name}_worst_gap": max((abs(item.mean - item.frequency) for item in bins), default=1.0),
            f"{name}_brier": sum(row["squares"] for row in first) / sum(row["forecasts"] for row in first),
            f"{name}_coverage": sum(row["covered"] for row in first) / worlds,
            f"{name}_set_size": sum(row["set_size"] for row in first) / worlds,
        }
    return numbers


def binned(rows: Sequence[Row]) -> tuple[Bin, ...]:
    """The bins of all batches together that hold any forecast."""
    bins = [[row for row in rows if row["bin"] == number] for number in range(BINS)]
    return reliability(
        (sum(row["count"] for row in mine), sum(row["said"] for row in mine), sum(row["happened"] for row in mine))
        for mine in bins
    )


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    # 90 % sets of whole goals hold at least .9; one-sided, three standard errors
    short = 3 * float(np.sqrt(0.09 / numbers["honest_worlds"]))
    # on few worlds chance alone moves a bin by more than .03
    wanted = 0.03 if numbers["honest_worlds"] >= 1000 else 0.03 * float(np.sqrt(2000 / numbers["honest_worlds"]))
    holds = numbers["honest_worst_gap"] <= wanted and numbers["honest_coverage"] >= 0.9 - short
    holds = holds and numbers["trusting_worst_gap"] > numbers["honest_worst_gap"]
    return Verdict(
        holds,
        "What it believes is worth what it says, as long as the world and the overseer are of the kind it takes them to be. If it "
        "trusts her too "
        "much, its certainty is worth less than it says."
        if holds
        else "Its certainty is not worth what it says.",
        f"{numbers['honest_forecasts']:,.0f} forecasts in {numbers['honest_worlds']:,.0f} worlds: the worst of "
        f"{numbers['honest_bins']:.0f} bins "
        f"is {numbers['honest_worst_gap']:.4f} off, Brier {numbers['honest_brier']:.4f}, 90 % sets hold the goal in "
        f"{100 * numbers['honest_coverage']:.1f} % with {numbers['honest_set_size']:.1f} goals each. Believing in .02 errors where "
        "there are .2: "
        f"{numbers['trusting_worst_gap']:.3f} off, Brier {numbers['trusting_brier']:.4f}, {100 * numbers['trusting_coverage']:.1f} %.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    return (
        _picture(rows, RATE_EPS, "honest", "When it says seventy per cent, it is so in seventy of a hundred"),
        _picture(rows, 0.02, "trusting", "If it trusts its overseer too much, it is surer than it is right"),
    )


def _picture(rows: Sequence[Row], believed: float, name: str, title: str) -> Figure:
    mine = [astuple(item) for item in binned([row for row in rows if row["believed"] == believed])]
    return Figure(
        f"reliability-{name}",
        "Forecasts that an action is optimal, in bins, against how often it was. The overseer errs in 20 % of her answers; the agent "
        "believes "
        f"{100 * believed:g} %. Forecasts of one world hang together, so the intervals are a little too narrow.",
        lambda width, identifier: reliability_diagram(
            width=width,
            name=identifier,
            title=title,
            desc="Reliability of the chance that an action is optimal.",
            bins=[(mean, frequency, low, high, count) for mean, frequency, count, low, high in mine],
        ),
    )


STUDY = Study(
    name="calibration",
    title="Is it as sure as it should be?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="2,000 random rooms, goals drawn from the prior, up to six answers with 20 % errors: forecasts in ten bins against what "
    "is so; a bin "
    "with 200 cases more than .03 off shows the claim wrong, and so does an agent with a false model of the overseer that is no worse",
    advice="Check calibration on worlds drawn from the prior before trusting any verdict that rests on the belief; then check it on "
    "worlds that "
    "are not drawn from it.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
