"""The posterior over members: Bayes in log space, moved by the overseer's answers and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from assent.core.arrays import Array, log_sum_exp, namespace, rounding


@dataclass(frozen=True, eq=False)
class Belief:
    """What an agent believes about its members.

    Attributes:
        log_weight: `[H]`, normalised log posterior; all minus infinity once every member is dead.
        log_prior: `[H]`, normalised log prior, for sets that compare the two.
        memory: what the hypotheses remember (a history, online learners' parameters); `()` when nothing.
        tallies: what the agent's guards have counted, one for each guard that does.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    log_weight: Array
    log_prior: Array
    memory: Any = ()
    tallies: tuple[Any, ...] = ()


def normalise(log_weight: Array) -> Array:
    """`log_weight` shifted so that its exponentials sum to 1; all minus infinity stays as it is.

    >>> import numpy as np
    >>> normalise(np.asarray([0.0, 0.0])).round(6)
    array([-0.693147, -0.693147])
    """
    xp = namespace(log_weight)
    total = log_sum_exp(log_weight)
    return log_weight - xp.where(xp.isfinite(total), total, 0.0)


def readable_rows(log_policy: Array) -> tuple[Array, Array]:
    """Rows with every unreadable one replaced by minus infinity, `[H, A]`, and which rows can be read, `[H]`.

    A row can be read when it is the logarithm of a sub-distribution: no NaN, no entry above 0, total at most 1, all up to
    rounding. A row of minus infinity leaves out all its mass: the minimum then only asks, and a mixture asks with that member's
    share. That every round with an unreadable leader is asked, whatever the rule, is what the guard `Readable` is for.

    >>> import numpy as np
    >>> rows, valid = readable_rows(np.asarray([[0.0, -float("inf")], [0.0, 0.0]]))
    >>> valid
    array([ True, False])
    """
    xp = namespace(log_policy)
    slack = rounding(xp, log_policy)
    sane = xp.all(log_policy <= slack, axis=1)  # false for NaN and for plus infinity
    silent = -float("inf")
    sane_rows = xp.where(sane[:, None], log_policy, silent)
    valid = sane & (xp.sum(xp.exp(sane_rows), axis=1) <= 1 + slack)
    return xp.where(valid[:, None], sane_rows, silent), valid


def bayes_update(
    log_weight: Array, log_likelihood: Array, *, temper: Array | float = 1.0, awake: Array | None = None
) -> Array:
    """The log posterior after one answer, `[H]`, normalised: `log_weight + temper * log_likelihood`.

    Args:
        log_weight: `[H]`, normalised log posterior before.
        log_likelihood: `[H]`, each member's log-probability of the answer, given what it knew before it.
        temper: in (0, 1], the exponent of the likelihood. Below 1 the posterior moves more slowly, which a committee of
            learned members needs: none of them is exactly right, and plain weights collapse onto the best-looking one.
        awake: boolean `[H]`, members whose row could be read. The others abstain, as sleeping experts do (Freund, Schapire,
            Singer and Warmuth, "Using and combining predictors that specialize", STOC 1997): they keep their weight.

    A member that gave the answer probability 0 is dead for ever. When all are dead every weight is minus infinity, never NaN.

    >>> import numpy as np
    >>> half = np.log(np.asarray([0.5, 0.5]))
    >>> np.exp(bayes_update(half, np.log(np.asarray([0.9, 0.1])))).round(6)
    array([0.9, 0.1])
    """
    xp = namespace(log_weight, log_likelihood)
    dead = -float("inf")
    if awake is None:
        moved = xp.where(log_likelihood > -float("inf"), log_weight + _tempered(log_likelihood, temper), dead)
        return normalise(moved)
    moved = xp.where(awake & (log_likelihood > -float("inf")), log_weight + _tempered(log_likelihood, temper), dead)
    awake_before = log_sum_exp(xp.where(awake, log_weight, dead))
    awake_after = log_sum_exp(moved)
    shift = xp.where(xp.isfinite(awake_before) & xp.isfinite(awake_after), awake_before, 0.0)
    shift = shift - xp.where(xp.isfinite(awake_after) & xp.isfinite(awake_before), awake_after, 0.0)
    return normalise(xp.where(awake, moved + shift, log_weight))


def _tempered(log_likelihood: Array, temper: Array | float) -> Array:
    xp = namespace(log_likelihood)
    finite = xp.where(log_likelihood > -float("inf"), log_likelihood, 0.0)
    return finite * xp.asarray(temper, dtype=log_likelihood.dtype)
