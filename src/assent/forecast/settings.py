"""What was fixed before a deployment, and what a method says of it: the settings, and a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assent.forecast.checking import count, probability
from assent.forecast.exact import Numeric
from assent.forecast.prior import BetaPrior

DEFAULT_FTP = "1/1000"
"""First-trial probability of a failure where nobody gives one: a stand-in without a source, and said to be one."""

KEYS = (
    "semi-informative",
    "jeffreys",
    "exact",
    "confidence-sequence",
    "conservative",
    "pac-bayes",
    "missing-mass",
    "gumbel-tail",
)
"""The methods, in the order of their rows."""


@dataclass(frozen=True)
class Row:
    """What one method says. Probabilities in [0, 1]; None where it says nothing.

    Attributes:
        key: its name in files and addresses.
        name: its name for readers.
        kind: `belief` (depends on a prior), `guarantee` (holds with the confidence given, whatever the truth), `one look` (holds only if
            this is the only look at the record), or `estimate` (neither).
        chance: of a failure in the next single decision: expected for a belief, an upper bound for a guarantee.
        upper: upper end for that chance, at the confidence given.
        within: of at least one failure in the next decisions.
        clean_needed: more clean decisions until `within` is at most the target.
        promises: what it does and does not promise, in a sentence.
        assumptions: what has to be true.
        note: why it says nothing, or what to beware of.
    """

    key: str
    name: str
    kind: str
    chance: float | None
    upper: float | None
    within: float | None
    clean_needed: float | None
    promises: str
    assumptions: tuple[str, ...]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Everything in JSON values."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "assumptions": list(self.assumptions),
        }


@dataclass(frozen=True)
class Settings:
    """What was fixed before the deployment.

    Attributes:
        ahead: how many unsupervised decisions the forecast is for.
        ftp: first-trial probability of a failure, and where it is from.
        source: where it is from.
        virtual_successes: how firmly it is believed.
        delta: risk that a guarantee is wrong, in (0, 1).
        theta: probability that was given to the agent being perfect, in (0, 1).
        target: probability of a failure in the next `ahead` decisions that is wanted, in (0, 1).
        headline: key of the row that counts.
        forbidden: an action that must never be done, for the Gumbel tail.
    """

    ahead: float = 1000.0
    ftp: Numeric = DEFAULT_FTP
    source: str = ""
    virtual_successes: Numeric = 1
    delta: float = 0.05
    theta: float = 0.5
    target: float = 0.01
    headline: str = "semi-informative"
    forbidden: int | None = None

    def __post_init__(self) -> None:
        count("number of decisions ahead", self.ahead)
        for name in ("delta", "theta", "target"):
            probability(name, getattr(self, name))
        if self.headline not in KEYS:
            raise ValueError(f"The headline is {self.headline!r}; it must be one of {', '.join(KEYS)}.")
        BetaPrior(self.ftp, self.virtual_successes)


def is_stand_in(settings: Settings) -> bool:
    """Whether nobody chose the first-trial probability."""
    return not settings.source and str(settings.ftp) == DEFAULT_FTP
