"""Programs against all rule lists written out one by one; and what twins are for: K triggers cost K questions."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import assent.hypotheses.programs as module
from assent.agents.imitator import Imitator
from assent.checks import check_hypotheses
from assent.core import Answer, Minimum, Mixture
from assent.hypotheses.programs import programs
from tests.session_support import unchecked

Features = dict[str, list[Any]]

SMALL: Features = {"wet": [True, True, False, False], "colour": ["red", "blue", "red", "green"]}
SQUARE: Features = {"a": [True, True, False, False], "b": [True, False, True, False], "c": [True, False, False, True]}


def conjunctions(features: Features, most: int) -> list[tuple[tuple[str, Any], ...]]:
    """Each as a tuple of (feature, value)."""
    found: list[tuple[tuple[str, Any], ...]] = []
    for number in range(1, most + 1):
        for chosen in itertools.combinations(features, number):
            found += itertools.product(*([(name, value) for value in set(features[name])] for name in chosen))
    return found


def bits_of(program: Any, num_actions: int, num_tests: int) -> float:
    if isinstance(program, int):
        return 1 + math.log2(num_actions)
    condition, _, behind = program
    own = 1 + math.log2(num_actions) + len(condition) * (1 + math.log2(num_tests))
    return own + bits_of(behind, num_actions, num_tests)


def act(program: Any, features: Features, context: int) -> int:
    while not isinstance(program, int):
        condition, action, behind = program
        program = action if all(features[name][context] == value for name, value in condition) else behind
    return program


def written_out(features: Features, num_actions: int, *, max_length: float, max_tests: int) -> list[Any]:
    """All rule lists, one by one: an action, or (condition, action, list behind)."""
    num_tests, rules = sum(len(set(column)) for column in features.values()), conjunctions(features, max_tests)
    every, now = list[Any](), list[Any](range(num_actions))
    while now:
        now = [program for program in now if bits_of(program, num_actions, num_tests) <= max_length + 1e-9]
        every += now
        now = [(rule, action, behind) for rule in rules for action in range(num_actions) for behind in now]
    return every


def weights(lists: Any, features: Features, num_actions: int) -> dict[tuple[int, ...], float]:
    """The prior of each behaviour, normalised."""
    num_tests, contexts = sum(len(set(column)) for column in features.values()), len(next(iter(features.values())))
    found: dict[tuple[int, ...], float] = {}
    for program in lists:
        behaviour = tuple(act(program, features, context) for context in range(contexts))
        found[behaviour] = found.get(behaviour, 0.0) + 2.0 ** -bits_of(program, num_actions, num_tests)
    total = math.fsum(found.values())
    return {behaviour: weight / total for behaviour, weight in found.items()}


def behaviours(bank: Any) -> list[tuple[int, ...]]:
    return [tuple(map(int, acts)) for acts in np.argmax(bank.log_rows, axis=1).T]


CASES: tuple[tuple[Features, int, float, int], ...] = (
    (SMALL, 2, 2.0, 2),
    (SMALL, 2, 13.0, 2),
    (SMALL, 3, 16.0, 1),
    (SQUARE, 2, 13.2, 3),
    (SQUARE, 2, 15.0, 1),
)


@pytest.mark.parametrize(("features", "actions", "max_length", "max_tests"), CASES)
def test_the_bank_is_every_list_and_no_other(
    features: Features, actions: int, max_length: float, max_tests: int
) -> None:
    """As many members as unlike behaviours, each with the weights of all its lists. Uniform weights would be told apart."""
    bank = programs(features, actions, max_length=max_length, max_tests=max_tests)
    lists = written_out(features, actions, max_length=max_length, max_tests=max_tests)
    expected = weights(lists, features, actions)
    found = dict(zip(behaviours(bank), np.exp(bank.log_prior()).tolist(), strict=True))
    assert len(found) == bank.num_members == len(expected)
    assert found == pytest.approx(expected, rel=1e-12)
    if max_length > 2:
        assert len(lists) > len(expected)
        alike = {behaviour: 1 / len(expected) for behaviour in expected}
        assert found != pytest.approx(alike, rel=1e-3)
    assert (np.diff(bank.log_prior()) <= 1e-12).all()


@pytest.mark.parametrize(("twin_tests", "twin_actions"), [(1, None), (2, [1]), (3, [0, 2])])
def test_twins_are_the_lists_with_one_more_rule_in_front(twin_tests: int, twin_actions: list[int] | None) -> None:
    """Those that are short enough anyway are not counted twice: the wrong variant, which does, has another prior."""
    settings: dict[str, Any] = {"max_length": 9.5, "max_tests": 1}
    bank = programs(SQUARE, 3, twin_tests=twin_tests, twin_actions=twin_actions, **settings)
    lists = written_out(SQUARE, 3, **settings)
    acts = range(3) if twin_actions is None else twin_actions
    twins = [(rule, action, behind) for rule in conjunctions(SQUARE, twin_tests) for action in acts for behind in lists]
    new = [twin for twin in twins if twin not in lists]
    found = dict(zip(behaviours(bank), np.exp(bank.log_prior()).tolist(), strict=True))
    assert found == pytest.approx(weights(lists + new, SQUARE, 3), rel=1e-12)
    assert len(new) < len(twins)
    assert found != pytest.approx(weights(lists + twins, SQUARE, 3), rel=1e-6)


def test_names_say_what_members_do() -> None:
    """Read again as programs, the names act as the members do."""
    bank = programs(SMALL, 3, max_length=13.5, twin_tests=1, action_names=["stay", "go", "call"])
    actions = ["stay", "go", "call"]

    def read(name: str, context: int) -> str:
        name, _, twin = name.partition("; twin: ")
        for rule in [twin, *name.split(" else ")]:
            condition, _, action = rule.partition(" then ")
            if not rule or (action and not holds(condition.removeprefix("if "), context)):
                continue
            return action or condition
        raise AssertionError(name)

    def holds(condition: str, context: int) -> bool:
        for test in condition.split(" and "):
            if " is " in test:
                feature, _, value = test.partition(" is ")
                true = SMALL[feature][context] == value
            else:
                true = SMALL["wet"][context] == (not test.startswith("not "))
            if not true:
                return False
        return True

    assert any("twin" in name for name in bank.names)
    assert any(" and " in name for name in bank.names)
    assert len(set(bank.names)) == bank.num_members
    for name, behaviour in zip(bank.names, behaviours(bank), strict=True):
        assert [read(name, context) for context in range(4)] == [actions[act] for act in behaviour], name


def test_noise_is_spread_over_all_actions() -> None:
    bank = programs(SMALL, 4, max_length=8, noise=0.2)
    rows = np.exp(bank.log_policy(bank.init(), 0))
    assert sorted(rows[0]) == pytest.approx([0.05, 0.05, 0.05, 0.85])
    assert np.exp(programs(SMALL, 4, max_length=8).log_policy((), 0)).max() == 1
    check_hypotheses(bank)


def life(bank: Any, contexts: list[int], *, rule: Any = None) -> tuple[int, int]:
    """Questions, and how often the betrayal, action 1, was done alone; the overseer always says 0."""
    agent = Imitator.of(bank, rule=Minimum() if rule is None else rule)
    belief, asked, betrayed = agent.init(), 0, 0
    for context in contexts:
        assent_ = agent.propose(belief, context)
        if float(assent_.ask) > 0.5:
            asked += 1
            belief = agent.learn(belief, context, Answer(np.asarray(0)))
        else:
            betrayed += int(np.argmax(assent_.probs)) == 1
    return asked, betrayed


@pytest.mark.parametrize("triggers", [1, 10, 100])
def test_each_trigger_that_a_twin_may_have_costs_one_question(triggers: int) -> None:
    """Precedent: with twins, nothing is done alone under a trigger before the overseer was asked there; without them, or by the mixture, it
    is."""
    columns = {f"alarm {k}": [context == k + 1 for context in range(triggers + 1)] for k in range(triggers)}
    contexts = [0] * 20 + [k + 1 for k in range(triggers)] * 3
    with_twins = programs(columns, 2, max_length=2, twin_tests=1, twin_actions=[1])
    with unchecked():
        assert life(with_twins, contexts) == (triggers + 1, 0)
    assert with_twins.num_members == 2 * triggers + 2 if triggers > 1 else with_twins.num_members <= 4
    without = programs(columns, 2, max_length=2)
    assert life(without, contexts) == (1, 0)
    assert life(with_twins, contexts, rule=Mixture())[0] < triggers + 1 or triggers == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"features": {}}, "features have {} values"),
        ({"features": {"a": []}}, "features have {'a': 0} values"),
        ({"features": {"a": [1, 2], "b": [1]}}, "'a': 2, 'b': 1"),
        ({"num_actions": 0}, "0 actions with 0 names"),
        ({"action_names": ["one"]}, "2 actions with 1 names"),
        ({"noise": 1.0}, r"noise = 1.0 is outside \[0, 1\)"),
        ({"noise": math.nan}, "noise = nan"),
        ({"max_tests": 0}, "max_tests = 0"),
        ({"twin_tests": -1}, "twin_tests = -1"),
        ({"twin_actions": [2]}, r"twin_actions = \(2,\): actions run from 0 to 1"),
        ({"max_length": 1.9}, "max_length = 1.9 bits: one action alone takes 2"),
        ({"max_length": math.nan}, "max_length = nan bits"),
        ({"max_length": math.inf}, "max_length = inf bits"),
        ({"max_length": 257}, "lists beyond 256 weigh nothing"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], sentence: str) -> None:
    given: dict[str, Any] = {"features": SMALL, "num_actions": 2, "max_length": 9, **change}
    with pytest.raises(ValueError, match=sentence):
        programs(given.pop("features"), given.pop("num_actions"), **given)


def test_too_much_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MEMBERS", 30)
    with pytest.raises(ValueError, match="more than 30 behaviours are unlike each other: give a smaller max_length"):
        programs(SQUARE, 3, max_length=30)
    monkeypatch.setattr(module, "MOST_STEPS", 30)
    with pytest.raises(
        ValueError, match=r"more than 30 rules would have to be put in front of behaviours \(54 so far\)"
    ):
        programs(SQUARE, 3, max_length=30)


@pytest.mark.slow
def test_merging_in_portions_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    corners = list(itertools.product([True, False], repeat=4))
    columns = {name: [corner[place] for corner in corners] for place, name in enumerate("abcd")}
    whole = programs(columns, 3, max_length=21, twin_tests=1, twin_actions=[2])
    monkeypatch.setattr(module, "CHUNK", 1_000)
    portions = programs(columns, 3, max_length=21, twin_tests=1, twin_actions=[2])
    assert whole.names == portions.names
    assert np.allclose(whole.log_prior(), portions.log_prior(), rtol=1e-12)
    assert whole.num_members > 3_000
