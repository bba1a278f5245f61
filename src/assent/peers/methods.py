"""Every method that is compared, with its one dial: ours, gates on the same members, and peers that learn from labels alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from assent.agents.imitator import Imitator
from assent.core import (
    Audit,
    Confidence,
    Entropy,
    Everyone,
    Hypotheses,
    Margin,
    Minimum,
    OneAnswer,
    RatioSet,
    Readable,
    Tolerance,
    Variance,
    Vote,
)
from assent.hypotheses.simplexes import Simplexes
from assent.hypotheses.supports import Supports
from assent.peers.cloner import Cloner
from assent.peers.conformal import ConformalSingleton
from assent.peers.dagger import Dagger
from assent.peers.deferral import Deferral, DeferralPolicy
from assent.peers.discrepancy import Predictor
from assent.peers.lazy_dagger import LazyDagger
from assent.peers.safe_dagger import EnsembleDagger, SafeDagger
from assent.peers.thrifty_dagger import ThriftyDagger
from assent.peers.trace import Setting

Kind = Literal["members", "bounds", "gates", "daggers", "others"]
"""`members`: methods that are given members with the overseer's own model among them. The rest begins with nothing: `bounds` from below,
`gates` on one model or a committee of learned ones, `daggers`, and `others`."""

WARM_UP = 200
"""Labels that a method which cannot begin without any is given first, and pays for."""


@dataclass(frozen=True, eq=False)
class Stock:
    """What methods are made of, for one seed.

    Attributes:
        setting: where they are compared.
        bank: members with the overseer's own model among them (`Hypotheses`); None where nobody has such.
        one: a single model, learned from labels alone; of items a `LogisticHead` that takes its estimates for the truth.
        several: the same as an ensemble on bootstraps.
        predictor: of discrepancies.
        deferral: what learning to defer is trained on, `WARM_UP` labels long.
    """

    setting: Setting
    bank: Any
    one: Any
    several: Hypotheses
    predictor: Predictor
    deferral: DeferralPolicy


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes:
        name: as people read it.
        key: as programs do.
        kind: which picture it is in.
        ours: whether it is this project's.
        dial: what is turned.
        settings: of the dial, for the frontier.
        default: of the dial, for a table of one line a method.
        make: the agent for a ground and a setting.
        source: who it is from.
    """

    name: str
    key: str
    kind: Kind
    dial: str
    settings: tuple[float | int, ...]
    default: float | int
    make: Callable[[Stock, Any], Any]
    source: str
    ours: bool = False


DELTAS = (0.99, 0.9, 0.7, 0.5, 0.2, 0.05, 0.01, 0.001)
SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
MARGINS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9)
ENTROPIES = (0.98, 0.95, 0.9, 0.8, 0.7, 0.55, 0.4, 0.25)
VARIANCES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
VOTES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
TAUS = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.25)
BUDGETS = (10, 20, 50, 100, 200, 400, 700, 1000)
RATES = (0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3)
LEVELS = (0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05, 0.02)
OFF = (0.6, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.008)

_COHEN = "Cohen, Hutter and Nanda 2022; ratio set: docs/theory.md"


def _gate(rule: Callable[[Any], Any], *, on: str) -> Callable[[Stock, Any], Any]:
    """A gate over all members: one learned model, several, or the bank. Learned weights are tempered, as `Imitator.of` has it."""

    def make(ground: Stock, dial: Any) -> Any:
        members = getattr(ground, on)
        if on == "several":
            return Imitator.of(members, leading=Everyone(), rule=rule(dial))
        return Imitator(members, Everyone(), rule(dial), (Readable(),))

    return make


