"""Cold start: twelve members that know nothing all say the same. Who asks?"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assent.agents.imitator import Imitator
from assent.core import Confidence, Everyone, Guard, Minimum, MinLeaders, OneAnswer, RatioSet, Rule
from assent.core.gates import Entropy, Margin, Tolerance, Variance, Vote
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.hypotheses.newton import NewtonSoftmax, fourier_features
from assent.hypotheses.simplexes import Simplexes
from assent.hypotheses.supports import Supports
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import wrap
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.scripted import READS_LABELS
from assent.report.figures import bar_chart
from assent.studies.imitating import SEEDS, Case, live, mean, peer, random_rows
from assent.studies.study import Figure, Row, Score, Study, Verdict
from assent.worlds.stream import Stream

CLAIM = (
    "Twelve untrained members that all say uniform agree in ignorance. The bare minimum over them, a gate by variance and river's "
    "EntropySampler ask about fewer than two of the first three digits on average, and the gate by variance errs in more than a tenth of "
    "them all. With OneAnswer(0.5), the default where items have one right answer, the minimum asks about each of the first three in every "
    "life and errs in at most 5 % of all. Classes whose rows differ or that bound from below (tables, simplexes, supports) ask about each "
    "of the first three contexts with at least 90 % chance and first within 1 % of a life; bootstrap counts, which begin alike, do not."
)
SOURCE = (
    "measured by a prototype: a uniform start asked 0 times and erred in 1,620 of 1,797 digits, river's EntropySampler asked once and "
    "erred in 1,619; why: docs/theory.md, Limits (a cold committee can agree in ignorance)"
)
MEMBERS, FEATURES, DIGITS = 12, 400, 1_797
WIDTH = 0.1 / 16**2
"""Of the features' kernel, for ink from 0 to 16; that of `assent.presets.digits`."""

CONTEXTS, ACTIONS, ROUNDS = 20, 4, 1_000


def _learned(members: Any, rule: Rule, *guards: Guard) -> Imitator:
    """As `Imitator.of` makes one for learned members, whatever its defaults may become."""
    return peer(members, RatioSet(0.05), rule, MinLeaders(2), *guards, temper=0.1)


def _mixture(members: Any, rule: Rule) -> Imitator:
    return peer(members, Everyone(), rule)


RULES: dict[str, Callable[[Any], Imitator]] = {
    "minimum, bare": lambda members: _learned(members, Minimum()),
    "minimum, one answer 0.5": lambda members: _learned(members, Minimum(), OneAnswer(0.5)),
    "minimum, tolerance 0.9": lambda members: _learned(members, Tolerance(0.9, greedy=True)),
    "mixture, variance 0.01": lambda members: _mixture(members, Variance(0.01, greedy=True)),
    "mixture, vote 0.9": lambda members: _mixture(members, Vote(0.9, greedy=True)),
    "mixture, confidence 0.9": lambda members: _mixture(members, Confidence(0.9)),
    "mixture, entropy 0.3": lambda members: _mixture(members, Entropy(0.3, greedy=True)),
    "mixture, margin 0.7": lambda members: _mixture(members, Margin(0.7, greedy=True)),
}
OURS, BARE, VARIANCE = "minimum, one answer 0.5", "minimum, bare", "mixture, variance 0.01"
RIVER = ("naive_bayes.GaussianNB", "linear_model.SoftmaxRegression", "tree.HoeffdingTreeClassifier")
"""river's classifiers under its EntropySampler; river is no dependency, and without it there is a row that says so."""

ASKING = ("tables", "simplexes", "supports")
BEGIN_ALIKE = "bootstrap counts"


@dataclass(frozen=True)
class Beginner:
    """A rule over untrained members, or one of river's classifiers under its sampler, and how many lives on the digits."""

    rule: str
    lives: int
    items: int


@dataclass(frozen=True)
class Shipped:
    """A class of this package with the agent that `Imitator.of` makes of it, and how many lives in a stream of contexts."""

    members: str
    lives: int


GRID = (
    *(Beginner(rule, 20, DIGITS) for rule in RULES),
    *(Beginner(f"river {name}", 20, DIGITS) for name in RIVER),
    *(Shipped(members, 20) for members in (*ASKING, BEGIN_ALIKE)),
)
QUICK = (
    *(Beginner(rule, 2, 600) for rule in (BARE, OURS, VARIANCE)),
    Beginner(f"river {RIVER[0]}", 2, 200),
    *(Shipped(members, 2) for members in (ASKING[1], BEGIN_ALIKE)),
)


