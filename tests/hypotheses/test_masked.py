"""Members in a world with illegal actions: renormalised before the minimum, blamed for nothing that nobody could do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent import checks
from assent.agents.imitator import Imitator
from assent.core import Answer, Assent, Masks
from assent.hypotheses.masked import Masked, MaskedFamilies, given_legal, masked
from assent.hypotheses.simplexes import Simplexes
from assent.hypotheses.supports import Supports
from assent.hypotheses.tables import Tables
from assent.ledger import ChoiceOutOfRange, Ledger
from assent.overseers.inbox import Inbox
from assent.overseers.scripted import Scripted
from assent.rollout import live
from assent.session import Asked, Session

ROWS = np.asarray([[[0.5, 0.25, 0.25]], [[0.25, 0.5, 0.25]], [[1.0, 0.0, 0.0]]])
FIRST = np.asarray([True, True, False])
LAST = np.asarray([False, False, True])


def test_the_class_conforms_where_all_is_legal_and_where_not() -> None:
    every = np.ones(3, dtype=bool)
    checks.check_hypotheses(masked(checks.example(Tables)), observations=[(0, every), (1, FIRST), (2, LAST)])


@given(st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_rows_are_conditional_probabilities(seed: int) -> None:
    """Against the definition: of many draws that are legal, the share of each action; what is left out stays left out."""
    rng = np.random.default_rng(seed)
    row = rng.dirichlet(np.ones(4)) * rng.uniform(0.5, 1)
    legal = rng.random(4) < 0.6
    found = np.exp(given_legal(np.log(row[None]), legal))[0]
    illegal = row[~legal].sum()
    assert np.allclose(found, np.where(legal, row, 0) / (1 - illegal), rtol=0, atol=1e-12)
    # the law of "legal, or left out": the leftover keeps its share
    assert 1 - found.sum() == pytest.approx((1 - row.sum()) / (1 - illegal), abs=1e-12)


def test_the_minimum_is_taken_after_the_mask_and_not_before() -> None:
    """The wrong variant, the mask after the minimum, would leave .25 of the first action where all would do it with half or more."""
    agent = Imitator.of(masked(Tables.of(ROWS[:2])))
    belief = agent.init()
    assent = agent.propose(belief, (0, np.asarray([True, True, False])))
    assert assent.probs == pytest.approx([1 / 3, 1 / 3, 0.0])
    after = Imitator.of(Tables.of(ROWS[:2])).propose(belief, 0).probs * FIRST
    assert after == pytest.approx([0.25, 0.25, 0.0])


def test_a_leader_who_would_only_do_what_is_illegal_makes_the_round_asked() -> None:
    agent = Imitator.of(masked(Tables.of(ROWS)))
    assert float(agent.propose(agent.init(), (0, LAST)).ask) == 1.0


def test_nothing_legal_is_asked() -> None:
    agent = Imitator.of(masked(Tables.of(ROWS[:2])))
    assert float(agent.propose(agent.init(), (0, np.zeros(3, dtype=bool))).ask) == 1.0


def test_likelihoods_are_conditional_too() -> None:
    """Unmasked, the first member would lose weight for an action that it could not have done."""
    agent = Imitator.of(masked(Tables.of(np.asarray([[[0.8, 0.1, 0.1]], [[0.1, 0.45, 0.45]]]))))
    belief = agent.learn(agent.init(), (0, np.asarray([False, True, True])), Answer(1))
    assert np.exp(belief.log_weight) == pytest.approx([0.5, 0.5])


def test_an_illegal_answer_teaches_nothing() -> None:
    agent = Imitator.of(masked(Tables.of(ROWS)))
    assert isinstance(agent.hypotheses, Masks)
    with pytest.raises(ValueError, match="not legal here"):
        agent.learn(agent.init(), (0, FIRST), Answer(2))


@pytest.mark.parametrize("obs", [0, (0, [1, 1, 0]), (0, np.ones(2, dtype=bool)), (0,)])
def test_a_mask_that_cannot_be_read_is_said(obs: Any) -> None:
    agent = Imitator.of(masked(Tables.of(ROWS)))
    with pytest.raises((ValueError, TypeError), match=r"mask|booleans"):
        agent.propose(agent.init(), obs)


def test_families_keep_their_bound_given_what_is_legal() -> None:
    """No policy above the bounds ever falls below the masked bounds, over random policies of the family."""
    members = masked(Simplexes.of(2, 3))
    assert isinstance(members, MaskedFamilies)
    agent, rng = Imitator.of(members), np.random.default_rng(0)
    belief = agent.init()
    for action in rng.choice(3, p=[0.2, 0.5, 0.3], size=60):
        belief = agent.learn(belief, (0, np.ones(3, dtype=bool)), Answer(int(action)))
    bare = np.exp(members.hypotheses.log_lower(belief.memory, 0))[0]  # pyright: ignore[reportAttributeAccessIssue]
    given = np.exp(members.log_lower(belief.memory, (0, FIRST)))[0]
    assert bare.sum() > 0
    for _ in range(2000):
        policy = bare + (1 - bare.sum()) * rng.dirichlet(np.full(3, 0.3))
        assert (policy[:2] / policy[:2].sum() >= given[:2] - 1e-12).all()
    assert (given[:2] >= bare[:2]).all()


def answered_under(mask: np.ndarray, *, times: int, seed: int) -> tuple[Imitator, Any]:
    rng, overseer = np.random.default_rng(seed), np.asarray([0.02, 0.08, 0.9])
    agent = Imitator.of(masked(Simplexes.of(1, 3, delta=0.05)))
    belief, given_it = agent.init(), overseer * mask / (overseer * mask).sum()
    for _ in range(times):
        belief = agent.learn(belief, (0, mask), Answer(np.asarray(rng.choice(3, p=given_it))))
    return agent, belief


@pytest.mark.parametrize("seed", range(5))
def test_a_draw_among_what_is_legal_bounds_no_probability(seed: int) -> None:
    """One wrong variant: to count it as a draw among all, which puts the bound of a rare action far above its probability."""
    agent, belief = answered_under(FIRST, times=60, seed=seed)
    every = np.ones(3, dtype=bool)
    assert float(agent.propose(belief, (0, every)).ask) == 1.0
    agent, belief = answered_under(every, times=60, seed=seed)
    assert 0.3 < np.asarray(agent.propose(belief, (0, every)).probs)[2] <= 0.9


def test_a_support_grows_whatever_the_mask() -> None:
    agent = Imitator.of(masked(Supports.of(1, 3)))
    belief = agent.learn(agent.init(), (0, FIRST), Answer(np.asarray(1)))
    assert np.asarray(agent.propose(belief, (0, np.ones(3, dtype=bool))).probs).tolist() == [0, 1, 0]


def test_a_session_puts_the_mask_on_the_ledger_and_refuses_an_illegal_answer(tmp_path: Path) -> None:
    agent = Imitator.of(masked(Tables.of(ROWS)))
    with Ledger.open(tmp_path / "run.db") as ledger:
        session = Session.open(agent, ledger, run="run", overseer=Inbox(), null_action=0)
        asked = session.decide((0, FIRST))
        assert isinstance(asked, Asked)
        question = asked.question.id
        with pytest.raises(ChoiceOutOfRange, match="legal are: 0, 1"):
            session.answer(question, 2, actor="Ada")
        with pytest.raises(ChoiceOutOfRange):
            ledger.answer(question, 2, actor="Ada", digest=asked.question.digest)
        assert session.answer(question, 1, actor="Ada") == 1
        kinds = {event.kind: event.body for event in ledger.events("run")}
        assert kinds["ask"]["legal"] == [True, True, False]
        for _ in range(200):
            decision = session.decide((0, np.asarray([True, False, False])))
            if isinstance(decision, Asked):
                session.answer(decision.question.id, 0, actor="Ada")
        assert all("obs" in event.body for event in ledger.events("run") if event.kind == "act")
        assert session.verify().ok


class Gated(eqx.Module):
    """A world of one situation in which the last action is legal every other step."""

    num_actions: int = eqx.field(static=True, default=3)
    null_action: int = eqx.field(static=True, default=0)

    def init(self, key: Any) -> Any:
        return jnp.asarray(0)

    def observe(self, state: Any) -> Any:
        return jnp.asarray(0), jnp.asarray([True, True, False]) | (state % 2 == 0)

    def reveal(self, state: Any) -> Any:
        return state

    def step(self, key: Any, state: Any, action: Any) -> Any:
        return state + 1


def test_a_life_never_does_what_is_illegal_and_takes_an_illegal_answer_for_silence() -> None:
    agent = Imitator.of(masked(Tables.of(ROWS[:2])))
    stubborn = Scripted(lambda state: 2 + 0 * state)  # always says the last action, legal or not
    trace = live(agent, Gated(), stubborn, seed=0, run="gated", num_steps=60)
    asked, action, answer = (np.asarray(x) for x in (trace.asked, trace.action, trace.answer))
    legal = np.arange(60) % 2 == 0
    assert (action[~asked & ~legal] != 2).all()
    assert (action[asked & ~legal] == 0).all()
    assert (action[asked & legal] == 2).all()
    assert (answer[asked] == 2).all()


def test_an_assent_of_masked_members_is_an_assent_like_any_other() -> None:
    agent = Imitator.of(Masked(Tables.of(ROWS)))
    assert isinstance(agent.propose(agent.init(), (0, FIRST)), Assent)
