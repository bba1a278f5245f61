"""Runs, halts, the group buffer, events, exports and backups."""

import pytest

from assent.ledger import (
    EventRefused,
    Halted,
    Ledger,
    LedgerClosed,
    LedgerError,
    LedgerReadOnly,
    NotHalted,
    QuestionWithdrawn,
    RunClosed,
    RunExists,
    RunTakenOver,
    UnknownRun,
    verify_chain,
)
from assent.ledger.events import KINDS, check_body
from assent.ledger.export import verify_export
from tests.ledger.support import APPLY, OPEN, STATE, Clock, act, ask, small_ledger


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.db"


@pytest.fixture
def ledger(path):
    with Ledger.open(path, clock=Clock()) as ledger:
        ledger.open_run("demo", OPEN)
        yield ledger


def kinds(ledger, run="demo"):
    return [event.kind for event in ledger.events(run)]


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_name_is_used_once(ledger):
    with pytest.raises(RunExists, match="'demo' was opened before"):
        ledger.open_run("demo", OPEN)
    assert ledger.open_run("other", OPEN).seq == 1
    assert [run.id for run in ledger.runs()] == ["demo", "other"]


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, "\ud800"])
def test_names_can_be_read(ledger, name):
    with pytest.raises(EventRefused, match="printable"):
        ledger.open_run(name, OPEN)
    with pytest.raises(EventRefused, match="printable"):
        ledger.halt("demo", "why", actor=name)
    with pytest.raises(EventRefused, match="printable"):
        ledger.append("demo", "act", act(0), actor=name)


def test_nothing_happens_in_an_unknown_run(ledger):
    for call in (
        lambda: ledger.append("none", "act", act(0)),
        lambda: ledger.ask("none", ask("none", 0)),
        lambda: ledger.volunteer("none", 0, 1, actor="ann"),
        lambda: ledger.halt("none", "why", actor="ann"),
        lambda: ledger.resume("none", "why", actor="ann"),
        lambda: ledger.close_run("none", "why"),
        lambda: ledger.head("none"),
        lambda: ledger.halted("none"),
        lambda: ledger.verify("none"),
    ):
        with pytest.raises(UnknownRun, match="no run 'none'"):
            call()


def test_a_closed_run_withdraws_its_questions_and_takes_no_more_decisions(ledger):
    question = ledger.ask("demo", ask("demo", 0))
    ledger.close_run("demo", "done")
    assert ledger.question(question.id).state == "withdrawn"
    for call in (
        lambda: ledger.append("demo", "act", act(1)),
        lambda: ledger.ask("demo", ask("demo", 1)),
        lambda: ledger.volunteer("demo", 0, 1, actor="ann"),
        lambda: ledger.halt("demo", "why", actor="ann"),
        lambda: ledger.close_run("demo", "again"),
    ):
        with pytest.raises(RunClosed, match="was closed on 2023"):
            call()
    ledger.outcome("demo", 0, 2, actor="ann")  # what is known later may still be recorded
    with pytest.raises(QuestionWithdrawn):
        ledger.answer(question.id, 1, actor="ann", digest=question.digest)
    assert kinds(ledger) == ["open", "ask", "withdraw", "close", "outcome", "refuse"]
    assert ledger.verify().ok


# -- halts ------------------------------------------------------------------------------------------------------------


def test_no_decision_passes_a_halt(ledger):
    halt = ledger.halt("demo", "smoke", actor="bea")
    assert ledger.halted("demo") == halt
    sentence = "halted by bea on 2023-11-14 22:13:20 UTC: smoke"
    with pytest.raises(Halted, match=sentence) as caught:
        ledger.append("demo", "act", act(0))
    assert (caught.value.actor, caught.value.reason) == ("bea", "smoke")
    with pytest.raises(Halted, match=sentence):
        ledger.ask("demo", ask("demo", 0))
    assert kinds(ledger) == ["open", "halt"]
    ledger.volunteer("demo", 0, 1, actor="bea")  # being corrected is always possible
    ledger.resume("demo", "a toaster", actor="bea")
    ledger.append("demo", "act", act(0))
    assert kinds(ledger) == ["open", "halt", "volunteer", "resume", "act"]
    assert ledger.halted("demo") is None


def test_a_halt_of_one_run_is_not_one_of_another(ledger):
    ledger.open_run("other", OPEN)
    ledger.halt("demo", "smoke", actor="bea")
    ledger.append("other", "act", act(0))
    assert kinds(ledger, "other") == ["open", "act"]


