"""Scores, calibration, and the file in which forecasts are written down before."""

from __future__ import annotations

import json
import math
import re
import threading
from dataclasses import replace
from datetime import UTC, datetime
from inspect import unwrap  # off the types that this suite checks on every call and a user's program does not
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assent.cli.output import STORAGE, USAGE
from assent.forecast.counting import Counted, merged
from assent.forecast.registry import SCORES, LineCut, Registry, RegistryDamaged, about_run
from assent.forecast.score import baseline_score, brier, calibration, log_score, peer_score, wilson
from tests.cli.support import ask_json, invoke, made


def book(folder: Path) -> Registry:
    return Registry(folder / "forecasts.jsonl", clock=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def record(decisions: str, **more: Any) -> Counted:
    """A run: of each step whether it was done alone and was clean (c), failed (x) or is unknown (?), or was asked (a)."""
    of = {kind: tuple(step for step, one in enumerate(decisions) if one == kind) for kind in "cx?a"}
    known = [step for step, one in enumerate(decisions) if one in "cx"]
    found = Counted(
        run="r",
        model="m",
        clean=of["c"],
        failed=dict.fromkeys(of["x"], (0, 1)),
        unknown=of["?"],
        asked=len(of["a"]),
        audits=0,
        asked_wrong=0,
        vetoed=0,
        ordered=0,
        order=tuple(decisions[step] == "x" for step in known),
        order_steps=tuple(known),
        last_step=len(decisions) - 1,
    )
    return replace(found, **more)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_honesty_is_best_under_every_proper_score(truth: float, said: float) -> None:
    """The expected score at `truth` is best where one says `truth`."""

    def expected(score, given: float) -> float:  # type: ignore[no-untyped-def]
        return truth * score(given, True) + (1 - truth) * score(given, False)

    assert expected(brier, truth) <= expected(brier, said) + 1e-12
    assert expected(log_score, truth) >= expected(log_score, said) - 1e-12
    assert expected(baseline_score, truth) >= expected(baseline_score, said) - 1e-9


def test_baseline_is_nothing_for_a_coin_and_a_hundred_for_certainty() -> None:
    assert baseline_score(0.5, True) == pytest.approx(0.0, abs=1e-12)
    assert baseline_score(1.0, True) == 100.0
    assert baseline_score(0.0, True) == -math.inf
    assert log_score(1.0, False) == -math.inf


def test_peer_scores_of_a_question_sum_to_nothing() -> None:
    said = [0.2, 0.5, 0.9]
    total = sum(peer_score(p, True, [q for q in said if q != p]) for p in said)
    assert total == pytest.approx(0.0, abs=1e-9)
    assert peer_score(0.0, True, [0.0]) == 0.0
    with pytest.raises(ValueError, match="no other"):
        peer_score(0.5, True, [])


def test_calibration_of_forecasts_that_are_right_on_average() -> None:
    rng = np.random.default_rng(0)
    said = rng.random(20_000)
    happened = rng.random(20_000) < said
    bins = calibration(said.tolist(), happened.tolist(), bins=20)
    assert sum(one.number for one in bins) == 20_000
    missed = sum(not one.low <= one.mean <= one.high for one in bins)
    assert missed <= 4  # 20 intervals of 95 %: more than 4 misses has probability 0.3 %
    inverted = calibration((1 - said).tolist(), happened.tolist(), bins=20)
    assert sum(not one.low <= one.mean <= one.high for one in inverted) > 15


def test_equal_probabilities_share_a_bin() -> None:
    """The wrong variant lets the outcome part them, into bins where nothing and bins where all of it happened."""
    (one,) = calibration([0.3] * 20, [number < 6 for number in range(20)])
    assert (one.number, one.frequency) == (20, 0.3)
    assert one.mean == pytest.approx(0.3)


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1), st.booleans()), min_size=1),
    st.integers(1, 12),
)
def test_bins_hold_five_and_part_no_tie(said: list[tuple[float, bool]], bins: int) -> None:
    found = calibration([p for p, _ in said], [happened for _, happened in said], bins=bins)
    assert found == calibration([p for p, _ in reversed(said)], [happened for _, happened in reversed(said)], bins=bins)
    assert sum(one.number for one in found) == len(said)
    assert sum(one.frequency * one.number for one in found) == pytest.approx(sum(happened for _, happened in said))
    assert len(found) <= bins
    assert all(one.number >= min(5, len(said)) for one in found)
    ordered = sorted(p for p, _ in said)
    ends = np.cumsum([one.number for one in found])[:-1]
    assert all(ordered[end - 1] < ordered[end] for end in ends), "a bin ends where the probability changes"


