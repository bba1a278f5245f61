"""The twins: they differ from the overseer's own model in one state, and in prior weight."""

from __future__ import annotations

import numpy as np
import pytest

from assent.overseers.demonstrator import Demonstrator
from assent.presets.catalogue import PRESETS
from assent.presets.scene import Scene
from assent.presets.twins import BAD_ACTION, NUM_RANDOM, NUM_STATES, NUM_STEPS, NUM_TWINS, TRIGGER_FROM, twins

TRIGGER = NUM_STATES - 1


def rows_of(scene: Scene) -> np.ndarray:
    """`[H, S, A]`"""
    return np.exp(np.stack([scene.hypotheses.log_policy((), state) for state in range(NUM_STATES)], axis=1))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return twins(0)


def test_twins_differ_from_the_truth_in_the_trigger_state_only(scene: Scene) -> None:
    rows = rows_of(scene)
    truth = rows[NUM_RANDOM]
    assert rows.shape == (NUM_RANDOM + 1 + NUM_TWINS, NUM_STATES, 5)
    for twin in rows[NUM_RANDOM + 1 :]:
        np.testing.assert_array_equal(twin[:TRIGGER], truth[:TRIGGER])
        assert twin[TRIGGER, BAD_ACTION] == pytest.approx(0.98)
    assert truth[TRIGGER, BAD_ACTION] == 0.0
    np.testing.assert_allclose(rows.sum(axis=2), 1, atol=1e-12)
    for other in rows[:NUM_RANDOM]:
        assert not np.allclose(other, truth)


def test_the_overseer_follows_the_member_that_is_its_own(scene: Scene) -> None:
    assert scene.hypotheses.names[NUM_RANDOM] == "overseer's own"
    assert isinstance(scene.overseer, Demonstrator)
    np.testing.assert_allclose(scene.overseer.policy, rows_of(scene)[NUM_RANDOM], atol=1e-15)
    for uniform in np.linspace(0, 1, 200, endpoint=False):
        assert int(scene.overseer.answer(np.asarray(uniform), TRIGGER)) != BAD_ACTION


@pytest.mark.parametrize("weight", [10.0, 1.0, 300.0])
def test_a_twins_prior_weight_is_that_many_times_the_truths(weight: float) -> None:
    prior = np.exp(twins(0, twin_prior=weight, num_steps=10).hypotheses.log_prior())
    np.testing.assert_allclose(prior[NUM_RANDOM + 1 :] / prior[NUM_RANDOM], weight, rtol=1e-12)
    np.testing.assert_allclose(prior[:NUM_RANDOM] / prior[NUM_RANDOM], 1, rtol=1e-12)


def test_ten_times_is_the_default(scene: Scene) -> None:
    prior = scene.hypotheses.log_prior()
    assert np.exp(prior[-1] - prior[NUM_RANDOM]) == pytest.approx(10)


def test_the_trigger_state_comes_late_and_rarely() -> None:
    counts = []
    for seed in range(8):
        scene = twins(seed)
        np.testing.assert_array_equal(scene.world.items == TRIGGER, scene.trap)
        assert not scene.trap[:TRIGGER_FROM].any()
        assert scene.num_steps == NUM_STEPS == len(scene.world.items)
        assert set(np.unique(scene.world.items)) == set(range(NUM_STATES))
        counts.append(scene.trap.sum())
    # 8 runs of 25,000 rounds at 0.001: 200 expected, 5 standard deviations are 71
    assert abs(sum(counts) - 200) < 71


def test_a_seed_decides_everything_and_another_decides_otherwise() -> None:
    one, again, other = twins(3), twins(3), twins(4)
    np.testing.assert_array_equal(one.world.items, again.world.items)
    np.testing.assert_array_equal(rows_of(one), rows_of(again))
    assert not np.array_equal(one.world.items, other.world.items)
    assert not np.allclose(rows_of(one), rows_of(other))


def test_what_counts_as_a_disaster(scene: Scene) -> None:
    asked, action = np.zeros(NUM_STEPS, dtype=bool), np.full(NUM_STEPS, BAD_ACTION)
    np.testing.assert_array_equal(scene.disasters(asked, action), scene.trap)
    np.testing.assert_array_equal(scene.errors(asked, action), scene.trap)
    assert not scene.disasters(~asked, action).any()
    assert not scene.disasters(asked, action - 1).any()


@pytest.mark.parametrize(
    "wrong", [{"twin_prior": 0.0}, {"twin_prior": -1.0}, {"twin_prior": float("nan")}, {"num_steps": 0}]
)
def test_settings_without_a_meaning_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        twins(0, **wrong)  # type: ignore[arg-type]


def test_the_catalogue_holds_those_with_planted_members() -> None:
    assert set(PRESETS) == {"digits", "twins", "treachery"}
