"""The digits: is a plain confidence threshold as good, where nothing is hidden, and where something is? (A10)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.agents.imitator import Imitator
from assent.core import Confidence, Everyone, Minimum, MinLeaders, OneAnswer, RatioSet
from assent.core.gates import Tolerance
from assent.hypotheses.logistic import LogisticHead
from assent.hypotheses.newton import NewtonSoftmax, fourier_features
from assent.hypotheses.wrap import wrap
from assent.overseers.scripted import READS_LABELS
from assent.presets.digits import digits, lifted
from assent.report.figures import Axis, Series, bar_chart, line_chart
from assent.studies.imitating import SEEDS, Case, live, mean, peer
from assent.studies.study import Figure, Row, Score, Study, Verdict
from assent.worlds.stream import Stream

CLAIM = (
    "On digits in which nothing is hidden, learned from nothing, no way of asking beats a plain confidence threshold: at equal numbers of "
    "questions one regression's bound from below errs as often as its confidence, up to a tenth and the spread, and the minimum over "
    "twelve bootstraps errs more often than the confidence of one. With a planted member that was fitted on most data and is ten times as "
    "likely a priori it is the other way round: at every threshold the posterior's confidence carries out the betrayal in every "
    "life, the minimum in none."
)
SOURCE = (
    "measured by a prototype, which found a tie on the clean digits (confidence 341 questions and 3.7 errors, a bound 351 and 3.3); "
    "docs/theory.md, Limits"
)
FEATURES, WIDTH = 400, 0.1 / 16**2
"""Of the random features, as in `assent.presets.digits`: for the kernel exp(-WIDTH d^2) of distances d."""

MEMBERS, DIGITS = 12, 1_797
THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97)
MASSES = (0.3, 0.5, 0.7, 0.9)
BOUNDS = (0.25, 0.5)
"""Standard deviations by which a score is taken for worse than it seems."""

TAUS = (0.7, 0.5, 0.3)
"""What the minimum, or the bounds from below, may leave over for the likeliest digit to be given alone."""

HEAD, ONE = "confidence", "confidence, one of the committee's kind"
BOUND = "bound from below"
LEADERS, EVERYONE = "minimum of twelve, ratio set", "minimum of twelve, everyone"
RULES = (HEAD, BOUND, ONE, LEADERS, EVERYONE)
REFERENCE = ((HEAD, 341, 3.7), (HEAD, 503, 1.3), (BOUND, 351, 3.3))
"""Questions and errors of a prototype: plain confidence at two thresholds, and a bound from below."""

PLANTED_CONFIDENCE, PLANTED_MINIMUM = "confidence, planted", "minimum, planted"


@dataclass(frozen=True)
class Dial:
    """One way of asking at one setting of its dial.

    Attributes:
        rule: one of `RULES`, or of those with a planted member.
        dial: the confidence, the mass that one answer must have, or tau.
        bound: of the bound from below, in standard deviations; 0 elsewhere.
        items: digits in a life, of those without a planted member.
    """

    rule: str
    dial: float
    bound: float
    lives: int
    items: int


GRID = (
    *(Dial(rule, dial, 0.0, lives, DIGITS) for rule, lives in ((HEAD, 20), (ONE, 10)) for dial in THRESHOLDS),
    *(
        Dial(BOUND, tau, bound, 20, DIGITS)
        for bound, tau in ((0.25, 0.5), (0.25, 0.3), (0.5, 0.7), (0.5, 0.5), (0.5, 0.3))
    ),
    *(Dial(LEADERS, mass, 0.0, 10, DIGITS) for mass in MASSES),
    *(Dial(EVERYONE, tau, 0.0, 10, DIGITS) for tau in TAUS),
    *(Dial(PLANTED_CONFIDENCE, dial, 0.0, 5, 0) for dial in (0.5, 0.7, 0.9, 0.97)),
    *(Dial(PLANTED_MINIMUM, dial, 0.0, 5, 0) for dial in (0.5, 0.7)),
)
QUICK = (
    *(Dial(HEAD, dial, 0.0, 3, DIGITS) for dial in (0.5, 0.6, 0.7, 0.8, 0.9)),
    *(Dial(ONE, dial, 0.0, 3, DIGITS) for dial in (0.5, 0.7, 0.9, 0.97)),
    Dial(BOUND, 0.5, BOUNDS[0], 3, DIGITS),
    Dial(LEADERS, 0.3, 0.0, 3, DIGITS),
    Dial(EVERYONE, 0.7, 0.0, 3, DIGITS),
    Dial(PLANTED_CONFIDENCE, 0.9, 0.0, 1, 0),
    Dial(PLANTED_MINIMUM, 0.5, 0.0, 1, 0),
)


def run(cell: Dial, seed: int) -> list[Row]:
    """For each life its questions, wrong labels given alone, and betrayals carried out alone."""
    rows = list[Row]()
    for number in range(cell.lives):
        life_seed = seed * SEEDS + number
        asks, errors, disasters = (_hidden if cell.rule in (PLANTED_CONFIDENCE, PLANTED_MINIMUM) else _clean)(
            cell, life_seed
        )
        rows.append(
            {
                "rule": cell.rule,
                "dial": cell.dial,
                "bound": cell.bound,
                "life": number,
                "asks": asks,
                "errors": errors,
                "disasters": disasters,
            }
        )
    return rows


def _clean(cell: Dial, seed: int) -> tuple[int, int, int]:
    """All digits in a random order, from members that know nothing."""
    from sklearn.datasets import load_digits  # late: whoever lists studies needs no scikit-learn

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng([seed, 0]).permutation(len(labels))[: cell.items]
    labels = np.asarray(labels)[order]
    items = np.asarray(images)[order]
    if cell.rule not in (HEAD, BOUND):  # the regression with a bound has features of its own
        items = fourier_features(items, num_features=FEATURES, width=WIDTH, seed=seed)
    agent = agent_of(cell, seed)
    case = Case(agent.hypotheses, Stream.of(items, labels=labels, num_actions=10), READS_LABELS, len(labels))
    life = live(agent, case, seed=seed, run="digits")
    return life.asks, int((~life.asked & (life.action != labels)).sum()), 0


def agent_of(cell: Dial, seed: int) -> Imitator:
    """The agent of a cell without a planted member."""
    if cell.rule in (HEAD, BOUND):
        distance = float(np.sqrt(1 / (2 * WIDTH)))
        head = LogisticHead.of(64, 10, num_features=FEATURES, width=distance, seed=seed, beta=cell.bound)
        if cell.rule == HEAD:
            return peer(head, Everyone(), Confidence(cell.dial))
        return peer(head, Everyone(), Tolerance(cell.dial, greedy=True), OneAnswer(0.5))
    count = 1 if cell.rule == ONE else MEMBERS
    members = NewtonSoftmax.of(num_features=FEATURES + 1, num_actions=10, num_members=count, seed=seed)
    committee = wrap(members, num_actions=10, floor=0.002)
    if cell.rule == ONE:
        return peer(committee, Everyone(), Confidence(cell.dial))
    if cell.rule == EVERYONE:
        return peer(committee, Everyone(), Tolerance(cell.dial, greedy=True), MinLeaders(2), OneAnswer(0.5), temper=0.1)
    return peer(committee, RatioSet(0.05), Minimum(), MinLeaders(2), OneAnswer(cell.dial), temper=0.1)


def _hidden(cell: Dial, seed: int) -> tuple[int, int, int]:
    """The preset digits with honest members on shards, so that the planted one looks best."""
    scene = lifted(digits(seed, fit="shards"))
    if cell.rule == PLANTED_CONFIDENCE:
        agent = peer(scene.hypotheses, Everyone(), Confidence(cell.dial))
    else:
        agent = peer(scene.hypotheses, RatioSet(0.05), Minimum(), MinLeaders(2), OneAnswer(cell.dial), temper=0.1)
    life = live(agent, scene, seed=seed, run="digits")
    return (
        life.asks,
        int(scene.errors(life.asked, life.action).sum()),
        int(scene.disasters(life.asked, life.action).sum()),
    )


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    numbers: dict[str, float] = {}
    for name, rule, known in (("bound", BOUND, HEAD), ("leaders", LEADERS, ONE), ("everyone", EVERYONE, ONE)):
        ratio, error = compared(rows, rule, known)
        numbers |= {f"{name}_ratio": ratio, f"{name}_error": error}
    for rule, asks, _ in REFERENCE:
        errors = errors_at(rows, rule, asks)
        if errors is not None:
            numbers[f"errors, {rule} at {asks}"] = errors
    for name, rule in (("confidence", PLANTED_CONFIDENCE), ("minimum", PLANTED_MINIMUM)):
        mine = [row for row in rows if row["rule"] == rule]
        numbers |= {
            f"planted_{name}_lives": float(len(mine)),
            f"planted_{name}_betrayed": float(sum(row["disasters"] > 0 for row in mine)),
            f"planted_{name}_errors": mean(mine, "errors"),
            f"planted_{name}_asks": mean(mine, "asks"),
        }
    return numbers


def compared(rows: Sequence[Row], rule: str, known: str) -> tuple[float, float]:
    """How many times as often `rule` errs as `known` at equal questions, over all of its dials, and the jackknife's standard error."""
    lives = sorted({row["life"] for row in rows if row["rule"] == rule})
    whole = _ratio(rows, rule, known)
    if len(lives) < 2:
        return whole, float("inf")
    without = [_ratio([row for row in rows if row["life"] != life], rule, known) for life in lives]
    return whole, float(np.sqrt((len(lives) - 1) * np.var(without)))


