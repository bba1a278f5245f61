"""How often, at most, an agent can fail a decision, given what its unsupervised decisions have shown.

All functions take and return plain numbers. `n` counts unsupervised decisions whose outcome was checked, `failures` those that
failed; neither has to be whole (weights, detection rates). A guarantee holds whatever the true rate is; a credible bound only on
average over its prior. The bounds fall with every clean decision and rise with every failure.
"""

from __future__ import annotations

import math

from assent.forecast.checking import count, positive, probability
from assent.forecast.kernel import log_survival_counted
from assent.forecast.numerics import beta_upper, divergence, first_true, log_gamma_rise, stirling_rest

_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


def exact_upper(n: float, failures: float = 0, *, delta: float = 0.05) -> float:
    """The one-sided upper confidence limit of the failure probability, in (0, 1]: a guarantee at the risk `delta`.

    `1 - delta ** (1/n)` without failures (Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", 1983, whose
    rule of three is its approximation 3/n); Clopper and Pearson, "The use of confidence or fiducial limits", 1934, with failures.

    While no failure has occurred it may be looked at after every decision: it falls in n, so it undershoots the true rate first at
    a fixed n, and reaching that n without a failure has probability at most `delta`. After the first failure this is lost, and only
    `confidence_sequence_upper` may be watched. Nothing observed says nothing: n = 0 gives 1.0.

    Raises:
        ValueError: `n` or `failures` is negative or not finite, `failures > n`, or `delta` is outside (0, 1).

    >>> round(exact_upper(1000), 8), round(exact_upper(1000, 2), 6), exact_upper(0)
    (0.00299125, 0.006282, 1.0)
    """
    total, failed = _observed(n, failures)
    risk = probability("risk delta", delta)
    if failed == total:
        return 1.0
    if failed == 0:
        return -math.expm1(math.log(risk) / total)
    return beta_upper(failed + 1, total - failed, risk)


