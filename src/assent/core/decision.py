"""From an assent and one uniform number to a decision; and the same rule without full rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assent.core.arrays import Array, namespace
from assent.core.assent import Assent


@dataclass(frozen=True, eq=False)
class Decision:
    """What one round came to.

    Attributes:
        asked: boolean scalar, the overseer is asked.
        action: integer scalar, the action to do alone, or -1 when asked.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    asked: Array
    action: Array


def decide(assent: Assent, uniform: Array) -> Decision:
    """The decision that one uniform number in [0, 1) selects: ask if it is below `assent.ask`, else an action.

    Asking lies first on the unit interval, so with the same number an assent that asks more asks in a superset of rounds, and an
    assent that asks with probability 0 never asks. A number that is NaN or outside [0, 1) asks.

    >>> import numpy as np
    >>> assent = Assent(np.asarray([0.25, 0.5]))
    >>> [int(decide(assent, np.asarray(u)).action) for u in (0.1, 0.3, 0.6)]
    [-1, 0, 1]
    """
    xp = namespace(assent.probs)
    uniform = xp.asarray(uniform, dtype=assent.probs.dtype)
    below = xp.cumulative_sum(assent.probs)
    acts = (uniform >= assent.ask) & (uniform < 1) & (below[-1] > 0)
    # the far edge: rounding may leave u - ask at or past the last sum, which belongs to the last action that has mass
    candidate = xp.sum(xp.astype(below <= uniform - assent.ask, xp.int64))
    last = xp.sum(xp.astype(below < below[-1], xp.int64))
    action = xp.where(candidate < last, candidate, last)
    return Decision(asked=~acts, action=xp.where(acts, action, -1))


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the leaders said to one proposal.

    Attributes:
        emitted: boolean `[...]`, nobody objected.
        objects: boolean `[..., H]`, which leading members objected.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    emitted: Array
    objects: Array


def propose_and_veto(log_score: Array, log_weight: Array, proposer: Array, uniform: Array) -> Verdict:
    """Whether a proposal is emitted: leader j objects iff `u > p_j(y) / p_i(y)`, i being the leader that proposed y.

    With y drawn from p_i, whatever the choice of i among the leaders, y is emitted with probability exactly `min_j p_j(y)`:
    the minimum rule, without full rows, for any unit (token, sentence, tool call) that every member can score.

    Args:
        log_score: `[..., H]`, each member's log-probability of the proposal.
        log_weight: `[..., H]`, minus infinity for members that do not lead.
        proposer: integer `[...]`, the leader that drew the proposal.
        uniform: `[...]` in [0, 1), one number shared by all members.

    A leader whose score cannot be read (NaN, above 0) objects. A weight that cannot be read, a proposer that does not lead or cannot
    have drawn the proposal, and a number outside [0, 1) are objections by everybody. Scores of any size will do: a long text at
    -1000 nats is compared as exactly as a single token.

    >>> import numpy as np
    >>> scores = np.log(np.asarray([0.5, 0.25]))
    >>> verdict = propose_and_veto(scores, np.zeros(2), np.asarray(0), np.asarray(0.7))
    >>> bool(verdict.emitted), verdict.objects
    (False, array([False,  True]))
    """
    xp = namespace(log_score, log_weight)
    leader = xp.isfinite(log_weight) & xp.ones_like(log_score, dtype=xp.bool)
    chosen = (xp.arange(log_score.shape[-1]) == proposer[..., None]) & leader & (log_score <= 0)
    own = xp.sum(xp.where(chosen & xp.isfinite(log_score), log_score, 0.0), axis=-1)
    allowed = log_score <= 0
    # the ratio, not the two probabilities: those of a long text underflow to 0
    log_ratio = xp.where(allowed, log_score, 0.0) - own[..., None]
    accepts = allowed & (uniform[..., None] < xp.exp(xp.where(log_ratio < 0, log_ratio, 0.0)))
    sound = xp.any(chosen & xp.isfinite(log_score), axis=-1) & (uniform >= 0) & (uniform < 1)
    sound = sound & xp.all(log_weight < float("inf"), axis=-1)
    objects = leader & ~(accepts & sound[..., None])
    return Verdict(emitted=sound & ~xp.any(objects, axis=-1), objects=objects)
