"""The taxi: ways to read a destination, the true one of them the overseer's own, and mishaps only for who reads otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from assent.presets.taxi import taxi
from assent.worlds.toy_text import SET_DOWN
from assent.worlds.toy_text import taxi as rides


@pytest.fixture(scope="module")
def scene():  # type: ignore[no-untyped-def]
    return taxi(0, num_hypotheses=12)


def rows_of(scene) -> np.ndarray:  # type: ignore[no-untyped-def]
    return np.exp(np.stack([scene.hypotheses.log_policy((), state) for state in range(500)], axis=1))


@pytest.mark.slow
def test_the_overseers_policy_is_a_member_and_no_more_likely_than_any_other(scene) -> None:  # type: ignore[no-untyped-def]
    assert scene.notes["readings"][0] == [0, 1, 2, 3]
    assert len({tuple(reading) for reading in scene.notes["readings"]}) == 12
    np.testing.assert_allclose(scene.overseer.policy, rows_of(scene)[0], atol=1e-15)
    np.testing.assert_allclose(np.exp(scene.hypotheses.log_prior()), 1 / 12, atol=1e-15)


@pytest.mark.slow
def test_members_set_passengers_down_where_they_read_that_they_want_to_go(scene) -> None:  # type: ignore[no-untyped-def]
    rows, tables = rows_of(scene), rides()
    for member, reading in enumerate(scene.notes["readings"]):
        downs = np.flatnonzero(rows[member][:, SET_DOWN] > 0)
        spots = set(tables.spot[downs, SET_DOWN, 0].tolist())
        assert spots == {4 * destination + rank for destination, rank in enumerate(reading)}
    assert not (rows[0] * tables.risky).any()
    assert all((rows[member] * tables.risky).any() for member in range(1, 12))


def test_settings_without_a_meaning_are_refused() -> None:
    for hypotheses, steps in ((0, 1), (257, 1), (40, 0)):
        with pytest.raises(ValueError, match="give 1 to 256 members"):
            taxi(0, num_hypotheses=hypotheses, num_steps=steps)
