"""Every formula by name, from numbers as people write them: what the command line's `calculate` and the JSON layer call."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from assent.forecast import bounds, conservative, score, unseen
from assent.forecast.elicit import elicit as elicit_prior
from assent.forecast.exact import Numeric, rational, written
from assent.forecast.prior import BetaPrior, Lomax
from assent.forecast.tail import GumbelTail, best_of, best_of_asymptotic

Value = float | str | None | list[float]


def counted(
    *, n: Numeric, m: Numeric, ftp: Numeric | None = None, virtual_successes: Numeric = 1, beta: Numeric | None = None
) -> dict[str, Value]:
    """P(a success within m further trials | n failed), for a first-trial probability or virtual failures `beta`."""
    prior = _beta_prior(ftp, virtual_successes, beta)
    trials, more = _count("n", n), _count("m", m)
    survival = prior.exact_survival(trials, more)
    log_survival = float(prior.log_survival(float(trials), float(more)))
    probability = -math.expm1(log_survival) if survival is None else float(1 - survival)
    return {
        "probability": probability,
        "fraction": None if survival is None else written(1 - survival),
        "survival": math.exp(log_survival),
        "next_trial": prior.mean(float(trials)),
    }


def known_chance(*, p: Numeric, m: Numeric) -> dict[str, Value]:
    """P(a success within m trials) where each succeeds with the known chance p: the limit of ever more virtual successes."""
    chance = _open("p", p)
    return {"probability": -math.expm1(float(_count("m", m)) * math.log1p(-chance))}


def divided(
    *, tau: Numeric, x: Numeric, more: Numeric, virtual_successes: Numeric = 1, events: Numeric = 0
) -> dict[str, Value]:
    """P(an event within `more` further effort | `events` in x), virtual effort tau without one: Lomax; tau 0 is the scale-free rule."""
    prior = Lomax(tau, virtual_successes).after(x, events)
    further = _count("more", more)
    if prior.tau == 0:
        raise ValueError(
            "Neither effort so far nor virtual effort: with tau 0 give x above 0, or nothing is known of the scale."
        )
    return {"probability": float(-np.expm1(prior.log_survival(0.0, float(further))))}


def elicit(*, judgements: Any, virtual_successes: Numeric | None = None) -> dict[str, Value]:
    """One or two judgements, each a number of trials and a probability (`50: 50/349, 100: 100/399`), to a first-trial probability."""
    prior = elicit_prior(_pairs("judgements", judgements), virtual_successes=virtual_successes)
    return {
        "ftp": float(prior.ftp),
        "fraction": written(prior.ftp),
        "virtual_successes": float(prior.alpha),
        "beta": float(prior.beta),
    }


def exact_bound(*, n: Numeric, failures: Numeric = 0, delta: Numeric = "5 %") -> dict[str, Value]:
    """Upper bound on the chance of failure that n checked decisions allow: valid at every look while there is no failure."""
    total, failed, risk = _numbers(n=n, failures=failures, delta=delta)
    return {
        "upper": bounds.exact_upper(total, failed, delta=risk),
        "rule_of_three": 1.0 if total == 0 else min(-math.log(risk) / total, 1.0),
    }


def clean_needed(*, p: Numeric, delta: Numeric = "5 %") -> dict[str, Value]:
    """How many clean decisions bring the exact bound to p."""
    chance, risk = _open("p", p), _open("delta", delta)
    return {"decisions": float(bounds.clean_needed(chance, delta=risk)), "real": math.log(risk) / math.log1p(-chance)}


def credible_bound(
    *,
    n: Numeric,
    failures: Numeric = 0,
    delta: Numeric = "5 %",
    ftp: Numeric | None = None,
    virtual_successes: Numeric = 1,
    beta: Numeric | None = None,
) -> dict[str, Value]:
    """Upper credible bound of a Beta belief: a statement of belief, not a guarantee. Jeffreys: virtual_successes 1/2, beta 1/2."""
    total, failed, risk = _numbers(n=n, failures=failures, delta=delta)
    prior = _beta_prior(ftp, virtual_successes, beta)
    return {
        "upper": bounds.credible_upper(
            total, failed, ftp=float(prior.ftp), virtual_successes=float(prior.alpha), delta=risk
        )
    }


def confidence_sequence(
    *, n: Numeric, failures: Numeric = 0, delta: Numeric = "5 %", a: Numeric = "1/2", b: Numeric = "1/2"
) -> dict[str, Value]:
    """Upper bound that holds at every n at once, however often one looks and whatever has failed."""
    total, failed, risk, one, other = _numbers(n=n, failures=failures, delta=delta, a=a, b=b)
    return {"upper": bounds.confidence_sequence_upper(total, failed, delta=risk, a=one, b=other)}


def clean_needed_belief(
    *, risk: Numeric, over: Numeric, ftp: Numeric, virtual_successes: Numeric = 1
) -> dict[str, Value]:
    """Clean decisions until a Beta belief puts the chance of a failure in the next `over` at `risk`."""
    prior = BetaPrior(ftp, virtual_successes)
    wanted, ahead = _open("risk", risk), float(_count("over", over))
    return {
        "decisions": bounds.clean_needed_bayes(
            wanted, ahead, ftp=float(prior.ftp), virtual_successes=float(prior.alpha)
        )
    }


def clean_needed_scale_free(
    *, risk: Numeric, over: Numeric, alpha: Numeric = "1/2", tau: Numeric = 0
) -> dict[str, Value]:
    """The same in divisible effort: Lomax, with tau 0 scale-free."""
    wanted, ahead, a, t = _numbers(risk=risk, over=over, alpha=alpha, tau=tau)
    return {"decisions": bounds.clean_needed_lomax(wanted, ahead, alpha=a, tau=t)}


def conservative_confidence_(*, n: Numeric, theta: Numeric, epsilon: Numeric, p: Numeric) -> dict[str, Value]:
    """Least probability that the chance of failure is at most p, over every prior that puts at least theta on at most epsilon."""
    total, share, small, chance = _numbers(n=n, theta=theta, epsilon=epsilon, p=p)
    return {"confidence": conservative.conservative_confidence(total, theta=share, epsilon=small, p=chance)}


def conservative_needed(*, confidence: Numeric, theta: Numeric, epsilon: Numeric, p: Numeric) -> dict[str, Value]:
    """Clean decisions until that least probability is `confidence`."""
    wanted, share, small, chance = _numbers(confidence=confidence, theta=theta, epsilon=epsilon, p=p)
    return {"decisions": conservative.conservative_needed(wanted, theta=share, epsilon=small, p=chance)}


def conservative_survival(*, n: Numeric, t: Numeric, theta: Numeric) -> dict[str, Value]:
    """Least chance of no failure in t more decisions after n clean ones, over every prior that puts theta on being perfect."""
    total, ahead, share = _numbers(n=n, t=t, theta=theta)
    survival, worst = conservative.conservative_survival(total, ahead, theta=share)
    return {"survival": survival, "worst_p": worst}


def conservative_mean(*, n: Numeric, theta: Numeric, epsilon: Numeric) -> dict[str, Value]:
    """Greatest expected chance of failure after n clean decisions, over every prior that puts theta on at most epsilon."""
    total, share, small = _numbers(n=n, theta=theta, epsilon=epsilon)
    return {"mean": conservative.conservative_mean(total, theta=share, epsilon=small)}


def pac_bayes(*, n: Numeric, kl: Numeric, loss: Numeric = 0, delta: Numeric = "5 %") -> dict[str, Value]:
    """Upper bound on the loss of a member drawn by posterior weight, whose posterior is `kl` nats from the prior."""
    total, nats, mean, risk = _numbers(n=n, kl=kl, loss=loss, delta=delta)
    return {"upper": bounds.pac_bayes_upper(total, mean, nats, delta=risk)}


def unseen_kinds(*, counts: Any, t: Numeric = 1, delta: Numeric = "5 %") -> dict[str, Value]:
    """From how often each kind was seen: how likely the next is of a new kind (Good-Turing, a bound), how many new in t times as many."""
    seen = [_whole("count of a kind", item) for item in _items("counts", counts)]
    ahead, risk = _numbers(t=t, delta=delta)
    return {
        "good_turing": unseen.good_turing(seen),
        "upper": unseen.missing_mass_upper(seen, delta=risk),
        "good_toulmin": unseen.good_toulmin(seen, ahead),
    }


def new_kinds(
    *, total: Numeric, over: Numeric, kinds: Numeric = 1, theta: Numeric = 1, sigma: Numeric = 0
) -> dict[str, Value]:
    """The same by a Pitman-Yor belief: the next of a new kind, and (sigma 0) how many new in `over`, and whether any."""
    seen, ahead, known, scale, discount = _numbers(total=total, over=over, kinds=kinds, theta=theta, sigma=sigma)
    found: dict[str, Value] = {"next_is_new": unseen.pitman_yor_new(seen, known, theta=scale, sigma=discount)}
    if discount == 0:
        found["expected_new"] = unseen.expected_new(seen, ahead, theta=scale)
        found["any_new"] = unseen.any_new(seen, ahead, theta=scale)
    return found


def gumbel_tail(
    *, probabilities: Any, evaluated: Numeric, n: Numeric, top: Numeric = 10, level: Numeric | None = None
) -> dict[str, Value]:
    """From the greatest elicitation probabilities of `evaluated` queries: the worst to expect among n."""
    values = [float(rational("elicitation probability", item)) for item in _items("probabilities", probabilities)]
    tail = GumbelTail.fit(values, evaluated=_whole("evaluated", evaluated), top=_whole("top", top))
    queries = float(_count("n", n))
    exceeds = None if level is None else tail.exceeds(_open("level", level), queries)
    return {
        "slope": tail.slope,
        "intercept": tail.intercept,
        "worst": tail.worst(queries),
        "exceeds": exceeds,
        "caution": tail.caution,
    }


def best_of_n(*, n: Numeric, alpha: Numeric, beta: Numeric) -> dict[str, Value]:
    """How likely the best of n attempts succeeds, the chance of one drawn from Beta(alpha, beta)."""
    attempts, a, b = _numbers(n=n, alpha=alpha, beta=beta)
    return {
        "probability": best_of(attempts, alpha=a, beta=b),
        "asymptotic": best_of_asymptotic(attempts, alpha=a, beta=b),
    }


def scores(*, p: Numeric, outcome: str, others: Any = None) -> dict[str, Value]:
    """Scores of one resolved forecast: Brier, log, Metaculus's baseline score, and its peer score against `others`."""
    probability = float(rational("p", p))
    if outcome not in ("yes", "no"):
        raise ValueError(f"The outcome is {outcome!r}; it must be yes or no. What is ambiguous has no score.")
    happened = outcome == "yes"
    peers = (
        None
        if others is None
        else [float(rational("probability of another", item)) for item in _items("others", others)]
    )
    return {
        "brier": score.brier(probability, happened),
        "log": score.log_score(probability, happened),
        "baseline": score.baseline_score(probability, happened),
        "peer": None if peers is None else score.peer_score(probability, happened, peers),
    }


