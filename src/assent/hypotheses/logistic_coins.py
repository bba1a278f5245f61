"""logistic_coins: overseers for whom each action's log-odds are linear in the features, with bounds that are proven."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from assent.core import Answer, Array, Grade
from assent.core.arrays import either, namespace, one_hot
from assent.hypotheses.observations import vector_of

STEPS = 14
"""Of the search for the new score. What it leaves is counted (`Coins.regret`)."""


class Coins(NamedTuple):
    """What has been learned of each action, "this one or another".

    Attributes:
        coefficient: `[A, F]`.
        covariance: `[A, F, F]`, the inverse of the precision.
        regret: `[A]`, twice the nats by which the predictions so far were worse than the coefficients that followed them, less what their
            steps were long: the last term of the radius.
    """

    coefficient: Array
    covariance: Array
    regret: Array


@dataclass(frozen=True, eq=False)
class LogisticCoins:
    """One family: every overseer who takes action a at features x with probability `1 / (1 + exp(-x w_a))`, with |w_a| at most `norm`.

    For two actions that is logistic regression; for more, each action against all others. With features that single out every context it
    is any overseer at all whose probabilities are not too near 0 and 1.

    **What is promised.** With probability at least `1 - delta`, at every step and for every action, w_a lies in the ellipsoid

        |w - coefficient|^2_precision <= radius^2 = precision_0 norm^2 + 2 log(A / delta) + regret

    (two actions are one coin: log(1 / delta)), so that no lower bound `1 / (1 + exp(-(x coefficient - radius |x|_covariance)))` is ever
    above the overseer's probability. *Proof*, for one action; y is 1 if it was the answer, l(z) = log(1 + e^z) - y z its loss at score z,
    z* = x w* the true score. (1) Let q be a probability fixed before the answer, here the prediction. The product of `likelihood of
    q / likelihood of w*` over answers is a martingale that starts at 1, so (Ville) with probability `1 - delta / A`, always,
    `sum l(z*) <= sum -log q(y) + log(A / delta)`. (2) A step `g` along `covariance x` moves the score from z to u = z + v g, v = |x|^2 in
    the covariance, and `|w' - w*|^2 = |w - w*|^2 + 2 g (u - z*) - v g^2` in the precision so far. (3) l'(u) = sigma(u) - y, and where
    |z* - u| <= r the logistic loss, whose curvature changes by a factor of at most e^r there, has `2 (l(z*) - l(u) - l'(u)(z* - u)) >=
    rho (z* - u)^2` with `rho = 2 sigma'(u) (e^-r + r - 1) / r^2`. (4) So, with g = y - sigma(u) and the precision grown by `rho x x^T`,
    `|w' - w*|^2 <= |w - w*|^2 + 2 (l(z*) - l(u)) - v g^2`; if g misses y - sigma(u) by e, add 2 |e| r. Sum, and use (1). That z* is within
    r of u follows from the ellipsoid before the answer and from |z*| <= norm |x|. ∎

    Nothing in the radius is a constant of asymptotics: it is what the predictions did lose. It grows as F log n, and with it the number of
    questions: use this for up to some tens of features. If the assumption is contradicted (no w of that norm is left), everything is
    asked from then on.

    The manner of proof: Abbasi-Yadkori, Pál and Szepesvári, "Online-to-confidence-set conversions and application to sparse stochastic
    bandits", AISTATS 2012; the curvature: Bach, "Self-concordant analysis for logistic regression", Electronic Journal of Statistics 4
    (2010), Lemma 1. The radius as it stands is derived here.

    Attributes:
        precision: `[F]`, above 0, of the coefficients before the first answer.
        num_actions: A.
        norm: above 0, the most that the length of an overseer's w can be. Part of the assumption.
        delta: in (0, 1).
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions",)
    precision: Array
    num_actions: int
    norm: Array | float = 5.0
    delta: Array | float = 0.05

    @classmethod
    def of(
        cls, num_features: int, num_actions: int, *, norm: float = 5.0, delta: float = 0.05, precision: float = 0.5
    ) -> LogisticCoins:
        """The family over features `[F]`; scale them to a length of about 1, and add a constant one if they may need it.

        Raises:
            ValueError: fewer than one feature or action, or a number out of its range.

        >>> family = LogisticCoins.of(2, 2)
        >>> memory, obs = family.init(), np.asarray([1.0, 0.0])
        >>> for _ in range(100):
        ...     memory = family.learn(memory, obs, Answer(np.asarray(1)))
        >>> np.exp(family.log_lower(memory, obs)).round(2)
        array([[0.01, 0.66]])
        """
        if num_features < 1 or num_actions < 1:
            raise ValueError(f"{num_features} features and {num_actions} actions: there must be at least one of each.")
        if not (0 < norm < math.inf and 0 < precision < math.inf and 0 < delta < 1):
            raise ValueError(
                f"norm = {norm}, precision = {precision}, delta = {delta}: norm and precision are above 0 and finite, delta is a chance "
                "strictly between 0 and 1."
            )
        return cls(np.full(num_features, precision), num_actions, norm, delta)

    @staticmethod
    def example() -> LogisticCoins:
        """Two features, three actions."""
        return LogisticCoins.of(2, 3)

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
        return "bounded"

    @property
    def names(self) -> tuple[str, ...]:
        return ("logistic in each action",)

    @property
    def risk(self) -> Any:
        """The chance that an action is ever given more than the overseer gives it."""
        return self.delta

    @property
    def assumes(self) -> tuple[str, ...]:
        """What the promise supposes of the overseer."""
        return (
            f"Each action's probability is logistic in the features, with a coefficient vector no longer than norm = {float(self.norm):g}.",
        )

    def log_prior(self) -> Array:
        return namespace(self.precision).zeros_like(self.precision[:1])

    def init(self) -> Coins:
        xp, dtype, size = namespace(self.precision), self.precision.dtype, self.precision.shape[0]
        one = xp.eye(size, dtype=dtype) / self.precision[None, :]
        return Coins(
            coefficient=xp.zeros((self.num_actions, size), dtype=dtype),
            covariance=one[None, :, :] + xp.zeros((self.num_actions, 1, 1), dtype=dtype),
            regret=xp.zeros(self.num_actions, dtype=dtype),
        )

    def log_policy(self, memory: Coins, obs: Array) -> Array:
        """`[1, A]`, the coins' predictions, scaled to sum to 1; minus infinity throughout once an ellipsoid holds nobody, so that the next
        answer ends the family as it ends a member that said it could not be. Raises ValueError where `obs` is not F numbers."""
        score, variance, _ = self._seen(memory, obs)
        odds = _log_sigmoid(_moderated(score, variance))
        xp = namespace(odds)
        possible = xp.all(self.radius(memory) >= 0)
        return xp.where(possible, odds - xp.log(xp.sum(xp.exp(odds))), -float("inf"))[None, :]

    def log_lower(self, memory: Coins, obs: Array) -> Array:
        """`[1, A]`; minus infinity throughout where the ellipsoid holds nobody."""
        score, variance, _ = self._seen(memory, obs)
        low, _, sound = self._interval(memory, obs, score, variance)
        xp = namespace(low)
        return xp.where(xp.all(sound), _log_sigmoid(low), -float("inf"))[None, :]

    def advance(self, memory: Coins, obs: Any, action: Array) -> Coins:
        return memory

    def learn(self, memory: Coins, obs: Array, answer: Answer) -> Coins:
        """The memory after one answer, which teaches every coin. An item that cannot be read teaches nothing."""
        score, variance, along = self._seen(memory, obs)
        low, high, sound = self._interval(memory, obs, score, variance)
        xp = namespace(score)
        target = one_hot(answer.action, self.num_actions, score.dtype, xp=xp)
        moved = _implicit(score, variance, target)
        step = target - _sigmoid(moved)
        moved = score + variance * step
        reach = xp.maximum(xp.maximum(high - moved, moved - low), xp.asarray(1e-3, dtype=score.dtype))
        missed = 2 * xp.abs(step - (target - _sigmoid(moved))) * reach
        # the loss of score z where the answer was y is -log sigmoid((2y - 1) z)
        side = 2 * target - 1
        lost = _log_sigmoid(side * moved) - _log_sigmoid(side * _moderated(score, variance))
        curvature = _curvature(moved, reach)
        shrunk = curvature / (1 + curvature * variance)
        after = Coins(
            coefficient=memory.coefficient + along * step[:, None],
            covariance=memory.covariance - shrunk[:, None, None] * along[:, :, None] * along[:, None, :],
            regret=xp.where(sound, memory.regret + 2 * lost - variance * step**2 + missed, -float("inf")),
        )
        readable = xp.all(xp.isfinite(after.coefficient)) & xp.all(xp.isfinite(after.covariance))
        return either(readable, after, memory)

    def radius(self, memory: Coins) -> Array:
        """`[A]`, the square of each ellipsoid's radius; below 0 where the assumption is contradicted."""
        xp = namespace(memory.regret)
        coins = float(self.num_actions) if self.num_actions > 2 else 1.0
        start = xp.max(self.precision) * self.norm**2 + 2 * xp.log(
            xp.asarray(coins / self.delta, dtype=memory.regret.dtype)
        )
        return start + memory.regret

    def _seen(self, memory: Coins, obs: Array) -> tuple[Array, Array, Array]:
        """Scores `[A]`, their variances `[A]`, and covariance times features `[A, F]`."""
        xp = namespace(memory.coefficient)
        features = vector_of(obs, memory.coefficient.shape[1], like=memory.coefficient)
        features = xp.where(xp.isfinite(features), features, float("nan"))  # of infinity times zero nothing is known
        along = xp.matmul(memory.covariance, features)
        variance = xp.matmul(along, features)
        return xp.matmul(memory.coefficient, features), xp.where(variance < 0, 0.0, variance), along

    def _interval(self, memory: Coins, obs: Array, score: Array, variance: Array) -> tuple[Array, Array, Array]:
        """Where each action's true score lies, `[A]` twice, and whether there is such a place."""
        xp = namespace(score)
        squared = self.radius(memory)
        width = xp.sqrt(xp.where(squared > 0, squared * variance, 0.0))
        most = self.norm * xp.sqrt(xp.sum(xp.asarray(obs, dtype=score.dtype) ** 2))
        low, high = xp.maximum(score - width, -most), xp.minimum(score + width, most)
        return low, high, (squared >= 0) & (low <= high)


