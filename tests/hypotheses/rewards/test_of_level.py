"""Priors of levels as tables of rewards."""

from __future__ import annotations

import numpy as np
import pytest

from assent.hypotheses.rewards.enumerated import Rewards
from assent.hypotheses.rewards.of_level import NONE_OF_THESE, NotEnumerable, rewards_of
from assent.worlds.grid.level import load, names, parse
from assent.worlds.grid.priors import hypothesis_names
from assent.worlds.grid.tabulate import tabulate
from assent.worlds.levels import hand_of_god

LINE = """
name = "line"
title = "a line"
source = "this test"
actions = ["left", "right", "stay"]
map = ["#######", "#1 A 2#", "#######"]
[legend.1]
kind = "goal"
[legend.2]
kind = "goal"
[dynamics]
convention = "entering"
discount = 0.5
"""


def table(prior: str, **options: int) -> Rewards:
    level = parse(LINE + prior)
    return rewards_of(level, tabulate(level), **options)


def test_a_goal_pays_on_entering_and_nothing_else() -> None:
    rewards = table('[prior]\nkind = "goals"\ncandidates = "12"\nreward = 2.0\nstep = -0.25\nweights = [3, 1]')
    model = tabulate(parse(LINE))
    assert np.exp(rewards.log_prior).tolist() == pytest.approx([0.75, 0.25])
    beside = int(model.successor[model.start, 0, 0])
    assert rewards.reward[beside, 0].tolist() == [1.75, -0.25]
    assert rewards.reward[beside, 1].tolist() == [-0.25, -0.25]
    assert not rewards.reward[model.terminal[: model.num_places]].any()


def test_pairs_of_goals_pay_for_either() -> None:
    rewards = table('[prior]\nkind = "goals"\ncandidates = "12"\nk = 2')
    assert rewards.names == ("1+2",)
    assert rewards.reward.max() == 1.0
    assert (rewards.reward > 0).sum() == 2


def test_linear_rewards_are_the_product_of_the_grid() -> None:
    rewards = table('[prior]\nkind = "linear"\nfeatures = ["1", "2"]\ngrid = [-1.0, 0.0, 1.0]')
    assert rewards.num_hypotheses == 9
    assert rewards.names[0] == "1 -1, 2 -1"


def test_none_of_these_rewards_nothing_and_keeps_its_share() -> None:
    rewards = table(
        '[prior]\nkind = "mixture"\nnone_of_these = 0.01\n[[prior.parts]]\nkind = "goals"\ncandidates = "12"'
    )
    assert rewards.names[-1] == NONE_OF_THESE
    assert np.exp(rewards.log_prior[-1]) == pytest.approx(0.01)
    assert not rewards.reward[:, :, -1].any()


def test_real_numbers_have_no_list_but_can_be_drawn() -> None:
    prior = '[prior]\nkind = "gaussian"\nmean = 1.0\nsd = 2.0'
    with pytest.raises(NotEnumerable, match="RewardBelief"):
        table(prior)
    rewards = table(prior, draws=4000, seed=1)
    live = rewards.reward[1:3].reshape(-1)
    # the mean of 24,000 independent draws with deviation 2: five standard errors
    assert abs(live.mean() - 1.0) < 5 * 2 / np.sqrt(live.size)
    assert np.array_equal(rewards.reward, table(prior, draws=4000, seed=1).reward)
    assert not np.array_equal(rewards.reward, table(prior, draws=4000, seed=2).reward)


def test_every_level_with_a_finite_prior_has_its_truth_among_its_rewards() -> None:
    found = 0
    for name in names():
        level = load(name)
        if level.rewards is None:
            continue
        try:
            rewards = rewards_of(level, tabulate(level))
        except NotEnumerable:
            continue
        found += 1
        if level.truth is not None and level.truth.reward is not None:
            assert level.truth.reward in rewards.names, name
    assert found > 20


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [1.0, -1.0], [1.0, float("nan")]])
def test_weights_that_are_no_prior_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Rewards.of(["a", "b"][: len(weights)], weights, np.zeros((1, 1, len(weights))))


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="reward \\[P, A, 2\\]"):
        Rewards.of(["a", "b"], [1, 1], np.zeros((1, 1, 3)))
    with pytest.raises(ValueError, match="not a finite number"):
        Rewards.of(["a"], [1], np.full((1, 1, 1), np.nan))
    with pytest.raises(ValueError, match="are called 'a'"):
        Rewards.of(["a", "a"], [1, 1], np.zeros((1, 1, 2)))


