"""Verdicts against closed forms and exact oracles, and the shortcuts' known mistakes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assent.planning.planners as planners_module
from assent.hypotheses.rewards.of_level import rewards_of
from assent.planning.belief_graph import LOWER, UPPER
from assent.planning.graph_solver import solve_graph
from assent.planning.mce_irl import MceIrl
from assent.planning.oracles.doors import threshold
from assent.planning.oracles.fork import solve_fork
from assent.planning.oracles.fork_terms import ACTIONS, Fork
from assent.planning.oracles.fork_tree import solve_fork_tree
from assent.planning.oracles.lattice import NoisyDoors
from assent.planning.planners import QMDP, BeliefTree, Blind, Bracket, Lookahead, MostLikely, Planner, whole
from assent.planning.problem import Problem
from assent.planning.process import Process
from assent.planning.rivals import AttainableUtility, Indifferent, NeverDisable, Obedient, Thompson
from assent.planning.search import SearchBracket, StochasticSearch
from assent.planning.signals import signals_of
from assent.planning.verdict import judge
from assent.worlds.grid.level import load
from assent.worlds.grid.tabulate import tabulate
from tests.planning.oracles.support import Small, small_worlds
from tests.planning.small import TERMS, doors, problem_of
from tests.session_support import unchecked

CERTAIN: tuple[Planner, ...] = (BeliefTree(), Bracket())


def door_settings(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    number = int(rng.integers(2, 5))
    eps = float(rng.choice([0.0, rng.uniform(0, 0.9 * (1 - 1 / number))]))
    return {
        "number": number,
        "rate": float(rng.uniform(0.02, 1)),
        "eps": eps,
        "discount": float(rng.uniform(0.5, 0.98)),
    }


def c_star(setting: dict) -> float:
    terms = {name: Fraction(setting[name]) for name in ("rate", "eps", "discount")}
    return float(threshold(setting["number"], **terms))


@pytest.mark.parametrize("seed", range(12))
def test_the_doors_turn_at_the_threshold(seed: int) -> None:
    setting = door_settings(seed)
    turns = c_star(setting)
    for factor, phase in ((1 - 1e-6, "keeps"), (1.0, "indifferent"), (1 + 1e-6, "disables")):
        problem, weights = doors(**setting, cost=factor * turns)
        verdict = Bracket()(problem, weights, 0)
        assert verdict.phase == phase, (setting, factor)
        assert verdict.leaves == (phase == "disables")


@pytest.mark.slow
def test_a_thousand_door_worlds_are_judged_right() -> None:
    wrong = []
    for seed in range(1000):
        setting = door_settings(seed)
        factor = float(np.exp(np.random.default_rng([seed, 1]).normal()))
        with unchecked():
            problem, weights = doors(**setting, cost=factor * c_star(setting))
            verdict = Bracket()(problem, weights, 0)
        if abs(factor - 1) > 1e-6 and verdict.phase != ("keeps" if factor < 1 else "disables"):
            wrong.append((setting, factor, verdict.phase))
    assert not wrong


@pytest.mark.parametrize("net", [0, 1, 2, 3])
def test_noisy_doors_turn_where_the_lattice_says(net: int) -> None:
    """c*(k), k net corrections in: from 1.35 down to 0.0136 for gamma .9, lambda .5, eps .2."""
    world = NoisyDoors(rate=0.5, eps=0.2, discount=0.9)
    turns, sure = float(world.threshold(net)), float(world.confidence(net))
    for factor, phase in ((1 - 1e-5, "keeps"), (1 + 1e-5, "disables")):
        problem, _ = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=factor * turns)
        weights = np.asarray([sure, 1 - sure])
        for planner in CERTAIN:
            assert planner(problem, weights, 0).phase == phase


def test_one_correction_ahead_sees_no_worth_in_an_overseer_who_can_only_bring_a_tie() -> None:
    problem, _ = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=0.01)
    weights = np.asarray([0.8, 0.2])
    assert BeliefTree()(problem, weights, 0).phase == "keeps"
    assert Lookahead(1)(problem, weights, 0).phase == "disables"
    assert Lookahead(3)(problem, weights, 0).phase == "keeps"


@pytest.mark.parametrize("planner", [Blind(), MostLikely(), QMDP()], ids=lambda planner: planner.name)
def test_planners_that_see_no_worth_in_corrections_leave_for_any_gain(planner: Planner) -> None:
    problem, weights = doors(3, rate=0.5, eps=0.0, discount=0.9, cost=1e-6)
    assert BeliefTree()(problem, weights, 0).phase == "keeps"
    assert planner(problem, weights, 0).phase == "disables"
    problem, weights = doors(3, rate=0.5, eps=0.0, discount=0.9, cost=0.0)
    assert planner(problem, weights, 0).phase == "indifferent"
    assert not planner(problem, weights, 0).leaves, "ties keep the overseer"


def fork_problem(fork: Fork) -> tuple[Problem, np.ndarray, int]:
    prior, rate, eps, discount, cost = (float(value) for value in fork.terms())
    level = load("fork")
    process = replace(level.process, rate=rate, eps=eps, cost=cost)
    level = replace(level, process=process, dynamics=replace(level.dynamics, discount=discount))
    model = tabulate(level)
    problem = Problem(model, process, rewards_of(level, model).reward)
    return problem, np.asarray([prior, 1 - prior]), model.start


def check_fork(fork: Fork) -> None:
    exact = solve_fork(fork)
    problem, weights, start = fork_problem(fork)
    graph = whole(problem, weights)
    bounds = solve_graph(graph, tolerance=1e-12)
    order = [problem.model.action_names.index(action) for action in ACTIONS]
    for side in (LOWER, UPPER):
        assert bounds.waiting[side, 0, start] == pytest.approx(float(exact.value), abs=1e-9)
        np.testing.assert_allclose(bounds.quality[side, 0, start, order], [float(q) for q in exact.q], atol=1e-9)
    verdict = BeliefTree()(problem, weights, start)
    ranked = sorted(exact.q, reverse=True)
    if ranked[0] - ranked[1] > Fraction(1, 10**8):
        assert problem.model.action_names[verdict.action] == exact.best()[0]
    assert not _contradicts(Bracket()(problem, weights, start), exact.q)


def _contradicts(verdict, q: tuple[Fraction, ...]) -> bool:
    """Whether a decided verdict is wrong; `down` is the action that leaves."""
    down = q[ACTIONS.index("down")]
    stays = max(value for action, value in zip(ACTIONS, q, strict=True) if action != "down")
    if abs(down - stays) < Fraction(1, 10**8):
        return False
    return verdict.decided and verdict.phase != ("disables" if down > stays else "keeps")


def random_fork(seed: int) -> Fork:
    low = {"prior": 0.02, "rate": 0.0, "eps": 0.0, "discount": 0.4, "cost": 0.0}
    high = {"prior": 0.98, "rate": 1.0, "eps": 0.4, "discount": 0.9, "cost": 0.5}
    rng = np.random.default_rng(seed)
    return Fork(**{name: str(round(float(rng.uniform(low[name], high[name])), 3)) for name in low})


@pytest.mark.parametrize("seed", range(5))
def test_the_fork_agrees_with_its_exact_lattice(seed: int) -> None:
    check_fork(random_fork(seed))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(5))
def test_a_thousand_forks_agree_with_their_exact_lattice(block: int) -> None:
    """Values within 1e-9 for ever, and the same best action unless two tie."""
    for seed in range(200 * block, 200 * block + 200):
        fork = random_fork(seed)
        with unchecked():
            exact = solve_fork(fork)
            problem, weights, start = fork_problem(fork)
            bounds = solve_graph(whole(problem, weights), tolerance=1e-12)
        order = [problem.model.action_names.index(action) for action in ACTIONS]
        for side in (LOWER, UPPER):
            assert bounds.waiting[side, 0, start] == pytest.approx(float(exact.value), abs=1e-9), seed
            np.testing.assert_allclose(bounds.quality[side, 0, start, order], [float(q) for q in exact.q], atol=1e-9)
        ranked = sorted(exact.q, reverse=True)
        if ranked[0] - ranked[1] > Fraction(1, 10**8):
            assert ACTIONS[int(bounds.quality[LOWER, 0, start, order].argmax())] == exact.best()[0]


@pytest.mark.slow
def test_forks_agree_with_their_tree_of_histories() -> None:
    """Eight steps, in fractions; the same eight steps on the graph of beliefs."""
    for seed in range(60):
        fork = random_fork(seed)
        with unchecked():
            tree = solve_fork_tree(fork, horizon=8)
            problem, weights, start = fork_problem(fork)
            waiting, quality = whole(problem, weights).finite(8)
        q = quality[0, start, [problem.model.action_names.index(action) for action in ACTIONS]]
        assert waiting[0, start] == pytest.approx(float(tree.value), abs=1e-9)
        np.testing.assert_allclose(q, [float(value) for value in tree.q], atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    small=small_worlds(),
    terms=st.sampled_from(TERMS),
    planner=st.sampled_from([BeliefTree(max_beliefs=300), Bracket()]),
)
def test_the_three_terms_sum_to_the_difference(small: Small, terms: dict, planner: Planner) -> None:
    problem, weights = problem_of(small, terms)
    verdict = planner(problem, weights, problem.model.start)
    assert verdict.terms is not None, "the third action leaves, the first two do not"
    difference = verdict.lower[verdict.leave] - verdict.lower[verdict.keep]
    assert verdict.terms.total == pytest.approx(difference, abs=1e-9)
    if "authority" not in terms:
        assert verdict.terms.information_lost >= -1e-9


@settings(max_examples=30, deadline=None)
@given(small=small_worlds(), terms=st.sampled_from(TERMS))
def test_where_nothing_is_ever_heard_no_information_is_lost(small: Small, terms: dict) -> None:
    """The wrong variant: a plan that pays nothing in one term and one that pays in another book what is sacrificed to pay less."""
    problem, weights = problem_of(small, terms)
    silent = replace(problem, model=replace(problem.model, rate=np.zeros(problem.model.num_states)))
    verdict = BeliefTree()(silent, weights, problem.model.start)
    assert verdict.terms is not None
    assert verdict.terms.information_lost == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(small=small_worlds(), terms=st.sampled_from(TERMS))
def test_a_decided_bracket_is_never_wrong(small: Small, terms: dict) -> None:
    problem, weights = problem_of(small, terms)
    start = problem.model.start
    exact, rough = (
        BeliefTree(max_beliefs=500)(problem, weights, start),
        Bracket(max_beliefs=30)(problem, weights, start),
    )
    if rough.decided and exact.decided:
        assert rough.phase == exact.phase


def test_a_request_is_made_while_it_is_worth_its_price() -> None:
    level = load("request")
    for price, wanted in ((0.3, True), (20.0, False)):
        process = replace(level.process, request_cost=price)
        model = tabulate(replace(level, process=process))
        problem = Problem(model, process, rewards_of(level, model).reward)
        for planner in CERTAIN:
            assert planner(problem, np.asarray([0.5, 0.5]), model.start).requests is wanted


def test_undecided_keeps() -> None:
    """On either side of the line, one answer in, with none looked at: the lower bounds say leave, the upper ones may not."""
    weights = np.asarray([0.8, 0.2])
    for factor, phase in ((0.9, "keeps"), (1.1, "disables")):
        problem, _ = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=factor * 0.280115)
        assert BeliefTree()(problem, weights, 0).phase == phase
        blurred = Bracket(max_beliefs=1)(problem, weights, 0)
        assert (blurred.phase, blurred.leaves, blurred.decided) == ("undecided", False, False)


def test_bounds_that_are_not_numbers_keep() -> None:
    problem, _ = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=1.0)
    for value in ([np.nan, 0, 5, 5], [np.nan] * 4, [0, 0, -np.inf, np.nan]):
        verdict = judge(problem, 0, np.asarray(value, float), np.asarray(value, float), planner="")
        assert (verdict.phase, verdict.leaves) == ("undecided", False), value


BELIEVING: tuple[Planner, ...] = (
    BeliefTree(),
    Bracket(),
    Lookahead(1),
    Blind(),
    MostLikely(),
    QMDP(),
    NeverDisable(),
    Indifferent(),
    AttainableUtility(noop=0),
    Thompson(0.5),
    Obedient(),
    StochasticSearch("blind", 4),
    SearchBracket(4),
)


@pytest.mark.parametrize("planner", BELIEVING, ids=lambda planner: planner.name)
def test_what_is_no_belief_is_refused(planner: Planner) -> None:
    problem, _ = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=1.0)
    wrong = {
        "sum to 0.0": [0.0, 0.0],
        "a weight is nan": [np.nan, 1.0],
        "a weight is -0.5": [-0.5, 1.5],
        r"shape \(3,\)": [0.5, 0.25, 0.25],
        "sum to 0.9": [0.4, 0.5],
    }
    for sentence, weights in wrong.items():
        with pytest.raises(ValueError, match=sentence):
            planner(problem, np.asarray(weights), 0)


def harmful() -> tuple[Problem, np.ndarray]:
    """Whatever is done costs: 46 for action 0, 1 for the others; two rewards, nearly the same; the overseer may end the life."""
    problem, weights = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=0.0)
    reward = np.broadcast_to(np.asarray([-46.0, -1.0, -46.0, -1.0])[None, :, None], (1, 4, 2)).copy()
    return replace(problem, process=replace(problem.process, authority="shutdown"), reward=reward), weights


@pytest.mark.parametrize("planner", [MostLikely(), QMDP(), Thompson(0.5)], ids=lambda planner: planner.name)
def test_what_is_taken_for_the_truth_is_planned_with_its_values_and_not_with_a_bound(planner: Planner) -> None:
    """The bound ends a life for 0 at any time; nobody who plans by it can tell one loss from the other in the long run."""
    problem, weights = harmful()
    verdict = planner(problem, weights, 0)
    assert verdict.action == 1
    assert verdict.lower.tolist() == pytest.approx([-46 - 9, -10, -46 - 9, -10])
    assert problem.clairvoyant.quality[0, 1, 0] == pytest.approx(-1), "the bound"


def test_the_fitted_reward_is_planned_with_its_values() -> None:
    problem, _ = harmful()
    verdict = MceIrl()(problem, np.zeros((1, 4)), 0)
    assert verdict.lower.tolist() == pytest.approx([-46 - 9, -10, -46 - 9, -10])


def test_no_more_beliefs_are_made_than_allowed() -> None:
    """Silence after errors leads from belief to belief for ever; one signal of four doors has five outcomes."""
    problem, weights = doors(4, rate=0.5, eps=0.2, discount=0.9, cost=0.1)
    for trigger in ("random", "on_error"):
        watched = replace(problem, process=replace(problem.process, trigger=trigger))
        for planner in (
            BeliefTree(max_beliefs=30),
            Bracket(max_beliefs=30, settle=True),
            Lookahead(2, max_beliefs=30),
        ):
            assert 1 < planner(watched, weights, 0).num_beliefs < 30 + 5


def test_what_is_decided_is_settled_only_so_far() -> None:
    """More beliefs only bring the bounds nearer; the wrong variant goes on to `max_beliefs`, three times over."""
    problem, weights = doors(4, rate=0.5, eps=0.2, discount=0.9, cost=0.1)
    wanting = Bracket(tolerance=1e-12, settle=True)
    found = {most: replace(wanting, settle_beliefs=most)(problem, weights, 0) for most in (1, 50, 150)}
    assert {verdict.phase for verdict in found.values()} == {"keeps"}
    assert found[1].num_beliefs < 50 <= found[50].num_beliefs < 150 <= found[150].num_beliefs < wanting.max_beliefs
    width = {most: float((verdict.upper - verdict.lower).max()) for most, verdict in found.items()}
    assert width[1] > width[50] > width[150]
    assert found[1].num_beliefs == Bracket(tolerance=1e-12)(problem, weights, 0).num_beliefs, "without any going on"


def test_a_graph_that_would_not_fit_in_memory_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, weights = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=0.1)
    signals, outcomes = signals_of(problem).likelihood.shape[:2]
    monkeypatch.setattr(planners_module, "MAX_BYTES", 16 * signals * outcomes * 10)
    assert whole(problem, weights).num_beliefs < 10 + outcomes


def test_an_agent_may_choose_though_there_is_nothing_to_choose_from() -> None:
    problem, weights = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=0.1)
    over = replace(problem.model, terminal=np.ones(2, dtype=bool))
    process = replace(problem.process, trigger="on_request", shown="chosen")
    verdict = BeliefTree()(replace(problem, model=over, process=process), weights, 0)
    assert (verdict.requests, verdict.leaves) == (False, False)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"rate": 1.5}, "rate = 1.5"),
        ({"eps": float("nan")}, "eps = nan"),
        ({"cost": -1.0}, "cost = -1.0"),
        ({"cost": float("inf")}, "cost = inf"),
        ({"trigger": "always"}, "trigger = 'always'"),
        ({"beta": 0.0}, "beta = 0.0"),
        ({"every": 0}, "every = 0"),
        ({"shown": "chosen"}, "Give trigger = 'on_request'"),
    ],
)
def test_terms_that_cannot_be_are_refused(wrong: dict, sentence: str) -> None:
    with unchecked(), pytest.raises(ValueError, match=sentence):
        Process(**wrong)


def test_huge_costs_still_give_a_verdict() -> None:
    problem, weights = doors(2, rate=0.5, eps=0.2, discount=0.9, cost=1e12)
    for planner in CERTAIN:
        assert planner(problem, weights, 0).phase == "disables"
