"""What may be changed of an overseer from outside. NumPy and JAX are not needed to say it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from assent.planning.process import MOST, Process


@dataclass(frozen=True)
class Terms:
    """What may be changed of a level's overseer, or of what the agent believes of it; None leaves it as it is.

    Attributes:
        cost: of each step with the overseer, at least 0 and at most 1e30, in units of reward.
        rate: in [0, 1], the chance of a correction in a step.
        eps: in [0, 1], the chance that a correction is wrong.
        believed_eps: the same as the agent believes it to be.

    Raises:
        ValueError: a greater cost.
    """

    cost: float | None = None
    rate: float | None = None
    eps: float | None = None
    believed_eps: float | None = None

    def __post_init__(self) -> None:
        if self.cost is not None and self.cost > MOST:
            raise ValueError(f"cost = {self.cost:.4g} is more than {MOST:g}, beside which no reward counts. Give less.")

    def on(self, process: Process) -> Process:
        """The terms of `process` with these in their place; answers err once there is a chance of error.

        Raises:
            ValueError: a value out of its range, or a chance of error for answers that have none.
        """
        given = {"cost": self.cost, "rate": self.rate}
        changed = replace(process, **{name: value for name, value in given.items() if value is not None})
        return _erring(changed, "eps", self.eps)

    def believed(self, process: Process) -> Process:
        """What the agent takes the terms `process` for.

        Raises:
            ValueError: as `on`.
        """
        return _erring(process, "believed_eps", self.believed_eps)


def _erring(process: Process, name: str, eps: float | None) -> Process:
    if eps is None:
        return process
    if process.answer not in ("optimal", "eps"):
        raise ValueError(
            f"{name} = {eps:g}: this level's answers are {process.answer}, which have no chance of error to set. Leave it out."
        )
    return replace(process, eps=eps, answer="eps" if eps else process.answer)
