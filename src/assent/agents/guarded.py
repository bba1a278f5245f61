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
from assent.core.arrays import namespace, safe_log

LEAST_AUDIT = 1e-3
"""Of lone acts: the share of them that `guarded` asks at least."""

BEGUN = 0.9
"""The mass that some member's row has once answers count for the alarm."""


@dataclass(frozen=True, eq=False)
class Completed:
    """`alarm`, told of each member's row with what it leaves out spread evenly over all actions, once some row has nearly all of its mass.

    A semimeasure leaves mass out because it has not learned enough. Told as it is, it would look wrong by what it left out; scaled up, by
    what it had not learned; and by chance the alarm's table looks better than members that say nothing at all. Each way it would go off
    before the members have begun, and ask for ever. Which answers count is known before they come, so Ville's inequality holds for them.

    Attributes:
        alarm: `Unexplained`.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "unexplained"
    alarm: Unexplained

    @staticmethod
    def example() -> Completed:
        """One for four actions."""
        return Completed(Unexplained(4))

    def start(self, like: Array, num_contexts: int | None) -> Evidence:
        return self.alarm.start(like, num_contexts)

    def __call__(self, assent: Assent, context: Context, tally: Evidence) -> Assent:
        return self.alarm(assent, context, tally)

    def count(self, tally: Evidence, done: Done) -> Evidence:
        return self.alarm.count(tally, done)

    def hear(self, tally: Evidence, obs: Any, action: Array, log_policy: Array) -> Evidence:
        """The evidence after an answer; a row that cannot be read is told as it is."""
        xp, policy = namespace(log_policy), namespace(log_policy).exp(log_policy)
        total = xp.sum(policy, axis=1)
        missing = xp.where(total > 1, 0.0, 1 - total)  # rounding may leave a sum above 1
        after = self.alarm.hear(tally, obs, action, safe_log(policy + missing[:, None] / policy.shape[1]))
        begun = xp.any(total >= BEGUN)
        return Evidence(
            log_members=xp.where(begun, after.log_members, tally.log_members),
            log_table=xp.where(begun, after.log_table, tally.log_table),
            counts=xp.where(begun, after.counts, tally.counts),
            fired=xp.where(begun, after.fired, tally.fired),
        )


def guarded(
    hypotheses: Hypotheses,
    *,
    delta: float = 0.05,
    temper: float = HEURISTIC_TEMPER,
    share: float = 1e-3,
    kappa: float = 0.1,
    audit: float = 0.01,
    alarm: float = 0.01,
    groups: Array | None = None,
    num_groups: int | None = None,
    least_leaders: int = 2,
    guards: tuple[Guard | Tallied, ...] = (),
) -> Imitator:
    """An imitator for a committee of which no member is the overseer's model: networks, classifiers, whatever was trained.

    Each setting answers one way in which such a committee fails, and all but the audits can be switched off to see it fail:

    - It collapses: within some tens of answers plain weights leave one network, which agrees with itself. `temper` slows the weights down
      (1 does not), and fewer than `least_leaders` leaders ask (1 lets one lead alone).
    - It agrees in ignorance: members that start alike agree from the first round. They have to leave mass out until they were taught, as
      `assent.hypotheses.networks` and the floor of `wrap` do; `kappa` says how much may be missing: something is done alone only where
      the leaders' minimum gives it `1 - kappa` or more (1 lets anything pass).
    - It agrees in error: members that were trained alike err alike, and what nobody asks nobody hears of. `audit` is the share of lone acts
      that is asked for no reason, at least `LEAST_AUDIT`: without any, nothing could ever show that the others were needed.
    - It does not know that it is wrong: `alarm` is the chance of a false alarm of `Unexplained`, which asks for ever where a plain table
      predicts the overseer better than any member (0: no alarm). Groups of contexts make it say where; see there. With learned members
      that chance, too, is a dial.
    - The overseer changes: `share` of the weights goes back to the prior at each answer, so that members come back (0: forgets nothing).

    Args:
        delta: of the leading set. With learned members it is no chance of anything, but a dial.
        guards: more of them, after these.

    Raises:
        ValueError: a setting is out of its range, or an alarm is wanted of members that are families.

    >>> import numpy as np
    >>> from assent.hypotheses.networks import Networks
    >>> agent = guarded(Networks.of(2, 3, num_members=4))
    >>> agent.propose(agent.init(), np.ones(2)).ask  # cold
    np.float64(1.0)
    """
    if not 0 <= kappa <= 1:
        raise ValueError(f"kappa = {kappa} is outside [0, 1]: it is the mass that the leaders' minimum may lack.")
    if not LEAST_AUDIT <= audit <= 1:
        raise ValueError(
            f"audit = {audit} is outside [{LEAST_AUDIT}, 1]: members that were trained alike err alike, and only audits hear of it. Who "
            "wants none builds an Imitator of other guards."
        )
    if alarm and hasattr(hypotheses, "log_lower"):
        raise ValueError(
            "Unexplained compares answers with the best member, and these members are families, whose best policy nobody knows: set "
            "alarm = 0."
        )
    chosen: list[Guard | Tallied] = [Readable(), MinLeaders(least_leaders), OneAnswer(1 - kappa), Audit(audit)]
    if alarm:
        chosen.append(Completed(Unexplained(hypotheses.num_actions, alarm, groups, num_groups)))
    return Imitator(
        hypotheses,
        leading=RatioSet(delta),
        guards=(*chosen, *guards),
        temper=temper,
        share=share,
    )
