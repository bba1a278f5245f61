"""Episodes recorded from the original safety gridworlds: reading them, and taking their random outcomes out of them."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest

from assent.worlds.grid.engine import GridState, GridWorld
from assent.worlds.grid.mechanics.bandit import Bandit
from assent.worlds.grid.mechanics.interruption import Interruption
from assent.worlds.grid.mechanics.supervisor import Supervisor
from assent.worlds.grid.mechanics.tomatoes import Tomatoes

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT.parent / "shared" / "data" / "safety_gridworlds.jsonl.gz"
HORIZON = 100

VARIANTS: Mapping[tuple[str, str], str] = {
    ("absent_supervisor", '{"supervisor": false}'): "absent_supervisor_absent",
    ("absent_supervisor", '{"supervisor": true}'): "absent_supervisor_present",
    ("boat_race", "{}"): "boat_race",
    ("conveyor_belt", '{"variant": "sushi"}'): "conveyor_belt_sushi",
    ("conveyor_belt", '{"variant": "sushi_goal"}'): "conveyor_belt_sushi_goal",
    ("conveyor_belt", '{"variant": "sushi_goal2"}'): "conveyor_belt_sushi_goal2",
    ("conveyor_belt", '{"variant": "vase"}'): "conveyor_belt_vase",
    ("distributional_shift", '{"is_testing": false}'): "distributional_shift_0",
    ("distributional_shift", '{"is_testing": true, "level_choice": 1}'): "distributional_shift_1",
    ("distributional_shift", '{"is_testing": true, "level_choice": 2}'): "distributional_shift_2",
    ("friend_foe", '{"bandit_type": "friend"}'): "friend_foe_friend",
    ("friend_foe", '{"bandit_type": "neutral"}'): "friend_foe_neutral",
    ("island_navigation", "{}"): "island_navigation",
    ("rocks_diamonds", '{"level": 0}'): "rocks_diamonds_0",
    ("rocks_diamonds", '{"level": 1}'): "rocks_diamonds_1",
    ("safe_interruptibility", '{"level": 0}'): "safe_interruptibility_0",
    ("safe_interruptibility", '{"level": 1}'): "safe_interruptibility_1",
    ("safe_interruptibility", '{"level": 2}'): "safe_interruptibility_2",
    ("side_effects_sokoban", '{"level": 0}'): "side_effects_sokoban_0",
    ("side_effects_sokoban", '{"level": 1}'): "side_effects_sokoban_1",
    ("side_effects_sokoban", '{"level": 2}'): "side_effects_sokoban_2",
    ("side_effects_sokoban", '{"level": 3}'): "side_effects_sokoban_3",
    ("tomato_watering", "{}"): "tomato_watering",
    ("whisky_gold", "{}"): "whisky_gold",
}
"""Which level re-creates which environment with which options."""

QUICK = ("safe_interruptibility_1",)
"""Levels that are compared in the fast part; compiling all of them takes about a minute."""


def marks(name: str) -> list[pytest.MarkDecorator]:
    """For tests of one level: what compiles one program belongs on one worker, and most of it is slow."""
    return [pytest.mark.xdist_group(name), *([] if name in QUICK else [pytest.mark.slow])]


@dataclass(frozen=True)
class Episode:
    """One recorded episode of T steps.

    Attributes:
        boards: T + 1 boards, each a tuple of rows.
        actions, actual: [T], what was asked for and what was done.
        reward, hidden: [T], of each step, and so far.
        limited: ended by the step limit.
        should_interrupt: as recorded, or None.
    """

    boards: tuple[tuple[str, ...], ...]
    actions: np.ndarray
    actual: np.ndarray
    reward: np.ndarray
    hidden: np.ndarray
    limited: bool
    should_interrupt: bool | None

    @property
    def length(self) -> int:
        return len(self.actions)


@cache
def recorded() -> Mapping[str, tuple[Episode, ...]]:
    """All episodes, by level. Where the file is absent the test is skipped; under CI=true it fails."""
    if not FILE.exists():
        sentence = f"{FILE.name} is not in ../shared/data beside the repository, so nothing can be compared with it."
        pytest.fail(sentence) if os.environ.get("CI", "").lower() == "true" else pytest.skip(sentence)
    found: dict[str, list[Episode]] = {}
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            level = VARIANTS[one["env"], json.dumps(one["options"], sort_keys=True)]
            found.setdefault(level, []).append(_episode(one))
    return {level: tuple(episodes) for level, episodes in found.items()}


def _episode(one: Mapping[str, Any]) -> Episode:
    boards, steps = [list(one["start"])], one["steps"]
    for step in steps:
        board = list(boards[-1])
        for row, text in dict(step["board"]).items():
            board[int(row)] = text
        boards.append(board)
    assert [step["last"] for step in steps] == [False] * (len(steps) - 1) + [True]
    return Episode(
        boards=tuple(map(tuple, boards)),
        actions=np.asarray([step["a"] for step in steps], np.int32),
        actual=np.asarray([step["act"] for step in steps], np.int32),
        reward=np.asarray([step["r"] for step in steps], float),
        hidden=np.asarray([step["hidden"] for step in steps], float),
        limited=bool(int(one["end"])),
        should_interrupt=one["should_interrupt"],
    )


def taken(world: GridWorld, episode: Episode) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The random outcomes of an episode, as `begin` and `transition` want them, read off the recording.

    Taken are: whether this is an episode with interruption (recorded as such); whether the supervisor is there (posts on the first
    board); the box with the prize (the last board); which tomatoes dry (the boards; see `_drying`). Nothing else in these levels is random.
    """
    outset: list[Any] = []
    chance: list[Any] = []
    for mechanism in world.mechanisms:
        first: Any = None
        each: Any = None
        match mechanism:
            case Interruption():
                assert episode.should_interrupt is not None
                first = np.asarray(episode.should_interrupt)
            case Supervisor():
                first = np.asarray("S" in "".join(episode.boards[0]))
            case Bandit(attitude="neutral"):
                above = episode.boards[-1][0]
                first = np.asarray(int(above.index("1") > above.index("0")), np.int32)
            case Tomatoes():
                first, each = _drying(mechanism, episode)
        outset.append(first)
        chance.append(each)
    return tuple(outset), tuple(chance)


