"""`assent forecast` and what is under it: what it prints, what it writes down, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.cli.output import OK, STORAGE, USAGE
from assent.drive import drive
from assent.forecast import answers
from assent.forecast.calculate import CALCULATORS
from assent.forecast.explaining import words
from assent.forecast.registry import Registry
from assent.ledger import Ledger
from assent.session import Session
from assent.worlds.stream import Stream
from tests.cli.support import ask_json, environment, invoke, made, records, rows_of, tamper
from tests.cli.test_commands import NASTY, bare
from tests.session_support import ACTIONS, CONTEXTS, demonstrator, tables_agent, unchecked, write_again

ISSUE = ("--ftp", "1/300", "--start", "1956", "--none-by", "2020", "--by", "2036")
ONE = ("forecast", "--ftp", "1/300", "--none-by", "2020")


def said(*arguments: str | Path, code: int = OK) -> str:
    """What `assent forecast …` prints."""
    result = invoke("forecast", *arguments)
    assert result.exit_code == code, result.output
    return result.output


def refused(*arguments: str | Path) -> str:
    """The sentence with which it refuses, in one line."""
    return " ".join(said(*arguments, code=USAGE).split())


def answered(*arguments: str | Path) -> dict[str, Any]:
    """The `forecast` record."""
    lines = records(invoke("forecast", *arguments, "--json").stdout)
    assert [line["record"] for line in lines] == ["launch", "forecast", "done"], lines[-1]
    assert lines[-1]["exit"] == OK
    return lines[1]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# -- one rule ----------------------------------------------------------------------------------------------------------


def test_the_line_of_the_issue_prints_its_number_and_why() -> None:
    shown = said(*ISSUE)
    assert shown.startswith("4.2 % (= 16/379)  by 2036, given none by 2020\n")
    assert "64 years without success from 1956 to 2020, 16 by 2036." in shown
    assert "m / (beta + n + m) = 16 / (299 + 64 + 16)." in shown
    assert "Rests on:\n  - each year is a trial" in shown
    found = answered(*ISSUE)["forecasts"]
    assert [(one["fraction"], one["percent"], one["by"], one["none_by"]) for one in found] == [
        ("16/379", "4.2 %", 2036.0, 2020.0)
    ]
    assert found[0]["probability"] == pytest.approx(16 / 379, rel=1e-12)


def test_the_address_that_is_printed_asks_for_the_same_forecast() -> None:
    address = said(*ISSUE).split("assent forecast ask '")[1].split("'")[0]
    asked = json.loads(said("ask", address))
    assert asked["forecasts"] == answered(*ISSUE)["forecasts"]


def test_several_dates_are_a_table_with_the_reason_of_the_last() -> None:
    shown = said(*ONE[1:], "--by", "2030, 2036,2100")
    assert [re.split(r"\s{2,}", line.strip()) for line in shown.splitlines()[2:5]] == [
        ["2030", "2.7 %", "10/373"],
        ["2036", "4.2 %", "16/379"],
        ["2100", "18 %", "80/443"],
    ]
    assert "Why, for 2100:" in shown
    assert "Rests on:" in shown
    assert [one["by"] for one in answered(*ONE[1:], "--by", "2030,2036,2100")["forecasts"]] == [2030, 2036, 2100]


def test_several_evidence_dates_are_a_conditional_table() -> None:
    call = ("--ftp", "1/300", "--none-by", "2000,2020,2040", "--by", "2036,2100")
    shown = said(*call)
    assert "Probability by, given none by" in shown
    assert "4.2 %" in shown
    assert "Why" not in shown
    found = answered(*call)["conditional"]
    assert (found["none_by"], found["by"]) == ([2000, 2020, 2040], [2036, 2100])
    # m / (299 + n + m), with trying since 1956
    for date, row in zip(found["none_by"], found["probability"], strict=True):
        for target, value in zip(found["by"], row, strict=True):
            m, n = target - date, date - 1956
            assert value is None if m < 0 else value == pytest.approx(m / (299 + n + m), rel=1e-12)
    assert found["probability"][2][0] is None, "2036 lies before 2040"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ((), "has no target; give by"),
        (("--by", "2010"), "The target 2010 lies before every evidence date"),
        (("--by", "soon"), "soon"),
        (("--by", "2036", "--trials", "guesses"), "guesses"),
        (("--by", "2036", "--set", "colour=red"), "colour"),
        (("--by", "2036", "--set", "start"), "'start' is no input; give name=value"),
        (("--by", "2036", "--set", "ftp=1/2"), "ftp was given twice"),
        (("--by", "2036", "--show", "everything"), "show holds everything"),
        (("--by", "2036", "--show", "weights"), "Only a mixture has weights"),
        (("--by", "2036", "--show", "sobol"), "no Sobol index without uncertain inputs"),
        (("--by", "2036", "--convention", "bayes"), "A convention belongs to a preset or a rule file"),
        (("--by", "2036", "--preset", "central"), "ftp came beside it"),
        (("--by", "2036,2037", "--register", "x"), "There are 2 forecasts; register one at a time"),
    ],
)
def test_what_cannot_be_forecast_is_refused_with_a_sentence(more: Sequence[str], why: str) -> None:
    assert why in refused(*ONE[1:], *more)
    done = ask_json(*ONE, *more)
    assert done["exit"] == USAGE
    assert why in " ".join(done["error"].split())


@pytest.mark.parametrize("ftp", ["0", "2", "-1/300", "nan", "a lot"])
def test_a_first_trial_probability_that_is_none_is_refused(ftp: str) -> None:
    assert "first-trial probability" in refused("--ftp", ftp, "--by", "2036").lower()


def test_without_anything_it_prints_its_help() -> None:
    assert said() == said("--help")


# -- mixtures ----------------------------------------------------------------------------------------------------------


def test_a_preset_has_the_reports_convention_only_where_it_is_asked_for() -> None:
    call = ("--preset", "central", "--by", "2036")
    assert said(*call, "--convention", "davidson2021").startswith("7.5 %  by 2036, given none by 2020")
    exempt, whole = (
        answered(*call, *more)["forecasts"][0]["probability"] for more in (("--convention", "davidson2021"), ())
    )
    assert exempt > whole, "the rule that is exempt is the one that says most"
    assert "against Bayes' rule" in said(*call, "--convention", "davidson2021")
    assert "against Bayes' rule" not in said(*call)
    assert "'nope'" in refused(*call, "--convention", "nope")
    assert "'odd'" in refused("--preset", "odd", "--by", "2036")


RULES = """
none_by = 2020
by = [2036]
[[rules]]
name = "calm"
trials = "calendar"
ftp = "1/300"
weight = "40 %"
[[rules]]
name = "busy"
trials = "calendar"
ftp = "1/100"
weight = 0.6
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    return path


