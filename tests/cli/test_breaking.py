"""Runs that are killed or interrupted go on to the same events, and Ctrl-C ends with 130."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assent.ledger import Ledger, LedgerError
from assent.presets.catalogue import PRESETS
from tests.cli.support import ask_json, events, finished, invoke, program, records
from tests.session_support import unchecked


def unbroken(what: str, path: Path, *, steps: int, scene: Any = None) -> list[tuple[Any, ...]]:
    """The events of the same run in one go, in this process."""
    with pytest.MonkeyPatch.context() as patch, unchecked():
        if scene is not None:
            patch.setitem(PRESETS, what, lambda seed: scene)
        result = invoke("run", what, "--steps", str(steps), "--ledger", path)
    assert result.exit_code == 0, result.output
    return events(path, f"{what}-0")


def events_by_now(path: Path, run: str) -> int:
    try:
        with Ledger.open(path, read_only=True) as book:
            return book.head(run).seq
    except LedgerError:
        return 0


def once_at(process: subprocess.Popen[str], path: Path, run: str, count: int, act: Callable[[], None]) -> bool:
    """Acts when the run has `count` events; False if it ended before."""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if events_by_now(path, run) >= count:
            act()
            return True
        time.sleep(0.002)
    return False


def kill_again_and_again(
    what: str, path: Path, run: str, *, steps: int, moments: list[int], scene: Path | None = None
) -> int:
    """Runs, kills at each moment (a number of events), resumes; how often it was killed half-way."""
    kills = 0
    arguments = ["run", what, "--steps", str(steps), "--ledger", str(path)]
    for count in moments:
        process = program(*arguments, folder=path.parent, scene=scene)
        kills += once_at(process, path, run, count, process.kill)
        process.communicate(timeout=120)
        if events_by_now(path, run):
            arguments = ["resume", run, "--ledger", str(path)]
    out, _ = finished(program(*arguments, "--json", folder=path.parent, scene=scene))
    assert records(out)[-1]["exit"] == 0
    return kills


@pytest.mark.slow
def test_kill_9_at_random_moments_then_resume_gives_the_same_events(tmp_path: Path) -> None:
    steps, rng = 2500, random.Random(1)
    expected = unbroken("twins", tmp_path / "whole.db", steps=steps)
    moments = sorted(rng.sample(range(1, len(expected) - 300), 2))
    kills = kill_again_and_again("twins", tmp_path / "broken.db", "twins-0", steps=steps, moments=moments)
    assert kills >= 1, "the run was over before it could be killed"
    assert events(tmp_path / "broken.db", "twins-0") == expected
    assert ask_json("log", "verify", "--ledger", str(tmp_path / "broken.db"))["exit"] == 0


@pytest.mark.slow
def test_kill_9_on_digits_then_resume_gives_the_same_events(tmp_path: Path, fitted: Any, scene: Path) -> None:
    # members that learn: their coefficients are rebuilt too, bit for bit (outcomes and checkpoints compare them)
    steps, rng = 500, random.Random(2)
    expected = unbroken("digits", tmp_path / "whole.db", steps=steps, scene=fitted)
    moments = sorted(rng.sample(range(1, len(expected) - 100), 5))
    path = tmp_path / "broken.db"
    kills = kill_again_and_again("digits", path, "digits-0", steps=steps, moments=moments, scene=scene)
    assert kills >= 3
    assert events(path, "digits-0") == expected
    assert {"act", "ask", "answer", "apply", "checkpoint", "outcome"} <= {kind for _, _, kind, _, _ in expected}


@pytest.mark.slow
def test_digits_fitted_anew_in_another_process_go_on_to_the_same_events(tmp_path: Path, fitted: Any) -> None:
    expected = unbroken("digits", tmp_path / "whole.db", steps=200, scene=fitted)
    kills = kill_again_and_again("digits", tmp_path / "broken.db", "digits-0", steps=200, moments=[150])
    assert kills == 1
    assert events(tmp_path / "broken.db", "digits-0") == expected


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_a_run_that_goes_on(tmp_path: Path) -> None:
    steps = 30_000
    path = tmp_path / "stopped.db"
    process = program("run", "twins", "--ledger", path, "--json", folder=tmp_path)
    assert once_at(process, path, "twins-0", 600, lambda: process.send_signal(signal.SIGINT))
    out, err = finished(process, code=130)
    done = records(out)[-1]
    assert (done["exit"], done["run"]) == (130, "twins-0")
    assert "go on with: assent resume twins-0" in err
    assert "Traceback" not in err
    acted = [body["step"] for _, _, kind, _, body in events(path, "twins-0") if kind in ("act", "ask")]
    assert acted == list(range(done["step"])), "what was done is on the ledger, the buffer too"
    assert 500 < done["step"] < steps
    assert ask_json("log", "verify", "--ledger", str(path))["exit"] == 0
    # again, while it goes on; then compare what is there with the unbroken run
    process = program("resume", "twins-0", "--ledger", path, folder=tmp_path)
    assert once_at(process, path, "twins-0", done["step"] + 2000, lambda: process.send_signal(signal.SIGINT))
    finished(process, code=130)
    reached = events(path, "twins-0")
    whole = unbroken("twins", tmp_path / "whole.db", steps=len(reached))
    assert reached[1:] == whole[1 : len(reached)]
    assert reached[0][4]["agent"] == whole[0][4]["agent"]


def test_ctrl_c_before_the_first_decision_is_130_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(seed: int) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setitem(PRESETS, "twins", interrupted)
    done = ask_json("run", "twins")
    assert done["exit"] == 130
    assert not (tmp_path / "assent.db").exists()


@pytest.mark.parametrize("rounds", [1, 300])
def test_an_interrupt_waits_for_the_round_at_hand(rounds: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # pressed in the middle of a commit: the round is finished, and nothing is written twice
    original, seen = Ledger.append, []

    def press(self: Ledger, *arguments: Any, **more: Any) -> Any:
        result = original(self, *arguments, **more)
        seen.append(1)
        if len(seen) == rounds:
            signal.raise_signal(signal.SIGINT)
        return result

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", press)
        result = invoke("run", "twins", "--steps", "2000")
    assert result.exit_code == 130
    assert result.output.count("stopping after this step; Ctrl-C again to stop now") == 1
    assert signal.getsignal(signal.SIGINT) is before, "the handler that was there is there again"
    steps = [
        body["step"] for _, _, kind, _, body in events(tmp_path / "assent.db", "twins-0") if kind in ("act", "ask")
    ]
    assert steps == list(range(len(steps)))
    assert len(steps) >= rounds
    done = ask_json("resume", "twins-0")
    assert done["exit"] == 0, done
    expected = unbroken("twins", tmp_path / "whole.db", steps=2000)
    assert events(tmp_path / "assent.db", "twins-0") == expected
