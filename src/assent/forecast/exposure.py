"""Evidence from decisions done alone, and what weakens it: failures that pass unseen, clusters, a change of model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assent.forecast.checking import count, positive
from assent.forecast.counting import Counted
from assent.forecast.exact import Numeric, rational

MOST_DECISIONS = 10**15
"""More are taken for a mistake."""


@dataclass(frozen=True, init=False)
class Exposure:
    """Unsupervised decisions with known outcomes, and what weakens them as evidence.

    Args:
        clean: decisions done alone whose outcome was right.
        failures: decisions done alone whose outcome was wrong.
        detection: probability in (0, 1] that a failure among them was noticed.
        cluster: decisions that come together (a conversation, a document), >= 1.
        correlation: between decisions of a cluster, in [0, 1]: effective number `n / (1 + (cluster - 1) correlation)`.
        carried: clean decisions of earlier models, each counted with the share that was stated for it (a power prior); for beliefs only.
        carried_failures: failures of earlier models, with the same shares.

    Raises:
        ValueError: a number outside its range.

    >>> Exposure(clean=12_400, detection=0.8).effective
    9920.0
    """

    clean: float
    failures: float
    detection: float
    cluster: float
    correlation: float
    carried: float
    carried_failures: float

    def __init__(
        self,
        clean: Numeric,
        failures: Numeric = 0,
        *,
        detection: Numeric = 1,
        cluster: Numeric = 1,
        correlation: Numeric = 0,
        carried: Numeric = 0,
        carried_failures: Numeric = 0,
    ) -> None:
        share = positive("detection rate", float(rational("detection rate", detection)))
        size = positive("size of a cluster", float(rational("size of a cluster", cluster)))
        rho = count("correlation within a cluster", float(rational("correlation", correlation)))
        if share > 1 or rho > 1 or size < 1:
            raise ValueError(
                f"The detection rate is {share:g}, the correlation {rho:g}, the size of a cluster {size:g}; a share lies in (0, 1], a "
                "correlation in [0, 1], and a cluster holds at least 1 decision."
            )
        counts = {"clean": clean, "failures": failures, "carried": carried, "carried_failures": carried_failures}
        for name, value in counts.items():
            if rational(name, value) > MOST_DECISIONS:
                raise ValueError(f"The number of {name.replace('_', ' ')} is {value}; give at most {MOST_DECISIONS:,}.")
            object.__setattr__(self, name, count(name.replace("_", " "), float(rational(name, value))))
        for name, value in (("detection", share), ("cluster", size), ("correlation", rho)):
            object.__setattr__(self, name, value)

    @property
    def decisions(self) -> float:
        """Decisions with a known outcome, as counted."""
        return self.clean + self.failures

    @property
    def design_effect(self) -> float:
        """How many correlated decisions tell as much as one (Kish 1965)."""
        return 1.0 + (self.cluster - 1.0) * self.correlation

    @property
    def independent(self) -> float:
        """Decisions that the counted ones amount to, were they independent."""
        return self.decisions / self.design_effect

    @property
    def independent_failures(self) -> float:
        """Failures among those: the same share, as Kish's effective size keeps it."""
        return self.failures / self.design_effect

    @property
    def effective(self) -> float:
        """How many decisions the counted ones are worth, were each failure noticed too; at least as many as failed."""
        return max(self.independent * self.detection, self.independent_failures)

    def after(self, clean: float) -> Exposure:
        """With so many more clean decisions."""
        return replace_exposure(self, clean=self.clean + clean)


def replace_exposure(exposure: Exposure, **changes: Any) -> Exposure:
    """The same with other numbers."""
    names = ("clean", "failures", "detection", "cluster", "correlation", "carried", "carried_failures")
    return Exposure(**{name: changes.get(name, getattr(exposure, name)) for name in names})


def exposure_of(
    runs: Iterable[Counted],
    *,
    carry: Mapping[str, Numeric] | Numeric = 0,
    detection: Numeric = 1,
    cluster: Numeric = 1,
    correlation: Numeric = 0,
) -> Exposure:
    """Several runs of a deployment, the last of them the one that runs now.

    Runs of the same model count in full. Those of any other model began another regime: nothing of them counts, unless a share is stated.

    Args:
        carry: the share, in [0, 1], that decisions of earlier models count with: one for all, or by run.

    Raises:
        ValueError: no runs, a run given twice, a share outside [0, 1], or a share for a run that is not there or counts in full.
    """
    counted = list(runs)
    names = [one.run for one in counted]
    if not counted or len(set(names)) < len(names):
        raise ValueError(f"The runs are {names}; give at least one, each once: a repeated one would count twice.")
    shares = {
        one.run: rational("share carried over", carry.get(one.run, 0) if isinstance(carry, Mapping) else carry)
        for one in counted
    }
    unknown = sorted(set(carry) - set(names)) if isinstance(carry, Mapping) else []
    if unknown or any(not 0 <= share <= 1 for share in shares.values()):
        raise ValueError(
            f"The shares carried over are { ({run: float(share) for run, share in shares.items()}) }"
            f"{f', and {unknown} are none of the runs' if unknown else ''}; a share lies in [0, 1], 0 for a new beginning."
        )
    model = counted[-1].model
    alike = [one.run for one in counted if isinstance(carry, Mapping) and one.run in carry and one.model == model]
    if alike:
        raise ValueError(
            f"A share is stated for {', '.join(alike)}, which has the model that runs now: its decisions count in full. Leave the "
            "share out, or the run."
        )
    same, other = ([one for one in counted if (one.model == model) == wanted] for wanted in (True, False))
    return Exposure(
        clean=sum(len(one.clean) for one in same),
        failures=sum(len(one.failed) for one in same),
        detection=detection,
        cluster=cluster,
        correlation=correlation,
        carried=sum((shares[one.run] * len(one.clean) for one in other), start=rational("carried", 0)),
        carried_failures=sum((shares[one.run] * len(one.failed) for one in other), start=rational("carried", 0)),
    )
