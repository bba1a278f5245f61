"""logistic: one multinomial logistic regression on fixed features, and how sure it is of each score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from assent.core import Answer, Array, Grade
from assent.core.arrays import either, log_sum_exp, namespace, one_hot
from assent.hypotheses.observations import vector_of

STEPS, INNER_STEPS = 8, 5
"""Of Newton's method at each answer: for the normaliser, and within each for the A probabilities."""

TINY = 1e-12
"""A variance that moves no score."""


class Head(NamedTuple):
    """What has been learned.

    Attributes:
        coefficient: `[F, A]`.
        covariance: `[F, F]`, the inverse of the precision that all actions share.
    """

    coefficient: Array
    covariance: Array


@dataclass(frozen=True, eq=False)
class LogisticHead:
    """A Bayesian regression: P(a | x) = softmax(x W), W Gaussian around what was learned, with one covariance for all actions.

    The posterior of an answer is approximated as Laplace did: its mode, which lies along `covariance x`, is found to rounding,
    and the precision grows by `rho x x^T` with rho the mean curvature of the answer's log-likelihood there (Sherman and Morrison,
    1950: `O(F^2)`). Answers are taken in one at a time and then forgotten. Cf. D. Spiegelhalter and S. Lauritzen, "Sequential updating of
    conditional probabilities on directed graphical structures", Networks 20 (1990).

    `log_policy` is `softmax(x W)` at the mode. `log_lower` takes every difference of scores for `beta` standard deviations worse than it
    seems, `s` being the standard deviation of a score:

        p_a >= 1 / (1 + sum_{b != a} exp(z_b - z_a + beta sqrt(2) s)),      s^2 = x covariance x

    the corner of the ellipsoid of Abbasi-Yadkori, Pál and Szepesvári, "Improved algorithms for linear stochastic bandits", NIPS 2011,
    taken for each rival by itself. Far from all that was seen s is large, and it asks.

    **Nothing is proven**: the grade is `heuristic`. What `beta` buys was measured (docs/hypotheses.md): as a gate of a classifier 0.5 to 1
    does well; the probabilities of an overseer who throws dice are below the bound too often even at 2. `LogisticCoins` has a proof. As one
    regression is no committee, `Imitator.of` asks for ever with it; `Imitator(head, guards=(Readable(), OneAnswer(0.5)))` is what accepts
    that its own uncertainty has to stand for one.

    Attributes:
        precision: `[F]`, above 0, of the coefficients before the first answer; the last feature is the intercept.
        num_actions: A.
        frequency, phase: `[D, F - 1]` and `[F - 1]` (radians) of random Fourier features of an observation `[D]`; None: the observation
            `[F - 1]` is the features.
        beta: at least 0, in standard deviations.
        intercept: the last feature, the same for every observation.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions",)
    precision: Array
    num_actions: int
    frequency: Array | None = None
    phase: Array | None = None
    beta: Array | float = 0.5
    intercept: Array | float = 0.3

    @classmethod
    def of(
        cls,
        num_inputs: int,
        num_actions: int,
        *,
        num_features: int | None = None,
        width: float = 1.0,
        seed: int = 0,
        precision: float = 0.03,
        beta: float = 0.5,
        intercept: float = 0.3,
    ) -> LogisticHead:
        """A head on observations `[D]`, or on `num_features` random features of them.

        Args:
            num_features: of `sqrt(2 / num_features) cos(x W + b)`, which stand for the kernel `exp(-|x - y|^2 / (2 width^2))` (Rahimi and
                Recht, "Random features for large-scale kernel machines", NIPS 2007); None: the observations as they are.
            width: the distance at which two observations are no longer alike, in the units of the observations.
            seed: of the features.

        Raises:
            ValueError: fewer than one input or feature or two actions, or a number out of its range.

        >>> head = LogisticHead.of(2, 3)
        >>> memory = head.init()
        >>> for _ in range(30):
        ...     memory = head.learn(memory, np.asarray([1.0, 0.0]), Answer(np.asarray(2)))
        >>> np.exp(head.log_lower(memory, np.asarray([1.0, 0.0]))).round(2), np.exp(head.log_lower(memory, np.asarray([0.0, 1.0]))).round(2)
        (array([[0.  , 0.  , 0.98]]), array([[0.01, 0.01, 0.01]]))
        """
        if num_inputs < 1 or num_actions < 2 or (num_features is not None and num_features < 1):
            raise ValueError(
                f"{num_inputs} inputs, {num_actions} actions, num_features = {num_features}: give at least two actions and one of the rest."
            )
        if not (precision > 0 and beta >= 0 and width > 0 and np.isfinite([precision, beta, width, intercept]).all()):
            raise ValueError(
                f"precision = {precision}, beta = {beta}, width = {width}, intercept = {intercept}: precision and width are above 0, beta "
                "is at least 0, and all are finite."
            )
        size, frequency, phase = num_inputs, None, None
        if num_features is not None:
            rng, size = np.random.default_rng(seed), num_features
            frequency = rng.normal(size=(num_inputs, num_features)) / width
            phase = rng.uniform(0, 2 * np.pi, size=num_features)
        return cls(np.full(size + 1, precision), num_actions, frequency, phase, beta, intercept)

    @staticmethod
    def example() -> LogisticHead:
        """Two inputs, three actions, seven random features."""
        return LogisticHead.of(2, 3, num_features=7, width=2.0)

    @property
    def num_members(self) -> int:
        return 1

    @property
    def num_contexts(self) -> None:
        return None

    @property
    def remembers(self) -> bool:
        return False

    @property
    def grade(self) -> Grade:
        return "heuristic"

    @property
    def names(self) -> tuple[str, ...]:
        return ("logistic regression",)

    @property
    def risk(self) -> float:
        """Almost 1: no chance is proven."""
        return float(1 - np.finfo(np.float64).eps)

    def log_prior(self) -> Array:
        return namespace(self.precision).zeros_like(self.precision[:1])

    def init(self) -> Head:
        xp, size = namespace(self.precision), self.precision.shape[0]
        nothing = xp.zeros((size, self.num_actions), dtype=self.precision.dtype)
        return Head(nothing, xp.eye(size, dtype=self.precision.dtype) / self.precision[None, :])

    def log_policy(self, memory: Head, obs: Array) -> Array:
        """`[1, A]`, at the mode."""
        score = namespace(memory.coefficient).matmul(self.features(obs), memory.coefficient)
        return (score - log_sum_exp(score))[None, :]

    def log_lower(self, memory: Head, obs: Array) -> Array:
        """`[1, A]`, every rival's score for `beta` standard deviations more than it seems."""
        xp, features = namespace(memory.coefficient), self.features(obs)
        score = xp.matmul(features, memory.coefficient)
        variance = xp.sum(features * xp.matmul(memory.covariance, features))
        worse = self.beta * xp.sqrt(xp.where(variance > 0, 2 * variance, 0.0))
        rival = xp.eye(self.num_actions, dtype=score.dtype) == 0
        odds = score[None, :] - score[:, None] + xp.where(rival, worse, 0.0)
        return -log_sum_exp(odds, axis=1)[None, :]

    def advance(self, memory: Head, obs: Any, action: Array) -> Head:
        return memory

    def learn(self, memory: Head, obs: Array, answer: Answer) -> Head:
        """The memory after one answer: the new mode, and a greater precision along the features of `obs`. An item that cannot be read
        teaches nothing."""
        xp, features = namespace(memory.coefficient), self.features(obs)
        along = xp.matmul(memory.covariance, features)
        variance = xp.sum(features * along)
        variance = xp.where(variance < 0, 0.0, variance)
        score = xp.matmul(features, memory.coefficient)
        target = one_hot(answer.action, self.num_actions, score.dtype, xp=xp)
        step, policy = _mode(score, variance, target)
        # the trace of diag(p) - p p^T over the A - 1 directions in which a softmax can move
        curvature = xp.sum(policy * (1 - policy)) / max(self.num_actions - 1, 1)
        shrunk = curvature / (1 + curvature * variance)
        after = Head(
            coefficient=memory.coefficient + along[:, None] * step[None, :],
            covariance=memory.covariance - shrunk * along[:, None] * along[None, :],
        )
        readable = xp.all(xp.isfinite(after.coefficient)) & xp.all(xp.isfinite(after.covariance))
        return either(readable, after, memory)

    def features(self, obs: Array) -> Array:
        """`[F]`, of one observation; raises ValueError where it is not D numbers."""
        xp = namespace(self.precision)
        size = self.precision.shape[0] - 1 if self.frequency is None else self.frequency.shape[0]
        obs = vector_of(obs, size, like=self.precision)
        if self.frequency is not None:
            size = self.frequency.shape[1]
            obs = (2.0 / size) ** 0.5 * xp.cos(xp.matmul(obs, self.frequency) + self.phase)
        return xp.concat([obs, xp.ones_like(self.precision[:1]) * self.intercept])


