"""The life of a question: one answer takes effect, nothing that anybody said is lost."""

import pytest

from assent.ledger import (
    AlreadyApplied,
    AnswerConflict,
    AnswerLate,
    ChoiceOutOfRange,
    EventRefused,
    LeaseHeld,
    LeaseLost,
    Ledger,
    QuestionChanged,
    QuestionSettled,
    QuestionWithdrawn,
    RunTakenOver,
    UnknownQuestion,
    digest_of_question,
)
from tests.ledger.support import APPLY, DOSSIER, OPEN, STATE, Clock, act, ask

OTHERS = {"count": 2, "assent": 0.0, "minimum": 0.0, "mass": 0.0}
"""Two options more than the three of `DOSSIER`."""


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock):
    with Ledger.open(tmp_path / "a.db", clock=clock) as ledger:
        ledger.open_run("demo", OPEN)
        yield ledger
        assert ledger.verify().failures == ()


def refusals(ledger):
    return [(event.actor, event.body["choice"], event.body["why"]) for event in ledger.events("demo", kinds=["refuse"])]


def test_a_question_says_what_was_asked(ledger, clock):
    question = ledger.ask("demo", ask("demo", 3, wait_s=60, null_action=0))
    assert (question.id, question.state, question.options, question.null_action) == ("demo/3.0", "open", 3, 0)
    assert question.deadline_us == clock.now_us + 60_000_000
    assert question.body["dossier"]["assent"] == [0.125, 0.25, 0.25]
    assert ledger.questions("demo", "open") == [question] == ledger.questions()


def test_the_first_answer_takes_effect(ledger, clock):
    question = ledger.ask("demo", ask("demo", 0))
    answered = ledger.answer(question.id, 2, actor="ann", digest=question.digest)
    assert (answered.choice, answered.actor, answered.at_us, answered.first) == (2, "ann", clock.now_us, True)
    found = ledger.question(question.id)
    assert found.state == "answered"
    assert found.answer is not None
    assert found.answer.choice == 2
    assert [event.seq for event in ledger.events("demo", kinds=["answer"])] == [answered.seq]


def test_a_repeated_answer_is_the_first_result(ledger, clock):
    question = ledger.ask("demo", ask("demo", 0))
    first = ledger.answer(question.id, 2, actor="ann", digest=question.digest, idem="k1")
    clock.advance(5)
    for actor, choice, idem in (("ann", 2, "k1"), ("ann", 2, "k2"), ("bea", 1, "k1")):
        again = ledger.answer(question.id, choice, actor=actor, digest=question.digest, idem=idem)
        assert (again.choice, again.at_us, again.first, again.seq) == (2, first.at_us, False, first.seq)
    assert ledger.head("demo").seq == first.seq  # a repeat writes nothing


@pytest.mark.parametrize(("actor", "choice"), [("bea", 1), ("ann", 1), ("bea", 2)])
def test_a_second_answer_is_kept_and_has_no_effect(ledger, actor, choice):
    question = ledger.ask("demo", ask("demo", 0))
    ledger.answer(question.id, 2, actor="ann", digest=question.digest)
    with pytest.raises(AnswerConflict, match=r"ann answered question demo/0\.0 with 2 on 2023-11-14") as caught:
        ledger.answer(question.id, choice, actor=actor, digest=question.digest)
    assert (caught.value.actor, caught.value.choice) == ("ann", 2)
    assert refusals(ledger) == [(actor, choice, "conflict")]


def test_one_key_answers_one_question(ledger):
    first, second = (ledger.ask("demo", ask("demo", step)) for step in (0, 1))
    ledger.answer(first.id, 1, actor="ann", digest=first.digest, idem="key")
    with pytest.raises(AnswerConflict, match=r"'key' was used for the answer to question demo/0\.0"):
        ledger.answer(second.id, 1, actor="ann", digest=second.digest, idem="key")
    assert ledger.question(second.id).state == "open"


@pytest.mark.parametrize("digest", ["0" * 64, None])
def test_an_answer_to_another_text_has_no_effect(ledger, digest):
    question = ledger.ask("demo", ask("demo", 0))
    with pytest.raises(QuestionChanged, match="another text"):
        ledger.answer(question.id, 1, actor="ann", digest=digest)
    assert refusals(ledger) == [("ann", 1, "changed")]
    assert ledger.question(question.id).state == "open"


