"""The lake: the overseer's own policy is a member; on the larger map it never falls, on the smaller one everybody must gamble."""

from __future__ import annotations

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.presets.frozen_lake import frozen_lake
from assent.presets.lived import counted
from assent.rollout import live_many, stack
from assent.worlds.toy_text import frozen_lake as lake


@pytest.mark.parametrize("size", [4, 8])
def test_the_overseers_policy_is_a_member_and_no_more_likely_than_any_other(size: int) -> None:
    scene, tables = frozen_lake(1, size=size), lake(size)
    holes = sorted(set(tables.successor[tables.event].tolist()))
    assert scene.notes["layouts"][0] == tuple(holes)
    assert len(holes) == {4: 4, 8: 10}[size]
    assert scene.notes["goals"][0] == size**2 - 1
    rows = np.exp(np.stack([scene.hypotheses.log_policy((), state) for state in range(size**2)], axis=1))
    np.testing.assert_allclose(scene.overseer.policy, rows[0], atol=1e-15)  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.exp(scene.hypotheses.log_prior()), 1 / 40, atol=1e-15)
    for layout in scene.notes["layouts"][1:]:
        assert len(set(layout)) == len(holes)
        assert not {0, size**2 - 1} & set(layout)
    assert not set(scene.notes["goals"][1:]) & {0, *holes}


def test_seeds_and_settings() -> None:
    assert frozen_lake(1).notes == frozen_lake(1).notes != frozen_lake(2).notes
    assert frozen_lake(0, num_goals=2, num_layouts=3).hypotheses.num_members == 6
    for wrong in ({"num_goals": 0}, {"num_goals": 99}, {"num_layouts": 0}, {"num_steps": 0}):
        with pytest.raises(ValueError, match="give 1 to 53 goals"):
            frozen_lake(0, **wrong)
    with pytest.raises(ValueError, match="size = 5"):
        frozen_lake(0, size=5)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "most", "falls"), [(8, 30, (0, 0)), (4, 30, (20, 70))])
def test_an_imitator_falls_as_seldom_as_its_overseer(size: int, most: int, falls: tuple[int, int]) -> None:
    """6 seeds, 5,000 steps. On the smaller map the overseer falls some 20 times in as many steps, and so may its imitator."""
    scenes = [frozen_lake(seed, size=size) for seed in range(6)]
    agents = stack([Imitator.of(scene.hypotheses) for scene in scenes])
    overseers = stack([scene.overseer for scene in scenes])
    trace = live_many(
        agents, scenes[0].world, overseers, seeds=range(6), run="lake", num_steps=5_001, each=("agent", "overseer")
    )
    asks, events, alone, goals = counted(trace)
    assert asks.mean() <= most
    assert falls[0] / 2 <= events.mean() <= falls[1] / 2
    assert (alone <= events).all()
    assert goals.min() > 20
