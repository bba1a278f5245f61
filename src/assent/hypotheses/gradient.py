"""Linear members that learn by online gradient descent, each with a bound on what it loses against the best fixed one in hindsight.

Ensembles for `wrap`. A member has coefficients W, one column an action, and scores an item x by `x W`. At each answer it takes one step
against the gradient of its loss, a convex function of W, and goes back into its set. No assumption is made about what comes: the
bounds (`assent.agents.regret`) hold on every sequence, and those of `GradientMembers` also against coefficients that move.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from assent.core import Array
from assent.core.arrays import either, log_sum_exp, namespace, one_hot
from assent.hypotheses.observations import vector_of

Loss = Literal["log", "hinge"]
"""`log`: the negative log-probability of the answer under the softmax of the scores, nats. `hinge`: by how much a wrong score comes
within 1 of the answer's (Crammer and Singer, JMLR 2001); such a member is sure of its highest score."""

Step = Literal["root", "adaptive"]
"""`root`: D / (G sqrt t), Zinkevich's. `adaptive`: D / sqrt(2 sum of squared gradient norms so far), which knows no G."""


@dataclass(frozen=True, eq=False)
class Moved:
    """Where members are.

    Attributes:
        coefficient: `[H, F, A]`; of `ExponentiatedMembers` the sum of all gradients.
        squares: `[H]`, the sum of the squared norms of a member's gradients.
        answers: scalar, how many answers have taught.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    coefficient: Array
    squares: Array
    answers: Array


@dataclass(frozen=True, eq=False)
class GradientMembers:
    """H linear members, moved by projected online gradient descent within balls of their own.

    M. Zinkevich, "Online convex programming and generalized infinitesimal gradient ascent", ICML 2003; the adaptive step is that of
    M. Streeter and H. B. McMahan, "Less regret via online conditioning", 2010. With diameter `D = 2 radius` and gradients of at most
    `G = sqrt(2) norm`, the loss of a member of scale 1 after n answers is at most that of any coefficients in its ball plus
    `1.5 D G sqrt(n)`, and against coefficients that move, plus `G sqrt(n)` times the length of their way (`gradient_bound`).

    Attributes:
        start: `[H, F, A]`, each in its ball.
        radius: `[H]`, above 0, of the ball in which the coefficients stay, by the square root of the sum of their squares.
        scale: `[H]`, at least 0, what the step is multiplied by: 0 for a member that never moves.
        norm: above 0; a longer item is scaled down to this length, so that gradients are bounded.
        loss, step: see `Loss` and `Step`.

    Raises:
        ValueError: one of these is out of its range, or shapes do not fit.

    >>> members = GradientMembers.still(2, num_actions=3, radius=[1.0, 4.0])
    >>> moved = members.update(members.init(), np.asarray([1.0, 0.0]), 2)
    >>> members.predict(moved, np.asarray([1.0, 0.0])).round(2)
    array([[0.19, 0.19, 0.63],
           [0.01, 0.01, 0.99]])
    """

    static_fields: ClassVar[tuple[str, ...]] = ("loss", "step")
    start: Array
    radius: Array
    scale: Array
    norm: Array | float = 1.0
    loss: Loss = "log"
    step: Step = "root"

    def __post_init__(self) -> None:
        _check(self.start, self.radius, float(self.norm), self.loss)
        if self.step not in ("root", "adaptive"):
            raise ValueError(f"step = {self.step!r} is unknown: choose root or adaptive.")
        scale, lengths = np.asarray(self.scale), np.sqrt((np.asarray(self.start) ** 2).sum(axis=(1, 2)))
        if scale.shape != lengths.shape or not (np.isfinite(scale) & (scale >= 0)).all():
            raise ValueError(f"scale = {scale}: give each of the {len(lengths)} members a number from 0 up.")
        if not (lengths <= np.asarray(self.radius) * (1 + 1e-9)).all():
            raise ValueError(
                f"members start at the distances {lengths} of 0, outside of balls of radius {self.radius}."
            )

    @classmethod
    def still(
        cls,
        num_features: int,
        *,
        num_actions: int,
        radius: Any,
        scale: Any = 1.0,
        norm: float = 1.0,
        loss: Loss = "log",
        step: Step = "root",
    ) -> GradientMembers:
        """One member for each radius, all with coefficients 0: they find every action equally likely."""
        radius = np.atleast_1d(np.asarray(radius, dtype=np.float64))
        scale = np.broadcast_to(np.asarray(scale, dtype=np.float64), radius.shape).copy()
        return cls(np.zeros((len(radius), num_features, num_actions)), radius, scale, norm, loss, step)

    @staticmethod
    def example() -> GradientMembers:
        """Three members of two inputs and three actions, the last of which does not move."""
        start = np.random.default_rng(2).normal(size=(3, 2, 3)) * 0.2
        return GradientMembers(
            start, np.asarray([2.0, 4.0, 8.0]), np.asarray([1.0, 0.5, 0.0]), norm=2.0, step="adaptive"
        )

    @property
    def num_members(self) -> int:
        return int(self.start.shape[0])

    @property
    def diameter(self) -> Array:
        """`[H]`, D: how far two points of a member's ball may be apart."""
        return 2 * self.radius

    @property
    def steepest(self) -> Array | float:
        """G, the greatest norm of a gradient: an item of length `norm` times a difference of two distributions, at most sqrt 2 long."""
        return 2**0.5 * self.norm

    def init(self) -> Moved:
        xp = namespace(self.start)
        return Moved(self.start, xp.zeros_like(self.start[:, 0, 0]), xp.zeros_like(self.start[0, 0, 0]))

    def predict(self, memory: Moved, obs: Array) -> Array:
        """Probabilities `[H, A]` for the item `obs` `[F]`; raises ValueError where it is not F numbers."""
        return _predicted(_scores(memory.coefficient, _short(obs, self.norm, like=self.start)), self.loss)

    def losses(self, memory: Moved, obs: Array, action: Array) -> Array:
        """`[H]`, each member's loss at the answer `action`, before it learns from it."""
        return _losses(_scores(memory.coefficient, _short(obs, self.norm, like=self.start)), action, self.loss)

    def update(self, memory: Moved, obs: Array, action: Array) -> Moved:
        """The members after one step each. An item that cannot be read teaches nothing."""
        xp = namespace(memory.coefficient)
        gradient = _gradient(memory.coefficient, _short(obs, self.norm, like=self.start), action, self.loss)
        square = xp.sum(gradient**2, axis=(1, 2))
        squares, answers = memory.squares + square, memory.answers + 1
        if self.step == "root":
            step = self.diameter / (self.steepest * xp.sqrt(answers))
        else:
            step = self.diameter / xp.sqrt(2 * xp.where(squares > 0, squares, 1.0))
        moved = memory.coefficient - (self.scale * step)[:, None, None] * gradient
        length = xp.sqrt(xp.sum(moved**2, axis=(1, 2)))
        outside = length > self.radius
        inward = xp.where(outside, self.radius / xp.where(outside, length, 1.0), 1.0)
        return _if_readable(Moved(moved * inward[:, None, None], squares, answers), memory)


