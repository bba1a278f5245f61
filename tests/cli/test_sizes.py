"""Levels that are too large for exact answers are refused before any table of their rewards is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assent.cli import oracle
from assent.cli.output import USAGE
from assent.presets import overseen
from assent.worlds.grid.rooms import room_text
from tests.cli.support import invoke


@pytest.fixture
def room(tmp_path: Path) -> str:
    """Some 300 cells, each of which may be the goal."""
    path = tmp_path / "room_20_1.level.toml"
    path.write_text(room_text(1, 20), encoding="utf-8")
    return str(path)


def never(*_: Any) -> Any:
    pytest.fail("a table of rewards was made")


def test_the_oracle_refuses_first(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "rewards_of", never)
    result = invoke("oracle", room)
    assert result.exit_code == USAGE
    assert "take minutes" in " ".join((result.stdout + result.stderr).split())


def test_a_live_run_refuses_first(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overseen, "rewards_of", never)
    with pytest.raises(ValueError, match=r"room_20_1 has .* pairs take minutes a step to plan"):
        overseen.overseen(room)
