"""The presets by name, and the agents that a configuration can ask for."""

from __future__ import annotations

from collections.abc import Callable

from assent.presets.digits import digits
from assent.presets.scene import Scene
from assent.presets.twins import twins

PRESETS: dict[str, Callable[[int], Scene]] = {"digits": digits, "twins": twins}

OVERSEEN: dict[str, str] = {"off-switch": "off_switch"}
"""Presets in which an agent plans over rewards and is corrected unasked, with their levels; see `overseen`, which imports JAX."""
