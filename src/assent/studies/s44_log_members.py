"""The logarithm: what do up to a thousand members bring, at which price, and would one big network do as well? (E1)"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from assent.report.figures import Axis, Line, Series, bar_chart, line_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict

if TYPE_CHECKING:
    from assent.committees.problems import Problem

CLAIM = (
    "On 1,000 items of MNIST, with the networks' training tuned on validation: N networks trained apart are worth no more than a logarithm "
    "of N, for the later half of the doublings adds no more independent members than the earlier half; 1,024 are worth less than two; a "
    "mixture fitted to 64 of them says what 1,024 are worth to a tenth. 1,024 samples at four roots trained to a twentieth are made for at "
    "most log2 1,024 = 10 trainings, are worth no less than 1,024 trained apart, and are as often right as one network but for a point. "
    "And one network that is given the operations of a committee, wider or trained for longer, as validation prefers, has a higher joint "
    "log-loss than 64 trained apart, and acts wrongly no less often at a quarter asked; beside 64 samples at four trained roots it has at "
    "least 1 / 0.6 of their joint log-loss, acts wrongly no less often, and is less often right than their mean."
)
SOURCE = (
    "source note 1 guesses at log N of computing for N models; the law of the beta-binomial from Skellam (1948), its ceiling from points "
    "that everybody gets wrong, docs/committees.md; one model of equal computing as Abe and others ask for (Deep ensembles work, but are "
    "they necessary?, NeurIPS 2022)"
)
WORTH, TENTH, POINTS = 2.0, 0.1, 0.01
SHAPES = {"wider": (1.0, 0.0), "longer": (0.0, 1.0), "both": (0.5, 0.5)}
"""What becomes of more operations: powers of it that go to the operations of a step, and to the number of steps."""
DECAYS = (0.0, 1.0)
COLUMNS = ("members", "n_eff_cap", "low", "high")
BESIDE = (("deep", 1.0), ("tangent-trained", 0.6))
"""Committees beside which one big network stands, and of how much of its joint log-loss theirs is at most."""


@dataclass(frozen=True)
class Law:
    """Committees of 1 to so many members, and a mixture fitted to the first of those trained apart.

    Attributes:
        fitted: members that the mixture is fitted to.
        big: members of the committees beside which one big network is trained.
        shapes, decays: of big networks, of which validation prefers one.
    """

    problem: str
    members: int
    fitted: int
    big: int
    tuned: bool
    shapes: tuple[str, ...] = tuple(SHAPES)
    decays: tuple[float, ...] = DECAYS


GRID = (Law("mnist", 1_024, 64, 64, True),)
QUICK = (Law("digits", 16, 8, 8, False, ("both",), (0.0,)),)


def run(cell: Law, seed: int) -> list[Row]:
    """Rows of each number of members, of what the mixture says, and of big networks."""
    from assent.committees.problems import problem_of
    from assent.committees.tuning import tuned

    problem = problem_of(cell.problem, seed=seed)
    if cell.tuned:
        problem, _ = tuned(problem, seed=seed)
    rows = [*_members(cell, problem, seed), *_big(cell, problem, seed)]
    return [{"problem": cell.problem, "seed": seed, **row} for row in rows]


def _members(cell: Law, problem: Problem, seed: int) -> list[Row]:
    """Of each way, and of the mixture."""
    from assent.committees.balanced import n_eff_cap_evenly
    from assent.committees.curve import doublings
    from assent.committees.evaluation import evaluated
    from assent.committees.mixture import fit_mixture
    from assent.committees.ways import way_of

    rows, sizes = list[Row](), doublings(cell.members)
    apart = way_of("deep").make(problem, cell.members, seed=seed)
    one = way_of("deep").cost_of(apart, 1)
    for name in ("deep", "tangent"):
        way = way_of(name)
        made = apart if name == "deep" else way.make(problem, cell.members, seed=seed)
        seen = evaluated(made, problem.data.test)
        caps = n_eff_cap_evenly(seen.errors, seen.roots, sizes, resamples=200)
        for place, size in enumerate(sizes):
            rows.append(
                {
                    "part": "members",
                    "way": name,
                    "members": size,
                    "trainings": way.cost_of(made, size).trainings(one),
                    "member_accuracy": seen.member_accuracy,
                    "n_eff_cap": float(caps.value[place]),
                    "low": float(caps.low[place]),
                    "high": float(caps.high[place]),
                    "never_right": float(seen.errors[:size].all(axis=0).mean()),
                }
            )
        if name == "deep":
            first, every = fit_mixture(seen.errors[: cell.fitted]), fit_mixture(seen.errors)
            rows += [
                {
                    "part": "mixture",
                    "members": size,
                    "n_eff_cap": float(first.n_eff_cap(size)),
                    "pi_1": every.pi_1,
                    "ceiling": every.ceiling,
                    "ceiling_at_least": every.ceiling_at_least,
                }
                for size in sizes
            ]
    return rows


def _big(cell: Law, problem: Problem, seed: int) -> list[Row]:
    """Of each committee, and of one network of its operations."""
    from assent.committees.ways import way_of

    one, rows = way_of("deep").make(problem, 1, seed=seed), list[Row]()
    for name, _ in BESIDE:
        made = way_of(name).make(problem, cell.big, seed=seed)
        times = made.cost.trainings(one.cost)
        rows.append({"part": "committee", "way": name, "trainings": times, **_measured(made, problem)})
        tried = list[tuple[float, Row]]()
        for shape, decay in itertools.product(cell.shapes, cell.decays):
            across, along = SHAPES[shape]
            larger = _larger(problem, times**across, times**along, decay)
            single = way_of("deep").make(larger, 1, seed=seed)
            where = {
                "part": "one network",
                "way": name,
                "shape": shape,
                "weight_decay": decay,
                "trainings": single.cost.trainings(one.cost),
            }
            tried.append((_validation_loss(single, problem), {**where, **_measured(single, problem)}))
        best = min(range(len(tried)), key=lambda place: tried[place][0])
        rows += [{**row, "preferred": place == best} for place, (_, row) in enumerate(tried)]
    return rows


def _measured(made: Any, problem: Problem) -> Row:
    from assent.committees.evaluation import evaluated, wrong_acts

    seen, acts = evaluated(made, problem.data.test), wrong_acts(made, problem.data.test)
    return {
        "accuracy": seen.accuracy,
        "log_loss": seen.log_loss,
        "joint": seen.joint().mean,
        "wrong": acts.threshold,
    }


def _validation_loss(made: Any, problem: Problem) -> float:
    from assent.committees.evaluation import evaluated

    return evaluated(made, problem.data.validation).log_loss


def _larger(problem: Problem, step: float, steps: float, decay: float) -> Problem:
    """One whose network takes `step` times the operations in a step, and is trained for `steps` times as many."""
    from assent.committees.models import mlp

    inputs, classes = math.prod(problem.data.input_shape), problem.data.num_classes
    width = wider(128, step, inputs + classes)
    training = replace(problem.training, steps=round(steps * problem.training.steps), weight_decay=decay)
    return replace(problem, model=mlp(problem.data.input_shape, (width, width), classes), training=training)


def wider(width: int, times: float, ends: int) -> int:
    """The width of two hidden layers that take `times` the operations of two of `width`, between so many inputs and outputs.

    >>> wider(128, 1.0, 206), wider(128, 64.0, 206)
    (128, 1554)
    """
    wanted = times * (width**2 + ends * width)
    return round((math.sqrt(ends**2 + 4.0 * wanted) - ends) / 2.0)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """Means over seeds, and the worst seed's where a limit is held against it."""
    seeds = sorted({row["seed"] for row in rows})
    most = max(row["members"] for row in rows if row["part"] == "members")
    numbers: dict[str, float] = {"seeds": float(len(seeds)), "members": float(most)}
    found: dict[str, list[float]] = {}

    def add(**values: float) -> None:
        for name, value in values.items():
            found.setdefault(name, []).append(float(value))

    for seed in seeds:
        mine = [row for row in rows if row["seed"] == seed]
        apart, cheap = (_of(mine, way=way) for way in ("deep", "tangent"))
        gains = np.diff([row["n_eff_cap"] for row in apart])
        said = next(row for row in mine if row["part"] == "mixture" and row["members"] == most)
        add(
            apart=apart[-1]["n_eff_cap"],
            first_gain=gains[0],
            last_gain=gains[-1],
            faster=float(np.mean(gains[len(gains) // 2 :]) - np.mean(gains[: len(gains) // 2])),
            said=said["n_eff_cap"],
            off=abs(said["n_eff_cap"] / apart[-1]["n_eff_cap"] - 1.0),
            pi_1=said["pi_1"],
            ceiling=said["ceiling_at_least"] if said["ceiling"] is None else said["ceiling"],
            never_right=apart[-1]["never_right"],
            cheap=cheap[-1]["n_eff_cap"],
            cheap_trainings=cheap[-1]["trainings"],
            cheap_less=apart[-1]["n_eff_cap"] - cheap[-1]["n_eff_cap"],
            cheap_lost=apart[-1]["member_accuracy"] - cheap[-1]["member_accuracy"],
        )
        for way, _ in BESIDE:
            together = next(row for row in mine if row["part"] == "committee" and row["way"] == way)
            single = next(row for row in mine if row.get("preferred") and row["way"] == way)
            add(
                **{
                    f"{way} accuracy": together["accuracy"],
                    f"{way} one accuracy": single["accuracy"],
                    f"{way} better": together["accuracy"] - single["accuracy"],
                    f"{way} joint": together["joint"] / single["joint"],
                    f"{way} wrong": _acts(together),
                    f"{way} one wrong": _acts(single),
                    f"{way} trainings": together["trainings"],
                    f"{way} one trainings": single["trainings"],
                }
            )
    least = {f"{way} better" for way, _ in BESIDE}
    for name, values in found.items():
        numbers[name] = float(np.mean(values))
        numbers[f"{name} worst"] = float(min(values) if name in least else max(values))
    return numbers


def _acts(row: Row) -> float:
    """Wrong acts; all, where nothing can be said."""
    return 1.0 if row["wrong"] is None else row["wrong"]


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    most = round(numbers["members"])
    bars = {
        "no faster than a logarithm": numbers["faster worst"] <= 0,
        "less than two": numbers["apart worst"] < WORTH,
        "the mixture's word": numbers["off worst"] <= TENTH,
        "the price of the logarithm": numbers["cheap_trainings worst"] <= math.log2(most),
        "worth at that price": numbers["cheap_less worst"] <= 0,
        "accuracy at that price": numbers["cheap_lost"] <= POINTS,
    }
    for way, limit in BESIDE:
        bars |= {
            f"joint log-loss beside one network ({way})": numbers[f"{way} joint worst"] <= limit,
            f"wrong acts beside one network ({way})": numbers[f"{way} wrong"] <= numbers[f"{way} one wrong"],
        }
    bars["more often right than one network"] = numbers[f"{BESIDE[-1][0]} better"] > 0
    missed = [name for name, held in bars.items() if not held]
    big = "; ".join(
        f"{way}, {numbers[f'{way} trainings']:.1f} trainings: right in {_share(numbers[f'{way} accuracy'])} against one network's "
        f"{_share(numbers[f'{way} one accuracy'])}, joint log-loss {numbers[f'{way} joint']:.2f} times its (worst "
        f"{numbers[f'{way} joint worst']:.2f}), wrong acts {_share(numbers[f'{way} wrong'])} against {_share(numbers[f'{way} one wrong'])}"
        for way, _ in BESIDE
    )
    return Verdict(
        not missed,
        f"Yes, and for less: {most:,} members are worth {numbers['apart']:.2f} independent ones when they are trained apart, and "
        f"{numbers['cheap']:.2f} for {numbers['cheap_trainings']:.1f} trainings in all. No number of networks trained apart is worth more "
        f"than {numbers['ceiling']:.1f}."
        if not missed
        else f"Not in everything: {', '.join(missed)} missed.",
        f"Means over {round(numbers['seeds'])} seeds. {most:,} trained apart are worth {numbers['apart']:.3f} (worst seed "
        f"{numbers['apart worst']:.3f}); the first doubling adds {numbers['first_gain']:.3f}, the last {numbers['last_gain']:.3f}; the "
        f"mixture said {numbers['said']:.3f} (off by at most {_share(numbers['off worst'])}). {_share(numbers['never_right'])} of items "
        f"nobody gets right, {_share(numbers['pi_1'])} nobody ever will by the mixture, whose ceiling is {numbers['ceiling']:.2f}. "
        f"{most:,} samples at early roots: {numbers['cheap_trainings']:.2f} trainings, worth {numbers['cheap']:.3f}, "
        f"{100 * numbers['cheap_lost']:+.2f} points less often right. Beside one network of as many operations: {big}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures: the law of the first seed, big networks over seeds."""
    return (
        Figure(
            "law",
            "How many independent members N would all be wrong as often as. Dashed: what a mixture says that was fitted to the first of "
            "those trained apart; level: the ceiling of that, for those trained apart. Bands: 95 %, over test items. First seed.",
            functools.partial(_law_chart, [row for row in rows if row["seed"] == min(one["seed"] for one in rows)]),
        ),
        Figure(
            "big",
            "Wrong acts at a quarter asked, by a threshold on the probability: of committees' means, and of one network of as many "
            "operations. Mean, least and greatest seed.",
            functools.partial(_big_chart, rows),
        ),
    )


def _law_chart(rows: Sequence[Row], width: float, name: str) -> Markup:
    series = list[Series]()
    for words, way in (("trained apart", "deep"), ("samples at early roots", "tangent")):
        mine = _of(rows, way=way)
        sizes, value, low, high = (tuple(float(row[of]) for row in mine) for of in COLUMNS)
        series.append(Series(words, sizes, value, low, high))
    said = sorted((row for row in rows if row["part"] == "mixture"), key=lambda row: row["members"])
    ceiling, most = said[-1]["ceiling"], float(said[-1]["members"])
    lines = [] if ceiling is None else [Line("ceiling, trained apart", ((1.0, ceiling), (most, ceiling)))]
    lines.append(
        Line("trained apart, by the mixture", tuple((float(row["members"]), row["n_eff_cap"]) for row in said))
    )
    top = max([*(max(one.high) for one in series), ceiling or 1.0])
    return line_chart(
        width=width,
        name=name,
        title="What N members are worth",
        desc="Independent members that would all be wrong as often.",
        x=Axis("members", 1.0, most, log=True),
        y=Axis("independent members", 1.0, 1.05 * top),
        series=series,
        lines=lines,
    )


def _big_chart(rows: Sequence[Row], width: float, name: str) -> Markup:
    bars = list[tuple[str, float, float, float, str]]()
    for words, way in (("trained apart", "deep"), ("samples at trained roots", "tangent-trained")):
        together = [_acts(row) for row in rows if row["part"] == "committee" and row["way"] == way]
        single = [_acts(row) for row in rows if row.get("preferred") and row["way"] == way]
        for what, of, class_ in (("mean of", together, "keeps"), ("one network for", single, "disables")):
            bars.append((f"{what} {words}", float(np.mean(of)), min(of), max(of), class_))
    return bar_chart(
        width=width,
        name=name,
        title="Wrong acts of committees, and of one network of their operations",
        desc="Wrong acts per act alone at a quarter asked.",
        unit="wrong acts",
        bars=bars,
        high=max(bar[3] for bar in bars),
        form=_share,
        key=(("keeps", "committee"), ("disables", "one network")),
    )


def _of(rows: Sequence[Row], *, way: str) -> list[Row]:
    mine = [row for row in rows if row["part"] == "members" and row["way"] == way]
    return sorted(mine, key=lambda row: row["members"])


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


STUDY = Study(
    name="log-members",
    title="Are N members had for the logarithm of N, and what are they worth?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "each limit of the claim: the worst seed's independent members, gains of doublings, deviation from the mixture's word, "
        "trainings of operations and ratios of joint log-losses; accuracy and wrong acts on average over seeds; one that is missed shows "
        "the claim wrong"
    ),
    advice="Do not buy safety by the number of members: roots that differ first, then samples, and ask where nobody ever is right.",
    grid=GRID,
    quick=QUICK,
    seeds=3,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax", "sklearn", "safetensors"),
)
