"""Priors over rewards that are real numbers, independent for every place and action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np

Table = np.ndarray | float
"""One number for all places and actions, or [P, A]."""


@runtime_checkable
class ContinuousPrior(Protocol):
    """Rewards that can be drawn, and moved without leaving the prior."""

    def draw(self, rng: np.random.Generator, places: int, actions: int, count: int) -> np.ndarray: ...
    def redraw(self, rng: np.random.Generator, reward: np.ndarray) -> np.ndarray: ...
    def nudge(self, rng: np.random.Generator, reward: np.ndarray) -> np.ndarray: ...
    def normal(self, places: int, actions: int) -> tuple[np.ndarray, np.ndarray] | None: ...
    def describe(self) -> str: ...


class HasNormal(ContinuousPrior, Protocol):
    """Priors under which every reward is normal, and none is known: what has a density over optimal values."""

    def normal(self, places: int, actions: int) -> tuple[np.ndarray, np.ndarray]: ...


def has_normal(prior: ContinuousPrior, places: int, actions: int) -> TypeGuard[HasNormal]:
    """Whether every reward of such a world is normal."""
    return prior.normal(places, actions) is not None


@dataclass(frozen=True, eq=False)
class Gaussian:
    """R(place, action) is normal with this mean and standard deviation, independently.

    Attributes:
        mean, sd: a number or [P, A], in units of reward; sd at least 0. An sd of 0 is a reward that is known.

    Raises:
        ValueError: a number that is not finite, or an sd below 0.

    >>> Gaussian(sd=2.0).draw(np.random.default_rng(0), 1, 2, 3).shape
    (1, 2, 3)
    """

    mean: Table = 0.0
    sd: Table = 1.0

    def __post_init__(self) -> None:
        _check(self.mean, self.sd)

    def draw(self, rng: np.random.Generator, places: int, actions: int, count: int) -> np.ndarray:
        """[P, A, N], independent."""
        mean, sd = self.normal(places, actions)
        return mean[:, :, None] + sd[:, :, None] * rng.normal(size=(places, actions, count))

    def redraw(self, rng: np.random.Generator, reward: np.ndarray) -> np.ndarray:
        """Some of the rewards [P, A, N] drawn anew, each particle its own share of them."""
        return _redrawn(rng, reward, self.draw(rng, *reward.shape))

    def nudge(self, rng: np.random.Generator, reward: np.ndarray) -> np.ndarray:
        """All rewards moved a little: the rotation of Neal (1998) that keeps a normal distribution."""
        mean, _ = self.normal(*reward.shape[:2])
        return _rotated(rng, reward, self.draw(rng, *reward.shape), mean[:, :, None])

    def normal(self, places: int, actions: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and sd, [P, A]."""
        return _table(self.mean, places, actions), _table(self.sd, places, actions)

    def describe(self) -> str:
        return f"normal, mean {_said(self.mean)}, sd {_said(self.sd)}"


@dataclass(frozen=True, eq=False)
class SpikeSlab:
    """R(place, action) is 0 with chance 1 - q, else normal, independently.

    The atom at 0 has no density, and ties have chances above 0; so these beliefs are sampled by SMC.

    Attributes:
        q: in [0, 1], the chance that a reward is not 0.
        mean, sd: of rewards that are not 0; a number or [P, A].

    Raises:
        ValueError: a number outside of what is said above.

    >>> bool((SpikeSlab(q=0.0).draw(np.random.default_rng(0), 2, 2, 3) == 0).all())
    True
    """

    q: float
    mean: Table = 0.0
    sd: Table = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.q <= 1:
            raise ValueError(f"q = {self.q}, the chance that a reward is not 0, is outside [0, 1].")
        _check(self.mean, self.sd)

    def draw(self, rng: np.random.Generator, places: int, actions: int, count: int) -> np.ndarray:
        """[P, A, N], independent."""
        slab = Gaussian(self.mean, self.sd).draw(rng, places, actions, count)
        return np.where(rng.random(slab.shape) < self.q, slab, 0.0)

    def redraw(self, rng: np.random.Generator, reward: np.ndarray) -> np.ndarray:
        """Some of the rewards [P, A, N] drawn anew, atoms and all."""
        return _redrawn(rng, reward, self.draw(rng, *reward.shape))

    def nudge(self, rng: np.random.Generator, reward: np.ndarray) -> np.ndarray:
        """Rewards that are not 0 moved a little; zeros stay."""
        slab = Gaussian(self.mean, self.sd)
        return np.where(reward == 0, 0.0, slab.nudge(rng, reward))

    def normal(self, places: int, actions: int) -> None:
        """None: there is an atom."""
        return None

    def describe(self) -> str:
        return f"0 with chance {1 - self.q:g}, else normal, mean {_said(self.mean)}, sd {_said(self.sd)}"


def _redrawn(rng: np.random.Generator, reward: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """From one reward in fifty to one in two, differently for each particle: bold where little is known, careful where much is."""
    share = np.exp(rng.uniform(np.log(0.02), np.log(0.5), reward.shape[2]))
    return np.where(rng.random(reward.shape) < share, fresh, reward)


def _rotated(rng: np.random.Generator, reward: np.ndarray, fresh: np.ndarray, mean: np.ndarray) -> np.ndarray:
    angle = np.exp(rng.uniform(np.log(0.02), np.log(0.5), reward.shape[2])) * np.pi / 2
    return mean + np.cos(angle) * (reward - mean) + np.sin(angle) * (fresh - mean)


def _table(value: Table, places: int, actions: int) -> np.ndarray:
    """[P, A].

    Raises:
        ValueError: `value` has another shape.
    """
    array = np.asarray(value, dtype=np.float64)
    if array.shape not in ((), (places, actions)):
        raise ValueError(
            f"a prior's table has shape {array.shape}; this world wants one number or [{places}, {actions}]."
        )
    return np.broadcast_to(array, (places, actions))


def _check(mean: Table, sd: Table) -> None:
    if not np.isfinite(np.asarray(mean)).all():
        raise ValueError(f"mean = {mean} is not finite.")
    if not np.isfinite(np.asarray(sd)).all() or np.asarray(sd).min() < 0:
        raise ValueError(f"sd = {sd} must be finite and at least 0.")


def _said(value: Table) -> str:
    array = np.asarray(value)
    return f"{float(array):g}" if array.ndim == 0 else f"{array.min():g} to {array.max():g}"