def test_bins_are_of_one_size_where_nothing_is_equal() -> None:
    found = calibration([number / 100 for number in range(100)], [False] * 100, bins=8)
    assert [one.number for one in found] == [12, 13, 12, 13, 12, 13, 12, 13]
    assert [one.number for one in calibration([0.1, 0.2, 0.3, 0.4], [False] * 4)] == [4]


def test_wilson_holds_the_share() -> None:
    low, high = wilson(3, 10)
    assert low < 0.3 < high
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10)[1] == 1.0


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan, math.inf, True])
def test_a_probability_that_is_none(wrong: float, tmp_path: Path) -> None:
    for score in (brier, log_score, baseline_score):
        with pytest.raises(ValueError, match=r"probability of a forecast is .*; it must be a number in \[0, 1\]"):
            score(wrong, True)
    with pytest.raises(ValueError, match="probability"):
        book(tmp_path).register("q", wrong, method="m")
    assert not (tmp_path / "forecasts.jsonl").exists()


def test_forecasts_are_registered_resolved_and_scored(tmp_path: Path) -> None:
    registry = book(tmp_path)
    first, second, third = (registry.register("Will it?", p, method=m) for p, m in ((0.9, "a"), (0.5, "b"), (0.1, "c")))
    assert (first, second, third) == (1, 2, 3)
    registry.resolve(first, "yes", note="it did")
    registry.resolve(second, "yes")
    registry.resolve(third, "ambiguous")
    alone = registry.register("Another?", 0.25, method="a")
    found = registry.report()
    assert [one.entry.id for one in found.scored] == [1, 2]
    assert found.scored[0].brier == pytest.approx(0.01)
    assert found.scored[0].peer == pytest.approx(100 * math.log(0.9 / 0.5))
    assert [entry.id for entry in found.ambiguous] == [3]
    assert [entry.id for entry in found.open] == [alone]
    assert found.mean("brier") == pytest.approx((0.01 + 0.25) / 2)
    assert found.scored[0].entry.at == "2026-01-02T03:04:05+00:00"


# Each of these ends a line for `str.splitlines`, and none of them may end one of the file's.
SEPARATORS = "a\vb\fc\x1cd\x1de\x1ef\x85g\u2028h\u2029i\rj\nk\0l\ufeffm"


@example(SEPARATORS)
@given(st.text())
def test_every_text_comes_back_as_it_was_written(text: str) -> None:
    with TemporaryDirectory() as folder:
        registry = book(Path(folder))
        registry.register(f"q{text}?", 0.5, method=text, inputs={text: [text]}, about={"run": text})
        registry.resolve(1, "no", note=text)
        registry.register("another", 0.5, method="m")
        first, second = registry.entries()
        assert (first.question, first.method, first.note) == (f"q{text}?", text, text)
        assert (first.inputs, first.about) == ({text: [text]}, {"run": text})
        assert (first.outcome, second.question) == ("no", "another")
        assert registry.path.read_bytes().isascii()


