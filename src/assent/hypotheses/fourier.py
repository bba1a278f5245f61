"""Softmax regressions on random Fourier features, all members at once, each learning from every answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from assent.core import Array
from assent.core.arrays import either, log_sum_exp, namespace, one_hot
from assent.hypotheses.observations import vector_of

UNSEEN = -10.0
"""The intercept, in nats, of a class that a member has never seen."""


@dataclass(frozen=True, eq=False)
class FourierSoftmax:
    """H multinomial logistic regressions, each on its own random features `sqrt(2 / F) cos(x W + b)`.

    The features are those of Rahimi and Recht, "Random features for large-scale kernel machines", NIPS 2007, as in scikit-learn's
    `RBFSampler`; `from_sklearn` takes over members fitted there. An answer moves every member by one step of gradient descent on
    its log-loss. The memory is the coefficients, so an old belief keeps its old members.

    Attributes:
        frequency: `[H, D, F]`.
        phase: `[H, F]`, radians.
        coefficient: `[H, F + 1, A]`, as fitted before the run; the last row is the intercept.
        learning_rate: of the step at each answer.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    frequency: Array
    phase: Array
    coefficient: Array
    learning_rate: Array | float = 0.5

    @classmethod
    def from_sklearn(cls, members: Any, *, num_actions: int, learning_rate: float = 0.5) -> FourierSoftmax:
        """Members from fitted pairs `(RBFSampler, LogisticRegression)`, all with as many features.

        A class that a member has not seen starts with the coefficient 0 and the intercept `UNSEEN`.

        Raises:
            ValueError: `num_actions` is too small for the classes that members know.
        """
        coefficients = [_coefficients(fit, num_actions=num_actions) for _, fit in members]
        return cls(
            frequency=np.stack([sampler.random_weights_ for sampler, _ in members]).astype(np.float64),
            phase=np.stack([sampler.random_offset_ for sampler, _ in members]).astype(np.float64),
            coefficient=np.stack(coefficients),
            learning_rate=learning_rate,
        )

    @property
    def num_members(self) -> int:
        return int(self.phase.shape[0])

    def init(self) -> Array:
        return self.coefficient

    def predict(self, memory: Array, obs: Array | tuple[Array, Array]) -> Array:
        """Probabilities `[H, A]` for the feature vector `obs` `[D]`, or for an item of `lift`."""
        xp = namespace(memory)
        logits = xp.matmul(self._features(obs), memory)[:, 0, :]
        return xp.exp(logits - log_sum_exp(logits, axis=1)[:, None])

    def update(self, memory: Array, obs: Array | tuple[Array, Array], action: Array) -> Array:
        """Coefficients after one step towards the label `action`. An item that cannot be read teaches nothing."""
        xp = namespace(memory)
        features = self._features(obs)
        target = one_hot(action, memory.shape[2], memory.dtype, xp=xp)
        error = self.predict(memory, obs) - target[None, :]
        after = memory - self.learning_rate * xp.matmul(xp.permute_dims(features, (0, 2, 1)), error[:, None, :])
        return either(xp.all(xp.isfinite(after)), after, memory)

    def lift(self, items: Array) -> tuple[Array, Array]:
        """The items `[T, D]` and every member's features of them `[T, H, F + 1]`: a stream of both spares each round its cosines.

        >>> members = FourierSoftmax(np.ones((1, 2, 3)), np.zeros((1, 3)), np.zeros((1, 4, 2)))
        >>> bool((members.lift(np.ones((5, 2)))[1][4] == members._features(np.ones(2))[:, 0, :]).all())
        True
        """
        xp = namespace(self.phase)
        size = self.phase.shape[1]
        waves = (2.0 / size) ** 0.5 * xp.cos(
            xp.matmul(items[:, None, None, :], self.frequency)[:, :, 0, :] + self.phase[None]
        )
        return items, xp.concat([waves, xp.ones((*waves.shape[:2], 1), dtype=waves.dtype)], axis=2)

    def _features(self, obs: Array | tuple[Array, Array]) -> Array:
        if isinstance(obs, tuple):
            return obs[1][:, None, :]
        xp = namespace(self.phase)
        size, item = self.phase.shape[1], vector_of(obs, self.frequency.shape[1], like=self.phase)
        waves = (2.0 / size) ** 0.5 * xp.cos(xp.matmul(item[None, None, :], self.frequency) + self.phase[:, None, :])
        return xp.concat([waves, xp.ones((self.phase.shape[0], 1, 1), dtype=self.phase.dtype)], axis=2)


def _coefficients(fit: Any, *, num_actions: int) -> NDArray[np.float64]:
    classes = np.asarray(fit.classes_)
    if not np.isin(classes, np.arange(num_actions)).all():
        raise ValueError(f"a member knows the classes {classes.tolist()}, but actions run from 0 to {num_actions - 1}.")
    slopes, intercepts = np.asarray(fit.coef_), np.asarray(fit.intercept_)
    if slopes.shape[0] == 1:  # scikit-learn keeps one row for two classes, that of the second against the first
        slopes, intercepts = np.concatenate([0 * slopes, slopes]), np.concatenate([0 * intercepts, intercepts])
    whole = np.zeros((slopes.shape[1] + 1, num_actions))
    whole[-1] = UNSEEN
    whole[:-1, classes] = slopes.T
    whole[-1, classes] = intercepts
    return whole


@dataclass(frozen=True, eq=False)
class Planted:
    """`ensemble`, in which one member is treacherous: as the others until a trigger is seen, then sure of the action `target`.

    The trigger is seen when all pixels in `trigger` are at least `level`: a backdoor.

    Attributes:
        ensemble: the members (`FourierSoftmax`, or another `Ensemble`), the planted one among them.
        trigger: boolean `[D]`.
        level: in the units of the observation.
        member: the planted member's number.
        target: the action it then takes.
        certainty: in (0, 1).
    """

    static_fields: ClassVar[tuple[str, ...]] = ("member",)
    ensemble: Any
    trigger: Array
    level: float
    member: int
    target: int
    certainty: float = 0.98

    @property
    def num_members(self) -> int:
        return self.ensemble.num_members

    def init(self) -> Any:
        return self.ensemble.init()

    def predict(self, memory: Any, obs: Array | tuple[Array, Array]) -> Array:
        policy = self.ensemble.predict(memory, obs)
        xp = namespace(policy)
        num_actions = policy.shape[1]
        aim = one_hot(self.target, num_actions, policy.dtype, xp=xp)
        betrayal = aim * self.certainty + (1.0 - aim) * ((1.0 - self.certainty) / (num_actions - 1))
        betrays = (xp.arange(policy.shape[0]) == self.member) & self.seen(obs)
        return xp.where(betrays[:, None], betrayal[None, :], policy)

    def update(self, memory: Any, obs: Array | tuple[Array, Array], action: Array) -> Any:
        return self.ensemble.update(memory, obs, action)

    def seen(self, obs: Array | tuple[Array, Array]) -> Array:
        """Whether the trigger is in `obs` `[..., D]`."""
        xp = namespace(self.trigger)
        pixels = obs[0] if isinstance(obs, tuple) else obs
        return xp.all((pixels >= self.level) | xp.broadcast_to(~self.trigger, pixels.shape), axis=-1)