@dataclass(frozen=True, eq=False)
class ExponentiatedMembers:
    """H linear members, moved by exponentiated gradients: their loss grows with the logarithm of the number of features.

    J. Kivinen and M. K. Warmuth, "Exponentiated gradient versus gradient descent for linear predictors", Information and Computation,
    1997: the algorithm EG with coefficients of both signs, whose absolute values sum to at most `radius`. Weights follow the sum of all
    gradients at the rate `sqrt(ln(2 F A) / t) / (radius norm)`, so no horizon has to be known; after n answers the loss is at most that
    of any such coefficients plus `2 radius norm sqrt(n ln(2 F A))` (`exponentiated_bound`).

    Attributes:
        radius: `[H]`, above 0: the most that the absolute values of the coefficients sum to.
        num_features, num_actions: F and A.
        norm: above 0; inputs are cut off at plus and minus this.
        loss: see `Loss`.

    Raises:
        ValueError: one of these is out of its range.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_features", "num_actions", "loss")
    radius: Array
    num_features: int
    num_actions: int
    norm: Array | float = 1.0
    loss: Loss = "log"

    def __post_init__(self) -> None:
        shape = (len(np.atleast_1d(np.asarray(self.radius))), self.num_features, self.num_actions)
        if min(shape) < 1:
            raise ValueError(f"{shape} members, features and actions: there is at least one of each.")
        _check(np.zeros(shape), self.radius, float(self.norm), self.loss)

    @staticmethod
    def example() -> ExponentiatedMembers:
        """Two members of two inputs and three actions."""
        return ExponentiatedMembers(np.asarray([2.0, 8.0]), num_features=2, num_actions=3, norm=2.0)

    @property
    def num_members(self) -> int:
        return int(self.radius.shape[0])

    def init(self) -> Moved:
        xp = namespace(self.radius)
        nothing = xp.zeros((self.num_members, self.num_features, self.num_actions), dtype=self.radius.dtype)
        return Moved(nothing, xp.zeros_like(self.radius), xp.zeros_like(self.radius[0, ...]))

    def coefficients(self, memory: Moved) -> Array:
        """`[H, F, A]`, where the weights that follow the gradients lead to."""
        xp = namespace(memory.coefficient)
        log_count = math.log(2 * self.num_features * self.num_actions)
        # for losses of single weights, which are `radius` times a gradient, divided by that radius
        rate = xp.sqrt(log_count / (memory.answers + 1)) / self.norm
        lean = rate * memory.coefficient
        top = xp.max(xp.abs(lean), axis=(1, 2), keepdims=True)
        up, down = xp.exp(-lean - top), xp.exp(lean - top)
        return self.radius[:, None, None] * (up - down) / xp.sum(up + down, axis=(1, 2), keepdims=True)

    def predict(self, memory: Moved, obs: Array) -> Array:
        """Probabilities `[H, A]` for the item `obs` `[F]`; raises ValueError where it is not F numbers."""
        return _predicted(_scores(self.coefficients(memory), _cut(obs, self.norm, like=memory.coefficient)), self.loss)

    def losses(self, memory: Moved, obs: Array, action: Array) -> Array:
        """`[H]`, each member's loss at the answer `action`, before it learns from it."""
        return _losses(
            _scores(self.coefficients(memory), _cut(obs, self.norm, like=memory.coefficient)), action, self.loss
        )

    def update(self, memory: Moved, obs: Array, action: Array) -> Moved:
        """The members after one more gradient each. An item that cannot be read teaches nothing."""
        xp = namespace(memory.coefficient)
        gradient = _gradient(
            self.coefficients(memory), _cut(obs, self.norm, like=memory.coefficient), action, self.loss
        )
        squares = memory.squares + xp.sum(gradient**2, axis=(1, 2))
        return _if_readable(Moved(memory.coefficient + gradient, squares, memory.answers + 1), memory)