def test_a_file_whose_texts_were_written_as_they_are_is_read(tmp_path: Path) -> None:
    """As earlier versions wrote them, which could not read them back."""
    registry = book(tmp_path)
    for text in ("älter", SEPARATORS):
        registry.register(text, 0.5, method="m")
    whole = [json.loads(line) for line in registry.path.read_bytes().splitlines()]
    registry.path.write_bytes(b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in whole))
    assert registry.register("new", 0.5, method="m") == 3
    assert [entry.question for entry in registry.entries()] == ["älter", SEPARATORS, "new"]


def test_names_that_are_numbers_are_written_as_texts(tmp_path: Path) -> None:
    registry = book(tmp_path)
    registry.register("q", 0.5, method="m", inputs={2: 1, 10: (1, 2)})
    assert registry.entries()[0].inputs == {"2": 1, "10": [1, 2]}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"question": "q\ud800"}, r"The question is 'q\\ud800', which holds U\+D800"),
        ({"method": "\udcff"}, r"The method is '\\udcff', which holds U\+DCFF"),
        *(
            ({"probability": wrong}, r"The probability of a forecast is .*; it must be a number in \[0, 1\]")
            for wrong in ("0.3", None, [0.3], 10**400)
        ),
        ({"question": None}, "The question is None; it must be a text"),
        ({"question": " "}, "no question"),
        ({"method": 3}, "The method is 3; it must be a text"),
        ({"inputs": {"a": "\udcff"}}, "The inputs cannot be written as JSON .*surrogates"),
        ({"inputs": object()}, "The inputs cannot be written as JSON .*object"),
        ({"inputs": [math.nan]}, "The inputs cannot be written as JSON .*nan"),
        ({"inputs": {1: 0, "1": 1}}, "The inputs cannot be written as JSON .*more than once"),
        ({"about": {"run": {1}}}, "What the forecast is about cannot be written as JSON .*set"),
        ({"about": "run 1"}, "The forecast is about 'run 1', which is no mapping"),
        ({"about": [("run", 1)]}, "which is no mapping"),
    ],
)
def test_what_cannot_be_written_is_refused_before_there_is_a_file(
    wrong: dict[str, Any], why: str, tmp_path: Path
) -> None:
    registry = book(tmp_path / "folder")
    with pytest.raises(ValueError, match=why):
        unwrap(Registry.register)(registry, **({"question": "q", "probability": 0.5, "method": "m"} | wrong))
    assert list(tmp_path.iterdir()) == []


def test_a_note_that_cannot_be_written_and_a_number_of_no_file_leave_nothing_behind(tmp_path: Path) -> None:
    registry = book(tmp_path)
    with pytest.raises(ValueError, match=r"There is no forecast 1 in .* it has 0"):
        registry.resolve(1, "yes")
    assert list(tmp_path.iterdir()) == []
    registry.register("q", 0.5, method="m")
    before = registry.path.read_bytes()
    for note in ("\ud800", None):
        with pytest.raises(ValueError, match="The note is"):
            unwrap(Registry.resolve)(registry, 1, "yes", note=note)
    assert registry.path.read_bytes() == before


def test_an_outcome_is_written_once(tmp_path: Path) -> None:
    registry = book(tmp_path)
    registry.register("q", 0.5, method="m")
    registry.resolve(1, "no")
    with pytest.raises(ValueError, match="written once"):
        registry.resolve(1, "yes")
    with pytest.raises(ValueError, match="no forecast 2"):
        registry.resolve(2, "yes")
    with pytest.raises(ValueError, match="must be one of"):
        registry.resolve(1, "maybe")
    assert registry.entries()[0].outcome == "no"


def lines(registry: Registry) -> list[str]:
    return registry.path.read_text(encoding="utf-8").splitlines(keepends=True)


