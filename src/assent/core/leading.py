"""Leading sets: which members still count, as a mask over the committee.

A set is called with `log_weight` (normalised log posterior) and `log_prior`, both `[H]`, and returns a boolean mask `[H]`.
An all-false mask means that nobody leads, and then every rule asks.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import ClassVar

from assent.core.arrays import Array, namespace


class GuaranteeWarning(UserWarning):
    """A setting is legal but voids, or has already spent, the guarantee that users expect of it."""


@dataclass(frozen=True)
class RatioSet:
    """Keep a member while posterior / prior >= delta: the default, with a guarantee that needs no prior weight.

    The overseer's own model, if it is a member, ever leaves with probability at most `delta`, whatever its prior weight
    (Ville's inequality on prior / posterior, a non-negative supermartingale started at 1; see docs/theory.md). Splitting a
    member's prior over copies of it changes nothing. With tempered weights (exponent eta) the chance is at most
    `delta ** (1 / eta)`, smaller still.

    Attributes:
        delta: in (0, 1), the accepted chance of ever losing the overseer's own model.
        cap: most members that may lead, or None. A larger set is never cut: it forces asking.

    Raises:
        ValueError: `delta` is outside (0, 1), or `cap` is below 1.

    >>> import numpy as np
    >>> prior = np.log(np.asarray([0.5, 0.5]))
    >>> RatioSet(0.05)(np.log(np.asarray([0.99, 0.01])), prior)
    array([ True, False])
    """

    static_fields: ClassVar[tuple[str, ...]] = ("cap",)
    delta: float = 0.05
    cap: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.delta < 1:
            raise ValueError(
                f"delta = {self.delta} is not a risk: it must lie strictly between 0 and 1. delta is the accepted chance that "
                "the overseer's own model ever leaves the leading set; 0.05 is usual. At delta >= 1 even a member that "
                "predicts as well as the mixture would be dropped."
            )
        _check_cap(self.cap)

    def __call__(self, log_weight: Array, log_prior: Array) -> Array:
        xp = namespace(log_weight, log_prior)
        alive = xp.isfinite(log_weight) & xp.isfinite(log_prior)
        ratio = xp.where(alive, log_weight, 0.0) - xp.where(alive, log_prior, 0.0)
        leader = alive & (ratio >= xp.log(xp.asarray(self.delta, dtype=log_weight.dtype)))
        return _within(leader, cap=self.cap)


@dataclass(frozen=True)
class AlphaSet:
    """Keep the n-th best member while its weight is at least alpha times the weight of the n best together.

    The set of Cohen, Hutter and Nanda, "Fully General Online Imitation Learning", JMLR 23 (2022): a prefix of the ranking by
    posterior weight, never empty, at most floor(1 / alpha) members; ties are broken by the member's number. Their Theorem 2
    keeps the overseer's model in the set with probability at least 1 - alpha / prior(model), so alpha must be small against
    a prior weight that the user usually does not know: prefer `RatioSet`.

    Attributes:
        alpha: in (0, 1]; 1 keeps only the best member.
        cap: most members that may lead, or None. A larger set is never cut: it forces asking.

    Raises:
        ValueError: `alpha` is outside (0, 1], or `cap` is below 1.

    >>> import numpy as np
    >>> weight = np.log(np.asarray([0.2, 0.7, 0.1]))
    >>> AlphaSet(0.2)(weight, weight)
    array([ True,  True, False])
    """

    static_fields: ClassVar[tuple[str, ...]] = ("cap",)
    alpha: float
    cap: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise ValueError(
                f"alpha = {self.alpha} is outside (0, 1]: a member leads while it has at least the share alpha of the weight of "
                "all better ones and itself. Use a small value such as 1e-4, or RatioSet(delta=0.05)."
            )
        _check_cap(self.cap)

    def warn_about(self, log_prior: Array) -> None:
        """Warn with `GuaranteeWarning` if the prior alone already drops members that have prior weight."""
        xp = namespace(log_prior)
        dropped = int(xp.count_nonzero(xp.isfinite(log_prior) & ~self(log_prior, log_prior)))
        if dropped:
            warnings.warn(
                f"alpha = {self.alpha} drops {dropped} of {log_prior.shape[0]} members before any answer is in: the prior weights "
                f"alone fail its test. Use alpha <= {_smallest_share(log_prior):.2g}, or RatioSet(delta=0.05), which starts with "
                "every member.",
                GuaranteeWarning,
                stacklevel=3,
            )

    def __call__(self, log_weight: Array, log_prior: Array) -> Array:
        xp = namespace(log_weight, log_prior)
        order, weight = _ranking(log_weight)
        sorted_weight = xp.take(weight, order)
        keeps = (sorted_weight > 0) & (sorted_weight >= self.alpha * xp.cumulative_sum(sorted_weight))
        prefix = xp.cumulative_sum(xp.astype(~keeps, xp.int32)) == 0
        leader = xp.take(prefix, xp.argsort(order, stable=True))
        return _within(leader, cap=self.cap)


@dataclass(frozen=True)
class TopK:
    """The k best members by posterior weight: no guarantee at all, kept for comparison.

    A bad member with a good prior fills the set before the overseer's model enters it; a large k keeps dead members in, and
    asks for ever. Both are rows of the demo. `accept_no_guarantee=True` is needed to say that this is known.

    Attributes:
        k: at least 1.
        accept_no_guarantee: must be True.

    Raises:
        ValueError: `k` is below 1, or the flag is missing.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("k", "accept_no_guarantee")
    k: int
    accept_no_guarantee: bool = False

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k = {self.k}: a leading set needs room for at least one member.")
        if not self.accept_no_guarantee:
            raise ValueError(
                f"TopK({self.k}) carries no guarantee: a treacherous member with a good prior fills the set. Use RatioSet(delta), or "
                "write TopK(k, accept_no_guarantee=True) to compare against it."
            )

    def __call__(self, log_weight: Array, log_prior: Array) -> Array:
        xp = namespace(log_weight, log_prior)
        order, _ = _ranking(log_weight)
        rank = xp.argsort(order, stable=True)
        return (rank < self.k) & xp.isfinite(log_weight)


@dataclass(frozen=True)
class Everyone:
    """Every member that still has posterior weight: what a plain posterior mixture uses.

    >>> import numpy as np
    >>> Everyone()(np.asarray([0.0, -float("inf")]), np.zeros(2))
    array([ True, False])
    """

    static_fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, log_weight: Array, log_prior: Array) -> Array:
        return namespace(log_weight, log_prior).isfinite(log_weight)


