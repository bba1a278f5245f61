"""What remains certain when only one sentence of prior knowledge is trusted: the worst case over every prior that agrees with it.

Conservative Bayesian inference. The sentence is "the failure probability is at most `epsilon` with probability `theta`", or, for
survival, "the agent never fails with probability `theta`". All of it is for decisions without a failure. Plain numbers in and out;
safe for 1e12 decisions.
"""

from __future__ import annotations

import math

from assent.forecast.checking import count, probability
from assent.forecast.numerics import first_true


def conservative_confidence(n: float, *, theta: float, epsilon: float, p: float) -> float:
    """The least confidence, in (0, 1), that the failure probability is at most `p`, after `n` clean decisions.

    `theta (1-epsilon)^n / (theta (1-epsilon)^n + (1-theta) (1-p)^n)`: the rest of the prior sits just above `p` (Zhao, Robu, Flynn,
    Salako and Strigini, "Assessing the safety and reliability of autonomous vehicles from road testing", 2019, Theorem 1, without
    failures). n = 0 gives `theta`.

    Args:
        n: clean decisions.
        theta: prior probability that the failure probability is at most `epsilon`, in (0, 1).
        epsilon: in [0, p]; 0 stands for an agent that never fails.
        p: the claim, in (0, 1).

    Raises:
        ValueError: a number is outside its range, or `epsilon > p`.

    >>> round(conservative_confidence(1000, theta=0.9, epsilon=1e-4, p=1e-3), 6)
    0.956799
    """
    total, believed = count("number of clean decisions n", n), probability("prior probability theta", theta)
    log_odds = _log_odds(believed) + total * _gain(epsilon, p)
    return _share(log_odds)


def conservative_needed(confidence: float, *, theta: float, epsilon: float, p: float) -> float:
    """How many clean decisions bring `conservative_confidence` up to `confidence`; not rounded, 0 where `theta` is enough already.

    Raises:
        ValueError: a number is outside its range, `epsilon > p`, or `epsilon == p` and more confidence is wanted than `theta`.

    >>> round(conservative_needed(0.95, theta=0.9, epsilon=1e-4, p=1e-3), 2)
    829.78
    """
    wanted, believed = probability("wanted confidence", confidence), probability("prior probability theta", theta)
    gain, missing = _gain(epsilon, p), _log_odds(wanted) - _log_odds(believed)
    if missing <= 0:
        return 0.0
    if gain == 0:
        raise ValueError(
            f"The wanted confidence is {confidence!r}; it must be at most theta = {theta!r} where epsilon equals p: clean decisions "
            "then tell nothing. Give an epsilon below p."
        )
    return missing / gain


def conservative_mean(n: float, *, theta: float, epsilon: float) -> float:
    """The largest posterior mean of the failure probability, in (0, 1), after `n` clean decisions: the worst chance of failing next.

    The maximum over y >= epsilon of `(theta e (1-e)^n + (1-theta) y (1-y)^n) / (theta (1-e)^n + (1-theta) (1-y)^n)`, from its one
    stationary point in the manner of Bishop, Bloomfield, Littlewood, Povyakalo and Wright, "Toward a formalism for conservative
    claims about the dependability of software-based systems", 2011. n = 0 gives `theta epsilon + 1 - theta`.

    Args:
        n: clean decisions.
        theta: prior probability that the failure probability is at most `epsilon`, in (0, 1).
        epsilon: in [0, 1).

    Raises:
        ValueError: a number is outside its range.

    >>> round(conservative_mean(1000, theta=0.9, epsilon=1e-4), 9)
    0.000139276
    """
    total, believed, least = (
        count("number of clean decisions n", n),
        probability("prior probability theta", theta),
        _epsilon(epsilon),
    )
    if total == 0:
        return least + (1 - least) * (1 - believed)
    log_rest = -_log_odds(believed)
    # u = (1-y)/(1-epsilon) and v = -n ln u: the stationary point is where n (e^(v/n) - 1) = 1 + (1-theta)/theta e^-v, both monotone
    log_n = math.log(total)

    def past(v: float) -> bool:
        step = v / total
        return log_n + step + math.log(-math.expm1(-step)) > _softplus(log_rest - v)

    low = total * (math.log1p(total) - log_n) if total < 1 else total * math.log1p(1 / total)
    v = first_true(past, low, 1 + _softplus(log_rest))
    return least + (1 - least) * -math.expm1(-v / total) * _share(log_rest - v)


def conservative_survival(n: float, t: float, *, theta: float) -> tuple[float, float]:
    """The least chance of `t` more clean decisions after `n`, in [theta, 1], and the failure probability at which it is taken.

    The agent never fails with prior probability `theta`, and nothing else is known: the minimum over q of
    `(theta + (1-theta) q^(n+t)) / (theta + (1-theta) q^n)`, at `(n+t) theta q^t + t (1-theta) q^(n+t) = n theta` (Strigini and
    Povyakalo, "Software fault-freeness and reliability predictions", 2013). For t = n it is `2 (sqrt(r^2 + r) - r)` with
    r = theta / (1 - theta). n = 0 gives (theta, 1.0); t = 0 gives (1.0, 0.0): nothing is asked, so no failure probability is bad.

    Raises:
        ValueError: `n` or `t` is negative or not finite, or `theta` is outside (0, 1).

    >>> chance, worst = conservative_survival(1000, 1000, theta=0.5)
    >>> round(chance, 6), round(worst, 6)
    (0.828427, 0.000881)
    """
    past, ahead = count("number of clean decisions n", n), count("number of decisions ahead t", t)
    believed = probability("prior probability theta", theta)
    if ahead == 0:
        return 1.0, 0.0
    if past == 0:
        return believed, 1.0
    log_rest, log_ratio = -_log_odds(believed), math.log(ahead) - math.log(past)
    start = _softplus(log_ratio)  # ln(1 + t/n)
    inverse = past / ahead

    # v = -t ln q: (1 + t/n) e^-v - 1 + (t/n) (1-theta)/theta e^(-v (1 + n/t)) = 0, falling in v
    def below(v: float) -> bool:
        short = -math.expm1(start - v)
        return short > 0 and log_ratio + log_rest - v - v * inverse < math.log(short)

    v = first_true(below, start, _softplus(log_ratio - math.log(believed)))
    imperfect = log_rest - v * inverse  # log-odds after the clean decisions
    return min(_share(-imperfect) + _share(imperfect) * math.exp(-v), 1.0), -math.expm1(-v / ahead)


def _log_odds(share: float) -> float:
    return math.log(share) - math.log1p(-share)


def _share(log_odds: float) -> float:
    return math.exp(-_softplus(-log_odds))


def _softplus(x: float) -> float:
    """ln(1 + e^x)."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _epsilon(epsilon: float) -> float:
    least = count("failure probability epsilon", epsilon)
    if least >= 1:
        raise ValueError(f"The failure probability epsilon is {epsilon!r}; it must be 0 or more and below 1.")
    return least


def _gain(epsilon: float, p: float) -> float:
    """ln((1-epsilon) / (1-p)): the log-odds that one clean decision adds."""
    least, claim = _epsilon(epsilon), probability("claimed failure probability p", p)
    if least > claim:
        raise ValueError(
            f"The failure probability epsilon is {epsilon!r}; it must be at most the claimed p, which is {p!r}."
        )
    return -math.log1p(-(claim - least) / (1 - least))
