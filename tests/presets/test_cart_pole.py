"""Controllers of a pole: the expert's own is one of them, and its imitator lets none fall."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.presets.cart_pole import cart_pole, coarse_expert
from assent.presets.lived import counted
from assent.rollout import live_many, stack
from assent.worlds.cart_pole import GAINS, centres


def test_the_experts_own_table_is_a_member_and_no_more_likely_than_any_other() -> None:
    scene, middle = cart_pole(0), centres()
    rows = np.exp(np.asarray(scene.hypotheses.log_rows))  # type: ignore[attr-defined]
    assert rows.shape == (960, 2, 40)
    assert set(np.unique(rows)) == {0.0, 1.0}
    assert np.abs(middle @ np.asarray(GAINS)).min() > 1e-4, "no box is so close to a tie that rounding decides"
    for number in range(0, 960, 7):
        assert rows[number, int(coarse_expert(jnp.asarray(middle[number]))), 0] == 1
    np.testing.assert_allclose(np.exp(scene.hypotheses.log_prior()), 1 / 40, atol=1e-15)
    gains = np.asarray(scene.notes["gains"])
    np.testing.assert_array_equal(gains[0], GAINS)
    assert (gains[:, 2] == GAINS[2]).all()
    ratio = gains[1:, [0, 1, 3]] / np.asarray(GAINS)[[0, 1, 3]]
    assert 0.25 <= ratio.min() < 0.4
    assert 2.5 < ratio.max() <= 4
    assert cart_pole(0).notes != cart_pole(1).notes
    for hypotheses, steps in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least one member and one step"):
            cart_pole(0, num_hypotheses=hypotheses, num_steps=steps)


@pytest.mark.slow
def test_an_imitator_lets_no_pole_fall() -> None:
    """5 seeds, six poles each; every question leaves fewer members, so that there are fewer than 40."""
    scenes = [cart_pole(seed) for seed in range(5)]
    agents = stack([Imitator.of(scene.hypotheses) for scene in scenes])
    trace = live_many(
        agents, scenes[0].world, scenes[0].overseer, seeds=range(5), run="pole", num_steps=3_001, each=("agent",)
    )
    asks, events, _, goals = counted(trace)
    assert 0 < asks.min() <= asks.max() < 40
    assert events.tolist() == [0] * 5
    assert goals.tolist() == [6] * 5
