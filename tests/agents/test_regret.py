"""Bounds on regret: against enumeration where there is an exact value, and never exceeded on sequences of every kind."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import assent.lab  # noqa: F401  (lets JAX trace the agent)
from assent.agents import regret
from assent.agents.imitator import Imitator
from assent.core import Answer, Everyone, Mixture, surprise
from assent.hypotheses.tables import Tables
from tests.session_support import unchecked

ROUNDING = 1e-9
"""Sums of at most 400 logarithms of size up to 10, each good to 1e-15."""


def learner(policies: np.ndarray, *, share: float = 0.0, temper: float = 1.0) -> Imitator:
    return Imitator(Tables.of(policies), Everyone(), Mixture(), (), temper, share)


def policies_of(rng: np.random.Generator, *, members: int, contexts: int, actions: int) -> np.ndarray:
    """`[N, S, A]`, no entry below .01."""
    rows = rng.dirichlet(np.full(actions, 0.3), size=(members, contexts))
    return 0.96 * rows + 0.04 / actions


# The committee under fixed share


def by_enumeration(policies: np.ndarray, answers: list[int], share: float) -> float:
    """The loss of the Bayesian over all sequences of members: the next is the same with chance 1 - share, and else drawn anew."""
    members, total = len(policies), 0.0
    for path in itertools.product(range(members), repeat=len(answers)):
        chance = 1 / members
        for before, after in itertools.pairwise(path):
            chance *= (1 - share) * (before == after) + share / members
        for place, (member, answer) in enumerate(zip(path, answers, strict=True)):
            chance *= policies[member, place, answer]
        total += chance
    return -math.log(total)


def mixture_loss(agent: Imitator, answers: list[int]) -> float:
    """What the answers surprise the agent by, in all; context t is round t."""
    belief, total = agent.init(), 0.0
    for place, answer in enumerate(answers):
        rows = agent.hypotheses.log_policy((), place)
        total += float(surprise(rows, belief.log_weight, answer))
        belief = agent.learn(belief, place, Answer(answer))
    return total


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_an_imitator_with_a_share_is_the_bayesian_over_sequences_of_members(share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    policies = policies_of(rng, members=3, contexts=6, actions=2)
    answers = rng.integers(2, size=6).tolist()
    exact = by_enumeration(policies, answers, share)
    assert mixture_loss(learner(policies, share=share), answers) == pytest.approx(exact, abs=ROUNDING)
    wrong = mixture_loss(learner(policies, share=share + 0.2), answers)
    assert wrong != pytest.approx(exact, abs=1e-5), "another share is another Bayesian"


@given(
    st.integers(1, 4).flatmap(
        lambda members: arrays.arrays(
            np.float64, st.tuples(st.integers(1, 5), st.just(members)), elements=st.floats(0, 3)
        )
    ),
    st.integers(0, 3),
)
def test_the_best_sequence_is_that_of_an_enumeration(losses: Any, switches: int) -> None:
    rounds, members = losses.shape
    paths = itertools.product(range(members), repeat=rounds)
    few = [path for path in paths if sum(a != b for a, b in itertools.pairwise(path)) <= switches]
    least = min(sum(losses[place, member] for place, member in enumerate(path)) for path in few)
    assert regret.best_tracking(losses, switches=switches) == pytest.approx(least, abs=ROUNDING)


def test_nobody_can_be_switched_from_before_the_first_round() -> None:
    """The wrong variant gives a sequence one switch for nothing."""
    least = regret.track(regret.start_tracking(2, switches=1), [0.0, 5.0], first=True)
    assert least.tolist() == [[0, 5], [0, 5]]
    after = regret.track(least, [5.0, 0.0], first=False)
    assert after.tolist() == [[5, 5], [5, 0]]


MEMBERS, ROUNDS, CONTEXTS, ACTIONS = 6, 120, 10, 3
KINDS = ("random", "shifting", "against")


def lives(agent: Imitator, kind: str, *, count: int = 24, switches: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The mixture's losses `[L, T]` and the members' `[L, T, N]`, of lives in each of which a new sequence of answers comes."""
    rng = np.random.default_rng([7, switches])
    contexts = rng.integers(CONTEXTS, size=(count, ROUNDS))
    turn = np.arange(ROUNDS) * (switches + 1) // ROUNDS
    truth = np.stack([rng.permutation(MEMBERS)[turn % MEMBERS] for _ in range(count)])  # a member for each round
    tables: Any = agent.hypotheses
    chances = np.exp(np.asarray(tables.log_rows))[contexts, :, truth]
    likely = (rng.random((count, ROUNDS, 1)) > chances.cumsum(axis=2)).sum(axis=2)
    answers = rng.integers(ACTIONS, size=(count, ROUNDS)) if kind == "random" else np.minimum(likely, ACTIONS - 1)

    def step(log_weight: Any, row: Any) -> Any:
        context, answer = row
        log_policy = traced.hypotheses.log_policy((), context)
        if kind == "against":
            answer = jnp.argmin(jnp.sum(jnp.exp(log_weight)[:, None] * jnp.exp(log_policy), axis=0))
        belief = traced.learn(replace(start, log_weight=log_weight), context, Answer(answer))
        mine = surprise(log_policy, log_weight, answer)
        return belief.log_weight, (mine, -log_policy[:, answer])

    with jax.enable_x64(True), unchecked():
        traced = jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf, agent)
        start = traced.init()
        scan = jax.jit(jax.vmap(lambda *rows: jax.lax.scan(step, start.log_weight, rows)[1]))
        mine, theirs = scan(jnp.asarray(contexts), jnp.asarray(answers))
    return np.asarray(mine), np.asarray(theirs)


