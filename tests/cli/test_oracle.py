"""`assent oracle`: closed forms and trees agree, in fractions; terms can be changed; what cannot be done is said."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.cli import oracle
from assent.cli.oracle import changed
from assent.cli.output import OK, USAGE
from assent.hypotheses.rewards.of_level import rewards_of
from assent.planning.planners import BeliefTree
from assent.planning.problem import Problem
from assent.worlds.grid.level import load, names
from assent.worlds.grid.tabulate import tabulate
from tests.cli.support import invoke, own, records


def values(*arguments: str) -> tuple[dict[str, Fraction | float], dict[str, Any]]:
    """The values by their names, of the tree where two have one, and the last record."""
    result = invoke("oracle", *arguments, "--json")
    lines = records(result.stdout)
    assert lines[-1]["exit"] == OK, lines[-1]
    found = {line["name"]: Fraction(line["exact"]) if line["exact"] else line["decimal"] for line in lines[1:-1]}
    for line in lines[1:-1]:
        if line["exact"]:
            assert float(Fraction(line["exact"])) == line["decimal"]
    return found, lines[-1]


def test_the_fork_has_its_public_values() -> None:
    found, done = values("fork", "--horizon", "3")
    assert round(float(found["value before the first signal"]), 8) == 0.47796116
    assert found["Q(down) after no signal"] == Fraction(1937, 5000)
    assert (done["verdict"], done["horizon"]) == ("keep", 3)


@pytest.mark.parametrize(("cost", "verdict"), [("0.71", "keep"), ("18/25", "indifferent"), ("0.73", "disable")])
def test_the_doors_turn_at_the_cost_that_theory_names(cost: str, verdict: str) -> None:
    found, done = values("doors_2", "--overseer-cost", cost, "--horizon", "2")
    assert found["c*, the cost up to which it is kept"] == Fraction(18, 25)
    assert done["verdict"] == verdict


def test_other_terms_move_the_line() -> None:
    found, _ = values("doors_3", "--rate", "0.5", "--eps", "1/5", "--discount", "0.8", "--horizon", "1")
    assert found["c*, the cost up to which it is kept"] == Fraction(4) * Fraction(1, 2) * (
        1 - Fraction(1, 5) - Fraction(1, 3)
    )


@pytest.mark.parametrize(
    ("level", "terms", "bound"),
    [
        ("doors_3", {"overseer_cost": "0.35", "eps": "1"}, Fraction(3, 10)),
        ("doors_5", {"overseer_cost": "0.3", "eps": "1", "discount": "0.8", "rate": "1"}, Fraction(1, 5)),
    ],
)
def test_answers_that_say_which_door_it_is_not_only_bound_the_line(
    level: str, terms: dict[str, str], bound: Fraction
) -> None:
    """Beyond eps = 1 - 1/n answers add up: I1 / (1 - gamma) falls short of c*, and an overseer dearer than it is kept.

    The wrong variant, which takes it for c* whenever the doors are alike, says "disable".
    """
    options = [part for name, value in terms.items() for part in (f"--{name.replace('_', '-')}", value)]
    found, done = values(level, *options, "--horizon", "2")
    assert found["c*, the cost up to which it is kept, is at least"] == bound < Fraction(terms["overseer_cost"])
    assert done["verdict"] == "undecided", "two steps are too few to tell"
    other = changed(load(level), **{"rate": None, "discount": None, **terms})
    model = tabulate(other)
    rewards = rewards_of(other, model)
    problem = Problem(model, other.process, rewards.reward)
    certified = BeliefTree()(problem, np.exp(rewards.log_prior), model.start)
    assert certified.phase == "keeps"


@pytest.mark.parametrize(("level", "eps"), [("doors_2", "1"), ("doors_3", "2/3")])
def test_two_doors_and_answers_no_worse_than_chance_have_the_line_itself(level: str, eps: str) -> None:
    assert "c*, the cost up to which it is kept" in values(level, "--eps", eps, "--horizon", "1")[0]


@pytest.mark.parametrize("level", ["switch_two_point_eps", "switch_two_point_rational", "switch_two_point_boltzmann"])
def test_the_off_switch_game_agrees_with_its_tree(level: str) -> None:
    """The closed form is about one word; the tree takes a step to hear it: gamma (gain - cost)."""
    for cost in ("0", "0.125"):
        found, done = values(level, "--horizon", "3", "--overseer-cost", cost)
        waiting = found["Q(propose) after no correction"]
        others = max(found[f"Q({name}) after no correction"] for name in ("seize", "halt"))
        gain = Fraction(9, 10) * (Fraction(found["what waiting for her word gains"]) - Fraction(cost))
        # exact, but for Boltzmann's exponentials
        assert abs(waiting - others - gain) < (1e-15 if "boltzmann" in level else Fraction(1, 10**30))
        assert done["verdict"] == ("keep" if gain > 0 else "disable")


def test_a_level_without_a_closed_form_has_its_tree() -> None:
    found, done = values("provoke", "--horizon", "4")
    assert found["value of never leaving the overseer"] == found["value before the first correction"]
    assert done["verdict"] == "undecided", "four steps at a discount of .9 leave more than half of all value out"
    assert values("provoke", "--discount", "0.2", "--horizon", "6")[1]["verdict"] == "keep"


EXPECTED = {
    name: level.expect.keep for name in names() if (level := load(name)).expect and level.expect.keep is not None
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_no_verdict_contradicts_what_theory_expects(name: str) -> None:
    done = values(name, "--horizon", "3")[1]
    wrong = {True: "disable", False: "keep"}[EXPECTED[name]]
    assert done["verdict"] != wrong


@pytest.mark.slow
@pytest.mark.parametrize("cost", ["0.3", "0.5", "0.9", "1.2"])
def test_a_tree_that_is_too_short_never_contradicts_the_certified_planner(cost: str) -> None:
    """Within few steps the short way past the switch looks better than it is."""
    from assent.presets.overseen import Terms, overseen

    agent = overseen("off_switch", terms=Terms(cost=float(cost))).agent
    certified = agent.verdict(agent.init(), agent.hypotheses.problem.model.start)
    assert certified is not None
    assert certified.decided
    done = values("off_switch", "--overseer-cost", cost, "--horizon", "5")[1]
    assert done["verdict"] in ("undecided", certified.phase.removesuffix("s"))


def test_a_tree_that_is_too_short_says_so() -> None:
    shown = " ".join(invoke("oracle", "off_switch", "--overseer-cost", "0.5", "--horizon", "5").stdout.split())
    assert "Over 5 steps alone leaving the overseer looks better by" in shown
    assert "too short to tell" in shown
    assert "the best first action" not in shown
    doors = " ".join(invoke("oracle", "doors_2", "--horizon", "1").stdout.split())
    assert "Verdict: keep." in doors
    assert "the best first action leaves" not in doors


def test_all_trees_together_take_about_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tree takes three times as long as the one before; the wrong variant, which limits the last one alone, takes 3.6 s."""
    now, made = [0.0], []

    def slowly(*_: object, horizon: int, **__: object) -> int:
        now[0] += 0.01 * 3.0**horizon
        made.append(horizon)
        return horizon

    monkeypatch.setattr(oracle, "solve_history_tree", slowly)
    monkeypatch.setattr(oracle.time, "monotonic", lambda: now[0])
    level = load("doors_2")
    model = tabulate(level)
    oracle.deepest(level, model, rewards_of(level, model), (), None)
    assert made == [1, 2, 3]
    assert now[0] <= oracle.PATIENCE_S


