"""How often all members of a committee are wrong at once, also of committees larger than the one that was measured. NumPy and SciPy.

At each test point every member errs with the same chance q, independently of the others; over points, q is drawn from Beta(a, b), and at a
share `pi_1` of them it is 1: there nobody is right, however many are asked. So how many of N members err at a point is beta-binomial with
an extra mass at N (Skellam, "A probability distribution derived from the binomial distribution by regarding the probability of success as
variable between the sets of trials", 1948). Then N members, all of whom must approve, are worth about `b ln N / ln(1 / p)` independent
ones, p the chance that one errs, and never more than `ln pi_1 / ln p`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, chi2

from assent.committees._beta_binomial import LARGEST, SMALLEST, likeliest, log_all, log_chances
from assent.forecast.numerics import log_gamma_rise

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NEAR_AN_END = 10.0
"""Errors of independent members make the likelihood level off, so that a search may stop before the end."""

SURE = 0.95
BAND = (0.025, 0.975)


@dataclass(frozen=True)
class ErrorMixture:
    """Beta(a, b) over the chance that a member errs at a point, and a mass `pi_1` of points where all do.

    Attributes:
        a, b: from 1e-4 to 1e6.
        pi_1: 0 to below 1; 0 where no more points are got wrong by all than Beta(a, b) accounts for.
        log_likelihood: of how many err at each point, in nats.
        members, points: of the table that was fitted.
        all_wrong_seen: how many of its points all members got wrong.
        edges: those of "a" and "b" that came to within a factor of ten of an end of what is tried. Where one is large, errors are as unlike
            as those of independent members, or more so, which no such mixture can say.
    """

    a: float
    b: float
    pi_1: float
    log_likelihood: float
    members: int
    points: int
    all_wrong_seen: int
    edges: tuple[str, ...]

    @property
    def error(self) -> float:
        """The chance that one member errs, above 0 and below 1."""
        return float(self.all_wrong(1))

    def chances(self) -> Floats:
        """float64 [members + 1]: the chances that 0, 1, ... all of `members` err at a point; their sum is 1."""
        rows = np.exp(log_chances(self.a, self.b, self.members))
        rows *= 1.0 - self.pi_1
        rows[-1] += self.pi_1
        return rows

    def log_all_wrong(self, n: ArrayLike) -> Floats:
        """The logarithm of the chance that n members are all wrong at a point, of the shape of n; n from 1, also beyond `members`."""
        sizes = _sizes(n)
        return np.asarray(np.logaddexp(_log(self.pi_1), math.log1p(-self.pi_1) + log_all(self.a, self.b, sizes)))

    def all_wrong(self, n: ArrayLike) -> Floats:
        """The chance that n members are all wrong at a point, of the shape of n."""
        return np.asarray(np.exp(self.log_all_wrong(n)))

    def n_eff_cap(self, n: ArrayLike) -> Floats:
        """How many independent members would all be wrong as often as n of these, of the shape of n; 1 for one, and rising."""
        return np.asarray(self.log_all_wrong(n) / self.log_all_wrong(1))

    def n_eff_law(self, n: ArrayLike) -> Floats:
        """What `n_eff_cap` comes to for large n; without a mass, a line in ln n.

        `ln(pi_1 + (1 - pi_1) Gamma(a + b) / Gamma(a) n^-b) / ln p`, of the shape of n; of no use where n is not large beside a + b.
        """
        line = log_gamma_rise(self.a, self.b) - self.b * np.log(_sizes(n))
        return np.asarray(np.logaddexp(_log(self.pi_1), math.log1p(-self.pi_1) + line) / self.log_all_wrong(1))

    @property
    def per_doubling(self) -> float:
        """`b ln 2 / ln(1 / p)`: what twice as many members add to `n_eff_cap`, for large n and while it is far from the ceiling."""
        return float(-self.b * math.log(2.0) / self.log_all_wrong(1))

    @property
    def ceiling(self) -> float | None:
        """`ln pi_1 / ln p`, which `n_eff_cap` never passes; None where no mass was found, but see `ceiling_at_least`."""
        return float(math.log(self.pi_1) / self.log_all_wrong(1)) if self.pi_1 > 0 else None

    @property
    def ceiling_at_least(self) -> float:
        """What the ceiling is at least, at 95 %: a mass is at most the share of points that all N members get wrong.

        That share is bounded by Clopper and Pearson, "The use of confidence or fiducial limits", 1934; where it was never seen at T points,
        by `1 - 0.05^(1/T)`, about 3 / T. At least 1, and finite.
        """
        most = float(beta.ppf(SURE, self.all_wrong_seen + 1, self.points - self.all_wrong_seen))
        return max(1.0, float(math.log(most) / self.log_all_wrong(1)))


@dataclass(frozen=True)
class PointMassTest:
    """Whether there are more points that all members get wrong than a Beta distribution accounts for.

    Attributes:
        statistic: twice what the mass adds to the log-likelihood, in nats, at least 0.
        p_value: of no mass; where there is none, the statistic is 0 half of the time and chi-squared (1) otherwise (Self and Liang,
            "Asymptotic properties of maximum likelihood estimators and likelihood ratio tests under nonstandard conditions", 1987).
        without, with_mass: both fits.
    """

    statistic: float
    p_value: float
    without: ErrorMixture
    with_mass: ErrorMixture


@dataclass(frozen=True)
class MixtureBand:
    """95 % bands over resampled test points.

    Attributes:
        pi_1: its ends.
        ceiling: its ends; None for an end at which no mass was found, hence no ceiling.
        low, high: float64 of the shape of the sizes asked for, ends of the band of `n_eff_cap`.
        unfitted: resamples that held too little to fit, which are left out.
    """

    pi_1: tuple[float, float]
    ceiling: tuple[float | None, float | None]
    low: Floats
    high: Floats
    unfitted: int


def fit_mixture(errors: ArrayLike, *, point_mass: bool = True) -> ErrorMixture:
    """The mixture under which the errors are likeliest; deterministic.

    For given a and b the likeliest mass has a closed form (it makes the share of points that all get wrong come out as it was seen), so
    that two numbers are searched for, from several starts.

    Args:
        errors: bool [N, T], where each member errs; at least three members, two without a mass.
        point_mass: whether a mass is fitted; Beta(a, b) alone when not.

    Raises:
        ValueError: no such table, too few members, or members that never err, always err or never differ.

    >>> rng = np.random.default_rng(0)
    >>> chance = np.where(rng.random(20_000) < 0.05, 1.0, rng.beta(0.5, 2.0, 20_000))
    >>> found = fit_mixture(rng.random((32, 20_000)) < chance)
    >>> round(found.a, 1), round(found.b, 1), round(found.pi_1, 2)
    (0.5, 2.0, 0.05)
    >>> found.ceiling is not None and bool(found.n_eff_cap(10**6) < found.ceiling)
    True
    """
    return _fit(_counts(errors), point_mass)


def point_mass_test(errors: ArrayLike) -> PointMassTest:
    """Fits `errors`, bool [N, T], with and without a mass, and compares the likelihoods.

    Raises:
        ValueError: as of `fit_mixture`.

    >>> rng = np.random.default_rng(0)
    >>> point_mass_test(rng.random((16, 4_000)) < rng.beta(0.5, 2.0, 4_000)).p_value > 0.05
    True
    """
    counts = _counts(errors)
    without, with_mass = _fit(counts, False), _fit(counts, True)
    statistic = max(0.0, 2.0 * (with_mass.log_likelihood - without.log_likelihood)) if with_mass.pi_1 > 0 else 0.0
    return PointMassTest(statistic, 0.5 * float(chi2.sf(statistic, 1)) if statistic > 0 else 1.0, without, with_mass)


def mixture_band(
    errors: ArrayLike, sizes: ArrayLike, *, point_mass: bool = True, resamples: int = 200, seed: int = 0
) -> MixtureBand:
    """How far another sample of as many test points could have moved a fit.

    The points are drawn anew (Efron, "Bootstrap methods: another look at the jackknife", 1979).

    Args:
        errors: bool [N, T].
        sizes: numbers of members, from 1, at which the band of `n_eff_cap` is wanted.
        point_mass: as of `fit_mixture`.
        resamples: of the test points, at least 2.
        seed: of the resampling.

    Raises:
        ValueError: as of `fit_mixture`, fewer resamples, or none that could be fitted.

    >>> rng = np.random.default_rng(0)
    >>> errors = rng.random((8, 2_000)) < np.where(rng.random(2_000) < 0.1, 1.0, rng.beta(0.5, 2.0, 2_000))
    >>> low, high = mixture_band(errors, [1, 64], resamples=20).pi_1
    >>> low < fit_mixture(errors).pi_1 < high
    True
    """
    counts, wanted = _counts(errors), _sizes(sizes)
    if resamples < 2:
        raise ValueError(f"{resamples} resamples make no band; give at least 2.")
    start = _fit(counts, point_mass)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(start.points, counts / start.points, size=resamples)
    fitted = [_fit(row, point_mass, (start.a, start.b)) for row in drawn if _why_not(row) is None]
    if not fitted:
        raise ValueError(
            f"None of {resamples} resamples holds enough to fit; measure at more than {start.points} test points."
        )
    curves = np.stack([one.n_eff_cap(wanted) for one in fitted])
    masses = [one.pi_1 for one in fitted]
    ceilings = [math.inf if one.ceiling is None else one.ceiling for one in fitted]
    low, high = (_end(curves, share) for share in BAND)
    return MixtureBand(
        pi_1=(float(_end(masses, BAND[0])), float(_end(masses, BAND[1]))),
        ceiling=(_finite(_end(ceilings, BAND[0])), _finite(_end(ceilings, BAND[1]))),
        low=low,
        high=high,
        unfitted=resamples - len(fitted),
    )


def points_all_wrong(errors: ArrayLike) -> Integers:
    """int64 [K], rising: the test points that no member gets right. No committee of such members will tell; ask here.

    Args:
        errors: bool [N, T].

    Raises:
        ValueError: no such table.

    >>> points_all_wrong([[0, 1, 1], [1, 1, 1]]).tolist()
    [1, 2]
    """
    return np.asarray(np.flatnonzero(_table(errors).all(axis=0)), np.int64)


def _fit(counts: Integers, point_mass: bool, start: tuple[float, float] | None = None) -> ErrorMixture:
    members, points = len(counts) - 1, int(counts.sum())
    reason = _why_not(counts)
    if reason is None and members < (3 if point_mass else 2):
        reason = f"{members} members do not settle {'three numbers; give three' if point_mass else 'two numbers; give two'} or more."
    if reason is not None:
        raise ValueError(reason)
    a, b, pi_1, log_likelihood = likeliest(counts, point_mass, start)
    edges = [name for name, value in (("a", a), ("b", b)) if not NEAR_AN_END * SMALLEST < value < LARGEST / NEAR_AN_END]
    return ErrorMixture(a, b, pi_1, log_likelihood, members, points, int(counts[-1]), tuple(edges))


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _end(values: ArrayLike, share: float) -> Floats:
    """A quantile that is one of the values, so that infinite ones do no harm."""
    rows = np.sort(np.asarray(values, np.float64), axis=0)
    place = math.floor(share * (len(rows) - 1)) if share < 0.5 else math.ceil(share * (len(rows) - 1))
    return np.asarray(rows[place])


def _finite(value: Floats) -> float | None:
    return float(value) if np.isfinite(value) else None


def _sizes(n: ArrayLike) -> Integers:
    sizes = np.asarray(n)
    if not np.issubdtype(sizes.dtype, np.integer) or sizes.size == 0 or sizes.min() < 1:
        raise ValueError(f"{n} are no numbers of members; give whole numbers from 1.")
    return sizes.astype(np.int64)


def _why_not(counts: Integers) -> str | None:
    """Why there is nothing to fit, if so."""
    members, points = len(counts) - 1, int(counts.sum())
    if counts[0] == points:
        return (
            f"No member errs at any of {points} test points, so that nothing can be fitted; their error is at most about 3/{points}. "
            "Measure at more or harder points."
        )
    if counts[-1] == points:
        return f"All {members} members err at all of {points} test points, so that nothing can be fitted; look at the labels."
    if counts[0] + counts[-1] == points:
        return (
            f"The {members} members never differ: at each of {points} test points all err or none does. They are worth one member, and "
            "there is nothing to fit; give members that differ."
        )
    return None


def _counts(errors: ArrayLike) -> Integers:
    """[N + 1]: at how many points 0, 1, ... N members err."""
    wrong = _table(errors)
    return np.asarray(np.bincount(wrong.sum(axis=0), minlength=len(wrong) + 1), np.int64)


def _table(errors: ArrayLike) -> NDArray[np.bool_]:
    wrong = np.asarray(errors)
    if wrong.ndim != 2 or wrong.size == 0 or not np.isin(wrong, (0, 1)).all():
        raise ValueError(
            f"The errors have the shape {wrong.shape}; give a table of 0 and 1, a row for each member and a column for each test point."
        )
    return wrong.astype(np.bool_)
