"""Lava: the planner's own policy is a member, and its imitator never steps into any."""

from __future__ import annotations

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.presets.lived import counted
from assent.presets.minigrid import lava
from assent.rollout import live_many, stack
from tests.worlds.minigrid_installed import require_minigrid


@pytest.fixture(autouse=True)
def _installed() -> None:
    require_minigrid()


def test_the_planners_policy_is_a_member_and_no_more_likely_than_any_other() -> None:
    scene = lava(1, name="MiniGrid-LavaGapS5-v0", num_goals=4)
    rows = np.exp(np.asarray(scene.hypotheses.log_rows))  # type: ignore[attr-defined]
    np.testing.assert_allclose(scene.overseer.policy, rows[:, :, 0], atol=1e-15)  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.exp(scene.hypotheses.log_prior()), 1 / 20, atol=1e-15)
    assert {len(layout) for layout in scene.notes["layouts"]} == {2}
    for settings in ({"num_goals": 0}, {"num_goals": 99}, {"num_layouts": 0}, {"num_steps": 0}):
        with pytest.raises(ValueError, match="at least one layout and one step"):
            lava(1, name="MiniGrid-LavaGapS5-v0", **settings)
    with pytest.raises(ValueError, match="MiniGrid-Empty-5x5-v0 has 0 cells of lava"):
        lava(0, name="MiniGrid-Empty-5x5-v0")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MiniGrid-LavaGapS7-v0", "MiniGrid-DistShift1-v0", "MiniGrid-DistShift2-v0"])
def test_an_imitator_never_steps_into_lava(name: str) -> None:
    """5 seeds, 3,000 steps: a shift of the lava is another world with its own tables, and its planner is asked anew."""
    scenes = [lava(seed, name=name) for seed in range(5)]
    parts = [stack([Imitator.of(scene.hypotheses) for scene in scenes])]
    parts += [stack([getattr(scene, name) for scene in scenes]) for name in ("world", "overseer")]
    trace = live_many(*parts, seeds=range(5), run="lava", num_steps=3_001, each=("agent", "world", "overseer"))
    asks, events, _, goals = counted(trace)
    assert asks.max() < 120
    assert events.tolist() == [0] * 5
    assert goals.min() > 100
