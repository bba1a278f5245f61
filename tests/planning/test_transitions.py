"""Tables of outcomes, against the lists that they were made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assent.planning.transitions import NOTHING, Transitions


def rows(seed: int, *, states: int = 4, actions: int = 3) -> list[list[list[tuple[float, int, float, bool]]]]:
    """One to three outcomes for each action."""
    rng = np.random.default_rng(seed)

    def outcomes() -> list[tuple[float, int, float, bool]]:
        chances = rng.dirichlet(np.ones(rng.integers(1, 4)))
        return [(float(c), int(rng.integers(states)), float(rng.normal()), bool(rng.random() < 0.3)) for c in chances]

    return [[outcomes() for _ in range(actions)] for _ in range(states)]


@pytest.mark.parametrize("seed", range(5))
def test_the_tables_hold_each_outcome_and_nothing_else(seed: int) -> None:
    listed = rows(seed)
    made = Transitions.of_rows(
        listed,
        start=[0, 0.5, 0.5, 0],
        event=lambda state, action, row: row[2] < 0,
        spot=lambda state, action, k: 10 * state + k,
    )
    for state, action in np.ndindex(4, 3):
        there = made.possible[state, action]
        assert there.sum() == len(listed[state][action])
        for k, (chance, after, reward, ends) in enumerate(listed[state][action]):
            at = (state, action, k)
            assert (made.chance[at], made.successor[at], made.reward[at]) == (chance, after, reward)
            assert (made.end[at], made.goal[at], made.event[at]) == (ends, ends, reward < 0)
            assert made.spot[at] == 10 * state + k
        assert (made.spot[state, action][~there] == NOTHING).all()
        assert not made.event[state, action][~there].any()
        assert made.risky[state, action] == any(row[2] < 0 for row in listed[state][action])
        assert made.worst_cost(mishap=7.0)[state, action] == 7.0 * made.risky[state, action]


@pytest.mark.parametrize("seed", range(5))
def test_an_episode_is_worth_what_lives_gain_before_its_end(seed: int) -> None:
    """Values after ten steps, by recursion over the lists; the wrong variant, lives that go on after an end, gains something else."""
    listed, made = rows(seed), Transitions.of_rows(rows(seed), start=[1, 0, 0, 0])
    successor, chance, terminal = made.episode()
    assert terminal.tolist() == [False] * 4 + [True]
    assert (successor[4] == 4).all()

    def recursion(state: int, steps: int, *, goes_on: bool = False) -> float:
        if steps == 0:
            return 0.0
        return sum(
            c * (r + (0.0 if ends and not goes_on else recursion(after, steps - 1, goes_on=goes_on)))
            for c, after, r, ends in listed[state][0]
        )

    reward, value = made.expected(made.reward)[:, 0], np.zeros(5)
    for _ in range(5):
        value = np.append(reward, 0.0) + (chance[:, 0] * value[successor[:, 0]]).sum(axis=1)
    wanted = [recursion(state, 5) for state in range(4)]
    np.testing.assert_allclose(value[:4], wanted, rtol=0, atol=1e-12)
    assert not np.allclose(value[:4], [recursion(state, 5, goes_on=True) for state in range(4)], atol=1e-6)


def test_expectations_keep_further_axes() -> None:
    made = Transitions.of_rows(rows(0), start=[1, 0, 0, 0])
    value = np.random.default_rng(1).normal(size=(*made.chance.shape, 2))
    np.testing.assert_allclose(made.expected(value)[2, 1], made.chance[2, 1] @ value[2, 1], atol=1e-15)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"chance": np.ones((4, 3, 3))}, "sum to 3.0, not to 1"),
        ({"successor": np.full((4, 3, 3), 4)}, "a successor is 4"),
        ({"successor": np.zeros((4, 3), dtype=int)}, r"must be \[S, A, K\]"),
        ({"end": np.zeros((4, 3, 2), dtype=bool)}, r"end has shape \(4, 3, 2\)"),
        ({"reward": np.full((4, 3, 3), np.nan)}, "not a finite number"),
        ({"start": np.asarray([0.5, 0.0, 0.0, 0.0])}, "sums to 0.5"),
        ({"start": np.ones(1)}, r"start has shape \(1,\)"),
        ({"action_names": ("stay",)}, "1 names for 3 actions"),
    ],
)
def test_what_is_no_world_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(Transitions.of_rows(rows(0), start=[1, 0, 0, 0]), **change)