def _check_cap(cap: int | None) -> None:
    if cap is not None and cap < 1:
        raise ValueError(f"cap = {cap}: the most members that may lead must be at least 1, or None for no cap.")


def _within(leader: Array, *, cap: int | None) -> Array:
    if cap is None:
        return leader
    xp = namespace(leader)
    return leader & (xp.count_nonzero(leader) <= cap)


def _ranking(log_weight: Array) -> tuple[Array, Array]:
    """Member numbers from best to worst (ties by number), and weights relative to the best, both `[H]`."""
    xp = namespace(log_weight)
    comparable = xp.where(xp.isnan(log_weight), -float("inf"), log_weight)
    if log_weight.shape[0] == 0:  # the maximum of nothing is an error
        return xp.argsort(comparable), comparable
    top = xp.max(comparable)
    top = xp.where(xp.isfinite(top), top, 0.0)
    # `descending=True` would reverse the order of ties under some libraries
    return xp.argsort(-comparable, stable=True), xp.exp(comparable - top)


def _smallest_share(log_prior: Array) -> float:
    """The largest alpha at which no member with prior weight is dropped."""
    weights = sorted((math.exp(float(value)) for value in log_prior if math.isfinite(float(value))), reverse=True)
    total, least = 0.0, 1.0
    for weight in weights:
        total += weight
        least = min(least, weight / total)
    return least