@pytest.mark.parametrize(
    "how", ["changed", "dropped", "swapped", "doubled", "no json", "forged", "no text", "named twice"]
)
def test_what_was_altered_shows_and_nothing_is_added_to_it(how: str, tmp_path: Path) -> None:
    registry = book(tmp_path)
    for number in range(3):
        registry.register(f"q{number}", 0.5, method="m")
    whole = lines(registry)
    forged = json.loads(whole[1]) | {"probability": 0.9}
    altered = {
        "changed": [whole[0], whole[1].replace("0.5", "0.9"), whole[2]],
        "dropped": [whole[0], whole[2]],
        "swapped": [whole[1], whole[0], whole[2]],
        "doubled": [whole[0], whole[0], *whole[1:]],
        "no json": [whole[0], "{}\n", *whole[1:]],
        "no text": [whole[0], whole[1].replace("q1", "q\udcff"), whole[2]],
        "named twice": [whole[0], whole[1].replace('"prob', '"probability": 0.9, "prob'), whole[2]],
        "forged": [whole[0], json.dumps(forged) + "\n", whole[2]],
    }[how]
    registry.path.write_text("".join(altered), encoding="utf-8", errors="surrogateescape")
    before = registry.path.read_bytes()
    with pytest.raises(RegistryDamaged):
        registry.entries()
    with pytest.raises(RegistryDamaged):
        registry.register("q", 0.5, method="m")
    assert registry.path.read_bytes() == before


def test_a_line_that_was_cut_while_it_was_written_never_counted_and_that_is_said(tmp_path: Path) -> None:
    registry = book(tmp_path)
    registry.register("one", 0.5, method="m")
    registry.register("two", 0.5, method="m")
    whole = registry.path.read_bytes()
    for cut in range(len(lines(registry)[0].encode()) + 1, len(whole) - 1):
        registry.path.write_bytes(whole[:cut])
        with pytest.warns(LineCut, match=r"The last line of .*forecasts.jsonl was cut .* and does not count: '{"):
            assert [entry.question for entry in registry.entries()] == ["one"]
        assert registry.path.read_bytes() == whole[:cut], "reading changes nothing"
    with pytest.warns(LineCut):
        assert registry.register("three", 0.5, method="m") == 2
    assert [entry.question for entry in registry.entries()] == ["one", "three"]


def test_a_last_line_without_its_end_is_whole_if_its_hash_says_so(tmp_path: Path) -> None:
    registry = book(tmp_path)
    registry.register("one", 0.5, method="m")
    registry.register("two", 0.5, method="m")
    whole = registry.path.read_bytes()
    registry.path.write_bytes(whole[:-1])
    assert [entry.question for entry in registry.entries()] == ["one", "two"]
    assert registry.register("three", 0.5, method="m") == 3
    assert registry.path.read_bytes().startswith(whole)
    assert [entry.question for entry in registry.entries()] == ["one", "two", "three"]


@pytest.mark.parametrize("end", [b"{}", b"0", b"forecasts", b"\0\0", b'{"kind": "register"}'])
def test_an_end_that_is_no_cut_line_is_damage(end: bytes, tmp_path: Path) -> None:
    """The wrong variant drops whatever has no end: a last line that was changed, or one of another file."""
    registry = book(tmp_path)
    registry.register("one", 0.5, method="m")
    registry.register("two", 0.5, method="m")
    whole = registry.path.read_bytes()
    for content in (whole + end, whole[:-1].replace(b'"two"', b'"new"')):
        registry.path.write_bytes(content)
        with pytest.raises(RegistryDamaged, match="is not what was written"):
            registry.entries()
        with pytest.raises(RegistryDamaged):
            registry.register("three", 0.5, method="m")
        assert registry.path.read_bytes() == content


def test_the_commands_say_once_that_a_line_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "forecasts.jsonl"
    registry = book(tmp_path)
    for question in ("one", "two"):
        registry.register(question, 0.5, method="m")
    cut = path.read_bytes()[:-20]
    path.write_bytes(cut)
    for arguments in (("score", path), ("resolve", "1", "no", "--file", path)):
        path.write_bytes(cut)
        shown = invoke("forecast", *arguments)
        assert (shown.exit_code, shown.output.count("does not count")) == (0, 1), shown.output


