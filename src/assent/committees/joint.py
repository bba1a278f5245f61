"""What a committee says of several points at once: whether its members know what they do not know together. NumPy.

A committee may say of each of ten points "even odds", and mean either that each is a coin of its own, or that it does not know which of two
worlds it is in. Marginal losses cannot tell the two apart; the loss of the points taken together can, and it is what one who acts in a
sequence pays (Osband and others, "Evaluating high-order predictive distributions in deep learning", 2022). Natural logarithms throughout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assent.committees._predictions import members, weighted, with_labels

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST_AT_ONCE = 2_000_000
"""Numbers of members times draws held at a time; it bounds memory and changes no result."""


@dataclass(frozen=True)
class JointLoss:
    """A mean over draws of points, and how far the drawing alone may have moved it.

    Attributes:
        mean: in nats a draw, at least 0; infinite where, at some draw, no member gave the labels any chance.
        standard_error: of the mean over draws, with the test points as they are; infinite where the mean is.
    """

    mean: float
    standard_error: float


@dataclass(frozen=True)
class JointMembers:
    """How many members of a reference ensemble predict as well jointly.

    Attributes:
        value: in members.
        bounded: "no" where it lies on the curve; otherwise `value` is an end of the curve, and the number is "at most" or "at least" that.
    """

    value: float
    bounded: Literal["no", "at most", "at least"]


def marginal_log_loss(log_probs: ArrayLike, labels: ArrayLike, *, log_weight: ArrayLike | None = None) -> float:
    """Mean over points of `-log sum_z w_z p(y_t | x_t, z)`, in nats; infinite where no member gave some label any chance.

    Args:
        log_probs: [N, T, C], of N members at T points for C options.
        labels: integers [T], what was right.
        log_weight: [N], of any sum; even when left out.

    Raises:
        ValueError: shapes that do not fit, rows that are no distributions, labels that are no options, or weights that are none.

    >>> round(math.exp(-marginal_log_loss(np.log([[[0.5, 0.5]], [[0.25, 0.75]]]), [1])), 6)
    0.625
    """
    said, weight = _checked(log_probs, labels, log_weight)
    return float(-np.mean(_log_mean(said, weight)))


def joint_log_loss(
    log_probs: ArrayLike,
    labels: ArrayLike,
    *,
    log_weight: ArrayLike | None = None,
    tau: int = 10,
    kappa: int = 2,
    draws: int = 4_000,
    seed: int = 0,
) -> JointLoss:
    """Mean of `-log sum_z w_z prod_t p(y_t | x_t, z)` over draws of `tau` points that stem from `kappa` anchors.

    Each draw takes `kappa` of the test points without replacement and, from these, `tau` with replacement, each anchor with its own label
    every time (dyadic sampling for two: Osband and others, "Evaluating high-order predictive distributions in deep learning", 2022; as in
    `make_nll_polyadic_calculator` of `enn/metrics/joint.py`, which takes its anchors as they lie, in blocks, where these are drawn). The
    same seed, number of points, tau, kappa and draws give the same draws, so that committees are compared on the same ones.

    Args:
        log_probs: [N, T, C], of N members at T points for C options.
        labels: integers [T], what was right.
        log_weight: [N], of any sum; even when left out.
        tau: points in a draw, at least 1.
        kappa: anchors they stem from, 1 to T.
        draws: at least 2.
        seed: of the draws.

    Raises:
        ValueError: as of `marginal_log_loss`, or no such draws.

    Members that know the points' labels together, and members of which each is unsure, both with the marginal loss ln 2:

    >>> split = np.asarray([[[1.0, 0.0]] * 4, [[0.0, 1.0]] * 4])
    >>> with np.errstate(divide="ignore"):
    ...     round(joint_log_loss(np.log(split), [0, 0, 0, 0]).mean / math.log(2), 6)
    1.0
    >>> round(joint_log_loss(np.log(np.full((2, 4, 2), 0.5)), [0, 0, 0, 0]).mean / math.log(2), 6)
    10.0
    """
    said, weight = _checked(log_probs, labels, log_weight)
    if not 1 <= kappa <= said.shape[1]:
        raise ValueError(
            f"There are {said.shape[1]} points and {kappa} anchors are asked for; give 1 to as many as points."
        )
    if tau < 1 or draws < 2:
        raise ValueError(f"{draws} draws of {tau} points are asked for; give at least 2 draws of at least 1.")
    anchors, times = _drawn(said.shape[1], tau, kappa, draws, seed)
    losses = _losses(said, weight, anchors, times)
    if np.isinf(losses).any():
        return JointLoss(math.inf, math.inf)
    return JointLoss(float(losses.mean()), float(losses.std(ddof=1) / math.sqrt(draws)))


def joint_log_losses(
    log_probs: ArrayLike,
    labels: ArrayLike,
    anchors: ArrayLike,
    times: ArrayLike,
    *,
    log_weight: ArrayLike | None = None,
) -> Floats:
    """float64 [D]: the joint loss of each of D given draws, in nats, at least 0.

    Args:
        log_probs: [N, T, C], of N members at T points for C options.
        labels: integers [T], what was right.
        anchors: integers [D, K], the points of each draw.
        times: integers [D, K], how often each of them is in it.
        log_weight: [N], of any sum; even when left out.

    Raises:
        ValueError: as of `marginal_log_loss`, or anchors and times that are none.

    >>> losses = joint_log_losses(np.log([[[0.5, 0.5], [0.25, 0.75]]]), [0, 0], [[0, 1]], [[3, 1]])
    >>> np.exp(losses).round(6).tolist()      # 2^3 * 4
    [32.0]
    """
    said, weight = _checked(log_probs, labels, log_weight)
    places, counts = np.asarray(anchors), np.asarray(times)
    whole = np.issubdtype(places.dtype, np.integer) and np.issubdtype(counts.dtype, np.integer)
    if not whole or places.ndim != 2 or places.shape != counts.shape or places.size == 0:
        raise ValueError(
            f"Anchors have the shape {places.shape} and times {counts.shape}; give whole numbers, [D, K] twice, with something in them."
        )
    if places.min() < 0 or places.max() >= said.shape[1] or counts.min() < 0:
        raise ValueError(f"Some anchors are no points; give 0 to {said.shape[1] - 1}, each at least 0 times.")
    return _losses(said, weight, places, counts)


def n_eff_joint(value: float, curve_sizes: ArrayLike, curve_values: ArrayLike) -> JointMembers:
    """The smallest number of members of a reference ensemble whose joint loss is at most `value`.

    The curve is read as its running minimum: what M members reach, more of them could reach by leaving some out, so a rise is taken for the
    chance of drawing. Between two sizes it is straight in the logarithm of the size. Beyond its ends nothing is made up: a loss above the
    smallest ensemble's is worth at most that ensemble, one below all of the curve at least the largest.

    Args:
        value: a joint loss, measured on the same draws.
        curve_sizes: numbers of members [K], rising.
        curve_values: the reference's losses [K].

    Raises:
        ValueError: no such curve, or a loss that is no number.

    >>> n_eff_joint(1.5, [1, 4], [2.0, 1.0])
    JointMembers(value=2.0, bounded='no')
    >>> n_eff_joint(0.9, [1, 4], [2.0, 1.0])
    JointMembers(value=4.0, bounded='at least')
    """
    sizes, values = np.asarray(curve_sizes, np.float64), np.asarray(curve_values, np.float64)
    if sizes.ndim != 1 or sizes.shape != values.shape or sizes.size == 0:
        raise ValueError(f"The curve has sizes {sizes.shape} and values {values.shape}; give two rows of one length.")
    if not (np.isfinite(sizes).all() and sizes[0] >= 1 and (np.diff(sizes) > 0).all()):
        raise ValueError(f"The curve's sizes are {sizes.tolist()}; give numbers of members that rise, from at least 1.")
    if math.isnan(value) or not np.isfinite(values).all():
        raise ValueError(f"A loss of {value} is looked for on a curve of {values.tolist()}; give finite losses.")
    best = np.minimum.accumulate(values)
    if value > best[0]:
        return JointMembers(float(sizes[0]), "at most")
    if value < best[-1]:
        return JointMembers(float(sizes[-1]), "at least")
    place = int(np.argmax(best <= value))
    if place == 0 or best[place] == value:
        return JointMembers(float(sizes[place]), "no")
    share = (best[place - 1] - value) / (best[place - 1] - best[place])
    low, high = math.log(sizes[place - 1]), math.log(sizes[place])
    return JointMembers(float(math.exp(low + share * (high - low))), "no")


def _drawn(points: int, tau: int, kappa: int, draws: int, seed: int) -> tuple[Integers, Integers]:
    """Anchors [draws, kappa], different ones within a draw, and how many of `tau` points each of them is."""
    rng = np.random.default_rng(seed)
    anchors = np.empty((draws, 0), np.int64)
    for taken in range(kappa):
        place = rng.integers(0, points - taken, draws)
        for before in np.sort(
            anchors, axis=1
        ).T:  # the place counts points not yet taken, so it steps over those that are
            place += place >= before
        anchors = np.column_stack([anchors, place])
    return anchors, np.asarray(rng.multinomial(tau, np.full(kappa, 1.0 / kappa), size=draws))


def _losses(said: Floats, weight: Floats, anchors: Integers, times: Integers) -> Floats:
    """[D]. A product over tau points is a sum over their few anchors, so nothing of the size members x draws x tau is made."""
    losses = np.empty(len(anchors))
    step = max(1, MOST_AT_ONCE // len(said))
    for start in range(0, len(anchors), step):
        total = np.zeros((len(said), len(anchors[start : start + step])))
        for places, counts in zip(anchors[start : start + step].T, times[start : start + step].T, strict=True):
            present = counts > 0  # 0 times minus infinity would be no number
            total[:, present] += counts[present] * said[:, places[present]]
        losses[start : start + step] = -_log_mean(total, weight)
    return losses


def _log_mean(values: Floats, log_weight: Floats) -> Floats:
    """`log sum_z w_z exp(values[z])`, without loss or warning where all are minus infinity."""
    shifted = values + log_weight[:, None]
    top = shifted.max(axis=0)
    top = np.where(np.isneginf(top), 0.0, top)
    total = np.exp(shifted - top).sum(axis=0)
    nothing = total <= 0
    return np.asarray(np.where(nothing, -np.inf, np.log(np.where(nothing, 1.0, total)) + top))


def _checked(log_probs: ArrayLike, labels: ArrayLike, log_weight: ArrayLike | None) -> tuple[Floats, Floats]:
    """What each member that has a weight says of the right labels [N, T], and log-weights [N] that sum to 1."""
    rows, right = with_labels(log_probs, labels)
    kept, weight = weighted(rows, log_weight)
    said = np.empty(kept.shape[:2])
    for place, (row, (_, sound)) in enumerate(zip(kept, members(kept), strict=True)):
        if not sound.all():
            raise ValueError(
                f"A member says nothing at item {(~sound).argmax()}: its log-probabilities there are {row[(~sound).argmax()].tolist()}; "
                "leave the item or the member out."
            )
        said[place] = np.minimum(row[np.arange(len(right)), right], 0.0)
    return said, weight