def test_the_first_halt_stays_in_force_and_one_resume_ends_it(ledger):
    first = ledger.halt("demo", "smoke", actor="bea")
    assert ledger.halt("demo", "fire", actor="ann") == first
    assert ledger.verify().ok
    ledger.resume("demo", "out", actor="ann")
    with pytest.raises(NotHalted, match="nothing to resume"):
        ledger.resume("demo", "out", actor="ann")
    assert ledger.verify().ok


def test_an_answer_to_a_halted_run_counts(ledger):
    question = ledger.ask("demo", ask("demo", 0))
    ledger.halt("demo", "smoke", actor="bea")
    answered = ledger.answer(question.id, 1, actor="ann", digest=question.digest)
    ledger.apply("demo", answered.seq, APPLY)
    assert ledger.verify().ok


# -- the group buffer -------------------------------------------------------------------------------------------------


def test_a_group_is_committed_together(path, ledger):
    with Ledger.open(path, group=3) as grouped:
        grouped.take_over("demo")
        grouped.append("demo", "act", act(0))
        grouped.append("demo", "act", act(1))
        assert kinds(ledger) == ["open"]
        grouped.append("demo", "act", act(2))
        assert kinds(ledger) == ["open", "act", "act", "act"]
        grouped.append("demo", "act", act(3))
        grouped.flush()
        assert len(kinds(ledger)) == 5
        grouped.append("demo", "act", act(4))
    assert len(kinds(ledger)) == 6  # close flushes


def test_what_people_do_takes_the_buffer_with_it(path, ledger):
    with Ledger.open(path, group=100) as grouped:
        grouped.take_over("demo")
        grouped.append("demo", "act", act(0))
        grouped.volunteer("demo", 0, 1, actor="ann")
        assert kinds(ledger) == ["open", "act", "volunteer"]
        grouped.append("demo", "act", act(1))
        grouped.halt("demo", "smoke", actor="ann")
        assert kinds(ledger) == ["open", "act", "volunteer", "act", "halt"]


def test_what_is_in_a_halted_buffer_is_dropped_and_told(path, ledger):
    with Ledger.open(path, group=100) as grouped:
        grouped.take_over("demo")
        grouped.open_run("other", OPEN)
        grouped.outcome("demo", 0, 1, actor="ann")
        grouped.append("demo", "act", act(1))
        grouped.outcome(
            "demo", 1, 1, actor="ann"
        )  # Wrong variant: to drop the decisions alone leaves what they led to.
        grouped.append("other", "act", act(1))
        ledger.halt("demo", "smoke", actor="bea")
        for run in (
            None,
            None,
            "demo",
        ):  # told once to who decides in the run, to others for as long as that one has not heard
            with pytest.raises(Halted, match="by bea"):
                grouped.flush(run)
        # A prefix stays, as after a crash; the other run is not touched.
        assert kinds(ledger) == ["open", "halt", "outcome"]
        assert kinds(ledger, "other") == ["open", "act"]
        grouped.flush()
        grouped.flush("demo")
        ledger.resume("demo", "ok", actor="bea")
        grouped.append("demo", "act", act(3))
        grouped.flush()
        assert kinds(ledger)[-1] == "act"
    assert ledger.verify().ok


def test_a_drop_during_another_call_is_told_by_the_next_decision(path, ledger):
    with Ledger.open(path, group=100) as grouped:
        grouped.take_over("demo")
        question = grouped.ask("demo", ask("demo", 0))
        grouped.append("demo", "act", act(1))
        ledger.halt("demo", "smoke", actor="bea")
        assert grouped.answer(question.id, 1, actor="ann", digest=question.digest).first  # the answer is not refused
        ledger.resume("demo", "ok", actor="bea")
        with pytest.raises(Halted):
            grouped.append("demo", "act", act(2))
        grouped.append("demo", "act", act(3))
    assert [event.body["step"] for event in ledger.events("demo", kinds=["act"])] == [3]


@pytest.mark.parametrize("decision", ["ask", "flush", "close"])
def test_every_way_on_tells_of_the_drop(path, ledger, decision):
    grouped = Ledger.open(path, group=100)
    grouped.take_over("demo")
    grouped.append("demo", "act", act(1))
    ledger.halt("demo", "smoke", actor="bea")
    calls = {
        "ask": lambda: grouped.ask("demo", ask("demo", 2)),
        "flush": lambda: grouped.flush("demo"),
        "close": grouped.close,
    }
    with pytest.raises(Halted):
        calls[decision]()
    grouped.close()


