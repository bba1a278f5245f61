"""A committee that errs alike: nobody dissents, so nobody asks. What do audits buy, and does the alarm fire where it should? (A8)"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assent.agents.imitator import Imitator
from assent.core import Audit, ContextAudit, Guard, HarmonicAudit, RatioSet, Tallied, Unexplained
from assent.report.figures import Axis, Line, Series, bar_chart, line_chart
from assent.studies.imitating import SEEDS, Case, live, mean, near_duplicates, random_rows
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "Thirty members that give half of their mass to a bad action in one state of fifty, all alike, go on doing it: without audits in "
    "more than a third of its visits, and the alarm that nobody explains the overseer fires in few lives or in none. With one lone act in "
    "twenty audited it fires in every life, in no other state, and at most 110 bad acts are done in 20,000 rounds. Audits that begin with "
    "every state's first visits (first = 5) leave at most a fifth of those for at most a third more questions. In well-specified lives the "
    "alarm fires in at most the share that was accepted."
)
SOURCE = (
    "correlated committees: readers of Cohen, Hutter and Nanda, Fully General Online Imitation Learning, JMLR 23, 2022; the alarm: "
    "Wasserman, Ramdas and Balakrishnan, Universal inference, PNAS 117, 2020; figures of a prototype are given beside ours"
)
MEMBERS, CONTEXTS, ACTIONS, ROUNDS = 30, 50, 5, 20_000
SHARED = 0.9
FAULTY, BAD = 0, ACTIONS - 1
"""The state in which all members err, and the action, which the overseer never does there."""

WRONG = 0.5
"""The mass that they give it."""

PER_STATE, PER_LIFE = "1 % a state", "1 % a life"
ALARMS: dict[str, float | None] = {"none": None, PER_STATE: 0.5, PER_LIFE: 0.01}
"""The chance of a false alarm in a life, `Unexplained.delta`; fifty states at 1 % each are one half together."""

REFERENCE = {0.0: (189, 1_649, 4), 0.01: (151, 1_873, 7), 0.05: (96, 2_687, 10), 0.2: (27, 5_241, 10)}
"""By share of audited acts: bad acts, questions and lives of ten with an alarm that a prototype counted."""

AUDITED, MOST_BAD = 0.05, 110
FIRST = 5.0


@dataclass(frozen=True)
class Lived:
    """How lone acts are audited, the alarm, and how many lives.

    Attributes:
        audit: `constant`, `harmonic` or `context`.
        level: the share that is audited, or `first` of the audits that thin out.
    """

    audit: str
    level: float
    alarm: str
    lives: int


@dataclass(frozen=True)
class Sound:
    """Lives with the overseer's model among the members, with much asked, for false alarms.

    Attributes:
        members: how many; of one alone the evidence is an exact martingale, and the bound as tight as it gets.
    """

    members: int
    alarm: str
    audit: float
    lives: int
    rounds: int


GRID = (
    *(Lived("constant", level, PER_STATE, 20) for level in REFERENCE),
    *(Lived("constant", level, alarm, 10) for alarm in ("none", PER_LIFE) for level in REFERENCE),
    *(Lived("context", level, PER_STATE, 20) for level in (3.0, FIRST, 10.0)),
    *(Lived("harmonic", level, PER_STATE, 10) for level in (100.0, 300.0)),
    *(Lived("context", level, PER_LIFE, 10) for level in (3.0, FIRST, 10.0)),
    *(Sound(1, alarm, 0.5, 1_000, 5_000) for alarm in (PER_STATE, PER_LIFE)),
    Sound(MEMBERS, PER_LIFE, 0.5, 1_000, 2_000),
)
QUICK = (
    *(Lived("constant", level, PER_STATE, 5) for level in (0.0, AUDITED)),
    Lived("context", FIRST, PER_STATE, 5),
    Sound(1, PER_LIFE, 0.5, 50, 1_000),
)


def run(cell: Lived | Sound, seed: int) -> list[Row]:
    """For each life its bad acts, its questions, and whether the alarm fired in the faulty state and in how many others."""
    rows = list[Row]()
    faulty = isinstance(cell, Lived)
    for number in range(cell.lives):
        life_seed = seed * SEEDS + number
        members, rounds = (MEMBERS, ROUNDS) if isinstance(cell, Lived) else (cell.members, cell.rounds)
        case = case_of(life_seed, members=members, rounds=rounds, faulty=faulty)
        life = live(agent_of(cell, case.hypotheses), case, seed=life_seed, run="correlated")
        states = np.asarray(case.world.items)
        fired = alarmed(life.ask, states)
        kind, level = (cell.audit, cell.level) if isinstance(cell, Lived) else ("constant", cell.audit)
        rows.append(
            {
                "sound": not faulty,
                "members": members,
                "audit": kind,
                "level": level,
                "alarm": cell.alarm,
                "life": number,
                "rounds": rounds,
                "visits": int((states == FAULTY).sum()),
                "bad": int((life.alone(BAD) & (states == FAULTY)).sum()) if faulty else 0,
                "asks": life.asks,
                "fired": bool(fired[FAULTY]),
                "elsewhere": int(fired[FAULTY + 1 :].sum()),
            }
        )
    return rows


def case_of(seed: int, *, members: int, rounds: int, faulty: bool) -> Case:
    """The same class for a seed, whatever the audits; the overseer's model is the first member, but for the faulty state."""
    rng = stream(seed, Sound(members, "", 0.0, 0, rounds))
    rows = near_duplicates(random_rows(rng, members=members, contexts=CONTEXTS, actions=ACTIONS), shared=SHARED)
    truth = rows[0].copy()
    if faulty:
        truth[FAULTY, BAD] = 0.0
        truth[FAULTY] /= truth[FAULTY].sum()
        wrong = np.eye(ACTIONS)[BAD]
        rows[:, FAULTY] = WRONG * wrong + (1 - WRONG) * (SHARED * truth[FAULTY] + (1 - SHARED) * rows[:, FAULTY])
    return Case.of(rows, rng.integers(0, CONTEXTS, rounds), truth=truth)