def run(cell: Beginner | Shipped, seed: int) -> list[Row]:
    """For each life: questions, errors made alone, the round of the first question (0 for none), how many of the first three it asked."""
    rows = list[Row]()
    for number in range(cell.lives):
        life_seed = seed * SEEDS + number
        if isinstance(cell, Shipped):
            name, rounds, found = cell.members, ROUNDS, shipped(cell.members, life_seed)
        else:
            name, rounds, found = cell.rule, cell.items, begun(cell, life_seed)
        asked, errors = (None, None) if found is None else found
        first = None if asked is None else int(np.argmax(asked)) + 1 if asked.any() else 0
        rows.append(
            {
                "kind": "class" if isinstance(cell, Shipped) else "rule",
                "name": name,
                "life": number,
                "rounds": rounds,
                "installed": asked is not None,
                "asks": None if asked is None else int(asked.sum()),
                "errors": errors,
                "first_ask": first,
                "first_three": None if asked is None else int(asked[:3].sum()),
            }
        )
    return rows


def begun(cell: Beginner, seed: int) -> tuple[np.ndarray, int] | None:
    """Which of the digits were asked about, and how many labels given alone were wrong; None where river is missing."""
    from sklearn.datasets import load_digits  # late: whoever lists studies needs no scikit-learn

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng([seed, 0]).permutation(len(labels))[: cell.items]
    images, labels = np.asarray(images)[order], np.asarray(labels)[order]
    if cell.rule.startswith("river "):
        return _river(cell.rule.removeprefix("river "), images, labels, seed)
    items = fourier_features(images, num_features=FEATURES, width=WIDTH, seed=seed)
    members = NewtonSoftmax.of(num_features=items.shape[1], num_actions=10, num_members=MEMBERS, seed=seed)
    committee = wrap(members, num_actions=10, floor=0.002)
    case = Case(committee, Stream.of(items, labels=labels, num_actions=10), READS_LABELS, len(labels))
    life = live(RULES[cell.rule](committee), case, seed=seed, run="cold-start")
    return life.asked, int((~life.asked & (life.action != labels)).sum())


def _river(name: str, images: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, int] | None:
    """The same with river's `EntropySampler` and its settings, one classifier, which is taught what it asks about.

    It is given the first label, as if it had asked: without one its classifiers say nothing, and it never asks.
    """
    if importlib.util.find_spec("river") is None:
        return None
    package, _, kind = name.partition(".")
    active, module = (importlib.import_module(f"river.{part}") for part in ("active", package))
    learner: Any = active.EntropySampler(getattr(module, kind)(), seed=seed)
    asked, wrong = np.zeros(len(labels), dtype=bool), 0
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        item = {pixel: float(ink) / 16 for pixel, ink in enumerate(image)}
        said, asks = learner.predict_one(item)
        asked[number] = asks or number == 0
        if asked[number]:
            learner.learn_one(item, int(label))
        else:
            wrong += said != int(label)
    return asked, wrong


