"""The terms on which an overseer corrects: when, about what, how well, and with which authority."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

Trigger = Literal["random", "on_error", "on_request", "schedule"]
"""When a correction may come: at random; only after a suboptimal action; when the agent pays for it; every `every` steps."""

Shown = Literal["current", "uniform", "chosen", "pedagogic"]
"""Which state it is about: the current one; one drawn uniformly; one the agent chooses, on request; the one that teaches most."""

AnswerModel = Literal["optimal", "eps", "boltzmann", "soft", "adversary"]
"""How the shown action comes about: optimal, ties split evenly; wrong with chance `eps`, evenly over the rest; Boltzmann in Q* or in
the soft Q of maximum entropy, with inverse temperature `beta`; always the worst action."""

Authority = Literal["advice", "override", "shutdown"]
"""What a correction does beside informing: nothing; it forces the shown action if it is about the current state; it ends the life."""

MOST = 1e30
"""The greatest cost, and the greatest size of a reward, that files and options may give: beyond it everything else is lost in rounding."""


@dataclass(frozen=True)
class Process:
    """The hand of god's terms. One of these is how the overseer is; another may be how the agent believes the overseer to be.

    Attributes:
        trigger: when a correction may come.
        rate: in [0, 1], the chance of one whenever the trigger allows it (lambda).
        every: steps between corrections where the trigger is `schedule`; at least 1.
        shown: which state a correction is about; `chosen` only where the trigger is `on_request`.
        answer: how the shown action comes about.
        eps: in [0, 1], the chance of a wrong action where `answer` is `eps`.
        beta: above 0, inverse temperature where `answer` is `boltzmann` or `soft`, in units of 1 / reward.
        authority: what a correction does beside informing.
        cost: at least 0, paid in every step begun with the overseer present, in units of reward (c).
        request_cost: at least 0, paid for each request where the trigger is `on_request`.

    Raises:
        ValueError: a value outside of what is said above.

    >>> Process(rate=0.2, eps=0.1, answer="eps", cost=0.05).rate
    0.2
    """

    trigger: Trigger = "random"
    rate: float = 0.2
    every: int = 1
    shown: Shown = "current"
    answer: AnswerModel = "eps"
    eps: float = 0.0
    beta: float = 1.0
    authority: Authority = "advice"
    cost: float = 0.0
    request_cost: float = 0.0

    def __post_init__(self) -> None:
        known = {"trigger": Trigger, "shown": Shown, "answer": AnswerModel, "authority": Authority}
        for name, kind in known.items():
            value = getattr(self, name)
            if value not in get_args(kind):
                raise ValueError(f"{name} = {value!r} is unknown: give one of {', '.join(get_args(kind))}.")
        for name, low, high in (
            ("rate", 0, 1),
            ("eps", 0, 1),
            ("cost", 0, math.inf),
            ("request_cost", 0, math.inf),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ValueError(f"{name} = {value} is outside [{low}, {high}]; it must be a finite number in there.")
        if not (math.isfinite(self.beta) and self.beta > 0):
            raise ValueError(f"beta = {self.beta} must be a finite number above 0.")
        if self.shown == "chosen" and self.trigger != "on_request":
            raise ValueError(
                f"shown = 'chosen' with trigger = {self.trigger!r}: an agent chooses what it asks about. Give trigger = 'on_request'."
            )
        if self.every < 1:
            raise ValueError(f"every = {self.every}: a schedule needs at least one step between corrections.")

    def describe(self) -> dict[str, float | int | str]:
        """The terms in JSON values, for the ledger."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