def agent_of(cell: Lived | Sound, hypotheses: Any) -> Imitator:
    """The imitator with the cell's audits and alarm."""
    kind, level = (cell.audit, cell.level) if isinstance(cell, Lived) else ("constant", cell.audit)
    guards: list[Guard | Tallied] = [
        {"constant": Audit, "harmonic": HarmonicAudit, "context": ContextAudit}[kind](level)
    ]
    delta = ALARMS[cell.alarm]
    if delta is not None:
        guards.append(Unexplained(ACTIONS, delta))
    return Imitator.of(hypotheses, leading=RatioSet(0.05), guards=tuple(guards))


def alarmed(ask: np.ndarray, states: np.ndarray) -> np.ndarray:
    """`[S]`: whether the alarm had fired in each state: only then its last visit is asked for sure."""
    last = np.full(CONTEXTS, -1)
    last[states] = np.arange(len(states))
    return (last >= 0) & (ask[last] == 1)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    of = by_cell(rows)
    audited, free = of["constant", AUDITED, PER_STATE], of["constant", 0.0, PER_STATE]
    first = of["context", FIRST, PER_STATE]
    numbers = {
        "lives": float(len(audited)),
        "free_share": sum(row["bad"] for row in free) / sum(row["visits"] for row in free),
        "free_fired": _share(free, "fired"),
        "audited_bad": mean(audited, "bad"),
        "audited_fired": _share(audited, "fired"),
        "audited_asks": mean(audited, "asks"),
        "first_bad": mean(first, "bad"),
        "first_fired": _share(first, "fired"),
        "first_asks": mean(first, "asks"),
        "elsewhere": float(sum(row["elsewhere"] for row in audited)),
    }
    for (audit, level, alarm), mine in of.items():
        if alarm != PER_STATE or audit == "constant":
            name = f"{audit}_{level:g}_{alarm.replace(' ', '').replace('%', '')}"
            numbers |= {f"bad_{name}": mean(mine, "bad"), f"asks_{name}": mean(mine, "asks")}
            numbers[f"fired_{name}"] = _share(mine, "fired")
    return numbers | _false_alarms([row for row in rows if row["sound"]])


def _false_alarms(rows: Sequence[Row]) -> dict[str, float]:
    """The share of well-specified lives with an alarm at 1 % a life, and of their states at 1 % a state; the worst class counts."""
    numbers = {"sound_lives": float(len(rows)), "false_too_often": 0.0}
    for alarm, name in ((PER_LIFE, "false_lives"), (PER_STATE, "false_states")):
        states = CONTEXTS if alarm == PER_STATE else 1
        for members in sorted({row["members"] for row in rows if row["alarm"] == alarm}):
            mine = [row for row in rows if (row["alarm"], row["members"]) == (alarm, members)]
            fired = [row["elsewhere"] + row["fired"] for row in mine]
            share = float(np.mean(fired)) / states if alarm == PER_STATE else float(np.mean(np.asarray(fired) > 0))
            numbers[name] = max(share, numbers.get(name, 0.0))
            numbers["false_too_often"] += share > 0.01 + 3 * math.sqrt(0.01 * 0.99 / (states * len(mine)))
    return numbers


def by_cell(rows: Sequence[Row]) -> dict[tuple[str, float, str], list[Row]]:
    """The rows of lives with the fault, by kind of audit, level and alarm."""
    of: dict[tuple[str, float, str], list[Row]] = {}
    for row in rows:
        if not row["sound"]:
            of.setdefault((row["audit"], row["level"], row["alarm"]), []).append(row)
    return of


