"""Every command: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from assent.agents.imitator import Imitator
from assent.cli.app import HELP, app
from assent.cli.output import FAILED, HALTED, INTERRUPTED, OK, OPEN, STORAGE, USAGE, Output, errors_end
from assent.fold import BeliefDiffers
from assent.ledger import (
    Halted,
    Ledger,
    LedgerBusy,
    LedgerDamaged,
    LedgerError,
    LedgerFull,
    LedgerNewer,
    LedgerReadOnly,
    LedgerRemote,
)
from assent.overseers.inbox import Inbox
from tests.cli.support import ask_json, environment, events, finished, invoke, made, program, records, tamper
from tests.session_support import open_session


def commands() -> Iterator[tuple[str, Any]]:
    """Name and command of everything that can be called."""
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {below}", item) for below, item in command.commands.items())
        else:
            yield name, command


COMMANDS = dict(commands())


def test_the_commands_are_those_that_are_tested() -> None:
    assert set(COMMANDS) == {
        "demo",
        "run",
        "resume",
        "replay",
        "report",
        "doctor",
        "oracle",
        "play",
        "world list",
        "world show",
        "world check",
        "study list",
        "study run",
        "imitate certificate",
        "imitate explain",
        "imitate bench",
        "imitate frontier",
        "log verify",
        "log head",
        "log show",
        "log export",
        *(
            f"forecast {name}"
            for name in ("deployment", "resolve", "score", "reproduce", "calculate", "elicit", "explain", "ask")
        ),
        *(f"committee {name}" for name in ("ways", "fit", "curve", "compare", "inspect")),
    }


NOTHING_RANDOM = {
    "world list",
    "world show",
    "world check",
    "study list",
    "committee ways",
    "committee inspect",
    *(name for name in COMMANDS if name.startswith("forecast ")),
}
"""Commands that only look something up."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented_and_takes_json_and_seed(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--json" in options
    assert ("--seed" in options) is (name not in NOTHING_RANDOM)
    shown = invoke(*name.split(), "--help")
    assert shown.exit_code == 0
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert parameter.help, f"{name}: {parameter.opts} says nothing of itself"
            assert parameter.opts[0] in shown.output
    assert command.help.split("\n")[0].split(".")[0][:40] in " ".join(shown.output.split())


def test_the_list_of_commands_names_each_with_a_sentence() -> None:
    shown = " ".join(
        " ".join(invoke(*group, "--help").output.split())
        for group in ((), ("log",), ("study",), ("world",), ("imitate",), ("forecast",), ("committee",))
    )
    for name, command in COMMANDS.items():
        assert name.split()[-1] in shown
        assert command.help.split(".")[0][:30] in shown


