"""Value iteration and policy iteration against an enumeration of all policies, and against a plain loop."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.planning.policy_iteration import evaluate_exact, longest, solve_exact
from assent.planning.value_iteration import evaluate, solve

F64 = float(np.finfo(np.float64).eps)


def random_world(
    seed: int, *, states: int = 4, actions: int = 3, successors: int = 2, rewards: int = 5, end: bool = False
):
    """successor, chance [S, A, K], reward [S, A, N], terminal [S]; with `end`, states only lead to later ones, the last is the end."""
    rng = np.random.default_rng(seed)
    shape = (states, actions, successors)
    successor = rng.integers(0, states, shape)
    terminal = np.zeros(states, dtype=bool)
    terminal[-1] = end or bool(seed % 2)
    if end:
        lowest = np.minimum(np.arange(states) + 1, states - 1)[:, None, None]
        successor = np.maximum(successor, np.broadcast_to(lowest, shape))
    successor[terminal] = states - 1
    chance = rng.dirichlet(np.ones(successors), size=(states, actions))
    return successor, chance, rng.normal(size=(states, actions, rewards)), terminal


def enumerated(successor, chance, reward, discount, terminal):
    """The best over all deterministic policies, each evaluated by a loop over states: an oracle that shares no code."""
    num_states, num_actions, num_successors = successor.shape
    best = np.full((num_states, reward.shape[2]), -np.inf)
    for policy in itertools.product(range(num_actions), repeat=num_states):
        matrix, gain = np.eye(num_states), np.zeros((num_states, reward.shape[2]))
        for state, action in enumerate(policy):
            if not terminal[state]:
                gain[state] = reward[state, action]
                for k in range(num_successors):
                    matrix[state, successor[state, action, k]] -= discount * chance[state, action, k]
        best = np.maximum(best, np.linalg.solve(matrix, gain))
    return best


def looped(successor, chance, reward, discount, terminal, sweeps, *, better=max, beta=None):
    """Plain loops, one number at a time."""
    num_states, num_actions, num_successors = successor.shape
    value = np.zeros((num_states, reward.shape[2]))
    for _ in range(sweeps):
        new = np.zeros_like(value)
        for state in range(num_states):
            for n in range(reward.shape[2]):
                quality = [
                    reward[state, action, n]
                    + discount
                    * sum(
                        chance[state, action, k] * value[successor[state, action, k], n] for k in range(num_successors)
                    )
                    for action in range(num_actions)
                ]
                top = better(quality)
                new[state, n] = top if beta is None else np.log(sum(np.exp(beta * q) for q in quality)) / beta
                if terminal[state]:
                    new[state, n] = 0.0
        value = new
    return value


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), discount=st.sampled_from([0.3, 0.9]))
def test_both_solvers_find_the_best_of_all_policies(seed: int, discount: float) -> None:
    world = random_world(seed)
    successor, chance, reward, terminal = world
    truth = enumerated(successor, chance, reward, discount, terminal)
    exact = solve_exact(successor, chance, reward, discount, terminal)
    # a linear solve loses about cond * eps <= 2 / (1 - discount) eps of |V|; the oracle has the same loss
    slack = 100 * F64 / (1 - discount) * (1 + np.abs(truth).max())
    assert np.abs(exact.value - truth).max() <= slack
    found = solve(successor, chance, reward, discount, terminal, 1e-9)
    assert found.error <= 1.01e-9
    assert np.abs(np.asarray(found.value) - truth).max() <= found.error + slack
    assert np.abs(np.asarray(found.quality) - exact.quality).max() <= found.error + slack
    # wrong variants: hypotheses reversed, and the worst action for the best
    assert np.abs(np.asarray(found.value)[:, ::-1] - truth).max() > 1e-3
    assert np.abs(looped(successor, chance, reward, discount, terminal, 200, better=min) - truth).max() > 1e-3


def test_the_reward_is_that_of_the_state_and_action_left() -> None:
    # s0 -> s1 -> s2, which ends: reward 1 in s0, 10 in s1; folded rewards belong to the step's first state
    successor = np.array([[[1]], [[2]], [[2]]])
    reward = np.array([[[1.0]], [[10.0]], [[100.0]]])
    terminal = np.array([False, False, True])
    found = np.asarray(solve(successor, np.ones((3, 1, 1)), reward, 0.5, terminal, 1e-9).value)[:, 0]
    assert found.tolist() == [6.0, 10.0, 0.0]
    on_entering = 10 + 0.5 * 100  # the wrong variant
    assert found[0] != on_entering


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("successors", [1, 3])
def test_the_certified_error_holds(dtype: type, successors: int) -> None:
    successor, chance, reward, terminal = random_world(3, states=12, successors=successors, rewards=40)
    truth = solve_exact(successor, chance, reward.astype(dtype), 0.95, terminal)
    for tolerance in (1.0, 1e-2, 1e-5, 1e-14):
        found = solve(successor, chance, reward.astype(dtype), 0.95, terminal, tolerance)
        assert np.asarray(found.value).dtype == dtype
        assert np.abs(np.asarray(found.value, dtype=np.float64) - truth.value).max() <= found.error + truth.error
    assert found.error > 1e-14  # finer than the numbers can tell: said, not claimed
    # wrong variant: the bare residual is no bound
    rough = solve(successor, chance, reward, 0.95, terminal, 1.0)
    assert np.abs(np.asarray(rough.value) - truth.value).max() > rough.residual


def test_blocks_and_threads_change_nothing() -> None:
    successor, chance, reward, terminal = random_world(5, states=6, rewards=5000)
    whole = solve(successor, chance, reward, 0.9, terminal, 1e-9, block=5000)
    pieces = solve(successor, chance, reward, 0.9, terminal, 1e-9, block=37)
    assert pieces.value.shape == (6, 5000)
    assert np.abs(np.asarray(whole.value) - np.asarray(pieces.value)).max() <= whole.error + pieces.error
    assert np.abs(np.asarray(whole.quality) - np.asarray(pieces.quality)).max() <= whole.error + pieces.error


@pytest.mark.parametrize("beta", [0.5, 20.0])
def test_soft_values_are_the_loop_s_and_tend_to_the_hard_ones(beta: float) -> None:
    successor, chance, reward, terminal = random_world(1, rewards=2)
    soft = solve(successor, chance, reward, 0.8, terminal, 1e-9, beta=beta)
    # after 120 sweeps .8^120 < 3e-12 of the values is missing
    oracle = looped(successor, chance, reward, 0.8, terminal, 120, beta=beta)
    assert np.abs(np.asarray(soft.value) - oracle).max() <= 1e-8
    hard = np.asarray(solve(successor, chance, reward, 0.8, terminal, 1e-9).value)
    gap = np.asarray(soft.value) - hard
    # log-sum-exp exceeds the maximum by at most log A / beta a step
    assert gap.min() >= -1e-8
    assert gap.max() <= np.log(3) / beta / (1 - 0.8) + 1e-8


def test_evaluation_agrees_with_the_linear_solve() -> None:
    successor, chance, reward, terminal = random_world(8, rewards=3)
    policy = np.random.default_rng(0).dirichlet(np.ones(3), size=4)
    found = evaluate(successor, chance, reward, 0.9, terminal, policy, 1e-10)
    truth = evaluate_exact(successor, chance, reward, 0.9, terminal, policy)
    assert np.abs(np.asarray(found.value) - truth).max() <= found.error + 1e-12
    best = np.eye(3)[solve_exact(successor, chance, reward, 0.9, terminal).quality[:, :, 0].argmax(axis=1)]
    at_best = evaluate_exact(successor, chance, reward[:, :, :1], 0.9, terminal, best)
    assert np.allclose(at_best, solve_exact(successor, chance, reward[:, :, :1], 0.9, terminal).value)


def test_without_discount_a_world_that_ends_is_solved_and_certified() -> None:
    successor, chance, reward, terminal = random_world(4, states=5, end=True)
    truth = enumerated(successor, chance, reward, 1.0, terminal)
    assert np.abs(solve_exact(successor, chance, reward, 1.0, terminal).value - truth).max() <= 1e-12
    found = solve(successor, chance, reward, 1.0, terminal, 1e-9)
    assert np.abs(np.asarray(found.value) - truth).max() <= found.error + 1e-12
    assert longest(successor, chance, 1.0, terminal) >= 1.0


def test_what_an_ended_state_is_said_to_lead_to_does_not_matter() -> None:
    successor, chance, reward, terminal = random_world(4, states=5, end=True)
    truth = solve_exact(successor, chance, reward, 0.9, terminal).value
    chance[terminal] = 0.0
    assert np.abs(solve_exact(successor, chance, reward, 0.9, terminal).value - truth).max() <= 1e-12
    # rows of float32 sum to 1 as nearly as float32 can
    solve(successor, chance.astype(np.float32), reward.astype(np.float32), 0.9, terminal)


def test_a_huge_cost_does_not_hide_what_is_better_elsewhere() -> None:
    # state 0 may pay 1e15; state 1 stays for 1, or goes for .9 to state 2, where 2 is to be had for ever
    successor = np.array([[[0], [1]], [[1], [2]], [[2], [2]]])
    reward = np.array([[-1e15, 0.0], [1.0, 0.9], [2.0, 0.0]])[:, :, None]
    found = solve_exact(successor, np.ones(successor.shape), reward, 0.5, np.zeros(3, dtype=bool))
    assert found.value[:, 0] == pytest.approx([1.45, 2.9, 4.0], abs=1e-12)
    # wrong variant: with a slack of 64 roundings of the largest value, state 1 stays
    assert 64 * F64 * 1e15 > 2.9 - 2.0


def test_lives_of_a_million_steps_are_certified_at_once() -> None:
    successor = np.array([[[0, 1]], [[1, 1]]])
    chance = np.array([[[1 - 1e-6, 1e-6]], [[0.5, 0.5]]])
    terminal = np.array([False, True])
    start = time.perf_counter()
    assert longest(successor, chance, 1.0, terminal) == pytest.approx(1e6, rel=1e-6)
    found = solve_exact(successor, chance, np.ones((2, 1, 1)), 1.0, terminal)
    assert abs(found.value[0, 0] - 1e6) <= found.error
    # sweeps took a minute
    assert time.perf_counter() - start < 5


def test_exact_ties_and_the_zero_reward() -> None:
    successor, chance, reward, _ = random_world(2, rewards=2)
    reward[:] = 0.0
    reward[:, :, 1] = 1.0
    found = solve_exact(successor, chance, reward, 0.5, np.zeros(4, dtype=bool))
    assert np.abs(found.quality[:, :, 0]).max() == 0
    assert np.abs(found.quality[:, :, 1] - 2.0).max() <= 1e-15 * 4


@pytest.mark.parametrize("solver", [solve, solve_exact])
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"discount": 1.0}, "some policy never ends"),
        ({"discount": 0.0}, "outside"),
        ({"reward": np.full((4, 3, 2), np.nan)}, "NaN or infinite"),
        ({"reward": np.full((4, 3, 2), np.inf)}, "NaN or infinite"),
        ({"reward": np.zeros((4, 3, 0))}, "0 hypotheses"),
        ({"reward": np.zeros((2, 4, 3))}, "hypotheses last"),
        ({"chance": np.full((4, 3, 2), np.nan)}, "negative or not finite"),
        ({"chance": np.broadcast_to([1.5, -0.5], (4, 3, 2))}, "negative or not finite"),
        ({"chance": np.ones((4, 3, 2))}, "sum to 2.0, not to 1"),
        ({"successor": np.full((4, 3, 2), 7)}, "a successor is 7; states run from 0 to 3"),
        ({"successor": np.full((4, 3, 2), -1)}, "a successor is -1"),
    ],
)
def test_what_has_no_values_is_refused(solver, change: dict, sentence: str) -> None:
    successor, chance, reward, terminal = random_world(2)
    given = {
        "successor": successor,
        "chance": chance,
        "reward": reward,
        "discount": 0.9,
        "terminal": terminal,
        **change,
    }
    with pytest.raises(ValueError, match=sentence):
        solver(*given.values())


def test_settings_out_of_range_are_refused() -> None:
    successor, chance, reward, terminal = random_world(2)
    for call, sentence in (
        (lambda: solve(successor, chance, reward, 0.9, terminal, beta=0.0), "beta"),
        (lambda: solve(successor, chance, reward, 0.9, terminal, block=0), "block"),
        (lambda: solve(successor, chance, reward, 0.9, terminal, 0.0), "tolerance"),
        (lambda: evaluate(successor, chance, reward, 0.9, terminal, np.ones((4, 3))), "sum to 1"),
        (lambda: evaluate_exact(successor, chance, reward, 0.9, terminal, np.ones((4, 3))), "sum to 1"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()