@pytest.mark.parametrize("choice", [-1, 3, True, 10**9])
def test_a_choice_is_one_of_the_options(ledger, choice):
    question = ledger.ask("demo", ask("demo", 0))
    with pytest.raises(ChoiceOutOfRange, match="options 0 to 2"):
        ledger.answer(question.id, choice, actor="ann", digest=question.digest)
    assert refusals(ledger) == []


def test_unknown_questions(ledger):
    for call in (
        lambda: ledger.question("demo/9.0"),
        lambda: ledger.answer("demo/9.0", 0, actor="ann", digest=None),
        lambda: ledger.claim("demo/9.0", actor="ann", lease_s=1),
        lambda: ledger.release("demo/9.0", actor="ann", fence=1),
        lambda: ledger.expire("demo/9.0", 0),
        lambda: ledger.withdraw("demo/9.0", "why", actor="ann"),
    ):
        with pytest.raises(UnknownQuestion, match=r"no question 'demo/9\.0'"):
            call()


# -- deadlines --------------------------------------------------------------------------------------------------------


def test_silence_is_never_consent(ledger, clock):
    question = ledger.ask("demo", ask("demo", 0, wait_s=60, null_action=0))
    clock.advance(59.999999)
    assert ledger.expire_due() == []
    clock.advance(0.000001)
    assert ledger.expire_due() == [question.id]
    assert ledger.expire_due() == []
    (event,) = ledger.events("demo", kinds=["expire"])
    assert event.body == {"question": question.id, "action": 0}
    assert ledger.question(question.id).state == "expired"


def test_an_answer_after_the_deadline_is_late_before_anybody_expires_the_question(ledger, clock):
    # Wrong variant: taking it because the state still says open.
    question = ledger.ask("demo", ask("demo", 0, wait_s=60, null_action=0))
    clock.advance(60)
    with pytest.raises(AnswerLate, match="deadline was 2023-11-14"):
        ledger.answer(question.id, 1, actor="ann", digest=question.digest)
    assert refusals(ledger) == [("ann", 1, "late")]
    assert [event.kind for event in ledger.events("demo")][-2:] == ["expire", "refuse"]
    assert ledger.question(question.id).state == "expired"
    with pytest.raises(AnswerLate):
        ledger.answer(question.id, 1, actor="bea", digest=question.digest)


def test_without_a_null_action_only_the_session_expires(ledger, clock):
    question = ledger.ask("demo", ask("demo", 0, wait_s=1))
    clock.advance(2)
    assert ledger.expire_due() == []
    with pytest.raises(AnswerLate):
        ledger.answer(question.id, 1, actor="ann", digest=question.digest)
    assert ledger.question(question.id).state == "open"
    assert ledger.expire(question.id, 2).state == "expired"


def test_minus_one_is_the_null_action_that_does_nothing_at_all(ledger, clock):
    timed, untimed = ledger.ask("demo", ask("demo", 0, wait_s=1, null_action=-1)), ledger.ask("demo", ask("demo", 1))
    clock.advance(1)
    assert ledger.expire_due() == [timed.id]
    assert ledger.expire(untimed.id, -1).state == "expired"
    assert [event.body["action"] for event in ledger.events("demo", kinds=["expire"])] == [-1, -1]
    with pytest.raises(ChoiceOutOfRange):
        ledger.answer(ledger.ask("demo", ask("demo", 2)).id, -1, actor="ann", digest=None)


def test_expiring_twice_is_once_and_an_answer_stands(ledger):
    first, second = (ledger.ask("demo", ask("demo", step)) for step in (0, 1))
    ledger.expire(first.id, 0)
    ledger.expire(first.id, 0)
    assert len(list(ledger.events("demo", kinds=["expire"]))) == 1
    ledger.answer(second.id, 1, actor="ann", digest=second.digest)
    with pytest.raises(QuestionSettled, match="answered by ann"):
        ledger.expire(second.id, 0)
    with pytest.raises(ChoiceOutOfRange):
        ledger.expire(second.id, 3)


def test_a_claim_after_the_deadline_expires_the_question(ledger, clock):
    question = ledger.ask("demo", ask("demo", 0, wait_s=1, null_action=0))
    clock.advance(1)
    with pytest.raises(AnswerLate):
        ledger.claim(question.id, actor="ann", lease_s=60)
    assert ledger.question(question.id).state == "expired"


# -- leases -----------------------------------------------------------------------------------------------------------