def test_a_backup_is_made_whatever_was_dropped(path, ledger):
    # Wrong variant: a backup that fails, or that uses up what whoever decides has to hear.
    with Ledger.open(path, group=100) as grouped:
        grouped.take_over("demo")
        grouped.outcome("demo", 0, 1, actor="ann")
        grouped.append("demo", "act", act(1))
        ledger.halt("demo", "smoke", actor="bea")
        with Ledger.open(grouped.backup(path.with_name("copy.db"))) as copy:
            assert kinds(copy) == kinds(ledger) == ["open", "halt", "outcome"]
        with pytest.raises(Halted):
            grouped.flush("demo")


def test_a_checkpoint_names_the_last_apply_in_the_buffer(path, ledger):
    with Ledger.open(path, group=100) as grouped:
        grouped.take_over("demo")
        grouped.checkpoint("demo", STATE)
        for step in range(2):
            seq = grouped.volunteer("demo", step, 1, actor="ann").seq
            grouped.append("demo", "act", act(step))
            grouped.apply("demo", seq, APPLY, STATE)
        grouped.checkpoint("demo", STATE)
    applies = [event.seq for event in ledger.events("demo", kinds=["apply"])]
    applied = [event.body["applied_seq"] for event in ledger.events("demo", kinds=["checkpoint"])]
    assert applied == [0, applies[0], applies[1], applies[1]]
    assert ledger.verify().ok


def test_the_body_is_taken_as_it_is_now(path):
    with Ledger.open(path, group=100) as grouped:
        grouped.open_run("demo", OPEN)
        body = act(0)
        grouped.append("demo", "act", body)
        body["step"] = 99
        grouped.flush()
        (event,) = grouped.events("demo", kinds=["act"])
        assert event.body["step"] == 0


# -- bodies -----------------------------------------------------------------------------------------------------------


def test_bodies_have_the_keys_of_their_kind(ledger):
    lacking = {key: value for key, value in act(0).items() if key != "u"}
    with pytest.raises(EventRefused, match="'act' event lacks u"):
        ledger.append("demo", "act", lacking)
    with pytest.raises(EventRefused, match="unknown keys a, b"):
        ledger.append("demo", "act", {**act(0), "a": 1, "b": 2})
    with pytest.raises(EventRefused, match="unknown key a"):
        ledger.append("demo", "act", {**lacking, "a": 1})
    with pytest.raises(EventRefused, match="no event of kind 'decide'"):
        check_body("decide", {})
    ledger.append("demo", "act", act(0, obs=None))
    assert kinds(ledger) == ["open", "act"]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"act", "request", "outcome", "alarm", "checkpoint"}))
def test_what_has_a_method_is_not_appended(ledger, kind):
    with pytest.raises(EventRefused, match="has a method"):
        ledger.append("demo", kind, {})


def test_nan_never_reaches_the_ledger(ledger):
    with pytest.raises(EventRefused, match="nan has no place"):
        ledger.append("demo", "act", act(0, u=float("nan")))
    assert kinds(ledger) == ["open"]


# -- reading, exports, backups ----------------------------------------------------------------------------------------


def test_events_since_and_by_kind(path):
    with small_ledger(path) as ledger:
        everything = list(ledger.events("demo"))
        assert [event.seq for event in everything] == list(range(1, len(everything) + 1))
        assert verify_chain(everything) == []
        assert list(ledger.events("demo", since=5)) == everything[5:]
        for wanted in (["act"], ["ask", "answer"], ["act", "ask"], []):
            assert list(ledger.events("demo", kinds=wanted)) == [e for e in everything if e.kind in wanted]
        with pytest.raises(EventRefused, match="no events of kind decide"):
            list(ledger.events("demo", kinds=["decide"]))


def test_events_are_read_in_pages(path):
    with Ledger.open(path, group=500) as ledger:
        ledger.open_run("demo", OPEN)
        for step in range(2300):
            ledger.append("demo", "act", act(step))
        ledger.flush()
        reading = ledger.events("demo")
        assert next(reading).seq == 1
        ledger.append("demo", "act", act(2300))
        ledger.flush()  # an open reading does not turn the writer away
        assert [event.seq for event in reading] == list(range(2, 2303))
        assert ledger.verify().events == 2302