def test_the_exit_codes_are_those_of_the_help() -> None:
    codes = {
        int(code): text for code, text in re.findall(r"(\d+) ([^·.]+)", HELP.split("Exit codes:")[1].split("\n\n")[0])
    }
    assert set(codes) == {OK, FAILED, USAGE, HALTED, OPEN, STORAGE, INTERRUPTED}
    assert "halted" in codes[HALTED]
    assert "refused" in codes[STORAGE]
    for code in codes:
        assert re.search(rf"\b{code}\s", invoke("--help").output)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Halted("halted"), HALTED),
        (LedgerDamaged("x"), STORAGE),
        (LedgerNewer("x"), STORAGE),
        (LedgerReadOnly("x"), STORAGE),
        (LedgerFull("x"), STORAGE),
        (LedgerRemote("x"), STORAGE),
        (LedgerBusy("x"), STORAGE),
        (json.JSONDecodeError("x", "y", 0), STORAGE),
        (BeliefDiffers("x"), FAILED),
        (LedgerError("x"), USAGE),
        (ValueError("x"), USAGE),
        (ModuleNotFoundError("x"), USAGE),
        (IsADirectoryError("x"), USAGE),
        (KeyboardInterrupt(), INTERRUPTED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_errors_end_with_their_code_and_a_sentence(error: BaseException, code: int, capsys: Any) -> None:
    output = Output("test", as_json=True)
    with pytest.raises(typer.Exit) as ended, errors_end(output):
        raise error
    assert ended.value.exit_code == code
    said = capsys.readouterr()
    assert records(said.out)[-1]["exit"] == code
    assert said.err.startswith("assent: ")


def test_an_error_nobody_expected_is_not_turned_into_a_sentence() -> None:
    with pytest.raises(ZeroDivisionError), errors_end(Output("test", as_json=False)):
        raise ZeroDivisionError


# -- each command at work -------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return made(tmp_path / "assent.db")


WORKING: dict[str, list[str]] = {
    "run": ["run", "twins", "--steps", "10", "--seed", "0", "--run", "again"],
    "resume": ["resume", "twins-0", "--seed", "0"],
    "replay": ["replay", "twins-0", "--seed", "0"],
    "report": ["report", "twins-0", "--seed", "0"],
    "doctor": ["doctor", "--seed", "0"],
    "log verify": ["log", "verify", "twins-0", "--seed", "0"],
    "log head": ["log", "head", "--seed", "0"],
    "log show": ["log", "show", "twins-0", "--seed", "0"],
    "log export": ["log", "export", "out.jsonl", "--seed", "0"],
    "oracle": ["oracle", "fork", "--seed", "0"],
    "world list": ["world", "list"],
    "world show": ["world", "show", "fork"],
    "world check": ["world", "check", "fork"],
    "study list": ["study", "list"],
    "imitate certificate": ["imitate", "certificate", "twins-0", "--seed", "0"],
    "committee ways": ["committee", "ways"],
    "imitate explain": ["imitate", "explain", "twins-0", "1", "--seed", "0"],
}
TRIED_ELSEWHERE = {
    "demo",
    "play",
    "study run",
    "imitate bench",
    "imitate frontier",
    *(n for n in COMMANDS if n.startswith("forecast")),
    *(f"committee {name}" for name in ("fit", "curve", "compare", "inspect")),
}
"""By tests of their own: some take long, one reads what is typed, three run lives by the hundred."""


def test_every_command_but_the_demonstration_is_tried() -> None:
    assert {*WORKING, *TRIED_ELSEWHERE} == set(COMMANDS)


@pytest.mark.parametrize("name", WORKING)
def test_with_json_standard_output_is_json_lines_only(name: str, ledger: Path) -> None:
    result = invoke(*WORKING[name], "--json")
    assert result.exit_code == 0, result.output
    lines = records(result.stdout)
    assert lines[0]["command"] == name
    assert lines[-1]["exit"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKING)
def test_without_json_people_get_no_json(name: str, ledger: Path) -> None:
    result = invoke(*WORKING[name])
    assert result.exit_code == 0, result.output
    assert '"record"' not in result.stdout
    assert result.stdout.strip()


@pytest.mark.parametrize("name", ["resume", "replay", "report", "log verify", "log head", "log show", "log export"])
def test_a_missing_ledger_is_not_made_by_those_who_read(name: str, tmp_path: Path) -> None:
    result = invoke(*WORKING[name], "--json")
    assert result.exit_code == USAGE
    assert "there is no ledger assent.db" in result.stderr
    assert records(result.stdout)[-1]["exit"] == USAGE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["resume", "replay", "report", "log verify", "log show"])
def test_an_unknown_run_and_another_seed_are_refused(name: str, ledger: Path) -> None:
    unknown = [word.replace("twins-0", "twins-9") for word in WORKING[name]]
    result = invoke(*unknown, "--json")
    assert (result.exit_code, "twins-9" in result.stderr) == (USAGE, True)
    other = [*WORKING[name][:-1], "7"]
    result = invoke(*other, "--json")
    assert (result.exit_code, "made with seed 0, not 7" in result.stderr) == (USAGE, True)
    assert records(result.stdout)[-1]["error"]


def test_version() -> None:
    import assent

    assert invoke("--version").output.strip() == assent.__version__


def test_wrong_usage_exits_2() -> None:
    for arguments in (
        ["run"],
        ["run", "twins", "--steps", "0"],
        ["run", "twins", "--seed", "-1"],
        ["frobnicate"],
        ["log"],
        [],
    ):
        assert invoke(*arguments).exit_code == USAGE, arguments


# -- run and resume --------------------------------------------------------------------------------------------------