def test_a_lease_keeps_others_out_until_it_lapses(ledger, clock):
    question = ledger.ask("demo", ask("demo", 0))
    claim = ledger.claim(question.id, actor="ann", lease_s=10)
    assert (claim.fence, claim.until_us) == (1, clock.now_us + 10_000_000)
    assert ledger.question(question.id).lease_actor == "ann"
    with pytest.raises(LeaseHeld, match="ann is at work"):
        ledger.claim(question.id, actor="bea", lease_s=10)
    with pytest.raises(LeaseHeld):
        ledger.answer(question.id, 1, actor="bea", digest=question.digest)
    assert refusals(ledger) == [("bea", 1, "lease")]
    clock.advance(10)
    assert ledger.question(question.id).state == "open"
    assert [item.id for item in ledger.questions(state="open")] == [question.id]
    assert ledger.questions(state="claimed") == []
    assert ledger.claim(question.id, actor="bea", lease_s=10).fence == 2
    with pytest.raises(LeaseHeld):
        ledger.answer(question.id, 1, actor="ann", digest=question.digest)
    assert ledger.answer(question.id, 1, actor="bea", digest=question.digest).first


def test_a_lapsed_lease_lets_anybody_answer(ledger, clock):
    question = ledger.ask("demo", ask("demo", 0))
    ledger.claim(question.id, actor="ann", lease_s=10)
    clock.advance(10)
    assert ledger.answer(question.id, 1, actor="bea", digest=question.digest).first


def test_the_fence_grows_with_every_claim_of_the_same_actor_too(ledger):
    question = ledger.ask("demo", ask("demo", 0))
    fences = [ledger.claim(question.id, actor="ann", lease_s=10).fence for _ in range(3)]
    assert fences == [1, 2, 3]
    with pytest.raises(LeaseLost, match="last lease was 3"):
        ledger.release(question.id, actor="ann", fence=2)
    with pytest.raises(LeaseLost):
        ledger.release(question.id, actor="bea", fence=3)
    ledger.release(question.id, actor="ann", fence=3)
    assert ledger.question(question.id).state == "open"
    assert ledger.claim(question.id, actor="bea", lease_s=10).fence == 4


@pytest.mark.parametrize("lease_s", [0, -1, float("nan"), float("inf")])
def test_a_lease_ends(ledger, lease_s):
    question = ledger.ask("demo", ask("demo", 0))
    with pytest.raises(EventRefused, match="lease"):
        ledger.claim(question.id, actor="ann", lease_s=lease_s)


# -- withdrawal, application ------------------------------------------------------------------------------------------


def test_a_withdrawn_question_takes_no_answer(ledger):
    question = ledger.ask("demo", ask("demo", 0))
    ledger.withdraw(question.id, "solved itself", actor="session")
    with pytest.raises(QuestionWithdrawn):
        ledger.answer(question.id, 1, actor="ann", digest=question.digest)
    assert refusals(ledger) == [("ann", 1, "withdrawn")]
    for call in (
        lambda: ledger.withdraw(question.id, "again", actor="session"),
        lambda: ledger.claim(question.id, actor="ann", lease_s=1),
        lambda: ledger.expire(question.id, 0),
    ):
        with pytest.raises(QuestionSettled, match="withdrawn"):
            call()


def test_an_answer_teaches_once(ledger):
    question = ledger.ask("demo", ask("demo", 0))
    answered = ledger.answer(question.id, 2, actor="ann", digest=question.digest)
    volunteered = ledger.volunteer("demo", 1, 0, actor="bea", note="it was wet")
    assert [event.seq for event in ledger.unapplied("demo")] == [answered.seq, volunteered.seq]
    ledger.apply("demo", answered.seq, APPLY, STATE)
    assert [event.seq for event in ledger.unapplied("demo")] == [volunteered.seq]
    with pytest.raises(AlreadyApplied, match="teaches once"):
        ledger.apply("demo", answered.seq, APPLY)
    ledger.apply("demo", volunteered.seq, {**APPLY, "surprise": None})
    assert ledger.unapplied("demo") == []
    applies = list(ledger.events("demo", kinds=["apply"]))
    (checkpoint,) = ledger.events("demo", kinds=["checkpoint"])
    assert checkpoint.body["applied_seq"] == applies[0].seq