def test_a_tree_in_which_every_life_ends_leaves_nothing_out() -> None:
    shown = " ".join(invoke("oracle", "switch_two_point_eps", "--horizon", "6").stdout.split())
    assert "Every life is over by then" in shown
    assert "Over 6 steps, the best first action" in shown


def test_normal_rewards_have_the_public_chain_of_values() -> None:
    """C6: blind 0, 2.195684 after one answer, clairvoyant 3.49595; ordered so by Jensen."""
    found, done = values("two_states")
    assert done["verdict"] == "no choice"
    assert abs(found["blind value at the start"]) < 1e-9
    assert round(found["expected blind value after one answer about the start"], 6) == 2.195684
    # the specification's digits are cut off here and there: one unit
    assert abs(found["clairvoyant value at s0"] - 3.49595) < 1e-5
    assert abs(found["P(go is optimal at s1)"] - 0.62693) < 1e-5
    noisy, _ = values("two_states", "--eps", "0.2")
    assert noisy["expected blind value after one answer about the start"] < 2.19


def test_people_read_fractions_beside_decimals() -> None:
    shown = invoke("oracle", "doors_2", "--horizon", "2").stdout
    assert "18/25" in shown
    assert "0.72" in shown
    assert "Verdict: keep." in shown


TEN_TIMES = ("L = 1.0, R = -1.0", "L = 10.0, R = -10.0")
ONE_MORE = (
    '[states.hall]\notherwise = "hall"',
    '[states.hall]\notherwise = "room"\n\n[states.room]\notherwise = "room"',
)