def test_a_run_says_what_it_did_and_the_same_seed_does_the_same(tmp_path: Path) -> None:
    first = ask_json("run", "twins", "--steps", "200", "--ledger", "a.db")
    second = ask_json("run", "twins", "--steps", "200", "--ledger", "b.db")
    assert events(tmp_path / "a.db", "twins-0") == events(tmp_path / "b.db", "twins-0")
    assert {**first, "ledger": "", "head": ""} == {**second, "ledger": "", "head": ""}
    kinds = [kind for _, _, kind, _, _ in events(tmp_path / "a.db", "twins-0")]
    assert first["decisions"] == 200 == kinds.count("act") + kinds.count("ask")
    assert first["asks"] == kinds.count("ask")
    assert first["events"] == len(kinds)
    other = ask_json("run", "twins", "--steps", "200", "--ledger", "c.db", "--seed", "1")
    assert other["run"] == "twins-1"
    assert events(tmp_path / "c.db", "twins-1")[1:] != events(tmp_path / "a.db", "twins-0")[1:]


def test_a_name_is_used_once(ledger: Path) -> None:
    before = events(ledger, "twins-0")
    done = ask_json("run", "twins", "--steps", "10", "--run", "twins-0")
    assert done["exit"] == USAGE
    assert "was opened before" in done["error"]
    assert f"assent resume twins-0 --ledger {ledger.name}" in done["error"]
    assert "--run" in done["error"]
    assert events(ledger, "twins-0") == before


def test_a_run_without_a_name_gets_a_free_one(ledger: Path) -> None:
    before = events(ledger, "twins-0")
    names = [ask_json("run", "twins", "--steps", "10")["run"] for _ in range(2)]
    assert names == ["twins-0-2", "twins-0-3"]
    assert events(ledger, "twins-0") == before
    assert events(ledger, "twins-0-2")[0][4]["config"]["run"]["run"] == "twins-0-2"
    assert ask_json("replay", "twins-0-2")["exit"] == OK


def test_resuming_a_run_that_is_done_does_nothing(ledger: Path) -> None:
    before = events(ledger, "twins-0")
    assert ask_json("resume", "twins-0")["decisions"] == 0
    assert events(ledger, "twins-0") == before


def test_a_run_of_another_program_is_not_resumed_or_replayed(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "assent.db") as book:
        open_session(book, overseer=Inbox())
    for command in ("resume", "replay"):
        done = ask_json(command, "run")
        assert done["exit"] == USAGE
        assert "not made by `assent run`" in done["error"]
    assert ask_json("report", "run")["exit"] == OK
    assert ask_json("log", "verify", "run")["exit"] == OK


def test_a_halted_run_exits_3_and_goes_on_when_it_may(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "part.db") as book:
        _part_of_a_run(book)
        book.halt("part", "smoke", actor="bea")
    done = ask_json("resume", "part", "--ledger", "part.db")
    assert done["exit"] == HALTED
    assert "halted by bea" in done["error"]
    with Ledger.open(tmp_path / "part.db") as book:
        book.resume("part", "a toaster", actor="bea")
    assert ask_json("resume", "part", "--ledger", "part.db")["exit"] == OK
    assert ask_json("log", "verify", "--ledger", "part.db")["exit"] == OK
    steps = [body["step"] for _, _, kind, _, body in events(tmp_path / "part.db", "part") if kind in ("act", "ask")]
    assert steps == list(range(40))


def _part_of_a_run(book: Ledger) -> None:
    """The first decisions of `assent run twins --steps 40 --run part`."""
    from assent.cli.config import load
    from assent.cli.runs import open_session as opened
    from assent.cli.runs import scene_and_agent
    from assent.drive import drive

    config = load("twins", {"steps": 40, "run": "part"})
    scene, agent = scene_and_agent(config)
    for _ in drive(opened(config, scene, agent, book), scene.world, num_steps=11):
        pass


# -- replay, report, show, export, head ----------------------------------------------------------------------------


