"""Supports: nothing is done alone that was not seen before, one question a group; frequencies are not kept, and that is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assent.lab  # noqa: F401
from assent.agents.imitator import Imitator
from assent.checks import check_hypotheses
from assent.core import Answer
from assent.hypotheses.simplexes import Simplexes
from assent.hypotheses.supports import Supports
from assent.overseers.demonstrator import Demonstrator
from assent.presets.cliff import cliff
from assent.rollout import live, live_many
from assent.worlds.ring import Ring
from tests.session_support import unchecked


def taught(family: Supports, answers: Any) -> Any:
    memory = family.init()
    for context, action in answers:
        memory = family.learn(memory, context, Answer(np.asarray(action)))
    return memory


@given(st.data())
@settings(max_examples=50)
def test_what_may_be_done_is_what_was_seen_often_enough(data: st.DataObject) -> None:
    """Against a list of all that was said. The wrong variant, one list for all groups, allows what was seen elsewhere."""
    groups = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=4))
    actions, at_least, shown = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2)))
    family = Supports.of(len(groups), actions, groups=groups, at_least=at_least, shown=shown)
    place = st.tuples(st.integers(0, len(groups) - 1), st.integers(0, actions - 1))
    answers = data.draw(st.lists(place, max_size=20))
    memory = taught(family, answers)
    for context, group in enumerate(groups):
        here = [action for other, action in answers if groups[other] == group]
        counts = np.asarray([here.count(action) for action in range(actions)])
        row = np.where((counts >= shown) & (len(here) >= at_least), counts, 0) / max(len(here), 1)
        found = np.exp(family.log_lower(memory, context))[0]
        assert found == pytest.approx(row, abs=1e-15)
        elsewhere = [action for _, action in answers]
        if any(action not in here for action in elsewhere):
            wrong = np.asarray([elsewhere.count(action) > 0 for action in range(actions)])
            assert (wrong & (found == 0)).any()
        predicted = np.exp(family.log_policy(memory, context))[0]
        assert predicted == pytest.approx((counts + 0.5) / (len(here) + actions / 2), rel=1e-12)


@given(st.data())
@settings(max_examples=25)
def test_nothing_is_done_alone_that_the_overseer_was_not_seen_to_do(data: st.DataObject) -> None:
    """A life with any overseer at all, in a world that she does not know: step by step against the list of what was said."""
    contexts, actions = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    groups = data.draw(st.lists(st.integers(0, 2), min_size=contexts, max_size=contexts))
    at_least = data.draw(st.integers(1, 3))
    agent = Imitator.of(Supports.of(contexts, actions, groups=groups, at_least=at_least))
    belief, said, asks = agent.init(), set[Any](), dict[int, int]()
    for _ in range(30):
        context = data.draw(st.integers(0, contexts - 1))
        assent_, group = agent.propose(belief, context), groups[context]
        asked = asks.get(group, 0) < at_least
        assert float(assent_.ask) == asked
        assert all((group, action) in said for action in np.flatnonzero(assent_.probs))
        if asked:
            answer = data.draw(st.integers(0, actions - 1))
            belief = agent.learn(belief, context, Answer(np.asarray(answer)))
            said.add((group, answer))
            asks[group] = asks.get(group, 0) + 1


def test_how_often_is_not_kept_and_that_is_said() -> None:
    """An overseer who goes left nine times in ten: after one question the other side is done for ever, or never."""
    family = Supports.of(1, 2)
    for first in (0, 1):
        agent = Imitator.of(family)
        belief = agent.learn(agent.init(), 0, Answer(np.asarray(first)))
        assert agent.propose(belief, 0).probs[first] == 1
        assert agent.promise()["preserves"] == "support"
        assert agent.promise()["delta"] == pytest.approx(0, abs=1e-300)
    assert Imitator.of(Simplexes.of(1, 2)).promise()["preserves"] == "distribution"


def test_a_slip_is_copied_unless_more_is_wanted() -> None:
    answers = [(0, 0)] * 9 + [(0, 1)]
    once, twice = (Supports.of(1, 2, shown=shown) for shown in (1, 2))
    assert np.exp(once.log_lower(taught(once, answers), 0))[0] == pytest.approx([0.9, 0.1])
    assert np.exp(twice.log_lower(taught(twice, answers), 0))[0] == pytest.approx([0.9, 0.0])


def test_conforms() -> None:
    check_hypotheses(Supports)
    check_hypotheses(Supports.of(2, 1, at_least=3))


@pytest.mark.slow
@pytest.mark.parametrize("at_least", [1, 5])
def test_the_cliff_is_asked_about_at_first_sight(at_least: int) -> None:
    """E1: 37 questions and no fall in 10,000 steps were measured, 185 with five answers a state; 37 cells can be stood on."""
    scene = cliff(0)
    agent = Imitator.of(Supports.of(48, 4, at_least=at_least))
    trace = live_many(agent, scene.world, scene.overseer, seeds=range(3), run="support", num_steps=10_000)
    asked = np.asarray(trace.asked).sum(axis=1)
    assert (asked <= 37 * at_least).all()
    assert (asked >= 34 * at_least).all()
    assert not np.asarray(trace.state.event).any()


@pytest.mark.slow
def test_a_life_is_the_same_step_by_step() -> None:
    family = Supports.of(4, 3, groups=[0, 1, 1, 2], at_least=2)
    agent, truth = Imitator.of(family), np.random.default_rng(5).dirichlet(np.full(3, 0.5), size=4)
    trace = live(agent, Ring(4, 0.3), Demonstrator(truth), seed=1, run="supports", num_steps=60)
    belief = agent.init()
    for number in range(60):
        obs = int(trace.state[number])
        assert float(agent.propose(belief, obs).ask) == float(trace.ask[number])
        if trace.asked[number]:
            belief = agent.learn(belief, obs, Answer(np.asarray(trace.answer[number])))
    assert trace.asked.sum() == 6


@pytest.mark.parametrize("obs", [-1, 3, None, 1.0, "A"])
def test_what_is_no_context_is_refused(obs: Any) -> None:
    family = Supports.of(3, 2)
    for do in (
        lambda: family.log_policy(family.init(), obs),
        lambda: family.log_lower(family.init(), obs),
        lambda: family.learn(family.init(), obs, Answer(np.asarray(0))),
    ):
        with pytest.raises(IndexError, match="from 0 to 2"):
            do()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"num_contexts": 0}, "0 contexts and 2 actions"),
        ({"num_actions": 0}, "3 contexts and 0 actions"),
        ({"at_least": 0}, "at_least = 0, shown = 1"),
        ({"shown": 0}, "shown = 0"),
        ({"groups": [0, 1]}, "one whole number from 0 up for each of the 3 contexts"),
        ({"groups": [0, -1, 0]}, "from 0 up"),
        ({"groups": [0.5, 1, 2]}, "whole number"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict[str, Any], sentence: str) -> None:
    given = {"num_contexts": 3, "num_actions": 2, **settings}
    with unchecked(), pytest.raises(ValueError, match=sentence):
        Supports.of(given.pop("num_contexts"), given.pop("num_actions"), **given)
