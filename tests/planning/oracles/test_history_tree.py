"""The history tree against all plans written out, against the fork and the doors, and by the laws that it has to obey."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.planning.model import Model
from assent.planning.oracles.door_program import DoorProgram
from assent.planning.oracles.doors import threshold
from assent.planning.oracles.fork_terms import Fork
from assent.planning.oracles.fork_tree import solve_fork_tree
from assent.planning.oracles.history_tree import solve_history_tree
from assent.planning.oracles.silence import two_doors
from assent.planning.oracles.updates import ZeroEvidence
from assent.planning.oracles.worlds import World, answer_tables, optimal_sets, rewards_in_fractions
from assent.planning.process import Process
from tests.planning.oracles.brute import Brute
from tests.planning.oracles.support import Small, small_worlds, without_overseer

few = settings(max_examples=4)
PROCESSES = {
    "random": Process(answer="eps", eps=0.2),
    "perfect": Process(answer="optimal"),
    "adversary": Process(answer="adversary"),
    "uniform": Process(answer="eps", eps=0.1, shown="uniform"),
    "on_error": Process(answer="eps", eps=0.2, trigger="on_error"),
    "override": Process(answer="eps", eps=0.2, authority="override"),
    "override, uniform": Process(answer="eps", eps=0.2, authority="override", shown="uniform"),
    "shutdown": Process(answer="eps", eps=0.2, authority="shutdown"),
    "shutdown on_error": Process(answer="eps", eps=0.2, authority="shutdown", trigger="on_error"),
}


def value(small: Small, process: Process, *, horizon: int = 2, model: Model | None = None) -> Fraction:
    return solve_history_tree(model or small.model, process, small.reward, small.prior, horizon=horizon).value


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if "uniform" in name else ()) for name in PROCESSES]
)
@settings(max_examples=3)
@given(small=small_worlds(slip=False))
def test_all_plans_of_two_steps_written_out(name: str, small: Small) -> None:
    """No plan over histories is better, and one is as good."""
    world, process = World.of(small.model), PROCESSES[name]
    reward = rewards_in_fractions(small.reward)
    shown, optimal = answer_tables(world, process, reward), optimal_sets(world, reward)
    assert value(small, process) == Brute(world, process, small.reward, small.prior, shown, optimal).best()


def test_the_plans_written_out_reject_a_tree_that_hears_after_acting() -> None:
    """The wrong variant: a correction that comes at the end of a step. One step is then worth nothing more than without an overseer."""
    doors = door_world(rate=1.0, cost=0.0)
    reward = rewards_in_fractions(door_rewards(2))
    world, process = World.of(doors), PROCESSES["perfect"]
    brute = Brute(world, process, reward, HALVES, answer_tables(world, process, reward), optimal_sets(world, reward))
    assert brute.best() == solve_history_tree(doors, process, reward, HALVES, horizon=2).value == Fraction(19, 10)
    late = Fraction(1, 2) + Fraction(9, 10) * 1
    assert brute.best() != late


HALVES = (Fraction(1, 2), Fraction(1, 2))


def door_world(*, rate: float, cost: float, num_doors: int = 2, saves: bool = True) -> Model:
    """The doors as a model: each door once with the overseer kept, once with it sent away in the same step."""
    count = 2 * num_doors
    successor = np.zeros((2, count, 1), dtype=np.int64)
    successor[0, num_doors:], successor[1] = 1, 1
    charged = np.zeros((2, count))
    charged[0, : num_doors if saves else count] = cost
    return Model(
        successor=successor,
        chance=np.ones((2, count, 1)),
        terminal=np.zeros(2, dtype=bool),
        discount=0.9,
        place=np.zeros(2, dtype=np.int64),
        mode=np.arange(2),
        rate=np.asarray([rate, 0.0]),
        cost=charged,
        kept=np.asarray([True, False]),
        answerable=np.asarray([[True] * num_doors + [False] * num_doors]),
    )


def door_rewards(num_doors: int) -> list[list[list[int]]]:
    return [[[int(action % num_doors == right) for right in range(num_doors)] for action in range(2 * num_doors)]]


@pytest.mark.parametrize(("num_doors", "eps"), [(2, "0.2"), (3, "0.1")])
def test_the_doors_turn_at_the_closed_form(num_doors: int, eps: str) -> None:
    """Both orders of cost: saved in the step of leaving (c*), or sunk (c* / discount). Mixing them up fails.

    A finite horizon has its own threshold: with H steps left the sum of discounts replaces 1 / (1 - discount).
    """
    horizon, prior = 3, [Fraction(1, num_doors)] * num_doors
    limit = threshold(num_doors, rate="0.5", eps=eps, discount="0.9") / 9  # per unit of gamma / (1 - gamma)
    later = sum(Fraction(9, 10) ** step for step in range(1, horizon))
    finite = limit * later
    process = Process(answer="eps", eps=float(eps))
    for off, keeps in ((Fraction(-1, 100), True), (Fraction(1, 100), False)):
        model = door_world(rate=0.5, cost=float(finite + off), num_doors=num_doors)
        found = solve_history_tree(model, process, door_rewards(num_doors), prior, horizon=horizon)
        assert (min(found.best) < num_doors) == keeps
        assert found.keeping < found.value, "in the end it pays to leave"
    sunk = door_world(rate=0.5, cost=float(finite + Fraction(1, 100)), num_doors=num_doors, saves=False)
    assert min(solve_history_tree(sunk, process, door_rewards(num_doors), prior, horizon=horizon).best) < num_doors
    over = door_world(
        rate=0.5, cost=float(finite / Fraction(9, 10) + Fraction(1, 100)), num_doors=num_doors, saves=False
    )
    assert min(solve_history_tree(over, process, door_rewards(num_doors), prior, horizon=horizon).best) >= num_doors


def test_the_doors_for_ever_lie_between_the_tree_and_what_is_left() -> None:
    """The value at the start: rate times that after an answer and so on; the program's advantage after no answer is q's difference."""
    horizon = 9
    process = Process(answer="eps", eps=0.2)
    found = solve_history_tree(door_world(rate=0.5, cost=0.3), process, door_rewards(2), HALVES, horizon=horizon)
    low, high = DoorProgram(prior=HALVES, rate="0.5", eps="0.2", discount="0.9", cost="0.3", answers=9).advantage()
    left = Fraction(9, 10) ** horizon / (1 - Fraction(9, 10))
    advantage = max(found.q[:2]) - max(found.q[2:])
    assert low - left <= advantage <= high + left


@pytest.mark.parametrize("horizon", [1, 2, 4])
def test_the_fork_of_the_levels_is_the_fork_of_the_oracle(horizon: int) -> None:
    from assent.worlds.grid.level import load
    from assent.worlds.grid.tabulate import tabulate

    level = load("fork")
    model = tabulate(level)
    names = list(model.state_names)
    reward = np.zeros((model.num_places, model.num_actions, 2))
    for cell, action, gain in (("x", "left", 1.0), ("y", "right", -1.0)):
        reward[names.index(cell), model.action_names.index(action)] = [gain, -gain]
    found = solve_history_tree(model, level.process, reward, ["0.8", "0.2"], horizon=horizon)
    terms = Fork(prior="0.8", rate="0.1", eps="0.1", discount="0.9", cost="0.05")
    wanted = solve_fork_tree(terms, horizon=horizon)
    assert (found.value, found.q) == (wanted.value, wanted.q)


@few
@given(small_worlds(cost=False), st.integers(0, 3))
def test_free_advice_is_never_worse_than_none(small: Small, horizon: int) -> None:
    """Good 1967: whoever may ignore what costs nothing loses nothing by hearing it, however wrong it may be."""
    alone = value(small, PROCESSES["random"], horizon=horizon, model=without_overseer(small))
    for name in ("random", "perfect", "adversary", "uniform", "on_error"):
        assert value(small, PROCESSES[name], horizon=horizon) >= alone, name


def test_an_overseer_who_commands_and_errs_can_be_worse_than_none() -> None:
    """The exception to Good's theorem: override. The agent is nearly sure, the overseer is wrong every other time."""
    model = door_world(rate=1.0, cost=0.0)
    prior = (Fraction(19, 20), Fraction(1, 20))
    advice, override = Process(answer="eps", eps=0.5), Process(answer="eps", eps=0.5, authority="override")
    advised, commanded, alone = (
        solve_history_tree(world, process, door_rewards(2), prior, horizon=3).value
        for world, process in (
            (model, advice),
            (model, override),
            (replace(model, rate=np.zeros(2)), advice),
        )
    )
    assert advised == alone > commanded
    first = solve_history_tree(model, override, door_rewards(2), prior, horizon=3)
    assert min(first.best) >= 2, "so it leaves, as soon as it may"


