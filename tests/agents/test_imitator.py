"""The imitator: what teaches, what does not, what couples, what each setting changes."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.agents.fingerprint import fingerprint
from assent.agents.imitator import HEURISTIC_TEMPER, Imitator
from assent.core import (
    SILENT,
    AlphaSet,
    Answer,
    Belief,
    Confidence,
    Everyone,
    GuaranteeWarning,
    Minimum,
    MinLeaders,
    Mixture,
    NotHalted,
    RatioSet,
    Readable,
    Rotation,
    SureAbove,
    TopK,
    Veto,
    decide,
)
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import wrap
from tests.conftest import Backend
from tests.core.support import EPS, RULES, log, name
from tests.session_support import unchecked

SETS: tuple[Any, ...] = (RatioSet(0.05), AlphaSet(1e-6), TopK(3, accept_no_guarantee=True), Everyone())


def bank(seed: int, *, members: int = 8, contexts: int = 4, actions: int = 3, sharp: float = 0.7) -> Tables:
    rng = np.random.default_rng(seed)
    return Tables.of(
        rng.dirichlet(np.full(actions, sharp), size=(members, contexts)), prior=rng.uniform(0.2, 1, members)
    )


def history(agent: Imitator, rng: np.random.Generator, *, rounds: int, truth: int = 0) -> Any:
    """Observations, answers of one member, and uniform numbers, none of them depending on the agent's settings."""
    tables: Any = agent.hypotheses
    policy = np.exp(tables.log_rows[:, :, truth])
    for _ in range(rounds):
        obs = int(rng.integers(policy.shape[0]))
        yield obs, int(rng.choice(policy.shape[1], p=policy[obs] / policy[obs].sum())), rng.random()


def quietly(**fields: Any) -> Imitator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GuaranteeWarning)
        return Imitator(**fields)


# What is asked with a smaller delta or alpha is a superset


@pytest.mark.parametrize("kind", [RatioSet, AlphaSet])
@pytest.mark.parametrize("seed", range(2))
def test_a_smaller_setting_never_turns_an_ask_into_an_act(kind: Any, seed: int) -> None:
    """Spec 3.1: on a shared history, under the same uniform numbers, the rounds asked with less risk contain those asked with more."""
    levels = (0.9, 0.3, 0.05, 1e-4)
    agents = [
        quietly(hypotheses=bank(seed), leading=kind(level), guards=(Readable(), SureAbove(0.6))) for level in levels
    ]
    beliefs, fewer = [agent.init() for agent in agents], 0
    for obs, answer, uniform in history(agents[0], np.random.default_rng(seed), rounds=150):
        assents = [agent.propose(belief, obs) for agent, belief in zip(agents, beliefs, strict=True)]
        asked = [bool(decide(assent, uniform).asked) for assent in assents]
        assert asked == sorted(asked), (levels, asked)
        asks = [float(assent.ask) for assent in assents]
        # the reference row may change with the set: rounding of a sum over three actions
        assert all(later >= earlier - 16 * EPS for earlier, later in pairwise(asks))
        assert all((later.probs <= earlier.probs).all() for earlier, later in pairwise(assents))
        fewer += asked[0] < asked[-1]
        if uniform < 0.2:
            beliefs = [agent.learn(belief, obs, Answer(answer)) for agent, belief in zip(agents, beliefs, strict=True)]
    assert fewer > 5, "the settings never differed: the test has lost its point"


def test_under_the_mixture_a_smaller_setting_can_turn_an_ask_into_an_act() -> None:
    """The wrong variant of the rule for this law: an average can gain from a member, a minimum cannot."""
    rows = np.asarray([[[0.5, 0.0]], [[1.0, 0.0]]])
    sure, careful = (Imitator(Tables.of(rows), RatioSet(delta), Mixture()) for delta in (0.9, 0.1))
    belief = replace(sure.init(), log_weight=log([0.75, 0.25]))
    assert decide(sure.propose(belief, 0), 0.45).asked
    assert not decide(careful.propose(belief, 0), 0.45).asked


# Order and copies of members


@given(st.integers(0, 1000), st.permutations(range(6)))
@settings(max_examples=6)
def test_the_order_of_members_changes_nothing(seed: int, order: list[int]) -> None:
    first = bank(seed, members=6)
    second = Tables(first.log_rows[:, :, order], first.log_prior_weights[order], first.names)
    for rule in (Minimum(), Mixture(), Veto(0.05), Rotation()):
        _alike(Imitator(first, rule=rule), Imitator(second, rule=rule), seed=seed)


