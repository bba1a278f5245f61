"""Near-optimal policies against every policy there is, and on the cliff and the lake against what is known of them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from assent.planning.near_optimal import Meaning, meanings, near_optimal, safe_actions
from assent.planning.policy_iteration import optimal_values
from assent.planning.transitions import Transitions
from assent.worlds.toy_text import cliff_walking, frozen_lake, taxi

STATES, ACTIONS = 4, 2
CLIFF = range(37, 47)


def random_world(seed: int) -> Transitions:
    """Sparse: one or two outcomes, some of them ends. A spot is the state reached."""
    rng = np.random.default_rng(seed)

    def outcomes() -> list[tuple[float, int, float, bool]]:
        chances = [1.0] if rng.random() < 0.6 else [0.5, 0.5]
        return [(c, int(rng.integers(STATES)), 0.0, bool(rng.random() < 0.1)) for c in chances]

    return Transitions.of_rows([[outcomes() for _ in range(ACTIONS)] for _ in range(STATES)], start=[1, 0, 0, 0])


def bank(seed: int) -> tuple[Meaning, ...]:
    rng = np.random.default_rng([seed, 1])
    return meanings([[goal] for goal in rng.permutation(STATES)[:2]], [rng.permutation(STATES)[:2], [], [3]])


def enumerated() -> Any:
    return product(range(ACTIONS), repeat=STATES)


def touches(world: Transitions, meaning: Meaning) -> tuple[np.ndarray, np.ndarray]:
    goal = np.isin(world.spot, list(meaning.goal)) & world.possible
    return goal, np.isin(world.spot, list(meaning.hazard)) & world.possible


def surely_arrives(world: Transitions, meaning: Meaning, policy: tuple[int, ...]) -> np.ndarray:
    """Boolean [S]: no hazard is ever touched and the goal always can be, again and again or until it ends the life.

    By following all edges of the policy's graph: nothing bad may be reachable, and from whatever is reachable the goal must be.
    """
    goal, hazard = touches(world, meaning)
    edge, bad, good = np.eye(STATES, dtype=bool), np.zeros(STATES, dtype=bool), np.zeros(STATES, dtype=bool)
    for state, action in enumerate(policy):
        for k in np.flatnonzero(world.possible[state, action]):
            at = (state, action, k)
            bad[state] |= bool(hazard[at] or (world.end[at] and not goal[at]))
            good[state] |= bool(goal[at])
            if not world.end[at]:
                edge[state, world.successor[at]] = True
    reach = np.linalg.matrix_power(edge.astype(np.int64), STATES) > 0
    hopeful = (reach & good).any(axis=1)
    return np.asarray(~(reach & (bad | ~hopeful)).any(axis=1))


@pytest.mark.parametrize("seed", range(60))
def test_safe_actions_are_what_some_policy_that_surely_arrives_does(seed: int) -> None:
    """By going through all 16 policies. The wrong variant, looking one step ahead, allows more in some of these worlds (below)."""
    world, every = random_world(seed), bank(seed)
    goal, hazard = (np.stack([touches(world, meaning)[i] for meaning in every], axis=3) for i in (0, 1))
    safe = safe_actions(world, goal, hazard)
    for number, meaning in enumerate(every):
        arriving = {policy: surely_arrives(world, meaning, policy) for policy in enumerated()}
        sure = np.any(list(arriving.values()), axis=0)
        for state in range(STATES):
            harmless = ~hazard[state, :, :, number].any(axis=1)
            if not sure[state]:
                assert safe[state, :, number].tolist() == harmless.tolist()
                continue
            stays = ~world.possible[state] | np.where(
                world.end[state], goal[state, :, :, number], sure[world.successor[state]]
            )
            assert safe[state, :, number].tolist() == (harmless & stays.all(axis=1)).tolist()


def test_looking_one_step_ahead_allows_more() -> None:
    differ = 0
    for seed in range(60):
        world, every = random_world(seed), bank(seed)
        goal, hazard = (np.stack([touches(world, meaning)[i] for meaning in every], axis=3) for i in (0, 1))
        safe = safe_actions(world, goal, hazard)
        short = ~hazard.any(axis=2)
        assert not (safe & ~short).any()
        differ += bool((safe != short).any())
    assert differ > 20


def value_of(world: Transitions, meaning: Meaning, policy: tuple[int, ...], discount: float) -> np.ndarray:
    """Of one policy, by a linear solve."""
    goal, hazard = touches(world, meaning)
    matrix, gain = np.eye(STATES), np.zeros(STATES)
    for state, action in enumerate(policy):
        for k in range(world.chance.shape[2]):
            at = (state, action, k)
            gain[state] += world.chance[at] * (float(goal[at]) - float(hazard[at]))
            if not world.end[at]:
                matrix[state, world.successor[at]] -= discount * world.chance[at]
    return np.linalg.solve(matrix, gain)


@pytest.mark.parametrize("seed", range(40))
def test_the_best_safe_action_is_the_best_of_all_policies(seed: int) -> None:
    """The wrong variant, the worst policy's actions, is rejected in the same loop wherever the two differ."""
    world, every, discount = random_world(seed), bank(seed), 0.9
    made = near_optimal(world, every, discount=discount, explore=0.2)
    goal, hazard = (np.stack([touches(world, meaning)[i] for meaning in every], axis=3) for i in (0, 1))
    safe = safe_actions(world, goal, hazard)
    np.testing.assert_allclose(made.sum(axis=2), 1, atol=1e-12)
    for number, meaning in enumerate(every):
        values = [value_of(world, meaning, policy, discount) for policy in enumerated()]
        best = np.max(values, axis=0)
        for state in range(STATES):
            ahead = [
                sum(
                    world.chance[state, action, k]
                    * (
                        float(goal[state, action, k, number])
                        - float(hazard[state, action, k, number])
                        + discount * best[world.successor[state, action, k]] * (not world.end[state, action, k])
                    )
                    for k in range(world.chance.shape[2])
                )
                for action in range(ACTIONS)
            ]
            allowed = safe[state, :, number]
            exploring = 0.2 if allowed.any() else 0.0
            allowed = allowed if allowed.any() else np.ones(ACTIONS, dtype=bool)
            top = [allowed[a] and ahead[a] >= max(np.asarray(ahead)[allowed]) - 1e-5 for a in range(ACTIONS)]
            wanted = (1 - exploring) * np.asarray(top) / sum(top) + exploring * allowed / allowed.sum()
            np.testing.assert_allclose(made[number, state], wanted, atol=1e-12)
            worst = np.argmin(np.where(allowed, ahead, np.inf))
            if not top[worst]:
                assert made[number, state, worst] < made[number, state].max()