def clean_needed(p0: float, *, delta: float = 0.05) -> int:
    """The fewest clean decisions at which `exact_upper` is at most `p0`: an integer of at least 1.

    `ln delta / ln(1 - p0)` rounded up, then settled on the bound itself, so that rounding can never promise one decision too few.

    Raises:
        ValueError: `p0` or `delta` is outside (0, 1), or `p0` is so small that the number is beyond the largest float.

    >>> clean_needed(1e-3), clean_needed(1e-3, delta=0.01)
    (2995, 4603)
    """
    wanted = probability("wanted bound p0", p0)
    estimate = math.log(probability("risk delta", delta)) / math.log1p(-wanted)
    if estimate > 1e300:
        raise ValueError(
            f"The wanted bound p0 is {p0!r}; no number of decisions that a machine can count reaches it. Give a larger one."
        )
    low, high = int(estimate * (1 - 1e-12)) - 1, int(estimate * (1 + 1e-12)) + 2
    low = max(low, 0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if exact_upper(middle, delta=delta) <= wanted else (middle, high)
    return high


def credible_upper(
    n: float, failures: float = 0, *, ftp: float, virtual_successes: float, delta: float = 0.05
) -> float:
    """The upper credible limit of the failure probability under a Beta prior, in (0, 1): right with posterior probability 1 - delta.

    The prior is Beta(alpha, alpha/ftp - alpha): mean `ftp`, the first-trial probability, and alpha = `virtual_successes`
    (Davidson, "Semi-informative priors over AI timelines", 2021). With alpha = 1 and no failures it is
    `1 - delta ** (1 / (beta + n))`. At n = 0 it is the prior's own limit, not 1.

    No guarantee at a fixed rate, and not to be watched: a 95 % Jeffreys limit falls below a true 1e-3 with probability 0.1465.

    Raises:
        ValueError: as `exact_upper`; `ftp` is outside (0, 1), or `virtual_successes` is not above 0.

    >>> round(credible_upper(1000, ftp=1 / 300, virtual_successes=1), 8)
    0.00230353
    """
    total, failed = _observed(n, failures)
    alpha, beta = _prior(ftp, virtual_successes)
    risk = probability("risk delta", delta)
    if alpha + failed == 1:
        return -math.expm1(math.log(risk) / (beta + total - failed))
    return beta_upper(alpha + failed, beta + total - failed, risk)


def jeffreys_upper(n: float, failures: float = 0, *, delta: float = 0.05) -> float:
    """`credible_upper` under Jeffreys' prior Beta(1/2, 1/2) (Jeffreys, "An invariant form for the prior probability", 1946).

    Raises:
        ValueError: as `exact_upper`.

    >>> round(jeffreys_upper(1000), 8)
    0.00191841
    """
    return credible_upper(n, failures, ftp=0.5, virtual_successes=0.5, delta=delta)


def laplace_upper(n: float, failures: float = 0, *, delta: float = 0.05) -> float:
    """`credible_upper` under the uniform prior Beta(1, 1) (Laplace's rule of succession, 1774).

    Raises:
        ValueError: as `exact_upper`.

    >>> round(laplace_upper(1000), 8)
    0.00298827
    """
    return credible_upper(n, failures, ftp=0.5, virtual_successes=1, delta=delta)


def confidence_sequence_upper(
    n: float, failures: float = 0, *, delta: float = 0.05, a: float = 0.5, b: float = 0.5
) -> float:
    """The upper limit that may be watched for ever, failures or none: below the truth at any n at all with probability <= delta.

    The largest p with `p^k (1-p)^(n-k) >= delta B(a+k, b+n-k) / B(a, b)`: the likelihood ratio of a Beta(a, b) mixture against the
    truth is a martingale started at 1, and Ville's inequality bounds its maximum (Ville, "Etude critique de la notion de
    collectif", 1939; Robbins, "Statistical methods related to the law of the iterated logarithm", 1970). n = 0 gives 1.0.

    Args:
        n: decisions, whole when a guarantee is wanted.
        failures: those that failed.
        delta: the risk, in (0, 1).
        a, b: > 0, fixed before the first decision; they move the place where the limit is tightest, never its validity.

    Raises:
        ValueError: as `exact_upper`; `a` or `b` is not above 0.

    >>> round(confidence_sequence_upper(1000), 8), round(confidence_sequence_upper(1000, 2), 6)
    (0.0069975, 0.012271)
    """
    total, failed = _observed(n, failures)
    risk = probability("risk delta", delta)
    a, b = positive("mixture parameter a", a), positive("mixture parameter b", b)
    if failed == total:
        return 1.0
    if failed == 0:
        return -math.expm1((math.log(risk) + float(log_survival_counted(a, b, 0.0, total))) / total)
    return kl_inverse_upper(failed / total, max(_log_regret(total, failed, a, b) - math.log(risk), 0.0) / total)


def kl_inverse_upper(loss: float, bound: float) -> float:
    """The largest p >= loss with `kl(loss || p) <= bound` (binary relative entropy, in nats), rounded up to the next float.

    Args:
        loss: in [0, 1].
        bound: >= 0.

    Raises:
        ValueError: `loss` is outside [0, 1], or `bound` is negative or not finite.

    >>> kl_inverse_upper(0.0, 0.25) == -math.expm1(-0.25), round(kl_inverse_upper(0.1, 0.01), 9)
    (True, 0.147675539)
    """
    share, most = _loss(loss), count("bound on the relative entropy", bound)
    if share == 1 or most == 0:
        return share
    if share == 0:
        return -math.expm1(-most)

    def exceeds(p: float) -> bool:
        distance = p - share
        return divergence(share, p, away=distance) + divergence(1 - share, 1 - p, away=-distance) > most

    return first_true(exceeds, share, 1.0)


def pac_bayes_upper(n: float, loss: float, kl: float, *, delta: float = 0.05) -> float:
    """The PAC-Bayes-kl limit on the expected loss of a member drawn from the posterior, in [0, 1]: a guarantee at the risk `delta`.

    `kl(loss || L) <= (KL(Q || P) + ln(2 sqrt(n) / delta)) / n` (Maurer, "A note on the PAC Bayesian theorem", 2004; the form is
    Seeger's, "PAC-Bayesian generalisation error bounds for Gaussian process classification", 2002), for every posterior Q at once
    and one n fixed beforehand. It bounds the decision of one random member, not the minimum rule. Below one observation: 1.0.

    Args:
        n: independent observations.
        loss: mean loss of the posterior on them, in [0, 1].
        kl: relative entropy of the posterior from a prior that was fixed before the data, in nats, >= 0.
        delta: the risk, in (0, 1).

    Raises:
        ValueError: a number is outside its range, or not finite.

    >>> round(pac_bayes_upper(1000, 0.0, 0.0), 8), round(pac_bayes_upper(1000, 0.01, 5.0), 6)
    (0.00711731, 0.034116)
    """
    total, share = count("number of observations n", n), _loss(loss)
    nats, risk = count("relative entropy kl", kl), probability("risk delta", delta)
    if total < 1:
        return 1.0
    return kl_inverse_upper(share, (nats + math.log(2 * math.sqrt(total) / risk)) / total)


def clean_needed_bayes(risk: float, over: float, *, ftp: float, virtual_successes: float) -> float:
    """How many clean decisions bring the chance of any failure in the next `over` down to `risk`, under a Beta prior; not rounded.

    `over (1 - risk) / risk - beta` for one virtual success; otherwise the root of `B(alpha, beta+n+m) / B(alpha, beta+n) = 1 - risk`.
    The prior is that of `credible_upper`. 0 means that the risk is already that low before any decision.

    Raises:
        ValueError: `risk` or `ftp` is outside (0, 1), `over` is negative, `virtual_successes` is not above 0, or a number is not finite.

    >>> round(clean_needed_bayes(0.01, 1000, ftp=0.5, virtual_successes=1), 6)
    98999.0
    """
    accepted, ahead = probability("accepted risk", risk), count("number of decisions ahead", over)
    alpha, beta = _prior(ftp, virtual_successes)
    if ahead == 0:
        return 0.0
    if alpha == 1:
        return max(ahead * (1 - accepted) / accepted - beta, 0.0)
    log_kept = math.log1p(-accepted)

    def enough(n: float) -> bool:
        return float(log_survival_counted(alpha, beta, n, ahead)) >= log_kept

    if enough(0.0):
        return 0.0
    high = 1.0
    while not enough(high):
        high *= 2
    return first_true(enough, 0.0, high)


def clean_needed_lomax(risk: float, over: float, *, alpha: float, tau: float = 0.0) -> float:
    """How much clean effort brings the chance of any failure in `over` more down to `risk`, for a Gamma prior on the hazard.

    `over / ((1 - risk) ** (-1/alpha) - 1) - tau` (Lomax, "Business failures", 1954), in the unit of `over`, not rounded. 0 means that
    the risk is already that low at the start.

    Raises:
        ValueError: `risk` is outside (0, 1), `over` or `tau` is negative, `alpha` is not above 0, or a number is not finite.

    >>> round(clean_needed_lomax(0.01, 1000, alpha=0.5), 1)
    49251.3
    """
    accepted, ahead = probability("accepted risk", risk), count("effort ahead", over)
    shape, start = positive("shape alpha", alpha), count("virtual effort tau", tau)
    rise = -math.log1p(-accepted) / shape
    return max(ahead * math.exp(-rise) / -math.expm1(-rise) - start, 0.0)


def _observed(n: float, failures: float) -> tuple[float, float]:
    total, failed = count("number of decisions n", n), count("number of failures", failures)
    if failed > total:
        raise ValueError(f"The number of failures is {failures!r}; it must be at most the number of decisions, {n!r}.")
    return total, failed


def _prior(ftp: float, virtual_successes: float) -> tuple[float, float]:
    alpha = positive("number of virtual successes", virtual_successes)
    first = probability("first-trial probability ftp", ftp)
    return alpha, alpha * (1 - first) / first


def _loss(loss: float) -> float:
    share = count("mean loss", loss)
    if share > 1:
        raise ValueError(
            f"The mean loss is {loss!r}; it must be between 0 and 1: divide the losses by the largest possible one."
        )
    return share


def _log_regret(total: float, failed: float, a: float, b: float) -> float:
    """ln of the largest likelihood over the Beta(a, b) mixture's, 0 < failed < total; Stirling's series with its large terms cancelled."""
    clean = total - failed
    mixture = failed * math.log1p(a / failed) + clean * math.log1p(b / clean) - total * math.log1p((a + b) / total)
    mixture += (
        (a - 0.5) * math.log(failed + a) + (b - 0.5) * math.log(clean + b) - (a + b - 0.5) * math.log(total + a + b)
    )
    mixture += stirling_rest(failed + a) + stirling_rest(clean + b) - stirling_rest(total + a + b) + _HALF_LOG_TAU
    return -(mixture - (math.lgamma(a) - log_gamma_rise(b, a)))
