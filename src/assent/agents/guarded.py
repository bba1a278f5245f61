"""guarded: the imitator around learned members, with everything that keeps a committee of them from agreeing in error unheard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from assent.agents.imitator import HEURISTIC_TEMPER, Imitator
from assent.core import (
    Array,
    Assent,
    Audit,
    Context,
    Done,
    Evidence,
    Guard,
    Hypotheses,
    MinLeaders,
    OneAnswer,
    RatioSet,
    Readable,
    Tallied,
    Unexplained,
)
from assent.core.arrays import log_sum_exp, namespace


@dataclass(frozen=True, eq=False)
class Rescaled:
    """`alarm`, told what members predict when they predict: their rows scaled to sum to 1.

    A semimeasure that leaves out mass because it has not learned enough would look wrong to the alarm by what it leaves out.

    Attributes:
        alarm: `Unexplained`.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "unexplained"
    alarm: Unexplained

    @staticmethod
    def example() -> Rescaled:
        """One for four actions."""
        return Rescaled(Unexplained(4))

    def start(self, like: Array, num_contexts: int | None) -> Evidence:
        return self.alarm.start(like, num_contexts)

    def __call__(self, assent: Assent, context: Context, tally: Evidence) -> Assent:
        return self.alarm(assent, context, tally)

    def count(self, tally: Evidence, done: Done) -> Evidence:
        return self.alarm.count(tally, done)

    def hear(self, tally: Evidence, obs: Any, action: Array, log_policy: Array) -> Evidence:
        """The evidence after an answer; a row without any mass is told as it is."""
        xp, total = namespace(log_policy), log_sum_exp(log_policy, axis=1)
        return self.alarm.hear(tally, obs, action, log_policy - xp.where(total > -float("inf"), total, 0.0)[:, None])


def guarded(
    hypotheses: Hypotheses,
    *,
    delta: float = 0.05,
    temper: float = HEURISTIC_TEMPER,
    share: float = 1e-3,
    kappa: float = 0.3,
    audit: float = 0.01,
    alarm: float = 0.01,
    groups: Array | None = None,
    num_groups: int | None = None,
    least_leaders: int = 2,
    guards: tuple[Guard | Tallied, ...] = (),
) -> Imitator:
    """An imitator for a committee of which no member is the overseer's model: networks, classifiers, whatever was trained.

    Each setting answers one way in which such a committee fails, and each can be switched off to see it fail:

    - It collapses: within some tens of answers plain weights leave one network, which agrees with itself. `temper` slows the weights down
      (1 does not), and fewer than `least_leaders` leaders ask (1 lets one lead alone).
    - It agrees in ignorance: members that start alike agree from the first round. They have to leave mass out until they were taught, as
      `assent.hypotheses.networks` and the floor of `wrap` do; `kappa` says how much may be missing: something is done alone only where
      the leaders' minimum gives it `1 - kappa` or more (1 lets anything pass).
    - It agrees in error: members that were trained alike err alike, and what nobody asks nobody hears of. `audit` is the share of lone acts
      that is asked for no reason (0: none).
    - It does not know that it is wrong: `alarm` is the chance of a false alarm of `Unexplained`, which asks for ever where a plain table
      predicts the overseer better than any member (0: no alarm). Groups of contexts make it say where; see there.
    - The overseer changes: `share` of the weights goes back to the prior at each answer, so that members come back (0: forgets nothing).

    Args:
        delta: of the leading set. With learned members it is no chance of anything, but a dial.
        guards: more of them, after these.

    Raises:
        ValueError: a setting is out of its range.

    >>> import numpy as np
    >>> from assent.hypotheses.networks import Networks
    >>> agent = guarded(Networks.of(2, 3, num_members=4))
    >>> agent.propose(agent.init(), np.ones(2)).ask  # cold
    np.float64(1.0)
    """
    if not 0 <= kappa <= 1:
        raise ValueError(f"kappa = {kappa} is outside [0, 1]: it is the mass that the leaders' minimum may lack.")
    chosen: list[Guard | Tallied] = [Readable(), MinLeaders(least_leaders), OneAnswer(1 - kappa)]
    if audit:
        chosen.append(Audit(audit))
    if alarm:
        chosen.append(Rescaled(Unexplained(hypotheses.num_actions, alarm, groups, num_groups)))
    return Imitator(
        hypotheses,
        leading=RatioSet(delta),
        guards=(*chosen, *guards),
        temper=temper,
        share=share,
    )
