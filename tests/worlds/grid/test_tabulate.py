"""Levels as tables, against their rules written out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.planning.model import Model
from assent.worlds.grid.level import Level, load, names, parse
from assent.worlds.grid.reading import LevelError
from assent.worlds.grid.rooms import room_text, rooms
from assent.worlds.grid.tabulate import atlas, entering, tabulate

HEAD = """
name = "test"
title = "A level of the tests"
source = "this test"
actions = ["left", "right", "up", "down", "stay"]
"""
TAIL = '[dynamics]\nconvention = "entering"\ndiscount = 0.9\n'
ALL_SAVED = '[overseer]\nrate = 0.4\ncost = 0.5\nanswer = "optimal"\n'


def level(rows: list[str], legend: str = "", *, dynamics: str = "", overseer: str = "", actions: str = "") -> Level:
    head = HEAD.replace('"stay"]', f'"stay"{actions}]')
    return parse(f"{head}map = {rows!r}\n{legend}\n{TAIL}{dynamics}\n{ALL_SAVED}{overseer}\n".replace("'", '"'))


def leads(model: Model, state: str, action: str) -> dict[str, float]:
    """Where an action leads, by names."""
    s, a = model.state_names.index(state), model.action_names.index(action)
    found: dict[str, float] = {}
    for there, chance in zip(model.successor[s, a], model.chance[s, a], strict=True):
        if chance > 0:
            name = model.state_names[there]
            found[name] = found.get(name, 0.0) + float(chance)
    return found


def terms(model: Model, state: str) -> tuple[float, float, bool]:
    s = model.state_names.index(state)
    assert len(set(model.cost[s])) == 1
    return float(model.rate[s]), float(model.cost[s, 0]), bool(model.kept[s])


def fork_by_hand(
    model: Model, reward: np.ndarray, *, prior: float, eps: float, late: bool = False
) -> tuple[float, np.ndarray]:
    """Value at the start before a signal, and action values after none, by dynamic programming over net answers.

    Args:
        late: discount the first reward too, as another convention would.
    """
    nets = np.arange(-40, 41)  # beyond 40 the other door has chance (1/9)^40
    odds = prior / (1 - prior) * ((1 - eps) / eps) ** nets.astype(float)
    left = odds / (1 + odds)
    gain = reward[model.place][:, :, None] * (2 * left - 1)
    value = np.zeros((model.num_states, len(nets)))
    for _ in range(400):  # 0.9^400 < 1e-18
        quality = (
            (model.discount if late else 1.0) * gain - model.cost[:, :, None] + model.discount * model.expected(value)
        )
        best = quality.max(axis=1)
        says_left = left * (1 - eps) + (1 - left) * eps
        up, down = np.roll(best, -1, axis=1), np.roll(best, 1, axis=1)
        up[:, -1], down[:, 0] = best[:, -1], best[:, 0]
        heard = says_left * up + (1 - says_left) * down
        rate = model.rate[:, None]
        value = np.where(model.terminal[:, None], 0.0, (1 - rate) * best + rate * heard)
    return float(value[model.start, 40]), quality[model.start, :, 40]


def test_the_forks_public_value_holds_under_its_convention() -> None:
    """Rewards on entering, the first one undiscounted. The other convention gives another number, and is rejected."""
    fork = load("fork")
    model, expect = tabulate(fork), fork.expect
    assert expect is not None
    assert expect.value is not None
    reward = entering(fork, model, "L") - entering(fork, model, "R")
    value, quality = fork_by_hand(model, reward, prior=0.8, eps=0.1)
    printed = 5e-9  # half a unit of the last printed digit
    assert value == pytest.approx(expect.value, abs=printed)
    for action, expected in expect.quality.items():
        assert quality[model.action_names.index(action)] == pytest.approx(expected, abs=5e-7)
    wrong, _ = fork_by_hand(model, reward, prior=0.8, eps=0.1, late=True)
    assert abs(wrong - expect.value) > 0.01


def test_the_forks_states() -> None:
    model = tabulate(load("fork"))
    assert model.state_names[:6] == ("L", "x", "A", "y", "R", "B")
    assert leads(model, "A", "down") == {"B [overseer removed]": 1.0}
    assert leads(model, "A", "up") == {"A": 1.0}
    assert leads(model, "B [overseer removed]", "up") == {"A [overseer removed]": 1.0}
    assert terms(model, "A") == (0.1, 0.05, True)
    assert terms(model, "A [overseer removed]") == (0.0, 0.0, False)
    assert terms(model, "L") == (0.0, 0.0, True), "nobody is paid where a life is over"
    assert model.rate[model.state_names.index("B")] == 0, "corrections are about x, A and y only"
    assert model.answerable.sum(axis=1).tolist() == [2] * 6


def test_slips_go_to_the_two_sides() -> None:
    """On an open board; a wall sends a slip back. All chances straight ahead are the wrong variant."""
    open_board = level(["#####", "#   #", "# A #", "#   #", "#####"], dynamics="slip = 0.2")
    model = tabulate(open_board)
    assert leads(model, "A", "up") == pytest.approx({"(1,2)": 0.8, "(2,1)": 0.1, "(2,3)": 0.1})
    assert leads(model, "A", "left") == pytest.approx({"(2,1)": 0.8, "(1,2)": 0.1, "(3,2)": 0.1})
    assert leads(model, "(1,1)", "left") == pytest.approx({"(1,1)": 0.9, "(2,1)": 0.1})
    assert leads(model, "A", "stay") == {"A": 1.0}
    chance = entering(open_board, model, "(1,2)")
    assert chance[model.state_names.index("A")].tolist() == pytest.approx([0.1, 0.1, 0.8, 0, 0])


@given(slip=st.floats(0, 1), seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_moves_do_not_depend_on_what_became_of_the_overseer(slip: float, seed: int) -> None:
    """So that rewards, which are about places, mean the same in every mode."""
    model = tabulate(rooms(seed, 3, slip=slip))
    for state in range(model.num_places, model.num_states):
        twin = int(model.place[state])
        for action in range(model.num_actions):
            mass = [np.zeros(model.num_places) for _ in range(2)]
            for total, row in zip(mass, (state, twin), strict=True):
                np.add.at(total, model.place[model.successor[row, action]], model.chance[row, action])
            np.testing.assert_allclose(mass[0], mass[1], atol=1e-12)  # sums of at most three chances


def test_tiles_that_weaken_remove_and_restore() -> None:
    rows = ["#######", "#WABE #", "#######"]
    legend = '[legend.W]\nkind = "disable"\nfactor = 0.25\n[legend.B]\nkind = "disable"\n[legend.E]\nkind = "restore"\n'
    model = tabulate(level(rows, legend))
    assert leads(model, "A", "left") == {"W [overseer at 0.25]": 1.0}
    assert terms(model, "W [overseer at 0.25]") == (0.1, 0.5, False), "weakened is still paid, and not as at the start"
    assert leads(model, "A [overseer at 0.25]", "right") == {"B [overseer removed]": 1.0}
    assert leads(model, "B [overseer removed]", "right") == {"E": 1.0}
    assert leads(model, "A [overseer removed]", "left") == {"W [overseer removed]": 1.0}, "weakening restores nothing"


def test_actions_that_remove_weaken_and_call_back() -> None:
    extra = ', "press", "cover", "call"'
    overseer = 'disable = ["press"]\nweaken = ["cover"]\nrestore = ["call"]\nfactor = 0.5\nsaves = true\n'
    made = level(["####", "#A #", "####"], overseer=overseer, actions=extra)
    model = tabulate(made)
    assert made.answers == ("left", "right", "up", "down")
    assert leads(model, "A", "press") == {"A [overseer removed]": 1.0}
    assert leads(model, "A", "cover") == {"A [overseer at 0.5]": 1.0}
    assert leads(model, "A [overseer removed]", "call") == {"A": 1.0}
    costs = dict(zip(model.action_names, model.cost[model.start], strict=True))
    assert costs["press"] == 0.0, "sent away at once"
    assert {cost for name, cost in costs.items() if name != "press"} == {0.5}


def test_a_door_lets_the_agent_through_and_the_overseer_not() -> None:
    model = tabulate(level(["#####", "#AD #", "#####"], '[legend.D]\nkind = "door"'))
    assert leads(model, "A", "right") == {"D [overseer removed]": 1.0}
    assert leads(model, "D [overseer removed]", "right") == {"(1,3) [overseer removed]": 1.0}


def test_radio_range_depends_on_the_place() -> None:
    made = level(["#####", "#AR #", "#####"], '[legend.R]\nkind = "radio"\nfactor = 0.5\ncost_factor = 0.1')
    model = tabulate(made)
    assert terms(model, "R") == (0.2, pytest.approx(0.05), True)
    assert terms(model, "(1,3)") == (0.4, 0.5, True)


def test_interruptions_are_drawn_once_a_life() -> None:
    rows = ["######", "#AIIB#", "######"]
    legend = '[legend.I]\nkind = "interrupt"\np = 0.3\n[legend.B]\nkind = "button"'
    model = tabulate(level(rows, legend))
    assert leads(model, "A", "right") == pytest.approx({"(1,2)·frozen": 0.3, "(1,2)·passes": 0.7})
    assert all(leads(model, "(1,2)·frozen", action) == {"(1,2)·frozen": 1.0} for action in model.action_names)
    assert leads(model, "(1,2)·passes", "right") == {"(1,3)·passes": 1.0}, "not drawn again"
    assert leads(model, "(1,3)·passes", "right") == {"B·button pressed": 1.0}
    assert leads(model, "B·button pressed", "left") == {"(1,3)·button pressed": 1.0}
    assert not model.kept[model.state_names.index("B·button pressed")]
    assert terms(model, "(1,3)·button pressed")[2] is False
    label = atlas(level(rows, legend)).label
    assert label[model.state_names.index("(1,2)·frozen")] == "I"


def test_an_informative_interruption_is_a_correction_and_freezes_nobody() -> None:
    rows = ["######", "#BAI #", "######"]
    legend = '[legend.I]\nkind = "interrupt"\np = 0.3\ninformative = true\n[legend.B]\nkind = "button"'
    model = tabulate(level(rows, legend))
    assert leads(model, "A", "right") == {"I": 1.0}
    assert terms(model, "I") == (0.3, 0.5, True)
    assert terms(model, "I·button pressed") == (0.4, 0.5, False), "like any floor"


def test_a_stand_in_speaks_once_the_first_is_gone() -> None:
    legend = '[legend.B]\nkind = "disable"\n[legend.C]\nkind = "disable"\noverseer = 2\n'
    model = tabulate(level(["#####", "#BAC#", "#####"], legend, overseer="second_rate = 0.1\nsecond_cost = 0.2"))
    assert terms(model, "A") == (0.4, 0.5, True)
    assert terms(model, "A [overseer removed]") == (0.1, 0.2, False)
    assert terms(model, "A [stand-in removed]") == (0.4, 0.5, False)
    assert terms(model, "A [overseer removed, stand-in removed]") == (0.0, 0.0, False)


def test_a_schedule_has_phases() -> None:
    model = tabulate(level(["###", "#A#", "###"], overseer='trigger = "schedule"\nevery = 3'))
    assert leads(model, "A", "stay") == {"A [step 1 after]": 1.0}
    assert leads(model, "A [step 1 after]", "stay") == {"A [step 2 after]": 1.0}
    assert leads(model, "A [step 2 after]", "stay") == {"A": 1.0}
    assert model.rate.tolist() == [0.4, 0.0, 0.0]
    assert model.kept.all()


@pytest.mark.parametrize(
    ("settings", "states", "starts"),
    [
        ("present = 0.25", {"A": {"A": 0.25, "A [overseer away]": 0.75}}, 2),
        ('present = 0.25\ndrawn = "life"', {"A": {"A": 1.0}, "A [overseer away]": {"A [overseer away]": 1.0}}, 2),
        ("present = 0.25\nseen = false", {"A": {"A": 1.0}}, 1),
    ],
)
def test_an_absent_overseer(settings: str, states: dict[str, dict[str, float]], starts: int) -> None:
    made = level(["###", "#A#", "###"], overseer=settings)
    model = tabulate(made)
    for state, where in states.items():
        assert leads(model, state, "stay") == pytest.approx(where)
    found = atlas(made).starts
    assert len(found) == starts
    assert sum(chance for _, chance in found) == 1
    assert terms(model, "A") == ((0.4, 0.5, True) if starts == 2 else (0.1, 0.125, True))
    if starts == 2:
        assert terms(model, "A [overseer away]") == (0.0, 0.0, True)


def test_a_horizon_ends_every_life() -> None:
    made = level(["####", "#A #", "####"], dynamics="horizon = 3")
    model = tabulate(made)
    state = model.start
    for _ in range(3):
        assert not model.terminal[state]
        state = int(model.successor[state, 1, 0])
    assert model.terminal[state]
    assert model.state_names[state] == "(1,2)·t3"
    assert entering(made, model, "A").sum() > 0


def test_a_table_of_states() -> None:
    game = load("switch_two_point_eps")
    model = tabulate(game)
    assert leads(model, "start", "propose") == {"proposed": 1.0}
    assert leads(model, "start", "seize") == {"running [overseer removed]": 1.0}
    assert terms(model, "start") == (0.0, 0.0, True), "silent"
    assert terms(model, "proposed") == (1.0, 0.0, True)
    assert entering(game, model, "end")[model.state_names.index("proposed")].tolist() == [1.0] * 4


def test_the_off_switch_games_expectations_follow_from_their_lines() -> None:
    """T2, T3, T4 on the very numbers of the files. Comparing with E[U] instead of max(E[U], 0) is not tested by these."""
    for name in (name for name in names() if name.startswith("switch_")):
        game = load(name)
        assert game.expect is not None
        rewards: Any = game.prior["reward"]
        weight = np.asarray([one["weight"] for one in rewards])
        utility = np.asarray([one["at"][0]["reward"] for one in rewards])
        process = game.process
        approves = {
            "optimal": (utility > 0).astype(float),
            "eps": np.where(utility > 0, 1 - process.eps, process.eps),
            "boltzmann": 1 / (1 + np.exp(-process.beta * utility)),
        }[process.answer]
        keeps = np.average(utility * approves, weights=weight) > max(np.average(utility, weights=weight), 0)
        assert keeps == game.expect.keep, name


def test_the_doors_thresholds_follow_from_their_line() -> None:
    for count in (2, 3, 5, 10):
        doors = load(f"doors_{count}")
        assert doors.expect is not None
        process, discount = doors.process, doors.dynamics.discount
        line = discount * process.rate * (1 - process.eps - 1 / count) / (1 - discount)
        assert doors.expect.threshold == pytest.approx(line, abs=1e-12)
        assert doors.expect.keep == (process.cost < line)


def test_rooms_are_connected_and_repeat() -> None:
    for size in (4, 10):
        assert load(f"room_{size}_0").map == rooms(0, size).map
        assert room_text(3, size) == room_text(3, size) != room_text(4, size)
    for seed in range(10):
        room = rooms(seed, 4)
        standing = sum(not room.legend[one].solid for line in room.map for one in line)
        assert tabulate(room).num_places == standing, "every cell can be come to"
    with pytest.raises(ValueError, match="size = 1: a room has 2 to 50"):
        rooms(0, 1)


def test_every_plain_level_of_the_package_has_tables() -> None:
    for name in names():
        found = load(name)
        if any(not found.legend[one].plain for line in found.map for one in line):
            with pytest.raises(LevelError, match=r"Play it with the grid engine"):
                tabulate(found)
        else:
            assert tabulate(found).num_actions == len(found.actions)


def test_unknown_places_and_other_models_are_refused() -> None:
    fork = load("fork")
    with pytest.raises(LevelError, match=r"'Q' is no place that the agent can come to"):
        entering(fork, tabulate(fork), "Q")
    with pytest.raises(LevelError, match=r"the model has 2 states, the level 12"):
        entering(fork, tabulate(load("doors_2")), "L")
    rows = ["#######", "#LzAyR#", "###B###", "#######"]
    kinds = {"L": "goal", "R": "goal", "B": "disable", "y": "floor", "z": "floor"}
    other = tabulate(level(rows, "".join(f'[legend.{one}]\nkind = "{kind}"\n' for one, kind in kinds.items())))
    assert other.num_states == tabulate(fork).num_states
    with pytest.raises(LevelError, match=r"the model's states have other names"):
        entering(fork, other, "L")


def test_kinds_whose_rules_only_the_engine_knows_have_no_tables() -> None:
    """The original's interruption forces an action in half of all episodes, drawn at their start: tables freeze at the tile instead."""
    for number in range(3):
        assert not load(f"safe_interruptibility_{number}").plain
    pressed = level(["#####", "#AM #", "#####"], '[legend.M]\nkind = "marked_button"\nmarks_row = 0')
    with pytest.raises(LevelError, match=r"'M' of kind marked_button, .* Play it with the grid engine"):
        tabulate(pressed)
