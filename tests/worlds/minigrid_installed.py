"""MiniGrid is optional: without it its tests are skipped, and fail under CI=true."""

from __future__ import annotations

import importlib.util
import os

import pytest

CI = os.environ.get("CI", "").lower() == "true"


def require_minigrid() -> None:
    """Skips the test, or fails it where everything has to be installed."""
    if importlib.util.find_spec("minigrid") is None:
        sentence = "minigrid is not installed, so nothing can be compared with it: `make setup` installs it."
        pytest.fail(sentence) if CI else pytest.skip(sentence)
