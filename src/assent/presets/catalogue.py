"""The presets by name, and the agents that a configuration can ask for."""

from __future__ import annotations

from collections.abc import Callable

from assent.presets.digits import digits
from assent.presets.scene import Scene
from assent.presets.treachery import treachery
from assent.presets.twins import twins

PRESETS: dict[str, Callable[[int], Scene]] = {"digits": digits, "twins": twins, "treachery": treachery}

WITH_COMMITTEES: dict[str, str] = {"digits": "assent.presets.digits:digits_of"}
"""Presets whose members can be made in any way of `assent.committees.ways`, by import path."""

LIVED: dict[str, str] = {
    "cart-pole": "assent.presets.cart_pole:cart_pole",
    "cliff": "assent.presets.cliff:cliff",
    "frozen-lake": "assent.presets.frozen_lake:frozen_lake",
    "lava": "assent.presets.minigrid:lava",
    "pits": "assent.presets.pits:pits",
    "taxi": "assent.presets.taxi:taxi",
}
"""Presets whose world is written in JAX and counts its own mishaps (`assent.presets.lived`), by import path.

Lava wants the extra `worlds`."""

STREAMS: dict[str, str] = {
    "wine": "assent.presets.streams:wine",
    "breast-cancer": "assent.presets.streams:breast_cancer",
    "digits": "assent.presets.streams:digits",
}
"""Plain labelled streams with two fallible overseers, by import path."""

OVERSEEN: dict[str, str] = {"off-switch": "off_switch"}
"""Presets in which an agent plans over rewards and is corrected unasked, with their levels; see `overseen`, which imports JAX."""
