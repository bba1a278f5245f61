"""Rules: from what the members of a committee believe to an assent.

A rule is called with `log_policy [H, A]`, the log-probability that each member gives each action, and `log_weight [H]`, the log
posterior weight of each member with minus infinity for those that do not lead. It returns an `Assent` over the A actions.
A committee in which nobody leads, one with a weight that cannot be read (NaN, plus infinity), and one with a leader whose row is
no sub-distribution (NaN, plus infinity, a sum above 1; for `Minimum` over a vocabulary see there) only ask. Rows whose mass is
below 1 are allowed: what a member leaves out is asked. The rows of members that do not lead are never looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assent.core.arrays import Array, choose, exp_quietly, missing_mass, namespace, over_leaders, rounding
from assent.core.assent import Assent

CHECKED = 65_536
"""`Minimum` checks the rows of committees of up to this many numbers, H times A, itself; the other rules check all."""


def _read(log_policy: Array, log_weight: Array) -> tuple[Array, Array, Array, Array]:
    """The members' probabilities `[H, A]` and log weights `[H]`, who leads `[H]`, and whether all of that can be read."""
    xp = namespace(log_policy, log_weight)
    log_policy, log_weight = _somebody(log_policy, log_weight)
    leader, readable = _leaders(log_weight)
    # entries above 1 are garbage that exp would overflow on; e is enough for their row's sum to be refused
    policy = xp.exp(xp.where(log_policy > 1, 1.0, log_policy))
    sound = xp.sum(policy, axis=1) <= 1 + rounding(xp, policy)
    return policy, log_weight, leader, readable & xp.all(sound | ~leader)


def _somebody(log_policy: Array, log_weight: Array) -> tuple[Array, Array]:
    """Rows and weights as they are; for nobody at all, one dead member, whom no reduction has to make an exception for."""
    if log_policy.shape[0] > 0:
        return log_policy, log_weight
    xp = namespace(log_policy, log_weight)
    dead = -float("inf")
    return xp.full((1, log_policy.shape[1]), dead, dtype=log_policy.dtype), xp.full((1,), dead, dtype=log_weight.dtype)


def _leaders(log_weight: Array) -> tuple[Array, Array]:
    """Who leads `[H]`, and whether anybody does and every weight can be read (no NaN, no plus infinity)."""
    xp = namespace(log_weight)
    leader = xp.isfinite(log_weight)
    if xp is np:
        return leader, leader.any() & (log_weight < np.inf).all()
    return leader, xp.any(leader) & xp.all(log_weight < float("inf"))


def _if(readable: Array, gap: Array) -> Array:
    """`gap`, or NaN, which makes the guarded constructor ask."""
    return choose(readable, gap, float("nan"))


def _blend(policy: Array, share: Array) -> tuple[Array, Array]:
    """`sum_i share_i p_i [A]` and the mass that the members left out, as a sum of non-negative terms."""
    xp = namespace(policy, share)
    policy = xp.where(share[:, None] > 0, policy, 0.0)
    missing = xp.where(share > 0, missing_mass(xp.sum(policy, axis=1)), 0.0)
    return xp.sum(share[:, None] * policy, axis=0), xp.sum(share * missing)


def _posterior_share(log_weight: Array, leader: Array) -> Array:
    """The leaders' posterior weights, scaled to sum to 1, `[H]`; all zero when nobody leads."""
    xp = namespace(log_weight)
    finite = xp.where(leader, log_weight, -float("inf"))
    top = xp.max(finite)
    weight = xp.exp(finite - xp.where(xp.isfinite(top), top, 0.0))
    total = xp.sum(weight)
    return weight / xp.where(total > 0, total, 1.0)


@dataclass(frozen=True)
class Minimum:
    """Each action gets the least probability that any leading member gives it; the rest is asked.

    Cohen, Hutter and Nanda, "Fully General Online Imitation Learning", JMLR 23 (2022), the imitator's definition. A single
    dissenting leader is enough to turn an act into an ask, and no leader can add to what the others allow. The mass that is asked
    is summed as `sum(p_r - min)` plus what p_r leaves out, over the leader r with the most weight: all its terms are >= 0, so
    members that agree ask with probability exactly 0.

    Beyond `CHECKED` numbers (a vocabulary) rows are taken as checked where they entered, by `readable_rows`, which agents call: a
    NaN in a leader's row still asks, and so does a leader r or a minimum that sums to more than 1; another leader's row with too
    much mass would take the exponential of every row to find, and can only fail to object, never add.

    >>> import numpy as np
    >>> rows = np.log(np.asarray([[0.75, 0.25], [0.5, 0.5]]))
    >>> Minimum()(rows, np.log(np.asarray([0.5, 0.5])))
    Assent(probs=array([0.5 , 0.25]), ask=np.float64(0.25))
    """

    static_fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        xp = namespace(log_policy, log_weight)
        if log_policy.shape[0] * log_policy.shape[1] <= CHECKED:
            policy, log_weight, leader, readable = _read(log_policy, log_weight)
            least = over_leaders(policy, leader)
            return Assent(least, gap=_if(readable, xp.sum(policy[xp.argmax(log_weight), :] - least)))
        leader, readable = _leaders(log_weight)
        lowest = over_leaders(log_policy, leader)
        # exp of two rows, not of all: over a vocabulary that is most of the cost
        least, reference = exp_quietly(lowest, reuse=True), exp_quietly(log_policy[xp.argmax(log_weight), :])
        reference -= least
        return Assent(least, gap=_if(readable, xp.sum(reference)))