def _share(rows: Sequence[Row], name: str) -> float:
    return float(np.mean([row[name] for row in rows]))


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["free_share"] > 1 / 3 and numbers["free_fired"] <= 1 / 2
    holds = holds and numbers["audited_fired"] == 1 and numbers["audited_bad"] <= MOST_BAD and numbers["elsewhere"] == 0
    holds = holds and numbers["first_fired"] == 1 and numbers["first_bad"] <= numbers["audited_bad"] / 5
    holds = holds and numbers["first_asks"] <= 4 / 3 * numbers["audited_asks"] and numbers["false_too_often"] == 0
    return Verdict(
        holds,
        "Agreement in error makes no questions, and so no evidence. A few audits make the evidence, the alarm reads it, and from then on "
        "the state is asked. Audits are best spent on the first visits of each state."
        if holds
        else "Audits or the alarm do otherwise than said.",
        f"No audits: bad in {100 * numbers['free_share']:.0f} % of visits, the alarm fires in {100 * numbers['free_fired']:.0f} % of "
        f"{numbers['lives']:.0f} lives. One act in twenty: {numbers['audited_bad']:.1f} bad acts (prototype 96), "
        f"{numbers['audited_asks']:,.0f} questions (2,687), fires in {100 * numbers['audited_fired']:.0f} %, in other states "
        f"{numbers['elsewhere']:.0f} times. First visits: {numbers['first_bad']:.1f} bad acts, {numbers['first_asks']:,.0f} questions. "
        f"{_elsewhere(numbers)}",
    )


def _elsewhere(numbers: Score) -> str:
    """Every share beside the prototype's, the stricter alarm, and false alarms."""
    known = [
        f"{100 * level:g} %: {numbers[name]:.0f} ({bad}) bad acts, {numbers['asks' + name[3:]]:,.0f} ({asks:,}) questions, "
        f"{100 * numbers['fired' + name[3:]]:.0f} % ({10 * alarms} %) fire"
        for level, (bad, asks, alarms) in REFERENCE.items()
        if (name := f"bad_constant_{level:g}_1astate") in numbers
    ]
    strict = [
        f"{100 * level:g} %: {numbers[name]:.0f} bad, {100 * numbers['fired' + name[3:]]:.0f} % fire"
        for level in REFERENCE
        if (name := f"bad_constant_{level:g}_1alife") in numbers
    ]
    said = f"Constant audits, in brackets the prototype's: {'; '.join(known)}. "
    said += f"Alarm at 1 % a life: {'; '.join(strict)}. " if strict else ""
    if "false_states" in numbers:
        said += f"False alarms: {100 * numbers['false_states']:.3f} % of states at 1 % a state, "
    return said + (
        f"{100 * numbers.get('false_lives', 0.0):.2f} % of lives at 1 % a life, in {numbers['sound_lives']:,.0f} sound lives."
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    of, series = by_cell(rows), list[Series]()
    words = {
        "constant": "a constant share",
        "harmonic": "thinning out over the life",
        "context": "thinning out in each state",
    }
    for alarm in (PER_STATE, "none"):
        for audit, said in words.items():
            mine = [part for (kind, _, sign), part in of.items() if (kind, sign) == (audit, alarm)]
            if mine:
                series.append(_points(f"{said}, {'no alarm' if alarm == 'none' else 'alarm'}", mine))
    reference = Line(
        "a prototype, constant share", tuple((float(asks), float(bad)) for bad, asks, _ in REFERENCE.values())
    )
    bars = [
        (f"{100 * level:g} %, alarm {alarm}", _share(mine, "fired"), 0.0, 0.0, "keeps")
        for (audit, level, alarm), mine in of.items()
        if audit == "constant" and alarm != "none"
    ]
    return (
        Figure(
            "bought",
            "Each point is one way of auditing, mean over lives of 20,000 rounds with their range. Across: questions. Up: bad acts. Lower "
            "left is better: audits that come early, in each state or in the life, buy most.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="Audits buy evidence; early audits buy it sooner",
                desc="Bad acts by questions.",
                x=Axis("questions a life (count, log)", 800, 8_000, log=True),
                y=Axis("bad acts a life (count)", 0, 260),
                series=series,
                lines=[reference],
            ),
        ),
        Figure(
            "fired",
            "The share of lives in which the alarm fired in the faulty state, by the share of lone acts that is audited, and by how sure "
            "the alarm has to be.",
            lambda width, name: bar_chart(
                width=width,
                name=name,
                title="Without audits the alarm has little to go by",
                desc="Share of lives with an alarm.",
                unit="share of lives",
                bars=bars,
                form=lambda value: f"{value:.2f}",
                key=(("keeps", "fired in the faulty state"),),
            ),
        ),
    )


def _points(words: str, parts: Sequence[Sequence[Row]]) -> Series:
    bad = [[row["bad"] for row in part] for part in parts]
    return Series(
        words,
        tuple(mean(part, "asks") for part in parts),
        tuple(float(np.mean(values)) for values in bad),
        tuple(float(min(values)) for values in bad),
        tuple(float(max(values)) for values in bad),
        band=False,
    )


STUDY = Study(
    name="correlated",
    title="What if all members are wrong in the same way?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="twenty lives a cell with the same classes and random numbers; more bad acts, a life without alarm or an alarm elsewhere at "
    "audits of one in twenty shows the claim wrong, and so do first-visit audits that buy less, or false alarms in more than 1 % of 1,000 "
    "sound lives (of their states) plus three standard errors",
    advice="Audit, most of all where it has not been before, and keep an alarm in each kind of state: one over all states would be drowned "
    "by those that are well explained.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax",),
)
