"""The posterior of rewards in worlds of up to three states, by adding up a grid of optimal values; to ten digits where it resolves them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import log_ndtr

MOST_STATES = 3
"""A grid over more dimensions than this has too many points."""

POINTS = {1: 1_000, 2: 240, 3: 96}
"""Points of the grid in each direction, by the number of states. Its step is then at most a fifth of a standard deviation, and the
trapezoidal rule converges exponentially for smooth integrands that vanish at both ends (Trefethen and Weideman, SIAM Review 2014).
Where standard deviations or means are far apart it is coarser than that, and `prior_mass` tells."""

RESOLVED = 1e-5
"""How far the prior's mass on the grid may be from 1: what is told is then right to about as much, and to ten digits where it is 1."""

_CHUNK = 100_000
_NOTHING = 1e-250
"""Mass below this is none: beyond, matrices hold numbers that float64 cannot invert."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is believed of the rewards of S states and A actions.

    Attributes:
        evidence: P(data).
        value: [S], the expectation of the optimal value.
        policy: [S, A], P(the action is optimal).
        reward: [S, A], the mean reward.
    """

    evidence: float
    value: np.ndarray
    policy: np.ndarray
    reward: np.ndarray


def posterior(
    transition: np.ndarray, discount: float, mean: np.ndarray, sd: np.ndarray, weight: np.ndarray
) -> Posterior:
    """The posterior where rewards are independent and normal, and an answer depends on the best action alone.

    It is the sum over optimal values V of det M(V) prod F(u), derived in docs/reward-posterior.md, with u_sa = V(s) - discount
    T_a V(s), f and F the prior's density and distribution function at u, and row s of M = sum_a l_sa f / F (e_s - discount T_a(s)).

    Args:
        transition: [S, A, S], S <= 3, chances between states that do not end; what is missing from 1 ends.
        discount: in (0, 1].
        mean, sd: [S, A], sd above 0.
        weight: [S, A], the likelihood l of all corrections in s, given that a is the best action there; 1 where there were none.

    Raises:
        ValueError: more than three states; an sd that is not above 0; a prior that the grid does not resolve; no evidence at all.

    One state, two actions that stay; the overseer showed the first. Each is the better one with chance 1/2, and the better of two
    standard normal numbers is 1 / sqrt(pi) on average:

    >>> stay = np.ones((1, 2, 1))
    >>> found = posterior(stay, 0.5, np.zeros((1, 2)), np.ones((1, 2)), np.array([[1.0, 0.0]]))
    >>> round(found.evidence, 10), round(float(found.reward[0, 0]), 10), round(float(np.pi**-0.5), 10)
    (0.5, 0.5641895835, 0.5641895835)
    """
    mass = prior_mass(transition, discount, mean, sd)
    if not abs(mass - 1) <= RESOLVED:
        raise ValueError(
            f"the grid does not resolve this prior: its mass there is {mass:.6g}, not 1. Means or standard deviations are too far "
            "apart; use the sampler 'collapsed'."
        )
    total = 0.0
    sums = [np.zeros(len(transition)), np.zeros(mean.shape), np.zeros(mean.shape)]
    values, cell = _grid(transition, discount, mean, sd)
    for value in values:
        here, policy, reward = _pointwise(transition, discount, mean, sd, weight, value)
        total += here.sum()
        for kept, each in zip(sums, (value, policy, reward), strict=True):
            kept += np.tensordot(here, each, axes=1)
    if not total > 0:
        raise ValueError("the corrections have evidence 0: no reward that the prior allows explains them.")
    return Posterior(float(total * cell), *(kept / total for kept in sums))


def prior_mass(transition: np.ndarray, discount: float, mean: np.ndarray, sd: np.ndarray) -> float:
    """The integral of the prior's density of optimal values as the grid adds it up: 1 where the grid is fine and wide enough.

    Args:
        transition, discount, mean, sd: as in `posterior`.

    Raises:
        ValueError: more than three states; an sd that is not above 0.

    >>> stay = np.ones((1, 2, 1))
    >>> [round(prior_mass(stay, 0.5, np.zeros((1, 2)), np.array([[least, 1.0]])), 6) for least in (1.0, 0.001)]
    [1.0, 3.138777]
    """
    num_states = len(transition)
    if not 1 <= num_states <= MOST_STATES:
        raise ValueError(
            f"{num_states} states: a grid over optimal values is meant for 1 to {MOST_STATES}. Use a sampler."
        )
    if not (np.isfinite(sd).all() and sd.min() > 0):
        raise ValueError(f"an sd of the prior is {sd.min()}; a reward that is known has no density.")
    world, middle, width = (np.ascontiguousarray(table, dtype=np.float64).tobytes() for table in (transition, mean, sd))
    return _mass_of((num_states, mean.shape[1]), float(discount), world, middle, width)


