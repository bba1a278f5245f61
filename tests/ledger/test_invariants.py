"""Each invariant is broken by somebody who makes the hashes right again, and only it notices."""

import json
import math

import apsw
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.ledger import Ledger, genesis
from assent.ledger.history import read_history
from assent.ledger.invariants import Evidence, within_minimum
from assent.ledger.verification import Checker
from tests.ledger.support import DOSSIER, OPEN, STATE, act, ask, own_hash, rewrite, small_ledger


@pytest.fixture
def path(tmp_path):
    small_ledger(tmp_path / "a.db").close()
    return tmp_path / "a.db"


def failures(path, **options):
    with Ledger.open(path) as ledger:
        return ledger.verify(**options).failures


def names(found):
    return {failure.split(":")[0] for failure in found}


def seq_of(path, kind, index=0):
    with Ledger.open(path) as ledger:
        return [event.seq for event in ledger.events("demo", kinds=[kind])][index]


def forge(path, kind, index=0, **changes):
    """Changes keys of one body, and mends the chain."""
    with Ledger.open(path) as ledger:
        event = list(ledger.events("demo", kinds=[kind]))[index]
    body = json.dumps({**event.body, **changes}, sort_keys=True, separators=(",", ":"))
    rewrite(path, "demo", event.seq, body=body)


def sql(path, *statements):
    connection = apsw.Connection(str(path))
    for statement in statements:
        connection.execute(statement)
    connection.close()


def stream(*events, run="demo", agent=OPEN["agent"]):
    """A history from (kind, body) pairs after an open event, with a sound chain."""
    prev, raw = genesis(run), []
    for seq, (kind, body) in enumerate([("open", {**OPEN, "agent": agent}), *events], 1):
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        digest = own_hash(prev, seq, seq, run, kind, "x", text)
        raw.append((seq, seq, kind, "x", text, prev, digest))
        prev = digest
    return raw


def check(*events, **options):
    checker = Checker()
    checker.history("demo", stream(*events, **options), None)
    return checker.failures


def test_an_untouched_ledger_is_well(path):
    with Ledger.open(path) as ledger:
        report = ledger.verify()
        assert report.ok
        assert report.failures == ()
        assert (report.events, report.runs, report.heads) == (22, 1, {"demo": ledger.head("demo")})
        assert "not refolded" in report.notes[0]
        assert "all is well" in str(report)
        assert ledger.verify("demo").ok
        assert "file itself was not checked" in ledger.verify("demo").notes[-1]


# -- the chain --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("body", '{"reason":"forged"}'),
        ("actor", "eve"),
        ("at_us", 5),
        ("kind", "alarm"),
        ("hash", b"x" * 32),
        ("prev", b"x" * 32),
    ],
)
def test_a_changed_event_is_found(path, column, value):
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER event_is_never_changed")
    connection.execute(f"UPDATE event SET {column} = ? WHERE seq = 3", (value,))
    connection.close()
    found = failures(path)
    assert any(failure.startswith("chain: event 3 of run 'demo'") for failure in found)
    assert any("event_is_never_changed is not defined" in failure for failure in found)


def test_an_event_with_a_hash_of_its_own_is_found(path):
    # Wrong variant: to check each hash against its own prev, and never that against the event before.
    with Ledger.open(path) as ledger:
        event = next(ledger.events("demo", since=2))
    body = '{"reason":"forged"}'
    digest = own_hash(event.prev, 3, event.at_us, "demo", event.kind, event.actor, body)
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER event_is_never_changed")
    connection.execute("UPDATE event SET body = ?, hash = ? WHERE seq = 3", (body, digest))
    connection.close()
    assert "chain: event 4 of run 'demo' does not name the event before it." in failures(path)


def test_a_removed_event_is_found(path):
    sql(path, "DROP TRIGGER event_is_never_removed", "DELETE FROM event WHERE seq = 3")
    assert any("goes from event 2 to event 4" in failure for failure in failures(path))


def test_a_removed_first_event_is_found(path):
    sql(path, "DROP TRIGGER event_is_never_removed", "DELETE FROM event WHERE seq = 1")
    assert {"chain", "form"} <= names(failures(path))