def _short(obs: Any, norm: Array | float, *, like: Array) -> Array:
    """The item, scaled down to the length `norm` if it is longer."""
    xp, item = namespace(like), _item(obs, like=like)
    length = xp.sqrt(xp.sum(item**2))
    return item * xp.where(length > norm, norm / xp.where(length > 0, length, 1.0), 1.0)


def _cut(obs: Any, norm: Array | float, *, like: Array) -> Array:
    """The item, each input between minus and plus `norm`."""
    xp, item = namespace(like), _item(obs, like=like)
    return xp.where(item > norm, norm, xp.where(item < -norm, -norm, item))


def _item(obs: Any, *, like: Array) -> Array:
    """The item, for coefficients `like` `[H, F, A]`; what is infinite cannot be read."""
    xp, item = namespace(like), vector_of(obs, like.shape[1], like=like)
    return xp.where(xp.isfinite(item), item, float("nan"))


def _scores(coefficient: Array, item: Array) -> Array:
    """`[H, A]`."""
    return namespace(coefficient).sum(coefficient * item[None, :, None], axis=1)


def _predicted(scores: Array, loss: Loss) -> Array:
    xp = namespace(scores)
    if loss == "log":
        return xp.exp(scores - log_sum_exp(scores, axis=1)[:, None])
    sure = one_hot(xp.argmax(scores, axis=1), scores.shape[1], scores.dtype, xp=xp)
    return xp.where(xp.isfinite(scores), sure, float("nan"))


def _losses(scores: Array, action: Array, loss: Loss) -> Array:
    xp = namespace(scores)
    if loss == "log":
        return log_sum_exp(scores, axis=1) - scores[:, action]
    return xp.max(_within(scores, action), axis=1)


def _within(scores: Array, action: Array) -> Array:
    """`[H, A]`: by how much each score comes within 1 of the answer's; 0 for the answer itself."""
    xp = namespace(scores)
    right = one_hot(action, scores.shape[1], scores.dtype, xp=xp)[None, :]
    return scores - scores[:, action][:, None] + (1.0 - right)


def _gradient(coefficient: Array, item: Array, action: Array, loss: Loss) -> Array:
    """`[H, F, A]`, by the coefficients."""
    xp = namespace(coefficient)
    scores = _scores(coefficient, item)
    answer = one_hot(action, scores.shape[1], scores.dtype, xp=xp)[None, :]
    if loss == "log":
        lean = _predicted(scores, loss) - answer
    else:  # at the answer itself, where nothing comes within 1, the two cancel
        lean = one_hot(xp.argmax(_within(scores, action), axis=1), scores.shape[1], scores.dtype, xp=xp) - answer
    return item[None, :, None] * lean[:, None, :]


def _if_readable(after: Moved, before: Moved) -> Moved:
    xp = namespace(after.coefficient)
    return either(xp.all(xp.isfinite(after.squares)) & xp.all(xp.isfinite(after.coefficient)), after, before)


def _check(start: Any, radius: Any, norm: float, loss: str) -> None:
    start, radius = np.asarray(start), np.asarray(radius)
    if start.ndim != 3 or 0 in start.shape or not np.isfinite(start).all():
        raise ValueError(
            f"start has the shape {start.shape}; expected finite numbers [members, features, actions], none of them 0."
        )
    if radius.shape != start.shape[:1] or not (np.isfinite(radius) & (radius > 0)).all() or not 0 < norm < np.inf:
        raise ValueError(
            f"radius = {radius}, norm = {norm}: give each of {len(start)} members a radius above 0, and a norm above 0."
        )
    if loss not in ("log", "hinge"):
        raise ValueError(f"loss = {loss!r} is unknown: choose log or hinge.")