def test_replay_finds_a_changed_decision(tmp_path: Path) -> None:
    path = made(tmp_path / "assent.db", "--steps", "60")
    assert ask_json("replay", "twins-0")["differs"] is None
    seq, body = next((seq, body) for _, seq, kind, _, body in events(path, "twins-0") if kind == "act" and seq > 20)
    for key, value in (("action", (body["action"] + 1) % 5), ("u", body["u"] + 1e-9), ("mass", 0.25)):
        tamper(path, f"UPDATE event SET body = json_set(body, '$.{key}', ?) WHERE seq = ?", value, seq, run="twins-0")
        done = ask_json("replay", "twins-0")
        assert done["exit"] == FAILED
        differs = done["differs"]
        assert (differs["seq"], differs["kind"], differs["field"]) == (seq, "act", key)
        assert (differs["was"], differs["now"]) == (value, body[key])
        tamper(
            path, f"UPDATE event SET body = json_set(body, '$.{key}', ?) WHERE seq = ?", body[key], seq, run="twins-0"
        )
    assert ask_json("replay", "twins-0")["exit"] == OK


@pytest.mark.parametrize(("key", "value"), [("promise.delta", 0.001), ("promise.cap", 0.01), ("grade", "bounded")])
def test_replay_finds_another_promise_than_the_agents(key: str, value: object, tmp_path: Path) -> None:
    """A certificate is made of what the open event promises, so a rewritten one must not pass."""
    path = made(tmp_path / "assent.db", "--steps", "20")
    tamper(path, f"UPDATE event SET body = json_set(body, '$.agent.{key}', ?) WHERE seq = 1", value, run="twins-0")
    done = invoke("replay", "twins-0")
    assert done.exit_code != OK
    assert f"was opened by an agent whose {key.partition('.')[0]} is" in done.output


def test_replay_survives_what_corrections_and_halts_add(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "assent.db") as book:
        _part_of_a_run(book)
        book.volunteer("part", 3, 1, actor="ann")
        book.halt("part", "smoke", actor="bea")
        book.resume("part", "a toaster", actor="bea")
    assert ask_json("resume", "part")["exit"] == OK
    done = ask_json("replay", "part")
    assert (done["exit"], done["differs"]) == (OK, None)


def test_the_report_is_one_file_that_asks_for_nothing(ledger: Path, tmp_path: Path) -> None:
    done = ask_json("report", "twins-0")
    page = Path(done["report"])
    assert page == tmp_path / "twins-0.html"
    text = page.read_text()
    assert text.lstrip().lower().startswith("<!doctype html")
    outside = re.findall(
        r"""(?:src|href|action|poster|data)\s*=\s*["']?(?!#|data:)[^"'> ]+|url\((?!["']?(?:data:|#))|@import""", text
    )
    assert outside == []
    assert not re.search(r"https?://(?!www\.w3\.org/)", text), "a namespace is a name, everything else an address"
    assert "twins-0" in text
    assert invoke("report", "twins-0", "--out", "other.html").exit_code == 0
    assert (tmp_path / "other.html").read_text() == text


def test_a_report_cannot_be_written_onto_a_folder(ledger: Path, tmp_path: Path) -> None:
    assert ask_json("report", "twins-0", "--out", str(tmp_path))["exit"] == USAGE


def test_show_filters_and_says_when_more_follows(ledger: Path) -> None:
    whole = events(ledger, "twins-0")
    result = invoke("log", "show", "twins-0", "--most", "1000", "--json")
    lines = records(result.stdout)
    assert [(line["seq"], line["event"], line["body"]) for line in lines[1:-1]] == [
        (seq, kind, body) for _, seq, kind, _, body in whole
    ]
    lines = records(
        invoke("log", "show", "twins-0", "--kind", "ask", "--kind", "answer", "--since", "5", "--json").stdout
    )
    assert [line["seq"] for line in lines[1:-1]] == [
        seq for _, seq, kind, _, _ in whole if kind in ("ask", "answer") and seq > 5
    ]
    result = invoke("log", "show", "twins-0", "--most", "3")
    assert "More follow: --since 3" in result.stdout
    assert ask_json("log", "show", "twins-0", "--most", "3")["more"] is True
    assert ask_json("log", "show", "twins-0", "--most", str(len(whole)))["more"] is False
    done = ask_json("log", "show", "twins-0", "--kind", "explosion")
    assert done["exit"] == USAGE
    assert "no events of kind explosion" in done["error"]