def test_a_removed_run_is_found(path):
    sql(path, "DROP TRIGGER event_is_never_removed", "DELETE FROM event")
    assert "I9" in names(failures(path))


def test_an_event_that_was_moved_to_a_run_of_no_name_is_found(path):
    sql(path, "DROP TRIGGER event_is_never_changed", "UPDATE event SET run = 'hidden' WHERE seq = 22")
    assert any("22 events, but 21 belong" in failure for failure in failures(path))


def test_a_cut_tail_shows_only_against_a_kept_head(path):
    with Ledger.open(path) as ledger:
        kept = ledger.head("demo")
    sql(path, "DROP TRIGGER event_is_never_removed", f"DELETE FROM event WHERE seq = {kept.seq}")
    with Ledger.open(path) as ledger:
        report = ledger.verify("demo")
        assert report.ok  # the last event, an alarm, has no table: the chain alone cannot know
        assert report.heads["demo"] != kept


@pytest.mark.parametrize("statement", ["UPDATE event SET actor = 'eve'", "DELETE FROM event"])
def test_events_are_append_only(path, statement):
    with pytest.raises(apsw.ConstraintError, match="append-only"):
        sql(path, statement)


# -- one invariant each -----------------------------------------------------------------------------------------------


def test_i1_a_second_answer():
    answer = ("answer", {"question": "q", "choice": 1, "digest": "d", "idem": "i"})
    assert "I1: run 'demo': question q has 2 answers." in check(answer, answer)


def test_i2_a_cause_that_is_no_answer(path):
    forge(path, "apply", cause=1)
    assert any("I2" in failure and "event 1, which is no answer" in failure for failure in failures(path))


def test_i2_a_cause_that_comes_later():
    note = ("volunteer", {"step": 0, "choice": 1, "obs": None, "note": ""})
    applied = {"surprise": 0, "leaders": 1, "effective": 1}
    assert "I2" in names(check(("apply", {**applied, "cause": 3}), note))
    assert check(note, ("apply", {**applied, "cause": 2})) == []


def test_i2_an_answer_that_taught_twice(path):
    with Ledger.open(path) as ledger:
        cause = next(ledger.events("demo", kinds=["apply"])).body["cause"]
    forge(path, "apply", 1, cause=cause)
    assert any("I2" in failure and "applied before" in failure for failure in failures(path))


def test_i3_a_checkpoint_of_another_apply(path):
    forge(path, "checkpoint", applied_seq=3)
    assert any("I3" in failure and "names apply 3" in failure for failure in failures(path))


def test_i3_a_checkpoint_without_a_belief(path):
    forge(path, "checkpoint", belief=None)
    assert any("I3" in failure and "no digest" in failure for failure in failures(path))


def test_i3_a_belief_that_does_not_follow(path):
    applied = seq_of(path, "apply")
    assert failures(path, refold=lambda run: {applied: STATE["belief"]}) == ()
    for wrong in ({applied: "1" * 64}, {}):
        (found,) = failures(path, refold=lambda run, wrong=wrong: wrong)
        assert found.startswith("I3: run 'demo': checkpoint")


def test_i3_a_run_that_cannot_be_refolded_is_named(path):
    with Ledger.open(path) as ledger:
        report = ledger.verify(refold=lambda run: None)
        assert report.ok
        assert "run 'demo': belief not refolded" in report.notes[0]


def test_i4_an_act_after_a_halt():
    halt, resume = ("halt", {"reason": "x"}), ("resume", {"reason": "x"})
    assert check(("act", act(0)), halt, resume, ("act", act(1))) == []
    assert check(halt, halt, resume, ("act", act(1))) == []
    for events in (
        [halt, ("act", act(0)), resume],
        [halt, ("act", act(0)), halt, resume],
        [halt, ("act", act(0))],
        [halt, resume, halt, ("act", act(0))],
    ):
        assert any(failure.startswith("I4: run 'demo': act ") for failure in check(*events))


def test_i4_an_ask_after_a_halt():
    body = {"question": "q", "obs": None, "dossier": {"assent": [1]}, "step": 0, "attempt": 0, "digest": "d"}
    assert "I4" in names(check(("halt", {"reason": "x"}), ("ask", body)))