@given(st.integers(0, 1000), st.integers(2, 5))
@settings(max_examples=6)
def test_copies_of_a_member_change_nothing_under_the_ratio_set(seed: int, copies: int) -> None:
    first = bank(seed, members=5)
    each = [1, copies, 1, 1, 1]
    prior = np.repeat(first.log_prior_weights - np.log(each), each)
    second = Tables(np.repeat(first.log_rows, each, axis=2), prior, ())
    for rule in (Minimum(), Mixture(), Veto(0.05)):
        _alike(Imitator(first, RatioSet(0.2), rule), Imitator(second, RatioSet(0.2), rule), seed=seed)


def _alike(one: Imitator, other: Imitator, *, seed: int) -> None:
    """The same assents over a history, up to the rounding of twelve updates of weights up to 100 nats in size."""
    beliefs = [one.init(), other.init()]
    for obs, answer, _ in history(one, np.random.default_rng(seed), rounds=12):
        first, second = (agent.propose(belief, obs) for agent, belief in zip((one, other), beliefs, strict=True))
        assert np.allclose(first.probs, second.probs, rtol=0, atol=12 * 100 * EPS), name(one.rule)
        assert abs(float(first.ask) - float(second.ask)) < 12 * 100 * EPS
        beliefs = [
            agent.learn(belief, obs, Answer(answer)) for agent, belief in zip((one, other), beliefs, strict=True)
        ]


def test_copies_matter_to_the_alpha_set_and_to_the_best_k() -> None:
    """Why the ratio set is the default. A hundred copies of the truth share its prior, and lose."""
    rows = np.asarray([[[0.5, 0.5]], *[[[0.6, 0.4]]] * 100])
    prior = np.asarray([1.0, *[0.01] * 100])
    for leading, kept in ((RatioSet(0.5), True), (AlphaSet(0.05), False), (TopK(1, accept_no_guarantee=True), False)):
        agent = quietly(hypotheses=Tables.of(rows, prior=prior), leading=leading)
        proposal = agent.consider(agent.init(), 0)
        assert proposal.leader[1:].all() == kept, name(leading)


# What moves the weights


@pytest.mark.parametrize("leading", SETS, ids=name)
def test_what_was_done_teaches_nothing_bit_for_bit(leading: Any) -> None:
    agent = quietly(hypotheses=bank(1), leading=leading)
    belief = agent.learn(agent.init(), 0, Answer(1))
    for obs in range(4):
        for action in range(3):
            after = agent.remember(belief, obs, action)
            assert after is belief
            assert after.log_weight.tobytes() == belief.log_weight.tobytes()


@pytest.mark.parametrize("action", [0, 1.0, True, np.int64(0), np.asarray(1), None, "yes", (1,)])
def test_only_an_answer_teaches(action: Any) -> None:
    agent = Imitator(bank(1))
    with pytest.raises(TypeError):
        agent.learn(agent.init(), 0, action)


def test_only_an_answer_teaches_without_the_type_checking_hook_too() -> None:
    """The suite runs under beartype, which users do not have; `learn` says it itself."""
    program = """
import numpy as np
from assent.agents.imitator import Imitator
from assent.hypotheses.tables import Tables
agent = Imitator(Tables.of(np.full((2, 1, 2), 0.5)))
for action in (0, np.int64(1), np.asarray(0), None):
    try:
        agent.learn(agent.init(), 0, action)
    except TypeError as error:
        assert str(error).startswith(f"learn takes an Answer, what an overseer said, but was given {action!r};"), error
    else:
        raise SystemExit(f"learned from {action!r}")
print("refused")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("refused\n", 0), done.stderr


@pytest.mark.parametrize("kind", [int, np.int64, np.asarray])
@pytest.mark.parametrize("action", [SILENT, -2, 3, 10**6])
def test_an_answer_that_is_no_action_is_refused(kind: Any, action: int) -> None:
    """-1, silence, would be the last action to an array's index: silence would teach."""
    agent = Imitator(bank(1))
    with pytest.raises(ValueError, match=rf"the answer {action} is not an action: actions run from 0 to 2"):
        agent.learn(agent.init(), 0, Answer(kind(action)))


