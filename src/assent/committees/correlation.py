"""How alike the errors of a committee's members are, and how many independent members they are worth. NumPy.

`E[i, t]` says whether member i errs at test point t. Whatever the members are, two numbers answer two questions: how much an average over
them gains (`n_eff_var`), and how much the demand that all of them approve gains (`n_eff_cap`). Compare committees only at the same accuracy
of their members: whoever makes members worse makes them less alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Errors = NDArray[np.bool_]
Floats = NDArray[np.float64]

RULE_OF_THREE = 3.0
"""No event at T points bounds its chance by 3/T at 95 %: Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?",
1983."""

BAND = (0.025, 0.975)


@dataclass(frozen=True)
class ErrorCorrelation:
    """Pearson correlation of errors over test points.

    Attributes:
        mean: over all pairs of members; NaN without a pair.
        within, between: over pairs of the same root, and of two; NaN without such a pair.
        constant: members whose errors do not vary (always right, or always wrong); they correlate with nothing and are left out.
    """

    mean: float
    within: float
    between: float
    constant: tuple[int, ...]


@dataclass(frozen=True)
class CapCurve:
    """`n_eff_cap` of committees of 1 to N members, with 95 % bands.

    Attributes:
        value: float64 [N]; where `bounded`, what it is at least.
        low, high: float64 [N], ends of the band over resampled test points; where `open`, `high` is what the upper end is at least.
        bounded: bool [N], whether so many members were never all wrong, so that the rule of three stands in.
        open: bool [N], whether the band has no upper end, since in one resample of forty or more they were never all wrong.
    """

    value: Floats
    low: Floats
    high: Floats
    bounded: NDArray[np.bool_]
    open: NDArray[np.bool_]


def errors_of(predicted: ArrayLike, labels: ArrayLike) -> Errors:
    """bool [N, T]: where each member's label is wrong.

    Args:
        predicted: integers [N, T].
        labels: integers [T].

    Raises:
        ValueError: shapes that do not fit, or nothing to compare.

    >>> errors_of([[0, 1, 1], [0, 0, 1]], [0, 1, 0]).tolist()
    [[False, False, True], [False, True, True]]
    """
    said, right = np.asarray(predicted), np.asarray(labels)
    if said.ndim != 2 or right.shape != said.shape[1:] or said.size == 0:
        raise ValueError(f"Predictions have the shape {said.shape} and labels {right.shape}; give [N, T] and [T].")
    return np.asarray(said != right)


def error_correlation(errors: ArrayLike, roots: ArrayLike | None = None) -> ErrorCorrelation:
    """How errors go together, over all pairs, and by whether members stem from one root.

    Args:
        errors: bool [N, T].
        roots: integers [N], which root each member stems from; every member its own when left out.

    Raises:
        ValueError: no such shapes.

    >>> error_correlation([[0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1]], roots=[0, 0, 1])
    ErrorCorrelation(mean=0.3333333333333333, within=1.0, between=0.0, constant=())
    """
    wrong = checked_errors(errors)
    stems = np.arange(len(wrong)) if roots is None else np.asarray(roots)
    if stems.shape != (len(wrong),):
        raise ValueError(f"There are roots of the shape {stems.shape} for {len(wrong)} members; give one for each.")
    varies = wrong.any(axis=1) & ~wrong.all(axis=1)
    scores = _standardised(wrong[varies])
    groups = [scores[stems[varies] == root] for root in np.unique(stems[varies])]
    pairs, total = _pairs(scores)
    inside = [_pairs(group) for group in groups]
    inner, inner_total = sum(n for n, _ in inside), math.fsum(value for _, value in inside)
    return ErrorCorrelation(
        mean=_ratio(total, pairs),
        within=_ratio(inner_total, inner),
        between=_ratio(total - inner_total, pairs - inner),
        constant=tuple(int(place) for place in np.flatnonzero(~varies)),
    )


def n_eff_var(errors: ArrayLike) -> float:
    """`N^2 / (1^T R 1)`: by how much averaging N standardised errors lowers their variance, in independent members; R their correlations.

    `N / (1 + (N - 1) rho)` for members alike, so at most `1 / rho` however many there are. NaN where no member's errors vary.

    >>> n_eff_var([[0, 0, 1, 1], [0, 1, 0, 1]]), n_eff_var([[0, 1], [0, 1], [0, 1]])
    (2.0, 1.0)
    """
    wrong = checked_errors(errors)
    scores = _standardised(wrong[wrong.any(axis=1) & ~wrong.all(axis=1)])
    if len(scores) == 0:
        return math.nan
    together = float(np.mean(scores.sum(axis=0) ** 2))
    return math.inf if together <= 0 else len(scores) ** 2 / together


def participation(errors: ArrayLike) -> float:
    """`(sum of eigenvalues)^2 / sum of their squares` of the covariance of errors: in how many directions members differ; NaN without any.

    >>> participation([[0, 0, 1, 1], [0, 1, 0, 1]]), participation([[0, 1], [0, 1], [0, 1]])
    (2.0, 1.0)
    """
    wrong = checked_errors(errors).astype(np.float64)
    centred = wrong - wrong.mean(axis=1, keepdims=True)
    covariance = centred @ centred.T / wrong.shape[1]
    squares = float(np.sum(covariance**2))
    return float(np.trace(covariance)) ** 2 / squares if squares > 0 else math.nan


def n_eff_cap(errors: ArrayLike, *, resamples: int = 1_000, seed: int = 0) -> CapCurve:
    """`ln P(n members all wrong) / ln P(one wrong)` for n = 1 to N: as many independent members would all be wrong as often.

    P is over test points and over which n of the N members are drawn, exactly: of a point at which k members err, n drawn without
    replacement all do with probability `C(k, n) / C(N, n)`. The band is over test points drawn anew (Efron, "Bootstrap methods: another
    look at the jackknife", 1979). Where n members were never all wrong at T points, the value is at least `ln (3 / T) / ln P` and that of
    fewer members, and members who never err at all are worth at least one. A resample without such a point is taken at that bound; where
    those are a fortieth or more, the band is open above.

    Args:
        errors: bool [N, T].
        resamples: of the test points, at least 1.
        seed: of the resampling.

    Raises:
        ValueError: no such table, or no resamples.

    >>> n_eff_cap([[0, 0, 1, 1], [0, 1, 0, 1]]).value.round(6).tolist()      # 1/4 = (1/2)^2
    [1.0, 2.0]
    """
    wrong, resamples = checked_errors(errors), checked_resamples(resamples)
    members, points = wrong.shape
    counts = np.bincount(wrong.sum(axis=0), minlength=members + 1)
    table = _all_of_a_draw(members)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(points, counts / points, size=resamples)
    value, bounded = in_members(counts[None, :] @ table / points, points)
    low, high, unlimited = band_in_members(drawn @ table / points, points)
    return CapCurve(value[0], low, high, bounded[0], unlimited)


def _all_of_a_draw(members: int) -> Floats:
    """[N + 1, N]: P(n members drawn from N are all among the k who err), k down and n = 1 to N across."""
    table = np.zeros((members + 1, members))
    for k in range(members + 1):
        n = np.arange(min(k, members))
        table[k, : len(n)] = np.cumprod((k - n) / (members - n))
    return table


def in_members(all_wrong: Floats, points: int) -> tuple[Floats, NDArray[np.bool_]]:
    """P(all n wrong) [..., N], of rising n, as numbers of independent members, and where it was never seen."""
    never = all_wrong <= 0
    least = np.minimum(RULE_OF_THREE / points, 1.0 - 1e-12)
    # more members are all wrong no more often than fewer: where it was never seen, both that and the rule of three bound it
    logs = np.log(np.minimum.accumulate(np.where(never, least, all_wrong), axis=-1))
    one = logs[..., :1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(one < 0, logs / one, 1.0)  # who is always wrong is worth one, however many there are
    return np.asarray(found), np.asarray(never)


def band_in_members(all_wrong: Floats, points: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """The 95 % band of `in_members` over resamples [R, N], and where it is open above."""
    spread, never = in_members(all_wrong, points)
    low, high = np.quantile(spread, BAND, axis=0)
    return low, high, np.asarray(never.mean(axis=0) >= 1.0 - BAND[1])


def checked_errors(errors: ArrayLike) -> Errors:
    """bool [N, T].

    Raises:
        ValueError: no such table.
    """
    wrong = np.asarray(errors)
    if wrong.ndim != 2 or wrong.size == 0 or not np.isin(wrong, (0, 1)).all():
        raise ValueError(
            f"The errors have the shape {wrong.shape}; give a table of 0 and 1, a row for each member and a column for each test point."
        )
    return wrong.astype(np.bool_)


def checked_resamples(resamples: int) -> int:
    """As given.

    Raises:
        ValueError: none, of which no band could be told.
    """
    if resamples < 1:
        raise ValueError(f"resamples = {resamples}: the band is over test points drawn anew; draw them at least once.")
    return resamples


def _standardised(wrong: Errors) -> Floats:
    share = wrong.mean(axis=1, keepdims=True)
    return np.asarray((wrong - share) / np.sqrt(share * (1.0 - share)))


def _pairs(scores: Floats) -> tuple[int, float]:
    """How many pairs there are, and the sum of their correlations."""
    members = len(scores)
    if members < 2:
        return 0, 0.0
    together = float(np.mean(scores.sum(axis=0) ** 2))
    return members * (members - 1) // 2, (together - members) / 2.0


def _ratio(total: float, number: int) -> float:
    return total / number if number else math.nan