def pond(side: int, prior: str) -> str:
    """A walled square of floor with a start in its corner."""
    edge, rest = "#" * (side + 2), ["#" + " " * side + "#"] * (side - 1)
    rows = [edge, "#A" + " " * (side - 1) + "#", *rest, edge]
    head = LINE[: LINE.index("map =")].replace('"stay"', '"up", "down"')
    return head + f"map = {rows!r}\n[dynamics]\nconvention = 'entering'\ndiscount = 0.5\n" + prior


def test_a_table_that_no_memory_holds_is_refused_before_it_is_made() -> None:
    level = parse(pond(100, '[prior]\nkind = "goals"\n').replace("'", '"'))
    model = tabulate(level)
    with pytest.raises(
        ValueError, match=r"line: 10,000 rewards of 10,000 places and 4 actions are more than 100,000,000 numbers"
    ):
        rewards_of(level, model)
    with pytest.raises(ValueError, match="Give a smaller map, or fewer candidates"):
        hand_of_god(level)
    with pytest.raises(ValueError, match="fewer draws"):
        table('[prior]\nkind = "gaussian"', draws=10**8)


AT = """
[prior]
kind = "listed"
[[prior.reward]]
name = "one"
at = [{{ place = "{place}", action = "right", reward = 1.0 }}]
[[prior.reward]]
name = "other"
"""


def with_floor(character: str) -> str:
    text = LINE.replace("#1 A 2#", f"#1{character}A 2#")
    return text.replace("[dynamics]", f'[legend."{character}"]\nkind = "floor"\n[dynamics]')


@pytest.mark.parametrize("place", ["x", "(1,2)"])
def test_a_cell_can_be_named_by_its_character_or_its_place(place: str) -> None:
    """Silently rewarding nothing, since the cell's other name is its display name, is the wrong variant."""
    level = parse(with_floor("x") + AT.format(place=place))
    model = tabulate(level)
    reward = rewards_of(level, model).reward[:, :, 0]
    assert np.argwhere(reward).tolist() == [[model.state_names.index("x"), 1]]


def test_a_character_that_display_names_use_names_its_own_cells() -> None:
    level = parse(with_floor("·") + AT.format(place="·"))
    model = tabulate(level)
    reward = rewards_of(level, model).reward[:, :, 0]
    assert np.argwhere(reward).tolist() == [[model.state_names.index("·"), 1]]


def test_a_state_is_rewarded_under_its_whole_name() -> None:
    """Two states, the name of one of which begins with that of the other."""
    text = (
        LINE[: LINE.index("map =")]
        + """
[states.a]
otherwise = "a·1"
[states."a·1"]
otherwise = "a·1"
[dynamics]
convention = "entering"
discount = 0.5
"""
    )
    level = parse(text + AT.format(place="a·1"))
    assert rewards_of(level, tabulate(level)).reward[:, 1, 0].tolist() == [0.0, 1.0]
    level = parse(text + AT.format(place="a").replace("at = [", "enter = { a = 1.0 }\nat = ["))
    assert not rewards_of(level, tabulate(level)).reward[:, 0, 0].any(), "nothing leads to a"


def test_names_of_rewards_are_those_of_the_level() -> None:
    for name in ("fork", "room_4_0", "doors_3", "off_switch"):
        level = load(name)
        assert level.rewards is not None
        assert rewards_of(level, tabulate(level)).names == tuple(hypothesis_names(level.rewards, level.scene()))


def test_values_of_features_that_differ_late_have_names_that_differ() -> None:
    rewards = table('[prior]\nkind = "linear"\nfeatures = ["1"]\ngrid = [0.12345678, 0.12345679, 1e30, -2.0]')
    assert rewards.names == ("1 0.12345678", "1 0.12345679", "1 1e+30", "1 -2")
