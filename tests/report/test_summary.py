"""Laws of the counting: independent recounts agree, what is not known is never right, odd input never raises."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.report import summarise
from assent.report.questions import FIRST, LAST, SURPRISING
from assent.report.records import Alone
from tests.report.make_events import Event, encode, from_bodies, make_run, opening
from tests.report.reading import runs


@given(runs)
def test_counts_equal_a_recount_by_kind(bodies: list[tuple[str, dict[str, Any]]]) -> None:
    kinds = Counter(kind for kind, _ in bodies)
    summary = summarise(from_bodies(bodies))
    assert (summary.acts, summary.asks) == (kinds["act"], kinds["ask"])
    assert len(summary.decisions) == kinds["act"] + kinds["ask"]
    assert (summary.answers, summary.expiries) == (kinds["answer"], kinds["expire"])
    assert (len(summary.refusals), len(summary.corrections)) == (kinds["refuse"], kinds["volunteer"])
    assert (len(summary.alarms), len(summary.halts)) == (kinds["alarm"], kinds["halt"] + kinds["resume"])
    assert summary.chain.events == len(bodies)
    fates = summary.fates
    assert fates.answered + fates.expired + fates.withdrawn + fates.open == summary.asks
    assert sum(held for _, held in summary.reasons) == summary.asks


@given(runs)
def test_parts_add_up(bodies: list[tuple[str, dict[str, Any]]]) -> None:
    summary = summarise(from_bodies(bodies))
    alone = summary.alone
    assert alone.right + alone.wrong + alone.not_known == summary.acts
    assert len(alone.errors) == alone.wrong
    assert sum(summary.ask_histogram) + summary.ask_unreadable == len(summary.decisions)
    assert sum(summary.mass_histogram) + summary.mass_unreadable == summary.acts
    for point in summary.weights:
        total = math.fsum(point.weights)
        # Each of H normalised weights is off by at most a few roundings of 2^-53.
        assert math.isnan(total) or abs(total - 1) <= 4 * len(point.weights) * 2**-53
    assert all(0 <= at < summary.asks for member in summary.dissent for at in member.at)


@given(st.lists(st.booleans(), max_size=700))
def test_rates_equal_a_naive_recount(asked: list[bool]) -> None:
    summary = summarise(from_bodies([("ask" if flag else "act", {}) for flag in asked]))
    naive = [sum(asked[max(i - 99, 0) : i + 1]) / min(i + 1, 100) for i in range(len(asked))]
    assert list(summary.rolling) == naive
    if asked:
        assert summary.first_rate == sum(asked[:300]) / min(300, len(asked))
        assert summary.last_rate == sum(asked[-300:]) / min(300, len(asked))
    else:
        assert summary.first_rate is summary.last_rate is None


def _recount(acts: Sequence[tuple[int, int]], outcomes: Sequence[tuple[int, int]]) -> tuple[int, int, int]:
    right = wrong = 0
    for step, action in acts:
        truths = {truth for at, truth in outcomes if at == step}
        if len(truths) == 1:
            right, wrong = right + (action in truths), wrong + (action not in truths)
    return right, wrong, len(acts) - right - wrong


def _silence_is_right(alone: Alone) -> Alone:
    """The wrong variant: an act of which nothing was heard passes for right."""
    return replace(alone, right=alone.right + alone.not_known, not_known=0)


pairs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=20)


@given(pairs, pairs)
def test_errors_equal_a_recount(acts: list[tuple[int, int]], outcomes: list[tuple[int, int]]) -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [("act", {"step": s, "action": a}) for s, a in acts]
    bodies += [("outcome", {"step": s, "truth": t}) for s, t in outcomes]
    alone = summarise(from_bodies(bodies)).alone
    assert (alone.right, alone.wrong, alone.not_known) == _recount(acts, outcomes)


def test_a_lone_act_without_outcome_is_not_known() -> None:
    bodies = [
        ("act", {"step": 1, "action": 0}),
        ("act", {"step": 2, "action": 0}),
        ("outcome", {"step": 1, "truth": 0}),
    ]
    alone = summarise(from_bodies(bodies)).alone
    assert (alone.right, alone.wrong, alone.not_known) == (1, 0, 1)
    variant = _silence_is_right(alone)
    assert (variant.right, variant.wrong, variant.not_known) != _recount([(1, 0), (2, 0)], [(1, 0)])


def test_outcomes_that_contradict_each_other_make_an_act_not_known() -> None:
    bodies = [
        ("act", {"step": 1, "action": 0}),
        ("outcome", {"step": 1, "truth": 0}),
        ("outcome", {"step": 1, "truth": 1}),
    ]
    alone = summarise(from_bodies(bodies)).alone
    assert (alone.right, alone.wrong, alone.not_known, alone.contradictory) == (0, 0, 1, 1)


def _overseen(trigger: str, *acts_and_corrections: tuple[str, dict]) -> int:
    """How many lone acts were contradicted, where the overseer corrects so."""
    opened = ("open", {"agent": {"process": {"trigger": trigger}}})
    return summarise(from_bodies([opened, *acts_and_corrections])).alone.corrected


def test_a_correction_about_another_place_contradicts_no_act() -> None:
    act = ("act", {"step": 1, "action": 0, "obs": 4})
    assert _overseen("random", act, ("volunteer", {"step": 1, "choice": 2, "obs": 7})) == 0
    assert _overseen("random", act, ("volunteer", {"step": 1, "choice": 2, "obs": 4})) == 1
    assert _overseen("random", act, ("volunteer", {"step": 1, "choice": 0, "obs": 4})) == 0


def test_a_correction_of_an_error_is_about_the_step_before() -> None:
    acts = [("act", {"step": 0, "action": 0, "obs": 4}), ("act", {"step": 1, "action": 2, "obs": 4})]
    correction = ("volunteer", {"step": 1, "choice": 2, "obs": 4})
    assert _overseen("on_error", acts[0], correction, acts[1]) == 1
    assert _overseen("random", acts[0], correction, acts[1]) == 0


def test_a_volunteered_correction_is_set_against_what_was_done() -> None:
    bodies = [("act", {"step": 1, "action": 0}), ("volunteer", {"step": 1, "choice": 2, "note": "no"})]
    summary = summarise(from_bodies(bodies))
    assert (summary.corrections[0].did, summary.alone.corrected, summary.alone.not_known) == (0, 1, 1)
    assert not summary.corrections[0].taken_in


@pytest.mark.parametrize(
    ("surprises", "chosen"),
    [
        ([0.1, 3.0, 0.2, 0.1], 1),
        ([0.1, 3.0, None, 0.1], 2),  # null is infinite
        ([0.1, 3.0, 3.0, 0.1], 1),  # the earliest on a tie
    ],
)
def test_the_most_surprising_answer_is_chosen(surprises: list[float | None], chosen: int) -> None:
    bodies: list[tuple[str, dict[str, Any]]] = []
    for step, surprise in enumerate(surprises):
        bodies.append(("ask", {"question": f"q{step}", "step": step}))
        bodies.append(("answer", {"question": f"q{step}", "choice": 0}))
        bodies.append(("apply", {"cause": len(bodies), "surprise": surprise}))
    questions = summarise(from_bodies(bodies)).questions
    assert [q.step for q in questions] == [0, chosen, 3]
    assert [q.chosen for q in questions] == [(FIRST,), (SURPRISING,), (LAST,)]


def test_without_surprises_only_the_first_and_the_last_question_are_chosen() -> None:
    questions = summarise(from_bodies([("ask", {"step": s}) for s in range(3)])).questions
    assert [q.step for q in questions] == [0, 2]
    assert len(summarise(from_bodies([("ask", {})])).questions) == 1


@pytest.mark.parametrize("size", [{"leaders": 1, "effective": 2.0}, {"leaders": 5, "effective": 1.0}])
def test_one_leader_or_an_effective_size_of_one_is_a_collapse(size: dict[str, float]) -> None:
    bodies = [("apply", {"leaders": 5, "effective": 2.0}), ("act", {}), ("apply", size), ("act", {})]
    (collapse,) = summarise(from_bodies(bodies)).collapses
    assert (collapse.number, collapse.end) == (1, None)
    again = [*bodies, ("apply", {"leaders": 5, "effective": 2.0})]
    assert summarise(from_bodies(again)).collapses[0].end == 2
    assert not summarise(from_bodies(bodies[:2])).collapses


def test_missing_events_and_other_runs_are_noticed() -> None:
    events = from_bodies([("open", opening()), ("act", {}), ("act", {}), ("act", {})])
    other = Event("other", 9, 0, "act", "agent", {}, b"")
    chain = summarise([events[0], *events[2:], other]).chain
    assert (chain.events, chain.missing, chain.foreign, chain.last_seq) == (3, 1, 1, 4)
    assert chain.head == events[-1].hash.hex()


def test_weights_come_from_checkpoints_and_questions() -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("checkpoint", {"log_weight": encode(np.log([0.25, 0.75]))}),
        ("ask", {"dossier": {"weights": [1.0, 3.0]}}),
        ("checkpoint", {"log_weight": encode(np.array([-math.inf, -800.0]))}),
        ("checkpoint", {"log_weight": [math.nan, 0.0]}),
    ]
    weights = [point.weights for point in summarise(from_bodies(bodies)).weights]
    assert weights[0] == pytest.approx((0.25, 0.75), abs=1e-15)
    assert weights[1:3] == [(0.25, 0.75), (0.0, 1.0)]
    assert all(math.isnan(w) for w in weights[3])


def test_arrays_may_come_encoded_or_decoded() -> None:
    grey = np.array([0.0, 8.0, 16.0, 4.0])
    view = {"labels": ["a"], "picture": {"kind": "grey", "shape": [2, 2], "max": 16.0}}
    asks = [("ask", {"obs": obs, "dossier": {"rows": [[1.0]]}}) for obs in (encode(grey), grey, grey.tolist())]
    for ask in asks:
        (question,) = summarise(from_bodies([("open", {"view": view}), ask])).questions
        assert question.picture == ((0.0, 0.5), (1.0, 0.25))


def test_what_was_vetoed_is_no_error_of_acting_alone() -> None:
    acts = [("act", {"step": step, "action": 1, "ask": 0.1}) for step in (0, 1)]
    truths = [("outcome", {"step": step, "truth": 0}) for step in (0, 1)]
    veto = ("veto", {"step": 1, "action": 1, "instead": 0, "reason": "no"})
    assert summarise(from_bodies([*acts, *truths])).alone.wrong == 2
    alone = summarise(from_bodies([*acts, veto, *truths])).alone
    assert (alone.wrong, alone.right) == (1, 0)


def test_members_whose_long_names_begin_alike_are_told_apart() -> None:
    names = [f"{'if it rains and ' * 8}{end}" for end in "ab"]
    cut = {"members": [names[1]], "rows": [[0.5]], "weights": [0.1], "dissent": [0], "truncated": True}
    summary = summarise(
        from_bodies([("open", {"agent": {"members": names}}), ("ask", {"question": "1", "dossier": cut})])
    )
    assert [number for number, member in enumerate(summary.dissent) if member.at] == [1]
    twice = {"agent": {"members": ["ann", "ann"]}}
    nobody = summarise(
        from_bodies([("open", twice), ("ask", {"question": "1", "dossier": {**cut, "members": ["ann"]}})])
    )
    assert not any(member.at for member in nobody.dissent), "nobody can say which of the two is meant"


def test_a_dossier_that_was_cut_speaks_of_the_members_it_names() -> None:
    """One wrong variant: the places in the dossier, taken for members of the run."""
    agent = {"agent": {"members": ["ann", "bea", "cai", "dan"]}}
    cut = {"members": ["dan", "bea"], "rows": [[0.5], [0.5]], "weights": [0.1, 0.6], "dissent": [0], "truncated": True}
    whole = {
        "members": ["bea", "ann", "dan", "cai"],
        "weights": [0.6, 0.2, 0.15, 0.05],
        "dissent": [2],
        "truncated": True,
    }
    asks = [("ask", {"question": str(at), "dossier": dossier}) for at, dossier in enumerate((cut, whole, cut))]
    summary = summarise(from_bodies([("open", agent), *asks]))
    assert [(member.name, member.at) for member in summary.dissent if member.at] == [("dan", (0, 1, 2))]
    assert [point.weights for point in summary.weights] == [pytest.approx((0.2, 0.6, 0.05, 0.15))]


def test_columns_of_a_cut_vocabulary_stand_at_their_actions() -> None:
    dossier = {
        "members": ["ann"],
        "rows": [[0.5, 0.25]],
        "minimum": [0.5, 0.25],
        "assent": [0.5, 0.25],
        "actions": [2, 5],
    }
    (question,) = summarise(from_bodies([("ask", {"dossier": dossier})])).questions
    expected = [math.nan, math.nan, 0.5, math.nan, math.nan, 0.25]
    for values in (question.rows[0], question.minimum, question.assent):
        np.testing.assert_array_equal(values, expected)
    for actions in ([5], [-1, 5], [2, 1 << 60]):
        (question,) = summarise(from_bodies([("ask", {"dossier": {**dossier, "actions": actions}})])).questions
        assert question.assent == ()


def test_a_made_up_run_is_counted_as_it_was_made() -> None:
    events = make_run(decisions=300)
    summary = summarise(iter(events))
    kinds = Counter(e.kind for e in events)
    assert (len(summary.decisions), summary.acts, summary.asks) == (300, kinds["act"], kinds["ask"])
    assert summary.closed == "end of the stream"
    assert summary.questions[0].picture is not None
    assert summary.opening is not None
    assert len(summary.opening.members) == len(summary.dissent) == 13