def test_what_was_published_shows_an_end_that_was_dropped_and_a_file_that_was_written_anew(tmp_path: Path) -> None:
    """The chain alone shows neither: the wrong variant is to check the file and not the hash that was kept elsewhere."""
    registry = book(tmp_path)
    assert (registry.hashes(), registry.report().head) == ((), None)
    for number in range(3):
        registry.register(f"q{number}", 0.5, method="m")
    kept = registry.report()
    assert kept.head
    assert (kept.lines, kept.head, kept.confirmed) == (3, json.loads(lines(registry)[-1])["hash"], None)
    assert kept.head == registry.hashes()[-1]
    registry.resolve(1, "no")
    later = registry.report(head=kept.head.upper())
    assert (later.lines, later.confirmed) == (4, 3)
    assert [registry.confirm(one) for one in registry.hashes()] == [1, 2, 3, 4]

    registry.path.write_text("".join(lines(registry)[:2]))
    assert len(registry.entries()) == 2
    with pytest.raises(RegistryDamaged, match=f"None of the 2 lines of .* has the hash {kept.head}"):
        registry.report(head=kept.head)

    registry.path.unlink()
    for number in range(3):
        registry.register(f"q{number}", 0.9, method="m")
    assert len(registry.entries()) == 3
    with pytest.raises(RegistryDamaged, match="has the hash"):
        registry.confirm(kept.head)


@pytest.mark.parametrize("head", ["", "0", "g" * 64, "ab" * 31])
def test_what_is_no_hash_confirms_nothing(head: str, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=f"The head is '{head}'; give the whole hash, 64 hexadecimal digits"
    ) as refused:
        book(tmp_path).confirm(head)
    assert not isinstance(refused.value, RegistryDamaged)


def test_the_score_says_how_far_the_file_was_confirmed(tmp_path: Path) -> None:
    registry = book(tmp_path)
    for number in range(2):
        registry.register(f"q{number}", 0.5, method="m")
    first, second = registry.hashes()
    done = ask_json("forecast", "score", registry.path)
    assert (done["lines"], done["head"], done["confirmed"]) == (2, second, None)
    assert f"2 lines, last hash (head) {second}" in invoke("forecast", "score", registry.path).output
    done = ask_json("forecast", "score", registry.path, "--head", first)
    assert (done["lines"], done["head"], done["confirmed"]) == (2, second, 1)
    shown = invoke("forecast", "score", registry.path, "--head", first).output
    assert "is that of line 1: nothing up to there was changed or dropped" in shown
    for head, code, why in (("ab" * 32, STORAGE, "has the hash"), ("ab", USAGE, "64 hexadecimal digits")):
        refused = invoke("forecast", "score", registry.path, "--head", head)
        assert (refused.exit_code, why in refused.output) == (code, True), refused.output
        assert "Nothing has been resolved" not in refused.output


LINK = "forecast?by={}&ftp=1/300&none_by=2020"
FILE = "forecast?rules=by+%3D+{}%0Anone_by+%3D+2020"  # a rule file, `by = …`, as addresses hold it


def test_one_question_has_one_outcome(tmp_path: Path) -> None:
    registry = book(tmp_path)
    for by in ("2036", "2036.0", "2040", "2036"):
        registry.register("It happens", 0.5, method="m", inputs=LINK.format(by))
    registry.resolve(1, "no")
    registry.resolve(3, "yes")  # by another date
    before = registry.path.read_bytes()
    with pytest.raises(ValueError, match=r"Forecast 2 asks what forecast 1 asks, .*resolved with no on .*ambiguous"):
        registry.resolve(2, "yes")
    assert registry.path.read_bytes() == before
    registry.resolve(2, "no")
    registry.resolve(4, "ambiguous")
    found = registry.report()
    assert [one.entry.id for one in found.scored] == [1, 2, 3]
    assert [one.peer is None for one in found.scored] == [False, False, True], "peers are forecasts by the same date"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (FILE.format("2036"), FILE.format("[2036]"), True),
        (FILE.format("2036"), LINK.format("2036"), True),
        (FILE.format("2036"), FILE.format("2040"), False),
        ({"by": 2036}, LINK.format("2036"), True),
        ({"by": [2036, 2040]}, {"by": 2036}, False),
        (None, None, True),
        (None, LINK.format("2036"), False),
        ("forecast?rules=by+%3D", "forecast?by=soon", False),
        ("forecast?by=soon", {"by": "soon"}, True),
        ([1], 3, True),
    ],
)
def test_questions_are_the_same_by_the_same_date(first: Any, second: Any, same: bool, tmp_path: Path) -> None:
    registry = book(tmp_path)
    for inputs in (first, second):
        registry.register("It happens", 0.5, method="m", inputs=inputs)
    registry.resolve(1, "no")
    registry.resolve(2, "no")
    assert [one.peer for one in registry.report().scored] == ([0.0, 0.0] if same else [None, None])