def test_i5_an_answer_to_another_text(path):
    forge(path, "answer", digest="1" * 64)
    sql(path, "UPDATE answer SET digest = unhex('" + "1" * 64 + "')")
    assert names(failures(path)) == {"I5"}


@pytest.mark.parametrize(
    "change",
    [{"obs": [99]}, {"dossier": {**DOSSIER, "minimum": [0.5, 0.25, 0.25]}}, {"dossier": {**DOSSIER, "dissent": []}}],
    ids=["obs", "minimum", "dissent"],
)
def test_i5_a_question_in_other_words_than_its_digest_says(path, change):
    # Wrong variant: to compare the answer's digest with the question's only, both of which can be left as they were.
    forge(path, "ask", **change)
    assert any(failure.startswith("I5: run 'demo': ask ") for failure in failures(path))


def test_i5_labels_are_part_of_the_question(path):
    forge(path, "open", view={"labels": ["right", "left", "stay"], "picture": None})
    with Ledger.open(path) as ledger:
        asks = len(list(ledger.events("demo", kinds=["ask"])))
    assert len([failure for failure in failures(path) if failure.startswith("I5")]) == asks > 1


def test_one_body_that_is_not_text_leaves_the_others_readable(path):
    # Wrong variant: to stop at it, so that damage further on is not named.
    with Ledger.open(path) as ledger:
        count = ledger.head("demo").seq
    sql(
        path,
        "DROP TRIGGER event_is_never_changed",
        "UPDATE event SET body = CAST(x'7b2261223a22ff227d' AS TEXT) WHERE seq = 4",
        f"UPDATE event SET at_us = at_us + 1 WHERE seq = {count}",
    )
    found = failures(path)
    for seq in (4, count):
        assert f"chain: event {seq} of run 'demo' is not what was hashed when it was written." in found


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"u": 0.125}, "says ask"),
        ({"u": 0.25, "below": 0.125}, "below the interval"),
        ({"u": 0.875001}, "above the interval"),
        ({"u": 1.5}, "above the interval"),
        ({"mass": 0}, "without any assent"),
        ({"mass": -0.5, "u": 0.9}, "without any assent"),
        ({"minimum": 0.25}, "more assent than the leaders' minimum"),
    ],
)
def test_i6_an_act_that_does_not_follow(path, changes, sentence):
    forge(path, "act", 2, **changes)
    found = failures(path)
    assert names(found) == {"I6"}
    assert any("act 4 " in failure and sentence in failure for failure in found)


def test_i6_the_minimum_binds_only_the_rule_of_that_name():
    excess = ("act", act(0, minimum=0.25))
    assert "I6" in names(check(excess))
    assert check(excess, agent={**OPEN["agent"], "rule": "Mixture"}) == []


def test_i6_nan_fails():
    history = read_history("demo", stream(("act", act(0))))
    for column in range(2, 7):
        broken = read_history("demo", stream(("act", act(0))))
        broken.acts[0, column] = math.nan
        assert within_minimum(Evidence(broken))
    assert within_minimum(Evidence(history)) == []


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.floats(0, 1, exclude_max=True))
def test_i6_whatever_the_rule_decides_passes(weights, u):
    # The rule in the test's own words: minimum of one row, ask with what is left, inverse of the cumulative sum.
    total = math.fsum(weights)
    probs = np.array(weights) / max(total, 1.0)
    ask = max(0.0, 1.0 - float(probs.sum()))
    if u < ask or not probs.any():
        return
    edges = ask + np.cumsum(probs)
    action = min(int(np.searchsorted(edges, u, side="right")), int(np.flatnonzero(probs)[-1]))
    below = float(np.cumsum(probs)[action] - probs[action])
    mass = float(probs[action])
    body = act(0, action=action, u=u, ask=ask, below=below, mass=mass, minimum=mass)
    assert check(("act", body), agent={**OPEN["agent"], "num_actions": len(weights)}) == []


def test_i7_an_answer_without_effect(path):
    sql(
        path,
        "PRAGMA foreign_keys=OFF",
        "DELETE FROM answer",
        "UPDATE question SET state = 'open' WHERE state = 'answered'",
    )
    assert {"I7", "I9"} <= names(failures(path))