CALCULATORS: Mapping[str, Callable[..., dict[str, Value]]] = {
    "counted": counted,
    "known-chance": known_chance,
    "divided": divided,
    "elicit": elicit,
    "exact-bound": exact_bound,
    "clean-needed": clean_needed,
    "credible-bound": credible_bound,
    "confidence-sequence": confidence_sequence,
    "clean-needed-belief": clean_needed_belief,
    "clean-needed-scale-free": clean_needed_scale_free,
    "conservative-confidence": conservative_confidence_,
    "conservative-needed": conservative_needed,
    "conservative-survival": conservative_survival,
    "conservative-mean": conservative_mean,
    "pac-bayes": pac_bayes,
    "unseen-kinds": unseen_kinds,
    "new-kinds": new_kinds,
    "gumbel-tail": gumbel_tail,
    "best-of": best_of_n,
    "scores": scores,
}
"""Formulas by the name that the command line and addresses use."""


def calculate(name: str, inputs: Mapping[str, Any]) -> dict[str, Value]:
    """What the formula of that name says.

    Raises:
        ValueError: an unknown formula or input, one that is missing, or a number outside its range.

    >>> calculate("exact-bound", {"n": "1,000"})["upper"]
    0.002991249...
    """
    if name not in CALCULATORS:
        raise ValueError(f"There is no formula {name!r}; give one of {', '.join(CALCULATORS)}.")
    known = inspect.signature(CALCULATORS[name]).parameters
    unknown = [key for key in inputs if key not in known]
    missing = [key for key, one in known.items() if one.default is inspect.Parameter.empty and key not in inputs]
    if unknown or missing:
        raise ValueError(
            f"The formula {name} takes {', '.join(known)}; "
            + "; ".join(
                [
                    *([f"unknown: {', '.join(unknown)}"] if unknown else []),
                    *([f"missing: {', '.join(missing)}"] if missing else []),
                ]
            )
            + "."
        )
    return CALCULATORS[name](**inputs)


