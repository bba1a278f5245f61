"""Synthetic classification problems with known truth, and how far a committee's joint predictions are from it. NumPy.

The problems of Osband and others, "The Neural Testbed: evaluating joint predictions", NeurIPS 2022, made anew from the facts of its
repository (google-deepmind/neural_testbed, Apache-2.0): `generative/factories.py` and `generative/classification_envlikelihood.py` for what
is drawn, `likelihood/classification.py` for the estimate, `leaderboard/sweep.py` for the lists. Numbers are drawn by NumPy and not by JAX,
so problems of the same seed are alike in distribution only. Estimates of one problem vary by far more than a committee's merit does:
compare committees over a list of problems, never on one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assent.committees._predictions import members, shaped

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRUNCATION = 2.0
"""Weights are normal numbers, drawn again beyond two standard deviations and not rescaled: Haiku's initialiser, whose variance is 0.774."""

POINTS_AT_ONCE = 4_096


@dataclass(frozen=True)
class ReluNetworks:
    """N networks of one shape, with rectifiers between their layers.

    Attributes:
        weights: of each layer, float64 [N, fan in, fan out].
        biases: of each layer, float64 [N, fan out].
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]

    @staticmethod
    def draw(rng: np.random.Generator, num: int, sizes: tuple[int, ...]) -> ReluNetworks:
        """As many networks of the testbed's prior: weights truncated normal / sqrt(fan in), first bias N(0, 1/d), other biases 0.

        Args:
            rng: where the numbers are from.
            num: N.
            sizes: units of every layer, from inputs to classes.

        >>> [layer.shape for layer in ReluNetworks.draw(np.random.default_rng(0), 3, (2, 50, 50, 2)).weights]
        [(3, 2, 50), (3, 50, 50), (3, 50, 2)]
        """
        weights, biases = [], []
        for place, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
            weights.append(_truncated_normal(rng, (num, fan_in, fan_out)) / math.sqrt(fan_in))
            first = rng.standard_normal((num, fan_out)) / math.sqrt(fan_in)
            biases.append(first if place == 0 else np.zeros_like(first))
        return ReluNetworks(tuple(weights), tuple(biases))

    def logits(self, x: ArrayLike) -> Floats:
        """float64 [N, B, C] at inputs [B, d]."""
        out = np.asarray(x, np.float64)[None]
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            out = (out if place == 0 else np.maximum(out, 0.0)) @ weight + bias[:, None, :]
        return np.asarray(out)


@dataclass(frozen=True)
class AnchorDraws:
    """S draws of tau test items each, which lie on few distinct points.

    Attributes:
        x: float64 [S, K, d], the distinct points.
        place: int64 [S, tau], which of them each item lies on.
        y: int64 [S, tau], labels, drawn from the truth independently for each item.
        log_probs: float64 [S, K, C], the true log-probabilities at each point.
    """

    x: Floats
    place: Ints
    y: Ints
    log_probs: Floats

    @cached_property
    def counts(self) -> Ints:
        """int64 [S, K, C]: how many items lie on each point and have each label."""
        found = np.zeros(self.log_probs.shape, np.int64)
        rows = np.arange(len(self.y))[:, None]
        np.add.at(found, (rows, self.place, self.y), 1)
        return found


@dataclass(frozen=True)
class SyntheticProblem:
    """One problem: a random network is the truth, inputs are N(0, I), labels are drawn from `softmax(logits / temperature)`.

    Attributes:
        input_dim: d, from 1.
        data_ratio: training items for each input dimension; `data_ratio * input_dim` items in all, at least 1.
        temperature: above 0; the smaller, the nearer labels are to certain (the testbed has 0.01, 0.1 and 0.5).
        seed: from 0; fixes the truth and the training items, whatever tau and kappa are.
        num_classes: C, from 2.
        tau: test items that are predicted together; 1 for the marginal estimate.
        kappa: anchors on which the tau test items lie (polyadic sampling; 2 is dyadic); 0 for tau points of their own.
        hidden: units of the truth's hidden layers.

    Raises:
        ValueError: a number outside its range.

    >>> problem = SyntheticProblem(input_dim=2, data_ratio=10, temperature=0.1, seed=1)
    >>> problem.x.shape, problem.y.shape, problem.true_log_probs([[0.0, 1.0]]).shape
    ((20, 2), (20,), (1, 2))
    """

    input_dim: int
    data_ratio: float
    temperature: float
    seed: int
    num_classes: int = 2
    tau: int = 10
    kappa: int = 2
    hidden: tuple[int, ...] = field(default=(50, 50))

    def __post_init__(self) -> None:
        least = {"input_dim": 1, "seed": 0, "num_classes": 2, "tau": 1, "kappa": 0}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name} is {getattr(self, name)}; give a whole number of at least {bound}.")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"The temperature is {self.temperature}; give a finite number above 0.")
        if not math.isfinite(self.data_ratio) or self.num_train < 1:
            raise ValueError(
                f"A data ratio of {self.data_ratio} for {self.input_dim} dimensions leaves no training item; give at least "
                f"{1 / self.input_dim}."
            )
        if not all(units >= 1 for units in self.hidden):
            raise ValueError(f"The hidden layers have {self.hidden} units; give each at least 1.")

    @property
    def num_train(self) -> int:
        """Training items."""
        return round(self.data_ratio * self.input_dim)

    @property
    def x(self) -> Floats:
        """float64 [n, d]: training inputs; not to be written to."""
        return self._train[0]

    @property
    def y(self) -> Ints:
        """int64 [n]: training labels; not to be written to."""
        return self._train[1]

    def true_log_probs(self, x: ArrayLike) -> Floats:
        """float64 [B, C]: the truth at inputs [B, d]."""
        return self._log_probs(self._truth, x)[0]

    def prior_log_probs(self, x: ArrayLike, *, num: int, seed: int = 0) -> Floats:
        """float64 [N, B, C]: `num` other truths that this problem might have had, before any data.

        Who predicts with them knows the generator and has learned nothing; weighted by what they give to the training labels, they are the
        posterior predictive, which in expectation over problems no predictor goes below.
        """
        return self._log_probs(ReluNetworks.draw(np.random.default_rng([self.seed, 3, seed]), num, self._sizes), x)

    def draws(self, num: int, *, tau: int | None = None, kappa: int | None = None, seed: int = 0) -> AnchorDraws:
        """`num` draws of test items: kappa anchors N(0, I), each of tau items on one of them at random, with a label of its own.

        Args:
            num: S.
            tau, kappa: instead of the problem's.
            seed: of the draws.

        Raises:
            ValueError: numbers outside their ranges.
        """
        tau, kappa = self.tau if tau is None else tau, self.kappa if kappa is None else kappa
        if num < 1 or tau < 1 or kappa < 0:
            raise ValueError(
                f"There are {num} draws of {tau} items on {kappa} anchors; give at least 1, 1 and 0, where 0 is for points of their own."
            )
        rng = np.random.default_rng([self.seed, 2, seed])
        x = rng.standard_normal((num, kappa or tau, self.input_dim))
        place = rng.integers(0, kappa, (num, tau)) if kappa else np.tile(np.arange(tau), (num, 1))
        log_probs = self.true_log_probs(x.reshape(-1, self.input_dim)).reshape(*x.shape[:2], self.num_classes)
        y = _labels(rng, np.take_along_axis(log_probs, place[:, :, None], axis=1))
        return AnchorDraws(x, place, y, log_probs)

    @property
    def _sizes(self) -> tuple[int, ...]:
        return (self.input_dim, *self.hidden, self.num_classes)

    @cached_property
    def _truth(self) -> ReluNetworks:
        return ReluNetworks.draw(np.random.default_rng([self.seed, 0]), 1, self._sizes)

    @cached_property
    def _train(self) -> tuple[Floats, Ints]:
        rng = np.random.default_rng([self.seed, 1])
        x = rng.standard_normal((self.num_train, self.input_dim))
        y = _labels(rng, self.true_log_probs(x))
        x.setflags(write=False)
        y.setflags(write=False)
        return x, y

    def _log_probs(self, networks: ReluNetworks, x: ArrayLike) -> Floats:
        inputs = np.asarray(x, np.float64)
        if inputs.ndim != 2 or inputs.shape[1] != self.input_dim:
            raise ValueError(f"The inputs have the shape {inputs.shape}; give [B, {self.input_dim}].")
        logits = networks.logits(inputs) / self.temperature
        return np.asarray(logits - _log_sum_exp(logits)[..., None])


@dataclass(frozen=True)
class KlEstimate:
    """How far joint predictions are from the truth, in nats; 0 is the truth itself.

    Attributes:
        mean: over draws of test items; infinite where something happened that no member thought possible.
        standard_error: of the mean, over draws; 0 for one draw.
        infinite: of how many draws the estimate is infinite.
        clamped: the mean with the largest finite estimate in the place of infinite ones, as the testbed itself has it; infinite only where
            no draw's estimate is finite.
    """

    mean: float
    standard_error: float
    infinite: int
    clamped: float = field(default=math.inf, repr=False)


def joint_kl(
    predict_log_probs: Callable[[Floats], ArrayLike],
    problem: SyntheticProblem,
    *,
    tau: int | None = None,
    kappa: int | None = None,
    num_test_seeds: int = 1_000,
    num_index_samples: int | None = None,
    seed: int = 0,
) -> KlEstimate:
    """The testbed's estimate of `E KL(true p(y_1..tau | x_1..tau) || mean over members z of prod_t p(y_t | x_t, z))`.

    The mean over draws of test items of `log p_true(y_1..tau) - log mean_z prod_t p(y_t | x_t, z)` (`CategoricalKLSampledXSampledY` in the
    repository), at anchors as in Osband and others, "Evaluating high-order predictive distributions in deep learning", 2022, which are
    what tells apart committees on inputs of many dimensions. Never below 0 in expectation, though a draw may be.

    Args:
        predict_log_probs: inputs float64 [B, d] -> log-probabilities [N, B, C] of all members.
        problem: what is predicted.
        tau, kappa: items predicted together and anchors they lie on, instead of the problem's; tau 1 gives the marginal estimate.
        num_test_seeds: draws of test items.
        num_index_samples: members drawn with replacement, once for all test items, as the testbed does; every member once when left out.
        seed: of test items and of members; committees compared under one seed meet the same items.

    Raises:
        ValueError: predictions of another shape, or that are no log-probabilities.

    >>> problem = SyntheticProblem(input_dim=2, data_ratio=1, temperature=0.1, seed=1)
    >>> joint_kl(lambda x: problem.true_log_probs(x)[None], problem, num_test_seeds=50)
    KlEstimate(mean=0.0, standard_error=0.0, infinite=0)
    """
    draws = problem.draws(num_test_seeds, tau=tau, kappa=kappa, seed=seed)
    points = draws.x.reshape(-1, problem.input_dim)
    of_draw, counts = draws.counts.shape[1], draws.counts
    step = max(1, POINTS_AT_ONCE // of_draw)
    rng, chosen = np.random.default_rng([seed, 4]), None
    log_joint = np.empty(num_test_seeds)
    for start in range(0, num_test_seeds, step):
        block = counts[start : start + step]
        said = _predicted(predict_log_probs, points[start * of_draw : (start + step) * of_draw], problem.num_classes)
        if num_index_samples is not None and chosen is None:
            chosen = rng.integers(0, len(said), num_index_samples)
        of_members = said.reshape(len(said), *block.shape) if chosen is None else said[chosen].reshape(-1, *block.shape)
        together = np.sum(
            block * np.where(block > 0, of_members, 0.0), axis=(2, 3)
        )  # what did not happen counts for nothing, even -inf
        log_joint[start : start + step] = _log_mean_exp(together)
    truth = np.sum(counts * np.where(counts > 0, draws.log_probs, 0.0), axis=(1, 2))
    return _estimate(np.asarray(truth - log_joint))


def sweep() -> tuple[SyntheticProblem, ...]:
    """The testbed's "classification": 2 tau x 3 dimensions x 4 data ratios x 3 temperatures x 5 seeds, test items on two anchors.

    >>> len(sweep())
    360
    """
    return tuple(
        SyntheticProblem(dim, ratio, temperature, seed, tau=tau)
        for tau in (1, 10)
        for seed, (dim, ratio, temperature, _) in enumerate(
            itertools.product((2, 10, 100), (1, 10, 100, 1_000), (0.01, 0.1, 0.5), range(5)), 1
        )
    )


def sweep_2d() -> tuple[SyntheticProblem, ...]:
    """The testbed's "classification_2d": 2 tau x 7 numbers of training items x 3 temperatures x 10 seeds, each test item on its own point.

    >>> len(sweep_2d())
    420
    """
    return tuple(
        SyntheticProblem(2, items / 2, temperature, seed, tau=tau, kappa=0)
        for tau in (1, 10)
        for seed, (items, temperature, _) in enumerate(
            itertools.product((1, 3, 10, 30, 100, 300, 1_000), (0.01, 0.1, 0.5), range(10)), 1
        )
    )


def twelve() -> tuple[SyntheticProblem, ...]:
    """A list for minutes and not for days: dimensions 2 and 10, data ratios 1, 10 and 100, 2 seeds; temperature 0.1, tau 10, kappa 2.

    >>> [problem.num_train for problem in twelve()]
    [2, 2, 20, 20, 200, 200, 10, 10, 100, 100, 1000, 1000]
    """
    cells = itertools.product((2, 10), (1, 10, 100), range(2))
    return tuple(SyntheticProblem(dim, ratio, 0.1, seed) for seed, (dim, ratio, _) in enumerate(cells, 1))


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    found = rng.standard_normal(shape)
    while (beyond := np.abs(found) > TRUNCATION).any():
        found[beyond] = rng.standard_normal(int(beyond.sum()))
    return found


def _labels(rng: np.random.Generator, log_probs: Floats) -> Ints:
    """One label for each row of the last axis."""
    ends = np.cumsum(np.exp(log_probs), axis=-1)[
        ..., :-1
    ]  # without the last end, which rounding may leave below a drawn number
    return np.asarray(np.sum(rng.random(log_probs.shape[:-1])[..., None] >= ends, axis=-1), np.int64)


def _predicted(predict: Callable[[Floats], ArrayLike], x: Floats, num_classes: int) -> Floats:
    rows = shaped(predict(x))
    if rows.shape[1:] != (len(x), num_classes):
        raise ValueError(
            f"The predictions have the shape {rows.shape}; give the log-probabilities of all members, [N, {len(x)}, {num_classes}]."
        )
    for member, (_, sound) in enumerate(members(rows)):
        if not sound.all():
            raise ValueError(
                f"Member {member} says nothing at the input {x[(~sound).argmax()].tolist()}; leave it out, or have it say something."
            )
    return rows.astype(np.float64)


def _log_sum_exp(values: Floats) -> Floats:
    """Over the last axis; minus infinity where all are."""
    top = np.max(values, axis=-1)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(safe + np.log(np.sum(np.exp(values - safe[..., None]), axis=-1)))


def _log_mean_exp(values: Floats) -> Floats:
    """Over the first axis, of members."""
    return np.asarray(_log_sum_exp(values.T) - math.log(len(values)))


def _estimate(values: Floats) -> KlEstimate:
    infinite = int(np.sum(~np.isfinite(values)))
    if infinite:
        finite = values[np.isfinite(values)]
        clamped = float(np.mean(np.where(np.isfinite(values), values, finite.max()))) if len(finite) else math.inf
        return KlEstimate(math.inf, math.inf, infinite, clamped)
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    mean = float(np.mean(values))
    return KlEstimate(mean, error, 0, mean)
