"""Asking for sure where members disagree by more than tau: what it costs in questions, and what it saves in risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assent.agents.imitator import Imitator
from assent.core import Minimum, RatioSet, SureAbove
from assent.core.gates import Tolerance
from assent.report.figures import Axis, Line, Series, line_chart
from assent.studies.imitating import SEEDS, Case, live, mean, near_duplicates, peer, random_rows
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "Asking for sure where the members' minimum leaves more than tau = 0.1 over costs at most a third more questions among random members "
    "and takes the risk spent from tens of nats to below 1; among near-duplicates tau = 0.02 does the same at a price of at most a third."
)
SOURCE = (
    "derived in docs/theory.md, What acting costs; figures of a prototype (100 members, 20 states, 4 actions, 20,000 rounds) are given "
    "beside ours"
)
MEMBERS, CONTEXTS, ACTIONS, ROUNDS = 100, 20, 4, 20_000
SHARED = 0.9
FREE = 1.0
"""The tau at which nothing is asked for sure but what would be asked anyway."""

REFERENCE = {
    ("random", FREE): (34.2, 25.1),
    ("random", 0.5): (33.4, 1.56),
    ("random", 0.2): (34.1, 0.06),
    ("random", 0.1): (34.5, 0.0),
    ("near-duplicates", FREE): (1385.0, 1316.0),
    ("near-duplicates", 0.05): (1562.0, 8.3),
    ("near-duplicates", 0.02): (1679.0, 0.47),
    ("near-duplicates", 0.0): (1705.0, 0.0),
}
"""Questions and nats that a prototype counted, by class and tau: 20 seeds of random members, 6 of near-duplicates."""

CHOSEN = {"random": 0.1, "near-duplicates": 0.02}
"""The tau that the claim is about."""

MOST_MORE = 1 / 3
TOLERANCES = {"random": 0.1, "near-duplicates": 0.02}
"""For comparison: acting by the minimum scaled up wherever it leaves at most so much over, and asking elsewhere."""


@dataclass(frozen=True)
class Lived:
    """A class, a rule (`minimum`, asking for sure above tau, or `tolerance` of tau), and how many lives."""

    members: str
    rule: str
    tau: float
    lives: int


GRID = (
    *(Lived(members, "minimum", tau, 20) for members, tau in REFERENCE),
    *(Lived(members, "tolerance", tau, 20) for members, tau in TOLERANCES.items()),
)
QUICK = tuple(Lived(members, "minimum", tau, 4) for members in CHOSEN for tau in (FREE, CHOSEN[members]))


def run(cell: Lived, seed: int) -> list[Row]:
    """For each life, in a class of its own, its questions and the nats it spent."""
    rows = list[Row]()
    for number in range(cell.lives):
        life_seed = seed * SEEDS + number
        case = case_of(cell.members, life_seed)
        life = live(agent_of(cell.rule, cell.tau, case.hypotheses), case, seed=life_seed, run="sure-asks")
        rows.append(
            {
                "members": cell.members,
                "rule": cell.rule,
                "tau": cell.tau,
                "life": number,
                "asks": life.asks,
                "nats": float(life.charge.sum()),
                "sum_theta": float(life.theta.sum()),
            }
        )
    return rows


def case_of(members: str, seed: int) -> Case:
    """The same class for a seed, whatever the rule."""
    rng = stream(seed, Lived(members, "", 0.0, 0))
    rows = random_rows(rng, members=MEMBERS, contexts=CONTEXTS, actions=ACTIONS)
    if members == "near-duplicates":
        rows = near_duplicates(rows, shared=SHARED)
    return Case.of(rows, rng.integers(0, CONTEXTS, ROUNDS))


def agent_of(rule: str, tau: float, hypotheses: Any) -> Imitator:
    """The agent; a tau that is never passed asks nothing for sure, so that all of them compile to one program."""
    if rule == "tolerance":
        return peer(hypotheses, RatioSet(), Tolerance(tau))
    return peer(hypotheses, RatioSet(), Minimum(), SureAbove(min(tau, 1 - 1e-12)))


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    numbers = {"lives": float(len({row["life"] for row in rows}))}
    for (members, rule, tau), mine in by_cell(rows).items():
        name = _name(members, tau) + "_tolerance" * (rule == "tolerance")
        nats = [row["nats"] for row in mine]
        numbers |= {f"asks_{name}": mean(mine, "asks"), f"nats_{name}": mean(mine, "nats"), f"most_{name}": max(nats)}
    for members, tau in CHOSEN.items():
        numbers[f"more_{members}"] = (
            numbers[f"asks_{_name(members, tau)}"] / numbers[f"asks_{_name(members, FREE)}"] - 1
        )
    return numbers


def _name(members: str, tau: float) -> str:
    return f"{members}_{'free' if tau == FREE else tau}"


def by_cell(rows: Sequence[Row]) -> dict[tuple[str, str, float], list[Row]]:
    """The rows by class, rule and tau."""
    of: dict[tuple[str, str, float], list[Row]] = {}
    for row in rows:
        of.setdefault((row["members"], row["rule"], row["tau"]), []).append(row)
    return of


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = all(
        numbers[f"more_{members}"] <= MOST_MORE
        and numbers[f"nats_{_name(members, tau)}"] < 1
        and numbers[f"nats_{_name(members, FREE)}"] >= 10
        for members, tau in CHOSEN.items()
    )
    parts = [
        f"{members}, {'no tau' if tau == FREE else f'tau {tau:g}'}: {numbers[f'asks_{name}']:,.1f} questions (prototype "
        f"{REFERENCE[members, tau][0]:,g}), {numbers[f'nats_{name}']:,.2f} nats (prototype {REFERENCE[members, tau][1]:,g})"
        for members, tau in REFERENCE
        if f"asks_{(name := _name(members, tau))}" in numbers
    ]
    return Verdict(
        holds,
        "Nearly all of the risk is run in a few rounds of wide disagreement, which would mostly be asked anyway. To ask them for sure "
        "costs little and leaves next to nothing to be bounded."
        if holds
        else "To ask for sure costs more than said, or saves less.",
        f"{100 * numbers['more_random']:+.0f} % questions among random members, {100 * numbers['more_near-duplicates']:+.0f} % among "
        f"near-duplicates (a prototype's: +1 and +21 %). {'; '.join(parts)}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    of, series = by_cell(rows), list[Series]()
    for members in CHOSEN:
        for rule in ("minimum", "tolerance"):
            mine = [part for (name, kind, _), part in of.items() if (name, kind) == (members, rule)]
            if mine:
                words = f"{members}: " + ("minimum, sure above tau" if rule == "minimum" else "tolerance")
                at = tuple(max(mean(part, "nats"), LEAST) for part in mine)
                series.append(Series(words, at, tuple(mean(part, "asks") for part in mine), band=False))
    lines = [
        Line(f"a prototype: {members}", tuple((max(nats, LEAST), asks) for (name, _), (asks, nats) in _known(members)))
        for members in CHOSEN
    ]
    high = 2 * max(max(part.x) for part in series)
    return (
        Figure(
            "price",
            "Each point is one tau, from none at the right to the strictest at the left. Across: nats spent in 20,000 rounds; up: "
            "questions, means over lives. The lines hardly rise to the left: risk is cheap to save.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="Risk falls by orders of magnitude for at most a third more questions",
                desc="Questions by nats spent.",
                x=Axis("risk spent in a life (nats, log)", LEAST, max(high, 3_000), log=True, zero=True),
                y=Axis("questions a life (count, log)", 10, 5_000, log=True),
                series=series,
                lines=lines,
            ),
        ),
    )


def _known(members: str) -> list[tuple[tuple[str, float], tuple[float, float]]]:
    return [(key, value) for key, value in REFERENCE.items() if key[0] == members]


LEAST = 1e-2

STUDY = Study(
    name="sure-asks",
    title="What does it cost to ask for sure where members disagree?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="twenty classes a cell, the same classes and random numbers for every tau: more than a third more questions, or a nat or "
    "more left, at the tau of the claim shows it wrong, and so does a risk below 10 nats without it",
    advice="Ask for sure above a small tau in any class whose members differ: the risk that it saves is worth more than its questions.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax",),
)