def test_a_rule_file_is_the_mixture_of_its_rules(rules: Path) -> None:
    # each rule: beta / (beta + n) of its chance survives n = 64 years, and m / (beta + n + m) is its answer for m = 16 more
    betas, weights = (Fraction(299), Fraction(99)), (Fraction(2, 5), Fraction(3, 5))
    left = [weight * beta / (beta + 64) for beta, weight in zip(betas, weights, strict=True)]
    expected = sum(one * 16 / (beta + 80) for one, beta in zip(left, betas, strict=True)) / sum(left)
    found = answered("--rules", rules, "--show", "weights")
    assert found["forecasts"][0]["probability"] == pytest.approx(float(expected), rel=1e-12)
    assert found["weights"]["start"] == {"calm": 0.4, "busy": 0.6}
    now = {name: row[0] for name, row in found["weights"]["weights"].items()}
    assert now == pytest.approx({"calm": float(left[0] / sum(left)), "busy": float(left[1] / sum(left))}, rel=1e-12)
    shown = said("--rules", rules, "--show", "cdf,quantiles,weights")
    for part in ("Probability by time", "When, given none by 2020", "Weights", "calm: 4.2 % by itself"):
        assert part in shown
    later = answered("--rules", rules, "--by", "2100")["forecasts"]
    assert [one["by"] for one in later] == [2100], "the command's own target goes before the file's"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("0.6", "1.6", "The rule 'busy' has weight = 1.6; it must be above 0 and at most 1"),
        ("0.6", "0.5", "sum"),
        ("weight = 0.6", "", "The rule 'busy' has no weight"),
        ('"1/100"', '"3"', "The rule 'busy'"),
        ('name = "busy"', 'name = "calm"', "Two rules are called 'calm'"),
        ("none_by", "nobody", "'nobody'"),
        ("[[rules]]", "[[rules", "not TOML"),
    ],
)
def test_a_rule_file_that_is_wrong_is_refused_by_name(rules: Path, before: str, after: str, why: str) -> None:
    rules.write_text(RULES.replace(before, after))
    assert why in refused("--rules", rules)


def test_a_rule_file_that_is_missing_is_refused() -> None:
    assert "none.toml" in refused("--rules", "none.toml")


# -- uncertain inputs --------------------------------------------------------------------------------------------------

UNCERTAIN = ("--ftp", "1/1000 to 1/100", "--start", "1950 to 1960", *ISSUE[4:], "--draws", "2000", "--seed", "3")