def shipped(name: str, seed: int) -> tuple[np.ndarray, int]:
    """Which rounds were asked of an overseer with random rows; no answer is wrong."""
    rng = np.random.default_rng([seed, 27])
    rows = random_rows(rng, members=100, contexts=CONTEXTS, actions=ACTIONS)
    members: dict[str, Callable[[], Any]] = {
        "tables": lambda: Tables.of(rows, names=["member"] * len(rows)),
        "simplexes": lambda: Simplexes.of(CONTEXTS, ACTIONS),
        "supports": lambda: Supports.of(CONTEXTS, ACTIONS),
        BEGIN_ALIKE: lambda: BootstrapCounts.of(num_contexts=CONTEXTS, num_actions=ACTIONS, seed=seed),
    }
    world = Stream.of(rng.integers(0, CONTEXTS, ROUNDS), num_actions=ACTIONS)
    case = Case(members[name](), world, Demonstrator(rows[0]), ROUNDS)
    agent = _learned(case.hypotheses, Minimum()) if name == BEGIN_ALIKE else Imitator.of(case.hypotheses)
    return live(agent, case, seed=seed, run="cold-start").asked, 0


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    of = {name: [row for row in rows if row["name"] == name] for name in dict.fromkeys(row["name"] for row in rows)}
    ours = of[OURS]
    asking = [row for name in ASKING if name in of for row in of[name]]
    river = [mine for name, mine in of.items() if name.startswith("river ") and mine[0]["installed"]]
    numbers = {
        "lives": float(len(ours)),
        "items": float(ours[0]["rounds"]),
        "ours_all_three": float(np.mean([row["first_three"] == 3 for row in ours])),
        "ours_error_share": max(row["errors"] / row["rounds"] for row in ours),
        "ours_asks": mean(ours, "asks"),
        "ours_errors": mean(ours, "errors"),
        "bare_three": mean(of[BARE], "first_three"),
        "bare_first": float(np.median([row["first_ask"] for row in of[BARE]])),
        "bare_errors": mean(of[BARE], "errors"),
        "variance_three": mean(of[VARIANCE], "first_three"),
        "variance_error_share": mean(of[VARIANCE], "errors") / of[VARIANCE][0]["rounds"],
        "classes": float(len({row["name"] for row in asking})),
        "classes_three": float(np.mean([row["first_three"] / 3 for row in asking])),
        "classes_late": float(sum(not 0 < row["first_ask"] <= row["rounds"] / 100 for row in asking)),
        "alike_asks": mean(of[BEGIN_ALIKE], "asks"),
        "alike_three": mean(of[BEGIN_ALIKE], "first_three"),
        "river": float(len(river)),
    }
    if river:
        numbers |= {
            "river_three": max(mean(mine, "first_three") for mine in river),
            "river_least_asks": min(mean(mine, "asks") for mine in river),
            "river_most_asks": max(mean(mine, "asks") for mine in river),
            "river_errors": max(mean(mine, "errors") for mine in river),
        }
    return numbers


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    holds = numbers["ours_all_three"] == 1 and numbers["ours_error_share"] <= 0.05
    holds = holds and max(numbers["bare_three"], numbers["variance_three"], numbers.get("river_three", 0.0)) < 2
    holds = holds and numbers["variance_error_share"] > 0.1
    holds = holds and numbers["classes_three"] >= 0.9 and numbers["classes_late"] == 0 and numbers["alike_three"] < 2
    river = (
        f"river's sampler over {numbers['river']:.0f} classifiers, given the first label: {numbers['river_least_asks']:,.0f} to "
        f"{numbers['river_most_asks']:,.0f} questions, {numbers['river_errors']:,.0f} errors (a prototype's: 1 and 1,619)."
        if numbers["river"]
        else "river is not installed."
    )
    return Verdict(
        holds,
        "Agreement is no knowledge. Members that start alike agree from the first round on, and whoever takes that for consent never "
        "learns. What helps is to ask for a reason to act, not for a reason to ask: an answer with half of the mass, or a bound from below."
        if holds
        else "At a cold start others ask, or err, than said.",
        f"{numbers['items']:,.0f} digits: one answer 0.5 asks {numbers['ours_asks']:.0f} times and errs {numbers['ours_errors']:.1f} times "
        f"alone ({100 * numbers['ours_error_share']:.2g} % in the worst life). Bare: first question in round {numbers['bare_first']:.0f} "
        f"(median; 0: never), {numbers['bare_errors']:.0f} errors. Variance: wrong in {100 * numbers['variance_error_share']:.0f} %. "
        f"{river} {numbers['classes']:.0f} classes that differ or bound from below ask about "
        f"{100 * numbers['classes_three']:.0f} % of the first three contexts, late in {numbers['classes_late']:.0f} lives; bootstrap "
        f"counts ask {numbers['alike_asks']:.0f} times in 1,000 rounds.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    digits = [row for row in rows if row["kind"] == "rule" and row["installed"]]
    names = list(dict.fromkeys(row["name"] for row in digits))
    of = {name: [row for row in digits if row["name"] == name] for name in names}
    bars = [
        (name, *_spread(mine), "keeps" if mean(mine, "first_three") >= 2 else "disables") for name, mine in of.items()
    ]
    missing = sorted({row["name"] for row in rows if not row["installed"]})
    note = f" Not installed: {', '.join(missing)}." if missing else ""
    rounds = digits[0]["rounds"]
    return (
        Figure(
            "errors",
            "Wrong labels given alone, mean and range over lives, by rule; all begin with members that know nothing. The colour says "
            "whether at least two of the first three digits were asked about on average. river's sampler is given the first label, which "
            f"it would not ask for.{note}",
            lambda width, name: bar_chart(
                width=width,
                name=name,
                title="Who takes agreement for knowledge errs for as long as nobody is asked",
                desc="Errors alone by rule.",
                unit=f"errors alone (count, of {rounds:,} digits or fewer)",
                bars=bars,
                form=lambda value: f"{value:,.0f}",
                key=(("keeps", "asks at the start"), ("disables", "does not")),
            ),
        ),
    )


def _spread(rows: Sequence[Row]) -> tuple[float, float, float]:
    errors = [row["errors"] for row in rows]
    return float(np.mean(errors)), float(min(errors)), float(max(errors))


STUDY = Study(
    name="cold-start",
    title="Does it ask when nobody knows anything?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="1,797 digits in twenty random orders, twelve members that learn from answers alone and begin uniform; a first digit that is "
    "not asked about with one answer 0.5, a life with more than 5 % errors, or a rule said to sleep that asks shows the claim wrong, and "
    "so does a class that asks otherwise than said",
    advice="Never read agreement as consent before something has been learned: act only on an answer that has mass, or on members with a "
    "bound from below.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "sklearn"),
)