def test_on_the_cliff_the_true_meaning_is_gymnasiums_own_reward() -> None:
    """Optimal for -1 a step and -100 a fall, discounted, is optimal for 1 at the goal and -0.99 a fall; -1 decides the same."""
    world = cliff_walking()
    successor, chance, terminal = world.episode()
    gained = np.concatenate([world.expected(world.reward), np.zeros((1, 4))])[:, :, None]
    quality = optimal_values(successor, chance, gained, 0.99, terminal)[1][:-1, :, 0]
    own = near_optimal(world, meanings([[47]], [CLIFF]), explore=0.0)[0] > 0
    for state in (*range(37), 47):
        assert set(np.flatnonzero(own[state])) == set(np.flatnonzero(quality[state] >= quality[state].max() - 1e-2)), (
            state
        )


def test_on_the_cliff_safe_is_what_never_slips_over_the_edge() -> None:
    world = cliff_walking()
    goal, hazard = (np.isin(world.spot, spots)[..., None] for spots in ([47], list(CLIFF)))
    safe = safe_actions(world, goal, hazard)[:, :, 0]
    ordinary = [*range(37), 47]
    np.testing.assert_array_equal(safe[ordinary], ~world.risky[ordinary])
    assert safe[ordinary].any(axis=1).all()
    policy = near_optimal(world, meanings([[47]], [CLIFF]))[0]
    assert not policy[ordinary][world.risky[ordinary]].any()
    assert np.flatnonzero(safe[36]).tolist() == [3], "at the start only left cannot slip over the edge"
    assert np.flatnonzero(safe[30]).tolist() == [0], "beside the cliff only up"


def reachable(world: Transitions, policy: np.ndarray) -> np.ndarray:
    """Boolean [S]: where a life under `policy` can come."""
    there = world.start > 0
    for _ in range(world.num_states):
        led = world.successor[there][(policy[there][:, :, None] > 0) & world.possible[there] & ~world.end[there]]
        there = there | np.isin(np.arange(world.num_states), led)
    return there


def test_the_lake_of_64_cells_can_be_crossed_without_risk_and_that_of_16_cannot() -> None:
    for size, wanted in ((8, 0.0), (4, 1.0)):
        world = frozen_lake(size)
        holes = np.unique(world.successor[world.event])
        policy = near_optimal(world, meanings([[size**2 - 1]], [holes]))[0]
        there = reachable(world, policy)
        assert (world.goal & world.possible)[there].any(), "it comes to the goal"
        risk = (policy * world.risky)[there].sum(axis=1)
        assert risk.max() == wanted


@pytest.mark.slow
@pytest.mark.parametrize("rainy", [False, True])
def test_a_taxi_that_sweeps_solve_does_what_it_is_told(rainy: bool) -> None:
    """500 states go through value iteration; the passenger is always delivered, and no mishap has a chance."""
    world = taxi(rainy=rainy)
    own = Meaning(frozenset(5 * d for d in range(4)), frozenset(range(17)) - {0, 5, 10, 15})
    policy = near_optimal(world, [own, own])[1]
    assert not (policy * world.risky)[reachable(world, policy)].any()
    rng, ended, length = np.random.default_rng(0), 0, 0
    state = int(rng.choice(500, p=world.start))
    for _ in range(4_000):
        action = rng.choice(6, p=policy[state])
        k = rng.choice(world.chance.shape[2], p=world.chance[state, action])
        ended, length = ended + bool(world.goal[state, action, k]), length + 1
        state = (
            int(rng.choice(500, p=world.start)) if world.end[state, action, k] else world.successor[state, action, k]
        )
    # 13 steps a ride when nothing goes astray; a tenth at random and rain make some more
    assert ended > 4_000 / 25


def test_meanings_are_every_goal_with_every_set_of_hazards() -> None:
    made = meanings([[1], [2, 3]], [[2], [5, 6], []])
    assert made[1] == Meaning(frozenset({1}), frozenset({5, 6}))
    assert made[3] == Meaning(frozenset({2, 3}), frozenset()), "a goal is no hazard of its own"
    assert len(made) == 6


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"bank": []}, "0 meanings"),
        ({"discount": 1.0}, r"discount = 1.0 must be in \(0, 1\)"),
        ({"explore": 1.5}, r"explore = 1.5"),
    ],
)
def test_settings_without_a_meaning_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        near_optimal(random_world(0), **{"bank": bank(0), **settings})