@pytest.mark.parametrize("action", [SILENT, 3, 0.5, True, [1]])
def test_an_answer_that_is_no_action_is_refused_from_every_library(action: Any, backend: Backend) -> None:
    """Wrong variant: what JAX and torch hold is taken on trust, and silence teaches the last action."""
    agent = Imitator(bank(1))
    with pytest.raises(ValueError, match=r"is not an action: actions run from 0 to 2"):
        agent.learn(agent.init(), 0, Answer(backend.namespace.asarray(action)))
    taught = agent.learn(agent.init(), 0, Answer(backend.namespace.asarray(1)))
    assert taught.log_weight.tolist() == agent.learn(agent.init(), 0, Answer(1)).log_weight.tolist()


@pytest.mark.parametrize("action", [0.5, math.nan, True, np.asarray([1]), np.asarray(1.0), np.bool_(True)], ids=repr)
def test_an_answer_of_another_kind_is_refused(action: Any) -> None:
    agent = Imitator(bank(1))
    with pytest.raises(ValueError, match=r"is not an action: actions run from 0 to 2"):
        agent.learn(agent.init(), 0, Answer(action))


@pytest.mark.parametrize("obs", [-1, 4, np.int64(-1), np.asarray(4)])
def test_a_context_out_of_range_is_refused(obs: Any) -> None:
    agent = Imitator(bank(1))
    for act in (lambda: agent.propose(agent.init(), obs), lambda: agent.learn(agent.init(), obs, Answer(0))):
        with pytest.raises(IndexError, match="contexts run from 0 to 3"):
            act()


def test_learning_is_bayes_rule_on_what_was_said_before() -> None:
    members = bank(2)
    agent = Imitator(members)
    belief, exact = agent.init(), np.exp(agent.hypotheses.log_prior())
    for obs, answer, _ in history(agent, np.random.default_rng(2), rounds=40):
        belief = agent.learn(belief, obs, Answer(answer))
        exact = exact * np.exp(members.log_rows[obs, answer])
        exact /= exact.sum()
        assert np.allclose(np.exp(belief.log_weight), exact, rtol=0, atol=1e-12)
    assert belief.log_prior is agent.init().log_prior or np.array_equal(belief.log_prior, agent.init().log_prior)


def test_a_learner_is_scored_before_it_is_taught() -> None:
    """A member's likelihood is what it said before the answer; scored afterwards, whoever learns by heart wins."""

    class Parrot:
        said = 0.5

        def predict_proba(self, inputs: Any) -> Any:
            return np.asarray([[1 - self.said, self.said]])

        def partial_fit(self, inputs: Any, labels: Any, classes: Any = None) -> None:
            self.said = 1.0

    agent = Imitator.of(wrap([Parrot(), lambda obs: [0.4, 0.6]], num_actions=2), temper=1.0)
    after = agent.learn(agent.init(), np.zeros(1), Answer(1))
    assert after.log_weight[1] > after.log_weight[0]
    assert agent.hypotheses.log_policy(after.memory, np.zeros(1))[0, 1] > math.log(0.9)


# The dead, the unreadable, the empty


@pytest.mark.parametrize("rule", RULES, ids=name)
@pytest.mark.parametrize("leading", SETS, ids=name)
def test_when_all_are_dead_it_asks_for_ever(rule: Any, leading: Any) -> None:
    rows = np.asarray([[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.25, 0.75]]])
    agent = quietly(hypotheses=Tables.of(rows), leading=leading, rule=rule)
    belief = agent.learn(agent.init(), 0, Answer(1))
    for answer in (0, 1, 0):
        assert np.isneginf(belief.log_weight).all()
        for obs in (0, 1):
            assert float(agent.propose(belief, obs).ask) == 1
        belief = agent.learn(belief, 1, Answer(answer))


@pytest.mark.parametrize("rule", RULES, ids=name)
@pytest.mark.parametrize("leading", SETS, ids=name)
def test_who_has_no_prior_never_leads(rule: Any, leading: Any) -> None:
    rows = np.asarray([[[0.9, 0.1]], [[0.9, 0.1]], [[0.0, 1.0]]])
    agent = quietly(hypotheses=Tables.of(rows, prior=np.asarray([1.0, 1.0, 0.0])), leading=leading, rule=rule)
    belief = agent.init()
    for answer in (0, 1, 1):
        proposal = agent.consider(belief, 0)
        assert not proposal.leader[2]
        assert float(proposal.assent.ask) < 1e-9
        belief = agent.learn(belief, 0, Answer(answer))


