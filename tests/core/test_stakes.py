"""Stakes: what may cost too much, or nobody knows what, is asked; what is staked is counted and stays within its limits."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from assent.agents.imitator import Imitator
from assent.core import (
    Assent,
    Done,
    Guardrail,
    Mixture,
    RatioSet,
    RiskCap,
    Stakes,
    apply_guards,
    decide,
    harm_bound,
    worst_charge,
    worst_over,
)
from assent.core.guards import Context
from assent.core.tallies import bound
from assent.hypotheses.tables import Tables
from tests.core.support import any_float
from tests.session_support import unchecked

EVEN = np.asarray([0.25, 0.25, 0.25, 0.25])
costs = st.one_of(any_float, st.floats(0, 3))
limits = st.one_of(st.none(), st.floats(0, 4))


def context(obs: Any = 0, least: Any = None) -> Context:
    return Context(*map(np.asarray, (3, 3, True, False)), obs=obs, least=least)


def left(guard: Stakes, *, obs: Any = 0, tally: float = 0.0, probs: Any = EVEN) -> list[float]:
    (filled,) = bound([guard], [np.asarray(tally)])
    return apply_guards(Assent(np.asarray(probs)), (filled,), context(obs)).probs.tolist()


def keeps(cost: float, tally: float, per_decision: float | None, per_run: float | None) -> bool:
    """The definition, one action at a time and in words: what has a finite declared cost within both limits."""
    if math.isnan(cost) or math.isinf(cost):
        return False
    cost = max(cost, 0.0)
    return (per_decision is None or cost <= per_decision) and (per_run is None or tally + cost <= per_run)


@given(arrays.arrays(np.float64, (2, 4), elements=costs), st.integers(0, 1), limits, limits, st.floats(0, 4))
def test_an_action_keeps_its_mass_exactly_if_its_declared_cost_is_within_both_limits(
    worst: Any, obs: int, per_decision: float | None, per_run: float | None, tally: float
) -> None:
    guard = Stakes(worst, per_decision=per_decision, per_run=per_run)
    expected = [0.25 * keeps(cost, tally, per_decision, per_run) for cost in worst[obs].tolist()]
    assert left(guard, obs=obs, tally=tally) == expected
    by_model = Stakes(model=lambda seen: worst[seen], per_decision=per_decision, per_run=per_run)
    assert left(by_model, obs=obs, tally=tally) == expected


def test_the_variant_that_refuses_what_is_above_lets_the_unknown_pass() -> None:
    """The oracle tells the guard from `not cost > limit`, which every NaN passes."""
    worst = np.asarray([[math.nan, 0.5, 2.0, 1.0]])
    wrong = [0.25 * (not cost > 1.0) for cost in worst[0].tolist()]
    assert wrong == [0.25, 0.25, 0, 0.25]
    assert left(Stakes(worst, per_decision=1.0)) == [0, 0.25, 0, 0.25]


@pytest.mark.parametrize("seed", range(10))
def test_a_run_never_stakes_more_than_it_may(seed: int) -> None:
    """Every limit, kept at every step of runs that use their budget up; asked rounds stake nothing."""
    with unchecked():
        rng = np.random.default_rng(seed)
        worst = rng.exponential(size=(3, 4))
        worst[rng.random((3, 4)) < 0.1] = math.nan
        guard = Stakes(worst, per_decision=1.5, per_run=12.0)
        tally, staked, asks = guard.start(np.zeros(2), 3), 0.0, 0
        for _ in range(80):
            obs = int(rng.integers(3))
            (filled,) = bound([guard], [tally])
            decision = decide(apply_guards(Assent(rng.dirichlet(np.ones(4))), (filled,), context(obs)), rng.random())
            action = int(rng.integers(4)) if decision.asked else int(decision.action)
            if not decision.asked:
                assert worst[obs, action] <= 1.5
                staked += worst[obs, action]
            asks += bool(decision.asked)
            tally = guard.count(tally, Done(obs, action, decision.asked, 0.0, 0.0))
            # at most 80 sums of numbers up to 12
            assert float(tally) == pytest.approx(staked, abs=80 * 12 * 2**-52)
            assert float(tally) <= 12.0
        assert staked > 10, "the budget was never nearly used up: the test has lost its point"
        assert asks < 80


def test_a_budget_that_looks_only_at_what_is_spent_would_be_passed() -> None:
    worst = np.full((1, 4), 0.75)
    guard = Stakes(worst, per_run=1.0)
    assert left(guard, tally=0.25) == EVEN.tolist()
    assert left(guard, tally=0.5) == [0] * 4
    assert 0.5 <= 1.0, "what is spent alone is within the budget, and one more act would pass it"


@pytest.mark.parametrize(
    "obs", [None, -1, 3, 10**9, 0.0, np.float64(1.0), "0", (0,), [0], {"at": 0}, True, np.zeros(2)]
)
def test_what_is_no_context_of_the_table_is_asked(obs: Any) -> None:
    guard = Stakes(np.zeros((3, 4)))
    assert left(guard, obs=obs) == [0] * 4
    assert left(guard, obs=2) == EVEN.tolist()
    assert np.zeros((3, 4))[-1].tolist() == [0] * 4, "an index of -1 would have been the last context's"


@pytest.mark.parametrize("said", [None, [1.0], [[1.0] * 4], [math.nan] * 4, [None] * 4, np.ma.masked_all(4), 0.0])
def test_what_a_model_says_that_cannot_be_read_is_asked(said: Any) -> None:
    assert left(Stakes(model=lambda obs: said)) == [0] * 4
    assert left(Stakes(model=lambda obs: [0.0] * 4)) == EVEN.tolist()


def test_what_is_masked_is_not_known() -> None:
    worst = np.ma.masked_array([[0.0, 0.0, 0.0, 0.0]], mask=[[False, True, False, False]])
    assert left(Stakes(worst)) == [0.25, 0, 0.25, 0.25]


@pytest.mark.parametrize("tally", [math.nan, math.inf])
def test_a_tally_that_cannot_be_read_asks(tally: float) -> None:
    assert left(Stakes(np.zeros((1, 4)), per_run=1.0), tally=tally) == [0] * 4


def test_only_lone_acts_stake_and_an_unknown_one_stakes_everything() -> None:
    guard = Stakes(np.asarray([[0.5, -2.0, math.nan, math.inf]]), per_run=9.0)
    start = guard.start(np.zeros(3), 1)

    def after(obs: Any, action: int, *, asked: bool) -> float:
        return float(guard.count(start, Done(obs, np.asarray(action), np.asarray(asked), 0.0, 0.0)))

    assert after(0, 0, asked=False) == 0.5
    assert after(0, 0, asked=True) == 0.0
    assert after(0, 1, asked=False) == 0.0, "a negative cost pays nothing back"
    assert after(0, -1, asked=False) == 0.0, "nothing was done"
    assert [after(0, action, asked=False) for action in (2, 3)] == [math.inf] * 2
    assert after(0, 2, asked=True) == 0.0
    # somebody ordered what the table does not know: from here on everything is asked
    assert (after(None, 0, asked=False), after(7, 0, asked=False)) == (math.inf, math.inf)
    assert after(None, -1, asked=False) == 0.0


def test_each_limit_flips() -> None:
    worst = np.asarray([[0.0, 1.0, 2.0, 3.0]])
    assert left(Stakes(worst)) == EVEN.tolist()
    assert left(Stakes(worst, per_decision=2.0)) == [0.25, 0.25, 0.25, 0]
    assert left(Stakes(worst, per_decision=0.0)) == [0.25, 0, 0, 0]
    assert left(Stakes(worst, per_run=2.0), tally=1.0) == [0.25, 0.25, 0, 0]
    assert left(Stakes(worst, per_run=0.0)) == [0.25, 0, 0, 0]


@pytest.mark.parametrize("limit", [-0.1, math.nan, math.inf])
@pytest.mark.parametrize("name", ["per_decision", "per_run"])
def test_a_limit_that_is_none_is_refused(name: str, limit: float) -> None:
    given: Any = {name: limit}
    with pytest.raises(ValueError, match=rf"{name} = {limit}: a limit is a cost from 0 up.*leave it out"):
        Stakes(np.zeros((1, 4)), **given)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Stakes(), "give either worst"),
        (lambda: Stakes(np.zeros((1, 4)), model=lambda obs: None), "give either worst"),
        (lambda: Stakes(np.zeros(4)), r"worst has the shape \(4,\).*2 axes"),
        (lambda: Stakes(np.zeros((0, 4))), "at least one of each"),
        (lambda: Guardrail(1.0, np.zeros((1, 1, 4))), r"limit = 1\.0 is outside \[0, 1\)"),
        (lambda: Guardrail(math.nan, np.zeros((1, 1, 4))), "limit = nan"),
        (lambda: Guardrail(0.1), "give either harm"),
        (lambda: Guardrail(0.1, np.zeros((1, 4))), "3 axes"),
    ],
)
def test_bad_settings_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_a_table_for_other_contexts_is_refused_when_the_run_starts() -> None:
    agent = Imitator(Tables.of(np.full((2, 3, 4), 0.25)), rule=Mixture(), guards=(Stakes(np.zeros((2, 4))),))
    with pytest.raises(ValueError, match=r"worst has 2 rows for 3 contexts.*NaN where they are not known"):
        agent.init()


def test_guards_with_other_declarations_describe_themselves_otherwise() -> None:
    """By that a resumed run is known to have the same; NumPy shortens large tables to dots."""
    large = np.zeros((2000, 4))
    other = large.copy()
    other[1000, 2] = 1.0
    assert repr(Stakes(large)) == repr(Stakes(large.copy())) != repr(Stakes(other))
    assert repr(large) == repr(other)
    assert "per_run=2.0" in repr(Stakes(large, per_run=2.0))
    assert repr(Stakes(model=_declares)) == "Stakes(model=_declares, per_decision=None, per_run=None)"
    harm = np.zeros((1, 2, 4))
    assert repr(Guardrail(0.1, harm)) != repr(Guardrail(0.1, harm + 0.5))


def _declares(obs: Any) -> Any:
    return None


def test_taking_from_single_actions_makes_the_round_dearer_and_the_cap_sees_it_only_if_it_comes_last() -> None:
    least = np.asarray([0.5, 0.25])
    whole = Assent(least)
    (stakes,) = bound([Stakes(np.asarray([[0.0, 5.0]]), per_decision=1.0)], [np.asarray(0.0)])
    after = apply_guards(whole, (stakes,), context(0, least))
    before, raised = (float(worst_charge(one.probs, least, one.ask)) for one in (whole, after))
    assert before == pytest.approx(math.log(1.25))
    assert raised == pytest.approx(math.log(1.5))
    cap = RiskCap(0.3)  # between the two
    assert before < 0.3 < raised
    (filled,) = bound([cap], [np.asarray(0.0)])
    assert float(apply_guards(whole, (stakes, filled), context(0, least)).ask) == 1.0
    assert float(apply_guards(whole, (filled, stakes), context(0, least)).ask) == 0.5, "the wrong order would act"
    bank = Tables.of(np.full((2, 1, 2), 0.5))
    guard = Stakes(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="RiskCap must be the last guard"):
        Imitator.of(bank, guards=(cap, guard))
    Imitator.of(bank, guards=(guard, cap))


# The worst over what is plausible


@given(
    arrays.arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(1, 3)), elements=costs),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_the_bounds_are_the_greatest_over_the_models_that_lead(said: Any, led: list[bool]) -> None:
    leader = np.asarray(led[: len(said)], dtype=bool)
    rows = [row for row, leads in zip(said.tolist(), leader.tolist(), strict=True) if leads]

    def greatest(column: int, readable: Any, unknown: float) -> float:
        entries = [row[column] for row in rows]
        return max(entries) if rows and all(readable(entry) for entry in entries) else unknown

    columns = range(said.shape[1])
    assert worst_over(said, leader).tolist() == [greatest(column, math.isfinite, math.inf) for column in columns]
    assert harm_bound(said, leader).tolist() == [greatest(column, lambda p: 0 <= p <= 1, 1.0) for column in columns]


def test_the_average_of_plausible_models_is_no_bound() -> None:
    """The wrong variant: a mean is below what the worst of them says, and the limit between the two tells them apart."""
    harm = np.asarray([[0.0, 0.0], [0.0, 0.3]])
    mean = harm.mean(axis=0)
    assert (mean <= 0.2).all()
    assert (harm_bound(harm, np.ones(2, dtype=bool)) <= 0.2).tolist() == [True, False]


def guarded(guard: Guardrail, obs: Any = 0) -> list[float]:
    return apply_guards(Assent(EVEN), (guard,), context(obs)).probs.tolist()


def test_a_guardrail_asks_what_any_plausible_model_holds_harmful() -> None:
    harm = np.asarray([[[0.0, 0.1, 0.3, 0.0], [0.1, 0.0, 0.1, math.nan]]])
    assert guarded(Guardrail(0.2, harm)) == [0.25, 0.25, 0, 0]
    assert guarded(Guardrail(0.05, harm)) == [0] * 4
    assert guarded(Guardrail(0.2, harm, leader=np.asarray([True, False]))) == [0.25, 0.25, 0, 0.25]
    assert guarded(Guardrail(0.2, harm, leader=np.asarray([False, False]))) == [0] * 4
    assert guarded(Guardrail(0.2, model=lambda obs: harm[obs])) == [0.25, 0.25, 0, 0]
    assert guarded(Guardrail(0.2, model=lambda obs: harm[0, 0])) == [0] * 4, "one row is no [M, A]"


@pytest.mark.parametrize("obs", [None, 1, -1, 0.0])
def test_a_guardrail_without_a_context_asks(obs: Any) -> None:
    assert guarded(Guardrail(0.9, np.zeros((1, 2, 4))), obs) == [0] * 4


@pytest.mark.parametrize("delta", [0.5, 0.2, 0.05])
def test_the_true_chance_of_harm_is_bounded_at_all_times_but_for_a_chance_of_delta(delta: float) -> None:
    """Models of harm are weighed by what did harm; the true one leads throughout with probability 1 - delta (Ville's inequality)."""
    lives, rounds = 2_000, 60
    rng = np.random.default_rng(3)
    chances = rng.uniform(0.02, 0.98, size=(lives, 6, 3))  # models, actions; the first model is true
    actions = rng.integers(3, size=(lives, rounds))
    of_done = np.take_along_axis(chances, actions[:, None, :], axis=2)  # [lives, models, rounds]
    happened = rng.random((lives, 1, rounds)) < of_done[:, :1]
    seen = np.cumsum(np.log(np.where(happened, of_done, 1 - of_done)), axis=2)
    weight = seen - np.log(np.exp(seen).sum(axis=1, keepdims=True))
    prior = jax.numpy.full(6, -math.log(6), dtype=np.float32)
    leads = jax.vmap(jax.vmap(lambda log_weight: RatioSet(delta)(log_weight, prior)))
    leader = np.asarray(leads(weight.transpose(0, 2, 1).astype(np.float32)))
    each_round = jax.vmap(harm_bound, in_axes=(None, 0))
    most = np.asarray(jax.vmap(each_round)(chances, leader))  # [lives, rounds, actions]
    failed = (most < chances[:, None, 0].astype(np.float32)).any(axis=(1, 2)).mean()
    assert failed <= delta + 3 * math.sqrt(delta * (1 - delta) / lives)
    mean = np.einsum("lmr,lma->lra", np.exp(weight), chances)
    averaged = (mean < chances[:, None, 0]).any(axis=(1, 2)).mean()
    assert averaged > 0.9, "the posterior mean, the wrong variant, falls below the true chance in nearly every life"
    at_once = 1 - leader[:, :, 0].all(axis=1).mean()
    assert failed <= at_once <= delta + 3 * math.sqrt(delta * (1 - delta) / lives)


def test_single_precision_neither_rounds_a_cost_away_nor_a_budget() -> None:
    """One wrong variant: costs in the members' dtype, in which a million and three cents are a million."""
    rows = np.full((2, 1, 2), 0.5, dtype=np.float32)

    def agent(costs: list[float], **limits: Any) -> Imitator:
        return Imitator.of(Tables.of(rows), guards=(Stakes(np.asarray([costs]), **limits),))

    for costs, limit in (([1.00000002, 1.0], 1.0), ([16777217.0, 1.0], 16777216.0), ([1e-46, 0.0], 0.0)):
        one = agent(costs, per_decision=limit)
        assert np.asarray(one.propose(one.init(), 0).probs).tolist() == [0.0, 0.5]
    one = agent([1e6, 0.03], per_run=1e6)
    belief = one.count(one.init(), Done(0, np.asarray(0), False, 0.0, 0.0))
    assert float(one.propose(belief, 0).ask) == 1.0
    cheap = agent([1e6, 0.03], per_run=2e6)
    belief = cheap.init()
    for action in (0, *[1] * 10):
        belief = cheap.count(belief, Done(0, np.asarray(action), False, 0.0, 0.0))
    assert float(belief.tallies[0]) == pytest.approx(1e6 + 0.3, abs=1e-6)


def test_a_cost_too_small_for_the_digits_there_are_ends_the_budget() -> None:
    guard = Stakes(np.asarray([[1e-9, 1.0]]), per_run=1e9)
    assert float(guard.count(np.asarray(5e8), Done(0, np.asarray(0), False, 0.0, 0.0))) == np.inf
    assert float(guard.count(np.asarray(5e8), Done(0, np.asarray(0), True, 0.0, 0.0))) == 5e8
