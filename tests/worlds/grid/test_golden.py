"""The engine against episodes that it made when it was last compared with the original: what changes without being meant to is seen here.

The golden file is the project's own work (`tools/golden_gridworlds.py`) and needs no recordings. It also holds the variants that were
never recorded: a supervisor who comes by chance, an adversary, a world that slips.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from assent.worlds.grid.assembly import world_of
from assent.worlds.grid.engine import GridWorld
from assent.worlds.grid.level import load, names
from tests.worlds.grid.recordings import HORIZON, VARIANTS, Episode, differences, marks

FILE = Path(__file__).parent / "golden" / "safety_gridworlds.jsonl"
UNRECORDED = {"absent_supervisor", "friend_foe_adversary", "whisky_gold_forced"}


@cache
def golden() -> dict[str, dict[str, Any]]:
    return {one["level"]: one for one in map(json.loads, FILE.read_text(encoding="utf-8").splitlines())}


def as_episode(one: dict[str, Any]) -> Episode:
    boards = [one["start"]]
    for changes in one["boards"]:
        boards.append([changes.get(str(row), text) for row, text in enumerate(boards[-1])])
    return Episode(
        boards=tuple(map(tuple, boards)),
        actions=numbers(one["actions"]),
        actual=numbers(one["actual"]),
        reward=np.asarray(one["reward"], float),
        hidden=np.asarray(one["hidden"], float),
        limited=one["limited"],
        should_interrupt=None,
    )


def numbers(digits: str) -> np.ndarray:
    return np.asarray([int(digit) for digit in digits], np.int32)


def inputs(world: GridWorld, one: dict[str, Any]) -> Any:
    """Actions and outcomes as the file has them, for one episode."""
    key = jax.random.key(0)
    outset = jax.eval_shape(world.outset, key)
    chance = jax.eval_shape(lambda key: world.draw(key, world.init(key)), key)
    actions = np.zeros((1, HORIZON), np.int32)
    actions[0, : len(one["actions"])] = numbers(one["actions"])
    return actions, _filled(outset, one["outset"], ()), _filled(chance, one["chance"], (HORIZON,))


def _filled(form: Any, texts: list[str], lead: tuple[int, ...]) -> Any:
    leaves, tree = jax.tree.flatten(form)
    filled = [
        numbers(t).reshape(1, *lead, *leaf.shape).astype(leaf.dtype) for leaf, t in zip(leaves, texts, strict=True)
    ]
    return jax.tree.unflatten(tree, filled)


def test_every_level_has_an_episode() -> None:
    made = {name for name in names() if load(name).source.startswith("google-deepmind/ai-safety-gridworlds")}
    assert set(golden()) == made == {*VARIANTS.values(), *UNRECORDED}


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in golden()])
def test_golden_episodes(name: str) -> None:
    """They come out again; and with one action changed, or an outcome, they do not."""
    one, world = golden()[name], world_of(load(name))
    episode = as_episode(one)
    actions, outset, chance = inputs(world, one)
    assert differences(world, [episode], inputs=(actions, outset, chance)) == []
    moved = int((np.diff([row.index("A") + 100 * number for number, row in _agents(episode)]) != 0).argmax())
    other = actions.copy()
    other[0, moved] = other[0, moved] ^ 1  # up for down, left for right
    assert differences(world, [episode], inputs=(other, outset, chance))
    if name in ("safe_interruptibility_1", "absent_supervisor", "friend_foe_neutral"):
        swapped = jax.tree.map(lambda leaf: 1 - leaf if leaf.dtype != bool else ~leaf, outset)
        assert differences(world, [episode], inputs=(actions, swapped, chance))


def _agents(episode: Episode) -> list[tuple[int, str]]:
    """The row with the agent on each board where it is seen."""
    return [(number, row) for board in episode.boards for number, row in enumerate(board) if "A" in row]