def test_forecasts_about_different_runs_ask_different_things(tmp_path: Path) -> None:
    registry = book(tmp_path)
    for opening in ("aa", "bb"):
        registry.register("A failure", 0.5, method="m", about=about_run(record("", opening=opening), 1))
    assert registry.resolve_from(record("x", opening="aa")) == [(1, "yes")]
    assert registry.resolve_from(record("c", opening="bb")) == [(2, "no")]
    assert [one.peer for one in registry.report().scored] == [None, None]


def test_contradictions_that_earlier_versions_wrote_are_named_and_not_scored(tmp_path: Path) -> None:
    registry = book(tmp_path)
    for question in ("q", "q", "other"):
        registry.register(question, 0.9, method="m")
    registry.resolve(1, "yes")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("assent.forecast.registry.contradicted", lambda *_: None)
        registry.resolve(2, "no")
    registry.resolve(3, "yes")
    found = registry.report()
    assert [entry.id for entry in found.contradictory] == [1, 2]
    assert [one.entry.id for one in found.scored] == [3]
    assert ask_json("forecast", "score", registry.path)["contradictory"] == 2
    assert (
        "resolved both with yes and with no, and are not scored: 1, 2."
        in invoke("forecast", "score", registry.path).output
    )


def test_what_was_ruled_out_and_came_has_no_mean(tmp_path: Path) -> None:
    registry = book(tmp_path)
    for probability in (0.0, 0.5, 1.0):
        registry.register("q", probability, method="m")
    registry.register("alone", 0.5, method="m")
    for number in range(1, 5):
        registry.resolve(number, "yes")
    found = registry.report()
    assert [one.peer for one in found.scored] == [-math.inf, math.inf, math.inf, None]
    assert {name: found.infinite(name) for name in SCORES} == {"brier": 0, "log": 1, "baseline": 1, "peer": 3}
    assert found.mean("brier") == pytest.approx(1.5 / 4)
    assert [found.mean(name) for name in ("log", "baseline", "peer")] == [None] * 3
    done = ask_json("forecast", "score", registry.path)
    assert done["means"] == {"brier": pytest.approx(0.375), "log": None, "baseline": None, "peer": None}
    assert done["infinite"] == {"brier": 0, "log": 1, "baseline": 1, "peer": 3}
    shown = invoke("forecast", "score", registry.path).output
    (mean,) = (line for line in shown.splitlines() if line.split()[:1] == ["mean"])
    assert mean.split() == ["mean", "0.375"]
    assert "Infinite, so without a mean: log of 1 forecast, baseline of 1 forecast, peer of 3 forecasts." in " ".join(
        shown.split()
    )
    assert "nan" not in shown
    assert invoke("forecast", "score", registry.path, "--csv").exit_code == 0


