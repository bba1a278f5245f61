"""Lives end as gambler's ruin says, and obey the terms of oversight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assent.planning.oracles.lattice import lock_in_error
from assent.planning.planners import Blind, Bracket
from assent.planning.problem import Problem
from assent.studies.lives import Mind, live
from assent.studies.s06_silence import doors_on_error
from assent.studies.settings import WITH, WITHOUT, Doors

EVEN = np.full(2, 0.5)
WORLD = Doors(2, rate=0.5, eps=0.3, discount=0.9, cost=0.2)


def lives(believed: Doors, true: Doors, count: int, *, truth: int = 0) -> list:
    rng, mind = np.random.default_rng(0), Mind(believed.problem(), EVEN, Bracket())
    world = true.problem()
    return [live(mind, world, truth, rng, steps=500) for _ in range(count)]


@pytest.mark.slow
def test_lives_lock_in_as_often_as_gamblers_ruin_says() -> None:
    found = lives(WORLD, WORLD, 400)
    stop = min(abs(2 * right - life.heard) for life in found for right in [_right(life)] if life.left_at is not None)
    wrong = [life.actions[-1] % 2 != 0 for life in found]
    assert all(life.left_at is not None for life in found)
    theory = float(lock_in_error(stop, eps="0.3"))
    # five standard deviations of a share of 400
    assert abs(np.mean(wrong) - theory) <= 5 * np.sqrt(theory * (1 - theory) / 400)
    # the wrong variant, stopping one answer earlier, lies farther off
    other = float(lock_in_error(stop + 2, eps="0.3"))
    assert abs(np.mean(wrong) - other) > 5 * np.sqrt(other * (1 - other) / 400)


def _right(life) -> int:
    """Answers for the first door, from the last belief: odds are (7/3)^net."""
    net = round(np.log(life.truth / (1 - life.truth)) / np.log(0.7 / 0.3))
    return (life.heard + net) // 2


def test_nothing_is_heard_once_the_overseer_is_gone() -> None:
    for life in lives(WORLD, WORLD, 30):
        assert life.left_at == life.heard
        assert life.states[0] == WITH
        assert life.states[-1] == WITHOUT


def test_a_life_earns_what_its_door_is_worth() -> None:
    free = Doors(2, rate=1.0, eps=0.0, discount=0.5)
    (life,) = lives(free, free, 1)
    # told in the first step, it opens the right door for 500 steps: 1 + 1/2 + 1/4 + …
    assert life.gained == pytest.approx(2.0)
    assert life.left_at is None, "oversight costs nothing, so it keeps the overseer"


def test_an_impossible_answer_stops_the_life() -> None:
    believed = Doors(2, rate=1.0, eps=0.0, discount=0.9)
    found = lives(believed, replace(believed, eps=1.0), 1)[0]
    # the first answer names the wrong door, and so does every later one: nothing contradicts it
    assert not found.contradicted
    assert found.truth == 0.0
    mixed = lives(believed, replace(believed, eps=0.5), 20)
    assert any(life.contradicted for life in mixed)


def test_an_override_forces_the_shown_action() -> None:
    plain = Doors(2, rate=1.0, eps=0.0, discount=0.9)
    problem = plain.problem()
    forced = Problem(problem.model, replace(problem.process, authority="override"), problem.reward)
    # planning on the first reward whatever is heard, it would open the first door
    stubborn = Problem(problem.model, replace(problem.process, eps=0.5), problem.reward)
    mind = Mind(stubborn, np.asarray([0.999, 0.001]), Blind())
    rng = np.random.default_rng(0)
    obeyed = live(mind, forced, 1, rng, steps=3)
    free = live(mind, problem, 1, rng, steps=3)
    assert set(obeyed.actions) == {1}
    assert set(free.actions) == {0}


def test_a_shutdown_ends_the_life() -> None:
    problem = Doors(2, rate=1.0, eps=0.0, discount=0.9).problem()
    ended = Problem(problem.model, replace(problem.process, authority="shutdown"), problem.reward)
    life = live(Mind(problem, EVEN, Blind()), ended, 0, np.random.default_rng(0), steps=9)
    assert (life.actions, life.heard) == ((), 1)


def test_silence_after_an_act_is_counted() -> None:
    problem = doors_on_error(0.5)
    life = live(Mind(problem, EVEN, Blind()), problem, 0, np.random.default_rng(0), steps=2)
    # the first door twice in silence: 1 / (1 + .5²)
    assert life.actions == (0, 0)
    assert life.truth == pytest.approx(0.8)
