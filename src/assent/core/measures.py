"""Measures: numbers about assents, beliefs and members that people watch. None of them decides anything."""

from __future__ import annotations

from assent.core.arrays import Array, log_sum_exp, namespace, safe_log
from assent.core.assent import Assent


def ask_probability(assent: Assent) -> Array:
    """The probability, in [0, 1], that the overseer is asked.

    >>> import numpy as np
    >>> float(ask_probability(Assent(np.asarray([0.5, 0.25]))))
    0.25
    """
    return assent.ask


def total_variation(first: Array, second: Array) -> Array:
    """Total variation distance between two sub-distributions `[A]`, in [0, 1], missing mass counted as one more outcome.

    >>> import numpy as np
    >>> total_variation(np.asarray([0.5, 0.5]), np.asarray([0.5, 0.25]))
    np.float64(0.25)
    """
    xp = namespace(first, second)
    missing = xp.abs(xp.sum(first) - xp.sum(second))
    return (xp.sum(xp.abs(first - second)) + missing) / 2


def kl_divergence(first: Array, second: Array) -> Array:
    """Kullback-Leibler divergence of `second` from `first` in nats, `[A]` each; infinite where `second` excludes what `first` does.

    Both are distributions, or sub-distributions of equal total. Never negative for those; `0 log 0` is 0.

    >>> import numpy as np
    >>> float(kl_divergence(np.asarray([0.5, 0.5]), np.asarray([0.25, 0.75])).round(6))
    0.143841
    """
    xp = namespace(first, second)
    happens = first > 0
    log_second = safe_log(second)
    ratio = xp.where(happens, safe_log(first), 0.0) - xp.where(happens, log_second, 0.0)
    return xp.sum(xp.where(happens, first, 0.0) * ratio)


def effective_size(log_weight: Array) -> Array:
    """How many equal members the weights `[H]` amount to: `exp(entropy)`, from 1 to H; 0 when every member is dead.

    Copies of one member count as several: it measures weights, not how much members differ.

    >>> import numpy as np
    >>> round(float(effective_size(np.log(np.asarray([0.5, 0.5, 1e-300])))), 6)
    2.0
    """
    xp = namespace(log_weight)
    total = log_sum_exp(log_weight)
    alive = xp.isfinite(log_weight)
    log_share = xp.where(alive, log_weight - xp.where(xp.isfinite(total), total, 0.0), 0.0)
    entropy = -xp.sum(xp.where(alive, xp.exp(log_share), 0.0) * log_share)
    return xp.where(xp.any(alive), xp.exp(entropy), 0.0)


def surprise(log_policy: Array, log_weight: Array, action: Array) -> Array:
    """`-log` of the probability that the posterior mixture gave to `action`, in nats; infinite if no member allowed it.

    Args:
        log_policy: `[H, A]`.
        log_weight: `[H]`, normalised.
        action: integer scalar.

    >>> import numpy as np
    >>> rows = np.log(np.asarray([[0.5, 0.5], [0.5, 0.5]]))
    >>> float(surprise(rows, np.log(np.asarray([0.5, 0.5])), 0).round(6))
    0.693147
    """
    return -log_sum_exp(log_policy[:, action] + log_weight)


def dissent(log_policy: Array, leader: Array) -> Array:
    """How much mass each leading member alone takes away, `[H]`, in [0, 1].

    For a leader it is the sum over actions of how far the minimum would rise without that member; 0 for members that do not
    lead, for members whose every objection is shared, and for one that leads alone: it has nobody to dissent from.

    >>> import numpy as np
    >>> rows = np.log(np.asarray([[0.75, 0.25], [0.75, 0.25], [0.25, 0.75]]))
    >>> dissent(rows, np.asarray([True, True, True])).round(6)
    array([0. , 0. , 0.5])
    """
    xp = namespace(log_policy, leader)
    policy = xp.where(leader[:, None], xp.exp(log_policy), float("inf"))
    ordered = xp.sort(policy, axis=0)
    lowest = ordered[0, :]
    second = ordered[1, :] if ordered.shape[0] > 1 else lowest
    rise = xp.where(xp.isfinite(second), second, 0.0) - lowest
    alone = leader[:, None] & (policy == lowest[None, :])
    return xp.sum(xp.where(alone, xp.where(rise > 0, rise, 0.0)[None, :], 0.0), axis=1)
