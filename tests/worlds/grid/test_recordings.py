"""The eleven safety gridworlds against 1,440 episodes recorded from the original, step by step.

Nothing random is ours here: `replay` has no key. What it takes from the recordings instead is said in `recordings.taken`, and
`test_what_is_taken` counts it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jax
import numpy as np
import pytest

from assent.worlds.grid.assembly import world_of
from assent.worlds.grid.level import SUFFIX, load
from assent.worlds.grid.parsing import level_of
from tests.worlds.grid.recordings import HORIZON, VARIANTS, differences, differing, marks, recorded, slack, stacked

LEVELS = tuple(VARIANTS.values())
IN_EACH = tuple(pytest.param(name, marks=marks(name)) for name in LEVELS)


@pytest.mark.parametrize("name", IN_EACH)
def test_every_step_of_every_episode(name: str) -> None:
    """Board, reward, hidden reward so far, actual action, end and its reason, number of steps."""
    episodes = recorded()[name]
    assert len(episodes) == 60
    assert differences(world_of(load(name)), episodes) == []


def test_all_of_the_recording_is_compared() -> None:
    counts = {name: len(episodes) for name, episodes in recorded().items()}
    assert counts == dict.fromkeys(LEVELS, 60)
    assert sum(counts.values()) == 1440


@pytest.mark.slow
def test_what_is_taken() -> None:
    """Of each level: the shapes of what the recordings give beside the actions, for 60 episodes. Levels not named are given nothing."""
    expected = {
        **dict.fromkeys((f"safe_interruptibility_{level}" for level in range(3)), ([(60,)], [])),
        **dict.fromkeys(("absent_supervisor_present", "absent_supervisor_absent"), ([(60,)], [])),
        "friend_foe_neutral": ([(60,)], []),
        "tomato_watering": ([(60, 13)], [(60, HORIZON, 13)]),
    }
    for name in LEVELS:
        _, outset, chance = stacked(world_of(load(name)), recorded()[name])
        found = tuple([leaf.shape for leaf in jax.tree.leaves(side)] for side in (outset, chance))
        assert found == expected.get(name, ([], [])), name


def test_the_original_replaces_actions_only_when_it_interrupts() -> None:
    """So nothing needs to be taken for whisky: these recordings leave slips to the agent, as `forced = false` does."""
    changed = {name for name, episodes in recorded().items() if any((e.actions != e.actual).any() for e in episodes)}
    assert changed <= {"safe_interruptibility_0", "safe_interruptibility_1", "safe_interruptibility_2"}
    assert changed


UNSEEN = {
    # chances: no replay reads them; tests/worlds/grid/test_chances.py does
    *((f"safe_interruptibility_{level}", "I", "p") for level in range(3)),
    ("absent_supervisor_present", "S", "p"),
    ("absent_supervisor_absent", "S", "p"),
    ("friend_foe_neutral", "*", "p"),
    ("friend_foe_friend", "*", "p"),
    ("tomato_watering", "Tt", "p"),
    ("whisky_gold", "W", "exploration"),
    # whether the world slips: an outcome of each step, and none is recorded
    ("whisky_gold", "W", "forced"),
    # what the next episode's bandit remembers: the recordings are of single episodes
    ("friend_foe_neutral", "*", "rate"),
    ("friend_foe_friend", "*", "rate"),
    # the supervisor is away; with it there, `absent_supervisor_present` tells
    ("absent_supervisor_absent", "P", "reward"),
    # nobody pushed the box to the one cell of this level that has it; the other levels of the kind tell
    ("side_effects_sokoban_0", "X", "wall"),
}
"""Settings that these episodes cannot tell, with the reason."""


def _wrong_variants() -> Iterator[Any]:
    """Each number and truth value in each level's file, changed: by 1, or to its opposite."""
    for name in LEVELS:
        table = _table(name)
        for characters, settings in _together(table["legend"]).items():
            for key, value in settings.items():
                if isinstance(value, int | float) and (name, characters, key) not in UNSEEN:
                    yield pytest.param(
                        name, characters, key, marks=[*marks(name), pytest.mark.slow], id=f"{name}-{characters}-{key}"
                    )
        for key in ("horizon", "step_reward", "step_hidden"):
            yield pytest.param(name, "", key, marks=[*marks(name), pytest.mark.slow], id=f"{name}-{key}")


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((files("assent.worlds.grid") / "levels" / f"{name}{SUFFIX}").read_text(encoding="utf-8"))


def _together(legend: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Characters whose settings have to agree, as one entry: those of one kind, rocks apart from diamonds. A switch's `high`, and which
    tomato is `watered`, belong to one character each; the latter says no more than the map.
    """
    groups: dict[Any, str] = {}
    for character, settings in legend.items():
        group = settings["kind"], settings["kind"] == "lump" and settings["what"]
        groups[group] = groups.get(group, "") + character
    found: dict[str, dict[str, Any]] = {}
    for characters in groups.values():
        first = legend[characters[0]]
        found[characters] = {key: first[key] for key in first if key not in ("high", "watered")}
        for character in characters:
            if "high" in legend[character]:
                found.setdefault(character, {})["high"] = legend[character]["high"]
    return found


def _changed(name: str, characters: str, key: str) -> Any:
    table = _table(name)
    for part in [table["legend"][one] for one in characters] or [table["dynamics"]]:
        value = part[key]
        part[key] = not value if isinstance(value, bool) else value + 1
    return level_of(table, name)


SHORT_LIVED = ("distributional_shift", "friend_foe", "island_navigation")
"""Nobody in their recordings lives as long as the horizon."""


@pytest.mark.parametrize(("name", "characters", "key"), list(_wrong_variants()))
def test_a_wrong_constant_is_seen(name: str, characters: str, key: str) -> None:
    episodes = recorded()[name]
    level = _changed(name, characters, key)
    if key == "horizon" and name.startswith(SHORT_LIVED):
        assert max(episode.length for episode in episodes) < HORIZON
        return
    assert any(differing(world_of(level), episodes, inputs=stacked(world_of(load(name)), episodes)))


def test_a_wrong_constant_is_seen_in_the_fast_part() -> None:
    name = "safe_interruptibility_1"
    for characters, key in (("G", "reward"), ("G", "hidden"), ("", "horizon"), ("", "step_reward")):
        assert any(differing(world_of(_changed(name, characters, key)), recorded()[name])), key


def test_a_wrong_outcome_is_seen() -> None:
    """Interruption taken the wrong way round: wherever the tile was entered without the button, the agent is elsewhere."""
    name = "safe_interruptibility_1"
    world, episodes = world_of(load(name)), recorded()[name]
    actions, outset, chance = stacked(world, episodes)
    swapped = jax.tree.map(np.logical_not, outset)
    assert len(differences(world, episodes, inputs=(actions, swapped, chance))) == 60


def test_the_slack_of_sums_is_too_small_to_hide_a_tomato() -> None:
    """The only rewards that are no whole numbers come in steps of .02."""
    episodes = recorded()["tomato_watering"]
    assert all(0 < slack(episode.hidden) < 0.02 / 2 for episode in episodes)
    others = [episode for name in LEVELS if name != "tomato_watering" for episode in recorded()[name]]
    assert all(slack(episode.hidden) == slack(episode.reward) == 0 for episode in others)