def test_uncertain_inputs_have_a_spread_a_tornado_and_shares() -> None:
    shown = said(*UNCERTAIN, "--show", "spread,tornado,sobol")
    for part in ("Spread by 2036", "One input at a time", "Share of the variance", "2,000 draws"):
        assert part in shown
    found = answered(*UNCERTAIN, "--show", "spread,tornado,sobol")
    low, middle, high = found["spread"]["band"]
    assert 0 < low < middle < high < 1
    assert found["spread"]["plain"] > found["spread"]["probability"], (
        "64 years without success count against high draws"
    )
    assert {one["name"] for one in found["tornado"]["inputs"]} == {"ftp", "start"}
    assert found["tornado"]["inputs"][0]["name"] == "ftp", "what moves the answer most comes first"
    shares = {one["name"]: one["first"] for one in found["sobol"]["inputs"]}
    assert shares["ftp"] > 0.9 > 0.1 > shares["start"]


def test_the_seed_decides_the_draws() -> None:
    first, again, other = (answered(*UNCERTAIN[:-1], seed)["forecasts"][0]["probability"] for seed in ("3", "3", "4"))
    assert first == again != other


# -- comma-separated values --------------------------------------------------------------------------------------------


def test_csv_holds_the_numbers_of_the_json() -> None:
    call = (*ONE[1:], "--by", "2030,2036", "--show", "cdf")
    rows, found = table(said(*call, "--csv")), answered(*call)
    forecasts = [row for row in rows if row["part"] == "forecast"]
    for row, one in zip(forecasts, found["forecasts"], strict=True):
        for name in ("none_by", "by", "probability", "log_survival"):
            assert float(row[name]) == one[name]
        assert (row["fraction"], row["method"]) == (one["fraction"], one["method"])
    curve = [(float(row["by"]), float(row["probability"])) for row in rows if row["part"] == "cdf"]
    assert curve == list(zip(found["cdf"]["times"], found["cdf"]["probability"], strict=True))
    assert len(curve) == 17


# -- pictures ----------------------------------------------------------------------------------------------------------


def printed_pictures(shown: str) -> list[Path]:
    return [Path(line.removeprefix("Picture ")) for line in shown.splitlines() if line.startswith("Picture ")]


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (ISSUE, {"fan", "belief", "heat"}),
        (("--preset", "central", "--by", "2036"), {"fan", "weights"}),
        (UNCERTAIN, {"fan", "tornado"}),
    ],
    ids=["a rule", "a mixture", "uncertain inputs"],
)
def test_pictures_are_written_and_their_paths_printed(call: Sequence[str], names: set[str], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "pictures"
    drawn = printed_pictures(said(*call, "--pictures", folder))
    assert set(drawn) == set(folder.iterdir()) == {folder / f"{name}.svg" for name in names}
    for path in drawn:
        assert ET.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")


def test_pictures_as_png_lie_beside_the_others(tmp_path: Path) -> None:
    drawn = printed_pictures(said(*ISSUE, "--pictures", tmp_path / "p", "--png"))
    assert {path.suffix for path in drawn} == {".svg", ".png"}
    for path in drawn:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
            assert path.with_suffix(".svg").is_file()


# -- registering, resolving, scoring -----------------------------------------------------------------------------------


def test_a_forecast_is_registered_resolved_and_scored() -> None:
    assert "Registered as forecast 1 in forecasts.jsonl" in said(*ISSUE, "--register", "A question")
    said(*ISSUE[:-1], "2100", "--register", "Another")
    said(*ISSUE, "--register", "A third")
    assert "Nothing has been resolved" in said("score")
    assert "3 open" in said("score")
    assert said("resolve", "1", "no", "--note", "nobody saw it").strip() == "Forecast 1: no."
    said("resolve", "2", "yes")
    said("resolve", "3", "ambiguous")
    done = ask_json("forecast", "score")
    assert (done["scored"], done["open"], done["ambiguous"]) == (2, 0, 1)
    p, q = 16 / 379, 80 / 443
    assert done["means"]["brier"] == pytest.approx((p**2 + (1 - q) ** 2) / 2, rel=1e-12)
    assert done["means"]["log"] == pytest.approx((np.log1p(-p) + np.log(q)) / 2, rel=1e-12)
    rows = table(said("score", "--csv"))
    assert [(row["question"], row["outcome"]) for row in rows] == [("A question", "no"), ("Another", "yes")]
    assert float(rows[0]["brier"]) == pytest.approx(p**2, rel=1e-12)
    assert "Calibration" in said("score")
    assert ask_json("forecast", "score", "--pictures", "p")["pictures"] == ["p/calibration.svg"]
    assert ET.fromstring(Path("p/calibration.svg").read_text(encoding="utf-8")).tag.endswith("svg")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("1", "perhaps"), "must be one of yes, no, ambiguous"),
        (("2", "yes"), "There is no forecast 2"),
        (("1",), "give a forecast's number and its outcome, or --ledger"),
        ((), "give a forecast's number and its outcome, or --ledger"),
        (("1", "yes", "--ledger", "assent.db"), "give a forecast's number and its outcome, or --ledger"),
        (("1", "yes", "--file", "none.jsonl"), "there is no file none.jsonl"),
    ],
)
def test_what_cannot_be_resolved_is_refused(arguments: Sequence[str], why: str) -> None:
    said(*ISSUE, "--register", "A question")
    assert why in refused("resolve", *arguments)
    assert [entry.outcome for entry in Registry(Path("forecasts.jsonl")).entries()] == [None]
    assert not Path("none.jsonl").exists()


