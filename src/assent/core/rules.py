"""Rules: from what the members of a committee believe to an assent.

A rule is called with `log_policy [H, A]`, the log-probability that each member gives each action, and `log_weight [H]`, the log
posterior weight of each member with minus infinity for those that do not lead. It returns an `Assent` over the A actions.
A committee in which nobody leads, or whose weights or rows hold a NaN, only asks. Rows whose mass is below 1 are allowed: what
a member leaves out is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assent.core.arrays import Array, choose, missing_mass, namespace, over_leaders
from assent.core.assent import Assent


def _leading(log_weight: Array) -> tuple[Array, Array]:
    """Who leads, `[H]`, and whether the weights can be read at all (some member leads, none is NaN or +inf)."""
    xp = namespace(log_weight)
    leader = xp.isfinite(log_weight)
    return leader, xp.any(leader) & ~xp.any(xp.isnan(log_weight) | (log_weight == float("inf")))


def _unless(unreadable: Array, gap: Array) -> Array:
    """`gap`, or NaN, which makes the guarded constructor ask."""
    return choose(unreadable, namespace(gap).full_like(gap, float("nan")), gap)


def _blend(log_policy: Array, share: Array) -> tuple[Array, Array]:
    """`sum_i share_i p_i [A]` and the mass that the members left out, as a sum of non-negative terms."""
    xp = namespace(log_policy, share)
    policy = xp.where(share[:, None] > 0, xp.exp(log_policy), 0.0)
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

    >>> import numpy as np
    >>> rows = np.log(np.asarray([[0.75, 0.25], [0.5, 0.5]]))
    >>> Minimum()(rows, np.log(np.asarray([0.5, 0.5])))
    Assent(probs=array([0.5 , 0.25]), ask=np.float64(0.25))
    """

    static_fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        xp = namespace(log_policy, log_weight)
        leader, readable = _leading(log_weight)
        lowest = over_leaders(log_policy, leader)
        least = xp.exp(lowest)
        reference = xp.exp(log_policy[xp.argmax(xp.where(leader, log_weight, -float("inf"))), :])
        return Assent(least, gap=_unless(~readable, xp.sum(reference - least)))


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
        leader, readable = _leading(log_weight)
        probs, gap = _blend(log_policy, _posterior_share(log_weight, leader))
        return Assent(probs, gap=_unless(~readable, gap))


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
        leader, readable = _leading(log_weight)
        turn = xp.astype(leader, log_weight.dtype)
        count = xp.sum(turn)
        probs, gap = _blend(log_policy, turn / xp.where(count > 0, count, 1.0))
        return Assent(probs, gap=_unless(~readable, gap))


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
        leader, readable = _leading(log_weight)
        probs, gap = _blend(log_policy, _posterior_share(log_weight, leader))
        lowest = xp.exp(over_leaders(log_policy, leader))
        kept = xp.where(lowest >= self.floor, probs, 0.0)
        return Assent(kept, gap=_unless(~readable, gap + xp.sum(probs - kept)))


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
        leader, readable = _leading(log_weight)
        probs, gap = _blend(log_policy, _posterior_share(log_weight, leader))
        best = xp.arange(probs.shape[0]) == xp.argmax(probs)
        acts = readable & xp.isfinite(gap) & (xp.max(probs) >= self.threshold) & (xp.max(probs) > 0)
        return Assent(xp.astype(best & acts, probs.dtype))
