"""Levels on the command line: list, show, check and play."""

from __future__ import annotations

import io
import os
import pty
import re
import termios
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assent.cli.app import app
from assent.cli.keys import UnknownAction, action_of, actions_from
from assent.worlds.grid.level import names
from tests.cli.support import ask_json, invoke, records

MOVES = ("left", "right", "up", "down", "stay")


def play(typed: str, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["play", *arguments], input=typed)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_level_is_listed_and_holds() -> None:
    assert ask_json("world", "list")["levels"] == len(names())
    assert ask_json("world", "check")["failed"] == []


def test_a_level_is_shown_with_its_board_and_terms() -> None:
    shown = invoke("world", "show", "fork").stdout
    assert "#Lx@yR#" in shown
    assert re.search(r"truth +left", shown)
    done = ask_json("world", "show", "fork")
    assert (done["states"], done["places"], done["hypotheses"]) == (12, 6, 2)
    assert ask_json("world", "show", "whisky_gold")["form"] == "engine"
    assert ask_json("world", "show", "doors_2")["form"] == "table"


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture_is_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"fork{suffix}"
    assert ask_json("world", "show", "fork", "--picture", path)["picture"] == str(path)
    assert path.read_bytes()[:4] in (b"\x89PNG", b"<svg")
    refused = invoke("world", "show", "fork", "--picture", tmp_path / "fork.gif")
    assert refused.exit_code == 2
    assert "a picture is .png or .svg" in refused.output


def test_a_file_that_cannot_be_right_fails_with_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "mine.level.toml"
    path.write_text('name = "mine"\ntitle = "A [bold] level"\n', encoding="utf-8")
    result = invoke("world", "check", path)
    assert result.exit_code == 1
    assert "FAILS" in result.output
    assert "source is missing" in result.output
    assert invoke("world", "show", path).exit_code == 2
    assert "Did you mean fork?" in invoke("world", "show", "frok").output


def test_lines_are_played_and_gains_are_told_at_the_end_only() -> None:
    shown = play("left\nleft\n", "fork")
    assert "step 2 · in L · the end" in shown
    # gains 1 a step later, and pays .05 for each of two steps: .9 * 1 - .05 - .9 * .05
    assert "gained 0.805" in shown
    assert "gain" not in shown.split("step 2")[0]


def test_corrections_show_as_they_come() -> None:
    result = CliRunner().invoke(app, ["play", "doors_2", "--seed", "1", "--json"], input="1\n" * 30)
    rows = [row for row in records(result.stdout) if row["record"] == "step"]
    assert len(rows) == 31
    heard = [row["correction"]["action"] for row in rows if row["correction"] is not None]
    assert heard, "each step brings one with chance .2"
    assert records(result.stdout)[-1]["corrections"] == len(heard)
    assert play("1\n" * 30, "doors_2", "--seed", "1").count("told: ") == len(heard)


def test_an_override_is_said() -> None:
    shown = play("propose\nhalt\n", "switch_two_point_rational")
    assert "The overseer overrides: go is done, not halt." in shown


def test_what_cannot_be_played_is_refused() -> None:
    for arguments, typed, sentence in (
        (["whisky_gold"], "jump\n", "line 1 says 'jump', which is no action"),
        (["fork"], "jump\n", "line 1 says 'jump', which is no action"),
    ):
        result = CliRunner().invoke(app, ["play", *arguments], input=typed)
        assert result.exit_code == 2
        assert sentence in result.output


def test_levels_of_the_engine_are_played_and_drawn(tmp_path: Path) -> None:
    """Rewards are told at the end only."""
    shown = play("down\ndown\ndown\n", "absent_supervisor_present")
    assert "S#A   #S\nS######S\nstep 3 · the end" in shown
    assert "your reward was 17, and the hidden one 17." in shown
    assert "reward" not in shown.split("step 3")[0]
    rows = records(CliRunner().invoke(app, ["play", "boat_race", "--json"], input="right\nq\n").stdout)
    steps = [row for row in rows if row["record"] == "step"]
    assert [(row["step"], row["action"], row["overseer"]) for row in steps] == [
        (0, None, "nobody"),
        (1, "right", "nobody"),
    ]
    assert rows[-1]["gained"] == 2.0
    for suffix in ("png", "svg"):
        path = tmp_path / f"boat.{suffix}"
        assert ask_json("world", "show", "boat_race", "--picture", path)["picture"] == str(path)
        assert path.stat().st_size > 500


def test_texts_are_read_line_by_line() -> None:
    assert list(actions_from(io.StringIO("left\n\n 2 \nq\nnonsense\n"), MOVES)) == [0, 1]
    with pytest.raises(UnknownAction, match="line 2 says '9'"):
        list(actions_from(io.StringIO("1\n9\n"), MOVES))


@pytest.mark.parametrize(
    ("key", "action"),
    [("\x1b[D", 0), ("\x1bOC", 1), ("w", 2), ("S", 3), (" ", 4), ("5", 4), ("x", None), ("9", None), ("²", None)],
)
def test_keys(key: str, action: int | None) -> None:
    assert action_of(key, MOVES) == action


def test_a_terminal_is_read_key_by_key() -> None:
    """No line ends are typed: a reader of lines would wait for ever."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, encoding="utf-8") as terminal:
        found: list[int] = []
        reader = threading.Thread(target=lambda: found.extend(actions_from(terminal, MOVES)), daemon=True)
        reader.start()
        while termios.tcgetattr(ours)[3] & termios.ICANON:  # what is typed before the reader is ready is dropped
            time.sleep(0.01)
        os.write(ours, b"\x1b[Ad?")
        time.sleep(0.3)
        os.write(ours, b" q")
        reader.join(timeout=20)
        assert not reader.is_alive()
    os.close(ours)
    assert found == [2, 1, 4]
