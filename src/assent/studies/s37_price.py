"""Ten models for the price of one: what are cheap members worth, beside ones that were trained apart? (E1, figures of quality)"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from assent.report.committees import cap_chart, joint_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict

CLAIM = (
    "On 1,000 items of MNIST, with the networks' training tuned on validation, samples from the tangent spaces of four trained roots, 64 "
    "for at most 8 trainings, are as often right as one network but for half a point, have at most 0.6 of the joint log-loss of 64 "
    "networks trained apart, err no more alike, and act wrongly at most half as often under the minimum rule at a quarter asked. And 16 "
    "samples at roots trained to a twentieth, for at most 1.5 trainings, are worth at least as many independent members as 16 trained "
    "networks, at the same accuracy but for a point."
)
SOURCE = (
    "source note 1 asks for ten uncorrelated models for the compute of one; He, Lakshminarayanan and Teh (NeurIPS 2020) and Antorán and "
    "others (ICLR 2023) for the samples; the figures from a prototype, docs/committees.md"
)
WAYS = ("deep", "tangent", "tangent-trained", "bagged", "prior-fn", "dropout", "last-layer")
MEMBERS, CHEAP = 64, 16
TRAININGS, POINTS, JOINT, WRONG = 8.0, 0.005, 0.6, 0.5
CHEAP_TRAININGS, CHEAP_POINTS = 1.5, 0.01


@dataclass(frozen=True)
class Price:
    """One problem, and the members of the largest committees.

    Attributes:
        tuned: whether steps and decay of the training are chosen on validation first.
    """

    problem: str
    members: int
    tuned: bool
    ways: tuple[str, ...]


GRID = (Price("mnist", MEMBERS, True, WAYS),)
QUICK = (Price("digits", 16, False, ("deep", "tangent", "tangent-trained")),)


def run(cell: Price, seed: int) -> list[Row]:
    """A row for each number of members of each way."""
    from assent.committees.curve import curves
    from assent.committees.problems import problem_of
    from assent.committees.tuning import tuned
    from assent.committees.ways import way_of

    problem = problem_of(cell.problem, seed=seed)
    if cell.tuned:
        problem, _ = tuned(problem, seed=seed)
    found = curves(problem, [way_of(name) for name in cell.ways], most=cell.members, seed=seed, resamples=200)
    common = {
        "problem": cell.problem,
        "seed": seed,
        "steps": problem.training.steps,
        "weight_decay": problem.training.weight_decay,
        "single": found.single_accuracy,
    }
    return [{**common, **point.row()} for point in found.points]


def score(rows: Sequence[Row]) -> dict[str, float]:
    """Each figure, the mean over seeds, and the worst seed's where a limit is held against it."""
    most = max(row["members"] for row in rows)
    few = min(CHEAP, most)
    numbers: dict[str, float] = {"seeds": float(len({row["seed"] for row in rows})), "members": float(most)}
    for name, way, size in (("trained", "tangent-trained", most), ("cheap", "tangent", few)):
        mine, apart = _at(rows, way, size), _at(rows, "deep", size)
        numbers |= {
            f"{name}_trainings": _worst([row["trainings"] for row in mine]),
            f"{name}_cpu": _mean([row["cpu_trainings"] for row in mine]),
            f"{name}_infer": _mean([row["infer"] for row in mine]),
            f"{name}_lost": _worst([row["single"] - row["member_accuracy"] for row in mine]),
            f"{name}_lost_mean": _mean([row["single"] - row["member_accuracy"] for row in mine]),
            f"{name}_joint": _worst([a["joint"] / b["joint"] for a, b in zip(mine, apart, strict=True)]),
            f"{name}_joint_mean": _mean([a["joint"] / b["joint"] for a, b in zip(mine, apart, strict=True)]),
            f"{name}_alike": _mean([row["correlation"] for row in mine]),
            f"{name}_alike_more": _worst(
                [a["correlation"] - b["correlation"] for a, b in zip(mine, apart, strict=True)]
            ),
            f"{name}_worth": _mean([_at_least(row) for row in mine]),
            f"{name}_worth_less": _worst([b["n_eff_cap"] - _at_least(a) for a, b in zip(mine, apart, strict=True)]),
        }
    numbers["apart_alike"] = _mean([row["correlation"] for row in _at(rows, "deep", most)])
    for size in {few, most}:
        numbers[f"apart_worth_{size}"] = _mean([row["n_eff_cap"] for row in _at(rows, "deep", size)])
    acts = [(row["wrong_minimum"], row["wrong_threshold"]) for row in _at(rows, "tangent-trained", most)]
    deep = [(row["wrong_minimum"], row["wrong_threshold"]) for row in _at(rows, "deep", most)]
    both = [(a, b) for (a, _), (b, _) in zip(acts, deep, strict=True) if a is not None and b is not None]
    numbers["wrong"] = _worst([a / max(b, 1e-9) for a, b in both]) if both else 1e6
    for name, found in (("trained", acts), ("apart", deep)):
        for place, rule in enumerate(("minimum", "threshold")):
            values = [one[place] for one in found if one[place] is not None]
            numbers[f"{name}_wrong_{rule}"] = _mean(values) if values else 1e6
    return numbers


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    bars = {
        "cost": numbers["trained_trainings"] <= TRAININGS,
        "accuracy": numbers["trained_lost_mean"] <= POINTS,
        "joint log-loss": numbers["trained_joint"] <= JOINT,
        "likeness": numbers["trained_alike_more"] <= 0,
        "wrong acts": numbers["wrong"] <= WRONG,
        "cost of the cheap": numbers["cheap_trainings"] <= CHEAP_TRAININGS,
        "accuracy of the cheap": numbers["cheap_lost_mean"] <= CHEAP_POINTS,
        "worth of the cheap": numbers["cheap_worth_less"] <= 0,
    }
    missed = [name for name, held in bars.items() if not held]
    most, few = round(numbers["members"]), min(CHEAP, round(numbers["members"]))
    return Verdict(
        not missed,
        f"Yes: for {numbers['cheap_trainings']:.1f} trainings there are {few} models worth {numbers['cheap_worth']:.2f} independent ones, "
        f"and about as good as one; {few} trained apart are worth {numbers[f'apart_worth_{few}']:.2f}, for {few} trainings."
        if not missed
        else f"Not in everything: {', '.join(missed)} missed.",
        f"{most} samples at trained roots: at most {numbers['trained_trainings']:.1f} trainings of operations "
        f"({numbers['trained_cpu']:.1f} of CPU time), members right {100 * numbers['trained_lost_mean']:+.2f} points less than one network "
        f"(worst seed {100 * numbers['trained_lost']:+.2f}), joint log-loss {numbers['trained_joint_mean']:.2f} times that of {most} apart "
        f"(worst {numbers['trained_joint']:.2f}), correlation {numbers['trained_alike']:.2f} against {numbers['apart_alike']:.2f}, "
        f"wrong acts at a quarter asked {_share(numbers['trained_wrong_minimum'])} against {_share(numbers['apart_wrong_minimum'])} by the "
        f"minimum (worst ratio {numbers['wrong']:.2f}), {_share(numbers['trained_wrong_threshold'])} against "
        f"{_share(numbers['apart_wrong_threshold'])} by a threshold on the mean. {few} at early roots: at most "
        f"{numbers['cheap_trainings']:.2f} trainings ({numbers['cheap_cpu']:.2f} of CPU time; an answer takes "
        f"{numbers['cheap_infer']:.0f} times one network's operations), {100 * numbers['cheap_lost_mean']:+.2f} points (worst "
        f"{100 * numbers['cheap_lost']:+.2f}), joint log-loss {numbers['cheap_joint_mean']:.2f}, worth {numbers['cheap_worth']:.2f} "
        f"independent members against {numbers[f'apart_worth_{few}']:.2f} of {few} apart and "
        f"{numbers[f'apart_worth_{most}']:.2f} of {most}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures: of the first seed."""
    mine = [row for row in rows if row["seed"] == min(one["seed"] for one in rows)]
    return (
        Figure(
            "independent",
            "How many independent members would all be wrong as often, against what was spent: further members of a tangent space cost "
            "next to nothing, further trainings one training each. Bands: 95 %, over test items.",
            functools.partial(_cap, mine),
        ),
        Figure(
            "joint",
            "Joint log-loss of ten answers about two items, against what was spent; less is better.",
            functools.partial(_joint, mine),
        ),
    )


def _cap(rows: Sequence[Row], width: float, name: str) -> Markup:
    return cap_chart(rows, width=width, name=name)


def _joint(rows: Sequence[Row], width: float, name: str) -> Markup:
    return joint_chart(rows, width=width, name=name)


def _at(rows: Sequence[Row], way: str, members: int) -> list[Row]:
    """By seed."""
    return sorted((row for row in rows if row["way"] == way and row["members"] == members), key=lambda row: row["seed"])


def _at_least(row: Row) -> float:
    """What the members are worth; where they were never all wrong, what they are worth at least."""
    return float(row["n_eff_cap"])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _worst(values: Sequence[float]) -> float:
    return float(max(values))


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


STUDY = Study(
    name="member-price",
    title="Are ten models to be had for the price of one?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "each limit of the claim: accuracy lost on average over seeds, and on the worst seed trainings of operations, ratios of joint "
        "log-losses and of wrong acts, differences of correlations and of independent members; one that is missed shows the claim wrong"
    ),
    advice="Take a few roots, trained a little, and many samples from their tangent spaces, rather than many trainings.",
    grid=GRID,
    quick=QUICK,
    seeds=3,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax", "sklearn", "safetensors"),
)