def test_i7_an_effect_without_an_answer(path):
    sql(
        path,
        "INSERT INTO answer SELECT id, 'idem', 'eve', 1, digest, 1, 1 FROM question WHERE state = 'withdrawn'",
        "UPDATE question SET state = 'answered' WHERE state = 'withdrawn'",
    )
    found = failures(path)
    assert any("I7" in failure and "counts as answered but has no answer event" in failure for failure in found)
    assert any("I7" in failure and "row without an answer event" in failure for failure in found)


def test_i8_a_fence_that_does_not_grow(path):
    forge(path, "claim", 1, fence=1)
    sql(path, "UPDATE question SET lease_fence = 1 WHERE step = 4")
    assert names(failures(path)) == {"I8"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE question SET state = 'open' WHERE step = 5",
        "UPDATE question SET options = 9 WHERE step = 5",
        "UPDATE question SET deadline_us = 1 WHERE step = 5",
        "UPDATE answer SET choice = 0",
        "UPDATE answer SET actor = 'eve'",
        "DELETE FROM applied",
        "INSERT INTO halt VALUES('demo', 1, 'eve', 1, 'never')",
        "UPDATE run SET closed_us = 1",
    ],
)
def test_i9_tables_that_do_not_follow(path, statement):
    sql(path, statement)
    assert names(failures(path)) == {"I9"}


def test_i9_events_that_cannot_be_folded(path):
    forge(path, "expire", question="demo/77.0")
    assert any("I9" in failure and "cannot be folded" in failure for failure in failures(path))


def test_i10_an_act_where_a_question_expired(path):
    forge(path, "act", 1, step=5)
    assert names(failures(path)) == {"I10", "form"}


def test_i10_another_attempt_is_another_place(path):
    forge(path, "act", 1, step=5, attempt=1)
    assert failures(path) == ()


def test_i10_an_expired_question_with_an_answer():
    asked = ask("demo", 0)
    name, digest = asked["question"], asked["digest"]
    answer = {"question": name, "choice": 1, "digest": digest, "idem": "i"}
    found = check(("ask", asked), ("expire", {"question": name, "action": 0}), ("answer", answer))
    assert found == [f"I10: run 'demo': question {name} is both expired and answered."]


def test_form_a_run_is_opened_once_and_first():
    assert "form" in names(check(("open", OPEN)))


def test_form_nothing_decides_after_the_close():
    close = ("close", {"reason": "done"})
    assert check(close, ("outcome", {"step": 0, "truth": 1})) == []
    assert "form" in names(check(close, ("act", act(0))))
    assert "form" in names(check(close, ("halt", {"reason": "x"})))


@pytest.mark.parametrize(
    "body", ['{"step":1}', "7", '{"u":"x"}', '{"step":0,"attempt":0,"u":"0.5","ask":0,"below":0,"mass":1,"minimum":1}']
)
def test_form_an_act_without_its_numbers(path, body):
    rewrite(path, "demo", 3, body=body)
    assert any(failure.startswith("form: event 3 ") for failure in failures(path))


def test_many_failures_are_counted_not_listed():
    found = check(*[("act", act(step, mass=0)) for step in range(50)])
    assert len(found) < 50
    assert any("and 80 more of this sort" in failure for failure in found)


def test_acts_are_read_the_same_in_any_batch(monkeypatch):
    from assent.ledger import history

    events = [("act", act(step, u=0.4 + step / 1000)) for step in range(25)]
    whole = read_history("demo", stream(*events))
    monkeypatch.setattr(history, "_BATCH", 4)
    parts = read_history("demo", stream(*events))
    assert (whole.acts == parts.acts).all()
    assert (whole.act_seq == parts.act_seq).all()


@pytest.mark.parametrize("events", [[("act", act(0)), ("act", act(0))], [("ask", ask("demo", 0)), ("act", act(0))]])
def test_two_decisions_at_one_place(events):
    assert any(failure.endswith("a second decision at one place of the run.") for failure in check(*events))
    apart = [("act", act(3)), *events[1:]]
    assert not any("second decision" in failure for failure in check(*apart))