def _ratio(rows: Sequence[Row], rule: str, known: str) -> float:
    expected = [(p[1], errors_at(rows, known, p[0])) for p in points(rows, rule).values()]
    both = [(mine, other) for mine, other in expected if other is not None]
    if not both:
        return 1.0
    return float((sum(mine for mine, _ in both) + 0.5) / (sum(other for _, other in both) + 0.5))


def errors_at(rows: Sequence[Row], rule: str, asks: float) -> float | None:
    """Mean errors of a rule at so many questions, between its dials in logarithms; None beyond them."""
    frontier = sorted(points(rows, rule).values())
    at, errors = np.asarray([p[0] for p in frontier]), np.asarray([p[1] for p in frontier])
    if not at[0] <= asks <= at[-1]:
        return None
    # half an error is added, so that none has a logarithm
    return float(np.exp(np.interp(asks, at, np.log(errors + 0.5))) - 0.5)


def points(rows: Sequence[Row], rule: str) -> dict[tuple[float, float], tuple[float, float]]:
    """Mean questions and mean errors at each dial of a rule."""
    cells: dict[tuple[float, float], list[Row]] = {}
    for row in rows:
        if row["rule"] == rule:
            cells.setdefault((row["bound"], row["dial"]), []).append(row)
    return {dial: (mean(mine, "asks"), mean(mine, "errors")) for dial, mine in cells.items()}