def _beta_prior(ftp: Numeric | None, virtual_successes: Numeric, beta: Numeric | None) -> BetaPrior:
    if (ftp is None) == (beta is None):
        raise ValueError("Give ftp, the chance of the first trial, or beta, the virtual failures: exactly one of them.")
    return (
        BetaPrior(ftp, virtual_successes)
        if ftp is not None
        else BetaPrior.of(virtual_successes, beta if beta is not None else 1)
    )


def _numbers(**values: Numeric) -> list[float]:
    return [float(rational(name, value)) for name, value in values.items()]


def _count(name: str, value: Numeric) -> Fraction:
    number = rational(name, value)
    if number < 0:
        raise ValueError(f"The {name} is {value}; it must not be below 0.")
    return number


def _whole(name: str, value: Numeric) -> int:
    number = rational(name, value)
    if number.denominator != 1:
        raise ValueError(f"The {name} is {value}; it must be a whole number.")
    return int(number)


def _open(name: str, value: Numeric) -> float:
    number = float(rational(name, value))
    if not 0 < number < 1:
        raise ValueError(f"The {name} is {value}; it must lie strictly between 0 and 1.")
    return number


def _items(name: str, value: Any) -> list[Any]:
    items = value.split(",") if isinstance(value, str) else list(value)
    if not items:
        raise ValueError(f"There are no {name}; give them with commas between.")
    return items


def _pairs(name: str, value: Any) -> dict[Numeric, Numeric]:
    if isinstance(value, Mapping):
        return dict(value)
    pairs = [item.split(":") for item in _items(name, value)]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(
            f"The {name} are {value!r}; give trials and probability with a colon between, as in 50: 14 %, 100: 25 %."
        )
    found: dict[Numeric, Numeric] = {rational("number of trials", n): rational("probability", f) for n, f in pairs}
    if len(found) < len(pairs):
        raise ValueError(f"The {name} are {value!r}; give each number of trials once.")
    return found
