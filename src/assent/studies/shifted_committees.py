"""Committees among items of another kind, and with members that lie: rows for each way of asking, settings kept from validation."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assent.studies.study import Row, stream

RATE = 0.25
"""Share of validation that is asked about."""

CALM, PLANT, SINGLE, UNSEEN, NOISE, SHARES = (
    "as learned",
    "planted",
    "one network",
    "unseen class",
    "scrambled",
    "5 : 1",
)
ANGLES = (15, 30, 45, 60)
TURNED = tuple(f"{angle} degrees" for angle in ANGLES)
RULES = ("minimum", "mean", "random", "conformal")
RATES = tuple(round(0.025 * step, 3) for step in range(1, 25))
"""Shares asked about at which whole curves are read."""


@dataclass(frozen=True)
class Shifts:
    """One problem, the committees on it, and how many test items are drawn.

    Attributes:
        committees: ways to make members and numbers of them.
    """

    problem: str
    committees: tuple[tuple[str, int], ...]
    items: int


def shifted_rows(cell: Shifts, seed: int) -> list[Row]:
    """A row for each committee, condition and way; and the curves of two conditions."""
    from assent.committees import shifts
    from assent.committees.problems import problem_of
    from assent.committees.settled import Minimum

    problem = problem_of(cell.problem, seed=seed)
    rng = stream(seed, cell, "items")
    test = shifts.drawn(problem.data.test, cell.items, rng)
    classes = problem.data.num_classes
    prior = np.where(rng.permutation(classes) < classes // 2, 5.0, 1.0)
    conditions = {
        CALM: test,
        SHARES: shifts.drawn(problem.data.test, cell.items, rng, prior=prior),
        "Dirichlet": shifts.drawn(problem.data.test, cell.items, rng, prior=rng.dirichlet(np.ones(classes))),
        **{name: shifts.rotated(test, angle) for name, angle in zip(TURNED, ANGLES, strict=True)},
        NOISE: shifts.scrambled(test, rng),
    }
    rows = list[Row]()
    for name, members in _committees(cell, problem, seed).items():
        known = members(problem.data.validation.x)
        settled = _settled(RATE, known, problem.data.validation.y)
        for condition, data in conditions.items():
            found = members(data.x)
            rows += _used(name, condition, settled, found, data.y)
            if condition != NOISE:
                rows += _curves(name, condition, found, data.y, known, problem.data.validation.y)
        if len(known) > 1:
            rate = 1.0 - float(Minimum(len(known))(known).sum(axis=1).mean())
            settled = _settled(rate, known, problem.data.validation.y)
            rows += _planted(name, settled, members(test.x), test.y, stream(seed, cell, f"planted {name}"))
    rows += _unseen(cell, problem, seed, int(rng.integers(classes)))
    return [{"problem": cell.problem, "seed": seed, **row} for row in rows]


def _committees(cell: Shifts, problem: Any, seed: int) -> dict[str, Any]:
    """From items to log-probabilities, roots in turn, by committee; and one network of the first."""
    from assent.committees.evaluation import in_turn
    from assent.committees.ways import way_of

    made = {f"{way} {size}": way_of(way).make(problem, size, seed=seed) for way, size in cell.committees}
    made[SINGLE] = next(iter(made.values())).subset([0]).tempered(problem.data.validation)

    def read(committee: Any, x: Any) -> Any:
        return committee.log_probs(x)[in_turn(committee.roots)]

    return {name: functools.partial(read, committee) for name, committee in made.items()}


def _settled(rate: float, known: Any, labels: Any) -> dict[str, Any]:
    """Each way with the setting at which it asks about a share `rate` of validation."""
    from assent.committees.settled import Conformal, MeanThreshold, Minimum, RandomMember

    return {
        "minimum": Minimum.asking(rate, known),
        "mean": MeanThreshold.asking(rate, known),
        "random": RandomMember.asking(rate, known),
        "conformal": Conformal.asking(rate, known, labels),
    }


def _used(name: str, condition: str, settled: Mapping[str, Any], found: Any, labels: Any, **others: Any) -> list[Row]:
    """What each way comes to with its setting kept."""
    from assent.committees.settled import used

    rows = list[Row]()
    for rule, acting in settled.items():
        seen = used(acting, found, labels)
        rows.append(
            {
                "measure": "kept",
                "committee": name,
                "condition": condition,
                "rule": rule,
                "ask": seen.ask,
                "wrong_share": seen.wrong_share,
                "wrong_per_act": seen.wrong_per_act,
                **others,
            }
        )
    return rows


def _curves(name: str, condition: str, found: Any, labels: Any, known: Any, known_labels: Any) -> list[Row]:
    """Wrong acts per act at each share asked, settings chosen anew for these items."""
    from assent.committees.asking import at_ask_rate, conformal, mean_threshold, minimum, random_member

    alphas = np.unique(np.round(np.geomspace(0.001, 0.5, 120), 6))
    of = {
        "minimum": minimum(found, labels),
        "mean": mean_threshold(found, labels),
        "random": random_member(found, labels),
        "conformal": conformal(
            found, labels, calibration_log_probs=known, calibration_labels=known_labels, alphas=alphas
        ),
    }
    rates = RATES if condition in (CALM, TURNED[2]) else (RATE,)
    return [
        {
            "measure": "curve",
            "committee": name,
            "condition": condition,
            "rule": rule,
            "ask": rate,
            "wrong_per_act": at_ask_rate(curve, rate),
        }
        for rule, curve in of.items()
        for rate in rates
        if rate >= curve.ask.min()
    ]


def _planted(name: str, settled: Mapping[str, Any], found: Any, labels: Any, rng: np.random.Generator) -> list[Row]:
    """k members are certain of one wrong label at every item; the others are as they were, and so are all settings."""
    from assent.committees.settled import Minimum
    from assent.committees.shifts import planted

    number, classes = found.shape[0], found.shape[2]
    wrong = (labels + 1 + rng.integers(classes - 1, size=len(labels))) % classes
    liars = rng.permutation(number)
    rows = list[Row]()
    for k in [0, *(2**power for power in range(number.bit_length()) if 2**power < number), number - 1]:
        true = found[np.sort(liars[k:])]
        limit = float(Minimum(len(true))(true)[np.arange(len(labels)), wrong].mean())
        rows += _used(name, PLANT, settled, planted(found, liars[:k], wrong), labels, liars=k, limit=limit)
    return rows


def _unseen(cell: Shifts, problem: Any, seed: int, label: int) -> list[Row]:
    """All committees learn without one class, and are shown it."""
    from dataclasses import replace

    from assent.committees.shifts import without

    blind = replace(problem, data=without(problem.data, label))
    rows = list[Row]()
    for name, members in _committees(cell, blind, seed).items():
        settled = _settled(RATE, members(blind.data.validation.x), blind.data.validation.y)
        rows += _used(name, UNSEEN, settled, members(blind.data.test.x), blind.data.test.y)
    return rows