def test_only_what_an_overseer_said_is_applied(ledger):
    ledger.ask("demo", ask("demo", 0))
    for cause, what in ((1, "of kind open"), (2, "of kind ask"), (99, "not there")):
        with pytest.raises(EventRefused, match=what):
            ledger.apply("demo", cause, APPLY)


def test_a_buffered_apply_counts_as_applied(tmp_path):
    with Ledger.open(tmp_path / "b.db", group=100) as ledger:
        ledger.open_run("demo", OPEN)
        seq = ledger.volunteer("demo", 1, 0, actor="bea").seq
        ledger.apply("demo", seq, APPLY)
        with pytest.raises(AlreadyApplied):
            ledger.apply("demo", seq, APPLY)


def test_a_second_session_cannot_apply_behind_the_back_of_the_first(tmp_path):
    with Ledger.open(tmp_path / "b.db", group=100) as one, Ledger.open(tmp_path / "b.db") as two:
        one.open_run("demo", OPEN)
        seq = one.volunteer("demo", 1, 0, actor="bea").seq
        one.apply("demo", seq, APPLY)
        with pytest.raises(RunTakenOver, match="does not hold run 'demo'"):
            two.append("demo", "act", act(0))
        two.take_over("demo")
        two.apply("demo", seq, APPLY)
        two.flush("demo")
        with pytest.raises(RunTakenOver, match="has taken run 'demo' over"):
            one.flush("demo")
        assert one.verify().ok


# -- what is asked must be well formed --------------------------------------------------------------------------------


def test_the_same_place_is_asked_once(ledger):
    ledger.ask("demo", ask("demo", 0))
    with pytest.raises(QuestionSettled, match="asked before"):
        ledger.ask("demo", ask("demo", 0))
    assert ledger.ask("demo", ask("demo", 0, attempt=1)).id == "demo/0.1"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"question": "demo/1.0"}, "must be called 'demo/0.0'"),
        ({"step": -1}, "count from 0"),
        ({"attempt": True}, "count from 0"),
        ({"digest": "beef"}, "64 hexadecimal"),
        ({"digest": None}, "64 hexadecimal"),
        ({"wait_s": -1}, "wait_s is -1"),
        ({"wait_s": "soon"}, "wait_s is 'soon'"),
        ({"null_action": 3}, "options 0 to 2"),
        ({"null_action": -2}, "options 0 to 2"),
        ({"dossier": None}, "is a mapping"),
        ({"dossier": {"assent": [1.0]}}, "A dossier has the keys"),
        ({"dossier": {**DOSSIER, "actions": [0, 1, 2]}}, "A dossier has the keys"),
        *(
            ({"dossier": {**DOSSIER, "actions": actions, "others": others}}, "A dossier that leaves actions out")
            for actions, others in (
                ([0, 1], OTHERS),
                ([0, 2, 1], OTHERS),
                ([0, 1, 5], OTHERS),
                ([-1, 0, 1], OTHERS),
                ([0, 1, True], OTHERS),
                (None, OTHERS),
                ([0, 1, 2], None),
                ([0, 1, 2], {**OTHERS, "count": 0}),
                ([0, 1, 2], {**OTHERS, "count": "2"}),
                ([0, 1, 2], {"count": 2}),
            )
        ),
        ({"extra": 1}, "unknown key extra"),
    ],
)
def test_a_question_that_does_not_fit_together_is_refused(ledger, changes, sentence):
    with pytest.raises(EventRefused, match=sentence):
        ledger.ask("demo", {**ask("demo", 0), **changes})
    assert ledger.questions() == []


def test_a_question_without_options_is_refused(ledger):
    body = ask("demo", 0)
    with pytest.raises(EventRefused, match="empty assent"):
        ledger.ask("demo", {**body, "dossier": {**body["dossier"], "assent": []}})


def test_options_that_a_dossier_leaves_out_can_be_answered(ledger):
    dossier = {**DOSSIER, "actions": [0, 2, 4], "others": OTHERS, "truncated": True}
    digest = digest_of_question(run="demo", step=0, attempt=0, obs=[0], options=OPEN["view"]["labels"], dossier=dossier)
    question = ledger.ask("demo", {**ask("demo", 0), "dossier": dossier, "digest": digest})
    with pytest.raises(ChoiceOutOfRange, match="0 to 4"):
        ledger.answer(question.id, 5, actor="ann", digest=question.digest)
    assert ledger.answer(question.id, 3, actor="ann", digest=question.digest).choice == 3