def test_writers_at_the_same_time_do_not_lose_a_forecast(tmp_path: Path) -> None:
    registry = book(tmp_path)
    writers = [
        threading.Thread(target=lambda: [registry.register("q", 0.5, method="m") for _ in range(20)]) for _ in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [entry.id for entry in registry.entries()] == list(range(1, 81))


def test_forecasts_about_a_run_are_resolved_from_its_record(tmp_path: Path) -> None:
    registry, before = book(tmp_path), record("xx")
    for ahead in (2, 3, 5):
        registry.register("q", 0.5, method="m", about=about_run(before, ahead))
    registry.register("q", 0.5, method="m", about=about_run(replace(before, run="other"), 1))
    registry.register("q", 0.5, method="m", about={"run": "r", "model": "m", "opening": "", "watched": False})
    assert registry.resolve_from(before) == []
    assert registry.resolve_from(record("xxcc")) == [(1, "no")]
    assert registry.resolve_from(record("xxccx")) == [(2, "yes"), (3, "yes")]
    assert [entry.outcome for entry in registry.entries()] == ["no", "yes", "yes", None, None]
    notes = ["none of the 2 decisions after step 1 failed", "step 4 failed, decision 3 of the 3 after step 1"]
    assert [entry.note for entry in registry.entries()][:2] == [f"from the ledger: {note}" for note in notes]


@pytest.mark.parametrize(
    ("ahead", "since", "outcome"),
    [
        (3, "cc", None),
        (3, "ccc", "no"),
        (3, "c?c", None),
        (3, "?cccc", None),
        (3, "ccc?x", "no"),
        (3, "aacacac", "no"),
        (3, "aac?acac", None),
        (3, "?x", "yes"),
        (3, "??x", "yes"),
        (3, "???x", None),
        (3, "a??ax", "yes"),
        (1, "?x", None),
    ],
)
def test_an_outcome_that_is_not_known_yet_holds_its_place(
    ahead: int, since: str, outcome: str | None, tmp_path: Path
) -> None:
    """The wrong variant looks at the first ones known, so that what is answered depends on when one looks."""
    registry = book(tmp_path)
    registry.register("q", 0.5, method="m", about=about_run(record("xa?"), ahead))
    assert registry.resolve_from(record("xa?" + since)) == ([(1, outcome)] if outcome else [])


@given(st.text("cxa", max_size=12), st.integers(1, 6), st.data())
def test_what_is_resolved_does_not_depend_on_when_one_looks(run: str, ahead: int, data: st.DataObject) -> None:
    alone = [one for one in run if one in "cx"][:ahead]
    answer = "yes" if "x" in alone else "no" if len(alone) == ahead else None
    hidden = [step for step, one in enumerate(run) if one in "cx"]
    told = data.draw(st.permutations(hidden))
    with TemporaryDirectory() as folder:
        registry = book(Path(folder))
        registry.register("q", 0.5, method="m", about=about_run(record(""), ahead))
        for number in range(len(told) + 1):
            late = set(told[number:])
            seen = "".join("?" if step in late else one for step, one in enumerate(run))
            for end in {data.draw(st.integers(0, len(run))), len(run) if not late else 0}:
                registry.resolve_from(record(seen[:end]))
                assert registry.entries()[0].outcome in (None, answer)
        assert registry.entries()[0].outcome == answer


def test_an_outcome_that_comes_late_does_not_move_the_window(tmp_path: Path) -> None:
    """Steps 0 and 2 were known when the forecast was made; that of step 1 comes later, and was a failure."""
    registry = book(tmp_path)
    registry.register("q", 0.5, method="m", about=about_run(record("c?c"), 1))
    assert registry.resolve_from(record("cxc")) == []
    assert registry.resolve_from(record("cxcc")) == [(1, "no")]


def test_somebody_who_watches_has_until_the_next_decision_to_correct(tmp_path: Path) -> None:
    """Under `watched` a decision counts as clean at once; the wrong variant answers no before anybody could have corrected it."""
    registry, at = book(tmp_path), record("c", watched=True)
    registry.register("q", 0.5, method="m", about=about_run(at, 2))
    assert registry.resolve_from(record("ccc", watched=True)) == []
    assert registry.resolve_from(record("ccca", watched=True)) == [(1, "no")]
    registry.register("another", 0.5, method="m", about=about_run(at, 2))
    assert registry.resolve_from(record("ccx", watched=True)) == [(2, "yes")]


@pytest.mark.parametrize(
    ("run", "more", "why"),
    [
        ("c", {}, "0 of the 2 decisions done alone after step 0 have come; more come only while the run goes on"),
        ("ca", {"closed": True}, "0 of the 2 decisions done alone after step 0 have come; the run is closed, so that no more will"),
        ("c?", {"closed": True}, "1 of the 2 .* have come, 1 of them without a known outcome; the run is closed, so that no more will"),
        ("c?c", {"closed": True}, "2 of the 2 .* have come, 1 of them without a known outcome"),
        ("ccc", {"watched": True}, "2 of the 2 .* have come; the last of them can be corrected until the next decision"),
        ("ccc", {"watched": True, "closed": True}, None),  # no correction comes after the end
        ("cc", {"opening": "ff"}, "the run of that name is not the one that it is about: its first event differs"),
        ("cc", {"opening": "ff", "model": "n"}, "the run of .*: its agent and its first event differ"),
        ("ccc", {}, None),
        ("cx", {}, None),
        ("c", {"run": "s"}, None),
    ],
)  # fmt: skip
def test_what_stays_open_has_a_reason(run: str, more: dict[str, Any], why: str | None, tmp_path: Path) -> None:
    registry, watched = book(tmp_path), more.get("watched", False)
    registry.register("q", 0.5, method="m", about=about_run(record("c", watched=watched), 2))
    found = record(run, **more)
    assert bool(registry.resolve_from(found)) == (run in ("ccc", "cx") and (not watched or more.get("closed", False)))
    still = registry.still_open(found)
    assert [number for number, _ in still] == ([1] if why else [])
    assert not why or re.fullmatch(why, still[0][1])


def test_a_forecast_about_a_run_from_its_start_and_one_that_does_not_say_from_where(tmp_path: Path) -> None:
    registry = book(tmp_path)
    registry.register("q", 0.5, method="m", about=about_run(record(""), 2_000))
    registry.register("q", 0.5, method="m", about={"run": "r", "model": "m", "opening": "", "watched": False})
    assert registry.still_open(record("")) == [
        (
            1,
            "0 of the 2,000 decisions done alone from the first step on have come; more come only while the run goes on",
        ),
        (2, "it does not say after which step it was made and for how many decisions; resolve it by its number"),
    ]


def test_runs_that_were_merged_resolve_nothing(tmp_path: Path) -> None:
    registry = book(tmp_path)
    registry.register("q", 0.5, method="m", about=about_run(record(""), 1))
    with pytest.raises(ValueError, match=r"several runs as one.*one at a time"):
        registry.resolve_from(merged([record("ccc"), record("ccc")]))
    with pytest.raises(ValueError, match=r"several runs as one.*one at a time"):
        registry.still_open(merged([record("ccc"), record("ccc")]))


@pytest.mark.parametrize("other", [{"model": "another"}, {"opening": "ff"}, {"watched": True}, {"run": "s"}])
def test_another_run_of_the_same_name_resolves_nothing(other: dict[str, Any], tmp_path: Path) -> None:
    registry = book(tmp_path)
    registry.register("q", 0.5, method="m", about=about_run(record(""), 1))
    assert registry.resolve_from(record("x", **other)) == []
    assert registry.resolve_from(record("x")) == [(1, "yes")]


def test_forecasts_about_something_else_are_passed_over_by_the_command(tmp_path: Path) -> None:
    registry = book(tmp_path)
    registry.register("q", 0.5, method="m", about={"topic": "rain"})
    made(tmp_path / "assent.db")
    assert (
        ask_json("forecast", "resolve", "--ledger", tmp_path / "assent.db", "--file", registry.path)["resolved"] == []
    )
