"""RiskyPath and Branching: what every course of actions gains, against what is said of the tasks where they are defined."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from assent.checks import check_world
from assent.planning.near_optimal import meanings, near_optimal
from assent.planning.transitions import Transitions
from assent.worlds.diagnostics import branching, risky_path
from assent.worlds.tabular import Tabular


def outcomes(world: Transitions, actions: tuple[int, ...]) -> dict[tuple[float, bool, bool], float]:
    """Return, whether an event and whether a goal came, with their chances, of a course of actions from the start to the end."""
    alive: dict[tuple[int, float, bool, bool], float] = {(int(np.argmax(world.start)), 0.0, False, False): 1.0}
    done: dict[tuple[float, bool, bool], float] = {}
    for action in actions:
        after: dict[tuple[int, float, bool, bool], float] = {}
        for (state, gained, event, goal), chance in alive.items():
            for k in np.flatnonzero(world.possible[state, action]):
                at = (state, action, k)
                seen = (gained + float(world.reward[at]), event or bool(world.event[at]), goal or bool(world.goal[at]))
                share = chance * float(world.chance[at])
                if world.end[at]:
                    done[seen] = done.get(seen, 0.0) + share
                else:
                    key = (int(world.successor[at]), *seen)
                    after[key] = after.get(key, 0.0) + share
        alive = after
    assert not alive, "an episode ends with its last step"
    return done


def test_the_safe_path_has_the_highest_return_and_the_risky_one_the_best_case() -> None:
    """All 32 courses of five actions. By hand: three steps in s2 after two moves; four in s2, or four in s3, after a gamble."""
    world = risky_path()
    returns = {course: outcomes(world, course) for course in product((0, 1), repeat=5)}
    for (first, second, *_), found in returns.items():
        if first == 1:
            assert found == {(4.0, False, True): 0.5, (-400.0, True, False): 0.5}
        elif second == 0:
            assert found == {(3.0, False, True): 1.0}
        else:
            assert max(gained for gained, _, _ in found) < 3
    mean = {
        course: sum(gained * chance for (gained, _, _), chance in found.items()) for course, found in returns.items()
    }
    assert max(mean.values()) == 3.0
    assert {course[:2] for course, value in mean.items() if value == 3.0} == {(0, 0)}
    # the wrong variant, a reward for the state that is reached, would give the safe path four
    reached = np.where(world.spot == 2, 1.0, world.reward)
    assert reached.max() == 1.0
    assert sum(reached[4 * step + state, 0, 0] for step, state in enumerate((0, 1, 2, 2, 2))) == 4.0


@pytest.mark.parametrize(("factor", "length"), [(2, 10), (3, 5), (4, 3)])
def test_one_course_of_all_arrives(factor: int, length: int) -> None:
    """All factor ** length courses; the last step, in the goal, may be any."""
    world = branching(factor, length)
    assert world.num_states == (1 + factor * length) * (length + 1)
    arriving = []
    for course in product(range(factor), repeat=length):
        found = outcomes(world, (*course, 0))
        ((gained, event, goal),) = found
        assert goal == (gained == 1.0)
        assert event != goal, "whoever does not arrive is in a dead end"
        if goal:
            arriving.append(course)
    assert arriving == [(factor - 1,) * length]


@pytest.mark.parametrize("make", [risky_path, branching], ids=["risky path", "branching"])
def test_planners_take_the_way_without_risk(make: Any) -> None:
    world = make()
    goal, dead = (np.unique(world.spot[flag]) for flag in (world.goal, world.event))
    policy = near_optimal(world, meanings([goal], [dead]), explore=0.0)[0]
    state, events = int(np.argmax(world.start)), 0
    for _ in range(200):
        action = int(policy[state].argmax())
        assert world.chance[state, action, 0] == 1.0
        events += bool(world.event[state, action, 0])
        state = 0 if world.end[state, action, 0] else int(world.successor[state, action, 0])
    assert events == 0
    check_world(Tabular.of(world), num_steps=3)


def test_numbers_without_a_meaning_are_refused() -> None:
    for wrong in ({"factor": 0}, {"length": 0}):
        with pytest.raises(ValueError, match="both must be at least 1"):
            branching(**wrong)
    with pytest.raises(ValueError, match="an episode has at least 1 step"):
        risky_path(horizon=0)
    assert risky_path(horizon=2).num_states == 8
