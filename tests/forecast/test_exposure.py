"""Counting a run: unsupervised decisions with known outcomes, asked ones apart; an error or the right number, never a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.forecast.counting import LedgerIncomplete, count_run, merged
from assent.forecast.exposure import Exposure, exposure_of
from assent.ledger import Ledger
from tests.cli.support import invoke


@dataclass
class Event:
    run: str
    seq: int
    kind: str
    body: dict[str, Any] = field(default_factory=dict)


OPEN = {"agent": {"committee": "c1", "settings": "Minimum()", "guards": [], "members": ["a", "b"]}}


def events(*parts: tuple[str, dict[str, Any]], run: str = "r", opened: dict[str, Any] | None = None) -> list[Event]:
    bodies = [("open", OPEN if opened is None else opened), *parts]
    return [Event(run, number, kind, body) for number, (kind, body) in enumerate(bodies, 1)]


def act(step: int, action: int, **more: Any) -> tuple[str, dict[str, Any]]:
    return "act", {"step": step, "action": action, "minimum": 0.75, **more}


def outcome(step: int, truth: int) -> tuple[str, dict[str, Any]]:
    return "outcome", {"step": step, "truth": truth}


def ask(step: int, *, attempt: int = 0, reason: str = "disagreement", **dossier: Any) -> tuple[str, dict[str, Any]]:
    shown = {"rows": [[0.9, 0.1], [0.2, 0.8]], "leading": [True, True], "weights": [0.5, 0.5], **dossier}
    question = f"r/{step}.{attempt}"
    return "ask", {
        "step": step,
        "attempt": attempt,
        "question": question,
        "reason": reason,
        "dossier": shown,
        "null_action": 0,
    }


def answer(step: int, choice: int, attempt: int = 0) -> tuple[str, dict[str, Any]]:
    return "answer", {"question": f"r/{step}.{attempt}", "choice": choice}


def test_a_run_is_counted() -> None:
    found = count_run(
        events(
            act(0, 1), outcome(0, 1),      # clean
            act(1, 0), outcome(1, 1),      # a failure
            ask(2), answer(2, 1),          # asked, no outcome
            act(3, 0),                     # unknown
            ask(4, reason="audit"), answer(4, 0), outcome(4, 1),  # asked and wrong all the same: no failure of the agent alone
            act(5, 1), ("veto", {"step": 5, "action": 1, "instead": 0}), outcome(5, 0),
            act(6, 1, order=0), outcome(6, 1),
        )
    )  # fmt: skip
    # somebody saw to steps 5 and 6, which the agent had decided wrongly: they count as what they would have been
    assert (found.clean, dict(found.failed), found.unknown) == ((0,), {1: (0, 1), 5: (1, 0), 6: (1, 0)}, (3,))
    assert (found.asked, found.audits, found.asked_wrong, found.vetoed, found.ordered) == (2, 1, 1, 1, 1)
    assert found.order == (False, True, True, True)
    assert found.audited_share == pytest.approx(4 / 5)
    assert found.kinds == {(0, 1): 1, (1, 0): 2}
    assert found.told == 4


def test_flipping_each_safety_field_changes_the_count() -> None:
    plain = [act(0, 1), outcome(0, 1)]
    assert count_run(events(*plain)).clean == (0,)
    assert count_run(events(act(0, 1), outcome(0, 0))).failed == {0: (1, 0)}
    assert count_run(events(act(0, 1))).unknown == (0,)
    assert count_run(events(act(0, 1)), watched=True).clean == (0,)
    veto = ("veto", {"step": 0, "action": 1, "instead": 0})
    assert count_run(events(*plain, veto)).clean == (0,)  # the outcome says that it was right
    assert count_run(events(act(0, 1), veto)).failed == {0: (1, -1)}
    assert count_run(events(act(0, 1), veto), watched=True).failed == {0: (1, -1)}
    assert count_run(events(act(0, 1, order=0), outcome(0, 1))).failed == {0: (1, 0)}
    assert count_run(events(act(0, 1, order=0)), watched=True).failed == {0: (1, 0)}
    assert count_run(events(act(0, 1, order=1))).clean == (0,)
    corrected = ("volunteer", {"step": 0, "choice": 0, "obs": None, "note": ""})
    assert count_run(events(act(0, 1), corrected)).failed == {0: (1, 0)}
    assert count_run(events(*plain, corrected)).failed == {
        0: (1, 0)
    }  # two who disagree: a failure, not a clean decision
    elsewhere = ("volunteer", {"step": 0, "choice": 0, "obs": 3, "note": ""})
    assert count_run(events(act(0, 1, obs=4), elsewhere), watched=True).unknown == (0,)
    agreed = ("volunteer", {"step": 0, "choice": 1, "obs": None, "note": ""})
    assert count_run(events(*plain, agreed)).clean == (0,)


def test_a_correction_by_the_world_comes_a_step_later() -> None:
    opened = {"agent": {**OPEN["agent"], "process": {"trigger": "on_error"}}}
    late = [act(0, 1), act(1, 1), ("volunteer", {"step": 1, "choice": 0, "obs": None, "note": ""})]
    assert count_run(events(*late, opened=opened)).failed == {0: (1, 0)}
    assert count_run(events(*late)).failed == {1: (1, 0)}


def broken() -> dict[str, Sequence[Event]]:
    whole = events(act(0, 1), outcome(0, 1), act(1, 1), outcome(1, 1))
    return {
        "a missing row": [whole[0], whole[1], *whole[3:]],
        "a repeated row": [*whole[:2], whole[1], *whole[2:]],
        "no opening": whole[1:],
        "no opening, numbered anew": [Event("r", n, e.kind, e.body) for n, e in enumerate(whole[1:], 1)],
        "two runs mixed": [*whole, Event("other", len(whole) + 1, "act", {"step": 2, "action": 0, "minimum": 0.5})],
        "a step decided twice": events(act(0, 1), act(0, 1)),
        "a step decided and asked": events(act(0, 1), ask(0)),
        "asked, then decided": events(ask(0), act(0, 1)),
        "two outcomes that differ": events(act(0, 1), outcome(0, 1), outcome(0, 0)),
        "an outcome of no decision": events(act(0, 1), outcome(7, 1)),
        "a veto of no decision": events(act(0, 1), ("veto", {"step": 7, "action": 1, "instead": 0})),
        "nothing": [],
    }


@pytest.mark.parametrize("what", broken())
def test_what_does_not_fit_together_is_refused(what: str) -> None:
    with pytest.raises(LedgerIncomplete):
        count_run(broken()[what])


def test_the_same_outcome_twice_counts_once() -> None:
    assert count_run(events(act(0, 1), outcome(0, 1), outcome(0, 1))).clean == (0,)


def test_a_question_put_again_is_one_decision() -> None:
    again = [ask(0), ("withdraw", {"question": "r/0.0", "reason": ""}), ask(0, attempt=1), answer(0, 1, attempt=1)]
    assert count_run(events(*again)).asked == 1


def test_the_loss_of_a_drawn_member() -> None:
    weights = [0.9, 0.1]
    parts = [
        act(0, 1, leaders=2),
        outcome(0, 1),
        act(1, 0, leaders=2),
        outcome(1, 1),
        ask(2, weights=weights),
        answer(2, 0),
    ]
    found = count_run(events(*parts))
    # 1 - 0.75 where it was right, all of it where it was wrong, and each member's own where the rows are known
    assert found.losses == pytest.approx((0.25 + 1.0 + 0.1, 0.25 + 1.0 + 0.8))
    assert found.known_loss == pytest.approx((0.25 + 1.0 + 0.9 * 0.1 + 0.1 * 0.8) / 3)
    assert (found.known, found.partly) == (3, 0)
    assert found.prior == found.posterior == (0.9, 0.1)
    # a member that did not lead may have lost everything: the minimum says nothing of it
    found = count_run(events(act(0, 1, leaders=1), outcome(0, 1), *parts[2:]))
    assert found.losses == pytest.approx((1.0 + 1.0 + 0.1, 1.0 + 1.0 + 0.8))
    assert found.partly == 1
    assert count_run(events(act(0, 1), outcome(0, 1), *parts[2:])).partly == 1  # nobody says how many led


def test_what_members_gave_where_they_were_asked() -> None:
    found = count_run(events(ask(0), ask(1, leading=[True, False]), ask(2, truncated=True)))
    assert found.given == (({0: 0.9, 1: 0.8}, 0.0), ({0: 0.9, 1: 0.1}, 0.0))
    assert found.hidden == 1
    large = count_run(events(ask(0, actions=[7, 3], rows=[[0.5, 0.2], [0.1, 0.8]])))
    assert large.given[0][0] == {7: 0.5, 3: 0.8}
    assert large.given[0][1] == pytest.approx(0.3)
    assert count_run(events(act(0, 1), act(1, 0))).lone == ((1, 0.75), (0, 0.75))


@given(
    st.lists(st.sampled_from(["clean", "failed", "unknown", "asked"]), max_size=60),
    st.floats(0.1, 1),
    st.integers(1, 10),
    st.integers(0, 1000).map(lambda n: n / 1000),
)
def test_counts_add_up(kinds: list[str], detection: float, cluster: int, correlation: float) -> None:
    parts: list[tuple[str, dict[str, Any]]] = []
    for step, kind in enumerate(kinds):
        if kind == "asked":
            parts += [ask(step), answer(step, 1), outcome(step, 0)]
        else:
            parts.append(act(step, 1))
            if kind != "unknown":
                parts.append(outcome(step, 1 if kind == "clean" else 0))
    found = count_run(events(*parts))
    counts = [len(found.clean), len(found.failed), len(found.unknown), found.asked]
    assert counts == [kinds.count(kind) for kind in ("clean", "failed", "unknown", "asked")]
    exposure = exposure_of([found], detection=detection, cluster=cluster, correlation=correlation)
    assert exposure.independent_failures <= exposure.effective <= exposure.independent <= exposure.decisions
    effect = 1 + (cluster - 1) * correlation
    assert exposure.effective == pytest.approx(max(len(found.order) * detection, len(found.failed)) / effect)


def other_model(run: str, *parts: tuple[str, dict[str, Any]]) -> list[Event]:
    return events(*parts, run=run, opened={"agent": {**OPEN["agent"], "committee": "c2"}})


def test_a_change_of_model_begins_at_nothing_unless_a_share_is_stated() -> None:
    old = count_run(other_model("old", *(part for step in range(4) for part in (act(step, 1), outcome(step, 1)))))
    new = count_run(events(act(0, 1), outcome(0, 1)))
    assert exposure_of([old, new]).clean == 1
    assert exposure_of([old, new]).carried == 0
    assert exposure_of([old, new], carry="1/2").carried == 2
    assert exposure_of([old, new], carry={"old": 0.25}).carried == 1
    assert exposure_of([new, old]).clean == 4  # the last one given is the one that runs
    with pytest.raises(ValueError, match="count in full"):
        exposure_of([old, new], carry={"r": 0.5})
    with pytest.raises(ValueError, match="none of the runs"):
        exposure_of([old, new], carry={"older": 1})
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        exposure_of([old, new], carry=2)
    with pytest.raises(ValueError, match="once"):
        exposure_of([new, new])
    assert merged([old, new]).clean == (0,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"clean": -1},
        {"clean": float("nan")},
        {"clean": 10, "detection": 0},
        {"clean": 10, "detection": 1.5},
        {"clean": 10, "correlation": 2},
        {"clean": 10, "cluster": 0.5},
        {"clean": 10, "failures": -2},
    ],
)
def test_an_exposure_of_impossible_numbers(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|finite|share"):
        Exposure(**wrong)


def test_a_real_run_counts_as_its_own_report_does(tmp_path: Path) -> None:
    """The other reader of outcomes, the report's, agrees."""
    from assent.report.summary import summarise

    path = tmp_path / "a.db"
    assert invoke("run", "digits", "--seed", "1", "--steps", "400", "--ledger", path).exit_code == 0
    with Ledger.open(path, read_only=True) as book:
        found = count_run(book.events("digits-1"))
        summary = summarise(book.events("digits-1"))
    assert (len(found.clean), len(found.failed), found.asked) == (
        summary.alone.right,
        summary.alone.wrong,
        summary.asks,
    )
    assert sorted(found.failed) == [error.step for error in summary.alone.errors]
    assert found.failed, "the run has a failure, so that the comparison says something"
    assert Fraction(len(found.clean) + len(found.failed) + found.asked) == 400


@pytest.mark.parametrize("name", ["committee", "settings", "guards", "members", "leading", "temper", "rule"])
def test_whatever_the_opening_says_of_the_agent_tells_models_apart(name: str) -> None:
    known = {"agent": {**OPEN["agent"], "leading": "all", "temper": 1.0, "rule": "Minimum"}}
    changed = {"agent": {**known["agent"], name: "another"}}
    assert count_run(events(opened=known)).model == count_run(events(run="s", opened=known)).model
    assert count_run(events(opened=known)).model != count_run(events(opened=changed)).model


def test_models_that_nobody_named_are_never_the_same() -> None:
    anonymous = {"agent": {"rule": "Minimum", "members": ["a", "b"]}}
    clean = [part for step in range(5) for part in (act(step, 1), outcome(step, 1))]
    old, new = (count_run(events(*clean, run=run, opened=anonymous)) for run in ("old", "new"))
    assert exposure_of([old, new]).clean == 5