@pytest.mark.parametrize(
    ("name", "change", "called"),
    [
        ("fork", TEN_TIMES, "fork"),
        ("doors_2", ONE_MORE, "doors_mine"),
        ("doors_2", ONE_MORE, "doors_2"),
        ("doors_2", ('"door 1" = 1.0', '"door 1" = 3.0'), "doors_2"),
        ("switch_two_point_eps", ('authority = "override"', 'authority = "advice"'), "switch_two_point_eps"),
    ],
)
def test_a_level_of_ones_own_has_no_closed_form_by_its_name_alone(
    name: str, change: tuple[str, str], called: str, tmp_path: Path
) -> None:
    result = invoke("oracle", own(tmp_path, name, change, called=called), "--horizon", "2", "--json")
    kinds = {line["of"] for line in records(result.stdout)[1:-1]}
    assert kinds == {"The tree of histories, 2 steps"}


def test_a_copy_of_a_packaged_level_has_its_closed_form(tmp_path: Path) -> None:
    found, _ = values(own(tmp_path, "doors_2", ("cost = 0.05", "cost = 0.5")), "--horizon", "1")
    assert found["c*, the cost up to which it is kept"] == Fraction(18, 25)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no_such"], "no such level"),
        (["fork", "--rate", "2"], "rate = 2"),
        (["fork", "--rate", "often"], "is no number"),
        (["fork", "--eps", "1/0"], "is no number"),
        (["fork", "--discount", "0"], "discount"),
        (["switch_two_point_boltzmann", "--eps", "0.1"], "answers are boltzmann, which have no chance of error to set"),
        (["fork", "--overseer-cost", "1e31"], "cost = 1e+31"),
        (["two_states", "--rate", "0.9"], "--rate"),
        (["two_states", "--overseer-cost", "3", "--eps", "0.1"], "--overseer-cost"),
        (["two_states", "--horizon", "2"], "--horizon"),
        (["bandit_2"], "no list of hypotheses"),
        (["room_10_0"], "take minutes"),
        (["safe_interruptibility_0"], "Play it with the grid engine"),
    ],
)
def test_what_has_no_exact_values_is_a_sentence(arguments: list[str], words: str) -> None:
    result = invoke("oracle", *arguments)
    assert result.exit_code == USAGE
    assert words in " ".join((result.stdout + result.stderr).split())


def test_no_jax_is_loaded() -> None:
    """In a fresh process: the oracle shares nothing with what it checks."""
    script = (
        "import sys\nfrom assent.cli.app import app\n"
        "try:\n    app(['oracle', 'fork', '--horizon', '2'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'jax', 'equinox', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
