"""What acting alone costs, in nats: by how much it may raise the chance of anything above what it is under the overseer alone.

Where the overseer's own model leads, it gives an action at least the leaders' minimum m(a). An agent that does a with probability p(a)
and asks with probability q therefore does a at most `p(a) / m(a) + q` times as often as the overseer would. The logarithm of that
factor is the charge of the round. Summed over a run it is the run's risk L, and for every event B about actions and observations, at
any horizon,

    P_agent(B and L <= s) <= exp(s) P_overseer(B) + delta

with delta the chance that the overseer's model ever leaves the leading set (docs/theory.md, "What acting costs", has the proof).
"""

from __future__ import annotations

from assent.core.arrays import Array, namespace, rounding, safe_log, widest


def log_factors(probs: Array, least: Array, ask: Array) -> Array:
    """`[A]`, nats: for each action the logarithm of how many times more often it is done than the overseer would do it, at most.

    Args:
        probs: `[A]`, the assent, after guards.
        least: `[A]`, the least probability that a leading member gives each action.
        ask: scalar, the chance of asking, after guards.

    In float64, where there is such, whatever the dtype given: what is charged is summed over a run. A factor of 1 up to rounding is 1.

    An action with no mass in `probs` is done only when the overseer does it, `log(ask)`. One that has mass although a leader excludes it
    costs infinity: no bound holds. A round that is surely asked costs 0.

    >>> import numpy as np
    >>> log_factors(np.asarray([0.5, 0.25]), np.asarray([0.5, 0.25]), np.asarray(0.25)).round(4)
    array([0.2231, 0.2231])
    >>> log_factors(np.asarray([0.75, 0.0]), np.asarray([0.75, 0.0]), np.asarray(0.25)).round(4)
    array([ 0.2231, -1.3863])
    """
    xp = namespace(probs, least)
    probs, least, ask = (xp.asarray(part, dtype=widest(xp)) for part in (probs, least, ask))
    allowed = least > 0
    share = xp.where(allowed, probs / xp.where(allowed, least, 1.0), float("inf"))
    factor = xp.where(probs > 0, share, 0.0) + ask
    return safe_log(xp.where(xp.abs(factor - 1) <= rounding(xp, probs), 1.0, factor))


def worst_charge(probs: Array, least: Array, ask: Array) -> Array:
    """The most that the round may cost, in nats, whatever is done: the greatest of `log_factors`; never below 0.

    With the minimum rule and no guards it is `log(1 + ask)`, and 0 where nothing is done alone.

    >>> import numpy as np
    >>> float(worst_charge(np.zeros(2), np.asarray([0.5, 0.25]), np.asarray(1.0)))
    0.0
    """
    xp = namespace(probs, least)
    most = xp.max(log_factors(probs, least, ask))
    return xp.where(most > 0, most, 0.0)