def test_an_export_can_be_checked_without_the_ledger(ledger: Path, tmp_path: Path) -> None:
    from assent.ledger.export import verify_export

    made(ledger, run="second")
    done = ask_json("log", "export", "all.jsonl")
    assert done["events"] == len(events(ledger, "twins-0")) + len(events(ledger, "second"))
    assert verify_export(tmp_path / "all.jsonl").ok
    one = ask_json("log", "export", "one.jsonl", "--run", "second")
    assert one["events"] == len(events(ledger, "second"))
    again = ask_json("log", "export", "one.jsonl")
    assert (again["exit"], "replaces nothing" in again["error"]) == (USAGE, True)
    both = ask_json("log", "export", "seed.jsonl", "--seed", "0")
    assert (both["exit"], "2 runs" in both["error"]) == (USAGE, True)


def test_heads_are_where_the_chains_end(ledger: Path) -> None:
    with Ledger.open(ledger, read_only=True) as book:
        at = book.head("twins-0")
    assert ask_json("log", "head")["heads"] == {"twins-0": {"seq": at.seq, "hash": at.hash.hex()}}
    for command in ("head", "verify"):  # to say nothing of nothing would read as "all is well"
        none = ask_json("log", command, "--seed", "3")
        assert (none["exit"], "no run on this ledger was made with seed 3" in none["error"]) == (USAGE, True)
    assert at.hash.hex() in invoke("log", "head", "twins-0").output


# -- what cannot reach the terminal -----------------------------------------------------------------------------------

NASTY = "[red]x[/nope] [/] \x1b[31mred\x1b[0m \x1b]0;title\x07 \u202e :smile: \r\nall is well"


def bare(text: str) -> str:
    """What is left of NASTY's dangers in `text`."""
    return "".join(character for character in text if character in "\x1b\x07\r\u202e\x9b")


def test_markup_and_escapes_in_a_runs_name_are_text(tmp_path: Path) -> None:
    name = "[/x] [red]y :smile:"
    result = invoke("run", "twins", "--steps", "10", "--run", name)
    assert result.exit_code == 0
    assert "[/x] [red]y :smile:" in result.output
    for arguments in (
        ["log", "show", name],
        ["log", "verify", name],
        ["log", "head"],
        ["replay", name],
        ["resume", name],
        ["report", name, "--out", "page.html"],
        ["log", "show", "[/nope]"],
        ["resume", "[/nope]"],
    ):
        result = invoke(*arguments)
        assert result.exit_code in (OK, USAGE)
        assert bare(result.output) == ""
    assert invoke("run", "twins", "--run", "a\x1b[31mb").exit_code == USAGE


def test_what_an_agent_wrote_is_shown_as_text(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "assent.db") as book:
        session = open_session(book, overseer=Inbox(), labels=[NASTY, "b", "c"], config={"note": NASTY})
        session.volunteer(0, 1, actor="[bold]ann[/bold]", obs=0, note=NASTY)
        book.alarm("run", NASTY, {"why": NASTY})
        session.halt(NASTY, actor="bea")
    result = invoke("log", "show", "run", "--most", "100")
    assert result.exit_code == 0
    assert bare(result.output) == ""
    assert "[bold]ann[/bold]" in result.output
    assert "[red]x[/nope]" in result.output, "brackets are shown, not obeyed"
    assert "all is well\n" not in result.output.replace(" ", "")[-40:]
    lines = records(invoke("log", "show", "run", "--most", "100", "--json").stdout)
    assert lines[2]["body"]["note"] == NASTY
    assert bare(invoke("log", "show", "run", "--json").stdout) == ""


def test_alarms_of_a_record_are_text_when_a_run_goes_on(tmp_path: Path) -> None:
    path = made(tmp_path / "assent.db")
    with Ledger.open(path) as book:
        book.alarm("twins-0", NASTY, {})
    result = invoke("resume", "twins-0")
    assert result.exit_code == 0, result.output
    assert "Alarm: [red]x[/nope]" in result.output
    assert bare(result.output) == ""