@lru_cache(maxsize=32)  # a belief asks again with each correction
def _mass_of(shape: tuple[int, int], discount: float, transition: bytes, mean: bytes, sd: bytes) -> float:
    world = np.frombuffer(transition).reshape(*shape, shape[0])
    middle, width = (np.frombuffer(table).reshape(shape) for table in (mean, sd))
    values, cell = _grid(world, discount, middle, width)
    unheard = np.ones(shape)
    return float(cell * sum(_mass(world, discount, middle, width, unheard, value)[0].sum() for value in values))


def _grid(
    transition: np.ndarray, discount: float, mean: np.ndarray, sd: np.ndarray
) -> tuple[Iterator[np.ndarray], float]:
    """Optimal values [n, S], in parts, and the volume that each stands for."""
    num_states = len(transition)
    centre, spread = _whitening(transition, discount, mean, sd)
    axes = [np.linspace(-9.0, 9.0, POINTS[num_states])] * num_states
    cell = float(np.prod([axis[1] - axis[0] for axis in axes]) * abs(np.linalg.det(spread)))
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, num_states)
    return (centre + grid[start : start + _CHUNK] @ spread.T for start in range(0, len(grid), _CHUNK)), cell


def _whitening(
    transition: np.ndarray, discount: float, mean: np.ndarray, sd: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centre [S] and factor [S, S]: nearly all of the prior's optimal values lie within 9 units of the centre.

    The mean over actions of u lies between the least and the best reward's plausible values; V is its image under
    (I - discount * mean transition)^-1.
    """
    num_states, num_actions, _ = transition.shape
    back = np.linalg.inv(np.eye(num_states) - discount * transition.mean(axis=1))
    # u of the best action is its reward; those of the others are above theirs. 1.2: the best of a few normal numbers
    level = mean.mean(axis=1) + 1.2 * sd.max(axis=1) + 0.5 * (mean.max(axis=1) - mean.min(axis=1))
    width = sd.max(axis=1) + 0.3 * (mean.max(axis=1) - mean.min(axis=1))
    return back @ level, back * width[None, :] * (1.0 + 0.1 * num_actions / 2)


def _pointwise(
    transition: np.ndarray, discount: float, mean: np.ndarray, sd: np.ndarray, weight: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mass [n], P(best action) [n, S, A] and E[R] [n, S, A] at values [n, S]; zeros where there is no mass."""
    mass, matrix, threshold, hazard = _mass(transition, discount, mean, sd, weight, value)
    possible = (mass > 0)[:, None, None]
    row = np.eye(len(transition))[:, None, :] - discount * transition
    inverse = np.linalg.inv(np.where(possible, matrix, np.eye(len(transition))))
    policy = weight * hazard * np.einsum("sap,nps->nsa", row, inverse)
    reward = policy * threshold + (1 - policy) * (mean - sd**2 * hazard)
    return mass, np.where(possible, policy, 0.0), np.where(possible, reward, 0.0)


def _mass(
    transition: np.ndarray, discount: float, mean: np.ndarray, sd: np.ndarray, weight: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The density [n] at values [n, S], 0 where it is next to nothing; its matrix [n, S, S], u and f / F [n, S, A]."""
    threshold = value[:, :, None] - discount * np.einsum("sap,np->nsa", transition, value)
    standard = (threshold - mean) / sd
    log_below = log_ndtr(standard)
    hazard = np.exp(-0.5 * standard**2 - 0.5 * np.log(2 * np.pi) - log_below) / sd
    row = np.eye(len(transition))[:, None, :] - discount * transition
    matrix = np.einsum("sa,nsa,sap->nsp", weight, hazard, row)
    with np.errstate(divide="ignore"):  # a matrix of zeros, far from all mass
        mass = np.linalg.det(matrix) * np.exp(log_below.sum(axis=(1, 2)))
    return np.where(mass > _NOTHING, mass, 0.0), matrix, threshold, hazard