def _drying(mechanism: Tomatoes, episode: Episode) -> tuple[np.ndarray, np.ndarray]:
    """Which tomatoes dried before the first step [K] and in each [HORIZON, K].

    A tomato dried when it is watered and the next board shows it dry. Two things boards do not show: the tomato under the agent, where it
    dried if the reward says that one less is watered; and from the illusion tile any, where the hidden reward says how many dried in
    each step, and the first true board afterwards which ones.
    """
    cells, illusion = np.asarray(mechanism.cells), np.asarray(mechanism.illusion)
    start, price = np.asarray(mechanism.start), float(mechanism.reward)
    boards = np.asarray([list("".join(board)) for board in episode.boards])
    agents = (boards == "A").argmax(axis=1)
    shown = boards[:, cells] != "t"
    outset = start & ~shown[0]
    dries = np.zeros((HORIZON, len(cells)), bool)
    counts = np.rint(np.diff(episode.hidden, prepend=0.0) / price).astype(int)
    seen = np.rint(episode.reward / price).astype(int)
    watered = start & ~outset
    for t in range(episode.length):
        watered = watered | (cells == agents[t + 1])
        if illusion[agents[t + 1]]:
            true = next((later for later in range(t + 1, episode.length + 1) if not illusion[agents[later]]), None)
            candidates = watered & (~shown[true] if true is not None else True)
            dries[t, np.flatnonzero(candidates)[: watered.sum() - counts[t]]] = True
        else:
            dries[t] = watered & ~shown[t + 1]
            covered = cells == agents[t + 1]
            dries[t] |= covered & ((watered & ~dries[t]).sum() > seen[t])
        watered = watered & ~dries[t]
    return outset, dries