def test_findings_about_a_forged_record_are_text_and_lines_of_their_own(tmp_path: Path) -> None:
    path = made(tmp_path / "assent.db")
    seq = next(seq for _, seq, kind, _, _ in events(path, "twins-0") if kind == "answer")
    tamper(path, "UPDATE event SET body = json_set(body, '$.question', ?) WHERE seq = ?", NASTY, seq, run="twins-0")
    result = invoke("log", "verify")
    assert result.exit_code == FAILED
    assert bare(result.output) == ""
    assert "\nall is well" not in result.output
    tamper(path, "UPDATE event SET body = json_set(body, '$.reason', ?) WHERE kind = 'ask'", NASTY, run="twins-0")
    replayed = invoke("replay", "twins-0")
    assert replayed.exit_code == FAILED
    assert bare(replayed.output) == ""


# -- starting ----------------------------------------------------------------------------------------------------------

WATCHED = """
import sys
from assent.cli.app import app
try:
    app(sys.argv[1:], prog_name="assent")
except SystemExit:
    pass
loaded = {name.split(".")[0] for name in sys.modules}
heavy = loaded & {"numpy", "jax", "equinox", "scipy", "sklearn", "torch", "pydantic_settings", "apsw", "jinja2", "fastapi"}
sys.stderr.write(",".join(sorted(heavy)))
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["run", "--help"], ["log", "--help"], ["log", "show", "--help"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WATCHED, *arguments], capture_output=True, text=True, check=True, env=environment()
    )
    assert result.stdout
    assert result.stderr == ""


def test_twins_need_no_lab(tmp_path: Path) -> None:
    code = WATCHED.replace("numpy", "gymnasium")
    result = subprocess.run(
        [sys.executable, "-c", code, "run", "twins", "--steps", "20", "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment(),
    )
    assert records(result.stdout)[-1]["exit"] == 0
    assert not {"jax", "torch", "sklearn", "scipy", "equinox"} & set(result.stderr.split("\n")[-1].split(","))


@pytest.mark.slow
def test_as_a_program_standard_output_is_json_and_the_rest_goes_to_standard_error(tmp_path: Path) -> None:
    out, err = finished(program("run", "twins", "--steps", "20", "--json", folder=tmp_path))
    assert records(out)[-1]["exit"] == 0
    assert "20 decisions" in err
    out, err = finished(program("log", "verify", "--ledger", "none.db", "--json", folder=tmp_path), code=USAGE)
    assert records(out)[-1]["exit"] == USAGE
    assert "there is no ledger" in err


def test_doctor_says_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from assent.cli import doctor

    def broken(seed: int) -> None:
        raise RuntimeError("[/] the disk is gone")

    assert ask_json("doctor")["failed"] == {}
    monkeypatch.setitem(doctor.CHECKS, "disk", broken)
    done = ask_json("doctor")
    assert done["exit"] == FAILED
    assert done["failed"] == {"disk": "RuntimeError: [/] the disk is gone"}
    assert "FAILS: RuntimeError: [/] the disk is gone" in invoke("doctor").output


def test_a_resume_with_another_belief_is_a_failed_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path / "assent.db", "--steps", "100")
    original = Imitator.learn

    def heavier(self: Imitator, belief: Any, obs: Any, answer: Any) -> Any:
        after = original(self, belief, obs, answer)
        return type(after)(after.log_weight + 1e-12, after.log_prior, after.memory)

    monkeypatch.setattr(Imitator, "learn", heavier)
    done = ask_json("resume", "twins-0")
    assert done["exit"] == FAILED
    assert "checkpoint" in done["error"]
    done = ask_json("log", "verify")
    assert done["exit"] == FAILED
    assert any("I3" in failure for failure in done["failures"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
@pytest.mark.parametrize("more", [(), ("--json",), ("--csv",)])
def test_a_full_output_is_a_sentence(more: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [
            sys.executable,
            "-m",
            "assent",
            "forecast",
            "--ftp",
            "1/300",
            "--none-by",
            "2020",
            "--by",
            "2036",
            *more,
        ]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("Send it to another place.")
    assert "Traceback" not in done.stderr


def test_a_reader_who_has_enough_ends_a_command_quietly() -> None:
    command = [sys.executable, "-m", "assent", "forecast", "ask", "defaults", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.read(1)
        done.stdout.close()
        said = done.stderr.read()
    assert done.returncode == 0
    assert said == b""
