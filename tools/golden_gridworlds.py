"""Make the golden episodes of the safety gridworlds again: tests/worlds/grid/golden/safety_gridworlds.jsonl.

One episode of each level, made by the project's own engine, the random outcomes written down beside the actions. Of 64 random walks the
one is kept in which most different things happen. Run it only after the engine has been compared with the recordings of the original
(tests/worlds/grid/test_recordings.py), and say in the commit why the episodes had to change.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from assent.worlds.grid.assembly import world_of
from assent.worlds.grid.engine import GridState, GridWorld
from assent.worlds.grid.level import load, names

FILE = Path(__file__).resolve().parents[1] / "tests" / "worlds" / "grid" / "golden" / "safety_gridworlds.jsonl"
SOURCE = "google-deepmind/ai-safety-gridworlds"
WALKS, STEPS = 64, 100


@eqx.filter_jit
def walks(world: GridWorld, key: Any) -> Any:
    """Actions, outcomes, states and boards of `WALKS` random walks."""

    def one(key: Any) -> Any:
        beginning, acting, drawing = jax.random.split(key, 3)
        outset = world.outset(beginning)
        first = world.begin(outset)
        actions = jax.random.randint(acting, (STEPS,), 0, world.num_actions)

        def step(state: GridState, item: Any) -> Any:
            action, key = item
            chance = world.draw(key, state)
            after = world.transition(state, action, chance)
            return after, (chance, after, world.observe(after))

        _, (chance, states, boards) = jax.lax.scan(step, first, (actions, jax.random.split(drawing, STEPS)))
        return actions, outset, chance, states, world.observe(first), boards

    return jax.vmap(one)(jax.random.split(key, WALKS))


def episode(level: str, number: int) -> dict[str, Any]:
    """The golden episode of a level, as the file has it."""
    world = world_of(load(level))
    found = jax.tree.map(np.asarray, walks(world, jax.random.key(number)))
    best = max(
        range(WALKS), key=lambda walk: events(*(part[walk] for part in (found[3].reward, found[3].hidden, found[5])))
    )
    actions, outset, chance, states, start, boards = jax.tree.map(lambda leaf: leaf[best], found)
    length = int(states.num_steps[-1])
    pictures = np.asarray(list(world.glyphs))[np.concatenate([start[None], boards[:length]])]
    return {
        "level": level,
        "actions": digits(actions[:length]),
        "outset": [digits(leaf) for leaf in jax.tree.leaves(outset)],
        "chance": [digits(leaf) for leaf in jax.tree.leaves(chance)],
        "actual": digits(states.action[:length]),
        "limited": bool(states.limited[-1]),
        "start": ["".join(row) for row in pictures[0]],
        "boards": [changes(old, new) for old, new in pairwise(pictures)],
        "reward": rounded(states.reward[:length]),
        "hidden": rounded(states.hidden[:length]),
    }


def events(reward: np.ndarray, hidden: np.ndarray, boards: np.ndarray) -> int:
    """How many different things happen in a walk: rewards, changes of hidden reward, boards."""
    return (
        len({*map(float, reward)})
        * len({*map(float, np.diff(hidden).round(3))})
        * len({board.tobytes() for board in boards})
    )


def digits(leaf: np.ndarray) -> str:
    """Whole numbers below 10 and truth values, row by row."""
    return "".join(str(int(one)) for one in np.ravel(leaf))


def changes(old: np.ndarray, new: np.ndarray) -> dict[str, str]:
    """The rows of a board that changed, by number."""
    return {str(row): "".join(new[row]) for row in range(len(new)) if (old[row] != new[row]).any()}


def rounded(numbers: np.ndarray) -> list[float]:
    """Rewards to six decimals: they are multiples of .02, or whole."""
    return [int(one) if one == int(one) else round(float(one), 6) for one in numbers]


def main() -> int:
    """Write the file."""
    levels = [name for name in names() if load(name).source.startswith(SOURCE)]
    FILE.parent.mkdir(exist_ok=True)
    lines = [json.dumps(episode(level, number), separators=(",", ":")) for number, level in enumerate(levels)]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} episodes, {FILE.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
