"""The cliff: an honest bank with the overseer's own policy in it, who never falls, and an imitator who does not either."""

from __future__ import annotations

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.core import RatioSet
from assent.overseers.demonstrator import Demonstrator
from assent.presets.cliff import CLIFF, GOAL, START, cliff
from assent.presets.lived import Lived, counted
from assent.rollout import live_many, stack
from assent.worlds.toy_text import cliff_walking

SEEDS = range(20)


def rows_of(scene: Lived) -> np.ndarray:
    """`[H, S, A]`"""
    return np.exp(np.stack([scene.hypotheses.log_policy((), state) for state in range(48)], axis=1))


def test_the_overseers_policy_is_a_member_and_no_more_likely_than_any_other() -> None:
    scene = cliff(0)
    assert scene.hypotheses.names[0] == "overseer's own"
    assert scene.hypotheses.grade == "exact"
    assert isinstance(scene.overseer, Demonstrator)
    np.testing.assert_allclose(scene.overseer.policy, rows_of(scene)[0], atol=1e-15)
    np.testing.assert_allclose(np.exp(scene.hypotheses.log_prior()), 1 / 40, atol=1e-15)
    assert scene.notes["goals"][0] == GOAL
    assert scene.notes["cliffs"][0] == CLIFF


@pytest.mark.parametrize("seed", range(4))
def test_in_ordinary_cells_the_overseer_cannot_fall_and_other_members_can(seed: int) -> None:
    rows, risky = rows_of(cliff(seed)), cliff_walking().risky
    ordinary = [*range(37), 47]
    assert not rows[0][ordinary][risky[ordinary]].any()
    bold = [rows[member][ordinary][risky[ordinary]].any() for member in range(1, 40)]
    assert 10 < sum(bold) < 39, "members who think of another cliff walk beside this one"


def test_each_member_keeps_off_its_own_cliff() -> None:
    """Read from the world's tables: no action of a member slips into its cliff where some action would not."""
    scene, tables = cliff(2), cliff_walking()
    rows = rows_of(scene)
    for number in range(40):
        goal, strip = scene.notes["goals"][number // 5], scene.notes["cliffs"][number % 5]
        touched = np.isin(tables.spot, strip) & (tables.spot != goal)
        slips = touched.any(axis=2)
        helped = ~slips.all(axis=1)
        assert not rows[number][helped][slips[helped]].any(), number
        assert not np.allclose(rows[number], rows[(number + 1) % 40])


def test_what_is_thought_possible_is_drawn_without_looking_at_the_truth() -> None:
    """Over 30 seeds: strips lie in all rows and columns, some across the true cliff, none over the start; goals in all upper cells."""
    scenes = [cliff(seed, num_goals=5, num_cliffs=8) for seed in range(30)]
    goals = {goal for scene in scenes for goal in scene.notes["goals"][1:]}
    strips = [strip for scene in scenes for strip in scene.notes["cliffs"][1:]]
    assert goals <= set(range(36))
    assert len(goals) > 30
    assert all(START not in strip for strip in strips)
    assert any(set(strip) & set(CLIFF) for strip in strips)
    assert {cell // 12 for strip in strips for cell in strip} == {0, 1, 2, 3}
    assert {len(strip) for strip in strips} == set(range(2, 11))
    assert CLIFF not in strips


def test_a_seed_decides_everything_and_another_decides_otherwise() -> None:
    np.testing.assert_array_equal(rows_of(cliff(3)), rows_of(cliff(3)))
    assert not np.allclose(rows_of(cliff(3)), rows_of(cliff(4)))
    np.testing.assert_array_equal(rows_of(cliff(3))[0], rows_of(cliff(4))[0])
    assert cliff(3).hypotheses.names == cliff(4).hypotheses.names, "so that their lives compile once"


@pytest.mark.parametrize("settings", [{"num_goals": 0}, {"num_goals": 38}, {"num_cliffs": 0}, {"num_steps": 0}])
def test_settings_without_a_meaning_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="give 1 to 37 goals"):
        cliff(0, **settings)


@pytest.mark.slow
def test_in_ten_thousand_steps_an_imitator_asks_little_and_never_falls() -> None:
    """20 seeds: at most 120 questions on average and no falls. The wrong variant, acting like the likeliest member, falls."""
    scenes = [cliff(seed) for seed in SEEDS]
    overseers = stack([scene.overseer for scene in scenes])

    def lived(delta: float) -> tuple[np.ndarray, ...]:
        agents = stack([Imitator.of(scene.hypotheses, leading=RatioSet(delta)) for scene in scenes])
        trace = live_many(
            agents, scenes[0].world, overseers, seeds=SEEDS, run="cliff", num_steps=10_001, each=("agent", "overseer")
        )
        return counted(trace)

    careful = lived(0.05)
    assert careful[0].mean() <= 120
    assert careful[1].sum() == 0
    # 140 arrivals for the overseer alone, 12 each way from run to run
    assert careful[3].mean() == pytest.approx(140, abs=8)
    rash = lived(0.99)  # only members who are as likely as at the start of the run, or more, may speak
    assert rash[0].mean() < careful[0].mean()
    assert rash[1].sum() > 20