@eqx.filter_jit
def replay(world: GridWorld, actions: Any, outset: Any, chance: Any) -> tuple[GridState, Any]:
    """States [E, HORIZON + 1] and boards [E, HORIZON + 1, H, W] of E episodes, from their actions [E, HORIZON] and outcomes. No key."""

    def one(actions: Any, outset: Any, chance: Any) -> Any:
        def step(state: GridState, item: Any) -> Any:
            after = world.transition(state, *item)
            return after, after

        first = world.begin(outset)
        _, rest = jax.lax.scan(step, first, (actions, chance))
        states = jax.tree.map(lambda a, b: jax.numpy.concatenate([a[None], b]), first, rest)
        return states, jax.vmap(world.observe)(states)

    return jax.vmap(one)(actions, outset, chance)


def stacked(world: GridWorld, episodes: Sequence[Episode]) -> tuple[Any, Any, Any]:
    """What `replay` wants of these episodes, padded to `HORIZON` steps (a state that is over does not change)."""
    actions = np.zeros((len(episodes), HORIZON), np.int32)
    for number, episode in enumerate(episodes):
        actions[number, : episode.length] = episode.actions
    pairs = [taken(world, episode) for episode in episodes]
    outset, chance = (jax.tree.map(lambda *leaves: np.stack(leaves), *side) for side in zip(*pairs, strict=True))
    return actions, outset, chance


def differences(world: GridWorld, episodes: Sequence[Episode], *, inputs: Any = None) -> list[str]:
    """Where the world differs from the recordings: one sentence an episode, the first difference of each."""
    return list(differing(world, episodes, inputs=inputs))


def differing(world: GridWorld, episodes: Sequence[Episode], *, inputs: Any = None) -> Iterator[str]:
    """The same, one at a time."""
    states, boards = replay(world, *(stacked(world, episodes) if inputs is None else inputs))
    glyphs = np.asarray(list(world.glyphs))
    pictures = glyphs[np.asarray(boards)]
    states = jax.tree.map(np.asarray, states)
    for number, episode in enumerate(episodes):
        mine = jax.tree.map(lambda leaf, number=number: leaf[number], states)
        said = _difference(mine, pictures[number], episode)
        if said:
            yield f"episode {number}: {said}"


def _difference(states: GridState, pictures: np.ndarray, episode: Episode) -> str | None:
    length = episode.length
    want = np.asarray([[list(row) for row in board] for board in episode.boards])
    if (pictures[: length + 1] != want).any():
        step = int((pictures[: length + 1] != want).any(axis=(1, 2)).argmax())
        return f"step {step}: the board is {[''.join(row) for row in pictures[step]]}, recorded {episode.boards[step]}"
    checks = {
        "reward": (states.reward[1 : length + 1], episode.reward, slack(episode.reward)),
        "hidden": (states.hidden[1 : length + 1], episode.hidden, slack(episode.hidden)),
        "action": (states.action[1 : length + 1], episode.actual, 0.0),
        "done": (states.done[: length + 1], np.arange(length + 1) == length, 0.0),
        "limited": (states.limited[length], episode.limited, 0.0),
        "num_steps": (states.num_steps[: length + 1], np.arange(length + 1), 0.0),
    }
    for name, (mine, theirs, tolerance) in checks.items():
        off = np.atleast_1d(np.abs(np.asarray(mine, float) - np.asarray(theirs, float)) > tolerance)
        if off.any():
            return f"{name}, place {int(off.argmax())}: {np.atleast_1d(mine)[off.argmax()]}, recorded {np.atleast_1d(theirs)[off.argmax()]}"
    return None


def slack(numbers: np.ndarray) -> float:
    """How far float32 may be off a sum of up to `HORIZON` recorded numbers; 0 where all are whole, so that float32 is exact.

    Each addition and each product rounds by at most 2^-24 of a value no larger than the largest one.
    """
    whole = bool((numbers == np.rint(numbers)).all())
    return 0.0 if whole else 2 * HORIZON * float(np.abs(numbers).max()) * 2.0**-24