def _greedy(gate: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda dial: gate(dial, greedy=True)


MEMBERS: tuple[Method, ...] = (
    Method(
        "minimum over the ratio set",
        "minimum",
        "members",
        "delta",
        DELTAS,
        0.05,
        lambda ground, dial: Imitator(ground.bank, RatioSet(dial), Minimum(), (Readable(),)),
        _COHEN,
        ours=True,
    ),
    Method(
        "minimum with tolerance, delta 0.05",
        "tolerance-members",
        "members",
        "tau",
        (0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.01),
        0.1,
        lambda ground, dial: Imitator(ground.bank, RatioSet(0.05), Tolerance(dial), (Readable(),)),
        _COHEN,
        ours=True,
    ),
    Method(
        "confidence of the members",
        "confidence-members",
        "members",
        "threshold",
        SHARES,
        0.9,
        _gate(Confidence, on="bank"),
        "softmax response",
    ),
    Method(
        "margin of the members",
        "margin-members",
        "members",
        "threshold",
        MARGINS,
        0.45,
        _gate(Margin, on="bank"),
        "Scheffer et al. 2001",
    ),
    Method(
        "entropy of the members",
        "entropy-members",
        "members",
        "threshold",
        ENTROPIES,
        0.55,
        _gate(Entropy, on="bank"),
        "Lewis and Gale 1994",
    ),
    Method(
        "variance of the members",
        "variance-members",
        "members",
        "threshold",
        VARIANCES,
        0.01,
        _gate(Variance, on="bank"),
        "Menda et al. 2019",
    ),
    Method(
        "vote of the members",
        "vote-members",
        "members",
        "share",
        VOTES,
        0.9,
        _gate(Vote, on="bank"),
        "Seung et al. 1992",
    ),
)
"""Methods on a bank of members with the overseer's own model among them. Gates draw from the mixture, which is the overseer's kind of
acting where she varies; confidence, as everywhere, takes the likeliest action."""

GATES: tuple[Method, ...] = (
    Method(
        "tolerance", "tolerance", "gates", "tau", TAUS, 0.4, _gate(_greedy(Tolerance), on="several"), "docs/peers.md"
    ),
    Method(
        "confidence", "confidence", "gates", "threshold", SHARES, 0.7, _gate(Confidence, on="one"), "softmax response"
    ),
    Method(
        "margin",
        "margin",
        "gates",
        "threshold",
        MARGINS,
        0.45,
        _gate(_greedy(Margin), on="one"),
        "Scheffer et al. 2001",
    ),
    Method(
        "entropy",
        "entropy",
        "gates",
        "threshold",
        ENTROPIES,
        0.7,
        _gate(_greedy(Entropy), on="one"),
        "Lewis and Gale 1994",
    ),
    Method(
        "variance",
        "variance",
        "gates",
        "threshold",
        VARIANCES,
        0.01,
        _gate(_greedy(Variance), on="several"),
        "Menda et al. 2019",
    ),
    Method("vote", "vote", "gates", "share", VOTES, 0.9, _gate(_greedy(Vote), on="several"), "Seung et al. 1992"),
    Method(
        "a coin",
        "coin",
        "gates",
        "rate",
        RATES,
        0.01,
        lambda ground, dial: Imitator(ground.one, Everyone(), Margin(0.0, greedy=True), (Readable(), Audit(dial))),
        "YRC-Bench's baseline",
    ),
)

DAGGERS: tuple[Method, ...] = (
    Method(
        "behavioural cloning",
        "cloning",
        "daggers",
        "labels",
        BUDGETS,
        200,
        lambda ground, dial: Cloner(ground.one, dial),
        "Pomerleau 1988",
    ),
    Method(
        "DAgger",
        "dagger",
        "daggers",
        "labels",
        BUDGETS,
        200,
        lambda ground, dial: Dagger(ground.one, dial),
        "Ross et al. 2011",
    ),
    Method(
        "SafeDAgger",
        "safe-dagger",
        "daggers",
        "tau",
        OFF,
        0.1,
        lambda ground, dial: SafeDagger(ground.one, ground.predictor, tau=dial, labels=_first(ground)),
        "Zhang and Cho 2017",
    ),
    Method(
        "EnsembleDAgger",
        "ensemble-dagger",
        "daggers",
        "chi",
        (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005),
        0.01,
        lambda ground, dial: EnsembleDagger(ground.several, ground.predictor, chi=dial, tau=0.5, labels=_first(ground)),
        "Menda et al. 2019",
    ),
    Method(
        "LazyDAgger",
        "lazy-dagger",
        "daggers",
        "tau",
        OFF,
        0.1,
        lambda ground, dial: LazyDagger(ground.one, ground.predictor, tau=dial, labels=_first(ground)),
        "Hoque et al. 2021",
    ),
    Method(
        "ThriftyDAgger, novelty alone",
        "thrifty-novelty",
        "daggers",
        "rate",
        RATES,
        0.01,
        lambda ground, dial: ThriftyDagger(ground.several, rate=dial, labels=WARM_UP, risk=False),
        "Hoque et al. 2021b",
    ),
)

THRIFTY = Method(
    "ThriftyDAgger",
    "thrifty-dagger",
    "daggers",
    "rate",
    RATES,
    0.01,
    lambda ground, dial: ThriftyDagger(ground.several, rate=dial, labels=WARM_UP),
    "Hoque et al. 2021b",
)
"""With risk, which wants contexts and goals."""

OTHERS: tuple[Method, ...] = (
    Method(
        "conformal singleton",
        "conformal",
        "others",
        "level",
        LEVELS,
        0.1,
        lambda ground, dial: ConformalSingleton(ground.one, level=dial),
        "Vovk et al. 2005",
    ),
    Method(
        "conformal singleton, split",
        "conformal-split",
        "others",
        "level",
        LEVELS,
        0.1,
        lambda ground, dial: ConformalSingleton(ground.one, level=dial, labels=WARM_UP, split=True),
        "Sadinle et al. 2019",
    ),
    Method(
        "learning to defer",
        "deferral",
        "others",
        "threshold",
        (0.8, 0.65, 0.55, 0.5, 0.45, 0.42, 0.39, 0.36),
        0.45,
        lambda ground, dial: Deferral(ground.deferral, dial),
        "Mozannar and Sontag 2020",
    ),
)

TABLES: tuple[Method, ...] = (
    Method(
        "support: what was seen may be done",
        "support",
        "others",
        "answers",
        (1, 2, 3, 5, 8, 12, 20, 30),
        1,
        lambda ground, dial: Imitator(
            Supports.of(ground.one.num_contexts or 0, ground.one.num_actions, at_least=dial),
            RatioSet(0.05),
            Minimum(),
            (Readable(),),
        ),
        "docs/hypotheses.md",
        ours=True,
    ),
    Method(
        "bounds on any probabilities",
        "simplexes",
        "others",
        "delta",
        (0.5, 0.05),
        0.05,
        lambda ground, dial: Imitator(
            Simplexes.of(ground.one.num_contexts or 0, ground.one.num_actions, delta=dial),
            RatioSet(0.05),
            Minimum(),
            (Readable(),),
        ),
        "docs/hypotheses.md",
        ours=True,
    ),
)
"""Ours that begin with nothing but the number of contexts."""

ITEMS: tuple[Method, ...] = (
    Method(
        "lower bound of a regression",
        "logistic-lower",
        "bounds",
        "threshold",
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
        0.5,
        lambda ground, dial: Imitator(replace(ground.one, beta=0.25), Everyone(), Confidence(dial), (Readable(),)),
        "docs/hypotheses.md",
        ours=True,
    ),
    Method(
        "minimum over a learned committee",
        "minimum-learned",
        "bounds",
        "tau",
        (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2),
        0.6,
        lambda ground, dial: Imitator.of(
            ground.several, leading=Everyone(), rule=Tolerance(dial), guards=(OneAnswer(0.5),)
        ),
        "docs/theory.md",
        ours=True,
    ),
)
"""Ours for items with one right answer: the likeliest action is done where every regression in the ellipsoid gives it the threshold. What
untaught members agree on has too little mass to be done alone, and the bounds of an untaught regression are near 0: both ask from the
start."""


def _first(ground: Stock) -> int:
    """A table knows where it knows nothing; a regression does not, and has to begin with some labels."""
    return 0 if ground.one.num_contexts is not None else WARM_UP // 2