@dataclass(frozen=True)
class Mixture:
    """The leaders' average by posterior weight: the usual Bayesian prediction. It asks only for what members leave out.

    Kept as a peer: it averages a bad member in instead of asking about it.

    >>> import numpy as np
    >>> rows = np.log(np.asarray([[0.75, 0.25], [0.25, 0.75]]))
    >>> Mixture()(rows, np.log(np.asarray([0.5, 0.5]))).probs
    array([0.5, 0.5])
    """

    static_fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        policy, log_weight, leader, readable = _read(log_policy, log_weight)
        probs, gap = _blend(policy, _posterior_share(log_weight, leader))
        return Assent(probs, gap=_if(readable, gap))


@dataclass(frozen=True)
class Rotation:
    """One leader at a time takes the turn, all with equal chance, whatever their weights.

    No member decides more than the share 1 / (number of leaders), so hiding something over many turns takes all of them. Unlike
    the other rules it counts heads: a member that is in the committee twice gets two turns.

    >>> import numpy as np
    >>> rows = np.log(np.asarray([[0.75, 0.25], [0.25, 0.75]]))
    >>> Rotation()(rows, np.log(np.asarray([0.9, 0.1]))).probs
    array([0.5, 0.5])
    """

    static_fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        xp = namespace(log_policy, log_weight)
        policy, log_weight, leader, readable = _read(log_policy, log_weight)
        turn = xp.astype(leader, log_weight.dtype)
        count = xp.sum(turn)
        probs, gap = _blend(policy, turn / xp.where(count > 0, count, 1.0))
        return Assent(probs, gap=_if(readable, gap))


@dataclass(frozen=True)
class Veto:
    """The leaders' mixture, without every action to which some leader gives less than `floor`; what is vetoed is asked.

    Cheaper in asks than `Minimum` where members differ in degree, and as strict where they differ in kind: an action that one
    leader finds nearly impossible is never done alone. The frequencies are the mixture's, so no event bound follows.

    Attributes:
        floor: in (0, 1], the probability below which a leader objects.

    Raises:
        ValueError: `floor` is outside (0, 1].

    >>> import numpy as np
    >>> rows = np.log(np.asarray([[0.875, 0.125], [0.99609375, 0.00390625]]))
    >>> Veto(0.01)(rows, np.log(np.asarray([0.5, 0.5]))).probs
    array([0.93554688, 0.        ])
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    floor: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.floor <= 1:
            raise ValueError(
                f"floor = {self.floor} is outside (0, 1]: it is the probability below which a leader objects."
            )

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        xp = namespace(log_policy, log_weight)
        policy, log_weight, leader, readable = _read(log_policy, log_weight)
        probs, gap = _blend(policy, _posterior_share(log_weight, leader))
        kept = xp.where(over_leaders(policy, leader) >= self.floor, probs, 0.0)
        return Assent(kept, gap=_if(readable, gap + xp.sum(probs - kept)))


@dataclass(frozen=True)
class Confidence:
    """Act on the mixture's most likely action if its probability reaches `threshold`, else ask: the usual peer.

    Attributes:
        threshold: in [0, 1]; 0 never asks.

    Raises:
        ValueError: `threshold` is outside [0, 1].

    >>> import numpy as np
    >>> rows = np.log(np.asarray([[0.75, 0.25]]))
    >>> Confidence(0.7)(rows, np.zeros(1)).probs, Confidence(0.9)(rows, np.zeros(1)).probs
    (array([1., 0.]), array([0., 0.]))
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    threshold: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold = {self.threshold} is outside [0, 1]: it is compared with a probability.")

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        xp = namespace(log_policy, log_weight)
        policy, log_weight, leader, readable = _read(log_policy, log_weight)
        probs, gap = _blend(policy, _posterior_share(log_weight, leader))
        best = xp.arange(probs.shape[0]) == xp.argmax(probs)
        acts = readable & xp.isfinite(gap) & (xp.max(probs) >= self.threshold) & (xp.max(probs) > 0)
        return Assent(xp.astype(best & acts, probs.dtype))
