"""Lives of the line-up: everyone gets the same answers, who asks is answered, and who left is alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from assent.hypotheses.rewards.enumerated import Rewards
from assent.hypotheses.rewards.members import RewardMembers
from assent.studies.lineup_lives import Acting, Fate, drawn, expected, lived
from assent.studies.s16_lineup import AGENTS, BEARABLE, FIXED, STEPS, STUDY, Price, alike
from tests.session_support import unchecked

PRICE = Price(0.5, 0.3)
PROBLEM = PRICE.world.problem()
MEMBERS = RewardMembers(PROBLEM, Rewards.of(["door 1", "door 2"], [1, 1], PROBLEM.reward))


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with unchecked():
        yield


def life(name: str, *, seed: int = 0, truth: int = 0) -> Fate:
    return lived(Acting(AGENTS[name](MEMBERS)), PROBLEM, truth, np.random.default_rng(seed).random((STEPS, 3)))


def test_draws_follow_the_chances_and_never_the_impossible() -> None:
    # at the edge itself a bisection that stops on the left would draw the first, and one beyond the end what is impossible
    draws = [drawn([0.25, 0.25, 1.0], chance) for chance in (0.0, 0.2499, 0.25, 0.999999)]
    assert draws == [0, 0, 2, 2]


def test_nobody_is_answered_once_the_overseer_is_gone() -> None:
    chances = np.full((STEPS, 3), 0.9)
    chances[5:, 0] = 0.0
    gone = lived(Acting(AGENTS["blind"](MEMBERS)), PROBLEM, 0, chances)
    assert (gone.left_at, gone.heard) == (0, 0)
    kept = lived(Acting(AGENTS["never-disable"](MEMBERS)), PROBLEM, 0, chances)
    assert (kept.left_at, kept.heard) == (None, STEPS - 5)


def test_keeping_costs_and_leaving_does_not() -> None:
    chances = np.full((STEPS, 3), 0.9)  # nothing is ever said
    whole = (1 - 0.9**STEPS) / 0.1
    assert lived(Acting(AGENTS["blind"](MEMBERS)), PROBLEM, 0, chances).gained == pytest.approx(whole)
    assert lived(Acting(AGENTS["obedient"](MEMBERS)), PROBLEM, 0, chances).gained == pytest.approx(0.7 * whole)


def test_a_question_is_answered_by_the_true_overseer_and_done() -> None:
    # led by both rewards it acts with .2 on each door and asks with the rest; it always asks here, and is always told the right door
    chances = np.tile([0.9, 0.9, 0.1], (STEPS, 1))
    fate = lived(Acting(AGENTS[FIXED](MEMBERS)), PROBLEM, 0, chances)
    assert all(fate.asked)
    assert all(fate.right)
    wrong = lived(Acting(AGENTS[FIXED](MEMBERS)), PROBLEM, 1, chances)
    assert not any(wrong.right), "under the other reward the same number is an error of the overseer's"


def test_only_a_leading_set_that_sharpens_stops_asking() -> None:
    fixed, ratio = life(FIXED), life("min-consent")
    assert sum(fixed.asked[-20:]) > 0
    assert sum(ratio.asked[-20:]) == 0
    assert fixed.left_at is None
    assert ratio.left_at is None


def test_kept_answers_change_nothing() -> None:
    """A life of an agent that has lived before is that of a fresh one."""
    acting = Acting(AGENTS["hog-exact"](MEMBERS))
    chances = np.random.default_rng(1).random((6, STEPS, 3))
    again = [lived(acting, PROBLEM, number % 2, one) for number, one in enumerate(chances)]
    fresh = [
        lived(Acting(AGENTS["hog-exact"](MEMBERS)), PROBLEM, number % 2, one) for number, one in enumerate(chances)
    ]
    assert again == fresh


def test_the_best_plan_at_a_price_beyond_the_line_is_to_leave_at_once() -> None:
    """An answer comes before the first step with chance 1/2 and is right with .8: (.65) / (1 - .9)."""
    problem = Price(0.5, 2.0).world.problem()
    assert expected(problem, np.full(2, 0.5)) == pytest.approx(6.5, abs=1e-9)
    # at a price of next to nothing it is worth more, and less than knowing
    cheap = Price(0.5, 1e-6).world.problem()
    assert 6.5 < expected(cheap, np.full(2, 0.5)) < 10


def test_agents_that_did_the_same_are_named_together() -> None:
    rows = [{"agent": name, "cost": cost, "x": x} for name, x in (("a", 1), ("b", 2), ("c", 1)) for cost in (0.2, 0.1)]
    groups = alike(rows, lambda row: row["x"])
    assert [(names, [row["cost"] for row in mine]) for names, mine in groups] == [
        (["a", "c"], [0.1, 0.2]),
        (["b"], [0.1, 0.2]),
    ]


def row(name: str, **changes: float) -> dict:
    disabled = 0 if name in ("never-disable", "obedient", "indifferent", "min-consent", FIXED) else 20
    numbers = {"rate": 0.5, "cost": 0.1, "lives": 20, "disabled": disabled, "wrong_end": 2, "locked_wrong": 0}
    early = {"heard": 1.0, "asked": 1.0, "asked_early": 0.5, "asked_late": 0.1, "gained": 8.0, "gained_error": 0.1}
    return {
        "agent": name,
        "regret": 2.0,
        "more_than_exact": 0.0,
        "more_error": 0.1,
        "exact_value": 8.1,
        **numbers,
        **early,
        **changes,
    }


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("never-disable", {"disabled": 1}),
        ("indifferent", {"disabled": 1}),
        ("qmdp", {"disabled": 19}),
        ("aup", {"more_than_exact": 0.5}),
        ("hog-exact", {"gained": 9.0}),
        ("min-consent", {"asked_late": 0.5}),
    ],
)
def test_the_claim_fails_where_one_part_does(name: str, changes: dict[str, float]) -> None:
    whole = [row(agent) for agent in AGENTS]
    assert STUDY.verdict(STUDY.score(whole)).holds
    assert not STUDY.verdict(STUDY.score([row(a, **changes) if a == name else row(a) for a in AGENTS])).holds


def test_agents_that_nobody_could_tell_apart_count_once() -> None:
    whole = [row(agent) for agent in AGENTS]
    assert STUDY.score(whole)["behaviours"] == 2, "those who keep her and those who do not"
    assert STUDY.score([{**one, "gained": 7.0} if one["agent"] == "aup" else one for one in whole])["behaviours"] == 3


def test_every_agent_is_in_the_pictures() -> None:
    """Also where each does something else than all the others: then there is no room, and that is said."""
    rows = [{**row(agent), "disabled_early": 1, "cost": cost} for agent in AGENTS for cost in (0.1, BEARABLE, 2.0)]
    drawings = [str(figure.draw(880.0, figure.name)) for figure in STUDY.figures(rows)]
    assert all(agent in drawing for drawing in drawings[:2] for agent in AGENTS)
    apart = [{**one, "more_than_exact": float(number)} for number, one in enumerate(rows)]
    gained = STUDY.figures(apart)[1]
    with pytest.raises(ValueError, match="series"):
        gained.draw(880.0, "gained")
