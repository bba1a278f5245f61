"""What is believed of a chance of success before and after failed trials: two numbers, and the law that follows from them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assent.forecast.exact import Numeric, rational, short, written
from assent.forecast.kernel import Floats, exact_survival, log_survival_counted, log_survival_effort


class Prior(ABC):
    """A belief that failures weaken: log-survival, mean, and what is left of it after evidence."""

    @property
    @abstractmethod
    def alpha(self) -> Fraction:
        """Virtual successes."""

    @abstractmethod
    def log_survival(self, effort: ArrayLike, more: ArrayLike) -> Floats:
        """ln P(no success in `more` further effort | none in `effort`)."""

    @abstractmethod
    def exact_survival(self, effort: Fraction, more: Fraction) -> Fraction | None:
        """The survival as a fraction where it is rational, else None."""

    @abstractmethod
    def mean(self, effort: float) -> float:
        """Expected chance of success in the next unit of effort after so much without one."""

    @abstractmethod
    def said(self) -> str:
        """The belief in words."""

    @abstractmethod
    def inputs(self) -> dict[str, Any]:
        """The numbers that were chosen, as JSON values."""


@dataclass(frozen=True, init=False)
class BetaPrior(Prior):
    """A Beta belief about the chance of success in one trial.

    Davidson, "Semi-informative priors over AI timelines", Open Philanthropy 2021, appendix 10.2: `alpha` virtual successes and
    `alpha / ftp - alpha` virtual failures, so that the first trial succeeds with probability `ftp` and the chance after n failures is
    `1 / (1/ftp + n/alpha)`.

    Args:
        ftp: first-trial probability, in (0, 1): a number or a text like `1/300`.
        virtual_successes: how firmly it is believed, > 0; 1 is the report's choice, 1/2 Jeffreys'.

    Raises:
        ValueError: a number outside its range. Nothing is clipped.

    >>> prior = BetaPrior("1/300")
    >>> float(prior.beta), prior.mean(64)
    (299.0, 0.0027472527472527475)
    """

    ftp: Fraction
    virtual_successes: Fraction

    def __init__(self, ftp: Numeric, virtual_successes: Numeric = 1) -> None:
        first, alpha = rational("first-trial probability", ftp), rational("virtual successes", virtual_successes)
        if not 0 < first < 1:
            raise ValueError(
                f"The first-trial probability is {ftp}; it must lie strictly between 0 and 1, such as 1/300. For an event that "
                "cannot happen there is the kind impossible."
            )
        if alpha <= 0:
            raise ValueError(f"The virtual successes are {virtual_successes}; they must be above 0, such as 1 or 1/2.")
        object.__setattr__(self, "ftp", first)
        object.__setattr__(self, "virtual_successes", alpha)

    @staticmethod
    def of(alpha: Numeric, beta: Numeric) -> BetaPrior:
        """The same from virtual successes and failures: Laplace `of(1, 1)`, Jeffreys `of("1/2", "1/2")`."""
        a, b = rational("virtual successes", alpha), rational("virtual failures", beta)
        if b <= 0:
            raise ValueError(f"The virtual failures are {beta}; they must be above 0.")
        return BetaPrior(a / (a + b) if a > 0 else Fraction(1, 2), a)

    @property
    def alpha(self) -> Fraction:
        return self.virtual_successes

    @property
    def beta(self) -> Fraction:
        """Virtual failures."""
        return self.alpha / self.ftp - self.alpha

    def log_survival(self, effort: ArrayLike, more: ArrayLike) -> Floats:
        return log_survival_counted(float(self.alpha), float(self.beta), effort, more)

    def exact_survival(self, effort: Fraction, more: Fraction) -> Fraction | None:
        if self.alpha == 1:
            return exact_survival(self.beta, effort, more)
        return None

    def mean(self, effort: float) -> float:
        return float(self.alpha) / (float(self.alpha) + float(self.beta) + effort)

    def after(self, trials: Numeric, successes: Numeric = 0) -> BetaPrior:
        """The belief after `trials`, `successes` of them successes.

        Raises:
            ValueError: more successes than trials, or a negative count.

        >>> BetaPrior("1/100").after(50).ftp
        Fraction(1, 150)
        """
        n, k = rational("trials", trials), rational("successes", successes)
        if n < 0 or k < 0 or k > n:
            raise ValueError(f"There were {k} successes in {n} trials; give 0 <= successes <= trials.")
        return BetaPrior.of(self.alpha + k, self.beta + n - k)

    def continuous(self) -> Lomax:
        """The same first-trial probability, with effort that may be divided: equal at whole trials where alpha is 1."""
        if self.alpha == 1:
            return Lomax(tau=self.beta)
        ftp = float(self.ftp)
        return Lomax(tau=1.0 / math.expm1(-math.log1p(-ftp) / float(self.alpha)), virtual_successes=self.alpha)

    def said(self) -> str:
        ftp = written(self.ftp) or short(float(self.ftp))
        return f"first-trial probability {ftp}, {_successes(self.alpha)} ({short(float(self.beta))} virtual failures)"

    def inputs(self) -> dict[str, Any]:
        return {"ftp": _plain(self.ftp), "virtual_successes": _plain(self.alpha)}


@dataclass(frozen=True, init=False)
class Lomax(Prior):
    """A Gamma belief about the hazard per unit of effort: survival `(tau / (tau + x)) ** alpha`.

    Args:
        tau: virtual effort without success, in the unit of the effort, >= 0.
        virtual_successes: alpha, > 0.

    Raises:
        ValueError: a number outside its range.

    >>> import numpy as np
    >>> round(float(-np.expm1(Lomax(tau=100).log_survival(0, 10))), 6)      # T = 100 without an event: 10 more (Epoch's Laplace rule)
    0.090909
    """

    tau: Fraction
    virtual_successes: Fraction

    def __init__(self, tau: Numeric, virtual_successes: Numeric = 1) -> None:
        effort, alpha = rational("virtual effort", tau), rational("virtual successes", virtual_successes)
        if effort < 0:
            raise ValueError(f"The virtual effort tau is {tau}; it must not be below 0.")
        if alpha <= 0:
            raise ValueError(f"The virtual successes are {virtual_successes}; they must be above 0, such as 1 or 1/2.")
        object.__setattr__(self, "tau", effort)
        object.__setattr__(self, "virtual_successes", alpha)

    @property
    def alpha(self) -> Fraction:
        return self.virtual_successes

    def log_survival(self, effort: ArrayLike, more: ArrayLike) -> Floats:
        if self.tau == 0 and not np.all(np.asarray(effort) > 0):
            raise ValueError(
                "With virtual effort 0 there is no scale but what was tried, and nothing was tried yet: give a later none_by, or a tau "
                "above 0."
            )
        return log_survival_effort(float(self.alpha), float(self.tau), effort, more)

    def exact_survival(self, effort: Fraction, more: Fraction) -> Fraction | None:
        tau = self.tau
        if self.alpha.denominator == 1 and self.alpha <= 8 and tau + effort > 0:
            return ((tau + effort) / (tau + effort + more)) ** int(self.alpha)
        return None

    def mean(self, effort: float) -> float:
        return float(self.alpha) / (float(self.tau) + effort)

    def after(self, effort: Numeric, successes: Numeric = 0) -> Lomax:
        """The belief after so much effort, in which there were `successes`.

        >>> Lomax(tau=0, virtual_successes=1).after(100, 2).virtual_successes
        Fraction(3, 1)
        """
        x, k = rational("effort", effort), rational("successes", successes)
        if x < 0 or k < 0:
            raise ValueError(f"There were {k} successes in {x} of effort; neither may be below 0.")
        return Lomax(self.tau + x, self.alpha + k)

    def said(self) -> str:
        return f"virtual effort {short(float(rational('tau', self.tau)))}, {_successes(self.alpha)}"

    def inputs(self) -> dict[str, Any]:
        return {"tau": _plain(self.tau), "virtual_successes": _plain(self.alpha)}


def _successes(alpha: Fraction) -> str:
    return f"{written(alpha) or short(float(alpha))} virtual success{'' if alpha == 1 else 'es'}"


def _plain(value: Fraction) -> str | float:
    return written(value) or float(value)