def test_the_dead_do_not_make_a_committee() -> None:
    """A set of the k best that counts the dead satisfies `MinLeaders(2)` with one member alive."""
    rows = np.asarray([[[0.9, 0.1]], [[1.0, 0.0]]])
    agent = Imitator(Tables.of(rows), TopK(2, accept_no_guarantee=True), guards=(MinLeaders(2),))
    assert float(agent.propose(agent.init(), 0).ask) < 0.2
    assert float(agent.propose(agent.learn(agent.init(), 0, Answer(1)), 0).ask) == 1


@pytest.mark.parametrize("rule", RULES, ids=name)
@pytest.mark.parametrize("leading", SETS, ids=name)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_weight_that_cannot_be_read_asks(rule: Any, leading: Any, bad: float) -> None:
    """A set that leaves the member with the weight NaN out would make it look as if it had lost."""
    agent = quietly(hypotheses=bank(0, members=3), leading=leading, rule=rule, guards=())
    weight = agent.init().log_weight.copy()
    weight[1] = bad
    with np.errstate(invalid="ignore"):
        assert float(agent.propose(Belief(weight, agent.init().log_prior), 0).ask) == 1


def test_equal_members_ask_exactly_zero() -> None:
    row = np.random.default_rng(0).dirichlet(np.ones(7), size=(1, 3))
    for copies in (1, 2, 5):
        agent = Imitator(Tables.of(np.repeat(row, copies, axis=0)))
        for obs in range(3):
            assert float(agent.propose(agent.init(), obs).ask) == 0


# Settings


def test_delta_flips() -> None:
    rows = np.asarray([[[0.9, 0.1]], [[0.2, 0.8]]])
    asks = []
    for delta in (0.9, 0.5, 0.05):
        agent = Imitator(Tables.of(rows), RatioSet(delta))
        asks.append(float(agent.propose(agent.learn(agent.init(), 0, Answer(0)), 0).ask))
    # the second member's ratio is 2 * 0.2 / 1.1 = 0.36
    assert asks == pytest.approx([0, 0, 0.7])


def test_alpha_flips() -> None:
    rows = np.asarray([[[0.9, 0.1]], [[0.2, 0.8]]])
    asks = []
    for alpha in (0.5, 0.1):
        agent = Imitator(Tables.of(rows), AlphaSet(alpha))
        asks.append(float(agent.propose(agent.learn(agent.init(), 0, Answer(0)), 0).ask))
    assert asks == pytest.approx([0, 0.7])  # the second has 0.18 of the weight


def test_cap_flips() -> None:
    agents = [Imitator(bank(0, members=5), RatioSet(0.05, cap=cap)) for cap in (None, 5, 4)]
    asks = [float(agent.propose(agent.init(), 0).ask) for agent in agents]
    assert asks[0] == asks[1] < 1
    assert asks[2] == 1


def test_temper_flips() -> None:
    rows = np.asarray([[[0.9, 0.1]], [[0.2, 0.8]]])
    agents = [Imitator(Tables.of(rows), RatioSet(0.5), temper=temper) for temper in (1.0, 0.1)]
    asks = [float(agent.propose(agent.learn(agent.init(), 0, Answer(0)), 0).ask) for agent in agents]
    assert asks == pytest.approx([0, 0.7])


def unreadable_second() -> Any:
    return wrap([lambda obs: [0.9, 0.1], lambda obs: [math.nan] * 2, lambda obs: [0.9, 0.1]], num_actions=2)


def test_readable_flips() -> None:
    careful, careless = (Imitator(unreadable_second(), rule=Mixture(), guards=guards) for guards in ((Readable(),), ()))
    assert float(careful.propose(careful.init(), 0).ask) == 1
    # without the guard the mixture asks with the unreadable member's share, and with what the floor leaves out
    assert float(careless.propose(careless.init(), 0).ask) == pytest.approx(1 / 3 + 2 / 3 * 0.01)
    # the minimum asks with or without it
    bare = Imitator(unreadable_second(), guards=())
    assert float(bare.propose(bare.init(), 0).ask) == 1


