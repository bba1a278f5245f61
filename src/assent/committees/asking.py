"""How often a committee would ask, and how often it would be wrong when it acts, by four ways of using it. NumPy.

An item of an evaluation set is acted on with some label, or asked about. `minimum` acts with label c with the probability on which all
members agree, and asks with what is left; it is the way with a guarantee where members err differently. `mean_threshold` is the control
that no claim about the others may leave out; `random_member` and `conformal` are two more. All are exact: what is drawn at random in use
is an expectation here. A row with a number that is none, or with nothing in it, means ask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assent.committees._predictions import Rows, members, shaped, weighted, with_labels

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROUNDING = 1e-12


@dataclass(frozen=True)
class RiskAsk:
    """What a way of asking comes to at each of its settings, over one evaluation set.

    Attributes:
        ask: float64 [K], the share of items asked about.
        wrong_per_act: float64 [K], the share of acts that are wrong; 0 where nothing is acted on.
        wrong_share: float64 [K], the share of items acted on wrongly.
        setting: float64 [K], rising: numbers of members, thresholds or levels.
        way: "minimum", "mean_threshold", "random_member" or "conformal".
        points: how many items there were.
    """

    ask: Floats
    wrong_per_act: Floats
    wrong_share: Floats
    setting: Floats
    way: str
    points: int


def min_probs(log_probs: ArrayLike) -> tuple[Floats, Floats]:
    """What all members agree on: float64 [T, C], the least probability that any gives each option, and float64 [T], of asking, the rest.

    Args:
        log_probs: [N, T, C], of N members at T items for C options, of the sum 1 within 1e-4. A row with NaN or plus infinity, or without
            any finite entry, is a member that says nothing: then the item is asked about.

    Raises:
        ValueError: another shape, nothing in it, or rows that are no distributions.

    >>> assent, ask = min_probs(np.log([[[0.5, 0.5]], [[0.75, 0.25]]]))
    >>> assent.round(6).tolist(), ask.round(6).tolist()
    ([[0.5, 0.25]], [0.25])
    """
    rows = shaped(log_probs)
    least = np.ones(rows.shape[1:])
    for probs, _ in members(rows):
        np.minimum(least, probs, out=least)
    return least, _left(least)


def minimum(log_probs: ArrayLike, labels: ArrayLike) -> RiskAsk:
    """The minimum rule of the first n members, n = 1 to N: act with c with probability `min_i p_i(c)`, else ask; expectations, exactly.

    Args:
        log_probs: [N, T, C], as of `min_probs`; no probability is raised to a floor, and all is in double precision.
        labels: integers [T], what is right.

    Raises:
        ValueError: as of `min_probs`, or labels that are none.

    >>> curve = minimum(np.log([[[0.5, 0.5]], [[0.75, 0.25]]]), [0])
    >>> curve.ask.round(6).tolist(), curve.wrong_share.round(6).tolist()
    ([0.0, 0.25], [0.5, 0.25])
    """
    rows, right = with_labels(log_probs, labels)
    points = np.arange(len(right))
    least = np.ones(rows.shape[1:])
    acts, wrong = np.empty(len(rows)), np.empty(len(rows))
    others = np.ones(least.shape, np.bool_)
    others[points, right] = False
    for n, (probs, _) in enumerate(members(rows)):
        np.minimum(least, probs, out=least)
        acts[n], wrong[n] = least.sum(), least.sum(where=others)
    return _curve(acts, wrong, np.arange(1.0, len(rows) + 1.0), "minimum", len(right))


def mean_threshold(log_probs: ArrayLike, labels: ArrayLike, *, log_weight: ArrayLike | None = None) -> RiskAsk:
    """Act on the likeliest label of the members' mean where its probability is at least t, for every t that makes a difference.

    The reject rule of Chow, "On optimum recognition error and reject tradeoff", 1970. Of labels equally likely the first is taken.

    Args:
        log_probs: [N, T, C], as of `min_probs`.
        labels: integers [T], what is right.
        log_weight: [N], of any sum; even when left out. Members of weight 0 are left out, with what they fail to say.

    Raises:
        ValueError: as of `minimum`, or weights that are none.

    >>> curve = mean_threshold(np.log([[[0.6, 0.4], [0.1, 0.9]]]), [1, 1])
    >>> curve.setting.round(6).tolist(), curve.ask.tolist(), curve.wrong_per_act.tolist()
    ([0.6, 0.9], [0.0, 0.5], [0.5, 0.0])
    """
    rows, right = with_labels(log_probs, labels)
    mean, sound = _mean(*weighted(rows, log_weight))
    sure = np.where(sound, mean.max(axis=1), -1.0)
    wrong = mean.argmax(axis=1) != right
    return _by_threshold(sure, wrong, np.ones(len(right)), "mean_threshold", len(right))


def random_member(log_probs: ArrayLike, labels: ArrayLike, *, log_weight: ArrayLike | None = None) -> RiskAsk:
    """At each item one member, drawn by weight, acts on its likeliest label where it gives that at least t, and else asks; every such t.

    Args:
        log_probs: [N, T, C], as of `min_probs`.
        labels: integers [T], what is right.
        log_weight: [N], of any sum; even when left out.

    Raises:
        ValueError: as of `mean_threshold`.

    >>> curve = random_member(np.log([[[0.6, 0.4]], [[0.1, 0.9]]]), [1], log_weight=np.log([0.75, 0.25]))
    >>> curve.ask.round(6).tolist(), curve.wrong_share.round(6).tolist()
    ([0.0, 0.75], [0.75, 0.0])
    """
    rows, right = with_labels(log_probs, labels)
    kept, logs = weighted(rows, log_weight)
    sure, wrong = np.empty(kept.shape[:2]), np.empty(kept.shape[:2], np.bool_)
    for place, (probs, sound) in enumerate(members(kept)):
        sure[place] = np.where(sound, probs.max(axis=1), -1.0)
        wrong[place] = probs.argmax(axis=1) != right
    shares = np.repeat(np.exp(logs), len(right))
    return _by_threshold(sure.ravel(), wrong.ravel(), shares, "random_member", len(right))


def conformal(
    log_probs: ArrayLike,
    labels: ArrayLike,
    *,
    calibration_log_probs: ArrayLike,
    calibration_labels: ArrayLike,
    alphas: ArrayLike,
    log_weight: ArrayLike | None = None,
) -> RiskAsk:
    """Act where the split conformal set at level alpha holds exactly one label; the sets miss the right one at most alpha of the time.

    The score of a label is 1 less its mean probability; a set holds the labels whose score is at most the k-th smallest of n calibration
    scores, `k = ceil((n + 1)(1 - alpha))`, and every label where k > n (Papadopoulos and others, "Inductive confidence machines for
    regression", 2002; Sadinle, Lei and Wasserman, "Least ambiguous set-valued classifiers with bounded error levels", 2019). An empty set
    means ask. The promise is about sets on average, and not about those of one label.

    Args:
        log_probs: [N, T, C], as of `min_probs`.
        labels: integers [T], what is right.
        calibration_log_probs: [N, S, C], of the same members at other items than those evaluated on. A row that says nothing has an
            infinite score.
        calibration_labels: integers [S].
        alphas: levels [K], rising, above 0 and below 1; as decimals, so that 0.1 is a tenth.
        log_weight: [N], of any sum; even when left out.

    Raises:
        ValueError: as of `mean_threshold`, calibration of other members or options, or levels that are none.

    >>> rows = np.log([[[0.6, 0.4], [0.2, 0.8]]])
    >>> curve = conformal(rows, [1, 1], calibration_log_probs=rows, calibration_labels=[0, 1], alphas=[0.3, 0.5])
    >>> curve.ask.tolist(), curve.wrong_share.tolist()
    ([1.0, 0.0], [0.0, 0.5])
    """
    rows, right = with_labels(log_probs, labels)
    held, known = with_labels(calibration_log_probs, calibration_labels)
    if held.shape[::2] != rows.shape[::2]:
        raise ValueError(
            f"Calibration has the shape {held.shape}, evaluation {rows.shape}; give the same members and options."
        )
    levels = np.asarray(alphas, np.float64)
    if levels.ndim != 1 or levels.size == 0 or not ((levels > 0) & (levels < 1)).all() or (np.diff(levels) <= 0).any():
        raise ValueError(f"The levels are {levels.tolist()}; give numbers that rise, above 0 and below 1.")
    mean, sound = _mean(*weighted(held, log_weight))
    scores = np.sort(np.where(sound, 1.0 - mean[np.arange(len(known)), known], np.inf))
    rank = [math.ceil((len(scores) + 1) * (1 - Fraction(repr(float(alpha))))) for alpha in levels]
    limit = np.append(scores, np.inf)[np.minimum(rank, len(scores) + 1) - 1]
    mean, sound = _mean(*weighted(rows, log_weight))
    ordered = np.sort(1.0 - mean[sound], axis=1)
    first, second = ordered[:, 0], ordered[:, 1]
    wrong = mean[sound].argmax(axis=1) != right[sound]
    acts = _at_most(first, limit) - _at_most(second, limit)
    errs = _at_most(first[wrong], limit) - _at_most(second[wrong], limit)
    return _curve(acts.astype(np.float64), errs.astype(np.float64), levels, "conformal", len(right))


def at_ask_rate(curve: RiskAsk, rate: float) -> float:
    """`wrong_per_act` where a share `rate` of items is asked about.

    Between two neighbouring settings, a coin tossed before each item decides which of them is followed: so shares of items asked about and
    acted on wrongly are straight lines, and `wrong_per_act` is their ratio. Beyond the last setting the coin decides between it and asking
    about everything. Where several pairs of settings come to the rate, the least wrong one counts.

    Args:
        curve: of any way.
        rate: at least the least that the curve comes to, and below 1.

    Raises:
        ValueError: a rate that is none, or below all of the curve (no coin makes a way ask less than each of its settings), or a curve that
            never acts.

    >>> curve = mean_threshold(np.log([[[0.6, 0.4], [0.1, 0.9]]]), [1, 1])
    >>> at_ask_rate(curve, 0.25), at_ask_rate(curve, 0.5)
    (0.3333333333333333, 0.0)
    """
    ask, share = _with_end(curve)
    least = float(ask.min())
    if least >= 1.0:
        raise ValueError("The curve asks about everything at each of its settings; it has no acts, right or wrong.")
    if not least - ROUNDING <= rate < 1.0:
        raise ValueError(
            f"A rate of {rate} is looked for on a curve that asks about {least:.6g} of the items or more; give one from there to below 1."
        )
    rate = max(rate, least)
    low, high = np.minimum(ask[:-1], ask[1:]), np.maximum(ask[:-1], ask[1:])
    here = np.flatnonzero((low <= rate) & (rate <= high))
    span = ask[here + 1] - ask[here]
    part = np.where(span == 0, 0.0, (rate - ask[here]) / np.where(span == 0, 1.0, span))
    found = share[here] + part * (share[here + 1] - share[here])
    return float(max(0.0, found.min()) / (1.0 - rate))


def risk_coverage_area(curve: RiskAsk, *, most: float | None = None) -> float:
    """The area under `wrong_per_act` over the share of items acted on, from none to `most` of them; lower is better.

    Geifman, Uziel and El-Yaniv, "Bias-reduced uncertainty estimation for deep neural classifiers", 2019, sum at each number of items; here
    the curve between settings is that of `at_ask_rate`, so that ways with few settings can be compared. Two ways compare over the same
    `most` only. Where asking falls and rises again along the settings, the curve is read at the settings' rates and straight between.

    Args:
        curve: of any way.
        most: above 0, at most the largest share that the curve acts on, which it is when left out.

    Raises:
        ValueError: no such share, or a curve that never acts.

    >>> risk_coverage_area(mean_threshold(np.log([[[0.6, 0.4], [0.1, 0.9]]]), [1, 1])) == 0.5 * (1 - math.log(2))
    True
    """
    reach = float(1.0 - curve.ask.min())
    end = reach if most is None else most
    if not 0.0 < end <= reach + ROUNDING:
        raise ValueError(
            f"An area up to {end} of the items is asked for, and the curve acts on at most {reach:.6g}; give a share above 0."
        )
    end = min(end, reach)
    ask, share = _with_end(curve)
    if (np.diff(ask) < 0).any():
        ask = np.append(np.unique(ask[ask < 1.0]), 1.0)
        share = np.asarray([at_ask_rate(curve, rate) * (1.0 - rate) if rate < 1.0 else 0.0 for rate in ask.tolist()])
    acts, wrong = 1.0 - ask[::-1], share[::-1]
    inside = acts < end
    acts = np.append(acts[inside], end)
    wrong = np.append(wrong[inside], at_ask_rate(curve, 1.0 - end) * end)
    return _area(acts, wrong)


def _area(acts: Floats, wrong: Floats) -> float:
    """The integral of wrong / acts, both straight between the points given, from the first, where both are 0."""
    apart = np.diff(acts) > 0
    before, after, start, end = acts[:-1][apart], acts[1:][apart], wrong[:-1][apart], wrong[1:][apart]
    slope = (end - start) / (after - before)
    level = start - slope * before
    pieces = slope * (after - before)
    inner = before > 0  # from no acts on, wrong / acts does not vary
    pieces[inner] += level[inner] * np.log(after[inner] / before[inner])
    return float(max(0.0, pieces.sum()))


def _with_end(curve: RiskAsk) -> tuple[Floats, Floats]:
    """Asks and wrong acts along the settings, and at last asking about everything."""
    return np.append(curve.ask, 1.0), np.append(curve.wrong_share, 0.0)


def _curve(acts: Floats, wrong: Floats, setting: Floats, way: str, points: int) -> RiskAsk:
    """Of how many items are acted on, and how many of these wrongly."""
    per_act = np.where(acts > 0, wrong / np.where(acts > 0, acts, 1.0), 0.0)
    return RiskAsk(
        ask=np.asarray(np.clip(1.0 - acts / points, 0.0, 1.0)),
        wrong_per_act=np.asarray(np.minimum(per_act, 1.0)),
        wrong_share=np.asarray(wrong / points),
        setting=setting,
        way=way,
        points=points,
    )


def _by_threshold(sure: Floats, wrong: Bools, weight: Floats, way: str, points: int) -> RiskAsk:
    """Acts of a weight each, taken from a confidence on; those of a negative confidence never. Nothing to act on is one setting, never."""
    order = np.argsort(sure, kind="stable")
    order = order[sure[order] >= 0]
    if len(order) == 0:
        return _curve(np.zeros(1), np.zeros(1), np.full(1, np.inf), way, points)
    setting, first = np.unique(sure[order], return_index=True)
    acts = np.cumsum(weight[order][::-1])[::-1][first]
    errs = np.cumsum((weight * wrong)[order][::-1])[::-1][first]
    return _curve(acts, errs, setting, way, points)


def _at_most(values: Floats, limit: Floats) -> Integers:
    return np.asarray(np.searchsorted(np.sort(values), limit, side="right"))


def _left(assent: Floats) -> Floats:
    return np.asarray(np.maximum(0.0, 1.0 - assent.sum(axis=1)))


def _mean(rows: Rows, log_weight: Floats) -> tuple[Floats, Bools]:
    """The weighted mean of members' probabilities [T, C], and where all of them say something."""
    mean, said = np.zeros(rows.shape[1:]), np.ones(rows.shape[1], np.bool_)
    for share, (probs, sound) in zip(np.exp(log_weight), members(rows), strict=True):
        mean += share * probs
        said &= sound
    return mean, said
