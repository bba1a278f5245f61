"""What the overseer is shown is what the committee said; and plain numbers decide as the core does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assent.agents.imitator import Imitator, Proposal
from assent.core import (
    Assent,
    Audit,
    Everyone,
    Minimum,
    MinLeaders,
    Mixture,
    OneAnswer,
    RatioSet,
    Readable,
    RiskCap,
    decide,
)
from assent.dossier import DISSENTS, MOST_ACTIONS, MOST_NUMBERS, Ready, assent_and_minimum, dossier, shown_actions
from assent.fold import charge_of
from assent.hypotheses.tables import Tables
from assent.ledger import digest_of_question
from tests.session_support import policies, tables_agent


def ready_of(probs: Any, gap: Any = 0.0) -> Ready:
    assent = Assent(np.asarray(probs, dtype=np.float64), gap=gap)
    rows, yes = np.log(np.ones((1, len(probs))) / len(probs)), np.asarray([True])
    return Ready.of(Proposal(assent, assent, rows, yes, yes))


masses = st.floats(0, 1, allow_subnormal=False)
numbers = st.one_of(
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([0.0, 0.5, np.nextafter(1, 0), 2.0**-53, 1.0, -0.5, float("nan")]),
)


@given(
    weights=st.lists(masses, min_size=1, max_size=6),
    total=st.floats(0, 1),
    uniform=numbers,
)
@example(weights=[1.0], total=1.0, uniform=float(np.nextafter(1, 0)))
@example(weights=[0.0, 1.0, 0.0], total=1.0, uniform=0.0)
@example(weights=[1.0, 0.0], total=1.0, uniform=float(np.nextafter(1, 0)))
@example(weights=[0.0, 0.0], total=0.0, uniform=float(np.nextafter(1, 0)))
def test_ready_decides_as_the_core(weights: list[float], total: float, uniform: float) -> None:
    whole = sum(weights)
    ready = ready_of([total * weight / whole if whole else 0.0 for weight in weights])
    core = decide(ready.proposal.assent, np.asarray(uniform))
    assert ready.decide(uniform) == int(core.action)
    assert (ready.decide(uniform) < 0) == bool(core.asked)


@given(weights=st.lists(masses.filter(bool), min_size=2, max_size=6), total=st.floats(0.1, 1), data=st.data())
def test_ready_decides_as_the_core_at_the_edges_of_every_interval(
    weights: list[float], total: float, data: Any
) -> None:
    ready = ready_of([total * weight / sum(weights) for weight in weights])
    edge = data.draw(st.sampled_from([ready.ask, *(ready.ask + below for below in ready.below)]))
    for uniform in (np.nextafter(edge, -1), edge, np.nextafter(edge, 2)):
        action = ready.decide(float(uniform))
        assert action == int(decide(ready.proposal.assent, np.asarray(uniform)).action)
        assert action < 0 or ready.probs[action] > 0


def test_intervals_are_closed_below() -> None:
    # one wrong variant: bisect_left for bisect_right gives an edge to the action before it
    ready = ready_of([0.25, 0.25, 0.25])
    assert [ready.decide(u) for u in (0.0, 0.2499, 0.25, 0.4999, 0.5, 0.75, 0.9999)] == [-1, -1, 0, 0, 1, 2, 2]


def test_an_act_says_how_it_came_about() -> None:
    ready = ready_of([0.25, 0.0, 0.5])
    body = ready.act_body(7, 0.6, 2)
    assert (body["ask"], body["below"], body["mass"]) == (0.25, 0.25, 0.5)
    assert (body["step"], body["attempt"], body["action"], body["leaders"]) == (7, 0, 2, 1)
    assert body["minimum"] == pytest.approx(1 / 3)
    assert ready.act_body(0, 0.3, 0)["below"] == 0.0


# -- the dossier against a computation of its own -------------------------------------------------------------------


def made(agent: Imitator, *, log_weight: np.ndarray | None = None, obs: Any = 0) -> tuple[dict[str, Any], Ready]:
    belief = agent.init()
    weight = belief.log_weight if log_weight is None else log_weight
    ready = Ready.of(agent.consider(type(belief)(weight, belief.log_prior, belief.memory), obs))
    return dossier(ready, weight, agent.hypotheses.names), ready


def test_rows_weights_minimum_and_assent_are_the_committees() -> None:
    rows = np.asarray([[0.5, 0.3, 0.2], [0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.4, 0.4, 0.2]])
    weights = np.asarray(
        [0.4, 0.3, 0.29, 0.01]
    )  # the last one's share has fallen below 0.05 of its prior: it no longer leads
    agent = Imitator.of(Tables.of(rows[:, None], names=["a", "b", "c", "d"]))
    shown, ready = made(agent, log_weight=np.log(weights))
    assert shown["members"] == ["a", "b", "c", "d"]
    assert shown["leading"] == [True, True, True, False]
    assert not shown["truncated"]
    np.testing.assert_allclose(shown["rows"], rows, rtol=1e-14)
    np.testing.assert_allclose(shown["weights"], weights, rtol=1e-14)
    least = rows[:3].min(axis=0)  # one wrong variant: the minimum over all members, leading or not
    np.testing.assert_allclose(shown["minimum"], least, rtol=1e-14)
    np.testing.assert_allclose(shown["assent"], least, rtol=1e-14)
    assert ready.ask == pytest.approx(1 - least.sum())
    assert not np.allclose(least, rows.max(axis=0))
    # c alone takes 0.4 from action 0 and 0.1 from action 2; a alone nothing; b alone 0.1 from action 1
    assert shown["dissent"] == [2, 1]
    json.dumps(shown, allow_nan=False)


def test_guards_lower_the_assent_but_not_the_minimum() -> None:
    rows = np.asarray([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1]])
    shown, ready = made(Imitator.of(Tables.of(rows[:, None]), guards=(Readable(), OneAnswer(0.5))))
    np.testing.assert_allclose(shown["minimum"], [0.6, 0.2, 0.1], rtol=1e-14)
    np.testing.assert_allclose(shown["assent"], [0.6, 0, 0], rtol=1e-14)
    assert ready.ask == pytest.approx(0.4)


def test_shared_objections_name_those_whose_favourite_is_another() -> None:
    rows = np.asarray([[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8], [0.8, 0.2]])
    shown, _ = made(Imitator.of(Tables.of(rows[:, None])))
    assert shown["dissent"] == [2, 3]


def test_nobody_leads_nobody_dissents() -> None:
    agent = Imitator.of(Tables.of(policies(0)), leading=RatioSet(0.05, cap=2))
    shown, ready = made(agent)
    assert shown["leading"] == [False] * 6
    assert shown["minimum"] == shown["assent"] == [0.0] * 3
    assert shown["dissent"] == []
    assert (ready.ask, ready.leaders, ready.decide(0.999)) == (1.0, 0, -1)


def test_an_exhausted_class_is_shown_without_numbers_that_json_cannot_hold() -> None:
    shown, _ = made(Imitator.of(Tables.of(policies(0)), leading=Everyone()), log_weight=np.full(6, -np.inf))
    json.dumps(shown, allow_nan=False)
    assert shown["weights"] == [0.0] * 6


# -- truncation --------------------------------------------------------------------------------------------------------


ROOM = MOST_NUMBERS // 5
"""Members with five actions that fit."""


@pytest.mark.parametrize(("members", "truncated"), [(ROOM, False), (ROOM + 1, True), (3000, True)])
def test_a_large_committee_is_cut_to_size_and_says_so(members: int, truncated: bool) -> None:
    agent = Imitator.of(Tables.of(policies(3, members=members, contexts=1, actions=5)), leading=Everyone())
    shown, _ = made(agent)
    assert shown["truncated"] is truncated
    assert len(shown["rows"]) * 5 <= MOST_NUMBERS
    assert len(shown["members"]) == min(members, ROOM)
    assert len(set(shown["members"])) == len(shown["members"])


def test_what_is_cut_keeps_the_strongest_dissent_and_the_heaviest_leaders() -> None:
    # 2,999 members agree but for noise; the lightest of all objects
    rng = np.random.default_rng(0)
    rows = np.tile([0.5, 0.5], (3000, 1))
    rows[:, 0] += 0.01 * rng.random(3000)
    rows[:, 1] = 1 - rows[:, 0]
    rows[1234] = [0.01, 0.99]
    weights = rng.random(3000)
    weights[1234] = 1e-3
    weights /= weights.sum()
    agent = Imitator.of(Tables.of(rows[:, None]), leading=Everyone())
    shown, _ = made(agent, log_weight=np.log(weights))
    assert shown["truncated"]
    assert len(shown["members"]) == MOST_NUMBERS // 2
    assert shown["members"][shown["dissent"][0]] == "member 1234"
    heaviest = [f"member {number}" for number in np.argsort(-weights)[: MOST_NUMBERS // 2 - 50]]
    assert set(heaviest) <= set(shown["members"])
    number = shown["members"].index("member 1234")
    np.testing.assert_allclose(shown["rows"][number], rows[1234], rtol=1e-12)
    assert shown["weights"][number] == pytest.approx(weights[1234])


def test_many_dissenters_leave_half_of_the_room_to_the_heaviest() -> None:
    # without a lone objection every member whose favourite differs counts: here 2,400 light ones of 3,000
    rows = np.tile([0.9, 0.1], (3000, 1))
    rows[600:] = [0.1, 0.9]
    weights = np.where(np.arange(3000) < 600, 1.0, 1e-3)
    weights /= weights.sum()
    shown, _ = made(Imitator.of(Tables.of(rows[:, None]), leading=Everyone()), log_weight=np.log(weights))
    # one wrong variant: dissenters first, all of them, so that nobody who outweighs them is shown
    heavy = [name for name in shown["members"] if int(name.split()[1]) < 600]
    assert len(heavy) == min(600, MOST_NUMBERS // 4)


@pytest.mark.parametrize(("actions", "cut"), [(MOST_NUMBERS, False), (MOST_NUMBERS + 1, True)])
def test_a_large_vocabulary_is_cut_to_what_somebody_likes(actions: int, cut: bool) -> None:
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(actions), size=(4, 1))
    shown, ready = made(Imitator.of(Tables.of(rows)), log_weight=np.log([0.1, 0.5, 0.3, 0.1]))
    assert shown["truncated"]
    assert "member 1" in shown["members"]
    assert len(shown["assent"]) == (MOST_ACTIONS if cut else actions)
    assert ("actions" in shown) is cut
    if cut:
        assert len(shown["members"]) == 4
        seen, hidden = shown["actions"], sorted({*range(actions)} - {*shown["actions"]})
        liked = rows[:, 0].max(axis=0)
        assert liked[seen].min() >= liked[hidden].max()
        for place, member in enumerate(shown["members"]):
            np.testing.assert_allclose(shown["rows"][place], rows[int(member.split()[1]), 0, seen], rtol=1e-12)
        np.testing.assert_allclose(shown["assent"], np.asarray(ready.probs)[seen], rtol=0)
        assert shown["others"]["count"] == len(hidden)
        assert shown["others"]["mass"] == pytest.approx(np.asarray(ready.probs)[hidden].sum())


def test_an_action_that_is_not_shown_costs_what_the_dearest_of_them_costs() -> None:
    """Under a rule that goes above the minimum actions differ in what they cost; what stands for all may be no cheaper than any."""
    rng = np.random.default_rng(1)
    rows = rng.dirichlet(np.ones(2000) * 0.3, size=(3, 1))
    shown, ready = made(Imitator.of(Tables.of(rows), rule=Mixture()))
    every = [charge_of(ready.probs[a], ready.minimum[a], ready.ask) for a in range(2000)]
    told = [charge_of(*assent_and_minimum(shown, a), ready.ask) for a in range(2000)]
    hidden = sorted({*range(2000)} - {*shown_actions(shown)})
    assert [told[a] for a in shown["actions"]] == [every[a] for a in shown["actions"]]
    assert {told[a] for a in hidden} == {max(every[a] for a in hidden)}
    assert len({every[a] for a in hidden}) > 100


def test_whoever_states_probabilities_is_compared_with_every_action() -> None:
    agent = Imitator.of(Tables.of(np.random.default_rng(0).dirichlet(np.ones(3000), size=(2, 1))))
    belief = agent.init()
    ready = Ready.of(agent.consider(belief, 0))
    shown = dossier(ready, belief.log_weight, agent.hypotheses.names, every_action=True)
    assert len(shown["assent"]) == 3000
    assert "actions" not in shown
    assert list(shown_actions(shown)) == list(range(3000))


# -- why, and what the digest covers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "uniform", "exhausted", "why"),
    [
        (tables_agent(), 0.0, False, "disagreement"),
        (tables_agent(), 0.0, True, "class-exhausted"),
        (tables_agent(leading=RatioSet(0.05, cap=1)), 0.0, False, "no-leaders"),
        (Imitator.of(Tables.of(policies(0, members=1)), guards=(MinLeaders(2),)), 0.5, False, "committee-collapsed"),
        (Imitator.of(Tables.of(np.full((2, 7, 3), 1 / 3)), guards=(OneAnswer(0.9),)), 0.5, False, "one-answer"),
        (Imitator.of(Tables.of(np.full((2, 7, 3), 1 / 3)), guards=(Audit(0.25), RiskCap(0))), 0.2, False, "audit"),
    ],
)
def test_a_question_says_why(agent: Imitator, uniform: float, exhausted: bool, why: str) -> None:
    ready = Ready.of(agent.consider(agent.init(), 0))
    assert ready.why(uniform, exhausted=exhausted) == why


ASKED: dict[str, Any] = {
    "run": "run",
    "step": 3,
    "attempt": 0,
    "obs": 4,
    "options": ["stay", "left", "right"],
    "dossier": made(tables_agent())[0],
}


@pytest.mark.parametrize("key", [*ASKED, *(f"dossier.{key}" for key in ASKED["dossier"])])
def test_the_digest_changes_with_everything_that_is_asked(key: str) -> None:
    changed: dict[str, Any] = json.loads(json.dumps(ASKED))
    place, name = (changed["dossier"], key.split(".")[1]) if "." in key else (changed, key)
    value = place[name]
    if isinstance(value, bool):
        place[name] = not value
    elif isinstance(value, int):
        place[name] = value + 1
    elif isinstance(value, str):
        place[name] = value + "!"
    elif isinstance(value, dict):
        value["assent"][0] = np.nextafter(value["assent"][0], 1)
    elif name == "rows":
        value[2][1] = float(np.nextafter(value[2][1], 1))
    elif name == "leading":
        value[0] = not value[0]
    elif name in ("members", "options"):
        value[0], value[1] = value[1], value[0]
    elif name == "dissent":
        value.append(0)
    else:
        value[-1] = float(np.nextafter(value[-1], 1))
    assert digest_of_question(**changed) != digest_of_question(**ASKED)
    assert digest_of_question(**json.loads(json.dumps(ASKED))) == digest_of_question(**ASKED)


def test_the_least_dissent_that_is_named() -> None:
    for less, named in ((DISSENTS * 0.9, []), (DISSENTS * 1.1, [0])):
        rows = np.asarray([[0.5 - less, 0.3], [0.5, 0.3], [0.5, 0.3]])
        shown, _ = made(Imitator(Tables.of(rows[:, None]), rule=Minimum()))
        assert shown["dissent"] == named