def test_who_does_not_lead_may_be_unreadable() -> None:
    agent = Imitator.of(unreadable_second())
    belief = replace(agent.init(), log_weight=log([0.5, 1e-6, 0.5]))
    assert agent.consider(belief, 0).leader.tolist() == [True, False, True]
    assert float(agent.propose(belief, 0).ask) < 0.1


@pytest.mark.parametrize(("halted", "asks"), [(False, False), (True, True), (None, True), (math.nan, True)])
def test_halted_flips(halted: Any, asks: bool) -> None:
    rows = np.asarray([[[0.9, 0.1]]] * 2)
    agent = Imitator(Tables.of(rows), guards=(NotHalted(),))
    proposal = agent.consider(agent.init(), 0, halted=np.asarray(halted))
    assert (float(proposal.assent.ask) == 1) == asks
    assert float(proposal.unguarded.ask) == 0


def test_learned_members_get_the_careful_defaults_and_an_exact_class_does_not() -> None:
    learned = Imitator.of(wrap([lambda obs: [0.9, 0.1]] * 3, num_actions=2))
    assert learned.guards == (Readable(), MinLeaders(2))
    assert learned.temper == HEURISTIC_TEMPER == 0.1
    exact = Imitator.of(bank(0))
    assert (exact.guards, exact.temper) == ((Readable(),), 1.0)
    assert (exact.leading, exact.rule) == (RatioSet(0.05), Minimum())
    chosen = Imitator.of(learned.hypotheses, leading=Everyone(), rule=Mixture(), guards=(SureAbove(0.2),), temper=0.7)
    assert (chosen.leading, chosen.rule, chosen.temper) == (Everyone(), Mixture(), 0.7)
    # guards come on top of the safe ones; who wants exactly some uses the constructor
    assert chosen.guards == (Readable(), MinLeaders(2), SureAbove(0.2))
    assert Imitator.of(bank(0), guards=(SureAbove(0.2),)).guards == (Readable(), SureAbove(0.2))


def test_a_learned_committee_of_one_asks_and_an_exact_one_acts() -> None:
    lonely = Imitator.of(wrap([lambda obs: [0.9, 0.1]], num_actions=2))
    assert float(lonely.propose(lonely.init(), 0).ask) == 1
    known = Imitator.of(wrap([lambda obs: [0.9, 0.1]], num_actions=2, grade="exact"))
    assert float(known.propose(known.init(), 0).ask) == pytest.approx(0.01)


@pytest.mark.parametrize("temper", [0.0, -0.5, 1.5, math.nan, math.inf])
def test_a_bad_temper_is_refused(temper: float) -> None:
    with pytest.raises(ValueError, match=rf"temper = {temper} is outside \(0, 1\].*1 is Bayes' rule"):
        Imitator(bank(0), temper=temper)