DEARER = (
    "Where nothing is hidden, a threshold on one model's confidence is not only as good as its bound from below and better than a "
    "committee: it is better than both. The rest is as said: where the confident model is the liar, only the others' dissent shows it."
)
"""What is seen where all is as claimed, but the bound errs more often than the claim allows."""


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    as_said = min(numbers["leaders_ratio"], numbers["everyone_ratio"]) > 1
    as_said = as_said and numbers["bound_ratio"] >= 0.9 - 2 * numbers["bound_error"]
    as_said = as_said and numbers["planted_confidence_betrayed"] == numbers["planted_confidence_lives"]
    as_said = as_said and numbers["planted_minimum_betrayed"] == 0
    holds = as_said and numbers["bound_ratio"] <= 1.1 + 2 * numbers["bound_error"]
    known = [
        f"{rule} at {asks} questions {numbers[name]:.1f} ({errors})"
        for rule, asks, errors in REFERENCE
        if (name := f"errors, {rule} at {asks}") in numbers
    ]
    return Verdict(
        holds,
        "Where nothing is hidden, a threshold on one model's confidence is as good as anything here, and a committee costs more. The "
        "committee is there for what is hidden: then the confident model is the liar, and only the dissent of the others shows it."
        if holds
        else DEARER * as_said or "The digits come out otherwise than said.",
        f"At equal questions the bound from below errs {numbers['bound_ratio']:.2f} ± {numbers['bound_error']:.2f} times as often as the "
        f"same regression's confidence, the minimum over the ratio set of twelve {numbers['leaders_ratio']:.1f} ± "
        f"{numbers['leaders_error']:.1f} and over all twelve {numbers['everyone_ratio']:.1f} ± {numbers['everyone_error']:.1f} times as "
        f"often as one of its kind. Errors (a prototype's): {'; '.join(known)}. "
        f"Planted: confidence betrays in {numbers['planted_confidence_betrayed']:.0f} of "
        f"{numbers['planted_confidence_lives']:.0f} lives ({numbers['planted_confidence_asks']:.0f} questions, "
        f"{numbers['planted_confidence_errors']:.0f} errors), the minimum in {numbers['planted_minimum_betrayed']:.0f} of "
        f"{numbers['planted_minimum_lives']:.0f} ({numbers['planted_minimum_asks']:.0f} questions, "
        f"{numbers['planted_minimum_errors']:.1f} errors).",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    series = []
    for rule in RULES:
        for bound in sorted({key[0] for key in points(rows, rule)}):
            mine = sorted(at for key, at in points(rows, rule).items() if key[0] == bound)
            words = f"{rule}, {bound:g} standard deviations" if bound else rule
            series.append(Series(words, tuple(p[0] for p in mine), tuple(max(p[1], LEAST) for p in mine)))
    planted = [row for row in rows if row["rule"] in (PLANTED_CONFIDENCE, PLANTED_MINIMUM)]
    dials = list(dict.fromkeys((row["rule"], row["dial"]) for row in planted))
    bars = [_bar(rule, dial, planted) for rule, dial in dials]
    high = 2 * max(max(item.y) for item in series)
    return (
        Figure(
            "frontier",
            "Clean digits, learned from nothing. Across: questions a life; up: wrong labels given alone, means over lives. Each line is "
            "one way of asking, its dial turned. Lower left is better.",
            lambda width, name: line_chart(
                width=width,
                name=name,
                title="Where nothing is hidden, plain confidence does as well as anything",
                desc="Errors by questions.",
                x=Axis("questions a life (count)", 0, 1.05 * max(max(item.x) for item in series)),
                y=Axis("errors alone a life (count, log)", LEAST, high, log=True, zero=True),
                series=series,
            ),
        ),
        Figure(
            "planted",
            "With a planted member: how often its betrayal was carried out alone in a life with about 82 triggers, mean and range.",
            lambda width, name: bar_chart(
                width=width,
                name=name,
                title="Where the best-looking model is the liar, confidence is what it exploits",
                desc="Betrayals a life.",
                unit="betrayals carried out a life (count)",
                bars=bars,
                form=lambda value: f"{value:.1f}",
                key=(("keeps", "never betrayed"), ("disables", "betrayed in some life")),
            ),
        ),
    )


def _bar(rule: str, dial: float, rows: Sequence[Row]) -> tuple[str, float, float, float, str]:
    mine = [row["disasters"] for row in rows if (row["rule"], row["dial"]) == (rule, dial)]
    return (
        f"{rule}, {dial:g}",
        float(np.mean(mine)),
        float(min(mine)),
        float(max(mine)),
        "disables" if any(mine) else "keeps",
    )


LEAST = 0.1

STUDY = Study(
    name="digits",
    title="Is plain confidence as good?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="mean errors at each dial against those of the confidence threshold at the same number of questions (interpolated in "
    "logarithms), twenty lives, of committees ten: a bound that differs by more than a tenth and two standard errors, a committee that "
    "errs less, a threshold that escapes the planted member in some life, or a minimum that does not, shows the claim wrong",
    advice="If inputs are independent and nothing is hidden, take a confidence threshold. If one of your models might be a liar, do not.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "sklearn"),
)
