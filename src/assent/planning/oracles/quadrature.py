"""The posterior of rewards in worlds of up to three states, by adding up a grid of optimal values: exact to about ten digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

MOST_STATES = 3
"""A grid over more dimensions than this has too many points."""

POINTS = {1: 1_000, 2: 240, 3: 96}
"""Points of the grid in each direction, by the number of states. Its step is then at most a fifth of a standard deviation, and the
trapezoidal rule converges exponentially for smooth integrands that vanish at both ends (Trefethen and Weideman, SIAM Review 2014)."""

_CHUNK = 100_000


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
        ValueError: more than three states; an sd that is not above 0; no evidence at all.

    One state, two actions that stay; the overseer showed the first. Each is the better one with chance 1/2, and the better of two
    standard normal numbers is 1 / sqrt(pi) on average:

    >>> stay = np.ones((1, 2, 1))
    >>> found = posterior(stay, 0.5, np.zeros((1, 2)), np.ones((1, 2)), np.array([[1.0, 0.0]]))
    >>> round(found.evidence, 10), round(float(found.reward[0, 0]), 10), round(float(np.pi**-0.5), 10)
    (0.5, 0.5641895835, 0.5641895835)
    """
    num_states = len(transition)
    if not 1 <= num_states <= MOST_STATES:
        raise ValueError(
            f"{num_states} states: a grid over optimal values is meant for 1 to {MOST_STATES}. Use a sampler."
        )
    if not (np.isfinite(sd).all() and sd.min() > 0):
        raise ValueError(f"an sd of the prior is {sd.min()}; a reward that is known has no density.")
    centre, spread = _whitening(transition, discount, mean, sd)
    axes = [np.linspace(-9.0, 9.0, POINTS[num_states])] * num_states
    cell = np.prod([axis[1] - axis[0] for axis in axes]) * abs(np.linalg.det(spread))
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, num_states)
    total = 0.0
    sums = [np.zeros(num_states), np.zeros(mean.shape), np.zeros(mean.shape)]
    for start in range(0, len(grid), _CHUNK):
        value = centre + grid[start : start + _CHUNK] @ spread.T
        mass, policy, reward = _pointwise(transition, discount, mean, sd, weight, value)
        total += mass.sum()
        for kept, here in zip(sums, (value, policy, reward), strict=True):
            kept += np.tensordot(mass, here, axes=1)
    if not total > 0:
        raise ValueError("the corrections have evidence 0: no reward that the prior allows explains them.")
    return Posterior(float(total * cell), *(kept / total for kept in sums))


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
    """Mass [n], P(best action) [n, S, A] and E[R] [n, S, A] at values [n, S]."""
    num_states = len(transition)
    threshold = value[:, :, None] - discount * np.einsum("sap,np->nsa", transition, value)
    standard = (threshold - mean) / sd
    log_below = log_ndtr(standard)
    hazard = np.exp(-0.5 * standard**2 - 0.5 * np.log(2 * np.pi) - log_below) / sd
    row = np.eye(num_states)[:, None, :] - discount * transition
    matrix = np.einsum("sa,nsa,sap->nsp", weight, hazard, row)
    mass = np.linalg.det(matrix) * np.exp(log_below.sum(axis=(1, 2)))
    possible = mass > 0
    safe = np.where(possible[:, None, None], matrix, np.eye(num_states))
    policy = weight * hazard * np.einsum("sap,nps->nsa", row, np.linalg.inv(safe))
    reward = policy * threshold + (1 - policy) * (mean - sd**2 * hazard)
    return np.where(possible, mass, 0.0), policy, reward
