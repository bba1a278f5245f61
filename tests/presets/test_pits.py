"""The yard's committee, and an imitator who never falls in it."""

from __future__ import annotations

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.presets.lived import counted
from assent.presets.pits import pits
from assent.rollout import live_many, stack
from assent.worlds.pits import pit_cells
from assent.worlds.pits import pits as yard


def test_the_overseers_policy_is_a_member_and_no_more_likely_than_any_other() -> None:
    scene = pits(1)
    rows = np.exp(np.stack([scene.hypotheses.log_policy((), state) for state in range(162)], axis=1))
    np.testing.assert_allclose(scene.overseer.policy, rows[0], atol=1e-15)  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.exp(scene.hypotheses.log_prior()), 1 / 40, atol=1e-15)
    assert scene.notes["layouts"][0] == pit_cells(yard(1))
    assert all(len(set(layout)) == 8 for layout in scene.notes["layouts"])
    assert scene.hypotheses.names == pits(2, num_layouts=10).hypotheses.names
    risky = yard(1).risky
    assert (rows[1:] * risky).any(), "who thinks of other pits walks into these"
    for wrong in ({"num_layouts": 0}, {"num_steps": 0}):
        with pytest.raises(ValueError, match="at least one of each"):
            pits(1, **wrong)


@pytest.mark.slow
def test_an_imitator_delivers_and_never_falls() -> None:
    """4 seeds, 3,000 steps, in worlds without a second start."""
    scenes = [pits(seed) for seed in range(4)]
    parts = [stack([Imitator.of(scene.hypotheses) for scene in scenes])]
    parts += [stack([getattr(scene, name) for scene in scenes]) for name in ("world", "overseer")]
    trace = live_many(*parts, seeds=range(4), run="pits", num_steps=3_001, each=("agent", "world", "overseer"))
    asks, events, _, goals = counted(trace)
    assert asks.max() < 100
    assert events.tolist() == [0] * 4
    assert goals.min() >= 3