def test_a_shutdown_costs_what_was_to_come() -> None:
    model = door_world(rate=0.5, cost=0.0)
    ended = solve_history_tree(
        model, Process(answer="optimal", authority="shutdown"), door_rewards(2), HALVES, horizon=1
    )
    assert ended.value == Fraction(1, 4)
    assert ended.q[0] == Fraction(1, 2)


@few
@given(small_worlds(), st.integers(1, 3))
def test_corrections_more_often_are_never_worse_and_costs_never_better(small: Small, horizon: int) -> None:
    """Advice only; every rate halved, every cost doubled."""
    process = PROCESSES["random"]
    base = value(small, process, horizon=horizon)
    rarer = replace(small.model, rate=small.model.rate / 2)
    dearer = replace(small.model, cost=small.model.cost * 2)
    assert value(small, process, horizon=horizon, model=rarer) <= base
    assert value(small, process, horizon=horizon, model=dearer) <= base


@few
@given(small_worlds(), st.integers(1, 3))
def test_errors_make_advice_worth_less(small: Small, horizon: int) -> None:
    """Up to the noise in which every answer is as likely: with two answers, 1/2."""
    values = [value(small, Process(answer="eps", eps=eps), horizon=horizon) for eps in (0.0, 0.2, 0.5)]
    assert values[0] >= values[1] >= values[2]
    silent = replace(small.model, rate=np.zeros_like(small.model.rate))
    ties = Process(answer="eps", eps=0.5)
    assert values[2] == value(small, ties, horizon=horizon, model=silent)


