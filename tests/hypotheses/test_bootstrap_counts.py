"""Bootstrap counts against a loop in plain Python, and against what a bootstrap is."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import assent.lab  # noqa: F401
from assent.core import Answer
from assent.hypotheses.bootstrap_counts import BootstrapCounts


def taught(members: BootstrapCounts, said: list[tuple[int, int]]) -> Any:
    memory = members.init()
    for obs, action in said:
        memory = members.learn(memory, obs, Answer(np.asarray(action)))
    return memory


@pytest.mark.parametrize("seed", range(5))
def test_rows_are_those_of_a_loop_that_repeats_each_answer(seed: int) -> None:
    """The wrong variant counts every answer once for every member: then members do not differ at all."""
    rng = np.random.default_rng(seed)
    members = BootstrapCounts.of(num_contexts=3, num_actions=4, num_members=5, pseudo=0.25, seed=seed, period=7)
    said = [(int(rng.integers(3)), int(rng.integers(4))) for _ in range(20)]
    memory = taught(members, said)
    for member in range(5):
        copies = [
            pair for number, pair in enumerate(said) for _ in range(int(members.multiplicity[number % 7, member]))
        ]
        for obs in range(3):
            own = [action for context, action in copies if context == obs]
            wanted = [(own.count(action) + 0.25) / (len(own) + 1.0) for action in range(4)]
            given = np.exp(members.log_policy(memory, obs)[member])
            assert given == pytest.approx(wanted, rel=1e-12)
    plain = BootstrapCounts(np.ones((7, 5)), 3, 4)
    rows = plain.log_policy(taught(plain, said), said[0][0])
    assert np.ptp(rows, axis=0).max() == 0
    assert np.ptp(members.log_policy(memory, said[0][0]), axis=0).max() > 0


def test_multiplicities_are_poisson_and_their_own_for_each_seed() -> None:
    """Mean 1, variance 1, and 37 % zeros, within five standard errors of 40,960 draws."""
    drawn = BootstrapCounts.of(num_contexts=1, num_actions=2, seed=3).multiplicity
    error = 5 / np.sqrt(drawn.size)
    assert drawn.mean() == pytest.approx(1, abs=error)
    assert drawn.var() == pytest.approx(1, abs=error * np.sqrt(3))  # a Poisson(1)'s squares vary by 3
    assert (drawn == 0).mean() == pytest.approx(np.exp(-1), abs=error / 2)
    other = BootstrapCounts.of(num_contexts=1, num_actions=2, seed=4).multiplicity
    assert not np.array_equal(drawn, other)


def test_alike_in_jax_and_under_scan() -> None:
    members = BootstrapCounts.of(num_contexts=6, num_actions=3, seed=1)
    rng = np.random.default_rng(0)
    obs, action = rng.integers(0, 6, 50), rng.integers(0, 3, 50)
    wanted = members.log_policy(taught(members, list(zip(obs.tolist(), action.tolist(), strict=True))), 2)
    with jax.enable_x64(True):

        def life(bank: BootstrapCounts) -> Any:
            bank = jax.tree.map(jnp.asarray, bank)
            step = lambda memory, item: (bank.learn(memory, item[0], Answer(item[1])), None)  # noqa: E731
            return bank.log_policy(jax.lax.scan(step, bank.init(), (jnp.asarray(obs), jnp.asarray(action)))[0], 2)

        given = jax.jit(life)(members)
        assert np.allclose(wanted, given, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [{"num_contexts": 0}, {"num_actions": 0}, {"num_members": 0}, {"period": 0}, {"pseudo": 0.0}, {"pseudo": np.nan}],
)
def test_settings_without_a_meaning_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give at least one of each"):
        BootstrapCounts.of(**{"num_contexts": 2, "num_actions": 2, **settings})


@pytest.mark.parametrize("obs", [None, 2, -1, "0", 0.5])
def test_what_is_no_context_is_refused(obs: Any) -> None:
    members = BootstrapCounts.of(num_contexts=2, num_actions=2)
    with pytest.raises(IndexError, match=r"contexts (are whole numbers|run) from 0 to 1"):
        members.log_policy(members.init(), obs)
    with pytest.raises(IndexError, match=r"contexts (are whole numbers|run) from 0 to 1"):
        members.learn(members.init(), obs, Answer(np.asarray(0)))
