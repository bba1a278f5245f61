"""The presets by name, and the agents that a configuration can ask for."""

from __future__ import annotations

from collections.abc import Callable

from assent.presets.digits import digits
from assent.presets.scene import Scene
from assent.presets.twins import twins

PRESETS: dict[str, Callable[[int], Scene]] = {"digits": digits, "twins": twins}