def test_a_run_as_it_stands(path):
    with small_ledger(path) as ledger:
        ledger.ask("demo", ask("demo", 9))
        halt = ledger.halt("demo", "smoke", actor="bea")
        (run,) = ledger.runs()
        assert (run.id, run.closed_us, run.halt, run.questions) == ("demo", None, halt, 1)
        assert run.head == ledger.head("demo")


def test_an_export_can_be_checked_alone(path, tmp_path):
    with small_ledger(path) as ledger:
        ledger.open_run("other", OPEN)
        ledger.alarm("other", "big", {"float": 1e300, "minus": -0.0, "int": 2**53 - 1, "text": "é\u2028\n"})
        count = ledger.export(tmp_path / "a.jsonl")
        report = verify_export(tmp_path / "a.jsonl")
        assert report.failures == ()
        assert report.events == count == ledger.verify().events
        assert report.heads == ledger.verify().heads
        assert ledger.export(tmp_path / "one.jsonl", "demo") == count - 2
        with pytest.raises(LedgerError, match="replaces nothing"):
            ledger.export(tmp_path / "a.jsonl")
        with pytest.raises(UnknownRun):
            ledger.export(tmp_path / "b.jsonl", "none")


def test_a_changed_export_is_found(path, tmp_path):
    with small_ledger(path) as ledger:
        ledger.export(tmp_path / "a.jsonl")
    lines = (tmp_path / "a.jsonl").read_text().splitlines(keepends=True)
    forgeries = {
        "changed": [line.replace("ann", "eve", 1) for line in lines],
        "removed": lines[:3] + lines[4:],
        "moved": [lines[1], lines[0], *lines[2:]],
        "twice": lines + lines,
        "broken": [*lines[:3], "{", *lines[3:]],
        "no event": [*lines, '{"run":"demo"}\n'],
        "no text": [*lines, "7\n"],
    }
    for name, forged in forgeries.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(forged))
        assert not verify_export(tmp_path / f"{name}.jsonl").ok, name


def test_a_backup_is_the_ledger(path, tmp_path):
    with Ledger.open(path, group=100) as ledger:
        ledger.open_run("demo", OPEN)
        ledger.append("demo", "act", act(0))
        copy = ledger.backup(tmp_path / "copy.db")
        ledger.append("demo", "act", act(1))
        with pytest.raises(LedgerError, match="replaces nothing"):
            ledger.backup(copy)
    with Ledger.open(copy) as restored:
        assert kinds(restored) == ["open", "act"]
        assert restored.verify().ok
        restored.take_over("demo")
        restored.append("demo", "act", act(1))
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.db", "copy.db"]


def test_a_read_only_ledger_reads(path, tmp_path):
    small_ledger(path).close()
    with Ledger.open(path, read_only=True) as ledger:
        assert ledger.verify().ok
        assert ledger.backup(tmp_path / "copy.db").exists()
        for call in (
            lambda: ledger.append("demo", "act", act(9)),
            lambda: ledger.volunteer("demo", 0, 1, actor="ann"),
            lambda: ledger.open_run("x", OPEN),
        ):
            with pytest.raises(LedgerReadOnly, match="for reading only"):
                call()


def test_a_closed_ledger_says_so(path):
    ledger = small_ledger(path)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerClosed, match="was closed"):
        ledger.runs()


def test_with_does_not_hide_the_error_inside(path, ledger):
    def session():
        with Ledger.open(path, group=100) as grouped:
            grouped.append("demo", "act", act(0))
            ledger.halt("demo", "smoke", actor="bea")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        session()


def test_threads_share_a_ledger(ledger):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda step: ledger.append("demo", "act", act(step)), range(40)))
    assert sorted(event.body["step"] for event in ledger.events("demo", kinds=["act"])) == list(range(40))
    assert ledger.verify().ok


def test_only_the_last_session_to_take_a_run_over_decides_in_it(path):
    """Two processes that resume the same run would both decide its next step; the wrong variant lets both write."""

    with Ledger.open(path) as first, Ledger.open(path) as second:
        first.open_run("vault", OPEN)
        first.append("vault", "act", act(0))
        second.take_over("vault")
        with pytest.raises(RunTakenOver, match="Another session has taken run 'vault' over"):
            first.append("vault", "act", act(1))
        second.append("vault", "act", act(1))
        first.take_over("vault")
        first.append("vault", "act", act(2))
        assert [event.body["step"] for event in first.events("vault", kinds=("act",))] == [0, 1, 2]
        assert first.verify().ok