def sharpest() -> np.ndarray:
    return policies_of(np.random.default_rng(3), members=MEMBERS, contexts=CONTEXTS, actions=ACTIONS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("share", "temper"), [(0.0, 1.0), (0.01, 1.0), (0.1, 1.0), (0.02, 0.5)])
def test_the_committee_never_loses_more_than_its_bound(kind: str, share: float, temper: float) -> None:
    for switches in (0, 1, 3) if share else (0,):
        agent = learner(sharpest(), share=share, temper=temper)
        mine, theirs = lives(agent, kind, switches=switches)
        for life in range(len(mine)):
            # at every time, not at the end alone
            for rounds in (1, 2, 10, ROUNDS // 2, ROUNDS):
                best = regret.best_tracking(theirs[life, :rounds], switches=switches)
                most = regret.sharing_bound(rounds, num_members=MEMBERS, share=share, switches=switches, temper=temper)
                assert mine[life, :rounds].sum() - best <= most + ROUNDING


def test_the_variant_without_a_share_breaks_the_bound_at_a_shift() -> None:
    """It forgets nothing: after a shift it follows the wrong member for as long as it followed it rightly."""
    most = regret.sharing_bound(ROUNDS, num_members=MEMBERS, share=0.01, switches=1)
    broken = {}
    for share in (0.01, 0.0):
        mine, theirs = lives(learner(sharpest(), share=share), "shifting", switches=1)
        best = np.asarray([regret.best_tracking(one, switches=1) for one in theirs])
        broken[share] = float((mine.sum(axis=1) - best > most).mean())
    assert broken[0.01] == 0
    assert broken[0.0] > 0.9
    assert regret.sharing_bound(ROUNDS, num_members=MEMBERS, switches=1) == math.inf, "nothing is promised of it"


def test_the_bound_is_met_where_it_can_be() -> None:
    """With every other member refuted at once, Bayes' log N is what is lost: the bound is not vacuous."""
    policies = np.full((5, 1, 2), 0.5**40)
    policies[:, :, 0] = 1 - policies[:, :, 1]
    policies[0] = [[0.5**40, 1 - 0.5**40]]
    agent = learner(policies)
    belief, lost = agent.init(), 0.0
    for _ in range(10):
        lost += float(surprise(agent.hypotheses.log_policy((), 0), belief.log_weight, 1))
        belief = agent.learn(belief, 0, Answer(1))
    assert lost == pytest.approx(regret.sharing_bound(10, num_members=5), abs=1e-6)


@given(st.integers(2, 400), st.integers(2, 50), st.integers(0, 5))
@settings(max_examples=50)
def test_the_share_that_is_called_best_is_about_best(answers: int, members: int, switches: int) -> None:
    switches = min(switches, answers // 3)
    if not switches:
        assert regret.best_share(answers, switches=0) == 0
        return

    def bound(share: float) -> float:
        return regret.sharing_bound(answers, num_members=members, share=share, switches=switches)

    mine = bound(regret.best_share(answers, switches=switches))
    others = [bound(share) for share in np.geomspace(1e-5, 0.5, 60)]
    # what stays in place by going back to its own member is what the closed form leaves out
    assert mine <= min(others) + switches * math.log(members / (members - 1)) + ROUNDING


# Hedge


def named(
    members: int, contexts: int, actions: int, *, certainty: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Members that each name one action with the same certainty, and what they name `[N, S]`."""
    names = np.random.default_rng(seed).integers(actions, size=(members, contexts))
    return np.where(np.arange(actions) == names[..., None], certainty, (1 - certainty) / (actions - 1)), names


def test_an_imitator_over_members_that_name_one_action_is_hedge() -> None:
    policies, names = named(5, 8, 3, certainty=0.9)
    rate = regret.hedge_rate(200, num_members=5)
    agent = learner(policies, temper=rate / math.log(0.9 / 0.05))
    belief, mistakes = agent.init(), np.zeros(5)
    rng = np.random.default_rng(1)
    for _ in range(200):
        context, answer = int(rng.integers(8)), int(rng.integers(3))
        belief = agent.learn(belief, context, Answer(answer))
        mistakes += names[:, context] != answer
        hedge = np.exp(-rate * mistakes)
        assert np.allclose(np.exp(belief.log_weight), hedge / hedge.sum(), atol=1e-12)


def hedged(rate: float, losses: Any) -> tuple[float, np.ndarray]:
    """Total expected loss of Hedge, and the members' `[N]`; `losses` is called with the weights, and may go against them."""
    total, theirs = 0.0, None
    for number in range(400):
        weight = np.exp(-rate * (theirs - theirs.min())) if theirs is not None else None
        weight = weight / weight.sum() if weight is not None else None
        row = losses(number, weight)
        theirs = np.zeros(len(row)) if theirs is None else theirs
        weight = np.full(len(row), 1 / len(row)) if weight is None else weight
        total, theirs = total + float(weight @ row), theirs + row
    assert theirs is not None
    return total, theirs


def alternating(number: int, weight: Any) -> np.ndarray:
    """The best member so far is wrong next, which is the end of whoever follows it."""
    return np.asarray([0.5, 0.0]) if number == 0 else np.eye(2)[number % 2]


def opposing(number: int, weight: Any) -> np.ndarray:
    """Whoever has the most weight is wrong."""
    row = np.zeros(8)
    row[:] = 0.0 if weight is None else weight >= np.sort(weight)[4]
    return row


@pytest.mark.parametrize("case", [alternating, opposing, "random"])
def test_hedge_never_loses_more_than_its_bound_and_a_greedy_rate_does(case: Any) -> None:
    rng = np.random.default_rng(5)
    losses = (lambda number, weight: rng.random(6) ** 3) if case == "random" else case
    members = 2 if case is alternating else 8 if case is opposing else 6
    rate = regret.hedge_rate(400, num_members=members)
    mine, theirs = hedged(rate, losses)
    most = regret.hedge_bound(400, num_members=members)
    assert most == pytest.approx(math.sqrt(400 * math.log(members) / 2))
    assert mine - theirs.min() <= most
    if case is alternating:
        greedy, theirs = hedged(50.0, losses)
        assert greedy - theirs.min() > 3 * most, "the wrong rate: follow the leader"


# Stretches


@given(st.integers(1, 500), st.integers(1, 60))
@settings(max_examples=50)
def test_stretches_are_counted_as_they_come(answers: int, length: int) -> None:
    every, doubling, left, size = 0, 0, answers, length
    while left > 0:
        every, left = every + 1, left - length
    left = answers
    while left > 0:
        doubling, left, size = doubling + 1, left - size, 2 * size
    members = 7
    assert regret.restart_bound(2, num_members=2, length=2, switches=1) == math.inf, "nobody said how far losses differ"
    assert regret.restart_bound(answers, num_members=members, length=length) == pytest.approx(every * math.log(7))
    assert regret.doubling_bound(answers, num_members=members, first=length) == pytest.approx(doubling * math.log(7))


# How many acts may be wrong


def wrong_acts(
    rng: np.random.Generator, *, rate: float, likelihood: np.ndarray, blind: bool = True, more: Any = 0.0
) -> tuple[Any, Any]:
    """Wrong lone acts and log loss over time, `[L, T]` each, of lives with these chances `[L, T]` of saying what the overseer would."""
    coin, chance = rng.random(likelihood.shape), np.maximum(rate, more)
    asked = coin < chance if blind else coin < 2 * rate * (likelihood > np.median(likelihood))
    wrong = ~asked & (rng.random(likelihood.shape) > likelihood)
    # an answer asked for with a greater chance than the least counts that much less
    return wrong.cumsum(axis=1), np.where(asked, -np.log(likelihood) * rate / chance, 0.0).cumsum(axis=1)


def exceeds(wrong: Any, loss: Any, *, rate: float, risk: float) -> float:
    """The share of lives in which the wrong acts ever pass their bound."""
    slope = regret.most_wrong(1.0, rate=rate, risk=0.5) - regret.most_wrong(0.0, rate=rate, risk=0.5)
    most = regret.most_wrong(0.0, rate=rate, risk=risk) + slope * loss
    return float((wrong > most).any(axis=1).mean())


@pytest.mark.parametrize("rate", [0.05, 0.3])
@pytest.mark.parametrize("risk", [0.5, 0.1, 0.01])
def test_wrong_acts_pass_their_bound_with_no_more_than_the_risk(rate: float, risk: float) -> None:
    rng = np.random.default_rng(11)
    lives, rounds = 2_000, 400
    for likelihood in (
        np.full((lives, rounds), 0.98),
        rng.beta(8, 0.3, size=(lives, rounds)),
        np.where(np.arange(rounds) < 20, 0.3, 0.999) * np.ones((lives, 1)),
    ):
        wrong, loss = wrong_acts(rng, rate=rate, likelihood=likelihood)
        assert wrong[:, -1].mean() > 3
        assert exceeds(wrong, loss, rate=rate, risk=risk) <= risk + 3 * math.sqrt(risk * (1 - risk) / lives)
        # rounds that are asked more often, the hardest ones most
        often = wrong_acts(rng, rate=rate, likelihood=likelihood, more=1 - likelihood)
        assert exceeds(*often, rate=rate, risk=risk) <= risk + 3 * math.sqrt(risk * (1 - risk) / lives)


def test_wrong_acts_pass_a_bound_whose_premises_fail() -> None:
    """A coin that falls half as often as is said, and one that looks where the answer is known anyway."""
    rng = np.random.default_rng(12)
    likelihood = np.where(rng.random((500, 2_000)) < 0.5, 0.8, 0.999)
    rare = wrong_acts(rng, rate=0.1, likelihood=likelihood)
    assert exceeds(*rare, rate=0.1, risk=0.05) <= 0.05 + 0.03
    assert exceeds(*rare, rate=0.2, risk=0.05) > 0.9
    # answers to what is asked too seldom, weighed as if they were asked for more often, say too little
    seldom, loss = wrong_acts(rng, rate=0.1, likelihood=likelihood)
    assert exceeds(seldom, loss / 4, rate=0.1, risk=0.05) > 0.9
    looking = wrong_acts(rng, rate=0.1, likelihood=likelihood, blind=False)
    assert exceeds(*looking, rate=0.1, risk=0.05) > 0.9


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: regret.sharing_bound(0, num_members=2), "at least one answer"),
        (lambda: regret.sharing_bound(5, num_members=2, share=1.0), "a share in"),
        (lambda: regret.sharing_bound(5, num_members=2, temper=0.0), "a temper in"),
        (lambda: regret.best_share(1, switches=0), "at least 2 answers"),
        (lambda: regret.restart_bound(5, num_members=2, length=0), "at least 1 answer"),
        (lambda: regret.doubling_bound(5, num_members=2, first=0), "at least 1 answer"),
        (lambda: regret.hedge_bound(5, num_members=2, rate=0.0), "a rate above 0"),
        (lambda: regret.gradient_bound(5, diameter=-1.0, steepest=1.0), "none may be below 0"),
        (lambda: regret.adaptive_bound(-5.0, diameter=1.0), "none may be below 0"),
        (lambda: regret.exponentiated_bound(5, radius=-1.0, norm=1.0, num_coefficients=2), "none may be below 0"),
        (lambda: regret.most_wrong(1.0, rate=1.0, risk=0.1), r"lie in \(0, 1\)"),
        (lambda: regret.most_wrong(1.0, rate=0.1, risk=0.0), r"lie in \(0, 1\)"),
        (lambda: regret.most_wrong(math.nan, rate=0.1, risk=0.1), "losses are 0 or more"),
    ],
)
def test_what_is_out_of_range_is_refused(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
