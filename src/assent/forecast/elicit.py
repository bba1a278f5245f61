"""From a judgement or two to a belief: "25 % within 100 years" is a prior, and some pairs of judgements are none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from assent.forecast.exact import Numeric, percent, rational, short
from assent.forecast.kernel import log_survival_counted
from assent.forecast.prior import BetaPrior

_LEAST_ALPHA, _MOST_ALPHA = 1e-6, 1e9
_LEAST_BETA, _MOST_BETA = 1e-290, 1e18


class NotExpressible(ValueError):
    """No belief of this family has these two judgements.

    Attributes:
        band: open interval in which the second probability would have to lie, given the first.
    """

    def __init__(self, sentence: str, band: tuple[float, float]) -> None:
        super().__init__(sentence)
        self.band = band


def elicit(judgements: Mapping[Numeric, Numeric], *, virtual_successes: Numeric | None = None) -> BetaPrior:
    """The belief under which the first success comes within N trials with probability F, for one pair N: F or two.

    One judgement leaves the virtual successes open: 1, or as given. Two fix both numbers. The family is Davidson's (2021, appendix 10.2);
    a pair fits it iff `1 < ln(1 - F2) / ln(1 - F1) < N2 / N1`: the upper end is a chance known for sure, the lower end one with no chance
    at all for those who have waited a little.

    Args:
        judgements: trials before any success, > 0, and the probability of one among them, in (0, 1).
        virtual_successes: only with one judgement.

    Raises:
        NotExpressible: a pair outside of the band, with the band.
        ValueError: no judgement or more than two, or a number outside its range.

    >>> elicit({20: "25 %"}).ftp                       # the report's example: beta = 20 * 0.75 / 0.25
    Fraction(1, 61)
    >>> belief = elicit({50: "50/349", 100: "100/399"})
    >>> round(float(belief.alpha), 9), round(float(belief.beta), 6)
    (1.0, 299.0)
    """
    read = sorted((rational("number of trials", n), rational("probability", f)) for n, f in judgements.items())
    for n, f in read:
        if n <= 0 or not 0 < f < 1:
            raise ValueError(
                f"The judgement says {percent(float(f))} within {short(float(n))} trials; trials must be above 0, and the probability "
                "strictly between 0 and 1."
            )
    if len(read) == 1:
        return _from_one(*read[0], rational("virtual successes", 1 if virtual_successes is None else virtual_successes))
    if len(read) != 2:
        raise ValueError(
            f"There are {len(read)} judgements; give one or two. A belief with two numbers cannot follow more."
        )
    if virtual_successes is not None:
        raise ValueError("Two judgements fix the virtual successes; leave them out, or give one judgement.")
    return _from_two(*read[0], *read[1])


def _from_one(n: Fraction, f: Fraction, alpha: Fraction) -> BetaPrior:
    if alpha == 1:
        return BetaPrior.of(1, n * (1 - f) / f)
    BetaPrior("1/2", alpha)  # refuses what is no number of virtual successes
    return BetaPrior.of(alpha, _beta_of(float(alpha), float(n), float(f)))


def _from_two(n1: Fraction, f1: Fraction, n2: Fraction, f2: Fraction) -> BetaPrior:
    ends = float(f1), float(-math.expm1(float(n2 / n1) * math.log1p(-float(f1))))
    if not ends[0] < f2 < ends[1]:
        steep = f2 >= ends[1]
        raise NotExpressible(
            f"{percent(float(f1))} within {short(float(n1))} trials and {percent(float(f2))} within {short(float(n2))} fit no such belief: "
            f"after the first, the second must lie strictly between {100 * ends[0]:.6g} % and {100 * ends[1]:.6g} %. "
            + (
                "At or above that the chance of a trial would have to be known or to rise: use an end point (Even) or effort that grows."
                if steep
                else "At or below that nothing could happen after the first stretch: add Impossible() to a mixture."
            ),
            ends,
        )
    n_1, f_1, n_2, aim = float(n1), float(f1), float(n2), math.log1p(-float(f2))

    def excess(log_alpha: float) -> float:
        alpha = math.exp(log_alpha)
        return aim - float(log_survival_counted(alpha, _beta_of(alpha, n_1, f_1), 0.0, n_2))

    log_alpha = bracketed_root(excess, 0.0, math.log(_LEAST_ALPHA), math.log(_MOST_ALPHA))
    if log_alpha is None:
        raise NotExpressible(
            f"{percent(float(f1))} within {short(n_1)} trials and {percent(float(f2))} within {short(n_2)} lie so close to the end of what "
            f"this family can say ({100 * ends[0]:.6g} % to {100 * ends[1]:.6g} %) that no virtual successes from {_LEAST_ALPHA:g} to "
            f"{_MOST_ALPHA:g} give it.",
            ends,
        )
    alpha = math.exp(log_alpha)
    return BetaPrior.of(alpha, _beta_of(alpha, n_1, f_1))


def _beta_of(alpha: float, n: float, f: float) -> float:
    aim = math.log1p(-f)
    growth = -aim / alpha
    # the divisible law's virtual effort is close to it
    guess = math.log(n) - (growth + math.log(-math.expm1(-growth)))
    found = bracketed_root(
        lambda log_beta: float(log_survival_counted(alpha, math.exp(log_beta), 0.0, n)) - aim,
        min(max(guess, math.log(_LEAST_BETA)), math.log(_MOST_BETA)),
        math.log(_LEAST_BETA),
        math.log(_MOST_BETA),
    )
    if found is None:
        raise ValueError(
            f"{percent(f)} within {short(n)} trials with {alpha:.3g} virtual successes needs virtual failures outside of "
            f"{_LEAST_BETA:g} to {_MOST_BETA:g}; give a probability further from 0 and 1."
        )
    return math.exp(found)


def bracketed_root(function: Callable[[float], float], guess: float, least: float, most: float) -> float | None:
    """The root of a continuous rising function in [least, most], looked for around `guess` first; None where there is none.

    >>> round(bracketed_root(lambda x: x - 3.0, 0.0, -10.0, 10.0), 12)
    3.0
    """
    low = high = guess
    step = 0.5
    while function(low) > 0:
        if low <= least:
            return None
        low, high, step = max(low - step, least), low, 2 * step
    while function(high) < 0:
        if high >= most:
            return None
        low, high, step = high, min(high + step, most), 2 * step
    return root(function, low, high)


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a continuous rising function is 0 between `low` and `high`, to rounding (Ridders, "A new algorithm", 1979).

    Raises:
        ValueError: it has the same sign at both ends.

    >>> round(root(lambda x: x * x - 2, 0.0, 2.0), 12)
    1.414213562373
    """
    at_low, at_high = function(low), function(high)
    if at_low > 0 or at_high < 0:
        raise ValueError(
            f"The numbers lie outside of what can be computed: {at_low:.3g} at {low:.6g}, {at_high:.3g} at {high:.6g}."
        )
    for _ in range(200):
        middle = low + (high - low) / 2
        if not low < middle < high:
            break
        value = function(middle)
        if value == 0:
            return middle
        scale = math.sqrt(value * value - at_low * at_high)
        place = middle - (middle - low) * value / scale if scale > 0 else middle
        low, high, at_low, at_high = (low, middle, at_low, value) if value > 0 else (middle, high, value, at_high)
        if low < place < high:
            value = function(place)
            if value == 0:
                return place
            low, high, at_low, at_high = (low, place, at_low, value) if value > 0 else (place, high, value, at_high)
        if high - low <= 4e-16 * max(abs(low), abs(high)):
            break
    return low + (high - low) / 2
