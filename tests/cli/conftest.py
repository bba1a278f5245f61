"""One fitted committee of digits for all tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assent.presets.digits import digits
from assent.presets.scene import Scene
from tests.cli.support import keep
from tests.session_support import unchecked


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of its own, with a wide terminal and none of the user's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    """The session's own tests check every argument's type; a hundred whole runs need not."""
    with unchecked():
        yield


@pytest.fixture(scope="session")
def fitted() -> Scene:
    return digits(0)


@pytest.fixture(scope="session")
def scene(fitted: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file from which `tests.cli.fitted` takes the preset."""
    return keep(fitted, tmp_path_factory.mktemp("scene") / "digits.pickle")