def _sigmoid(score: Array) -> Array:
    return namespace(score).exp(_log_sigmoid(score))


def _log_sigmoid(score: Array) -> Array:
    xp = namespace(score)
    return xp.where(score < 0, score, 0.0) - xp.log1p(xp.exp(-xp.abs(score)))


def _curvature(score: Array, reach: Array) -> Array:
    """The rho of the proof: no score within `reach` of this one has a loss that is less convex between the two."""
    share = _sigmoid(score)
    return 2 * share * (1 - share) * (namespace(score).expm1(-reach) + reach) / reach**2


def _moderated(score: Array, variance: Array) -> Array:
    """The score of the mean probability, nearly: D. MacKay, "The evidence framework applied to classification networks", Neural Computation
    4 (1992). The proof takes any."""
    return score / namespace(score).sqrt(1 + variance * (math.pi / 8))


def _implicit(score: Array, variance: Array, target: Array) -> Array:
    """The u with `u = score + variance (target - sigmoid(u))`: the score after the answer.

    By Newton's method from 0: the difference of the two sides is convex below 0 and concave above, so that no step passes the root.
    """
    moved = namespace(score).zeros_like(score)
    for _ in range(STEPS):
        share = _sigmoid(moved)
        excess = moved - score - variance * (target - share)
        moved = moved - excess / (1 + variance * share * (1 - share))
    return moved