def test_an_alpha_that_drops_members_before_any_answer_warns() -> None:
    with pytest.warns(
        GuaranteeWarning, match=r"alpha = 0\.5 drops \d of 8 members before any answer is in.*RatioSet\(delta=0\.05\)"
    ):
        Imitator(bank(0), AlphaSet(0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Imitator(bank(0), AlphaSet(0.001))


def test_it_says_what_it_is() -> None:
    agent = Imitator(bank(0, members=2), RatioSet(0.1), Confidence(0.8), (Readable(), SureAbove(0.2)), temper=0.5)
    described, least = agent.describe(), np.exp(agent.hypotheses.log_prior()).min()
    assert described.pop("promise") == {
        "delta": pytest.approx(0.1**2),  # tempered by a half
        "query_bound": None,  # this rule need not ask where members disagree
        "cap": None,
        "bounds": False,
        "assumes": [],
        "preserves": "distribution",
        "members": 2,
    }
    minimum = replace(agent, rule=Minimum()).promise()
    assert minimum["bounds"]
    assert minimum["query_bound"] == pytest.approx(4.31 * 4 * np.log(1 / (0.1 * least)) / 0.5)
    assert described == {
        "rule": "Confidence",
        "settings": "Confidence(threshold=0.8)",
        "leading": "RatioSet(delta=0.1, cap=None)",
        "guards": ["Readable()", "SureAbove(tau=0.2)"],
        "temper": 0.5,
        "members": ["member 0", "member 1"],
        "num_actions": 3,
        "grade": "exact",
        "dtype": "float64",
        "committee": fingerprint(agent.hypotheses),
    }
    assert (agent.num_contexts, agent.remembers) == (4, False)


def test_backends(backend: Any) -> None:
    plain = bank(3)
    other = Tables(backend.array(plain.log_rows), backend.array(plain.log_prior_weights), plain.names)
    agents = [Imitator(hypotheses, guards=(Readable(), SureAbove(0.7)), temper=0.5) for hypotheses in (plain, other)]
    beliefs = [agent.init() for agent in agents]
    for obs, answer, _ in history(agents[0], np.random.default_rng(3), rounds=10):
        first, second = (agent.propose(belief, obs) for agent, belief in zip(agents, beliefs, strict=True))
        assert np.allclose(first.probs, backend.numpy(second.probs), rtol=0, atol=1e-13)
        assert abs(float(first.ask) - float(second.ask)) < 1e-13
        beliefs = [agent.learn(belief, obs, Answer(answer)) for agent, belief in zip(agents, beliefs, strict=True)]


@pytest.mark.parametrize("prior", [math.nan, math.inf, -math.inf])
def test_a_live_member_with_an_unreadable_prior_is_not_passed_over(prior: float) -> None:
    """Wrong variant: whoever cannot be compared does not lead, so the only dissenter is silenced."""
    agent = Imitator.of(Tables.of(np.asarray([[[1.0, 0.0]], [[0.0, 1.0]]])))
    weight = np.log(np.asarray([0.5, 0.5]))
    assent = agent.propose(Belief(weight, np.asarray([weight[0], prior]), ()), 0)
    assert (assent.probs.tolist(), float(assent.ask)) == ([0, 0], 1)


@pytest.mark.parametrize("grade", ["Heuristic", "learned", None])
def test_an_unknown_grade_gets_the_careful_defaults(grade: Any) -> None:
    with unchecked(), pytest.raises(ValueError, match="choose one of exact, bounded, heuristic"):
        wrap([lambda obs: [1.0, 0.0]], num_actions=2, grade=grade)
    with unchecked():
        agent = Imitator.of(replace(wrap([lambda obs: [1.0, 0.0]], num_actions=2), grade=grade))
        assert (agent.temper, float(agent.propose(agent.init(), 0).ask)) == (HEURISTIC_TEMPER, 1)


def test_a_dead_member_does_not_count_as_a_leader() -> None:
    agent = Imitator(
        bank(1, members=2), lambda log_weight, log_prior: np.asarray([True, True]), guards=(MinLeaders(2),)
    )
    dead = Belief(np.asarray([0.0, -math.inf]), np.log(np.asarray([0.5, 0.5])), ())
    assert float(agent.propose(dead, 0).ask) == 1
    assert agent.consider(dead, 0).leader.tolist() == [True, False]


class Misshapen:
    """Two members and two actions, it says; its rows are what it is told."""

    grade, num_contexts, remembers, names, num_actions, num_members = "exact", None, False, ("a", "b"), 2, 2

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def log_prior(self) -> Any:
        return np.log(np.asarray([0.5, 0.5]))

    def init(self) -> Any:
        return ()

    def log_policy(self, memory: Any, obs: Any) -> Any:
        return self.rows


@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((1, 2)),
        np.zeros((2, 3)),
        np.zeros((2, 1)),
        np.zeros(2),
        np.zeros((2, 2), np.complex128),
        np.zeros((2, 2), np.float32),
    ],
    ids=lambda rows: f"{rows.dtype}{rows.shape}",
)
def test_rows_of_another_shape_or_dtype_are_refused(rows: Any) -> None:
    """Wrong variant: one row for two members is spread over both, and a committee of two stands where there is one opinion."""
    with unchecked():
        agent = Imitator(Misshapen(rows))  # type: ignore[arg-type]
    for act in (lambda: agent.propose(agent.init(), 0), lambda: agent.learn(agent.init(), 0, Answer(1))):
        with unchecked(), pytest.raises(ValueError, match=r"one row \[A\] for each weight"):
            act()


@pytest.mark.parametrize(
    "parts",
    [{"leading": 0.05}, {"rule": Minimum}, {"leading": RatioSet}, {"guards": MinLeaders(2)}, {"guards": [1]}],
    ids=repr,
)
def test_parts_of_another_kind_are_refused_with_a_sentence(parts: dict[str, Any]) -> None:
    for make in (Imitator, Imitator.of):
        with unchecked(), pytest.raises(TypeError, match=r"(give an object such as|give a tuple of guards)"):
            make(bank(1), **parts)