def _mode(score: Array, variance: Array, target: Array) -> tuple[Array, Array]:
    """The step g `[A]` with `g = target - p`, `p = softmax(score + variance g)`, and p: the mode after one answer.

    With L the softmax's normaliser each p solves `log p + variance p = score + variance target - L` by itself (Wright's omega function),
    and L is where they sum to 1. Both are convex, and Newton's method never passes the root from the side where it starts.
    """
    xp = namespace(score)
    variance = xp.where(variance > TINY, variance, TINY)
    aim = score + variance * target
    level = log_sum_exp(aim) - variance  # here they sum to 1 or more
    for _ in range(STEPS):
        policy = xp.exp(_log_omega(xp.log(variance) + aim - level)) / variance
        level = level + (xp.sum(policy) - 1) / xp.sum(policy / (1 + variance * policy))
    policy = xp.exp(_log_omega(xp.log(variance) + aim - level)) / variance
    return target - policy, policy


def _log_omega(values: Array) -> Array:
    """The logarithm l of Wright's omega function: `exp(l) + l = values`."""
    xp = namespace(values)
    root = xp.where(values > 1, xp.log(xp.where(values > 1, values, 1.0)), values)
    for _ in range(INNER_STEPS):
        whole = xp.exp(root)
        root = root - (whole + root - values) / (whole + 1)
    return root
