"""The worst query of a deployment that is far longer than its evaluation: extreme values of elicitation probabilities.

An elicitation probability is the probability of the unwanted behaviour on one query. Its score is -ln(-ln p), and the tail of the
scores is taken to be exponential (Jones et al., "Forecasting rare language model behaviors", 2025, arXiv 2502.16797). Best-of-N
sampling, the other power law of attacks, is here too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assent.forecast.checking import count, positive, probability
from assent.forecast.kernel import log_survival_counted
from assent.forecast.numerics import log_gamma_rise

FALSE_ALARMS = 0.05
"""How often `GumbelTail.caution` speaks although the tail is exponential as assumed."""


@dataclass(frozen=True)
class GumbelTail:
    """The fitted tail: among the scores of all queries, the share above psi is `exp(slope psi + intercept)`.

    Make it with `GumbelTail.fit`. It is a fit to a few extreme values: in 4,000 simulated evaluations of 1,000 Gumbel scores the forecast
    for 100,000 was off by a factor of 1.6 in the median, and too low in a third. A kind of query that the evaluation never met cannot
    show in it; `blind_spot` says how common such a kind may be.

    Attributes:
        slope: below 0.
        intercept: the logarithm of the share above score 0, that is above probability 1/e.
        evaluated: queries of the evaluation.
        top: how many of the largest were fitted.
        caution: a sentence where the top scores do not look like one exponential tail, otherwise None.

    Raises:
        ValueError: `slope` is not below 0, a number is not finite, or `evaluated < top`.
    """

    slope: float
    intercept: float
    evaluated: int
    top: int
    caution: str | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and self.slope < 0):
            raise ValueError(f"The slope is {self.slope!r}; it must be below 0: larger scores are rarer.")
        if not math.isfinite(self.intercept):
            raise ValueError(f"The intercept is {self.intercept!r}; it must be finite.")
        _check_sizes(self.evaluated, self.top)

    @classmethod
    def fit(cls, p_top: Sequence[float] | NDArray[np.float64], *, evaluated: int, top: int = 10) -> GumbelTail:
        """The tail through the `top` largest elicitation probabilities of an evaluation.

        Ordinary least squares of ln(j / evaluated) on the j-th largest score (Jones et al., 2025).

        Args:
            p_top: the largest elicitation probabilities, or all of them, in any order, each strictly between 0 and 1.
            evaluated: how many queries there were, those left out of `p_top` counted.
            top: how many of the largest to fit, from 3.

        Raises:
            ValueError: a probability is outside (0, 1); there are fewer than `top` or more than `evaluated` of them; all of the top are
                equal; `top < 3` or `evaluated < top`.

        >>> tail = GumbelTail.fit([.02, .012, .008, .0061, .005, .0043, .0037, .0033, .0029, .0026], evaluated=1000)
        >>> round(tail.slope, 4), round(tail.intercept, 4), tail.caution
        (-5.4671, -14.3808, None)
        """
        _check_sizes(evaluated, top)
        values = [probability("elicitation probability", value) for value in p_top]
        if not top <= len(values) <= evaluated:
            raise ValueError(
                f"There are {len(values)} elicitation probabilities; give at least the {top} largest (top={top}) and at most one for each "
                f"of the {evaluated} queries evaluated."
            )
        scores = np.asarray([-math.log(-math.log(value)) for value in sorted(values, reverse=True)[:top]])
        from_mean = scores - scores.mean()
        spread = float(from_mean @ from_mean)
        if scores[0] == scores[-1] or spread == 0:
            raise ValueError(
                f"The {top} largest elicitation probabilities are all {max(values)!r}; a tail needs values that differ."
            )
        log_share = np.log(np.arange(1, top + 1) / evaluated)
        slope = float(from_mean @ log_share) / spread
        return cls(slope, float(log_share.mean() - slope * scores.mean()), evaluated, top, _caution(scores))

    def worst(self, n: float) -> float:
        """The elicitation probability, in [0, 1], that on average one of `n` queries exceeds; n may lie below `evaluated`.

        Raises:
            ValueError: `n` is not above 0, or not finite.

        >>> round(GumbelTail(-5.467119, -14.380824, evaluated=1000, top=10).worst(1e5), 5)
        0.18457
        """
        score = -(math.log(positive("number of queries n", n)) + self.intercept) / self.slope
        return math.exp(-math.exp(-score)) if score > -700 else 0.0

    def exceeds(self, level: float, n: float) -> float:
        """The chance, in [0, 1], that at least one of `n` queries has an elicitation probability above `level`.

        Below the score at which the fitted share reaches 1, the share is taken to be 1.

        Raises:
            ValueError: `level` is outside (0, 1), or `n` is negative or not finite.

        >>> round(GumbelTail(-5.467119, -14.380824, evaluated=1000, top=10).exceeds(0.5, 1e5), 6)
        0.007631
        """
        log_share = self.slope * -math.log(-math.log(probability("level", level))) + self.intercept
        queries = count("number of queries n", n)
        if queries == 0:
            return 0.0
        return -math.expm1(queries * math.log1p(-math.exp(log_share))) if log_share < 0 else 1.0

    def blind_spot(self, *, delta: float = 0.05) -> float:
        """The share of queries, in (0, 1), below which a kind of query can be missing from the evaluation with probability > delta.

        `1 - delta ** (1 / evaluated)`. Nothing in the forecast speaks for such kinds, and a long deployment meets them.

        Raises:
            ValueError: `delta` is outside (0, 1).

        >>> round(GumbelTail(-5.5, -14.4, evaluated=1000, top=10).blind_spot(), 6)
        0.002991
        """
        return -math.expm1(math.log(probability("risk delta", delta)) / self.evaluated)


def best_of(n: float, *, alpha: float, beta: float) -> float:
    """The probability, in [0, 1], that at least one of `n` tries succeeds, the chance of one being Beta(alpha, beta) over queries.

    `1 - B(alpha, beta + n) / B(alpha, beta)`: the attack success rate at N samples ("SABER", 2026, arXiv 2601.22636).

    Raises:
        ValueError: `n` is negative, `alpha` or `beta` is not above 0, or a number is not finite.

    >>> round(best_of(1000, alpha=0.5, beta=50), 6)
    0.782301
    """
    tries = count("number of tries n", n)
    return -math.expm1(
        float(log_survival_counted(positive("shape alpha", alpha), positive("shape beta", beta), 0.0, tries))
    )


def best_of_asymptotic(n: float, *, alpha: float, beta: float) -> float:
    """`best_of` for many tries, `1 - Gamma(alpha + beta) / Gamma(beta) n ** -alpha`: a power law; below 0 where tries are few.

    Raises:
        ValueError: `n`, `alpha` or `beta` is not above 0, or not finite.

    >>> round(best_of_asymptotic(1000, alpha=0.5, beta=50), 6)
    0.776952
    """
    tries, shape = positive("number of tries n", n), positive("shape alpha", alpha)
    log_left = log_gamma_rise(positive("shape beta", beta), shape) - shape * math.log(tries)
    return -math.expm1(log_left) if log_left < 700 else -math.inf


def _check_sizes(evaluated: int, top: int) -> None:
    if top < 3:
        raise ValueError(f"The number of top values is {top!r}; it must be at least 3: two always lie on a line.")
    if evaluated < top:
        raise ValueError(
            f"The number of queries evaluated is {evaluated!r}; it must be at least the {top} that are fitted."
        )


def _caution(scores: NDArray[np.float64]) -> str | None:
    """A sentence where one gap between the top scores (descending) is too wide for one exponential tail, at the rate FALSE_ALARMS.

    In such a tail the gaps, the j-th times j, are independent and equally exponential (Renyi, "On the theory of order statistics",
    1953), so the largest one's share of their sum has a known distribution whatever the slope.
    """
    spacings = np.arange(1, len(scores)) * (scores[:-1] - scores[1:])
    share = float(spacings.max() / spacings.sum())
    chance = _largest_share_exceeds(share, len(spacings))
    if chance > FALSE_ALARMS:
        return None
    above = int(spacings.argmax()) + 1
    those = "largest of the top {} scores lies" if above == 1 else f"{above} largest of the top {{}} scores lie"
    return (
        f"The evaluation may miss a mode: the {those.format(len(scores))} apart from the rest, by a gap as wide as one exponential tail "
        f"shows with probability {chance:.2g}. A rare kind of query may decide the worst case, and this forecast may be far too low; "
        "look at those queries, and evaluate more of their kind."
    )


def _largest_share_exceeds(share: float, parts: int) -> float:
    """P(the largest of `parts` exponential variables is more than `share` of their sum); Fisher, "Tests of significance in harmonic
    analysis", 1929.
    """
    terms = (
        (-1) ** (i - 1) * math.comb(parts, i) * max(1 - i * share, 0.0) ** (parts - 1) for i in range(1, parts + 1)
    )
    return min(max(math.fsum(terms), 0.0), 1.0)