def test_an_outcome_is_written_once() -> None:
    said(*ISSUE, "--register", "A question")
    said("resolve", "1", "no")
    assert "was resolved with no" in refused("resolve", "1", "yes")


def test_a_registry_that_was_changed_is_refused() -> None:
    said(*ISSUE, "--register", "A question")
    path = Path("forecasts.jsonl")
    path.write_text(path.read_text().replace("0.042", "0.942"))
    for arguments in (("score",), ("resolve", "1", "yes"), (*ISSUE, "--register", "Another")):
        assert invoke("forecast", *arguments).exit_code in (USAGE, STORAGE)
    assert len(path.read_text().splitlines()) == 1


# -- deployments -------------------------------------------------------------------------------------------------------


def lived(session: Session, num_steps: int, *, wrong: Sequence[int] = ()) -> None:
    """Goes on until `num_steps` decisions; what was done alone has an outcome, and in the steps `wrong` it was a failure."""
    contexts = np.random.default_rng(0).integers(0, CONTEXTS, 1_000)
    for one in drive(session, Stream.of(contexts, num_actions=ACTIONS), num_steps=num_steps):
        if not one.asked:
            session.outcome(one.step, (one.action + (one.step in wrong)) % ACTIONS)
    session.flush()


def opened(book: Ledger, run: str, seed: int) -> Session:
    return Session.open(tables_agent(seed), book, run=run, overseer=demonstrator(seed), null_action=0, seed=seed)


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`old` of one model, `new` of another: a ledger."""
    path = tmp_path_factory.mktemp("runs") / "assent.db"
    with unchecked(), Ledger.open(path) as book:
        lived(opened(book, "old", 1), 120, wrong=[60])
        lived(opened(book, "new", 0), 80)
        return book.backup(path.with_name("copy.db"))


@pytest.fixture
def ledger(two_runs: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(two_runs, tmp_path / "assent.db"))


def row(done: dict[str, Any], key: str) -> dict[str, Any]:
    return next(one for one in done["rows"] if one["key"] == key)


def test_a_run_is_forecast_from_its_own_ledger(ledger: Path) -> None:
    done = ask_json("forecast", "deployment", "new", "--ahead", "50", "--ftp", "1/100")
    (counted,) = done["counted"]
    with Ledger.open(ledger, read_only=True) as book:
        kinds = [event.kind for event in book.events("new")]
    assert (counted["alone"], counted["asked"]) == (kinds.count("act"), kinds.count("ask"))
    assert counted["alone"] + counted["asked"] == 80
    clean = counted["clean"]
    assert (counted["failures"], counted["unknown"], clean) == (0, 0, counted["alone"])
    assert done["headline"]["key"] == "semi-informative"
    assert done["headline"]["within"] == pytest.approx(50 / (99 + clean + 50), rel=1e-12)
    assert row(done, "exact")["upper"] == pytest.approx(1 - 0.05 ** (1 / clean), rel=1e-9)
    assert [one["key"] for one in done["rows"]] == answers.defaults()["methods"]
    shown = said("deployment", "new", "--ahead", "50", "--ftp", "1/100", "--source", "drawn from a hat")
    assert f"{clean} of {clean} unsupervised decisions have a known outcome, 0 of them failures" in shown
    assert "at least one failure in the next 50 unsupervised decisions (semi-informative)" in shown
    assert "drawn from a hat" in shown
    rows = table(said("deployment", "new", "--ahead", "50", "--ftp", "1/100", "--csv"))
    assert [(one["key"], float(one["within"] or "nan")) for one in rows] == [
        (one["key"], pytest.approx(float("nan") if one["within"] is None else one["within"], nan_ok=True))
        for one in done["rows"]
    ]


@pytest.mark.usefixtures("ledger")
def test_an_earlier_models_decisions_count_with_the_share_that_is_given() -> None:
    exposures = {
        name: ask_json("forecast", "deployment", "old", "new", *more)["exposure"]
        for name, more in (
            ("none", ()),
            ("half", ("--carry", "0.5")),
            ("by name", ("--carry", "old=0.5")),
            ("all", ("--carry", "old=1")),
        )
    }
    old, new = ask_json("forecast", "deployment", "old", "new")["counted"]
    assert old["failures"] == 1
    assert old["model"] != new["model"]
    assert exposures["none"]["carried"] == 0
    assert exposures["half"] == exposures["by name"]
    assert (exposures["half"]["carried"], exposures["half"]["carried_failures"]) == (old["clean"] / 2, 0.5)
    assert (exposures["all"]["carried"], exposures["all"]["carried_failures"]) == (old["clean"], 1)
    assert {one["clean"] for one in exposures.values()} == {new["clean"]}
    assert "another model, so another regime" in said("deployment", "old", "new")


@pytest.mark.usefixtures("ledger")
def test_the_last_run_is_the_one_that_runs_now() -> None:
    done = ask_json("forecast", "deployment", "new", "old")
    assert (done["exposure"]["failures"], done["exposure"]["carried"]) == (1, 0)
    assert row(done, "missing-mass")["chance"] is not None, "one failure is a kind that was seen"


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("nobody",), "There is no run 'nobody' on this ledger"),
        (("new", "--ledger", "none.db"), "there is no ledger none.db"),
        (("new", "new"), "a repeated one would count twice"),
        (("old", "new", "--carry", "x"), "The share carried over is 'x'"),
        (("old", "new", "--carry", "2"), "a share lies in [0, 1]"),
        (("old", "new", "--carry", "old=x"), "The share carried over is 'x'"),
        (("old", "new", "--carry", "elder=0.5"), "['elder'] are none of the runs"),
        (("old", "new", "--carry", "0.5", "--carry", "0.5"), "--carry 0.5 is no share"),
        (("old", "new", "--carry", "old=0.5", "--carry", "old=0.6"), "--carry old=0.6 is no share"),
        (("new", "--headline", "luck"), "The headline is 'luck'; it must be one of semi-informative"),
        (("new", "--ftp", "2"), "first-trial probability"),
        (("new", "--detection", "0"), "detection"),
        (("new", "--delta", "1"), "delta"),
        (("new", "--ahead", "0"), "--ahead"),
        (("new", "--correlation", "2"), "correlation"),
    ],
)
def test_a_deployment_that_cannot_be_counted_is_refused(arguments: Sequence[str], why: str) -> None:
    assert why in refused("deployment", *arguments)
    assert not Path("none.db").exists()


@pytest.mark.usefixtures("ledger")
def test_settings_that_make_the_evidence_weaker_do() -> None:
    plain = ask_json("forecast", "deployment", "new")
    for more in (("--detection", "1/2"), ("--cluster", "3", "--correlation", "1/2")):
        weaker = ask_json("forecast", "deployment", "new", *more)
        assert weaker["exposure"]["effective"] == plain["exposure"]["effective"] / 2
        assert weaker["headline"]["within"] > plain["headline"]["within"]
    assert ask_json("forecast", "deployment", "new", "--headline", "exact")["headline"]["key"] == "exact"


@pytest.mark.usefixtures("ledger")
def test_an_action_that_must_never_be_done_has_a_tail_only_where_it_is_named() -> None:
    note = row(ask_json("forecast", "deployment", "new"), "gumbel-tail")["note"]
    assert "No action was named as forbidden" in note
    with Ledger.open(Path("assent.db"), read_only=True) as book:
        done = {int(event.body["action"]) for event in book.events("new", kinds=["act"])}
    for action in range(ACTIONS):
        note = row(ask_json("forecast", "deployment", "new", "--forbidden", str(action)), "gumbel-tail")["note"]
        said_of = "The agent itself decided on it" if action in done else "The most that some member gives to it"
        assert said_of in note
    assert f"numbered 0 to {ACTIONS - 1}" in refused("deployment", "new", "--forbidden", str(ACTIONS))


@pytest.mark.usefixtures("ledger")
def test_a_deployments_pictures_show_its_failures_where_there_are_any() -> None:
    for run, names in (("new", {"bounds", "belief"}), ("old", {"bounds", "belief", "discovery"})):
        drawn = printed_pictures(said("deployment", run, "--pictures", run))
        assert set(drawn) == {Path(run) / f"{name}.svg" for name in names}
        for path in drawn:
            assert ET.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")


def test_a_run_without_outcomes_is_no_evidence_unless_somebody_watched(tmp_path: Path) -> None:
    """Silence is not success: twins record no outcome."""
    made(tmp_path / "twins.db")
    call = ("deployment", "twins-0", "--ledger", "twins.db")
    done = ask_json("forecast", *call)
    (counted,) = done["counted"]
    assert (counted["clean"], counted["unknown"]) == (0, counted["alone"])
    assert done["exposure"]["effective"] == 0
    assert ask_json("forecast", *call, "--watched")["exposure"]["clean"] == counted["alone"]


def test_a_flipped_byte_in_a_run_is_refused_before_anything_is_counted(ledger: Path) -> None:
    whole, rng = ledger.read_bytes(), np.random.default_rng(0)
    bodies = [body.encode() for run, seq, body in rows_of(ledger) if run == "new" and seq > 1 and len(body) > 60]
    pieces = [
        body[10:50] for body in bodies if whole.count(body[10:50]) == 1
    ]  # others may be copies that nothing reads
    assert len(pieces) > 20
    for piece in rng.choice(pieces, size=5, replace=False).tolist():
        flipped = bytearray(whole)
        flipped[whole.find(piece) + int(rng.integers(len(piece)))] ^= 1 << int(rng.integers(7))
        ledger.write_bytes(flipped)
        result = invoke("forecast", "deployment", "new", "--register")
        assert result.exit_code == STORAGE, result.output
        assert "at least one failure" not in result.output
        assert not Path("forecasts.jsonl").exists()
        assert ask_json("forecast", "deployment", "old")["exit"] == OK, "the other run is what it was"
    ledger.write_bytes(whole)
    assert ask_json("forecast", "deployment", "new")["exit"] == OK


def test_an_outcome_that_was_altered_is_refused_and_resolves_nothing(ledger: Path) -> None:
    said("deployment", "new", "--ahead", "1", "--register")
    with Ledger.open(ledger, read_only=True) as book:
        event = next(event for event in book.events("new") if event.kind == "outcome")
    change = "UPDATE event SET body = json_set(body, '$.truth', ?) WHERE run = 'new' AND seq = ?"
    tamper(ledger, change, (event.body["truth"] + 1) % ACTIONS, event.seq)
    for arguments in (("deployment", "new"), ("deployment", "old", "new"), ("resolve", "--ledger", ledger)):
        shown = " ".join(said(*arguments, code=STORAGE).split())
        assert "the ledger of run 'new' is not what was written" in shown
        assert "Nothing was counted" in shown
    assert [entry.outcome for entry in Registry(Path("forecasts.jsonl")).entries()] == [None] * 3


def test_a_deployments_forecasts_are_resolved_from_its_ledger(tmp_path: Path) -> None:
    """Registered while the run is young; nothing is resolved before the decisions have come; a failure in them is a yes."""
    with Ledger.open(tmp_path / "assent.db") as book:
        clean, failing = opened(book, "clean", 0), opened(book, "failing", 2)
        lived(clean, 60)
        lived(failing, 60)
        for run in ("clean", "failing"):
            shown = said("deployment", run, "--ahead", "30", "--register")
            assert "Registered as forecast" in shown
        said(*ISSUE, "--register", "Not about a run")
        registry = Registry(tmp_path / "forecasts.jsonl")
        entries = registry.entries()
        beliefs = ["semi-informative", "jeffreys", "conservative"]
        assert [(entry.about or {}).get("run") for entry in entries] == ["clean"] * 3 + ["failing"] * 3 + [None]
        assert [entry.method for entry in entries[:6]] == beliefs * 2
        assert ask_json("forecast", "resolve", "--ledger", "assent.db")["resolved"] == []
        lived(clean, 70)
        assert ask_json("forecast", "resolve", "--ledger", "assent.db")["resolved"] == [], "20 are still to come"
        lived(clean, 150)
        lived(failing, 150, wrong=range(60, 70))
    shown = said("resolve", "--ledger", "assent.db")
    assert "6 forecasts resolved." in shown
    assert [entry.outcome for entry in registry.entries()] == ["no"] * 3 + ["yes"] * 3 + [None]
    assert said("resolve", "--ledger", "assent.db").strip() == "0 forecasts resolved."
    done = ask_json("forecast", "score")
    assert (done["scored"], done["open"]) == (6, 1)
    peers = [one["peer"] for one in records(invoke("forecast", "score", "--json").stdout)[1:-1]]
    assert sum(peers[:3]) == pytest.approx(0, abs=1e-9), "three forecasts of one question are each other's peers"


def test_what_stays_open_says_what_is_missing() -> None:
    """The wrong variant says `0 forecasts resolved.` and no more, of a run that will never have another decision."""
    with Ledger.open("assent.db") as book:
        session = opened(book, "short", 0)
        lived(session, 60)
        said("deployment", "short", "--ahead", "300", "--register")
        Registry(Path("forecasts.jsonl")).register("Elsewhere", 0.5, method="m", about={"run": "far", "watched": False})
        shown = said("resolve", "--ledger", "assent.db")
        nothing = "stays open: 0 of the 300 decisions done alone after step 59 have come"
        assert [f"Forecast {number} {nothing}; more come only while the run goes on." for number in (1, 2, 3)] == [
            line for line in shown.splitlines() if "stays open" in line
        ]
        assert shown.endswith("0 forecasts resolved.\n")
        assert "Passed over are forecasts about runs that this ledger does not hold: far." in shown
        lived(session, 100)
        contexts = np.random.default_rng(0).integers(0, CONTEXTS, 1_000)
        silent = [
            one for one in drive(session, Stream.of(contexts, num_actions=ACTIONS), num_steps=130) if not one.asked
        ]
        session.close()
    with Ledger.open("assent.db", read_only=True) as book:
        alone = sum(event.kind == "act" and event.body["step"] > 59 for event in book.events("short"))
    assert 0 < len(silent) < alone < 300
    done = ask_json("forecast", "resolve", "--ledger", "assent.db")
    assert done["resolved"] == []
    assert [one["number"] for one in done["open"]] == [1, 2, 3]
    (why,) = {one["reason"] for one in done["open"]}
    assert why == (
        f"{alone} of the 300 decisions done alone after step 59 have come, {len(silent)} of them without a known outcome; the run is "
        "closed, so that no more will"
    )


def test_digits_are_forecast_while_young_and_another_run_of_that_name_resolves_nothing(
    tmp_path: Path, fitted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assent.presets.digits.digits", lambda seed=0: fitted)
    result = invoke("run", "digits", "--seed", "1", "--steps", "200")
    assert result.exit_code == OK, result.output
    with Ledger.open(tmp_path / "assent.db", read_only=True) as book:
        events = list(book.events("digits-1"))
    with write_again(events[:250], tmp_path / "young.db"):
        pass
    young, whole = (
        ask_json("forecast", "deployment", "digits-1", "--ahead", "50", "--ledger", name)["counted"][0]
        for name in ("young.db", "assent.db")
    )
    assert young["clean"] + young["failures"] + 50 <= whole["clean"] + whole["failures"] == whole["alone"]
    said("deployment", "digits-1", "--ahead", "50", "--ledger", "young.db", "--register")
    assert ask_json("forecast", "resolve", "--ledger", "young.db")["resolved"] == []
    # the whole ledger holds a run of that name, but not the one that was meant: it was written anew
    done = ask_json("forecast", "resolve", "--ledger", "assent.db")
    assert done["resolved"] == []
    (why,) = {one["reason"] for one in done["open"]}
    assert why == "the run of that name is not the one that it is about: its first event differs"


@pytest.mark.usefixtures("ledger")
def test_options_of_another_command_are_refused_and_not_dropped() -> None:
    assert "--ftp came before deployment; that command has options of its own" in refused(
        "--ftp", "1/300", "deployment", "new"
    )
    assert "--none-by, --by came before score" in refused("--none-by", "2020", "--by", "2036", "score")
    assert "at least one failure" in said("deployment", "new")


# -- calculating -------------------------------------------------------------------------------------------------------


def test_calculate_lists_its_formulas() -> None:
    shown = said("calculate")
    for name in CALCULATORS:
        assert name in shown
    lines = records(invoke("forecast", "calculate", "--json").stdout)
    assert {line["name"] for line in lines[1:-1]} == set(CALCULATORS)


def test_calculate_evaluates_one() -> None:
    shown = said("calculate", "exact-bound", "n=1000")
    upper = 1 - 0.05 ** (1 / 1000)
    assert float(re.findall(r"upper\s+(\S+)", shown)[0]) == pytest.approx(upper, rel=1e-9)
    lines = records(invoke("forecast", "calculate", "exact-bound", "n=1000", "--json").stdout)
    assert lines[1]["result"]["upper"] == pytest.approx(upper, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("exact-bound", "n=-1"), "The number of decisions n is -1.0"),
        (("exact-bound", "n=x"), "'x'"),
        (("exact-bound", "n"), "'n' is no input; give name=value"),
        (("exact-bound", "n=1", "n=2"), "n was given twice"),
        (("exact-bound",), "n"),
        (("exact-bound", "n=1000", "colour=red"), "colour"),
        (("nope",), "There is no formula 'nope'; give one of counted"),
    ],
)
def test_calculate_refuses_what_it_cannot_evaluate(arguments: Sequence[str], why: str) -> None:
    assert why in refused("calculate", *arguments)


def test_elicit_turns_a_judgement_into_a_probability() -> None:
    assert said("elicit", "100:25%").startswith("First-trial probability 1/301 ")
    assert "--ftp 1/301 --vs 1" in said("elicit", "100:25%")
    two = records(invoke("forecast", "elicit", "100:25%", "200:40%", "--json").stdout)[1]
    for trials, expected in ((100, 0.25), (200, 0.40)):
        belief = {name: two[name] for name in ("ftp", "virtual_successes")}
        found = answers.answer(answers.link("calculate/counted", {"n": 0, "m": trials, **belief}))["result"]
        assert found["probability"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("second", ["200:60%", "200:20%"])
def test_judgements_that_fit_no_belief_are_refused_with_what_would_fit(second: str) -> None:
    """Above 25 %, and below what a known chance would give: 1 - 0.75^2 = 43.75 %."""
    shown = refused("elicit", "100:25%", second)
    assert "fit no such belief" in shown
    assert "strictly between 25 % and 43.75 %" in shown


def test_explain_says_what_a_word_means() -> None:
    for word in words():
        assert word in said("explain")
        assert len(said("explain", word)) > 40
    assert "first-trial probability" in said("explain", "ftp")
    assert "Nothing is written about 'zzz'" in refused("explain", "zzz")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("forecast?ftp=1/300&none_by=2020&by=2036&show=cdf", OK),
        ("deployment?clean=1000&ahead=500", OK),
        ("calculate/exact-bound?n=1000", OK),
        ("explain/ftp", OK),
        ("defaults", OK),
        ("forecast?ftp=2&by=2036", USAGE),
        ("nowhere", USAGE),
        (f"explain/{NASTY}", USAGE),
    ],
)
def test_ask_prints_the_bytes_of_the_answer(address: str, code: int) -> None:
    result = invoke("forecast", "ask", address)
    assert result.exit_code == code
    status, content = answers.respond(address)
    assert result.stdout_bytes == content + b"\n"
    assert (status == 200) is (code == OK)
    assert bare(result.stdout) == ""
    lines = records(invoke("forecast", "ask", address, "--json").stdout)
    assert lines[-1]["exit"] == code
    if code == OK:
        assert lines[1]["answer"] == json.loads(content)


def test_reproduce_compares_the_reports_cells() -> None:
    done = ask_json("forecast", "reproduce", "davidson2021")
    assert done["exit"] == OK
    assert "250 of 256" in done["summary"]
    rows = table(said("reproduce", "davidson2021", "--csv"))
    assert len(rows) == done["cells"]
    assert "there is nothing to reproduce called 'davidson2020'" in refused("reproduce", "davidson2020")


# -- what cannot reach the terminal ------------------------------------------------------------------------------------


def test_hostile_names_and_questions_are_text(rules: Path) -> None:
    name = "[/x] [red]y :smile:"
    assert invoke("run", "twins", "--steps", "10", "--run", name).exit_code == OK
    shown = said("deployment", name, "--register")
    assert "[/x] [red]y :smile:" in shown
    said(*ISSUE, "--register", NASTY)
    for number in (1, 4):
        said("resolve", str(number), "no", "--note", NASTY)
    shown = said("score")
    assert bare(shown) == ""
    assert "[red]x[/nope]" in shown
    assert "[/x] [red]y :smile:" in shown
    quoted = json.dumps(NASTY)
    rules.write_text(RULES.replace('"calm"', quoted))
    shown = said("--rules", rules, "--show", "weights")
    assert bare(shown) == ""
    assert "[red]x[/nope]" in shown
    for arguments in (
        ("deployment", NASTY),
        ("deployment", name, "--carry", f"{NASTY}=1"),
        ("deployment", name, "--headline", NASTY),
        ("--ftp", NASTY, "--by", "2036"),
        ("--ftp", "1/300", "--by", NASTY),
        ("--rules", NASTY),
        ("calculate", NASTY),
        ("calculate", "exact-bound", f"n={NASTY}"),
        ("elicit", NASTY),
        ("explain", NASTY),
        ("resolve", "1", NASTY),
        ("reproduce", NASTY),
    ):
        shown = said(*arguments, code=USAGE)
        assert bare(shown) == "", arguments
        assert "[red]x" in shown, arguments


# -- starting ----------------------------------------------------------------------------------------------------------

WATCHED = """
import sys
from assent.cli.app import app
try:
    app(sys.argv[1:], prog_name="assent")
except SystemExit:
    pass
print(",".join(sorted({name.split(".")[0] for name in sys.modules})), file=sys.stderr)
"""
HEAVY = {"jax", "equinox", "scipy", "sklearn", "torch", "pydantic_settings", "jinja2", "fastapi"}


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["forecast", "--help"], {*HEAVY, "numpy", "apsw"}),
        (["forecast", "deployment", "--help"], {*HEAVY, "numpy", "apsw"}),
        (["forecast", "--ftp", "1/300", "--none-by", "2020", "--by", "2036"], HEAVY),
        (["forecast", "calculate", "exact-bound", "n=1000"], HEAVY),
    ],
    ids=["help", "help of a command", "a forecast", "a formula"],
)
def test_nothing_heavy_is_imported(arguments: list[str], heavy: set[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WATCHED, *arguments], capture_output=True, text=True, check=True, env=environment()
    )
    assert result.stdout
    loaded = set(result.stderr.splitlines()[-1].split(","))
    assert "typer" in loaded
    assert loaded & heavy == set()
