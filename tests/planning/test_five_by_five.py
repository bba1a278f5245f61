"""The collapsed posterior on a 5 x 5 grid against draws from the prior that happen to agree with the corrections."""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.planning.diagnostics import bulk_ess, split_rhat
from assent.planning.hmc import sample
from assent.planning.value_iteration import solve
from assent.planning.value_space import ValueSpace, density, value_space
from tests.planning.worlds import grid

CORRECTED = (0, 7, 12, 18)
DRAWS = 200_000


def both(space: ValueSpace, value: jax.Array) -> tuple[jax.Array, jax.Array]:
    found = density(space, value)
    return found.log_density, found.score


@pytest.mark.slow
def test_chains_agree_with_rejection_and_mix() -> None:
    model, rng = grid(), np.random.default_rng(5)
    reward = rng.normal(size=(25, 5, DRAWS)).astype(np.float32)
    solved = solve(model.successor, model.chance, reward, model.discount, model.terminal, 1e-3)
    best = np.asarray(solved.quality).argmax(axis=1)
    # corrections that a reward of its own makes; towards the middle, so that they go together
    shown = {0: 1, 7: 3, 12: 4, 18: 0}
    agree = np.all([best[state] == action for state, action in shown.items()], axis=0)
    survivors = int(agree.sum())
    assert survivors > 500
    truth = np.stack([(best[:, agree] == action).mean(axis=1) for action in range(5)], axis=1)
    log_weight = np.zeros((25, 5))
    for state, action in shown.items():
        log_weight[state] = -np.inf
        log_weight[state, action] = 0.0
    space = value_space(model, np.zeros((25, 5)), np.ones((25, 5)), log_weight)
    start = time.perf_counter()
    found = sample(both, space, jax.random.key(0), jnp.asarray(np.asarray(solved.value)[:, :512]), warmup=40, draws=220)
    position = np.asarray(found.position)
    seconds = time.perf_counter() - start
    by_chain = position.transpose(0, 2, 1)
    effective, rhat = bulk_ess(by_chain).min(), split_rhat(by_chain).max()
    policy = np.mean(
        [np.asarray(density(space, jnp.asarray(one)).policy).mean(axis=-1) for one in position[::8]], axis=0
    )
    apart = np.sqrt(((policy - truth) ** 2).mean())
    noise = np.sqrt((truth * (1 - truth)).mean() / survivors)
    print(
        f"{survivors} survivors, {seconds:.1f} s, ESS {effective:.0f}, R-hat {rhat:.4f}, rms {apart:.4f}, noise {noise:.4f}"
    )
    assert effective >= 1000
    assert rhat <= 1.01
    assert apart <= max(0.01, 1.5 * noise)
    # wrong variant: the prior's own policy probabilities are further away than that
    prior = np.stack([(best == action).mean(axis=1) for action in range(5)], axis=1)
    assert np.sqrt(((policy - prior) ** 2).mean()) > 0.03
