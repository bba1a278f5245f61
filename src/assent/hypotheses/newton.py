"""Softmax regressions moved by online Newton steps, as members that differ by an online bootstrap: learned in one pass, from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from assent.core import Array
from assent.core.arrays import either, log_sum_exp, namespace, one_hot
from assent.hypotheses.observations import vector_of

PERIOD = 4096
"""Answers after which the multiplicities begin anew."""


class Fitted(NamedTuple):
    """Where members are.

    Attributes:
        coefficient: `[H, F, A]`.
        inverse: `[F, F]`, the inverse of `ridge I + curvature sum x x^T` over all answered items x.
        taken: integer scalar, how many answers there were.
    """

    coefficient: Array
    inverse: Array
    taken: Array


@dataclass(frozen=True, eq=False)
class NewtonSoftmax:
    """H multinomial logistic regressions on the same features; an ensemble for `wrap`.

    At each answer a member moves by `-k G^-1 x (p - y)^T`, G being the matrix of `Fitted`, p its prediction, y the answer's corner and k
    how often its bootstrap counts the answer: the online Newton step of Hazan, Agarwal and Kale, "Logarithmic regret algorithms for online
    convex optimization", Machine Learning 69 (2007), without its projection, on the online bootstrap of Oza and Russell, "Online bagging
    and boosting", AISTATS 2001. All members share one matrix, kept as its inverse by the formula of Sherman and Morrison (1950), so that
    an answer costs F^2 and not F^3 operations. Before the first answer all predict uniformly.

    Attributes:
        multiplicity: `[P, H]`, how often the members count the answers; all 1 for plain regressions.
        num_features: F.
        num_actions: A.
        ridge: above 0, the matrix before any answer, as a multiple of the identity: the smaller, the bolder the first steps.
        curvature: above 0, what an item adds to the matrix; the log-loss of two classes is at most 1/4 as curved.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_features", "num_actions")
    multiplicity: Array
    num_features: int
    num_actions: int
    ridge: Array | float = 0.03
    curvature: Array | float = 0.1

    @classmethod
    def of(
        cls,
        *,
        num_features: int,
        num_actions: int,
        num_members: int = 1,
        ridge: float = 0.03,
        curvature: float = 0.1,
        seed: int | Sequence[int] = 0,
    ) -> NewtonSoftmax:
        """One plain regression, or several on bootstraps that are drawn from `seed`.

        Raises:
            ValueError: no features, actions or members, or a `ridge` or `curvature` that is not above 0.

        >>> one = NewtonSoftmax.of(num_features=2, num_actions=3)
        >>> taught = one.update(one.init(), np.asarray([1.0, 0.0]), 2)
        >>> one.predict(taught, np.asarray([1.0, 0.0])).round(2).tolist(), one.predict(taught, np.asarray([0.0, 1.0])).round(2).tolist()
        ([[0.0, 0.0, 1.0]], [[0.33, 0.33, 0.33]])
        """
        if min(num_features, num_actions, num_members) < 1 or not (0 < ridge < np.inf and 0 < curvature < np.inf):
            raise ValueError(
                f"num_features = {num_features}, num_actions = {num_actions}, num_members = {num_members}, ridge = {ridge}, curvature = "
                f"{curvature}: give at least one of each, and a ridge and a curvature above 0."
            )
        drawn = np.random.default_rng(seed).poisson(1.0, size=(PERIOD, num_members)).astype(np.float64)
        plain = np.ones((1, 1))
        return cls(drawn if num_members > 1 else plain, num_features, num_actions, ridge, curvature)

    @staticmethod
    def example() -> NewtonSoftmax:
        """Three members of two inputs and three actions."""
        return NewtonSoftmax.of(num_features=2, num_actions=3, num_members=3)

    @property
    def num_members(self) -> int:
        return int(self.multiplicity.shape[1])

    def init(self) -> Fitted:
        xp, dtype = namespace(self.multiplicity), self.multiplicity.dtype
        start = xp.zeros((self.num_members, self.num_features, self.num_actions), dtype=dtype)
        return Fitted(start, xp.eye(self.num_features, dtype=dtype) / self.ridge, xp.asarray(0))

    def predict(self, memory: Fitted, obs: Array) -> Array:
        """Probabilities `[H, A]` for the item `obs` `[F]`; raises ValueError where it is not F numbers."""
        xp = namespace(memory.coefficient)
        item = vector_of(obs, self.num_features, like=memory.coefficient)
        scores = xp.matmul(item[None, None, :], memory.coefficient)[:, 0, :]
        return xp.exp(scores - log_sum_exp(scores, axis=1)[:, None])

    def update(self, memory: Fitted, obs: Array, action: Array) -> Fitted:
        """The members after one step each towards the answer `action` at `obs`. An item that cannot be read teaches nothing."""
        xp = namespace(memory.coefficient)
        item = vector_of(obs, self.num_features, like=memory.coefficient)
        along = xp.matmul(memory.inverse, item)
        shrink = self.curvature / (1.0 + self.curvature * xp.sum(item * along))
        inverse = memory.inverse - shrink * along[:, None] * along[None, :]
        corner = one_hot(action, self.num_actions, memory.coefficient.dtype, xp=xp)
        times = self.multiplicity[memory.taken % self.multiplicity.shape[0], :]
        error = (self.predict(memory, obs) - corner[None, :]) * times[:, None]
        # G^-1 x from the new matrix, without another product of the whole matrix
        step = along * (1.0 - shrink * xp.sum(item * along))
        after = Fitted(memory.coefficient - step[None, :, None] * error[:, None, :], inverse, memory.taken + 1)
        return either(xp.all(xp.isfinite(after.coefficient)) & xp.all(xp.isfinite(inverse)), after, memory)


def fourier_features(items: Array, *, num_features: int, width: float, seed: int | Sequence[int]) -> Array:
    """`[T, num_features + 1]`: random Fourier features of items `[T, D]` for the kernel `exp(-width |x - y|^2)`, and a constant.

    Rahimi and Recht, "Random features for large-scale kernel machines", NIPS 2007: `sqrt(2 / F) cos(x W + b)`, W normal with variance
    `2 width`, b uniform.

    >>> lifted = fourier_features(np.zeros((2, 3)), num_features=2000, width=0.5, seed=0)
    >>> lifted.shape, bool(abs((lifted[0, :-1] ** 2).sum() - 1) < 0.1)
    ((2, 2001), True)
    """
    rng, items = np.random.default_rng(seed), np.asarray(items, dtype=np.float64)
    frequency = rng.normal(size=(items.shape[1], num_features)) * np.sqrt(2 * width)
    phase = rng.uniform(0, 2 * np.pi, num_features)
    waves = np.sqrt(2 / num_features) * np.cos(items @ frequency + phase)
    return np.concatenate([waves, np.full((len(items), 1), 0.3)], axis=1)