@few
@given(small_worlds(), st.integers(1, 3))
def test_never_leaving_is_no_better_than_being_free_to_leave(small: Small, horizon: int) -> None:
    found = solve_history_tree(small.model, PROCESSES["random"], small.reward, small.prior, horizon=horizon)
    assert found.keeping <= found.value
    assert found.keeping_q[2] is None
    for kept, free in zip(found.keeping_q[:2], found.q[:2], strict=True):
        assert kept is not None
        assert kept <= free


def test_a_request_is_made_exactly_when_it_pays() -> None:
    """One step, two doors: hearing the truth with chance 1/2 is worth 1/4."""
    model = door_world(rate=0.5, cost=0.0)
    for price, wanted in ((0.2, Fraction(11, 20)), (0.25, Fraction(1, 2)), (0.3, Fraction(1, 2))):
        process = Process(answer="optimal", trigger="on_request", request_cost=price)
        assert solve_history_tree(model, process, door_rewards(2), HALVES, horizon=1).value == wanted


def test_silence_about_errors_is_evidence() -> None:
    """C9 through the tree: door 1, heard nothing (2/3), door 1 again. An agent deaf to silence would expect 1/2 + 9/10 * 5/8."""
    model = door_world(rate=0.5, cost=0.0)
    process = Process(answer="optimal", trigger="on_error")
    found = solve_history_tree(model, process, door_rewards(2), HALVES, horizon=2)
    silent = Fraction(3, 4) * two_doors(1, rate="0.5")
    corrected = Fraction(1, 4) * 1
    assert found.q[0] == Fraction(1, 2) + Fraction(9, 10) * (silent + corrected)
    deaf = Fraction(1, 2) + Fraction(9, 10) * (Fraction(3, 4) * Fraction(1, 2) + corrected)
    assert found.q[0] != deaf


@few
@given(small_worlds(cost=False))
def test_chosen_places_are_the_most_useful_ones(small: Small) -> None:
    chosen = value(small, Process(answer="eps", eps=0.2, shown="chosen", trigger="on_request"))
    assert chosen >= value(small, Process(answer="eps", eps=0.2, shown="uniform"))


def test_a_table_of_ones_own_takes_the_place_of_the_process() -> None:
    model, process = door_world(rate=1.0, cost=0.0), Process(answer="boltzmann")
    with pytest.raises(ValueError, match="no rational chances"):
        solve_history_tree(model, process, door_rewards(2), HALVES, horizon=1)
    table: Any = [[["0.8", "0.2"], ["0.2", "0.8"], [0, 0], [0, 0]]]
    assert solve_history_tree(model, process, door_rewards(2), HALVES, horizon=1, likelihood=table).value == Fraction(
        4, 5
    )


def test_what_cannot_be_is_refused() -> None:
    model, process = door_world(rate=1.0, cost=0.0), Process()
    with pytest.raises(ValueError, match="reward is"):
        solve_history_tree(model, process, door_rewards(3), HALVES, horizon=1)
    with pytest.raises(ValueError, match="no distribution"):
        solve_history_tree(model, process, door_rewards(2), ["0.5", "0.4"], horizon=1)
    with pytest.raises(ValueError, match="horizon = -1"):
        solve_history_tree(model, process, door_rewards(2), HALVES, horizon=-1)
    with pytest.raises(ValueError, match="teaches most"):
        solve_history_tree(model, Process(shown="pedagogic"), door_rewards(2), HALVES, horizon=1)
    assert issubclass(ZeroEvidence, ValueError)
    assert solve_history_tree(model, process, door_rewards(2), HALVES, horizon=0).value == 0
